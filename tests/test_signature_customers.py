"""What customers' mechanisms leave behind: paired effects between twins, and mutants without them.

Each signature is a statement about twins, worlds that share their luck. It is held to the world
with the mechanism, to the world without it, and to a mutant: a setting in which the mechanism's
mean is there and its answer to circumstances is not. On the last two the statement fails.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives._draws import Purpose, key_of, uniforms
from incentives.columns import PERSON, REGRETS, Reason
from incentives.customers import known
from incentives.scenario import lower
from incentives.truth import outcomes

SEED = 3
Effect = tuple[float, float]  # a mean paired difference and its Monte-Carlo error
PLAIN = inc.Action.SERVE


def a_centre(**values: Any) -> inc.Scenario:
    """Sixteen agents who stay and are busy two thirds of the time; customers often want out.

    Nothing carries from contact to contact in agents, who differ as hired and do not change.
    """
    still = ("A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "P5", "G8")
    return (
        inc.Scenario()
        .without(*still)
        .change(
            {
                "floor.teams": 4,
                "floor.team_size": 4,
                "floor.customers": 14_000,
                "floor.minutes": 330.0,
                "floor.shift_minutes": (330.0,),
                "floor.pause": 30.0,
                "leaving.base": 0.03,
                "acquisition.monthly": 0.03,
                "turnover.hazard": 0.0,
                **values,
            }
        )
    )


def doing(action: inc.Action, **values: Any) -> inc.Scenario:
    """A centre without queues or lies whose agents do one thing with whoever asks, in one time."""
    tastes = ("pay", "fear", "care", "employer", "client", "standing", "risk")
    bare = inc.Archetype(name="bare", effort=5.0, **dict.fromkeys(tastes, 0.0))
    minutes = {
        f"menu.{each.name.lower()}.minutes": 1.0 if each == action else 3.0
        for each in (inc.Action.RUSH, inc.Action.SERVE, inc.Action.CARE, inc.Action.OFFER_AFTER,
                     inc.Action.OFFER_FIRST, inc.Action.HARD_SELL)
    }  # fmt: skip
    centre = a_centre(**{"workforce.archetypes": (bare,), "workforce.tastes": 0.0})
    return centre.change({**minutes, **values}).without("G1", "G2", "G3", "G4", "O5")


def effect(difference: Any) -> Effect:
    values = np.asarray(difference, float)
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def rises(each: Effect, z: float = 4.0) -> bool:
    return each[0] > z * each[1]


def falls(each: Effect, z: float = 4.0) -> bool:
    return each[0] < -z * each[1]


def no_effect(each: Effect, z: float = 4.0) -> bool:
    return abs(each[0]) <= z * each[1]


def of(pair: inc.Twins, outcome: str) -> Effect:
    return pair.effect(outcome), pair.mc_error(outcome)


# -- need-based selling -------------------------------------------------------------------------


def hinted(contacts: pd.DataFrame, centre: inc.Scenario) -> pd.Series:
    """Tell, from the draws, on which contacts the agent noticed something."""
    need = contacts["reason"].map({each.name.lower(): int(each) for each in Reason}).astype(int)
    u = uniforms(
        key_of(SEED, 0),
        Purpose.HINT,
        contacts["customer"].to_numpy(),
        (need * 2**24 + contacts["episode"].astype(int)).to_numpy(),
        contacts["attempt"].to_numpy().astype(int) - 1,
    )[:, 0]
    needs = centre.hidden_needs
    chance = np.where(contacts["true_need"], needs.hit, needs.false_alarm)
    return pd.Series(u < chance, index=contacts.index)


def gains_of_an_offer(off: tuple[str, ...] = (), **values: Any) -> tuple[Effect, Effect]:
    """What an offer adds to the same contact's experience: where a need shows, and where not."""
    centre = doing(PLAIN, **values).without("C4", *off)
    worlds = [centre, doing(inc.Action.OFFER_AFTER, **values).without("C4", *off)]
    records = inc.simulate(worlds, months=1, rng=SEED)
    contacts = records.contacts[records.contacts["reason"] != "cancel"]
    contacts = contacts.assign(hinted=hinted(contacts, centre))
    keys = ["customer", "reason", "episode", "attempt"]
    without, with_offer = (contacts[contacts["run"] == run].set_index(keys) for run in (0, 1))
    assert (without["true_action"] == "serve").mean() > 0.99
    both = without.join(with_offer["true_experience"].rename("offered"), how="inner")
    gain = both["offered"].astype(float) - both["true_experience"]
    return effect(gain[both["hinted"]]), effect(gain[~both["hinted"]])


