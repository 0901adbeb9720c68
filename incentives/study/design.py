"""Declare a study, live it through many times, vary it, and freeze it before data are seen."""

import dataclasses
import hashlib
import itertools
import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, TypeVar

import joblib
import numpy as np
import pandas as pd
import tomli_w

from incentives.comparison import _detection
from incentives.estimates.comparison import listed, unknown
from incentives.pay import Scheme
from incentives.records import Records
from incentives.scenario import Scenario, _from_document, scheme_from, scheme_to
from incentives.simulation import simulate
from incentives.study.answers import ANSWERS, BESIDE, Answer
from incentives.study.diagnosis import Diagnosis, Rule
from incentives.study.questions import (
    QUESTIONS,
    Question,
    mean_effects,
    of_each_world,
    true_effects,
    true_values,
)

__all__ = ["Assign", "Grid", "Study"]

Seed = int | np.random.SeedSequence
T = TypeVar("T")
R = TypeVar("R")

FORMAT = 1
WORLD, DEAL = 0, 1  # branches of the seed: what a world's draws hang on, and how units are dealt
WORKDAYS = 5  # of a week
SHORT = {"teams": "floor.teams", "audit_rate": "audit.rate"}


@dataclass(frozen=True, slots=True)
class Assign:
    """Who is put under which scheme: units dealt at random.

    Parameters
    ----------
    unit
        What is dealt: whole teams, or single agents (seats).
    treated
        How many units get a scheme other than the control, in equal numbers for each; if left
        out, all schemes get equal numbers.
    start
        Month from which the schemes are in force, 0 or later; before it everybody has the
        centre's own scheme.
    """

    unit: Literal["team", "agent"] = "team"
    treated: int | None = None
    start: int = 0

    def arms(
        self, schemes: Sequence[str], control: str, units: int, rng: np.random.Generator
    ) -> list[str]:
        """Deal the units: a scheme for each."""
        others = [name for name in schemes if name != control]
        if self.treated is None:
            deck = list(itertools.islice(itertools.cycle([control, *others]), units))
        else:
            dealt = itertools.islice(itertools.cycle(others), self.treated)
            deck = [*dealt, *[control] * (units - self.treated)]
        return [str(name) for name in rng.permutation(np.array(deck, dtype=object))]


