"""The log corrected by audits: by hand, on worlds whose truth is known, and where it must refuse.

The truth is that of the same worlds, from what only the simulator sees: half the teams of each
are paid for saves, so it is the difference between those and the others, not what would happen
if all were.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import audit_worlds
import numpy as np
import pandas as pd
import pytest
import worlds
from scipy import stats
from test_estimates import (
    DRAWN,
    World,
    audited_world,
    gaming_shares,
    inside_band,
    one_arm_each,
    row_of,
)

import incentives as inc
from incentives.estimates import (
    Estimate,
    gaming_effect,
    kpi_inflation,
    scheme_effect,
    true_effect,
    true_rate,
)
from incentives.estimates.inference import carried_by, shares, t_margin
from incentives.estimates.inflation import doubted
from incentives.estimates.proportions import wilson
from incentives.estimates.two_phase import two_phase

FIRMS = 50  # worlds of the 120, each a firm of its own
EVERYTHING = dict.fromkeys(DRAWN, 1.0)
COUNTED = {
    "success": ("sale", "saved"),
    "save_rate": ("saved",),
    "saves": ("saved",),
}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20262)


@pytest.fixture
def gamed(rng: np.random.Generator) -> World:
    return audited_world(rng, gaming_shares(rng, 12, 0.05))


# ── the truth of simulated worlds ────────────────────────────────────────────────────────────────


@cache
def recognition() -> dict[str, float]:
    """How often audits recognise each kind, as a double check of all of them would measure."""
    audits = worlds.oracle("gamed").audits
    gamed = audits[audits["true_gaming"] != "none"]
    seen = gamed["found"].astype(str) == gamed["true_gaming"].astype(str)
    return {
        str(k): float(v) for k, v in seen.groupby(gamed["true_gaming"].astype(str)).mean().items()
    }


def known(cells: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """What really happened in each world, per 100 and scheme, worlds down and schemes across."""
    served = cells[cells["logged_outcome"] != "abandoned"]
    if outcome == "save_rate":
        served = served[served["reason"] == "cancel"]
    if outcome == "gamed":
        hit = served["true_gaming"] != "none"
    else:
        hit = served["true_outcome"].isin(COUNTED[outcome])
    return per_100(served, hit)


def per_100(cells: pd.DataFrame, hit: "pd.Series[bool]") -> pd.DataFrame:
    """Give the share of contacts in each world (down) and scheme (across), per 100."""
    both = pd.DataFrame({"n": cells["n"], "hit": cells["n"] * hit, "run": cells["run"]})
    sums = both.assign(scheme=cells["scheme"].astype(str)).pivot_table(
        index="run", columns="scheme", values=["n", "hit"], aggfunc="sum"
    )
    return 100 * sums["hit"] / sums["n"]


@cache
def firms(name: str = "gamed", of: int = 1) -> tuple[inc.Records, ...]:
    """Take worlds as firms, of so many centres each."""
    records = worlds.trial(name)
    codes = records.runs["run"] // of
    parts = {
        key: dict(list(frame.groupby(frame["run"] // of))) if len(frame) else {}
        for key, frame in records.frames().items()
    }
    return tuple(
        inc.Records(
            **{key: parts[key].get(code, frame.iloc[:0]) for key, frame in records.frames().items()}
        )
        for code in codes.unique()
    )


@cache
def answers(outcome: str, name: str = "gamed") -> tuple[Estimate, ...]:
    """Ask the firms what the scheme does to the true outcome."""
    return tuple(
        true_effect(firm, control="wage", outcome=outcome, detection=recognition())
        for firm in firms(name)[:FIRMS]
    )


def estimates(found: tuple[Estimate, ...], estimand: str, estimator: str = "") -> pd.DataFrame:
    return pd.DataFrame([row_of(each, estimand, estimator) for each in found])


def covered(rows: pd.DataFrame, truth: float) -> int:
    return int(((rows["conf_low"] <= truth) & (truth <= rows["conf_high"])).sum())


# ── two phases: by hand ──────────────────────────────────────────────────────────────────────────


def test_strata_count_by_their_contacts_whatever_was_audited_of_them(gamed: World) -> None:
    audits = gamed.seen.audits
    error = (audits["logged_outcome"] == "saved") & (audits["found_outcome"] != "saved")
    keys = [audits["scheme"], audits["logged_outcome"]]
    mean = error.groupby(keys, observed=True).mean()  # one chance in a stratum: no weights needed
    cells = gamed.seen.cells
    n = cells.groupby(["scheme", "logged_outcome"], observed=True)["n"].sum()
    excess = (n * mean).groupby("scheme").sum() / n.groupby("scheme").sum()
    saved = n.xs("saved", level=1) / n.groupby("scheme").sum()
    true = 100 * (saved - excess)
    effect = true_effect(gamed, control="wage", outcome="success")
    assert row_of(effect, "success_true", "two-phase")["estimate"] == pytest.approx(
        true["bonus 1"] - true["wage"], rel=1e-10
    )


def test_influence_of_two_phases_is_a_numerical_derivative(rng: np.random.Generator) -> None:
    contacts = rng.integers(50, 90, (8, 2, 3)).astype(float)
    weights = rng.integers(20, 40, (8, 2, 3)).astype(float)
    sums = weights * rng.uniform(0, 1, (8, 2, 3))
    found = two_phase(contacts, weights, sums)
    np.testing.assert_allclose(found.influence.sum(axis=0), 0, atol=1e-12)
    for cluster in range(8):
        more = np.ones((8, 1, 1))
        more[cluster] = 1 + 1e-6
        moved = two_phase(contacts * more, weights * more, sums * more).value - found.value
        np.testing.assert_allclose(moved * 1e6, found.influence[cluster], rtol=1e-3, atol=1e-7)


def test_with_everything_audited_nothing_is_left_to_chance(rng: np.random.Generator) -> None:
    world = audited_world(rng, gaming_shares(rng, 8, 0.05), drawn=EVERYTHING)
    audits = world.seen.audits
    hit = (audits["found_outcome"] == "saved").groupby(audits["scheme"], observed=True).mean()
    rate = true_rate(world, outcome="success").tidy()
    these = rate[(rate["estimand"] == "success_true") & (rate["target"] == "these agents")]
    np.testing.assert_allclose(these["estimate"], 100 * hit[these["term"].tolist()])
    np.testing.assert_allclose(these["std_error"], 0, atol=1e-9)


def test_what_auditors_miss_leaves_doubt_though_everything_is_audited(
    rng: np.random.Generator,
) -> None:
    world = audited_world(rng, gaming_shares(rng, 8, 0.05), drawn=EVERYTHING)
    audits, seen = world.seen.audits, 0.6
    true = 100 * (audits["found_outcome"] == "saved").groupby(audits["scheme"]).mean()
    found, off, error, hits = (audits["found"] != "none").to_numpy(), [], [], []
    for _ in range(60):
        missed = found & (rng.random(len(audits)) > seen)
        rest = audits.assign(
            found=audits["found"].where(~missed, "none"),
            found_outcome=audits["found_outcome"].where(~missed, audits["logged_outcome"]),
        )
        rate = true_rate(replace(world.seen, audits=rest), outcome="success", detection=seen)
        rows = rate.tidy().query("estimand == 'success_true' and target == 'these agents'")
        row = rows.set_index("term").loc["bonus 1"]
        off.append(row["estimate"] - true["bonus 1"])
        error.append(row["std_error"])
        hits.append(row["conf_low"] <= true["bonus 1"] <= row["conf_high"])
    assert np.mean(error) == pytest.approx(np.std(off), rel=0.3)
    assert inside_band(sum(hits), 60)


def test_equal_pairs_give_the_paired_t_test_of_the_truth(rng: np.random.Generator) -> None:
    world = audited_world(rng, gaming_shares(rng, 9, 0.03), drawn=EVERYTHING)
    audits = world.seen.audits
    hit = audits["found_outcome"] == "saved"
    share = hit.groupby([audits["scheme"], audits["team"]], observed=True).mean()
    theirs = stats.ttest_rel(share["bonus 1"], share["wage"])
    ours = row_of(true_effect(world, control="wage", outcome="saves"), "saves_true", "two-phase")
    assert ours["statistic"] == pytest.approx(theirs.statistic, rel=1e-8)
    assert ours["df"] == 8


def test_logged_is_true_plus_inflation_to_the_last_digit(gamed: World) -> None:
    for outcome in ("success", "saves"):
        split = kpi_inflation(gamed, control="wage", outcome=outcome)
        for table in (split.tidy(), split.details["levels"].query("target != 'these agents'")):
            mine = table[table["estimator"] != "unweighted audits"]
            for _, rows in mine.groupby(["term"]):
                value = rows.set_index("estimand")["estimate"]
                parts = value[f"{outcome}_true"] + value[f"{outcome}_inflation"]
                assert abs(value[f"{outcome}_logged"] - parts) < 1e-12


def test_the_split_is_read_as_what_is_true_and_what_is_recording(gamed: World) -> None:
    split = kpi_inflation(gamed, control="wage")
    log, true, amiss = (
        row_of(split, f"success_{name}")["estimate"] for name in ("logged", "true", "inflation")
    )
    said = f"under 'bonus 1' the log shows {log:+.1f} successes per 100 contacts: {true:+.1f} ("
    assert split.reading.startswith(said)
    assert f") true, {amiss:+.1f} (" in split.reading
    assert split.reading.endswith(") recording")


def test_the_honesty_slope_is_that_of_a_weighted_regression(gamed: World) -> None:
    audits = gamed.seen.audits
    split = kpi_inflation(gamed, control="wage")
    levels = split.details["levels"].query("estimand == 'honesty_slope'").set_index("term")
    for scheme, mine in audits.groupby("scheme", observed=True):
        logged = (mine["logged_outcome"] == "saved").to_numpy(float)
        true = (mine["found_outcome"] == "saved").to_numpy(float)
        weight = 1 / mine["prob"].to_numpy()
        n = gamed.seen.cells.query("scheme == @scheme").groupby("logged_outcome")["n"].sum()
        stratum = mine["logged_outcome"].astype(str).to_numpy()
        for name in np.unique(stratum):  # as many as are on the log
            here = stratum == name
            weight[here] *= n[name] / weight[here].sum()
        cov = np.cov(np.stack([logged, true]), aweights=weight)
        assert levels.loc[scheme, "estimate"] == pytest.approx(cov[0, 1] / cov[0, 0], rel=1e-9)


def test_the_honesty_slope_has_its_interval_from_the_shares_that_are_wrong(
    rng: np.random.Generator,
) -> None:
    """Of saves so many are false and, as no audit met one, of other contacts none is a save."""
    firm = audited_world(rng, one_arm_each(gaming_shares(rng, 14, 0.05)), unit="team")
    split = kpi_inflation(firm, control="wage")
    found = row_of(split, "honesty_slope")
    assert found["inference"] == "cluster (team), Wilson, t"
    saved = {
        name: frame.assign(saved=(frame["logged_outcome"] == "saved").to_numpy())
        for name, frame in (("audits", firm.seen.audits), ("cells", firm.seen.cells))
    }
    share, size, df = np.zeros((3, 2, 2))  # by scheme, and of saves or of others
    for arm, scheme in enumerate(("bonus 1", "wage")):
        for kind, counted in enumerate((True, False)):
            audits, cells = (
                frame[(frame["scheme"] == scheme) & (frame["saved"] == counted)]
                for frame in saved.values()
            )
            wrong = (audits["found"] == "G1").groupby(audits["team"]).agg(["sum", "size"])
            whole = wrong.sum()
            share[arm, kind] = whole["sum"] / whole["size"]
            contacts = cells.groupby("team")["n"].sum()
            weight = contacts / contacts.sum()
            away = (wrong["sum"] - share[arm, kind] * wrong["size"]) / whole["size"]
            lever = weight**2 / (1 - weight)
            df[arm, kind] = 1 / ((weight**2).sum() + lever.sum() ** 2 - (lever**2).sum())
            times = 1 / audits["prob"]
            size[arm, kind] = times.sum() ** 2 / (times**2).sum()
            if counted:
                spread = share[arm, kind] * (1 - share[arm, kind])
                alone = spread / (away**2 / (1 - weight)).sum()
                size[arm, kind] = min(size[arm, kind], alone)
    assert (share[:, 1] == 0).all()
    more = (share * size + 2) / (size + 4)
    variance = more * (1 - more) / size
    arms, own = variance.sum(axis=1), (variance * df).sum(axis=1) / variance.sum(axis=1)
    assert found["df"] == pytest.approx(arms.sum() ** 2 / (arms**2 / own).sum())
    low, high = wilson(share, size, float(stats.t.ppf(0.975, found["df"])))
    below, above = share - low, high - share
    effect = share[1, 0] - share[0, 0]
    assert found["estimate"] == pytest.approx(effect)
    least = effect - np.sqrt((above[0] ** 2).sum() + (below[1] ** 2).sum())
    most = effect + np.sqrt((below[0] ** 2).sum() + (above[1] ** 2).sum())
    assert (found["conf_low"], found["conf_high"]) == pytest.approx((least, most))
    levels = split.details["levels"].query("estimand == 'honesty_slope'").set_index("term")
    t = float(stats.t.ppf(0.975, levels.loc["wage", "df"]))
    low, high = wilson(share[1], size[1], t)
    assert levels.loc["wage", "conf_low"] == pytest.approx(
        1 - share[1, 0] - np.hypot(*(high - share[1]))
    )
    assert levels.loc["wage", "conf_high"] == pytest.approx(1 - low[0])
    assert levels["p_value"].isna().all()
    again = Estimate.from_dict(json.loads(json.dumps(split.to_dict())))
    pd.testing.assert_frame_equal(again.tidy(), split.tidy(), check_dtype=False)
    by_welch = row_of(split.inference("welch"), "honesty_slope")
    assert by_welch["estimate"] - by_welch["conf_low"] == pytest.approx(
        by_welch["conf_high"] - by_welch["estimate"]
    )


def test_pairs_of_worlds_keep_the_interval_of_their_differences(gamed: World) -> None:
    found = row_of(kpi_inflation(gamed, control="wage"), "honesty_slope")
    assert found["inference"].startswith("cluster (replication, paired), CR1, t")


def test_a_detection_that_the_audits_contradict_fails_a_check(gamed: World) -> None:
    audits = gamed.seen.audits
    alike = audits[(audits["scheme"] != "wage") & (audits["logged_outcome"] == "saved")]
    share = float((alike["found"] != "none").mean())
    assert len(alike) > 50
    for effect in (gaming_effect, kpi_inflation):
        for detection, fits in ((share / 2, False), (1.0, True)):
            checks = effect(gamed, control="wage", detection=detection).checks
            check = {each.name: each for each in checks}["no more gaming than contacts"]
            assert check.passed == fits
            assert ("audits found gaming in" in check.advice) != fits


def test_shares_that_few_clusters_make_are_held_once_they_are_doubted() -> None:
    """One cluster in five is of liars; who meets fewer of them than that looks too sure."""
    rng = np.random.default_rng(5)
    held = {"as they are": 0, "doubted": 0}
    for _ in range(1000):
        share = np.where(rng.random((14, 1)) < 0.2, 0.7, 0.02)
        contacts = rng.poisson(20.0, (14, 1)) + 1.0
        found = shares(rng.binomial(contacts.astype(int), share).astype(float), contacts)
        carried = carried_by(np.ones(14, bool), np.ones(14, bool))
        for name, each in (("as they are", found), ("doubted", doubted(found, contacts))):
            margin = t_margin(each.std_error(carried), np.array(carried.df), 0.95)
            held[name] += int(abs(each.value[0] - 0.156) <= margin[0])
    assert held["as they are"] < 915
    assert 930 < held["doubted"] < 970


def test_a_share_of_a_half_is_not_doubted() -> None:
    contacts = np.full((10, 2), 30.0)
    found = shares(np.column_stack([np.arange(10) + 10.5, np.full(10, 1.0)]), contacts)
    raised = doubted(found, contacts).influence / np.where(found.influence, found.influence, 1)
    assert raised[:, 0] == pytest.approx(1, rel=1e-3)
    assert raised[0, 1] == 0  # clusters that do not differ at all have no error to raise


def test_relative_inflation_has_the_error_of_a_numerical_derivative(gamed: World) -> None:
    split = row_of(kpi_inflation(gamed, control="wage"), "relative_inflation")
    pulls = []
    for team in range(12):
        cells, audits = (
            frame.loc[frame.index.repeat(np.where(frame["team"] == team, 1, 1))].copy()
            for frame in (gamed.seen.cells, gamed.seen.audits)
        )
        more = 1.0001
        cells["n"] = cells["n"] * np.where(cells["team"] == team, more, 1.0)
        audits["prob"] = audits["prob"] / np.where(audits["team"] == team, more, 1.0)
        moved = kpi_inflation(gamed.changed(cells=cells, audits=audits), control="wage")
        pulls.append(row_of(moved, "relative_inflation")["estimate"] - split["estimate"])
    error = 1e4 * np.sqrt(np.square(pulls).sum() * 12 / 11)
    assert split["std_error"] == pytest.approx(error, rel=1e-2)


def test_gaming_by_two_phases_agrees_with_the_weighted_share(gamed: World) -> None:
    one = row_of(true_effect(gamed, control="wage", outcome="gamed"), "gamed", "two-phase")
    two = row_of(gaming_effect(gamed, control="wage"), "gamed", "audited")
    assert abs(one["estimate"] - two["estimate"]) < two["std_error"]


# ── two phases: recovery, on simulated worlds ────────────────────────────────────────────────────


@pytest.mark.parametrize("outcome", ["success", "gamed"])
def test_true_effects_are_found_and_covered(outcome: str) -> None:
    truth = known(worlds.oracle("gamed").cells, outcome)
    effect = (truth["retention"] - truth["wage"]).to_numpy()
    estimand = "gamed" if outcome == "gamed" else "success_true"
    rows = estimates(answers(outcome), estimand, "two-phase")
    error = rows["estimate"].to_numpy() - effect[:FIRMS]
    assert abs(error.mean()) < 3.5 * error.std(ddof=1) / np.sqrt(FIRMS)
    assert inside_band(covered(rows, float(effect.mean())), FIRMS)


def test_levels_of_these_agents_are_covered() -> None:
    truth = known(worlds.oracle("gamed").cells, "gamed")
    hits, tries = 0, 0
    for k, found in enumerate(answers("gamed")):
        table = found.details["levels"]
        for _, row in table[table["target"] == "these agents"].iterrows():
            tries += 1
            hits += row["conf_low"] <= truth.loc[k, row["term"]] <= row["conf_high"]
    assert hits / tries > 0.9
    assert hits >= stats.binom.ppf(0.0005, tries, 0.95)


def test_the_save_rate_of_firms_with_several_centres_is_found() -> None:
    truth = known(worlds.oracle("gamed").cells, "save_rate")
    effect = (truth["retention"] - truth["wage"]).to_numpy()
    found = tuple(
        true_effect(firm, control="wage", detection=recognition()) for firm in firms(of=6)
    )
    rows = estimates(found, "save_rate_true", "two-phase")
    error = rows["estimate"].to_numpy() - effect.reshape(-1, 6).mean(axis=1)
    assert abs(error.mean()) < 3.5 * error.std(ddof=1) / np.sqrt(len(rows))
    assert inside_band(covered(rows, float(effect.mean())), len(rows))
    logged = estimates(found, "save_rate_logged")
    assert (logged["conf_low"] > effect.mean()).all()  # the log is sure, and wrong


def test_the_log_the_unweighted_audits_and_one_correction_for_all_are_fooled() -> None:
    truth = known(worlds.oracle("gamed").cells, "success")
    effect = float((truth["retention"] - truth["wage"]).mean())
    logged = estimates(answers("success"), "success_logged")
    assert covered(logged, effect) < FIRMS / 2
    gaming = known(worlds.oracle("gamed").cells, "gamed")
    more = float((gaming["retention"] - gaming["wage"]).mean())
    unweighted = estimates(answers("gamed"), "gamed", "unweighted audits")
    assert covered(unweighted, more) < FIRMS / 2
    audits = worlds.trial("gamed").audits
    saved = audits["logged_outcome"] == "saved"
    share = float((audits["found_outcome"][saved] == "saved").mean())  # of logged saves, true
    pooled = []
    for firm in firms()[:FIRMS]:
        cells = firm.cells[firm.cells["logged_outcome"] != "abandoned"]
        value = {"saved": share, "sale": 1.0}
        hit = cells["n"] * cells["logged_outcome"].astype(str).map(value).fillna(0.0)
        rate = hit.groupby(cells["scheme"], observed=True).sum()
        rate = 100 * rate / cells["n"].groupby(cells["scheme"], observed=True).sum()
        pooled.append(rate["retention"] - rate["wage"])
    error = np.std(pooled, ddof=1) / np.sqrt(FIRMS)
    assert np.mean(pooled) > effect + 4 * error
    mine = estimates(answers("success"), "success_true", "two-phase")["estimate"].mean()
    assert abs(mine - effect) < 0.3 * abs(np.mean(pooled) - effect)


def test_without_gaming_the_correction_is_the_log() -> None:
    found = tuple(
        true_effect(firm, control="wage", outcome="success") for firm in firms("honest")[:20]
    )
    true, log = (estimates(found, f"success_{part}") for part in ("true", "logged"))
    np.testing.assert_allclose(true["estimate"], log["estimate"], atol=1e-9)
    np.testing.assert_allclose(true["std_error"], log["std_error"], rtol=1e-6)


def test_few_audits_make_wide_intervals_even_where_no_error_was_met() -> None:
    hits, wald, tries, few = 0, 0, 80, 0
    for k in range(tries):
        rng = np.random.default_rng([3, k])
        draw = {"handled": 0.012, "saved": 0.06, "cut_off": 0.5}
        shares = np.tile([[[0.06, 0.01]]], (6, 1, 1))
        world = audited_world(rng, shares, contacts=250, drawn=draw)
        try:
            rate = true_rate(world, outcome="success")
        except ValueError:  # nobody was audited of a kind
            continue
        few += 1
        row = rate.tidy().query("estimand == 'success_true' and target == 'these agents'").iloc[0]
        contacts = world.seen.cells
        true = 100 * contacts["n"].to_numpy()[1::4].sum() / contacts["n"].sum()
        hits += row["conf_low"] <= true <= row["conf_high"]
        assert row["n_audits"] < 100
        found = world.seen.audits.query("logged_outcome == 'saved'")
        p, n = (found["found_outcome"] == "saved").mean(), len(found)
        saved = contacts.query("logged_outcome == 'saved'")["n"].sum() / contacts["n"].sum()
        wald += abs(100 * saved * p - true) <= 196 * saved * np.sqrt(p * (1 - p) / n)
        assert len(rate.details["simulated"])
    assert few > 40
    assert hits >= stats.binom.ppf(0.0005, few, 0.95)
    assert wald < hits


def test_units_like_these_are_never_surer_than_these_agents() -> None:
    """Of six teams all but one met no error: how teams differ then says less than audits do."""
    hits, worlds, shorter = 0, 60, 0
    shares = np.full((12, 2, 2), np.nan)
    shares[::2, 0], shares[1::2, 1] = (0.0005, 0.0), (0.05, 0.0)
    for k in range(worlds):
        rng = np.random.default_rng([4, k])
        draw = {"handled": 0.05, "saved": 0.3, "cut_off": 0.5}
        world = audited_world(rng, shares, contacts=1000, paired=False, unit="team", drawn=draw)
        rows = true_rate(world, outcome="gamed").tidy()
        rows = rows[(rows["term"] == "wage") & (rows["estimator"] == "two-phase")]
        teams, agents = (
            rows[rows["target"] == target].iloc[0]
            for target in ("teams like these", "these agents")
        )
        assert teams["n_audits"] > 250
        assert teams["std_error"] >= agents["std_error"]
        hits += teams["conf_low"] <= 0.05 <= teams["conf_high"]
        shorter += teams["conf_high"] - teams["conf_low"] < agents["conf_high"] - agents["conf_low"]
    assert hits >= stats.binom.ppf(0.0005, worlds, 0.95)
    assert shorter == 0


def a_firm_with_few_errors(rng: np.random.Generator, agents: int, false: float) -> inc.Records:
    """Half the agents are paid per save, and log so many saves that never were; 3 % are audited."""
    agent = np.repeat(np.arange(agents), 200)
    saved = rng.random(agent.size) < rng.normal(0.25, 0.03, agents)[agent]
    fake = (agent % 2 == 1) & ~saved & (rng.random(agent.size) < false)
    contacts = pd.DataFrame(
        {
            "contact": np.arange(agent.size),
            "month": np.arange(agent.size) % 2,
            "agent": agent,
            "reason": "cancel",
            "logged_outcome": np.where(saved | fake, "saved", "cancelled"),
        }
    )
    drawn = rng.random(agent.size) < 0.03
    audits = pd.DataFrame(
        {
            "contact": np.flatnonzero(drawn),
            "prob": 0.03,
            "found": np.where(fake, "fake", "none")[drawn],
            "found_outcome": np.where(saved, "saved", "cancelled")[drawn],
        }
    )
    seats = np.arange(agents)
    assigned = {"unit": "agent", "unit_id": seats, "scheme": ["wage", "bonus"] * (agents // 2)}
    span = {"from_month": 0, "to_month": 2, "randomised": "yes", "prob": 0.5}
    frames = {
        "contacts": contacts,
        "audits": audits,
        "agents": pd.DataFrame({"agent": seats, "team": seats}),
        "assignments": pd.DataFrame(assigned | span),
    }
    return inc.read_records(frames)


def test_hardly_any_errors_met_leave_room_for_those_that_were_not() -> None:
    """Some 75 audits an arm meet three errors or none: their own spread says too little."""
    false, firms = 0.05, 60
    hidden = 100 * false * 0.75
    hits = dict.fromkeys(("save_rate_true", "save_rate_inflation", "gamed"), 0)
    for seed in range(firms):
        firm = a_firm_with_few_errors(np.random.default_rng(seed), 24, false)
        split, gaming = kpi_inflation(firm, control="wage", outcome="save_rate"), gaming_effect
        asked = {"save_rate_true": (split, 0.0), "save_rate_inflation": (split, hidden)}
        asked["gamed"] = (gaming(firm, control="wage"), hidden)
        for name, (answer, truth) in asked.items():
            row = row_of(answer, name)
            hits[name] += row["conf_low"] <= truth <= row["conf_high"]
    assert min(hits.values()) >= stats.binom.ppf(0.0005, firms, 0.95)


def test_where_no_error_was_met_nothing_that_rests_on_audits_is_certain() -> None:
    firm = a_firm_with_few_errors(np.random.default_rng(1), 24, 0.0)
    split = kpi_inflation(firm, control="wage", outcome="save_rate").tidy()
    answers = pd.concat([split, gaming_effect(firm, control="wage").tidy()])
    audited = answers[answers["estimator"].isin(["two-phase", "audited"])]
    assert {"relative_inflation", "honesty_slope", "gamed"} <= set(audited["estimand"])
    assert (audited["conf_high"] - audited["conf_low"] > 0.1).all()


# ── schemes and what is on record ────────────────────────────────────────────────────────────────


def test_an_outcome_of_agents_is_the_two_sample_t_test(rng: np.random.Generator) -> None:
    world = audited_world(rng, one_arm_each(gaming_shares(rng, 14, 0.03)), unit="team")
    cells = world.seen.cells
    agents = cells.groupby(["run", "month", "agent", "team", "scheme"], observed=True)
    agents = agents["n"].sum().reset_index().assign(paid=rng.normal(2000, 300, 14))
    firm = WithAgents(world, agents)
    ours = row_of(scheme_effect(firm, control="wage", outcome="paid"), "paid")
    wage, bonus = (agents.loc[agents["scheme"] == s, "paid"] for s in ("wage", "bonus 1"))
    theirs = stats.ttest_ind(bonus, wage, equal_var=False)
    assert ours["statistic"] == pytest.approx(theirs.statistic, rel=1e-8)
    assert ours["df"] == pytest.approx(theirs.df, rel=1e-8)


class WithAgents:
    """A world with agent-months, through the analyst's view."""

    def __init__(self, world: World, agents: pd.DataFrame) -> None:
        self.world, self.frame = world, agents

    def seen_by(self, role: str, /) -> "WithAgents":
        assert role == "analyst"
        return self

    @property
    def agents(self) -> pd.DataFrame:
        return self.frame

    def __getattr__(self, name: str) -> pd.DataFrame:
        return getattr(self.world.seen, name)


