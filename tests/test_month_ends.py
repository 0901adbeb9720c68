"""`month_ends`: by hand, on known worlds with and without timing, and where it must refuse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import calendar_worlds
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import worlds
from scipy import stats

import incentives as inc
from incentives.estimates import Estimate, month_ends
from incentives.estimates.result import TIDY_COLUMNS

LENGTH, MONTHS, TEAMS, EACH = 6, 3, 8, 40
PLACE = ["run", "month", "agent"]


def logged(
    chance: Callable[[int, int, bool], float], *, start: int = 0, seed: int = 1
) -> inc.Records:
    """Make the log of one centre: as many contacts each day, half the teams with a target.

    `chance` is that of a sale by month, working day, and whether the team has the target; `start`
    is the month from which it has.
    """
    rng = np.random.default_rng(seed)
    grid = np.indices((TEAMS, MONTHS, LENGTH, EACH)).reshape(4, -1)
    team, month, day = grid[:3]
    target = team >= TEAMS // 2
    p = [chance(m, d, t) for m, d, t in zip(month, day, target & (month >= start), strict=True)]
    contacts = pd.DataFrame(
        {
            "run": 0,
            "contact": np.arange(len(team)),
            "month": month,
            "agent": team,
            "team": team,
            "scheme": np.where(target & (month >= start), "target", "wage"),
            "day": day + month * LENGTH,
            "logged_outcome": np.where(rng.random(len(team)) < p, "sale", "handled"),
        }
    )
    sold = contacts["logged_outcome"] == "sale"
    keys = [*PLACE, "team", "scheme"]
    agents = sold.groupby([contacts[key] for key in keys]).sum().rename("logged_sales")
    given = []
    for unit in range(TEAMS):
        if start:
            given.append((0, "team", unit, "wage", 0, start, True, 1.0))
        scheme = "target" if unit >= TEAMS // 2 else "wage"
        given.append((0, "team", unit, scheme, start, MONTHS, True, 0.5))
    columns = ["run", "unit", "unit_id", "scheme", "from_month", "to_month", "randomised", "prob"]
    names = ("cells", "audits", "surveys", "customers", "days", "choices", "clients")
    runs = {"run": [0], "replication": [0], "scheme": ["assigned"], "days_per_month": [LENGTH]}
    return inc.Records(
        runs=pd.DataFrame(runs),
        contacts=contacts,
        agents=agents.reset_index(),
        assignments=pd.DataFrame(given, columns=columns),
        **dict.fromkeys(names, pd.DataFrame()),
    )


def instead(records: inc.Records, **frames: pd.DataFrame) -> inc.Records:
    return inc.Records(**{**records.frames(), **frames})


def row_of(estimate: Estimate, estimand: str) -> Any:
    frame = estimate.tidy()
    return frame[frame["estimand"] == estimand].iloc[0]


def check(estimate: Estimate, name: str) -> bool:
    return {each.name: each.passed for each in estimate.checks}[name]


@pytest.fixture
def drawn() -> inc.Records:
    return logged(lambda month, day, target: 0.2 + 0.1 * (target and day >= 4))


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────


def test_excess_and_dip_are_differences_of_shares_with_errors_by_team(drawn: inc.Records) -> None:
    """As many contacts each day: the answer is a two-sample t test of the teams' differences."""
    effect = month_ends(drawn, control="wage", days=2)
    log = drawn.contacts.assign(sold=100.0 * (drawn.contacts["logged_outcome"] == "sale"))
    day = log["day"] % LENGTH
    last = log[day >= 4].groupby("team")["sold"].mean()
    middle = log[(day >= 2) & (day < 4)].groupby("team")["sold"].mean()
    first = log[(day < 2) & (log["month"] > 0)].groupby("team")["sold"].mean()
    of_team = {
        "excess": last - middle,
        "dip": middle - first,
        "new": last - middle - (middle - first),
    }
    for name, teams in of_team.items():
        theirs = stats.ttest_ind(teams[4:], teams[:4], equal_var=False)
        ours = row_of(effect, name)
        assert ours["estimate"] == pytest.approx(teams[4:].mean() - teams[:4].mean()), name
        assert ours["statistic"] == pytest.approx(theirs.statistic), name
        assert ours["n_clusters"] == TEAMS
        assert ours["df"] == pytest.approx(theirs.df)


