"""Did the scheme make customers leave? Hazards by month, standardised to a risk and to months.

Use `churn_effect` on customer-months at risk. The answer comes first in units that a manager
and a simulator can both compute (customers lost per 100 by a month, months retained), and as a
hazard ratio second, since that one is not collapsible: it differs from the structural ratio as
soon as customers differ.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from incentives.estimates.comparison import Measure, Measured, Observed
from incentives.estimates.cox import Episodes, fit_cox
from incentives.estimates.hazards import (
    MOST_DUMMIES,
    AtRisk,
    Population,
    at_risk,
    by_arm,
    curves,
    free_hazards,
    incidence,
    leaving_checks,
    proportional_hazards,
    survival,
)
from incentives.estimates.inference import Estimated, Fit, shares
from incentives.estimates.result import TIDY_COLUMNS, Check, Estimate, converged, direction, tidy

__all__ = ["churn_effect"]

FREE, PROPORTIONAL, COX = "cloglog, free by month", "cloglog, proportional", "Cox, Efron"


def churn_effect(
    records: Observed,
    *,
    by: str = "scheme",
    control: str,
    horizon: int = 12,
    population: Population = "initial",
    covariates: Sequence[str] = (),
) -> Estimate:
    """Estimate how many more customers leave under each scheme than under the control.

    **Estimand.** For customers of the initial population (those still there where the schemes of
    a world came to differ later): the share who have left by the end of `horizon` months under a
    scheme, less the share under the control (points per 100 customers), in all and by how they
    left (on a contact, silently, on discovering a suppressed cancellation, or whatever `left_...`
    columns a firm has; these add up); and the difference in months retained, where a customer who
    leaves in month t (counted from 0) was retained t months and one who stays
    `horizon`. Second, the ratio of monthly hazards.

    **Identification.** Schemes were assigned to worlds or teams independently of how many
    customers would leave, and each customer met one scheme. A few who were put through elsewhere
    count for the scheme of their home team, and a check gives their share; where more than 5 of
    100 customer-months of a scheme met several, or of those who left, the estimate is refused.

    **Estimator.** Binomial GLMs with complementary log-log link on counts by cluster, scheme and
    month. The headline leaves the hazard of every scheme free by month and standardises by
    g-computation: 1 - prod(1 - h), and the sum of survival over months. The hazard ratio, and
    a second reading of the headline, come from proportional hazards with month dummies; once
    more the ratio, as a cross-check, from Cox regression with Efron's ties. Beyond
    24 months a cubic spline stands for the dummies, with a knot every six months. Covariates
    shift the log hazard; in every month the hazards of all schemes are then averaged over the
    same customers, those of all schemes at risk in that month, so that a covariate may move with
    time, as tenure does. Errors by the delta method, clustered at the level of assignment, with
    t critical values.

    Parameters
    ----------
    records
        Simulated records or a firm's own tables; only the analyst's view is read: `runs`,
        `assignments` and `customers`.
    by
        ``"scheme"``, or a column of `runs` in which whole worlds differ.
    control
        The scheme that the others are compared with.
    horizon
        Months, 1 or more; the records must be that long.
    population
        ``"initial"``: customers of the first month, followed from there. ``"all"``: with those
        won later, whose number a scheme may have moved; months are then of the calendar, and
        the answer is that of a customer who lived through them.
    covariates
        Columns of `customers` in which customers of the arms may differ, such as
        ``"tenure_band"``, each value a kind of its own; nothing that a scheme itself moves.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: `churn` (the headline, then by reason in `group`; with
        covariates and beyond 24 months `competing_risks` has the reasons) and `months_retained`
        by the estimator ``"cloglog, free by month"``; `hazard_ratio`, and `churn` and
        `months_retained` again, by ``"cloglog, proportional"``; `hazard_ratio` by ``"Cox,
        Efron"``. `details` has ``"levels"`` (the same for each scheme alone) and ``"curves"``
        (share retained by month).

    Raises
    ------
    KeyError
        A scheme or a column is not in the records.
    ValueError
        The records cannot answer: too few clusters, customers who met several schemes, a
        horizon that is not on record.

    References
    ----------
    Prentice and Gloeckler (1978), Biometrics 34, 57-67, for the grouped hazard; Robins (1986)
    for g-computation.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500), audit=inc.Audit(rate=0.2))
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    >>> worlds = centre.vary(scheme=schemes)
    >>> records = inc.simulate(worlds, replications=4, months=2, rng=1, keep="cells")
    >>> effect = inc.churn_effect(records, control="wage", horizon=2)
    >>> effect.tidy().loc[0, ["estimand", "contrast", "unit"]].tolist()
    ['churn', 'saves vs wage', 'per 100 customers by 2 months']
    """
    plan, counted = at_risk(
        records,
        by=by,
        control=control,
        horizon=horizon,
        population=population,
        covariates=covariates,
    )
    fits, measured, kept = _measure(counted, horizon)
    counts = counted.counts
    weighed = [each._replace(weight=counted.months) for each in measured]
    rows, levels = plan.tables(weighed, counted.present)
    return Estimate(
        question=f"Customers who left under each {by}, against '{control}'",
        rows=rows,
        design={
            **plan.facts(rows),
            "horizon": horizon,
            "population": population,
            "covariates": ", ".join(covariates),
            "n_customers": int(counts.n.sum()),
            "n_left": int(counts.n_events.sum()),
            "n_customer_months": int(counted.n.sum()),
        },
        facts=f"{plan.described(rows)}; {counts.n.sum():,.0f} customers at the start, "
        f"{counts.n_events.sum():,.0f} left within {horizon} months",
        reading=_reading(tidy(rows)),
        checks=(
            *plan.checks(rows),
            *leaving_checks(counted, population),
            _proportionality(rows),
            converged(fits),
        ),
        details={
            "levels": tidy(levels).loc[:, list(TIDY_COLUMNS)],
            "curves": curves(plan, kept, counted.present, start=1.0, value="share"),
        },
        fits={name: fit.result for name, fit in fits.items()},
    )


def _measure(counted: AtRisk, horizon: int) -> tuple[dict[str, Fit], list[Measured], Estimated]:
    """Fit, standardise, and make of the hazards what is reported; give survival as well."""
    arms, counts = counted.n.shape[1], counted.counts
    free, hazard = free_hazards(counted, counted.left)
    proportional, log_ratio, implied = proportional_hazards(counted)
    kept, kept_implied = survival(hazard, arms), survival(implied, arms)
    cox = fit_cox(_episodes(counted), len(counted.n))
    again = cox.coefficients.linear(np.eye(arms, cox.coefficients.value.size, k=-1))
    lost = Measure("churn", f"per 100 customers by {horizon} months", FREE)
    stay = Measure("months_retained", "months per customer", FREE)
    ratio = Measure("hazard_ratio", "ratio", PROPORTIONAL, kind="ratio", in_summary=True)
    measured = [
        Measured(lost.main(), _lost(kept, arms), counts),
        Measured(stay._replace(in_summary=True), _retained(kept, arms), counts),
        *_reasons(counted, kept, lost._replace(in_figure=True)),
        Measured(ratio, log_ratio, counts),
        Measured(ratio._replace(estimator=COX, in_summary=False), again, counts),
        Measured(lost._replace(estimator=PROPORTIONAL), _lost(kept_implied, arms), counts),
        Measured(stay._replace(estimator=PROPORTIONAL), _retained(kept_implied, arms), counts),
    ]
    return {"free": free, "proportional": proportional, "cox": cox}, measured, kept


def _episodes(counted: AtRisk) -> Episodes:
    """Write customers at risk as episodes of a month each: a dummy an arm, then the covariates."""
    here = np.nonzero(counted.n)
    cluster, arm, month, stratum = here
    dummies = np.eye(counted.n.shape[1])[:, 1:]
    start = month.astype(np.float64)
    covariates = np.hstack([dummies[arm], counted.kinds[stratum]])
    return Episodes(start, start + 1, counted.n[here], counted.left[here], covariates, cluster)


def _lost(kept: Estimated, arms: int) -> Estimated:
    """Give customers lost by the horizon per 100, for each arm."""
    months = kept.value.size // arms
    left = kept.linear(-100 * by_arm(arms, np.eye(months)[-1]))
    return Estimated(100 + left.value, left.influence)


def _retained(kept: Estimated, arms: int) -> Estimated:
    """Give months retained within the horizon, for each arm."""
    months = kept.value.size // arms
    return kept.linear(by_arm(arms, np.ones(months)))


def _reasons(counted: AtRisk, kept: Estimated, measure: Measure) -> list[Measured]:
    """Part those who left by reason, where hazards are shares and the parts add up."""
    _, arms, months, strata = counted.n.shape
    if strata > 1 or months > MOST_DUMMIES:
        return []
    n, last = counted.n.reshape(len(counted.n), -1), 100 * by_arm(arms, np.eye(months)[-1])
    parts = []
    for reason, left in counted.by_reason.items():
        if left.any():
            part = incidence(shares(left.reshape(n.shape), n), kept, arms).linear(last)
            those = counted.counts._replace(n_events=left.sum(axis=(0, 2, 3)))
            parts.append(Measured(measure._replace(group=reason), part, those))
    return parts


def _proportionality(rows: pd.DataFrame) -> Check:
    """Look at whether the proportional reading says what the free one says."""
    whole = rows[(rows["group"] == "") & (rows["kind"] == "difference")]
    free, other = (
        whole[whole["estimator"] == estimator].set_index(["estimand", "term"])
        for estimator in (FREE, PROPORTIONAL)
    )
    gap = (free["estimate"] - other["estimate"]).abs()
    apart = float((gap / free["std_error"]).max())
    return Check(
        "proportional hazards",
        apart <= 1,
        apart,
        1,
        "standard errors between the free and the proportional reading: hazards are not "
        "proportional, so read the risk and the months, not the ratio",
    )


def _reading(rows: pd.DataFrame) -> str:
    """Say in a line what each scheme did: clear, unclear, or the readings contradict."""
    main = rows[(rows["group"] == "")].drop_duplicates(["term", "estimand"])
    churn, ratio = (main[main["estimand"] == name] for name in ("churn", "hazard_ratio"))
    return "; ".join(_said(churn.iloc[k], ratio.iloc[k]) for k in range(len(churn)))


def _said(churn: "pd.Series[Any]", ratio: "pd.Series[Any]") -> str:
    term = churn["term"]
    sign = direction(churn)
    if sign * direction(ratio) < 0:
        return (
            f"under '{term}' the risk and the hazard ratio contradict each other: "
            "look at the curves by month"
        )
    unit = churn["unit"]
    if sign:
        least, most = sorted(abs(churn[end]) for end in ("conf_low", "conf_high"))
        return f"'{term}' loses {least:.1f} to {most:.1f} {'more' if sign > 0 else 'fewer'} {unit}"
    low, high = churn["conf_low"], churn["conf_high"]
    return f"whether '{term}' moves churn is unclear ({low:+.1f} to {high:+.1f} {unit})"
