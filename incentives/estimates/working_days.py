"""When in the month are successes logged? By working day from the month's end, scheme by scheme.

Use `month_ends` where pay depends on a month's total. The calendar of the log shows when successes
are logged, not why: who slackens once the target is met and who keeps a sale for the next month
leave the same gap. What was held back is in the next month's totals and on no contact of it.
"""

from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from incentives.estimates.audits import served, succeeded
from incentives.estimates.comparison import (
    Comparison,
    Counts,
    Measure,
    Measured,
    Observed,
    compare_arms,
    listed,
    require,
    since_apart,
    unknown,
)
from incentives.estimates.inference import Bools, Floats, shares
from incentives.estimates.result import Check, Estimate, direction, tidy

__all__ = ["month_ends"]

Ints = npt.NDArray[np.int64]

METRICS = {"sales": ("sale",), "saves": ("saved",)}
UNIT, ESTIMATOR = "per 100 contacts", "difference in day shares"
LEFT_OUT, LAST, MIDDLE, FIRST = -1, 0, 1, 2
PARTS = 3
AS_BUSY = 1.25  # times as many contacts in the last days as in the first, or the other way round
COLUMNS = ["run", "month", "day", "agent", "team", "scheme", "logged_outcome"]

CALENDAR = {
    # what is made of 100 contacts of the last days, of the middle and of the first days
    "excess": ("more in the last days", (1.0, -1.0, 0.0)),
    "dip": ("fewer in the first days after", (0.0, 1.0, -1.0)),
    "new": ("more in the last days than fewer after", (1.0, -2.0, 1.0)),
}


class Logged(Observed, Protocol):
    """What this question reads: the frames of other questions, and single contacts."""

    def seen_by(self, role: Literal["analyst"], /) -> "Logged":
        """Give the same frames without what the analyst cannot see."""
        ...

    @property
    def contacts(self) -> pd.DataFrame:
        """One row a contact, with its day."""
        ...


class Log(NamedTuple):
    """Served contacts since schemes differ, and where in the month each stands."""

    frame: pd.DataFrame
    success: Floats
    month: Ints  #: since schemes differ, from 0
    day: Ints  #: working day of the month, from 0
    until: Ints  #: working days until the month's last one
    part: Ints  #: `LAST`, `MIDDLE`, `FIRST`, or `LEFT_OUT`
    turn: Bools  #: in the last days of a month that another one follows


