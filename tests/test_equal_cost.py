"""Schemes at equal cost: the search for a factor, and the worlds in which it was found."""

from collections.abc import Callable

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import incentives as inc
from incentives import equal_cost

CENTRE = inc.Scenario(
    name="tiny",
    floor=inc.Floor(teams=1, customers=600, days=5),
    leaving=inc.Leaving(base=0.15),
    audit=inc.Audit(rate=0.3),
)
SCHEME = inc.Wage() + inc.PieceRate("sales", 30.0)
EMPTY = inc.Records(**dict.fromkeys(inc.Records.__dataclass_fields__, pd.DataFrame()))


def matched(bonus: Callable[[float], float], cost: float, rounds: int = 6) -> float:
    """Match a scheme where agents earn `bonus(factor)` on a wage of 2,000; give the factor."""

    def tried(name, scheme, factor, centre, worlds):
        earned = bonus(factor)
        scaled = inc.Wage() + inc.PieceRate("sales", 30.0 * factor)
        return equal_cost._Tried(factor, scaled, 2000.0 + earned, earned), EMPTY

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(equal_cost, "_tried", tried)
        found = inc.cost_matched({"sales": SCHEME}, CENTRE, cost=cost, rounds=rounds)
    return found["sales"].parts[1].rate / 30.0


@given(first=st.floats(50.0, 800.0), answer=st.floats(0.5, 2.5), target=st.floats(2050.0, 2800.0))
def test_where_agents_answer_smoothly_the_cost_is_met(first, answer, target):
    """Pay rises as a power of the rate: in proportion, by less, or by more."""
    factor = matched(lambda f: first * f**answer, target, rounds=12)
    assert 2000.0 + first * factor**answer == pytest.approx(target, rel=0.005)


@given(first=st.floats(50.0, 800.0), target=st.floats(2050.0, 2800.0))
def test_where_nobody_answers_the_first_factor_does(first, target):
    assume(abs((2000 + first) / target - 1.0) > 0.005)
    assert matched(lambda f: first * f, target, rounds=1) == pytest.approx((target - 2000) / first)


def test_a_bracket_worked_by_hand():
    """300 for 1, and in proportion 100 is asked at 1/3, which pays 40; between lie 100 at 0.49."""
    told = {1.0: 300.0, 1 / 3: 40.0}
    between = 1 / 3 + (60 / 260) * (2 / 3)
    asked = []

    def bonus(factor: float) -> float:
        asked.append(factor)
        return told.get(factor, 100.0)

    assert matched(bonus, 2100.0) == pytest.approx(between)
    assert asked == pytest.approx([1.0, 1 / 3, between])


@pytest.mark.parametrize(
    ("earned", "asked"),
    [
        (lambda f: 250.0 if 1.05 < f < 1.12 else 300.0 * f, 2330.0),
        (lambda f: 330.0 if 0.88 < f < 0.92 else 300.0 * f, 2270.0),
    ],
)
def test_no_factor_is_tried_twice_where_pay_goes_the_other_way(earned, asked):
    tried = []

    def bonus(factor: float) -> float:
        tried.append(factor)
        return earned(factor)

    factor = matched(bonus, asked, rounds=12)
    assert len(set(tried)) == len(tried)
    assert 2000.0 + earned(factor) == pytest.approx(asked, rel=0.005)


def test_a_step_over_the_target_is_said_and_the_nearest_is_kept():
    says = "not at equal cost: 'sales' 2130 per agent and month where 2100 was asked"
    with pytest.warns(UserWarning, match=says):
        factor = matched(lambda f: 300.0 if f >= 0.6 else 130.0 if f > 0.1 else 0.0, 2100.0)
    assert 0.1 < factor < 0.6


@pytest.mark.parametrize("bonus", [lambda f: 300.0 * f, lambda f: 0.0])
def test_a_cost_that_no_bonus_can_bring_is_refused(bonus):
    with pytest.raises(inc.ScenarioError, match="'sales' cannot cost 1900 by scaling its bonus"):
        matched(bonus, 1900.0)


SCHEMES = {"sales": inc.Wage() + inc.PieceRate("sales", 70.0), "wage": inc.Wage()}
WORLDS = {"replications": 6, "months": 2, "rng": 5}


def test_schemes_cost_the_same_in_the_worlds_compared():
    found = inc.compare(CENTRE, SCHEMES, **WORLDS, equal_cost=True)
    pay = found.outcomes[found.outcomes["outcome"] == "pay"].set_index("scheme")["mean"]
    assert pay["sales"] == pytest.approx(pay["wage"], rel=0.01)  # each within 0.5 % of the target
    assert pay["wage"] > 2050.0
    assert found.schemes != SCHEMES
    again = inc.simulate(CENTRE.vary(scheme=dict(found.schemes)), keep="cells", **WORLDS)
    for name, frame in again.frames().items():
        pd.testing.assert_frame_equal(found.records.frames()[name], frame, obj=name)
