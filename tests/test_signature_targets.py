"""Target pressure (P4): what managers from sales do to goals, and goals to those who work.

Goals ratchet up on what was logged; strain and gaming rise with them, and what is truly done does
not. Each number is set against a twin without P4; the mutant is a goal that is as high on average
and never moves.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives.columns import ACCUMULATORS, N_ACCUMULATORS, SAVES
from incentives.pay import Ledger, Reference, example, lower
from incentives.pay.goals import (
    attained,
    goals_of,
    lower_goals,
    ratcheted,
    stretched,
    under_pressure,
)
from incentives.pay.prices import price, stand
from incentives.staff import draw_managers
from incentives.world import World

WORLDS, MONTHS = 20, 6
NEEDED = 4.0  # standard errors
GOAL = 0.2  # saves logged per wish to cancel: less than is logged when it pays
SETTLED = {"target_pressure.tolerance": 0.0, "target_pressure.spread": 0.0}


def a_centre(**values: Any) -> inc.Scenario:
    """Twelve agents, under managers from sales, whose customers often want out."""
    return inc.Scenario().change(
        {
            "floor.teams": 2,
            "floor.team_size": 6,
            "floor.customers": 7_500,
            "floor.minutes": 330.0,
            "floor.shift_minutes": (330.0,),
            "floor.pause": 30.0,
            "leaving.base": 0.06,
            "acquisition.monthly": 0.06,
            "turnover.hazard": 0.0,
            "identity.sales_managers": 1.0,
            **values,
        }
    )


def for_saves(goal: float, **values: Any) -> inc.Scenario:
    """The same with a bonus for so many saves per wish to cancel."""
    scheme = inc.Wage() + inc.Target("save_rate", goal, lump=300.0)
    slow = {"target_pressure.up": 0.4, "target_pressure.cap": 4.0}
    return a_centre(**SETTLED | slow | values).change({"scheme": scheme})


def run(scenario: inc.Scenario, **settings: Any) -> inc.Records:
    settings = {"replications": WORLDS, "months": MONTHS, "rng": 3, "keep": "cells"} | settings
    return inc.simulate(scenario, **settings)


def per_wish(records: inc.Records, column: str, *values: str) -> pd.DataFrame:
    """Give the share of wishes served with such an action or outcome: runs x months."""
    cells = records.cells[(records.cells["agent"] >= 0) & (records.cells["reason"] == "cancel")]
    wishes = cells[~cells["true_action"].isin(["cut_off", "transfer"])]
    count = wishes.pivot_table("n", "run", "month", aggfunc="sum")
    chosen = wishes[wishes[column].isin(values)].pivot_table("n", "run", "month", aggfunc="sum")
    return chosen.reindex_like(count).fillna(0.0) / count


def gamed(records: inc.Records) -> pd.DataFrame:
    return per_wish(records, "true_action", "fabricate", "suppress")


def kept(records: inc.Records) -> pd.DataFrame:
    return per_wish(records, "true_outcome", "saved")


def of_agents(records: inc.Records, column: str) -> pd.DataFrame:
    return records.agents.pivot_table(column, "run", "month", aggfunc="mean")


def later(frame: pd.DataFrame) -> np.ndarray:
    """The mean of each run once goals could have moved."""
    return frame.loc[:, 1:].mean(axis=1).to_numpy()


def climb(frame: pd.DataFrame) -> np.ndarray:
    """By how much each run's last two months lie above the first in which anybody wanted out."""
    return (frame.loc[:, MONTHS - 2 :].mean(axis=1) - frame[1]).to_numpy()


def z(values: np.ndarray) -> float:
    """Give the mean in Monte-Carlo standard errors."""
    return float(values.mean() / (values.std(ddof=1) / np.sqrt(len(values))))


@pytest.fixture(scope="module")
def driven() -> inc.Records:
    return run(for_saves(GOAL))


@pytest.fixture(scope="module")
def left_alone() -> inc.Records:
    return run(for_saves(GOAL).without("P4"))


# -- the signature ------------------------------------------------------------------------------


def test_goals_strain_and_gaming_rise_and_performance_does_not(driven, left_alone):
    goals, strain = of_agents(driven, "goal"), of_agents(driven, "true_pressure")
    assert (goals.diff(axis=1).dropna(axis=1).mean() > 0).all()
    assert z(later(goals) - 1.0) > NEEDED
    assert z(later(strain)) > NEEDED
    more_gamed = gamed(driven) - gamed(left_alone)
    assert z(later(more_gamed)) > NEEDED
    assert z(climb(more_gamed)) > NEEDED
    more_kept = kept(driven) - kept(left_alone)
    assert z(later(more_kept)) < 2.0
    assert z(climb(more_kept)) < 2.0
    assert z(later(more_gamed) - 4.0 * later(more_kept)) > NEEDED


