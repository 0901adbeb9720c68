"""Who serves whom: queues, chats, backlogs, and the seller whose customer comes back."""

import numpy as np

from incentives._calendar import AGE_BITS, schedule
from incentives._codes import FORUM, QUESTION
from incentives._compile import batch, rule
from incentives._draws import Purpose, block
from incentives._floor import Events, Idle, bench, leave_line, stand_up
from incentives._luck import Luck
from incentives._state import Desk, Rules
from incentives.centre import FloorPlan, minute_of
from incentives.columns import OWNED, SELLER, Customers

OLDEST = 255  # working days that an entry can have waited


@rule
def first_in_line(seat: int, q: int, plan: FloorPlan, events: Events) -> int:
    """Find who has waited longest in a queue for what this agent can do: a place, or -1."""
    line, skills = events.queues, plan.skills[seat]
    place = line.first[q]
    while place >= 0 and events.waits[place] == 0:  # served, or gave up
        place = line.behind[place]
    line.first[q] = place
    while place >= 0:
        if events.waits[place] == 1 and skills >> events.task[place] & 1:
            return place  # type: ignore[no-any-return]
        place = line.behind[place]
    return -1


@rule
def calls_wait(seat: int, plan: FloorPlan, events: Events) -> bool:
    """Tell whether somebody waits on the telephone whom this agent could serve."""
    q = 3 * plan.pool[seat]
    service: bool = first_in_line(seat, q, plan, events) >= 0
    return service or first_in_line(seat, q + 1, plan, events) >= 0


@batch
def room_for_chat(
    pool: int, task: int, minute: float, plan: FloorPlan, events: Events, limit: int
) -> int:
    """Find the agent on duty who can take it with the fewest chats open, below the limit, or -1.

    Nobody takes a further chat while a break is due or a call waits, which has come before.
    """
    found = -1
    for seat in range(len(plan.team)):
        chats = events.chats[seat]
        if (
            0 < chats < limit
            and plan.pool[seat] == pool
            and plan.skills[seat] >> task & 1
            and minute < plan.end[seat]
            and events.resting[seat] != 1
            and (found < 0 or chats < events.chats[found])
            and not calls_wait(seat, plan, events)
        ):
            found = seat
    return found


@rule
def next_seat(after: int, pool: int, task: int, minute: float, plan: FloorPlan, desk: Desk) -> int:
    """Find the next agent in turn with the skill who is on duty: a floor without queues."""
    seats = len(plan.team)
    for step in range(1, seats + 1):
        seat = (after + step) % seats
        if (
            desk.present[seat] == 1
            and plan.pool[seat] == pool
            and plan.skills[seat] >> task & 1
            and plan.start[seat] <= minute < plan.end[seat]
        ):
            return seat
    return -1


@rule
def owner(
    customers: Customers,
    row: int,
    pool: int,
    task: int,
    minute: float,
    plan: FloorPlan,
    desk: Desk,
    idle: Idle,
) -> int:
    """Find the agent who sold to this customer and is to serve it, if on duty and idle, or -1."""
    code = int(customers.sold_by[row])
    seat = code // SELLER - 1
    if code & OWNED == 0 or desk.present[seat] == 0 or plan.pool[seat] != pool:
        return -1
    if not plan.start[seat] <= minute < plan.end[seat] or plan.skills[seat] >> task & 1 == 0:
        return -1
    if plan.queueing:
        if idle.listed[seat] == 0:
            return -1
        stand_up(idle, bench(seat, plan), seat)
    return seat


@rule
def longest_waiting(seat: int, plan: FloorPlan, events: Events, chatting: bool) -> int:
    """Find who has waited longest for any of the agent's skills: a contact's place, or -1.

    An agent who is chatting takes nobody but one who chats too.
    """
    queue, place = -1, -1
    for q in range(3 * plan.pool[seat], 3 * plan.pool[seat] + 3):
        head = first_in_line(seat, q, plan, events)
        if head >= 0 and (place < 0 or events.arrived[head] < events.arrived[place]):
            queue, place = q, head
    if chatting and queue % 3 != 2:
        return -1
    return place


@batch
def oldest_written(seat: int, plan: FloorPlan, events: Events) -> int:
    """Take what has waited longest in the backlog of what it can answer: its place, or -1."""
    pool, skills, line = plan.pool[seat], plan.skills[seat], events.backlog
    ahead, place = -1, line.first[pool]
    while place >= 0:
        if skills >> events.task[place] & 1:
            leave_line(line, pool, place, ahead)
            return place  # type: ignore[no-any-return]
        ahead, place = place, line.behind[place]
    return -1


@rule
def carry_over(customers: Customers, day: int, plan: FloorPlan, events: Events) -> None:
    """Leave what is still unanswered for the next day."""
    for pool in range(plan.pools):
        place = events.backlog.first[pool]
        while place >= 0:
            age = min(events.age[place] + 1, OLDEST)
            schedule(customers, age << AGE_BITS | events.entry[place], day + 1)
            place = events.backlog.behind[place]


@rule
def waited(
    place: int,
    minute: float,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
    events: Events,
    luck: Luck,
) -> float:
    """Give how long a contact in the backlog has waited, in minutes of opening hours."""
    if events.age[place] == 0:
        return minute - events.arrived[place]  # type: ignore[no-any-return]
    uid, when, attempt = luck.uid[place], luck.when[place], luck.attempt[place]
    u = block(k0, k1, uid, when, Purpose.ARRIVE, attempt)[0]
    sent = minute_of(u, plan.profile, plan.opens, plan.minutes)
    return events.age[place] * plan.minutes + (minute - sent)  # type: ignore[no-any-return]


@rule
def met_by_peers(
    place: int,
    need: int,
    k0: np.uint32,
    k1: np.uint32,
    events: Events,
    luck: Luck,
    rules: Rules,
) -> bool:
    """Say whether other customers answer what comes and finds no agent free: a forum's question."""
    if luck.channel[place] != FORUM or need != QUESTION or events.age[place] > 0:
        return False
    uid, when, attempt = luck.uid[place], luck.when[place], luck.attempt[place]
    u: float = block(k0, k1, uid, when, Purpose.PEERS, attempt)[0]
    return u < rules.channels.peers  # type: ignore[no-any-return]
