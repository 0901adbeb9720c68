"""The command: what it writes and prints, and the one line that it says when the input is wrong."""

import importlib.metadata
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import incentives as inc
from incentives import cli
from incentives.cli import main

TINY = """\
name = "tiny"
scheme = "wage"

[floor]
teams = 1
customers = 400
days = 5

[audit]
rate = { value = 0.3, unit = "chance per served contact", source = "for the test" }

[[schemes.wage]]
kind = "Wage"

[[schemes.saves]]
kind = "Wage"
[[schemes.saves]]
kind = "PieceRate"
metric = "saves"
rate = 30.0
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a small scenario into the folder that the test works in."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)
    return "tiny.toml"


def call(*words: Any) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def refused(*words: Any) -> str:
    """Call a command that has to refuse, and give the line it says."""
    result = call(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def tree(folder: str | Path = ".") -> set[str]:
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*")}


# ── run ──────────────────────────────────────────────────────────────────────────────────────────


def test_run_writes_records_that_simulate_would_have_made(tiny):
    result = call("run", tiny, "--out", "made/here", "--months", 2, "--seed", 3)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    records = inc.Records.load("made/here")
    again = inc.simulate(inc.Scenario.load(tiny), months=2, rng=3)
    for name, frame in again.frames().items():
        pd.testing.assert_frame_equal(getattr(records, name), frame, check_column_type=False)
    assert inc.Scenario.load("made/here/scenario.toml") == inc.Scenario.load(tiny)
    assert not [name for name in tree() if ".part" in name or ".old" in name]


def test_run_shows_the_figures_of_the_trade_and_files_them(tiny):
    shown = call("run", tiny, "--out", "made", "--months", 1, "--replications", 2).stdout
    for name in ("service_level", "occupancy", "handle_time", "save_rate_true", "gamed", "pay"):
        assert name in shown
    table = pd.read_csv("made/outcomes.csv")
    assert {"service_level", "save_rate_logged", "churn"} <= set(table["outcome"])
    assert set(table["runs"]) == {2}


def test_the_manifest_says_what_made_the_files(tiny):
    call("run", tiny, "--out", "made", "--months", 1, "--seed", 9, "--scheme", "saves")
    manifest = json.loads(Path("made/manifest.json").read_text())
    centre = inc.Scenario.load(tiny)
    (paid,) = centre.vary(scheme={"saves": centre.schemes["saves"]})
    assert manifest["command"] == "run"
    assert manifest["seed"] == 9
    assert manifest["options"]["scheme"] == "saves"
    assert manifest["scenario_digest"] == paid.digest() != centre.digest()
    assert manifest["versions"]["numpy"] == importlib.metadata.version("numpy")
    assert "commit" in manifest
    assert set(manifest["files_sha256"]) == tree("made") - {"manifest.json"}
    assert inc.Records.load("made").runs["scheme"].tolist() == ["saves"]


def test_a_share_of_the_customers_can_be_kept(tiny):
    call("run", tiny, "--out", "all", "--months", 1)
    call("run", tiny, "--out", "some", "--months", 1, "--keep", "0.5")
    whole, part = (len(inc.Records.load(folder).contacts) for folder in ("all", "some"))
    assert 0 < part < whole


def test_a_folder_with_something_in_it_is_left_alone_unless_it_is_ours_and_force_is_given(tiny):
    words = ("run", tiny, "--out", "made", "--months", 1)
    assert call(*words).exit_code == 0
    before = Path("made/manifest.json").read_bytes()
    assert "made is not empty; choose another folder, or give --force" in refused(*words)
    assert Path("made/manifest.json").read_bytes() == before

    Path("made/notes.md").touch()
    assert "holds notes.md, which no run has put there" in refused(*words, "--force")
    assert Path("made/manifest.json").read_bytes() == before

    Path("made/notes.md").unlink()
    assert call(*words, "--seed", 5, "--force").exit_code == 0
    assert json.loads(Path("made/manifest.json").read_text())["seed"] == 5
    assert not [name for name in tree() if ".part" in name or ".old" in name]


def test_an_empty_folder_may_be_written_to_and_the_one_we_are_in_may_not(tiny):
    Path("made").mkdir()
    assert call("run", tiny, "--out", "made", "--months", 1).exit_code == 0
    assert "not be the folder you are in" in refused("run", tiny, "--out", ".", "--months", 1)
    assert "tiny.toml is a file" in refused("run", tiny, "--out", tiny, "--months", 1)


@pytest.mark.parametrize(
    ("trouble", "code", "says"),
    [
        (OSError(28, "No space left on device"), 2, "error: [Errno 28] No space left on device"),
        (KeyboardInterrupt(), 130, "stopped"),
        (SystemError("advance returned a result with an exception set"), 130, "stopped"),
    ],
)
def test_a_write_that_is_interrupted_leaves_nothing_and_harms_nothing(
    tiny, monkeypatch, trouble, code, says
):
    assert call("run", tiny, "--out", "made", "--months", 1).exit_code == 0
    before = tree()

    def save(self: inc.Records, folder: Path) -> None:
        (folder / "runs.parquet").touch()
        raise trouble from KeyboardInterrupt()

    monkeypatch.setattr(inc.Records, "save", save)
    for words in (["--out", "made", "--force"], ["--out", "new/deep"]):
        result = call("run", tiny, "--months", 1, *words)
        assert result.exit_code == code
        assert result.stderr.strip() == says
        assert tree() == before


def test_a_folder_of_another_run_that_is_being_written_is_not_touched(tiny):
    Path("made.part").mkdir()
    words = ("run", tiny, "--out", "made", "--months", 1)
    assert "made.part is there: another run is writing it, or was killed" in refused(*words)
    assert call(*words, "--force").exit_code == 0


# ── what is wrong with the input ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[floor]\ncustmers = 4", "unknown key floor.custmers (did you mean 'customers'?); floor"),
        ("[floors]\nteams = 4", "unknown key 'floors' (did you mean 'floor'?); known are"),
        ("[audit]\nrate = 1.5", "audit.rate must lie between 0 and 1 (chance per served contact)"),
        ("[audit]\nrate = 'often'", "audit.rate must be a number (chance per served contact)"),
        (
            '[audit]\nrate = { value = 2, unit = "%" }',
            "audit.rate is measured in 'chance per served contact', got unit '%'",
        ),
        ('scheme = "wage"', "scheme = 'wage' is not among the schemes of the file"),
        ('[[schemes.a]]\nkind = "Piecerate"', "(did you mean 'PieceRate'?)"),
        ('[[schemes.a]]\nkind = "PieceRate"\nmetric = "saves"\nrat = 1', "(did you mean 'rate'?)"),
        ('off = ["G9"]', "no mechanism 'G9' in the model (did you mean 'G"),
        ("name = ", "broken.toml is not valid TOML"),
    ],
)
@pytest.mark.parametrize("command", [("run", "--out", "made"), ("compare",), ("show",)])
def test_a_scenario_that_cannot_be_gets_one_line(tiny, line, says, command):
    Path("broken.toml").write_text(line + "\n")
    name, *options = command
    assert says in refused(name, "broken.toml", *options)
    assert tree() == {"tiny.toml", "broken.toml"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "no.toml", "--out", "made"], "cannot read scenario file no.toml: No such file"),
        (["run", "retail_bnk", "--out", "made"], "(did you mean 'retail_bank'?)"),
        (["run", "tiny.toml"], "Missing option '--out'"),
        (["run", "tiny.toml", "--out", "made", "--months", "0"], "'--months': 0 is not in the"),
        (["run", "tiny.toml", "--out", "made", "--seed", "-1"], "'--seed': -1 is not in the"),
        (["run", "tiny.toml", "--out", "made", "--jobs", "0"], "'--jobs': 0 is no number of"),
        (["estimate", ".", "--columns", "names.toml", "--out", "made"], "'--columns': File 'names"),
        (["run", "tiny.toml", "--out", "made", "--keep", "2"], "'--keep': '2' is none of"),
        (["run", "tiny.toml", "--out", "made", "--keep", "most"], "'--keep': 'most' is none of"),
        (
            ["run", "tiny.toml", "--out", "made", "--scheme", "savs"],
            "no scheme 'savs' in scenario 'tiny'; schemes are 'wage', 'saves'; did you mean 'saves",
        ),
        (["compare", "tiny.toml", "--schemes", "wage,savs"], "did you mean 'saves'?"),
        (["compare", "tiny.toml", "--schemes", "wage"], "two or more, got wage"),
        (["compare", "tiny.toml", "--control", "wages"], "no scheme 'wages' in the comparison"),
        (["compare", "tiny.toml", "--replications", "1"], "replications must be 2 or more, got 1"),
        (["compare", "tiny.toml", "--schemes", "wage,x", "--out", "a/b/c"], "no scheme 'x'"),
        (["cmpare"], "No such command 'cmpare'"),
        (["show", "tiny.toml", "--unit"], "No such option"),
    ],
)
def test_a_wrong_word_on_the_command_line_gets_one_line(tiny, words, says):
    assert says in refused(*words)
    assert tree() == {"tiny.toml"}


def test_a_traceback_can_be_had(tiny):
    result = call("--traceback", "compare", tiny, "--schemes", "wage")
    assert isinstance(result.exception, ValueError)


# ── compare ──────────────────────────────────────────────────────────────────────────────────────


def test_compare_prints_and_writes_what_the_library_would_find(tiny):
    words = ("--replications", 3, "--months", 2, "--seed", 4)
    result = call("compare", tiny, "--schemes", "saves,wage", "--control", "wage", *words,
                  "--out", "made")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    for title in ("tiny, 2 months", "paired effects against wage", "What an analyst would find"):
        assert title in result.stdout
    found = inc.compare(
        inc.Scenario.load(tiny),
        ["saves", "wage"],
        control="wage",
        replications=3,
        months=2,
        rng=4,
    )
    for name, table in (
        ("outcomes", found.outcomes),
        ("effects", found.effects),
        ("estimates", found.estimates()),
    ):
        written = pd.read_csv(f"made/{name}.csv")
        assert list(written) == list(table)
        for column in table.select_dtypes("float"):
            pd.testing.assert_series_equal(written[column], table[column])
    schemes = pd.read_csv("made/schemes.csv").set_index("scheme")["pays"]
    assert schemes["saves"] == repr(found.schemes["saves"])
    assert len(inc.Records.load("made/records").runs) == 6
    assert json.loads(Path("made/manifest.json").read_text())["command"] == "compare"


def test_compare_says_which_estimate_was_refused(tiny):
    Path(tiny).write_text('off = ["O6"]\n' + TINY)
    result = call("compare", tiny, "--replications", 2, "--months", 1)
    assert result.exit_code == 0, result.stderr
    assert "gaming_effect was refused: " in result.stdout
    assert tree() == {"tiny.toml"}


# ── what is in ───────────────────────────────────────────────────────────────────────────────────


def test_compare_at_equal_cost_warns_in_a_line(tiny, monkeypatch):
    def far(schemes, centre, progress, **worlds):
        warnings.warn("not at equal cost: 'saves' 2130", stacklevel=1)
        return schemes, inc.simulate(centre.vary(scheme=schemes), **worlds)

    monkeypatch.setattr("incentives.comparison.at_equal_cost", far)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = call("compare", tiny, "--equal-cost", "--replications", 2, "--months", 1)
    assert result.exit_code == 0
    assert result.stderr.splitlines()[0] == "warning: not at equal cost: 'saves' 2130"
    assert "bonuses scaled to equal cost" in result.stdout


def test_mechanisms_lists_each_with_its_file_and_parameters():
    shown = call("mechanisms").stdout
    for kind in inc.all_mechanisms():
        (line,) = [line for line in shown.splitlines() if line.split()[:1] == [kind.id]]
        assert kind.title in line
        assert kind.__module__.replace(".", "/").removeprefix("incentives/") + ".py" in line
        assert all(item.name in line for item in kind.parameters())


def test_scenarios_lists_those_that_ship():
    shown = call("scenarios").stdout
    for name in inc.scenario_names():
        assert name in shown
        assert all(label in shown for label in inc.Scenario.load(name).schemes)


def test_show_prints_a_file_that_can_be_loaded(tiny):
    Path("shown.toml").write_text(call("show", tiny).stdout)
    assert inc.Scenario.load("shown.toml") == inc.Scenario.load(tiny)


def test_show_gives_every_parameter_its_unit_range_and_source(tiny):
    lines = call("show", tiny, "--units").stdout.splitlines()
    (rate,) = [line for line in lines if line.split()[:1] == ["audit.rate"]]
    assert all(word in rate for word in ("0.3", "chance per served contact", "for the test"))
    (teams,) = [line for line in lines if line.split()[:1] == ["floor.teams"]]
    assert "the scenario's" in teams
    assert any(line.split()[:1] == ["workforce.archetypes[1].care"] for line in lines)
    assert any(line.split()[:1] == ["menu.fabricate.seen"] for line in lines)


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_help_names_every_command(words):
    result = call(*words)
    assert result.exit_code == 0
    assert all(f"  {name} " in result.stdout for name in main.commands)
    assert "incentives run retail_bank --months 6 --out results/bank" in result.stdout


@pytest.mark.parametrize("name", ["run", "compare", "show"])
def test_help_of_a_command_teaches_by_example(name):
    shown = call(name, "--help").stdout
    assert "Examples:" in shown
    assert f"incentives {name} " in shown.partition("Examples:")[2]


def test_the_version_is_that_of_the_package():
    assert importlib.metadata.version("incentives") in call("--version").stdout


# ── template ─────────────────────────────────────────────────────────────────────────────────────


def test_template_writes_what_write_templates_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call("template", "mine/data", "--currency", "EUR", "--calendar", 21)
    assert result.exit_code == 0, result.stderr
    assert "mine/data" in result.stdout
    inc.write_templates("known", currency="EUR", calendar=21)
    assert tree("mine/data") == tree("known")
    for name in tree("known"):
        assert Path("mine/data", name).read_bytes() == Path("known", name).read_bytes()
    call("template", "stamped", "--currency", "EUR")
    assert "start" in Path("stamped/contacts.csv").read_text()
    assert "start" not in Path("known/contacts.csv").read_text()


@pytest.mark.parametrize("calendar", ["weeks", "0", "32", "-5", "20.5"])
def test_template_refuses_a_calendar_that_is_none(tmp_path, monkeypatch, calendar):
    monkeypatch.chdir(tmp_path)
    said = refused("template", "data", "--currency", "EUR", "--calendar", calendar)
    assert "is neither 'timestamps' nor a number of working days" in said
    assert not tree()


def test_template_writes_over_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "Missing option '--currency'" in refused("template", "data")
    call("template", "data", "--currency", "EUR")
    Path("data/contacts.csv").write_text("mine")
    assert "is not empty" in refused("template", "data", "--currency", "EUR")
    assert Path("data/contacts.csv").read_text() == "mine"


# ── estimate ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write what a firm would have of one small centre, half of its teams paid for saves."""
    centre = inc.Scenario(
        floor=inc.Floor(teams=6, team_size=2, customers=1500),
        audit=inc.Audit(rate=0.2),
        routing=inc.Routing(keep="team"),
        leaving=inc.Leaving(base=0.05),
    )
    schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    seen = inc.simulate(centre.assign(schemes), months=2, rng=1).seen_by("analyst")
    folder = tmp_path_factory.mktemp("firm")
    for name in ("contacts", "agents", "assignments", "audits", "surveys", "customers"):
        getattr(seen, name).to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_estimate_writes_a_report_on_a_firms_files(firm, tmp_path):
    result = call("estimate", firm, "--control", "wage", "--out", tmp_path / "report")
    assert result.exit_code == 0, result.output
    records = inc.read_records(firm)
    reading = inc.gaming_effect(records, control="wage").reading
    assert f"gaming: {reading}; but " in result.stdout
    assert reading in (tmp_path / "report" / "report.md").read_text()
    manifest = json.loads((tmp_path / "report" / "manifest.json").read_text())
    assert "report.html" in manifest["files_sha256"]
    assert str(firm.parent) not in json.dumps(manifest["read"])