def serves_who_needs(gains: tuple[Effect, Effect]) -> bool:
    """Do offers please where a need shows, and displease where none does?"""
    shown, blind = gains
    return rises(shown) and falls(blind)


def test_an_offer_where_a_need_shows_pleases_and_a_blind_one_does_not() -> None:
    assert serves_who_needs(gains_of_an_offer())


def test_without_hidden_needs_no_offer_pleases() -> None:
    gains = gains_of_an_offer(("C5",), **{"hidden_needs.share": 0.5})
    assert not serves_who_needs(gains)
    assert falls(gains[1])


def test_a_mutant_whose_needs_do_not_show_fails() -> None:
    blind = {"hidden_needs.hit": 0.17, "hidden_needs.false_alarm": 0.17}
    gains = gains_of_an_offer(**blind)
    assert not serves_who_needs(gains)
    difference = gains[0][0] - gains[1][0]
    assert no_effect((difference, float(np.hypot(gains[0][1], gains[1][1]))))


def offers_follow_hints(centre: inc.Scenario) -> Effect:
    """How much likelier an offer is where the agent notices something."""
    contacts = inc.simulate(centre, months=2, rng=SEED).contacts
    contacts = contacts[(contacts["reason"] != "cancel") & (contacts["agent"] >= 0)]
    offered = contacts["true_action"].isin(["offer_after", "offer_first"]).astype(float)
    seen = hinted(contacts, centre)
    more, less = effect(offered[seen]), effect(offered[~seen])
    return more[0] - less[0], float(np.hypot(more[1], less[1]))


def test_agents_who_care_offer_where_they_notice_a_need() -> None:
    centre = a_centre().without("G5", "G3")
    assert rises(offers_follow_hints(centre))
    blind = {"hidden_needs.hit": 0.17, "hidden_needs.false_alarm": 0.17}
    assert no_effect(offers_follow_hints(centre.change(blind)))


# -- hard sell ----------------------------------------------------------------------------------

PIECE = 8.0  # money per sale


def hard_sold(centre: inc.Scenario) -> inc.Twins:
    schemes = {"sales": inc.Wage() + inc.PieceRate("sales", PIECE), "wage": inc.Wage()}
    paid, unpaid = centre.vary(scheme=schemes)
    return inc.twins(paid, unpaid, replications=6, months=3, horizon=3, rng=SEED)


def answers_pay(pair: inc.Twins) -> bool:
    """Do hard sells and refunds rise with pay per sale?"""
    return rises(of(pair, "hard_sold")) and rises(of(pair, "refunded"))


def test_pay_per_sale_brings_hard_sells_and_refunds() -> None:
    pair = hard_sold(a_centre())
    assert answers_pay(pair)


def test_where_the_hard_sell_is_off_nobody_is_refunded() -> None:
    pair = hard_sold(a_centre().without("G5"))
    assert of(pair, "hard_sold") == (0.0, 0.0)
    assert of(pair, "refunded") == (0.0, 0.0)


def test_a_mutant_that_hard_sells_whatever_the_pay_fails() -> None:
    deaf = inc.Archetype(name="deaf", pay=0.0, care=0.0, effort=0.0, standing=0.0)
    haphazard = {"workforce.archetypes": (deaf,), "conscience.noise": 2.0}
    pair = hard_sold(a_centre(**haphazard))
    assert pair.pairs.loc[pair.pairs["outcome"] == "hard_sold", "against"].mean() > 1.0
    assert not answers_pay(pair)


def lost_to_hard_sells(centre: inc.Scenario) -> tuple[Effect, Effect]:
    """Customers lost to hard selling, per 100 of the first: at the first bill, and by the sixth."""
    paid = centre.vary(scheme={"sales": inc.Wage() + inc.PieceRate("sales", PIECE)})[0]
    records = inc.simulate(
        [paid, paid.without("G5")], replications=8, months=6, rng=SEED, keep="cells"
    )
    customers = records.customers[records.customers["initial"]]
    lost = customers.pivot_table(index="run", columns="month", values="left", aggfunc="sum")
    lost = 100.0 * lost.cumsum(axis=1) / centre.floor.customers
    gap = lost.to_numpy()[:8] - lost.to_numpy()[8:]
    return effect(gap[:, 0]), effect(gap[:, -1])


