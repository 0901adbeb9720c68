"""Prices at which schemes buy what an agent logs, and how the kernel reads them (P1).

What an action is worth to an agent is the difference it makes to the pay that can be expected for
the period: its *price*. `lower` turns schemes into `Prices`, the tables of expected pay laid into
arrays, from which the kernel reads that difference after each log: `stand` finds where the agent is
before it, and `price` what the log adds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from incentives._compile import rule, whole
from incentives.columns import (
    CANCELS,
    CONTACTS,
    N_ACCUMULATORS,
    QA_N,
    QA_SUM,
    SALES,
    SALES_VALUE,
    SAVES,
    SURVEY_N,
    SURVEY_SUM,
    Bools,
    Floats,
    Ints,
    Prices,
)
from incentives.mechanism import Mechanism
from incentives.pay.metrics import PaysSomething
from incentives.pay.reference import Reference
from incentives.pay.scheme import components
from incentives.pay.tables import N_SPREADS, Axis, Component

__all__ = ["PayAsPrices", "cuts", "expected", "index", "lower", "n_best", "price", "stand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayAsPrices(Mechanism):
    """P1: variable pay moves what agents do, by its price; without it only wages are paid."""

    id: ClassVar[str] = "P1"
    title: ClassVar[str] = "pay schemes"


# -- schemes to prices -------------------------------------------------------------------------


def lower(schemes: Sequence[PaysSomething], *, reference: Reference | None = None) -> Prices:
    """Turn schemes into the tables of expected pay that the kernel reads.

    Parameters
    ----------
    schemes
        One or more; scheme s is components ``first[s]:first[s + 1]``.
    reference
        What an agent is expected to log in a full period; the default is `Reference()`.

    Raises
    ------
    ValueError
        A scheme of your own reads others' totals, or more than two accumulators.

    Examples
    --------
    >>> from incentives.pay import Target, Wage
    >>> prices = lower([Wage(), Wage() + Target("save_rate", 0.48, lump=300.0)])
    >>> prices.first
    array([0, 0, 1])
    >>> round(expected(prices, 0, 1.0, 0.0, 0.0))
    300
    """
    ours = reference or Reference()
    by_scheme = [
        sorted(_merged(components(scheme, ours)), key=_is_moved_by_service, reverse=True)
        for scheme in schemes
    ]
    first = np.cumsum([0, *map(len, by_scheme)])
    pieces = [piece for some in by_scheme for piece in some]
    flat = Axis(0.0, 1.0, 1, 0.0)
    axes = [(*piece.axes, flat, flat)[:2] for piece in pieces]
    sizes = [piece.values.size for piece in pieces]
    return Prices(
        first=_ints(first),
        served=_ints(first[:-1] + [sum(map(_is_moved_by_service, some)) for some in by_scheme]),
        kind=_ints([len(piece.axes) for piece in pieces]),
        weights=_floats([piece.weights for piece in pieces], (2, N_ACCUMULATORS)),
        team=_ints([piece.team for piece in pieces]),
        rival=_ints([piece.place != 0 for piece in pieces]),
        claw=_ints([piece.claw for piece in pieces]),
        claws=_ints([any(piece.claw for piece in some) for some in by_scheme]),
        scale=_floats([piece.scale for piece in pieces]),
        origin=_floats([[axis.origin for axis in pair] for pair in axes], (2,)),
        step=_floats([[axis.step for axis in pair] for pair in axes], (2,)),
        size=_ints([[axis.size for axis in pair] for pair in axes], (2,)),
        start=_ints(np.cumsum([0, *sizes])[:-1]),
        values=_floats(np.concatenate([np.zeros(0), *(piece.values.ravel() for piece in pieces)])),
        reads=_ints([_reads(some) for some in by_scheme], (N_ACCUMULATORS,)),
        sharp=_ints([[axis.sharp for axis in pair] for pair in axes], (2,)),
        place=_ints([piece.place for piece in pieces]),
        drift=_floats([first.drift for first, _ in axes]),
        goal=_ints([piece.goal for piece in pieces]),
    )


def _merged(pieces: list[Component]) -> list[Component]:
    """Add up linear components, so that a mixture of piece rates costs one look-up."""
    merged: dict[tuple[int, int], Component] = {}
    tables = []
    for piece in pieces:
        if piece.axes:
            tables.append(piece)
            continue
        key, weights = (piece.team, piece.claw), piece.scale * piece.weights
        if key in merged:
            weights = weights + merged[key].weights
        merged[key] = piece._replace(weights=weights, scale=1.0)
    return [*merged.values(), *tables]


_SERVED = [CONTACTS, SALES, SALES_VALUE, SURVEY_SUM, SURVEY_N, QA_SUM, QA_N]


def _is_moved_by_service(piece: Component) -> bool:
    """Tell whether a component is moved by contacts that are neither cancellations nor saves."""
    return bool(piece.weights[:, _SERVED].any())


def _reads(pieces: list[Component]) -> Bools:
    used = np.zeros(N_ACCUMULATORS, dtype=np.bool_)
    for piece in pieces:
        used |= piece.weights.any(axis=0)
    return used


def _floats(rows: Any, tail: tuple[int, ...] = ()) -> Floats:
    return np.ascontiguousarray(np.asarray(rows, dtype=np.float64).reshape(-1, *tail))


def _ints(rows: Any, tail: tuple[int, ...] = ()) -> Ints:
    return np.ascontiguousarray(np.asarray(rows, dtype=np.int64).reshape(-1, *tail))


# -- the kernel's rules ------------------------------------------------------------------------


NO_RIVAL = -1e12
"""The cut of a place that nobody else can hold: it is won."""
NODE = 1e-9  # of a step: how far below a node still counts as on it


@rule
def index(prices: Prices, k: int, axis: int, totals: Floats) -> float:
    """An index is a weighted sum of what was logged, or of what is logged in a day."""
    z = 0.0
    for j in range(N_ACCUMULATORS):
        z += prices.weights[k, axis, j] * totals[j]
    return z


@rule
def _towards(prices: Prices, k: int, axis: int, totals: Floats, ease: float) -> float:
    """Under a raised goal results count less: `ease` is 1 over its factor, less 1."""
    z = index(prices, k, axis, totals)
    if ease != 0.0 and prices.goal[k] >= 0:
        z += ease * prices.weights[k, axis, prices.goal[k]] * totals[prices.goal[k]]
    return z


@rule
def _cell(position: float, size: int) -> int:
    """The cell of a table is the last node at or below a position, and the end cells go on."""
    return whole(min(max(int(np.floor(position)), 0), size - 2))


@rule
def _on_line(prices: Prices, k: int, row: int, position: float) -> float:
    """Expected pay lies on the straight line between the nodes, and before a jump below it."""
    size = prices.size[k, 0]
    at = whole(prices.start[k] + row * size)
    if row == 0 and prices.sharp[k, 0] == 1:
        at += min(max(int(np.floor(position + NODE)), 0), size - 1)
        below: float = prices.values[at]
        return below
    i = _cell(position, size)
    low: float = prices.values[at + i]
    high: float = prices.values[at + i + 1]
    return low + (position - i) * (high - low)


@rule
def _on_plane(prices: Prices, k: int, row: int, p1: float, p2: float) -> float:
    """Expected pay lies between four nodes, and along a sharp axis with no time left on two."""
    size1, size2 = prices.size[k, 0], prices.size[k, 1]
    i, j = _cell(p1, size1), _cell(p2, size2)
    f, g = p1 - i, p2 - j
    if row == 0:
        if prices.sharp[k, 0] == 1:
            f = min(max(np.floor(p1 + NODE) - i, 0.0), 1.0)
        if prices.sharp[k, 1] == 1:
            g = min(max(np.floor(p2 + NODE) - j, 0.0), 1.0)
    at = whole(prices.start[k] + (row * size1 + i) * size2 + j)
    a, b = prices.values[at], prices.values[at + 1]
    c, d = prices.values[at + size2], prices.values[at + size2 + 1]
    low: float = a + g * (b - a)
    high: float = c + g * (d - c)
    return low + f * (high - low)


@rule
def expected(prices: Prices, k: int, y1: float, y2: float, spread: float) -> float:
    """The pay that component k brings on average, when its indices are forecast at y1 and y2.

    With no time left (`spread` 0) this is pay itself. Beyond a table's ends its last slope goes on.
    """
    if prices.kind[k] == 0:
        return y1
    spread = min(max(spread, 0.0), 1.0)
    at = spread * (N_SPREADS - 1)
    row = whole(min(int(at), N_SPREADS - 2))
    part = at - row
    p1 = (y1 - prices.origin[k, 0]) / prices.step[k, 0]
    if prices.drift[k] > 0.0:  # events: rows are read at what is logged, weighted to the mean
        p1 -= prices.drift[k] * spread * spread
        part = (at * at - row * row) / (2.0 * row + 1.0)
    if prices.kind[k] == 1:
        near = _on_line(prices, k, row, p1)
        if part == 0.0:
            return near
        return near + part * (_on_line(prices, k, row + 1, p1) - near)
    p2 = (y2 - prices.origin[k, 1]) / prices.step[k, 1]
    near = _on_plane(prices, k, row, p1, p2)
    if part == 0.0:
        return near
    return near + part * (_on_plane(prices, k, row + 1, p1, p2) - near)


@rule
def _forecast(
    prices: Prices, k: int, axis: int, totals: Floats, rates: Floats, days_left: float, ease: float
) -> float:
    """By the period's end an index is what it is now and what the days that are left will add."""
    now = _towards(prices, k, axis, totals, ease)
    return now + days_left * _towards(prices, k, axis, rates, ease)