def test_estimate_shows_all_that_is_wrong_with_the_files_and_leaves_nothing(firm, tmp_path):
    frames = {path.stem: pd.read_csv(path) for path in firm.glob("*.csv")}
    frames["audits"].loc[[0, 1], "prob"] = 1.5
    frames["surveys"].loc[2, "score"] = 99
    broken = tmp_path / "broken"
    broken.mkdir()
    for name, frame in frames.items():
        frame.to_csv(broken / f"{name}.csv", index=False)
    result = call("estimate", broken, "--control", "wage", "--out", tmp_path / "report")
    assert result.exit_code == 2
    assert "audits" in result.stderr
    assert "surveys" in result.stderr
    assert not list(tmp_path.glob("report*"))


def test_estimate_reads_a_firms_own_names(firm, tmp_path):
    named = tmp_path / "named"
    named.mkdir()
    for path in firm.glob("*.csv"):
        frame = pd.read_csv(path)
        if path.stem == "audits":
            frame = frame.rename(columns={"prob": "chance"})
        frame.to_csv(named / path.name, index=False)
    (tmp_path / "names.toml").write_text('[audits]\nchance = "prob"\n')
    words = ("estimate", named, "--control", "wage", "--question", "gaming")
    out = ("--out", tmp_path / "report")
    assert call(*words, *out).exit_code == 2
    assert call(*words, "--columns", tmp_path / "names.toml", *out).exit_code == 0


