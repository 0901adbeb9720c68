"""The recovery table: every estimator is in it, and its columns are what they are called."""

import inspect
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments import recovery
from experiments._blocks import lived
from experiments._marks import FAMILIES, marked
from experiments.recovery import Block, failures, settled, table
from incentives import estimates
from incentives.estimates import inference
from incentives.study import ANSWERS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation"
NO_ESTIMATE = {"read_records", "write_templates", "optimal_audit"}  # a door, and a plan
TRUTH_SIDE = {"taste_classes"}  # which reads menus that no firm has
CHEAP = [name for name in FAMILIES if name != "suspects"]


def public() -> set[str]:
    """Name the estimators that say how large something is."""
    functions = {name for name in estimates.__all__ if inspect.isfunction(getattr(estimates, name))}
    return functions - NO_ESTIMATE


def test_every_estimator_is_marked() -> None:
    asked = {row.answer for family in FAMILIES.values() for row in family.asked}
    assert asked | set(ANSWERS) - {"naive", "oracle"} == public() | TRUTH_SIDE


@pytest.mark.parametrize("name", CHEAP)
def test_what_is_asked_of_a_kind_of_world_is_answered_and_known(name: str) -> None:
    family = FAMILIES[name]
    rows = marked(family, 1, 1, 7)
    assert [tuple(key) for key in rows[["answer", "question", "term"]].to_numpy()] == [
        row.key for ask in family.answers for row in family.asked if row.answer == ask
    ]
    assert (rows["failed"] == "").all(), rows["failed"].tolist()
    assert np.isfinite(rows[["estimate", "conf_low", "conf_high", "truth"]]).all(axis=None)
    assert ((rows["conf_low"] <= rows["estimate"]) & (rows["estimate"] <= rows["conf_high"])).all()


# ── the table, by hand ───────────────────────────────────────────────────────────────────────────


def answered(truth_by: str = "twins", **changes: object) -> pd.DataFrame:
    """Four worlds in two blocks: of blocks the truth is 1 and 3, and the estimates lie about 2."""
    frame = pd.DataFrame(
        {
            "block": [0, 0, 1, 1],
            "sim": [0, 1, 0, 1],
            "estimate": [1.0, 2.0, 2.5, 4.5],
            "std_error": 0.5,
            "p_value": [0.2, 0.01, 0.01, 0.01],
            "conf_low": [0.0, 1.0, 1.5, 3.5],
            "conf_high": [2.0, 3.0, 3.5, 5.5],
            "failed": "",
            "truth": [1.0, 1.0, 3.0, 3.0],
        }
    )
    names = {"kind": "honest", "question": "spread", "answer": "agent_spread", "term": "wage"}
    return frame.assign(**names, truth_by=truth_by).assign(**changes)


def test_a_truth_of_many_worlds_is_the_mean_of_the_blocks_and_that_of_its_own_stays() -> None:
    shared, own = (settled(answered(by)) for by in ("twins", "its own world"))
    assert (shared["truth"] == 2.0).all()
    assert shared["truth_mc_error"].to_numpy() == pytest.approx(1.0)
    assert own["truth"].tolist() == [1.0, 1.0, 3.0, 3.0]
    assert (own["truth_mc_error"] == 0).all()
    assert shared["world"].unique().tolist() == [FAMILIES["honest"].world]


def test_a_row_counts_what_its_intervals_hold_and_knows_what_chance_allows() -> None:
    row = table(settled(answered())).iloc[0]
    assert (row["sims"], row["truth"], row["bias"]) == (4, 2.0, 0.5)
    assert (row["coverage"], row["power"], row["failure_rate"]) == (0.75, 0.75, 0.0)
    assert row["rmse"] == pytest.approx(np.sqrt((1 + 0 + 0.25 + 6.25) / 4))
    assert row["bias_mc_error"] == pytest.approx(np.hypot(np.std([-1, 0, 0.5, 2.5], ddof=1) / 2, 1))
    band = stats.binom.ppf([0.0005, 0.9995], 4, 0.95) / 4
    assert (row["band_low"], row["band_high"]) == tuple(band)


def test_what_has_no_interval_has_no_coverage_and_what_is_not_tested_no_power() -> None:
    nothing = dict.fromkeys(("std_error", "p_value", "conf_low", "conf_high"), np.nan)
    row = table(settled(answered(**nothing))).iloc[0]
    assert row[["coverage", "band_low", "interval_length", "power", "power_mc_error"]].isna().all()
    assert row["bias"] == 0.5


def test_refusals_are_counted_and_leave_the_rest() -> None:
    frame = answered().assign(failed=["too few clusters", "", "", ""])
    frame.loc[0, ["estimate", "std_error", "p_value", "conf_low", "conf_high"]] = np.nan
    rows = settled(frame)
    row = table(rows).iloc[0]
    assert (row["sims"], row["failure_rate"], row["coverage"]) == (4, 0.25, pytest.approx(2 / 3))
    assert row["band_low"] == stats.binom.ppf(5e-4, 3, 0.95) / 3
    assert failures(rows)["sims"].tolist() == [1]


def test_blocks_that_are_kept_are_not_lived_through_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = [Block("honest", number, 2, 1) for number in range(2)]
    for block in blocks:
        answered().to_parquet(tmp_path / block.file)
    monkeypatch.setattr(recovery, "KINDS", {})
    assert len(lived(blocks, tmp_path)) == 8


def test_blocks_of_another_size_are_others() -> None:
    """Else a run in full would take what a quick look had kept."""
    few, many = (Block("honest", 0, worlds, 1) for worlds in (2, 40))
    assert few.file != many.file


