"""Clusters that came under a scheme with unlike chances: what weighs them, and what says so."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

import incentives as inc
from incentives.estimates import Check, Estimate, scheme_effect

CONTACTS = 300
LIKELY = (0.8, 0.2)  # the chance of the bonus at each of two sites
LEVEL = (0.4, 0.2)  # of logged saves there, whatever is paid


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def sites(rng: np.random.Generator, agents: int = 60) -> inc.Records:
    """Make agents of two sites, likelier under the bonus where more is saved; it does nothing."""
    site = np.arange(agents) * 2 // agents
    chance = np.take(LIKELY, site)
    bonus = rng.random(agents) < chance
    scheme = np.where(bonus, "bonus", "wage")
    saved = rng.binomial(CONTACTS, np.take(LEVEL, site) + rng.normal(0, 0.03, agents))
    each = pd.DataFrame(
        {"run": 0, "month": 0, "agent": np.arange(agents), "team": 0, "scheme": scheme}
    ).assign(reason="cancel")
    given = {"run": 0, "unit": "agent", "unit_id": range(agents), "scheme": scheme}
    months = {"from_month": 0, "to_month": 1, "randomised": True}
    names = ("contacts", "agents", "audits", "surveys", "customers", "days", "choices", "clients")
    return inc.Records(
        runs=pd.DataFrame({"run": [0], "replication": [0], "scheme": ["assigned"]}),
        cells=pd.concat(
            [
                each.assign(logged_outcome="saved", n=saved),
                each.assign(logged_outcome="cancelled", n=CONTACTS - saved),
            ]
        ),
        assignments=pd.DataFrame(given | months).assign(prob=np.where(bonus, chance, 1 - chance)),
        **dict.fromkeys(names, pd.DataFrame()),
    )


def headline(records: inc.Records) -> "pd.Series[float]":
    return scheme_effect(records, control="wage", outcome="saves").tidy().iloc[0]


def check_of(effect: Estimate) -> Check:
    return {check.name: check for check in effect.checks}[
        "unlike chances of assignment taken into account"
    ]


def alike(records: inc.Records) -> inc.Records:
    """Say that all had the same chance, which is not so."""
    given = records.assignments.assign(prob=0.5)
    return inc.Records(**{**records.frames(), "assignments": given})


def test_means_are_weighted_by_the_inverse_of_the_recorded_chance(
    rng: np.random.Generator,
) -> None:
    records = sites(rng)
    cells, given = records.cells, records.assignments
    share = cells[cells["logged_outcome"] == "saved"]["n"].to_numpy() / CONTACTS
    mean = {
        name: np.average(share[own], weights=1 / given["prob"][own])
        for name, own in given.groupby("scheme").indices.items()
    }
    row = headline(records)
    assert row["estimate"] == pytest.approx(100 * (mean["bonus"] - mean["wage"]))
    assert row["n"] == len(given) * CONTACTS


def test_a_scheme_that_does_nothing_is_found_to_do_nothing_where_unweighted_it_would() -> None:
    worlds = [sites(np.random.default_rng([7, k])) for k in range(150)]
    weighed = pd.DataFrame([headline(world) for world in worlds])
    held = int(((weighed["conf_low"] < 0) & (weighed["conf_high"] > 0)).sum())
    low, high = stats.binom.ppf([0.0005, 0.9995], len(worlds), 0.95)
    assert low <= held <= high
    assert all(headline(alike(world))["conf_low"] > 0 for world in worlds[:20])


def test_what_is_weighted_passes_a_check_and_what_is_not_fails_it(
    rng: np.random.Generator,
) -> None:
    records = sites(rng)
    told = check_of(scheme_effect(records, control="wage", outcome="saves"))
    assert told.passed
    assert told.value == pytest.approx(4)
    assert check_of(scheme_effect(alike(records), control="wage", outcome="saves")).value == 1
    agents = records.cells.groupby(["run", "month", "agent", "team", "scheme"])["n"].sum()
    agents = agents.reset_index().assign(logged_sales=rng.poisson(6, len(agents)))
    counted = inc.Records(**{**records.frames(), "agents": agents})
    failed = check_of(inc.bunching(counted, threshold=8, control="wage"))
    assert not failed.passed
    assert "ask `scheme_effect`" in failed.advice


def test_audits_are_not_weighted_so_the_true_outcome_is_refused(rng: np.random.Generator) -> None:
    records = sites(rng)
    drawn = records.cells.assign(prob=0.5, found="none")
    drawn["found_outcome"] = drawn["logged_outcome"]
    audited = inc.Records(**{**records.frames(), "audits": drawn})
    effect = scheme_effect(audited, control="wage", outcome="saves")
    assert effect.tidy()["estimator"].tolist() == ["difference in means"]
    (check,) = [each for each in effect.checks if each.name.startswith("audits speak")]
    assert "not weighted by the chance of assignment" in check.advice


def test_who_was_sure_to_come_under_a_scheme_cannot_be_weighted(rng: np.random.Generator) -> None:
    records = sites(rng)
    chance: npt.NDArray[np.float64] = records.assignments["prob"].to_numpy().copy()
    chance[3] = 1.0
    given = records.assignments.assign(prob=chance)
    sure = inc.Records(**{**records.frames(), "assignments": given})
    with pytest.raises(ValueError, match="agent 3 came under its scheme with a chance of 1"):
        headline(sure)
