"""What moves agents (the A rows): each leaves its signature, and none when switched off.

Each signature is also asked of a mutant: a world of the same mean in which the state that should
move stands still. A statement that the mutant makes true would show nothing.
"""

from collections.abc import Collection
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives.staff import LOYAL, MERCENARY
from incentives.world import World

STAKE = inc.Conscience().stake  # money: what one full lie gains at the reference scheme


def a_centre(**values: Any) -> inc.Scenario:
    """Sixteen agents who are busy two thirds of the time; customers often want out."""
    return inc.Scenario().change(
        {
            "floor.teams": 4,
            "floor.team_size": 4,
            "floor.customers": 9_000,
            "floor.minutes": 330.0,
            "floor.shift_minutes": (330.0,),
            "floor.pause": 30.0,
            "leaving.base": 0.05,
            "acquisition.monthly": 0.05,
            **values,
        }
    )


def per_save(money: float) -> inc.Scheme:
    return inc.Wage() + inc.PieceRate("saves", money)


def apart(differences: Any) -> tuple[float, float]:
    """Give the mean of paired differences and its Monte-Carlo error."""
    values = np.asarray(differences, float)
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def seen(differences: Any) -> bool:
    """Is there an effect, four Monte-Carlo errors or more above nothing?"""
    effect, error = apart(differences)
    return effect > 4.0 * error > 0.0


# -- A9: turnover and selection ------------------------------------------------------------------

CHANGING = {
    "turnover.hazard": 0.1,
    "floor.teams": 16,  # many agents with few contacts each, whose saves are dear
    "floor.customers": 5_000,
    "workforce.archetypes": (MERCENARY, LOYAL),
}


def mercenaries_drawn(centre: inc.Scenario, months: int = 12, replications: int = 10) -> Any:
    """By how much the share of mercenaries at the end is larger with pay per save, in twins."""
    schemes = {"wage": inc.Wage(), "saves": per_save(16 * STAKE)}
    records = inc.simulate(
        centre.vary(scheme=schemes), months=months, replications=replications, rng=5, keep="cells"
    )
    agents = records.agents[records.agents["month"] == months - 1]
    share = (agents["true_kind"] == "mercenary").groupby(agents["run"]).mean()
    runs = records.runs.set_index("run")
    table = pd.DataFrame({"share": share, "scheme": runs["scheme"].astype(str),
                          "replication": runs["replication"]})  # fmt: skip
    wide = table.pivot_table(index="replication", columns="scheme", values="share")
    return (wide["saves"] - wide["wage"]).to_numpy()


def test_pay_per_save_draws_and_keeps_mercenaries() -> None:
    assert seen(mercenaries_drawn(a_centre(**CHANGING)))


def test_where_pay_keeps_nobody_longer_it_still_draws_mercenaries() -> None:
    assert seen(mercenaries_drawn(a_centre(**CHANGING, **{"turnover.slope": 0.0})))


def test_without_turnover_nobody_leaves_and_the_mixture_stays() -> None:
    off = a_centre(**CHANGING).without("A9")
    assert (mercenaries_drawn(off, months=3, replications=2) == 0).all()
    assert not inc.simulate(off, months=3, rng=5, keep="cells").agents["quit"].any()


def test_quits_at_a_constant_rate_and_hires_from_a_constant_pool_do_not_select() -> None:
    still = dict.fromkeys([f"turnover.{name}" for name in ("slope", "strain", "mood", "draw")], 0.0)
    drawn = mercenaries_drawn(a_centre(**CHANGING, **still))
    assert (drawn == 0).all()  # the same seats fall to the same kinds of people in both twins


