"""A regression whose outcome is logged by those it pays: by hand, on known worlds, and refusals."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import worlds
from scipy import special
from test_estimates import World, inside_band, made, row_of

import incentives as inc
from incentives.estimates import Estimate, misclassified_effect, true_effect
from incentives.estimates.misclassified import Counted, Model, _count, _kinds, _standardised
from incentives.estimates.two_phase import KPIS

SLOPES = (-1.0, -0.3, 0.4, 1.1)  # log-odds of a true save by the customer's plan
SCHEME = 0.10  # what the scheme adds to them
FALSE = {"wage": 0.02, "bonus": 0.18}  # chance that a cancellation is logged as a save
MISSING = 0.03
TEAMS = 24


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20264)


def logged_world(
    rng: np.random.Generator,
    *,
    contacts: int = 20_000,
    share: float = 0.05,
    false: dict[str, float] = FALSE,
    teams: float = 0.15,
) -> World:
    """Make wishes to cancel of four plans, half the teams under each scheme, logged with errors.

    Logged saves are audited three times as often as the others.
    """
    rows, of_team = [], {}
    each = contacts // (TEAMS * len(SLOPES))
    for team in range(TEAMS):
        scheme = ("wage", "bonus")[team % 2]
        of_team[team] = scheme
        luck = rng.normal(0, teams)
        for plan, slope in enumerate(SLOPES):
            p = special.expit(slope + SCHEME * (scheme == "bonus") + luck)
            saved = rng.binomial(each, p)
            missed = rng.binomial(saved, MISSING)
            lied = rng.binomial(each - saved, false[scheme])
            rows += [
                (team, scheme, str(plan), "saved", "saved", saved - missed, 1.5 * share),
                (team, scheme, str(plan), "cancelled", "saved", missed, 0.5 * share),
                (team, scheme, str(plan), "saved", "cancelled", lied, 1.5 * share),
                (
                    team,
                    scheme,
                    str(plan),
                    "cancelled",
                    "cancelled",
                    each - saved - lied,
                    0.5 * share,
                ),
            ]
    names = ["team", "scheme", "plan", "logged_outcome", "found_outcome", "n", "prob"]
    frame = pd.DataFrame(rows, columns=names).assign(run=0, month=0, reason="cancel")
    frame["agent"] = frame["team"]
    frame["found"] = np.where(frame["logged_outcome"] == frame["found_outcome"], "none", "G1")
    audits = frame.loc[frame.index.repeat(rng.binomial(frame["n"], frame["prob"]))]
    audits = audits.reset_index(drop=True).assign(contact=lambda each: each.index)
    return made(
        {0: "assigned"},
        replications={0: 0},
        unit="team",
        schemes_of_units=of_team,
        cells=frame.drop(columns=["prob", "found", "found_outcome"]),
        audits=audits.drop(columns="n"),
    )


def average_effect() -> float:
    """The truth in points, over the luck of teams, by Gauss and Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    weights = weights / weights.sum()
    odds = np.array(SLOPES)[:, None] + 0.15 * nodes
    gap = special.expit(odds + SCHEME) - special.expit(odds)
    return float(100 * (gap @ weights).mean())


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────


def test_scores_are_the_derivative_of_the_likelihood(rng: np.random.Generator) -> None:
    contacts = (rng.integers(50, 90, (6, 2, 3)).astype(float) for _ in range(2))
    audits = (rng.integers(1, 9, (6, 2, 3)).astype(float) for _ in range(4))
    counted = Counted(*contacts, *audits)
    model = Model(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.arange(2))
    theta = np.array([-0.5, 0.2, 0.3, -0.4, 0.1, 0.2, 0.05, 0.1])
    total, h = counted.total(), 1e-6
    numeric = [
        (model.likelihood(theta + h * e, total) - model.likelihood(theta - h * e, total)) / (2 * h)
        for e in np.eye(8)
    ]
    np.testing.assert_allclose(model.scores(theta, counted).sum(axis=0), numeric, rtol=1e-6)


def test_without_covariates_it_is_what_two_phases_say(rng: np.random.Generator) -> None:
    world = logged_world(rng)
    ours = row_of(
        misclassified_effect(world, control="wage"), "save_rate_true", "misclassification"
    )
    theirs = row_of(true_effect(world, control="wage"), "save_rate_true", "two-phase")
    assert ours["estimate"] == pytest.approx(theirs["estimate"], rel=1e-5)
    assert ours["std_error"] == pytest.approx(theirs["std_error"], rel=1e-3)


