"""How fast do twins drift apart, and how much variance does pairing still save?

One centre under its wage, and its twin under a bonus for sales: four for a sale, or a cent, which
is hardly a policy, so that its twins drift by nothing but what one contact does to the next. A
queue couples everybody: a call that takes a minute longer has other agents answer those behind it.
For each month the twins' contacts are put side by side, and for each stretch of months the variance
of an unpaired difference is divided by that of the paired one.

    python -m experiments.twin_drift --scale full --out results/twin_drift
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style

CENTRE = "outsourced_retentions"
SIZE = {"floor.teams": 2, "floor.customers": 13_700}
SEED = 6
POLICIES = {"a cent a sale": 0.01, "four a sale": 4.0}
SIDES = {
    "same customer, reason and day": ["customer", "reason", "day"],
    "and the same agent": ["customer", "reason", "day", "agent", "hire"],
}
OUTCOMES = {
    "offered": "contacts offered per month",
    "sold": "true sales per 100 contacts",
    "gamed": "gamed per 100 contacts",
    "left": "customers who left per 100 at risk",
}
STRETCHES = (0, 1, 2, 3, 6, 12, 24)
"""Months at which stretches begin and end."""

RESAMPLED = 500


def main(scale: Scale, out: Path) -> None:
    """Live through the twins world by world, and save what they share and what pairing saves."""
    centre = inc.Scenario.load(CENTRE).change(SIZE)
    with Output("twin_drift", out, scale, seeds=[SEED], scenario=centre) as output:
        shared, values = lived(centre, scale)
        by_month = shared.groupby(["policy", "what", "month"])["per_100"]
        alike = by_month.agg(["mean", "sem"]).reset_index()
        saved = pairing(values)
        output.table("shared", alike)
        output.table("saved_by_pairing", saved)
        output.figure("twin_drift", picture(shared, saved))
        output.numbers(headline(alike, saved))


def lived(centre: inc.Scenario, scale: Scale) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give what the contacts of twins share, and the outcomes of each world, month by month."""
    paid = {"wage": centre.scheme} | {
        name: centre.scheme + inc.PieceRate("sales", rate) for name, rate in POLICIES.items()
    }
    shared, values = [], []
    seeds = np.random.SeedSequence(SEED).spawn(scale.pick(smoke=3, full=60))
    for world, seed in enumerate(seeds):  # one by one, since contacts are many
        records = inc.simulate(
            centre.vary(scheme=paid),
            months=scale.pick(smoke=3, full=24),
            rng=seed,
            n_jobs=2,
            progress=False,
        )
        shared.append(alike_contacts(records).assign(world=world))
        values.append(monthly(records).assign(world=world))
    return pd.concat(shared, ignore_index=True), pd.concat(values, ignore_index=True)


def alike_contacts(records: inc.Records) -> pd.DataFrame:
    """Give, of 100 contacts served under the wage, how many the twin has too."""
    served = records.contacts[records.contacts["agent"] >= 0]
    label = served["run"].map(records.runs.set_index("run")["scheme"]).astype(str)
    own = served[label == "wage"]
    rows = []
    for policy in POLICIES:
        twin = served[label == policy]
        for what, keys in SIDES.items():
            there = pd.MultiIndex.from_frame(own[keys]).isin(pd.MultiIndex.from_frame(twin[keys]))
            per_100 = 100.0 * pd.Series(there, index=own["month"] + 1).groupby(level=0).mean()
            rows.append(per_100.rename("per_100").reset_index().assign(policy=policy, what=what))
    return pd.concat(rows, ignore_index=True)


def monthly(records: inc.Records) -> pd.DataFrame:
    """Give the outcomes of every world and month."""
    served = records.contacts[records.contacts["agent"] >= 0]
    month = ["run", "month"]
    hits = pd.DataFrame(
        {
            "sold": 100.0 * (served["true_outcome"] == "sale"),
            "gamed": 100.0 * (served["true_gaming"] != "none"),
        }
    )
    table = hits.groupby([served["run"], served["month"]]).mean()
    table["offered"] = records.days.groupby(month)["offered"].sum()
    at_risk = records.customers[records.customers["initial"]].groupby(month)[["left", "n"]].sum()
    table["left"] = 100.0 * at_risk["left"] / at_risk["n"]
    table = table.reset_index()
    table["policy"] = table["run"].map(records.runs.set_index("run")["scheme"]).astype(str)
    return table.drop(columns="run")


