"""What a study can ask: estimands by name, each with a truth that twins know.

A truth is the mean paired difference between the same world with everybody under a scheme and
with everybody under the control, from the month in which the schemes start. Where units of one
world meet (a queue that is shared, talk between teams), that is another number than the
difference between the halves of one world; an oracle that reads true outcomes shows how far
apart they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from incentives.records import Records
from incentives.truth import outcomes

__all__ = [
    "QUESTIONS",
    "Question",
    "mean_effects",
    "of_each_world",
    "true_effects",
    "true_values",
]


@dataclass(frozen=True, slots=True)
class Question:
    """An estimand: its name, its unit, which way is better, and how twins know the truth.

    Parameters
    ----------
    name
        As the rows of an `Estimate` call it.
    unit
        Of the effect.
    better
        1 if a firm wants more of it, -1 if less: what a choice of scheme goes by.
    value
        Gives the value of each run from the frame of true outcomes (`incentives.truth`).
    """

    name: str
    unit: str
    better: Literal[1, -1]
    value: Callable[[pd.DataFrame], "pd.Series[float]"]


def _outcome(name: str, unit: str, better: Literal[1, -1]) -> Question:
    """Make a question of an outcome of twins."""
    return Question(name, unit, better, lambda true: true[name])


QUESTIONS: dict[str, Question] = {
    each.name: each
    for each in (
        _outcome("gamed", "per 100 contacts", -1),
        _outcome("success_true", "per 100 contacts", 1),
        _outcome("success_logged", "per 100 contacts", 1),
        Question(
            "inflation",
            "per 100 contacts",
            -1,
            lambda true: true["success_logged"] - true["success_true"],
        ),
        _outcome("churn", "per 100 customers by the horizon", -1),
        _outcome("months_retained", "months per customer", 1),
        _outcome("profit", "money per month, the whole centre", 1),
    )
}
"""What can be asked, by name."""

MONEY = QUESTIONS["profit"]
"""What a choice of scheme is worth."""


def true_values(records: Records, questions: Mapping[str, Question], start: int) -> pd.DataFrame:
    """Give what is asked in each run, counted from the month in which the schemes start.

    Parameters
    ----------
    records
        Of whole worlds under one scheme each.
    questions
        What is asked, by name.
    start
        Month from which the schemes are in force.

    Returns
    -------
    pandas.DataFrame
        Indexed by `run`, a column a question and `money`.
    """
    since = _since(records, start)
    true = outcomes(since, horizon=int(since.runs["months"].iloc[0])).set_index("run")
    columns = {name: question.value(true) for name, question in questions.items()}
    return pd.DataFrame({**columns, "money": MONEY.value(true)})


def true_effects(values: pd.DataFrame, schemes: list[str], control: str) -> pd.DataFrame:
    """Give the paired effects of each scheme against the control, world by world.

    Parameters
    ----------
    values
        Indexed by `scheme` and `world`, a column a question and `money`.
    schemes
        The schemes, the control among them.
    control
        What the others are held against.

    Returns
    -------
    pandas.DataFrame
        A row a world, scheme and question: `truth`, and `money`, the scheme's profit less the
        control's.
    """
    gaps = {name: values.loc[name] - values.loc[control] for name in schemes if name != control}
    tall = pd.concat(gaps, names=["scheme", "world"]).reset_index()
    return tall.melt(["scheme", "world", "money"], var_name="question", value_name="truth")


def mean_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """Average over worlds, with the Monte-Carlo error of each mean."""
    grouped = effects.groupby(["scheme", "question"], sort=False)
    means = grouped[["truth", "money"]].mean()
    errors = grouped[["truth", "money"]].sem().add_suffix("_mc_error")
    return means.join(errors).reset_index()


def of_each_world(effects: pd.DataFrame) -> pd.DataFrame:
    """Take the effects of each world as they are: of that world there is no other."""
    return effects.assign(truth_mc_error=0.0, money_mc_error=0.0)


def _since(records: Records, start: int) -> Records:
    """Leave out the months before the schemes, and count months and customers from there."""
    if start == 0:
        return records
    moved = {
        name: frame[frame["month"] >= start].assign(month=lambda each: each["month"] - start)
        for name, frame in records.frames().items()
        if "month" in frame and len(frame)
    }
    customers, runs = moved["customers"], records.runs
    first = customers[customers["initial"] & (customers["month"] == 0)]
    left = runs["run"].map(first.groupby("run")["n"].sum())
    return replace(
        records, **moved, runs=runs.assign(months=runs["months"] - start, customers=left)
    )
