"""Read a firm's files, or frames, as `Records` that every estimator takes.

Everything that is wrong is reported at once. Columns that the contract does not know are left
out unless they are asked for by name, so that nothing personal comes in by accident.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from incentives.estimates.comparison import listed, unknown
from incentives.estimates.contract.checking import check
from incentives.estimates.contract.conversion import converted, since
from incentives.estimates.contract.declaration import CONTRACT, OWN_KINDS, Column, Frame
from incentives.estimates.contract.deriving import complete, on_record
from incentives.estimates.contract.identity import numbered
from incentives.estimates.contract.problems import Problems
from incentives.records import Records

__all__ = ["read_records"]

Names = Mapping[str, str]
Frames = Mapping[str, Frame]

AS_TEXT = ("identifier", "name", "yes_no", "month", "date")
BETWEEN = {",": "commas", ";": "semicolons", "\t": "tabs"}  # what stands between cells
SHOWN = 8  # names of a strange header
SPARED = ("audits", "surveys")  # frames that nothing else is worked out from
BESIDE = ("data_dictionary",)  # files that stand beside the data and are none
SIMULATED = {item.name for item in fields(Records)} - set(CONTRACT)


def read_records(
    source: str | Path | Mapping[str, pd.DataFrame],
    *,
    columns: Mapping[str, Names] | None = None,
    covariates: Mapping[str, Sequence[str]] | None = None,
    pseudonym_key: str | None = None,
) -> Records:
    """Read a firm's tables, check them, and work out what estimators need beside them.

    Checked are types, units and ranges, keys within and between frames, and what cannot be: an
    assignment that ends before it begins, a contact before its agent was hired or ten years from
    all others, an audit of a contact that is not there or that was another agent's, a survey
    answered by somebody who was not asked, a file of which no column is known. Worked out are
    months and working days from timestamps, the team and the pay scheme of every row from
    `agents` and `assignments`, `cells` from contacts, and customer-months at risk from
    subscriptions, with `exposure_identified`.

    Parameters
    ----------
    source
        A folder with one CSV or Parquet file a frame, named as the frame (`write_templates`
        makes one to fill; commas, semicolons or tabs between cells), or frames by name. At the
        least `assignments`, and one of `contacts`, `cells`, `subscriptions` and `customers`.
    columns
        By frame, the firm's names of columns and ours: ``{"contacts": {"call_id": "contact"}}``.
    covariates
        By frame, columns of categories that are the firm's own, to compare like with like:
        ``{"contacts": ["plan"]}``. They may stand in `contacts` (whence `cells`, `audits` and
        `surveys` have them too), `cells`, `audits`, `subscriptions` (whence `customers`) and
        `customers`; each cell is to be filled.
    pseudonym_key
        A secret of 16 characters or more. Identifiers of contacts, agents, teams and customers
        are replaced by keyed BLAKE2 digests, the same in every frame. The key is not kept, and
        whoever has it can find out which digest is whose: keep it apart from the data.

    Returns
    -------
    Records
        With one run, replication 0, unless the tables say otherwise. Months are calendar months
        counted from the first; identifiers are whole numbers (-1 is nobody), and where the firm
        has text, `agents` has it as `agent_id` and `team_id`. With timestamps `day` counts the
        dates on which there were contacts; shorter months begin later, so that every month ends
        on the same of its `days_per_month`.

    Raises
    ------
    RecordsError
        The tables cannot be used; the message is a table of all that is wrong.
    FileNotFoundError
        There is no such folder.
    KeyError
        `columns` or `covariates` speak of a frame that is not in the contract, or has none.
    ValueError
        A covariate has the name of a column that is in the contract, or of a truth.

    Examples
    --------
    >>> import incentives as inc
    >>> import pandas as pd
    >>> calls = {"call": ["a", "b"], "start": "2026-03-02 09:30", "agent": "ann"}
    >>> calls["logged_outcome"] = ["saved", "handled"]
    >>> paid = {"unit": "world", "unit_id": [None], "scheme": "wage", "randomised": "no"}
    >>> frames = {
    ...     "contacts": pd.DataFrame(calls),
    ...     "assignments": pd.DataFrame({**paid, "from_month": "2026-03"}),
    ... }
    >>> records = inc.read_records(frames, columns={"contacts": {"call": "contact"}})
    >>> records.cells[["month", "agent", "scheme", "logged_outcome", "n"]]
       month  agent scheme logged_outcome  n
    0      0      0   wage        handled  1
    1      0      0   wage          saved  1
    """
    problems = Problems()
    renamed, own = columns or {}, covariates or {}
    for name in renamed:
        if name not in CONTRACT:
            raise unknown(name, CONTRACT, what="frame", where="the contract")
    contract = _with_own(own)
    if isinstance(source, Mapping):
        raw = _given(source, contract, renamed, problems)
    else:
        raw = _filed(Path(source), contract, renamed, problems)
    _note_missing(raw, contract, problems)
    frames = {name: converted(contract[name], raw.pop(name), problems) for name in list(raw)}
    names = numbered(frames, pseudonym_key)
    since(frames, problems)
    complete(frames, own, problems)
    check(frames, problems)
    problems.refuse()
    frames["assignments"] = on_record(frames["assignments"])
    return _records(frames, names)


def _with_own(covariates: Mapping[str, Sequence[str]]) -> Frames:
    """Give the contract with a firm's own kinds as columns that have to be there."""
    found = dict(CONTRACT)
    for frame, names in covariates.items():
        if frame not in OWN_KINDS:
            raise unknown(frame, OWN_KINDS, what="frame", where="what can have covariates")
        for name in names:
            if name.startswith("true_"):
                raise ValueError(
                    f"covariates: '{name}' of {frame} begins like what only a simulator knows, "
                    "and no estimator would see it: rename it in `columns`"
                )
            if any(name in (column.name for column in each.columns) for each in CONTRACT.values()):
                raise ValueError(
                    f"covariates: '{name}' of {frame} is a column of the contract and needs no "
                    "mention; if it means something else, rename it in `columns`"
                )
        meaning = "A kind of the firm's own, named in `covariates`."
        own = (Column(name=name, kind="name", need="required", meaning=meaning) for name in names)
        found[frame] = replace(CONTRACT[frame], columns=(*CONTRACT[frame].columns, *own))
    return found


