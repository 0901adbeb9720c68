"""Does a bank gain because it is not paid to sell, and for which workforce does that fail?

`retail_bank` paid on advocacy, beside its twins paid per sale and by the hour, for workforces from
mercenary to loyal. One picture: on the left, sales a month by scheme as the share of loyal agents
grows, all that were really made, whether the buyer needed it or not; on the right, what the firm
earns over three years against the wage, after what is refunded and whoever has left. Above, the
bank as it ships; below, a bank whose agents see most needs, and whose customers feel it when one is
met or missed, so that whoever wants their good word has to offer what they need.

    python -m experiments.paid_not_to_sell --scale full --out results/paid_not_to_sell
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style
from incentives.truth import outcomes

CENTRE = "retail_bank"
SEED = 5
SCHEMES = ("wage", "sales", "advocacy")
OFFERS = ("offer_after", "offer_first", "hard_sell")
BANKS: dict[str, dict[str, float]] = {
    "as it ships": {},
    "where needs are seen and felt": {
        "hidden_needs.hit": 0.95,
        "hidden_needs.false_alarm": 0.02,
        "hidden_needs.relief": 4.0,
        "hidden_needs.missed": 3.0,
    },
}
"""The second is one of four that were tried; the others see needs no better, or feel them more."""


def main(scale: Scale, out: Path) -> None:
    """Run every workforce under every scheme, and save tables, the picture and numbers."""
    centre = inc.Scenario.load(CENTRE)
    shares = scale.pick(smoke=(0.1, 0.9), full=(0.0, 0.25, 0.5, 0.75, 1.0))
    with Output("paid_not_to_sell", out, scale, seeds=[SEED], scenario=centre) as output:
        banks = {name: centre.change(values) for name, values in BANKS.items()}
        table = pd.concat(
            [
                earned(bank, loyal, scale).assign(bank=name)
                for name, bank in banks.items()
                for loyal in shares
            ],
            ignore_index=True,
        )
        summary = pd.concat(
            [against_wage(own).assign(bank=name) for name, own in table.groupby("bank", sort=False)]
        )
        output.table("by_run", table)
        output.table("against_wage", summary)
        output.figure("paid_not_to_sell", picture(table, summary))
        output.numbers(headline(summary))


def staffed(centre: inc.Scenario, loyal: float) -> inc.Scenario:
    """Give the centre a workforce of which such a share is loyal, and the rest mercenary."""
    shares = {"loyal": loyal, "mercenary": 1.0 - loyal, "ordinary": 0.0}
    mixture = tuple(replace(each, share=shares[each.name]) for each in centre.workforce.archetypes)
    return centre.change({"workforce.archetypes": mixture}).without("A9")


def earned(centre: inc.Scenario, loyal: float, scale: Scale) -> pd.DataFrame:
    """Give, for each run, what was sold and what the firm earned, per month."""
    months = scale.pick(smoke=4, full=36)
    small = {"floor.teams": 2, "floor.customers": centre.floor.customers / 2}
    half = staffed(centre, loyal).change(small)
    schemes = {name: centre.schemes[name] for name in SCHEMES}
    records = inc.simulate(
        half.vary(scheme=schemes),
        replications=scale.pick(smoke=2, full=8),
        months=months,
        rng=SEED,
        n_jobs=2,
        keep="cells",
    )
    worlds = outcomes(records, horizon=min(months, 12)).set_index("run")
    runs = records.runs.set_index("run")
    served = records.cells[records.cells["agent"] >= 0]
    sold = served[served["true_outcome"] == "sale"].groupby("run")["n"].sum()
    offers = served[served["true_action"].isin(OFFERS)].groupby("run")["n"].sum()
    return pd.DataFrame(
        {
            "loyal": loyal,
            "scheme": runs["scheme"].astype(str),
            "replication": runs["replication"],
            "sold": sold.reindex(runs.index, fill_value=0) / months,
            "offers": offers.reindex(runs.index, fill_value=0) / months,
            "revenue": worlds["revenue"],
            "profit": worlds["profit"],
            "churn": worlds["churn"],
            "refunded": worlds["refunded"],
        }
    ).reset_index()


def against_wage(table: pd.DataFrame) -> pd.DataFrame:
    """Give the paired differences to the wage, with their Monte-Carlo error."""
    rows = []
    for loyal, each in table.groupby("loyal"):
        for outcome in ("sold", "offers", "revenue", "profit", "churn"):
            wide = each.pivot_table(index="replication", columns="scheme", values=outcome)
            for scheme in SCHEMES[1:]:
                gap = (wide[scheme] - wide["wage"]).to_numpy()
                rows.append({"loyal": loyal, "scheme": scheme, "outcome": outcome,
                             "effect": gap.mean(),
                             "mc_error": gap.std(ddof=1) / np.sqrt(len(gap))})  # fmt: skip
    return pd.DataFrame(rows)


def headline(summary: pd.DataFrame) -> dict[str, Any]:
    """Give the figures that prose quotes: effects on sales and profit at both ends."""
    ends = (summary["loyal"].min(), summary["loyal"].max())
    chosen = summary[summary["loyal"].isin(ends)]
    return {
        f"{row.bank}: {row.scheme}, {row.outcome}, {row.loyal:g} loyal": [row.effect, row.mc_error]
        for row in chosen.itertuples()
    }


@house_style()
def picture(table: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Draw what is sold, and what is earned against the wage, a row a bank."""
    figure, rows = plt.subplots(
        2, 2, figsize=(11, 8), layout="constrained", sharex=True, sharey="col"
    )
    for line, bank in zip(rows, BANKS, strict=True):
        of_bank(table[table["bank"] == bank], summary[summary["bank"] == bank], *line)
        for ax in line:
            ax.set_title(bank, fontsize="medium")
    rows[0][0].set_ylim(bottom=0)
    for ax in rows[1]:
        ax.set(xlabel="share of loyal agents")
    return figure


def of_bank(table: pd.DataFrame, summary: pd.DataFrame, left: Axes, right: Axes) -> None:
    """Draw one bank: sales on the left, profit on the right."""
    sns.lineplot(table, x="loyal", y="sold", hue="scheme", hue_order=SCHEMES, marker="o",
                 palette="colorblind", errorbar=("se", 2), ax=left)  # fmt: skip
    left.set(ylabel="true sales per month")
    colours = dict(zip(SCHEMES, sns.color_palette("colorblind", len(SCHEMES)), strict=True))
    for scheme in SCHEMES[1:]:
        part = summary[(summary["scheme"] == scheme) & (summary["outcome"] == "profit")]
        right.errorbar(part["loyal"], part["effect"], yerr=2 * part["mc_error"], marker="o",
                       color=colours[scheme], label=scheme)  # fmt: skip
    right.axhline(0.0, color="0.5", linewidth=0.8)
    right.set(ylabel="profit against the wage (money per month)")
    for ax in (left, right):
        ax.legend(title="paid by", frameon=False)
        sns.despine(ax=ax)


if __name__ == "__main__":
    main(*arguments(__doc__))
