"""Compare pay schemes on one centre: the same worlds under each, and what an analyst would find.

Use `compare` for the whole answer: what happened under each scheme, the twin effects against a
control (the truth), and beside them the estimates that an analyst would make of gaming and churn
from the log, the audits and the bills. `outcome_table` gives the first of these for any records.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from incentives.equal_cost import at_equal_cost
from incentives.estimates import Estimate, churn_effect, gaming_effect
from incentives.estimates.comparison import unknown
from incentives.menu import ENTRIES
from incentives.pay import Scheme
from incentives.records import Records
from incentives.scenario import Scenario
from incentives.simulation import simulate
from incentives.truth import OUTCOMES, outcomes, paired

__all__ = ["Comparison", "compare", "outcome_table"]

FLOOR = {
    "contacts": "contacts offered per month",
    "service_level": "answered in time per 100 offered",
    "occupancy": "minutes on contacts per 100 on duty",
    "handle_time": "mean handle time (minutes)",
    "quits": "agents who quit per 100 and month",
}
"""What the trade asks of a floor, beside the outcomes that twins are compared on."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What `compare` found: frames for tables and figures, and the records behind them.

    Parameters
    ----------
    control
        Label of the scheme that the others are compared with.
    schemes
        The schemes as they were paid, by label: scaled, if costs were matched.
    records
        Of all runs: replication k is the same world under every scheme.
    outcomes
        What happened under each scheme: see `outcome_table`.
    effects
        The truth: paired effects against the control, a row a scheme and outcome.
    gaming, churn
        The estimates of an analyst; None where the records could not answer.
    refused
        Why an estimate was refused, by its name.
    """

    control: str
    schemes: Mapping[str, Scheme]
    records: Records
    outcomes: pd.DataFrame
    effects: pd.DataFrame
    gaming: Estimate | None
    churn: Estimate | None
    refused: Mapping[str, str]

    def estimates(self) -> pd.DataFrame:
        """Give the analyst's estimates, each beside the twin truth where twins measure the same.

        Returns
        -------
        pandas.DataFrame
            The rows of `Estimate.compare`: those of `tidy()` with `truth`, `mc_error`, `error` and
            `covered`. Empty if both estimates were refused.
        """
        truth = pd.DataFrame(
            {
                "estimand": self.effects["outcome"],
                "contrast": self.effects["scheme"] + f" vs {self.control}",
                "truth": self.effects["effect"],
                "mc_error": self.effects["mc_error"],
            }
        )
        made = [each.compare(truth) for each in (self.gaming, self.churn) if each is not None]
        return pd.concat(made, ignore_index=True) if made else pd.DataFrame()


def compare(
    scenario: Scenario,
    schemes: Mapping[str, Scheme] | Sequence[str] | None = None,
    *,
    control: str | None = None,
    replications: int = 20,
    months: int = 24,
    horizon: int = 12,
    rng: int | np.random.SeedSequence = 0,
    n_jobs: int = 1,
    equal_cost: bool = False,
    progress: bool | None = None,
) -> Comparison:
    """Run a centre under several pay schemes, with common random numbers, and compare them.

    Parameters
    ----------
    scenario
        The centre, with everything but its scheme as it is.
    schemes
        Schemes by label, or labels of schemes that the scenario brings; all of these if left out.
    control
        Label of the scheme to compare with; the first if left out.
    replications
        Worlds, each lived through under every scheme: 2 or more, and 3 for an estimate.
    months, horizon
        Length of a run, and the month by which churn is counted (at most `months`).
    rng, n_jobs, progress
        As in `simulate`.
    equal_cost
        Scale the bonuses so that every scheme costs the same per agent in the worlds compared, and
        warn where none did (`cost_matched`).

    Notes
    -----
    The estimate of gaming takes the chance that a check recognises each kind from the scenario,
    as a firm would from checks that are done twice.

    Raises
    ------
    KeyError
        A scheme is not among those of the scenario.
    ValueError
        There are fewer than two schemes, or a number is out of range.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=300))
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    >>> found = inc.compare(centre, schemes, replications=2, months=1)
    >>> found.control, found.effects["scheme"].unique().tolist()
    ('wage', ['saves'])
    """
    paid = _schemes(scenario, schemes)
    control = next(iter(paid)) if control is None else control
    if control not in paid:
        raise unknown(control, paid, what="scheme", where="the comparison (control)")
    for name, value, least in (("replications", replications, 2), ("horizon", horizon, 1)):
        if value < least:
            raise ValueError(f"compare: {name} must be {least} or more, got {value!r}")
    worlds: dict[str, Any] = {
        "replications": replications,
        "months": months,
        "rng": rng,
        "n_jobs": n_jobs,
        "progress": progress,
    }
    if equal_cost:
        paid, records = at_equal_cost(paid, scenario, **worlds)
    else:
        records = simulate(scenario.vary(scheme=paid), **worlds, keep="cells")
    horizon = min(horizon, months)
    gaming, churn, refused = _estimates(records, control, horizon, _detection(scenario))
    return Comparison(
        control=control,
        schemes=paid,
        records=records,
        outcomes=outcome_table(records, horizon=horizon),
        effects=_effects(records, control, paid, horizon),
        gaming=gaming,
        churn=churn,
        refused=refused,
    )


def outcome_table(records: Records, *, horizon: int | None = None) -> pd.DataFrame:
    """Tabulate what happened under each scheme, on the floor and in truth.

    Parameters
    ----------
    records
        Of one or more runs.
    horizon
        Month by which churn is counted.

    Returns
    -------
    pandas.DataFrame
        A row a scheme and outcome: `scheme`, `outcome`, `unit`, the `mean` over runs, its
        `mc_error` (missing for a single run) and the number of `runs`.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=300))
    >>> table = inc.outcome_table(inc.simulate(centre, months=1))
    >>> "service_level" in set(table["outcome"])
    True
    """
    units = FLOOR | OUTCOMES
    by_run = outcomes(records, horizon=horizon).set_index("run").join(_floor(records))
    label = records.runs.set_index("run")["scheme"].astype("str")
    tall = by_run[list(units)].assign(scheme=label).melt("scheme", var_name="outcome")
    grouped = tall.groupby(["scheme", "outcome"], sort=False)["value"]
    table = grouped.agg(mean="mean", mc_error="sem", runs="size").reset_index()
    table.insert(2, "unit", table["outcome"].map(units))
    order = table["scheme"].map({name: i for i, name in enumerate(pd.unique(label))})
    return table.loc[order.sort_values(kind="stable").index].reset_index(drop=True)


def _floor(records: Records) -> pd.DataFrame:
    """Compute the trade's figures of each run: a column for each of `FLOOR`."""
    months = records.runs.set_index("run")["months"]
    day = records.days.drop(columns=["day", "month"]).groupby("run").sum()
    return pd.DataFrame(
        {
            "contacts": day["offered"] / months,
            "service_level": 100 * day["within"] / day["offered"],
            "occupancy": 100 * day["minutes_busy"] / day["minutes_on_duty"],
            "handle_time": day["minutes_busy"] / day["answered"],
            "quits": 100 * records.agents.groupby("run")["quit"].mean(),
        }
    )


