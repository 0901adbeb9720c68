"""The floor: hours, staffing, queues, routing, channels, audits and the client's contract (O rows).

Use `Floor` for who works when, `Work` for how long contacts take, `Queueing`, `Routing` and
`Channels` for how a contact finds an agent, `Audit` for checks, and `Contract` for who pays whom.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from incentives._compile import rule
from incentives._draws import Key, Purpose, exp, exp_, log, uniforms
from incentives.columns import Bools, Decision, Floats, Ints
from incentives.mechanism import Mechanism, Settings, numbers, param

__all__ = ["Audit", "Channels", "Contract", "Floor", "Queueing", "Renewal", "Routing", "Work"]

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
    )
    patience_chat: float = param(
        12.0, unit="minutes, mean, chat", low=0.01, high=1e9, source="assumed"
    )
    redials: float = param(0.7, unit="chance", low=0, high=1, source="assumed")
    redial_minutes: float = param(20.0, unit="minutes, mean", low=0.1, high=600, source="assumed")
    temper: float = param(0.8, unit="x patience per further try", low=0.1, high=1, source="assumed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing(Mechanism):
    """O2: contacts go by skill to the longest-idle agent; the longest-waiting goes first.

    Shares of each pool's seats that hold each skill; `keep` serves every customer by the whole
    centre or by one team. Switched off, everybody can do everything.
    """

    id: ClassVar[str] = "O2"
    title: ClassVar[str] = "skills-based routing"

    service: float = param(
        1.0, unit="share of seats with this skill", low=0, high=1, source="the scenario's"
    )
    retention: float = param(
        1.0, unit="share of seats with this skill", low=0, high=1, source="the scenario's"
    )
    chat: float = param(
        1.0, unit="share of seats with this skill", low=0, high=1, source="the scenario's"
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

    chat: float = param(0.15, unit="share of contacts", low=0, high=1, source="assumed")
    minutes: float = param(1.2, unit="x the work of a call", low=0.1, high=5, source="assumed")


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
    )
    on_saves: float = param(
        0.02, unit="added chance for a logged save", low=0, high=1, source="assumed"
    )
    on_sales: float = param(
        0.0, unit="added chance for a logged sale", low=0, high=1, source="assumed"
    )
    penalty: float = param(
        150.0, unit="money", low=0, high=1e6, source="assumed: a day and a half of pay"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal(Mechanism):
    r"""O7: a client renews, cuts volume or leaves; a contractor chooses how hard to look.

    A client compares each month's average since its last decision with what it takes for usual:
    the reported saves per cancellation R and sales per contact L, and what it sees itself,
    complaints and refunds per customer C and churn H. Its content is

    .. math::

        z = \tfrac12 w_r \left(\ln\tfrac{R}{\bar R} + \ln\tfrac{L}{\bar L}\right)
            - w_c \ln\tfrac{C}{\bar C} - w_h \ln\tfrac{H}{\bar H},

    and every `term` months it leaves, cuts or renews with odds
    :math:`e^{a_l - z} : 1 : e^{a_r + z}`; then the usual moves a share `adapts` of the way to what
    there was. A cut moves the share `cut` of its customers elsewhere, leaving all of them. Seats
    are closed in proportion, and their agents laid off.

    Every `review` months the client says how content it is. The contractor learns from this how
    much complaints count, :math:`b \leftarrow [b - v\, x\, (z - z_r + b x) / (1 + x^2)]^+` with
    :math:`x = \ln(C / \bar C)` and :math:`z_r` the part of z that is about reports, and from its
    checks which share f of the saves it logs is false. Then it chooses how many times
    the audit that it declares it carries out, m in {0, 1/2, 1, 2}, by a logit over the money that
    the next term is expected to bring: with :math:`d = e^{-g (m - m_0)}` the false saves that it
    expects to be left and p(m) the chance of a check,

    .. math::

        V(m) = T \sum_k \bigl(1 - \ell(z_k + b_k x_k^+ (1 - d))\bigr)
            \bigl(\text{fee}_L L_k + \text{fee}_S S_k (1 - f + f d (1 - p(m)))\bigr)
            - T\,\text{cost} \cdot \text{checks}(m),

    where :math:`\ell` is the share of a client's volume that is expected to be lost. Only a
    contractor has clients that could go. Switched off, contracts never end and the contractor
    looks as hard as it declares.
    """

    id: ClassVar[str] = "O7"
    title: ClassVar[str] = "contract"

    term: float = param(
        12.0,
        unit="months between decisions",
        low=1,
        high=120,
        source="assumed: a year",
        moves="-volume lost",
    )
    review: float = param(
        6.0,
        unit="months between reviews",
        low=1,
        high=120,
        source="assumed: half-yearly business reviews",
        moves="+checks for a blind client",
    )
    reported: float = param(
        1.0,
        unit="log odds per log point of reported figures",
        low=0,
        high=5,
        source="assumed",
        moves="-volume lost",
    )
    complaints: float = param(
        1.5,
        unit="log odds per log point of complaints and refunds",
        low=0,
        high=5,
        source="assumed",
        moves="+volume lost",
    )
    churn: float = param(
        2.0,
        unit="log odds per log point of churn",
        low=0,
        high=5,
        source="assumed: what it costs the client most",
        moves="+volume lost",
    )
    usual_saves: float = param(
        0.3,
        unit="reported saves per cancellation, usual at first",
        low=0.01,
        high=1,
        source="assumed: what other contractors report",
        moves="+volume lost",
    )
    usual_sales: float = param(
        0.025,
        unit="reported sales per contact, usual at first",
        low=0.001,
        high=1,
        source="assumed: what other contractors report",
        moves="+volume lost",
    )
    usual_complaints: float = param(
        0.1,
        unit="complaints and refunds per customer and month, usual at first",
        low=0.01,
        high=2,
        source="assumed: what the client sees elsewhere",
        moves="-volume lost",
    )
    usual_churn: float = param(
        0.016,
        unit="churn per month, usual at first",
        low=0.001,
        high=1,
        source="assumed; month-to-month contracts lose 2.37 % a month (IBM Telco sample)",
        moves="-volume lost",
    )
    adapts: float = param(
        0.5,
        unit="of the way to what there was, per term",
        low=0,
        high=1,
        source="assumed: a client gets used to half of it in a term",
        moves="-volume lost",
    )
    stays: float = param(
        2.5,
        unit="log odds of renewing against cutting, where all is as usual",
        low=-3,
        high=8,
        source="assumed: a tender costs the client too",
        moves="-volume lost",
    )
    leaves: float = param(
        -1.0,
        unit="log odds of leaving against cutting, where all is as usual",
        low=-8,
        high=3,
        source="assumed: a client cuts before it leaves",
        moves="+volume lost",
    )
    cut: float = param(
        0.3,
        unit="share of a client's volume",
        low=0.01,
        high=1,
        source="assumed",
        moves="+volume lost",
    )
    cost: float = param(
        8.0,
        unit="money per check",
        low=0,
        high=200,
        source="assumed: half an hour of a checker",
        moves="-checks for a blind client",
    )
    feared: float = param(
        1.0,
        unit="log odds per log point of complaints, as the contractor first believes",
        low=0,
        high=5,
        source="assumed",
        moves="+checks for a client that sees",
    )
    learns: float = param(
        0.5,
        unit="of the way to what a review says",
        low=0,
        high=1,
        source="assumed",
        moves="-checks for a blind client",
    )
    suspects: float = param(
        0.1,
        unit="share of logged saves first believed false",
        low=0,
        high=1,
        source="assumed",
        moves="-checks for high fees",
    )
    deters: float = param(
        0.5,
        unit="log false saves per multiple of the declared audit, as believed",
        low=0,
        high=3,
        source="assumed",
        moves="+checks for a client that sees",
    )
    noise: float = param(
        0.02,
        unit="share of a term's fees, scale of the choice",
        low=0.001,
        high=1,
        source="assumed",
        moves="+checks for a blind client",
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


# -- the client and its contractor --------------------------------------------------------------

SEEN = ("bills", "left", "complaints", "contacts", "cancels", "saves", "sales", "checked", "found")
"""What a month is counted by, for each client: customers billed and gone, their complaints and
refunds; contacts served, cancellations handled, saves and sales logged; logged saves that were
checked, and found to be false."""
BILLS, LEFT, COMPLAINTS, SERVED, CANCELS, SAVES, SALES, CHECKED, FOUND = range(len(SEEN))
LEVELS = np.array([0.0, 0.5, 1.0, 2.0])  # multiples of the declared audit
LEAST = 1e-3  # added to rates, so that there is a logarithm of none
HUNCH = 20.0  # checks that the first belief about false saves is worth


class Accounts(NamedTuple):
    """What stands between a contractor and its clients: a row a client."""

    kept: Floats  #: share of the client's customers served here
    seen: Floats  #: (clients, `SEEN`) since the last decision
    recent: Floats  #: (clients, `SEEN`) since the last review
    usual: Floats  #: (clients, 4) what the client takes for usual: R, L, C, H
    feared: Floats  #: what complaints count for the client, as the contractor believes
    checks: Floats  #: (2,) saves checked and found false, as the contractor remembers
    level: Floats  #: (1,) times the declared audit


def open_accounts(clients: int, renewal: Renewal) -> Accounts:
    """Begin with all volume, the market's usual figures, and the audit as declared."""
    usual = [renewal.usual_saves, renewal.usual_sales, renewal.usual_complaints]
    return Accounts(
        kept=np.ones(clients),
        seen=np.zeros((clients, len(SEEN))),
        recent=np.zeros((clients, len(SEEN))),
        usual=np.tile([*usual, renewal.usual_churn], (clients, 1)),
        feared=np.full(clients, float(renewal.feared)),
        checks=np.array([HUNCH, HUNCH * renewal.suspects]),
        level=np.ones(1),
    )


