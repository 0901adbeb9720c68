"""A study: what it declares, what is found by living it through, and how it is sealed."""

import dataclasses
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import worlds
from scipy import stats

import incentives as inc
from incentives.estimates import Estimate
from incentives.study import ANSWERS, DIAGNOSANDS, QUESTIONS, Answer, Assign, Diagnosis, Study
from incentives.study.design import DEAL, WORLD, _answered, _asked, _Task, _twins
from incentives.study.questions import true_values
from incentives.truth import outcomes

CENTRE = inc.Scenario(
    name="tiny",
    floor=inc.Floor(teams=6, team_size=1, customers=1800, days=5),
    leaving=inc.Leaving(base=0.15),
    audit=inc.Audit(rate=0.2),
    routing=inc.Routing(keep="team"),
)
SCHEMES = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 30.0)}
EVERY = ("gamed", "success_true", "inflation", "churn", "months_retained", "profit")


def tiny(**changes: Any) -> Study:
    settings: dict[str, Any] = {"questions": ("gamed", "churn"), "months": 2, **changes}
    return Study(CENTRE, SCHEMES, "wage", **settings)


@pytest.fixture(scope="module")
def found() -> Diagnosis:
    return tiny(questions=EVERY).diagnose(4, pairs=2, rng=3)


# ── diagnosands by hand ──────────────────────────────────────────────────────────────────────────

ROW = {
    "answer": "log",
    "question": "saves",
    "scheme": "bonus",
    "std_error": 1.0,
    "failed": "",
    "better": 1,
    "truth": 2.0,
    "truth_mc_error": 0.3,
    "money": -90.0,
    "money_mc_error": 4.0,
    "audit_hours": 6.0,
}
FOUND = [  # estimate, p value, interval
    (1.0, 0.20, -1.0, 3.0),
    (3.0, 0.01, 2.5, 3.5),
    (-4.0, 0.04, -7.0, -1.0),
    (6.0, 0.001, 4.0, 8.0),
]


def simulated(**changes: Any) -> pd.DataFrame:
    columns = ["estimate", "p_value", "conf_low", "conf_high"]
    rows = [
        {**ROW, "sim": sim, "world": sim, **dict(zip(columns, numbers, strict=True))}
        for sim, numbers in enumerate(FOUND)
    ]
    return pd.DataFrame(rows).assign(**changes)


def refused(frame: pd.DataFrame, sim: int) -> pd.DataFrame:
    """Let one simulation go without an answer."""
    frame = frame.astype({"estimate": float})
    numbers = ["estimate", "std_error", "p_value", "conf_low", "conf_high"]
    frame.loc[frame["sim"] == sim, numbers] = np.nan
    frame.loc[frame["sim"] == sim, "failed"] = "too few clusters"
    return frame


def test_the_diagnosands_are_those_worked_by_hand() -> None:
    table = Diagnosis(simulated()).tidy().set_index("diagnosand")
    error = np.array([-1.0, 1.0, -6.0, 4.0])
    assert table.loc["truth", ["value", "mc_error"]].tolist() == [2.0, 0.3]
    assert table.loc["bias", "value"] == error.mean() == -0.5
    assert table.loc["bias", "mc_error"] == pytest.approx(np.hypot(stats.sem(error), 0.3))
    rmse = np.sqrt((error**2).mean())
    assert table.loc["rmse", "value"] == pytest.approx(rmse)
    by_delta = stats.sem(error**2) / (2 * rmse)
    assert table.loc["rmse", "mc_error"] == pytest.approx(np.hypot(by_delta, 0.5 / rmse * 0.3))
    assert table.loc["coverage", "value"] == 0.25
    assert table.loc["coverage", "mc_error"] == pytest.approx(np.sqrt(0.25 * 0.75 / 3))
    assert table.loc["power", "value"] == 0.75
    assert table.loc["type_s", "value"] == pytest.approx(1 / 3)
    assert table.loc["type_m", "value"] == pytest.approx((1.5 + 2.0 + 3.0) / 3)
    assert table.loc["type_m", "mc_error"] == pytest.approx(stats.sem([1.5, 2.0, 3.0]))
    assert table.loc["interval_length", "value"] == pytest.approx((4 + 1 + 6 + 4) / 4)
    assert table.loc["se_ratio", "value"] == pytest.approx(1 / error.std(ddof=1))
    assert table.loc["failure_rate", "value"] == 0.0
    assert table.loc["audit_hours", "value"] == 6.0
    assert set(table.index) == set(DIAGNOSANDS)


