"""What is logged that did not happen, and what deters it (the G rows of the domain table).

Use `FabricatedSave`, `SuppressedCancellation`, `MisclassifiedContact`, `DroppedContact`,
`HardSell`, `SurveyGaming` and `Timing` to switch a way of gaming on or off or to change what
follows from it, `Conscience` for what a lie costs its teller, and `Belief` for how likely agents
think a check.

The form and the defaults of `Conscience` were estimated from 12,720 decisions to lie in the
laboratory experiments of Duch, Laroze and Zakharov (2021, "The moral cost of lying"), those of
`DroppedContact` from the 1999 call log of a bank (Guedj and Mandelbaum, Technion).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from incentives._compile import rule
from incentives._draws import exp_
from incentives.mechanism import Mechanism, Settings, numbers, param

__all__ = [
    "Belief",
    "Conscience",
    "DroppedContact",
    "DumpedContact",
    "FabricatedSave",
    "HardSell",
    "MisclassifiedContact",
    "SuppressedCancellation",
    "SurveyGaming",
    "Timing",
]

_LAB = "lying experiments of Duch, Laroze and Zakharov (2021), re-estimated: "
_BANK = "bank call log 1999 (Guedj and Mandelbaum), agents' rates of cutting calls: "


@dataclass(frozen=True, slots=True, kw_only=True)
class FabricatedSave(Mechanism):
    r"""G1: a save is logged although the cancellation was processed.

    The customer is served and leaves at the next bill; the log says that the customer stays. The
    row competes with honest work through :math:`U = V_0 + m(g) - p\,\phi L - \kappa_i`, where g is
    what the logged save adds to pay, p the believed chance of being found, L the penalty and
    :math:`\kappa_i` the agent's fixed cost of a lie (`lie_worth`).
    """

    id: ClassVar[str] = "G1"
    title: ClassVar[str] = "fabricated save"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressedCancellation(Mechanism):
    """G2: the save is logged and the cancellation is not carried out.

    At each later bill the customer finds out with chance `discovery`, loses `distrust` of trust
    and `anger` points of satisfaction, complains the next days, and leaves at the bill after that.
    With chance `traced` the complaint leads back to the agent, who pays the penalty and, knowing
    of it, adds `discovery` x `traced` to the believed chance of being found.
    """

    id: ClassVar[str] = "G2"
    title: ClassVar[str] = "suppressed cancellation"

    discovery: float = param(
        0.7,
        unit="chance per bill",
        low=0,
        high=1,
        source="assumed: most people read a bill",
        moves="+suppressed cancellations found out",
    )
    distrust: float = param(
        0.6,
        unit="of trust lost",
        low=0,
        high=1,
        source="assumed: a breach of contract",
        moves="-trust of those who found out",
    )
    traced: float = param(
        0.01,
        unit="chance per discovery",
        low=0,
        high=1,
        source="assumed: seldom does a complaint lead back to whoever logged the save",
        moves="-cancellations suppressed",
    )
    anger: float = param(
        3.0,
        unit="points of 10",
        low=0,
        high=10,
        source="assumed: from content to detractor",
        moves="-satisfaction of those who found out",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MisclassifiedContact(Mechanism):
    """G3: an unrelated contact is logged as a save, a routine order as an upsell.

    Only some contacts can pass for something else: a question or complaint for a wish to leave
    with chance `passable`, an order for an upsell with chance `upsizable`.
    """

    id: ClassVar[str] = "G3"
    title: ClassVar[str] = "misclassified contact"

    passable: float = param(
        0.1,
        unit="chance per contact",
        low=0,
        high=1,
        source="assumed: talk of price or quitting",
        moves="+contacts logged as saves",
    )
    upsizable: float = param(
        0.35,
        unit="chance per order",
        low=0,
        high=1,
        source="assumed: orders for more or larger",
        moves="+orders logged as upsells",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedContact(Mechanism):
    r"""G4: a contact that costs the agent's time and standing is cut off.

    Log odds against plain work before what it saves: :math:`-\rho_i + h\,[\text{last one cut}] +
    q\,\min(\text{waiting}, 20) + e\,[\text{evening}]`, in units of the noise of choice, with
    :math:`\rho_i \sim N(` `reluctance`, `spread` :math:`)`. Minutes saved come on top: each is
    worth effort, standing and, while others wait, the pay of the next contact. The customer calls
    again, less patient.
    """

    id: ClassVar[str] = "G4"
    title: ClassVar[str] = "dropped contact"

    reluctance: float = param(
        4.04,
        unit="log odds",
        low=0,
        high=12,
        source=_BANK + "4.04, SE 0.23",
        moves="-contacts cut off",
    )
    spread: float = param(
        1.2,
        unit="log odds",
        low=0,
        high=4,
        source=_BANK + "1.20, SE 0.17",
        moves="+contacts cut off",
    )
    habit: float = param(
        0.5,
        unit="log odds",
        low=0,
        high=2,
        source=_BANK + "0.54, SE 0.28",
        moves="+contacts cut off by agents who do it often",
    )
    queue: float = param(
        0.05,
        unit="log odds per caller waiting",
        low=0,
        high=1,
        source=_BANK + "0.24 for five, SE 0.13; 0.47, SE 0.19 among agents who cut rarely",
        moves="+contacts cut off while others wait",
    )
    evening: float = param(
        0.3,
        unit="log odds",
        low=0,
        high=2,
        source=_BANK + "0.29, SE 0.09",
        moves="+contacts cut off",
    )
    evening_from: float = param(
        900.0,
        unit="minute of the day",
        low=0,
        high=1440,
        source=_BANK + "from 15 h on",
        moves="-contacts cut off where evenings matter",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HardSell(Mechanism):
    r"""G5: pressure sells what the customer does not need.

    The menu's row *hard_sell* sells with chance :math:`\min(1, (\text{appeal} \cdot o +
    \text{pressure}) \cdot \text{closing})`: its second part does not ask whether the customer is
    open, let alone in need. At the next bill a buyer without a need (see `HiddenNeeds`) regrets
    with chance `regret`: the price is paid back, trust falls by `distrust`, satisfaction by `anger`
    points, and the customer complains within three days. The logged sale stays. What is logged did
    happen, so that the row is no lie; it is care for the customer (the row's `harm`) and fear of a
    check that hears the pressure (`seen`) that hold agents back. Switched off, the row is not on
    the menu and nobody regrets.
    """

    id: ClassVar[str] = "G5"
    title: ClassVar[str] = "hard sell and mis-sale"

    regret: float = param(
        0.5,
        unit="chance at the next bill",
        low=0,
        high=1,
        source="assumed: half of those pressed take it as it is",
        moves="+purchases regretted",
    )
    distrust: float = param(
        0.3,
        unit="of trust lost",
        low=0,
        high=1,
        source="assumed: half of a breach of contract",
        moves="-trust after hard sells",
    )
    anger: float = param(
        2.0,
        unit="points of 10",
        low=0,
        high=10,
        source="assumed: less than a cancellation ignored",
        moves="-satisfaction after hard sells",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Conscience(Settings):
    r"""What a lie costs the one who tells it.

    With gain g, believed chance p of being found and extra loss L, a lie is worth
    :math:`(1-\gamma)\,b\,c(g) + \gamma g (1-p) - p\,\phi L - \kappa_i` against not lying, where
    :math:`c(g) = 1 - e^{-g/(0.05 b)}` and :math:`\kappa_i = b\,(\mu + \sigma z_i - 0.87(r_i -
    0.5))` with :math:`r_i` the agent's rank in ability. A larger stake changes little once lying
    pays at all; some people lie at any price of it and some at none.
    """

    stake: float = param(
        4.0,
        unit="money",
        low=0.01,
        high=1000,
        source="the scenario's: what one full lie gains at the reference scheme",
    )
    mean: float = param(0.67, unit="stakes", low=-2, high=4, source=_LAB + "0.67, SE 0.18")
    spread: float = param(0.79, unit="stakes", low=0, high=3, source=_LAB + "0.79, SE 0.065")
    ability: float = param(
        -0.87, unit="stakes per rank 0 to 1", low=-3, high=3, source=_LAB + "-0.87, SE 0.12"
    )
    culture: float = param(
        0.3,
        unit="stakes",
        low=-1,
        high=2,
        source=_LAB + "between-site SD 0.3, strictest site +0.49; fitted to field rates (assumed)",
    )
    slope: float = param(0.22, unit="money per money", low=0, high=1, source=_LAB + "0.22, SE 0.11")
    onset: float = param(
        0.05, unit="stakes", low=0.001, high=1, source="assumed: gain at which lying pays at all"
    )
    cap: float = param(
        2.5, unit="stakes", low=1, high=10, source=_LAB + "largest stake tested; flat beyond"
    )
    noise: float = param(0.13, unit="stakes", low=0.001, high=2, source=_LAB + "0.13, SE 0.015")
    kinship: float = param(
        0.25,
        unit="dissimilarity, 1 = unrelated",
        low=0.05,
        high=1,
        source="assumed: rows of a nest are close substitutes",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief(Settings):
    r"""How likely an agent thinks it that a contact is checked.

    The belief is a weighted share, :math:`p = a / n`: it starts at `prior` with the weight of
    `weight` contacts, adds own contacts to n and own checks to a, adds each case found among
    teammates of which the agent hears (with chance `talk`, once) to a, and every day forgets the
    share 1 - `memory` of what it added to the prior.
    """

    prior: float = param(
        0.02,
        unit="chance per contact",
        low=0,
        high=1,
        source="assumed: several times the true rate, from hearsay",
    )
    weight: float = param(
        500.0, unit="contacts", low=1, high=1e6, source="assumed: about ten working days"
    )
    talk: float = param(
        0.5, unit="chance per case and teammate", low=0, high=1, source="assumed: half hear of it"
    )
    memory: float = param(
        0.97, unit="share kept per day", low=0, high=1, source="assumed: half gone in a month"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpedContact(Mechanism):
    r"""G8: contacts that do not pay are passed on.

    A transfer takes little time, is logged as handled, and puts the customer into the queue again,
    for a colleague. What keeps agents from it is that colleagues mind: a reluctance of
    :math:`\tau (\text{reluctance} + d_i)`, where :math:`d_i` is by how much the agent's reluctance
    to cut off (G4) departs from the mean. Nobody transfers on the last of a customer's tries.
    Switched off, the row is not on the menu.
    """

    id: ClassVar[str] = "G8"
    title: ClassVar[str] = "cherry-picking and dumping"

    reluctance: float = param(
        2.5,
        unit="scales of choice",
        low=-5,
        high=10,
        source="assumed: one or two transfers in a hundred contacts under a flat wage",
        moves="-contacts passed on",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyGaming(Mechanism):
    r"""G6: agents choose whom to have surveyed, and beg for top marks.

    Where the agent's scheme reads surveys, each contact ends with a choice: *leave* the invitation
    to chance, *skip* it, *push* it, or push it and *beg*. The agent has an impression
    :math:`\hat q = [q + \text{impression} \cdot z]_0^{10}` of the experience, and with A the chance
    of an answer and P the price of one expects :math:`E_{\text{leave}} = \text{invites} \cdot
    A(\hat q) P(\hat q)`, :math:`E_{\text{skip}} = 0`, :math:`E_{\text{push}} = A(\hat q)
    P(\hat q)` and :math:`E_{\text{beg}} = A(\hat q) P(\hat q + \text{yields} \cdot \text{lift}
    \cdot (10 - \hat q))`. Departing from chance is a lie of its kind, of size :math:`\gamma` =
    `gravity` against a lie on the log: with :math:`g = E - E_{\text{leave}}` it is worth
    :math:`\gamma\,(\text{pay} \cdot m(g / \gamma) - \kappa - \phi\, p\, L)` (`lie_worth`), less
    the time it takes and, for begging, less care for the annoyed customer; Gumbel shocks have the
    scale :math:`\gamma \tau`. A begged customer's satisfaction falls by `annoys`; with chance
    `yields` the score is given as if the experience had been `lift` of the way nearer to 10.
    Switched off, who is asked is left to chance, and so it is under any pay that does not read
    surveys.
    """

    id: ClassVar[str] = "G6"
    title: ClassVar[str] = "survey gaming"

    gravity: float = param(
        0.25,
        unit="of a lie on the log",
        low=0.05,
        high=1,
        source="assumed: a quarter of a lie, since the customer speaks for themselves",
        moves="-share of contacts on which an answer is asked for by those who weigh the gain",
    )
    impression: float = param(
        1.5,
        unit="points, SD of the agent's error",
        low=0,
        high=10,
        source="assumed: a little more than the noise of a score; agents do know their best calls "
        "(Vocalabs 2010)",
        moves="-experience of those invited above that of all",
    )
    minutes: float = param(
        0.3,
        unit="minutes to ask for an answer",
        low=0,
        high=3,
        source="assumed: two sentences",
        moves="-share of contacts on which an answer is asked for",
    )
    yields: float = param(
        0.5,
        unit="chance per begged customer",
        low=0,
        high=1,
        source="assumed: half do as they are asked",
        moves="+score above experience",
    )
    lift: float = param(
        0.6,
        unit="of the way to 10",
        low=0,
        high=1,
        source="assumed: where only top marks count dealers tell customers so (car dealers' "
        "scores, gate at 95 %)",
        moves="+score above experience",
    )
    annoys: float = param(
        0.3,
        unit="points of 10 of a begged customer's satisfaction",
        low=0,
        high=5,
        source="assumed: less than an unwelcome offer",
        moves="-share of contacts on which top marks are begged for",
    )
    seen: float = param(
        0.3,
        unit="chance that an audit hears it",
        low=0,
        high=1,
        source="assumed: begging is heard, skipping seldom",
        moves="-share of contacts on which an answer is asked for in fear of a check",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing(Mechanism):
    r"""G7: outcomes are held back or booked ahead around a threshold and a month's end.

    In the last `window` days of a month, where some part of the scheme is not linear, an agent
    compares what an outcome is worth now, P, with what it would be worth booked at the start of the
    next month, :math:`P'`, with that month's totals still to come and what has been moved into or
    out of it already. A true sale or save can be *held back*: the log says that nothing was sold or
    kept, and the outcome is added to the totals as the next month begins, if the agent is still
    there. A customer to whom an offer was made in vain will think about it with chance `thinks`,
    and then a sale can be *booked ahead*: the next true sale of the next month makes it good and is
    not booked; what is not made good by that month's end is struck off. Either is a lie of the size
    :math:`\gamma` = `gravity` of one on the log. With :math:`g = \pm (P' - P) - \text{cost}` above
    0 it is worth :math:`\gamma\,(\text{pay} \cdot m(g / \gamma) - \kappa - \phi\, p\, L)`, p
    being 0 for what is held back, and is done if that and logistic noise of the scale
    :math:`\gamma \tau` are above 0. Under a piece rate :math:`P' = P`, and nothing is moved.
    Saves are not held back where pay for them can be clawed back. Switched off, whatever happens
    is booked at once.
    """

    id: ClassVar[str] = "G7"
    title: ClassVar[str] = "timing of what is logged"

    window: float = param(
        3.0,
        unit="last days of a month",
        low=0,
        high=10,
        source="assumed: a customer can be put off for so long",
        moves="+share of sales not booked at once",
    )
    cost: float = param(
        0.5,
        unit="money per outcome moved",
        low=0,
        high=30,
        source="assumed: a note to keep and to remember",
        moves="-share of sales not booked at once",
    )
    gravity: float = param(
        0.25,
        unit="of a lie on the log",
        low=0.05,
        high=1,
        source="assumed: a quarter of a lie, since the outcome is true, only not its date",
        moves="-share of sales not booked at once by those who weigh the gain",
    )
    thinks: float = param(
        0.3,
        unit="chance per offer made in vain",
        low=0,
        high=1,
        source="assumed: most who decline mean it",
        moves="+share of sales booked ahead",
    )
    seen: float = param(
        0.5,
        unit="chance that an audit sees a sale booked ahead",
        low=0,
        high=1,
        source="assumed: a customer who wants to think is heard to say so",
        moves="-share of sales booked ahead in fear of a check",
    )


DumpNumbers = numbers(DumpedContact, "DumpNumbers", __name__)
DropNumbers = numbers(DroppedContact, "DropNumbers", __name__)
ConscienceNumbers = numbers(Conscience, "ConscienceNumbers", __name__)
BeliefNumbers = numbers(Belief, "BeliefNumbers", __name__)
SuppressNumbers = numbers(SuppressedCancellation, "SuppressNumbers", __name__)
MisclassifyNumbers = numbers(MisclassifiedContact, "MisclassifyNumbers", __name__)
RegretNumbers = numbers(HardSell, "RegretNumbers", __name__)
AskNumbers = numbers(SurveyGaming, "AskNumbers", __name__)
TimingNumbers = numbers(Timing, "TimingNumbers", __name__)

LEAVE, SKIP, PUSH, BEG = range(4)  # what an agent does about the survey


@rule
def lie_worth(gain: float, found: float, conscience: Any) -> float:
    """Give what a lie's gain is worth to its teller (money), before conscience and fear."""
    if gain <= 0.0:
        return gain
    gain = min(gain, conscience.cap * conscience.stake)
    pays_at_all = 1.0 - exp_(-gain / (conscience.onset * conscience.stake))
    fixed = (1.0 - conscience.slope) * conscience.stake * pays_at_all
    worth: float = fixed + conscience.slope * gain * (1.0 - found)
    return worth


