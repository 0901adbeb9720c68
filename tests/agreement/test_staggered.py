"""`staggered_effect` beside diff-diff's Callaway and Sant'Anna, on the same panel."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from diff_diff import CallawaySantAnna

from incentives.estimates.staggered import staggered_effect

PANEL = Path(__file__).resolve().parent / "fixtures" / "staggered.csv"
NEVER = 99
CLOSE = 1e-9
LESS_ONE = np.sqrt(4 / 3)  # all waves are of four: we divide squares by n - 1, they by n
CONTROLS = {"not yet": "not_yet_treated", "never": "never_treated"}

Cell = tuple[int, int]


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return pd.read_csv(PANEL)


@pytest.fixture(scope="module", params=CONTROLS)
def against(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def ours(panel: pd.DataFrame, against: Any) -> Any:
    contacts = pd.concat(
        [
            panel.assign(run=0, agent=panel["team"], logged_outcome=outcome, n=n)
            for outcome, n in (("saved", panel["saves"]), ("handled", 1000 - panel["saves"]))
        ]
    )
    months = int(panel["month"].max()) + 1
    start = panel.groupby("team")["start"].first()
    given = [
        (0, "team", team, scheme, *period, True)
        for team, first in start.items()
        for scheme, period in (
            ("before", (0, min(first, months))),
            ("bonus", (first, months)),
        )
        if period[0] < period[1]
    ]
    columns = ["run", "unit", "unit_id", "scheme", "from_month", "to_month", "randomised"]
    seen = SimpleNamespace(
        runs=pd.DataFrame({"run": [0], "replication": [0]}),
        assignments=pd.DataFrame(given, columns=columns),
        cells=contacts,
        audits=pd.DataFrame({"mode": [], "prob": []}),
    )
    seen.seen_by = lambda role: seen
    return staggered_effect(seen, outcome="saved_logged", against=against)


@pytest.fixture(scope="module")
def theirs(panel: pd.DataFrame, against: str) -> Any:
    """Fit theirs; its months begin at 1, and 0 stands for never."""
    frame = panel.assign(
        group=panel["start"].where(panel["start"] < NEVER, -1) + 1,
        month=panel["month"] + 1,
        rate=panel["saves"] / 10,
    )
    model = CallawaySantAnna(
        control_group=CONTROLS[against], estimation_method="reg", base_period="universal"
    )
    return model.fit(frame, outcome="rate", unit="team", time="month", first_treat="group")


def by_cell(theirs: Any) -> dict[Cell, dict[str, Any]]:
    """Give what they found by our wave and month, without the months compared with."""
    found = {
        (int(group) - 1, int(month) - 1): cell
        for (group, month), cell in theirs.group_time_effects.items()
    }
    return {(wave, month): cell for (wave, month), cell in found.items() if month != wave - 1}


def test_effects_by_wave_and_month_are_theirs(ours: Any, theirs: Any) -> None:
    cells, both = ours.details["cells"].set_index(["wave", "month"]), by_cell(theirs)
    assert set(both) == set(cells.index)
    for place, cell in both.items():
        assert cells.loc[place, "estimate"] == pytest.approx(cell["effect"], abs=CLOSE), place


def compared(panel: pd.DataFrame, place: Cell, against: str) -> set[int]:
    """Name the waves that a wave is held against in a month."""
    wave, month = place
    if against == "never":
        return {NEVER}
    starts = {int(start) for start in panel["start"].unique()}
    return {start for start in starts - {wave} if start > max(month, wave - 1)}


def test_errors_are_theirs_where_one_wave_is_held_against_one(
    panel: pd.DataFrame, ours: Any, theirs: Any, against: str
) -> None:
    """Where several waves wait, they are draws of one kind to them and of several to us."""
    cells, both = ours.details["cells"].set_index(["wave", "month"]), by_cell(theirs)
    alone = [place for place in both if len(compared(panel, place, against)) == 1]
    assert len(alone) == {"never": 15, "not yet": 9}[against]
    for place in alone:
        error = both[place]["se"] * LESS_ONE
        assert cells.loc[place, "std_error"] == pytest.approx(error, rel=CLOSE), place


def test_averages_are_theirs(ours: Any, theirs: Any, against: str) -> None:
    mine = ours.tidy().set_index("group")
    assert mine.loc["", "estimate"] == pytest.approx(theirs.overall_att, abs=CLOSE)
    since = theirs.aggregate("event_study").to_dataframe().query("not is_reference")
    waves = theirs.aggregate("group").to_dataframe()
    for k, effect in zip(since["event_time"], since["att"], strict=True):
        assert mine.loc[f"month {k:+d}", "estimate"] == pytest.approx(effect, abs=CLOSE), k
    for group, effect, error in zip(waves["label"], waves["att"], waves["se"], strict=True):
        row = mine.loc[f"wave {int(group) - 1}"]
        assert row["estimate"] == pytest.approx(effect, abs=CLOSE), group
        if against == "never":
            assert row["std_error"] == pytest.approx(error * LESS_ONE, rel=CLOSE), group
    assert len(mine) == 1 + len(since) + len(waves)
