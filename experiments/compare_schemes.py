"""Wage, sales, retention, advocacy or a mixture: who games, who churns, who gains?

One centre, three workforces (mercenary, mixed, loyal), five schemes, as they are and at equal cost.
Every scheme meets the same worlds: the same customers with the same needs and the same agents as
hired, so that effects are paired differences. Beside the truth stands what an analyst would find
who has the log, a few audits and the bills.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style
from incentives import figures

CENTRE = "outsourced_retentions"
SCHEMES = ("wage", "sales", "retention", "advocacy", "mixture")
CONTROL = "wage"
SEED = 1
WORKFORCES = {
    "mercenary": {"mercenary": 0.8, "ordinary": 0.15, "loyal": 0.05},
    "mixed": {},
    "loyal": {"mercenary": 0.05, "ordinary": 0.25, "loyal": 0.7},
}
"""Shares of the archetypes; the mixed workforce is the scenario's own."""

SIZE = {"floor.teams": 2, "floor.customers": 13_700}
"""A third of the shipped centre, at the same load: six hundred worlds within five minutes."""

SMALL = {"floor.teams": 2, "floor.customers": 8_000}

COSTS = {"as they are": False, "at equal cost": True}
KINDS = {
    "G1": "fabricated save",
    "G2": "suppressed cancellation",
    "G3": "misclassified",
    "G4": "cut off",
    "G5": "hard sell",
    "G8": "passed on",
}


def main(scale: Scale, out: Path) -> None:
    """Run every workforce under every scheme, and save tables, figures and headline numbers."""
    scenario = inc.Scenario.load(CENTRE).change(scale.pick(smoke=SMALL, full=SIZE))
    with Output("compare_schemes", out, scale, seeds=[SEED], scenario=scenario) as output:
        found = dict(compared(scenario, scale))
        tables = {
            name: stacked({key: frames[name] for key, frames in found.items()})
            for name in ("outcomes", "effects", "estimates", "kinds", "curves", "paid")
        }
        for name, table in tables.items():
            output.table(name, table)
        output.figure("true_and_reported", true_and_reported(tables["outcomes"]))
        output.figure("gaming_by_kind", gaming_by_kind(tables["kinds"]))
        output.figure("churn_curves", churn_curves(tables["curves"]))
        output.figure("revenue_and_cost", revenue_and_cost(tables["effects"]))
        output.figure("estimates_and_truth", estimates_and_truth(tables["estimates"]))
        output.numbers(headline(tables))


Key = tuple[str, str]
Frames = dict[str, pd.DataFrame]


def compared(scenario: inc.Scenario, scale: Scale) -> Iterator[tuple[Key, Frames]]:
    """Compare the schemes for each workforce and cost; keep the tables and let the records go."""
    settings: dict[str, Any] = scale.pick(
        smoke={"replications": 3, "months": 3, "horizon": 3},
        full={"replications": 20, "months": 24, "horizon": 12},
    )
    for workforce, shares in WORKFORCES.items():
        staffed = with_shares(scenario, shares)
        for cost, equal in COSTS.items():
            comparison = inc.compare(
                staffed,
                SCHEMES,
                control=CONTROL,
                equal_cost=equal,
                rng=SEED,
                n_jobs=2,
                **settings,
            )
            yield (
                (workforce, cost),
                {
                    "outcomes": comparison.outcomes,
                    "effects": comparison.effects,
                    "estimates": comparison.estimates(),
                    "kinds": kinds(comparison.records),
                    "curves": curves(comparison.records),
                    "paid": paid(comparison),
                },
            )


def with_shares(scenario: inc.Scenario, shares: dict[str, float]) -> inc.Scenario:
    """Give the centre another mixture of the same archetypes."""
    mixture = tuple(
        replace(each, share=shares.get(each.name, each.share))
        for each in scenario.workforce.archetypes
    )
    return scenario.change({"workforce.archetypes": mixture})


