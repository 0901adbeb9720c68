"""What a scheme did to what the firm counts: an indicator on the log, or agents' months.

Use `scheme_effect` for any outcome that is on record as it is. Where the outcome is one that
agents log themselves and some contacts were audited, the effect on what really happened stands
beside it; `true_effect` and `kpi_inflation` say more of that.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from incentives.estimates.audits import CELL_COLUMNS, served, succeeded
from incentives.estimates.comparison import (
    Comparison,
    Counts,
    Measure,
    Measured,
    Observed,
    compare_arms,
    require,
    since_apart,
    unknown,
)
from incentives.estimates.inference import Bools, Estimated, Floats, shares
from incentives.estimates.methods import FEWEST
from incentives.estimates.result import TIDY_COLUMNS, Check, Estimate, direction, tidy
from incentives.estimates.two_phase import KPIS, effects, parts, read_phases

__all__ = ["indicators", "scheme_effect"]

KEYS = ["run", "month", "agent", "team", "scheme"]
NO_OUTCOMES = ("run", "month", "agent", "hire", "team", "scheme")


class Floor(Observed, Protocol):
    """What else an outcome may stand in."""

    @property
    def agents(self) -> pd.DataFrame:
        """Agent-months."""
        ...

    @property
    def surveys(self) -> pd.DataFrame:
        """One row an invited contact."""
        ...


class Outcome(NamedTuple):
    """A mean over contacts or agent-months: rows with the sums above and below the line."""

    estimand: str
    unit: str
    rows: pd.DataFrame
    above: Floats
    below: Floats
    each: str = "contacts"  #: what is counted below the line

    @property
    def scale(self) -> float:
        """What a mean is multiplied with to be in its unit."""
        return 100.0 if self.unit.startswith("per 100") else 1.0


def scheme_effect(
    records: Observed,
    *,
    by: str = "scheme",
    control: str,
    outcome: str = "success",
    detection: float | Mapping[str, float] = 1.0,
) -> Estimate:
    """Estimate the effect of being put under a scheme on what is on record.

    **Estimand.** The mean outcome under a scheme less that under the control, among units like
    those that were assigned: over contacts for what contacts have (each contact counts once, so
    busy agents count more), over agent-months for a column of `agents`. It is the effect of
    assignment (intention to treat) on the record. Where agents log the outcome themselves and
    contacts were audited, the effect on the true outcome is given beside it.

    **Identification.** Schemes were assigned to worlds, teams or agents independently of their
    outcomes; what one unit is paid for does not move another's. With half the units under each
    scheme it is the effect of moving units within such a mix, not of moving all of them.

    **Estimator.** The difference in means. Where the assignment began in a later month than the
    records, units' means since then on the scheme and on their own mean before (analysis of
    covariance, weighted by contacts or agent-months), one degree of freedom less; not with fewer
    than 6 teams or agents, for which only randomisation inference has an answer. Where units came
    under a scheme with unlike recorded chances, both are weighted by 1/`prob`. Errors clustered
    at the level of assignment, t critical values. True outcomes as in `true_effect`.

    Parameters
    ----------
    records
        Simulated records or a firm's own tables; only the analyst's view is read: `runs`,
        `assignments`, and `cells`, `surveys` or `agents`; `audits` if there are any.
    by
        ``"scheme"``, or a column of `runs` in which whole worlds differ.
    control
        The scheme that the others are compared with.
    outcome
        On contacts: ``"success"`` (logged sales or saves), ``"saves"``, ``"sales"``,
        ``"save_rate"`` (logged saves of those who wished to cancel), ``"handle_minutes"``,
        ``"survey_score"`` (of those who answered). On agent-months: a column of `agents`.
    detection
        As for `true_effect`; used for the true outcome only.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: the outcome (with ``_logged`` if agents log it) by
        ``"ANCOVA"`` where there is a time before, and by ``"difference in means"``; the outcome
        with ``_true`` by ``"two-phase"`` where audits can give it. `details` has ``"levels"``.

    Raises
    ------
    KeyError
        A scheme, a column or an outcome is not in the records.
    ValueError
        The records cannot answer: too few clusters, no rows with the outcome.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500))
    >>> schemes = {"wage": inc.Wage(), "sales": inc.Wage() + inc.PieceRate("sales", 8.0)}
    >>> worlds = centre.vary(scheme=schemes)
    >>> records = inc.simulate(worlds, replications=4, months=2, rng=1, keep="cells")
    >>> effect = inc.scheme_effect(records, control="wage", outcome="paid")
    >>> effect.tidy().loc[0, ["estimand", "unit", "estimator"]].tolist()
    ['paid', 'per agent-month', 'difference in means']
    """
    seen = records.seen_by("analyst")
    what = _outcome(seen, outcome)
    rows = what.rows.assign(above=what.above, below=what.below)
    since = since_apart(seen, rows, by=by)
    before = rows.loc[~rows.index.isin(since.index)]
    plan = compare_arms(seen, since, by=by, control=control)
    above, below = plan.totals(since, [since["above"].to_numpy(), since["below"].to_numpy()])
    present, counts = below > 0, _counts(above, below, outcome)
    above, below = plan.weighed(above), plan.weighed(below)
    measure = Measure(what.estimand, what.unit, "difference in means")
    plain = Measured(measure, shares(above, below) * what.scale, counts, below)
    tables: list[pd.DataFrame] = []
    past = _past(plan, before, present)
    if len(before) and all(check.passed for check in past):
        adjusted = _adjusted(plan, before, above, below) * what.scale
        first = Measured(measure._replace(estimator="ANCOVA").main(), adjusted, counts)
        tables.append(_one_df_less(plan.tables([first], present)[0]))
    else:
        plain = plain._replace(measure=measure.main())
    ours, alone = plan.tables([plain], present)
    true, check = _true(seen, plan, outcome=outcome, detection=detection)
    table = pd.concat([*tables, ours, *true], ignore_index=True)
    order = table["term"].map({name: k for k, name in enumerate(plan.arms)})
    table = table.loc[order.sort_values(kind="stable").index].reset_index(drop=True)
    title = what.estimand.replace("_", " ").capitalize()
    return Estimate(
        question=f"{title} under each {by}, against '{control}'",
        rows=table,
        design={
            **plan.facts(table),
            "outcome": outcome,
            "adjusted": bool(tables),
            "weighted_by": what.each,
        },
        facts=f"{plan.described(ours)}; {counts.n.sum():,.0f} {what.each}",
        reading=_reading(tidy(table)),
        checks=(*plan.checks(ours, weighed=True), *past, *check),
        details={"levels": tidy(alone).loc[:, list(TIDY_COLUMNS)]},
    )


def _counts(above: Floats, below: Floats, outcome: str) -> Counts:
    """Count what the means are over, and the events if that is what is above the line."""
    n, events = below.sum(axis=0), above.sum(axis=0)
    return Counts(n, events if outcome in KPIS else np.full_like(n, np.nan))


def indicators(seen: Observed) -> list[str]:
    """Name the outcomes that records may be asked for: those of contacts, and agents' columns.

    Parameters
    ----------
    seen
        The analyst's view.
    """
    agents = getattr(seen, "agents", pd.DataFrame())
    numbers = [
        str(column)
        for column in agents.columns
        if column not in NO_OUTCOMES and pd.api.types.is_numeric_dtype(agents[column])
    ]
    counted = [name for name, kpi in KPIS.items() if kpi.counted]
    return [*counted, "handle_minutes", "survey_score", *numbers]


def _outcome(seen: Observed, name: str) -> Outcome:
    """Find the rows that have an outcome, and what to add up of them."""
    if (name in KPIS and KPIS[name].counted) or name == "handle_minutes":
        cells = served(seen.cells, "cells", CELL_COLUMNS)
        n = cells["n"].to_numpy(dtype=np.float64)
        if name == "handle_minutes":
            minutes = require(cells, "cells", ["minutes"])["minutes"].to_numpy(dtype=np.float64)
            return Outcome(name, "minutes per contact", cells[KEYS], minutes, n)
        kpi = KPIS[name]
        over = np.ones(len(cells), dtype=bool)
        if kpi.reason:
            over = (require(cells, "cells", ["reason"])["reason"] == kpi.reason).to_numpy()
        noted = n * succeeded(cells["logged_outcome"], kpi.counted)
        return Outcome(f"{name}_logged", kpi.unit, cells.loc[over, KEYS], noted[over], n[over])
    if name == "survey_score":
        surveys = require(getattr(seen, "surveys", pd.DataFrame()), "surveys", [*KEYS, "answered"])
        told = require(surveys[surveys["answered"].to_numpy(dtype=bool)], "surveys", ["score"])
        score = told["score"].to_numpy(dtype=np.float64)
        return Outcome(name, "points per answer", told[KEYS], score, np.ones(len(told)), "answers")
    if name not in (known := indicators(seen)):
        raise unknown(name, known, what="outcome", where="records")
    agents = getattr(seen, "agents", pd.DataFrame())
    months = require(agents, "agents", [*KEYS, name])
    value = months[name].to_numpy(dtype=np.float64)
    ones = np.ones(len(months))
    return Outcome(name, "per agent-month", months[KEYS], value, ones, "agent-months")


def _adjusted(plan: Comparison, before: pd.DataFrame, above: Floats, below: Floats) -> Estimated:
    """Give the mean of each arm, had all clusters had the same mean before.

    Weighted least squares of the clusters' means on the arms and on their own means before.
    """
    place = plan.cluster_codes(before)
    sums = (np.bincount(place, before[name], plan.clusters) for name in ("above", "below"))
    top, bottom = sums
    cluster, arm = np.nonzero(below)
    if (bottom[cluster] == 0).any():
        raise ValueError(
            f"{int((bottom[cluster] == 0).sum())} {plan.unit}s have no records from before their "
            "schemes differed, which the adjustment needs: leave out the months before"
        )
    past = top[cluster] / bottom[cluster]
    weight = below[cluster, arm]
    past = past - np.average(past, weights=weight)
    if not np.ptp(past) > 0:
        return shares(above, below)
    design = np.column_stack([np.eye(below.shape[1])[arm], past])
    value = above[cluster, arm] / weight
    bread = np.linalg.inv(design.T @ (design * weight[:, None]))
    found = bread @ design.T @ (weight * value)
    moved = (design * (weight * (value - design @ found))[:, None]) @ bread
    influence = np.zeros((plan.clusters, below.shape[1]))
    np.add.at(influence, cluster, moved[:, :-1])
    return Estimated(found[:-1], influence)


def _past(plan: Comparison, before: pd.DataFrame, present: Bools) -> list[Check]:
    """Look at whether the time before, if there is one, can be adjusted for.

    The slope on it is tested by t, for which few clusters are too few.
    """
    if before.empty:
        return []
    fewest = FEWEST[plan.unit]
    clusters = min(plan.carried(present, arm).clusters for arm in range(1, len(plan.arms)))
    return [
        Check(
            "clusters enough to adjust for the time before",
            clusters >= fewest,
            float(clusters),
            float(fewest),
            f"{plan.unit}s carry the effect: with fewer than {fewest} only randomisation inference "
            "has an answer, so the difference in means stands alone",
        )
    ]


def _one_df_less(rows: pd.DataFrame) -> pd.DataFrame:
    """Take off the degree of freedom that the slope on the time before has used."""
    df = rows["df"] - 1
    if (df < 1).any():
        raise ValueError("too few clusters to adjust for the time before: assign more of them")
    # resampling would not know of the slope: these rows are tested by t alone
    error = rows["std_error"] * np.sqrt(rows["df"] / df)
    return rows.assign(df=df, std_error=error, tested=None)


def _true(
    seen: Observed, plan: Comparison, *, outcome: str, detection: float | Mapping[str, float]
) -> tuple[list[pd.DataFrame], list[Check]]:
    """Give the effect on the true outcome, where audits can, and say if they cannot."""
    if outcome not in KPIS or seen.audits.empty:
        return [], []
    name, reason = "audits speak of the true outcome", ""
    arms, kpi = {"by": plan.by, "control": plan.control}, KPIS[outcome]
    try:
        if plan.chance is not None:
            raise ValueError("audits are not weighted by the chance of assignment")
        phases = read_phases(seen, **arms, kpi=kpi, detection=detection)
        rows = effects(phases, parts(phases)[:1], phases.present)[0]
        tidy(rows)  # which refuses what cannot be tested
    except ValueError as error:
        reason = str(error)
    check = Check(name, not reason, float(bool(reason)), 0, f"refusal: {reason}")
    return ([] if reason else [rows]), [check]


def _reading(rows: pd.DataFrame) -> str:
    """Say in a line what each scheme did to what is on record."""
    said = []
    for term, mine in rows[rows["in_summary"]].groupby("term", sort=False):
        row = mine.iloc[0]
        what, unit = str(row["estimand"]).replace("_", " "), row["unit"]
        if (way := direction(row)) != 0:
            least, most = sorted(abs(row[end]) for end in ("conf_low", "conf_high"))
            verb = "raises" if way > 0 else "lowers"
            line = f"'{term}' {verb} {what} by {least:.3g} to {most:.3g} {unit}"
        else:
            between = f"{row['conf_low']:+.3g} to {row['conf_high']:+.3g} {unit}"
            line = f"whether '{term}' changes {what} is unclear ({between})"
        true = mine[mine["estimator"] == "two-phase"]
        if len(true):
            low, high = true.iloc[0]["conf_low"], true.iloc[0]["conf_high"]
            line += f"; of the truth, as audits find it, the effect is {low:+.3g} to {high:+.3g}"
        said.append(line)
    return "; ".join(said)
