"""Does every estimator find what is so? Bias, error, coverage and refusals over many worlds.

A small copy of the outsourced retention floor with everything on, half of its teams paid for
saves, lived through many times: each estimator that the library knows (`incentives.study.ANSWERS`)
answers every question it can, beside the log read as it stands and the truth read as it is. The
truth is that of twins, all teams paid for saves against none. The same with nothing to find gives
the size of the tests: with both arms on the wage, where hardly anybody games, and with both paid
for saves, where many do. Estimators of other things are marked on worlds of
their own kind (`experiments._marks`), where `truth_by` says whose truth it is.

Worlds are lived through in blocks, and only what was answered is kept, under ``blocks``; a run
that broke off goes on with the blocks that are missing, unless a source file has changed.

    python -m experiments.recovery --scale full --out results/recovery
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

import incentives as inc
from experiments._blocks import lived, sources
from experiments._common import Output, Scale, arguments, house_style
from experiments._marks import FAMILIES, MONTHS, NOTHING, SCHEMES, Family, contractor, marked
from incentives import figures
from incentives.study import ANSWERS, QUESTIONS, Assign, Study, accuracy

SEED = 2026
BONUS, ALIKE = "bonus for saves", "bonus for all"
SAME = dict.fromkeys(("retention", "retention again"), SCHEMES["retention"])
RARE = ("gamed", "inflation")  # where all are on the wage a few agents make most of it
KEYS = ["world", "question", "answer", "term", "truth_by"]
NUMBERS = ["estimate", "std_error", "p_value", "conf_low", "conf_high", "truth"]
ROWS = [*KEYS[1:], "sim", *NUMBERS, "failed"]
READINGS = ("naive", "oracle")
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
OF_INTERVALS = ("coverage", "interval_length", "se_ratio")
BAND = [0.0005, 0.9995]  # an exact coverage of 95 % leaves this band one time in a thousand


Live = Callable[[int, int, int], pd.DataFrame]  # of worlds, pairs of twins and a seed


class Kind(NamedTuple):
    """A kind of world, and how much of it is lived through."""

    world: str
    live: Live
    worlds: int  # in all, at full scale
    block: int = 40  # worlds in a block


class Block(NamedTuple):
    """Worlds that are lived through and answered together."""

    kind: str
    number: int
    worlds: int
    pairs: int

    @property
    def file(self) -> str:
        """Where its rows are kept."""
        return f"{self.kind}-{self.number:03d}-{self.worlds}.parquet"

    def live(self) -> pd.DataFrame:
        """Live through the worlds, and give a row for each, answer and question."""
        seed = int(np.random.SeedSequence([SEED, self.number]).generate_state(1)[0])
        rows = KINDS[self.kind].live(self.worlds, self.pairs, seed)
        return rows[ROWS].assign(kind=self.kind, block=self.number)


def main(scale: Scale, out: Path) -> None:
    """Live through all kinds of worlds, and hold every answer against the truth."""
    centre = planned().centre
    with Output("recovery", out, scale, seeds=[SEED], scenario=centre) as output:
        rows = settled(lived(plan(scale), out / "blocks" / sources("recovery", "_marks")))
        found = table(rows)
        output.table("recovery", found)
        output.table("failures", failures(rows))
        output.figure("coverage", coverage(found))
        output.figure("bonus", bonus(found))
        output.figure("size", size(found))
        output.numbers(headline(found))


# ── living through worlds ────────────────────────────────────────────────────────────────────────


def planned(schemes: Mapping[str, inc.Scheme] = SCHEMES) -> Study:
    """Declare the study: every question, and everybody who can answer; the first is the control."""
    return Study(
        contractor(),
        schemes,
        next(iter(schemes)),
        MONTHS,
        assign=Assign("team"),
        questions=tuple(QUESTIONS),
        answers=tuple(ANSWERS),
    )


def of_study(plan: Study) -> Live:
    """Live through a study, and give its simulations as the marks of other worlds have them."""

    def live(worlds: int, pairs: int, seed: int) -> pd.DataFrame:
        simulations = plan.diagnose(worlds, pairs=max(pairs, 2), rng=seed).simulations
        return simulations.rename(columns={"scheme": "term"}).assign(truth_by="twins")

    return live


def of_family(family: Family) -> Live:
    """Live through worlds of a family."""
    return lambda worlds, pairs, seed: marked(family, worlds, pairs, seed)


KINDS = {
    "study": Kind(BONUS, of_study(planned()), 2000),
    "null": Kind(NOTHING, of_study(planned().null()), 2000),
    "alike": Kind(ALIKE, of_study(planned(SAME)), 2000),
    **{name: Kind(family.world, of_family(family), 2000) for name, family in FAMILIES.items()},
}
KINDS["target"] = KINDS["target"]._replace(block=20)  # every contact is kept: blocks need room
KINDS["menus"] = KINDS["menus"]._replace(block=10)  # every menu is kept
KINDS["suspects"] = KINDS["suspects"]._replace(block=10)  # and here


def plan(scale: Scale) -> list[Block]:
    """Cut the work into blocks, with a pair of twins for every five worlds.

    Each kind has its turn, so that a run which breaks off has lived through some of all.
    """
    blocks = []
    for name, kind in KINDS.items():
        each, worlds = scale.pick(smoke=(2, 4), full=(kind.block, kind.worlds))
        pairs = max(each // 5, 1)
        blocks += [Block(name, number, each, pairs) for number in range(worlds // each)]
    return sorted(blocks, key=lambda block: block.number)


# ── marking ──────────────────────────────────────────────────────────────────────────────────────


def settled(rows: pd.DataFrame) -> pd.DataFrame:
    """Give every row the truth of all blocks together, unless it is that of its own world."""
    world = rows["kind"].map({name: kind.world for name, kind in KINDS.items()})
    rows = rows.assign(world=world, truth_mc_error=0.0)
    of_block = rows.groupby([*KEYS, "block"], sort=False)["truth"].first()
    whole = of_block.groupby(KEYS, sort=False).agg(["mean", "sem"])
    place = pd.MultiIndex.from_frame(rows[KEYS])
    shared = (rows["truth_by"] != "its own world").to_numpy()
    for column, part in (("truth", "mean"), ("truth_mc_error", "sem")):
        rows.loc[shared, column] = whole[part].reindex(place).to_numpy()[shared]
    return rows


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Put what is committed together: a row an estimator, question and term."""
    made = []
    for key, own in rows.groupby(KEYS, sort=False):
        own = own.assign(world=np.arange(len(own)))  # each world is a simulation of its own
        values = accuracy(own)
        row: dict[str, Any] = {**dict(zip(KEYS, key, strict=True)), "sims": len(own)}
        for name in SHOWN:
            value = values[name][0]
            row |= {name: value.value, f"{name}_mc_error": value.mc_error}
        answered = int((own["failed"] == "").sum())
        low, high = stats.binom.ppf(BAND, answered, 0.95) / answered if answered else (np.nan,) * 2
        row |= {"band_low": low, "band_high": high, "edge": at_the_edge(row)}
        no_interval = own["conf_low"].isna().all()
        untested = own["p_value"].isna().all()
        hollow = [*(OF_INTERVALS if no_interval else ()), *(("power",) if untested else ())]
        hollow += [f"{name}_mc_error" for name in hollow]
        row |= dict.fromkeys([*hollow, *(("band_low", "band_high") if no_interval else ())], np.nan)
        made.append(row)
    return pd.DataFrame(made).drop(columns="failure_rate_mc_error")


