"""What customers need, expect, feel, buy and decide (the C rows).

Use `Needs` for how often they contact and why, `Expectations` and `MomentsAndEndings` for how an
experience becomes satisfaction, `Openness`, `Order` and `HiddenNeeds` for offers, `Leaving` and
`MadeUpMinds` for churn, `LoyaltyPays` for what they buy again, `Surveys` for what they tell, and
`Acquisition` and `Advocacy` for who joins.

Satisfaction, expectation and experience are points from 0 to 10; trust and openness are shares.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from incentives._compile import rule
from incentives._draws import (
    Key,
    Purpose,
    exp,
    exp_,
    exponential,
    log,
    log_,
    normal,
    normal_,
    uniforms,
)
from incentives.columns import CUSTOMER, DUD, OWNED, PERSON, SELLER, Customers, Floats, Ints
from incentives.mechanism import Mechanism, Settings, numbers, param

__all__ = [
    "Acquisition",
    "Advocacy",
    "DataHarvest",
    "Expectations",
    "HiddenNeeds",
    "Leaving",
    "LoyaltyPays",
    "MadeUpMinds",
    "MomentsAndEndings",
    "Needs",
    "Openness",
    "Order",
    "Ownership",
    "Surveys",
    "Value",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs(Settings):
    """How often a customer needs something, and how often the unserved come back.

    Each need is an exponential clock, addressed by customer, need and episode; it starts again when
    an episode has ended. A wish to cancel does not come from a clock but from `Leaving`.
    """

    question: float = param(
        0.40,
        unit="per customer and month",
        low=0,
        high=20,
        source="assumed: a question every two or three months",
    )
    complaint: float = param(
        0.10,
        unit="per customer and month",
        low=0,
        high=20,
        source="assumed: a complaint or so a year",
    )
    order: float = param(
        0.15,
        unit="per customer and month",
        low=0,
        high=20,
        source="assumed: an order or two a year",
    )
    spread: float = param(
        0.5,
        unit="SD of the log between customers",
        low=0,
        high=2,
        source="assumed: the busiest sixth of customers call 1.6 times as often as the middle",
    )
    returns: float = param(
        0.6,
        unit="chance that an unresolved contact is repeated",
        low=0,
        high=1,
        source="assumed; first-contact resolution 70-72 % (evidence table)",
    )
    return_days: float = param(
        2.0,
        unit="working days, mean",
        low=1,
        high=20,
        source="assumed: a day is left for it to come right by itself",
    )
    tries: float = param(
        5.0,
        unit="contacts about one need, at most",
        low=1,
        high=20,
        source="assumed: after five in vain, a need is given up",
    )

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        if self.tries != int(self.tries):
            raise ValueError(f"Needs.tries must be whole, got {self.tries!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations(Mechanism):
    r"""C1: satisfaction follows performance against expectation, which itself adapts.

    An experience of q points moves satisfaction by :math:`s \leftarrow s + \alpha (q - e)`, losses
    weighing `losses` times as much, and expectation by :math:`e \leftarrow e + \beta (q - e)`.
    Between bills satisfaction fades toward `neutral`. Switched off, expectations stay put
    (:math:`\beta = 0`).
    """

    id: ClassVar[str] = "C1"
    title: ClassVar[str] = "expectations"

    speed: float = param(
        0.25,
        unit="points per point",
        low=0,
        high=1,
        source="assumed: four contacts count",
        moves="+satisfaction where service is good",
    )
    adapts: float = param(
        0.1,
        unit="points per point",
        low=0,
        high=1,
        source="assumed: a tenth of the surprise is expected the next time",
        moves="+expectation where service is good",
    )
    losses: float = param(
        1.5,
        unit="x a gain of the same size",
        low=1,
        high=5,
        source="assumed; loss aversion about 2",
        moves="-satisfaction where service is poor",
    )
    fade: float = param(
        0.1,
        unit="share per month",
        low=0,
        high=1,
        source="assumed: half of what was felt is gone in seven months",
        moves="-satisfaction where service is good",
    )
    neutral: float = param(
        6.5,
        unit="points of 10",
        low=0,
        high=10,
        source="assumed: above the middle, as satisfaction scores mostly are",
        moves="+expectation at the start",
    )
    spread: float = param(
        1.0,
        unit="points, SD at the start",
        low=0,
        high=4,
        source="assumed: two thirds of customers within a point of the mean",
        moves="+differences in satisfaction between customers",
    )
    plain: float = param(
        5.5,
        unit="points of 10: answered, unresolved",
        low=0,
        high=10,
        source="assumed: a point below what customers expect at first",
        moves="+experience of contacts",
    )
    resolved: float = param(
        2.5,
        unit="points",
        low=0,
        high=10,
        source="assumed: what help is worth, from below the expectation to above it",
        moves="+experience of contacts",
    )
    waiting: float = param(
        0.12,
        unit="points per minute waited, up to 20",
        low=0,
        high=2,
        source="assumed: eight minutes cost a point",
        moves="-experience of contacts after a wait",
    )
    abandoned: float = param(
        2.0,
        unit="points of 10: gave up waiting",
        low=0,
        high=10,
        source="assumed: time lost and nothing had; near the bottom",
        moves="+satisfaction where callers give up",
    )
    cut: float = param(
        1.0,
        unit="points of 10: cut off",
        low=0,
        high=10,
        source="assumed: worse than giving up by oneself",
        moves="+satisfaction where callers are cut off",
    )
    noise: float = param(
        0.8,
        unit="points, SD",
        low=0,
        high=5,
        source="assumed: contacts alike are felt within a point, mostly",
        moves="+differences in experience between contacts",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentsAndEndings(Mechanism):
    r"""C2: the worst or best moment and the last one weigh most.

    A moment is an experience against expectation, :math:`q - e`. Of a month's moments a customer
    keeps the one furthest from 0, p, and the last, l, and at the bill
    :math:`s \leftarrow [s + a p + b l]_0^{10}` with a = `peak` and b = `ending`. Within a contact
    the ending weighs too: a pitch that comes last takes from what the contact had given beyond
    expectation the share `spoils` times what openness lacks, so that it costs more after a good
    contact than after a poor one. Agents do not reckon with it.

    An order can begin a journey: `stops` touch points that staff start, one a day, each a contact
    like a question. On a journey the listener is captive: what a pitch annoys and spoils counts
    `captive` times, and what it spoils `worse` times more where the service fails in the same
    contact. At the last stop, on the way home, service is cut with chance `meagre`; with `trolley`
    = 1 nothing is offered at the stops before it. Switched off, a month is the sum of its contacts,
    a pitch costs the same wherever it stands, and nobody is held captive.
    """

    id: ClassVar[str] = "C2"
    title: ClassVar[str] = "moments and endings"

    peak: float = param(
        0.08,
        unit="points per point",
        low=0,
        high=1,
        source="assumed: a third of one contact's",
        moves="-satisfaction after poor months",
    )
    ending: float = param(
        0.08,
        unit="points per point",
        low=0,
        high=1,
        source="assumed: as much as the peak",
        moves="-satisfaction after poor months",
    )
    spoils: float = param(
        0.25,
        unit="share of what was beyond expectation, if not open",
        low=0,
        high=1,
        source="assumed: an ending undoes a quarter of the good before it",
        moves="-experience of offers at the end of good contacts",
    )
    stops: float = param(
        0.0,
        unit="touch points that staff start, after an order",
        low=0,
        high=20,
        source="the scenario's; a telephone call is no journey",
        moves="+contacts about questions",
    )
    captive: float = param(
        1.5,
        unit="x what a pitch annoys and spoils, on a journey",
        low=1,
        high=3,
        source="assumed: who cannot hang up minds half as much again",
        moves="-experience of a pitch on a journey",
    )
    meagre: float = param(
        0.0,
        unit="chance that service is cut at the last stop",
        low=0,
        high=1,
        source="a policy; none by default",
        moves="-experience of the last stop",
    )
    trolley: float = param(
        0.0,
        unit="1 if offers are made at the last stop of a journey alone",
        low=0,
        high=1,
        source="a policy; offers everywhere by default",
        moves="-offers on a journey",
    )
    worse: float = param(
        1.5,
        unit="x what a pitch spoils, where service fails in the same contact",
        low=1,
        high=5,
        source="assumed: perfume instead of hot water",
        moves="-experience of a pitch on a journey",
    )

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        if self.stops != int(self.stops):
            raise ValueError(f"MomentsAndEndings.stops must be whole, got {self.stops!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Openness(Mechanism):
    r"""C3: willingness to hear an offer differs between customers and moments, and is guessed at.

    The chance that an offer sells is openness times the row's appeal times the agent's closing
    skill; an unwelcome offer costs the row's `annoys` points times what openness lacks. The agent
    takes the odds of openness o for :math:`e^{\text{blur}\,z}\,o / (1 - o)`, z being standard
    normal and new on each contact, and takes them at face value: so most offers go to people who
    are less open than they seemed. Switched off, all are as open as the median, agents know it, and
    no offer annoys.
    """

    id: ClassVar[str] = "C3"
    title: ClassVar[str] = "willingness to hear an offer"

    median: float = param(
        0.06,
        unit="chance that an offer after service sells",
        low=0.001,
        high=0.9,
        source="assumed; outbound offers sell to 5.7 % at the first attempt (UCI bank marketing)",
        moves="+sales",
    )
    spread: float = param(
        0.8,
        unit="SD of the log odds between customers",
        low=0,
        high=3,
        source="assumed: one SD doubles the odds, or halves them",
        moves="+sales where few are open",
    )
    moment: float = param(
        0.5,
        unit="SD of the log odds between moments",
        low=0,
        high=3,
        source="assumed: moods differ less than people",
        moves="+sales where few are open",
    )
    blur: float = param(
        0.5,
        unit="SD of the log odds that an agent sees, about the true ones",
        low=0,
        high=3,
        source="assumed: as much as moments differ, which is what an agent has to guess",
        moves="-offers that sell",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Mechanism):
    """C4: an offer after the issue is resolved, with care, sells more and harms less than before.

    The difference lies in the menu's rows *offer_after* and *offer_first* (appeal, annoys,
    resolves). Who makes an offer after service that has resolved nothing has made it before: it
    sells and annoys like *offer_first*, and agents reckon with the chance of that. Switched off,
    the second row has the first one's values.
    """

    id: ClassVar[str] = "C4"
    title: ClassVar[str] = "order of service and offer"


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenNeeds(Mechanism):
    r"""C5: some contacts hide a need that the product would meet.

    A question, complaint or order hides a need with chance `share`. The agent notices something
    with chance `hit` where there is one and `false_alarm` where there is none, and so believes in
    a need with the chance b that Bayes' rule gives. A need multiplies the odds that an offer sells
    by `odds`, :math:`o_1 = k o_0 / (1 + (k - 1) o_0)`, so that it annoys less; any offer then
    raises the experience by `relief`, and no offer costs `missed`: a failure of service. A sale
    without a need is a mis-sale: the buyer is disappointed at the next bill. The agent who cares
    reckons with a gain of `surplus` or a loss of `loss` to the buyer. Switched off, nobody has a
    hidden need.
    """

    id: ClassVar[str] = "C5"
    title: ClassVar[str] = "need-based selling"

    share: float = param(
        0.15,
        unit="chance per contact",
        low=0,
        high=1,
        source="assumed: one contact in seven",
        moves="+contacts that hide a need",
    )
    hit: float = param(
        0.7,
        unit="chance that a need shows",
        low=0,
        high=1,
        source="assumed: most, to a listener",
        moves="+needs met by an offer",
    )
    false_alarm: float = param(
        0.08,
        unit="chance that none shows as one",
        low=0,
        high=0.5,
        source="assumed: one customer in twelve seems to need what is of no use",
        moves="-offers that meet a need",
    )
    odds: float = param(
        6.0,
        unit="x the odds that an offer sells",
        low=1,
        high=100,
        source="assumed: 6 % to 28 %",
        moves="+sales where needs are frequent",
    )
    relief: float = param(
        1.5,
        unit="points of 10",
        low=0,
        high=10,
        source="assumed: more than half of a resolution",
        moves="+experience of those in need who were offered",
    )
    missed: float = param(
        0.5,
        unit="points of 10",
        low=0,
        high=10,
        source="assumed: few know what they have missed",
        moves="-experience of those in need who were not offered",
    )
    surplus: float = param(
        0.5,
        unit="money to the buyer in need per money paid",
        low=0,
        high=10,
        source="assumed: a buyer in need gets half as much again as what is paid",
        moves="+offers made by agents who care",
    )
    loss: float = param(
        0.5,
        unit="money lost without a need per money paid",
        low=0,
        high=10,
        source="assumed: half of the price is lost on what is not needed",
        moves="-offers made by agents who care",
    )
    disappoints: float = param(
        0.3,
        unit="points of satisfaction at the bill after a mis-sale",
        low=0,
        high=10,
        source="assumed: less than an experience gone wrong",
        moves="-satisfaction after mis-sales",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpMinds(Mechanism):
    r"""C6: many who call to cancel have decided; trying to talk them round irritates them.

    A row's chance to keep the customer is `keeps` for the undecided and `keeps_decided` for those
    whose mind is made up, and an attempt costs the latter the row's `annoys` points of the
    experience. On each contact the agent has an inkling, with chance `hit` where a mind is made up
    and `false_alarm` where it is not, and by Bayes' rule believes that it is with chance b: that
    the attempt works with chance :math:`(1 - b)\,\text{keeps} + b\,\text{keeps_decided}`, and
    annoys by :math:`b\,\text{annoys}`. Switched off, nobody's mind is made up.
    """

    id: ClassVar[str] = "C6"
    title: ClassVar[str] = "made-up minds"

    decided: float = param(
        0.55,
        unit="share of callers who want to cancel",
        low=0,
        high=1,
        source="assumed; retention calls lose 77 % (CallIntel 2014, a practitioner's figure)",
        moves="-wishes to cancel that are talked round",
    )
    hit: float = param(
        0.6,
        unit="chance that a made-up mind shows",
        low=0,
        high=1,
        source="assumed: rather often than not",
        moves="-attempts to keep the decided",
    )
    false_alarm: float = param(
        0.2,
        unit="chance that an open one is taken for made up",
        low=0,
        high=0.5,
        source="assumed: one open customer in five sounds decided",
        moves="-attempts to keep the undecided",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving(Settings):
    r"""The monthly hazard of wishing to leave, and how the wish is carried out.

    :math:`h = 1 - \exp(-\exp(\eta))` with :math:`\eta = \log h_0 + \beta_s (6.5 - s) + \beta_t
    (1 - \text{trust}) - \beta_m \log(1 + \text{months}/12)`. A share `calls` contacts to cancel on
    some day of the coming month; the others leave silently at the bill. One whose cancellation
    was cut off or never answered, and who has given up, walks away at the next bill with chance
    `walks`.
    """

    base: float = param(
        0.016,
        unit="per month at neutral satisfaction",
        low=1e-6,
        high=0.5,
        source="assumed; between 0.82 % (IBM Telco sample) and 1.9 % (Cell2Cell) a month",
    )
    satisfaction: float = param(
        0.35,
        unit="log hazard per point of satisfaction",
        low=0,
        high=2,
        source="assumed; mean to leave 5 % solved first time, 25 % unsolved (SQM Group)",
    )
    trust: float = param(
        1.0,
        unit="log hazard per unit of trust",
        low=0,
        high=5,
        source="assumed: all trust lost makes leaving 2.7 times as likely",
    )
    tenure: float = param(
        0.3,
        unit="log hazard per log(1 + years)",
        low=0,
        high=2,
        source="assumed: two years make leaving 28 % less likely",
    )
    calls: float = param(
        0.65,
        unit="share who contact to cancel",
        low=0,
        high=1,
        source="assumed: two in three have to give notice to somebody",
    )
    walks: float = param(
        0.5,
        unit="chance per bill",
        low=0,
        high=1,
        source="assumed: who was put off and finds out leaves at once or soon",
    )
    mends: float = param(
        1.0,
        unit="points of satisfaction when an honest save fixes the cause",
        low=0,
        high=5,
        source="assumed: a cause removed is one grievance less, of ten points",
    )
    distrust_at_start: float = param(
        0.2,
        unit="mean lack of trust",
        low=0,
        high=1,
        source="assumed: most trust their firm; a few have been let down before",
    )
    tenure_at_start: float = param(
        24.0,
        unit="months, mean (exponential)",
        low=0,
        high=600,
        source="assumed: two years on average, many newcomers among them",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyPays(Mechanism):
    r"""C7: satisfaction drives repeat buying, and winning a customer costs more than keeping one.

    At each bill a customer who stays takes a larger plan with chance
    :math:`\min(\tfrac12, r e^{b (s - 6.5)})` and a smaller one with chance
    :math:`\min(\tfrac12, r e^{-b (s - 6.5)})`, r being `rate` and b `satisfaction`; the margin is
    multiplied or divided by 1 + `step`. Revenue so follows satisfaction with a lag. Whoever is
    content is also more open to an offer, by `opens` log odds per point of s above 6.5. Each
    customer won costs `winning` times `keeping` in the accounts (`truth.outcomes`). Switched off, a
    customer's margin never changes, newcomers cost nothing, and the content buy like others.
    """

    id: ClassVar[str] = "C7"
    title: ClassVar[str] = "loyalty pays"

    rate: float = param(
        0.02,
        unit="chance per month at neutral satisfaction, up and down alike",
        low=0,
        high=0.5,
        source="assumed: half of all customers change their plan within a year and a half",
        moves="+margin of content customers",
    )
    satisfaction: float = param(
        0.4,
        unit="log chance per point of satisfaction",
        low=0,
        high=3,
        source="assumed: about as steep as leaving",
        moves="+margin of content customers",
    )
    step: float = param(
        0.2,
        unit="share of the margin",
        low=0,
        high=2,
        source="assumed: the next plan of a list",
        moves="+margin of content customers",
    )
    opens: float = param(
        0.2,
        unit="log odds of an offer per point of satisfaction",
        low=0,
        high=2,
        source="assumed: half as steep as leaving",
        moves="+offers that sell",
    )
    keeping: float = param(
        25.0,
        unit="money per customer kept",
        low=0,
        high=1e5,
        source="assumed: a month's margin",
        moves="+cost of the customers won",
    )
    winning: float = param(
        5.0,
        unit="x the cost of keeping one",
        low=3,
        high=7,
        source='assumed, 3 to 7: "five times" has no primary source',
        moves="+cost of the customers won",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership(Mechanism):
    r"""C10: who sold also serves afterwards; who believes in the product sells it better.

    Of buyers the share `owned` is its seller's to serve: their later contacts go to that agent if
    it is on duty and idle. The first time that a buyer without a need is back, its seller spends
    `explains` minutes more. So an agent that thinks of an offer, and holds it for likely by 1 - r
    that a buyer would be without a need, takes off

    .. math::

        c \,(1 - r)\, \text{owned} \cdot \text{returns}
            \cdot (\text{explains} + \text{regret} \cdot m)
            \cdot (\text{effort} + \text{pay} \cdot \pi)

    from its worth: the chance c that it sells, the work m of a complaint (for a hard sell, of
    which the share `regret` complains), and what a minute costs.

    Each agent believes with b, 0 to 1, that the product is worth having. Its offers close
    :math:`e^{k (b - \bar b)}` times as often, k being `sells` and :math:`\bar b` `usual`, and it
    thinks that a sale brings the buyer `worth` :math:`(b - \bar b)` more per money paid. When a
    buyer is back with its seller, :math:`b \leftarrow b + \text{learns}\,(g - b)`, g being 1 if
    there was a need and else 0: so an agent learns little of what it does not see. To be owned is
    a policy, and nobody is unless a scenario says so. Switched off, nobody is, and all agents
    believe alike.
    """

    id: ClassVar[str] = "C10"
    title: ClassVar[str] = "after-sale ownership and belief in the product"

    owned: float = param(
        0.0,
        unit="share of buyers",
        low=0,
        high=1,
        source="a policy: the scenario's",
        moves="-share of sales without a need",
    )
    explains: float = param(
        10.0,
        unit="minutes",
        low=0,
        high=60,
        source="assumed: about a complaint's work",
        moves="-share of sales without a need",
    )
    returns: float = param(
        0.8,
        unit="share of buyers expected back",
        low=0,
        high=1,
        source="assumed: most need something within the year",
        moves="-share of sales without a need",
    )
    believed: float = param(
        0.6,
        unit="belief as hired, 0 to 1",
        low=0,
        high=1,
        source="assumed: a little more good than bad is heard of the product",
        moves="+offers per contact",
    )
    spread: float = param(
        0.15,
        unit="SD of the belief between agents",
        low=0,
        high=0.5,
        source="assumed: most agents believe something between .45 and .75",
        moves="+spread of offers between agents",
    )
    usual: float = param(
        0.6,
        unit="belief of the agent whom the menu describes",
        low=0,
        high=1,
        source="assumed: the mean as hired",
        moves="-offers per contact",
    )
    sells: float = param(
        0.5,
        unit="log chance per unit of belief",
        low=0,
        high=3,
        source="assumed: belief from none to full makes a sale 1.6 times as likely",
        moves="+share of offers that sell",
    )
    worth: float = param(
        0.5,
        unit="money to the buyer per money paid and unit of belief",
        low=0,
        high=5,
        source="assumed: who believes fully thinks the buyer gets half as much again",
        moves="+offers per contact",
    )
    learns: float = param(
        0.1,
        unit="of the way per buyer who is back",
        low=0,
        high=1,
        source="assumed: ten buyers make a picture",
        moves="-offers per contact of owners of duds",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveys(Settings):
    r"""Who is asked, who answers, and what they say.

    A share `invites` of served contacts is invited. Answering is likelier after an extreme
    experience: :math:`a\,(1 + b\,|q - 6| / 4)`. The score is the experience with noise, rounded to
    0 … 10.
    """

    invites: float = param(
        0.15,
        unit="share of served contacts",
        low=0,
        high=1,
        source="assumed: one contact in seven, so that nobody is asked every time",
    )
    answers: float = param(
        0.2, unit="chance", low=0, high=1, source="e-mail 10-30 % (evidence table)"
    )
    extremes: float = param(
        0.8,
        unit="share more at the ends of the scale",
        low=0,
        high=4,
        source="assumed: who is delighted or angry answers nearly twice as often",
    )
    noise: float = param(
        1.0,
        unit="points, SD",
        low=0,
        high=5,
        source="assumed: scores of alike experiences differ by a point",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Value(Settings):
    """What customers are worth, to the firm and to themselves, in money."""

    margin: float = param(
        25.0,
        unit="money per customer and month",
        low=0,
        high=1e5,
        source="assumed: a subscription of some 50 a month at half its price",
    )
    spread: float = param(
        0.4,
        unit="SD of the log between customers",
        low=0,
        high=2,
        source="assumed: one customer in six brings 1.5 times the middle or more",
    )
    product: float = param(
        60.0, unit="money per sale", low=0, high=1e6, source="assumed: a year of a small extra"
    )
    resolution: float = param(
        10.0, unit="money to the customer", low=0, high=1e4, source="assumed: half an hour's wage"
    )
    release: float = param(
        6.0,
        unit="money to a customer who wants out",
        low=0,
        high=1e4,
        source="assumed: an hour's trouble saved, of trying to get out elsewhere",
    )
    horizon: float = param(
        8.0,
        unit="months that a true save is worth",
        low=0,
        high=120,
        source="assumed; 46 % of kept lines lose revenue within 90 days (CallIntel 2014)",
    )
    misreport: float = param(
        0.5,
        unit="money to the payer per money of unearned pay",
        low=0,
        high=2,
        source="assumed: half of unearned pay is missed by who pays it",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition(Settings):
    """Who would join: a number a month that does not depend on the policy.

    By `Advocacy` some of them are warned off, and others are brought by friends.
    """

    monthly: float = param(
        0.015,
        unit="share of the initial customers per month",
        low=0,
        high=1,
        source="assumed: about replaces those who leave",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Advocacy(Mechanism):
    r"""C8: delighted customers recommend and bring others; detractors warn others off.

    After the bill, a customer of at least `delighted` points recommends with chance `recommends`,
    and one of at most `upset` points, leaving or not, warns with chance `warns`. Each knows k
    people, :math:`P(k > x) = (m / 2x)^2` for a mean of m = `acquaintances`, at most `KNOWN`. Of
    those told to come each joins next month with chance `joins`, once, unless a customer already;
    who is referred is worth `worth` times as much. Those warned, who are among the customers whom
    the firm has won so far, lose `distrust` of trust. Whoever is about to join asks one of these,
    and stays away with chance `deters` if that one warns this month. Who knows whom is a matter of
    addresses: nothing is stored. Switched off, nobody talks.
    """

    id: ClassVar[str] = "C8"
    title: ClassVar[str] = "advocacy"

    delighted: float = param(
        8.5,
        unit="points of 10",
        low=0,
        high=10,
        source="assumed: promoters answer 9 or 10",
        moves="-customers referred",
    )
    recommends: float = param(
        0.08,
        unit="chance per month",
        low=0,
        high=1,
        source="assumed: once a year",
        moves="+customers referred",
    )
    upset: float = param(
        4.5,
        unit="points of 10",
        low=0,
        high=10,
        source="assumed: well below what is expected",
        moves="-trust where some are upset",
    )
    warns: float = param(
        0.15,
        unit="chance per month",
        low=0,
        high=1,
        source="assumed: bad news travel further",
        moves="-trust where some are upset",
    )
    acquaintances: float = param(
        4.0,
        unit="people, mean",
        low=0,
        high=20,
        source="assumed: those who would listen",
        moves="+customers referred",
    )
    joins: float = param(
        0.08,
        unit="chance per recommendation heard",
        low=0,
        high=1,
        source="assumed: one recommendation in twelve is followed",
        moves="+customers referred",
    )
    distrust: float = param(
        0.05,
        unit="of trust lost per warning",
        low=0,
        high=1,
        source="assumed: twenty warnings take all trust",
        moves="-trust where some are upset",
    )
    deters: float = param(
        0.5,
        unit="chance to stay away after a warning",
        low=0,
        high=1,
        source="assumed: a warning asked for is heeded as often as not",
        moves="-customers won where many are upset",
    )
    worth: float = param(
        1.16,
        unit="x the margin of others",
        low=0.1,
        high=10,
        source="a referred customer is worth at least 16 % more (Schmitt, Skiera and Van den Bulte "
        "2011)",
        moves="+margin of customers referred",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataHarvest(Mechanism):
    r"""C9: contact data taken under cover of a feedback form, and sold on, bring strangers.

    A policy of the firm, which by default has none of it. Of those who answer a survey, a share
    `share` have their data sold, for `price` each, booked at the bill. From the next bill on
    strangers contact the customer N times a month, N Poisson with mean `nuisances`, for `months`
    months on average (a record falls out of use each month with chance 1 / `months`, and may then
    be sold anew). A customer either can tell where they have it from, with chance `blames` (an
    address made up for this firm, say), or blames nobody. To one who can tell
    :math:`s \leftarrow [s - a N]_0` and trust :math:`t \leftarrow [t - d N]_0` at the bill, with
    a = `annoys` and d = `distrust`. Switched off, no data are sold.
    """

    id: ClassVar[str] = "C9"
    title: ClassVar[str] = "data harvested"

    share: float = param(
        0.0,
        unit="share of answered surveys",
        low=0,
        high=1,
        source="the scenario's",
        moves="+money from data sold",
    )
    price: float = param(
        2.0,
        unit="money per record sold",
        low=0,
        high=1e3,
        source="assumed: less than a tenth of a month's margin",
        moves="+money from data sold",
    )
    nuisances: float = param(
        1.5,
        unit="contacts by strangers per month, mean",
        low=0,
        high=20,
        source="assumed: one in three weeks",
        moves="-satisfaction of those whose data were sold",
    )
    months: float = param(
        12.0,
        unit="months that a record is in use, mean",
        low=1,
        high=120,
        source="assumed: lists are old after a year",
        moves="-satisfaction of those whose data were sold",
    )
    blames: float = param(
        0.3,
        unit="share of customers who can tell where their data came from",
        low=0,
        high=1,
        source="assumed: most never learn who sold them",
        moves="-satisfaction of those whose data were sold",
    )
    annoys: float = param(
        0.4,
        unit="points of satisfaction per contact",
        low=0,
        high=10,
        source="assumed: as an experience a point and a half below expectation",
        moves="-satisfaction of those whose data were sold",
    )
    distrust: float = param(
        0.1,
        unit="of trust lost per contact",
        low=0,
        high=1,
        source="assumed: twice that of an acquaintance's warning",
        moves="-trust of those whose data were sold",
    )


KNOWN = 50  # people whom one talks to in a month, at most
MOST_STRANGERS = 100  # in a month
NeedsNumbers = numbers(Needs, "NeedsNumbers", __name__)
ExpectationNumbers = numbers(Expectations, "ExpectationNumbers", __name__)
OpennessNumbers = numbers(Openness, "OpennessNumbers", __name__)
LeavingNumbers = numbers(Leaving, "LeavingNumbers", __name__)
SurveyNumbers = numbers(Surveys, "SurveyNumbers", __name__)
ValueNumbers = numbers(Value, "ValueNumbers", __name__)
AdvocacyNumbers = numbers(Advocacy, "AdvocacyNumbers", __name__)
LoyaltyNumbers = numbers(LoyaltyPays, "LoyaltyNumbers", __name__)
HarvestNumbers = numbers(DataHarvest, "HarvestNumbers", __name__)
MomentNumbers = numbers(MomentsAndEndings, "MomentNumbers", __name__)


OwnershipNumbers = numbers(Ownership, "OwnershipNumbers", __name__)


class HiddenNumbers(NamedTuple):
    """Hidden needs as the kernel reads them."""

    share: float
    hit: float
    false_alarm: float
    odds: float
    relief: float
    missed: float
    surplus: float
    loss: float
    disappoints: float
    if_noticed: float  #: chance of a need, believed where something was noticed
    if_not: float  #: and where nothing was


def lower_hidden_needs(needs: HiddenNeeds, *, off: bool) -> HiddenNumbers:
    """Work out what noticing something, or nothing, tells; switched off, nobody has a need."""
    if off:
        return HiddenNumbers(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if_noticed, if_not = _by_bayes(needs.share, needs.hit, needs.false_alarm)
    return HiddenNumbers(
        **{name: float(getattr(needs, name)) for name in HiddenNumbers._fields[:9]},
        if_noticed=if_noticed,
        if_not=if_not,
    )


class MindNumbers(NamedTuple):
    """Made-up minds as the kernel reads them."""

    share: float
    hit: float
    false_alarm: float
    if_noticed: float  #: chance of a made-up mind, believed where something was noticed
    if_not: float  #: and where nothing was


def lower_made_up_minds(minds: MadeUpMinds, *, off: bool) -> MindNumbers:
    """Work out what an inkling, or none, tells; switched off, nobody's mind is made up."""
    if off:
        return MindNumbers(0.0, 0.0, 0.0, 0.0, 0.0)
    seen = float(minds.decided), float(minds.hit), float(minds.false_alarm)
    return MindNumbers(*seen, *_by_bayes(*seen))


