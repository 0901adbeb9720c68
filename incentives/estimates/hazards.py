"""Customers at risk by month: counted, modelled, and followed through to who has left.

Use `at_risk` for counts by cluster, arm, month and kind of customer; `free_hazards` and
`proportional_hazards` for what of them leaves in a month; `survival` and `incidence` for who has
left by then. What comes out carries its influence by cluster (see `inference`), so that every
question about leaving has one covariance.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.interpolate import BSpline

from incentives.estimates.comparison import (
    Comparison,
    Counts,
    Observed,
    compare_arms,
    require,
    since_apart,
)
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
from incentives.estimates.result import Check

__all__ = [
    "MOST_DUMMIES",
    "AtRisk",
    "Population",
    "at_risk",
    "by_arm",
    "curves",
    "free_hazards",
    "incidence",
    "leaving_checks",
    "proportional_hazards",
    "survival",
]

Population = Literal["initial", "all"]

COLUMNS = ["run", "month", "initial", "exposure_identified", "left"]
MOST_DUMMIES = 24  # months with a coefficient each; beyond, a spline
KNOTS_APART = 6  # months
NOTED_MIXED, MOST_MIXED = 0.01, 0.05
"""Shares of the customer-months of an arm, and of those who left under it, that met agents under
another scheme than their home team's: from the first on it is noted, beyond the second refused.
All count for their home team's scheme. A month that is wholly the other scheme's takes its share
off the effect, so that 5 of 100 in each of two arms take off a tenth of it at most, and move an
arm's own risk by a twentieth. Leavers are looked at by themselves: where all who want to cancel are
sent to one team, few customer-months are mixed, and nearly all that end.
"""


class AtRisk(NamedTuple):
    """Customers by cluster, arm, month and stratum, arrays (clusters, arms, months, strata)."""

    n: Floats
    left: Floats
    by_reason: dict[str, Floats]
    kinds: Floats  #: dummies of the covariates, shape (strata, coefficients)
    mixed: float = 0.0  #: the largest share of an arm, or of its leavers, that met another scheme

    @property
    def months(self) -> Floats:
        """Customer-months of each cluster in each arm."""
        return np.asarray(self.n.sum(axis=(2, 3)))

    @property
    def present(self) -> Bools:
        """Whether each cluster has customers in each arm."""
        return np.asarray(self.months > 0)

    @property
    def counts(self) -> Counts:
        """Customers at the start of each arm, and all that left."""
        start = self.n[:, :, 0].sum(axis=(0, 2))
        return Counts(n=start, n_events=self.left.sum(axis=(0, 2, 3)))


def at_risk(
    records: Observed,
    *,
    by: str,
    control: str,
    horizon: int,
    population: Population,
    covariates: Sequence[str],
) -> tuple[Comparison, AtRisk]:
    """Count customers at risk and those who left, and refuse what cannot be compared.

    Parameters are those of `churn_effect`.
    """
    seen = records.seen_by("analyst")
    customers = since_apart(seen, require(seen.customers, "customers", COLUMNS), by=by)
    customers = _followed(customers, horizon, population)
    mixed = _mixed(customers) if by == "scheme" else 0.0
    plan = compare_arms(seen, customers, by=by, control=control)
    counted = _count(plan, customers, horizon, covariates)._replace(mixed=mixed)
    _refuse_gaps(plan, counted)
    return plan, counted


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


def _mixed(customers: pd.DataFrame) -> float:
    """Give the largest share that met several schemes, and refuse where it is large.

    Nobody's leaving is then due to one of them.
    """
    if (alone := customers["scheme"].isna()).any():
        raise ValueError(
            f"an effect on churn is not identified: {alone.sum():,} of {len(customers):,} "
            "customer-months are under no scheme; where teams were assigned, say whose "
            "customer each is (home_team in subscriptions or customers); where agents were, "
            "customers are nobody's"
        )
    several = ~customers["exposure_identified"].to_numpy(dtype=bool)
    n = customers["n"].to_numpy(dtype=float) if "n" in customers else np.ones(len(customers))
    largest = 0.0
    for what, weight in (("customer-months", n), ("those who left", customers["left"].to_numpy())):
        whole = pd.DataFrame({"all": weight, "several": weight * several})
        by_arm = whole.groupby(customers["scheme"].to_numpy(), observed=True).sum()
        sums = pd.concat([by_arm, whole.sum().to_frame().T])
        share = float((sums["several"] / sums["all"]).max())  # nobody there is no share
        if share > MOST_MIXED:
            raise ValueError(
                f"an effect on churn is not identified: in {100 * share:.3g}% of {what} the "
                "routing let customers meet agents under several schemes, and at most "
                f"{MOST_MIXED:.0%} can be counted for their home team's; let routing keep "
                "customers with a team, or assign schemes to whole worlds"
            )
        largest = max(largest, share if share > 0 else 0.0)
    return largest


def _count(
    plan: Comparison, customers: pd.DataFrame, horizon: int, covariates: Sequence[str]
) -> AtRisk:
    """Add customers up by cluster, arm, month and stratum."""
    stratum, kinds = _strata(customers, covariates)
    month = customers["month"].to_numpy(dtype=np.int64)
    one = np.ones(len(customers))
    n = customers["n"].to_numpy(dtype=float) if "n" in customers else one
    # whatever the order in which a firm's file has them, answers stand in one order
    reasons = sorted(name for name in customers.columns if name.startswith("left_"))
    counts = [customers[name].to_numpy(dtype=float) for name in ("left", *reasons)]
    strata = len(kinds)
    totals = plan.totals(
        customers,
        [n, *counts],
        team="home_team",
        within=(month * strata + stratum, horizon * strata),
    )
    shaped = [each.reshape(*each.shape[:2], horizon, strata) for each in totals]
    names = [reason.removeprefix("left_") for reason in reasons]
    return AtRisk(shaped[0], shaped[1], dict(zip(names, shaped[2:], strict=True)), kinds)


def _strata(
    customers: pd.DataFrame, covariates: Sequence[str]
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Number the combinations of the covariates that occur, and write each one's dummies."""
    if not covariates:
        return np.zeros(len(customers), np.int64), np.zeros((1, 0))
    values = require(customers, "customers", list(covariates))[list(covariates)].astype(str)
    groups = values.groupby(list(covariates), sort=True)
    each = groups.size().index.to_frame(index=False)
    dummies = pd.get_dummies(each, drop_first=True).to_numpy()
    return np.asarray(groups.ngroup(), dtype=np.int64), dummies.astype(np.float64)


