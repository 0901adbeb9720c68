"""What really happened: the log of every contact, corrected by the audits of some.

Use `true_rate` for levels (how many customers who wished to cancel were really saved?) and
`true_effect` for what a scheme does to them. Both correct each scheme by its own audits: pay
changes how often the log lies, so one correction for all schemes leaves most of the bias, and
there is no way to ask for one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from incentives.estimates.audits import (
    CELL_COLUMNS,
    audited,
    dim_check,
    gap_check,
    recognised,
    served,
    succeeded,
    suspicion_check,
    targeted,
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
    require,
    since_apart,
    unknown,
)
from incentives.estimates.inference import Bools, Estimated, Floats, carried_by, shares
from incentives.estimates.methods import FEWEST
from incentives.estimates.proportions import Recovered, Share
from incentives.estimates.result import TIDY_COLUMNS, Check, Estimate, direction, tidy

__all__ = ["KPIS", "Kpi", "Phases", "read_phases", "true_effect", "true_rate", "two_phase"]

FEW_AUDITS = 100  # with fewer, the errors that no audit met are too many to neglect
FEW_ERRORS = 10  # met in an arm: their number says little of how rare they are, unless there are
MANY_AUDITS = 250  # so many audits in it, of which errors that matter would have met some
DRAWS = 4000
SEED = 20261


class Kpi(NamedTuple):
    """A logged indicator: which contacts it is taken over, and which of them it counts."""

    name: str
    unit: str
    words: str
    counted: tuple[str, ...]  #: logged outcomes that it counts; none for what no log counts
    reason: str = ""  #: reason of the contacts it is taken over; every reason if empty


KPIS = {
    kpi.name: kpi
    for kpi in (
        Kpi("success", "per 100 contacts", "successes", ("sale", "saved")),
        Kpi("saves", "per 100 contacts", "saves", ("saved",)),
        Kpi("sales", "per 100 contacts", "sales", ("sale",)),
        Kpi("save_rate", "per 100 wishes to cancel", "saves", ("saved",), "cancel"),
        Kpi("gamed", "per 100 contacts", "gaming", ()),
    )
}


def two_phase(contacts: Floats, weights: Floats, sums: Floats) -> Estimated:
    """Give the mean of what audits measure, by arm, as if every contact had been audited.

    In each stratum of an arm the weighted mean of the audited stands for all; the strata count
    by their contacts on the log (the generalised difference, or augmented inverse-probability,
    estimator with saturated means). A stratum without an audit counts as 0.

    Parameters
    ----------
    contacts
        On the log, shape (clusters, arms, strata).
    weights, sums
        Of the audits: sums of 1/`prob`, and of what was measured times that; the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> contacts = np.array([[[10.0, 90.0]], [[30.0, 70.0]]])
    >>> weights, sums = np.full((2, 1, 2), 50.0), np.array([[[25.0, 0.0]], [[25.0, 10.0]]])
    >>> two_phase(contacts, weights, sums).value.tolist()  # .2 x .5 + .8 x .1
    [0.18]
    """
    whole, drawn = contacts.sum(axis=0), weights.sum(axis=0)
    mean, scale = _ratio(sums.sum(axis=0), drawn), _ratio(whole, drawn)
    n = whole.sum(axis=1)
    value = (whole * mean).sum(axis=1) / n
    first = (contacts * (mean - value[:, None])).sum(axis=2)
    second = ((sums - mean * weights) * scale).sum(axis=2)
    return Estimated(value, (first + second) / n)


def _added(place: npt.NDArray[np.int64], values: Floats, size: int) -> Floats:
    return np.bincount(place, values, size).astype(np.float64)


def _ratio(sums: Floats, n: Floats) -> Floats:
    """Divide, and give 0 where there is nothing to divide by."""
    return np.asarray(np.divide(sums, n, out=np.zeros_like(n), where=n > 0), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Phases:
    """The first phase, contacts on the log, and the second, the audits of some of them.

    Parameters
    ----------
    plan
        Arms and clusters.
    kpi
        The indicator.
    contacts
        On the log, shape (clusters, arms, strata); a stratum is a logged outcome.
    weights, amiss
        Of the audits: sums of `weight`, and of `excess` times that; the same shape.
    noted
        Whether the indicator counts a stratum, shape (strata,).
    audits
        The audited contacts.
    weight, stratum
        Of each audit: 1/`prob`, and the place of its stratum.
    excess
        Of each audit: logged less true, given what was found and how often it is recognised.
    chance
        Of each audit: the chance that what was found is recognised.
    chances
        The chance of being recognised, by kind.
    missed
        The largest share of an arm's contacts in strata without any audit.
    targeted
        Audits made on suspicion, which are left out.
    """

    plan: Comparison
    kpi: Kpi
    contacts: Floats
    weights: Floats
    amiss: Floats
    noted: Floats
    audits: pd.DataFrame
    weight: Floats
    stratum: npt.NDArray[np.int64]
    excess: Floats
    chance: Floats
    chances: dict[str, float]
    missed: float
    targeted: int

    @property
    def fewest(self) -> int:
        """How many audits the thinnest arm has."""
        arms = self.plan.arm_codes(self.audits)
        return int(np.bincount(arms, minlength=len(self.plan.arms)).min())

    @property
    def present(self) -> Bools:
        """Whether each cluster has contacts in each arm."""
        return np.asarray(self.contacts.sum(axis=2) > 0, dtype=bool)

    def weighed(self, measured: Measured) -> Measured:
        """Let each cluster count for its contacts where it is resampled."""
        return measured._replace(weight=self.contacts.sum(axis=2))

    def logged(self) -> Estimated:
        """Give the share that the log counts, by arm."""
        return two_phase(self.contacts, self.contacts, self.contacts * self.noted)

    def corrected(self, *, counted: bool | None = None) -> Estimated:
        """Give the mean excess of the log as audits correct it, by arm.

        Parameters
        ----------
        counted
            Only over contacts that the log counts, or that it does not; over all if left out.
        """
        inside = self._inside(counted)
        return two_phase(self.contacts * inside, self.weights * inside, self.amiss * inside)

    def wrong(self, *, counted: bool) -> Share:
        """Give the mean excess among contacts that the log counts, or not, as a share of them.

        All of them wrong would make it as large as a finding is on average: one over the chance of
        being recognised. Audits count for as many as would be as sure if all weighed alike.
        """
        arms = self.plan.arm_codes(self.audits)
        inside = self._inside(counted)
        weight = self.weight * inside[self.stratum]
        met = weight * (self.excess != 0)

        def add(each: Floats) -> Floats:
            return _added(arms, each, len(self.plan.arms))

        one = (1.0 if counted else -1.0) / min(self.chances.values())
        size = np.where(add(met) > 0, _ratio(add(met * self.excess), add(met)), one)
        known = _ratio(add(weight) ** 2, add(weight**2))
        at_risk = (self.contacts * inside).sum(axis=2)
        return Share(self.corrected(counted=counted), at_risk, known, size)

    def _inside(self, counted: bool | None) -> Floats:
        """Mark the strata that the log counts, or does not, or all."""
        if counted is None:
            return np.ones_like(self.noted)
        return np.asarray(self.noted == counted, dtype=np.float64)

    def composed(self, noted: float, amiss: float, *, counted: bool | None = None) -> Estimated:
        """Give so many times the log and its excess, by arm, as if the excess were known.

        What moves it is how the clusters' contacts are composed, not which were audited. It is
        taken over what `corrected` takes.
        """
        mean = _ratio(self.amiss.sum(axis=0), self.weights.sum(axis=0))
        contacts = self.contacts * self._inside(counted)
        return two_phase(contacts, contacts, contacts * (noted * self.noted + amiss * mean))

    def drawing_error(self) -> Floats:
        """Give the standard error that comes from having audited a sample only, by arm.

        With it goes that of auditors who miss things: each finding stands for one over the chance
        of it, however many are audited, and that of all findings is theirs even where all contacts
        are audited.
        """
        contacts, cell = self.contacts.sum(axis=0).ravel(), self._cell()
        drawn = _added(cell, self.weight, contacts.size)
        mean = _ratio(_added(cell, self.weight * self.excess, contacts.size), drawn)[cell]
        spread = (self.weight**2 - self.weight) * (self.excess - mean) ** 2
        spread += self.weight * (1 - self.chance) * self.excess**2
        variance = _added(cell, spread, contacts.size) * _ratio(contacts, drawn) ** 2
        shape = (len(self.plan.arms), -1)
        return np.asarray(
            np.sqrt(variance.reshape(shape).sum(axis=1)) / contacts.reshape(shape).sum(axis=1)
        )

    def mean(self, measured: Floats, weight: Floats) -> Estimated:
        """Give the weighted mean of what each audit measured, by arm, whatever its stratum."""
        weights, sums = self.plan.totals(self.audits, [weight, weight * measured])
        return shares(sums, weights)

    def unweighted(self) -> Estimated:
        """Give the plain mean of what audits found, by arm: the naive reading."""
        found = self.noted[self.stratum] - self.excess if self.kpi.counted else self.excess
        return self.mean(found, np.ones_like(found))

    def left_open(self, noted: float, amiss: float) -> "Open":
        """Say what is open about so many times the log and so many times its excess, in points."""
        moved, between = 100 * amiss * self.simulated(), self.composed(noted, amiss) * 100
        return Open(moved, between, self.thin(), 100 * self.drawing_error())

    def finding(self, hit: Bools) -> "Phases":
        """Give the same with what was asked for, on no log, in place of the indicator's excess."""
        excess = hit / self.chance
        (amiss,) = self.plan.totals(
            self.audits, [self.weight * excess], within=(self.stratum, len(self.noted))
        )
        none, kpi = np.zeros_like(self.noted), KPIS["gamed"]
        return replace(self, kpi=kpi, amiss=amiss, noted=none, excess=excess)

    def thin(self) -> Bools:
        """Whether too few audits, or errors that they met, stand behind each arm."""
        arms = self.plan.arm_codes(self.audits)
        audits = np.bincount(arms, minlength=len(self.plan.arms))
        met = np.bincount(arms[self.excess != 0], minlength=len(self.plan.arms))
        return (audits < FEW_AUDITS) | ((met < FEW_ERRORS) & (audits < MANY_AUDITS))

    def simulated(self, *, counted: bool | None = None) -> Floats:
        """Draw from Jeffreys' posterior how far the mean excess is off, shape (draws, arms).

        In each stratum of an arm the share of audits that met an error is a binomial one; what
        was audited is known. The contacts of each stratum are taken as they are. The mean is
        over what `corrected` takes.
        """
        contacts, cell = self.contacts.sum(axis=0), self._cell()

        def add(each: Floats) -> Floats:
            return _added(cell, each, contacts.size).reshape(contacts.shape)

        weight, hit = self.weight, 1.0 * (self.excess != 0)
        drawn, met = add(weight), add(weight * hit)
        effective = _ratio(drawn**2, add(weight**2))
        share, known = _ratio(met, drawn), _ratio(add(np.ones_like(hit)), contacts)
        sign = np.where(self.noted > 0, 1.0, -1.0) if self.kpi.counted else 1.0
        unmet = np.ones_like(drawn) * sign / min(self.chances.values())
        size = np.where(met > 0, _ratio(add(weight * self.excess), met), unmet)
        found = share * effective
        shape = (DRAWS, *contacts.shape)
        guess = np.random.default_rng(SEED).beta(found + 0.5, effective - found + 0.5, shape)
        off = size * (1 - known) * (guess - share)
        contacts = contacts * self._inside(counted)
        return np.asarray((off * contacts).sum(axis=2) / contacts.sum(axis=1))

    def _cell(self) -> npt.NDArray[np.int64]:
        """Give the place of each audit's stratum among those of all arms."""
        arm = self.plan.arm_codes(self.audits) * self.contacts.shape[2]
        return np.asarray(arm + self.stratum, dtype=np.int64)

    def counts(self, hit: Bools | None = None) -> Counts:
        """Count the contacts, the audits that were hits, and the audits, by arm.

        Parameters
        ----------
        hit
            Of each audit; whether it found the log amiss, if left out.
        """
        arms = self.plan.arm_codes(self.audits)
        n = self.contacts.sum(axis=(0, 2))
        met = (self.excess != 0 if hit is None else hit).astype(np.float64)
        return Counts(n, _added(arms, met, len(n)), _added(arms, np.ones_like(met), len(n)))

    def logs(self) -> Counts:
        """Count the contacts and those that the log counts, by arm."""
        return Counts(self.contacts.sum(axis=(0, 2)), (self.contacts * self.noted).sum(axis=(0, 2)))

    def facts(self) -> dict[str, Any]:
        """Give the facts of the audits, one word for each."""
        prob = self.audits["prob"]
        return {
            "outcome": self.kpi.name,
            "least_detection": min(self.chances.values()),
            "n_contacts": int(self.contacts.sum()),
            "n_audits": len(self.audits),
            "least_audits_in_an_arm": self.fewest,
            "least_prob": float(prob.min()),
            "most_prob": float(prob.max()),
            "n_targeted_left_out": self.targeted,
        }

    def described(self) -> str:
        """Say what the audits are, in words."""
        low, high = 100 * self.audits["prob"].min(), 100 * self.audits["prob"].max()
        chance = f"{low:.3g} %" if low == high else f"{low:.3g} % to {high:.3g} %"
        of = " with a wish to cancel" if self.kpi.reason else ""
        return (
            f"{self.contacts.sum():,.0f} contacts{of}, {len(self.audits):,} audited, "
            f"each with a recorded chance of {chance}"
        )

    def checks(self) -> list[Check]:
        """Look at whether the audits can carry an answer."""
        arms = self.plan.arm_codes(self.audits)
        return [
            gap_check(self.contacts.sum(axis=(0, 2)), 1 / self.weight, arms),
            unseen_check(self.missed, "there the log is believed"),
            dim_check(self.plan, self.audits, self.chance),
            Check(
                "audits enough in each arm",
                self.fewest >= FEW_AUDITS / 2,
                self.fewest,
                FEW_AUDITS / 2,
                "audits in the thinnest arm; read the intervals in details['simulated']",
            ),
            suspicion_check(self.targeted),
        ]


