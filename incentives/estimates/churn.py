"""Did the scheme make customers leave? Hazards by month, standardised to a risk and to months.

Use `churn_effect` on customer-months at risk. The answer comes first in units that a manager
and a simulator can both compute (customers lost per 100 by a month, months retained), and as a
hazard ratio second, since that one is not collapsible: it differs from the structural ratio as
soon as customers differ.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from incentives.estimates.comparison import (
    Comparison,
    Counts,
    Measure,
    Measured,
    Observed,
    compare_arms,
    require,
    since_apart,
)
from incentives.estimates.cox import Episodes, fit_cox
from incentives.estimates.inference import (
    Bools,
    Estimated,
    Fit,
    Floats,
    carried_by,
    fit_binomial,
    shares,
    t_margin,
)
from incentives.estimates.result import TIDY_COLUMNS, Check, Estimate, converged, direction, tidy

__all__ = ["churn_effect"]

FREE, PROPORTIONAL, COX = "cloglog, free by month", "cloglog, proportional", "Cox, Efron"
REASONS = ("contact", "silent", "discovery")
COLUMNS = ["run", "month", "initial", "exposure_identified", "left"]


class AtRisk(NamedTuple):
    """Customers by cluster, arm and month, arrays (clusters, arms, months)."""

    n: Floats
    left: Floats
    by_reason: dict[str, Floats]


def churn_effect(
    records: Observed,
    *,
    by: str = "scheme",
    control: str,
    horizon: int = 12,
    population: Literal["initial", "all"] = "initial",
) -> Estimate:
    """Estimate how many more customers leave under each scheme than under the control.

    **Estimand.** For customers of the initial population (those still there where the schemes of
    a world came to differ later): the share who have left by the end of `horizon` months under a
    scheme, less the share under the control (points per 100
    customers), in all and by how they left (on a contact, silently, on discovering a
    suppressed cancellation; these add up); and the difference in months retained, where a
    customer who leaves in month t (counted from 0) was retained t months and one who stays
    `horizon`. Second, the ratio of monthly hazards.

    **Identification.** Schemes were assigned to worlds or teams independently of how many
    customers would leave, and each customer met one scheme: where routing let customers meet
    several, the estimate is refused.

    **Estimator.** Binomial GLMs with complementary log-log link on counts by cluster, scheme and
    month. The headline leaves the hazard of every scheme free by month and standardises by
    g-computation: 1 - prod(1 - h), and the sum of survival over months. The hazard ratio, and
    a second reading of the headline, come from proportional hazards with month dummies; once
    more the ratio, as a cross-check, from Cox regression with Efron's ties. Errors by the delta
    method, clustered at the level of assignment, with t critical values.

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

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: `churn` (the headline, then by reason in `group`) and
        `months_retained` by the estimator ``"cloglog, free by month"``; `hazard_ratio`, and
        `churn` and `months_retained` again, by ``"cloglog, proportional"``; `hazard_ratio` by
        ``"Cox, Efron"``. `details` has ``"levels"`` (the same for each scheme alone) and
        ``"curves"`` (share retained by month).

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
    seen = records.seen_by("analyst")
    customers = since_apart(seen, require(seen.customers, "customers", COLUMNS), by=by)
    customers = _followed(customers, horizon, population)
    if by == "scheme":
        _refuse_mixed(customers)
    plan = compare_arms(seen, customers, by=by, control=control)
    at_risk = _count(plan, customers, horizon)
    _refuse_gaps(plan, at_risk)
    fits = _fit(at_risk)
    counts = Counts(n=at_risk.n[:, :, 0].sum(axis=0), n_events=at_risk.left.sum(axis=(0, 2)))
    measured, survival = _measure(at_risk, counts, fits, horizon)
    whole = at_risk.n.sum(axis=2)
    rows, levels = plan.tables([each._replace(weight=whole) for each in measured], whole > 0)
    return Estimate(
        question=f"Customers who left under each {by}, against '{control}'",
        rows=rows,
        design={
            **plan.facts(rows),
            "horizon": horizon,
            "population": population,
            "n_customers": int(counts.n.sum()),
            "n_left": int(counts.n_events.sum()),
            "n_customer_months": int(at_risk.n.sum()),
        },
        facts=f"{plan.described(rows)}; {counts.n.sum():,.0f} customers at the start, "
        f"{counts.n_events.sum():,.0f} left within {horizon} months",
        reading=_reading(tidy(rows)),
        checks=(*plan.checks(rows), *_churn_checks(counts, rows, population), converged(fits)),
        details={
            "levels": tidy(levels).loc[:, list(TIDY_COLUMNS)],
            "curves": _curves(plan, survival, whole > 0),
        },
        fits={name: fit.result for name, fit in fits.items()},
    )


