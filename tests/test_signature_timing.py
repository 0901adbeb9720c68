"""Timing (G7): outcomes are held back, or booked ahead, around a threshold and a month's end.

The signature is that what is logged bunches at the threshold, and that what was held back comes
with the next month. Beside it stands a mutant in which as large a share of the last days' sales is
held back, at random.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives._codes import AHEAD, AT_ONCE, HELD_BACK, MADE_GOOD, OFFER_AFTER, PLAIN, SOLD
from incentives._contact import book
from incentives.gaming import ConscienceNumbers, TimingNumbers
from incentives.mechanism import lower_numbers

WORLDS = 16
NEEDED = 4.0  # standard errors between a signature and its twin without it
ENOUGH = 20  # sales a month that the target asks for
DAYS = 10
CENTRE = inc.Scenario(
    floor=inc.Floor(teams=2, team_size=4, customers=3_500, days=DAYS),
    openness=inc.Openness(median=0.1),
    scheme=inc.Wage() + inc.Target("sales", ENOUGH, lump=200.0),
).without("G3", "G5")
WEIGHING = replace(CENTRE, scheme=inc.Wage() + inc.Target("sales", ENOUGH, lump=50.0)).change(
    {"conscience.slope": 0.9}
)
WATCHED = CENTRE.change({"belief.prior": 0.1, "timing.thinks": 1.0})


def worlds_of(scenario: inc.Scenario) -> inc.Records:
    return inc.simulate(scenario, replications=WORLDS, months=4, rng=1)


def against(on: np.ndarray, off: np.ndarray) -> float:
    """Give the mean paired difference in Monte-Carlo standard errors."""
    gap = on - off
    return float(gap.mean() / (gap.std(ddof=1) / np.sqrt(len(gap))))


def just_there(agents: pd.DataFrame) -> np.ndarray:
    """Share of agents' months with exactly as many logged sales as are asked for: one a run."""
    reached = agents["logged_sales"] == ENOUGH
    return reached.groupby(agents["run"]).mean().to_numpy()


def share_of(contacts: pd.DataFrame, *booked: str) -> np.ndarray:
    """Share of sales, true or booked, that were booked in such a way: one a run."""
    sold = (contacts["true_outcome"] == "sale") | (contacts["logged_outcome"] == "sale")
    moved = contacts["true_booked"].isin(booked)
    run = contacts["run"]
    return (moved.groupby(run).sum() / sold.groupby(run).sum()).to_numpy()


def moved(records: inc.Records) -> np.ndarray:
    return share_of(records.contacts, "held_back", "ahead")


def ahead(records: inc.Records) -> np.ndarray:
    return share_of(records.contacts, "ahead")


MORE = {"replications": 8}
MOVES: dict[str, tuple[Any, ...]] = {
    "share of sales not booked at once": (CENTRE, moved),
    "share of sales not booked at once by those who weigh the gain": (
        WEIGHING,
        moved,
        MORE,
    ),
    "share of sales booked ahead": (CENTRE, ahead),
    "share of sales booked ahead in fear of a check": (WATCHED, ahead, MORE),
}


@pytest.fixture(scope="module")
def timed() -> inc.Records:
    return worlds_of(CENTRE)


@pytest.fixture(scope="module")
def untimed() -> inc.Records:
    return worlds_of(CENTRE.without("G7"))


# -- the signature ------------------------------------------------------------------------------


def test_logged_sales_bunch_at_the_threshold(timed, untimed):
    assert against(just_there(timed.agents), just_there(untimed.agents)) > NEEDED
    assert (untimed.contacts["true_booked"] == "at_once").all()


def test_a_random_share_held_back_does_not_bunch(timed, untimed):
    """The mutant: as large a share of the last days' sales comes a month later, whosever it is."""
    last_days = CENTRE.timing.window
    sales = {}
    for name, records in (("on", timed), ("off", untimed)):
        frame = records.contacts[records.contacts["true_outcome"] == "sale"]
        sales[name] = frame[frame["day"] % DAYS >= DAYS - last_days]
    share = (sales["on"]["true_booked"] == "held_back").mean()
    assert share > 0.2
    drawn = np.random.default_rng(5).random(len(sales["off"])) < share
    late = sales["off"][drawn]
    index = ["run", "month", "agent"]
    agents = untimed.agents.set_index(index)
    less = late.groupby(index).size().reindex(agents.index, fill_value=0)
    more = late.assign(month=late["month"] + 1).groupby(index).size()
    held = agents["logged_sales"] - less + more.reindex(agents.index, fill_value=0)
    mutant = just_there(held.rename("logged_sales").reset_index())
    assert abs(against(mutant, just_there(untimed.agents))) < NEEDED
    assert against(just_there(timed.agents), mutant) > NEEDED


def test_what_was_held_back_is_there_as_the_next_month_begins(timed):
    """Those who have gone leave it behind; what is made good is booked no second time."""
    index = ["run", "month", "agent"]
    agents, contacts = timed.agents.set_index(index), timed.contacts
    logged = contacts[contacts["logged_outcome"] == "sale"].groupby(index).size()
    held = contacts[contacts["true_booked"] == "held_back"]
    late = held.assign(month=held["month"] + 1).groupby([*index, "hire"]).size().reset_index("hire")
    stays = late["hire"] == agents["hire"].reindex(late.index)
    late = late.loc[stays, 0].reindex(agents.index, fill_value=0)
    assert late.sum() > 50
    logged = logged.reindex(agents.index, fill_value=0)
    assert (agents["logged_sales"] == logged + late).all()


