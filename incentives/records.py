"""Records: what happened beside what was logged, as tidy frames.

    records.contacts     one row a contact (or what `keep` left of them)
    records.cells        contacts counted by month, agent, reason, action and outcome
    records.agents       agent x month: what was logged, worked and paid
    records.customers    customer x month at risk, or cells of them: ready for a hazard model
    records.audits       checked contacts, with the known chance of having been checked
    records.surveys      who was invited, who answered, and what
    records.assignments  who was under which scheme, from when to when, and with what chance
    records.days         the floor's day: offered, answered, waits, occupancy
    records.runs         one row a run
    records.choices      the sampled choices: what stood on the menu and what was taken
    records.clients      client x month of a contractor: what it saw, paid and decided

A column that begins with ``true_`` holds what happened and nobody in the firm knows for sure;
``logged_`` is what was written down. `Records.seen_by` keeps what one party can see.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd

from incentives._draws import Purpose, exp, uniforms
from incentives.columns import (
    ACCUMULATORS,
    BEGGED,
    BOOKED,
    BY_AGENT,
    CONTACT,
    DAY,
    EARLY,
    FEATURES,
    HEARD,
    IN_USE,
    N_FEATURES,
    NOT_AT_RISK,
    REFUNDED,
    UNSCORED,
    Booked,
    Channel,
    Decision,
    Ended,
    Floats,
    LeftBy,
    Outcome,
    Reason,
    Watch,
    longer,
)
from incentives.menu import ENTRIES, N_ACTIONS, quality

__all__ = ["Keep", "Records"]

Keep = Literal["contacts", "cells"] | float
View = Literal["analyst", "contractor", "client"]
SCHEMA = 1

Columns = dict[str, Any]
Written = dict[str, list[Columns]]
"""What was written down of a run: for each frame its columns, month by month."""


@cache
def _names(codes: Any) -> tuple[str, ...]:
    return tuple(code.name.lower() for code in codes)


DAY_COLUMNS = [
    {"wait": "wait_minutes", "busy": "minutes_busy", "duty": "minutes_on_duty"}.get(name, name)
    for name in DAY
]
ACTIONS = ["" for _ in range(N_ACTIONS)]
GAMED = ["none", *sorted({entry.mechanism for entry in ENTRIES.values()} - {""})]
GAMING = np.zeros(N_ACTIONS + 1, np.int8)  # by action, as an index into GAMED; the last is nobody's
for _action, _entry in ENTRIES.items():
    ACTIONS[_action] = _action.name.lower()
    GAMING[_action] = GAMED.index(_entry.mechanism) if _entry.mechanism else 0
ACTIONS = [name or f"unused_{i}" for i, name in enumerate(ACTIONS)]
YEARS = (12, 24, 60)
TENURES = ("under 1 year", "1-2 years", "2-5 years", "over 5 years")
LEFT = _names(LeftBy)


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """What one or more runs left behind, as tidy frames.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=300))
    >>> records = inc.simulate(centre, replications=1, months=1, rng=1)
    >>> bool(records.agents.paid.min() > 0)
    True
    """

    runs: pd.DataFrame
    contacts: pd.DataFrame
    cells: pd.DataFrame
    agents: pd.DataFrame
    customers: pd.DataFrame
    audits: pd.DataFrame
    surveys: pd.DataFrame
    assignments: pd.DataFrame
    days: pd.DataFrame
    choices: pd.DataFrame
    clients: pd.DataFrame

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(frame):,}" for name, frame in self.frames().items())
        return f"<Records of {len(self.runs)} runs: {sizes}>"

    def frames(self) -> dict[str, pd.DataFrame]:
        """Give the frames by name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def seen_by(self, who: View) -> "Records":
        """Keep what one party can see.

        The ``"analyst"`` has the log, its audits, surveys returned, bills and cancellations; the
        ``"contractor"`` has no billing; the ``"client"`` has reported figures, billing and surveys,
        and neither the contractor's audits nor its payroll.
        """
        if who not in ("analyst", "contractor", "client"):
            raise ValueError(
                f"seen_by: who must be 'analyst', 'contractor' or 'client', got {who!r}"
            )
        hidden = {"analyst": (), "contractor": ("customers",), "client": ("audits", "agents")}[who]
        seen = {}
        for name, frame in self.frames().items():
            if name in hidden or name == "choices":
                seen[name] = frame.iloc[:0]
                continue
            seen[name] = _without_truth(frame)
        if who == "contractor":
            seen["clients"] = seen["clients"].drop(columns="left", errors="ignore")
        return Records(**seen)

    def save(self, folder: str | Path) -> Path:
        """Write the frames as Parquet files into a folder, each whole or not at all."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in self.frames().items():
            partial = folder / f"{name}.parquet.part"
            frame.to_parquet(partial, index=False)
            partial.replace(folder / f"{name}.parquet")
        partial = folder / "schema.json.part"
        partial.write_text(json.dumps({"schema": SCHEMA}) + "\n", encoding="utf-8")
        partial.replace(folder / "schema.json")
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There are no records in the folder, or not all of them.
        ValueError
            They were written by a version with another schema.
        """
        folder = Path(folder)
        mark = folder / "schema.json"
        if not mark.exists():
            raise FileNotFoundError(f"no records in {folder}: schema.json is missing")
        schema = json.loads(mark.read_text(encoding="utf-8")).get("schema")
        if schema != SCHEMA:
            raise ValueError(
                f"records in {folder} have schema {schema}; this version reads {SCHEMA}"
            )
        return cls(
            **{item.name: pd.read_parquet(folder / f"{item.name}.parquet") for item in fields(cls)}
        )

    @classmethod
    def of(cls, runs: Iterable[Written]) -> Self:
        """Make the frames of what recorders have written down, each a run."""
        listed = list(runs)
        return cls(**{item.name: _frame(run[item.name] for run in listed) for item in fields(cls)})

    @classmethod
    def concat(cls, parts: Iterable["Records"]) -> "Records":
        """Put the records of several runs together."""
        listed = list(parts)
        if not listed:
            raise ValueError("concat: no records to put together")
        if len(listed) == 1:
            return listed[0]
        return cls(
            **{
                item.name: _stack([getattr(part, item.name) for part in listed])
                for item in fields(cls)
            }
        )


