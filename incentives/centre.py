"""The floor: hours, staffing, queues, routing, channels, audits and the client's contract (O rows).

Use `Floor` for who works when, `Work` for how long contacts take, `Queueing`, `Routing` and
`Channels` for how a contact finds an agent, `Audit` for checks, and `Contract` for who pays whom.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from incentives._compile import rule
from incentives._draws import exp_
from incentives.columns import Floats, Ints
from incentives.mechanism import Mechanism, Settings, numbers, param

__all__ = ["Audit", "Channels", "Contract", "Floor", "Queueing", "Routing", "Work"]

Shape = Literal["lognormal", "exponential"]
Keep = Literal["centre", "team"]

SERVICE, RETENTION, CHAT = 0, 1, 2
N_SKILLS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor(Settings):
    """Hours, days, seats and shifts.

    `profile` gives the weight of equal slots of the opening hours in a day's contacts. Shifts are
    dealt to seats in turn in proportion to `shift_shares`; the default is one that spans the day.
    """

    teams: float = param(6, unit="teams", low=1, high=1000, source="the scenario's")
    team_size: float = param(4, unit="seats per team", low=1, high=1000, source="the scenario's")
    customers: float = param(
        40_000, unit="customers at the start", low=1, high=20_000_000, source="the scenario's"
    )
    opens: float = param(540, unit="minute of the day", low=0, high=1439, source="the scenario's")
    minutes: float = param(540, unit="minutes open", low=30, high=1440, source="the scenario's")
    days: float = param(20, unit="working days per month", low=1, high=31, source="assumed")
    profile: tuple[float, ...] = param(
        (1.0,), unit="weight of each slot", low=0, high=1e9, source="assumed: level over the day"
    )
    shift_starts: tuple[float, ...] = param(
        (540.0,), unit="minute of the day", low=0, high=1439, source="the scenario's"
    )
    shift_minutes: tuple[float, ...] = param(
        (540.0,), unit="minutes", low=30, high=1440, source="the scenario's"
    )
    shift_shares: tuple[float, ...] = param(
        (1.0,), unit="weight of each shift", low=0, high=1e6, source="the scenario's"
    )
    pause: float = param(
        45.0,
        unit="minutes' break, staggered around the middle of a shift",
        low=0,
        high=240,
        source="assumed",
    )
    shrinkage: float = param(
        0.08, unit="share of seats absent on a day", low=0, high=0.9, source="assumed"
    )
    service_within: float = param(
        0.5, unit="minutes, for the service level", low=0, high=60, source="trade: 80 % in 30 s"
    )

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        for name in ("teams", "team_size", "customers", "days"):
            if getattr(self, name) != int(getattr(self, name)):
                raise ValueError(f"Floor.{name} must be whole, got {getattr(self, name)!r}")
        lengths = {
            name: len(getattr(self, name))
            for name in ("shift_starts", "shift_minutes", "shift_shares")
        }
        if len(set(lengths.values())) > 1:
            raise ValueError(f"Floor's shift columns must be equally long, got {lengths}")
        for name in ("profile", "shift_shares"):
            if sum(getattr(self, name)) <= 0:
                raise ValueError(f"Floor.{name} must have some positive weight")
        if self.opens + self.minutes > 1440:
            raise ValueError(
                f"Floor.opens + Floor.minutes must be at most 1440, "
                f"got {self.opens:g} + {self.minutes:g}"
            )

    @property
    def seats(self) -> int:
        """Number of seats on the floor."""
        return int(self.teams * self.team_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Settings):
    """How long contacts take: the work that a contact brings, before agent and action.

    Log-normal with the `spread` of the log, or exponential (for checks against Erlang's formulas).
    """

    question: float = param(
        5.0, unit="minutes, mean", low=0.05, high=120, source="about 6 min (evidence table)"
    )
    complaint: float = param(8.0, unit="minutes, mean", low=0.05, high=120, source="assumed")
    order: float = param(6.0, unit="minutes, mean", low=0.05, high=120, source="assumed")
    cancel: float = param(7.0, unit="minutes, mean", low=0.05, high=120, source="assumed")
    spread: float = param(
        0.9, unit="SD of the log", low=0, high=2, source="bank call log 1999: 0.91"
    )
    resolves_question: float = param(
        0.84,
        unit="chance",
        low=0,
        high=1,
        source="assumed; first-contact resolution 70-72 % (evidence table)",
    )
    resolves_complaint: float = param(0.65, unit="chance", low=0, high=1, source="assumed")
    resolves_order: float = param(0.92, unit="chance", low=0, high=1, source="assumed")
    shape: Shape = "lognormal"

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if self.shape not in get_args(Shape):
            raise ValueError(f"Work.shape must be one of {get_args(Shape)}, got {self.shape!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queueing(Mechanism):
    """O5: arrivals vary, agents are few and patience is finite; load decides waiting.

    Patience is exponential. One who gave up, or was cut off, calls again with chance `redials`
    after an exponential time, with `temper` times the patience at each further try. Switched off,
    every contact finds an agent at once.
    """

    id: ClassVar[str] = "O5"
    title: ClassVar[str] = "queueing and patience"

    patience: float = param(
        8.0,
        unit="minutes, mean, voice",
        low=0.01,
        high=1e9,
        source="bank call log 1999 (experiments/bank_floor.py)",
        moves="-callers who give up",
    )
    patience_chat: float = param(
        12.0,
        unit="minutes, mean, chat",
        low=0.01,
        high=1e9,
        source="assumed",
        moves="-chats given up",
    )
    redials: float = param(
        0.7, unit="chance", low=0, high=1, source="assumed", moves="+repeat contacts"
    )
    redial_minutes: float = param(
        20.0,
        unit="minutes, mean",
        low=0.1,
        high=600,
        source="assumed",
        moves="+repeat contacts put off to the next day",
    )
    temper: float = param(
        0.8,
        unit="x patience per further try",
        low=0.1,
        high=1,
        source="assumed",
        moves="-repeat contacts given up",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing(Mechanism):
    """O2: contacts go by skill to the longest-idle agent; the longest-waiting goes first.

    Shares of each pool's seats that hold each skill; `keep` serves every customer by the whole
    centre or by one team. Switched off, everybody can do everything.
    """

    id: ClassVar[str] = "O2"
    title: ClassVar[str] = "skills-based routing"

    service: float = param(
        1.0,
        unit="share of seats with this skill",
        low=0.05,
        high=1,
        source="the scenario's",
        moves="-contacts about service given up",
    )
    retention: float = param(
        1.0,
        unit="share of seats with this skill",
        low=0.05,
        high=1,
        source="the scenario's",
        moves="-wishes to cancel given up",
    )
    chat: float = param(
        1.0,
        unit="share of seats with this skill",
        low=0.05,
        high=1,
        source="the scenario's",
        moves="-chats given up",
    )
    keep: Keep = "centre"

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        if self.keep not in get_args(Keep):
            raise ValueError(f"Routing.keep must be one of {get_args(Keep)}, got {self.keep!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels(Mechanism):
    """O4: a contact comes by voice or by chat, which takes longer and is waited for longer.

    Switched off, everybody calls.
    """

    id: ClassVar[str] = "O4"
    title: ClassVar[str] = "channels"

    chat: float = param(
        0.15,
        unit="share of contacts",
        low=0,
        high=1,
        source="assumed",
        moves="+share of contacts by chat",
    )
    minutes: float = param(
        1.2,
        unit="x the work of a call",
        low=0.1,
        high=5,
        source="assumed",
        moves="+minutes of a chat",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit(Mechanism):
    """O6: a sample of contacts is checked; detection is imperfect.

    A served contact is checked with chance `rate`, plus `on_saves` or `on_sales` if that is what
    was logged; the chance is recorded. A check recognises a row's gaming with the row's chance
    `seen`. What is found is struck from the agent's totals and costs `penalty`. Switched off,
    nobody checks and nobody fears a check.
    """

    id: ClassVar[str] = "O6"
    title: ClassVar[str] = "audit"

    rate: float = param(
        0.005,
        unit="chance per served contact",
        low=0,
        high=1,
        source="0.0007 to 0.007 from 1-10 checks per agent-month (evidence table)",
        moves="+contacts checked",
    )
    on_saves: float = param(
        0.02,
        unit="added chance for a logged save",
        low=0,
        high=1,
        source="assumed",
        moves="+logged saves checked",
    )
    on_sales: float = param(
        0.0,
        unit="added chance for a logged sale",
        low=0,
        high=1,
        source="assumed",
        moves="+logged sales checked",
    )
    penalty: float = param(
        150.0,
        unit="money",
        low=0,
        high=1e6,
        source="assumed: a day and a half of pay",
        moves="-lies told",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(Settings):
    """Who pays whom: client firms by their share of customers, and what a contractor earns.

    With `contractor` = 1 the employer lives on fees for what is logged; with 0 it is the client.
    """

    clients: tuple[float, ...] = param(
        (1.0,), unit="share of customers of each client", low=0, high=1e6, source="the scenario's"
    )
    contractor: float = param(
        0, unit="1 contractor, 0 in-house", low=0, high=1, source="the scenario's"
    )
    fee_save: float = param(15.0, unit="money per logged save", low=0, high=1e5, source="assumed")
    fee_sale: float = param(10.0, unit="money per logged sale", low=0, high=1e5, source="assumed")

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if not self.clients or sum(self.clients) <= 0 or len(self.clients) > 255:
            raise ValueError(
                f"Contract.clients must name between 1 and 255 shares, some above 0, "
                f"got {self.clients!r}"
            )


WorkNumbers = numbers(Work, "WorkNumbers", __name__)
QueueNumbers = numbers(Queueing, "QueueNumbers", __name__)
ChannelNumbers = numbers(Channels, "ChannelNumbers", __name__)
AuditNumbers = numbers(Audit, "AuditNumbers", __name__)
ContractNumbers = numbers(Contract, "ContractNumbers", __name__)


class FloorPlan(NamedTuple):
    """The floor as the kernel reads it."""

    team: Ints  #: (seats,) teams sit side by side
    size: int  #: seats per team
    pool: Ints  #: (seats,) who is routed together
    pools: int
    skills: Ints  #: (seats,) bit per skill
    start: Floats  #: (seats,) minute at which the shift starts
    end: Floats  #: (seats,) minute at which it ends
    rest: Floats  #: (seats,) minute at which the break is due
    profile: Floats  #: (slots + 1,) cumulative share of the day's contacts
    opens: float
    minutes: float
    pause: float
    usual: float  #: minutes that a contact usually takes
    queueing: bool
    exponential: bool
    by_home: bool  #: customers keep to the pool that is their home
    service_within: float


def plan_floor(
    floor: Floor, routing: Routing, work: Work, *, exact: bool, off: Collection[str]
) -> FloorPlan:
    """Lay out seats, skills and shifts."""
    seats = np.arange(floor.seats)
    size = int(floor.team_size)
    team = seats // size
    by_team = routing.keep == "team" and "O2" not in off
    pool = team if by_team else np.zeros_like(team)
    place, crew = (seats % size, size) if by_team else (seats, floor.seats)
    skills = np.full(floor.seats, 7, np.int64)
    if "O2" not in off:
        skills = _deal(place, crew, routing)
    shift = _deal_shifts(place, floor.shift_shares)
    start = np.array(floor.shift_starts, float)[shift]
    length = np.array(floor.shift_minutes, float)[shift]
    share = np.cumsum(np.array(floor.profile, float))
    return FloorPlan(
        team=team,
        size=size,
        pool=pool,
        pools=int(pool.max()) + 1,
        skills=skills,
        start=start,
        end=start + length,
        rest=start + (0.3 + 0.4 * (place + 0.5) / crew) * length - 0.5 * floor.pause,
        profile=np.concatenate([[0.0], share / share[-1]]),
        opens=float(floor.opens),
        minutes=float(floor.minutes),
        pause=float(floor.pause),
        usual=0.25 * (work.question + work.complaint + work.order + work.cancel),
        queueing="O5" not in off,
        exponential=exact,
        by_home=by_team,
        service_within=float(floor.service_within),
    )


def _deal(place: Ints, crew: int, routing: Routing) -> Ints:
    """Give skills to the seats of a pool: retention from one end, service from the other."""
    names = ("service", "retention", "chat")
    counts = {name: round(getattr(routing, name) * crew) for name in names}
    for name, count in counts.items():
        if count < 1:
            raise ValueError(
                f"Routing.{name} = {getattr(routing, name):g} leaves nobody with this skill among "
                f"{crew} seats: raise it to at least {0.5 / crew + 1e-9:.3f}"
            )
    retention = place < counts["retention"]
    service = place >= crew - counts["service"]
    chat = (place * counts["chat"]) % crew < counts["chat"]
    idle = ~(retention | service | chat)
    service |= idle
    bits = (1 << SERVICE) * service + (1 << RETENTION) * retention + (1 << CHAT) * chat
    return np.asarray(bits, np.int64)


def _deal_shifts(place: Ints, shares: tuple[float, ...]) -> Ints:
    """Deal shifts to seats in turn, as evenly as their shares allow (largest remainder first)."""
    weights = np.array(shares, float) / sum(shares)
    given = np.zeros(len(weights))
    dealt = np.zeros(int(place.max()) + 1, np.int64)
    for i in range(len(dealt)):
        dealt[i] = int(np.argmax(weights * (i + 1) - given))
        given[dealt[i]] += 1
    return np.asarray(dealt[place], np.int64)


@rule
def work_of(shock: float, rule: Any) -> float:
    """Give the work that a contact brings, relative to the mean of its reason."""
    return exp_(rule.spread * shock - 0.5 * rule.spread * rule.spread)


@rule
def usual_work(reason: int, rule: Any) -> float:
    """Give the mean work of contacts with this reason (minutes of service by an average agent)."""
    mean: float = rule.question
    if reason == 1:
        mean = rule.complaint
    elif reason == 2:
        mean = rule.order
    elif reason == 3:
        mean = rule.cancel
    return mean


@rule
def patience_of(channel: int, attempt: int, shock: float, rule: Any) -> float:
    """Give how long a customer waits before giving up (minutes)."""
    mean: float = rule.patience if channel == 0 else rule.patience_chat
    for _ in range(attempt):
        mean *= rule.temper
    return mean * shock


@rule
def audit_chance(outcome: int, rule: Any) -> float:
    """Give the chance that a served contact with this logged outcome is checked."""
    chance: float = rule.rate
    if outcome == 1:
        chance += rule.on_sales
    elif outcome == 2:
        chance += rule.on_saves
    return min(chance, 1.0)


@rule
def minute_of(u: float, profile: Floats, opens: float, minutes: float) -> float:
    """Give the minute at which a contact arrives: the day's profile, turned round."""
    slots = len(profile) - 1
    low, high = 0, slots
    while high - low > 1:
        middle = (low + high) // 2
        if profile[middle] <= u:
            low = middle
        else:
            high = middle
    share: float = (u - profile[low]) / (profile[low + 1] - profile[low])
    return opens + minutes * (low + share) / slots
