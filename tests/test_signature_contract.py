"""The client's contract: renewal, cut volume, an end (O7), and how hard a contractor looks (O6).

Each signature is a paired effect between twins; beside it stands a mutant, a world in which the
rule is a constant of the same mean, on which the signature's number is nothing.
"""

from typing import Any

import numpy as np
import pytest

import incentives as inc
from incentives import centre
from incentives.centre import (
    CANCELS,
    CHECKED,
    COMPLAINTS,
    FOUND,
    SALES,
    SAVES,
    SEEN,
    SERVED,
)
from incentives.scenario import lower

SEATS = 6
CENTRE = inc.Scenario(
    floor=inc.Floor(teams=2, team_size=3, customers=3_000),
    scheme=inc.Wage() + inc.PieceRate("saves", 12.0),
).change(
    {
        "contract.contractor": 1.0,
        "contract.clients": (1.0, 1.0, 1.0, 1.0),
        "menu.save.keeps": 0.7,
        "leaving.base": 0.1,
        "made_up_minds.decided": 0.1,
        "needs.complaint": 0.03,
        "suppressed_cancellation.discovery": 0.9,
        "suppressed_cancellation.traced": 0.0,
        "renewal.term": 2.0,
        "renewal.usual_complaints": 0.035,
        "renewal.usual_churn": 0.06,
        "renewal.reported": 0.2,
        "renewal.complaints": 3.0,
        "renewal.churn": 3.0,
        "renewal.stays": 2.0,
        "renewal.leaves": 1.0,
    }
)
GAMING = ("G1", "G2", "G3")
WORLDS = 8
NEEDED = 4.0  # standard errors between a signature and its twin without it


def run(scenario: inc.Scenario, months: int = 6) -> inc.Records:
    return inc.simulate(scenario, replications=WORLDS, months=months, rng=4, keep="cells")


def in_errors(gap: np.ndarray) -> float:
    """Give the mean paired difference in Monte-Carlo standard errors."""
    return float(gap.mean() / max(gap.std(ddof=1) / np.sqrt(len(gap)), 1e-12))


def volume_lost(records: inc.Records) -> np.ndarray:
    """Share of a client's volume that its decisions are expected to take away, by run."""
    clients = records.clients[records.clients["decision"] != "none"]
    lost = clients.groupby("run")["true_share_lost"].sum() / records.clients["client"].nunique()
    return lost.reindex(records.runs["run"], fill_value=0.0).to_numpy()


def at_the_end(records: inc.Records, what: str) -> np.ndarray:
    """Share kept, fees (money) or headcount in the last month, by run."""
    last = int(records.runs["months"].iloc[0]) - 1
    if what == "headcount":
        agents = records.agents[records.agents["month"] == last]
        counted = agents.groupby("run").size()
    else:
        clients = records.clients[records.clients["month"] == last].groupby("run")[what]
        counted = clients.mean() if what == "share_kept" else clients.sum()
    return counted.reindex(records.runs["run"], fill_value=0).to_numpy(float)


@pytest.fixture(scope="module")
def gamed() -> inc.Records:
    return run(CENTRE)


@pytest.fixture(scope="module")
def honest() -> inc.Records:
    return run(CENTRE.without(*GAMING))


@pytest.fixture(scope="module")
def unending() -> inc.Records:
    return run(CENTRE.without("O7"))


# -- O7 -----------------------------------------------------------------------------------------


def test_clients_whose_customers_are_gamed_cut_or_leave(gamed, honest):
    """Reports are better where saves are made up; complaints and churn speak louder."""
    table = {
        name: each.clients.sum(numeric_only=True)
        for name, each in {"gamed": gamed, "honest": honest}.items()
    }
    reported = {name: sums["logged_saves"] / sums["logged_cancels"] for name, sums in table.items()}
    assert reported["gamed"] > 1.2 * reported["honest"]
    assert in_errors(volume_lost(gamed) - volume_lost(honest)) > NEEDED


def test_a_contract_that_ends_by_chance_does_not_answer_to_gaming(gamed):
    """The mutant: the same mean chance of losing volume, whatever clients see."""
    blind = CENTRE.change({f"renewal.{name}": 0.0 for name in ("reported", "complaints", "churn")})
    lost = volume_lost(gamed).mean() / 3  # of three decisions each

    def mean_lost(stays: float) -> float:
        settings = blind.change({"renewal.stays": stays}).renewal
        return float(centre.volume_lost(np.zeros(1), settings)[0])

    stays = min(np.linspace(-3.0, 8.0, 400), key=lambda level: abs(mean_lost(level) - lost))
    mutant = blind.change({"renewal.stays": float(stays)})
    with_lies, without = run(mutant), run(mutant.without(*GAMING))
    assert with_lies.clients["true_share_lost"].mean() == pytest.approx(lost, rel=0.1)
    assert np.abs(volume_lost(with_lies) - volume_lost(without)).max() < 1e-9 + 1.0 / 3
    decided = with_lies.clients["decision"] != "none"
    assert with_lies.clients["true_share_lost"][decided].nunique() == 1


