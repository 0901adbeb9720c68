"""Where it is looked at what a parameter moves, for each phrase of a declaration's `moves`.

A stage is a small centre in which one mechanism stands nearly alone and its effect is strong, and a
measure: one number a world, taken from the world as it has become and from its records. Mechanisms
whose signature test has a ``MOVES`` of its own (phrase -> scenario and measure of records) are
found there.
"""

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from signatures import SIGNATURES

import incentives as inc
from incentives.columns import PERSON, REFUNDED
from incentives.staff import LOYAL, MERCENARY
from incentives.world import World

TESTS = Path(__file__).parent
Measure = Callable[[World, inc.Records], float]
Elsewhere = tuple[Any, ...]  # a scenario, a measure of records, perhaps settings of `simulate`

DATES = {
    ("A2", "month"): "the date of a thank-you, which may be any month or none",
    ("A4", "month"): "the date from which the appeal stands, which may be any month or none",
}
"""Parameters that move nothing in one direction, and why."""


class Stage(NamedTuple):
    """A scenario, what is measured in it, and for how long and how often it is run."""

    base: inc.Scenario
    measure: Measure
    months: int = 1
    runs: int = 6
    opens: Callable[[World], None] | None = None  #: sets states before the first day


def alone(
    *ids: str, scheme: inc.Scheme | None = None, settings: Mapping[str, Any] | None = None
) -> inc.Scenario:
    """Eight seats in which only these mechanisms are on, and all agents are of one kind."""
    others = {cls.id for cls in inc.all_mechanisms()} - set(ids)
    usual = {"floor.teams": 2, "floor.customers": 3_000, "workforce.archetypes": kind()}
    centre = inc.Scenario(scheme=scheme or inc.Wage()).change({**usual, **(settings or {})})
    return centre.without(*others)


def kind(**tastes: float) -> tuple[inc.Archetype, ...]:
    """Ordinary agents, but for these tastes."""
    return (inc.Archetype(**tastes),)  # type: ignore[arg-type]


def per(metric: Any, money: float, wage: float = 2000.0) -> inc.Scheme:
    """A wage and so much for each."""
    return inc.Wage(wage) + inc.PieceRate(metric, money)


# -- measures ------------------------------------------------------------------------------------

Chosen = Callable[[pd.DataFrame], Any]


def served(contacts: pd.DataFrame) -> Any:
    return contacts["agent"] >= 0


def share(what: Chosen, among: Chosen = served) -> Measure:
    """Share of contacts that are such, among contacts that are such."""

    def measured(_: World, records: inc.Records) -> float:
        contacts = records.contacts
        return float(what(contacts)[among(contacts)].mean())

    return measured


def mean(column: str, among: Chosen = served) -> Measure:
    """Mean of a column over such contacts."""
    return lambda _, records: float(records.contacts[column][among(records.contacts)].mean())


def state(name: str, how: Callable[[Any], Any] = np.mean) -> Measure:
    """Mean, or another figure, of a state: ``bonds.skill``, ``staff.settles``, ``row.trust``."""
    where, _, what = name.partition(".")

    def measured(world: World, _: inc.Records) -> float:
        if where == "row":
            return float(how(world.customers.row[what][: world.n_customers].astype(float)))
        of = {"bonds": world.desk.bonds, "staff": world.staff, "desk": world.desk}[where]
        return float(how(getattr(of, what)))

    return measured


def of_those(column: str, chosen: Callable[[Any], Any]) -> Measure:
    """Mean of a column of the customers' rows over some of them."""

    def measured(world: World, _: inc.Records) -> float:
        rows = world.customers.row[: world.n_customers]
        return float(rows[column][chosen(rows)].astype(float).mean())

    return measured


def action(*names: str) -> Chosen:
    return lambda contacts: contacts["true_action"].isin(names)


def outcome(name: str) -> Chosen:
    return lambda contacts: contacts["true_outcome"] == name


def reason(name: str) -> Chosen:
    return lambda contacts: served(contacts) & (contacts["reason"] == name)


def both(*chosen: Chosen) -> Chosen:
    return lambda contacts: np.logical_and.reduce([each(contacts) for each in chosen])


def lied(contacts: pd.DataFrame) -> Any:
    return contacts["true_gaming"].isin(["G1", "G2", "G3"])


