"""Tables of the pay that can be expected over one or two indices of what an agent logs.

A table has a row for each of `N_SPREADS` values of the *spread*, the square root of the share of
the period that is left, and a column for each value of the forecast y: what is logged so far and
the agent's own recent daily rates times the days left. The first row is ``pay`` itself; in the
others pay is averaged over what may still come, with the spread of a `Reference` agent's remaining
period: Poisson for a table over one count, else normal.
"""

import dataclasses
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np

from incentives._draws import exp, square
from incentives.columns import (
    CONTACTS,
    N_ACCUMULATORS,
    QA_SUM,
    SALES_VALUE,
    SURVEY_SUM,
    Floats,
    Totals,
)
from incentives.pay.metrics import (
    COUNTS,
    RATES,
    Metric,
    PaysSomething,
    accumulators,
    beyond,
    with_team,
)
from incentives.pay.reference import WITHIN, Reference, sd_of

__all__ = [
    "N_SPREADS",
    "Axis",
    "Component",
    "coming_ahead",
    "counted",
    "counted_together",
    "line",
    "linear",
    "normal_chances",
    "scale",
    "stepwise",
    "unit",
]

N_SPREADS = 25
SPREADS = tuple(node / (N_SPREADS - 1) for node in range(N_SPREADS))
"""The table's rows: the square root of the share of the period that is left; the first is 0."""
TAIL = 7.0  # standard deviations: what lies further out counts as impossible
FINE, COARSE = 48, 8  # nodes per standard deviation of an index, in a line and in a plane
WIDEST_LINE, WIDEST_PLANE = 4096, 320  # nodes along an axis
TINY = 1e-7  # taken off a threshold of a rate: keeps rounding and the empty rate on their side


