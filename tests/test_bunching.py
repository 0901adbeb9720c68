"""`bunching`: by hand, on known worlds with and without a threshold, and where it must refuse."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from worlds import THRESHOLD, as_twins, each, oracle, trial

import incentives as inc
from incentives.estimates import Estimate, bunching
from incentives.estimates.proportions import wilson
from incentives.estimates.result import TIDY_COLUMNS

DIFFERENCE, POLYNOMIAL = "difference in bunching", "Poisson polynomial"
WINDOW = {"excess": (THRESHOLD, THRESHOLD + 3), "missing": (THRESHOLD - 5, THRESHOLD - 1)}


def counted(sales: Sequence[Sequence[float]], schemes: Sequence[str]) -> inc.Records:
    """Make the agent-months of one centre by hand: sales by team and month, one agent a team."""
    rows = [
        (0, month, team, team, schemes[team], n)
        for team, months in enumerate(sales)
        for month, n in enumerate(months)
    ]
    given = [
        (0, "team", team, scheme, 0, len(sales[team]), True, 0.5)
        for team, scheme in enumerate(schemes)
    ]
    columns = ["run", "unit", "unit_id", "scheme", "from_month", "to_month", "randomised", "prob"]
    names = ("contacts", "cells", "audits", "surveys", "customers", "days", "choices", "clients")
    return inc.Records(
        runs=pd.DataFrame({"run": [0], "replication": [0], "scheme": ["assigned"]}),
        agents=pd.DataFrame(
            rows, columns=["run", "month", "agent", "team", "scheme", "logged_sales"]
        ),
        assignments=pd.DataFrame(given, columns=columns),
        **dict.fromkeys(names, pd.DataFrame()),
    )


def row_of(estimate: Estimate, estimand: str, estimator: str = DIFFERENCE) -> Any:
    frame = estimate.tidy()
    return frame[(frame["estimand"] == estimand) & (frame["estimator"] == estimator)].iloc[0]


@pytest.fixture
def drawn() -> inc.Records:
    """Eight teams of twelve months, half of them with a pile at 8 sales."""
    rng = np.random.default_rng(8)
    sales = rng.poisson(6.0, (8, 12)).astype(float)
    short = (sales[4:] >= 5) & (sales[4:] <= 7) & (rng.random((4, 12)) < 0.6)
    sales[4:][short] = 8
    return counted(sales.tolist(), ["wage"] * 4 + ["target"] * 4)


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return pd.concat(
        [
            bunching(world, threshold=THRESHOLD, control="wage").tidy()
            for world in each(trial("target"))
        ]
    )


@pytest.fixture(scope="module")
def whole() -> Estimate:
    return bunching(trial("target"), threshold=THRESHOLD, control="wage", degree=3)


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────


def test_excess_is_a_difference_of_shares_with_errors_by_team(drawn: inc.Records) -> None:
    effect = bunching(drawn, threshold=8, control="wage", below=3, above=1)
    at = drawn.agents.assign(at=100.0 * drawn.agents["logged_sales"].isin([8, 9]))
    teams = at.groupby("team")["at"].mean().to_numpy()
    theirs = stats.ttest_ind(teams[4:], teams[:4], equal_var=False)
    ours = row_of(effect, "excess")
    assert ours["estimate"] == pytest.approx(teams[4:].mean() - teams[:4].mean())
    assert ours["statistic"] == pytest.approx(theirs.statistic)
    assert (ours["n_clusters"], ours["n"]) == (8, 96)
    assert ours["df"] == pytest.approx(theirs.df)
    missing = 100.0 * drawn.agents["logged_sales"].between(5, 7)
    by_scheme = missing.groupby(drawn.agents["scheme"]).mean()
    gone = row_of(effect, "missing")
    assert gone["estimate"] == pytest.approx(by_scheme["wage"] - by_scheme["target"])


def test_payments_moved_are_those_that_the_control_would_not_make(drawn: inc.Records) -> None:
    effect = bunching(drawn, threshold=8, control="wage", below=3, above=1)
    paid = (drawn.agents["logged_sales"] >= 8).groupby(drawn.agents["scheme"]).mean()
    found = row_of(effect, "payments_moved")
    assert found["estimate"] == pytest.approx(100 * (1 - paid["wage"] / paid["target"]))
    teams = (drawn.agents["logged_sales"] >= 8).groupby(drawn.agents["team"]).mean().to_numpy()
    more = 1e-6  # how far a team moves the estimate, by a little more of it
    moved = []
    for team in range(8):
        weight = np.ones(8)
        weight[team] += more
        low, high = (
            np.average(teams[part], weights=weight[part]) for part in (slice(4), slice(4, 8))
        )
        moved.append((100 * (1 - low / high) - found["estimate"]) / more)
    error = np.sqrt(np.sum(np.square(moved)) * 8 / 6)
    assert found["std_error"] == pytest.approx(error, rel=1e-4)


def test_payments_moved_have_the_interval_of_a_ratio_of_shares(drawn: inc.Records) -> None:
    """Each share has Wilson's interval at what its teams are worth; the ratio is read off both."""
    effect = bunching(drawn, threshold=8, control="wage", below=3, above=1)
    found = row_of(effect, "payments_moved")
    teams = (drawn.agents["logged_sales"] >= 8).groupby(drawn.agents["team"]).mean().to_numpy()
    arms = teams.reshape(2, 4)
    share = arms.mean(axis=1)
    size = np.minimum(share * (1 - share) / (arms.var(axis=1, ddof=1) / 4), 48)
    more = (share * size + 2) / (size + 4)
    variance = (1 - more) / more / size  # of a logarithm
    df = variance.sum() ** 2 / (variance**2 / 3).sum()
    assert found["df"] == pytest.approx(df)
    assert found["inference"] == "cluster (team), Wilson, t"
    (low, least), (high, most) = wilson(share, size, float(stats.t.ppf(0.975, df)))
    for end, one, other in (("conf_low", high, least), ("conf_high", low, most)):
        left = 1 - found[end] / 100  # of payments, those that the control would make as well
        gap = abs(share[0] - left * share[1])
        assert gap == pytest.approx(np.hypot(one - share[0], left * (other - share[1])))
    again = effect.inference("welch").tidy().set_index("estimand")["conf_low"]
    ratio = np.log1p(-found["estimate"] / 100)
    error = found["std_error"] / (100 - found["estimate"])
    moved = arms.var(axis=1, ddof=1) / 4 / share**2
    df = moved.sum() ** 2 / (moved**2 / 3).sum()
    low = 100 - 100 * np.exp(ratio + stats.t.ppf(0.975, df) * error)
    assert again["payments_moved"] == pytest.approx(low)


