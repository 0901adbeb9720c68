"""The table of actions: what an agent can do on a contact, and what follows from it.

An action is a row. Its columns say what it takes (minutes), what it does to the customer, what it
may bring about, what is logged, how much of a lie it is and what an audit would see. Every row
belongs to a mechanism; with that mechanism off, the row is not on the menu.

The choice between rows is a nested logit over money: honest work is one nest, lies are another,
and cutting the customer off stands alone. Two lies that look alike therefore share their luck, and
splitting a lie into two rows does not make lying likelier.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from incentives._compile import rule
from incentives.columns import Floats, Ints, Reason
from incentives.mechanism import Settings, param

__all__ = [
    "Action",
    "Menu",
    "Nest",
    "Row",
    "action_table",
    "check_menu",
    "columns_of",
    "lower_menu",
]


class Action(IntEnum):
    """What an agent can do; the number is the row's address in the choice draws."""

    CUT_OFF = 0
    RUSH = 1
    SERVE = 2
    CARE = 3
    OFFER_AFTER = 4
    OFFER_FIRST = 5
    HARD_SELL = 6
    PROCESS = 8
    SAVE = 9
    PRESS = 10
    TRANSFER = 11
    FABRICATE = 12
    SUPPRESS = 13
    LOG_SAVE = 14
    LOG_UPSELL = 15


N_ACTIONS = 16
OFFERING = (Action.OFFER_AFTER, Action.OFFER_FIRST, Action.HARD_SELL)
ATTEMPTS = (Action.SAVE, Action.PRESS)


class Nest(IntEnum):
    """Which rows share their luck."""

    WORK = 0
    LIE = 1
    CUT = 2


_ASSUMED = "assumed: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Settings):
    """What one action takes and does; chances are before the agent's own skill."""

    minutes: float = param(
        1.0, unit="x the contact's work", low=0, high=3, source=_ASSUMED + "plain service is 1"
    )
    resolves: float = param(
        1.0, unit="x the chance to resolve", low=0, high=1.5, source=_ASSUMED + "plain service is 1"
    )
    courtesy: float = param(
        0.0, unit="points of 10", low=-10, high=10, source=_ASSUMED + "plain service is 0"
    )
    appeal: float = param(
        0.0, unit="x openness", low=0, high=2, source=_ASSUMED + "no offer is made"
    )
    annoys: float = param(
        0.0, unit="points of 10 if not open", low=0, high=10, source=_ASSUMED + "no offer is made"
    )
    keeps: float = param(
        0.0, unit="chance if undecided", low=0, high=1, source=_ASSUMED + "no attempt to save"
    )
    keeps_decided: float = param(
        0.0, unit="chance if decided", low=0, high=1, source=_ASSUMED + "no attempt to save"
    )
    lasts: float = param(
        1.0,
        unit="believed chance that a logged save lasts",
        low=0,
        high=1,
        source=_ASSUMED + "nothing to lose",
    )
    harm: float = param(
        0.0, unit="money to the customer", low=0, high=1000, source=_ASSUMED + "no harm"
    )
    distrust: float = param(
        0.0, unit="of trust lost", low=0, high=1, source=_ASSUMED + "no breach of trust"
    )
    seen: float = param(
        0.0, unit="chance that an audit sees it", low=0, high=1, source=_ASSUMED + "nothing to see"
    )
    pressure: float = param(
        0.0,
        unit="chance to sell, however open",
        low=0,
        high=1,
        source=_ASSUMED + "nobody is pressed",
    )


Menu = Mapping[Action, Row]


class Entry(NamedTuple):
    """Where a row stands: its mechanism ("" if none), nest, reasons, and how it is logged."""

    mechanism: str
    nest: Nest
    reasons: tuple[Reason, ...]
    logged: str


_CARE_REASONS = (Reason.QUESTION, Reason.COMPLAINT, Reason.ORDER)
_TALKS = (*_CARE_REASONS, Reason.OUTBOUND)
_INBOUND = (*_CARE_REASONS, Reason.CANCEL)