def stacked(frames: dict[Key, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of all workforces and costs under one another."""
    return (
        pd.concat(frames, names=["workforce", "cost"])
        .reset_index(["workforce", "cost"])
        .reset_index(drop=True)
    )


def kinds(records: inc.Records) -> pd.DataFrame:
    """Count what was gamed, by kind: contacts per 100 served."""
    label = records.runs.set_index("run")["scheme"]
    served = records.cells[records.cells["agent"] >= 0]
    scheme = served["run"].map(label)
    counts = served.groupby([scheme.rename("scheme"), "true_gaming"], observed=True)["n"].sum()
    share = 100 * counts / counts.groupby("scheme", observed=True).transform("sum")
    table = share.rename("per_100").reset_index().rename(columns={"true_gaming": "kind"})
    table["kind"] = table["kind"].astype(str)
    return in_order(table[table["kind"] != "none"].replace({"kind": KINDS}))


def curves(records: inc.Records) -> pd.DataFrame:
    """Give the share of the initial customers who are still there after each month."""
    label = records.runs.set_index("run")["scheme"]
    initial = records.customers[records.customers["initial"]]
    counts = initial.groupby([initial["run"].map(label).rename("scheme"), "month"], observed=True)[
        ["n", "left"]
    ].sum()
    start = counts["n"].groupby("scheme", observed=True).transform("first")
    table = ((counts["n"] - counts["left"]) / start).rename("share").reset_index()
    table["month"] += 1
    return in_order(table)


def paid(comparison: inc.Comparison) -> pd.DataFrame:
    """Say what each scheme is and what it pays, as money per agent and month."""
    agents = comparison.records.agents
    label = agents["run"].map(comparison.records.runs.set_index("run")["scheme"])
    money = agents.groupby(label.rename("scheme"), observed=True)[
        ["wage", "bonus", "penalty", "paid"]
    ].mean()
    table = in_order(money.reset_index())
    table["terms"] = [repr(comparison.schemes[name]) for name in table["scheme"]]
    return table


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by scheme as the question names them."""
    place = {name: i for i, name in enumerate(SCHEMES)}
    table["scheme"] = table["scheme"].astype(str)
    return table.sort_values("scheme", key=lambda names: names.map(place), kind="stable")


# -- figures ------------------------------------------------------------------------------------


@house_style()
def true_and_reported(outcomes: pd.DataFrame) -> Figure:
    """Draw true beside reported saves and sales, for each workforce, as schemes are."""
    pairs = {"saves per 100 cancellations": "save_rate", "sales per 100 contacts": "sales"}
    drawn, axes = plt.subplots(2, 3, figsize=(11, 6), layout="constrained", sharey="row")
    for line, (label, stem) in zip(axes, pairs.items(), strict=True):
        for ax, workforce in zip(line, WORKFORCES, strict=True):
            part = outcomes[
                (outcomes["workforce"] == workforce) & (outcomes["cost"] == "as they are")
            ]
            names = {f"{stem}_logged": "reported", f"{stem}_true": "true"}
            part = part[part["outcome"].isin(names)]
            part = part.assign(
                measure=part["outcome"].map(names),
                conf_low=part["mean"] - 2 * part["mc_error"],
                conf_high=part["mean"] + 2 * part["mc_error"],
            )
            figures.true_and_reported(part, value="mean", label=label, ax=ax)
            ax.set_title(f"{workforce} workforce" if stem == "save_rate" else "")
            ax.tick_params(axis="x", rotation=30)
    _one_legend(drawn)
    return drawn


@house_style()
def gaming_by_kind(table: pd.DataFrame) -> Figure:
    """Draw contacts gamed by kind, for each workforce, as schemes are and at equal cost."""
    drawn, axes = plt.subplots(2, 3, figsize=(11, 6), layout="constrained", sharey=True)
    for line, cost in zip(axes, COSTS, strict=True):
        for ax, workforce in zip(line, WORKFORCES, strict=True):
            part = table[(table["workforce"] == workforce) & (table["cost"] == cost)]
            figures.gaming_by_kind(part, label="gamed per 100 contacts", ax=ax)
            ax.set_title(f"{workforce} workforce, {cost}")
            ax.tick_params(axis="x", rotation=30)
    _one_legend(drawn)
    return drawn


@house_style()
def churn_curves(table: pd.DataFrame) -> Figure:
    """Draw how many of the initial customers stay, for each workforce, as schemes are."""
    drawn, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained", sharey=True)
    for ax, workforce in zip(axes, WORKFORCES, strict=True):
        part = table[(table["workforce"] == workforce) & (table["cost"] == "as they are")]
        figures.churn_curves(part, ax=ax)
        ax.set_title(f"{workforce} workforce")
    _one_legend(drawn)
    return drawn


@house_style()
def revenue_and_cost(effects: pd.DataFrame) -> Figure:
    """Draw what each scheme adds to revenue and to pay, against the flat wage."""
    drawn, axes = plt.subplots(2, 3, figsize=(11, 6), layout="constrained", sharex="row")
    labels = {
        "revenue": "revenue per month,\nagainst the wage",
        "pay": "pay per agent and month,\nagainst the wage",
    }
    for line, (outcome, label) in zip(axes, labels.items(), strict=True):
        for ax, workforce in zip(line, WORKFORCES, strict=True):
            part = effects[
                (effects["workforce"] == workforce) & (effects["outcome"] == outcome)
            ].rename(columns={"effect": "estimate"})
            figures.coefficients(part, y="scheme", hue="cost", label=label, ax=ax)
            ax.set_title(f"{workforce} workforce" if outcome == "revenue" else "")
    _one_legend(drawn)
    return drawn


@house_style()
def estimates_and_truth(estimates: pd.DataFrame) -> Figure:
    """Draw an analyst's estimates with intervals beside the twin truth, as schemes are."""
    questions = {
        ("gamed", "audited"): "gamed per 100 contacts",
        ("success_logged", "log"): "reported successes per 100",
        ("success_true", "audited"): "true successes per 100",
        ("churn", "cloglog"): "churn within a year (points)",
    }
    drawn, axes = plt.subplots(
        len(questions), 3, figsize=(11, 9), layout="constrained", sharex="row"
    )
    for line, ((estimand, estimator), label) in zip(axes, questions.items(), strict=True):
        for ax, workforce in zip(line, WORKFORCES, strict=True):
            part = estimates[
                (estimates["workforce"] == workforce)
                & (estimates["cost"] == "as they are")
                & (estimates["estimand"] == estimand)
                & estimates["estimator"].str.startswith(estimator)
                & estimates["group"].isin(["all", ""])
            ]
            figures.coefficients(part, y="contrast", label=label, ax=ax)
            ax.set_title(f"{workforce} workforce" if estimand == "gamed" else "")
            if ax is not line[0]:
                ax.set_yticklabels([])
    _one_legend(drawn)
    return drawn


def _one_legend(drawn: Figure) -> None:
    """Put one legend below all panels, since all say the same."""
    known: dict[str, Any] = {}
    for ax in drawn.axes:
        known |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
        if (legend := ax.get_legend()) is not None:
            legend.remove()
    if known:
        drawn.legend(known.values(), known, loc="outside lower center", ncols=len(known))


# -- headline -----------------------------------------------------------------------------------


def headline(tables: Frames) -> dict[str, float]:
    """Pick the numbers that prose quotes."""
    numbers: dict[str, float] = {}
    quoted = ["gamed", "save_rate_logged", "save_rate_true", "churn", "revenue"]
    effects = tables["effects"]
    rows = effects[(effects["cost"] == "as they are") & effects["outcome"].isin(quoted)]
    for row in rows.to_dict("records"):
        name = "{workforce}_{scheme}_{outcome}".format_map(row)
        numbers[name] = row["effect"]
        numbers[f"{name}_mc_error"] = row["mc_error"]
    return numbers


if __name__ == "__main__":
    main(*arguments(__doc__))
