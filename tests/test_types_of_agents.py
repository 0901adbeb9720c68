"""Classes of agents: a mixture made by hand, worlds with two kinds in them, and refusals."""

import dataclasses
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import worlds
from scipy import special, stats

from incentives.estimates import Estimate, agent_types
from incentives.estimates.inference import Carried
from incentives.estimates.types_of_agents import (
    Log,
    Model,
    _climb,
    _fits,
    _log_mass,
    _ordered,
    _rank_alike,
)

Floats = npt.NDArray[np.float64]

MONEY = np.array([0.0, 5.0])
SHARE = np.array([0.4, 0.6])
LOGGED = np.array([[0.06, 0.14], [0.05, 0.06]])  # (classes, levels)
FALSE = np.array([[[0.10, 0.02], [0.60, 0.02]], [[0.05, 0.01], [0.10, 0.01]]])
PRECISION = 200.0
FIRMS = 16  # made by hand


def made(
    rng: np.random.Generator, agents: int = 80, share: Floats = SHARE, false: Floats = FALSE
) -> tuple[Log, Floats]:
    """Draw what is on record of agents of two classes, and give the classes."""
    kind = (rng.random(agents) < share[1]).astype(int)
    n = rng.integers(300, 700, (agents, 2)).astype(float)
    p = rng.beta(LOGGED[kind] * PRECISION, (1 - LOGGED[kind]) * PRECISION)
    paid = rng.binomial(n.astype(int), p).astype(float)
    audits = np.stack([paid * 0.3, (n - paid) * 0.1], axis=2).round()
    found = rng.binomial(audits.astype(int), false[kind]).astype(float)
    return Log(MONEY, n, paid, audits, found), kind.astype(float)


@cache
def each_world() -> list[Estimate]:
    return [agent_types(w, money=worlds.PRICES, classes=2) for w in worlds.each(trial())]


def trial():
    return worlds.trial("switched")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@cache
def answers() -> pd.DataFrame:
    """Give the tidy tables of all worlds, one under the other."""
    return pd.concat([each.tidy() for each in each_world()], ignore_index=True)


@cache
def truth() -> pd.DataFrame:
    """Give the true share of contacts in which an audit would find gaming, per 100, by kind.

    All worlds together: the population that agents of these worlds are drawn from.
    """
    records = worlds.oracle("switched")
    gamed = records.audits[records.audits["true_gaming"] != "none"]
    how = ["true_gaming", "logged_outcome"]
    seen = (gamed["found"] != "none").groupby([gamed[name] for name in how], observed=True).mean()
    who = records.agents[["run", "month", "agent", "true_kind"]]
    cells = records.cells[records.cells["agent"] >= 0].merge(who, on=["run", "month", "agent"])
    cells = cells.merge(seen.rename("seen").reset_index(), on=how, how="left").fillna({"seen": 0})
    cells["money"] = cells["scheme"].astype(str).map(worlds.PRICES)
    cells["found"] = cells["seen"] * cells["n"]
    table = cells.groupby(["true_kind", "money"], observed=True)[["found", "n"]].sum()
    return 100 * (table["found"] / table["n"]).unstack()  # noqa: PD010


def response(kind: str) -> float:
    """Give the slope of the true shares of a kind on money."""
    gamed = truth().loc[kind]
    return float(np.polyfit(gamed.index.to_numpy(float), gamed.to_numpy(), 1)[0])


def rows(estimand: str, term: str, estimator: str = "latent classes", group: str = ""):
    table = answers()
    keep = (table["estimand"] == estimand) & (table["term"] == term) & (table["group"] == group)
    return table[keep & (table["estimator"] == estimator)]


# ── the mixture itself ───────────────────────────────────────────────────────────────────────────


def log_likelihood(log: Log, theta: Floats) -> float:
    model = Model(log, 2, theta)
    mass = _log_mass(log, model.of_class).sum(axis=(2, 3))
    joint = mass + model.odds - special.logsumexp(model.odds)
    return float(special.logsumexp(joint, axis=1).sum())


