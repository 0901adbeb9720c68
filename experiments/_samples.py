"""Public samples that some experiments read: where they lie, and what is said where they do not."""

import os
from pathlib import Path

from experiments._common import PROJECT

__all__ = ["sample_file", "skipped"]


def sample_file(folder: str, name: str) -> Path | None:
    """Give the path of a sample: in ``../shared/data``, or where ``INCENTIVES_DATA`` points."""
    default = PROJECT.parent / "shared" / "data"
    file = Path(os.environ.get("INCENTIVES_DATA", default)) / folder / name
    return file if file.is_file() else None


def skipped(experiment: str, folder: str, name: str, *, source: str) -> str:
    """Say in one line that an experiment is skipped, and where its sample can be had."""
    return (
        f"{experiment}: skipped, for {name} is not in ../shared/data/{folder}; set INCENTIVES_DATA "
        f"to the folder that holds {folder} ({source})"
    )
