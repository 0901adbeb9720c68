"""No estimator can see the truth: with nonsense in its place, every answer stays what it was.

Nor do audits that were made on suspicion move an answer that speaks of all contacts.

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
from audit_worlds import checked
from worlds import PRICES, SCHEMES, THRESHOLD, contractor, each, oracle

import incentives as inc
from incentives import estimates

Call = Callable[[inc.Records], Any]

CALLS: dict[str, tuple[str, Call]] = {
    # name: the worlds that it is asked of, half of whose teams are paid otherwise, and how
    "gaming_effect": ("honest", lambda r: estimates.gaming_effect(r, control="wage")),
    "churn_effect": ("honest", lambda r: estimates.churn_effect(r, control="wage", horizon=2)),
    "competing_risks": (
        "honest",
        lambda r: estimates.competing_risks(r, control="wage", horizon=2),
    ),
    "scheme_effect": ("honest", lambda r: estimates.scheme_effect(r, control="wage")),
    "true_rate": ("honest", estimates.true_rate),
    "true_effect": ("honest", lambda r: estimates.true_effect(r, control="wage")),
    "kpi_inflation": ("honest", lambda r: estimates.kpi_inflation(r, control="wage")),
    "misclassified_effect": ("honest", lambda r: estimates.misclassified_effect(r, control="wage")),
    "optimal_audit": ("honest", lambda r: estimates.optimal_audit(r, audits=100_000.0)),
    "audit_priorities": ("contacts", lambda r: estimates.audit_priorities(r, control="wage")),
    "deterrence": ("checked", estimates.deterrence),
    "staggered_effect": ("staggered-honest", estimates.staggered_effect),
    "bunching": (
        "target",
        lambda r: estimates.bunching(r, threshold=THRESHOLD, control="wage", degree=3),
    ),
    "agent_types": ("switched", lambda r: estimates.agent_types(one(r), money=PRICES, classes=2)),
    "agent_spread": ("honest", lambda r: estimates.agent_spread(r, outcome="sales")),
    "month_ends": ("contacts", lambda r: estimates.month_ends(r, control="wage")),
}
LEAVE_OUT_SUSPICIONS = {
    "gaming_effect",
    "true_rate",
    "true_effect",
    "kpi_inflation",
    "misclassified_effect",
    "deterrence",
    "staggered_effect",
    "agent_types",
}
"""The estimates that say in their design how many audits were made on suspicion, and left out."""

STRIKES_FALSE_SUCCESSES = "month_ends"
"""It adds to the months' totals what audits struck from them, whatever led to an audit."""

READ_NO_RECORDS = {"read_records", "write_templates"}


def one(records: inc.Records) -> inc.Records:
    """Give the first world alone, as a firm's own."""
    return next(each(records))


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
def worlds(name: str = "honest") -> tuple[inc.Records, inc.Records]:
    made = {"checked": checked, "contacts": single}
    records = made[name]() if name in made else oracle(name)
    return records, poisoned(records)


def single() -> inc.Records:
    """Give a firm's log, contact by contact."""
    centre = contractor().change({"floor.teams": 6, "floor.customers": 6 * 2 * 1100})
    return inc.simulate(centre.assign(SCHEMES), months=2, rng=1, progress=False)


def written(answer: Any) -> str:
    """Write an answer as text, to the last bit."""
    if isinstance(answer, estimates.Estimate):
        return json.dumps(answer.to_dict(), sort_keys=True)
    return json.dumps([answer.tidy().to_dict("list"), str(answer)], default=repr)


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
    asked, call = CALLS[name]
    clean, spoilt = worlds(asked)
    assert written(call(clean)) == written(call(spoilt))


def test_an_estimator_that_peeks_is_caught() -> None:
    def peeks(records: inc.Records) -> str:
        frame = records.cells
        return str(frame.loc[frame["true_gaming"] != "none", "n"].sum())

    clean, spoilt = worlds()
    assert peeks(clean) != peeks(spoilt)


def suspected(records: inc.Records) -> inc.Records:
    """Audit every audited success again, on suspicion, and find all of them false."""
    audits = records.audits.astype({"found": str, "found_outcome": str, "mode": str})
    again = audits[audits["logged_outcome"].isin(["sale", "saved"])]
    tips = again.assign(mode="targeted", prob=np.nan, found="G1", found_outcome="handled")
    both = pd.concat([audits, tips], ignore_index=True)
    return inc.Records(**{**records.frames(), "audits": both})


@pytest.mark.parametrize("name", sorted(set(CALLS) - {STRIKES_FALSE_SUCCESSES}))
def test_audits_made_on_suspicion_are_left_out_of_every_answer(name: str) -> None:
    asked, call = CALLS[name]
    records = one(worlds(asked)[0]) if name == "agent_types" else worlds(asked)[0]
    more = suspected(records)
    before, after = call(records), call(more)
    pd.testing.assert_frame_equal(before.tidy(), after.tidy())
    for detail, frame in getattr(before, "details", {}).items():
        pd.testing.assert_frame_equal(frame, after.details[detail])
    left_out = getattr(after, "design", {}).get("n_targeted_left_out", 0)
    assert left_out == (len(more.audits) - len(records.audits)) * (name in LEAVE_OUT_SUSPICIONS)


@pytest.mark.parametrize("name", ["optimal_audit", "audit_priorities"])
def test_a_plan_and_a_list_say_that_audits_were_made_on_suspicion(name: str) -> None:
    asked, call = CALLS[name]
    records = worlds(asked)[0]
    more = suspected(records)
    checks = {check.name: check for check in call(more).checks}
    check = checks["no audits made on suspicion"]
    assert (check.passed, check.value) == (False, len(more.audits) - len(records.audits))
    assert {check.name: check.passed for check in call(records).checks}[check.name]


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_on_records_that_came_by_the_door_is_the_same(name: str) -> None:
    asked, call = CALLS[name]
    records = worlds(asked)[0].seen_by("analyst")
    read = estimates.read_records(records.frames())
    assert written(call(read)) == written(call(records))
