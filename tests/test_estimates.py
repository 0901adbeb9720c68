"""The estimates: by hand, against others' formulas, on known worlds, and where they must refuse."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import statsmodels.api as sm
from matplotlib.collections import PathCollection
from scipy import stats

import incentives as inc
from incentives.estimates import Estimate, churn_effect, gaming_effect
from incentives.estimates.inference import Estimated, fit_binomial, shares
from incentives.estimates.result import TIDY_COLUMNS
from incentives.estimates.two_phase import chosen, contradicted

Unit = Literal["world", "team", "agent"]
FRAMES = ("runs", "assignments", "audits", "cells", "customers")


# ── worlds made by hand ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Seen:
    """What an analyst may read."""

    runs: pd.DataFrame
    assignments: pd.DataFrame
    audits: pd.DataFrame
    cells: pd.DataFrame
    customers: pd.DataFrame

    def seen_by(self, role: str, /) -> "Seen":
        assert role == "analyst"
        return self


@dataclass(frozen=True)
class World:
    """Records whose frames can be had through `seen_by` alone."""

    seen: Seen

    def seen_by(self, role: str, /) -> Seen:
        return self.seen.seen_by(role)

    def changed(self, **frames: pd.DataFrame) -> "World":
        return World(dataclasses.replace(self.seen, **frames))


def made(
    schemes: Mapping[int, str],
    *,
    replications: Mapping[int, int],
    unit: Unit = "world",
    schemes_of_units: Mapping[int, str] | None = None,
    **frames: pd.DataFrame,
) -> World:
    """Put frames together with the runs and the assignments that belong to them."""
    runs = pd.DataFrame(
        {
            "run": list(schemes),
            "replication": [replications[run] for run in schemes],
            "scheme": pd.Categorical(list(schemes.values())),
            "scenario": "one",
            "months": 12,
        }
    )
    assigned = [
        (run, unit, unit_id, scheme, 0, 12, unit != "world", 0.5)
        for run in schemes
        for unit_id, scheme in (schemes_of_units or {0: schemes[run]}).items()
    ]
    columns = ["run", "unit", "unit_id", "scheme", "from_month", "to_month", "randomised", "prob"]
    empty = {name: pd.DataFrame() for name in FRAMES}
    given = {"runs": runs, "assignments": pd.DataFrame(assigned, columns=columns)}
    return World(Seen(**(empty | given | frames)))


KINDS = ("none", "none", "G1", "G4")
LOGGED = ("handled", "saved", "saved", "cut_off")
TRUE = ("handled", "saved", "cancelled", "handled")
DRAWN = {"handled": 0.1, "saved": 0.4, "cut_off": 0.4}


def audited_world(
    rng: np.random.Generator,
    shares: npt.NDArray[np.float64],
    *,
    contacts: int = 400,
    paired: bool = True,
    unit: Unit = "world",
    drawn: Mapping[str, float] = DRAWN,
) -> World:
    """Make contacts and audits by cluster and arm.

    `shares` (clusters, arms, 2) are the chances that a contact is gamed by G1 (a save is logged
    where the customer cancelled) and by G4 (cut off); a fifth of contacts are saved in truth.
    Each contact is drawn for audit with a chance that hangs on what was logged.
    """
    names = ["wage", *(f"bonus {k}" for k in range(1, shares.shape[1]))]
    cells, audits = [], []
    schemes, replications, of_unit, number = {}, {}, {}, 0
    for cluster in range(shares.shape[0]):
        for arm, name in enumerate(names):
            if np.isnan(shares[cluster, arm, 0]):
                continue
            run = 0 if unit == "team" else cluster * len(names) + arm
            schemes[run] = "assigned" if unit == "team" else name
            apart = 0 if paired else arm * shares.shape[0]
            replications[run] = 0 if unit == "team" else cluster + apart
            of_unit[cluster] = name
            chances = [0.8 - shares[cluster, arm].sum(), 0.2, *shares[cluster, arm]]
            happened = rng.multinomial(contacts, chances)
            for kind, logged, true, n in zip(KINDS, LOGGED, TRUE, happened, strict=True):
                row = (run, 0, cluster, cluster, name, logged)
                cells.append((*row, n, 5.0 * n))
                for _ in range(rng.binomial(n, drawn[logged])):
                    audits.append((*row, number, drawn[logged], kind, true))
                    number += 1
    key = ["run", "month", "agent", "team", "scheme", "logged_outcome"]
    return made(
        schemes,
        replications=replications,
        unit=unit,
        schemes_of_units=of_unit if unit == "team" else None,
        cells=pd.DataFrame(cells, columns=[*key, "n", "minutes"]).astype({"scheme": "category"}),
        audits=pd.DataFrame(
            audits, columns=[*key, "contact", "prob", "found", "found_outcome"]
        ).astype({"scheme": "category", "found": "category"}),
    )


def leaving_world(
    rng: np.random.Generator,
    hazards: npt.NDArray[np.float64],
    *,
    customers: int = 300,
    paired: bool = True,
    unit: Unit = "world",
) -> World:
    """Make counts of customers from hazards, (clusters, arms, months, reasons)."""
    names = ["wage", *(f"bonus {k}" for k in range(1, hazards.shape[1]))]
    rows, schemes, replications, of_unit = [], {}, {}, {}
    for cluster in range(hazards.shape[0]):
        for arm, name in enumerate(names):
            if np.isnan(hazards[cluster, arm]).any():
                continue
            run = 0 if unit == "team" else cluster * len(names) + arm
            schemes[run] = "assigned" if unit == "team" else name
            apart = 0 if paired else arm * hazards.shape[0]
            replications[run] = 0 if unit == "team" else cluster + apart
            of_unit[cluster] = name
            n = customers
            for month, chances in enumerate(hazards[cluster, arm]):
                *left, stayed = rng.multinomial(n, [*chances, 1 - chances.sum()])
                rows.append((run, month, cluster, name, True, True, n, n - stayed, *left))
                n = stayed
    columns = ["run", "month", "home_team", "scheme", "exposure_identified", "initial", "n", "left"]
    columns += ["left_contact", "left_silent", "left_discovery"][: hazards.shape[3]]
    return made(
        schemes,
        replications=replications,
        unit=unit,
        schemes_of_units=of_unit if unit == "team" else None,
        customers=pd.DataFrame(rows, columns=columns),
    )


def gaming_shares(
    rng: np.random.Generator, clusters: int, effect: float, spread: float = 0.06
) -> npt.NDArray[np.float64]:
    """Two arms whose clusters share their luck; the effect on contacts gamed is exact."""
    base = 0.10 + rng.uniform(-spread, spread, clusters)
    g4 = np.full((clusters, 2), 0.01)
    return np.stack([np.stack([base, base + effect], axis=1), g4], axis=2)


def one_arm_each(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Leave each cluster in one of two arms, in turn."""
    alone = values.copy()
    alone[::2, 1], alone[1::2, 0] = np.nan, np.nan
    return alone


