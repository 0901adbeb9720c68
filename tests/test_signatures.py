"""What each mechanism leaves behind, and what it leaves behind no more when it is switched off.

A signature is a statement about counts that a world with the mechanism makes true. Those of gaming
are also held against mutants: records to which false saves were added at a constant rate, or in
proportion to pay or to fear. A statement that such a record makes true shows nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from reading.centre import as_read

import incentives as inc
from incentives._draws import Purpose, key_of, uniforms
from incentives.world import World

STAKE = inc.Conscience().stake  # money: what one full lie gains at the reference scheme
PIECES = {f"{x:g}": x * STAKE for x in (0.0, 0.0625, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)}


def a_centre(**values: Any) -> inc.Scenario:
    """Sixteen agents who stay and are busy two thirds of the time; customers often want out.

    Mechanisms with signatures in files of their own are left out, so that one is seen at a time.
    """
    return as_read(inc.Scenario()).change(
        {
            "floor.teams": 4,
            "floor.team_size": 4,
            "floor.customers": 14_000,
            "floor.minutes": 330.0,
            "floor.shift_minutes": (330.0,),
            "floor.pause": 30.0,
            "leaving.base": 0.05,
            "acquisition.monthly": 0.05,
            "turnover.hazard": 0.0,
            **values,
        }
    )


def per_save(money: float) -> inc.Scheme:
    return inc.Wage() + inc.PieceRate("saves", money)


def wishes(records: inc.Records) -> pd.DataFrame:
    """Count the wishes to cancel that each agent dealt with, and what was done with them."""
    cells = records.cells
    cells = cells[(cells["reason"] == "cancel") & (cells["agent"] >= 0)]
    table = cells.pivot_table(
        index=["run", "agent"], columns="true_action", values="n", aggfunc="sum", observed=False
    )
    done = table.drop(columns="cut_off")
    return done.assign(handled=done.sum(axis=1))


def rates(records: inc.Records, action: str = "fabricate") -> pd.DataFrame:
    """Give the share of wishes dealt with by an action: a row a person, a column a scheme."""
    counts = wishes(records)
    runs = records.runs.set_index("run")
    share = (counts[action] / counts["handled"]).rename("share").reset_index()
    share = share.join(runs[["scheme", "replication"]].astype(str), on="run")
    return share.pivot_table(
        index=["replication", "agent"], columns="scheme", values="share", aggfunc="first"
    )


def gap(more: pd.Series, less: pd.Series) -> tuple[float, float]:
    """Give a mean paired difference between persons or worlds, and its standard error."""
    difference = (more - less).to_numpy()
    return difference.mean(), difference.std(ddof=1) / np.sqrt(len(difference))


def constant(records: inc.Records, scheme: str, others: list[str], share: float) -> pd.DataFrame:
    """The mutant: whatever the pay, the unpaid rate and a constant share on top, by chance."""
    base = rates(records)[scheme].to_numpy()
    handled = wishes(records)["handled"].mean()
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {name: base + rng.binomial(int(handled), share, len(base)) / handled for name in others}
    )


# -- the bonus ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_pay() -> inc.Records:
    schemes = {name: per_save(money) for name, money in PIECES.items()}
    return inc.simulate(
        a_centre().vary(scheme=schemes), months=6, replications=4, rng=3, keep="cells"
    )


def test_without_the_bonus_gaming_is_what_it_is_for_a_wage_alone() -> None:
    paid = a_centre().vary(scheme={"own": per_save(STAKE)})[0]
    nothing = a_centre().vary(scheme={"own": per_save(0.0)})[0]
    wage = inc.simulate(a_centre(), months=2, rng=3)
    for other in (nothing, paid.without("P1")):
        unpaid = inc.simulate(other, months=2, rng=3)
        for name in ("contacts", "customers", "agents", "audits", "surveys", "days"):
            pd.testing.assert_frame_equal(getattr(unpaid, name), getattr(wage, name))
    pair = inc.twins(paid, nothing, months=3, horizon=3, replications=6, rng=3)
    for outcome in ("gamed", "fabricated", "misclassified", "save_rate_logged"):
        assert pair.effect(outcome) > 4 * pair.mc_error(outcome), outcome
    values = pair.pairs[pair.pairs["outcome"] == "fabricated"]
    assert values["policy"].mean() > 10 * values["against"].mean()


def rises_in_a_step(shares: pd.DataFrame) -> bool:
    """Is there a rise from no pay to the stake, of which a doubling of the pay adds less than half?

    In proportion, a doubling would add as much again.
    """
    rise, error = gap(shares["1"], shares["0"])
    more, more_error = gap(shares["2"], shares["1"])
    return rise > 4 * error and more + 2 * more_error < 0.5 * rise


def test_fabrication_rises_with_pay_in_a_step_and_not_in_proportion(by_pay: inc.Records) -> None:
    shares = rates(by_pay)
    for less, more in (("0", "0.0625"), ("0.0625", "0.25")):
        rise, error = gap(shares[more], shares[less])
        assert rise > 3 * error, f"from {less} to {more}"
    assert rises_in_a_step(shares)
    # neither a constant rate nor one in proportion to pay would do
    assert not rises_in_a_step(constant(by_pay, "0", list(PIECES), 0.15))
    proportional = pd.DataFrame({name: 0.15 * float(name) * shares["1"] for name in PIECES})
    assert not rises_in_a_step(proportional)


def test_fabrication_does_not_fall_when_a_save_pays_more(by_pay: inc.Records) -> None:
    shares = rates(by_pay)
    for more in ("2", "4", "8"):
        rise, error = gap(shares[more], shares["1"])
        assert rise > -3 * error, f"{shares['1'].mean():.3f} to {shares[more].mean():.3f} at {more}"


def some_never_do(shares: pd.DataFrame) -> bool:
    """Do a twentieth or more not do it once, whatever it pays, and a tenth next to never?

    In the laboratory 14 to 34 % stay honest however good the odds; here stakes go up to eight times
    the usual, and once in six months under any of eight schemes is enough not to count.
    """
    not_once = (shares == 0).all(axis=1).mean() >= 0.05
    return bool(not_once and (shares.max(axis=1) < 0.02).mean() >= 0.1)


def test_some_never_fabricate_however_high_the_pay(by_pay: inc.Records) -> None:
    shares = rates(by_pay)
    assert some_never_do(shares)
    assert (shares.max(axis=1) > 0.5).any()  # and some nearly always
    assert not some_never_do(constant(by_pay, "0", list(PIECES), 0.03))
    # they are those whom a lie costs most
    agents = by_pay.agents.merge(by_pay.runs[["run", "replication"]], on="run")
    cost = agents.groupby(["replication", "agent"])["true_conscience"].first().to_numpy()
    never = (shares == 0).all(axis=1).to_numpy()
    assert np.median(cost[never]) > np.median(cost[~never])
    assert never[cost > 2.5 * STAKE].all()


# -- audit --------------------------------------------------------------------------------------

BELIEVED = 0.1  # chance of a check, held fast: a belief with so much weight learns nothing
SURE = {"belief.prior": BELIEVED, "belief.weight": 1e6, "audit.rate": 0.0, "audit.on_saves": 0.0}
ALIKE = {
    "workforce.archetypes": (inc.Archetype(name="one"),),
    "workforce.tastes": 0.0,
    "workforce.pace": 0.0,
    "workforce.closing": 0.0,
    "conscience.spread": 0.0,
    "conscience.ability": 0.0,
    "conscience.mean": 0.0,
    "conscience.culture": 0.0,
    "dropped_contact.spread": 0.0,
}


def by_penalty(centre: inc.Scenario, penalties: list[float]) -> pd.DataFrame:
    """Give each person's share of fabricated saves by the penalty: a row a person."""
    worlds = [
        centre.change({"audit.penalty": each}).vary(scheme={f"{each:g}": per_save(STAKE)})[0]
        for each in penalties
    ]
    return rates(inc.simulate(worlds, months=3, replications=4, rng=3, keep="cells"))[
        [f"{each:g}" for each in penalties]
    ]


