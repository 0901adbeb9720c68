"""Cox regression on aggregated risk sets: a cross-check of hazards by month.

Episodes are (start, stop], so whoever enters at a time of leaving is not yet at risk then, and
cutting an episode in two changes nothing. Ties are Efron's, as they are right for months in which
many leave. Rows stand for counts, so that customers who share a cluster, an arm and a month are
one row, and all risk sets are made with cumulative sums.

References
----------
Cox (1972); Efron (1977), for ties; Lin and Wei (1989), for the sandwich (all from memory).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from incentives.estimates.inference import Estimated, Fit, Floats

__all__ = ["CoxResult", "Episodes", "fit_cox"]

Ints = npt.NDArray[np.int64]

_STEPS = 50
_CLOSE = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """Counted episodes at risk.

    Parameters
    ----------
    start, stop
        At risk after `start`, up to and with `stop`; any unit of time, shape (rows,).
    n
        How many a row stands for.
    events
        How many of them left at `stop`, whole numbers.
    covariates
        Shape (rows, coefficients).
    cluster
        Each row's cluster, counted from 0.
    """

    start: Floats
    stop: Floats
    n: Floats
    events: Floats
    covariates: Floats
    cluster: Ints


@dataclass(frozen=True, slots=True, eq=False)
class CoxResult:
    """A fitted Cox regression.

    Parameters
    ----------
    params
        Logarithms of hazard ratios, shape (coefficients,).
    information
        Minus the second derivatives of the partial likelihood.
    converged
        Whether Newton's steps came to rest.
    """

    params: Floats
    information: Floats
    converged: bool


class _Times(NamedTuple):
    """The times at which somebody left, and where each row stands among them."""

    row_at: Ints  # rows with events
    at: Ints  # the time of each such row
    first: Ints  # of each row: the first time at which it is at risk
    beyond: Ints  # of each row: the first time after it was at risk
    deaths: Floats  # how many left at each time


class _Sets(NamedTuple):
    """Efron's sums over the risk set of each time, its l-th of D members removed in part.

    `inverse`, `faded` and `faded_twice` are the sums over l of 1, l/D and its square times
    1/S0, `mean` and `mean_faded` those of 1 and l/D times S1/S0 squared.
    """

    inverse: Floats  # (times,)
    faded: Floats
    mean: Floats  # (times, coefficients)
    mean_faded: Floats
    mean_of_deaths: Floats  # the sum over l of S1/S0, over D
    information: Floats


def fit_cox(episodes: Episodes, clusters: int) -> Fit:
    """Fit a Cox regression with Efron's ties, and each cluster's influence on it.

    Parameters
    ----------
    episodes
        With at least one event.
    clusters
        How many clusters there could be.

    Examples
    --------
    >>> import numpy as np
    >>> arm = np.array([0.0, 0.0, 1.0, 1.0])
    >>> month = np.array([0.0, 1.0, 0.0, 1.0])
    >>> n, left = np.array([100.0, 90.0, 100.0, 80.0]), np.array([10.0, 9.0, 20.0, 16.0])
    >>> rows = Episodes(month, month + 1, n, left, arm[:, None], np.arange(4))
    >>> np.exp(fit_cox(rows, 4).coefficients.value).round(2).tolist()
    [2.11]
    """
    times = _times(episodes)
    whole = episodes.covariates.T @ episodes.events
    beta = np.zeros(episodes.covariates.shape[1])
    loglike, sets = _efron(episodes, times, beta)
    converged = False
    for _ in range(_STEPS):
        gradient = whole - times.deaths @ sets.mean_of_deaths
        step = np.linalg.solve(sets.information, gradient)
        ahead, then = _efron(episodes, times, beta + step)
        while ahead < loglike - _CLOSE * abs(loglike):
            step = step / 2
            ahead, then = _efron(episodes, times, beta + step)
        beta, loglike, sets = beta + step, ahead, then
        if converged := bool(np.abs(step).max() < _CLOSE):
            break
    residuals = _score_residuals(episodes, times, sets, beta)
    scores = np.zeros((clusters, len(beta)))
    np.add.at(scores, episodes.cluster, residuals)
    influence = np.linalg.solve(sets.information, scores.T).T
    result = CoxResult(beta, sets.information, converged)
    return Fit(result, Estimated(beta, np.asarray(influence, dtype=np.float64)), ())


def _times(episodes: Episodes) -> _Times:
    """Find the times of events, and between which of them each row was at risk."""
    row_at = np.flatnonzero(episodes.events)
    when, at = np.unique(episodes.stop[row_at], return_inverse=True)
    first = np.searchsorted(when, episodes.start, side="right")
    beyond = np.searchsorted(when, episodes.stop, side="right")
    deaths = np.bincount(at, episodes.events[row_at]).astype(np.float64)
    return _Times(row_at, at, first, np.maximum(beyond, first), deaths)


def _at_risk(times: _Times, values: Floats) -> Floats:
    """Add values up over those at risk at each time, (rows, ...) to (times, ...)."""
    change = np.zeros((len(times.deaths) + 1, *values.shape[1:]))
    np.add.at(change, times.first, values)
    np.add.at(change, times.beyond, -values)
    return np.asarray(change.cumsum(axis=0)[:-1], dtype=np.float64)


def _of_leavers(times: _Times, values: Floats) -> Floats:
    """Add values up over those who left at each time."""
    total = np.zeros((len(times.deaths), *values.shape[1:]))
    np.add.at(total, times.at, values[times.row_at])
    return total


def _efron(episodes: Episodes, times: _Times, beta: Floats) -> tuple[float, _Sets]:
    """Give the logarithm of the partial likelihood, and the sums that its derivatives need."""
    x = episodes.covariates
    level = x @ beta
    level -= level.max()  # no effect on the likelihood's shape, and none overflows
    risk, gone = episodes.n * np.exp(level), episodes.events * np.exp(level)
    outer = x[:, :, None] * x[:, None, :]
    s0, s1, s2 = (_at_risk(times, _times_rows(risk, part)) for part in (_one(x), x, outer))
    d0, d1, d2 = (_of_leavers(times, _times_rows(gone, part)) for part in (_one(x), x, outer))
    time, faded = _steps(times.deaths)
    inverse = 1 / (s0[time] - faded * d0[time])
    mean = (s1[time] - faded[:, None] * d1[time]) * inverse[:, None]

    def by_time(values: Floats) -> Floats:
        total = np.zeros((len(s0), *values.shape[1:]))
        np.add.at(total, time, values)
        return total

    a, b = by_time(inverse), by_time(faded * inverse)
    squares = mean.T @ mean
    second = np.einsum("t,tij->ij", a, s2) - np.einsum("t,tij->ij", b, d2)
    sets = _Sets(
        inverse=a,
        faded=b,
        mean=by_time(mean * inverse[:, None]),
        mean_faded=by_time(mean * (faded * inverse)[:, None]),
        mean_of_deaths=by_time(mean) / times.deaths[:, None],
        information=second - squares,
    )
    return float(episodes.events @ level + np.log(inverse).sum()), sets


def _steps(deaths: Floats) -> tuple[Ints, Floats]:
    """Give a step for each who left: its time, and the share l/D of leavers taken out by then."""
    many = deaths.astype(np.int64)
    time = np.repeat(np.arange(len(many)), many)
    before = np.repeat(many.cumsum() - many, many)
    return time, (np.arange(len(time)) - before) / many[time]


def _score_residuals(episodes: Episodes, times: _Times, sets: _Sets, beta: Floats) -> Floats:
    """Give each row's part of the score, as if it had been counted on its own.

    At a time of leaving, everybody at risk is expected to leave with a chance in proportion to
    their risk, those who do leave less so by Efron's fading, and leavers are set against the
    mean of the risk set.
    """
    x = episodes.covariates
    level = x @ beta
    risk = np.exp(level - level.max())
    chance, mean = _between(times, sets.inverse), _between(times, sets.mean)
    expected = episodes.n[:, None] * risk[:, None] * (x * chance[:, None] - mean)
    at, rows = times.at, times.row_at
    own = x[rows] - sets.mean_of_deaths[at]
    less = risk[rows, None] * (x[rows] * sets.faded[at, None] - sets.mean_faded[at])
    residual = -expected
    residual[rows] += episodes.events[rows, None] * (own + less)
    return np.asarray(residual, dtype=np.float64)


def _between(times: _Times, values: Floats) -> Floats:
    """Add values by time up over the times at which each row was at risk."""
    nothing = np.zeros((1, *values.shape[1:]))
    total = np.concatenate([nothing, values.cumsum(axis=0)])
    return np.asarray(total[times.beyond] - total[times.first], dtype=np.float64)


def _one(x: Floats) -> Floats:
    return np.ones(len(x))


def _times_rows(weight: Floats, values: Floats) -> Floats:
    """Multiply each row of values, of any shape, by its weight."""
    return np.asarray((weight * values.T).T, dtype=np.float64)
