"""A firm's files: what is read, what is worked out, what is refused, and in which words."""

import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import trial

import incentives as inc
from incentives.estimates.contract.declaration import CONTRACT, DTYPES, dictionary
from incentives.estimates.contract.deriving import Lookup

SECRET = "a secret of the firm's own"
DAYS = 20


@cache
def centre() -> inc.Records:
    """Give the analyst's view of a small centre, half of whose teams are paid for saves."""
    base = inc.Scenario.load("outsourced_retentions").change(
        {
            "floor.teams": 8,
            "floor.team_size": 2,
            "floor.customers": 9000,
            "audit.rate": 0.1,
            "audit.on_saves": 0.5,
            "routing.keep": "team",
        }
    )
    schemes = {"wage": inc.Wage(), "retention": inc.Wage() + inc.PieceRate("saves", 6.0)}
    return inc.simulate(base.assign(schemes), months=2, rng=4).seen_by("analyst")


def answers(records: inc.Records) -> tuple[Any, Any]:
    return (
        inc.gaming_effect(records, control="wage").to_dict(),
        inc.churn_effect(records, control="wage", horizon=2).to_dict(),
    )


def small() -> dict[str, pd.DataFrame]:
    """Give a firm's tables that are right: two agents, a month and a half."""
    contacts = pd.DataFrame(
        {
            "contact": ["a", "b", "c", "d"],
            "start": [
                "2026-01-30 09:00",
                "2026-01-31 10:30",
                "2026-02-02 11:00",
                "2026-02-03 12:00",
            ],
            "agent": ["ann", "bob", "", "ann"],
            "customer": ["k1", "k2", "k1", "k2"],
            "reason": "cancel",
            "logged_outcome": ["saved", "handled", "abandoned", "sale"],
            "handle_minutes": [5.0, 4.0, 0.0, 6.0],
        }
    )
    agents = {"agent": ["ann", "bob"], "team": ["north", "south"], "hired": "2025-06-02"}
    assignments = {"unit": "team", "unit_id": ["north", "south"], "scheme": ["saves", "wage"]}
    audits = {"contact": ["a", "b"], "prob": [0.5, 0.1], "found": ["G1", "none"]}
    surveys = {"contact": ["a", "b"], "invited": "yes", "answered": ["yes", "no"]}
    subscriptions = {
        "customer": ["k1", "k2", "k3"],
        "start": ["2024-05-17", "2026-01-15", "2020-01-01"],
        "end": ["", "2026-02-10", "2026-01-20"],
        "end_reason": ["", "contact", "Moved house"],
        "home_team": ["north", "south", "south"],
        "value": [30.0, 20.0, 10.0],
    }
    return {
        "contacts": contacts,
        "agents": pd.DataFrame(agents),
        "assignments": pd.DataFrame(assignments).assign(from_month="2026-01", randomised="yes"),
        "audits": pd.DataFrame(audits).assign(found_outcome="handled"),
        "surveys": pd.DataFrame(surveys).assign(score=[8.0, np.nan]),
        "subscriptions": pd.DataFrame(subscriptions),
    }


def refusal(frames: dict[str, pd.DataFrame], **options: Any) -> pd.DataFrame:
    """Read tables that must be refused, and give the problems."""
    with pytest.raises(inc.RecordsError) as caught:
        inc.read_records(frames, **options)
    problems = caught.value.problems
    for word in problems.astype(str).to_numpy().ravel():
        assert word in str(caught.value)
    return problems


# ── what comes out ───────────────────────────────────────────────────────────────────────────────


def test_a_firms_tables_become_records() -> None:
    records = inc.read_records(small())
    contacts = records.contacts
    assert contacts["month"].tolist() == [0, 0, 1, 1]
    assert contacts["day"].tolist() == [0, 1, 2, 3]
    assert contacts["minute"].tolist() == [540, 630, 660, 720]
    assert contacts["agent"].tolist() == [0, 1, -1, 0]
    assert contacts["team"].tolist() == [0, 1, -1, 0]
    assert contacts["scheme"].astype(object).where(contacts["agent"] >= 0, "").tolist() == [
        "saves",
        "wage",
        "",
        "saves",
    ]
    assert contacts["ended"].tolist() == ["served", "served", "abandoned", "served"]
    assert records.cells["n"].sum() == 4
    assert records.audits[["agent", "month", "logged_outcome"]].values.tolist() == [
        [0, 0, "saved"],
        [1, 0, "handled"],
    ]
    assert records.agents[["agent_id", "team_id", "month"]].values.tolist() == [
        ["ann", "north", 0],
        ["bob", "south", 0],
        ["ann", "north", 1],
    ]
    assert records.agents["logged_saves"].tolist() == [1, 0, 0]
    assert records.runs[["run", "replication", "months", "days_per_month"]].values.tolist() == [
        [0, 0, 2, 2]
    ]


def test_subscriptions_become_customer_months_at_risk() -> None:
    customers = inc.read_records(small()).customers
    shown = ["customer", "month", "initial", "left", "left_contact", "left_moved_house"]
    assert customers[shown].astype(int).values.tolist() == [
        [0, 0, 1, 0, 0, 0],
        [0, 1, 1, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 1, 1, 0],
        [2, 0, 1, 1, 0, 1],
    ]
    # k2 of south met ann of north in February, whose scheme is another
    assert customers["exposure_identified"].tolist() == [True, True, True, False, True]
    assert customers["tenure_band"].tolist() == [
        "1-2 years",
        "1-2 years",
        "under 1 year",
        "under 1 year",
        "over 5 years",
    ]


def test_customer_months_without_a_home_team_are_nobodys_effect_where_teams_were_assigned() -> None:
    frames = small()
    frames["subscriptions"] = frames["subscriptions"].drop(columns="home_team")
    assert not inc.read_records(frames).customers["exposure_identified"].any()
    whole = {"unit": "world", "scheme": "wage", "from_month": "2026-01", "randomised": "no"}
    frames["assignments"] = pd.DataFrame([whole])
    assert inc.read_records(frames).customers["exposure_identified"].all()


