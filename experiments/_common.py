"""What every experiment shares: its scale, and output that says where it comes from.

An experiment loads, calls, and saves::

    def main(scale: Scale, out: Path) -> None:
        with Output("gaming_by_scheme", out, scale, seeds=seeds, scenario=scenario) as output:
            output.table("effects", effect.tidy())
            output.figure("effects", effect.plot())
            output.numbers({"gaming_effect": 0.031})


    if __name__ == "__main__":
        main(*arguments(__doc__))
"""

import argparse
import hashlib
import importlib.metadata
import json
import math
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["Arguments", "Output", "Scale", "arguments", "house_style"]

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = (
    *("incentives", "numpy", "scipy", "pandas", "statsmodels"),
    *("numba", "mesa", "joblib", "matplotlib", "seaborn"),
)

T = TypeVar("T")


class Scale(StrEnum):
    """How much work to do: ``smoke`` takes seconds, ``full`` is what is quoted."""

    SMOKE = "smoke"
    FULL = "full"

    def pick(self, *, smoke: T, full: T) -> T:
        """Give the one that belongs to this scale."""
        return smoke if self is Scale.SMOKE else full


class Arguments(NamedTuple):
    """What the command line said."""

    scale: Scale
    out: Path


def arguments(description: str | None, argv: Sequence[str] | None = None) -> Arguments:
    """Read ``--scale`` and ``--out``.

    Parameters
    ----------
    description
        What ``--help`` says; usually the experiment's own docstring.
    argv
        Words of the command line; those of the process if none are given.

    Returns
    -------
    Arguments
        Scale and folder, in the order in which ``main`` takes them.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--scale",
        choices=[scale.value for scale in Scale],
        default=Scale.SMOKE.value,
        help="smoke (seconds, the default) or full (what is quoted)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where the files go"
    )
    given = parser.parse_args(argv)
    return Arguments(Scale(given.scale), given.out)


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the style of the experiments, and leave everyone else's as it was.

    Use it as a decorator of a function that makes a figure, or in a ``with`` statement.
    """
    with sns.axes_style("whitegrid"), sns.plotting_context("notebook", font_scale=0.9):
        yield


class Output:
    """The files of one experiment: all of them, or none.

    Files are written under a temporary name and moved into the folder when the experiment has
    ended well. ``manifest.json`` comes last and says what made them. Files that an earlier run
    listed in its manifest and this one did not make are removed.

    Parameters
    ----------
    name
        The experiment's name, the stem of its file.
    out
        The folder for the files; it is made if it does not exist.
    scale
        How much work was done.
    seeds
        Every seed that was used.
    scenario
        What was simulated, if anything was: a value whose repr rebuilds it.
    inputs
        Data files that were read.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Output("example", Path(folder), Scale.SMOKE, seeds=[1]) as output:
    ...         output.numbers({"answer": 42})
    ...     print(*sorted(file.name for file in Path(folder).iterdir()))
    example: 2 files in ...
    manifest.json numbers.json
    """

    def __init__(
        self,
        name: str,
        out: Path,
        scale: Scale,
        *,
        seeds: Iterable[int] = (),
        scenario: object = None,
        inputs: Iterable[Path] = (),
    ) -> None:
        self.name = name
        self.out = Path(out)
        self.scale = scale
        self.seeds = [int(seed) for seed in seeds]
        self.scenario = scenario
        self.inputs = list(inputs)
        self._numbers: dict[str, Any] = {}

    def __enter__(self) -> Self:
        if self.out.exists() and not self.out.is_dir():
            raise NotADirectoryError(f"--out must be a folder, and {str(self.out)!r} is a file")
        self.out.mkdir(parents=True, exist_ok=True)
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._staged = tempfile.TemporaryDirectory(dir=self.out, prefix=".unfinished-")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._staged:
            if kind is None:
                self._publish()

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Save a tidy frame as ``name.csv``, without its index."""
        frame.to_csv(self._path(f"{name}.csv"), index=False, float_format="%.8g")

    def figure(self, name: str, drawn: Axes | Figure | sns.axisgrid.Grid) -> None:
        """Save a figure, or the figure that holds the axes, as ``name.png`` and ``name.pdf``."""
        figure = drawn if isinstance(drawn, Figure) else drawn.figure
        if not isinstance(figure, Figure):
            raise TypeError(f"figure {name!r}: expected axes of a figure, got {drawn!r}")
        undated = {"Creator": None, "Producer": None, "CreationDate": None}
        figure.savefig(self._path(f"{name}.png"), dpi=160, metadata={"Software": None})
        figure.savefig(self._path(f"{name}.pdf"), metadata=undated)

    def numbers(self, numbers: Mapping[str, Any]) -> None:
        """Add to ``numbers.json``, from which prose takes its figures."""
        self._numbers.update(numbers)
        self.json("numbers", self._numbers)

    def json(self, name: str, value: Any) -> None:
        """Save a value of mappings, sequences and numbers as ``name.json``; NaN becomes null."""
        text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
        self._path(f"{name}.json").write_text(text + "\n", encoding="utf-8")

    def text(self, file: str, content: str) -> None:
        """Save a text under its file name."""
        self._path(file).write_text(content, encoding="utf-8")

    def _path(self, file: str) -> Path:
        return Path(self._staged.name) / file

    def _publish(self) -> None:
        """Move what was made into the folder, the manifest last."""
        made = sorted(file.name for file in Path(self._staged.name).iterdir())
        digests = {file: _digest(self._path(file).read_bytes()) for file in made}
        self.json("manifest", self._manifest(digests))
        for stale in _listed(self.out / "manifest.json") - set(made):
            (self.out / Path(stale).name).unlink(missing_ok=True)
        for file in [*made, "manifest.json"]:
            self._path(file).replace(self.out / file)
        print(f"{self.name}: {len(made) + 1} files in {self.out}")

    def _manifest(self, digests: dict[str, str]) -> dict[str, Any]:
        commit, changed = _commit()
        scenario = None if self.scenario is None else _digest(repr(self.scenario).encode())
        return {
            "experiment": self.name,
            "scale": self.scale.value,
            "commit": commit,
            "uncommitted_changes": changed,
            "versions": _versions(),
            "seeds": self.seeds,
            "scenario_sha256": scenario,
            "inputs_sha256": {file.name: _digest(file.read_bytes()) for file in self.inputs},
            "started": self._started.isoformat(timespec="seconds"),
            "wall_seconds": round(time.perf_counter() - self._clock, 2),
            "files_sha256": digests,
        }


def _plain(value: Any) -> Any:
    """Turn NumPy and pandas scalars, paths and enums into what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return str(value)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _listed(manifest: Path) -> set[str]:
    """Name the files that an earlier run says it made."""
    if not manifest.is_file():
        return set()
    return set(json.loads(manifest.read_text(encoding="utf-8")).get("files_sha256", {}))


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _commit() -> tuple[str | None, bool | None]:
    """Give the commit of the working tree and whether tracked files differ from it."""
    try:
        commit = _git("rev-parse", "HEAD")
        changed = bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None, None
    return commit, changed


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(PROJECT), *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