# -- where frames come from ---------------------------------------------------------------------


def _given(
    source: Mapping[str, pd.DataFrame],
    contract: Frames,
    renamed: Mapping[str, Names],
    problems: Problems,
) -> dict[str, pd.DataFrame]:
    """Take the declared columns of frames; one without rows is left out, as of files."""
    found = {}
    for name in _known(source, problems):
        frame = source[name]
        if frame.empty and frame.columns.empty:
            continue
        header = list(frame.columns)
        wanted = _wanted(contract[name], header, renamed.get(name, {}), problems)
        if not wanted:
            _note_strange(name, f"{name} has columns {_begun(header)}", header, problems)
            continue
        if len(frame):
            found[name] = frame[list(wanted)].rename(columns=wanted).reset_index(drop=True)
    return found


def _filed(
    folder: Path, contract: Frames, renamed: Mapping[str, Names], problems: Problems
) -> dict[str, pd.DataFrame]:
    """Read the declared columns of files; a file with a header and nothing below is left out."""
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: write_templates makes one to fill")
    paths: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".csv", ".parquet") and path.stem not in BESIDE:
            paths.setdefault(path.stem, []).append(path)
    found = {}
    for name in _known(paths, problems):
        if len(paths[name]) > 1:
            both = listed(path.name for path in paths[name])
            problems.add(name, "", f"is there twice: {both}", "keep one of them")
        path = paths[name][0]
        is_csv = path.suffix.lower() == ".csv"
        problems.counted[name] = "line" if is_csv else "row"
        try:
            read = _csv if is_csv else _parquet
            table = read(path, contract[name], renamed.get(name, {}), problems)
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            way = "save it as UTF-8 with commas or semicolons between cells"
            problems.add(name, "", f"cannot be read: {str(error).splitlines()[0]}", way)
            problems.leave_out(name)
            continue
        if table.num_rows:
            found[name] = table.to_pandas(split_blocks=True, self_destruct=True)
    return found


def _csv(path: Path, frame: Frame, renamed: Names, problems: Problems) -> pa.Table:
    header, between = _header(path, frame, renamed)
    wanted = _wanted(frame, header, renamed, problems)
    if not wanted:
        if header:
            said = f"{path.name} begins {_begun(header)}, with {BETWEEN[between]} between"
            _note_strange(frame.name, said, header, problems)
        return pa.table({})
    texts = {theirs: pa.string() for theirs, ours in wanted.items() if _is_text(frame, ours)}
    convert = pyarrow.csv.ConvertOptions(
        include_columns=list(wanted),
        column_types=texts,
        null_values=[""],  # "NA" may be a team
        strings_can_be_null=True,
    )
    parse = pyarrow.csv.ParseOptions(delimiter=between)
    table = pyarrow.csv.read_csv(path, parse_options=parse, convert_options=convert)
    return table.rename_columns(list(wanted.values()))


def _header(path: Path, frame: Frame, renamed: Names) -> tuple[list[str], str]:
    """Give a file's header, and what stands between its cells: that which shows most columns."""

    def known(header: list[str]) -> tuple[int, int]:
        ours = [name for name in header if frame.named(renamed.get(name, name)) is not None]
        return len(ours), len(header)

    headers = {}
    for between in BETWEEN:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines, delimiter=between)
            headers[between] = next((row for row in rows if row), [])
    best = max(headers, key=lambda between: known(headers[between]))
    return headers[best], best


def _parquet(path: Path, frame: Frame, renamed: Names, problems: Problems) -> pa.Table:
    header = pyarrow.parquet.read_schema(path).names
    wanted = _wanted(frame, header, renamed, problems)
    if not wanted:
        _note_strange(frame.name, f"{path.name} has columns {_begun(header)}", header, problems)
        return pa.table({})
    table = pyarrow.parquet.read_table(path, columns=list(wanted)).select(list(wanted))
    return table.rename_columns(list(wanted.values()))


