"""Figures for people: a tidy frame in, Axes out.

Use `coefficients` for effects with intervals, `true_and_reported` for what was done beside what
was logged, `gaming_by_kind` for shares of contacts by kind of gaming, `churn_curves` for
customers retained by month, `money` for revenue and cost. Nothing is computed here that a table
could hold, nothing is saved, and no style is set for everyone.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["churn_curves", "coefficients", "gaming_by_kind", "money", "true_and_reported"]

PALETTE = "colorblind"
REPORTED, TRUE = "#d0a14a", "#2b5c8a"  # what is on paper, what is so


def coefficients(
    frame: pd.DataFrame,
    *,
    y: str = "term",
    hue: str | None = None,
    label: str = "estimate",
    null: float = 0.0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw estimates as dots with intervals, and known truths as hollow diamonds.

    Parameters
    ----------
    frame
        One row a dot: `estimate`, `conf_low`, `conf_high`, the columns named by `y` and `hue`,
        and `truth` if it is known (drawn where it is not missing).
    y
        Column with a line each, in order of appearance from above.
    hue
        Column with a colour each.
    label
        Of the horizontal axis, with its unit.
    null
        Where the line of no effect stands.
    ax
        Axes to draw on; those of a new figure if left out.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"term": "sales", "estimate": 6.6, "conf_low": 5.9, "conf_high": 7.3, "truth": 6.5}
    >>> coefficients(pd.DataFrame([row]), label="points per 100 contacts").get_xlabel()
    'points per 100 contacts'
    """
    ax = _axes(ax)
    lines = _order(frame, y)
    hues = _order(frame, hue) if hue else [None]
    colours = sns.color_palette(PALETTE, len(hues))
    for k, (level, colour) in enumerate(zip(hues, colours, strict=True)):
        part = frame if level is None else frame[frame[str(hue)] == level]
        offset = (k - (len(hues) - 1) / 2) * 0.6 / max(len(hues), 2)
        height = np.array([lines.index(name) for name in part[y]]) + offset
        _dots(part, height, colour, None if level is None else str(level), ax)
    ax.axvline(null, color="0.6", linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(lines)), [str(name) for name in lines])
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.set(xlabel=label, ylabel="")
    if hue or "truth" in frame:
        _legend(ax)
    return _plain(ax)


def true_and_reported(
    frame: pd.DataFrame,
    *,
    x: str = "scheme",
    value: str = "per_100",
    label: str = "successes per 100 contacts",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw what was done beside what was logged, a pair of bars for each scheme.

    Parameters
    ----------
    frame
        The columns named by `x` and `value`, and `measure`: ``"reported"`` or ``"true"``; with
        `conf_low` and `conf_high` intervals are drawn.
    x, value
        Columns along the axis and upward.
    label
        Of the vertical axis, with its unit.
    ax
        Axes to draw on; those of a new figure if left out.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame(
    ...     {"scheme": ["wage"] * 2, "measure": ["reported", "true"], "per_100": [12.0, 11.5]}
    ... )
    >>> [float(bars[0].get_height()) for bars in true_and_reported(frame).containers]
    [12.0, 11.5]
    """
    colours = {"reported": REPORTED, "true": TRUE}
    return _bars(frame, x, value, "measure", colours, label, _axes(ax))


def gaming_by_kind(
    frame: pd.DataFrame,
    *,
    x: str = "scheme",
    value: str = "per_100",
    label: str = "contacts gamed, per 100",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw contacts gamed as stacked bars, a colour for each kind.

    Parameters
    ----------
    frame
        The columns named by `x` and `value`, and `kind`, such as ``"G1"``; a pair of `x` and
        `kind` that has no row counts nothing.
    x, value
        Columns along the axis and upward.
    label
        Of the vertical axis, with its unit.
    ax
        Axes to draw on; those of a new figure if left out.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame(
    ...     {"scheme": ["sales"] * 2, "kind": ["G1", "G3"], "per_100": [2.0, 1.5]}
    ... )
    >>> [float(bars[0].get_y()) for bars in gaming_by_kind(frame).containers]
    [0.0, 2.0]
    """
    ax = _axes(ax)
    bars, kinds = _order(frame, x), sorted(frame["kind"].astype(str).unique())
    foot = np.zeros(len(bars))
    for kind, colour in zip(kinds, sns.color_palette(PALETTE, len(kinds)), strict=True):
        part = frame[frame["kind"].astype(str) == kind].groupby(x, observed=True)[value].sum()
        height = part.reindex(bars, fill_value=0.0).to_numpy(dtype=float)
        ax.bar([str(bar) for bar in bars], height, 0.6, bottom=foot, color=colour, label=kind)
        foot = foot + height
    ax.set(xlabel="", ylabel=label)
    _legend(ax)
    return _plain(ax)


def churn_curves(
    frame: pd.DataFrame,
    *,
    hue: str = "scheme",
    value: str = "share",
    label: str = "share of customers retained",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the share of customers retained by month, a line for each scheme.

    Parameters
    ----------
    frame
        `month`, the columns named by `hue` and `value`, and `conf_low` and `conf_high` if
        there are intervals to shade.
    hue, value
        Columns with a colour each, and upward.
    label
        Of the vertical axis.
    ax
        Axes to draw on; those of a new figure if left out.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"scheme": "wage", "month": [0, 1], "share": [1.0, 0.97]})
    >>> churn_curves(frame).lines[0].get_ydata().tolist()
    [1.0, 0.97]
    """
    ax = _axes(ax)
    names = _order(frame, hue)
    colours = dict(zip(names, sns.color_palette(PALETTE, len(names)), strict=True))
    shown = {"hue_order": names, "palette": colours, "errorbar": None}
    sns.lineplot(frame, x="month", y=value, hue=hue, ax=ax, **shown)
    for name in names if "conf_low" in frame else []:
        part = frame[frame[hue] == name].sort_values("month")
        low, high = part["conf_low"], part["conf_high"]
        ax.fill_between(part["month"], low, high, color=colours[name], alpha=0.15, linewidth=0)
    ax.set(xlabel="month", ylabel=label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(ax)
    return _plain(ax)


def money(
    frame: pd.DataFrame,
    *,
    x: str = "scheme",
    value: str = "amount",
    hue: str = "measure",
    label: str = "money per month",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw revenue and cost, or any amounts, a group of bars for each scheme.

    Parameters
    ----------
    frame
        The columns named by `x`, `value` and `hue`; with `conf_low` and `conf_high` intervals
        are drawn.
    x, value, hue
        Columns along the axis, upward (money), and with a colour each, such as ``"revenue"``
        and ``"pay"``.
    label
        Of the vertical axis, with its unit.
    ax
        Axes to draw on; those of a new figure if left out.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"scheme": ["wage"], "measure": ["revenue"], "amount": [120.0]})
    >>> money(frame).get_ylabel()
    'money per month'
    """
    names = _order(frame, hue)
    colours = dict(zip(names, sns.color_palette(PALETTE, len(names)), strict=True))
    return _bars(frame, x, value, hue, colours, label, _axes(ax))


