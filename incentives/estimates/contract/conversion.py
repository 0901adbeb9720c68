"""From what stands in a file to the types of the declaration, noting what cannot be converted.

What is wrong becomes a hole (NaN, NaT, -1 or no category), so that the other checks can go on.
"""

import re
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from incentives.estimates.comparison import listed
from incentives.estimates.contract.declaration import CONTRACT, WORDS, Column, Frame
from incentives.estimates.contract.problems import Problems

__all__ = ["converted", "empty", "since"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

NOTHING = {"nothing", "nil", "null", "nan", "na", "n/a", "false", "0", "-", "ok", "okay", "clean"}
NOTHING |= {"no", "fine", "pass", "passed", "correct", "compliant", "genuine", "honest"}
WRONG = (
    "issue|problem|finding|found|gam|error|fault|fraud|defect|breach|violat|concern|befund|fehler"
)
DENIAL = re.compile(rf"(none|nothing)\b|(no|not|without|kein\w*|ohne|nicht) (\w+ )?({WRONG})")
YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
WAYS = {
    "whole": "write digits only, or leave the column out",
    "number": "write digits and a decimal point, no thousands separators and no units",
    "yes_no": "write yes or no",
    "month": f"write {WORDS['month']}",
    "date": f"write {WORDS['date']}",
    "time": f"write {WORDS['time']}",
}


def converted(frame: Frame, raw: pd.DataFrame, problems: Problems) -> pd.DataFrame:
    """Give a frame's declared columns in their types; identifiers stay as they are.

    Months and dates become months as numbers: those written as dates count from year 0 until
    `since` has found the first one.
    """
    columns: dict[str, Any] = {}
    for name in raw.columns:
        column = frame.named(name)
        if column is None:
            continue
        values = raw[name]
        missing = empty(values)
        if not column.empty:
            way = "fill it in" if column.need == "required" else "fill it in, or drop the column"
            problems.add(frame.name, name, "is empty", way, rows=missing)
        columns[name] = _convert(frame.name, column, values, missing, problems)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(raw)), copy=False)


def empty(values: pd.Series) -> Bools:
    """Tell which cells hold nothing."""
    missing = values.isna().to_numpy(dtype=bool)
    if isinstance(values.dtype, pd.StringDtype) or values.dtype == object:
        missing = missing | np.asarray(values == "", dtype=bool)
    return missing


def _convert(
    frame: str, column: Column, values: pd.Series, missing: Bools, problems: Problems
) -> Any:
    if column.kind == "identifier":
        return values.to_numpy() if values.dtype == object else values.array
    if column.kind == "name":
        return _names(frame, column, values, missing, problems)
    if column.kind == "time":
        return _times(frame, column, values, missing, problems)
    read = {"whole": _numbers, "number": _numbers, "yes_no": _yes_no}.get(column.kind, _months)
    found = read(frame, column, values, missing, problems)
    if column.kind == "yes_no":
        return found if np.isnan(found).any() else found.astype(bool)
    if column.kind == "whole":
        broken = ~np.isnan(found) & (found != np.round(found))
        problems.add(frame, column.name, "is not a whole number", WAYS["whole"], rows=broken)
        found = np.where(broken, np.nan, found)
    _refuse_outside(frame, column, values, found, problems)
    if column.kind == "whole" and not np.isnan(found).any():
        return found.astype(np.int64)
    return found


def _refuse_outside(
    frame: str, column: Column, values: pd.Series, found: Floats, problems: Problems
) -> None:
    """Note what lies outside the column's range."""
    if column.kind in ("month", "date"):
        return  # known only once the first month is
    low = found <= column.low if column.above else found < column.low
    outside = low | (found > column.high)
    said = f"is out of range{_such_as(values, outside)}"
    problems.add(frame, column.name, said, f"allowed is {column.allowed()}", rows=outside)