def test_estimate_refuses_a_control_that_is_no_scheme_and_leaves_nothing(firm, tmp_path):
    said = refused("estimate", firm, "--control", "wgae", "--out", tmp_path / "report")
    assert "control: no scheme 'wgae' in assignments; schemes are " in said
    assert said.endswith("did you mean 'wage'?")
    assert not list(tmp_path.iterdir())


def test_estimate_names_the_questions_that_there_are(firm, tmp_path):
    said = refused(
        "estimate", firm, "--control", "wage", "--question", "gamng", "--out", tmp_path / "r"
    )
    assert "'gamng' is none of gaming, inflation, " in said


def test_estimate_asks_about_an_indicator_of_choice(firm, tmp_path):
    words = ("estimate", firm, "--control", "wage", "--question", "effect", "--indicator")
    told = call(*words, "save_rate", "--out", tmp_path / "report")
    assert told.exit_code == 0, told.output
    assert "save rate logged" in told.stdout
    said = refused(*words, "save_rte", "--out", tmp_path / "other")
    assert "no indicator 'save_rte' in records" in said
    assert "did you mean 'save_rate'?" in said


def test_estimate_compares_customers_who_are_alike_in_what_a_firm_names(firm, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(firm, own)
    customers = pd.read_csv(own / "customers.csv")
    line = np.where(customers["customer"] % 3 == 0, "office", "home")
    customers.assign(line=line).to_csv(own / "customers.csv", index=False)
    alike = ["tenure_band", "line"]
    words = ("estimate", own, "--control", "wage", "--question", "churn,reasons,effect")
    told = call(*words, "--covariates", ", ".join(alike), "--out", tmp_path / "report")
    assert told.exit_code == 0, told.output
    said = (tmp_path / "report" / "report.md").read_text()
    assert "compared over one mix of 'tenure_band', 'line': churn, reasons." in said
    records = inc.read_records(own, covariates={"customers": ["line"]})
    answer = inc.churn_effect(records, control="wage", horizon=2, covariates=alike)
    assert answer.reading in said
    crude = inc.churn_effect(records, control="wage", horizon=2).tidy()["estimate"]
    assert answer.tidy()["estimate"].iloc[0] != crude.iloc[0]
    strange = call(*words, "--covariates", "lyne", "--out", tmp_path / "strange")
    assert strange.exit_code == 2
    assert "customers  lyne    is missing" in strange.stderr


def test_a_firms_own_covariates_are_looked_for_where_its_customers_are(tmp_path):
    (tmp_path / "subscriptions.parquet").touch()
    assert cli._firms_own(tmp_path, ["tenure_band"]) == {}
    assert cli._firms_own(tmp_path, ["plan", "tenure_band"]) == {"subscriptions": ["plan"]}
    (tmp_path / "customers.csv").touch()
    assert cli._firms_own(tmp_path, ["plan"]) == {"customers": ["plan"]}


def test_estimate_fails_where_nothing_was_answered_and_says_why(firm, tmp_path):
    words = ("estimate", firm, "--control", "wage", "--question")
    told = call(*words, "types", "--out", tmp_path / "none")
    assert told.exit_code == 2
    assert "types: not answered: say what a logged save pays" in told.stderr
    some = call(*words, "types,churn", "--out", tmp_path / "some")
    assert some.exit_code == 0
    assert "types: not answered: say what a logged save pays" in some.stderr


def test_estimate_of_no_folder_says_what_to_type(tmp_path):
    words = ("--control", "wage", "--out", tmp_path / "report")
    said = refused("estimate", tmp_path / "none", *words)
    assert said.endswith("none: incentives template makes one to fill")


def test_estimate_on_a_run_refuses_what_is_for_a_firms_files(tiny, tmp_path):
    assert call("run", tiny, "--out", tmp_path / "run", "--months", 1).exit_code == 0
    for option in ("--columns", "--pseudonym-key"):
        (tmp_path / "some").touch()
        words = ("estimate", tmp_path / "run", "--control", "wage", option, tmp_path / "some")
        assert f"{option} is for a firm's files" in refused(*words, "--out", tmp_path / "report")


def test_estimate_makes_good_what_audits_do_not_recognise(firm, tmp_path):
    words = ("estimate", firm, "--control", "wage", "--question", "gaming", "--detection")
    told = call(*words, "0.8", "--out", tmp_path / "report")
    assert told.exit_code == 0, told.output
    reading = inc.gaming_effect(inc.read_records(firm), control="wage", detection=0.8).reading
    assert f"gaming: {reading}; but " in told.stdout
    for wrong, said in (
        ("80", "80 is not above 0 and at most 1"),
        ("G1=0", "0 is not above 0 and at most 1"),
        ("some", "'some' is not a chance, nor KIND=CHANCE"),
        ("G1=often", "'G1=often' is not a chance, nor KIND=CHANCE"),
    ):
        refused = call(*words, wrong, "--out", tmp_path / "other")
        assert refused.exit_code == 2
        assert said in refused.stderr
