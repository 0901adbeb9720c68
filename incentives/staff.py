"""Who works there, from mercenary to loyal, and what moves them (the A rows).

Use `Archetype` for a point in the space of tastes, `Workforce` for the mixture from which agents
are drawn, and `Turnover` for when they leave. All tastes are in money per contact or per minute,
so that they can be added to pay and argued about.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from incentives._compile import rule
from incentives._draws import Key, Purpose, exp, normal, uniforms
from incentives.columns import Floats, Ints
from incentives.mechanism import Mechanism, Settings, numbers, param

__all__ = ["Archetype", "Mode", "Mood", "Regard", "Turnover", "Workforce", "hire"]


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
        0.0, unit="stakes, against Conscience.mean", low=-3, high=3, source="assumed"
    )
    fear: float = param(
        1.0,
        unit="money per money expected to be lost",
        low=0,
        high=3,
        source="lying experiments of Duch, Laroze and Zakharov (2021): the numeraire",
    )
    care: float = param(
        0.15, unit="money per money to the customer", low=0, high=2, source="assumed"
    )
    employer: float = param(
        0.004, unit="money per money to the employer", low=0, high=2, source="assumed"
    )
    client: float = param(
        0.004, unit="money per money to the client", low=0, high=2, source="assumed"
    )
    standing: float = param(0.1, unit="money per contact's time", low=0, high=10, source="assumed")
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
    )
    spread: float = param(
        0.4, unit="SD of the log between clients", low=0, high=2, source="assumed"
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
        0.5, unit="of the way per selling contact", low=0, high=1, source="assumed: two contacts"
    )
    spread: float = param(
        0.6, unit="SD of the log between agents", low=0, high=2, source="assumed: one to several"
    )
    loses: float = param(
        1.0, unit="share lost per other contact", low=0, high=1, source="practitioners: one contact"
    )
    cold: float = param(
        0.8, unit="x closing skill in the serving mode", low=0, high=1, source="assumed"
    )
    switching: float = param(
        0.1, unit="x longer in the other mode", low=0, high=2, source="assumed"
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
        0.7, unit="kept per contact, mean of agents", low=0, high=0.95, source="assumed: an hour"
    )
    spread: float = param(
        0.2, unit="half the range between agents", low=0, high=0.5, source="assumed"
    )
    thanks: float = param(0.05, unit="per point", low=0, high=1, source="assumed")
    abuse: float = param(0.08, unit="per point", low=0, high=1, source="assumed: worse than thanks")
    failed: float = param(0.1, unit="per failed close", low=0, high=1, source="assumed")
    slows: float = param(0.08, unit="x handle time per unit", low=0, high=0.9, source="assumed")
    lifts: float = param(0.2, unit="x closing per unit", low=0, high=0.9, source="assumed")
    warms: float = param(0.5, unit="x care per unit", low=0, high=0.9, source="assumed")


ModeNumbers = numbers(Mode, "ModeNumbers", __name__)
MoodNumbers = numbers(Mood, "MoodNumbers", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover(Settings):
    r"""When agents leave: a monthly hazard that answers pay against an outside option.

    :math:`P(\text{quit}) = 1 - \exp(-e^{a + s\,(w_0 - w_i) / w_0})` with a the log of `hazard`, s
    `slope`, :math:`w_0` the `outside` pay and :math:`w_i` what the agent was paid. The seat is
    filled at the start of the next month from the same mixture, at the address (seat, hire).
    """

    hazard: float = param(
        0.035,
        unit="per month at the outside pay",
        low=0,
        high=1,
        source="yearly attrition 27 % in US centres, 56 % at outsourcers (evidence table)",
    )
    outside: float = param(
        2000.0, unit="money per month", low=0, high=1e6, source="the scenario's: the base wage"
    )
    slope: float = param(1.5, unit="log hazard per share of pay", low=0, high=10, source="assumed")


TurnoverNumbers = numbers(Turnover, "TurnoverNumbers", __name__)


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
) -> None:
    """Draw the agents who now sit at `seats` and write them into `staff`.

    An agent is addressed by (seat, hire), so that the same person is hired under every policy.
    """
    when = staff.hire[seats]
    a, b, c, d = (uniforms(key, Purpose.AGENT, seats, when, block=block) for block in range(4))
    weights = np.array([archetype.share for archetype in workforce.archetypes])
    kind = np.searchsorted(np.cumsum(weights / weights.sum())[:-1], a[:, 0], side="right")
    staff.kind[seats] = kind

    def taste(name: str) -> Floats:
        return np.array([getattr(each, name) for each in workforce.archetypes], float)[kind]

    def varied(name: str, u: Floats) -> Floats:
        return np.asarray(taste(name) * exp(workforce.tastes * normal(u)))

    ability = d[:, 0]
    staff.ability[seats] = ability
    within = workforce.within(conscience.spread)
    staff.kappa[seats] = conscience.stake * (
        conscience.mean
        + conscience.culture
        + taste("conscience")
        + within * normal(a[:, 1])
        + conscience.ability * (ability - 0.5)
    )
    staff.reluctance[seats] = drop.reluctance + drop.spread * normal(a[:, 2])
    staff.pace[seats] = exp(workforce.pace * normal(a[:, 3]))
    staff.closing[seats] = exp(workforce.closing * normal(b[:, 0]))
    staff.pay[seats] = taste("pay")
    staff.risk[seats] = taste("risk")
    staff.effort[seats] = varied("effort", b[:, 1])
    staff.fear[seats] = varied("fear", b[:, 2])
    staff.standing[seats] = varied("standing", b[:, 3])
    cares = 0.0 if "A1" in off else 1.0
    staff.care[seats] = cares * varied("care", c[:, 0])
    staff.employer[seats] = cares * varied("employer", c[:, 1])
    distance = regard.distance if contractor else 1.0
    for client in range(staff.client.shape[1]):
        u = uniforms(key, Purpose.AGENT, seats, when, block=4, which=client)[:, 0]
        own = exp(regard.spread * normal(u)) if staff.client.shape[1] > 1 else 1.0
        staff.client[seats, client] = cares * distance * varied("client", c[:, 2]) * own
    staff.checks[seats] = belief.prior * belief.weight
    staff.contacts[seats] = belief.weight
    e = uniforms(key, Purpose.AGENT, seats, when, block=5)
    staff.settles[seats] = np.minimum(mode.rate * exp(mode.spread * normal(e[:, 0])), 1.0)
    staff.carries[seats] = np.clip(mood.carries + mood.spread * (2.0 * e[:, 1] - 1.0), 0.0, 1.0)


def quits(
    staff: Staff, paid: Floats, *, key: Key, month: int, turnover: Turnover
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which agents leave at this month's end."""
    seats = np.arange(len(staff.hire))
    u = uniforms(key, Purpose.QUIT, seats, np.uint32(month), which=staff.hire)[:, 0]
    short = (turnover.outside - paid) / max(turnover.outside, 1e-9)
    hazard = turnover.hazard * exp(np.clip(turnover.slope * short, -5.0, 5.0))
    return np.asarray(u < 1.0 - exp(-hazard))


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