def figures(seen: Floats) -> Floats:
    """Give each client's saves per cancellation, sales per contact, complaints and churn per bill.

    Complaints and churn are per customer and month.
    """
    over = np.maximum(seen[:, [CANCELS, SERVED, BILLS, BILLS]], 1.0)
    return np.asarray(seen[:, [SAVES, SALES, COMPLAINTS, LEFT]] / over)


def gaps(seen: Floats, usual: Floats) -> Floats:
    """Give by how much each figure differs from the usual (log points)."""
    return log((figures(seen) + LEAST) / (usual + LEAST))


def content(gap: Floats, renewal: Renewal) -> tuple[Floats, Floats]:
    """Give how content each client is (log odds), and the part of it that is about reports."""
    about_reports = 0.5 * renewal.reported * (gap[:, 0] + gap[:, 1])
    seen_itself = renewal.complaints * gap[:, 2] + renewal.churn * gap[:, 3]
    return about_reports - seen_itself, about_reports


def chances(how_content: Floats, renewal: Renewal) -> tuple[Floats, Floats]:
    """Give the chances that clients so content leave, and that they cut volume."""
    z = np.clip(how_content, -30.0, 30.0)
    leave, renew = exp(renewal.leaves - z), exp(renewal.stays + z)
    total = leave + 1.0 + renew
    return leave / total, 1.0 / total