@dataclass(frozen=True, slots=True)
class Study:
    """A study that is declared before there are data: a world, questions, a plan, answers.

    Parameters
    ----------
    centre
        The world as it is believed to be, with the checks that are planned (`centre.audit`).
    schemes
        Two or more schemes by label.
    control
        The scheme that the others are compared with.
    months
        Length of the study, 1 or more.
    assign
        How units are dealt to schemes.
    questions
        What is asked: names of `incentives.study.QUESTIONS`.
    answers
        Who answers: names of `incentives.study.ANSWERS`. The readings ``"naive"`` (the log) and
        ``"oracle"`` (what happened) stand beside in any case.
    rule
        What is done with an answer. ``"best"``: the scheme with the best estimate is chosen, the
        control if none is better. ``"clear"``: only among those whose 95 % interval lies on the
        better side. Whatever was refused chooses the control.
    audit_minutes
        Minutes that a check takes, above 0.

    Raises
    ------
    KeyError
        A scheme, a question or an answer has a name that is not known.
    ValueError
        A number is out of range, or an answer answers none of the questions.

    Examples
    --------
    >>> import incentives as inc
    >>> from incentives.study import Study
    >>> centre = inc.Scenario(
    ...     floor=inc.Floor(teams=6, team_size=1, customers=1500, days=5),
    ...     audit=inc.Audit(rate=0.2),
    ...     routing=inc.Routing(keep="team"),
    ... )
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    >>> study = Study(centre, schemes, "wage", 1, questions=("gamed",), answers=("gaming_effect",))
    >>> found = study.diagnose(sims=4, pairs=2, rng=1)
    >>> found.simulations["answer"].unique().tolist()
    ['naive', 'oracle', 'gaming_effect']
    """

    centre: Scenario
    schemes: Mapping[str, Scheme]
    control: str
    months: int
    assign: Assign = field(default_factory=Assign)
    questions: tuple[str, ...] = ("success_true", "churn")
    answers: tuple[str, ...] = ("gaming_effect", "churn_effect")
    rule: Rule = "best"
    audit_minutes: float = 15.0

    def __post_init__(self) -> None:
        _known(self.questions, QUESTIONS, "question", "the registry of questions")
        _known(self.answers, ANSWERS, "answer", "the registry of answers")
        beside = tuple(name for name in BESIDE if name not in self.answers)
        object.__setattr__(self, "questions", tuple(self.questions))
        object.__setattr__(self, "answers", (*beside, *self.answers))
        if len(self.schemes) < 2:
            raise ValueError(f"Study.schemes must name two or more, got {list(self.schemes)}")
        if self.control not in self.schemes:
            raise unknown(self.control, self.schemes, what="scheme", where="Study.schemes")
        if not self.questions:
            raise ValueError(f"Study.questions must name one or more of {listed(QUESTIONS)}")
        for name in self.answers:
            if not set(ANSWERS[name].questions) & set(self.questions) and name not in BESIDE:
                raise ValueError(
                    f"answer '{name}' answers {listed(ANSWERS[name].questions)}, and none of "
                    f"these is asked: Study.questions are {listed(self.questions)}"
                )
        if self.rule not in ("best", "clear"):
            raise ValueError(f"Study.rule must be 'best' or 'clear', got {self.rule!r}")
        if not self.audit_minutes > 0:
            raise ValueError(f"Study.audit_minutes must be above 0, got {self.audit_minutes!r}")
        if not 0 <= self.assign.start < self.months:
            raise ValueError(
                f"Assign.start must be a month of the study's {self.months}, counted from 0, "
                f"got {self.assign.start!r}"
            )
        least, units = len(self.schemes) - 1, self.units
        treated = least if self.assign.treated is None else self.assign.treated
        if not least <= treated < units:
            raise ValueError(
                f"Assign.treated must lie between {least} and {units - 1} of {units} "
                f"{self.assign.unit}s, got {self.assign.treated!r}"
            )

    @property
    def units(self) -> int:
        """How many units there are to deal."""
        floor = self.centre.floor
        return int(floor.teams) if self.assign.unit == "team" else floor.seats

    @property
    def horizon(self) -> int:
        """Months under the schemes."""
        return self.months - self.assign.start

    def detection(self) -> dict[str, float]:
        """Give the chance that a check recognises each kind of gaming, as double checks find it."""
        return _detection(self.centre)

    # -- variants --------------------------------------------------------------------------------

    def null(self) -> "Study":
        """Give the study in which every scheme is the control, so that any finding is false.

        Its power is the size of a test: what is found where there is nothing.
        """
        return replace(self, schemes=dict.fromkeys(self.schemes, self.schemes[self.control]))

    def redesign(self, **values: Sequence[Any]) -> "Grid":
        """Give the studies with every combination of other values.

        Parameters
        ----------
        **values
            Values for each of: `teams` (customers in proportion), `audit_rate`, `months`, `weeks`
            (of five working days; whole months of them), `treated`, `start`, or a setting of the
            centre such as ``**{"audit.on_saves": [...]}``.

        Raises
        ------
        KeyError
            A name is none of these, so that varying it would have changed nothing.
        ValueError
            There are no values, or weeks that are no whole months.
        """
        if not values or not all(values.values()):
            raise ValueError("redesign: give values for one or more parameters")
        crossed = itertools.product(*values.values())
        points = [dict(zip(values, point, strict=True)) for point in crossed]
        return Grid(tuple(points), tuple(self._at(point) for point in points))

    def _at(self, point: Mapping[str, Any]) -> "Study":
        """Give the study with other values."""
        study = self
        for name, value in point.items():
            centre = study.centre
            if name == "months":
                study = replace(study, months=value)
            elif name == "weeks":
                study = replace(study, months=_months_of(value, centre.floor.days))
            elif name in ("treated", "start"):
                study = replace(study, assign=replace(study.assign, **{name: value}))
            elif name == "teams":
                customers = round(centre.floor.customers * value / centre.floor.teams)
                changed = {"floor.teams": value, "floor.customers": customers}
                study = replace(study, centre=centre.change(changed))
            elif name in SHORT or "." in name:
                study = replace(study, centre=centre.change({SHORT.get(name, name): value}))
            else:
                known = ["months", "weeks", "treated", "start", *SHORT]
                raise unknown(name, known, what="parameter", where="redesign")
        return study

    # -- living it through -----------------------------------------------------------------------

    def diagnose(
        self,
        sims: int = 200,
        *,
        pairs: int = 20,
        worlds: int | None = None,
        rng: Seed = 0,
        n_jobs: int = 1,
        folder: str | Path | None = None,
    ) -> Diagnosis:
        """Simulate the study many times and hold every answer against the truth.

        Parameters
        ----------
        sims
            Times that it is lived through, 2 or more.
        pairs
            Worlds that are lived through by twins for the truth, 2 or more.
        worlds
            If given, there are only so many different worlds, and in each the assignment alone
            is dealt anew: the same people with the same luck. The truth is then that of each
            world, and `pairs` is not used. (Who is checked hangs on the same draws as the rest of
            a world, so checks are not redrawn on their own.)
        rng
            A seed, 0 or more, or a seed sequence.
        n_jobs
            Processes, as joblib counts them, whose number changes no result.
        folder
            Keep every simulated world here; started again, go on where it stopped.

        Returns
        -------
        Diagnosis
            With a row a simulation, answer, question and scheme.
        """
        for name, value in (("sims", sims), ("pairs", pairs), ("worlds", worlds)):
            if value is not None and value < (1 if name == "worlds" else 2):
                raise ValueError(f"diagnose: {name} is too small, got {value!r}")
        root = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(rng)
        here = None if folder is None else Path(folder)
        common = (root, here, _asked(self))
        tasks = [_Task(self, sim, sim % (worlds or sims), *common) for sim in range(sims)]
        pairing = [_Task(self, -1, world, *common) for world in range(worlds or pairs)]
        values = pd.concat(_spread(_twins, pairing, n_jobs)).set_index(["scheme", "world"])
        effects = true_effects(values, list(self.schemes), self.control)
        truth = mean_effects(effects) if worlds is None else of_each_world(effects)
        simulations = pd.concat(_spread(_simulated, tasks, n_jobs), ignore_index=True)
        keys = [name for name in ("world", "scheme", "question") if name in truth]
        return Diagnosis(simulations.merge(truth, on=keys, how="left"), rule=self.rule)

    def _dealt(self, arms: Sequence[str]) -> Scenario:
        """Give the centre with its units dealt as told."""
        assign = self.assign
        return self.centre.assign(self.schemes, unit=assign.unit, start=assign.start, arms=arms)

    # -- files -----------------------------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """Give the study as nested dictionaries: what `freeze` writes, without the digest."""
        return {
            "study": {
                "format": FORMAT,
                "control": self.control,
                "months": self.months,
                "questions": list(self.questions),
                "answers": list(self.answers),
                "rule": self.rule,
                "audit_minutes": self.audit_minutes,
            },
            "assign": {
                name: value
                for name, value in dataclasses.asdict(self.assign).items()
                if value is not None
            },
            "schemes": {label: scheme_to(scheme) for label, scheme in self.schemes.items()},
            "centre": self.centre.document(),
        }

    def digest(self) -> str:
        """Give 16 hexadecimal digits that change with anything the study declares."""
        return _digest(self.document())

    def freeze(self, path: str | Path) -> Path:
        """Write the study to a TOML file before data are seen, with a digest that seals it.

        Parameters
        ----------
        path
            Must not exist: what is frozen is not overwritten.

        Raises
        ------
        FileExistsError
            There is such a file.
        """
        path = Path(path)
        document = self.document()
        if type(self)._of(document) != self:
            raise ValueError("freeze: a scheme or a setting of one's own class cannot be written")
        sealed = {
            "digest": _digest(document),
            "world": _digest(_whole(self.centre)),
            "version": _release(),
            **document,
        }
        with path.open("x", encoding="utf-8") as file:
            file.write(tomli_w.dumps(sealed))
        return path

    @classmethod
    def thaw(cls, path: str | Path) -> Self:
        """Read a frozen study, and refuse one that was changed since.

        Raises
        ------
        ValueError
            The file was changed after it was frozen, or this release reads another world out of
            it, because the default of a setting that it does not name has changed.
        """
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        digest, world, version = (document.pop(key, None) for key in ("digest", "world", "version"))
        if digest != _digest(document):
            raise ValueError(f"{path} was changed after it was frozen: its digest does not fit")
        study = cls._of(document)
        if world != _digest(_whole(study.centre)):
            raise ValueError(
                f"{path} was frozen by version {version}, and this one reads another world out "
                "of it: defaults have changed; install that version to use it"
            )
        return study

    @classmethod
    def _of(cls, document: Mapping[str, Any]) -> Self:
        """Build a study from what a file held."""
        own = {key: value for key, value in document["study"].items() if key != "format"}
        if document["study"]["format"] != FORMAT:
            raise ValueError(f"a study of format {document['study']['format']!r} cannot be read")
        return cls(
            centre=_from_document(Scenario, document["centre"]),
            schemes={
                label: scheme_from(parts, f"schemes.{label}")
                for label, parts in document["schemes"].items()
            },
            assign=Assign(**document["assign"]),
            **{**own, "questions": tuple(own["questions"]), "answers": tuple(own["answers"])},
        )


