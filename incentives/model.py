"""The Mesa face: a contact centre as a `mesa.Model`, whoever works there as `mesa.Agent`s.

Use `ContactCentre` to look at a floor day by day, to pick agents out of it, to collect what you
like, or to step in with a rule of your own; use `simulate` for many runs. Both drive the same
world: on the same key they leave the same records, to the byte, and neither Mesa's random numbers
nor anything that is collected can move them.

Customers are rows, not objects; an agent object is a view of one seat's row.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import mesa
import numpy as np
from numpy.typing import ArrayLike

from incentives._draws import Purpose, exp, key_of, uniform
from incentives.columns import (
    ACCUMULATORS,
    CANCELS,
    CONTACTS,
    DAY,
    QA_N,
    QA_SUM,
    SALES,
    SALES_VALUE,
    SAVES,
    SURVEY_N,
    SURVEY_SUM,
    Floats,
)
from incentives.records import GAMING, Keep, Records
from incentives.scenario import Scenario
from incentives.staff import CULTURES
from incentives.world import World

__all__ = ["ContactCentre", "FrontlineAgent", "Manager"]


class SoFar(NamedTuple):
    """What each seat's present agent has done: in the months that are closed, and gamed to date."""

    logged: Floats  #: (seats, accumulators)
    busy: Floats  #: minutes on contacts
    duty: Floats  #: minutes on duty
    paid: Floats  #: money
    gamed: Floats  #: contacts


def _trait(column: str, says: str) -> property:
    """Make a property that reads and writes one column of the staff, in the agent's row."""

    def get(agent: "FrontlineAgent") -> float:
        return float(getattr(agent._world.staff, column)[agent.seat])

    def put(agent: "FrontlineAgent", value: float) -> None:
        if not np.isfinite(value):
            raise ValueError(f"{column} must be a finite number, got {value!r}")
        getattr(agent._world.staff, column)[agent.seat] = value

    return property(get, put, doc=says)


def _state(column: str, says: str) -> property:
    """Make a property that reads what treatment has made of the agent since it was hired."""

    def get(agent: "FrontlineAgent") -> float:
        return float(getattr(agent._world.desk.bonds, column)[agent.seat].sum())

    return property(get, doc=says)


def _logged(accumulator: int, says: str) -> property:
    """Make a property that gives what the agent has logged since it was hired."""

    def get(agent: "FrontlineAgent") -> float:
        this_month = agent._world.desk.totals[agent.seat, accumulator]
        return float(agent.model.so_far.logged[agent.seat, accumulator] + this_month)

    return property(get, doc=says)


