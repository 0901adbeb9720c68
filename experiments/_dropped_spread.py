"""How calls cut off are spread over agents: shares, their concentration, what chance made of it."""

import numpy as np
import pandas as pd
from scipy import stats

from experiments._bank import logit_normal
from experiments._dropped_shares import (
    AFTER,
    BEFORE,
    SAMPLES,
    SEED,
    Floats,
    counts,
    first_column,
    in_each_sample,
    sample_of,
)
from incentives.estimates.heterogeneity import Spread, of_log_odds, share_above, standard_deviation
from incentives.estimates.heterogeneity import concentration as share_of_top
from incentives.estimates.result import profile_interval

ENOUGH_CALLS = 300  # contacts of an agent, where agents' shares are compared
HEAVY = 0.05  # share cut off above which an agent counts as heavy


def shares_by_agent(calls: pd.DataFrame) -> pd.DataFrame:
    """Share cut off by each agent before and after the break, in each sample."""
    sides = {"before": calls["period"].isin(BEFORE), "after": calls["period"] == AFTER}
    tables = [
        in_each_sample(calls[rows], "agent").assign(side=side) for side, rows in sides.items()
    ]
    return first_column(pd.concat(tables, ignore_index=True), "side")


def shares_by_period(calls: pd.DataFrame) -> pd.DataFrame:
    """Share of contacts of each duration by period, for each sample and each reason.

    Calls of 10 to 29 seconds are a check: where their share does not move, what ended in October
    were calls of under ten seconds and no trick of the threshold.
    """
    seconds = (calls["handle_minutes"] * 60).round()
    durations = {
        "under 10 s": calls["cut_off"],
        "0 s": seconds == 0,
        "1-9 s": seconds.between(1, 9),
        "10-19 s": seconds.between(10, 19),
        "20-29 s": seconds.between(20, 29),
    }
    tables = []
    for duration, is_so in durations.items():
        marked = calls.assign(cut_off=is_so)
        by_sample = in_each_sample(marked, "period").rename(columns={"sample": "contacts_of"})
        by_reason = counts(marked, ["reason", "period"]).rename(columns={"reason": "contacts_of"})
        tables += [by_sample.assign(duration=duration), by_reason.assign(duration=duration)]
    table = pd.concat(tables, ignore_index=True).rename(columns={"cut_off": "events"})
    return first_column(table, "duration")


def lorenz_curve(calls: pd.DataFrame) -> pd.DataFrame:
    """Cumulative share of cut-offs against that of contacts, heaviest agents last, by sample."""
    table = in_each_sample(enough_calls(calls), "agent").sort_values(["sample", "share"])
    origin = pd.DataFrame({"sample": list(SAMPLES), "contacts": 0.0, "cut_off": 0.0})
    parts = table.groupby("sample")[["contacts", "cut_off"]]
    table[["contacts", "cut_off"]] = parts.cumsum() / parts.transform("sum")
    return pd.concat([origin, table[["sample", "agent", "contacts", "cut_off"]]], ignore_index=True)


def enough_calls(calls: pd.DataFrame) -> pd.DataFrame:
    """Keep what agents with `ENOUGH_CALLS` contacts did before the break."""
    before = calls[calls["period"].isin(BEFORE)]
    total = before["agent"].value_counts()
    return before[before["agent"].isin(total[total >= ENOUGH_CALLS].index)]


def gini(events: Floats, trials: Floats) -> float:
    """Twice the area between the Lorenz curve of events over trials and the diagonal."""
    order = np.argsort(events / trials)
    x = np.r_[0, np.cumsum(trials[order])] / trials.sum()
    y = np.r_[0, np.cumsum(events[order])] / events.sum()
    return float(1 - np.sum(np.diff(x) * (y[1:] + y[:-1])))


def top_five(events: Floats, trials: Floats) -> tuple[float, float]:
    """Share of events, and of trials, of the five with the most events."""
    top = np.argsort(-events)[:5]
    return float(events[top].sum() / events.sum()), float(trials[top].sum() / trials.sum())


def concentration(calls: pd.DataFrame, *, draws: int) -> pd.DataFrame:
    """How unevenly cut-offs are spread, before the break, over agents with enough contacts.

    Gini and top-five shares have standard errors from a bootstrap of agents. Agents' shares beyond
    chance are those of a beta distribution by maximum likelihood (empirical Bayes), with 95 %
    intervals of the profile likelihood; by moments it is fitted to shares unweighted. The
    logit-normal, with standard errors from its curvature, asks whether the beta's form matters.
    """
    before = enough_calls(calls)
    tables = [spread_of(sample_of(before, name), draws).assign(sample=name) for name in SAMPLES]
    return first_column(pd.concat(tables, ignore_index=True), "sample")


