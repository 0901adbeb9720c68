"""The floor of a day: a heap of what will happen when, who is idle for what, and who waits."""

from typing import NamedTuple

import numpy as np

from incentives._compile import rule, whole
from incentives.centre import FloorPlan
from incentives.columns import N_FEATURES, Floats, Ints
from incentives.menu import N_ACTIONS

__all__ = [
    "Events",
    "Idle",
    "Line",
    "bench",
    "clear",
    "events_for",
    "leave_line",
    "line_up",
    "pop",
    "push",
    "sit_down",
    "stand_up",
    "suited",
]


class Idle(NamedTuple):
    """Idle agents in lists by pool and group, each from the longest idle to the latest."""

    head: Ints  #: (groups x pools,)
    tail: Ints
    after: Ints  #: (seats,)
    before: Ints
    since: Floats
    listed: Ints  #: 1 while in a list


class Line(NamedTuple):
    """Contacts that wait, in several lines: each place is in one line at most."""

    first: Ints  #: (lines,) a place, or -1
    last: Ints  #: (lines,)
    behind: Ints  #: (places,) who comes next in the line, or -1


class Events(NamedTuple):
    """What moves on the floor in a day: what will happen when, who is idle, who is waiting.

    A contact of the day has a *place*, and so have a call-back on the same day and a call made. The
    memory is kept from day to day; `clear` makes it ready, and what it does not put to 0 is written
    before it is read.
    """

    times: Floats  #: a heap
    codes: Ints
    resting: Ints  #: (seats,) 1 when a break is due, 2 when it has been had
    idle: Idle
    due: Ints  #: (places,) today's entries of the calendar, as they stand there
    drawn: Floats  #: (places,) their minutes
    slot: Ints  #: (places + 2,) where those of each stretch of the day begin, to sort them
    entry: Ints  #: (places,) the calendar's entry of each contact of the day
    arrived: Floats  #: (places,) its minute
    waits: Ints  #: (places,) 1 while in a queue
    task: Ints  #: (places,) what it asks of an agent
    queues: Line  #: three a pool
    backlog: Line  #: one a pool: what is written, and waits until nobody else does
    waiting: Ints  #: (3 x pools,) how many really wait
    worth: Floats  #: (actions,)
    weights: Floats  #: (actions,)
    features: Floats  #: (features x actions,)
    age: Ints  #: (places,) working days for which it has waited in a backlog already
    chats: Ints  #: (seats,) chats open, or kept a place
    until: Floats  #: (seats,) minute at which the last of them ends


def events_for(places: int, plan: FloorPlan) -> Events:
    """Make memory for days of at most so many places."""
    seats, pools, groups = len(plan.team), plan.pools, len(plan.fit)
    room = 8 * seats + 2 * places + 2
    due, entry, waits, task, age, behind = np.empty((6, places), np.int64)
    drawn, arrived = np.empty((2, places))
    return Events(
        times=np.empty(room),
        codes=np.empty(room, np.int64),
        resting=np.empty(seats, np.int64),
        idle=Idle(
            head=np.empty(groups * pools, np.int64),
            tail=np.empty(groups * pools, np.int64),
            after=np.empty(seats, np.int64),
            before=np.empty(seats, np.int64),
            since=np.empty(seats),
            listed=np.empty(seats, np.int64),
        ),
        due=due,
        drawn=drawn,
        slot=np.empty(places + 2, np.int64),
        entry=entry,
        arrived=arrived,
        waits=waits,
        task=task,
        queues=Line(np.empty(3 * pools, np.int64), np.empty(3 * pools, np.int64), behind),
        backlog=Line(np.empty(pools, np.int64), np.empty(pools, np.int64), behind),
        waiting=np.empty(3 * pools, np.int64),
        worth=np.zeros(N_ACTIONS),
        weights=np.zeros(N_ACTIONS),
        features=np.zeros(N_FEATURES * N_ACTIONS),
        age=age,
        chats=np.empty(seats, np.int64),
        until=np.empty(seats),
    )


