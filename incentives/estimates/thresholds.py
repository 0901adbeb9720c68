"""Do results pile up where a bonus begins? Agent-months by their count, against others without it.

Use `bunching` on whole counts (sales, saves) around the threshold of a `Target` or of a step.
What piles up was moved there, by effort or by what is logged: counts alone do not tell which, and
audits do.
"""

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from incentives.estimates.comparison import (
    Comparison,
    Counts,
    Measure,
    Measured,
    Observed,
    compare_arms,
    listed,
    require,
    since_apart,
)
from incentives.estimates.inference import Estimated, Fit, Floats, shares
from incentives.estimates.proportions import Share
from incentives.estimates.result import Check, Estimate, direction, tidy

__all__ = ["bunching"]

UNIT = "per 100 agent-months"
PAYMENTS = "per 100 payments"
NO_PILE = 1.0  # of 100 agent-months: what is surely fewer is no pile
DIFFERENCE, POLYNOMIAL = "difference in bunching", "Poisson polynomial"

Ints = npt.NDArray[np.int64]


class Window(NamedTuple):
    """The counts that a threshold may empty, and those that it may fill."""

    below: Ints
    above: Ints
    paid: Ints  #: all counts at which the bonus is paid

    @property
    def outside(self) -> Ints:
        """The counts that a threshold leaves as they are."""
        first, last = self.below[0], self.above[-1]
        return np.asarray(np.r_[:first, last + 1 : self.paid[-1] + 1], dtype=np.int64)


