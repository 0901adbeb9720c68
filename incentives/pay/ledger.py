"""The account of every period: what is earned, paid, put off and taken back."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from incentives.columns import Bools, Floats, Ints, Totals
from incentives.pay.deferral import lines_of
from incentives.pay.goals import stretched
from incentives.pay.metrics import PaysSomething, with_team
from incentives.pay.own import amounts
from incentives.pay.scheme import Wage

__all__ = ["Ledger", "Payslip"]


class Payslip(NamedTuple):
    """What each agent's account shows for one period, in currency; arrays (agents,).

    ``paid = wage + bonus + released - clawed_back``.
    """

    wage: Floats  #: paid whatever was logged
    bonus: Floats  #: earned in this period and paid with it
    deferred: Floats  #: earned in this period and paid later, perhaps
    released: Floats  #: deferred earlier and paid now
    forfeited: Floats  #: deferred, and never to be paid: the agent left, or the save did not last
    clawed_back: Floats  #: paid earlier, or just now, and taken back
    paid: Floats  #: what is transferred; below 0 if more is taken back than is earned


class Ledger:
    """Settle pay at the end of every period: what is earned, paid, put off and taken back.

    Parameters
    ----------
    schemes
        As in `lower`; agents are under one of them at a time, by its number.
    n_agents
        Seats. A seat whose agent leaves goes to a successor, who owes and inherits nothing.
    months
        Periods that will be closed, from 0.

    Examples
    --------
    >>> from incentives.pay import PieceRate, example
    >>> ledger = Ledger([Wage(1_000) + PieceRate("saves", 5)], n_agents=2, months=1)
    >>> slip = ledger.close(0, example(saves=[3, 4]), np.array([0, 0]))
    >>> slip.paid
    array([1015., 1020.])
    """

    def __init__(self, schemes: Sequence[PaysSomething], n_agents: int, months: int) -> None:
        self._lines = [lines_of(scheme) for scheme in schemes]
        shape = (max(map(len, self._lines), default=0), months, n_agents)
        self._owed = np.zeros(shape)  # pay of each line and period that still stands
        self._pending = np.zeros(shape)  # the part of it that is yet to be paid
        self._periods: list[tuple[Totals, Ints, Floats]] = []

    @property
    def pending(self) -> Floats:
        """Return what is deferred and not yet paid or forfeited, for each agent, in currency."""
        return np.asarray(self._pending.sum(axis=(0, 1)))

    def close(
        self,
        month: int,
        totals: Totals,
        scheme_of: Ints,
        *,
        lost_saves: Floats | None = None,
        stayed: Bools | None = None,
        hired_month: Ints | None = None,
        employed: Bools | None = None,
        goal: Floats | None = None,
    ) -> Payslip:
        """Close a period and return what is paid for it.

        Parameters
        ----------
        month
            Periods are closed in order, from 0.
        totals
            What each agent logged in this period.
        scheme_of
            Each agent's scheme in this period, an integer array (agents,).
        lost_saves
            (agents, month + 1): of the saves that an agent logged in each period up to this one,
            those whose customers have left by now. None if none has.
        stayed
            Who is still employed after this period; those who are not lose what is deferred.
            None if all are.
        hired_month
            The first period of the agent who holds the seat now. None if all were there from 0.
        employed
            Seats that somebody held in this period; an empty seat is paid nothing. None if all.
        goal
            By how much each agent's goals were raised (`stretched`), 1 or more. None if no goal
            was.

        Raises
        ------
        ValueError
            The period is not the next one, or an array has the wrong shape.
        """
        n_agents = self._owed.shape[2]
        if month != len(self._periods) or month >= self._owed.shape[1]:
            raise ValueError(
                f"periods are closed in order: the next of {self._owed.shape[1]} is "
                f"{len(self._periods)}, got {month}"
            )
        if np.shape(scheme_of) != (n_agents,) or np.shape(totals.contacts) != (n_agents,):
            raise ValueError(
                f"totals and scheme_of must hold {n_agents} agents, got "
                f"{np.shape(totals.contacts)} and {np.shape(scheme_of)}"
            )
        here = np.ones(n_agents, dtype=np.bool_) if employed is None else np.asarray(employed)
        stays = here if stayed is None else np.asarray(stayed) & here
        hired = (
            np.zeros(n_agents, dtype=np.int64) if hired_month is None else np.asarray(hired_month)
        )
        kept = _only(totals, np.ones(n_agents, dtype=np.bool_))
        raised = np.ones(n_agents) if goal is None else np.array(goal, dtype=np.float64)
        self._periods.append((kept, np.where(here, scheme_of, -1), raised))

        wage, bonus, deferred = self._earn(month)
        lost = np.zeros((n_agents, month + 1)) if lost_saves is None else np.asarray(lost_saves)
        clawed_back, forfeited = self._claw(month, lost, hired, here)
        released = self._release(month, hired, here)
        forfeited = forfeited + self._forfeit(hired, stays)
        paid = wage + bonus + released - clawed_back
        return Payslip(wage, bonus, deferred, released, forfeited, clawed_back, paid)

    def _earn(self, month: int) -> tuple[Floats, Floats, Floats]:
        """Enter what was earned; return wages, bonuses paid at once and bonuses deferred."""
        totals, scheme_of, goal = self._periods[month]
        wage, bonus, deferred = np.zeros((3, len(scheme_of)))
        for number, lines in enumerate(self._lines):
            mine = scheme_of == number
            for at, line in enumerate(lines if mine.any() else ()):
                money = amounts(line.scheme, _counted_for(line.scheme, totals, mine, goal))
                if isinstance(line.scheme, Wage):
                    wage[mine] += money
                    continue
                self._owed[at, month, mine] = money
                self._pending[at, month, mine] = line.share * money
                bonus[mine] += money - line.share * money
                deferred[mine] += line.share * money
        return wage, bonus, deferred

    def _claw(self, month: int, lost: Floats, hired: Ints, here: Bools) -> tuple[Floats, Floats]:
        """Take back pay for lost saves, from what is pending first; return money and forfeits."""
        clawed_back, forfeited = np.zeros((2, len(hired)))
        for period, (totals, scheme_of, goal) in enumerate(self._periods):
            lasting = totals._replace(saves=np.maximum(totals.saves - lost[:, period], 0.0))
            for number, lines in enumerate(self._lines):
                mine = scheme_of == number
                for at, line in enumerate(lines if mine.any() else ()):
                    if line.claw < max(month - period, 1):
                        continue
                    owed, pending = self._owed[at, period, mine], self._pending[at, period, mine]
                    counted = _counted_for(line.scheme, lasting, mine, goal)
                    excess = np.maximum(owed - amounts(line.scheme, counted), 0.0)
                    waived = np.minimum(pending, excess)
                    self._owed[at, period, mine] = owed - excess
                    self._pending[at, period, mine] = pending - waived
                    forfeited[mine] += waived
                    clawed_back[mine] += np.where(
                        (here & (hired <= period))[mine], excess - waived, 0.0
                    )
        return clawed_back, forfeited

    def _release(self, month: int, hired: Ints, here: Bools) -> Floats:
        """Pay what is due now to those who are still there."""
        released = np.zeros(len(hired))
        for period, (_, scheme_of, _) in enumerate(self._periods):
            for number, lines in enumerate(self._lines):
                for at, line in enumerate(lines):
                    if line.delay and period + line.delay == month:
                        due = (scheme_of == number) & here & (hired <= period)
                        released[due] += self._pending[at, period, due]
                        self._pending[at, period, due] = 0.0
        return released

    def _forfeit(self, hired: Ints, stays: Bools) -> Floats:
        """Strike out what was deferred to agents who have left."""
        periods = np.arange(self._pending.shape[1])[:, np.newaxis]
        gone = ~stays | (periods < hired)
        forfeited = np.where(gone, self._pending, 0.0).sum(axis=(0, 1))
        self._pending[:, gone] = 0.0
        return np.asarray(forfeited)


def _counted_for(scheme: PaysSomething, totals: Totals, mine: Bools, goal: Floats) -> Totals:
    """Return the totals of some agents as a part of their scheme counts them."""
    return stretched(scheme, _only(totals, mine), goal[mine])


def _only(totals: Totals, mine: Bools) -> Totals:
    return with_team(
        (np.asarray(part)[mine] for part in totals[:-1]), np.asarray(totals.team)[mine]
    )
