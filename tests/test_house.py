"""The house: locks, public names, import cost, and what must not be in the tree."""

import importlib
import importlib.util
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from signatures import SIGNATURES

import incentives

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = {
    "requirements.lock": ("test",),
    "requirements-dev.lock": ("test", "docs", "lint"),
}
FIELD = [
    "G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8",
    "P1", "P2", "P3", "P4", "P5",
    "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9",
    "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10",
    "O1", "O2", "O3", "O4", "O5", "O6", "O7",
]  # fmt: skip
PYTHONS = ("3.11", "3.12", "3.13")


def pins(lock: str) -> list[Requirement]:
    """Give what a lock pins, without the hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line.split("--hash")[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def declared(groups: tuple[str, ...]) -> list[Requirement]:
    """Give what pyproject asks for: the core and some groups."""
    lines = list(PROJECT["project"]["dependencies"])
    for group in groups:
        lines += PROJECT["dependency-groups"][group]
    return [Requirement(line) for line in lines]


def tables() -> ModuleType:
    """Load the script of the docs that makes the API page."""
    spec = importlib.util.spec_from_file_location("_tables", ROOT / "docs" / "_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh interpreter and list the modules it has loaded."""
    tail = "\nimport sys\nprint('\\n' + ' '.join(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code + tail], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.splitlines()[-1].split())


@pytest.mark.quick
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_what_pyproject_asks_for_on_every_python(lock: str, python: str) -> None:
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    found = {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in pins(lock)
        if pin.marker is None or pin.marker.evaluate(here)
    }
    for wish in declared(LOCKS[lock]):
        name = canonicalize_name(wish.name)
        assert name in found, f"{lock} has no {name} for Python {python}: make lock"
        assert wish.specifier.contains(found[name]), f"{lock} pins {name} {found[name]}: make lock"


@pytest.mark.quick
def test_the_lock_of_the_tools_agrees_with_the_lock_of_the_tests() -> None:
    assert {str(pin) for pin in pins("requirements.lock")} <= {
        str(pin) for pin in pins("requirements-dev.lock")
    }


@pytest.mark.quick
@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "http" not in text
    assert "file:" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.quick
def test_every_package_of_the_agreement_session_has_a_test_that_cannot_be_skipped() -> None:
    (others,) = re.findall(
        r"OTHERS = \((.*?)\)", (ROOT / "noxfile.py").read_text("utf-8"), re.DOTALL
    )
    named = {canonicalize_name(Requirement(line).name) for line in re.findall('"(.*?)"', others)}
    tests = [path.read_text("utf-8") for path in (ROOT / "tests" / "agreement").glob("test_*.py")]
    imported = {
        canonicalize_name(name)
        for text in tests
        for name in re.findall(r"^(?:from|import) (\w+)", text, flags=re.MULTILINE)
    }
    # pyfixest hands its own bootstrap on to wildboottest
    assert named - imported == {"wildboottest"}
    assert not any(re.search("importorskip|mark.skip|pytest.skip", text) for text in tests)


def test_no_tracked_file_names_a_place_on_somebodys_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: nothing says which files are tracked")
    places = re.compile(r"(?<![\w.~}])/(root|work|home|tmp|Users)/[A-Za-z.]|[A-Z]:\\Users\\")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in {".lock", ".png", ".pdf", ".parquet"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}: {hit.group()}" for hit in places.finditer(text)]
    assert not found


@pytest.mark.quick
def test_the_versions_in_pyproject_and_citation_agree() -> None:
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited is not None
    assert cited.group(1) == PROJECT["project"]["version"]


@pytest.mark.quick
def test_the_groups_of_the_api_page_are_the_public_names_in_reading_order() -> None:
    groups = tables().public_groups()
    assert "" not in groups, "a comment line in __all__ opens each group"
    assert [name for names in groups.values() for name in names] == list(incentives.__all__)
    assert len(set(incentives.__all__)) == len(incentives.__all__)
    page = tables().api(groups)
    assert all(f"   {name}\n" in page for name in incentives.__all__)


@pytest.mark.quick
@pytest.mark.parametrize("name", getattr(incentives, "__all__", []))
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    thing = getattr(incentives, name)
    assert name in dir(incentives)
    if callable(thing):
        assert thing.__doc__


@pytest.mark.quick
def test_the_table_of_mechanisms_has_each_row_of_the_field_once() -> None:
    """The ids are written out, so that a row that was taken out, or forgotten, is missed."""
    ids = [kind.id for kind in tables().all_mechanisms()]
    assert len(FIELD) == 39
    assert sorted(ids) == sorted(FIELD)


@pytest.mark.quick
def test_each_mechanism_has_a_signature_that_is_tested() -> None:
    tests = Path(__file__).parent
    ids = {kind.id for kind in incentives.all_mechanisms()}
    assert set(SIGNATURES) == ids
    for file, name in SIGNATURES.values():
        assert f"def {name}(" in (tests / file).read_text(encoding="utf-8"), name


@pytest.mark.quick
def test_each_mechanism_has_a_scenario_and_an_experiment_in_which_it_matters() -> None:
    there = runpy.run_path(str(ROOT / "docs" / "matters.py"))
    where = there["MATTERS"]
    assert {kind.id for kind in incentives.all_mechanisms()} == set(where)
    assert {scenario for scenario, _ in where.values()} == set(there["SCENARIOS"])
    assert {experiment for _, experiment in where.values()} <= set(there["EXPERIMENTS"])
    assert set(incentives.scenario_names()) == set(there["SCENARIOS"])
    for experiment in there["EXPERIMENTS"]:
        assert (ROOT / "experiments" / f"{experiment}.py").is_file()


@pytest.mark.quick
def test_each_mechanism_names_the_function_in_which_its_rule_begins() -> None:
    rules = runpy.run_path(str(ROOT / "docs" / "matters.py"))["RULES"]
    assert set(rules) == {kind.id for kind in incentives.all_mechanisms()}
    for where in rules.values():
        module, _, name = where.rpartition(".")
        assert callable(getattr(importlib.import_module(f"incentives.{module}"), name)), where


@pytest.mark.quick
def test_the_list_of_mechanisms_is_whole_before_anything_else_is_used() -> None:
    count = "import incentives; print(len(incentives.all_mechanisms()))"
    done = subprocess.run([sys.executable, "-c", count], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(SIGNATURES)


@pytest.mark.quick
def test_importing_the_package_fetches_nothing_slow() -> None:
    slow = {"mesa", "statsmodels", "seaborn", "scipy.stats", "matplotlib.pyplot"}
    assert not slow & loaded_after("import incentives")


@pytest.mark.quick
def test_the_help_of_the_command_fetches_nothing_slow() -> None:
    slow = {"mesa", "statsmodels", "seaborn", "scipy", "matplotlib", "numba", "pandas"}
    code = "from incentives.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert not slow & loaded_after(code)
