"""Measure the floor of a real contact centre, for the scenario `retail_bank`.

From January 1999 of the Anonymous Bank's log (see `incentives.read_anonymous_bank`): when
customers contact and why, how long service takes, how long they wait before they give up, who is
on duty, and how readily agents cut callers off. January alone is used, so that October remains to
check against. Every number goes to ``bank_floor.json`` with its unit, standard error, number of
observations and method in words; the scenario cites that file. Days, agents or both are resampled
whole, since contacts of one day or one agent are alike.

    python -m experiments.bank_floor --scale full --out results/bank_floor
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize
from scipy.special import gammaln

from experiments._bank import (
    CUT_OFF_MINUTES,
    MESSAGE,
    SIDE_CALLS,
    answered,
    bank_files,
    beta_binomial,
    logit_normal,
    skipped,
)
from experiments._common import Output, Scale, arguments
from experiments._floor_figure import floor_figure
from incentives.datasets import BANK_REASONS, read_anonymous_bank

SEED = 19990101
HALF_HOUR = 30
WEEKEND = ("Friday", "Saturday")
DAY_ENDS = 4 * 60  # minutes after midnight until which a call belongs to the evening before
ENOUGH_CALLS = 100  # contacts of an agent, where agents are compared
FEWEST_IN_SHIFT = 10  # contacts that make an agent's day a shift
SHIFT_BAND = 120  # minutes; shifts that start in one band make one row
SOONEST = 0.5 / 60  # minutes; a wait of 0 seconds ended within the second
HORIZON = 10.0  # minutes to which mean patience is restricted

Floats = npt.NDArray[np.float64]
Estimate = dict[str, Any]


def main(scale: Scale, out: Path) -> None:
    """Load January, measure, save."""
    january = [file for file in bank_files() if file.name == "january.txt"]
    if not january:
        print(skipped("bank_floor", "january.txt"))
        return
    contacts = read_anonymous_bank(january[0]).contacts
    with Output("bank_floor", out, scale, seeds=[SEED], inputs=january) as output:
        measure(contacts, output, draws=scale.pick(smoke=50, full=1000))


def measure(contacts: pd.DataFrame, output: Output, *, draws: int) -> None:
    """Work everything out and save it.

    Parameters
    ----------
    contacts
        Contacts of one month.
    output
        Where tables, the figure and the JSON go.
    draws
        Bootstrap draws.
    """
    offered = at_the_floor(contacts)
    weekdays = offered[~offered["date"].dt.day_name().isin(WEEKEND)]
    calls = answered(offered)
    tables = {
        "arrival_profile": half_hours(offered),
        "calls_by_weekday": calls_by_weekday(offered),
        "reason_mix": reason_mix(offered),
        "handle_times": handle_times(calls, draws=draws),
        "agents_on_duty": agents_on_duty(answered(weekdays)),
        "shifts": shift_table(shifts(answered(weekdays))),
        "patience_curve": patience_curve(patient(offered)),
    }
    estimates = (
        volume(weekdays)
        | agents_differ(calls, draws=draws)
        | patience(patient(offered), draws=draws)
        | propensity(calls)
        | service(weekdays, answered(weekdays))
        | coming_back(offered)
    )
    tables["estimates"] = pd.DataFrame(
        [{"name": name} | estimate for name, estimate in estimates.items()]
    )
    for name, table in tables.items():
        output.table(name, table)
    output.figure("bank_floor", floor_figure(tables, calls))
    value = described(estimates, tables) | {"bootstrap_draws": draws}
    output.json("bank_floor", value)


def described(estimates: dict[str, Estimate], tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Put estimates and profiles into one value, each with its unit and its method."""
    profiles = {
        name: PROFILES[name] | {"rows": tables[name].to_dict("records")} for name in PROFILES
    }
    return {"source": SOURCE, "definitions": DEFINITIONS, "estimates": estimates, **profiles}


