"""Pay schemes that add up, and the prices at which they buy what an agent logs (P1).

Use `Wage` for pay that nothing logged can change, `PieceRate` for so much a unit, `Target` for a
threshold, `Tiers` for steps, accelerators and gates, `Tournament` for prizes by rank and
`TeamPool` for a bonus that a team shares. `Deferred` pays later, `Clawback` takes pay for saves
back when the customer leaves after all. Schemes are added with ``+``; a class of your own needs a
method ``pay`` and nothing else. `Ledger` settles the account of every period.

What an action is worth to an agent is the difference it makes to the pay that can be expected for
the period: its *price*. `lower` turns schemes into tables of expected pay, from which the kernel
reads that difference after each log. A table has a row for each of `N_SPREADS` values of the
*spread*, the square root of the share of the period that is left, and a column for each value of
the forecast y: what is logged so far and the agent's own recent daily rates times the days left.
The first row is `pay` itself; in the others pay is averaged over what may still come, with the
spread of a `Reference` agent's remaining period: Poisson for a table over one count, else normal.
"""

import dataclasses
import difflib
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, cast, get_args

import numpy as np

from incentives._compile import allocating, rule
from incentives._draws import exp, log, normal_
from incentives.columns import (
    ACCUMULATORS,
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
    Totals,
)
from incentives.mechanism import Mechanism, numbers, param

__all__ = [
    "Clawback",
    "Deferred",
    "Goal",
    "Ledger",
    "Metric",
    "PayAsPrices",
    "Payslip",
    "PieceRate",
    "Reference",
    "Scaled",
    "Scheme",
    "Sum",
    "Target",
    "TargetPressure",
    "TeamPool",
    "Tiers",
    "Totals",
    "Tournament",
    "Wage",
    "attained",
    "bonus_parts",
    "cuts",
    "expected",
    "goals_of",
    "index",
    "lower",
    "measure",
    "price",
    "ratcheted",
    "reached",
    "scale_bonus",
    "stretched",
    "under_pressure",
    "without_bonus",
]

Metric = Literal[
    "sales", "sales_value", "saves", "save_rate", "survey_score", "contacts", "qa_score"
]
"""What a scheme can pay for: ``sales`` (a count), ``sales_value`` (money), ``saves`` (a count),
``save_rate`` (saves for each wish to cancel, 0 to 1), ``survey_score`` (mean, 0 to 10),
``contacts`` (handled, a count) and ``qa_score`` (mean over the contacts scored, 0 to 100)."""

METRICS: tuple[str, ...] = get_args(Metric)
COUNTS = {"sales": SALES, "sales_value": SALES_VALUE, "saves": SAVES, "contacts": CONTACTS}
RATES = {
    "save_rate": (SAVES, CANCELS),
    "survey_score": (SURVEY_SUM, SURVEY_N),
    "qa_score": (QA_SUM, QA_N),
}
HIGHEST = {"save_rate": 1.0, "survey_score": 10.0, "qa_score": 100.0}