@dataclass(frozen=True, slots=True)
class Grid:
    """Studies that differ in a few values: what `Study.redesign` gives.

    Parameters
    ----------
    points
        The values of each study, by name.
    studies
        The studies, in the same order.
    """

    points: tuple[Mapping[str, Any], ...]
    studies: tuple[Study, ...]

    def diagnose(
        self, sims: int = 200, *, folder: str | Path | None = None, **settings: Any
    ) -> Diagnosis:
        """Diagnose every study, with the same seed.

        Parameters
        ----------
        sims, folder
            As in `Study.diagnose`; each study has a folder of its own in the folder.
        **settings
            The others of `Study.diagnose`.
        """
        found = []
        for i, (point, study) in enumerate(zip(self.points, self.studies, strict=True)):
            here = None if folder is None else Path(folder) / f"study-{i:03d}"
            each = study.diagnose(sims, folder=here, **settings).simulations
            for place, (name, value) in enumerate(point.items()):
                each.insert(place, name, value)
            found.append(each)
        simulations = pd.concat(found, ignore_index=True)
        return Diagnosis(simulations, by=tuple(self.points[0]), rule=self.studies[0].rule)


# ── one simulation ───────────────────────────────────────────────────────────────────────────────


class _Asked(NamedTuple):
    """What is asked and who answers, looked up before the work is spread over processes."""

    questions: dict[str, Question]
    answers: dict[str, Answer]


