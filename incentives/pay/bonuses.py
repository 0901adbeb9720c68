"""The bonuses that a firm can pay for what is logged in a period, each with its own price.

Use `PieceRate` for so much a unit, `Target` for a threshold, `Tiers` for steps, accelerators and
gates, `Tournament` for prizes by rank and `TeamPool` for a bonus that a team shares.
"""

import dataclasses
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np

from incentives.columns import Floats, Totals
from incentives.pay.metrics import (
    COUNTS,
    HIGHEST,
    RATES,
    Metric,
    PaysSomething,
    accumulators,
    beyond,
    measure,
    reached,
    with_team,
)
from incentives.pay.reference import Reference, of_team
from incentives.pay.scheme import (
    Scaled,
    Scheme,
    check_metric,
    check_reachable,
    checked_number,
    declare,
)
from incentives.pay.tables import Component, coming_ahead, linear, scale, stepwise, unit

__all__ = ["Goal", "PieceRate", "Target", "TeamPool", "Tiers", "Tournament", "goal_in"]


@dataclass(frozen=True, slots=True)
class PieceRate(Scheme):
    """Pay so much for each unit of a metric beyond a floor.

    Parameters
    ----------
    metric
        A count or ``sales_value``; a rate has no pieces.
    rate
        Currency per unit (per unit of money for ``sales_value``), 0 or more.
    above
        Units in a period that earn nothing, 0 or more.

    Raises
    ------
    ValueError
        The metric is ``save_rate``, ``survey_score`` or ``qa_score``: use `Target` or `Tiers`.

    Examples
    --------
    >>> from incentives.pay import example
    >>> PieceRate("sales", 2.0, above=40).pay(example(sales=[39, 50]))
    array([ 0., 20.])
    """

    metric: Metric
    rate: float = declare("currency per unit", money=True)
    above: float = declare("units per period", default=0.0)

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        check_metric(self, self.metric)
        if self.metric in RATES:
            raise ValueError(
                f"PieceRate.metric must be a count, got {self.metric!r}; "
                f"use Target or Tiers to pay for a rate"
            )

    def pay(self, totals: Totals) -> Floats:
        """Return the rate times the units beyond the floor."""
        return self.rate * beyond(totals, self.metric, self.above)

    def lower(self, reference: Reference) -> list[Component]:
        """Return a constant price, or with a floor the price of coming past it."""
        if self.above == 0.0:
            return [linear(self.rate * unit(COUNTS[self.metric]))]
        return stepwise(self, self.metric, (), ((self.above, self.rate),), None, reference)


@dataclass(frozen=True, slots=True)
class Target(Scheme):
    """Pay when a metric reaches a threshold, and for what lies beyond it.

    Parameters
    ----------
    metric
        What is measured.
    threshold
        In the metric's unit, 0 or more; a save rate of 48 % is 0.48, a mean score of nine is 9.0.
    lump
        Currency, 0 or more, paid when the metric is at the threshold or above.
    rate
        Currency, 0 or more, for each unit beyond the threshold: a unit of a count; 1.0 of a rate,
        so that ``rate=1_000`` on ``save_rate`` is 10 for each percentage point.

    Notes
    -----
    A rate of nothing (no wish to cancel, no survey answered) meets no threshold. The prices of a
    lump on a rate are those of saves - threshold x cancellations passing zero.

    Examples
    --------
    >>> from incentives.pay import example
    >>> Target("save_rate", 0.48, lump=300.0).pay(example(saves=[11, 12], cancels=[25, 25]))
    array([  0., 300.])
    """

    metric: Metric
    threshold: float = declare("units of the metric")
    lump: float = declare("currency per period", money=True, default=0.0)
    rate: float = declare("currency per unit beyond", money=True, default=0.0)

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        check_metric(self, self.metric)
        check_reachable(self, self.metric, self.threshold, "threshold")

    def pay(self, totals: Totals) -> Floats:
        """Return the lump of those who met the target and the rate for what they did beyond."""
        lump = self.lump * reached(totals, self.metric, self.threshold)
        return lump + self.rate * beyond(totals, self.metric, self.threshold)

    def lower(self, reference: Reference) -> list[Component]:
        """Return the price of passing the threshold."""
        lumps, slopes = ((self.threshold, self.lump),), ((self.threshold, self.rate),)
        return _as_goal(self, stepwise(self, self.metric, lumps, slopes, None, reference))