def _refuse_gaps(plan: Comparison, counted: AtRisk) -> None:
    """Refuse a scheme with a month that is not on record, or under which nobody left."""
    arm, month = np.nonzero(counted.n.sum(axis=(0, 3)) == 0)
    if arm.size:
        raise ValueError(
            f"no customers at risk under '{plan.arms[arm[0]]}' in month {month[0]}: "
            "ask for a shorter horizon or leave that scheme out"
        )
    stayed = np.flatnonzero(counted.left.sum(axis=(0, 2, 3)) == 0)
    if stayed.size:
        raise ValueError(
            f"nobody left under '{plan.arms[stayed[0]]}' within the horizon, so there is no "
            "hazard to compare; ask for a longer horizon or simulate more customers"
        )


# ── hazards ──────────────────────────────────────────────────────────────────────────────────────


def free_hazards(counted: AtRisk, left: Floats) -> tuple[Fit, Estimated]:
    """Fit hazards free by arm and month, and standardise them, (arms x months).

    Parameters
    ----------
    counted
        Who was at risk.
    left
        Who left, all or for one reason, in the same shape.
    """
    _, arms, months, strata = counted.n.shape
    baseline = _baseline(months)
    saturated = strata == 1 and months <= MOST_DUMMIES
    design = _over_strata(by_arm(arms, baseline), counted.kinds)
    fit = fit_binomial(_flat(left), _flat(counted.n), None if saturated else design, link="cloglog")
    log_hazard = fit.coefficients if saturated else fit.coefficients.linear(design)
    return fit, _standardised(log_hazard, counted)


def proportional_hazards(counted: AtRisk) -> tuple[Fit, Estimated, Estimated]:
    """Fit hazards of one shape for all arms: give also the log ratio of each arm to the control."""
    _, arms, months, _ = counted.n.shape
    baseline = np.tile(_baseline(months), (arms, 1))
    each_arm = np.repeat(np.eye(arms)[:, 1:], months, axis=0)
    design = _over_strata(np.hstack([baseline, each_arm]), counted.kinds)
    fit = fit_binomial(_flat(counted.left), _flat(counted.n), design, link="cloglog")
    ratio = np.eye(arms, design.shape[1], k=_baseline(months).shape[1] - 1)
    ratio[0] = 0.0  # the control has no coefficient
    hazard = _standardised(fit.coefficients.linear(design), counted)
    return fit, fit.coefficients.linear(ratio), hazard


def _baseline(months: int) -> Floats:
    """Write a dummy for each month, or over long horizons a cubic spline, (months, ...)."""
    if months <= MOST_DUMMIES:
        return np.eye(months)
    last = months - 1.0
    inner = np.linspace(0.0, last, max(2, round(last / KNOTS_APART) + 1))
    knots = np.concatenate([np.zeros(3), inner, np.full(3, last)])
    spline = BSpline.design_matrix(np.arange(months, dtype=float), knots, 3)
    return np.asarray(spline.toarray(), dtype=np.float64)


def _over_strata(design: Floats, kinds: Floats) -> Floats:
    """Give each row of a design to every stratum, with the dummies of the covariates beside."""
    return np.hstack([np.repeat(design, len(kinds), axis=0), np.tile(kinds, (len(design), 1))])