@rule
def clear(events: Events) -> None:
    """Make the floor ready for a day: nobody is there, and nobody waits."""
    idle = events.idle
    for seat in range(len(idle.listed)):
        events.resting[seat] = events.chats[seat] = idle.listed[seat] = 0
        events.until[seat] = 0.0
    for group in range(len(idle.head)):
        idle.head[group] = idle.tail[group] = -1
    for q in range(len(events.waiting)):
        events.queues.first[q] = events.queues.last[q] = -1
        events.waiting[q] = 0
    for pool in range(len(events.backlog.first)):
        events.backlog.first[pool] = events.backlog.last[pool] = -1


@rule
def line_up(line: Line, which: int, place: int) -> None:
    """Put a contact at the end of a line."""
    line.behind[place] = -1
    if line.first[which] < 0:
        line.first[which] = place
    else:
        line.behind[line.last[which]] = place
    line.last[which] = place


@rule
def leave_line(line: Line, which: int, place: int, ahead: int) -> None:
    """Take a contact out of a line; `ahead` is who stands before it, or -1."""
    after = line.behind[place]
    if ahead < 0:
        line.first[which] = after
    else:
        line.behind[ahead] = after
    if after < 0:
        line.last[which] = ahead


@rule
def push(times: Floats, codes: Ints, size: int, time: float, code: int) -> int:
    """Add an event to the heap."""
    i = whole(size)
    while i > 0:
        parent = whole(i - 1) >> 1
        if times[parent] <= time:
            break
        times[i] = times[parent]
        codes[i] = codes[parent]
        i = parent
    times[i] = time
    codes[i] = code
    return size + 1


@rule
def pop(times: Floats, codes: Ints, size: int) -> int:
    """Remove the first event (read it before) from the heap.

    The hole goes down to a leaf along the earlier children, and up again to where the last event
    belongs, which is near a leaf: so hardly a branch of it is hard to foresee.
    """
    size = whole(size - 1)
    time, code = times[size], codes[size]
    i, child = 0, 2
    while child < size:
        child = whole(child - (times[child - 1] <= times[child]))
        times[i] = times[child]
        codes[i] = codes[child]
        i, child = child, whole(2 * child + 2)
    if child == size:  # the last leaf has no sibling
        times[i] = times[child - 1]
        codes[i] = codes[child - 1]
        i = whole(child - 1)
    while i > 0:
        parent = whole(i - 1) >> 1
        if times[parent] < time:
            break
        times[i] = times[parent]
        codes[i] = codes[parent]
        i = parent
    times[i] = time
    codes[i] = code
    return size


@rule
def sit_down(idle: Idle, group: int, seat: int, minute: float) -> None:
    """Put an agent at the end of its list of idle agents."""
    idle.since[seat] = minute
    idle.listed[seat] = 1
    idle.after[seat] = -1
    idle.before[seat] = idle.tail[group]
    if idle.tail[group] < 0:
        idle.head[group] = seat
    else:
        idle.after[idle.tail[group]] = seat
    idle.tail[group] = seat


@rule
def stand_up(idle: Idle, group: int, seat: int) -> None:
    """Take an agent out of its list of idle agents."""
    before, after = idle.before[seat], idle.after[seat]
    if before < 0:
        idle.head[group] = after
    else:
        idle.after[before] = after
    if after < 0:
        idle.tail[group] = before
    else:
        idle.before[after] = before
    idle.listed[seat] = 0


@rule
def bench(seat: int, plan: FloorPlan) -> int:
    """Give the number of the list in which this agent is while idle."""
    return len(plan.fit) * plan.pool[seat] + plan.group[seat]  # type: ignore[no-any-return]


@rule
def suited(idle: Idle, pool: int, task: int, minute: float, plan: FloorPlan) -> int:
    """Find the idle agent on duty to whom a task goes, or -1.

    Those at the highest pace go first, if routing looks at it, and of equals the longest idle.
    """
    groups = len(plan.fit)
    while True:
        found, best = -1, 0.0
        for group in range(groups):
            seat, fit = idle.head[groups * pool + group], plan.fit[group, task]
            if seat < 0 or fit == 0.0:
                continue
            rank = fit if plan.suited else 1.0
            if rank > best or (rank == best and idle.since[seat] < idle.since[found]):
                found, best = seat, rank
        if found < 0:
            return -1
        stand_up(idle, bench(found, plan), found)
        if minute < plan.end[found]:
            return found
