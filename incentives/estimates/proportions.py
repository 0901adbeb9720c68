"""Intervals of what few findings make: each share has its own, and the effect is read off them.

A share that few agent-months or audits make scatters the less the smaller it came out, so that an
interval of so many standard errors about it is short just where it should not be, and where
nothing was found it is nothing at all. Each share is given Wilson's score interval instead, which
asks which truths would let what was found be found, at as many as it would take, drawn alone, to
be as sure of it as its clusters are. Differences and ratios of shares take the distances to the
ends of these intervals in place of standard errors (MOVER).

Use `Share` for a share by arm, and `recovered` for the interval of what is made of some.

References
----------
Wilson (1927), Journal of the American Statistical Association 22, 209-212 (the score interval).
Korn and Graubard (1998), Survey Methodology 24, 193-201, and Franco, Little, Louis and Slud (2019),
Journal of Survey Statistics and Methodology 7, 334-364 (at the effective size, with t). Bell and
McCaffrey (2002), Survey Methodology 28, 169-181 (CR2 and its degrees of freedom). Newcombe (1998),
Statistics in Medicine 17, 873-890, and Zou and Donner (2008), Statistics in Medicine 27, 1693-1702
(sums and differences); Donner and Zou (2012), Statistical Methods in Medical Research 21, 347-359
(ratios). From memory, all.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import optimize

from incentives.estimates.inference import Estimated, Floats, p_values, t_margin
from incentives.estimates.methods import Inference, Unit

__all__ = ["Recovered", "Share", "recovered", "wilson"]

MARGINS = np.geomspace(1e-3, 1e4, 141)  # standard errors: no chance reaches the last
LOG_MOST = 700.0  # the logarithm of about the largest number there is
ARRAYS = ("share", "size", "times", "alike")


class Share(NamedTuple):
    """A share of each arm, as clusters make it."""

    found: Estimated  #: by arm, each of one sign
    at_risk: Floats  #: what it is a share of, (clusters, arms)
    looked_at: Floats  #: how many of these were looked at, by arm
    largest: Floats  #: what it would be were all found, by arm; below 0 for one that is


@dataclass(frozen=True, eq=False)
class Recovered:
    """An effect that is made of shares, and what its interval is recovered from.

    Parameters
    ----------
    value
        The effect: a sum of shares, each so many times; or the logarithm of the first over the
        second, which may be infinite.
    share
        From 0 to 1, shape (shares,).
    size
        How many drawn alone would be as sure of each.
    times
        How often each counts.
    alike
        How the shares go together from cluster to cluster: correlations.
    df
        Degrees of freedom of the clusters.
    ratio
        Whether it is a ratio.
    words
        The column `inference`.
    plain
        How it is tested by other methods; None if it cannot be.

    Examples
    --------
    >>> import numpy as np
    >>> none_of_48 = Recovered(
    ...     value=0.45, share=np.array([0.45, 0.0]), size=np.array([48.0, 48.0]),
    ...     times=np.array([1.0, -1.0]), alike=np.eye(2), df=1e9,
    ... )
    >>> [round(end, 2) for end in none_of_48.interval(0.95)]
    [0.3, 0.59]
    """

    value: float
    share: Floats
    size: Floats
    times: Floats
    alike: Floats
    df: float
    ratio: bool = False
    words: str = ""
    plain: Inference | None = None

    def by(self, method: str, *, reps: int, seed: int | None) -> "Inference | Recovered":
        """Test the same effect by another method; what cannot be is left as it is."""
        if self.plain is None:
            return self
        return self.plain.by(method, reps=reps, seed=seed)  # type: ignore[arg-type]

    def without(self) -> "Recovered":
        """Give the same where no other method can test it."""
        return replace(self, plain=None)

    def p_value(self) -> float:
        """Give the p value of no effect: how sure an interval just reaches it."""
        if self.value == 0:
            return 1.0
        near = 0 if self.value > 0 else 1

        def short(margin: float) -> float:
            """How far from no effect the nearer end is, on the effect's side."""
            end = self._ends(margin)[near] * (1 if near == 0 else -1)
            return max(min(end, LOG_MOST), -LOG_MOST)

        reached = next((margin for margin in MARGINS if short(margin) <= 0), None)
        if reached is None:
            return 0.0
        margin = optimize.brentq(short, 1e-9, reached, xtol=1e-12)
        return float(p_values(np.array(margin), np.array(self.df)))

    def interval(self, conf_level: float) -> tuple[float, float]:
        """Give the interval, on the scale of `value`.

        Parameters
        ----------
        conf_level
            Between 0 and 1, both excluded.
        """
        return self._ends(float(t_margin(np.array(1.0), np.array(self.df), conf_level)))

    def _ends(self, margin: float) -> tuple[float, float]:
        """Give the ends at so many standard errors."""
        low, high = wilson(self.share, self.size, margin)
        if self.ratio:
            return self._of_ratio(low, high)
        away = np.where(self.times > 0, [self.share - low, high - self.share], 0.0)
        away = np.where(self.times < 0, [high - self.share, self.share - low], away) * self.times
        below, above = (math.sqrt(max(each @ self.alike @ each, 0.0)) for each in away)
        return self.value - below, self.value + above

    def _of_ratio(self, low: Floats, high: Floats) -> tuple[float, float]:
        """Give the ends of the logarithm of the first share over the second."""
        first, second = self.share
        together = self.alike[0, 1]

        def over(one: float, other: float, way: float) -> float:
            """How many times the first the second may be, by an end of each, ever finite."""
            both = first * second + together * (second - one) * (first - other)
            a, b = one * (2 * second - one), other * (2 * first - other)
            root = math.sqrt(max(both**2 - a * b, 0.0))
            if way < 0:
                return a / (both + root) if both + root > 0 else 0.0
            return (both + root) / b if b > 0 else math.inf

        least, most = over(low[1], high[0], -1.0), over(high[1], low[0], 1.0)
        return _less_log(most), _less_log(least)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        arrays = {name: getattr(self, name).tolist() for name in ARRAYS}
        plain = None if self.plain is None else self.plain.to_dict()
        rest = {name: getattr(self, name) for name in ("df", "ratio", "words")}
        value = self.value if math.isfinite(self.value) else None
        return {"value": value, **arrays, **rest, "plain": plain}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild what `to_dict` gave."""
        share, size, times, alike = (np.array(data[name], dtype=np.float64) for name in ARRAYS)
        return cls(
            value=math.inf if data["value"] is None else data["value"],
            share=share,
            size=size,
            times=times,
            alike=alike,
            **{name: data[name] for name in ("df", "ratio", "words")},
            plain=None if data["plain"] is None else Inference.from_dict(data["plain"]),
        )


def wilson(share: Floats, size: Floats, margin: float) -> tuple[Floats, Floats]:
    """Give the truths from which a share is no more than so many standard errors away.

    Parameters
    ----------
    share
        From 0 to 1.
    size
        Of how many it is a share, 0 or more.
    margin
        Standard errors, above 0: 1.96 for an interval of 95 %.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = wilson(np.array([0.0, 0.5]), np.array([48.0, 48.0]), 1.96)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.364], [0.074, 0.636])
    """
    whole = size + margin**2
    middle = (share * size + margin**2 / 2) / whole
    half = margin * np.sqrt(share * (1 - share) * size + margin**2 / 4) / whole
    return np.minimum(middle - half, share).clip(0, 1), np.maximum(middle + half, share).clip(0, 1)


def recovered(
    shares: Sequence[Share],
    arms: Sequence[int],
    value: float,
    *,
    unit: Unit,
    paired: bool = False,
    ratio: bool = False,
    plain: Inference | None = None,
) -> Recovered | None:
    """Read an effect off the intervals of the shares that it is made of.

    The variance of a share is that of its clusters, each divided by the weight of all others (CR2),
    and the effective size is how many drawn alone would have it: never more than were looked at,
    and these where all clusters are alike, as where nothing was found. Degrees of freedom are Bell
    and McCaffrey's, of each arm's clusters by their weights, taken together by Satterthwaite's
    rule where arms share no cluster; the variances that weigh them are those with two more of
    either finding (Agresti and Coull), for a share of nothing has some as well.

    Parameters
    ----------
    shares
        A ratio has one, of which that of the first arm is taken over that of the second.
    arms
        The arm, and what it is compared with, if with any.
    value
        The effect.
    unit
        What the clusters are.
    paired
        Whether every cluster met both arms.
    ratio
        Whether it is the logarithm of a ratio.
    plain
        How it is tested by other methods.

    Returns
    -------
    Recovered or None
        None where fewer than two clusters make a share, which tells nothing of how they differ; and
        where clusters met both arms and the effect is finite: pairs are read by their differences,
        for few of them tell too little of how the shares go together.
    """
    there = np.any([share.at_risk[:, list(arms)] > 0 for share in shares], axis=0)
    shared = len(arms) > 1 and bool((there.sum(axis=1) > 1).any())
    if shared and math.isfinite(value):
        return None
    parts = [_part(share, arm, ratio=ratio) for share in shares for arm in arms]
    told = [part for part in parts if part is not None]
    if len(told) < len(parts):
        return None
    signs = np.resize([1.0, -1.0][: len(arms)], len(told))
    return Recovered(
        value=float(value),
        share=np.array([part.share for part in told]),
        size=np.array([part.size for part in told]),
        times=signs * np.array([part.most for part in told]),
        alike=_alike(np.array([part.moved for part in told])),
        df=_together(told, len(arms), shared=shared),
        ratio=ratio,
        words=f"cluster ({unit}{', paired' if paired else ''}), Wilson, t",
        plain=plain,
    )


class _Part(NamedTuple):
    """What an arm's clusters tell of a share."""

    share: float  #: from 0 to 1
    size: float  #: how many drawn alone would be as sure of it
    most: float  #: what it would be were all found
    error: float  #: its variance, or that of its logarithm in a ratio, with two more of either
    freedom: float
    moved: Floats  #: by each cluster