def test_the_log_shows_the_performance_that_is_not_there(driven, left_alone):
    logged = [per_wish(each, "logged_outcome", "saved") for each in (driven, left_alone)]
    reported, true = later(logged[0] - logged[1]), later(kept(driven) - kept(left_alone))
    assert z(reported) > NEEDED
    assert z(reported - true) > NEEDED


def test_under_managers_from_service_the_world_is_as_without():
    """They leave goals alone: to the last bit, since the draws of nobody have moved."""
    service = for_saves(GOAL, **{"identity.sales_managers": 0.0})
    short = {"months": 3, "replications": 4}
    with_them, without = run(service, **short), run(service.without("P4"), **short)
    pd.testing.assert_frame_equal(with_them.cells, without.cells, check_exact=True)
    assert (with_them.agents["goal"] == 1.0).all()
    assert (with_them.agents["true_pressure"] == 0.0).all()
    driven_there = for_saves(
        GOAL, **{"identity.sales_managers": 0.0, "target_pressure.service": 1.0}
    )
    assert (run(driven_there, months=3, replications=1).agents["goal"] > 1.0).any()


def test_a_goal_as_high_from_the_start_makes_gaming_higher_and_not_rising(driven, left_alone):
    height = float(later(of_agents(driven, "goal")).mean())
    mutant = run(for_saves(GOAL * height).without("P4"))
    assert z(later(gamed(mutant) - gamed(left_alone))) > NEEDED / 2
    assert abs(z(climb(gamed(mutant) - gamed(left_alone)))) < 2.5
    assert z(climb(gamed(driven) - gamed(mutant))) > NEEDED
    assert (mutant.agents["true_pressure"] == 0.0).all()


def test_where_nobody_has_a_goal_nothing_is_driven():
    scheme = inc.Wage() + inc.PieceRate("saves", 8.0) + inc.Tournament("sales", (40.0,))
    paid = a_centre(**SETTLED).change({"scheme": scheme})
    pressed, off = (run(each, months=2, replications=2) for each in (paid, paid.without("P4")))
    pd.testing.assert_frame_equal(pressed.agents, off.agents, check_exact=True)
    pd.testing.assert_frame_equal(pressed.cells, off.cells, check_exact=True)


def test_goals_rise_in_the_teams_that_are_driven_and_in_no_other():
    mixed = for_saves(GOAL, **{"identity.sales_managers": 0.5, "floor.teams": 4})
    world = World(mixed, rng=3, months=3)
    world.run()
    driven_seats = world.managers.sales[world.plan.team] == 1
    assert 0 < driven_seats.sum() < world.seats
    goal, pressed = world.desk.bonds.goal, world.desk.bonds.pressed
    assert goal[driven_seats].mean() > 0.1
    assert (goal[~driven_seats] == 0.0).all()
    assert (pressed[~driven_seats] == 0.0).all()


def test_switched_off_none_of_its_numbers_matters():
    base = for_saves(GOAL)
    other = base.change(
        {f"target_pressure.{each.name}": each.high for each in inc.TargetPressure.parameters()}
    )
    one, two = (run(each.without("P4"), months=2, replications=2) for each in (base, other))
    for name in ("cells", "agents", "customers", "audits", "days"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)
    apart = run(other, months=2, replications=2)
    assert not apart.agents["true_pressure"].equals(one.agents["true_pressure"])


# -- what strain and tolerance do ---------------------------------------------------------------

BEYOND = inc.Wage() + inc.Target("saves", 60, lump=100.0)  # nobody comes near it


def test_being_behind_makes_willing_work_rarer_and_people_leave():
    hopeless = a_centre(**SETTLED).change({"scheme": BEYOND, "turnover.hazard": 0.03})
    both = (hopeless, hopeless.without("P4"))
    on, off = (run(each, months=4, replications=12) for each in both)
    assert z(willing(on) - willing(off)) < -NEEDED
    assert z(quits(on) - quits(off)) > 2.0
    assert (on.agents["goal"] == 1.0).all()  # nobody beats it, so nobody raises it


