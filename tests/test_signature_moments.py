"""What carries from one contact to the next: mode (A7), mood (A8), place (P5); and what
is passed on to a colleague (G8).

Each signature is a number for a world, set against its twin in which the mechanism is off; beside
it stands a mutant, a world in which the rule is a constant of the same mean, whose number is the
twin's. Effects are made strong, so that few worlds show them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import incentives as inc

FLOOR = inc.Floor(teams=2, team_size=4, customers=7_000)
ALIKE = inc.Workforce(archetypes=(inc.Archetype(standing=0.0),), tastes=0.0, pace=0.0, closing=0.0)
CENTRE = inc.Scenario(
    floor=FLOOR,
    workforce=ALIKE,
    scheme=inc.Wage() + inc.PieceRate("sales", 6.0),
    openness=inc.Openness(median=0.3, spread=0.0, moment=0.0),
).without("G1", "G2", "G3", "G4")
WORLDS = 10
NEEDED = 4.0  # standard errors between a signature and its twin without it

Statistic = Callable[[pd.DataFrame], float]


def contacts_of(scenario: inc.Scenario, seed: int = 1, months: int = 4) -> list[pd.DataFrame]:
    """Run some worlds and give the served contacts of each in the order of each agent's day."""
    records = inc.simulate(scenario, replications=WORLDS, months=months, rng=seed)
    contacts = records.contacts[records.contacts["agent"] >= 0]
    contacts = contacts.assign(begins=contacts["minute"] + contacts["wait_minutes"])
    contacts = contacts.sort_values(["run", "agent", "day", "begins"], kind="stable")
    return [own for _, own in contacts.groupby("run")]


def against(on: list[pd.DataFrame], off: list[pd.DataFrame], statistic: Statistic) -> float:
    """Give the mean paired difference in Monte-Carlo standard errors."""
    gap = np.array([statistic(a) - statistic(b) for a, b in zip(on, off, strict=True)])
    return float(gap.mean() / (gap.std(ddof=1) / np.sqrt(len(gap))))


def before(contacts: pd.DataFrame, what: "pd.Series[bool]") -> "pd.Series[bool]":
    """Tell of each contact whether the agent's last one of the day was such a one."""
    keys = [contacts["agent"], contacts["day"]]
    return what.groupby(keys).shift(fill_value=False).astype(bool)


# -- A7 -----------------------------------------------------------------------------------------

MODES = inc.Mode(rate=0.8, spread=0.0, cold=0.5, switching=0.0)


def sells_better_once_selling(contacts: pd.DataFrame) -> float:
    """Share of offers that sell just after another offer, less the share just after service."""
    offers = contacts["true_action"].isin(["offer_after", "offer_first"])
    sold, warm = contacts["true_outcome"] == "sale", before(contacts, offers)
    return float(sold[offers & warm].mean() - sold[offers & ~warm].mean())


@pytest.fixture(scope="module")
def modal() -> list[pd.DataFrame]:
    return contacts_of(replace(CENTRE, mode=MODES))


@pytest.fixture(scope="module")
def modeless() -> list[pd.DataFrame]:
    return contacts_of(CENTRE.without("A7"))


def test_who_has_just_been_selling_sells_better(modal, modeless):
    assert against(modal, modeless, sells_better_once_selling) > NEEDED
    assert abs(np.mean([sells_better_once_selling(one) for one in modeless])) < 0.02


def test_a_lower_closing_skill_that_never_moves_has_no_mode(modal, modeless):
    def sold(worlds: list[pd.DataFrame]) -> float:
        offers = pd.concat(worlds)
        offers = offers[offers["true_action"].isin(["offer_after", "offer_first"])]
        return float((offers["true_outcome"] == "sale").mean())

    constant = min(sold(modal) / sold(modeless), 1.0)
    mutant = contacts_of(replace(CENTRE, mode=inc.Mode(rate=0.0, cold=constant, switching=0.0)))
    assert sold(mutant) == pytest.approx(sold(modal), rel=0.1)
    assert abs(against(mutant, modeless, sells_better_once_selling)) < NEEDED


