"""What a scheme can pay for: counts and rates of what an agent has logged in a pay period.

`measure` gives a metric, `reached` says who is at a threshold and `beyond` by how much;
`PaysSomething` is all that the rest of `pay` asks of a scheme.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, get_args

import numpy as np

from incentives.columns import (
    ACCUMULATORS,
    CANCELS,
    CONTACTS,
    QA_N,
    QA_SUM,
    SALES,
    SALES_VALUE,
    SAVES,
    SURVEY_N,
    SURVEY_SUM,
    Bools,
    Floats,
    Ints,
    Totals,
)

__all__ = [
    "COUNTS",
    "HIGHEST",
    "METRICS",
    "RATES",
    "Metric",
    "PaysSomething",
    "accumulators",
    "beyond",
    "example",
    "measure",
    "reached",
    "with_team",
]

Metric = Literal[
    "sales", "sales_value", "saves", "save_rate", "survey_score", "contacts", "qa_score"
]
"""What a scheme can pay for: ``sales`` (a count), ``sales_value`` (money), ``saves`` (a count),
``save_rate`` (saves for each wish to cancel, 0 to 1), ``survey_score`` (mean, 0 to 10),
``contacts`` (handled, a count) and ``qa_score`` (mean over the contacts scored, 0 to 100)."""
METRICS: tuple[str, ...] = get_args(Metric)
COUNTS = {"sales": SALES, "sales_value": SALES_VALUE, "saves": SAVES, "contacts": CONTACTS}
RATES = {
    "save_rate": (SAVES, CANCELS),
    "survey_score": (SURVEY_SUM, SURVEY_N),
    "qa_score": (QA_SUM, QA_N),
}
HIGHEST = {"save_rate": 1.0, "survey_score": 10.0, "qa_score": 100.0}


def measure(totals: Totals, metric: Metric) -> Floats:
    """Return a metric for each agent; a rate of nothing is 0.

    Parameters
    ----------
    totals
        What was logged in the period.
    metric
        Counts are numbers, ``sales_value`` is money, ``save_rate`` 0 to 1, ``survey_score`` 0
        to 10, ``qa_score`` 0 to 100.

    Examples
    --------
    >>> measure(example(saves=[12, 0], cancels=[25, 0]), "save_rate")
    array([0.48, 0.  ])
    """
    if metric in COUNTS:
        return np.asarray(totals[COUNTS[metric]], dtype=np.float64)
    top, bottom = (np.asarray(totals[part], dtype=np.float64) for part in RATES[metric])
    rate = np.zeros(np.shape(top))
    np.divide(top, bottom, out=rate, where=bottom > 0)
    return rate


def reached(totals: Totals, metric: Metric, threshold: float) -> Bools:
    """Tell who has reached a threshold; with a rate of nothing nobody has.

    Examples
    --------
    >>> reached(example(saves=[12, 0], cancels=[25, 0]), "save_rate", 0.0)
    array([ True, False])
    """
    met = measure(totals, metric) >= threshold
    if metric in RATES:
        met &= np.asarray(totals[RATES[metric][1]]) > 0
    return np.asarray(met)


def beyond(totals: Totals, metric: Metric, threshold: float) -> Floats:
    """Return how far each agent is past a threshold, 0 for those who are below."""
    return np.maximum(measure(totals, metric) - threshold, 0.0)


def accumulators(metric: Metric) -> tuple[int, ...]:
    """Return the accumulators that a metric reads; of a rate what it counts, then of how many."""
    return RATES[metric] if metric in RATES else (COUNTS[metric],)


def example(team: Sequence[int] | None = None, **logged: Sequence[float]) -> Totals:
    """Make totals for examples and tests; what is not named is 0, and each is a team of one."""
    n = max(len(values) for values in logged.values())
    zeros: dict[str, Any] = {name: np.zeros(n) for name in ACCUMULATORS}
    named = {name: np.asarray(values, dtype=np.float64) for name, values in logged.items()}
    teams = np.arange(n) if team is None else np.asarray(team, dtype=np.int64)
    return Totals(**(zeros | named), team=teams)


def with_team(parts: Iterable[Any], team: Ints) -> Totals:
    """Make totals of the accumulators, in their order, and the agents' teams."""
    columns: list[Any] = [*parts, team]
    return Totals(*columns)


class PaysSomething(Protocol):
    """Anything with ``pay``: what `lower` and `Ledger` need of a scheme."""

    def pay(self, totals: Totals, /) -> Floats:
        """Return the pay of one period for each agent."""