def test_scores_are_the_slopes_of_the_likelihood(rng: np.random.Generator) -> None:
    log, _ = made(rng, 20)
    theta = rng.normal(0.0, 0.5, 25)
    theta[2::2] += 4.0
    steps = 1e-5 * np.eye(25)
    slopes = [
        (log_likelihood(log, theta + h) - log_likelihood(log, theta - h)) / 2e-5 for h in steps
    ]
    np.testing.assert_allclose(
        Model(log, 2, theta).scores().sum(axis=0), slopes, rtol=1e-5, atol=1e-4
    )


def test_the_likelihood_is_that_of_scipy(rng: np.random.Generator) -> None:
    log, _ = made(rng, 6)
    theta = np.concatenate([[0.0], np.tile([-2.0, 4.0, 0.5, 3.0, -1.0, 5.0], 4)])
    p, precision = special.expit([-2.0, 0.5, -1.0]), np.exp([4.0, 3.0, 5.0])
    hits, tries = log.hits, log.tries
    by_hand = stats.betabinom.logpmf(hits, tries, p * precision, (1 - p) * precision)
    known = special.gammaln(tries + 1) - special.gammaln(hits + 1)
    known -= special.gammaln(tries - hits + 1)
    assert log_likelihood(log, theta) == pytest.approx(float((by_hand - known).sum()), rel=1e-9)


def test_em_ends_at_a_maximum(rng: np.random.Generator) -> None:
    log, _ = made(rng)
    fit = _climb(log, 2, rng)
    model = Model(log, 2, fit.theta)
    assert np.abs(model.scores().sum(axis=0) + model.pulled()).max() < 0.1
    assert fit.agreeing >= 3


def test_one_class_is_the_pooled_share(rng: np.random.Generator) -> None:
    log, _ = made(rng)
    model = Model(log, 1, _climb(log, 1, rng).theta)
    rate = log.found.sum(axis=0) / log.audits.sum(axis=0)
    np.testing.assert_allclose(model.share[0, :, 1:], rate, rtol=1e-9)


@pytest.mark.parametrize("loyal", [1.0, 0.1, 0.0], ids=["some", "few", "none"])
def test_a_mixture_made_by_hand_is_recovered_with_honest_intervals(loyal: float) -> None:
    """Also where audits of the loyal find a few cases of gaming, or none at all."""
    rng = np.random.default_rng(11)
    false = np.stack([FALSE[0], loyal * FALSE[1]])
    gamed = 100 * (LOGGED * false[..., 0] + (1 - LOGGED) * false[..., 1])
    slope = (gamed[:, 1] - gamed[:, 0]) / 5
    known = {"response": slope, "gamed": gamed.ravel(), "gap": slope[:1] - slope[1:]}
    known["share"] = 100 * SHARE
    errors: dict[str, list[Floats]] = {name: [] for name in known}
    ratios: dict[str, list[Floats]] = {name: [] for name in known}
    right = []
    for _ in range(FIRMS):
        log, kind = made(rng, false=false)
        model = _ordered(log, _climb(log, 2, rng))
        right.append(float((model.weight.argmax(axis=1) == kind).mean()))
        each = np.arange(len(kind))
        own = model.carried(each)
        carried = {
            "response": own,
            "gamed": [own[0], own[0], own[1], own[1]],
            "gap": [min(own)],
            "share": [Carried(80, 78, paired=False)] * 2,
        }
        for name, truth in known.items():
            found = model.estimated(each)[name]
            errors[name].append(found.value - truth)
            margin = [
                stats.t.ppf(0.975, c.df) * found.std_error(c)[i]
                for i, c in enumerate(carried[name])
            ]
            ratios[name].append(np.abs(found.value - truth) / margin)
    for name in known:
        error, ratio = np.array(errors[name]), np.array(ratios[name])
        spread = error.std(axis=0, ddof=1) / np.sqrt(FIRMS)
        bound = 1e-3  # what is left of a share of 0 where its log-odds end
        assert (np.abs(error.mean(axis=0)) < 4 * spread + bound).all(), name
        assert ((ratio < 1).sum(axis=0) >= stats.binom.ppf(0.0005, FIRMS, 0.95)).all(), name
    assert np.mean(right) > 0.95