# ── what the page says ───────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    """The table that is committed."""
    return pd.read_csv(PAGE / "recovery.csv")


def test_the_table_of_the_page_has_every_estimator(found: pd.DataFrame) -> None:
    assert public() <= set(found["answer"])
    assert found.columns.tolist() == table(settled(answered())).columns.tolist()


def test_the_log_is_off_as_the_page_says(found: pd.DataFrame) -> None:
    bonus = found[(found["world"] == "bonus for saves") & (found["answer"] == "naive")]
    off = bonus.set_index("question").loc[["success_true", "gamed", "inflation", "churn"]]
    assert (off["bias"].abs() > 4 * off["bias_mc_error"]).all()
    assert (off["coverage"] < off["band_low"]).all()
    assert off.loc["success_true", "bias"] > 0 > off.loc["churn", "bias"]


def test_what_is_not_perfect_is_what_the_page_says(found: pd.DataFrame) -> None:
    paid = found[found["world"] == "bonus for saves"].set_index(["question", "answer"])
    short = paid.loc["gamed"].loc[["gaming_effect", "oracle"]]
    assert (short["se_ratio"] + 2 * short["se_ratio_mc_error"] < 1).all()
    estimators = found[~found["answer"].isin(["naive", "oracle"]) & found["coverage"].notna()]
    inside = estimators["coverage"].between(estimators["band_low"], estimators["band_high"])
    apart = estimators[~inside & ~estimators["edge"]]
    assert apart.empty, apart[["answer", "question", "term", "coverage"]]
    edge = estimators[estimators["edge"]]
    assert (edge["coverage"] >= edge["band_low"]).all()
    elsewhere = estimators[~estimators["edge"]]
    assert set(edge["answer"]) <= set(elsewhere["answer"])
    nothing = found[found["world"] == "nothing to find"].set_index(["answer", "question"])
    rare = ["gamed", "inflation"]
    oracle, by_t = (nothing.loc[answer].loc[rare] for answer in ("oracle", "gaming_effect"))
    for often in (oracle, by_t):
        assert (often["coverage"] > often["band_high"]).all()
    assert (by_t["power"] + 2 * by_t["power_mc_error"] < oracle["power"]).all()
    dealt = nothing.loc["gaming_effect"].loc[[f"{name}, by randomisation" for name in rare]]
    assert dealt["coverage"].between(dealt["band_low"], dealt["band_high"]).all()
    lengths = [each["interval_length"].to_numpy() for each in (by_t, dealt)]
    errors = [each["interval_length_mc_error"].to_numpy() for each in (by_t, dealt)]
    assert (lengths[0] - lengths[1] > 2 * np.hypot(*errors)).all()
    wide = paid.loc["success_true, these agents"]
    assert (wide["se_ratio"] - 2 * wide["se_ratio_mc_error"] > 1).all()
    vain = found.set_index("answer").loc["audit_priorities"]
    assert vain["bias"] > 2 * vain["bias_mc_error"]


def test_biases_are_as_small_as_the_page_says(found: pd.DataFrame) -> None:
    own = found[~found["answer"].isin(["naive", "oracle"])].set_index(["answer", "question"])
    share = (own["bias"] / own["rmse"]).abs()
    larger = share[share > 0.1]
    assert larger.drop(("audit_priorities", "flagged in vain")).between(0.1, 1 / 6).all()
    assert {answer for answer, _ in larger.index} == {
        "agent_types",
        "taste_classes",
        "audit_priorities",
    }
    assert set(larger["taste_classes"].index) == {"pay"}
    assert larger["agent_types"].max() < 1 / 8
    told = own.index[own["bias"].abs() > 3 * own["bias_mc_error"]]
    assert {answer for answer, _ in told} == {
        "agent_types",
        "audit_priorities",
        "misclassified_effect",
        "agent_spread",
        "taste_classes",
    }


def test_counts_of_few_teams_are_those_of_the_experiment() -> None:
    """Prose quotes them: on the page, and where the methods are explained."""
    text = " ".join((PAGE / "estimators.md").read_text(encoding="utf-8").split())
    uneven = pd.read_csv(PAGE / "few_teams_uneven.csv").groupby("clear")[
        ["held", "below", "worlds"]
    ]
    failed, passed = uneven.sum().loc[False], uneven.sum().loc[True]
    assert f"in {failed['worlds'] + passed['worlds']} worlds of that kind" in text
    assert f"{passed['held']} times of {passed['worlds']} where the check passed" in text
    assert f"{failed['held']} of {failed['worlds']} where it failed" in text
    missed = failed + passed
    assert missed["below"] > (missed["worlds"] - missed["held"]) / 2
    counts = pd.read_csv(PAGE / "few_teams.csv").set_index(["teams", "question", "method"])["held"]
    counts = counts.sort_index()
    said = " ".join(str(inference.__doc__).split())
    logged = counts.loc[8, "saves_logged"]
    assert f"in {logged['cluster']} by CR1 and t with G - 2, {logged['wild']} by the wild" in said
    assert f"{logged['randomisation']} by randomisation, and in {logged['welch']} by Welch" in said
    order = counts.loc[8, "saves_true"][["cluster", "wild", "randomisation", "welch"]]
    assert "{}, {}, {} and {}".format(*order) in said


def test_the_figure_of_coverage_has_a_line_for_each_estimator(found: pd.DataFrame) -> None:
    (ax,) = recovery.coverage(found).axes
    shown = found[found["coverage"].notna() & (found["world"] != "nothing to find")]
    assert len(ax.get_yticks()) == (~shown["answer"].isin(["naive", "oracle"])).sum()
    plt.close("all")
