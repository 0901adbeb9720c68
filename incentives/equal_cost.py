"""Equal cost: bonuses scaled until a centre pays the same under each scheme.

Use `cost_matched` for the schemes, `at_equal_cost` for them and the records of the worlds in which
they cost the same. Agents answer to what is paid, so that the factor is searched for by simulating.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from incentives import pay
from incentives.records import Records
from incentives.scenario import Scenario, ScenarioError
from incentives.simulation import simulate

__all__ = ["at_equal_cost", "cost_matched"]

Schemes = Mapping[str, pay.Scheme]

ROUNDS = 6
TOLERANCE = 0.005

FEW = 4
"""Replications of the first, cheap search of `at_equal_cost`."""

EDGE = 0.1
"""Share of a bracket that the next factor keeps from its ends, since cost moves in steps."""


def cost_matched(
    schemes: Schemes,
    centre: Scenario,
    *,
    cost: float | None = None,
    replications: int = 4,
    months: int = 6,
    rng: int | np.random.SeedSequence = 0,
    n_jobs: int = 1,
    rounds: int = ROUNDS,
    tolerance: float = TOLERANCE,
) -> dict[str, pay.Scheme]:
    """Scale the bonuses of schemes so that all cost the same per agent and month.

    The rates of a scheme's variable part are multiplied by a factor, found by simulating, since
    agents answer to what is paid: first in proportion, then by interpolation between a factor that
    costs too little and one that costs too much. A scheme without a variable part has its wage
    scaled. Thresholds stay where they are. Costs are equal in the worlds that are simulated here;
    in others, or over more months, they differ again.

    Parameters
    ----------
    schemes
        Schemes by label.
    centre
        Where they are paid.
    cost
        Money per agent and month; by default the mean of what the schemes cost as they are.
    replications, months, rng, n_jobs
        Of the simulations that measure cost.
    rounds
        Factors to try for each scheme after its own, at most.
    tolerance
        Relative difference of cost within which a scheme is left as it is.

    Warns
    -----
    UserWarning
        No factor tried brings a scheme within the tolerance; the nearest one is given.

    Raises
    ------
    ScenarioError
        A scheme cannot be brought to that cost by scaling its bonus, as when its wage alone is
        more.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=300))
    >>> pair = {"low": inc.Wage(1800.0), "high": inc.Wage(2200.0)}
    >>> matched = inc.cost_matched(pair, centre, replications=1, months=1)
    >>> round(matched["low"].monthly)
    2000
    """
    worlds: dict[str, Any] = {"months": months, "rng": rng, "n_jobs": n_jobs, "progress": False}
    worlds["replications"] = replications
    searches = _searched(schemes, centre, cost, worlds, rounds, tolerance)
    _warn_of_far(searches, tolerance)
    return {search.name: search.best.scheme for search in searches}


def at_equal_cost(
    schemes: Schemes,
    centre: Scenario,
    *,
    replications: int,
    months: int,
    rng: int | np.random.SeedSequence,
    n_jobs: int,
    progress: bool | None,
) -> tuple[dict[str, pay.Scheme], Records]:
    """Scale schemes as `cost_matched` does, in the very worlds in which they are then compared.

    Parameters
    ----------
    schemes, centre
        As in `cost_matched`.
    replications, months, rng, n_jobs, progress
        Of the worlds, as in `simulate`.

    Returns
    -------
    schemes : dict
        Scaled, by label.
    records : Records
        Of the worlds under them, in cells, as `simulate` gives them.
    """
    worlds: dict[str, Any] = {"months": months, "rng": rng, "n_jobs": n_jobs, "progress": progress}
    worlds["replications"] = replications
    target = None
    if replications > FEW:
        near = _searched(schemes, centre, None, {**worlds, "replications": FEW, "progress": False})
        schemes = {search.name: search.best.scheme for search in near}
        target = near[0].target
    searches = _searched(schemes, centre, target, worlds)
    _warn_of_far(searches, TOLERANCE, stacklevel=4)
    records = Records.concat(
        _numbered(search.records, first=i * replications) for i, search in enumerate(searches)
    )
    return {search.name: search.best.scheme for search in searches}, records


class _Tried(NamedTuple):
    """A scheme at some factor, and what came of it (money per agent and month)."""

    factor: float
    scheme: pay.Scheme
    cost: float
    scaled: float  #: the part of the cost that is paid at the scaled rates


@dataclass
class _Search:
    """The search for the factor at which one scheme costs what it should."""

    name: str
    target: float
    tried: list[_Tried]  #: first the scheme as it is, factor 1
    records: Records  #: of the best try

    def add(self, tried: _Tried, records: Records) -> None:
        """Take a try in, and its records if none came nearer."""
        self.tried.append(tried)
        if self.best is tried:
            self.records = records

    @property
    def best(self) -> _Tried:
        """The try whose cost came nearest."""
        return min(self.tried, key=lambda each: abs(each.cost - self.target))

    def is_far(self, tolerance: float) -> bool:
        """Say whether the nearest cost is further from the target than a share of it."""
        return abs(self.best.cost / self.target - 1.0) > tolerance

    def next_factor(self) -> float:
        """Give the factor to try next: between two that bracket the target, else in proportion."""
        ordered = sorted(self.tried, key=lambda each: each.factor)
        brackets = [(a, b) for a, b in pairwise(ordered) if a.cost < self.target <= b.cost]
        if not brackets:
            return self._in_proportion()
        low, high = min(brackets, key=lambda pair: pair[1].cost - pair[0].cost)
        share = (self.target - low.cost) / (high.cost - low.cost)
        return low.factor + min(max(share, EDGE), 1.0 - EDGE) * (high.factor - low.factor)

    def _in_proportion(self) -> float:
        """Give the factor that would bring the target if nobody answered to it, from the last."""
        now = self.tried[-1] if self.tried[-1].scaled > 0.0 else self.best
        wanted = now.scaled + self.target - now.cost
        if wanted <= 0.0 or now.scaled <= 0.0:
            raise ScenarioError(
                f"cost_matched: scheme {self.name!r} cannot cost {self.target:.0f} by scaling its "
                f"bonus: it costs {now.cost:.0f}, of which its bonus pays {now.scaled:.0f}"
            )
        return now.factor * wanted / now.scaled


def _searched(
    schemes: Schemes,
    centre: Scenario,
    cost: float | None,
    worlds: Mapping[str, Any],
    rounds: int = ROUNDS,
    tolerance: float = TOLERANCE,
) -> list[_Search]:
    """Try factors for every scheme until it costs what all are to cost, or rounds are over."""
    first = {name: _tried(name, scheme, 1.0, centre, worlds) for name, scheme in schemes.items()}
    mean = float(np.mean([each.cost for each, _ in first.values()]))
    target = mean if cost is None else cost
    searches = [_Search(name, target, [each], records) for name, (each, records) in first.items()]
    for search in searches:
        for _ in range(rounds):
            if not search.is_far(tolerance):
                break
            factor = search.next_factor()
            search.add(*_tried(search.name, schemes[search.name], factor, centre, worlds))
    return searches


def _tried(
    name: str, scheme: pay.Scheme, factor: float, centre: Scenario, worlds: Mapping[str, Any]
) -> tuple[_Tried, Records]:
    """Live under a scheme at some factor, and count what is earned less what is taken."""
    scaled = _scaled(scheme, factor)
    records = simulate(centre.vary(scheme={name: scaled}), keep="cells", **worlds)
    money = records.agents[["wage", "bonus", "deferred", "clawed_back", "penalty"]].mean()
    bonus = float(money["bonus"] + money["deferred"])
    cost = float(money["wage"] + bonus - money["clawed_back"] - money["penalty"])
    moved = bonus if pay.bonus_parts(scheme) else float(money["wage"])
    return _Tried(factor, scaled, cost, moved), records


def _scaled(scheme: pay.Scheme, factor: float) -> pay.Scheme:
    """Scale the bonus of a scheme, or its wage where it has none."""
    if pay.bonus_parts(scheme):
        return pay.scale_bonus(scheme, factor)
    parts = scheme.parts if isinstance(scheme, pay.Sum) else (scheme,)
    monthly = sum(part.monthly for part in parts if isinstance(part, pay.Wage))
    return pay.Wage(float(monthly) * factor)


def _warn_of_far(searches: list[_Search], tolerance: float, *, stacklevel: int = 3) -> None:
    """Name the schemes that no factor brought to the cost of all."""
    far = [search for search in searches if search.is_far(tolerance)]
    if far:
        costs = ", ".join(f"{each.name!r} {each.best.cost:.0f}" for each in far)
        warnings.warn(
            f"not at equal cost: {costs} per agent and month where {far[0].target:.0f} was asked; "
            "agents answer to the rates in steps, so simulate more replications or give rates",
            stacklevel=stacklevel,
        )


def _numbered(records: Records, *, first: int) -> Records:
    """Give the runs of records the numbers from `first` on."""
    return Records(
        **{
            name: frame.assign(run=frame["run"] + first) if "run" in frame else frame
            for name, frame in records.frames().items()
        }
    )