def test_the_adjustment_is_that_of_weighted_least_squares() -> None:
    import statsmodels.api as sm

    records = audit_worlds.piloted().seen_by("analyst")
    one = records.runs["run"].iloc[:3]
    firm = inc.Records(
        **{k: f[f["run"].isin(one)] if len(f) else f for k, f in records.frames().items()}
    )
    ours = row_of(
        scheme_effect(firm, control="wage", outcome="handle_minutes"), "handle_minutes", "ANCOVA"
    )
    cells = firm.cells[firm.cells["logged_outcome"] != "abandoned"]
    sums = cells.groupby([cells["month"] > 0, "run", "team"])[["minutes", "n"]].sum()
    mean = sums["minutes"] / sums["n"]
    paid = cells[cells["month"] > 0].groupby(["run", "team"])["scheme"].first() == "retention"
    design = sm.add_constant(np.column_stack([paid, mean[False]]).astype(float))
    fit = sm.WLS(mean[True], design, weights=sums["n"][True])
    robust = fit.fit(cov_type="HC0")
    assert ours["estimate"] == pytest.approx(robust.params.iloc[1], rel=1e-9)
    df = ours["df"]  # one less than Welch's, for the slope
    expected = robust.bse.iloc[1] * np.sqrt(48 / 46 * (df + 1) / df)
    assert ours["std_error"] == pytest.approx(expected, rel=1e-9)
    assert 40 < df <= 45


