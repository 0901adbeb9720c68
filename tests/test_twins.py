"""What twins are compared by: outcomes of whole worlds, of samples of them, and of which worlds."""

import pytest

import incentives as inc
from incentives.truth import outcomes


def test_a_sample_of_customers_stands_for_all_in_money() -> None:
    centre = inc.Scenario(floor=inc.Floor(teams=2, customers=6000))
    whole, part = (
        outcomes(inc.simulate(centre, months=3, rng=2, keep=keep, progress=False)).iloc[0]
        for keep in ("contacts", 0.3)
    )
    for name in ("revenue", "profit"):
        assert part[name] == pytest.approx(whole[name], rel=0.05), name
    for name in ("gamed", "pay", "acquisition", "sales_true"):
        assert part[name] == whole[name], name


def test_a_label_that_stands_for_two_scenarios_is_no_world_of_twins() -> None:
    centre = inc.Scenario(floor=inc.Floor(teams=1, customers=300))
    schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    worlds = centre.vary(scheme=schemes, **{"audit.rate": [0.0, 0.3]})
    records = inc.simulate(worlds, replications=3, months=1, rng=1, progress=False)
    with pytest.raises(ValueError, match="'saves' stands for 2 scenarios in the records"):
        inc.truth_of(records, policy="saves", against="wage")
    churn = inc.churn_effect(records, control="wage", horizon=1)
    assert not {check.name: check for check in churn.checks}["one scenario"].passed


def test_churn_is_counted_to_the_end_of_a_run_at_most() -> None:
    centre = inc.Scenario(floor=inc.Floor(teams=1, customers=300))
    short = {"replications": 2, "months": 2, "progress": False}
    with pytest.raises(
        ValueError, match="horizon must lie between 1 and the run's 2 months, got 3"
    ):
        inc.twins(centre, centre, horizon=3, **short)  # type: ignore[arg-type]
    whole, default = (inc.twins(centre, centre, horizon=h, **short) for h in (2, None))  # type: ignore[arg-type]
    assert whole.pairs.equals(default.pairs)
