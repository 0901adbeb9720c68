"""Ask whether callers are cut off because of who answers, or because of what happens.

The Anonymous Bank's log of January and October 1999 (see `incentives.read_anonymous_bank`) holds
calls that agents ended within ten seconds. How are such calls spread over agents, what became of
the practice on 18-19 October, what did the callers do next, and does the same agent cut more
callers off when the situation gives reason to? Estimates that compare agents are clustered by
agent, with t critical values; the clusters are few, and every table says how many.

    python -m experiments.dropped_calls --scale full --out results/dropped_calls
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from experiments import _dropped_figures as figures
from experiments._bank import (
    MESSAGE,
    SIDE_CALLS,
    answered,
    bank_files,
    logit_normal,
    skipped,
)
from experiments._clusters import (
    coefficient,
    demeaned,
    dummies_of,
    effective_scores,
    flip_p_value,
    least_squares,
    logit,
)
from experiments._common import Output, Scale, arguments
from experiments._situation import LABELS, situation
from incentives.datasets import read_anonymous_bank
from incentives.estimates.heterogeneity import (
    Spread,
    of_log_odds,
    share_above,
    standard_deviation,
)
from incentives.estimates.heterogeneity import concentration as share_of_top
from incentives.estimates.result import profile_interval

SEED = 19991018

PERIODS = ("January", "1-17 October", "18-19 October", "20-31 October")
BEFORE, AFTER = PERIODS[:2], PERIODS[3]
SAMPLES: dict[str, tuple[str, ...]] = {
    "all contacts": (),
    "without messages": (MESSAGE,),
    "without messages and internet help": SIDE_CALLS,
}
ALL, HEADLINE, ORDINARY = SAMPLES
STAYED = "agents seen on both sides"

ENOUGH_CALLS = 300  # contacts of an agent, where agents' shares are compared
HEAVY = 0.05  # share cut off above which an agent counts as heavy
BREAK = pd.Timestamp(1999, 10, 17)  # the last day before it
HORIZONS = {"same day": None, "24 hours": 1.0, "7 days": 7.0}
LOOK_BACK = 7.0  # days without a contact that make a contact the first of its kind
SITUATION = ("previous_cut_off", "waiting")
"""What an agent who responds is held against: the own previous act, and the queue. An earlier look
at the same log had shown both, so this is no test of a hypothesis made without the data."""

Floats = npt.NDArray[np.float64]
Tables = dict[str, pd.DataFrame]


def main(scale: Scale, out: Path) -> None:
    """Load the log, answer the questions, save the answers."""
    files = bank_files()
    if len(files) < 2:
        print(skipped("dropped_calls", "january.txt or october.txt"))
        return
    log = read_anonymous_bank(files[0].parent)
    with Output("dropped_calls", out, scale, seeds=[SEED], inputs=files) as output:
        output.table("rejected_rows", log.rejected.drop(columns="text"))
        print(report(log.contacts, output, draws=scale.pick(smoke=199, full=4999)))


def report(contacts: pd.DataFrame, output: Output, *, draws: int) -> str:
    """Work everything out, save it, and give the verdict.

    Parameters
    ----------
    contacts
        Contacts of January and October 1999.
    output
        Where tables, figures and numbers go.
    draws
        Bootstrap draws, sign patterns and permutations.

    Returns
    -------
    str
        The verdict, as it is saved.
    """
    calls = with_period(answered(contacts))
    tables = {
        "agents": shares_by_agent(calls),
        "periods": shares_by_period(calls),
        "shrunken": shrunken_shares(calls),
        "lorenz": lorenz_curve(calls),
        "concentration": concentration(calls, draws=draws),
        "daily": daily_shares(calls),
        "break_size": break_size(calls, draws=draws),
        "break_scan": break_scan(calls, draws=draws),
        "break_placebo": break_placebo(calls),
        "change_by_agent": change_by_agent(calls),
        "persistence": rank_persistence(calls),
        "call_backs": call_backs(contacts, calls),
        "call_back_selection": identified_shares(calls),
    }
    groups = response_groups(situation(contacts, calls))
    tables["responses"] = responses(groups, draws=draws)
    tables["log_likelihood"] = log_likelihood(groups)
    tables["evidence"] = evidence(calls, tables)
    tables["verdict"] = verdict_checks(tables)
    verdict = verdict_sentence(tables)

    for name, table in tables.items():
        output.table(name, table)
    output.figure("agents", figures.agents(tables["agents"], tables["shrunken"], tables["lorenz"]))
    output.figure("daily", figures.daily(tables["daily"], tables["break_size"]))
    output.figure("break_scan", figures.scan(tables["break_scan"]))
    output.figure("responses", figures.responses(tables["responses"]))
    output.figure("call_backs", figures.call_backs(tables["call_backs"]))
    output.numbers(headline(tables) | {"verdict": verdict})
    return verdict


# ── shares, and how they are spread over agents ──────────────────────────────────────────────────


def with_period(calls: pd.DataFrame) -> pd.DataFrame:
    """Say on which side of the break each call lies."""
    last_days = [pd.Timestamp(1999, *day) for day in ((9, 30), (10, 17), (10, 19))]
    period = np.select([calls["date"] <= day for day in last_days], PERIODS[:3], PERIODS[3])
    return calls.assign(
        period=pd.Series(period, index=calls.index).astype(
            pd.CategoricalDtype(list(PERIODS), ordered=True)
        )
    )


def sample_of(calls: pd.DataFrame, sample: str) -> pd.DataFrame:
    """Leave out the reasons that a sample leaves out."""
    return calls[~calls["reason"].isin(SAMPLES[sample])]


def counts(calls: pd.DataFrame, by: str | Sequence[str]) -> pd.DataFrame:
    """Count contacts and those cut off; the share has a 95 % binomial (Jeffreys) interval."""
    groups = calls.groupby(by if isinstance(by, str) else list(by), observed=True)["cut_off"]
    table = groups.agg(contacts="size", cut_off="sum").reset_index()
    k, n = table["cut_off"], table["contacts"]
    low = np.where(k > 0, stats.beta.ppf(0.025, k + 0.5, n - k + 0.5), 0.0)
    high = np.where(k < n, stats.beta.ppf(0.975, k + 0.5, n - k + 0.5), 1.0)
    return table.assign(share=k / n, conf_low=low, conf_high=high)


def in_each_sample(calls: pd.DataFrame, by: str | Sequence[str]) -> pd.DataFrame:
    """Count in each sample, the name of the sample first."""
    tables = [counts(sample_of(calls, name), by).assign(sample=name) for name in SAMPLES]
    return _first(pd.concat(tables, ignore_index=True), "sample")


def shares_by_agent(calls: pd.DataFrame) -> pd.DataFrame:
    """Share cut off by each agent before and after the break, in each sample."""
    sides = {"before": calls["period"].isin(BEFORE), "after": calls["period"] == AFTER}
    tables = [
        in_each_sample(calls[rows], "agent").assign(side=side) for side, rows in sides.items()
    ]
    return _first(pd.concat(tables, ignore_index=True), "side")


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
    return _first(table, "duration")


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
    return _first(pd.concat(tables, ignore_index=True), "sample")


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
    return _first(pd.concat(tables, ignore_index=True), "sample")


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


# ── the break in October ─────────────────────────────────────────────────────────────────────────


def daily_shares(calls: pd.DataFrame) -> pd.DataFrame:
    """Share cut off on each day, in each sample."""
    return in_each_sample(calls, ["period", "date"])


def break_size(calls: pd.DataFrame, *, draws: int) -> pd.DataFrame:
    """How much lower the share cut off is after 18-19 October than before.

    Estimand: the difference between the shares of 20-31 and 1-17 October; within agents, the mean
    change of the same agents, each weighted by how evenly the two sides see them. The two days in
    between are left out. Intervals are clustered by agent, with t(agents - 1); `flip_p_value`
    flips the signs of whole agents instead.
    """
    october = calls[calls["period"].isin([BEFORE[1], AFTER])]
    by_agent = october.groupby("agent", observed=True)
    sides = by_agent["period"].nunique()
    days = pd.Timestamp(1999, 10, 11), pd.Timestamp(1999, 10, 26)
    versions = {
        "all agents": october,
        STAYED: october[october["agent"].isin(sides[sides == 2].index)],
        "without the heaviest agent": october[
            october["agent"] != by_agent["cut_off"].sum().idxmax()
        ],
        "one week either side": october[october["date"].between(*days)],
    }
    rows = [
        {"sample": sample, "agents": agents} | row
        for sample in SAMPLES
        for agents, part in versions.items()
        for row in step_estimates(sample_of(part, sample), draws)
    ]
    return pd.DataFrame(rows)


def step_estimates(calls: pd.DataFrame, draws: int) -> list[dict[str, Any]]:
    """Estimate the step three ways: plain, within agents, and in log odds within agents.

    The effective score of the step in the logit with agent effects is that of least squares
    within agents, so the two share the test that flips signs.
    """
    after = (calls["period"] == AFTER).to_numpy(dtype=float)
    cut_off = calls["cut_off"].to_numpy(dtype=float)
    agent = calls["agent"].cat.codes.to_numpy()
    shares = {"before": cut_off[after == 0].mean(), "after": cut_off[after == 1].mean()}
    size = {"n": len(calls), "n_clusters": len(np.unique(agent))}
    rows = []
    for estimator, group in (
        ("difference of shares", np.zeros(len(agent))),
        ("within agents", agent),
    ):
        y, x = demeaned(cut_off, group), demeaned(after, group)
        row = {"estimator": estimator, "unit": "share"} | shares
        row |= coefficient(least_squares(y, x[:, None], agent), 0, **size)
        rows.append(row)
    rng = np.random.default_rng([SEED, 2])
    rows[-1]["flip_p_value"] = flip_p_value(x * y, agent, rng=rng, draws=draws)
    informative = pd.Series(cut_off).groupby(agent).transform("sum").to_numpy() > 0
    design = np.column_stack([after[informative], dummies_of(agent[informative])])
    fit = logit(cut_off[informative], design, agent[informative])
    row = {"estimator": "within agents, logit", "unit": "log odds"} | shares
    row |= coefficient(fit, 0, n=len(design), n_clusters=design.shape[1] - 1)
    return [*rows, row | {"flip_p_value": rows[-1]["flip_p_value"]}]


def break_scan(calls: pd.DataFrame, *, draws: int) -> pd.DataFrame:
    """Look for the day of the break, in October and, where there should be none, in January.

    For each day that leaves three days on either side: the gain in log-likelihood of one step in
    the log odds from that day on over none, agents having effects of their own; and the score
    statistic of the step. Its greatest absolute value is held against the same with the days
    permuted. A day is `plausible` if its gain over the dispersion of the cells is within 1.92 of
    the best. Any drift makes days unlike, so a small p is no evidence of a break: January is the
    measure of what drift alone can do.
    """
    tables = []
    for month, number in (("January", 1), ("October", 10)):
        part = sample_of(calls[calls["date"].dt.month == number], HEADLINE)
        cells = part.groupby(["date", "agent"], observed=True)["cut_off"]
        events, trials = (cells.agg(how).unstack(fill_value=0) for how in ("sum", "size"))  # noqa: PD010
        informative = (events.sum() > 0).to_numpy()
        k, n = (wide.to_numpy(dtype=float)[:, informative] for wide in (events, trials))
        tables.append(scan_of(events.index, k, n, draws).assign(month=month))
    return _first(pd.concat(tables, ignore_index=True), "month")


def break_placebo(calls: pd.DataFrame) -> pd.DataFrame:
    """Hold the break against placebo dates: the change within agents over other such windows.

    Each window has a week before and a week after two days that are left out, as the version of
    `break_size` with one week either side has; placebos end before the break. The p-value is the
    share of windows, the true one among them, with a change at least as far from zero. It rests
    on the days: had nothing been done in October, its change could as well have been that of any
    other window. It does not rest on agents being independent, as the intervals by agent do.
    Windows overlap, so they are fewer than they look, and the p-value cannot fall below 1 over
    their number.
    """
    headline = sample_of(calls, HEADLINE)
    last_days_before = [
        *pd.date_range("1999-01-07", "1999-01-22"),
        *pd.date_range("1999-10-07", "1999-10-08"),
        BREAK,
    ]
    rows = []
    for last in last_days_before:
        after = (headline["date"] - last).dt.days
        window = headline[after.between(-6, 0) | after.between(3, 9)]
        later = (window["date"] > last).to_numpy(dtype=float)
        agent = window["agent"].cat.codes.to_numpy()
        x, y = demeaned(later, agent), demeaned(window["cut_off"], agent)
        rows.append((last, last == BREAK, float(x @ y / (x @ x)), len(window)))
    table = pd.DataFrame(rows, columns=["last_day_before", "is_break", "estimate", "n"])
    size = table["estimate"].abs()
    reached = (size >= size[table["is_break"]].item()).mean()
    return table.assign(placebo_p=reached, least_p=1 / len(table), n_windows=len(table))


def scan_of(dates: "pd.Index[Any]", events: Floats, trials: Floats, draws: int) -> pd.DataFrame:
    """Scan one month; rows of the arrays are days, columns agents."""
    candidates = slice(3, len(dates) - 2)
    fits = [step_fit(events, trials, day) for day in range(len(dates))[candidates]]
    gain = np.array([fit.llf for fit in fits]) - step_fit(events, trials, None).llf
    best = fits[int(gain.argmax())]
    dispersion = max(1.0, float(best.pearson_chi2 / best.df_resid))
    z = step_scores(events, trials)[candidates]
    greatest = float(np.abs(z).max())
    rng = np.random.default_rng([SEED, 3])
    orders = (rng.permutation(len(dates)) for _ in range(draws))
    permuted = [np.abs(step_scores(events[o], trials[o])[candidates]).max() for o in orders]
    return pd.DataFrame(
        {
            "first_day_after": dates[candidates],
            "gain": gain,
            "step_log_odds": [float(fit.params[0]) for fit in fits],
            "score_z": z,
            "plausible": (gain.max() - gain) / dispersion < stats.chi2.ppf(0.95, 1) / 2,
            "dispersion": dispersion,
            "greatest_abs_z": greatest,
            "permutation_p": (1 + np.sum(np.array(permuted) >= greatest)) / (draws + 1),
            "n_agents": events.shape[1],
        }
    )


def step_fit(events: Floats, trials: Floats, day: int | None) -> Any:
    """Fit agents' log odds with one step from `day` on, or with none."""
    days, agents = np.nonzero(trials)
    k, n = events[days, agents], trials[days, agents]
    design = dummies_of(agents)
    if day is not None:
        design = np.column_stack([days >= day, design])
    return logit(np.column_stack([k, n - k]), design)