def test_the_error_of_the_ratio_of_errors_is_that_of_a_jackknife(rng: np.random.Generator) -> None:
    n = 400
    frame = pd.concat([simulated().iloc[:1]] * n, ignore_index=True)
    frame["sim"] = frame["world"] = np.arange(n)
    frame["estimate"] = rng.standard_t(8, n)
    frame["std_error"] = rng.uniform(0.5, 1.5, n)
    table = Diagnosis(frame).tidy().set_index("diagnosand")

    def ratio(keep: Any) -> float:
        return float(frame["std_error"][keep].mean() / frame["estimate"][keep].std())

    left_out = [ratio(frame.index != k) for k in frame.index]
    jackknife = np.std(left_out) * np.sqrt(n - 1)
    assert table.loc["se_ratio", "mc_error"] == pytest.approx(jackknife, rel=0.05)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_a_refusal_is_counted_finds_nothing_and_chooses_the_control() -> None:
    diagnosis = Diagnosis(refused(simulated(), 3))
    table = diagnosis.tidy().set_index("diagnosand")
    assert table.loc["failure_rate", "value"] == 0.25
    assert table.loc["power", "value"] == 0.5
    assert table.loc["power", "sims"] == 4
    assert table.loc["bias", "value"] == pytest.approx((-1 + 1 - 6) / 3)
    assert table.loc["bias", "sims"] == 3
    assert table.loc["wrong_choice", "value"] == 0.5
    assert diagnosis.failures()[["answer", "failed", "sims"]].to_numpy().tolist() == [
        ["log", "too few clusters", 1]
    ]


def test_an_answer_that_always_fails_has_no_bias_and_a_failure_rate_of_one() -> None:
    frame = simulated()
    for sim in range(4):
        frame = refused(frame, sim)
    table = Diagnosis(frame).tidy().set_index("diagnosand")["value"]
    assert table["failure_rate"] == 1.0
    assert table[["bias", "rmse", "coverage", "type_m", "se_ratio"]].isna().all()


def test_choices_and_what_they_lose_are_those_worked_by_hand() -> None:
    # the truth says that the bonus is better (+2), profit that it costs 90 a month
    best = Diagnosis(simulated())
    assert best.value("wrong_choice") == 0.25  # the one negative estimate
    assert best.value("regret") == pytest.approx(90 * 0.75)
    error = best.plot_data("regret")["mc_error"][0]
    assert error == pytest.approx(np.hypot(stats.sem([90, 90, 0, 90]), 0.75 * 4.0))
    clear = Diagnosis(simulated(), rule="clear")
    assert clear.value("wrong_choice") == 0.5
    assert clear.value("regret") == pytest.approx(90 * 0.5)


def test_less_is_better_turns_the_choice_around() -> None:
    assert Diagnosis(simulated(better=-1)).value("regret") == pytest.approx(90 * 0.25)
    assert Diagnosis(simulated(better=-1), rule="clear").value("wrong_choice") == 0.25


def test_of_several_schemes_the_best_is_chosen() -> None:
    other = simulated(scheme="target", truth=1.0, money=50.0, money_mc_error=0.0)
    other["estimate"] = [2.0, 1.0, -1.0, 7.0]
    found = Diagnosis(pd.concat([simulated(), other], ignore_index=True))
    # chosen: target, bonus, control, target; by its truth the bonus is best, by profit the target
    assert found.value("wrong_choice") == 0.75
    assert found.value("regret") == pytest.approx((0 + 140 + 50 + 0) / 4)


def test_none_in_many_is_not_known_without_error() -> None:
    table = Diagnosis(simulated()).tidy().set_index("diagnosand")
    assert table.loc["failure_rate", "mc_error"] == pytest.approx(np.sqrt(0.25 * 0.75 / 8))


def test_simulations_of_one_world_are_no_news_of_others() -> None:
    twice = pd.concat([simulated(), simulated().assign(sim=lambda each: each["sim"] + 4)])
    once, again = (Diagnosis(each).tidy().set_index("diagnosand") for each in (simulated(), twice))
    for name in ("bias", "rmse", "coverage", "type_m", "interval_length"):
        assert again.loc[name, "mc_error"] == pytest.approx(once.loc[name, "mc_error"])