def test_it_is_a_regression_on_parts_of_the_month_by_scheme(drawn: inc.Records) -> None:
    """Some contacts are taken out, so that teams and days count by what they have."""
    contacts = drawn.contacts[np.random.default_rng(3).random(len(drawn.contacts)) < 0.5]
    effect = month_ends(instead(drawn, contacts=contacts), control="wage", days=2)
    day, month = contacts["day"] % LENGTH, contacts["month"]
    kept = ((day >= 2) | (month > 0)).to_numpy()
    last, first = (day >= 4).to_numpy(), (day < 2).to_numpy()
    target = (contacts["scheme"] == "target").to_numpy()
    columns = [np.ones(len(day)), last, first, target, target & last, target & first]
    sold = (contacts["logged_outcome"] == "sale").to_numpy()
    fit = sm.OLS(100.0 * sold[kept], np.column_stack(columns).astype(float)[kept]).fit()
    assert row_of(effect, "excess")["estimate"] == pytest.approx(fit.params[4])
    assert row_of(effect, "dip")["estimate"] == pytest.approx(-fit.params[5])


def test_what_is_pulled_forward_leaves_a_dip_and_what_is_new_does_not() -> None:
    pulled = logged(lambda m, d, t: 0.3 + 0.15 * t * ((d >= 4) - 1.0 * (d < 2 and m > 0)))
    new = logged(lambda m, d, t: 0.3 + 0.15 * t * (d >= 4))
    for records, dip in ((pulled, 15.0), (new, 0.0)):
        effect = month_ends(records, control="wage", days=2)
        for name, known in (("excess", 15.0), ("dip", dip), ("new", 15.0 - dip)):
            found = row_of(effect, name)
            assert abs(found["estimate"] - known) < 4 * found["std_error"], name
        assert (row_of(effect, "dip")["p_value"] < 0.01) == (dip > 0)
        assert (row_of(effect, "new")["p_value"] < 0.01) == (dip == 0)


def test_totals_that_no_contact_explains_were_booked_late(drawn: inc.Records) -> None:
    """Twelve sales of the first month are in the totals of the second: 960 contacts end months."""
    held = (drawn.agents["month"] == 1) & (drawn.agents["team"] >= 4)
    agents = drawn.agents.assign(logged_sales=drawn.agents["logged_sales"] + 3 * held)
    assert held.sum() == 4
    plain, late = (
        month_ends(records, control="wage", days=2)
        for records in (drawn, instead(drawn, agents=agents))
    )
    assert row_of(plain, "booked_late")["estimate"] == 0
    assert not check(plain, "totals are counted apart from contacts")
    followed = 4 * 2 * 2 * EACH  # teams, months that another follows, last days
    assert row_of(late, "booked_late")["estimate"] == pytest.approx(100 * 12 / followed)
    assert check(late, "totals are counted apart from contacts")
    gain = row_of(late, "made")["estimate"] - row_of(late, "excess")["estimate"]
    assert gain == pytest.approx(row_of(late, "booked_late")["estimate"])


def test_what_an_audit_struck_is_no_shortfall(drawn: inc.Records) -> None:
    sales = drawn.contacts[(drawn.contacts["logged_outcome"] == "sale")]
    found = sales[(sales["month"] > 0) & (sales["team"] >= 4)].groupby("team").head(3)
    struck = found.groupby(PLACE).size()
    place = pd.MultiIndex.from_frame(drawn.agents[PLACE])
    less = drawn.agents["logged_sales"] - struck.reindex(place, fill_value=0).to_numpy()
    agents = drawn.agents.assign(logged_sales=less)
    unaware = month_ends(instead(drawn, agents=agents), control="wage", days=2)
    audits = found.assign(found="fabricated")
    aware = month_ends(instead(drawn, agents=agents, audits=audits), control="wage", days=2)
    assert row_of(unaware, "booked_late")["estimate"] < 0
    assert row_of(aware, "booked_late")["estimate"] == 0


def test_first_days_count_only_after_a_month_end_under_the_schemes() -> None:
    """Under the target from month 1 on: the first days of months 0 and 1 follow none."""
    records = logged(lambda m, d, t: 0.2 + 0.6 * (m < 2 and d < 2), start=1)
    effect = month_ends(records, control="wage", days=2)
    per_100 = effect.details["levels"].set_index(["estimand", "term"])["estimate"]
    assert abs(per_100["dip", "wage"]) < 10
    assert effect.design["n_months"] == MONTHS - 1
    assert effect.details["profile"]["n"].sum() == TEAMS * (MONTHS - 1) * LENGTH * EACH


def test_without_totals_nothing_is_said_of_what_was_booked_late(drawn: inc.Records) -> None:
    effect = month_ends(instead(drawn, agents=pd.DataFrame()), control="wage", days=2)
    assert effect.tidy()["estimand"].tolist() == ["excess", "dip", "new"]