@cache
def pilots() -> tuple[Estimate, ...]:
    records = audit_worlds.piloted().seen_by("analyst")
    return tuple(
        scheme_effect(firm, control="wage", outcome="saves") for firm in worlds.each(records)
    )


def test_the_time_before_sharpens_the_effect_and_leaves_it_where_it_is() -> None:
    adjusted, plain = (
        estimates(pilots(), "saves_logged", name) for name in ("ANCOVA", "difference in means")
    )
    assert adjusted["std_error"].mean() < 1.05 * plain["std_error"].mean()
    gap = adjusted["estimate"].to_numpy() - plain["estimate"].to_numpy()
    assert abs(gap.mean()) < 3.5 * gap.std(ddof=1) / np.sqrt(len(gap))
    assert inside_band(covered(adjusted, float(plain["estimate"].mean())), len(gap))


def test_assignment_to_pay_for_saves_is_found_in_every_record() -> None:
    found = [scheme_effect(firm, control="wage", outcome="saves") for firm in firms()[:FIRMS]]
    rows = estimates(tuple(found), "saves_logged", "difference in means")
    cells = worlds.oracle("gamed").cells
    cells = cells[cells["logged_outcome"] != "abandoned"]
    level = per_100(cells, cells["logged_outcome"] == "saved")
    effect = float((level["retention"] - level["wage"]).mean())  # of all 120, half treated
    assert inside_band(covered(rows, effect), FIRMS)
    true = known(worlds.oracle("gamed").cells, "saves")
    beside = estimates(tuple(found), "saves_true", "two-phase")["estimate"].mean()
    moved = float((true["retention"] - true["wage"]).mean())
    assert abs(beside - moved) < 0.5 < effect - moved  # without `detection`: as audits find it


