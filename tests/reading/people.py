"""Customers, contacts, and the agents who serve them: what they are and how they choose."""

import math
from typing import Any, NamedTuple

import mesa

from incentives import Row
from incentives.columns import CONTACTS, N_ACCUMULATORS
from incentives.menu import ENTRIES, Action, Nest
from reading.pay import KEPT, LOST, PLAIN, Entry

QUESTION, COMPLAINT, ORDER, CANCEL = range(4)
ABSENT, IDLE, BUSY, PAUSED, AWAY = range(5)  # what an agent is doing


class Customer:
    """A customer: how content, how open, worth how much, and what it is waiting for."""

    __slots__ = (
        *("number", "client", "home", "joined", "margin", "openness", "busy"),
        *("satisfaction", "expectation", "trust"),
        *("due", "tries"),
        *("wish", "decided", "given_up", "suppressed_by", "saved", "leaving", "left"),
    )

    def __init__(self, centre: Any, number: int, joined: int) -> None:
        self.number = number
        p, gauss, random = centre.scenario, centre.random.gauss, centre.random.random
        self.satisfaction = clip(p.expectations.neutral + p.expectations.spread * gauss(0.0, 1.0))
        self.expectation = p.expectations.neutral
        self.trust = min(max(1.0 - 2.0 * p.leaving.distrust_at_start * random(), 0.0), 1.0)
        usual = math.log(p.openness.median / (1.0 - p.openness.median))
        self.openness = usual + p.openness.spread * gauss(0.0, 1.0)
        self.margin = p.value.margin * around_one(p.value.spread, gauss)
        self.busy = around_one(p.needs.spread, gauss)
        self.client = draw(centre.random, p.contract.clients)
        self.home = int(random() * p.floor.teams)
        self.joined = joined
        self.due = [-1, -1, -1, -1]  # the day of the next contact about each reason
        self.tries = [0, 0, 0, 0]  # contacts already made about it
        self.wish = self.decided = self.given_up = False  # to cancel
        self.suppressed_by: FrontlineAgent | None = None  # who logged a save and did not cancel
        self.saved: tuple[int, int, int] | None = None  # seat, hire and month of the last save
        self.leaving = ""  # how, at the next bill
        self.left = False


class Contact:
    """A contact from its arrival to its end; of a wish, `inkling` is set, else openness."""

    __slots__ = ("arrived", "chat", "customer", "done", "inkling", "openness", "passable", "reason",
                 "seems_open", "tried", "work")  # fmt: skip

    def __init__(self, customer: Customer, reason: int, arrived: float, chat: bool) -> None:
        self.customer = customer
        self.reason = reason
        self.tried = customer.tries[reason]
        self.arrived = arrived
        self.chat = chat
        self.done = False  # served or given up


class Option:
    """A row of the menu, for one reason.

    An offer has the appeal and the annoyance of a row of its own, `unresolved`, where the contact
    has resolved nothing; `usual_appeal` and `usual_annoyance` are what comes of the chance of that.
    """

    __slots__ = (
        *("action", "name", "mechanism", "lie", "entry"),
        *("minutes", "resolves", "courtesy", "appeal", "annoys", "keeps", "decided", "lasts"),
        *("harm", "distrust", "seen"),
        *("appeal_unresolved", "annoys_unresolved", "usual_appeal", "usual_annoyance"),
    )

    def __init__(
        self, action: Action, row: Row, unresolved: Row, resolves: float, sale: Entry
    ) -> None:
        where = ENTRIES[action]
        self.action, self.name, self.mechanism = action, action.name.lower(), where.mechanism
        self.lie = where.nest == Nest.LIE
        self.entry = sale if action == Action.LOG_UPSELL else KEPT  # what it logs, if it is a lie
        self.resolves = min(1.0, resolves * row.resolves)
        self.minutes, self.courtesy, self.harm = row.minutes, row.courtesy, row.harm
        self.appeal, self.annoys = row.appeal, row.annoys
        self.keeps, self.decided, self.lasts = row.keeps, row.keeps_decided, row.lasts
        self.distrust, self.seen = row.distrust, row.seen
        self.appeal_unresolved, self.annoys_unresolved = unresolved.appeal, unresolved.annoys
        done, failed = self.resolves, 1.0 - self.resolves
        self.usual_appeal = done * row.appeal + failed * unresolved.appeal
        self.usual_annoyance = done * row.annoys + failed * unresolved.annoys


