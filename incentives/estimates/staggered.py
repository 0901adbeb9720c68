"""What did a scheme do that teams came under one after the other? Effects by wave and month.

Use `staggered_effect` where a scheme was rolled out in waves. A regression on dummies of units and
months is wrong there as soon as effects grow: it takes those who came under the scheme early as
the comparison for those who come under it late, and what the early ones still gain is taken off.
Here each wave is compared, month by month, with those who are not yet under any scheme.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from incentives.estimates.audits import (
    SUCCESSES,
    audited,
    bearing_checks,
    recognised,
    served,
    succeeded,
    suspicion_check,
    targeted,
)
from incentives.estimates.comparison import (
    Measure,
    Observed,
    listed,
    require,
    same_chances,
    unknown,
)
from incentives.estimates.inference import Bools, Floats, p_values, t_margin
from incentives.estimates.methods import FEWEST, Unit
from incentives.estimates.reordering import Reordered
from incentives.estimates.result import Check, Estimate, direction, tidy

__all__ = ["staggered_effect"]

UNIT = "per 100 contacts"
NEVER = np.iinfo(np.int64).max
COLUMNS: dict[str, list[str]] = {
    "assignments": ["run", "unit", "unit_id", "scheme", "from_month", "to_month", "randomised"],
    "cells": ["run", "month", "agent", "team", "logged_outcome", "n"],
}

Ints = npt.NDArray[np.int64]
Against = Literal["not yet", "never"]


class Asked(NamedTuple):
    """How the question is asked."""

    outcome: str
    against: Against
    anticipation: int


@dataclass(frozen=True)
class Rollout:
    """Who came under which scheme, and when; arrays (units,)."""

    control: str  #: what units are under before their wave
    unit: Unit  #: what was assigned: ``"team"`` or ``"agent"``
    units: pd.MultiIndex  #: run and number of each unit
    scheme: npt.NDArray[np.object_]  #: what it came under; the control's name if nothing
    start: Ints  #: the first month under it; `NEVER` if none
    randomised: bool
    exchangeable: bool  #: dealt at random, in each world with the same chances for all

    @cached_property
    def cohort(self) -> Ints:
        """The units that came under the same scheme in the same month, numbered."""
        together = pd.MultiIndex.from_arrays([self.scheme, self.start])
        return np.asarray(together.factorize()[0], dtype=np.int64)

    @cached_property
    def world(self) -> Ints:
        """The world of each unit, numbered."""
        return np.asarray(self.units.get_level_values(0).factorize()[0], dtype=np.int64)

    @property
    def arms(self) -> tuple[str, ...]:
        """What contacts came under: the control, and each scheme."""
        schemes = [str(name) for name in pd.unique(self.scheme) if name != self.control]
        return self.control, *schemes

    def arm_codes(self, frame: pd.DataFrame) -> Ints:
        """Give what each row's unit was under in its month, as its place in `arms`."""
        unit = self.places(frame)
        came = pd.Index(self.arms).get_indexer(pd.Index(self.scheme))[unit]
        under = frame["month"].to_numpy(dtype=np.int64) >= self.start[unit]
        return np.where(under, came, 0).astype(np.int64)

    def places(self, frame: pd.DataFrame) -> Ints:
        """Give the place of each row's unit."""
        who = pd.MultiIndex.from_arrays([frame["run"], frame[self.unit]])
        unit = np.asarray(self.units.get_indexer(who), dtype=np.int64)
        if (unit < 0).any():
            run, number = who[unit < 0][0]
            raise ValueError(f"{self.unit} {number} of run {run} has no row in assignments")
        return unit

    def dealt_among(self, scheme: str) -> Ints | None:
        """Give the group within which each unit was dealt, its world.

        Who came under another scheme stays, alone in a group.
        """
        if not self.exchangeable:
            return None
        stays = ~np.isin(self.scheme, [scheme, self.control])
        return np.where(stays, self.world.max() + 1 + np.arange(len(stays)), self.world)


