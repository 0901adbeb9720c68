"""No estimator can see the truth: with nonsense in its place, every answer stays what it was.

Estimators are found by their public names, so that one which is added later has to say here how
it is called.
"""

import inspect
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from worlds import oracle

import incentives as inc
from incentives import estimates

CALLS: dict[str, Callable[[inc.Records], Any]] = {
    # name: how it is asked something of the worlds "honest", half of whose teams are paid for saves
    "gaming_effect": lambda records: estimates.gaming_effect(records, control="wage"),
    "churn_effect": lambda records: estimates.churn_effect(records, control="wage", horizon=2),
    "agent_spread": lambda records: estimates.agent_spread(records, outcome="sales"),
}
READ_NO_RECORDS = {"read_records", "write_templates"}


def public() -> list[str]:
    """Name the public functions among the estimates: the rest are kinds of results."""
    functions = [name for name in estimates.__all__ if inspect.isfunction(getattr(estimates, name))]
    return [name for name in functions if name not in READ_NO_RECORDS]


def poisoned(records: inc.Records) -> inc.Records:
    """Put nonsense in the place of everything that only the simulator knows."""
    rng = np.random.default_rng(666)
    return inc.Records(
        **{
            name: frame.assign(
                **{
                    column: nonsense(frame[column], rng)
                    for column in frame
                    if str(column).startswith("true_")
                }
            )
            for name, frame in records.frames().items()
        }
    )


def nonsense(values: pd.Series, rng: np.random.Generator) -> Any:
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = rng.integers(0, len(values.cat.categories), len(values))
        return pd.Categorical.from_codes(codes, values.cat.categories)
    if values.dtype == bool:
        return rng.random(len(values)) < 0.5
    return rng.normal(1e6, 1e5, len(values)).astype(values.dtype)


@cache
def worlds() -> tuple[inc.Records, inc.Records]:
    records = oracle("honest")
    return records, poisoned(records)


def written(answer: Any) -> str:
    """Write an answer as text, to the last bit."""
    if hasattr(answer, "to_dict"):
        return json.dumps(answer.to_dict(), sort_keys=True)
    return json.dumps({"tidy": answer.tidy().to_dict(), "text": answer.summary()}, default=repr)


def test_every_public_estimator_says_here_how_it_is_called() -> None:
    assert set(public()) == set(CALLS)


def test_the_poison_is_one() -> None:
    clean, spoilt = worlds()
    truths = [
        (name, column)
        for name, frame in clean.frames().items()
        for column in frame
        if column.startswith("true_") and len(frame)
    ]
    assert len(truths) >= 8
    for name, column in truths:
        one, other = getattr(clean, name)[column], getattr(spoilt, name)[column]
        assert (one.astype(object) != other.astype(object)).mean() > 0.3, (name, column)


@pytest.mark.parametrize("name", CALLS)
def test_an_estimator_never_reads_the_truth(name: str) -> None:
    clean, spoilt = worlds()
    assert written(CALLS[name](clean)) == written(CALLS[name](spoilt))


def test_an_estimator_that_peeks_is_caught() -> None:
    def peeks(records: inc.Records) -> str:
        frame = records.cells
        return str(frame.loc[frame["true_gaming"] != "none", "n"].sum())

    clean, spoilt = worlds()
    assert peeks(clean) != peeks(spoilt)


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_on_records_that_came_by_the_door_is_the_same(name: str) -> None:
    records = oracle("honest").seen_by("analyst")
    read = estimates.read_records(records.frames())
    assert written(CALLS[name](read)) == written(CALLS[name](records))
