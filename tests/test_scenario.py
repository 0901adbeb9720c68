"""A scenario is kept, refused, varied and assigned as it says."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import incentives as inc
from incentives import Scenario, ScenarioError
from incentives.scenario import parameter_table

LOW, HIGH = inc.Wage(1800.0), inc.Wage(1800.0) + inc.PieceRate("saves", 8.0)


def small(**values: Any) -> Scenario:
    return Scenario(floor=inc.Floor(teams=4, team_size=3, customers=900)).change(values)


def unlike_the_defaults() -> Scenario:
    """A scenario with something of every kind that a file can hold."""
    return Scenario(
        name="unlike",
        description="two lines,\nand “quotes”",
        currency="EUR",
        floor=inc.Floor(teams=3, profile=(1.0, 2.5, 0.5)),
        routing=inc.Routing(retention=0.5, keep="team"),
        contract=inc.Contract(clients=(0.7, 0.3), contractor=1),
        workforce=inc.Workforce(
            archetypes=(inc.Archetype(name="a", share=2.0, pay=0.9), inc.Archetype(name="b"))
        ),
        scheme=HIGH,
        label="high",
        schemes={
            "high": HIGH,
            "tiers": inc.Wage(1500.0)
            + inc.Tiers("save_rate", ((0.2, 50.0), (0.3, 90.0)), "lump", gate=("contacts", 80.0))
            + inc.Tournament("sales", (60.0, 30.0), "centre"),
            "later": inc.Deferred(inc.PieceRate("sales", 3.0), months=2, share=0.5)
            + inc.Clawback(inc.Target("saves", 9.0, lump=40.0, rate=2.0), months=3)
            + inc.TeamPool("survey_score", 7.5, lump=100.0),
        },
        off=frozenset({"G2", "C4"}),
        sources={"floor.teams": "the building", "workforce.archetypes[1].pay": "asked"},
    ).change({"menu.rush.minutes": 0.5, "audit.rate": 0.25})


# -- files --------------------------------------------------------------------------------------


def assert_kept(scenario: Scenario, folder: Path) -> None:
    again = Scenario.load(scenario.save(folder / "kept.toml"))
    assert again == scenario
    assert again.digest() == scenario.digest()
    assert again.sources == scenario.sources
    assert [path.name for path in folder.iterdir()] == ["kept.toml"]


@pytest.mark.parametrize("name", inc.scenario_names())
def test_a_scenario_that_ships_is_loaded_as_it_was_saved(name: str, tmp_path: Path) -> None:
    assert_kept(Scenario.load(name), tmp_path)


def test_a_scenario_of_ones_own_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    assert_kept(unlike_the_defaults(), tmp_path)


def test_the_default_scenario_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    assert_kept(Scenario(), tmp_path)


@dataclass(frozen=True)
class PerSave(inc.Scheme):
    """A scheme of one's own."""

    rate: float = 2.0

    def pay(self, totals: inc.Totals) -> Any:
        return self.rate * totals.saves


class Nameless(inc.Scheme):
    """One whose text is its place in memory."""

    def pay(self, totals: inc.Totals) -> Any:
        return 2.0 * totals.saves


@pytest.mark.parametrize(
    "scheme", [PerSave(), inc.Wage() + PerSave(), inc.Deferred(PerSave(), months=2)]
)
def test_a_scheme_of_ones_own_is_not_written_into_a_file_that_cannot_be_read(
    scheme: inc.Scheme, tmp_path: Path
) -> None:
    for centre in (
        Scenario(scheme=scheme),
        Scenario(schemes={"own": scheme}),
        Scenario().assign({"own": scheme, "wage": inc.Wage()}),
    ):
        with pytest.raises(ScenarioError, match="cannot save: PerSave is no scheme of the library"):
            centre.save(tmp_path / "own.toml")
        assert not list(tmp_path.iterdir())
        assert centre.digest() != Scenario().digest()