class Panel(NamedTuple):
    """What was seen of each unit, arrays (units, months)."""

    first: int  #: the first month's number
    outcome: Floats  #: per 100 contacts
    contacts: Floats
    events: Floats  #: those contacts that the outcome counts, as found in audits or on the log
    audits: Floats
    checks: tuple[Check, ...] = ()  #: of the audits, where the outcome needs them


class Cells(NamedTuple):
    """Effects by wave and month: each is the sum of one part from every unit."""

    wave: Ints
    month: Ints
    base: Ints  #: the month that the month is compared with
    weight: Floats  #: of each unit in the comparison, (cells, units)
    parts: Floats  #: (cells, units)
    size: Floats  #: units of the wave

    def weights(self, chosen: Bools, first: int, months: int) -> Floats:
        """Give what each unit's months count for in an average of cells, (units, months)."""
        share = self.weight[chosen] * (self.size[chosen] / self.size[chosen].sum())[:, None]
        whole = np.zeros((months, self.weight.shape[1]))
        np.add.at(whole, self.month[chosen] - first, share)
        np.add.at(whole, self.base[chosen] - first, -share)
        return whole.T


def staggered_effect(
    records: Observed,
    *,
    control: str = "before",
    outcome: str = "success_true",
    against: Against = "not yet",
    anticipation: int = 0,
    detection: float | Mapping[str, float] = 1.0,
) -> Estimate:
    """Estimate what a scheme that was rolled out in waves did to those who came under it.

    **Estimand.** ATT(g, t): for the units (teams or agents) that came under the scheme in month g,
    the outcome in month t less what it would have been in that month had they stayed under the
    control; in points per 100 contacts, each unit counting the same. Reported as averages over
    cells, by size of wave: over all months under the scheme (the headline), by months since the
    start, and by wave.

    **Identification.** Had nobody come under the scheme, outcomes would have moved in parallel in
    all waves, as they do where waves were dealt at random; nobody acts on the scheme more than
    `anticipation` months before it starts; what one unit is paid for does not move another's
    outcome. The months before the start, which test the first two, are reported as well.

    **Estimator.** Difference in differences of unit means, cell by cell: against the last month
    before the start (and before anticipation), and against units that are not yet under any scheme
    in month t. Every average is a sum of means over waves, whose variances add; intervals take
    t with Satterthwaite's degrees of freedom. Where the order was dealt at random,
    ``inference("randomisation")`` reads each effect against other orders of the roll-out; with
    fewer than 6 units that alone is done. For an outcome that ends in ``_true``, audits
    correct the log in each unit and month: the log's count plus audited differences weighted by
    1/`prob`. Audits made on suspicion, without a chance on record, are left out.

    Parameters
    ----------
    records
        Simulated records or a firm's own tables; only the analyst's view is read: `runs`,
        `assignments`, `cells` and, if the outcome needs them, `audits`.
    control
        The scheme that units are under before their wave.
    outcome
        ``"success_logged"`` or ``"success_true"`` for sales and saves as logged, or as audits
        would find them; the same with the name of one outcome, such as ``"saved_logged"``; or
        ``"gamed"``.
    against
        ``"not yet"`` compares with all who are not yet under a scheme, ``"never"`` with those only
        who never are.
    anticipation
        Months before the start in which units may already act on it, 0 or more.
    detection
        The chance that an audit recognises a gamed contact, above 0, at most 1, where a double
        check has measured it, and taken as known; one for all kinds, or one for each by name. What
        audits missed is then added, for an outcome that needs audits.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: the outcome with `group` empty (the headline), then
        ``"month +0"``, ``"month +1"``, ... and ``"month -2"``, ... since the start (without the
        month that the others are compared with), then ``"wave 3"``, ... by the month of the start.
        `details` has ``"cells"`` (every ATT(g, t)) and ``"means"`` (the outcome by wave and
        month).

    Raises
    ------
    KeyError
        A scheme, an outcome or a column is not in the records.
    ValueError
        The records cannot answer: no roll-out, units that change scheme twice, a wave of one
        unit, a unit without contacts in some month; for an outcome that needs audits, a month
        without any, or contacts of a kind that were never audited before the scheme or under it.

    Notes
    -----
    Sizes of waves are taken as given. Where the roll-out ends with everybody under the scheme, the
    last wave has no comparison, and months in which nobody waits are left out.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=6, team_size=1, customers=600))
    >>> bonus = inc.Wage() + inc.PieceRate("saves", 8.0)
    >>> rolled_out = centre.assign({"bonus": bonus}, start=[1, 2, 12])
    >>> records = inc.simulate(rolled_out, months=3, rng=1, keep="cells")
    >>> effect = inc.staggered_effect(records, outcome="saved_logged")
    >>> effect.tidy()["group"].tolist()
    ['', 'month -2', 'month +0', 'month +1', 'wave 1', 'wave 2']
    """
    seen = records.seen_by("analyst")
    if anticipation < 0:
        raise ValueError(f"anticipation must be months, 0 or more, got {anticipation!r}")
    if against not in ("not yet", "never"):
        raise ValueError(f"against must be 'not yet' or 'never', got {against!r}")
    asked = Asked(outcome, against, anticipation)
    rollout = _rollout(seen, control)
    panel = _panel(seen, rollout, outcome, detection)
    frames, tables, without = [], [], 0
    for scheme in rollout.arms[1:]:
        cells, missing = _cells(rollout, panel, scheme, against, anticipation)
        without += missing
        about = {"term": scheme, "contrast": f"{scheme} vs {control}"}
        rows = _rows(rollout, panel, cells, asked, scheme)
        frames.append(rows.assign(**about))
        tables.append(_table(rollout, cells).assign(**about))
    rows = pd.concat(frames, ignore_index=True)
    sizes = np.bincount(rollout.cohort)
    waves = len(np.unique(rollout.start[rollout.start < NEVER]))
    return Estimate(
        question=f"{_said_of(outcome).capitalize()} under a scheme rolled out in waves, "
        f"against '{control}'",
        rows=rows,
        design={
            "by": "scheme",
            "control": control,
            "outcome": outcome,
            "against": against,
            "anticipation": anticipation,
            "cluster": rollout.unit,
            "n_clusters": len(rollout.start),
            "n_waves": waves,
            "n_never": int((rollout.start == NEVER).sum()),
            "n_months": panel.outcome.shape[1],
            "randomised": rollout.randomised,
            "n_contacts": int(panel.contacts.sum()),
            "n_audits": int(panel.audits.sum()),
            "n_targeted_left_out": int(targeted(seen.audits).sum()),
        },
        facts=f"{len(rollout.start)} {rollout.unit}s in {waves} waves, "
        f"{(rollout.start == NEVER).sum()} of them never; {panel.outcome.shape[1]} months, "
        f"{panel.contacts.sum():,.0f} contacts",
        reading=_reading(tidy(rows), outcome),
        checks=tuple(_checks(rollout, panel, rows, sizes, without, outcome)),
        details={
            "cells": pd.concat(tables, ignore_index=True),
            "means": _means(rollout, panel),
        },
    )


