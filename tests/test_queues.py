"""With gaming off, one skill and exponential times, the floor is M/M/c or M/M/c+M.

Days are long (thousands of service times) and independent, since each begins with an empty floor:
what happens before `WARM_UP` is dropped, and a day is a batch, from which standard errors come.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from reading.centre import as_read

import incentives as inc

OPEN = 1440.0  # minutes
WARM_UP = 60.0  # minutes: 130 to 600 service times
CUSTOMERS = 100_000
RATE = 0.1  # needs per customer and day, so that a day's count is nearly Poisson
PER_MINUTE = CUSTOMERS * -np.expm1(-RATE) / OPEN  # arrivals: one customer calls at most once a day
DAYS = 20  # per month
WITHIN = 0.5  # service times, for the service level


class Queue(NamedTuple):
    """What a queue does in the long run; times are in service times."""

    delayed: float
    abandoned: float
    wait: float  # of all, whether answered or not


def erlang(agents: int, load: float, impatience: float = 0.0) -> Queue:
    """Solve the birth-death chain of M/M/c (Erlang C) or M/M/c+M (Erlang A).

    `load` is in Erlangs; `impatience` is the mean service time over the mean patience.
    """
    weight, idle = 1.0, 0.0  # of the states with fewer than all agents busy, against all busy
    for busy in range(agents, 0, -1):
        weight *= busy / load
        idle += weight
    weight, full, queue, waiting = 1.0, 1.0, 0.0, 0
    while weight * (waiting + 1) > 1e-15 * full:
        waiting += 1
        weight *= load / (agents + waiting * impatience)
        full += weight
        queue += waiting * weight
    mean_queue = queue / (idle + full)
    return Queue(full / (idle + full), impatience * mean_queue / load, mean_queue / load)


def floor(agents: int, load: float, impatience: float = 0.0) -> inc.Scenario:
    """A centre that is nothing but a queue."""
    service = load / PER_MINUTE
    return (
        as_read(inc.Scenario(name="queue"))
        .without("G1", "G2", "G3", "G4", "G8", "A7", "A8", "O2", "O4", "O6")
        .change(
            {
                "floor.teams": 1,
                "floor.team_size": agents,
                "floor.customers": CUSTOMERS,
                "floor.opens": 0.0,
                "floor.minutes": OPEN,
                "floor.shift_starts": (0.0,),
                "floor.shift_minutes": (OPEN,),
                "floor.days": DAYS,
                "floor.pause": 0.0,
                "floor.shrinkage": 0.0,
                "needs.question": RATE * DAYS,
                "needs.complaint": 0.0,
                "needs.order": 0.0,
                "needs.spread": 0.0,
                "needs.returns": 0.0,
                "queueing.redials": 0.0,
                "queueing.patience": service / impatience if impatience else 1e9,
                "leaving.base": 1e-6,
                "acquisition.monthly": 0.0,
                "turnover.hazard": 0.0,
                "work.shape": "exponential",
                "work.question": service,
                "workforce.pace": 0.0,
                "surveys.invites": 0.0,
                **{
                    f"menu.{action}.minutes": 1.0
                    for action in ("rush", "serve", "care", "offer_after", "offer_first")
                },
            }
        )
    )


def contacts_of(centre: inc.Scenario, contacts: float, rng: int) -> pd.DataFrame:
    """Simulate about so many contacts; keep those after the warm-up and before the last hour.

    The contacts of a fifth of the customers are kept: neighbours in a queue wait alike, so that
    the others would add little.
    """
    months = int(np.ceil(contacts / (PER_MINUTE * OPEN * DAYS)))
    kept = inc.simulate(centre, months=months, rng=rng, keep=0.2).contacts
    after_closing = OPEN - WARM_UP  # nobody answers then, so that the last to come are no sample
    return kept[(kept["minute"] > WARM_UP) & (kept["minute"] < after_closing)]


def ratio(happened: pd.Series, day: pd.Series) -> tuple[float, float]:
    """Estimate a mean per contact, and its standard error from independent days."""
    total = happened.astype(float).groupby(day).sum()
    n = happened.groupby(day).size()
    mean = total.sum() / n.sum()
    return mean, float(np.sqrt(((total - mean * n) ** 2).sum()) / n.sum())


def agree(name: str, happened: pd.Series, day: pd.Series, formula: float) -> None:
    mean, error = ratio(happened, day)
    assert error < 0.01 * formula, f"{name}: the run is too short for a standard error below 1 %"
    assert abs(mean - formula) < 4 * error, f"{name}: {mean:.5f}, SE {error:.5f}, not {formula:.5f}"


@pytest.mark.quick
def test_the_formulas_give_the_published_figures() -> None:
    """Those of Garnett, Mandelbaum and Reiman (2002), MSOM 4(3), table 1.

    50 agents, 48 calls a minute of 1 minute each; patience without end, or 2 minutes.
    """
    patient, impatient = erlang(50, 48.0), erlang(50, 48.0, 0.5)
    assert round(60 * patient.wait, 1) == 20.8  # seconds
    assert round(60 * impatient.wait, 1) == 3.7
    assert round(100 * impatient.abandoned, 1) == 3.1  # per cent
    # M/M/1 by hand: delayed as often as busy, and rho / (1 - rho) service times
    assert erlang(1, 0.8) == pytest.approx((0.8, 0.0, 4.0))


def test_contacts_arrive_as_a_poisson_process_at_the_rate_of_the_calendar() -> None:
    kept = contacts_of(floor(4, 2.8), 4e5, rng=1)
    days = kept["day"].nunique()
    slots = np.linspace(WARM_UP, OPEN - WARM_UP, 133)  # of ten minutes
    counts = np.histogram2d(kept["day"], kept["minute"], bins=[np.arange(days + 1), slots])[0]
    rate = 0.2 * PER_MINUTE * np.diff(slots)[0]
    assert abs(counts.mean() - rate) < 4 * np.sqrt(rate / counts.size)
    dispersion = counts.var(ddof=1) / counts.mean()
    assert abs(dispersion - 1.0) < 4 * np.sqrt(2 / counts.size)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agents", "load", "contacts"),
    [(1, 0.6, 0.8e6), (2, 1.6, 2.5e6), (4, 2.8, 2.6e6), (10, 7.5, 6e6)],
)
def test_waits_are_those_of_erlang_c(agents: int, load: float, contacts: float) -> None:
    centre = floor(agents, load)
    kept = contacts_of(centre, contacts, rng=agents)
    formula = erlang(agents, load)
    waits = kept["wait_minutes"] * PER_MINUTE / load  # in service times
    in_time = 1.0 - formula.delayed * np.exp(-(agents - load) * WITHIN)
    agree("delayed", waits > 0, kept["day"], formula.delayed)
    agree("wait", waits, kept["day"], formula.wait)
    agree("in time", waits <= WITHIN, kept["day"], in_time)
    assert (kept["ended"] == "served").all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agents", "load", "impatience", "contacts"),
    [(1, 0.8, 0.5, 0.4e6), (4, 3.6, 0.25, 1.2e6), (10, 12.0, 0.5, 0.8e6), (20, 19.0, 0.5, 3.2e6)],
)
def test_waits_and_abandonment_are_those_of_erlang_a(
    agents: int, load: float, impatience: float, contacts: float
) -> None:
    kept = contacts_of(floor(agents, load, impatience), contacts, rng=agents)
    formula = erlang(agents, load, impatience)
    waits = kept["wait_minutes"] * PER_MINUTE / load  # in service times, of all who came
    agree("delayed", waits > 0, kept["day"], formula.delayed)
    agree("abandoned", kept["ended"] == "abandoned", kept["day"], formula.abandoned)
    agree("wait", waits, kept["day"], formula.wait)