def _without_truth(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop what only the simulator knows; counts that then share a key are added up.

    Customers one by one have nothing to add up, and stay in their order.
    """
    shown = [name for name in frame.columns if not name.startswith("true_")]
    if len(shown) == len(frame.columns):
        return frame
    if "n" not in shown:
        return frame[shown]
    if "customer" in shown:
        return frame[shown].astype({"n": np.int64})
    amounts = [name for name in ("n", "minutes", "value", "refund", "data_sold") if name in shown]
    keys = [name for name in shown if name not in amounts]
    added = frame[shown].groupby(keys, observed=True, sort=True, dropna=False)[amounts].sum()
    return added.reset_index()[shown]


def _stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate frames, uniting the categories of each; what a frame does not have is missing.

    What sweeps differ in are columns of some `runs` and not of others.
    """
    filled = [frame for frame in frames if len(frame)] or list(frames[:1])
    names = dict.fromkeys(name for frame in filled for name in frame.columns)
    dtypes = {name: frame[name].dtype for frame in reversed(filled) for name in frame.columns}
    columns: dict[str, Any] = {}
    for name in names:
        dtype = dtypes[name]
        parts = [frame[name] if name in frame else _missing(len(frame), dtype) for frame in filled]
        if isinstance(dtype, pd.CategoricalDtype):
            held: list[Any] = [part.array for part in parts]
            if all(part.dtype is dtype for part in held):
                codes = np.concatenate([part.codes for part in held])
                columns[name] = pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
            else:
                columns[name] = pd.api.types.union_categoricals(held)
        else:
            columns[name] = np.concatenate([part.to_numpy() for part in parts])
    return pd.DataFrame(columns)


def _missing(n: int, dtype: Any) -> "pd.Series[Any]":
    """Give a column of which nothing is known."""
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical.from_codes([-1] * n, dtype=dtype))
    return pd.Series(np.full(n, np.nan))


class Coded(NamedTuple):
    """A column of categories before it is one: codes, -1 for none, and what they stand for."""

    codes: Any
    names: tuple[str, ...]


