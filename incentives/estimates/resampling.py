"""A contrast tested against what chance alone would have made of it.

Every row that compares an arm with the control keeps a `Contrast`: how far each cluster moved
either side of it, and with what weight. That is all that the wild cluster bootstrap, the score
bootstrap and randomisation inference need, so a row can be tested again without its data and
without fitting anything.

A resampled statistic is linear over quadratic in the effect that is tested, so the draws are made
once (`Draws`) and an interval, the effects that are not rejected, is found by looking p values
up. For shares and means, which are ratios of cluster sums, the resampled statistic is exactly
that of a weighted regression on the cluster's rows; for functions of several of them (a risk
made of hazards, the logarithm of a ratio) it is that of their linear approximation.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from incentives.estimates.inference import Estimated, Floats

__all__ = ["Contrast", "Draws", "Ints", "contrast_of", "in_parts"]

Ints = npt.NDArray[np.int64]

_SAME = 1 - 1e-9  # two statistics that differ by rounding alone are the same one
_REACH = np.geomspace(0.05, 1e4, 120)  # standard errors from the estimate at which p is looked up
_HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Contrast:
    """How far each cluster moved the two sides of a contrast.

    Parameters
    ----------
    value
        The effect on the scale it is tested on: of a ratio the logarithm.
    moved
        Each cluster's influence on the effect through the arm and through the control, shape
        (clusters, 2).
    weight
        What each cluster counts for in the arm and in the control, in any unit, shape
        (clusters, 2); 0 where it has no data there.
    stratum
        Where clusters were dealt to arms at random: the group within which they were dealt,
        shape (clusters,); otherwise None.
    """

    value: float
    moved: Floats
    weight: Floats
    stratum: Ints | None = None

    @property
    def clusters(self) -> int:
        """How many clusters carry it."""
        return len(self.moved)

    @property
    def apart(self) -> bool:
        """Whether no cluster met both arms."""
        return not bool((self.weight > 0).all(axis=1).any())

    @cached_property
    def share(self) -> Floats:
        """Each cluster's share of the weight of its arm, shape (clusters, 2)."""
        return np.asarray(self.weight / self.weight.sum(axis=0), dtype=np.float64)

    @cached_property
    def pull(self) -> Floats:
        """How far each cluster moves the effect by holding on to it, shape (clusters, 2).

        Where an effect is tested that lies d below the estimate, the common level that fits best
        under it lies between the arms, nearer to the heavier one; a cluster's residual from
        there moves the effect by this much more, times d. All of them add up to 1.
        """
        whole = self.weight.sum(axis=0)
        return np.asarray(self.share * whole[::-1] / whole.sum(), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Draws:
    """The resampled effect and its variance as functions of the distance d.

    The distance is that of the estimate from the effect that is tested.

    Parameters
    ----------
    effect
        The effect's level and slope in d, shape (draws, 2); draw 0 is what was observed.
    variance
        The coefficients of its variance in 1, d and d squared, shape (draws, 3).
    words
        What was drawn.
    """

    effect: Floats
    variance: Floats
    words: str

    @classmethod
    def gathered(cls, parts: Iterable[tuple[Floats, Floats, Floats]], words: str) -> "Draws":
        """Put parts of the draws together.

        Parameters
        ----------
        parts
            The effect of some draws, shape (draws, 2), and how far each cluster then lies from
            what was fitted, its level and its slope in d, each of shape (draws, clusters).
        words
            What was drawn.
        """
        effects, variances = [], []
        for effect, level, slope in parts:
            pairs = ((level, level, 1.0), (level, slope, 2.0), (slope, slope, 1.0))
            sums = [times * np.einsum("ij,ij->i", one, two) for one, two, times in pairs]
            effects.append(effect)
            variances.append(np.column_stack(sums))
        return cls(np.concatenate(effects), np.concatenate(variances), words)

    def p_value(self, distance: float) -> float:
        """Give the two-sided p value of the effect that lies so far below the estimate.

        The share of draws whose statistic is at least as large as the observed one, which is
        itself one of them.
        """
        effect = self.effect @ np.array([1.0, distance])
        variance = self.variance @ np.array([1.0, distance, distance**2])
        as_far = effect**2 * variance[0] >= effect[0] ** 2 * variance * _SAME
        return float(as_far.mean())

    def reach(self, scale: float, alpha: float) -> float:
        """Give how far the effects that are not rejected reach on one side; infinity if all.

        Parameters
        ----------
        scale
            The standard error, negative to look below.
        alpha
            An effect with a p value of at most this is rejected.

        Notes
        -----
        The farthest effect kept: should p values rise again beyond a first crossing, the effects
        between are kept as well. The estimate itself is never rejected, so no set is empty.
        """
        kept = np.array([self.p_value(-scale * far) > alpha for far in _REACH])
        if not kept.any():
            return self._crossing(scale, 0.0, _REACH[0], alpha)
        last = int(np.flatnonzero(kept)[-1])
        if last == len(_REACH) - 1:
            return float(np.copysign(np.inf, scale))
        return self._crossing(scale, _REACH[last], _REACH[last + 1], alpha)

    def _crossing(self, scale: float, kept: float, rejected: float, alpha: float) -> float:
        """Halve the stretch between an effect that is kept and one that is rejected."""
        for _ in range(_HALVINGS):
            middle = (kept + rejected) / 2
            if self.p_value(-scale * middle) > alpha:
                kept = middle
            else:
                rejected = middle
        return scale * kept


def contrast_of(
    estimated: Estimated,
    arm: int,
    *,
    weight: Floats,
    stratum: Ints | None = None,
) -> Contrast:
    """Take what one arm against the control needs from values by arm.

    Parameters
    ----------
    estimated
        A value for each arm, the control's first.
    arm
        The arm's place.
    weight
        Shape (clusters, arms); 0 where a cluster has no data in an arm.
    stratum
        As in `Contrast`, shape (clusters,).

    Notes
    -----
    A model's coefficient is moved by the control's clusters too. What moves a value through an
    arm in which the cluster has no data is counted on the side where it has.
    """
    pair = np.array([arm, 0])
    here = (weight[:, pair] > 0).any(axis=1)
    weight = weight[here][:, pair]
    moved = estimated.influence[here][:, pair] * np.array([1.0, -1.0])
    stray = np.where(weight > 0, 0.0, moved)
    return Contrast(
        value=float(estimated.value[arm] - estimated.value[0]),
        moved=moved - stray + stray[:, ::-1],
        weight=weight,
        stratum=None if stratum is None else stratum[here],
    )


def in_parts(draws: npt.NDArray[Any]) -> Iterator[Floats]:
    """Give draws, shape (draws, clusters), in parts of a few megabytes as floats."""
    parts = max(1, draws.size // 1_000_000)
    for part in np.array_split(draws, parts):
        yield part.astype(np.float64)
