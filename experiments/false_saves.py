"""A contractor's false saves, and the bill that reveals them.

`outsourced_retentions` as it ships, paid on saves, beside its twin paid by the hour. The log calls
a customer saved; the bill says whether the customer stayed. One picture: on the left, how many of
those logged as saved are still customers some bills later, by what really happened; on the right,
each agent's logged save rate against the share of its saves that were still there three bills
later, which is what whoever joins log and billing could see.

    python -m experiments.false_saves --scale full --out results/false_saves
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style

CENTRE = "outsourced_retentions"
SEED = 3
BILLS = 6  # bills that a saved customer is followed for
SEEN_AFTER = 3  # bills after which log and billing are joined, agent by agent
LEAST = 20  # saves that an agent must have logged to be drawn
HAPPENED = {
    "save": "kept by fixing the cause",
    "press": "talked round",
    "suppress": "cancellation not carried out",
    "fabricate": "cancellation processed",
}
"""What a logged save was, by the row that logged it."""


def main(scale: Scale, out: Path) -> None:
    """Follow every logged save through the bills, and save tables, the picture and numbers."""
    centre = inc.Scenario.load(CENTRE)
    schemes = {name: centre.schemes[name] for name in ("wage", "retention")}
    with Output("false_saves", out, scale, seeds=[SEED], scenario=centre) as output:
        records = inc.simulate(
            centre.vary(scheme=schemes),
            replications=scale.pick(smoke=1, full=5),
            months=scale.pick(smoke=6, full=18),
            rng=SEED,
            n_jobs=2,
        )
        saves = followed(records)
        curves, agents = kept_by_bill(saves), by_agent(records, saves)
        output.table("kept_by_bill", curves)
        output.table("agents", agents)
        output.figure("false_saves", picture(curves, agents))
        output.numbers(headline(records, saves))


def followed(records: inc.Records) -> pd.DataFrame:
    """Give the logged saves of wishes to cancel, each with the bill at which its customer left.

    `bills` is how many bills the customer has stayed for after the save (missing if still there),
    and `seen` how many there have been.
    """
    contacts = records.contacts
    wishes = contacts[(contacts["reason"] == "cancel") & (contacts["logged_outcome"] == "saved")]
    saves = wishes[["run", "customer", "month", "agent", "hire", "true_action", "true_outcome"]]
    gone = records.customers.loc[records.customers["left"] == 1, ["run", "customer", "month"]]
    gone = gone.rename(columns={"month": "left_month"})
    saves = saves.merge(gone, on=["run", "customer"], how="left")
    months = records.runs.set_index("run")["months"]
    saves["seen"] = saves["run"].map(months) - saves["month"]
    saves["bills"] = saves["left_month"] - saves["month"]
    saves["scheme"] = saves["run"].map(records.runs.set_index("run")["scheme"])
    saves["what"] = saves["true_action"].astype(str).map(HAPPENED)
    return saves


def kept_by_bill(saves: pd.DataFrame) -> pd.DataFrame:
    """Give the share of logged saves still there after each bill, by what really happened."""
    rows = []
    for (scheme, what), each in saves.groupby(["scheme", "what"], sort=False):
        for bill in range(BILLS + 1):
            known = each[each["seen"] >= bill]
            if len(known) < LEAST:
                continue
            there = known["bills"].isna() | (known["bills"] >= bill)
            rows.append({"scheme": scheme, "what": what, "bill": bill, "n": len(known),
                         "share": float(there.mean())})  # fmt: skip
    return pd.DataFrame(rows)


def by_agent(records: inc.Records, saves: pd.DataFrame) -> pd.DataFrame:
    """Set each agent's logged save rate against the share of its saves still there later."""
    who = ["run", "agent", "hire"]
    totals = records.agents.groupby(who)[["logged_cancels", "logged_saves"]].sum()
    known = saves[saves["seen"] >= SEEN_AFTER]
    there = known["bills"].isna() | (known["bills"] >= SEEN_AFTER)
    known = known.assign(there=there, false=known["true_outcome"] != "saved")
    stayed = known.groupby(who).agg(saves=("there", "size"), there=("there", "mean"),
                                    false=("false", "mean"))  # fmt: skip
    table = stayed.join(totals).reset_index()
    table["save_rate"] = table["logged_saves"] / table["logged_cancels"]
    table["scheme"] = table["run"].map(records.runs.set_index("run")["scheme"])
    return table[table["saves"] >= LEAST].drop(columns=["logged_cancels", "logged_saves"])


def headline(records: inc.Records, saves: pd.DataFrame) -> dict[str, Any]:
    """Give the figures that prose quotes, for each scheme."""
    numbers: dict[str, Any] = {}
    contacts = records.contacts
    dealt = (contacts["reason"] == "cancel") & (contacts["agent"] >= 0)
    dealt &= ~contacts["true_action"].isin(["cut_off", "transfer"])
    wishes = contacts[dealt].groupby("run").size()
    for scheme, each in saves.groupby("scheme"):
        runs = records.runs.loc[records.runs["scheme"] == scheme, "run"]
        cancels = wishes.reindex(runs).sum()
        known = each[each["seen"] >= SEEN_AFTER]
        there = known["bills"].isna() | (known["bills"] >= SEEN_AFTER)
        numbers[str(scheme)] = {
            "logged_save_rate": len(each) / cancels,
            "true_save_rate": (each["true_outcome"] == "saved").sum() / cancels,
            f"still_there_after_{SEEN_AFTER}_bills": there.mean(),
        }
    return numbers


@house_style()
def picture(curves: pd.DataFrame, agents: pd.DataFrame) -> Figure:
    """Draw both panels."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    paid = curves[curves["scheme"] == "retention"]
    names = [name for name in HAPPENED.values() if name in set(paid["what"])]
    sns.lineplot(paid, x="bill", y="share", hue="what", hue_order=names, marker="o",
                 palette="colorblind", errorbar=None, ax=left)  # fmt: skip
    left.set(ylim=(-0.03, 1.03), xlabel="bills after the logged save",
             ylabel="share still customers", title="Logged as saved, paid per save")  # fmt: skip
    left.legend(title="what really happened", frameon=False)
    order = ["wage", "retention"]
    sns.scatterplot(agents, x="save_rate", y="there", hue="scheme", hue_order=order,
                    palette="colorblind", alpha=0.7, ax=right)  # fmt: skip
    right.set(ylim=(-0.03, 1.03), xlabel="logged save rate of the agent",
              ylabel=f"share of its saves still there after {SEEN_AFTER} bills",
              title="One dot an agent: log joined with billing")  # fmt: skip
    right.legend(title="paid by", frameon=False)
    for ax in (left, right):
        plain(ax)
    return figure


def plain(ax: Axes) -> None:
    """Take the frame off two sides."""
    sns.despine(ax=ax)


if __name__ == "__main__":
    main(*arguments(__doc__))
