"""A contact centre as a Mesa model, written from `docs/explanation/model.md` and nothing else.

Agents are Mesa agents, customers and contacts are plain objects, a working day is a loop over a
heap of events. One call of `Centre.step` is a day; the last day of a month closes it. `read` runs
a scenario and returns frames whose columns are named as those of `incentives.Records`.

Where the page leaves a choice to its reader, a comment that begins with "open:" says what was
chosen.
"""

import math
from collections import defaultdict, deque
from dataclasses import replace
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any, NamedTuple

import mesa
import numpy as np
import pandas as pd

from incentives import Crew, MadeUpMinds, Scenario
from incentives.columns import (
    ACCUMULATORS,
    CANCELS,
    CONTACTS,
    N_ACCUMULATORS,
    SALES,
    SALES_VALUE,
    SAVES,
    SURVEY_N,
    SURVEY_SUM,
    Totals,
)
from incentives.menu import ENTRIES, Action
from incentives.pay import Ledger, Reference
from reading.pay import KEPT, LOST, PLAIN, Entry, PriceList
from reading.people import (
    AWAY,
    BUSY,
    CANCEL,
    COMPLAINT,
    IDLE,
    ORDER,
    PAUSED,
    QUESTION,
    Contact,
    Customer,
    FrontlineAgent,
    Option,
    answers,
    clip,
    draw,
)

REASONS = ("question", "complaint", "order", "cancel")
HANDLED, SALE, SAVED = "handled", "sale", "saved"
CANCELLED, SUPPRESSED, CUT_OFF, ABANDONED = "cancelled", "suppressed", "cut_off", "abandoned"
ARRIVES, ENDS, GIVES_UP, STARTS, PAUSES, RETURNS = range(6)  # events of a day
SERVICE, RETENTION, CHAT = 1, 2, 4  # skills, as bits
MONTHS_AT_MOST = 240  # that the ledger has room for
UNRESOLVED = {Action.OFFER_AFTER: Action.OFFER_FIRST}  # what an offer is if nothing was resolved


LACKS = (
    "A2",
    "A3",
    "A4",
    "A5",
    "A6",
    "A7",
    "A8",
    "C2",
    "C5",
    "C7",
    "C8",
    "C9",
    "C10",
    "G5",
    "G6",
    "G7",
    "G8",
    "O1",
    "O3",
    "O7",
    "P2",
    "P3",
    "P4",
)
"""Mechanisms that this reading does not have: a scenario must be without them."""


def as_read(scenario: Scenario) -> Scenario:
    """Give the scenario without what this reading lacks.

    Of A9 it knows the answer to pay (strain and mood are those of A3 and A8), of O4 calls and
    single chats, by any channel each time, and of O2 a single crew.
    """
    known = {"turnover.fit": 0.0, "turnover.draw": 0.0}
    known |= {"channels.keeps": 0.0, "channels.switches": 0.0, "routing.crews": (Crew(),)}
    return scenario.without(*LACKS).change(known)


