"""Do more audits make for less gaming? The elasticity of gaming to the chance of being audited.

Use `deterrence` where the chance of an audit was varied: between worlds, teams or agents. More
audits find more gaming whatever they deter, so what was found is never counted as it comes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import statsmodels.api as sm

from incentives.estimates.audits import (
    CELL_COLUMNS,
    audited,
    bearing_checks,
    recognised,
    served,
    suspicion_check,
    targeted,
)
from incentives.estimates.comparison import LIKE, Observed, clusters_check, listed, require
from incentives.estimates.inference import Carried, Estimated, Fit, Floats
from incentives.estimates.methods import FEWEST, Unit
from incentives.estimates.resampling import Ints
from incentives.estimates.result import Check, Estimate, converged, direction, tidy

__all__ = ["deterrence"]

UNIT = "% gaming per % chance"
ENOUGH = 400  # audits, of which 20 are to be expected of a kind that one contact in 20 is of
LEVELS: dict[Unit, list[str]] = {
    "replication": ["run"],
    "team": ["run", "team"],
    "agent": ["run", "agent"],
}


class Varied(NamedTuple):
    """The units whose contacts were audited with chances of their own."""

    unit: Unit
    logged: str  #: the logged outcome whose chance is taken, the most common one
    chance: "pd.Series[float]"  #: by run, or by run and team or agent

    def of(self, frame: pd.DataFrame) -> Floats:
        """Give the chance under which each row stands, missing where it is not on record."""
        keys = pd.MultiIndex.from_frame(frame[LEVELS[self.unit]])
        place = self.chance.index.get_indexer(keys)
        return np.append(self.chance.to_numpy(dtype=np.float64), np.nan)[place]


class Apart(NamedTuple):
    """Contacts told apart by scheme and chance; chances with few audits each stand together."""

    arms: tuple[str, ...]
    place: "pd.Series[int]"  #: in `arms`, by scheme and chance

    def arm_codes(self, frame: pd.DataFrame) -> Ints:
        """Give each row's arm as its place in `arms`."""
        keys = pd.MultiIndex.from_arrays([frame["scheme"].astype(str), frame["chance"]])
        row = self.place.index.get_indexer(keys)
        if (row < 0).any():
            scheme, chance = keys[row < 0][0]
            raise ValueError(
                f"audits hold contacts under '{scheme}' with a chance of {chance:g}, of which "
                "cells have none"
            )
        return np.asarray(self.place.to_numpy()[row], dtype=np.int64)


