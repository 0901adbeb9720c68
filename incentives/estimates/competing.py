"""For which reason did customers leave? Cumulative incidence where reasons compete.

Use `competing_risks` where customers leave in several ways and a scheme may trade one for another:
a cancellation that is suppressed today is a customer who leaves when the suppression is
discovered. A reading that treats the other reasons as if such customers could still be followed
(1 - Kaplan-Meier of one reason) stands beside the answer, and its parts add up to too much.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from incentives.estimates.comparison import Comparison, Measure, Measured, Observed
from incentives.estimates.hazards import (
    AtRisk,
    Population,
    at_risk,
    by_arm,
    curves,
    free_hazards,
    incidence,
    leaving_checks,
    survival,
)
from incentives.estimates.inference import Estimated, Fit, shares
from incentives.estimates.result import TIDY_COLUMNS, Check, Estimate, converged, direction, tidy

__all__ = ["competing_risks"]

COUNTED, MODELLED = "Aalen-Johansen", "cause-specific cloglog"
NAIVE = "1 - Kaplan-Meier"


class Risks(NamedTuple):
    """What competes, for each arm and month (arms x months)."""

    by_reason: dict[str, Estimated]  #: share that has left for the reason
    naive: dict[str, Estimated]  #: the same with the other reasons taken for censoring
    kept: Estimated  #: share retained
    fits: dict[str, Fit]


def competing_risks(
    records: Observed,
    *,
    by: str = "scheme",
    control: str,
    horizon: int = 12,
    population: Population = "initial",
    covariates: Sequence[str] = (),
) -> Estimate:
    """Estimate how many more customers leave under each scheme, reason by reason.

    **Estimand.** For customers of the population of `churn_effect`: the share who have left for
    a reason by the end of `horizon` months, where every other reason may take them first, under
    a scheme less under the control, in points per 100 customers. The reasons add up to all who
    left.

    **Identification.** As for `churn_effect`: schemes were assigned to worlds or teams
    independently of how many customers would leave for any reason, and each customer met one
    scheme. Nothing is assumed about how the reasons hang together.

    **Estimator.** Aalen and Johansen's: the hazard of a reason in each month (leavers for it, of
    customers at risk) times the share whom no reason has taken before, added up over months,
    from counts by cluster. With covariates the hazards come from one complementary log-log model
    for each reason, free by scheme and month, standardised as in `churn_effect`. Errors by the
    delta method, clustered at the level of assignment, with t critical values. Beside it stands
    1 - Kaplan-Meier of each reason alone, which takes customers who left for another reason as
    if they could still leave for this one.

    Parameters
    ----------
    records
        Simulated records or a firm's own tables; only the analyst's view is read: `runs`,
        `assignments` and `customers`, whose `left_...` columns are the reasons and add up to
        `left`.
    by
        ``"scheme"``, or a column of `runs` in which whole worlds differ.
    control
        The scheme that the others are compared with.
    horizon
        Months, 1 or more; the records must be that long.
    population
        As for `churn_effect`.
    covariates
        As for `churn_effect`.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: `incidence` in all, then by reason in `group`, by
        ``"Aalen-Johansen"`` (``"cause-specific cloglog"`` with covariates), and by reason again
        by ``"1 - Kaplan-Meier"`` (naive). `details` has ``"levels"`` (the same for each scheme
        alone) and ``"curves"`` (customers lost per 100 by month, by reason in `group`).

    Raises
    ------
    KeyError
        A scheme or a column is not in the records.
    ValueError
        The records cannot answer: no reasons or reasons that do not add up, and what
        `churn_effect` refuses.

    References
    ----------
    Aalen and Johansen (1978), Scandinavian Journal of Statistics 5, 141-150 (from memory).

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500))
    >>> worlds = centre.vary(scheme={"wage": inc.Wage(), "sales": inc.PieceRate("sales", 8.0)})
    >>> records = inc.simulate(worlds, replications=4, months=2, rng=1, keep="cells")
    >>> risks = inc.competing_risks(records, control="wage", horizon=2)
    >>> risks.tidy().loc[0, ["estimand", "contrast", "unit"]].tolist()
    ['incidence', 'sales vs wage', 'per 100 customers by 2 months']
    """
    plan, counted = at_risk(
        records,
        by=by,
        control=control,
        horizon=horizon,
        population=population,
        covariates=covariates,
    )
    _refuse_unsorted(counted)
    risks = _risks(counted, modelled=bool(covariates))
    counts = counted.counts
    measured = _measure(counted, risks, horizon, MODELLED if covariates else COUNTED)
    weighed = [each._replace(weight=counted.months) for each in measured]
    rows, levels = plan.tables(weighed, counted.present)
    tidied = tidy(levels).loc[:, list(TIDY_COLUMNS)]
    return Estimate(
        question=f"Why customers left under each {by}, against '{control}'",
        rows=rows,
        design={
            **plan.facts(rows),
            "horizon": horizon,
            "population": population,
            "covariates": ", ".join(covariates),
            "reasons": ", ".join(risks.by_reason),
            "n_customers": int(counts.n.sum()),
            "n_left": int(counts.n_events.sum()),
        },
        facts=f"{plan.described(rows)}; {counts.n.sum():,.0f} customers at the start, "
        f"{counts.n_events.sum():,.0f} left within {horizon} months",
        reading=_reading(tidy(rows)),
        checks=(
            *plan.checks(rows),
            *leaving_checks(counted, population),
            _reasons_compete(tidied),
            converged(risks.fits),
        ),
        details={"levels": tidied, "curves": _curves(plan, counted, risks)},
        fits={name: fit.result for name, fit in risks.fits.items()},
    )


def _refuse_unsorted(counted: AtRisk) -> None:
    """Refuse leavers without a reason, or with two."""
    if not counted.by_reason:
        raise ValueError(
            "customers have no reasons of leaving: give a column for each that counts those who "
            "left for it, such as left_contact and left_silent"
        )
    sorted_out = sum(counted.by_reason.values(), np.zeros_like(counted.left))
    if not np.allclose(sorted_out, counted.left):
        raise ValueError(
            f"reasons of leaving must add up to customers.left: {sorted_out.sum():,.0f} of "
            f"{counted.left.sum():,.0f} leavers have one; count the rest in a column of their "
            "own, such as left_other"
        )


def _risks(counted: AtRisk, *, modelled: bool) -> Risks:
    """Give the hazards of the reasons, and what follows from them together and alone."""
    arms = counted.n.shape[1]
    hazards, fits = {}, {}
    for reason, left in counted.by_reason.items():
        if not left.any():
            continue
        if modelled:
            fits[reason], hazards[reason] = free_hazards(counted, left)
        else:
            flat = (len(left), -1)
            hazards[reason] = shares(left.reshape(flat), counted.n.reshape(flat))
    first, *others = hazards.values()
    kept = survival(sum(others, first), arms)
    return Risks(
        {reason: incidence(hazard, kept, arms) for reason, hazard in hazards.items()},
        {reason: survival(hazard, arms) * -1.0 for reason, hazard in hazards.items()},
        kept,
        fits,
    )


def _measure(counted: AtRisk, risks: Risks, horizon: int, estimator: str) -> list[Measured]:
    """Take the last month, in customers per 100: in all, by reason, and as the naive reading."""
    _, arms, months, _ = counted.n.shape
    last = 100 * by_arm(arms, np.eye(months)[-1])
    whole = Measure("incidence", f"per 100 customers by {horizon} months", estimator)
    part = whole._replace(in_figure=True, in_summary=True)
    counts = {
        reason: counted.counts._replace(n_events=left.sum(axis=(0, 2, 3)))
        for reason, left in counted.by_reason.items()
    }
    return [
        Measured(whole.main(), _from_all(risks.kept * -1.0, last), counted.counts),
        *(
            Measured(part._replace(group=reason), share.linear(last), counts[reason])
            for reason, share in risks.by_reason.items()
        ),
        *(
            Measured(
                whole._replace(estimator=NAIVE, group=reason),
                _from_all(share, last),
                counts[reason],
            )
            for reason, share in risks.naive.items()
        ),
    ]


def _from_all(minus_kept: Estimated, last: Any) -> Estimated:
    """Give 100 less what is kept per 100."""
    share = minus_kept.linear(last)
    return Estimated(100 + share.value, share.influence)


def _curves(plan: Comparison, counted: AtRisk, risks: Risks) -> pd.DataFrame:
    """Give customers lost per 100 by month, by reason, from none at month 0."""
    frames = [
        curves(plan, share * 100, counted.present, start=0.0, value="per_100").assign(group=reason)
        for reason, share in risks.by_reason.items()
    ]
    return pd.concat(frames, ignore_index=True)


def _reasons_compete(levels: pd.DataFrame) -> Check:
    """Measure by how much the naive readings of the reasons add up to more than all who left."""
    parts = levels[(levels["estimator"] == NAIVE)].groupby("term")["estimate"].sum()
    whole = levels[levels["group"] == ""].set_index("term")["estimate"]
    over = float((parts / whole.reindex(parts.index) - 1).max())
    return Check(
        "reasons hardly compete",
        over <= 0.05,
        over,
        0.05,
        "by this share the reasons read one by one (1 - Kaplan-Meier) add up to more than all "
        "who left; read the incidences, which do not",
    )


def _reading(rows: pd.DataFrame) -> str:
    """Say in a line for which reasons more or fewer leave under each scheme."""
    parts = rows[(rows["group"] != "") & (rows["estimator"] != NAIVE)]
    said = []
    for term, own in parts.groupby("term", sort=False):
        clear = [
            f"{row['group']} {row['estimate']:+.1f}"
            for _, row in own.iterrows()
            if direction(row) != 0
        ]
        if clear:
            said.append(f"'{term}' moves who leaves by: {', '.join(clear)} {own['unit'].iloc[0]}")
        else:
            said.append(f"whether '{term}' moves why customers leave is unclear")
    return "; ".join(said)