LEAVE = {"turnover.hazard": 0.1, "turnover.slope": 0.0, "turnover.fit": 0.0, "floor.teams": 8}
WEARING: dict[str, tuple[dict[str, float], str, float, float]] = {
    "mood": ({"turnover.strain": 0.0, "mood.thanks": 0.0}, "mood.abuse", 0.3, 0.0),
    "strain": ({"turnover.mood": 0.0, "blame.wears": 0.05}, "needs.returns", 1.0, 0.0),
}
"""What wears agents down: what stands still meanwhile, and what is hard on them, or not."""


def quits_where_it_is_hard(state: str, *off: str, **values: Any) -> tuple[Any, float]:
    """How many more quit where customers are hard on them; and the share who quit."""
    still, name, hard, easy = WEARING[state]
    worlds = [
        a_centre(**{**LEAVE, **still, name: how, **values}).without(*off) for how in (hard, easy)
    ]
    records = inc.simulate(worlds, months=3, replications=16, rng=5, keep="cells")
    share = records.agents["quit"].groupby(records.agents["run"]).mean().to_numpy()
    return share[:16] - share[16:], float(share.mean())


@pytest.mark.parametrize(("state", "rule"), [("mood", "A8"), ("strain", "A3")])
def test_what_wears_agents_down_drives_them_out(state: str, rule: str) -> None:
    more, mean = quits_where_it_is_hard(state)
    assert seen(more)
    without, unworn = quits_where_it_is_hard(state, rule)
    assert not without.any()
    # the mutant: as many quit in the mean, however they feel
    rate = LEAVE["turnover.hazard"] * float(np.log1p(-mean) / np.log1p(-unworn))
    deaf = {f"turnover.{state}": 0.0, "turnover.hazard": rate}
    as_many, usual = quits_where_it_is_hard(state, **deaf)
    assert usual == pytest.approx(mean, rel=0.1)
    assert not seen(as_many)


@pytest.mark.slow
def test_those_who_act_against_the_grain_quit_more() -> None:
    unlike = {"turnover.hazard": 0.05, "turnover.slope": 4.0, "leaving.base": 0.1}
    paid = a_centre(**unlike).vary(scheme={"saves": per_save(STAKE)})[0]
    wears, fits = (
        inc.simulate(
            paid.change({"turnover.fit": fit}), months=4, replications=24, rng=5, keep="cells"
        ).agents
        for fit in (20.0, 0.0)
    )
    quits = [each.groupby("run")["quit"].sum().to_numpy() for each in (wears, fits)]
    assert seen(quits[0] - quits[1])


# -- what agents do of their own accord ----------------------------------------------------------

WILLING = ("care", "offer_after", "save")  # more effort than plain work asks for
CALM = {"turnover.hazard": 0.0, "audit.rate": 0.0, "audit.on_saves": 0.0}


def at_ease(**values: Any) -> inc.Scenario:
    """A floor on which nobody waits, so that more contacts are no more haste."""
    return a_centre(**CALM, **values).without("O5")


def willing(records: inc.Records, actions: tuple[str, ...] = WILLING) -> Any:
    """Give the share of contacts served with more than plain work, run by run."""
    served = records.cells[records.cells["agent"] >= 0]
    chosen = served[served["true_action"].isin(actions)]
    return (chosen.groupby("run")["n"].sum() / served.groupby("run")["n"].sum()).to_numpy()


def between(one: inc.Scenario, other: inc.Scenario, months: int = 4, **settings: Any) -> Any:
    """By how much the share of willing work is larger in the first of two twins."""
    settings = {"replications": 5, "rng": 7, "keep": "cells", "months": months} | settings
    first, second = (willing(inc.simulate(each, **settings)) for each in (one, other))
    return first - second


# -- A2: reciprocity -----------------------------------------------------------------------------


def thanked(form: str, centre: inc.Scenario) -> inc.Scenario:
    return centre.change({"reciprocity.month": 0.0, "reciprocity.form": form})


