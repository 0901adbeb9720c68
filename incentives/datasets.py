"""Records from outside: loaders that check, type and tidy what others have measured.

Use `read_anonymous_bank` for the call log of an Israeli bank's contact centre in 1999, in which
some agents cut their callers off. Nothing is downloaded and no data ship with the library: a
loader takes a path, and says where the file can be had if it is not there.
"""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["BANK_FIELDS", "BANK_REASONS", "BankLog", "read_anonymous_bank"]

BANK_FIELDS = (
    "vru+line",
    "call_id",
    "customer_id",
    "priority",
    "type",
    "date",
    "vru_entry",
    "vru_exit",
    "vru_time",
    "q_start",
    "q_exit",
    "q_time",
    "outcome",
    "ser_start",
    "ser_exit",
    "ser_time",
    "server",
)
"""The header of a log file: seventeen fields, separated by tabs."""

BANK_REASONS = {
    "PS": "regular",
    "PE": "regular in English",
    "IN": "internet help",
    "NE": "stock trade",
    "NW": "prospect",
    "TT": "message",
}
"""What the codes of `type` mean.

A message is a call that the centre returns to a customer who left one.
"""

_ENDED = {"AGENT": "served", "HANG": "abandoned", "PHANTOM": "phantom"}
_LOGGED = {"AGENT": "handled", "HANG": "abandoned"}
_CLOCKS = ("vru_entry", "vru_exit", "q_start", "q_exit", "ser_start", "ser_exit")
_SPELLS = {"vru_time": _CLOCKS[0:2], "q_time": _CLOCKS[2:4], "ser_time": _CLOCKS[4:6]}
_WHOLE = ("call_id", "customer_id", "priority", *_SPELLS)
_PRIORITIES = (0, 1, 2)

_DAY = 24 * 60 * 60
_LONGEST = _DAY // 2  # seconds; half a day on one telephone call did not happen
_TICK = 30  # seconds; answers are stamped up to a few seconds before the wait is
_EDGE = 4  # days without a call at a month's end, over which the file may have been cut
_TOLERATED = 0.1  # share of malformed rows above which the file is not what it says

_MONTHS = (
    *("january.txt", "february.txt", "march.txt", "april.txt", "may.txt", "june.txt"),
    *("july.txt", "august.txt", "september.txt", "october.txt", "november.txt", "december.txt"),
)
_WHERE = (
    "The log is not part of this library. It is free for use and can be had from the Technion "
    "(Service Engineering, Faculty of Industrial Engineering and Management): look for "
    "'Anonymous Bank' call-centre data, save january.txt and october.txt in one folder, and "
    "pass that folder. Acknowledge Ilan Guedj and Avishai Mandelbaum."
)


@dataclass(frozen=True, eq=False, repr=False)
class BankLog:
    """The bank's contacts, and the rows that could not be believed.

    Attributes
    ----------
    contacts
        One row a contact, in the order in which they came; see `read_anonymous_bank`.
    rejected
        One row for each line set aside: ``file``, ``line`` (from 1, the header is line 1),
        ``reason`` and the raw ``text``.
    """

    contacts: pd.DataFrame
    rejected: pd.DataFrame

    def summary(self) -> str:
        """Say in a few lines what was read and what was set aside.

        Returns
        -------
        str
            Text of at most eighty columns.
        """
        contacts = self.contacts
        ended = contacts["ended"].value_counts()
        dates = f"{contacts['date'].min():%Y-%m-%d} to {contacts['date'].max():%Y-%m-%d}"
        days, agents = contacts["date"].nunique(), contacts["agent"].nunique()
        identified = contacts["customer"].notna().mean()
        lines = [
            f"{len(contacts):,} contacts on {days} days, {dates}, {agents} agents",
            ", ".join(f"{n:,} {how}" for how, n in ended.items()),
            f"{identified:.0%} of contacts by identified customers",
            *(
                f"the log of {last:%B %Y} ends with day {last.day}: was the file cut?"
                for last in contacts.groupby(contacts["date"].dt.to_period("M"))["date"].max()
                if last.days_in_month - last.day > _EDGE
            ),
            f"{len(self.rejected):,} rows set aside" + (":" if len(self.rejected) else ""),
        ]
        for reason, n in self.rejected["reason"].value_counts().items():
            lines += textwrap.wrap(f"{n:,} {reason}", 78, initial_indent="  ")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.summary()


