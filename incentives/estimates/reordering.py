"""Randomisation inference over the order of a roll-out: who else could have come under it when.

Where chance dealt units to waves, any other order with as many units in each wave was as likely.
The hypothesis that is tested is sharp: the scheme moved every unit by the same amount in every
month under it. Each order then tells what it would have shown, in units of its error, and the order
that was made is read against these. `Reordered` is what a row keeps for that.

The averages of `staggered_effect` are sums of one part from every unit, and a part depends on which
wave the unit is in and on nothing else of the order. What each unit would give in each wave is
worked out once; an order picks from it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, product
from math import factorial, prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from incentives.estimates.inference import Floats
from incentives.estimates.methods import FEWEST_DRAWS, Unit
from incentives.estimates.resampling import Draws, Ints, in_parts

__all__ = ["Reordered", "orders"]


@dataclass(frozen=True, eq=False)
class Reordered:
    """An average over waves and months, and what each unit would give to it in each wave.

    Parameters
    ----------
    value
        The effect.
    level
        What each unit would give in each wave without the effect, shape (units, waves).
    slope
        What it gives there to an effect of 1 in every month that it was under the scheme, the same
        shape.
    wave
        In which wave each unit is, from 0, those who never start among them, shape (units,).
    stratum
        Within what group each unit was dealt to its wave, shape (units,); one that may not be
        dealt again is alone in its own. None where nothing was dealt at random.
    unit
        What was dealt.
    dealt
        Whether it is tested by other orders; by an error and t otherwise.
    reps
        How many orders, where not all are taken.
    seed
        Of the draws; None where none is known.
    """

    value: float
    level: Floats
    slope: Floats
    wave: Ints
    stratum: Ints | None
    unit: Unit
    dealt: bool = False
    reps: int = 9999
    seed: int | None = None

    def by(self, method: str, *, reps: int, seed: int | None) -> "Reordered":
        """Test the same average by other orders of the roll-out; there is no other method."""
        if method != "randomisation":
            raise ValueError(
                f"a roll-out has an error for each wave, with t, or is tested by 'randomisation', "
                f"got {method!r}"
            )
        if reps < FEWEST_DRAWS:
            raise ValueError(f"reps must be {FEWEST_DRAWS} or more, got {reps}")
        if self.stratum is None:
            raise ValueError(
                f"randomisation inference needs {self.unit}s that were dealt to waves at random, "
                "with the same chances within a world, and assignments do not record that"
            )
        return replace(self, dealt=True, reps=reps, seed=seed)

    @property
    def resampled(self) -> bool:
        """Whether it is tested by draws, and not by an error and t."""
        return self.dealt

    @property
    def words(self) -> str:
        """The column `inference`, where it is tested by draws."""
        return f"randomisation (order of {self.unit}s), {self.draws.words}"

    @cached_property
    def draws(self) -> Draws:
        """What every order that was taken would have shown."""
        order, words = self._orders()
        units, waves = np.arange(len(self.wave)), int(self.wave.max()) + 1
        n = np.bincount(self.wave, minlength=waves).astype(np.float64)
        wider = np.sqrt(n / np.maximum(n - 1, 1))

        def shown(part: Floats) -> tuple[Floats, Floats, Floats]:
            wave = part.astype(np.int64)
            effect, away = [], []
            for gives in (self.level, self.slope):
                each = gives[units, wave]
                effect.append(each.sum(axis=1))
                place = wave + waves * np.arange(len(wave))[:, None]
                sums = np.bincount(place.ravel(), each.ravel(), waves * len(wave))
                mean = sums.reshape(-1, waves) / n
                away.append((each - np.take_along_axis(mean, wave, axis=1)) * wider[wave])
            return np.column_stack(effect), away[0], away[1]

        return Draws.gathered((shown(part) for part in in_parts(order)), words)

    def p_value(self) -> float:
        """Give the p value of no effect."""
        return self.draws.p_value(self.value)

    def interval(self, std_error: float, conf_level: float) -> tuple[float, float]:
        """Give the effects that are not rejected.

        Parameters
        ----------
        std_error
            Above 0: the step of the search.
        conf_level
            Between 0 and 1, both excluded.
        """
        alpha = 1 - conf_level
        low, high = (self.draws.reach(sign * std_error, alpha) for sign in (-1.0, 1.0))
        return self.value + low, self.value + high

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        arrays = {name: getattr(self, name).tolist() for name in ("level", "slope", "wave")}
        stratum = None if self.stratum is None else self.stratum.tolist()
        names = ("value", "unit", "dealt", "reps", "seed")
        return {**arrays, "stratum": stratum, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild what `to_dict` gave."""
        stratum = data["stratum"]
        return cls(
            value=data["value"],
            level=np.array(data["level"], dtype=np.float64),
            slope=np.array(data["slope"], dtype=np.float64),
            wave=np.array(data["wave"], dtype=np.int64),
            stratum=None if stratum is None else np.array(stratum, dtype=np.int64),
            **{name: data[name] for name in ("unit", "dealt", "reps", "seed")},
        )

    def _orders(self) -> tuple[npt.NDArray[np.int16], str]:
        """Give orders, shape (orders, units), the recorded one first, and name them."""
        stratum = np.zeros(0, np.int64) if self.stratum is None else self.stratum
        groups = [np.flatnonzero(stratum == s) for s in np.unique(stratum)]
        sizes = [np.unique(self.wave[group], return_counts=True)[1] for group in groups]
        many = prod(factorial(int(n.sum())) // prod(map(factorial, n.tolist())) for n in sizes)
        recorded = self.wave.astype(np.int16)
        if many <= self.reps + 1:
            each = [self._within(groups, chosen) for chosen in self._all(groups)]
            drawn = np.array([order for order in each if (order != recorded).any()], dtype=np.int16)
            dealt = [n for n in sizes if len(n) > 1]
            mirrored = all(len(n) == 2 and n[0] == n[1] for n in dealt)
            least, words = (2 if mirrored else 1) / many, f"all {many:,} orders"
        else:
            drawn = self._drawn(groups)
            least, words = 1 / (self.reps + 1), f"{self.reps:,} orders"
        smallest = f"{least:.3f}" if least >= 0.001 else f"{least:.1g}"
        drawn = np.vstack([recorded, drawn.reshape(-1, len(recorded))])
        return drawn, f"{words}, p at least {smallest.removeprefix('0')}"

    def _all(self, groups: list[Ints]) -> Iterator[tuple[Ints, ...]]:
        """Go through the orders within all groups."""
        return product(*(list(orders(self.wave[group])) for group in groups))

    def _within(self, groups: list[Ints], chosen: tuple[Ints, ...]) -> Ints:
        """Put the orders within groups together."""
        order = np.empty(len(self.wave), dtype=np.int64)
        for group, own in zip(groups, chosen, strict=True):
            order[group] = own
        return order

    def _drawn(self, groups: list[Ints]) -> npt.NDArray[np.int16]:
        """Draw orders at random."""
        if self.seed is None:
            raise ValueError(
                "'randomisation' draws at random here: give rng a number, such as rng=1, so that "
                "the answer can be had again"
            )
        generator = np.random.default_rng(self.seed)
        drawn = np.repeat(self.wave.astype(np.int16)[None, :], self.reps, axis=0)
        for group in groups:
            drawn[:, group] = generator.permuted(drawn[:, group], axis=1)
        return drawn


def orders(wave: Ints) -> Iterator[Ints]:
    """Go through every way to deal units to waves, as many to each as there are.

    Examples
    --------
    >>> import numpy as np
    >>> [order.tolist() for order in orders(np.array([0, 1, 1]))]
    [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    waves, sizes = np.unique(wave, return_counts=True)
    if len(waves) == 1:
        yield wave.copy()
        return
    of_the_rest = list(orders(np.repeat(waves[1:], sizes[1:])))
    for chosen in combinations(range(len(wave)), int(sizes[0])):
        rest = np.ones(len(wave), dtype=bool)
        rest[list(chosen)] = False
        for others in of_the_rest:
            order = np.full(len(wave), waves[0], dtype=np.int64)
            order[rest] = others
            yield order
