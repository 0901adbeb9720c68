"""Inference on simulated worlds: how often intervals hold the truth, and who rejects too often.

The truth is that of these worlds, half of whose teams are paid for saves: the mean over all of
them, which is what an interval for "teams like these" is about.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import worlds
from scipy import stats
from test_estimates import inside_band

from incentives.estimates.audits import SUCCESSES
from incentives.estimates.inference import shares
from incentives.estimates.methods import Inference, Method
from incentives.estimates.resampling import Contrast, contrast_of

Array = npt.NDArray[np.float64]
METHODS: tuple[Method, ...] = ("wild", "score", "randomisation")
SERVED = "logged_outcome != 'abandoned'"


class Teams(NamedTuple):
    """Events and what they are counted among, by world and team, and who is paid for saves."""

    events: Array
    weight: Array
    paid: npt.NDArray[np.bool_]

    def true_effect(self) -> float:
        shown = np.where(self.paid, 1.0, 0.0)
        sides = [
            (self.events * side).sum(axis=1) / (self.weight * side).sum(axis=1)
            for side in (shown, 1 - shown)
        ]
        return float(np.mean(sides[0] - sides[1]))

    def contrast(self, world: int, chosen: npt.NDArray[np.int64] | slice = slice(None)) -> Contrast:
        return contrasted(*(part[world, chosen] for part in self))


def contrasted(events: Array, weight: Array, paid: npt.NDArray[np.bool_]) -> Contrast:
    arm = np.column_stack([~paid, paid]) * 1.0
    by_arm = weight[:, None] * arm
    estimated = shares(events[:, None] * arm, by_arm)
    return contrast_of(estimated, 1, weight=by_arm, stratum=np.zeros(len(paid), np.int64))


def pool(worlds: list[tuple[Array, Array, npt.NDArray[np.bool_]]]) -> Contrast:
    return contrasted(*(np.concatenate(part) for part in zip(*worlds, strict=True)))


def by_team(frame: pd.DataFrame, team: str, values: Array) -> Array:
    place = frame["run"].to_numpy(np.int64) * worlds.TEAMS + frame[team].to_numpy(np.int64)
    runs = worlds.TRIALS["gamed"][1]
    return np.bincount(place, values, runs * worlds.TEAMS).reshape(runs, worlds.TEAMS)


@cache
def measured(name: str) -> Teams:
    """Count reported sales and saves, or customers who left, by world and team."""
    records = worlds.trial("gamed")
    if name == "reported":
        frame, team = records.cells.query(SERVED), "team"
        count, event = frame["n"], frame["n"] * frame["logged_outcome"].isin(SUCCESSES)
    elif name == "left":
        frame, team = records.customers.query("initial and month == 0"), "home_team"
        count, event = frame["n"], frame["left"]
    else:
        frame, team = records.audits.query(SERVED), "team"
        count = 1 / frame["prob"]
        event = count * (frame["found"].astype(str) != "none")
    assigned = records.assignments.sort_values(["run", "unit_id"])["scheme"].astype(str)
    paid = (assigned == "retention").to_numpy().reshape(-1, worlds.TEAMS)
    totals = (by_team(frame, team, part.to_numpy(np.float64)) for part in (event, count))
    return Teams(*totals, paid)


def p_values(contrast: Contrast, truth: float, reps: int = 399) -> dict[str, float]:
    """Give the p value of the truth by every method, and what one gets who knows no clusters."""
    away = contrast.value - truth
    clusters = contrast.clusters
    error = np.sqrt((contrast.moved**2).sum() * clusters / (clusters - 2))
    methods = {
        method: Inference(contrast, "team", False, method, reps, 1).draws.p_value(away)
        for method in METHODS
    }
    z = abs(away) / error
    return {
        "z": float(2 * stats.norm.sf(z)),
        "t": float(2 * stats.t.sf(z, clusters - 2)),
        **methods,
    }


@pytest.mark.parametrize("name", ["reported", "left", "gamed"])
def test_intervals_hold_the_truth_as_often_as_they_say(name: str) -> None:
    teams = measured(name)
    truth, runs = teams.true_effect(), len(teams.events)
    frame = pd.DataFrame([p_values(teams.contrast(k), truth) for k in range(runs)])
    held = (frame > 0.05).sum()
    assert all(inside_band(int(held[m]), runs) for m in ("t", *METHODS)), held.to_dict()


def test_who_takes_contacts_for_independent_is_wrong_most_of_the_time() -> None:
    teams = measured("reported")
    truth, runs, held = teams.true_effect(), len(teams.events), 0
    for k in range(runs):
        variance = 0.0
        for side in (teams.paid[k], ~teams.paid[k]):
            n = teams.weight[k, side].sum()
            share = teams.events[k, side].sum() / n
            variance += share * (1 - share) / n
        held += abs(teams.contrast(k).value - truth) < 1.96 * np.sqrt(variance)
    assert held < 0.6 * runs, held


def test_with_eight_teams_normal_critical_values_reject_too_often() -> None:
    """Teams of one scheme, half of them given another name: nothing is there to be found."""
    teams = measured("left")
    rng = np.random.default_rng(8)
    names = np.arange(8) < 4
    found = []
    for k in range(len(teams.events)):
        unpaid = np.flatnonzero(~teams.paid[k])
        events, weight = teams.events[k, unpaid], teams.weight[k, unpaid]
        for _ in range(5):
            found.append(p_values(contrasted(events, weight, rng.permutation(names)), 0.0))
    rejected = (pd.DataFrame(found) <= 0.05).mean()
    assert rejected["z"] > 0.075, rejected.to_dict()
    for method in ("t", *METHODS):
        assert rejected[method] < 0.08, rejected.to_dict()
    assert rejected["randomisation"] <= rejected["wild"] < rejected["z"]


def test_with_four_teams_to_an_arm_that_scatter_unalike_welch_holds_the_truth() -> None:
    """Teams that are paid for saves differ in them by what their agents are, the others hardly."""
    teams = measured("reported")
    truth, runs = teams.true_effect(), len(teams.events)
    rng = np.random.default_rng(10)
    found = []
    for k in range(runs):
        sides = [np.flatnonzero(side) for side in (teams.paid[k], ~teams.paid[k])]
        contrast = teams.contrast(k, np.concatenate([rng.choice(s, 4, False) for s in sides]))
        welch = Inference(contrast, "team", False, "welch").interval(np.nan, 0.95)
        found.append({"welch": welch[0] <= truth <= welch[1]})
        p = p_values(contrast, truth, reps=199)
        found[-1] |= {method: p[method] > 0.05 for method in ("t", "wild", "randomisation")}
    held = pd.DataFrame(found).sum()
    assert inside_band(int(held["welch"]), runs), held.to_dict()
    assert held["welch"] > max(held["t"], held["wild"]), held.to_dict()


@pytest.mark.parametrize("name", ["reported", "left"])
@pytest.mark.parametrize("pooled", [1, 2, 3])
def test_the_bootstrap_does_as_well_as_t_and_no_better(name: str, pooled: int) -> None:
    """With 8, 16 and 24 teams: four of either arm, and four of eight unpaid, of each world."""
    teams = measured(name)
    truth, runs = teams.true_effect(), len(teams.events)
    rng = np.random.default_rng([9, pooled])
    names = np.arange(8) < 4
    nothing, something = [], []
    for first in range(0, runs - pooled + 1, pooled):
        for _ in range(pooled):
            alike, unlike = [], []
            for k in range(first, first + pooled):
                paid, unpaid = np.flatnonzero(teams.paid[k]), np.flatnonzero(~teams.paid[k])
                both = np.concatenate([rng.choice(side, 4, False) for side in (paid, unpaid)])
                dealt = rng.permutation(names)
                alike.append((teams.events[k, unpaid], teams.weight[k, unpaid], dealt))
                unlike.append((teams.events[k, both], teams.weight[k, both], names))
            nothing.append(p_values(pool(alike), 0.0, reps=199))
            something.append(p_values(pool(unlike), truth, reps=199))
    size = (pd.DataFrame(nothing)[["t", "wild"]] <= 0.05).mean()
    held = (pd.DataFrame(something)[["t", "wild"]] > 0.05).mean()
    assert abs(size["t"] - size["wild"]) < 0.05, size.to_dict()
    assert abs(held["t"] - held["wild"]) < 0.05, held.to_dict()
    assert size["t"] < stats.binom.ppf(0.9995, len(nothing), 0.05) / len(nothing)