class FrontlineAgent(mesa.Agent):
    """One agent, for as long as it works there: a view of its seat's row.

    Tastes, such as `conscience` and `care`, can be read and set. What the agent has done counts
    from the day it was hired; a rate of nothing is 0, as pay has it. When the agent quits, its
    object leaves the model and a new one, with a new `unique_id`, takes the seat.

    Examples
    --------
    >>> import incentives as inc
    >>> model = inc.ContactCentre(inc.Scenario(floor=inc.Floor(teams=1, customers=300)), rng=1)
    >>> model.run(days=5)
    >>> agent = model.seats[2]
    >>> agent.team, 0 <= agent.gaming_rate <= 1
    (0, True)
    """

    seat: int  #: where the agent sits, from 0
    team: int  #: its team, from 0
    hire: int  #: how many have sat there before
    kind: str  #: the archetype it was drawn from, such as "mercenary"
    since: int  #: the month in which it was hired

    def __init__(self, model: "ContactCentre", seat: int) -> None:
        super().__init__(model)
        world = model.world
        self.seat = int(seat)
        self.team = int(world.plan.team[seat])
        self.hire = int(world.staff.hire[seat])
        self.kind = world.scenario.workforce.archetypes[world.staff.kind[seat]].name
        self.since = world.month

    @property
    def _world(self) -> World:
        """The arrays behind the agent, as long as its row is its own."""
        world: World = self.model.world
        if world.staff.hire[self.seat] != self.hire:
            raise RuntimeError(
                f"agent {self.unique_id} has left seat {self.seat}; "
                "model.agents holds those who work there now"
            )
        return world

    # -- what the agent is -----------------------------------------------------------------------

    @property
    def is_mercenary(self) -> bool:
        """Whether the agent is of the kind "mercenary"."""
        return self.kind == "mercenary"

    @property
    def is_loyal(self) -> bool:
        """Whether the agent is of the kind "loyal"."""
        return self.kind == "loyal"

    @property
    def scheme(self) -> str:
        """Label of the pay scheme that the agent is under this month."""
        world = self._world
        return world.policies[world.desk.scheme[self.seat]][0]

    conscience = _trait("kappa", "What a lie costs the agent whatever it gains (money).")
    care = _trait("care", "Worth of a customer's gain to the agent (money per money).")
    employer = _trait("employer", "Worth of the employer's gain to the agent (money per money).")
    standing = _trait("standing", "Cost of a contact's time in the ranking (money).")
    effort = _trait("effort", "Cost of a minute's work (money).")
    fear = _trait("fear", "Weight of a penalty to be expected (money per money).")
    risk = _trait("risk", "Aversion to chancy pay (1 per money).")
    pay_taste = _trait("pay", "Weight of pay (money per money).")
    reluctance = _trait("reluctance", "Reluctance to cut a contact off (log odds).")
    ability = _trait("ability", "Rank in ability, 0 to 1.")
    pace = _trait("pace", "Handle time against the average agent's (ratio).")
    closing = _trait("closing", "Chance to close against the average agent's (ratio).")

    regard = _state("employer", "Regard for the employer, log of the ratio to as hired (A2).")
    strain = _state("strain", "Strain over all clients from repeats that are their doing (A3).")
    worry = _state("risk", "Belief that the job is at risk, 0 to 1 (A4).")
    norm = _state("norm", "Share of those in sight known to lie, as it has sunk in (A5).")
    coached = _state("skill", "What has been taken in of coaching, 0 to 1 (A6).")
    pressure = _state("pressed", "Strain from being behind the goals, log of care lost (P4).")

    @property
    def goal(self) -> float:
        """By how much the agent's goals are raised, 1 where the scheme puts them (P4)."""
        return float(exp(self._world.desk.bonds.goal[self.seat]))

    @property
    def culture(self) -> str:
        """What the agent holds the job to be: "service" or "sales" (A5)."""
        return CULTURES[int(self._world.desk.bonds.sales_minded[self.seat])]

    @property
    def manager(self) -> "Manager":
        """Who manages the agent's team."""
        manager: Manager = self.model.managers[self.team]
        return manager

    @property
    def belief(self) -> float:
        """Believed chance that a contact is checked, 0 to 1."""
        staff = self._world.staff
        return float(staff.checks[self.seat] / staff.contacts[self.seat])

    @belief.setter
    def belief(self, chance: float) -> None:
        staff = self._world.staff
        staff.checks[self.seat] = chance * staff.contacts[self.seat]

    # -- what the agent has done -----------------------------------------------------------------

    contacts = _logged(CONTACTS, "Contacts handled since hired.")
    cancels = _logged(CANCELS, "Cancellations handled since hired.")
    saves = _logged(SAVES, "Saves logged since hired.")
    sales = _logged(SALES, "Sales logged since hired.")
    sales_value = _logged(SALES_VALUE, "Value of the sales logged since hired (money).")
    surveys = _logged(SURVEY_N, "Survey answers about the agent since hired.")
    _survey_sum = _logged(SURVEY_SUM, "Sum of the scores in them.")
    scored = _logged(QA_N, "Contacts scored since hired.")
    _qa_sum = _logged(QA_SUM, "Sum of their QA scores.")

    @property
    def save_rate(self) -> float:
        """Saves logged per cancellation handled, 0 to 1."""
        return _ratio(self.saves, self.cancels)

    @property
    def survey_score(self) -> float:
        """Mean score in surveys, 0 to 10."""
        return _ratio(self._survey_sum, self.surveys)

    @property
    def qa_score(self) -> float:
        """Mean QA score of the contacts scored, 0 to 100."""
        return _ratio(self._qa_sum, self.scored)

    @property
    def gamed(self) -> int:
        """Contacts gamed since hired: the truth, which nobody in the firm knows."""
        return int(self._so_far("gamed"))

    @property
    def gaming_rate(self) -> float:
        """Share of contacts gamed since hired, 0 to 1: the truth."""
        return _ratio(self.gamed, self.contacts)

    @property
    def occupancy(self) -> float:
        """Share of the time on duty that was spent on contacts, 0 to 1."""
        desk = self._world.desk
        busy = self._so_far("busy") + desk.busy_month[self.seat]
        return _ratio(busy, self._so_far("duty") + desk.duty_month[self.seat])

    @property
    def paid(self) -> float:
        """Pay for the months closed since hired (money)."""
        return self._so_far("paid")

    @property
    def logged_this_month(self) -> dict[str, float]:
        """What the agent has logged in this pay period: what its scheme will pay for."""
        row = self._world.desk.totals[self.seat]
        return dict(zip(ACCUMULATORS, row.tolist(), strict=True))

    @property
    def rank(self) -> float:
        """Place in the team by contacts handled this month, 0 first to 1 last."""
        return float(self._world.desk.rank[self.seat])

    @property
    def present(self) -> bool:
        """Whether the agent was at work on the last day."""
        return bool(self._world.desk.present[self.seat])

    def _so_far(self, what: str) -> float:
        """Look the agent up in what has been done, as long as its row is its own."""
        seat, _ = self.seat, self._world
        return float(getattr(self.model.so_far, what)[seat])

    def __repr__(self) -> str:
        return (
            f"<FrontlineAgent {self.unique_id}: {self.kind}, seat {self.seat}, team {self.team}, "
            f"hire {self.hire}>"
        )