def row_of(estimate: Estimate, estimand: str, estimator: str = "", group: str = "") -> Any:
    frame = estimate.tidy()
    here = (frame["estimand"] == estimand) & (frame["group"] == group)
    if estimator:
        here &= frame["estimator"] == estimator
    return frame[here].iloc[0]


def inside_band(hits: int, tries: int, level: float = 0.95) -> bool:
    """Whether a count of covered truths lies in the exact 99.9 % binomial band."""
    low, high = stats.binom.ppf([0.0005, 0.9995], tries, level)
    return bool(low <= hits <= high)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261)


@pytest.fixture
def gamed(rng: np.random.Generator) -> World:
    return audited_world(rng, gaming_shares(rng, 12, 0.05))


@pytest.fixture
def left(rng: np.random.Generator) -> World:
    luck = rng.uniform(0.7, 1.3, (12, 1, 1, 1))
    shape = np.array([[[0.01, 0.01, 0.002]], [[0.015, 0.012, 0.005]]]) * np.ones((2, 12, 1))
    return leaving_world(rng, luck * shape)


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


# ── reference: by hand, and against others' formulas ─────────────────────────────────────────────


def test_shares_are_weighted_by_one_over_the_chance_of_being_drawn(gamed: World) -> None:
    audits = gamed.seen.audits.assign(w=1 / gamed.seen.audits["prob"])
    hit = audits[audits["found"] != "none"].groupby("scheme", observed=True)["w"].sum()
    share = 100 * hit / audits.groupby("scheme", observed=True)["w"].sum()
    effect = gaming_effect(gamed, control="wage")
    assert row_of(effect, "gamed", "audited")["estimate"] == pytest.approx(
        share["bonus 1"] - share["wage"], rel=1e-12
    )
    levels = effect.details["levels"].query("estimand == 'gamed' and group == ''")
    assert levels["estimate"].iloc[0] == pytest.approx(share["wage"], rel=1e-12)


def test_true_and_inflation_add_up_to_reported_and_kinds_to_gamed(gamed: World) -> None:
    effect = gaming_effect(gamed, control="wage")
    parts = [row_of(effect, name)["estimate"] for name in ("success_true", "inflation")]
    assert row_of(effect, "success_logged")["estimate"] == pytest.approx(sum(parts), abs=1e-10)
    kinds = [row_of(effect, "gamed", "audited", kind)["estimate"] for kind in ("G1", "G4")]
    assert row_of(effect, "gamed", "audited")["estimate"] == pytest.approx(sum(kinds), abs=1e-10)


def test_with_everything_audited_true_successes_are_counted(rng: np.random.Generator) -> None:
    everything = dict.fromkeys(DRAWN, 1.0)
    world = audited_world(rng, gaming_shares(rng, 8, 0.05), drawn=everything)
    audits = world.seen.audits
    true = (
        100 * (audits["found_outcome"] == "saved").groupby(audits["scheme"], observed=True).mean()
    )
    found = row_of(gaming_effect(world, control="wage"), "success_true")
    assert found["estimate"] == pytest.approx(true["bonus 1"] - true["wage"], abs=1e-10)


def test_equal_pairs_give_the_paired_t_test(rng: np.random.Generator) -> None:
    everything = dict.fromkeys(DRAWN, 1.0)
    world = audited_world(rng, gaming_shares(rng, 9, 0.03), drawn=everything)
    audits = world.seen.audits
    share = (audits["found"] != "none").groupby([audits["scheme"], audits["team"]], observed=True)
    wage, bonus = share.mean()["wage"], share.mean()["bonus 1"]
    theirs = stats.ttest_rel(bonus, wage)
    ours = row_of(gaming_effect(world, control="wage"), "gamed", "audited")
    assert ours["statistic"] == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours["p_value"] == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (ours["df"], ours["n_clusters"]) == (8, 9)
    interval = theirs.confidence_interval(0.95)
    assert ours["conf_low"] == pytest.approx(100 * interval.low, rel=1e-9)


def test_equal_teams_give_the_two_sample_t_test(rng: np.random.Generator) -> None:
    everything = dict.fromkeys(DRAWN, 1.0)
    shares = one_arm_each(gaming_shares(rng, 14, 0.03))
    world = audited_world(rng, shares, unit="team", drawn=everything)
    audits = world.seen.audits
    share = (audits["found"] != "none").groupby([audits["scheme"], audits["team"]], observed=True)
    theirs = stats.ttest_ind(share.mean()["bonus 1"], share.mean()["wage"], equal_var=False)
    ours = row_of(gaming_effect(world, control="wage"), "gamed", "audited")
    assert ours["statistic"] == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours["p_value"] == pytest.approx(theirs.pvalue, rel=1e-9)
    assert ours["df"] == pytest.approx(theirs.df, rel=1e-9)


def test_with_an_arm_to_each_team_cr1_is_that_of_statsmodels(rng: np.random.Generator) -> None:
    shares = one_arm_each(gaming_shares(rng, 14, 0.03))
    effect = gaming_effect(audited_world(rng, shares, unit="team"), control="wage")
    theirs = 100 * np.sqrt(effect.fit.cov_params()[0, 0] + effect.fit.cov_params()[1, 1])
    assert row_of(effect, "gamed", "audited")["std_error"] == pytest.approx(theirs, rel=1e-9)


def test_influence_gives_statsmodels_cluster_covariance(rng: np.random.Generator) -> None:
    n = rng.integers(50, 90, (10, 6)).astype(float)
    events = rng.binomial(n.astype(int), 0.2).astype(float)
    design = np.column_stack([np.tile(np.eye(3), (2, 1)), np.repeat([0.0, 1.0], 3)])
    fit = fit_binomial(events, n, design, link="cloglog")
    plain = sm.GLM(
        (events / n).ravel(),
        np.tile(design, (10, 1)),
        family=sm.families.Binomial(sm.families.links.CLogLog()),
        var_weights=n.ravel(),
    )
    with pytest.warns(sm.tools.sm_exceptions.SpecificationWarning):
        theirs = plain.fit(
            tol=1e-12,
            cov_type="cluster",
            cov_kwds={"groups": np.repeat(np.arange(10), 6), "use_correction": False},
        )
    ours = fit.coefficients.influence.T @ fit.coefficients.influence
    np.testing.assert_allclose(ours, theirs.cov_params(), rtol=1e-8)