def test_a_tolerant_manager_asks_for_fewer_penalties_and_gets_more_gaming():
    checked = for_saves(GOAL, **CHECKED)
    strict, soft = (
        run(checked.change({"target_pressure.tolerance": t}), replications=6, months=4)
        for t in (0.0, 0.9)
    )
    assert (asked(strict) == 1.0).all()
    assert asked(soft).mean() == pytest.approx(0.1, abs=0.05)
    assert z(later(gamed(soft) - gamed(strict))) > NEEDED


# -- the rules, by hand -------------------------------------------------------------------------


def test_a_goal_ratchets_by_a_share_of_the_excess_and_hardly_down():
    pressure = inc.TargetPressure(up=0.5, down=0.1, cap=1.5)
    height, drive = np.log([1.0, 1.2, 1.2, 1.45, 1.0]), np.array([1.0, 1.0, 0.0, 1.0, 1.0])
    reached = np.array([1.44, 0.81, 1.44, 1.44, 0.5])
    after = np.exp(ratcheted(height, reached, drive, np.inf, pressure))
    np.testing.assert_allclose(after, [1.2, 1.2 * 0.81**0.1, 1.2, 1.5, 1.0])
    capped = ratcheted(np.zeros(1), np.array([9.0]), np.ones(1), 1.1, pressure)
    np.testing.assert_allclose(np.exp(capped), 1.1)


def test_strain_grows_with_what_is_missing_by_now_and_wears_off():
    pressure = inc.TargetPressure(wears=0.2, recovers=0.1)
    after = [
        under_pressure(0.5, reached, 0.5, drive, pressure)
        for reached, drive in ((0.4, 1.0), (1.3, 1.0), (0.4, 0.0))
    ]
    np.testing.assert_allclose(after, [0.45 + 0.2 * 0.5 * 0.6, 0.45, 0.45])


def test_the_goal_of_a_ladder_is_its_lowest_step_that_pays():
    ladder = inc.Tiers("save_rate", ((0.75, 0), (0.80, 750), (0.85, 1_000)), pays="lump")
    (goal,) = goals_of(inc.Wage() + inc.Deferred(ladder, months=1))
    assert (goal.metric, goal.threshold) == ("save_rate", 0.8)
    assert goal.most == pytest.approx(1.0 / 0.85)
    pool = inc.TeamPool("saves", threshold=40, lump=100.0)
    piece = inc.PieceRate("saves", 2.0, above=10)
    assert goals_of(inc.Wage() + pool + piece + inc.Tournament("sales", (10.0,))) == ()
    assert goals_of(inc.Wage()) == ()


def test_of_several_goals_the_one_furthest_behind_counts():
    count, rate = inc.Target("saves", 20, lump=1.0), inc.Target("save_rate", 0.4, lump=1.0)
    goals = lower_goals([inc.Wage(), count + rate, rate])
    totals = np.array(example(saves=[15, 12, 0], cancels=[25, 40, 0])[:-1]).T

    def over(scheme: int, factor: tuple[float, ...], elapsed: float) -> list[float]:
        each = zip(totals, factor, strict=True)
        return [attained(goals, scheme, logged, by, elapsed) for logged, by in each]

    np.testing.assert_allclose(over(1, (1.0, 1.0, 1.0), 1.0), [0.75, 0.6, 0.0])
    np.testing.assert_allclose(over(1, (1.0, 1.0, 1.0), 0.5), [1.5, 0.75, 0.0])
    np.testing.assert_allclose(over(2, (1.2, 1.0, 1.0), 1.0), [1.25, 0.75, 1.0])


def test_pay_is_for_results_over_the_goal():
    scheme = (
        inc.Wage(1_000)
        + inc.Target("save_rate", 0.4, lump=80)
        + inc.Clawback(inc.Deferred(inc.Target("saves", 10, rate=3.0), months=1, share=0.5), 1)
        + inc.PieceRate("saves", 2.0)
    )
    ledger = Ledger([scheme], n_agents=2, months=1)
    totals = example(saves=[11, 12], cancels=[25, 25])
    slip = ledger.close(0, totals, np.zeros(2, int), goal=np.array([1.0, 1.2]))
    np.testing.assert_allclose(slip.wage, 1_000)
    np.testing.assert_allclose(slip.bonus, [80 + 1.5 + 22, 80 + 0.0 + 24])
    np.testing.assert_allclose(slip.deferred, [1.5, 0.0])
    assert stretched(scheme, totals, np.array([2.0, 2.0])) is totals  # a sum is no part


