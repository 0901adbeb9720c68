"""What a scheme is: a frozen value that says what is paid, adds up and can be scaled.

`Wage` is pay that nothing logged can change; schemes are added with ``+``, which makes a `Sum`.
"""

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from incentives.columns import Floats, Totals
from incentives.mechanism import param
from incentives.pay.metrics import HIGHEST, METRICS, PaysSomething
from incentives.pay.own import from_pay
from incentives.pay.reference import Reference
from incentives.pay.tables import Component, scale

__all__ = [
    "Scaled",
    "Scheme",
    "Sum",
    "Wage",
    "bonus_parts",
    "check_metric",
    "check_parts",
    "check_reachable",
    "checked_number",
    "components",
    "declare",
    "parts_of",
    "scale_bonus",
    "without_bonus",
]

FIRM = "the firm's choice"


class Scheme:
    """Say what is paid for one pay period (a month), from what was logged in it.

    A scheme is a frozen value. A subclass gives `pay`; everything else follows from it: schemes
    add up, and prices are worked out from ``pay`` numerically.

    Examples
    --------
    >>> from incentives.pay import example
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

    def lower(self, reference: Reference) -> list[Component]:
        """Return the scheme as components of `Prices`; from `pay` alone, unless overridden."""
        return from_pay(self, reference)

    def __add__(self, other: PaysSomething) -> "Scheme":
        return Sum((self, other)) if hasattr(other, "pay") else NotImplemented

    def __radd__(self, other: PaysSomething | int) -> "Scheme":
        if isinstance(other, int):  # sum() starts from 0
            return self if other == 0 else NotImplemented
        return Sum((other, self)) if hasattr(other, "pay") else NotImplemented


def components(scheme: PaysSomething, reference: Reference) -> list[Component]:
    """Lower a scheme: by its own method if it has one, else by asking what it pays."""
    if isinstance(scheme, Scheme):
        return scheme.lower(reference)
    return from_pay(scheme, reference)


def declare(
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
        checked: Any = tuple(checked_number(name, part, item.metadata) for part in value)
    else:
        checked = checked_number(name, value, item.metadata)
    object.__setattr__(scheme, item.name, checked)


def checked_number(name: str, value: Any, declared: Any) -> float:
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


# -- sums, wages and factors -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Sum(Scheme):
    """Pay several schemes together; made by ``+``.

    Parameters
    ----------
    parts
        Two schemes or more. Sums among them are opened, so that brackets do not matter.

    Examples
    --------
    >>> from incentives.pay import PieceRate, Target
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
        flat = tuple(inner for part in self.parts for inner in parts_of(part))
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

    def lower(self, reference: Reference) -> list[Component]:
        """Return the components of all parts."""
        return [piece for part in self.parts for piece in components(part, reference)]


def parts_of(scheme: PaysSomething) -> tuple[PaysSomething, ...]:
    """Open a sum; any other scheme is its own only part."""
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
    >>> from incentives.pay import example
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

    def lower(self, reference: Reference) -> list[Component]:  # noqa: ARG002
        """Return nothing: no log changes a wage."""
        return []


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
    >>> from incentives.pay import PieceRate, example
    >>> Scaled(PieceRate("sales", 2.0), 1.5).pay(example(sales=[10]))
    array([30.])
    """

    scheme: PaysSomething
    factor: float = declare("times", money=True)

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        check_parts(self, self.scheme)

    def pay(self, totals: Totals) -> Floats:
        """Return the scheme's pay times the factor."""
        return np.asarray(self.factor * self.scheme.pay(totals))

    def lower(self, reference: Reference) -> list[Component]:
        """Return the scheme's prices times the factor."""
        return [scale(piece, self.factor) for piece in components(self.scheme, reference)]


def bonus_parts(scheme: PaysSomething) -> tuple[PaysSomething, ...]:
    """Return the parts of a scheme that are not a wage.

    Examples
    --------
    >>> from incentives.pay import PieceRate
    >>> bonus_parts(Wage() + PieceRate("sales", 2.0))
    (PieceRate(metric='sales', rate=2.0, above=0.0),)
    """
    return tuple(part for part in parts_of(scheme) if not isinstance(part, Wage))


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
    >>> from incentives.pay import Target
    >>> scale_bonus(Wage() + Target("saves", 60, lump=80), 0.5)
    Wage(monthly=2000.0) + Target(metric='saves', threshold=60.0, lump=40.0, rate=0.0)
    """
    return scheme.scaled(factor) if isinstance(scheme, Scheme) else Scaled(scheme, factor)


def without_bonus(scheme: PaysSomething) -> Scheme:
    """Return what is left of a scheme when only wages are paid (P1 switched off).

    Examples
    --------
    >>> from incentives.pay import Target
    >>> without_bonus(Wage() + Target("saves", 60, lump=80))
    Wage(monthly=2000.0)
    """
    wages = [part for part in parts_of(scheme) if isinstance(part, Wage)]
    return cast(Scheme, sum(wages)) if wages else Wage(0.0)


# -- what is refused ---------------------------------------------------------------------------


def check_metric(scheme: Scheme, metric: Any, field: str = "metric") -> None:
    """Refuse a metric that does not exist, with the nearest that does."""
    if metric in METRICS:
        return
    near = difflib.get_close_matches(str(metric), METRICS, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(
        f"{type(scheme).__name__}.{field} {metric!r} is not a metric{hint} "
        f"Metrics are {', '.join(METRICS)}."
    )


def check_reachable(scheme: Scheme, metric: str, threshold: float, field: str) -> None:
    """Refuse a threshold that a rate cannot reach, such as a save rate of 48."""
    highest = HIGHEST.get(metric, math.inf)
    if threshold > highest:
        raise ValueError(
            f"{type(scheme).__name__}.{field} must lie between 0 and {highest:g} for {metric}, "
            f"got {threshold!r}"
        )


def check_parts(scheme: Scheme, inner: Any) -> None:
    """Refuse to wrap what is not a scheme, or a wage."""
    name = type(scheme).__name__
    if not hasattr(inner, "pay"):
        raise TypeError(
            f"{name}.scheme must be a scheme, got {inner!r} of type {type(inner).__name__}"
        )
    if any(isinstance(part, Wage) for part in parts_of(inner)):
        raise ValueError(f"{name}.scheme must be variable pay, got {inner!r}; add the Wage outside")
