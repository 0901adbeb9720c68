"""Classes of agents by their tastes: what is known is found, and what cannot be is refused."""

import dataclasses
from functools import cache

import numpy as np
import pandas as pd
import pytest
from test_choice_recovery import KINSHIP, NOISE, STAKE, TASTES, alike, paying

import incentives as inc
from incentives import tastes
from incentives.estimates import Estimate
from incentives.tastes import MOST_LEVERAGE, Menus, _without_each, menus, taste_classes

WORLDS = 4
NAMES = ["pay", "effort", "standing", "conscience", "fear", "care", "client", "reluctance"]
KINDS = {
    # conscience in stakes against the mean; what else differs from `TASTES`
    "mercenary": inc.Archetype(
        name="mercenary", share=0.5, conscience=-0.6, risk=0.0, **{**TASTES, "care": 0.0}
    ),
    "loyal": inc.Archetype(
        name="loyal", share=0.5, conscience=-0.5, risk=0.0, **{**TASTES, "care": 0.25, "pay": 0.6}
    ),
}
MEAN = inc.Conscience().mean + inc.Conscience().culture
TRUE = {
    name: {
        **{taste: getattr(kind, taste) / kind.pay for taste in TASTES},
        "conscience": STAKE * (MEAN + kind.conscience) / kind.pay,
        "reluctance": 1.0 / kind.pay,
        "pay": kind.pay / (NOISE * STAKE),
    }
    for name, kind in KINDS.items()
}


def centre(**values: object) -> inc.Scenario:
    """Thirty-two agents of two kinds and no others, half of them paid more for what they log."""
    two = alike(
        **{
            "workforce.archetypes": tuple(KINDS.values()),
            "floor.teams": 8,
            "contract.contractor": 1.0,
            "value.misreport": 0.0,
            **values,
        }
    )
    schemes = {"little": paying(4.0, 2.0, 0.0), "much": paying(9.0, 6.0, 0.2)}
    return two.assign(schemes, unit="agent")


@cache
def lived(seed: int) -> inc.Records:
    return inc.simulate(centre(), months=1, rng=seed, keep="cells", choices=1.0)


@cache
def found(seed: int) -> Estimate:
    return taste_classes(lived(seed), classes=2)


def kinds(records: inc.Records) -> pd.DataFrame:
    return records.agents[["run", "agent", "hire", "true_kind"]].drop_duplicates()


# ── what is known is found ───────────────────────────────────────────────────────────────────────


def test_each_agent_is_put_with_its_kind() -> None:
    right = []
    for seed in range(WORLDS):
        both = found(seed).details["agents"].merge(kinds(lived(seed)), validate="one_to_one")
        right.append(((both["class"] == 1) == (both["true_kind"] == "mercenary")).mean())
    assert np.mean(right) > 0.97


@pytest.mark.parametrize(("term", "kind"), [("class 1", "mercenary"), ("class 2", "loyal")])
def test_the_tastes_of_each_kind_are_found_and_covered(term: str, kind: str) -> None:
    every = pd.concat([found(seed).tidy() for seed in range(WORLDS)])
    every = every[every["term"] == term].set_index("estimand")
    hits = tries = 0
    for name in found(0).design["tastes"].split():
        rows, true = every.loc[name], TRUE[kind][name]
        assert rows["estimate"].notna().all(), name
        spread = max(rows["estimate"].std(), rows["std_error"].mean())
        assert abs(rows["estimate"].mean() - true) < 4 * spread / np.sqrt(WORLDS), (name, true)
        hits += ((rows["conf_low"] <= true) & (true <= rows["conf_high"])).sum()
        tries += len(rows)
    assert hits / tries > 0.9


def test_the_share_of_each_kind_is_that_of_the_agents_who_are_there() -> None:
    for seed in range(WORLDS):
        share = found(seed).tidy().query("estimand == 'share' and term == 'class 1'")
        mercenary = 100 * (kinds(lived(seed))["true_kind"] == "mercenary").mean()
        assert share["estimate"].item() == pytest.approx(mercenary, abs=4)


