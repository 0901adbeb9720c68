"""Work out what estimators need and a firm does not write down, frame by frame.

Months and days from timestamps, teams from `agents`, schemes from `assignments`, `cells` from
contacts, agent-months from cells, customer-months at risk from subscriptions. What cannot be
worked out is noted among the problems.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from incentives.estimates.contract.conversion import months_of
from incentives.estimates.contract.declaration import CONTRACT
from incentives.estimates.contract.identity import NOBODY
from incentives.estimates.contract.problems import Problems
from incentives.records import TENURES, YEARS

__all__ = ["complete", "on_record"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

OF_A_CONTACT = ("month", "agent", "team", "reason", "logged_outcome")
PAID = ("contacts", "cells", "audits", "surveys", "agents")  # frames whose rows have a scheme
ROSTER = ("run", "agent", "team", "hired", "hire", "scheme")  # what may stand without a month
BY_ID = {"world": "", "team": "team", "agent": "agent"}


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """What holds for an identifier of a run in a month, as codes; -1 where nothing is known."""

    runs: pd.Index
    ids: pd.Index
    months: int
    codes: Ints

    @classmethod
    def build(
        cls, run: Any, key: Any, start: Any, stop: Any, code: Any, *, months: int
    ) -> tuple[Self, Bools]:
        """Fill the months from `start` to before `stop`; tell which rows meet a filled one."""
        runs, ids = pd.Index(pd.unique(pd.Series(run))), pd.Index(pd.unique(pd.Series(key)))
        first = np.clip(np.nan_to_num(np.asarray(start, float)), 0, months).astype(np.int64)
        last = np.clip(np.nan_to_num(np.asarray(stop, float)), 0, months).astype(np.int64)
        rows, month = _spells(first, last - first)
        place = (runs.get_indexer(pd.Index(run)) * len(ids) + ids.get_indexer(pd.Index(key)))[rows]
        place = place * months + month
        again = np.zeros(len(first), dtype=bool)
        again[rows[pd.Index(place).duplicated()]] = True
        codes = np.full(len(runs) * len(ids) * months, -1, dtype=np.int64)
        codes[place] = np.asarray(code, dtype=np.int64)[rows]
        return cls(runs, ids, months, codes), again

    def of(self, run: Any, key: Any, month: Any) -> Ints:
        """Give the code for each row."""
        month = np.nan_to_num(np.asarray(month, dtype=np.float64), nan=-1).astype(np.int64)
        where, who = self.runs.get_indexer(pd.Index(run)), self.ids.get_indexer(pd.Index(key))
        known = (where >= 0) & (who >= 0) & (month >= 0) & (month < self.months)
        place = np.where(known, (where * len(self.ids) + who) * self.months + month, 0)
        return np.where(known, self.codes[place] if len(self.codes) else -1, -1)


def _spells(first: Ints, length: Ints) -> tuple[Ints, Ints]:
    """Give a row for each month of each spell: which spell, and which month."""
    length = np.maximum(length, 0)
    rows = np.repeat(np.arange(len(first)), length)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(length) - length, length)
    return rows, first[rows] + within


def complete(
    frames: dict[str, pd.DataFrame], own: Mapping[str, Sequence[str]], problems: Problems
) -> None:
    """Fill in, in place, whatever follows from what is there; `own` are columns by frame."""
    of_contacts = own.get("contacts", ())
    for frame in frames.values():
        if "run" not in frame:
            frame.insert(0, "run", np.int64(0))
    _refuse_both(frames, problems)
    days = _calendar(frames.get("contacts"))
    for name in ("audits", "surveys"):
        _of_contacts(frames, name, of_contacts, problems)
    if "contacts" in frames:
        _ended(frames["contacts"])
    months = _months(frames)
    _teams(frames, months, problems)
    schemes = _Schemes(frames, months, problems)
    if "agents" in frames:
        _assigned_are_agents(frames["assignments"], frames["agents"], problems)
    for name in PAID:
        if name in frames:
            told = name in ("audits", "surveys") and "contacts" in frames
            schemes.fill(name, BY_ID, note=not told)
    if "contacts" in frames and "cells" not in frames:
        frames["cells"] = _cells(frames["contacts"], of_contacts)
    _agents(frames, problems)
    made = "customers" not in frames
    if "subscriptions" in frames and made:
        _homes(frames["subscriptions"], schemes, problems)
        kept = own.get("subscriptions", ())
        frames["customers"] = _customer_months(frames["subscriptions"], kept, months, problems)
    if "customers" in frames:
        _customers(frames, schemes, months, note=not made)
    _runs(frames, schemes, months, days)


def _refuse_both(frames: dict[str, pd.DataFrame], problems: Problems) -> None:
    """Note tables that say the same in two forms, of which one would be left unread."""
    if "customers" in frames and "subscriptions" in frames:
        way = "leave customers out, which are made from subscriptions; or leave these out"
        problems.add("customers", "", "are there, and subscriptions are too", way)
    cells, contacts = frames.get("cells"), frames.get("contacts")
    if cells is None or contacts is None or "n" not in cells:
        return
    if (n := cells["n"].sum()) < len(contacts):  # more, where the contacts are a sample
        said = f"stand for {n:,.0f} contacts, and {len(contacts):,} are there one by one"
        problems.add("cells", "n", said, "leave cells out, which are made from contacts")


# -- contacts -----------------------------------------------------------------------------------


def _calendar(contacts: pd.DataFrame | None) -> int | None:
    """Turn timestamps into month, day and minute; give the working days of the longest month.

    Working days are the dates with contacts. A shorter month begins later on the grid of days,
    so that month-ends, to which pay and bills are tied, stand in the same place.
    """
    if contacts is None or "start" not in contacts:
        return None
    start = contacts["start"].to_numpy().astype("datetime64[s]")
    date = start.astype("datetime64[D]")
    known = ~np.isnat(start)
    month = np.where(known, np.floor(months_of(start)), np.nan)
    first = np.nanmin(month) if known.any() else 0.0
    month = month - first
    dates = np.unique(date[known])
    whose = np.floor(months_of(dates)).astype(np.int64) - int(first)
    size = np.bincount(whose, minlength=1)
    place = np.arange(len(dates)) - (np.cumsum(size) - size)[whose]
    most = int(size.max())
    grid = whose * most + (most - size[whose]) + place
    at = np.searchsorted(dates, date).clip(max=max(len(dates) - 1, 0))
    contacts["month"] = month.astype(np.int64) if known.all() else month
    contacts["day"] = np.where(known, grid[at], -1) if len(dates) else -1
    contacts["minute"] = (start - date.astype(start.dtype)) / np.timedelta64(1, "m")
    return most


def _ended(contacts: pd.DataFrame) -> None:
    if "ended" not in contacts:
        abandoned = (contacts["logged_outcome"] == "abandoned").to_numpy().astype(np.int8)
        contacts["ended"] = pd.Categorical.from_codes(abandoned, pd.Index(["served", "abandoned"]))


def _of_contacts(
    frames: dict[str, pd.DataFrame], name: str, own: Sequence[str], problems: Problems
) -> None:
    """Take over what an audit or a survey does not say about its contact."""
    frame, contacts = frames.get(name), frames.get("contacts")
    if frame is None:
        return
    if contacts is None:
        for column in ("month", "agent", *(("logged_outcome",) if name == "audits" else ())):
            if column not in frame:
                way = "give it, or the frame `contacts`, from which it is taken"
                problems.add(name, column, "is missing", way, rests_on=["contacts.contact"])
        return
    known = _index(contacts)
    once = np.flatnonzero(~known.duplicated())
    place = known[once].get_indexer(_index(frame))
    lost = place < 0
    place = np.append(once, -1)[place]
    if "cells" not in frames:  # else these may be a sample of the contacts that the cells count
        way = "give the contact, or leave the row out"
        rests_on = ["contacts.contact"]
        problems.add(name, "contact", "is not in contacts", way, rows=lost, rests_on=rests_on)
    declared = {*own, *(column.name for column in CONTRACT[name].columns)}
    known_of = (*OF_A_CONTACT, *own)
    _agreeing(frames, name, place, problems)
    taken = [c for c in known_of if c in contacts and c in declared and c not in frame]
    for column in taken:
        frame[column] = contacts[column].take(place).mask(lost).array
    if name == "audits" and "audit_prob" in contacts:
        known_chance = np.where(lost, np.nan, contacts["audit_prob"].to_numpy()[place])
        frame["prob"] = _drawn(frame, known_chance, problems)


def _agreeing(frames: dict[str, pd.DataFrame], name: str, place: Ints, problems: Problems) -> None:
    """Note where an audit or a survey says something else of its contact than the contact does."""
    frame, contacts = frames[name], frames["contacts"]
    for column in OF_A_CONTACT:
        if column not in frame or column not in contacts:
            continue
        one, other = frame[column], contacts[column].take(place)
        told = _known(other) | (column == "agent")  # nobody is an answer there
        apart = (_plain(one) != _plain(other)) & _known(one) & told & (place >= 0)
        way = "one of them is wrong: correct it, or leave the column out here"
        said, rests_on = "is not that of the contact", ["contacts.contact", f"contacts.{column}"]
        rests_on.append(f"{name}.contact")
        problems.add(name, column, said, way, rows=apart, rests_on=rests_on)


def _plain(values: "pd.Series[Any]") -> Any:
    """Give names as texts, so that those of two frames can be held against each other."""
    named = isinstance(values.dtype, pd.CategoricalDtype)
    return (values.astype(object) if named else values).to_numpy()


def _known(values: "pd.Series[Any]") -> Bools:
    """Tell which cells hold something; an identifier of nobody is nothing."""
    there: Bools = values.notna().to_numpy(dtype=bool)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return there
    somebody: Bools = np.asarray(values != NOBODY, dtype=bool)
    return np.logical_and(there, somebody)


def _index(frame: pd.DataFrame) -> pd.Index:
    """Index contacts, which are counted anew in each run."""
    if len(frame) and (frame["run"] == frame["run"].iloc[0]).all():
        one: pd.Index = pd.Index(frame["contact"].to_numpy())
        return one
    return pd.MultiIndex.from_frame(frame[["run", "contact"]])


def _drawn(audits: pd.DataFrame, known: Any, problems: Problems) -> Any:
    """Give the chance of each audit, by the contact where the audit does not say."""
    given = audits["prob"].to_numpy() if "prob" in audits else np.full(len(audits), np.nan)
    apart = np.abs(given - known) > 1e-6 * known
    way = "one of them is wrong: keep the chance that was fixed before the draw"
    problems.add("audits", "prob", "is not contacts.audit_prob", way, rows=apart)
    return np.where(np.isnan(given), known, given)


def _months(frames: dict[str, pd.DataFrame]) -> int:
    """Give how many months are on record."""
    for names, column, more in (
        (("runs",), "months", 0),
        (("contacts", "cells", "agents", "customers"), "month", 1),
        (("assignments",), "to_month", 0),
        (("subscriptions",), "end", 1),
    ):
        held = [frames[name][column] for name in names if column in frames.get(name, ())]
        last = np.array([values.max() for values in held], dtype=np.float64)
        if (last >= 0).any():
            return int(np.nanmax(last)) + more
    return 1


# -- teams and schemes --------------------------------------------------------------------------


def _teams(frames: dict[str, pd.DataFrame], months: int, problems: Problems) -> None:
    """Give every row the team of its agent in its month."""
    agents = frames.get("agents")
    lookup = None
    if agents is not None:
        since = agents["month"] if "month" in agents else 0 * agents["run"]
        until = since + 1 if "month" in agents else since + months
        team = agents["team"] if "team" in agents else 0 * agents["run"] - 1
        lookup, again = Lookup.build(
            agents["run"], agents["agent"], since, until, np.arange(len(agents)), months=months
        )
        way = "keep one row" if "month" in agents else "keep one row, or add the column `month`"
        problems.add("agents", "agent", "is there twice", way, rows=again)
    for name in ("contacts", "cells", "audits", "surveys"):
        frame = frames.get(name)
        if frame is None or not {"agent", "month"} <= set(frame):
            continue
        given = frame["team"].to_numpy() if "team" in frame else np.int64(-1)
        if lookup is None:
            frame["team"] = given
            continue
        row = lookup.of(frame["run"], frame["agent"], frame["month"])
        way = "give the agent a row there"
        strange = (row < 0) & (frame["agent"].to_numpy() >= 0) & frame["month"].notna().to_numpy()
        said, rests_on = "is not in agents in that month", ["agents.agent"]
        problems.add(name, "agent", said, way, rows=strange, rests_on=rests_on)
        found = np.where(row >= 0, team.to_numpy()[row], -1)
        frame["team"] = np.where(given >= 0, given, found)


class _Schemes:
    """Who was under which scheme in which month, by the assignments."""

    def __init__(self, frames: dict[str, pd.DataFrame], months: int, problems: Problems) -> None:
        self.frames, self.months, self.problems = frames, months, problems
        given = frames["assignments"]
        if "to_month" not in given:
            given["to_month"] = np.int64(months)
        elif given["to_month"].isna().any():
            given["to_month"] = given["to_month"].fillna(months).astype(np.int64)
        unit = given["unit"].astype("str").to_numpy()
        if "unit_id" not in given:
            given["unit_id"] = np.int64(-1)
        way = "say which team or agent it was"
        absent = (unit != "world") & (given["unit_id"].to_numpy() < 0)
        by_unit = ["assignments.unit"]
        problems.add("assignments", "unit_id", "is empty", way, rows=absent, rests_on=by_unit)
        given.loc[unit == "world", "unit_id"] = np.int64(0)
        first = given.groupby("run")["unit"].first().astype("str")
        self.unit_of_run = first
        mixed = unit != first.reindex(given["run"]).to_numpy()
        way = "assign worlds, teams or agents, not several of these in one"
        problems.add("assignments", "unit", "is not that of the first row", way, rows=mixed)
        self.names = pd.Index(given["scheme"].cat.categories)
        self.lookup, again = Lookup.build(
            given["run"],
            given["unit_id"],
            given["from_month"],
            given["to_month"],
            given["scheme"].cat.codes,
            months=months,
        )
        way = "let one assignment of a unit end before the next begins"
        said = "overlaps with a row above"
        problems.add("assignments", "from_month", said, way, rows=again, rests_on=by_unit)

    def fill(self, name: str, columns: dict[str, str], *, note: bool) -> None:
        """Give each row of a frame the scheme in force, and note what does not agree.

        Parameters
        ----------
        name
            The frame.
        columns
            By unit of assignment, the column that holds it; none where all rows are of it.
        note
            Whether to note rows without a scheme, which another frame may have told already.
        """
        frame, problems = self.frames[name], self.problems
        if "month" not in frame:
            return
        unit = self.unit_of_run.reindex(frame["run"]).to_numpy()
        key = np.where(unit == "world", 0, -1)
        for word, column in columns.items():
            if column in frame:
                key = np.where(unit == word, frame[column].to_numpy(), key)
        served = frame["agent"].to_numpy() >= 0 if "agent" in frame else key >= 0
        found = np.where(served, self.lookup.of(frame["run"], key, frame["month"]), -1)
        given = self._given(frame, name)
        way = "correct one of them, or leave the column out"
        apart = (given >= 0) & (found >= 0) & (given != found)
        of_assignments = (f"assignments.{each}" for each in ("unit", "scheme", "from_month"))
        rests_on = ["agents.agent", *of_assignments]
        said = "is not that of assignments"
        problems.add(name, "scheme", said, way, rows=apart, rests_on=rests_on)
        codes = np.where(given >= 0, given, found)
        way = "give the unit a row in assignments for that month, and each agent a team"
        without = served & (codes < 0) & frame["month"].notna().to_numpy() & note
        said = "is in no assignment"
        problems.add(name, "scheme", said, way, rows=without, rests_on=rests_on)
        frame["scheme"] = pd.Categorical.from_codes(codes, self.names)

    def _given(self, frame: pd.DataFrame, name: str) -> Ints:
        """Give the schemes that a frame states, as places among those of the assignments."""
        if "scheme" not in frame:
            return np.full(len(frame), -1, dtype=np.int64)
        place = self.names.get_indexer(frame["scheme"].cat.categories)
        codes = np.append(place, -1)[frame["scheme"].cat.codes.to_numpy()]
        strange = frame["scheme"].notna().to_numpy() & (codes < 0)
        way, rests_on = "name the scheme as assignments do", ["assignments.scheme"]
        said = "is not in assignments"
        self.problems.add(name, "scheme", said, way, rows=strange, rests_on=rests_on)
        return np.asarray(codes, dtype=np.int64)


def _assigned_are_agents(
    assignments: pd.DataFrame, agents: pd.DataFrame, problems: Problems
) -> None:
    """Note assignments to teams or agents that are not among the agents, as these were given."""
    for unit in ("team", "agent"):
        if unit not in agents or (unit == "team" and not (agents["team"] >= 0).any()):
            continue
        strange = (assignments["unit"] == unit) & ~assignments["unit_id"].isin(agents[unit])
        strange &= assignments["unit_id"] >= 0
        way = "name it as `agents` does, or leave the row out"
        said, rests_on = f"is no {unit} in agents", ["assignments.unit", f"agents.{unit}"]
        rows = strange.to_numpy()
        problems.add("assignments", "unit_id", said, way, rows=rows, rests_on=rests_on)


def on_record(assignments: pd.DataFrame) -> pd.DataFrame:
    """Leave out what ended before the first month; what began before it begins with it."""
    lasting = (assignments["to_month"] > 0).to_numpy()
    kept: pd.DataFrame = assignments[lasting].reset_index(drop=True)
    return kept.assign(from_month=kept["from_month"].clip(lower=0))


# -- counts -------------------------------------------------------------------------------------


def _cells(contacts: pd.DataFrame, own: Sequence[str]) -> pd.DataFrame:
    """Count contacts by month, agent, reason, logged outcome, and kinds of the firm's own."""
    keys = ["run", "month", "agent", "team", "scheme", "reason", "logged_outcome", *own]
    keys = [name for name in keys if name in contacts]
    amounts = {"minutes": "handle_minutes", "value": "logged_value"}
    amounts = {ours: theirs for ours, theirs in amounts.items() if theirs in contacts}
    counted = contacts.assign(n=np.int64(1)).groupby(keys, observed=True, dropna=False)
    added = counted[["n", *amounts.values()]].sum().reset_index()
    return added.rename(columns={theirs: ours for ours, theirs in amounts.items()})


