"""Is this scheme being gamed? Audited contacts, weighted by the chance of being drawn.

Use `gaming_effect` when some contacts were audited and the chance that each was drawn is on
record. Beside the answer stand two readings that need less and are fooled: the audits taken as
they come, and the log.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from incentives.estimates.audits import (
    CELL_COLUMNS,
    audited,
    gap_check,
    recognised,
    served,
    succeeded,
    unseen,
    unseen_check,
)
from incentives.estimates.comparison import (
    Comparison,
    Counts,
    Measure,
    Measured,
    Observed,
    compare_arms,
    listed,
    since_apart,
    unknown,
)
from incentives.estimates.inference import Fit, Floats, fit_binomial, shares
from incentives.estimates.result import TIDY_COLUMNS, Check, Estimate, converged, direction, tidy

__all__ = ["gaming_effect"]

UNIT = "per 100 contacts"


class Kind(NamedTuple):
    """Sums of the weights of audits that found one kind of gaming, arrays (clusters, arms)."""

    all: Floats
    logged_successes: Floats
    true_successes: Floats


class Counted(NamedTuple):
    """Contacts by cluster and arm, arrays (clusters, arms): counts, and sums of audit weights."""

    contacts: Floats
    logged_successes: Floats
    audits: Floats
    found: Floats  #: audits that found the gaming asked for, unweighted
    weights: Floats
    kinds: dict[str, Kind]  #: by what audits found, ``"none"`` first


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

    **Estimator.** A binomial GLM on cells (cluster by scheme) of audited contacts weighted by
    1/`prob`, whose coefficients are the weighted shares; errors clustered at the level of
    assignment, paired where a cluster met both arms, with t critical values. Reported successes
    are counted from the log of all contacts, inflation is the weighted mean over audits of
    logged less found successes, true successes are reported less inflation.

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
        (the same for each scheme alone), ``"kinds"`` and ``"outcomes"`` for the figures.

    Raises
    ------
    KeyError
        A scheme, a column or an outcome is not in the records.
    ValueError
        The records cannot answer: too few clusters, no recorded chances, contacts of a kind
        that were never audited.

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
    audits = since_apart(seen, audited(seen.audits), by=by)
    cells = since_apart(seen, served(seen.cells, "cells", CELL_COLUMNS), by=by)
    plan = compare_arms(seen, cells, by=by, control=control)
    missed = unseen(plan, audits, cells)
    counted = _count(plan, audits, cells, outcome)
    chances = recognised(detection, counted.kinds)
    counts = Counts(
        n=counted.contacts.sum(axis=0),
        n_events=counted.found.sum(axis=0),
        n_audits=counted.audits.sum(axis=0),
    )
    fits, measured = _measure(counted, counts, outcome, chances)
    rows, levels = plan.tables(measured, counted.weights > 0)
    checks = [
        *plan.checks(rows),
        *_audit_checks(plan, counted, audits, missed),
        converged(fits),
    ]
    return Estimate(
        question=f"Contacts gamed under each {by}, against '{control}'",
        rows=rows,
        design={
            **plan.facts(rows),
            "outcome": outcome,
            "least_detection": min(chances.values()),
            "n_contacts": int(counts.n.sum()),
            "n_audits": len(audits),
            "least_audits_in_an_arm": int(counted.audits.sum(axis=0).min()),
            "least_prob": float(audits["prob"].min()),
            "most_prob": float(audits["prob"].max()),
        },
        facts=_facts(plan, rows, counts, audits),
        reading=_reading(tidy(rows), "gaming" if outcome == "gamed" else outcome),
        checks=tuple(checks),
        details=_details(tidy(levels).loc[:, list(TIDY_COLUMNS)]),
        fits={name: fit.result for name, fit in fits.items()},
    )


def _count(plan: Comparison, audits: pd.DataFrame, cells: pd.DataFrame, outcome: str) -> Counted:
    """Add contacts and audits up by cluster and arm."""
    n = cells["n"].to_numpy(dtype=float)
    contacts, logged = plan.totals(cells, [n, n * succeeded(cells["logged_outcome"])])
    found = audits["found"].astype(str).to_numpy()
    kinds = ["none", *sorted(set(found) - {"none"})]
    if outcome not in ("gamed", *kinds[1:]):
        raise unknown(outcome, ["gamed", *kinds[1:]], what="outcome", where="audits")
    gamed = found != "none" if outcome == "gamed" else found == outcome
    weight = 1 / audits["prob"].to_numpy(dtype=float)
    noted, true = succeeded(audits["logged_outcome"]), succeeded(audits["found_outcome"])
    audited, hits, weights = plan.totals(audits, [np.ones(len(audits)), 1.0 * gamed, weight])
    by_kind = {}
    for kind in kinds:
        own = weight * (found == kind)
        by_kind[kind] = Kind(*plan.totals(audits, [own, own * noted, own * true]))
    return Counted(contacts, logged, audited, hits, weights, by_kind)


def _measure(
    counted: Counted, counts: Counts, outcome: str, chances: dict[str, float]
) -> tuple[dict[str, Fit], list[Measured]]:
    """Fit the shares and make of them what is reported, in points per 100 contacts."""
    weights, kinds = counted.weights, counted.kinds
    asked = [kind for kind in kinds if kind != "none" and outcome in ("gamed", kind)]
    hits = sum((kinds[kind].all for kind in asked), np.zeros_like(weights))
    fits = {
        "gamed": fit_binomial(hits, weights),
        "unweighted": fit_binomial(counted.found, counted.audits),
        "logged": fit_binomial(counted.logged_successes, counted.contacts),
        **{kind: fit_binomial(kinds[kind].all, weights) for kind in asked},
    }
    share = {name: fit.coefficients * 100 for name, fit in fits.items()}
    each = {kind: share[kind] * (1 / chances[kind]) for kind in asked}
    gamed = sum(each.values(), share["gamed"] * 0.0)
    inflation = share["gamed"] * 0.0
    for kind, sums in kinds.items():
        more = shares(sums.logged_successes, weights) - shares(sums.true_successes, weights)
        inflation += more * (100 / chances[kind])
    audited = Measure("gamed", UNIT, "audited")
    reported = Measure("success_logged", UNIT, "log", label="reported successes")
    true = Measure("success_true", UNIT, "audited", label="true successes")
    naive = audited._replace(estimator="unweighted audits")
    logs = Counts(counts.n, n_events=counted.logged_successes.sum(axis=0))
    measured = [
        Measured(audited.main(), gamed, counts, weights),
        Measured(reported.main(), share["logged"], logs, counted.contacts),
        Measured(true.main(), share["logged"] - inflation, counts, weights),
        Measured(audited._replace(estimand="inflation"), inflation, counts, weights),
        Measured(naive, share["unweighted"], counts, counted.audits),
    ]
    if outcome == "gamed":
        parts = [(audited._replace(group=kind), of_kind) for kind, of_kind in each.items()]
        measured += [Measured(part, of_kind, counts, weights) for part, of_kind in parts]
    return fits, measured


def _facts(plan: Comparison, rows: pd.DataFrame, counts: Counts, audits: pd.DataFrame) -> str:
    low, high = 100 * audits["prob"].min(), 100 * audits["prob"].max()
    chance = f"{low:.3g} %" if low == high else f"{low:.3g} % to {high:.3g} %"
    return (
        f"{plan.described(rows)}; {counts.n.sum():,.0f} contacts, {len(audits):,} audited, "
        f"each with a recorded chance of {chance}"
    )


def _audit_checks(
    plan: Comparison, counted: Counted, audits: pd.DataFrame, missed: float
) -> list[Check]:
    """Look at whether the audits can carry the answer."""
    prob = audits["prob"].to_numpy(dtype=float)
    arm = plan.arm_codes(audits)
    weights, contacts = counted.weights.sum(axis=0), counted.contacts.sum(axis=0)
    effective = weights**2 / np.bincount(arm, prob**-2)
    without = np.flatnonzero(counted.found.sum(axis=0) == 0)
    none_found = listed(plan.arms[k] for k in without)
    bound = float(300 / effective[without].min()) if without.size else 0.0
    return [
        gap_check(contacts, prob, arm),
        unseen_check(missed, "they are left out"),
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
    ]


def _reading(rows: pd.DataFrame, word: str) -> str:
    """Say in a line what each scheme did: clear, unclear, or the log contradicted by audits."""
    main = rows[(rows["group"] == "") & (rows["estimator"] != "unweighted audits")]
    said = []
    for term, part in main.groupby("term", sort=False):
        row = {name: part[part["estimand"] == name].iloc[0] for name in part["estimand"]}
        said.append(_said(str(term), row, word))
    return "; ".join(said)


def _said(term: str, row: "dict[str, pd.Series]", word: str) -> str:
    gamed, reported, true = row["gamed"], row["success_logged"], row["success_true"]
    way = direction(reported)
    if way and direction(row["inflation"]) == way != direction(true):
        return (
            f"under '{term}' the log shows {reported['estimate']:+.1f} successes per 100 "
            f"contacts and the audits {true['estimate']:+.1f}: recording moved, not results"
        )
    if (sign := direction(gamed)) != 0:
        verb = "raises" if sign > 0 else "lowers"
        least, most = sorted(abs(gamed[end]) for end in ("conf_low", "conf_high"))
        return f"'{term}' {verb} {word} by {least:.1f} to {most:.1f} per 100 contacts"
    low, high = gamed["conf_low"], gamed["conf_high"]
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
