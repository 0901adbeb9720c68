import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import dropped_calls
from experiments._bank import answered, bank_files, beta_binomial, logit_normal
from experiments._clusters import flip_p_value
from experiments._common import Scale
from experiments._situation import situation
from incentives.datasets import BANK_FIELDS

STEP = -2.0  # log odds, from 19 October on
AFTER_OWN = 0.8  # log odds, if the agent's previous call of the day was cut off
AGENTS = np.linspace(-4.5, -0.8, 16)  # log odds of each agent
CALLS_A_DAY = 14


def clock(seconds: "pd.Series[int]") -> "pd.Series[str]":
    """Write seconds after midnight as h:mm:ss."""
    return (
        (seconds // 3600).astype(str)
        + (seconds // 60 % 60).map(":{:02}".format)
        + (seconds % 60).map(":{:02}".format)
    )


def a_day(rng: np.random.Generator, date: pd.Timestamp, agent: int) -> pd.DataFrame:
    """One agent's calls of a day, cut off as the constants above say."""
    step = STEP if date >= pd.Timestamp(1999, 10, 19) else 0.0
    cut_off = np.zeros(CALLS_A_DAY, dtype=bool)
    for i, u in enumerate(rng.random(CALLS_A_DAY)):
        odds = AGENTS[agent] + step + AFTER_OWN * (i > 0 and cut_off[i - 1])
        cut_off[i] = u < 1 / (1 + np.exp(-odds))
    entry = np.sort(rng.integers(8 * 3600, 20 * 3600, CALLS_A_DAY))
    known = rng.random(CALLS_A_DAY) < 0.5
    return pd.DataFrame(
        {
            "date": date,
            "entry": entry,
            "type": rng.choice(["PS", "NW", "TT"], CALLS_A_DAY, p=[0.8, 0.15, 0.05]),
            "customer_id": np.where(known, rng.integers(1, 4000, CALLS_A_DAY), 0),
            "server": f"NAME{agent:02}",
            "q_time": rng.exponential(30, CALLS_A_DAY).astype(int),
            "cut_off": cut_off,
            "minutes": 0.2 + rng.exponential(2.0, CALLS_A_DAY),
            "priority": rng.integers(0, 3, CALLS_A_DAY),
        }
    )


def a_log() -> pd.DataFrame:
    """Two months of calls."""
    rng = np.random.default_rng(1)
    dates = [*pd.date_range("1999-01-03", "1999-01-31"), *pd.date_range("1999-10-01", "1999-10-31")]
    days = [a_day(rng, date, agent) for date in dates for agent in range(len(AGENTS))]
    return pd.concat(days, ignore_index=True)


def write(log: pd.DataFrame, folder: Path) -> None:
    """Write calls as the bank does."""
    queued = log["entry"] + 6
    answered_at = queued + log["q_time"]
    seconds = (60 * log["minutes"]).astype(int).where(~log["cut_off"], 3)
    fields = log.assign(
        call_id=range(len(log)),
        vru_entry=clock(log["entry"]),
        vru_exit=clock(queued),
        vru_time=6,
        q_start=clock(queued),
        q_exit=clock(answered_at),
        outcome="AGENT",
        ser_start=clock(answered_at),
        ser_exit=clock(answered_at + seconds),
        ser_time=seconds,
        date=log["date"].dt.strftime("%y%m%d"),
    ).assign(**{"vru+line": "AA0101"})
    (folder / "anonymous_bank").mkdir()
    for month, name in ((1, "january"), (10, "october")):
        rows = fields.loc[log["date"].dt.month == month, list(BANK_FIELDS)]
        rows.to_csv(folder / "anonymous_bank" / f"{name}.txt", sep="\t", index=False)


def run(data: str | Path, out: Path) -> dict[str, pd.DataFrame]:
    """Run the experiment as a user does, and read its tables.

    In a process of its own NumPy keeps to one thread, which is ten times as fast here.
    """
    subprocess.run(
        [sys.executable, "-W", "error", "-m", "experiments.dropped_calls", "--out", str(out)],
        cwd=Path(dropped_calls.__file__).parents[1],
        env=os.environ | {"INCENTIVES_DATA": str(data)},
        check=True,
    )
    return {file.stem: pd.read_csv(file) for file in out.glob("*.csv")}


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    """Where the experiment leaves what it makes of the log."""
    folder = tmp_path_factory.mktemp("dropped_calls")
    write(a_log(), folder)
    run(folder, folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def tables(out) -> dict[str, pd.DataFrame]:
    return {file.stem: pd.read_csv(file) for file in out.glob("*.csv")}


def within_four_errors(row: pd.Series, truth: float) -> bool:
    return abs(row["estimate"] - truth) < 4 * row["std_error"]


def test_the_break_is_found_with_its_size_and_its_day(tables):
    size = tables["break_size"].query(
        "sample == 'all contacts' and agents == 'agents seen on both sides'"
    )
    step = size[size["unit"] == "log odds"].iloc[0]
    assert within_four_errors(step, STEP)
    assert step["flip_p_value"] < 0.02
    scan = tables["break_scan"]
    best = scan[scan["month"] == "October"].sort_values("gain").iloc[-1]
    assert best["first_day_after"] == "1999-10-19"
    assert scan[scan["month"] == "January"]["greatest_abs_z"].iloc[0] < best["greatest_abs_z"] / 2


def test_the_break_is_held_against_windows_without_one(tables):
    windows = tables["break_placebo"].set_index("last_day_before")
    there = windows[windows["is_break"]]
    assert there.index.tolist() == ["1999-10-17"]
    size = tables["break_size"].query(
        "sample == 'without messages' and agents == 'one week either side'"
    )
    step = size[size["estimator"] == "within agents"].iloc[0]
    assert there["estimate"].item() == pytest.approx(step["estimate"])
    assert there["n"].item() == step["n"]
    others = windows[~windows["is_break"]]
    assert others["estimate"].abs().max() < abs(step["estimate"]) / 2
    assert there["placebo_p"].item() == pytest.approx(1 / len(windows))


def test_the_same_agents_make_the_fall(tables):
    change = tables["change_by_agent"].set_index("agent")["change"]
    assert change["within agents"] + change["who answers"] == pytest.approx(change["all agents"])
    assert abs(change["who answers"]) < 0.1 * abs(change["all agents"])


def test_agents_are_spread_as_they_were_made(tables):
    spread = tables["concentration"].query("sample == 'all contacts'").set_index("quantity")
    assert within_four_errors(spread.loc["logit-normal: mean"], AGENTS.mean() + 0.05)
    assert within_four_errors(spread.loc["logit-normal: standard deviation"], AGENTS.std(ddof=1))


def test_shrunken_shares_lie_nearer_to_how_agents_were_made(tables):
    # a share follows from the log odds; each cut-off raises the chance of the agent's next one
    known = pd.Series(1 / (1 + np.exp(-AGENTS))).sort_values(ignore_index=True)
    shrunken = tables["shrunken"].query("sample == 'all contacts'")
    assert len(shrunken) == len(AGENTS)
    assert (shrunken["rate"].between(shrunken["conf_low"], shrunken["conf_high"])).all()
    assert np.corrcoef(shrunken["rate"].sort_values(), known)[0, 1] > 0.98
    spread = tables["concentration"].query("sample == 'all contacts'").set_index("quantity")
    row = spread.loc["beyond chance: standard deviation"]
    assert row["conf_low"] < known.std() < row["conf_high"]


def test_the_response_to_an_own_cut_off_is_found_and_the_queue_is_not_blamed(tables):
    terms = tables["responses"].query("agents == 'all agents'").set_index("term")
    assert within_four_errors(terms.loc["previous_cut_off"], AFTER_OWN)
    assert terms.loc["previous_cut_off", "flip_p_value"] < 0.02
    assert within_four_errors(terms.loc["waiting"], 0.0)
    ll = tables["log_likelihood"].set_index("agents").loc["all agents"]
    assert ll["nothing"] < ll["situation_only"] < ll["both"]
    assert ll["nothing"] < ll["agents_only"] < ll["both"]


def test_customers_who_call_at_random_are_not_said_to_call_back(tables):
    for _, row in tables["call_backs"].iterrows():
        assert within_four_errors(row, 0.0)


def test_the_verdict_follows_from_the_rules(tables):
    checks = tables["verdict"]
    assert checks.query("claim in ['differ', 'respond at the break']")["holds"].all()


def test_the_break_has_the_error_that_the_suite_gives_it(tables):
    held = tables["break_by_suite"]
    np.testing.assert_allclose(held["estimate"], held["suite_estimate"], rtol=1e-9)
    np.testing.assert_allclose(held["std_error"], held["suite_error"], rtol=2e-3)
    assert (held["wild_p"] < 0.05).all()


def test_what_the_log_cannot_say_is_said(tables, out):
    verdict = json.loads((out / "numbers.json").read_text())["verdict"]
    assert tables["cannot_say"]["why_not"].str.len().min() > 40
    assert all(question in verdict for question in tables["cannot_say"]["question"])


def test_names_of_agents_do_not_reach_the_results(tables):
    for table in tables.values():
        assert not table.astype("str").apply(lambda column: column.str.contains("NAME")).any().any()


def test_every_figure_and_the_verdict_are_saved(out):
    names = {"agents", "daily", "break_scan", "responses", "call_backs"}
    assert {file.stem for file in out.glob("*.png")} == names
    assert {file.stem for file in out.glob("*.pdf")} == names
    numbers = json.loads((out / "numbers.json").read_text())
    assert numbers["verdict"].startswith("Agents differ, and they respond")


@pytest.mark.slow
def test_a_log_without_a_break_or_differences_gives_a_modest_verdict(tmp_path):
    log = a_log()
    write(log.assign(cut_off=np.random.default_rng(2).random(len(log)) < 0.05), tmp_path)
    run(tmp_path, tmp_path / "out")
    verdict = json.loads((tmp_path / "out" / "numbers.json").read_text())["verdict"]
    assert verdict.startswith("Neither that agents differ nor that they respond is shown")
    assert verdict.count("not shown") == 2


def test_the_situation_is_what_had_happened_by_then():
    rows = pd.DataFrame(
        {
            "minute": [600.0, 601.0, 603.0, 640.0],
            "wait_minutes": [0.0, 3.0, 0.5, 0.0],
            "handle_minutes": [3.0, 0.1, 10.0, 1.0],
            "agent": ["A", "A", "B", "A"],
        }
    ).assign(
        contact=range(4),
        date=pd.Timestamp(1999, 10, 3),
        vru_minutes=0.0,
        reason="regular",
        customer=pd.array([1, None, None, None], dtype="Int64"),
        ended="served",
        priority=0,
    )
    rows["agent"] = rows["agent"].astype("category")
    rows["service_minute"] = rows["minute"] + rows["wait_minutes"]
    calls = situation(rows, answered(rows)).set_index("contact")
    assert calls["has_previous"].tolist() == [False, True, True, False]
    assert calls.loc[3, "previous_cut_off"]
    assert calls.loc[2, "waiting"] * 5 == pytest.approx(1)  # the second caller, until 10:04
    assert calls.loc[0, "waiting"] == 0
    assert calls.loc[1, "busy"] * 5 == pytest.approx(1)  # B since 10:03:30
    assert calls.loc[1, "occupied"] == pytest.approx(3 / 30)
    assert calls.loc[3, "hours"] == pytest.approx(40 / 60)
    assert calls.loc[3, "log_idle"] == pytest.approx(np.log1p((640 - 604.1) * 60))


def test_distributions_over_agents_are_recovered():
    rng = np.random.default_rng(3)
    n = np.full(400, 300)
    beta = beta_binomial(rng.binomial(n, rng.beta(0.8, 22.0, len(n))), n)
    assert (np.abs(beta.values - [0.8, 22.0]) < 4 * beta.errors).all()
    odds = rng.normal(-4.0, 1.2, len(n))
    normal = logit_normal(rng.binomial(n, 1 / (1 + np.exp(-odds))), n)
    assert (np.abs(normal.values - [-4.0, 1.2]) < 4 * normal.errors).all()


def test_flipping_signs_gives_the_exact_p_value_of_few_clusters():
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(4), 5)
    p_value = flip_p_value(np.ones(20), clusters, rng=rng, draws=20_000)
    assert p_value == pytest.approx(2 / 2**4, abs=4 * np.sqrt(0.125 * 0.875 / 20_000))


def test_without_the_log_it_says_that_it_is_skipped(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("INCENTIVES_DATA", str(tmp_path))
    dropped_calls.main(Scale.SMOKE, tmp_path / "out")
    assert capsys.readouterr().out.startswith("dropped_calls: skipped, for january.txt or october")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_real_log_agrees_with_what_was_measured_before(tmp_path):
    if len(bank_files()) < 2:
        pytest.skip("the Anonymous Bank log is not here: set INCENTIVES_DATA to its folder")
    run(bank_files()[0].parents[1], tmp_path)
    evidence = pd.read_csv(tmp_path / "evidence.csv").set_index("quantity")["agrees"]
    assert evidence["share cut off in January"]
    assert evidence["five heaviest agents: share of cut-offs"]
    assert evidence[["logit: previous call cut off", "logit: five more callers waiting"]].all()
    assert evidence[evidence.index.str.startswith("ordinary calls, beta")].all()
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert numbers["break_plausible_first_days"] == ["1999-10-18", "1999-10-19"]
    assert numbers["verdict"].startswith("Agents differ, and they respond")