def _by_bayes(share: float, hit: float, false_alarm: float) -> tuple[float, float]:
    """Give the chance that it is so, where something was noticed and where nothing was."""
    shows = share * hit, (1.0 - share) * false_alarm
    hides = share * (1.0 - hit), (1.0 - share) * (1.0 - false_alarm)
    return (
        shows[0] / sum(shows) if sum(shows) > 0.0 else 0.0,
        hides[0] / sum(hides) if sum(hides) > 0.0 else 0.0,
    )


def draw_customers(
    customers: Customers,
    first: int,
    count: int,
    *,
    key: Key,
    month: int,
    homes: int,
    client_weights: tuple[float, ...],
    needs: Any,
    expectations: Any,
    openness: Any,
    leaving: Any,
    value: Any,
    uid: Ints,
) -> None:
    """Write `count` customers into the rows from `first` on; those of month 0 have a tenure."""
    rows = slice(first, first + count)
    a, b = uniforms(key, Purpose.CUSTOMER, uid, 0, block=np.arange(2)[:, np.newaxis])
    content, open_, worth, busy = normal(np.stack([a[:, 0], a[:, 2], a[:, 3], b[:, 0]]))
    each = customers.row[rows]
    each[:] = np.zeros((), CUSTOMER)
    each["satisfaction"] = np.clip(expectations.neutral + expectations.spread * content, 0.0, 10.0)
    each["expectation"] = expectations.neutral
    each["trust"] = np.clip(1.0 - 2.0 * leaving.distrust_at_start * a[:, 1], 0.0, 1.0)
    each["openness"] = log(np.array(openness.median / (1.0 - openness.median)))
    each["openness"] += openness.spread * open_
    each["margin"] = value.margin * exp(value.spread * worth - 0.5 * value.spread**2)
    each["busy"] = exp(needs.spread * busy - 0.5 * needs.spread**2)
    tenure = leaving.tenure_at_start * exponential(b[:, 1]) if month == 0 else np.zeros(count)
    each["joined"] = month - np.minimum(np.floor(tenure), 360.0)
    each["home"] = np.minimum(np.floor(b[:, 2] * homes), homes - 1)
    share = np.cumsum(client_weights) / np.sum(client_weights)
    each["client"] = np.searchsorted(share[:-1], b[:, 3], side="right")
    each["suppressed_by"] = -1
    each["uid"] = uid
    each["initial"] = month == 0