def test_minutes_surveys_and_pay_are_outcomes_too() -> None:
    firm = firms()[0]
    units = {
        "handle_minutes": "minutes per contact",
        "survey_score": "points per answer",
        "paid": "per agent-month",
        "quit": "per agent-month",
        "save_rate": "per 100 wishes to cancel",
    }
    for outcome, unit in units.items():
        effect = scheme_effect(firm, control="wage", outcome=outcome)
        assert effect.tidy()["unit"].iloc[0] == unit
        assert np.isfinite(effect.tidy()["std_error"]).all()


# ── refusals, and the contract ───────────────────────────────────────────────────────────────────


def test_unknown_outcomes_are_met_with_those_that_are_known(gamed: World) -> None:
    with pytest.raises(KeyError, match=r"no outcome 'saved' in what audits can correct; .*'saves'"):
        true_effect(gamed, control="wage", outcome="saved")
    with pytest.raises(KeyError, match=r"no outcome 'payd' in records; .* did you mean 'paid'"):
        scheme_effect(firms()[0], control="wage", outcome="payd")
    with pytest.raises(ValueError, match="'gamed' is on no log"):
        kpi_inflation(gamed, control="wage", outcome="gamed")
    with pytest.raises(KeyError, match="audits lacks the column 'reason'"):
        true_effect(gamed, control="wage", outcome="save_rate")