def read_phases(
    seen: Observed,
    *,
    by: str,
    control: str | None,
    kpi: Kpi,
    detection: float | Mapping[str, float] = 1.0,
) -> Phases:
    """Take contacts and audits by cluster, arm and logged outcome, and refuse what cannot answer.

    Parameters
    ----------
    seen
        The analyst's view.
    by, control
        As for `compare_arms`.
    kpi
        The indicator.
    detection
        As for `gaming_effect`.
    """
    left_out = int(targeted(seen.audits).sum())
    audits = since_apart(seen, over(kpi, audited(seen.audits), "audits"), by=by)
    cells = since_apart(seen, over(kpi, served(seen.cells, "cells", CELL_COLUMNS), "cells"), by=by)
    plan = compare_arms(seen, cells, by=by, control=control)
    missed = unseen(plan, audits, cells)
    strata = sorted({str(name) for name in cells["logged_outcome"].unique()})
    names = pd.Index(strata)
    stratum = names.get_indexer(pd.Index(audits["logged_outcome"].astype(str)))
    if (stratum < 0).any():
        stray = audits["logged_outcome"].to_numpy()[stratum < 0][0]
        raise ValueError(f"audits hold contacts logged '{stray}', of which cells have none")
    row = names.get_indexer(pd.Index(cells["logged_outcome"].astype(str))).astype(np.int64)
    n = cells["n"].to_numpy(dtype=float)
    contacts = plan.totals(cells, [n], within=(row, len(strata)))[0]
    found = audits["found"].astype(str)
    chances = recognised(detection, sorted(found.unique()))
    excess = np.asarray(found != "none", dtype=np.float64)
    if kpi.counted:
        true = succeeded(audits["found_outcome"], kpi.counted).astype(np.float64)
        excess = succeeded(audits["logged_outcome"], kpi.counted) - true
    chance = np.asarray(found.map(chances), dtype=np.float64)
    excess /= chance
    weight = 1 / audits["prob"].to_numpy(dtype=np.float64)
    within = (stratum.astype(np.int64), len(strata))
    weights, amiss = plan.totals(audits, [weight, weight * excess], within=within)
    return Phases(
        plan=plan,
        kpi=kpi,
        contacts=contacts,
        weights=weights,
        amiss=amiss,
        noted=np.isin(strata, kpi.counted).astype(np.float64),
        audits=audits,
        weight=weight,
        stratum=stratum.astype(np.int64),
        excess=excess,
        chance=chance,
        chances=chances,
        missed=missed,
        targeted=left_out,
    )


