"""The figure of `experiments.floor_against_log`: tidy tables in, a figure out."""

from typing import Literal

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MultipleLocator, PercentFormatter

from experiments._common import house_style

__all__ = ["against_log_figure"]

LOG, MODEL, PLAIN = "#2b6a99", "#b5452c", "#404040"
SOLID: Literal["-"] = "-"
DOTTED: Literal[":"] = ":"
Line = Literal["-", ":"]


@house_style()
def against_log_figure(tables: dict[str, pd.DataFrame]) -> Figure:
    """The floor by time of day above, its distributions below: log in blue, simulated in red."""
    figure = Figure(figsize=(15, 7.6), layout="constrained")
    panels = figure.subplots(2, 4)
    quantities = _by(tables["by_half_hour"], "quantity")
    _arrivals(panels[0, 0], quantities)
    _duty(panels[0, 1], quantities)
    _shares(panels[0, 2], quantities)
    _waits(panels[0, 3], quantities)
    agents = _by(tables["by_agent"], "quantity")
    _handle_times(panels[1, 0], tables["handle_times"])
    _pace(panels[1, 1], agents["handle_minutes"])
    _cut_off(panels[1, 2], agents["cut_off_share"])
    _waiting(panels[1, 3], tables["waiting"])
    for ax in panels.flat:
        sns.despine(ax=ax)
    figure.legend(handles=_key(), loc="outside upper center", ncols=4, frameon=False)
    return figure


def _by(table: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    return {str(name): rows for name, rows in table.groupby(column)}


def _key() -> list[Artist]:
    """Say once what the colours mean."""
    return [
        Line2D([], [], color=LOG, label="January 1999, weekdays"),
        Patch(color=LOG, alpha=0.2, linewidth=0, label="95 % over days"),
        Line2D([], [], color=MODEL, label="retail_bank under the wage, mean of months"),
        Patch(color=MODEL, alpha=0.2, linewidth=0, label="nine simulated months of ten"),
    ]


# ── by time of day ───────────────────────────────────────────────────────────────────────────────


def _arrivals(ax: Axes, quantities: dict[str, pd.DataFrame]) -> None:
    _steps(ax, quantities["contacts"])
    _hours(ax)
    ax.set(ylabel="contacts per half-hour", ylim=(0, None))
    ax.set_title("Arrivals", loc="left")


def _duty(ax: Axes, quantities: dict[str, pd.DataFrame]) -> None:
    _steps(ax, quantities["agents_on_duty"])
    _steps(ax, quantities["agents_busy"], DOTTED)
    _hours(ax)
    _lines(ax, "between first and last call", "on a call")
    ax.set(ylabel="agents", ylim=(0, 13))
    ax.set_title("Agents on duty and on calls", loc="left")


def _shares(ax: Axes, quantities: dict[str, pd.DataFrame]) -> None:
    _steps(ax, quantities["share_queued"])
    _steps(ax, quantities["share_abandoned"], DOTTED)
    _hours(ax)
    _lines(ax, "queued", "gave up")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(ylabel="share of contacts", ylim=(0, 1.1))
    ax.set_title("Contacts that wait, and that give up", loc="left")


def _waits(ax: Axes, quantities: dict[str, pd.DataFrame]) -> None:
    _steps(ax, quantities["mean_wait_if_queued"])
    _hours(ax)
    ax.set(ylabel="minutes", ylim=(0, None))
    ax.set_title("Mean wait of those who queue", loc="left")


def _steps(ax: Axes, rows: pd.DataFrame, line: Line = SOLID) -> None:
    """Draw the log with its 95 % band, and the simulated mean."""
    slot = rows["slot"].to_numpy(float)
    edges = np.r_[slot, slot[-1] + 30]
    value, error = rows["log"].to_numpy(float), 1.96 * rows["log_std_error"].to_numpy(float)
    low = np.maximum(value - error, 0.0)
    ax.stairs(value + error, edges, baseline=low, fill=True, color=LOG, alpha=0.2)
    ax.stairs(value, edges, baseline=None, color=LOG, linestyle=line)
    ax.stairs(rows["simulated"], edges, baseline=None, color=MODEL, linestyle=line)


def _hours(ax: Axes) -> None:
    """Label minutes after midnight as hours."""
    ax.xaxis.set_major_locator(MultipleLocator(180))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda minute, _: f"{minute / 60:.0f} h"))
    ax.set(xlim=(390, 1445), xlabel="time of day")


def _lines(ax: Axes, solid: str, dotted: str) -> None:
    """Say what the two kinds of line are."""
    handles = [
        Line2D([], [], color=PLAIN, linestyle=SOLID, label=solid),
        Line2D([], [], color=PLAIN, linestyle=DOTTED, label=dotted),
    ]
    ax.legend(handles=handles, loc="upper right", fontsize="small")


# ── distributions ────────────────────────────────────────────────────────────────────────────────


def _handle_times(ax: Axes, table: pd.DataFrame) -> None:
    edges = np.r_[table["from"], table["to"].iloc[-1]]
    ax.stairs(table["log"], edges, fill=True, color=LOG, alpha=0.3)
    ax.stairs(table["simulated"], edges, baseline=None, color=MODEL)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel="seconds of service, log scale", xlim=(10, 3600))
    ax.set(ylabel="share of calls not cut off", ylim=(0, None))
    ax.set_title("Handle times", loc="left")


def _pace(ax: Axes, rows: pd.DataFrame) -> None:
    _quantiles(ax, rows)
    ax.set(ylabel="mean handle minutes", ylim=(0, None))
    ax.set_title("Agents differ in pace", loc="left")


def _cut_off(ax: Axes, rows: pd.DataFrame) -> None:
    _quantiles(ax, rows)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(ylabel="share of an agent's calls", ylim=(0, None))
    ax.set_title("Agents differ in calls cut off", loc="left")


def _quantiles(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw quantiles over agents: the log's, and mean and nine tenths of the simulated months."""
    share = rows["rank"].to_numpy(float)
    ax.fill_between(share, rows["low"], rows["high"], color=MODEL, alpha=0.2, linewidth=0)
    ax.plot(share, rows["simulated"], color=MODEL)
    ax.plot(share, rows["log"], "o", color=LOG, markersize=4)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel="agents below (100 calls or more)", xlim=(-0.02, 1.02))


def _waiting(ax: Axes, table: pd.DataFrame) -> None:
    curves = _by(table, "curve")
    for name, line in (("willing_to_wait", SOLID), ("waited_longer", DOTTED)):
        rows = curves[name]
        ax.plot(rows["minutes"], rows["log"], color=LOG, linestyle=line)
        ax.plot(rows["minutes"], rows["simulated"], color=MODEL, linestyle=line)
    _lines(ax, "still willing (Kaplan–Meier)", "of all contacts, waited longer")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel="minutes in the queue", ylabel="share", xlim=(0, 10), ylim=(0, 1))
    ax.set_title("Patience and waits", loc="left")