def test_cells_give_what_single_audits_give_and_the_link_does_not_matter(gamed: World) -> None:
    audits = gamed.seen.audits
    bonus = (audits["scheme"] == "bonus 1").to_numpy(float)
    single = sm.GLM(
        (audits["found"] != "none").to_numpy(float),
        sm.add_constant(bonus),
        family=sm.families.Binomial(),
        var_weights=1 / audits["prob"].to_numpy(),
    )
    groups = {"groups": audits["team"].to_numpy(), "use_correction": False}
    with pytest.warns(sm.tools.sm_exceptions.SpecificationWarning):
        logit = single.fit(tol=1e-12, cov_type="cluster", cov_kwds=groups)
    wage, paid = (1 / (1 + np.exp(-np.cumsum(logit.params)))).tolist()
    slope = np.array([paid * (1 - paid) - wage * (1 - wage), paid * (1 - paid)])
    error = 100 * np.sqrt(slope @ logit.cov_params() @ slope * 12 / 11)
    ours = row_of(gaming_effect(gamed, control="wage"), "gamed", "audited")
    assert ours["estimate"] == pytest.approx(100 * (paid - wage), rel=1e-8)
    assert ours["std_error"] == pytest.approx(error, rel=1e-8)


def test_counts_of_customers_give_what_single_customers_give(rng: np.random.Generator) -> None:
    luck = rng.uniform(0.7, 1.3, (6, 1, 1, 1))
    world = leaving_world(rng, luck * np.full((6, 2, 4, 1), 0.05), customers=40)
    counts = world.seen.customers
    each = counts.loc[counts.index.repeat(counts["n"])].drop(columns="n").reset_index(drop=True)
    rank = each.groupby(["run", "month"]).cumcount()
    gone = (rank < each["left"]).astype(int)
    each = each.assign(left=gone, left_contact=gone, customer=rank)
    together = churn_effect(world, control="wage", horizon=4)
    apart = churn_effect(world.changed(customers=each), control="wage", horizon=4)
    pd.testing.assert_frame_equal(together.tidy(), apart.tidy(), rtol=1e-8)
    columns = [np.eye(4)[each["month"]], (each["scheme"] == "bonus 1").to_numpy(float)[:, None]]
    model = sm.GLM(
        each["left"].to_numpy(float),
        np.hstack(columns),
        family=sm.families.Binomial(sm.families.links.CLogLog()),
    )
    groups = {"groups": each["home_team"].to_numpy(), "use_correction": False}
    theirs = model.fit(tol=1e-12, cov_type="cluster", cov_kwds=groups)
    ratio = row_of(together, "hazard_ratio")
    assert ratio["estimate"] == pytest.approx(np.exp(theirs.params[-1]), rel=1e-8)
    log_error = ratio["std_error"] / ratio["estimate"]
    assert log_error == pytest.approx(theirs.bse[-1] * np.sqrt(6 / 5), rel=1e-6)


def test_the_standardised_risk_is_one_minus_the_product_limit(left: World) -> None:
    counts = left.seen.customers.groupby(["scheme", "month"])[["n", "left"]].sum()
    kept = (1 - counts["left"] / counts["n"]).groupby("scheme").cumprod()
    effect = churn_effect(left, control="wage", horizon=12)
    lost = 100 * (kept["wage"].iloc[-1] - kept["bonus 1"].iloc[-1])
    assert row_of(effect, "churn", "cloglog, free by month")["estimate"] == pytest.approx(lost)
    months = kept["bonus 1"].sum() - kept["wage"].sum()
    assert row_of(effect, "months_retained")["estimate"] == pytest.approx(months)
    curves = effect.details["curves"].query("scheme == 'wage'")
    np.testing.assert_allclose(curves["share"], [1.0, *kept["wage"]], rtol=1e-9)


def test_with_equal_pairs_the_error_of_the_risk_is_that_of_paired_shares(left: World) -> None:
    counts = left.seen.customers
    kept = (
        (1 - counts["left"] / counts["n"]).groupby([counts["scheme"], counts["home_team"]]).prod()
    )
    theirs = stats.ttest_rel(kept["wage"], kept["bonus 1"])
    effect = churn_effect(left, control="wage", horizon=12)
    assert row_of(effect, "churn")["statistic"] == pytest.approx(theirs.statistic, rel=1e-6)


def test_reasons_add_up_to_all_who_left(left: World) -> None:
    effect = churn_effect(left, control="wage", horizon=12)
    parts = [
        row_of(effect, "churn", group=g)["estimate"] for g in ("contact", "silent", "discovery")
    ]
    assert sum(parts) == pytest.approx(row_of(effect, "churn")["estimate"], abs=1e-9)


def test_the_delta_method_agrees_with_a_numerical_derivative(left: World) -> None:
    counts = left.seen.customers
    effect = churn_effect(left, control="wage", horizon=12)
    for name in ("churn", "months_retained"):
        pulls = []
        for team in range(12):
            weight = np.where(counts["home_team"] == team, 1.001, 1.0)
            scaled = ["n", "left", "left_contact", "left_silent", "left_discovery"]
            more = counts.assign(**{column: counts[column] * weight for column in scaled})
            moved = churn_effect(left.changed(customers=more), control="wage", horizon=12)
            pulls.append(row_of(moved, name)["estimate"] - row_of(effect, name)["estimate"])
        error = 1000 * np.sqrt(np.square(pulls).sum() * 12 / 11)
        assert row_of(effect, name)["std_error"] == pytest.approx(error, rel=5e-3)


def test_gaming_by_a_few_worlds_of_many_fails_a_check(rng: np.random.Generator) -> None:
    shares = gaming_shares(rng, 12, 0.05)
    spread = gaming_effect(audited_world(rng, shares), control="wage").checks
    shares[:, 0] = 0.0
    shares[:, 1, 0] = np.where(np.arange(12) < 2, 0.3, 0.0)
    shares[:, 1, 1] = 0.0
    few = gaming_effect(audited_world(rng, shares), control="wage").checks
    passed = {c.name: c for c in spread}["gaming found in replications enough"]
    failed = {c.name: c for c in few}["gaming found in replications enough"]
    assert passed.passed
    assert not failed.passed
    assert (failed.value, failed.threshold) == (pytest.approx(2.0, abs=0.1), 4.0)


