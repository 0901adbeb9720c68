"""Inference with few clusters: t intervals on robust errors, and a test that flips signs."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm

from incentives.estimates.inference import p_values, t_margin

__all__ = [
    "coefficient",
    "demeaned",
    "dummies_of",
    "effective_scores",
    "flip_p_value",
    "least_squares",
    "logit",
]

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]


def coefficient(fit: Any, column: int, *, n: int, n_clusters: int) -> dict[str, Any]:
    """Describe one coefficient of a fit that is robust to clusters.

    Parameters
    ----------
    fit
        A statsmodels result with a cluster-robust covariance.
    column
        Which coefficient.
    n, n_clusters
        Observations, and clusters: with two ways of clustering the fewer of the two.

    Returns
    -------
    dict
        ``estimate``, ``std_error``, ``df``, ``p_value``, ``conf_low`` and ``conf_high`` (95 %,
        t with clusters - 1 degrees of freedom), ``n`` and ``n_clusters``.
    """
    estimate, error, df = float(fit.params[column]), float(fit.bse[column]), n_clusters - 1
    reach = float(t_margin(np.array(error), np.array(df), 0.95))
    return {
        "estimate": estimate,
        "std_error": error,
        "df": df,
        "p_value": float(p_values(np.array(estimate / error), np.array(df))),
        "conf_low": estimate - reach,
        "conf_high": estimate + reach,
        "n": n,
        "n_clusters": n_clusters,
    }


def least_squares(outcome: npt.ArrayLike, design: Floats, clusters: Labels) -> Any:
    """Fit by least squares; ``clusters`` may have a column for each way of clustering."""
    return sm.OLS(outcome, design).fit(cov_type="cluster", cov_kwds={"groups": clusters})


def logit(outcome: npt.ArrayLike, design: Floats, clusters: Labels | None = None) -> Any:
    """Fit a logit of zeros and ones, or of columns of events and of the rest.

    Newton's method takes half the time of reweighting. Each fit has a family of its own:
    statsmodels keeps the numbers of trials there.
    """
    robust: dict[str, Any] = {}
    if clusters is not None:
        robust = {"cov_type": "cluster", "cov_kwds": {"groups": clusters}}
    return sm.GLM(outcome, design, family=sm.families.Binomial()).fit(method="newton", **robust)


def flip_p_value(
    contributions: Floats, clusters: Labels, *, rng: np.random.Generator, draws: int
) -> float:
    """Test that a score is nothing by flipping the signs of whole clusters.

    If it is nothing, each cluster's sum could as well have had the other sign: the p-value is the
    share of sign patterns with a total at least as far from zero. It needs no standard error, and
    leans less on many clusters than t does (Hemerik, Goeman & Finos 2020, from memory).

    Parameters
    ----------
    contributions
        What each observation adds to the effective score: for least squares within groups,
        regressor times outcome, both less their group's means; else `effective_scores`.
    clusters
        The cluster of each observation.
    rng, draws
        Generator and number of sign patterns.

    Returns
    -------
    float
        Two-sided p-value, at least 1 / (draws + 1).
    """
    sums = pd.Series(contributions).groupby(clusters).sum().to_numpy()
    signs = rng.choice([-1.0, 1.0], size=(draws, len(sums)))
    reached = np.abs(signs @ sums) >= abs(sums.sum()) * (1 - 1e-9)
    return float((1 + reached.sum()) / (draws + 1))


def effective_scores(outcome: Floats, design: Floats, column: int) -> Floats:
    """Give what each observation adds to the score of one coefficient of a logit.

    The score is taken at the fit without the coefficient, and is freed of what the other columns
    explain, so that their estimation does not move it.
    """
    others = np.delete(design, column, axis=1)
    share = logit(outcome, others).fittedvalues
    root = np.sqrt(share * (1 - share))
    weighted, tested = others * root[:, None], design[:, column] * root
    explained = weighted @ np.linalg.solve(weighted.T @ weighted, weighted.T @ tested)
    return np.asarray((tested - explained) / root * (outcome - share))


def demeaned(values: npt.ArrayLike, group: Labels) -> Floats:
    """Take off each group's mean."""
    series = pd.Series(np.asarray(values, dtype=float))
    return (series - series.groupby(group).transform("mean")).to_numpy()


def dummies_of(group: Labels) -> Floats:
    """Give one column of zeros and ones for each group."""
    return np.asarray(pd.get_dummies(pd.Series(group)), dtype=float)
