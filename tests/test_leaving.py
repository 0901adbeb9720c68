"""Leaving, month by month and reason by reason: by hand, by others' formulas, on known worlds."""

from collections.abc import Callable
from itertools import islice

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import worlds
from scipy import stats
from statsmodels.duration.survfunc import CumIncidenceRight
from test_estimates import World, inside_band, leaving_world, row_of

import incentives as inc
from incentives.estimates import Estimate, churn_effect, competing_risks
from incentives.estimates.competing import COUNTED, MODELLED, NAIVE

REASONS = ("contact", "silent")
Floats = npt.NDArray[np.float64]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20262)


@pytest.fixture
def left(rng: np.random.Generator) -> World:
    luck = rng.uniform(0.7, 1.3, (10, 1, 1, 1))
    hazards = np.array([[[0.10, 0.06]], [[0.04, 0.09]]]) * np.ones((2, 6, 1))
    return leaving_world(rng, luck * hazards, customers=500)


def mixed_world(
    rng: np.random.Generator,
    *,
    months: int = 4,
    apart: float = 0.3,
    effect: float = 0.4,
    teams: int = 16,
) -> World:
    """Make teams whose customers are short or long with the firm, unlike between the arms.

    Newer customers leave three times as often; the effect is a shift of the log hazard. The arms
    differ in how many of their customers are new, by `apart` on either side of a half.
    """
    parts = []
    for new in (True, False):
        rate = 0.02 * (3.0 if new else 1.0) * np.exp(rng.normal(0, 0.2, teams))
        hazard = 1 - np.exp(-rate[:, None, None, None] * np.exp([0.0, effect])[:, None, None])
        hazard = np.broadcast_to(hazard, (teams, 2, months, 1)).copy()
        hazard[::2, 1], hazard[1::2, 0] = np.nan, np.nan
        share = 0.5 + np.where(np.arange(teams) % 2, 1, -1) * apart * (1 if new else -1)
        for odd in (0, 1):
            own = hazard.copy()
            own[1 - odd :: 2] = np.nan
            customers = round(2000 * share[odd])
            world = leaving_world(rng, own, unit="team", customers=customers)
            parts.append(world.seen.customers.assign(band="new" if new else "old"))
    full = leaving_world(rng, hazard, unit="team", customers=10)
    return full.changed(customers=pd.concat(parts, ignore_index=True))


def mixed_truth(months: int = 4, effect: float = 0.4) -> float:
    """Give the effect on the mix of customers of both arms that is at risk in each month."""
    kept = np.ones(2)
    rates = np.array([[0.06, 0.02], [0.06, 0.02]]) * np.exp([[0.0], [effect]])
    alive = np.array([[0.2, 0.8], [0.8, 0.2]])  # by arm: new, old
    spread = np.exp(0.2**2 / 2)
    for _ in range(months):
        pooled = alive.sum(axis=0) / alive.sum()
        kept *= 1 - ((1 - np.exp(-spread * rates)) * pooled).sum(axis=1)
        alive *= np.exp(-spread * rates)
    return float(100 * (kept[0] - kept[1]))


# ── competing reasons: by hand, and against others' formulas ─────────────────────────────────────


def test_incidence_is_that_of_aalen_and_johansen_in_statsmodels(left: World) -> None:
    risks = competing_risks(left, control="wage", horizon=6)
    levels = risks.details["levels"].set_index(["term", "group", "estimator"])["estimate"]
    for arm, own in left.seen.customers.groupby("scheme"):
        rows = own.groupby("month")[["n", "left_contact", "left_silent"]].sum()
        time, status = [], []
        for month, row in rows.iterrows():
            for code, count in enumerate((row["left_contact"], row["left_silent"]), start=1):
                time += [month + 1] * int(count)
                status += [code] * int(count)
        stayed = int(rows["n"].iloc[-1]) - sum(t == 6 for t in time)
        theirs = CumIncidenceRight(np.array(time + [7] * stayed), np.array(status + [0] * stayed))
        for code, reason in enumerate(REASONS):
            mine = levels[arm, reason, COUNTED]
            assert mine == pytest.approx(100 * theirs.cinc[code][-1], rel=1e-9)


def test_with_one_reason_incidence_is_one_less_kaplan_meier_and_churn(
    rng: np.random.Generator,
) -> None:
    world = leaving_world(rng, np.full((8, 2, 5, 1), 0.08))
    risks, churn = (
        ask(world, control="wage", horizon=5) for ask in (competing_risks, churn_effect)
    )
    for estimator, group in ((COUNTED, ""), (COUNTED, "contact"), (NAIVE, "contact")):
        mine, theirs = row_of(risks, "incidence", estimator, group), row_of(churn, "churn")
        assert mine["estimate"] == pytest.approx(theirs["estimate"], abs=1e-9)
        assert mine["std_error"] == pytest.approx(theirs["std_error"], rel=1e-6)