def test_months_end_on_the_same_day_of_the_grid() -> None:
    days = pd.to_datetime(["2026-01-28", "2026-01-29", "2026-01-30", "2026-02-26", "2026-02-27"])
    frames = {
        "contacts": pd.DataFrame({"contact": range(5), "start": days, "agent": 1}).assign(
            logged_outcome="handled"
        ),
        "assignments": pd.DataFrame(
            [{"unit": "world", "scheme": "wage", "from_month": 0, "randomised": False}]
        ),
    }
    records = inc.read_records(frames)
    assert records.contacts["day"].tolist() == [0, 1, 2, 4, 5]
    assert records.runs["days_per_month"].tolist() == [3]


def test_assignments_may_be_older_than_the_contacts() -> None:
    frames = small()
    since = {"unit": "team", "unit_id": ["north", "south"] * 2, "randomised": "yes"}
    frames["assignments"] = pd.DataFrame(since).assign(
        scheme=["before", "before", "saves", "wage"],
        from_month=["2025-06", "2025-06", "2025-11", "2025-11"],
        to_month=["2025-11", "2025-11", "", ""],
    )
    records, known = inc.read_records(frames), inc.read_records(small())
    shown = ["unit_id", "from_month", "to_month"]
    pd.testing.assert_frame_equal(records.assignments[shown], known.assignments[shown])
    assert records.contacts["scheme"].dropna().tolist() == ["saves", "wage", "saves"]


def test_the_firms_names_of_columns_are_taken() -> None:
    frames = small()
    frames["contacts"] = frames["contacts"].rename(columns={"contact": "call_id", "start": "began"})
    names = {"contacts": {"call_id": "contact", "began": "start"}}
    read, known = inc.read_records(frames, columns=names), inc.read_records(small())
    pd.testing.assert_frame_equal(read.contacts, known.contacts)
    with pytest.raises(KeyError, match="no frame 'calls' in the contract"):
        inc.read_records(frames, columns={"calls": {}})


def test_columns_that_the_contract_does_not_know_stay_outside() -> None:
    frames = small()
    frames["contacts"]["telephone"] = "555-0100"
    frames["contacts"]["true_outcome"] = "handled"
    read = inc.read_records(frames).contacts
    assert not {"telephone", "true_outcome"} & set(read.columns)


def own_kinds() -> dict[str, pd.DataFrame]:
    """Give the small firm's tables with kinds of its own: plans, and lines of business."""
    frames = small()
    frames["contacts"]["tariff"] = ["flat", "hourly", "flat", "hourly"]
    frames["subscriptions"]["line"] = ["home", "office", "home"]
    return frames


@pytest.mark.parametrize("filed", [False, True])
def test_a_firms_own_kinds_come_in_where_they_are_asked_for(filed: bool, tmp_path: Path) -> None:
    frames = own_kinds()
    asked = {"contacts": ["plan"], "subscriptions": ["line"]}
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    source = tmp_path if filed else frames
    read = inc.read_records(source, columns={"contacts": {"tariff": "plan"}}, covariates=asked)
    assert read.contacts["plan"].tolist() == ["flat", "hourly", "flat", "hourly"]
    assert read.audits["plan"].tolist() == read.surveys["plan"].tolist() == ["flat", "hourly"]
    cells = read.cells.groupby("plan", observed=True)["n"].sum()
    assert cells.to_dict() == {"flat": 2, "hourly": 2}
    known = read.customers.drop_duplicates("customer").set_index("customer")["line"]
    assert known.tolist() == ["home", "office", "home"]
    seen = read.seen_by("analyst")
    assert "plan" in seen.cells
    assert "line" in seen.customers
    plain = inc.read_records(small())
    assert "plan" not in plain.cells
    assert plain.cells["n"].sum() == read.cells["n"].sum()


def test_own_kinds_that_cannot_be_are_named() -> None:
    with pytest.raises(KeyError, match="no frame 'surveys' in what can have covariates"):
        inc.read_records(own_kinds(), covariates={"surveys": ["plan"]})
    with pytest.raises(ValueError, match="'reason' of contacts is a column of the contract"):
        inc.read_records(own_kinds(), covariates={"contacts": ["reason"]})
    with pytest.raises(ValueError, match="'true_plan' of contacts begins like what only"):
        inc.read_records(own_kinds(), covariates={"contacts": ["true_plan"]})
    missing = refusal(own_kinds(), covariates={"contacts": ["plan"]})
    assert missing[["frame", "column", "problem"]].values.tolist() == [
        ["contacts", "plan", "is missing"]
    ]
    frames = own_kinds()
    frames["contacts"]["tariff"] = ["flat", "", "flat", "hourly"]
    empty = refusal(frames, covariates={"contacts": ["tariff"]})
    assert empty[["column", "problem"]].values.tolist() == [["tariff", "is empty"]]


def test_an_answer_among_customers_of_a_kind_comes_straight_from_a_firms_tables() -> None:
    records = centre()
    frames = {name: frame for name, frame in records.frames().items() if name in CONTRACT}
    frames["customers"] = frames["customers"].assign(
        line=np.where(np.arange(len(frames["customers"])) % 2, "home", "office")
    )
    read = inc.read_records(frames, covariates={"customers": ["line"]})
    ours = inc.churn_effect(read, control="wage", horizon=2, covariates=["line"])
    theirs = inc.churn_effect(
        inc.Records(**{**records.frames(), "customers": frames["customers"]}),
        control="wage",
        horizon=2,
        covariates=["line"],
    )
    np.testing.assert_allclose(ours.tidy()["estimate"], theirs.tidy()["estimate"], rtol=1e-9)


