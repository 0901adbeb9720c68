"""Is this scheme being gamed? Audited contacts, weighted by the chance of being drawn.

Use `gaming_effect` when some contacts were audited and the chance that each was drawn is on
record. Beside the answer stand two readings that need less and are fooled: the audits taken as
they come, and the log.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from incentives.estimates.audits import dim_check, gap_check, suspicion_check, unseen_check
from incentives.estimates.comparison import Measure, Measured, Observed, listed, unknown
from incentives.estimates.inference import Bools, Estimated, fit_binomial
from incentives.estimates.result import TIDY_COLUMNS, Check, Estimate, converged, direction, tidy
from incentives.estimates.two_phase import (
    Part,
    Phases,
    chosen,
    contradicted,
    effects,
    levels,
    read_phases,
)

__all__ = ["gaming_effect"]

UNIT = "per 100 contacts"
SPREAD, LEAST_WORTH = 1 / 3, 2.0  # of the clusters of an arm, which findings should be worth


def gaming_effect(
    records: Observed,
    *,
    by: str = "scheme",
    control: str,
    outcome: str = "gamed",
    detection: float | Mapping[str, float] = 1.0,
) -> Estimate:
    """Estimate how much more contacts are gamed under each scheme than under the control.

    **Estimand.** The share of served contacts on which an audit of every contact would find
    gaming, under a scheme less under the control, in points per 100 contacts. (Audits miss some
    gaming; with `detection` the share that was gamed, found or not.) With it, in the same unit:
    reported successes (contacts logged as a sale or a save), true successes as audits find
    them, and their difference, inflation; reported = true + inflation, exactly.

    **Identification.** Every contact could be audited, with a known chance; schemes were
    assigned to worlds, teams or agents independently of how much these would game; what one
    unit is paid for does not move another's gaming.

    **Estimator.** The share among audited contacts weighted by 1/`prob`, without strata
    (`true_effect` has it by logged outcome), which a saturated binomial GLM has as its
    coefficients; errors clustered at the level of assignment, paired where a cluster met both
    arms, with t critical values. Reported successes are counted from the log of all contacts,
    inflation is the weighted mean over audits of logged less found successes, true successes
    are reported less inflation.

    Parameters
    ----------
    records
        Simulated records or a firm's own tables; only the analyst's view is read: `runs`,
        `assignments`, `audits` and `cells`.
    by
        ``"scheme"``, or a column of `runs` in which whole worlds differ.
    control
        The scheme that the others are compared with.
    outcome
        ``"gamed"`` for any kind, or one kind as audits name it, such as ``"G1"``.
    detection
        The chance that an audit recognises a gamed contact, above 0, at most 1, where a double
        check has measured it, and taken as known; one for all kinds, or one for each by name.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: `gamed` by the estimator ``"audited"`` (the headline,
        then by kind in `group`) and by ``"unweighted audits"`` (naive); `success_logged` by
        ``"log"``; `success_true` and `inflation` by ``"audited"``. `details` has ``"levels"``
        (the same for each scheme alone), ``"kinds"`` and ``"outcomes"`` for the figures, and
        ``"simulated"``, as for `true_effect`: errors are no smaller than there where audits met
        few cases.

    Raises
    ------
    KeyError
        A scheme, a column or an outcome is not in the records.
    ValueError
        The records cannot answer: too few clusters, no recorded chances, contacts of a kind
        that were never audited.

    Notes
    -----
    Where a few agents make most of the gaming, as under a wage, t finds an effect of zero more
    seldom than it says, and intervals hold zero too often. ``.inference("randomisation")``, where
    teams were dealt, has the size that it says for `gamed`; a row for which audits met no error
    keeps t, with room for those not met.

    References
    ----------
    Horvitz and Thompson (1952) and Hájek (1971) for the weights; Baker (1992), Journal of
    Political Economy 100, for pay on a distorted measure.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500), audit=inc.Audit(rate=0.2))
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    >>> worlds = centre.vary(scheme=schemes)
    >>> records = inc.simulate(worlds, replications=4, months=2, rng=1, keep="cells")
    >>> effect = inc.gaming_effect(records, control="wage")
    >>> effect.tidy().loc[0, ["estimand", "contrast", "unit"]].tolist()
    ['gamed', 'saves vs wage', 'per 100 contacts']
    """
    seen = records.seen_by("analyst")
    kpi = chosen("success")
    phases = read_phases(seen, by=by, control=control, kpi=kpi, detection=detection)
    plan, hit = phases.plan, _asked(phases, outcome)
    weights, gamed = plan.totals(phases.audits, [phases.weight, phases.weight * hit])
    fit = fit_binomial(gamed, weights)
    found = _parts(phases, hit, outcome)
    rows, few = effects(phases, found, weights > 0)
    alone, few_alone = levels(phases, found, weights > 0)
    return Estimate(
        question=f"Contacts gamed under each {by}, against '{control}'",
        rows=rows,
        design={**plan.facts(rows), **phases.facts(), "outcome": outcome},
        facts=f"{plan.described(rows)}; {phases.described()}",
        reading=_reading(tidy(rows), "gaming" if outcome == "gamed" else outcome),
        checks=(*plan.checks(rows), *_audit_checks(phases, hit), converged({"gamed": fit})),
        details=_details(tidy(alone).loc[:, list(TIDY_COLUMNS)])
        | {"simulated": pd.concat([few, few_alone], ignore_index=True) if len(few_alone) else few},
        fits={"gamed": fit.result},
    )


def _asked(phases: Phases, outcome: str) -> Bools:
    """Tell which audits found the gaming asked for."""
    found = phases.audits["found"]
    outcomes = ["gamed", *_kinds(found)]
    if outcome not in outcomes:
        raise unknown(outcome, outcomes, what="outcome", where="audits")
    return np.asarray(found != "none" if outcome == "gamed" else found == outcome)


def _kinds(found: "pd.Series[str]") -> list[str]:
    return sorted({str(kind) for kind in found.unique()} - {"none"})


def _parts(phases: Phases, hit: Bools, outcome: str) -> list[Part]:
    """Give what is reported, in points per 100 contacts."""
    counts, weights = phases.counts(hit), phases.weights.sum(axis=2)
    ones, found = np.ones(len(hit)), hit.astype(np.float64)

    def share(hit: Bools) -> Estimated:
        return phases.mean(hit / phases.chance, phases.weight) * 100

    def gaming(measure: Measure, hit: Bools) -> Part:
        left = phases.finding(hit).left_open(0, 1)
        return Part(Measured(measure, share(hit), counts, weights), left)

    reported, inflation = phases.logged() * 100, phases.mean(phases.excess, phases.weight) * 100
    audited = Measure("gamed", UNIT, "audited")
    log = Measure("success_logged", UNIT, "log", label="reported successes").main()
    true = Measure("success_true", UNIT, "audited", label="true successes").main()
    excess, honest = phases.left_open(0, 1), phases.left_open(1, -1)
    naive = audited._replace(estimator="unweighted audits")
    (audits,) = phases.plan.totals(phases.audits, [ones])
    found_parts = [
        gaming(audited.main(), hit),
        Part(phases.weighed(Measured(log, reported, phases.logs()))),
        Part(Measured(true, reported - inflation, counts, weights), honest),
        Part(Measured(audited._replace(estimand="inflation"), inflation, counts, weights), excess),
        Part(Measured(naive, phases.mean(found, ones) * 100, counts, audits)),
    ]
    if outcome == "gamed":
        for kind in _kinds(phases.audits["found"]):
            of_kind = np.asarray(phases.audits["found"] == kind)
            found_parts.append(gaming(audited._replace(group=kind), of_kind))
    return found_parts


def _audit_checks(phases: Phases, hit: Bools) -> list[Check]:
    """Look at whether the audits can carry the answer."""
    plan, contacts = phases.plan, phases.contacts.sum(axis=(0, 2))
    arm, arms = plan.arm_codes(phases.audits), len(plan.arms)
    drawn = np.bincount(arm, phases.weight, arms)
    effective = drawn**2 / np.bincount(arm, phases.weight**2, arms)
    without = np.flatnonzero(np.bincount(arm, hit, arms) == 0)
    none_found = listed(plan.arms[k] for k in without)
    bound = float(300 / effective[without].min()) if without.size else 0.0
    return [
        gap_check(contacts, 1 / phases.weight, arm),
        unseen_check(phases.missed, "they are left out"),
        dim_check(plan, phases.audits, phases.chance),
        Check(
            "audits enough in each arm",
            bool(effective.min() >= 100),
            float(effective.min()),
            100,
            "effective audits in the thinnest arm; below 100 intervals are too narrow",
        ),
        Check(
            "gaming found in each arm",
            not without.size,
            bound,
            0,
            f"no audit under {none_found} found any; as many per 100 contacts as shown here "
            "could still be there",
        ),
        _spread_check(phases, hit),
        suspicion_check(phases.targeted),
    ]


def _spread_check(phases: Phases, hit: Bools) -> Check:
    """Look at whether a few clusters make most of the gaming, where there is most of it."""
    plan = phases.plan
    weights, found = plan.totals(phases.audits, [phases.weight, phases.weight * hit])
    most = found.sum(axis=0) / weights.sum(axis=0)
    worst = int(most.argmax())
    own, there = found[:, worst], int((weights[:, worst] > 0).sum())
    worth = float(own.sum() ** 2 / (own**2).sum()) if own.any() else max(there, LEAST_WORTH)
    return Check(
        f"gaming found in {plan.unit}s enough",
        worth >= max(SPREAD * there, LEAST_WORTH),
        worth,
        max(SPREAD * there, LEAST_WORTH),
        f"{plan.unit}s that the findings under '{plan.arms[worst]}' are worth, of {there}: where a "
        "few make most of the gaming, or findings are few, intervals may be too short and end "
        "below the truth",
    )


def _reading(rows: pd.DataFrame, word: str) -> str:
    """Say in a line what each scheme did: clear, unclear, or the log contradicted by audits."""
    main = rows[(rows["group"] == "") & (rows["estimator"] != "unweighted audits")]
    said = []
    for term, part in main.groupby("term", sort=False):
        row = {name: part[part["estimand"] == name].iloc[0] for name in part["estimand"]}
        said.append(_said(str(term), row, word))
    return "; ".join(said)


def _said(term: str, row: "dict[str, pd.Series]", word: str) -> str:
    told = contradicted(
        row["success_logged"], row["success_true"], row["inflation"], chosen("success")
    )
    moved = _moved(term, row["gamed"], word)
    return f"{moved}, while {told}" if told else moved


def _moved(term: str, gamed: "pd.Series", word: str) -> str:
    low, high = gamed["conf_low"], gamed["conf_high"]
    if sign := direction(gamed):
        verb = "raises" if sign > 0 else "lowers"
        least, most = sorted((abs(low), abs(high)))
        return f"'{term}' {verb} {word} by {least:.1f} to {most:.1f} per 100 contacts"
    between = f"{low:+.1f} to {high:+.1f} per 100 contacts"
    return f"whether '{term}' changes {word} is unclear ({between})"


def _details(levels: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Give the tables behind the figures."""
    audited = levels[levels["estimator"] != "unweighted audits"]
    short = {"term": "scheme", "estimate": "per_100"}
    kinds = audited[(audited["estimand"] == "gamed") & (audited["group"] != "")]
    names = {"success_logged": "reported", "success_true": "true"}
    outcomes = audited[audited["estimand"].isin(list(names))]
    return {
        "levels": levels,
        "kinds": kinds.rename(columns={**short, "group": "kind"})
        .loc[:, ["scheme", "kind", "per_100", "conf_low", "conf_high"]]
        .reset_index(drop=True),
        "outcomes": outcomes.assign(measure=outcomes["estimand"].map(names))
        .rename(columns=short)
        .loc[:, ["scheme", "measure", "per_100", "conf_low", "conf_high"]]
        .reset_index(drop=True),
    }
