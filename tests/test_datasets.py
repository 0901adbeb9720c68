import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from incentives.datasets import BANK_FIELDS, BANK_REASONS, read_anonymous_bank

GOOD = {
    "vru+line": "AA0101",
    "call_id": "33118",
    "customer_id": "27997683",
    "priority": "2",
    "type": "PS",
    "date": "990103",
    "vru_entry": "6:55:20",
    "vru_exit": "6:55:26",
    "vru_time": "6",
    "q_start": "6:55:26",
    "q_exit": "6:55:43",
    "q_time": "17",
    "outcome": "AGENT",
    "ser_start": "6:55:43",
    "ser_exit": "6:56:37",
    "ser_time": "54",
    "server": "MICHAL",
}
NO_SERVICE = {
    "ser_start": "0:00:00",
    "ser_exit": "0:00:00",
    "ser_time": "0",
    "server": "NO_SERVER",
}


def row(**changes: str) -> str:
    """Give one line of a log: a call that is in order, but for the changes."""
    return "\t".join((GOOD | {"vru+line": changes.pop("line", "AA0101")} | changes).values())


def write(folder: Path, rows: Sequence[str], name: str = "january.txt", end: str = "\n") -> Path:
    file = folder / name
    file.write_bytes("".join(text + end for text in ("\t".join(BANK_FIELDS), *rows)).encode())
    return file


def filler(n: int = 30) -> list[str]:
    """Give calls that are in order, so that a few bad ones do not make the file foreign."""
    return [row(call_id=str(n)) for n in range(n)]


def real_folder() -> Path:
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("INCENTIVES_DATA", default)) / "anonymous_bank"
    if not folder.is_dir():
        pytest.skip("the Anonymous Bank log is not here: set INCENTIVES_DATA to its folder")
    return folder


# ── a file that is in order ──────────────────────────────────────────────────────────────────────


def test_a_call_becomes_a_typed_contact(tmp_path):
    contact = read_anonymous_bank(write(tmp_path, [row()])).contacts.iloc[0]
    assert contact["minute"] == pytest.approx(6 * 60 + 55 + 20 / 60)
    assert contact["vru_minutes"] == pytest.approx(6 / 60)
    assert contact["wait_minutes"] == pytest.approx(17 / 60)
    assert contact["handle_minutes"] == pytest.approx(54 / 60)
    assert contact["service_minute"] == pytest.approx(6 * 60 + 55 + 43 / 60)
    assert contact["customer"] == 27997683
    assert contact["agent"] == "MICHAL"
    assert (contact["channel"], contact["reason"]) == ("voice", "regular")
    assert (contact["ended"], contact["logged_outcome"]) == ("served", "handled")
    assert contact["date"] == pd.Timestamp(1999, 1, 3)


def test_the_columns_have_the_documented_types(tmp_path):
    log = read_anonymous_bank(write(tmp_path, [row()]))
    types = log.contacts.dtypes.astype(str).to_dict()
    assert types.pop("date").startswith("datetime64")
    assert types == {
        "contact": "int64",
        "day": "int16",
        "minute": "float64",
        "channel": "category",
        "reason": "category",
        "attempt": "Int8",
        "customer": "Int64",
        "agent": "category",
        "wait_minutes": "float64",
        "handle_minutes": "float64",
        "ended": "category",
        "logged_outcome": "category",
        "priority": "int8",
        "vru_minutes": "float64",
        "service_minute": "float64",
        "line": "category",
    }
    assert list(log.contacts["ended"].cat.categories) == ["served", "abandoned", "phantom"]
    assert list(log.contacts["reason"].cat.categories) == list(BANK_REASONS.values())
    assert log.contacts["attempt"].isna().all()


def test_what_is_not_known_is_missing(tmp_path):
    rows = [
        row(customer_id="0", outcome="HANG", **NO_SERVICE),
        row(call_id="40002", outcome="PHANTOM", **NO_SERVICE),
        row(call_id="40003", server="NO_SERVER"),
        row(call_id="40004", ser_start="0:00:00", ser_exit="0:00:00", ser_time="0"),
    ]
    contacts = read_anonymous_bank(write(tmp_path, rows)).contacts
    abandoned, phantom, nobody, no_clock = (contacts.iloc[i] for i in range(4))
    assert pd.isna(abandoned["customer"])
    assert pd.isna(abandoned["agent"])
    assert np.isnan(abandoned["handle_minutes"])
    assert abandoned["logged_outcome"] == "abandoned"
    assert phantom["ended"] == "phantom"
    assert pd.isna(phantom["logged_outcome"])
    assert pd.isna(nobody["agent"])
    assert nobody["logged_outcome"] == "handled"
    assert no_clock["handle_minutes"] == 0
    assert np.isnan(no_clock["service_minute"])


