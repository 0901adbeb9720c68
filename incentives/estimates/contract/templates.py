"""Empty files to fill, with the data dictionary beside them."""

from pathlib import Path
from typing import Literal

import pandas as pd

from incentives.estimates.contract.declaration import (
    CONTRACT,
    WORDS,
    Column,
    Frame,
    dictionary,
)

__all__ = ["as_markdown", "write_templates"]

README = """\
# Data dictionary

One file a frame, CSV or Parquet, with the columns below. CSV: UTF-8, commas (or semicolons or tabs)
between cells, a point in decimals, one line a row; leave a cell empty where there is nothing to
say. Amounts of money are in {currency}. {calendar}

Fill `assignments`; `contacts` (or counts of them, in `cells`) for what is logged; `audits` for what
happened; `subscriptions` (or `customers`) for who leaves; `agents` and `surveys` if there are any.
A file without rows is left out. What is *derived* need not be there: it is worked out.
"""

TIMESTAMPS = (
    "A contact has its date and time in `start`, in local time; months are calendar months, "
    "counted from that of the first contact."
)
DAYS = (
    "A month has {days} working days; months and days are counted from 0, and `day` is the month "
    "times {days} plus the working day in it."
)


def write_templates(
    folder: str | Path,
    *,
    currency: str,
    calendar: Literal["timestamps"] | int = "timestamps",
) -> Path:
    """Write empty CSV files with the columns that `read_records` reads, and what they mean.

    Parameters
    ----------
    folder
        New or empty.
    currency
        In which all amounts are given, such as ``"EUR"``.
    calendar
        ``"timestamps"``, if contacts have a date and time; or the working days of a month, 1 to
        31, if they have a month and a day counted from 0.

    Returns
    -------
    pathlib.Path
        The folder, with a CSV file a frame, ``data_dictionary.csv`` and ``data_dictionary.md``.

    Raises
    ------
    FileExistsError
        There is something in the folder.
    ValueError
        The currency is empty, or the calendar none of these.

    Examples
    --------
    >>> import tempfile
    >>> import incentives as inc
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = inc.write_templates(f"{place}/data", currency="EUR")
    ...     print((folder / "assignments.csv").read_text().strip())
    unit,unit_id,scheme,from_month,to_month,randomised,prob
    """
    if not currency.strip():
        raise ValueError("currency must not be empty: name it, such as 'EUR'")
    has_days = isinstance(calendar, int) and not isinstance(calendar, bool)
    if calendar != "timestamps" and not (has_days and 1 <= int(calendar) <= 31):
        raise ValueError(
            "calendar must be 'timestamps' or the working days of a month, 1 to 31, "
            f"got {calendar!r}"
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: name a new folder for the templates")
    for frame in CONTRACT.values():
        header = [column.name for column in frame.columns if _asked(column, calendar)]
        pd.DataFrame(columns=header).to_csv(folder / f"{frame.name}.csv", index=False)
    days = "" if calendar == "timestamps" else calendar
    world = {"run": [0], "replication": [0], "days_per_month": [days], "currency": [currency]}
    pd.DataFrame(world).to_csv(folder / "runs.csv", index=False)
    dictionary().to_csv(folder / "data_dictionary.csv", index=False)
    said = TIMESTAMPS if calendar == "timestamps" else DAYS.format(days=calendar)
    text = README.format(currency=currency, calendar=said) + "\n" + as_markdown()
    (folder / "data_dictionary.md").write_text(text, encoding="utf-8")
    return folder


def _asked(column: Column, calendar: str | int) -> bool:
    """Tell whether a template asks for a column."""
    kind = "timestamps" if calendar == "timestamps" else "days"
    return column.need != "derived" and column.calendar in (None, kind)


def as_markdown() -> str:
    """Lay the contract out, a section and a table a frame."""
    return "\n".join(map(_section, CONTRACT.values()))


def _section(frame: Frame) -> str:
    rows = ["| column | need | what to write | unit | example | meaning |"]
    rows += ["| --- | --- | --- | --- | --- | --- |", *map(_row, frame.columns)]
    return f"## `{frame.name}`\n\nOne row is {frame.row}.\n\n" + "\n".join(rows) + "\n"


def _row(column: Column) -> str:
    written = WORDS[column.kind]
    if column.allowed() != written:
        written = column.allowed() if column.values else f"{written}, {column.allowed()}"
    if column.empty:
        written += "; may be empty"
    need = column.need
    if column.unless:
        others = " or ".join(f"`{name}`" for name in column.unless)
        return _cells(column, f"{need}, or {others}", written)
    return _cells(column, need, written)


def _cells(column: Column, need: str, written: str) -> str:
    cells = (f"`{column.name}`", need, written, column.unit, column.example, column.meaning)
    return f"| {' | '.join(cells)} |"