def _flat(counts: Floats) -> Floats:
    return counts.reshape(len(counts), -1)


def _standardised(log_hazard: Estimated, counted: AtRisk) -> Estimated:
    """Average hazards over the customers of all arms at risk in the month: (arms x months).

    The mix has an error of its own, which is carried.
    """
    clusters, arms, months, strata = counted.n.shape
    rate = np.exp(log_hazard.value).reshape(arms, months, strata)
    hazard, slope = -np.expm1(-rate), rate * np.exp(-rate)
    pooled = counted.n.sum(axis=1)
    month = np.repeat(pooled.sum(axis=2), strata, axis=1)
    mix = shares(_flat(pooled), month)
    weight = mix.value.reshape(months, strata)
    moved = log_hazard.influence.reshape(clusters, arms, months, strata)
    mixed = mix.influence.reshape(clusters, 1, months, strata)
    influence = (moved * slope * weight + mixed * hazard).sum(axis=3)
    return Estimated((hazard * weight).sum(axis=2).ravel(), influence.reshape(clusters, -1))


# ── who has left by when ─────────────────────────────────────────────────────────────────────────


def survival(hazard: Estimated, arms: int) -> Estimated:
    """Give the share retained at the end of each month, (arms x months)."""
    stay = (1 - hazard.value).reshape(arms, -1)
    kept = stay.cumprod(axis=1)
    months = stay.shape[1]
    jacobian = np.zeros((arms, months, arms, months))
    for arm in range(arms):
        for month in range(months):
            others = np.where(np.arange(months) == month, 1.0, stay[arm]).cumprod()
            jacobian[arm, month:, arm, month] = -others[month:]
    return hazard.through(kept.ravel(), jacobian.reshape(arms * months, -1))


def incidence(hazard: Estimated, kept: Estimated, arms: int) -> Estimated:
    """Give the share that has left for a reason by the end of each month, (arms x months).

    Its hazard in each month, times the share of customers that no reason has taken before: the
    estimator of Aalen and Johansen.

    Parameters
    ----------
    hazard
        Of the reason, (arms x months).
    kept
        Survival from all reasons, (arms x months).
    """
    months = hazard.value.size // arms
    alive = kept.linear(by_arm(arms, np.eye(months, k=-1)))
    alive = Estimated(alive.value + np.tile(np.eye(months)[0], arms), alive.influence)
    value = alive.value * hazard.value
    moved = alive.influence * hazard.value + alive.value * hazard.influence
    return Estimated(value, moved).linear(by_arm(arms, np.tril(np.ones((months, months)))))


def by_arm(arms: int, row: Floats) -> Floats:
    """Write a matrix that applies weights over months to each arm, (arms x ..., arms x months)."""
    return np.kron(np.eye(arms), np.atleast_2d(row)).astype(np.float64)


def curves(
    plan: Comparison, estimated: Estimated, present: Bools, *, start: float, value: str
) -> pd.DataFrame:
    """Give values by arm and month, from `start` at month 0, with 95 % intervals."""
    months = estimated.value.size // len(plan.arms)
    frames = []
    for arm, name in enumerate(plan.arms):
        own = slice(arm * months, (arm + 1) * months)
        carried = carried_by(present[:, arm], present[:, arm])
        level = np.concatenate([[start], estimated.value[own]])
        error = np.concatenate([[0.0], estimated.std_error(carried)[own]])
        margin = t_margin(error, np.full(months + 1, float(carried.df)), 0.95)
        columns = {value: level, "conf_low": level - margin, "conf_high": level + margin}
        frames.append(pd.DataFrame({"scheme": name, "month": np.arange(months + 1), **columns}))
    return pd.concat(frames, ignore_index=True)


def leaving_checks(counted: AtRisk, population: Population) -> list[Check]:
    """Look at what every question about leaving rests on."""
    events = counted.counts.n_events.min()
    pooled = counted.n.sum(axis=0)
    alone = (pooled == 0).any(axis=0) * pooled.sum(axis=0)
    apart = float(alone.sum() / pooled.sum())
    return [
        Check(
            "customers kept to one scheme",
            counted.mixed <= NOTED_MIXED,
            counted.mixed,
            NOTED_MIXED,
            "share of an arm's customer-months, or of those who left under it, that met agents "
            "under several schemes: counted for their home team's, they draw the effect to nothing",
        ),
        Check(
            "leavers enough in each arm",
            bool(events >= 20),
            float(events),
            20,
            "leavers in the thinnest arm; below 20 an interval is a rough guide",
        ),
        Check(
            "population fixed before the schemes",
            population == "initial",
            float(population == "initial"),
            1,
            "customers won later are counted, and the schemes may have moved who they are",
        ),
        Check(
            "every kind of customer in each arm",
            apart == 0,
            apart,
            0,
            "share of customer-months of a kind that an arm lacks in that month: for it the "
            "model of the covariates speaks alone",
        ),
    ]