def at_the_edge(row: Mapping[str, Any]) -> bool:
    """Say whether an interval is apt to hold the truth too often.

    It does where the truth, or a part of it, is a share of nothing (see `Asked`), and t does where
    a few agents make most of what there is.
    """
    if row["world"] == NOTHING:
        return row["question"] in RARE
    place = tuple(row[name] for name in ("world", "answer", "question", "term"))
    return place in {
        (family.world, *asked.key)
        for family in FAMILIES.values()
        for asked in family.asked
        if asked.edge
    }


def failures(rows: pd.DataFrame) -> pd.DataFrame:
    """Count why there was no answer, the most frequent reason first."""
    failed = rows[rows["failed"] != ""]
    keys = ["world", "answer", "failed"]
    counts = failed.drop_duplicates([*keys, "block", "sim"]).groupby(keys).size()
    return counts.rename("sims").reset_index().sort_values("sims", ascending=False)


# ── figures and numbers ──────────────────────────────────────────────────────────────────────────


@house_style()
def coverage(found: pd.DataFrame) -> Figure:
    """Draw how often the intervals of each estimator hold the truth, with the band of chance."""
    shown = found[~found["answer"].isin(READINGS) & found["coverage"].notna()]
    shown = shown[shown["world"] != NOTHING]
    line = shown["answer"] + ": " + shown["question"] + ", " + shown["term"]
    twice = line.duplicated(keep=False)
    line = line.where(~twice, line + " (" + shown["world"] + ")")
    return _shares(shown.assign(line=line), "coverage", 95, y="line", height=12)