def pairing(values: pd.DataFrame) -> pd.DataFrame:
    """Give what pairing saves over each stretch of months, with a bootstrap interval."""
    rng = np.random.default_rng(SEED)
    rows: list[dict[str, Any]] = []
    for begin, end in pairwise(STRETCHES):
        part = values[(values["month"] >= begin) & (values["month"] < end)]
        if part["month"].nunique() < end - begin:
            continue
        mean = part.groupby(["world", "policy"])[list(OUTCOMES)].mean().unstack()  # noqa: PD010
        drawn = rng.integers(len(mean), size=(RESAMPLED, len(mean)))
        for policy in POLICIES:
            for outcome in OUTCOMES:
                pair = mean[outcome][[policy, "wage"]].to_numpy()
                low, high = np.nanquantile([ratio(pair[each]) for each in drawn], [0.025, 0.975])
                rows.append(
                    {
                        "policy": policy,
                        "outcome": outcome,
                        "months": f"{begin + 1}" if end == begin + 1 else f"{begin + 1}–{end}",
                        "saved_by_pairing": ratio(pair),
                        "conf_low": low,
                        "conf_high": high,
                        "worlds": len(pair),
                    }
                )
    return pd.DataFrame(rows)


def ratio(pair: "np.ndarray[Any, Any]") -> float:
    """Divide the variance of an unpaired difference by that of the paired one."""
    together = float((pair[:, 0] - pair[:, 1]).var(ddof=1))
    return float(pair.var(axis=0, ddof=1).sum()) / together if together > 0 else np.nan


def headline(alike: pd.DataFrame, saved: pd.DataFrame) -> dict[str, Any]:
    """Give the figures that prose quotes: shares in the first and last month, and what is saved."""
    ends = alike[alike["month"].isin([1, alike["month"].max()])]
    numbers: dict[str, Any] = {
        f"{row['policy']}, {row['what']}, month {row['month']}": row["mean"]
        for row in ends.to_dict("records")
    }
    for row in saved.to_dict("records"):
        name = f"{row['policy']}, {row['outcome']}, months {row['months']}"
        numbers[name] = row["saved_by_pairing"]
    return numbers


@house_style()
def picture(shared: pd.DataFrame, saved: pd.DataFrame) -> Figure:
    """Draw what twins share by month, and what pairing saves under either policy."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    sns.lineplot(shared, x="month", y="per_100", hue="policy", hue_order=list(POLICIES),
                 style="what", errorbar=("se", 2), palette="colorblind", ax=axes[0])  # fmt: skip
    axes[0].set(title="What twins share", ylim=(0, 100),
                ylabel="of 100 contacts under the wage")  # fmt: skip
    axes[0].legend(fontsize="x-small", title=None)
    stretches = list(dict.fromkeys(saved["months"]))
    for ax, policy in zip(axes[1:], POLICIES, strict=True):
        for i, (outcome, name) in enumerate(OUTCOMES.items()):
            part = saved[(saved["policy"] == policy) & (saved["outcome"] == outcome)]
            place = np.array([stretches.index(each) for each in part["months"]]) + 0.08 * (i - 1.5)
            reach = np.abs(part[["conf_low", "conf_high"]].T - part["saved_by_pairing"])
            ax.errorbar(place, part["saved_by_pairing"], yerr=reach, marker="o", capsize=2,
                        color=sns.color_palette("colorblind")[i], label=name)  # fmt: skip
        ax.axhline(1.0, color="grey", linestyle=":")
        ax.set(title=f"What pairing saves: {policy}", yscale="log", xlabel="months",
               xticks=range(len(stretches)), xticklabels=stretches,
               ylabel="variance unpaired over paired")  # fmt: skip
    axes[1].legend(fontsize="x-small")
    return figure


if __name__ == "__main__":
    main(*arguments(__doc__))