SOURCE = {
    "data": "Anonymous Bank call log, january.txt (Technion)",
    "terms": "free for use; acknowledge Ilan Guedj and Avishai Mandelbaum, and let the latter know",
    "made_by": "experiments/bank_floor.py; manifest.json beside this file says at which commit",
}
DEFINITIONS = {
    "contacts": (
        "calls that reached the floor: served, or abandoned from the queue; phantoms and callers "
        "who hung up in the voice response unit left out"
    ),
    "weekday": "Sunday to Thursday, the working week; the centre closes on Friday afternoon and "
    "opens on Saturday evening",
    "cut_off": "service under 10 s by a named agent; left out of handle times",
    "std_error": "over days, over agents, or from a bootstrap of whole days or whole agents",
}
PROFILES: dict[str, dict[str, str]] = {
    "arrival_profile": {
        "unit": "share of the day's contacts",
        "method": "contacts that enter in a half-hour over all contacts on such days; std_error of "
        "the ratio over days",
    },
    "calls_by_weekday": {
        "unit": "contacts a day",
        "method": "mean over days; std_error over days",
    },
    "reason_mix": {
        "unit": "share of contacts",
        "method": "contacts with that reason over all; std_error of the ratio over days",
    },
    "handle_times": {
        "unit": "ln minutes (mean_log, sd_log), minutes (mean_minutes)",
        "method": "service of 10 s or more by named agents: mean and standard deviation of the "
        "natural logarithm of minutes; std_error from a bootstrap of agents",
    },
    "agents_on_duty": {
        "unit": "agents",
        "method": "weekdays: active is the number of agents with a call answered in the half-hour, "
        "on_duty of those between the start of their first and the end of their last call of the "
        "day; means over days, std_error over days",
    },
    "shifts": {
        "unit": "minutes",
        "method": f"weekdays: an agent's day with {FEWEST_IN_SHIFT} calls or more, from the start "
        "of the first to the end of the last call; means and shares by the two hours in which it "
        "begins; breaks are inside, and time before the first call and after the last is not seen",
    },
}


def estimate(
    value: float, unit: str, method: str, *, n: int, std_error: float | None = None, **more: Any
) -> Estimate:
    """Describe one number."""
    error = None if std_error is None else float(std_error)
    return {"value": float(value), "unit": unit, "std_error": error, "n": int(n), **more} | {
        "method": method
    }


# ── contacts, when and why ───────────────────────────────────────────────────────────────────────