def month_ends(
    records: Logged,
    *,
    by: str = "scheme",
    control: str,
    metric: str = "sales",
    days: int = 3,
) -> Estimate:
    """Estimate how a scheme moves logged successes about the ends of months.

    **Estimand.** Under a scheme less under the control, of 100 served contacts: how many more are
    logged as a success in the last `days` working days of a month than in its middle (*excess*);
    how many fewer in the first `days` after a month's end than in the middle (*dip*: what was
    pulled forward leaves one); and the excess less the dip (*new*: what no dip pays back). Besides,
    how many successes for 100 contacts of the last days are in the next month's totals of agents
    and on no contact of that month (*booked late*: what was held back), and what the excess would
    be had they been logged on their day (*made*).

    **Identification.** Schemes were assigned independently of when successes come. The effect is
    that of the scheme on the calendar, by whatever way: a target lets agents press early and
    slacken late without a single outcome being moved, and then excess and dip are both below 0, as
    they are where successes are held back. Only *booked late* tells holding back from that, and
    only where months' totals are counted apart from contacts, as for pay; successes that an audit
    found to be false are taken to be struck from them. What is booked ahead and effort at the
    month's end are told apart by the dip alone, if what was pulled forward is missing within
    `days`.

    **Estimator.** Shares of contacts by part of the month and scheme (a binomial regression on
    these dummies, which is saturated), and their differences. The first days of the first month
    since schemes differ follow no month's end under them and are left out. Errors clustered at the
    level of assignment, with t critical values.

    Parameters
    ----------
    records
        Simulated with ``keep="contacts"``, or a firm's own tables; only the analyst's view is read:
        `runs` (``days_per_month``), `assignments`, `contacts`, and `agents` for what is booked
        late.
    by
        ``"scheme"``, or a column of `runs` in which whole worlds differ.
    control
        The scheme that the others are compared with.
    metric
        ``"sales"`` or ``"saves"``, as logged.
    days
        Working days at either side of a month's end, 1 or more; twice as many must leave a middle.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: `excess` (the headline), `dip`, `new`, and, where
        `agents` has the months' totals, `booked_late` and `made`. `details` has ``"levels"`` and
        ``"profile"`` (logged successes of 100 contacts by working day, from 1, and by days until
        the month's last).

    Raises
    ------
    KeyError
        A scheme, a metric or a column is not in the records.
    ValueError
        The records cannot answer: no contacts, none logged as a success, a single month, no
        middle, too few clusters.

    Notes
    -----
    A dip as deep as the excess is high pays it back in full if first and last days are equally
    busy, which a check looks at. In worlds in which half the teams had a monthly target, excess
    and dip were both negative with timing (G7) switched off: a shift is no proof of a lie. What
    those who left had held back is booked nowhere, and not seen. With 32 teams intervals hold the
    truth as often as they say (see the documentation's page on estimators); with 16, half of them
    under a target, those of *excess* and *made* did so a little too seldom, 93 to 94 times in 100.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=1_000))
    >>> target = inc.Wage() + inc.Target("sales", 8, lump=50.0)
    >>> worlds = centre.vary(scheme={"wage": inc.Wage(), "target": target})
    >>> records = inc.simulate(worlds, replications=4, months=2, rng=1, keep="contacts")
    >>> inc.month_ends(records, control="wage").tidy()["estimand"].tolist()
    ['excess', 'dip', 'new', 'booked_late', 'made']
    """
    seen = records.seen_by("analyst")
    log = _read(seen, by=by, metric=metric, days=days)
    _refuse_without(log, metric)
    plan = compare_arms(seen, log.frame, by=by, control=control)
    inside = log.part != LEFT_OUT
    success, n = plan.totals(
        log.frame[inside],
        [log.success[inside], np.ones(int(inside.sum()))],
        within=(log.part[inside], PARTS),
    )
    _refuse_bare(plan, n)
    measured = _by_calendar(success, n)
    late = _booked_late(seen, plan, log, by=by, metric=metric)
    if late is not None:
        measured += [late, _made(measured[0], late)]
    rows, levels = plan.tables(measured, n.sum(axis=2) > 0)
    return Estimate(
        question=f"Logged {metric} about the ends of months under each {by}, against '{control}'",
        rows=rows,
        design={
            **plan.facts(rows),
            "metric": metric,
            "days": days,
            "n_months": int(log.month.max()) + 1,
            "n_contacts": len(log.frame),
        },
        facts=f"{plan.described(rows)}; {n[:, :, LAST].sum():,.0f} contacts in the last {days} "
        f"days of months, {n[:, :, FIRST].sum():,.0f} in the first {days} after",
        reading=_reading(tidy(rows), metric),
        checks=(*plan.checks(rows), _busy(n, log, days), _apart(late)),
        details={"levels": tidy(levels), "profile": _profile(plan, log)},
    )


# ── the calendar ─────────────────────────────────────────────────────────────────────────────────


