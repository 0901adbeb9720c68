"""Channels (O4): chats at once, backlogs, posts that others read or answer, the app, one firm.

Each signature is a number for a world, set against its twin in which the mechanism is off or
neutral; beside it stands a mutant of the same mean. Effects are made strong, so that few worlds
show them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives._draws import Purpose, uniforms
from incentives.centre import channel_of, lower_channels, stretched, vexed
from incentives.columns import Channel
from incentives.world import World

WORLDS = 8
NEEDED = 4.0  # standard errors between a signature and its twin without it
FLOOR = inc.Floor(teams=2, team_size=4, customers=9_000)
ALIKE = inc.Workforce(archetypes=(inc.Archetype(standing=0.0),), tastes=0.0, pace=0.0, closing=0.0)
CENTRE = inc.Scenario(floor=FLOOR, workforce=ALIKE, scheme=inc.Wage()).without("A8", "G4", "G8")


def run(scenario: inc.Scenario, **values: Any) -> inc.Records:
    """Run some worlds of two months."""
    values = {f"channels.{name}": value for name, value in values.items()}
    return inc.simulate(scenario.change(values), replications=WORLDS, months=2, rng=4)


def a_run(frame: pd.DataFrame, values: "pd.Series[Any]", how: str = "mean") -> np.ndarray:
    """Sum or average values, one a row of the frame, by run in the order of runs."""
    return np.asarray(getattr(values.astype(float).groupby(frame["run"]), how)())


def sizes(gap: np.ndarray) -> tuple[float, float]:
    """Give a mean and its Monte-Carlo error."""
    return float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(len(gap)))


def shown(gap: np.ndarray, least: float = NEEDED) -> bool:
    """Tell whether a paired difference is clearly above 0."""
    mean, error = sizes(gap)
    return mean > least * error and mean > 0.0


# -- rules --------------------------------------------------------------------------------------


def test_a_uniform_stands_for_a_channel_by_the_shares_in_turn() -> None:
    shares = inc.Channels(chat=0.2, email=0.3, social=0.1, app=0.2, forum=0.1)
    uniforms = (0.1, 0.2, 0.49, 0.5, 0.59, 0.65, 0.75, 0.85, 0.95, 0.99)
    rule = lower_channels(shares, off=())
    assert [channel_of(u, rule) for u in uniforms] == [1, 2, 2, 3, 3, 4, 4, 5, 0, 0]
    without = lower_channels(shares, off={"O4"})
    assert [channel_of(u, without) for u in uniforms] == [0] * len(uniforms)


def test_chats_stretch_one_another_and_late_answers_vex() -> None:
    numbers = inc.Channels(slows=0.5, late=0.4, switches=0.3, app_late=0.7)
    rule = lower_channels(numbers, off=())
    assert stretched(1, rule) == 1.0
    assert stretched(4, rule) == pytest.approx(2.0)
    assert vexed(Channel.EMAIL, 0, 0.0, rule) == 0.0
    assert vexed(Channel.FORUM, 2, 1.0, rule) == pytest.approx(1.1)
    assert vexed(Channel.APP, 2, 1.0, rule) == pytest.approx(1.7)
    assert vexed(Channel.EMAIL, 90, 0.0, rule) == pytest.approx(2.0)  # no worse than after a week


def test_a_table_says_how_channels_differ() -> None:
    of = inc.Channels(late=0.3, publicity=7.0)
    rule = lower_channels(of, off=())
    post = of.social_minutes
    minutes = [1.0, of.minutes, of.email_minutes, post, of.app_minutes, post]
    np.testing.assert_array_equal(rule.work, minutes)
    rich = [1.0, 1.0, of.richness, of.richness, of.app_richness, of.richness]
    np.testing.assert_array_equal(rule.rich, rich)
    np.testing.assert_array_equal(rule.late, [0.0, 0.0, 0.3, 0.3, of.app_late, 0.3])
    np.testing.assert_array_equal(rule.readers, [0.0, 0.0, 0.0, 7.0, 0.0, of.forum_publicity])
    assert (lower_channels(of, off={"C8"}).readers == 0.0).all()


def test_a_share_of_a_chat_is_no_number_of_chats() -> None:
    with pytest.raises(ValueError, match="at_once must be whole"):
        inc.Channels(at_once=1.5)


# -- concurrency --------------------------------------------------------------------------------

CHATS = {"chat": 1.0, "slows": 0.4, "keeps": 1.0}
CROWDED = CENTRE.change({"floor.customers": 13_000})


def chats_an_hour(records: inc.Records) -> np.ndarray:
    """Contacts served per hour on contacts."""
    agents = records.agents.groupby("run")[["logged_contacts", "minutes_busy"]].sum()
    return np.asarray(60.0 * agents["logged_contacts"] / agents["minutes_busy"])


def minutes_each(records: inc.Records) -> np.ndarray:
    """Minutes of a contact served."""
    handled = records.contacts["handle_minutes"]
    return a_run(records.contacts, handled.where(records.contacts["agent"] >= 0))


def waits(records: inc.Records) -> np.ndarray:
    """Minutes waited, of those served and those who gave up."""
    return a_run(records.contacts, records.contacts["wait_minutes"])


@pytest.fixture(scope="module")
def single() -> inc.Records:
    return run(CROWDED, **CHATS)


@pytest.fixture(scope="module")
def double() -> inc.Records:
    return run(CROWDED, **{**CHATS, "at_once": 2.0})


def test_two_chats_at_once_serve_more_per_hour_each_takes_longer_and_waits_fall(single, double):
    assert shown(chats_an_hour(double) - chats_an_hour(single))
    assert shown(minutes_each(double) - minutes_each(single))
    assert shown(waits(single) - waits(double))


def test_without_channels_nobody_holds_two_contacts():
    one, two = (run(CENTRE.without("O4"), **CHATS, at_once=n) for n in (1.0, 2.0))
    assert (one.contacts["channel"] == "voice").all()
    assert (chats_an_hour(one) == chats_an_hour(two)).all()
    assert (waits(one) == waits(two)).all()


def test_longer_chats_one_at_a_time_are_no_concurrency(single, double):
    """A mutant: each chat takes as long as one of several does, and agents still hold one."""
    longer = float((minutes_each(double) / minutes_each(single)).mean())
    mutant = run(CROWDED, **CHATS, minutes=1.2 * longer)
    assert minutes_each(mutant).mean() == pytest.approx(minutes_each(double).mean(), rel=0.1)
    assert not shown(chats_an_hour(mutant) - chats_an_hour(single), 2.0)
    assert not shown(waits(single) - waits(mutant), 2.0)


def union(shift: pd.DataFrame) -> float:
    """Minutes in which an agent had at least one contact on hand."""
    ends, total = -np.inf, 0.0
    for begin, minutes in zip(shift["begins"], shift["handle_minutes"], strict=True):
        total += max(begin + minutes - max(ends, begin), 0.0)
        ends = max(ends, begin + minutes)
    return total


@pytest.mark.parametrize("limit", [2, 3])
def test_minutes_with_several_chats_are_busy_once_and_no_more_are_held_than_allowed(limit):
    mixed = CENTRE.change({"floor.customers": 11_000, "channels.at_once": float(limit)})
    records = inc.simulate(mixed.change({"channels.chat": 0.6}), months=1, rng=6)
    served = records.contacts[records.contacts["agent"] >= 0].astype({"handle_minutes": float})
    served = served.assign(begins=served["minute"].astype(float) + served["wait_minutes"])
    served = served.sort_values(["agent", "day", "begins"])
    shifts = dict(list(served.groupby(["agent", "day"])))
    busy = pd.Series({key: union(own) for key, own in shifts.items()}).groupby(level=0).sum()
    np.testing.assert_allclose(records.agents["minutes_busy"], busy, rtol=1e-4)
    most = 0
    for own in shifts.values():
        begins = own["begins"].to_numpy()
        ends, later = begins + own["handle_minutes"].to_numpy(), begins[:, None] + 1e-2
        chats = (own["channel"] == "chat").to_numpy()
        held = (begins[None, :] <= later) & (ends[None, :] > later)
        assert (held.sum(axis=1)[~chats] == 1).all()  # a call has the agent alone
        assert not held[:, ~chats][chats].any()
        most = max(most, held.sum(axis=1).max())
    assert most == limit


# -- e-mail -------------------------------------------------------------------------------------

MAILS = {"chat": 0.0, "email": 0.4, "late": 1.0, "keeps": 1.0}
FULL = CENTRE.change(
    {"floor.customers": 13_500, "floor.profile": (3.0, 1.0, 1.0), "floor.shift_shares": (1.0,)}
)
LADEN = FULL.change({"floor.customers": 19_000})


def worked_late(records: inc.Records, channel: str) -> np.ndarray:
    """Share of contacts by a channel that begin in the last two thirds of the day, of the first."""
    contacts = records.contacts[records.contacts["channel"] == channel]
    asked = contacts["minute"] < FLOOR.opens + FLOOR.minutes / 3.0
    begins = (contacts["minute"] + contacts["wait_minutes"] - FLOOR.opens) / FLOOR.minutes
    quiet = (begins % 1.0 > 1.0 / 3.0) & (contacts["agent"] >= 0)
    share = quiet[asked].astype(float).groupby(contacts["run"]).mean()
    return np.asarray(share.reindex(records.runs["run"]))


def given_up(records: inc.Records, channel: str) -> np.ndarray:
    """Share of contacts by a channel that nobody answered in time."""
    contacts = records.contacts[records.contacts["channel"] == channel]
    gone = (contacts["ended"] == "abandoned").astype(float)
    return np.asarray(gone.groupby(contacts["run"]).mean().reindex(records.runs["run"]))


@pytest.fixture(scope="module")
def mailed() -> inc.Records:
    return run(FULL, **MAILS)


def test_emails_wait_for_quiet_hours_and_are_never_given_up(mailed):
    assert shown(worked_late(mailed, "email") - worked_late(mailed, "voice"))
    assert (given_up(mailed, "email") == 0.0).all()
    assert (given_up(mailed, "voice") > 0.05).all()


def test_without_channels_everybody_calls():
    assert (run(FULL.without("O4"), **MAILS).contacts["channel"] == "voice").all()


def test_chats_for_which_everybody_has_patience_wait_for_no_quiet_hours(mailed):
    """A mutant: as many, by chat, who would wait for days: they are served in their turn."""
    patient = FULL.change({"queueing.patience_chat": 1e6})
    mutant = run(patient, **{**MAILS, "chat": 0.4, "email": 0.0, "minutes": 1.1})
    assert (given_up(mutant, "chat") < 0.001).all()
    gap = worked_late(mailed, "email") - worked_late(mailed, "voice")
    other = worked_late(mutant, "chat") - worked_late(mutant, "voice")
    assert shown(gap - other)
    assert other.mean() < 0.25 * gap.mean()


@pytest.mark.parametrize(("channel", "late"), [("email", "late"), ("app", "app_late")])
def test_what_is_left_over_is_answered_on_the_next_days_and_later_is_worse(channel, late):
    records = run(LADEN, **{**MAILS, "email": 0.0, channel: 0.6, late: 1.0})
    mails = records.contacts[records.contacts["channel"] == channel]
    days = np.floor((mails["minute"] + mails["wait_minutes"] - FLOOR.opens) / FLOOR.minutes)
    assert (mails["agent"] >= 0).all()
    assert 0.02 < (days > 0).mean() < 0.9
    assert shown(cost_of_delay(records, channel))
    # contacts, days and minutes still add up
    offered, answered = records.days["offered"].sum(), records.days["answered"].sum()
    assert answered + records.days["abandoned"].sum() == len(records.contacts)
    assert 0 <= offered - len(records.contacts) < 0.05 * offered  # some stay unanswered
    minutes = records.contacts["handle_minutes"].astype(float).sum()
    assert records.agents["minutes_busy"].sum() == pytest.approx(minutes, rel=1e-6)


def cost_of_delay(records: inc.Records, channel: str) -> np.ndarray:
    """Experience of plain service on the day of writing less that on a later day."""
    contacts = records.contacts
    plain = (contacts["true_action"] == "serve") & contacts["true_resolved"]
    plain &= contacts["channel"] == channel
    felt, late = contacts["true_experience"], answered_later(contacts)
    on_time, after = (a_run(contacts, felt.where(plain & which)) for which in (~late, late))
    return np.asarray(on_time - after)


def answered_later(contacts: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which contacts were answered on a later day than they were made."""
    days = (contacts["minute"] + contacts["wait_minutes"] - FLOOR.opens) / FLOOR.minutes
    return days > 1.0