def falls_in_a_step(penalties: list[float], shares: pd.Series) -> bool:
    """Is most of the fall near the penalty at which a lie just pays?

    That penalty is where the share has halved. A fall in proportion would take a fifth off at two
    fifths of it, and leave a fifth at eight fifths.
    """
    left = shares.to_numpy() / shares.iloc[0]
    even = np.interp(0.5, left[::-1], penalties[::-1])
    before, after = np.interp([0.4 * even, 1.6 * even], penalties, left)
    return bool(before > 0.9 and after < 0.1)


def test_fabrication_falls_with_the_penalty_in_a_step() -> None:
    penalties = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 70.0]
    shares = by_penalty(a_centre(**SURE, **ALIKE).without("G2"), penalties).mean()
    assert (np.diff(shares) <= 0).all()
    assert falls_in_a_step(penalties, shares)
    in_proportion = shares.iloc[0] * (1.0 - np.array(penalties) / penalties[-1])
    assert not falls_in_a_step(penalties, pd.Series(in_proportion))
    assert not falls_in_a_step(penalties, 0.5 * shares.iloc[0] + 0.5 * shares)


def some_stop_and_some_go_on(shares: pd.DataFrame) -> bool:
    """Of those who often lie when it is safe, do some stop and some go on when it is less so?"""
    often = shares[shares["0"] > 0.2]
    left = often["20"] / often["0"]
    return bool((left < 0.1).mean() > 0.2 and (left > 0.4).mean() > 0.1)


def test_the_penalty_that_deters_differs_between_people() -> None:
    shares = by_penalty(a_centre(**SURE), [0.0, 20.0, 200.0])
    assert some_stop_and_some_go_on(shares)
    assert shares["200"].max() < 0.02
    assert not some_stop_and_some_go_on(shares.assign(**{"20": 0.3 * shares["0"]}))


MORE = [{"belief.prior": 0.1}, {"audit.rate": 0.1}, {"audit.penalty": 600.0}]


def deters(more: dict[str, float], **values: Any) -> tuple[bool, float]:
    """Does more of it lower fabrication, by four errors; and how much is there without it?"""
    paid = a_centre(**values).vary(scheme={"own": per_save(STAKE)})[0]
    pair = inc.twins(paid.change(more), paid, months=3, horizon=3, replications=6, rng=3)
    usual = pair.pairs.loc[pair.pairs["outcome"] == "fabricated", "against"].mean()
    return pair.effect("fabricated") < -4 * pair.mc_error("fabricated"), usual


@pytest.mark.parametrize("more", MORE)
def test_fabrication_falls_when_checks_are_believed_more_likely_or_dearer(
    more: dict[str, float],
) -> None:
    fewer, _ = deters(more)
    assert fewer


def test_a_deterrent_that_is_constant_is_no_answer_to_checks() -> None:
    """The mutant: instead of fear, a lie costs so much more that as many are told in the mean.

    Its slope is 0 too, by which a check would take a part of the gain itself.
    """
    kinds = tuple(replace(each, fear=0.0) for each in inc.Workforce().archetypes)
    constant = {"workforce.archetypes": kinds, "conscience.slope": 0.0, "conscience.culture": 0.55}
    _, usual = deters(MORE[0])
    for more in MORE:
        fewer, mean_of_mutant = deters(more, **constant)
        assert mean_of_mutant == pytest.approx(usual, rel=0.1)
        assert not fewer, more