@rule
def _change(
    prices: Prices,
    k: int,
    axis: int,
    saves: float,
    contacts: float,
    cancels: float,
    sales: float,
    value: float,
    survey_sum: float,
    survey_n: float,
    qa_sum: float,
    qa_n: float,
    ease: float,
) -> float:
    """A log moves an index by the weights of what it adds."""
    w = prices.weights
    moved: float = (
        w[k, axis, CONTACTS] * contacts
        + w[k, axis, CANCELS] * cancels
        + w[k, axis, SAVES] * saves
        + w[k, axis, SALES] * sales
        + w[k, axis, SALES_VALUE] * value
        + w[k, axis, SURVEY_SUM] * survey_sum
        + w[k, axis, SURVEY_N] * survey_n
        + w[k, axis, QA_SUM] * qa_sum
        + w[k, axis, QA_N] * qa_n
    )
    if ease != 0.0 and prices.goal[k] >= 0:
        j = prices.goal[k]
        result = survey_sum
        if j == SAVES:
            result = saves
        elif j == SALES:
            result = sales
        elif j == SALES_VALUE:
            result = value
        elif j == CONTACTS:
            result = contacts
        elif j == QA_SUM:
            result = qa_sum
        moved += ease * w[k, axis, j] * result
    return moved


@rule
def spread_of(days_left: float, days_in_period: float) -> float:
    """What may still come varies with the square root of the time that is left."""
    return math.sqrt(max(days_left, 0.0) / days_in_period)


