"""How many teams are enough for intervals to hold the truth, and does another method need fewer?

Small copies of the outsourced retention floor, half of their teams paid for saves. What that does
to saves as logged, and to true ones as audits of some show them, is estimated in many worlds of
every size, and each interval is made by every method that `Estimate.inference` has. The truth is
that of twins, all teams paid for saves against none.

Many teams may be few where audits are feared and a few agents make most of the gaming. In worlds of
that kind intervals are sorted by how many teams the findings are worth, which a check of
`gaming_effect` looks at.

    python -m experiments.few_teams --scale full --out results/few_teams
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from scipy import stats

import incentives as inc
from experiments._blocks import lived, sources
from experiments._common import Output, Scale, arguments, house_style
from experiments._marks import (
    DETECTION,
    MONTHS,
    SCHEMES,
    SEATS,
    Asked,
    Family,
    Lived,
    contractor,
    firms_of,
    marked,
)
from incentives.estimates import Estimate

SEED = 12
METHODS = ("welch", "cluster", "wild", "randomisation")
REPS = 999
QUESTIONS = {"saves_logged": "saves as logged", "saves_true": "true saves, by audits"}
BAND = [0.0005, 0.9995]
SPREAD = "gaming found in teams enough"
WORTH = (0, 4, 5, 6, 8, 16)
KEYS = ["teams", "question", "method"]


def main(scale: Scale, out: Path) -> None:
    """Live through worlds of every size, and count how often each method's interval is right."""
    with Output("few_teams", out, scale, seeds=[SEED], scenario=contractor()) as output:
        kept = out / "blocks" / sources("few_teams", "_marks")
        found = counted(lived(of_sizes(scale), kept))
        uneven = by_worth(lived(concentrated(scale), kept))
        output.table("few_teams", found)
        output.table("uneven", uneven)
        output.figure("few_teams", picture(found, uneven))
        output.numbers(headline(found, uneven))


