"""Bootstraps and randomisation inference: against explicit refits, by hand, and on known worlds."""

import json
from collections.abc import Callable
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.genmod.families.links import CLogLog
from test_estimates import (
    World,
    audited_world,
    gaming_shares,
    leaving_world,
    one_arm_each,
    row_of,
)

import incentives as inc
from incentives.estimates import Estimate, churn_effect, gaming_effect
from incentives.estimates.bootstrap import score, signs, wild
from incentives.estimates.inference import fit_binomial, shares
from incentives.estimates.methods import Inference
from incentives.estimates.randomisation import dealt_again
from incentives.estimates.resampling import Contrast, Draws, contrast_of

Array = npt.NDArray[np.float64]
Draw = Callable[[Contrast, int, Callable[[], np.random.Generator]], Draws]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20262)


def seeded() -> np.random.Generator:
    return np.random.default_rng(1)


def unneeded() -> np.random.Generator:
    raise AssertionError("all draws are taken, so none is made")


def counted(
    rng: np.random.Generator, in_arm: npt.NDArray[np.bool_]
) -> tuple[Array, Array, Contrast]:
    """Events and weights by cluster and arm, of clusters that differ and count unequally."""
    weight = rng.gamma(2.0, 50.0, in_arm.shape) * in_arm
    level = rng.uniform(0.1, 0.4, (len(in_arm), 1)) + rng.normal(0, 0.02, in_arm.shape)
    events = weight * (level + np.array([0.0, 0.05]))
    strata = np.zeros(len(in_arm), np.int64)
    return events, weight, contrast_of(shares(events, weight), 1, weight=weight, stratum=strata)


def in_one_arm(clusters: int, treated: int) -> npt.NDArray[np.bool_]:
    first = np.arange(clusters) < treated
    return np.column_stack([~first, first])


# ── reference: the same by fitting again ─────────────────────────────────────────────────────────


def fitted_again(events: Array, weight: Array, null: float, signs: Array) -> float:
    """The p value of `null` by weighted least squares, fitted again for every pattern of signs."""
    cluster, arm = np.nonzero(weight)
    w, y = weight[cluster, arm], (events / np.where(weight > 0, weight, 1.0))[cluster, arm]
    X = np.column_stack([np.ones(len(w)), arm])
    bread = np.linalg.inv(X.T @ (w[:, None] * X))

    def statistic(y: Array) -> float:
        beta = bread @ (X.T @ (w * y))
        scores = np.zeros((len(weight), 2))
        np.add.at(scores, cluster, X * (w * (y - X @ beta))[:, None])
        variance = bread @ (scores.T @ scores) @ bread
        return float((beta[1] - null) ** 2 / variance[1, 1])

    restricted = np.average(y - null * arm, weights=w) + null * arm
    observed = statistic(y)
    drawn = [statistic(restricted + sign[cluster] * (y - restricted)) for sign in signs]
    return float(np.mean(np.array(drawn) >= observed * (1 - 1e-9)))


@pytest.mark.parametrize("kind", ["apart", "pairs", "mixed"])
def test_the_wild_bootstrap_is_what_comes_out_by_fitting_every_draw_again(
    rng: np.random.Generator, kind: str
) -> None:
    in_arm = {
        "apart": in_one_arm(12, 5),
        "pairs": np.ones((12, 2), bool),
        "mixed": in_one_arm(12, 5) | (np.arange(12) % 4 == 0)[:, None],
    }[kind]
    events, weight, contrast = counted(rng, in_arm)
    draws = wild(contrast, 9999, unneeded)
    patterns, _ = signs(12, 9999, unneeded)
    for null in (0.0, 0.05, -0.04):
        ours = draws.p_value(contrast.value - null)
        assert ours == pytest.approx(fitted_again(events, weight, null, patterns), abs=1e-12)