def test_a_scheme_of_ones_own_is_none_of_ours_by_its_name(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class PieceRate(inc.Scheme):
        metric: str = "saves"
        rate: float = 3.0
        above: float = 0.0

        def pay(self, totals: inc.Totals) -> Any:
            return 9.0 * totals.saves

    mine, ours = Scenario(scheme=PieceRate()), Scenario(scheme=inc.PieceRate("saves", 3.0))
    assert mine.digest() != ours.digest()
    with pytest.raises(ScenarioError, match="cannot save: PieceRate"):
        mine.save(tmp_path / "mine.toml")


def test_a_scheme_that_does_not_say_what_it_pays_is_refused() -> None:
    for scheme in (Nameless(), inc.Wage() + Nameless()):
        with pytest.raises(ScenarioError, match=r"scheme 'mine'.*frozen dataclasses"):
            Scenario().vary(scheme={"mine": scheme})


def test_an_assignment_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    assert_kept(small().assign({"low": LOW, "high": HIGH}, unit="agent", start=1), tmp_path)


def test_a_roll_out_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    assert_kept(small().assign({"high": HIGH}, start=[0, 1, 1, 12]), tmp_path)


def test_a_digest_changes_with_whatever_changes_a_run() -> None:
    base = unlike_the_defaults()
    others = [
        base.change({"audit.rate": 0.26}),
        base.change({"menu.rush.minutes": 0.51}),
        base.without("G1"),
        *base.vary(scheme={"high": LOW}),
        base.assign({"low": LOW, "high": HIGH}),
        base.assign({"low": LOW, "high": HIGH}, unit="agent"),
        base.assign({"low": LOW, "high": HIGH}, start=(0, 1)),
        base.assign({"low": LOW, "high": HIGH}, start=(0, 2)),
    ]
    digests = {each.digest() for each in [base, *others]}
    assert len(digests) == len(others) + 1
    assert base.change({"description": "other words"}).digest() == base.digest()


# -- what is refused ----------------------------------------------------------------------------

REFUSED = {
    "[floor]\ncustmers = 3": ["floor.custmers", "did you mean 'customers'"],
    "[flor]\ncustomers = 3": ["'flor'", "did you mean 'floor'"],
    "[menu.rsh]\nminutes = 1": ["menu.rsh", "did you mean 'rush'"],
    "[menu.rush]\nminuts = 1": ["menu.rush.minuts", "did you mean 'minutes'"],
    "[[workforce.archetypes]]\npai = 1": ["workforce.archetypes[0].pai", "did you mean 'pay'"],
    "[audit]\nrate = 1.5": ["audit.rate", "between 0 and 1", "chance", "1.5"],
    "[audit]\nrate = nan": ["audit.rate", "between 0 and 1", "nan"],
    "[audit]\nrate = 'high'": ["audit.rate", "number", "'high'"],
    "[floor]\ncustomers = 0.5": ["floor.customers", "1", "0.5"],
    "[floor]\ncustomers = 1.5": ["floor.customers", "whole", "1.5"],
    "[menu.rush]\nminutes = 9": ["menu.rush.minutes", "between 0 and 3", "9"],
    "[routing]\nkeep = 'tem'": ["routing.keep", "'centre', 'team'", "'tem'"],
    "[audit]\nrate = {value = 1, unit = 'per cent'}": [
        "audit.rate",
        "'chance per served contact'",
        "'per cent'",
    ],
    "[audit]\nrate = {value = 1, units = 'x'}": ["audit.rate", "value, unit and source", "units"],
    "off = ['G1', 'G77']": ["'G77'", "G1, G2"],
    "[[schemes.a]]\nkind = 'PieceRat'": ["schemes.a[0].kind", "did you mean 'PieceRate'"],
    "[[schemes.a]]\nmetric = 'saves'": ["schemes.a[0]", "kind", "PieceRate"],
    "[[schemes.a]]\nkind = 'Wage'\nmontly = 1": ["schemes.a[0].montly", "did you mean 'monthly'"],
    "[[schemes.a]]\nkind = 'PieceRate'\nmetric = 'savs'\nrate = 1": ["schemes.a[0]", "'saves'"],
    "[[schemes.a]]\nkind = 'PieceRate'\nmetric = 'saves'\nrate = -1": ["schemes.a[0]", "-1"],
    "scheme = 'b'\n[[schemes.a]]\nkind = 'Wage'": ["'b'", "a"],
    "audit = [": ["scenario.toml", "TOML"],
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_file_that_cannot_be_is_refused_with_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as error:
        Scenario.load(path)
    message = str(error.value)
    assert "\n" not in message
    for part in REFUSED[text]:
        assert part in message


WRONG_SHAPES = {
    "floor = 3": "floor",
    "name = 3": "name",
    "off = 3": "off",
    "off = 'G1'": "off",
    "menu = 3": "menu",
    "[menu]\nrush = 3": "menu.rush",
    "schemes = 3": "schemes",
    "[schemes]\na = 3": "schemes.a",
    "scheme = ['a']": "scheme",
    "[workforce]\narchetypes = 3": "workforce.archetypes",
    "[[workforce.archetypes]]\nname = 3": "workforce.archetypes[0].name",
    "[floor]\nprofile = 3": "floor.profile",
}


@pytest.mark.parametrize("text", WRONG_SHAPES)
def test_a_value_of_the_wrong_shape_is_refused_by_the_name_of_its_field(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=WRONG_SHAPES[text].replace("[", r"\[")):
        Scenario.load(path)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("retail_bnk", ["'retail_bnk'", "did you mean 'retail_bank'", "outsourced_retentions"]),
        ("nowhere/scenario.toml", ["nowhere/scenario.toml", "No such file"]),
    ],
)
def test_a_scenario_that_is_not_there_is_said_to_be_missing(name: str, parts: list[str]) -> None:
    with pytest.raises(ScenarioError) as error:
        Scenario.load(name)
    for part in parts:
        assert part in str(error.value)