def resolved_by(records: inc.Records, channel: str) -> np.ndarray:
    """Share of plainly served questions by a channel that are resolved."""
    contacts = records.contacts
    plain = (contacts["reason"] == "question") & (contacts["true_action"] == "serve")
    plain &= contacts["channel"] == channel
    return a_run(contacts, contacts["true_resolved"].astype(float).where(plain))


def test_nobody_can_ask_back_in_an_email():
    lean = run(CENTRE, **MAILS, richness=0.6)
    share = resolved_by(lean, "email") / resolved_by(lean, "voice")
    assert abs(share.mean() - 0.6) < NEEDED * sizes(share)[1]
    rich = run(CENTRE, **MAILS, richness=1.0)
    alike = resolved_by(rich, "voice") - resolved_by(rich, "email")
    assert abs(alike.mean()) < NEEDED * sizes(alike)[1]
    # a mutant: everything is resolved as much less often, by whatever channel
    hard = inc.Work().resolves_question * (1.0 - 0.4 * MAILS["email"])
    mutant = run(CENTRE.change({"work.resolves_question": hard}), **MAILS, richness=1.0)
    gap = resolved_by(mutant, "voice") - resolved_by(mutant, "email")
    assert abs(gap.mean()) < NEEDED * sizes(gap)[1]


