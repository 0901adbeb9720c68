"""What audits deter: the slope by hand, on worlds whose audits differ, and where it is refused."""

from functools import cache

import audit_worlds
import numpy as np
import pandas as pd
import pytest
import worlds
from test_estimates import World, inside_band, made

import incentives as inc
from incentives.estimates import deterrence

CHANCES = (0.02, 0.06, 0.18)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20263)


def deterred_world(
    rng: np.random.Generator, elasticity: float, *, replications: int = 8, contacts: int = 6000
) -> World:
    """Make worlds that audit with three chances, where saves are audited twice as often.

    A share of contacts is gamed that falls with the chance; replications differ in it.
    """
    rows, schemes, of = [], {}, {}
    for replication in range(replications):
        luck = rng.uniform(0.6, 1.4)
        for k, chance in enumerate(CHANCES):
            run = 3 * replication + k
            schemes[run], of[run] = "saves", replication
            share = 0.04 * luck * (chance / CHANCES[0]) ** elasticity
            honest, saved, lied = rng.multinomial(contacts, [0.9 - share, 0.1, share])
            rows += [
                (run, "handled", honest, chance, "none", "handled"),
                (run, "saved", saved, 2 * chance, "none", "saved"),
                (run, "saved", lied, 2 * chance, "G1", "cancelled"),
            ]
    names = ["run", "logged_outcome", "n", "prob", "found", "found_outcome"]
    frame = pd.DataFrame(rows, columns=names).assign(month=0, agent=0, team=0, scheme="saves")
    audits = frame.loc[frame.index.repeat(rng.binomial(frame["n"], frame["prob"]))]
    audits = audits.reset_index(drop=True).assign(contact=lambda each: each.index)
    cells = frame.drop(columns=["prob", "found", "found_outcome"])
    return made(schemes, replications=of, cells=cells, audits=audits)


def slope_of(counts: pd.DataFrame) -> float:
    """The slope of log gaming on log chance between three levels evenly spaced in logarithms.

    By Newton's steps on the Poisson likelihood, written out.
    """
    x, n, y = (counts[name].to_numpy(float) for name in ("chance", "n", "gamed"))
    x = np.log(x)
    a, b = np.log(y.sum() / n.sum()), 0.0
    for _ in range(50):
        mean = n * np.exp(a + b * x)
        gradient = np.array([(y - mean).sum(), ((y - mean) * x).sum()])
        hessian = np.array(
            [[mean.sum(), (mean * x).sum()], [(mean * x).sum(), (mean * x * x).sum()]]
        )
        a, b = np.array([a, b]) + np.linalg.solve(hessian, gradient)
    return float(b)


def row_of(records: object, estimator: str) -> "pd.Series[float]":
    frame = deterrence(records).tidy().set_index("estimator")  # type: ignore[arg-type]
    return frame.loc[estimator]


def test_the_slope_is_that_of_weighted_gaming_on_chances(rng: np.random.Generator) -> None:
    world = deterred_world(rng, -0.5)
    audits = world.seen.audits.assign(w=1 / world.seen.audits["prob"])
    audits["gamed"] = audits["w"] * (audits["found"] == "G1")
    sums = audits.groupby("run")[["w", "gamed"]].sum().reset_index()
    chance = np.array(CHANCES)[sums["run"] % 3]
    expected = slope_of(sums.assign(chance=chance, n=sums["w"]))
    assert row_of(world, "audited")["estimate"] == pytest.approx(expected, rel=1e-9)


def test_the_error_is_that_of_leaving_replications_out(rng: np.random.Generator) -> None:
    world = deterred_world(rng, -0.5, replications=30, contacts=2000)
    whole = row_of(world, "audited")
    left = []
    for replication in range(30):
        keep = world.seen.runs["replication"] != replication
        runs = world.seen.runs[keep]
        audits, cells = (
            f[f["run"].isin(runs["run"])] for f in (world.seen.audits, world.seen.cells)
        )
        left.append(
            row_of(world.changed(runs=runs, audits=audits, cells=cells), "audited")["estimate"]
        )
    jackknife = np.sqrt(29 / 30 * np.square(np.array(left) - np.mean(left)).sum())
    assert whole["std_error"] == pytest.approx(jackknife, rel=0.05)
    assert (whole["df"], whole["n_clusters"]) == (29, 30)


