"""The QA scorecard (P2) and what is lost by measuring quality with noise (P3).

Each signature is a paired difference between twins, set against the same difference with the
mechanism off and in a mutant: a scheme that pays the mean of the bonus for quality as a lump.
Checks are frequent and stakes high, so that few worlds show them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives.menu import N_ACTIONS, Action, quality
from incentives.pay import Reference, example, lower
from incentives.pay.metrics import measure
from incentives.pay.prices import expected
from incentives.pay.scorecard import ScorecardNumbers, assessed, lower_scorecard
from incentives.scenario import lower as lower_scenario

FLOOR = inc.Floor(teams=2, team_size=4, customers=7_000)
ALIKE = inc.Workforce(archetypes=(inc.Archetype(standing=0.0),), tastes=0.0, pace=0.0, closing=0.0)
CENTRE = inc.Scenario(floor=FLOOR, workforce=ALIKE).change(
    {"audit.rate": 0.3, "audit.on_saves": 0.0, "audit.penalty": 0.0, "belief.prior": 0.3}
)
STEPS = inc.Tiers(
    "qa_score", tuple((40.0 + 10.0 * i, 200.0 * (i + 1)) for i in range(6)), pays="lump"
)
WORLDS = 8
NEEDED = 4.0  # standard errors

OFFERS = ("offer_after", "offer_first", "hard_sell")


def run(scenario: inc.Scenario, months: int = 3, keep: str = "cells") -> inc.Records:
    return inc.simulate(scenario, replications=WORLDS, months=months, rng=1, keep=keep)


def share_of(*actions: str) -> Callable[[inc.Records], np.ndarray]:
    """Make what gives the share of served contacts on which one of these was done, by run."""

    def share(records: inc.Records) -> np.ndarray:
        served = records.cells[records.cells["agent"] >= 0]
        n = served["n"].where(served["true_action"].isin(actions), 0)
        runs = served["run"]
        return (n.groupby(runs).sum() / served["n"].groupby(runs).sum()).to_numpy()

    return share


offered = share_of(*OFFERS)
cared = share_of("care")
rushed = share_of("rush")
miscounted = share_of("log_upsell")


def satisfaction(records: inc.Records) -> np.ndarray:
    """Mean satisfaction of the customers billed in the last month, by run."""
    last = records.customers[records.customers["month"] == records.customers["month"].max()]
    return last.groupby("run")["true_satisfaction"].mean().to_numpy()


def leaving(records: inc.Records) -> np.ndarray:
    """Share of customers who leave in a month, from the third on, by run."""
    later = records.customers[records.customers["month"] >= 2]
    return later.groupby("run")["left"].mean().to_numpy()


def resolved(records: inc.Records) -> np.ndarray:
    """Share of served contacts, but for wishes to cancel, that were resolved, by run."""
    served = records.contacts[records.contacts["agent"] >= 0]
    served = served[served["reason"] != "cancel"]
    return served.groupby("run")["true_resolved"].mean().to_numpy()


def mean_score(records: inc.Records) -> np.ndarray:
    """Mean of the scores entered, by run."""
    return records.audits.groupby("run")["qa_score"].mean().to_numpy().astype(float)


def errors(gap: np.ndarray) -> float:
    """Give a mean difference in Monte-Carlo standard errors."""
    return float(gap.mean() / (gap.std(ddof=1) / np.sqrt(len(gap))))


# -- P2 -----------------------------------------------------------------------------------------

LATER = 4  # months: satisfaction moves with contacts
CARD = replace(CENTRE, scheme=inc.Wage() + STEPS)
LIGHT, HEAVY = {"scorecard.offers": 0.0}, {"scorecard.offers": 0.5}


def weighted(base: inc.Scenario) -> tuple[inc.Records, inc.Records]:
    """Run a centre without and with a large weight on offers."""
    light, heavy = (run(base.change(weight), LATER, "contacts") for weight in (LIGHT, HEAVY))
    return light, heavy


def test_weight_on_offers_moves_effort_to_offers_and_costs_satisfaction() -> None:
    light, heavy = weighted(CARD)
    more, less = offered(heavy) - offered(light), satisfaction(heavy) - satisfaction(light)
    assert errors(more) > NEEDED
    assert more.mean() > 0.2
    assert errors(less) < -NEEDED
    assert errors(leaving(heavy) - leaving(light)) > NEEDED

    neither = weighted(CARD.without("P2"))
    np.testing.assert_array_equal(offered(neither[0]), offered(neither[1]))
    np.testing.assert_array_equal(satisfaction(neither[0]), satisfaction(neither[1]))
    assert neither[0].audits["qa_score"].isna().all()

    # a mutant: the same bonus on average, whatever the score
    lump = float(light.agents["bonus"].mean())
    flat = weighted(replace(CARD, scheme=inc.Wage(2000.0 + lump)))
    np.testing.assert_array_equal(offered(flat[0]), offered(flat[1]))
    np.testing.assert_array_equal(satisfaction(flat[0]), satisfaction(flat[1]))
    assert flat[0].audits["qa_score"].notna().all()


def test_a_score_that_nobody_is_paid_for_moves_nothing() -> None:
    wage = replace(CENTRE, scheme=inc.Wage() + inc.PieceRate("sales", 3.0))
    on, off = (inc.simulate(each, months=2, rng=3) for each in (wage, wage.without("P2")))
    for name, frame in on.frames().items():
        if name == "runs":
            continue
        new = [column for column in frame.columns if "qa_" in column]
        pd.testing.assert_frame_equal(
            frame.drop(columns=new), getattr(off, name).drop(columns=new), check_exact=True
        )
    assert on.agents["logged_qa_n"].sum() == len(on.audits) > 100
    assert off.agents["logged_qa_n"].sum() == 0


def test_scores_are_those_of_the_checks_and_add_up_to_what_is_logged() -> None:
    records = inc.simulate(CARD, months=2, rng=3)
    audits, agents = records.audits, records.agents
    sums = audits.groupby(["month", "agent"])["qa_score"].agg(["sum", "count"])
    sums = sums.reindex(pd.MultiIndex.from_frame(agents[["month", "agent"]]), fill_value=0)
    np.testing.assert_array_equal(agents["logged_qa_sum"], sums["sum"])
    np.testing.assert_array_equal(agents["logged_qa_n"], sums["count"])
    apart = audits["qa_score"] - audits["true_qa_score"]
    inside = audits["true_qa_score"].between(25, 75)
    assert apart[inside].std() == pytest.approx(CARD.unequal_measurement.noise, rel=0.15)
    exact = inc.simulate(CARD.without("P3"), months=2, rng=3).audits
    np.testing.assert_array_equal(exact["qa_score"], np.floor(exact["true_qa_score"] + 0.5))
    assert "qa_score" in records.seen_by("analyst").audits
    assert "true_qa_score" not in records.seen_by("analyst").audits
    assert records.seen_by("client").audits.empty


def a_card(noise: float = 0.0, off: tuple[str, ...] = (), **weights: float) -> ScorecardNumbers:
    """Lower a scorecard over the default menu."""
    changes = {f"scorecard.{name}": value for name, value in weights.items()}
    scenario = inc.Scenario().change({**changes, "unequal_measurement.noise": noise})
    return lower_scenario(scenario.without(*off)).rules.scorecard


@pytest.mark.quick
def test_a_score_worked_by_hand() -> None:
    card = a_card(offers=0.2, soft_skills=0.5, resolution=0.25, compliance=0.25)
    known = card.known[0, Action.OFFER_AFTER]  # 0.8 x 0.5 x 70 + 20
    assert known == pytest.approx(48.0)
    assert quality(known, True, False, card) == pytest.approx(88.0)
    assert quality(known, False, True, card) == pytest.approx(48.0)
    assert card.known[0, Action.CARE] == pytest.approx(0.4 * 86)
    assert card.known[0, Action.CUT_OFF] == 0.0
    assert card.expected[0, Action.SERVE] == pytest.approx(
        28 + 20 * inc.Work().resolves_question + 20
    )
    seen = inc.Scenario().menu[Action.LOG_UPSELL].seen
    assert card.expected[2, Action.LOG_UPSELL] == pytest.approx(
        28 + 20 * inc.Work().resolves_order + 20 * (1 - seen)
    )
    assert assessed(88.0, 0.5, card) == 88.0
    assert a_card(noise=60.0).expected.max() < card.expected.max()  # cut off at 100


@pytest.mark.quick
def test_what_is_switched_off_scores_nothing_or_without_noise() -> None:
    assert a_card(off=("P2",)).on == a_card(off=("O6",)).on == 0.0
    noisy, true = a_card(noise=30.0), a_card(noise=30.0, off=("P3",))
    assert (noisy.on, noisy.noise, true.noise) == (1.0, 30.0, 0.0)
    assert assessed(50.0, 0.9, noisy) > assessed(50.0, 0.9, true) == 50.0
    assert assessed(50.0, 1e-9, noisy) == 0.0
    assert assessed(50.0, 1.0 - 1e-9, noisy) == 100.0
    with pytest.raises(ValueError, match=r"soft_skills, resolution and compliance must not all"):
        inc.Scorecard(soft_skills=0, resolution=0, compliance=0)


@pytest.mark.quick
def test_only_rows_that_offer_gain_from_weight_on_offers() -> None:
    nothing = dict.fromkeys(("courtesy", "seen"), np.zeros(N_ACTIONS))
    offers = np.zeros((1, N_ACTIONS))
    offers[0, Action.OFFER_FIRST] = 1.0
    card = lower_scorecard(
        inc.Scorecard(offers=1.0), inc.UnequalMeasurement(noise=0.0), **nothing,
        solves=offers * 0.5, offers=offers, cut=0, serve=2,
    )  # fmt: skip
    np.testing.assert_allclose(card.expected, 100.0 * offers, rtol=1e-12)


@pytest.mark.quick
def test_the_mean_score_is_a_metric_and_a_rate_has_no_pieces() -> None:
    totals = example(qa_sum=[240.0, 0.0], qa_n=[3, 0])
    np.testing.assert_array_equal(measure(totals, "qa_score"), [80.0, 0.0])
    np.testing.assert_array_equal(inc.Target("qa_score", 80.0, lump=9.0).pay(totals), [9.0, 0.0])
    with pytest.raises(ValueError, match="between 0 and 100 for qa_score"):
        inc.Target("qa_score", 101.0, lump=1.0)
    with pytest.raises(ValueError, match="must be a count"):
        inc.PieceRate("qa_score", 1.0)


# -- P3 -----------------------------------------------------------------------------------------

BUSY = replace(
    CENTRE.change(
        {
            "floor.customers": 10_000,
            "audit.rate": 0.05,
            "belief.prior": 0.05,
            "scorecard.offers": 0.0,
            "scorecard.soft_skills": 0.5,
            "scorecard.resolution": 0.5,
            "scorecard.compliance": 0.0,
        }
    ),
    scheme=inc.Wage() + inc.PieceRate("contacts", 3.0) + inc.Target("qa_score", 82.0, lump=1_500.0),
)
"""Paid by the contact and for quality, with others waiting: a minute of care is pay forgone."""


def measured(base: inc.Scenario) -> tuple[inc.Records, inc.Records]:
    """Run a centre that measures quality exactly, and with noise."""
    exact, noisy = (run(base.change({"unequal_measurement.noise": sd})) for sd in (0.0, 30.0))
    return exact, noisy


def hurry(records: inc.Records) -> np.ndarray:
    """Share of served contacts rushed less the share served with care, by run."""
    return rushed(records) - cared(records)


def test_noise_in_quality_moves_effort_from_care_to_speed() -> None:
    exact, noisy = measured(BUSY)
    gap = hurry(noisy) - hurry(exact)
    assert errors(gap) > NEEDED
    assert gap.mean() > 0.1
    handled = (each.agents.groupby("run")["logged_contacts"].sum() for each in (exact, noisy))
    assert errors(-np.subtract(*handled)) > NEEDED

    exact_twin, noisy_twin = measured(BUSY.without("P3"))
    np.testing.assert_array_equal(hurry(exact_twin), hurry(noisy_twin))

    # a mutant: the target's bonus on average, whatever the score
    contacts = 3.0 * float(exact.agents["logged_contacts"].mean())
    lump = float(exact.agents["bonus"].mean()) - contacts
    paid = inc.Wage(2000.0 + lump) + inc.PieceRate("contacts", 3.0)
    flat = measured(replace(BUSY, scheme=paid))
    np.testing.assert_array_equal(hurry(flat[0]), hurry(flat[1]))


@pytest.mark.quick
def test_a_target_on_a_noisy_score_pays_less_for_a_better_one() -> None:
    lump = inc.Target("qa_score", 80.0, lump=300.0)
    worth = []
    for noise in (0.0, 10.0, 30.0):
        reference = Reference(qa_sum=1_600.0, qa_n=20.0, qa_sd=float(np.hypot(12.0, noise)))
        prices = lower([lump], reference=reference)
        worth.append(expected(prices, 0, 20.0, 0.0, 1.0) - expected(prices, 0, 0.0, 0.0, 1.0))
    assert worth[0] > worth[1] > worth[2] > 0.0


# -- what each parameter moves --------------------------------------------------------------------

POINTS = inc.Tiers(
    "qa_score", tuple((10.0 * i - 5.0, 200.0 * i) for i in range(1, 11)), pays="lump"
)
"""So much a point, in small steps: a score is worth having wherever the mean stands."""
PAID = replace(CENTRE, scheme=inc.Wage() + POINTS)
UPSIZED = replace(
    CENTRE.change({"conscience.mean": -0.3, "misclassified_contact.upsizable": 1.0}),
    scheme=inc.Wage() + inc.PieceRate("sales", 6.0) + STEPS,
)
MOVES: dict[str, tuple[inc.Scenario, Callable[[inc.Records], np.ndarray]]] = {
    "+share of contacts with an offer": (PAID, offered),
    "+share of contacts served with care": (
        PAID.change({"scorecard.offers": 0.0, "scorecard.resolution": 0.0}),
        cared,
    ),
    "+share of contacts resolved": (
        PAID.change({"scorecard.offers": 0.0, "scorecard.soft_skills": 0.0}),
        resolved,
    ),
    "-share of orders logged as upsells": (UPSIZED, miscounted),
    "+mean QA score": (CARD, mean_score),
    "-share of contacts served with care": (BUSY, cared),
}
"""For each phrase of a parameter's `moves`: where it is looked at, and how it is measured."""

MOVED = [
    (name, row.name, row.low, row.high, row.moves)
    for name, kind in (
        ("scorecard", inc.Scorecard),
        ("unequal_measurement", inc.UnequalMeasurement),
    )
    for row in kind.parameters()
]


@pytest.mark.parametrize(("block", "name", "low", "high", "moves"), MOVED)
def test_a_parameter_moves_what_it_says(
    block: str, name: str, low: float, high: float, moves: str
) -> None:
    base, measure_of = MOVES[moves]
    ends = (run(base.change({f"{block}.{name}": end}), 2, "contacts") for end in (low, high))
    at_low, at_high = (measure_of(records) for records in ends)
    assert errors(at_high - at_low) * (1.0 if moves[0] == "+" else -1.0) > NEEDED
