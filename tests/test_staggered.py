"""`staggered_effect`: by hand, against known worlds, and where it must refuse."""

import json
from itertools import permutations
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from worlds import as_twins, each, oracle, trial

import incentives as inc
from incentives.estimates import Estimate, churn_effect, gaming_effect, staggered_effect
from incentives.estimates.result import TIDY_COLUMNS

Floats = npt.NDArray[np.float64]
NEVER = 99
SEEN = {"G1": 0.9, "G2": 0.45, "G3": 0.9}  # what checks recognise of each, by default


def panel(saves: Floats, starts: list[int], *, contacts: int = 100) -> inc.Records:
    """Make the records of one centre by hand: saves logged by team and month, and when teams start.

    Nothing is audited, and a team whose start is `NEVER` stays under "before".
    """
    teams, months = saves.shape
    rows = [
        (0, month, team, team, outcome, n)
        for team in range(teams)
        for month in range(months)
        for outcome, n in (
            ("saved", saves[team, month]),
            ("handled", contacts - saves[team, month]),
        )
    ]
    given = []
    for team, start in enumerate(starts):
        if start > 0:
            given.append((0, "team", team, "before", 0, min(start, months), True, 0.5))
        if start < months:
            given.append((0, "team", team, "bonus", start, months, True, 0.5))
    empty = dict.fromkeys(
        ("contacts", "agents", "customers", "audits", "surveys", "days", "choices", "clients"),
        pd.DataFrame(),
    )
    return inc.Records(
        runs=pd.DataFrame({"run": [0], "replication": [0], "scheme": ["assigned"]}),
        cells=pd.DataFrame(rows, columns=["run", "month", "agent", "team", "logged_outcome", "n"]),
        assignments=pd.DataFrame(
            given,
            columns=[
                "run", "unit", "unit_id", "scheme", "from_month", "to_month", "randomised", "prob",
            ],
        ),
        **empty,
    )  # fmt: skip


def audited_panel(saves: Floats, starts: list[int], *, prob: float = 0.5) -> inc.Records:
    """Make the records of `panel` with half of its contacts audited, one save in five false."""
    world = panel(saves, starts)
    half = world.cells.loc[world.cells.index.repeat((prob * world.cells["n"]).astype(int))]
    false = (half["logged_outcome"] == "saved").to_numpy() & (np.arange(len(half)) % 5 == 0)
    under = half["month"].to_numpy() >= np.array(starts)[half["team"]]
    audits = half.drop(columns="n").assign(
        contact=np.arange(len(half)),
        scheme=np.where(under, "bonus", "before"),
        prob=prob,
        found=np.where(false, "G1", "none"),
        found_outcome=half["logged_outcome"].mask(false, "cancelled"),
    )
    return changed(world, audits=audits.reset_index(drop=True))


def changed(records: inc.Records, **frames: pd.DataFrame) -> inc.Records:
    return inc.Records(**{**records.frames(), **frames})


def row_of(estimate: Estimate, group: str = "") -> Any:
    frame = estimate.tidy()
    return frame[frame["group"] == group].iloc[0]


def two_way(outcome: Floats, starts: npt.NDArray[np.int64]) -> float:
    """Regress on dummies of units and months and one for being under the scheme (balanced)."""

    def within(x: Floats) -> Floats:
        whole = x - x.mean(axis=0) - x.mean(axis=1, keepdims=True) + x.mean()
        return np.asarray(whole, dtype=np.float64)

    under = within((np.arange(outcome.shape[1]) >= starts[:, None]).astype(np.float64))
    return float((under * within(outcome)).sum() / (under**2).sum())


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20264)


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────

STARTS = [1, 1, 2, 2, 2, NEVER, NEVER, NEVER]


@pytest.fixture
def saves(rng: np.random.Generator) -> Floats:
    return rng.integers(5, 40, (8, 4)).astype(np.float64)