def test_webbs_points_are_drawn_where_patterns_of_signs_are_few(rng: np.random.Generator) -> None:
    events, weight, contrast = counted(rng, in_one_arm(8, 4))
    points, words = signs(8, 400, seeded)
    assert words == "400 draws from Webb's six points"
    assert len(np.unique(points[1:].round(9))) == 6
    assert (points[1:] ** 2).mean() == pytest.approx(1.0, abs=0.05)
    ours = wild(contrast, 400, seeded).p_value(contrast.value)
    assert ours == pytest.approx(fitted_again(events, weight, 0.0, points), abs=1e-12)


def test_randomisation_is_what_comes_out_by_dealing_by_hand(rng: np.random.Generator) -> None:
    events, weight, contrast = counted(rng, in_one_arm(8, 3))
    y, w = events.sum(axis=1) / weight.sum(axis=1), weight.sum(axis=1)
    treated = weight[:, 1] > 0

    def statistic(arm: npt.NDArray[np.bool_], y: Array) -> float:
        means = [np.average(y[side], weights=w[side]) for side in (arm, ~arm)]
        spread = [
            np.sum((w[side] * (y[side] - mean)) ** 2) / w[side].sum() ** 2
            for side, mean in zip((arm, ~arm), means, strict=True)
        ]
        return float(abs(means[0] - means[1]) / np.sqrt(sum(spread)))

    draws = dealt_again(contrast, 9999, unneeded)
    for null in (0.0, 0.05, -0.1):
        untreated = y - null * treated
        dealt = [np.isin(np.arange(8), chosen) for chosen in combinations(range(8), 3)]
        t = np.array([statistic(arm, untreated) for arm in dealt])
        by_hand = np.mean(t >= statistic(treated, untreated) * (1 - 1e-9))
        assert draws.p_value(contrast.value - null) == pytest.approx(by_hand, abs=1e-12)