def test_months_without_leavers_and_schemes_without_gaming_are_answered(
    rng: np.random.Generator,
) -> None:
    shares = gaming_shares(rng, 8, 0.05)
    shares[:, 0] = 0.0
    found = gaming_effect(audited_world(rng, shares), control="wage")
    assert found.details["levels"].loc[0, "estimate"] == 0
    assert not {c.name: c for c in found.checks}["gaming found in each arm"].passed
    assert {c.name: c for c in found.checks}["models converged"].passed
    hazards = np.full((8, 2, 4, 1), 0.03)
    hazards[:, 0, 2] = 0.0
    hazards[:, :, 3] = 0.0
    kept = churn_effect(leaving_world(rng, hazards), control="wage", horizon=4)
    curve = kept.details["curves"].query("scheme == 'wage'")["share"].to_numpy()
    assert curve[3] == pytest.approx(curve[2], rel=1e-9)
    assert np.isfinite(kept.tidy()["std_error"]).all()
    assert {c.name: c for c in kept.checks}["models converged"].passed
    assert row_of(kept, "hazard_ratio")["std_error"] < 0.5


# ── pairs ────────────────────────────────────────────────────────────────────────────────────────


def test_pairs_shrink_the_error_and_leave_the_estimate(rng: np.random.Generator) -> None:
    shares = gaming_shares(rng, 20, 0.03)
    seed = rng.integers(2**32)
    paired = audited_world(np.random.default_rng(seed), shares, contacts=2000)
    broken = audited_world(np.random.default_rng(seed), shares, contacts=2000, paired=False)
    one, two = (row_of(gaming_effect(w, control="wage"), "gamed") for w in (paired, broken))
    assert one["estimate"] == pytest.approx(two["estimate"], rel=1e-12)
    assert one["std_error"] < 0.6 * two["std_error"]
    assert (one["n_clusters"], one["df"], two["n_clusters"]) == (20, 19, 40)
    assert 19 <= two["df"] <= 38


def test_every_arm_has_the_degrees_of_freedom_of_its_own_pair(rng: np.random.Generator) -> None:
    shares = np.concatenate([gaming_shares(rng, 5, 0.02)] * 2, axis=1)
    effect = gaming_effect(audited_world(rng, shares), control="wage")
    assert effect.tidy()["df"].unique().tolist() == [4]


def test_teams_are_clusters_within_their_replication(rng: np.random.Generator) -> None:
    shares = one_arm_each(gaming_shares(rng, 6, 0.03))
    one, two = (audited_world(rng, shares, unit="team").seen for _ in range(2))
    both = {
        name: pd.concat([getattr(one, name), getattr(two, name).assign(run=1)], ignore_index=True)
        for name in ("runs", "assignments", "audits", "cells")
    }
    both["runs"]["replication"] = [0, 1]
    effect = gaming_effect(World(dataclasses.replace(one, **both)), control="wage")
    assert row_of(effect, "gamed")["n_clusters"] == 12
    assert row_of(effect, "gamed")["target"] == "teams like these"


def test_agents_are_clusters_where_agents_were_assigned(rng: np.random.Generator) -> None:
    shares = one_arm_each(gaming_shares(rng, 10, 0.03))
    world = audited_world(rng, shares, unit="team")
    world = world.changed(assignments=world.seen.assignments.assign(unit="agent"))
    assert "cluster (agent)" in row_of(gaming_effect(world, control="wage"), "gamed")["inference"]


def test_months_before_the_schemes_of_a_world_differ_are_left_out(
    rng: np.random.Generator,
) -> None:
    world = audited_world(rng, one_arm_each(gaming_shares(rng, 12, 0.05)), unit="team")
    later = {name: getattr(world.seen, name).assign(month=3) for name in ("audits", "cells")}
    before = {name: frame.assign(month=1, scheme="before") for name, frame in later.items()}
    both = {name: pd.concat([before[name], later[name]], ignore_index=True) for name in later}
    both["audits"]["contact"] = np.arange(len(both["audits"]))
    rows = world.seen.assignments
    start = [rows.assign(scheme="before", to_month=2, randomised=False), rows.assign(from_month=2)]
    piloted = world.changed(**both, assignments=pd.concat(start, ignore_index=True))
    expected, found = (gaming_effect(w, control="wage") for w in (world, piloted))
    pd.testing.assert_frame_equal(found.tidy(), expected.tidy())
    assert {c.name: c for c in found.checks}["assigned at random or paired"].passed


def test_scenarios_can_be_compared(gamed: World) -> None:
    runs = gamed.seen.runs
    named = gamed.changed(runs=runs.assign(scenario=runs["scheme"].astype(str).str.upper()))
    schemes = gaming_effect(gamed, control="wage").tidy()
    scenarios = gaming_effect(named, by="scenario", control="WAGE").tidy()
    assert scenarios["contrast"].iloc[0] == "BONUS 1 vs WAGE"
    assert scenarios["estimate"].iloc[0] == pytest.approx(schemes["estimate"].iloc[0], rel=1e-12)


# ── recovery: known worlds ───────────────────────────────────────────────────────────────────────


def test_a_known_effect_on_gaming_is_found(rng: np.random.Generator) -> None:
    world = audited_world(rng, gaming_shares(rng, 20, 0.05), contacts=2000)
    effect = gaming_effect(world, control="wage")
    truths = {"gamed": 5.0, "success_logged": 5.0, "success_true": 0.0, "inflation": 5.0}
    for name, truth in truths.items():
        found = row_of(effect, name)
        assert abs(found["estimate"] - truth) < 4 * found["std_error"]


@pytest.mark.slow
def test_gaming_intervals_hold_the_truth_as_often_as_they_say() -> None:
    tries, hits = 100, {"pairs": 0, "teams": 0, "true": 0, "iid": 0}
    for k in range(tries):
        rng = np.random.default_rng([1, k])
        pairs = gaming_effect(audited_world(rng, gaming_shares(rng, 10, 0.03)), control="wage")
        found = row_of(pairs, "gamed", "audited")
        hits["pairs"] += found["conf_low"] <= 3.0 <= found["conf_high"]
        found = row_of(pairs, "success_true")
        hits["true"] += found["conf_low"] <= 0.0 <= found["conf_high"]
        shares = one_arm_each(gaming_shares(rng, 12, 0.03))
        world = audited_world(rng, shares, unit="team", contacts=1000)
        found = row_of(gaming_effect(world, control="wage"), "gamed", "audited")
        hits["teams"] += found["conf_low"] <= 3.0 <= found["conf_high"]
        hits["iid"] += abs(found["estimate"] - 3.0) <= 1.96 * _iid_error(world)
    assert all(inside_band(hits[name], tries) for name in ("pairs", "teams", "true")), hits
    assert hits["iid"] < 0.8 * tries, hits