def _only(name: str) -> Coded:
    """Give a column of one row."""
    return _coded([0], (name,))


def _coded(codes: Any, names: Sequence[str]) -> Coded:
    return Coded(np.asarray(codes).astype(np.int8), tuple(names))


def _channels(numbers: Any) -> Sequence[str]:
    """Name the channels; the last two, app and forum, only where the firm has one of them."""
    names, own = _names(Channel), numbers.upto[Channel.FORUM] > numbers.upto[Channel.SOCIAL]
    return names if own else names[: Channel.APP]


@lru_cache(maxsize=1024)
def _categories(names: tuple[str, ...]) -> pd.CategoricalDtype:
    """Make a dtype once for all frames that hold these categories."""
    return pd.CategoricalDtype(pd.Index(names))


def _chosen(columns: Columns, rows: Any) -> Columns:
    """Keep some rows of a month's columns."""
    return {
        name: Coded(column.codes[rows], column.names) if isinstance(column, Coded) else column[rows]
        for name, column in columns.items()
    }


def _frame(runs: Iterable[Sequence[Columns]]) -> pd.DataFrame:
    """Put what was written down month by month, of one run or more, together into a frame."""
    pieces = [piece for run in _told(runs) for piece in run]
    if not pieces:
        return pd.DataFrame()
    columns: Columns = {}
    for name, first in pieces[0].items():
        parts = [piece[name] for piece in pieces]
        columns[name] = _united(parts) if isinstance(first, Coded) else np.concatenate(parts)
    return pd.DataFrame(columns)


def _told(runs: Iterable[Sequence[Columns]]) -> list[Sequence[Columns]]:
    """Leave out runs that have no rows, whose categories would else be there for nothing."""
    listed = [run for run in runs if run]
    return [run for run in listed if any(len(piece["run"]) for piece in run)] or listed[:1]


def _united(parts: Sequence[Coded]) -> pd.Categorical:
    """Put categories together, in the order in which they first come."""
    kinds = dict.fromkeys(part.names for part in parts)
    held, names = [part.codes for part in parts], parts[0].names
    if len(kinds) > 1:
        place = {name: i for i, name in enumerate(dict.fromkeys(chain.from_iterable(kinds)))}
        places = {kind: np.array([*map(place.get, kind), -1]) for kind in kinds}
        held, names = [places[part.names][part.codes] for part in parts], tuple(place)
    return pd.Categorical.from_codes(np.concatenate(held), dtype=_categories(names), validate=False)


# -- recording ----------------------------------------------------------------------------------