def vars_of(work: inc.Work) -> dict[str, float]:
    """Give the mean work of each reason."""
    return {name: getattr(work, name) for name in ("question", "complaint", "order", "cancel")}


# -- A8 -----------------------------------------------------------------------------------------

MOODS = inc.Mood(carries=0.5, spread=0.0, thanks=0.0, abuse=0.0, failed=0.6, slows=0.5, lifts=0.0)


def slower_after_a_failed_close(contacts: pd.DataFrame) -> float:
    """Log handle time of an offer after one that failed, less after one that sold."""
    offers = contacts["true_action"].isin(["offer_after", "offer_first"])
    sold = contacts["true_outcome"] == "sale"
    usual = contacts["reason"].astype(str).map(vars_of(CENTRE.work))
    again = contacts["true_action"] == "offer_after"
    minutes = np.log((contacts["handle_minutes"] / usual).where(again))
    failed, closed = before(contacts, offers & ~sold), before(contacts, offers & sold)
    return float(minutes[failed].mean() - minutes[closed].mean())


def test_a_failed_close_slows_the_next_contact():
    moody = contacts_of(replace(CENTRE, mood=MOODS))
    calm = contacts_of(CENTRE.without("A8"))
    assert against(moody, calm, slower_after_a_failed_close) > NEEDED
    assert abs(np.mean([slower_after_a_failed_close(one) for one in calm])) < 0.03

    longer = pd.concat(moody)["handle_minutes"].mean() / pd.concat(calm)["handle_minutes"].mean()
    work = {
        f"work.{name}": getattr(CENTRE.work, name) * float(longer) for name in ("question", "order")
    }
    mutant = contacts_of(CENTRE.without("A8").change(work))  # everything takes longer, always
    assert abs(against(mutant, calm, slower_after_a_failed_close)) < NEEDED


# -- P5 -----------------------------------------------------------------------------------------

PROUD = replace(
    CENTRE,
    workforce=replace(ALIKE, archetypes=(inc.Archetype(standing=1.5),)),
    leaderboard=inc.Leaderboard(top=0.0, bottom=2.0),
)