def _agents(frames: dict[str, pd.DataFrame], problems: Problems) -> None:
    """Make agent-months of the months in which agents served, and count what they logged."""
    if "agents" in frames and "month" not in frames["agents"]:
        for name in set(frames["agents"]) - set(ROSTER):
            way = "say in which month it was: one row an agent and month"
            problems.add("agents", str(name), "needs the column `month`", way)
    if "cells" not in frames:
        return
    cells = frames["cells"]
    cells = cells[(cells["agent"] >= 0).to_numpy()]
    n = cells["n"].to_numpy(dtype=np.float64)
    counted = {"logged_contacts": n}
    if "reason" in cells:
        counted["logged_cancels"] = n * (cells["reason"] == "cancel").to_numpy()
    counted["logged_saves"] = n * (cells["logged_outcome"] == "saved").to_numpy()
    counted["logged_sales"] = n * (cells["logged_outcome"] == "sale").to_numpy()
    if "value" in cells:
        counted["logged_sales_value"] = cells["value"].to_numpy()
    if "minutes" in cells:
        counted["minutes_busy"] = cells["minutes"].to_numpy()
    keys = ["run", "month", "agent"]
    sums = cells[keys].assign(**counted).groupby(keys)[list(counted)].sum()
    agents = frames.get("agents")
    if agents is None or "month" not in agents:
        held = cells[[*keys, "team", "scheme"]].drop_duplicates(keys).sort_values(keys)
        if agents is not None:
            more = [name for name in ("run", "agent", "hired", "hire") if name in agents]
            held = held.merge(agents[more].drop_duplicates(["run", "agent"]), how="left")
        agents = held.reset_index(drop=True)
    if "hire" not in agents:  # nobody else sat there
        agents["hire"] = np.int64(0)
    place = sums.index.get_indexer(pd.MultiIndex.from_frame(agents[keys]))
    for name in counted:
        if name not in agents:
            agents[name] = np.append(sums[name].to_numpy(), 0.0)[place]
    frames["agents"] = agents