class Axis(NamedTuple):
    """Equally spaced values of an index of the accumulators."""

    origin: float
    step: float
    size: int
    sd: float  # of the index over a full period
    sharp: bool = False  # pay jumps at a node: with no time left, read the node below
    drift: float = 0.0  # what the reference agent adds in a full period, if that is Poisson

    @property
    def pad(self) -> int:
        """Return how many nodes beyond each end the average over what may come reaches."""
        if self.drift:
            return len(_poisson(self.drift))
        return len(normal_chances(self.sd / self.step)) // 2

    def ahead(self, spread: float) -> tuple[int, Floats]:
        """Return the chances of what may still come, in nodes from the first of them on."""
        if self.drift:
            return 0, _poisson(square(spread) * self.drift)
        bell = normal_chances(spread * self.sd / self.step)
        return -(len(bell) // 2), bell

    def padded(self) -> Floats:
        """Return the nodes and those beyond the ends."""
        return self.origin + self.step * np.arange(
            -self.pad, self.size + self.pad, dtype=np.float64
        )


class Component(NamedTuple):
    """One term of a scheme, before it is laid into the arrays of `Prices`."""

    weights: Floats  # (2, accumulators)
    axes: tuple[Axis, ...] = ()  # none: linear in the first index
    values: Floats = np.zeros(0)  # (spreads, nodes of the first axis, nodes of the second)
    team: int = 0
    place: int = 0
    claw: int = 0
    scale: float = 1.0
    goal: int = -1


class Strip(NamedTuple):
    """A factor of pay over one index: what is multiplied where a gate stands before the tiers."""

    weights: Floats  # (accumulators,)
    axis: Axis
    values: Floats  # (spreads, nodes)


def unit(accumulator: int) -> Floats:
    """Return the weights of the index that is one accumulator."""
    weights = np.zeros(N_ACCUMULATORS)
    weights[accumulator] = 1.0
    return weights


def linear(weights: Floats) -> Component:
    """Return a component that pays the same for each unit, wherever the agent stands."""
    return Component(np.stack([weights, np.zeros(N_ACCUMULATORS)]))


def scale(piece: Component, factor: float) -> Component:
    """Return a component that pays `factor` times as much."""
    return piece._replace(scale=piece.scale * factor)


def line(strip: Strip) -> Component:
    """Return a component over one index."""
    return Component(
        np.stack([strip.weights, np.zeros(N_ACCUMULATORS)]), (strip.axis,), strip.values
    )


def _product(strip: Strip, gate: Strip) -> Component:
    """Return a component that pays the strip as far as the gate is open, the two independent."""
    values = strip.values[:, :, np.newaxis] * gate.values[:, np.newaxis, :]
    return Component(np.stack([strip.weights, gate.weights]), (strip.axis, gate.axis), values)


def normal_chances(sd: float) -> Floats:
    """Return chances of whole deviations, normal and symmetrical; their variance is sd squared.

    Below 0.6 there are three, which keep the variance where the bell is too narrow to.
    """
    if sd < 0.6:
        half = 0.5 * square(sd)
        return np.array([half, 1.0 - 2.0 * half, half])
    reach = math.ceil(TAIL * sd)
    bell = exp(-0.5 * np.square(np.arange(-reach, reach + 1) / sd))
    return np.asarray(bell / math.fsum(bell))


def _poisson(mean: float) -> Floats:
    """Return the chances of 0, 1, 2, … events, from the ratio of each to the one before."""
    most = int(mean)
    chances = np.ones(math.ceil(mean + 9.0 * math.sqrt(mean)) + 20)
    for j in range(most, len(chances) - 1):
        chances[j + 1] = chances[j] * mean / (j + 1)
    for j in range(most, 0, -1):
        chances[j - 1] = chances[j] * j / mean
    return np.asarray(chances / math.fsum(chances))


def _average(values: Floats, axis: Axis, spread: float, along: int = 0) -> Floats:
    """Average over what may still come along an axis, which loses its padding."""
    values = np.moveaxis(values, along, 0)
    first, chances = axis.ahead(spread)
    total = np.zeros(1)
    for j, chance in enumerate(chances, start=axis.pad + first):
        total = total + chance * values[j : j + axis.size]
    return np.moveaxis(total, 0, along)


def _line_values(pay: Callable[[Floats], Floats], axis: Axis) -> Floats:
    """Return expected pay over one index: (spreads, nodes).

    At its node a jump counts as half done, or the average would be off by half a step.
    """
    nodes, half = axis.padded(), 0.5 * axis.step
    exact = smooth = pay(nodes)
    if axis.sharp:
        smooth = 0.5 * (pay(nodes - half) + pay(nodes + half))
    rows = [exact[axis.pad : axis.pad + axis.size]]
    rows += [_average(smooth, axis, spread) for spread in SPREADS[1:]]
    return np.stack(rows)


def _plane_values(pay: Callable[[Floats, Floats], Floats], first: Axis, second: Axis) -> Floats:
    """Return expected pay over two indices that are independent: (spreads, nodes, nodes)."""
    exact = pay(*np.meshgrid(first.padded(), second.padded(), indexing="ij"))
    core = exact[first.pad : first.pad + first.size, second.pad : second.pad + second.size]
    tables = [core]
    for s in SPREADS[1:]:
        tables.append(_average(_average(exact, first, s), second, s, along=1))
    return np.stack(tables)


def _axis_from_zero(
    expected: float, sd: float, furthest: float, widest: int, *, whole: bool
) -> Axis:
    """Return an axis over what can be logged: by ones for counts while these are few enough."""
    top = max(2.5 * expected, expected + 8.0 * sd, furthest + 8.0 * sd if furthest else 0.0, 8.0)
    step = top / (widest - 1)
    if whole:
        step = float(max(1, math.ceil(step)))
    return Axis(0.0, step, math.ceil(top / step) + 1, sd)


def _axis_around(node: float, sd: float, per_sd: int, *, sharp: bool) -> Axis:
    """Return an axis with a node where pay jumps or bends, far enough that neither end matters."""
    step, half = sd / per_sd, 8 * per_sd
    return Axis(node - half * step, step, 2 * half + 1, sd, sharp)


# -- steps of one metric, perhaps behind a gate --------------------------------------------------


def stepwise(
    scheme: PaysSomething,
    metric: Metric,
    lumps: tuple[tuple[float, float], ...],
    slopes: tuple[tuple[float, float], ...],
    gate: tuple[Metric, float] | None,
    reference: Reference,
) -> list[Component]:
    """Lower pay that jumps and bends at thresholds of a metric."""
    reads = {*accumulators(metric), *(accumulators(gate[0]) if gate else ())}
    lumps = tuple((at, more) for at, more in lumps if more != 0.0)
    slopes = tuple((at, more) for at, more in slopes if more != 0.0)
    furthest = (
        {COUNTS[metric]: max(at for at, _ in lumps + slopes)}
        if metric in COUNTS and (lumps or slopes)
        else {}
    )
    whole = SALES_VALUE not in reads
    if not lumps and not slopes:
        return []
    if whole and len(reads) == 1:
        return [line(counted(scheme.pay, COUNTS[metric], reference, furthest))]
    if whole and gate and len(reads) == 2:
        return [counted_together(scheme.pay, reads, reference, furthest)]
    per_sd = COARSE if gate else FINE
    strips = [_hinge(metric, at, more, 0.0, reference, per_sd) for at, more in lumps]
    if metric in RATES and slopes and not gate:
        bends = Bends(metric, slopes)
        return [*map(line, strips), counted_together(bends.pay, reads, reference, {})]
    strips += [_hinge(metric, at, 0.0, more, reference, per_sd) for at, more in slopes]
    if gate is None:
        return [line(strip) for strip in strips]
    if metric in COUNTS and metric != "sales_value":
        strips = [
            counted(
                dataclasses.replace(cast(Any, scheme), gate=None).pay,
                COUNTS[metric],
                reference,
                furthest,
            )
        ]
    passed = _hinge(gate[0], gate[1], 1.0, 0.0, reference, COARSE)
    return [_product(strip, passed) for strip in strips]


class Bends(NamedTuple):
    """The part of pay that bends at thresholds and never jumps."""

    metric: Metric
    slopes: tuple[tuple[float, float], ...]

    def pay(self, totals: Totals) -> Floats:
        """Return the sum over thresholds of the rate times what lies beyond."""
        parts = [more * beyond(totals, self.metric, at) for at, more in self.slopes]
        return np.asarray(sum(parts))


@lru_cache(maxsize=64)  # the replications of a scenario all ask for the same tables
def _hinge(
    metric: Metric, at: float, lump: float, slope: float, reference: Reference, per_sd: int
) -> Strip:
    """Lower one jump or one bend at a threshold, exact for any totals when no time is left.

    A rate reaches its threshold when saves - threshold x cancellations reaches zero. The threshold
    is taken `TINY` lower, so that rates that equal it lie above the jump, and agents without a
    wish to cancel, at zero, below it.
    """
    weights, node = unit(accumulators(metric)[0]), at
    if metric in RATES:
        bottom = RATES[metric][1]
        weights[bottom] = TINY - at
        node, slope = 0.5 * TINY, slope / max(reference[bottom], 1.0)
    elif metric != "sales_value":
        node = math.ceil(at) - 0.5  # between the last count that fails and the first that passes
    axis = _axis_around(node, sd_of(weights, reference), per_sd, sharp=lump != 0.0)

    def pay(z: Floats) -> Floats:
        return lump * (z > node - 0.25 * axis.step) + slope * np.maximum(z - node, 0.0)

    strip = Strip(weights, axis, _line_values(pay, axis))
    for shared in (strip.weights, strip.values):
        shared.setflags(write=False)
    return strip


def coming_ahead(metric: Metric, worth: float, place: int, reference: Reference) -> Component:
    """Lower the gain from coming ahead of one rival, whose forecast is as uncertain."""
    weights = unit(accumulators(metric)[0])
    if metric in RATES:
        top, bottom = RATES[metric]
        weights[bottom] = -reference[top] / max(reference[bottom], 1.0)
    sd = math.sqrt(2.0) * sd_of(weights, reference)
    whole = metric in COUNTS and metric != "sales_value"
    if whole:
        half = math.ceil(8.0 * sd) + 1
        axis = Axis(-float(half), 1.0, 2 * half + 1, sd)
    else:
        axis = _axis_around(0.0, sd, FINE, sharp=True)
    nearly = 0.25 * axis.step

    def pay(z: Floats) -> Floats:
        ahead, level = z > nearly, np.abs(z) <= nearly
        return worth * (ahead + 0.5 * level)

    values = _line_values(pay, axis)
    values[:, :2], values[:, -2:] = 0.0, worth  # far from the cut nothing is at stake, to the bit
    return line(Strip(weights, axis, values))._replace(place=place)


# -- counts, by asking pay itself --------------------------------------------------------------


def _totals_of(columns: dict[int, Floats]) -> Totals:
    """Return totals with some accumulators given and the others 0, each agent a team of one."""
    n = len(next(iter(columns.values())))
    parts = [
        np.maximum(columns[j], 0.0) if j in columns else np.zeros(n) for j in range(N_ACCUMULATORS)
    ]
    return with_team(parts, np.arange(n))


def counted(
    pay: Callable[[Totals], Floats],
    accumulator: int,
    reference: Reference,
    furthest: dict[int, float],
) -> Strip:
    """Tabulate pay over one accumulator, exactly at whole numbers if it is a count.

    What may still come of a count is Poisson. Its row for a spread starts `Axis.drift` x spread
    squared higher, so that its nodes are whole numbers logged and the reference agent's remainder.
    """
    weights = unit(accumulator)
    axis = _axis_from_zero(
        reference[accumulator],
        sd_of(weights, reference),
        furthest.get(accumulator, 0.0),
        WIDEST_LINE if accumulator != SALES_VALUE else 2 * WIDEST_PLANE,
        whole=accumulator != SALES_VALUE,
    )
    if accumulator != SALES_VALUE and axis.step == 1.0:
        drift = max(reference[accumulator], 1.0)
        below = math.ceil(drift)  # who logs less than the reference is forecast from below 0
        axis = axis._replace(origin=-float(below), size=axis.size + below, drift=drift)
    return Strip(weights, axis, _line_values(lambda y: pay(_totals_of({accumulator: y})), axis))


SUMS = (SURVEY_SUM, SALES_VALUE, QA_SUM)  # accumulators that are no counts


def counted_together(
    pay: Callable[[Totals], Floats],
    reads: set[int],
    reference: Reference,
    furthest: dict[int, float],
) -> Component:
    """Tabulate pay over two accumulators, along two indices of them that do not covary.

    Saves and cancellations become saves and the cancellations that went through; a sum of scores
    and its number become the sum less a whole mean score for each, and the number.
    """
    part, whole = _nested(reads)
    weights = np.stack([unit(part), unit(whole)])
    less, more = 0.0, 0.0  # what of the whole is taken off the part, and of the part off the whole
    if part in SUMS and (part, whole) in WITHIN and whole != CONTACTS:
        less = float(round(reference[part] / max(reference[whole], 1.0)))
        weights[0, whole] = -less
    elif (part, whole) in WITHIN and part not in SUMS:
        more = 1.0
        weights[1, part] = -more
    sds = [sd_of(row, reference) for row in weights]
    axes = [
        _axis_from_zero(
            max(math.fsum(row * reference[:N_ACCUMULATORS]), 0.0),
            sd,
            furthest.get(j, 0.0),
            WIDEST_PLANE,
            whole=j != SALES_VALUE,
        )
        for row, sd, j in zip(weights, sds, (part, whole), strict=True)
    ]
    if less:
        half = math.ceil(10.0 * sds[0])
        step = float(math.ceil(2.0 * half / WIDEST_PLANE))
        half = math.ceil(half / step) if part == QA_SUM else half
        axes[0] = Axis(-half * step, step, 2 * half + 1, sds[0])

    def of_indices(y1: Floats, y2: Floats) -> Floats:
        first, second = (y1, y2) if less else (np.maximum(y1, 0.0), np.maximum(y2, 0.0))
        second = np.maximum(second, 0.0)
        columns = {part: (first + less * second).ravel(), whole: (second + more * first).ravel()}
        return pay(_totals_of(columns)).reshape(y1.shape)

    return Component(weights, (axes[0], axes[1]), _plane_values(of_indices, axes[0], axes[1]))


def _nested(reads: set[int]) -> tuple[int, int]:
    """Return two accumulators, that which is part of the other first."""
    i, j = sorted(reads)
    return (j, i) if (j, i) in WITHIN else (i, j)
