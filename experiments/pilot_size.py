"""How large a pilot do we need to find out whether a bonus for saves works?

The outsourced retention floor in small copies: half of the teams get the contractor's own bonus
for saves, half the wage. How many teams, for how many months, with how many contacts checked? For
each pilot, how often the log, the checks and the bills find what is so, how often they would have
us choose the wrong scheme, what that loses each month, and how many hours of checking it costs.

    python -m experiments.pilot_size --scale full --out results/pilot_size
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style
from incentives.study import Assign, Diagnosis, Study

CENTRE = "outsourced_retentions"
SEED = 11
SMALL = {
    "floor.teams": 8,
    "floor.team_size": 2,
    "floor.customers": 17_600,
    "routing.keep": "team",
}
PANELS = {
    "power": "power",
    "coverage": "coverage",
    "wrong_choice": "wrong choices",
    "regret": "money lost,\na month and team",
}
ASIDE = 0.6  # teams, so that answers which agree are both seen


def main(scale: Scale, out: Path) -> None:
    """Diagnose every pilot of the grid, and save tables, figures and headline numbers."""
    study = planned()
    with Output("pilot_size", out, scale, seeds=[SEED], scenario=study.centre) as output:
        found = diagnosed(study, scale, out / "worlds")
        output.table("pilots", found.tidy())
        output.table("failures", found.failures())
        output.table("simulations", found.simulations)
        for question in study.questions:
            output.figure(question, panels(found, question))
        output.numbers(headline(found))


def planned() -> Study:
    """Declare the smallest pilot."""
    centre = inc.Scenario.load(CENTRE).change(SMALL)
    schemes = {name: centre.schemes[name] for name in ("wage", "retention")}
    return Study(
        centre,
        schemes,
        "wage",
        months=2,
        assign=Assign("team"),
        questions=("success_true", "gamed", "churn"),
    )


def diagnosed(study: Study, scale: Scale, folder: Path) -> Diagnosis:
    """Live through the pilots of the grid; worlds are kept, so that a broken run goes on."""
    grid: dict[str, list[Any]] = scale.pick(
        smoke={"teams": [6, 8], "months": [1], "audit_rate": [0.02]},
        full={"teams": [8, 16, 32], "months": [2, 6], "audit_rate": [0.005, 0.03]},
    )
    sims, pairs = scale.pick(smoke=(4, 2), full=(100, 20))
    return study.redesign(**grid).diagnose(sims, pairs=pairs, rng=SEED, n_jobs=2, folder=folder)


@house_style()
def panels(found: Diagnosis, question: str) -> Figure:
    """Draw power, coverage, wrong choices and regret against teams, a column a pilot's audits."""
    table = pd.concat(found.plot_data(name) for name in PANELS)
    table = table[table["question"] == question]
    pilots = list(table.groupby(["months", "audit_rate"], sort=False))
    size = (2.6 + 2.4 * len(pilots), 9)
    figure, axes = plt.subplots(
        len(PANELS),
        len(pilots),
        figsize=size,
        sharex=True,
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    for ((months, rate), own), column in zip(pilots, axes.T, strict=True):
        column[0].set_title(f"months {months}, checked {rate:.1%}")
        column[-1].set_xlabel("teams")
        for name, ax in zip(PANELS, column, strict=True):
            _lines(ax, own[own["diagnosand"] == name])
    axes[1, 0].set_ylim(bottom=0)
    for ax in axes[1]:
        ax.axhline(0.95, color="0.5", linewidth=1, zorder=0)
    for label, ax in zip(PANELS.values(), axes[:, 0], strict=True):
        ax.set_ylabel(label)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.suptitle(question.replace("_", " "))
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _lines(ax: Axes, own: pd.DataFrame) -> None:
    """Draw a diagnosand of each answer, with two Monte-Carlo errors either way."""
    for place, (answer, rows) in enumerate(own.groupby("answer", sort=False)):
        each = rows["teams"] if rows["diagnosand"].iloc[0] == "regret" else 1
        ax.errorbar(
            rows["teams"] + ASIDE * (place - 1),
            rows["value"] / each,
            2 * rows["mc_error"] / each,
            marker="o",
            label=str(answer).replace("_", " "),
        )


def headline(found: Diagnosis) -> dict[str, Any]:
    """Give the numbers that prose takes: each diagnosand by pilot, question and answer."""
    table = found.tidy()
    keys = [*found.by, "question", "answer"]
    shown = table[table["diagnosand"].isin([*PANELS, "failure_rate", "audit_hours"])]
    numbers: dict[str, Any] = {}
    for row in shown.to_dict("records"):
        pilot = ", ".join(f"{key} {row[key]}" for key in keys)
        numbers.setdefault(pilot, {})[row["diagnosand"]] = row["value"]
    return numbers


if __name__ == "__main__":
    main(*arguments(__doc__))