def test_wrong_signs_are_not_counted_where_twins_do_not_know_the_sign() -> None:
    table = Diagnosis(simulated(truth_mc_error=1.5)).tidy().set_index("diagnosand")["value"]
    assert table[["type_s", "type_m"]].isna().all()


def test_a_stored_frame_is_as_good_as_a_fresh_one(found: Diagnosis, tmp_path: Path) -> None:
    found.simulations.to_parquet(tmp_path / "simulations.parquet")
    stored = Diagnosis(pd.read_parquet(tmp_path / "simulations.parquet"), rule=found.rule)
    pd.testing.assert_frame_equal(stored.tidy(), found.tidy())


def test_a_frame_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(KeyError, match="lack the columns 'truth'"):
        Diagnosis(simulated().drop(columns="truth"))


# ── the truth and those who stand beside ─────────────────────────────────────────────────────────


def task(study: Study, world: int = 0) -> _Task:
    return _Task(study, -1, world, np.random.SeedSequence(3), None, _asked(study))


def test_the_truth_is_that_of_twins(found: Diagnosis) -> None:
    study = tiny(questions=EVERY)
    pairs = []
    for world in range(2):
        seed = task(study).seed(WORLD, world)
        records = inc.simulate(
            CENTRE.vary(scheme=SCHEMES), months=2, rng=seed, keep="cells", progress=False
        )
        pairs.append(outcomes(records, horizon=2).drop(columns="run").diff().iloc[1])
    gaps = pd.DataFrame(pairs)
    gaps["inflation"] = gaps["success_logged"] - gaps["success_true"]
    known = found.simulations.drop_duplicates("question").set_index("question")
    for question in EVERY:
        assert known.loc[question, "truth"] == pytest.approx(gaps[question].mean())
        assert known.loc[question, "truth_mc_error"] == pytest.approx(gaps[question].sem())
        assert known.loc[question, "money"] == pytest.approx(gaps["profit"].mean())


def test_the_oracle_and_the_log_are_pooled_shares_by_hand(found: Diagnosis) -> None:
    study = tiny(questions=EVERY)
    rng = np.random.default_rng(task(study).seed(DEAL, 0))
    arms = study.assign.arms(list(SCHEMES), "wage", 6, rng)
    records = task(study).run([CENTRE.assign(SCHEMES, arms=arms)], "")
    assert sorted(arms) == ["saves"] * 3 + ["wage"] * 3
    first = found.simulations[found.simulations["sim"] == 0].set_index(["answer", "question"])
    cells = records.cells[records.cells["agent"] >= 0]
    good = ["sale", "saved"]
    columns = {
        ("oracle", "gamed"): cells["true_gaming"] != "none",
        ("oracle", "success_true"): cells["true_outcome"].isin(good),
        ("naive", "success_true"): cells["logged_outcome"].isin(good),
    }
    scheme = cells["scheme"].astype(str)
    for key, hit in columns.items():
        share = 100 * (cells["n"] * hit).groupby(scheme).sum() / cells["n"].groupby(scheme).sum()
        assert first.loc[key, "estimate"] == pytest.approx(share["saves"] - share["wage"])
    customers = records.customers[records.customers["initial"]]
    by = customers["scheme"].astype(str)
    start = customers["n"].where(customers["month"] == 0, 0).groupby(by).sum()
    lost = 100 * customers["left"].groupby(by).sum() / start
    assert first.loc[("oracle", "churn"), "estimate"] == pytest.approx(lost["saves"] - lost["wage"])
    gone = cells["n"].where(cells["logged_outcome"] == "cancelled", 0).groupby(scheme).sum()
    told = 100 * gone / start
    assert first.loc[("naive", "churn"), "estimate"] == pytest.approx(told["saves"] - told["wage"])
    month = (cells["n"] * (2 - cells["month"])).where(cells["logged_outcome"] == "cancelled", 0)
    kept = 2 - month.groupby(scheme).sum() / start
    naive = first.loc[("naive", "months_retained"), "estimate"]
    assert naive == pytest.approx(kept["saves"] - kept["wage"])
    stayed = (customers["n"] - customers["left"]).groupby(by).sum() / start
    oracle = first.loc[("oracle", "months_retained"), "estimate"]
    assert oracle == pytest.approx(stayed["saves"] - stayed["wage"])


