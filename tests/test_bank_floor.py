import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from experiments import bank_floor
from experiments._bank import bank_files
from experiments._common import Scale


@pytest.fixture(scope="module")
def waits() -> pd.DataFrame:
    """Waits with a known patience (Weibull, shape 0.8, scale 5 minutes), cut short by service."""
    rng = np.random.default_rng(1)
    patience, service = 5 * rng.weibull(0.8, 8000), rng.exponential(2.0, 8000)
    return pd.DataFrame(
        {
            "date": pd.Timestamp(1999, 1, 3) + pd.to_timedelta(rng.integers(0, 25, 8000), unit="D"),
            "minutes": np.minimum(patience, service),
            "gave_up": patience < service,
        }
    ).sort_values("minutes", ignore_index=True)


def test_known_patience_is_recovered(waits):
    found = bank_floor.patience(waits, draws=60)
    truth = {
        "patience_weibull_shape": 0.8,
        "patience_weibull_scale": 5.0,
        "patience_gone_3_minutes": 1 - np.exp(-((3 / 5) ** 0.8)),
    }
    for name, value in truth.items():
        assert abs(found[name]["value"] - value) < 4 * found[name]["std_error"], name


def test_the_survival_curve_is_that_of_statsmodels(waits):
    gave_up = waits["gave_up"].to_numpy(dtype=float)
    ours = bank_floor.kaplan_meier(gave_up, np.ones(len(waits)))
    theirs = SurvfuncRight(waits["minutes"], waits["gave_up"])
    for at in (0.5, 2.0, 6.0):
        expected = theirs.surv_prob[np.searchsorted(theirs.surv_times, at, side="right") - 1]
        found = bank_floor.survival_at(waits["minutes"].to_numpy(), ours, at)
        assert found == pytest.approx(expected, rel=1e-9)


def test_a_weight_counts_as_so_many_waits(waits):
    minutes, gave_up = waits["minutes"].to_numpy(), waits["gave_up"].to_numpy(dtype=float)
    weight = np.tile([0.0, 1.0, 2.0, 1.0], len(waits) // 4)
    repeated = waits.loc[waits.index.repeat(weight.astype(int))]
    ones = np.ones(len(repeated))
    expected = bank_floor.weibull(
        repeated["minutes"].to_numpy(), repeated["gave_up"].to_numpy(dtype=float), ones
    )
    assert bank_floor.weibull(minutes, gave_up, weight) == pytest.approx(expected)


def test_shares_over_days_have_the_error_of_a_ratio():
    table = pd.DataFrame({"a": [1, 3], "b": [3, 3]})
    shares = bank_floor.ratio_over_days(table)
    assert shares["share"].tolist() == [0.4, 0.6]
    value, error = bank_floor.ratio(np.array([1.0, 3.0]), np.array([4.0, 6.0]))
    assert (value, error) == pytest.approx((0.4, shares["std_error"].iloc[0]))
    assert error == pytest.approx(np.sqrt(2 * (0.6**2 + 0.6**2)) / 10)


def test_sampling_does_not_pass_for_a_difference_between_agents():
    rng = np.random.default_rng(2)
    calls = pd.DataFrame(
        {
            "agent": pd.Categorical(np.repeat([f"agent {i:02}" for i in range(40)], 150)),
            "handle_minutes": np.exp(rng.normal(0.7, 0.9, 6000)),
        }
    )
    between, between_log, within = bank_floor.spread_between(bank_floor.agents_moments(calls))
    assert between < 0.06
    assert between_log < 0.06
    assert within == pytest.approx(0.9, abs=4 * 0.9 / np.sqrt(2 * 6000))


def test_calls_after_midnight_belong_to_the_evening_before():
    contacts = pd.DataFrame(
        {
            "date": pd.to_datetime(["1999-01-03", "1999-01-04", "1999-01-04", "1999-01-06"]),
            "minute": [1439.0, 10.0, 600.0, 30.0],
            "vru_minutes": 0.0,
            "wait_minutes": [0.0, 2.0, 0.0, 0.0],
            "handle_minutes": [3.0, np.nan, 1.0, 1.0],
            "service_minute": [1439.0, np.nan, 600.0, 30.0],
            "ended": ["served", "abandoned", "served", "served"],
        }
    )
    found = bank_floor.at_the_floor(contacts)
    assert found["date"].dt.day.tolist() == [3, 3, 4]  # the 5th is not in the log
    assert found["minute"].tolist() == [1439.0, 1450.0, 600.0]
    assert found["half_hour"].tolist() == [1410, 1440, 600]


def test_without_the_log_it_says_that_it_is_skipped(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("INCENTIVES_DATA", str(tmp_path))
    bank_floor.main(Scale.SMOKE, tmp_path / "out")
    assert capsys.readouterr().out.startswith("bank_floor: skipped, for january.txt")


@pytest.mark.slow
def test_every_number_of_the_real_floor_has_its_unit_its_error_and_its_method(tmp_path):
    if not bank_files():
        pytest.skip("the Anonymous Bank log is not here: set INCENTIVES_DATA to its folder")
    subprocess.run(
        [sys.executable, "-W", "error", "-m", "experiments.bank_floor", "--out", str(tmp_path)],
        cwd=Path(bank_floor.__file__).parents[1],
        env=os.environ,
        check=True,
    )
    floor = json.loads((tmp_path / "bank_floor.json").read_text())
    for name, number in floor["estimates"].items():
        assert number["std_error"] > 0, name
        assert number["unit"], name
        assert number["method"], name
        assert number["n"] > 0, name
    profile = pd.DataFrame(floor["arrival_profile"]["rows"])
    assert profile.groupby("day")["share"].sum().to_numpy() == pytest.approx(np.ones(3))
    assert sum(row["share"] for row in floor["reason_mix"]["rows"]) == pytest.approx(1)
    assert sum(row["share"] for row in floor["shifts"]["rows"]) == pytest.approx(1)
    assert floor["estimates"]["handle_cv_between_agents_regular"]["value"] == pytest.approx(
        0.21, abs=0.03
    )
