"""The Mesa face: the same world as `simulate`, agents that are views, and Mesa's own tools."""

import contextlib
import inspect
import warnings

import mesa
import numpy as np
import pandas as pd
import pytest

import incentives as inc

CENTRE = inc.Scenario(
    name="busy",
    floor=inc.Floor(teams=2, team_size=3, customers=900, days=5),
    leaving=inc.Leaving(base=0.2),
    audit=inc.Audit(rate=0.1, penalty=20.0),
    turnover=inc.Turnover(hazard=0.9),
    scheme=inc.Wage() + inc.PieceRate("saves", 40.0),
)
MONTHS = 3
KEY = {"rng": 7, "months": MONTHS}


def as_bytes(frame: pd.DataFrame) -> dict[str, tuple[str, bytes]]:
    """Give each column's type and bytes; categories by their codes and names."""
    return {
        str(name): (
            f"{column.dtype} {list(column.cat.categories)}",
            column.cat.codes.to_numpy().tobytes(),
        )
        if isinstance(column.dtype, pd.CategoricalDtype)
        else (str(column.dtype), column.to_numpy().tobytes())
        for name, column in frame.items()
    }


def assert_same(records: inc.Records, others: inc.Records) -> None:
    for name, frame in records.frames().items():
        assert as_bytes(frame) == as_bytes(getattr(others, name)), name


def meddle(model: inc.ContactCentre) -> None:
    """Use up Mesa's luck and look at everything, as a curious user would."""
    model.random.random()
    model.rng.random(3)
    model.agents.shuffle_do("step")
    model.agents.get(["gaming_rate", "belief", "save_rate"])
    model.uniform(np.arange(5))
    model.records()


# ── the same world ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.quick
@pytest.mark.parametrize("keep", ["contacts", "cells", 0.5])
def test_the_model_and_simulate_leave_the_same_records(keep):
    model = inc.ContactCentre(
        CENTRE,
        **KEY,
        keep=keep,
        choices=0.1,
        on_day=meddle,
        agent_reporters={"gaming_rate": "gaming_rate"},
    )
    while model.running:
        model.step()
    assert_same(model.records(), inc.simulate(CENTRE, **KEY, keep=keep, choices=0.1))


