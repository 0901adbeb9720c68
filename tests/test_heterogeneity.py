import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from worlds import each, oracle, trial

import incentives as inc
from incentives.estimates.heterogeneity import (
    Spread,
    concentration,
    of_log_odds,
    share_above,
    standard_deviation,
)
from incentives.estimates.result import profile_interval

ALPHA, BETA = 0.8, 22.0
Z = stats.norm.ppf(0.975)


def a_log(rng, agents=75, alpha=ALPHA, beta=BETA):
    """Agents' true rates, events and trials; workloads are uneven."""
    rates = rng.beta(alpha, beta, agents)
    trials = rng.integers(100, 1500, agents)
    return rates, rng.binomial(trials, rates), trials


def band(worlds, level=0.95):
    """The exact 99.9 % binomial band of a coverage."""
    return stats.binom.ppf([0.0005, 0.9995], worlds, level) / worlds


def sd(alpha, beta):
    return stats.beta(alpha, beta).std()


def test_the_likelihood_is_climbed_to_its_top():
    _, k, n = a_log(np.random.default_rng(1))

    def loss(theta):
        return -stats.betabinom.logpmf(k, n, *np.exp(theta)).sum()

    best = optimize.minimize(
        loss, np.log([1.0, 20.0]), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-8}
    )
    spread = Spread(k, n)
    assert spread.log_likelihood == pytest.approx(-best.fun, abs=1e-4)
    assert spread.mean == pytest.approx(stats.beta(*np.exp(best.x)).mean(), rel=2e-3)
    assert spread.quantity(standard_deviation)[0] == pytest.approx(sd(*np.exp(best.x)), rel=5e-3)


def test_the_interval_of_the_spread_is_that_of_the_profile_likelihood():
    _, k, n = a_log(np.random.default_rng(2), agents=20)

    def highest(wanted):
        """The greatest log-likelihood at a standard deviation."""

        def loss(odds):
            mean = 1 / (1 + np.exp(-odds))
            size = mean * (1 - mean) / wanted**2 - 1
            if size <= 0:
                return 1e9
            return -stats.betabinom.logpmf(k, n, mean * size, (1 - mean) * size).sum()

        return -optimize.minimize_scalar(loss, bounds=(-6, 0), method="bounded").fun

    spread = Spread(k, n)
    value, profile = spread.quantity(standard_deviation)
    top = highest(value)
    ends = [
        optimize.brentq(lambda s: 2 * (top - highest(s)) - Z**2, *between)
        for between in ((value / 4, value), (value, 4 * value))
    ]
    assert profile_interval(profile, Z) == pytest.approx(tuple(ends), rel=0.02)


def test_what_is_made_of_the_distribution_is_what_many_agents_show():
    rates = np.sort(np.random.default_rng(3).beta(ALPHA, BETA, 2_000_000))
    mean = ALPHA / (ALPHA + BETA)
    at = np.array(mean), np.array(1 / (ALPHA + BETA + 1))
    assert standard_deviation(*at) == pytest.approx(rates.std(), rel=5e-3)
    assert of_log_odds(*at) == pytest.approx(np.log(rates / (1 - rates)).std(), rel=5e-3)
    assert share_above(0.1)(*at) == pytest.approx((rates > 0.1).mean(), rel=0.02)
    assert concentration(0.1)(*at) == pytest.approx(rates[-200_000:].sum() / rates.sum(), rel=5e-3)


def test_made_spreads_are_recovered_and_covered():
    rng, worlds = np.random.default_rng(4), 120
    truths = {
        standard_deviation: sd(ALPHA, BETA),
        of_log_odds: np.sqrt(stats.loggamma(ALPHA).var() + stats.loggamma(BETA).var()),
        concentration(0.1): None,
    }
    mean, correlation = np.array(ALPHA / (ALPHA + BETA)), np.array(1 / (ALPHA + BETA + 1))
    found = {of: [] for of in truths}
    held = {of: [] for of in truths}
    for _ in range(worlds):
        _, k, n = a_log(rng)
        spread = Spread(k, n)
        for of, truth in truths.items():
            known = float(of(mean, correlation)) if truth is None else truth
            value, profile = spread.quantity(of)
            low, high = profile_interval(profile, Z)
            found[of].append(value - known)
            held[of].append(low <= known <= high)
    for of in truths:
        assert abs(np.mean(found[of])) < 4 * np.std(found[of]) / np.sqrt(worlds)
        least, most = band(worlds)
        assert least <= np.mean(held[of]) <= most


