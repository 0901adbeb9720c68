"""Tables for people: sensible digits, and Markdown and LaTeX that hold what the frame holds."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incentives.tables import decimals, readable, to_latex, to_markdown


def effects() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "contrast": ["sales vs wage", "a|b & 50% vs wage_1"],
            "estimate": [6.61234, -1234.5678],
            "std_error": [0.04321, 87.6],
            "p_value": [0.0000012, 0.04567],
            "df": [19, 19],
            "n_audits": pd.array([120, None], dtype="Int64"),
            "covered": pd.array([True, None], dtype="boolean"),
        }
    )


def test_numbers_show_two_digits_of_their_own_error() -> None:
    shown = readable(effects())
    assert shown["estimate"].tolist() == ["6.612", "-1235"]
    assert shown["std_error"].tolist() == ["0.043", "88"]


def test_small_p_values_are_bounded_and_missing_values_are_empty() -> None:
    shown = readable(effects())
    assert shown["p_value"].tolist() == ["<.001", "0.046"]
    assert shown["n_audits"].tolist() == ["120", ""]
    assert shown["covered"].tolist() == ["True", ""]
    assert readable(pd.DataFrame({"p_value": [np.nan]}))["p_value"].tolist() == [""]


def test_other_columns_show_three_digits_of_a_typical_entry() -> None:
    frame = pd.DataFrame({"money": [1234567.8, 2345.2], "share": [0.0123, 0.4567], "n": [3.0, 4.0]})
    shown = readable(frame)
    assert shown["money"].tolist() == ["1234568", "2345"]
    assert shown["share"].tolist() == ["0.012", "0.457"]
    assert shown["n"].tolist() == ["3", "4"]


@given(st.floats(1e-6, 1e6))
def test_two_digits_of_an_error_are_always_seen(error: float) -> None:
    shown = f"{error:.{decimals(error)}f}"
    assert math.isclose(float(shown), error, rel_tol=0.05)
    assert len(shown.replace(".", "").lstrip("0")) >= 2


def test_a_scale_of_nothing_still_has_digits() -> None:
    assert decimals(0.0) == decimals(math.nan) == 2


def test_markdown_rows_have_the_same_cells_and_bars_in_names_are_escaped() -> None:
    lines = to_markdown(effects(), caption="Effects").splitlines()
    assert lines[:2] == ["Effects", ""]
    assert len({len(line) for line in lines[2:]}) == 1
    assert r"a\|b & 50% vs wage_1" in lines[-1]
    assert lines[3].startswith("| :---")
    assert lines[3].rstrip(" |").split("|")[2].strip().endswith("-:")


def test_latex_escapes_what_latex_reads() -> None:
    text = to_latex(effects(), caption="Gaming & churn", label="tab:effects")
    assert r"a|b \& 50\% vs wage\_1" in text
    assert r"\caption{Gaming \& churn}" in text
    assert r"\label{tab:effects}" in text
    assert r"\begin{tabular}{lrrrrrl}" in text
    assert text.count(r"\\") == 3


@pytest.mark.parametrize("write", [to_markdown, to_latex])
def test_a_table_without_rows_has_its_header(write: object) -> None:
    assert callable(write)
    assert "estimate" in write(effects().iloc[:0])
