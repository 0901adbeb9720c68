"""After-sale ownership and belief in the product (C10).

Each signature is a paired effect between twins; beside it stands a mutant, a world in which the
rule is a constant of the same mean, on which the signature's number is nothing.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives.columns import DUD, OWNED, SELLER
from incentives.customers import believes, borne, shown, sold
from incentives.scenario import lower

ALIKE = inc.Workforce(archetypes=(inc.Archetype(),), tastes=0.0, pace=0.0, closing=0.0)
CENTRE = (
    inc.Scenario(
        floor=inc.Floor(teams=2, team_size=3, customers=3_000),
        workforce=ALIKE,
        scheme=inc.Wage() + inc.PieceRate("sales", 8.0),
    )
    .without("G1", "G2", "G3", "G4", "G8", "O5")
    .change(
        {
            "leaving.base": 0.005,
            "needs.question": 0.6,
            "hidden_needs.share": 0.3,
            "hidden_needs.hit": 0.9,
            "hidden_needs.false_alarm": 0.1,
            "ownership.explains": 30.0,
            "ownership.returns": 1.0,
        }
    )
)
OWNING = CENTRE.change({"ownership.owned": 1.0})
WORLDS = 8
NEEDED = 4.0  # standard errors between a signature and its twin without it
OFFERS = ("offer_after", "offer_first", "hard_sell")


def run(scenario: inc.Scenario, months: int = 4) -> inc.Records:
    return inc.simulate(scenario, replications=WORLDS, months=months, rng=5)


def in_errors(gap: np.ndarray) -> float:
    """Give the mean paired difference in Monte-Carlo standard errors."""
    return float(gap.mean() / max(gap.std(ddof=1) / np.sqrt(len(gap)), 1e-12))


def could_be_sold_to(records: inc.Records) -> pd.DataFrame:
    contacts = records.contacts
    return contacts[(contacts["agent"] >= 0) & (contacts["reason"] != "cancel")]


def offers(records: inc.Records) -> np.ndarray:
    """Offers per contact that could have one, by run."""
    contacts = could_be_sold_to(records)
    return contacts["true_action"].isin(OFFERS).groupby(contacts["run"]).mean().to_numpy()


def closes(records: inc.Records) -> np.ndarray:
    """Share of offers made without pressure that sell, by run."""
    contacts = could_be_sold_to(records)
    contacts = contacts[contacts["true_action"].isin(OFFERS[:2])]
    return (contacts["true_outcome"] == "sale").groupby(contacts["run"]).mean().to_numpy()


def duds(records: inc.Records, rows: tuple[str, ...] = OFFERS) -> np.ndarray:
    """Share of sales, by some rows of the menu, to customers without a need, by run."""
    contacts = could_be_sold_to(records)
    sales = contacts[(contacts["true_outcome"] == "sale") & contacts["true_action"].isin(rows)]
    return (~sales["true_need"]).groupby(sales["run"]).mean().to_numpy()


def plain_duds(records: inc.Records) -> np.ndarray:
    return duds(records, OFFERS[:2])


def missold(records: inc.Records) -> np.ndarray:
    """Sales without a need per 100 contacts, by run."""
    contacts = could_be_sold_to(records)
    bad = (contacts["true_outcome"] == "sale") & ~contacts["true_need"]
    return 100.0 * bad.groupby(contacts["run"]).mean().to_numpy()


def refunded(records: inc.Records) -> np.ndarray:
    """Money paid back per customer and month, by run."""
    return records.customers.groupby("run")["refund"].mean().to_numpy()


def tells_apart(records: inc.Records) -> np.ndarray:
    """Log of offers per contact with a need over those per contact without, by run."""
    contacts = could_be_sold_to(records)
    made = contacts["true_action"].isin(OFFERS)
    need = contacts["true_need"]
    with_need, without = (made[way].groupby(contacts["run"]).mean() for way in (need, ~need))
    return np.log(with_need / without).to_numpy()


@pytest.fixture(scope="module")
def owning() -> inc.Records:
    return run(OWNING)


@pytest.fixture(scope="module")
def passing_on() -> inc.Records:
    return run(CENTRE)


# -- ownership ----------------------------------------------------------------------------------


def test_who_must_serve_its_buyers_sells_fewer_duds(owning, passing_on):
    for number in (missold, plain_duds, duds):
        assert in_errors(number(owning) - number(passing_on)) < -NEEDED, number.__name__
    assert in_errors(tells_apart(owning) - tells_apart(passing_on)) > NEEDED


def test_who_must_serve_its_buyers_presses_less_and_less_is_paid_back():
    pressing = {"scheme": inc.Wage() + inc.PieceRate("sales", 25.0)}
    gap = refunded(run(OWNING.change(pressing))) - refunded(run(CENTRE.change(pressing)))
    assert in_errors(gap) < -NEEDED


def test_a_cost_that_asks_not_for_the_need_sells_as_many_duds():
    """The mutant: agents who notice nothing bear the mean cost of any sale, whoever buys."""
    nothing_shows = {"hidden_needs.hit": 0.5, "hidden_needs.false_alarm": 0.5}
    owned, free = run(OWNING.change(nothing_shows)), run(CENTRE.change(nothing_shows))
    assert in_errors(offers(owned) - offers(free)) < -NEEDED  # it costs, as in the signature
    for number in (tells_apart, plain_duds):
        assert abs(in_errors(number(owned) - number(free))) < NEEDED, number.__name__
        assert abs((number(owned) - number(free)).mean()) < 0.02


def test_switched_off_nobody_owns_and_all_believe_alike():
    settings = {"months": 2, "rng": 5}
    one = inc.simulate(OWNING.without("C10"), **settings)
    other = inc.simulate(CENTRE.change({"ownership.believed": 0.1}).without("C10"), **settings)
    pd.testing.assert_frame_equal(one.contacts, other.contacts, check_exact=True)


def returning(records: inc.Records) -> pd.Series:
    """Of contacts after a purchase, by run: was it the seller who served?"""
    contacts = could_be_sold_to(records).sort_values(["run", "customer", "day", "minute"])
    sold_now = contacts["true_outcome"] == "sale"
    seller = contacts["agent"].where(sold_now)
    key = [contacts["run"], contacts["customer"]]
    last = seller.groupby(key).ffill().groupby(key).shift()
    later = last.notna()
    return (last[later] == contacts["agent"][later]).groupby(contacts["run"][later]).mean()


def test_buyers_are_served_by_their_seller(owning, passing_on):
    """All of those whose seller is at work, where nobody queues; by chance, a sixth."""
    assert returning(owning).min() > 0.75
    assert returning(passing_on).mean() == pytest.approx(1 / 6, abs=0.05)
    queueing = run(
        inc.Scenario.change(OWNING, {"off": OWNING.off - {"O5"}, "scheme": OWNING.scheme}), 2
    )
    assert returning(queueing).min() > 0.4  # the others find another agent, for theirs is busy


# -- belief -------------------------------------------------------------------------------------


def test_believers_offer_more_and_close_better():
    strong = CENTRE.change(
        {"ownership.sells": 2.5, "ownership.worth": 2.0, "ownership.spread": 0.0,
         "loyalty_pays.opens": 0.0}  # who is offered more is less content
    )  # fmt: skip
    high, low = (run(strong.change({"ownership.believed": b})) for b in (0.9, 0.3))
    assert in_errors(offers(high) - offers(low)) > NEEDED
    assert in_errors(closes(high) - closes(low)) > NEEDED
    # the mutant: a belief that is the same constant for all
    mutant = strong.change({"ownership.sells": 0.0, "ownership.worth": 0.0})
    same = [run(mutant.change({"ownership.believed": b}), 2) for b in (0.9, 0.3)]
    assert np.array_equal(offers(same[0]), offers(same[1]))
    assert np.array_equal(closes(same[0]), closes(same[1]))


RARE = OWNING.change(
    {
        "hidden_needs.share": 0.05,
        "ownership.explains": 0.0,
        "ownership.sells": 1.0,
        "ownership.worth": 2.0,
        "ownership.learns": 0.5,
    }
)


def test_who_sees_its_duds_again_loses_faith():
    """Only the seller who serves its buyers learns; others meet theirs by chance."""
    seeing, unseeing = run(RARE), run(RARE.change({"ownership.owned": 0.0}))
    assert in_errors(offers(seeing) - offers(unseeing)) < -NEEDED
    stubborn = {"ownership.learns": 0.0}
    same = [run(each.change(stubborn)) for each in (RARE, RARE.change({"ownership.owned": 0.0}))]
    lost = offers(seeing) - offers(unseeing)
    assert in_errors(lost - (offers(same[0]) - offers(same[1]))) < -NEEDED


# -- the rules ----------------------------------------------------------------------------------


def test_rules_by_hand():
    rules = lower(OWNING).rules
    hidden, ownership = rules.hidden, rules.ownership
    assert shown(0.6, True, ownership) == pytest.approx(0.6 * (1.0 - ownership.learns))
    assert shown(0.6, False, ownership) == pytest.approx(0.6 + 0.4 * ownership.learns)
    assert borne(hidden.surplus, 1.0, hidden, ownership) == 0.0  # sure of a need
    assert borne(-hidden.loss, 2.0, hidden, ownership) == pytest.approx(2.0)  # sure of none
    code = sold(4, False, 0.5, hidden, ownership)
    assert code // SELLER == 5
    assert code & DUD
    assert code & OWNED
    assert not sold(4, True, 0.5, hidden, ownership) & DUD
    belief = believes(
        np.arange(500), np.zeros(500, int), key=(np.uint32(1), np.uint32(2)), ownership=ownership
    )
    assert belief.mean() == pytest.approx(0.6, abs=0.03)
    assert belief.std() == pytest.approx(0.15, abs=0.03)


# -- what each number moves ---------------------------------------------------------------------


def uneven(records: inc.Records) -> np.ndarray:
    """Spread of offers per contact between agents, by run."""
    contacts = could_be_sold_to(records)
    made = contacts["true_action"].isin(OFFERS).groupby([contacts["run"], contacts["agent"]])
    return made.mean().groupby("run").std().to_numpy()


KEEN = CENTRE.change({"ownership.sells": 1.0, "ownership.worth": 1.0, "ownership.spread": 0.05})
FERVENT = KEEN.change({"ownership.believed": 0.95, "ownership.learns": 0.0})
MOVES: dict[str, tuple[inc.Scenario, Callable[[inc.Records], np.ndarray]]] = {
    "-share of sales without a need": (OWNING, duds),
    "+offers per contact": (FERVENT, offers),
    "-offers per contact": (FERVENT, offers),
    "+share of offers that sell": (FERVENT, closes),
    "+spread of offers between agents": (KEEN, uneven),
    "-offers per contact of owners of duds": (RARE, offers),
}