# -- the app ------------------------------------------------------------------------------------

BOTH = {"chat": 0.0, "email": 0.3, "app": 0.3, "keeps": 1.0}


def test_messages_in_the_app_wait_for_quiet_hours_and_are_never_given_up():
    records = run(FULL, **{**BOTH, "email": 0.0})
    assert shown(worked_late(records, "app") - worked_late(records, "voice"))
    assert (given_up(records, "app") == 0.0).all()
    assert (given_up(records, "voice") > 0.05).all()


def test_a_day_without_an_answer_is_worse_in_the_app_than_by_email():
    records = run(LADEN, **BOTH, late=0.5, app_late=1.5)
    assert shown(cost_of_delay(records, "app") - cost_of_delay(records, "email"))
    # a mutant: a day's delay costs as much on average, by whatever channel
    mutant = run(LADEN, **BOTH, late=1.0, app_late=1.0)
    gap = sizes(cost_of_delay(mutant, "app") - cost_of_delay(mutant, "email"))
    assert abs(gap[0]) < NEEDED * gap[1]


def test_one_can_ask_back_in_the_app_and_not_in_an_email():
    records = run(CENTRE, **BOTH, richness=0.6, app_richness=0.9)
    assert shown(resolved_by(records, "app") - resolved_by(records, "email"))
    share = resolved_by(records, "app") / resolved_by(records, "voice")
    assert abs(share.mean() - 0.9) < NEEDED * sizes(share)[1]
    # a mutant: as much is resolved of both together
    mutant = run(CENTRE, **BOTH, richness=0.75, app_richness=0.75)
    gap = sizes(resolved_by(mutant, "app") - resolved_by(mutant, "email"))
    assert abs(gap[0]) < NEEDED * gap[1]