def test_a_log_that_went_out_as_csv_and_came_back_is_answered_alike(tmp_path: Path) -> None:
    """With totals that no contact explains, and a month before the target."""
    log = logged(lambda m, d, t: 0.2 + 0.1 * (t and d >= 4), start=1)
    late = (log.agents["month"] == 2) & (log.agents["team"] >= 4)
    agents = log.agents.assign(logged_sales=log.agents["logged_sales"] + 3 * late)
    sent = instead(log, agents=agents)
    for name, frame in sent.frames().items():
        if len(frame):
            frame.to_csv(tmp_path / f"{name}.csv", index=False)
    read = inc.read_records(tmp_path)
    one, other = (month_ends(records, control="wage", days=2) for records in (sent, read))
    assert row_of(one, "booked_late")["estimate"] != 0
    pd.testing.assert_frame_equal(other.tidy(), one.tidy(), check_dtype=False)
    assert other.checks == one.checks
    assert other.reading == one.reading
    for name, table in one.details.items():
        pd.testing.assert_frame_equal(other.details[name], table, check_dtype=False)


# ── known worlds ─────────────────────────────────────────────────────────────────────────────────


def by_world(records: inc.Records) -> pd.DataFrame:
    """Answer for each world as a firm of its own would see it."""
    seen = records.seen_by("analyst")
    found = [month_ends(world, control="wage").tidy() for world in worlds.each(seen)]
    return pd.concat(found, keys=range(len(found)), names=["world"]).reset_index("world")


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return by_world(calendar_worlds.months())


@pytest.fixture(scope="module")
def whole() -> Estimate:
    return month_ends(calendar_worlds.months(), control="wage")


@pytest.fixture(scope="module")
def untimed() -> Estimate:
    return month_ends(calendar_worlds.plain(), control="wage")


@pytest.fixture(scope="module")
def twins() -> pd.DataFrame:
    """Every team under each scheme, by world: of 100 contacts, from the truth beside the log."""
    records = calendar_worlds.as_twins()
    log = records.contacts[records.contacts["logged_outcome"] != "abandoned"]
    day = log["day"].to_numpy() % records.runs["days_per_month"].iloc[0]
    part = np.where(day >= 17, "last", np.where(day >= 3, "middle", "first"))
    part[(day < 3) & (log["month"] == 0).to_numpy()] = "opening"
    sold = 100.0 * (log["logged_outcome"] == "sale")
    held = 100.0 * (log["true_booked"] == "held_back")
    of_run = records.runs.set_index("run")
    keys = [of_run[name].astype(str)[log["run"]].to_numpy() for name in ("scheme", "replication")]
    mean = pd.DataFrame({"sold": sold, "held": held}).groupby([*keys, part]).mean()
    mean = mean.reset_index().pivot_table(index=["level_0", "level_1"], columns="level_2")
    excess = mean["sold", "last"] - mean["sold", "middle"]
    dip = mean["sold", "middle"] - mean["sold", "first"]
    made = excess + mean["held", "last"]
    by_world = pd.DataFrame({"excess": excess, "dip": dip, "new": excess - dip, "made": made})
    return by_world.loc["target"] - by_world.loc["wage"]


@pytest.mark.parametrize("name", ["excess", "dip", "new", "made"])
def test_what_a_target_does_to_the_calendar_is_found(
    name: str, twins: pd.DataFrame, answers: pd.DataFrame
) -> None:
    """The truth is that of all teams under the target against none of them."""
    known, found = twins[name], answers[answers["estimand"] == name]
    error = np.hypot(found["estimate"].sem(), known.sem())
    assert abs(found["estimate"].mean() - known.mean()) < 4 * error
    held = ((found["conf_low"] <= known.mean()) & (known.mean() <= found["conf_high"])).sum()
    assert held >= stats.binom.ppf(0.0005, len(found), 0.95), held


def test_what_was_held_back_is_found_to_the_last_sale(whole: Estimate) -> None:
    """But for those who left before it was booked: it is in nobody's totals."""
    records = calendar_worlds.months()
    held = records.contacts[records.contacts["true_booked"] == "held_back"]
    then = held.assign(month=held["month"] + 1).set_index([*PLACE])["hire"]
    now = records.agents.set_index(PLACE)["hire"].reindex(then.index)
    stayed = int((now == then).sum())
    assert 100 < stayed < len(held)
    assert row_of(whole, "booked_late")["n_events"] == stayed


def test_with_it_put_back_the_calendar_is_that_of_nobody_moving_anything(
    answers: pd.DataFrame,
) -> None:
    """The same worlds without G7 are the twins: what contacts lack at month-ends was booked late.

    The naive reading is off by all that was held back.
    """
    plain = by_world(calendar_worlds.plain())
    known = plain[plain["estimand"] == "excess"].set_index("world")["estimate"]
    gap = {}
    for name in ("made", "excess"):
        found = answers[answers["estimand"] == name].set_index("world")["estimate"]
        away = (found - known).dropna()
        assert len(away) == len(known)
        gap[name] = away.mean() / away.sem()
    assert abs(gap["made"]) < 4, gap
    assert gap["excess"] < -4, gap


