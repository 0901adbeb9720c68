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
from functools import cache
from pathlib import Path

import incentives as inc
from incentives._compile import digest

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


GAMING = ("G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8")

TRIALS: dict[str, tuple[Callable[[], inc.Scenario], int]] = {
    # name: the centre of which half the teams are paid for saves, and how many such worlds
    "gamed": (lambda: contractor().assign(SCHEMES), 120),
    "honest": (lambda: contractor().without(*GAMING).assign(SCHEMES), 40),
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
    return inc.simulate(
        scenarios,
        replications=replications,
        months=MONTHS,
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