class Recorder:
    """Collects, month by month, what a world leaves behind; never draws from anyone's luck."""

    def __init__(
        self, world: Any, *, keep: Keep, run: int, replication: int, choices: float
    ) -> None:
        if keep not in ("contacts", "cells") and (
            not isinstance(keep, int | float) or isinstance(keep, bool) or not 0 < keep <= 1
        ):
            raise ValueError(
                f"keep must be 'contacts', 'cells' or a share between 0 and 1, got {keep!r}"
            )
        if not 0 <= choices <= 1:
            raise ValueError(f"choices must be a share between 0 and 1, got {choices!r}")
        self.keep, self.run, self.replication = keep, run, replication
        self.log = np.empty(1024, CONTACT)
        self.count = 0
        self.watch = Watch(float(choices), np.empty((0, 4 + N_FEATURES)))
        self.watched = 0
        self.logged = 0
        self.pieces: dict[str, list[Columns]] = {item.name: [] for item in fields(Records)}
        self.labels = [name for name, _ in world.policies]
        self.note_days(world, np.empty((0, len(DAY))))

    def make_room(self, contacts: int) -> None:
        """See that so many more contacts, and the choices on them, can be written down."""
        if self.count + contacts > len(self.log):
            self.log = longer(self.log, 2 * (self.count + contacts))
        options = N_ACTIONS * contacts if self.watch.share > 0.0 else 0
        if self.watched + options > len(self.watch.rows):
            rows = longer(self.watch.rows, 2 * (self.watched + options))
            self.watch = self.watch._replace(rows=rows)

    def note_days(self, world: Any, figures: Floats) -> None:
        """Note the figures of the days before the world's present one."""
        days = len(figures)
        self.pieces["days"].append(
            {
                "run": np.full(days, self.run, np.int64),
                "day": np.arange(world.day - days, world.day),
                "month": np.full(days, world.month, np.int64),
                **dict(zip(DAY_COLUMNS, figures.T, strict=True)),
            }
        )

    def end_month(self, world: Any, status: Any, bills: Any, slip: Any, gone: Any) -> None:
        """Turn the month's log, bills and payslips into rows."""
        log = self.log[: self.count]
        first = self.logged
        self.logged += self.count
        add = self.pieces
        add["cells"].append(self._cells(world, log))
        add["audits"].append(self._audits(world, log, first))
        add["surveys"].append(self._surveys(world, log, first))
        add["agents"].append(self._agents(world, slip, gone))
        add["customers"].append(self._customers(world, status, bills))
        if self.watched:
            add["choices"].append(self._choices(world, first))
            self.watched = 0
        if self.keep != "cells":
            kept, numbers = log.copy(), first + np.arange(len(log))  # next month writes over it
            if self.keep != "contacts":
                mine = self._sampled(world, log["customer"])
                kept, numbers = log.compress(mine), numbers[mine]
            add["contacts"].append(self._contacts(world, kept, numbers))
        self.count = 0

    def _sampled(self, world: Any, uid: Any) -> Any:
        """Tell which customers belong to the sample that is kept."""
        u = uniforms(world.key, Purpose.SAMPLE, uid, 2**32 - 1)[:, 0]
        return u < (1.0 if isinstance(self.keep, str) else self.keep)

    def _team(self, world: Any, agent: Any) -> Any:
        team = np.append(world.plan.team, -1)
        return team[agent].astype(np.int16)

    def _scheme(self, codes: Any) -> Coded:
        known = np.asarray(codes).astype(np.int16)
        return _coded(np.where(known == 255, -1, known), self.labels)

    def _key(self, world: Any, log: Any, number: Any) -> dict[str, Any]:
        """Give the columns that say which contact a row is about."""
        agent = log["agent"]
        return {
            "run": np.full(len(log), self.run, np.int64),
            "contact": number,
            "month": np.full(len(log), world.month, np.int16),
            "agent": agent,
            "team": self._team(world, agent),
            "scheme": self._scheme(log["scheme"]),
        }

    def _contacts(self, world: Any, log: Any, number: Any) -> Columns:
        key = self._key(world, log, number)
        wishes = log["reason"] == Reason.CANCEL
        return {
            **key,
            "day": log["day"],
            "minute": log["minute"],
            "channel": _coded(log["channel"], _channels(world.rules.channels)),
            "reason": _coded(log["reason"], _names(Reason)),
            "customer": log["customer"].astype(np.int64),
            "episode": log["episode"],
            "attempt": log["attempt"] + np.uint8(1),
            "hire": log["hire"],
            "wait_minutes": log["wait"],
            "handle_minutes": log["handle"],
            "ended": _coded(log["ended"], _names(Ended)),
            "logged_outcome": _coded(log["logged"], _names(Outcome)),
            "logged_value": log["value"],
            "true_action": _coded(log["action"], ACTIONS),
            "true_outcome": _coded(log["true"], _names(Outcome)),
            "true_resolved": log["resolved"].astype(bool),
            "true_gaming": _coded(GAMING[log["action"]], GAMED),
            "true_experience": log["experience"],
            "true_need": (log["need"] == 1) & ~wishes,
            "true_decided": (log["need"] == 1) & wishes,
            "true_booked": _coded(log["booked"], _names(Booked)),
        }

    def _cells(self, world: Any, log: Any) -> Columns:
        shape = (world.seats + 1, len(Reason), len(Outcome), N_ACTIONS + 1, len(Outcome))
        index = log["agent"].astype(np.int64) + 1
        columns = (log["reason"], log["logged"], log["action"] + np.int8(1), log["true"])
        for column, size in zip(columns, shape[1:], strict=True):
            index = index * size + column
        bins = int(np.prod(shape))
        counts = np.bincount(index, minlength=bins)
        found = np.flatnonzero(counts)
        agent, reason, logged, action, true = np.unravel_index(found, shape)
        agent, action = agent.astype(np.int16) - np.int16(1), action - 1
        return {
            "run": np.full(len(found), self.run, np.int64),
            "month": np.full(len(found), world.month, np.int16),
            "agent": agent,
            "team": self._team(world, agent),
            "scheme": self._scheme(np.append(world.desk.scheme, 255)[agent]),
            "reason": _coded(reason, _names(Reason)),
            "logged_outcome": _coded(logged, _names(Outcome)),
            "true_outcome": _coded(true, _names(Outcome)),
            "true_action": _coded(action, ACTIONS),
            "true_gaming": _coded(GAMING[action], GAMED),
            "n": counts[found],
            "minutes": np.bincount(index, log["handle"], bins)[found],
            "value": np.bincount(index, log["value"], bins)[found],
        }

    def _audits(self, world: Any, log: Any, first: int) -> Columns:
        rows = np.flatnonzero(log["audit"] > 0)
        checked = log.take(rows)
        found = (checked["audit"] & 3) == 2
        base = world.rules.audit.rate
        scored, card = checked["qa"] != UNSCORED, world.rules.scorecard
        known = card.known[checked["reason"], checked["action"]]
        deserved = quality(known, checked["resolved"], found, card)
        return {
            **self._key(world, checked, first + rows),
            "reason": _coded(checked["reason"], _names(Reason)),
            "logged_outcome": _coded(checked["logged"], _names(Outcome)),
            "prob": checked["prob"].astype(float),
            "mode": _coded(checked["prob"] > np.float32(base), ("random", "outcome")),
            "found": _coded(np.where(found, GAMING[checked["action"]], 0), GAMED),
            "found_outcome": _coded(
                np.where(found, checked["true"], checked["logged"]), _names(Outcome)
            ),
            "true_gaming": _coded(GAMING[checked["action"]], GAMED),
            "qa_score": np.where(scored, checked["qa"], np.nan).astype(np.float32),
            "true_qa_score": np.where(scored, deserved, np.nan).astype(np.float32),
            "found_survey": (checked["audit"] & HEARD) > 0,
            "found_early": (checked["audit"] & EARLY) > 0,
        }

    def _surveys(self, world: Any, log: Any, first: int) -> Columns:
        rows = np.flatnonzero((log["survey"] & 3) > (1 if self.keep == "cells" else 0))
        asked = log.take(rows)
        answered = (asked["survey"] & 3) == 2
        by_agent = (asked["survey"] & BY_AGENT) > 0
        return {
            **self._key(world, asked, first + rows),
            "answered": answered,
            "score": np.where(answered, asked["score"], np.nan).astype(np.float32),
            "true_experience": asked["experience"],
            "true_invited_by": _coded(by_agent, ("chance", "agent")),
            "true_begged": (asked["survey"] & BEGGED) > 0,
        }

    def _agents(self, world: Any, slip: Any, gone: Any) -> Columns:
        desk, staff, seats = world.desk, world.staff, world.seats
        kinds = [each.name for each in world.scenario.workforce.archetypes]
        columns = {
            "run": np.full(seats, self.run, np.int64),
            "month": np.full(seats, world.month, np.int16),
            "agent": np.arange(seats, dtype=np.int16),
            "hire": staff.hire.astype(np.int16),
            "team": world.plan.team.astype(np.int16),
            "scheme": self._scheme(desk.scheme),
            **{f"logged_{name}": desk.totals[:, i].copy() for i, name in enumerate(ACCUMULATORS)},
            "minutes_busy": desk.busy_month.copy(),
            "minutes_on_duty": desk.duty_month.copy(),
            **{name: getattr(slip, name) for name in slip._fields if name != "paid"},
            "penalty": desk.penalty.copy(),
            "paid": slip.paid - desk.penalty,
            "quit": np.asarray(gone),
            "true_kind": _coded(staff.kind, kinds),
            "true_conscience": staff.kappa.copy(),
            # where nobody checks, nobody has a belief about being checked
            "true_belief": staff.checks / staff.contacts * ("O6" not in world.scenario.off),
            "goal": exp(desk.bonds.goal),
            "true_pressure": desk.bonds.pressed.copy(),
        }
        return columns if world.open.all() else _chosen(columns, np.flatnonzero(world.open))

    def note_clients(
        self, world: Any, counts: Columns, kept: Any, level: float, odds: Any, decision: Any
    ) -> None:
        """Note a month of a contractor's clients, as it was before what they decide now."""
        clients, contract = len(kept), world.scenario.contract
        leave, cut = odds
        counted = ("contacts", "cancels", "saves", "sales")
        self.pieces["clients"].append(
            {
                "run": np.full(clients, self.run, np.int64),
                "month": np.full(clients, world.month, np.int16),
                "client": np.arange(clients, dtype=np.int16),
                "share_kept": kept,
                "customers": counts["bills"],
                "left": counts["left"],
                "complaints": counts["complaints"],
                **{f"logged_{name}": counts[name] for name in counted},
                "fees": contract.fee_save * counts["saves"] + contract.fee_sale * counts["sales"],
                "decision": _coded(decision, _names(Decision)),
                "true_audit_level": np.full(clients, level),
                "true_chance_leave": leave,
                "true_chance_cut": cut,
                "true_share_lost": leave + world.scenario.renewal.cut * cut,
            }
        )

    def _customers(self, world: Any, status: Any, bills: Any) -> Columns:
        """Give the customer-months at risk, one by one or as the bill has counted them."""
        row = world.customers.row[: len(status)]
        if self.keep == "cells":
            columns = self._customer_cells(world, bills)
        else:
            kept = np.flatnonzero(status != NOT_AT_RISK)
            if self.keep != "contacts":
                kept = kept[self._sampled(world, row["uid"][kept])]
            columns = self._customer_rows(world, row.take(kept), status[kept])
        row["exposed"] = 0
        return columns

    def _customer_rows(self, world: Any, each: Any, left: Any) -> Columns:
        size = len(each)
        home = each["home"] if world.plan.by_home else np.zeros(size, np.int16)
        months = world.month - each["joined"].astype(np.int64)
        return {
            "run": np.full(size, self.run, np.int64),
            "month": np.full(size, world.month, np.int16),
            "customer": each["uid"].astype(np.int64),
            "home_team": home.copy() if world.plan.by_home else home - np.int16(1),
            "scheme": self._scheme(self._home_scheme(world)[home]),
            "exposure": each["exposed"].copy(),
            "exposure_identified": np.full(size, self._identified(world)),
            "initial": each["initial"].astype(bool),
            "tenure_band": _coded(np.digitize(months, YEARS), TENURES),
            "n": np.ones(size, np.int8),
            "left": (left > 0).astype(np.int8),
            **{
                f"left_{name}": (left == code).astype(np.int8)
                for code, name in enumerate(LEFT)
                if code
            },
            "value": each["margin"].copy(),
            "true_satisfaction": each["satisfaction"].copy(),
            "true_trust": each["trust"].copy(),
            "refund": (each["missold"] == REFUNDED) * np.float32(world.rules.value.product),
            "data_sold": (each["decided"] & IN_USE == BOOKED)
            * np.float32(world.rules.harvest.price),
        }

    def _customer_cells(self, world: Any, bills: Any) -> Columns:
        """Turn the bill's counts (homes, initial, tenure band, left by) into rows."""
        at_risk = bills.counts.sum(axis=3)
        found = np.nonzero(at_risk)
        home, initial, band = found
        counts = bills.counts[found]
        size = len(home)
        return {
            "run": np.full(size, self.run, np.int64),
            "month": np.full(size, world.month, np.int16),
            "home_team": (home if world.plan.by_home else home - 1).astype(np.int16),
            "scheme": self._scheme(self._home_scheme(world)[home]),
            "exposure_identified": np.full(size, self._identified(world)),
            "initial": initial.astype(bool),
            "tenure_band": _coded(band, TENURES),
            "n": at_risk[found],
            "left": counts[:, 1:].sum(axis=1),
            **{f"left_{name}": counts[:, code] for code, name in enumerate(LEFT) if code},
            "value": bills.value[found],
            "refund": bills.refunds[found],
            "data_sold": bills.data[found],
        }

    def _home_scheme(self, world: Any) -> Any:
        """Give the scheme of each pool (of its first seat)."""
        first = [np.flatnonzero(world.plan.pool == pool)[0] for pool in range(world.plan.pools)]
        return world.desk.scheme[first]

    def _identified(self, world: Any) -> bool:
        """Tell whether every customer meets one scheme only."""
        for pool in range(world.plan.pools):
            if len(np.unique(world.desk.scheme[world.plan.pool == pool])) > 1:
                return False
        return True

    def _choices(self, world: Any, first: int) -> Columns:
        rows = self.watch.rows[: self.watched]
        agent = rows[:, 1].astype(np.int64)
        frame: Columns = {
            "run": np.full(len(rows), self.run, np.int64),
            "contact": first + rows[:, 0].astype(np.int64),
            "month": np.full(len(rows), world.month, np.int16),
            "agent": agent.astype(np.int16),
            "scheme": self._scheme(world.desk.scheme[agent]),
            "true_action": _coded(rows[:, 2].astype(int), ACTIONS),
            "true_chosen": rows[:, 3].astype(bool),
        }
        for i, name in enumerate(FEATURES):
            frame[f"true_{name}"] = rows[:, 4 + i].copy()
        return frame

    # -- whole runs ------------------------------------------------------------------------------

    def written(self, world: Any) -> Written:
        """Give all that has been written down so far; `Records.of` makes the frames."""
        alone = {"runs": [self._runs(world)], "assignments": [self._assignments(world)]}
        return self.pieces | alone

    def _runs(self, world: Any) -> Columns:
        scenario = world.scenario
        columns = {
            "run": self.run,
            "scenario": _only(scenario.name),
            "scheme": _only(scenario.label),
            "replication": self.replication,
            "months": world.month,
            "days_per_month": world.days,
            "agents": world.seats,
            "customers": int(scenario.floor.customers),
            "contacts": self.logged,
            "currency": _only(scenario.currency),
            "off": _only(" ".join(sorted(scenario.off))),
            "digest": _only(scenario.digest()),
            "won": world.won - int(scenario.floor.customers) - int(world.moved_before[0]),
            "referred": world.n_customers - world.won - int(world.moved_before[1]),
            "cost_of_winning": world.rules.loyalty.keeping * world.rules.loyalty.winning,
        }
        return {
            name: column if isinstance(column, Coded) else np.array([column])
            for name, column in columns.items()
        }

    def _assignments(self, world: Any) -> Columns:
        trial = world.scenario.assignment
        if trial is None:
            rows = [("world", 0, self.labels[0], 0, world.months, False, 1.0)]
        else:
            rows = _assigned(trial, world.arms, world.starts, world.months)
        unit, unit_id, scheme, start, end, randomised, prob = zip(*rows, strict=True)
        units = ("world", "team", "agent")
        return {
            "run": np.full(len(rows), self.run, np.int64),
            "unit": _coded([units.index(each) for each in unit], units),
            "unit_id": np.array(unit_id, np.int64),
            "scheme": _coded([self.labels.index(each) for each in scheme], self.labels),
            "from_month": np.array(start, np.int64),
            "to_month": np.array(end, np.int64),
            "randomised": np.array(randomised),
            "prob": np.array(prob),
        }


def _assigned(trial: Any, arms: Any, starts: Any, months: int) -> list[tuple[Any, ...]]:
    """Give a row for each unit and period; where waves were dealt, that is part of its chance."""
    units = range(len(arms))
    names = [name for name, _ in trial.schemes]
    lottery, rolled_out = trial.arms is None, len(trial.waves) > 1
    arm_share = np.bincount(arms)[arms] / len(arms) if lottery else np.ones(len(arms))
    wave_share = np.bincount(starts)[starts] / len(arms)
    chance = arm_share * wave_share
    under = [
        (trial.unit, unit, names[arms[unit]], starts[unit], months, lottery or rolled_out, c)
        for unit, c in zip(units, chance.tolist(), strict=True)
        if starts[unit] < months
    ]
    before = [
        (trial.unit, unit, "before", 0, starts[unit], rolled_out, c)
        for unit, c in zip(units, wave_share.tolist(), strict=True)
        if starts[unit] > 0
    ]
    return under + before