def priced(scheme: inc.Scheme, row: np.ndarray, days_left: float, factor: float) -> float:
    """What one more save is worth under a goal so many times as high."""
    reference = Reference(contacts=300.0, cancels=40.0, saves=16.0)
    prices, ease = lower([scheme], reference=reference), 1.0 / factor - 1.0
    rates = np.zeros(N_ACCUMULATORS)
    rates[:3] = 15.0, 2.0, 0.8
    at, cut = np.zeros((len(prices.kind), 4)), np.zeros((len(prices.kind), 1))
    rows = (row[None], rates[None], row[None], rates[None])
    stand(prices, 0, *rows, 0, 0, days_left, 20.0, cut, at, True, ease)
    return price(prices, 0, at, True, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ease)


@pytest.mark.parametrize("days_left", [0.0, 2.0, 10.0])
@pytest.mark.parametrize("saves", [10.0, 13.0, 15.0])
def test_prices_under_a_raised_goal_are_those_of_a_higher_threshold(days_left, saves):
    row = np.zeros(N_ACCUMULATORS)
    row[[ACCUMULATORS.index("contacts"), ACCUMULATORS.index("cancels"), SAVES]] = 280, 36, saves
    raised = priced(inc.Target("save_rate", 0.35, lump=100.0), row, days_left, 1.2)
    higher = priced(inc.Target("save_rate", 0.42, lump=100.0), row, days_left, 1.0)
    assert raised == pytest.approx(higher, rel=0.02, abs=0.05)
    if days_left > 0.0:  # with none left, counts between two whole numbers are read in between
        raised = priced(inc.Target("saves", 15, lump=100.0), row, days_left, 1.2)
        higher = priced(inc.Target("saves", 18, lump=100.0), row, days_left, 1.0)
        assert raised == pytest.approx(higher, rel=0.15, abs=0.3)
    pool = inc.TeamPool("save_rate", threshold=0.35, lump=100.0)
    assert priced(pool, row, days_left, 1.2) == priced(pool, row, days_left, 1.0)


def test_managers_differ_in_tolerance_and_drive_by_their_background():
    key, half = (np.uint32(1), np.uint32(2)), inc.Identity(sales_managers=0.5)
    some = inc.TargetPressure(tolerance=0.3, spread=0.2, service=0.25)
    managers = draw_managers(400, key=key, identity=half, pressure=some)
    assert (managers.drive == np.where(managers.sales == 1, 1.0, 0.25)).all()
    assert 0.1 <= managers.tolerance.min() < 0.12
    assert 0.48 < managers.tolerance.max() <= 0.5
    nobody = draw_managers(400, key=key, identity=half)
    assert (nobody.sales == managers.sales).all()
    assert not nobody.drive.any()
    assert not nobody.tolerance.any()


def test_goals_start_anew_with_a_new_agent_and_with_a_new_scheme():
    leaving = for_saves(GOAL, **{"turnover.hazard": 0.4, "target_pressure.up": 1.0})
    agents = inc.simulate(leaving, months=5, rng=3, keep="cells").agents
    agents = agents.sort_values(["agent", "month"])
    new = agents.groupby("agent")["hire"].diff() > 0
    assert new.any()
    assert (agents.loc[new, "goal"] == 1.0).all()
    assert (agents.loc[~new & (agents["month"] > 2), "goal"] > 1.0).any()
    other = inc.Wage() + inc.Target("save_rate", 0.3, lump=50.0)
    trial = leaving.change({"turnover.hazard": 0.0}).assign({"a": other, "b": other}, start=3)
    goals = of_agents(inc.simulate(trial, months=5, rng=3, keep="cells"), "goal").iloc[0]
    assert goals[2] > 1.0
    assert goals[3] == 1.0


def test_the_mesa_face_shows_goals_pressure_and_tolerance():
    model = inc.ContactCentre(for_saves(GOAL, **{"target_pressure.tolerance": 0.4}), rng=3)
    model.run(days=45)
    world: World = model.world
    goals = [agent.goal for agent in model.seats]
    np.testing.assert_allclose(goals, np.exp(world.desk.bonds.goal), rtol=1e-14)
    assert [agent.pressure for agent in model.seats] == world.desk.bonds.pressed.tolist()
    assert max(goals) > 1.0
    assert [manager.tolerance for manager in model.managers] == [0.4, 0.4]


# -- what each parameter moves ------------------------------------------------------------------

CHECKED = {"audit.rate": 0.4, "audit.penalty": 20.0, "off": frozenset({"G2"})}