def test_it_agrees_with_the_logit_of_the_audits_and_is_surer(rng: np.random.Generator) -> None:
    import statsmodels.api as sm

    world = logged_world(rng, share=0.3)
    effect = misclassified_effect(world, control="wage", covariates=["plan"])
    errors = effect.details["errors"].set_index("scheme")["false_per_100"]
    assert errors["bonus"] == pytest.approx(18, abs=2)
    audits = world.seen.audits
    design = pd.get_dummies(audits["plan"], drop_first=True, dtype=float)
    design.insert(0, "bonus", (audits["scheme"] == "bonus").astype(float))
    model = sm.GLM(
        (audits["found_outcome"] == "saved").astype(float),
        sm.add_constant(design),
        family=sm.families.Binomial(),
        var_weights=1 / audits["prob"],
    )
    with pytest.warns(sm.tools.sm_exceptions.SpecificationWarning):
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": audits["team"].to_numpy()})
    row = row_of(effect, "log_odds")
    assert abs(row["estimate"] - fit.params["bonus"]) < 2 * fit.bse["bonus"]
    assert row["std_error"] < 1.1 * fit.bse["bonus"]


# ── known worlds ─────────────────────────────────────────────────────────────────────────────────


@cache
def answers() -> tuple[Estimate, ...]:
    made_worlds = (logged_world(np.random.default_rng([6, k])) for k in range(30))
    return tuple(misclassified_effect(w, control="wage", covariates=["plan"]) for w in made_worlds)


def test_the_effect_is_found_and_covered_and_the_log_is_fooled() -> None:
    truth, tries = average_effect(), len(answers())
    rows = pd.DataFrame([row_of(a, "save_rate_true", "misclassification") for a in answers()])
    error = rows["estimate"] - truth
    assert abs(error.mean()) < 3.5 * error.std() / np.sqrt(tries)
    hits = ((rows["conf_low"] <= truth) & (truth <= rows["conf_high"])).sum()
    assert inside_band(int(hits), tries)
    naive = pd.DataFrame([row_of(a, "save_rate_true", "naive logit") for a in answers()])
    assert (naive["conf_low"] > truth).mean() > 0.8
    odds = pd.DataFrame([row_of(a, "log_odds") for a in answers()])["estimate"]
    held = [row_of(a, "log_odds") for a in answers()]
    hits = sum(row["conf_low"] <= SCHEME <= row["conf_high"] for row in held)
    assert inside_band(int(hits), tries)
    assert abs(odds.mean() - SCHEME) < 3.5 * odds.std() / np.sqrt(tries) + 0.005  # teams' luck
    agreed = [
        {c.name: c for c in a.checks}["agrees with the audits alone"].passed for a in answers()
    ]
    assert np.mean(agreed) > 0.9


def test_one_chance_of_errors_for_all_schemes_keeps_the_bias() -> None:
    pooled, truth = [], average_effect()
    for k in range(8):
        seen = logged_world(np.random.default_rng([6, k])).seen
        plan = inc.estimates.comparison.compare_arms(seen, seen.cells, by="scheme", control="wage")
        kinds, columns = _kinds(seen.cells, ["plan"])
        counted = _count(plan, KPIS["save_rate"], seen.cells, seen.audits, kinds)
        model = Model(columns, np.zeros(2, dtype=np.int64))
        levels = _standardised(model, model.fit(counted), counted.noted + counted.other)
        pooled.append(100 * levels.difference(1, 0).value[0])
    assert np.mean(pooled) > truth + 4 * np.std(pooled, ddof=1) / np.sqrt(8)
    assert np.mean(pooled) > 3 * truth


def test_a_log_without_errors_needs_no_correction() -> None:
    for k in range(4):
        world = logged_world(np.random.default_rng([7, k]), false={"wage": 0.0, "bonus": 0.0})
        cells = world.seen.cells.copy()
        cells["logged_outcome"] = cells["logged_outcome"].mask(cells.index % 4 == 1, "saved")
        audits = world.seen.audits[world.seen.audits["found"] == "none"]
        effect = misclassified_effect(
            world.changed(cells=cells, audits=audits), control="wage", covariates=["plan"]
        )
        ours, naive = (
            row_of(effect, "save_rate_true", name) for name in ("misclassification", "naive logit")
        )
        assert ours["estimate"] == pytest.approx(naive["estimate"], abs=1e-4)
        assert ours["std_error"] == pytest.approx(naive["std_error"], rel=1e-3)