def test_effects_are_differences_of_differences_of_means(saves: Floats) -> None:
    effect = staggered_effect(panel(saves, STARTS), outcome="saved_logged")
    cells = effect.details["cells"].set_index(["wave", "month"])["estimate"]
    one, two, never = saves[:2].mean(axis=0), saves[2:5].mean(axis=0), saves[5:].mean(axis=0)
    waiting = saves[2:].mean(axis=0)
    by_hand = {
        (1, 1): (one[1] - one[0]) - (waiting[1] - waiting[0]),
        (1, 2): (one[2] - one[0]) - (never[2] - never[0]),
        (1, 3): (one[3] - one[0]) - (never[3] - never[0]),
        (2, 0): (two[0] - two[1]) - (never[0] - never[1]),
        (2, 2): (two[2] - two[1]) - (never[2] - never[1]),
        (2, 3): (two[3] - two[1]) - (never[3] - never[1]),
    }
    assert cells.to_dict() == pytest.approx(by_hand, abs=1e-10)
    under = [(1, 1), (1, 2), (1, 3), (2, 2), (2, 3)]
    whole = np.average([by_hand[cell] for cell in under], weights=[2, 2, 2, 3, 3])
    assert row_of(effect)["estimate"] == pytest.approx(whole, abs=1e-10)
    later = np.average([by_hand[1, 2], by_hand[2, 3]], weights=[2, 3])
    assert row_of(effect, "month +1")["estimate"] == pytest.approx(later, abs=1e-10)
    second = np.mean([by_hand[2, 2], by_hand[2, 3]])
    assert row_of(effect, "wave 2")["estimate"] == pytest.approx(second, abs=1e-10)


def test_one_wave_against_those_who_never_start_is_welchs_t_test(saves: Floats) -> None:
    starts = [1, 1, 1, NEVER, NEVER, NEVER, NEVER, NEVER]
    effect = staggered_effect(panel(saves[:, :2], starts), outcome="saved_logged")
    moved = saves[:, 1] - saves[:, 0]
    theirs = stats.ttest_ind(moved[:3], moved[3:], equal_var=False)
    ours = row_of(effect)
    assert ours["statistic"] == pytest.approx(theirs.statistic, rel=1e-10)
    assert ours["df"] == pytest.approx(theirs.df, rel=1e-10)
    assert ours["p_value"] == pytest.approx(theirs.pvalue, rel=1e-10)


def test_those_who_never_start_can_be_the_only_comparison(saves: Floats) -> None:
    effect = staggered_effect(panel(saves, STARTS), outcome="saved_logged", against="never")
    moved = saves[:, 1] - saves[:, 0]
    cells = effect.details["cells"].set_index(["wave", "month"])["estimate"]
    assert cells[1, 1] == pytest.approx(moved[:2].mean() - moved[5:].mean(), abs=1e-10)


def test_months_of_anticipation_move_the_month_that_is_compared_with(saves: Floats) -> None:
    starts = [2, 2, 3, 3, 3, NEVER, NEVER, NEVER]
    effect = staggered_effect(panel(saves, starts), outcome="saved_logged", anticipation=1)
    cells = effect.details["cells"].set_index(["wave", "month"])["estimate"]
    moved = saves[:, 1] - saves[:, 0]  # who starts in month 3 may already act in month 2, not in 1
    assert cells[2, 1] == pytest.approx(moved[:2].mean() - moved[2:].mean(), abs=1e-10)
    moved = saves[:, 2] - saves[:, 0]
    assert cells[2, 2] == pytest.approx(moved[:2].mean() - moved[5:].mean(), abs=1e-10)
    assert effect.tidy()["group"].tolist() == [
        "", "month -3", "month -1", "month +0", "month +1", "wave 2", "wave 3",
    ]  # fmt: skip


def test_what_no_unit_waits_for_is_left_out_and_said(saves: Floats) -> None:
    everybody = staggered_effect(panel(saves, [1, 1, 1, 1, 3, 3, 3, 3]), outcome="saved_logged")
    cells = everybody.details["cells"]
    assert set(zip(cells["wave"], cells["month"], strict=True)) == {(1, 1), (1, 2)}
    assert not {c.name: c for c in everybody.checks}["every month has a comparison"].passed


def test_growing_effects_are_found_where_two_way_fixed_effects_turn_the_sign() -> None:
    """Effects that double are known exactly: no noise, parallel trends, nobody waits for ever."""
    months, starts = 8, np.repeat([1, 3, 5], 4)
    since = np.arange(months) - starts[:, None]
    gain = np.where(since >= 0, 2.0**since, 0.0)
    level = 10.0 + np.arange(12)[:, None] + 2.0 * np.arange(months)
    outcome = level + gain
    effect = staggered_effect(
        panel(outcome, starts.tolist(), contacts=1000), outcome="saved_logged"
    )
    cells = effect.details["cells"]
    known = cells["since"].map(lambda k: 2.0**k if k >= 0 else 0.0) / 10  # per 100 of 1,000
    np.testing.assert_allclose(cells["estimate"], known, atol=1e-9)
    assert two_way(outcome / 10, starts) < 0 < cells["estimate"].max()