def test_switched_off_no_contract_ends(unending):
    clients = unending.clients
    assert (clients["share_kept"] == 1.0).all()
    assert (clients["decision"] == "none").all()
    assert clients["true_share_lost"].isna().all()
    assert (at_the_end(unending, "headcount") == SEATS).all()
    assert (clients["true_audit_level"] == 1.0).all()


def test_fees_and_headcount_follow_the_volume(gamed, unending):
    for what in ("share_kept", "fees", "headcount"):
        assert in_errors(at_the_end(gamed, what) - at_the_end(unending, what)) < -NEEDED, what
    seats = np.round(SEATS * at_the_end(gamed, "share_kept"))
    assert (np.abs(at_the_end(gamed, "headcount") - seats) <= 1).all()


def test_the_load_of_an_agent_stays_about_what_it_was(gamed, unending):
    def load(records: inc.Records) -> float:
        answered = records.days["answered"].sum()
        return float(answered / records.days["minutes_on_duty"].sum())

    assert load(gamed) == pytest.approx(load(unending), rel=0.15)


def test_who_is_served_elsewhere_calls_no_more_and_has_not_left():
    """A client that leaves takes its customers away: they are censored, not churned."""
    ends = CENTRE.change({"renewal.stays": 0.0, "renewal.leaves": 0.0, "renewal.term": 1.0})
    ends = ends.change({"renewal.complaints": 0.0, "renewal.churn": 0.0, "renewal.reported": 0.0})
    records = inc.simulate(ends, months=4, replications=2, rng=1)
    kept = records.clients.groupby(["run", "client"])["share_kept"].min()
    assert (kept == 0.0).any()
    assert (kept > 0.0).any()
    customers = records.customers
    last = customers.groupby(["run", "customer"])[["month", "left"]].last()
    gone_quietly = last[(last["month"] < 3) & (last["left"] == 0)]
    assert len(gone_quietly) > 500
    calls = records.contacts.merge(
        gone_quietly["month"].rename("until").reset_index(), on=["run", "customer"]
    )
    assert (calls["month"] <= calls["until"]).all()
    paid = records.agents.groupby(["run", "month"]).size()
    assert paid.min() < SEATS


def test_seats_close_from_the_last_of_each_team_and_skills_stay():
    plan, _ = lower(CENTRE.change({"routing.chat": 0.2, "channels.chat": 0.2}))
    every = np.ones(SEATS, bool)
    assert centre.seats_open(plan, every, 1.0).all()
    half = centre.seats_open(plan, every, 0.5)
    assert half.sum() == 3
    assert half[0]
    assert half[3] or half[4]
    assert np.bitwise_or.reduce(plan.skills[half]) == 2**centre.TASKS - 1
    assert not centre.seats_open(plan, every, 0.0).any()


def test_odds_of_a_decision_are_those_of_the_page():
    renewal = inc.Renewal(stays=2.0, leaves=-1.0)
    leave, cut = centre.chances(np.array([0.0, 0.7]), renewal)
    assert cut[1] / leave[1] == pytest.approx(np.exp(0.7 + 1.0))
    assert (1.0 - leave[1] - cut[1]) / cut[1] == pytest.approx(np.exp(2.0 + 0.7))
    assert leave[0] > leave[1]


# -- O6: how hard a contractor looks ------------------------------------------------------------

LOOKING = CENTRE.change(
    {
        "scheme": inc.Wage() + inc.PieceRate("saves", 12.0) + inc.PieceRate("sales", 3.0),
        "contract.fee_sale": 40.0,
        "contract.fee_save": 2.0,
        "audit.rate": 0.05,
        "audit.on_saves": 0.1,
        "renewal.review": 1.0,
        "renewal.term": 12.0,
        "renewal.stays": 3.0,
        "renewal.leaves": 1.0,
        "renewal.complaints": 4.0,
        "renewal.churn": 1.0,
        "renewal.reported": 0.5,
        "renewal.feared": 0.5,
        "renewal.suspects": 0.05,
        "renewal.cost": 3.0,
        "renewal.deters": 1.0,
        "renewal.usual_complaints": 0.015,
        "renewal.usual_sales": 0.01,
    }
)
BLIND = LOOKING.change({"renewal.complaints": 0.0, "renewal.churn": 0.0})


def checks(records: inc.Records) -> np.ndarray:
    """Share of served contacts that are checked after the first month, by run."""
    audits = records.audits[records.audits["month"] > 0].groupby("run").size()
    cells = records.cells[(records.cells["agent"] >= 0) & (records.cells["month"] > 0)]
    share = audits.reindex(records.runs["run"], fill_value=0) / cells.groupby("run")["n"].sum()
    return share.to_numpy()