def test_hard_sells_cost_customers_and_most_of_them_later() -> None:
    first, later = lost_to_hard_sells(a_centre())
    assert rises(later)
    assert later[0] > 6 * first[0]


def test_a_pressed_buyer_regrets_at_the_next_bill_and_complains() -> None:
    centre = doing(inc.Action.HARD_SELL, **{"leaving.base": 1e-6}).without("C5")
    records = inc.simulate(centre, months=3, rng=SEED)
    contacts, customers = records.contacts, records.customers
    sold = contacts[contacts["true_outcome"] == "sale"]
    buyers = sold[["month", "customer"]].drop_duplicates()
    bills = buyers.merge(customers, on=["month", "customer"])
    paid_back = (bills["refund"] > 0).astype(float)
    share = effect(paid_back)
    assert abs(share[0] - centre.hard_sell.regret) < 4 * share[1]
    assert (customers["refund"] > 0).sum() == paid_back.sum()
    regretting = bills[(bills["refund"] > 0) & (bills["left"] == 0) & (bills["month"] < 2)]
    soon = contacts[(contacts["reason"] == "complaint") & (contacts["day"] % 20 < 3)]
    complaining = regretting.assign(month=regretting["month"] + 1).merge(
        soon[["month", "customer"]].drop_duplicates(), on=["month", "customer"]
    )
    assert len(complaining) > 0.9 * len(regretting)
    told = contacts[contacts["episode"] >= REGRETS]
    assert (told["reason"] == "complaint").all()
    assert (told["episode"] - REGRETS + 1 == told["month"]).all()


# -- moments and endings ------------------------------------------------------------------------

STEADY = {"expectations.adapts": 0.0, "expectations.losses": 1.0, "expectations.fade": 0.0}
LOOKING_BACK_AT_PEAKS = {"moments_and_endings.peak": 0.16, "moments_and_endings.ending": 0.0}


def value_of_a_good_end(off: tuple[str, ...] = (), **values: Any) -> Effect:
    """What it adds to satisfaction that the better of two contacts came last, per point of it.

    Twins differ in the mechanism alone; the two contacts of a customer are about different needs,
    so that which came first is chance.
    """
    centre = doing(PLAIN, **STEADY, **values).without("C5", *off)
    worlds = [centre, doing(PLAIN, **STEADY).without("C5", "C2")]
    records = inc.simulate(worlds, months=1, rng=SEED)
    kept, summed = (
        records.customers[records.customers["run"] == run]
        .set_index("customer")["true_satisfaction"]
        .astype(float)
        for run in (0, 1)
    )
    contacts = records.contacts[records.contacts["run"] == 0].sort_values(["day", "minute"])
    felt = contacts.groupby("customer").agg(
        n=("attempt", "size"),
        tries=("attempt", "max"),
        first=("true_experience", "first"),
        last=("true_experience", "last"),
    )
    felt = felt[(felt["n"] == 2) & (felt["tries"] == 1)]
    rise = (felt["last"] - felt["first"]).astype(float)
    moved = (kept - summed)[felt.index]
    assert not np.isclose(moved, 0.0).all() or off
    return effect(np.sign(rise) * moved / rise.abs().mean())


def test_a_good_end_beats_a_good_start() -> None:
    worth = value_of_a_good_end()
    assert rises(worth)
    half = inc.MomentsAndEndings().ending / 2  # a point more at the end, a point less at the start
    assert abs(worth[0] - half) < 4 * worth[1]


def test_without_endings_the_order_of_contacts_is_nothing() -> None:
    assert value_of_a_good_end(("C2",)) == (0.0, 0.0)
    # the mutant: only the peak is kept
    assert no_effect(value_of_a_good_end(**LOOKING_BACK_AT_PEAKS))