def test_the_profits_of_all_teams_add_up_to_that_of_the_centre() -> None:
    """Under one scheme a team's mean profit times the teams is the centre's, but for newcomers."""
    study = tiny(questions=("profit",), answers=())
    arms = ["wage", "saves"] * 3
    records = task(study).run([CENTRE.assign(SCHEMES, arms=arms)], "")
    levels = []
    for scheme in SCHEMES:
        cells = records.cells[(records.cells["scheme"] == scheme).to_numpy()]
        bills = records.customers[(records.customers["scheme"] == scheme).to_numpy()]
        pay = records.agents[(records.agents["scheme"] == scheme).to_numpy()]["paid"].sum()
        sold = cells["value"].where(cells["true_outcome"] == "sale", 0).sum()
        net = bills["value"].sum() + bills["data_sold"].sum() - bills["refund"].sum()
        levels.append((sold + net - pay) * 2 / study.months)
    estimate = ANSWERS["oracle"].ask(records, study).rows["estimate"][0]
    assert estimate == pytest.approx(levels[1] - levels[0])
    whole = outcomes(records, horizon=2).iloc[0]
    assert sum(levels) / 2 == pytest.approx(whole["profit"] + whole["acquisition"])


def test_months_before_the_start_count_for_nothing() -> None:
    study = tiny(assign=Assign(start=1), questions=EVERY)
    records = task(study).run([study._dealt(["saves"] * 6)], "")
    later = records.cells[(records.cells["month"] == 1) & (records.cells["agent"] >= 0)]
    true = true_values(records, {name: QUESTIONS[name] for name in EVERY}, 1).iloc[0]
    share = (later["n"] * (later["true_gaming"] != "none")).sum() / later["n"].sum()
    assert true["gamed"] == pytest.approx(100 * share)
    at_risk = records.customers[(records.customers["month"] == 1) & records.customers["initial"]]
    assert true["churn"] == pytest.approx(100 * at_risk["left"].sum() / at_risk["n"].sum())
    bills = records.customers[records.customers["month"] == 1]
    net = bills["value"].sum() + bills["data_sold"].sum() - bills["refund"].sum()
    sold = later.loc[later["true_outcome"] == "sale", "value"].sum()
    paid = records.agents.loc[records.agents["month"] == 1, "paid"].sum()
    won = records.runs["won"] * records.runs["cost_of_winning"]
    assert true["money"] == pytest.approx(net + sold - paid - won.iloc[0])
    found = study.diagnose(2, pairs=2, rng=3).simulations
    answered = found[found["question"].isin(["success_true", "churn", "profit"])]
    assert (answered["failed"] == "").all()


def test_everybody_answers_all_that_they_can_and_answers_add_up() -> None:
    study = Study(
        worlds.contractor(),
        worlds.SCHEMES,
        "wage",
        worlds.MONTHS,
        questions=tuple(QUESTIONS),
        answers=tuple(ANSWERS),
    )
    records = next(worlds.each(worlds.oracle("gamed")))
    seen = records.seen_by("analyst")
    found = {}
    for name, answer in ANSWERS.items():
        rows = list(_answered(name, answer, records if answer.sees_truth else seen, study))
        assert [row["failed"] for row in rows] == [""] * len(answer.questions), name
        found |= {(name, row["question"]): row["estimate"] for row in rows}
    assert {question for _, question in found} == set(QUESTIONS)
    logged = found["scheme_effect", "success_logged"]
    true, false = found["true_effect", "success_true"], found["kpi_inflation", "inflation"]
    assert logged == pytest.approx(true + false)
    assert logged == pytest.approx(found["naive", "success_logged"])
    assert found["competing_risks", "churn"] == pytest.approx(found["oracle", "churn"])


def test_only_the_oracle_is_handed_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: dict[str, list[str]] = {}

    def spying(name: str, answer: Answer) -> Answer:
        def ask(records: inc.Records, study: Study) -> Estimate:
            handed[name] = [column for column in records.cells if column.startswith("true_")]
            return answer.ask(records, study)

        return dataclasses.replace(answer, ask=ask)

    for name, answer in list(ANSWERS.items()):
        monkeypatch.setitem(ANSWERS, name, spying(name, answer))
    tiny().diagnose(2, pairs=2, rng=1)
    assert {name for name, columns in handed.items() if columns} == {"oracle"}
    assert set(handed) == {"naive", "oracle", "gaming_effect", "churn_effect"}


# ── living it through ────────────────────────────────────────────────────────────────────────────


