"""More worlds for the estimates that correct the log by audits; kept where `worlds` keeps its own.

`piloted` are centres that begin under a wage, of which half the teams are paid for saves from the
second month on. `checked` are centres alike but for how often contacts are audited.
"""

import hashlib
from functools import cache
from pathlib import Path

import worlds

import incentives as inc

OWN = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
RATES = (0.01, 0.03, 0.09)


@cache
def piloted() -> inc.Records:
    """Give centres of which half the teams are paid for saves, from the second month on."""
    centre = worlds.contractor().assign(worlds.SCHEMES, start=1)
    return worlds._kept(f"piloted-{OWN}", lambda: _run([centre], 24, 3))


@cache
def checked() -> inc.Records:
    """Give centres paid for saves that audit one, three or nine contacts of a hundred."""
    changes = {"floor.teams": 4, "floor.customers": 1100 * 4 * 2, "audit.on_saves": 0.0}
    centre = worlds.contractor().change({**changes, "scheme": worlds.SAVES})
    grid = list(centre.vary(**{"audit.rate": RATES}))
    return worlds._kept(f"checked-{OWN}", lambda: _run(grid, 36, 2))


def _run(made: list[inc.Scenario], replications: int, months: int) -> inc.Records:
    return inc.simulate(
        made,
        replications=replications,
        months=months,
        rng=2027,
        keep="cells",
        progress=False,
    )