def test_a_thank_you_in_kind_moves_more_than_as_much_in_cash() -> None:
    centre = at_ease()
    kind, cash = thanked("kind", centre), thanked("cash", centre)
    assert seen(between(kind, centre))
    assert seen(between(kind, cash))
    in_kind, in_cash = apart(between(kind, centre))[0], apart(between(cash, centre))[0]
    assert in_kind > 3 * in_cash


def test_a_thank_you_that_is_worth_its_price_in_any_form_does_not_tell_kind_from_cash() -> None:
    alike = at_ease(**{"reciprocity.kind": 0.3, "reciprocity.cash": 0.3})
    assert seen(between(thanked("kind", alike), alike))
    assert not seen(between(thanked("kind", alike), thanked("cash", alike)))


def test_a_thank_you_fades() -> None:
    centre = at_ease()
    regard = []
    for months in (1, 6, 24):
        world = World(thanked("kind", centre), rng=7, months=months)
        world.run()
        regard.append(world.desk.bonds.employer.mean())
    assert regard[0] > 2 * regard[1] > 8 * regard[2] > 0


def test_only_who_gave_it_is_thanked() -> None:
    centre = thanked("kind", at_ease(**{"contract.clients": (0.5, 0.5)}))
    world = World(centre.change({"reciprocity.from_whom": "client"}), rng=7, months=1)
    world.run()
    bonds = world.desk.bonds
    assert (bonds.client[:, 0] > 0.1).all()
    assert (bonds.client[:, 1] == 0).all()
    assert (bonds.employer == 0).all()


def all_by_the_piece(centre: inc.Scenario) -> tuple[inc.Scenario, ...]:
    """The same pay as a wage and as so much a contact, which makes no action dearer than others."""
    piece = inc.PieceRate("contacts", 2.0)
    return centre.vary(scheme={"wage": inc.Wage(), "piece": inc.Wage(0.0) + piece})


def test_being_paid_for_everything_crowds_willing_work_out() -> None:
    wage, piece = all_by_the_piece(at_ease())
    assert seen(between(wage, piece))
    late = between(wage, piece, months=8)
    assert apart(late)[0] > apart(between(wage, piece, months=2))[0]


def test_without_reciprocity_neither_thanks_nor_the_form_of_pay_matter() -> None:
    off = at_ease().without("A2")
    assert not seen(between(thanked("kind", off), off, replications=2))
    wage, piece = all_by_the_piece(off)
    assert (abs(between(wage, piece, replications=2)) < 1e-3).all()


# -- A3: blame without power ---------------------------------------------------------------------


def unanswered(returns: float, **values: Any) -> inc.Scenario:
    """A floor to which so many of those whose need is not met come back."""
    return at_ease(**{"needs.returns": returns, **values})


def first_time(records: inc.Records) -> Any:
    """Give the share of willing work on first contacts about questions, run by run."""
    contacts = records.contacts
    first = contacts[(contacts["attempt"] == 1) & (contacts["reason"] == "question")]
    chosen = first["true_action"].isin(WILLING).groupby(first["run"]).mean()
    return chosen.to_numpy()


def worn(off: tuple[str, ...] = (), **values: Any) -> Any:
    """By how much willing work on first contacts falls as more of the unserved come back."""
    rare, often = (
        first_time(inc.simulate(unanswered(returns, **values).without(*off), months=3,
                                replications=4, rng=7))
        for returns in (0.0, 1.0)
    )  # fmt: skip
    return rare - often


def test_repeats_that_the_client_causes_wear_willing_work_down() -> None:
    assert seen(worn())


def test_without_blame_repeats_wear_nobody_down() -> None:
    assert not seen(worn(off=("A3",)))


def test_a_mood_that_is_always_low_does_not_answer_repeats() -> None:
    low = np.exp(-0.1)
    kinds = tuple(
        each.__class__(**{item.name: getattr(each, item.name) for item in fields(each)}
                       | {"care": each.care * low, "effort": each.effort / low})
        for each in inc.Workforce().archetypes
    )  # fmt: skip
    assert not seen(worn(off=("A3",), **{"workforce.archetypes": kinds}))