def volume_lost(how_content: Floats, renewal: Renewal) -> Floats:
    """Give the share of volume that clients so content are expected to take away."""
    leave, cut = chances(how_content, renewal)
    return np.asarray(leave + renewal.cut * cut)


def decide(accounts: Accounts, renewal: Renewal, *, key: Key, month: int) -> Ints:
    """Let each client that is still there renew, cut or leave; write what is left of its volume."""
    clients = np.arange(len(accounts.kept))
    leave, cut = chances(content(gaps(accounts.seen, accounts.usual), renewal)[0], renewal)
    u = uniforms(key, Purpose.RENEW, clients, month)[:, 0]
    decision = np.where(u < leave + cut, Decision.CUT, Decision.RENEWED)
    decision = np.where(u < leave, Decision.LEFT, decision)
    decision = np.where(accounts.kept > 0.0, decision, Decision.NONE)
    accounts.kept[decision == Decision.LEFT] = 0.0
    accounts.kept[decision == Decision.CUT] *= 1.0 - renewal.cut
    accounts.usual[:] += renewal.adapts * (figures(accounts.seen) - accounts.usual)
    accounts.seen[:] = 0.0
    return decision


def take_note(accounts: Accounts, renewal: Renewal) -> Floats:
    """Let the contractor hear its clients out and count its checks; give how content they are."""
    gap = gaps(accounts.seen, accounts.usual)
    how_content, about_reports = content(gap, renewal)
    x = gap[:, 2]
    surprise = how_content - about_reports + accounts.feared * x
    learnt = accounts.feared - renewal.learns * x * surprise / (1.0 + x * x)
    accounts.feared[:] = np.where(accounts.kept > 0.0, np.maximum(learnt, 0.0), accounts.feared)
    accounts.checks[:] += accounts.recent[:, [CHECKED, FOUND]].sum(axis=0)
    return how_content