@pytest.mark.parametrize("question", [partial(true_effect, outcome="saves"), gaming_effect])
def test_audits_made_on_suspicion_are_left_out_and_counted(
    gamed: World, question: Callable[..., Estimate]
) -> None:
    audits = gamed.seen.audits.assign(mode="random")
    tips = audits.iloc[:7].assign(mode="targeted", prob=np.nan, found="G1", contact=range(-7, 0))
    more = gamed.changed(audits=pd.concat([audits, tips], ignore_index=True))
    one, two = (question(w, control="wage") for w in (gamed, more))
    pd.testing.assert_frame_equal(one.tidy(), two.tidy())
    assert two.glance()["n_targeted_left_out"].iloc[0] == 7
    assert not {c.name: c for c in two.checks}["no audits made on suspicion"].passed
    nameless = more.changed(audits=more.seen.audits.assign(mode="random"))
    with pytest.raises(ValueError, match="prob is missing in 7 of"):
        question(nameless, control="wage")


def test_where_audits_cannot_speak_the_log_still_does(gamed: World) -> None:
    audits = gamed.seen.audits
    blind = gamed.changed(audits=audits[audits["logged_outcome"] != "handled"])
    with pytest.raises(ValueError, match="no audits of contacts logged 'handled'"):
        true_effect(blind, control="wage", outcome="saves")
    effect = scheme_effect(blind, control="wage", outcome="saves")
    assert effect.tidy()["estimand"].tolist() == ["saves_logged"]
    assert not {c.name: c for c in effect.checks}["audits speak of the true outcome"].passed


