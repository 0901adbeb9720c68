"""The Cox cross-check: against statsmodels where that is right, by hand, and cut in two."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from statsmodels.duration.hazard_regression import PHReg
from test_estimates import inside_band, leaving_world, one_arm_each, row_of

from incentives.estimates import churn_effect
from incentives.estimates.cox import Episodes, fit_cox
from incentives.estimates.inference import Carried

Array = npt.NDArray[np.float64]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20263)


def people(rng: np.random.Generator, *, months: bool, n: int = 600) -> Episodes:
    """Single customers of 12 teams, half of them treated, who leave in a month or at a moment."""
    cluster = rng.integers(0, 12, n)
    x = np.column_stack([cluster % 2, rng.normal(size=n)]).astype(float)
    rate = 0.15 * np.exp(0.4 * x[:, 0] - 0.3 * x[:, 1] + rng.normal(0, 0.3, 12)[cluster])
    lasts, seen = rng.exponential(1 / rate), rng.uniform(2, 9, n)
    stop = np.minimum(lasts, seen)
    left = (lasts <= seen).astype(float)
    return Episodes(
        np.zeros(n),
        np.ceil(stop) if months else stop,
        np.ones(n),
        left,
        x,
        cluster.astype(np.int64),
    )


def cut(rows: Episodes) -> Episodes:
    """Write every episode month by month."""
    parts = [
        (k, max(start, month), min(stop, month + 1.0))
        for k, (start, stop) in enumerate(zip(rows.start, rows.stop, strict=True))
        for month in np.arange(np.floor(start), np.ceil(stop))
    ]
    k = np.array([part[0] for part in parts])
    start, stop = (np.array([part[j] for part in parts]) for j in (1, 2))
    last = stop == rows.stop[k]
    return Episodes(
        start, stop, rows.n[k], rows.events[k] * last, rows.covariates[k], rows.cluster[k]
    )


def test_with_months_it_is_phreg_with_efrons_ties(rng: np.random.Generator) -> None:
    rows = people(rng, months=True)
    theirs = PHReg(rows.stop, rows.covariates, rows.events, ties="efron").fit()
    ours = fit_cox(rows, 12)
    assert ours.result.converged
    np.testing.assert_allclose(ours.result.params, theirs.params, rtol=1e-8)
    np.testing.assert_allclose(
        np.linalg.inv(ours.result.information), theirs.cov_params(), rtol=1e-8
    )


def test_with_moments_its_sandwich_is_phregs(rng: np.random.Generator) -> None:
    rows = people(rng, months=False)
    theirs = PHReg(rows.stop, rows.covariates, rows.events).fit(groups=rows.cluster)
    moved = fit_cox(rows, 12).coefficients.influence
    np.testing.assert_allclose(moved.T @ moved, theirs.cov_params(), rtol=1e-8)


def test_with_ties_the_sandwich_is_efrons_by_hand(rng: np.random.Generator) -> None:
    """Every customer's residual, death by death; statsmodels takes Breslow's residuals here."""
    rows = people(rng, months=True, n=150)
    fit = fit_cox(rows, 12)
    x, risk = rows.covariates, np.exp(rows.covariates @ fit.result.params)
    scores = np.zeros((12, 2))
    for u in np.unique(rows.stop[rows.events == 1]):
        inside, gone = rows.stop >= u, (rows.stop == u) & (rows.events == 1)
        deaths = int(gone.sum())
        for step in range(deaths):
            here = risk * (inside - gone * step / deaths)
            mean = here @ x / here.sum()
            part = gone[:, None] * (x - mean) / deaths - (here / here.sum())[:, None] * (x - mean)
            np.add.at(scores, rows.cluster, part)
    by_hand = np.linalg.solve(fit.result.information, scores.T).T
    np.testing.assert_allclose(fit.coefficients.influence, by_hand, atol=1e-12)
    np.testing.assert_allclose(scores.sum(axis=0), 0.0, atol=1e-9)


@pytest.mark.parametrize("months", [True, False])
def test_cutting_episodes_changes_nothing(rng: np.random.Generator, months: bool) -> None:
    rows = people(rng, months=months)
    whole, parts = fit_cox(rows, 12), fit_cox(cut(rows), 12)
    assert len(cut(rows).n) > 3 * len(rows.n)
    np.testing.assert_allclose(parts.result.params, whole.result.params, rtol=1e-10)
    np.testing.assert_allclose(
        parts.coefficients.influence, whole.coefficients.influence, atol=1e-12
    )


def test_counts_of_customers_give_what_single_ones_give(rng: np.random.Generator) -> None:
    single = people(rng, months=True)
    single = replace(single, covariates=single.covariates[:, :1])
    key = np.column_stack([single.stop, single.covariates[:, 0], single.cluster])
    kinds, which = np.unique(key, axis=0, return_inverse=True)
    n = np.bincount(which).astype(float)
    left = np.bincount(which, single.events)
    counts = Episodes(
        np.zeros(len(n)), kinds[:, 0], n, left, kinds[:, [1]], kinds[:, 2].astype(np.int64)
    )
    one, many = fit_cox(single, 12), fit_cox(counts, 12)
    np.testing.assert_allclose(many.result.params, one.result.params, rtol=1e-10)
    np.testing.assert_allclose(many.coefficients.influence, one.coefficients.influence, atol=1e-12)


# ── in the question it cross-checks ──────────────────────────────────────────────────────────────


def test_churn_effect_gives_the_ratio_of_single_customers(rng: np.random.Generator) -> None:
    hazards = 0.05 * rng.uniform(0.7, 1.3, (8, 1, 1, 1)) * np.array([1.0, 1.4])[:, None, None]
    teams = one_arm_each(hazards * np.ones((8, 2, 4, 1)))
    world = leaving_world(rng, teams, customers=80, unit="team")
    effect = churn_effect(world, control="wage", horizon=4)
    counts = world.seen.customers
    each = counts.loc[counts.index.repeat(counts["n"])]
    last = (each["n"] - each.groupby(level=0).cumcount() <= each["left"]).to_numpy()
    final = last | (each["month"] == 3).to_numpy()
    theirs = PHReg(
        each["month"][final] + 1,
        (each["scheme"][final] != "wage").to_numpy(float)[:, None],
        last[final].astype(float),
        ties="efron",
    ).fit()
    ours, grouped = (
        row_of(effect, "hazard_ratio", name) for name in ("Cox, Efron", "cloglog, proportional")
    )
    assert ours["estimate"] == pytest.approx(np.exp(theirs.params[0]), rel=1e-8)
    assert ours["estimate"] == pytest.approx(grouped["estimate"], abs=0.2 * grouped["std_error"])
    assert ours["std_error"] == pytest.approx(grouped["std_error"], rel=0.05)


def test_churn_effect_with_a_covariate_gives_the_ratio_of_single_customers(
    rng: np.random.Generator,
) -> None:
    """New customers leave more often, and the bonus has more of them: 3 in 5 against 2 in 5."""
    mix = {"new": (1.6, (40, 60)), "old": (0.5, (60, 40))}
    parts = []
    for band, (shift, customers) in mix.items():
        hazards = 0.05 * shift * rng.uniform(0.7, 1.3, (8, 1, 1, 1))
        hazards = hazards * np.array([1.0, 1.4])[:, None, None] * np.ones((8, 2, 4, 1))
        for arm, n in enumerate(customers):
            alone = one_arm_each(hazards)
            alone[1 - arm :: 2] = np.nan  # the teams of the other arm, which have another mix
            world = leaving_world(rng, alone, customers=n, unit="team")
            parts.append(world.seen.customers.assign(band=band))
    counts = pd.concat(parts, ignore_index=True)
    every = leaving_world(rng, one_arm_each(np.full((8, 2, 4, 1), 0.05)), unit="team")
    effect = churn_effect(
        every.changed(customers=counts), control="wage", horizon=4, covariates=["band"]
    )
    each = counts.loc[counts.index.repeat(counts["n"])]
    last = (each["n"] - each.groupby(level=0).cumcount() <= each["left"]).to_numpy()
    final = last | (each["month"] == 3).to_numpy()
    covariates = np.column_stack([each["scheme"] != "wage", each["band"] == "old"]).astype(float)
    theirs = PHReg(
        each["month"][final] + 1, covariates[final], last[final].astype(float), ties="efron"
    ).fit()
    ours = row_of(effect, "hazard_ratio", "Cox, Efron")
    assert ours["estimate"] == pytest.approx(np.exp(theirs.params[0]), rel=1e-8)
    crude = PHReg(
        each["month"][final] + 1, covariates[final, :1], last[final].astype(float), ties="efron"
    ).fit()
    assert abs(crude.params[0] - theirs.params[0]) > 0.1  # left out, the mix is taken for effect
    grouped = row_of(effect, "hazard_ratio", "cloglog, proportional")
    assert ours["estimate"] == pytest.approx(grouped["estimate"], abs=0.2 * grouped["std_error"])
    assert ours["std_error"] == pytest.approx(grouped["std_error"], rel=0.05)


def test_the_ratio_is_found_and_its_interval_holds_it_as_often_as_it_says() -> None:
    tries, known, held, single = 200, 0.4, 0, 0
    treated = np.arange(14) % 2
    found = np.zeros(tries)
    for k in range(tries):
        rng = np.random.default_rng([3, k])
        cumulative = 0.04 * np.exp(known * treated + rng.normal(0, 0.25, 14))
        n, left = np.full((14, 6), 800), np.zeros((14, 6))
        for month in range(6):
            left[:, month] = rng.binomial(n[:, month], 1 - np.exp(-cumulative))
            n[:, month + 1 :] = (n[:, month] - left[:, month])[:, None]
        start = np.tile(np.arange(6.0), 14)
        x, cluster = np.repeat(treated, 6)[:, None] * 1.0, np.repeat(np.arange(14), 6)
        rows = Episodes(start, start + 1, n.ravel() * 1.0, left.ravel(), x, cluster)
        fit = fit_cox(rows, 14)
        found[k] = fit.coefficients.value[0]
        error = fit.coefficients.std_error(Carried(14, 12, paired=False))[0]
        held += abs(found[k] - known) <= stats.t.ppf(0.975, 12) * error
        single += abs(found[k] - known) <= 1.96 / np.sqrt(fit.result.information[0, 0])
    # Efron's ties with months are biased by far less than the spread between teams.
    assert abs(found.mean() - known) < 4 * found.std() / np.sqrt(tries)
    assert inside_band(held, tries), held
    assert single < 0.7 * tries, single
