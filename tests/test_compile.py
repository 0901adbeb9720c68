"""The kernel's machine code is kept between processes, and never outlives its sources."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
import pytest

from incentives import _compile

KERNEL = """
from incentives._compile import compiled
from incentives._pay import pay

@compiled
def advance(sales: float) -> float:
    return pay(sales) + 1.0
"""
PAY = """
from incentives._compile import rule

@rule
def pay(sales: float) -> float:
    return 2.0 * sales
"""
REPORT = """
import json, numba
from incentives._kernel import advance
print(json.dumps({
    "pays": advance(3.0),
    "hits": sum(advance.stats.cache_hits.values()),
    "folder": advance.stats.cache_path,
    "setting": numba.config.CACHE_DIR,
}))
"""


@pytest.fixture
def package(tmp_path):
    """Make a package of the same name: the real decorators, a small kernel, one rule elsewhere."""
    folder = tmp_path / "site" / "incentives"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "_kernel.py").write_text(KERNEL)
    (folder / "_pay.py").write_text(PAY)
    shutil.copy(_compile.__file__, folder)
    return folder


def start(package, **environment):
    """Run the small kernel in a process of its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "COV"))}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", REPORT],
        cwd=package.parent,
        env=inherited | {"PYTHONPATH": str(package.parent)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    report = json.loads(out)
    if report["folder"] is not None:
        report["folder"] = Path(report["folder"]).parent
    return report


def run(package, **environment):
    return finish(start(package, **environment))


def test_machine_code_is_kept_until_any_file_of_the_package_changes(package):
    first = run(package)
    assert (first["pays"], first["hits"], first["setting"]) == (7.0, 0, "")
    assert first["folder"].parent == package / "__pycache__"

    assert run(package) == first | {"hits": 1}

    (package / "_pay.py").write_text(PAY.replace("2.0", "5.0"))
    changed = run(package)
    assert (changed["pays"], changed["hits"]) == (16.0, 0)
    assert changed["folder"] != first["folder"]

    (package / "_pay.py").write_text(PAY)
    assert run(package) == first | {"hits": 1}


def test_a_folder_the_user_chose_is_used_and_the_setting_is_left_as_it_was(package, tmp_path):
    chosen = str(tmp_path / "chosen")
    first = run(package, NUMBA_CACHE_DIR=chosen)
    assert (first["folder"].parent, first["setting"]) == (Path(chosen), chosen)
    assert run(package, NUMBA_CACHE_DIR=chosen)["hits"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a home is not found by HOME there")
def test_a_package_that_cannot_be_written_to_keeps_its_code_at_home_or_nowhere(package, tmp_path):
    (package / "__pycache__").touch()  # a file where the folder should be
    home = tmp_path / "home"
    home.mkdir()
    assert run(package, HOME=str(home))["folder"].parent == home / ".cache" / "incentives"
    assert run(package, HOME=str(home))["hits"] == 1

    nowhere = tmp_path / "a file"
    nowhere.touch()
    assert run(package, HOME=str(nowhere)) == {
        "pays": 7.0,
        "hits": 0,
        "folder": None,
        "setting": "",
    }


def test_processes_that_compile_at_once_all_succeed(package):
    processes = [start(package) for _ in range(3)]
    assert [finish(process)["pays"] for process in processes] == [7.0] * 3
    assert run(package)["hits"] == 1


def test_a_new_digest_sweeps_away_folders_left_alone_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setattr(_compile, "PACKAGE", tmp_path)
    cache = tmp_path / "__pycache__"
    left, in_use, other = cache / "kernel-left", cache / "kernel-in-use", cache / "other"
    for folder in (left, in_use, other):
        (folder / "inside").mkdir(parents=True)
    long_ago = time.time() - 2 * _compile.STALE_AFTER
    for folder in (left, other):
        for path in (folder / "inside", folder):
            os.utime(path, (long_ago, long_ago))
    made = _compile._folder.__wrapped__("new", "")
    assert set(cache.iterdir()) == {made, in_use, other}


def test_the_digest_reads_every_file_in_which_a_rule_stands():
    read = {path for pattern in _compile.SOURCES for path in _compile.PACKAGE.glob(pattern)}
    with_rules = {
        path
        for path in _compile.PACKAGE.rglob("*.py")
        if "from incentives._compile import" in path.read_text(encoding="utf-8")
    }
    assert len({path.parent for path in with_rules}) > 1
    assert with_rules <= read


def test_the_digest_reads_names_and_contents(tmp_path, monkeypatch):
    monkeypatch.setattr(_compile, "PACKAGE", tmp_path)
    (tmp_path / "pay").mkdir()
    digests = [_compile.digest.__wrapped__()]
    for change in (
        lambda: (tmp_path / "a.py").write_text("x = 1\n"),
        lambda: (tmp_path / "a.py").write_text("x = 2\n"),
        (tmp_path / "b.py").touch,
        lambda: (tmp_path / "b.py").rename(tmp_path / "c.py"),
        lambda: (tmp_path / "c.py").rename(tmp_path / "pay" / "c.py"),
        lambda: (tmp_path / "pay" / "c.py").write_text("x = 3\n"),
    ):
        change()
        digests.append(_compile.digest.__wrapped__())
    assert len(set(digests)) == len(digests) == 7
    (tmp_path / "notes.txt").touch()
    assert _compile.digest.__wrapped__() == digests[-1]


def test_a_rule_runs_from_python_and_keeps_what_was_written():
    @_compile.rule
    def ratio(x: float, y: float) -> float:
        return x / y

    assert ratio(1.0, 4.0) == 0.25
    assert _compile.as_written(ratio).__name__ == "ratio"
    assert _compile.as_written(_compile.as_written(ratio)) is _compile.as_written(ratio)


def test_prefetching_reads_nothing_and_changes_nothing():
    @numba.njit
    def last_of(table, row):
        _compile.prefetch(table, row)
        return table[row, -1]

    table = np.arange(80.0).reshape(10, 8)
    assert last_of(table, 3) == table[3, -1]
    _compile.prefetch(table, 3)  # without the JIT, too
    assert np.array_equal(table, np.arange(80.0).reshape(10, 8))
    if not numba.config.DISABLE_JIT:
        assert any("prefetch" in text for text in last_of.inspect_asm().values())