def step_scores(events: Floats, trials: Floats) -> Floats:
    """Standardised score of a step at each day, under agents' shares that never change.

    For a step that begins on day d: S = sum over later days of events less trials x share, and
    V = sum over agents of share (1 - share) x trials before x trials after / trials.
    """
    total = trials.sum(axis=0)
    share = events.sum(axis=0) / total
    excess = (events - trials * share).sum(axis=1)
    later = trials[::-1].cumsum(axis=0)[::-1]
    variance = (share * (1 - share) * later * (total - later) / total).sum(axis=1)
    score = excess[::-1].cumsum()[::-1]
    standard = np.sqrt(np.maximum(variance, 1e-12))
    return np.asarray(np.where(variance > 1e-9, score / standard, 0.0))


def change_by_agent(calls: pd.DataFrame) -> pd.DataFrame:
    """Each agent's share before and after the break in October, and what the fall is made of.

    The first rows decompose the fall of the overall share: `within agents`, the same agents at
    another share, weighted as they answered after; `who answers`, the rest.
    """
    october = sample_of(calls[calls["period"].isin([BEFORE[1], AFTER])], HEADLINE)
    columns = ["contacts", "cut_off", "share"]
    before, after = (
        counts(october[october["period"] == period], "agent").set_index("agent")[columns]
        for period in (BEFORE[1], AFTER)
    )
    both = before.add_suffix("_before").join(after.add_suffix("_after"), how="inner")
    both["change"] = both["share_after"] - both["share_before"]
    within = float((both["change"] * both["contacts_after"]).sum() / after["contacts"].sum())
    overall = [float(side["cut_off"].sum() / side["contacts"].sum()) for side in (before, after)]
    fall = overall[1] - overall[0]
    parts = {"all agents": fall, "within agents": within, "who answers": fall - within}
    head = pd.DataFrame({"agent": list(parts), "change": list(parts.values())})
    return pd.concat([head, both.sort_values("change").reset_index()], ignore_index=True)