FIRM = "the firm's choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayAsPrices(Mechanism):
    """P1: variable pay moves what agents do, by its price; without it only wages are paid."""

    id: ClassVar[str] = "P1"
    title: ClassVar[str] = "pay schemes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard(Mechanism):
    r"""P5: a live ranking that all can see.

    The agent's place R in the team, by contacts handled this month (0 first to 1 last), is on the
    wall at every moment. A minute costs standing in proportion to
    :math:`\text{top} + (\text{bottom} - \text{top}) R`: who holds a low place can afford a long
    contact least. Switched off, nobody knows a place, and a minute costs standing at the mean of
    the two.
    """

    id: ClassVar[str] = "P5"
    title: ClassVar[str] = "leaderboard"

    top: float = param(
        0.5,
        unit="x standing, when first",
        low=0,
        high=5,
        source="assumed",
        moves="+contacts rushed by those in front",
    )
    bottom: float = param(
        1.5,
        unit="x standing, when last",
        low=0,
        high=5,
        source="assumed",
        moves="+contacts rushed by those behind",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard(Mechanism):
    r"""P2: a checked contact gets a QA score, a weighted sum of four components.

    With :math:`\omega` = `offers` and :math:`w_s, w_r, w_c` the other weights as shares of their
    sum, the score of a contact on which the agent took row j is

    .. math::
        Q = (1 - \omega)\,(w_s S_j + 100\,w_r\,[\text{resolved}] + 100\,w_c\,[\text{clean}])
            + 100\,\omega\,O_j

    points: soft skills :math:`S_j = [\text{plain} + \text{per\_point} \cdot \text{courtesy}_j]`
    cut off at 0 and 100 (0 for who cuts off), clean if the check finds nothing, and :math:`O_j` = 1
    where an offer is made, on a wish to cancel one to stay. The mean score is a metric like any
    other (``qa_score``). Who is paid for it weighs each row by the believed chance of a check
    times the price of the score that the row can expect. A centre that does not pay for scores
    keeps them in its records. Switched off, nothing is scored.
    """

    id: ClassVar[str] = "P2"
    title: ClassVar[str] = "QA scorecard"

    offers: float = param(
        0.1,
        unit="share of the score",
        low=0,
        high=1,
        source="assumed: practitioners report from none to well over a third",
        moves="+share of contacts with an offer",
    )
    soft_skills: float = param(
        0.4,
        unit="weight, relative",
        low=0,
        high=1,
        source="assumed: the largest part",
        moves="+share of contacts served with care",
    )
    resolution: float = param(
        0.3,
        unit="weight, relative",
        low=0,
        high=1,
        source="assumed: a third",
        moves="+share of contacts resolved",
    )
    compliance: float = param(
        0.3,
        unit="weight, relative",
        low=0,
        high=1,
        source="assumed: a third",
        moves="-share of orders logged as upsells",
    )
    plain: float = param(
        70.0,
        unit="points of 100 for soft skills in plain service",
        low=0,
        high=100,
        source="assumed: room above and below",
        moves="+mean QA score",
    )
    per_point: float = param(
        20.0,
        unit="points of 100 per point of courtesy",
        low=0,
        high=100,
        source="assumed: care scores 86, a rushed contact 54",
        moves="+share of contacts served with care",
    )

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        if self.soft_skills + self.resolution + self.compliance == 0.0:
            raise ValueError(
                "Scorecard.soft_skills, resolution and compliance must not all be 0, "
                f"got {self.soft_skills!r}, {self.resolution!r} and {self.compliance!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnequalMeasurement(Mechanism):
    r"""P3: what is handled is counted to the unit, how well it was handled is judged with noise.

    A scored contact of quality Q (see `Scorecard`) is entered as :math:`[Q + \text{noise}
    \cdot z]` cut off at 0 and 100 and rounded, with z standard normal; contacts, saves and sales
    are entered as they are logged. Agents know how much luck there is in a score: they expect of a
    row the mean of what may be entered, and the spread with which they forecast their score holds
    the noise. So a target on the score pays less for doing better, while pay for contacts pays what
    it did, and effort moves to what is measured (Holmstrom and Milgrom's multitasking). Switched
    off, scores are true.
    """

    id: ClassVar[str] = "P3"
    title: ClassVar[str] = "unequal measurement"

    noise: float = param(
        10.0,
        unit="SD, points of 100 per scored contact",
        low=0,
        high=60,
        source="assumed: two assessors of one contact differ by 11 points on average",
        moves="-share of contacts served with care",
    )


BoardNumbers = numbers(Leaderboard, "BoardNumbers", __name__)


class ScorecardNumbers(NamedTuple):
    """The scorecard as the kernel reads it: points of 100."""

    on: float  #: 1 if checked contacts are scored
    known: Floats  #: (reasons, actions) for soft skills and for an offer
    resolved: float  #: for a resolution
    clean: float  #: where the check finds nothing
    expected: Floats  #: (reasons, actions) what a row can expect to have entered
    noise: float  #: SD of the measurement
    usual: float  #: what plain service can expect
    spread: float  #: SD of one score, as a reference agent's


OFFERED = 0.3  # share of a reference agent's contacts with an offer


def lower_scorecard(
    card: Scorecard,
    measurement: UnequalMeasurement,
    *,
    courtesy: Floats,
    seen: Floats,
    solves: Floats,
    offers: Floats,
    cut: int,
    serve: int,
    off: Collection[str] = (),
) -> ScorecardNumbers:
    """Work out what each row of the menu scores.

    Parameters
    ----------
    card, measurement
        The weights, and how well scores are measured.
    courtesy, seen
        Points of courtesy, and chance that a check finds something, (actions,).
    solves, offers
        Chance to resolve, and 1 where an offer is made, (reasons, actions).
    cut, serve
        Which action cuts off, and which is plain service.
    off
        Mechanisms that are switched off.
    """
    others = (card.soft_skills, card.resolution, card.compliance)
    soft, resolution, compliance = ((1.0 - card.offers) * each / sum(others) for each in others)
    skills = np.clip(card.plain + card.per_point * courtesy, 0.0, 100.0)
    skills[cut] = 0.0
    known = soft * skills + 100.0 * card.offers * offers
    noise = 0.0 if "P3" in off else float(measurement.noise)
    chance = float(solves[0, serve])
    variance = _square(100.0 * resolution) * chance * (1.0 - chance) + _square(
        100.0 * card.offers
    ) * OFFERED * (1.0 - OFFERED)
    deserved = known + 100.0 * resolution * solves + 100.0 * compliance * (1.0 - seen)
    expected, squared = _entered(deserved, noise)
    usual = float(expected[0, serve])
    variance += max(float(squared[0, serve]) - _square(usual), 0.0)
    return ScorecardNumbers(
        on=0.0 if "P2" in off or "O6" in off else 1.0,
        known=np.ascontiguousarray(known),
        resolved=100.0 * resolution,
        clean=100.0 * compliance,
        expected=np.ascontiguousarray(expected),
        noise=noise,
        usual=usual,
        spread=math.sqrt(variance),
    )


def _entered(points: Floats, noise: float) -> tuple[Floats, Floats]:
    """Average what is entered, cut off at 0 and 100, and its square, over the noise."""
    bell, per_sd = _normal(20.0), 20.0
    mean = squared = np.zeros(np.shape(points))
    for j, chance in enumerate(bell):
        z = (j - len(bell) // 2) / per_sd
        score = np.clip(points + noise * z, 0.0, 100.0)
        mean, squared = mean + chance * score, squared + chance * np.square(score)
    return mean, squared


@rule
def assessed(points: float, u: float, card: Any) -> float:
    """Give the score that is entered, a whole number from 0 to 100."""
    return float(np.floor(min(max(points + card.noise * normal_(u), 0.0), 100.0) + 0.5))


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


# -- what is measured ---------------------------------------------------------------------------


def measure(totals: Totals, metric: Metric) -> Floats:
    """Return a metric for each agent; a rate of nothing is 0.

    Parameters
    ----------
    totals
        What was logged in the period.
    metric
        Counts are numbers, ``sales_value`` is money, ``save_rate`` 0 to 1, ``survey_score`` 0
        to 10, ``qa_score`` 0 to 100.

    Examples
    --------
    >>> measure(example(saves=[12, 0], cancels=[25, 0]), "save_rate")
    array([0.48, 0.  ])
    """
    if metric in COUNTS:
        return np.asarray(totals[COUNTS[metric]], dtype=np.float64)
    top, bottom = (np.asarray(totals[part], dtype=np.float64) for part in RATES[metric])
    rate = np.zeros(np.shape(top))
    np.divide(top, bottom, out=rate, where=bottom > 0)
    return rate


def reached(totals: Totals, metric: Metric, threshold: float) -> Bools:
    """Tell who has reached a threshold; with a rate of nothing nobody has.

    Examples
    --------
    >>> reached(example(saves=[12, 0], cancels=[25, 0]), "save_rate", 0.0)
    array([ True, False])
    """
    met = measure(totals, metric) >= threshold
    if metric in RATES:
        met &= np.asarray(totals[RATES[metric][1]]) > 0
    return np.asarray(met)


def beyond(totals: Totals, metric: Metric, threshold: float) -> Floats:
    """Return how far each agent is past a threshold, 0 for those who are below."""
    return np.maximum(measure(totals, metric) - threshold, 0.0)


def example(team: Sequence[int] | None = None, **logged: Sequence[float]) -> Totals:
    """Make totals for examples and tests; what is not named is 0, and each is a team of one."""
    n = max(len(values) for values in logged.values())
    zeros: dict[str, Any] = {name: np.zeros(n) for name in ACCUMULATORS}
    named = {name: np.asarray(values, dtype=np.float64) for name, values in logged.items()}
    teams = np.arange(n) if team is None else np.asarray(team, dtype=np.int64)
    return Totals(**(zeros | named), team=teams)


def _with_team(parts: Iterable[Any], team: Ints) -> Totals:
    columns: list[Any] = [*parts, team]
    return Totals(*columns)


# -- what a scheme is ---------------------------------------------------------------------------


class PaysSomething(Protocol):
    """Anything with ``pay``: what `lower` and `Ledger` need of a scheme."""

    def pay(self, totals: Totals, /) -> Floats:
        """Return the pay of one period for each agent."""


class Scheme:
    """Say what is paid for one pay period (a month), from what was logged in it.

    A scheme is a frozen value. A subclass gives `pay`; everything else follows from it: schemes
    add up, and prices are worked out from ``pay`` numerically.

    Examples
    --------
    >>> @dataclass(frozen=True, slots=True)
    ... class Halves(Scheme):
    ...     rate: float
    ...     def pay(self, totals):
    ...         return self.rate * np.floor(totals.sales / 2)
    >>> (Wage(1_000) + Halves(3.0)).pay(example(sales=[5, 6]))
    array([1006., 1009.])
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        for item in dataclasses.fields(cast(Any, self)):
            if "unit" in item.metadata:
                _settle(self, item)

    def pay(self, totals: Totals) -> Floats:
        """Return what each agent has earned, in currency, as an array (agents,).

        Parameters
        ----------
        totals
            What was logged in the period, of all who are under this scheme.
        """
        raise NotImplementedError(
            f"{type(self).__name__} needs a method pay(totals) that returns money for each agent"
        )

    def scaled(self, factor: float) -> "Scheme":
        """Return the scheme with every amount of money times `factor`; thresholds stay."""
        me: Any = self
        fields = dataclasses.fields(me) if dataclasses.is_dataclass(me) else ()
        amounts = {
            item.name: _times(getattr(self, item.name), factor)
            for item in fields
            if item.metadata.get("money")
        }
        if not amounts:
            return Scaled(self, factor)
        return cast(Scheme, dataclasses.replace(me, **amounts))

    def lower(self, reference: "Reference") -> "list[Component]":
        """Return the scheme as components of `Prices`; from `pay` alone, unless overridden."""
        return _from_pay(self, reference)

    def __add__(self, other: PaysSomething) -> "Scheme":
        return Sum((self, other)) if hasattr(other, "pay") else NotImplemented

    def __radd__(self, other: PaysSomething | int) -> "Scheme":
        if isinstance(other, int):  # sum() starts from 0
            return self if other == 0 else NotImplemented
        return Sum((other, self)) if hasattr(other, "pay") else NotImplemented


def _declare(
    unit: str,
    *,
    low: float = 0.0,
    high: float = math.inf,
    money: bool = False,
    many: bool = False,
    default: Any = dataclasses.MISSING,
) -> Any:
    """Declare a field of a scheme: a number, or many, with unit and range; money can be scaled."""
    meta = {"unit": unit, "low": low, "high": high, "source": FIRM, "money": money, "many": many}
    return dataclasses.field(default=default, metadata=meta)


def _settle(scheme: Scheme, item: "dataclasses.Field[Any]") -> None:
    """Check a declared field and keep it as a float, or as a tuple of floats."""
    name, value = f"{type(scheme).__name__}.{item.name}", getattr(scheme, item.name)
    if item.metadata.get("many") and isinstance(value, list | tuple | np.ndarray):
        checked: Any = tuple(_number(name, part, item.metadata) for part in value)
    else:
        checked = _number(name, value, item.metadata)
    object.__setattr__(scheme, item.name, checked)


def _number(name: str, value: Any, declared: Any) -> float:
    """Return a number as a float, or say what is wrong with it."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        raise TypeError(
            f"{name} must be a number ({declared['unit']}), got {value!r} "
            f"of type {type(value).__name__}"
        )
    number, low, high = float(value), declared["low"], declared["high"]
    if not low <= number <= high or math.isinf(number):
        bounds = (
            f"must be >= {low:g}" if high == math.inf else f"must lie between {low:g} and {high:g}"
        )
        raise ValueError(f"{name} {bounds}, got {number!r}")
    return number


def _times(amounts: Any, factor: float) -> Any:
    return tuple(factor * x for x in amounts) if isinstance(amounts, tuple) else factor * amounts


def _check_metric(scheme: Scheme, metric: Any, field: str = "metric") -> None:
    """Refuse a metric that does not exist, with the nearest that does."""
    if metric in METRICS:
        return
    near = difflib.get_close_matches(str(metric), METRICS, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(
        f"{type(scheme).__name__}.{field} {metric!r} is not a metric{hint} "
        f"Metrics are {', '.join(METRICS)}."
    )


def _check_reachable(scheme: Scheme, metric: str, threshold: float, field: str) -> None:
    """Refuse a threshold that a rate cannot reach, such as a save rate of 48."""
    highest = HIGHEST.get(metric, math.inf)
    if threshold > highest:
        raise ValueError(
            f"{type(scheme).__name__}.{field} must lie between 0 and {highest:g} for {metric}, "
            f"got {threshold!r}"
        )


def _check_parts(scheme: Scheme, inner: Any) -> None:
    """Refuse to wrap what is not a scheme, or a wage."""
    name = type(scheme).__name__
    if not hasattr(inner, "pay"):
        raise TypeError(
            f"{name}.scheme must be a scheme, got {inner!r} of type {type(inner).__name__}"
        )
    if any(isinstance(part, Wage) for part in _parts(inner)):
        raise ValueError(f"{name}.scheme must be variable pay, got {inner!r}; add the Wage outside")


@dataclass(frozen=True, slots=True, repr=False)
class Sum(Scheme):
    """Pay several schemes together; made by ``+``.

    Parameters
    ----------
    parts
        Two schemes or more. Sums among them are opened, so that brackets do not matter.

    Examples
    --------
    >>> Wage(900) + (PieceRate("sales", 2) + Target("saves", 60, lump=80))
    Wage(monthly=900.0) + PieceRate(metric='sales', rate=2.0, above=0.0) +
    Target(metric='saves', threshold=60.0, lump=80.0, rate=0.0)
    """

    parts: tuple[PaysSomething, ...]

    def __post_init__(self) -> None:
        for part in self.parts:
            if not hasattr(part, "pay"):
                raise TypeError(
                    f"Sum.parts must be schemes, got {part!r} of type {type(part).__name__}"
                )
        flat = tuple(inner for part in self.parts for inner in _parts(part))
        if len(flat) < 2:
            raise ValueError(f"Sum.parts must hold two schemes or more, got {len(flat)}")
        object.__setattr__(self, "parts", flat)

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts))

    def pay(self, totals: Totals) -> Floats:
        """Return what the parts pay together."""
        first, *others = (np.asarray(part.pay(totals), dtype=np.float64) for part in self.parts)
        for other in others:
            first = first + other
        return first

    def scaled(self, factor: float) -> Scheme:
        """Return the sum of the scaled parts."""
        return Sum(tuple(scale_bonus(part, factor) for part in self.parts))

    def lower(self, reference: "Reference") -> "list[Component]":
        """Return the components of all parts."""
        return [piece for part in self.parts for piece in _components(part, reference)]


def _parts(scheme: PaysSomething) -> tuple[PaysSomething, ...]:
    return scheme.parts if isinstance(scheme, Sum) else (scheme,)


@dataclass(frozen=True, slots=True)
class Wage(Scheme):
    """Pay a fixed wage, whatever is logged.

    Parameters
    ----------
    monthly
        Currency per month, 0 or more. The default is 11.54 an hour for 173.3 hours: within the
        10.50 to 12 that agents of a US retention desk reported in 2014, and below the mean of
        27,542 a year of new US agents of that year.

    Examples
    --------
    >>> Wage(1_800).pay(example(sales=[0, 90]))
    array([1800., 1800.])
    """

    monthly: float = param(
        2_000.0,
        unit="currency per month",
        low=0.0,
        high=math.inf,
        source="practitioners' reports 2014: $10.50-12 an hour x 173.3 hours",
    )

    def pay(self, totals: Totals) -> Floats:
        """Return the wage for each agent."""
        return np.full(len(totals.contacts), self.monthly)

    def scaled(self, factor: float) -> Scheme:  # noqa: ARG002 (a wage is no bonus)
        """Return the wage as it is."""
        return self

    def lower(self, reference: "Reference") -> "list[Component]":  # noqa: ARG002
        """Return nothing: no log changes a wage."""
        return []


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
    >>> PieceRate("sales", 2.0, above=40).pay(example(sales=[39, 50]))
    array([ 0., 20.])
    """

    metric: Metric
    rate: float = _declare("currency per unit", money=True)
    above: float = _declare("units per period", default=0.0)

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        _check_metric(self, self.metric)
        if self.metric in RATES:
            raise ValueError(
                f"PieceRate.metric must be a count, got {self.metric!r}; "
                f"use Target or Tiers to pay for a rate"
            )

    def pay(self, totals: Totals) -> Floats:
        """Return the rate times the units beyond the floor."""
        return self.rate * beyond(totals, self.metric, self.above)

    def lower(self, reference: "Reference") -> "list[Component]":
        """Return a constant price, or with a floor the price of coming past it."""
        if self.above == 0.0:
            return [_linear(self.rate * _unit(COUNTS[self.metric]))]
        return _stepwise(self, self.metric, (), ((self.above, self.rate),), None, reference)


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
    >>> Target("save_rate", 0.48, lump=300.0).pay(example(saves=[11, 12], cancels=[25, 25]))
    array([  0., 300.])
    """

    metric: Metric
    threshold: float = _declare("units of the metric")
    lump: float = _declare("currency per period", money=True, default=0.0)
    rate: float = _declare("currency per unit beyond", money=True, default=0.0)

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        _check_metric(self, self.metric)
        _check_reachable(self, self.metric, self.threshold, "threshold")

    def pay(self, totals: Totals) -> Floats:
        """Return the lump of those who met the target and the rate for what they did beyond."""
        lump = self.lump * reached(totals, self.metric, self.threshold)
        return lump + self.rate * beyond(totals, self.metric, self.threshold)

    def lower(self, reference: "Reference") -> "list[Component]":
        """Return the price of passing the threshold."""
        lumps, slopes = ((self.threshold, self.lump),), ((self.threshold, self.rate),)
        return _as_goal(self, _stepwise(self, self.metric, lumps, slopes, None, reference))


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
    >>> keep = Tiers("save_rate", ((0.75, 0), (0.80, 750), (0.85, 1_000)), pays="lump")
    >>> keep.pay(example(saves=[79, 82, 90], cancels=[100, 100, 100]))
    array([   0.,  750., 1000.])
    """

    metric: Metric
    steps: tuple[tuple[float, float], ...]
    pays: Literal["rate", "lump"] = "rate"
    gate: tuple[Metric, float] | None = None

    def __post_init__(self) -> None:
        _check_metric(self, self.metric)
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
                _number(f"Tiers.steps[{i}] threshold", threshold, {"unit": "units"} | low),
                _number(f"Tiers.steps[{i}] {self.pays}", amount, {"unit": "currency"} | low),
            )
            for i, (threshold, amount) in enumerate(pairs)
        )
        thresholds = [threshold for threshold, _ in steps]
        if any(b <= a for a, b in pairwise(thresholds)):
            raise ValueError(f"Tiers.steps must have rising thresholds, got {thresholds}")
        _check_reachable(self, self.metric, thresholds[-1], "steps")
        return steps

    def _checked_gate(self) -> tuple[Metric, float] | None:
        if self.gate is None:
            return None
        gate: Any = self.gate
        if not isinstance(gate, tuple | list) or len(gate) != 2:
            raise ValueError(f"Tiers.gate must be a metric and a threshold, got {gate!r}")
        metric, threshold = gate
        _check_metric(self, metric, "gate")
        number = _number("Tiers.gate", threshold, {"unit": "units", "low": 0.0, "high": math.inf})
        _check_reachable(self, metric, number, "gate")
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

    def lower(self, reference: "Reference") -> "list[Component]":
        """Return the price of climbing the steps and of passing the gate."""
        rungs, none = _increments(self.steps), ()
        lumps, slopes = (rungs, none) if self.pays == "lump" else (none, rungs)
        return _as_goal(self, _stepwise(self, self.metric, lumps, slopes, self.gate, reference))


def _increments(steps: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Return how much each step adds to the one below it."""
    below = (0.0, *(amount for _, amount in steps))
    return tuple((at, amount - before) for (at, amount), before in zip(steps, below, strict=False))


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
    >>> Tournament("sales", (300, 100)).pay(example(sales=[9, 7, 7, 2], team=[0, 0, 0, 0]))
    array([300.,  50.,  50.,   0.])
    """

    metric: Metric
    prizes: tuple[float, ...] = _declare("currency per period", money=True, many=True)
    within: Literal["team", "centre"] = "team"

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        _check_metric(self, self.metric)
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

    def lower(self, reference: "Reference") -> "list[Component]":
        """Return the price of coming ahead of the rival at each place."""
        places = [*self.prizes, 0.0]
        return [
            _place(self.metric, worth, j if self.within == "centre" else -j, reference)
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
    >>> pool = TeamPool("sales", rate=6.0, threshold=10)
    >>> pool.pay(example(sales=[9, 3, 7], team=[0, 0, 1]))
    array([6., 6., 0.])
    """

    metric: Metric
    rate: float = _declare("currency per unit beyond", money=True, default=0.0)
    threshold: float = _declare("units of the team's metric", default=0.0)
    lump: float = _declare("currency per team and period", money=True, default=0.0)

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        _check_metric(self, self.metric)
        _check_reachable(self, self.metric, self.threshold, "threshold")

    def pay(self, totals: Totals) -> Floats:
        """Return each member's share of the pool."""
        teams, member_of = np.unique(totals.team, return_inverse=True)
        sums = [np.bincount(member_of, part, minlength=len(teams)) for part in totals[:-1]]
        pool = self._target().pay(_with_team(sums, teams))
        return np.asarray((pool / np.bincount(member_of))[member_of])

    def _target(self) -> Target:
        return Target(self.metric, self.threshold, lump=self.lump, rate=self.rate)

    def lower(self, reference: "Reference") -> "list[Component]":
        """Return a share of the price that the team's log has."""
        size = max(1.0, float(reference.team_size))
        target = self._target()
        if self.threshold == 0.0 and self.lump == 0.0 and self.metric in COUNTS:
            pieces = PieceRate(self.metric, self.rate).lower(reference)
        else:
            pieces = target.lower(_of_team(reference))
        return [_scale(piece._replace(team=1, goal=-1), 1.0 / size) for piece in pieces]


@dataclass(frozen=True, slots=True)
class Deferred(Scheme):
    """Pay a bonus later, to those who are still there.

    Parameters
    ----------
    scheme
        Variable pay.
    months
        Whole months between the period in which it is earned and that in which it is paid, 1 or
        more.
    share
        Of the bonus that is deferred, 0 to 1; the rest is paid at once.

    Notes
    -----
    `pay` is what is earned; `Ledger` says when it is paid. Its price is that of the bonus times
    the chance of being there (`Reference.stay` to the power of the months).

    Examples
    --------
    >>> Deferred(Target("saves", 60, lump=80), months=3)
    Deferred(scheme=Target(metric='saves', threshold=60.0, lump=80.0, rate=0.0),
    months=3, share=1.0)
    """

    scheme: PaysSomething
    months: int
    share: float = _declare("of the bonus", high=1.0, default=1.0)

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        _check_parts(self, self.scheme)
        _check_months(self, self.months)
        if any(line.delay for line in _lines(self.scheme)):
            raise ValueError("Deferred.scheme is deferred already; defer it once")

    def pay(self, totals: Totals) -> Floats:
        """Return what is earned in this period, whenever it is paid."""
        return self.scheme.pay(totals)

    def scaled(self, factor: float) -> Scheme:
        """Return the deferred scheme with its amounts times `factor`."""
        return dataclasses.replace(self, scheme=scale_bonus(self.scheme, factor))

    def lower(self, reference: "Reference") -> "list[Component]":
        """Return the prices of the scheme, discounted by the chance of having left."""
        factor = 1.0 - self.share + self.share * _power(reference.stay, self.months)
        return [_scale(piece, factor) for piece in _components(self.scheme, reference)]


@dataclass(frozen=True, slots=True)
class Clawback(Scheme):
    """Take back the pay for saves whose customers leave after all.

    Parameters
    ----------
    scheme
        Variable pay.
    months
        Bills after the period of the save, 1 or more, at which it may still be taken back.

    Notes
    -----
    At each bill the pay of the period in which a lost save was logged is worked out again without
    that save, and the difference is taken back. A save is priced by how far it is believed to
    last.

    Examples
    --------
    >>> Wage() + Clawback(PieceRate("saves", 4.0), months=2)
    Wage(monthly=2000.0) +
    Clawback(scheme=PieceRate(metric='saves', rate=4.0, above=0.0), months=2)
    """

    scheme: PaysSomething
    months: int

    def __post_init__(self) -> None:
        _check_parts(self, self.scheme)
        _check_months(self, self.months)
        if any(line.claw for line in _lines(self.scheme)):
            raise ValueError("Clawback.scheme is clawed back already; claw it back once")

    def pay(self, totals: Totals) -> Floats:
        """Return what is earned in this period, before anything is taken back."""
        return self.scheme.pay(totals)

    def scaled(self, factor: float) -> Scheme:
        """Return the clawed-back scheme with its amounts times `factor`."""
        return dataclasses.replace(self, scheme=scale_bonus(self.scheme, factor))

    def lower(self, reference: "Reference") -> "list[Component]":
        """Return the prices of the scheme, in saves that last."""
        return [piece._replace(claw=1) for piece in _components(self.scheme, reference)]


def _check_months(scheme: Scheme, months: Any) -> None:
    name = f"{type(scheme).__name__}.months"
    if isinstance(months, bool) or not isinstance(months, int | np.integer):
        raise TypeError(
            f"{name} must be a whole number, got {months!r} of type {type(months).__name__}"
        )
    if months < 1:
        raise ValueError(f"{name} must be >= 1, got {months}")
    object.__setattr__(scheme, "months", int(months))


def _square(x: float) -> float:
    """Return a square by multiplication, the same on every machine."""
    return x * x


def _power(base: float, times: int) -> float:
    """Return a whole power by multiplication, the same on every machine."""
    return math.prod([base] * times)


@dataclass(frozen=True, slots=True)
class Scaled(Scheme):
    """Pay a scheme of your own times a factor; built-in schemes scale their amounts instead.

    Parameters
    ----------
    scheme
        Variable pay.
    factor
        0 or more.

    Examples
    --------
    >>> Scaled(PieceRate("sales", 2.0), 1.5).pay(example(sales=[10]))
    array([30.])
    """

    scheme: PaysSomething
    factor: float = _declare("times", money=True)

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        _check_parts(self, self.scheme)

    def pay(self, totals: Totals) -> Floats:
        """Return the scheme's pay times the factor."""
        return np.asarray(self.factor * self.scheme.pay(totals))

    def lower(self, reference: "Reference") -> "list[Component]":
        """Return the scheme's prices times the factor."""
        return [_scale(piece, self.factor) for piece in _components(self.scheme, reference)]


def bonus_parts(scheme: PaysSomething) -> tuple[PaysSomething, ...]:
    """Return the parts of a scheme that are not a wage.

    Examples
    --------
    >>> bonus_parts(Wage() + PieceRate("sales", 2.0))
    (PieceRate(metric='sales', rate=2.0, above=0.0),)
    """
    return tuple(part for part in _parts(scheme) if not isinstance(part, Wage))


def scale_bonus(scheme: PaysSomething, factor: float) -> Scheme:
    """Return a scheme whose variable pay is `factor` times as high; wage and thresholds stay.

    Parameters
    ----------
    scheme
        Any scheme.
    factor
        0 or more.

    Examples
    --------
    >>> scale_bonus(Wage() + Target("saves", 60, lump=80), 0.5)
    Wage(monthly=2000.0) + Target(metric='saves', threshold=60.0, lump=40.0, rate=0.0)
    """
    return scheme.scaled(factor) if isinstance(scheme, Scheme) else Scaled(scheme, factor)


def without_bonus(scheme: PaysSomething) -> Scheme:
    """Return what is left of a scheme when only wages are paid (P1 switched off).

    Examples
    --------
    >>> without_bonus(Wage() + Target("saves", 60, lump=80))
    Wage(monthly=2000.0)
    """
    wages = [part for part in _parts(scheme) if isinstance(part, Wage)]
    return cast(Scheme, sum(wages)) if wages else Wage(0.0)


# -- goals: what a manager can raise -------------------------------------------------------------


class Goal(NamedTuple):
    """A threshold of a scheme that a manager can raise, and how far at most (a factor)."""

    metric: Metric
    threshold: float
    most: float = math.inf

    @property
    def numerator(self) -> int:
        """Return the accumulator of the results that count less under a raised goal."""
        return _accumulators(self.metric)[0]


def _goal_in(scheme: PaysSomething) -> Goal | None:
    """Find the goal in one part of a scheme: a target's threshold, the lowest step that pays."""
    if isinstance(scheme, Scaled):
        return _goal_in(scheme.scheme)
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


def goals_of(scheme: PaysSomething) -> tuple[Goal, ...]:
    """List the goals in a scheme; a piece rate, a tournament and a team's pool have none.

    Examples
    --------
    >>> goals_of(Wage() + Target("saves", 60, lump=80) + PieceRate("sales", 2.0))
    (Goal(metric='saves', threshold=60.0, most=inf),)
    """
    found = (_goal_in(line.scheme) for line in _lines(scheme))
    return tuple(goal for goal in found if goal is not None)


def stretched(scheme: PaysSomething, totals: Totals, factor: Floats) -> Totals:
    """Return totals as a part of a scheme counts them under a goal that is `factor` times as high.

    Examples
    --------
    >>> quota = Target("save_rate", 0.4, lump=80)
    >>> logged = example(saves=[10, 12], cancels=[25, 25])
    >>> quota.pay(stretched(quota, logged, np.array([1.2, 1.2])))
    array([ 0., 80.])
    """
    goal = _goal_in(scheme)
    if goal is None:
        return totals
    parts = list(totals[:-1])
    parts[goal.numerator] = np.asarray(parts[goal.numerator]) / factor
    return _with_team(parts, totals.team)


def attained(goals: Sequence[Goal], totals: Totals, factor: Floats, elapsed: float = 1.0) -> Floats:
    """Return results over the goals as they stand, of several goals the one furthest behind.

    Parameters
    ----------
    goals
        One or more.
    totals
        What was logged so far in the period.
    factor
        By how much each agent's goals are raised, 1 or more.
    elapsed
        Share of the period that is over, by which counts are measured; above 0.

    Notes
    -----
    A rate of nothing is on the goal.

    Examples
    --------
    >>> attained([Goal("saves", 60.0)], example(saves=[20, 40]), np.ones(2), elapsed=0.5)
    array([0.66666667, 1.33333333])
    """
    least = np.full(len(factor), np.inf)
    for goal in goals:
        share = 1.0 if goal.metric in RATES else elapsed
        ratio = measure(totals, goal.metric) / (goal.threshold * factor * share)
        if goal.metric in RATES:
            empty = np.asarray(totals[RATES[goal.metric][1]]) <= 0
            ratio = np.where(empty, 1.0, ratio)
        least = np.minimum(least, ratio)
    return least


def ratcheted(
    height: Floats, reached: Floats, drive: Floats, most: float, pressure: TargetPressure
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
    top = max(float(log(min(pressure.cap, most))), 0.0)
    return np.clip(height + share * excess, 0.0, top)


def under_pressure(
    strain: Floats, reached: Floats, elapsed: float, drive: Floats, pressure: TargetPressure
) -> Floats:
    """Return each agent's strain after a day (log care).

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
    behind = elapsed * np.maximum(1.0 - reached, 0.0)
    return (1.0 - pressure.recovers) * strain + pressure.wears * drive * behind


# -- lowering: what a reference agent may expect -------------------------------------------------

N_SPREADS = 25
SPREADS = tuple(node / (N_SPREADS - 1) for node in range(N_SPREADS))
"""The table's rows: the square root of the share of the period that is left; the first is 0."""

LINEAR, LINE, PLANE = 0, 1, 2  # kinds of component
TAIL = 7.0  # standard deviations: what lies further out counts as impossible
FINE, COARSE = 48, 8  # nodes per standard deviation of an index, in a line and in a plane
WIDEST_LINE, WIDEST_PLANE = 4096, 320  # nodes along an axis
TINY = 1e-7  # taken off a threshold of a rate: keeps rounding and the empty rate on their side


class Reference(NamedTuple):
    """What one agent is expected to log in a full period, by which tables are scaled.

    The spread of the forecast comes from here: events are Poisson, saves and sales are thinned
    from cancellations and contacts, sums of money and of scores are compound. An agent's own level
    does not: it comes from what the agent has logged.

    Examples
    --------
    >>> Reference(saves=60.0).saves
    60.0
    """

    contacts: float = 900.0  #: contacts handled
    cancels: float = 90.0  #: wishes to cancel handled
    saves: float = 40.0  #: saves logged
    sales: float = 60.0  #: sales logged
    sales_value: float = 1200.0  #: their value, in currency
    survey_sum: float = 200.0  #: sum of survey scores
    survey_n: float = 27.0  #: surveys answered
    qa_sum: float = 400.0  #: sum of QA scores
    qa_n: float = 5.0  #: contacts scored
    sale_sd: float = 10.0  #: standard deviation of one sale's value, in currency
    score_sd: float = 2.5  #: standard deviation of one survey score, in points of 10
    team_size: float = 12.0  #: agents in a team
    stay: float = 0.97  #: chance that an agent is still there a month later
    qa_sd: float = 15.0  #: standard deviation of one QA score, in points of 100


def _of_team(reference: Reference) -> Reference:
    """Return the totals of a whole team of reference agents."""
    size = max(1.0, float(reference.team_size))
    return Reference(
        *(size * part for part in reference[:N_ACCUMULATORS]), *reference[N_ACCUMULATORS:]
    )


def _covariance(reference: Reference) -> Floats:
    """Return the covariance of what is logged in a full period: thinned and compound Poisson."""
    mean = np.maximum(reference[:N_ACCUMULATORS], 1.0)  # of events, one at the least
    value, score = mean[SALES_VALUE] / mean[SALES], mean[SURVEY_SUM] / mean[SURVEY_N]
    cov = np.zeros((N_ACCUMULATORS, N_ACCUMULATORS))
    np.fill_diagonal(cov, mean)
    cov[SALES_VALUE, SALES_VALUE] = mean[SALES] * (_square(value) + _square(reference.sale_sd))
    cov[SURVEY_SUM, SURVEY_SUM] = mean[SURVEY_N] * (_square(score) + _square(reference.score_sd))
    points = mean[QA_SUM] / mean[QA_N]
    cov[QA_SUM, QA_SUM] = mean[QA_N] * (_square(points) + _square(reference.qa_sd))
    for part, whole in WITHIN:
        cov[part, whole] = cov[whole, part] = mean[part]
    return cov


WITHIN = (
    *((part, CONTACTS) for part in range(CONTACTS + 1, N_ACCUMULATORS)),
    (SAVES, CANCELS),
    (SALES_VALUE, SALES),
    (SURVEY_SUM, SURVEY_N),
    (QA_SUM, QA_N),
)
"""Pairs whose first is counted, or summed, over some of the events of the second."""


def _sd(weights: Floats, reference: Reference) -> float:
    """Return the standard deviation of an index over a full period."""
    cov = _covariance(reference)
    used = [int(j) for j in np.flatnonzero(weights)]
    variance = math.fsum(float(weights[i] * weights[j] * cov[i, j]) for i in used for j in used)
    return math.sqrt(max(variance, 1e-12))


# -- lowering: tables ---------------------------------------------------------------------------


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
        return len(_poisson(self.drift)) if self.drift else len(_normal(self.sd / self.step)) // 2

    def ahead(self, spread: float) -> tuple[int, Floats]:
        """Return the chances of what may still come, in nodes from the first of them on."""
        if self.drift:
            return 0, _poisson(_square(spread) * self.drift)
        bell = _normal(spread * self.sd / self.step)
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


def _unit(accumulator: int) -> Floats:
    weights = np.zeros(N_ACCUMULATORS)
    weights[accumulator] = 1.0
    return weights


def _linear(weights: Floats) -> Component:
    return Component(np.stack([weights, np.zeros(N_ACCUMULATORS)]))


def _scale(piece: Component, factor: float) -> Component:
    return piece._replace(scale=piece.scale * factor)


def _as_goal(scheme: Scheme, pieces: list[Component]) -> list[Component]:
    """Mark pieces as measured against a goal, by the results that count less when it is raised."""
    goal = _goal_in(scheme)
    return pieces if goal is None else [piece._replace(goal=goal.numerator) for piece in pieces]


def _line(strip: Strip) -> Component:
    """Return a component over one index."""
    return Component(
        np.stack([strip.weights, np.zeros(N_ACCUMULATORS)]), (strip.axis,), strip.values
    )


def _product(strip: Strip, gate: Strip) -> Component:
    """Return a component that pays the strip as far as the gate is open, the two independent."""
    values = strip.values[:, :, np.newaxis] * gate.values[:, np.newaxis, :]
    return Component(np.stack([strip.weights, gate.weights]), (strip.axis, gate.axis), values)


def _normal(sd: float) -> Floats:
    """Return chances of whole deviations, normal and symmetrical; their variance is sd squared.

    Below 0.6 there are three, which keep the variance where the bell is too narrow to.
    """
    if sd < 0.6:
        half = 0.5 * _square(sd)
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


# -- lowering: steps of one metric, perhaps behind a gate ----------------------------------------


def _stepwise(
    scheme: Scheme,
    metric: Metric,
    lumps: tuple[tuple[float, float], ...],
    slopes: tuple[tuple[float, float], ...],
    gate: tuple[Metric, float] | None,
    reference: Reference,
) -> list[Component]:
    """Lower pay that jumps and bends at thresholds of a metric."""
    reads = {*_accumulators(metric), *(_accumulators(gate[0]) if gate else ())}
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
        return [_line(_counted(scheme.pay, COUNTS[metric], reference, furthest))]
    if whole and gate and len(reads) == 2:
        return [_counted_together(scheme.pay, reads, reference, furthest)]
    per_sd = COARSE if gate else FINE
    strips = [_hinge(metric, at, more, 0.0, reference, per_sd) for at, more in lumps]
    if metric in RATES and slopes and not gate:
        bends = Bends(metric, slopes)
        return [*map(_line, strips), _counted_together(bends.pay, reads, reference, {})]
    strips += [_hinge(metric, at, 0.0, more, reference, per_sd) for at, more in slopes]
    if gate is None:
        return [_line(strip) for strip in strips]
    if metric in COUNTS and metric != "sales_value":
        strips = [
            _counted(
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


def _accumulators(metric: Metric) -> tuple[int, ...]:
    return RATES[metric] if metric in RATES else (COUNTS[metric],)


@lru_cache(maxsize=64)  # the replications of a scenario all ask for the same tables
def _hinge(
    metric: Metric, at: float, lump: float, slope: float, reference: Reference, per_sd: int
) -> Strip:
    """Lower one jump or one bend at a threshold, exact for any totals when no time is left.

    A rate reaches its threshold when saves - threshold x cancellations reaches zero. The threshold
    is taken `TINY` lower, so that rates that equal it lie above the jump, and agents without a
    wish to cancel, at zero, below it.
    """
    weights, node = _unit(_accumulators(metric)[0]), at
    if metric in RATES:
        bottom = RATES[metric][1]
        weights[bottom] = TINY - at
        node, slope = 0.5 * TINY, slope / max(reference[bottom], 1.0)
    elif metric != "sales_value":
        node = (
            math.ceil(at) - 0.5
        )  # half-way between the last count that fails and the first that does not
    axis = _axis_around(node, _sd(weights, reference), per_sd, sharp=lump != 0.0)

    def pay(z: Floats) -> Floats:
        return lump * (z > node - 0.25 * axis.step) + slope * np.maximum(z - node, 0.0)

    strip = Strip(weights, axis, _line_values(pay, axis))
    for shared in (strip.weights, strip.values):
        shared.setflags(write=False)
    return strip


def _place(metric: Metric, worth: float, place: int, reference: Reference) -> Component:
    """Lower the gain from coming ahead of one rival, whose forecast is as uncertain."""
    weights = _unit(_accumulators(metric)[0])
    if metric in RATES:
        top, bottom = RATES[metric]
        weights[bottom] = -reference[top] / max(reference[bottom], 1.0)
    sd = math.sqrt(2.0) * _sd(weights, reference)
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
    values[:, :2], values[:, -2:] = (
        0.0,
        worth,
    )  # far from the cut nothing is at stake, to the last bit
    return _line(Strip(weights, axis, values))._replace(place=place)


# -- lowering: counts, by asking pay itself -------------------------------------------------------


def _totals_of(columns: dict[int, Floats]) -> Totals:
    """Return totals with some accumulators given and the others 0, each agent a team of one."""
    n = len(next(iter(columns.values())))
    parts = [
        np.maximum(columns[j], 0.0) if j in columns else np.zeros(n) for j in range(N_ACCUMULATORS)
    ]
    return _with_team(parts, np.arange(n))


def _counted(
    pay: Callable[[Totals], Floats],
    accumulator: int,
    reference: Reference,
    furthest: dict[int, float],
) -> Strip:
    """Tabulate pay over one accumulator, exactly at whole numbers if it is a count.

    What may still come of a count is Poisson. Its row for a spread starts `Axis.drift` x spread
    squared higher, so that its nodes are whole numbers logged and the reference agent's remainder.
    """
    weights = _unit(accumulator)
    axis = _axis_from_zero(
        reference[accumulator],
        _sd(weights, reference),
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


def _counted_together(
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
    weights = np.stack([_unit(part), _unit(whole)])
    less, more = 0.0, 0.0  # what of the whole is taken off the part, and of the part off the whole
    if part in SUMS and (part, whole) in WITHIN and whole != CONTACTS:
        less = float(round(reference[part] / max(reference[whole], 1.0)))
        weights[0, whole] = -less
    elif (part, whole) in WITHIN and part not in SUMS:
        more = 1.0
        weights[1, part] = -more
    sds = [_sd(row, reference) for row in weights]
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


# -- lowering: a scheme of one's own ---------------------------------------------------------------


def _amounts(scheme: PaysSomething, totals: Totals) -> Floats:
    """Return what a scheme pays, one finite amount for each agent: a rate of nothing pays 0."""
    with np.errstate(all="ignore"):
        money = np.asarray(scheme.pay(totals), dtype=np.float64)
    if money.shape != np.shape(totals.contacts):
        raise ValueError(
            f"{type(scheme).__name__}.pay must return one amount for each agent, shape "
            f"{np.shape(totals.contacts)}, got shape {money.shape}"
        )
    return np.where(np.isfinite(money), money, 0.0)


def _from_pay(scheme: PaysSomething, reference: Reference) -> list[Component]:
    """Lower a scheme of which nothing but `pay` is known."""
    name, probes = type(scheme).__name__, _probes(reference)

    def pay(totals: Totals) -> Floats:
        return _amounts(scheme, totals)

    together = pay(_as_totals(probes)._replace(team=np.zeros(len(probes), dtype=np.int64)))
    alone = np.concatenate([pay(_as_totals(row[np.newaxis])) for row in probes])
    if not np.array_equal(together, alone):
        raise ValueError(
            f"{name}.pay depends on what other agents logged, which cannot be priced from pay "
            f"alone; use Tournament or TeamPool, or give {name} a method lower(reference)"
        )
    weights = _slopes_at_zero(pay)
    varied = np.concatenate([_varied(probes, j, reference) for j in range(N_ACCUMULATORS)])
    money = pay(_as_totals(varied))
    straight = sum(weights[j] * varied[:, j] for j in range(N_ACCUMULATORS)) + pay(
        _as_totals(varied[:1] * 0.0)
    )
    if np.allclose(money, straight, rtol=1e-9, atol=1e-9):
        return [_linear(weights)] if weights.any() else []
    by_probe = money.reshape(N_ACCUMULATORS, len(probes), -1)
    reads = {int(j) for j in np.flatnonzero(np.ptp(by_probe, axis=2).max(axis=1))}
    if len(reads) == 1:
        return [_line(_counted(pay, reads.pop(), reference, {}))]
    if len(reads) == 2:
        return [_counted_together(pay, reads, reference, {})]
    read = ", ".join(ACCUMULATORS[j] for j in sorted(reads))
    raise ValueError(
        f"{name}.pay reads {len(reads)} accumulators ({read}), and prices are tabulated "
        f"over two at most; split it into schemes that are added with +, "
        f"or give {name} a method lower(reference)"
    )


def _as_totals(rows: Floats) -> Totals:
    return _with_team(np.ascontiguousarray(rows.T), np.arange(len(rows)))


def _slopes_at_zero(pay: Callable[[Totals], Floats]) -> Floats:
    """Return what the first unit of each accumulator adds."""
    first = pay(_as_totals(np.vstack([np.zeros(N_ACCUMULATORS), np.eye(N_ACCUMULATORS)])))
    return np.asarray(first[1:] - first[0])


def _highest(reference: Reference) -> Floats:
    return np.ceil(3.0 * np.maximum(reference[:N_ACCUMULATORS], 4.0))


def _probes(reference: Reference) -> Floats:
    """Return whole totals that an agent could have, spread evenly (Roberts, 2018)."""
    phi = 1.0889
    steps = np.array([_power(1.0 / phi, j + 1) for j in range(N_ACCUMULATORS)])
    shares = (0.5 + steps * np.arange(48)[:, np.newaxis]) % 1.0
    rows = np.floor(shares * (_highest(reference) + 1.0))
    rows[:, SAVES] = np.minimum(rows[:, SAVES], rows[:, CANCELS])
    rows[:, SURVEY_SUM] = np.floor(shares[:, SURVEY_SUM] * 10.0 * rows[:, SURVEY_N])
    rows[:, QA_SUM] = np.floor(shares[:, QA_SUM] * 100.0 * rows[:, QA_N])
    return np.asarray(rows)


def _varied(probes: Floats, accumulator: int, reference: Reference) -> Floats:
    """Return each probe with one accumulator at many values, all else equal."""
    values = np.round(np.linspace(0.0, _highest(reference)[accumulator], 41))
    rows = np.repeat(probes, len(values), axis=0)
    rows[:, accumulator] = np.tile(values, len(probes))
    return rows


# -- lowering: schemes to prices -------------------------------------------------------------------


def _components(scheme: PaysSomething, reference: Reference) -> list[Component]:
    if isinstance(scheme, Scheme):
        return scheme.lower(reference)
    return _from_pay(scheme, reference)


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
    >>> prices = lower([Wage(), Wage() + Target("save_rate", 0.48, lump=300.0)])
    >>> prices.first
    array([0, 0, 1])
    >>> round(expected(prices, 0, 1.0, 0.0, 0.0))
    300
    """
    ours = reference or Reference()
    by_scheme = [_merged(_components(scheme, ours)) for scheme in schemes]
    pieces = [piece for some in by_scheme for piece in some]
    flat = Axis(0.0, 1.0, 1, 0.0)
    axes = [(*piece.axes, flat, flat)[:2] for piece in pieces]
    sizes = [piece.values.size for piece in pieces]
    return Prices(
        first=_ints(np.cumsum([0, *map(len, by_scheme)])),
        kind=_ints([len(piece.axes) for piece in pieces]),
        weights=_floats([piece.weights for piece in pieces], (2, N_ACCUMULATORS)),
        team=_ints([piece.team for piece in pieces]),
        rival=_ints([piece.place != 0 for piece in pieces]),
        claw=_ints([piece.claw for piece in pieces]),
        scale=_floats([piece.scale for piece in pieces]),
        origin=_floats([[axis.origin for axis in pair] for pair in axes], (2,)),
        step=_floats([[axis.step for axis in pair] for pair in axes], (2,)),
        size=_ints([[axis.size for axis in pair] for pair in axes], (2,)),
        start=_ints(np.cumsum([0, *sizes])[:-1]),
        values=_floats(np.concatenate([np.zeros(0), *(piece.values.ravel() for piece in pieces)])),
        served=_ints([piece.weights[:, _SERVED].any() for piece in pieces]),
        reads=_ints([_reads(some) for some in by_scheme], (N_ACCUMULATORS,)),
        sharp=_ints([[axis.sharp for axis in pair] for pair in axes], (2,)),
        place=_ints([piece.place for piece in pieces]),
        drift=_floats([first.drift for first, _ in axes]),
        goal=_ints([piece.goal for piece in pieces]),
    )


_SERVED = [CONTACTS, SALES, SALES_VALUE, SURVEY_SUM, SURVEY_N, QA_SUM, QA_N]


def _reads(pieces: list[Component]) -> Bools:
    used = np.zeros(N_ACCUMULATORS, dtype=np.bool_)
    for piece in pieces:
        used |= piece.weights.any(axis=0)
    return used


def _floats(rows: Any, tail: tuple[int, ...] = ()) -> Floats:
    return np.ascontiguousarray(np.asarray(rows, dtype=np.float64).reshape(-1, *tail))


def _ints(rows: Any, tail: tuple[int, ...] = ()) -> Ints:
    return np.ascontiguousarray(np.asarray(rows, dtype=np.int64).reshape(-1, *tail))


# -- the kernel's rules ----------------------------------------------------------------------------

NO_RIVAL = -1e12
"""The cut of a place that nobody else can hold: it is won."""

SKIPPED = -1.0  # the spread of a component that the contact at hand cannot move

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
    return min(max(int(np.floor(position)), 0), size - 2)


@rule
def _on_line(prices: Prices, k: int, row: int, position: float) -> float:
    """Expected pay lies on the straight line between the nodes, and before a jump below it."""
    size = prices.size[k, 0]
    at = prices.start[k] + row * size
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
    at = prices.start[k] + (row * size1 + i) * size2 + j
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
    row = min(int(at), N_SPREADS - 2)
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
def place_cost(rank: float, rule: Any) -> float:
    """Give how much a minute costs of standing at a place in the team (a factor)."""
    cost: float = rule.top + (rule.bottom - rule.top) * rank
    return cost


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
    A component that is moved only by cancellations and saves is left out (a spread of `SKIPPED`)
    unless the contact at hand can be logged as one (`saving`). Results towards the agent's own
    goals count 1 + `ease` times, and so does their spread.
    """
    for k in range(prices.first[scheme], prices.first[scheme + 1]):
        at[k, 3] = 0.0 if saving or prices.served[k] == 1 else SKIPPED
        if prices.kind[k] == 0 or at[k, 3] == SKIPPED:
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

    ``at`` is where the agent stands (`stand`, with the same ``ease``) and ``lasting`` the believed
    chance that a save lasts, where pay for it can be clawed back.
    """
    worth = 0.0
    for k in range(prices.first[scheme], prices.first[scheme + 1]):
        if at[k, 3] == SKIPPED:
            continue
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


@allocating
def cuts(
    prices: Prices,
    totals: Floats,
    rates: Floats,
    days_left: float,
    team: Ints,
    scheme_of: Ints,
    out: Floats,
) -> None:
    """To win the j-th prize is to pass the j-th best rival: write that forecast for each agent.

    Rivals are those under the same scheme, of the team or of the centre. Called once a day;
    ``out`` is (components, agents), and 0 where a component has no rivals.
    """
    agents = len(team)
    arenas = 1
    for i in range(agents):
        arenas = max(arenas, team[i] + 1)
    for scheme in range(len(prices.first) - 1):
        for k in range(prices.first[scheme], prices.first[scheme + 1]):
            out[k, :] = 0.0
            if prices.rival[k] == 0:
                continue
            place = abs(prices.place[k])
            in_team = prices.place[k] < 0
            best = np.full((arenas, place + 1), NO_RIVAL)  # the best forecasts of each arena
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


# -- settlement ----------------------------------------------------------------------------------


class Payslip(NamedTuple):
    """What each agent's account shows for one period, in currency; arrays (agents,).

    ``paid = wage + bonus + released - clawed_back``.
    """

    wage: Floats  #: paid whatever was logged
    bonus: Floats  #: earned in this period and paid with it
    deferred: Floats  #: earned in this period and paid later, perhaps
    released: Floats  #: deferred earlier and paid now
    forfeited: Floats  #: deferred, and never to be paid: the agent left, or the save did not last
    clawed_back: Floats  #: paid earlier, or just now, and taken back
    paid: Floats  #: what is transferred; below 0 if more is taken back than is earned


class Line(NamedTuple):
    """A part of a scheme as the ledger keeps it: what is paid, how late, how long at risk."""

    scheme: PaysSomething
    delay: int = 0  # months
    share: float = 0.0  # of it that is delayed
    claw: int = 0  # months


def _lines(scheme: PaysSomething) -> list[Line]:
    """Open sums and wrappers into lines."""
    if isinstance(scheme, Sum):
        return [line for part in scheme.parts for line in _lines(part)]
    if isinstance(scheme, Deferred):
        return [
            line._replace(delay=scheme.months, share=scheme.share) for line in _lines(scheme.scheme)
        ]
    if isinstance(scheme, Clawback):
        return [line._replace(claw=scheme.months) for line in _lines(scheme.scheme)]
    if isinstance(scheme, Scaled):
        return [
            line._replace(scheme=Scaled(line.scheme, scheme.factor))
            for line in _lines(scheme.scheme)
        ]
    return [Line(scheme)]


class Ledger:
    """Settle pay at the end of every period: what is earned, paid, put off and taken back.

    Parameters
    ----------
    schemes
        As in `lower`; agents are under one of them at a time, by its number.
    n_agents
        Seats. A seat whose agent leaves goes to a successor, who owes and inherits nothing.
    months
        Periods that will be closed, from 0.

    Examples
    --------
    >>> ledger = Ledger([Wage(1_000) + PieceRate("saves", 5)], n_agents=2, months=1)
    >>> slip = ledger.close(0, example(saves=[3, 4]), np.array([0, 0]))
    >>> slip.paid
    array([1015., 1020.])
    """

    def __init__(self, schemes: Sequence[PaysSomething], n_agents: int, months: int) -> None:
        self._lines = [_lines(scheme) for scheme in schemes]
        shape = (max(map(len, self._lines), default=0), months, n_agents)
        self._owed = np.zeros(shape)  # pay of each line and period that still stands
        self._pending = np.zeros(shape)  # the part of it that is yet to be paid
        self._periods: list[tuple[Totals, Ints, Floats]] = []

    @property
    def pending(self) -> Floats:
        """Return what is deferred and not yet paid or forfeited, for each agent, in currency."""
        return np.asarray(self._pending.sum(axis=(0, 1)))

    def close(
        self,
        month: int,
        totals: Totals,
        scheme_of: Ints,
        *,
        lost_saves: Floats | None = None,
        stayed: Bools | None = None,
        hired_month: Ints | None = None,
        employed: Bools | None = None,
        goal: Floats | None = None,
    ) -> Payslip:
        """Close a period and return what is paid for it.

        Parameters
        ----------
        month
            Periods are closed in order, from 0.
        totals
            What each agent logged in this period.
        scheme_of
            Each agent's scheme in this period, an integer array (agents,).
        lost_saves
            (agents, month + 1): of the saves that an agent logged in each period up to this one,
            those whose customers have left by now. None if none has.
        stayed
            Who is still employed after this period; those who are not lose what is deferred.
            None if all are.
        hired_month
            The first period of the agent who holds the seat now. None if all were there from 0.
        employed
            Seats that somebody held in this period; an empty seat is paid nothing. None if all.
        goal
            By how much each agent's goals were raised (`stretched`), 1 or more. None if no goal
            was.

        Raises
        ------
        ValueError
            The period is not the next one, or an array has the wrong shape.
        """
        n_agents = self._owed.shape[2]
        if month != len(self._periods) or month >= self._owed.shape[1]:
            raise ValueError(
                f"periods are closed in order: the next of {self._owed.shape[1]} is "
                f"{len(self._periods)}, got {month}"
            )
        if np.shape(scheme_of) != (n_agents,) or np.shape(totals.contacts) != (n_agents,):
            raise ValueError(
                f"totals and scheme_of must hold {n_agents} agents, got "
                f"{np.shape(totals.contacts)} and {np.shape(scheme_of)}"
            )
        here = np.ones(n_agents, dtype=np.bool_) if employed is None else np.asarray(employed)
        stays = here if stayed is None else np.asarray(stayed) & here
        hired = (
            np.zeros(n_agents, dtype=np.int64) if hired_month is None else np.asarray(hired_month)
        )
        kept = _only(totals, np.ones(n_agents, dtype=np.bool_))
        raised = np.ones(n_agents) if goal is None else np.array(goal, dtype=np.float64)
        self._periods.append((kept, np.where(here, scheme_of, -1), raised))

        wage, bonus, deferred = self._earn(month)
        lost = np.zeros((n_agents, month + 1)) if lost_saves is None else np.asarray(lost_saves)
        clawed_back, forfeited = self._claw(month, lost, hired, here)
        released = self._release(month, hired, here)
        forfeited = forfeited + self._forfeit(hired, stays)
        paid = wage + bonus + released - clawed_back
        return Payslip(wage, bonus, deferred, released, forfeited, clawed_back, paid)

    def _earn(self, month: int) -> tuple[Floats, Floats, Floats]:
        """Enter what was earned; return wages, bonuses paid at once and bonuses deferred."""
        totals, scheme_of, goal = self._periods[month]
        wage, bonus, deferred = np.zeros((3, len(scheme_of)))
        for number, lines in enumerate(self._lines):
            mine = scheme_of == number
            for at, line in enumerate(lines if mine.any() else ()):
                money = _amounts(line.scheme, _counted_for(line.scheme, totals, mine, goal))
                if isinstance(line.scheme, Wage):
                    wage[mine] += money
                    continue
                self._owed[at, month, mine] = money
                self._pending[at, month, mine] = line.share * money
                bonus[mine] += money - line.share * money
                deferred[mine] += line.share * money
        return wage, bonus, deferred

    def _claw(self, month: int, lost: Floats, hired: Ints, here: Bools) -> tuple[Floats, Floats]:
        """Take back pay for lost saves, from what is pending first; return money and forfeits."""
        clawed_back, forfeited = np.zeros((2, len(hired)))
        for period, (totals, scheme_of, goal) in enumerate(self._periods):
            lasting = totals._replace(saves=np.maximum(totals.saves - lost[:, period], 0.0))
            for number, lines in enumerate(self._lines):
                mine = scheme_of == number
                for at, line in enumerate(lines if mine.any() else ()):
                    if line.claw < max(month - period, 1):
                        continue
                    owed, pending = self._owed[at, period, mine], self._pending[at, period, mine]
                    counted = _counted_for(line.scheme, lasting, mine, goal)
                    excess = np.maximum(owed - _amounts(line.scheme, counted), 0.0)
                    waived = np.minimum(pending, excess)
                    self._owed[at, period, mine] = owed - excess
                    self._pending[at, period, mine] = pending - waived
                    forfeited[mine] += waived
                    clawed_back[mine] += np.where(
                        (here & (hired <= period))[mine], excess - waived, 0.0
                    )
        return clawed_back, forfeited

    def _release(self, month: int, hired: Ints, here: Bools) -> Floats:
        """Pay what is due now to those who are still there."""
        released = np.zeros(len(hired))
        for period, (_, scheme_of, _) in enumerate(self._periods):
            for number, lines in enumerate(self._lines):
                for at, line in enumerate(lines):
                    if line.delay and period + line.delay == month:
                        due = (scheme_of == number) & here & (hired <= period)
                        released[due] += self._pending[at, period, due]
                        self._pending[at, period, due] = 0.0
        return released

    def _forfeit(self, hired: Ints, stays: Bools) -> Floats:
        """Strike out what was deferred to agents who have left."""
        periods = np.arange(self._pending.shape[1])[:, np.newaxis]
        gone = ~stays | (periods < hired)
        forfeited = np.where(gone, self._pending, 0.0).sum(axis=(0, 1))
        self._pending[:, gone] = 0.0
        return np.asarray(forfeited)


def _counted_for(scheme: PaysSomething, totals: Totals, mine: Bools, goal: Floats) -> Totals:
    """Return the totals of some agents as a part of their scheme counts them."""
    return stretched(scheme, _only(totals, mine), goal[mine])


def _only(totals: Totals, mine: Bools) -> Totals:
    return _with_team(
        (np.asarray(part)[mine] for part in totals[:-1]), np.asarray(totals.team)[mine]
    )