def test_payments_that_no_control_made_have_a_least_value(drawn: inc.Records) -> None:
    sales = drawn.agents["logged_sales"]
    low = sales.mask((drawn.agents["scheme"] == "wage") & (sales >= 8), 7)
    world = inc.Records(**{**drawn.frames(), "agents": drawn.agents.assign(logged_sales=low)})
    effect = bunching(world, threshold=8, control="wage", below=3, above=1)
    found = row_of(effect, "payments_moved")
    assert found["estimate"] == 100
    assert np.isnan(found["std_error"])
    assert found["conf_high"] == 100
    share = stats.t.ppf(0.975, found["df"]) ** 2  # Wilson's end for none of 48 agent-months
    share /= 48 + share
    paid = (drawn.agents["logged_sales"] >= 8).groupby(drawn.agents["scheme"]).mean()
    assert 100 - 100 * share / paid["target"] > found["conf_low"] > 0
    assert found["p_value"] < 0.05
    assert "no interval" not in effect.summary()
    assert Estimate.from_dict(effect.to_dict()).tidy().equals(effect.tidy())
    reach = {c.name: c for c in effect.checks}["the threshold is within reach of the control"]
    assert not reach.passed
    again = effect.inference("wild", reps=99, rng=1).tidy()
    left = again.set_index("estimand").loc["payments_moved"]
    assert left["inference"] == found["inference"]  # which no draw of teams can test again
    assert left["conf_low"] == found["conf_low"]


def test_the_curve_is_a_poisson_regression_outside_the_window(drawn: inc.Records) -> None:
    effect = bunching(drawn, threshold=8, control="wage", below=3, above=1)
    sales = drawn.agents.groupby("scheme")["logged_sales"]
    size = int(drawn.agents["logged_sales"].max()) + 1
    excess = {}
    for scheme, values in sales:
        n = np.bincount(values.to_numpy(dtype=int), minlength=size)
        outside = np.setdiff1d(np.arange(size), [5, 6, 7, 8, 9])
        powers = np.vander(np.arange(size) / size, 3)
        fit = sm.GLM(n[outside], powers[outside], family=sm.families.Poisson()).fit(tol=1e-12)
        excess[scheme] = 100 * (n[8:10].sum() - fit.predict(powers[8:10]).sum()) / n.sum()
    ours = row_of(effect, "excess", POLYNOMIAL)
    assert ours["estimate"] == pytest.approx(excess["target"] - excess["wage"], rel=1e-5)