def deterrence(
    records: Observed,
    *,
    detection: float | Mapping[str, float] = 1.0,
    dealt: bool = False,
) -> Estimate:
    """Estimate by how many per cent gaming changes when contacts are audited one per cent more.

    **Estimand.** The slope of the logarithm of the share of served contacts that are gamed on
    the logarithm of the chance that a contact is audited, for each scheme: -0.5 says that twice
    the audits leave 0.71 of the gaming.

    **Identification.** The chance of being audited was varied between worlds, teams or agents
    independently of how much these would game, and they know of it or learn it; one unit's
    audits do not move another's gaming; every contact could be audited with a known chance. No
    record tells how chances came about: where managers chose them the slope is an association,
    for who is suspected is audited more, and so it is read unless `dealt` says otherwise.

    **Estimator.** A Poisson regression (quasi-likelihood) of the share gamed on the log chance;
    the share among contacts audited, weighted by 1/`prob`, the very chance that was varied. The
    chance of a unit is that of its contacts with the most common logged outcome. Errors are
    clustered by replication where whole worlds differ (paired where each met every chance), else
    by the team or agent that has a chance of its own; t critical values. Audits made on suspicion,
    without a chance on record, are left out.

    Parameters
    ----------
    records
        Simulated records or a firm's own tables; only the analyst's view is read: `runs`,
        `audits` and `cells`.
    detection
        The chance that an audit recognises a gamed contact, as for `gaming_effect`. A single
        chance does not move the slope; chances by kind do.
    dealt
        Whether chances of audit were dealt at random, as an experiment does: true of worlds that
        were simulated alike but for their audits, and of a firm that drew lots. It moves no
        number, only a check and how the answer is read.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme in `term`: `elasticity` by ``"audited"`` (the headline)
        and by ``"detected counts"``, the naive slope of what was found per contact, which is
        near to 1 more than it should be. `details` has ``"levels"``: the share gamed and what
        was found, by scheme and chance.

    Raises
    ------
    ValueError
        The records cannot answer: the chance was not varied, it differs within every unit,
        audits found no gaming under a scheme, contacts of a kind were never audited under a
        scheme (or under one of its chances that drew 400 audits or more), or too few clusters.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(
    ...     floor=inc.Floor(teams=1, customers=500), scheme=inc.PieceRate("saves", 8.0)
    ... )
    >>> worlds = centre.vary(**{"audit.rate": [0.1, 0.4]})
    >>> records = inc.simulate(worlds, replications=4, months=2, rng=1, keep="cells")
    >>> slope = inc.deterrence(records, dealt=True)
    >>> slope.tidy()["estimator"].tolist()
    ['audited', 'detected counts']
    """
    seen = records.seen_by("analyst")
    audits, cells = audited(seen.audits), served(seen.cells, "cells", CELL_COLUMNS)
    varied = _varied(audits, cells)
    audits, cells = (frame.assign(chance=varied.of(frame)) for frame in (audits, cells))
    without = float(cells.loc[cells["chance"].isna(), "n"].sum() / cells["n"].sum())
    audits, cells = (frame[frame["chance"].notna()] for frame in (audits, cells))
    found = audits["found"].astype(str)
    chances = recognised(detection, sorted(set(found)))
    hit = (found != "none").to_numpy(dtype=np.float64)
    weight = 1 / audits["prob"].to_numpy(dtype=np.float64)
    seeing = np.asarray(found.map(chances), dtype=np.float64)
    gamed = weight * hit / seeing
    counted = audits.assign(found=hit, weight=weight, gamed=gamed)
    bearing = bearing_checks(_apart(cells), audits, cells, seeing, "they are left out")
    left_out = int(targeted(seen.audits).sum())
    cluster = _clusters(seen, varied.unit)
    rows, fits, levels = [], {}, []
    for scheme in _in_order(cells["scheme"]):
        sums = _units(
            counted[(counted["scheme"] == scheme).to_numpy()],
            cells[(cells["scheme"] == scheme).to_numpy()],
            varied.unit,
        )
        if not sums["found"].sum() > 0:
            raise ValueError(f"audits found no gaming under '{scheme}': nothing to be deterred")
        place = np.asarray(cluster.loc[_keys(sums, varied.unit)], dtype=np.int64)
        carried = _carried(place, sums["chance"], scheme, varied.unit)
        for estimator, above, below in (
            ("audited", "gamed", "weight"),
            ("detected counts", "found", "n"),
        ):
            fit = _slope(sums[above], sums[below], np.log(sums["chance"].to_numpy()), place)
            fits[scheme if estimator == "audited" else f"{scheme}, {estimator}"] = fit
            rows.append(_row(scheme, estimator, fit, carried, sums, varied.unit))
        levels.append(_levels(scheme, sums))
    table = pd.DataFrame(rows)
    clusters, df = int(table["n_clusters"].min()), int(table["df"].min())
    distinct = np.unique(varied.chance.to_numpy())
    return Estimate(
        question="How gaming answers to the chance of being audited, elasticities",
        rows=table,
        design={
            "cluster": varied.unit,
            "n_clusters": clusters,
            "df": df,
            "chance_of_contacts_logged": varied.logged,
            "dealt": dealt,
            "n_chances": len(distinct),
            "least_chance": float(distinct.min()),
            "most_chance": float(distinct.max()),
            "least_detection": min(chances.values()),
            "n_contacts": int(cells["n"].sum()),
            "n_audits": len(audits),
            "n_targeted_left_out": left_out,
        },
        facts=(
            f"{clusters} {varied.unit}s; {cells['n'].sum():,.0f} contacts, "
            f"{len(audits):,} audited; chances of {100 * distinct.min():.3g} % to "
            f"{100 * distinct.max():.3g} % for contacts logged '{varied.logged}'"
        ),
        reading=_reading(tidy(table), dealt=dealt),
        checks=(
            Check(
                "chances of audits were dealt at random",
                dealt,
                float(dealt),
                1,
                "no record tells how chances came about: if they were chosen, read the slope as an "
                "association; if they were dealt at random, say so: dealt=True, --audits-dealt",
            ),
            clusters_check(varied.unit, clusters, df),
            Check(
                "every unit's chance is on record",
                without == 0,
                without,
                0,
                f"share of contacts of {varied.unit}s with no audit of a contact logged "
                f"'{varied.logged}', whose chance is unknown; they are left out",
            ),
            *bearing,
            suspicion_check(left_out),
            converged(fits),
        ),
        details={"levels": pd.concat(levels, ignore_index=True)},
        fits={name: fit.result for name, fit in fits.items()},
    )


