import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from experiments._common import Output, Scale, arguments


def write(out: Path, *, tables: tuple[str, ...] = ("effects",)) -> None:
    with Output("example", out, Scale.SMOKE, seeds=[1, 2], scenario={"pay": 900}) as output:
        for name in tables:
            output.table(name, pd.DataFrame({"term": ["wage"], "estimate": [0.25]}))
        output.figure("effects", Figure().subplots())
        output.numbers({"effect": np.float64(0.25), "none": np.nan})
        output.numbers({"agents": np.int64(3)})


def test_an_experiment_leaves_its_files_and_where_they_come_from(tmp_path):
    write(tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    names = {"effects.csv", "effects.png", "effects.pdf", "numbers.json", "manifest.json"}
    assert {file.name for file in folder.iterdir()} == names
    assert json.loads((folder / "numbers.json").read_text()) == {
        "effect": 0.25,
        "none": None,
        "agents": 3,
    }
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["seeds"] == [1, 2]
    assert manifest["scale"] == "smoke"
    assert manifest["versions"]["numpy"] == np.__version__
    assert set(manifest["files_sha256"]) == names - {"manifest.json"}
    assert len(manifest["scenario_sha256"]) == 64


def test_the_same_run_writes_the_same_bytes(tmp_path):
    for name in "ab":
        write(tmp_path / name)
    digests = [
        json.loads((tmp_path / name / "manifest.json").read_text())["files_sha256"] for name in "ab"
    ]
    assert digests[0] == digests[1]


def fail(out: Path) -> None:
    with Output("example", out, Scale.FULL) as output:
        output.numbers({"effect": 1.0})
        raise RuntimeError


def test_an_experiment_that_fails_leaves_what_was_there(tmp_path):
    write(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(RuntimeError):
        fail(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_files_of_an_earlier_run_go_and_files_of_others_stay(tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    write(tmp_path, tables=("effects", "old"))
    write(tmp_path)
    names = {file.name for file in tmp_path.iterdir()}
    assert "old.csv" not in names
    assert "notes.md" in names


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("")
    with (
        pytest.raises(NotADirectoryError, match="--out must be a folder"),
        Output("example", tmp_path / "out", Scale.SMOKE),
    ):
        pass


def test_the_command_line_gives_scale_and_folder(capsys):
    assert arguments("what", ["--scale", "full", "--out", "x"]) == (Scale.FULL, Path("x"))
    assert Scale.FULL.pick(smoke=1, full=2) == 2
    with pytest.raises(SystemExit):
        arguments("what", ["--scale", "huge", "--out", "x"])
    assert "invalid choice: 'huge'" in capsys.readouterr().err