def places(contacts: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Give the contacts in the order of a month, and the agent's place in the team at each."""
    team = contacts["agent"] // int(FLOOR.team_size)
    done = contacts.sort_values(["month", "begins"]).assign(team=team)
    done = done.sort_values(["day", "begins"], kind="stable")
    own = done.groupby(["month", "agent"]).cumcount()
    so_far = pd.DataFrame({"n": own + 1, "agent": done["agent"]})
    table = (
        so_far.pivot_table(index=so_far.index, columns="agent", values="n")
        .groupby(done["month"])
        .ffill()
        .fillna(0.0)
    )
    table = table.groupby(done["month"]).shift(fill_value=0.0)
    counts = table.to_numpy()
    seat, mates = done["agent"].to_numpy(), np.arange(counts.shape[1]) // int(FLOOR.team_size)
    mine = counts[np.arange(len(seat)), seat]
    same = mates[None, :] == done["team"].to_numpy()[:, None]
    return done, ((counts > mine[:, None]) & same).sum(axis=1) / (FLOOR.team_size - 1)


def hurries_when_behind(contacts: pd.DataFrame) -> float:
    """Share of contacts rushed while last in the team, less while first."""
    done, place = places(contacts)
    rushed = (done["true_action"] == "rush").to_numpy()
    return float(rushed[place == 1.0].mean() - rushed[place == 0.0].mean())


def test_who_holds_a_low_place_hurries():
    """Off, a minute costs the mean of first and last place: the constant is the mutant."""
    ranked, unseen = contacts_of(PROUD), contacts_of(PROUD.without("P5"))
    assert against(ranked, unseen, hurries_when_behind) > NEEDED
    assert abs(np.mean([hurries_when_behind(one) for one in unseen])) < 0.05


# -- G8 -----------------------------------------------------------------------------------------


def passes_wishes_on(contacts: pd.DataFrame) -> float:
    """Share of wishes to cancel that are passed on, less the share of other contacts."""
    passed, wish = contacts["true_action"] == "transfer", contacts["reason"] == "cancel"
    return float(passed[wish].mean() - passed[~wish].mean())


WANTED_OUT = CENTRE.change({"leaving.base": 0.03})
RATED = replace(WANTED_OUT, scheme=inc.Wage() + inc.Target("save_rate", 0.3, lump=300.0))


@pytest.fixture(scope="module")
def rated() -> list[pd.DataFrame]:
    return contacts_of(RATED)


@pytest.fixture(scope="module")
def not_passed() -> list[pd.DataFrame]:
    return contacts_of(RATED.without("G8"))


def test_what_spoils_the_figures_is_passed_on(rated, not_passed):
    """A wish to cancel lowers a save rate unless somebody else takes it."""
    unpaid = contacts_of(replace(WANTED_OUT, scheme=inc.Wage()))
    for other in (unpaid, not_passed):
        assert against(rated, other, passes_wishes_on) > NEEDED
    assert not any((one["true_action"] == "transfer").any() for one in not_passed)


def test_as_many_passed_on_at_a_constant_chance_spare_no_figures(rated, not_passed):
    """The mutant: worlds in which nobody passes on, and as large a share of all contacts is."""
    rng, mutant = np.random.default_rng(4), []
    for own, other in zip(rated, not_passed, strict=True):
        share = (own["true_action"] == "transfer").mean()
        action = other["true_action"].astype(str)
        passed = rng.random(len(other)) < share
        mutant.append(other.assign(true_action=action.mask(passed, "transfer")))
    shares = [
        np.array([(one["true_action"] == "transfer").mean() for one in worlds])
        for worlds in (mutant, rated)
    ]
    more = shares[0] - shares[1]
    assert abs(more.mean()) < NEEDED * more.std(ddof=1) / np.sqrt(WORLDS)
    assert shares[0].mean() > 0.01
    assert abs(against(mutant, not_passed, passes_wishes_on)) < NEEDED
    assert against(rated, mutant, passes_wishes_on) > NEEDED


def test_a_transfer_ends_nothing():
    """Whoever is passed on is served by the next, at once, or gives up waiting."""
    records = inc.simulate(
        replace(CENTRE, scheme=inc.Wage(), dumped_contact=inc.DumpedContact(reluctance=-1.0)),
        replications=1,
        months=1,
        rng=3,
    )
    contacts = records.contacts.sort_values(["customer", "reason", "day", "attempt"])
    following = contacts.groupby(["customer", "reason"], observed=True).shift(-1)
    ends = contacts["minute"] + contacts["wait_minutes"] + contacts["handle_minutes"]
    open_still = ends < FLOOR.opens + FLOOR.minutes  # later ones call again the next morning
    passed = (contacts["true_outcome"] == "transferred") & open_still
    assert passed.sum() > 20
    assert (following["attempt"][passed] == contacts["attempt"][passed] + 1).all()
    assert (following["day"][passed] == contacts["day"][passed]).all()
    np.testing.assert_allclose(following["minute"][passed], ends[passed], atol=1e-2)


# -- G3 and A1 ----------------------------------------------------------------------------------


def booked_and_sold(records: inc.Records) -> pd.DataFrame:
    """Sales on the log beside true ones, per 100 served contacts: a row a world."""
    cells = records.cells[records.cells["agent"] >= 0]
    sold = {
        side: cells["n"].where(cells[f"{side}_outcome"] == "sale", 0).groupby(cells["run"]).sum()
        for side in ("logged", "true")
    }
    return 100.0 * pd.DataFrame(sold).div(cells.groupby("run")["n"].sum(), axis=0)


UPSELLING = inc.Scenario(floor=FLOOR, scheme=inc.Wage() + inc.PieceRate("sales", 8.0))
WAGED = replace(UPSELLING, scheme=inc.Wage())
Booked = tuple[pd.DataFrame, pd.DataFrame]  # under pay per sale, and under a wage


def booked_under(scenarios: tuple[inc.Scenario, ...], *off: str) -> Booked:
    settings = {"replications": WORLDS, "months": 3, "rng": 5, "keep": "cells"}
    paid, wage = (
        booked_and_sold(inc.simulate(each.without(*off), **settings)) for each in scenarios
    )
    return paid, wage


def false_sales_follow_pay(booked: Booked) -> bool:
    """Are more sales logged that were none where a sale pays than under a wage?"""
    paid, wage = (each["logged"] - each["true"] for each in booked)
    more = paid - wage
    return bool(more.mean() > NEEDED * more.std(ddof=1) / np.sqrt(WORLDS))


@pytest.fixture(scope="module")
def misbooked() -> Booked:
    return booked_under((UPSELLING, WAGED))


@pytest.fixture(scope="module")
def booked_right() -> Booked:
    return booked_under((UPSELLING, WAGED), "G3")


def test_orders_booked_as_upsells_raise_the_figures_and_not_the_sales(misbooked, booked_right):
    """A misclassified contact pays as a sale does and brings nothing."""
    more = misbooked[0] - booked_right[0]
    error = more.std(ddof=1) / np.sqrt(WORLDS)
    assert more["logged"].mean() > NEEDED * error["logged"]
    assert more["true"].mean() < NEEDED * error["true"]
    assert false_sales_follow_pay(misbooked)


def test_without_misclassified_contacts_the_figures_are_the_sales(booked_right):
    for each in booked_right:
        assert (each["logged"] == each["true"]).all()
    assert not false_sales_follow_pay(booked_right)


def test_as_many_false_sales_at_a_constant_rate_do_not_follow_pay(misbooked, booked_right):
    """The mutant: as many contacts in the mean are logged as upsells, whatever an upsell pays."""
    false = np.mean([(each["logged"] - each["true"]).mean() for each in misbooked])
    assert false > 0.5  # per 100 contacts
    rng, served = np.random.default_rng(6), 10_000
    mutant = tuple(
        each.assign(logged=each["true"] + rng.binomial(served, false / 100, WORLDS) * 100 / served)
        for each in booked_right
    )
    both = [np.mean([each["logged"].mean() for each in booked]) for booked in (mutant, misbooked)]
    assert both[0] == pytest.approx(both[1], rel=0.1)
    assert not false_sales_follow_pay(mutant)


def test_a_contractor_between_makes_it_easier_to_deceive_the_client():
    """Fees are nothing here, so that a contractor changes only how far the client is."""

    def lies(scenario: inc.Scenario) -> np.ndarray:
        records = inc.simulate(scenario, replications=WORLDS, months=3, rng=5, keep="cells")
        cells = records.cells[records.cells["agent"] >= 0]
        lied = cells["true_gaming"].isin(["G1", "G2", "G3"])
        share = cells["n"].where(lied, 0).groupby(cells["run"]).sum()
        return (100.0 * share / cells.groupby("run")["n"].sum()).to_numpy()

    loyal = inc.Workforce(archetypes=(inc.Archetype(client=0.3, employer=0.0),))
    base = inc.Scenario(
        floor=FLOOR, workforce=loyal, scheme=inc.Wage() + inc.PieceRate("saves", 10.0)
    ).change({"value.misreport": 1.0, "contract.fee_save": 0.0, "contract.fee_sale": 0.0})
    near = base.change({"contract.contractor": 0.0})
    far = base.change({"contract.contractor": 1.0, "regard.distance": 0.1})
    gap = lies(far) - lies(near)
    assert gap.mean() > NEEDED * gap.std(ddof=1) / np.sqrt(WORLDS)
    apart = lies(far.without("A1")) - lies(near.without("A1"))  # nobody is loyal: no distance
    assert abs(apart.mean()) <= NEEDED * apart.std(ddof=1) / np.sqrt(WORLDS)
    # a mutant: less regard for every client, contractor or not
    dull = loyal.archetypes[0].client * 0.1
    cold = {"workforce.archetypes": (inc.Archetype(client=dull, employer=0.0),)}
    level = lies(far.change({**cold, "regard.distance": 1.0})) - lies(near.change(cold))
    assert abs(level.mean()) <= NEEDED * max(level.std(ddof=1), 1e-9) / np.sqrt(WORLDS)