@pytest.mark.quick
def test_a_replication_is_the_same_world_as_in_simulate():
    model = inc.ContactCentre(CENTRE, **KEY, replication=1)
    model.run()
    both = inc.simulate(CENTRE, **KEY, replications=2)
    contacts = both.contacts[both.contacts["run"] == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(model.records().contacts, contacts, check_exact=True)


def test_without_a_seed_every_model_has_its_own_luck():
    first, second = (inc.ContactCentre(CENTRE, months=1, keep="cells") for _ in range(2))
    first.run()
    second.run()
    assert not first.records().days.equals(second.records().days)


@pytest.mark.quick
def test_a_users_uniforms_have_an_address_and_move_with_nothing_else():
    model = inc.ContactCentre(CENTRE, **KEY)
    u = model.uniform(3, when=2, which=1)
    everybody = model.uniform(np.arange(6), when=2, which=1)
    model.run(days=4)
    assert isinstance(u, float)
    assert 0 < u < 1
    assert model.uniform(3, when=2, which=1) == u == everybody[3]
    assert model.uniform(3) == model.uniform(3, when=4) != u
    (unpaid,) = CENTRE.vary(scheme={"wage": inc.Wage()})
    other = inc.ContactCentre(unpaid, **KEY)
    assert other.uniform(3, when=2, which=1) == u


# ── agents ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def model() -> inc.ContactCentre:
    """A centre in the middle of a month, after two in which many have quit."""
    model = inc.ContactCentre(CENTRE, **KEY)
    model.run(days=2 * 5 + 3)
    return model


@pytest.fixture(scope="module")
def records(model) -> inc.Records:
    return model.records()


def test_the_example_of_the_front_page_runs(model):
    frontline = model.agents_by_type[inc.FrontlineAgent]
    worst = frontline.select(lambda a: a.is_mercenary).agg("gaming_rate", max)
    rates = [agent.gaming_rate for agent in model.seats if agent.kind == "mercenary"]
    assert worst == max(rates) > 0


def test_what_agents_have_done_is_what_the_records_say(model, records):
    log = records.contacts[records.contacts["agent"] >= 0]
    log = log.assign(gamed=log["true_gaming"] != "none")
    months = records.agents
    for agent in model.seats:
        mine = months[(months["agent"] == agent.seat) & (months["hire"] == agent.hire)]
        now = agent.logged_this_month
        for name in ("contacts", "cancels", "saves", "sales", "sales_value"):
            assert getattr(agent, name) == mine[f"logged_{name}"].sum() + now[name]
        assert agent.paid == pytest.approx(mine["paid"].sum())
        assert agent.since == (mine["month"].min() if len(mine) else model.month)
        closed = log.loc[(log["agent"] == agent.seat) & (log["hire"] == agent.hire), "gamed"].sum()
        assert closed <= agent.gamed <= closed + now["contacts"]
    assert sum(agent.gamed for agent in model.seats) > 0


def test_rates_are_of_what_was_done():
    model = inc.ContactCentre(CENTRE.change({"turnover.hazard": 0.0}), **KEY)
    model.run(days=8)
    agent = max(model.seats, key=lambda a: a.surveys)
    assert agent.surveys > 0
    assert agent.save_rate == agent.saves / agent.cancels
    assert 0 < agent.survey_score <= 10
    days = model.records().days.iloc[:8]
    shares = np.array([a.occupancy for a in model.seats])
    assert shares.min() < days["minutes_busy"].sum() / days["minutes_on_duty"].sum() < shares.max()


def test_gaming_rates_add_up_to_those_of_the_records():
    steady = CENTRE.change({"turnover.hazard": 0.0})
    model = inc.ContactCentre(steady, **KEY)
    model.run()
    log = model.records().contacts
    truth = (log["true_gaming"] != "none").groupby(log["agent"]).mean().drop(-1, errors="ignore")
    assert truth.tolist() == [agent.gaming_rate for agent in model.seats]
    gamed = model.datacollector.get_model_vars_dataframe().eval("gaming_rate * answered").sum()
    assert gamed == pytest.approx((log["true_gaming"] != "none").sum())


def test_contacts_on_record_keep_their_days(records):
    days = records.contacts.groupby("month")["day"].agg(["min", "max"])
    assert days["min"].tolist() == [0, 5]
    assert days["max"].tolist() == [4, 9]


def test_agents_are_always_who_works_there_now(model):
    assert len(model.agents) == len(model.seats) == CENTRE.floor.seats
    assert [agent.seat for agent in model.seats] == list(range(CENTRE.floor.seats))
    assert set(model.agents) == set(model.seats)
    assert [agent.hire for agent in model.seats] == model.world.staff.hire.tolist()
    assert max(agent.hire for agent in model.seats) > 0
    ids = [agent.unique_id for agent in model.seats]
    assert len(set(ids)) == len(ids)


def test_who_quits_leaves_the_model_and_a_successor_starts_from_nothing():
    model = inc.ContactCentre(CENTRE, **KEY)
    before = list(model.seats)
    model.run(days=5)
    gone = [old for old, new in zip(before, model.seats, strict=True) if old is not new]
    assert gone
    for agent in gone:
        successor = model.seats[agent.seat]
        assert agent not in model.agents
        assert successor.unique_id > max(old.unique_id for old in before)
        assert (successor.hire, successor.since) == (1, 1)
        assert (successor.contacts, successor.gamed, successor.paid) == (0, 0, 0)
        assert (successor.gaming_rate, successor.occupancy) == (0, 0)
        with pytest.raises(RuntimeError, match=f"has left seat {agent.seat}"):
            _ = agent.belief
    assert all(agent.contacts > 0 for agent in model.seats if agent in before)


def test_before_the_first_day_the_frame_of_days_is_there_and_empty():
    model = inc.ContactCentre(CENTRE, **KEY)
    empty = model.records().days
    model.step()
    days = model.records().days
    assert len(empty) == 0 < len(days) == 1
    assert list(empty) == list(days)
    assert (empty.dtypes == days.dtypes).all()


def test_where_volume_goes_seats_close_and_the_others_work_on():
    clients = {"contract.contractor": 1.0, "contract.clients": (1.0, 1.0, 1.0)}
    blind = dict.fromkeys(("renewal.complaints", "renewal.churn", "renewal.reported"), 0.0)
    centre = CENTRE.change({**clients, **blind, "renewal.term": 1.0, "renewal.stays": 1.0})
    model = inc.ContactCentre(centre, **KEY)
    model.run()
    agents = model.records().agents
    assert agents.groupby("month")["agent"].nunique().tolist() == [6, 4, 2]
    still = agents[agents["month"] == MONTHS - 1]
    for agent in (model.seats[seat] for seat in still["agent"]):
        own = agents[(agents["agent"] == agent.seat) & (agents["hire"] == agent.hire)]
        assert agent.paid == pytest.approx(own["paid"].sum())
    assert_same(model.records(), inc.simulate(centre, **KEY))


def test_a_trait_is_a_finite_number():
    agent = inc.ContactCentre(CENTRE, **KEY).seats[0]
    with pytest.raises(ValueError, match="kappa must be a finite number, got inf"):
        agent.conscience = float("inf")


def test_agents_go_through_mesas_sets(model):
    teams = model.agents.groupby("team")
    assert teams.count() == {0: 3, 1: 3}
    assert max(teams.agg("contacts", max).values()) == model.agents.agg("contacts", max)
    seen = []
    model.agents.shuffle_do(lambda agent: seen.append(agent.seat))
    assert sorted(seen) == list(range(6))
    kinds = set(model.agents.get("kind"))
    assert kinds <= {"mercenary", "ordinary", "loyal"}
    assert all(agent.is_loyal == (agent.kind == "loyal") for agent in model.agents)
    assert set(model.agents.get("scheme")) == {"own"}


def test_a_users_rule_can_change_what_moves_agents():
    def preach(model):
        model.agents.set("conscience", 1e9)

    honest, usual = (
        inc.ContactCentre(CENTRE.without("G4"), **KEY, keep="cells", on_day=rule)
        for rule in (preach, None)
    )
    honest.run()
    usual.run()
    later = [(r := m.records().cells)[r["month"] > 0] for m in (honest, usual)]
    lies = [(each["true_gaming"] != "none").sum() for each in later]
    assert lies[0] < lies[1]
    agent = honest.seats[0]
    agent.belief = 0.25
    assert agent.belief == pytest.approx(0.25)


# ── time ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_is_a_working_day_and_the_end_is_an_end():
    model = inc.ContactCentre(CENTRE, rng=1, months=1)
    assert (model.day, model.month) == (0, 0)
    model.step()
    assert (model.day, model.month) == (1, 0)
    with pytest.raises(ValueError, match=r"days must lie between 0 and 4, .* got 5"):
        model.run(days=5)
    model.run()
    assert (model.day, model.month, model.running) == (5, 1, False)
    with pytest.raises(RuntimeError, match="opened for 1 months"):
        model.step()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"months": 0}, "months must be a whole number, 1 or more, got 0"),
        ({"replication": -1}, "replication must be a whole number, 0 or more, got -1"),
        ({"keep": "all"}, "keep must be 'contacts', 'cells' or a share"),
    ],
)
def test_a_model_says_what_is_wrong_with_its_arguments(wrong, says):
    with pytest.raises(ValueError, match=says):
        inc.ContactCentre(CENTRE, **wrong)


