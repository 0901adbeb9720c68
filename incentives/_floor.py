"""The floor of a day: a heap of what will happen when, and lists of who is idle for what."""

from typing import NamedTuple

import numpy as np

from incentives._compile import allocating, rule
from incentives.centre import FloorPlan
from incentives.columns import N_FEATURES, Floats, Ints
from incentives.menu import N_ACTIONS

__all__ = [
    "Events",
    "Idle",
    "bench",
    "pop",
    "push",
    "scratch",
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


class Events(NamedTuple):
    """The day's scratch arrays: what will happen when, who is idle, who is waiting."""

    times: Floats  #: a heap
    codes: Ints
    resting: Ints  #: (seats,) 1 when a break is due, 2 when it has been had
    idle: Idle
    entry: Ints  #: (contacts,) the calendar's entry of each contact of the day
    arrived: Floats  #: (contacts,) its minute
    waits: Ints  #: (contacts,) 1 while in a queue
    task: Ints  #: (contacts,) what it asks of an agent
    queued: Ints  #: (3 x pools, capacity) rings of contacts
    first: Ints  #: (3 x pools,) places in the rings
    last: Ints
    waiting: Ints  #: (3 x pools,) how many really wait
    worth: Floats  #: (actions,)
    weights: Floats  #: (actions,)
    features: Floats  #: (features x actions,)
    age: Ints  #: (contacts,) working days for which it has waited in a backlog already
    chats: Ints  #: (seats,) chats open, or kept a place
    until: Floats  #: (seats,) minute at which the last of them ends
    backlog: Ints  #: (pools, contacts) what waits in the backlog
    opened: Ints  #: (pools,) how many of them have been worked on
    written: Ints  #: (pools,) how many have come


@allocating
def scratch(seats: int, pools: int, groups: int, contacts: int, calls: int) -> Events:
    """Make the day's scratch arrays for at most so many contacts, and so many calls made."""
    room = 8 * seats + 2 * contacts + 2 + calls
    return Events(
        np.empty(room),
        np.empty(room, np.int64),
        np.zeros(seats, np.int64),
        Idle(
            np.full(groups * pools, -1),
            np.full(groups * pools, -1),
            np.full(seats, -1),
            np.full(seats, -1),
            np.zeros(seats),
            np.zeros(seats, np.int64),
        ),
        np.empty(contacts + calls, np.int64),
        np.empty(contacts + calls),
        np.zeros(contacts + calls, np.int64),
        np.zeros(contacts + calls, np.int64),
        np.empty((3 * pools, contacts + 1), np.int64),
        np.zeros(3 * pools, np.int64),
        np.zeros(3 * pools, np.int64),
        np.zeros(3 * pools, np.int64),
        np.zeros(N_ACTIONS),
        np.zeros(N_ACTIONS),
        np.zeros(N_FEATURES * N_ACTIONS),
        np.zeros(contacts + calls, np.int64),
        np.zeros(seats, np.int64),
        np.zeros(seats),
        np.empty((pools, contacts), np.int64),
        np.zeros(pools, np.int64),
        np.zeros(pools, np.int64),
    )


@rule
def push(times: Floats, codes: Ints, size: int, time: float, code: int) -> int:
    """Add an event to the heap."""
    i = size
    while i > 0:
        parent = (i - 1) >> 1
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
    """Remove the first event (read it before) from the heap."""
    size -= 1
    time, code = times[size], codes[size]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and times[child + 1] < times[child]:
            child += 1
        if times[child] >= time:
            break
        times[i] = times[child]
        codes[i] = codes[child]
        i = child
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