def test_a_contact_passed_on_by_a_colleague_is_not_the_clients_doing() -> None:
    passing = {"dumped_contact.reluctance": -5.0, "needs.returns": 0.0}
    solved = {f"work.resolves_{reason}": 1.0 for reason in ("question", "complaint", "order")}
    centre = at_ease(**passing, **solved).without("G2", "G4", "O5")
    world = World(centre, rng=7, months=1)
    repeats = (world.run().contacts["attempt"] > 1).sum()
    assert repeats > 1000
    assert world.desk.bonds.strain.sum() < 0.01 * repeats * centre.blame.wears


def test_strain_is_each_repeat_that_others_left_behind_and_none_of_the_agents_own() -> None:
    """Count by hand, from the log: whom the customer's last contact before was with, and how."""
    centre = unanswered(1.0, **{"blame.recovers": 0.0}).without("O4", "G2")
    world = World(centre, rng=7, months=1)
    log = world.run().contacts.sort_values(["customer", "day", "minute"])
    before = log.groupby("customer")[["agent", "true_action", "true_outcome"]].shift()
    short = before["true_action"].isin(["cut_off", "rush"])
    own = short & (before["agent"] == log["agent"])
    served = (before["agent"] >= 0) & (before["true_action"] != "transfer")
    repeats = log[(log["attempt"] > 1) & (log["agent"] >= 0) & served & ~own]
    counted = np.bincount(repeats["agent"], minlength=centre.floor.seats)
    assert (own & (log["attempt"] > 1)).sum() > 30
    assert world.desk.bonds.strain[:, 0] == pytest.approx(centre.blame.wears * counted)


def test_regard_is_worn_for_the_client_who_fails_and_recovers() -> None:
    world = World(unanswered(1.0, **{"contract.clients": (0.8, 0.2)}), rng=7, months=2)
    world.run()
    strain = world.desk.bonds.strain
    assert (strain[:, 0] > 2 * strain[:, 1]).all()
    spared = World(unanswered(0.0), rng=7, months=1)
    spared.desk.bonds.strain[:] = 1.0
    spared.run()
    assert (spared.desk.bonds.strain < 0.5).all()


# -- A5: identity and norms ----------------------------------------------------------------------

NEAR = {
    "needs.question": 0.2,
    "leaving.base": 0.1,
    "acquisition.monthly": 0.1,
    "conscience.spread": 0.4,
    "conscience.ability": 0.0,
    "workforce.archetypes": (inc.Archetype(name="one"),),
    "workforce.tastes": 0.0,
}  # many wishes to cancel, and consciences near enough to what a lie is worth


def fabricated(centre: inc.Scenario, months: int = 5, replications: int = 14) -> pd.DataFrame:
    """Give each seat's share of wishes to cancel dealt with by a lie: a row a run and seat."""
    records = inc.simulate(centre, months=months, replications=replications, rng=9, keep="cells")
    cells = records.cells[(records.cells["reason"] == "cancel") & (records.cells["agent"] >= 0)]
    lies = cells[cells["true_action"].isin(("fabricate", "suppress"))]
    keys = ["run", "agent"]
    wishes, told = cells.groupby(keys)["n"].sum(), lies.groupby(keys)["n"].sum()
    share = (told.reindex(wishes.index, fill_value=0) / wishes).rename("share").reset_index()
    return share.pivot_table(index="run", columns="agent", values="share")


def tempted(
    off: tuple[str, ...] = (), who: Collection[int] = (0, 1, 4, 5), **values: Any
) -> list[pd.DataFrame]:
    """Give the lies of all seats where a few are not tempted to lie, and where they are, in twins.

    The others are paid the same in both.
    """
    centre = at_ease(**{**NEAR, **values}).without("O6", "A2", "A3", *off)
    schemes = {"wage": inc.Wage(), "some": per_save(STAKE), "much": per_save(4 * STAKE)}
    shares = []
    for temptation in ("wage", "much"):
        arms = [temptation if seat in who else "some" for seat in range(16)]
        shares.append(fabricated(centre.assign(schemes, unit="agent", arms=arms)))
    return shares


