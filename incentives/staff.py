"""Who works there, from mercenary to loyal, and what moves them (the A rows).

Use `Archetype` for a point in the space of tastes, `Workforce` for the mixture from which agents
are drawn, and `Turnover` for when they leave and who comes. All tastes are in money per contact or
per minute, so that they can be added to pay and argued about.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from incentives._compile import rule
from incentives._draws import Key, Purpose, exp, exp_, normal, uniforms
from incentives.columns import Bools, Floats, Ints
from incentives.mechanism import Mechanism, Settings, numbers, param

__all__ = [
    "Archetype",
    "Blame",
    "Coaching",
    "Identity",
    "JobSecurity",
    "Mode",
    "Mood",
    "Reciprocity",
    "Regard",
    "Turnover",
    "Workforce",
    "hire",
]

Form = Literal["kind", "cash"]
Giver = Literal["employer", "client"]
Motive = Literal["money", "recognition", "stake"]
Aim = Literal["soft", "closing", "honesty", "promise", "role"]
MOTIVES: tuple[str, ...] = get_args(Motive)
CULTURES = ("service", "sales")  # by `Bonds.sales_minded` and `Managers.sales`


@dataclass(frozen=True, slots=True, kw_only=True)
class Archetype(Settings):
    """A kind of agent: the mean of each taste among agents of this kind.

    *Mercenary* and *loyal* are two points of this space; a workforce is a mixture of such points
    with spread around each.
    """

    name: str = "ordinary"
    share: float = param(
        1.0, unit="weight in the mixture", low=0, high=1e6, source="the scenario's"
    )
    pay: float = param(
        1.0, unit="money per money", low=0, high=3, source="assumed: money is the unit of motive"
    )
    effort: float = param(
        0.08, unit="money per minute", low=0, high=5, source="assumed: a third of the hourly wage"
    )
    conscience: float = param(
        0.0,
        unit="stakes, against Conscience.mean",
        low=-3,
        high=3,
        source="assumed: the mean of the population",
    )
    fear: float = param(
        1.0,
        unit="money per money expected to be lost",
        low=0,
        high=3,
        source="lying experiments of Duch, Laroze and Zakharov (2021): the numeraire",
    )
    care: float = param(
        0.15,
        unit="money per money to the customer",
        low=0,
        high=2,
        source="assumed: a customer's money counts a seventh of one's own",
    )
    employer: float = param(
        0.004,
        unit="money per money to the employer",
        low=0,
        high=2,
        source="assumed: a firm's money counts little, yet the firm has much of it",
    )
    client: float = param(
        0.004,
        unit="money per money to the client",
        low=0,
        high=2,
        source="assumed: as much as the employer's",
    )
    standing: float = param(
        0.1,
        unit="money per contact's time",
        low=0,
        high=10,
        source="assumed: six contacts' place at the top is worth a coin",
    )
    risk: float = param(
        0.005, unit="1 per money", low=0, high=1, source="assumed: halves a 50:50 gamble at 200"
    )

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if not isinstance(self.name, str):
            raise TypeError(f"Archetype.name must be a text, got {self.name!r}")


MERCENARY = Archetype(
    name="mercenary", conscience=-0.6, care=0.0, employer=0.0, client=0.0, standing=0.05
)
ORDINARY = Archetype()
LOYAL = Archetype(
    name="loyal", conscience=0.6, care=0.4, employer=0.015, client=0.015, standing=0.15, pay=0.8
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workforce(Settings):
    """The mixture from which agents are drawn, and how much agents differ within a kind.

    Tastes that cannot be negative are log-normal around the archetype's value with the spread
    `tastes`; talk and pace of work likewise. An agent's rank in ability is uniform.
    """

    archetypes: tuple[Archetype, ...] = (MERCENARY, ORDINARY, LOYAL)
    tastes: float = param(
        0.4, unit="SD of the log", low=0, high=2, source="assumed: within a kind, most within x2"
    )
    pace: float = param(
        0.2,
        unit="SD of the log of handle time between agents",
        low=0,
        high=1,
        source="bank call log 1999: CV across agents 0.21",
    )
    closing: float = param(
        0.25,
        unit="SD of the log of the chance to close",
        low=0,
        high=1.5,
        source="assumed; novices gain a third from help (Brynjolfsson, Li and Raymond 2025)",
    )

    def __post_init__(self) -> None:
        # spelled out, since a dataclass with slots has lost the class that bare super() looks for
        Settings.__post_init__(self)
        names = [archetype.name for archetype in self.archetypes]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"Workforce.archetypes must have distinct names, got {names}")
        if sum(archetype.share for archetype in self.archetypes) <= 0:
            raise ValueError("Workforce.archetypes must have some positive share, got only zeros")

    def within(self, spread: float) -> float:
        """Spread of conscience within a kind (stakes) that gives the mixture the whole `spread`."""
        weights = np.array([archetype.share for archetype in self.archetypes])
        shifts = np.array([archetype.conscience for archetype in self.archetypes])
        weights = weights / weights.sum()
        between = float((weights * (shifts - (weights * shifts).sum()) ** 2).sum())
        return float(np.sqrt(max(spread**2 - between, (0.25 * spread) ** 2)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Regard(Mechanism):
    """A1: loyalty is plural and has distance.

    Agents weigh what an act does to the customer, to the employer and to each client firm. Where a
    contractor stands between, regard for a client is multiplied by `distance`. Switched off, no
    agent cares for anybody but itself.
    """

    id: ClassVar[str] = "A1"
    title: ClassVar[str] = "loyalty and its distance"

    distance: float = param(
        0.4,
        unit="x regard for a client through a contractor",
        low=0,
        high=1,
        source="assumed: a client is hardly one's own employer",
        moves="-lies about a client through a contractor",
    )
    spread: float = param(
        0.4,
        unit="SD of the log between clients",
        low=0,
        high=2,
        source="assumed: the best liked client in six counts 1.5 times the middle one",
        moves="+differences in regard between clients",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode(Mechanism):
    r"""A7: serving and selling are modes of mind.

    A state m from 0 (serving) to 1 (selling) starts each day at 0. After a contact on which the
    agent offered something or tried to keep a customer, :math:`m \leftarrow m + r_i (1 - m)`, at
    the agent's own rate :math:`r_i` (one contact for some, several for others); after any other,
    :math:`m \leftarrow (1 - \text{loses})\, m`. Closing skill is multiplied by
    :math:`\text{cold} + (1 - \text{cold})\, m`; a row that asks for the other mind takes
    `switching` times its distance longer. Switched off, one is always in the mode that is needed.
    """

    id: ClassVar[str] = "A7"
    title: ClassVar[str] = "serving and selling as modes"

    rate: float = param(
        0.5,
        unit="of the way per selling contact",
        low=0,
        high=1,
        source="assumed: two contacts",
        moves="+offers that sell",
    )
    spread: float = param(
        0.6,
        unit="SD of the log between agents",
        low=0,
        high=2,
        source="assumed: one to several",
        moves="+differences between agents in how fast they change mode",
    )
    loses: float = param(
        1.0,
        unit="share lost per other contact",
        low=0,
        high=1,
        source="practitioners: one contact",
        moves="-offers that sell",
    )
    cold: float = param(
        0.8,
        unit="x closing skill in the serving mode",
        low=0,
        high=1,
        source="assumed: a fifth fewer closes straight after a plea for help",
        moves="+offers that sell",
    )
    switching: float = param(
        0.1,
        unit="x longer in the other mode",
        low=0,
        high=2,
        source="assumed: a tenth longer to find the other tone",
        moves="+minutes of offers",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood(Mechanism):
    r"""A8: a failed close or an angry customer carries into the next contact.

    A state from -1 to 1 starts each day at 0. A contact of experience q to a customer who expected
    e moves it by :math:`x \leftarrow [\rho_i x + \text{thanks} (q - e)^+ - \text{abuse} (e - q)^+
    - \text{failed} \cdot F]_{-1}^{1}`, F = 1 if an offer or an attempt to keep failed and
    :math:`\rho_i` the agent's own. Handle time is multiplied by :math:`1 - \text{slows}\, x`,
    closing skill by :math:`1 + \text{lifts}\, x` and care by :math:`1 + \text{warms}\, x`.
    Switched off, no contact leaves a trace in the agent.
    """

    id: ClassVar[str] = "A8"
    title: ClassVar[str] = "mood"

    carries: float = param(
        0.7,
        unit="kept per contact, mean of agents",
        low=0,
        high=0.95,
        source="assumed: an hour",
        moves="-mood after failed closes",
    )
    spread: float = param(
        0.2,
        unit="half the range between agents",
        low=0,
        high=0.5,
        source="assumed: agents keep from a half to nine tenths of a mood",
        moves="+differences between agents in how long a mood lasts",
    )
    thanks: float = param(
        0.05,
        unit="per point",
        low=0,
        high=1,
        source="assumed: a delight of two points lifts by a tenth of the way",
        moves="+mood where customers are pleased",
    )
    abuse: float = param(
        0.08,
        unit="per point",
        low=0,
        high=1,
        source="assumed: worse than thanks",
        moves="-mood where customers are angry",
    )
    failed: float = param(
        0.1,
        unit="per failed close",
        low=0,
        high=1,
        source="assumed: a refusal weighs as much as two points of pleasure",
        moves="-mood after failed closes",
    )
    slows: float = param(
        0.08,
        unit="x handle time per unit",
        low=0,
        high=0.9,
        source="assumed: the worst of moods costs a twelfth of the pace",
        moves="+minutes of contacts in a bad mood",
    )
    lifts: float = param(
        0.2,
        unit="x closing per unit",
        low=0,
        high=0.9,
        source="assumed: the best of moods closes a fifth more",
        moves="-offers that sell in a bad mood",
    )
    warms: float = param(
        0.5,
        unit="x care per unit",
        low=0,
        high=0.9,
        source="assumed: mood moves care more than it moves pace",
        moves="-care taken in a bad mood",
    )


ModeNumbers = numbers(Mode, "ModeNumbers", __name__)
MoodNumbers = numbers(Mood, "MoodNumbers", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reciprocity(Mechanism):
    r"""A2: agents return how they are treated; treated as mercenaries, they become mercenary.

    Regard for the employer, :math:`\rho` (log of the ratio to regard as hired), moves at each
    month's end by :math:`\rho \leftarrow \rho + v\,(-c\,\beta - \rho)`: v `speed`, c `crowding`,
    :math:`\beta` the share of the month's pay that was bonus. A thank-you at the start of month
    `month` of `money` a head, in kind or in cash, adds :math:`a\,(1 - e^{-\text{money} /
    \text{size}})` with a `kind` or `cash` to the regard for whom it is `from_whom` (of the clients,
    the first). Regard for a client, :math:`\rho_k`, fades alike. The taste `employer` counts
    :math:`e^{\rho}` times, `client` :math:`e^{\rho_k}` times, `care` :math:`e^{q\rho}` times (q
    `carries`) and, for those who have any regard for the employer, `effort`
    :math:`e^{-w\rho}` times (w `works`). What a thank-you costs is on no payslip. Switched off,
    regard stays as hired.
    """

    id: ClassVar[str] = "A2"
    title: ClassVar[str] = "reciprocity"

    crowding: float = param(
        1.0,
        unit="log regard lost if all pay is bonus",
        low=0,
        high=5,
        source="assumed: paid for everything, regard falls to a third",
        moves="-regard for the employer where pay is bonus",
    )
    speed: float = param(
        0.15,
        unit="share per month",
        low=0,
        high=1,
        source="assumed: half in four months",
        moves="-regard for the employer where pay is bonus",
    )
    kind: float = param(
        0.5,
        unit="log regard of a generous gift in kind",
        low=0,
        high=3,
        source="output +25 % after a gift in kind (Kube, Maréchal and Puppe 2012), with `works`",
        moves="+regard after a thank-you in kind",
    )
    cash: float = param(
        0.1,
        unit="log regard of a generous gift in cash",
        low=0,
        high=3,
        source="output about the same after as much in cash (Kube, Maréchal and Puppe 2012)",
        moves="+regard after a thank-you in cash",
    )
    size: float = param(
        10.0,
        unit="money a head",
        low=0.01,
        high=1e4,
        source="assumed: an hour's wage is a gift",
        moves="-regard after a thank-you in kind",
    )
    works: float = param(
        0.45,
        unit="log effort per log regard",
        low=0,
        high=3,
        source="output +25 % after a gift in kind (Kube, Maréchal and Puppe 2012): 0.22 / 0.5",
        moves="+care taken after a thank-you",
    )
    carries: float = param(
        0.3,
        unit="log care per log regard",
        low=0,
        high=3,
        source="assumed: less than one to one",
        moves="+care taken after a thank-you",
    )
    month: float = param(
        -1.0, unit="month of the thank-you, -1 for none", low=-1, high=1e4, source="a policy"
    )
    money: float = param(
        10.0,
        unit="money a head",
        low=0,
        high=1e5,
        source="a policy",
        moves="+regard after a thank-you in kind",
    )
    form: Form = "kind"
    from_whom: Giver = "employer"

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        for name, known in (("form", Form), ("from_whom", Giver)):
            if getattr(self, name) not in get_args(known):
                raise ValueError(
                    f"Reciprocity.{name} must be one of {get_args(known)}, "
                    f"got {getattr(self, name)!r}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame(Mechanism):
    r"""A3: contacts that repeat through the client's own failures wear its agents down.

    A contact about a need that was served before and is still unmet is borne by whoever answers,
    unless the agent had cut the last contact short itself, dropped or rushed (one who gave up
    waiting, or was passed on, blames nobody who could have served). Strain over client k moves at
    each day's end by :math:`s_k \leftarrow (1 - r)\,s_k + w\,x_k` with r `recovers`, w `wears` and
    :math:`x_k` the day's repeats. The taste `client` counts :math:`e^{-s_k}` times; mood is
    :math:`m \sum_k s_k` (m `mood`), by which the log of `care` falls and that of `effort` rises.
    Switched off, repeats are contacts like others.
    """

    id: ClassVar[str] = "A3"
    title: ClassVar[str] = "blame without power"

    wears: float = param(
        0.002,
        unit="log regard per repeat",
        low=0,
        high=1,
        source="assumed: eight repeats a day, kept up, cost a quarter of regard",
        moves="+strain over clients",
    )
    recovers: float = param(
        0.05,
        unit="share per day",
        low=0,
        high=1,
        source="assumed: half in two to three weeks",
        moves="-strain over clients",
    )
    mood: float = param(
        0.5,
        unit="log care and effort per log regard",
        low=0,
        high=3,
        source="assumed: half as strong as the resentment",
        moves="-care taken where needs stay unmet",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSecurity(Mechanism):
    r"""A4: "please the client and your job is safe" moves those who believe the job at risk.

    Belief moves with the load at each day's end, :math:`q \leftarrow q + l\,(g(o) - q)`: l is
    `learns`, o the day's occupancy of the floor, and :math:`g = (\text{busy} - o) / (\text{busy} -
    \text{quiet})` within 0 and 1: while all are busy nobody believes it. From month `month` on the
    appeal stands: `effort` then counts :math:`e^{-wq}` times (w `works`), and the taste for every
    client :math:`e^{pq}` times (p `pleases`). Switched off, no appeal is heard.
    """

    id: ClassVar[str] = "A4"
    title: ClassVar[str] = "job-security appeal"

    month: float = param(
        -1.0, unit="month from which it stands, -1 for never", low=-1, high=1e4, source="a policy"
    )
    busy: float = param(
        0.8,
        unit="occupancy at which nobody believes it",
        low=0.05,
        high=2,
        source="assumed: with a queue all day nobody is sent home",
        moves="+belief that the job is at risk",
    )
    quiet: float = param(
        0.5,
        unit="occupancy at which everybody does",
        low=0,
        high=1.95,
        source="assumed: every other minute idle, everybody can count",
        moves="+belief that the job is at risk on a floor that is never busy enough",
    )
    learns: float = param(
        0.05,
        unit="share per day",
        low=0,
        high=1,
        source="assumed: half in two to three weeks",
        moves="+belief that the job is at risk",
    )
    works: float = param(
        0.25,
        unit="log effort at full belief",
        low=0,
        high=3,
        source="assumed: as a gift in kind",
        moves="+care taken under the appeal",
    )
    pleases: float = param(
        0.5,
        unit="log regard for clients at full belief",
        low=0,
        high=3,
        source="assumed: full belief makes clients count 1.6 times as much",
        moves="+offers made under the appeal",
    )

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        if self.quiet >= self.busy:
            raise ValueError(
                f"JobSecurity.quiet must be below busy = {self.busy:g}, got {self.quiet!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(Mechanism):
    r"""A5: what the job is held to be, by agents and by their manager, and what teammates do.

    A team's manager has a background in sales with chance `sales_managers`, else in service, and a
    norm of its own, :math:`z` standard normal; an agent holds with the sales culture with chance
    `sales_minded`, else with that of service. Under a manager of the other culture resistance feels
    justified. The fixed cost of a lie is shifted by :math:`b\,(t z - r\,[\text{cultures differ}]
    - c\,n)` with b `Conscience.stake`, t `tone`, r `resentment`, c `contagion`, and n the norm that
    the agent has seen: at each month's end :math:`n \leftarrow n + l\,(s - n)` with l `learns` and
    s the share of those in sight of whom the agent has come to know a lie of this month, each with
    chance :math:`1 - e^{-h \cdot \text{lies}}`, h `hears`. In sight are all who sit on the same
    site, which houses `site` teams: the first ones on the first site, and so on. Switched off,
    everybody's conscience is as hired.
    """

    id: ClassVar[str] = "A5"
    title: ClassVar[str] = "identity and norms"

    sales_managers: float = param(
        0.3,
        unit="chance per team",
        low=0,
        high=1,
        source="assumed: a third rose in sales",
        moves="+lies told by agents who are service-minded",
    )
    sales_minded: float = param(
        0.2,
        unit="chance per agent",
        low=0,
        high=1,
        source="assumed: care centres hire for service",
        moves="+lies told under managers from service",
    )
    resentment: float = param(
        0.2,
        unit="stakes",
        low=0,
        high=3,
        source="assumed: SD of a site",
        moves="+lies told by agents who are service-minded under managers from sales",
    )
    tone: float = param(
        0.15,
        unit="stakes, SD between teams",
        low=0,
        high=2,
        source="assumed: half the SD between sites of Duch, Laroze and Zakharov (2021)",
        moves="+differences between teams in lies told",
    )
    contagion: float = param(
        0.3,
        unit="stakes if all in sight are known to lie",
        low=0,
        high=3,
        source="assumed; contagion is weak in Duch, Laroze and Zakharov (2021)",
        moves="+lies told once some are known",
    )
    hears: float = param(
        0.1,
        unit="per lie of somebody in sight",
        low=0,
        high=10,
        source="assumed: one lie in ten is seen",
        moves="+lies told once some are known",
    )
    learns: float = param(
        0.5,
        unit="share per month",
        low=0,
        high=1,
        source="assumed: two months make a norm",
        moves="+lies told once some are known",
    )
    site: float = param(
        1,
        unit="teams on a site",
        low=1,
        high=1000,
        source="assumed: a team has a room of its own",
        moves="+lies told beside a team that lies more",
    )

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        if self.site != int(self.site):
            raise ValueError(f"Identity.site must be whole, got {self.site!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coaching(Mechanism):
    r"""A6: coaching works slowly, where it fits the motive, and raises what it is aimed at.

    Each agent is coached for `hours` a month, taken from the time on duty (a longer break). What
    has been taken in, x from 0 to 1, moves at each day's end towards :math:`T = f\,(1 -
    e^{-\text{hours} / \text{enough}})`, by the share `learns` of the way up or `fades` of the way
    down; f is 1 for agents whose motive is the one that the coaching appeals to, else 0. A motive
    is drawn with the weights `money`, `recognition`, `stake` and `none`; whom nothing moves cannot
    be coached. By its aim coaching raises the chance to close :math:`e^{\text{closing} \cdot x}`
    times, the cost of a lie by `honesty` x stakes, or, with soft skills, care for the customer
    :math:`e^{\text{soft} \cdot x}` times. It can also move what is believed: that whoever serves
    well earns more, `promise` x for each contact that is resolved, which moves those who work for
    money; or, of the `role`, that helping includes offering: a sale is held to bring the buyer
    `role` x more per money paid, which moves those who care. Switched off, nobody is coached.
    """

    id: ClassVar[str] = "A6"
    title: ClassVar[str] = "motivation and coaching"

    hours: float = param(
        0.0,
        unit="hours per agent and month",
        low=0,
        high=40,
        source="a policy; none by default",
        moves="+skill taken in",
    )
    enough: float = param(
        2.0,
        unit="hours a month that do two thirds",
        low=0.01,
        high=100,
        source="assumed: two hours a month are what many centres plan",
        moves="-skill taken in",
    )
    learns: float = param(
        0.05,
        unit="share per day",
        low=0,
        high=1,
        source="assumed: half in two to three weeks",
        moves="+skill taken in",
    )
    fades: float = param(
        0.015,
        unit="share per day",
        low=0,
        high=1,
        source="assumed: half in two to three months",
        moves="-skill kept once coaching has stopped",
    )
    money: float = param(
        0.35,
        unit="weight among motives",
        low=0,
        high=1e6,
        source="assumed: as many as mercenaries",
        moves="-agents whom praise can coach",
    )
    recognition: float = param(
        0.3,
        unit="weight among motives",
        low=0,
        high=1e6,
        source="assumed: one motive among several; pay and the team stand beside it",
        moves="+agents whom praise can coach",
    )
    stake: float = param(
        0.15,
        unit="weight among motives",
        low=0,
        high=1e6,
        source="assumed: who stands to lose by it hears half as much as who wants praise",
        moves="-agents whom praise can coach",
    )
    none: float = param(
        0.2,
        unit="weight among motives",
        low=0,
        high=1e6,
        source="assumed: some are not coachable",
        moves="-agents whom praise can coach",
    )
    closing: float = param(
        0.1,
        unit="log chance to close",
        low=0,
        high=2,
        source="call-centre training raised performance by 10 % (De Grip and Sauermann 2012)",
        moves="+offers that sell by coached agents",
    )
    honesty: float = param(
        0.3,
        unit="stakes",
        low=0,
        high=3,
        source="assumed: SD of a site",
        moves="-lies told by coached agents",
    )
    soft: float = param(
        0.3,
        unit="log care for the customer",
        low=0,
        high=2,
        source="assumed: full skill makes care count a third more",
        moves="+care taken by coached agents",
    )
    promise: float = param(
        2.0,
        unit="money believed to follow from a resolved contact",
        low=0,
        high=100,
        source="assumed: about what a saved customer pays",
        moves="+contacts resolved by agents who work for money",
    )
    role: float = param(
        0.5,
        unit="money to the buyer per money paid, as agents see it",
        low=0,
        high=10,
        source="assumed: as much as a need that is met",
        moves="+offers made by coached agents who care",
    )
    aim: Aim = "soft"
    appeal: Motive = "recognition"

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        for name, known in (("aim", Aim), ("appeal", Motive)):
            if getattr(self, name) not in get_args(known):
                raise ValueError(
                    f"Coaching.{name} must be one of {get_args(known)}, got {getattr(self, name)!r}"
                )
        if self.money + self.recognition + self.stake + self.none <= 0:
            raise ValueError("Coaching's motives must have some positive weight, got only zeros")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover(Mechanism):
    r"""A9: people leave work that pays too little or does not suit them, and schemes select.

    :math:`P(\text{quit}) = 1 - \exp(-h\,e^{s\,(w_0 - w_i + f d_i) / w_0 + a b_i - m o_i})` with h
    the `hazard`, s `slope`, :math:`w_0` the `outside` pay, :math:`w_i` what the agent was paid, f
    `fit`, and :math:`d_i` what the month's work went against the grain: over all contacts, the
    conscience cost of what was done and the loss to those whom the agent cares for (money,
    `against`), with what a goal out of reach grates (P4). :math:`b_i` is the strain over clients'
    failures at the month's end (A3), a `strain`; :math:`o_i` the mood in which the agent went home,
    on average over the month's days (A8), m `mood`.

    The seat is filled at the start of the next month, at the address (seat, hire). Applicants of
    kind a come in proportion to :math:`\text{share}_a\,e^{\text{draw}\, W_{a}}`, where
    :math:`W_{a}` is what is told of the seat's scheme: the mean of :math:`(\text{pay}_a (w_i - w_0)
    - f d_i) / w_0` among those of that kind who work under it. It begins at 0 and moves a share
    `hearsay` of the way each month. Switched off, nobody leaves.
    """

    id: ClassVar[str] = "A9"
    title: ClassVar[str] = "turnover and selection"

    hazard: float = param(
        0.035,
        unit="per month at the outside pay",
        low=0,
        high=1,
        source="yearly attrition 27 % in US centres, 56 % at outsourcers (evidence table)",
        moves="+agents who quit",
    )
    outside: float = param(
        2000.0,
        unit="money per month",
        low=0,
        high=1e6,
        source="the scenario's: the base wage",
        moves="+agents who quit",
    )
    slope: float = param(
        1.5,
        unit="log hazard per share of pay",
        low=0,
        high=10,
        source="assumed: pay a tenth below the outside makes quitting 16 % likelier",
        moves="+agents who quit where pay is below the outside",
    )
    fit: float = param(
        8.0,
        unit="money of pay per money against the grain",
        low=0,
        high=100,
        source="assumed: a choice weighs the moment, and what was done unwillingly is taken home",
        moves="+agents who quit where much goes against the grain",
    )
    strain: float = param(
        1.0,
        unit="log hazard per unit of strain",
        low=0,
        high=10,
        source="assumed: regard worn down by a third makes leaving a third likelier",
        moves="+agents who quit where clients fail",
    )
    mood: float = param(
        1.0,
        unit="log hazard per unit of bad mood",
        low=0,
        high=10,
        source="assumed: a month in the worst mood makes leaving 2.7 times as likely",
        moves="+agents who quit where customers are hard to please",
    )
    draw: float = param(
        4.0,
        unit="log applicants per share of the outside pay",
        low=0,
        high=50,
        source="assumed; half of a piece rate's effect was who stays and comes (Lazear 2000)",
        moves="+mercenaries on a floor paid for saves",
    )
    hearsay: float = param(
        0.25,
        unit="share of the news per month",
        low=0,
        high=1,
        source="assumed: a reputation is half made in a quarter",
        moves="+mercenaries on a floor paid for saves",
    )


TurnoverNumbers = numbers(Turnover, "TurnoverNumbers", __name__)
ReciprocityNumbers = numbers(Reciprocity, "ReciprocityNumbers", __name__)
BlameNumbers = numbers(Blame, "BlameNumbers", __name__)
JobSecurityNumbers = numbers(JobSecurity, "JobSecurityNumbers", __name__)
CoachingNumbers = numbers(Coaching, "CoachingNumbers", __name__)


class Staff(NamedTuple):
    """One row a seat: who sits there, what moves them, and what they have come to believe."""

    hire: Ints  #: how many have sat here before
    kind: Ints  #: archetype
    pay: Floats
    effort: Floats
    kappa: Floats  #: fixed cost of a lie (money)
    fear: Floats
    care: Floats
    employer: Floats
    client: Floats  #: (seats, clients)
    standing: Floats
    risk: Floats
    reluctance: Floats  #: against cutting a contact off (log odds)
    pace: Floats  #: x handle time
    closing: Floats  #: x chance to close
    ability: Floats  #: rank, 0 to 1
    checks: Floats  #: belief: weighted checks
    contacts: Floats  #: belief: weighted contacts
    settles: Floats  #: of the way to the selling mode, per selling contact
    carries: Floats  #: share of a mood that is kept from contact to contact


class Bonds(NamedTuple):
    """What has become of those who sit there since they were hired: states that move, a row a seat.

    All are 0 for somebody new.
    """

    employer: Floats  #: regard for the employer, log of the ratio to as hired (A2)
    client: Floats  #: (seats, clients) the same for each client (A2)
    strain: Floats  #: (seats, clients) from repeats that are the client's doing (A3)
    blamed: Floats  #: (seats, clients) such repeats today (A3)
    risk: Floats  #: belief that the job is at risk, 0 to 1 (A4)
    sales_minded: Floats  #: 1 of the sales culture, 0 of that of service (A5)
    manager: Floats  #: what the manager of the team does to conscience (stakes) (A5)
    norm: Floats  #: share of those in sight known to lie, as it has sunk in (A5)
    lies: Floats  #: lies told this month (A5)
    fits: Floats  #: 1 if coaching appeals to the agent's motive (A6)
    skill: Floats  #: what of it has been taken in, 0 to 1 (A6)
    goal: Floats  #: by how much the goals are raised, log of the factor (P4)
    pressed: Floats  #: strain from being behind them (log care) (P4)
    driven: Floats  #: how hard the manager drives, 0 to 1 (P4)
    pardoned: Floats  #: chance that the manager lets a found case pass (P4)


class Sway(NamedTuple):
    """What the states make of tastes as hired: the kernel reads taste x factor, a row a seat."""

    effort: Floats
    care: Floats
    employer: Floats
    client: Floats  #: (seats, clients)
    closing: Floats
    conscience: Floats  #: added to the fixed cost of a lie (money)
    ease: Floats  #: what is added to 1 for how results towards a goal count (P4)


class Managers(NamedTuple):
    """The teams' managers, a row a team (A5, P4)."""

    sales: Ints  #: 1 with a background in sales, 0 in service
    norm: Floats  #: standard normal: how strict, against other managers
    drive: Floats  #: how hard goals are driven, 0 to 1 (P4)
    tolerance: Floats  #: chance that a case of gaming found by a check is let pass (P4)


def no_bonds(seats: int, clients: int) -> Bonds:
    """Make the states of so many new agents."""
    by_client = ("client", "strain", "blamed")
    shapes = {name: (seats, clients) if name in by_client else (seats,) for name in Bonds._fields}
    return Bonds(**{name: np.zeros(shape) for name, shape in shapes.items()})


def no_sway(seats: int, clients: int) -> Sway:
    """Make the factors that leave every taste as hired."""
    return Sway(
        effort=np.ones(seats),
        care=np.ones(seats),
        employer=np.ones(seats),
        client=np.ones((seats, clients)),
        closing=np.ones(seats),
        conscience=np.zeros(seats),
        ease=np.zeros(seats),
    )


def empty_staff(seats: int, clients: int) -> Staff:
    """Make the arrays for so many seats, all zero."""
    arrays: dict[str, Any] = {name: np.zeros(seats) for name in Staff._fields}
    arrays["hire"] = np.zeros(seats, np.int64)
    arrays["kind"] = np.zeros(seats, np.int64)
    arrays["client"] = np.zeros((seats, clients))
    return Staff(**arrays)


def hire(
    staff: Staff,
    seats: Ints,
    *,
    key: Key,
    workforce: Workforce,
    regard: Regard,
    conscience: Any,
    drop: Any,
    belief: Any,
    mode: Any,
    mood: Any,
    contractor: bool,
    off: Collection[str],
    applicants: Floats | None = None,
) -> None:
    """Draw the agents who now sit at `seats` and write them into `staff`.

    An agent is addressed by (seat, hire), so that the same person is hired under every policy.
    `applicants` weighs the kinds for each seat; without it they come as in the mixture.
    """
    when = staff.hire[seats]
    u = uniforms(key, Purpose.AGENT, seats, when, block=np.arange(6)[:, np.newaxis])
    z = normal(u)
    spread = exp(workforce.tastes * z)
    weights = np.array([archetype.share for archetype in workforce.archetypes])
    if applicants is None:
        applicants = np.tile(weights, (len(seats), 1))
    upto = np.cumsum(applicants / applicants.sum(axis=1, keepdims=True), axis=1)
    kind = (upto[:, :-1] <= u[0, :, :1]).sum(axis=1)
    staff.kind[seats] = kind

    def taste(name: str) -> Floats:
        means = np.array([getattr(each, name) for each in workforce.archetypes], float)
        return np.asarray(means[kind])

    ability = u[3, :, 0]
    staff.ability[seats] = ability
    within = workforce.within(conscience.spread)
    staff.kappa[seats] = conscience.stake * (
        conscience.mean
        + conscience.culture
        + taste("conscience")
        + within * z[0, :, 1]
        + conscience.ability * (ability - 0.5)
    )
    staff.reluctance[seats] = drop.reluctance + drop.spread * z[0, :, 2]
    staff.pace[seats] = exp(workforce.pace * z[0, :, 3])
    staff.closing[seats] = exp(workforce.closing * z[1, :, 0])
    staff.pay[seats] = taste("pay")
    staff.risk[seats] = taste("risk")
    staff.effort[seats] = taste("effort") * spread[1, :, 1]
    staff.fear[seats] = taste("fear") * spread[1, :, 2]
    staff.standing[seats] = taste("standing") * spread[1, :, 3]
    cares = 0.0 if "A1" in off else 1.0
    staff.care[seats] = cares * (taste("care") * spread[2, :, 0])
    staff.employer[seats] = cares * (taste("employer") * spread[2, :, 1])
    distance = regard.distance if contractor else 1.0
    for client in range(staff.client.shape[1]):
        u_own = uniforms(key, Purpose.AGENT, seats, when, block=4, which=client)[:, 0]
        own = exp(regard.spread * normal(u_own)) if staff.client.shape[1] > 1 else 1.0
        regarded = taste("client") * spread[2, :, 2]
        staff.client[seats, client] = cares * distance * regarded * own
    staff.checks[seats] = belief.prior * belief.weight
    staff.contacts[seats] = belief.weight
    staff.settles[seats] = np.minimum(mode.rate * exp(mode.spread * z[5, :, 0]), 1.0)
    staff.carries[seats] = np.clip(mood.carries + mood.spread * (2.0 * u[5, :, 1] - 1.0), 0.0, 1.0)


def quits(
    staff: Staff,
    paid: Floats,
    against: Floats,
    strain: Floats,
    mood: Floats,
    *,
    key: Key,
    month: int,
    turnover: Turnover,
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which agents leave at this month's end, after what the month was like for them."""
    seats = np.arange(len(staff.hire))
    u = uniforms(key, Purpose.QUIT, seats, np.uint32(month), which=staff.hire)[:, 0]
    short = (turnover.outside - (paid - turnover.fit * against)) / max(turnover.outside, 1e-9)
    pull = turnover.slope * short + turnover.strain * strain - turnover.mood * mood
    hazard = turnover.hazard * exp(np.clip(pull, -5.0, 5.0))
    return np.asarray(u < 1.0 - exp(-hazard))


def hear(
    told: Floats,
    staff: Staff,
    scheme: Ints,
    paid: Floats,
    against: Floats,
    turnover: Turnover,
    there: Bools,
) -> None:
    """Move what is told of each scheme, for each kind, towards how those under it have fared.

    `told` is (schemes, kinds), in shares of the outside pay, and is written to; `there` says which
    seats somebody works at.
    """
    gain = staff.pay * (paid - turnover.outside) - turnover.fit * against
    cell, cells = (scheme * told.shape[1] + staff.kind)[there], told.size
    number = np.bincount(cell, minlength=cells).reshape(told.shape)
    total = np.bincount(cell, gain[there], cells).reshape(told.shape)
    news = total / np.maximum(number, 1) / max(turnover.outside, 1e-9)
    told += np.where(number > 0, turnover.hearsay * (news - told), 0.0)


def applicants(told: Floats, workforce: Workforce, turnover: Turnover) -> Floats:
    """Give the weight of each kind among applicants, from what is told of the scheme on offer."""
    weights = np.array([archetype.share for archetype in workforce.archetypes])
    return np.asarray(weights * exp(np.clip(turnover.draw * told, -5.0, 5.0)))


def thank(bonds: Bonds, month: int, reciprocity: Reciprocity) -> None:
    """Let agents take in the thank-you of this month, if there is one."""
    if month != reciprocity.month:
        return
    worth = getattr(reciprocity, reciprocity.form)
    moved = worth * (1.0 - exp(-reciprocity.money / reciprocity.size))
    if reciprocity.from_whom == "employer":
        bonds.employer[:] += moved
    else:
        bonds.client[:, 0] += moved


def requite(bonds: Bonds, wage: Floats, bonus: Floats, reciprocity: Reciprocity) -> None:
    """Move regard at a month's end: back to as hired, and down by the share of pay that is bonus.

    `bonus` is what was earned beside the `wage`, whenever it is paid (money).
    """
    share = np.maximum(bonus, 0.0) / np.maximum(wage + np.maximum(bonus, 0.0), 1e-9)
    goal = -reciprocity.crowding * share
    bonds.employer[:] += reciprocity.speed * (goal - bonds.employer)
    bonds.client[:] -= reciprocity.speed * bonds.client


def draw_managers(teams: int, *, key: Key, identity: Identity, pressure: Any = None) -> Managers:
    """Draw who manages each team; `pressure` are the numbers of P4, None where it is off."""
    u = uniforms(key, Purpose.MANAGER, np.arange(teams), 0)
    sales = (u[:, 0] < identity.sales_managers).astype(np.int64)
    drive = tolerance = np.zeros(teams)
    if pressure is not None:
        own = uniforms(key, Purpose.TOLERANCE, np.arange(teams), 0)[:, 0]
        drive = np.where(sales == 1, 1.0, pressure.service)
        tolerance = np.clip(pressure.tolerance + pressure.spread * (2.0 * own - 1.0), 0.0, 1.0)
    return Managers(sales, normal(u[:, 1]), drive, tolerance)


def welcome(
    bonds: Bonds,
    seats: Ints,
    staff: Staff,
    team: Ints,
    managers: Managers,
    *,
    key: Key,
    identity: Identity,
    coaching: Coaching,
    off: Collection[str],
) -> None:
    """Put the states of those newly hired at `seats` to nothing, and see whom they suit."""
    for state in bonds:
        state[seats] = 0.0
    when = staff.hire[seats]
    bonds.driven[seats] = managers.drive[team[seats]]
    bonds.pardoned[seats] = managers.tolerance[team[seats]]
    if "A5" not in off:
        u = uniforms(key, Purpose.CULTURE, seats, when)[:, 0]
        bonds.sales_minded[seats] = u < identity.sales_minded
        differ = bonds.sales_minded[seats] != managers.sales[team[seats]]
        bonds.manager[seats] = (
            identity.tone * managers.norm[team[seats]] - identity.resentment * differ
        )
    if "A6" not in off:
        weights = np.array([getattr(coaching, name) for name in (*MOTIVES, "none")])
        upto = np.cumsum(weights / weights.sum())[:-1]
        u = uniforms(key, Purpose.MOTIVE, seats, when)[:, 0]
        motive = np.searchsorted(upto, u, side="right")
        bonds.fits[seats] = motive == MOTIVES.index(coaching.appeal)


def look_around(bonds: Bonds, size: int, *, key: Key, month: int, identity: Identity) -> None:
    """Let what agents know of others' lies of this month on their site sink in."""
    seats = np.arange(len(bonds.lies))[:, None]
    on_site = min(int(identity.site) * size, len(seats))
    mates = seats - seats % on_site + np.arange(on_site)
    others = (mates != seats) & (mates < len(seats))  # the last site may have fewer teams
    mates = np.minimum(mates, len(seats) - 1)
    u = uniforms(key, Purpose.NORM, seats, np.uint32(month), which=mates)[..., 0]
    known = others & (u < 1.0 - exp(-identity.hears * bonds.lies[mates]))
    share = known.sum(axis=1) / np.maximum(others.sum(axis=1), 1)
    bonds.norm[:] += identity.learns * (share - bonds.norm)
    bonds.lies[:] = 0.0


@rule
def coached(skill: float, fits: float, coaching: Any) -> float:
    """Give what an agent has taken in of the coaching after another day (0 to 1)."""
    goal = fits * (1.0 - exp_(-coaching.hours / coaching.enough))
    pace = coaching.learns if goal > skill else coaching.fades
    after: float = skill + pace * (goal - skill)
    return after


@rule
def worried(risk: float, occupancy: float, appeal: Any) -> float:
    """Give an agent's belief that the job is at risk (0 to 1) after a day so busy."""
    shown = (appeal.busy - occupancy) / (appeal.busy - appeal.quiet)
    after: float = risk + appeal.learns * (min(max(shown, 0.0), 1.0) - risk)
    return after


@rule
def strained(strain: float, repeats: float, blame: Any) -> float:
    """Give an agent's strain over a client after a day with so many repeats (log regard)."""
    after: float = (1.0 - blame.recovers) * strain + blame.wears * repeats
    return after


@rule
def swayed(
    regard: float,
    reciprocates: bool,
    strain: float,
    worry: float,
    soft: float,
    reciprocity: Any,
    blame: Any,
    appeal: Any,
) -> tuple[float, float, float]:
    """Give by what factors treatment moves effort, care and regard for the employer.

    `strain` is over all clients, `worry` the belief that the job is at risk where an appeal stands,
    `soft` what has been taken in of soft skills (log care).
    """
    mood = blame.mood * strain
    works = appeal.works * worry
    if reciprocates:
        works += reciprocity.works * regard
    return exp_(mood - works), exp_(reciprocity.carries * regard - mood + soft), exp_(regard)


@rule
def against(
    kappa: float,
    lie: float,
    care: float,
    customer: float,
    employer: float,
    to_employer: float,
    client: float,
    to_client: float,
) -> float:
    """Give how far an act goes against its agent's grain (money): conscience, and harm to others.

    What serves some whom the agent cares for makes up for what harms others.
    """
    return max(kappa * lie - care * customer - employer * to_employer - client * to_client, 0.0)


@rule
def next_mode(mode: float, selling: bool, settles: float, rule: Any) -> float:
    """Move the mode of mind (0 serving, 1 selling) by a contact."""
    if selling:
        return mode + settles * (1.0 - mode)
    rest: float = mode * (1.0 - rule.loses)
    return rest


@rule
def closing_in(mode: float, mood: float, modes: Any, moods: Any) -> float:
    """Give what mode and mood make of closing skill (a factor)."""
    factor: float = (modes.cold + (1.0 - modes.cold) * mode) * (1.0 + moods.lifts * mood)
    return factor


@rule
def next_mood(mood: float, carries: float, gap: float, failed: bool, rule: Any) -> float:
    """Move the mood (-1 to 1) by a contact that gave `gap` more than the customer expected."""
    moved: float = carries * mood + (rule.thanks * gap if gap > 0.0 else rule.abuse * gap)
    if failed:
        moved -= rule.failed
    return min(max(moved, -1.0), 1.0)


@rule
def certain(price: float, chance: float, prize: float, risk: float) -> float:
    """Give the certainty equivalent (money) of pay that comes with `chance`."""
    return price - 0.5 * risk * chance * (1.0 - chance) * prize * prize