def test_reasons_add_up_to_all_who_left_and_the_naive_readings_to_more(left: World) -> None:
    risks = competing_risks(left, control="wage", horizon=6)
    levels = risks.details["levels"]
    whole = levels[levels["group"] == ""].set_index("term")["estimate"]
    parts = levels[levels["group"] != ""].groupby(["estimator", "term"])["estimate"].sum()
    np.testing.assert_allclose(parts[COUNTED][whole.index], whole, rtol=1e-12)
    assert (parts[NAIVE][whole.index] > 1.05 * whole).all()
    assert not {c.name: c for c in risks.checks}["reasons hardly compete"].passed


def test_incidence_stays_below_a_hundred_where_the_naive_readings_exceed_it(
    rng: np.random.Generator,
) -> None:
    world = leaving_world(rng, np.full((8, 2, 8, 2), 0.2), customers=2000)
    levels = competing_risks(world, control="wage", horizon=8).details["levels"]
    parts = levels[levels["group"] != ""].groupby(["estimator", "term"])["estimate"].sum()
    assert (parts[COUNTED] <= 100).all()
    assert (parts[NAIVE] > 150).all()


def by_weight(
    world: World, ask: Callable[[World], Estimate], cell: Callable[[Estimate], float]
) -> Floats:
    """Give the derivative of an estimate by the weight of each team."""
    pulls = []
    counts = world.seen.customers
    columns = [name for name in counts if name == "n" or name.startswith("left")]
    for team in np.unique(counts["home_team"]):
        ends = []
        for weight in (1.001, 0.999):
            factor = np.where(counts["home_team"] == team, weight, 1.0)
            scaled = counts.astype(dict.fromkeys(columns, float))
            scaled[columns] = scaled[columns].mul(factor, axis=0)
            ends.append(cell(ask(world.changed(customers=scaled))))
        pulls.append((ends[0] - ends[1]) / 0.002)
    return np.array(pulls)


def test_errors_of_incidence_agree_with_a_numerical_derivative(left: World) -> None:
    def ask(world: World) -> Estimate:
        return competing_risks(world, control="wage", horizon=6)

    for estimator in (COUNTED, NAIVE):
        pull = by_weight(
            left, ask, lambda e, by=estimator: row_of(e, "incidence", by, "silent")["estimate"]
        )
        error = row_of(ask(left), "incidence", estimator, "silent")["std_error"]
        assert error == pytest.approx(np.sqrt((pull**2).sum() * 10 / 9), rel=1e-4)


def test_reasons_that_do_not_add_up_are_refused(left: World) -> None:
    customers = left.seen.customers
    with pytest.raises(ValueError, match=r"must add up to customers\.left.*left_other"):
        competing_risks(
            left.changed(customers=customers.drop(columns="left_silent")),
            control="wage",
            horizon=6,
        )
    bare = customers.drop(columns=["left_silent", "left_contact"])
    with pytest.raises(ValueError, match="no reasons of leaving: give a column for each"):
        competing_risks(left.changed(customers=bare), control="wage", horizon=6)


def test_a_firms_own_reasons_are_read(left: World) -> None:
    names = {"left_silent": "left_moved house", "left_contact": "left_price"}
    own = left.changed(customers=left.seen.customers.rename(columns=names))
    risks = competing_risks(own, control="wage", horizon=6)
    assert risks.glance()["reasons"].item() == "moved house, price"
    assert set(risks.details["curves"]["group"]) == {"price", "moved house"}
    assert "price -" in risks.summary().splitlines()[-1]


# ── covariates ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ask", [churn_effect, competing_risks])
def test_a_covariate_that_is_the_same_for_all_changes_nothing(
    left: World, ask: Callable[..., Estimate]
) -> None:
    same = left.changed(customers=left.seen.customers.assign(band="all"))
    crude = ask(left, control="wage", horizon=6).tidy().set_index(["estimand", "group"])
    given = ask(same, control="wage", horizon=6, covariates=["band"]).tidy()
    first = given.iloc[0]
    assert first["estimate"] == pytest.approx(crude["estimate"].iloc[0], rel=1e-6)
    assert first["std_error"] == pytest.approx(crude["std_error"].iloc[0], rel=1e-6)


