"""A fine week spoiled on the flight home, and the begged scores that hide it.

`holiday_airline` as it ships: a journey of touch points that staff start, a captive audience, and
on the flight home hot water that runs out while perfume is offered; crews are paid on what they
sell there and on the scores they collect. Its twin leaves guests in peace: the hour is paid, and
the water is hot. One picture: on the left, the experience at each touch point; in the middle, what
guests would have said and what was reported; on the right, the guests who do not come back.

    python -m experiments.spoiled_week --scale full --out results/spoiled_week
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style
from incentives.figures import REPORTED, TRUE

CENTRE = "holiday_airline"
SEED = 6
SHIPS, PEACE = "trolley on the flight home", "left in peace"


def main(scale: Scale, out: Path) -> None:
    """Run both twins, and save tables, the picture and numbers."""
    centre = inc.Scenario.load(CENTRE)
    peace = centre.vary(scheme={"wage": centre.schemes["wage"]})[0]
    worlds = {SHIPS: centre, PEACE: peace.change({"moments_and_endings.meagre": 0.0})}
    with Output("spoiled_week", out, scale, seeds=[SEED], scenario=centre) as output:
        runs = {name: lived(world, scale) for name, world in worlds.items()}
        stops = int(centre.moments_and_endings.stops)
        tables = {
            "by_stop": stacked(runs, lambda records: by_stop(records, stops)),
            "scores": stacked(runs, scores),
            "lost": stacked(runs, lost),
        }
        for name, table in tables.items():
            output.table(name, over_runs(table))
        output.figure("spoiled_week", picture(tables, stops))
        output.numbers(headline(tables))


def lived(centre: inc.Scenario, scale: Scale) -> inc.Records:
    """Run a world."""
    return inc.simulate(
        centre,
        replications=scale.pick(smoke=2, full=6),
        months=scale.pick(smoke=3, full=18),
        rng=SEED,
        n_jobs=2,
    )


def stacked(
    runs: dict[str, inc.Records], measured: Callable[[inc.Records], pd.DataFrame]
) -> pd.DataFrame:
    """Measure every world and put the tables under one another."""
    return pd.concat(
        [measured(records).assign(world=name) for name, records in runs.items()],
        ignore_index=True,
    )


def by_stop(records: inc.Records, stops: int) -> pd.DataFrame:
    """Give the mean experience at each touch point of a journey; 0 is the booking."""
    contacts = records.contacts
    journey = contacts[(contacts["agent"] >= 0) & (contacts["attempt"] == 1)]
    journey = journey[journey["reason"].isin(["question", "order"])]
    stop = (journey["episode"] % (stops + 1)).rename("stop")
    booked = (stop == 0) == (journey["reason"] == "order")  # leaves out questions between journeys
    groups = journey[booked].groupby(["run", stop[booked]], observed=True)["true_experience"]
    points: pd.DataFrame = groups.mean().rename("points").reset_index()
    return points


def scores(records: inc.Records) -> pd.DataFrame:
    """Give the mean score reported, and what all guests served would have said."""
    runs = records.runs["run"]
    answered = records.surveys[records.surveys["answered"]]
    served = records.contacts[records.contacts["agent"] >= 0]
    return pd.DataFrame(
        {
            "run": np.tile(runs, 2),
            "measure": np.repeat(["reported", "true"], len(runs)),
            "points": np.concatenate(
                [
                    answered.groupby("run")["score"].mean().reindex(runs),
                    served.groupby("run")["true_experience"].mean().reindex(runs),
                ]
            ),
        }
    )


def lost(records: inc.Records) -> pd.DataFrame:
    """Give the share of the first guests who have not come back, month by month (per 100)."""
    initial = records.customers[records.customers["initial"]]
    months = initial.groupby(["run", "month"])[["n", "left"]].sum().reset_index()
    start = months[months["month"] == 0].set_index("run")["n"]
    months["gone"] = 100 * months.groupby("run")["left"].cumsum() / months["run"].map(start)
    return months[["run", "month", "gone"]]


def over_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Give the mean over runs with its Monte-Carlo error."""
    (value,) = {"points", "gone"} & set(table.columns)
    groups = table.groupby([name for name in table if name not in ("run", value)])[value]
    return (
        groups.agg(["mean", "sem"]).rename(columns={"mean": value, "sem": "mc_error"}).reset_index()
    )


def headline(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Give the figures that prose quotes."""
    said = tables["scores"].groupby(["world", "measure"])["points"].mean()
    gone = tables["lost"]
    last = gone[gone["month"] == gone["month"].max()].groupby("world")["gone"].mean()
    home = tables["by_stop"]
    home = home[home["stop"] == home["stop"].max()].groupby("world")["points"].mean()
    return {
        world: {
            "reported": said[world, "reported"],
            "true": said[world, "true"],
            "flight_home": home[world],
            "lost_per_100": last[world],
        }
        for world in (SHIPS, PEACE)
    }


@house_style()
def picture(tables: dict[str, pd.DataFrame], stops: int) -> Figure:
    """Draw the journey, the scores and the guests lost."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    worlds = (SHIPS, PEACE)
    style: dict[str, Any] = {"hue": "world", "hue_order": worlds, "palette": "colorblind"}
    sns.lineplot(tables["by_stop"], x="stop", y="points", marker="o", errorbar=("se", 2), ax=left,
                 **style)  # fmt: skip
    names = ["booking", "flight out", *(f"day {i}" for i in range(1, stops - 1)), "flight home"]
    left.set_xticks(range(stops + 1), names, rotation=30, ha="right")
    left.set(xlabel="", ylabel="experience (points of 10)")
    sns.barplot(tables["scores"], x="world", y="points", hue="measure", order=worlds,
                palette={"reported": REPORTED, "true": TRUE}, saturation=1, errorbar=("se", 2),
                ax=middle)  # fmt: skip
    middle.set(xlabel="", ylabel="points of 10", ylim=(5, 10))
    sns.lineplot(tables["lost"], x="month", y="gone", errorbar=("se", 2), ax=right, **style)
    right.set(ylabel="guests lost, per 100")
    for ax in (left, middle, right):
        ax.legend(title="", frameon=False)
        sns.despine(ax=ax)
    return figure


if __name__ == "__main__":
    main(*arguments(__doc__))