def test_without_channels_there_is_neither_app_nor_forum():
    both = CENTRE.change({"channels.app": 0.4, "channels.forum": 0.3})
    off, neither, on = (
        inc.simulate(centre, months=1, rng=4).contacts
        for centre in (both.without("O4"), CENTRE.without("O4"), both)
    )
    pd.testing.assert_frame_equal(off, neither)
    assert list(off["channel"].cat.categories) == ["voice", "chat", "email", "social"]
    assert list(on["channel"].cat.categories) == [*off["channel"].cat.categories, "app", "forum"]


# -- publicity ----------------------------------------------------------------------------------

POSTS = {"publicity": 4.0, "forum_publicity": 4.0, "peers": 0.0, "social_minutes": 1.1, "late": 0.0}
PRIVATE = {"chat": 0.0, "email": 0.4, **POSTS}
POOR, GOOD = ({"expectations.plain": points} for points in (2.0, 9.0))


def trust(records: inc.Records) -> np.ndarray:
    """Mean trust of customers at the last bill."""
    customers = records.customers
    return a_run(customers, customers["true_trust"].where(customers["month"] == 1))


def in_public(where: str) -> dict[str, float]:
    """Give the channels with posts in a public place instead of e-mails."""
    return {**PRIVATE, "email": 0.0, where: 0.4}


