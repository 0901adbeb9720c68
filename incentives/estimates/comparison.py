"""Who is compared with whom, and what was assigned independently of what.

Read before any estimate: it takes the analyst's frames, finds the arms, chooses the clusters
from the recorded assignments, and refuses in words what the records cannot answer.

Clusters are what was assigned. Where whole worlds differ (each replication simulated under
every scheme, or a column of `runs` such as the scenario is compared) the replication is the
cluster, and one that met both arms is a pair. Where teams of one world differ it is the team,
and where agents differ the agent, each within its replication. A world whose parts differ is
compared from the month in which they do.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from incentives.estimates.inference import Bools, Carried, Estimated, Floats, carried_by
from incentives.estimates.methods import FEWEST, Inference, Unit
from incentives.estimates.proportions import Share, recovered
from incentives.estimates.resampling import Ints, contrast_of
from incentives.estimates.result import Check

__all__ = [
    "Comparison",
    "Counts",
    "Measure",
    "Measured",
    "Observed",
    "Unit",
    "clusters_check",
    "compare_arms",
    "listed",
    "require",
    "same_chances",
    "since_apart",
    "unknown",
]

ASSIGNMENT_COLUMNS = ["run", "unit", "unit_id", "scheme", "from_month", "to_month", "randomised"]

_SAME_CHANCE = 1e-9

LIKE: dict[Unit, str] = {
    "replication": "centres like these",
    "team": "teams like these",
    "agent": "agents like these",
}
"""The population that an interval speaks of."""


class Observed(Protocol):
    """What an estimate reads: tidy frames, of a simulation or of a firm's own export."""

    def seen_by(self, role: Literal["analyst"], /) -> "Observed":
        """Give the same frames without what the analyst cannot see."""
        ...

    @property
    def runs(self) -> pd.DataFrame:
        """One row a world."""
        ...

    @property
    def assignments(self) -> pd.DataFrame:
        """Who was under which scheme, from when to when."""
        ...

    @property
    def audits(self) -> pd.DataFrame:
        """One row an audited contact."""
        ...

    @property
    def cells(self) -> pd.DataFrame:
        """Counts of all contacts."""
        ...

    @property
    def customers(self) -> pd.DataFrame:
        """Customer-months at risk, or counts of them."""
        ...

    @property
    def agents(self) -> pd.DataFrame:
        """Agent-months: what was logged, worked and paid."""
        ...


class Measure(NamedTuple):
    """What a row of a tidy table measures."""

    estimand: str
    unit: str
    estimator: str
    group: str = ""
    label: str = ""
    kind: Literal["difference", "ratio", "fraction"] = "difference"
    in_summary: bool = False
    in_figure: bool = False

    def main(self) -> "Measure":
        """Show it in the summary and in the figure."""
        return self._replace(in_summary=True, in_figure=True)


class Counts(NamedTuple):
    """How much stands behind each arm: arrays (arms,)."""

    n: Floats
    n_events: Floats
    n_audits: Floats | None = None

    def of(self, *arms: int) -> dict[str, float]:
        """Add up over some of the arms."""
        chosen = list(arms)
        return {
            name: np.nan if values is None else float(values[chosen].sum())
            for name, values in self._asdict().items()
        }


