"""Pay: schemes add up, lowering loses nothing, prices do as theory says, accounts balance."""

import hashlib
import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import incentives.pay as pay_module
from incentives.columns import ACCUMULATORS, N_ACCUMULATORS, Totals
from incentives.pay import (
    Clawback,
    Deferred,
    Ledger,
    PieceRate,
    Reference,
    Scaled,
    Scheme,
    Sum,
    Target,
    TeamPool,
    Tiers,
    Tournament,
    Wage,
    bonus_parts,
    example,
    lower,
    scale_bonus,
    tables,
    without_bonus,
)
from incentives.pay.metrics import METRICS, measure
from incentives.pay.own import amounts
from incentives.pay.prices import NO_RIVAL, cuts, expected, index, n_best, price, stand

DAYS = 20.0
REFERENCE = Reference()
NOTHING = np.zeros(N_ACCUMULATORS)


@dataclass(frozen=True, slots=True)
class MySavesTarget(Scheme):
    threshold: float
    lump: float

    def pay(self, totals: Totals):
        return self.lump * (totals.saves >= self.threshold)


@dataclass(frozen=True)
class StandsAlone:
    """Inherits nothing, and asks for a rate where there may be none."""

    threshold: float = 0.48

    def pay(self, totals: Totals):
        return 300.0 * (totals.saves / totals.cancels >= self.threshold)


@dataclass(frozen=True, slots=True)
class Weighted(Scheme):
    def pay(self, totals: Totals):
        return 2.0 * totals.sales + 3.0 * totals.saves + 0.1 * totals.contacts


class Constant(Scheme):
    def pay(self, totals: Totals):
        return np.full(len(totals.sales), 50.0)


class ReadsThree(Scheme):
    def pay(self, totals: Totals):
        return 50.0 * ((totals.sales > 30) & (totals.saves > 20) & (totals.contacts > 500))


class ReadsOthers(Scheme):
    def pay(self, totals: Totals):
        return 1.0 * (totals.sales >= totals.sales.max())


class WrongShape(Scheme):
    def pay(self, totals: Totals):
        return totals.sales.sum()


# -- strategies ---------------------------------------------------------------------------------

MONEY = st.integers(0, 500).map(float)
COUNT_METRICS = st.sampled_from(["sales", "sales_value", "saves", "contacts"])
THRESHOLDS = {
    "sales": st.integers(0, 120),
    "saves": st.integers(0, 80),
    "contacts": st.integers(0, 1800),
    "sales_value": st.integers(0, 2400),
    "save_rate": st.integers(0, 100).map(lambda x: x / 100),
    "survey_score": st.integers(0, 100).map(lambda x: x / 10),
    "qa_score": st.integers(0, 100),
}


@st.composite
def targets(draw: Any) -> Target:
    metric = draw(st.sampled_from(METRICS))
    return Target(metric, draw(THRESHOLDS[metric]), lump=draw(MONEY), rate=draw(MONEY))


@st.composite
def tiers(draw: Any) -> Tiers:
    metric = draw(st.sampled_from(METRICS))
    at = sorted(draw(st.sets(THRESHOLDS[metric], min_size=1, max_size=3)))
    steps = tuple((x, draw(MONEY)) for x in at)
    return Tiers(metric, steps, pays=draw(st.sampled_from(["rate", "lump"])))


@st.composite
def gated(draw: Any) -> Tiers:
    """Gates of which metric and gate are whole numbers, or lie on their own index."""
    metric, gate = draw(
        st.sampled_from(
            [
                ("saves", "save_rate"),
                ("sales", "save_rate"),
                ("sales", "saves"),
                ("sales_value", "save_rate"),
                ("sales", "survey_score"),
                ("save_rate", "survey_score"),
                ("survey_score", "contacts"),
            ]
        )
    )
    steps = ((draw(THRESHOLDS[metric]), draw(MONEY)),)
    kind = "lump" if metric in ("save_rate", "survey_score") else "rate"
    return Tiers(metric, steps, pays=kind, gate=(gate, draw(THRESHOLDS[gate])))


piece_rates = st.builds(
    PieceRate, COUNT_METRICS, st.integers(0, 50), above=st.sampled_from([0, 0, 7, 40])
)
prizes = st.lists(MONEY, min_size=1, max_size=3).map(lambda x: tuple(sorted(x, reverse=True)))
tournaments = st.builds(
    Tournament, COUNT_METRICS, prizes, within=st.sampled_from(["team", "centre"])
)
pools = st.builds(
    TeamPool, COUNT_METRICS, rate=MONEY, threshold=st.integers(0, 90).map(float), lump=MONEY
)
bonuses = st.one_of(piece_rates, targets(), tiers(), gated(), tournaments, pools)
wrapped = st.one_of(
    bonuses,
    st.builds(Deferred, bonuses, st.integers(1, 6), st.sampled_from([0.4, 1.0])),
    st.builds(Clawback, bonuses, st.integers(1, 6)),
)
schemes = st.one_of(wrapped, st.builds(Wage, MONEY))


@st.composite
def rows(draw: Any) -> np.ndarray:
    """Whole totals that agents could have, (agents, accumulators)."""
    n = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    contacts = rng.integers(0, 1500, n)
    cancels = rng.integers(0, np.minimum(contacts, 120) + 1)
    saves = rng.integers(0, np.minimum(cancels, 70) + 1)
    sales = rng.integers(0, np.minimum(contacts, 110) + 1)
    answered = rng.integers(0, np.minimum(contacts, 50) + 1)
    points = np.array([rng.integers(0, 11, k).sum() for k in answered])
    scored = rng.integers(0, np.minimum(contacts, 10) + 1)
    marks = np.array([rng.integers(0, 101, k).sum() for k in scored])
    parts = [contacts, cancels, saves, sales, 20 * sales, points, answered, marks, scored]
    return np.stack(parts, axis=1).astype(float)


def totals_of(table: np.ndarray, team: Any = None) -> Totals:
    named = {name: table[:, j] for j, name in enumerate(ACCUMULATORS)}
    return example(team, **named)


def value(prices: Any, k: int, row: np.ndarray, spread: float = 0.0) -> float:
    """What component k is expected to bring with these totals."""
    return expected(prices, k, index(prices, k, 0, row), index(prices, k, 1, row), spread)


