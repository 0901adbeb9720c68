"""Hold the simulated floor of the scenario `retail_bank` against the log it was estimated from.

The shipped scenario is simulated under its wage scheme, for the bank of 1999 paid no bonus of the
kinds compared here as far as we know, and is measured with the functions that measured January
1999 (see `experiments.bank_floor`): the contacts are written down to the second, a call of less
than ten seconds counts as cut off, and an agent is on duty between the first and the last call of
a day. One figure and one table say what is matched and what is not. Two more tables are what the
scenario takes its shifts and its breaks from.

    python -m experiments.floor_against_log --scale full --out results/floor_against_log
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments import bank_floor
from experiments._against_log_figure import against_log_figure
from experiments._bank import MESSAGE, SIDE_CALLS, answered, bank_files, skipped
from experiments._common import Output, Scale, arguments
from experiments.bank_floor import ENOUGH_CALLS, HALF_HOUR, WEEKEND
from incentives import Scenario, simulate
from incentives.datasets import read_anonymous_bank

SEED = 19990201
SCHEME = "wage"
MONTHS = 3  # the last one is held against the log: the first have no repeats of earlier contacts
FIRST_DAY = pd.Timestamp(1999, 1, 3)  # simulated days need dates, and these mean nothing
REASONS = {"question": "regular", "order": "stock trade", "complaint": "complaint"}
SEATS = 20  # of the scenario, and so the number of shifts that it takes from the log
USUAL = 0.15  # a day is of usual volume if it is so near to the mean
SLOTS = np.arange(420, 1440, HALF_HOUR)
MOMENT = 1 / 6  # minutes between looks at the queue
QUEUE = 2  # customers who wait at once, so that one just being put through does not count
GAPS = (0.0, 1.0, 4.0, 15.0, 60.0, np.inf)  # minutes from an agent's call to the next
RANKS = np.linspace(0.0, 1.0, 21)
EDGES = np.geomspace(10, 3600, 31)  # seconds
MINUTES = np.arange(0.0, 10.01, 0.1)

Floats = npt.NDArray[np.float64]
Values = dict[str, tuple[float, float]]


class Floor(NamedTuple):
    """A floor's contacts on weekdays, those answered, and what was seen moment by moment."""

    offered: pd.DataFrame
    calls: pd.DataFrame
    moments: pd.DataFrame


def main(scale: Scale, out: Path) -> None:
    """Load January, simulate, measure both, save."""
    january = [file for file in bank_files() if file.name == "january.txt"]
    if not january:
        print(skipped("floor_against_log", "january.txt"))
        return
    log = weekdays(read_anonymous_bank(january[0]).contacts)
    scenario = under_wage("retail_bank")
    with Output(
        "floor_against_log", out, scale, seeds=[SEED], scenario=scenario, inputs=january
    ) as output:
        runs = simulated([scenario], replications=scale.pick(smoke=2, full=40))
        days = simulated(day_by_day(scenario, log), replications=1)
        compare(log, runs, days, output, draws=scale.pick(smoke=50, full=1000))


def compare(
    log: pd.DataFrame,
    runs: list[pd.DataFrame],
    days: list[pd.DataFrame],
    output: Output,
    *,
    draws: int,
) -> pd.DataFrame:
    """Measure the log and the runs alike and save tables, the figure and numbers.

    Parameters
    ----------
    log
        Contacts at the floor on weekdays, as `weekdays` gives them.
    runs
        The same of each simulated run, as `simulated` gives them.
    days
        The same of runs with the volume and the staff of each day of the log.
    output
        Where everything goes.
    draws
        Bootstrap draws, of agents and of days.

    Returns
    -------
    pandas.DataFrame
        The table ``floor_against_log``.
    """
    real, floors = floor_of(log), [floor_of(run) for run in runs]
    table = against(real, floors, floor_of(pooled(days)), draws=draws)
    tables = {
        "floor_against_log": table,
        "shifts": shifts_in_order(real.calls),
        "away": away_while_queue(real),
        "by_half_hour": in_columns(by_half_hour, real, floors),
        "by_agent": in_columns(by_agent, real, floors),
        "handle_times": in_columns(handle_times, real, floors),
        "waiting": in_columns(waiting_curves, real, floors),
    }
    for name, each in tables.items():
        output.table(name, each)
    output.figure("floor_against_log", against_log_figure(tables))
    output.numbers(in_numbers(table))
    output.numbers({"replications": len(runs), "days_in_log": int(log["date"].nunique())})
    return table