# -- who, when and what --------------------------------------------------------------------------


def _rollout(seen: Observed, control: str) -> Rollout:
    """Read from the assignments when each unit came under a scheme, and refuse what is none."""
    given = require(seen.assignments, "assignments", COLUMNS["assignments"])
    if require(seen.runs, "runs", ["replication"])["replication"].duplicated().any():
        raise ValueError("runs share a replication: ask of the records of one scenario at a time")
    units = sorted(set(given["unit"].astype(str)))
    if units not in (["agent"], ["team"]):
        raise ValueError(f"a roll-out is to teams or to agents, got units {listed(units)}")
    schemes = given["scheme"].astype(str)
    if control not in set(schemes):
        raise unknown(control, pd.unique(schemes), what="scheme", where="assignments")
    key = ["run", "unit_id"]
    waiting = (schemes == control).to_numpy()
    under = given[~waiting]
    until = given[waiting].groupby(key)["to_month"].max()
    index = pd.MultiIndex.from_frame(given[key]).unique().sort_values()
    stays = until.reindex(pd.MultiIndex.from_frame(under[key])).fillna(0).to_numpy()
    for back in (under.duplicated(key).to_numpy(), stays > under["from_month"].to_numpy()):
        if back.any():
            one = under[back].iloc[0]
            raise ValueError(
                f"{units[0]} {one['unit_id']} of run {one['run']} changes scheme more than once: "
                f"a roll-out takes each {units[0]} from '{control}' to one scheme, for good"
            )
    place = index.get_indexer(pd.MultiIndex.from_frame(under[key]))
    start = np.full(len(index), NEVER)
    start[place] = under["from_month"]
    scheme = np.full(len(index), control, dtype=object)
    scheme[place] = schemes[~waiting]
    rollout = Rollout(
        control,
        "team" if units == ["team"] else "agent",
        index,
        scheme,
        start,
        bool(given["randomised"].all()),
        same_chances(given, ["run", "scheme", "from_month"]),
    )
    sizes = np.bincount(rollout.cohort)
    if len(sizes) < 2:
        raise ValueError(f"all {units[0]}s start in the same month: there is no roll-out in waves")
    if sizes.min() < 2:
        alone = int(np.flatnonzero(sizes[rollout.cohort] < 2)[0])
        when = "never starts" if start[alone] == NEVER else f"starts in month {start[alone]}"
        raise ValueError(
            f"only one {units[0]} {when} under '{scheme[alone]}': at least 2 of a wave are needed"
        )
    return rollout