def read_anonymous_bank(path: str | Path) -> BankLog:
    r"""Read the "Anonymous Bank" call log into tidy contacts.

    The log holds every call to the contact centre of an Israeli bank in 1999, from the voice
    response unit (VRU) through the queue to the agent. The contacts have the columns that
    simulated contacts have, so that the same functions work on both.

    Parameters
    ----------
    path
        A log file, or a folder that holds ``january.txt``, ``october.txt`` or other months by
        their English names.

    Returns
    -------
    BankLog
        ``contacts`` with the columns below, ``rejected`` and ``summary()``.

        =================== ======== ===========================================================
        column              dtype    what
        =================== ======== ===========================================================
        ``contact``         int64    unique number, in order of arrival
        ``day``             int16    working days since the first in the log, from 0
        ``date``            datetime the calendar day on which the contact began
        ``minute``          float64  minutes after midnight at which it entered the VRU
        ``channel``         category always ``voice``
        ``reason``          category from ``type``, see `BANK_REASONS`
        ``attempt``         Int8     missing: the log does not tell which calls belong together
        ``customer``        Int64    missing where the customer was not identified
        ``agent``           category missing where no agent is named
        ``wait_minutes``    float64  minutes in the queue, 0 or more
        ``handle_minutes``  float64  minutes of service; missing where there was none
        ``ended``           category ``served``, ``abandoned`` or ``phantom`` (to be ignored)
        ``logged_outcome``  category ``handled`` or ``abandoned``; missing for phantoms
        ``priority``        int8     0 or 1 ordinary, 2 high (enters the queue 1.5 minutes ahead)
        ``vru_minutes``     float64  minutes in the VRU, 0 or more
        ``service_minute``  float64  minutes after midnight of ``date`` at which an agent
                                     answered; missing where that was not recorded
        ``line``            category the VRU and the line on which the call came in
        =================== ======== ===========================================================

    Raises
    ------
    FileNotFoundError
        There is no such file, or the folder holds no month; the message says where to ask.
    ValueError
        The file is not such a log, or was cut: the message names the file, what was found and
        what is expected.

    Notes
    -----
    Set aside, with line number and reason: rows with a wrong number of fields or a field that
    cannot be read; unknown types and outcomes; negative times; times that differ from the
    clocks around them; times of more than half a day; service that begins more than 30 seconds
    before the wait ended; contacts that were not served but name an agent; repeated rows.
    A clock that passes midnight is read as the next day; the contact belongs to the day on which
    it began. Not set aside: served contacts with no service clock (their ``handle_minutes`` is the
    0 that was recorded, their ``service_minute`` is missing), and abandoned contacts whose service
    clock ran though nobody is named (it is ignored).

    A file that was cut at the end of a line looks like one of fewer days: `BankLog.summary` says
    where a month ends early.

    A missing customer is not missing at random: most customers are identified by what they key
    into the VRU, and prospects never are.

    Terms of use: free for use; acknowledge Ilan Guedj and Avishai Mandelbaum (Technion), and let
    the latter know.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> call = ["AA0101", "33118", "27997683", "2", "PS", "990103"]
    >>> call += ["6:55:20", "6:55:26", "6", "6:55:26", "6:55:43", "17", "AGENT"]
    >>> call += ["6:55:43", "6:56:37", "54", "MICHAL"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "january.txt"
    ...     _ = file.write_text("".join("\t".join(row) + "\n" for row in (BANK_FIELDS, call)))
    ...     log = read_anonymous_bank(file)
    >>> log.contacts[["reason", "agent", "handle_minutes", "logged_outcome"]]
        reason   agent  handle_minutes logged_outcome
    0  regular  MICHAL             0.9        handled
    """
    parts = [_read(file) for file in _files(Path(path))]
    calls = pd.concat([part.calls for part in parts])
    rejected = pd.concat([part.rejected for part in parts], ignore_index=True)
    return BankLog(_contacts(calls), rejected)


@dataclass(frozen=True, eq=False)
class _Part:
    """What one file gave: rows that can be believed, and rows that cannot."""

    calls: pd.DataFrame
    rejected: pd.DataFrame