def everything(contacts: pd.DataFrame) -> Any:
    return contacts["agent"] >= -1


def repeats(contacts: pd.DataFrame) -> Any:
    return contacts["attempt"] > 1


def needy(contacts: pd.DataFrame) -> Any:
    return served(contacts) & contacts["true_need"]


def decided(contacts: pd.DataFrame) -> Any:
    return served(contacts) & contacts["true_decided"]


def undecided(contacts: pd.DataFrame) -> Any:
    return reason("cancel")(contacts) & ~contacts["true_decided"]


def by_channel(name: str) -> Chosen:
    return lambda contacts: contacts["channel"] == name


def no_wish(contacts: pd.DataFrame) -> Any:
    return contacts["reason"] != "cancel"


def wish(contacts: pd.DataFrame) -> Any:
    return contacts["reason"] == "cancel"


def not_(chosen: Chosen) -> Chosen:
    return lambda contacts: ~chosen(contacts)


def checked(logged: str | None = None) -> Measure:
    """Share of served contacts that are checked, or of those logged as this."""

    def measured(_: World, records: inc.Records) -> float:
        audits, contacts = records.audits, records.contacts[served(records.contacts)]
        if logged is not None:
            audits = audits[audits["logged_outcome"] == logged]
            contacts = contacts[contacts["logged_outcome"] == logged]
        return len(audits) / len(contacts)

    return measured


def quit_share(_: World, records: inc.Records) -> float:
    return float(records.agents["quit"].mean())


def referred(_: World, records: inc.Records) -> float:
    return float(records.runs["referred"].sum())


def cost_of_winning(_: World, records: inc.Records) -> float:
    return float((records.runs["won"] * records.runs["cost_of_winning"]).sum())


def mercenaries(world: World, _: inc.Records) -> float:
    return float((world.staff.kind == 0).mean())


def apart_by_client(world: World, _: inc.Records) -> float:
    regard = world.staff.client
    return float(np.abs(np.log(regard[:, 0] / regard[:, 1])).mean())


def teams_apart(world: World, records: inc.Records) -> float:
    """SD between teams in the share of wishes to cancel that are lied about."""
    wishes = records.contacts[reason("cancel")(records.contacts)]
    team = wishes["agent"] // int(world.scenario.floor.team_size)
    return float(lied(wishes).groupby(team).mean().std(ddof=0))


def put_off(_: World, records: inc.Records) -> float:
    """Share of the next tries of those who gave up that come on another day."""
    contacts = records.contacts.sort_values(["customer", "reason", "day", "attempt"], kind="stable")
    before = contacts.groupby(["customer", "reason"], observed=True).shift()
    again = before["attempt"] + 1 == contacts["attempt"]
    again &= before["true_outcome"] == "abandoned"
    return float((contacts["day"] > before["day"])[again].mean())


OFFERS = ("offer_after", "offer_first", "hard_sell")
offered = action(*OFFERS)
satisfaction, trust = state("row.satisfaction"), state("row.trust")
experience = mean("true_experience")
lies = share(lied, reason("cancel"))


def lies_beside(world: World, records: inc.Records) -> float:
    """Share of wishes to cancel that are lied about in the second team."""
    contacts = records.contacts
    wishes = contacts[reason("cancel")(contacts) & (contacts["team"] == 1)]
    return float(lied(wishes).mean())


care = share(action("care"))
sells = share(outcome("sale"), offered)
sales = share(outcome("sale"))
offers = share(offered)
attempts = action("save", "press")
gives_up = outcome("abandoned")

# -- stages --------------------------------------------------------------------------------------

OPEN = {"openness.median": 0.3}
LEAVING = {"leaving.base": 0.15}
GOOD, POOR = {"expectations.plain": 9.0}, {"expectations.plain": 3.0}
TIRELESS = {"workforce.archetypes": kind(effort=0.0)}
CARING = {"workforce.archetypes": kind(care=0.4)}
BUSY = {"floor.teams": 1, "floor.customers": 8_000}
HONEST, TEMPTED = {"conscience.culture": 0.9}, {"conscience.culture": -0.5}
ONE_MIND = {"conscience.spread": 0.4, "conscience.ability": 0.0}
PLEASED = {"mood.abuse": 0.0, "mood.failed": 0.0}
ANGRY = {"mood.thanks": 0.0, "mood.abuse": 0.3, "mood.carries": 0.9, **POOR}
FAILING = {"mood.thanks": 0.0, "mood.abuse": 0.0, "mood.spread": 0.0, "mood.failed": 0.2}
THANKED = {"reciprocity.month": 0.0}
CONTENT = {"expectations.neutral": 8.5, **GOOD}
LEAKY = {"expectations.neutral": 5.5, "advocacy.upset": 5.0, "advocacy.warns": 0.3,
         "advocacy.distrust": 0.2}  # fmt: skip