def test_where_nobody_checks_the_penalty_deters_nobody() -> None:
    paid = a_centre().vary(scheme={"own": per_save(STAKE)})[0].without("O6")
    first, second = (
        inc.simulate(paid.change({"audit.penalty": penalty}), months=2, rng=3).contacts
        for penalty in (0.0, 5_000.0)
    )
    pd.testing.assert_frame_equal(first, second)


# -- what becomes of the customers --------------------------------------------------------------


@pytest.fixture(scope="module")
def gamed() -> inc.Records:
    paid = a_centre().vary(scheme={"own": per_save(STAKE)})[0]
    both = [paid, paid.without("G1")]  # without fabrication, cancellations are suppressed instead
    return inc.simulate(both, months=5, replications=2, rng=3)


def left_after(records: inc.Records, contacts: pd.DataFrame) -> pd.DataFrame:
    """Say how many bills after a contact its customer left, and how (nothing if never)."""
    customers = records.customers[records.customers["left"] == 1]
    columns = ["run", "customer", "month", "left_contact", "left_discovery"]
    left = contacts.merge(customers[columns], on=["run", "customer"], how="left",
                          suffixes=("", "_left"))  # fmt: skip
    return left.assign(bills=left["month_left"] - left["month"] + 1)


def test_customers_saved_by_fabrication_are_gone_within_two_bills(gamed: inc.Records) -> None:
    contacts = gamed.contacts
    saved = contacts[(contacts["logged_outcome"] == "saved") & (contacts["month"] <= 2)]
    saved = saved[saved["reason"] == "cancel"]
    false = left_after(gamed, saved[saved["true_action"] == "fabricate"])
    assert len(false) > 100
    assert (false["bills"] <= 2).all()
    assert (false["left_contact"] == 1).all()
    true = left_after(gamed, saved[saved["true_outcome"] == "saved"])
    assert (true["bills"] <= 2).mean() < 0.3


def test_suppressed_cancellations_end_in_complaints_and_departure(gamed: inc.Records) -> None:
    contacts = gamed.contacts
    held = contacts[(contacts["true_outcome"] == "suppressed") & (contacts["month"] <= 2)]
    held = left_after(gamed, held)
    assert len(held) > 150
    gone = held[held["bills"].notna()]
    assert (gone["left_discovery"] == 1).all()
    assert gone["bills"].min() == 2  # found out at the first bill, gone at the second
    chance = inc.SuppressedCancellation().discovery
    share = (held["bills"] == 2).mean()
    assert abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / len(held))
    later = held[held["bills"] > 2]
    again = (later["bills"] == 3).sum() / ((held["bills"] != 2) & (held["month"] <= 2)).sum()
    assert abs(again - chance) < 4 * np.sqrt(chance * (1 - chance) / len(later))
    complaints = contacts[contacts["reason"] == "complaint"]
    soon = gone.merge(complaints, on=["run", "customer"], suffixes=("", "_complaint"))
    told = soon[(soon["month_complaint"] == soon["month_left"])
                & (soon["day_complaint"] % 20 <= 8)]  # fmt: skip
    assert len(told[["run", "customer"]].drop_duplicates()) == len(gone)


SUPPRESSING = a_centre(
    **{"floor.customers": 6_000, "conscience.mean": 0.0, "leaving.base": 0.08}
).without("G1")


def months_of(centre: inc.Scenario) -> inc.Records:
    paid = centre.vary(scheme={"own": per_save(STAKE)})[0]
    return inc.simulate(paid, months=4, replications=6, rng=3)


def complain_and_go(records: inc.Records) -> pd.DataFrame:
    """Say who, in the two months after a contact, complains and leaves as a detractor, per 100.

    A row a customer and month with a contact, and whether the log said that the customer stays.
    """
    contacts = records.contacts
    served = contacts[(contacts["agent"] >= 0) & (contacts["month"] < 2)]
    kept = (served["reason"] == "cancel") & (served["logged_outcome"] == "saved")
    keys = ["run", "customer", "month"]
    told = served.assign(kept=kept).groupby(keys, as_index=False)["kept"].any()
    left = records.customers[records.customers["left"] == 1]
    unhappy = left.loc[left["true_satisfaction"] < 5.0, keys]
    complaints = contacts.loc[contacts["reason"] == "complaint", keys].drop_duplicates()
    gone = unhappy.merge(complaints, on=keys)
    told = told.merge(gone, on=keys[:2], how="left", suffixes=("", "_gone"))
    return told.assign(goes=100.0 * (told["month_gone"] - told["month"]).between(1, 2))


def betrayed(records: inc.Records) -> pd.Series:
    """Those who complain and go, per 100 logged as saved, less per 100 of all others: by world."""
    share = complain_and_go(records).pivot_table(index="run", columns="kept", values="goes")
    return share[True] - share[False]


@pytest.fixture(scope="module")
def let_go() -> inc.Records:
    return months_of(SUPPRESSING.without("G2"))


def test_who_was_not_let_go_finds_out_complains_and_leaves_a_detractor(let_go: inc.Records) -> None:
    more, error = gap(betrayed(months_of(SUPPRESSING)), betrayed(let_go))
    assert more > 4 * error


def test_where_cancellations_are_carried_out_the_saved_are_as_content_as_others(
    let_go: inc.Records,
) -> None:
    assert abs(betrayed(let_go).mean()) < 2.0  # where suppressed, it is forty


