"""Who is warned (C8): any customer whom the firm has won, those of the first day and those since.

A warning, or a post, costs trust among all who can be reached. Twins differ in how well they serve;
looked at are customers who have joined later and have had no contact themselves.
"""

from typing import Any

import numpy as np
import pytest
from test_signature_customers import Effect, effect, falls, served

import incentives as inc
from incentives._bill import acquaintance
from incentives._draws import key_of
from incentives.columns import PERSON

MONTHS = 6
WORLDS = 4
SELDOM = {
    "floor.teams": 2,
    "floor.customers": 6_000,
    "needs.question": 0.1,
    "needs.complaint": 0.03,
    "needs.order": 0.03,
    "acquisition.monthly": 0.1,
}


def trust_of_newcomers(off: tuple[str, ...] = (), **values: Any) -> tuple[Effect, float]:
    """What poor service does to the trust of those won later who have not contacted; its mean."""
    worlds = [served(plain, off).change({**SELDOM, **values}) for plain in (3.0, 5.5)]
    records = inc.simulate(worlds, replications=WORLDS, months=MONTHS, rng=3)
    last = records.customers[records.customers["month"] == MONTHS - 1]
    last = last[~last["initial"] & (last["customer"] < PERSON)].set_index(["run", "customer"])
    apart = last[~last.index.isin(records.contacts.set_index(["run", "customer"]).index)]
    assert apart.groupby("run").size().min() > 500
    trust = apart["true_trust"].astype(float).groupby("run").mean().to_numpy()
    return effect(trust[:WORLDS] - trust[WORLDS:]), float(trust.mean())


@pytest.fixture(scope="module")
def warned() -> tuple[Effect, float]:
    return trust_of_newcomers()


@pytest.fixture(scope="module")
def unwarned() -> tuple[Effect, float]:
    return trust_of_newcomers(("C8",))


def test_detractors_cost_the_trust_of_those_who_came_after_them(warned, unwarned):
    assert falls(warned[0])
    assert unwarned[0] == (0.0, 0.0)


def test_in_a_mutant_where_as_many_warn_whatever_they_feel_service_costs_nothing(warned, unwarned):
    gap, mean = trust_of_newcomers(**{"advocacy.upset": 10.0, "advocacy.warns": 0.0045})
    assert unwarned[1] - mean == pytest.approx(unwarned[1] - warned[1], rel=0.15)
    assert gap == (0.0, 0.0)


def test_what_is_posted_is_read_by_newcomers_too():
    posts = {"channels.chat": 0.0, "channels.social": 1.0, "advocacy.warns": 0.0}
    assert falls(trust_of_newcomers(**posts)[0])
    assert trust_of_newcomers(**posts, **{"channels.publicity": 0.0})[0] == (0.0, 0.0)


def won(off: tuple[str, ...] = (), **values: Any) -> tuple[np.ndarray, float]:
    """How many fewer are won where service is poor than where it is plain; and how many are won."""
    worlds = [served(plain, off).change({**SELDOM, **values}) for plain in (3.0, 5.5)]
    runs = inc.simulate(worlds, replications=WORLDS, months=MONTHS, rng=3, keep="cells").runs
    number = runs["won"].to_numpy(float)
    return number[WORLDS:] - number[:WORLDS], float(number.mean())


WIDELY = {"advocacy.warns": 0.5, "advocacy.upset": 6.0, "advocacy.recommends": 0.0}


def test_detractors_warn_off_those_who_were_about_to_join():
    fewer, _ = won(**WIDELY)
    assert fewer.mean() > 4 * fewer.std(ddof=1) / np.sqrt(WORLDS)


def test_nobody_is_warned_off_without_word_of_mouth():
    assert not won(("C8",), **WIDELY)[0].any()


def test_as_many_who_stay_away_whatever_is_said_are_told_from_those_who_heed_it():
    """The mutant: fewer are won in the mean, and a warning keeps nobody away."""
    mean, all_of_them = won(**WIDELY)[1], won(("C8",), **WIDELY)[1]
    rate = SELDOM["acquisition.monthly"] * mean / all_of_them
    fewer, as_many = won(**WIDELY, **{"advocacy.deters": 0.0, "acquisition.monthly": rate})
    assert as_many == pytest.approx(mean, rel=0.01)
    assert not fewer.any()


@pytest.mark.quick
def test_an_acquaintance_stays_until_a_newcomer_takes_the_place():
    crowd, key = 40, key_of(1, 0)
    circles = [(uid, which) for uid in range(2_000) for which in range(2)]

    def known(won: int) -> np.ndarray:
        return np.array([acquaintance(uid, which, won, *key, crowd) for uid, which in circles])

    before, now, later = known(40), known(50), known(51)
    moved = now != before
    assert (now[moved] >= 40).all()
    assert abs(moved.mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / len(circles))
    assert (later[later != now] == 50).all()
    counts = np.bincount(now, minlength=50)
    assert len(counts) == 50
    chi_square = ((counts - 80.0) ** 2 / 80.0).sum()
    assert chi_square < 49 + 4 * np.sqrt(2 * 49)  # each of those won is as likely
    assert (known(50) == now).all()
