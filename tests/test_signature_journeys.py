"""What a journey does that a telephone call does not (C2): stops, captive listeners, thin service.

An order can begin a journey of touch points that staff start. Each of its five parameters leaves
one number behind, which is the difference between what happens at a stop and what happens in the
same world elsewhere. It is held to three worlds: with the mechanism it stands out from its twin
without it; without the mechanism it is nothing; and it is nothing on a mutant, which has the
mechanism's mean everywhere alike.

Orders are numbered, so that a stop is known by its number whether or not the mechanism is on. Here
nobody has a question but on a journey.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from test_signature_customers import PLAIN, doing

import incentives as inc
from incentives.customers import on_the_way_home, on_tour
from incentives.scenario import lower

STOPS = 3
WORLDS = 6
MONTHS = 2
NEEDED = 4.0  # Monte-Carlo errors
KEYS = ["run", "customer", "reason", "episode", "attempt"]
OFFERS = ("offer_after", "offer_first")

# the two kinds of contact are alike but for the journey, and no expectation ever moves
ALIKE: dict[str, Any] = {
    "floor.teams": 2,
    "floor.customers": 6_000,
    "needs.question": 0.0,
    "needs.complaint": 0.0,
    "needs.order": 0.5,
    "work.resolves_question": 0.7,
    "work.resolves_order": 0.7,
    "expectations.plain": 7.0,
    "leaving.base": 1e-6,
}
SPARED = ("C1", "C5", "C7")
ON = {f"moments_and_endings.{name}": value for name, value in {
    "stops": STOPS, "captive": 1.0, "worse": 1.0, "meagre": 0.0, "trolley": 0.0, "spoils": 0.0,
}.items()}  # fmt: skip


def at(**values: float) -> dict[str, float]:
    """Name values of the mechanism as a scenario does."""
    return {f"moments_and_endings.{name}": value for name, value in values.items()}


def contacts_of(centre: inc.Scenario) -> pd.DataFrame:
    """Give the contacts of some worlds that have a place on a journey, or would have one."""
    contacts = inc.simulate(centre, replications=WORLDS, months=MONTHS, rng=5).contacts
    contacts = contacts[contacts["reason"].isin(["order", "question"])]
    place = contacts["episode"].astype(int) % (STOPS + 1)
    return contacts.assign(stop=place > 0, home=place == STOPS)


def world(values: dict[str, Any], *off: str, action: inc.Action = PLAIN) -> pd.DataFrame:
    """Run worlds whose agents all do one thing, and annoy as much after a failure as after none."""
    return contacts_of(doing(action, **{**ALIKE, **ON, **values}).without(*SPARED, "C4", *off))


def apart(contacts: pd.DataFrame, what: Any, here: Any, there: Any) -> np.ndarray:
    """Give the mean of something here, less its mean there: a number a world."""
    value, run = what.astype(float), contacts["run"]
    means = [value[chosen].groupby(run[chosen]).mean() for chosen in (here, there)]
    return (means[0] - means[1]).to_numpy()


def score(numbers: np.ndarray) -> float:
    """Give a mean over worlds in Monte-Carlo errors; nothing at all is 0 of them."""
    if not numbers.any():
        return 0.0
    return float(numbers.mean() / (numbers.std(ddof=1) / np.sqrt(len(numbers))))


# -- the five numbers ---------------------------------------------------------------------------


def follows_an_order(values: dict[str, Any], *off: str) -> tuple[np.ndarray, float]:
    """How many more contact on the day after an order than on the day before it; and contacts."""
    contacts = world(values, *off)
    first = contacts[contacts["attempt"] == 1]
    orders = first[first["reason"] == "order"]
    last = int(doing(PLAIN).floor.days) * MONTHS - 1
    orders = orders[(orders["day"] > 0) & (orders["day"] < last)]
    seen = set(zip(first["run"], first["customer"], first["day"], strict=True))

    def came(days: int) -> pd.Series:
        there = zip(orders["run"], orders["customer"], orders["day"] + days, strict=True)
        return pd.Series([each in seen for each in there], index=orders.index, dtype=float)

    gap = (came(1) - came(-1)).groupby(orders["run"]).mean().to_numpy()
    return gap, float(len(first))


def pitched(values: dict[str, Any], *off: str) -> pd.DataFrame:
    """Pair the same contacts in a world without offers and in one where all end with an offer."""
    plain = world(values, *off).set_index(KEYS)
    offered = world(values, *off, action=inc.Action.OFFER_AFTER).set_index(KEYS)
    columns = ["true_experience", "true_resolved"]
    both = plain.join(offered[columns].add_suffix("_offered"), how="inner")
    both = both[both["true_resolved"] == both["true_resolved_offered"]].reset_index()
    cost = both["true_experience"].astype(float) - both["true_experience_offered"].astype(float)
    return both.assign(cost=cost)


def costs_the_captive_more(values: dict[str, Any], *off: str) -> tuple[np.ndarray, float]:
    """What a pitch costs at a stop, less what it costs elsewhere; and what it costs (points)."""
    both = pitched(values, *off)
    return apart(both, both["cost"], both["stop"], ~both["stop"]), both["cost"].mean()


def spoils_more_where_service_fails(values: dict[str, Any], *off: str) -> tuple[np.ndarray, float]:
    """Share of the good that a pitch at a stop undoes where service failed, less where not."""
    both = pitched({**values, "menu.offer_after.annoys": 0.0}, *off)
    beyond = both["true_experience"].astype(float) - inc.Expectations().neutral
    both = both[both["stop"] & (beyond > 0.5)]
    lost = both["cost"] / beyond[both.index]
    return apart(both, lost, ~both["true_resolved"], both["true_resolved"]), lost.mean()


def fails_on_the_way_home(values: dict[str, Any], *off: str) -> tuple[np.ndarray, float]:
    """Share unresolved at the last stop, less at those before; and the share at any stop."""
    contacts = world(values, *off)
    first = contacts[(contacts["attempt"] == 1) & contacts["stop"]]
    failed = ~first["true_resolved"]
    return apart(first, failed, first["home"], ~first["home"]), failed.mean()


def offers_on_the_way_home(values: dict[str, Any], *off: str) -> tuple[np.ndarray, float]:
    """Share of last stops with an offer, less of those before; and the share at any stop."""
    given = {"rate": 6.0, **values}
    scheme = inc.Wage() + inc.PieceRate("sales", given.pop("rate"))
    centre = inc.Scenario(scheme=scheme).without("G5", "O5", *SPARED, *off)
    contacts = contacts_of(centre.change({**ALIKE, **ON, **given}))
    stops = contacts[(contacts["attempt"] == 1) & contacts["stop"]]
    offered = stops["true_action"].isin(OFFERS)
    return apart(stops, offered, stops["home"], ~stops["home"]), offered.mean()


class Shown(NamedTuple):
    """A number, a world in which it stands out, and a mutant of the same mean in which it cannot.

    What the mutant is to have the mean of is the second thing that `number` gives.
    """

    number: Callable[..., tuple[np.ndarray, float]]
    on: dict[str, Any]
    mutant: dict[str, Any]


SHOWN = {
    "stops": Shown(
        follows_an_order,
        {},
        {**at(stops=0), "needs.order": 1.75},  # as many contacts, at any time
    ),
    "captive": Shown(
        costs_the_captive_more,
        at(captive=2.0),
        {"menu.offer_after.annoys": 1.75 * inc.Scenario().menu[inc.Action.OFFER_AFTER].annoys},
    ),
    "worse": Shown(
        spoils_more_where_service_fails,
        at(spoils=0.25, worse=2.5),
        at(spoils=0.315),
    ),
    "meagre": Shown(
        fails_on_the_way_home,
        at(meagre=0.6),
        {"work.resolves_question": 0.7 * (1.0 - 0.6 / STOPS)},
    ),
    "trolley": Shown(
        offers_on_the_way_home,
        at(trolley=1.0),
        {"rate": 0.0},
    ),
}
SAME = 0.1  # of the mean, between a mutant and its model


@pytest.fixture(scope="module")
def numbers() -> dict[str, tuple[np.ndarray, float]]:
    """The numbers of the worlds with the mechanism, which two tests look at."""
    return {name: shown.number(shown.on) for name, shown in SHOWN.items()}


@pytest.mark.parametrize("name", SHOWN)
def test_a_stop_differs_from_what_it_would_be_without_the_journey(name, numbers) -> None:
    shown = SHOWN[name]
    off, _ = shown.number(shown.on, "C2")
    assert score(numbers[name][0] - off) > NEEDED
    assert abs(score(off)) < NEEDED


@pytest.mark.parametrize("name", SHOWN)
def test_a_mutant_that_is_everywhere_what_stops_are_in_the_mean_shows_nothing(
    name, numbers
) -> None:
    shown = SHOWN[name]
    constant, mean = shown.number(shown.mutant)
    assert mean == pytest.approx(numbers[name][1], rel=SAME)
    assert abs(score(constant)) < NEEDED


@pytest.mark.quick
def test_the_stops_of_a_journey_are_the_orders_between_two_that_begin_one() -> None:
    rule = lower(inc.Scenario().change(ON)).rules.moments
    assert [on_tour(2, episode, rule) for episode in range(6)] == [0, 1, 1, 1, 0, 1]
    assert not any(on_tour(need, 1, rule) for need in (0, 1, 3))
    assert [on_the_way_home(episode, rule) for episode in (1, 2, 3, 5)] == [0, 0, 1, 0]