class Manager(mesa.Agent):
    """The manager of a team (A5, P4): a view of the team's row, and of who works there now.

    Managers stay for as long as the model runs. They are in `ContactCentre.managers`, by team, and
    not in `agents`, which holds who answers customers.

    Examples
    --------
    >>> import incentives as inc
    >>> model = inc.ContactCentre(inc.Scenario(floor=inc.Floor(teams=2, customers=300)), rng=1)
    >>> manager = model.managers[1]
    >>> [agent.team for agent in manager.agents]
    [1, 1, 1, 1]
    >>> manager.background in ("service", "sales")
    True
    """

    team: int  #: the team, from 0

    def __init__(self, model: "ContactCentre", team: int) -> None:
        super().__init__(model)
        model.deregister_agent(self)
        self.team = int(team)

    @property
    def background(self) -> str:
        """Where the manager rose: in "service" or in "sales"."""
        return CULTURES[int(self.model.world.managers.sales[self.team])]

    @property
    def norm(self) -> float:
        """How strict the manager is against others, in standard deviations."""
        return float(self.model.world.managers.norm[self.team])

    @property
    def tolerance(self) -> float:
        """Chance that the manager lets a case of gaming that a check has found pass (P4)."""
        return float(self.model.world.managers.tolerance[self.team])

    @property
    def agents(self) -> list[FrontlineAgent]:
        """Who works in the team now, by seat."""
        return [agent for agent in self.model.seats if agent.team == self.team]

    @property
    def resisted(self) -> float:
        """Share of the team whose culture is not the manager's, 0 to 1."""
        differ = [agent.culture != self.background for agent in self.agents]
        return _ratio(sum(differ), len(differ))

    def __repr__(self) -> str:
        return f"<Manager {self.unique_id}: team {self.team}, from {self.background}>"