def test_errors_of_the_curve_are_those_of_leaving_teams_out(whole: Estimate) -> None:
    """A jackknife over blocks of worlds moves the second reading as its influence says."""
    records = trial("target")
    replication = records.agents["run"].to_numpy()
    without = []
    for block in range(16):
        keep = replication % 16 != block
        agents = records.agents[keep]
        part = inc.Records(**{**records.frames(), "agents": agents})
        found = bunching(part, threshold=THRESHOLD, control="wage", degree=3)
        without.append(row_of(found, "excess", POLYNOMIAL)["estimate"])
    jackknife = np.sqrt(15 / 16 * np.sum(np.square(np.array(without) - np.mean(without))))
    ours = row_of(whole, "excess", POLYNOMIAL)["std_error"]
    assert 0.55 < jackknife / ours < 1.6  # of 16 blocks: about 18 % of noise, thrice


def test_adjacent_counts_are_tested_exactly(drawn: inc.Records) -> None:
    adjacent = bunching(drawn, threshold=8, control="wage").details["adjacent"]
    for row in adjacent.itertuples():
        sales = drawn.agents.loc[drawn.agents["scheme"] == row.scheme, "logged_sales"]
        met, missed = int((sales == 8).sum()), int((sales == 7).sum())
        assert (row.at_threshold, row.one_below) == (met, missed)
        assert row.p_value == pytest.approx(stats.binomtest(met, met + missed).pvalue)


# ── known worlds ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    """The same centres with all teams under each scheme: shares by world, and their difference."""
    records = as_twins("target")
    sales = records.agents["logged_sales"]
    of_run = records.runs.set_index("run")
    frame = pd.DataFrame(
        {
            "scheme": of_run["scheme"].astype(str)[records.agents["run"]].to_numpy(),
            "replication": of_run["replication"][records.agents["run"]].to_numpy(),
            **{name: 100.0 * sales.between(*ends) for name, ends in WINDOW.items()},
            "paid": 100.0 * (sales >= THRESHOLD),
        }
    )
    return frame.groupby(["scheme", "replication"]).mean()


def test_what_a_target_moves_is_found(truth: pd.DataFrame, answers: pd.DataFrame) -> None:
    for name, sign in (("excess", 1.0), ("missing", -1.0)):
        gap = sign * (truth.loc["target", name] - truth.loc["wage", name])
        found = answers[(answers["estimand"] == name) & (answers["estimator"] == DIFFERENCE)]
        n = len(found)
        error = np.hypot(found["estimate"].sem(), gap.sem())
        assert abs(found["estimate"].mean() - gap.mean()) < 4 * error, name
        hits = ((found["conf_low"] <= gap.mean()) & (gap.mean() <= found["conf_high"])).sum()
        assert hits >= stats.binom.ppf(0.0005, n, 0.95), (name, hits)


def test_payments_that_were_moved_are_found(
    truth: pd.DataFrame, whole: Estimate, answers: pd.DataFrame
) -> None:
    paid = truth["paid"].groupby("scheme").mean()
    moved = 100 * (1 - paid["wage"] / paid["target"])
    found = row_of(whole, "payments_moved")
    assert abs(found["estimate"] - moved) < 4 * found["std_error"]
    each_world = answers[answers["estimand"] == "payments_moved"]
    n = len(each_world)
    hits = ((each_world["conf_low"] <= moved) & (moved <= each_world["conf_high"])).sum()
    assert hits >= stats.binom.ppf(0.0005, n, 0.95), hits


def test_a_smooth_curve_finds_the_pile_as_well(truth: pd.DataFrame, whole: Estimate) -> None:
    gap = (truth.loc["target", "excess"] - truth.loc["wage", "excess"]).mean()
    found = row_of(whole, "excess", POLYNOMIAL)
    assert abs(found["estimate"] - gap) < 4 * found["std_error"]


def test_part_of_what_was_moved_is_recording(whole: Estimate) -> None:
    """Counts do not tell recording from effort: the truth beside the log shows both."""
    records = oracle("target")
    cells = records.cells[records.cells["logged_outcome"] == "sale"]
    false = cells[(cells["true_outcome"] != "sale").to_numpy()]
    keys = ["run", "month", "agent"]
    untrue = false.groupby(keys)["n"].sum()
    place = pd.MultiIndex.from_frame(records.agents[keys].astype(np.int64))
    agents = records.agents.assign(untrue=untrue.reindex(place).fillna(0).to_numpy())
    paid = agents[(agents["scheme"] == "target") & (agents["logged_sales"] >= THRESHOLD)]
    lied = 100 * (paid["logged_sales"] - paid["untrue"] < THRESHOLD).mean()
    moved = row_of(whole, "payments_moved")
    assert 5 < lied < moved["conf_high"]


def test_a_naive_reading_takes_all_payments_for_results(whole: Estimate) -> None:
    """The naive reading is fooled: it sees agents who met the target, and most were moved there."""
    assert row_of(whole, "payments_moved")["conf_low"] > 50
    adjacent = whole.details["adjacent"].set_index("scheme")["p_value"]
    assert adjacent["target"] < 1e-6 < 1e-3 < adjacent["wage"]


