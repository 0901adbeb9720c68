"""Who answers a study's questions: estimators by name, and the two that always stand beside.

``"naive"`` reads the log as a manager would, ``"oracle"`` what truly happened; both compare the
units that were assigned, by the same inference as the estimators. What lies between the naive
answer and the truth is what an estimator is for; what lies between the oracle and the truth is
interference, which no estimator can undo.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from incentives.estimates import (
    Estimate,
    churn_effect,
    competing_risks,
    gaming_effect,
    kpi_inflation,
    misclassified_effect,
    scheme_effect,
    true_effect,
)
from incentives.estimates.comparison import (
    Comparison,
    Counts,
    Measure,
    Measured,
    compare_arms,
    since_apart,
)
from incentives.estimates.inference import Bools, Floats, shares
from incentives.records import Records
from incentives.study.questions import QUESTIONS

if TYPE_CHECKING:
    from incentives.study.design import Study

__all__ = ["ANSWERS", "BESIDE", "Answer"]

SUCCESSES = ("sale", "saved")


@dataclass(frozen=True, slots=True)
class Answer:
    """An estimator as a study asks it.

    Parameters
    ----------
    ask
        Takes the records and the study, gives an `Estimate`.
    questions
        What it can answer. The first row of the estimate with the question's estimand, without
        a group, is the answer.
    estimands
        The estimand by question, where the estimate calls it by another name.
    sees_truth
        Whether it is handed all of the records, and not the analyst's view.
    """

    ask: "Callable[[Records, Study], Estimate]"
    questions: tuple[str, ...]
    estimands: Mapping[str, str] = field(default_factory=dict)
    sees_truth: bool = False


class Sum(NamedTuple):
    """Values to add up by unit and scheme."""

    frame: pd.DataFrame
    values: Floats
    team: str = "team"


class Ratio(NamedTuple):
    """Sums over sums, and what they are to be multiplied by."""

    events: list[Sum]
    at_risk: list[Sum]
    scale: float = 100.0


class Frames(NamedTuple):
    """What the two readings read, from the month in which the schemes start."""

    served: pd.DataFrame
    audits: pd.DataFrame
    customers: pd.DataFrame
    agents: pd.DataFrame
    months: int
    teams: int


# ── what the log says, and what is so ────────────────────────────────────────────────────────────


def _naive_gamed(seen: Frames) -> Ratio:
    """Take the checks as they come."""
    return _mean(seen.audits, _flags(seen.audits["found"].astype(str) != "none"))


def _logged_success(seen: Frames) -> Ratio:
    return _counted(seen.served, _successes(seen.served["logged_outcome"]))


def _naive_inflation(seen: Frames) -> Ratio:
    noted, found = (_successes(seen.audits[name]) for name in ("logged_outcome", "found_outcome"))
    return _mean(seen.audits, noted - found)


def _naive_churn(seen: Frames) -> Ratio:
    """Count the cancellations on the log per customer of the first month."""
    return Ratio([_cancelled(seen, np.ones(seen.months))], [_at_first(seen)])


def _naive_retained(seen: Frames) -> Ratio:
    """Let a cancellation on the log cost the months that were left, and nothing else cost any."""
    first = _at_first(seen)
    left = _cancelled(seen, np.arange(-seen.months, 0, dtype=np.float64))
    return Ratio([first._replace(values=seen.months * first.values), left], [first], 1.0)


def _naive_profit(seen: Frames) -> Ratio:
    """Add bills and sales as logged, less pay; refunds come later and stand elsewhere."""
    sold = (seen.served["logged_outcome"] == "sale").to_numpy()
    return _per_team(seen, [_money(seen.served, "value", sold), _billed(seen, "value")])


def _true_gamed(seen: Frames) -> Ratio:
    return _counted(seen.served, _flags(seen.served["true_gaming"] != "none"))


def _true_success(seen: Frames) -> Ratio:
    return _counted(seen.served, _successes(seen.served["true_outcome"]))


def _true_inflation(seen: Frames) -> Ratio:
    logged, true = (_successes(seen.served[name]) for name in ("logged_outcome", "true_outcome"))
    return _counted(seen.served, logged - true)


def _true_churn(seen: Frames) -> Ratio:
    initial = seen.customers[seen.customers["initial"].to_numpy(bool)]
    return Ratio([Sum(initial, _float(initial, "left"), "home_team")], [_at_first(seen)])


def _true_retained(seen: Frames) -> Ratio:
    initial = seen.customers[seen.customers["initial"].to_numpy(bool)]
    stayed = _float(initial, "n") - _float(initial, "left")
    return Ratio([Sum(initial, stayed, "home_team")], [_at_first(seen)], 1.0)


def _true_profit(seen: Frames) -> Ratio:
    """Add bills, true sales and data sold, less refunds and pay.

    Winning customers costs the same under every scheme, but for their number in all.
    """
    sold = (seen.served["true_outcome"] == "sale").to_numpy()
    refunds = _billed(seen, "refund")
    return _per_team(
        seen,
        [
            _money(seen.served, "value", sold),
            _billed(seen, "value"),
            _billed(seen, "data_sold"),
            refunds._replace(values=-refunds.values),
        ],
    )


READINGS: dict[str, dict[str, Callable[[Frames], Ratio]]] = {
    "naive": {
        "gamed": _naive_gamed,
        "success_true": _logged_success,
        "success_logged": _logged_success,
        "inflation": _naive_inflation,
        "churn": _naive_churn,
        "months_retained": _naive_retained,
        "profit": _naive_profit,
    },
    "oracle": {
        "gamed": _true_gamed,
        "success_true": _true_success,
        "success_logged": _logged_success,
        "inflation": _true_inflation,
        "churn": _true_churn,
        "months_retained": _true_retained,
        "profit": _true_profit,
    },
}


def _naive(records: Records, study: "Study") -> Estimate:
    """Read the log."""
    return _read(records, study, "naive")


def _oracle(records: Records, study: "Study") -> Estimate:
    """Read the truth."""
    return _read(records, study, "oracle")


def _read(records: Records, study: "Study", name: str) -> Estimate:
    """Compare ratios of sums over the units that were assigned."""
    frames = _frames(records, study)
    plan = compare_arms(records, frames.served, by="scheme", control=study.control)
    asked = {each: READINGS[name][each] for each in study.questions if each in READINGS[name]}
    rows = [_rows(plan, each, name, read(frames)) for each, read in asked.items()]
    table = pd.concat(rows, ignore_index=True)
    return Estimate(
        question=f"The {name} reading of {', '.join(asked)}, against '{study.control}'",
        rows=table,
        design=plan.facts(table),
        facts=plan.described(table),
        reading=f"what {'the log says' if name == 'naive' else 'happened'}",
        checks=tuple(plan.checks(table)),
        details={},
    )


def _rows(plan: Comparison, question: str, name: str, ratio: Ratio) -> pd.DataFrame:
    events, at_risk = (_totals(plan, sums) for sums in (ratio.events, ratio.at_risk))
    counts = Counts(n=at_risk.sum(axis=0), n_events=events.sum(axis=0))
    for arm, n in zip(plan.arms, counts.n, strict=True):
        if n == 0:
            raise ValueError(f"nothing was counted under '{arm}' that could tell '{question}'")
    measure = Measure(question, QUESTIONS[question].unit, name).main()
    measured = Measured(measure, shares(events, at_risk) * ratio.scale, counts)
    return plan.tables([measured], at_risk > 0)[0]


def _totals(plan: Comparison, sums: Sequence[Sum]) -> Floats:
    """Add up by unit and scheme, over all the sums."""
    if plan.unit == "agent" and any(each.team == "home_team" for each in sums):
        raise ValueError("customers belong to teams: assign teams, and not agents, to ask of them")
    parts = [plan.totals(each.frame, [each.values], team=each.team)[0] for each in sums]
    return np.asarray(sum(parts), dtype=np.float64)


def _frames(records: Records, study: "Study") -> Frames:
    def since(frame: pd.DataFrame) -> pd.DataFrame:
        return since_apart(records, frame, by="scheme")

    cells = records.cells
    return Frames(
        served=since(cells[cells["agent"] >= 0]),
        audits=since(records.audits),
        customers=since(records.customers),
        agents=since(records.agents),
        months=study.horizon,
        teams=int(study.centre.floor.teams),
    )


def _successes(outcome: "pd.Series[str]") -> Floats:
    return _flags(outcome.isin(SUCCESSES))


def _flags(held: "pd.Series[bool]") -> Floats:
    return np.asarray(held.to_numpy(), dtype=np.float64)


def _float(frame: pd.DataFrame, column: str) -> Floats:
    return frame[column].to_numpy(dtype=np.float64)


def _counted(cells: pd.DataFrame, share: Floats) -> Ratio:
    n = _float(cells, "n")
    return Ratio([Sum(cells, n * share)], [Sum(cells, n)])


def _mean(audits: pd.DataFrame, values: Floats) -> Ratio:
    return Ratio([Sum(audits, values)], [Sum(audits, np.ones(len(audits)))])


def _at_first(seen: Frames) -> Sum:
    """Count the initial customers of the first month."""
    there = seen.customers["initial"].to_numpy(bool) & (seen.customers["month"] == 0).to_numpy()
    first = seen.customers[there]
    return Sum(first, _float(first, "n"), "home_team")


def _cancelled(seen: Frames, weight: Floats) -> Sum:
    """Weight the cancellations on the log by month."""
    gone = seen.served[(seen.served["logged_outcome"] == "cancelled").to_numpy()]
    return Sum(gone, _float(gone, "n") * weight[gone["month"].to_numpy(dtype=np.int64)])


def _money(frame: pd.DataFrame, column: str, chosen: Bools) -> Sum:
    part = frame[chosen]
    return Sum(part, _float(part, column))


def _billed(seen: Frames, column: str) -> Sum:
    return Sum(seen.customers, _float(seen.customers, column), "home_team")


def _per_team(seen: Frames, earned: list[Sum]) -> Ratio:
    """Give money per month as if every team were like those of the scheme."""
    paid = Sum(seen.agents, -_float(seen.agents, "paid"))
    team = seen.agents.drop_duplicates(["run", "team", "scheme"])
    scale = seen.teams / seen.months
    return Ratio([*earned, paid], [Sum(team, np.ones(len(team)))], scale)


# ── estimators ───────────────────────────────────────────────────────────────────────────────────


def _gaming_effect(records: Records, study: "Study") -> Estimate:
    return gaming_effect(records, control=study.control, detection=study.detection())


def _churn_effect(records: Records, study: "Study") -> Estimate:
    return churn_effect(records, control=study.control, horizon=study.horizon)


def _true_effect(records: Records, study: "Study") -> Estimate:
    return true_effect(
        records, control=study.control, outcome="success", detection=study.detection()
    )


def _misclassified_effect(records: Records, study: "Study") -> Estimate:
    return misclassified_effect(
        records, control=study.control, outcome="success", detection=study.detection()
    )


def _kpi_inflation(records: Records, study: "Study") -> Estimate:
    return kpi_inflation(records, control=study.control, detection=study.detection())


def _scheme_effect(records: Records, study: "Study") -> Estimate:
    return scheme_effect(records, control=study.control)


def _competing_risks(records: Records, study: "Study") -> Estimate:
    return competing_risks(records, control=study.control, horizon=study.horizon)


BESIDE = ("naive", "oracle")
"""The readings that stand beside every estimator."""

ANSWERS: dict[str, Answer] = {
    "naive": Answer(_naive, tuple(READINGS["naive"])),
    "oracle": Answer(_oracle, tuple(READINGS["oracle"]), sees_truth=True),
    "gaming_effect": Answer(_gaming_effect, ("gamed", "success_true", "inflation")),
    "true_effect": Answer(_true_effect, ("success_true",)),
    "misclassified_effect": Answer(_misclassified_effect, ("success_true",)),
    "kpi_inflation": Answer(_kpi_inflation, ("inflation",), {"inflation": "success_inflation"}),
    "scheme_effect": Answer(_scheme_effect, ("success_logged",)),
    "churn_effect": Answer(_churn_effect, ("churn", "months_retained")),
    "competing_risks": Answer(_competing_risks, ("churn",), {"churn": "incidence"}),
}
"""Who can answer, by name."""
