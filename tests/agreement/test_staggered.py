"""`staggered_effect` beside csdid, on the same panel."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from incentives.estimates.staggered import staggered_effect

csdid = pytest.importorskip("csdid.att_gt")
PANEL = Path(__file__).resolve().parent / "fixtures" / "staggered.csv"
NEVER = 99


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return pd.read_csv(PANEL)


@pytest.fixture(scope="module")
def ours(panel: pd.DataFrame) -> Any:
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
    )
    seen.seen_by = lambda role: seen
    return staggered_effect(seen, outcome="saved_logged")


@pytest.fixture(scope="module")
def theirs(panel: pd.DataFrame) -> Any:
    """Fit theirs; its months begin at 1, and 0 stands for never."""
    frame = panel.assign(
        group=panel["start"].where(panel["start"] < NEVER, -1) + 1,
        month=panel["month"] + 1,
        rate=panel["saves"] / 10,
    )
    with pytest.warns(UserWarning, match="small groups"):
        return csdid.ATTgt(
            yname="rate",
            gname="group",
            idname="team",
            tname="month",
            data=frame,
            control_group="notyettreated",
        ).fit(est_method="reg", base_period="universal", bstrap=False)


def test_effects_by_wave_and_month_are_theirs(ours: Any, theirs: Any) -> None:
    cells = ours.details["cells"].set_index(["wave", "month"])
    found = theirs.results
    both = {
        (int(group) - 1, int(month) - 1): (estimate, error)
        for group, month, estimate, error in zip(
            found["group"], found["year"], found["att"], found["se"], strict=True
        )
        if int(month) - 1 != int(group) - 2  # the month that the others are compared with
    }
    assert set(both) == set(cells.index)
    for cell, (estimate, _) in both.items():
        assert cells.loc[cell, "estimate"] == pytest.approx(estimate, abs=1e-9), cell
    # where only those who never start wait, both take two waves of four, they without n / (n - 1)
    error = both[1, 5][1] * np.sqrt(4 / 3)
    assert cells.loc[(1, 5), "std_error"] == pytest.approx(error, rel=1e-9)


def test_averages_are_theirs(ours: Any, theirs: Any) -> None:
    mine = ours.tidy().set_index("group")["estimate"]
    assert mine[""] == pytest.approx(theirs.aggte("simple").atte["overall_att"], abs=1e-9)
    dynamic = theirs.aggte("dynamic").atte
    for since, estimate in zip(dynamic["egt"], dynamic["att_egt"], strict=True):
        if since != -1:
            assert mine[f"month {since:+d}"] == pytest.approx(estimate, abs=1e-9), since
    waves = theirs.aggte("group").atte
    for group, estimate in zip(waves["egt"], waves["att_egt"], strict=True):
        assert mine[f"wave {int(group) - 1}"] == pytest.approx(estimate, abs=1e-9), group