# -- customers ----------------------------------------------------------------------------------


def _customer_months(
    spells: pd.DataFrame, own: Sequence[str], months: int, problems: Problems
) -> pd.DataFrame:
    """Make a row for each customer and month at risk of leaving."""
    start = spells["start"].to_numpy(dtype=np.float64)
    end = (
        spells["end"].to_numpy(dtype=np.float64)
        if "end" in spells
        else np.full(len(spells), np.nan)
    )
    backwards = end < start
    said, rests_on = "is before the start", ["subscriptions.start"]
    problems.add("subscriptions", "end", said, "correct one", rows=backwards, rests_on=rests_on)
    first = np.floor(np.maximum(np.nan_to_num(start), 0)).astype(np.int64)
    until = np.where(np.isnan(end), months, np.floor(np.clip(end, -1, months)) + 1)
    rows, month = _spells(first, np.minimum(until, months).astype(np.int64) - first)
    each = spells.take(rows)
    customer = each["customer"].to_numpy()
    twice = np.zeros(len(spells), dtype=bool)
    keys = [each["run"].to_numpy(), customer, month]
    twice[rows[pd.MultiIndex.from_arrays(keys).duplicated()]] = True
    way = "join spells that overlap or touch within a month, one row a spell with the firm"
    said = "has two spells in a month"
    problems.add("subscriptions", "customer", said, way, rows=twice, rests_on=rests_on)
    left = month == np.floor(end)[rows]
    made: dict[str, Any] = {
        "run": each["run"].to_numpy(),
        "month": month,
        "customer": customer,
        "home_team": each["home_team"].to_numpy() if "home_team" in each else np.int64(-1),
        "initial": start[rows] <= 0,
        "tenure_band": pd.Categorical.from_codes(
            np.digitize(month - np.floor(start)[rows], YEARS), pd.Index(TENURES)
        ),
        "n": np.int8(1),
        "left": left.astype(np.int8),
    }
    if "end_reason" in each:
        reason = each["end_reason"].cat.codes.to_numpy()
        for code, name in enumerate(each["end_reason"].cat.categories):
            word = f"left_{_word(name)}"  # the same for "Moved house" and "moved house"
            made[word] = made.get(word, np.int8(0)) + (left & (reason == code)).astype(np.int8)
        if (unsaid := left & (reason < 0)).any():
            made["left_unstated"] = unsaid.astype(np.int8)
    if "value" in each:
        made["value"] = each["value"].to_numpy()
    made |= {name: each[name].array for name in own}
    return pd.DataFrame(made)