class Centre(mesa.Model):
    """A contact centre; a step is a working day.

    Parameters
    ----------
    scenario
        Its numbers; an assignment of several schemes inside one centre is not read.
    seed
        Of everything that is drawn.
    keep
        ``"contacts"`` keeps a row for each contact, ``"cells"`` counts them.
    """

    def __init__(self, scenario: Scenario, seed: int, keep: str = "contacts") -> None:
        super().__init__(rng=seed)
        if scenario.assignment is not None:
            raise NotImplementedError("this reading knows one scheme for the whole centre")
        if lacking := [name for name in LACKS if name not in scenario.off]:
            raise NotImplementedError(f"this reading has no {', '.join(lacking)}: without(...) it")
        p = self.scenario = without_what_is_off(scenario)
        self.board = None if "P5" in p.off else p.leaderboard
        self.keep = keep
        self.day = self.month = self.won = 0
        self.queueing = "O5" not in p.off
        self.tau = p.conscience.noise * p.conscience.stake
        self.inner_scale = p.conscience.kinship * self.tau
        works = (p.work.question, p.work.complaint, p.work.order, p.work.cancel)
        self.mean_work = sum(works) / 4.0
        self.exponential = p.work.shape == "exponential"
        drift = 0.0 if self.exponential else 0.5 * p.work.spread**2
        self.log_work = [math.log(mean) - drift for mean in works]
        passable, upsizable = p.misclassified_contact.passable, p.misclassified_contact.upsizable
        self.passable = (passable, passable, upsizable, 1.0)
        self.made_up = beliefs_by_bayes(p.made_up_minds)
        needs = (p.needs.question, p.needs.complaint, p.needs.order)
        self.need_rates = [need / p.floor.days for need in needs]
        self._set_up_pay(p)
        self._set_up_menu(p)
        self._set_up_floor(p)

        self.n_contacts = 0
        self.rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
        self.cells: dict[tuple[Any, ...], list[float]] = {}
        usual = [level / p.floor.days for level in self.reference[:N_ACCUMULATORS]]
        self.seats = [FrontlineAgent(self, seat, usual) for seat in range(len(self.posts))]
        self._form_teams()
        self.calendar: dict[int, list[tuple[Customer, int]]] = defaultdict(list)
        self.customers: list[Customer] = []
        for _ in range(p.floor.customers):
            months = int(-p.leaving.tenure_at_start * math.log(1.0 - self.random.random()))
            self._join(-min(months, 360))

    # -- setting up ------------------------------------------------------------------------------

    def _set_up_pay(self, p: Scenario) -> None:
        self.sale = Entry(contacts=1.0, sales=1.0, sales_value=p.value.product)
        self.scheme = p.policies()[0][1]
        self.reference = reference_agent(p)
        self.prices = PriceList(self.scheme, p.floor.days, p.floor.team_size, self.reference)
        seats = p.floor.teams * p.floor.team_size
        self.ledger = Ledger([self.scheme], seats, MONTHS_AT_MOST)
        self.lost_saves = np.zeros((seats, 0))  # by month

    def _set_up_menu(self, p: Scenario) -> None:
        work, menu = p.work, p.menu
        chances = (work.resolves_question, work.resolves_complaint, work.resolves_order, 1.0)
        self.menu = [
            [
                Option(
                    action, row, menu[UNRESOLVED.get(action, action)], chances[reason], self.sale
                )
                for action, row in menu.items()
                if reason in ENTRIES[action].reasons and ENTRIES[action].mechanism not in p.off
            ]
            for reason in range(4)
        ]

    def _set_up_floor(self, p: Scenario) -> None:
        """Give each seat a post: pool, skills, start and end of shift, and when a break is due."""
        floor, routing = p.floor, p.routing
        seats = floor.teams * floor.team_size
        self.by_team = routing.keep == "team"
        m = self.pool_size = floor.team_size if self.by_team else seats
        retention, service = round(m * routing.retention), round(m * routing.service)
        chat = round(m * routing.chat)
        self.posts: list[tuple[int, int, float, float, float]] = []
        shares, dealt = floor.shift_shares, [0] * len(floor.shift_shares)
        for seat in range(seats):
            j = seat % m
            skills = RETENTION * (j < retention) | SERVICE * (j >= m - service)
            skills |= CHAT * ((j * chat) % m < chat)
            if j == 0:
                dealt = [0] * len(shares)
            # open: who has which shift; here a seat goes to the one furthest behind its share
            behind = [(j + 1) * s / sum(shares) - n for s, n in zip(shares, dealt, strict=True)]
            shift = behind.index(max(behind))
            dealt[shift] += 1
            start, length = floor.shift_starts[shift], floor.shift_minutes[shift]
            pause = start + (0.3 + 0.4 * (j + 0.5) / m) * length - floor.pause / 2.0
            self.posts.append((seat // m, skills or SERVICE, start, start + length, pause))
        pools, skills = range(seats // m), (SERVICE, RETENTION, CHAT)
        self.idle: list[deque[FrontlineAgent]] = [deque() for _ in pools]  # the longest first
        self.queues = [{skill: deque() for skill in skills} for _ in pools]
        self.waiting = [dict.fromkeys(skills, 0) for _ in pools]
        self.closing = floor.opens + floor.minutes
        self.slot = floor.minutes / len(floor.profile)

    def _form_teams(self) -> None:
        size = self.scenario.floor.team_size
        for agent in self.seats:
            team = self.seats[agent.team * size : (agent.team + 1) * size]
            agent.mates = [mate for mate in team if mate is not agent]

    # -- what customers need ---------------------------------------------------------------------

    def _join(self, joined: int) -> None:
        customer = Customer(self, self.won, joined)
        self.won += 1
        self.customers.append(customer)
        for need in (QUESTION, COMPLAINT, ORDER):
            self._start_clock(customer, need, self.day)

    def _start_clock(self, customer: Customer, need: int, first: int) -> None:
        """Set the clock of a need: the next contact is due on `first` or later."""
        customer.tries[need] = 0
        rate = self.need_rates[need] * customer.busy
        if rate > 0.0:
            wait = -math.log(1.0 - self.random.random()) / rate
            self._due(customer, need, first + int(wait))

    def _due(self, customer: Customer, reason: int, day: int) -> None:
        customer.due[reason] = day
        self.calendar[day].append((customer, reason))

    def _arrivals(self) -> None:
        """Put today's contacts into the day."""
        floor, random, day = self.scenario.floor, self.random.random, self.day
        chat, heap, ticket = self.scenario.channels.chat, self.heap, self.ticket
        for customer, reason in self.calendar.pop(day, ()):
            if customer.due[reason] != day or customer.left:
                continue
            customer.due[reason] = -1
            at = draw(self.random, floor.profile)
            minute = floor.opens + (at + random()) * self.slot
            contact = Contact(customer, reason, minute, random() < chat)
            heap.append((minute, ticket(), ARRIVES, contact))

    # -- a day -----------------------------------------------------------------------------------

    def step(self) -> None:
        """Run a working day, and close the month after its last."""
        floor = self.scenario.floor
        self.full_days_left = floor.days - 1 - self.day % floor.days
        self.offered = self.answered = self.gave_up = self.within = self.delayed = 0
        self.callbacks, self.waited, self.turn = 0, 0.0, [0] * len(self.idle)
        self.heap: list[tuple[float, int, int, Any]] = []
        self.ticket = count().__next__  # breaks ties in the order of entry
        for agent in self.seats:
            agent.start_day()
        self._shifts()
        self._arrivals()
        heapify(self.heap)
        self._run_events()
        for agent in self.seats:
            agent.end_day()
        busy = sum(agent.busy for agent in self.seats)
        duty = sum(a.ends - a.starts - floor.pause for a in self.seats if a.present)
        self.rows["days"].append(
            (self.day, self.month, self.offered, self.answered, self.gave_up, self.within,
             self.delayed, self.waited, busy, duty, self.callbacks)
        )  # fmt: skip
        self.day += 1
        if self.day % floor.days == 0:
            self._close_month()

    def _shifts(self) -> None:
        pause, heap, ticket = self.scenario.floor.pause, self.heap, self.ticket
        for line in self.idle:
            line.clear()
        for agent in self.seats:
            if not agent.present:
                continue
            agent.duty_month += agent.ends - agent.starts - pause
            if self.queueing:
                heap.append((agent.starts, ticket(), STARTS, agent))
                if pause > 0.0:
                    heap.append((agent.pause_due, ticket(), PAUSES, agent))

    def _run_events(self) -> None:
        """Take the day's events in their order."""
        heap, queueing = self.heap, self.queueing
        while heap:
            now, _, kind, thing = heappop(heap)
            if kind == ARRIVES:
                self.offered += 1
                if thing.tried:
                    self.callbacks += 1
                if queueing:
                    self._find_agent(thing, now)
                else:
                    self._next_in_turn(thing, now)
            elif kind == GIVES_UP:
                if not thing.done:
                    self._give_up(thing, now)
            elif kind == PAUSES:
                if thing.state == IDLE:
                    self.idle[thing.pool].remove(thing)
                    self._pause(thing, now)
                else:
                    thing.pausing = True
            else:  # a contact has ended, a shift or its second part begins
                self._find_contact(thing, now)

    def _line(self, contact: Contact) -> tuple[int, int]:
        """Say in which pool and for which skill a contact waits."""
        pool = contact.customer.home if self.by_team else 0
        return pool, CHAT if contact.chat else RETENTION if contact.reason == CANCEL else SERVICE

    def _find_agent(self, contact: Contact, now: float) -> None:
        """Go to the longest-idle agent with the skill, or wait."""
        pool, skill = self._line(contact)
        idle = self.idle[pool]
        for agent in idle:
            if agent.skills & skill and now < agent.ends:
                idle.remove(agent)
                self._serve(agent, contact, now, self.waiting[pool][skill])
                return
        self._wait(contact, now)

    def _wait(self, contact: Contact, now: float) -> None:
        pool, skill = self._line(contact)
        self.queues[pool][skill].append(contact)
        self.waiting[pool][skill] += 1
        queueing = self.scenario.queueing
        patience = queueing.patience_chat if contact.chat else queueing.patience
        patience *= queueing.temper**contact.tried
        until = now - patience * math.log(1.0 - self.random.random())
        heappush(self.heap, (until, self.ticket(), GIVES_UP, contact))

    def _find_contact(self, agent: FrontlineAgent, now: float) -> None:
        """Go home or into the break if it is time; else serve who came first, or be idle."""
        if now >= agent.ends:
            agent.state = AWAY
            return
        if agent.pausing:
            self._pause(agent, now)
            return
        first, from_line = None, 0
        waiting, queues = self.waiting[agent.pool], self.queues[agent.pool]
        for skill, n in waiting.items():
            if n and agent.skills & skill:
                line = queues[skill]
                while line[0].done:  # has given up
                    line.popleft()
                if first is None or line[0].arrived < first.arrived:
                    first, from_line = line[0], skill
        if first is None:
            agent.state = IDLE
            self.idle[agent.pool].append(agent)
            return
        queues[from_line].popleft()
        waiting[from_line] -= 1
        self._serve(agent, first, now, waiting[from_line])

    def _pause(self, agent: FrontlineAgent, now: float) -> None:
        agent.pausing = False
        agent.state = PAUSED
        until = now + self.scenario.floor.pause
        heappush(self.heap, (until, self.ticket(), RETURNS, agent))

    def _next_in_turn(self, contact: Contact, now: float) -> None:
        """Go to the next seat in turn, however many it serves already: what happens without O5."""
        pool, skill = self._line(contact)
        m = self.pool_size
        for _ in range(m):
            agent = self.seats[pool * m + self.turn[pool]]
            self.turn[pool] = (self.turn[pool] + 1) % m
            # open: is an agent on a break on duty; here breaks do not matter without queueing
            if agent.present and agent.skills & skill and agent.starts <= now < agent.ends:
                self._serve(agent, contact, now, 0)
                return
        self._wait(contact, now)  # open: with nobody on duty; here it gives up in its time

    def _give_up(self, contact: Contact, now: float) -> None:
        contact.done = True
        pool, skill = self._line(contact)
        self.waiting[pool][skill] -= 1
        self.gave_up += 1
        self._experience(contact.customer, self.scenario.expectations.abandoned)
        wait = now - contact.arrived
        self._log(contact, -1, wait, 0.0, "", ABANDONED, ABANDONED, False, 0.0)
        self._call_again(contact, now)

    # -- a contact -------------------------------------------------------------------------------

    def _serve(self, agent: FrontlineAgent, contact: Contact, now: float, queue: int) -> None:
        """Serve a contact: what is chosen, what happens, what is logged, what comes of it."""
        p, rng = self.scenario, self.random
        random, gauss = rng.random, rng.gauss
        customer, reason = contact.customer, contact.reason
        contact.done = True
        wait = now - contact.arrived
        self.answered += 1
        self.waited += wait
        self.delayed += wait > 0.0
        self.within += wait <= p.floor.service_within

        if self.exponential:
            work = -math.exp(self.log_work[reason]) * math.log(1.0 - random())
        else:
            work = math.exp(self.log_work[reason] + p.work.spread * gauss(0.0, 1.0))
        if contact.chat:
            work *= p.channels.minutes
        contact.work = work * agent.pace
        if reason == CANCEL:
            # open: whether an inkling is new on each contact about a wish; here it is
            minds = p.made_up_minds
            contact.inkling = random() < (minds.hit if customer.decided else minds.false_alarm)
            contact.passable = True
        else:
            odds = customer.openness + p.openness.moment * gauss(0.0, 1.0)
            contact.openness = 1.0 / (1.0 + math.exp(-odds))
            seen = odds + p.openness.blur * gauss(0.0, 1.0)
            contact.seems_open = 1.0 / (1.0 + math.exp(-seen))
            contact.passable = random() < self.passable[reason]
        left_today = min(1.0, max(0.0, (self.closing - now) / p.floor.minutes))
        option = agent.choose(contact, queue, now, self.full_days_left + left_today)

        minutes = contact.work * option.minutes
        end = now + minutes
        agent.state = BUSY
        agent.busy += minutes
        agent.served += 1
        if self.queueing:
            heappush(self.heap, (end, self.ticket(), ENDS, agent))
        cut_off = agent.cut_last = option.action == Action.CUT_OFF
        true, logged, resolved = self._outcome(agent, contact, option)
        self._count(agent, customer, reason, option, logged)
        if cut_off:
            q = p.expectations.cut
        else:
            x = p.expectations
            q = x.plain + option.courtesy + x.noise * gauss(0.0, 1.0)
            q -= x.waiting * (wait if wait < 20.0 else 20.0)
            if reason == CANCEL:
                if customer.decided:
                    q -= option.annoys  # open: here that of other rows too, which have none
            else:
                annoys = option.annoys if resolved else option.annoys_unresolved
                q -= annoys * (1.0 - contact.openness)
            q = clip(q + x.resolved if resolved else q)
        self._experience(customer, q)
        if option.distrust:
            customer.trust = max(0.0, customer.trust - option.distrust)
        if true is SAVED and option.action == Action.SAVE:
            customer.satisfaction = min(10.0, customer.satisfaction + p.leaving.mends)
        if not cut_off and random() < p.surveys.invites:
            self._survey(agent, q)
        self._audit(agent, reason, option, logged)
        self._log(contact, agent.seat, wait, minutes, option.name, true, logged, resolved, q)

        if cut_off:
            self._call_again(contact, end)
        elif reason == CANCEL:
            customer.wish = False
            customer.tries[CANCEL] = 0
            if true is CANCELLED:
                customer.leaving = "contact"  # open: until then, needs go on
            elif true is SUPPRESSED:
                customer.suppressed_by = agent
        elif not resolved and contact.tried + 1 < p.needs.tries and random() < p.needs.returns:
            customer.tries[reason] = contact.tried + 1
            later = int(-(p.needs.return_days - 1.0) * math.log(1.0 - random()))
            self._due(customer, reason, self.day + 1 + later)
        else:
            self._start_clock(customer, reason, self.day + 1)

    def _outcome(
        self, agent: FrontlineAgent, contact: Contact, option: Option
    ) -> tuple[str, str, bool]:
        """Draw what becomes of a contact: in truth, on the log, and whether it is resolved."""
        random, action = self.random.random, option.action
        if action == Action.CUT_OFF:
            return CUT_OFF, HANDLED, False
        if contact.reason == CANCEL:
            stays = option.decided if contact.customer.decided else option.keeps
            if stays and random() < stays * agent.closing:
                return SAVED, SAVED, True
            true = SUPPRESSED if action == Action.SUPPRESS else CANCELLED
            return true, SAVED if option.lie else CANCELLED, True
        resolved = random() < option.resolves
        appeal = option.appeal if resolved else option.appeal_unresolved
        if appeal and random() < appeal * contact.openness * agent.closing:
            return SALE, SALE, resolved
        if option.lie:
            return HANDLED, SALE if action == Action.LOG_UPSELL else SAVED, resolved
        return HANDLED, HANDLED, resolved

    def _count(
        self, agent: FrontlineAgent, customer: Customer, reason: int, option: Option, logged: str
    ) -> None:
        """Add what is logged to the agent's month."""
        totals = agent.totals
        totals[CONTACTS] += 1.0
        entry = PLAIN
        if logged is SALE:
            entry = self.sale
            totals[SALES] += 1.0
            totals[SALES_VALUE] += self.scenario.value.product
        elif logged is not HANDLED:
            entry = LOST
            totals[CANCELS] += 1.0
            if logged is SAVED:
                entry = KEPT
                totals[SAVES] += 1.0
                customer.saved = (agent.seat, agent.hire, self.month)
        if not self.prices.nothing:  # at the prices when the contact began
            agent.bonus += agent.quote.price(entry, option.lasts)

    def _experience(self, customer: Customer, q: float) -> None:
        """Let an experience move satisfaction and expectation."""
        x = self.scenario.expectations
        gap = q - customer.expectation
        step = x.speed * gap if gap >= 0.0 else x.speed * x.losses * gap
        customer.satisfaction = clip(customer.satisfaction + step)
        customer.expectation += x.adapts * gap

    def _survey(self, agent: FrontlineAgent, q: float) -> None:
        surveys, answered, score = self.scenario.surveys, False, math.nan
        if self.random.random() < answers(surveys, q):
            answered = True
            score = float(int(clip(q + surveys.noise * self.random.gauss(0.0, 1.0)) + 0.5))
            agent.totals[SURVEY_SUM] += score
            agent.totals[SURVEY_N] += 1.0
        if answered or self.keep == "contacts":
            self.rows["surveys"].append((self.month, agent.seat, answered, score, q))

    def _audit(self, agent: FrontlineAgent, reason: int, option: Option, logged: str) -> None:
        audit, random = self.scenario.audit, self.random.random
        chance = audit.rate
        if logged is SAVED:
            chance += audit.on_saves
        elif logged is SALE:
            chance += audit.on_sales
        if random() >= chance:
            return
        agent.checked += 1
        found = option.mechanism != "" and random() < option.seen
        if found:
            agent.found += 1
            agent.penalty += audit.penalty
            if logged is SAVED:
                agent.totals[SAVES] -= 1.0
            elif logged is SALE:
                agent.totals[SALES] -= 1.0
                agent.totals[SALES_VALUE] -= self.scenario.value.product
        gaming = option.mechanism or "none"
        self.rows["audits"].append(
            (self.month, agent.seat, REASONS[reason], logged, chance, gaming if found else "none",
             gaming)
        )  # fmt: skip

    def _call_again(self, contact: Contact, now: float) -> None:
        """Let a customer who was cut off or gave up call again, or let it be."""
        customer, reason = contact.customer, contact.reason
        p, random = self.scenario, self.random.random
        if contact.tried + 1 < p.needs.tries and random() < p.queueing.redials:
            customer.tries[reason] = contact.tried + 1
            minute = now - p.queueing.redial_minutes * math.log(1.0 - random())
            if minute >= self.closing:
                self._due(customer, reason, self.day + 1)
            else:
                again = Contact(customer, reason, minute, random() < p.channels.chat)
                heappush(self.heap, (minute, self.ticket(), ARRIVES, again))
        elif reason == CANCEL:
            customer.tries[CANCEL] = 0
            customer.given_up = True
        else:
            self._start_clock(customer, reason, self.day + 1)

    def _log(
        self, contact: Contact, seat: int, wait: float, minutes: float, action: str, true: str,
        logged: str, resolved: bool, q: float,
    ) -> None:  # fmt: skip
        self.n_contacts += 1
        reason = REASONS[contact.reason]
        if self.keep == "contacts":
            channel = "chat" if contact.chat else "voice"
            self.rows["contacts"].append(
                (self.month, self.day, contact.arrived, contact.customer.number, seat, channel,
                 reason, contact.tried + 1, wait, minutes, logged, action, true, resolved, q)
            )  # fmt: skip
            return
        key = (self.month, seat, reason, logged, true, action)
        cell = self.cells.get(key)
        if cell is None:
            self.cells[key] = [1, minutes]
        else:
            cell[0] += 1
            cell[1] += minutes

    # -- the end of a month ----------------------------------------------------------------------

    def _close_month(self) -> None:
        """Send the bills, pay, fill empty seats, and let new customers join for the next month."""
        lost = self._bill()
        self._pay(lost)
        self.month += 1
        p = self.scenario
        new = int(p.acquisition.monthly * p.floor.customers + self.random.random())
        for _ in range(new):
            self._join(self.month)

    def _bill(self) -> dict[tuple[int, int, int], int]:
        """Send the bills; return the logged saves whose customers left, by seat, hire and month."""
        x = self.scenario.expectations
        staying, left = [], {"contact": 0, "silent": 0, "discovery": 0}
        lost: dict[tuple[int, int, int], int] = defaultdict(int)
        for customer in self.customers:
            how = customer.leaving or self._reconsider(customer)
            if how:
                left[how] += 1
                customer.left = True
                if customer.saved is not None:
                    lost[customer.saved] += 1
            else:
                customer.satisfaction += x.fade * (x.neutral - customer.satisfaction)
                staying.append(customer)
        self.rows["customers"].append((self.month, len(self.customers), *left.values()))
        self.customers = staying
        return lost

    def _reconsider(self, customer: Customer) -> str:
        """Let a customer with the bill in hand discover, wish to leave, or go; say how."""
        p, random = self.scenario, self.random.random
        if customer.suppressed_by is not None:
            if random() < p.suppressed_cancellation.discovery:
                self._discover(customer, customer.suppressed_by)
            return ""
        if customer.wish:
            # open: who gave up and does not walk away asks oneself again at every bill
            return "silent" if customer.given_up and random() < p.leaving.walks else ""
        leaving, years = p.leaving, (self.month - customer.joined) / 12.0
        hazard = (
            leaving.base
            * (1.0 + years) ** -leaving.tenure
            * math.exp(
                leaving.satisfaction * (6.5 - customer.satisfaction)
                + leaving.trust * (1.0 - customer.trust)
            )
        )
        if random() >= 1.0 - math.exp(-hazard):
            return ""
        if random() >= leaving.calls:
            return "silent"
        customer.wish = True
        customer.decided = random() < p.made_up_minds.decided
        self._due(customer, CANCEL, self.day + int(random() * p.floor.days))
        return ""

    def _discover(self, customer: Customer, agent: FrontlineAgent) -> None:
        """Let a customer see on the bill that the contract still runs."""
        p, random = self.scenario.suppressed_cancellation, self.random.random
        customer.trust = max(0.0, customer.trust - p.distrust)
        customer.satisfaction = max(0.0, customer.satisfaction - p.anger)
        customer.leaving, customer.suppressed_by = "discovery", None
        customer.tries[COMPLAINT] = 0  # open: it takes the place of a complaint that was due
        self._due(customer, COMPLAINT, self.day + int(random() * 3.0))
        if random() < p.traced and self.seats[agent.seat] is agent:
            agent.penalty += self.scenario.audit.penalty

    def _pay(self, lost: dict[tuple[int, int, int], int]) -> None:
        """Pay the month, and let those quit who earn more elsewhere."""
        seats, turnover = self.seats, self.scenario.turnover
        self.lost_saves = np.hstack([self.lost_saves, np.zeros((len(seats), 1))])
        for (seat, hire, month), n in lost.items():
            if seats[seat].hire == hire:
                self.lost_saves[seat, month] += n
        totals = np.array([agent.totals for agent in seats]).T
        slip = self.ledger.close(
            self.month,
            Totals(*totals, team=np.array([agent.team for agent in seats])),
            np.zeros(len(seats), np.int64),
            lost_saves=self.lost_saves,
            hired_month=np.array([agent.hired_month for agent in seats]),
        )
        average = np.mean([agent.rates for agent in seats], axis=0).tolist()
        leavers = []
        for agent in seats:
            paid = float(slip.paid[agent.seat]) - agent.penalty
            outside = turnover.outside
            drift = turnover.slope * (outside - paid) / outside if outside else 0.0
            hazard = turnover.hazard * math.exp(max(-5.0, min(5.0, drift)))
            quits = self.random.random() < 1.0 - math.exp(-hazard)
            self.rows["agents"].append(
                (self.month, agent.seat, agent.hire, agent.team, *agent.totals, agent.busy_month,
                 agent.duty_month, paid, agent.penalty, quits, agent.kind, agent.conscience,
                 agent.checks / agent.contacts)
            )  # fmt: skip
            agent.start_month()
            if quits:
                leavers.append(agent)
        for agent in leavers:
            agent.remove()
            heir = FrontlineAgent(self, agent.seat, average, agent.hire + 1, self.month + 1)
            self.lost_saves[agent.seat] = 0.0
            seats[agent.seat] = heir
        if leavers:
            self._form_teams()


# -- reading a scenario, giving frames -------------------------------------------------------------


class Reading(NamedTuple):
    """What a run left behind; the columns are those of `incentives.Records`."""

    contacts: pd.DataFrame
    cells: pd.DataFrame
    agents: pd.DataFrame
    customers: pd.DataFrame
    audits: pd.DataFrame
    surveys: pd.DataFrame
    days: pd.DataFrame


COLUMNS = {
    "contacts": "month day minute customer agent channel reason attempt wait_minutes "
    "handle_minutes logged_outcome true_action true_outcome true_resolved true_experience",
    "cells": "month agent reason logged_outcome true_outcome true_action n minutes",
    "agents": f"month agent hire team {' '.join(f'logged_{name}' for name in ACCUMULATORS)} "
    "minutes_busy minutes_on_duty paid penalty quit true_kind true_conscience true_belief",
    "customers": "month n left_contact left_silent left_discovery",
    "audits": "month agent reason logged_outcome prob found true_gaming",
    "surveys": "month agent answered score true_experience",
    "days": "day month offered answered abandoned within delayed wait_minutes minutes_busy "
    "minutes_on_duty callbacks",
}


def read(scenario: Scenario, months: int, seed: int, keep: str = "contacts") -> Reading:
    """Run a scenario for some months and return what happened as frames.

    Parameters
    ----------
    scenario
        What to run.
    months
        Of as many working days as the scenario says.
    seed
        Of everything that is drawn.
    keep
        ``"contacts"`` keeps a row for each contact, ``"cells"`` counts them.
    """
    centre = Centre(scenario, seed, keep)
    for _ in range(months * scenario.floor.days):
        centre.step()
    rows = centre.rows | {"cells": [(*key, *cell) for key, cell in centre.cells.items()]}
    return Reading(
        **{name: pd.DataFrame(rows[name], columns=COLUMNS[name].split()) for name in COLUMNS}
    )


def reference_agent(p: Scenario) -> Reference:
    """Say what one agent can be expected to log in a month, from the scenario alone."""
    # open: the page names a reference agent and not its level; these were found by experiment
    per_seat = p.floor.customers / (p.floor.teams * p.floor.team_size)
    cancels = 1.5 * per_seat * p.leaving.base * p.leaving.calls
    contacts = 1.15 * per_seat * (p.needs.question + p.needs.complaint + p.needs.order) + cancels
    answered = 1.2 * contacts * p.surveys.invites * p.surveys.answers
    return Reference(
        contacts=contacts,
        cancels=cancels,
        saves=0.25 * cancels,
        sales=0.03 * contacts,
        sales_value=0.03 * contacts * p.value.product,
        survey_sum=7.0 * answered,
        survey_n=answered,
        team_size=p.floor.team_size,
        stay=1.0 - p.turnover.hazard,
    )


def beliefs_by_bayes(minds: MadeUpMinds) -> tuple[float, float]:
    """Return the belief that a mind is made up without an inkling that it is, and with one."""
    beliefs = []
    for if_decided, if_not in (
        (1.0 - minds.hit, 1.0 - minds.false_alarm),
        (minds.hit, minds.false_alarm),
    ):
        both = minds.decided * if_decided
        either = both + (1.0 - minds.decided) * if_not
        beliefs.append(both / either if either else 0.0)  # 0: never needed
    return beliefs[0], beliefs[1]


def without_what_is_off(p: Scenario) -> Scenario:
    """Give a scenario in which each mechanism that is off has neutral numbers."""
    off, menu = p.off, dict(p.menu)
    if "C4" in off:
        after = menu[Action.OFFER_AFTER]
        menu[Action.OFFER_FIRST] = replace(
            menu[Action.OFFER_FIRST],
            **{name: getattr(after, name) for name in ("appeal", "annoys", "resolves")},
        )
    if "C3" in off:
        for action in (Action.OFFER_AFTER, Action.OFFER_FIRST):
            menu[action] = replace(menu[action], annoys=0.0)
    neutral = {
        "C1": {"expectations": {"adapts": 0.0}},
        "C3": {"openness": {"spread": 0.0, "moment": 0.0, "blur": 0.0}},
        "C6": {"made_up_minds": {"decided": 0.0}},
        "O2": {"routing": {"service": 1.0, "retention": 1.0, "chat": 1.0}},
        "O4": {"channels": {"chat": 0.0}},
        "O6": {"audit": {"rate": 0.0, "on_saves": 0.0, "on_sales": 0.0, "penalty": 0.0}},
    }
    blocks = {
        block: replace(getattr(p, block), **values)
        for mechanism, change in neutral.items()
        if mechanism in off
        for block, values in change.items()
    }
    return replace(p, menu=menu, **blocks)