# ── other orders of the roll-out ─────────────────────────────────────────────────────────────────

WAITING = [1, 1, 2, 2, NEVER, NEVER]
"""Six teams in two waves and a rest: 90 orders."""

GROUPS = ("", "month +1")


def studentised(outcome: Floats, starts: tuple[int, ...]) -> list[float]:
    """Give effects in units of their errors, with the effect that is tested taken off before."""
    effect = staggered_effect(panel(outcome, list(starts)), outcome="saved_logged")
    rows = effect.rows.set_index("group").loc[list(GROUPS)]
    return (rows["estimate"] / rows["std_error"]).tolist()


def by_hand(saves: Floats, effect: float) -> dict[str, float]:
    """Give the p values of an effect on every team in every month under the scheme."""
    under = np.arange(saves.shape[1]) >= np.array(WAITING)[:, None]
    without = saves - effect * under
    away = {order: np.abs(studentised(without, order)) for order in set(permutations(WAITING))}
    assert len(away) == 90
    seen = away[tuple(WAITING)] * (1 - 1e-9)
    return dict(zip(GROUPS, np.mean([each >= seen for each in away.values()], axis=0), strict=True))


def test_randomisation_is_what_comes_out_by_trying_every_order(saves: Floats) -> None:
    effect = staggered_effect(panel(saves[:6], WAITING), outcome="saved_logged")
    dealt = effect.inference("randomisation")
    for group, p_value in by_hand(saves[:6], 0.0).items():
        row = row_of(dealt, group)
        assert row["inference"] == "randomisation (order of teams), all 90 orders, p at least .011"
        assert row["p_value"] == pytest.approx(p_value)
        assert row["estimate"] == row_of(effect, group)["estimate"]
    low = dealt.tidy(0.85)["conf_low"].iloc[0]
    assert by_hand(saves[:6], low + 1e-4)[""] > 0.15
    assert by_hand(saves[:6], low - 1e-4)[""] <= 0.15


def test_many_orders_are_drawn_and_agree_with_all_of_them(saves: Floats) -> None:
    effect = staggered_effect(panel(saves, STARTS), outcome="saved_logged")
    whole, drawn = (effect.inference("randomisation", reps=n, rng=1) for n in (9999, 300))
    assert "all 560 orders" in row_of(whole)["inference"]
    assert "300 orders, p at least .003" in row_of(drawn)["inference"]
    p = row_of(whole)["p_value"]
    assert abs(row_of(drawn)["p_value"] - p) < 4 * np.sqrt(p * (1 - p) / 300)
    with pytest.raises(ValueError, match="give rng a number"):
        effect.inference("randomisation", reps=300)
    again = Estimate.from_dict(json.loads(json.dumps(drawn.to_dict(), allow_nan=False)))
    pd.testing.assert_frame_equal(again.tidy(), drawn.tidy())


def test_where_the_scheme_does_nothing_p_values_are_uniform() -> None:
    """Teams differ, drift and have lopsided luck; who starts when is dealt at random."""
    rng = np.random.default_rng(4)
    p = []
    for _ in range(160):
        level = rng.uniform(5, 30, (8, 1)) + rng.uniform(0, 3, 4)
        outcome = level + rng.exponential(3.0, (8, 4)) * rng.uniform(0.2, 3.0, (8, 1))
        starts = rng.permutation(STARTS).tolist()
        effect = staggered_effect(panel(outcome, starts), outcome="saved_logged")
        headline = effect.rows["tested"].iloc[0]
        p.append(headline.by("randomisation", reps=9999, seed=None).p_value())
    assert stats.kstest(p, "uniform").pvalue > 0.001
    for level in (0.05, 0.2):
        low, high = stats.binom.ppf([0.0005, 0.9995], len(p), level)
        assert low <= (np.array(p) <= level).sum() <= high


def test_the_months_before_keep_t_and_no_other_method_is_offered(saves: Floats) -> None:
    effect = staggered_effect(panel(saves, STARTS), outcome="saved_logged")
    dealt = effect.inference("randomisation").tidy().set_index("group")["inference"]
    assert dealt["month -2"] == "cluster (team), variances by wave, t (Satterthwaite)"
    assert dealt.drop("month -2").str.startswith("randomisation (order of teams)").all()
    with pytest.raises(ValueError, match="has an error for each wave, with t, or is tested by"):
        effect.inference("wild", rng=1)


