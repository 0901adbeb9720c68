"""The one declaration of what an analyst sees: frames, columns, units, allowed values, meaning.

Validation, templates, the data dictionary and the docs page all read `CONTRACT`. Names are those
of `Records`, so that simulated records satisfy it as they are. Frames that only a simulator fills
(`days`, `choices`, `clients`) are not in it.
"""

from dataclasses import dataclass
from math import inf
from typing import Literal

import pandas as pd

from incentives.columns import ACCUMULATORS, Channel, Ended, LeftBy, Outcome, Reason
from incentives.records import TENURES

__all__ = ["CONTRACT", "OWN_KINDS", "Column", "Frame", "dictionary"]

Kind = Literal["identifier", "whole", "number", "yes_no", "name", "month", "date", "time"]
Need = Literal["required", "optional", "derived"]
Calendar = Literal["days", "timestamps"]

DTYPES: dict[Kind, str] = {
    "identifier": "int64",
    "whole": "int64",
    "number": "float64",
    "yes_no": "bool",
    "name": "category",
    "month": "int64",
    "date": "float64",
    "time": "datetime64",
}
"""What a column is in `Records`, by kind."""

WORDS: dict[Kind, str] = {
    "identifier": "text or a whole number",
    "whole": "a whole number",
    "number": "a number with a decimal point",
    "yes_no": "yes or no (true or false, 1 or 0)",
    "name": "text",
    "month": "a month such as 2026-03 or a date in it; or whole months counted from 0",
    "date": "a date such as 2026-03-14; or months counted from 0",
    "time": "a date and time such as 2026-03-14 09:26:53, local, without an offset",
}
"""What a firm writes into a column, by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the contract.

    Parameters
    ----------
    kind
        What is written there: `WORDS`; what it becomes: `DTYPES`.
    need
        ``"derived"`` is worked out where it is left out, as far as the other frames allow.
    unless
        Columns instead of which this one is required: one of them will do.
    empty
        Whether cells may be empty.
    values
        Allowed names; any if there are none.
    nothing
        The name, among any, that says there was nothing, however it is capitalised. What looks
        like another way to say so is refused.
    low, high
        The range, both ends included unless `above`, which leaves out the low one.
    entity
        Whose identifier it is: the same identifier means the same one in every frame.
    calendar
        The kind of calendar in whose templates the column stands; in both if left out.
    whole_months
        A date must be the first of a month.
    open_end
        An empty cell means that it goes on, and so does a date from 2099 on.
    """

    name: str
    kind: Kind
    meaning: str
    need: Need = "optional"
    unless: tuple[str, ...] = ()
    empty: bool = False
    unit: str = ""
    values: tuple[str, ...] = ()
    nothing: str = ""
    low: float = -inf
    high: float = inf
    above: bool = False
    entity: str = ""
    calendar: Calendar | None = None
    whole_months: bool = False
    open_end: bool = False
    example: str = ""

    def allowed(self) -> str:
        """Say in words which values may stand there."""
        if self.values:
            return ", ".join(self.values)
        if self.low > -inf and self.high < inf:
            low, high = f"{self.low:g}", f"{self.high:g}"
            return f"above {low}, at most {high}" if self.above else f"{low} to {high}"
        if self.low > -inf:
            return f"above {self.low:g}" if self.above else f"{self.low:g} or more"
        return WORDS[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame of the contract: one file of a firm's.

    Parameters
    ----------
    row
        What one row is.
    key
        Columns that no two rows share, as far as they are there.
    families
        Beginnings of further columns, counts all of them, that may stand in the frame.
    instead
        The frame that can stand in its place.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    instead: str = ""

    def named(self, name: str) -> Column | None:
        """Give the column of a name, also one of a family; None for a strange one."""
        for column in self.columns:
            if column.name == name:
                return column
        if name.startswith(self.families or ("\0",)):
            reason = name.partition("_")[2]
            meaning = f"Of these, those who left by {reason}."
            return Column(name=name, kind="whole", low=0, unit="customers", meaning=meaning)
        return None


def _names(codes: "type[Channel | Ended | LeftBy | Outcome | Reason]") -> tuple[str, ...]:
    return tuple(code.name.lower() for code in codes)


OUTCOMES = _names(Outcome)

RUN = Column(
    name="run",
    kind="whole",
    need="derived",
    low=0,
    meaning="Which world the row is of; a firm is one world, and its number is 0.",
)
MONTH = Column(
    name="month",
    kind="month",
    need="derived",
    low=0,
    unit="calendar months from the first",
    example="2026-03",
    meaning="The month of the contact; taken from the contact where it is left out.",
)
AGENT = Column(
    name="agent",
    kind="identifier",
    need="derived",
    empty=True,
    entity="agent",
    example="A-17",
    meaning="Who took the contact; taken from the contact where it is left out.",
)
TEAM = Column(
    name="team",
    kind="identifier",
    need="derived",
    empty=True,
    entity="team",
    example="north",
    meaning="The agent's team in that month; taken from `agents` where it is left out.",
)
SCHEME = Column(
    name="scheme",
    kind="name",
    need="derived",
    empty=True,
    example="retention bonus",
    meaning="The pay scheme in force; taken from `assignments` where it is left out.",
)
CONTACT = Column(
    name="contact",
    kind="identifier",
    need="required",
    entity="contact",
    example="C-000123",
    meaning="The contact, one identifier each.",
)
CUSTOMER = Column(
    name="customer",
    kind="identifier",
    empty=True,
    entity="customer",
    example="K-4711",
    meaning="The customer.",
)
HOME = Column(
    name="home_team",
    kind="identifier",
    empty=True,
    entity="team",
    example="north",
    meaning="The team that serves the customer, where routing keeps customers with a team.",
)
LOGGED = Column(
    name="logged_outcome",
    kind="name",
    need="required",
    values=OUTCOMES,
    example="saved",
    meaning="What the agent wrote down; `abandoned` where nobody answered.",
)
REASON = Column(
    name="reason",
    kind="name",
    values=_names(Reason),
    example="cancel",
    meaning="Why the customer was in touch; `cancel` is a wish to cancel.",
)


def _derived(column: Column, meaning: str) -> Column:
    """Give a column that another frame can fill."""
    return Column(
        name=column.name,
        kind=column.kind,
        need="derived",
        values=column.values,
        example=column.example,
        meaning=meaning,
    )


def _amount(name: str, unit: str, meaning: str, *, low: float = -inf) -> Column:
    return Column(name=name, kind="number", unit=unit, low=low, example="12.5", meaning=meaning)


def _accumulated(name: str) -> Column:
    """Give the column of what was logged for an agent in a month."""
    unit = {"sales_value": "money", "survey_sum": "points of 10", "qa_sum": "points of 100"}
    said = {
        "contacts": "Contacts handled",
        "cancels": "Wishes to cancel handled",
        "saves": "Saves on the log",
        "sales": "Sales on the log",
        "sales_value": "Value of the sales on the log",
        "survey_sum": "Sum of survey scores",
        "survey_n": "Surveys answered",
        "qa_sum": "Sum of QA scores",
        "qa_n": "Contacts given a QA score",
    }[name]
    derived = name in ("contacts", "cancels", "saves", "sales", "sales_value")
    return Column(
        name=f"logged_{name}",
        kind="number",
        need="derived" if derived else "optional",
        unit=unit.get(name, "count"),
        low=0,
        example="31",
        meaning=f"{said} in the month" + ("; counted from `cells` if left out." * derived or "."),
    )


CONTACTS = Frame(
    name="contacts",
    row="one contact: a call, chat, e-mail or post, answered or not",
    key=("run", "contact"),
    instead="cells",
    columns=(
        RUN,
        CONTACT,
        Column(
            name="start",
            kind="time",
            calendar="timestamps",
            example="2026-03-14 09:26:53",
            meaning="When the contact began. Month, day and minute are taken from it.",
        ),
        Column(
            name="month",
            kind="month",
            need="required",
            unless=("start",),
            calendar="days",
            low=0,
            unit="months from 0",
            example="0",
            meaning="The month of the contact; a month is a pay period and a bill.",
        ),
        Column(
            name="day",
            kind="whole",
            calendar="days",
            low=0,
            unit="working days from 0",
            example="13",
            meaning="The working day, counted over all months: month x days a month + day in it.",
        ),
        Column(
            name="minute",
            kind="number",
            calendar="days",
            low=0,
            high=1440,
            unit="minutes since midnight",
            example="566.9",
            meaning="When the contact began.",
        ),
        Column(
            name="agent",
            kind="identifier",
            need="required",
            empty=True,
            entity="agent",
            example="A-17",
            meaning="Who took the contact; empty where nobody answered.",
        ),
        TEAM,
        SCHEME,
        CUSTOMER,
        Column(
            name="channel",
            kind="name",
            values=_names(Channel),
            example="voice",
            meaning="How the customer was in touch.",
        ),
        REASON,
        Column(
            name="episode",
            kind="whole",
            low=0,
            meaning="The customer's need that the contact belongs to, counted for each customer.",
        ),
        Column(
            name="attempt",
            kind="whole",
            low=1,
            example="1",
            meaning="Number of the contact among those about the same need, from 1.",
        ),
        Column(
            name="hire",
            kind="whole",
            low=0,
            meaning="Number of the person on this seat, from 0, where seats are filled anew.",
        ),
        _amount("wait_minutes", "minutes", "Waited in the queue.", low=0),
        _amount("handle_minutes", "minutes", "Time that the agent spent on the contact.", low=0),
        Column(
            name="ended",
            kind="name",
            need="derived",
            values=_names(Ended),
            example="served",
            meaning="How the telephone system saw it end; by `logged_outcome` where left out.",
        ),
        LOGGED,
        _amount("logged_value", "money", "Value of what was sold, as logged.", low=0),
        Column(
            name="audit_prob",
            kind="number",
            low=0,
            high=1,
            unit="probability",
            example="0.02",
            meaning="The chance that the contact would be drawn for an audit, drawn or not; "
            "0 where it could not be.",
        ),
    ),
)

CELLS = Frame(
    name="cells",
    row="contacts counted by month, agent, reason and logged outcome: in place of `contacts`, "
    "where these are too many to hand over",
    instead="contacts",
    columns=(
        RUN,
        Column(
            name="month",
            kind="month",
            need="required",
            low=0,
            unit="calendar months from the first",
            example="2026-03",
            meaning="The month of the contacts.",
        ),
        Column(
            name="agent",
            kind="identifier",
            need="required",
            empty=True,
            entity="agent",
            example="A-17",
            meaning="Who took the contacts; empty where nobody answered.",
        ),
        TEAM,
        SCHEME,
        REASON,
        LOGGED,
        Column(
            name="n",
            kind="whole",
            need="required",
            low=1,
            unit="contacts",
            example="25",
            meaning="How many.",
        ),
        _amount("minutes", "minutes", "Time that the agent spent on them, added up.", low=0),
        _amount("value", "money", "Value of what was sold, as logged, added up.", low=0),
    ),
)

AGENTS = Frame(
    name="agents",
    row="one agent and month; or one agent, if nothing in it changes from month to month",
    key=("run", "agent", "month"),
    columns=(
        RUN,
        Column(
            name="month",
            kind="month",
            low=0,
            unit="calendar months from the first",
            example="2026-03",
            meaning="The month; leave the column out where one row holds for all months.",
        ),
        Column(
            name="agent",
            kind="identifier",
            need="required",
            entity="agent",
            example="A-17",
            meaning="The agent.",
        ),
        Column(
            name="team",
            kind="identifier",
            entity="team",
            example="north",
            meaning="The agent's team in the month.",
        ),
        Column(
            name="hired",
            kind="date",
            unit="months",
            example="2024-11-04",
            empty=True,
            meaning="When the agent began; no contact of the agent's can be earlier.",
        ),
        Column(
            name="hire",
            kind="whole",
            low=0,
            meaning="Number of the person on this seat, from 0, where seats are filled anew.",
        ),
        SCHEME,
        *map(_accumulated, ACCUMULATORS),
        _amount("minutes_busy", "minutes", "Spent on contacts in the month.", low=0),
        _amount("minutes_on_duty", "minutes", "Rostered and present in the month.", low=0),
        _amount("wage", "money", "Fixed pay of the month."),
        _amount("bonus", "money", "Variable pay earned in the month."),
        _amount("deferred", "money", "Of it, held back to be paid later."),
        _amount("released", "money", "Held back before, paid in the month."),
        _amount("forfeited", "money", "Held back before, lost in the month."),
        _amount("clawed_back", "money", "Paid before, taken back in the month."),
        _amount("penalty", "money", "Deducted as a sanction."),
        _amount("paid", "money", "Paid out in all."),
        Column(
            name="quit", kind="yes_no", example="no", meaning="Whether the agent left in the month."
        ),
        _amount("goal", "times the usual", "Factor on the agent's targets.", low=0),
        Column(
            name="agent_id",
            kind="name",
            need="derived",
            meaning="The firm's own identifier of the agent, where it is not a number.",
        ),
        Column(
            name="team_id",
            kind="name",
            need="derived",
            empty=True,
            meaning="The firm's own identifier of the team, where it is not a number.",
        ),
    ),
)

ASSIGNMENTS = Frame(
    name="assignments",
    row="one unit under one pay scheme, from a month to another",
    columns=(
        RUN,
        Column(
            name="unit",
            kind="name",
            need="required",
            values=("world", "team", "agent"),
            example="team",
            meaning="What was assigned: the whole centre, teams, or agents; the same in all rows.",
        ),
        Column(
            name="unit_id",
            kind="identifier",
            empty=True,
            example="north",
            meaning="Which team or agent; empty for the whole centre.",
        ),
        Column(
            name="scheme",
            kind="name",
            need="required",
            example="retention bonus",
            meaning="The pay scheme that the unit was under.",
        ),
        Column(
            name="from_month",
            kind="month",
            need="required",
            whole_months=True,
            unit="calendar months from the first",
            example="2026-03",
            meaning="The first month under the scheme; it may lie before the first contact.",
        ),
        Column(
            name="to_month",
            kind="month",
            empty=True,
            open_end=True,
            whole_months=True,
            unit="calendar months from the first",
            example="2026-09",
            meaning="The first month no longer under the scheme; empty, or a date from 2099 on: to "
            "the end of the records.",
        ),
        Column(
            name="randomised",
            kind="yes_no",
            need="required",
            example="yes",
            meaning="Whether the unit was put under the scheme by lot.",
        ),
        Column(
            name="prob",
            kind="number",
            low=0,
            above=True,
            high=1,
            empty=True,
            unit="probability",
            example="0.5",
            meaning="The chance that the unit had of this scheme.",
        ),
    ),
)

AUDITS = Frame(
    name="audits",
    row="one contact that was checked against what happened",
    key=("run", "contact"),
    columns=(
        RUN,
        CONTACT,
        Column(
            name="prob",
            kind="number",
            need="required",
            unless=("contacts.audit_prob",),
            low=0,
            above=True,
            high=1,
            empty=True,
            unit="probability",
            example="0.02",
            meaning="The chance that this contact had of being drawn, fixed before the draw; "
            "empty only where `mode` is targeted.",
        ),
        Column(
            name="mode",
            kind="name",
            values=("random", "outcome", "targeted"),
            example="random",
            meaning="How it was drawn: at the base rate, at a rate that depends on the logged "
            "outcome, or picked on suspicion.",
        ),
        Column(
            name="found",
            kind="name",
            need="required",
            nothing="none",
            example="none",
            meaning="The kind of gaming found, in the firm's own words; `none` if none.",
        ),
        Column(
            name="found_outcome",
            kind="name",
            need="required",
            values=OUTCOMES,
            example="handled",
            meaning="What the audit says became of the contact.",
        ),
        Column(
            name="qa_score",
            kind="number",
            low=0,
            high=100,
            empty=True,
            unit="points",
            example="85",
            meaning="The score given on the scorecard; empty where none was given.",
        ),
        Column(
            name="found_survey",
            kind="yes_no",
            example="no",
            meaning="Whether the audit heard the agent game a survey.",
        ),
        Column(
            name="found_early",
            kind="yes_no",
            example="no",
            meaning="Whether the audit found a result booked before it was there.",
        ),
        MONTH,
        AGENT,
        TEAM,
        SCHEME,
        _derived(REASON, "Of the contact; taken from it where it is left out."),
        _derived(LOGGED, "Of the contact; taken from it where it is left out."),
    ),
)

SURVEYS = Frame(
    name="surveys",
    row="one contact after which the customer was asked for a score",
    key=("run", "contact"),
    columns=(
        RUN,
        CONTACT,
        Column(
            name="invited",
            kind="yes_no",
            example="yes",
            meaning="Whether the customer was asked; yes for all where the column is left out.",
        ),
        Column(
            name="answered",
            kind="yes_no",
            need="required",
            example="yes",
            meaning="Whether an answer came.",
        ),
        Column(
            name="score",
            kind="number",
            low=0,
            high=10,
            empty=True,
            need="required",
            unit="points of 10",
            example="8",
            meaning="The score; empty where no answer came.",
        ),
        MONTH,
        AGENT,
        TEAM,
        SCHEME,
    ),
)

SUBSCRIPTIONS = Frame(
    name="subscriptions",
    row="one spell of a customer with the firm; customer-months are made from it",
    instead="customers",
    columns=(
        RUN,
        Column(
            name="customer",
            kind="identifier",
            need="required",
            entity="customer",
            example="K-4711",
            meaning="The customer.",
        ),
        Column(
            name="start",
            kind="date",
            need="required",
            unit="months",
            example="2023-05-17",
            meaning="When the customer came. Those who were there when the first month began are "
            "the initial customers.",
        ),
        Column(
            name="end",
            kind="date",
            empty=True,
            open_end=True,
            unit="months",
            example="2026-04-30",
            meaning="The last day as a customer; empty, or a date from 2099 on, for those who are "
            "still there.",
        ),
        Column(
            name="end_reason",
            kind="name",
            empty=True,
            example="contact",
            meaning="How the customer left: `contact`, `silent`, `discovery`, or the firm's words.",
        ),
        HOME,
        _amount("value", "money per month", "What the customer leaves with the firm."),
    ),
)

CUSTOMERS = Frame(
    name="customers",
    row="one customer and month at risk of leaving, or a count of such: in place of "
    "`subscriptions`",
    key=("run", "month", "customer"),
    families=("left_",),
    instead="subscriptions",
    columns=(
        RUN,
        Column(
            name="month",
            kind="month",
            need="required",
            low=0,
            unit="calendar months from the first",
            example="2026-03",
            meaning="The month.",
        ),
        CUSTOMER,
        HOME,
        SCHEME,
        Column(
            name="exposure",
            kind="whole",
            low=0,
            meaning="The schemes whose agents the customer met in the month: 1 for the first "
            "scheme, 2 for the second, 4 for the third, and so on, added up.",
        ),
        Column(
            name="exposure_identified",
            kind="yes_no",
            need="derived",
            meaning="Whether the customer met agents under one scheme only; worked out from home "
            "team, assignments and contacts where it is left out.",
        ),
        Column(
            name="initial",
            kind="yes_no",
            need="required",
            example="yes",
            meaning="Whether the customer was there when the first month began.",
        ),
        Column(
            name="tenure_band",
            kind="name",
            values=TENURES,
            example=TENURES[0],
            meaning="How long the customer has been one.",
        ),
        Column(
            name="n",
            kind="whole",
            need="derived",
            low=1,
            unit="customers",
            meaning="How many customers the row counts; 1 where it is left out.",
        ),
        Column(
            name="left",
            kind="whole",
            need="required",
            low=0,
            unit="customers",
            example="0",
            meaning="Of these, those who left in the month. Columns `left_...` say how: "
            + ", ".join(f"`left_{name}`" for name in _names(LeftBy)[1:])
            + ", or the firm's own words.",
        ),
        _amount("value", "money", "What they left with the firm in the month."),
        _amount("refund", "money", "Paid back for what was sold wrongly."),
        _amount("data_sold", "money", "Earned by passing on their data."),
    ),
)

RUNS = Frame(
    name="runs",
    row="one world; a firm is one, and the row is made up where the file is left out",
    key=("run",),
    columns=(
        RUN,
        Column(
            name="replication",
            kind="whole",
            need="derived",
            low=0,
            example="0",
            meaning="Worlds with the same number had the same luck; 0 for a firm.",
        ),
        Column(name="scenario", kind="name", need="derived", meaning="Name of the centre."),
        Column(
            name="scheme",
            kind="name",
            need="derived",
            meaning="The scheme that all were under, or `assigned` where parts differ.",
        ),
        Column(
            name="months",
            kind="whole",
            need="derived",
            low=1,
            unit="months",
            meaning="How many months are on record.",
        ),
        Column(
            name="days_per_month",
            kind="whole",
            need="derived",
            low=1,
            high=31,
            empty=True,
            unit="days",
            example="20",
            meaning="Working days in a month; with timestamps the most in any month.",
        ),
        Column(name="agents", kind="whole", need="derived", low=0, meaning="How many agents."),
        Column(
            name="customers", kind="whole", need="derived", low=0, meaning="Customers at the start."
        ),
        Column(name="contacts", kind="whole", need="derived", low=0, meaning="How many contacts."),
        Column(
            name="currency",
            kind="name",
            need="derived",
            empty=True,
            example="EUR",
            meaning="The currency of all amounts.",
        ),
        Column(
            name="off",
            kind="name",
            need="optional",
            empty=True,
            meaning="Mechanisms switched off, in simulated records.",
        ),
        Column(
            name="digest",
            kind="name",
            need="optional",
            meaning="Digest of the scenario, in simulated records.",
        ),
        Column(
            name="won", kind="whole", unit="customers", meaning="Customers won in the course of it."
        ),
        Column(
            name="referred", kind="whole", unit="customers", meaning="Customers who were referred."
        ),
        _amount("cost_of_winning", "money per customer", "What it costs to win a customer."),
    ),
)

FRAMES = (
    RUNS,
    CONTACTS,
    CELLS,
    AGENTS,
    ASSIGNMENTS,
    AUDITS,
    SURVEYS,
    SUBSCRIPTIONS,
    CUSTOMERS,
)

CONTRACT: dict[str, Frame] = {frame.name: frame for frame in FRAMES}
"""The frames by name, in reading order."""

OWN_KINDS = ("contacts", "cells", "audits", "subscriptions", "customers")
"""The frames that may hold categories of a firm's own."""


def dictionary() -> pd.DataFrame:
    """Give the data dictionary: one row a column of the contract, in words.

    Examples
    --------
    >>> frame = dictionary()
    >>> frame.loc[frame["column"] == "qa_score", ["frame", "unit", "allowed"]].values.tolist()
    [['audits', 'points', '0 to 100']]
    """
    return pd.DataFrame(
        [
            {
                "frame": frame.name,
                "column": column.name,
                "need": _needed(column),
                "write": WORDS[column.kind],
                "dtype": DTYPES[column.kind],
                "unit": column.unit,
                "allowed": column.allowed(),
                "may be empty": column.empty,
                "example": column.example,
                "meaning": column.meaning,
            }
            for frame in FRAMES
            for column in frame.columns
        ]
    )


def _needed(column: Column) -> str:
    if column.unless:
        return f"required, or {' or '.join(column.unless)}"
    return column.need