def willing(records: inc.Records) -> np.ndarray:
    """Share of contacts served with more than plain work, run by run."""
    served = records.cells[records.cells["agent"] >= 0]
    chosen = served[served["true_action"].isin(["care", "offer_after", "save"])]
    return (chosen.groupby("run")["n"].sum() / served.groupby("run")["n"].sum()).to_numpy()


def quits(records: inc.Records) -> np.ndarray:
    """Agents who quit in a run."""
    return records.agents.groupby("run")["quit"].sum().to_numpy().astype(float)


def goal_at_the_end(records: inc.Records) -> np.ndarray:
    """Mean goal factor in a run's last month."""
    return of_agents(records, "goal").iloc[:, -1].to_numpy()


def strain_at_the_end(records: inc.Records) -> np.ndarray:
    """Mean strain at the end of a run (log care)."""
    return of_agents(records, "true_pressure").iloc[:, -1].to_numpy()


def asked_by_team(records: inc.Records) -> pd.DataFrame:
    """Penalties asked for per case found: runs x teams."""
    cases = records.audits[records.audits["found"] != "none"]
    found = cases.pivot_table("contact", "run", "team", aggfunc="count")
    penalties = records.agents.pivot_table("penalty", "run", "team", aggfunc="sum")
    return penalties / found / CHECKED["audit.penalty"]


def asked(records: inc.Records) -> np.ndarray:
    """Penalties asked for per case found, run by run."""
    found = records.audits[records.audits["found"] != "none"].groupby("run").size()
    penalties = records.agents.groupby("run")["penalty"].sum() / CHECKED["audit.penalty"]
    return (penalties / found).to_numpy()


def between_teams(records: inc.Records) -> np.ndarray:
    """How far apart the two teams are in penalties asked for per case found, run by run."""
    return asked_by_team(records).diff(axis=1).iloc[:, 1].abs().to_numpy()


NEAR = inc.Wage() + inc.Target("sales", 4, lump=0.01)  # by luck alone
QUIET = {"floor.customers": 2_500, "target_pressure.up": 1.0, "target_pressure.cap": 5.0}

MOVES: dict[str, tuple[Any, ...]] = {
    "goals under managers from sales": (
        for_saves(GOAL, **{"target_pressure.up": 0.5}),
        goal_at_the_end,
    ),
    "goals where luck beats and misses them": (
        a_centre(**SETTLED | QUIET).change({"scheme": NEAR}),
        goal_at_the_end,
        {"replications": 8},
    ),
    "goals under managers from service": (
        for_saves(GOAL, **{"identity.sales_managers": 0.0}),
        goal_at_the_end,
    ),
    "strain under goals out of reach": (
        a_centre(**SETTLED).change({"scheme": BEYOND}),
        strain_at_the_end,
    ),
    "willing work under goals out of reach": (
        a_centre(**SETTLED).change({"scheme": BEYOND}),
        willing,
    ),
    "quits under goals out of reach": (
        a_centre(**SETTLED).change({"scheme": BEYOND, "turnover.hazard": 0.02}),
        quits,
    ),
    "penalties per case found": (for_saves(GOAL, **CHECKED), asked),
    "difference between teams in penalties per case found": (
        for_saves(GOAL, **CHECKED, **{"target_pressure.tolerance": 0.5}),
        between_teams,
        {"replications": 8},
    ),
}
"""For each phrase of what a parameter moves: where it is looked at, and how it is measured."""


def test_a_manager_who_tolerates_everything_lets_every_case_pass():
    """Lies, begging and what is booked ahead alike: checks find them, and nobody pays."""
    grades = tuple((5 + 0.5 * i, 40.0 * i) for i in range(1, 10))
    scheme = inc.Wage() + inc.Tiers("survey_score", grades, pays="lump")
    floor = inc.Floor(teams=2, team_size=4, customers=7_000)
    tolerant = {"target_pressure.tolerance": 1.0, "target_pressure.spread": 0.0}
    watched = {"audit.rate": 0.2, "belief.prior": 0.0, "audit.penalty": 20.0}
    centre = inc.Scenario(floor=floor, scheme=scheme).change(
        {**watched, "suppressed_cancellation.traced": 0.0}
    )
    strict, lenient = (
        inc.simulate(each, months=3, rng=3) for each in (centre, centre.change(tolerant))
    )
    assert strict.agents["penalty"].sum() > 0
    assert lenient.audits["found_survey"].sum() > 50
    assert lenient.agents["penalty"].sum() == 0