def believes(seats: Ints, hire: Ints, *, key: Key, ownership: Any) -> Floats:
    """Draw what those newly hired at `seats` believe of the product (0 to 1)."""
    u = uniforms(key, Purpose.PRODUCT, seats, hire)[:, 0]
    return np.asarray(np.clip(ownership.believed + ownership.spread * normal(u), 0.0, 1.0))


@rule
def sold(seat: int, need: bool, u: float, hidden: HiddenNumbers, ownership: Any) -> int:
    """Give the code of who sold to a buyer, with or without a need, and whether it owns them."""
    dud = not need and hidden.share > 0.0
    return (seat + 1) * SELLER + (DUD if dud else 0) + (OWNED if u < ownership.owned else 0)


@rule
def shown(belief: float, dud: bool, ownership: Any) -> float:
    """Give the belief in the product (0 to 1) of a seller to whom a buyer has come back."""
    after: float = belief + ownership.learns * ((0.0 if dud else 1.0) - belief)
    return after


@rule
def borne(gain: float, minute: float, hidden: HiddenNumbers, ownership: Any) -> float:
    """Give what its seller expects to bear after a sale (money), `minute` being a minute's cost.

    `gain` is what a sale is believed to bring the buyer by need alone, which tells how likely a
    buyer would be without one.
    """
    without = (hidden.surplus - gain) / max(hidden.surplus + hidden.loss, 1e-9)
    price: float = without * ownership.owned * ownership.returns * minute
    return price


