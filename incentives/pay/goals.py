"""Goals that a manager raises by past results, and what being behind them does (P4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from incentives._compile import rule
from incentives._draws import log
from incentives.columns import Floats, Ints, Totals
from incentives.mechanism import Mechanism, numbers, param
from incentives.pay.bonuses import Goal, goal_in
from incentives.pay.deferral import lines_of
from incentives.pay.metrics import PaysSomething, accumulators, with_team

__all__ = [
    "Goals",
    "PressureNumbers",
    "TargetPressure",
    "attained",
    "goals_of",
    "lower_goals",
    "ratcheted",
    "stretched",
    "under_pressure",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPressure(Mechanism):
    r"""P4: goals ratchet up on past results under a manager from sales, and being behind wears.

    Each agent has a goal factor :math:`Q \ge 1`, 1 when hired: the results that a `Target` or
    `Tiers` pays for count :math:`1 / Q` times. The manager resets it at each month's end by what
    was logged, :math:`\log Q \leftarrow [\log Q + D\,v \log r]_0^{\log \text{cap}}`, r being
    results over the goal as it stood (of several goals the one furthest behind), v = `up` if the
    goal was beaten and `down` if it was missed. D is the drive of the manager: 1 with a background
    in sales, `service` with one in service (`Identity.sales_managers`). The manager sees the log
    and not the truth, so that what is gamed raises the next goal as well.

    Pressure wears: at each day's end :math:`s \leftarrow (1 - \text{recovers})\,s + D\,
    \text{wears} \cdot b`, b the share of the month's goal by which the agent is behind where it
    should be by now. The taste `care` counts :math:`e^{-s}` times and `effort`
    :math:`e^{\text{wearies} \cdot s}` times; for who thinks of leaving (A9) a month's work went
    `grates` x s more against the grain. A manager has a tolerance T of its own, uniform within
    `spread` of `tolerance`: the chance to let a case of gaming that a check has found pass without
    the penalty (what was found is struck all the same), and agents expect as much. Switched off,
    goals stand where the scheme puts them, being behind leaves no trace, and no case is let pass.
    """

    id: ClassVar[str] = "P4"
    title: ClassVar[str] = "target pressure"

    up: float = param(
        0.5,
        unit="share of the log excess per month",
        low=0,
        high=1,
        source="assumed: half of what was beaten is asked for from then on",
        moves="+goals under managers from sales",
    )
    down: float = param(
        0.1,
        unit="share of the log shortfall per month",
        low=0,
        high=1,
        source="assumed: a ratchet gives way a fifth as fast",
        moves="-goals where luck beats and misses them",
    )
    service: float = param(
        0.0,
        unit="x the drive of a manager from sales, with a background in service",
        low=0,
        high=1,
        source="assumed: who rose in service leaves goals where the scheme puts them",
        moves="+goals under managers from service",
    )
    cap: float = param(
        1.5,
        unit="x the scheme's thresholds, at most",
        low=1,
        high=5,
        source="assumed: the plan is signed off by somebody",
        moves="+goals under managers from sales",
    )
    wears: float = param(
        0.1,
        unit="log care per month's goal behind and day",
        low=0,
        high=0.5,
        source="assumed: a month at four fifths of the goal costs a fifth of care",
        moves="+strain under goals out of reach",
    )
    recovers: float = param(
        0.05,
        unit="share per day",
        low=0,
        high=1,
        source="assumed: as other strain (A3), half in two to three weeks",
        moves="-strain under goals out of reach",
    )
    wearies: float = param(
        0.5,
        unit="log effort per log care",
        low=0,
        high=2,
        source="assumed: as other strain (A3)",
        moves="-willing work under goals out of reach",
    )
    grates: float = param(
        100.0,
        unit="money against the grain per month and log care",
        low=0,
        high=1000,
        source="assumed: at strain 0.5 quits rise by a third (with `Turnover`)",
        moves="+quits under goals out of reach",
    )
    tolerance: float = param(
        0.2,
        unit="chance that a found case is let pass, mean of managers",
        low=0,
        high=1,
        source="assumed: one case in five",
        moves="-penalties per case found",
    )
    spread: float = param(
        0.2,
        unit="half the range between managers",
        low=0,
        high=0.5,
        source="assumed: from none to two cases in five",
        moves="+difference between teams in penalties per case found",
    )


PressureNumbers = numbers(TargetPressure, "PressureNumbers", __name__)


def goals_of(scheme: PaysSomething) -> tuple[Goal, ...]:
    """List the goals in a scheme; a piece rate, a tournament and a team's pool have none.

    Examples
    --------
    >>> from incentives.pay import PieceRate, Target, Wage
    >>> goals_of(Wage() + Target("saves", 60, lump=80) + PieceRate("sales", 2.0))
    (Goal(metric='saves', threshold=60.0, most=inf),)
    """
    found = (goal_in(line.scheme) for line in lines_of(scheme))
    return tuple(goal for goal in found if goal is not None)


def stretched(scheme: PaysSomething, totals: Totals, factor: Floats) -> Totals:
    """Return totals as a part of a scheme counts them under a goal that is `factor` times as high.

    Examples
    --------
    >>> from incentives.pay import Target, example
    >>> quota = Target("save_rate", 0.4, lump=80)
    >>> logged = example(saves=[10, 12], cancels=[25, 25])
    >>> quota.pay(stretched(quota, logged, np.array([1.2, 1.2])))
    array([ 0., 80.])
    """
    goal = goal_in(scheme)
    if goal is None:
        return totals
    parts = list(totals[:-1])
    parts[goal.numerator] = np.asarray(parts[goal.numerator]) / factor
    return with_team(parts, totals.team)


class Goals(NamedTuple):
    """The goals of several schemes as the kernel reads them."""

    first: Ints  #: (schemes + 1,) goals of scheme s are first[s]:first[s + 1]
    results: Ints  #: (goals,) accumulator of what is counted
    among: Ints  #: (goals,) accumulator of how many it is a share or a mean of, -1 for a count
    threshold: Floats  #: (goals,) where the scheme puts it
    most: Floats  #: (schemes,) the factor beyond which a rate cannot be reached


def lower_goals(schemes: Sequence[PaysSomething]) -> Goals:
    """Lay the goals of schemes into arrays.

    Examples
    --------
    >>> from incentives.pay import Target, Wage
    >>> lower_goals([Wage(), Wage() + Target("saves", 60, lump=80)]).first
    array([0, 0, 1])
    """
    by_scheme = [goals_of(scheme) for scheme in schemes]
    every = [goal for some in by_scheme for goal in some]
    reads = [accumulators(goal.metric) for goal in every]
    return Goals(
        first=np.cumsum([0, *map(len, by_scheme)]),
        results=np.array([read[0] for read in reads], np.int64),
        among=np.array([read[1] if len(read) > 1 else -1 for read in reads], np.int64),
        threshold=np.array([goal.threshold for goal in every], np.float64),
        most=np.array([min((g.most for g in some), default=np.inf) for some in by_scheme]),
    )


@rule
def attained(goals: Goals, scheme: int, logged: Floats, factor: float, elapsed: float) -> float:
    """Return results over the goals as they stand, of several goals the one furthest behind.

    Parameters
    ----------
    goals
        Of all schemes.
    scheme
        The agent's.
    logged
        What the agent logged so far in the period, shape (accumulators,).
    factor
        By how much the agent's goals are raised, 1 or more.
    elapsed
        Share of the period that is over, by which counts are measured; above 0.

    Notes
    -----
    A rate of nothing is on the goal.

    Examples
    --------
    >>> from incentives.columns import N_ACCUMULATORS, SAVES
    >>> from incentives.pay import Target
    >>> logged = np.zeros(N_ACCUMULATORS)
    >>> logged[SAVES] = 20.0
    >>> round(float(attained(lower_goals([Target("saves", 60, lump=80)]), 0, logged, 1.0, 0.5)), 3)
    0.667
    """
    least = np.inf
    for goal in range(goals.first[scheme], goals.first[scheme + 1]):
        results, share = logged[goals.results[goal]], elapsed
        if goals.among[goal] >= 0:
            count = logged[goals.among[goal]]
            if count <= 0.0:
                least = min(least, 1.0)
                continue
            results, share = results / count, 1.0
        least = min(least, results / (goals.threshold[goal] * factor * share))
    return least


def ratcheted(
    height: Floats,
    reached: Floats,
    drive: Floats,
    most: float | Floats,
    pressure: TargetPressure,
) -> Floats:
    """Return each agent's goal for the next month (log of the factor).

    Parameters
    ----------
    height
        The goal as it stood (log of the factor).
    reached
        Results over it (`attained`).
    drive
        How hard the manager drives, 0 to 1.
    most
        The factor beyond which a rate cannot be reached.
    pressure
        The settings of P4.

    Examples
    --------
    >>> ratcheted(np.zeros(2), np.array([1.2, 0.8]), np.ones(2), np.inf, TargetPressure()).round(3)
    array([0.091, 0.   ])
    """
    excess = log(np.clip(reached, 0.1, 10.0))
    share = drive * np.where(excess > 0.0, pressure.up, pressure.down)
    top = np.maximum(log(np.minimum(pressure.cap, most)), 0.0)
    return np.clip(height + share * excess, 0.0, top)


@rule
def under_pressure(
    strain: float, reached: float, elapsed: float, drive: float, pressure: Any
) -> float:
    """Return an agent's strain after a day (log care).

    Parameters
    ----------
    strain
        As it was the day before.
    reached
        Results over the goal that should have been reached by now (`attained`).
    elapsed
        Share of the month that is over.
    drive
        How hard the manager drives, 0 to 1.
    pressure
        The settings of P4.
    """
    behind = elapsed * max(1.0 - reached, 0.0)
    after: float = (1.0 - pressure.recovers) * strain + pressure.wears * drive * behind
    return after
