"""Traps that others have fallen into, and that ours has not.

The first four are of statsmodels, shown as they are: should one of these fail, it has been mended.
Of the others there is nothing to show, for we use none of the packages, so ours is held to what
each lacks: a clustered error of a Cox regression that costs no loop over rows (statsmodels), a
bootstrap that takes the weights of audits and gives intervals (wildboottest under pyfixest),
errors of a roll-out that add up by hand, and no tables on the screen (csdid), and a test of counts
for a threshold that rejects as often as it says (rddensity). marginaleffects, which fails with a
newer polars, is not asked at all: effects are worked out by us, and neither is needed.
"""

import sys
import tomllib
import tracemalloc
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from statsmodels.discrete.conditional_models import ConditionalLogit
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.treatment.treatment_effects import TreatmentEffect
from test_bunching import counted
from test_cox import cut, people
from test_estimates import audited_world, gaming_shares, inside_band, one_arm_each
from test_staggered import STARTS, panel

from incentives.estimates import bunching, gaming_effect, staggered_effect
from incentives.estimates.bootstrap import wild
from incentives.estimates.cox import Episodes, fit_cox
from incentives.estimates.inference import fit_binomial, shares
from incentives.estimates.resampling import Contrast, contrast_of

Array = npt.NDArray[np.float64]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20264)


def test_phreg_takes_the_time_of_entry_for_a_time_at_risk(rng: np.random.Generator) -> None:
    rows = people(rng, months=True)
    parts = cut(rows)
    whole = PHReg(rows.stop, rows.covariates, rows.events, ties="efron").fit().params

    def from_parts(later: float) -> Array:
        entry = parts.start + later
        model = PHReg(parts.stop, parts.covariates, parts.events, entry=entry, ties="efron")
        return np.asarray(model.fit().params)

    np.testing.assert_allclose(from_parts(1e-6), whole, rtol=1e-6)
    assert np.abs(from_parts(0.0) - whole).max() > 0.01


def test_conditional_logit_ignores_the_covariance_it_is_asked_for(
    rng: np.random.Generator,
) -> None:
    agent = np.repeat(np.arange(60), 10)
    x = rng.normal(size=600)
    taste = rng.normal(0.5, 2.0, 60)[agent]  # agents differ in their slope, so errors cluster
    y = (rng.logistic(size=600) + taste * x > 0).astype(float)
    model = ConditionalLogit(y, x[:, None], groups=agent)
    plain = model.fit(disp=False)
    clustered = model.fit(disp=False, cov_type="cluster", cov_kwds={"groups": agent})
    np.testing.assert_array_equal(clustered.bse, plain.bse)


def test_treatment_effects_want_six_covariates(rng: np.random.Generator) -> None:
    x = sm.add_constant(rng.normal(size=300))
    paid = (rng.uniform(size=300) < 0.5).astype(int)
    model = sm.OLS(1.0 + 0.5 * paid + x[:, 1] + rng.normal(size=300), x)
    chances = sm.Probit(paid, x).fit(disp=0)
    effect = TreatmentEffect(model, paid, results_select=chances)
    for method in (effect.ipw_ra, effect.aipw_wls):
        with pytest.raises(ValueError, match=r"\(6,\) not aligned"):
            method()


def test_freq_weights_shrink_the_error_of_audit_weights_and_var_weights_do_not(
    rng: np.random.Generator,
) -> None:
    n = 4000
    bonus = (np.arange(n) % 2).astype(float)
    weight = np.where(rng.uniform(size=n) < 0.5, 1.0, 8.0)
    gamed = (rng.uniform(size=n) < 0.2 + 0.05 * bonus).astype(float)
    X = np.column_stack([1 - bonus, bonus])
    share = X.T @ (weight * gamed) / (X.T @ weight)
    by_hand = np.sqrt(X.T @ (weight * (gamed - X @ share)) ** 2) / (X.T @ weight)

    def errors(**weights: Array) -> Array:
        family = sm.families.Binomial()
        model = sm.GLM(gamed, X, family=family, **weights)
        result = model.fit(tol=1e-12, cov_type="HC0")
        return np.asarray(result.bse * share * (1 - share))  # of the share, not of its logit

    np.testing.assert_allclose(errors(var_weights=weight), by_hand, rtol=1e-6)
    assert (errors(freq_weights=weight) < 0.9 * by_hand).all()
    single = np.arange(n)
    at_risk, events = np.zeros((n, 2)), np.zeros((n, 2))
    at_risk[single, bonus.astype(int)] = weight
    events[single, bonus.astype(int)] = weight * gamed
    ours = fit_binomial(events, at_risk).coefficients.influence
    np.testing.assert_allclose(np.sqrt((ours**2).sum(axis=0)), by_hand, rtol=1e-6)