def test_simulated_saves_are_found_and_a_wrong_model_is_told() -> None:
    oracle = worlds.oracle("gamed")
    audits = oracle.audits
    kind = audits["true_gaming"].astype(str)
    share = (audits["found"].astype(str) == kind).groupby(kind).mean()
    cells = oracle.cells[oracle.cells["logged_outcome"] != "abandoned"]
    found = (cells["logged_outcome"] == "saved") * 1.0
    missed = 1 - cells["true_gaming"].astype(str).map(share).to_numpy()
    found *= np.where(cells["true_outcome"] == "saved", 1.0, missed)  # what audits would find
    keys = [cells["run"], cells["scheme"].astype(str)]
    rate = 100 * (cells["n"] * found).groupby(keys).sum() / cells["n"].groupby(keys).sum()
    truth = rate.xs("retention", level=1) - rate.xs("wage", level=1)
    tries, told, rows = 20, [], []
    for k, firm in zip(range(tries), worlds.each(worlds.trial("gamed")), strict=False):
        effect = misclassified_effect(firm, control="wage", outcome="saves")
        rows.append(row_of(effect, "saves_true", "misclassification"))
        if k < 3:  # saves are invented of questions most: the chance hangs on the reason
            wrong = misclassified_effect(
                firm, control="wage", outcome="saves", covariates=["reason"]
            )
            told.append(len([c for c in wrong.checks if not c.passed]) > 0)
    frame = pd.DataFrame(rows)
    error = frame["estimate"].to_numpy() - truth.to_numpy()[:tries]
    assert abs(error.mean()) < 3.5 * error.std(ddof=1) / np.sqrt(tries)
    hits = ((frame["conf_low"] <= truth.mean()) & (truth.mean() <= frame["conf_high"])).sum()
    assert inside_band(int(hits), tries)
    assert all(told)


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


def test_without_audits_it_refuses_unless_the_shape_of_a_curve_is_typed(
    rng: np.random.Generator,
) -> None:
    world = logged_world(rng)
    blind = world.changed(audits=world.seen.audits.iloc[:0])
    with pytest.raises(ValueError, match=r"no audits, .* type identify='functional_form'"):
        misclassified_effect(blind, control="wage", covariates=["plan"])
    with pytest.raises(ValueError, match="'functional_form' needs covariates"):
        misclassified_effect(blind, control="wage", identify="functional_form")
    effect = misclassified_effect(
        blind, control="wage", covariates=["plan"], identify="functional_form"
    )
    assert not {c.name: c for c in effect.checks}["rests on audits"].passed
    with pytest.raises(ValueError, match="identify must be"):
        misclassified_effect(world, control="wage", identify="none")  # type: ignore[arg-type]


def test_kinds_that_were_never_audited_are_refused(rng: np.random.Generator) -> None:
    world = logged_world(rng)
    audits = world.seen.audits
    wage = audits["scheme"] == "wage"
    some = audits[~(wage & (audits["logged_outcome"] == "saved"))]
    with pytest.raises(ValueError, match="no audits of contacts logged as saves under 'wage'"):
        misclassified_effect(world.changed(audits=some), control="wage")
    with pytest.raises(KeyError, match="cells lacks the column 'colour'"):
        misclassified_effect(world, control="wage", covariates=["colour"])
    with pytest.raises(ValueError, match="contacts of a kind that cells do not: 9"):
        misclassified_effect(
            world.changed(audits=audits.assign(plan="9")), control="wage", covariates=["plan"]
        )


def test_the_answer_keeps_the_contract(rng: np.random.Generator) -> None:
    answer = misclassified_effect(logged_world(rng), control="wage", covariates=["plan"])
    back = Estimate.from_dict(answer.to_dict())
    pd.testing.assert_frame_equal(back.tidy(), answer.tidy(), check_dtype=False)
    assert len(answer.summary().splitlines()) <= 25
    assert "against 'wage'" in answer.plot().get_xlabel()
    assert len(answer.glance()) == 1


def half_blind(world: World, rng: np.random.Generator, chance: float) -> World:
    """Let audits recognise a contact that was logged wrongly only with a chance."""
    audits = world.seen.audits.copy()
    unmet = (audits["found"] != "none") & (rng.random(len(audits)) > chance)
    audits.loc[unmet, "found_outcome"] = audits.loc[unmet, "logged_outcome"]
    audits.loc[unmet, "found"] = "none"
    return world.changed(audits=audits)


def test_what_audits_do_not_recognise_is_made_good_by_the_chance_that_they_do(
    rng: np.random.Generator,
) -> None:
    def answer(world: World, **settings: float) -> float:
        found = misclassified_effect(world, control="wage", covariates=["plan"], **settings)
        return float(found.tidy()["estimate"].iloc[0])

    off: dict[str, list[float]] = {"told": [], "not told": []}
    for _ in range(16):
        sharp = logged_world(rng)
        blind, whole = half_blind(sharp, rng, 0.6), answer(sharp)
        off["told"].append(answer(blind, detection=0.6) - whole)
        off["not told"].append(answer(blind) - whole)
    told, naive = np.array(off["told"]), np.array(off["not told"])
    assert abs(told.mean()) < 3.3 * told.std(ddof=1) / np.sqrt(len(told))
    assert naive.mean() > 2.0, "points of lies that pass for saves"