def _files(path: Path) -> list[Path]:
    """Name the files to read, in the order of the calendar."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileNotFoundError(f"no file or folder {str(path)!r}. {_WHERE}")
    found = [path / month for month in _MONTHS if (path / month).is_file()]
    if not found:
        raise FileNotFoundError(
            f"the folder {str(path)!r} holds neither january.txt nor october.txt. {_WHERE}"
        )
    return found


def _read(file: Path) -> _Part:
    """Read one file, or refuse it."""
    rows = _rows(file)
    good = {line: row for line, row in rows.items() if len(row) == len(BANK_FIELDS)}
    raw = pd.DataFrame.from_dict(good, orient="index", columns=list(BANK_FIELDS), dtype="str")
    raw = raw.apply(lambda column: column.str.strip())
    whole = _whole_numbers(raw)
    clocks = pd.DataFrame({name: _seconds(raw[name]) for name in _CLOCKS})
    dates = pd.to_datetime(raw["date"], format="%y%m%d", errors="coerce")
    reasons = _problems(raw, whole, clocks, dates)

    bad = {
        line: f"{len(row)} fields instead of {len(BANK_FIELDS)}"
        for line, row in rows.items()
        if line not in good
    }
    bad |= {line: reason for line, reason in zip(raw.index, reasons, strict=True) if reason}
    if len(bad) > _TOLERATED * len(rows):
        line, reason = min(bad.items())
        raise ValueError(
            f"{file.name}: {len(bad)} of {len(rows)} rows cannot be read, more than "
            f"{_TOLERATED:.0%} (the first is line {line}: {reason}). Expected a log file as it "
            "was distributed."
        )
    numbers = whole.astype("Int64")
    calls = raw.drop(columns=list(_WHOLE) + list(_CLOCKS)).join([numbers, clocks])
    return _Part(calls.assign(date=dates)[reasons == ""], _rejected(file, bad, rows))


def _rows(file: Path) -> dict[int, list[str]]:
    """Split the lines of a file into fields, by line number; refuse a foreign or a cut file."""
    expected = f"Expected tab-separated text with the header {' '.join(BANK_FIELDS)!r}."
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file.name}: not a text file ({error.reason}). {expected}") from None
    lines = text.split("\n")
    header = lines[0].rstrip("\r").split("\t")
    if header != list(BANK_FIELDS):
        found = textwrap.shorten(" ".join(header), 80, placeholder=" ...") or "nothing"
        raise ValueError(
            f"{file.name}: not a log of the Anonymous Bank: the first line has {len(header)} "
            f"tab-separated fields, {found!r}. {expected}"
        )
    if lines[-1]:
        raise ValueError(
            f"{file.name}: the file is cut: its last line, {len(lines)}, has "
            f"{len(lines[-1].split(chr(9)))} of {len(BANK_FIELDS)} fields and no end of line. "
            "Expected a whole file; fetch it again."
        )
    rows = {n: line.rstrip("\r").split("\t") for n, line in enumerate(lines[1:-1], start=2)}
    if not rows:
        raise ValueError(f"{file.name}: the file has a header and no rows. Expected calls.")
    if len(rows[len(lines) - 1]) < len(BANK_FIELDS):
        raise ValueError(
            f"{file.name}: the file is cut: its last line, {len(lines) - 1}, has "
            f"{len(rows[len(lines) - 1])} of {len(BANK_FIELDS)} fields. "
            "Expected a whole file; fetch it again."
        )
    return rows


def _whole_numbers(raw: pd.DataFrame) -> pd.DataFrame:
    """Read the fields that hold whole numbers; what is none becomes missing."""
    numbers = {}
    for name in _WHOLE:
        readable = raw[name].str.fullmatch(r"-?\d{1,15}")
        numbers[name] = pd.to_numeric(raw[name].where(readable))
    return pd.DataFrame(numbers)


def _seconds(clock: "pd.Series[str]") -> "pd.Series[float]":
    """Read h:mm:ss as seconds after midnight; what is no time of day becomes missing."""
    parts = clock.str.extract(r"^([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)$").astype(float)
    return parts[0] * 3600 + parts[1] * 60 + parts[2]


def _problems(
    raw: pd.DataFrame,
    whole: pd.DataFrame,
    clocks: pd.DataFrame,
    dates: "pd.Series[pd.Timestamp]",
) -> "pd.Series[str]":
    """Name the first thing that is wrong with each row, or nothing."""
    checks = dict(_checks(raw, whole, clocks, dates))
    return pd.Series(
        np.select(list(checks.values()), list(checks), default=""), index=raw.index, dtype="str"
    )


def _checks(
    raw: pd.DataFrame,
    whole: pd.DataFrame,
    clocks: pd.DataFrame,
    dates: "pd.Series[pd.Timestamp]",
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Give each check as what it says and the rows that fail it, the plainest first."""
    for name in _CLOCKS:
        yield f"{name} is not a time of day (h:mm:ss)", clocks[name].isna().to_numpy()
    for name in _WHOLE:
        yield f"{name} is not a whole number", whole[name].isna().to_numpy()
    yield "date is not a date (yymmdd)", dates.isna().to_numpy()
    yield "unknown priority, not 0, 1 or 2", ~whole["priority"].isin(_PRIORITIES).to_numpy()
    yield f"unknown type, none of {', '.join(BANK_REASONS)}", ~_among(raw["type"], BANK_REASONS)
    yield f"unknown outcome, none of {', '.join(_ENDED)}", ~_among(raw["outcome"], _ENDED)
    yield "server is empty", (raw["server"] == "").to_numpy()
    for name, (start, stop) in _SPELLS.items():
        yield f"{name} is negative", (whole[name] < 0).to_numpy()
        yield f"{name} is longer than 12 hours", (whole[name] > _LONGEST).to_numpy()
        passed = (clocks[stop] - clocks[start]) % _DAY
        yield f"{name} is not {stop} - {start}", (passed != whole[name]).to_numpy()
    unserved = (raw["outcome"] != "AGENT").to_numpy()
    yield "not served, yet an agent is named", unserved & (raw["server"] != "NO_SERVER").to_numpy()
    early = _after(clocks["ser_start"], _wait_over(clocks)) < -_TICK
    yield (
        f"service begins more than {_TICK} s before the wait ended",
        (early & _was_recorded(clocks) & ~unserved).to_numpy(),
    )
    yield "repeats an earlier row", raw.duplicated().to_numpy()