def _axes(ax: "Axes | None") -> "Axes":
    return plt.subplots(layout="constrained")[1] if ax is None else ax


def _order(frame: pd.DataFrame, column: str) -> list[Any]:
    """Give a column's values in order of appearance."""
    return list(pd.unique(frame[column].astype(object)))


def _dots(part: pd.DataFrame, height: Any, colour: Any, label: str | None, ax: "Axes") -> None:
    """Draw dots and intervals at given heights, and the truths that are known."""
    estimate = part["estimate"].to_numpy(dtype=float)
    reach = [estimate - part["conf_low"], part["conf_high"] - estimate]
    ax.errorbar(estimate, height, xerr=np.abs(reach), fmt="o", color=colour, label=label)
    if "truth" in part and (known := part["truth"].notna().to_numpy()).any():
        named = "truth" not in ax.get_legend_handles_labels()[1]
        ax.scatter(
            part["truth"].to_numpy(dtype=float)[known],
            height[known],
            marker="D",
            s=60,
            facecolors="none",
            edgecolors="black",
            label="truth" if named else None,
            zorder=3,
        )


def _bars(
    frame: pd.DataFrame,
    x: str,
    value: str,
    hue: str,
    colours: dict[Any, Any],
    label: str,
    ax: "Axes",
) -> "Axes":
    order: Sequence[Any] = _order(frame, x)
    sns.barplot(
        frame,
        x=x,
        y=value,
        hue=hue,
        order=order,
        hue_order=list(colours),
        palette=colours,
        errorbar=None,
        saturation=1,
        width=0.7,
        ax=ax,
    )
    if "conf_low" in frame:
        for level, bars in zip(colours, ax.containers[-len(colours) :], strict=True):
            part = frame[(frame[hue] == level) & frame[value].notna()].set_index(x)
            _whiskers(part.loc[[name for name in order if name in part.index]], value, bars, ax)
    ax.set(xlabel="", ylabel=label)
    _legend(ax)
    return _plain(ax)


def _whiskers(part: pd.DataFrame, value: str, bars: Any, ax: "Axes") -> None:
    """Draw intervals on bars, one for each row."""
    middle = [bar.get_x() + bar.get_width() / 2 for bar in bars]
    reach = [part[value] - part["conf_low"], part["conf_high"] - part[value]]
    ax.errorbar(middle, part[value], yerr=np.abs(reach), fmt="none", ecolor="0.2", linewidth=1)


def _legend(ax: "Axes") -> None:
    """Put the legend above the axes, where it hides nothing, no wider than they are."""
    for ncols in (3, 2, 1):
        legend = ax.legend(
            title="", frameon=False, ncols=ncols, loc="lower left", bbox_to_anchor=(0.0, 1.0)
        )
        if legend.get_window_extent().width <= ax.get_window_extent().width:
            break


def _plain(ax: "Axes") -> "Axes":
    sns.despine(ax=ax)
    return ax