def _panel(
    seen: Observed, rollout: Rollout, outcome: str, detection: float | Mapping[str, float]
) -> Panel:
    """Add contacts up by unit and month, and correct the log by the audits if asked to."""
    name, _, source = outcome.rpartition("_")
    cells = served(seen.cells, "cells", COLUMNS["cells"])
    first = int(cells["month"].min())
    months = int(cells["month"].max()) + 1 - first
    known = ["success", *pd.unique(cells["logged_outcome"].astype(str))]
    if outcome != "gamed" and (name not in known or source not in ("logged", "true")):
        names = ["gamed", *(f"{each}_{way}" for each in known for way in ("logged", "true"))]
        raise unknown(outcome, names, what="outcome", where="records")
    n = cells["n"].to_numpy(dtype=float)
    contacts = _totals(rollout, cells, n, first, months)
    unit, month = np.nonzero(contacts == 0)
    if unit.size:
        run, number = rollout.units[unit[0]]
        raise ValueError(
            f"{rollout.unit} {number} of run {run} has no contacts in month {first + month[0]}; "
            f"leave that {rollout.unit} out, or ask of months in which all were there"
        )
    logged = _totals(rollout, cells, n * _counts(cells["logged_outcome"], name), first, months)
    if not _needs_audits(outcome):
        return Panel(first, 100 * logged / contacts, contacts, logged, np.zeros_like(logged))
    audits = audited(seen.audits)
    prob = audits["prob"].to_numpy(dtype=float)
    if outcome == "gamed":
        found = 1.0 * (audits["found"] != "none").to_numpy()
        more = found
    else:
        found = 1.0 * _counts(audits["found_outcome"], name)
        more = found - _counts(audits["logged_outcome"], name)
    kinds = audits["found"].astype(str)
    chances = recognised(detection, list(pd.unique(kinds)))
    chance = np.asarray(kinds.map(chances), dtype=np.float64)
    one = np.ones(len(audits))
    corrected, events, checked = (
        _totals(rollout, audits, np.asarray(values), first, months)
        for values in (more / prob / chance, found, one)
    )
    if (dark := np.flatnonzero(checked.sum(axis=0) == 0)).size:
        raise ValueError(
            f"no contact of month {first + dark[0]} was audited, so '{outcome}' cannot be known "
            f"there; ask of the months with audits, or for what is logged"
        )
    instead = "none is taken as gamed" if outcome == "gamed" else "there the log is believed"
    bearing = bearing_checks(rollout, audits, cells, chance, instead)
    suspected = suspicion_check(int(targeted(seen.audits).sum()))
    whole = 100 * (logged + corrected) / contacts
    return Panel(first, whole, contacts, events, checked, (*bearing, suspected))