def _codes(values: pd.Series) -> tuple[Any, list[str]]:
    """Give each cell as a place in a list of the texts that occur, -1 where there is nothing."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy(dtype=np.int64), [
            str(value) for value in values.cat.categories
        ]
    codes, found = pd.factorize(values)
    return codes, [str(value) for value in found]


def _spread(codes: Any, found: "list[float] | Floats") -> Floats:
    """Give each cell the number found for its text, NaN where there is nothing."""
    cells: Floats = np.append(np.asarray(found, dtype=np.float64), np.nan)[codes]
    return cells


def _names(
    frame: str, column: Column, values: pd.Series, missing: Bools, problems: Problems
) -> pd.Categorical:
    codes, found = _codes(values)
    texts = [text.strip() for text in found]
    if column.nothing:
        texts = [column.nothing if text.lower() == column.nothing else text for text in texts]
        doubtful = np.array([*(_says_nothing(text, column) for text in texts), False])[codes]
        said = f"may mean that there was nothing{_such_as(values, doubtful)}"
        way = f"write `{column.nothing}` where there was nothing; if it is a kind, spell it out"
        problems.add(frame, column.name, said, way, rows=doubtful & ~missing)
    known = list(column.values or dict.fromkeys(text for text in texts if text))
    if isinstance(values.dtype, pd.CategoricalDtype) and not column.values:
        known = list(dict.fromkeys(texts))  # an empty text is a name there, as in `runs.off`
    place = {name: i for i, name in enumerate(known)}
    placed = np.array([*(place.get(text, -1) for text in texts), -1], dtype=np.int64)[codes]
    strange = (placed < 0) & ~missing
    said = listed(sorted({found[code] for code in np.unique(codes[strange])})[:5])
    way = f"allowed are {column.allowed()}"
    problems.add(frame, column.name, f"is none of its names: {said}", way, rows=strange)
    return pd.Categorical.from_codes(placed, categories=pd.Index(known, dtype="str"))


def _says_nothing(text: str, column: Column) -> bool:
    """Tell whether a name looks like the one for nothing, or like another word for it."""
    plain = text.lower()
    if plain == column.nothing:
        return False
    near = bool(get_close_matches(plain, [column.nothing], cutoff=0.8))
    return near or plain in NOTHING or DENIAL.match(plain) is not None


def _numbers(
    frame: str, column: Column, values: pd.Series, missing: Bools, problems: Problems
) -> Floats:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~np.isfinite(numbers) & ~missing
    said = f"is not a number{_such_as(values, wrong)}"
    problems.add(frame, column.name, said, WAYS[column.kind], rows=wrong)
    return np.where(wrong, np.nan, numbers)


def _yes_no(
    frame: str, column: Column, values: pd.Series, missing: Bools, problems: Problems
) -> Floats:
    codes, found = _codes(values)
    read = [float(YES.get(text.strip().lower().removesuffix(".0"), np.nan)) for text in found]
    answers = _spread(codes, read)
    wrong = np.isnan(answers) & ~missing
    said = f"is neither yes nor no{_such_as(values, wrong)}"
    problems.add(frame, column.name, said, WAYS["yes_no"], rows=wrong)
    return answers


def _times(
    frame: str, column: Column, values: pd.Series, missing: Bools, problems: Problems
) -> Any:
    """Read dates with times; one with an offset is refused, for local time is what counts."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        way = "write the centre's local time, without an offset"
        problems.add(frame, column.name, "is not local time", way, rows=~missing)
        return np.full(len(values), np.datetime64("NaT"), dtype="datetime64[s]")
    times = _dates(values)
    wrong = np.isnat(times) & ~missing
    said = f"is not a date and time{_such_as(values, wrong)}"
    problems.add(frame, column.name, said, WAYS["time"], rows=wrong)
    return times


def _dates(values: pd.Series) -> npt.NDArray[np.datetime64]:
    """Read ISO dates without an offset; NaT for anything else."""
    if pd.api.types.is_datetime64_dtype(values.dtype):
        return np.asarray(values.to_numpy())
    if pd.api.types.is_numeric_dtype(values.dtype):
        return np.full(len(values), np.datetime64("NaT"), dtype="datetime64[s]")
    text = values.astype("str")
    local = ~text.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", na=True).to_numpy(dtype=bool)
    read = pd.to_datetime(text.where(local), errors="coerce", format="ISO8601")
    return np.asarray(read.to_numpy(dtype="datetime64[us]"))


def _months(
    frame: str, column: Column, values: pd.Series, missing: Bools, problems: Problems
) -> Floats:
    """Read months as numbers; dates count from year 0, with the day as a part of the month."""
    if pd.api.types.is_numeric_dtype(values.dtype) and values.dtype != bool:
        months = values.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        codes, found = _codes(values)
        texts = pd.Series([text.strip() for text in found], dtype="str")
        months = _spread(codes, _of_texts(texts))
    if column.open_end:
        ends = ~((months >= OPEN) & (months < LATEST))
        months, missing = np.where(ends, months, np.nan), missing | ~ends
    wrong = (np.isnan(months) | (months >= LATEST)) & ~missing
    months = np.where(wrong, np.nan, months)
    kind = column.kind
    said = f"is neither a {kind} nor a number of months{_such_as(values, wrong)}"
    problems.add(frame, column.name, said, WAYS[kind], rows=wrong)
    if kind == "month":
        inside = ~np.isnan(months) & (months != np.floor(months))
        if column.whole_months:
            way = "answers go by month: give the first whole month, and leave earlier days out"
            problems.add(frame, column.name, "is not the first of a month", way, rows=inside)
        months = np.floor(months)
    return months


def _of_texts(texts: pd.Series) -> Floats:
    """Read texts as months: numbers as they stand, dates from year 0."""
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
    dates = _dates(texts)
    return np.where(np.isnan(numbers), months_of(dates), numbers)