def worth(scheme: Any, row: np.ndarray, spread: float = 0.0) -> float:
    """What a scheme is expected to bring with these totals."""
    prices = prices_of(scheme)
    return sum(prices.scale[k] * value(prices, k, row, spread) for k in range(len(prices.kind)))


def prices_of(*some: Any) -> Any:
    return lower(some, reference=REFERENCE)


def price_of(
    scheme: Any,
    logged: dict[str, float],
    totals: np.ndarray = NOTHING,
    *,
    rates: np.ndarray = NOTHING,
    days_left: float = 0.0,
    lasting: float = 1.0,
    cut: float = 0.0,
    team: np.ndarray = NOTHING,
) -> float:
    prices = prices_of(scheme) if not hasattr(scheme, "first") else scheme
    change = [logged.get(name, 0.0) for name in ACCUMULATORS]
    cuts = np.full((len(prices.kind), 1), cut)
    at = np.zeros((len(prices.kind), 4))
    one = (rows[None, :] for rows in (totals, rates, team, rates))
    stand(prices, 0, *one, 0, 0, days_left, DAYS, cuts, at, True)
    return price(prices, 0, at, True, lasting, *map(float, change))


def row(**logged: float) -> np.ndarray:
    return np.array([float(logged.get(name, 0.0)) for name in ACCUMULATORS])


# -- values ---------------------------------------------------------------------------------------


@settings(deadline=None)
@given(schemes, schemes, rows())
def test_a_sum_pays_what_its_parts_pay(a: Any, b: Any, table: np.ndarray) -> None:
    totals = totals_of(table)
    np.testing.assert_array_equal((a + b).pay(totals), a.pay(totals) + b.pay(totals))


@settings(deadline=None)
@given(schemes, schemes, schemes, rows())
def test_brackets_do_not_matter(a: Any, b: Any, c: Any, table: np.ndarray) -> None:
    assert (a + b) + c == a + (b + c)
    assert sum([a, b, c]) == a + b + c
    np.testing.assert_array_equal(
        ((a + b) + c).pay(totals_of(table)), (a + (b + c)).pay(totals_of(table))
    )


@settings(deadline=None)
@given(schemes, schemes)
def test_the_repr_rebuilds_the_scheme(a: Any, b: Any) -> None:
    names = vars(pay_module)
    assert eval(repr(a), dict(names)) == a
    assert eval(repr(a + b), dict(names)) == a + b


@settings(deadline=None)
@given(schemes)
def test_equal_fields_make_equal_schemes_that_hash_alike(scheme: Any) -> None:
    assert replace(scheme) == scheme
    assert hash(replace(scheme)) == hash(scheme)


def test_sums_flatten_and_keep_the_order_of_their_parts() -> None:
    a, b, c = Wage(900), PieceRate("sales", 2.0, above=40), Target("saves", 60, lump=80)
    assert (a + (b + c)).parts == (a, b, c)


def test_numbers_are_kept_as_floats_so_that_an_integer_makes_no_other_scheme() -> None:
    assert Target("saves", 60, lump=80) == Target("saves", 60.0, lump=np.float64(80.0))
    assert repr(Target("saves", np.float64(60))) == repr(Target("saves", 60))
    assert Tiers("saves", [[0, 1], [9, 2]]) == Tiers("saves", ((0.0, 1.0), (9.0, 2.0)))


def test_a_changed_scheme_is_a_replaced_one() -> None:
    assert replace(PieceRate("sales", 2.0), rate=3.0) == PieceRate("sales", 3.0)


def test_a_class_that_inherits_nothing_adds_from_either_side() -> None:
    assert (Wage() + StandsAlone()).parts == (Wage(), StandsAlone())
    assert (StandsAlone() + Wage()).parts == (StandsAlone(), Wage())


# -- what each scheme pays ------------------------------------------------------------------------


def test_a_rate_of_nothing_is_zero_and_meets_no_threshold() -> None:
    totals = example(saves=[0, 0], cancels=[0, 4])
    assert measure(totals, "save_rate").tolist() == [0.0, 0.0]
    assert Target("save_rate", 0.0, lump=9.0).pay(totals).tolist() == [0.0, 9.0]


def test_a_target_on_a_rate_pays_its_rate_per_one_whole() -> None:
    totals = example(saves=[50], cancels=[100])
    assert Target("save_rate", 0.48, rate=1_000.0).pay(totals) == pytest.approx([20.0])


def test_an_accelerator_pays_each_unit_at_the_rate_of_its_tier() -> None:
    scheme = Tiers("sales", ((10, 1.0), (20, 3.0)))
    assert scheme.pay(example(sales=[5, 15, 25])).tolist() == [0.0, 5.0, 25.0]


def test_lump_tiers_pay_the_highest_step_and_only_that() -> None:
    scheme = Tiers("sales", ((10, 100.0), (20, 150.0)), pays="lump")
    assert scheme.pay(example(sales=[9, 10, 20])).tolist() == [0.0, 100.0, 150.0]


def test_a_closed_gate_pays_nothing() -> None:
    aol = Tiers("saves", ((0, 3.0),), gate=("save_rate", 0.48))
    assert aol.pay(example(saves=[47, 48], cancels=[100, 100])).tolist() == [0.0, 144.0]