def test_errors_of_standardised_churn_agree_with_a_numerical_derivative(
    rng: np.random.Generator,
) -> None:
    world = mixed_world(rng, teams=8)

    def ask(world: World) -> Estimate:
        return churn_effect(world, control="wage", horizon=4, covariates=["band"])

    pull = by_weight(world, ask, lambda e: row_of(e, "churn")["estimate"])
    error = row_of(ask(world), "churn")["std_error"]
    assert error == pytest.approx(np.sqrt((pull**2).sum() * 8 / 6), rel=1e-4)


def test_another_mix_of_customers_fools_the_crude_reading_and_not_the_standardised() -> None:
    tries, truth, found, crude = 40, mixed_truth(), [], []
    hits = 0
    for k in range(tries):
        world = mixed_world(np.random.default_rng([7, k]))
        row = row_of(churn_effect(world, control="wage", horizon=4, covariates=["band"]), "churn")
        hits += row["conf_low"] <= truth <= row["conf_high"]
        found.append(row["estimate"])
        crude.append(row_of(churn_effect(world, control="wage", horizon=4), "churn")["estimate"])
    error = np.std(found, ddof=1) / np.sqrt(tries)
    assert abs(np.mean(found) - truth) < 4 * error
    assert np.mean(crude) - truth > 10 * error
    assert inside_band(hits, tries), hits


def test_covariates_make_reasons_add_up_too(rng: np.random.Generator) -> None:
    world = mixed_world(rng, teams=8)
    customers = world.seen.customers
    half = np.floor(customers["left"] / 2)
    world = world.changed(
        customers=customers.assign(left_contact=half, left_silent=customers["left"] - half)
    )
    risks = competing_risks(world, control="wage", horizon=4, covariates=["band"])
    parts = [row_of(risks, "incidence", MODELLED, reason)["estimate"] for reason in REASONS]
    whole = row_of(risks, "incidence", MODELLED)["estimate"]
    assert sum(parts) == pytest.approx(whole, abs=1e-9)
    churn = churn_effect(world, control="wage", horizon=4, covariates=["band"])
    error = row_of(churn, "churn")["std_error"]
    assert row_of(churn, "churn")["estimate"] == pytest.approx(whole, abs=error / 10)


def test_a_kind_of_customer_that_an_arm_lacks_fails_a_check(rng: np.random.Generator) -> None:
    world = mixed_world(rng, teams=8)
    customers = world.seen.customers
    lacking = customers[(customers["scheme"] != "wage") | (customers["band"] == "old")]
    effect = churn_effect(
        world.changed(customers=lacking), control="wage", horizon=4, covariates=["band"]
    )
    assert not {c.name: c for c in effect.checks}["every kind of customer in each arm"].passed


def test_a_covariate_that_is_not_there_is_named(left: World) -> None:
    with pytest.raises(KeyError, match="customers lacks the column 'bnad'"):
        churn_effect(left, control="wage", horizon=6, covariates=["bnad"])


# ── long horizons ────────────────────────────────────────────────────────────────────────────────


def test_beyond_two_years_a_spline_stands_for_the_months(rng: np.random.Generator) -> None:
    month = np.arange(36)
    base = 0.012 + 0.02 * np.exp(-month / 6)
    hazards = np.stack([base, 1 - (1 - base) ** 1.4])[None, :, :, None] * np.ones((10, 1, 1, 1))
    world = leaving_world(rng, hazards, customers=1500)
    effect = churn_effect(world, control="wage", horizon=36)
    assert effect.fits["free"].params.size == 2 * 9
    kept = np.cumprod(1 - hazards[0, :, :, 0], axis=1)
    truth = {"churn": 100 * (kept[0] - kept[1])[-1], "months_retained": (kept[1] - kept[0]).sum()}
    for name, known in truth.items():
        found = row_of(effect, name)
        assert found["estimate"] == pytest.approx(known, abs=4 * found["std_error"])
    ratio = row_of(effect, "hazard_ratio")
    assert ratio["conf_low"] < 1.4 < ratio["conf_high"]
    curve = effect.details["curves"].query("scheme == 'wage'")["share"].to_numpy()[1:]
    np.testing.assert_allclose(curve, kept[0], atol=0.015)
    short = churn_effect(world, control="wage", horizon=24)
    assert short.fits["free"].params.size == 2 * 24


# ── worlds of the simulator ──────────────────────────────────────────────────────────────────────


def twin_records() -> inc.Records:
    """Give the records behind `worlds.truth("gamed")`: all teams paid for saves, or none."""
    both = list(worlds.contractor().vary(scheme=worlds.SCHEMES))
    months = worlds.MONTHS
    return worlds._kept("gamed-twins", lambda: worlds._run(both, 24, months))