def test_a_lookup_knows_what_holds_and_what_overlaps() -> None:
    lookup, again = Lookup.build([0, 0, 0], [7, 7, 9], [0, 1, 0], [2, 3, 1], [4, 5, 6], months=3)
    assert again.tolist() == [False, True, False]
    assert lookup.of([0, 0, 0, 0, 1], [9, 9, 8, 7, 7], [0, 1, 0, 2, 0]).tolist() == [
        6,
        -1,
        -1,
        5,
        -1,
    ]


# ── identifiers ──────────────────────────────────────────────────────────────────────────────────


def test_whole_numbers_stay_and_leading_noughts_tell_identifiers_apart(tmp_path: Path) -> None:
    for name, frame in small().items():
        for column, agents in (("agent", {"ann": "7", "bob": "007"}), ("contact", None)):
            if column in frame:
                known = agents or dict(zip("abcd", ("10", "20", "30", "40"), strict=True))
                frame[column] = frame[column].replace(known)
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    records = inc.read_records(tmp_path)
    assert records.contacts["contact"].tolist() == [10, 20, 30, 40]
    assert records.agents["agent_id"].tolist() == ["007", "7", "7"]


def test_pseudonyms_are_the_same_in_every_frame_and_move_no_answer() -> None:
    frames = {name: frame for name, frame in centre().frames().items() if name in CONTRACT}
    hidden = inc.read_records(frames, pseudonym_key=SECRET)
    for known, read in zip(answers(inc.read_records(frames)), answers(hidden), strict=True):
        columns = ("estimate", "std_error")
        for name in columns:
            np.testing.assert_allclose(read["rows"][name], known["rows"][name], rtol=1e-9)
    assert hidden.agents["agent_id"].astype(str).str.fullmatch("[0-9a-f]{16}").all()
    again = inc.read_records(frames, pseudonym_key=SECRET).agents
    pd.testing.assert_frame_equal(again, hidden.agents)
    other = inc.read_records(frames, pseudonym_key=SECRET + "!").agents
    assert not set(other["agent_id"]) & set(hidden.agents["agent_id"])
    assert set(hidden.agents["agent_id"]).isdisjoint(hidden.agents["team_id"])


def test_a_whole_centre_needs_no_identifier_and_no_team() -> None:
    frames = small()
    whole = {"unit": "world", "unit_id": None, "scheme": "wage", "from_month": "2026-01"}
    frames["assignments"] = pd.DataFrame([whole]).assign(randomised="no")
    del frames["agents"]
    for key in (None, SECRET):
        records = inc.read_records(frames, pseudonym_key=key)
        assert records.contacts["scheme"].notna().tolist() == [True, True, False, True]
        assert (records.contacts["team"] == -1).all()


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 characters, got 5"):
        inc.read_records(small(), pseudonym_key="short")


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


def put(frame: str, column: str, *cells: Any) -> Callable[[dict[str, pd.DataFrame]], None]:
    """Write cells into a column, from its top."""

    def spoil(frames: dict[str, pd.DataFrame]) -> None:
        values = frames[frame].get(column, pd.Series([""] * len(frames[frame])))
        values = values.astype(object)
        values.iloc[: len(cells)] = list(cells)
        frames[frame][column] = values

    return spoil


def twice(frame: str) -> Callable[[dict[str, pd.DataFrame]], None]:
    def spoil(frames: dict[str, pd.DataFrame]) -> None:
        frames[frame] = pd.concat([frames[frame], frames[frame].iloc[:1]], ignore_index=True)

    return spoil