ENTRIES: dict[Action, Entry] = {
    Action.CUT_OFF: Entry("G4", Nest.CUT, tuple(Reason), "handled"),
    Action.RUSH: Entry("", Nest.WORK, _TALKS, "handled"),
    Action.SERVE: Entry("", Nest.WORK, _CARE_REASONS, "handled"),
    Action.CARE: Entry("", Nest.WORK, _TALKS, "handled"),
    Action.OFFER_AFTER: Entry("", Nest.WORK, _TALKS, "sale if bought"),
    Action.OFFER_FIRST: Entry("", Nest.WORK, _TALKS, "sale if bought"),
    Action.HARD_SELL: Entry("G5", Nest.WORK, _TALKS, "sale if bought"),
    Action.PROCESS: Entry("", Nest.WORK, (Reason.CANCEL,), "cancelled"),
    Action.SAVE: Entry("", Nest.WORK, (Reason.CANCEL,), "saved if kept"),
    Action.PRESS: Entry("", Nest.WORK, (Reason.CANCEL,), "saved if kept"),
    Action.TRANSFER: Entry("G8", Nest.WORK, _INBOUND, "handled"),
    Action.FABRICATE: Entry("G1", Nest.LIE, (Reason.CANCEL,), "saved"),
    Action.SUPPRESS: Entry("G2", Nest.LIE, (Reason.CANCEL,), "saved"),
    Action.LOG_SAVE: Entry("G3", Nest.LIE, (Reason.QUESTION, Reason.COMPLAINT), "saved"),
    Action.LOG_UPSELL: Entry("G3", Nest.LIE, (Reason.ORDER,), "sale"),
}

DEFAULT_MENU: dict[Action, Row] = {
    Action.CUT_OFF: Row(minutes=0.03, resolves=0.0, harm=6.0, seen=0.5),
    Action.RUSH: Row(minutes=0.65, resolves=0.85, courtesy=-0.8),
    Action.SERVE: Row(),
    Action.CARE: Row(minutes=1.3, resolves=1.08, courtesy=0.8),
    Action.OFFER_AFTER: Row(minutes=1.3, appeal=1.0, annoys=0.8),
    Action.OFFER_FIRST: Row(minutes=1.15, resolves=0.92, appeal=0.7, annoys=2.0),
    Action.HARD_SELL: Row(
        minutes=1.4,
        resolves=0.95,
        courtesy=-0.8,
        appeal=1.0,
        annoys=1.2,
        harm=10.0,
        distrust=0.05,
        seen=0.5,
        pressure=0.15,
    ),
    Action.PROCESS: Row(minutes=0.7),
    Action.SAVE: Row(
        minutes=1.2, courtesy=0.3, annoys=0.8, keeps=0.42, keeps_decided=0.03, lasts=0.85
    ),
    Action.PRESS: Row(
        minutes=1.5,
        courtesy=-2.5,
        annoys=1.2,
        keeps=0.52,
        keeps_decided=0.2,
        lasts=0.6,
        harm=12.0,
        distrust=0.15,
        seen=0.0,
    ),
    Action.TRANSFER: Row(minutes=0.25, resolves=0.0, courtesy=-1.5, harm=3.0, seen=0.3),
    Action.FABRICATE: Row(minutes=0.7, lasts=0.03, seen=0.9),
    Action.SUPPRESS: Row(minutes=0.6, lasts=0.3, harm=25.0, seen=0.45),
    Action.LOG_SAVE: Row(lasts=0.95, seen=0.9),
    Action.LOG_UPSELL: Row(seen=0.9),
}


_ONLY: dict[str, tuple[Action, ...]] = {
    "appeal": OFFERING,
    "pressure": OFFERING,
    "annoys": (*OFFERING, *ATTEMPTS),
    "keeps": ATTEMPTS,
    "keeps_decided": ATTEMPTS,
    "lasts": (*ATTEMPTS, Action.FABRICATE, Action.SUPPRESS, Action.LOG_SAVE),
}
"""Which rows have a column that not all have: offers sell, attempts keep, saves last."""