@rule
def offer_odds(openness: float, shock: float, rule: Any) -> float:
    """Give a customer's openness at this moment, as a chance from 0 to 1."""
    return 1.0 / (1.0 + exp_(-(openness + rule.moment * shock)))


@rule
def with_odds(openness: float, times: float) -> float:
    """Give an openness (0 to 1) with its odds multiplied."""
    return times * openness / (1.0 + (times - 1.0) * openness)


@rule
def in_need(openness: float, hidden: HiddenNumbers) -> float:
    """Give the openness, 0 to 1, of one who has a hidden need and would else be so open."""
    return with_odds(openness, hidden.odds)


@rule
def guessed(openness: float, shock: float, rule: Any) -> float:
    """Give the openness, 0 to 1, that an agent sees in a customer."""
    return with_odds(openness, exp_(rule.blur * shock))


@rule
def believed(true: bool, u: float, signs: Any) -> float:
    """Give the chance that an agent believes in, who has noticed something or nothing.

    ``signs`` are those of a hidden need or of a made-up mind.
    """
    noticed = u < (signs.hit if true else signs.false_alarm)
    chance: float = signs.if_noticed if noticed else signs.if_not
    return chance


@rule
def buyers_gain(believed: float, plain: float, needy: float, hidden: HiddenNumbers) -> float:
    """Give what a sale is expected to bring the buyer (money per money paid).

    `plain` and `needy` are the openness without and with a need: those in need buy more often.
    """
    in_demand = believed * needy / (believed * needy + (1.0 - believed) * plain)
    return in_demand * hidden.surplus - (1.0 - in_demand) * hidden.loss


