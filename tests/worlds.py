"""Worlds with a known truth, simulated once and shared by the tests of all estimators.

A world of `simulate` with queue, peers, call-backs and everything else on is the ground that an
estimator is marked on. `trial(name)` gives the analyst's records of many of them, `truth(name)`
what the same centres did as twins, all under the one scheme and all under the other. What has been
simulated is kept under ``.pytest_cache`` until a source file of the package or this one changes, so
that the processes that run the tests, and the next run of them, find it there.
"""

import contextlib
import fcntl
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import incentives as inc
from incentives._compile import digest
from incentives.staff import LOYAL, MERCENARY

OWN = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
HERE = Path(__file__).resolve().parent.parent / ".pytest_cache" / "worlds" / f"{digest()}-{OWN}"
TEAMS, SEATS, MONTHS = 16, 2, 2
WAGE = inc.Wage()
SAVES = inc.Wage() + inc.PieceRate("saves", 6.0)
SCHEMES = {"wage": WAGE, "retention": SAVES}


def contractor() -> inc.Scenario:
    """Give a small copy of the outsourced retention floor, with more checks than it has."""
    base = inc.Scenario.load("outsourced_retentions")
    return base.change(
        {
            "floor.teams": TEAMS,
            "floor.team_size": SEATS,
            "floor.customers": 1100 * TEAMS * SEATS,
            "audit.rate": 0.02,
            "audit.on_saves": 0.15,
            "routing.keep": "team",
        }
    )


def two_kinds() -> inc.Scenario:
    """Give a contractor whose agents are of two kinds, and begin under the wage.

    Within a kind tastes hardly differ, so that there are kinds to be found; the mixture of the
    outsourced floor is a continuum. Checks are few enough to deter little.
    """
    kinds = tuple(replace(each, share=0.5) for each in (MERCENARY, LOYAL))
    base = contractor().change(
        {
            "scheme": WAGE,
            "workforce.archetypes": kinds,
            "workforce.tastes": 0.1,
            "conscience.spread": 0.1,
            "conscience.ability": 0.0,
            "routing.retention": 1.0,
            "floor.teams": 12,
            "floor.team_size": 4,
            "floor.customers": 1000 * 48,
        }
    )
    low = inc.Wage() + inc.PieceRate("saves", PRICES["low"])
    high = inc.Wage() + inc.PieceRate("saves", PRICES["high"])
    return base.assign({"low": low, "high": high}, unit="agent", start=MONTHS)


PRICES = {"before": 0.0, "low": 4.0, "high": 8.0}
"""What a logged save pays in the worlds of `two_kinds`, by scheme."""

GAMING = ("G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8")

TRIALS: dict[str, tuple[Callable[[], inc.Scenario], int]] = {
    # name: the centre of which half the teams are paid for saves, and how many such worlds
    "gamed": (lambda: contractor().assign(SCHEMES), 120),
    "honest": (lambda: contractor().without(*GAMING).assign(SCHEMES), 40),
    # mercenary and loyal agents, all under the wage before they are paid little or much for saves
    "switched": (two_kinds, 30),
}


@cache
def trial(name: str) -> inc.Records:
    """Give the analyst's records of the named worlds: teams dealt to schemes at random."""
    make, replications = TRIALS[name]
    return _kept(name, lambda folder: _run([make()], replications, folder)).seen_by("analyst")


@cache
def oracle(name: str) -> inc.Records:
    """Give the same records with the truth beside the log."""
    make, replications = TRIALS[name]
    return _kept(name, lambda folder: _run([make()], replications, folder))


@cache
def truth(name: str, replications: int = 24) -> inc.Twins:
    """Give the paired effects of paying every team for saves against paying none."""
    plain = TRIALS[name][0]()
    both = list(contractor().without(*plain.off).vary(scheme=SCHEMES))
    records = _kept(f"{name}-twins", lambda folder: _run(both, replications, folder))
    return inc.truth_of(records, policy="retention", against="wage", horizon=MONTHS)


def each(records: inc.Records) -> Iterator[inc.Records]:
    """Take records apart, run by run: each world as a firm of its own would see it."""
    parts = {
        name: dict(list(frame.groupby("run")))
        for name, frame in records.frames().items()
        if len(frame)
    }
    for run in records.runs["run"]:
        yield inc.Records(
            **{
                name: parts[name][run] if run in parts.get(name, {}) else frame.iloc[:0]
                for name, frame in records.frames().items()
            }
        )


def _run(scenarios: list[inc.Scenario], replications: int, folder: Path) -> inc.Records:
    """Simulate as many months as it takes to see every scheme for `MONTHS`."""
    assigned = [each.assignment for each in scenarios if each.assignment is not None]
    return inc.simulate(
        scenarios,
        replications=replications,
        months=MONTHS + max((each.start for each in assigned), default=0),
        rng=2026,
        keep="cells",
        folder=folder,
        progress=False,
    )


def _kept(name: str, run: Callable[[Path], inc.Records]) -> inc.Records:
    """Simulate, or read what another process of this package's sources has simulated."""
    folder = HERE / name
    with _alone(folder):
        return run(folder)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time at a folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
