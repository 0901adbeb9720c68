"""The break of 18-19 October: how large, on which day, among which agents, and against no break.

The suite's questions refuse it, and rightly: all agents changed on the same days, so that a scheme
and time are one (`scheme_effect` refuses units that change scheme, `staggered_effect` a roll-out in
one wave), and nobody was dealt anything, so that randomisation inference has nothing to deal again.
Its inference does answer where agents are pairs of a before and an after: `break_by_suite` holds
the plain difference of shares against it. Errors agree. The headline compares the same agents,
weighted by how evenly the two sides see them, which no question of the suite does; placebo windows
stand for the assignments that were never dealt, and rest on days instead of on agents.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from experiments._clusters import (
    coefficient,
    demeaned,
    dummies_of,
    flip_p_value,
    least_squares,
    logit,
)
from experiments._dropped_shares import (
    AFTER,
    BEFORE,
    HEADLINE,
    SAMPLES,
    SEED,
    Floats,
    counts,
    first_column,
    in_each_sample,
    sample_of,
)
from incentives.estimates.inference import shares
from incentives.estimates.methods import FEWEST_DRAWS, Inference
from incentives.estimates.resampling import contrast_of

STAYED = "agents seen on both sides"
BREAK = pd.Timestamp(1999, 10, 17)  # the last day before it


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


def break_by_suite(calls: pd.DataFrame, *, draws: int) -> pd.DataFrame:
    """Hold the plain difference of shares against the suite's inference, agents as pairs.

    `suite_error` is the clustered error of the suite, `std_error` that of `break_size`; `wild_p` is
    of the suite's wild cluster bootstrap-t, beside `flip_p_value`, which flips the same signs
    without dividing by an error.
    """
    october = calls[calls["period"].isin([BEFORE[1], AFTER])]
    sides = october.groupby("agent", observed=True)["period"].nunique()
    stayed = october[october["agent"].isin(sides[sides == 2].index)]
    rows = []
    for sample in SAMPLES:
        part = sample_of(stayed, sample)
        cells = part.groupby(["agent", "period"], observed=True)["cut_off"]
        each = cells.agg(["sum", "size"]).unstack().dropna()  # noqa: PD010
        events, trials = (
            each[how][[BEFORE[1], AFTER]].to_numpy(dtype=float) for how in ("sum", "size")
        )
        contrast = contrast_of(shares(events, trials), 1, weight=trials)
        pairs = Inference.usual(contrast, "agent", paired=True)
        wild = pairs.by("wild", reps=max(draws, FEWEST_DRAWS), seed=SEED)
        ours = step_estimates(part[part["agent"].isin(each.index)], draws)[0]
        error, df = pairs.spread()
        row = {"sample": sample, "estimate": ours["estimate"], "std_error": ours["std_error"]}
        row |= {"suite_estimate": contrast.value, "suite_error": error, "df": df}
        rows.append(row | {"p_value": ours["p_value"], "wild_p": wild.p_value()})
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
    return first_column(pd.concat(tables, ignore_index=True), "month")


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