def _varied(audits: pd.DataFrame, cells: pd.DataFrame) -> Varied:
    """Find the coarsest units within each of which contacts had one chance of being audited."""
    common = str(cells["n"].groupby(cells["logged_outcome"].astype(str)).sum().idxmax())
    of_common = audits[(audits["logged_outcome"].astype(str) == common).to_numpy()]
    if of_common.empty:
        raise ValueError(f"no audits of contacts logged '{common}', the most common outcome")
    prob = of_common["prob"].astype(np.float64).round(9)
    for unit, keys in LEVELS.items():
        each = prob.groupby([of_common[key] for key in keys])
        if each.nunique().max() > 1:
            continue
        chance = each.first()
        chance.index = pd.MultiIndex.from_frame(chance.index.to_frame())
        if chance.min() == chance.max():
            raise ValueError(
                f"audits.prob of contacts logged '{common}' is {chance.iloc[0]:g} everywhere: "
                "what deters cannot be seen where the chance was never varied"
            )
        return Varied(unit, common, chance)
    raise ValueError(
        f"audits.prob of contacts logged '{common}' differs within agents: "
        "give each world, team or agent one chance, or take a time in which it had one"
    )


def _apart(cells: pd.DataFrame) -> Apart:
    """Tell contacts apart as far as no kind of them can have been missed by luck alone."""
    n = cells["n"].groupby([cells["scheme"].astype(str), cells["chance"]]).sum()
    each = n.reset_index()
    alone = (each["n"] * each["chance"] >= ENOUGH).to_numpy()
    apart = each["scheme"] + (100 * each["chance"]).map(" at {:.3g} %".format)
    place, arms = pd.factorize(np.where(alone, apart, each["scheme"]))
    return Apart(tuple(map(str, arms)), pd.Series(place, index=n.index))


def _in_order(schemes: "pd.Series[str]") -> list[str]:
    return [str(name) for name in pd.unique(schemes.astype(str))]


def _clusters(seen: Observed, unit: Unit) -> "pd.Series[int]":
    """Number the clusters: the replication, or the team or agent within it."""
    runs = require(seen.runs, "runs", ["run", "replication"])
    keys = LEVELS[unit]
    if unit == "replication":
        code = pd.factorize(runs["replication"])[0]
        return pd.Series(code, index=pd.MultiIndex.from_frame(runs[["run"]]))
    each = require(seen.cells, "cells", keys)[keys].drop_duplicates()
    both = each.merge(runs[["run", "replication"]], on="run")
    own = both.groupby(["replication", keys[1]]).ngroup()
    return pd.Series(own.to_numpy(), index=pd.MultiIndex.from_frame(both[keys]))


def _keys(sums: pd.DataFrame, unit: Unit) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(sums[LEVELS[unit]])


def _units(audits: pd.DataFrame, cells: pd.DataFrame, unit: Unit) -> pd.DataFrame:
    """Add contacts and audits up by unit."""
    keys = [*LEVELS[unit], "chance"]
    contacts = cells.groupby(keys)[["n"]].sum()
    checked = audits.groupby(keys)[["found", "weight", "gamed"]].sum()
    audits_of = audits.groupby(keys).size().rename("audits")
    return contacts.join([checked, audits_of]).fillna(0.0).reset_index()