def _iid_error(world: World) -> float:
    """What one gets who takes every audited contact for an independent draw."""
    audits = world.seen.audits
    bonus = (audits["scheme"] == "bonus 1").to_numpy()
    weight, hit = 1 / audits["prob"].to_numpy(), (audits["found"] != "none").to_numpy(float)
    variance = 0.0
    for arm in (bonus, ~bonus):
        w, y = weight[arm], hit[arm]
        variance += np.sum((w * (y - np.average(y, weights=w))) ** 2) / w.sum() ** 2
    return float(100 * np.sqrt(variance))


@pytest.mark.slow
def test_churn_intervals_hold_the_truth_as_often_as_they_say() -> None:
    # Two kinds of world, worse and better, and an effect that grows with the months.
    base = 0.03 * np.array([0.6, 1.4])[:, None, None] * np.ones((1, 2, 6))
    base[:, 1] *= np.linspace(0.8, 1.8, 6)
    kept = np.cumprod(1 - base, axis=2).mean(axis=0)
    truth = {
        "churn": 100 * (kept[0, -1] - kept[1, -1]),
        "months_retained": kept[1].sum() - kept[0].sum(),
    }
    tries, hits = 100, {"churn": 0, "months_retained": 0, "teams": 0, "iid": 0}
    for k in range(tries):
        rng = np.random.default_rng([2, k])
        kinds = rng.integers(0, 2, 10)
        pairs = churn_effect(leaving_world(rng, base[kinds][..., None]), control="wage", horizon=6)
        for name, known in truth.items():
            found = row_of(pairs, name)
            hits[name] += found["conf_low"] <= known <= found["conf_high"]
        teams = one_arm_each(base[rng.integers(0, 2, 16)][..., None])
        world = leaving_world(rng, teams, unit="team", customers=600)
        found = row_of(churn_effect(world, control="wage", horizon=6), "churn")
        hits["teams"] += found["conf_low"] <= truth["churn"] <= found["conf_high"]
        last = world.seen.customers.query("month == 5")
        lost = (1 - (last["n"] - last["left"]).groupby(last["scheme"]).sum() / 4800).to_numpy()
        hits["iid"] += abs(found["estimate"] - truth["churn"]) < 196 * np.sqrt(
            (lost * (1 - lost) / 4800).sum()
        )
    assert all(inside_band(hits[name], tries) for name in (*truth, "teams")), hits
    assert hits["iid"] < 0.8 * tries, hits


def test_a_proportional_effect_is_found_by_the_hazard_ratio(rng: np.random.Generator) -> None:
    cumulative = 0.04 * np.array([1.0, 1.5])
    hazards = np.broadcast_to((1 - np.exp(-cumulative))[None, :, None, None], (10, 2, 6, 1))
    effect = churn_effect(leaving_world(rng, hazards, customers=2000), control="wage", horizon=6)
    ratio = row_of(effect, "hazard_ratio")
    assert ratio["conf_low"] < 1.5 < ratio["conf_high"]
    assert {c.name: c for c in effect.checks}["proportional hazards"].passed
    free, other = (
        row_of(effect, "churn", f"cloglog, {name}") for name in ("free by month", "proportional")
    )
    assert free["estimate"] == pytest.approx(other["estimate"], abs=free["std_error"])


def test_crossing_hazards_fail_the_check_of_proportionality(rng: np.random.Generator) -> None:
    hazards = np.full((10, 2, 6, 1), 0.05)
    hazards[:, 1, :, 0] = np.linspace(0.13, 0.02, 6)
    effect = churn_effect(leaving_world(rng, hazards, customers=2000), control="wage", horizon=6)
    assert not {c.name: c for c in effect.checks}["proportional hazards"].passed


def test_detection_that_is_known_restores_what_audits_missed(rng: np.random.Generator) -> None:
    world = audited_world(rng, gaming_shares(rng, 20, 0.05), contacts=4000)
    audits = world.seen.audits
    missed = (audits["found"] == "G1") & (rng.random(len(audits)) > 0.6)
    seen = audits.assign(
        found=audits["found"].mask(missed, "none"),
        found_outcome=audits["found_outcome"].mask(missed, audits["logged_outcome"]),
    )
    dim = world.changed(audits=seen)
    naive, told = (gaming_effect(dim, control="wage", detection=d) for d in (1.0, 0.6))
    found = row_of(told, "gamed", "audited", "G1")
    assert abs(found["estimate"] - 5.0) < 4 * found["std_error"]
    assert row_of(naive, "gamed", "audited", "G1")["conf_high"] < 4.5
    found = row_of(told, "success_true")
    assert abs(found["estimate"]) < 4 * found["std_error"]
    apart = gaming_effect(dim, control="wage", detection={"G1": 0.6, "G4": 1.0})
    levels = apart.details["levels"].query("estimand == 'gamed' and group == 'G4'")
    naive_levels = naive.details["levels"].query("estimand == 'gamed' and group == 'G4'")
    assert levels["estimate"].tolist() == naive_levels["estimate"].tolist()
    parts = [row_of(apart, "gamed", "audited", kind)["estimate"] for kind in ("G1", "G4")]
    assert row_of(apart, "gamed", "audited")["estimate"] == pytest.approx(sum(parts))
    with pytest.raises(KeyError, match="detection lacks 'G4', which audits found"):
        gaming_effect(dim, control="wage", detection={"G1": 0.6})


def test_one_kind_can_be_asked_for(gamed: World) -> None:
    whole, one = (gaming_effect(gamed, control="wage", outcome=o) for o in ("gamed", "G1"))
    part = row_of(whole, "gamed", "audited", "G1")
    alone = row_of(one, "gamed", "audited")
    assert alone["estimate"] == pytest.approx(part["estimate"], rel=1e-12)
    assert alone["std_error"] == pytest.approx(part["std_error"], rel=1e-9)
    assert row_of(whole, "success_true")["estimate"] == row_of(one, "success_true")["estimate"]


# ── anti-tests: the naive readings must be fooled ────────────────────────────────────────────────


def test_the_log_and_the_unweighted_audits_are_fooled() -> None:
    rng = np.random.default_rng(7)
    effect = gaming_effect(
        audited_world(rng, gaming_shares(rng, 20, 0.05), contacts=2000), control="wage"
    )
    log, true = row_of(effect, "success_logged"), row_of(effect, "success_true")
    assert log["conf_low"] > 2 > true["conf_low"]  # the log says success; there was none
    assert true["conf_low"] < 0 < true["conf_high"]
    naive = row_of(effect, "gamed", "unweighted audits")
    assert naive["conf_low"] > 5.0  # suspicious contacts were drawn four times as often
    assert effect.reading.startswith("'bonus 1' raises gaming by ")
    said = (
        f"the audits {true['estimate']:+.1f} ({true['conf_low']:+.1f} to {true['conf_high']:+.1f})"
    )
    assert effect.reading.endswith(f"{said}: recording moved, whether results did is unclear")