MATES, OTHERS = [2, 3, 6, 7], list(range(8, 16))  # seats of their teams, and of the other teams


def spread(shares: list[pd.DataFrame]) -> tuple[Any, Any]:
    """By how much teammates of those who are tempted to lie, and other teams, lie more for it."""
    more = shares[1] - shares[0]
    return more[MATES].mean(axis=1), more[OTHERS].mean(axis=1)


@pytest.fixture(scope="module")
def contagious() -> list[pd.DataFrame]:
    return tempted()


@pytest.mark.slow
def test_lies_spread_between_desks_and_not_between_teams(contagious: list[pd.DataFrame]) -> None:
    mates, others = spread(contagious)
    assert seen(mates)
    assert not seen(others)
    assert seen(mates - others)


@pytest.mark.slow
@pytest.mark.parametrize("teams", [1, 2])
def test_lies_spread_between_teams_of_a_site_and_not_between_sites(teams: int) -> None:
    """The first team is tempted; the second sits beside it, or on a site of its own."""
    shares = tempted(who=range(4), **{"identity.site": teams})
    more = shares[1] - shares[0]
    beside, away = more[[4, 5, 6, 7]].mean(axis=1), more[OTHERS].mean(axis=1)
    assert seen(beside) == (teams == 2)
    assert seen(beside - away) == (teams == 2)
    assert not seen(away)


@pytest.mark.slow
def test_without_norms_lies_do_not_spread() -> None:
    mates, others = spread(tempted(off=("A5",)))
    assert not seen(mates)
    assert not seen(mates - others)


@pytest.mark.slow
def test_a_conscience_that_is_lower_by_as_much_whatever_others_do_spreads_no_lies(
    contagious: list[pd.DataFrame],
) -> None:
    """The mutant: managers and cultures are as they were, but no norm is learnt from teammates."""
    mutant = tempted(**{"identity.contagion": 0.0, "conscience.culture": 0.3 - 0.15})
    honest, lying = (np.mean([each[MATES + OTHERS].mean(axis=None) for each in shares])
                     for shares in (mutant, contagious))  # fmt: skip
    assert honest == pytest.approx(lying, rel=0.1)
    mates, others = spread(mutant)
    assert not seen(mates)
    assert not seen(mates - others)


def other_managers(off: tuple[str, ...] = (), **values: Any) -> Any:
    """By how much more a service-minded centre lies under managers from sales, in twins."""
    centre = at_ease(**{"identity.sales_minded": 0.0, **values}).without(*off)
    centre = centre.vary(scheme={"saves": per_save(STAKE)})[0]
    service, sales = (
        fabricated(centre.change({"identity.sales_managers": share})).mean(axis=1)
        for share in (0.0, 1.0)
    )
    return sales - service


def test_under_a_manager_of_the_other_culture_resistance_feels_justified() -> None:
    assert seen(other_managers())
    assert seen(-other_managers(**{"identity.sales_minded": 1.0}))


def test_without_identity_nobody_minds_where_the_manager_comes_from() -> None:
    assert (other_managers(off=("A5",)) == 0).all()


MIXED = {
    "identity.sales_minded": 0.0,
    "identity.sales_managers": 0.5,
    "identity.tone": 0.0,
    "identity.contagion": 0.0,
}  # service-minded teams, half of them under managers from sales, and nothing else to A5


def mixed(**values: Any) -> inc.Scenario:
    return at_ease(**MIXED, **values).vary(scheme={"saves": per_save(STAKE)})[0]