# -- variants -----------------------------------------------------------------------------------


def test_a_change_is_made_to_a_copy_and_nothing_else_is_touched() -> None:
    base = unlike_the_defaults()
    before = base.document()
    changed = base.change({"audit.rate": 0.5, "menu.care.minutes": 2.0, "name": "other"})
    assert base.document() == before
    assert (changed.audit.rate, changed.name) == (0.5, "other")
    assert changed.menu[inc.Action.CARE].minutes == 2.0
    back = {"audit.rate": 0.25, "menu.care.minutes": 1.3, "name": "unlike"}
    assert changed.change(back) == base


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("flor.customers", 3, ["'flor'", "did you mean 'floor'"]),
        ("floor.custmers", 3, ["floor.custmers", "did you mean 'customers'"]),
        ("floor.customers", 0, ["floor.customers", "between 1", "0"]),
        ("floor.profile", 3, ["floor.profile"]),
        ("floor", 3, ["floor"]),
        ("menu.rush.minutes", 9, ["menu.rush.minutes", "between 0 and 3", "9"]),
        ("menu.rush.minuts", 1, ["menu.rush.minuts", "did you mean 'minutes'"]),
        ("menu.rsh.minutes", 1, ["menu.rsh", "did you mean 'rush'"]),
        ("off", {"G77"}, ["'G77'"]),
    ],
)
def test_a_change_that_cannot_be_is_refused(name: str, value: Any, parts: list[str]) -> None:
    with pytest.raises(ScenarioError) as error:
        Scenario().change({name: value})
    for part in parts:
        assert part in str(error.value)


def test_another_scheme_is_a_change_too() -> None:
    changed = Scenario().change({"scheme": HIGH})
    assert changed.scheme == HIGH


def test_vary_gives_every_combination_in_order() -> None:
    values: dict[str, Any] = {"audit.rate": [0.1, 0.2], "needs.tries": [2, 3, 4]}
    grid = small().vary(scheme={"low": LOW, "high": HIGH}, **values)
    points = [(each.label, each.audit.rate, each.needs.tries) for each in grid]
    assert points == [
        (label, rate, tries)
        for label in ("low", "high")
        for rate in (0.1, 0.2)
        for tries in (2, 3, 4)
    ]
    assert [each.scheme for each in grid[::6]] == [LOW, HIGH]
    assert len({each.digest() for each in grid}) == 12
    with pytest.raises(ScenarioError, match="at least one scheme"):
        small().vary(scheme={})


def test_mechanisms_are_switched_off_one_after_the_other() -> None:
    assert small().without("G1").without("G2", "G1").off == {"G1", "G2"}
    with pytest.raises(ScenarioError, match="'G77'"):
        small().without("G77")


# -- assignments --------------------------------------------------------------------------------


def run(scenario: Scenario, **settings: Any) -> inc.Records:
    return inc.simulate(scenario, **{"months": 2, "rng": 1, **settings})


def test_units_are_dealt_at_random_in_equal_numbers_and_the_chance_is_recorded() -> None:
    trial = small().assign({"low": LOW, "high": HIGH}, unit="agent")
    records = run(trial, replications=6)
    given = records.assignments
    assert (given["unit"] == "agent").all()
    assert given["randomised"].all()
    assert (given["prob"] == 0.5).all()
    assert (given[["from_month", "to_month"]].to_numpy() == [0, 2]).all()
    assert (given.groupby(["run", "scheme"], observed=True).size() == 6).all()
    dealt = given.pivot_table(index="run", columns="unit_id", values="scheme", aggfunc="first")
    assert len(dealt.astype(str).drop_duplicates()) > 1  # another replication, another lottery
    agents = records.agents.merge(given, left_on=["run", "agent"], right_on=["run", "unit_id"])
    assert (agents["scheme_x"].astype(str) == agents["scheme_y"].astype(str)).all()
    low = agents["scheme_x"] == "low"
    assert (agents.loc[low, "bonus"] == 0).all()
    saved = 8.0 * agents.loc[~low, "logged_saves"]
    np.testing.assert_allclose(agents.loc[~low, "bonus"], saved)