class _Task(NamedTuple):
    """One world to be lived through."""

    study: Study
    sim: int
    world: int
    root: np.random.SeedSequence
    folder: Path | None
    asked: _Asked

    def seed(self, branch: int, number: int) -> np.random.SeedSequence:
        """Give the seed of a branch, the same in whatever process it is asked for."""
        path = (*self.root.spawn_key, branch, number)
        return np.random.SeedSequence(self.root.entropy, spawn_key=path)

    def run(self, scenarios: Iterable[Scenario], where: str) -> Records:
        """Live through scenarios in the task's world."""
        return simulate(
            list(scenarios),
            months=self.study.months,
            rng=self.seed(WORLD, self.world),
            keep="cells",
            progress=False,
            folder=None if self.folder is None else self.folder / where,
        )


def _months_of(weeks: float, days: float) -> int:
    """Give the months that so many weeks are, for pay is settled and churn counted by the month."""
    months = weeks * WORKDAYS / days
    if months < 1 or months != int(months):
        raise ValueError(
            f"redesign: weeks must make whole months of {days / WORKDAYS:g} ({days:g} working days "
            f"each, `floor.days`), got {weeks!r}"
        )
    return int(months)


def _asked(study: Study) -> _Asked:
    return _Asked(
        {name: QUESTIONS[name] for name in study.questions},
        {name: ANSWERS[name] for name in study.answers},
    )


def _twins(task: _Task) -> pd.DataFrame:
    """Live through a world under each scheme as a whole, and give what is asked.

    Labels that mean the same scheme, as in a null study, are lived through once.
    """
    study = task.study
    labels, schemes = list(study.schemes), list(study.schemes.values())
    same = [labels[schemes.index(scheme)] for scheme in schemes]
    lived = list(dict.fromkeys(same))
    worlds = (study._dealt([label] * study.units) for label in lived)
    records = task.run(worlds, f"twins-{task.world:05d}")
    values = true_values(records, task.asked.questions, study.assign.start)
    found = values.iloc[[lived.index(label) for label in same]]
    return found.assign(scheme=labels, world=task.world).reset_index(drop=True)