def _part(share: Share, arm: int, *, ratio: bool) -> _Part | None:
    """Take what an arm's clusters tell of a share; nothing where there is only one."""
    found, influence = float(share.found.value[arm]), share.found.influence[:, arm]
    at_risk, looked_at = share.at_risk[:, arm], float(share.looked_at[arm])
    if (at_risk > 0).sum() < 2:
        return None
    weight = at_risk / at_risk.sum()
    largest = float(share.largest[arm])
    most = math.copysign(max(abs(found), abs(largest)), largest)
    part = found / most
    moved = influence / most / np.sqrt(1 - weight)
    spread, variance = part * (1 - part), float(moved @ moved)
    size = min(spread / variance, looked_at) if spread * variance > 0 else looked_at
    drawn = (part * size + 2) / (size + 4)
    error = drawn * (1 - drawn) / max(size, 1.0) * (drawn**-2 if ratio else most**2)
    return _Part(part, size, most, error, _freedom(weight), moved)


def _less_log(ratio: float) -> float:
    return -math.log(ratio) if ratio > 0 else math.inf


def _freedom(weight: Floats) -> float:
    """Give Bell and McCaffrey's degrees of freedom of a mean of clusters with these weights.

    With cluster means whose variance is as the inverse of their weight, the residuals that CR2
    takes, each with its weight, have variances of the weights and covariances of less the products
    of the leverages; alike clusters have one less than there are.
    """
    leverage = weight**2 / (1 - weight)
    return float(1 / ((weight**2).sum() + leverage.sum() ** 2 - (leverage**2).sum()))


def _together(told: Sequence[_Part], arms: int, *, shared: bool) -> float:
    """Give the degrees of freedom of all: within an arm they are weighed, across arms they add."""
    freedom = np.array([part.freedom for part in told])
    if shared:
        return float(freedom.min())
    error = np.array([part.error for part in told])
    variance = error.reshape(-1, arms).sum(axis=0)
    own = (error * freedom).reshape(-1, arms).sum(axis=0) / variance
    return float(variance.sum() ** 2 / (variance**2 / own).sum())


def _alike(moves: Floats) -> Floats:
    """Give correlations, from how each cluster moved each share; what none moved has none."""
    size = np.sqrt((moves**2).sum(axis=1))
    each = np.divide(moves, size[:, None], out=np.zeros_like(moves), where=size[:, None] > 0)
    alike = each @ each.T
    np.fill_diagonal(alike, 1.0)
    return np.asarray(alike, dtype=np.float64)
