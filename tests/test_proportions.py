"""Intervals of what few findings make: by other packages, by hand, and over made samples."""

import json

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from incentives.estimates.inference import Floats, shares
from incentives.estimates.proportions import Recovered, Share, recovered, wilson


def drawn_alone(*counts: tuple[int, int], ratio: bool = False) -> Recovered:
    """Give two shares of units that were drawn alone, many enough for normal critical values."""
    found, size = (np.array(each, dtype=float) for each in zip(*counts, strict=True))
    share = found / size
    with np.errstate(divide="ignore"):
        value = np.log(share[0] / share[1]) if ratio else share[0] - share[1]
    return Recovered(
        value=float(value),
        share=share,
        size=size,
        times=np.array([1.0, -1.0]),
        alike=np.eye(2),
        df=1e12,
        ratio=ratio,
    )


def two_arms(found: Floats, of: Floats, *, ratio: bool = False) -> Recovered:
    """Compare two arms with clusters of their own, those of the first before those of the second.

    Both have one row an arm.
    """
    clusters = found.shape[1]
    at_risk, events = np.zeros((2, 2 * clusters, 2))
    for arm in range(2):
        here = slice(arm * clusters, (arm + 1) * clusters)
        at_risk[here, arm], events[here, arm] = of[arm], found[arm]
    share = shares(events, at_risk)
    part = Share(share, at_risk, at_risk.sum(axis=0), np.ones(2))
    one, other = share.value
    with np.errstate(divide="ignore"):
        value = np.log(one) - np.log(other) if ratio else one - other
    answer = recovered([part], (0, 1), float(value), unit="team", ratio=ratio)
    assert answer is not None
    return answer


# ── by other packages, and by hand ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("found", "size"), [(0, 12), (3, 12), (11, 12), (12, 12), (40, 200)])
def test_the_interval_of_a_share_is_that_of_statsmodels(found: int, size: int) -> None:
    low, high = wilson(np.array([found / size]), np.array([size]), float(stats.norm.ppf(0.975)))
    theirs = proportion_confint(found, size, method="wilson")
    assert (low[0], high[0]) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("counts", [((56, 70), (48, 80)), ((9, 10), (3, 10)), ((5, 29), (0, 34))])
def test_a_difference_has_newcombes_interval(counts: tuple[tuple[int, int], ...]) -> None:
    theirs = confint_proportions_2indep(*counts[0], *counts[1], compare="diff", method="newcomb")
    assert drawn_alone(*counts).interval(0.95) == pytest.approx(theirs, abs=1e-9)


def test_an_end_of_a_ratio_is_where_the_difference_from_it_has_an_end_at_nothing() -> None:
    """Donner and Zou: p1 - r p2 has its own interval, by the same rule, for every r."""
    one, other = 9 / 60, 25 / 50
    low, high = wilson(np.array([one, other]), np.array([60.0, 50.0]), float(stats.norm.ppf(0.975)))
    ends = np.exp(drawn_alone((9, 60), (25, 50), ratio=True).interval(0.95))
    assert one - ends[0] * other == pytest.approx(
        np.hypot(one - low[0], ends[0] * (high[1] - other))
    )
    assert one - ends[1] * other == pytest.approx(
        -np.hypot(high[0] - one, ends[1] * (other - low[1]))
    )


def test_a_ratio_to_nothing_found_has_a_least_value_and_no_greatest() -> None:
    answer = drawn_alone((20, 40), (0, 40), ratio=True)
    low, high = answer.interval(0.95)
    assert np.isposinf([answer.value, high]).all()
    margin = stats.norm.ppf(0.975) ** 2
    top = margin / (40 + margin)  # of a share of nothing
    bottom = proportion_confint(20, 40, method="wilson")[0]
    assert np.exp(-low) == pytest.approx(top / np.sqrt(bottom * (2 * 0.5 - bottom)))
    assert 0 < answer.p_value() < 1e-3


def test_degrees_of_freedom_are_bell_and_mccaffreys() -> None:
    """By the trace of the matrix behind the CR2 variance, for means of clusters by their weight."""
    n = np.array([3.0, 5.0, 8.0, 20.0, 4.0])
    weight = n / n.sum()
    away = np.eye(5) - np.outer(np.ones(5), weight)  # takes a cluster's mean less that of all
    takes = np.diag(weight / np.sqrt(1 - weight)) @ away
    behind = takes @ np.diag(1 / weight) @ takes.T
    expected = np.trace(behind) ** 2 / np.trace(behind @ behind)
    at_risk = np.column_stack([n])
    found = shares(np.array([[1.0], [2.0], [3.0], [4.0], [2.0]]), at_risk)
    part = Share(found, at_risk, np.array([40.0]), np.ones(1))
    level = recovered([part], (0,), float(found.value[0]), unit="team")
    assert level is not None
    assert level.df == pytest.approx(expected)
    assert level.df < 4
    same = two_arms(np.full((2, 5), 2.0) + np.arange(5), np.full((2, 5), 10.0))
    assert same.df == pytest.approx(8)