@rule
def fits(need: bool, offered: bool, hidden: HiddenNumbers) -> float:
    """Give what an offer, or none, adds to the experience of one in need (points of 10)."""
    if not need:
        return 0.0
    return hidden.relief if offered else -hidden.missed


@rule
def experience(
    resolved: bool,
    courtesy: float,
    annoys: float,
    openness: float,
    wait: float,
    shock: float,
    rule: Any,
) -> float:
    """Give the experience of a served contact (points of 10)."""
    points: float = rule.plain + courtesy - annoys * (1.0 - openness)
    if resolved:
        points += rule.resolved
    points += rule.noise * shock - rule.waiting * min(wait, 20.0)
    return min(max(points, 0.0), 10.0)


@rule
def feel(satisfaction: float, expectation: float, points: float, rule: Any) -> tuple[float, float]:
    """Update satisfaction and expectation by an experience (points of 10)."""
    gap = points - expectation
    weight = rule.speed * rule.losses if gap < 0.0 else rule.speed
    satisfaction = min(max(satisfaction + weight * gap, 0.0), 10.0)
    return satisfaction, expectation + rule.adapts * gap


@rule
def spoilt(
    points: float, annoys: float, openness: float, expectation: float, worse: float, rule: Any
) -> float:
    """Give the experience of a contact that a pitch has ended; `annoys` is already taken off.

    `worse` is how many times as much is spoilt as of one who can hang up.
    """
    unwelcome = 1.0 - openness
    beyond = points + annoys * unwelcome - expectation
    lost: float = min(rule.spoils * worse, 1.0) * unwelcome * max(beyond, 0.0)
    return max(points - lost, 0.0)


