"""Figures of `experiments.dropped_calls`: a tidy table in, a figure out."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, WeekdayLocator
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from experiments._common import house_style

__all__ = ["agents", "call_backs", "daily", "responses", "scan"]

HEADLINE = "without messages"
BEFORE, AFTER, FAINT = "#b5452c", "#2b6a99", "#8c8c8c"
FEWEST = 100  # contacts before the break that an agent needs to be drawn


@house_style()
def agents(shares: pd.DataFrame, shrunken: pd.DataFrame, lorenz: pd.DataFrame) -> Figure:
    """Agents' shares before and after the break, shrunken ones (empirical Bayes), concentration."""
    figure = Figure(figsize=(10.5, 7.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    table = shares[shares["sample"] == HEADLINE]
    before = table[(table["side"] == "before") & (table["contacts"] >= FEWEST)].sort_values("share")
    place = {agent: i for i, agent in enumerate(before["agent"])}
    after = table[(table["side"] == "after") & table["agent"].isin(place)]
    _intervals(left, before, place, colour=BEFORE, label="January and 1–17 October")
    _intervals(left, after, place, colour=AFTER, label="20–31 October", hollow=True)
    drawn = shrunken[(shrunken["sample"] == HEADLINE) & shrunken["agent"].isin(place)]
    left.plot(
        drawn["rate"],
        [place[agent] + 0.18 for agent in drawn["agent"]],
        "|",
        color="black",
        markersize=9,
        label="before, shrunken",
    )
    left.set_yticks(range(len(place)), list(place), fontsize=8)
    left.set(
        xlabel="share of contacts cut off (95 % binomial interval)", ylim=(-0.7, len(place) - 0.3)
    )
    left.set_title(f"Agents with {FEWEST} contacts or more, messages left out", loc="left")
    left.grid(visible=False, axis="y")
    left.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    left.legend(loc="lower right")
    _lorenz(right, lorenz)
    _finish(figure)
    return figure


def _intervals(
    ax: Axes,
    table: pd.DataFrame,
    place: dict[str, int],
    *,
    colour: str,
    label: str,
    hollow: bool = False,
) -> None:
    y = [place[agent] - (0.18 if hollow else -0.18) for agent in table["agent"]]
    ax.hlines(y, table["conf_low"], table["conf_high"], color=colour, linewidth=1.4)
    ax.plot(
        table["share"],
        y,
        linestyle="none",
        marker="o",
        markersize=4.5,
        markeredgecolor=colour,
        markerfacecolor="white" if hollow else colour,
        label=label,
    )


def _lorenz(ax: Axes, lorenz: pd.DataFrame) -> None:
    """Draw cumulative cut-offs against cumulative contacts."""
    drawn = {"all contacts": FAINT, HEADLINE: BEFORE}
    for sample, colour in drawn.items():
        curve = lorenz[lorenz["sample"] == sample]
        ax.plot(
            curve["contacts"],
            curve["cut_off"],
            color=colour,
            marker="o",
            markersize=3,
            label=sample,
        )
    ax.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":", label="all agents alike")
    ax.set(
        xlabel="share of contacts, agents with the lowest share first",
        ylabel="share of all cut-offs",
        aspect="equal",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    ax.set_title("Concentration before the break", loc="left")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend(loc="upper left")


@house_style()
def daily(days: pd.DataFrame, size: pd.DataFrame) -> Figure:
    """Share cut off day by day in January and October, with the step in October."""
    figure = Figure(figsize=(10.5, 4.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    table = days[days["sample"] == HEADLINE]
    for ax, month, name in zip(panels, (1, 10), ("January 1999", "October 1999"), strict=True):
        _days(ax, table[table["date"].dt.month == month])
        ax.set_title(name, loc="left")
        _sundays(ax)
        ax.set(xlabel="day (ticks on Sundays, the first of the working week)")
    panels[0].set(ylabel="share of contacts cut off", ylim=(-0.003, None))
    panels[0].yaxis.set_major_locator(MultipleLocator(0.05))
    panels[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panels[0].legend(loc="upper left", title="95 % binomial intervals; area: contacts")
    _step(panels[1], size)
    _finish(figure)
    return figure


def _sundays(ax: Axes) -> None:
    """Put the ticks of a date axis on Sundays, without lines."""
    ax.grid(visible=False, axis="x")
    locator, formatter = WeekdayLocator(byweekday=6), DateFormatter("%-d %b")  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(formatter)


def _days(ax: Axes, table: pd.DataFrame) -> None:
    after = table["period"] == "20-31 October"
    between = table["period"] == "18-19 October"
    sides = {
        "before the break": (table[~after & ~between], BEFORE),
        "18–19 October": (table[between], FAINT),
        "after": (table[after], AFTER),
    }
    for label, (side, colour) in sides.items():
        ax.vlines(side["date"], side["conf_low"], side["conf_high"], color=colour, linewidth=1.2)
        area = 6 + side["contacts"] / 25
        ax.scatter(side["date"], side["share"], s=area, color=colour, zorder=3)
        ax.plot([], [], "o", color=colour, markersize=6, label=label)


def _step(ax: Axes, size: pd.DataFrame) -> None:
    """Write the size of the break beside it."""
    rows = size[(size["sample"] == HEADLINE) & (size["agents"] == "agents seen on both sides")]
    step = rows[rows["estimator"] == "within agents"].iloc[0]
    day = (pd.Timestamp(1999, 10, 17, 12) - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(days=1)
    ax.axvspan(day, day + 2, color=FAINT, alpha=0.2, linewidth=0)
    ax.text(
        day + 2.6,
        0.115,
        f"same {step['n_clusters']:.0f} agents:\n{100 * step['estimate']:+.1f} points\n"
        f"({100 * step['conf_low']:+.1f} to {100 * step['conf_high']:+.1f},\n95 %, by agent)",
        va="center",
        backgroundcolor="white",
    )


@house_style()
def scan(table: pd.DataFrame) -> Figure:
    """How much a step on each day would explain, in October and in January."""
    figure = Figure(figsize=(10.5, 3.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for ax, month in zip(panels, ("January", "October"), strict=True):
        rows = table[table["month"] == month]
        colours = [BEFORE if plausible else FAINT for plausible in rows["plausible"]]
        ax.bar(pd.to_datetime(rows["first_day_after"]), rows["gain"], color=colours, width=0.8)
        best = rows.sort_values("gain").iloc[-1]
        ax.set_title(
            f"{month}: best step on {best['first_day_after']:%-d %B}, "
            f"log odds {best['step_log_odds']:+.1f}",
            loc="left",
        )
        _sundays(ax)
        ax.set(xlabel="first day after the step (red: cannot be told from the best)")
    panels[0].set(ylabel="gain in log-likelihood over no step")
    _finish(figure)
    return figure


@house_style()
def responses(table: pd.DataFrame) -> Figure:
    """What moves the same agent, for all agents and for heavy and other ones apart."""
    groups = list(dict.fromkeys(table["agents"]))
    labels = list(dict.fromkeys(table["label"]))
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    panels = figure.subplots(1, len(groups), sharey=True, sharex=True, squeeze=False)[0]
    place = {label: len(labels) - i for i, label in enumerate(labels)}
    for ax, group, colour in zip(panels, groups, (BEFORE, AFTER, FAINT), strict=False):
        rows = table[table["agents"] == group]
        y = rows["label"].map(place)
        ax.hlines(y, rows["conf_low"], rows["conf_high"], color=colour, linewidth=1.6)
        ax.plot(rows["estimate"], y, "o", color=colour, markersize=5)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set_title(f"{group}: {rows['n_clusters'].iloc[0]:.0f}", loc="left")
        ax.grid(visible=False, axis="y")
        ax.set(xlabel="change in log odds")
    panels[0].set_yticks(list(place.values()), list(place))
    figure.suptitle(
        "Logit of cutting a call off, with agent effects (95 % intervals clustered by agent, t)",
        x=0.01,
        ha="left",
        fontsize="medium",
    )
    _finish(figure)
    return figure


@house_style()
def call_backs(table: pd.DataFrame) -> Figure:
    """How many of those cut off, and of those served, contact again; the adjusted difference."""
    figure = Figure(figsize=(10.5, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    rows = table[table["estimator"] == "adjusted"]
    every = rows[
        (rows["contacts"] == "every contact")
        & rows["horizon"].isin(["same day", "24 hours", "7 days"])
    ]
    long = every.melt(
        id_vars="horizon",
        value_vars=["share_served", "share_cut_off"],
        var_name="fate",
        value_name="share",
    )
    long["fate"] = long["fate"].map({"share_served": "served", "share_cut_off": "cut off"})
    sns.barplot(
        long,
        x="horizon",
        y="share",
        hue="fate",
        palette={"served": AFTER, "cut off": BEFORE},
        ax=left,
    )
    for bars in left.containers:
        left.bar_label(bars, fmt=lambda share: f"{share:.0%}", padding=2)
    left.set(xlabel="", ylabel="share of contacts", ylim=(0, 1))
    left.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    left.set_title("Identified customers who contact again", loc="left")
    left.legend(title=None, loc="upper left")
    left.grid(visible=False, axis="x")
    _differences(right, rows)
    _finish(figure)
    return figure


def _differences(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw the adjusted differences and, last, what should be none."""
    labels = [
        "contact the day before (placebo)" if horizon == "day before" else f"{horizon}, {contacts}"
        for horizon, contacts in zip(rows["horizon"], rows["contacts"], strict=True)
    ]
    y = range(len(rows), 0, -1)
    colours = [FAINT if "before" in horizon else BEFORE for horizon in rows["horizon"]]
    ax.hlines(y, rows["conf_low"], rows["conf_high"], color=colours, linewidth=1.8)
    ax.scatter(rows["estimate"], y, color=colours, zorder=3)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_yticks(list(y), labels)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
    ax.set(xlabel="percentage points more than the served (95 %)")
    ax.grid(visible=False, axis="y")
    ax.set_title("Difference, circumstances held fixed", loc="left")


def _finish(figure: Figure) -> None:
    for ax in figure.axes:
        sns.despine(ax=ax)