WRONG = {
    "prob of nought": (put("audits", "prob", 0.0), "audits", "prob", "out of range"),
    "prob above one": (put("audits", "prob", 1.2), "audits", "prob", "out of range"),
    "no prob": (put("audits", "prob", np.nan), "audits", "prob", "is empty"),
    "word for number": (
        put("contacts", "handle_minutes", "5 min"),
        "contacts",
        "handle_minutes",
        "not a number: '5 min'",
    ),
    "minutes below nought": (
        put("contacts", "handle_minutes", -1),
        "contacts",
        "handle_minutes",
        "out of range",
    ),
    "half an attempt": (
        put("contacts", "attempt", 1.5, 1, 1, 1),
        "contacts",
        "attempt",
        "not a whole number",
    ),
    "strange outcome": (
        put("contacts", "logged_outcome", "RET_OK"),
        "contacts",
        "logged_outcome",
        "none of its names: 'RET_OK'",
    ),
    "no date": (
        put("contacts", "start", "31/01/2026 09:00"),
        "contacts",
        "start",
        "not a date and time",
    ),
    "an offset": (
        put("contacts", "start", "2026-01-30T09:00:00+01:00"),
        "contacts",
        "start",
        "not a date and time",
    ),
    "perhaps": (
        put("assignments", "randomised", "perhaps"),
        "assignments",
        "randomised",
        "neither yes nor no",
    ),
    "mid-month": (
        put("assignments", "from_month", "2026-01-12"),
        "assignments",
        "from_month",
        "first of a month",
    ),
    "ends before it begins": (
        put("assignments", "to_month", "2026-01", ""),
        "assignments",
        "to_month",
        "not after from_month",
    ),
    "assigned twice": (twice("assignments"), "assignments", "from_month", "overlaps"),
    "a strange team": (
        put("assignments", "unit_id", "north", "west"),
        "assignments",
        "unit_id",
        "no team in agents",
    ),
    "no assignment": (
        put("assignments", "unit_id", "north", "west"),
        "contacts",
        "scheme",
        "in no assignment",
    ),
    "a customer of no team": (
        put("subscriptions", "home_team", "west"),
        "subscriptions",
        "home_team",
        "in no assignment",
    ),
    "mixed units": (
        put("assignments", "unit", "team", "agent"),
        "assignments",
        "unit",
        "not that of the first row",
    ),
    "hired later": (
        put("agents", "hired", "2026-01-31"),
        "contacts",
        "agent",
        "hired after the contact",
    ),
    "a strange agent": (put("contacts", "agent", "zoe"), "contacts", "agent", "not in agents"),
    "served by nobody": (
        put("contacts", "agent", ""),
        "contacts",
        "agent",
        "is empty and the contact served",
    ),
    "abandoned with somebody": (
        put("contacts", "logged_outcome", "abandoned"),
        "contacts",
        "agent",
        "served an abandoned contact",
    ),
    "contact twice": (twice("contacts"), "contacts", "contact", "is there twice"),
    "audit twice": (twice("audits"), "audits", "contact", "is there twice"),
    "agent twice": (twice("agents"), "agents", "agent", "is there twice"),
    "audit of no contact": (put("audits", "contact", "zz"), "audits", "contact", "not in contacts"),
    "another chance": (
        put("contacts", "audit_prob", 0.2, 0.1, 0, 0.1),
        "audits",
        "prob",
        "not contacts.audit_prob",
    ),
    "answered uninvited": (put("surveys", "invited", "no"), "surveys", "answered", "not invited"),
    "score and no answer": (put("surveys", "score", 8, 7), "surveys", "score", "no answer"),
    "answer and no score": (put("surveys", "score", np.nan), "surveys", "score", "an answer came"),
    "score of eleven": (put("surveys", "score", 11), "surveys", "score", "out of range"),
    "left before coming": (
        put("subscriptions", "end", "", "2026-01-02"),
        "subscriptions",
        "end",
        "before the start",
    ),
    "two spells": (twice("subscriptions"), "subscriptions", "customer", "two spells"),
    "pay without a month": (
        put("agents", "paid", 900, 900),
        "agents",
        "paid",
        "needs the column `month`",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_named(case: str) -> None:
    spoil, frame, column, problem = WRONG[case]
    frames = small()
    spoil(frames)
    problems = refusal(frames)
    named = problems[(problems["frame"] == frame) & (problems["column"] == column)]
    assert named["problem"].str.contains(problem, regex=False).any(), problems.to_string()
    assert (problems["way_out"] != "").all()


def test_all_problems_come_at_once_with_the_lines_of_the_files(tmp_path: Path) -> None:
    frames = small()
    put("contacts", "handle_minutes", 5, "long", 0, "?")(frames)
    put("contacts", "logged_outcome", "saved", "saved", "abandoned", "won")(frames)
    put("audits", "prob", 0.5, 7)(frames)
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "survey.csv").write_text("contact\na\n")
    problems = refusal(tmp_path)  # type: ignore[arg-type]
    shown = problems.set_index(["frame", "column"])[["rows", "first"]].to_dict("index")
    assert shown == {
        ("survey", ""): {"rows": "", "first": ""},
        ("contacts", "handle_minutes"): {"rows": "2", "first": "line 3, 5"},
        ("contacts", "logged_outcome"): {"rows": "1", "first": "line 5"},
        ("audits", "prob"): {"rows": "1", "first": "line 3"},
    }
    assert "call it 'surveys'" in problems["way_out"][0]


def test_a_refusal_survives_the_way_between_processes() -> None:
    with pytest.raises(inc.RecordsError) as caught:
        inc.read_records({})
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    pd.testing.assert_frame_equal(again.problems, caught.value.problems)


@pytest.mark.parametrize("tail", [":00Z", ":00+01:00", " o'clock"])
def test_times_that_are_all_wrong_are_named(tmp_path: Path, tail: str) -> None:
    frames = small()
    frames["contacts"]["start"] = frames["contacts"]["start"] + tail
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    for source in (frames, tmp_path):
        first = refusal(source).iloc[0]  # type: ignore[arg-type]
        assert (first["frame"], first["column"], first["rows"]) == ("contacts", "start", "4")


def test_what_is_missing_is_named_with_what_it_says() -> None:
    frames = small()
    frames["contacts"] = frames["contacts"].drop(columns=["start", "logged_outcome"])
    frames["contacts"]["logged_outcom"] = "saved"
    problems = refusal({"contacts": frames["contacts"]})
    assert problems["column"].tolist() == ["logged_outcom", "", "month", "logged_outcome"]
    assert problems["problem"].tolist() == [
        "looks like 'logged_outcome'",
        "is missing or empty",
        "is missing",
        "is missing",
    ]


def test_audits_without_a_chance_may_be_left_out() -> None:
    frames = small()
    frames["audits"] = frames["audits"].drop(columns="prob")
    (way,) = refusal(frames)["way_out"]
    assert way.endswith(" Or leave audits out, and ask what needs none")
    without = inc.read_records({name: each for name, each in frames.items() if name != "audits"})
    assert without.audits.empty
    frames = small()
    frames["contacts"] = frames["contacts"].drop(columns="logged_outcome")
    assert "leave" not in refusal(frames)["way_out"].iloc[0]


REQUIRED = [
    (name, column.name)
    for name in small()
    for column in CONTRACT[name].columns
    if column.name in small()[name] and column.need == "required"
]


@pytest.mark.parametrize(("frame", "column"), REQUIRED)
def test_a_missing_column_hides_nothing_else_and_makes_nothing_up(frame: str, column: str) -> None:
    frames = small()
    frames[frame] = frames[frame].drop(columns=column)
    assert refusal(frames)[["frame", "column"]].values.tolist() == [[frame, column]]
    other = ("audits", "qa_score") if frame == "surveys" else ("surveys", "score")
    put(*other, 101, np.nan)(frames)
    problems = refusal(frames)
    assert set(zip(problems["frame"], problems["column"], strict=True)) == {(frame, column), other}


@pytest.mark.parametrize("frame", small())
def test_a_frame_that_cannot_be_read_hides_nothing_else_and_makes_nothing_up(frame: str) -> None:
    frames = small()
    frames[frame] = frames[frame].add_prefix("their own ")
    (problem,) = refusal(frames).to_dict("records")
    assert problem["frame"] == frame
    assert problem["problem"].startswith("has no column of the contract")
    other = ("audits", "qa_score") if frame == "surveys" else ("surveys", "score")
    put(*other, 101, np.nan)(frames)
    assert refusal(frames)[["frame", "column"]].values.tolist() == [[frame, ""], [*other]]


@pytest.mark.parametrize(
    ("between", "said"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs")]
)
@pytest.mark.parametrize("frame", ["audits", "subscriptions", "contacts", "assignments"])
def test_a_file_of_which_no_column_is_known_is_named_with_its_header(
    frame: str, between: str, said: str, tmp_path: Path
) -> None:
    for name, table in small().items():
        table.to_csv(tmp_path / f"{name}.csv", index=False, sep=between)
    theirs = ["ref", "p", "type", "result", "what is real"]
    lines = [between.join(theirs), between.join("12345")]
    (tmp_path / f"{frame}.csv").write_text("\n".join(lines) + "\n")
    (problem,) = refusal(tmp_path).to_dict("records")  # type: ignore[arg-type]
    assert problem["frame"] == frame
    assert f"{frame}.csv begins 'ref', 'p', 'type', 'result', 'what is real'" in problem["problem"]
    assert f"with {said} between" in problem["problem"]
    assert f"columns={{'{frame}': {{'ref': '" in problem["way_out"]


@pytest.mark.parametrize("between", [";", "\t"])
def test_semicolons_or_tabs_may_stand_between_cells(between: str, tmp_path: Path) -> None:
    frames = small()
    frames["audits"] = frames["audits"].rename(columns={"contact": "call, as in the log"})
    for name, frame in frames.items():
        text = frame.to_csv(index=False, sep=between, lineterminator="\r\n")
        (tmp_path / f"{name}.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    read = inc.read_records(tmp_path, columns={"audits": {"call, as in the log": "contact"}})
    known = inc.read_records(small())
    for name in ("cells", "audits", "customers"):
        one, other = getattr(read, name), getattr(known, name)
        pd.testing.assert_frame_equal(one, other, check_dtype=False, check_categorical=False)


def test_a_decimal_comma_is_named() -> None:
    frames = small()
    put("contacts", "handle_minutes", "0,5")(frames)
    (problem,) = refusal(frames).to_dict("records")
    assert problem["problem"] == "is not a number: '0,5'"
    assert "a decimal point" in problem["way_out"]


@pytest.mark.parametrize("theirs", ["Mode", " MODE "])
def test_a_column_that_differs_in_capitals_or_blanks_is_not_left_out_unseen(theirs: str) -> None:
    frames = small()
    frames["audits"][theirs] = "random"
    (problem,) = refusal(frames).to_dict("records")
    assert (problem["column"], problem["problem"]) == (theirs, "looks like 'mode'")


@pytest.mark.parametrize("theirs", ["None", "NONE", " none ", "none"])
@pytest.mark.parametrize("coded", [False, True])
def test_an_audit_that_found_nothing_may_say_so_in_capitals(theirs: str, coded: bool) -> None:
    frames = small()
    frames["audits"]["found"] = ["none", theirs]
    if coded:
        frames["audits"]["found"] = frames["audits"]["found"].astype("category")
    assert inc.read_records(frames).audits["found"].tolist() == ["none", "none"]


def test_the_kinds_of_gaming_are_the_firms_own_words() -> None:
    frames = small()
    for kind in ("False save", "no consent", "G10", "phone"):
        frames["audits"]["found"] = [kind, "none"]
        assert inc.read_records(frames).audits["found"].tolist() == [kind, "none"]


ALIKE = ["No", "n/a", "nothing", "0", "-", "non", "nonne", "OK", "pass", "compliant", "genuine"]
DENIED = ["no issue", "None found", "not gamed", "no gaming", "No real finding", "kein Befund"]


@pytest.mark.parametrize("theirs", ALIKE + DENIED)
def test_another_word_for_nothing_found_is_no_kind_of_gaming(theirs: str) -> None:
    frames = small()
    frames["audits"]["found"] = ["G1", theirs]
    (problem,) = refusal(frames).to_dict("records")
    assert (problem["column"], problem["rows"], problem["first"]) == ("found", "1", "row 1")
    assert problem["problem"] == f"may mean that there was nothing: '{theirs}'"
    assert problem["way_out"].startswith("write `none` where")


def test_audits_that_all_found_gaming_have_another_word_for_nothing() -> None:
    frames = small()
    one = frames["contacts"].iloc[[0]]
    more = [one.assign(contact=f"c{k}") for k in range(20)]
    frames["contacts"] = pd.concat([frames["contacts"], *more], ignore_index=True)
    audits = frames["audits"].iloc[[0]]
    frames["audits"] = pd.concat([audits.assign(contact=f"c{k}", found="fein") for k in range(20)])
    (problem,) = refusal(frames).to_dict("records")
    assert problem["problem"] == "says of every audit that it found gaming"
    frames["audits"] = frames["audits"].iloc[1:]  # nineteen may have
    assert inc.read_records(frames).audits["found"].eq("fein").all()


def test_two_tables_of_the_same_are_not_read_one_for_the_other() -> None:
    frames = small()
    cells = inc.read_records(frames).cells.drop(columns=["run", "scheme"])
    cells["team"], cells["agent"] = "north", "ann"
    frames["cells"] = cells.iloc[1:].assign(month="2026-01")
    problems = refusal(frames)
    assert "stand for 3 contacts, and 4 are there one by one" in problems["problem"].tolist()
    frames = small()
    spell = {"customer": ["k1"], "month": "2026-01", "left": 0, "initial": "yes"}
    frames["customers"] = pd.DataFrame(spell)
    problem = refusal(frames).query("frame == 'customers'").iloc[0]
    assert problem["problem"] == "are there, and subscriptions are too"


def test_an_agent_is_the_only_one_on_a_seat_unless_the_firm_says_otherwise() -> None:
    assert inc.read_records(small()).agents["hire"].eq(0).all()


@pytest.mark.parametrize(
    ("column", "theirs"),
    [
        ("agent", "bob"),
        ("logged_outcome", "handled"),
        ("month", "2026-02"),
        ("team", "south"),
        ("reason", "question"),
    ],
)
def test_an_audit_that_speaks_of_another_contact_is_named(column: str, theirs: str) -> None:
    frames = small()
    frames["contacts"]["team"] = ["north", "south", "", "north"]
    of_contact = frames["contacts"].assign(month=["2026-01", "2026-01", "2026-02", "2026-02"])
    right = of_contact.set_index("contact").loc[["a", "b"], column].tolist()
    frames["audits"][column] = right
    assert inc.read_records(frames).audits["contact"].tolist() == [0, 1]
    frames["audits"][column] = [theirs, right[1]]
    problems = refusal(frames)
    (named,) = problems[problems["problem"].str.startswith("is not that of")].to_dict("records")
    assert (named["frame"], named["column"], named["first"]) == ("audits", column, "row 0")
    assert named["problem"] == "is not that of the contact"


def test_a_team_without_contacts_may_have_an_assignment() -> None:
    frames = small()
    more = {"agent": ["eve"], "team": ["east"], "hired": ["2025-06-02"]}
    frames["agents"] = pd.concat([frames["agents"], pd.DataFrame(more)])
    east = frames["assignments"].iloc[:1].assign(unit_id="east")
    frames["assignments"] = pd.concat([frames["assignments"], east])
    assert len(inc.read_records(frames).assignments) == 3


def test_reasons_that_differ_in_capitals_are_one() -> None:
    frames = small()
    frames["subscriptions"]["end"] = ["2026-01-25", "2026-02-10", "2026-01-20"]
    frames["subscriptions"]["end_reason"] = ["moved house", "contact", "Moved house"]
    customers = inc.read_records(frames).customers
    assert customers[["left", "left_moved_house", "left_contact"]].sum().tolist() == [3, 2, 1]


@pytest.mark.parametrize("frame", small())
def test_a_frame_without_rows_is_as_good_as_none(frame: str) -> None:
    frames, without = small(), small()
    frames[frame] = frames[frame].iloc[:0]
    del without[frame]
    if frame in ("audits", "surveys", "subscriptions"):
        read, known = inc.read_records(frames), inc.read_records(without)
        pd.testing.assert_frame_equal(read.cells, known.cells)
    else:
        pd.testing.assert_frame_equal(refusal(frames), refusal(without))


def survived(end: Any) -> dict[str, pd.DataFrame]:
    frames = small()
    frames["subscriptions"]["end"] = [end, "2026-02-10", "2026-01-20"]
    return frames


@pytest.mark.parametrize("end", ["9999-12-31", "2999-12-31", "2099-12-31", "9999-12-31 23:59:59"])
def test_an_end_in_another_age_is_open(end: str) -> None:
    read, known = inc.read_records(survived(end)), inc.read_records(small())
    pd.testing.assert_frame_equal(read.customers, known.customers)
    assert read.runs["months"].tolist() == [2]
    frames = small()
    frames["assignments"]["to_month"] = [end, ""]
    read = inc.read_records(frames)
    pd.testing.assert_frame_equal(read.assignments, known.assignments[read.assignments.columns])


def test_an_open_end_makes_no_record_longer() -> None:
    frames = survived("9999-12-31")
    for name in ("contacts", "audits", "surveys"):
        del frames[name]
    assert inc.read_records(frames).runs["months"].tolist() == [2]


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("2090-01-01", ""),
        ("20260210", "is neither a date nor a number of months: '20260210'"),
        ("202602", "is neither a date nor a number of months: '202602'"),
        ("1899-12-31", "is more than 100 years from the first month on record"),
        ("1700-01-01", "is more than 100 years from the first month on record"),
    ],
)
def test_an_end_that_is_none_is_refused_in_the_right_words(end: str, said: str) -> None:
    frames = survived(end)
    if not said:
        inc.read_records(frames)
        return
    problems = refusal(frames)
    assert said in problems["problem"].tolist()
    assert not problems["problem"].str.contains("before the first month").any()


@pytest.mark.parametrize("year", ["2200", "2062", "1926", "1900"])
def test_one_contact_in_another_age_is_named_and_makes_no_record_longer(year: str) -> None:
    frames = small()
    put("contacts", "start", f"{year}-01-30 09:00")(frames)
    (problem,) = refusal(frames).to_dict("records")
    assert (problem["frame"], problem["column"], problem["first"]) == ("contacts", "start", "row 0")
    assert problem["problem"].startswith("is more than 10 years away from all others")
    assert year in problem["problem"]


@pytest.mark.parametrize("far", ["2200-04", 900])
def test_one_month_of_counts_in_another_age_is_named(far: Any) -> None:
    counts = {"agent": ["ann", "bob"], "logged_outcome": "saved", "n": 3}
    frames = {name: small()[name] for name in ("agents", "assignments")}
    near = "2026-04" if isinstance(far, str) else 1
    frames["cells"] = pd.DataFrame(counts).assign(month=[near, near])
    frames["cells"] = pd.concat([frames["cells"], frames["cells"].assign(month=[near, far])])
    if isinstance(far, int):
        frames["assignments"]["from_month"] = 0
        frames["agents"]["hired"] = 0
    problems = refusal(frames)
    named = problems[problems["frame"] == "cells"].to_dict("records")
    assert named[0]["problem"].startswith("is more than 10 years away from all others")
    assert named[0]["first"] == "row 3"


def test_a_targeted_audit_needs_no_chance() -> None:
    frames = small()
    frames["audits"]["mode"] = ["targeted", "random"]
    frames["audits"].loc[0, "prob"] = np.nan
    assert inc.read_records(frames).audits["prob"].isna().tolist() == [True, False]


def test_the_chance_of_an_audit_may_stand_with_the_contacts() -> None:
    frames = small()
    frames["audits"] = frames["audits"].drop(columns="prob")
    frames["contacts"]["audit_prob"] = [0.5, 0.1, 0.0, 0.1]
    assert inc.read_records(frames).audits["prob"].tolist() == [0.5, 0.1]


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "contacts.csv").write_text("contact,agent\n1,2\n1,2,3\n")
    problems = refusal(tmp_path)  # type: ignore[arg-type]
    assert "cannot be read" in problems["problem"][0]
    with pytest.raises(FileNotFoundError, match="write_templates makes one"):
        inc.read_records(tmp_path / "nowhere")