def _read(seen: Logged, *, by: str, metric: str, days: int) -> Log:
    """Take served contacts since schemes differ, and lay them out by working day."""
    if metric not in METRICS:
        raise unknown(metric, METRICS, what="metric", where="month_ends")
    frame = served(seen.contacts, "contacts", COLUMNS)
    runs = require(seen.runs, "runs", ["run", "days_per_month"]).set_index("run")
    length = frame["run"].map(runs["days_per_month"]).to_numpy(dtype=np.int64)
    if days < 1 or 2 * days >= length.min():
        raise ValueError(
            f"days must be 1 or more, and twice as many fewer than the {length.min()} working days "
            f"of a month, got {days}"
        )
    day = frame["day"].to_numpy(dtype=np.int64) % length
    frame = frame[[c for c in COLUMNS if c != "day"]].assign(day=day, until=length - 1 - day)
    frame = since_apart(seen, frame, by=by)
    if frame.empty or not (frame["month"] > 0).any():
        raise ValueError(
            "records hold a single month since schemes differ: no month's end is followed by the "
            "first days of another; take two months or more"
        )
    month, day, until = (frame[name].to_numpy(np.int64) for name in ("month", "day", "until"))
    followed = month < frame.groupby("run")["month"].transform("max").to_numpy()
    part = np.full(len(frame), MIDDLE)
    part[until < days] = LAST
    part[day < days] = np.where(month[day < days] > 0, FIRST, LEFT_OUT)
    success = succeeded(frame["logged_outcome"], METRICS[metric]).astype(np.float64)
    return Log(frame, success, month, day, until, part, (part == LAST) & followed)


def _refuse_without(log: Log, metric: str) -> None:
    """Refuse a log without a single success: it would be read as an effect of exactly nothing."""
    if not log.success.any():
        others = listed(name for name in METRICS if name != metric)
        raise ValueError(
            f"no served contact is logged as one of the {metric} since schemes differ, so that "
            f"nothing can have been moved: ask about {others} if these are logged"
        )


def _refuse_bare(plan: Comparison, n: Floats) -> None:
    """Refuse an arm without contacts in some part of the month."""
    for arm, name in enumerate(plan.arms):
        if not n[:, arm].sum(axis=0).all():
            raise ValueError(
                f"'{name}' has no contacts in the last days, the middle or the first days of "
                "months: take more months"
            )


def _by_calendar(success: Floats, n: Floats) -> list[Measured]:
    """Compare parts of the month within each arm, from (clusters, arms, parts)."""
    clusters, arms, _ = n.shape
    level = shares(success.reshape(clusters, -1), n.reshape(clusters, -1)) * 100
    counts = Counts(n.sum(axis=(0, 2)), n_events=success.sum(axis=(0, 2)))
    weight = n.sum(axis=2)
    made = []
    for name, (label, taken) in CALENDAR.items():
        measure = Measure(name, UNIT, ESTIMATOR, label=label).main()
        value = level.linear(np.kron(np.eye(arms), np.array(taken)))
        made.append(Measured(measure, value, counts, weight))
    return made


def _booked_late(
    seen: Logged, plan: Comparison, log: Log, *, by: str, metric: str
) -> Measured | None:
    """Compare the months' totals with the contacts of those months, if there are totals."""
    name = f"logged_{metric}"
    if seen.agents.empty or name not in seen.agents:
        return None
    total = _after_first(seen, plan, seen.agents, "agents", name, by=by)
    shown = plan.totals(log.frame[log.month > 0], [log.success[log.month > 0]])[0]
    n = plan.totals(log.frame[log.turn], [np.ones(int(log.turn.sum()))])[0]
    late = total - shown + _struck(seen, plan, by=by, metric=metric)
    measure = Measure("booked_late", UNIT, "totals less contacts", label="booked a month late")
    counts = Counts(n.sum(axis=0), n_events=late.sum(axis=0))
    return Measured(measure.main(), shares(late, n) * 100, counts, n)


def _made(excess: Measured, late: Measured) -> Measured:
    """Give the excess, had what was booked late been logged on its day."""
    label = "more made in the last days"
    measure = Measure("made", UNIT, "excess and totals less contacts", label=label).main()
    return excess._replace(measure=measure, estimated=excess.estimated + late.estimated)