PRAISED = {"coaching.hours": 8.0, "coaching.money": 0.0, "coaching.stake": 0.0,
           "coaching.none": 0.0, "coaching.learns": 0.5}  # fmt: skip
SKILLED = {"floor.teams": 5, "floor.customers": 8_000, "channels.chat": 0.3, **LEAVING}


def modes(**values: float) -> inc.Scenario:
    """Agents paid for sales who sell better once they are selling."""
    settings = {"mode.rate": 0.8, "mode.spread": 0.0, "mode.cold": 0.3, "mode.switching": 0.0}
    named = {f"mode.{name}": value for name, value in values.items()}
    return alone("A7", "P1", scheme=per("sales", 2.0), settings={**OPEN, **settings, **named})


def moods(settings: Mapping[str, Any]) -> inc.Scenario:
    """Agents of one mind whose mood does nothing, but for these settings."""
    still = {"mood.slows": 0.0, "mood.lifts": 0.0, "mood.warms": 0.0}
    return alone("A1", "A8", "P1", scheme=per("sales", 6.0), settings={**still, **OPEN, **settings})


def norms(settings: Mapping[str, float]) -> inc.Scenario:
    """Agents paid for saves, whose consciences are alike but for what their team makes of them."""
    calm = {"identity.tone": 0.0, "identity.resentment": 1.0, "identity.contagion": 0.0}
    usual = {**LEAVING, **ONE_MIND, **HONEST, **calm}
    return alone("A5", "G1", "P1", scheme=per("saves", 6.0), settings={**usual, **settings})


HEARD = {
    "identity.contagion": 2.0,
    "identity.hears": 1.0,
    "identity.resentment": 0.0,
    "conscience.culture": 0.6,
}


def coached(aim: str, *ids: str, scheme: inc.Scheme | None = None, **settings: Any) -> inc.Scenario:
    """Agents who are all moved by praise, and coached with this aim."""
    given = {**PRAISED, "coaching.aim": aim, **settings}
    return alone("A1", "A6", *ids, scheme=scheme, settings=given)


def stopped(world: World) -> None:
    """Let all be skilled as coaching stops."""
    world.desk.bonds.skill[:] = 1.0


def crowd(settings: Mapping[str, Any]) -> inc.Scenario:
    """Mercenaries and loyal agents, many of whom change each month."""
    mixed = {"workforce.archetypes": (MERCENARY, LOYAL), "turnover.hazard": 0.4,
             "turnover.slope": 0.0, "turnover.fit": 0.0, "floor.teams": 4, **LEAVING}  # fmt: skip
    return alone("A1", "A9", "P1", "G1", scheme=per("saves", 8.0), settings={**mixed, **settings})


def busy(*ids: str, **settings: Any) -> inc.Scenario:
    """Four seats on which more contacts fall than they can take."""
    return alone("O5", *ids, settings={**BUSY, **settings})


def suppressed(**settings: Any) -> inc.Scenario:
    """Agents who gain by saves that did not happen, and may suppress the cancellation."""
    given = {**LEAVING, **TEMPTED, "suppressed_cancellation.traced": 0.0, **settings}
    return alone("G2", "O6", "P1", scheme=per("saves", 12.0), settings=given)


def found_out(rows: Any) -> Any:
    return rows["suppressed"] == 2


def share_found_out(world: World, _: inc.Records) -> float:
    held = world.customers.row["suppressed"][: world.n_customers]
    return float((held == 2).sum() / (held > 0).sum())


def needs(**settings: Any) -> inc.Scenario:
    """Agents who care, among customers some of whom are in need of the product."""
    return alone("A1", "C5", settings={**CARING, "hidden_needs.share": 0.3, **settings})