@pytest.mark.parametrize(
    ("log", "true", "inflation", "said"),
    [
        ((2.0, 4.0), (-1.0, 1.0), (2.0, 4.0), "recording moved, whether results did is unclear"),
        ((2.0, 4.0), (-3.0, -1.0), (5.0, 6.0), "recording moved, results the other way"),
        ((2.0, 4.0), (0.5, 1.5), (1.0, 3.0), ""),
        ((-1.0, 1.0), (-3.0, -1.0), (1.0, 3.0), ""),
    ],
)
def test_a_log_is_contradicted_only_where_audits_do_not_bear_it_out(
    log: tuple[float, float],
    true: tuple[float, float],
    inflation: tuple[float, float],
    said: str,
) -> None:
    rows = [
        pd.Series({"kind": "difference", "estimate": (a + b) / 2, "conf_low": a, "conf_high": b})
        for a, b in (log, true, inflation)
    ]
    found = contradicted(*rows, chosen("success"))
    assert found.endswith(said)
    assert bool(found) == bool(said)


# ── the analyst's view ───────────────────────────────────────────────────────────────────────────


class Poison:
    """A value that cannot be used."""

    def _die(self, *_: object) -> Any:
        raise AssertionError("an estimate read the truth")

    __add__ = __mul__ = __eq__ = __lt__ = __float__ = __int__ = __bool__ = __str__ = _die  # type: ignore[assignment]
    __hash__ = object.__hash__


@pytest.mark.parametrize("question", [gaming_effect, churn_effect])
def test_the_truth_is_never_read(gamed: World, left: World, question: Any) -> None:
    world = gamed if question is gaming_effect else left
    frames = {name: getattr(world.seen, name) for name in FRAMES}
    poisoned = {
        name: frame.assign(
            true_gaming=[Poison()] * len(frame), true_outcome=[Poison()] * len(frame)
        )
        for name, frame in frames.items()
    }
    clean, same = (
        question(world, control="wage"),
        question(world.changed(**poisoned), control="wage"),
    )
    pd.testing.assert_frame_equal(clean.tidy(), same.tidy())


def test_simulated_records_are_answered_and_churn_agrees_with_their_own_truth() -> None:
    centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500), audit=inc.Audit(rate=0.2))
    schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    worlds = centre.vary(scheme=schemes)
    records = inc.simulate(worlds, replications=4, months=3, rng=1, keep="cells")
    gaming = gaming_effect(records, control="wage")
    churn = churn_effect(records, control="wage", horizon=3)
    seen = gaming_effect(records.seen_by("analyst"), control="wage")
    pd.testing.assert_frame_equal(gaming.tidy(), seen.tidy())
    assert row_of(gaming, "gamed")["n_clusters"] == 4
    truth = inc.truth_of(records, policy="saves", against="wage", horizon=3)
    for name in ("churn", "months_retained"):
        assert row_of(churn, name)["estimate"] == pytest.approx(truth.effect(name), abs=1e-9)
        assert row_of(churn, name)["std_error"] == pytest.approx(truth.mc_error(name), rel=0.02)


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


def test_a_misspelt_control_is_met_with_the_nearest_name(gamed: World) -> None:
    with pytest.raises(KeyError, match=r"no scheme 'wgae' in records; schemes are .*mean 'wage'\?"):
        gaming_effect(gamed, control="wgae")
    with pytest.raises(KeyError, match="no column 'shceme' in runs"):
        gaming_effect(gamed, by="shceme", control="wage")
    with pytest.raises(KeyError, match="no outcome 'G7' in audits; outcomes are 'gamed', 'G1'"):
        gaming_effect(gamed, control="wage", outcome="G7")


def test_too_few_clusters_are_refused_in_words(rng: np.random.Generator) -> None:
    two = audited_world(rng, gaming_shares(rng, 2, 0.05))
    with pytest.raises(ValueError, match=r"too few clusters: 2 replications .* at least 3"):
        gaming_effect(two, control="wage")
    teams = audited_world(rng, one_arm_each(gaming_shares(rng, 4, 0.05)), unit="team")
    with pytest.raises(ValueError, match=r"too few clusters: 4 teams, .* at least 6"):
        gaming_effect(teams, control="wage").inference("cluster")
    chosen = teams.changed(assignments=teams.seen.assignments.assign(randomised=False))
    with pytest.raises(ValueError, match=r"too few clusters: 4 teams .* at least 6") as caught:
        gaming_effect(chosen, control="wage")
    assert "assignments.prob" not in str(caught.value)


def test_few_clusters_without_their_chance_are_told_that_it_would_do(
    rng: np.random.Generator,
) -> None:
    teams = audited_world(rng, one_arm_each(gaming_shares(rng, 4, 0.05)), unit="team")
    given = teams.seen.assignments.drop(columns="prob", errors="ignore")
    with pytest.raises(ValueError, match=r"assign more teams; or fill assignments\.prob"):
        gaming_effect(teams.changed(assignments=given.assign(randomised=True)), control="wage")
    known = teams.changed(assignments=given.assign(randomised=True, prob=0.5))
    answer = gaming_effect(known, control="wage").tidy()
    assert answer["inference"].iloc[0].startswith("randomisation (team), all 6 assignments")


def test_one_scheme_is_not_a_comparison(gamed: World) -> None:
    one = {
        name: getattr(gamed.seen, name).query("scheme == 'wage'") for name in ("audits", "cells")
    }
    with pytest.raises(ValueError, match="only the scheme 'wage'"):
        gaming_effect(gamed.changed(**one), control="wage")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.iloc[:0], "records have no audits"),
        (lambda a: a.drop(columns="prob"), "audits lacks the column 'prob'"),
        (lambda a: a.assign(prob=a["prob"].where(a.index > 3)), "audits.prob is missing in 4 of"),
        (lambda a: a.assign(prob=0.0), r"audits.prob must be above 0 and at most 1, got 0"),
        (lambda a: pd.concat([a, a.iloc[:1]]), "audits have contact 0 of run 0 twice"),
        (lambda a: a[a["scheme"] != "wage"], "no audits of contacts logged .* under 'wage'"),
        (lambda a: a[a["logged_outcome"] != "handled"], "no audits of contacts logged 'handled'"),
        (lambda a: a.assign(run=a["run"] + 99), r"run \d+ is not in runs"),
    ],
)
def test_audits_that_cannot_answer_are_refused(gamed: World, change: Any, said: str) -> None:
    with pytest.raises((ValueError, KeyError), match=said):
        gaming_effect(gamed.changed(audits=change(gamed.seen.audits)), control="wage")