def lost_by_reason(records: inc.Records) -> pd.DataFrame:
    """Give, for each twin, the effect on customers lost for a reason per 100 at the start."""
    customers = records.customers[records.customers["initial"]]
    start = customers[customers["month"] == 0].groupby("run")["n"].sum()
    gone = customers.groupby("run")[["left", *(f"left_{name}" for name in REASONS)]].sum()
    per_100 = 100 * gone.div(start, axis=0)
    runs = records.runs.set_index("run")
    keys = [runs["replication"], runs["scheme"].astype(str)]
    wide = per_100.groupby([key.loc[per_100.index] for key in keys]).mean()
    return wide.xs("retention", level="scheme") - wide.xs("wage", level="scheme")


def by_world(ask: Callable[..., Estimate], records: inc.Records) -> pd.DataFrame:
    tables = [
        ask(world, control="wage", horizon=worlds.MONTHS).tidy() for world in worlds.each(records)
    ]
    return pd.concat(tables, ignore_index=True)


@pytest.mark.slow
def test_in_simulated_worlds_reasons_of_leaving_are_found_and_covered() -> None:
    # Truth: all teams paid for saves against none, over initial customers, from the twins.
    twins = lost_by_reason(twin_records())
    found = by_world(competing_risks, worlds.trial("gamed"))
    for reason in ("", *REASONS):
        gap = twins["left" if reason == "" else f"left_{reason}"]
        rows = found[(found["group"] == reason) & (found["estimator"] == COUNTED)]
        truth, noise = gap.mean(), gap.std(ddof=1) / np.sqrt(len(gap))
        error = np.hypot(rows["estimate"].std(ddof=1) / np.sqrt(len(rows)), noise)
        assert abs(rows["estimate"].mean() - truth) < 4 * error, (reason, truth)
        covered = (rows["conf_low"] <= truth) & (truth <= rows["conf_high"])
        assert inside_band(int(covered.sum()), len(rows)), (reason, covered.mean())


@pytest.mark.slow
def test_in_simulated_worlds_the_risk_and_the_months_are_covered() -> None:
    twins = worlds.truth("gamed")
    found = by_world(churn_effect, worlds.trial("gamed"))
    found = found[(found["group"] == "") & (found["estimator"] == "cloglog, free by month")]
    for name in ("churn", "months_retained"):
        rows, truth = found[found["estimand"] == name], twins.effect(name)
        spread = rows["estimate"].std(ddof=1) / np.sqrt(len(rows))
        error = np.hypot(spread, twins.mc_error(name))
        assert abs(rows["estimate"].mean() - truth) < 4 * error, name
        covered = (rows["conf_low"] <= truth) & (truth <= rows["conf_high"])
        assert inside_band(int(covered.sum()), len(rows)), (name, covered.mean())


@pytest.mark.slow
def test_between_teams_under_one_scheme_there_is_no_effect_to_find() -> None:
    # The control teams of each world, parted at random into two arms of the same scheme.
    hits = tries = 0
    for k, world in enumerate(islice(worlds.each(worlds.trial("gamed")), 60)):
        plain = world.assignments[world.assignments["scheme"].astype(str) == "wage"]
        chosen = np.random.default_rng([9, k]).permutation(plain["unit_id"])[::2]
        parted = {
            "assignments": plain.assign(scheme=_again(plain["unit_id"], chosen)),
            "customers": world.customers[world.customers["scheme"].astype(str) == "wage"],
        }
        own = parted["customers"]
        parted["customers"] = own.assign(scheme=_again(own["home_team"], chosen))
        split = inc.Records(**{**world.frames(), **parted})
        row = competing_risks(split, control="wage", horizon=worlds.MONTHS).tidy().iloc[0]
        hits += row["conf_low"] <= 0 <= row["conf_high"]
        tries += 1
    assert inside_band(hits, tries), hits


def _again(team: "pd.Series[int]", chosen: npt.NDArray[np.int64]) -> pd.Categorical:
    return pd.Categorical(np.where(team.isin(chosen), "wage again", "wage"))


def test_a_twin_is_answered_with_its_own_truth() -> None:
    records = twin_records()
    risks = competing_risks(records, control="wage", horizon=worlds.MONTHS)
    gap = lost_by_reason(records)
    for reason in REASONS:
        row, twin = row_of(risks, "incidence", COUNTED, reason), gap[f"left_{reason}"]
        assert row["estimate"] == pytest.approx(twin.mean(), abs=1e-3)
        assert row["std_error"] == pytest.approx(stats.sem(twin), rel=0.02)
