"""Figures show their tables: what is tested is the data that a figure holds, not its pixels."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, LineCollection, PathCollection

from incentives import figures


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def effects() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": ["sales", "sales", "saves", "saves"],
            "measure": ["gamed", "true", "gamed", "true"],
            "estimate": [6.6, 0.1, 3.0, 1.0],
            "conf_low": [5.9, -0.5, 2.0, 0.5],
            "conf_high": [7.3, 0.7, 4.0, 1.5],
        }
    )


def bars() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "scheme": ["wage", "wage", "sales", "sales"],
            "measure": ["reported", "true"] * 2,
            "per_100": [12.0, 11.5, 18.0, 11.6],
        }
    )


def legend(ax: Axes) -> list[str]:
    found = ax.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def dots(ax: Axes) -> list[tuple[float, float]]:
    """Give the dots of a coefficient figure as (estimate, height)."""
    marked = [line for line in ax.lines if line.get_marker() == "o"]
    pairs = [zip(line.get_xdata(), line.get_ydata(), strict=True) for line in marked]
    return [(float(x), float(y)) for pair in pairs for x, y in pair]


def intervals(ax: Axes) -> list[tuple[float, float]]:
    lines = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [(s[0][0], s[1][0]) for c in lines for s in c.get_segments()]


def test_every_estimate_has_its_dot_its_interval_and_its_line() -> None:
    frame = effects()
    ax = figures.coefficients(frame, hue="measure", label="points")
    found = dots(ax)
    assert sorted(x for x, _ in found) == sorted(frame["estimate"])
    ends = sorted(zip(frame["conf_low"], frame["conf_high"], strict=True))
    np.testing.assert_allclose(sorted(intervals(ax)), ends)
    height = dict(found)
    assert round(height[6.6]) == round(height[0.1]) == 0
    assert round(height[3.0]) == round(height[1.0]) == 1
    assert [text.get_text() for text in ax.get_yticklabels()] == ["sales", "saves"]
    assert legend(ax) == ["gamed", "true"]
    assert ax.get_xlabel() == "points"


@pytest.mark.parametrize("words", ["gamed", "inflation of successes, agents like these"])
def test_a_long_legend_does_not_squeeze_the_axes(words: str) -> None:
    ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")[1]
    frame = pd.concat([effects().assign(measure=f"{words} {k}") for k in range(5)])
    figures.coefficients(frame, hue="measure", ax=ax)
    ax.figure.canvas.draw()
    assert ax.get_position().width > 0.7
    assert len(legend(ax)) == 5
    assert ax.get_legend().get_window_extent().xmax <= ax.figure.bbox.xmax


def test_known_truths_are_hollow_diamonds_on_their_own_line() -> None:
    frame = effects().assign(truth=[6.5, np.nan, np.nan, 0.9])
    ax = figures.coefficients(frame, hue="measure")
    drawn = [c for c in ax.collections if isinstance(c, PathCollection)]
    points = np.concatenate([np.asarray(c.get_offsets()) for c in drawn])
    height = dict(dots(ax))
    np.testing.assert_allclose(points, [[6.5, height[6.6]], [0.9, height[1.0]]])
    assert all(len(c.get_facecolor()) == 0 for c in drawn)
    assert legend(ax).count("truth") == 1


def test_the_line_of_no_effect_stands_where_it_is_asked_for() -> None:
    ax = figures.coefficients(effects(), null=1.0)
    assert [1.0, 1.0] in [list(line.get_xdata()) for line in ax.lines]


def test_reported_stands_beside_true_for_each_scheme() -> None:
    ax = figures.true_and_reported(bars())
    heights = [[bar.get_height() for bar in group] for group in ax.containers]
    assert heights == [[12.0, 18.0], [11.5, 11.6]]
    assert legend(ax) == ["reported", "true"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["wage", "sales"]


def test_bars_have_whiskers_where_there_are_intervals() -> None:
    frame = bars().assign(conf_low=lambda f: f["per_100"] - 1, conf_high=lambda f: f["per_100"] + 2)
    frame = frame.iloc[[0, 1, 3]]  # the log of one scheme is not known
    ax = figures.true_and_reported(frame)
    ends = [
        (s[0][1], s[1][1])
        for c in ax.collections
        if isinstance(c, LineCollection)
        for s in c.get_segments()
    ]
    np.testing.assert_allclose(ends, [(11.0, 14.0), (10.5, 13.5), (10.6, 13.6)])


def test_kinds_of_gaming_are_stacked_to_their_sum() -> None:
    frame = pd.DataFrame(
        {
            "scheme": ["wage", "sales", "sales"],
            "kind": ["G1", "G3", "G1"],
            "per_100": [0.5, 1.5, 2.0],
        }
    )
    ax = figures.gaming_by_kind(frame)
    tops = [[bar.get_y() + bar.get_height() for bar in group] for group in ax.containers]
    assert tops == [[0.5, 2.0], [0.5, 3.5]]
    assert legend(ax) == ["G1", "G3"]


def test_churn_curves_draw_each_scheme_and_its_band() -> None:
    frame = pd.DataFrame(
        {
            "scheme": ["wage"] * 3 + ["sales"] * 3,
            "month": [0, 1, 2] * 2,
            "share": [1.0, 0.98, 0.96, 1.0, 0.95, 0.90],
        }
    )
    ax = figures.churn_curves(frame)
    drawn = [list(line.get_ydata()) for line in ax.lines if len(line.get_ydata()) == 3]
    assert drawn == [[1.0, 0.98, 0.96], [1.0, 0.95, 0.90]]
    assert legend(ax) == ["wage", "sales"]
    banded = frame.assign(conf_low=frame["share"] - 0.01, conf_high=frame["share"] + 0.01)
    ax = figures.churn_curves(banded)
    assert sum(isinstance(c, FillBetweenPolyCollection) for c in ax.collections) == 2


def test_money_has_a_bar_for_each_amount() -> None:
    frame = bars().rename(columns={"per_100": "amount"})
    ax = figures.money(frame, label="euro per month")
    assert sorted(bar.get_height() for group in ax.containers for bar in group) == sorted(
        frame["amount"]
    )
    assert ax.get_ylabel() == "euro per month"


@pytest.mark.parametrize(
    ("draw", "frame"),
    [
        (figures.coefficients, effects()),
        (figures.true_and_reported, bars()),
        (figures.gaming_by_kind, bars().rename(columns={"measure": "kind"})),
        (figures.money, bars().rename(columns={"per_100": "amount"})),
        (figures.churn_curves, pd.DataFrame({"scheme": "a", "month": [0, 1], "share": [1.0, 0.9]})),
    ],
)
def test_a_figure_draws_on_the_axes_it_is_given_and_changes_no_table(
    draw: Any, frame: pd.DataFrame
) -> None:
    before, style = frame.copy(), dict(plt.rcParams)
    _, ax = plt.subplots()
    assert draw(frame, ax=ax) is ax
    assert draw(frame) is not draw(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert dict(plt.rcParams) == style


def test_categories_are_drawn_in_the_order_of_the_table() -> None:
    frame = bars().astype({"scheme": "category", "measure": "category"})
    ax = figures.true_and_reported(frame)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["wage", "sales"]


def test_tables_do_not_wait_for_statsmodels_or_seaborn() -> None:
    heavy = "{'statsmodels', 'seaborn', 'scipy.stats', 'matplotlib'}"
    code = f"import sys, incentives.tables; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