def test_one_process_and_two_find_the_same(found: Diagnosis) -> None:
    two = tiny(questions=EVERY).diagnose(4, pairs=2, rng=3, n_jobs=2)
    pd.testing.assert_frame_equal(two.simulations, found.simulations)


def test_simulations_differ_and_seeds_matter(found: Diagnosis) -> None:
    oracle = found.simulations[found.simulations["answer"] == "oracle"]
    assert (oracle.groupby("question")["estimate"].nunique() == 4).all()
    other = tiny(questions=EVERY).diagnose(2, pairs=2, rng=4).simulations
    both = set(other["estimate"]) & set(found.simulations["estimate"])
    assert both <= {0.0}  # audits that met nothing, in both


def test_what_was_lived_through_is_not_lived_through_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tiny().diagnose(3, pairs=2, rng=3, folder=tmp_path)
    monkeypatch.setattr("incentives.simulation.World.run", None)
    again = tiny().diagnose(3, pairs=2, rng=3, folder=tmp_path)
    pd.testing.assert_frame_equal(again.simulations, first.simulations)
    with pytest.raises(ValueError, match="another sweep"):
        tiny().diagnose(3, pairs=2, rng=4, folder=tmp_path)


def test_in_a_fan_the_people_stay_and_the_units_are_dealt_anew() -> None:
    study = tiny(questions=("churn",), answers=("churn_effect",))
    frame = study.diagnose(6, worlds=2, rng=3).simulations
    oracle = frame[frame["answer"] == "oracle"]
    assert oracle["world"].tolist() == [0, 1, 0, 1, 0, 1]
    assert oracle.groupby("world")["truth"].nunique().tolist() == [1, 1]
    assert oracle["truth"].nunique() == 2
    assert (oracle["truth_mc_error"] == 0).all()
    assert oracle["estimate"].nunique() == 6
    lone = _twins(task(study, 1)).set_index("scheme")["churn"]
    assert oracle["truth"].iloc[1] == pytest.approx(lone["saves"] - lone["wage"])


def test_units_are_dealt_as_told() -> None:
    rng = np.random.default_rng(1)
    schemes = ["wage", "a", "b"]
    assert sorted(Assign().arms(schemes, "wage", 9, rng)) == ["a"] * 3 + ["b"] * 3 + ["wage"] * 3
    assert sorted(Assign(treated=4).arms(schemes, "wage", 9, rng)) == [*"aabb", *["wage"] * 5]
    decks = {tuple(Assign(treated=1).arms(["wage", "a"], "wage", 3, rng)) for _ in range(50)}
    assert len(decks) == 3
    study = tiny(assign=Assign("agent", treated=2), questions=("success_true",), answers=())
    found = study.diagnose(2, pairs=2).simulations
    assert (found["failed"] == "").all()
    assert found["df"].between(1, 4).all()


def test_refusals_are_kept_with_their_reason() -> None:
    unaudited = dataclasses.replace(tiny(), centre=CENTRE.without("O6"))
    found = unaudited.diagnose(2, pairs=2)
    assert (
        found.value("failure_rate", answer="gaming_effect", question="gamed", scheme="saves") == 1
    )
    assert found.failures()["failed"].str.contains("records have no audits").any()


def test_four_teams_are_answered_by_randomisation_with_intervals_that_may_have_no_end() -> None:
    small = dataclasses.replace(tiny(), centre=CENTRE.change({"floor.teams": 4}))
    found = small.diagnose(2, pairs=2)
    row = {"answer": "gaming_effect", "question": "gamed", "scheme": "saves"}
    assert found.value("failure_rate", **row) == 0
    assert found.value("power", **row) == 0  # four teams cannot reject at 5 %
    assert np.isinf(found.value("interval_length", **row))


def test_in_the_null_study_there_is_nothing_to_find() -> None:
    found = tiny().null().diagnose(2, pairs=2).simulations
    assert (found[["truth", "money", "truth_mc_error"]] == 0).all(axis=None)
    assert found["scheme"].unique().tolist() == ["saves"]
    assert found["estimate"].abs().max() > 0


def test_the_hours_of_checking_are_those_of_the_checks() -> None:
    study = tiny(audit_minutes=30.0)
    hours = study.diagnose(2, pairs=2, rng=3).simulations["audit_hours"].iloc[0]
    rng = np.random.default_rng(task(study).seed(DEAL, 0))
    arms = study.assign.arms(list(SCHEMES), "wage", 6, rng)
    records = task(study).run([CENTRE.assign(SCHEMES, arms=arms)], "")
    assert hours == len(records.audits) / 2


