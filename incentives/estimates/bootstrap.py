"""Bootstraps for few clusters: restricted wild cluster bootstrap-t, and the bootstrap of scores.

Both give each cluster's residuals under the effect that is tested a random sign and ask how
often the effect that comes out is as large, against its own cluster-robust error, as the one
observed. Use `wild` for means and shares: each draw is fitted again before its error is taken.
Use `score` for hazards and other models: scores are only centred, so nothing is fitted.

Signs are -1 or 1; with fewer than 12 clusters, which have too few patterns of signs, Webb's six
points; and all patterns where the draws asked for would cover them.

References
----------
Cameron, Gelbach and Miller (2008); Webb (2014); Roodman, MacKinnon, Nielsen and Webb (2019), for
the wild cluster bootstrap; Kline and Santos (2012), for scores (all from memory).
"""

from collections.abc import Callable

import numpy as np

from incentives.estimates.inference import Floats
from incentives.estimates.resampling import Contrast, Draws, in_parts

__all__ = ["score", "signs", "wild"]

WEBB = np.sqrt([0.5, 1.0, 1.5])
FEW = 12
"""With fewer clusters than this Webb's six points are drawn instead of signs."""


def wild(contrast: Contrast, reps: int, rng: Callable[[], np.random.Generator]) -> Draws:
    """Draw the restricted wild cluster bootstrap-t of a contrast.

    Parameters
    ----------
    contrast
        Of at least 6 clusters.
    reps
        How many draws.
    rng
        Makes the generator when draws are needed.

    Examples
    --------
    >>> import numpy as np
    >>> moved = np.array([[0.3, 0.0]] * 6 + [[-0.3, 0.0]] * 6)
    >>> pairs = Contrast(1.5, moved, np.ones((12, 2)))
    >>> wild(pairs, 9999, np.random.default_rng).words
    'all 4,096 patterns of signs'
    """
    drawn, words = signs(contrast.clusters, reps, rng)
    moved, pull, share = contrast.moved, contrast.pull, contrast.share

    def refitted(sign: Floats, part: Floats) -> Floats:
        """Give how far each cluster lies from what each draw fits in its arms."""
        left: Floats = sign * part.sum(axis=1) - (sign @ part) @ share.T
        return left

    return Draws.gathered(
        (
            (sign @ _both(contrast), refitted(sign, moved), refitted(sign, pull))
            for sign in in_parts(drawn)
        ),
        words,
    )


def score(contrast: Contrast, reps: int, rng: Callable[[], np.random.Generator]) -> Draws:
    """Draw the bootstrap of the scores of a contrast; parameters as for `wild`.

    The scores are those under the effect that is tested, taken from the fit without it by one
    step, so that an interval needs no fit for every effect it looks at.

    Examples
    --------
    >>> import numpy as np
    >>> moved = np.array([[0.3, 0.0]] * 6 + [[-0.3, 0.0]] * 6)
    >>> pairs = Contrast(1.5, moved, np.ones((12, 2)))
    >>> score(pairs, 9999, np.random.default_rng).p_value(1.5)
    0.20556640625
    """
    drawn, words = signs(contrast.clusters, reps, rng)
    both = _both(contrast)

    def centred(sign: Floats, part: Floats) -> Floats:
        drawn = sign * part
        left: Floats = drawn - drawn.mean(axis=1, keepdims=True)
        return left

    return Draws.gathered(
        (
            (sign @ both, centred(sign, both[:, 0]), centred(sign, both[:, 1]))
            for sign in in_parts(drawn)
        ),
        words,
    )


def signs(clusters: int, reps: int, rng: Callable[[], np.random.Generator]) -> tuple[Floats, str]:
    """Give a sign for each draw and cluster, the first draw all 1, and say what they are."""
    if clusters < FEW:
        points = np.concatenate([-WEBB, WEBB])
        drawn = rng().choice(points, (reps, clusters))
        words = f"{reps:,} draws from Webb's six points"
    elif 2**clusters <= reps + 1:
        pattern = np.arange(1, 2**clusters)[:, None] >> np.arange(clusters) & 1
        drawn, words = 1.0 - 2.0 * pattern, f"all {2**clusters:,} patterns of signs"
    else:
        drawn = 1.0 - 2.0 * rng().integers(0, 2, (reps, clusters), dtype=np.int8)
        words = f"{reps:,} draws of signs"
    return np.vstack([np.ones(clusters), drawn]), words


def _both(contrast: Contrast) -> Floats:
    """Give how each cluster moves the effect, its level and its slope in d, (clusters, 2)."""
    return np.column_stack([contrast.moved.sum(axis=1), contrast.pull.sum(axis=1)])