def test_clusters_are_dealt_within_their_stratum(rng: np.random.Generator) -> None:
    _, _, contrast = counted(rng, in_one_arm(8, 4))
    halves = Contrast(contrast.value, contrast.moved, contrast.weight, np.arange(8) % 2)
    assert len(dealt_again(halves, 9999, unneeded).effect) == 6 * 6
    assert dealt_again(halves, 9999, unneeded).words == "all 36 assignments, p at least .056"
    apart = Contrast(contrast.value, contrast.moved, contrast.weight, np.arange(8) // 4)
    assert dealt_again(apart, 9999, unneeded).p_value(contrast.value) == 1.0  # nothing to deal


def test_many_assignments_are_drawn_and_agree_with_all_of_them(rng: np.random.Generator) -> None:
    _, _, contrast = counted(rng, in_one_arm(12, 6))
    whole, drawn = (dealt_again(contrast, reps, seeded) for reps in (9999, 900))
    assert (len(whole.effect), len(drawn.effect)) == (924, 901)
    error = np.sqrt(0.25 / 900)
    for null in (0.0, 0.05):
        d = contrast.value - null
        assert drawn.p_value(d) == pytest.approx(whole.p_value(d), abs=4 * error)


def test_the_bootstrap_of_scores_is_that_of_a_restricted_fit(rng: np.random.Generator) -> None:
    """Hazards of 14 teams; scores of the ratio under no effect, from a fit without it."""
    months, arm = 4, (np.arange(14) < 7).astype(float)
    hazard = 0.05 * rng.uniform(0.8, 1.2, 14) * (1 - 0.02 * arm)
    n = np.full((14, months), 900.0)
    left = rng.binomial(900, hazard[:, None], n.shape).astype(float)
    place = [(1 - arm)[:, None] * n, arm[:, None] * n]
    lost = [(1 - arm)[:, None] * left, arm[:, None] * left]
    free, gone = np.hstack(place), np.hstack(lost)
    design = np.hstack([np.tile(np.eye(months), (2, 1)), np.repeat([0.0, 1.0], months)[:, None]])
    fit = fit_binomial(gone, free, design, link="cloglog").coefficients
    ratio = fit.linear(np.eye(2, months + 1, k=months - 1) * [[0.0], [1.0]])
    weight = np.column_stack([(1 - arm), arm]) * n.sum(axis=1, keepdims=True)
    ours = score(contrast_of(ratio, 1, weight=weight), 4999, seeded)
    # By hand: months alone, the scores of all coefficients, and the ratio's cleared of the months.
    X = np.hstack([np.tile(np.eye(months), (14, 1)), np.repeat(arm, months)[:, None]])
    family = sm.families.Binomial(link=CLogLog())
    y, w = (left / n).ravel(), n.ravel()
    null = sm.GLM(y, X[:, :-1], family=family, var_weights=w).fit(tol=1e-12)
    whole = sm.GLM(y, X, family=family, var_weights=w)
    at = np.append(null.params, 0.0)
    scores = whole.score_obs(at).reshape(14, months, -1).sum(axis=1)
    information = -whole.hessian(at, observed=True)
    clear = np.linalg.solve(information[:-1, :-1], information[:-1, -1])
    s = scores[:, -1] - scores[:, :-1] @ clear
    drawn = signs(14, 4999, seeded)[0] * s
    t = drawn.sum(axis=1) ** 2 / ((drawn - drawn.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    by_hand = float(np.mean(t >= t[0] * (1 - 1e-9)))
    assert 0.01 < by_hand < 0.6
    assert ours.p_value(float(ratio.value[1])) == pytest.approx(by_hand, abs=0.015)


# ── intervals ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("draw", [wild, score, dealt_again])
def test_an_interval_ends_where_p_crosses_alpha(rng: np.random.Generator, draw: Draw) -> None:
    _, _, contrast = counted(rng, in_one_arm(12, 6))
    draws = draw(contrast, 999, seeded)
    error = float(np.sqrt((contrast.moved**2).sum()))
    for side in (-error, error):
        end = draws.reach(side, 0.05)
        assert draws.p_value(-end * (1 - 1e-6)) > 0.05 >= draws.p_value(-end * (1 + 1e-6))
        farther = np.array([draws.p_value(-end * k) for k in np.geomspace(1.01, 100, 300)])
        assert (farther <= 0.05).all()


def test_the_interval_for_many_clusters_is_that_of_t(rng: np.random.Generator) -> None:
    _, _, contrast = counted(rng, in_one_arm(200, 100))
    error = float(np.sqrt((contrast.moved**2).sum()))
    for draw in (wild, score, dealt_again):
        draws = draw(contrast, 3999, seeded)
        for side in (-1, 1):
            assert draws.reach(side * error, 0.05) == pytest.approx(side * 1.97 * error, rel=0.08)


def test_an_effect_that_nothing_can_reject_has_an_endless_interval(
    rng: np.random.Generator,
) -> None:
    _, _, contrast = counted(rng, in_one_arm(6, 3))
    draws = dealt_again(contrast, 9999, unneeded)
    assert draws.words == "all 20 assignments, p at least .100"
    assert draws.reach(1.0, 0.05) == np.inf
    assert draws.reach(-1.0, 0.05) == -np.inf
    assert np.isfinite(draws.reach(1.0, 0.2))


# ── an estimate's inference ──────────────────────────────────────────────────────────────────────


def teams(rng: np.random.Generator, clusters: int = 12) -> World:
    return audited_world(rng, one_arm_each(gaming_shares(rng, clusters, 0.05)), unit="team")


def test_every_row_of_both_questions_can_be_tested_again(rng: np.random.Generator) -> None:
    hazards = 0.03 * rng.uniform(0.7, 1.3, (12, 1, 1, 1)) * np.ones((12, 2, 3, 3))
    left = leaving_world(rng, one_arm_each(hazards), unit="team")
    for effect in (
        gaming_effect(teams(rng), control="wage"),
        churn_effect(left, control="wage", horizon=3),
    ):
        before = effect.tidy()
        assert before["inference"].str.startswith("cluster (team), Welch, t").all()
        for method in ("cluster", "wild", "score", "randomisation"):
            again = effect.inference(method, reps=499, rng=1)
            after = again.tidy()
            assert after.columns.tolist() == before.columns.tolist()
            assert not (after["inference"] == before["inference"]).any()
            kept = ["estimand", "contrast", "estimate", "n"]
            kept += [] if method == "cluster" else ["std_error", "statistic", "df"]
            assert after[kept].equals(before[kept])
            assert (after["conf_low"] <= after["estimate"]).all()
            assert (after["estimate"] <= after["conf_high"]).all()
            none = np.where(again.rows["kind"] == "ratio", 1.0, 0.0)
            outside = (none < after["conf_low"]) | (after["conf_high"] < none)
            assert (outside == (after["p_value"] <= 0.05)).all()
            assert again.fit is effect.fit
            back = again.inference("welch").tidy()
            pd.testing.assert_frame_equal(back, before, rtol=1e-12)


def test_p_values_of_methods_agree_where_clusters_are_alike(rng: np.random.Generator) -> None:
    effect = gaming_effect(teams(rng, 24), control="wage")
    p = [effect.tidy()["p_value"].iloc[-1]]
    p += [
        effect.inference(method, reps=4999, rng=1).tidy()["p_value"].iloc[-1]
        for method in ("wild", "score", "randomisation")
    ]
    assert min(p) > 0.05
    np.testing.assert_allclose(p, p[0], atol=0.03)


def test_a_level_of_confidence_is_looked_up_when_it_is_asked_for(rng: np.random.Generator) -> None:
    effect = gaming_effect(teams(rng), control="wage").inference("wild")
    wide, narrow = (effect.tidy(level).iloc[0] for level in (0.99, 0.8))
    assert wide["conf_low"] < narrow["conf_low"] < narrow["conf_high"] < wide["conf_high"]
    assert effect.plot_data()["conf_low"].iloc[0] == effect.tidy()["conf_low"].iloc[0]
    assert "all 4,096 patterns of signs" in effect.summary()


def test_the_same_number_gives_the_same_answer_and_a_generator_moves_on(
    rng: np.random.Generator,
) -> None:
    effect = gaming_effect(teams(rng, 14), control="wage")
    one, two = (effect.inference("wild", reps=199, rng=5).tidy() for _ in range(2))
    assert one.equals(two)
    first, second = (effect.inference("wild", reps=199, rng=rng).tidy() for _ in range(2))
    assert not first["p_value"].equals(second["p_value"])
    with pytest.raises(ValueError, match="give rng a number"):
        effect.inference("wild", reps=199)


def test_it_survives_json(rng: np.random.Generator) -> None:
    effect = gaming_effect(teams(rng, 14), control="wage")
    for asked in (effect, effect.inference("wild", reps=199, rng=5)):
        back = Estimate.from_dict(json.loads(json.dumps(asked.to_dict(), allow_nan=False)))
        assert back.tidy().equals(asked.tidy())
        one, two = (e.inference("score", reps=199, rng=2).tidy() for e in (back, asked))
        assert one.equals(two)


def test_fewer_than_six_teams_are_answered_by_randomisation_alone(
    rng: np.random.Generator,
) -> None:
    effect = gaming_effect(teams(rng, 4), control="wage")
    row = row_of(effect, "gamed", "audited")
    assert row["inference"] == "randomisation (team), all 6 assignments, p at least .333"
    assert row["p_value"] in (2 / 6, 4 / 6, 1.0)
    assert (row["conf_low"], row["conf_high"]) == (-np.inf, np.inf)
    assert "unclear" in effect.reading
    for method in ("cluster", "welch", "wild", "score"):
        with pytest.raises(ValueError, match=f"too few clusters: 4 teams, and '{method}' needs"):
            effect.inference(method, rng=1)


def piloted_by_four(rng: np.random.Generator, chance: float) -> inc.Records:
    """Four teams of one agent on a wage for a month, then two of them under a bonus."""
    contacts = pd.DataFrame(
        [(month, agent, "cancel") for agent in range(4) for month in range(3) for _ in range(300)],
        columns=["month", "agent", "reason"],
    )
    saved = rng.random(len(contacts)) < 0.2 + 0.02 * contacts["agent"]
    contacts["logged_outcome"] = np.where(saved, "saved", "cancelled")
    contacts.insert(0, "contact", np.arange(len(contacts)))
    audits = contacts[rng.random(len(contacts)) < chance]
    amiss = (rng.random(len(audits)) < 0.2) & (audits["logged_outcome"] == "saved")
    dealt = [("team", team, "before", 0, 1, "yes", 1.0) for team in range(4)]
    dealt += [("team", team, ["wage", "bonus"][team % 2], 1, 3, "yes", 0.5) for team in range(4)]
    columns = ["unit", "unit_id", "scheme", "from_month", "to_month", "randomised", "prob"]
    return inc.read_records(
        {
            "contacts": contacts,
            "audits": pd.DataFrame(
                {
                    "contact": audits["contact"],
                    "prob": chance,
                    "found": np.where(amiss, "false_save", "none"),
                    "found_outcome": np.where(amiss, "cancelled", audits["logged_outcome"]),
                }
            ),
            "agents": pd.DataFrame({"agent": range(4), "team": range(4)}),
            "assignments": pd.DataFrame(dealt, columns=columns),
        }
    )


def labels_are_true(effect: Estimate) -> bool:
    """Whether each row that says it was dealt again has a p value and ends that dealing gives."""
    frame = effect.tidy()
    dealt = frame["inference"].str.startswith("randomisation")
    p = (frame.loc[dealt, "p_value"] * 6).round(9)
    endless = np.isinf(frame.loc[dealt, ["conf_low", "conf_high"]])
    bare = frame.loc[~dealt, ["p_value", "conf_low", "conf_high"]].isna()
    return bool(p.isin([2, 4, 6]).all() and endless.all(axis=None) and bare.all(axis=None))


def test_with_four_teams_no_row_has_numbers_of_another_method_than_it_says(
    rng: np.random.Generator,
) -> None:
    firm = piloted_by_four(rng, 0.2)
    effect = inc.scheme_effect(firm, control="wage", outcome="save_rate")
    assert effect.tidy()["estimator"].tolist() == ["difference in means", "two-phase"]
    assert labels_are_true(effect)
    assert labels_are_true(inc.true_effect(firm, control="wage"))
    (check,) = [each for each in effect.checks if "time before" in each.name]
    assert not check.passed
    assert not effect.glance()["adjusted"].iloc[0]


def test_what_four_teams_and_few_audits_cannot_answer_is_refused(rng: np.random.Generator) -> None:
    firm = piloted_by_four(rng, 0.02)
    with pytest.raises(ValueError, match=r"too few clusters: 4 carry 'bonus'.*none for true saves"):
        inc.true_effect(firm, control="wage")
    effect = inc.scheme_effect(firm, control="wage", outcome="save_rate")
    assert effect.tidy()["estimator"].tolist() == ["difference in means"]
    assert labels_are_true(effect)
    (check,) = [each for each in effect.checks if each.name.startswith("audits speak")]
    assert "assign 6 clusters or more" in check.advice


def test_a_row_beside_the_headline_that_nothing_can_test_says_so(rng: np.random.Generator) -> None:
    firm = piloted_by_four(rng, 0.2)
    honest = firm.audits.assign(found="none", found_outcome=firm.audits["logged_outcome"])
    effect = inc.true_effect(inc.Records(**{**firm.frames(), "audits": honest}), control="wage")
    row = row_of(effect, "save_rate_inflation", "two-phase")
    assert row["inference"].startswith("none: too few clusters for t")
    assert labels_are_true(effect)
    assert "no interval" in effect.summary()


def test_welch_is_the_t_test_of_unlike_arms(rng: np.random.Generator) -> None:
    spread = np.where(np.arange(10) < 4, 0.10, 0.02)
    share = 0.3 + spread * rng.normal(size=10)
    in_arm = in_one_arm(10, 4)
    weight = 100.0 * in_arm
    contrast = contrast_of(shares(weight * share[:, None], weight), 1, weight=weight)
    ours = Inference(contrast, "team", False).by("welch", reps=99, seed=None)
    theirs = stats.ttest_ind(share[:4], share[4:], equal_var=False)
    assert ours.p_value() == pytest.approx(theirs.pvalue)
    for level in (0.8, 0.95):
        np.testing.assert_allclose(ours.interval(1.0, level), theirs.confidence_interval(level))
    assert ours.words == "cluster (team), Welch, t"


def test_welch_needs_arms_that_share_no_cluster(rng: np.random.Generator) -> None:
    pairs = gaming_effect(audited_world(rng, gaming_shares(rng, 8, 0.05)), control="wage")
    with pytest.raises(ValueError, match=r"'welch' needs two .* or more in each arm and none in"):
        pairs.inference("welch")
    assert pairs.tidy()["inference"].iloc[0] == "cluster (replication, paired), CR1, t"


def test_few_teams_are_told_of(rng: np.random.Generator) -> None:
    for clusters in (8, 4):
        few = gaming_effect(teams(rng, clusters), control="wage")
        assert not {check.name: check for check in few.checks}["clusters enough"].passed
        assert f"teams to spare; with few of them ({clusters}) an interval" in few.summary()


def test_where_arms_are_apart_each_has_its_own_error_and_cr1_can_be_asked_for(
    rng: np.random.Generator,
) -> None:
    effect = gaming_effect(teams(rng, 9), control="wage")  # five teams against four
    own, common = (row_of(each, "gamed") for each in (effect, effect.inference("cluster")))
    assert own["inference"] == "cluster (team), Welch, t"
    assert common["inference"] == "cluster (team), CR1, t"
    assert 3 <= own["df"] < common["df"] == 7
    moved = effect.rows["tested"].iloc[0].contrast.moved
    variance = (moved**2).sum(axis=0) * np.array([4 / 3, 5 / 4])
    assert own["std_error"] == pytest.approx(np.sqrt(variance.sum()), rel=1e-12)
    assert common["std_error"] == pytest.approx(np.sqrt((moved**2).sum() * 9 / 7), rel=1e-12)


def test_an_arm_of_one_team_has_no_error_of_its_own(rng: np.random.Generator) -> None:
    world = teams(rng, 12)
    keep = world.seen.assignments["unit_id"].isin([0, 1, 3, 5, 7, 9, 11])
    some = world.seen.assignments["unit_id"][keep]
    shown = {
        name: frame[frame["team"].isin(some)]
        for name, frame in (("audits", world.seen.audits), ("cells", world.seen.cells))
    }
    lone = world.changed(assignments=world.seen.assignments[keep], **shown)
    effect = gaming_effect(lone, control="wage")
    row = row_of(effect, "gamed")
    assert (row["n_clusters"], row["df"]) == (7, 5)
    assert row["inference"] == "cluster (team), CR1, t, Jeffreys"
    assert row["conf_low"] < row["estimate"] < row["conf_high"]
    levels = effect.details["levels"].set_index("term")
    assert np.isnan(levels.loc["wage", "std_error"]).all()
    assert (levels.loc["bonus 1", "std_error"] > 0).all()


def test_what_was_not_dealt_at_random_is_refused(rng: np.random.Generator) -> None:
    pairs = gaming_effect(audited_world(rng, gaming_shares(rng, 8, 0.05)), control="wage")
    with pytest.raises(ValueError, match="assigned at random"):
        pairs.inference("randomisation", rng=1)
    world = teams(rng)
    rows = world.seen.assignments
    for changed in (
        rows.assign(randomised=False),
        rows.assign(prob=np.where(rows["unit_id"] < 6, 0.3, 0.7)),
        rows.drop(columns="prob"),
    ):
        effect = gaming_effect(world.changed(assignments=changed), control="wage")
        with pytest.raises(ValueError, match="assigned at random, with the same chances"):
            effect.inference("randomisation", rng=1)
    with pytest.raises(ValueError, match="method must be one of 'welch', 'cluster', 'wild'"):
        effect.inference("bootstrap", rng=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="reps must be 99 or more, got 10"):
        effect.inference("wild", reps=10, rng=1)