def _followed(customers: pd.DataFrame, horizon: int, population: str) -> pd.DataFrame:
    """Take the customer-months of the population within the horizon."""
    if population not in ("initial", "all"):
        raise ValueError(f"population must be 'initial' or 'all', got {population!r}")
    months = int(require(customers, "customers", [])["month"].max()) + 1
    if not 1 <= horizon <= months:
        raise ValueError(
            f"horizon must lie between 1 and the {months} months on record, got {horizon}"
        )
    inside = (customers["month"] < horizon).to_numpy()
    if population == "initial":
        inside = inside & customers["initial"].to_numpy(dtype=bool)
    return require(customers[inside], f"customers of population '{population}'", [])


def _refuse_mixed(customers: pd.DataFrame) -> None:
    """Refuse where customers met several arms: nobody's leaving is then due to one of them."""
    mixed = ~customers["exposure_identified"].to_numpy(dtype=bool)
    if mixed.any():
        raise ValueError(
            f"an effect on churn is not identified: in {mixed.mean():.0%} of customer-months the "
            "routing let customers meet agents under several schemes; let routing keep "
            "customers with a team, or assign schemes to whole worlds"
        )
    require(customers, "customers", ["scheme"])


def _count(plan: Comparison, customers: pd.DataFrame, horizon: int) -> AtRisk:
    """Add customers up by cluster, arm and month."""
    month = customers["month"].to_numpy(dtype=np.int64)
    one = np.ones(len(customers))
    n = customers["n"].to_numpy(dtype=float) if "n" in customers else one
    reasons = [reason for reason in REASONS if f"left_{reason}" in customers]
    counts = [customers[name] for name in ("left", *(f"left_{reason}" for reason in reasons))]
    totals = plan.totals(
        customers,
        [n, *(count.to_numpy(dtype=float) for count in counts)],
        team="home_team",
        within=(month, horizon),
    )
    return AtRisk(totals[0], totals[1], dict(zip(reasons, totals[2:], strict=True)))


def _refuse_gaps(plan: Comparison, at_risk: AtRisk) -> None:
    """Refuse a scheme with a month that is not on record, or under which nobody left."""
    arm, month = np.nonzero(at_risk.n.sum(axis=0) == 0)
    if arm.size:
        raise ValueError(
            f"no customers at risk under '{plan.arms[arm[0]]}' in month {month[0]}: "
            "ask for a shorter horizon or leave that scheme out"
        )
    stayed = np.flatnonzero(at_risk.left.sum(axis=(0, 2)) == 0)
    if stayed.size:
        raise ValueError(
            f"nobody left under '{plan.arms[stayed[0]]}' within the horizon, so there is no "
            "hazard to compare; ask for a longer horizon or simulate more customers"
        )


def _fit(at_risk: AtRisk) -> dict[str, Fit]:
    """Fit hazards that are free by scheme and month, then proportional ones twice."""
    clusters, arms, months = at_risk.n.shape
    left, n = at_risk.left.reshape(clusters, -1), at_risk.n.reshape(clusters, -1)
    return {
        "free": fit_binomial(left, n, link="cloglog"),
        "proportional": fit_binomial(left, n, _proportional(arms, months), link="cloglog"),
        "cox": fit_cox(_episodes(at_risk), clusters),
    }


def _episodes(at_risk: AtRisk) -> Episodes:
    """Write the customers at risk as episodes of a month each, with a dummy for each arm."""
    cluster, arm, month = np.nonzero(at_risk.n)
    here = (cluster, arm, month)
    dummies = np.eye(at_risk.n.shape[1])[:, 1:]
    start = month.astype(np.float64)
    n, left = at_risk.n[here], at_risk.left[here]
    return Episodes(start, start + 1, n, left, dummies[arm], cluster)


def _proportional(arms: int, months: int) -> Floats:
    """Write month dummies, then a dummy for each arm but the control: (arms x months, ...)."""
    by_month: Floats = np.tile(np.eye(months), (arms, 1))
    by_arm: Floats = np.repeat(np.eye(arms)[:, 1:], months, axis=0)
    return np.hstack([by_month, by_arm])


def _each(arms: int, row: Floats) -> Floats:
    """Write a matrix that applies a row of weights over months to each arm, (arms, ...)."""
    return np.kron(np.eye(arms), row).astype(np.float64)