def test_sales_are_moved_in_the_last_days_only_and_made_good_after(timed):
    contacts = timed.contacts
    early = contacts["day"] % DAYS < DAYS - CENTRE.timing.window
    assert not contacts.loc[early, "true_booked"].isin(["held_back", "ahead"]).any()
    held, booked, good = (
        contacts[contacts["true_booked"] == name] for name in ("held_back", "ahead", "made_good")
    )
    assert (held["true_outcome"] == "sale").all()
    assert (held["logged_outcome"] == "handled").all()
    assert (held["logged_value"] == 0).all()
    assert (booked["true_outcome"] == "handled").all()
    assert (booked["logged_outcome"] == "sale").all()
    assert (good["true_outcome"] == "sale").all()
    assert (good["logged_outcome"] == "handled").all()
    index = ["run", "month", "agent", "hire"]
    due = booked.assign(month=booked["month"] + 1).groupby(index).size()
    paid = good.groupby(index).size()
    assert len(paid) > 5
    assert (paid <= due.reindex(paid.index, fill_value=0)).all()


@pytest.mark.parametrize("metric", ["sales", "sales_value"])
def test_under_a_piece_rate_nothing_is_moved(metric):
    centre = replace(CENTRE, scheme=inc.Wage() + inc.PieceRate(metric, 0.1))
    on, off = (
        inc.simulate(each, months=2, rng=3).frames() for each in (centre, centre.without("G7"))
    )
    for name in on.keys() - {"runs"}:
        pd.testing.assert_frame_equal(on[name], off[name], check_exact=True)


# -- the rule -----------------------------------------------------------------------------------


def booked_when(now: float, later: float, *, success: bool, owed: float = 0.0) -> set[int]:
    """Give how a few agents of middling conscience book what comes of an offer."""
    paid = np.zeros(16)
    paid[PLAIN], paid[SOLD] = 1.0, 1.0 + now
    rules = SimpleNamespace(
        timing=lower_numbers(inc.Timing(thinks=1.0), TimingNumbers),
        conscience=lower_numbers(inc.Conscience(), ConscienceNumbers),
        audit=inc.Audit(),
    )
    person = SimpleNamespace(kappa=np.zeros(1), pay=np.ones(1), fear=np.ones(1))
    desk = SimpleNamespace(
        times=np.ones(1, int),
        worth=paid,
        later=np.array([[later], [0.0]]),
        owed=np.array([owed]),
        sway=SimpleNamespace(conscience=np.zeros(1)),
        bonds=SimpleNamespace(pardoned=np.zeros(1)),
    )
    return {
        book(0, OFFER_AFTER, 0, success, True, 0.0, 1, 2, uid, 3, 0, rules, person, desk)
        for uid in range(20)
    }


def test_an_outcome_is_booked_where_it_pays_more():
    assert booked_when(1.0, 9.0, success=True) == {HELD_BACK}
    assert booked_when(9.0, 1.0, success=True) == {AT_ONCE}
    assert booked_when(9.0, 1.0, success=False) == {AHEAD}
    assert booked_when(1.0, 9.0, success=False) == {AT_ONCE}
    assert booked_when(5.0, 5.0, success=True) == {AT_ONCE}
    assert booked_when(5.0, 5.0, success=False) == {AT_ONCE}


def test_whoever_owes_a_sale_makes_it_good_first():
    assert booked_when(9.0, 1.0, success=True, owed=1.0) == {MADE_GOOD}
    assert booked_when(9.0, 1.0, success=False, owed=1.0) == {AHEAD}


def test_a_sale_that_is_held_back_and_found_to_be_pressed_does_not_come_back():
    """Every sale by pressure is found and struck: those on the log now, and those held back."""
    pressed = {"menu.hard_sell.harm": 0.0, "menu.hard_sell.seen": 1.0, "belief.prior": 0.0}
    watched = {"audit.rate": 1.0, "audit.penalty": 0.0, "turnover.hazard": 0.0}
    centre = inc.Scenario(
        floor=inc.Floor(teams=2, team_size=4, customers=3_500, days=10),
        openness=inc.Openness(median=0.1),
        scheme=inc.Wage() + inc.Target("sales", 20, lump=200.0),
    )
    centre = centre.without("G3").change({**pressed, **watched})
    records = inc.simulate(centre, months=4, replications=8, rng=1)
    seats = ["run", "month", "agent"]
    contacts, audits = records.contacts, records.audits
    found = audits.loc[audits["found"] != "none", ["run", "contact"]].assign(found=True)
    contacts = contacts.merge(found, on=["run", "contact"], how="left")
    struck, held = contacts["found"].notna(), contacts["true_booked"] == "held_back"
    assert (struck & held).sum() > 10
    kept = contacts[(contacts["logged_outcome"] == "sale") & ~struck].groupby(seats).size()
    back = contacts[held & ~struck].assign(month=contacts["month"] + 1).groupby(seats).size()
    logged = records.agents.set_index(seats)["logged_sales"]
    due = kept.reindex(logged.index, fill_value=0) + back.reindex(logged.index, fill_value=0)
    assert (logged == due).all()