@rule
def on_tour(need: int, episode: int, rule: Any) -> bool:
    """Tell whether this contact is a stop of a journey that an order has begun."""
    return need == 2 and rule.stops > 0.0 and episode % (int(rule.stops) + 1) != 0


@rule
def in_peace(when: int, rule: Any) -> bool:
    """Tell whether nothing may be offered at this address: at a stop before the last one."""
    need, episode = when >> 24, when & 0xFFFF
    before = on_tour(need, episode, rule) and not on_the_way_home(episode, rule)
    return before and rule.trolley > 0.0


@rule
def on_the_way_home(episode: int, rule: Any) -> bool:
    """Tell whether a stop of a journey is its last."""
    return episode % (int(rule.stops) + 1) == int(rule.stops)


@rule
def fetched(satisfaction: float, rule: Any) -> float:
    """Give how much more open to an offer a customer is for being content (log odds)."""
    more: float = rule.opens * (satisfaction - 6.5)
    return more


MIDDLE, FINE = 128, 12.0  # code of a moment that is as expected; steps per point


@rule
def moment_code(gap: float) -> int:
    """Give the code, 8 to 248, of an experience so many points from expectation."""
    return MIDDLE + int(np.floor(FINE * gap + 0.5))


@rule
def remember(peak: int, last: int, gap: float) -> tuple[int, int]:
    """Keep the moment furthest from expectation and the last one, as codes."""
    now = moment_code(gap)
    further = last == 0 or abs(now - MIDDLE) > abs(peak - MIDDLE)
    return now if further else peak, now


