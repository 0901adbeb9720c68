"""Long work cut into blocks: each is kept once it is done, so that a run that broke off goes on."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import joblib
import pandas as pd
from rich.console import Console
from rich.progress import track

import incentives as inc

__all__ = ["Block", "lived", "sources"]


class Block(Protocol):
    """Worlds that are lived through and answered together."""

    @property
    def file(self) -> str:
        """Where its rows are kept."""
        ...

    def live(self) -> pd.DataFrame:
        """Live through the worlds, and give what came out."""
        ...


def lived(blocks: Sequence[Block], folder: Path) -> pd.DataFrame:
    """Live through the blocks that are not kept yet, two at once, and give the rows of all."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [block for block in blocks if not (folder / block.file).exists()]
    workers = joblib.Parallel(n_jobs=2, return_as="generator_unordered", batch_size=1)
    done = workers(joblib.delayed(_keep)(block, folder) for block in waiting)
    console = Console(stderr=True)
    silent = not console.is_terminal
    for _ in track(done, "blocks of worlds", len(waiting), console=console, disable=silent):
        pass
    rows = [pd.read_parquet(folder / block.file) for block in blocks]
    return pd.concat(rows, ignore_index=True)


def _keep(block: Block, folder: Path) -> None:
    """Write the rows of a block, whole or not at all."""
    partial = folder / f"{block.file}.part"
    block.live().to_parquet(partial, index=False)
    partial.replace(folder / block.file)


def sources(*scripts: str) -> str:
    """Give a digest of all that rows hang on: the package, and these scripts of this folder."""
    package, here = Path(inc.__file__).parent, Path(__file__).parent
    files = [*sorted(package.rglob("*.py")), *sorted(package.rglob("*.toml"))]
    files += [here / f"{name}.py" for name in scripts]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