def _struck(seen: Logged, plan: Comparison, *, by: str, metric: str) -> Floats:
    """Count the logged successes that an audit found to be false: (clusters, arms)."""
    if seen.audits.empty:
        return np.zeros((plan.clusters, len(plan.arms)))
    audits = require(seen.audits, "audits", ["found", "logged_outcome"])
    false = (audits["found"].astype(str) != "none").to_numpy()
    struck = audits[false & succeeded(audits["logged_outcome"], METRICS[metric])]
    return _after_first(seen, plan, struck.assign(n=1), "audits", "n", by=by)


def _after_first(
    seen: Logged, plan: Comparison, frame: pd.DataFrame, name: str, column: str, *, by: str
) -> Floats:
    """Add a column up over the months that follow one since schemes differ: (clusters, arms)."""
    columns = ["run", "month", "agent", "team", "scheme", column]
    if frame.empty:
        return np.zeros((plan.clusters, len(plan.arms)))
    since = since_apart(seen, require(frame, name, columns)[columns], by=by)
    since = since[(since["month"] > 0).to_numpy()]
    return plan.totals(since, [since[column].to_numpy(dtype=np.float64)])[0]


# ── what is told ─────────────────────────────────────────────────────────────────────────────────


def _profile(plan: Comparison, log: Log) -> pd.DataFrame:
    """Give logged successes of 100 contacts by scheme and working day."""
    arms = np.array(plan.arms)[plan.arm_codes(log.frame)]
    days = pd.DataFrame(
        {"scheme": arms, "day": log.day + 1, "until_end": log.until, "success": log.success}
    )
    counted = days.groupby(["scheme", "day", "until_end"], sort=True)["success"]
    profile = counted.agg(n="size", logged="sum").reset_index()
    return profile.assign(per_100=100 * profile["logged"] / profile["n"])


def _busy(n: Floats, log: Log, days: int) -> Check:
    """Look at whether a dip pays an excess back one for one."""
    ratio = float(log.turn.sum() / n[:, :, FIRST].sum())
    return Check(
        "last and first days are equally busy",
        1 / AS_BUSY <= ratio <= AS_BUSY,
        ratio,
        AS_BUSY,
        f"times as many contacts in the last {days} days as in the first: the dip is of other "
        "contacts than the excess",
    )


def _apart(late: Measured | None) -> Check:
    """Look at whether anything could show that was held back."""
    differ = 0.0 if late is None else float(np.abs(late.estimated.value).max())
    return Check(
        "totals are counted apart from contacts",
        differ > 0,
        differ,
        0,
        "no total differs from the contacts of its month: either nothing was booked late, or the "
        "totals were made of these contacts and cannot tell",
    )


def _reading(rows: pd.DataFrame, metric: str) -> str:
    """Say in a line what each scheme does to the calendar."""
    said = []
    for term, mine in rows.groupby("term", sort=False):
        row = {str(one["estimand"]): one for _, one in mine.iterrows()}
        excess, dip, late = row["excess"], row["dip"], row.get("booked_late")
        way = direction(excess)
        between = f"{excess['conf_low']:+.2g} to {excess['conf_high']:+.2g} {UNIT}"
        words = {
            1: f"'{term}' has more {metric} logged in the last days of months ({between})",
            -1: f"'{term}' has fewer {metric} logged in the last days of months ({between})",
            0: f"whether '{term}' moves {metric} to the last days is unclear ({between})",
        }[way]
        if way > 0 and direction(dip) > 0:
            words += f", and {dip['estimate']:.2g} fewer in the first days after: pulled forward"
        elif way < 0 and direction(dip) < 0:
            words += (
                f", and {-dip['estimate']:.2g} more in the first days after: pressed early or "
                "held back"
            )
        if late is not None and direction(late) > 0:
            words += f"; {late['estimate']:.2g} were booked a month late"
        said.append(words)
    return "; ".join(said)