def looks(records: inc.Records) -> np.ndarray:
    """How many times the declared audit is carried out, by run."""
    return records.clients.groupby("run")["true_audit_level"].mean().to_numpy()


def test_a_contractor_whose_client_sees_looks_harder_than_one_whose_client_is_blind():
    seen, blind = run(LOOKING, 5), run(BLIND, 5)
    assert in_errors(checks(seen) - checks(blind)) > NEEDED
    off = [run(each.without("O7"), 5) for each in (LOOKING, BLIND)]
    assert np.array_equal(checks(off[0]), checks(off[1]))  # looks as it declares
    # the mutant: as many checks as are made on average, whoever looks on
    level = 0.5 * (looks(seen).mean() + looks(blind).mean())
    constant = {
        f"audit.{name}": level * getattr(LOOKING.audit, name) for name in ("rate", "on_saves")
    }
    mutant = [run(each.without("O7").change(constant), 5) for each in (LOOKING, BLIND)]
    assert np.array_equal(checks(mutant[0]), checks(mutant[1]))


def test_the_chance_of_a_check_on_record_is_the_one_in_force():
    records = run(BLIND, 4)
    level = records.clients.groupby(["run", "month"])["true_audit_level"].first()
    audits = records.audits.join(level, on=["run", "month"])
    declared = LOOKING.audit.rate + LOOKING.audit.on_saves * (audits["logged_outcome"] == "saved")
    np.testing.assert_allclose(audits["prob"], audits["true_audit_level"] * declared, rtol=1e-6)


def accounts_with(complaints: float, sales: float = 20.0) -> centre.Accounts:
    """One client's books after a year of a thousand customers."""
    accounts = centre.open_accounts(1, inc.Renewal())
    seen = np.zeros((1, len(SEEN)))
    seen[0] = 12_000.0, 190.0, 12_000.0 * complaints, 9_000.0, 300.0, 90.0, sales, 0.0, 0.0
    accounts.seen[:] = accounts.recent[:] = seen
    return accounts


def test_a_contractor_learns_what_complaints_count_for():
    """Told often enough, it believes the truth: nothing, of a client that does not see them."""
    for weight in (0.0, 2.0):
        renewal = inc.Renewal(complaints=weight, churn=0.0, learns=0.9)
        accounts = accounts_with(complaints=0.4)
        for _ in range(40):
            centre.take_note(accounts, renewal)
        assert accounts.feared[0] == pytest.approx(weight, abs=0.01)


def test_who_does_not_look_does_not_learn_what_is_false():
    accounts, renewal = accounts_with(0.2), inc.Renewal()
    before = accounts.checks.copy()
    centre.take_note(accounts, renewal)
    assert np.array_equal(accounts.checks, before)
    accounts.recent[0, [CHECKED, FOUND]] = 30.0, 9.0
    centre.take_note(accounts, renewal)
    assert accounts.checks[1] / accounts.checks[0] > before[1] / before[0]


def test_looking_is_worth_the_more_the_more_is_at_stake():
    renewal, audit = inc.Renewal(stays=0.5, deters=1.0), inc.Audit(rate=0.01)
    contract = inc.Contract(contractor=1.0, fee_save=0.0, fee_sale=30.0)
    gain = []
    for sales in (20.0, 2000.0):
        accounts = accounts_with(complaints=0.4, sales=sales)
        assert accounts.recent[0, [SERVED, CANCELS, SAVES, SALES, COMPLAINTS]].all()
        worth = centre.worth_of_looking(
            accounts, centre.take_note(accounts, renewal), renewal, contract, audit
        )
        gain.append(worth[-1] - worth[0])
    assert gain[0] < 0.0 < gain[1]


# -- what each number moves ---------------------------------------------------------------------

OFTEN = CENTRE.change(
    {
        "renewal.term": 1.0,
        "renewal.stays": 4.0,
        "renewal.leaves": 0.0,
        "renewal.complaints": 1.0,
        "renewal.churn": 1.0,
        "renewal.reported": 0.5,
        "renewal.usual_saves": 0.4,
        "renewal.usual_sales": 0.008,
        "renewal.usual_churn": 0.015,
        "renewal.usual_complaints": 0.025,
    }
)
CAUTIOUS = LOOKING.change({"renewal.feared": 1.5, "renewal.learns": 0.05})
GREEDY = CAUTIOUS.change({"contract.fee_save": 150.0})
MOVES: dict[str, tuple[Any, ...]] = {
    "+volume lost": (OFTEN, volume_lost, {"replications": 16}),
    "-volume lost": (OFTEN, volume_lost, {"replications": 16}),
    "+checks for a client that sees": (CAUTIOUS, looks, {"replications": 8}),
    "-checks for high fees": (GREEDY, looks, {"replications": 8}),
    "+checks for a blind client": (BLIND, looks, {"replications": 8}),
    "-checks for a blind client": (BLIND, looks, {"replications": 8}),
}