def _schemes(
    scenario: Scenario, schemes: Mapping[str, Scheme] | Sequence[str] | None
) -> dict[str, Scheme]:
    """Give the schemes to compare by label, those of the scenario looked up."""
    own = {scenario.label: scenario.scheme, **scenario.schemes}
    if isinstance(schemes, Mapping):
        chosen = dict(schemes)
    else:
        labels: Iterable[str] = scenario.schemes if schemes is None else schemes
        chosen = {}
        for label in labels:
            if label not in own:
                raise unknown(label, own, what="scheme", where=f"scenario '{scenario.name}'")
            chosen[label] = own[label]
    if len(chosen) < 2:
        raise ValueError(
            f"compare: schemes must name two or more, got {', '.join(chosen) or 'none'}; "
            f"the scenario has {', '.join(own)}"
        )
    return chosen


def _effects(records: Records, control: str, schemes: Iterable[str], horizon: int) -> pd.DataFrame:
    """Put the twin effects of every scheme against the control together."""
    values = outcomes(records, horizon=horizon)
    tables = []
    for scheme in schemes:
        if scheme != control:
            table = paired(values, records.runs, scheme, control).tidy()
            table.insert(0, "scheme", scheme)
            table.insert(1, "control", control)
            tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _detection(scenario: Scenario) -> dict[str, float]:
    """Give the chance that a check recognises each kind of gaming, as double checks would find it.

    Where rows of a kind differ, it is their mean.
    """
    seen: dict[str, list[float]] = {}
    for action, row in scenario.menu.items():
        if row.seen > 0.0:
            seen.setdefault(ENTRIES[action].mechanism, []).append(row.seen)
    return {kind: sum(chances) / len(chances) for kind, chances in seen.items()}


def _estimates(
    records: Records, control: str, horizon: int, detection: Mapping[str, float]
) -> tuple[Estimate | None, Estimate | None, dict[str, str]]:
    """Estimate gaming and churn as an analyst would, and keep the reason where that is refused."""
    made: dict[str, Estimate | None] = {"gaming": None, "churn": None}
    refused = {}
    questions: dict[str, Any] = {
        "gaming": lambda: gaming_effect(records, control=control, detection=detection),
        "churn": lambda: churn_effect(records, control=control, horizon=horizon),
    }
    for name, ask in questions.items():
        try:
            made[name] = ask()
        except ValueError as error:
            refused[f"{name}_effect"] = str(error)
    return made["gaming"], made["churn"], refused
