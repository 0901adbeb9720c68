"""How much of a logged indicator is recording: its inflation, and what a scheme adds to it.

Use `kpi_inflation` to split what a scheme does to a logged indicator into what it does to true
outcomes and what it does to the log alone.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from incentives.estimates.comparison import Measure, Measured, Observed
from incentives.estimates.inference import Estimated, Floats
from incentives.estimates.result import Estimate, tidy
from incentives.estimates.two_phase import (
    Kpi,
    Open,
    Part,
    Phases,
    answered,
    chosen,
    parts,
    read_phases,
)

__all__ = ["kpi_inflation"]


def kpi_inflation(
    records: Observed,
    *,
    by: str = "scheme",
    control: str,
    outcome: str = "success",
    detection: float | Mapping[str, float] = 1.0,
) -> Estimate:
    """Split the effect of a scheme on a logged indicator into true outcomes and recording.

    **Estimand.** For each scheme against the control: the effect on the logged indicator, on
    the true one, and on inflation, logged less true; the first is the sum of the others,
    exactly. With them *relative inflation*, how many of 100 logged successes were none; and the
    *honesty slope*, cov(S, Y) / var(S), how much likelier a true success Y is where one was
    logged (S) than where none was: 1 where the log tells the truth, 0 where it tells nothing.

    **Identification.** As for `true_effect`.

    **Estimator.** As for `true_effect`, all from the same audits with one joint covariance;
    relative inflation by the delta method; the slope from the weighted error of the log among
    contacts that it counts and among those that it does not. Few agents may make most of what is
    logged falsely, so that a firm that has none of them looks surer than it is: the error of the
    slope is raised for it, by the weight of each cluster and to what two findings more of either
    kind would leave open. Where arms share no cluster, its interval does not rest on that error:
    each share of contacts that are logged wrong has Wilson's score interval at the size that its
    clusters are worth, and that of the slope is read off them (MOVER), with Bell and McCaffrey's
    degrees of freedom.

    Parameters
    ----------
    records, by, control, detection
        As for `true_effect`.
    outcome
        ``"success"``, ``"saves"``, ``"sales"`` (per 100 contacts served) or ``"save_rate"``
        (per 100 served wishes to cancel).

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: the outcome with ``_logged`` by ``"log"``, with
        ``_true`` and ``_inflation`` by ``"two-phase"``, `relative_inflation` and
        `honesty_slope`, and the naive ``_true`` by ``"unweighted audits"``. `details` as for
        `true_effect`.

    Raises
    ------
    KeyError
        A scheme, a column or an outcome is not in the records.
    ValueError
        The records cannot answer: as for `true_effect`, or nothing was logged under a scheme.

    References
    ----------
    Baker (1992), Journal of Political Economy 100, for pay on a distorted measure. Agresti and
    Coull (1998), The American Statistician 52, 119-126, for two more of either finding. Newcombe
    (1998), Statistics in Medicine 17, 873-890, for an interval read off those of shares; Franco,
    Little, Louis and Slud (2019), Journal of Survey Statistics and Methodology 7, 334-364, for
    Wilson's where clusters were drawn; Bell and McCaffrey (2002), Survey Methodology 28, 169-181,
    for CR2 and its degrees of freedom. From memory, all.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500), audit=inc.Audit(rate=0.2))
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    >>> worlds = centre.vary(scheme=schemes)
    >>> records = inc.simulate(worlds, replications=4, months=2, rng=1, keep="cells")
    >>> split = inc.kpi_inflation(records, control="wage").tidy().set_index("estimand")
    >>> logged, true, inflation = split["estimate"].iloc[:3]
    >>> abs(logged - true - inflation) < 1e-12
    True
    """
    kpi = chosen(outcome)
    if not kpi.counted:
        raise ValueError(
            f"outcome '{outcome}' is on no log, so nothing inflates it: see true_effect"
        )
    seen = records.seen_by("analyst")
    phases = read_phases(seen, by=by, control=control, kpi=kpi, detection=detection)
    true, logged, inflation, naive = parts(phases)
    found = [logged, true, inflation, *_told(phases), naive]
    question = f"Logged {kpi.words} split under each {by}, against '{control}'"
    answer = answered(phases, found, question)
    return replace(answer, reading=_read(tidy(answer.rows), kpi))


def _read(rows: pd.DataFrame, kpi: Kpi) -> str:
    """Say in a line what each scheme moved on the log, and how much of that is recording."""
    said = []
    for term, mine in rows[rows["in_summary"]].groupby("term", sort=False):
        row = {name: mine[mine["estimand"] == name].iloc[0] for name in mine["estimand"]}
        log, true, amiss = (row[f"{kpi.name}_{part}"] for part in ("logged", "true", "inflation"))
        said.append(
            f"under '{term}' the log shows {log['estimate']:+.1f} {kpi.words} {kpi.unit}: "
            f"{true['estimate']:+.1f} ({true['conf_low']:+.1f} to {true['conf_high']:+.1f}) true, "
            f"{amiss['estimate']:+.1f} ({amiss['conf_low']:+.1f} to {amiss['conf_high']:+.1f}) "
            "recording"
        )
    return "; ".join(said)


def _told(phases: Phases) -> list[Part]:
    """Give relative inflation, per 100 logged, and the honesty slope."""
    logged, amiss = phases.logged(), phases.corrected()
    if not (logged.value > 0).all():
        arm = phases.plan.arms[int(np.argmin(logged.value))]
        raise ValueError(f"no {phases.kpi.words} were logged under '{arm}': nothing is inflated")
    relative = _over(amiss, logged) * 100
    false, missed = phases.wrong(counted=True), phases.wrong(counted=False)
    raised = doubted(false.found, false.at_risk)
    slope = missed.found - Estimated(raised.value - 1, raised.influence)
    less = false._replace(found=false.found * -1.0, largest=-false.largest)
    counts, unit = phases.counts(), f"per 100 logged {phases.kpi.words}"
    shown = Measure("relative_inflation", unit, "two-phase", in_summary=True)
    honest = Measure("honesty_slope", "of 1", "two-phase", in_summary=True)
    excess = phases.left_open(0, 1)
    inflated = Open(
        excess.moved / logged.value, _over(phases.composed(0, 1), logged) * 100, excess.thin
    )
    off = phases.simulated(counted=False) - phases.simulated(counted=True)
    believed = phases.composed(0, 1, counted=False) - phases.composed(0, 1, counted=True)
    return [
        Part(phases.weighed(Measured(shown, relative, counts)), inflated),
        Part(
            phases.weighed(Measured(honest, slope, counts, shares=(less, missed))),
            Open(off, believed, excess.thin),
        ),
    ]


def doubted(share: Estimated, contacts: Floats) -> Estimated:
    """Raise the errors of shares that a few clusters make.

    Where few agents log what never happened, a firm that has fewer of them than usual shows both
    a smaller share and clusters that differ less, and its interval misses the truth for being
    short. What a cluster moved is divided by the root of the weight of all others (CR2), for a
    large one draws the share to itself; and the variance is that at two more findings of either
    kind, among as many contacts as would have it if they were drawn alone.

    Parameters
    ----------
    share
        Of contacts, 0 to 1, by arm.
    contacts
        It is a share of, shape (clusters, arms).

    Examples
    --------
    >>> import numpy as np
    >>> share = Estimated(np.array([0.5, 0.1]), np.array([[0.1, 0.05], [-0.1, -0.05]]))
    >>> raised = doubted(share, np.ones((2, 2))).influence / share.influence
    >>> raised[0].round(2).tolist()  # .1 of nine contacts is as .22 of thirteen
    [1.0, 1.39]
    """
    there = (contacts > 0).sum(axis=0)
    others = 1 - contacts / contacts.sum(axis=0)
    several = there > 1
    leverage = np.where(several, (1 - 1 / there) / np.where(several, others, 1.0), 1.0)
    influence = share.influence * np.sqrt(leverage)
    value = share.value.clip(0, 1)
    spread = value * (1 - value)
    own = (influence**2).sum(axis=0) * there / np.maximum(there - 1, 1)
    alone = np.divide(spread, own, out=np.zeros_like(own), where=own > 0)
    drawn = (value * alone + 2) / (alone + 4)
    raised = np.divide(drawn * (1 - drawn), spread, out=np.ones_like(own), where=spread > 0)
    return Estimated(share.value, influence * np.sqrt(np.maximum(raised, 1.0)))


def _over(one: Estimated, other: Estimated) -> Estimated:
    """Divide value by value, by the delta method."""
    ratio: Floats = one.value / other.value
    return Estimated(ratio, (one.influence - ratio * other.influence) / other.value)