class OfSize(NamedTuple):
    """Worlds of a size."""

    teams: int
    number: int
    worlds: int

    @property
    def file(self) -> str:
        """Where their rows are kept."""
        return f"{self.teams}-teams-{self.number:02d}-{self.worlds}.parquet"

    def live(self) -> pd.DataFrame:
        """Give a row for each world, question and method."""
        seed = np.random.SeedSequence([SEED, self.teams, self.number])
        rows = marked(family(self.teams), self.worlds, max(self.worlds // 5, 1), seed)
        rows = rows.assign(teams=self.teams, block=self.number)
        return rows.rename(columns={"answer": "method"})


def of_sizes(scale: Scale) -> list[OfSize]:
    """Cut the worlds of every size into blocks."""
    sizes = scale.pick(smoke=(8,), full=(8, 16, 32))
    blocks, worlds = scale.pick(smoke=(1, 2), full=(12, 25))
    return [OfSize(teams, number, worlds) for teams in sizes for number in range(blocks)]


def family(teams: int) -> Family:
    """Give the worlds of a size, and every method that is asked of them."""
    size = {"floor.teams": teams, "floor.customers": 1100 * teams * SEATS}
    return Family(
        f"{teams} teams",
        [contractor(**size).assign(SCHEMES)],
        {method: asked_by(method) for method in METHODS},
        tuple(
            Asked(method, question, "retention", "twins", question, estimator)
            for method in METHODS
            for question, estimator in zip(
                QUESTIONS, ("difference in means", "two-phase"), strict=True
            )
        ),
        truth,
        same=list(contractor(**size).vary(scheme=SCHEMES)),
    )


def asked_by(method: Any) -> Callable[[inc.Records], pd.DataFrame]:
    """Give what answers both questions by a method."""

    def by(found: Estimate, estimand: str) -> pd.DataFrame:
        rows = found.inference(method, reps=REPS, rng=SEED).tidy()
        return rows[rows["estimand"] == estimand]

    def ask(seen: inc.Records) -> pd.DataFrame:
        logged = inc.scheme_effect(seen, control="wage", outcome="saves")
        true = inc.true_effect(seen, control="wage", outcome="saves", detection=DETECTION)
        return pd.concat([by(logged, "saves_logged"), by(true, "saves_true")])

    return ask


def truth(lived: Lived) -> dict[tuple[str, str, str], Any]:
    """Give what all teams under the scheme do to saves, against none, as logged and in truth."""
    cells = lived.twins.cells[lived.twins.cells["agent"] >= 0]
    scheme = lived.twins.runs.set_index("run")["scheme"].astype(str)
    by = scheme.reindex(cells["run"]).to_numpy()
    known: dict[tuple[str, str, str], Any] = {}
    for question in QUESTIONS:
        part = question.removeprefix("saves_")
        saved = cells["n"].where(cells[f"{part}_outcome"] == "saved", 0).groupby(by).sum()
        share = 100 * saved / cells["n"].groupby(by).sum()
        effect = float(share["retention"] - share["wage"])
        known |= {(method, question, "retention"): effect for method in METHODS}
    return known


def counted(rows: pd.DataFrame) -> pd.DataFrame:
    """Count what intervals hold; the truth is that of all blocks of a size."""
    told = rows[rows["failed"] == ""].dropna(subset=["conf_low", "conf_high"])
    true = rows.groupby(["teams", "question"])["truth"].transform("mean").reindex(told.index)
    held = (told["conf_low"] <= true) & (true <= told["conf_high"])
    told = told.assign(held=held, length=told["conf_high"] - told["conf_low"])
    found = told.groupby(KEYS, sort=False).agg(
        worlds=("held", "size"),
        held=("held", "sum"),
        coverage=("held", "mean"),
        median_length=("length", "median"),
    )
    found = found.reset_index()
    found["mc_error"] = np.sqrt(found["coverage"] * (1 - found["coverage"]) / found["worlds"])
    for name, chance in zip(("band_low", "band_high"), BAND, strict=True):
        found[name] = stats.binom.ppf(chance, found["worlds"], 0.95) / found["worlds"]
    return found


# ── a few agents who make most of the gaming ─────────────────────────────────────────────────────


def feared() -> inc.Scenario:
    """Give a floor of 32 teams with many wishes to leave, many audits, and the usual penalty."""
    return contractor(
        **{
            "leaving.base": 0.05,
            "floor.teams": 32,
            "floor.customers": 1100 * 32 * SEATS,
            "audit.rate": 0.1,
            "audit.on_saves": 0.4,
        }
    )


class Uneven(NamedTuple):
    """Worlds in which few game."""

    number: int
    worlds: int

    @property
    def file(self) -> str:
        """Where their rows are kept."""
        return f"uneven-{self.number:02d}-{self.worlds}.parquet"

    def live(self) -> pd.DataFrame:
        """Give how many teams the findings of each world are worth, and its interval."""
        twins = self._records(list(feared().vary(scheme=SCHEMES)), max(self.worlds // 5, 1))
        rows = []
        for firm in firms_of(self._records([feared().assign(SCHEMES)], self.worlds), 1):
            found = inc.gaming_effect(firm, control="wage", detection=DETECTION)
            (check,) = [each for each in found.checks if each.name == SPREAD]
            row = found.tidy().iloc[0]
            ends = {name: row[name] for name in ("conf_low", "conf_high")}
            worth = {"worth": check.value, "clear": check.passed}
            rows.append({"block": self.number, **worth, **ends, "truth": gaming(twins)})
        return pd.DataFrame(rows)

    def _records(self, centres: list[inc.Scenario], replications: int) -> inc.Records:
        return inc.simulate(
            centres,
            replications=replications,
            months=MONTHS,
            rng=np.random.SeedSequence([SEED, self.number]),
            keep="cells",
            progress=False,
        )


def concentrated(scale: Scale) -> list[Uneven]:
    """Cut the worlds in which few game into blocks."""
    blocks, worlds = scale.pick(smoke=(1, 2), full=(12, 50))
    return [Uneven(number, worlds) for number in range(blocks)]


def gaming(twins: inc.Records) -> float:
    """Give what all teams under the scheme game more than all under none, per 100 contacts."""
    cells = twins.cells[twins.cells["agent"] >= 0]
    scheme = twins.runs.set_index("run")["scheme"].astype(str).reindex(cells["run"]).to_numpy()
    gamed = cells["n"].where(cells["true_gaming"] != "none", 0).groupby(scheme).sum()
    share = 100 * gamed / cells["n"].groupby(scheme).sum()
    return float(share["retention"] - share["wage"])


def by_worth(rows: pd.DataFrame) -> pd.DataFrame:
    """Count what intervals hold, by how many teams the findings are worth, of 16 paid for saves."""
    true = rows["truth"].mean()
    held = (rows["conf_low"] <= true) & (true <= rows["conf_high"])
    told = rows.assign(held=held, below=rows["conf_high"] < true)
    told["teams"] = pd.cut(told["worth"], WORTH).astype(str)
    counts = told.groupby(["teams", "clear"], sort=True)[["held", "below"]].sum()
    counts["worlds"] = told.groupby(["teams", "clear"]).size()
    return counts.reset_index().assign(truth=true)


# ── the answer ───────────────────────────────────────────────────────────────────────────────────


def headline(found: pd.DataFrame, uneven: pd.DataFrame) -> dict[str, Any]:
    """Give the figures that prose quotes: how many intervals held the truth."""
    told: dict[str, Any] = {
        f"{row['teams']} teams, {row['question']}, {row['method']}": [row["held"], row["worlds"]]
        for row in found.to_dict("records")
    }
    for clear, part in uneven.groupby("clear"):
        counts = {name: int(part[name].sum()) for name in ("held", "below", "worlds")}
        told[f"uneven, check {'passed' if clear else 'failed'}"] = counts
    return told


@house_style()
def picture(found: pd.DataFrame, uneven: pd.DataFrame) -> Figure:
    """Draw coverage by number of teams and method, a panel a question, and by what teams find."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    sizes = sorted(found["teams"].unique())
    for ax, (question, title) in zip(axes[:2], QUESTIONS.items(), strict=True):
        own = found[found["question"] == question]
        band = 100 * own[["band_low", "band_high"]].to_numpy()[0]
        ax.axhspan(*band, color="0.9", zorder=0, label="99.9 % of chance")
        ax.axhline(95, color="0.6", linewidth=1)
        for i, method in enumerate(METHODS):
            part = own[own["method"] == method]
            place = np.array([sizes.index(each) for each in part["teams"]]) + 0.1 * (i - 1.5)
            ax.errorbar(place, 100 * part["coverage"], yerr=200 * part["mc_error"], fmt="o",
                        color=sns.color_palette("colorblind")[i], label=method)  # fmt: skip
        ax.set(title=title, xlabel="teams, half of them paid for saves", xticks=range(len(sizes)),
               xticklabels=sizes, ylabel="truths held, of 100 (2 Monte-Carlo errors)")  # fmt: skip
        ax.grid(visible=False, axis="x")
        sns.despine(ax=ax)
    axes[0].legend(fontsize="x-small", loc="lower right")
    sums = uneven.groupby("teams", sort=False)[["held", "worlds"]].sum()
    share = sums["held"] / sums["worlds"]
    axes[2].axhline(95, color="0.6", linewidth=1)
    axes[2].errorbar(range(len(sums)), 100 * share, fmt="o", color="black",
                     yerr=200 * np.sqrt(share * (1 - share) / sums["worlds"]))  # fmt: skip
    names = [f"{name}\n{n} worlds" for name, n in sums["worlds"].items()]
    axes[2].set(title="gaming, where audits are feared", xticks=range(len(sums)), xticklabels=names,
                xlabel="teams that the findings are worth, of 16")  # fmt: skip
    axes[2].tick_params(axis="x", labelsize="x-small")
    sns.despine(ax=axes[2])
    return figure


if __name__ == "__main__":
    main(*arguments(__doc__))