def lost_in_public(scenario: inc.Scenario, where: str, **values: float) -> np.ndarray:
    """Trust that poor service in public costs beyond what it costs in private."""
    poor, good = (
        trust(run(scenario.change(service), **{**PRIVATE, **values}))
        - trust(run(scenario.change(service), **{**in_public(where), **values}))
        for service in (POOR, GOOD)
    )
    return poor - good


@pytest.fixture(scope="module", params=["social", "forum"])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def public(where: str) -> np.ndarray:
    return lost_in_public(CENTRE, where)


def test_public_complaints_cost_more_trust_than_private_ones(public):
    assert shown(public)


def test_where_nobody_talks_or_everybody_calls_nobody_reads(where):
    assert (lost_in_public(CENTRE.without("O4"), where) == 0.0).all()
    silent = CENTRE.without("C8")
    assert (trust(run(silent, **in_public(where))) == trust(run(silent, **PRIVATE))).all()


def test_less_trust_in_everybody_is_no_publicity(public, where):
    """A mutant: as much trust lost, by all customers alike: no channel costs more than another."""
    wary = CENTRE.change(
        {"leaving.distrust_at_start": inc.Leaving().distrust_at_start + float(public.mean())}
    )
    mutant = lost_in_public(wary, where, publicity=0.0, forum_publicity=0.0)
    assert abs(mutant.mean()) < 0.1 * public.mean()


# -- peers --------------------------------------------------------------------------------------

FORUM = {"chat": 0.0, "forum": 0.4, "peers": 0.5}


def unlogged(records: inc.Records, reason: str = "question") -> np.ndarray:
    """Count the needs before the last on the log that have left no contact there."""
    contacts = records.contacts[records.contacts["reason"] == reason]
    seen = contacts.groupby(["run", "customer"])["episode"].agg(["max", "nunique"]).astype(int)
    return np.asarray((seen["max"] + 1 - seen["nunique"]).groupby("run").sum(), float)


def questions(records: inc.Records) -> np.ndarray:
    """Count the contacts about questions."""
    return a_run(records.contacts, records.contacts["reason"] == "question", "sum")


@pytest.fixture(scope="module")
def helped() -> inc.Records:
    return run(FULL, **FORUM)


def test_in_the_forum_other_customers_answer_questions_while_staff_are_busy(helped):
    alone = run(FULL, **{**FORUM, "peers": 0.0})
    assert shown(questions(alone) - questions(helped))
    assert shown(unlogged(helped) - unlogged(alone))
    assert (unlogged(alone) == 0.0).all()
    assert (unlogged(run(FULL.without("O4"), **FORUM)) == 0.0).all()
    for reason in ("complaint", "order"):  # which others can do nothing about
        assert (unlogged(helped, reason) == 0.0).all()
    quiet = run(CENTRE, **FORUM)
    assert shown(unlogged(helped) / questions(helped) - 3.0 * unlogged(quiet) / questions(quiet))
    # a mutant: as many fewer questions, none of which others answer
    fewer = inc.Needs().question * float((questions(helped) / questions(alone)).mean())
    mutant = run(FULL.change({"needs.question": fewer}), **{**FORUM, "peers": 0.0})
    assert questions(mutant).mean() == pytest.approx(questions(helped).mean(), rel=0.05)
    assert (unlogged(mutant) == 0.0).all()