def worth_of_looking(
    accounts: Accounts,
    how_content: Floats,
    renewal: Renewal,
    contract: Contract,
    audit: Audit,
) -> Floats:
    """Give the money that the next term is expected to bring at each of the `LEVELS`."""
    false = accounts.checks[1] / accounts.checks[0]
    month = accounts.recent * (accounts.kept > 0.0)[:, None] / renewal.review
    left = exp(-renewal.deters * (LEVELS - accounts.level))[:, None]
    checked = np.minimum(LEVELS * (audit.rate + audit.on_saves), 1.0)[:, None]
    excess = np.maximum(gaps(accounts.seen, accounts.usual)[:, 2], 0.0)
    lost = volume_lost(how_content + accounts.feared * excess * (1.0 - left), renewal)
    fees = contract.fee_sale * month[:, SALES] + contract.fee_save * month[:, SAVES] * (
        1.0 - false + false * left * (1.0 - checked)
    )
    drawn = (
        audit.rate * month[:, SERVED]
        + audit.on_saves * month[:, SAVES]
        + audit.on_sales * month[:, SALES]
    )
    spent = renewal.cost * LEVELS * drawn.sum()
    return np.asarray(renewal.term * (((1.0 - lost) * fees).sum(axis=1) - spent))


def look(
    accounts: Accounts,
    renewal: Renewal,
    contract: Contract,
    audit: Audit,
    *,
    key: Key,
    month: int,
) -> None:
    """Let the contractor choose how many times the declared audit it carries out from now on."""
    how_content = take_note(accounts, renewal)
    worth = worth_of_looking(accounts, how_content, renewal, contract, audit)
    paid = accounts.recent[:, SALES] * contract.fee_sale
    paid += accounts.recent[:, SAVES] * contract.fee_save
    accounts.recent[:] = 0.0
    scale = renewal.noise * renewal.term * paid.sum() / renewal.review
    if scale <= 0.0:
        return
    weights = exp(np.maximum((worth - worth.max()) / scale, -50.0))
    u = uniforms(key, Purpose.LOOK, 0, month)[0]
    upto = np.cumsum(weights) / weights.sum()
    accounts.level[0] = LEVELS[int(np.searchsorted(upto[:-1], u, side="right"))]


def seats_open(plan: FloorPlan, before: Bools, share: float) -> Bools:
    """Tell which seats stay open when so large a share of the first volume is left.

    Seats close from each team's last, the last team first; of a pool that goes on, the last seat
    with a skill stays.
    """
    seats = len(plan.team)
    place = np.arange(seats) % plan.size
    still, wanted = before.copy(), round(share * seats)
    for seat in np.lexsort((-plan.team, -place)):
        if still.sum() <= wanted:
            break
        if share > 0.0:
            mates = still & (plan.pool == plan.pool[seat])
            mates[seat] = False
            held = int(np.bitwise_or.reduce(plan.skills[mates])) if mates.any() else 0
            if plan.skills[seat] & ~held:
                continue
        still[seat] = False
    return still