def test_an_order_that_was_chosen_is_not_dealt_again(saves: Floats) -> None:
    chosen = panel(saves, STARTS)
    given = chosen.assignments.assign(randomised=False)
    records = inc.Records(**{**chosen.frames(), "assignments": given})
    with pytest.raises(ValueError, match="needs teams that were dealt to waves at random"):
        staggered_effect(records, outcome="saved_logged").inference("randomisation")


def test_teams_under_another_scheme_keep_their_place(saves: Floats) -> None:
    """Two schemes roll out; what is dealt again for the one leaves the other where it is."""
    records = panel(saves, [1, 1, 2, 2, 1, 1, NEVER, NEVER])
    given = records.assignments
    other = ((given["unit_id"].isin([4, 5])) & (given["scheme"] == "bonus")).to_numpy()
    given = given.assign(scheme=given["scheme"].mask(other, "prize"))
    both = inc.Records(**{**records.frames(), "assignments": given})
    dealt = staggered_effect(both, outcome="saved_logged").inference("randomisation").tidy()
    words = dealt[dealt["group"] == ""].set_index("term")["inference"]
    assert "all 90 orders" in words["bonus"]
    assert "all 6 orders" in words["prize"]


def test_fewer_than_six_teams_are_answered_by_other_orders_alone(saves: Floats) -> None:
    few = panel(saves[:4], [1, 1, NEVER, NEVER])
    row = row_of(staggered_effect(few, outcome="saved_logged"))
    assert row["inference"] == "randomisation (order of teams), all 6 orders, p at least .333"
    assert (row["conf_low"], row["conf_high"]) == (-np.inf, np.inf)
    given = few.assignments.assign(randomised=False)
    with pytest.raises(ValueError, match="too few clusters: 4 teams"):
        staggered_effect(
            inc.Records(**{**few.frames(), "assignments": given}), outcome="saved_logged"
        )


# ── known worlds ─────────────────────────────────────────────────────────────────────────────────


def true_panel(records: inc.Records) -> pd.DataFrame:
    """Give, per 100 contacts of a team and month, what was logged and what happened."""
    cells = records.cells[records.cells["agent"] >= 0]
    n = cells["n"].to_numpy(dtype=float)
    logged, true = cells["logged_outcome"] == "saved", cells["true_outcome"] == "saved"
    seen = cells["true_gaming"].astype(str).map(SEEN).fillna(0.0).to_numpy(dtype=float)
    found = true * seen + logged * (1 - seen)
    counted = pd.DataFrame(
        {
            "run": records.runs.set_index("run")["replication"][cells["run"]].to_numpy(),
            "team": cells["team"].to_numpy(),
            "month": cells["month"].to_numpy(),
            "n": n,
            "saved_logged": n * logged.to_numpy(),
            "saved_true": n * found.to_numpy(),  # as audits of every contact would find
        }
    )
    whole = counted.groupby(["run", "team", "month"]).sum()
    return 100 * whole.drop(columns="n").div(whole["n"], axis=0)


def starts_of(records: inc.Records) -> "pd.Series[int]":
    given = records.assignments
    under = given[given["scheme"].astype(str) != "before"]
    return under.set_index(["run", "unit_id"])["from_month"]


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    """The effects on the teams that came under the scheme, from the same worlds without it."""
    rolled_out, plain = true_panel(oracle("staggered")), true_panel(as_twins("staggered"))
    gap = (rolled_out - plain).dropna().reset_index()
    starts = starts_of(oracle("staggered"))
    place = starts.index.get_indexer(pd.MultiIndex.from_frame(gap[["run", "team"]]))
    gap["since"] = np.where(place < 0, -NEVER, gap["month"] - starts.to_numpy()[place])
    return gap


@pytest.fixture(scope="module")
def answers() -> dict[str, pd.DataFrame]:
    found: dict[str, list[pd.DataFrame]] = {"saved_logged": [], "saved_true": []}
    for world in each(trial("staggered")):
        for outcome, frames in found.items():
            frames.append(staggered_effect(world, outcome=outcome).tidy())
    return {outcome: pd.concat(frames) for outcome, frames in found.items()}