def in_numbers(table: pd.DataFrame) -> dict[str, Any]:
    """Put the table into nested numbers, for prose to take them from."""
    held = table[~table["beyond_model"]]
    columns = ["log", "log_std_error", "simulated", "monte_carlo_error", "ratio"]
    return {
        "quantities": len(held),
        "inside_2_std_errors": int(held["inside_2_std_errors"].sum()),
        **{row["quantity"]: row[columns].to_dict() for _, row in table.iterrows()},
    }


# ── the two floors in one form ───────────────────────────────────────────────────────────────────


def under_wage(name: str) -> Scenario:
    """Load a scenario that ships with the library and put everybody under its wage scheme."""
    scenario = telephone(Scenario.load(name))
    return replace(scenario, scheme=scenario.schemes[SCHEME], label=SCHEME)


def telephone(scenario: Scenario) -> Scenario:
    """Take away the channels that the log does not know; as many calls come as before."""
    written = ("chat", "email", "social", "app", "forum")
    return scenario.change({f"channels.{name}": 0.0 for name in written})


def weekdays(contacts: pd.DataFrame) -> pd.DataFrame:
    """Keep contacts at the floor from Sunday to Thursday."""
    offered = bank_floor.at_the_floor(contacts)
    kept: pd.DataFrame = offered[~offered["date"].dt.day_name().isin(WEEKEND)]
    return kept


def day_by_day(scenario: Scenario, log: pd.DataFrame) -> tuple[Scenario, ...]:
    """Give the scenario the volume and the number at work of each day of the log."""
    volume = log.groupby("date").size()
    at_work = bank_floor.shifts(answered(log)).groupby("date").size()
    needs = {f"needs.{name}": getattr(scenario.needs, name) for name in REASONS}
    return tuple(
        scenario.change(
            {name: rate * volume[date] / volume.mean() for name, rate in needs.items()}
            | {"floor.shrinkage": max(0.0, 1 - at_work[date] / scenario.floor.seats)}
        )
        for date in volume.index
    )


def simulated(scenarios: Sequence[Scenario], *, replications: int) -> list[pd.DataFrame]:
    """Simulate, and write the last month of each run down as the bank did."""
    records = simulate(scenarios, replications=replications, months=MONTHS, rng=SEED)
    contacts = records.contacts[records.contacts["month"] == MONTHS - 1]
    length = int(records.runs["days_per_month"].max())
    return [
        as_logged(run, first_day=length * i)
        for i, (_, run) in enumerate(contacts.groupby("run", sort=True))
    ]


def as_logged(contacts: pd.DataFrame, *, first_day: int = 0) -> pd.DataFrame:
    """Write simulated contacts down in the log's columns: whole seconds, agents by name.

    Parameters
    ----------
    contacts
        Simulated contacts of one run.
    first_day
        Number of the run's first day, so that days of several runs keep apart.
    """
    minute, start = (
        seconds(contacts["minute"]),
        seconds(contacts["minute"] + contacts["wait_minutes"]),
    )
    served = contacts["ended"] == "served"
    handle = seconds(contacts["handle_minutes"])
    days = contacts["day"] - contacts["day"].min() + first_day
    names = contacts["agent"].astype(str) + "/" + contacts["hire"].astype(str)
    reasons = contacts["reason"].cat.rename_categories(REASONS)
    frame = pd.DataFrame(
        {
            "date": FIRST_DAY + pd.to_timedelta(days.astype(int), unit="D"),
            "minute": minute,
            "vru_minutes": 0.0,
            "wait_minutes": start - minute,
            "handle_minutes": handle.where(served),
            "service_minute": start.where(served),
            "ended": contacts["ended"].astype(str),
            "agent": names.where(served).astype("category"),
            "reason": reasons,
            "customer": contacts["customer"],
        }
    )
    return bank_floor.at_the_floor(frame)


