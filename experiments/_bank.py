"""What the two experiments on the bank's log share: where it lies, what a cut-off call is."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special, stats
from statsmodels.tools.numdiff import approx_hess

from experiments._common import PROJECT

__all__ = [
    "CUT_OFF_MINUTES",
    "MESSAGE",
    "SIDE_CALLS",
    "Fit",
    "answered",
    "bank_files",
    "beta_binomial",
    "logit_normal",
    "skipped",
]

CUT_OFF_MINUTES = 10 / 60
"""Service shorter than this, by a named agent, counts as a caller cut off."""

MESSAGE = "message"
SIDE_CALLS = (MESSAGE, "internet help")
"""Reasons left out where only ordinary calls are meant: 43 % of messages were short, for reasons of
their own perhaps, and internet help has agents of its own."""

Floats = npt.NDArray[np.float64]


def bank_files() -> list[Path]:
    """Name the months of the log that are there: none if there is no log."""
    default = PROJECT.parent / "shared" / "data"
    folder = Path(os.environ.get("INCENTIVES_DATA", default)) / "anonymous_bank"
    return [file for file in map(folder.joinpath, ("january.txt", "october.txt")) if file.is_file()]


def skipped(name: str, needed: str) -> str:
    """Say in one line that an experiment is skipped, and why."""
    return (
        f"{name}: skipped, for {needed} of the Anonymous Bank log is not in "
        "../shared/data/anonymous_bank; set INCENTIVES_DATA to the folder that holds "
        "anonymous_bank (incentives.datasets says where the log can be had)"
    )


def answered(contacts: pd.DataFrame) -> pd.DataFrame:
    """Keep contacts served by a named agent, say which were cut off, and number the agents.

    Agents are people: results name them by number, the busiest first.

    Parameters
    ----------
    contacts
        Contacts of `incentives.read_anonymous_bank`, or others with their columns.

    Returns
    -------
    pandas.DataFrame
        The rows with ``cut_off`` (bool) added and ``agent`` numbered.
    """
    kept = contacts[(contacts["ended"] == "served") & contacts["agent"].notna()]
    agents = kept["agent"].cat.remove_unused_categories()
    busiest = agents.value_counts().index
    numbers = {name: f"agent {i:02}" for i, name in enumerate(busiest, start=1)}
    return kept.assign(
        cut_off=kept["handle_minutes"] < CUT_OFF_MINUTES,
        agent=agents.cat.rename_categories(numbers).cat.reorder_categories(list(numbers.values())),
    )


class Fit(NamedTuple):
    """Parameters by maximum likelihood, with their standard errors."""

    values: Floats
    errors: Floats
    log_likelihood: float


def beta_binomial(events: npt.ArrayLike, trials: npt.ArrayLike) -> Fit:
    """Fit shares that differ between agents as a beta distribution.

    Parameters
    ----------
    events, trials
        Counts for each agent.

    Returns
    -------
    Fit
        Alpha and beta of the distribution of shares.
    """
    k, n = np.asarray(events, dtype=float), np.asarray(trials, dtype=float)

    def loss(theta: Floats) -> float:
        return -float(stats.betabinom.logpmf(k, n, *np.exp(theta)).sum())

    fit = _maximise(loss, np.log([0.5, 10.0]))
    return fit._replace(values=np.exp(fit.values), errors=np.exp(fit.values) * fit.errors)


def logit_normal(events: npt.ArrayLike, trials: npt.ArrayLike) -> Fit:
    """Fit shares that differ between agents as a normal distribution of log odds.

    Parameters
    ----------
    events, trials
        Counts for each agent.

    Returns
    -------
    Fit
        Mean and standard deviation of the log odds.
    """
    k, n = np.asarray(events, dtype=float)[:, None], np.asarray(trials, dtype=float)[:, None]
    nodes = np.linspace(-7.0, 7.0, 1401)[None, :]  # agents with many calls need a fine grid
    weights = stats.norm.logpdf(nodes) + np.log(nodes[0, 1] - nodes[0, 0])

    def loss(theta: Floats) -> float:
        odds = theta[0] + np.exp(theta[1]) * nodes
        log_mass = stats.binom.logpmf(k, n, special.expit(odds))
        return -float(special.logsumexp(log_mass + weights, axis=1).sum())

    fit = _maximise(loss, np.array([-4.0, 0.0]))
    scale = np.array([1.0, np.exp(fit.values[1])])
    values = np.array([fit.values[0], scale[1]])
    return fit._replace(values=values, errors=scale * fit.errors)


def _maximise(loss: Callable[[Floats], float], start: Floats) -> Fit:
    """Minimise a negative log-likelihood; errors from the curvature at the minimum."""
    found: Any = optimize.minimize(loss, start, method="BFGS")
    covariance = np.linalg.inv(approx_hess(found.x, loss))
    return Fit(np.asarray(found.x), np.sqrt(np.diag(covariance)), -float(found.fun))