def test_known_slopes_are_found_and_covered_and_counts_of_finds_are_fooled() -> None:
    tries, hits, error, naive = 60, 0, [], []
    for k in range(tries):
        world = deterred_world(np.random.default_rng([4, k]), -0.5)
        rows = deterrence(world).tidy().set_index("estimator")
        row = rows.loc["audited"]
        hits += row["conf_low"] <= -0.5 <= row["conf_high"]
        error.append(row["estimate"] + 0.5)
        naive.append(rows.loc["detected counts", "estimate"] + 0.5)
    assert abs(np.mean(error)) < 3.5 * np.std(error, ddof=1) / np.sqrt(tries)
    assert inside_band(hits, tries)
    assert np.mean(naive) == pytest.approx(1.0, abs=4 * np.std(naive) / np.sqrt(tries))


def test_audits_that_deter_nobody_have_no_slope(rng: np.random.Generator) -> None:
    world = deterred_world(rng, 0.0, replications=20)
    row = row_of(world, "audited")
    assert abs(row["estimate"]) < 4 * row["std_error"]
    assert row_of(world, "detected counts")["conf_low"] > 0.8


# ── simulated worlds ─────────────────────────────────────────────────────────────────────────────


@cache
def true_counts() -> pd.DataFrame:
    """Contacts and those gamed in truth in every world, with the chance of its audits."""
    cells = audit_worlds.checked().cells
    served = cells[cells["logged_outcome"] != "abandoned"]
    gamed = served["n"] * (served["true_gaming"] != "none")
    sums = pd.DataFrame({"n": served["n"], "gamed": gamed}).groupby(served["run"]).sum()
    runs = audit_worlds.checked().runs.set_index("run")
    chance = np.repeat(audit_worlds.RATES, len(runs) // len(audit_worlds.RATES))
    return sums.assign(chance=chance, replication=runs["replication"])


@cache
def detection() -> dict[str, float]:
    audits = audit_worlds.checked().audits
    gamed = audits[audits["true_gaming"] != "none"]
    kind = gamed["true_gaming"].astype(str)
    share = (gamed["found"].astype(str) == kind).groupby(kind).mean()
    return {str(name): float(value) for name, value in share.items()}


def test_simulated_agents_are_deterred_as_much_as_their_audits_say() -> None:
    truth = slope_of(true_counts())
    assert truth < -0.2
    records = audit_worlds.checked().seen_by("analyst")
    firms, error, hits, naive = 12, [], 0, []
    for firm in range(firms):
        runs = records.runs[records.runs["replication"] // 3 == firm]["run"]
        one = inc.Records(
            **{
                name: frame[frame["run"].isin(runs)] if len(frame) else frame
                for name, frame in records.frames().items()
            }
        )
        frame = deterrence(one, detection=detection()).tidy().set_index("estimator")
        mine = slope_of(true_counts().loc[runs])
        error.append(frame.loc["audited", "estimate"] - mine)
        naive.append(frame.loc["detected counts", "estimate"] - mine)
        hits += frame.loc["audited", "conf_low"] <= truth <= frame.loc["audited", "conf_high"]
    assert abs(np.mean(error)) < 3.5 * np.std(error, ddof=1) / np.sqrt(firms)
    assert inside_band(hits, firms)
    assert np.mean(naive) > 0.8  # nearly 1 too much


def test_where_nobody_varied_the_chance_there_is_no_answer(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match=r"'handled' is 0.02 everywhere: .* never varied"):
        deterrence(worlds.trial("gamed"))
    world = deterred_world(rng, -0.5)
    audits = world.seen.audits
    mixed = world.changed(audits=audits.assign(prob=rng.uniform(0.1, 0.2, len(audits))))
    with pytest.raises(ValueError, match="differs within agents"):
        deterrence(mixed)
    honest = world.changed(audits=audits.assign(found="none"))
    with pytest.raises(ValueError, match="found no gaming under 'saves'"):
        deterrence(honest)
    few = world.seen.runs[world.seen.runs["replication"] < 2]
    part = {name: getattr(world.seen, name) for name in ("audits", "cells")}
    part = {name: frame[frame["run"].isin(few["run"])] for name, frame in part.items()}
    with pytest.raises(ValueError, match="too few clusters: 2 replications"):
        deterrence(world.changed(runs=few, **part))


@pytest.mark.parametrize(
    ("runs", "where"),
    [
        pytest.param([0, 1, 2], "saves at 2 %", id="every chance"),
        pytest.param([2], "saves at 18 %", id="one chance"),
    ],
)
def test_a_logged_outcome_that_was_never_audited_is_refused(
    rng: np.random.Generator, runs: list[int], where: str
) -> None:
    world = deterred_world(rng, -0.5)
    audits = world.seen.audits
    unseen = (audits["logged_outcome"] == "saved") & (audits["run"] % 3).isin(runs)
    with pytest.raises(ValueError, match=f"no audits of contacts logged 'saved' under '{where}'"):
        deterrence(world.changed(audits=audits[~unseen]))


def test_few_audits_that_met_no_save_by_luck_are_no_ground_to_refuse(
    rng: np.random.Generator,
) -> None:
    world = deterred_world(rng, -0.5, contacts=400)  # with a chance of 2 %, some 64 audits
    audits = world.seen.audits
    unseen = (audits["logged_outcome"] == "saved") & (audits["run"] % 3 == 0)
    checks = {check.name: check for check in deterrence(world).checks}
    assert checks["audit weights add up to the contacts"].passed
    assert deterrence(world.changed(audits=audits[~unseen])).design["n_chances"] == 3


def test_what_audits_leave_out_is_checked(rng: np.random.Generator) -> None:
    world = deterred_world(rng, -0.5)
    cells = world.seen.cells
    rare = cells[cells["logged_outcome"] == "handled"].assign(logged_outcome="sale", n=9)
    few = world.changed(cells=pd.concat([cells, rare], ignore_index=True))
    name = "every logged outcome was audited"
    passed = [{c.name: c.passed for c in deterrence(each).checks} for each in (world, few)]
    assert [each[name] for each in passed] == [True, False]


def test_chances_that_may_have_been_chosen_are_read_as_no_cause(rng: np.random.Generator) -> None:
    world = deterred_world(rng, -0.5)
    chosen, dealt = (deterrence(world, dealt=each) for each in (False, True))
    pd.testing.assert_frame_equal(chosen.tidy(), dealt.tidy())
    name = "chances of audits were dealt at random"
    found = [{check.name: check for check in each.checks}[name] for each in (chosen, dealt)]
    assert [check.passed for check in found] == [False, True]
    assert "dealt=True" in found[0].advice
    assert [each.design["dealt"] for each in (chosen, dealt)] == [False, True]
    ends = sorted(100 * (1 - 2 ** dealt.tidy()[end].iloc[0]) for end in ("conf_low", "conf_high"))
    between = f"{ends[0]:.0f} % to {ends[1]:.0f} %"
    assert (
        chosen.reading == f"under 'saves', where audits are twice as many, gaming is {between} less"
    )
    assert dealt.reading == f"under 'saves' twice the audits deter {between} of gaming"
    assert deterrence(world).to_dict() == chosen.to_dict()


@pytest.mark.parametrize(
    ("elasticity", "dealt", "said"),
    [
        (0.6, False, "under 'saves' there is more gaming where there are more audits"),
        (0.6, True, "under 'saves' gaming rises with the chance of an audit"),
        (0.0, False, "whether gaming is less under 'saves' where there are more audits is unclear"),
        (0.0, True, "whether audits deter gaming under 'saves' is unclear"),
    ],
)
def test_other_slopes_are_told_with_the_same_caution(
    rng: np.random.Generator, elasticity: float, dealt: bool, said: str
) -> None:
    reading = deterrence(deterred_world(rng, elasticity), dealt=dealt).reading
    assert reading.startswith(said)
    assert ("deter" in reading) <= dealt


@pytest.mark.parametrize(("replications", "enough"), [(8, False), (11, True)])
def test_few_clusters_are_said(rng: np.random.Generator, replications: int, enough: bool) -> None:
    world = deterred_world(rng, -0.5, replications=replications)
    check = {each.name: each for each in deterrence(world).checks}["clusters enough"]
    assert (check.passed, check.value) == (enough, replications - 1)


def test_agents_with_chances_of_their_own_are_the_clusters(rng: np.random.Generator) -> None:
    world = deterred_world(rng, -0.5)
    one = {
        name: getattr(world.seen, name).assign(agent=lambda f: f["run"], run=0)
        for name in ("audits", "cells")
    }
    runs = world.seen.runs.iloc[:1]
    answer = deterrence(world.changed(runs=runs, **one))
    row = answer.tidy().iloc[0]
    assert (row["n_clusters"], row["df"], row["target"]) == (24, 22, "agents like these")
    assert row["estimate"] == pytest.approx(row_of(world, "audited")["estimate"], rel=1e-9)
    assert answer.summary().splitlines()[-1].startswith("Read as: ")
    assert answer.plot().get_xlabel() == answer.tidy()["unit"].iloc[0]
    assert inc.Estimate.from_dict(answer.to_dict()).summary() == answer.summary()