# ── what callers who were cut off do next ────────────────────────────────────────────────────────


def call_backs(contacts: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Compare callers who were cut off with callers who were served, by whether they contact again.

    Estimand: the difference, cut off less served, in the share of contacts that the same customer
    follows with another on the same day, within 24 hours, and within 7 days. Only identified
    customers can be followed, and only if they identify themselves again; contacts are from before
    the break, and each horizon must fit into the month. A call-back is itself a contact and may be
    cut off too, so the same is shown for first contacts, which follow a week without one.
    `adjusted` holds reason, priority, two-hour slot and month fixed (linear probability).
    Intervals are clustered by agent and by customer. The rows on the day before turn the clock
    round: what cannot be an effect shows how unlike the customers were.
    """
    index = followed(contacts, calls)
    groups = {"every contact": index, "first contacts": index[index["is_first"]]}
    rows = []
    for name, part in groups.items():
        for horizon, days in HORIZONS.items():
            seen = part[part["days_left"] >= (days or 0)]
            again = seen["next_same_day"] if days is None else seen["next_days"] <= days
            rows += compared(seen, again, {"contacts": name, "horizon": horizon})
    past = index[index["days_past"] >= 1]
    label = {"contacts": "every contact", "horizon": "day before"}
    rows += compared(past, past["last_days"] <= 1, label)
    return pd.DataFrame(rows)


def followed(contacts: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Identified contacts answered before the break, with the customer's last and next contact.

    Messages, which are the centre's own calls, count neither as contacts nor as call-backs.
    """
    own = contacts[contacts["customer"].notna() & contacts["ended"].ne("phantom")]
    own = own[own["reason"] != MESSAGE]
    midnight = (own["date"] - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(days=1)
    own = own.assign(start=midnight + own["minute"] / 1440).sort_values(["customer", "start"])
    spent = own[["vru_minutes", "wait_minutes", "handle_minutes"]].sum(axis=1) / 1440
    month = own["date"].dt.to_period("M")
    by_month, by_customer = own.groupby(month)["date"], own.groupby("customer")
    last_days = own["start"] - by_customer["start"].shift(1)
    days_past = (own["date"] - by_month.transform("min")).dt.days
    own = own.assign(
        next_days=by_customer["start"].shift(-1) - own["start"] - spent,
        next_same_day=by_customer["date"].shift(-1) == own["date"],
        last_days=last_days,
        days_left=(by_month.transform("max") - own["date"]).dt.days,
        days_past=days_past,
        is_first=~(last_days < LOOK_BACK) & (days_past >= LOOK_BACK),
    )
    before = calls.loc[calls["period"].isin(BEFORE), ["contact", "cut_off"]]
    return own.merge(before, on="contact")


def compared(
    contacts: pd.DataFrame, again: "pd.Series[bool]", names: dict[str, str]
) -> list[dict[str, Any]]:
    """Compare the cut off with the served, plainly and with the circumstances held fixed."""
    circumstances = contacts[["reason", "priority"]].astype("str")
    circumstances["hour"] = (contacts["minute"] // 120).astype("str")
    circumstances["month"] = contacts["date"].dt.month.astype("str")
    fixed = pd.get_dummies(circumstances, drop_first=True).to_numpy(dtype=float)
    cut_off, outcome = contacts["cut_off"].to_numpy(float), again.to_numpy(float)
    agents = contacts["agent"].cat.codes.to_numpy()
    clusters = np.column_stack([agents, pd.factorize(contacts["customer"])[0]])
    shares = {
        "share_served": outcome[cut_off == 0].mean(),
        "share_cut_off": outcome[cut_off == 1].mean(),
        "n_cut_off": int(cut_off.sum()),
    }
    rows = []
    for estimator, others in (("plain", fixed[:, :0]), ("adjusted", fixed)):
        design = np.column_stack([cut_off, np.ones(len(cut_off)), others])
        fit = least_squares(outcome, design, clusters)
        row = coefficient(fit, 0, n=len(outcome), n_clusters=len(np.unique(agents)))
        rows.append(names | {"estimator": estimator} | shares | row)
    return rows


def identified_shares(calls: pd.DataFrame) -> pd.DataFrame:
    """Share of identified customers among those cut off and those served, before the break."""
    before = calls[calls["period"].isin(BEFORE)]
    known = before.assign(
        identified=before["customer"].notna(),
        fate=np.where(before["cut_off"], "cut off", "served"),
    )
    tables = [
        sample_of(known, sample)
        .groupby(["period", "fate"], observed=True)["identified"]
        .agg(contacts="size", identified_share="mean")
        .reset_index()
        .assign(sample=sample)
        for sample in SAMPLES
    ]
    return _first(pd.concat(tables, ignore_index=True), "sample")


# ── does the same agent respond to the situation? ────────────────────────────────────────────────


def response_groups(calls: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Calls before the break of agents with 200 calls or more and five or more cut off.

    Messages and internet help are left out; an agent's first call of a day has no previous one and
    drops out. The split into heavy and other agents is on the outcome itself.
    """
    before = sample_of(calls[calls["period"].isin(BEFORE) & calls["has_previous"]], ORDINARY)
    table = counts(before, "agent").set_index("agent")
    kept = table[(table["contacts"] >= 200) & (table["cut_off"] >= 5)]
    heavy = kept.index[kept["share"] > HEAVY]
    agents = {
        "all agents": kept.index,
        "heavy agents": heavy,
        "other agents": kept.index.difference(heavy),
    }
    groups = {name: before[before["agent"].isin(index)] for name, index in agents.items()}
    return {name: group for name, group in groups.items() if len(agents[name]) > 1}


def responses(groups: dict[str, pd.DataFrame], *, draws: int) -> pd.DataFrame:
    """What makes the same agent cut a call off: logit with agent effects.

    Estimand: the change in log odds within an agent, the rest of the situation held fixed. A
    previous call cut off also stands for whatever else was special that day.
    """
    rows: list[dict[str, Any]] = []
    for name, calls in groups.items():
        agent = calls["agent"].cat.codes.to_numpy()
        terms, cut_off, design = logit_design(calls)
        fit = logit(cut_off, design, agent)
        for column, term in enumerate(terms):
            row = coefficient(fit, column, n=len(calls), n_clusters=len(np.unique(agent)))
            if term in SITUATION:
                scores, rng = effective_scores(cut_off, design, column), np.random.default_rng(SEED)
                row["flip_p_value"] = flip_p_value(scores, agent, rng=rng, draws=draws)
            rows.append({"agents": name, "term": term, "label": LABELS[term]} | row)
    return pd.DataFrame(rows)


def logit_design(calls: pd.DataFrame) -> tuple[list[str], Floats, Floats]:
    """Give the terms that vary, the outcome, and the design: terms first, agents' dummies last.

    A term must vary among the calls cut off too, or its effect would be estimated as infinite.
    """
    values = calls[list(LABELS)].astype(float)
    varies = values[calls["cut_off"]].std() > 0
    terms = [term for term in LABELS if varies[term]]
    dummies = dummies_of(calls["agent"].cat.codes.to_numpy())
    design = np.column_stack([values[terms].to_numpy(), dummies])
    return terms, calls["cut_off"].to_numpy(dtype=float), design


def log_likelihood(groups: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Compare explanations: nothing, agents only, situation only, both.

    Agents' effects fitted to few events promise too much; their number is the count of parameters
    that they cost.
    """
    rows = []
    for name, calls in groups.items():
        terms, cut_off, design = logit_design(calls)
        by_agent = counts(calls, "agent")
        situation_only = np.column_stack([np.ones(len(calls)), design[:, : len(terms)]])
        row = {
            "agents": name,
            "nothing": at_their_shares([cut_off.sum()], [len(cut_off)]),
            "agents_only": at_their_shares(by_agent["cut_off"], by_agent["contacts"]),
            "situation_only": logit(cut_off, situation_only).llf,
            "both": logit(cut_off, design).llf,
        }
        sizes = {"n": len(calls), "n_cut_off": int(cut_off.sum())}
        parameters = {"n_agents": design.shape[1] - len(terms), "n_terms": len(terms)}
        rows.append(row | sizes | parameters)
    return pd.DataFrame(rows)


def at_their_shares(events: npt.ArrayLike, trials: npt.ArrayLike) -> float:
    """Log-likelihood of Bernoulli trials at the share of each group."""
    k, n = np.asarray(events, dtype=float), np.asarray(trials, dtype=float)
    return float((special.xlogy(k, k / n) + special.xlog1py(n - k, -k / n)).sum())


# ── the verdict, and what was known before ───────────────────────────────────────────────────────


def row_of(table: pd.DataFrame, **where: str) -> dict[str, Any]:
    """Give the one row in which the columns have these values."""
    keep = np.logical_and.reduce([table[name] == value for name, value in where.items()])
    (row,) = table[keep].to_dict("records")
    return {str(name): value for name, value in row.items()}


def the_step(tables: Tables) -> dict[str, Any]:
    """Give the estimate of the break that is quoted: the change of the same agents."""
    return row_of(tables["break_size"], sample=HEADLINE, agents=STAYED, estimator="within agents")


def verdict_checks(tables: Tables) -> pd.DataFrame:
    """Hold the numbers against rules, one a row.

    Agents differ if who answers explains at least half of what agents and situation explain
    together, and if their ranks persist from January to October. They respond if the same agents
    changed at the break: the interval excludes zero, at least half of the fall lies within agents,
    and the step stands out at least twice as far as any in January. From call to call they respond
    to each of the situations that passes the test that flips signs, after Bonferroni.
    """
    ll = row_of(tables["log_likelihood"], agents="all agents")
    agents_part = (ll["agents_only"] - ll["nothing"]) / (ll["both"] - ll["nothing"])
    ranks = row_of(tables["persistence"], sample=HEADLINE)["conf_low"]
    step = the_step(tables)["conf_high"]
    change = tables["change_by_agent"].set_index("agent")["change"]
    within = change["within agents"] / change["all agents"]
    greatest = tables["break_scan"].groupby("month")["greatest_abs_z"].first()
    outstanding = greatest["October"] / greatest["January"]
    terms = tables["responses"].query("agents == 'all agents' and term in @SITUATION")

    differ, at_break = "differ", "respond at the break"
    rows = [
        (differ, "agents' part of the explained log-likelihood", agents_part, ">=", 0.5),
        (differ, "rank correlation January - October, lower end", ranks, ">", 0.0),
        (at_break, "change of the same agents, upper end", step, "<", 0.0),
        (at_break, "part of the fall within agents", within, ">=", 0.5),
        (at_break, "greatest step in October over that in January", outstanding, ">=", 2.0),
    ]
    rows += [
        (f"respond to: {label}", "p of flipped signs", p_value, "<", 0.05 / len(SITUATION))
        for label, p_value in zip(terms["label"], terms["flip_p_value"], strict=True)
    ]
    table = pd.DataFrame(rows, columns=["claim", "measure", "value", "rule", "limit"])
    holds = {
        ">": table["value"] > table["limit"],
        ">=": table["value"] >= table["limit"],
        "<": table["value"] < table["limit"],
    }
    picked = [holds[rule][i] for i, rule in enumerate(table["rule"])]
    return table.assign(holds=np.array(picked, dtype=bool))


def verdict_sentence(tables: Tables) -> str:
    """Say what the rules say."""
    checks = tables["verdict"]
    holds = checks.groupby("claim")["holds"].all()
    value = checks.drop_duplicates("measure").set_index("measure")["value"]
    answers = {
        (True, True): "Agents differ, and they respond",
        (True, False): "Agents differ; that they respond is not shown",
        (False, True): "Agents respond; that they differ is not shown",
        (False, False): "Neither that agents differ nor that they respond is shown",
    }
    terms = tables["responses"].query("agents == 'all agents' and term in @SITUATION")
    moves = [
        f"{label} (odds x {np.exp(estimate):.1f}, {shown})"
        for label, estimate in zip(terms["label"], terms["estimate"], strict=True)
        for shown in ["shown" if holds[f"respond to: {label}"] else "not shown"]
    ]
    return (
        f"{answers[bool(holds['differ']), bool(holds['respond at the break'])]}: "
        f"who answers makes {value.iloc[0]:.0%} of what agents and situation explain together; "
        f"{value.iloc[3]:.0%} of the fall in October lies within the same agents; "
        f"from call to call the same agent is moved by: {', '.join(moves)}."
    )


REPORTED = {
    "share cut off in January": ("E01", 0.0435, 0.00005),
    "messages among short calls before the break": ("E02", 0.18, 0.005),
    "agents' shares: mean": ("E02", 0.045, 0.0005),
    "agents' shares: standard deviation": ("E02", 0.051, 0.0005),
    "agents' shares: least": ("E02", 0.003, 0.0005),
    "agents' shares: greatest": ("E02", 0.248, 0.0005),
    "beta by moments: alpha": ("E02", 0.71, 0.01),
    "beta by moments: beta": ("E02", 15.1, 0.1),
    "five heaviest agents: share of cut-offs": ("E02", 0.62, 0.005),
    "five heaviest agents: share of contacts": ("E02", 0.26, 0.005),
    "ordinary calls, beta by likelihood: alpha": ("tastes", 0.81, 0.19),
    "ordinary calls, beta by likelihood: beta": ("tastes", 22.6, 7.0),
    "ordinary calls, logit-normal: mean": ("tastes", -4.04, 0.23),
    "ordinary calls, logit-normal: standard deviation": ("tastes", 1.20, 0.17),
    "ordinary calls, share after the break": ("tastes", 0.0037, 0.00005),
    "ordinary calls, rank correlation January - October": ("tastes", 0.75, 0.005),
    "logit: calls": ("tastes", 36341, 0.5),
    "logit: calls cut off": ("tastes", 1637, 0.5),
    "logit: agents": ("tastes", 23, 0.5),
    "logit: gain from agents only": ("tastes", 1143, 0.5),
    "logit: further gain from the situation": ("tastes", 210, 0.5),
    "logit: previous call cut off": ("tastes", 0.54, 0.28),
    "logit: five more callers waiting": ("tastes", 0.24, 0.13),
    "logit: October": ("tastes", 0.94, 0.24),
}
"""What the project's notes (``evidence.md``, ``tastes.md``) report from the same files: where, how
much, and how near is agreement: half a digit, or the standard error where one is given."""


def evidence(calls: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Set the numbers beside those reported earlier, and say where they agree."""
    before = calls[calls["period"].isin(BEFORE)]
    after = sample_of(calls[calls["period"] == AFTER], ORDINARY)
    spread = tables["concentration"]
    plain = spread[spread["sample"] == ALL].set_index("quantity")["estimate"].to_dict()
    ordinary = spread[spread["sample"] == ORDINARY].set_index("quantity")["estimate"]
    ll = row_of(tables["log_likelihood"], agents="all agents")
    terms = tables["responses"].query("agents == 'all agents'").set_index("term")["estimate"]
    here = plain | {f"ordinary calls, {name}": value for name, value in ordinary.items()}
    here |= {
        "share cut off in January": calls.loc[calls["period"] == "January", "cut_off"].mean(),
        "messages among short calls before the break": (
            before.loc[before["cut_off"], "reason"].eq(MESSAGE).mean()
        ),
        "ordinary calls, share after the break": after["cut_off"].mean(),
        "ordinary calls, rank correlation January - October": (
            row_of(tables["persistence"], sample=ORDINARY)["rank_correlation"]
        ),
        "logit: calls": ll["n"],
        "logit: calls cut off": ll["n_cut_off"],
        "logit: agents": ll["n_agents"],
        "logit: gain from agents only": ll["agents_only"] - ll["nothing"],
        "logit: further gain from the situation": ll["both"] - ll["agents_only"],
        "logit: previous call cut off": terms.get("previous_cut_off"),
        "logit: five more callers waiting": terms.get("waiting"),
        "logit: October": terms.get("october"),
    }
    rows = [
        (source, quantity, reported, here[quantity], tolerance)
        for quantity, (source, reported, tolerance) in REPORTED.items()
    ]
    table = pd.DataFrame(rows, columns=["source", "quantity", "reported", "here", "tolerance"])
    return table.assign(agrees=(table["here"] - table["reported"]).abs() <= table["tolerance"])


def headline(tables: Tables) -> dict[str, Any]:
    """Give the numbers that prose quotes."""
    shares = tables["concentration"].query("sample == @HEADLINE")
    spread = shares.set_index("quantity")["estimate"]
    scan = tables["break_scan"][tables["break_scan"]["month"] == "October"]
    plausible = pd.to_datetime(scan.loc[scan["plausible"], "first_day_after"])
    again = {"contacts": "every contact", "estimator": "adjusted"}
    return {
        "share_cut_off_before": spread["share of contacts cut off"],
        "gini": spread["Gini"],
        "five_heaviest_share_of_cut_offs": spread["five heaviest agents: share of cut-offs"],
        "five_heaviest_share_of_contacts": spread["five heaviest agents: share of contacts"],
        "spread_beyond_chance": row_of(
            tables["concentration"], sample=HEADLINE, quantity="beyond chance: standard deviation"
        ),
        "break_within_agents": the_step(tables),
        "break_placebo": tables["break_placebo"].query("is_break").iloc[0, 2:].to_dict(),
        "break_plausible_first_days": [f"{day:%Y-%m-%d}" for day in plausible],
        "call_back_same_day": row_of(tables["call_backs"], horizon="same day", **again),
        "call_back_24_hours": row_of(tables["call_backs"], horizon="24 hours", **again),
        "call_back_7_days": row_of(tables["call_backs"], horizon="7 days", **again),
    }


def _first(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Move one column to the front."""
    return table[[name, *table.columns.drop(name)]]


if __name__ == "__main__":
    main(*arguments(__doc__))