def test_contacts_come_in_order_and_days_are_counted_from_the_first(tmp_path):
    rows = [
        row(date="990110"),
        row(date="990103", vru_entry="6:55:21", vru_time="5"),
        row(date="990103"),
    ]
    contacts = read_anonymous_bank(write(tmp_path, rows)).contacts
    assert contacts["contact"].tolist() == [0, 1, 2]
    assert contacts["day"].tolist() == [0, 0, 1]
    assert contacts["vru_minutes"].round(3).tolist() == [0.1, 0.083, 0.1]


def test_a_call_over_midnight_belongs_to_the_day_on_which_it_began(tmp_path):
    late = row(
        vru_entry="23:59:50",
        vru_exit="23:59:56",
        q_start="23:59:56",
        q_exit="0:00:13",
        ser_start="0:00:13",
        ser_exit="0:01:07",
    )
    log = read_anonymous_bank(write(tmp_path, [late]))
    assert log.rejected.empty
    assert log.contacts["date"].iloc[0] == pd.Timestamp(1999, 1, 3)
    assert log.contacts["service_minute"].iloc[0] == pytest.approx(24 * 60 + 13 / 60)
    assert log.contacts["handle_minutes"].iloc[0] == pytest.approx(54 / 60)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_ways_of_ending_a_line_are_read(tmp_path, end):
    log = read_anonymous_bank(write(tmp_path, filler(), end=end))
    assert len(log.contacts) == 30
    assert set(log.contacts["agent"]) == {"MICHAL"}


def test_a_folder_gives_its_months_in_the_order_of_the_calendar(tmp_path):
    write(tmp_path, [row(date="991003")], "october.txt")
    write(tmp_path, [row(), row(call_id="x"), *filler()], "january.txt")
    log = read_anonymous_bank(tmp_path)
    assert len(log.contacts) == 32
    assert log.contacts["date"].iloc[-1] == pd.Timestamp(1999, 10, 3)
    assert log.rejected["file"].tolist() == ["january.txt"]


def test_the_summary_counts_what_was_read_and_set_aside(tmp_path):
    log = read_anonymous_bank(write(tmp_path, [*filler(), row(type="XX")]))
    assert "30 contacts on 1 days, 1999-01-03 to 1999-01-03, 1 agents" in log.summary()
    assert "the log of January 1999 ends with day 3: was the file cut?" in log.summary()
    late = read_anonymous_bank(write(tmp_path, [*filler(), row(date="990128")]))
    assert "was the file cut" not in late.summary()
    assert "1 rows set aside:\n  1 unknown type" in log.summary()
    assert repr(log) == log.summary()


# ── rows that cannot be believed ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vru_entry": "6:55:61"}, "vru_entry is not a time of day"),
        ({"q_exit": "25:00:00"}, "q_exit is not a time of day"),
        ({"customer_id": "6.02E+11"}, "customer_id is not a whole number"),
        ({"ser_time": ""}, "ser_time is not a whole number"),
        ({"date": "991331"}, "date is not a date"),
        ({"priority": "7"}, "unknown priority"),
        ({"type": "AA"}, "unknown type, none of PS"),
        ({"outcome": "GONE"}, "unknown outcome, none of AGENT"),
        ({"server": " "}, "server is empty"),
        ({"vru_exit": "6:55:10", "vru_time": "-10"}, "vru_time is negative"),
        ({"ser_exit": "6:54:00"}, "ser_time is not ser_exit - ser_start"),
        ({"ser_exit": "6:54:00", "ser_time": "86297"}, "ser_time is longer than 12 hours"),
        ({"ser_time": "55"}, "ser_time is not ser_exit - ser_start"),
        ({"outcome": "HANG"}, "not served, yet an agent is named"),
        ({"ser_start": "6:55:12", "ser_exit": "6:56:06"}, "service begins more than 30 s before"),
    ],
)
def test_a_row_that_cannot_be_believed_is_set_aside_with_its_line(tmp_path, changes, reason):
    bad = row(**changes)
    log = read_anonymous_bank(write(tmp_path, [*filler(), bad]))
    assert len(log.contacts) == 30
    assert log.rejected["line"].tolist() == [32]
    assert log.rejected["reason"].iloc[0].startswith(reason)
    assert log.rejected["text"].iloc[0] == bad