@pytest.mark.slow
def test_with_gaming_the_log_is_fooled_and_the_checks_are_not() -> None:
    centre = worlds.contractor().change({"floor.teams": 8, "floor.customers": 17_600})
    study = Study(
        centre, worlds.SCHEMES, "wage", 1, questions=("success_true",), answers=("gaming_effect",)
    )
    found = study.diagnose(24, pairs=8, rng=5)
    table = found.plot_data("coverage").set_index("answer")["value"]
    low, high = stats.binom.ppf([0.0005, 0.9995], 24, 0.95) / 24
    assert low <= table["gaming_effect"] <= high
    assert low <= table["oracle"] <= high
    assert table["naive"] < low
    bias = found.plot_data("bias").set_index("answer")
    assert abs(bias.loc["gaming_effect", "value"]) < 4 * bias.loc["gaming_effect", "mc_error"]
    assert bias.loc["naive", "value"] > 10 * bias.loc["naive", "mc_error"]


@pytest.mark.slow
def test_without_gaming_the_checks_say_what_the_log_says() -> None:
    centre = worlds.contractor().change({"floor.teams": 8, "floor.customers": 17_600})
    study = Study(
        centre.without(*worlds.GAMING),
        worlds.SCHEMES,
        "wage",
        1,
        questions=("success_true",),
        answers=("gaming_effect",),
    )
    found = study.diagnose(3, pairs=2, rng=5).simulations
    estimates = found.pivot_table(index="sim", columns="answer", values="estimate")
    np.testing.assert_allclose(estimates["gaming_effect"], estimates["oracle"], atol=1e-9)
    np.testing.assert_allclose(estimates["naive"], estimates["oracle"], atol=1e-9)


# ── variants ─────────────────────────────────────────────────────────────────────────────────────


def test_a_grid_holds_every_combination_and_its_diagnosis_says_which() -> None:
    study = tiny(questions=("gamed",), answers=("gaming_effect",))
    grid = study.redesign(teams=[6, 8], audit_rate=[0.1, 0.4])
    assert len(grid.studies) == 4
    assert grid.studies[2].centre.floor.teams == 8
    assert grid.studies[2].centre.floor.customers == 2400
    assert grid.studies[1].centre.audit.rate == 0.4
    assert study.redesign(months=[1, 3]).studies[1].months == 3
    usual = dataclasses.replace(study, centre=study.centre.change({"floor.days": 20}))
    assert [each.months for each in usual.redesign(weeks=[4, 12]).studies] == [1, 3]
    with pytest.raises(ValueError, match=r"weeks must make whole months of 4 .*got 6"):
        usual.redesign(weeks=[6])
    assert study.redesign(treated=[2]).studies[0].assign.treated == 2
    assert study.redesign(**{"audit.on_saves": [0.3]}).studies[0].centre.audit.on_saves == 0.3
    found = grid.diagnose(2, pairs=2, rng=1)
    table = found.tidy()
    assert found.by == ("teams", "audit_rate")
    assert set(table[["teams", "audit_rate"]].itertuples(index=False, name=None)) == {
        (6, 0.1),
        (6, 0.4),
        (8, 0.1),
        (8, 0.4),
    }
    hours = table[table["diagnosand"] == "audit_hours"].groupby("audit_rate")["value"].mean()
    assert hours[0.4] > 2 * hours[0.1]
    alone = grid.studies[3].diagnose(2, pairs=2, rng=1).simulations
    own = found.simulations[(found.simulations["teams"] == 8)].tail(len(alone))
    pd.testing.assert_frame_equal(own[list(alone)].reset_index(drop=True), alone)
    ax = found.plot("power")
    drawn = [line for line in ax.containers if line.get_label()]
    assert len(drawn) == 6
    table = found.plot_data("power")
    of_log = table[(table["answer"] == "naive") & (table["audit_rate"] == 0.1)]
    named = next(line for line in drawn if line.get_label() == "naive, audit_rate 0.1")
    drawn_values = np.asarray(named.lines[0].get_ydata(), dtype=float)
    np.testing.assert_allclose(drawn_values, of_log["value"].astype(float))
    plt.close(ax.figure)


def test_a_single_study_is_drawn_too(found: Diagnosis) -> None:
    ax = found.plot("coverage", question="churn")
    assert ax.get_ylabel() == "coverage: churn"
    plt.close(ax.figure)
    with pytest.raises(KeyError, match="did you mean 'power'"):
        found.plot("powers")
    with pytest.raises(KeyError, match="no question 'sales'"):
        found.plot("power", question="sales")