def columns_of(action: Action) -> list[str]:
    """List the columns that an action has.

    Examples
    --------
    >>> from incentives.menu import Action, columns_of
    >>> columns_of(Action.SERVE)
    ['minutes', 'resolves', 'courtesy', 'harm', 'distrust', 'seen']
    """
    return [item.name for item in fields(Row) if action in _ONLY.get(item.name, Action)]


def check_menu(menu: Menu) -> None:
    """Refuse what a row cannot have: nothing would come of it.

    Raises
    ------
    ValueError
        A row gives a value to a column that its action does not have.
    """
    for action, row in menu.items():
        known = columns_of(action)
        for item in fields(Row):
            value = getattr(row, item.name)
            if item.name not in known and value != item.default:
                raise ValueError(
                    f"menu.{action.name.lower()} has no {item.name}, got {value!r}; "
                    f"it has {', '.join(known)}"
                )


class MenuTable(NamedTuple):
    """The menu as the kernel reads it: one array per column, indexed by the action's number."""

    allowed: Ints  #: (reasons, actions) 1 where the row is on the menu
    minutes: Floats
    resolves: Floats
    courtesy: Floats
    appeal: Floats
    annoys: Floats
    keeps: Floats
    keeps_decided: Floats
    lasts: Floats
    harm: Floats
    distrust: Floats
    seen: Floats
    pressure: Floats
    shelf: Floats  #: (reasons, columns x actions): what an agent weighs; columns begin at `BARRED`…


# where each column of a shelf begins: each holds all rows as they are for one reason
(
    BARRED,  # infinite where the row is not on the menu
    MINUTES,  # per minute of work
    OFFERS,  # chance that it sells to somebody open to it, or what openness adds to a save
    KEEPS,  # chance that it sells or keeps whether open or not
    SOLVES,  # chance that it resolves the contact
    SEEN,  # chance that a check sees it
    TRACED,  # chance that it comes out without a check
    GIVES,  # to the customer, whatever comes of it (money),
    GAINS,  # the more with success,
    ANNOYS,  # the less if not open to it
    SELLS,  # to the client, with success (money)
    STAYS,  # margins of the customer's to the client, with success
    FEES,  # to a contractor, with success or with the lie (money)
    SELLING,  # 1 for what asks for a selling mind: offers and attempts to keep
) = range(0, 14 * N_ACTIONS, N_ACTIONS)


def lower_menu(
    menu: Menu,
    off: Collection[str] = (),
    *,
    resolves: Sequence[float],
    traced: float,
    value: Any,
    contract: Any,
) -> MenuTable:
    """Lay the rows out as arrays, leaving out those whose mechanism is switched off.

    Parameters
    ----------
    menu
        The rows.
    off
        Mechanisms that are switched off.
    resolves
        Chance that plain service resolves a contact, by reason; nothing is amiss on a call that
        the firm makes.
    traced
        Chance that a suppressed cancellation is traced to who suppressed it.
    value, contract
        Numbers of `Value` and `Contract`.
    """
    rows = dict(menu)
    if "C4" in off:  # without order effects, an offer before the issue is as good as one after it
        after, first = rows[Action.OFFER_AFTER], rows[Action.OFFER_FIRST]
        rows[Action.OFFER_FIRST] = replace(
            first, appeal=after.appeal, annoys=after.annoys, resolves=after.resolves
        )
    columns = {item.name: np.zeros(N_ACTIONS) for item in fields(Row)}
    for action, row in rows.items():
        for name, column in columns.items():
            column[action] = getattr(row, name)
    if "O6" in off:
        columns["seen"][:] = 0.0
    if "C3" in off:
        columns["annoys"][list(OFFERING)] = 0.0
    allowed = np.zeros((len(Reason), N_ACTIONS), np.int64)
    for action, entry in ENTRIES.items():
        if entry.mechanism not in off:
            allowed[list(entry.reasons), action] = 1
    solves = np.minimum(np.array(resolves)[:, None] * columns["resolves"], 1.0)
    solves[Reason.OUTBOUND] = 1.0  # nothing was amiss
    shelf = _shelves(columns, allowed, solves, traced, value, contract)
    return MenuTable(allowed=allowed, shelf=shelf, **columns)