def test_unequal_numbers_of_units_have_unequal_chances() -> None:
    schemes = {"low": LOW, "high": HIGH, "none": inc.Wage(0.0)}
    given = run(small().assign(schemes)).assignments
    assert len(given) == 4
    counts = given["scheme"].value_counts()
    assert sorted(counts) == [1, 1, 2]
    assert (given["prob"] == counts[given["scheme"]].to_numpy() / 4).all()


def test_arms_that_are_given_are_kept_and_are_no_lottery() -> None:
    arms = ["high", "low", "low", "high"]
    records = run(small().assign({"low": LOW, "high": HIGH}, arms=arms, start=1))
    given = records.assignments.set_index(["scheme", "unit_id"]).sort_index()
    assert not given["randomised"].any()
    assert (given["prob"] == 1.0).all()
    for team, arm in enumerate(arms):
        assert tuple(given.loc[(arm, team), ["from_month", "to_month"]]) == (1, 2)
        assert tuple(given.loc[("before", team), ["from_month", "to_month"]]) == (0, 1)
    by_team = records.agents.groupby(["month", "team"])["scheme"].agg(["nunique", "first"])
    assert (by_team["nunique"] == 1).all()
    assert by_team["first"].astype(str).tolist() == ["before"] * 4 + arms


def in_force(given: Any, month: int) -> Any:
    """Give the scheme that the assignments put each unit of each run under, in a month."""
    now = (given["from_month"] <= month) & (month < given["to_month"])
    return given[now].set_index(["run", "unit_id"])["scheme"].astype(str).sort_index()


@pytest.mark.parametrize("schemes", [{"high": HIGH}, {"high": HIGH, "low": LOW}])
def test_a_roll_out_deals_units_to_waves_and_records_who_was_under_what_when(
    schemes: dict[str, inc.Scheme],
) -> None:
    never = 9
    rolled = small().assign(schemes, unit="agent", start=[0, 1, 2, never])
    records = run(rolled, months=3, replications=4)
    given = records.assignments
    assert given["randomised"].all()
    assert given["to_month"].max() == 3  # a period ends with the run
    starts = given[given["scheme"] != "before"].groupby(["run", "from_month"]).size()
    assert (starts == 3).all()  # twelve agents in four waves
    assert starts.index.get_level_values("from_month").unique().tolist() == [0, 1, 2]
    chance = {True: 0.25, False: 0.25 / len(schemes)}
    assert (given["prob"] == (given["scheme"] == "before").map(chance)).all()
    waiting = given[given["scheme"] == "before"].pivot_table(
        index="run", columns="unit_id", values="to_month", fill_value=0
    )
    assert len(waiting.drop_duplicates()) > 1  # another replication, another lottery
    for month in range(3):
        agents = records.agents[records.agents["month"] == month]
        paid = agents.set_index(["run", "agent"])["scheme"].astype(str).sort_index()
        assert paid.tolist() == in_force(given, month).tolist()


def test_waves_move_neither_the_arms_nor_one_another() -> None:
    schemes = {"high": HIGH, "low": LOW}
    at_once, in_waves = (
        in_force(run(small().assign(schemes, start=start)).assignments, 1)
        for start in (1, [1, 1, 1, 1])
    )
    assert at_once.equals(in_waves)


def test_an_assignment_does_not_change_with_the_schemes_that_are_assigned() -> None:
    other = inc.Wage() + inc.Target("sales", 5, lump=50.0)
    first, second = (
        run(small().assign({"a": scheme, "b": LOW}), months=1).assignments
        for scheme in (HIGH, other)
    )
    assert first.equals(second)


def test_exposure_is_identified_where_customers_keep_to_a_team_and_else_is_not() -> None:
    trial = small().assign({"low": LOW, "high": HIGH}, unit="team")
    by_team = run(trial.change({"routing.keep": "team"}))
    assert by_team.customers["exposure_identified"].all()
    homes = by_team.customers.groupby(["home_team", "month"])["scheme"].nunique()
    assert (homes == 1).all()
    met = by_team.customers["exposure"]  # a bit for each scheme
    own = 2 ** by_team.customers["scheme"].cat.codes.astype(int)
    assert ((met == 0) | (met == own)).all()
    assert (met > 0).any()
    mixed = [
        run(trial),
        run(trial.change({"routing.keep": "team"}).without("O2")),
        run(small(**{"routing.keep": "team"}).assign({"low": LOW, "high": HIGH}, unit="agent")),
    ]
    for records in mixed:
        assert not records.customers["exposure_identified"].any()
        assert (records.customers["exposure"] == 0b11).any()
    assert run(small()).customers["exposure_identified"].all()


