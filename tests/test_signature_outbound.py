"""What comes of letting idle agents call customers (O1), and of how they are called (O3).

Each signature is a number for a world, set against its twin in which the mechanism is off; beside
it stands a mutant, a world in which the rule is a constant of the same mean. Effects are made
strong, so that few small worlds show them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives.centre import calls_back, guarded, lower_calls
from incentives.columns import BACK

ALIKE = inc.Workforce(archetypes=(inc.Archetype(standing=0.0),), tastes=0.0, pace=0.0, closing=0.0)
SEATS = 8
CENTRE = inc.Scenario(
    floor=inc.Floor(teams=2, team_size=4, customers=8_000, profile=(1.6, 0.4, 1.6, 0.4)),
    workforce=ALIKE,
    scheme=inc.Wage() + inc.PieceRate("sales", 6.0),
    openness=inc.Openness(median=0.25, spread=0.0, moment=0.0),
    mode=inc.Mode(rate=0.8, spread=0.0, cold=0.7, switching=0.4),
).without("G1", "G2", "G3", "G4", "A8", "A9")
BLENDED = replace(CENTRE, blending=inc.Blending(share=1.0, threshold=0.4))
AHEAD = inc.Blending(share=1.0, threshold=0.4, dialler="predictive", delay=0.0)
OPEN = replace(CENTRE, blending=AHEAD)
SILENT = OPEN.change({"blending.delay": 4.0})
WORLDS = 6
NEEDED = 4.0  # standard errors between a signature and its twin without it

Statistic = Callable[[inc.Records], np.ndarray]


def run(scenario: inc.Scenario, seed: int = 1) -> inc.Records:
    return inc.simulate(scenario, replications=WORLDS, months=2, rng=seed)


def per_run(frame: pd.DataFrame, value: "pd.Series[float]", how: str = "mean") -> np.ndarray:
    """Give one number a run, in their order."""
    return value.astype(float).groupby(frame["run"]).agg(how).to_numpy()


def score(gap: np.ndarray) -> float:
    """Give the mean of paired differences in Monte-Carlo standard errors."""
    return float(gap.mean() / (gap.std(ddof=1) / np.sqrt(len(gap))))


def calls_of(records: inc.Records) -> pd.DataFrame:
    return records.contacts[records.contacts["reason"] == "outbound"]


def callers_of(records: inc.Records) -> pd.DataFrame:
    """Give the contacts that customers made of themselves: calls back left out."""
    contacts = records.contacts
    own = (contacts["reason"] != "outbound") & ~is_call_back(contacts)
    return contacts[own]


def is_call_back(contacts: pd.DataFrame) -> "pd.Series[bool]":
    return (contacts["reason"] == "order") & (contacts["episode"] >= BACK)


def idle(records: inc.Records) -> np.ndarray:
    """Share of the minutes on duty without a contact."""
    days = records.days.groupby("run")[["minutes_busy", "minutes_on_duty"]].sum()
    return (1.0 - days["minutes_busy"] / days["minutes_on_duty"]).to_numpy()


def waits(records: inc.Records) -> np.ndarray:
    """Mean wait of those who call (minutes)."""
    callers = callers_of(records)
    return per_run(callers, callers["wait_minutes"])


def sold_on_calls(records: inc.Records) -> np.ndarray:
    """Share of answered calls that sell."""
    calls = calls_of(records)
    return per_run(calls, calls["true_outcome"] == "sale")


@pytest.fixture(scope="module")
def answering() -> inc.Records:
    return run(CENTRE)


@pytest.fixture(scope="module")
def blended() -> inc.Records:
    return run(BLENDED)


# -- O1 -----------------------------------------------------------------------------------------


def test_idle_agents_sell_and_callers_wait_a_little(answering, blended):
    assert len(calls_of(answering)) == 0
    assert score(idle(blended) - idle(answering)) < -NEEDED
    assert score(sold_on_calls(blended)) > NEEDED
    assert score(waits(blended) - waits(answering)) > NEEDED
    off = run(BLENDED.without("O1"))
    for name in ("contacts", "customers", "agents", "days"):
        assert getattr(off, name).equals(getattr(answering, name)), name


def test_agents_taken_off_the_queue_at_a_constant_rate_let_callers_wait_longer(answering, blended):
    """The mutant gives as many minutes to other things, whether it is quiet or not."""
    calls = calls_of(blended)
    minutes = blended.days["minutes_busy"].sum() - callers_of(blended)["handle_minutes"].sum()
    away = float(minutes / blended.days["minutes_on_duty"].sum())
    assert 0.1 < away < 0.4
    shrinkage = 1.0 - (1.0 - CENTRE.floor.shrinkage) * (1.0 - away)
    mutant = run(CENTRE.change({"floor.shrinkage": shrinkage}))
    at_once, always = waits(blended) - waits(answering), waits(mutant) - waits(answering)
    assert score(always - at_once) > NEEDED
    # and calls are made in the quiet half of the day, which the mutant does not know
    quiet = ((calls["minute"] - 540.0) // 135.0).astype(int) % 2 == 1
    assert score(per_run(calls, quiet) - 0.5) > NEEDED


def handled_longer(one: inc.Records, other: inc.Records) -> np.ndarray:
    """Mean log ratio of the minutes of the same contacts of twins, handled the same way."""
    keys = ["run", "customer", "reason", "episode", "attempt", "true_action"]
    both = []
    for records in (one, other):
        callers = callers_of(records)
        plain = callers[callers["true_action"].isin(["rush", "serve", "care"])]
        both.append(plain.set_index(keys)["handle_minutes"])
    ratio = np.log((both[0] / both[1]).dropna().rename("ratio"))
    return ratio.groupby("run").mean().to_numpy()


def test_who_has_just_been_selling_takes_longer_to_serve():
    """Serving after selling asks for another mind (A7); without modes it costs nothing.

    Service takes long here and calls are short, so that agents sell on calls and else serve.
    """
    long = {f"work.{name}": 12.0 for name in ("question", "complaint", "order")}
    serving = CENTRE.change({**long, "floor.customers": 4_000, "openness.median": 0.05})
    calling = replace(serving, blending=inc.Blending(share=1.0, talk=1.5, calls_back=0.0))
    assert score(handled_longer(run(calling), run(serving))) > NEEDED
    same = handled_longer(run(calling.without("A7")), run(serving.without("A7")))
    np.testing.assert_allclose(same, 0.0, atol=1e-6)


def bought_from(records: inc.Records) -> pd.DataFrame:
    """Give the calls back that were served, each with the agent who had called."""
    calls, contacts = calls_of(records), records.contacts
    called = calls.assign(episode=calls["episode"] + BACK)
    called = called.groupby(["run", "customer", "episode"])["agent"].agg(["last", "nunique"])
    back = contacts[is_call_back(contacts) & (contacts["agent"] >= 0)]
    back = back.join(called, on=["run", "customer", "episode"])
    return back[back["nunique"] == 1]


def test_a_prospect_who_calls_back_buys_from_another(blended):
    back = bought_from(blended)
    sales = back[back["true_outcome"] == "sale"]
    other = per_run(sales, sales["agent"] != sales["last"])
    assert score(other - 1.0 / SEATS) > NEEDED  # not all go back to who had called
    credited = blended.contacts[blended.contacts["logged_outcome"] == "sale"]
    booked = credited.groupby(["run", "month", "agent"]).size()
    agents = blended.agents.set_index(["run", "month", "agent"])["logged_sales"]
    struck = blended.audits[blended.audits["found"] != "none"]
    assert len(struck[struck["logged_outcome"] == "sale"]) == 0
    pd.testing.assert_series_equal(
        booked.reindex(agents.index, fill_value=0).astype(float), agents, check_names=False
    )


WITHIN = int(inc.Blending().within)  # days


def after_a_call_in_vain(records: inc.Records, others_sales: bool) -> np.ndarray:
    """What follows an offer made in vain on a call, per 100 of them: a number a world.

    Counted are the customer's orders on the days within which it may call back, less those on as
    many days before the call; or, of these, the sales credited to another than who had called.
    """
    calls, days = calls_of(records), int(records.contacts["day"].max()) + 1
    vain = calls["true_action"].isin(["offer_after", "offer_first", "hard_sell"])
    vain &= (calls["true_outcome"] != "sale") & calls["day"].between(WITHIN, days - 1 - WITHIN)
    vain = calls.loc[vain, ["run", "customer", "day", "agent"]].reset_index(names="call")
    orders = records.contacts[records.contacts["reason"] == "order"]
    if others_sales:
        orders = orders[orders["logged_outcome"] == "sale"]
    orders = orders[["run", "customer", "day", "agent"]]
    pairs = vain.merge(orders, on=["run", "customer"], suffixes=("", "_order"))
    if others_sales:
        pairs = pairs[pairs["agent"] != pairs["agent_order"]]
    days_later = pairs["day_order"] - pairs["day"]
    counted = pd.Series(np.sign(days_later) * (abs(days_later) <= WITHIN), index=pairs.index)
    gap = counted.groupby(pairs["run"]).sum().reindex(range(WORLDS), fill_value=0)
    return (100.0 * gap / vain.groupby("run").size()).to_numpy()


def test_as_many_more_orders_at_any_time_bring_no_sales_to_others(blended):
    """The mutant: who is called in vain orders as much more as with call-backs, called or not."""
    silent = BLENDED.change({"blending.calls_back": 0.0})

    def orders(records: inc.Records) -> np.ndarray:
        return per_run(records.contacts, records.contacts["reason"] == "order", "sum")

    without = run(silent)
    more = orders(blended).mean() / orders(without).mean()
    mutant = run(silent.change({"needs.order": CENTRE.needs.order * float(more)}))
    assert orders(mutant).mean() == pytest.approx(orders(blended).mean(), rel=0.05)
    for others_sales in (False, True):
        followed = after_a_call_in_vain(blended, others_sales)
        assert score(followed - after_a_call_in_vain(without, others_sales)) > NEEDED
        assert abs(score(after_a_call_in_vain(without, others_sales))) < NEEDED
        assert abs(score(after_a_call_in_vain(mutant, others_sales))) < NEEDED


def test_sellers_are_nice_where_being_nice_is_paid(blended):
    """A call that sells nothing and leaves a good impression pays with the score of surveys."""

    def nice(records: inc.Records) -> np.ndarray:
        calls = calls_of(records)
        return per_run(calls, calls["true_action"] == "care")

    survey = inc.Wage() + inc.Target("survey_score", 7.5, lump=2_000.0)
    paid = run(replace(BLENDED, scheme=survey).change({"surveys.invites": 0.8}))
    wage = run(replace(BLENDED, scheme=inc.Wage()).change({"surveys.invites": 0.8}))
    assert score(nice(paid) - nice(blended)) > NEEDED
    assert score(nice(paid) - nice(wage)) > NEEDED


def test_a_call_keeps_an_agent_from_nothing_that_waits(blended):
    """Calls begin while nobody waits, and no agent does two things at once."""
    contacts = blended.contacts[blended.contacts["agent"] >= 0]
    begins = contacts["minute"].astype(float) + contacts["wait_minutes"]
    contacts = contacts.assign(begins=begins, ends=begins + contacts["handle_minutes"])
    contacts = contacts.sort_values(["run", "day", "agent", "begins"])
    last = contacts.groupby(["run", "day", "agent"])["ends"].shift()
    assert ((contacts["begins"] - last).dropna() > -1e-2).all()
    one = blended.contacts[blended.contacts["run"] == 0]
    for _, day in list(one.groupby("day"))[:10]:
        calls, callers = day[day["reason"] == "outbound"], day[day["wait_minutes"] > 0.0]
        starts = calls["minute"].to_numpy()[:, None]
        since = callers["minute"].to_numpy()[None, :]
        until = since + callers["wait_minutes"].to_numpy()[None, :]
        assert not ((starts > since + 1e-2) & (starts < until - 1e-2)).any()


def test_a_list_is_worked_through_as_often_as_it_may(blended):
    calls = calls_of(blended)
    month = calls.groupby(["run", "month", "customer"])["attempt"]
    assert (month.max() == month.size()).all()
    assert calls["attempt"].max() <= BLENDED.blending.most
    assert (calls["wait_minutes"] == 0.0).all()
    assert (calls["channel"] == "voice").all()


def test_minutes_of_calls_put_through_are_all_minutes_on_contacts():
    records = run(OPEN)
    served = records.contacts.groupby(["run", "month", "agent"])["handle_minutes"].sum()
    agents = records.agents.set_index(["run", "month", "agent"])
    served = served.reindex(agents.index, fill_value=0.0)
    np.testing.assert_allclose(agents["minutes_busy"], served, rtol=1e-5)
    callers = records.contacts[
        (records.contacts["reason"] != "outbound") & (records.contacts["agent"] >= 0)
    ]
    counted = callers.groupby(["run", "month", "agent"]).size()
    assert (agents["logged_contacts"] == counted.reindex(agents.index, fill_value=0)).all()
    assert records.days["answered"].sum() == len(callers)


def test_without_queues_nobody_is_called():
    assert len(calls_of(run(BLENDED.without("O5")))) == 0


def test_a_share_that_is_nobody_is_refused():
    with pytest.raises(ValueError, match=r"Blending\.share = 0\.01 leaves nobody"):
        inc.simulate(BLENDED.change({"blending.share": 0.01}), months=1)
    with pytest.raises(ValueError, match=r"Blending\.dialler must be one of"):
        inc.Blending(dialler="robot")


# -- O3 -----------------------------------------------------------------------------------------


def test_the_diallers_silence_gives_it_away():
    prompt, late = run(OPEN), run(SILENT)
    gap = sold_on_calls(late) - sold_on_calls(prompt)
    assert score(gap) < -NEEDED
    late_off, prompt_off = (run(each.without("O3")).contacts for each in (SILENT, OPEN))
    assert late_off.equals(prompt_off)  # silence that tells nothing puts nobody off
    # a mutant: all are as much on guard as these are in the mean, silence or not
    level = {"cold_calls.guard": 1.0, "cold_calls.wary": 0.0}
    mutant = [sold_on_calls(run(each.change(level))) for each in (OPEN, SILENT)]
    both = [sold_on_calls(each).mean() for each in (prompt, late)]
    assert np.mean(mutant) == pytest.approx(np.mean(both), rel=0.02)
    assert (mutant[1] == mutant[0]).all()


def tires(records: inc.Records) -> np.ndarray:
    """Share of first calls of a month that sell, less the share of fourth ones."""
    calls = calls_of(records)
    sold = (calls["true_outcome"] == "sale").astype(float)
    first, fourth = (calls["attempt"] == k for k in (1, 4))
    return per_run(calls[first], sold[first]) - per_run(calls[fourth], sold[fourth])


def test_each_further_call_of_a_month_sells_less():
    few = OPEN.change({"floor.customers": 3_000, "cold_calls.fatigue": 0.6})
    # who is called often is less content, and who has sold often has seen its buyers again
    few = few.change({"loyalty_pays.opens": 0.0}).without("C10")
    assert score(tires(run(few))) > NEEDED
    assert abs(score(tires(run(few.without("O3"))))) < NEEDED


@pytest.mark.quick
def test_the_guard_adds_up_in_log_odds():
    cold = inc.ColdCalls(guard=0.5, wary=0.25, fatigue=0.1)
    late = inc.Blending(share=0.5, dialler="predictive", delay=4.0)
    calling = lower_calls(late, cold, off=())
    assert guarded(-1.0, 3, calling) == pytest.approx(-1.0 - 0.5 - 1.0 - 0.3)
    assert guarded(-1.0, 3, lower_calls(late, cold, off=("O3",))) == -1.0
    read = lower_calls(inc.Blending(share=0.5, delay=4.0), cold, off=())
    assert guarded(0.0, 0, read) == -0.5  # nobody waits for a preview dialler
    assert (calling.before, read.before) == (0.0, 1.0)
    assert lower_calls(late, cold, off=("O1",)).share == 0.0


@pytest.mark.quick
def test_who_is_more_open_off_guard_calls_back():
    calling = lower_calls(
        inc.Blending(share=1.0, calls_back=0.5, warm=1.0), inc.ColdCalls(), off=()
    )
    chance = 0.5 / (1.0 + np.exp(-(-2.0 + 1.0)))
    assert calls_back(chance - 1e-9, -2.0, calling)
    assert not calls_back(chance + 1e-9, -2.0, calling)


# -- what each parameter moves ------------------------------------------------------------------

SMALL = inc.Floor(teams=2, team_size=3, customers=1_500)
BUSY = replace(CENTRE, floor=SMALL, blending=inc.Blending(share=1.0))


def answered(records: inc.Records) -> np.ndarray:
    """Calls that customers answered."""
    called = (records.contacts["reason"] == "outbound").astype(float)
    return per_run(records.contacts, called, "sum")


def counted(records: inc.Records) -> np.ndarray:
    """Contacts in the agents' figures."""
    return per_run(records.agents, records.agents["logged_contacts"], "sum")