def bunching(
    records: Observed,
    *,
    metric: str = "sales",
    threshold: int,
    by: str = "scheme",
    control: str,
    below: int = 5,
    above: int = 3,
    degree: int = 2,
) -> Estimate:
    """Estimate how many agent-months a bonus at a threshold moves up to it.

    **Estimand.** Of 100 agent-months under a scheme with the threshold, how many more have a count
    from `threshold` to `threshold` + `above` than there would be without it (*excess*), and how
    many fewer have one of the `below` counts beneath it (*missing*); and of 100 agent-months at
    which the bonus is paid, how many would not be there (*payments moved*; below 0 where the
    control has more of them, and then of no use without an excess). Moved by effort, by what is
    logged, or by when it is logged: counts do not tell these apart.

    **Identification.** *Difference in bunching*: schemes were assigned independently of counts,
    and the control has no threshold there. *Poisson polynomial*: without the threshold, counts
    would follow a smooth curve, which those outside the window show; what it finds under the
    control, where there is nothing to find, is taken off. It is fooled where the scheme moves
    counts outside the window as well, so that it stands second.

    **Estimator.** Shares of agent-months by cluster, the scheme's less the control's; and the same
    less the curve of a Poisson regression of the number of agent-months on a polynomial in the
    count, outside the window. Errors clustered at the level of assignment, with t critical values;
    payments moved from the two shares that are paid, each with Wilson's score interval at the size
    that its clusters are worth, whose distances make that of the ratio (MOVER): a control that
    seldom gets there makes the scatter lopsided, and one that never does leaves the least that can
    have been moved. Where clusters met both arms it is the t interval of the ratio's logarithm.

    Parameters
    ----------
    records
        Simulated records or a firm's own tables; only the analyst's view is read: `runs`,
        `assignments` and `agents`.
    metric
        What is counted: a column ``logged_…`` of `agents` that holds whole numbers.
    threshold
        The count at which the bonus begins, 1 or more.
    by
        ``"scheme"``, or a column of `runs` in which whole worlds differ.
    control
        The scheme that has no threshold there.
    below, above
        How many counts beneath the threshold it may empty, 1 or more, and how many beyond it may
        fill, 0 or more.
    degree
        Degree of the polynomial, 1 or more.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: `excess` (the headline), `missing` and
        `payments_moved` by the estimator ``"difference in bunching"``; `excess` and `missing`
        again by ``"Poisson polynomial"``, where agent-months outside the window are enough to fit
        one. `details` has ``"counts"`` (agent-months by count, and
        the curve) and ``"adjacent"`` (for each scheme an exact binomial test of as many
        agent-months at the threshold as one below).

    Raises
    ------
    KeyError
        A scheme or a column is not in the records.
    ValueError
        The records cannot answer: counts that are not whole, nobody paid, too few clusters.

    Notes
    -----
    A threshold that was moved for some (a ratchet) fills counts beyond it: widen `above`. Where
    nobody under the control got there, *payments moved* are 100 of 100 with no standard error, and
    an interval that ends there. How often intervals held the truth stands in the documentation's
    page on estimators. Agent-months of one agent are alike, which the binomial test does not know;
    clustered errors do.

    References
    ----------
    Donner and Zou (2012), Statistical Methods in Medical Research 21, 347-359 (the ratio); Franco,
    Little, Louis and Slud (2019), Journal of Survey Statistics and Methodology 7, 334-364 (Wilson's
    interval where clusters were drawn). From memory, both.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=2, customers=4_000))
    >>> target = inc.Wage() + inc.Target("sales", 8, lump=50.0)
    >>> worlds = centre.vary(scheme={"wage": inc.Wage(), "target": target})
    >>> records = inc.simulate(worlds, replications=4, months=2, rng=1, keep="cells")
    >>> piled = inc.bunching(records, threshold=8, control="wage")
    >>> piled.tidy().loc[0, ["estimand", "contrast", "unit"]].tolist()
    ['excess', 'target vs wage', 'per 100 agent-months']
    """
    seen = records.seen_by("analyst")
    columns = ["run", "month", "agent", "team"] + (["scheme"] if by == "scheme" else [])
    agents = since_apart(seen, require(seen.agents, "agents", columns), by=by)
    count = _whole(agents, metric)
    window = _window(count, threshold, below, above, degree)
    plan = compare_arms(seen, agents, by=by, control=control)
    one, size = np.ones(len(agents)), int(window.paid[-1]) + 1
    number = plan.totals(agents, [one], within=(count, size))[0]
    _refuse_unpaid(plan, number, window, threshold)
    curves = [_curve(number[:, k], window, degree) for k in range(len(plan.arms))]
    fits = {arm: fit for arm, fit in zip(plan.arms, curves, strict=True) if fit is not None}
    measured = _by_difference(number, window)
    if len(fits) == len(plan.arms):
        measured += _by_curve(number, window, [fit.coefficients for fit in fits.values()])
    rows, _ = plan.tables(measured, number.sum(axis=2) > 0)
    adjacent = _adjacent(plan, number, threshold)
    return Estimate(
        question=f"Agent-months moved to {threshold} {metric} under each {by}, against '{control}'",
        rows=rows,
        design={
            **plan.facts(rows),
            "metric": metric,
            "threshold": threshold,
            "below": below,
            "above": above,
            "degree": degree,
            "n_agent_months": len(agents),
        },
        facts=f"{plan.described(rows)}; {len(agents):,} agent-months, "
        f"{number[:, :, window.paid].sum():,.0f} of them at {threshold} {metric} or more",
        reading=_reading(tidy(rows), metric, threshold),
        checks=(
            *plan.checks(rows),
            *_checks(number, adjacent, control, window),
            _fitted(plan, fits, degree),
        ),
        details={"counts": _counts(plan, number, fits, degree, window), "adjacent": adjacent},
        fits={name: fit.result for name, fit in fits.items()},
    )


# -- what is counted -----------------------------------------------------------------------------


def _whole(agents: pd.DataFrame, metric: str) -> Ints:
    """Take the counts, and refuse what is none."""
    name = f"logged_{metric}"
    values = require(agents, "agents", [name])[name].to_numpy(dtype=float)
    if (wrong := values[(values < 0) | (values != np.floor(values))]).size:
        raise ValueError(
            f"agents.{name} must hold whole numbers, 0 or more, got {wrong[0]:g}: "
            "bunching is of counts, such as 'sales' or 'saves'"
        )
    return values.astype(np.int64)


def _window(count: Ints, threshold: int, below: int, above: int, degree: int) -> Window:
    """Lay the window."""
    if below < 1 or above < 0 or degree < 1 or threshold < 1:
        raise ValueError(
            "threshold, below and degree must be 1 or more and above 0 or more, "
            f"got {threshold}, {below}, {degree} and {above}"
        )
    last = max(int(count.max()), threshold + above)
    return Window(
        np.arange(max(threshold - below, 0), threshold),
        np.arange(threshold, threshold + above + 1),
        np.arange(threshold, last + 1),
    )