def _simulated(task: _Task) -> pd.DataFrame:
    """Live through the study once and let everybody answer."""
    study, asked = task.study, task.asked
    rng = np.random.default_rng(task.seed(DEAL, task.sim))
    arms = study.assign.arms(list(study.schemes), study.control, study.units, rng)
    records = _randomised(task.run([study._dealt(arms)], f"sim-{task.sim:05d}"), arms, study)
    seen = records.seen_by("analyst")
    answers = (
        _answered(name, each, records if each.sees_truth else seen, study)
        for name, each in asked.answers.items()
    )
    rows = itertools.chain.from_iterable(answers)
    hours = len(records.audits) * study.audit_minutes / 60
    frame = pd.DataFrame(rows)
    better = frame["question"].map({name: each.better for name, each in asked.questions.items()})
    frame.insert(0, "sim", task.sim)
    frame.insert(1, "world", task.world)
    return frame.assign(audit_hours=hours, better=better)


def _randomised(records: Records, arms: Sequence[str], study: Study) -> Records:
    """Note that the study dealt the units at random, and with what chance."""
    assigned = records.assignments
    dealt = (assigned["from_month"] == study.assign.start) & (assigned["scheme"] != "before")
    chance = pd.Series(arms).value_counts(normalize=True)
    prob = assigned["scheme"].astype(str).map(chance).where(dealt, assigned["prob"])
    noted = assigned.assign(randomised=assigned["randomised"] | dealt, prob=prob.astype(float))
    return replace(records, assignments=noted)


def _answered(
    name: str, answer: Answer, records: Records, study: Study
) -> Iterator[dict[str, Any]]:
    """Give a row for each question and scheme, and say why where there is no answer."""
    asked = [question for question in study.questions if question in answer.questions]
    if not asked:
        return
    table = pd.DataFrame()
    try:
        estimate = answer.ask(records, study)
        with np.errstate(over="ignore"):  # large money, which a ratio alone would exponentiate
            table = estimate.tidy()
        stuck = [name for name, fit in estimate.fits.items() if not getattr(fit, "converged", True)]
        failed = f"no convergence: {listed(stuck)}" if stuck else ""
    except (ValueError, ArithmeticError, RuntimeError) as error:
        failed = str(error) or type(error).__name__
    for question in asked:
        for scheme in study.schemes:
            if scheme != study.control:
                estimand = answer.estimands.get(question, question)
                yield {
                    "answer": name,
                    "question": question,
                    "scheme": scheme,
                    **_row(table, estimand, scheme, failed),
                }


NUMBERS = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high")


def _row(table: pd.DataFrame, estimand: str, scheme: str, failed: str) -> dict[str, Any]:
    """Take the numbers of the first row that answers, or none where it failed."""
    missing = {**dict.fromkeys(NUMBERS, np.nan), "failed": failed}
    if failed:
        return missing
    own = table[
        (table["estimand"] == estimand) & (table["term"] == scheme) & (table["group"] == "")
    ]
    if own.empty:
        return {**missing, "failed": f"no estimate of {estimand} for '{scheme}'"}
    numbers = {name: float(own.iloc[0][name]) for name in NUMBERS}
    if not (np.isfinite(numbers["estimate"]) and numbers["std_error"] > 0):
        return {**missing, "failed": "no standard error"}
    return {**numbers, "failed": ""}


def _spread(work: Callable[[T], R], tasks: Sequence[T], n_jobs: int) -> list[R]:
    """Do the tasks, here or in processes, in order; the first here, for it may compile."""
    first = work(tasks[0])
    if n_jobs == 1 or len(tasks) == 1:
        return [first, *(work(task) for task in tasks[1:])]
    rest = joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(work)(task) for task in tasks[1:])
    return [first, *rest]


# ── names and seals ──────────────────────────────────────────────────────────────────────────────


def _known(names: Iterable[str], registry: Mapping[str, object], what: str, where: str) -> None:
    for name in names:
        if name not in registry:
            raise unknown(name, registry, what=what, where=where)


def _release() -> str:
    try:
        return metadata.version("incentives")
    except metadata.PackageNotFoundError:
        return "not installed"


def _digest(document: object) -> str:
    text = json.dumps(document, sort_keys=True, default=sorted)  # a set has no order of its own
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _whole(centre: Scenario) -> dict[str, Any]:
    """Give every setting of a centre, defaults too, but not where they come from."""
    values = dataclasses.asdict(centre)
    values.pop("sources")
    values["menu"] = {int(action): row for action, row in values["menu"].items()}
    return values
