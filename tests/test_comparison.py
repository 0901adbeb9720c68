"""Schemes compared on the same worlds: the core of `incentives compare`."""

import numpy as np
import pandas as pd
import pytest

import incentives as inc

CENTRE = inc.Scenario(
    name="tiny",
    floor=inc.Floor(teams=1, customers=600, days=5),
    leaving=inc.Leaving(base=0.15),
    audit=inc.Audit(rate=0.3),
)
SCHEMES = {
    "wage": inc.Wage(),
    "saves": inc.Wage() + inc.PieceRate("saves", 30.0),
    "sales": inc.Wage() + inc.PieceRate("sales", 10.0),
}
SETTINGS = {"replications": 3, "months": 2, "rng": 5}


@pytest.fixture(scope="module")
def found() -> inc.Comparison:
    return inc.compare(CENTRE, SCHEMES, **SETTINGS)


def test_every_scheme_meets_the_same_worlds(found):
    records = inc.simulate(CENTRE.vary(scheme=SCHEMES), keep="cells", **SETTINGS)
    pd.testing.assert_frame_equal(found.records.days, records.days)
    assert found.control == "wage"
    assert found.schemes == SCHEMES
    opening = found.records.days[found.records.days["day"] == 0]
    first_calls = opening["offered"] - opening["callbacks"]
    by_world = first_calls.groupby(opening["run"] % 3).nunique()
    assert (by_world == 1).all()


def test_the_effects_are_the_twins(found):
    twins = inc.truth_of(found.records, policy="saves", against="wage", horizon=2)
    mine = found.effects[found.effects["scheme"] == "saves"].drop(columns=["scheme", "control"])
    pd.testing.assert_frame_equal(mine.reset_index(drop=True), twins.tidy())


def test_effects_are_differences_of_outcomes(found):
    means = found.outcomes.pivot_table(index="outcome", columns="scheme", values="mean")
    for row in found.effects.to_dict("records"):
        gap = means.loc[row["outcome"], row["scheme"]] - means.loc[row["outcome"], "wage"]
        assert row["effect"] == pytest.approx(gap)


def test_outcomes_hold_the_floors_figures_worked_by_hand(found):
    table = found.outcomes.set_index(["scheme", "outcome"])
    assert table.index.get_level_values("scheme").unique().tolist() == list(SCHEMES)
    days = found.records.days
    days = days[days["run"] < 3]
    total = days.groupby("run")[["offered", "within", "minutes_busy", "minutes_on_duty"]].sum()
    level = 100 * total["within"] / total["offered"]
    assert table.loc[("wage", "service_level"), "mean"] == pytest.approx(level.mean())
    assert table.loc[("wage", "service_level"), "mc_error"] == pytest.approx(
        level.std(ddof=1) / np.sqrt(3)
    )
    occupancy = 100 * (total["minutes_busy"] / total["minutes_on_duty"]).mean()
    assert table.loc[("wage", "occupancy"), "mean"] == pytest.approx(occupancy)
    assert table.loc[("wage", "contacts"), "mean"] == pytest.approx(total["offered"].mean() / 2)


def test_estimates_stand_beside_the_truth(found):
    estimates = found.estimates()
    truth = found.effects.set_index(["scheme", "outcome"])["effect"]
    headline = estimates[(estimates["estimand"] == "gamed") & (estimates["group"] == "")]
    assert not found.refused
    assert headline.loc[headline["contrast"] == "saves vs wage", "truth"].tolist() == [
        truth["saves", "gamed"],
        truth["saves", "gamed"],
    ]
    churn = estimates[(estimates["estimand"] == "churn") & (estimates["group"] == "")]
    np.testing.assert_allclose(churn["estimate"], churn["truth"], atol=0.5)
    assert estimates.loc[estimates["estimand"] == "inflation", "truth"].isna().all()


def test_what_cannot_be_estimated_is_said_and_the_truth_is_there_all_the_same():
    unaudited = CENTRE.without("O6")
    found = inc.compare(unaudited, SCHEMES, replications=2, months=1)
    assert found.gaming is None
    assert set(found.refused) == {"gaming_effect", "churn_effect"}
    assert len(found.effects) > 0
    assert found.estimates().empty


@pytest.mark.parametrize(
    ("schemes", "settings", "kind", "says"),
    [
        (["saves", "wgae"], {}, KeyError, "no scheme 'wgae' in scenario 'tiny'.*mean 'wage'"),
        (["saves"], {}, ValueError, "two or more, got saves"),
        (None, {"control": "sale"}, KeyError, "no scheme 'sale' in the comparison.*mean 'sales'"),
        (None, {"replications": 1}, ValueError, "replications must be 2 or more, got 1"),
        (None, {"horizon": 0}, ValueError, "horizon must be 1 or more, got 0"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(schemes, settings, kind, says, tmp_path):
    path = tmp_path / "tiny.toml"
    parts = "\n".join(f'[[schemes.{name}]]\nkind = "Wage"' for name in SCHEMES)
    path.write_text(f'name = "tiny"\n{parts}\n')
    with pytest.raises(kind, match=says):
        inc.compare(inc.Scenario.load(path), schemes, **settings)