def by_manager(lies: pd.DataFrame) -> Any:
    """By how much teams under managers from sales lie more than the others of their world."""
    gaps = []
    for replication, seats in lies.iterrows():
        world = World(mixed(), rng=9, replication=int(str(replication)))
        sales = world.managers.sales[np.asarray(seats.index) // 4] == 1
        gaps.append(seats[sales].mean() - seats[~sales].mean())
    return np.array(gaps)


def test_a_lie_that_costs_less_under_any_manager_justifies_no_resistance() -> None:
    """The mutant: under any manager a lie costs so much less that as many are told in the mean."""
    resentful, without = fabricated(mixed()), fabricated(mixed().without("A5"))
    mutant = fabricated(mixed(**{"identity.resentment": 0.0, "conscience.culture": 0.3 - 0.1}))
    assert mutant.mean(axis=None) == pytest.approx(resentful.mean(axis=None), rel=0.1)
    apart_in, as_usual, in_mutant = map(by_manager, (resentful, without, mutant))
    both = ~np.isnan(as_usual)  # kinds of managers in a world
    assert both.sum() > 7
    assert seen((apart_in - as_usual)[both])
    assert not seen((in_mutant - as_usual)[both])


# -- A6: coaching --------------------------------------------------------------------------------

COACHED = {"coaching.hours": 4.0, "coaching.appeal": "recognition"}


def tried(records: inc.Records) -> Any:
    """Give the share of honest attempts to save that succeed, run by run."""
    cells = records.cells[records.cells["true_action"].isin(("save", "press"))]
    kept = cells[cells["true_outcome"] == "saved"]
    return (kept.groupby("run")["n"].sum() / cells.groupby("run")["n"].sum()).to_numpy()


def lied(records: inc.Records) -> Any:
    """Give the share of wishes to cancel that were not lied about, run by run."""
    cells = records.cells[(records.cells["reason"] == "cancel") & (records.cells["agent"] >= 0)]
    lies = cells[cells["true_action"].isin(("fabricate", "suppress"))]
    return 1.0 - (lies.groupby("run")["n"].sum() / cells.groupby("run")["n"].sum()).to_numpy()


def coached(
    aim: str, outcome: Any, off: tuple[str, ...] = (), replications: int = 10, **values: Any
) -> Any:
    """By how much coaching with this aim raises an outcome, in twins paid for saves."""
    moved = {"coaching.recognition": 1.0, "coaching.money": 0.0, "coaching.stake": 0.0,
             "coaching.none": 0.0, "leaving.base": 0.1, "acquisition.monthly": 0.1,
             "coaching.hours": 8.0}  # fmt: skip
    centre = at_ease(**{**COACHED, **moved, "coaching.aim": aim, **values}).without(*off)
    centre = centre.vary(scheme={"saves": per_save(STAKE)})[0]
    settings = {"months": 5, "replications": replications, "rng": 7, "keep": "cells"}
    with_it, without = (
        outcome(inc.simulate(each, **settings))
        for each in (centre, centre.change({"coaching.hours": 0.0}))
    )
    return with_it - without


@pytest.mark.slow
def test_coaching_raises_what_it_is_aimed_at() -> None:
    assert seen(coached("closing", tried, replications=24))
    assert seen(coached("honesty", lied))
    assert seen(coached("soft", lambda records: willing(records, ("care",))))
    assert not seen(coached("honesty", tried))
    assert not seen(coached("closing", lied))


@pytest.mark.slow
def test_coaching_that_does_not_fit_the_motive_does_nothing() -> None:
    unfit = {"coaching.recognition": 0.0, "coaching.none": 1.0}
    assert not seen(coached("honesty", lied, **unfit))
    assert not seen(coached("honesty", lied, off=("A6",)))


HALF = {
    "coaching.hours": 8.0,
    "coaching.aim": "honesty",
    "coaching.honesty": 0.6,
    "coaching.recognition": 0.5,
    "coaching.money": 0.0,
    "coaching.stake": 0.0,
    "coaching.none": 0.5,
    "leaving.base": 0.1,
    "acquisition.monthly": 0.1,
}  # praise moves about half of them


def more_honest(off: tuple[str, ...] = (), **values: Any) -> pd.DataFrame:
    """By how much coaching makes each seat more honest, in twins: a row a world."""
    centre = at_ease(**{**COACHED, **HALF, **values}).without(*off)
    centre = centre.vary(scheme={"saves": per_save(STAKE)})[0]
    lies = [
        fabricated(each, replications=10)
        for each in (centre.change({"coaching.hours": 0.0}), centre)
    ]
    return lies[0] - lies[1]


def by_motive(gain: pd.DataFrame) -> Any:
    """By how much those whom praise moves gain more than the others of their world."""
    gaps = []
    for replication, seats in gain.iterrows():
        centre = at_ease(**{**COACHED, **HALF})
        bonds = World(centre, rng=9, replication=int(str(replication))).desk.bonds
        moved = bonds.fits == 1.0
        gaps.append(seats[moved].mean() - seats[~moved].mean())
    return np.array(gaps)


def test_coaching_works_when_it_fits_the_motive_and_not_as_a_gain_of_all_alike() -> None:
    """The mutant: everybody gains half as much, whatever moves them."""
    fitting = more_honest()
    alike = {"coaching.recognition": 1.0, "coaching.none": 0.0, "coaching.honesty": 0.3}
    mutant = more_honest(**alike)
    assert mutant.mean(axis=None) == pytest.approx(fitting.mean(axis=None), rel=0.25)
    assert seen(by_motive(fitting))
    assert seen(mutant.mean(axis=1))  # they do gain
    assert not seen(by_motive(mutant))


def test_without_coaching_those_whom_it_would_fit_gain_nothing() -> None:
    assert (more_honest(off=("A6",)) == 0.0).all(axis=None)


def test_coaching_sinks_in_slowly_and_fades_more_slowly() -> None:
    centre = at_ease(**COACHED)
    goal = 1.0 - np.exp(-4.0 / 2.0)
    world = World(centre, rng=7, months=4)
    course = []
    for _ in range(80):
        world.live()
        course.append(world.desk.bonds.skill[world.desk.bonds.fits > 0].mean())
    assert course[0] < 0.1 * goal
    assert 0.5 * goal < course[19] < 0.8 * goal
    assert course[79] == pytest.approx(goal, rel=0.02)
    share = world.desk.bonds.fits.mean()
    assert 0 < share < 1
    assert (world.desk.bonds.skill[world.desk.bonds.fits == 0] == 0).all()
    idle = World(centre.change({"coaching.hours": 0.0}), rng=7, months=1)
    idle.desk.bonds.skill[:] = 1.0
    idle.run()
    assert idle.desk.bonds.skill == pytest.approx(np.full(16, (1 - 0.015) ** 20))


def test_the_hours_of_coaching_are_taken_from_the_time_on_duty() -> None:
    duty = [
        inc.simulate(a_centre(**{"coaching.hours": hours}), months=1, rng=7, keep="cells").days[
            "minutes_on_duty"
        ]
        for hours in (0.0, 2.0)
    ]
    present = duty[0] / 300.0
    np.testing.assert_allclose((duty[0] - duty[1]) / present, 2.0 * 60.0 / 20.0)


# -- A4: job-security appeal ---------------------------------------------------------------------

QUIET, FULL = 3_500, 20_000  # customers: an occupancy near 20 % and above 80 %


def appealed(customers: int, off: tuple[str, ...] = (), **values: Any) -> Any:
    """By how much an appeal raises willing work on a floor with so many customers, in twins."""
    centre = at_ease(**{"floor.customers": customers, **values}).without("A3", *off)
    return between(centre.change({"job_security.month": 1.0}), centre, replications=8)


@pytest.mark.slow
def test_the_appeal_moves_people_while_it_is_quiet_and_not_while_they_are_busy() -> None:
    quiet, full = appealed(QUIET), appealed(FULL)
    assert seen(quiet)
    assert not seen(full)
    assert seen(quiet - full)


@pytest.mark.slow
def test_where_it_is_believed_whatever_the_load_it_moves_the_busy_as_well() -> None:
    always = {"job_security.busy": 2.0, "job_security.quiet": 1.9}
    quiet, full = appealed(QUIET, **always), appealed(FULL, **always)
    assert seen(full)
    assert not seen(quiet - full)


def test_with_the_appeal_switched_off_nobody_hears_it() -> None:
    assert (appealed(QUIET, off=("A4",)) == 0).all()


def test_belief_follows_the_load() -> None:
    belief = []
    for customers in (QUIET, FULL):
        world = World(at_ease(**{"floor.customers": customers}), rng=7, months=2)
        world.run()
        belief.append(world.desk.bonds.risk.mean())
    assert belief[0] > 0.8
    assert belief[1] < 0.1


# -- the Mesa face -------------------------------------------------------------------------------


def test_managers_and_what_treatment_makes_of_agents_can_be_seen_in_the_mesa_face() -> None:
    centre = a_centre(**{"floor.customers": 2_000, "identity.sales_managers": 0.5})
    model = inc.ContactCentre(centre, rng=3, months=2)
    model.run()
    assert [manager.team for manager in model.managers] == [0, 1, 2, 3]
    assert not set(model.managers) & set(model.agents)
    for manager in model.managers:
        assert [agent.manager for agent in manager.agents] == [manager] * 4
        others = [agent.culture != manager.background for agent in manager.agents]
        assert manager.resisted == np.mean(others)
    agent = model.seats[3]
    bonds = model.world.desk.bonds
    assert agent.strain == bonds.strain[3].sum() > 0
    assert agent.coached == bonds.skill[3]
    assert 0 <= agent.norm <= 1
    assert 0 < agent.worry < 1
    assert agent.regard == bonds.employer[3]


# -- switches ------------------------------------------------------------------------------------

BUSY = {
    "floor.teams": 2,
    "floor.customers": 4_000,
    "turnover.hazard": 0.2,
    "contract.clients": (0.7, 0.3),
    "reciprocity.month": 1.0,
    "job_security.month": 0.0,
}


@pytest.mark.parametrize(
    ("off", "values"),
    [
        ("A2", {"reciprocity.crowding": 4.0, "reciprocity.month": 0.0, "reciprocity.works": 2.0}),
        ("A3", {"blame.wears": 0.5, "blame.recovers": 0.5, "blame.mood": 2.0}),
        ("A4", {"job_security.month": 1.0, "job_security.busy": 1.5, "job_security.works": 2.0}),
        ("A5", {"identity.sales_managers": 0.9, "identity.hears": 9.0, "identity.tone": 2.0}),
        ("A6", {"coaching.hours": 20.0, "coaching.aim": "closing", "coaching.appeal": "money"}),
        ("A9", {"turnover.hazard": 0.9, "turnover.draw": 40.0, "turnover.fit": 90.0}),
    ],
)
def test_what_is_switched_off_is_as_if_never_written(off: str, values: dict[str, Any]) -> None:
    centre = a_centre(**BUSY).vary(scheme={"saves": per_save(STAKE)})[0]
    settings = {"months": 3, "rng": 7}
    one, other = (
        inc.simulate(each.without(off), **settings) for each in (centre, centre.change(values))
    )
    for name, frame in one.frames().items():
        if name != "runs":
            pd.testing.assert_frame_equal(frame, getattr(other, name), check_exact=True)
    with_it, changed = (inc.simulate(each, **settings) for each in (centre, centre.change(values)))
    assert not with_it.contacts.equals(changed.contacts)