def test_what_may_be_a_pile_or_none_is_said_to_be_unclear() -> None:
    sales = np.random.default_rng(3).poisson(6.0, (8, 6)).tolist()
    effect = bunching(counted(sales, ["wage", "target"] * 4), threshold=8, control="wage")
    row = row_of(effect, "excess")
    assert row["conf_low"] < 0 < row["conf_high"]
    said = f"({row['conf_low']:+.1f} to {row['conf_high']:+.1f} per 100 agent-months)"
    assert effect.reading == f"whether 'target' makes a pile at 8 sales is unclear {said}"


def test_only_an_interval_that_excludes_a_pile_says_that_there_is_none() -> None:
    wage, target = [[4.0, 6.0, 9.0, 9.0]] * 4, [[4.0, 6.0, 7.0, 3.0]] * 3 + [[4.0, 6.0, 5.0, 8.0]]
    effect = bunching(
        counted(wage + target, ["wage"] * 4 + ["target"] * 4),
        threshold=8,
        control="wage",
        below=1,
        above=1,
        degree=1,
    )
    assert row_of(effect, "excess")["conf_high"] < 1
    assert effect.reading.startswith("'target' makes no pile at 8 sales (-")


def test_without_a_threshold_nothing_is_found() -> None:
    """Teams on a wage are dealt to two names for the same: rejections come at their size."""
    rng = np.random.default_rng(12)
    p, jumps = [], []
    for world in each(trial("target")):
        given = world.assignments
        teams = given.loc[given["scheme"].astype(str) == "wage", "unit_id"].to_numpy()
        half = rng.permutation(teams)[: len(teams) // 2]

        def named(
            frame: pd.DataFrame, column: str, one: Any = teams, two: Any = half
        ) -> pd.DataFrame:
            kept = frame[frame[column].isin(one)]
            return kept.assign(scheme=np.where(kept[column].isin(two), "same", "wage"))

        both = {"agents": named(world.agents, "team"), "assignments": named(given, "unit_id")}
        answer = bunching(inc.Records(**{**world.frames(), **both}), threshold=8, control="wage")
        p.append(row_of(answer, "excess")["p_value"])
        jumps += answer.details["adjacent"]["p_value"].tolist()
    assert sum(each_p < 0.05 for each_p in p) <= stats.binom.ppf(0.9995, len(p), 0.05)
    rejected = sum(each_p < 0.05 for each_p in jumps)
    assert rejected <= stats.binom.ppf(0.9995, len(jumps), 0.05)


# ── what is refused, and the result's contract ───────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 0}, "threshold, below and degree must be 1 or more"),
        ({"above": -1}, "above 0 or more"),
        ({"threshold": 60}, "nobody reached 60 under 'target'"),
        ({"metric": "sales_value"}, "must hold whole numbers"),
        ({"metric": "profit"}, "agents lacks the column 'logged_profit'"),
        ({"control": "wgae"}, "did you mean 'wage'"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    drawn: inc.Records, changes: dict[str, Any], message: str
) -> None:
    agents = drawn.agents.assign(logged_sales_value=9.5)
    world = inc.Records(**{**drawn.frames(), "agents": agents})
    with pytest.raises((ValueError, KeyError), match=message):
        bunching(world, **{"threshold": 8, "control": "wage", **changes})


def test_too_few_agent_months_for_a_curve_leave_the_difference(drawn: inc.Records) -> None:
    agents = drawn.agents.assign(logged_sales=drawn.agents["logged_sales"].clip(5, 9))
    thin = inc.Records(**{**drawn.frames(), "agents": agents})
    effect = bunching(thin, threshold=8, control="wage", below=2, above=0)
    assert set(effect.tidy()["estimator"]) == {DIFFERENCE}
    assert not {c.name: c for c in effect.checks}["a smooth curve could be fitted"].passed


def test_too_few_counts_for_a_curve_leave_the_difference(drawn: inc.Records) -> None:
    effect = bunching(drawn, threshold=8, control="wage", below=8, above=30)
    assert set(effect.tidy()["estimator"]) == {DIFFERENCE}


def test_an_answer_keeps_the_contract(whole: Estimate) -> None:
    assert tuple(whole.tidy().columns) == TIDY_COLUMNS
    lines = whole.summary().splitlines()
    assert len(lines) <= 25
    assert lines[-1].startswith("Read as: 'target' moves ")
    again = Estimate.from_dict(whole.to_dict())
    pd.testing.assert_frame_equal(again.tidy(), whole.tidy(), check_dtype=False)
    assert whole.plot_data()["estimand"].tolist() == ["excess", "missing"]
    assert whole.plot().get_xlabel() or whole.plot().get_ylabel()
    plt.close("all")
    counts = whole.details["counts"]
    np.testing.assert_allclose(counts.groupby("scheme")["per_100"].sum(), 100.0)
