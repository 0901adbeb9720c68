"""Nothing is lost and nothing is made: contacts, customers, money and minutes add up."""

from typing import Literal

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives.pay.goals import stretched

MONTHS = 8
PIECE = 8.0  # money per logged save
PENALTY = 20.0  # money
HOURS = {"floor.minutes": 330.0, "floor.shift_minutes": (330.0,), "floor.pause": 30.0}
SPARE = 1e-2  # minutes: contacts are kept in single precision


def a_centre(scheme: inc.Scheme) -> inc.Scenario:
    """Sixteen agents, busy for two thirds of their time, with everything that can happen."""
    return inc.Scenario(scheme=scheme).change(
        {
            **HOURS,
            "floor.teams": 4,
            "floor.team_size": 4,
            "floor.customers": 14_000,
            "leaving.base": 0.05,
            "acquisition.monthly": 0.05,
            "audit.rate": 0.02,
            "audit.on_saves": 0.1,
            "audit.on_sales": 0.03,
            "audit.penalty": PENALTY,
            "workforce.archetypes": (
                inc.Archetype(name="mercenary", conscience=-0.9, care=0.0),
                inc.Archetype(name="ordinary"),
            ),
        }
    )


SCHEME = (
    inc.Wage(2000.0)
    + inc.PieceRate("saves", PIECE)
    + inc.Target("contacts", 300, lump=60.0)
    + inc.TeamPool("survey_score", 7.0, lump=200.0)
    + inc.Tournament("sales", (50.0, 20.0))
    + inc.Deferred(inc.PieceRate("sales", 4.0), months=2, share=0.5)
)


@pytest.fixture(scope="module")
def records() -> inc.Records:
    return inc.simulate(a_centre(SCHEME), months=MONTHS, rng=5)


def by_agent(frame: pd.DataFrame, like: pd.DataFrame) -> pd.Series:
    """Count rows by month and agent, in the order of the agents frame."""
    counts = frame.groupby(["month", "agent"]).size()
    return counts.reindex(pd.MultiIndex.from_frame(like[["month", "agent"]]), fill_value=0)


def saves_struck(records: inc.Records) -> pd.DataFrame:
    audits = records.audits
    return audits[(audits["found"] != "none") & (audits["logged_outcome"] == "saved")]


# -- contacts -----------------------------------------------------------------------------------


def test_every_contact_ends_once(records: inc.Records) -> None:
    contacts = records.contacts
    assert (contacts["contact"] == np.arange(len(contacts))).all()
    served = contacts["ended"] == "served"
    assert 0 < (~served).sum() < served.sum()
    for column in ("logged_outcome", "true_outcome"):
        assert ((contacts[column] == "abandoned") == ~served).all()
    assert ((contacts["agent"] >= 0) == served).all()
    assert (contacts["true_action"].notna() == served).all()
    assert (contacts["scheme"].notna() == served).all()
    assert (contacts.loc[~served, "handle_minutes"] == 0).all()
    assert (contacts.loc[served, "handle_minutes"] > 0).all()


def test_a_need_is_met_once_and_its_tries_follow_one_another() -> None:
    # without G2 and G5, whose victims complain in the place of a wish: a need that is two reasons
    centre = a_centre(SCHEME).without("G2", "G5")
    contacts = inc.simulate(centre, months=3, rng=5).contacts
    contacts = contacts.sort_values(["customer", "reason", "episode", "attempt"])
    need = contacts.groupby(["customer", "reason", "episode"], observed=True)
    assert (contacts["attempt"] == need.cumcount() + 1).all()
    assert contacts["attempt"].max() == centre.needs.tries
    asked = contacts["day"] * 1440.0 + contacts["minute"]
    assert (
        asked.groupby([contacts[key] for key in ("customer", "reason", "episode")], observed=True)
        .diff()
        .dropna()
        > -SPARE
    ).all()
    cancelling = (contacts["reason"] == "cancel") & (contacts["ended"] == "served")
    met = contacts["true_resolved"] | (
        cancelling & ~contacts["true_action"].isin(["cut_off", "transfer"])
    )
    again = need["attempt"].transform("max") > contacts["attempt"]
    assert not (met & again).any()
    episodes = contacts.groupby(["customer", "reason"], observed=True)["episode"]
    assert (episodes.diff().dropna().isin([0, 1])).all()


