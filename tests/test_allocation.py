"""Where checks should go: by hand, at the bounds, and on simulated worlds."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
import worlds

import incentives as inc
from incentives.estimates import AuditPlan, optimal_audit


class Pilot:
    """Contacts and checks made by hand: (scheme, logged) -> contacts, checked, found true."""

    def __init__(
        self, counts: Mapping[tuple[str, str], tuple[int, int, int]], prob: float = 0.5
    ) -> None:
        cells, audits = [], []
        for (scheme, logged), (contacts, checked, true) in counts.items():
            cells.append((scheme, logged, contacts))
            audits += [(scheme, logged, prob, "none", "saved")] * true
            audits += [(scheme, logged, prob, "G1", "cancelled")] * (checked - true)
        self.cells = pd.DataFrame(cells, columns=["scheme", "logged_outcome", "n"])
        columns = ["scheme", "logged_outcome", "prob", "found", "found_outcome"]
        self.audits = pd.DataFrame(audits, columns=columns)

    def seen_by(self, role: str, /) -> "Pilot":
        assert role == "analyst"
        return self


ONE = Pilot(
    {("bonus", "saved"): (43_100, 100_000, 90_000), ("bonus", "lost"): (56_900, 100_000, 600)}
)


def test_the_worked_example_of_one_scheme() -> None:
    # of 100 contacts 43.1 are logged as saved; 90 % of these are true, and 0.6 % of the others
    plan = optimal_audit(ONE, audits=5_000)
    prob = plan.tidy().set_index("logged_outcome")["prob"]
    assert prob["saved"] == pytest.approx(0.087, abs=0.0005)
    assert prob["lost"] == pytest.approx(0.022, abs=0.0005)
    gains = plan.glance().iloc[0]
    assert gains["gain_over_proportional"] == pytest.approx(1.4, abs=0.05)
    assert gains["gain_over_audits_alone"] == pytest.approx(6.0, abs=0.05)
    assert gains["audits"] == pytest.approx(5_000)


def test_the_variance_is_that_of_a_stratified_sample_by_hand() -> None:
    plan = optimal_audit(ONE, audits=5_000)
    table = plan.tidy()
    weight = table["contacts"] / 100_000
    by_hand = 1e4 * (weight**2 * table["sd"] ** 2 * (1 - table["prob"]) / table["audits"]).sum()
    assert plan.variances["audits"][0] == pytest.approx(by_hand)


def test_no_other_allocation_of_the_budget_is_better(rng: np.random.Generator) -> None:
    pilot = Pilot(
        {
            ("wage", "saved"): (8_000, 400, 380),
            ("wage", "handled"): (90_000, 400, 2),
            ("bonus", "saved"): (30_000, 400, 200),
            ("bonus", "handled"): (20_000, 400, 4),
        }
    )
    minutes = {"saved": 20.0, "handled": 5.0}
    plan = optimal_audit(pilot, hours=300.0, minutes=minutes, floor=0.004)
    table = plan.tidy()
    cost = table["contacts"] * table["logged_outcome"].map(minutes) / 60
    arm = table.groupby("scheme")["contacts"].transform("sum")
    spread = 1e4 * table["contacts"] * table["sd"] ** 2 / arm**2

    def variance(prob: "pd.Series[float]") -> float:
        return float((spread * (1 / prob - 1)).sum())

    assert table["hours"].sum() == pytest.approx(300.0)
    assert (table["prob"] >= 0.004).all()
    assert plan.variances["audits"][0] == pytest.approx(variance(table["prob"]))
    for _ in range(200):
        other = (table["prob"] * np.exp(rng.normal(0, 0.2, 4))).clip(0.004, 1)
        other *= 300.0 / (cost * other).sum()
        if other.between(0.004, 1).all():
            assert variance(other) >= variance(table["prob"]) - 1e-12


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_bounds_hold_and_the_rest_of_the_budget_goes_elsewhere() -> None:
    pilot = Pilot({("bonus", "saved"): (100, 50, 25), ("bonus", "handled"): (10_000, 5_000, 0)})
    plan = optimal_audit(pilot, audits=400, floor=0.005).tidy().set_index("logged_outcome")
    assert plan.loc["saved", "prob"] == 1.0
    assert plan["audits"].sum() == pytest.approx(400)
    tight = optimal_audit(pilot, audits=60, floor=0.005).tidy().set_index("logged_outcome")
    assert tight.loc["handled", "prob"] == 0.005


def test_a_stratum_that_was_never_checked_is_held_to_be_unsure() -> None:
    pilot = Pilot({("bonus", "saved"): (1_000, 100, 90), ("bonus", "sale"): (1_000, 0, 0)})
    plan = optimal_audit(pilot, audits=100).tidy().set_index("logged_outcome")
    assert plan.loc["sale", "sd"] == 0.5
    assert plan.loc["sale", "prob"] > plan.loc["saved", "prob"]


def test_a_plan_from_some_worlds_is_surer_in_others_by_as_much_as_it_says() -> None:
    """Plan on half of the worlds, and draw checks again and again in the other half."""
    records = worlds.trial("gamed")
    pilot, later = (half(records, number) for number in (0, 1))
    said = optimal_audit(pilot, audits=10_000)
    keys = ["scheme", "logged_outcome"]
    fresh = optimal_audit(later, audits=10_000).tidy().set_index(keys)
    plan = said.tidy().set_index(keys).loc[fresh.index]
    n = fresh["contacts"].to_numpy()
    hits = np.round(n * fresh["share"].to_numpy()).astype(int)
    sign = np.where(fresh.index.get_level_values("scheme") == "retention", 100.0, -100.0)
    weight = sign * n / fresh.groupby("scheme", observed=True)["contacts"].transform("sum")
    rng = np.random.default_rng(1)

    def variance(prob: "pd.Series[float] | float") -> float:
        good = rng.binomial(hits, prob, (4_000, len(n)))
        checked = good + rng.binomial(n - hits, prob, (4_000, len(n)))
        return float((good / checked.clip(1) @ weight.to_numpy()).var())

    planned, proportional = variance(plan["prob"]), variance(10_000 / n.sum())
    # half of the worlds found some six false sales in 600 checks, so that the spread of sales, an
    # eighth of the variance in each arm, is known to 40 %, and the whole in two halves to 9 %
    assert planned == pytest.approx(said.variances["audits"][0], rel=0.36)
    assert proportional == pytest.approx(said.variances["proportional"][0], rel=0.36)
    gain = said.glance()["gain_over_proportional"][0]
    assert gain > 5
    assert proportional / planned == pytest.approx(gain, rel=0.36)


def half(records: inc.Records, number: int) -> inc.Records:
    """Take every other world."""
    return inc.Records(
        **{
            name: frame[frame["run"] % 2 == number] if "run" in frame else frame
            for name, frame in records.frames().items()
        }
    )


def test_it_reads_no_truth_and_can_ask_for_gaming() -> None:
    centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500), audit=inc.Audit(rate=0.2))
    full = inc.simulate(centre, months=1, rng=1, keep="cells")
    plans = [
        optimal_audit(each, audits=60, outcome="gamed").tidy()
        for each in (full, full.seen_by("analyst"))
    ]
    pd.testing.assert_frame_equal(*plans)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "either audits or hours"),
        ({"audits": 100, "hours": 10}, "either audits or hours"),
        ({"audits": 100}, "what the floor costs"),
        ({"audits": 1e9}, "what checking everything costs"),
        ({"audits": 5_000, "floor": 1.0}, "floor must be"),
        ({"audits": 5_000, "minutes": 0.0}, "minutes must be above 0"),
    ],
)
def test_budgets_and_numbers_out_of_range_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        optimal_audit(ONE, **settings)


def test_names_that_are_not_there_are_refused() -> None:
    with pytest.raises(KeyError, match="outcomes are 'success_true', 'gamed'"):
        optimal_audit(ONE, audits=5_000, outcome="gaming")
    with pytest.raises(KeyError, match="minutes lack 'lost'"):
        optimal_audit(ONE, audits=5_000, minutes={"saved": 5.0})
    with pytest.raises(KeyError, match="lacks the column 'reason'"):
        optimal_audit(ONE, audits=5_000, strata=("reason",))


def test_it_shows_itself() -> None:
    plan = optimal_audit(ONE, audits=5_000)
    assert isinstance(plan, AuditPlan)
    assert "1.44 times smaller" in repr(plan)
    assert inc.optimal_audit is optimal_audit


def test_a_plan_says_in_words_where_checks_go_and_what_it_rests_on() -> None:
    plan = optimal_audit(ONE, audits=5_000)
    assert "8.66 of 100 'saved' under 'bonus'" in plan.reading
    assert "2.23 of 100 'lost' under 'bonus'" in plan.reading
    assert "1.4 times smaller than with one chance for all" in plan.reading
    assert all(check.passed for check in plan.checks)
    assert len(plan.plot().get_yticklabels()) >= 2
    thin = Pilot({("bonus", "saved"): (400, 40, 30), ("bonus", "lost"): (600, 4, 0)})
    assert not optimal_audit(thin, audits=44).checks[0].passed
