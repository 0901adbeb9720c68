"""One centre as it runs: its arrays, its days, and what happens at the end of a month.

`World` is what `simulate` and `ContactCentre` both drive, so that the two give the same records.
It owns the arrays; the kernel (`_kernel.advance`, `_bill.bill`) moves them.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from incentives import centre, pay, staff
from incentives._bill import bill, recommend, warn
from incentives._calendar import free_chunks, open_calendar
from incentives._codes import SPEAKS
from incentives._draws import Purpose, exp, key_of, uniforms
from incentives._floor import events_for
from incentives._kernel import advance, places_for
from incentives._luck import luck_for
from incentives._state import Desk
from incentives.columns import (
    ACCUMULATORS,
    CALENDAR,
    CHUNK,
    CUSTOMER,
    DAY,
    MOVED,
    N_ACCUMULATORS,
    NOT_AT_RISK,
    PERSON,
    REFUNDED,
    SALES,
    SALES_VALUE,
    SAVES,
    SELLER,
    Bills,
    Customers,
    Floats,
    Ints,
    LeftBy,
    Outcome,
    Reason,
    Totals,
    chunks_for,
    longer,
)
from incentives.customers import believes, draw_customers
from incentives.menu import N_ACTIONS, Action
from incentives.pay.goals import lower_goals, ratcheted
from incentives.pay.prices import n_best
from incentives.records import Keep, Recorder, Records, Written
from incentives.scenario import Scenario, ScenarioError, lower

__all__ = ["World"]


class World:
    """A running centre: one scenario under one key.

    Parameters
    ----------
    scenario
        What the centre is.
    rng
        A seed or a seed sequence; with `replication` it gives the key of every draw.
    replication
        The same replication is the same world under every scenario.
    months
        How long the world may run.
    keep
        What the records keep of contacts and customers; see `simulate`.
    choices
        Share of contacts whose whole choice situation is kept.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        rng: int | np.random.SeedSequence,
        replication: int = 0,
        months: int = 24,
        keep: Keep = "contacts",
        choices: float = 0.0,
        run: int = 0,
    ) -> None:
        self.scenario = scenario
        self.key = key_of(rng, replication)
        self.months = months
        self.day = 0
        self.month = 0
        self.plan, self.rules = lower(scenario)
        stays = {"hazard": 0.0} if "A9" in scenario.off else {}
        self.turnover = replace(scenario.turnover, **stays)
        self.days = int(scenario.floor.days)
        self.policies = scenario.policies()
        self.schemes = [scheme for _, scheme in self.policies]
        self._assign()
        self._open_floor()
        self._sign()
        self._open_doors()
        self.ledger = pay.Ledger(self.schemes, self.seats, months)
        self.recorder = Recorder(self, keep=keep, run=run, replication=replication, choices=choices)

    @property
    def seats(self) -> int:
        """Number of seats."""
        return len(self.plan.team)

    @property
    def customers(self) -> Customers:
        """The customers' rows, due days and calendar."""
        return self._customers

    @property
    def active_customers(self) -> int:
        """Number of customers who have not left."""
        return int((self._customers.row["left"][: self.n_customers] == 0).sum())

    # -- opening ---------------------------------------------------------------------------------

    def _assign(self) -> None:
        """Work out each seat's scheme for every month, and who was assigned how, from when."""
        seats = np.arange(self.seats)
        self.scheme_by_month = np.zeros((self.months, self.seats), np.int64)
        self.arms: Ints | None = None
        self.starts: Ints | None = None
        trial = self.scenario.assignment
        if trial is None:
            return
        unit_of = self.plan.team if trial.unit == "team" else seats
        units = int(unit_of.max()) + 1
        names = [name for name, _ in trial.schemes]
        if trial.arms is not None:
            self.arms = np.array([names.index(arm) for arm in trial.arms])
        else:
            self.arms = self._deal(units, len(names), lottery=0)
        wave = self._deal(units, len(trial.waves), lottery=1)
        self.starts = np.minimum(np.array(trial.waves)[wave], self.months)
        started = np.arange(self.months)[:, None] >= self.starts[unit_of]
        self.scheme_by_month[:] = np.where(started, self.arms[unit_of], len(names))  # or "before"

    def _deal(self, units: int, parts: int, *, lottery: int) -> Ints:
        """Deal units at random to parts, in equal numbers or as nearly as can be."""
        u = uniforms(self.key, Purpose.ASSIGN, np.arange(units), lottery)[:, 0]
        dealt = np.empty(units, np.int64)
        dealt[np.argsort(u, kind="stable")] = np.arange(units) % parts
        return dealt

    def _sign(self) -> None:
        """Sign with the clients: a contractor has accounts, an employer in-house has none."""
        scenario = self.scenario
        self.declared = self.rules.audit  # what the contractor says of its audit
        self.outside = scenario.contract.contractor > 0
        self.renews = self.outside and "O7" not in scenario.off
        self.accounts = centre.open_accounts(len(scenario.contract.clients), scenario.renewal)
        self.open = np.ones(self.seats, bool)
        self.moved_before = np.zeros(2, np.int64)  # newcomers served elsewhere: won, referred

    def _reference(self) -> pay.Reference:
        """Guess what an agent logs in a month, before anybody has logged anything."""
        floor, needs, surveys = self.scenario.floor, self.scenario.needs, self.scenario.surveys
        per_seat = floor.customers / floor.seats
        cancels = per_seat * self.scenario.leaving.base * 1.5 * self.scenario.leaving.calls
        contacts = per_seat * (needs.question + needs.complaint + needs.order) * 1.15 + cancels
        sales = 0.03 * contacts
        answered = contacts * surveys.invites * surveys.answers * 1.2
        audit, card = self.rules.audit, self.rules.scorecard
        checked = audit.rate * contacts + audit.on_saves * 0.25 * cancels + audit.on_sales * sales
        scored = card.on * checked
        return pay.Reference(
            contacts=contacts,
            cancels=cancels,
            saves=0.25 * cancels,
            sales=sales,
            sales_value=sales * self.scenario.value.product,
            survey_sum=7.0 * answered,
            survey_n=answered,
            sale_sd=0.0,
            team_size=float(floor.team_size),
            stay=1.0 - self.turnover.hazard,
            qa_sum=card.usual * scored,
            qa_n=scored,
            qa_sd=card.spread,
        )

    def _open_floor(self) -> None:
        scenario, seats = self.scenario, self.seats
        reference = self._reference()
        self.prices = pay.lower(self.schemes, reference=reference)
        trial = scenario.assignment
        if trial is not None and trial.unit == "agent" and self.prices.team.any():
            raise ScenarioError(
                "assign: a TeamPool pays whole teams; assign it with unit='team', got unit='agent'"
            )
        usual = np.array([getattr(reference, name) for name in ACCUMULATORS]) / self.days
        teams = int(scenario.floor.teams)
        components = len(self.prices.kind)
        self.desk = Desk(
            scheme=self.scheme_by_month[0].copy(),
            totals=np.zeros((seats, N_ACCUMULATORS)),
            rates=np.tile(usual, (seats, 1)),
            opening=np.zeros((seats, N_ACCUMULATORS)),
            team_totals=np.zeros((teams, N_ACCUMULATORS)),
            team_rates=np.tile(usual * scenario.floor.team_size, (teams, 1)),
            cuts=np.zeros((components, seats)),
            at=np.zeros((components, 4)),
            worth=np.zeros(N_ACTIONS),
            present=np.ones(seats, np.int64),
            rank=np.full(seats, 0.5),
            pace_pay=np.zeros(seats),
            last_cut=np.zeros(seats, np.int64),
            busy=np.zeros(seats),
            earned=np.zeros(seats),
            checks=np.zeros(seats, np.int64),
            found=np.zeros(seats, np.int64),
            penalty=np.zeros(seats),
            busy_month=np.zeros(seats),
            duty_month=np.zeros(seats),
            day=np.zeros(len(DAY)),
            mode=np.zeros(seats),
            mood=np.zeros(seats),
            spirits=np.zeros(seats),
            shifts=np.zeros(seats),
            against=np.zeros(seats),
            bonds=staff.no_bonds(seats, len(scenario.contract.clients)),
            sway=staff.no_sway(seats, len(scenario.contract.clients)),
            outbound=np.zeros(seats),
            times=np.zeros(seats, np.int64),
            later=np.zeros((2, seats)),
            held=np.zeros((2, seats)),
            ahead=np.zeros(seats),
            owed=np.zeros(seats),
            belief=np.zeros(seats),
            believer=np.ones(seats),
            reached=np.ones(seats),
            start=np.zeros((seats, N_ACCUMULATORS)),
            team_start=np.zeros((teams, N_ACCUMULATORS)),
            best=np.zeros((teams, n_best(self.prices))),
        )
        self._events, self._luck = events_for(0, self.plan), luck_for(0)
        self.staff = staff.empty_staff(seats, len(scenario.contract.clients))
        self.pressure = None if "P4" in scenario.off else scenario.target_pressure
        self.goals = lower_goals(self.schemes)
        self.managers = staff.draw_managers(
            teams, key=self.key, identity=scenario.identity, pressure=self.pressure
        )
        self.told = np.zeros((len(self.schemes), len(scenario.workforce.archetypes)))
        self._hire(np.arange(seats))
        self.hired_month = np.zeros(seats, np.int64)
        self._lost = np.zeros((seats, self.months))
        self._saves = np.zeros((4, 0), np.int64)  # customer, seat, hire and month of each

    def _hire(self, seats: Ints) -> None:
        scenario = self.scenario
        offered = self.scheme_by_month[min(self.month, self.months - 1), seats]
        staff.hire(
            self.staff,
            seats,
            key=self.key,
            workforce=scenario.workforce,
            regard=scenario.regard,
            conscience=self.rules.conscience,
            drop=self.rules.drop,
            belief=self.rules.belief,
            mode=self.rules.mode,
            mood=self.rules.mood,
            contractor=scenario.contract.contractor > 0,
            off=scenario.off,
            applicants=staff.applicants(self.told[offered], scenario.workforce, self.turnover),
        )
        staff.welcome(
            self.desk.bonds,
            seats,
            self.staff,
            self.plan.team,
            self.managers,
            key=self.key,
            identity=scenario.identity,
            coaching=scenario.coaching,
            off=scenario.off,
        )
        self.desk.belief[seats] = believes(
            seats, self.staff.hire[seats], key=self.key, ownership=self.rules.ownership
        )

    def _open_doors(self) -> None:
        count = int(self.scenario.floor.customers)
        self.n_customers = self.won = 0
        self._friends = np.empty((2, 0), np.int64)  # addresses of those referred, and their rows
        self._customers = Customers(
            np.zeros(count, CUSTOMER),
            np.zeros((chunks_for(count), 1 + CHUNK), np.int64),
            np.full(CALENDAR + 1, -1),
            np.zeros(CALENDAR, np.int64),
            np.zeros((0, 2), np.int64),
            np.zeros(count, np.int32),
        )
        free_chunks(self._customers, 0)
        self._win(count, np.empty(0, np.int64))

    def _win(self, count: int, friends: Ints) -> None:
        """Let `count` customers join now, and of their friends those who never were customers.

        Who is won has the address of the slot, a friend that of a person. Those won are put on the
        list of who can be called, or warned: the one won n-th has its n-th place.
        """
        new = np.unique(friends)
        new = new[~np.isin(new, self._friends[0])]
        first, then = self.n_customers, self.n_customers + count
        self._join(np.concatenate([np.arange(self.won, self.won + count), new]))
        rows = np.arange(first, self.n_customers)
        self.won += count
        named = np.zeros((count, 2), np.int64)
        named[:, 0] = rows[:count]
        listed = np.concatenate([self._customers.listed, named])
        self._customers = self._customers._replace(listed=listed)
        if len(new):
            self._customers.row["margin"][then : self.n_customers] *= np.float32(
                self.rules.advocacy.worth
            )
            known = np.concatenate([self._friends, [new, rows[count:]]], axis=1)
            self._friends = known[:, np.argsort(known[0])]

    def _join(self, uid: Ints) -> None:
        """Let customers join now, at these addresses."""
        count = len(uid)
        first, needed = self.n_customers, self.n_customers + count
        if needed > len(self._customers.row):
            grown = max(needed, int(1.25 * len(self._customers.row)))
            row, chunk, head, held, listed, sold_by = self._customers
            self._customers = Customers(
                longer(row, grown),
                longer(chunk, chunks_for(grown)),
                head,
                held,
                listed,
                longer(sold_by, grown),
            )
            free_chunks(self._customers, len(chunk))
        draw_customers(
            self._customers,
            first,
            count,
            key=self.key,
            month=self.month,
            homes=self.plan.pools,
            client_weights=self.scenario.contract.clients,
            needs=self.rules.needs,
            expectations=self.rules.expectations,
            openness=self.rules.openness,
            leaving=self.rules.leaving,
            value=self.rules.value,
            uid=uid,
        )
        open_calendar(
            self._customers, first, count, self.day, *self.key, self.rules.needs, float(self.days)
        )
        self.n_customers = needed

    # -- time ------------------------------------------------------------------------------------

    def live(self, days: int = 1) -> None:
        """Live some working days of a month, and what follows at its end.

        Parameters
        ----------
        days
            No more than are left of the month.
        """
        if self.month >= self.months:
            raise RuntimeError(
                f"this world was opened for {self.months} months and is over; "
                "open it with a larger months="
            )
        day_of_month = self.day % self.days
        if day_of_month == 0:
            self._open_month()
        present = self._present[day_of_month : day_of_month + days] & self.open
        figures = np.empty((days, len(DAY)))
        recorder, lived = self.recorder, 0
        while lived < days:
            self._make_room()
            more, recorder.watched, recorder.count = advance(
                self.day,
                days - lived,
                self.days,
                *self.key,
                self.plan,
                self.rules,
                self.prices,
                self.goals,
                self._customers,
                self.staff,
                self.desk,
                present[lived:].astype(np.int64),
                figures[lived:],
                recorder.watch,
                recorder.watched,
                recorder.log,
                recorder.count,
                self._events,
                self._luck,
            )
            self.day += more
            lived += more
        recorder.note_days(self, figures)
        if self.day % self.days == 0:
            self._close_month()

    def _make_room(self) -> None:
        """See that there is memory for today, and more for busier days to come this month."""
        held = int(self._customers.held[self.day % CALENDAR])
        needed = places_for(held, self.plan, self.rules)
        if needed > len(self._luck.uid):
            self._events = events_for(needed + needed // 4, self.plan)
            self._luck = luck_for(needed + needed // 4)
        self.recorder.make_room(needed)

    def run(self) -> Records:
        """Run to the end and return the records."""
        return Records.of([self.written()])

    def written(self) -> Written:
        """Run to the end and return what has been written down."""
        while self.month < self.months:
            self.live(self.days - self.day % self.days)
        return self.recorder.written(self)

    def _open_month(self) -> None:
        """Draw up who is there when, let goals stand, and thank."""
        days = self.day + np.arange(self.days)[:, None]
        u = uniforms(self.key, Purpose.SHIFT, np.arange(self.seats), days)[..., 0]
        self._present = u >= self.scenario.floor.shrinkage
        self._raised = exp(self.desk.bonds.goal)
        if "A2" not in self.scenario.off:
            staff.thank(self.desk.bonds, self.month, self.scenario.reciprocity)

    def records(self) -> Records:
        """Give the records of what has happened so far."""
        return Records.of([self.recorder.written(self)])

    def _close_month(self) -> None:
        """Bill the customers, pay the agents, let some go and others come."""
        desk, month = self.desk, self.month
        status = np.empty(self.n_customers, np.uint8)
        bills = Bills(
            np.zeros((self.plan.pools, 2, 4, len(LeftBy)), np.int64),
            np.zeros((self.plan.pools, 2, 4)),
            np.zeros((self.plan.pools, 2, 4)),
            np.zeros((self.plan.pools, 2, 4)),
        )
        bill(
            month,
            self.day,
            self.days,
            *self.key,
            self.rules,
            self._customers,
            desk.penalty,
            self.plan.by_home,
            status,
            bills,
        )
        friends = self._talk(status)
        logged = dict(zip(ACCUMULATORS, desk.totals.T.copy(), strict=True))
        totals = Totals(**logged, team=self.plan.team)
        settled = self.ledger.close(
            month,
            totals,
            desk.scheme,
            lost_saves=self._lost_saves()[:, : month + 1],
            hired_month=self.hired_month,
            goal=None if self.pressure is None else self._raised,
        )
        paid = settled.paid - desk.penalty
        if self.pressure is not None:
            desk.against[:] += self.pressure.grates * desk.bonds.pressed
        gone = self.open & staff.quits(
            self.staff,
            paid,
            desk.against,
            desk.bonds.strain.sum(axis=1),
            self._spirits(),
            key=self.key,
            month=month,
            turnover=self.turnover,
        )
        staff.hear(self.told, self.staff, desk.scheme, paid, desk.against, self.turnover, self.open)
        if "A2" not in self.scenario.off:
            bonus = settled.bonus + settled.deferred
            staff.requite(desk.bonds, settled.wage, bonus, self.scenario.reciprocity)
        if "A5" not in self.scenario.off:
            staff.look_around(
                desk.bonds,
                self.plan.size,
                key=self.key,
                month=month,
                identity=self.scenario.identity,
            )
        share = self._volume()
        if self.outside:
            self._hear_clients(status)
        self.recorder.end_month(self, status, bills, settled, gone)
        self._set_goals()
        self.month += 1
        if self.renews:
            self._follow_clients(share)
        self._turn_over(gone & self.open)
        joins = uniforms(self.key, Purpose.ACQUIRE, 0, month)[0]
        mean = self.scenario.acquisition.monthly * self.scenario.floor.customers
        count = int(np.floor(mean + joins))
        self._win(count - self._warned_off(count, month, status), friends)
        self._customers.listed[:, 1] = 0
        if self._volume() < 1.0:
            self._move()
        desk.totals[:] = 0.0
        desk.team_totals[:] = 0.0
        self._carry_over(gone)
        desk.penalty[:] = 0.0
        desk.busy_month[:] = 0.0
        desk.duty_month[:] = 0.0
        desk.against[:] = 0.0
        desk.spirits[:] = desk.shifts[:] = 0.0
        if self.month < self.months:
            desk.bonds.goal[desk.scheme != self.scheme_by_month[self.month]] = 0.0
            desk.scheme[:] = self.scheme_by_month[self.month]

    def _spirits(self) -> Floats:
        """Give the mood in which each agent went home, on average over this month's days."""
        if "A8" in self.scenario.off:
            return np.zeros(self.seats)
        return self.desk.spirits / np.maximum(self.desk.shifts, 1.0)

    def _carry_over(self, gone: Any) -> None:
        """Book what those who stay held back, and let them owe what they booked ahead."""
        desk = self.desk
        sales, saves = np.where(gone, 0.0, desk.held)
        desk.totals[:, SALES] = sales
        desk.totals[:, SALES_VALUE] = sales * self.rules.value.product
        desk.totals[:, SAVES] = saves
        np.add.at(desk.team_totals, self.plan.team, desk.totals)
        desk.owed[:] = np.where(gone, 0.0, desk.ahead)
        desk.held[:] = 0.0
        desk.ahead[:] = 0.0

    def _set_goals(self) -> None:
        """Let managers set the goals of the next month by what was logged in this one."""
        if self.pressure is None:
            return
        bonds, scheme = self.desk.bonds, self.desk.scheme
        mine = np.flatnonzero(np.diff(self.goals.first)[scheme])
        bonds.goal[mine] = ratcheted(
            bonds.goal[mine],
            self.desk.reached[mine],
            bonds.driven[mine],
            self.goals.most[scheme[mine]],
            self.pressure,
        )

    def _volume(self) -> float:
        """Give the share of the clients' customers that is served here."""
        weights = np.array(self.scenario.contract.clients, float)
        return float((weights * self.accounts.kept).sum() / weights.sum())

    def _hear_clients(self, status: Any) -> None:
        """Count what clients see; at a review choose how hard to look, at a term's end renew."""
        accounts, renewal, month = self.accounts, self.scenario.renewal, self.month
        seen = self._seen(status)
        accounts.seen[:] += seen
        accounts.recent[:] += seen
        before = accounts.kept.copy(), float(accounts.level[0])
        how_content = centre.content(centre.gaps(accounts.seen, accounts.usual), renewal)[0]
        at_risk = self.renews & (accounts.kept > 0.0)
        odds = [np.where(at_risk, p, np.nan) for p in centre.chances(how_content, renewal)]
        decision = np.zeros(len(seen), np.int64)
        if self.renews:
            if "O6" not in self.scenario.off and (month + 1) % int(renewal.review) == 0:
                contract, audit = self.scenario.contract, self.scenario.audit
                centre.look(accounts, renewal, contract, audit, key=self.key, month=month)
            if (month + 1) % int(renewal.term) == 0:
                decision = centre.decide(accounts, renewal, key=self.key, month=month)
        counts = dict(zip(centre.SEEN, seen.T, strict=True))
        self.recorder.note_clients(self, counts, *before, odds, decision)

    def _seen(self, status: Any) -> Floats:
        """Count the month for each client: (clients, `centre.SEEN`)."""
        row = self._customers.row[: len(status)]
        log = self.recorder.log[: self.recorder.count]
        clients = len(self.scenario.contract.clients)
        of = row["client"][self._rows(log["customer"].astype(np.int64))]

        def contacts(chosen: Any) -> Ints:
            return np.bincount(of[chosen], minlength=clients)

        def customers(chosen: Any) -> Ints:
            return np.bincount(row["client"][chosen], minlength=clients)

        served, action = log["ended"] == 0, log["action"]
        passed = (action == Action.CUT_OFF) | (action == Action.TRANSFER)
        wish = (log["reason"] == Reason.CANCEL) & ~passed | (action == Action.LOG_SAVE)
        saves, sales = log["logged"] == Outcome.SAVED, log["logged"] == Outcome.SALE
        struck = log["audit"] >= 2
        first = (log["reason"] == Reason.COMPLAINT) & (log["attempt"] == 0)
        refunds = customers((status != NOT_AT_RISK) & (row["missold"] == REFUNDED))
        counted = (
            customers(status != NOT_AT_RISK),
            customers((status != NOT_AT_RISK) & (status != LeftBy.STAYING)),
            contacts(first) + refunds,
            contacts(served),
            contacts(served & wish),
            contacts(saves & ~struck),
            contacts(sales & ~struck),
            contacts(saves & (log["audit"] > 0)),
            contacts(saves & struck),
        )
        return np.array(counted, float).T

    def _follow_clients(self, share: float) -> None:
        """Look as hard as has been chosen; close the seats of what volume has gone since."""
        level, left = float(self.accounts.level[0]), self._volume()
        rates = {name: level * getattr(self.declared, name) for name in self.declared._fields}
        rates["penalty"] = self.declared.penalty
        self.rules = self.rules._replace(audit=self.declared._replace(**rates))
        if left == share:
            return
        if "A4" not in self.scenario.off:  # who is left has seen that jobs go
            risk = self.desk.bonds.risk
            risk[:] += (1.0 - left / share) * (1.0 - risk)
        still = centre.seats_open(self.plan, self.open, left)
        closed = np.flatnonzero(self.open & ~still)
        self.open[:] = still
        self.desk.rates[closed] = 0.0
        self._forget(closed)

    def _move(self) -> None:
        """Let the customers whom a client has served elsewhere go, newcomers among them."""
        row = self._customers.row[: self.n_customers]
        u = uniforms(self.key, Purpose.MOVE, row["uid"], 0)[:, 0]
        moved = (row["left"] == LeftBy.STAYING) & (u >= self.accounts.kept[row["client"]])
        row["left"][moved] = MOVED
        row["left_month"][moved] = self.month
        new = moved & (row["joined"] == self.month) & (row["initial"] == 0)
        person = row["uid"] >= PERSON
        self.moved_before += [(new & ~person).sum(), (new & person).sum()]

    def _talk(self, status: Any) -> Ints:
        """Let customers warn and recommend; give the addresses of those who will join."""
        word = self.rules.advocacy
        told = (self.month, *self.key, word)
        if word.warns > 0.0:
            warn(*told, self.rules.crowd, self._customers, status)
        if word.recommends == 0.0:
            return np.empty(0, np.int64)
        joining = np.empty(1024, np.int64)
        count = recommend(*told, self._customers, status, joining)
        if count > len(joining):
            joining = np.empty(count, np.int64)
            recommend(*told, self._customers, status, joining)
        return joining[:count]

    def _warned_off(self, count: int, month: int, status: Any) -> int:
        """Count who of those about to join asks a customer who warns this month, and stays away."""
        word, listed = self.rules.advocacy, self._customers.listed[:, 0]
        if word.warns == 0.0:
            return 0
        u = uniforms(self.key, Purpose.ACQUIRE, np.arange(count), month, block=1)
        asked = listed[(u[:, 0] * len(listed)).astype(np.int64)]
        upset = self._customers.row["satisfaction"][asked] <= word.upset
        upset &= status[asked] != NOT_AT_RISK
        uid = self._customers.row["uid"][asked]
        speaks = uniforms(self.key, Purpose.REFER, uid, month, block=SPEAKS)[:, 1] < word.warns
        return int((upset & speaks & (u[:, 1] < word.deters)).sum())

    def _turn_over(self, gone: Any) -> None:
        """Fill the seats of those who left with the next hires."""
        seats = np.flatnonzero(gone)
        if len(seats) == 0:
            return
        self.staff.hire[seats] += 1
        self._hire(seats)
        self.hired_month[seats] = self.month
        self._lost[seats] = 0.0
        self.desk.pace_pay[seats] = 0.0
        rates = self.desk.rates
        rates[seats] = rates[self.open].mean(axis=0)
        self._forget(seats)

    def _forget(self, seats: Ints) -> None:
        """Let nobody answer for what those who sat there did: who has left pays no penalty."""
        row, sold_by = self._customers.row, self._customers.sold_by
        gone = np.zeros(self.seats + 2, bool)  # by seat + 1, which is 0 for nobody
        gone[seats + 1] = True
        row["suppressed_by"][gone[row["suppressed_by"] + 1]] = -1
        row["cut_by"][gone[row["cut_by"]]] = 0
        sold_by[gone[sold_by // SELLER]] = 0

    def _rows(self, uid: Ints) -> Ints:
        """Find the rows in which customers with these addresses sit."""
        person = uid >= PERSON
        rows: Ints = self._customers.listed[np.where(person, 0, uid), 0]
        friends, theirs = self._friends
        rows[person] = theirs[np.searchsorted(friends, uid[person])]
        return rows

    def _lost_saves(self) -> Floats:
        """Count, by seat and month of the save, the logged saves whose customer has left since."""
        if not self.prices.claw.any():
            return self._lost
        log = self.recorder.log[: self.recorder.count]
        saved = log[(log["logged"] == Outcome.SAVED) & ((log["audit"] & 3) != 2)]
        month = np.full(len(saved), self.month)
        new = np.stack([saved["customer"], saved["agent"], saved["hire"], month]).astype(np.int64)
        self._saves = np.concatenate([self._saves, new], axis=1)
        customer, seat, hire, month = self._saves
        left = self._customers.row["left"][self._rows(customer)]
        gone = (left != LeftBy.STAYING) & (left != MOVED)
        own = gone & (self.staff.hire[seat] == hire)
        np.add.at(self._lost, (seat[own], month[own]), 1.0)
        self._saves = self._saves[:, ~gone]
        return self._lost
