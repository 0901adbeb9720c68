"""Write the panel on which other packages are held against `staggered_effect`.

Run from the checkout: ``python -m tests.agreement.make_staggered``. It is the first of the known
worlds with a roll-out: saves logged per 1,000 contacts by team and month, and when teams start.
"""

from pathlib import Path

from tests.worlds import each, trial

HERE = Path(__file__).resolve().parent
NEVER = 99


def main() -> None:
    """Write the panel."""
    world = next(each(trial("staggered")))
    cells = world.cells[(world.cells["agent"] >= 0).to_numpy()]
    saved = cells["n"].where(cells["logged_outcome"] == "saved", 0)
    keys = [cells["team"], cells["month"]]
    rate = saved.groupby(keys).sum() / cells["n"].groupby(keys).sum()
    panel = (1000 * rate).round().astype(int).rename("saves").reset_index()
    given = world.assignments[(world.assignments["scheme"].astype(str) != "before").to_numpy()]
    start = given.set_index("unit_id")["from_month"]
    panel["start"] = panel["team"].map(start).fillna(NEVER).astype(int)
    path = HERE / "fixtures" / "staggered.csv"
    path.parent.mkdir(exist_ok=True)
    panel.to_csv(path, index=False)


if __name__ == "__main__":
    main()
