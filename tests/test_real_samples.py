"""The experiments on public samples: by hand on made samples, and on the files where they are."""

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from scipy import special
from statsmodels.duration.survfunc import SurvfuncRight

import incentives as inc
from experiments import outbound_fatigue, telco_churn
from experiments._common import Scale
from experiments._samples import sample_file


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20263)


def telephone_sample(rng: np.random.Generator, customers: int = 600) -> pd.DataFrame:
    """Make customers whose contracts differ in hazard, with few months of tenure."""
    contract = rng.choice(telco_churn.CONTRACTS, customers)
    hazard = pd.Series(contract).map({"Month-to-month": 0.1, "One year": 0.05, "Two year": 0.03})
    gone, seen = rng.geometric(hazard), rng.integers(0, 13, customers)
    return pd.DataFrame(
        {
            "tenure": np.where(seen == 0, 0, np.minimum(gone, seen)),
            "left": ((gone <= seen) & (seen > 0)).astype(int),
            "contract": contract,
            "payment": "check",
            "online": "others",
        }
    )


def test_tenure_as_time_gives_kaplan_meier_of_others(rng: np.random.Generator) -> None:
    sample = telephone_sample(rng)
    seen = telco_churn.as_records(sample, "contract", 10)
    assert seen.customers["n"].sum() == sample["tenure"].sum()
    assert seen.customers["left"].sum() == sample["left"].sum()
    curves = inc.competing_risks(seen, control="One year", horizon=12).details["curves"]
    for contract, own in sample[sample["tenure"] > 0].groupby("contract"):
        theirs = SurvfuncRight(own["tenure"].to_numpy(), own["left"].to_numpy())
        mine = curves[curves["scheme"] == contract].set_index("month")["per_100"]
        at = theirs.surv_times.astype(int)
        np.testing.assert_allclose(mine[at], 100 * (1 - theirs.surv_prob), rtol=1e-9)


def test_seen_in_the_last_month_only_each_customer_counts_once(rng: np.random.Generator) -> None:
    sample = telephone_sample(rng)
    counts = telco_churn.as_records(sample, "contract", 10, last_month_only=True).customers
    there = sample[sample["tenure"] > 0]
    assert counts["n"].sum() == len(there)
    by_month = counts.groupby("month")[["n", "left"]].sum()
    known = there.groupby("tenure")["left"].agg(["size", "sum"])
    np.testing.assert_array_equal(by_month["n"], known["size"])
    np.testing.assert_array_equal(by_month["left"], known["sum"])


def campaign(
    rng: np.random.Generator, chance: "np.ndarray[tuple[int], np.dtype[np.float64]]", fall: float
) -> pd.DataFrame:
    """Call customers up to eight times, as long as they have not said yes; a third stop earlier."""
    odds = special.logit(chance)[:, None] - fall * np.arange(8)
    yes = rng.random(odds.shape) < special.expit(odds)
    stops = rng.geometric(1 / 3, len(chance)).clip(max=8)
    first = np.where(yes.any(axis=1), yes.argmax(axis=1) + 1, 99)
    known = dict.fromkeys(outbound_fatigue.KNOWN, "same")
    calls = np.minimum(first, stops)
    return pd.DataFrame({"calls": calls, "success": first <= stops, **known})


def test_attempts_are_unfolded_as_by_hand() -> None:
    known = dict.fromkeys(outbound_fatigue.KNOWN, "same")
    customers = pd.DataFrame(
        {"calls": [1, 2, 2, 11], "success": [True, True, False, True], **known}
    )
    cells = outbound_fatigue.unfolded(customers).set_index("attempt")
    assert cells["n"].tolist() == [4, 3, 1, 1, 1, 1, 1, 1]
    assert cells["success"].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert cells["again"].tolist() == [3, 1, 1, 1, 1, 1, 1, 1]


def test_a_known_fall_of_the_log_odds_is_found(rng: np.random.Generator) -> None:
    customers = campaign(rng, np.full(40_000, 0.08), 0.25)
    cells = outbound_fatigue.unfolded(customers)
    slope, error = outbound_fatigue.fall(cells, [])
    assert slope == pytest.approx(0.25, abs=4 * error)
    again = outbound_fatigue.bootstrap(customers, draws=60)["1 to 8"]
    assert again == pytest.approx(error, rel=0.35)


def test_sorting_alone_looks_like_tiring_and_its_own_model_fits_it_better(
    rng: np.random.Generator,
) -> None:
    customers = campaign(rng, rng.beta(0.8, 9.2, 60_000), 0.0)
    cells = outbound_fatigue.unfolded(customers)
    slope, error = outbound_fatigue.fall(cells, [])
    assert slope > 10 * error  # nobody tires
    fits = outbound_fatigue.likelihood(cells).set_index("model")["log_likelihood"]
    assert fits["all sorting"] > fits["all tiring"]
    theta, _ = outbound_fatigue.fitted(cells, "all sorting")
    np.testing.assert_allclose(np.exp(theta), [0.8, 9.2], rtol=0.15)


def test_a_default_above_what_the_file_supports_is_said_to_be() -> None:
    fall = {"estimate": 0.199, "conf_low": 0.173, "conf_high": 0.225}
    said = outbound_fatigue.standing(0.24, fall)
    assert said.startswith("the default, 0.24, lies above what this file supports: above the fall")
    assert "0.199 (0.173 to 0.225)" in said
    assert "does not lie above the upper end" in outbound_fatigue.standing(0.2, fall)
    assert "does not favour promising customers" in outbound_fatigue.BOUND


@pytest.mark.parametrize("experiment", [telco_churn, outbound_fatigue])
def test_without_the_sample_an_experiment_says_so_and_makes_nothing(
    experiment: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INCENTIVES_DATA", str(tmp_path))
    experiment.main(Scale.SMOKE, tmp_path / "out")
    assert "skipped, for " in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_telephone_sample_meets_what_is_published(tmp_path: Path) -> None:
    if sample_file(telco_churn.FOLDER, telco_churn.FILE) is None:
        pytest.skip("the sample is not at hand")
    telco_churn.main(Scale.SMOKE, tmp_path)
    numbers = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["published_figures_met"] == numbers["published_figures"] == 18
    errors = pd.read_csv(tmp_path / "errors.csv")
    np.testing.assert_allclose(errors["here"], errors["kaplan_meier"], rtol=1e-6)
    ratio = errors["random_group_error"] / errors["greenwood_error"]
    assert ratio.between(0.5, 1.6).all()


@pytest.mark.slow
def test_the_banks_campaign_has_the_attempts_of_the_notes(tmp_path: Path) -> None:
    if sample_file(outbound_fatigue.FOLDER, outbound_fatigue.FILE) is None:
        pytest.skip("the sample is not at hand")
    outbound_fatigue.main(Scale.SMOKE, tmp_path)
    attempts = pd.read_csv(tmp_path / "attempts.csv").query("customers == 'all'")
    known = [5.7, 5.1, 4.1, 3.3, 2.3, 2.1, 1.5, 1.4]
    np.testing.assert_allclose(attempts["success_per_100"], known, atol=0.05)
    cold = pd.read_csv(tmp_path / "cold_calls.csv").set_index("parameter").loc["fatigue"]
    assert cold["default"] == pytest.approx(cold["alike"], abs=0.01), "the file sets the default"
    assert cold["default"] < cold["high"]