def test_agents_of_a_class_who_differ_are_not_cut_into_two() -> None:
    """Half game, each as far as it likes, and half do not: the more audits, the clearer it is."""
    rng = np.random.default_rng(31)
    half = np.repeat([0, 1], 30)
    shares = []
    for _ in range(FIRMS // 2):
        n = np.full((60, 2), 500.0)
        far = rng.beta(2.0, 2.5, 60)  # of the mercenary, at the higher level of money
        false = np.stack([np.full(60, 0.05), np.where(half == 0, far, 0.01)], axis=1)
        paid = rng.binomial(500, np.full((60, 2), 0.2)).astype(float)
        hits = rng.binomial(paid.astype(int), false).astype(float)
        none = np.zeros((60, 2))
        log = Log(MONEY, n, paid, np.stack([paid, n - paid], 2), np.stack([hits, none], 2))
        model = _ordered(log, _climb(log, 2, rng))
        shares.append(float((model.weight.argmax(axis=1) == half).mean()))
        true = 100 * 0.2 * false[half == 0, 1].mean()
        assert model.gamed()[0, 1] == pytest.approx(true, rel=0.15)
    assert np.mean(shares) > 0.9


def test_an_audit_that_finds_nothing_leaves_room_for_three_in_its_number() -> None:
    """Of n audits without a finding 3 / n is the usual bound of 95 % on one side."""
    one = np.ones((40, 2))
    audits = np.stack([5 * one, 10 * one], axis=2)
    log = Log(MONEY, 400 * one, 20 * one, audits, np.zeros((40, 2, 2)))
    model = Model(log, 1, _climb(log, 1, np.random.default_rng(1)).theta)
    found = model.estimated(np.arange(40))["gamed"]
    bound = found.value + stats.t.ppf(0.95, 39) * found.std_error(model.carried(np.arange(40))[0])
    share = np.array([0.05, 0.95])
    by_hand = 100 * 3 * np.hypot(*(share / (40 * np.array([5, 10]))))
    np.testing.assert_allclose(bound, by_hand, rtol=0.25)


def test_classes_are_linked_between_levels_that_no_agent_has_seen_both_of() -> None:
    """Agents on a wage, then at 4 or at 8: it is only by who games most that levels are tied."""
    rng = np.random.default_rng(21)
    kind = np.repeat([0, 1], 24)
    at = np.tile([1, 2], 24)
    logged = np.array([[0.02, 0.09, 0.12], [0.02, 0.02, 0.02]])
    false = np.array([[0.2, 0.9, 0.9], [0.2, 0.02, 0.02]])
    for _ in range(10):
        n = np.full((48, 3), 1500.0)
        n[np.arange(48), 3 - at] = 0.0
        paid = rng.binomial(n.astype(int), rng.beta(300 * logged, 300 * (1 - logged))[kind])
        checked = rng.binomial(paid, 0.15)
        audits = np.stack([checked, rng.binomial(n.astype(int) - paid, 0.02)], axis=2)
        hits = np.stack([rng.binomial(checked, false[kind]), np.zeros((48, 3))], axis=2)
        log = Log(np.array([0.0, 4.0, 8.0]), n, paid * 1.0, audits * 1.0, hits * 1.0)
        fit = _climb(log, 2, rng)
        assert fit.ranked
        model = _ordered(log, fit)
        assert (model.weight.argmax(axis=1) == kind).mean() > 0.9


def test_classes_that_change_places_are_told_from_those_that_are_near() -> None:
    of_class = np.zeros((2, 3, 3, 2))
    of_class[..., 1, 0] = special.logit([[0.5, 0.5, 0.5], [0.1, 0.1, 0.1]])
    of_class[..., 2, 0] = -12.0
    swapped, near = of_class.copy(), of_class.copy()
    swapped[:, 2] = of_class[::-1, 2]
    near[:, 2, 1, 0] = special.logit([0.5, 0.52])
    lowest = of_class.copy()
    lowest[:, 0] = of_class[::-1, 0]
    alike = _rank_alike(np.stack([of_class, swapped, near, lowest]))
    assert alike.tolist() == [True, False, True, True]


def test_bic_finds_two_classes_where_there_are_two_and_one_where_there_is_one() -> None:
    rng = np.random.default_rng(3)
    for share, number in ((SHARE, 2), (np.array([0.0, 1.0]), 1)):
        log, _ = made(rng, share=share)
        fits = _fits(log, None, rng)
        assert min(fits, key=lambda fit: fit.bic(80)).classes == number


# ── worlds with two kinds of agents ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("term", ["class 1", "class 1 less class 2"])
def test_responses_of_two_kinds_are_recovered(term: str) -> None:
    found = rows("response", term)
    known = response("mercenary") - (response("loyal") if "less" in term else 0.0)
    error = found["estimate"] - known
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(found))
    covered = ((found["conf_low"] <= known) & (known <= found["conf_high"])).sum()
    assert covered >= stats.binom.ppf(0.0005, len(found), 0.95)
    assert (found["conf_low"] > 0).mean() > 0.9  # and told from nothing