def test_what_others_answer_is_offered_to_nobody():
    records = run(CENTRE, **FORUM)
    contacts, days = records.contacts, records.days
    each = contacts.groupby(["run", "day"])
    assert (days["offered"].to_numpy() == each.size().to_numpy()).all()
    again = (contacts["attempt"] > 1).groupby([contacts["run"], contacts["day"]]).sum()
    assert (days["callbacks"].to_numpy() == again.to_numpy()).all()
    assert unlogged(records).sum() > 100


def test_who_is_answered_by_others_hangs_on_the_post_alone():
    """Questions without a contact are those in the forum with a low draw; who waited had none."""
    posting = FULL.change({f"channels.{key}": value for key, value in FORUM.items()})
    world = World(posting, rng=4, months=1)
    contacts = world.run().contacts
    rows = world.customers.row[: world.n_customers]
    ended = rows["episode"][:, 0].astype(np.int64)
    whose = np.repeat(rows["uid"].astype(np.int64), ended)
    which = np.arange(len(whose)) - np.repeat(np.cumsum(ended) - ended, ended)
    asked = contacts[(contacts["reason"] == "question") & (contacts["attempt"] == 1)]
    logged = pd.MultiIndex.from_frame(asked[["customer", "episode"]].astype(np.int64))
    missing = ~pd.MultiIndex.from_arrays([whose, which]).isin(logged)
    assert missing.sum() > 500
    at = (whose[missing], which[missing])  # of a question, the episode alone is the address
    assert (uniforms(world.key, Purpose.PEERS, *at)[:, 0] < FORUM["peers"]).all()
    assert (uniforms(world.key, Purpose.ARRIVE, *at)[:, 1] < FORUM["forum"]).all()
    waited = asked[(asked["channel"] == "forum") & (asked["wait_minutes"] > 0)]
    u = uniforms(world.key, Purpose.PEERS, waited["customer"], waited["episode"])[:, 0]
    assert len(u) > 500
    assert (u >= FORUM["peers"]).all()


# -- one firm -----------------------------------------------------------------------------------


def by_another(records: inc.Records) -> "pd.Series[float]":
    """Tell of each repeat whether it came by another channel than the attempt before."""
    keys = ["run", "customer", "reason", "episode"]
    contacts = records.contacts.sort_values([*keys, "attempt"])
    codes = contacts["channel"].cat.codes.astype(float)
    need = [contacts[key] for key in keys]
    before = codes.groupby(need, observed=True).shift()
    follows = contacts["attempt"].astype(int).groupby(need, observed=True).diff() == 1
    changed = (codes != before).astype(float).where(follows)
    return changed.reindex(records.contacts.index)


def vexed_by_change(records: inc.Records) -> np.ndarray:
    """Experience of repeats by the same channel less that of repeats by another."""
    another = by_another(records)
    contacts = records.contacts
    alike = (contacts["true_action"] == "serve") & contacts["true_resolved"]
    felt = contacts["true_experience"].astype(float) + 0.12 * contacts["wait_minutes"].clip(0, 20)
    same, other = (a_run(contacts, felt.where(alike & (another == what))) for what in (0.0, 1.0))
    return np.asarray(same - other)


TWO = {"chat": 0.5, "keeps": 0.5}
REPEATING = CENTRE.change({"work.resolves_question": 0.5, "needs.returns": 0.9})


def test_who_has_to_change_channel_is_annoyed():
    assert shown(vexed_by_change(run(REPEATING, **TWO, switches=1.5)))
    none = sizes(vexed_by_change(run(REPEATING, **TWO, switches=0.0)))
    assert abs(none[0]) < NEEDED * none[1]
    assert not (by_another(run(REPEATING.without("O4"), **TWO)) == 1.0).any()
    # a mutant: every contact is as much less pleasant as these are on average
    plain = {"expectations.plain": inc.Expectations().plain - 0.75}
    mutant = sizes(vexed_by_change(run(REPEATING.change(plain), **TWO, switches=0.0)))
    assert abs(mutant[0]) < NEEDED * mutant[1]


def test_a_share_of_repeats_keep_the_channel_of_the_first_attempt():
    assert by_another(run(REPEATING, chat=0.5, keeps=1.0)).mean() == 0.0
    assert by_another(run(REPEATING, chat=0.5, keeps=0.0)).mean() == pytest.approx(0.5, abs=0.02)


