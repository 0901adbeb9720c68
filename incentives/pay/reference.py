"""What a reference agent may expect to log in a period, and how far that spreads.

Tables of expected pay are scaled by it, and the spread of every forecast comes from it.
"""

import math
from typing import NamedTuple

import numpy as np

from incentives._draws import square
from incentives.columns import (
    CANCELS,
    CONTACTS,
    N_ACCUMULATORS,
    QA_N,
    QA_SUM,
    SALES,
    SALES_VALUE,
    SAVES,
    SURVEY_N,
    SURVEY_SUM,
    Floats,
)

__all__ = ["WITHIN", "Reference", "of_team", "sd_of"]


class Reference(NamedTuple):
    """What one agent is expected to log in a full period, by which tables are scaled.

    The spread of the forecast comes from here: events are Poisson, saves and sales are thinned
    from cancellations and contacts, sums of money and of scores are compound. An agent's own level
    does not: it comes from what the agent has logged.

    Examples
    --------
    >>> Reference(saves=60.0).saves
    60.0
    """

    contacts: float = 900.0  #: contacts handled
    cancels: float = 90.0  #: wishes to cancel handled
    saves: float = 40.0  #: saves logged
    sales: float = 60.0  #: sales logged
    sales_value: float = 1200.0  #: their value, in currency
    survey_sum: float = 200.0  #: sum of survey scores
    survey_n: float = 27.0  #: surveys answered
    qa_sum: float = 400.0  #: sum of QA scores
    qa_n: float = 5.0  #: contacts scored
    sale_sd: float = 10.0  #: standard deviation of one sale's value, in currency
    score_sd: float = 2.5  #: standard deviation of one survey score, in points of 10
    team_size: float = 12.0  #: agents in a team
    stay: float = 0.97  #: chance that an agent is still there a month later
    qa_sd: float = 15.0  #: standard deviation of one QA score, in points of 100


WITHIN = (
    *((part, CONTACTS) for part in range(CONTACTS + 1, N_ACCUMULATORS)),
    (SAVES, CANCELS),
    (SALES_VALUE, SALES),
    (SURVEY_SUM, SURVEY_N),
    (QA_SUM, QA_N),
)
"""Pairs whose first is counted, or summed, over some of the events of the second."""


def of_team(reference: Reference) -> Reference:
    """Return the totals of a whole team of reference agents."""
    size = max(1.0, float(reference.team_size))
    return Reference(
        *(size * part for part in reference[:N_ACCUMULATORS]), *reference[N_ACCUMULATORS:]
    )


def sd_of(weights: Floats, reference: Reference) -> float:
    """Return the standard deviation of an index over a full period."""
    cov = _covariance(reference)
    used = [int(j) for j in np.flatnonzero(weights)]
    variance = math.fsum(float(weights[i] * weights[j] * cov[i, j]) for i in used for j in used)
    return math.sqrt(max(variance, 1e-12))


def _covariance(reference: Reference) -> Floats:
    """Return the covariance of what is logged in a full period: thinned and compound Poisson."""
    mean = np.maximum(reference[:N_ACCUMULATORS], 1.0)  # of events, one at the least
    value, score = mean[SALES_VALUE] / mean[SALES], mean[SURVEY_SUM] / mean[SURVEY_N]
    cov = np.zeros((N_ACCUMULATORS, N_ACCUMULATORS))
    np.fill_diagonal(cov, mean)
    cov[SALES_VALUE, SALES_VALUE] = mean[SALES] * (square(value) + square(reference.sale_sd))
    cov[SURVEY_SUM, SURVEY_SUM] = mean[SURVEY_N] * (square(score) + square(reference.score_sd))
    points = mean[QA_SUM] / mean[QA_N]
    cov[QA_SUM, QA_SUM] = mean[QA_N] * (square(points) + square(reference.qa_sd))
    for part, whole in WITHIN:
        cov[part, whole] = cov[whole, part] = mean[part]
    return cov