def test_contacts_about_a_need_are_counted_in_whole_ones() -> None:
    with pytest.raises(ValueError, match=r"Needs\.tries must be whole, got 2\.5"):
        inc.Needs(tries=2.5)


@pytest.mark.parametrize(
    ("assign", "message"),
    [
        (lambda s: s.assign({"a": LOW}), "two schemes"),
        (lambda s: s.assign({"a": LOW, "b": HIGH}, unit="site"), "'agent' or 'team'"),
        (lambda s: s.assign({"a": LOW, "b": HIGH}, arms=["a"]), "4 teams"),
        (lambda s: s.assign({"a": LOW, "b": HIGH}, arms=["a", "b", "c", "a"]), "arms"),
        (lambda s: s.assign({str(i): LOW for i in range(5)}), "5 schemes for 4 teams"),
        (
            lambda s: s.change({"floor.teams": 16}).assign({str(i): LOW for i in range(16)}),
            "16 schemes in one centre; at most 15",
        ),
        (lambda s: s.assign({"a": LOW, "b": HIGH}, start=-1), "start"),
        (lambda s: s.assign({"a": LOW}, start=[2, -1]), "start"),
        (lambda s: s.assign({"a": LOW}, start=[]), "start"),
        (lambda s: s.assign({"a": LOW}, start=range(5)), "5 months to start in for 4 teams"),
    ],
)
def test_an_assignment_that_cannot_be_is_refused(
    assign: Callable[[Scenario], Scenario], message: str
) -> None:
    with pytest.raises(ScenarioError, match=message):
        assign(small())


TRIAL = """
[floor]
teams = 2
[[assignment.schemes.a]]
kind = "Wage"
[[assignment.schemes.b]]
kind = "PieceRate"
metric = "saves"
rate = 3.0
"""


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('start = "x"', "start must be a month"),
        ("start = 1.5", "start must be a month"),
        ("start = -1", "start must be a month"),
        ("start = [0, 1, 2]", "3 months to start in for 2 teams"),
        ('unit = "site"', "unit must be 'agent' or 'team', got 'site'"),
        ('arms = ["a"]', "for each of 2 teams"),
        ('arms = ["a", "c"]', "arms must give one of"),
        ("arms = 3", "assignment.arms must be a list of labels, got 3"),
    ],
)
def test_an_assignment_in_a_file_is_looked_at_as_one_that_is_made(
    more: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "trial.toml"
    path.write_text(f"{TRIAL}[assignment]\n{more}\n")
    with pytest.raises(ScenarioError, match=message):
        Scenario.load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('off = [["G1"]]', "off must be a list of mechanisms' ids"),
        ('off = ["g1"]', "no mechanism 'g1' in the model .did you mean 'G1'"),
        ('[[scheme]]\nkind = ["Wage"]', r"scheme\[0\].kind must be a text"),
        ('[[scheme]]\nkind = "Wage"\nsource = 3', r"scheme\[0\].source must be a text, got 3"),
        ("[audit]\nrate = {value = 0.1, source = 3}", "audit.rate.source must be a text, got 3"),
    ],
)
def test_what_must_be_a_text_is(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "centre.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=message):
        Scenario.load(path)


def test_what_is_assumed_says_why() -> None:
    stated = inc.parameter_table()["source"].tolist()
    for name in inc.scenario_names():
        stated += Scenario.load(name).sources.values()
    assert len(stated) > 500
    assert not [source for source in stated if not source.removeprefix("assumed").strip(" :,.")]


def test_a_folder_does_not_hide_a_scenario_that_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "retail_bank").mkdir()
    monkeypatch.chdir(tmp_path)
    assert Scenario.load("retail_bank").name == "retail_bank"


def test_a_row_of_the_menu_has_only_what_something_comes_of() -> None:
    """Keeping is for attempts to keep, and so on: a value that nothing reads is refused."""
    with pytest.raises(inc.ScenarioError, match=r"menu\.rush has no keeps, got 0\.3; it has minut"):
        inc.Scenario().change({"menu.rush.keeps": 0.3})
    listed = parameter_table()
    rows = listed[listed["block"].str.startswith("menu.")]
    assert not ((rows["block"] == "menu.rush") & (rows["parameter"] == "keeps")).any()
    assert ((rows["block"] == "menu.save") & (rows["parameter"] == "keeps")).any()