def test_a_value_must_be_the_only_one_that_fits(found: Diagnosis) -> None:
    with pytest.raises(ValueError, match="values of 'bias' fit"):
        found.value("bias")
    with pytest.raises(KeyError, match="no answer 'oracel'"):
        found.value("bias", answer="oracel")


def test_it_shows_itself_with_errors_in_parentheses(found: Diagnosis) -> None:
    assert repr(found).startswith("Diagnosis of 4 simulations")
    assert "(" in repr(found).splitlines()[-1]
    assert "<table" in found._repr_html_()


# ── names and numbers that cannot be ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"questions": ("churns",)}, "did you mean 'churn'"),
        ({"answers": ("gaming_efect",)}, "did you mean 'gaming_effect'"),
        ({"control": "wages"}, "did you mean 'wage'"),
    ],
)
def test_names_that_are_not_known_are_met_with_the_nearest(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(KeyError, match=said):
        dataclasses.replace(tiny(), **changes)


@pytest.mark.parametrize("name", ["team", "rate", "audits"])
def test_a_grid_over_what_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(KeyError, match="no parameter"):
        tiny().redesign(**{name: [1, 2]})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schemes": {"wage": inc.Wage()}}, "two or more"),
        ({"questions": ()}, "must name one or more"),
        ({"questions": ("churn",), "answers": ("gaming_effect",)}, "none of these is asked"),
        ({"rule": "worst"}, "'best' or 'clear'"),
        ({"audit_minutes": 0.0}, "above 0"),
        ({"assign": Assign(start=2)}, "counted from 0"),
        ({"assign": Assign(treated=6)}, "between 1 and 5 of 6 teams"),
        ({"assign": Assign(treated=0)}, "between 1 and 5 of 6 teams"),
    ],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(tiny(), **changes)


def test_the_log_and_the_oracle_always_stand_beside() -> None:
    assert tiny(answers=("gaming_effect",)).answers == ("naive", "oracle", "gaming_effect")
    assert tiny(answers=("oracle", "churn_effect")).answers == ("naive", "oracle", "churn_effect")


# ── frozen ───────────────────────────────────────────────────────────────────────────────────────


def test_a_frozen_study_thaws_to_the_same(tmp_path: Path) -> None:
    study = dataclasses.replace(
        tiny(assign=Assign("team", treated=2, start=1), rule="clear", months=3),
        centre=worlds.contractor().without("G4", "G5"),
        schemes={**SCHEMES, "mixed": SCHEMES["saves"] + inc.Target("saves", 4, lump=80.0)},
    )
    path = study.freeze(tmp_path / "plan.toml")
    thawed = Study.thaw(path)
    assert thawed == study
    assert thawed.digest() == study.digest()
    assert thawed.digest() != dataclasses.replace(study, rule="best").digest()
    text = path.read_text()
    for word in ('rule = "clear"', 'control = "wage"', 'kind = "Target"', "digest = "):
        assert word in text


def test_a_frozen_study_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = tiny().freeze(tmp_path / "plan.toml")
    path.write_text(path.read_text().replace("months = 2", "months = 6"))
    with pytest.raises(ValueError, match="changed after it was frozen"):
        Study.thaw(path)


def test_what_is_frozen_is_not_overwritten(tmp_path: Path) -> None:
    tiny().freeze(tmp_path / "plan.toml")
    with pytest.raises(FileExistsError):
        tiny().freeze(tmp_path / "plan.toml")


def test_a_default_that_changed_since_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tiny().freeze(tmp_path / "plan.toml")
    own = tiny()
    other = dataclasses.replace(own, centre=CENTRE.change({"surveys.answers": 0.123}))
    monkeypatch.setattr(Study, "_of", lambda document: other)
    with pytest.raises(ValueError, match="defaults have changed"):
        Study.thaw(path)


def test_a_scheme_of_ones_own_cannot_be_frozen(tmp_path: Path) -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Mine(inc.Wage):
        pass

    study = dataclasses.replace(tiny(), schemes={"wage": inc.Wage(), "mine": Mine()})
    with pytest.raises(ValueError, match="is no scheme"):
        study.freeze(tmp_path / "plan.toml")
    assert not (tmp_path / "plan.toml").exists()
