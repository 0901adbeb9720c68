"""Calls of the bank's log by period and sample: what all questions about cut-off calls share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from experiments._bank import MESSAGE, SIDE_CALLS

SEED = 19991018
"""Of every draw: resampled agents, flipped signs, permuted days."""

PERIODS = ("January", "1-17 October", "18-19 October", "20-31 October")
BEFORE, AFTER = PERIODS[:2], PERIODS[3]
SAMPLES: dict[str, tuple[str, ...]] = {
    "all contacts": (),
    "without messages": (MESSAGE,),
    "without messages and internet help": SIDE_CALLS,
}
ALL, HEADLINE, ORDINARY = SAMPLES

Floats = npt.NDArray[np.float64]


def with_period(calls: pd.DataFrame) -> pd.DataFrame:
    """Say on which side of the break each call lies."""
    last_days = [pd.Timestamp(1999, *day) for day in ((9, 30), (10, 17), (10, 19))]
    period = np.select([calls["date"] <= day for day in last_days], PERIODS[:3], PERIODS[3])
    return calls.assign(
        period=pd.Series(period, index=calls.index).astype(
            pd.CategoricalDtype(list(PERIODS), ordered=True)
        )
    )


def sample_of(calls: pd.DataFrame, sample: str) -> pd.DataFrame:
    """Leave out the reasons that a sample leaves out."""
    return calls[~calls["reason"].isin(SAMPLES[sample])]


def counts(calls: pd.DataFrame, by: str | Sequence[str]) -> pd.DataFrame:
    """Count contacts and those cut off; the share has a 95 % binomial (Jeffreys) interval."""
    groups = calls.groupby(by if isinstance(by, str) else list(by), observed=True)["cut_off"]
    table = groups.agg(contacts="size", cut_off="sum").reset_index()
    k, n = table["cut_off"], table["contacts"]
    low = np.where(k > 0, stats.beta.ppf(0.025, k + 0.5, n - k + 0.5), 0.0)
    high = np.where(k < n, stats.beta.ppf(0.975, k + 0.5, n - k + 0.5), 1.0)
    return table.assign(share=k / n, conf_low=low, conf_high=high)


def in_each_sample(calls: pd.DataFrame, by: str | Sequence[str]) -> pd.DataFrame:
    """Count in each sample, the name of the sample first."""
    tables = [counts(sample_of(calls, name), by).assign(sample=name) for name in SAMPLES]
    return first_column(pd.concat(tables, ignore_index=True), "sample")


def first_column(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Move one column to the front."""
    return table[[name, *table.columns.drop(name)]]


def row_of(table: pd.DataFrame, **where: str) -> dict[str, Any]:
    """Give the one row in which the columns have these values."""
    keep = np.logical_and.reduce([table[name] == value for name, value in where.items()])
    (row,) = table[keep].to_dict("records")
    return {str(name): value for name, value in row.items()}