def test_the_share_of_mercenaries_is_recovered() -> None:
    agents = worlds.oracle("switched").agents.drop_duplicates(["run", "agent", "hire"])
    known = 100 * float((agents["true_kind"] == "mercenary").mean())
    found = rows("share", "class 1")
    error = found["estimate"] - known
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(found))
    covered = ((found["conf_low"] <= known) & (known <= found["conf_high"])).sum()
    assert covered >= stats.binom.ppf(0.0005, len(found), 0.95)


def test_the_loyal_are_not_said_to_answer_to_money() -> None:
    """Audits find next to nothing on them: intervals are of what may have been missed."""
    found, known = rows("response", "class 2"), response("loyal")
    assert (found["estimate"].abs() < response("mercenary") / 5).all()
    covered = ((found["conf_low"] <= known) & (known <= found["conf_high"])).sum()
    assert covered >= stats.binom.ppf(0.0005, len(found), 0.95)
    assert (found["conf_high"] < response("mercenary")).mean() > 0.9
    assert rows("elasticity", "class 2")["estimate"].isna().mean() > 0.9


@pytest.mark.parametrize(("term", "kind"), [("class 1", "mercenary"), ("class 2", "loyal")])
def test_what_each_class_games_is_covered_at_each_level_of_money(term: str, kind: str) -> None:
    for money, known in truth().loc[kind].items():
        found = rows("gamed", term, group=f"at {money:g}")
        covered = ((found["conf_low"] <= known) & (known <= found["conf_high"])).sum()
        assert covered >= stats.binom.ppf(0.0005, len(found), 0.95), money


def test_the_elasticity_of_the_mercenary_is_covered() -> None:
    gamed = truth().loc["mercenary"].to_numpy()
    known = (gamed[-1] - gamed[0]) / (gamed[-1] + gamed[0])  # money moves from 0: by all its mean
    found = rows("elasticity", "class 1").dropna(subset="estimate")
    assert len(found) > 0.9 * len(rows("elasticity", "class 1"))
    covered = ((found["conf_low"] <= known) & (known <= found["conf_high"])).sum()
    assert covered >= stats.binom.ppf(0.0005, len(found), 0.95)