# ── the same door ────────────────────────────────────────────────────────────────────────────────


def test_what_an_analyst_sees_of_a_simulation_satisfies_the_contract() -> None:
    for seen in (centre(), trial("honest")):
        read = inc.read_records(seen.frames())
        for name in CONTRACT:
            if name == "subscriptions":
                continue
            theirs, ours = getattr(seen, name), getattr(read, name)
            if theirs.columns.empty:
                assert ours.empty
                continue
            assert set(theirs.columns) <= set(ours.columns)
            for column in theirs:
                declared = CONTRACT[name].named(column)
                assert declared is not None
                one, other = theirs[column], ours[column]
                if declared.kind == "name":
                    one, other = one.astype(object), other.astype(object)
                assert ((one == other) | (one.isna() & other.isna())).all(), (name, column)
                if declared.kind not in ("name", "number"):
                    wide = np.promote_types(theirs[column].dtype, ours[column].dtype)
                    assert wide == ours[column].dtype == DTYPES[declared.kind], (name, column)


def mixes() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Give small centres whose schemes were assigned in each of the ways that there are."""
    base = inc.Scenario.load("outsourced_retentions").change(
        {"floor.teams": 3, "floor.team_size": 2, "floor.customers": 1000, "audit.rate": 0.2}
    )
    schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 6.0)}
    kept = base.change({"routing.keep": "team"})
    return {
        "worlds": (list(base.vary(scheme=schemes)), {}),
        "agents from the second month": (base.assign(schemes, unit="agent", start=1), {}),
        "teams that keep their customers": (kept.assign(schemes, start=1), {}),
        "a sample of the customers": (kept.assign(schemes), {"keep": 0.3}),
    }


@pytest.mark.parametrize("name", mixes())
def test_schemes_are_worked_out_as_the_simulator_knows_them(name: str) -> None:
    scenarios, options = mixes()[name]
    seen = inc.simulate(
        scenarios, replications=2, months=2, rng=1, progress=False, **options
    ).seen_by("analyst")
    bare = {
        frame: known.drop(columns=["scheme", "exposure_identified"], errors="ignore")
        for frame, known in seen.frames().items()
    } | {"assignments": seen.assignments}
    read = inc.read_records(bare)
    frames = ["contacts", "cells", "audits", "surveys", "agents"]
    if not name.startswith("agents"):  # whose customers are nobody's
        frames.append("customers")
        known = seen.customers["exposure_identified"]
        assert (read.customers["exposure_identified"] == known).all()
    for frame in frames:
        one, other = (getattr(each, frame)["scheme"].astype(object) for each in (read, seen))
        assert ((one == other) | (one.isna() & other.isna())).all(), frame


def test_records_that_were_read_can_be_read_again(tmp_path: Path) -> None:
    once = inc.read_records(small())
    again = inc.read_records(once.save(tmp_path / "saved"))
    for name, frame in once.frames().items():
        if name in CONTRACT:
            known = getattr(again, name)
            for column in frame:
                left, right = frame[column].astype(object), known[column].astype(object)
                assert ((left == right) | (left.isna() & right.isna())).all(), (name, column)


def filled(folder: Path, frames: dict[str, pd.DataFrame]) -> Path:
    """Fill the templates of a folder, as far as their headers ask."""
    for name in CONTRACT:
        if name in frames:
            header = pd.read_csv(folder / f"{name}.csv").columns
            held = [column for column in header if column in frames[name]]
            frames[name][held].to_csv(folder / f"{name}.csv", index=False)
    return folder


def subscriptions(customers: pd.DataFrame) -> pd.DataFrame:
    """Put customer-months back together to the spells that they are of."""
    years = {"under 1 year": 0, "1-2 years": 13, "2-5 years": 30, "over 5 years": 70}
    spells = customers.groupby("customer").agg(
        start=("month", "min"),
        initial=("initial", "first"),
        last=("month", "max"),
        left=("left", "max"),
        home_team=("home_team", "first"),
        band=("tenure_band", "first"),
        **{name: (f"left_{name}", "max") for name in ("contact", "silent", "discovery")},
    )
    spells = spells.reset_index()
    before = -1.0 - spells["band"].map(years).astype(float)
    # who comes in a month comes in the middle of it
    spells["start"] = np.where(spells["initial"], before, spells["start"] + 0.5)
    spells["end"] = spells["last"].where(spells["left"] == 1)
    reason = spells[["contact", "silent", "discovery"]].idxmax(axis=1)
    spells["end_reason"] = reason.where(spells["left"] == 1)
    return spells


@pytest.mark.parametrize("calendar", ["timestamps", DAYS])
def test_templates_filled_with_a_simulation_give_the_same_answers(
    tmp_path: Path, calendar: Any
) -> None:
    seen = centre()
    folder = inc.write_templates(tmp_path / "data", currency="USD", calendar=calendar)
    contacts = seen.contacts.copy()
    frames = {name: frame for name, frame in seen.frames().items() if name != "runs"}
    frames |= {"contacts": contacts, "subscriptions": subscriptions(seen.customers)}
    frames.pop("cells")  # they are worked out
    frames.pop("customers")
    if calendar == "timestamps":
        month = np.datetime64("2026-01") + contacts["month"].to_numpy(dtype=np.int64)
        day = month.astype("datetime64[D]") + contacts["day"].to_numpy(dtype=np.int64) % DAYS
        seconds = (contacts["minute"].to_numpy(dtype=float) * 60).astype("timedelta64[s]")
        contacts["start"] = day.astype("datetime64[s]") + seconds
    contacts["agent"] = contacts["agent"].astype("Int64").mask(contacts["agent"] < 0)
    read = inc.read_records(filled(folder, frames))
    assert read.runs["currency"].tolist() == ["USD"]
    assert read.runs["days_per_month"].tolist() == [DAYS]
    assert read.contacts["day"].tolist() == seen.contacts["day"].tolist()
    assert "scheme" not in pd.read_csv(folder / "contacts.csv")
    assert (
        read.contacts["scheme"].astype(str).tolist() == seen.contacts["scheme"].astype(str).tolist()
    )
    assert read.cells["n"].sum() == seen.cells["n"].sum()
    same = ["home_team", "initial", "left"]
    order = ["month", "customer"]
    pd.testing.assert_frame_equal(
        read.customers.sort_values(order)[same].reset_index(drop=True),
        seen.customers.sort_values(order)[same].reset_index(drop=True),
        check_dtype=False,
    )
    assert answers(read) == answers(seen)


def test_parquet_files_and_csv_files_say_the_same(tmp_path: Path) -> None:
    frames = {name: frame for name, frame in centre().frames().items() if name in CONTRACT}
    for kind in ("csv", "parquet"):
        (tmp_path / kind).mkdir()
    for name, frame in frames.items():
        frame.to_csv(tmp_path / "csv" / f"{name}.csv", index=False)
        frame.to_parquet(tmp_path / "parquet" / f"{name}.parquet", index=False)
    read = [inc.read_records(tmp_path / kind) for kind in ("csv", "parquet")]
    assert answers(read[0]) == answers(read[1]) == answers(centre())


# ── templates and dictionary ─────────────────────────────────────────────────────────────────────


def test_templates_have_the_declared_headers_and_the_dictionary_every_column(
    tmp_path: Path,
) -> None:
    folder = inc.write_templates(tmp_path / "data", currency="EUR", calendar=21)
    for name, frame in CONTRACT.items():
        header = list(pd.read_csv(folder / f"{name}.csv").columns)
        assert set(header) <= {column.name for column in frame.columns}
        asked = {c.name for c in frame.columns if c.need == "required" and c.name != "start"}
        assert asked <= set(header)
    assert "month" in pd.read_csv(folder / "contacts.csv")
    assert "start" not in pd.read_csv(folder / "contacts.csv")
    written = pd.read_csv(folder / "data_dictionary.csv")
    assert len(written) == len(dictionary()) == sum(len(f.columns) for f in CONTRACT.values())
    text = (folder / "data_dictionary.md").read_text()
    assert "in EUR" in text
    assert "21 working days" in text
    assert all(f"| `{column}` |" in text for column in written["column"])


def test_every_column_says_what_it_means() -> None:
    for frame in CONTRACT.values():
        assert set(frame.key) <= {column.name for column in frame.columns}
        for column in frame.columns:
            assert column.meaning.endswith("."), column
            assert not column.name.startswith("true_")


def test_templates_are_not_written_over_anything(tmp_path: Path) -> None:
    inc.write_templates(tmp_path / "data", currency="EUR")
    with pytest.raises(FileExistsError, match="is not empty"):
        inc.write_templates(tmp_path / "data", currency="EUR")
    for wrong in ("weeks", 0, 32, True):
        with pytest.raises(ValueError, match="working days of a month"):
            inc.write_templates(tmp_path / "other", currency="EUR", calendar=wrong)
    with pytest.raises(ValueError, match="currency must not be empty"):
        inc.write_templates(tmp_path / "other", currency=" ")


def test_empty_templates_are_refused_in_words(tmp_path: Path) -> None:
    folder = inc.write_templates(tmp_path / "data", currency="EUR")
    problems = refusal(folder)  # type: ignore[arg-type]
    assert problems["frame"].tolist() == ["assignments", "contacts"]


def test_a_file_that_excel_has_saved_is_read(tmp_path: Path) -> None:
    for name, frame in small().items():
        text = frame.to_csv(index=False, lineterminator="\r\n")
        (tmp_path / f"{name}.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    pd.testing.assert_frame_equal(
        inc.read_records(tmp_path).cells, inc.read_records(small()).cells, check_dtype=False
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-40, 12), st.one_of(st.none(), st.integers(0, 14))), min_size=1)
)
def test_customer_months_are_those_between_coming_and_leaving(spells: list[Any]) -> None:
    start = [begin for begin, _ in spells]
    end = [None if more is None else begin + more for begin, more in spells]
    frames = {
        "subscriptions": pd.DataFrame({"customer": range(len(spells)), "start": start}),
        "assignments": pd.DataFrame(
            [{"unit": "world", "scheme": "wage", "from_month": 0, "to_month": 6}]
        ).assign(randomised=False),
    }
    frames["subscriptions"]["end"] = pd.array(end, dtype="Int64")
    customers = inc.read_records(frames).customers
    expected = [
        (customer, month, month == stop)
        for customer, (begin, stop) in enumerate(zip(start, end, strict=True))
        for month in range(6)
        if begin <= month and (stop is None or month <= stop)
    ]
    held = zip(customers["customer"], customers["month"], customers["left"] == 1, strict=True)
    assert sorted(held) == expected
