"""Do care calls drop when the board shows last place, or are they kept where it shows the first?

`blended_telesales` with its live leaderboard, beside its twin without one. An agent's place is who
in the team has handled more contacts so far this month; a long care call costs place, an order
brings pay. One picture: how many more care calls (questions and complaints) an agent cuts off than
it does on average, and how many more orders, by the place that it held when the call began. Who
cuts callers off climbs, so that the first are those who cut; agents are therefore compared with
themselves.

    python -m experiments.last_place --scale full --out results/last_place
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style

CENTRE = "blended_telesales"
SEED = 4
CARE = ("question", "complaint")
WORLDS = ("with the board", "without it")


def main(scale: Scale, out: Path) -> None:
    """Run both twins, find the place at each call, save tables, the picture and numbers."""
    centre = inc.Scenario.load(CENTRE)
    with Output("last_place", out, scale, seeds=[SEED], scenario=centre) as output:
        table = pd.concat(
            [
                cut_by_place(world, name, scale)
                for name, world in zip(WORLDS, (centre, centre.without("P5")), strict=True)
            ],
            ignore_index=True,
        )
        summary = over_runs(table)
        output.table("cut_by_place", summary)
        output.figure("last_place", picture(table))
        output.numbers(headline(summary))


def cut_by_place(centre: inc.Scenario, name: str, scale: Scale) -> pd.DataFrame:
    """Give how many more of 100 calls are cut off than by the same agents on average.

    A row for each run, kind of call and place.
    """
    records = inc.simulate(
        centre,
        replications=scale.pick(smoke=2, full=12),
        months=scale.pick(smoke=2, full=6),
        rng=SEED,
        n_jobs=2,
    )
    calls = placed(records.contacts)
    calls["call"] = np.where(calls["reason"].isin(CARE), "care", calls["reason"].astype(str))
    calls = calls[calls["call"].isin(["care", "order"])]
    calls["per_100"] = 100.0 * (calls["true_action"] == "cut_off")
    calls["per_100"] -= usual(calls, ["run", "call", "agent", "hire"])
    groups = calls.groupby(["run", "call", "place"], observed=True)["per_100"]
    return groups.mean().reset_index().assign(world=name)


def usual(calls: pd.DataFrame, groups: list[str]) -> "pd.Series[float]":
    """Give the mean of the group to which each call belongs."""
    return calls.groupby(groups, observed=True)["per_100"].transform("mean")


def placed(contacts: pd.DataFrame) -> pd.DataFrame:
    """Give the answered contacts with the place that the agent held as each began."""
    served = contacts[contacts["agent"] >= 0]
    served = served.assign(begins=served["minute"] + served["wait_minutes"])
    served = served.sort_values(["run", "month", "team", "day", "begins"], kind="stable")
    ahead = [
        how_many_ahead(each["agent"].to_numpy())
        for _, each in served.groupby(["run", "month", "team"], sort=True)
    ]
    served["place"] = 1 + np.concatenate(ahead)
    return served


def how_many_ahead(agents: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Give, for each contact of a team's month in order, how many teammates are ahead."""
    names, seat = np.unique(agents, return_inverse=True)
    handled = np.zeros((len(agents), len(names)))
    handled[np.arange(len(agents)), seat] = 1.0
    before = np.cumsum(handled, axis=0) - handled
    own = before[np.arange(len(agents)), seat]
    return np.asarray((before > own[:, None]).sum(axis=1))


def over_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Give the mean over runs with its Monte-Carlo error."""
    groups = table.groupby(["world", "call", "place"], observed=True)["per_100"]
    summary = groups.agg(["mean", "sem"]).rename(columns={"mean": "per_100", "sem": "mc_error"})
    return summary.reset_index()


def headline(summary: pd.DataFrame) -> dict[str, Any]:
    """Give the figures that prose quotes: care calls cut off more by the first and by the last."""
    care = summary[summary["call"] == "care"].set_index(["world", "place"])["per_100"]
    ends = {"first": summary["place"].min(), "last": summary["place"].max()}
    return {world: {name: care[world, place] for name, place in ends.items()} for world in WORLDS}


@house_style()
def picture(table: pd.DataFrame) -> Figure:
    """Draw a panel for care calls and one for orders."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), sharey=True, layout="constrained")
    titles = {"care": "Questions and complaints", "order": "Orders"}
    for ax, (call, title) in zip(axes, titles.items(), strict=True):
        sns.pointplot(table[table["call"] == call], x="place", y="per_100", hue="world",
                      hue_order=WORLDS, palette="colorblind", dodge=0.2, errorbar=("se", 2),
                      ax=ax)  # fmt: skip
        ax.set(title=title, xlabel="place on the board as the call begins (1 is first)",
               ylabel="calls cut off, of 100, above the agent's mean")  # fmt: skip
        ax.axhline(0, color="0.6", linewidth=1, zorder=0)
        ax.legend(title="", frameon=False)
        sns.despine(ax=ax)
    return figure


if __name__ == "__main__":
    main(*arguments(__doc__))