# ── what other packages lack ─────────────────────────────────────────────────────────────────────


def spent(rows: Episodes) -> tuple[int, int]:
    """Count what a Cox fit with its sandwich calls, and the most memory it holds, in bytes."""
    calls = 0

    def counting(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        fit_cox(rows, 12)
    finally:
        sys.setprofile(None)
    tracemalloc.start()
    try:
        fit_cox(rows, 12)
        return calls, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("months", [True, False])
def test_a_clustered_error_of_a_cox_regression_loops_over_no_rows(
    rng: np.random.Generator, months: bool
) -> None:
    """Single moments are as many event times as leavers, months are few with many ties."""
    few, many = (people(rng, months=months, n=n) for n in (2_000, 16_000))
    (calls, memory), (more_calls, more_memory) = spent(few), spent(many)
    assert more_calls < 1.5 * calls  # a step or two more of Newton's
    assert more_memory < 1.5 * 8 * memory  # 64 times as much, were it quadratic


def weighted(events: Array, weight: Array) -> Contrast:
    apart = np.column_stack([np.arange(12) < 6, np.arange(12) >= 6]) * 1.0
    whole = weight[:, None] * apart
    return contrast_of(shares(events[:, None] * apart, whole), 1, weight=whole)


def test_the_wild_bootstrap_takes_the_weights_of_audits(rng: np.random.Generator) -> None:
    """Against other patterns by hand it is held in test_inference, weights and all."""
    level, weight = rng.uniform(0.1, 0.4, 12), rng.choice([1.0, 8.0], 12)

    def p(weight: Array) -> float:
        contrast = weighted(level * weight, weight)
        return wild(contrast, 9999, np.random.default_rng).p_value(contrast.value)

    assert p(8 * weight) == pytest.approx(p(weight), abs=1e-12)
    assert abs(p(np.ones(12)) - p(weight)) > 0.01


def test_the_wild_bootstrap_of_weighted_audits_has_an_interval(rng: np.random.Generator) -> None:
    world = audited_world(rng, one_arm_each(gaming_shares(rng, 12, 0.05)), unit="team")
    effect = gaming_effect(world, control="wage")
    drawn = effect.inference("wild", reps=499, rng=1).tidy()
    assert world.seen.audits["prob"].nunique() > 1
    assert np.isfinite(drawn[["conf_low", "conf_high", "p_value"]].to_numpy(float)).all()
    np.testing.assert_array_equal(drawn["estimate"], effect.tidy()["estimate"])


def test_errors_of_a_roll_out_add_up_by_hand_and_nothing_is_printed(
    rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    saves = rng.integers(5, 40, (8, 4)).astype(np.float64)
    effect = staggered_effect(panel(saves, STARTS), outcome="saved_logged")
    assert capsys.readouterr() == ("", "")
    moved = saves[:, 1] - saves[:, 0]  # six of two waves wait there, each wave a draw of its own
    waves = [(moved[:2], 1.0), (moved[2:5], 3 / 6), (moved[5:], 3 / 6)]
    by_hand = np.sqrt(sum(share**2 * part.var(ddof=1) / len(part) for part, share in waves))
    cells = effect.details["cells"].set_index(["wave", "month"])
    assert cells.loc[(1, 1), "std_error"] == pytest.approx(by_hand, rel=1e-12)


def test_counts_without_a_threshold_are_rejected_as_often_as_said(
    rng: np.random.Generator,
) -> None:
    """Counts are whole numbers, which a test of densities takes for heaps."""
    schemes, p = ["wage"] * 6 + ["target"] * 6, []
    window: dict[str, Any] = {"threshold": 8, "control": "wage", "below": 3, "above": 1}
    for _ in range(100):
        sales = rng.poisson(6.0, (12, 12)).astype(float)
        frame = bunching(counted(sales.tolist(), schemes), **window).tidy()
        found = frame[frame["estimator"] == "difference in bunching"].set_index("estimand")
        p.append(found.loc["excess", "p_value"])
    assert inside_band(int((np.array(p) > 0.05).sum()), len(p))


def test_none_of_these_packages_is_needed() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
    needed = " ".join(project["project"]["dependencies"])
    others = ("marginaleffects", "polars", "wildboottest", "csdid", "rddensity", "lifelines")
    assert not any(name in needed for name in others)
