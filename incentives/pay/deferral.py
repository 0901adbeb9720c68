"""Pay that comes later or may be taken back: `Deferred` and `Clawback` around other schemes."""

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from incentives._draws import power
from incentives.columns import Floats, Totals
from incentives.pay.metrics import PaysSomething
from incentives.pay.reference import Reference
from incentives.pay.scheme import Scaled, Scheme, Sum, check_parts, components, declare, scale_bonus
from incentives.pay.tables import Component, scale

__all__ = ["Clawback", "Deferred", "lines_of"]


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
    >>> from incentives.pay import Target
    >>> Deferred(Target("saves", 60, lump=80), months=3)
    Deferred(scheme=Target(metric='saves', threshold=60.0, lump=80.0, rate=0.0),
    months=3, share=1.0)
    """

    scheme: PaysSomething
    months: int
    share: float = declare("of the bonus", high=1.0, default=1.0)

    def __post_init__(self) -> None:
        Scheme.__post_init__(self)
        check_parts(self, self.scheme)
        _check_months(self, self.months)
        if any(line.delay for line in lines_of(self.scheme)):
            raise ValueError("Deferred.scheme is deferred already; defer it once")

    def pay(self, totals: Totals) -> Floats:
        """Return what is earned in this period, whenever it is paid."""
        return self.scheme.pay(totals)

    def scaled(self, factor: float) -> Scheme:
        """Return the deferred scheme with its amounts times `factor`."""
        return dataclasses.replace(self, scheme=scale_bonus(self.scheme, factor))

    def lower(self, reference: Reference) -> list[Component]:
        """Return the prices of the scheme, discounted by the chance of having left."""
        factor = 1.0 - self.share + self.share * power(reference.stay, self.months)
        return [scale(piece, factor) for piece in components(self.scheme, reference)]


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
    >>> from incentives.pay import PieceRate, Wage
    >>> Wage() + Clawback(PieceRate("saves", 4.0), months=2)
    Wage(monthly=2000.0) +
    Clawback(scheme=PieceRate(metric='saves', rate=4.0, above=0.0), months=2)
    """

    scheme: PaysSomething
    months: int

    def __post_init__(self) -> None:
        check_parts(self, self.scheme)
        _check_months(self, self.months)
        if any(line.claw for line in lines_of(self.scheme)):
            raise ValueError("Clawback.scheme is clawed back already; claw it back once")

    def pay(self, totals: Totals) -> Floats:
        """Return what is earned in this period, before anything is taken back."""
        return self.scheme.pay(totals)

    def scaled(self, factor: float) -> Scheme:
        """Return the clawed-back scheme with its amounts times `factor`."""
        return dataclasses.replace(self, scheme=scale_bonus(self.scheme, factor))

    def lower(self, reference: Reference) -> list[Component]:
        """Return the prices of the scheme, in saves that last."""
        return [piece._replace(claw=1) for piece in components(self.scheme, reference)]


def _check_months(scheme: Scheme, months: Any) -> None:
    name = f"{type(scheme).__name__}.months"
    if isinstance(months, bool) or not isinstance(months, int | np.integer):
        raise TypeError(
            f"{name} must be a whole number, got {months!r} of type {type(months).__name__}"
        )
    if months < 1:
        raise ValueError(f"{name} must be >= 1, got {months}")
    object.__setattr__(scheme, "months", int(months))


class Line(NamedTuple):
    """A part of a scheme as the ledger keeps it: what is paid, how late, how long at risk."""

    scheme: PaysSomething
    delay: int = 0  # months
    share: float = 0.0  # of it that is delayed
    claw: int = 0  # months


def lines_of(scheme: PaysSomething) -> list[Line]:
    """Open sums and wrappers into lines."""
    if isinstance(scheme, Sum):
        return [line for part in scheme.parts for line in lines_of(part)]
    if isinstance(scheme, Deferred):
        return [
            line._replace(delay=scheme.months, share=scheme.share)
            for line in lines_of(scheme.scheme)
        ]
    if isinstance(scheme, Clawback):
        return [line._replace(claw=scheme.months) for line in lines_of(scheme.scheme)]
    if isinstance(scheme, Scaled):
        return [
            line._replace(scheme=Scaled(line.scheme, scheme.factor))
            for line in lines_of(scheme.scheme)
        ]
    return [Line(scheme)]