class Shelf(NamedTuple):
    """The menu of one reason as one agent sees it.

    Each row has its option, its minutes per minute of work, what of its worth is the same on every
    contact, and the chance that a check would see it; then what its kind needs. Of attempts there
    are two lists: without an inkling that the customer has decided, and with one.
    """

    work: list[Option]  # the honest options: those of `plain`, then of `offers` and `attempts`
    plain: list[tuple[Option, float, float, float]]
    offers: list[tuple[Option, float, float, float, float, float]]  # + appeal, annoyance
    attempts: tuple[list[tuple[Option, float, float, float, float]], ...]  # + chance to keep
    lies: list[tuple[Option, float, float, float, float]]  # + chance to be traced
    cut: list[tuple[Option, float, float, float]]


class FrontlineAgent(mesa.Agent):
    """Somebody who holds a seat: traits, beliefs, the month's totals, the state of the moment.

    Parameters
    ----------
    centre
        The model.
    seat
        Which seat.
    rates
        What is expected of a day at first, for each accumulator.
    hire
        How many held the seat before.
    month
        The first month.
    """

    def __init__(
        self, centre: Any, seat: int, rates: list[float], hire: int = 0, month: int = 0
    ) -> None:
        super().__init__(centre)
        p = centre.scenario
        self.seat, self.hire, self.hired_month = seat, hire, month
        self.team = seat // p.floor.team_size
        self.mates: list[FrontlineAgent] = []
        self.pool, self.skills, self.starts, self.ends, self.pause_due = centre.posts[seat]
        self._draw_traits(p, centre.random)
        self.first_checks = self.checks = p.belief.prior * p.belief.weight
        self.first_contacts = self.contacts = p.belief.weight
        self.rates = list(rates)
        self.bonus_rate = 0.0  # recent bonus per busy minute
        self.rank = 0.5
        self.state, self.present = ABSENT, False
        self.quote = centre.prices.quote(self, 0.0)
        self.shelves = [self._shelf(p, centre.menu[reason], reason) for reason in range(4)]
        contract, product = p.contract, p.value.product
        self.fee_save = contract.fee_save if contract.contractor else None  # in-house: the gain
        self.fee_sale = contract.fee_sale if contract.contractor else None
        employers = product if self.fee_sale is None else self.fee_sale
        self.sale_worth = [regard * product + self.employer * employers for regard in self.client]
        self.start_month()

    def _draw_traits(self, p: Any, rng: Any) -> None:
        gauss, kinds, c = rng.gauss, p.workforce.archetypes, p.conscience
        shares = [kind.share for kind in kinds]
        kind = kinds[draw(rng, shares)]
        self.kind = kind.name
        mean = sum(k.share * k.conscience for k in kinds) / sum(shares)
        between = sum(k.share * (k.conscience - mean) ** 2 for k in kinds) / sum(shares)
        within = math.sqrt(max(c.spread**2 - between, (c.spread / 4.0) ** 2))
        own = kind.conscience + within * gauss(0.0, 1.0) + c.ability * (rng.random() - 0.5)
        self.conscience = c.stake * (c.mean + c.culture + own)
        self.reluctance = p.dropped_contact.reluctance + p.dropped_contact.spread * gauss(0.0, 1.0)
        self.pace = math.exp(p.workforce.pace * gauss(0.0, 1.0))
        self.closing = math.exp(p.workforce.closing * gauss(0.0, 1.0))
        self.pay, self.half_risk = kind.pay, 0.5 * kind.risk
        tastes = (kind.effort, kind.fear, kind.standing, kind.care, kind.employer, kind.client)
        self.effort, self.fear, self.standing, self.care, self.employer, regard = (
            taste * math.exp(p.workforce.tastes * gauss(0.0, 1.0)) for taste in tastes
        )
        clients = len(p.contract.clients)
        if p.contract.contractor:
            regard *= p.regard.distance
        spread = p.regard.spread if clients > 1 else 0.0
        self.client = [regard * math.exp(spread * gauss(0.0, 1.0)) for _ in range(clients)]
        if "A1" in p.off:
            self.care = self.employer = 0.0
            self.client = [0.0] * clients

    def _shelf(self, p: Any, options: list[Option], reason: int) -> Shelf:
        """Work out what is the same on every contact with a reason."""
        value, beliefs = p.value, self.model.made_up
        traced = p.suppressed_cancellation.discovery * p.suppressed_cancellation.traced
        shelf = Shelf([], [], [], ([], []), [], [])
        for option in options:
            action, minutes, seen = option.action, option.minutes, option.seen
            gain = -option.harm  # to the customer
            if action in (Action.SAVE, Action.PRESS):
                for decided, attempts in zip(beliefs, shelf.attempts, strict=True):
                    chance = option.keeps * (1.0 - decided) + option.decided * decided
                    chance = min(1.0, chance * self.closing)
                    now = gain + (1.0 - chance) * value.release + chance * value.resolution
                    now -= decided * option.annoys
                    attempts.append((option, minutes, self.care * now, seen, chance))
                continue
            if action in (Action.PROCESS, Action.FABRICATE):
                gain += value.release
            elif reason != CANCEL:
                gain += option.resolves * value.resolution
            worth = self.care * gain
            if action == Action.CUT_OFF:
                shelf.cut.append((option, minutes, worth, seen))
            elif option.lie:
                by_trace = traced if action == Action.SUPPRESS else 0.0
                shelf.lies.append((option, minutes, worth, seen, by_trace))
            elif action in (Action.OFFER_AFTER, Action.OFFER_FIRST):
                appeal = option.usual_appeal * self.closing
                annoys = self.care * option.usual_annoyance
                shelf.offers.append((option, minutes, worth, seen, appeal, annoys))
            else:
                shelf.plain.append((option, minutes, worth, seen))
        shelf.work.extend(row[0] for row in (*shelf.plain, *shelf.offers, *shelf.attempts[0]))
        return shelf

    # -- days and months -------------------------------------------------------------------------

    def start_month(self) -> None:
        """Set what is counted in a month to zero."""
        self.totals = [0.0] * N_ACCUMULATORS
        self.busy_month = self.duty_month = self.penalty = 0.0

    def start_day(self) -> None:
        """Come in or not, and set what is counted in a day to zero."""
        centre = self.model
        self.present = centre.random.random() >= centre.scenario.floor.shrinkage
        self.state = AWAY if self.present else ABSENT
        self.pausing = False  # due for the break
        self.cut_last = False  # the last contact today was cut off
        self.busy = self.bonus = 0.0
        self.served = self.checked = self.found = 0
        self.totals_before = self.totals[:]
        self.belief = self.checks / self.contacts
        self.fear_of_check = self.belief * self.fear * centre.scenario.audit.penalty

    def end_day(self) -> None:
        """Learn from the day: how often one is checked, what one logs, where one stands."""
        belief, random = self.model.scenario.belief, self.model.random.random
        heard = sum(mate.found for mate in self.mates if mate.found and random() < belief.talk)
        n_c, n, keep = self.first_checks, self.first_contacts, belief.memory
        self.checks = n_c + keep * (self.checks - n_c) + self.checked + heard
        self.contacts = n + keep * (self.contacts - n) + self.served
        self.busy_month += self.busy
        if self.present:
            figures = zip(self.rates, self.totals, self.totals_before, strict=True)
            self.rates = [rate + 0.1 * (now - before - rate) for rate, now, before in figures]
            if self.busy > 0.0:
                self.bonus_rate += 0.1 * (self.bonus / self.busy - self.bonus_rate)

    # -- the choice ------------------------------------------------------------------------------

    def choose(self, contact: Contact, queue: int, minute: float, days_left: float) -> Option:
        """Weigh what is on the menu and take a row: a nested logit.

        Parameters
        ----------
        contact
            With its work at this agent's pace, how open the customer seems at this moment or, of a
            wish, whether the customer seems to have decided, and whether it could pass for
            something else.
        queue
            Others who wait in the same queue.
        minute
            Of the day.
        days_left
            In the month, with today's share.
        """
        centre = self.model
        prices, shelf, exp = centre.prices, self.shelves[contact.reason], math.exp
        if not prices.fixed:
            self.quote = prices.quote(self, days_left)
        if centre.board is not None and self.mates:
            mine = self.totals[CONTACTS]
            self.rank = sum(m.totals[CONTACTS] > mine for m in self.mates) / len(self.mates)
        per_minute = self.effort + self.standing * self._place_cost() / centre.mean_work
        if queue:
            per_minute += self.pay * self.bonus_rate
        time = contact.work * per_minute

        weigh = self._weigh_cancellation if contact.reason == CANCEL else self._weigh_service
        worths, honest = weigh(contact, shelf, time)
        if prices.reads_surveys:
            for at, option in enumerate(shelf.work):
                worths[at] += self.pay * self._survey_pay(option, contact)
        tau, scale = centre.tau, centre.inner_scale
        top = max(worths)
        weights = [exp((worth - top) / scale) for worth in worths]
        total = sum(weights)
        work = top + scale * math.log(total)

        lie = cut = -math.inf
        if contact.passable and shelf.lies:
            lies = [self._weigh_lie(row, contact, honest, time) for row in shelf.lies]
            top = max(lies)
            lie_weights = [exp((worth - top) / scale) for worth in lies]
            lie_total = sum(lie_weights)
            lie = top + scale * math.log(lie_total)
        if shelf.cut:
            cut = self._weigh_cut(shelf.cut[0], time, queue, minute)

        best = max(work, lie, cut)
        work, lie = exp((work - best) / tau), exp((lie - best) / tau)
        random = centre.random.random
        u = random() * (work + lie + exp((cut - best) / tau))
        if u < work:
            return shelf.work[pick(weights, random() * total)]
        if u < work + lie:
            return shelf.lies[pick(lie_weights, random() * lie_total)][0]
        return shelf.cut[0][0]

    def _place_cost(self) -> float:
        """Say what a minute costs of standing at the agent's place, a factor."""
        board = self.model.scenario.leaderboard
        return board.top + (board.bottom - board.top) * self.rank

    def _weigh_service(
        self, contact: Contact, shelf: Shelf, time: float
    ) -> tuple[list[float], float]:
        """Return the worth of honest work on a need, and the most that it is felt to pay."""
        price, pay, fear = self.quote.price, self.pay, self.fear_of_check
        plain = gain = 0.0
        if not self.model.prices.nothing:
            plain = price(PLAIN)
            gain = price(self.model.sale) - plain
        base = pay * plain
        worths = [
            worth + base - time * minutes - fear * seen for _, minutes, worth, seen in shelf.plain
        ]
        openness, sold = contact.seems_open, self.sale_worth[contact.customer.client]
        closed, risk, best = 1.0 - openness, self.half_risk * gain * gain, plain
        for _, minutes, worth, seen, appeal, annoys in shelf.offers:
            c = appeal * openness
            if c > 1.0:
                c = 1.0
            felt = plain + c * (gain - risk * (1.0 - c))
            if felt > best:
                best = felt
            worths.append(
                worth + pay * felt + c * sold - annoys * closed - time * minutes - fear * seen
            )
        return worths, best

    def _weigh_cancellation(
        self, contact: Contact, shelf: Shelf, time: float
    ) -> tuple[list[float], float]:
        """Return the worth of honest work on a wish, and the most that it is felt to pay."""
        price, pay, fear = self.quote.price, self.pay, self.fear_of_check
        nothing, customer = self.model.prices.nothing, contact.customer
        lost = 0.0 if nothing else price(LOST)
        base = pay * lost
        worths = [
            worth + base - time * minutes - fear * seen for _, minutes, worth, seen in shelf.plain
        ]
        forever = self.model.scenario.value.horizon * customer.margin
        employers = forever if self.fee_save is None else self.fee_save
        kept = self.client[customer.client] * forever + self.employer * employers
        best = lost
        for option, minutes, worth, seen, c in shelf.attempts[contact.inkling]:
            gain = 0.0 if nothing else price(KEPT, option.lasts) - lost
            felt = lost + c * (gain - self.half_risk * (1.0 - c) * gain * gain)
            best = max(best, felt)
            worths.append(worth + pay * felt + c * kept - time * minutes - fear * seen)
        return worths, best

    def _weigh_lie(self, row: Any, contact: Contact, honest: float, time: float) -> float:
        """Return the worth of a lie: the gain as it is felt, the conscience, the risk."""
        option, minutes, worth, seen, traced = row
        p, scruple, gain = self.model.scenario, self.conscience, 0.0
        if not self.model.prices.nothing:
            gain = self.quote.price(option.entry, option.lasts) - honest
        found = self.belief * seen
        found += (1.0 - found) * traced
        felt = gain
        if gain > 0.0:
            c = p.conscience
            stake, onset, bound = c.stake, c.onset * c.stake, min(gain, c.cap * c.stake)
            felt = (1.0 - c.slope) * stake * (1.0 - math.exp(-bound / onset))
            felt += c.slope * bound * (1.0 - found)
            if scruple < 0.0:
                scruple *= 1.0 - math.exp(-gain / onset)
        elif scruple < 0.0:
            scruple = 0.0
        clients = -p.value.misreport * max(gain, 0.0)
        if option.action == Action.SUPPRESS:
            clients += contact.customer.margin
        employers = clients
        if self.fee_save is not None:
            employers = self.fee_save if option.entry is KEPT else self.fee_sale
        pay = honest + felt
        if self.model.prices.reads_surveys:
            pay += self._survey_pay(option, contact)
        return (
            worth + self.pay * pay - time * minutes - scruple - self.fear * found * p.audit.penalty
            + self.client[contact.customer.client] * clients + self.employer * employers
        )  # fmt: skip

    def _weigh_cut(self, row: Any, time: float, queue: int, minute: float) -> float:
        """Return the worth of cutting off, which is logged as any contact whatever the reason."""
        _, minutes, worth, seen = row
        plain = 0.0 if self.model.prices.nothing else self.quote.price(PLAIN)
        drop = self.model.scenario.dropped_contact
        barrier = self.reluctance - drop.queue * min(queue, 20)
        if self.cut_last:
            barrier -= drop.habit
        if minute >= drop.evening_from:
            barrier -= drop.evening
        return (
            worth + self.pay * plain - time * minutes - self.fear_of_check * seen
            - self.model.tau * barrier
        )  # fmt: skip

    def _survey_pay(self, option: Option, contact: Contact) -> float:
        """Return the pay expected from the survey that may follow."""
        x, surveys = self.model.scenario.expectations, self.model.scenario.surveys
        if contact.reason == CANCEL:
            unwelcome = self.model.made_up[contact.inkling]
        else:
            unwelcome = 1.0 - contact.seems_open
        q = x.plain + option.courtesy + x.resolved * option.resolves
        q = clip(q - option.usual_annoyance * unwelcome)
        answer = Entry(survey_sum=q, survey_n=1.0)
        return surveys.invites * answers(surveys, q) * self.quote.price(answer)


def answers(surveys: Any, q: float) -> float:
    """Return the chance that who has lived through `q` answers a survey."""
    return min(1.0, surveys.answers * (1.0 + surveys.extremes * abs(q - 6.0) / 4.0))


def clip(x: float) -> float:
    """Keep a mark between 0 and 10."""
    return 0.0 if x < 0.0 else 10.0 if x > 10.0 else x


def around_one(spread: float, gauss: Any) -> float:
    """Draw from a log-normal distribution with mean one."""
    return math.exp(spread * gauss(0.0, 1.0) - 0.5 * spread * spread)


def draw(rng: Any, weights: Any) -> int:
    """Draw an index with a chance proportional to its weight."""
    return 0 if len(weights) == 1 else pick(weights, rng.random() * sum(weights))


def pick(weights: Any, u: float) -> int:
    """Return in whose share of the weights `u` falls."""
    at = -1
    for at, weight in enumerate(weights):
        u -= weight
        if u < 0.0:
            return at
    return at