def _refuse_unpaid(plan: Comparison, number: Floats, window: Window, threshold: int) -> None:
    """Refuse a scheme under which nobody got there."""
    paid = number[:, :, window.paid].sum(axis=(0, 2))
    without = [name for name, n in zip(plan.arms[1:], paid[1:], strict=True) if n == 0]
    if without:
        raise ValueError(f"nobody reached {threshold} under {listed(without)}: nothing is paid")


# -- shares and curves ---------------------------------------------------------------------------


def _columns(size: int, degree: int) -> Floats:
    """Write a polynomial in the count, on -1 to 1: (counts, degree + 1)."""
    count = np.linspace(-1.0, 1.0, size)
    return np.asarray(np.polynomial.legendre.legvander(count, degree), dtype=np.float64)


def _curve(number: Floats, window: Window, degree: int) -> Fit | None:
    """Fit the share of agent-months by count outside the window, from (clusters, counts).

    Nothing where too few counts or agent-months lie outside, or too far apart, for a curve
    through them.
    """
    if len(window.outside) <= degree + 1:
        return None
    x = _columns(number.shape[1], degree)[window.outside]
    each = number.sum(axis=1, keepdims=True)
    seen = number[:, window.outside]
    model = sm.GLM(
        seen.sum(axis=0), x, family=sm.families.Poisson(), exposure=np.full(len(x), each.sum())
    )
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = model.fit()
    except ValueError:  # weights that are not finite
        return None
    inside = np.r_[window.below, window.above]
    within = np.exp(_columns(number.shape[1], degree)[inside] @ result.params).sum()
    if caught or not result.converged or within > 1:  # no window holds more than there are
        return None
    share = np.exp(x @ result.params)
    scores = (seen - share * each) @ x
    information = (x.T * share) @ x * each.sum()
    influence = np.linalg.solve(information, scores.T).T
    return Fit(result, Estimated(np.asarray(result.params), influence), ())


def _share(number: Floats, counts: Ints) -> Estimated:
    """Give, of 100 agent-months under each arm, those with some counts."""
    return shares(number[:, :, counts].sum(axis=2), number.sum(axis=2)) * 100


def _stands(number: Floats, counts: Ints) -> Counts:
    """Give what stands behind each arm: all agent-months, and those with some counts."""
    return Counts(number.sum(axis=(0, 2)), n_events=number[:, :, counts].sum(axis=(0, 2)))


def _by_difference(number: Floats, window: Window) -> list[Measured]:
    """Take shares of agent-months, a value for each arm."""
    excess = Measure("excess", UNIT, DIFFERENCE)
    paid = Measure("payments_moved", PAYMENTS, DIFFERENCE, kind="fraction", in_summary=True)
    there, gone = _share(number, window.above), _share(number, window.below) * -1.0
    return [
        Measured(excess.main(), there, _stands(number, window.above)),
        Measured(excess._replace(estimand="missing").main(), gone, _stands(number, window.below)),
        _paid_more(paid, number, window),
    ]


def _paid_more(measure: Measure, number: Floats, window: Window) -> Measured:
    """Take the logarithm of the shares that are paid, with these shares themselves."""
    at_risk = number.sum(axis=2)
    paid = shares(number[:, :, window.paid].sum(axis=2), at_risk)
    all_paid = Share(paid, at_risk, at_risk.sum(axis=0), np.ones(at_risk.shape[1]))
    counts = _stands(number, window.paid)
    return Measured(measure, _logarithm(paid), counts, shares=(all_paid,))


def _by_curve(number: Floats, window: Window, curves: list[Estimated]) -> list[Measured]:
    """Take shares of agent-months less those of a smooth curve, a value for each arm."""
    x = _columns(number.shape[2], curves[0].value.size - 1)

    def less(counts: Ints) -> Estimated:
        parts = [_area(curve, x[counts]) for curve in curves]
        value = np.concatenate([part.value for part in parts])
        smooth = Estimated(value, np.hstack([part.influence for part in parts])) * 100
        return _share(number, counts) - smooth

    excess = Measure("excess", UNIT, POLYNOMIAL, label="excess over a smooth curve")
    missing = excess._replace(estimand="missing", label="missing under a smooth curve")
    there, gone = less(window.above), less(window.below) * -1.0
    return [
        Measured(excess._replace(in_summary=True), there, _stands(number, window.above)),
        Measured(missing, gone, _stands(number, window.below)),
    ]