class ContactCentre(mesa.Model):
    """A contact centre as a Mesa model: a step is a working day.

    `agents` is always who works there now; `seats` lists the same agents by seat. After each day
    `today` holds the floor's figures, and the data collector has been run.

    Parameters
    ----------
    spec
        A scenario, the name of one that ships, or the path of a TOML file.
    rng
        A seed, 0 or more, or a seed sequence; fresh luck if left out.
    months
        How long the centre can run, 1 or more.
    replication
        As in `simulate`: replication k of a seed is the same world here and there.
    keep, choices
        What the records keep; see `simulate`.
    on_day
        Your own rule, called with the model when a day (and the month's end, if it was one) is
        over. It may read anything and set agents' tastes; luck it takes from `uniform`.
    model_reporters, agent_reporters
        For the data collector, as Mesa has them; without, the figures of `today`, and no agents.

    Notes
    -----
    `mesa.batch_run` takes seeds as ``rng=[1, 2]`` from Mesa 3.5 on, and before that among its
    parameters: ``{"spec": centre, "rng": [1, 2]}``. Without seeds every run has luck of its own.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=300))
    >>> model = inc.ContactCentre(centre, rng=1, months=1)
    >>> model.run(days=20)
    >>> frontline = model.agents_by_type[inc.FrontlineAgent]
    >>> float(frontline.agg("gaming_rate", max)) <= 1
    True
    >>> offered = model.datacollector.get_model_vars_dataframe()["offered"]
    >>> int(offered.sum()) == len(model.records().contacts)
    True
    """

    running: bool  #: False once the last day has been lived
    spec: Scenario  #: what the centre is (Mesa keeps `scenario` for itself)
    world: World  #: the arrays behind the agents
    seats: list[FrontlineAgent]  #: who sits where
    managers: list[Manager]  #: who manages which team
    so_far: SoFar  #: by seat, what its present agent has done
    today: dict[str, float]  #: the figures of the last day

    def __init__(
        self,
        spec: Scenario | str | Path,
        rng: int | np.random.SeedSequence | None = None,
        *,
        months: int = 24,
        replication: int = 0,
        keep: Keep = "contacts",
        choices: float = 0.0,
        on_day: Callable[["ContactCentre"], None] | None = None,
        model_reporters: Mapping[str, Any] | None = None,
        agent_reporters: Mapping[str, Any] | None = None,
    ) -> None:
        for name, value, least in (("months", months, 1), ("replication", replication, 0)):
            if value != int(value) or value < least:
                raise ValueError(
                    f"ContactCentre: {name} must be a whole number, {least} or more, got {value!r}"
                )
        seed = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(rng)
        low, high = key_of(seed, replication)
        super().__init__(rng=int(high) << 32 | int(low))  # for shuffles: the world has its own luck
        self.spec = spec if isinstance(spec, Scenario) else Scenario.load(spec)
        self.world = World(
            self.spec,
            rng=seed,
            replication=replication,
            run=replication,
            months=months,
            keep=keep,
            choices=choices,
        )
        seats = self.world.seats
        self.so_far = SoFar(np.zeros((seats, len(ACCUMULATORS))), *np.zeros((4, seats)))
        self.seats = list(FrontlineAgent.create_agents(self, seats, seat=np.arange(seats)))
        teams = range(len(self.world.managers.sales))
        self.managers = [Manager(self, team) for team in teams]
        self.today = self._figures(0)
        self.on_day = on_day
        self.datacollector = mesa.DataCollector(
            {name: _figure(name) for name in self.today}
            if model_reporters is None
            else model_reporters,
            agent_reporters,
        )
        self.datacollector.collect(self)

    @property
    def day(self) -> int:
        """Working days lived so far."""
        return self.world.day

    @property
    def month(self) -> int:
        """Months closed so far."""
        return self.world.month

    @property
    def customers(self) -> int:
        """Customers who have not left."""
        return self.world.active_customers

    def step(self) -> None:
        """Live one working day, with the month's end if it is one; then collect.

        The step after the last day does nothing but set `running` to False; there is none after
        that, nor after `run` to the end.
        """
        world, recorder = self.world, self.world.recorder
        if world.month == world.months and self.running:
            self.running = False
            return
        first, before, month = recorder.count, recorder.logged + recorder.count, world.month
        world.live()
        written = recorder.logged + recorder.count - before
        self._look_back(recorder.log[first : first + written])
        if world.month > month:
            self._close_month()
        if self.on_day is not None:
            self.on_day(self)
        self.datacollector.collect(self)

    def run(self, days: int | None = None) -> None:
        """Run for so many working days, or to the end.

        Parameters
        ----------
        days
            0 or more, and no more than are left.
        """
        left = self.world.months * self.world.days - self.day
        if days is None:
            days = left
        if not 0 <= days <= left:
            raise ValueError(
                f"run: days must lie between 0 and {left}, what is left of the "
                f"{self.world.months} months the model was made for, got {days!r}"
            )
        for _ in range(days):
            self.step()
        self.running = days < left

    def records(self) -> Records:
        """Give the records of the months closed so far."""
        return self.world.records()

    def uniform(
        self, entity: ArrayLike, when: ArrayLike | None = None, which: ArrayLike = 0
    ) -> Any:
        """Draw uniforms for a rule of your own, each by its address.

        An address always gives the same number and moves nobody else's luck. Give the same person
        the same address under every policy: an agent is (seat, hire).

        Parameters
        ----------
        entity, when, which
            Whom, when and what for, whole numbers of 0 or more, or arrays of them; `when` is the
            day if left out.

        Examples
        --------
        >>> import incentives as inc
        >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=300))
        >>> model = inc.ContactCentre(centre, rng=1)
        >>> model.uniform(3, when=10) == model.uniform(3, when=10)
        True
        """
        drawn = uniform(
            self.world.key, Purpose.HOOK, entity, self.day if when is None else when, which
        )
        return drawn if drawn.ndim else float(drawn)

    # -- bookkeeping -----------------------------------------------------------------------------

    def _look_back(self, log: Any) -> None:
        """Take in what the day has written into the log: the truth about it."""
        gamed = log["agent"][GAMING[log["action"]] > 0]
        self.so_far.gamed[:] += np.bincount(gamed, minlength=self.world.seats)
        self.today = self._figures(len(gamed))

    def _close_month(self) -> None:
        """Add the month to what agents have done, and let successors take their seats."""
        month, so_far = self.world.recorder.pieces["agents"][-1], self.so_far
        mine = month["agent"]  # who has a seat: where volume has gone, seats are closed
        so_far.logged[mine] += np.column_stack([month[f"logged_{name}"] for name in ACCUMULATORS])
        so_far.busy[mine] += month["minutes_busy"]
        so_far.duty[mine] += month["minutes_on_duty"]
        so_far.paid[mine] += month["paid"]
        gone = np.flatnonzero(self.world.staff.hire != [agent.hire for agent in self.seats])
        for column in so_far:
            column[gone] = 0.0
        for seat in gone:
            self.seats[seat].remove()
            self.seats[seat] = FrontlineAgent(self, int(seat))

    def _figures(self, gamed: int) -> dict[str, float]:
        """Give the day's figures as the trade knows them; what nothing happened for is missing."""
        day = dict(zip(DAY, self.world.desk.day.tolist(), strict=True))
        return {
            "offered": day["offered"],
            "answered": day["answered"],
            "abandoned": day["abandoned"],
            "service_level": _ratio(day["within"], day["offered"], np.nan),
            "wait_minutes": _ratio(day["wait"], day["answered"], np.nan),
            "handle_minutes": _ratio(day["busy"], day["answered"], np.nan),
            "occupancy": _ratio(day["busy"], day["duty"], np.nan),
            "gaming_rate": _ratio(gamed, day["answered"], np.nan),
            "customers": float(self.customers),
        }


def _figure(name: str) -> Callable[[ContactCentre], float]:
    """Make a reporter of one of the day's figures."""
    return lambda model: model.today[name]


def _ratio(part: float, whole: float, empty: float = 0.0) -> float:
    return float(part / whole) if whole > 0 else empty
