"""The figure of `experiments.bank_floor`: tidy tables in, a figure out."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator, PercentFormatter
from scipy import stats

from experiments._common import house_style

__all__ = ["floor_figure"]

LOG, FIT, OTHER = "#2b6a99", "#b5452c", "#8c8c8c"


@house_style()
def floor_figure(tables: dict[str, pd.DataFrame], calls: pd.DataFrame) -> Figure:
    """Arrivals, agents, shifts, handle times, agents' differences and patience of one month."""
    figure = Figure(figsize=(12, 7.2), layout="constrained")
    panels = figure.subplots(2, 3)
    _arrivals(panels[0, 0], tables["arrival_profile"])
    _duty(panels[0, 1], tables["agents_on_duty"])
    _shifts(panels[0, 2], tables["shifts"])
    _handle_times(panels[1, 0], calls, tables["handle_times"])
    _agents(panels[1, 1], calls)
    _patience(panels[1, 2], tables["patience_curve"])
    for ax in panels.flat:
        sns.despine(ax=ax)
    return figure


def _hours(ax: Axes, *, first: int = 6, last: int = 25) -> None:
    """Label minutes after midnight as hours."""
    ax.xaxis.set_major_locator(MultipleLocator(180))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda minute, _: f"{minute / 60:.0f} h"))
    ax.set(xlim=(60 * first, 60 * last), xlabel="time of day")


def _arrivals(ax: Axes, profile: pd.DataFrame) -> None:
    for day, colour in (("weekday", LOG), ("Friday", OTHER), ("Saturday", FIT)):
        rows = profile[profile["day"] == day]
        ax.step(rows["start_minute"], rows["share"], where="post", color=colour, label=day)
        if day == "weekday":
            low = rows["share"] - 1.96 * rows["std_error"]
            high = rows["share"] + 1.96 * rows["std_error"]
            ax.fill_between(
                rows["start_minute"], low, high, step="post", color=colour, alpha=0.25, linewidth=0
            )
    _hours(ax)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(ylabel="share of the day, per half-hour", ylim=(0, None))
    ax.set_title("Arrivals", loc="left")
    ax.legend()


def _duty(ax: Axes, duty: pd.DataFrame) -> None:
    for column, colour, label in (
        ("on_duty", OTHER, "between first and last call"),
        ("active", LOG, "answered a call"),
    ):
        ax.step(duty["start_minute"], duty[column], where="post", color=colour, label=label)
        error = 1.96 * duty[f"{column}_std_error"]
        ax.fill_between(
            duty["start_minute"],
            duty[column] - error,
            duty[column] + error,
            step="post",
            color=colour,
            alpha=0.25,
            linewidth=0,
        )
    _hours(ax)
    ax.set(ylabel="agents in a half-hour (weekdays)", ylim=(0, 14))
    ax.set_title("Agents on duty", loc="left")
    ax.legend(loc="upper right")


def _shifts(ax: Axes, shifts: pd.DataFrame) -> None:
    rows = shifts[shifts["share"] >= 0.01].reset_index(drop=True)
    ax.barh(
        rows.index,
        rows["length_minutes"],
        left=rows["start_minute"],
        color=LOG,
        height=0.65,
    )
    for i, (start, share) in enumerate(zip(rows["start_minute"], rows["share"], strict=True)):
        ax.text(start + 15, i, f"{share:.0%}", color="white", va="center")
    _hours(ax)
    ax.set_yticks([])
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.set_title("Shifts on weekdays (share of shifts)", loc="left")


def _handle_times(ax: Axes, calls: pd.DataFrame, fits: pd.DataFrame) -> None:
    seconds = 60 * calls["handle_minutes"].clip(lower=1 / 60)
    fit = fits[fits["reason"] == "all"].iloc[0]
    edges = np.geomspace(1, 3600, 50)
    cut_off = calls["cut_off"]
    served = len(seconds[~cut_off])
    for rows, colour, label in ((~cut_off, LOG, "served"), (cut_off, FIT, "cut off")):
        weights = np.full(int(rows.sum()), 1 / served)
        ax.hist(
            seconds[rows],
            bins=edges.tolist(),
            weights=weights,
            color=colour,
            alpha=0.7,
            label=label,
        )
    width = np.log(edges[1] / edges[0])
    centre = np.sqrt(edges[1:] * edges[:-1])
    density = stats.norm.pdf(np.log(centre / 60), fit["mean_log"], fit["sd_log"]) * width
    ax.plot(centre, density, color="black", linewidth=1.2, label="log-normal, served")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel="seconds of service, log scale (0 drawn at 1)", xlim=(1, 3600), ylim=(0, 0.105))
    ax.set_ylabel("share of calls served")
    ax.set_title("Handle times", loc="left")
    ax.legend(loc="upper left")


def _agents(ax: Axes, calls: pd.DataFrame) -> None:
    served = calls[~calls["cut_off"]]
    agents = served.groupby("agent", observed=True)["handle_minutes"].agg(["mean", "sem", "size"])
    agents = agents[agents["size"] >= 100].sort_values("mean").reset_index()
    ax.hlines(
        agents.index,
        agents["mean"] - 1.96 * agents["sem"],
        agents["mean"] + 1.96 * agents["sem"],
        color=LOG,
    )
    ax.plot(agents["mean"], agents.index, "o", color=LOG, markersize=4)
    ax.set_yticks([])
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="mean handle minutes (95 %)", ylabel="agents with 100 calls or more")
    ax.set_title("Agents differ", loc="left")


def _patience(ax: Axes, curve: pd.DataFrame) -> None:
    for column, style, colour, label in (
        ("kaplan_meier", "-", LOG, "Kaplan–Meier"),
        ("exponential", "--", OTHER, "exponential"),
        ("weibull", "-.", FIT, "Weibull"),
    ):
        ax.plot(curve["minutes"], curve[column], style, color=colour, label=label)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(
        xlabel="minutes in the queue",
        ylabel="share still willing to wait",
        ylim=(0, 1),
        xlim=(0, 10),
    )
    ax.set_title("Patience", loc="left")
    ax.legend()