def test_detection_must_be_a_chance(gamed: World) -> None:
    with pytest.raises(ValueError, match="detection must be above 0 and at most 1, got 0"):
        gaming_effect(gamed, control="wage", detection=0)


def test_a_team_without_assignment_is_refused(rng: np.random.Generator) -> None:
    world = audited_world(rng, one_arm_each(gaming_shares(rng, 8, 0.05)), unit="team")
    fewer = world.seen.assignments.iloc[1:]
    with pytest.raises(ValueError, match="team 0 has no row in assignments"):
        gaming_effect(world.changed(assignments=fewer), control="wage")


def test_customers_who_met_several_schemes_are_refused(left: World) -> None:
    mixed = left.seen.customers.assign(exposure_identified=False)
    with pytest.raises(ValueError, match="not identified: in 100% of customer-months"):
        churn_effect(left.changed(customers=mixed), control="wage")


def test_customers_under_no_scheme_are_named_as_such(left: World) -> None:
    customers = left.seen.customers
    alone = customers.assign(scheme=customers["scheme"].where(customers.index > 0))
    said = rf"1 of {len(customers):,} customer-months are under no scheme.*home_team"
    with pytest.raises(ValueError, match=said):
        churn_effect(left.changed(customers=alone), control="wage")


def with_strays(left: World, share: float) -> World:
    """Split counts so that a share of those who stayed met another scheme."""
    customers = left.seen.customers
    gone = [name for name in customers if str(name).startswith("left")]
    stray = customers.assign(n=np.ceil(share * customers["n"]).astype(int))
    stray = stray.assign(exposure_identified=False, **dict.fromkeys(gone, 0))
    kept = customers.assign(n=customers["n"] - stray["n"])
    return left.changed(customers=pd.concat([kept, stray], ignore_index=True))


def with_leavers_astray(left: World) -> World:
    """Split counts so that all who left, and nobody else, met another scheme."""
    customers = left.seen.customers
    gone = [name for name in customers if str(name).startswith("left")]
    stray = customers.assign(n=customers["left"], exposure_identified=False)
    kept = customers.assign(n=customers["n"] - stray["n"], **dict.fromkeys(gone, 0))
    return left.changed(customers=pd.concat([kept, stray], ignore_index=True))


def test_a_few_stray_contacts_count_for_the_home_team_and_their_share_is_told(left: World) -> None:
    whole, few = churn_effect(left, control="wage"), left.seen.customers.copy()
    one = few.iloc[[0]].assign(n=1, exposure_identified=False)
    one[[name for name in few if str(name).startswith("left")]] = 0
    few.loc[few.index[0], "n"] -= 1
    strayed = churn_effect(
        left.changed(customers=pd.concat([few, one], ignore_index=True)), control="wage"
    )
    pd.testing.assert_frame_equal(strayed.tidy(), whole.tidy())
    (check,) = [c for c in strayed.checks if c.name == "customers kept to one scheme"]
    wage = (few["scheme"] == "wage").to_numpy()
    assert check.passed
    assert check.value == pytest.approx(1 / (few.loc[wage, "n"].sum() + 1))
    noted = churn_effect(with_strays(left, 0.02), control="wage")
    assert not {c.name: c for c in noted.checks}["customers kept to one scheme"].passed
    assert not {c.name: c for c in whole.checks}["customers kept to one scheme"].value


def test_too_many_strays_are_refused_and_leavers_are_looked_at_by_themselves(left: World) -> None:
    with pytest.raises(ValueError, match=r"% of customer-months the routing .* at most 5%"):
        churn_effect(with_strays(left, 0.1), control="wage")
    apart = with_leavers_astray(left)
    share = apart.seen.customers.groupby("exposure_identified")["n"].sum()
    assert share[False] / share.sum() < 0.05
    with pytest.raises(ValueError, match="in 100% of those who left the routing"):
        churn_effect(apart, control="wage")


def test_horizons_beyond_the_records_are_refused(left: World) -> None:
    with pytest.raises(ValueError, match="between 1 and the 12 months on record, got 13"):
        churn_effect(left, control="wage", horizon=13)
    customers = left.seen.customers
    gap = customers[(customers["month"] != 5) | (customers["scheme"] == "wage")]
    with pytest.raises(ValueError, match="no customers at risk under 'bonus 1' in month 5"):
        churn_effect(left.changed(customers=gap), control="wage")
    with pytest.raises(ValueError, match="population must be 'initial' or 'all'"):
        churn_effect(left, control="wage", population="some")  # type: ignore[arg-type]


def test_a_scheme_under_which_nobody_left_is_refused(left: World) -> None:
    gone = ["left", "left_contact", "left_silent", "left_discovery"]
    customers = left.seen.customers
    kept = customers.assign(
        **{c: customers[c].where(customers["scheme"] == "wage", 0) for c in gone}
    )
    with pytest.raises(ValueError, match="nobody left under 'bonus 1' within the horizon"):
        churn_effect(left.changed(customers=kept), control="wage")


def test_customers_won_later_count_only_if_asked_for(left: World) -> None:
    later = left.seen.customers.query("month > 0").assign(initial=False, n=50, left=0)
    later = later.assign(left_contact=0, left_silent=0, left_discovery=0)
    world = left.changed(customers=pd.concat([left.seen.customers, later], ignore_index=True))
    alone, initial = churn_effect(left, control="wage"), churn_effect(world, control="wage")
    pd.testing.assert_frame_equal(alone.tidy(), initial.tidy())
    everyone = churn_effect(world, control="wage", population="all")
    assert abs(row_of(everyone, "churn")["estimate"]) < abs(row_of(alone, "churn")["estimate"])
    assert not {c.name: c for c in everyone.checks}["population fixed before the schemes"].passed


def test_abandoned_contacts_are_in_no_denominator(gamed: World) -> None:
    lost = gamed.seen.cells.assign(logged_outcome="abandoned", n=1000, agent=-1, scheme=None)
    more = gamed.changed(cells=pd.concat([gamed.seen.cells, lost], ignore_index=True))
    one, two = (gaming_effect(world, control="wage").tidy() for world in (gamed, more))
    pd.testing.assert_frame_equal(one, two)


def test_wrong_probabilities_fail_a_check(gamed: World) -> None:
    doubled = gamed.seen.audits.assign(prob=gamed.seen.audits["prob"] * 2)
    checks = gaming_effect(gamed.changed(audits=doubled), control="wage").checks
    assert not {c.name: c for c in checks}["audit weights add up to the contacts"].passed
    good = gaming_effect(gamed, control="wage").checks
    assert {c.name: c for c in good}["audit weights add up to the contacts"].passed