def test_a_row_with_too_few_fields_and_a_repeated_row_are_set_aside(tmp_path):
    rows = [*filler(), "AA0108\t3892\t0\t0       NW\t991026", filler()[0], row()]
    log = read_anonymous_bank(write(tmp_path, rows))
    assert log.rejected["line"].tolist() == [32, 33]
    assert log.rejected["reason"].tolist() == ["5 fields instead of 17", "repeats an earlier row"]


# ── files that are refused ───────────────────────────────────────────────────────────────────────


def test_a_missing_file_says_where_the_log_can_be_had(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Technion.*Ilan Guedj and Avishai Mandelbaum"):
        read_anonymous_bank(tmp_path / "january.txt")
    with pytest.raises(FileNotFoundError, match=r"holds neither january\.txt.*Technion"):
        read_anonymous_bank(tmp_path)


def test_a_foreign_file_is_refused_with_what_was_found(tmp_path):
    file = tmp_path / "telco.csv"
    file.write_text("customerID,gender,tenure\n1,F,3\n")
    with pytest.raises(ValueError, match=r"telco\.csv: not a log .* 1 tab-separated fields, 'cust"):
        read_anonymous_bank(file)
    file.write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(ValueError, match="not a text file"):
        read_anonymous_bank(file)
    file.write_text("")
    with pytest.raises(ValueError, match="'nothing'"):
        read_anonymous_bank(file)


def test_a_file_that_was_cut_is_refused(tmp_path):
    file = write(tmp_path, filler())
    whole = file.read_bytes()
    for cut in (whole[:-20], whole[:-1], whole[:-20] + b"\n"):
        file.write_bytes(cut)
        with pytest.raises(ValueError, match=r"january\.txt: the file is cut: its last line, 31,"):
            read_anonymous_bank(file)


def test_a_file_without_calls_or_with_mostly_nonsense_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a header and no rows"):
        read_anonymous_bank(write(tmp_path, []))
    rows = [*filler(5), *[row(outcome="GONE")] * 5]
    with pytest.raises(ValueError, match=r"5 of 10 rows cannot be read.*line 7: unknown outcome"):
        read_anonymous_bank(write(tmp_path, rows))
    with pytest.raises(ValueError, match="2 of 3 rows cannot be read"):
        read_anonymous_bank(write(tmp_path, ["a", "b", row()]))


# ── the log itself ───────────────────────────────────────────────────────────────────────────────


def test_the_real_log_gives_the_share_cut_off_in_january():
    log = read_anonymous_bank(real_folder() / "january.txt")
    contacts = log.contacts
    served = contacts[(contacts["ended"] == "served") & contacts["agent"].notna()]
    cut_off = served["handle_minutes"] < 10 / 60
    assert round(100 * cut_off.mean(), 2) == 4.35  # E01 of the evidence
    assert len(log.contacts) + len(log.rejected) == 31_599


def test_the_real_log_is_read_whole_but_for_the_rows_that_are_reported():
    log = read_anonymous_bank(real_folder())
    contacts = log.contacts
    assert len(contacts) + len(log.rejected) == 31_599 + 34_625
    assert len(log.rejected) < 0.005 * len(contacts)
    assert set(log.rejected["file"]) == {"january.txt", "october.txt"}
    october = contacts["date"].dt.month == 10
    unidentified = contacts[contacts["ended"] == "served"]["customer"].isna()
    assert unidentified[~october].mean() == pytest.approx(0.57, abs=0.01)
    assert unidentified[october].mean() == pytest.approx(0.75, abs=0.01)
    assert (contacts["wait_minutes"] >= 0).all()
    assert (contacts["handle_minutes"].dropna() >= 0).all()
    assert contacts["minute"].between(0, 24 * 60).all()