def test_the_pooled_response_is_true_of_nobody() -> None:
    pooled = rows("response", "all agents", "pooled")["estimate"]
    error = pooled.std() / np.sqrt(len(pooled))
    assert response("loyal") + 10 * error < pooled.mean() < response("mercenary") - 10 * error


def test_agents_are_sorted_into_their_kinds() -> None:
    agents = worlds.oracle("switched").agents.drop_duplicates(["run", "agent", "hire"])
    known = agents[["run", "agent", "hire", "true_kind"]]
    placed = pd.concat([each.details["agents"] for each in each_world()[:8]])
    both = placed.merge(known, on=["run", "agent", "hire"], validate="one_to_one")
    sure = both[both["probability_1"].sub(0.5).abs() > 0.4]
    assert len(sure) > len(both) / 2
    assert ((sure["class"] == 1) == (sure["true_kind"] == "mercenary")).mean() > 0.85


# ── the answer and its refusals ──────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def world():
    return next(iter(worlds.each(worlds.oracle("switched"))))


def test_it_reads_well_and_never_the_truth(world) -> None:
    answer = agent_types(world, money=worlds.PRICES)
    assert answer.design["n_classes"] == 2
    two, seen = (
        agent_types(records, money=worlds.PRICES, classes=2)
        for records in (world, world.seen_by("analyst"))
    )
    pd.testing.assert_frame_equal(two.tidy(), seen.tidy())
    lines = answer.summary().splitlines()
    assert len(lines) <= 25
    assert lines[-1].startswith("Read as: money raises gaming of 'class 1' (")
    assert answer.plot().get_xlabel().startswith("per 100 contacts and unit of money, against '0")
    assert answer.details["criteria"]["classes"].tolist() == [1, 2, 3, 4]
    back = Estimate.from_dict(answer.to_dict())
    assert back.summary() == answer.summary()


def test_what_cannot_be_answered_is_refused(world) -> None:
    with pytest.raises(KeyError, match="money lacks the scheme 'high'"):
        agent_types(world, money={"before": 0.0, "low": 4.0})
    with pytest.raises(ValueError, match="money of 'low' must be 0 or more, got -1"):
        agent_types(world, money=worlds.PRICES | {"low": -1})
    with pytest.raises(ValueError, match="money is 2 under every scheme on record"):
        agent_types(world, money=dict.fromkeys(worlds.PRICES, 2.0))
    with pytest.raises(ValueError, match="no contact is logged 'svaed'"):
        agent_types(world, money=worlds.PRICES, logged="svaed")
    with pytest.raises(ValueError, match="classes must be 1 to 4, got 5"):
        agent_types(world, money=worlds.PRICES, classes=5)


def test_audits_made_on_suspicion_are_left_out_and_none_counts_twice(world) -> None:
    plain = agent_types(world, money=worlds.PRICES, classes=2)
    audits = world.audits.astype({"mode": str}) if "mode" in world.audits else world.audits
    again = audits.head(20)
    suspected = again.assign(mode="targeted", prob=np.nan, contact=again["contact"] + 10**9)
    both = dataclasses.replace(world, audits=pd.concat([audits, suspected], ignore_index=True))
    more = agent_types(both, money=worlds.PRICES, classes=2)
    pd.testing.assert_frame_equal(more.tidy(), plain.tidy())
    assert more.design["n_targeted_left_out"] == 20
    twice = dataclasses.replace(world, audits=pd.concat([audits, again], ignore_index=True))
    with pytest.raises(ValueError, match=r"audits have contact .* twice"):
        agent_types(twice, money=worlds.PRICES, classes=2)


def test_agents_who_never_changed_cannot_tell_classes_apart(world) -> None:
    late = world.cells["month"] >= worlds.MONTHS
    checked = world.audits["month"] >= worlds.MONTHS
    apart = dataclasses.replace(world, cells=world.cells[late], audits=world.audits[checked])
    with pytest.raises(ValueError, match="0 agents were seen at two levels of money, at least 10"):
        agent_types(apart, money=worlds.PRICES)