# ── the result's contract ────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["gaming", "churn"])
def answer(request: pytest.FixtureRequest, gamed: World, left: World) -> Estimate:
    if request.param == "gaming":
        return gaming_effect(gamed, control="wage")
    return churn_effect(left, control="wage")


def test_tidy_has_the_columns_of_the_contract_whatever_the_level(answer: Estimate) -> None:
    for level in (0.5, 0.95, 0.99):
        assert tuple(answer.tidy(level).columns) == TIDY_COLUMNS
    narrow, wide = answer.tidy(0.5), answer.tidy(0.99)
    assert (wide["conf_low"] < narrow["conf_low"]).all()
    assert (narrow["conf_low"] < narrow["estimate"]).all()
    with pytest.raises(ValueError, match="conf_level"):
        answer.tidy(95)


def test_interval_and_p_value_agree(answer: Estimate) -> None:
    frame = answer.tidy()
    none = np.where(frame["estimand"] == "hazard_ratio", 1.0, 0.0)
    outside = (frame["conf_low"] > none) | (frame["conf_high"] < none)
    assert ((frame["p_value"] < 0.05) == outside).all()


def test_a_summary_is_short_and_ends_with_a_reading(answer: Estimate) -> None:
    lines = answer.summary().splitlines()
    assert len(lines) <= 25
    assert lines[-1].startswith("Read as: ")
    assert max(map(len, lines[:-3])) <= 120


def test_many_schemes_still_fit_a_summary(rng: np.random.Generator) -> None:
    shares = np.concatenate([gaming_shares(rng, 4, 0.02)] * 6, axis=1)
    lines = gaming_effect(audited_world(rng, shares), control="wage").summary().splitlines()
    assert len(lines) <= 25
    assert any("more rows in tidy()" in line for line in lines)


def test_the_reading_knows_clear_from_unclear(rng: np.random.Generator) -> None:
    none = gaming_effect(audited_world(rng, gaming_shares(rng, 10, 0.0)), control="wage")
    assert none.reading.startswith("whether 'bonus 1' changes gaming is unclear (")
    hazards = np.full((10, 2, 6, 1), 0.03)
    hazards[:, 1] = 0.08
    much = churn_effect(leaving_world(rng, hazards), control="wage", horizon=6)
    assert much.reading.startswith("'bonus 1' loses ")
    assert much.reading.endswith("more per 100 customers by 6 months")


def test_glance_is_one_row_of_facts(answer: Estimate) -> None:
    row = answer.glance()
    assert len(row) == 1
    assert {"control", "cluster", "n_clusters", "df", "checks_failed", "version"} <= set(
        row.columns
    )


def test_an_estimate_survives_json(answer: Estimate) -> None:
    back = Estimate.from_dict(json.loads(json.dumps(answer.to_dict(), allow_nan=False)))
    pd.testing.assert_frame_equal(back.tidy(), answer.tidy(), check_dtype=False)
    assert back.summary() == answer.summary()
    assert back.checks == answer.checks or str(back.checks) == str(answer.checks)
    assert list(back.details) == list(answer.details)
    with pytest.raises(AttributeError, match="not kept in JSON"):
        _ = back.fit
    with pytest.raises(ValueError, match="version 2 cannot be read"):
        Estimate.from_dict(answer.to_dict() | {"version": 2})


def test_an_estimate_shows_itself_as_a_table(answer: Estimate) -> None:
    assert "bonus 1 vs wage" in repr(answer)
    assert "<table" in answer._repr_html_()
    assert answer.fit.converged


def test_compare_sets_the_truth_beside_the_estimate(answer: Estimate) -> None:
    name = answer.rows["estimand"].iloc[0]
    known = answer.tidy().iloc[0]
    truth = pd.DataFrame(
        {"estimand": [name], "term": ["bonus 1"], "truth": [known["conf_low"] - 1]}
    )
    beside = answer.compare(truth.assign(mc_error=0.1))
    assert beside["covered"].iloc[0] is np.False_ or not beside["covered"].iloc[0]
    assert beside["error"].iloc[0] == pytest.approx(known["estimate"] - known["conf_low"] + 1)
    by_contrast = truth.drop(columns="term").assign(
        contrast=known["contrast"], truth=known["estimate"]
    )
    beside = answer.compare(by_contrast)
    assert beside["covered"].iloc[0]
    others = beside[beside["estimand"] != name]
    assert others["covered"].isna().all()
    with pytest.raises(KeyError, match="truth lacks the column 'truth'"):
        answer.compare(truth.drop(columns="truth"))


def test_the_figure_shows_the_table(answer: Estimate) -> None:
    data = answer.plot_data()
    ax = answer.plot()
    drawn = np.concatenate([line.get_xdata() for line in ax.lines if line.get_marker() == "o"])
    assert sorted(drawn) == pytest.approx(sorted(data["estimate"]))
    assert ax.get_xlabel() == f"{data['unit'].iloc[0]}, against 'wage'"
    truth = pd.DataFrame({"estimand": data["estimand"].iloc[:1], "term": "bonus 1", "truth": 1.25})
    drawn = answer.plot(truth=truth).collections
    (diamonds,) = [dots for dots in drawn if isinstance(dots, PathCollection)]
    assert np.asarray(diamonds.get_offsets())[:, 0].tolist() == [1.25]


def test_shares_are_the_coefficients_of_a_saturated_model(rng: np.random.Generator) -> None:
    n = rng.integers(0, 90, (10, 6)).astype(float)
    events = rng.binomial(n.astype(int), 0.2).astype(float)
    events[:, 2] = 0.0
    share, fit = shares(events, n), fit_binomial(events, n).result
    np.testing.assert_allclose(fit.params, share.value, atol=1e-12)
    error = np.sqrt((share.influence**2).sum(axis=0))
    scale = 10 / 9 * (fit.nobs - 1) / (fit.nobs - 6)  # the correction of statsmodels
    np.testing.assert_allclose(fit.bse, error * np.sqrt(scale), rtol=1e-9, atol=1e-12)
    log_hazard = fit_binomial(events, n, link="cloglog").coefficients
    hazard = 1 - np.exp(-np.exp(log_hazard.value))
    np.testing.assert_allclose(hazard, share.value, atol=1e-9)
    moved = log_hazard.influence * (1 - hazard) * np.exp(log_hazard.value)
    np.testing.assert_allclose(moved, share.influence, atol=1e-9)


def test_influence_adds_as_values_do() -> None:
    one = Estimated(np.array([1.0]), np.array([[0.5], [-0.5]]))
    two = (one + one - one * 0.5).linear(np.array([[2.0]]))
    assert two.value.tolist() == [3.0]
    assert two.influence.ravel().tolist() == [1.5, -1.5]