def _word(name: str) -> str:
    """Write a firm's reason as a part of a column's name."""
    return "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def _homes(spells: pd.DataFrame, schemes: _Schemes, problems: Problems) -> None:
    """Note customers of teams that were never assigned, where teams were."""
    if "home_team" not in spells:
        return
    teams = (schemes.unit_of_run.reindex(spells["run"]) == "team").to_numpy()
    home = spells["home_team"]
    strange = teams & (home >= 0).to_numpy() & ~home.isin(schemes.lookup.ids).to_numpy()
    way = "give the team a row in assignments"
    said, rests_on = "is in no assignment", ["assignments.unit"]
    problems.add("subscriptions", "home_team", said, way, rows=strange, rests_on=rests_on)


def _customers(
    frames: dict[str, pd.DataFrame], schemes: _Schemes, months: int, *, note: bool
) -> None:
    """Give customer-months their scheme, and tell whose effect it can be."""
    customers = frames["customers"]
    if "home_team" not in customers:
        customers["home_team"] = np.int64(-1)
    if "n" not in customers:
        customers["n"] = np.int8(1)
    schemes.fill("customers", {"world": "", "team": "home_team"}, note=note)
    if "exposure_identified" not in customers:
        customers["exposure_identified"] = _identified(frames, months)


def _identified(frames: dict[str, pd.DataFrame], months: int) -> Bools:
    """Tell which customer-months met agents under no scheme but their own."""
    customers, contacts = frames["customers"], frames.get("contacts", pd.DataFrame())
    own = customers["scheme"].cat.codes.to_numpy()
    identified = own >= 0
    if not {"customer", "scheme"} <= set(contacts) or "customer" not in customers:
        return identified
    month = customers["month"].to_numpy()
    lookup, _ = Lookup.build(
        customers["run"],
        customers["customer"],
        month,
        month + 1,
        np.arange(len(customers)),
        months=months,
    )
    row = lookup.of(contacts["run"], contacts["customer"], contacts["month"])
    met = contacts["scheme"].cat.codes.to_numpy()
    other = (row >= 0) & (met >= 0) & (met != own[row])
    identified[row[other]] = False
    return identified