def test_effects_on_those_who_came_under_the_scheme_are_found(
    truth: pd.DataFrame, answers: dict[str, pd.DataFrame]
) -> None:
    tries = answers["saved_logged"].groupby("group").size().min()
    for outcome, frame in answers.items():
        under = truth[truth["since"] >= 0]
        known = {"": under, **{f"month +{k}": under[under["since"] == k] for k in range(5)}}
        for group, teams in known.items():
            found = frame[frame["group"] == group]
            by_world = teams.groupby("run")[outcome].mean()
            real, real_error = by_world.mean(), by_world.std(ddof=1) / np.sqrt(len(by_world))
            error = np.hypot(found["estimate"].std(ddof=1) / np.sqrt(tries), real_error)
            assert abs(found["estimate"].mean() - real) < 4 * error, (outcome, group)
            hits = ((found["conf_low"] <= real) & (real <= found["conf_high"])).sum()
            assert hits >= stats.binom.ppf(0.0005, tries, 0.95), (outcome, group, hits)


def test_months_before_the_start_show_no_effect(answers: dict[str, pd.DataFrame]) -> None:
    frame = answers["saved_logged"]
    early = frame[frame["group"].str.startswith("month -")]
    assert (early["p_value"] < 0.05).sum() <= stats.binom.ppf(0.9995, len(early), 0.05)


def test_effects_grow_and_two_way_fixed_effects_miss_it(
    truth: pd.DataFrame, answers: dict[str, pd.DataFrame]
) -> None:
    growth = truth[truth["since"] >= 0].groupby("since")["saved_logged"].mean()
    assert growth.is_monotonic_increasing or growth.iloc[-1] > 1.5 * growth.iloc[0]
    starts = starts_of(oracle("staggered"))
    panels = true_panel(oracle("staggered")).reset_index()
    panels = panels.pivot_table(index=["run", "team"], columns="month", values="saved_logged")
    naive: dict[str, list[float]] = {"all teams": [], "without those who never start": []}
    for run, teams in panels.groupby("run"):
        start = np.array([starts.get((run, team), NEVER) for _, team in teams.index])
        outcome = teams.to_numpy(dtype=float)
        naive["all teams"].append(two_way(outcome, start))
        some = start < NEVER
        naive["without those who never start"].append(two_way(outcome[some], start[some]))
    frame = answers["saved_logged"]
    ours = frame.loc[frame["group"] == "", "estimate"].to_numpy()
    for found in naive.values():
        short = ours - np.array(found)  # the same worlds, so that their luck is taken off
        assert short.mean() > 4 * short.std(ddof=1) / np.sqrt(len(short))


def test_the_log_is_fooled_where_audits_are_not(answers: dict[str, pd.DataFrame]) -> None:
    logged, true = (frame[frame["group"] == ""] for frame in answers.values())
    assert (logged["conf_low"] > 0).mean() > 0.9
    assert true["estimate"].mean() < 0.2 * logged["estimate"].mean()


def test_where_nobody_games_audits_say_what_the_log_says() -> None:
    for world in each(trial("staggered-honest")):
        logged, true = (
            row_of(staggered_effect(world, outcome=outcome))
            for outcome in ("success_logged", "success_true")
        )
        assert abs(true["estimate"] - logged["estimate"]) < true["std_error"]
        assert abs(true["std_error"] / logged["std_error"] - 1) < 0.2
        assert row_of(staggered_effect(world, outcome="gamed"))["estimate"] == 0.0


def test_what_audits_miss_can_be_added() -> None:
    world = next(each(trial("staggered")))
    at_best, half, by_kind = (
        row_of(staggered_effect(world, outcome="saved_true", detection=chance))["estimate"]
        for chance in (1.0, 0.5, dict.fromkeys((f"G{k}" for k in range(1, 9)), 0.5))
    )
    logged = row_of(staggered_effect(world, outcome="saved_logged"))["estimate"]
    assert half == by_kind == pytest.approx(logged + (at_best - logged) / 0.5)
    with pytest.raises(KeyError, match="detection lacks 'G"):
        staggered_effect(world, detection={"G9": 0.5})
    with pytest.raises(ValueError, match="detection must be above 0"):
        staggered_effect(world, detection=0.0)


# ── what is refused, and the result's contract ───────────────────────────────────────────────────