@rule
def lie_weight(kappa: float, gain: float, conscience: Any) -> float:
    """Give the share of its conscience cost that a lie has; joy, a negative cost, needs a gain."""
    if kappa >= 0.0:
        return 1.0
    if gain <= 0.0:
        return 0.0
    return 1.0 - exp_(-gain / (conscience.onset * conscience.stake))


@rule
def impression_of(points: float, shock: float, asking: Any) -> float:
    """Give what an agent takes a customer's experience to have been (points of 10)."""
    seems: float = points + asking.impression * shock
    return min(max(seems, 0.0), 10.0)


@rule
def pleaded(points: float, share: float, asking: Any) -> float:
    """Give the experience that a score speaks of when this share of the begged give way."""
    raised: float = points + share * asking.lift * (10.0 - points)
    return raised


@rule
def lesser_lie(
    gain: float,
    kappa: float,
    found: float,
    pay: float,
    fear: float,
    penalty: float,
    size: float,
    conscience: Any,
) -> float:
    """Give what a lie of a smaller size is worth (money), before the time it takes.

    Gain, conscience, fear and penalty count as those of a lie on the log whose stake is `size`
    times as large.
    """
    gain = min(gain / size, conscience.cap * conscience.stake)
    worth: float = pay * lie_worth(gain, found, conscience)
    worth -= kappa * lie_weight(kappa, gain, conscience) + fear * found * penalty
    return size * worth


@rule
def cut_cost(reluctance: float, last_cut: bool, waiting: float, minute: float, drop: Any) -> float:
    """Give an agent's reluctance to cut a contact off (log odds) at this moment."""
    cost: float = reluctance - drop.queue * min(waiting, 20.0)
    if last_cut:
        cost -= drop.habit
    if minute >= drop.evening_from:
        cost -= drop.evening
    return cost


@rule
def relearn(
    checks: float,
    contacts: float,
    own_checks: float,
    own_contacts: float,
    heard: float,
    belief: Any,
) -> tuple[float, float]:
    """Update a belief's two counts at a day's end: forget, then add what was seen and heard."""
    prior = belief.prior * belief.weight
    checks = prior + belief.memory * (checks - prior) + own_checks + heard
    contacts = belief.weight + belief.memory * (contacts - belief.weight) + own_contacts
    return checks, contacts