@dataclass(frozen=True, slots=True)
class Tiers(Scheme):
    """Pay by steps: marginal rates (an accelerator, if they rise) or lumps, perhaps behind a gate.

    Parameters
    ----------
    metric
        What is measured.
    steps
        Pairs of a threshold, rising, and a rate or a lump (currency, 0 or more).
    pays
        ``"rate"``: units between two thresholds earn the rate of the lower one (for a rate metric,
        per 1.0). ``"lump"``: the highest threshold reached pays its lump, the lower ones nothing.
    gate
        A metric and a threshold without which nothing is paid, or None.

    Notes
    -----
    Prices behind a gate are exact in one or two counts. Where metric and gate together read three
    or more accumulators, metric and gate are forecast independently, and a rate beyond a threshold
    of a rate metric is divided by the reference agent's denominator.

    Examples
    --------
    >>> from incentives.pay import example
    >>> keep = Tiers("save_rate", ((0.75, 0), (0.80, 750), (0.85, 1_000)), pays="lump")
    >>> keep.pay(example(saves=[79, 82, 90], cancels=[100, 100, 100]))
    array([   0.,  750., 1000.])
    """

    metric: Metric
    steps: tuple[tuple[float, float], ...]
    pays: Literal["rate", "lump"] = "rate"
    gate: tuple[Metric, float] | None = None

    def __post_init__(self) -> None:
        check_metric(self, self.metric)
        if self.pays not in ("rate", "lump"):
            raise ValueError(f"Tiers.pays must be 'rate' or 'lump', got {self.pays!r}")
        object.__setattr__(self, "steps", self._checked_steps())
        object.__setattr__(self, "gate", self._checked_gate())

    def _checked_steps(self) -> tuple[tuple[float, float], ...]:
        try:
            pairs = [(threshold, amount) for threshold, amount in self.steps]
        except (TypeError, ValueError):
            pairs = []
        if not pairs:
            raise ValueError(
                f"Tiers.steps must be pairs of a threshold and a {self.pays}, got {self.steps!r}"
            )
        low = {"low": 0.0, "high": math.inf}
        steps = tuple(
            (
                checked_number(f"Tiers.steps[{i}] threshold", threshold, {"unit": "units"} | low),
                checked_number(f"Tiers.steps[{i}] {self.pays}", amount, {"unit": "currency"} | low),
            )
            for i, (threshold, amount) in enumerate(pairs)
        )
        thresholds = [threshold for threshold, _ in steps]
        if any(b <= a for a, b in pairwise(thresholds)):
            raise ValueError(f"Tiers.steps must have rising thresholds, got {thresholds}")
        check_reachable(self, self.metric, thresholds[-1], "steps")
        return steps

    def _checked_gate(self) -> tuple[Metric, float] | None:
        if self.gate is None:
            return None
        gate: Any = self.gate
        if not isinstance(gate, tuple | list) or len(gate) != 2:
            raise ValueError(f"Tiers.gate must be a metric and a threshold, got {gate!r}")
        metric, threshold = gate
        check_metric(self, metric, "gate")
        number = checked_number(
            "Tiers.gate", threshold, {"unit": "units", "low": 0.0, "high": math.inf}
        )
        check_reachable(self, metric, number, "gate")
        return metric, number

    def pay(self, totals: Totals) -> Floats:
        """Return what the steps pay, to those who passed the gate."""
        money = np.zeros(len(totals.contacts))
        if self.pays == "lump":
            for threshold, lump in self.steps:
                money = np.where(reached(totals, self.metric, threshold), lump, money)
        else:
            for threshold, more in _increments(self.steps):
                money = money + more * beyond(totals, self.metric, threshold)
        return money if self.gate is None else money * reached(totals, *self.gate)

    def scaled(self, factor: float) -> Scheme:
        """Return the tiers with each rate or lump times `factor`."""
        steps = tuple((threshold, factor * amount) for threshold, amount in self.steps)
        return dataclasses.replace(self, steps=steps)

    def lower(self, reference: Reference) -> list[Component]:
        """Return the price of climbing the steps and of passing the gate."""
        rungs, none = _increments(self.steps), ()
        lumps, slopes = (rungs, none) if self.pays == "lump" else (none, rungs)
        return _as_goal(self, stepwise(self, self.metric, lumps, slopes, self.gate, reference))


