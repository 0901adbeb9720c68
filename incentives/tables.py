"""Tables for people: a tidy frame in, Markdown or LaTeX out, with sensible digits.

Use `to_markdown` for a README or a report, `to_latex` for a paper (it needs the LaTeX package
booktabs), and `readable` for the same numbers as a frame of strings. A row that has a standard
error shows its numbers to two digits of that error; other columns show three digits of a
typical entry.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["decimals", "readable", "to_latex", "to_markdown"]

SHARE_ERROR = ("estimate", "std_error", "conf_low", "conf_high", "truth", "error", "mc_error")
"""Columns in the unit of their row's `std_error`."""

FIXED = {"p_value": 3, "statistic": 2}
"""Columns with a habit of their own: decimals."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def decimals(scale: float, *, digits: int = 2) -> int:
    """Count the decimals that show so many significant digits of a number of this scale.

    Parameters
    ----------
    scale
        A number as large as what has to be seen, such as a standard error; any unit.
    digits
        Significant digits, 1 or more.

    Examples
    --------
    >>> decimals(0.034), decimals(3.4), decimals(340.0)
    (3, 1, 0)
    """
    if not math.isfinite(scale) or scale == 0:
        return digits
    return int(min(max(digits - 1 - math.floor(math.log10(abs(scale))), 0), 8))


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn a tidy frame into strings with sensible digits; what is missing becomes empty.

    Parameters
    ----------
    frame
        Any frame; its index is left out of account.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"estimate": [6.6123], "std_error": [0.4321], "p_value": [0.00001]})
    >>> readable(frame).iloc[0].tolist()
    ['6.61', '0.43', '<.001']
    """
    places = [decimals(error) for error in _column(frame, "std_error")]
    shown = {
        name: _share_digits(frame[name], places)
        if "std_error" in frame and name in SHARE_ERROR
        else _own_digits(str(name), frame[name])
        for name in frame.columns
    }
    return pd.DataFrame(shown, index=frame.index, dtype=str)


def to_markdown(frame: pd.DataFrame, *, caption: str = "") -> str:
    """Write a frame as a Markdown table, numbers to the right.

    Parameters
    ----------
    frame
        A tidy frame; its index is not written.
    caption
        A line above the table.

    Examples
    --------
    >>> import pandas as pd
    >>> print(to_markdown(pd.DataFrame({"scheme": ["wage"], "gamed": [1.25]})))
    | scheme | gamed |
    | :----- | ----: |
    | wage   |  1.25 |
    """
    cells = [
        [text.replace("|", r"\|").replace("\n", " ") for text in row] for row in _written(frame)
    ]
    right = _numeric(frame)
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    rule = [_rule(width, to_right) for width, to_right in zip(widths, right, strict=True)]
    lines = ["| " + " | ".join(_justified(row, widths, right)) + " |" for row in cells]
    lines.insert(1, "| " + " | ".join(rule) + " |")
    return "\n".join([caption, "", *lines] if caption else lines)


def to_latex(frame: pd.DataFrame, *, caption: str = "", label: str = "") -> str:
    r"""Write a frame as a LaTeX tabular with booktabs rules, in a table if it has a caption.

    Parameters
    ----------
    frame
        A tidy frame; its index is not written.
    caption, label
        Of the floating table; without a caption there is only the tabular.

    Examples
    --------
    >>> import pandas as pd
    >>> print(to_latex(pd.DataFrame({"pay_scheme": ["wage"], "gamed": [1.25]})))
    \begin{tabular}{lr}
    \toprule
    pay\_scheme & gamed \\
    \midrule
    wage & 1.25 \\
    \bottomrule
    \end{tabular}
    """
    head, *body = [" & ".join(map(_escaped, row)) + r" \\" for row in _written(frame)]
    columns = "".join("r" if right else "l" for right in _numeric(frame))
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *body]
    lines += [r"\bottomrule", r"\end{tabular}"]
    if caption:
        told = [rf"\caption{{{_escaped(caption)}}}", *([rf"\label{{{label}}}"] if label else [])]
        lines = [r"\begin{table}", r"\centering", *told, *lines, r"\end{table}"]
    return "\n".join(lines)


def _column(frame: pd.DataFrame, name: str) -> list[float]:
    return _floats(frame[name]).tolist() if name in frame else []


def _floats(column: "pd.Series") -> npt.NDArray[np.float64]:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _share_digits(column: "pd.Series", places: Sequence[int]) -> list[str]:
    return [_number(value, place) for value, place in zip(_floats(column), places, strict=True)]


def _own_digits(name: str, column: "pd.Series") -> list[str]:
    if not pd.api.types.is_float_dtype(column.dtype):
        return ["" if pd.isna(value) else str(value) for value in column]
    values = _floats(column)
    sized = np.abs(values[np.isfinite(values) & (values != 0)])
    if np.all(values[np.isfinite(values)] % 1 == 0):
        place = 0
    else:
        place = FIXED.get(name, decimals(float(np.median(sized)), digits=3))
    if name == "p_value":
        return ["<.001" if value < 0.001 else _number(value, place) for value in values]
    return [_number(value, place) for value in values]


def _number(value: float, places: int) -> str:
    return "" if math.isnan(value) else f"{value:.{places}f}"


def _written(frame: pd.DataFrame) -> list[list[str]]:
    """Give the header and the rows as strings."""
    shown = readable(frame)
    return [[str(name) for name in shown.columns], *shown.to_numpy(dtype=object).tolist()]


def _numeric(frame: pd.DataFrame) -> list[bool]:
    return [
        pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
        for dtype in frame.dtypes
    ]


def _justified(row: Iterable[str], widths: Iterable[int], right: Iterable[bool]) -> list[str]:
    return [t.rjust(w) if r else t.ljust(w) for t, w, r in zip(row, widths, right, strict=True)]


def _rule(width: int, to_right: bool) -> str:
    dashes = "-" * (width - 1)
    return f"{dashes}:" if to_right else f":{dashes}"


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)