def test_effects_that_pool_months_refuse_a_roll_out() -> None:
    world = next(each(trial("staggered")))
    for effect in (gaming_effect, churn_effect):
        with pytest.raises(ValueError, match=r"changes scheme in month 2.*staggered_effect"):
            effect(world, control="before")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"control": "wgae"}, "no scheme 'wgae'"),
        ({"outcome": "saved"}, "did you mean 'saved_"),
        ({"anticipation": -1}, "anticipation must be months, 0 or more, got -1"),
        ({"against": "always"}, "against must be"),
        ({"outcome": "gamed"}, "records have no audits"),
        ({"anticipation": 3}, "no month under 'bonus' has a comparison"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    saves: Floats, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises((ValueError, KeyError), match=message):
        staggered_effect(panel(saves, STARTS), **{"outcome": "saved_logged", **changes})


@pytest.mark.parametrize(
    ("starts", "message"),
    [
        ([1, *[NEVER] * 7], "only one team starts in month 1"),
        ([1] * 8, "all teams start in the same month"),
        ([0, 0, 0, 0, *[NEVER] * 4], "under it since the records begin: bring months"),
    ],
)
def test_what_is_no_roll_out_is_refused(saves: Floats, starts: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        staggered_effect(panel(saves, starts), outcome="saved_logged")


def test_a_unit_that_changes_twice_or_is_not_there_is_refused(saves: Floats) -> None:
    world = panel(saves, STARTS)
    back = world.assignments.iloc[[0]].assign(from_month=3, to_month=4)
    twice = {**world.frames(), "assignments": pd.concat([world.assignments, back])}
    with pytest.raises(ValueError, match="team 0 of run 0 changes scheme more than once"):
        staggered_effect(inc.Records(**twice), outcome="saved_logged")
    gone = world.cells.query("team != 3 or month != 2")
    with pytest.raises(ValueError, match="team 3 of run 0 has no contacts in month 2"):
        staggered_effect(inc.Records(**{**world.frames(), "cells": gone}), outcome="saved_logged")


def test_months_without_audits_are_refused() -> None:
    world = next(each(trial("staggered")))
    dark = inc.Records(**{**world.frames(), "audits": world.audits.query("month < 4")})
    with pytest.raises(ValueError, match="no contact of month 4 was audited"):
        staggered_effect(dark)
    assert staggered_effect(dark, outcome="success_logged").design["n_audits"] == 0


@pytest.mark.parametrize("outcome", ["success_true", "saved_true", "gamed"])
@pytest.mark.parametrize("arm", ["before", "bonus"])
def test_a_logged_outcome_that_was_never_audited_is_refused(
    saves: Floats, outcome: str, arm: str
) -> None:
    world = audited_panel(saves, STARTS)
    assert all(
        check.passed
        for check in staggered_effect(world, outcome=outcome).checks
        if "audit" in check.name or "gaming" in check.name
    )
    unseen = (world.audits["logged_outcome"] == "saved") & (world.audits["scheme"] == arm)
    blind = changed(world, audits=world.audits[~unseen])
    with pytest.raises(ValueError, match=f"no audits of contacts logged 'saved' under '{arm}'"):
        staggered_effect(blind, outcome=outcome)
    assert staggered_effect(blind, outcome="saved_logged").design["n_audits"] == 0


def test_what_audits_leave_out_is_checked(saves: Floats) -> None:
    world = audited_panel(saves, STARTS)
    rare = world.cells.query("logged_outcome == 'handled'").assign(logged_outcome="sale", n=1)
    few = changed(world, cells=pd.concat([world.cells, rare], ignore_index=True))
    wrong = changed(world, audits=world.audits.assign(prob=0.25))
    clean = {check.name for check in staggered_effect(world).checks if check.passed}
    for odd, detection, name in (
        (few, 1.0, "every logged outcome was audited"),
        (wrong, 1.0, "audit weights add up to the contacts"),
        (world, 0.1, "no more gaming than contacts"),
    ):
        checks = {c.name: c for c in staggered_effect(odd, detection=detection).checks}
        assert name in clean
        assert not checks[name].passed


def test_an_answer_keeps_the_contract() -> None:
    answer = staggered_effect(trial("staggered"), outcome="saved_logged")
    assert tuple(answer.tidy().columns) == TIDY_COLUMNS
    lines = answer.summary().splitlines()
    assert len(lines) <= 25
    assert lines[-1].startswith("Read as: 'retention' raises reported saves by")
    again = Estimate.from_dict(answer.to_dict())
    pd.testing.assert_frame_equal(again.tidy(), answer.tidy(), check_dtype=False)
    legend = answer.plot().get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [*answer.plot_data()["label"]]
    plt.close("all")
    means = answer.details["means"]
    assert len(means) == 4 * 6  # three waves and those who never start, six months
