"""The luck of a day's contacts, drawn ahead of the events in loops that become SIMD code.

What a contact brings (its work, its caller's patience and mood) and the shocks of what is chosen
and of what comes of it depend on its address alone, never on the order of the floor. So they are
drawn for some hundreds of contacts before the first of them comes, a column at a time, four or
eight contacts in one instruction, and the event loop reads them while they are at hand. A call-back
on the same day is a new place, drawn when it is made.
"""

from typing import Any, NamedTuple

import numpy as np

from incentives._compile import batch, rule
from incentives._draws import Purpose, block, exponential_, gumbel_, normal_
from incentives.centre import work_of
from incentives.columns import Floats, Words
from incentives.customers import guessed, offer_odds

LATER_ROWS = 4  # the block of shocks of rows that came after the first five

__all__ = ["Luck", "draw_luck", "luck_for", "places"]


class Luck(NamedTuple):
    """What is drawn for each contact of a day: a column each, a place a contact."""

    uid: Words  #: the address: the customer,
    when: Words  #: the need and which of its episodes,
    attempt: Words  #: the contacts already made about it,
    nest: Words  #: and which block of shocks the honest actions have
    openness: Floats  #: the customer's, as log odds
    channel: Floats  #: uniform, and then the code of the channel
    patience: Floats  #: standard exponential
    work: Floats  #: relative to the mean of its reason
    passes: Floats  #: uniform
    open: Floats  #: the customer's openness at this moment, 0 to 1,
    seems: Floats  #: and as the agent sees it
    feel: Floats  #: standard normal
    need: Floats  #: uniform: does it hide a need?
    hint: Floats  #: uniform: does the agent notice what is hidden?
    honest: Floats  #: Gumbel shocks of the three nests: honest work,
    lie: Floats  #: a lie,
    cut: Floats  #: cutting off
    race: tuple[Floats, Floats, Floats, Floats, Floats, Floats]  #: exponentials of honest actions
    pass_on: Floats  #: and of a transfer
    solve: Floats  #: uniform
    success: Floats  #: uniform
    invite: Floats  #: uniform
    audit: Floats  #: uniform
    next: Floats  #: standard exponential: how long until the next need of this kind
    switched: Floats  #: 1 if the last attempt came by another channel


def luck_for(places: int) -> Luck:
    """Make memory for the luck of so many contacts."""
    draws = np.empty((26, places))
    columns: Any = (*np.empty((4, places), np.uint64), *draws[:13], tuple(draws[13:19]))
    return Luck(*columns, *draws[19:])


@rule
def places(low: int, high: int) -> Any:
    """Count from `low` up to `high`, unsigned: to look at a sign would cost the SIMD code."""
    return range(np.uint64(low), np.uint64(high))


@rule
def _fours(
    luck: Luck,
    low: int,
    high: int,
    k0: np.uint32,
    k1: np.uint32,
    purpose: int,
    into: tuple[Floats, Floats, Floats, Floats],
) -> None:
    """Draw the four uniforms of each contact for one purpose."""
    a, b, c, d = into
    uid, when, attempt = luck.uid, luck.when, luck.attempt
    for i in places(low, high):
        a[i], b[i], c[i], d[i] = block(k0, k1, uid[i], when[i], purpose, attempt[i])


@rule
def _exponentials(x: Floats, low: int, high: int) -> None:
    for i in places(low, high):
        x[i] = exponential_(x[i])


@rule
def _gumbels(x: Floats, low: int, high: int) -> None:
    for i in places(low, high):
        x[i] = gumbel_(x[i])


@batch
def draw_luck(
    luck: Luck,
    low: int,
    high: int,
    k0: np.uint32,
    k1: np.uint32,
    exponential: bool,
    work: Any,
    openness: Any,
) -> None:
    """Draw the luck of the contacts at places from `low` up to `high`; their addresses are set."""
    spare = luck.next
    _fours(luck, low, high, k0, k1, Purpose.ARRIVE, (spare, luck.channel, luck.patience, luck.work))
    _exponentials(luck.patience, low, high)
    if exponential:
        _exponentials(luck.work, low, high)
    else:
        for i in places(low, high):
            luck.work[i] = work_of(normal_(luck.work[i]), work)

    _fours(
        luck, low, high, k0, k1, Purpose.OCCASION, (luck.passes, luck.open, luck.feel, luck.need)
    )
    for i in places(low, high):
        luck.open[i] = offer_odds(luck.openness[i], normal_(luck.open[i]), openness)
    for i in places(low, high):
        luck.feel[i] = normal_(luck.feel[i])

    r0, r1, r2, r3, r4, r5 = luck.race
    _fours(luck, low, high, k0, k1, Purpose.CHOICE, (luck.honest, luck.lie, luck.cut, r4))
    uid, when, attempt, nest = luck.uid, luck.when, luck.attempt, luck.nest
    for i in places(low, high):
        r0[i], r1[i], r2[i], r3[i] = block(
            k0, k1, uid[i], when[i], Purpose.CHOICE, attempt[i], nest[i]
        )
    hint, seems, pass_on = luck.hint, luck.seems, luck.pass_on
    for i in places(low, high):
        r5[i], pass_on[i], _, _ = block(
            k0, k1, uid[i], when[i], Purpose.CHOICE, attempt[i], LATER_ROWS
        )
    for i in places(low, high):
        hint[i], seems[i], _, _ = block(k0, k1, uid[i], when[i], Purpose.HINT, attempt[i])
    for i in places(low, high):
        seems[i] = guessed(luck.open[i], normal_(seems[i]), openness)
    _gumbels(luck.honest, low, high)
    _gumbels(luck.lie, low, high)
    _gumbels(luck.cut, low, high)
    _exponentials(r0, low, high)
    _exponentials(r1, low, high)
    _exponentials(r2, low, high)
    _exponentials(r3, low, high)
    _exponentials(r4, low, high)
    _exponentials(r5, low, high)
    _exponentials(luck.pass_on, low, high)

    _fours(
        luck,
        low,
        high,
        k0,
        k1,
        Purpose.OUTCOME,
        (luck.solve, luck.success, luck.invite, luck.audit),
    )
    for i in places(low, high):
        luck.next[i] = exponential_(block(k0, k1, uid[i], when[i] + 1, Purpose.NEED, 0)[0])
