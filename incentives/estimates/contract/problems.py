"""What is wrong with a firm's files: all of it, in one table that says the way out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Problems", "RecordsError"]

Rows = npt.NDArray[np.bool_] | None

FIRST = 5  # lines that are shown of each problem
HEADER = {"line": 2, "row": 0}  # a file's first row stands on line 2, a frame's is row 0


class RecordsError(ValueError):
    """Records that cannot be: the message is a table of all that is wrong.

    Parameters
    ----------
    problems
        One row a problem: `frame`, `column`, `problem`, `rows` (how many), `first` (the first of
        them: lines of a CSV file, whose header is line 1, or rows of a frame, counted from 0), and
        `way_out`. It stays at hand as the attribute `problems`.
    """

    def __init__(self, problems: pd.DataFrame) -> None:
        self.problems = problems
        kinds = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__("\n".join([f"{kinds} in the records", *_lines(problems)]))

    def __reduce__(self) -> tuple[type["RecordsError"], tuple[pd.DataFrame]]:
        return type(self), (self.problems,)


def _lines(problems: pd.DataFrame) -> Iterator[str]:
    """Lay a table out as text, its columns aligned to the left."""
    rows = [list(problems.columns), *problems.astype(str).to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{text:<{width}}" for text, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


@dataclass(slots=True)
class Problems:
    """Collects what is wrong while frames are read.

    Parameters
    ----------
    counted
        What the rows of each frame are called: lines of a file or rows of a frame.
    holes
        Columns that are missing, such as ``"contacts.agent"``, and stand empty while the rest is
        looked at.
    left_out
        Frames that are missing or could not be read.
    """

    counted: dict[str, Literal["line", "row"]] = field(default_factory=dict)
    found: list[dict[str, object]] = field(default_factory=list)
    holes: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)

    def add(
        self,
        frame: str,
        column: str,
        problem: str,
        way_out: str,
        *,
        rows: Rows = None,
        rests_on: Iterable[str] = (),
    ) -> None:
        """Note a problem of a whole column, or of those rows of it that are marked, if any.

        Nothing is noted that a hole could have made: one in the column itself, or in what the
        finding rests on besides, written as in `holes`.
        """
        if rows is not None and not rows.any():
            return
        if any(map(self._is_hole, (f"{frame}.{column}", *rests_on))):
            return
        first, many = "", ""
        if rows is not None:
            word = self.counted.get(frame, "row")
            places = np.flatnonzero(rows)
            shown = ", ".join(str(place + HEADER[word]) for place in places[:FIRST])
            first = f"{word} {shown}{', ...' if len(places) > FIRST else ''}"
            many = str(len(places))
        self.found.append(
            {
                "frame": frame,
                "column": column,
                "problem": problem,
                "rows": many,
                "first": first,
                "way_out": way_out,
            }
        )

    def leave_out(self, frame: str) -> None:
        """Take it that all of a frame is missing: what is wrong with it has been noted."""
        self.left_out.add(frame)

    def _is_hole(self, place: str) -> bool:
        return place in self.holes or place.partition(".")[0] in self.left_out

    def refuse(self) -> None:
        """Raise all of them, if there are any."""
        if self.found:
            raise RecordsError(pd.DataFrame(self.found))
