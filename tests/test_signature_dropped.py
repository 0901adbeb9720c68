"""Dropped contacts (G4): who stands low cuts off what drags on, and the customer calls again.

Each signature is a number for a world, set against its twin in which the mechanism is off. Beside
it stand mutants of the same mean: as large a share of contacts is cut off at a constant chance,
whoever stands where and however long it takes; and all callers are as impatient as those who were
cut off are in the mean. Effects are made strong, so that few worlds show them.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_signature_moments import (
    ALIKE,
    CENTRE,
    NEEDED,
    against,
    contacts_of,
    places,
    vars_of,
)

import incentives as inc
from incentives.menu import DEFAULT_MENU

MINUTES = {action.name.lower(): row.minutes for action, row in DEFAULT_MENU.items()}
CHANCE = inc.DroppedContact(reluctance=3.0, spread=0.0, habit=0.0, queue=0.0, evening=0.0)
PROUD = replace(
    CENTRE,
    scheme=inc.Wage(),
    workforce=replace(ALIKE, archetypes=(inc.Archetype(standing=1.5),)),
    leaderboard=inc.Leaderboard(top=0.0, bottom=2.0),
    dropped_contact=CHANCE,
    off=CENTRE.off - {"G4"},
).without("A3", "A5", "A7", "A8", "A9", "G8", "O5")  # nobody waits, and nothing carries over
CARELESS = replace(  # neither a minute nor a place nor the caller is anything to them
    PROUD,
    workforce=replace(ALIKE, archetypes=(inc.Archetype(standing=0.0, effort=0.0, care=0.0),)),
)


def cut(contacts: pd.DataFrame) -> "pd.Series[float]":
    return (contacts["true_action"] == "cut_off").astype(float)


def cuts_when_behind(contacts: pd.DataFrame) -> float:
    """Share of contacts cut off while last in the team, less while first."""
    done, place = places(contacts)
    return float(cut(done)[place == 1.0].mean() - cut(done)[place == 0.0].mean())


def cuts_what_drags_on(contacts: pd.DataFrame) -> float:
    """Share cut off of the contacts with more work than most of their kind, less of the others.

    The work that a contact asks for is known from the minutes that were given to it.
    """
    usual = contacts["reason"].astype(str).map(vars_of(CENTRE.work))
    row = contacts["true_action"].astype(str).map(MINUTES)
    work = contacts["handle_minutes"].astype(float) / row / usual
    long = work > work.median()
    return float(cut(contacts)[long].mean() - cut(contacts)[~long].mean())


@pytest.fixture(scope="module")
def proud() -> list[pd.DataFrame]:
    return contacts_of(PROUD, months=2)


@pytest.fixture(scope="module")
def off() -> list[pd.DataFrame]:
    return contacts_of(PROUD.without("G4"), months=2)


def test_who_holds_a_low_place_cuts_off_what_drags_on(proud, off):
    assert against(proud, off, cuts_when_behind) > NEEDED
    assert against(proud, off, cuts_what_drags_on) > NEEDED
    unseen = contacts_of(PROUD.without("P5"), months=2)
    assert against(proud, unseen, cuts_when_behind) > NEEDED
    assert abs(np.mean([cuts_when_behind(one) for one in unseen])) < 0.02


def test_without_dropped_contacts_nobody_is_cut_off_wherever_they_stand(off):
    for statistic in (cuts_when_behind, cuts_what_drags_on):
        assert [statistic(one) for one in off] == [0.0] * len(off)


def test_as_many_cut_off_at_a_constant_chance_know_neither_place_nor_length(proud, off):
    mutant = contacts_of(CARELESS.change({"dropped_contact.reluctance": 0.95}), months=2)
    shares = [np.mean([cut(one).mean() for one in worlds]) for worlds in (mutant, proud)]
    assert shares[0] == pytest.approx(shares[1], rel=0.15)
    for statistic in (cuts_when_behind, cuts_what_drags_on):
        assert abs(against(mutant, off, statistic)) < NEEDED, statistic


# -- what the customer does ---------------------------------------------------------------------

CROWDED = replace(CARELESS, off=CARELESS.off - {"O5"}).change(
    {"floor.customers": 10_000, "dropped_contact.reluctance": 0.0, "queueing.temper": 0.5}
)
NEED = ["run", "customer", "reason", "episode"]


def tries(scenario: inc.Scenario) -> list[pd.DataFrame]:
    """Run some worlds; tell of each contact what went before it and whether another followed."""
    contacts = inc.simulate(scenario, replications=8, months=2, rng=1).contacts
    contacts = contacts.sort_values([*NEED, "attempt"])
    of_one_need = contacts.groupby(NEED, observed=True)
    again = of_one_need["attempt"].shift(-1).notna()
    after = of_one_need["true_action"].shift(1) == "cut_off"
    return [own for _, own in contacts.assign(again=again, after=after).groupby("run")]


def answered(contacts: pd.DataFrame) -> pd.DataFrame:
    """Give those that were served long enough before the end for another to follow."""
    return contacts[(contacts["ended"] == "served") & (contacts["day"] < 30)]


def calls_again(contacts: pd.DataFrame) -> float:
    """Share of those cut off who call again, less the share of others who were served."""
    contacts = answered(contacts)
    dropped, again = contacts["true_action"] == "cut_off", contacts["again"]
    return float(again[dropped].mean() - again[~dropped].mean()) if dropped.any() else 0.0


def hang_ups(contacts: pd.DataFrame) -> float:
    """Callers who give up, per minute waited: patience is exponential, and this is its rate."""
    gone = (contacts["ended"] == "abandoned").sum()
    return float(gone / contacts["wait_minutes"].astype(float).sum())


def gives_up_sooner(contacts: pd.DataFrame) -> float:
    """Rate of giving up at the next try of those cut off, less that at everybody's first."""
    next_try = contacts[contacts["after"] & (contacts["attempt"] == 2)]
    first = contacts[contacts["attempt"] == 1]
    return hang_ups(next_try) - hang_ups(first) if len(next_try) else 0.0


@pytest.fixture(scope="module")
def dropped() -> list[pd.DataFrame]:
    return tries(CROWDED)


@pytest.fixture(scope="module")
def kept() -> list[pd.DataFrame]:
    return tries(CROWDED.without("G4"))


def test_who_was_cut_off_calls_again_less_patient(dropped, kept):
    assert against(dropped, kept, calls_again) > NEEDED
    assert against(dropped, kept, gives_up_sooner) > NEEDED


def test_without_dropped_contacts_nobody_calls_again_for_that(kept):
    for statistic in (calls_again, gives_up_sooner):
        assert [statistic(one) for one in kept] == [0.0] * len(kept)


def test_as_many_repeats_whoever_was_cut_off_tell_nothing_of_it(dropped, kept):
    mutant = tries(CROWDED.change({"queueing.redials": 0.188, "needs.returns": 0.94}))
    means = [answered(pd.concat(worlds))["again"].mean() for worlds in (mutant, dropped)]
    assert means[0] == pytest.approx(means[1], rel=0.1)
    assert abs(against(mutant, kept, calls_again)) < NEEDED


def test_callers_who_are_all_less_patient_do_not_lose_it_by_being_cut_off(dropped, kept):
    mutant = tries(CROWDED.change({"queueing.temper": 1.0, "queueing.patience": 5.8}))
    means = [hang_ups(pd.concat(worlds)) for worlds in (mutant, dropped)]
    assert means[0] == pytest.approx(means[1], rel=0.1)
    assert abs(against(mutant, kept, gives_up_sooner)) < NEEDED