def at_the_floor(contacts: pd.DataFrame) -> pd.DataFrame:
    """Keep contacts that were served or waited for it, by working day.

    What enters before four in the morning belongs to the evening before: its `date` is that day's
    and its minutes count on from 1440. The few that belong to a day not in the log drop out.
    """
    kept = contacts[
        contacts["ended"].eq("served")
        | (contacts["ended"].eq("abandoned") & (contacts["wait_minutes"] > 0))
    ]
    days_back = (kept["minute"] < DAY_ENDS).astype(int)
    date, minute = kept["date"] - pd.to_timedelta(days_back, unit="D"), kept["minute"]
    entered = minute + kept["vru_minutes"] + kept["wait_minutes"]
    start = kept["service_minute"].fillna(entered) + 1440 * days_back
    moved = kept.assign(
        date=date,
        minute=minute + 1440 * days_back,
        start=start,
        stop=start + kept["handle_minutes"],
    )
    moved["half_hour"] = (moved["minute"] // HALF_HOUR).astype(int) * HALF_HOUR
    days: pd.DataFrame = moved[moved["date"].isin(kept["date"])]
    return days


def ratio_over_days(part: pd.DataFrame) -> pd.DataFrame:
    """Give each column's share of all, with the standard error of a ratio over the rows (days)."""
    counts = part.to_numpy(dtype=float)
    total = counts.sum(axis=1, keepdims=True)
    share = counts.sum(axis=0) / total.sum()
    days = len(counts)
    residual = counts - share * total
    error = np.sqrt(days / (days - 1) * (residual**2).sum(axis=0)) / total.sum()
    return pd.DataFrame({"share": share, "std_error": error, "days": days}, index=part.columns)


def counted(contacts: pd.DataFrame, by: str) -> pd.DataFrame:
    """Count contacts by day (rows) and another column (columns)."""
    return contacts.groupby(["date", by], observed=True).size().unstack(fill_value=0)  # noqa: PD010


def half_hours(offered: pd.DataFrame) -> pd.DataFrame:
    """Share of the day's contacts in each half-hour, on weekdays, Fridays and Saturdays."""
    names = offered["date"].dt.day_name()
    kind = names.where(names.isin(WEEKEND), "weekday")
    slots = range(DAY_ENDS, DAY_ENDS + 1440, HALF_HOUR)
    tables = []
    for name in ("weekday", *WEEKEND):
        table = counted(offered[kind == name], "half_hour").reindex(columns=slots, fill_value=0)
        shares = ratio_over_days(table).reset_index(names="start_minute")
        tables.append(shares.assign(day=name))
    return pd.concat(tables, ignore_index=True)


def reason_mix(offered: pd.DataFrame) -> pd.DataFrame:
    """Share of contacts by reason."""
    return ratio_over_days(counted(offered, "reason")).reset_index(names="reason")


def calls_by_weekday(offered: pd.DataFrame) -> pd.DataFrame:
    """Contacts a day by day of the week."""
    daily = offered.groupby("date").size()
    table = daily.groupby(pd.DatetimeIndex(daily.index).day_name()).agg(["mean", "std", "size"])
    table = table.rename(columns={"mean": "contacts", "std": "sd", "size": "days"})
    table["std_error"] = table["sd"] / np.sqrt(table["days"])
    order = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", *WEEKEND)
    return table.reindex(order).reset_index(names="day")


def volume(weekdays: pd.DataFrame) -> dict[str, Estimate]:
    """Contacts on a weekday, and how much days differ."""
    daily = weekdays.groupby("date").size().to_numpy(dtype=float)
    days, mean, sd = len(daily), daily.mean(), daily.std(ddof=1)
    index = sd**2 / mean
    coefficient = np.sqrt(max(0.0, sd**2 - mean)) / mean
    return {
        "contacts_per_weekday": estimate(
            mean,
            "contacts a day",
            "mean over weekdays; std_error over days",
            n=days,
            std_error=sd / np.sqrt(days),
        ),
        "weekday_dispersion_index": estimate(
            index,
            "variance over mean (Poisson: 1)",
            "variance over weekdays by their mean; std_error as of a normal variance",
            n=days,
            std_error=index * np.sqrt(2 / (days - 1)),
        ),
        "weekday_cv_of_rate": estimate(
            coefficient,
            "coefficient of variation",
            "standard deviation of the days' rates beyond Poisson, over the mean; a part of it is "
            "the fall over the month (first weeks above, last week below)",
            n=days,
            std_error=coefficient / np.sqrt(2 * (days - 1)),
        ),
    }


# ── service ──────────────────────────────────────────────────────────────────────────────────────


def handle_times(calls: pd.DataFrame, *, draws: int) -> pd.DataFrame:
    """Log-normal handle times by reason, and of ordinary calls and of all together."""
    groups: dict[str, tuple[str, ...]] = {reason: (reason,) for reason in BANK_REASONS.values()}
    groups["all ordinary"] = tuple(set(BANK_REASONS.values()) - set(SIDE_CALLS))
    groups["all"] = tuple(BANK_REASONS.values())
    served = calls[calls["handle_minutes"] >= CUT_OFF_MINUTES]
    rows = []
    for name, reasons in groups.items():
        part = served[served["reason"].isin(reasons)]
        log = np.log(part["handle_minutes"])
        sums = pd.DataFrame({"n": 1.0, "x": log, "xx": log**2, "m": part["handle_minutes"]})
        table = sums.groupby(part["agent"], observed=True).sum()
        errors = over_agents(lambda total: np.array(log_normal(total)), table, draws)
        mean_log, sd_log, mean = log_normal(table.sum().to_numpy())
        rows.append(
            {
                "reason": name,
                "mean_log": mean_log,
                "mean_log_std_error": errors[0],
                "sd_log": sd_log,
                "sd_log_std_error": errors[1],
                "mean_minutes": mean,
                "mean_minutes_std_error": errors[2],
                "n": len(part),
                "agents": len(table),
            }
        )
    return pd.DataFrame(rows)


def log_normal(total: Floats) -> tuple[float, float, float]:
    """Mean and SD of logs, and mean minutes, from sums: count, logs, squared logs, minutes."""
    n, x, xx, minutes = total
    return x / n, float(np.sqrt(max(0.0, xx / n - (x / n) ** 2))), minutes / n


def over_agents(statistic: Callable[[Floats], Floats], table: pd.DataFrame, draws: int) -> Floats:
    """Standard errors of a function of totals, from a bootstrap of the rows (agents)."""
    values = table.to_numpy(dtype=float)
    rng = np.random.default_rng(SEED)
    picks = rng.integers(0, len(values), size=(draws, len(values)))
    return np.asarray(np.std([statistic(values[pick].sum(axis=0)) for pick in picks], axis=0))


def agents_differ(calls: pd.DataFrame, *, draws: int) -> dict[str, Estimate]:
    """How far agents differ in the length of calls, and one agent's calls among themselves.

    Once for regular calls, where agents do the same work, and once for all ordinary calls, where
    some agents are specialists.
    """
    measures = {
        "handle_cv_between_agents": (
            "coefficient of variation",
            "standard deviation of agents' mean minutes, less what sampling adds, over their mean",
        ),
        "handle_sd_log_between_agents": (
            "ln minutes",
            "standard deviation of agents' mean ln minutes, less what sampling adds",
        ),
        "handle_sd_log_within_agent": (
            "ln minutes",
            "square root of the mean over agents of the variance of ln minutes",
        ),
    }
    served = calls[~calls["cut_off"]]
    samples = {
        "regular": served[served["reason"] == "regular"],
        "ordinary": served[~served["reason"].isin(SIDE_CALLS)],
    }
    results: dict[str, Estimate] = {}
    for kind, part in samples.items():
        agents = agents_moments(part)
        rng = np.random.default_rng(SEED)
        picks = rng.integers(0, len(agents), size=(draws, len(agents)))
        errors = np.std([spread_between(agents[pick]) for pick in picks], axis=0)
        where = f"{kind} calls of 10 s or more, agents with {ENOUGH_CALLS} or more"
        for j, (name, (unit, method)) in enumerate(measures.items()):
            results[f"{name}_{kind}"] = estimate(
                spread_between(agents)[j],
                unit,
                f"{method}; {where}; bootstrap of agents",
                n=len(agents),
                std_error=errors[j],
                calls=len(part),
            )
    return results


def agents_moments(calls: pd.DataFrame) -> Floats:
    """Give a row for each agent with enough calls: n, mean, variance, and the same of logs."""
    agents = calls.assign(log=np.log(calls["handle_minutes"])).groupby("agent", observed=True)
    table = agents[["handle_minutes", "log"]].agg(["size", "mean", "var"])
    columns = [("handle_minutes", "size"), ("handle_minutes", "mean"), ("handle_minutes", "var")]
    table = table[[*columns, ("log", "mean"), ("log", "var")]]
    return table[table[columns[0]] >= ENOUGH_CALLS].to_numpy(dtype=float)


def spread_between(agents: Floats) -> Floats:
    """CV and SD between agents less sampling, and SD within: columns n, mean, var, and of logs."""
    n, mean, var, mean_log, var_log = agents.T
    between = max(0.0, mean.var(ddof=1) - (var / n).mean())
    between_log = max(0.0, mean_log.var(ddof=1) - (var_log / n).mean())
    return np.sqrt([between / mean.mean() ** 2, between_log, var_log.mean()])


def propensity(calls: pd.DataFrame) -> dict[str, Estimate]:
    """How readily agents cut callers off: distributions over agents."""
    results: dict[str, Estimate] = {}
    for name, left_out in (("ordinary", SIDE_CALLS), ("all", ())):
        part = calls[~calls["reason"].isin(left_out)]
        table = part.groupby("agent", observed=True)["cut_off"].agg(["sum", "size"])
        table = table[table["size"] >= ENOUGH_CALLS]
        k, n = table["sum"].to_numpy(float), table["size"].to_numpy(float)
        fits = {"logit_normal": logit_normal(k, n), "beta": beta_binomial(k, n)}
        parameters = {"logit_normal": ("mean", "sd"), "beta": ("alpha", "beta")}
        what = "messages and internet help left out" if left_out else "every reason"
        for form, fit in fits.items():
            for i, parameter in enumerate(parameters[form]):
                results[f"cut_off_{form}_{parameter}_{name}"] = estimate(
                    fit.values[i],
                    "log odds" if form == "logit_normal" else "parameter",
                    f"maximum likelihood over agents with {ENOUGH_CALLS} calls or more, {what}; "
                    "std_error from the curvature",
                    n=len(table),
                    std_error=fit.errors[i],
                    calls=int(n.sum()),
                )
        share, error = ratio_over_days(counted(part, "cut_off"))[["share", "std_error"]].to_numpy()[
            1
        ]
        results[f"cut_off_share_{name}"] = estimate(
            share,
            "share of calls answered",
            f"service under 10 s by a named agent, {what}; std_error over days",
            n=len(part),
            std_error=error,
        )
    return results


# ── patience ─────────────────────────────────────────────────────────────────────────────────────


def patient(offered: pd.DataFrame) -> pd.DataFrame:
    """Waits of those who queued, messages left out: given up, or ended by service (censored)."""
    queued = offered[(offered["wait_minutes"] > 0) & (offered["reason"] != MESSAGE)]
    return pd.DataFrame(
        {
            "date": queued["date"],
            "minutes": queued["wait_minutes"].clip(lower=SOONEST),
            "gave_up": queued["ended"].eq("abandoned"),
        }
    ).sort_values("minutes", ignore_index=True)


def patience(waits: pd.DataFrame, *, draws: int) -> dict[str, Estimate]:
    """Mean patience: exponential, Weibull, and Kaplan-Meier without a form."""
    minutes, gave_up = waits["minutes"].to_numpy(), waits["gave_up"].to_numpy(dtype=float)
    day, dates = pd.factorize(waits["date"])

    def statistics(weight: Floats) -> Floats:
        shape, scale = weibull(minutes, gave_up, weight)
        survival = kaplan_meier(gave_up, weight)
        return np.array(
            [
                weight @ minutes / (weight @ gave_up),
                shape,
                scale,
                scale * float(np.exp(gammaln(1 + 1 / shape))),
                restricted_mean(minutes, survival),
                *(1 - survival_at(minutes, survival, at) for at in (1.0, 3.0, 5.0)),
            ]
        )

    rng = np.random.default_rng(SEED)
    resampled = rng.multinomial(len(dates), np.full(len(dates), 1 / len(dates)), size=draws)
    errors = np.std([statistics(weight[day].astype(float)) for weight in resampled], axis=0)
    values = statistics(np.ones(len(waits)))
    common = "; waits of those who queued, messages left out, service censors; bootstrap of days"
    names = {
        "patience_exponential_mean": ("minutes", "minutes waited over number who gave up"),
        "patience_weibull_shape": ("shape", "maximum likelihood"),
        "patience_weibull_scale": ("minutes", "maximum likelihood"),
        "patience_weibull_mean": ("minutes", "mean of the fitted Weibull, beyond what was seen"),
        "patience_restricted_mean": (
            "minutes",
            f"area under the Kaplan-Meier curve to {HORIZON:g} minutes",
        ),
        "patience_gone_1_minute": ("probability", "1 - Kaplan-Meier at 1 minute"),
        "patience_gone_3_minutes": ("probability", "1 - Kaplan-Meier at 3 minutes"),
        "patience_gone_5_minutes": ("probability", "1 - Kaplan-Meier at 5 minutes"),
    }
    return {
        name: estimate(
            value,
            unit,
            method + common,
            n=len(waits),
            std_error=error,
            gave_up=int(gave_up.sum()),
        )
        for (name, (unit, method)), value, error in zip(names.items(), values, errors, strict=True)
    }


def weibull(minutes: Floats, gave_up: Floats, weight: Floats) -> tuple[float, float]:
    """Shape and scale by maximum likelihood with censored waits.

    Given the shape k, scale**k is the sum of minutes**k over the number who gave up; k solves
    1/k + mean(ln t of those who gave up) = sum(t**k ln t) / sum(t**k).
    """
    log = np.log(minutes)
    events = weight @ gave_up
    mean_log = (weight * gave_up) @ log / events

    def gap(shape: float) -> float:
        power = weight * minutes**shape
        return float(1 / shape + mean_log - power @ log / power.sum())

    shape = float(optimize.brentq(gap, 0.05, 20.0))
    return shape, float((weight @ minutes**shape / events) ** (1 / shape))


def kaplan_meier(gave_up: Floats, weight: Floats) -> Floats:
    """Survival just after each wait, in the order of waits; ties count as one after the other."""
    at_risk = weight[::-1].cumsum()[::-1]
    hazard = np.divide(weight * gave_up, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    return np.asarray(np.cumprod(1 - hazard))


def survival_at(minutes: Floats, survival: Floats, at: float) -> float:
    """Read a survival curve at one moment."""
    index = int(np.searchsorted(minutes, at, side="right"))
    return float(survival[index - 1]) if index else 1.0


def restricted_mean(minutes: Floats, survival: Floats) -> float:
    """Area under a survival curve up to the horizon."""
    seen = minutes <= HORIZON
    steps = np.diff(np.r_[0.0, minutes[seen], HORIZON])
    return float(steps @ np.r_[1.0, survival[seen]])


def patience_curve(waits: pd.DataFrame) -> pd.DataFrame:
    """Share still waiting by the minute: Kaplan-Meier, exponential, Weibull."""
    minutes, gave_up = waits["minutes"].to_numpy(), waits["gave_up"].to_numpy(dtype=float)
    weight = np.ones(len(waits))
    survival = kaplan_meier(gave_up, weight)
    shape, scale = weibull(minutes, gave_up, weight)
    at = np.arange(0, HORIZON + 0.01, 0.1)
    return pd.DataFrame(
        {
            "minutes": at,
            "kaplan_meier": [survival_at(minutes, survival, t) for t in at],
            "exponential": np.exp(-at * gave_up.sum() / minutes.sum()),
            "weibull": np.exp(-((at / scale) ** shape)),
            "at_risk": [int((minutes >= t).sum()) for t in at],
        }
    )


# ── who is on duty ───────────────────────────────────────────────────────────────────────────────


def shifts(calls: pd.DataFrame) -> pd.DataFrame:
    """Each agent's working day, from the start of the first to the end of the last call."""
    days = calls.groupby(["date", "agent"], observed=True)
    table = days.agg(
        start=("start", "min"),
        stop=("stop", "max"),
        calls=("start", "size"),
        talk=("handle_minutes", "sum"),
    ).reset_index()
    table = table[table["calls"] >= FEWEST_IN_SHIFT]
    return table.assign(length=table["stop"] - table["start"])


def shift_table(table: pd.DataFrame) -> pd.DataFrame:
    """Shifts by the two hours in which they begin: mean start and length, and share."""
    band = (table["start"] // SHIFT_BAND).astype(int) * SHIFT_BAND
    rows = table.groupby(band).agg(
        start_minute=("start", "mean"),
        length_minutes=("length", "mean"),
        length_sd=("length", "std"),
        n=("length", "size"),
    )
    rows["share"] = rows["n"] / rows["n"].sum()
    rows["per_day"] = rows["n"] / table["date"].nunique()
    return rows.reset_index(names="band_start").round({"start_minute": 1, "length_minutes": 1})


def agents_on_duty(calls: pd.DataFrame) -> pd.DataFrame:
    """Mean number of agents active, and on duty, in each half-hour of a weekday."""
    slots = np.arange(DAY_ENDS, DAY_ENDS + 1440, HALF_HOUR)
    days = pd.Index(sorted(calls["date"].unique()))
    slot = (calls["start"] // HALF_HOUR).astype(int) * HALF_HOUR
    seen = calls.groupby(["date", slot.rename("slot")])["agent"].nunique().unstack(fill_value=0)  # noqa: PD010
    active = seen.reindex(index=days, columns=slots, fill_value=0).to_numpy(dtype=float)
    on_duty = np.zeros_like(active)
    for day, group in shifts(calls).groupby("date"):
        begin, end = group["start"].to_numpy(), group["stop"].to_numpy()
        overlap = np.minimum.outer(slots + HALF_HOUR, end) - np.maximum.outer(slots, begin)
        share = np.clip(overlap, 0, HALF_HOUR) / HALF_HOUR
        on_duty[days.get_indexer(pd.Index([day]))[0]] = share.sum(axis=1)
    root = np.sqrt(len(days))
    table = pd.DataFrame(
        {
            "start_minute": slots,
            "active": active.mean(axis=0),
            "active_std_error": active.std(axis=0, ddof=1) / root,
            "on_duty": on_duty.mean(axis=0),
            "on_duty_std_error": on_duty.std(axis=0, ddof=1) / root,
            "days": len(days),
        }
    )
    return table[(table["active"] > 0) | (table["on_duty"] > 0)].reset_index(drop=True)


# ── how the floor did: what a simulated one is held against ──────────────────────────────────────


def service(weekdays: pd.DataFrame, calls: pd.DataFrame) -> dict[str, Estimate]:
    """Waiting, abandonment and occupancy on weekdays."""
    queued = weekdays["wait_minutes"] > 0
    gone = weekdays["ended"] == "abandoned"
    quick = ~gone & (weekdays["wait_minutes"] <= 20 / 60)
    table = pd.DataFrame(
        {
            "contacts": 1.0,
            "queued": queued,
            "wait": weekdays["wait_minutes"],
            "gone": gone,
            "quick": quick,
        }
    ).astype(float)
    daily = table.groupby(weekdays["date"]).sum()
    duty = shifts(calls).groupby("date")[["talk", "length"]].sum()
    common = "; weekdays, std_error of the ratio over days"
    rows = {
        "share_queued": (daily, "queued", "contacts", "share", "contacts that had to wait"),
        "mean_wait_if_queued": (daily, "wait", "queued", "minutes", "wait of those who had to"),
        "share_abandoned": (daily, "gone", "contacts", "share", "contacts that gave up waiting"),
        "share_within_20_s": (daily, "quick", "contacts", "share", "served after 20 s or less"),
        "occupancy": (duty, "talk", "length", "share", "time on calls over time between calls"),
    }
    results = {}
    for name, (frame, top, bottom, unit, method) in rows.items():
        value, error = ratio(frame[top].to_numpy(), frame[bottom].to_numpy())
        results[name] = estimate(value, unit, method + common, n=len(frame), std_error=error)
    return results


def ratio(top: Floats, bottom: Floats) -> tuple[float, float]:
    """Ratio of totals, with its standard error over the rows."""
    n, value = len(top), top.sum() / bottom.sum()
    residual = top - value * bottom
    return float(value), float(np.sqrt(n / (n - 1) * (residual @ residual)) / bottom.sum())


def coming_back(offered: pd.DataFrame) -> dict[str, Estimate]:
    """How often identified customers contact again on the same day, by how the contact ended."""
    own = offered[offered["customer"].notna() & (offered["reason"] != MESSAGE)]
    own = own.sort_values(["customer", "date", "minute"])
    again = own.groupby("customer")["date"].shift(-1) == own["date"]
    cut_off = own["handle_minutes"] < CUT_OFF_MINUTES
    gone = own["ended"] == "abandoned"
    fates = {"abandoned": gone, "cut_off": cut_off, "served": ~gone & ~cut_off}
    results = {}
    for name, rows in fates.items():
        days = pd.DataFrame({"again": again[rows], "all": 1.0}).groupby(own["date"][rows]).sum()
        value, error = ratio(days["again"].to_numpy(float), days["all"].to_numpy(float))
        results[f"same_day_return_{name}"] = estimate(
            value,
            "share of contacts",
            "followed by another contact of the same identified customer on the same day; messages "
            "left out; std_error of the ratio over days",
            n=int(rows.sum()),
            std_error=error,
        )
    seen = own["customer"].value_counts().to_numpy(dtype=float)
    results["contacts_per_customer_seen"] = estimate(
        seen.mean(),
        "contacts a month",
        "contacts of identified customers over their number; who did not contact is not seen, so "
        "this lies above the rate of all customers; std_error over customers",
        n=len(seen),
        std_error=seen.std(ddof=1) / np.sqrt(len(seen)),
    )
    return results


if __name__ == "__main__":
    main(*arguments(__doc__))