def _carried(place: Ints, chance: "pd.Series[float]", scheme: str, unit: Unit) -> Carried:
    """Count the clusters that carry a slope, and refuse too few."""
    met = pd.crosstab(place, chance) > 0
    if met.shape[1] < 2:
        raise ValueError(
            f"all of '{scheme}' had the chance {chance.iloc[0]:g} of being audited: "
            "vary it within each scheme, or leave that scheme out"
        )
    paired = bool(met.to_numpy().all())
    clusters = len(met)
    if clusters < FEWEST[unit]:
        raise ValueError(
            f"too few clusters: {clusters} {unit}s under {listed([scheme])}, "
            f"at least {FEWEST[unit]} are needed"
        )
    return Carried(clusters, clusters - (1 if paired else 2), paired)


def _slope(
    above: "pd.Series[float]",
    below: "pd.Series[float]",
    log_chance: Floats,
    cluster: Ints,
) -> Fit:
    """Regress the log of a share on the log chance, by Poisson quasi-likelihood."""
    here = (below > 0).to_numpy()
    weight = below.to_numpy(dtype=np.float64)[here]
    share = above.to_numpy(dtype=np.float64)[here] / weight
    design = np.column_stack([np.ones(int(here.sum())), log_chance[here]])
    model = sm.GLM(share, design, family=sm.families.Poisson(), var_weights=weight)
    result = model.fit(start_params=[np.log(np.average(share, weights=weight)), 0.0], tol=1e-12)
    mean = np.asarray(result.mu)
    scores = np.zeros((int(cluster.max()) + 1, 2))
    np.add.at(scores, cluster[here], design * (weight * (share - mean))[:, None])
    information = design.T @ (design * (weight * mean)[:, None])
    influence = np.linalg.solve(information, scores.T).T
    return Fit(result, Estimated(np.asarray(result.params), influence), ())


def _row(
    scheme: str, estimator: str, fit: Fit, carried: Carried, sums: pd.DataFrame, unit: Unit
) -> dict[str, Any]:
    main = estimator == "audited"
    slope = fit.coefficients
    return {
        "estimand": "elasticity",
        "unit": UNIT,
        "estimator": estimator,
        "group": "",
        "label": f"elasticity, {estimator}",
        "kind": "difference",
        "in_summary": True,
        "in_figure": main,
        "term": scheme,
        "contrast": "",
        "df": carried.df,
        "inference": f"cluster ({unit}{', paired' if carried.paired else ''}), CR1, t",
        "target": LIKE[unit],
        "n_clusters": carried.clusters,
        "estimate": slope.value[1],
        "std_error": slope.std_error(carried)[1],
        "n": float(sums["n"].sum()),
        "n_events": float(sums["found"].sum()),
        "n_audits": float(sums["audits"].sum()),
    }


def _levels(scheme: str, sums: pd.DataFrame) -> pd.DataFrame:
    """Give the share gamed, and what was found, at each chance, per 100 contacts."""
    each = sums.groupby("chance")[["n", "audits", "found", "weight", "gamed"]].sum()
    return pd.DataFrame(
        {
            "scheme": scheme,
            "chance": each.index,
            "gamed": (100 * each["gamed"] / each["weight"]).to_numpy(),
            "detected": (100 * each["found"] / each["n"]).to_numpy(),
            "n": each["n"].to_numpy(),
            "n_audits": each["audits"].to_numpy(),
        }
    )


def _reading(rows: pd.DataFrame, *, dealt: bool) -> str:
    """Say in a line how gaming goes with audits under each scheme, as a cause if it was `dealt`."""
    said = []
    for _, row in rows[rows["estimator"] == "audited"].iterrows():
        ends = sorted(1 - 2.0 ** row[end] for end in ("conf_low", "conf_high"))
        least, most = (f"{abs(100 * end):.0f} %" for end in ends)
        under = f"under '{row['term']}'"
        less, more, open_ = (
            (
                f"{under} twice the audits deter {least} to {most} of gaming",
                f"{under} gaming rises with the chance of an audit",
                f"whether audits deter gaming {under} is unclear",
            )
            if dealt
            else (
                f"{under}, where audits are twice as many, gaming is {least} to {most} less",
                f"{under} there is more gaming where there are more audits",
                f"whether gaming is less {under} where there are more audits is unclear",
            )
        )
        between = f"(elasticity {row['conf_low']:+.2f} to {row['conf_high']:+.2f})"
        said.append({-1: less, 1: more, 0: f"{open_} {between}"}[direction(row)])
    return "; ".join(said)