def test_as_many_who_complain_and_leave_whoever_was_saved_betray_no_suppression(
    let_go: inc.Records,
) -> None:
    angry = {"needs.complaint": 0.65, "leaving.base": 0.22}
    mutant = months_of(SUPPRESSING.without("G2").change(angry))
    worlds = mutant, months_of(SUPPRESSING)
    means = [complain_and_go(records)["goes"].mean() for records in worlds]
    assert means[0] == pytest.approx(means[1], rel=0.25)
    more, error = gap(betrayed(mutant), betrayed(let_go))
    assert not more > 4 * error


# -- thresholds ---------------------------------------------------------------------------------

THRESHOLD = 8  # saves a month


def bunches(counts: pd.Series) -> bool:
    """Are there more counts at and just above the threshold than any smooth course allows?

    Of three adjacent bins of three counts, the last begins at the threshold. Their logarithms bend
    downwards where counts have one smooth hill; with a hole below the threshold and a heap above
    they bend upwards.
    """
    low, below, above = (
        counts.between(THRESHOLD + shift, THRESHOLD + shift + 2).sum() for shift in (-6, -3, 0)
    )
    bend = np.log(above) - 2 * np.log(below) + np.log(low)
    return bool(bend > 4 * np.sqrt(1 / above + 4 / below + 1 / low))


def test_a_target_makes_logged_saves_bunch_and_a_piece_rate_does_not() -> None:
    schemes = {
        "target": inc.Wage() + inc.Target("saves", THRESHOLD, lump=60.0),
        "piece": per_save(3.0),
        "wage": inc.Wage(),
    }
    records = inc.simulate(
        a_centre().vary(scheme=schemes), months=8, replications=6, rng=3, keep="cells"
    )
    agents = records.agents.merge(records.runs[["run", "scheme"]], on="run", suffixes=("_own", ""))
    saves = {name: each["logged_saves"].astype(int) for name, each in agents.groupby("scheme")}
    assert bunches(saves["target"])
    assert not bunches(saves["piece"])
    assert not bunches(saves["wage"])
    ratio = {  # of those who just made it to those who just did not
        name: each.between(THRESHOLD, THRESHOLD + 2).sum()
        / each.between(THRESHOLD - 3, THRESHOLD - 1).sum()
        for name, each in saves.items()
    }
    assert ratio["target"] > 3 * ratio["piece"]
    # false saves at a constant rate shift the counts and do not bunch them
    cancels = agents.loc[agents["scheme"] == "wage", "logged_cancels"].astype(int)
    rng = np.random.default_rng(1)
    for share in (0.05, 0.15, 0.3):
        false = rng.binomial(cancels - saves["wage"], share)
        assert not bunches(saves["wage"] + false)


def test_the_price_of_a_save_peaks_below_the_threshold_and_vanishes_when_it_is_reached() -> None:
    lump = 60.0
    target = inc.Wage() + inc.Target("saves", THRESHOLD, lump=lump)
    centre = a_centre().without("O6").vary(scheme={"target": target})[0]
    records = inc.simulate(centre, months=12, rng=3, choices=1.0)
    contacts = records.contacts[records.contacts["ended"] == "served"].copy()
    # in the order of service, in which the log is written
    saved = (contacts["logged_outcome"] == "saved").astype(int)
    contacts["so_far"] = saved.groupby([contacts["month"], contacts["agent"]]).cumsum() - saved
    menus = records.choices[records.choices["true_action"].isin(["fabricate", "process"])]
    felt = menus.pivot_table(
        index="contact", columns="true_action", values="true_pay", observed=True
    )
    felt["gain"] = felt["fabricate"] - felt["process"]  # what a false save is felt to add to pay
    told = contacts.set_index("contact")[["so_far", "day"]].join(felt["gain"], how="inner")
    last = told[told["day"] % 20 >= 18].groupby("so_far")["gain"].mean()
    close = last.loc[THRESHOLD - 2 : THRESHOLD - 1].max()
    assert close == last.max()
    assert last.loc[: THRESHOLD - 4].max() < 0.75 * close  # what is felt saturates with the price
    reached = told.loc[told["so_far"] >= THRESHOLD, "gain"]
    assert len(reached) > 100
    assert reached.max() < 0.01 * lump


# -- load ---------------------------------------------------------------------------------------


def test_a_doubled_load_drops_callers_and_loses_customers_through_the_queue() -> None:
    # beliefs are held fast: more contacts would teach agents sooner how seldom they are checked
    drops = {"dropped_contact.queue": 0.2, "dropped_contact.spread": 0.4}
    base = a_centre(**drops, **{"floor.customers": 10_000, "belief.weight": 1e6})
    base = base.vary(scheme={"own": per_save(STAKE)})[0]
    double = base.change({"floor.customers": 20_000})
    settings: dict[str, Any] = {"months": 6, "horizon": 6, "replications": 8, "rng": 4}
    queued = inc.twins(double, base, **settings)
    at_once = inc.twins(double.without("O5"), base.without("O5"), **settings)
    for outcome in ("wait", "abandoned", "cut_off", "callbacks", "churn"):
        assert queued.effect(outcome) > 4 * queued.mc_error(outcome), outcome
    for outcome in ("cut_off", "callbacks", "churn"):
        assert abs(at_once.effect(outcome)) < 4 * at_once.mc_error(outcome), outcome
        assert abs(at_once.effect(outcome)) < 0.3 * queued.effect(outcome), outcome
    for outcome in ("wait", "abandoned"):
        assert at_once.effect(outcome) == 0.0