# ── collecting ───────────────────────────────────────────────────────────────────────────────────


def test_the_days_figures_are_collected_unless_others_are_asked_for(model):
    collected = model.datacollector.get_model_vars_dataframe()
    assert len(collected) == 1 + model.day
    assert collected.iloc[-1].to_dict() == model.today
    days = model.records().days
    assert collected["offered"].iloc[1 : 1 + model.day].tolist() == days["offered"].tolist()


def test_a_users_reporters_take_their_place():
    model = inc.ContactCentre(
        CENTRE,
        rng=1,
        months=1,
        model_reporters={"believed": lambda m: m.agents.agg("belief", np.mean), "day": "day"},
        agent_reporters={"gaming_rate": "gaming_rate", "kind": lambda a: a.kind},
    )
    model.run(days=2)
    collected = model.datacollector.get_model_vars_dataframe()
    assert list(collected) == ["believed", "day"]
    assert collected["day"].tolist() == [0, 1, 2]
    by_agent = model.datacollector.get_agent_vars_dataframe()
    assert len(by_agent) == 3 * CENTRE.floor.seats
    assert list(by_agent) == ["gaming_rate", "kind"]


# ── batches ──────────────────────────────────────────────────────────────────────────────────────

TAKES_RNG = "rng" in inspect.signature(mesa.batch_run).parameters  # from Mesa 3.5 on