def _is_text(frame: Frame, name: str) -> bool:
    column = frame.named(name)
    return column is not None and column.kind in AS_TEXT


# -- which of it is ours ------------------------------------------------------------------------


def _known(names: Mapping[str, object], problems: Problems) -> list[str]:
    """Give the frames of the contract in its order, and note what looks like one of them."""
    for name in names:
        if name in CONTRACT or name in SIMULATED:
            continue
        near = get_close_matches(name, CONTRACT, n=1)
        hint = f"call it '{near[0]}'" if near else f"frames are {listed(CONTRACT)}"
        problems.add(name, "", "is no frame of the contract", f"{hint}, or move it elsewhere")
    return [name for name in CONTRACT if name in names]


def _wanted(frame: Frame, header: list[str], renamed: Names, problems: Problems) -> dict[str, str]:
    """Give the columns to read, by the firm's name, with ours."""
    for name in renamed:
        if name not in header:
            way = f"the file has {listed(header)}"
            problems.add(frame.name, name, "is to be renamed and is not there", way)
    wanted: dict[str, str] = {}
    for theirs in header:
        ours = renamed.get(theirs, theirs)
        if frame.named(ours) is not None:
            if ours in wanted.values() or header.count(theirs) > 1:
                problems.add(frame.name, ours, "is there twice", "keep or rename one of them")
                continue
            wanted[theirs] = ours
    absent = [column.name for column in frame.columns if column.name not in wanted.values()]
    for theirs in header:
        plain = theirs.strip().lower()
        if theirs not in wanted and (near := get_close_matches(plain, absent, n=1, cutoff=0.85)):
            way = f"if it is '{near[0]}', say so in `columns`; if not, give it another name"
            problems.add(frame.name, theirs, f"looks like '{near[0]}'", way)
    return wanted


def _note_strange(name: str, said: str, header: list[str], problems: Problems) -> None:
    """Note a frame none of whose columns is in the contract."""
    required = [column.name for column in CONTRACT[name].columns if column.need == "required"]
    mapped = {name: {header[0] if header else "yours": (required or ["run"])[0]}}
    way = f"name them as the contract does, or map them: columns={mapped}, say, and so on"
    problems.add(name, "", f"has no column of the contract: {said}", way)
    problems.leave_out(name)


def _begun(header: list[str]) -> str:
    """Quote the first names of a header."""
    more = ", ..." if len(header) > SHOWN else ""
    return f"{listed(name[:40] for name in header[:SHOWN])}{more}" if header else "none"


def _note_missing(frames: dict[str, pd.DataFrame], contract: Frames, problems: Problems) -> None:
    """Note frames and columns that have to be there, and put empty ones in their place.

    So the rest can be looked at all the same, but for what rests on these.
    """
    if "assignments" not in frames:
        way = "say who was under which scheme; under one for all, one row with unit 'world'"
        problems.add("assignments", "", "is missing or empty", way)
        problems.leave_out("assignments")
        frames["assignments"] = pd.DataFrame(index=range(1))
    sources = ("contacts", "cells", "subscriptions", "customers")
    if not set(sources) & {*frames, *problems.left_out}:
        problems.add("contacts", "", "is missing or empty", f"give one of {listed(sources)}")
    for name, frame in frames.items():
        known = {*frame.columns, *(f"contacts.{each}" for each in frames.get("contacts", ()))}
        for column in contract[name].columns:
            if column.need == "required" and not known & {column.name, *column.unless}:
                way = f"it says: {column.meaning}"
                if name in SPARED:
                    way += f" Or leave {name} out, and ask what needs none"
                problems.add(name, column.name, "is missing", way, rests_on=column.unless)
                problems.holes.add(f"{name}.{column.name}")
                frame[column.name] = None


# -- what comes out -----------------------------------------------------------------------------


def _records(frames: dict[str, pd.DataFrame], names: dict[str, pa.Array]) -> Records:
    """Put the frames together; those that only a simulator fills are empty."""
    agents = frames.get("agents")
    if agents is not None:
        for entity in ("agent", "team"):
            if entity in names and entity in agents:
                codes = agents[entity].to_numpy()
                agents[f"{entity}_id"] = pd.Categorical.from_codes(
                    codes, pd.Index(names[entity].to_pylist())
                )
    made = {}
    for item in fields(Records):
        if item.name not in CONTRACT:
            made[item.name] = pd.DataFrame()
            continue
        frame = frames.get(item.name, pd.DataFrame())
        declared = [column.name for column in CONTRACT[item.name].columns]
        if frame.columns.empty:
            made[item.name] = pd.DataFrame(columns=declared)
            continue
        order = [name for name in declared if name in frame]
        made[item.name] = frame[order + [name for name in frame if name not in declared]]
    return Records(**made)