@rule
def recall(satisfaction: float, peak: int, last: int, rule: Any) -> float:
    """Give satisfaction after a look back at a month that had moments."""
    moved: float = rule.peak * (peak - MIDDLE) + rule.ending * (last - MIDDLE)
    return min(max(satisfaction + moved / FINE, 0.0), 10.0)


@rule
def leaving_hazard(satisfaction: float, trust: float, months: float, rule: Any) -> float:
    """Give the cumulative hazard of wishing to leave in a month: its chance is 1 - exp(-this)."""
    eta = rule.satisfaction * (6.5 - satisfaction) + rule.trust * (1.0 - trust)
    hazard: float = rule.base * exp_(eta - rule.tenure * log_(1.0 + months / 12.0))
    return hazard


@rule
def repurchase(margin: float, satisfaction: float, u: float, rule: Any) -> float:
    """Give the margin (money per month) after a customer has thought about a larger plan."""
    likelier = exp_(rule.satisfaction * (satisfaction - 6.5))
    if u < min(rule.rate * likelier, 0.5):
        return margin * (1.0 + rule.step)  # type: ignore[no-any-return]
    if 1.0 - u < min(rule.rate / likelier, 0.5):
        return margin / (1.0 + rule.step)  # type: ignore[no-any-return]
    return margin


@rule
def strangers(u: float, rule: Any) -> int:
    """Give how many strangers contact a customer in a month whose data were sold: Poisson."""
    chance = exp_(-rule.nuisances)
    upto, count = chance, 0
    while u > upto and count < MOST_STRANGERS:
        count += 1
        chance *= rule.nuisances / count
        upto += chance
    return count


@rule
def known(u: float, rule: Any) -> int:
    """Give how many people a customer talks to: few know many."""
    return int(min(np.floor(0.5 * rule.acquaintances / np.sqrt(u) + 0.5), KNOWN))


@rule
def person(u: float) -> int:
    """Give the address of an acquaintance among people at large."""
    return PERSON + int(u * PERSON)


@rule
def answer_chance(points: float, rule: Any) -> float:
    """Give the chance that an invited customer answers."""
    chance: float = rule.answers * (1.0 + rule.extremes * abs(points - 6.0) / 4.0)
    return min(chance, 1.0)


@rule
def survey_score(points: float, u: float, rule: Any) -> float:
    """Give the score of an answered survey, a whole number from 0 to 10."""
    return float(np.floor(min(max(points + rule.noise * normal_(u), 0.0), 10.0) + 0.5))