def _measure(
    at_risk: AtRisk, counts: Counts, fits: dict[str, Fit], horizon: int
) -> tuple[list[Measured], Estimated]:
    """Standardise: make of the hazards what is reported, and the survival behind it."""
    _, arms, months = at_risk.n.shape
    coefficients, design = fits["proportional"].coefficients, _proportional(arms, months)
    by_arm = np.eye(arms, design.shape[1], k=months - 1)
    by_arm[0] = 0.0  # the control has no coefficient
    survival = _survival(fits["free"].coefficients, arms)
    implied = _survival(coefficients.linear(design), arms)
    log_ratio = coefficients.linear(by_arm)
    lost = Measure("churn", f"per 100 customers by {horizon} months", FREE)
    kept = Measure("months_retained", "months per customer", FREE)
    measured = [
        Measured(lost.main(), _lost(survival, arms), counts),
        Measured(kept._replace(in_summary=True), _retained(survival, arms), counts),
    ]
    for reason, left in at_risk.by_reason.items():
        if left.any():
            part = lost._replace(group=reason, in_figure=True)
            those = counts._replace(n_events=left.sum(axis=(0, 2)))
            measured.append(Measured(part, _lost_by(survival, left, at_risk.n), those))
    ratio = Measure("hazard_ratio", "ratio", PROPORTIONAL, kind="ratio", in_summary=True)
    again = ratio._replace(estimator=COX, in_summary=False)
    measured += [
        Measured(ratio, log_ratio, counts),
        Measured(again, fits["cox"].coefficients.linear(np.eye(arms, arms - 1, k=-1)), counts),
        Measured(lost._replace(estimator=PROPORTIONAL), _lost(implied, arms), counts),
        Measured(kept._replace(estimator=PROPORTIONAL), _retained(implied, arms), counts),
    ]
    return measured, survival


def _survival(log_hazard: Estimated, arms: int) -> Estimated:
    """Give the share retained at the end of each month, (arms x months), from log hazards.

    With a complementary log-log link, 1 - h = exp(-exp(x)), so survival is exp of minus a sum.
    """
    rate = np.exp(log_hazard.value).reshape(arms, -1)
    survival = np.exp(-rate.cumsum(axis=1))
    months = rate.shape[1]
    jacobian = np.zeros((arms, months, arms, months))
    for arm in range(arms):
        jacobian[arm, :, arm, :] = np.tril(-survival[arm, :, None] * rate[arm])
    return log_hazard.through(survival.ravel(), jacobian.reshape(arms * months, -1))


def _lost(survival: Estimated, arms: int) -> Estimated:
    """Give customers lost by the horizon per 100, for each arm."""
    months = survival.value.size // arms
    left = survival.linear(-100 * _each(arms, np.eye(months)[-1]))
    return Estimated(100 + left.value, left.influence)


def _retained(survival: Estimated, arms: int) -> Estimated:
    """Give months retained within the horizon, for each arm."""
    months = survival.value.size // arms
    return survival.linear(_each(arms, np.ones(months)))


def _lost_by(survival: Estimated, left: Floats, n: Floats) -> Estimated:
    """Give customers lost per 100 for one reason: its hazard times survival to the month."""
    clusters, arms, months = n.shape
    hazard = shares(left.reshape(clusters, -1), n.reshape(clusters, -1))
    alive = survival.linear(_each(arms, np.eye(months, k=-1)))
    first = np.tile(np.eye(months)[0], arms)
    alive = Estimated(alive.value + first, alive.influence)
    value = 100 * alive.value * hazard.value
    moved = 100 * (alive.influence * hazard.value + alive.value * hazard.influence)
    return Estimated(value, moved).linear(_each(arms, np.ones(months)))


def _curves(plan: Comparison, survival: Estimated, present: Bools) -> pd.DataFrame:
    """Give the share of customers retained by month, from 1 at month 0, with 95 % intervals."""
    months = survival.value.size // len(plan.arms)
    frames = []
    for arm, name in enumerate(plan.arms):
        own = slice(arm * months, (arm + 1) * months)
        carried = carried_by(present[:, arm], present[:, arm])
        share = np.concatenate([[1.0], survival.value[own]])
        error = np.concatenate([[0.0], survival.std_error(carried)[own]])
        margin = t_margin(error, np.full(months + 1, float(carried.df)), 0.95)
        columns = {"share": share, "conf_low": share - margin, "conf_high": share + margin}
        frames.append(pd.DataFrame({"scheme": name, "month": np.arange(months + 1), **columns}))
    return pd.concat(frames, ignore_index=True)


def _churn_checks(counts: Counts, rows: pd.DataFrame, population: str) -> list[Check]:
    """Look at whether leavers are enough, and at what the models assume."""
    whole = rows[(rows["group"] == "") & (rows["kind"] == "difference")]
    free, other = (
        whole[whole["estimator"] == estimator].set_index(["estimand", "term"])
        for estimator in (FREE, PROPORTIONAL)
    )
    gap = (free["estimate"] - other["estimate"]).abs()
    apart = float((gap / free["std_error"]).max())
    return [
        Check(
            "leavers enough in each arm",
            bool(counts.n_events.min() >= 20),
            float(counts.n_events.min()),
            20,
            "leavers in the thinnest arm; below 20 an interval is a rough guide",
        ),
        Check(
            "proportional hazards",
            apart <= 1,
            apart,
            1,
            "standard errors between the free and the proportional reading: hazards are not "
            "proportional, so read the risk and the months, not the ratio",
        ),
        Check(
            "population fixed before the schemes",
            population == "initial",
            float(population == "initial"),
            1,
            "customers won later are counted, and the schemes may have moved who they are",
        ),
    ]


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