def _needs_audits(outcome: str) -> bool:
    """Tell whether an outcome is more than the log says."""
    return outcome == "gamed" or outcome.endswith("_true")


def _counts(outcome: "pd.Series[Any]", name: str) -> Bools:
    """Tell which rows a name counts; what is gamed no log counts."""
    return succeeded(outcome, SUCCESSES if name == "success" else (name,))


def _totals(
    rollout: Rollout, frame: pd.DataFrame, values: Floats, first: int, months: int
) -> Floats:
    """Add values up by unit and month, (units, months)."""
    place = rollout.places(frame) * months + frame["month"].to_numpy(dtype=np.int64) - first
    size = len(rollout.units) * months
    return np.bincount(place, values, size).astype(np.float64).reshape(-1, months)


# -- effects by wave and month -------------------------------------------------------------------


def _cells(
    rollout: Rollout, panel: Panel, scheme: str, against: Against, anticipation: int
) -> tuple[Cells, int]:
    """Compare each wave of a scheme with those who wait; tell how many months had no comparison."""
    months = panel.outcome.shape[1]
    start = rollout.start - np.where(rollout.start < NEVER, panel.first, 0)
    mine = rollout.scheme == scheme
    found, without = [], 0
    for wave in np.unique(start[mine]):
        base = int(wave) - 1 - anticipation
        treated = mine & (start == wave)
        if base < 0:  # under the scheme since the records begin
            without += months
            continue
        for month in range(months):
            late = max(month, base) + anticipation
            waits = start == NEVER if against == "never" else (start > late) & (start != wave)
            if month == base:
                continue
            if not waits.any():
                without += 1
                continue
            weight = treated / treated.sum() - waits / waits.sum()
            moved = panel.outcome[:, month] - panel.outcome[:, base]
            when = (wave + panel.first, month + panel.first, base + panel.first)
            found.append((*when, weight, weight * moved, treated.sum()))
    cells = Cells(*(np.array(column) for column in zip(*found, strict=True))) if found else None
    if (start[mine] <= 0).all():
        raise ValueError(
            f"all that came under '{scheme}' were under it since the records begin: bring months "
            "from before it came"
        )
    if cells is None or not (cells.month >= cells.wave).any():
        raise ValueError(
            f"no month under '{scheme}' has a comparison: nobody waits while others are under it"
        )
    return cells, without


def _averages(cells: Cells, anticipation: int) -> Iterator[tuple[str, Bools]]:
    """Give the groups of cells over which effects are averaged, by name."""
    since, under = cells.month - cells.wave, cells.month >= cells.wave
    yield "", under
    for k in np.unique(since):
        if k != -1 - anticipation:
            yield f"month {k:+d}", since == k
    for wave in np.unique(cells.wave[under]):
        yield f"wave {wave}", under & (cells.wave == wave)


