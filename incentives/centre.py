"""The floor: hours, staffing, queues, routing, channels, audits and the client's contract (O rows).

Use `Floor` for who works when, `Work` for how long contacts take, `Queueing`, `Routing` and
`Channels` for how a contact finds an agent, `Audit` for checks, and `Contract` for who pays whom.
`Blending` lets idle agents call customers, and `ColdCalls` says how such calls are met.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from incentives._compile import rule
from incentives._draws import Key, Purpose, exp, exp_, log, log_, uniforms
from incentives.columns import Bools, Channel, Decision, Floats, Ints
from incentives.mechanism import Mechanism, Settings, numbers, param

__all__ = [
    "Audit",
    "Blending",
    "Channels",
    "ColdCalls",
    "Contract",
    "Crew",
    "Floor",
    "Queueing",
    "Renewal",
    "Routing",
    "Work",
]

Shape = Literal["lognormal", "exponential"]
Keep = Literal["centre", "team"]
First = Literal["suited", "idle"]
Dialler = Literal["preview", "predictive"]

SERVICE, RETENTION, CHAT = 0, 1, 2
SPOKEN = np.array([SERVICE, SERVICE, SERVICE, RETENTION])  # the skill that each need asks for
TASKS = 8  # what a contact asks of an agent: one of four needs, spoken, or the same in writing


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
    days: float = param(
        20, unit="working days per month", low=1, high=31, source="assumed: four weeks of five days"
    )
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
        source="assumed: half an hour's meal and a quarter's rest",
    )
    shrinkage: float = param(
        0.08,
        unit="share of seats absent on a day",
        low=0,
        high=0.9,
        source="assumed: sickness, leave and training of one seat in twelve",
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
    complaint: float = param(
        8.0,
        unit="minutes, mean",
        low=0.05,
        high=120,
        source="assumed: three minutes more than a question, for there is more to hear",
    )
    order: float = param(
        6.0,
        unit="minutes, mean",
        low=0.05,
        high=120,
        source="assumed: a minute more than a question, for there is something to enter",
    )
    cancel: float = param(
        7.0,
        unit="minutes, mean",
        low=0.05,
        high=120,
        source="assumed: an order's time and a minute to ask why",
    )
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
    resolves_complaint: float = param(
        0.65,
        unit="chance",
        low=0,
        high=1,
        source="assumed: a third need somebody else or another day",
    )
    resolves_order: float = param(
        0.92, unit="chance", low=0, high=1, source="assumed: one in twelve cannot be filled at once"
    )
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
        source="assumed: who chats can do something else meanwhile",
        moves="-chats given up",
    )
    redials: float = param(
        0.7,
        unit="chance",
        low=0,
        high=1,
        source="assumed: most needs do not go away; some are met elsewhere",
        moves="+repeat contacts",
    )
    redial_minutes: float = param(
        20.0,
        unit="minutes, mean",
        low=0.1,
        high=600,
        source="assumed: soon, while there is still time for it today",
        moves="+repeat contacts put off to the next day",
    )
    temper: float = param(
        0.8,
        unit="x patience per further try",
        low=0.1,
        high=1,
        source="assumed: a fifth less patience with every try",
        moves="-repeat contacts given up",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew(Settings):
    """A row of the skills matrix: seats that are as good as one another at each need.

    1 is the pace that `Work` describes, 1.25 takes four fifths of its minutes, and 0 is for others
    to deal with. In writing the pace at a need is multiplied by `writing`.
    """

    name: str = "all"
    seats: float = param(
        1.0,
        unit="weight among the seats of a pool",
        low=0.01,
        high=100,
        source="the scenario's",
        moves="+contacts taken by this crew",
    )
    question: float = param(
        1.0,
        unit="x the usual pace; 0: not dealt with",
        low=0,
        high=3,
        source="the scenario's",
        moves="+questions taken by this crew",
    )
    complaint: float = param(
        1.0,
        unit="x the usual pace; 0: not dealt with",
        low=0,
        high=3,
        source="the scenario's",
        moves="+complaints taken by this crew",
    )
    order: float = param(
        1.0,
        unit="x the usual pace; 0: not dealt with",
        low=0,
        high=3,
        source="the scenario's",
        moves="+orders taken by this crew",
    )
    cancel: float = param(
        1.0,
        unit="x the usual pace; 0: not dealt with",
        low=0,
        high=3,
        source="the scenario's",
        moves="+wishes to cancel taken by this crew",
    )
    writing: float = param(
        1.0,
        unit="x the pace on the telephone; 0: not dealt with",
        low=0,
        high=3,
        source="the scenario's",
        moves="+contacts in writing taken by this crew",
    )

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if not isinstance(self.name, str):
            raise TypeError(f"Crew.name must be a text, got {self.name!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing(Mechanism):
    r"""O2: contacts go by skill and suitability to idle agents; the longest-waiting goes first.

    Shares of each pool's seats that hold each skill; `keep` serves every customer by the whole
    centre or by one team. On top of this stands a matrix: `crews` divide the seats of a pool, and
    crew c works at the pace :math:`a_{ct}` on task t, a need, spoken or in writing, which takes

    .. math::

        w / a_{ct}

    minutes where the work is w; at 0 it is for others. An agent takes what its skills and its crew
    allow. Among idle agents who may, those of the highest pace go first if `first` is ``"suited"``,
    and of equals the longest idle; with ``"idle"`` the longest idle goes first whatever the pace.
    One crew with the pace 1 at all is the default, and changes nothing. Switched off, everybody can
    do everything, and equally well.
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
    crews: tuple[Crew, ...] = (Crew(),)
    first: First = "suited"

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        if self.keep not in get_args(Keep):
            raise ValueError(f"Routing.keep must be one of {get_args(Keep)}, got {self.keep!r}")
        if self.first not in get_args(First):
            raise ValueError(f"Routing.first must be one of {get_args(First)}, got {self.first!r}")
        names = [crew.name for crew in self.crews]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"Routing.crews must be one or more of distinct names, got {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels(Mechanism):
    r"""O4: contacts come by voice, chat, e-mail, social media, app or forum, and these differ.

    *Concurrency*: an agent can hold `at_once` chats. A chat that is taken as the k-th open one
    takes :math:`k^\gamma` times as long, :math:`\gamma` being `slows`. It goes to an idle agent; if
    there is none, to the one with the fewest chats open who has room and whom no call awaits.
    *Patience*: a chat is waited for longer than a call is. What comes by any other channel is never
    given up: it waits in a backlog that agents turn to when nobody else waits, overnight if need
    be. With d working days of delay, :math:`\ell \min(d, 5)` points of the experience are lost: in
    the app an answer is expected sooner than by e-mail.
    *Work*: :math:`m` times that of a call.
    *Richness*: it is resolved with :math:`r` times the chance of a call or a chat; agents do not
    reckon with it. Nobody can ask back in an e-mail or a post; messages in the app are a dialogue.
    *Publicity*: a post whose author got less than was expected is read by others, :math:`p` times
    as many as the author's acquaintances (C8), who lose a warning's worth of trust each.
    *Peers*: a question in the forum for which no agent is free as it comes is answered by other
    customers with chance `peers`. Its need is met, no agent is bothered, and it is on no log.
    *One firm*: who comes back about the same need takes the channel of the first attempt with
    chance `keeps`, else any; having to change channel costs `switches` points of the experience.

    ======= ================== ============== ============ ===================
    channel :math:`m`          :math:`r`      :math:`\ell` :math:`p`
    ======= ================== ============== ============ ===================
    voice   1                  1              0            0
    chat    `minutes`          1              0            0
    e-mail  `email_minutes`    `richness`     `late`       0
    social  `social_minutes`   `richness`     `late`       `publicity`
    app     `app_minutes`      `app_richness` `app_late`   0
    forum   `social_minutes`   `richness`     `late`       `forum_publicity`
    ======= ================== ============== ============ ===================

    Shares are taken in the order chat, e-mail, social, app, forum, and the rest call; a sum beyond
    1 is cut off. All but chat, and more than one chat at once, are the centre's choice: by default
    there are none. Switched off, everybody calls.
    """

    id: ClassVar[str] = "O4"
    title: ClassVar[str] = "channels"

    chat: float = param(
        0.15,
        unit="share of contacts",
        low=0,
        high=1,
        source="assumed: calls are still far more; of the order of a seventh",
        moves="+share of contacts by chat",
    )
    minutes: float = param(
        1.2,
        unit="x the work of a call",
        low=0.1,
        high=5,
        source="assumed: typing takes longer than saying",
        moves="+minutes of a chat",
    )
    email: float = param(
        0.0,
        unit="share of contacts",
        low=0,
        high=1,
        source="the scenario's",
        moves="+contacts answered on a later day",
    )
    social: float = param(
        0.0,
        unit="share of contacts",
        low=0,
        high=1,
        source="the scenario's",
        moves="-trust of customers",
    )
    at_once: float = param(
        1.0,
        unit="chats that an agent can hold",
        low=1,
        high=4,
        source="the scenario's",
        moves="+chats served per busy minute",
    )
    slows: float = param(
        0.4,
        unit="log minutes per log of chats open",
        low=0,
        high=1,
        source="assumed: of two at once each takes a third longer",
        moves="+minutes of a chat among several",
    )
    email_minutes: float = param(
        1.1,
        unit="x the work of a call",
        low=0.1,
        high=5,
        source="assumed: more to write, less to listen to",
        moves="+minutes of an e-mail",
    )
    social_minutes: float = param(
        0.8,
        unit="x the work of a call",
        low=0.1,
        high=5,
        source="assumed: posts are short",
        moves="+minutes of a post",
    )
    late: float = param(
        0.5,
        unit="points of 10 per working day of delay",
        low=0,
        high=5,
        source="assumed: a day costs what four minutes on hold do",
        moves="-experience of late answers",
    )
    publicity: float = param(
        5.0,
        unit="x the author's acquaintances",
        low=0,
        high=50,
        source="assumed: readers are many and listen less",
        moves="-trust of customers",
    )
    keeps: float = param(
        0.6,
        unit="chance at a further attempt",
        low=0,
        high=1,
        source="assumed: somewhat more than half stay with what is at hand",
        moves="-repeats by another channel than before",
    )
    switches: float = param(
        0.4,
        unit="points of 10 lost by a change of channel",
        low=0,
        high=5,
        source="assumed: the story has to be told again",
        moves="-experience of repeats by another channel",
    )
    richness: float = param(
        0.85,
        unit="x the chance that a call is resolved",
        low=0,
        high=1,
        source="assumed: one question in seven needs a dialogue",
        moves="+share of e-mails resolved",
    )
    app: float = param(
        0.0,
        unit="share of contacts",
        low=0,
        high=1,
        source="the scenario's",
        moves="+share of contacts in the app",
    )
    app_minutes: float = param(
        0.9,
        unit="x the work of a call",
        low=0.1,
        high=5,
        source="assumed: who writes is known already, and messages are short",
        moves="+minutes of messages in the app",
    )
    app_richness: float = param(
        0.95,
        unit="x the chance that a call is resolved",
        low=0,
        high=1,
        source="assumed: a dialogue, in which a third of what an e-mail loses is lost",
        moves="+share of messages in the app resolved",
    )
    app_late: float = param(
        1.0,
        unit="points of 10 per working day of delay",
        low=0,
        high=5,
        source="assumed: twice that of an e-mail, for a message is like a chat",
        moves="-experience of late answers in the app",
    )
    forum: float = param(
        0.0,
        unit="share of contacts",
        low=0,
        high=1,
        source="the scenario's",
        moves="+questions answered by other customers",
    )
    forum_publicity: float = param(
        2.0,
        unit="x the author's acquaintances",
        low=0,
        high=50,
        source="assumed: fewer look there than at social media",
        moves="-trust where people read the forum",
    )
    peers: float = param(
        0.5,
        unit="chance, of a question in the forum that would have to wait",
        low=0,
        high=1,
        source="a vendor's benchmark: 40-60 % in the forums of 12 telecoms (inSided)",
        moves="+questions answered by other customers",
    )

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        if self.at_once != int(self.at_once):
            raise ValueError(f"Channels.at_once must be whole, got {self.at_once!r}")


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
        source="assumed: a look at one logged save in fifty, beside the base rate",
        moves="+logged saves checked",
    )
    on_sales: float = param(
        0.0,
        unit="added chance for a logged sale",
        low=0,
        high=1,
        source="assumed: sales are checked no more than other contacts",
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
    fee_save: float = param(
        15.0,
        unit="money per logged save",
        low=0,
        high=1e5,
        source="assumed: six tenths of a month's margin, for a customer who is to stay",
    )
    fee_sale: float = param(
        10.0,
        unit="money per logged sale",
        low=0,
        high=1e5,
        source="assumed: two thirds of the fee for a save",
    )

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if not self.clients or sum(self.clients) <= 0 or len(self.clients) > 255:
            raise ValueError(
                f"Contract.clients must name between 1 and 255 shares, some above 0, "
                f"got {self.clients!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Blending(Mechanism):
    r"""O1: while it is quiet, agents who else answer contacts call customers to sell.

    Every `every` minutes the dialler looks at each pool. If nobody waits there and
    :math:`\text{idle} / \text{on duty} > \text{threshold}`, the longest-idle agent with this task
    (a `share` of the seats) is given a number of the day's list, and so on until the rest is needed
    for callers. A number is a customer, called at most `most` times a month, who answers with
    chance `reach`. With a ``"preview"`` dialler the agent reads up for `preview` minutes, lets it
    ring for `ring`, and may get no answer; a ``"predictive"`` one dials ahead and puts through only
    who answers, after `delay` seconds of silence. The agent then chooses from a menu of its own:
    to ring off politely, to be nice and sell nothing, to offer at once or after a rapport, to press
    or to hang up. A call counts as `counts` contacts in the agent's figures, and for what it sells.

    Nobody interrupts a call, so that customers who call meanwhile wait longer. An unwelcome one
    costs :math:`i (1 - o)` points, i being `intrudes` and o openness. A prospect who was offered
    something and did not buy calls back with chance :math:`c\,o'` within `within` days, c being
    `calls_back`, :math:`o'` the openness off guard with `warm` added to its log odds; it is served
    by whoever is free, to whom a sale is credited. Without queues (O5) nobody is called. Switched
    off, or with a `share` of 0, which is the default, the centre only answers.
    """

    id: ClassVar[str] = "O1"
    title: ClassVar[str] = "blending"

    share: float = param(
        0.0,
        unit="share of seats with the task to call out",
        low=0,
        high=1,
        source="a policy",
        moves="+calls answered by customers",
    )
    threshold: float = param(
        0.2,
        unit="share of those on duty kept idle for callers",
        low=0,
        high=1,
        source="assumed: occupancy is 71 % on average (evidence table)",
        moves="-calls answered by customers",
    )
    every: float = param(
        0.5,
        unit="minutes between looks at the floor",
        low=0.05,
        high=60,
        source="assumed: a dialler is quick",
        moves="-calls answered by customers",
    )
    reach: float = param(
        0.3,
        unit="chance that a call is answered",
        low=0,
        high=1,
        source="assumed: most are out or busy",
        moves="+calls answered by customers",
    )
    most: float = param(
        4.0,
        unit="calls answered per customer and month",
        low=1,
        high=200,
        source="assumed: the tries within which most UCI sales are made (evidence table)",
        moves="+calls answered by customers",
    )
    preview: float = param(
        0.5,
        unit="minutes to read up, with a preview dialler",
        low=0,
        high=20,
        source="assumed: half a minute for a name and a history",
        moves="-calls answered by customers",
    )
    ring: float = param(
        0.5,
        unit="minutes of ringing, with a preview dialler",
        low=0,
        high=5,
        source="assumed: five or six rings",
        moves="-calls answered by customers",
    )
    delay: float = param(
        2.0,
        unit="seconds of silence, with a predictive dialler",
        low=0,
        high=10,
        source="assumed: the most that is usually allowed",
        moves="-sales per call answered",
    )
    talk: float = param(
        4.0,
        unit="minutes, mean, before agent and action",
        low=0.05,
        high=120,
        source="assumed: UCI calls last 4.3 min on average",
        moves="-calls answered by customers",
    )
    counts: float = param(
        0.0,
        unit="contacts that a call counts as",
        low=0,
        high=1,
        source="assumed: callers out are measured by what they sell",
        moves="+contacts counted",
    )
    intrudes: float = param(
        1.5,
        unit="points of 10 if not open",
        low=0,
        high=10,
        source="assumed: close to an offer before service",
        moves="-experience of being called",
    )
    calls_back: float = param(
        0.5,
        unit="chance x openness off guard, of who did not buy",
        low=0,
        high=1,
        source="assumed: half as likely as an open mind is to buy when asked",
        moves="+prospects who call back",
    )
    warm: float = param(
        1.5,
        unit="log odds more open, who calls back",
        low=0,
        high=5,
        source="assumed: has thought about it",
        moves="+prospects who call back",
    )
    within: float = param(
        5.0,
        unit="days",
        low=1,
        high=60,
        source="assumed: a week",
        moves="-prospects who call back",
    )
    dialler: Dialler = "preview"

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        if self.dialler not in get_args(Dialler):
            raise ValueError(
                f"Blending.dialler must be one of {get_args(Dialler)}, got {self.dialler!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdCalls(Mechanism):
    r"""O3: a customer who is called is on guard, the more so after the dialler's silence.

    The log odds of openness on a call that the firm makes are those of a call that the customer
    makes, less :math:`g + w d + f k`: g is `guard`, w `wary`, d the dialler's delay in seconds
    (0 with a preview dialler), f `fatigue`, and k the calls that this customer has answered before
    in the same month. Agents know it. Switched off, a called customer is as open as a caller.
    """

    id: ClassVar[str] = "O3"
    title: ClassVar[str] = "cold calls"

    guard: float = param(
        0.5,
        unit="log odds",
        low=0,
        high=5,
        source="assumed: cold offers sell two thirds as often",
        moves="-sales per call answered",
    )
    wary: float = param(
        0.35,
        unit="log odds per second of delay",
        low=0,
        high=5,
        source="assumed: two seconds halve the odds",
        moves="-sales per call answered",
    )
    fatigue: float = param(
        0.16,
        unit="log odds per call answered before in the month",
        low=0,
        high=5,
        source="UCI bank marketing, attempts 1 to 5 (experiments/outbound_fatigue.py): log odds of "
        "success fall by 0.16, SE 0.014, at each, among customers alike; some of it is sorting",
        moves="-sales per call answered",
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
        source="assumed: a tenth better figures, a tenth better odds",
        moves="-volume lost",
    )
    complaints: float = param(
        1.5,
        unit="log odds per log point of complaints and refunds",
        low=0,
        high=5,
        source="assumed: a client's own complaints weigh more than what it is told",
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
        source="assumed: a third of the work goes to another, as a warning",
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
        source="assumed: it believes complaints to count as much as figures",
        moves="+checks for a client that sees",
    )
    learns: float = param(
        0.5,
        unit="of the way to what a review says",
        low=0,
        high=1,
        source="assumed: half of the belief is from the last review",
        moves="-checks for a blind client",
    )
    suspects: float = param(
        0.1,
        unit="share of logged saves first believed false",
        low=0,
        high=1,
        source="assumed: one save in ten is thought to be none",
        moves="-checks for high fees",
    )
    deters: float = param(
        0.5,
        unit="log false saves per multiple of the declared audit, as believed",
        low=0,
        high=3,
        source="assumed: twice the audit is thought to prevent two lies in five",
        moves="+checks for a client that sees",
    )
    noise: float = param(
        0.02,
        unit="share of a term's fees, scale of the choice",
        low=0.001,
        high=1,
        source="assumed: a difference of a fiftieth of the fees is left to chance",
        moves="+checks for a blind client",
    )


WorkNumbers = numbers(Work, "WorkNumbers", __name__)
QueueNumbers = numbers(Queueing, "QueueNumbers", __name__)
AuditNumbers = numbers(Audit, "AuditNumbers", __name__)
ContractNumbers = numbers(Contract, "ContractNumbers", __name__)


class FloorPlan(NamedTuple):
    """The floor as the kernel reads it."""

    team: Ints  #: (seats,) teams sit side by side
    size: int  #: seats per team
    pool: Ints  #: (seats,) who is routed together
    pools: int
    skills: Ints  #: (seats,) bit per task
    group: Ints  #: (seats,) which seats are alike in what they can do
    fit: Floats  #: (groups, tasks) pace over the usual one; 0: not dealt with
    suited: bool  #: the most suitable of the idle go first
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
    outbound: Ints  #: (seats,) 1 where the seat has the task to call out


class ChannelNumbers(NamedTuple):
    """Channels as the kernel reads them: how they differ stands in arrays, by code of `Channel`."""

    upto: Floats  #: (channels,) share of contacts by this channel and those before it, but voice
    work: Floats  #: (channels,) x the work of a call
    rich: Floats  #: (channels,) x the chance that a call is resolved
    late: Floats  #: (channels,) points of 10 per working day of delay
    readers: Floats  #: (channels,) x the author's acquaintances
    at_once: float
    slows: float
    keeps: float
    switches: float
    peers: float


def lower_channels(channels: Channels, *, off: Collection[str]) -> ChannelNumbers:
    """Put what differs between channels into a table; without O4 all call, without C8 none read."""
    c = channels
    table = {
        Channel.VOICE: (0.0, 1.0, 1.0, 0.0, 0.0),
        Channel.CHAT: (c.chat, c.minutes, 1.0, 0.0, 0.0),
        Channel.EMAIL: (c.email, c.email_minutes, c.richness, c.late, 0.0),
        Channel.SOCIAL: (c.social, c.social_minutes, c.richness, c.late, c.publicity),
        Channel.APP: (c.app, c.app_minutes, c.app_richness, c.app_late, 0.0),
        Channel.FORUM: (c.forum, c.social_minutes, c.richness, c.late, c.forum_publicity),
    }
    share, work, rich, late, readers = np.array([table[code] for code in Channel], float).T.copy()
    return ChannelNumbers(
        upto=np.cumsum(share) * ("O4" not in off),
        work=work,
        rich=rich,
        late=late,
        readers=readers * ("C8" not in off),
        at_once=float(c.at_once),
        slows=float(c.slows),
        keeps=float(c.keeps),
        switches=float(c.switches),
        peers=float(c.peers),
    )


class CallNumbers(NamedTuple):
    """Blending and cold calls as the kernel reads them."""

    share: float  #: of seats with the task; 0: nobody is called
    threshold: float
    every: float
    reach: float
    most: float
    before: float  #: minutes of the agent before a call is answered or given up
    ahead: int  #: numbers dialled for an agent at once, until one answers
    talk: float
    counts: float
    intrudes: float
    calls_back: float
    warm: float
    within: float
    guard: float  #: log odds that the guard takes at the first call
    fatigue: float


AHEAD = 100  # numbers that a predictive dialler tries at once


def lower_calls(blending: Blending, cold: ColdCalls, *, off: Collection[str]) -> CallNumbers:
    """Turn the dialler into the agent's minutes and the customer's guard."""
    predictive = blending.dialler == "predictive"
    delay = float(blending.delay) if predictive else 0.0
    met = "O3" not in off
    return CallNumbers(
        share=0.0 if {"O1", "O5"} & set(off) else float(blending.share),
        threshold=float(blending.threshold),
        every=float(blending.every),
        reach=float(blending.reach),
        most=float(blending.most),
        before=0.0 if predictive else float(blending.preview + blending.ring),
        ahead=AHEAD if predictive else 1,
        talk=float(blending.talk),
        counts=float(blending.counts),
        intrudes=float(blending.intrudes),
        calls_back=float(blending.calls_back),
        warm=float(blending.warm),
        within=float(blending.within),
        guard=cold.guard + cold.wary * delay if met else 0.0,
        fatigue=float(cold.fatigue) if met else 0.0,
    )


def plan_floor(
    floor: Floor,
    routing: Routing,
    work: Work,
    *,
    exact: bool,
    off: Collection[str],
    outbound: float = 0.0,
) -> FloorPlan:
    """Lay out seats, skills and shifts; `outbound` is the share of seats that call out."""
    seats = np.arange(floor.seats)
    size = int(floor.team_size)
    team = seats // size
    by_team = routing.keep == "team" and "O2" not in off
    pool = team if by_team else np.zeros_like(team)
    place, crew = (seats % size, size) if by_team else (seats, floor.seats)
    group, fit = np.zeros(floor.seats, np.int64), np.ones((1, TASKS))
    if "O2" not in off:
        group, fit = _matrix(_deal(place, crew, routing), place, crew, routing)
    shift = _deal_shifts(place, floor.shift_shares)
    start = np.array(floor.shift_starts, float)[shift]
    length = np.array(floor.shift_minutes, float)[shift]
    share = np.cumsum(np.array(floor.profile, float))
    return FloorPlan(
        team=team,
        size=size,
        pool=pool,
        pools=int(pool.max()) + 1,
        skills=((fit > 0.0) @ (1 << np.arange(TASKS)))[group],
        group=group,
        fit=fit,
        suited=routing.first == "suited",
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
        outbound=_spread(place, crew, outbound),
    )


def _spread(place: Ints, crew: int, share: float) -> Ints:
    """Give a task to a share of the seats of a pool, as far apart as can be."""
    count = round(share * crew)
    if share > 0.0 and count < 1:
        raise ValueError(
            f"Blending.share = {share:g} leaves nobody with this task among {crew} seats: "
            f"raise it to at least {0.5 / crew + 1e-9:.3f}"
        )
    return np.asarray((place * count) % crew < count, np.int64)


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


def _matrix(bits: Ints, place: Ints, size: int, routing: Routing) -> tuple[Ints, Floats]:
    """Tell which seats are alike, and at what pace each group does each task."""
    crew = _man(place, size, routing.crews)
    needs = ("question", "complaint", "order", "cancel")
    pace = np.array([[getattr(each, need) for need in needs] for each in routing.crews])
    writing = np.array([each.writing for each in routing.crews])
    kinds, group = np.unique(bits * len(routing.crews) + crew, return_inverse=True)
    bits, crew = np.divmod(kinds, len(routing.crews))
    spoken = pace[crew] * (bits[:, None] >> SPOKEN & 1)
    written = pace[crew] * writing[crew, None] * (bits[:, None] >> CHAT & 1)
    fit = np.hstack([spoken, written]).astype(float)
    for task in np.flatnonzero(~(fit > 0.0).any(axis=0)):
        how = "in writing" if task >= len(needs) else "on the telephone"
        raise ValueError(
            f"Routing.crews leave nobody to deal with the need {needs[task % len(needs)]!r} {how} "
            f"among {size} seats: give a crew that holds the skill a pace above 0 at it"
        )
    for idle in np.flatnonzero(~(fit > 0.0).any(axis=1)):
        raise ValueError(
            f"Routing.crews leave seats of the crew {routing.crews[crew[idle]].name!r} nothing to "
            "do: give it a pace above 0 at a need for which its seats hold the skill"
        )
    return group.astype(np.int64), fit


def _man(place: Ints, size: int, crews: tuple[Crew, ...]) -> Ints:
    """Divide the seats of a pool between its crews, side by side."""
    upto = np.cumsum([each.seats for each in crews])
    ends = np.floor(size * upto / upto[-1] + 0.5)
    for crew, count in zip(crews, np.diff(ends, prepend=0.0), strict=True):
        if count < 1:
            raise ValueError(
                f"Crew.seats = {crew.seats:g} leaves the crew {crew.name!r} without any of "
                f"{size} seats: raise it, or leave the crew out"
            )
    return np.asarray(np.searchsorted(ends, place, side="right"), np.int64)


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
def task_of(reason: int, channel: int) -> int:
    """Give what a contact asks of an agent: its need, spoken (0 to 3) or in writing (4 to 7)."""
    return reason + 4 if channel > 0 else reason


@rule
def guarded(odds: float, calls: int, calling: Any) -> float:
    """Give the log odds of openness of a customer who is called again after so many calls."""
    lowered: float = odds - calling.guard - calling.fatigue * calls
    return lowered


@rule
def calls_back(u: float, odds: float, calling: Any) -> bool:
    """Say whether a prospect who has not bought calls back: those more open when off guard do."""
    open_later = 1.0 / (1.0 + exp_(-(odds + calling.warm)))
    back: bool = u < calling.calls_back * open_later
    return back


@rule
def patience_of(channel: int, attempt: int, shock: float, rule: Any) -> float:
    """Give how long a customer waits before giving up (minutes)."""
    mean: float = rule.patience if channel == 0 else rule.patience_chat
    for _ in range(attempt):
        mean *= rule.temper
    return mean * shock


@rule
def channel_of(u: float, rule: Any) -> int:
    """Give the channel (a code of `Channel`) that a uniform stands for."""
    for channel in range(1, len(rule.upto)):
        if u < rule.upto[channel]:
            return channel
    return 0


@rule
def stretched(chats: int, rule: Any) -> float:
    """Give how many times as long a chat takes that is taken as one of so many."""
    return exp_(rule.slows * log_(float(chats))) if chats > 1 else 1.0


@rule
def vexed(channel: int, days: int, switched: float, rule: Any) -> float:
    """Give what an answer so late, or the need to change channel, costs (points of 10)."""
    points: float = rule.late[channel] * min(float(days), 5.0) + rule.switches * switched
    return points


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
    low = 0
    for slot in range(1, slots):  # counted, for a search would branch as the dice fall
        low += 1 if profile[slot] <= u else 0
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