def _area(coefficients: Estimated, x: Floats) -> Estimated:
    """Add the curve up over some counts."""
    share = np.exp(x @ coefficients.value)
    return coefficients.through(share.sum(keepdims=True), (share @ x)[None, :])


def _logarithm(share: Estimated) -> Estimated:
    """Take logarithms of shares; one of none has minus infinity, and no influence."""
    some = share.value > 0
    each = np.where(some, share.value, np.nan)
    return Estimated(np.where(some, np.log(each), -np.inf), share.influence / each)


# -- what is told --------------------------------------------------------------------------------


def _adjacent(plan: Comparison, number: Floats, threshold: int) -> pd.DataFrame:
    """Test, for each arm, whether the threshold is met as often as missed by one."""
    total = number.sum(axis=0)
    rows = []
    for name, n in zip(plan.arms, total, strict=True):
        missed, met = int(n[threshold - 1]), int(n[threshold])
        p = stats.binomtest(met, met + missed).pvalue if met + missed else np.nan
        rows.append({"scheme": name, "one_below": missed, "at_threshold": met, "p_value": p})
    return pd.DataFrame(rows)


def _counts(
    plan: Comparison, number: Floats, fits: dict[str, Fit], degree: int, window: Window
) -> pd.DataFrame:
    """Give agent-months by count, per 100, and the curve that the others outside show."""
    size = number.shape[2]
    inside = np.isin(np.arange(size), np.r_[window.below, window.above])
    frames = []
    for k, name in enumerate(plan.arms):
        n = number[:, k].sum(axis=0)
        curve = np.full(size, np.nan)
        if name in fits:
            curve = np.exp(_columns(size, degree) @ fits[name].coefficients.value)
        columns = {"n": n.astype(np.int64), "per_100": 100 * n / n.sum(), "curve": 100 * curve}
        frame = pd.DataFrame({"scheme": name, "count": np.arange(size), **columns})
        frames.append(frame.assign(in_window=inside))
    return pd.concat(frames, ignore_index=True)


def _checks(
    number: Floats, adjacent: pd.DataFrame, control: str, window: Window
) -> Iterator[Check]:
    """Look at whether the control can stand for what would have been."""
    p = float(adjacent.set_index("scheme")["p_value"].fillna(1.0)[control])
    yield Check(
        "nothing at the threshold under the control",
        p >= 0.01,
        p,
        0.01,
        f"p value of a jump under '{control}' itself: has it a threshold there as well?",
    )
    paid = float(number[:, 0][:, window.paid].sum())
    yield Check(
        "the threshold is within reach of the control",
        paid >= 10,
        paid,
        10,
        f"agent-months under '{control}' at the threshold or above; with few, nearly all payments "
        "count as moved",
    )


def _fitted(plan: Comparison, fits: dict[str, Fit], degree: int) -> Check:
    """Look at whether a curve could be laid through the counts outside the window."""
    without = [arm for arm in plan.arms if arm not in fits]
    return Check(
        "a smooth curve could be fitted",
        not without,
        float(len(without)),
        0,
        f"schemes ({listed(without)}) with too few agent-months outside the window for a "
        f"polynomial of degree {degree}: its rows are left out",
    )


def _reading(rows: pd.DataFrame, metric: str, threshold: int) -> str:
    """Say in a line what each scheme moves."""
    said = []
    found = rows[rows["estimator"] == DIFFERENCE]
    excess, payments = (found[found["estimand"] == name] for name in ("excess", "payments_moved"))
    for (_, row), moved in zip(excess.iterrows(), payments["estimate"], strict=True):
        low, high, term = row["conf_low"], row["conf_high"], row["term"]
        if direction(row) > 0:
            said.append(
                f"'{term}' moves {low:.0f} to {high:.0f} of 100 agent-months to {threshold} "
                f"{metric} or just beyond, and about {moved:.0f} of 100 payments would not be "
                "there without it, be it by effort or by recording"
            )
        else:
            between = f"({low:+.1f} to {high:+.1f} {UNIT})"
            pile = f"pile at {threshold} {metric}"
            none = f"'{term}' makes no {pile} {between}"
            unclear = f"whether '{term}' makes a {pile} is unclear {between}"
            said.append(none if high < NO_PILE else unclear)
    return "; ".join(said)