class Measured(NamedTuple):
    """A measure with its value for each arm, and what stands behind them.

    `weight` is what each cluster counts for in each arm's value, (clusters, arms), in any unit:
    the denominators of shares and means. Without it clusters count alike, which matters to the
    bootstraps and to randomisation inference alone. `shares` are what the value is made of where
    few findings may make it: its interval is then recovered from theirs.
    """

    measure: Measure
    estimated: Estimated
    counts: Counts
    weight: Floats | None = None
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The arms of a comparison, control first, and the clusters that carry it."""

    by: str
    arms: tuple[str, ...]
    unit: Unit
    replications: "pd.Series[int]"
    arm_of_run: "pd.Series[str] | None"
    unit_ids: Ints
    randomised: bool
    exchangeable: bool
    scenarios: int
    chance: Floats | None = None
    """With what chance each cluster came under its scheme, NaN where it came under none; None
    where all that came under a scheme had the same, or none is recorded."""

    @property
    def control(self) -> str:
        """The arm that the others are compared with."""
        return self.arms[0]

    @property
    def clusters(self) -> int:
        """How many clusters there could be."""
        return (int(self.replications.max()) + 1) * len(self.unit_ids)

    def arm_codes(self, frame: pd.DataFrame) -> Ints:
        """Give each row's arm as its place in `arms`."""
        value = frame[self.by] if self.arm_of_run is None else self._of_run(frame, self.arm_of_run)
        named = pd.Categorical(value)
        place = {arm: number for number, arm in enumerate(self.arms)}
        places = [place.get(str(name), -1) for name in named.categories]
        return np.asarray(np.array([*places, -1])[named.codes], dtype=np.int64)

    def cluster_codes(self, frame: pd.DataFrame, *, team: str = "team") -> Ints:
        """Give each row's cluster as a number; `team` names the frame's column of teams."""
        replication = np.asarray(self._of_run(frame, self.replications), dtype=np.int64)
        if self.unit == "replication":
            return replication
        column = team if self.unit == "team" else "agent"
        ids = frame[column].to_numpy(dtype=np.int64)
        place = np.searchsorted(self.unit_ids, ids).clip(max=len(self.unit_ids) - 1)
        if (stray := ids[self.unit_ids[place] != ids]).size:
            raise ValueError(f"{self.unit} {stray[0]} has no row in assignments")
        return np.asarray(replication * len(self.unit_ids) + place, dtype=np.int64)

    def totals(
        self,
        frame: pd.DataFrame,
        values: Sequence[Floats],
        *,
        team: str = "team",
        within: tuple[Ints, int] | None = None,
    ) -> list[Floats]:
        """Add values up by cluster and arm, and by a further code (its values, how many).

        Gives one array for each of the values: (clusters, arms) or (clusters, arms, codes).
        """
        codes = [self.cluster_codes(frame, team=team), self.arm_codes(frame)]
        shape: tuple[int, ...] = (self.clusters, len(self.arms))
        if within is not None:
            codes, shape = [*codes, within[0]], (*shape, within[1])
        place = np.ravel_multi_index(tuple(codes), shape)
        size = int(np.prod(shape))
        return [
            np.bincount(place, value, size).astype(np.float64).reshape(shape) for value in values
        ]

    def weighed(self, sums: Floats) -> Floats:
        """Weight sums, (clusters, arms), by the inverse of the chance of assignment.

        Each arm then stands for all clusters, also where some were likelier to come under it.
        """
        if self.chance is None:
            return sums
        chance = np.nan_to_num(self.chance, nan=1.0)
        sure = np.flatnonzero((self.chance <= 0) | (self.chance >= 1))
        if sure.size:
            raise ValueError(
                f"{self.unit} {self.unit_ids[sure[0] % len(self.unit_ids)]} came under its scheme "
                f"with a chance of {chance[sure[0]]:g}, and others with one between 0 and 1: "
                "nobody can stand for what it would have been under another; leave it out"
            )
        return np.asarray(sums / chance[:, None], dtype=np.float64)

    def carried(self, present: Bools, arm: int) -> Carried:
        """Count the clusters that carry an arm against the control, and refuse too few.

        Few that were assigned at random are let pass: randomisation inference answers for them.

        Parameters
        ----------
        present
            Whether each cluster has data in each arm, shape (clusters, arms).
        arm
            The arm's place in `arms`; that of the control gives what carries its own level.
        """
        carried = carried_by(present[:, arm], present[:, 0])
        few = carried.clusters < FEWEST[self.unit]
        if carried.df < 1 or (few and not self._dealt(present, arm)):
            raise ValueError(
                f"too few clusters: {carried.clusters} {self.unit}s carry '{self.arms[arm]}' "
                f"against '{self.control}', at least {FEWEST[self.unit]} are needed; "
                + _more_clusters(self.unit)
                + self._way_with_few(present, arm, carried)
            )
        return carried

    def effects(self, measured: Measured, present: Bools) -> list[dict[str, Any]]:
        """Give a row for each arm against the control.

        Parameters
        ----------
        measured
            A value for each arm; for a ratio or a fraction its logarithm.
        present
            Whether each cluster has data in each arm, shape (clusters, arms).
        """
        measure, estimated, counts, weight, _ = measured
        whole = np.where(present, 1.0 if weight is None else weight, 0.0)
        rows = []
        for arm in range(1, len(self.arms)):
            carried = self.carried(present, arm)
            moved = estimated.difference(arm, 0)
            value, error = moved.value[0], moved.std_error(carried)[0]
            if measure.kind == "ratio":
                value, error = np.exp(value), np.exp(value) * error
            if measure.kind == "fraction":
                value, error = -100 * np.expm1(-value), 100 * np.exp(-value) * error
            numbers = {"estimate": value, "std_error": error, **counts.of(arm, 0)}
            row = self._row(arm, measure, carried) | numbers
            if np.isfinite(error):
                contrast = contrast_of(estimated, arm, weight=whole, stratum=self._strata())
                tested = Inference.usual(contrast, self.unit, carried.paired)
                row |= {"inference": tested.words, "tested": tested}
                if tested.method == "welch" and error > 0:
                    own, df = tested.spread()
                    row |= {"std_error": error * own / moved.std_error(carried)[0], "df": df}
            rows.append(row | self._recovered(measured, moved.value[0], (arm, 0), row, carried))
        return rows

    def levels(self, measured: Measured, present: Bools) -> list[dict[str, Any]]:
        """Give a row for each arm on its own; parameters as for `effects`."""
        measure, estimated, counts, _, _ = measured
        rows = []
        for arm in range(len(self.arms)):
            carried = carried_by(present[:, arm], present[:, arm])
            error = estimated.std_error(carried)[arm]
            numbers = {"estimate": estimated.value[arm], "std_error": error, **counts.of(arm)}
            own = {"contrast": "", "kind": "level", "in_summary": False, "in_figure": False}
            row = self._row(arm, measure, carried) | numbers | own
            made = self._recovered(measured, estimated.value[arm], (arm,), row, carried)
            rows.append(row | made)
        return rows

    def tables(
        self,
        measured: Sequence[Measured],
        present: Bools,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Give the effects, arm by arm, and the levels, measure by measure."""
        effects = [self.effects(each, present) for each in measured]
        differences = [each for each in measured if each.measure.kind == "difference"]
        levels = [row for each in differences for row in self.levels(each, present)]
        by_arm = [row for rows in zip(*effects, strict=True) for row in rows]
        return pd.DataFrame(by_arm), pd.DataFrame(levels)

    def facts(self, rows: pd.DataFrame) -> dict[str, Any]:
        """Give the facts of the design, one word for each."""
        return {
            "by": self.by,
            "control": self.control,
            "n_arms": len(self.arms),
            "cluster": self.unit,
            "n_clusters": int(rows["n_clusters"].min()),
            "df": float(rows["df"].min()),
            "randomised": self.randomised,
        }

    def checks(self, rows: pd.DataFrame, *, weighed: bool = False) -> list[Check]:
        """Look at what every comparison rests on.

        Parameters
        ----------
        rows
            The effects.
        weighed
            Whether they take unlike chances of assignment into account, as by `weighed`.
        """
        paired = bool(rows["inference"].str.contains("paired").all())
        clusters = int(rows["n_clusters"].min())
        spare = clusters - (1 if paired else 2)
        return [
            clusters_check(self.unit, clusters, spare),
            Check(
                "assigned at random or paired",
                self.randomised or paired,
                float(self.randomised or paired),
                1,
                "assignment was not randomised: read the effect as an association",
            ),
            Check(
                "unlike chances of assignment taken into account",
                self.chance is None or weighed,
                self._unlike,
                1,
                f"times as likely to come under a scheme was one {self.unit} as another: if the "
                "likelier differ, that reads as an effect; ask `scheme_effect`, which weights by "
                f"1/prob, or ask of {self.unit}s with the same prob at a time",
            ),
            Check(
                "one scenario",
                self.scenarios == 1,
                self.scenarios,
                1,
                "scenarios in the same arm; the effect is an average over them",
            ),
        ]

    def _recovered(
        self,
        measured: Measured,
        value: float,
        arms: tuple[int, ...],
        row: Mapping[str, Any],
        carried: Carried,
    ) -> dict[str, Any]:
        """Read a row's interval off those of the shares it is made of, where t could answer."""
        plain = row.get("tested")
        if not measured.shares or carried.clusters < FEWEST[self.unit]:
            return {}
        found = recovered(
            measured.shares,
            arms,
            value,
            unit=self.unit,
            paired=carried.paired and len(arms) > 1,
            ratio=measured.measure.kind == "fraction",
            plain=plain,
        )
        return {} if found is None else {"tested": found, "inference": found.words, "df": found.df}

    def _row(self, arm: int, measure: Measure, carried: Carried) -> dict[str, Any]:
        paired = ", paired" if carried.paired else ""
        name = measure.label or measure.estimand.replace("_", " ")
        return {
            **measure._asdict(),
            "label": f"{name}: {measure.group}" if measure.group else name,
            "term": self.arms[arm],
            "contrast": f"{self.arms[arm]} vs {self.control}",
            "df": carried.df,
            "inference": f"cluster ({self.unit}{paired}), CR1, t",
            "target": LIKE[self.unit],
            "n_clusters": carried.clusters,
        }

    @property
    def _unlike(self) -> float:
        """How many times the smallest chance of assignment the largest is."""
        if self.chance is None:
            return 1.0
        return float(np.nanmax(self.chance) / np.nanmin(self.chance))

    def _strata(self) -> Ints | None:
        """Give the replication of each cluster, if teams or agents were dealt within one."""
        if not self.exchangeable:
            return None
        return np.arange(self.clusters, dtype=np.int64) // len(self.unit_ids)

    def _dealt(self, present: Bools, arm: int) -> bool:
        """Whether the clusters of an arm and of the control were dealt to them at random."""
        return self.exchangeable and not bool((present[:, arm] & present[:, 0]).any())

    def _way_with_few(self, present: Bools, arm: int, carried: Carried) -> str:
        """Say what few clusters lack that were dealt at random, with a chance on no record."""
        met_both = bool((present[:, arm] & present[:, 0]).any())
        unsaid = self.randomised and not self.exchangeable and self.chance is None
        if self.unit == "replication" or carried.df < 1 or met_both or not unsaid:
            return ""
        return (
            "; or fill assignments.prob, the chance with which each came under its scheme (0.5, "
            "say): where it is alike, randomisation inference answers for fewer"
        )

    def described(self, rows: pd.DataFrame) -> str:
        """Say what carries the effects, in words."""
        least, most = rows["n_clusters"].min(), rows["n_clusters"].max()
        number = f"{most}" if least == most else f"{least} to {most}"
        paired = " in both arms" if rows["inference"].str.contains("paired").all() else ""
        return f"{number} {self.unit}s{paired}"

    def _of_run(self, frame: pd.DataFrame, of_run: "pd.Series") -> "npt.NDArray[np.generic]":
        place = of_run.index.get_indexer(pd.Index(frame["run"]))
        if (place < 0).any():
            raise ValueError(f"run {frame['run'].to_numpy()[place < 0][0]} is not in runs")
        return np.asarray(of_run.to_numpy()[place])


def compare_arms(
    seen: Observed, frame: pd.DataFrame, *, by: str, control: str | None
) -> Comparison:
    """Find the arms in a frame, the clusters in the assignments, and check the control's name.

    Parameters
    ----------
    seen
        The analyst's view.
    frame
        The frame whose contacts or customers are compared.
    by
        ``"scheme"``, or a column of `runs` in which whole worlds differ.
    control
        The arm that the others are compared with; None where arms are described, not compared:
        the first one then stands first, and there may be no other.
    """
    runs = require(seen.runs, "runs", ["run", "replication"]).set_index("run")
    of_run = None
    if by != "scheme":
        if by not in runs:
            raise unknown(by, runs.columns, what="column", where="runs")
        of_run = runs[by].astype(str)
    observed = frame["scheme"] if of_run is None else of_run.loc[list(pd.unique(frame["run"]))]
    names = [str(name) for name in _in_order(observed)]
    described = control is None
    control = names[0] if control is None else control
    if control not in names:
        raise unknown(control, names, what=by, where="records")
    if len(names) == 1 and not described:
        raise ValueError(f"records hold only the {by} '{control}': there is nothing to compare")
    assignments = require(seen.assignments, "assignments", ASSIGNMENT_COLUMNS)
    start = assignments["run"].map(_starts(assignments))
    assignments = assignments[(assignments["to_month"] > start).to_numpy()]
    unit = _level(assignments, by)
    own = assignments[(assignments["unit"].astype(str) == unit).to_numpy()]
    ids = own["unit_id"].to_numpy(np.int64)
    replications = pd.Series(pd.factorize(runs["replication"])[0], index=runs.index)
    unit_ids = np.zeros(1, np.int64) if unit == "replication" else np.unique(ids)
    return Comparison(
        by=by,
        arms=(control, *(name for name in names if name != control)),
        unit=unit,
        replications=replications,
        arm_of_run=of_run,
        unit_ids=unit_ids,
        chance=None if unit == "replication" else _chance(own, replications, unit_ids),
        randomised=bool(assignments["randomised"].all()),
        exchangeable=unit != "replication" and same_chances(assignments, ["run", "scheme"]),
        scenarios=_scenarios(runs, by),
    )


def clusters_check(unit: Unit, clusters: int, spare: int) -> Check:
    """Say whether there are so many clusters that t can be trusted; `spare` are left to compare."""
    return Check(
        "clusters enough",
        spare >= 10,
        float(spare),
        10,
        f"{unit}s to spare; with few of them ({clusters}) an interval leans on their "
        "differences being nearly normal",
    )


def since_apart(seen: Observed, frame: pd.DataFrame, *, by: str) -> pd.DataFrame:
    """Keep the months since the schemes of a world differ, and count them from there.

    Before that everybody in it was under one scheme, which compares nothing. Worlds that are
    under one scheme as a whole are kept as they are.

    Parameters
    ----------
    seen
        The analyst's view.
    frame
        With `run` and `month`.
    by
        As for `compare_arms`.
    """
    assignments = require(seen.assignments, "assignments", ASSIGNMENT_COLUMNS)
    starts = _starts(assignments)
    if by != "scheme":
        return frame
    _refuse_switches(assignments, starts)
    if not starts.any():
        return frame
    month = frame["month"].to_numpy() - frame["run"].map(starts).fillna(0).to_numpy(np.int64)
    return frame.assign(month=month)[month >= 0]


def require(frame: pd.DataFrame, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Refuse a frame that is empty, lacks a column, or has holes in one of the columns."""
    if frame.empty:
        raise ValueError(f"records have no {name}")
    for column in columns:
        if column not in frame:
            raise KeyError(f"{name} lacks the column '{column}'; it has {listed(frame.columns)}")
        if (values := frame[column]).hasnans:
            holes = int(values.isna().sum())
            raise ValueError(f"{name}.{column} is missing in {holes} of {len(frame)} rows")
    return frame


def unknown(name: object, known: Iterable[str], *, what: str, where: str) -> KeyError:
    """Make the error for a name that is not there, with the names that are and the nearest."""
    names = [str(item) for item in known]
    near = get_close_matches(str(name), names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return KeyError(f"no {what} {name!r} in {where}; {what}s are {listed(names)}{hint}")


def listed(names: Iterable[str]) -> str:
    """Quote names and put commas between them."""
    return ", ".join(f"'{name}'" for name in names)


def _in_order(values: "pd.Series") -> list[object]:
    """Give the values that occur, in the order of the categories or of appearance."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.remove_unused_categories().cat.categories)
    return list(pd.unique(values))


def _starts(assignments: pd.DataFrame) -> "pd.Series[int]":
    """Give the month from which the schemes of each world differ; 0 where they never do."""
    if not assignments["from_month"].any():
        return pd.Series(0, index=pd.unique(assignments["run"]))
    return pd.Series({run: _start(rows) for run, rows in assignments.groupby("run")})


def _start(assignments: pd.DataFrame) -> int:
    """Give the first month in which the assignments of one world hold different schemes."""
    start, end = assignments["from_month"], assignments["to_month"]
    for month in sorted(start.unique()):
        in_force = assignments.loc[(start <= month) & (month < end), "scheme"]
        if len(in_force.unique()) > 1:
            return int(month)
    return 0


def same_chances(assignments: pd.DataFrame, within: list[str]) -> bool:
    """Whether units were assigned at random, and within groups of rows with the same chances."""
    if "prob" not in assignments or not assignments["randomised"].all():
        return False
    chances = assignments.groupby(within, observed=True)["prob"]
    return bool((chances.max() - chances.min() < _SAME_CHANCE).all())


def _chance(
    assignments: pd.DataFrame, replications: "pd.Series[int]", unit_ids: Ints
) -> Floats | None:
    """Give the chance with which each cluster came under its scheme, where chances differ."""
    if "prob" not in assignments or not assignments["randomised"].all():
        return None
    chance = assignments["prob"].to_numpy(dtype=np.float64)
    if np.isnan(chance).any():
        return None
    by_scheme = assignments.groupby("scheme", observed=True)["prob"]
    if (by_scheme.max() - by_scheme.min() < _SAME_CHANCE).all():
        return None
    run = assignments["run"].map(replications).to_numpy(dtype=np.int64)
    place = np.searchsorted(unit_ids, assignments["unit_id"].to_numpy(dtype=np.int64))
    chances = np.full((int(replications.max()) + 1) * len(unit_ids), np.nan)
    chances[run * len(unit_ids) + place] = chance
    return chances


def _refuse_switches(assignments: pd.DataFrame, starts: "pd.Series[int]") -> None:
    """Refuse units that change scheme once schemes differ: time and scheme would be mixed."""
    if not assignments["from_month"].any():
        return
    later = assignments[(assignments["to_month"] > assignments["run"].map(starts)).to_numpy()]
    later = later.sort_values("from_month")
    unit = ["run", "unit", "unit_id"]
    first = later.groupby(unit, observed=True)["scheme"].transform("first")
    switched = later[(later["scheme"].astype(str) != first.astype(str)).to_numpy()]
    if len(switched):
        one = switched.iloc[0]
        raise ValueError(
            f"{one['unit']} {one['unit_id']} of run {one['run']} changes scheme in month "
            f"{one['from_month']}, after schemes have come to differ: time and scheme would be "
            "mixed; ask `staggered_effect`, which compares each wave with those not yet in it"
        )


def _level(assignments: pd.DataFrame, by: str) -> Unit:
    """Choose the cluster: the coarsest unit that was assigned."""
    units = set(assignments["unit"].astype(str))
    if by != "scheme" or "world" in units:
        return "replication"
    return "team" if "team" in units else "agent"


def _scenarios(runs: pd.DataFrame, by: str) -> int:
    """Count the scenarios that stand together in an arm."""
    if by in ("scenario", "digest") or not {"scenario", "scheme"} <= set(runs.columns):
        return 1
    arm = runs["scheme" if by == "scheme" else by].astype(str)
    centre = runs["digest" if "digest" in runs else "scenario"]
    return int(centre.groupby(arm).nunique().max())


def _more_clusters(unit: Unit) -> str:
    if unit == "replication":
        return "simulate more replications"
    return f"assign more {unit}s"