def cost_of_a_pitch(off: tuple[str, ...] = (), **values: Any) -> Effect:
    """How much more a pitch at the end costs after a good contact than after a poor one."""
    common = {"expectations.plain": 5.0, "expectations.resolved": 2.5, **values}
    worlds = [
        doing(action, **common).without("C5", "C1", "C4", *off)
        for action in (PLAIN, inc.Action.OFFER_AFTER)
    ]
    records = inc.simulate(worlds, months=1, rng=SEED)
    keys = ["customer", "reason", "episode", "attempt"]
    contacts = records.contacts[records.contacts["reason"] != "cancel"]
    plain, pitched = (contacts[contacts["run"] == run].set_index(keys) for run in (0, 1))
    both = plain.join(pitched["true_experience"].rename("pitched"), how="inner")
    before = both["true_experience"].astype(float)
    cost = before - both["pitched"].astype(float)
    good = before > inc.Expectations().neutral
    more, less = effect(cost[good]), effect(cost[~good])
    assert more[0] > 0.3
    return more[0] - less[0], float(np.hypot(more[1], less[1]))


def test_a_pitch_at_the_end_of_a_good_contact_costs_more() -> None:
    assert rises(cost_of_a_pitch())


def test_without_endings_a_pitch_costs_the_same_everywhere() -> None:
    assert no_effect(cost_of_a_pitch(("C2",)))
    # the mutant: as much in the mean, whatever went before
    heavy = {"moments_and_endings.spoils": 0.0, "menu.offer_after.annoys": 1.0}
    assert no_effect(cost_of_a_pitch(**heavy))


# -- loyalty pays -------------------------------------------------------------------------------

STAY = {"leaving.base": 1e-6, "acquisition.monthly": 0.0}
MONTHS = 9


def served(plain: float, off: tuple[str, ...], **values: Any) -> inc.Scenario:
    """A centre of some quality of service, which nobody leaves."""
    return doing(PLAIN, **STAY, **values, **{"expectations.plain": plain}).without(*off)


def margins_of_better_service(off: tuple[str, ...] = (), **values: Any) -> pd.DataFrame:
    """What better service adds to the mean margin (per cent): a row a world, a column a month.

    Nobody leaves, so that the same customers are billed in both worlds.
    """
    worlds = [served(plain, ("C8", *off), **values) for plain in (7.0, 5.5)]
    records = inc.simulate(worlds, replications=6, months=MONTHS, rng=SEED, keep="cells")
    value = records.customers.pivot_table(
        index="run", columns="month", values="value", aggfunc="sum"
    )
    better, usual = value.iloc[:6].to_numpy(), value.iloc[6:].to_numpy()
    return pd.DataFrame(100.0 * (better / usual - 1.0))


def follows_with_a_lag(gain: pd.DataFrame) -> bool:
    """Does revenue follow satisfaction, and for the most part later?"""
    later, growth = effect(gain[MONTHS - 1]), effect(gain[MONTHS - 1] - 4.0 * gain[0])
    return rises(later) and rises(growth)


def test_revenue_follows_satisfaction_with_a_lag() -> None:
    assert follows_with_a_lag(margins_of_better_service())


def test_without_repeat_buying_revenue_does_not_follow() -> None:
    assert (margins_of_better_service(("C7",)) == 0.0).all(axis=None)
    # the mutant: as many change their plan, whatever they feel
    gain = margins_of_better_service(
        **{"loyalty_pays.satisfaction": 0.0, "loyalty_pays.rate": 0.03}
    )
    assert not follows_with_a_lag(gain)


def test_each_customer_won_is_paid_for_in_the_accounts() -> None:
    centre = a_centre(**{"loyalty_pays.keeping": 10.0, "loyalty_pays.winning": 4.0})
    for keep in ("contacts", "cells"):
        records = inc.simulate(centre, months=4, rng=SEED, keep=keep)
        accounts = outcomes(records, horizon=4).iloc[0]
        won = 0.03 * 14_000  # a month; who is referred costs nothing
        assert accounts["acquisition"] == pytest.approx(won * 40.0)
        paid = records.agents["paid"].sum() / 4
        assert accounts["profit"] == pytest.approx(
            accounts["revenue"] - paid - accounts["acquisition"]
        )
    off = inc.simulate(centre.without("C7"), months=2, rng=SEED)
    assert outcomes(off, horizon=2)["acquisition"].iloc[0] == 0.0


# -- advocacy -----------------------------------------------------------------------------------


