"""The scorecard weight at which long-run loyalty is lost.

`retail_scorecard` with the weight on the offer made moved from nothing past a half, the other
weights in proportion, beside the same centre paid by the hour. Offers sell at once; unwelcome ones
wear satisfaction, and with it what customers buy later and how long they stay. One picture: on the
left, offers and true sales by weight; on the right, what the firm earns against a weight of 0 in
the first year and in the third.

    python -m experiments.scorecard_weight --scale full --out results/scorecard_weight
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

CENTRE = "retail_scorecard"
SEED = 8
YEAR = 12
OFFERS = ("offer_after", "offer_first", "hard_sell")
CUSTOMERS = 17_000  # half of the shipped centre
TEAMS = 2


def main(scale: Scale, out: Path) -> None:
    """Run every weight in the same worlds, and save tables, the picture and numbers."""
    centre = inc.Scenario.load(CENTRE).change({"floor.teams": TEAMS, "floor.customers": CUSTOMERS})
    weights = scale.pick(smoke=(0.0, 0.5), full=(0.0, 0.1, 0.2, 0.35, 0.5, 0.7))
    months = scale.pick(smoke=4, full=36)
    with Output("scorecard_weight", out, scale, seeds=[SEED], scenario=centre) as output:
        table = pd.concat(
            [earned(centre, weight, months, scale) for weight in weights], ignore_index=True
        )
        summary = against_none(table)
        output.table("by_run", table)
        output.table("against_none", summary)
        output.figure("scorecard_weight", picture(table, summary))
        output.numbers(headline(summary))


def earned(centre: inc.Scenario, weight: float, months: int, scale: Scale) -> pd.DataFrame:
    """Give what was offered, sold and earned in each run under one weight, per month.

    The first and the last stretch of a run are a year, or half of the run if that is shorter.
    """
    records = inc.simulate(
        centre.change({"scorecard.offers": weight}),
        replications=scale.pick(smoke=2, full=8),
        months=months,
        rng=SEED,
        n_jobs=2,
        keep="cells",
    )
    served = records.cells[records.cells["agent"] >= 0]
    stretch = min(YEAR, months // 2)
    first, last = served["month"] < stretch, served["month"] >= months - stretch
    runs = records.runs["run"]

    def count(chosen: Any, column: str = "n") -> Any:
        sums = served[chosen].groupby("run")[column].sum()
        return sums.reindex(runs, fill_value=0).to_numpy()

    sold = served["true_outcome"] == "sale"
    offered = served["true_action"].isin(OFFERS)
    customers = records.customers.assign(
        money=records.customers["value"] - records.customers["refund"]
    )
    margin = customers.pivot_table(index="run", columns="month", values="money", aggfunc="sum")
    margin = margin.reindex(runs)
    return pd.DataFrame(
        {
            "weight": weight,
            "replication": records.runs["replication"],
            "offers": 100 * count(offered) / count(served["n"] > 0),
            "sold": 100 * count(sold) / count(served["n"] > 0),
            "early": (
                margin.iloc[:, :stretch].sum(axis=1).to_numpy() + count(sold & first, "value")
            )
            / stretch,
            "late": (margin.iloc[:, -stretch:].sum(axis=1).to_numpy() + count(sold & last, "value"))
            / stretch,
        }
    )


def against_none(table: pd.DataFrame) -> pd.DataFrame:
    """Give the paired differences to a weight of nothing, with their Monte-Carlo error."""
    rows = []
    for outcome in ("offers", "sold", "early", "late"):
        wide = table.pivot_table(index="replication", columns="weight", values=outcome)
        for weight in wide.columns:
            gap = (wide[weight] - wide[0.0]).to_numpy()
            rows.append({"weight": weight, "outcome": outcome, "effect": gap.mean(),
                         "mc_error": gap.std(ddof=1) / np.sqrt(len(gap))})  # fmt: skip
    return pd.DataFrame(rows)


def headline(summary: pd.DataFrame) -> dict[str, Any]:
    """Give the effects at the largest weight, and the weight at which the late effect is best."""
    late = summary[summary["outcome"] == "late"].set_index("weight")["effect"]
    top = summary[summary["weight"] == summary["weight"].max()]
    return {
        "best_weight_late": float(late.index[int(late.to_numpy().argmax())]),
        "at_the_largest": {row.outcome: [row.effect, row.mc_error] for row in top.itertuples()},
    }


@house_style()
def picture(table: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Draw effort, and what it earns."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    effort = table.melt(["weight", "replication"], ["offers", "sold"], "measure", "per_100")
    sns.lineplot(effort, x="weight", y="per_100", hue="measure", marker="o", errorbar=("se", 2),
                 palette="colorblind", ax=left)  # fmt: skip
    left.set(xlabel="weight on the offer made", ylabel="per 100 contacts served", ylim=(0, None))
    names = {"early": "first year", "late": "third year"}
    colours = sns.color_palette("colorblind", len(names))
    for (outcome, name), colour in zip(names.items(), colours, strict=True):
        part = summary[summary["outcome"] == outcome]
        right.errorbar(part["weight"], part["effect"], yerr=2 * part["mc_error"], marker="o",
                       color=colour, label=name)  # fmt: skip
    right.axhline(0.0, color="0.5", linewidth=0.8)
    right.set(xlabel="weight on the offer made",
              ylabel="margins and sales against no weight\n(money per month)")  # fmt: skip
    for ax in (left, right):
        ax.legend(title="", frameon=False)
        sns.despine(ax=ax)
    return figure


if __name__ == "__main__":
    main(*arguments(__doc__))
