"""Satisfaction opens a customer to an offer (C7, `LoyaltyPays.opens`).

Twins differ in how well they serve; agents do the same on every contact and customers stay, so that
a contact is the same one in both, but for how content its customer has become. Better service sells
more; without the mechanism it sells to the same customers, and so it does in a mutant in which all
are as open as they are with it in the mean.
"""

from typing import Any

import numpy as np
import pytest
from test_signature_customers import doing, effect, rises

import incentives as inc
from incentives.customers import fetched
from incentives.scenario import lower

WORLDS = 6
KEYS = ["run", "customer", "reason", "episode", "attempt"]
BETTER, USUAL = 8.0, 6.0  # points of 10, of a contact that is answered
STEADY: dict[str, Any] = {
    "floor.teams": 2,
    "floor.customers": 6_000,
    "leaving.base": 1e-6,
    "acquisition.monthly": 0.0,
    "openness.median": 0.2,
}


def sold_by_service(off: tuple[str, ...] = (), **values: Any) -> tuple[np.ndarray, float]:
    """What better service adds to the share of offers that sell (a world each); and that share.

    The shares are those of the same offers in both twins.
    """
    centre = doing(inc.Action.OFFER_AFTER, **STEADY).without("C5", "C8", "C10", *off)
    sold = []
    for plain in (BETTER, USUAL):
        served = centre.change({**values, "expectations.plain": plain})
        contacts = inc.simulate(served, replications=WORLDS, months=4, rng=3).contacts
        offered = contacts[contacts["true_action"] == "offer_after"]
        sold.append((offered["true_outcome"] == "sale").astype(float).groupby(
            [offered[key] for key in KEYS], observed=True).first())  # fmt: skip
    both = sold[0].to_frame("better").join(sold[1].rename("usual"), how="inner")
    gain = (both["better"] - both["usual"]).groupby("run").mean()
    return gain.to_numpy(), float(both.to_numpy().mean())


@pytest.fixture(scope="module")
def moved() -> tuple[np.ndarray, float]:
    return sold_by_service()


def test_better_service_sells_more_to_the_same_customers(moved) -> None:
    gain, _ = moved
    assert rises(effect(gain))
    off, _ = sold_by_service(("C7",))
    assert (off == 0.0).all()
    assert rises(effect(gain - off))


def test_in_a_mutant_where_all_are_as_open_in_the_mean_service_sells_to_the_same(moved) -> None:
    level = {"loyalty_pays.opens": 0.0, "openness.median": 0.2215}
    gain, share = sold_by_service(**level)
    assert share == pytest.approx(moved[1], rel=0.02)
    assert (gain == 0.0).all()


@pytest.mark.quick
def test_what_contentment_opens_is_counted_in_log_odds_from_neutral() -> None:
    rule = lower(inc.Scenario().change({"loyalty_pays.opens": 0.3})).rules.loyalty
    assert fetched(6.5, rule) == 0.0
    assert fetched(8.5, rule) == pytest.approx(0.6)
    assert fetched(4.5, rule) == pytest.approx(-0.6)
    off = lower(inc.Scenario().without("C7")).rules.loyalty
    assert fetched(8.5, off) == 0.0
