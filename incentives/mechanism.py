"""What every mechanism and every parameter has in common.

A parameter is declared once, with its unit, its range and its source; the documentation, the
checks and the sensitivity ranges are made from that declaration. A mechanism is a frozen value
with an id of the domain table (such as ``G1``) and a switch.
"""

import dataclasses
import math
import sys
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

__all__ = [
    "Mechanism",
    "Parameter",
    "Settings",
    "all_mechanisms",
    "lower_numbers",
    "numbers",
    "param",
]


class Parameter(NamedTuple):
    """A parameter as declared: where it stands, what it is measured in, and where it comes from."""

    name: str
    default: Any
    unit: str
    low: float
    high: float
    source: str
    moves: str = ""


def param(default: Any, *, unit: str, low: float, high: float, source: str, moves: str = "") -> Any:
    """Declare a field of a settings class with its unit, range (both ends allowed) and source.

    `moves` says what rises (``"+share of wishes logged as saves"``) or falls (``"-…"``) when a
    parameter of a mechanism goes from its low to its high end: a test holds it to that.
    """
    meta = {"unit": unit, "low": low, "high": high, "source": source, "moves": moves}
    return dataclasses.field(default=default, metadata=meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A frozen group of declared parameters that checks itself when it is made."""

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            if "unit" in item.metadata:
                check(f"{type(self).__name__}.{item.name}", getattr(self, item.name), item.metadata)

    @classmethod
    def parameters(cls) -> Iterator[Parameter]:
        """Give each declared parameter in the order of declaration."""
        for item in dataclasses.fields(cls):
            if "unit" in item.metadata:
                yield Parameter(item.name, item.default, **item.metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism(Settings):
    """A group of parameters that belongs to one row of the domain table and can be switched off."""

    id: ClassVar[str]
    title: ClassVar[str]


def check(name: str, value: Any, declared: Any) -> None:
    """Refuse a value that is not a number, or lies outside the declared range."""
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise TypeError(
                f"{name} must be a number ({declared['unit']}), got {number!r} "
                f"of type {type(number).__name__}"
            )
        low, high = declared["low"], declared["high"]
        if not (low <= number <= high) or math.isnan(number):
            raise ValueError(
                f"{name} must lie between {low:g} and {high:g} ({declared['unit']}), got {number!r}"
            )


def all_mechanisms() -> list[type[Mechanism]]:
    """List the mechanisms that the imported families define, in the order of their ids."""
    found: dict[str, type[Mechanism]] = {}
    queue = [Mechanism]
    while queue:
        for cls in queue.pop().__subclasses__():
            queue.append(cls)
            # a dataclass with slots leaves the class that it was made from behind
            found[cls.id] = getattr(sys.modules[cls.__module__], cls.__name__, cls)
    return sorted(found.values(), key=lambda cls: (cls.id[0], int(cls.id[1:])))


def numbers(cls: type[Settings], name: str, module: str) -> Any:
    """Make the NamedTuple in which the kernel reads the scalar parameters of `cls` as floats.

    The kernel's types must be importable by name, so the result is to be bound to `name` in
    `module`: ``DropNumbers = numbers(DroppedContact, "DropNumbers", __name__)``.
    """
    names = [item.name for item in cls.parameters() if not isinstance(item.default, tuple)]
    made = namedtuple(name, names)  # type: ignore[misc]
    made.__module__ = module
    return made


def lower_numbers(settings: Settings, made: Any, **changed: float) -> Any:
    """Fill the NamedTuple `made` with the settings' numbers, some of them changed."""
    return made(
        **{name: float(changed.get(name, getattr(settings, name))) for name in made._fields}
    )