def _increments(steps: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Return how much each step adds to the one below it."""
    below = (0.0, *(amount for _, amount in steps))
    return tuple((at, amount - before) for (at, amount), before in zip(steps, below, strict=False))


class Goal(NamedTuple):
    """A threshold of a scheme that a manager can raise, and how far at most (a factor)."""

    metric: Metric
    threshold: float
    most: float = math.inf

    @property
    def numerator(self) -> int:
        """Return the accumulator of the results that count less under a raised goal."""
        return accumulators(self.metric)[0]


def goal_in(scheme: PaysSomething) -> Goal | None:
    """Find the goal in one part of a scheme: a target's threshold, the lowest step that pays."""
    if isinstance(scheme, Scaled):
        return goal_in(scheme.scheme)
    if type(scheme) is Target:  # not a scheme of one's own that is made from one
        steps = [scheme.threshold] if scheme.lump > 0.0 or scheme.rate > 0.0 else []
    elif type(scheme) is Tiers:
        steps = [at for at, more in _increments(scheme.steps) if more > 0.0]
    else:
        return None
    paying = [at for at in steps if at > 0.0]
    if not paying:
        return None
    return Goal(scheme.metric, paying[0], HIGHEST.get(scheme.metric, math.inf) / paying[-1])


def _as_goal(scheme: Scheme, pieces: list[Component]) -> list[Component]:
    """Mark pieces as measured against a goal, by the results that count less when it is raised."""
    goal = goal_in(scheme)
    return pieces if goal is None else [piece._replace(goal=goal.numerator) for piece in pieces]


@dataclass(frozen=True, slots=True)
class Tournament(Scheme):
    """Pay prizes to the best of a team or of the centre.

    Parameters
    ----------
    metric
        What agents are ranked by.
    prizes
        Currency, 0 or more, for the first, the second, … place; none above the one before it.
    within
        ``"team"``: each team has its own prizes; ``"centre"``: all under the scheme
        compete.

    Notes
    -----
    Those who tie share the prizes of the places that they hold together. The price of coming
    ahead is worked out from the agent's own forecast less the *cut*, which is the forecast of the
    rival who holds the place (`cuts`); both are uncertain, and as uncertain as each other. A tie
    counts as half a win. Ranks by a rate are priced by saves less the reference agent's rate times
    cancellations.

    Examples
    --------
    >>> from incentives.pay import example
    >>> Tournament("sales", (300, 100)).pay(example(sales=[9, 7, 7, 2], team=[0, 0, 0, 0]))
    array([300.,  50.,  50.,   0.])
    """

    metric: Metric
    prizes: tuple[float, ...] = declare("currency per period", money=True, many=True)
    within: Literal["team", "centre"] = "team"

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        check_metric(self, self.metric)
        prizes: Any = self.prizes
        if not isinstance(prizes, tuple) or not prizes:
            raise ValueError(f"Tournament.prizes must be one amount or more, got {prizes!r}")
        if any(b > a for a, b in pairwise(self.prizes)):
            raise ValueError(f"Tournament.prizes must not rise with the place, got {self.prizes}")
        if self.within not in ("team", "centre"):
            raise ValueError(f"Tournament.within must be 'team' or 'centre', got {self.within!r}")

    def pay(self, totals: Totals) -> Floats:
        """Return each agent's prize."""
        score = measure(totals, self.metric)
        arena = np.asarray(totals.team) if self.within == "team" else np.zeros(len(score))
        money = np.zeros(len(score))
        for one in np.unique(arena):
            money[arena == one] = self._prizes_of(score[arena == one])
        return money

    def _prizes_of(self, score: Floats) -> Floats:
        """Return the prizes of those who compete with one another."""
        ranked = np.sort(score)
        ahead = len(score) - np.searchsorted(ranked, score, side="right")
        tied = np.searchsorted(ranked, score, side="right") - np.searchsorted(ranked, score)
        won = np.zeros(len(score) + 1)
        won[1:] = [sum(self.prizes[: place + 1]) for place in range(len(score))]
        return np.asarray((won[ahead + tied] - won[ahead]) / tied)

    def lower(self, reference: Reference) -> list[Component]:
        """Return the price of coming ahead of the rival at each place."""
        places = [*self.prizes, 0.0]
        return [
            coming_ahead(self.metric, worth, j if self.within == "centre" else -j, reference)
            for j, worth in enumerate(np.subtract(places[:-1], places[1:]), start=1)
            if worth > 0.0
        ]


@dataclass(frozen=True, slots=True)
class TeamPool(Scheme):
    """Share among a team, equally, a bonus that the team's totals earn.

    Parameters
    ----------
    metric
        What is measured, on the team's summed totals.
    rate
        Currency, 0 or more, that a unit beyond the threshold adds to the pool (1.0 of a rate).
    threshold
        Of the team's metric, 0 or more: sales of the whole team, say, or its save rate.
    lump
        Currency, 0 or more, in the pool when the team is at the threshold or above.

    Notes
    -----
    The team are those of it who are under the scheme. Prices take a team to be of the reference
    size (`Reference.team_size`).

    Examples
    --------
    >>> from incentives.pay import example
    >>> pool = TeamPool("sales", rate=6.0, threshold=10)
    >>> pool.pay(example(sales=[9, 3, 7], team=[0, 0, 1]))
    array([6., 6., 0.])
    """

    metric: Metric
    rate: float = declare("currency per unit beyond", money=True, default=0.0)
    threshold: float = declare("units of the team's metric", default=0.0)
    lump: float = declare("currency per team and period", money=True, default=0.0)

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        check_metric(self, self.metric)
        check_reachable(self, self.metric, self.threshold, "threshold")

    def pay(self, totals: Totals) -> Floats:
        """Return each member's share of the pool."""
        teams, member_of = np.unique(totals.team, return_inverse=True)
        sums = [np.bincount(member_of, part, minlength=len(teams)) for part in totals[:-1]]
        pool = self._target().pay(with_team(sums, teams))
        return np.asarray((pool / np.bincount(member_of))[member_of])

    def _target(self) -> Target:
        return Target(self.metric, self.threshold, lump=self.lump, rate=self.rate)

    def lower(self, reference: Reference) -> list[Component]:
        """Return a share of the price that the team's log has."""
        size = max(1.0, float(reference.team_size))
        target = self._target()
        if self.threshold == 0.0 and self.lump == 0.0 and self.metric in COUNTS:
            pieces = PieceRate(self.metric, self.rate).lower(reference)
        else:
            pieces = target.lower(of_team(reference))
        return [scale(piece._replace(team=1, goal=-1), 1.0 / size) for piece in pieces]