def spread_of(calls: pd.DataFrame, draws: int) -> pd.DataFrame:
    """Give the rows of `concentration` for one sample."""
    table = counts(calls, "agent")
    k, n, share = (table[name].to_numpy(float) for name in ("cut_off", "contacts", "share"))
    picks = np.random.default_rng([SEED, 1]).integers(0, len(k), size=(draws, len(k)))
    top_error = np.std([top_five(k[pick], n[pick]) for pick in picks], axis=0)
    gini_error = np.std([gini(k[pick], n[pick]) for pick in picks])
    mean, variance = share.mean(), share.var(ddof=1)
    size = mean * (1 - mean) / variance - 1
    beta, normal = Spread(k, n), logit_normal(k, n)
    trials = 1 / beta.correlation - 1
    rows = [
        ("share of contacts cut off", k.sum() / n.sum(), np.nan),
        ("Gini", gini(k, n), gini_error),
        ("five heaviest agents: share of cut-offs", top_five(k, n)[0], top_error[0]),
        ("five heaviest agents: share of contacts", top_five(k, n)[1], top_error[1]),
        ("agents' shares: mean", mean, np.sqrt(variance / len(k))),
        ("agents' shares: standard deviation", np.sqrt(variance), np.nan),
        ("agents' shares: least", share.min(), np.nan),
        ("agents' shares: greatest", share.max(), np.nan),
        ("beta by moments: alpha", mean * size, np.nan),
        ("beta by moments: beta", (1 - mean) * size, np.nan),
        ("beta by likelihood: alpha", beta.mean * trials, np.nan),
        ("beta by likelihood: beta", (1 - beta.mean) * trials, np.nan),
        ("beta by likelihood: log-likelihood", beta.log_likelihood, np.nan),
        ("logit-normal: mean", normal.values[0], normal.errors[0]),
        ("logit-normal: standard deviation", normal.values[1], normal.errors[1]),
        ("logit-normal: log-likelihood", normal.log_likelihood, np.nan),
    ]
    spread = pd.DataFrame(rows, columns=["quantity", "estimate", "std_error"])
    beyond_chance = {
        "beyond chance: mean": lambda mean, _: mean,
        "beyond chance: standard deviation": standard_deviation,
        "beyond chance: standard deviation of log odds": of_log_odds,
        f"beyond chance: agents above {HEAVY:g}": share_above(HEAVY),
        "beyond chance: cut-offs of a top tenth with as many contacts": share_of_top(0.1),
    }
    for quantity, of in beyond_chance.items():
        value, profile = beta.quantity(of)
        low, high = profile_interval(profile, 1.96)
        row = {"quantity": quantity, "estimate": value, "conf_low": low, "conf_high": high}
        spread = pd.concat([spread, pd.DataFrame([row])], ignore_index=True)
    return spread.assign(n_agents=len(k))


def shrunken_shares(calls: pd.DataFrame) -> pd.DataFrame:
    """Share cut off by each agent before the break, drawn towards the others' by chance's part.

    Agents with few contacts are drawn far, so that none need be left out.
    """
    before = calls[calls["period"].isin(BEFORE)]
    tables = []
    for sample in SAMPLES:
        table = counts(sample_of(before, sample), "agent")
        rates = Spread(table["cut_off"], table["contacts"]).rates()
        tables.append(table[["agent"]].join(rates).assign(sample=sample))
    return first_column(pd.concat(tables, ignore_index=True), "sample")


def rank_persistence(calls: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation of agents' shares in January and in early October.

    Agents with 200 contacts or more in both; Fisher's interval with the Bonett-Wright error.
    """
    rows = []
    for sample in SAMPLES:
        table = counts(sample_of(calls, sample), ["agent", "period"])
        wide = table[table["contacts"] >= 200].set_index(["agent", "period"])["share"].unstack()  # noqa: PD010
        pair = wide.reindex(columns=list(BEFORE)).dropna()
        correlation = float(stats.spearmanr(pair[BEFORE[0]], pair[BEFORE[1]]).statistic)
        error = np.sqrt((1 + correlation**2 / 2) / (len(pair) - 3))
        low, high = np.tanh(np.arctanh(correlation) + np.array([-1.96, 1.96]) * error)
        rows.append((sample, correlation, low, high, len(pair)))
    return pd.DataFrame(
        rows, columns=["sample", "rank_correlation", "conf_low", "conf_high", "n_agents"]
    )