# -- runs ---------------------------------------------------------------------------------------


def _runs(
    frames: dict[str, pd.DataFrame], schemes: _Schemes, months: int, days: int | None
) -> None:
    """Make up the row of a firm's one world, or what is left out of it."""
    if "runs" not in frames:
        frames["runs"] = pd.DataFrame({"run": pd.unique(frames["assignments"]["run"])})
    runs = frames["runs"]
    contacts: Any = frames["cells"].groupby("run")["n"].sum() if "cells" in frames else {}
    agents: Any = frames["agents"].groupby("run")["agent"].nunique() if "agents" in frames else {}
    initial: Any = {}
    if "customers" in frames:
        first = frames["customers"]
        first = first[(first["month"] == 0).to_numpy() & (first["initial"] == 1).to_numpy()]
        initial = first.groupby("run")["n"].sum()
    label = schemes.names[0] if len(schemes.names) == 1 else "assigned"
    made: dict[str, Any] = {
        "replication": np.int64(0),
        "scenario": pd.Categorical(["firm"] * len(runs)),
        "scheme": pd.Categorical([label] * len(runs)),
        "months": np.int64(months),
        "agents": runs["run"].map(agents).fillna(0).astype(np.int64),
        "customers": runs["run"].map(initial).fillna(0).astype(np.int64),
        "contacts": runs["run"].map(contacts).fillna(0).astype(np.int64),
    }
    for name, value in made.items():
        if name not in runs:
            runs[name] = value
    if days is not None:
        runs["days_per_month"] = np.int64(days)
    elif "days_per_month" in runs and not runs["days_per_month"].isna().any():
        runs["days_per_month"] = runs["days_per_month"].astype(np.int64)
    else:
        frames["runs"] = runs.drop(columns="days_per_month", errors="ignore")