def test_clusters_that_differ_are_worth_fewer_drawn_alone() -> None:
    alike, unlike = np.array([[3.0, 2.0, 3.0, 2.0]] * 2), np.array([[5.0, 0.0, 5.0, 0.0]] * 2)
    of = np.full((2, 4), 5.0)
    assert two_arms(alike, of).size.tolist() == [20, 20]  # never more than were looked at
    spread = 0.25 / (4 * (1 / 8) ** 2 * 4 / 3)
    assert two_arms(unlike, of).size == pytest.approx(spread)
    assert two_arms(np.zeros((2, 4)), of).size.tolist() == [20, 20]


def test_shares_that_go_together_are_taken_together() -> None:
    """What clusters raise together is less sure as a sum, and surer as a difference."""
    at_risk = np.full((6, 1), 20.0)
    events = np.array([[2.0], [4.0], [9.0], [5.0], [3.0], [8.0]])
    found = shares(events, at_risk)
    one = Share(found, at_risk, np.array([120.0]), np.ones(1))
    less = one._replace(found=found * -1.0, largest=-np.ones(1))
    twice = recovered([one, one], (0,), 2 * float(found.value[0]), unit="team")
    none = recovered([one, less], (0,), 0.0, unit="team")
    alone = recovered([one], (0,), float(found.value[0]), unit="team")
    assert twice is not None
    assert none is not None
    assert alone is not None
    low, high = alone.interval(0.95)
    assert twice.interval(0.95) == pytest.approx((2 * low, 2 * high))
    lopsided = abs(2 * alone.value - low - high)  # all that is left where each takes off the other
    assert none.interval(0.95) == pytest.approx((-lopsided, lopsided))


# ── what is told of it ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ratio", [False, True])
def test_the_p_value_is_that_of_the_interval_that_just_reaches_no_effect(ratio: bool) -> None:
    for counts in (((9, 20), (3, 20)), ((3, 20), (9, 20)), ((12, 20), (11, 20))):
        answer = drawn_alone(*counts, ratio=ratio)
        ends = answer.interval(1 - answer.p_value())
        assert min(abs(end) for end in ends) == pytest.approx(0, abs=1e-6)
    assert drawn_alone((5, 20), (5, 20), ratio=ratio).p_value() == 1


@pytest.mark.parametrize("other", [0, 4])
def test_it_is_kept_as_plain_values(other: int) -> None:
    answer = drawn_alone((20, 40), (other, 40), ratio=True)
    again = Recovered.from_dict(json.loads(json.dumps(answer.to_dict(), allow_nan=False)))
    assert again.interval(0.9) == answer.interval(0.9)
    assert again.p_value() == answer.p_value()


def test_one_cluster_and_pairs_are_left_to_others() -> None:
    at_risk = np.full((4, 2), 10.0)
    found = shares(np.array([[3.0, 1.0], [5.0, 2.0], [4.0, 2.0], [6.0, 4.0]]), at_risk)
    part = Share(found, at_risk, np.array([40.0, 40.0]), np.ones(2))
    assert recovered([part], (0, 1), float(found.value[0] - found.value[1]), unit="team") is None
    alone = part._replace(at_risk=np.array([[10.0], [0.0], [0.0], [0.0]]))
    assert recovered([alone], (0,), 0.3, unit="team") is None


# ── over made samples ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("truth", "alike"),
    [((0.45, 0.08), 0.1), ((0.8, 0.05), 0.3), ((0.5, 0.4), 0.2), ((0.3, 0.3), 0.0)],
)
def test_intervals_hold_the_truth_where_one_arm_seldom_gets_there(
    truth: tuple[float, float], alike: float
) -> None:
    """The logarithm of the ratio with t loses the samples in which the other arm has none."""
    rng, worlds, clusters, size = np.random.default_rng(8), 600, 8, 6
    held = {"difference": 0, "ratio": 0}
    of = np.full((2, clusters), float(size))
    for _ in range(worlds):
        p = np.repeat(np.array(truth)[:, None], clusters, axis=1)
        if alike:
            scale = (1 - alike) / alike
            p = rng.beta(p * scale, (1 - p) * scale)
        found = rng.binomial(size, p).astype(float)
        for name, so in (
            ("difference", truth[0] - truth[1]),
            ("ratio", np.log(truth[0] / truth[1])),
        ):
            low, high = two_arms(found, of, ratio=name == "ratio").interval(0.95)
            held[name] += low <= so <= high
    for name, hits in held.items():
        assert hits >= stats.binom.ppf(0.0005, worlds, 0.95), name
        assert hits < worlds, name