def pressed(**settings: Any) -> inc.Scenario:
    """Agents who are paid for sales, in whatever way."""
    return alone("G5", "P1", scheme=per("sales", 12.0), settings=settings)


def refunded(world: World, _: inc.Records) -> float:
    return float((world.customers.row["missold"][: world.n_customers] == REFUNDED).mean())


LEAVES = {"turnover.hazard": 0.1}
STOPS = 3
PITCHED = action("offer_after", "offer_first")


def on_a_journey() -> inc.Scenario:
    """Agents paid per sale, and customers whose only questions are those of a journey."""
    settings = {
        "moments_and_endings.stops": STOPS,
        "moments_and_endings.spoils": 0.5,
        "needs.question": 0.0,
        "needs.order": 0.3,
        "expectations.plain": 7.0,
        "work.resolves_question": 0.5,
    }
    return alone("C2", "C3", "P1", scheme=per("sales", 10.0), settings=settings)


def last_stop(contacts: pd.DataFrame) -> Any:
    """Find the last stops of journeys."""
    return contacts["episode"] % (STOPS + 1) == STOPS


def cuts(**settings: Any) -> inc.Scenario:
    """Agents who are not as reluctant as most to cut a contact off."""
    return alone("G4", settings={"floor.teams": 4, "dropped_contact.reluctance": 3.0, **settings})