def test_a_shift_over_the_month_boundary_is_no_proof_of_a_lie(untimed: Estimate) -> None:
    """Nobody can move an outcome, and the naive reading sees the last days lose to the first."""
    records = calendar_worlds.plain()
    assert (records.contacts["true_booked"] == "at_once").all()
    assert row_of(untimed, "excess")["conf_high"] < -0.4
    assert row_of(untimed, "dip")["conf_high"] < -0.3
    assert row_of(untimed, "booked_late")["estimate"] == 0
    assert row_of(untimed, "made")["estimate"] == row_of(untimed, "excess")["estimate"]
    assert "pressed early or held back" in untimed.reading
    assert "late" not in untimed.reading


def test_pay_by_the_piece_leaves_the_calendar_alone() -> None:
    effect = month_ends(calendar_worlds.piece(), control="wage")
    calendar = effect.tidy().set_index("estimand")
    assert (calendar.loc[["excess", "dip", "new"], "p_value"] > 0.01).all()
    assert calendar.loc["booked_late", "estimate"] == 0


def test_teams_alike_differ_as_often_as_chance_has_it() -> None:
    """Teams on a wage are dealt to two names for the same."""
    rng = np.random.default_rng(12)
    p = []
    for world in worlds.each(calendar_worlds.months().seen_by("analyst")):
        given = world.assignments
        teams = given.loc[given["scheme"].astype(str) == "wage", "unit_id"].to_numpy()
        half = rng.permutation(teams)[: len(teams) // 2]
        alike = {"assignments": given[given["unit_id"].isin(teams)]}
        alike |= {
            name: frame[frame["team"].isin(teams)]
            for name, frame in world.frames().items()
            if name in ("contacts", "agents", "audits")
        }
        renamed = {
            name: frame.assign(scheme=np.where(frame[team].isin(half), "same", "wage"))
            for name, frame in alike.items()
            for team in ["unit_id" if name == "assignments" else "team"]
        }
        answer = month_ends(instead(world, **renamed), control="wage").tidy()
        p += answer.loc[answer["estimand"].isin(["excess", "dip"]), "p_value"].tolist()
    assert sum(one < 0.05 for one in p) <= stats.binom.ppf(0.9995, len(p), 0.05)


# ── what is refused, and the result's contract ───────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"days": 0}, "days must be 1 or more"),
        ({"days": 3}, "twice as many fewer than the 6 working days of a month, got 3"),
        ({"metric": "sale"}, "did you mean 'sales'"),
        ({"control": "wgae"}, "did you mean 'wage'"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    drawn: inc.Records, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises((ValueError, KeyError), match=message):
        month_ends(drawn, **{"days": 2, "control": "wage", **changes})


def test_a_single_month_no_contacts_and_no_sale_are_refused(drawn: inc.Records) -> None:
    one = drawn.contacts[drawn.contacts["month"] == 0]
    with pytest.raises(ValueError, match="hold a single month"):
        month_ends(instead(drawn, contacts=one), control="wage", days=2)
    with pytest.raises(ValueError, match="records have no contacts"):
        month_ends(instead(drawn, contacts=pd.DataFrame()), control="wage", days=2)
    unsold = drawn.contacts.assign(logged_outcome="saved")
    said = "no served contact is logged as one of the sales .* ask about 'saves'"
    with pytest.raises(ValueError, match=said):
        month_ends(instead(drawn, contacts=unsold), control="wage", days=2)
    quiet = drawn.contacts[(drawn.contacts["day"] % LENGTH < 4) | (drawn.contacts["team"] < 4)]
    with pytest.raises(ValueError, match="'target' has no contacts in the last days"):
        month_ends(instead(drawn, contacts=quiet), control="wage", days=2)


def test_an_answer_keeps_the_contract(whole: Estimate) -> None:
    assert tuple(whole.tidy().columns) == TIDY_COLUMNS
    lines = whole.summary().splitlines()
    assert len(lines) <= 25
    assert lines[-1].startswith("Read as: 'target' has fewer sales logged in the last days")
    again = Estimate.from_dict(whole.to_dict())
    pd.testing.assert_frame_equal(again.tidy(), whole.tidy(), check_dtype=False)
    assert whole.plot_data()["estimand"].iloc[0] == "excess"
    assert whole.plot().get_xlabel() or whole.plot().get_ylabel()
    plt.close("all")
    profile = whole.details["profile"]
    assert sorted(profile["day"].unique()) == list(range(1, 21))
    assert profile["n"].sum() == whole.design["n_contacts"]
    tested = whole.inference("wild", reps=199, rng=1).tidy()
    assert (tested.loc[tested["estimand"] == "excess", "p_value"] < 0.05).all()
