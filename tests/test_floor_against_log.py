import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import floor_against_log
from experiments._bank import bank_files
from experiments._common import Output, Scale
from incentives import Scenario


@pytest.fixture(scope="module")
def runs() -> list[pd.DataFrame]:
    return floor_against_log.simulated(
        [floor_against_log.under_wage("retail_bank")], replications=2
    )


def contacts(**columns: object) -> pd.DataFrame:
    """Three simulated contacts: one served, one cut off after 4.4 s, one given up."""
    frame = pd.DataFrame(
        {
            "day": [40, 40, 41],
            "minute": [600.0, 601.004, 480.0],
            "wait_minutes": [0.0, 0.004, 2.01],
            "handle_minutes": [2.504, 0.0733, 0.0],
            "ended": pd.Categorical(["served", "served", "abandoned"]),
            "agent": [3, 4, -1],
            "hire": [0, 1, 0],
            "reason": pd.Categorical(["question", "order", "question"]),
            "customer": [7, 8, 9],
        }
    )
    return frame.assign(**columns)


def test_simulated_contacts_are_written_down_to_the_second_by_named_agents():
    found = floor_against_log.as_logged(contacts())
    assert found["wait_minutes"].to_numpy() == pytest.approx([0.0, 0.0, 121 / 60])
    assert found["handle_minutes"].iloc[:2].to_numpy() == pytest.approx([150 / 60, 4 / 60])
    assert found["agent"].iloc[:2].tolist() == ["3/0", "4/1"]
    assert found[["agent", "handle_minutes"]].iloc[2].isna().all()
    assert found["reason"].tolist() == ["regular", "stock trade", "regular"]
    assert found["date"].diff().dt.days.tolist()[1:] == [0, 1]


def test_days_of_several_runs_keep_apart():
    both = [floor_against_log.as_logged(contacts(), first_day=day) for day in (0, 20)]
    together = floor_against_log.pooled(both)
    assert together["date"].nunique() == 4
    assert together["agent"].notna().sum() == 4


def test_those_present_have_come_and_not_gone():
    start, stop = pd.Series([1.0, 2.0]), pd.Series([4.0, 3.0])
    at = np.array([0.5, 1.0, 2.5, 3.5, 4.0])
    assert floor_against_log.present(at, start, stop).tolist() == [0, 1, 2, 1, 0]


def test_only_moments_with_two_in_the_queue_count_for_who_is_away():
    calls = pd.DataFrame({"start": [480.0], "stop": [500.0]})
    shifts = pd.DataFrame({"start": [480.0, 480.0], "stop": [510.0, 510.0]})
    waits = pd.DataFrame({"start": [490.0, 490.0, 505.0], "wait_minutes": [10.0, 6.0, 5.0]})
    day = floor_against_log.day_by_moments(waits, calls, shifts).set_index("slot").loc[480]
    assert day["on_duty"] == pytest.approx(2.0)
    assert day["busy"] == pytest.approx(20 / 30)
    assert day["busy_in_queue"] * floor_against_log.MOMENT == pytest.approx(6.0)
    assert day["on_duty_in_queue"] * floor_against_log.MOMENT == pytest.approx(12.0)


def test_a_ratio_to_nothing_is_missing():
    assert np.isnan(floor_against_log.ratio([0.0, 0.0], [0.0, 0.0])).all()


def test_a_day_of_the_log_gives_its_volume_and_its_staff(runs):
    scenario = floor_against_log.under_wage("retail_bank")
    each = floor_against_log.day_by_day(scenario, runs[0])
    assert len(each) == runs[0]["date"].nunique()
    rates = [day.needs.question for day in each]
    assert np.mean(rates) == pytest.approx(scenario.needs.question)
    assert all(0 <= day.floor.shrinkage < 0.5 for day in each)


@pytest.mark.slow
def test_a_floor_held_against_itself_matches_in_everything(runs, tmp_path):
    with Output("floor_against_log", tmp_path, Scale.SMOKE) as output:
        table = floor_against_log.compare(runs[0], [runs[0]] * 2, runs, output, draws=5)
    assert table["quantity"].tolist() == list(floor_against_log.QUANTITIES)
    assert table["ratio"].to_numpy() == pytest.approx(np.ones(len(table)))
    assert table["monte_carlo_error"].to_numpy() == pytest.approx(np.zeros(len(table)))
    assert table["inside_2_std_errors"].all()
    for name in ("by_half_hour", "by_agent", "handle_times", "waiting"):
        curve = pd.read_csv(tmp_path / f"{name}.csv")
        assert curve["simulated"].to_numpy() == pytest.approx(curve["log"].to_numpy()), name
    assert (tmp_path / "floor_against_log.png").stat().st_size > 10_000


def test_without_the_log_it_says_that_it_is_skipped(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("INCENTIVES_DATA", str(tmp_path))
    floor_against_log.main(Scale.SMOKE, tmp_path / "out")
    assert capsys.readouterr().out.startswith("floor_against_log: skipped, for january.txt")


@pytest.mark.slow
def test_the_shipped_floor_does_what_the_log_did(tmp_path):
    if not bank_files():
        pytest.skip("the Anonymous Bank log is not here: set INCENTIVES_DATA to its folder")
    subprocess.run(
        [sys.executable, "-W", "error", "-m", "experiments.floor_against_log", "--out", tmp_path],
        cwd=Path(floor_against_log.__file__).parents[1],
        env=os.environ,
        check=True,
    )
    table = pd.read_csv(tmp_path / "floor_against_log.csv").set_index("quantity")
    fitted = ["contacts_per_weekday", "agents_at_work", "hours_on_duty", "occupancy"]
    fitted += ["patience_exponential_mean", "handle_minutes", "handle_sd_log_within_agent_ordinary"]
    off = np.log(table.loc[fitted, "ratio"].to_numpy())
    assert np.abs(off).max() < np.log(1.1)  # two months, whose agents are a matter of luck
    floor, shifts = Scenario.load("retail_bank").floor, pd.read_csv(tmp_path / "shifts.csv")
    assert sorted(floor.shift_starts) == shifts["start_minute"].tolist()
    length = pd.Series(floor.shift_minutes, index=floor.shift_starts).sort_index().to_numpy()
    assert length[:-3].tolist() == shifts["length_minutes"].tolist()[:-3]
    assert length[-3:] + shifts["start_minute"].to_numpy()[-3:] == pytest.approx([1440.0] * 3)