@rule
def _gain(
    prices: Prices,
    k: int,
    y1: float,
    y2: float,
    now: float,
    spread: float,
    lasting: float,
    d_contacts: float,
    d_cancels: float,
    d_saves: float,
    d_sales: float,
    d_value: float,
    d_survey_sum: float,
    d_survey_n: float,
    d_qa_sum: float,
    d_qa_n: float,
    ease: float,
) -> float:
    """What a log adds to the pay of component k, whose forecast y1, y2 is worth `now` without it.

    Where saves can be clawed back the log is worth `lasting` times what it is with its save and
    the rest of what it is without.
    """
    rest = (
        d_contacts,
        d_cancels,
        d_sales,
        d_value,
        d_survey_sum,
        d_survey_n,
        d_qa_sum,
        d_qa_n,
        ease,
    )
    scale: float = prices.scale[k]
    lasts = lasting if prices.claw[k] == 1 else 1.0
    d1 = _change(prices, k, 0, d_saves, *rest)
    if prices.kind[k] == 0:
        if lasts < 1.0:
            d1 = lasts * d1 + (1.0 - lasts) * _change(prices, k, 0, 0.0, *rest)
        return scale * d1
    plane = prices.kind[k] == 2
    d2 = _change(prices, k, 1, d_saves, *rest) if plane else 0.0
    after = expected(prices, k, y1 + d1, y2 + d2, spread)
    if lasts < 1.0 and d_saves != 0.0:
        d1 = _change(prices, k, 0, 0.0, *rest)
        d2 = _change(prices, k, 1, 0.0, *rest) if plane else 0.0
        lost = expected(prices, k, y1 + d1, y2 + d2, spread)
        after = lasts * after + (1.0 - lasts) * lost
    return scale * (after - now)


@rule
def moved(prices: Prices, scheme: int, saving: bool) -> Any:
    """Count the components of a scheme that the contact at hand can move."""
    last = prices.first[scheme + 1] if saving else prices.served[scheme]
    return range(whole(prices.first[scheme]), last)


