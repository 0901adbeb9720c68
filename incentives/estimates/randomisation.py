"""Randomisation inference: what other assignments, as likely as the recorded one, would have shown.

The assignment that was made is one of many that chance could have made. Under the sharp null,
that the scheme moved every cluster by the effect that is tested, each of them tells what it
would have shown, and the observed effect is read against these. Nothing is taken for normal or
for large, so it answers also with a handful of clusters, as far as their number allows: with 8
teams dealt 4 and 4 no p value is below 2 in 70.

References
----------
Fisher (1935); Young (2019), for the statistic in units of its error (both from memory).
"""

from collections.abc import Callable, Iterator
from itertools import combinations, product
from math import comb, prod

import numpy as np
import numpy.typing as npt

from incentives.estimates.inference import Bools, Floats
from incentives.estimates.resampling import Contrast, Draws, in_parts

__all__ = ["dealt_again"]


def dealt_again(contrast: Contrast, reps: int, rng: Callable[[], np.random.Generator]) -> Draws:
    """Deal the clusters to the two arms again, as many to each within each stratum as there were.

    Parameters
    ----------
    contrast
        With strata, and with each cluster in one arm.
    reps
        How many assignments to draw where there are more than that.
    rng
        Makes the generator when draws are needed.

    Examples
    --------
    >>> import numpy as np
    >>> own = np.array([0.1, 0.2, -0.1, -0.2])
    >>> moved = np.kron(np.eye(2), own[:, None])
    >>> weight = np.abs(moved) > 0
    >>> teams = Contrast(1.5, moved, weight, np.zeros(8, int))
    >>> dealt_again(teams, 9999, np.random.default_rng).words
    'all 70 assignments, p at least .029'
    """
    if contrast.stratum is None:
        raise ValueError(
            "randomisation inference needs clusters that were assigned at random, with the same "
            "chances within a world, and assignments do not record that; use 'wild'"
        )
    if not contrast.apart:
        raise ValueError(
            "randomisation inference needs clusters that are in one arm each: some met both, and "
            "how their time was divided is not recorded as random; use 'wild'"
        )
    treated = contrast.weight[:, 0] > 0
    drawn, words = _assignments(treated, contrast.stratum, reps, rng)
    weight = contrast.weight.sum(axis=1)
    moved = contrast.moved.sum(axis=1) * np.where(treated, 1.0, -1.0)
    # What each cluster would have shown without the effect that is tested, but for a constant:
    # its level, and what it gains with d.
    shown = np.column_stack([moved / contrast.share.sum(axis=1), treated])
    return Draws.gathered((_contrasted(part, shown, weight) for part in in_parts(drawn)), words)


def _contrasted(arm: Floats, shown: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Give the effect under each assignment, and how far each cluster lies from its arm's mean."""
    effect = np.zeros((len(arm), 2))
    away = [np.zeros_like(arm), np.zeros_like(arm)]
    for side, sign in ((arm, 1.0), (1.0 - arm, -1.0)):
        share = side * weight
        share /= share.sum(axis=1, keepdims=True)
        mean = share @ shown
        effect += sign * mean
        for k in range(2):
            away[k] += share * (shown[:, k] - mean[:, [k]])
    return effect, away[0], away[1]


def _assignments(
    treated: Bools,
    stratum: npt.NDArray[np.int64],
    reps: int,
    rng: Callable[[], np.random.Generator],
) -> tuple[npt.NDArray[np.int8], str]:
    """Give assignments, shape (assignments, clusters), the recorded one first, and name them."""
    groups = [np.flatnonzero(stratum == s) for s in np.unique(stratum)]
    sizes = [(len(group), int(treated[group].sum())) for group in groups]
    many = prod(comb(n, k) for n, k in sizes)
    recorded = treated.astype(np.int8)
    if many <= reps + 1:
        others = _all(groups, [k for _, k in sizes], len(treated))
        drawn = np.array([one for one in others if (one != recorded).any()], dtype=np.int8)
        drawn = drawn.reshape(-1, len(treated))
        mirrored = all(n == 2 * k for n, k in sizes)
        least, words = (2 if mirrored else 1) / many, f"all {many:,} assignments"
    else:
        generator = rng()
        drawn = np.repeat(recorded[None, :], reps, axis=0)
        for group in groups:
            drawn[:, group] = generator.permuted(drawn[:, group], axis=1)
        least, words = 1 / (reps + 1), f"{reps:,} assignments"
    smallest = f"{least:.3f}" if least >= 0.001 else f"{least:.1g}"
    return np.vstack([recorded, drawn]), f"{words}, p at least {smallest.removeprefix('0')}"


def _all(
    groups: list[npt.NDArray[np.int64]], treated: list[int], clusters: int
) -> Iterator[npt.NDArray[np.int8]]:
    """Go through every way to deal so many of each group to the arm."""
    for chosen in product(*(combinations(g, k) for g, k in zip(groups, treated, strict=True))):
        one = np.zeros(clusters, dtype=np.int8)
        one[[cluster for part in chosen for cluster in part]] = 1
        yield one