def test_one_scheme_has_a_rate_and_no_effect(gamed: World) -> None:
    one = gamed.changed(
        **{
            name: getattr(gamed.seen, name).query("scheme == 'wage'")
            for name in ("audits", "cells")
        }
    )
    rate = true_rate(one, outcome="success").tidy()
    assert rate["term"].unique().tolist() == ["wage"]
    assert set(rate["target"]) == {"these agents", "centres like these"}
    with pytest.raises(ValueError, match="only the scheme 'wage'"):
        true_effect(one, control="wage", outcome="success")


@pytest.mark.parametrize("question", [true_effect, kpi_inflation, scheme_effect, true_rate])
def test_answers_keep_the_contract(gamed: World, question: object) -> None:
    arms = {} if question is true_rate else {"control": "wage"}
    answer = question(gamed, outcome="success", **arms)  # type: ignore[operator]
    back = Estimate.from_dict(json.loads(json.dumps(answer.to_dict(), allow_nan=False)))
    pd.testing.assert_frame_equal(back.tidy(), answer.tidy(), check_dtype=False)
    lines = answer.summary().splitlines()
    assert len(lines) <= 25
    assert lines[-1].startswith("Read as: ")
    assert len(answer.glance()) == 1
    assert len(answer.plot_data()) == answer.rows["in_figure"].sum() > 0
    ax = answer.plot()
    assert ("against 'wage'" in ax.get_xlabel()) == bool(arms)