@settings(deadline=None)
@given(prizes, st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_a_tournament_hands_out_all_its_prizes_and_ties_share(prizes: Any, sales: Any) -> None:
    won = Tournament("sales", prizes).pay(example([0] * len(sales), sales=sales))
    assert won.sum() == pytest.approx(sum(prizes[: len(sales)]))
    for (i, a), (j, b) in itertools.combinations(enumerate(sales), 2):
        assert won[i] >= won[j] if a >= b else won[i] <= won[j]
        assert a != b or won[i] == won[j]


def test_a_tournament_within_teams_has_a_winner_in_each() -> None:
    totals = example([0, 0, 1, 1], sales=[5, 3, 2, 1])
    assert Tournament("sales", (10,)).pay(totals).tolist() == [10, 0, 10, 0]
    assert Tournament("sales", (10,), within="centre").pay(totals).tolist() == [10, 0, 0, 0]


def test_a_pool_is_shared_equally_whoever_filled_it() -> None:
    scheme = TeamPool("save_rate", threshold=0.5, lump=600.0)
    totals = example([0, 0, 1], saves=[9, 1, 1], cancels=[10, 10, 10])
    assert scheme.pay(totals).tolist() == [300.0, 300.0, 0.0]


@settings(deadline=None)
@given(wrapped, st.sampled_from([0.0, 0.5, 3.0]), rows())
def test_scaling_multiplies_all_variable_pay(scheme: Any, k: float, table: np.ndarray) -> None:
    totals = totals_of(table)
    scaled = scale_bonus(Wage(700) + scheme, k)
    np.testing.assert_allclose(scaled.pay(totals), 700 + k * scheme.pay(totals), rtol=1e-12)


def test_scaling_leaves_wages_and_thresholds_and_wraps_what_it_does_not_know() -> None:
    tiers = Tiers("saves", ((3, 1.0), (9, 2.0)), gate=("save_rate", 0.5))
    assert scale_bonus(tiers, 2.0) == replace(tiers, steps=((3.0, 2.0), (9.0, 4.0)))
    assert scale_bonus(Wage(800) + StandsAlone(), 2.0) == Wage(800) + Scaled(StandsAlone(), 2.0)
    assert scale_bonus(scale_bonus(StandsAlone(), 2.0), 3.0) == Scaled(StandsAlone(), 6.0)
    assert scale_bonus(Constant(), 2.0).pay(example(sales=[1])) == [100.0]


def test_bonus_parts_are_all_but_the_wage() -> None:
    scheme = Wage() + PieceRate("sales", 1) + StandsAlone()
    assert bonus_parts(scheme) == (PieceRate("sales", 1), StandsAlone())
    assert without_bonus(scheme) == Wage()
    assert without_bonus(StandsAlone()) == Wage(0)


# -- lowering loses nothing -----------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(st.one_of(piece_rates, targets(), tiers(), gated()), rows())
def test_with_no_time_left_expected_pay_is_pay(scheme: Any, table: np.ndarray) -> None:
    paid = scheme.pay(totals_of(table))
    prices, coarse = prices_of(scheme), getattr(scheme, "metric", "") == "qa_score"
    # a sum of so many points has wide steps: across a bend the line lies a quarter of one too high
    near = 1e-6 + (0.25 * prices.step[:, 0].max(initial=0.0) * bent(scheme) if coarse else 0.0)
    for i, totals in enumerate(table):
        if coarse and not on_the_table(prices, totals):
            continue
        assert worth(scheme, totals) == pytest.approx(paid[i], abs=near)


def bent(scheme: Any) -> float:
    """Give by how much the slope of pay changes at the thresholds of a scheme, all of them."""
    if isinstance(scheme, Target):
        return abs(scheme.rate)
    rates = [0.0, *(rate for _, rate in scheme.steps)] if scheme.pays == "rate" else [0.0]
    return float(np.abs(np.diff(rates)).sum())


def on_the_table(prices: Any, totals: np.ndarray) -> bool:
    """Tell whether totals lie within the ten standard deviations that tables reach."""
    return all(
        prices.origin[k, j] <= index(prices, k, j, totals) <= prices.origin[k, j] + width
        for k in range(len(prices.kind))
        for j, width in enumerate(prices.step[k] * (prices.size[k] - 1))
    )


@settings(max_examples=50, deadline=None)
@given(pools, st.integers(0, 2**32 - 1))
def test_with_no_time_left_a_pool_is_worth_the_team_s_pay(scheme: Any, seed: int) -> None:
    size = int(REFERENCE.team_size)
    sales = np.random.default_rng(seed).integers(0, 120, size).astype(float)
    table = np.zeros((size, N_ACCUMULATORS))
    table[:, [0, 2, 3, 4]] = np.stack([9 * sales, sales // 2, sales, 20 * sales], axis=1)
    paid = scheme.pay(totals_of(table, team=[0] * size))
    assert worth(scheme, table.sum(axis=0)) == pytest.approx(paid[0], rel=1e-9, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(tournaments, st.sets(st.integers(0, 100), min_size=3, max_size=6))
def test_with_no_time_left_a_tournament_is_worth_its_prizes(scheme: Any, sales: Any) -> None:
    ranked = np.array(list(sales), dtype=float)
    table = np.zeros((len(ranked), N_ACCUMULATORS))
    table[:, [0, 2, 3, 4]] = ranked[:, np.newaxis] * [9, 0.5, 1, 20]
    table[:, 2] = ranked  # saves that are whole
    team = np.zeros(len(ranked), dtype=np.int64)
    prices = prices_of(scheme)
    cut = np.zeros((len(prices.kind), len(ranked)))
    cuts(prices, table, 0 * table, 0.0, team, team, np.empty((1, n_best(prices))), cut)
    paid = scheme.pay(totals_of(table, team=team))
    for i, totals in enumerate(table):
        got = sum(
            expected(prices, k, index(prices, k, 0, totals) - cut[k, i], 0.0, 0.0)
            for k in range(len(prices.kind))
        )
        assert got == pytest.approx(paid[i], abs=1e-6)


@pytest.mark.parametrize("scheme", [StandsAlone(), MySavesTarget(30, 90.0), Weighted()])
@settings(max_examples=30, deadline=None)
@given(table=rows())
def test_a_scheme_of_one_s_own_is_priced_from_pay_alone(scheme: Any, table: np.ndarray) -> None:
    paid = amounts(scheme, totals_of(table))
    for i, totals in enumerate(table):
        assert worth(scheme, totals) == pytest.approx(paid[i], abs=1e-6)


def test_a_class_of_one_s_own_equal_to_a_built_in_has_the_same_prices() -> None:
    own, ours = prices_of(MySavesTarget(50, 90.0)), prices_of(Target("saves", 50, lump=90.0))
    for spread, saves in itertools.product([0.0, 0.02, 0.3, 1.0], np.arange(0.0, 90.0, 1.7)):
        totals = row(saves=saves)
        assert value(own, 0, totals, spread) == pytest.approx(
            value(ours, 0, totals, spread), abs=1e-9
        )


@dataclass(frozen=True)
class Far:
    """Pay over saves that changes far above what agents usually log."""

    kind: str
    at: int

    def pay(self, totals: Totals) -> Any:
        saves = totals.saves
        if self.kind == "lump":
            return 400.0 * (saves >= self.at)
        return 3.0 * (np.minimum(saves, self.at) if self.kind == "cap" else
                      np.maximum(saves - self.at, 0.0))  # fmt: skip


@pytest.mark.parametrize("at", [20, 150, 600])
@pytest.mark.parametrize(
    ("kind", "built_in"),
    [
        ("lump", lambda at: Target("saves", at, lump=400.0)),
        ("cap", lambda at: Tiers("saves", ((0, 3.0), (at, 0.0)))),
        ("rest", lambda at: PieceRate("saves", 3.0, above=at)),
    ],
)
def test_a_scheme_of_one_s_own_bends_wherever_an_agent_could_get(
    kind: str, built_in: Any, at: int
) -> None:
    own, ours = prices_of(Far(kind, at)), prices_of(built_in(at))
    assert len(own.kind) == len(ours.kind) == 1
    for saves in np.arange(at - 15.0, at + 15.0):
        totals = row(saves=saves)
        assert worth(Far(kind, at), totals) == pytest.approx(
            float(built_in(at).pay(totals_of(totals[np.newaxis]))[0]), abs=1e-6
        )
        assert value(own, 0, totals, 0.3) == pytest.approx(value(ours, 0, totals, 0.3), abs=1e-6)


def test_a_rate_of_one_s_own_has_nearly_the_prices_of_the_built_in() -> None:
    """Two indices on whole numbers against one index: within 3 % of the lump."""
    own, ours = prices_of(StandsAlone()), prices_of(Target("save_rate", 0.48, lump=300.0))
    for spread, saves in itertools.product([0.2, 0.5, 1.0], range(25, 60)):
        totals = row(saves=saves, cancels=88)
        assert value(own, 0, totals, spread) == pytest.approx(
            value(ours, 0, totals, spread), abs=9.0
        )


def test_what_is_linear_is_found_to_be_and_what_is_constant_has_no_price() -> None:
    assert prices_of(Weighted()).kind.tolist() == [0]
    assert prices_of(Constant() + Wage()).kind.tolist() == []
    assert prices_of(PieceRate("sales", 2) + PieceRate("saves", 3)).kind.tolist() == [0]


def test_a_scheme_says_what_it_reads() -> None:
    prices = prices_of(Wage(), Target("save_rate", 0.5, lump=1.0), StandsAlone(), Weighted())
    read = [[ACCUMULATORS[j] for j in np.flatnonzero(line)] for line in prices.reads]
    both = ["cancels", "saves"]
    assert read == [[], both, both, ["contacts", "saves", "sales"]]


def test_schemes_are_laid_one_after_another() -> None:
    some = [Wage(), Wage() + Target("saves", 9, lump=1.0), Tournament("sales", (5, 3))]
    prices = lower(some)
    assert prices.first.tolist() == [0, 0, 1, 3]
    assert prices.rival.tolist() == [0, 1, 1]
    assert prices.place.tolist() == [0, -1, -2]
    alone = lower(some[2:])
    assert alone.values.tolist() == prices.values[prices.start[1] :].tolist()


@pytest.mark.quick
def test_tables_have_the_same_bytes_on_every_machine_and_release() -> None:
    """A changed digest means that agents see other prices: say so in the changelog."""
    prices = prices_of(
        Wage() + PieceRate("sales", 2.5, above=40),
        Target("save_rate", 0.48, lump=300.0, rate=100.0) + Target("saves", 60, lump=80.0),
        Tiers("sales", ((0, 2), (70, 3)), gate=("save_rate", 0.48)),
        Tournament("sales", (300, 100)) + TeamPool("survey_score", threshold=8.5, lump=2400.0),
        Deferred(Clawback(Target("sales_value", 1500, lump=200, rate=0.1), 2), 3),
    )
    digest = hashlib.sha256(b"".join(array.tobytes() for array in prices))
    assert digest.hexdigest()[:16] == "a0c4d30903b801dd"


@settings(max_examples=50, deadline=None)
@given(schemes)
def test_lowering_twice_gives_the_same_bytes(scheme: Any) -> None:
    first = prices_of(scheme)
    tables._hinge.cache_clear()  # or tables would be set beside themselves
    for a, b in zip(first, prices_of(scheme), strict=True):
        assert a.tobytes() == b.tobytes()
        assert a.flags.c_contiguous


def test_who_writes_into_prices_changes_nobody_else_s() -> None:
    scheme = Target("save_rate", 0.48, lump=300.0)
    first = prices_of(scheme)
    before = [array.tobytes() for array in first]
    for array in first:
        array[...] = 0
    assert [array.tobytes() for array in prices_of(scheme)] == before


# -- what prices do -------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.one_of(piece_rates, targets(), tiers(), gated()), st.integers(0, 2**32 - 1))
def test_prices_of_logs_add_up_to_the_pay_of_the_period(scheme: Any, seed: int) -> None:
    """At the end of the period, log after log: nothing is lost on the way."""
    rng = np.random.default_rng(seed)
    totals, prices, sum_of_prices = NOTHING.copy(), prices_of(scheme), 0.0
    start = worth(scheme, totals)
    for _ in range(60):
        log = {"contacts": 1.0}
        if rng.random() < 0.5:
            log |= {"cancels": 1.0, "saves": float(rng.random() < 0.6)}
        if rng.random() < 0.4:
            log |= {"sales": 1.0, "sales_value": 20.0}
        if rng.random() < 0.3:
            log |= {"survey_n": 1.0, "survey_sum": float(rng.integers(0, 11))}
        sum_of_prices += price_of(prices, log, totals)
        totals = totals + row(**log)
    paid = scheme.pay(totals_of(totals[np.newaxis]))[0]
    assert start + sum_of_prices == pytest.approx(paid, abs=1e-6)


def test_a_linear_rate_has_a_constant_price() -> None:
    scheme = Wage() + PieceRate("sales", 4.0)
    states = itertools.product([0.0, 7.0, 500.0], [0.0, 3.0, 20.0])
    prices = {price_of(scheme, {"sales": 1}, row(sales=s), days_left=d) for s, d in states}
    assert prices == {4.0}


def test_a_threshold_s_price_peaks_just_below_it_as_the_period_ends() -> None:
    scheme = prices_of(Target("saves", 60, lump=300.0))
    rates = row(saves=2.0)  # per day

    def curve(days_left: float) -> np.ndarray:
        logged = np.arange(100.0)
        return np.array(
            [
                price_of(scheme, {"saves": 1}, row(saves=s), rates=rates, days_left=days_left)
                for s in logged
            ]
        )

    last_hour, last_week, first_day = curve(0.1), curve(5.0), curve(20.0)
    assert last_hour.argmax() == 59
    assert last_week.argmax() in (49, 50)  # ten more are on their way
    assert last_hour.max() > 200 > last_week.max() > first_day.max() > 15
    assert abs(last_hour[[40, 50, 70, 80]]).max() < 1.0  # out of reach, or safe
    np.testing.assert_allclose(last_hour.sum(), 300.0, rtol=0.01)
    np.testing.assert_allclose(last_week.sum(), 300.0, rtol=0.01)


def test_at_the_very_end_the_whole_lump_hangs_on_one_save() -> None:
    scheme = Target("saves", 60, lump=300.0)
    assert [price_of(scheme, {"saves": 1}, row(saves=s)) for s in (58, 59, 60)] == [0, 300, 0]


def test_the_ways_of_gaming_a_save_rate_differ_as_their_logs_do() -> None:
    """A fabricated save, an unrelated contact logged as a save, a cancellation got rid of."""
    scheme = prices_of(Target("save_rate", 0.48, lump=300.0))
    state = {"totals": row(contacts=450, cancels=45, saves=21), "days_left": 3.0}
    state["rates"] = row(contacts=45, cancels=4.5, saves=2.1)
    honest = price_of(scheme, {"contacts": 1, "cancels": 1}, **state)
    fabricated = price_of(scheme, {"contacts": 1, "cancels": 1, "saves": 1}, **state)
    unrelated = price_of(scheme, {"contacts": 1}, **state)
    dumped = price_of(scheme, {}, **state)
    assert fabricated > 0 == unrelated == dumped > honest
    # the one adds a save to a cancellation that counts anyway, the other adds both
    assert fabricated - honest > fabricated - unrelated > 0
    # processing takes 0.48 of a save from the index, saving adds 0.52; early on, in proportion
    early = {"totals": NOTHING, "days_left": 20.0, "rates": state["rates"]}
    honest = price_of(scheme, {"contacts": 1, "cancels": 1}, **early)
    fabricated = price_of(scheme, {"contacts": 1, "cancels": 1, "saves": 1}, **early)
    assert -honest / fabricated == pytest.approx(0.48 / 0.52, rel=0.1)


def test_a_low_score_costs_what_a_high_one_brings() -> None:
    scheme = prices_of(Target("survey_score", 9.0, lump=300.0))
    state = {"totals": row(survey_sum=180, survey_n=20), "days_left": 5.0}
    prices = [price_of(scheme, {"survey_n": 1, "survey_sum": s}, **state) for s in range(11)]
    assert prices == sorted(prices)
    assert prices[9] == pytest.approx(0.0, abs=1e-3)
    assert prices[10] > 0 > prices[8] > prices[0]


def test_a_gate_makes_an_empty_sale_worth_nothing_and_opening_it_worth_all() -> None:
    scheme = prices_of(Tiers("sales", ((0, 3.0),), gate=("save_rate", 0.48)))
    closed = row(contacts=900, cancels=100, saves=47, sales=60)
    assert price_of(scheme, {"sales": 1}, closed) == pytest.approx(0.0, abs=1e-9)
    assert price_of(scheme, {"saves": 1}, closed) == pytest.approx(180.0)
    assert price_of(scheme, {"sales": 1}, closed + row(saves=1)) == pytest.approx(3.0)


@pytest.mark.parametrize("days_left", [0.0, 0.3, 4.0, 19.0])
def test_an_open_gate_changes_nothing(days_left: float) -> None:
    steps = ((0, 1.0), (60, 4.0))
    free, behind = Tiers("sales", steps), Tiers("sales", steps, gate=("save_rate", 0.01))
    for sales in (20.0, 59.0, 60.0, 71.0):
        totals = row(sales=sales, saves=50, cancels=90)
        spread = (days_left / DAYS) ** 0.5
        assert worth(behind, totals, spread) == pytest.approx(worth(free, totals, spread))


def test_a_prize_s_price_is_hump_shaped_around_the_cut() -> None:
    scheme = prices_of(Tournament("sales", (300,)))
    own = np.arange(0.0, 120.0)
    curve = np.array(
        [price_of(scheme, {"sales": 1}, row(sales=s), days_left=2.0, cut=60.0) for s in own]
    )
    peak = int(curve.argmax())
    assert peak in (59, 60)
    assert (np.diff(curve[: peak + 1]) >= -1e-9).all()
    assert (np.diff(curve[peak:]) <= 1e-9).all()
    np.testing.assert_allclose(curve[40:81], curve[40:81][::-1][:], atol=15)
    assert curve.sum() == pytest.approx(300.0)


def test_ranks_by_a_rate_are_priced_by_saves_above_the_usual() -> None:
    scheme = prices_of(Tournament("save_rate", (300,)))
    usual = REFERENCE.saves / REFERENCE.cancels
    state = {"totals": row(saves=usual * 45, cancels=45), "days_left": 10.0}
    saved = price_of(scheme, {"saves": 1, "cancels": 1}, **state)
    processed = price_of(scheme, {"cancels": 1}, **state)
    assert saved > 0 > processed
    assert -processed / saved == pytest.approx(usual / (1 - usual), rel=0.1)


def test_a_place_without_a_rival_is_won() -> None:
    scheme = Tournament("sales", (300, 100))
    assert price_of(scheme, {"sales": 1}, days_left=9.0, cut=NO_RIVAL) == 0.0


def test_a_pool_s_price_is_shared_and_read_from_the_team() -> None:
    scheme = prices_of(TeamPool("sales", 6.0))
    assert price_of(scheme, {"sales": 1}) == pytest.approx(6.0 / REFERENCE.team_size)
    lump = prices_of(TeamPool("saves", threshold=480, lump=2400.0))
    assert price_of(lump, {"saves": 1}, row(saves=479)) == 0.0
    assert price_of(lump, {"saves": 1}, team=row(saves=479)) == pytest.approx(200.0)


def test_a_deferred_bonus_is_discounted_by_the_chance_of_being_there() -> None:
    now, later = PieceRate("saves", 10.0), Deferred(PieceRate("saves", 10.0), 3, share=0.5)
    ratio = price_of(later, {"saves": 1}) / price_of(now, {"saves": 1})
    assert ratio == pytest.approx(0.5 + 0.5 * REFERENCE.stay**3)


def test_a_clawed_back_save_is_worth_as_much_as_it_lasts() -> None:
    linear = Clawback(PieceRate("saves", 10.0), 2)
    assert price_of(linear, {"saves": 1, "cancels": 1}, lasting=0.3) == pytest.approx(3.0)
    target = prices_of(Clawback(Target("saves", 60, lump=300.0), 2))
    assert price_of(target, {"saves": 1}, row(saves=59), lasting=0.3) == pytest.approx(90.0)
    rate = prices_of(Clawback(Target("save_rate", 0.48, lump=300.0), 2))
    near = row(cancels=99, saves=47)
    assert price_of(rate, {"saves": 1, "cancels": 1}, near, lasting=0.3) == pytest.approx(90.0)


def test_beyond_a_table_s_ends_the_last_slope_goes_on() -> None:
    scheme = Tiers("sales", ((0, 1.0), (50, 4.0)))
    for spread in (0.0, 0.4, 1.0):
        assert worth(scheme, row(sales=5000), spread) == pytest.approx(50 + 4 * 4950, rel=1e-9)
    lump = Target("save_rate", 0.48, lump=300.0)
    assert worth(lump, row(saves=5000, cancels=5000), 0.7) == pytest.approx(300.0)
    assert worth(lump, row(saves=0, cancels=5000), 0.7) == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    targets(),
    st.integers(0, 2**32 - 1),
    st.floats(0.0, 20.0, exclude_max=True),
)
def test_expected_pay_of_a_lump_is_never_more_than_the_lump(
    scheme: Target, seed: int, days_left: float
) -> None:
    rng = np.random.default_rng(seed)
    lump = replace(scheme, rate=0.0)
    totals = row(
        contacts=rng.integers(900), cancels=rng.integers(90), saves=rng.integers(50),
        sales=rng.integers(80), sales_value=rng.integers(1600), survey_sum=rng.integers(200),
        survey_n=rng.integers(27),
    )  # fmt: skip
    assert -1e-6 <= worth(lump, totals, (days_left / 20) ** 0.5) <= lump.lump * (1 + 1e-9) + 1e-6


# -- how good the normal forecast is --------------------------------------------------------------


def simulated(threshold: float, totals: np.ndarray, per_day: float, p: float, days: float) -> float:
    """The share of 200,000 periods, played to their end, that meet a save rate."""
    rng = np.random.default_rng(12345)
    cancels = rng.poisson(per_day * days, 200_000)
    saves = rng.binomial(cancels, p)
    return float(np.mean(totals[2] + saves >= threshold * (totals[1] + cancels) - 1e-9))


@pytest.mark.parametrize("days_left", [1.0, 5.0, 10.0, 20.0])
@pytest.mark.parametrize("p", [0.40, 0.48, 0.55])
def test_expected_pay_on_a_rate_agrees_with_periods_played_to_their_end(
    days_left: float, p: float
) -> None:
    """For an agent who handles as many cancellations as the reference: within 3 % of the lump
    (saves come one at a time, and the forecast is normal), and 1 % in the mean over states."""
    prices = prices_of(Target("save_rate", 0.48, lump=1.0))
    per_day, done = 4.5, 4.5 * (DAYS - days_left)
    errors = []
    for ahead in range(-6, 7, 2):
        cancels = float(round(done))
        totals = row(cancels=cancels, saves=max(round(0.48 * done) + ahead, 0.0))
        if totals[2] > cancels:
            continue
        forecast = totals + days_left * row(cancels=per_day, saves=p * per_day)
        got = value(prices, 0, forecast, (days_left / DAYS) ** 0.5)
        errors.append(got - simulated(0.48, totals, per_day, p, days_left))
    assert np.abs(errors).max() < 0.03
    assert abs(np.mean(errors)) < 0.01


@pytest.mark.parametrize("days_left", [1.0, 5.0, 10.0, 20.0])
def test_expected_pay_on_a_count_agrees_with_periods_played_to_their_end(days_left: float) -> None:
    """Sales at the reference rate and a threshold of 60: within 1.5 % of the lump."""
    prices, per_day = prices_of(Target("sales", 60, lump=1.0)), REFERENCE.sales / DAYS
    more = np.random.default_rng(7).poisson(per_day * days_left, 200_000)
    for ahead in range(-8, 9, 2):
        logged = max(round(60 - per_day * days_left) + ahead, 0.0)
        truth = np.mean(logged + more >= 60)
        forecast = row(sales=logged + per_day * days_left)
        assert value(prices, 0, forecast, (days_left / DAYS) ** 0.5) == pytest.approx(
            truth, abs=0.015
        )


# -- the cut --------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(0, 2**32 - 1), st.sampled_from(["team", "centre"]))
def test_the_cut_is_the_forecast_of_the_best_rivals(n: int, seed: int, within: Any) -> None:
    rng = np.random.default_rng(seed)
    prices = lower([Wage(), Tournament("sales", (5, 3), within=within)])
    totals = rng.integers(0, 6, (n, N_ACCUMULATORS)).astype(float)
    rates = rng.integers(0, 2, (n, N_ACCUMULATORS)).astype(float)
    team, scheme_of = rng.integers(0, 3, n), rng.integers(0, 2, n)
    out = np.full((2, n), np.nan)
    cuts(prices, totals, rates, 4.0, team, scheme_of, np.empty((3, n_best(prices))), out)
    forecast = totals[:, 3] + 4.0 * rates[:, 3]
    for i, k in itertools.product(np.flatnonzero(scheme_of == 1), range(2)):
        rivals = sorted(
            forecast[j]
            for j in range(n)
            if j != i and scheme_of[j] == 1 and (within == "centre" or team[j] == team[i])
        )[::-1]
        assert out[k, i] == (rivals[k] if len(rivals) > k else NO_RIVAL)
    assert (out[:, scheme_of == 0] == 0.0).all()


# -- the ledger -----------------------------------------------------------------------------------


def months_of(saves: list[list[float]]) -> list[Totals]:
    return [example(saves=line) for line in saves]


def close_all(ledger: Ledger, months: list[Totals], **more: Any) -> list[Any]:
    n = len(months[0].saves)
    slips = []
    for m, totals in enumerate(months):
        at = {name: values[m] for name, values in more.items()}
        slips.append(ledger.close(m, totals, np.zeros(n, dtype=np.int64), **at))
    return slips


def test_a_deferred_bonus_is_released_after_its_months() -> None:
    ledger = Ledger([Wage(100) + Deferred(PieceRate("saves", 1.0), 2, share=0.75)], 1, 4)
    slips = close_all(ledger, months_of([[8], [0], [0], [0]]))
    assert [slip.paid.item() for slip in slips] == [102.0, 100.0, 106.0, 100.0]
    assert slips[0].deferred.item() == 6.0
    assert ledger.pending.item() == 0.0


def test_who_leaves_forfeits_what_is_deferred_and_the_successor_inherits_nothing() -> None:
    ledger = Ledger([Deferred(PieceRate("saves", 1.0), 1)], 2, 3)
    stayed = [np.array([False, True]), np.array([True, True]), np.array([True, True])]
    hired = [np.array([0, 0]), np.array([1, 0]), np.array([1, 0])]
    slips = close_all(ledger, months_of([[5, 5], [7, 7], [0, 0]]), stayed=stayed, hired_month=hired)
    assert slips[0].forfeited.tolist() == [5.0, 0.0]
    assert slips[1].released.tolist() == [0.0, 5.0]
    assert slips[2].released.tolist() == [7.0, 7.0]


def test_a_lost_save_is_taken_back_by_the_month_in_which_it_was_logged() -> None:
    """Ten saves make the bonus of month 0; one of them is lost at the bill of month 1."""
    ledger = Ledger([Clawback(Target("saves", 10, lump=50.0), 2)], 1, 3)
    lost = [np.array([[0.0]]), np.array([[1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]])]
    slips = close_all(ledger, months_of([[10], [30], [0]]), lost_saves=lost)
    assert [slip.bonus.item() for slip in slips] == [50.0, 50.0, 0.0]
    assert [slip.clawed_back.item() for slip in slips] == [0.0, 50.0, 0.0]


def test_after_its_months_a_save_is_the_agent_s_to_keep() -> None:
    ledger = Ledger([Clawback(PieceRate("saves", 1.0), 1)], 1, 3)
    lost = [np.array([[1.0]]), np.array([[2.0, 0.0]]), np.array([[9.0, 0.0, 0.0]])]
    slips = close_all(ledger, months_of([[9], [0], [0]]), lost_saves=lost)
    assert [slip.clawed_back.item() for slip in slips] == [1.0, 1.0, 0.0]


def test_what_is_taken_back_comes_out_of_what_is_deferred_first() -> None:
    ledger = Ledger([Clawback(Deferred(PieceRate("saves", 1.0), 2, share=0.5), 2)], 1, 3)
    lost = [np.array([[0.0]]), np.array([[6.0, 0.0]]), np.array([[6.0, 0.0, 0.0]])]
    slips = close_all(ledger, months_of([[10], [0], [0]]), lost_saves=lost)
    assert [slip.forfeited.item() for slip in slips] == [0.0, 5.0, 0.0]
    assert [slip.clawed_back.item() for slip in slips] == [0.0, 1.0, 0.0]
    assert [slip.paid.item() for slip in slips] == [5.0, -1.0, 0.0]


def test_a_successor_does_not_pay_for_the_saves_of_who_left() -> None:
    ledger = Ledger([Clawback(PieceRate("saves", 1.0), 2)], 1, 2)
    lost = [np.array([[0.0]]), np.array([[6.0, 0.0]])]
    hired = [np.array([0]), np.array([1])]
    slips = close_all(ledger, months_of([[9], [0]]), lost_saves=lost, hired_month=hired)
    assert slips[1].clawed_back.item() == 0.0


def test_each_agent_is_paid_by_its_scheme_of_the_month_and_competes_under_it() -> None:
    ledger = Ledger([Wage(100), Wage(10) + Tournament("saves", (40,))], 4, 2)
    totals = example([0] * 4, saves=[9, 8, 7, 6])
    assert ledger.close(0, totals, np.array([0, 1, 1, 0])).paid.tolist() == [100, 50, 10, 100]
    assert ledger.close(1, totals, np.array([1, 1, 0, 0])).paid.tolist() == [50, 10, 100, 100]


def test_a_scaled_scheme_keeps_its_terms_and_scales_its_prices() -> None:
    later = Scaled(Deferred(PieceRate("saves", 1.0), 1), 3.0)
    slips = close_all(Ledger([later], 1, 2), months_of([[5], [0]]))
    assert [slip.paid.item() for slip in slips] == [0.0, 15.0]
    own = price_of(Scaled(MySavesTarget(9, 50.0), 3.0), {"saves": 1}, row(saves=8))
    assert own == pytest.approx(150.0)


def test_an_empty_seat_is_paid_nothing() -> None:
    ledger = Ledger([Wage(100)], 2, 1)
    slip = ledger.close(0, example(saves=[0, 0]), np.zeros(2), employed=np.array([True, False]))
    assert slip.paid.tolist() == [100.0, 0.0]


@settings(max_examples=60, deadline=None)
@given(st.lists(schemes, min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_what_is_earned_is_paid_pending_forfeited_or_taken_back(some: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, horizon = 4, 5
    summed = sum([*some, Wage(100)])
    ledger = Ledger([summed, *some], n, horizon)
    logged = rng.integers(0, 60, (horizon, n)).astype(float)
    losses = np.zeros((n, horizon))
    hired = np.zeros(n, dtype=np.int64)
    slips = []
    for m in range(horizon):
        scheme_of = rng.integers(0, 1 + len(some), n)
        totals = example(
            rng.integers(0, 2, n), saves=logged[m], cancels=2 * logged[m], contacts=9 * logged[m],
            sales=logged[m], sales_value=20 * logged[m],
        )  # fmt: skip
        losses[:, : m + 1] = np.minimum(
            losses[:, : m + 1] + rng.integers(0, 9, (n, m + 1)), logged[: m + 1].T
        )
        stayed = rng.random(n) < 0.8
        slips.append(
            ledger.close(
                m, totals, scheme_of,
                lost_saves=losses[:, : m + 1].copy(), stayed=stayed, hired_month=hired.copy(),
            )
        )  # fmt: skip
        hired[~stayed] = m + 1
    total = {name: sum(getattr(slip, name) for slip in slips) for name in slips[0]._fields}
    for slip in slips:
        for name in ("wage", "bonus", "deferred", "released", "forfeited", "clawed_back"):
            assert (getattr(slip, name) >= -1e-9).all()
        np.testing.assert_allclose(
            slip.paid, slip.wage + slip.bonus + slip.released - slip.clawed_back
        )
    owed = total["released"] + total["forfeited"] + ledger.pending
    np.testing.assert_allclose(total["deferred"], owed, atol=1e-6)
    assert (total["clawed_back"] <= total["bonus"] + total["released"] + 1e-6).all()


# -- errors name the field, the value and the way out ---------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (
            lambda: Target("saves", -5),
            ValueError,
            r"^Target\.threshold must be >= 0, got -5\.0$",
        ),
        (
            lambda: Target("save_rate", 48),
            ValueError,
            r"^Target\.threshold must lie between 0 and 1 for save_rate, got 48\.0$",
        ),
        (
            lambda: Target("saves", 60, lump="80"),
            TypeError,
            r"^Target\.lump must be a number \(currency per period\), got '80' of type str$",
        ),
        (
            lambda: Target("saves_rate", 0.5),
            ValueError,
            r"^Target\.metric 'saves_rate' is not a metric; did you mean 'save_rate'\? Metrics are",
        ),
        (
            lambda: PieceRate("save_rate", 3.0),
            ValueError,
            r"^PieceRate\.metric must be a count, got 'save_rate'; use Target or Tiers",
        ),
        (
            lambda: Target("zzz", 1),
            ValueError,
            r"^Target\.metric 'zzz' is not a metric\. Metrics are",
        ),
        (lambda: Target("saves", (1, 2)), TypeError, r"^Target\.threshold must be a number"),
        (lambda: PieceRate("sales", float("nan")), ValueError, r"^PieceRate\.rate must be >= 0"),
        (lambda: PieceRate("sales", float("inf")), ValueError, r"^PieceRate\.rate must be >= 0"),
        (lambda: PieceRate("sales", True), TypeError, r"^PieceRate\.rate must be a number"),
        (lambda: Wage(-1), ValueError, r"^Wage\.monthly must be >= 0, got -1\.0$"),
        (
            lambda: Tiers("sales", ((9, 1), (9, 2))),
            ValueError,
            r"^Tiers\.steps must have rising thresholds, got \[9\.0, 9\.0\]$",
        ),
        (lambda: Tiers("sales", ()), ValueError, r"^Tiers\.steps must be pairs"),
        (lambda: Tiers("sales", (3, 4)), ValueError, r"^Tiers\.steps must be pairs"),
        (lambda: Tiers("sales", ((1, -2),)), ValueError, r"^Tiers\.steps\[0\] rate must be >= 0"),
        (
            lambda: Tiers("sales", ((1, 2),), gate=("save_rates", 1)),
            ValueError,
            r"^Tiers\.gate 'save_rates' is not a metric; did you mean 'save_rate'",
        ),
        (lambda: Tiers("sales", ((1, 2),), gate="saves"), ValueError, r"^Tiers\.gate must be a m"),
        (lambda: Tiers("sales", ((1, 2),), pays="lumps"), ValueError, r"^Tiers\.pays must be"),
        (
            lambda: Tournament("sales", (1, 2)),
            ValueError,
            r"^Tournament\.prizes must not rise with the place",
        ),
        (lambda: Tournament("sales", ()), ValueError, r"^Tournament\.prizes must be one amount"),
        (lambda: Tournament("sales", (1,), "floor"), ValueError, r"^Tournament\.within must be"),
        (
            lambda: Deferred(Wage() + PieceRate("sales", 1), 3),
            ValueError,
            r"^Deferred\.scheme must be variable pay, .* add the Wage outside$",
        ),
        (lambda: Deferred(Deferred(StandsAlone(), 1), 2), ValueError, r"deferred already"),
        (lambda: Clawback(Clawback(StandsAlone(), 1), 2), ValueError, r"clawed back already"),
        (lambda: Deferred(StandsAlone(), 0), ValueError, r"^Deferred\.months must be >= 1, got 0$"),
        (lambda: Clawback(StandsAlone(), 1.5), TypeError, r"^Clawback\.months must be a whole"),
        (lambda: Clawback("saves", 1), TypeError, r"^Clawback\.scheme must be a scheme"),
        (lambda: Deferred(StandsAlone(), 1, 1.5), ValueError, r"^Deferred\.share must lie between"),
        (lambda: Sum((Wage(),)), ValueError, r"^Sum\.parts must hold two schemes or more, got 1$"),
        (lambda: Sum((Wage(), 3)), TypeError, r"^Sum\.parts must be schemes, got 3 of type int$"),
        (lambda: Wage() + 3, TypeError, r"unsupported operand"),
        (lambda: 3 + Wage(), TypeError, r"unsupported operand"),
        (lambda: Scheme().pay(example(sales=[1])), NotImplementedError, r"needs a method pay"),
        (lambda: lower([ReadsThree()]), ValueError, r"reads 3 accumulators \(contacts, saves, sal"),
        (lambda: lower([ReadsOthers()]), ValueError, r"depends on what other agents logged"),
        (lambda: lower([WrongShape()]), ValueError, r"one amount for each agent, shape \(48,\)"),
        (
            lambda: Ledger([Wage()], 1, 2).close(1, example(saves=[1]), np.zeros(1)),
            ValueError,
            r"closed in order: the next of 2 is 0, got 1",
        ),
        (
            lambda: Ledger([Wage()], 3, 2).close(0, example(saves=[1]), np.zeros(1)),
            ValueError,
            r"must hold 3 agents, got \(1,\)",
        ),
    ],
)
def test_errors_name_the_field_the_value_and_the_way_out(make: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        make()