def test_what_all_agents_together_seem_to_want_is_true_of_nobody() -> None:
    rows = pd.concat([found(seed).tidy() for seed in range(WORLDS)])
    care = rows[rows["estimand"] == "care"].groupby("term")["estimate"].agg(["mean", "sem"])
    pooled = care.loc["all agents"]
    for kind in KINDS:
        assert abs(pooled["mean"] - TRUE[kind]["care"]) > 4 * pooled["sem"]


def test_money_moves_the_lies_of_the_mercenary_by_as_much_as_menus_say() -> None:
    """One per cent more for everything, by the choices that agents would have made."""
    records = lived(0)
    rows = found(0).tidy().set_index(["term", "estimand"])["estimate"]
    who = found(0).details["agents"]
    first = who[who["class"] == 1].merge(records.agents[["run", "agent", "hire", "month"]])
    choices = records.choices.merge(first[["run", "agent", "month"]])
    named = found(0).design["tastes"].split()
    theta = [rows["class 1", "pay"] * (1 if n == "pay" else rows["class 1", n]) for n in named]
    theta = np.append(theta, KINSHIP)
    more = choices.assign(true_pay=1.01 * choices["true_pay"])
    lies = [menus(each, named).lies(theta).sum() for each in (choices, more)]
    elasticity = np.log(lies[1] / lies[0]) / np.log(1.01)
    assert elasticity == pytest.approx(rows["class 1", "elasticity"], rel=0.1)


def test_bic_finds_two_kinds_where_there_are_two() -> None:
    answer = taste_classes(lived(0), tastes=NAMES)
    fits = answer.details["criteria"]
    assert answer.design["n_classes"] == 2
    assert fits["classes"].tolist() == [1, 2, 3, 4]
    assert (np.diff(fits["log_likelihood"]) > -0.1).all()  # more classes fit no worse


def test_chances_of_a_menu_add_up_and_lies_are_among_them() -> None:
    menu = menus(lived(0).choices, NAMES)
    theta = np.append(np.full(len(NAMES), 0.2), 0.5)
    lies = menu.lies(theta)
    assert ((lies >= 0) & (lies < 1)).all()
    with_lie = np.add.reduceat(menu.lie, menu.situations)
    assert ((lies > 0) == (with_lie > 0)).all()
    assert isinstance(menu, Menus)


def test_what_a_lie_costs_those_who_tell_none_is_missing() -> None:
    honest = dataclasses.replace(KINDS["loyal"], conscience=3.0)
    world = centre(**{"workforce.archetypes": (KINDS["mercenary"], honest)})
    records = inc.simulate(world, months=1, rng=1, keep="cells", choices=0.5)
    answer = taste_classes(records, classes=2)
    rows = answer.tidy().set_index(["term", "estimand"])["estimate"]
    for name in ("conscience", "fear", "elasticity"):
        assert np.isnan(rows["class 2", name])
        assert np.isfinite(rows["class 1", name])
    assert rows["class 2", "care"] == pytest.approx(TRUE["loyal"]["care"], rel=0.5)
    assert not {c.name: c for c in answer.checks}["lies taken in each class"].passed
    assert answer.reading.endswith("tells hardly a lie")


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_the_search_ends_where_nothing_leads_up(classes: int) -> None:
    """Also where rows of a nest are no kin, which is as far as the kinship may go."""
    floor = inc.Floor(teams=4, team_size=4, customers=6_000)
    saves = inc.Wage() + inc.PieceRate("saves", 6.0)
    default = inc.Scenario(floor=floor).change({"leaving.base": 0.1, "scheme": saves})
    records = inc.simulate(default, months=2, replications=2, rng=1, keep="cells", choices=0.05)
    named = ["pay", "effort", "conscience"]
    menu = menus(records.choices, named)
    people, agent = tastes._agents(records, tastes._read(records))
    panel = tastes.Panel(menu, agent, len(people))
    fit = tastes._climb(panel, classes, tastes._as_one(panel), np.random.default_rng(0))
    slope, scores = panel.scores(fit).sum(axis=0), panel.scores(fit)
    inside = np.append(np.ones(len(slope) - 1, bool), 0.05 < fit.kinship < 1.0)
    steep = np.abs(slope) / np.sqrt((scores**2).sum(axis=0))
    assert (steep[inside] < 0.1).all()
    assert fit.kinship < 1.0 or slope[-1] > 0