def _rows(rollout: Rollout, panel: Panel, cells: Cells, asked: Asked, scheme: str) -> pd.DataFrame:
    """Average the cells, by size of wave, and give a row for each average."""
    estimator = "difference in differences, " + (
        "not yet" if asked.against == "not yet" else "never"
    )
    measure = Measure(asked.outcome, UNIT, estimator + " treated")
    rows = []
    for group, chosen in _averages(cells, asked.anticipation):
        parts = np.average(cells.parts[chosen], axis=0, weights=cells.size[chosen])
        error, df = _spread(parts, rollout.cohort)
        carry = (cells.parts[chosen] != 0).any(axis=0)
        label = f"{_said_of(asked.outcome)}, {group}" if group else _said_of(asked.outcome)
        shown = measure._replace(
            group=group,
            label=label,
            in_summary=not group.startswith("month"),
            in_figure=group.startswith("month") or not group,
        )
        row = {
            **shown._asdict(),
            "estimate": parts.sum(),
            "std_error": error,
            "df": df,
            "inference": f"cluster ({rollout.unit}), variances by wave, t (Satterthwaite)",
            "target": f"{rollout.unit}s like these",
            "n": panel.contacts[carry].sum(),
            "n_clusters": float(carry.sum()),
            "n_audits": panel.audits[carry].sum() if panel.audits.any() else np.nan,
            "n_events": panel.events[carry].sum(),
            "tested": None,
        }
        if (cells.month >= cells.wave)[chosen].all():
            counts = cells.weights(chosen, panel.first, panel.outcome.shape[1])
            row |= _tested(rollout, panel, counts, scheme)
        rows.append(row)
    return pd.DataFrame(rows)


def _tested(rollout: Rollout, panel: Panel, counts: Floats, scheme: str) -> dict[str, Any]:
    """Keep what other orders of the roll-out would show, and take them where units are few.

    Parameters
    ----------
    rollout, panel
        What was seen.
    counts
        What each unit's months count for in the average, (units, months), the same within a wave.
    scheme
        What is compared with the control.
    """
    wave = rollout.cohort
    by_wave = counts[np.unique(wave, return_index=True)[1]]
    months = panel.first + np.arange(counts.shape[1])
    mine = (rollout.scheme == scheme)[:, None]
    under = (mine & (months >= rollout.start[:, None])).astype(np.float64)
    value = float((counts * panel.outcome).sum())
    without = panel.outcome - value * under
    among = rollout.dealt_among(scheme)
    kept = Reordered(value, without @ by_wave.T, under @ by_wave.T, wave, among, rollout.unit)
    if len(wave) >= FEWEST[rollout.unit]:
        return {"tested": kept}
    if among is None:
        raise ValueError(
            f"too few clusters: {len(wave)} {rollout.unit}s, and with fewer than "
            f"{FEWEST[rollout.unit]} only randomisation inference has an answer, which needs a "
            "recorded random order of the roll-out"
        )
    dealt = kept.by("randomisation", reps=kept.reps, seed=None)
    return {"tested": dealt, "inference": dealt.words}


def _spread(parts: Floats, cohort: Ints) -> tuple[float, float]:
    """Give the standard error of a sum of parts, and Satterthwaite's degrees of freedom.

    Within a cohort the parts are draws of one kind, so their variance is that of a mean.
    """
    n = np.bincount(cohort)
    mean = np.bincount(cohort, parts) / n
    variance = n / (n - 1) * np.bincount(cohort, (parts - mean[cohort]) ** 2)
    whole = variance.sum()
    if whole == 0:
        return 0.0, float((n - 1).sum())
    return float(np.sqrt(whole)), float(whole**2 / (variance**2 / (n - 1)).sum())


# -- what is told --------------------------------------------------------------------------------