STAGES: dict[tuple[str, str], Stage] = {
    ("A1", "lies about a client through a contractor"): Stage(
        alone(
            "A1",
            "G1",
            "P1",
            scheme=per("saves", 10.0),
            settings={
                **LEAVING,
                "workforce.archetypes": kind(client=0.3, employer=0.0),
                "value.misreport": 1.0,
                "contract.contractor": 1.0,
                "contract.fee_save": 0.0,
                "contract.fee_sale": 0.0,
            },
        ),
        lies,
        2,
    ),
    ("A1", "differences in regard between clients"): Stage(
        alone("A1", settings={"contract.clients": (0.5, 0.5)}), apart_by_client
    ),
    ("A2", "regard for the employer where pay is bonus"): Stage(
        alone("A2", "P1", scheme=per("contacts", 3.0, wage=500.0)), state("bonds.employer"), 2
    ),
    ("A2", "regard after a thank-you in kind"): Stage(
        alone("A2", settings=THANKED), state("bonds.employer")
    ),
    ("A2", "regard after a thank-you in cash"): Stage(
        alone("A2", settings={**THANKED, "reciprocity.form": "cash"}), state("bonds.employer")
    ),
    ("A2", "care taken after a thank-you"): Stage(
        alone("A1", "A2", settings={**THANKED, "reciprocity.kind": 2.0}), care
    ),
    ("A3", "strain over clients"): Stage(
        alone("A3", settings={"needs.returns": 1.0, "blame.mood": 0.0}), state("bonds.strain")
    ),
    ("A3", "care taken where needs stay unmet"): Stage(
        alone("A1", "A3", settings={**CARING, "needs.returns": 1.0, "blame.wears": 0.02}), care
    ),
    ("A4", "belief that the job is at risk"): Stage(
        alone("A4", settings={"job_security.quiet": 0.0}), state("bonds.risk")
    ),
    ("A4", "belief that the job is at risk on a floor that is never busy enough"): Stage(
        alone("A4", settings={"job_security.busy": 2.0, "floor.customers": 9_000}),
        state("bonds.risk"),
    ),
    ("A4", "care taken under the appeal"): Stage(
        alone("A1", "A4", settings={"job_security.month": 0.0, "job_security.learns": 0.5}), care
    ),
    ("A4", "offers made under the appeal"): Stage(
        alone(
            "A1",
            "A4",
            settings={
                **OPEN,
                "workforce.archetypes": kind(client=0.02),
                "job_security.month": 0.0,
                "job_security.learns": 0.5,
            },
        ),
        offers,
    ),
    ("A5", "lies told by agents who are service-minded"): Stage(
        norms({"identity.sales_minded": 0.0}), lies, 2
    ),
    ("A5", "lies told under managers from service"): Stage(
        norms({"identity.sales_managers": 0.0}), lies, 2
    ),
    ("A5", "lies told by agents who are service-minded under managers from sales"): Stage(
        norms({"identity.sales_minded": 0.0, "identity.sales_managers": 1.0}), lies, 2
    ),
    ("A5", "differences between teams in lies told"): Stage(
        norms({"identity.resentment": 0.0, "floor.teams": 4}), teams_apart, 2
    ),
    ("A5", "lies told once some are known"): Stage(norms(HEARD), lies, 3),
    ("A5", "lies told beside a team that lies more"): Stage(
        norms({**HEARD, **HONEST, "floor.teams": 2}).assign(
            {"some": per("saves", 3.0), "much": per("saves", 60.0)}, arms=["much", "some"]
        ),
        lies_beside,
        3,
    ),
    ("A6", "skill taken in"): Stage(
        alone("A6", settings={**PRAISED, "coaching.hours": 4.0}), state("bonds.skill")
    ),
    ("A6", "skill kept once coaching has stopped"): Stage(
        alone("A6"), state("bonds.skill"), opens=stopped
    ),
    ("A6", "agents whom praise can coach"): Stage(
        alone("A6", settings={"floor.teams": 8}), state("bonds.fits")
    ),
    ("A6", "offers that sell by coached agents"): Stage(
        coached("closing", "P1", scheme=per("sales", 6.0), **{"openness.median": 0.1}), sells
    ),
    ("A6", "lies told by coached agents"): Stage(
        coached("honesty", "G1", "P1", scheme=per("saves", 10.0), **LEAVING), lies, 2
    ),
    ("A6", "care taken by coached agents"): Stage(coached("soft"), care),
    ("A6", "contacts resolved by agents who work for money"): Stage(
        coached("promise"), share(lambda contacts: contacts["true_resolved"])
    ),
    ("A6", "offers made by coached agents who care"): Stage(coached("role", **CARING), offers),
    ("A7", "offers that sell"): Stage(modes(), sells),
    ("A7", "differences between agents in how fast they change mode"): Stage(
        modes(rate=0.3), state("staff.settles", np.std)
    ),
    ("A7", "minutes of offers"): Stage(
        modes(rate=0.0).change(TIRELESS), mean("handle_minutes", offered)
    ),
    ("A8", "mood after failed closes"): Stage(moods(FAILING), state("desk.mood")),
    ("A8", "differences between agents in how long a mood lasts"): Stage(
        moods({}), state("staff.carries", np.std)
    ),
    ("A8", "mood where customers are pleased"): Stage(
        moods({**PLEASED, **GOOD}), state("desk.mood")
    ),
    ("A8", "mood where customers are angry"): Stage(moods({**ANGRY}), state("desk.mood")),
    ("A8", "minutes of contacts in a bad mood"): Stage(
        moods({**ANGRY, **TIRELESS}), mean("handle_minutes")
    ),
    ("A8", "offers that sell in a bad mood"): Stage(moods(ANGRY), sells),
    ("A8", "care taken in a bad mood"): Stage(
        alone("A1", "A8", settings={**ANGRY, **CARING}), care
    ),
    ("A9", "agents who quit"): Stage(alone("A9", settings={"turnover.hazard": 0.1}), quit_share, 2),
    ("A9", "agents who quit where pay is below the outside"): Stage(
        alone("A9", scheme=inc.Wage(1000.0)), quit_share, 2
    ),
    ("A9", "agents who quit where much goes against the grain"): Stage(
        alone("A9", "G1", "P1", scheme=per("saves", 12.0), settings=LEAVING), quit_share, 2
    ),
    ("A9", "agents who quit where clients fail"): Stage(
        alone("A3", "A9", settings={**POOR, **LEAVES, "needs.returns": 1.0, "blame.wears": 0.1}),
        quit_share,
        2,
    ),
    ("A9", "agents who quit where customers are hard to please"): Stage(
        alone("A8", "A9", settings={**ANGRY, **LEAVES}), quit_share, 2
    ),
    ("A9", "mercenaries on a floor paid for saves"): Stage(
        crowd({"turnover.draw": 40.0, "turnover.hearsay": 0.5}), mercenaries, 5, 8
    ),
    ("C1", "satisfaction where service is good"): Stage(alone("C1", settings=GOOD), satisfaction),
    ("C1", "satisfaction where service is poor"): Stage(alone("C1", settings=POOR), satisfaction),
    ("C1", "expectation where service is good"): Stage(
        alone("C1", settings=GOOD), state("row.expectation")
    ),
    ("C1", "expectation at the start"): Stage(alone("C1"), state("row.expectation")),
    ("C1", "differences in satisfaction between customers"): Stage(
        alone("C1"), state("row.satisfaction", np.std)
    ),
    ("C1", "experience of contacts"): Stage(alone("C1"), experience),
    ("C1", "experience of contacts after a wait"): Stage(
        busy("C1", **{"queueing.patience": 30.0}), experience
    ),
    ("C1", "satisfaction where callers give up"): Stage(
        busy("C1", **{"queueing.patience": 2.0}), satisfaction
    ),
    ("C1", "satisfaction where callers are cut off"): Stage(
        alone("C1", "G4", settings={"dropped_contact.reluctance": 0.0}), satisfaction
    ),
    ("C1", "differences in experience between contacts"): Stage(
        alone("C1", settings={"expectations.plain": 4.0}),
        lambda _, records: float(records.contacts["true_experience"].std()),
    ),
    ("C2", "satisfaction after poor months"): Stage(alone("C2", settings=POOR), satisfaction),
    ("C2", "experience of offers at the end of good contacts"): Stage(
        alone("C2", "C3", "P1", scheme=per("sales", 10.0), settings={"expectations.plain": 7.0}),
        mean("true_experience", action("offer_after")),
    ),
    ("C2", "contacts about questions"): Stage(alone("C2"), share(reason("question"))),
    ("C2", "experience of a pitch on a journey"): Stage(
        on_a_journey(), mean("true_experience", both(reason("question"), PITCHED)), 2
    ),
    ("C2", "experience of the last stop"): Stage(
        on_a_journey(), mean("true_experience", both(reason("question"), last_stop)), 2
    ),
    ("C2", "offers on a journey"): Stage(on_a_journey(), share(PITCHED, reason("question")), 2),
    ("C3", "offers that sell"): Stage(alone("C3", "P1", scheme=per("sales", 6.0)), sells),
    ("C3", "sales"): Stage(alone("C3", "P1", scheme=per("sales", 6.0)), sales),
    ("C3", "sales where few are open"): Stage(
        alone(
            "C3",
            "P1",
            scheme=per("sales", 6.0),
            settings={"openness.median": 0.02, "openness.spread": 0.0, "openness.moment": 0.0},
        ),
        sales,
    ),
    ("C5", "contacts that hide a need"): Stage(alone("C5"), share(needy)),
    ("C5", "needs met by an offer"): Stage(needs(), share(offered, needy)),
    ("C5", "offers that meet a need"): Stage(needs(), share(needy, offered)),
    ("C5", "sales where needs are frequent"): Stage(
        alone("C5", "P1", scheme=per("sales", 6.0), settings={"hidden_needs.share": 0.5}), sales
    ),
    ("C5", "experience of those in need who were offered"): Stage(
        needs(), mean("true_experience", both(needy, offered))
    ),
    ("C5", "experience of those in need who were not offered"): Stage(
        alone("C5"), mean("true_experience", both(needy, not_(offered)))
    ),
    ("C5", "offers made by agents who care"): Stage(needs(), offers),
    ("C5", "satisfaction after mis-sales"): Stage(
        alone("C5", "P1", scheme=per("sales", 10.0), settings=OPEN), satisfaction
    ),
    ("C6", "attempts to keep the decided"): Stage(
        alone("C6", "P1", scheme=per("saves", 6.0), settings=LEAVING), share(attempts, decided), 2
    ),
    ("C6", "attempts to keep the undecided"): Stage(
        alone("C6", "P1", scheme=per("saves", 6.0), settings=LEAVING), share(attempts, undecided), 2
    ),
    ("C6", "wishes to cancel that are talked round"): Stage(
        alone("C6", "P1", scheme=per("saves", 6.0), settings=LEAVING),
        share(outcome("saved"), reason("cancel")),
        2,
    ),
    ("C7", "margin of content customers"): Stage(
        alone("C7", settings=CONTENT), state("row.margin")
    ),
    ("C7", "offers that sell"): Stage(
        alone("C7", "P1", scheme=per("sales", 10.0), settings=CONTENT),
        share(outcome("sale"), PITCHED),
        2,
    ),
    ("C7", "cost of the customers won"): Stage(alone("C7"), cost_of_winning),
    ("C8", "customers referred"): Stage(
        alone("C8", settings={"expectations.neutral": 8.0}), referred
    ),
    ("C8", "customers won where many are upset"): Stage(
        alone("C8", settings={**LEAKY, "acquisition.monthly": 0.5}), lambda world, _: world.won, 2
    ),
    ("C8", "trust where some are upset"): Stage(alone("C8", settings=LEAKY), trust),
    ("C8", "margin of customers referred"): Stage(
        alone("C8", settings={"expectations.neutral": 9.0, "advocacy.recommends": 0.5}),
        of_those("margin", lambda rows: rows["uid"] >= PERSON),
    ),
    ("G2", "suppressed cancellations found out"): Stage(suppressed(), share_found_out, 2),
    ("G2", "trust of those who found out"): Stage(suppressed(), of_those("trust", found_out), 2),
    ("G2", "cancellations suppressed"): Stage(
        suppressed(), share(action("suppress"), reason("cancel")), 2
    ),
    ("G2", "satisfaction of those who found out"): Stage(
        suppressed(), of_those("satisfaction", found_out), 2
    ),
    ("G3", "contacts logged as saves"): Stage(
        alone("G3", "P1", scheme=per("saves", 8.0), settings=TEMPTED), share(action("log_save"))
    ),
    ("G3", "orders logged as upsells"): Stage(
        alone("G3", "P1", scheme=per("sales", 8.0), settings=TEMPTED),
        share(action("log_upsell"), reason("order")),
    ),
    ("G4", "contacts cut off"): Stage(cuts(), share(action("cut_off"))),
    ("G4", "contacts cut off by agents who do it often"): Stage(
        cuts(**{"dropped_contact.reluctance": 1.0, "dropped_contact.spread": 0.0}),
        share(action("cut_off")),
    ),
    ("G4", "contacts cut off while others wait"): Stage(
        busy("G4", **{"queueing.patience": 30.0}), share(action("cut_off"))
    ),
    ("G4", "contacts cut off where evenings matter"): Stage(
        cuts(**{"dropped_contact.evening": 2.0}), share(action("cut_off"))
    ),
    ("G5", "purchases regretted"): Stage(pressed(), refunded),
    ("G5", "trust after hard sells"): Stage(pressed(), trust),
    ("G5", "satisfaction after hard sells"): Stage(pressed(), satisfaction),
    ("G8", "contacts passed on"): Stage(alone("G8"), share(action("transfer"))),
    ("O2", "contacts about service given up"): Stage(
        alone("O2", "O4", "O5", settings=SKILLED),
        share(gives_up, both(no_wish, by_channel("voice"))),
    ),
    ("O2", "wishes to cancel given up"): Stage(
        alone("O2", "O4", "O5", settings=SKILLED),
        share(gives_up, both(wish, by_channel("voice"))),
        2,
    ),
    ("O2", "chats given up"): Stage(
        alone("O2", "O4", "O5", settings=SKILLED), share(gives_up, by_channel("chat"))
    ),
    ("O4", "share of contacts by chat"): Stage(alone("O4"), share(by_channel("chat"))),
    ("O4", "minutes of a chat"): Stage(
        alone("O4", settings={"channels.chat": 0.5}),
        mean("handle_minutes", both(served, by_channel("chat"))),
    ),
    ("O5", "callers who give up"): Stage(busy(), share(gives_up, everything)),
    ("O5", "chats given up"): Stage(
        busy("O4", **{"channels.chat": 0.5}), share(gives_up, by_channel("chat"))
    ),
    ("O5", "repeat contacts"): Stage(busy(), share(repeats, everything)),
    ("O5", "repeat contacts put off to the next day"): Stage(busy(), put_off),
    ("O5", "repeat contacts given up"): Stage(busy(), share(gives_up, repeats)),
    ("O6", "contacts checked"): Stage(alone("O6"), checked()),
    ("O6", "logged saves checked"): Stage(
        alone("O6", "P1", scheme=per("saves", 5.0), settings=LEAVING), checked("saved"), 2
    ),
    ("O6", "logged sales checked"): Stage(
        alone("O6", "P1", scheme=per("sales", 8.0), settings=OPEN), checked("sale")
    ),
    ("O6", "lies told"): Stage(
        alone("G1", "O6", "P1", scheme=per("saves", 12.0), settings=LEAVING), lies, 2
    ),
    ("P5", "contacts rushed by those in front"): Stage(
        alone(
            "P5",
            settings={"workforce.archetypes": kind(standing=1.0), "leaderboard.bottom": 0.0},
        ),
        share(action("rush")),
    ),
    ("P5", "contacts rushed by those behind"): Stage(
        alone("P5", settings={"workforce.archetypes": kind(standing=1.0), "leaderboard.top": 0.0}),
        share(action("rush")),
    ),
}