def test_days_cells_and_contacts_count_the_same(records: inc.Records) -> None:
    contacts, cells, days = records.contacts, records.cells, records.days
    day = contacts.groupby("day")
    served = contacts[contacts["ended"] == "served"]
    within = served["wait_minutes"] <= np.float32(inc.Floor().service_within)
    expected = {
        "offered": day.size(),
        "answered": served.groupby("day").size(),
        "abandoned": day.size() - served.groupby("day").size(),
        "within": within.groupby(served["day"]).sum(),
        "delayed": (served["wait_minutes"] > 0).groupby(served["day"]).sum(),
        "callbacks": (contacts["attempt"] > 1).groupby(contacts["day"]).sum(),
    }
    for name, counts in expected.items():
        assert (days[name].to_numpy() == np.asarray(counts)).all(), name
    assert records.runs["contacts"].sum() == cells["n"].sum() == len(contacts)
    keys = ["month", "agent", "reason", "logged_outcome", "true_outcome", "true_gaming"]
    counted = contacts.groupby(keys, observed=True).size()
    assert counted.equals(cells.groupby(keys, observed=True)["n"].sum().astype(counted.dtype))


@pytest.mark.parametrize("keep", ["cells", 0.2])
def test_what_is_kept_changes_nothing_else(
    records: inc.Records, keep: Literal["cells"] | float
) -> None:
    other = inc.simulate(a_centre(SCHEME), months=MONTHS, rng=5, keep=keep)
    for name in ("runs", "agents", "audits", "assignments", "days", "cells"):
        pd.testing.assert_frame_equal(getattr(other, name), getattr(records, name))
    answered = records.surveys[records.surveys["answered"]].reset_index(drop=True)
    also = other.surveys[other.surveys["answered"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(also, answered)
    if keep == "cells":
        assert len(other.contacts) == 0
        total = other.customers.groupby("month")[["n", "left"]].sum()
        assert total.equals(records.customers.groupby("month")[["n", "left"]].sum())
        return
    chosen = other.customers["customer"].unique()
    share = len(chosen) / records.customers["customer"].nunique()
    assert abs(share - 0.2) < 4 * np.sqrt(0.16 / records.customers["customer"].nunique())
    for name in ("contacts", "customers"):
        whole = getattr(records, name)
        whole = whole[whole["customer"].isin(chosen)].reset_index(drop=True)
        pd.testing.assert_frame_equal(getattr(other, name), whole)


# -- customers ----------------------------------------------------------------------------------


def test_customers_in_are_customers_still_there_and_customers_who_left(
    records: inc.Records,
) -> None:
    customers = records.customers
    reasons = ["left_contact", "left_silent", "left_discovery"]
    assert (customers[reasons].sum(axis=1) == customers["left"]).all()
    month = customers.groupby("month")
    at_risk, left = month["customer"].size(), month["left"].sum()
    first = customers.groupby("customer")["month"].min()
    joined = first[first > 0].groupby(first).size()
    assert at_risk[0] == 14_000 == customers.loc[customers["initial"], "customer"].nunique()
    assert (at_risk.to_numpy()[1:] == (at_risk - left).to_numpy()[:-1] + joined).all()
    assert (joined - 0.05 * 14_000 >= -1).all()  # those whom others recommend come on top
    last = customers.groupby("customer")["month"].max()
    stayed = customers[customers["left"] == 0].groupby("customer")["month"].max()
    gone = customers[customers["left"] == 1].set_index("customer")["month"]
    assert (gone == last[gone.index]).all()
    assert (stayed.drop(gone.index, errors="ignore") == MONTHS - 1).all()
    assert len(customers) == int((last - first + 1).sum())


def test_without_recommendations_those_join_who_are_won() -> None:
    customers = inc.simulate(a_centre(SCHEME).without("C8"), months=3, rng=5).customers
    first = customers.groupby("customer")["month"].min()
    assert (abs(first[first > 0].value_counts() - 0.05 * 14_000) <= 1).all()


def test_nobody_contacts_after_leaving_and_whoever_cancels_is_gone_at_the_bill(
    records: inc.Records,
) -> None:
    contacts, customers = records.contacts, records.customers
    left = customers[customers["left"] == 1].set_index("customer")
    asked_until = contacts.groupby("customer")["month"].max()
    assert (asked_until.reindex(left.index).fillna(-1) <= left["month"]).all()
    cancelled = contacts[contacts["true_outcome"] == "cancelled"].set_index("customer")["month"]
    by_contact = left.loc[left["left_contact"] == 1, "month"]
    pd.testing.assert_series_equal(cancelled.sort_index(), by_contact.sort_index())
    suppressed = contacts[contacts["true_outcome"] == "suppressed"]
    on_discovery = left[left["left_discovery"] == 1]
    assert on_discovery.index.isin(suppressed["customer"]).all()


# -- money --------------------------------------------------------------------------------------


def test_logged_totals_are_those_of_the_contacts_surveys_and_audits(records: inc.Records) -> None:
    agents = records.agents
    log = records.contacts[records.contacts["ended"] == "served"]
    cancelling = (log["reason"] == "cancel") & log["logged_outcome"].isin(["saved", "cancelled"])
    saved, sold = log["logged_outcome"] == "saved", log["logged_outcome"] == "sale"
    audits = records.audits
    struck = audits[(audits["found"] != "none") & (audits["logged_outcome"] == "sale")]
    scores = records.surveys[records.surveys["answered"]]
    survey_sum = scores.groupby(["month", "agent"])["score"].sum()
    held = log[log["true_booked"] == "held_back"]  # booked next month by those still there
    late = pd.MultiIndex.from_arrays([held["month"] + 1, held["agent"]])
    hire = agents.set_index(["month", "agent"])["hire"]
    held = held.assign(month=held["month"] + 1)[hire.reindex(late).to_numpy() == held["hire"]]
    sales = by_agent(log[sold], agents) - by_agent(struck, agents) + by_agent(held, agents)
    expected = {
        "contacts": by_agent(log, agents),
        "cancels": by_agent(log[cancelling | saved], agents),
        "saves": by_agent(log[saved], agents) - by_agent(saves_struck(records), agents),
        "sales": sales,
        "sales_value": sales * inc.Value().product,
        "survey_n": by_agent(scores, agents),
        "survey_sum": survey_sum.reindex(sales.index, fill_value=0),
    }
    for name, totals in expected.items():
        assert (agents[f"logged_{name}"].to_numpy() == totals.to_numpy()).all(), name
    assert len(struck) > 0
    assert len(held) > 0
    assert len(saves_struck(records)) > 0


def test_what_is_paid_is_what_the_scheme_pays_for_what_was_logged(records: inc.Records) -> None:
    agents = records.agents
    for _, month in agents.groupby("month"):
        columns = [f"logged_{name}" for name in inc.Totals._fields[:-1]]
        totals = inc.Totals(*(month[name].to_numpy() for name in [*columns, "team"]))
        earned = month["wage"] + month["bonus"] + month["deferred"]
        goal = month["goal"].to_numpy()  # as managers have raised it (P4)
        pays = sum(part.pay(stretched(part, totals, goal)) for part in SCHEME.parts)
        np.testing.assert_allclose(earned, pays, rtol=1e-12)
        assert (month["wage"] == 2000.0).all()
        np.testing.assert_allclose(month["deferred"], 0.5 * 4.0 * totals.sales, rtol=1e-12)
    paid = agents["wage"] + agents["bonus"] + agents["released"] - agents["clawed_back"]
    np.testing.assert_allclose(agents["paid"], paid - agents["penalty"], rtol=1e-12)
    assert (agents["bonus"].groupby(agents["month"]).sum() > 0).all()


def test_what_is_deferred_is_released_to_those_still_there_and_else_forfeited(
    records: inc.Records,
) -> None:
    agents = records.agents.set_index(["month", "agent"])
    due = agents["deferred"].rename(lambda month: month + 2, level="month")
    hired = agents["hire"].rename(lambda month: month + 2, level="month")
    here = (hired.reindex(agents.index) == agents["hire"]).to_numpy()
    released = due.reindex(agents.index).fillna(0.0).where(here, 0.0)
    np.testing.assert_allclose(agents["released"], released, rtol=1e-12)
    last = agents.index.get_level_values("month") >= MONTHS - 2
    pending = agents.loc[last, "deferred"].sum()  # but for those who have quit in the meantime
    kept = agents["deferred"].sum() - agents["released"].sum() - agents["forfeited"].sum()
    assert agents["quit"].any()
    assert agents["forfeited"].sum() > 0
    assert 0 < kept <= pending


def test_penalties_are_those_of_cases_found_and_of_complaints_that_were_traced() -> None:
    tracing = {"suppressed_cancellation.traced": 1.0, "audit.penalty": 2.0}
    records = inc.simulate(
        a_centre(SCHEME).without("G1", "P4").change(tracing), months=MONTHS, rng=5
    )  # with P4 some are let pass
    agents = records.agents
    found = by_agent(records.audits[records.audits["found"] != "none"], agents)
    left = records.customers[records.customers["left_discovery"] == 1].set_index("customer")
    log = records.contacts
    suppressed = log[log["true_outcome"] == "suppressed"].set_index("customer")
    cases = suppressed.loc[left.index, ["agent", "hire"]]  # each, at the bill before leaving
    traced = cases.assign(month=left["month"] - 1).set_index(["month", "agent"])["hire"]
    hire = agents.set_index(["month", "agent"])["hire"].reindex(traced.index)
    counts = traced[traced == hire].groupby(level=["month", "agent"]).size()
    assert counts.sum() > 50
    heard = by_agent(records.audits[records.audits["found_survey"]], agents)
    cases = found + counts.reindex(found.index, fill_value=0)
    early = by_agent(records.audits[records.audits["found_early"]], agents)
    lesser = inc.SurveyGaming().gravity * heard + inc.Timing().gravity * early
    penalties = 2.0 * (cases + lesser)
    known = found.index.get_level_values("month") < MONTHS - 1
    assert (agents["penalty"].to_numpy() == penalties.to_numpy())[known].all()


def test_a_claw_back_takes_the_pay_of_each_lost_save_once() -> None:
    clawing = inc.Wage(2000.0) + inc.Clawback(inc.PieceRate("saves", PIECE), months=2)
    records = inc.simulate(a_centre(clawing), months=MONTHS, rng=5)
    agents = records.agents.set_index(["month", "agent"])
    log = records.contacts
    saves = log[log["logged_outcome"] == "saved"]
    paid_for = saves[~saves["contact"].isin(saves_struck(records)["contact"])]
    left = records.customers[records.customers["left"] == 1].set_index("customer")["month"]
    gone = paid_for["customer"].map(left)
    lost = paid_for.assign(gone=gone)[(gone - paid_for["month"]).between(0, 2)]
    then = pd.MultiIndex.from_arrays([lost["gone"].astype(int), lost["agent"]])
    here = agents["hire"].reindex(then).to_numpy() == lost["hire"].to_numpy()
    taken = PIECE * lost[here].groupby(["gone", "agent"]).size()
    taken = taken.reindex(agents.index, fill_value=0.0)
    assert taken.sum() > 0
    np.testing.assert_allclose(agents["clawed_back"], taken)


# -- minutes ------------------------------------------------------------------------------------


def test_minutes_on_contacts_are_minutes_busy(records: inc.Records) -> None:
    contacts, days, agents = records.contacts, records.days, records.agents
    minutes = contacts["handle_minutes"].astype(float)
    by_day = minutes.groupby(contacts["day"]).sum()
    np.testing.assert_allclose(days["minutes_busy"], by_day, rtol=1e-6)
    served = contacts["agent"] >= 0
    busy = minutes[served].groupby([contacts["month"], contacts["agent"]]).sum()
    logged = agents.set_index(["month", "agent"])["minutes_busy"]
    np.testing.assert_allclose(busy.reindex(logged.index, fill_value=0.0), logged, rtol=1e-6)
    assert records.cells["minutes"].sum() == pytest.approx(agents["minutes_busy"].sum(), rel=1e-6)
    waits = contacts["wait_minutes"].astype(float).where(served, 0.0).groupby(contacts["day"]).sum()
    np.testing.assert_allclose(days["wait_minutes"], waits, rtol=1e-5, atol=1e-3)
    coached = 60.0 * inc.Coaching().hours / inc.Floor().days  # minutes a day
    at_work = agents["minutes_on_duty"] / (330.0 - 30.0 - coached)
    np.testing.assert_allclose(at_work, at_work.round(), rtol=1e-12)
    assert agents["minutes_on_duty"].sum() == pytest.approx(days["minutes_on_duty"].sum())
    occupancy = agents["minutes_busy"] / agents["minutes_on_duty"].where(at_work > 0)
    assert 0.5 < occupancy.mean() < 0.85
    assert occupancy.max() < 1.0


def test_nobody_serves_two_contacts_at_once_or_out_of_hours(records: inc.Records) -> None:
    contacts = records.contacts[records.contacts["ended"] == "served"].copy()
    contacts["start"] = contacts["minute"].astype(float) + contacts["wait_minutes"]
    contacts["end"] = contacts["start"] + contacts["handle_minutes"]
    contacts = contacts.sort_values(["day", "agent", "start"])
    shift = contacts.groupby(["day", "agent"])
    gaps = contacts["start"] - shift["end"].shift()
    assert (gaps.dropna() > -SPARE).all()
    assert contacts["start"].min() > 540.0 - SPARE
    assert contacts["start"].max() < 540.0 + 330.0 + SPARE
    # a break is a gap: whoever worked through its time had half an hour without a contact
    through = (shift["start"].min() < 600.0) & (shift["end"].max() > 800.0)
    longest = gaps.groupby([contacts["day"], contacts["agent"]]).max()
    assert (longest[through[through].index] > 30.0 - SPARE).all()


def test_without_queues_every_contact_is_served_at_once() -> None:
    contacts = inc.simulate(a_centre(SCHEME).without("O5"), months=1, rng=5).contacts
    assert (contacts["ended"] == "served").all()
    assert (contacts["wait_minutes"] == 0).all()


def test_seats_change_hands_when_agents_quit(records: inc.Records) -> None:
    agents = records.agents.sort_values(["agent", "month"])
    moved = agents.groupby("agent")["hire"].diff().shift(-1)
    known = agents["month"] < MONTHS - 1
    assert (moved[known] == agents.loc[known, "quit"].astype(int)).all()