def _table(rollout: Rollout, cells: Cells) -> pd.DataFrame:
    """Give every effect by wave and month, with 95 % intervals."""
    estimate = cells.parts.sum(axis=1)
    spread = [_spread(parts, rollout.cohort) for parts in cells.parts]
    error, df = (np.array(column) for column in zip(*spread, strict=True))
    margin = t_margin(error, df, 0.95)
    return pd.DataFrame(
        {
            "wave": cells.wave,
            "month": cells.month,
            "since": cells.month - cells.wave,
            "estimate": estimate,
            "std_error": error,
            "df": df,
            "conf_low": estimate - margin,
            "conf_high": estimate + margin,
            "n_units": cells.size,
        }
    )


def _means(rollout: Rollout, panel: Panel) -> pd.DataFrame:
    """Give the mean outcome by wave and month; who never starts has no wave."""
    months = panel.outcome.shape[1]
    units = len(rollout.start)
    started = np.where(rollout.start == NEVER, np.nan, rollout.start.astype(float))
    long = pd.DataFrame(
        {
            "scheme": np.repeat(rollout.scheme.astype(str), months),
            "wave": np.repeat(started, months),
            "month": np.tile(np.arange(months) + panel.first, units),
            "per_100": panel.outcome.ravel(),
        }
    )
    keys = ["scheme", "wave", "month"]
    return long.groupby(keys, dropna=False)["per_100"].mean().reset_index()


def _checks(
    rollout: Rollout,
    panel: Panel,
    rows: pd.DataFrame,
    sizes: Ints,
    without: int,
    outcome: str,
) -> Iterator[Check]:
    """Look at what the comparison of waves rests on."""
    yield Check(
        "waves were dealt at random",
        rollout.randomised,
        float(rollout.randomised),
        1,
        "who starts when was chosen: parallel trends are an assumption here",
    )
    before = rows[rows["group"].str.startswith("month -") & (rows["std_error"] > 0)]
    statistic = (before["estimate"] / before["std_error"]).to_numpy(dtype=float)
    p = p_values(statistic, before["df"].to_numpy(dtype=float))
    least = float(min(1.0, p.min() * len(p))) if len(p) else 1.0
    yield Check(
        "no trend of its own before the start",
        least >= 0.05,
        least,
        0.05,
        "p value (Bonferroni) of the months before: waves had moved apart, or the start was "
        "anticipated",
    )
    yield Check(
        "units enough in each wave",
        bool(sizes.min() >= 4),
        float(sizes.min()),
        4,
        f"{rollout.unit}s in the smallest wave; with few, intervals lean on their outcomes being "
        "nearly normal",
    )
    yield Check(
        "every month has a comparison",
        without == 0,
        float(without),
        0,
        "months of waves left out because nobody waited",
    )
    if _needs_audits(outcome):
        audits = float(np.bincount(rollout.cohort, panel.audits.sum(axis=1)).min())
        yield Check(
            "audits enough in each wave",
            audits >= 100,
            audits,
            100,
            "audits in the thinnest wave; below 100 intervals are too narrow",
        )
        yield from panel.checks


def _said_of(outcome: str) -> str:
    """Put an outcome in words."""
    if outcome == "gamed":
        return "contacts gamed"
    name, _, source = outcome.rpartition("_")
    what = {"success": "successes", "saved": "saves", "sale": "sales"}.get(name, name)
    return f"{'reported' if source == 'logged' else 'true'} {what}"


def _reading(rows: pd.DataFrame, outcome: str) -> str:
    """Say in a line what each scheme did to those who came under it."""
    said = []
    for _, row in rows[rows["group"] == ""].iterrows():
        low, high, sign = row["conf_low"], row["conf_high"], direction(row)
        if sign:
            least, most = sorted((abs(low), abs(high)))
            verb = "raises" if sign > 0 else "lowers"
            said.append(
                f"'{row['term']}' {verb} {_said_of(outcome)} by {least:.1f} to {most:.1f} {UNIT} "
                "among those who came under it"
            )
        else:
            said.append(
                f"whether '{row['term']}' moves {_said_of(outcome)} is unclear "
                f"({low:+.1f} to {high:+.1f} {UNIT})"
            )
    return "; ".join(said)