def pooled(runs: list[pd.DataFrame]) -> pd.DataFrame:
    """Put runs, whose days keep apart, into one."""
    frame = pd.concat([run.astype({"agent": object}) for run in runs], ignore_index=True)
    return frame.astype({"agent": "category"})


def seconds(minutes: "pd.Series[float]") -> "pd.Series[float]":
    """Round minutes to whole seconds, as the log's clock does."""
    return (60 * minutes.astype(float)).round() / 60


def floor_of(offered: pd.DataFrame) -> Floor:
    """Work out who answered, and look at the queue and the agents every ten seconds."""
    calls = answered(offered)
    duty = dict(iter(bank_floor.shifts(calls).groupby("date")))
    served = dict(iter(calls.groupby("date")))
    days = [
        day_by_moments(contacts, served[date], duty[date]).assign(date=date)
        for date, contacts in offered.groupby("date")
    ]
    return Floor(offered, calls, pd.concat(days, ignore_index=True))


def day_by_moments(
    contacts: pd.DataFrame, calls: pd.DataFrame, shifts: pd.DataFrame
) -> pd.DataFrame:
    """Count, half-hour by half-hour of a day, agents on calls and on duty, and while a queue stood.

    Parameters
    ----------
    contacts, calls, shifts
        Contacts of one day, those of them that an agent answered, and the agents' days.

    Returns
    -------
    pandas.DataFrame
        A row a half-hour: means over its moments of ``busy`` and ``on_duty`` agents, and their sums
        over moments with a queue, ``busy_in_queue`` and ``on_duty_in_queue``.
    """
    at = np.arange(SLOTS[0], SLOTS[-1] + HALF_HOUR, MOMENT)
    busy = present(at, calls["start"], calls["stop"])
    on_duty = present(at, shifts["start"], shifts["stop"])
    queue = waiting_at(at, contacts) >= QUEUE
    table = pd.DataFrame(
        {
            "slot": (at // HALF_HOUR).astype(int) * HALF_HOUR,
            "busy": busy,
            "on_duty": on_duty,
            "busy_in_queue": busy * queue,
            "on_duty_in_queue": on_duty * queue,
        }
    )
    means = {"busy": "mean", "on_duty": "mean", "busy_in_queue": "sum", "on_duty_in_queue": "sum"}
    return table.groupby("slot", as_index=False).agg(means)


def waiting_at(at: Floats, contacts: pd.DataFrame) -> Floats:
    """Count the customers who wait at each moment."""
    queued = contacts[contacts["wait_minutes"] > 0]
    return present(at, queued["start"] - queued["wait_minutes"], queued["start"])


def present(at: Floats, start: "pd.Series[float]", stop: "pd.Series[float]") -> Floats:
    """Count the spells that have begun and not ended at each moment."""
    begun = np.searchsorted(np.sort(start.to_numpy(float)), at, side="right")
    ended = np.searchsorted(np.sort(stop.to_numpy(float)), at, side="right")
    return (begun - ended).astype(float)


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────


def against(real: Floor, floors: list[Floor], days: Floor, *, draws: int) -> pd.DataFrame:
    """Tabulate each quantity in the log and in the simulation.

    Two columns tell what the day-to-day changes of volume and staff have to do with a difference:
    the log on days of usual volume, and simulated days with each day's own volume and staff.
    """
    logged = measured(real, draws=draws)
    usual, own = values_of(measured_by_day(on_usual_days(real))), values_of(measured_by_day(days))
    replicated = pd.DataFrame([values_of(measured(floor, draws=2)) for floor in floors])
    rows = []
    for name, quantity in QUANTITIES.items():
        value, error = logged[name]
        model, noise = monte_carlo(replicated[name].to_numpy())
        rows.append(
            {
                "quantity": name,
                "unit": quantity.unit,
                "log": value,
                "log_std_error": error,
                "std_error_over": quantity.over,
                "simulated": model,
                "monte_carlo_error": noise,
                "ratio": model / value,
                "inside_2_std_errors": abs(model - value) <= 2 * np.hypot(error, noise),
                "log_on_usual_days": usual.get(name, np.nan),
                "simulated_day_by_day": own.get(name, np.nan),
                "beyond_model": quantity.beyond_model,
            }
        )
    return pd.DataFrame(rows)


class Quantity(NamedTuple):
    """What a row of the table is."""

    unit: str
    over: str  #: what the log's standard error is taken over
    beyond_model: bool = False  #: the model has no parameter for it


QUANTITIES = {
    "contacts_per_weekday": Quantity("contacts a day", "days"),
    "weekday_dispersion_index": Quantity("variance over mean", "days", beyond_model=True),
    "agents_at_work": Quantity("agents a day", "days"),
    "hours_on_duty": Quantity("hours an agent and day", "days"),
    "serving_while_queue": Quantity("share of agents on duty", "days"),
    "occupancy": Quantity("share", "days"),
    "share_queued": Quantity("share", "days"),
    "mean_wait_if_queued": Quantity("minutes", "days"),
    "mean_wait": Quantity("minutes", "days"),
    "share_within_20_s": Quantity("share", "days"),
    "share_abandoned": Quantity("share", "days"),
    "patience_exponential_mean": Quantity("minutes", "days"),
    "patience_gone_1_minute": Quantity("probability", "days"),
    "patience_gone_3_minutes": Quantity("probability", "days"),
    "handle_minutes": Quantity("minutes", "days"),
    "handle_cv_between_agents_regular": Quantity("coefficient of variation", "agents"),
    "handle_sd_log_between_agents_regular": Quantity("ln minutes", "agents"),
    "handle_sd_log_within_agent_ordinary": Quantity("ln minutes", "agents"),
    "cut_off_share": Quantity("share of calls answered", "days"),
    "cut_off_logit_normal_mean_ordinary": Quantity("log odds", "agents"),
    "cut_off_logit_normal_sd_ordinary": Quantity("log odds", "agents"),
}
"""Rows of the table. Messages and internet help count as contacts and waits, and are left out of
handle times and calls cut off, as in `bank_floor`."""


def values_of(values: Values) -> dict[str, float]:
    """Keep the values and drop their errors."""
    return {name: value for name, (value, _) in values.items()}


def monte_carlo(values: Floats) -> tuple[float, float]:
    """Mean over replications and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def measured(floor: Floor, *, draws: int) -> Values:
    """Measure everything: estimates of `bank_floor`, and what only this comparison needs."""
    estimates = (
        bank_floor.volume(floor.offered)
        | bank_floor.agents_differ(floor.calls, draws=draws)
        | bank_floor.patience(bank_floor.patient(floor.offered), draws=draws)
        | bank_floor.propensity(floor.calls)
    )
    listed = {name: (each["value"], each["std_error"]) for name, each in estimates.items()}
    return listed | measured_by_day(floor)


def measured_by_day(floor: Floor) -> Values:
    """Measure what is a mean or a ratio over days."""
    service = bank_floor.service(floor.offered, floor.calls)
    volume = bank_floor.volume(floor.offered)["contacts_per_weekday"]
    service["contacts_per_weekday"] = volume
    listed = {name: (each["value"], each["std_error"]) for name, each in service.items()}
    waits = floor.offered.groupby("date")["wait_minutes"].agg(["sum", "size"])
    listed["mean_wait"] = ratio(waits["sum"], waits["size"])
    return listed | staffing(floor) | handling(floor.calls)


def on_usual_days(floor: Floor) -> Floor:
    """Keep the days on which the volume was near its mean."""
    daily = floor.offered.groupby("date").size()
    usual = daily.index[(daily / daily.mean() - 1).abs() <= USUAL]
    return Floor(*(frame[frame["date"].isin(usual)] for frame in floor))


def staffing(floor: Floor) -> Values:
    """Agents at work, their hours, and the share of them on calls while a queue stood."""
    shifts = bank_floor.shifts(floor.calls).groupby("date")["length"].agg(["size", "sum"])
    queue = floor.moments.groupby("date")[["busy_in_queue", "on_duty_in_queue"]].sum()
    n = len(shifts)
    return {
        "agents_at_work": (shifts["size"].mean(), shifts["size"].std() / np.sqrt(n)),
        "hours_on_duty": ratio(shifts["sum"] / 60, shifts["size"]),
        "serving_while_queue": ratio(queue["busy_in_queue"], queue["on_duty_in_queue"]),
    }


def handling(calls: pd.DataFrame) -> Values:
    """Mean minutes of calls not cut off, and the share that was, of ordinary calls."""
    part = calls[~calls["reason"].isin(SIDE_CALLS)]
    minutes = part["handle_minutes"].where(~part["cut_off"], 0.0)
    table = pd.DataFrame({"minutes": minutes, "cut_off": part["cut_off"], "all": 1.0})
    days = table.astype(float).groupby(part["date"]).sum()
    return {
        "handle_minutes": ratio(days["minutes"], days["all"] - days["cut_off"]),
        "cut_off_share": ratio(days["cut_off"], days["all"]),
    }


def ratio(top: Any, bottom: Any) -> tuple[float, float]:
    """Ratio of totals, with its standard error over the rows; missing where nothing was counted."""
    over, under = np.asarray(top, float), np.asarray(bottom, float)
    return bank_floor.ratio(over, under) if under.sum() > 0 else (np.nan, np.nan)


# ── what the scenario takes its shifts and breaks from ───────────────────────────────────────────


def shifts_in_order(calls: pd.DataFrame) -> pd.DataFrame:
    """Agents' days in the order of their start, in equal groups: median start and mean length."""
    days = bank_floor.shifts(calls).sort_values("start", ignore_index=True)
    group = days.index.to_numpy() * SEATS // len(days)
    table = days.groupby(group).agg(
        start_minute=("start", "median"), length_minutes=("length", "mean"), n=("length", "size")
    )
    return table.round().astype(int).reset_index(names="shift")


def away_while_queue(floor: Floor) -> pd.DataFrame:
    """Time off calls while a queue stood, by how long it was from an agent's call to the next."""
    calls = floor.calls.sort_values(["date", "agent", "start"])
    following = calls.groupby(["date", "agent"], observed=True)["start"].shift(-1)
    gaps = calls[["date", "stop"]].assign(resumed=following, gap=following - calls["stop"]).dropna()
    at = np.arange(SLOTS[0], SLOTS[-1] + HALF_HOUR, MOMENT)
    contacts = dict(iter(floor.offered.groupby("date")))
    parts = []
    for date, rows in gaps.groupby("date"):
        stood = np.cumsum(waiting_at(at, contacts[date]) >= QUEUE) * MOMENT
        begun, over = (np.interp(rows[column], at, stood) for column in ("stop", "resumed"))
        parts.append(pd.DataFrame({"gap": rows["gap"], "minutes": np.clip(over - begun, 0, None)}))
    table = pd.concat(parts)
    band = pd.cut(table["gap"].clip(lower=0.0), GAPS, include_lowest=True, labels=False)
    minutes = table["minutes"].groupby(band).sum().reindex(range(len(GAPS) - 1), fill_value=0.0)
    return pd.DataFrame(
        {
            "gap_from_minutes": GAPS[:-1],
            "gap_to_minutes": GAPS[1:],
            "minutes_away": minutes.to_numpy(),
            "share": (minutes / minutes.sum()).to_numpy(),
        }
    )


# ── curves ───────────────────────────────────────────────────────────────────────────────────────


def in_columns(
    measure: Callable[[Floor], pd.DataFrame], real: Floor, floors: Iterable[Floor]
) -> pd.DataFrame:
    """Measure a curve in the log and in every run, and put the two beside one another.

    The simulated value is the mean over runs, ``low`` and ``high`` hold nine runs of ten: they say
    how far months differ, while ``monte_carlo_error`` says how well the mean is known.
    """
    table = measure(real).rename(columns={"value": "log", "std_error": "log_std_error"})
    runs = np.array([measure(floor)["value"].to_numpy(float) for floor in floors])
    low, high = np.nanquantile(runs, [0.05, 0.95], axis=0)
    return table.assign(
        simulated=runs.mean(axis=0),
        monte_carlo_error=runs.std(axis=0, ddof=1) / np.sqrt(len(runs)),
        low=low,
        high=high,
    )


def by_half_hour(floor: Floor) -> pd.DataFrame:
    """Contacts, agents and waits in each half-hour of the day."""
    offered = floor.offered
    counts = pd.DataFrame(
        {
            "date": offered["date"],
            "slot": offered["half_hour"],
            "contacts": 1.0,
            "queued": (offered["wait_minutes"] > 0).astype(float),
            "abandoned": (offered["ended"] == "abandoned").astype(float),
            "wait": offered["wait_minutes"],
        }
    )
    days = counts.groupby(["date", "slot"]).sum()
    days = days.join(floor.moments.set_index(["date", "slot"]), how="outer").fillna(0.0)
    days["days"] = 1.0
    rows = [
        {"quantity": name, "slot": slot, "value": value, "std_error": error}
        for name, (top, bottom) in HALF_HOURLY.items()
        for slot, day in days.groupby("slot")
        if slot in SLOTS
        for value, error in [ratio(day[top], day[bottom])]
    ]
    return pd.DataFrame(rows)


HALF_HOURLY = {
    "contacts": ("contacts", "days"),
    "agents_on_duty": ("on_duty", "days"),
    "agents_busy": ("busy", "days"),
    "share_queued": ("queued", "contacts"),
    "share_abandoned": ("abandoned", "contacts"),
    "mean_wait_if_queued": ("wait", "queued"),
}
"""What is measured in a half-hour: a sum over days by another."""


def by_agent(floor: Floor) -> pd.DataFrame:
    """Quantiles over agents of mean handle minutes and of the share of calls cut off.

    Of ordinary calls: the log's slowest agent is a specialist in stock trade, and the model has
    none.
    """
    part = floor.calls[~floor.calls["reason"].isin(SIDE_CALLS)]
    agents = part.assign(minutes=part["handle_minutes"].where(~part["cut_off"])).groupby(
        "agent", observed=True
    )
    table = agents.agg(n=("cut_off", "size"), handle=("minutes", "mean"), cut=("cut_off", "mean"))
    table = table[table["n"] >= ENOUGH_CALLS]
    rows = [
        pd.DataFrame({"quantity": name, "rank": RANKS, "value": table[column].quantile(RANKS)})
        for name, column in (("handle_minutes", "handle"), ("cut_off_share", "cut"))
    ]
    return pd.concat(rows, ignore_index=True)


def handle_times(floor: Floor) -> pd.DataFrame:
    """Share of ordinary calls, cut-off ones left out, in bands of seconds on a log scale."""
    part = floor.calls[~floor.calls["reason"].isin(SIDE_CALLS) & ~floor.calls["cut_off"]]
    counts, _ = np.histogram(60 * part["handle_minutes"], bins=EDGES)
    return pd.DataFrame({"from": EDGES[:-1], "to": EDGES[1:], "value": counts / len(part)})


def waiting_curves(floor: Floor) -> pd.DataFrame:
    """Share of contacts that waited longer, and share still willing to wait, by the minute."""
    waits = floor.offered.loc[floor.offered["reason"] != MESSAGE, "wait_minutes"].to_numpy(float)
    longer = np.array([(waits > t).mean() for t in MINUTES])
    willing = bank_floor.patience_curve(bank_floor.patient(floor.offered))["kaplan_meier"]
    curves = {"waited_longer": longer, "willing_to_wait": willing.to_numpy(float)}
    return pd.concat(
        [
            pd.DataFrame({"curve": name, "minutes": MINUTES, "value": value})
            for name, value in curves.items()
        ],
        ignore_index=True,
    )


if __name__ == "__main__":
    main(*arguments(__doc__))
