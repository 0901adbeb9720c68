"""Who may take what, and who is best at it (O2): single-skill pools, and routing by suitability.

Two signatures of the skills matrix. Crews of one skill each wait longer than as many agents who can
do everything, because contacts wait while others are idle. Where agents differ in what they are
good at, sending each contact to the most suitable of the idle shortens it. Beside each stands a
mutant of the same mean, which slows or quickens all alike. Nobody is absent or takes a break here,
so that who is idle can be counted from the log.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_queues import DAYS, OPEN, WARM_UP, erlang, floor, ratio

import incentives as inc
from incentives._floor import Idle, sit_down, suited
from incentives.centre import TASKS, seats_open, task_of
from incentives.scenario import lower

WORLDS = 4
NEEDED = 4.0  # Monte-Carlo errors
SEATS = 12
OTHERS = [cls.id for cls in inc.all_mechanisms() if cls.id not in ("O2", "O5")]
CENTRE = (
    inc.Scenario()
    .without(*OTHERS)
    .change(
        {
            "floor.teams": 3,
            "floor.team_size": SEATS // 3,
            "floor.customers": 16_000,
            "floor.pause": 0.0,
            "floor.shrinkage": 0.0,
            "needs.question": 0.3,
            "needs.complaint": 0.3,
            "needs.order": 0.3,
            "work.question": 6.0,
            "work.complaint": 6.0,
            "work.order": 6.0,
            "leaving.base": 1e-6,
            "acquisition.monthly": 0.0,
            "workforce.pace": 0.0,
        }
    )
)
ONE_EACH = (
    inc.Crew(name="questions", complaint=0, order=0),
    inc.Crew(name="complaints", question=0, order=0),
    inc.Crew(name="orders", question=0, complaint=0),
)
UNLIKE = (
    inc.Crew(name="quick with questions", question=1.6, complaint=0.7),
    inc.Crew(name="quick with complaints", question=0.7, complaint=1.6),
)
KEYS = ["run", "customer", "reason", "episode", "attempt"]


def run(scenario: inc.Scenario, **settings: Any) -> inc.Records:
    return inc.simulate(scenario, **{"replications": WORLDS, "months": 1, "rng": 4, **settings})


def manned(*crews: inc.Crew, centre: inc.Scenario = CENTRE, **values: Any) -> inc.Scenario:
    return centre.change({"routing.crews": crews or (inc.Crew(),), **values})


def score(gap: np.ndarray) -> float:
    """Give the mean of paired differences in Monte-Carlo errors; nothing at all is 0 of them."""
    return float(gap.mean() / (gap.std(ddof=1) / np.sqrt(len(gap)))) if gap.any() else 0.0


def per_run(contacts: pd.DataFrame, value: Any) -> np.ndarray:
    return value.astype(float).groupby(contacts["run"]).mean().to_numpy()


# -- pooling ------------------------------------------------------------------------------------


def waits(records: inc.Records) -> np.ndarray:
    """Mean wait (minutes)."""
    return per_run(records.contacts, records.contacts["wait_minutes"])


def waits_beside_the_idle(records: inc.Records) -> np.ndarray:
    """Contacts that wait though somebody is idle as they come, per 100 contacts."""
    contacts = records.contacts.astype({"minute": float, "wait_minutes": float})
    beside = pd.Series(0.0, index=contacts.index)
    for _, day in contacts.groupby(["run", "day"]):
        served = day[day["agent"] >= 0]
        begins = (served["minute"] + served["wait_minutes"]).to_numpy()
        ends = np.sort(begins + served["handle_minutes"].to_numpy(float))
        late = day["minute"][day["wait_minutes"] > 1e-3]  # kept in single precision
        busy = np.searchsorted(np.sort(begins), late) - np.searchsorted(ends, late)
        beside[late.index[busy < SEATS]] = 100.0
    return per_run(contacts, beside)


@pytest.fixture(scope="module")
def pooled() -> inc.Records:
    return run(CENTRE)


@pytest.fixture(scope="module")
def apart() -> inc.Records:
    return run(manned(*ONE_EACH))


def test_single_skill_pools_wait_longer_than_as_many_agents_who_can_do_everything(pooled, apart):
    assert score(waits(apart) - waits(pooled)) > NEEDED
    gap = waits_beside_the_idle(apart) - waits_beside_the_idle(pooled)
    assert gap.mean() > 5.0
    assert score(gap) > NEEDED
    off = run(manned(*ONE_EACH).without("O2"))
    for name in ("contacts", "customers", "agents", "days"):
        assert getattr(off, name).equals(getattr(pooled, name)), name


def test_in_a_mutant_that_is_slower_and_waits_as_long_nobody_waits_beside_the_idle(apart):
    slower = {f"work.{need}": 6.0 * 1.435 for need in ("question", "complaint", "order")}
    mutant = run(CENTRE.change(slower))
    assert waits(mutant).mean() == pytest.approx(waits(apart).mean(), rel=0.1)
    assert waits_beside_the_idle(mutant).mean() < 0.05


@pytest.mark.parametrize("split", [False, True])
def test_waits_of_crews_are_those_of_as_many_queues(split: bool) -> None:
    """Erlang's formula for two queues of four agents, and for one of eight."""
    agents, load, need = 8, 6.4, 0.05
    per_minute = 2 * 100_000 * -np.expm1(-need) / OPEN
    work = load / per_minute
    crews = (inc.Crew(name="a", complaint=0), inc.Crew(name="b", question=0))
    queue = floor(agents, load, 0.5)
    queue = replace(queue, off=queue.off - {"O2"}).change(
        {
            "needs.question": need * DAYS,
            "needs.complaint": need * DAYS,
            "work.question": work,
            "work.complaint": work,
            "queueing.patience": work / 0.5,
            "routing.crews": crews if split else (inc.Crew(),),
        }
    )
    kept = inc.simulate(queue, months=2, rng=8, keep=0.5).contacts
    kept = kept[(kept["minute"] > WARM_UP) & (kept["minute"] < OPEN - WARM_UP)]
    formula = erlang(agents // 2, load / 2, 0.5) if split else erlang(agents, load, 0.5)
    for happened, expected in (
        (kept["wait_minutes"] > 0, formula.delayed),
        (kept["wait_minutes"] / work, formula.wait),
        (kept["ended"] == "abandoned", formula.abandoned),
    ):
        mean, error = ratio(happened, kept["day"])
        assert error < 0.03 * expected
        assert abs(mean - expected) < 4 * error


# -- suitability --------------------------------------------------------------------------------

QUIET = CENTRE.change({"floor.customers": 9_000})


def shortened(*crews: inc.Crew, off: tuple[str, ...] = ()) -> tuple[np.ndarray, float]:
    """What suitability adds to the log minutes of the same contacts; and the mean minutes."""
    minutes = []
    for first in ("suited", "idle"):
        centre = manned(*crews, centre=QUIET, **{"routing.first": first}).without(*off)
        contacts = run(centre).contacts
        minutes.append(contacts[contacts["agent"] >= 0].set_index(KEYS)["handle_minutes"])
    ratios = np.log((minutes[0] / minutes[1]).dropna().astype(float).rename("ratio"))
    return ratios.groupby("run").mean().to_numpy(), float(minutes[0].mean())


def test_the_most_suitable_of_the_idle_take_less_time():
    gain, usual = shortened(*UNLIKE)
    assert score(gain) < -NEEDED
    assert gain.mean() < -0.05
    off, _ = shortened(*UNLIKE, off=("O2",))
    assert (off == 0.0).all()
    # a mutant: all are as quick at everything as these are in the mean
    quick = inc.Crew(question=1.6, complaint=1.6)
    constant, mean = shortened(quick, replace(quick, name="others"))
    assert mean == pytest.approx(usual, rel=0.03)
    assert (constant == 0.0).all()


def test_a_pace_divides_the_minutes():
    usual, twice = (
        run(manned(inc.Crew(question=pace), centre=QUIET), replications=1).contacts
        for pace in (1.0, 2.0)
    )
    keys = [*KEYS, "true_action"]
    both = [each[each["agent"] >= 0].set_index(keys)["handle_minutes"] for each in (twice, usual)]
    ratios = (both[0] / both[1]).dropna()
    questions = ratios.index.get_level_values("reason") == "question"
    assert questions.sum() > 1_000
    np.testing.assert_allclose(ratios[questions], 0.5, rtol=1e-5)
    np.testing.assert_allclose(ratios[~questions], 1.0, rtol=1e-5)


# -- the matrix ---------------------------------------------------------------------------------

MIXED = (
    inc.Crew(name="callers", seats=2.0, cancel=0, writing=0),
    inc.Crew(name="writers", complaint=0, writing=2.0),
    inc.Crew(name="keepers", question=0, order=0.5, cancel=1.5),
)
EVERYTHING = {
    "floor.pause": 20.0,
    "floor.shrinkage": 0.1,
    "floor.customers": 13_000,
    "leaving.base": 0.05,
    "channels.chat": 0.2,
    "channels.email": 0.1,
    "channels.social": 0.05,
    "channels.at_once": 3,
    "blending.share": 0.5,
    "ownership.owned": 0.5,
}


@pytest.mark.quick
def test_the_matrix_of_a_pool_is_that_of_its_crews_by_hand():
    plan, _ = lower(manned(*MIXED, **{"routing.keep": "team"}))
    callers, writers, keepers = [1, 1, 1, 0, 0, 0, 0, 0], [1, 0, 1, 1, 2, 0, 2, 2], [0, 1, 0.5, 1.5]
    each = [callers, callers, writers, [*keepers, *keepers]]
    np.testing.assert_array_equal(plan.fit[plan.group], 3 * each)
    assert (plan.skills == 3 * [7, 7, 0b11011101, 0b11101110]).all()
    # where few hold a skill, the crew's pace at it is for those
    few, _ = lower(manned(replace(MIXED[2], question=1), **{"routing.retention": 0.25}))
    assert (few.fit[few.group][:, 3] == [1.5] * 3 + [0.0] * 9).all()
    plain, _ = lower(CENTRE)
    assert (plain.fit == 1.0).all()
    assert plain.fit.shape == (1, TASKS)


@pytest.mark.quick
def test_seats_close_but_for_the_last_that_can_do_a_task():
    plan, _ = lower(manned(*MIXED))
    left = seats_open(plan, np.ones(SEATS, bool), 0.25)
    assert np.bitwise_or.reduce(plan.skills[left]) == 2**TASKS - 1
    assert left.sum() == 3


@pytest.mark.quick
def test_the_most_suitable_go_first_and_of_equals_the_longest_idle():
    crews = [
        inc.Crew(name=name, question=pace) for name, pace in zip("abc", (1, 2, 2), strict=True)
    ]
    plan, _ = lower(manned(*crews))
    groups = len(plan.fit)

    def taken(first: bool, task: int, minute: float = 100.0) -> list[int]:
        idle = Idle(
            np.full(groups, -1), np.full(groups, -1), np.full(SEATS, -1), np.full(SEATS, -1),
            np.zeros(SEATS), np.zeros(SEATS, np.int64),
        )  # fmt: skip
        for since, seat in enumerate((9, 1, 5, 10, 4)):
            sit_down(idle, int(plan.group[seat]), seat, float(since))
        rule = plan._replace(suited=first)
        return [int(suited(idle, 0, task, minute, rule)) for _ in range(6)]

    question, complaint = task_of(0, 0), task_of(1, 0)
    assert taken(True, question) == [9, 5, 10, 4, 1, -1]
    assert taken(True, complaint) == [9, 1, 5, 10, 4, -1]
    assert taken(False, question) == [9, 1, 5, 10, 4, -1]
    assert taken(True, question, minute=2_000.0) == [-1] * 6  # nobody is on duty
    assert task_of(3, 2) == 7


@pytest.mark.parametrize("off", [(), ("O5",)], ids=["queues", "no queues"])
def test_nobody_takes_what_the_crew_cannot_do_and_everything_is_taken(off):
    others = [name for name in OTHERS if name not in ("O1", "O4", "C10")]
    centre = replace(CENTRE, off=frozenset(others)).without(*off)
    centre = manned(*MIXED, centre=centre.change(EVERYTHING))
    records = run(centre, replications=2, months=2)
    plan, _ = lower(centre)
    contacts = records.contacts
    served = contacts[(contacts["agent"] >= 0) & (contacts["reason"] != "outbound")]
    need = served["reason"].map({"question": 0, "complaint": 1, "order": 2, "cancel": 3})
    task = need.astype(int) + 4 * (served["channel"] != "voice")
    assert (plan.fit[plan.group[served["agent"]], task] > 0).all()
    assert set(task) == set(range(TASKS))
    written = contacts["channel"].isin(["email", "social"])
    assert (contacts["ended"][written] == "served").all()
    answered = contacts[written].groupby("day").size()
    assert answered[:15].mean() == pytest.approx(answered[:18].mean(), rel=0.2)  # no backlog grows


def test_without_routing_crews_are_as_if_never_written():
    centre = replace(CENTRE, off=frozenset(OTHERS) - {"O1", "O4"}).change(EVERYTHING)
    plain, crewed = (run(each.without("O2"), replications=1) for each in (
        centre, manned(*MIXED, centre=centre, **{"routing.first": "idle"})))  # fmt: skip
    on = run(manned(*MIXED, centre=centre), replications=1)
    for name in ("contacts", "customers", "agents", "days"):
        assert getattr(plain, name).equals(getattr(crewed, name)), name
    assert not on.contacts.equals(plain.contacts)


def test_a_scenario_file_holds_the_matrix_as_tables(tmp_path):
    text = """
        name = "two crews"
        [routing]
        first = "idle"
        [[routing.crews]]
        name = "service"
        seats = 3
        cancel = 0
        [[routing.crews]]
        name = "keepers"
        cancel = { value = 1.25, unit = "x the usual pace; 0: not dealt with", source = "timed" }
    """
    path = tmp_path / "crews.toml"
    path.write_text(text, encoding="utf-8")
    scenario = inc.Scenario.load(path)
    crews = (inc.Crew(name="service", seats=3, cancel=0), inc.Crew(name="keepers", cancel=1.25))
    assert scenario.routing == inc.Routing(crews=crews, first="idle")
    again = inc.Scenario.load(scenario.save(tmp_path / "again.toml"))
    assert again == scenario
    assert again.sources == {"routing.crews[1].cancel": "timed"}
    path.write_text("[[routing.crews]]\nquestion = 4", encoding="utf-8")
    with pytest.raises(ValueError, match=r"routing\.crews\[0\]\.question must lie between 0 and 3"):
        inc.Scenario.load(path)


@pytest.mark.quick
def test_a_matrix_that_cannot_be_is_refused_with_a_way_out():
    with pytest.raises(ValueError, match="nobody to deal with the need 'complaint' on the tele"):
        lower(manned(inc.Crew(complaint=0)))
    with pytest.raises(ValueError, match="nobody to deal with the need 'question' in writing"):
        lower(manned(inc.Crew(writing=0)))
    with pytest.raises(ValueError, match=r"Crew\.seats = 0\.05 leaves the crew 'b' without any"):
        lower(manned(inc.Crew(name="a", seats=2.0), inc.Crew(name="b", seats=0.05)))
    idlers = inc.Crew(name="b", **dict.fromkeys(("question", "complaint", "order", "cancel"), 0))
    with pytest.raises(ValueError, match="seats of the crew 'b' nothing to do"):
        lower(manned(inc.Crew(name="a"), idlers))
    with pytest.raises(ValueError, match=r"Routing\.crews must be one or more of distinct names"):
        inc.Routing(crews=(inc.Crew(), inc.Crew()))
    with pytest.raises(ValueError, match=r"Routing\.first must be one of \('suited', 'idle'\)"):
        inc.Routing(first="best")
    with pytest.raises(TypeError, match=r"Crew\.name must be a text"):
        inc.Crew(name=3)


# -- what each entry of the matrix moves --------------------------------------------------------

TAKEN = {
    "contacts": lambda contacts: contacts["agent"] >= 0,
    "questions": lambda contacts: contacts["reason"] == "question",
    "complaints": lambda contacts: contacts["reason"] == "complaint",
    "orders": lambda contacts: contacts["reason"] == "order",
    "wishes to cancel": lambda contacts: contacts["reason"] == "cancel",
    "contacts in writing": lambda contacts: contacts["channel"] == "chat",
}
ENDS = {"seats": (0.2, 5.0)}  # what twelve seats can be divided by


@pytest.mark.parametrize("item", list(inc.Crew.parameters()), ids=lambda item: item.name)
def test_an_entry_of_the_matrix_moves_what_it_says(item):
    assert item.moves[0] == "+"
    among = TAKEN[item.moves[1:].removesuffix(" taken by this crew")]
    centre = replace(QUIET, off=QUIET.off - {"O4"}).change({"leaving.base": 0.05})
    share = []
    for end in ENDS.get(item.name, (item.low, item.high)):
        crews = inc.Crew(name="others"), replace(inc.Crew(name="this"), **{item.name: end})
        scenario = manned(*crews, centre=centre)
        contacts = run(scenario, months=2).contacts
        contacts = contacts[(contacts["agent"] >= 0) & among(contacts)]
        first = int(np.floor(SEATS / (1.0 + crews[1].seats) + 0.5))
        share.append(per_run(contacts, contacts["agent"] >= first))
    assert score(share[1] - share[0]) > NEEDED