# -- what a parameter moves ----------------------------------------------------------------------

OTHERS: dict[str, Any] = {"replications": 4, "months": 4, "rng": 7}
"""How stages that stand elsewhere are run, unless a third member of the tuple says otherwise.

Those have twice as many worlds or more whose difference was less than five errors in eight, and
those that stand beside them on the same stage.
"""


def blocks() -> dict[str, str]:
    """Give the block of a scenario in which each mechanism's numbers stand, by id."""
    centre = inc.Scenario()
    found = {type(getattr(centre, name)): name for name in centre.__dataclass_fields__}
    return {cls.id: found[cls] for cls in inc.all_mechanisms() if cls in found}


def declared() -> list[tuple[str, inc.mechanism.Parameter]]:
    """List the parameters of all mechanisms, each with its mechanism's id."""
    return [(cls.id, item) for cls in inc.all_mechanisms() for item in cls.parameters()]


def split(moves: str) -> tuple[float, str]:
    """Take a declaration apart: the sign, and the phrase without it."""
    return (1.0 if moves[0] == "+" else -1.0), moves[1:].strip()


@cache
def moves_in(file: str) -> dict[str, Elsewhere]:
    """Give the stages that stand in a file of tests, by phrase, with its sign if it has one."""
    if "MOVES" not in (TESTS / file).read_text(encoding="utf-8"):
        return {}
    return dict(getattr(importlib.import_module(file.removesuffix(".py")), "MOVES", {}))