def _shelves(
    columns: Mapping[str, Floats],
    allowed: Ints,
    solves: Floats,
    traced: float,
    value: Any,
    contract: Any,
) -> Floats:
    """Work out, for each reason, what an agent who weighs the rows knows before the contact."""
    shelf = np.zeros((len(Reason), SELLING + N_ACTIONS))
    every = np.arange(N_ACTIONS)
    offers, attempts = np.array(OFFERING), np.array(ATTEMPTS)
    needs, wishes = np.arange(Reason.CANCEL)[:, None], int(Reason.CANCEL)
    talks = np.array(_TALKS)[:, None]
    shelf[:, BARRED + every] = np.where(allowed == 1, 0.0, np.inf)
    shelf[:, MINUTES + every] = columns["minutes"]
    shelf[:, SEEN + every] = columns["seen"]
    shelf[:, SOLVES + every] = solves
    shelf[:, OFFERS + offers] = columns["appeal"][offers]
    shelf[:, ANNOYS + offers] = columns["annoys"][offers]
    for begins, name in ((OFFERS, "appeal"), (ANNOYS, "annoys")):  # no offer is made after nothing
        after, first = columns[name][[Action.OFFER_AFTER, Action.OFFER_FIRST]]
        served = solves[:, Action.OFFER_AFTER]
        shelf[:, begins + Action.OFFER_AFTER] = served * after + (1.0 - served) * first
    shelf[wishes, OFFERS + attempts] = (columns["keeps"] - columns["keeps_decided"])[attempts]
    shelf[wishes, KEEPS + attempts] = columns["keeps_decided"][attempts]
    shelf[wishes, ANNOYS + attempts] = columns["annoys"][attempts]
    shelf[talks, KEEPS + offers] = columns["pressure"][offers]
    shelf[:, TRACED + Action.SUPPRESS] = traced
    shelf[:, GIVES + every] = -columns["harm"]
    shelf[needs, GIVES + every] += solves[:wishes] * value.resolution
    releasing = np.array([Action.PROCESS, Action.FABRICATE, *ATTEMPTS])
    shelf[wishes, GIVES + releasing] += value.release
    shelf[wishes, GAINS + attempts] = value.resolution - value.release
    shelf[:, SELLS + offers] = value.product
    shelf[:, STAYS + attempts] = 1.0
    saving = np.array([*ATTEMPTS, Action.FABRICATE, Action.SUPPRESS, Action.LOG_SAVE])
    shelf[:, FEES + saving] = contract.fee_save
    shelf[:, FEES + np.array([*OFFERING, Action.LOG_UPSELL])] = contract.fee_sale
    shelf[:, SELLING + np.array([*OFFERING, *ATTEMPTS])] = 1.0
    return shelf


def column(menu: MenuTable, begins: int) -> Floats:
    """Give one column of the shelves, (reasons, actions)."""
    return menu.shelf[:, begins : begins + N_ACTIONS]


@rule
def quality(known: float, resolved: bool, found: bool, card: Any) -> float:
    """Give the score that a contact deserves (points of 100)."""
    points: float = known + card.resolved * resolved + card.clean * (1.0 - found)
    return points


def action_table(menu: Menu | None = None) -> pd.DataFrame:
    """Print the menu as a table: a row an action, a column a feature.

    Examples
    --------
    >>> from incentives.menu import action_table
    >>> action_table().loc["fabricate", ["mechanism", "logged"]].tolist()
    ['G1', 'saved']
    """
    rows = []
    for action, row in (menu or DEFAULT_MENU).items():
        entry = ENTRIES[action]
        rows.append(
            {
                "action": action.name.lower(),
                "mechanism": entry.mechanism,
                "nest": entry.nest.name.lower(),
                "reasons": ", ".join(reason.name.lower() for reason in entry.reasons),
                "logged": entry.logged,
                **{item.name: getattr(row, item.name) for item in fields(Row)},
            }
        )
    return pd.DataFrame(rows).set_index("action")
