"""More worlds for the calendar of the log, with every contact kept, where `worlds` keeps its own.

In `months` half the teams have a monthly target for sales, in `plain` they have it and nobody can
move an outcome in time (without G7), in `piece` half are paid for each sale, which leaves nothing
to be gained by its date. `as_twins` are the same centres with all teams under each scheme.
"""

import hashlib
from functools import cache
from pathlib import Path

import worlds

import incentives as inc

OWN = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
MONTHS = 3
PIECE = inc.Wage() + inc.PieceRate("sales", 0.5)


def centre(**schemes: inc.Scheme) -> inc.Scenario:
    """Give a floor, half of whose teams are on a wage and half under the scheme that is named."""
    return worlds.floor(worlds.WAGE, "wage").assign({"wage": worlds.WAGE, **schemes})


@cache
def months() -> inc.Records:
    """Give centres half of whose teams have a monthly target."""
    return _kept("months", [centre(target=worlds.TARGET)], 24)


@cache
def plain() -> inc.Records:
    """Give the same centres without anybody who moves an outcome in time."""
    return _kept("plain", [centre(target=worlds.TARGET).without("G7")], 20)


@cache
def piece() -> inc.Records:
    """Give centres half of whose teams are paid for each sale."""
    return _kept("piece", [centre(piece=PIECE)], 6)


@cache
def as_twins() -> inc.Records:
    """Give the same centres with all teams on the wage and all under the target."""
    floors = [worlds.floor(worlds.WAGE, "wage"), worlds.floor(worlds.TARGET, "target")]
    return _kept("same", floors, 10)


def _kept(name: str, made: list[inc.Scenario], replications: int) -> inc.Records:
    def run() -> inc.Records:
        return inc.simulate(
            made,
            replications=replications,
            months=MONTHS,
            rng=2028,
            keep="contacts",
            progress=False,
        )

    return worlds._kept(f"calendar-{name}-{OWN}", run)