def over(kpi: Kpi, frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Keep the contacts over which an indicator is taken."""
    if not kpi.reason:
        return frame
    asked = require(frame, name, ["reason"])["reason"] == kpi.reason
    if not asked.any():
        raise ValueError(f"{name} hold no contacts with the reason '{kpi.reason}'")
    return frame[asked.to_numpy()]


def chosen(outcome: str) -> Kpi:
    """Find an indicator by its name."""
    if outcome not in KPIS:
        raise unknown(outcome, KPIS, what="outcome", where="what audits can correct")
    return KPIS[outcome]


def named(kpi: Kpi, part: Literal["logged", "true", "inflation"], estimator: str) -> Measure:
    """Name what is reported of an indicator: as logged, as true, or the difference."""
    if not kpi.counted:
        return Measure(kpi.name, kpi.unit, estimator, label=kpi.words).main()
    label = {"logged": "reported", "true": "true", "inflation": "inflation of"}[part]
    return Measure(f"{kpi.name}_{part}", kpi.unit, estimator, label=f"{label} {kpi.words}").main()


class Open(NamedTuple):
    """What the audits behind a number leave open."""

    moved: Floats  #: draws of how far it may be off for having audited a sample, (draws, arms)
    between: Estimated  #: what it would be if they left nothing open
    thin: Bools  #: whether too few audits, or errors that they met, stand behind each arm
    drawn: Floats | None = None  #: its standard error for these agents, by arm, where that is asked


class Part(NamedTuple):
    """A number made of the log and of what audits found amiss with it."""

    measured: Measured
    open: Open | None = None  #: none where no audit is needed


def parts(phases: Phases) -> list[Part]:
    """Give an indicator by arm: true, as the log has it, their difference, and read naively."""
    kpi, counts = phases.kpi, phases.counts()
    amiss, excess = phases.corrected() * 100, phases.left_open(0, 1)
    true = named(kpi, "true", "two-phase")
    naive = true._replace(estimator="unweighted audits", in_summary=False, in_figure=False)
    last = Part(phases.weighed(Measured(naive, phases.unweighted() * 100, counts)))
    if not kpi.counted:
        return [Part(phases.weighed(Measured(true, amiss, counts)), excess), last]
    reported, honest = phases.logged() * 100, phases.left_open(1, -1)
    log, inflation = named(kpi, "logged", "log"), named(kpi, "inflation", "two-phase")
    return [
        Part(phases.weighed(Measured(true, reported - amiss, counts)), honest),
        Part(phases.weighed(Measured(log, reported, phases.logs()))),
        Part(phases.weighed(Measured(inflation, amiss, counts)), excess),
        last,
    ]


def effects(
    phases: Phases, found: Sequence[Part], present: Bools
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the effects, arm by arm, and the simulated intervals of those with few audits.

    Parameters
    ----------
    phases
        The log and its audits.
    found
        What is compared.
    present
        Whether each cluster is there for each arm.
    """
    plan = phases.plan
    by_arm: list[list[dict[str, Any]]] = [[] for _ in plan.arms]
    intervals: list[dict[str, Any]] = []
    for part in found:
        for row in plan.effects(part.measured, present):
            arm = plan.arms.index(row["term"])
            if part.open is not None:
                moved = part.open.moved[:, arm] - part.open.moved[:, 0]
                carried = carried_by(present[:, arm], present[:, 0])
                noise = float(part.open.between.difference(arm, 0).std_error(carried)[0])
                thin = bool(part.open.thin[arm] or part.open.thin[0])
                row = _widened(row, moved, noise, thin, intervals)
            by_arm[arm].append(row)
    return pd.DataFrame([row for rows in by_arm for row in rows]), _intervals(intervals)


def levels(
    phases: Phases, found: Sequence[Part], present: Bools
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the levels for units like these, as `effects` gives effects."""
    intervals: list[dict[str, Any]] = []
    rows = [
        _level(part, row, phases.plan.arms.index(row["term"]), present, intervals)
        for part in found
        for row in phases.plan.levels(part.measured, present)
    ]
    return pd.DataFrame(rows), _intervals(intervals)


def both_levels(phases: Phases, found: Sequence[Part]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the levels for units like these, where there are enough, and for these agents."""
    plan, present = phases.plan, phases.present
    rows: list[dict[str, Any]] = []
    intervals: list[dict[str, Any]] = []
    for part in found:
        for row in plan.levels(part.measured, present):
            arm = plan.arms.index(row["term"])
            if carried_by(present[:, arm], present[:, arm]).clusters >= FEWEST[plan.unit]:
                rows.append(_level(part, row, arm, present, intervals))
            if part.open is not None and part.open.drawn is not None:
                df = max(row["n_audits"] - phases.contacts.shape[2], 1)
                own = {"target": "these agents", "inference": "audits drawn, t", "df": df}
                here = row | own | {"std_error": part.open.drawn[arm], "tested": None}
                rows.append(_widened(here, part.open.moved[:, arm], 0.0, True, intervals))
    return pd.DataFrame(rows), _intervals(intervals)


def _level(
    part: Part, row: dict[str, Any], arm: int, present: Bools, intervals: list[dict[str, Any]]
) -> dict[str, Any]:
    """Widen the error of a level for units like these; it is never below that for these agents.

    Drawing audits is a part of what is uncertain about units like these. Where few errors were
    met, clusters can differ by less than that: all but one of them met none.
    """
    if part.open is None:
        return row
    moved, drawn = part.open.moved[:, arm], part.open.drawn
    audits = max(float(moved.std()), 0.0 if drawn is None else float(drawn[arm]))
    noise = float(part.open.between.std_error(carried_by(present[:, arm], present[:, arm]))[arm])
    thin = bool(part.open.thin[arm]) or row["std_error"] < audits
    widened = _widened(row, moved, noise, thin, intervals)
    return widened | {"std_error": max(widened["std_error"], audits)}


def _widened(
    row: dict[str, Any], moved: Floats, noise: float, thin: bool, intervals: list[dict[str, Any]]
) -> dict[str, Any]:
    """Widen the error of a row that may rest on few errors met, and note its simulated interval.

    A stratum in which no audit met an error adds nothing to the variance, and one in which few
    did adds too little as often as too much. The error is then the larger of its own and that
    of draws from Jeffreys' posterior (`moved`, around what was estimated) with what clusters
    differ by (`noise`): where audits, or the errors that they met, are few (`thin`), and always
    where nothing but the drawing of audits is uncertain. What is tested by dealing clusters to
    arms again holds whatever few errors are behind it.
    """
    tested = row.get("tested")
    alone = noise == 0 or row["n_audits"] < FEW_AUDITS
    if not alone and (not thin or getattr(tested, "method", "") == "randomisation"):
        return row
    luck = np.random.default_rng(SEED).standard_t(max(row["df"], 1), len(moved))
    low, middle, high = np.quantile(row["estimate"] + moved + noise * luck, [0.025, 0.5, 0.975])
    keys = {name: row[name] for name in ("estimand", "term", "contrast", "target", "n_audits")}
    intervals.append(keys | {"conf_low": low, "median": middle, "conf_high": high})
    error = max(row["std_error"], float(np.hypot(moved.std(), noise)))
    if isinstance(tested, Recovered):  # whose interval knows how few findings it has
        return row | {"std_error": error, "tested": tested.without() if alone else tested}
    words = f"{row['inference']}, Jeffreys"
    # an error that clusters do not carry is not theirs to resample
    return row | {"std_error": error, "inference": words, "tested": None if alone else tested}


def _intervals(intervals: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["estimand", "term", "contrast", "target", "n_audits"]
    return pd.DataFrame(intervals, columns=[*columns, "conf_low", "median", "conf_high"])


def true_rate(
    records: Observed,
    *,
    by: str = "scheme",
    outcome: str = "save_rate",
    detection: float | Mapping[str, float] = 1.0,
) -> Estimate:
    """Estimate how many successes were true under each scheme, whatever the log says.

    **Estimand.** The share of contacts that ended in a true success, by scheme: in these
    contacts of these agents, and among units like those that schemes were assigned to. With it
    the share on the log, and inflation, their difference.

    **Identification.** Every contact could be audited with a known chance above 0 that depends
    only on what is on record; an audit shows what happened (or is known to do so with a chance
    of `detection`). Nothing is assumed of how schemes were assigned.

    **Estimator.** The generalised difference: the log of every contact plus the weighted mean
    error of the log among the audited, by logged outcome and scheme. For these agents the error
    is that of drawing audits; for units like these it is clustered at the level of assignment,
    and never less than that.
    An audit sample that met few errors cannot tell how rare they are: the error for these
    agents, and that of any number where a scheme has fewer than 100 audits behind it, or 250
    that met fewer than 10 errors, is no smaller than the spread of draws from Jeffreys'
    posterior in each logged outcome.

    Parameters
    ----------
    records
        Simulated records or a firm's own tables; only the analyst's view is read: `runs`,
        `assignments`, `audits` and `cells`.
    by
        ``"scheme"``, or a column of `runs` in which whole worlds differ.
    outcome
        ``"save_rate"`` (true saves per 100 served wishes to cancel), ``"saves"``, ``"sales"``,
        ``"success"`` (sales or saves) or ``"gamed"``, per 100 contacts served.
    detection
        The chance that an audit recognises a gamed contact, as for `gaming_effect`.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme in `term`: the outcome with ``_true`` by
        ``"two-phase"`` (for both targets) and by ``"unweighted audits"`` (naive), with
        ``_logged`` by ``"log"``, with ``_inflation`` by ``"two-phase"``. Rows for units like
        these are left out where there are too few of them. `details` has ``"simulated"``:
        the 95 % intervals of those draws, which need not be symmetric.

    Raises
    ------
    KeyError
        A column or an outcome is not in the records.
    ValueError
        No recorded chances, or contacts of a kind that were never audited.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500), audit=inc.Audit(rate=0.2))
    >>> records = inc.simulate(centre, replications=3, months=2, rng=1, keep="cells")
    >>> rate = inc.true_rate(records, outcome="success")
    >>> rate.tidy()["estimand"].unique().tolist()
    ['success_true', 'success_logged', 'success_inflation']
    """
    seen = records.seen_by("analyst")
    phases = read_phases(seen, by=by, control=None, kpi=chosen(outcome), detection=detection)
    rows, few = both_levels(phases, parts(phases))
    naive = rows["estimator"] == "unweighted audits"
    rows = rows.assign(
        in_summary=~naive, in_figure=~naive, label=rows["label"] + ", " + rows["target"]
    )
    facts = phases.plan.facts(rows)
    return Estimate(
        question=f"{phases.kpi.words.capitalize()} that were true under each {by}",
        rows=rows,
        design={name: facts[name] for name in ("by", "cluster", "n_arms")} | phases.facts(),
        facts=phases.described(),
        reading=_level_read(tidy(rows), phases.kpi),
        checks=tuple(phases.checks()),
        details={"simulated": few},
    )


def true_effect(
    records: Observed,
    *,
    by: str = "scheme",
    control: str,
    outcome: str = "save_rate",
    detection: float | Mapping[str, float] = 1.0,
) -> Estimate:
    """Estimate what each scheme does to true successes, whatever the log says.

    **Estimand.** The share of contacts that end in a true success, under a scheme less under
    the control, in points; with it the same on the log, and of inflation, their difference.

    **Identification.** As for `true_rate`; and schemes were assigned to worlds, teams or agents
    independently of what these would have achieved; what one unit is paid for does not move
    another's outcome.

    **Estimator.** The contrast of the levels of `true_rate`, each corrected by the audits of
    its own scheme; errors clustered at the level of assignment, paired where a cluster met both
    arms, with t critical values, and no smaller than there where audits are few.

    Parameters
    ----------
    records, by, outcome, detection
        As for `true_rate`.
    control
        The scheme that the others are compared with.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: the outcome with ``_true`` by ``"two-phase"`` (the
        headline) and by ``"unweighted audits"`` (naive), with ``_logged`` by ``"log"``, with
        ``_inflation`` by ``"two-phase"``; logged = true + inflation, exactly. `details` has
        ``"levels"`` (each scheme alone, for both targets) and ``"simulated"``, as `true_rate`.

    Raises
    ------
    KeyError
        A scheme, a column or an outcome is not in the records.
    ValueError
        The records cannot answer: too few clusters, no recorded chances, contacts of a kind
        that were never audited.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500), audit=inc.Audit(rate=0.2))
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    >>> worlds = centre.vary(scheme=schemes)
    >>> records = inc.simulate(worlds, replications=4, months=2, rng=1, keep="cells")
    >>> effect = inc.true_effect(records, control="wage", outcome="success")
    >>> effect.tidy().loc[0, ["estimand", "contrast", "unit"]].tolist()
    ['success_true', 'saves vs wage', 'per 100 contacts']
    """
    seen = records.seen_by("analyst")
    phases = read_phases(seen, by=by, control=control, kpi=chosen(outcome), detection=detection)
    return answered(
        phases, parts(phases), f"True {phases.kpi.words} under each {by}, against '{control}'"
    )


def answered(phases: Phases, found: Sequence[Part], question: str) -> Estimate:
    """Put the answer of a comparison together."""
    plan = phases.plan
    rows, few = effects(phases, found, phases.present)
    alone, few_alone = both_levels(phases, found)
    few = pd.concat([few, few_alone], ignore_index=True) if len(few_alone) else few
    return Estimate(
        question=question,
        rows=rows,
        design={**plan.facts(rows), **phases.facts()},
        facts=f"{plan.described(rows)}; {phases.described()}",
        reading=read(tidy(rows), phases.kpi),
        checks=(*plan.checks(rows), *phases.checks()),
        details={"levels": tidy(alone).loc[:, list(TIDY_COLUMNS)], "simulated": few},
    )


def read(rows: pd.DataFrame, kpi: Kpi) -> str:
    """Say in a line what each scheme did: clear, unclear, or the log contradicted by audits."""
    said = []
    for term, mine in rows[rows["in_summary"]].groupby("term", sort=False):
        row = {name: mine[mine["estimand"] == name].iloc[0] for name in mine["estimand"]}
        said.append(_said(str(term), row, kpi))
    return "; ".join(said)


def _said(term: str, row: "dict[str, pd.Series]", kpi: Kpi) -> str:
    true = row[f"{kpi.name}_true" if kpi.counted else kpi.name]
    way = direction(true)
    if f"{kpi.name}_logged" in row:
        log, inflation = row[f"{kpi.name}_logged"], row[f"{kpi.name}_inflation"]
        if told := contradicted(log, true, inflation, kpi):
            return f"under '{term}' {told}"
    what = f"true {kpi.words}" if kpi.counted else kpi.words
    if way:
        least, most = sorted(abs(true[end]) for end in ("conf_low", "conf_high"))
        verb = "raises" if way > 0 else "lowers"
        return f"'{term}' {verb} {what} by {least:.1f} to {most:.1f} {kpi.unit}"
    between = f"{true['conf_low']:+.1f} to {true['conf_high']:+.1f} {kpi.unit}"
    return f"whether '{term}' changes {what} is unclear ({between})"


def contradicted(
    log: "pd.Series[Any]", true: "pd.Series[Any]", inflation: "pd.Series[Any]", kpi: Kpi
) -> str:
    """Say what the log shows where audits do not bear it out; nothing where they do.

    Parameters
    ----------
    log, true, inflation
        The effects on what was logged, on what was true, and on their difference.
    kpi
        The indicator.
    """
    way, really = direction(log), direction(true)
    if not way or direction(inflation) != way or really == way:
        return ""
    results = "results the other way" if really else "whether results did is unclear"
    return (
        f"the log shows {log['estimate']:+.1f} {kpi.words} {kpi.unit} and the audits "
        f"{true['estimate']:+.1f} ({true['conf_low']:+.1f} to {true['conf_high']:+.1f}): "
        f"recording moved, {results}"
    )


def _level_read(rows: pd.DataFrame, kpi: Kpi) -> str:
    """Say in a line how many of each scheme's logged successes were true."""
    said = []
    for term, mine in rows[rows["in_summary"]].groupby("term", sort=False):
        row = {name: mine[mine["estimand"] == name].iloc[-1] for name in mine["estimand"]}
        true = row[f"{kpi.name}_true" if kpi.counted else kpi.name]
        between = f"{true['conf_low']:.1f} to {true['conf_high']:.1f} {kpi.unit}"
        what = f"true {kpi.words}" if kpi.counted else kpi.words
        what += f" of {true['target']}"
        beside = ""
        if kpi.counted and f"{kpi.name}_logged" in row:
            beside = f", on the log {row[f'{kpi.name}_logged']['estimate']:.1f}"
        said.append(f"under '{term}' {what} are {between}{beside}")
    return "; ".join(said)