# -- what each parameter moves ------------------------------------------------------------------


def share_by(channel: str) -> Callable[[inc.Records], np.ndarray]:
    """Give the share of contacts by one channel."""
    return lambda records: a_run(records.contacts, records.contacts["channel"] == channel)


def minutes_by(channel: str) -> Callable[[inc.Records], np.ndarray]:
    """Give the mean log minutes of plain service by one channel."""

    def measure(records: inc.Records) -> np.ndarray:
        contacts = records.contacts
        plain = (contacts["channel"] == channel) & (contacts["true_action"] == "serve")
        return a_run(contacts, np.log(contacts["handle_minutes"].astype(float).where(plain)))

    return measure


def late_answers(records: inc.Records) -> np.ndarray:
    """Count the contacts that were answered on a later day than they were made."""
    return a_run(records.contacts, answered_later(records.contacts), "sum")


def felt_when_late(records: inc.Records) -> np.ndarray:
    contacts = records.contacts
    return a_run(contacts, contacts["true_experience"].where(answered_later(contacts)))


def felt_after_a_change(records: inc.Records) -> np.ndarray:
    contacts = records.contacts
    return a_run(contacts, contacts["true_experience"].where(by_another(records) == 1.0))


def changes_of_channel(records: inc.Records) -> np.ndarray:
    return a_run(records.contacts, by_another(records))


def mean_trust(records: inc.Records) -> np.ndarray:
    return a_run(records.customers, records.customers["true_trust"])


def with_channels(scenario: inc.Scenario, **values: float) -> inc.Scenario:
    """Give the scenario with other channels."""
    return replace(scenario, channels=inc.Channels(**values))


MOVES: dict[str, tuple[inc.Scenario, Callable[[inc.Records], np.ndarray]]] = {
    "+share of contacts by chat": (CENTRE, share_by("chat")),
    "+minutes of a chat": (with_channels(CENTRE, chat=0.5), minutes_by("chat")),
    "+contacts answered on a later day": (with_channels(LADEN, chat=0.0), late_answers),
    "-trust of customers": (with_channels(CENTRE.change(POOR), chat=0.0, social=0.3), mean_trust),
    "+chats served per busy minute": (with_channels(CROWDED, chat=1.0), chats_an_hour),
    "+minutes of a chat among several": (
        with_channels(CROWDED, chat=1.0, at_once=3.0),
        minutes_by("chat"),
    ),
    "+minutes of an e-mail": (with_channels(CENTRE, chat=0.0, email=0.4), minutes_by("email")),
    "+minutes of a post": (with_channels(CENTRE, chat=0.0, social=0.4), minutes_by("social")),
    "+share of e-mails resolved": (
        with_channels(CENTRE, chat=0.0, email=0.4),
        lambda records: resolved_by(records, "email"),
    ),
    "-experience of late answers": (with_channels(LADEN, chat=0.0, email=0.6), felt_when_late),
    "+share of contacts in the app": (CENTRE, share_by("app")),
    "+minutes of messages in the app": (
        with_channels(CENTRE, chat=0.0, app=0.4),
        minutes_by("app"),
    ),
    "+share of messages in the app resolved": (
        with_channels(CENTRE, chat=0.0, app=0.4),
        lambda records: resolved_by(records, "app"),
    ),
    "-experience of late answers in the app": (
        with_channels(LADEN, chat=0.0, app=0.6),
        felt_when_late,
    ),
    "-trust where people read the forum": (
        with_channels(CENTRE.change(POOR), chat=0.0, forum=0.3),
        mean_trust,
    ),
    "+questions answered by other customers": (
        with_channels(FULL, chat=0.0, forum=0.4),
        unlogged,
    ),
    "-repeats by another channel than before": (
        with_channels(REPEATING, chat=0.5),
        changes_of_channel,
    ),
    "-experience of repeats by another channel": (
        with_channels(REPEATING, chat=0.5),
        felt_after_a_change,
    ),
}
"""Where each phrase of `moves=` is looked at, and how it is measured: a number a run."""