def rates_beside_the_truth(rng, least, most):
    """Made agents' true rates, and what is said of them."""
    rates, trials = rng.beta(4.0, 36.0, 30), rng.integers(least, most, 30)
    return rates, Spread(rng.binomial(trials, rates), trials).rates()


def test_intervals_of_agents_hold_their_rates():
    rng, held = np.random.default_rng(5), []
    for _ in range(60):
        rates, table = rates_beside_the_truth(rng, 100, 1500)
        held.append(((table["conf_low"] <= rates) & (rates <= table["conf_high"])).mean())
    # agents of a log share their distribution, so logs are what is independent
    assert abs(np.mean(held) - 0.95) < 4 * np.std(held) / np.sqrt(len(held))


def test_shrinking_brings_rates_of_few_contacts_nearer_to_the_truth():
    rng, nearer = np.random.default_rng(5), []
    for _ in range(40):
        rates, table = rates_beside_the_truth(rng, 5, 80)
        miss = {column: np.mean((table[column] - rates) ** 2) for column in ("rate", "raw")}
        nearer.append(miss["rate"] < miss["raw"])
    assert np.mean(nearer) > 0.9


def test_agents_who_are_alike_are_seldom_said_to_differ():
    rng, logs = np.random.default_rng(6), 200
    differ, naive = [], []
    for _ in range(logs):
        trials = rng.integers(20, 200, 30)
        events = rng.binomial(trials, 0.1)
        low, high = profile_interval(Spread(events, trials).quantity(standard_deviation)[1], Z)
        differ.append(low > 0)
        naive.append((events / trials).std(ddof=1) > high)
    # the root of the deviance is half the time 0: an interval of 95 % leaves 0 out 1 time in 40
    assert np.mean(differ) <= stats.binom.ppf(0.9995, logs, 0.025) / logs
    assert np.mean(naive) > 0.5  # what chance does looks like a spread


def rates_by_month(name, event):
    """Events and trials of agents in the two months of each world."""
    cells = oracle(name).cells
    cells = cells[cells["agent"] >= 0]
    keys = ["run", "scheme", "agent", "month"]
    n = cells.groupby(keys, observed=True)["n"].sum().unstack()  # noqa: PD010
    k = cells[event(cells)].groupby(keys, observed=True)["n"].sum().unstack()  # noqa: PD010
    both = n.dropna().index
    return k.reindex(both).fillna(0.0), n.loc[both]


def test_the_spread_of_sales_is_what_lasts_from_month_to_month():
    # an agent's rate in the one month moves with that in the other by what belongs to the agent
    k, n = rates_by_month("honest", lambda cells: cells["true_outcome"] == "sale")
    share = (k / n)[(n > 100).all(axis=1)]
    by_run = [part.to_numpy() for _, part in share.groupby("run")]

    def lasting(parts):
        return np.sqrt(np.cov(np.concatenate(parts).T)[0, 1]) * 100

    rng = np.random.default_rng(7)
    again = [
        lasting([by_run[i] for i in rng.integers(len(by_run), size=len(by_run))])
        for _ in range(200)
    ]
    truth, error = lasting(by_run), np.std(again)
    rows = inc.agent_spread(trial("honest"), outcome="sales").tidy()
    rows = rows[(rows["estimand"] == "spread") & (rows["estimator"] == "beta-binomial")]
    for _, row in rows.iterrows():
        assert abs(row["estimate"] - truth) < 4 * np.hypot(error, row["std_error"])
    held = []
    for world in each(trial("honest")):
        own = inc.agent_spread(world, outcome="sales").tidy()
        own = own[(own["estimand"] == "spread") & (own["estimator"] == "beta-binomial")]
        held += list((own["conf_low"] <= truth) & (truth <= own["conf_high"]))
    least, most = band(len(held))
    assert least <= np.mean(held) <= most


def test_raw_shares_of_few_contacts_are_taken_in_by_chance():
    saves = inc.agent_spread(trial("honest")).tidy().set_index(["term", "estimand", "estimator"])
    for scheme in ("wage", "retention"):
        raw = saves.loc[(scheme, "spread", "naive"), "estimate"]
        assert raw > 1.5 * saves.loc[(scheme, "spread", "beta-binomial"), "conf_high"]