def brought_by_better_service(off: tuple[str, ...] = (), **values: Any) -> Effect:
    """How many more join by recommendation within half a year, per 1,000 customers."""
    worlds = [served(plain, off, **values) for plain in (7.0, 5.5)]
    runs = inc.simulate(worlds, replications=6, months=6, rng=SEED, keep="cells").runs
    referred = 1000.0 * runs["referred"].to_numpy() / runs["customers"].to_numpy()
    return effect(referred[:6] - referred[6:])


def test_the_delighted_bring_others() -> None:
    assert rises(brought_by_better_service())


def test_without_advocacy_or_where_all_recommend_alike_service_brings_nobody() -> None:
    assert brought_by_better_service(("C8",)) == (0.0, 0.0)
    alike = {"advocacy.delighted": 0.0, "advocacy.recommends": 0.02}  # the mutant
    assert not rises(brought_by_better_service(**alike))


def trust_lost_by_hearsay(off: tuple[str, ...] = (), **values: Any) -> Effect:
    """What poor service does to the trust of those who have not contacted in half a year."""
    worlds = [served(plain, off, **values) for plain in (3.0, 5.5)]
    records = inc.simulate(worlds, replications=4, months=6, rng=SEED)
    last = records.customers[records.customers["month"] == 5]
    last = last[last["initial"]].set_index(["run", "customer"])
    apart = last[~last.index.isin(records.contacts.set_index(["run", "customer"]).index)]
    trust = apart["true_trust"].astype(float).groupby("run").mean().to_numpy()
    return effect(trust[:4] - trust[4:])


def test_detractors_cost_the_trust_of_others() -> None:
    assert falls(trust_lost_by_hearsay())


def test_without_advocacy_or_where_all_warn_alike_service_costs_no_others_trust() -> None:
    assert trust_lost_by_hearsay(("C8",)) == (0.0, 0.0)
    alike = {"advocacy.upset": 10.0, "advocacy.warns": 0.02}  # the mutant
    assert not falls(trust_lost_by_hearsay(**alike))


def test_who_is_referred_is_the_same_person_in_both_worlds() -> None:
    worlds = [served(plain, ("C7",)) for plain in (6.5, 7.0)]
    customers = inc.simulate(worlds, months=6, rng=SEED).customers
    assert not customers.duplicated(["run", "month", "customer"]).any()
    friends = customers[customers["customer"] >= PERSON]
    one, other = (
        friends[friends["run"] == run].groupby("customer")["value"].first() for run in (0, 1)
    )
    both = one.index.intersection(other.index)
    assert len(other) > len(one) > 100
    assert len(both) > 0.9 * len(one)
    assert (one[both] == other[both]).all()


def test_few_know_many() -> None:
    rule = lower(inc.Scenario()).rules.advocacy
    u = (np.arange(20_000) + 0.5) / 20_000
    people = np.array([known(each, rule) for each in u])
    mean = inc.Advocacy().acquaintances
    assert abs(people.mean() - mean) < 0.1 * mean
    for many in (3, 6, 10):  # times the mean: the chance falls as a square
        share = (people >= many * mean).mean()
        assert abs(share * (2 * many) ** 2 - 1.0) < 0.15


# -- switched off -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "values"),
    [
        ("C2", {"moments_and_endings.ending": 0.5, "moments_and_endings.spoils": 0.9}),
        ("C5", {"hidden_needs.share": 0.6, "hidden_needs.hit": 1.0, "hidden_needs.relief": 5.0}),
        ("C7", {"loyalty_pays.rate": 0.3, "loyalty_pays.step": 1.0, "loyalty_pays.keeping": 0.0}),
        ("C8", {"advocacy.recommends": 0.9, "advocacy.warns": 0.9, "advocacy.worth": 3.0}),
        ("G5", {"menu.hard_sell.harm": 0.0, "menu.hard_sell.pressure": 1.0, "hard_sell.regret": 1}),
    ],
)
def test_what_is_switched_off_is_as_if_never_written(off: str, values: dict[str, Any]) -> None:
    paid = a_centre().vary(scheme={"sales": inc.Wage() + inc.PieceRate("sales", 8.0)})[0]
    worlds = [paid, paid.change(values), paid.without(off), paid.change(values).without(off)]
    on, other_on, one, other = (inc.simulate(each, months=2, rng=SEED) for each in worlds)
    for name in ("contacts", "customers", "agents", "audits", "surveys", "days"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert not on.customers.equals(other_on.customers)
