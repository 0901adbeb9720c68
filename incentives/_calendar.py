"""The calendar: when each customer's next need of each kind is due, in chains of a day."""

from typing import Any

import numpy as np

from incentives._compile import compiled, prefetch, rule, whole
from incentives._draws import Purpose, block, exponential_
from incentives.columns import CALENDAR, CHUNK, Customers, Ints

__all__ = [
    "AGE_BITS",
    "OWN_MASK",
    "bring_near",
    "free_chunks",
    "need_rate",
    "open_calendar",
    "rearm",
    "schedule",
    "take_due",
]

NEEDS = 4
AGE_BITS = 32  # in an entry, working days in a backlog stand above the customer's row and need
OWN_MASK = (1 << AGE_BITS) - 1
ENTRY_BITS = 40  # in the calendar, the day stands above the entry
ENTRY_MASK = (1 << ENTRY_BITS) - 1


@rule
def schedule(customers: Customers, entry: int, day: int) -> None:
    """Put an entry into the chain of the day on which it is due."""
    slot = whole(day) % CALENDAR
    chunk, head = customers.chunk, customers.head
    at = head[slot]
    if at < 0 or chunk[at, 0] & 255 == CHUNK:
        free = head[CALENDAR]
        head[CALENDAR] = (chunk[free, 0] >> 8) - 1
        chunk[free, 0] = (at + 1) << 8
        head[slot] = at = free
    at = whole(at)
    chunk[at, 0] += 1
    chunk[at, chunk[at, 0] & 255] = day << ENTRY_BITS | entry
    customers.held[slot] += 1


@rule
def rearm(customers: Customers, entry: int, day: int, shock: float, rate: float) -> None:
    """Start the clock of a customer's next need of this kind (`rate` per day)."""
    if rate <= 0.0:
        return
    days = min(shock / (rate * customers.row[entry >> 2].busy), 1e6)
    schedule(customers, entry, day + 1 + int(days))


@rule
def bring_near(customers: Customers, entry: int, day: int, shock: float, rate: float) -> None:
    """Have the chain brought near into which `rearm` will put this entry in a while."""
    if rate > 0.0:
        days = min(shock / (rate * customers.row[entry >> 2].busy), 1e6)
        prefetch(customers.chunk, max(customers.head[(day + 1 + int(days)) % CALENDAR], 0))


@rule
def need_rate(need: int, needs: Any, days: float) -> float:
    """Give how often a need of this kind arises (per day)."""
    rate: float = 0.0
    if need == 0:
        rate = needs.question / days
    elif need == 1:
        rate = needs.complaint / days
    elif need == 2:
        rate = needs.order / days
    return rate


@compiled
def open_calendar(
    customers: Customers,
    first: int,
    count: int,
    day: int,
    k0: np.uint32,
    k1: np.uint32,
    needs: Any,
    days: float,
) -> None:
    """Start the clocks of newly joined customers."""
    for row in range(first, first + count):
        for need in range(NEEDS - 1):
            u = block(k0, k1, customers.row[row].uid, need << 24, Purpose.NEED, 0)[0]
            rate = need_rate(need, needs, days)
            rearm(customers, 4 * row + need, day - 1, exponential_(u), rate)


@rule
def take_due(customers: Customers, day: int, entries: Ints) -> int:
    """Take the entries that are due today out of the calendar; return how many there are."""
    slot = day % CALENDAR
    chunk, head = customers.chunk, customers.head
    at = head[slot]
    head[slot] = -1
    customers.held[slot] = 0
    count = 0
    while at >= 0:
        following = (chunk[at, 0] >> 8) - 1
        prefetch(chunk, max(following, 0))
        for i in range(1, 1 + (chunk[at, 0] & 255)):
            entry, due = chunk[at, i] & ENTRY_MASK, chunk[at, i] >> ENTRY_BITS
            if due == day:
                prefetch(customers.row, (entry & OWN_MASK) >> 2)
                entries[count] = entry
                count += 1
            else:  # a later lap of the calendar
                schedule(customers, entry, due)
        chunk[at, 0] = (head[CALENDAR] + 1) << 8
        head[CALENDAR] = at
        at = following
    return count


@compiled
def free_chunks(customers: Customers, first: int) -> None:
    """Put the chunks from `first` on into the chain of free ones."""
    for at in range(first, len(customers.chunk)):
        customers.chunk[at, 0] = (customers.head[CALENDAR] + 1) << 8
        customers.head[CALENDAR] = at