def being_called(records: inc.Records) -> np.ndarray:
    """Mean experience of answered calls (points)."""
    calls = calls_of(records)
    return per_run(calls, calls["true_experience"])


def back_calls(records: inc.Records) -> np.ndarray:
    """Contacts of prospects who call back."""
    return per_run(records.contacts, is_call_back(records.contacts), "sum")


MOVES: dict[str, tuple[inc.Scenario, Statistic]] = {
    "calls answered by customers": (BUSY, answered),
    "sales per call answered": (
        replace(BUSY, blending=replace(AHEAD, delay=2.0)),
        sold_on_calls,
    ),
    "contacts counted": (BUSY, counted),
    "experience of being called": (BUSY, being_called),
    "prospects who call back": (BUSY, back_calls),
}


def test_nobody_has_more_calls_answered_in_a_day_than_it_has_minutes() -> None:
    """However fast calls are; and days lived one by one, with other memory, are the same days."""
    brief = {
        "blending.talk": 0.05,
        "blending.reach": 1.0,
        "blending.every": 0.05,
        "blending.most": 200.0,
    }
    rushed = OPEN.change({**brief, "floor.customers": 400, "floor.teams": 1, "floor.team_size": 2})
    records = inc.simulate(rushed, months=1, rng=2)
    answered = calls_of(records).groupby("day").size()
    assert answered.max() == 2 * rushed.floor.minutes
    model = inc.ContactCentre(rushed, rng=2, months=1)
    model.run()
    assert model.records().contacts.equals(records.contacts)
