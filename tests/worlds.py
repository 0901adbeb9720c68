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


def floor(scheme: inc.Scheme, label: str, **values: float) -> inc.Scenario:
    """Give a contractor that is half as busy, with everybody under one scheme."""
    return contractor().change(
        {"floor.customers": 450 * TEAMS * SEATS, "scheme": scheme, "label": label, **values}
    )


def before() -> inc.Scenario:
    """Give a floor on a wage, on which lies spread: what a scheme does grows with the months."""
    return floor(WAGE, "before", **{"identity.contagion": 3.0})


THRESHOLD = 14
WAVES = (1, 2, 4, 6)  # the last one never comes: runs end with month 5
TARGET = inc.Wage() + inc.Target("sales", THRESHOLD, lump=12.0)


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
    # pay for saves that comes to a quarter of the teams in months 1, 2 and 4 each
    "staggered": (lambda: before().assign({"retention": SAVES}, start=WAVES), 32),
    "staggered-honest": (
        lambda: before().without(*GAMING).assign({"retention": SAVES}, start=WAVES),
        6,
    ),
    # a lump to half the teams for so many sales a month
    "target": (lambda: floor(WAGE, "wage").assign({"wage": WAGE, "target": TARGET}), 32),
    # mercenary and loyal agents, all under the wage before they are paid little or much for saves
    "switched": (two_kinds, 30),
}
MONTHS_OF = {
    "staggered": 6,
    "staggered-honest": 6,
    "target": 3,
    "switched": 4,
}  # of the others `MONTHS`

SAME: dict[str, tuple[Callable[[], list[inc.Scenario]], int]] = {
    # name: the same centres with all teams under each scheme that anybody is under
    "staggered": (lambda: [before()], 16),
    "target": (lambda: [floor(WAGE, "wage"), floor(TARGET, "target")], 20),
}


@cache
def trial(name: str) -> inc.Records:
    """Give the analyst's records of the named worlds: teams dealt to schemes at random."""
    return oracle(name).seen_by("analyst")


@cache
def oracle(name: str) -> inc.Records:
    """Give the same records with the truth beside the log."""
    make, replications = TRIALS[name]
    return _kept(name, lambda: _run([make()], replications, _months(name)))


@cache
def as_twins(name: str) -> inc.Records:
    """Give the first of the same centres, with the truth, all teams under one scheme at a time."""
    make, replications = SAME[name]
    return _kept(f"{name}-same", lambda: _run(make(), replications, _months(name)))


@cache
def truth(name: str, replications: int = 24) -> inc.Twins:
    """Give the paired effects of paying every team for saves against paying none."""
    plain = TRIALS[name][0]()
    both = list(contractor().without(*plain.off).vary(scheme=SCHEMES))
    records = _kept(f"{name}-twins", lambda: _run(both, replications, MONTHS))
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


def _months(name: str) -> int:
    return MONTHS_OF.get(name, MONTHS)


def _run(scenarios: list[inc.Scenario], replications: int, months: int) -> inc.Records:
    return inc.simulate(
        scenarios,
        replications=replications,
        months=months,
        rng=2026,
        keep="cells",
        progress=False,
    )


def _kept(name: str, run: Callable[[], inc.Records]) -> inc.Records:
    """Simulate, or read what another process of this package's sources has simulated."""
    folder = HERE / name
    with _alone(folder):
        if not folder.exists():
            run().save(HERE / f"{name}.part").replace(folder)
        return inc.Records.load(folder)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time at a folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