def elsewhere(code: str, moves: str) -> Elsewhere | None:
    """Find what stands beside a signature for this declaration, first beside the mechanism's own.

    A phrase may stand there with the sign or without.
    """
    files = [SIGNATURES[code][0], *sorted(path.name for path in TESTS.glob("test_signature_*.py"))]
    for file in files:
        found = moves_in(file)
        for phrase in (moves, split(moves)[1]):
            if phrase in found:
                return found[phrase]
    return None


def numbers(stage: Stage, scenario: inc.Scenario) -> np.ndarray:
    """Run a stage's scenario as changed, and measure each world."""
    found = []
    for k in range(stage.runs):
        world = World(scenario, rng=7, replication=k, months=stage.months)
        if stage.opens is not None:
            stage.opens(world)
        found.append(stage.measure(world, world.run()))
    return np.array(found)


def at(base: inc.Scenario, block: str, item: inc.mechanism.Parameter, end: float) -> inc.Scenario:
    """Give a scenario with a parameter at one of its ends, as a number of the kind that it is."""
    default = item.default
    if isinstance(default, tuple):
        return base.change({f"{block}.{item.name}": (float(end),) * len(default)})
    return base.change({f"{block}.{item.name}": type(default)(end)})


def staged(code: str, moves: str) -> tuple[inc.Scenario, Callable[[inc.Scenario], np.ndarray]]:
    """Give the scenario in which a declaration is looked at, and how to run and measure it."""
    stage = STAGES.get((code, split(moves)[1]))
    if stage is not None:
        return stage.base, lambda scenario: numbers(stage, scenario)
    other = elsewhere(code, moves)
    if other is None:
        raise KeyError(f"no stage for {moves!r} of {code}")
    base, measure, *more = other
    settings = OTHERS | (more[0] if more else {})
    return base, lambda scenario: np.asarray(measure(inc.simulate(scenario, **settings)), float)


def ends(
    code: str, item: inc.mechanism.Parameter, kept: dict[Any, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Measure twins at the low and the high end of a parameter; `kept` holds what was run."""
    base, run = staged(code, item.moves)
    both_ends = []
    for end in (item.low, item.high):
        scenario = at(base, blocks()[code], item, end)
        key = (code, split(item.moves)[1], scenario.digest())
        if key not in kept:
            kept[key] = run(scenario)
        both_ends.append(kept[key])
    return both_ends[0], both_ends[1]