# ── the answer and its refusals ──────────────────────────────────────────────────────────────────


def test_leaving_an_agent_out_is_as_by_hand_where_information_does_not_move() -> None:
    rng = np.random.default_rng(7)
    roots = rng.normal(size=(9, 4, 3)) * [1.0, 100.0, 0.01]  # parameters in unlike units
    told, own = roots.transpose(0, 2, 1) @ roots, rng.normal(size=(9, 3)) / [1.0, 100.0, 0.01]
    pulls = np.einsum("aij,aj->ai", told, own)
    best = np.linalg.solve(told.sum(axis=0), pulls.sum(axis=0))
    moved = _without_each(told, pulls - told @ best)
    for agent in range(9):
        rest = np.arange(9) != agent
        others = np.linalg.solve(told[rest].sum(axis=0), pulls[rest].sum(axis=0))
        np.testing.assert_allclose(moved[agent], best - others, rtol=1e-6)


def test_an_agent_whose_menus_alone_say_something_has_a_large_share_in_its_error() -> None:
    told = np.array([np.diag([1.0, 1.0]), np.diag([1.0, 0.0])])
    moved = _without_each(told, np.array([[0.5, 0.5], [-0.5, 0.0]]))
    np.testing.assert_allclose(moved, [[0.5, 0.5 / (1 - MOST_LEVERAGE)], [-0.5, 0.0]], atol=1e-9)


def test_it_reads_well_and_comes_back_from_json() -> None:
    answer = found(0)
    lines = answer.summary().splitlines()
    assert len(lines) <= 25
    assert lines[-1].startswith("Read as: 'class 1' (")
    assert answer.plot().get_xlabel() == "money per lie"
    assert Estimate.from_dict(answer.to_dict()).summary() == answer.summary()


@pytest.mark.parametrize("classes", [3, 4])
def test_classes_whose_size_nobody_can_tell_are_refused(classes: int) -> None:
    of_one_kind = centre(**{"workforce.archetypes": (inc.Archetype(),)})
    records = inc.simulate(of_one_kind, months=1, rng=3, keep="cells", choices=0.2)
    with pytest.raises(ValueError, match=f"do not tell {classes} classes of agents apart"):
        taste_classes(records, classes=classes, tastes=["pay", "effort", "conscience"])


def test_what_cannot_be_answered_is_refused() -> None:
    records = lived(0)
    with pytest.raises(ValueError, match="records hold no choices: simulate with choices="):
        taste_classes(records.seen_by("analyst"))
    with pytest.raises(KeyError, match="no taste 'greed'; there are pay, effort"):
        taste_classes(records, tastes=["pay", "greed"])
    with pytest.raises(ValueError, match="tastes must have 'pay' among them"):
        taste_classes(records, tastes=["effort"])
    with pytest.raises(ValueError, match="classes must be 1 to 4, got 0"):
        taste_classes(records, classes=0)
    plain = dataclasses.replace(
        records, choices=records.choices.assign(true_pay=0.0, true_queue=0.0)
    )
    with pytest.raises(ValueError, match="pay: no menu has rows that differ in it, and all else"):
        taste_classes(plain)
    few = dataclasses.replace(records, choices=records.choices.query("agent < 5"))
    with pytest.raises(ValueError, match="5 agents chose, at least 10 are needed"):
        taste_classes(few)
    same = records.choices.assign(true_employer=records.choices["true_client"])
    alike = dataclasses.replace(records, choices=same)
    with pytest.raises(ValueError, match="client, employer cannot be told apart by these menus"):
        taste_classes(alike, tastes=[*NAMES, "employer"])
    still = dataclasses.replace(records, choices=records.choices.assign(true_client=0.0))
    with pytest.raises(ValueError, match="client: no menu has rows that differ in it"):
        taste_classes(still, tastes=NAMES)