def _among(codes: "pd.Series[str]", known: dict[str, str]) -> npt.NDArray[np.bool_]:
    return codes.isin(list(known)).to_numpy()


def _after(later: "pd.Series[float]", earlier: "pd.Series[float]") -> "pd.Series[float]":
    """Seconds from one clock to another, the short way round midnight."""
    return (later - earlier + _DAY / 2) % _DAY - _DAY / 2


def _wait_over(clocks: pd.DataFrame) -> "pd.Series[float]":
    """When the caller left the queue, or the VRU if there was no queue."""
    queued = (clocks["q_start"] > 0) | (clocks["q_exit"] > 0)
    return clocks["q_exit"].where(queued, clocks["vru_exit"])


def _was_recorded(clocks: pd.DataFrame) -> "pd.Series[bool]":
    """Whether the service clock was written at all: both ends at midnight mean it was not."""
    return (clocks["ser_start"] > 0) | (clocks["ser_exit"] > 0)


def _rejected(file: Path, bad: dict[int, str], rows: dict[int, list[str]]) -> pd.DataFrame:
    lines = sorted(bad)
    return pd.DataFrame(
        {
            "file": pd.Series([file.name] * len(lines), dtype="str"),
            "line": pd.Series(lines, dtype="int64"),
            "reason": pd.Series([bad[line] for line in lines], dtype="str"),
            "text": pd.Series(["\t".join(rows[line]) for line in lines], dtype="str"),
        }
    )


def _contacts(calls: pd.DataFrame) -> pd.DataFrame:
    """Name, type and order the columns as the library does."""
    calls = calls.sort_values(["date", "vru_entry", "vru+line", "call_id"], ignore_index=True)
    served = calls["outcome"] == "AGENT"
    customer = calls["customer_id"].astype("Int64")
    answered = calls["vru_entry"] + _after(calls["ser_start"], calls["vru_entry"])
    return pd.DataFrame(
        {
            "contact": np.arange(len(calls), dtype=np.int64),
            "day": (calls["date"].rank(method="dense") - 1).astype("int16"),
            "date": calls["date"],
            "minute": calls["vru_entry"] / 60,
            "channel": _category(pd.Series("voice", index=calls.index), ["voice"]),
            "reason": _category(calls["type"].map(BANK_REASONS), BANK_REASONS.values()),
            "attempt": pd.Series(pd.NA, index=calls.index, dtype="Int8"),
            "customer": customer.mask(customer == 0),
            "agent": calls["server"].mask(calls["server"] == "NO_SERVER").astype("category"),
            "wait_minutes": calls["q_time"].astype(float) / 60,
            "handle_minutes": (calls["ser_time"].astype(float) / 60).where(served),
            "ended": _category(calls["outcome"].map(_ENDED), _ENDED.values()),
            "logged_outcome": _category(calls["outcome"].map(_LOGGED), _LOGGED.values()),
            "priority": calls["priority"].astype("int8"),
            "vru_minutes": calls["vru_time"].astype(float) / 60,
            "service_minute": (answered / 60).where(served & _was_recorded(calls)),
            "line": calls["vru+line"].astype("category"),
        }
    )


def _category(values: "pd.Series[str]", names: Iterable[str]) -> "pd.Series[Any]":
    return values.astype(pd.CategoricalDtype(list(names)))
