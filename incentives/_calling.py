"""Calling out: who can be spared for it, whom the list reaches, and who calls back."""

from typing import Any

import numpy as np

from incentives._calendar import schedule
from incentives._codes import CANCEL, HARD_SELL, NEEDS_NEST, OFFER_AFTER, OUTBOUND, SALE
from incentives._compile import batch, rule
from incentives._draws import Purpose, block
from incentives._floor import Events
from incentives._luck import Luck, draw_luck
from incentives._state import Desk, Rules
from incentives.centre import FloorPlan, calls_back, guarded
from incentives.columns import BACK, BUSY, Customers
from incentives.customers import fetched

LOOKS = 1000  # numbers of the list looked at in a row, before it is taken to be worked through
RINGS, NOBODY = -1, -2  # no answer, and nobody to call


@batch
def free_to_call(
    minute: float, threshold: float, plan: FloorPlan, desk: Desk, events: Events
) -> int:
    """Find the longest-idle agent who calls out, of a pool that can spare one; or -1."""
    seats, idle = len(plan.team), events.idle
    for pool in range(plan.pools):
        waits = 0
        for q in range(3 * pool, 3 * pool + 3):
            waits += events.waiting[q]
        if waits > 0:
            continue
        found, free, on_duty = -1, 0.0, 0.0
        for seat in range(seats):
            if plan.pool[seat] != pool or desk.present[seat] == 0:
                continue
            if not plan.start[seat] <= minute < plan.end[seat]:
                continue
            on_duty += 1.0
            if idle.listed[seat] == 0:
                continue
            free += 1.0
            if plan.outbound[seat] == 1 and (found < 0 or idle.since[seat] < idle.since[found]):
                found = seat
        if found >= 0 and free > threshold * on_duty:
            return found
    return -1


@rule
def dial(
    day: int,
    number: int,
    pool: int,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
    rules: Rules,
    customers: Customers,
) -> tuple[int, int]:
    """Dial the next numbers of the day's list; return the place on it of who answers, or why none.

    A number is a customer, drawn at its own address. Passed over are those who have left, who were
    called often enough, or whom another pool serves.
    """
    listed, calling = customers.listed, rules.calling
    rings = 0
    for _ in range(LOOKS):
        u_who, u_reach, _, _ = block(k0, k1, number, day, Purpose.DIAL, 0)
        number += 1
        who = int(u_who * len(listed))
        each = customers.row[listed[who, 0]]
        if each.left != 0 or listed[who, 1] >= calling.most or (plan.by_home and each.home != pool):
            continue
        if u_reach < calling.reach:
            return who, number
        rings += 1
        if rings == calling.ahead:
            break
    return RINGS if rings > 0 else NOBODY, number


@rule
def address_call(
    place: int,
    who: int,
    month: int,
    events: Events,
    luck: Luck,
    customers: Customers,
    rules: Rules,
) -> None:
    """Say whom the call at this place reaches, and how open a customer on guard is."""
    row, calls = customers.listed[who, 0], customers.listed[who, 1]
    customers.listed[who, 1] = calls + 1
    each = customers.row[row]
    events.entry[place] = 4 * row
    luck.uid[place] = each.uid
    luck.when[place] = OUTBOUND << 24 | month
    luck.attempt[place] = calls
    luck.switched[place] = 0.0
    events.age[place] = 0
    luck.nest[place] = NEEDS_NEST
    content = each.openness + fetched(each.satisfaction, rules.loyalty)
    luck.openness[place] = guarded(content, calls, rules.calling)


@batch
def call_out(
    minute: float,
    number: int,
    place: int,
    day: int,
    month: int,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
    rules: Rules,
    customers: Customers,
    desk: Desk,
    events: Events,
    luck: Luck,
    left: int,
) -> tuple[int, int, int]:
    """Let an agent who can be spared call; return who that is, who answers, and the next number.

    The call that is answered, if any, gets this place; so many are `left` for the rest of the day.
    """
    who, seat = NOBODY, free_to_call(minute, rules.calling.threshold, plan, desk, events)
    if seat >= 0 and left > 0:
        who, number = dial(day, number, plan.pool[seat], k0, k1, plan, rules, customers)
    if who >= 0:
        events.arrived[place] = minute
        address_call(place, who, month, events, luck, customers, rules)
        draw_luck(luck, place, place + 1, k0, k1, plan.exponential, rules.work, rules.openness)
    return seat, who, number


@rule
def note_call(seat: int, line: Any, minutes: float, desk: Desk, calling: Any) -> float:
    """Add to a call's minutes those before it was answered, and all to the day's; return those."""
    before: float = calling.before
    line.handle = minutes + before
    desk.day[BUSY] += minutes + before
    desk.busy[seat] += minutes + before
    return before


@batch
def think_it_over(
    line: Any,
    customers: Customers,
    entry: int,
    day: int,
    k0: np.uint32,
    k1: np.uint32,
    calling: Any,
) -> None:
    """Let a prospect who was offered something, and did not buy, call back on a later day.

    It does so in the place of a wish to cancel, if nothing else has taken that.
    """
    each = customers.row[entry >> 2]
    offered = OFFER_AFTER <= line.action <= HARD_SELL
    taken = each.wishes == 1 or each.suppressed > 0 or each.episode[CANCEL] >= BACK
    if not offered or line.true == SALE or taken or each.leaving > 0:
        return
    month = int(line.episode)
    when = OUTBOUND << 24 | month
    u, u_days, _, _ = block(k0, k1, each.uid, when, Purpose.CALL_BACK, int(line.attempt))
    if calls_back(u, each.openness, calling):
        schedule(customers, 4 * (entry >> 2) + CANCEL, day + 1 + int(calling.within * u_days))
        each.parked = each.episode[CANCEL]
        each.episode[CANCEL] = BACK + month