def waits_follow_the_load(contacts: pd.DataFrame) -> float:
    """Mean wait (minutes) in the busier half of the hours of a world, less in the other half."""
    hour = (contacts["minute"] // 60).astype(int)
    busier = hour.map(hour.value_counts().rank(pct=True)) > 0.5
    wait = contacts["wait_minutes"].astype(float)
    return float(wait[busier].mean() - wait[~busier].mean())


def hang_ups_follow_the_load(contacts: pd.DataFrame) -> float:
    """Share that gives up in the busier half of the hours of a world, less in the other half."""
    gone = contacts.assign(wait_minutes=contacts["ended"] == "abandoned")
    return waits_follow_the_load(gone)


CALLED = {"floor.profile": (0.4, 0.7, 1.6, 1.6, 0.7, 0.4), "floor.customers": 11_000}


def test_callers_wait_and_give_up_when_the_load_is_high() -> None:
    crowded = indifferent(**CALLED)
    queued, at_once = worlds(crowded), worlds(crowded.without("O5"))
    for statistic in (waits_follow_the_load, hang_ups_follow_the_load):
        assert shows(queued, at_once, statistic), statistic.__name__
        assert [statistic(each) for each in at_once] == [0.0] * 6


def test_as_long_waits_whatever_the_load_do_not_follow_it() -> None:
    """The mutant: each contact has the wait, and the end, of another one of the same world."""
    crowded, rng = indifferent(**CALLED), np.random.default_rng(1)
    queued, at_once = worlds(crowded), worlds(crowded.without("O5"))
    ends = ["wait_minutes", "ended"]
    mutant = []
    for each in queued:
        other = each[ends].to_numpy()[rng.permutation(len(each))]
        mutant.append(each.assign(wait_minutes=other[:, 0].astype(float), ended=other[:, 1]))
    for statistic in (waits_follow_the_load, hang_ups_follow_the_load):
        assert not shows(mutant, at_once, statistic), statistic.__name__


# -- customers' mechanisms ----------------------------------------------------------------------


def indifferent(**values: Any) -> inc.Scenario:
    """A centre whose agents care for nothing, so that what they do is an answer to nothing."""
    tastes = ("pay", "effort", "fear", "care", "employer", "client", "standing", "risk")
    nothing: dict[str, Any] = dict.fromkeys(tastes, 0.0)
    return (
        a_centre(**ALIKE)
        .change({"workforce.archetypes": (inc.Archetype(name="none", **nothing),)})
        .change(
            {"conscience.noise": 2.0, "conscience.kinship": 1.0, "openness.median": 0.3, **values}
        )
        .without("G1", "G2", "G3", "G4", "G8", "A7", "A8")
    )


def mean(values: Any) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def near(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return bool(abs(one[0] - other[0]) < 4 * np.hypot(one[1], other[1]))


def worlds(centre: inc.Scenario, months: int = 2) -> list[pd.DataFrame]:
    """Run some worlds of twins and give the contacts of each."""
    contacts = inc.simulate(centre, months=months, replications=6, rng=3).contacts
    return [own for _, own in contacts.groupby("run")]


Statistic = Callable[[pd.DataFrame], float]


def shows(on: list[pd.DataFrame], off: list[pd.DataFrame], statistic: Statistic) -> bool:
    """Is the number of a world larger than its twin's, by four Monte-Carlo errors or more?"""
    more, error = gap(*(pd.Series([statistic(each) for each in every]) for every in (on, off)))
    return more > 4 * error > 0


def share_sold(contacts: pd.DataFrame) -> float:
    return float((contacts["true_outcome"] == "sale").mean())


def sells_more_after(contacts: pd.DataFrame) -> float:
    """Share of offers that sell when made after the issue, less when made before."""
    first, after = (contacts["true_action"] == name for name in ("offer_first", "offer_after"))
    return share_sold(contacts[after]) - share_sold(contacts[first])


def harms_less_after(contacts: pd.DataFrame) -> float:
    """Points of experience of offers made after the issue, less of those made before."""
    first, after = (contacts["true_action"] == name for name in ("offer_first", "offer_after"))
    felt = contacts["true_experience"].astype(float)
    return float(felt[after].mean() - felt[first].mean())


def sells_more_once_resolved(contacts: pd.DataFrame) -> float:
    """Share of offers after service that sell where it has resolved the issue, less where not."""
    after = contacts[contacts["true_action"] == "offer_after"]
    return share_sold(after[after["true_resolved"]]) - share_sold(after[~after["true_resolved"]])


def test_an_offer_sells_more_and_harms_less_after_the_issue() -> None:
    ordered, without = worlds(indifferent()), worlds(indifferent().without("C4"))
    for statistic in (sells_more_after, harms_less_after, sells_more_once_resolved):
        assert shows(ordered, without, statistic), statistic.__name__
    assert np.mean([harms_less_after(each) for each in ordered]) > 0.5
    contacts = pd.concat(ordered).query("true_resolved")  # else no offer is made after it
    sold = (contacts["true_outcome"] == "sale").astype(float)
    (one, one_error), (two, two_error) = (
        mean(sold[contacts["true_action"] == name]) for name in ("offer_first", "offer_after")
    )
    appeal = indifferent().menu[inc.Action.OFFER_FIRST].appeal
    assert near((one / two, one / two * np.hypot(one_error / one, two_error / two)), (appeal, 0.0))


def test_without_order_effects_an_offer_is_the_same_before_and_after() -> None:
    without = worlds(indifferent().without("C4"))
    for statistic in (sells_more_after, harms_less_after, sells_more_once_resolved):
        assert near(mean(pd.Series([statistic(each) for each in without])), (0.0, 0.0))


def test_offers_that_are_middling_before_and_after_have_no_order() -> None:
    """The mutant: all offers sell, annoy and leave undone as much as these do in the mean."""
    first, after = (indifferent().menu[each] for each in (inc.Action.OFFER_FIRST,
                                                          inc.Action.OFFER_AFTER))  # fmt: skip
    ordered, without = worlds(indifferent()), worlds(indifferent().without("C4"))
    made = pd.concat(ordered)["true_action"]
    weight = (made == "offer_first").sum() / made.isin(["offer_first", "offer_after"]).sum()
    middling = {
        f"menu.{name}.{item}": weight * getattr(first, item) + (1 - weight) * getattr(after, item)
        for name in ("offer_first", "offer_after")
        for item in ("appeal", "annoys", "resolves")
    }
    mutant = worlds(indifferent(**middling))
    for value in (share_sold, lambda contacts: contacts["true_experience"].astype(float).mean()):
        assert value(pd.concat(mutant)) == pytest.approx(value(pd.concat(ordered)), rel=0.03)
    for statistic in (sells_more_after, harms_less_after, sells_more_once_resolved):
        assert not shows(mutant, without, statistic), statistic.__name__


def test_without_the_order_effect_more_is_sold() -> None:
    pair = inc.twins(indifferent(), indifferent().without("C4"), months=3, horizon=3,
                     replications=4, rng=3)  # fmt: skip
    assert pair.effect("sales_true") < -4 * pair.mc_error("sales_true")


@pytest.mark.parametrize("off", [False, True])
def test_what_delights_at_first_is_expected_later(off: bool) -> None:
    centre = a_centre(**{"floor.customers": 6_000, "needs.question": 1.2})
    centre = centre.without("C1") if off else centre
    records = inc.simulate(centre, months=1, rng=3)
    rule = centre.expectations
    contacts = records.contacts.copy()
    # an experience is had when the contact ends
    contacts["at"] = contacts["day"] * 1440.0 + contacts["minute"] + contacts["wait_minutes"]
    start = inc.simulate(centre.change({"needs.question": 0.0, "needs.complaint": 0.0,
                                        "needs.order": 0.0}), months=1, rng=3)  # fmt: skip
    fading = 1.0 - rule.fade
    before = start.customers.set_index("customer")["true_satisfaction"].astype(float)
    before = (before - rule.fade * rule.neutral) / fading
    felt = contacts.sort_values("at").groupby("customer")["true_experience"].agg(list)
    after = records.customers.set_index("customer")["true_satisfaction"].astype(float)
    adapts = 0.0 if off else rule.adapts
    told = {}
    for who, experiences in zip(felt.index, felt, strict=True):
        s, e = before[who], rule.neutral
        for q in map(float, experiences):
            weight = rule.speed * (rule.losses if q < e else 1.0)
            s = min(max(s + weight * (q - e), 0.0), 10.0)
            e += adapts * (q - e)
        told[who] = fading * s + rule.fade * rule.neutral
    expected = pd.Series(told)
    np.testing.assert_allclose(after[expected.index], expected, atol=1e-4)
    assert felt.map(len).max() >= 4


def test_where_expectations_adapt_good_service_pleases_less_and_less() -> None:
    good = a_centre(**{"expectations.plain": 7.0, "needs.question": 1.2, "floor.customers": 6_000})
    good = good.without("A8")  # whose moods answer what was expected
    adapting, steady = (inc.simulate(each, months=1, rng=3) for each in (good, good.without("C1")))
    pd.testing.assert_frame_equal(adapting.contacts, steady.contacts)
    tries = steady.contacts.groupby("customer").size()
    satisfaction = pd.DataFrame(
        {
            name: records.customers.set_index("customer")["true_satisfaction"].astype(float)
            for name, records in (("adapting", adapting), ("steady", steady))
        }
    ).join(tries.rename("tries"))
    once, often = (satisfaction[chosen] for chosen in
                   (satisfaction["tries"] == 1, satisfaction["tries"] >= 3))  # fmt: skip
    assert (once["adapting"] == once["steady"]).all()
    less, error = gap(often["steady"], often["adapting"])
    assert less > 4 * error


EXPECTING = {
    "expectations.plain": 7.0,
    "expectations.losses": 1.0,
    "needs.question": 1.2,
    "floor.customers": 6_000,
}


def the_first_counts_less(centre: inc.Scenario) -> tuple[float, float]:
    """Give how much less the first of two experiences counts than the second, and its error.

    The points of satisfaction, per point of difference between them, that it adds to have had the
    better one last: against the twin in which expectations stay put. Which of them came first is
    chance.
    """
    still = a_centre(**EXPECTING).without("A8", "C1")
    moved, rise = [], []
    for replication in range(4):
        one, other = (inc.simulate(each, months=1, rng=3 + replication) for each in (centre, still))
        contacts = other.contacts.sort_values(["day", "minute"])
        felt = contacts.groupby("customer").agg(
            n=("attempt", "size"),
            tries=("attempt", "max"),
            first=("true_experience", "first"),
            last=("true_experience", "last"),
        )
        felt = felt[(felt["n"] == 2) & (felt["tries"] == 1)]  # two needs, each met at once
        satisfied = [
            each.customers.set_index("customer")["true_satisfaction"].astype(float)[felt.index]
            for each in (one, other)
        ]
        moved.append(satisfied[0] - satisfied[1])
        rise.append((felt["last"] - felt["first"]).astype(float))
    change, better = pd.concat(moved), pd.concat(rise)
    return mean(np.sign(better) * change / better.abs().mean())


def expected(centre: inc.Scenario) -> float:
    """Give the mean expectation at the end of a month."""
    world = World(centre, rng=3, months=1)
    world.run()
    return float(world.customers.row["expectation"][: centre.floor.customers].mean())


def test_good_service_raises_the_next_expectation() -> None:
    less, error = the_first_counts_less(a_centre(**EXPECTING).without("A8"))
    assert less > 4 * error


def test_where_expectations_stay_put_the_first_experience_counts_as_much() -> None:
    assert the_first_counts_less(a_centre(**EXPECTING).without("A8", "C1")) == (0.0, 0.0)


def test_an_expectation_that_is_higher_for_all_is_raised_by_nothing() -> None:
    """The mutant: as much is expected in the mean, by everybody and from the start."""
    adapting = a_centre(**EXPECTING).without("A8")
    high = {"expectations.adapts": 0.0, "expectations.neutral": expected(adapting)}
    mutant = adapting.change(high)
    assert high["expectations.neutral"] > inc.Expectations().neutral + 0.1
    assert expected(mutant) == pytest.approx(expected(adapting))
    less, error = the_first_counts_less(mutant)
    assert not less > 4 * error


ATTEMPTS = (inc.Action.SAVE, inc.Action.PRESS)


def talked_round(centre: inc.Scenario, what: str = "kept") -> pd.DataFrame:
    """Give the share of attempts that keep the customer: a row a world, by row and by decidedness.

    Whose mind is made up is known from the draw with which the wish came, at a month's bill. The
    other thing to be asked for is the ``"experience"`` of those who were not kept.
    """
    contacts = inc.simulate(centre, months=4, replications=6, rng=3).contacts
    tried = contacts[contacts["true_action"].isin([each.name.lower() for each in ATTEMPTS])]
    tried = tried[(tried["attempt"] == 1) & (tried["month"] > 0)]
    kept = []
    for replication, own in tried.groupby("run"):
        bill = own["month"].to_numpy() - 1
        u = uniforms(key_of(3, replication), Purpose.LEAVE, own["customer"].to_numpy(), bill)[:, 2]
        decided = np.where(u < centre.made_up_minds.decided, "decided", "open")
        measured = (own["true_outcome"] == "saved").astype(float)
        if what == "experience":
            measured = own["true_experience"].where(measured == 0.0)
        kept.append(measured.groupby([own["true_action"].astype(str), decided]).mean())
    return pd.DataFrame(kept)


def decided_stay_less(kept: pd.DataFrame, name: str) -> bool:
    """Does a row keep those who have decided less often than others, by four errors?"""
    less, error = gap(kept[name, "open"], kept[name, "decided"])
    return less > 4 * error


def test_made_up_minds_are_seldom_changed_and_then_by_pressure() -> None:
    kept = talked_round(indifferent())
    for action in ATTEMPTS:
        row, name = indifferent().menu[action], action.name.lower()
        assert decided_stay_less(kept, name), name
        assert near(mean(kept[name, "open"]), (row.keeps, 0.0)), name
        assert near(mean(kept[name, "decided"]), (row.keeps_decided, 0.0)), name
    pressed, error = gap(kept["press", "decided"], kept["save", "decided"])
    assert pressed > 4 * error


def test_without_made_up_minds_the_same_customers_are_kept_like_any_others() -> None:
    kept = talked_round(indifferent().without("C6"))
    for action in ATTEMPTS:
        keeps, name = indifferent().menu[action].keeps, action.name.lower()
        assert not decided_stay_less(kept, name), name
        assert near(mean(kept[name, "open"]), (keeps, 0.0)), name
        assert near(mean(kept[name, "decided"]), (keeps, 0.0)), name


def test_minds_that_are_made_up_and_as_easily_changed_do_not_matter() -> None:
    """The mutant: as many are kept in the mean, whether they have decided or not."""
    share, even = inc.MadeUpMinds().decided, {}
    for action in ATTEMPTS:
        row, name = indifferent().menu[action], action.name.lower()
        chance = (1.0 - share) * row.keeps + share * row.keeps_decided
        even |= {f"menu.{name}.keeps": chance, f"menu.{name}.keeps_decided": chance}
    kept, usual = talked_round(indifferent(**even)), talked_round(indifferent())
    for name in ("save", "press"):
        both = [share * each[name, "decided"] + (1.0 - share) * each[name, "open"]
                for each in (kept, usual)]  # fmt: skip
        assert near(mean(both[0]), mean(both[1])), name
        assert not decided_stay_less(kept, name), name


def decided_mind_more(felt: pd.DataFrame, name: str) -> bool:
    """Does an attempt please those who have decided less than others, by four errors?"""
    less, error = gap(felt[name, "open"], felt[name, "decided"])
    return less > 4 * error


def test_trying_to_talk_round_those_who_have_decided_irritates_them() -> None:
    felt = talked_round(indifferent(), "experience")
    for name in ("save", "press"):
        assert decided_mind_more(felt, name), name


def test_without_made_up_minds_nobody_is_irritated_more_than_others() -> None:
    felt = talked_round(indifferent().without("C6"), "experience")
    for name in ("save", "press"):
        assert not decided_mind_more(felt, name), name


def test_attempts_that_annoy_everybody_as_much_are_told_from_it() -> None:
    """The mutant: attempts cost as much in the mean, whether the customer has decided or not."""
    share, even = inc.MadeUpMinds().decided, {}
    for action in ATTEMPTS:
        row, name = indifferent().menu[action], action.name.lower()
        lost = row.courtesy - share * row.annoys
        even |= {f"menu.{name}.courtesy": lost, f"menu.{name}.annoys": 0.0}
    felt, usual = (
        talked_round(each, "experience") for each in (indifferent(**even), indifferent())
    )
    for name in ("save", "press"):
        both = [each[name].mean(axis=1) for each in (felt, usual)]
        assert abs(mean(both[0])[0] - mean(both[1])[0]) < 0.2, name
        assert not decided_mind_more(felt, name), name


def test_with_made_up_minds_fewer_are_saved() -> None:
    pair = inc.twins(indifferent(), indifferent().without("C6"), months=4, horizon=4,
                     replications=4, rng=3)  # fmt: skip
    assert pair.effect("save_rate_true") < -4 * pair.mc_error("save_rate_true")


WIDE = {"openness.spread": 1.5, "openness.moment": 0.2}


def two_offers(contacts: pd.DataFrame) -> pd.DataFrame:
    """Give the first two offers made to each customer, side by side."""
    offers = contacts[contacts["true_action"] == "offer_after"]
    offers = offers.assign(sold=(offers["true_outcome"] == "sale").astype(float))
    turn = offers.groupby("customer").cumcount()
    return offers[turn == 0].merge(offers[turn == 1], on="customer")


def buys_again(contacts: pd.DataFrame) -> float:
    """Share of second offers that sell to those who bought at the first, less to the others."""
    pairs = two_offers(contacts)
    bought = pairs["sold_x"] == 1.0
    return float(pairs["sold_y"][bought].mean() - pairs["sold_y"][~bought].mean())


def minds_less(contacts: pd.DataFrame) -> float:
    """Points of experience of a second offer to those who bought at the first, less to others."""
    pairs = two_offers(contacts)
    bought, felt = pairs["sold_x"] == 1.0, pairs["true_experience_y"].astype(float)
    return float(felt[bought].mean() - felt[~bought].mean())


def offer_costs(contacts: pd.DataFrame) -> float:
    """Points of experience without an offer, less with one."""
    contacts = contacts[contacts["wait_minutes"] == 0]
    felt = contacts["true_experience"].astype(float)
    served, offered = (contacts["true_action"] == name for name in ("serve", "offer_after"))
    return float(felt[served].mean() - felt[offered].mean())


@pytest.fixture(scope="module")
def as_open() -> list[pd.DataFrame]:
    """Worlds without C3, in which all are as open as the median and mind no offer."""
    return worlds(indifferent(**WIDE).without("C3"), months=4)


def test_openness_differs_between_customers(as_open: list[pd.DataFrame]) -> None:
    differing = worlds(indifferent(**WIDE), months=4)
    for statistic in (buys_again, minds_less, offer_costs):
        assert shows(differing, as_open, statistic), statistic.__name__


def test_without_openness_all_are_as_open_and_no_offer_annoys(as_open: list[pd.DataFrame]) -> None:
    for statistic in (buys_again, minds_less, offer_costs):
        assert near(mean(pd.Series([statistic(each) for each in as_open])), (0.0, 0.0))
    offers = pd.concat(as_open)
    served = (offers["true_action"] == "offer_after") & offers["true_resolved"]
    sold = offers.loc[served, "true_outcome"] == "sale"
    assert near(mean(sold.astype(float)), (indifferent(**WIDE).openness.median, 0.0))


def test_a_mean_openness_of_all_knows_no_buyers(as_open: list[pd.DataFrame]) -> None:
    """The mutant: as many buy, and an offer annoys as much in the mean, but all alike."""
    even = {"openness.spread": 0.0, "openness.moment": 0.0, "openness.median": 0.345}
    mutant, differing = (worlds(indifferent(**each), months=4) for each in (WIDE | even, WIDE))
    for value in (share_sold, offer_costs):
        assert value(pd.concat(mutant)) == pytest.approx(value(pd.concat(differing)), rel=0.05)
    for statistic in (buys_again, minds_less):
        assert not shows(mutant, as_open, statistic), statistic.__name__


@pytest.mark.parametrize("off", [False, True])
def test_chats_are_a_share_of_contacts_and_take_longer(off: bool) -> None:
    centre = indifferent(**{"channels.chat": 0.3})
    centre = centre.without("O4") if off else centre
    contacts = inc.simulate(centre, months=4, rng=3).contacts
    chat = contacts["channel"] == "chat"
    if off:
        assert not chat.any()
        return
    first = contacts["attempt"] == 1
    assert near(mean(chat[first].astype(float)), (centre.channels.chat, 0.0))
    served = contacts[(contacts["reason"] == "question") & (contacts["true_action"] == "serve")]
    minutes = np.log(served["handle_minutes"].astype(float))
    long, short = (
        mean(minutes[served["channel"] == "chat"]),
        mean(minutes[served["channel"] == "voice"]),
    )
    assert near((long[0] - short[0], np.hypot(long[1], short[1])), (np.log(1.2), 0.0))


def test_those_who_chat_wait_longer_before_they_give_up() -> None:
    chats = {"channels.chat": 0.5, "channels.minutes": 1.0, "queueing.patience_chat": 24.0}
    crowded = indifferent(**chats, **{"floor.customers": 20_000})
    contacts = inc.simulate(crowded, months=2, rng=3).contacts
    waited = contacts[(contacts["wait_minutes"] > 0) & (contacts["attempt"] == 1)]
    gone = (waited["ended"] == "abandoned").astype(float)
    chat, voice = (mean(gone[waited["channel"] == name]) for name in ("chat", "voice"))
    assert chat[0] + 4 * np.hypot(chat[1], voice[1]) < voice[0]


@pytest.mark.parametrize("off", [False, True])
def test_wishes_to_cancel_wait_for_the_few_who_may_deal_with_them(off: bool) -> None:
    skilled = indifferent(**{"routing.retention": 0.125, "floor.customers": 17_000})
    skilled = skilled.without("O4", *(("O2",) if off else ()))
    contacts = inc.simulate(skilled, months=4, rng=3).contacts
    cancels = contacts["reason"] == "cancel"
    seats = set(contacts.loc[cancels & (contacts["agent"] >= 0), "agent"])
    days = contacts.assign(cancels=cancels, wait=contacts["wait_minutes"].astype(float))
    days = days.pivot_table(index="day", columns="cancels", values="wait").dropna()
    longer, error = gap(days[True], days[False])
    if off:
        assert seats == set(range(16))
        assert abs(longer) < 4 * error
    else:
        assert seats == {0, 1}
        assert longer > 4 * error