@rule
def stand(
    prices: Prices,
    scheme: int,
    totals: Floats,
    rates: Floats,
    team_totals: Floats,
    team_rates: Floats,
    seat: int,
    team: int,
    days_left: float,
    days_in_period: float,
    cut: Floats,
    at: Floats,
    saving: bool,
    ease: float = 0.0,
) -> None:
    """Where an agent stands before a log: write each component's forecast and its pay into `at`.

    ``totals`` and ``rates`` (per day) are the agents' rows, ``team_totals`` and ``team_rates`` the
    sums of the teams' members who are under the scheme, ``cut`` is that of `cuts`, and ``at`` is
    (components, 4). What is linear pays the same from anywhere. Where events are counted, the
    spread is that of as many as the agent's own rate will bring: what is logged cannot be lost.
    A component that is moved only by cancellations and saves is left out unless the contact at hand
    can be logged as one (`saving`). Results towards the agent's own
    goals count 1 + `ease` times, and so does their spread.
    """
    for k in moved(prices, scheme, saving):
        if prices.kind[k] == 0:
            continue
        plane, y2 = prices.kind[k] == 2, 0.0  # a table over one index does not read the second
        if prices.team[k] == 1:
            coming = days_left * index(prices, k, 0, team_rates[team])
            y1 = index(prices, k, 0, team_totals[team]) + coming
            if plane:
                rate = team_rates[team]
                y2 = _forecast(prices, k, 1, team_totals[team], rate, days_left, 0.0)
        else:
            coming = days_left * _towards(prices, k, 0, rates[seat], ease)
            y1 = _towards(prices, k, 0, totals[seat], ease) + coming
            if plane:
                y2 = _forecast(prices, k, 1, totals[seat], rates[seat], days_left, ease)
        if prices.rival[k] == 1:
            y1 -= cut[k, seat]
        spread = spread_of(days_left, days_in_period)
        counted = 1.0 + ease if prices.goal[k] >= 0 else 1.0
        if prices.drift[k] > 0.0:
            spread = math.sqrt(max(coming * counted, 0.0) / (prices.drift[k] * prices.step[k, 0]))
        else:
            spread *= counted
        at[k, 0] = y1
        at[k, 1] = y2
        at[k, 2] = expected(prices, k, y1, y2, spread)
        at[k, 3] = spread


@rule
def price(
    prices: Prices,
    scheme: int,
    at: Floats,
    saving: bool,
    lasting: float,
    d_contacts: float,
    d_cancels: float,
    d_saves: float,
    d_sales: float,
    d_value: float,
    d_survey_sum: float,
    d_survey_n: float,
    d_qa_sum: float,
    d_qa_n: float,
    ease: float = 0.0,
) -> float:
    """What a log is worth is the difference that it makes to the pay to be expected.

    ``at`` is where the agent stands (`stand`, with the same ``saving`` and ``ease``), and
    ``lasting`` the believed chance that a save lasts, where pay for it can be clawed back.
    """
    worth = 0.0
    for k in moved(prices, scheme, saving):
        worth += _gain(
            prices,
            k,
            at[k, 0],
            at[k, 1],
            at[k, 2],
            at[k, 3],
            lasting,
            d_contacts,
            d_cancels,
            d_saves,
            d_sales,
            d_value,
            d_survey_sum,
            d_survey_n,
            d_qa_sum,
            d_qa_n,
            ease,
        )
    return worth


@rule
def cuts(
    prices: Prices,
    totals: Floats,
    rates: Floats,
    days_left: float,
    team: Ints,
    scheme_of: Ints,
    best: Floats,
    out: Floats,
) -> None:
    """To win the j-th prize is to pass the j-th best rival: write that forecast for each agent.

    Rivals are those under the same scheme, of the team or of the centre. Called once a day;
    ``out`` is (components, agents), and 0 where a component has no rivals. ``best`` is room for the
    forecasts to beat: (teams, `n_best`).
    """
    agents, arenas = len(team), len(best)
    for scheme in range(len(prices.first) - 1):
        for k in range(whole(prices.first[scheme]), prices.first[scheme + 1]):
            for i in range(agents):
                out[k, i] = 0.0
            if prices.rival[k] == 0:
                continue
            place = abs(prices.place[k])
            in_team = prices.place[k] < 0
            for arena in range(arenas):
                for j in range(place + 1):
                    best[arena, j] = NO_RIVAL
            for i in range(agents):
                if scheme_of[i] == scheme:
                    y = index(prices, k, 0, totals[i]) + days_left * index(prices, k, 0, rates[i])
                    out[k, i] = y
                    arena = team[i] if in_team else 0
                    for j in range(place + 1):
                        if y > best[arena, j]:
                            y, best[arena, j] = best[arena, j], y
            for i in range(agents):
                if scheme_of[i] == scheme:
                    arena = team[i] if in_team else 0
                    leads = out[k, i] >= best[arena, place - 1]
                    out[k, i] = best[arena, place] if leads else best[arena, place - 1]


def n_best(prices: Prices) -> int:
    """Give how many forecasts it takes to know the cut of any place: the last one's, and one more.

    Examples
    --------
    >>> n_best(lower([]))
    1
    """
    return 1 + int(np.abs(prices.place).max(initial=0))
