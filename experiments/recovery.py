"""Does every estimator find what is so? Bias, error, coverage and refusals over many worlds.

A small copy of the outsourced retention floor with everything on, half of its teams paid for
saves, lived through many times: each estimator that the library knows (`incentives.study.ANSWERS`)
answers every question it can, beside the log read as it stands and the truth read as it is. The
truth is that of twins, all teams paid for saves against none. The same with nothing to find (both
arms on the wage) gives the size of the tests.

    python -m experiments.recovery --scale full --out results/recovery
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style
from incentives import figures
from incentives.study import ANSWERS, QUESTIONS, Assign, Diagnosis, Study

CENTRE = "outsourced_retentions"
SEED = 2026
MONTHS = 2
SCHEMES = {"wage": inc.Wage(), "retention": inc.Wage() + inc.PieceRate("saves", 6.0)}
SMALL = {
    "floor.teams": 16,
    "floor.team_size": 2,
    "floor.customers": 35_200,
    "audit.rate": 0.02,
    "audit.on_saves": 0.15,
    "routing.keep": "team",
}
SHOWN = (
    "truth",
    "bias",
    "rmse",
    "coverage",
    "power",
    "interval_length",
    "se_ratio",
    "failure_rate",
)


def main(scale: Scale, out: Path) -> None:
    """Diagnose all answers in the gaming world and in one without an effect."""
    study = planned()
    sims, pairs = scale.pick(smoke=(40, 8), full=(2000, 200))
    with Output("recovery", out, scale, seeds=[SEED], scenario=study.centre) as output:
        found = {
            "bonus for saves": study.diagnose(sims, pairs=pairs, **settings(out / "worlds")),
            "nothing to find": study.null().diagnose(sims // 4, pairs=2, **settings(out / "null")),
        }
        output.table("recovery", table(found))
        output.table("failures", stacked({name: each.failures() for name, each in found.items()}))
        output.figure("coverage", coverage(found))
        output.numbers(headline(found))


def settings(folder: Path) -> dict[str, Any]:
    """Give what all diagnoses share; worlds are kept, so that a run that broke off goes on."""
    return {"rng": SEED, "n_jobs": 2, "folder": folder}


def planned() -> Study:
    """Declare the study: every question, and everybody who can answer."""
    return Study(
        inc.Scenario.load(CENTRE).change(SMALL),
        SCHEMES,
        "wage",
        MONTHS,
        assign=Assign("team"),
        questions=tuple(QUESTIONS),
        answers=tuple(ANSWERS),
    )


def table(found: Mapping[str, Diagnosis]) -> pd.DataFrame:
    """Put what is committed together: a row an estimator and question."""
    tall = stacked({name: diagnosis.tidy() for name, diagnosis in found.items()})
    tall = tall[tall["diagnosand"].isin(SHOWN)]
    keys = ["world", "question", "answer"]
    wide = tall.pivot_table(
        index=keys, columns="diagnosand", values=["value", "mc_error"], sort=False
    )
    columns = {name: wide["value"][name] for name in SHOWN}
    errors = {f"{name}_mc_error": wide["mc_error"][name] for name in SHOWN[:-1]}
    order = [each for name in SHOWN for each in (name, f"{name}_mc_error")][:-1]
    sims = tall[tall["diagnosand"] == "failure_rate"].set_index(keys)["sims"]
    return pd.DataFrame({"sims": sims, **columns, **errors})[["sims", *order]].reset_index()


def stacked(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the frames of both worlds under one another."""
    parts = [frame.assign(world=name) for name, frame in frames.items()]
    return pd.concat(parts, ignore_index=True)


@house_style()
def coverage(found: Mapping[str, Diagnosis]) -> Figure:
    """Draw how often intervals hold the truth, a line a question and a colour an answer."""
    frame = found["bonus for saves"].plot_data("coverage")
    reach = 2 * frame["mc_error"]
    frame = frame.assign(
        estimate=100 * frame["value"],
        conf_low=100 * (frame["value"] - reach),
        conf_high=100 * (frame["value"] + reach),
        question=frame["question"].str.replace("_", " "),
    )
    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    label = "truths held by 95 % intervals, per 100 (two Monte-Carlo errors)"
    figures.coefficients(frame, y="question", hue="answer", label=label, null=95, ax=ax)
    return figure


def headline(found: Mapping[str, Diagnosis]) -> dict[str, Any]:
    """Give the numbers that prose takes: coverage and size by answer and question."""
    gaming, nothing = (each.tidy() for each in found.values())
    return {
        name: {
            f"{row['answer']}: {row['question']}": row["value"]
            for row in frame[frame["diagnosand"] == diagnosand].to_dict("records")
        }
        for name, frame, diagnosand in (
            ("coverage", gaming, "coverage"),
            ("size", nothing, "power"),
        )
    }


if __name__ == "__main__":
    main(*arguments(__doc__))
