"""Write the inputs on which other packages are held against ours, from the first known world.

Run from the checkout with the package's own Python: ``python -m tests.agreement.make_fixtures``.
The packages they are for need an older pandas than ours, so their inputs are kept as plain CSV.
"""

import sys
from pathlib import Path

import pandas as pd

from incentives.estimates.audits import SUCCESSES

HERE = Path(__file__).resolve().parent
FIXTURES = HERE / "fixtures"


def main() -> None:
    """Write audits, counts of contacts by agent and month, and counts of customers."""
    sys.path.insert(0, str(HERE.parent))
    import worlds

    world = next(worlds.each(worlds.trial("gamed")))
    audits = world.audits.query("logged_outcome != 'abandoned'")
    write(
        "audits",
        pd.DataFrame(
            {
                "team": audits["team"],
                "bonus": paid(audits),
                "gamed": (audits["found"].astype(str) != "none").astype(int),
                "prob": audits["prob"],
            }
        ),
    )
    cells = world.cells.query("logged_outcome != 'abandoned'")
    success = cells["logged_outcome"].isin(SUCCESSES)
    counts = cells.assign(bonus=paid(cells), successes=cells["n"] * success)
    key = ["agent", "team", "month", "bonus"]
    write("contacts", counts.groupby(key)[["n", "successes"]].sum().reset_index())
    customers = world.customers.query("initial")
    counts = customers.assign(bonus=paid(customers)).rename(columns={"home_team": "team"})
    write(
        "customers", counts.groupby(["team", "month", "bonus"])[["n", "left"]].sum().reset_index()
    )


def paid(frame: pd.DataFrame) -> "pd.Series[int]":
    return (frame["scheme"].astype(str) == "retention").astype(int)


def write(name: str, frame: pd.DataFrame) -> None:
    FIXTURES.mkdir(exist_ok=True)
    frame.to_csv(FIXTURES / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