def batch(parameters, **settings):
    rows = mesa.batch_run(
        inc.ContactCentre, parameters=parameters, display_progress=False, **settings
    )
    return pd.DataFrame(rows)


def seeded(parameters, seeds, **settings):
    """Run a batch with seeds, as each Mesa takes them."""
    if TAKES_RNG:
        return batch(parameters, rng=seeds, **settings)
    return batch({**parameters, "rng": seeds}, **settings)


@pytest.mark.quick
def test_a_batch_crosses_scenarios_with_seeds_and_can_be_repeated():
    parameters = {"spec": [CENTRE, CENTRE.without("G1")], "months": 1}
    first, again = (seeded(parameters, [1, 2], max_steps=3) for _ in range(2))
    assert len(first) == 4
    pd.testing.assert_frame_equal(first.drop(columns="spec"), again.drop(columns="spec"))
    assert first.groupby("rng")["offered"].first().nunique() == 2
    assert set(first["Step"]) == {3}


@pytest.mark.quick
def test_iterations_of_a_batch_differ():
    old = contextlib.nullcontext()
    if TAKES_RNG:
        old = pytest.warns(DeprecationWarning, match="iterations")
    with old:
        rows = batch({"spec": CENTRE, "months": 1, "keep": "cells"}, iterations=3, max_steps=5)
    assert sorted(rows["iteration"]) == [0, 1, 2]
    assert len(set(rows["handle_minutes"])) == 3


@pytest.mark.quick
def test_a_batch_to_the_end_reports_the_last_day():
    rows = seeded({"spec": CENTRE, "months": 1, "agent_reporters": [{"paid": "paid"}]}, [1])
    model = inc.ContactCentre(CENTRE, rng=1, months=1)
    model.run()
    assert set(rows["Step"]) == {5}
    assert len(rows) == CENTRE.floor.seats
    assert rows["paid"].tolist() == [agent.paid for agent in model.agents]
    for name, value in model.today.items():
        assert set(rows[name]) == {value}


def test_a_batch_takes_scenarios_by_name(tmp_path):
    path = CENTRE.save(tmp_path / "centre.toml")
    rows = seeded({"spec": [str(path), "retail_bank"], "months": 1}, [1], max_steps=1)
    assert rows["spec"].tolist() == [str(path), "retail_bank"]


@pytest.mark.quick
def test_mesa_has_nothing_to_warn_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inc.ContactCentre(CENTRE, rng=np.random.SeedSequence(3), months=1).run()