@house_style()
def bonus(found: pd.DataFrame) -> Figure:
    """Draw the coverage of all who answer the study's questions, the log and the oracle too."""
    twins = found[(found["world"] == BONUS) & found["question"].isin(QUESTIONS)]
    return _shares(twins, "coverage", 95, y="question", hue="answer")


@house_style()
def size(found: pd.DataFrame) -> Figure:
    """Draw how often something is found where nothing is there."""
    return _shares(found[found["world"] == NOTHING], "power", 5, y="question", hue="answer")


LABELS = {
    "coverage": "truths held by 95 % intervals, of 100",
    "power": "findings where there is nothing, of 100",
}


def _shares(
    shown: pd.DataFrame,
    name: str,
    null: float,
    *,
    y: str,
    hue: str | None = None,
    height: float = 5.5,
) -> Figure:
    """Draw shares with their Monte-Carlo errors, before the bands in which chance puts them."""
    reach = 2 * shown[f"{name}_mc_error"]
    frame = shown.assign(
        estimate=100 * shown[name],
        conf_low=100 * (shown[name] - reach).clip(lower=0),
        conf_high=100 * (shown[name] + reach).clip(upper=1),
        truth=np.nan,
        **{y: shown[y].str.replace("_", " ")},
    )
    sims = frame.groupby(y, sort=False)["sims"].min().to_numpy()
    low, high = (100 * stats.binom.ppf(chance, sims, null / 100) / sims for chance in BAND)
    figure, ax = plt.subplots(figsize=(10, height), layout="constrained")
    ax.barh(
        np.arange(len(sims)), high - low, 1.0, low, color="0.9", zorder=0, label="99.9 % of chance"
    )
    figures.coefficients(frame, y=y, hue=hue, label=LABELS[name], null=null, ax=ax)
    return figure


def headline(found: pd.DataFrame) -> dict[str, Any]:
    """Give the numbers that prose takes: coverage, size, and what lies outside its band."""
    named = found.assign(name=found["answer"] + ": " + found["question"] + ", " + found["term"])
    inside = named["coverage"].between(named["band_low"], named["band_high"])
    estimators = ~named["answer"].isin(READINGS) & named["coverage"].notna()
    spared = named["edge"] & (named["coverage"] > named["band_high"])
    apart, edge = named[estimators & ~inside & ~spared], named[estimators & spared]
    bonus, nothing = (named[named["world"] == world] for world in (BONUS, NOTHING))
    return {
        "coverage": dict(zip(bonus["name"], bonus["coverage"], strict=True)),
        "size": dict(zip(nothing["name"], nothing["power"], strict=True)),
        "estimators_inside_their_band": int((estimators & inside).sum()),
        "estimators_outside_their_band": _named(apart),
        "at_the_edge_and_outside": _named(edge),
    }


def _named(rows: pd.DataFrame) -> list[str]:
    """Name rows with the worlds that they are of."""
    return [f"{row['world']}: {row['name']}" for row in rows.to_dict("records")]


if __name__ == "__main__":
    main(*arguments(__doc__))