def months_of(dates: npt.NDArray[np.datetime64]) -> Floats:
    """Give dates as months since year 0; the time within a month as a part of 31 days.

    Examples
    --------
    >>> months = months_of(np.array(["2026-03-01", "2026-04-16T12:00"], dtype="datetime64[s]"))
    >>> (months - 2026 * 12).tolist()
    [2.0, 3.5]
    """
    whole = dates.astype("datetime64[M]")
    days: Floats = (dates - whole.astype(dates.dtype)) / np.timedelta64(1, "D")  # type: ignore[operator]
    months = whole.astype(np.int64) + 1970 * 12 + days / 31
    return np.where(np.isnat(dates), np.nan, months)


def since(frames: dict[str, pd.DataFrame], problems: Problems) -> int:
    """Count months from the first one on record, in place, and give it as months since year 0.

    The first is that of the earliest contact; where contacts bear no dates, that of the frame
    whose months do, in the order of the contract, assignments last.
    """
    dated = [
        (name, column)
        for name, frame in frames.items()
        for column in CONTRACT[name].columns
        if column.kind in ("month", "date") and column.name in frame
    ]
    for name, placed in (("contacts", "start"), ("contacts", "month"), ("cells", "month")):
        if placed in frames.get(name, ()):
            _leave_out_strays(frames[name], name, placed, problems)
    first = _first(frames, dated)
    for name, column in dated:
        frame = frames[name]
        months = frame[column.name].to_numpy(dtype=np.float64)
        is_date = months >= EARLIEST
        if is_date.any() and not (is_date | np.isnan(months)).all():
            way = "write all of them one way"
            problems.add(name, column.name, "is a date here, a number there", way, rows=is_date)
        months = np.where(is_date, months - first, months)
        _refuse_far(name, column, months, problems, dates=bool(is_date.any()))
        whole = column.kind == "month" and not np.isnan(months).any()
        frame[column.name] = months.astype(np.int64) if whole else months
    return first


def _refuse_far(
    name: str, column: Column, months: Floats, problems: Problems, *, dates: bool
) -> None:
    """Note months before the first one, where there can be none, and those of other centuries."""
    early = months < column.low
    far = ~early & (np.abs(months) > MOST)
    by = [f"contacts.{each}" for each in ("start", "month")]
    if dates:
        way = "correct it, or the contacts, of which the earliest gives the first month"
        said = "is before the first month on record"
        problems.add(name, column.name, said, way, rows=early, rests_on=by)
        way = "correct it" + (", or leave it empty where it goes on" if column.open_end else "")
        said = f"is more than {MOST // 12} years from the first month on record"
        problems.add(name, column.name, said, way, rows=far, rests_on=by)
    else:
        way = f"months count from 0, at most {MOST}"
        problems.add(name, column.name, "is out of range", way, rows=early | far)


def _leave_out_strays(frame: pd.DataFrame, name: str, column: str, problems: Problems) -> None:
    """Note, and empty, months that lie years away from all others: a slip in one year.

    Every month up to the last one would be on record, and every customer at risk in all of them.
    """
    values = frame[column].to_numpy()
    months = np.floor(months_of(values) if column == "start" else values.astype(np.float64))
    held = np.unique(months[~np.isnan(months)])
    if not len(held):
        return
    part = np.cumsum(np.diff(held, prepend=held[0]) > GAP)
    whose = part[np.searchsorted(held, months).clip(max=len(held) - 1)]
    stray = ~np.isnan(months) & (whose != np.bincount(whose[~np.isnan(months)]).argmax())
    if not stray.any():
        return
    said = f"is more than {GAP // 12} years away from all others{_such_as(frame[column], stray)}"
    problems.add(name, column, said, "correct the year", rows=stray)
    frame[column] = frame[column].mask(stray)


EARLIEST = 1000 * 12  # so many months and more are a date
OPEN = 2099 * 12  # from then on an end is none: some systems write 9999-12-31
LATEST = 10_000 * 12  # so many months and more are none, but perhaps 20260314 or 202603
MOST = 1200  # months that a record can have: a hundred years
GAP = 120  # months without a single contact, at most
FIRST_BY = ("contacts", "cells", "agents", "customers", "surveys", "audits", "assignments")


def _first(frames: dict[str, pd.DataFrame], dated: list[tuple[str, Column]]) -> int:
    if "contacts" in frames and "start" in frames["contacts"]:
        starts = frames["contacts"]["start"].to_numpy().astype("datetime64[s]")
        if (known := starts[~np.isnat(starts)]).size:
            return int(months_of(known.min(keepdims=True))[0])
    for name in FIRST_BY:
        for other, column in dated:
            if other == name and column.kind == "month":
                months = frames[name][column.name].to_numpy(dtype=np.float64)
                if (months >= EARLIEST).any():
                    return int(np.nanmin(months[months >= EARLIEST]))
    return 0


def _such_as(values: pd.Series, wrong: Bools) -> str:
    """Quote the first of the values that are wrong."""
    if not wrong.any():
        return ""
    return f": {listed([str(values.iloc[int(np.flatnonzero(wrong)[0])])[:40]])}"