def test_where_saves_are_made_up_agents_differ_more_on_the_log_than_in_truth():
    # a shrunken rate is one of the log: it does not undo what is gamed, but where nobody games
    logged, true = {}, {}
    for name in ("gamed", "honest"):
        cells = oracle(name).cells
        cells = cells[
            (cells["scheme"] == "retention") & cells["logged_outcome"].isin(["saved", "cancelled"])
        ]
        is_true = cells["n"].where(cells["true_outcome"] == "saved", 0)
        by_agent = cells.assign(is_true=is_true).groupby(["run", "agent"])[["is_true", "n"]].sum()
        true[name] = 100 * Spread(by_agent["is_true"], by_agent["n"]).quantity(of_log_odds)[0]
        rows = inc.agent_spread(trial(name)).tidy()
        rows = rows[(rows["term"] == "retention") & (rows["estimand"] == "spread_of_log_odds")]
        logged[name] = 100 * rows["estimate"].item()
    assert logged["gamed"] > 2 * logged["honest"]
    assert logged["honest"] == pytest.approx(true["honest"], rel=0.1)


def test_shrunken_rates_foretell_the_next_month_better_than_raw_ones():
    k, n = rates_by_month("honest", lambda cells: cells["logged_outcome"] == "sale")
    k, n = (frame.xs("wage", level="scheme") for frame in (k, n))
    table = Spread(k[0], n[0]).rates()
    later, weight = (k[1] / n[1]).to_numpy(), n[1].to_numpy()
    miss = {c: np.average((table[c] - later) ** 2, weights=weight) for c in ("rate", "raw")}
    assert miss["rate"] < 0.97 * miss["raw"]


def test_the_answer_holds_what_it_says():
    world = next(each(trial("honest")))
    answer = inc.agent_spread(world, outcome="sales", level=3.0)
    rows = answer.tidy()
    assert set(rows["estimand"]) == {
        "rate",
        "spread",
        "spread_of_log_odds",
        "above",
        "concentration",
    }
    assert "agents under 'wage' differ by more than chance" in answer.summary()
    agents = answer.details["agents"]
    assert agents["events"].sum() == world.agents["logged_sales"].sum()
    pd.testing.assert_frame_equal(inc.Estimate.from_dict(answer.to_dict()).tidy(), rows)
    wide, narrow = (answer.tidy(conf_level=level) for level in (0.99, 0.8))
    shown = rows["estimator"] != "naive"
    assert (wide["conf_high"] >= narrow["conf_high"])[shown].all()
    assert (answer.plot_data()["estimand"] == "spread").all()
    with pytest.raises(ValueError, match="no row of this estimate keeps"):
        answer.inference("wild")


def test_the_top_of_a_few_agents_is_one_of_them_and_never_nobody():
    world = next(each(trial("honest")))
    kept = world.agents["agent"] < 5
    few = inc.Records(
        **{
            **world.frames(),
            "agents": world.agents[kept].assign(scheme="wage"),
            "cells": world.cells[world.cells["agent"] < 5].assign(scheme="wage"),
        }
    )
    answer = inc.agent_spread(few, outcome="sales")
    events = answer.details["agents"]["events"]
    rows = answer.tidy().set_index(["estimand", "estimator"])
    assert len(events) == 5
    expected = 100 * events.max() / events.sum()
    assert rows.loc[("concentration", "naive"), "estimate"] == pytest.approx(expected)


def test_single_contacts_tell_who_cuts_callers_off():
    floor = inc.Floor(teams=4, team_size=3, customers=6000)
    records = inc.simulate(inc.Scenario(floor=floor), replications=1, months=1, rng=1)
    answer = inc.agent_spread(records, outcome="cut_offs")
    served = records.contacts[records.contacts["ended"] == "served"]
    short = served["handle_minutes"] < 10 / 60
    assert answer.details["agents"]["events"].sum() == short.sum()
    assert answer.details["agents"]["contacts"].sum() == len(served)


def test_what_the_records_cannot_answer_is_refused_in_words():
    world = next(each(trial("honest")))
    with pytest.raises(KeyError, match="did you mean 'saves'"):
        inc.agent_spread(world, outcome="save")
    with pytest.raises(ValueError, match="records have no contacts"):
        inc.agent_spread(world, outcome="cut_offs")
    with pytest.raises(ValueError, match="top must lie between 0 and 100, got 0"):
        inc.agent_spread(world, top=0.0)
    with pytest.raises(ValueError, match="4 agents: at least 5"):
        Spread([1, 2, 3, 4], [9, 9, 9, 9])
    with pytest.raises(ValueError, match="none of the contacts count as events"):
        Spread(np.zeros(9), np.full(9, 10))
