"""A scenario: one of each block of settings, a pay scheme, and a name.

    centre = Scenario.load("outsourced_retentions")       # one that ships, or a path to a TOML file
    quiet = centre.change({"floor.customers": 12_000})    # another value
    honest = centre.without("G1", "G2")                   # mechanisms switched off
    several = centre.vary(scheme={"wage": Wage(), ...})   # a tuple of scenarios to compare
    trial = centre.assign({"wage": ..., "bonus": ...}, unit="team")

Everything generous ends here: `lower` turns a scenario into the numbers and arrays that the kernel
reads.
"""

import dataclasses
import difflib
import hashlib
import itertools
import json
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from operator import index
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, TypeVar, cast, get_args

import pandas as pd
import tomli_w

from incentives import centre, customers, gaming, pay, staff
from incentives import menu as actions
from incentives._state import Rules
from incentives.mechanism import Mechanism, Settings, all_mechanisms, lower_numbers
from incentives.pay.goals import PressureNumbers
from incentives.pay.leaderboard import BoardNumbers
from incentives.pay.scorecard import lower_scorecard

__all__ = [
    "Assignment",
    "Scenario",
    "ScenarioError",
    "all_mechanisms",
    "parameter_table",
    "scenario_names",
]

Unit = Literal["agent", "team"]

MOST_SCHEMES = 15  # with "before", as many as `exposed` has bits


class ScenarioError(ValueError):
    """A scenario that cannot be: the message names the field, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who is put under which scheme inside one centre, from which month on.

    Units are dealt to the schemes in equal numbers at random (addressed draws of the run), or as
    `arms` says, unit by unit. Several months as `start` are the waves of a roll-out, to which
    units are dealt in the same way and independently of their scheme.
    """

    schemes: tuple[tuple[str, pay.Scheme], ...]
    unit: Unit = "team"
    start: int | tuple[int, ...] = 0
    arms: tuple[str, ...] | None = None

    @property
    def waves(self) -> tuple[int, ...]:
        """The months in which units start."""
        return self.start if isinstance(self.start, tuple) else (self.start,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A contact centre with its staff, customers and pay scheme, before anything has happened.

    Load one with `Scenario.load`, or build one from blocks of settings; every block has defaults
    with a unit, a range and a source (`parameter_table`).

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(name="small", floor=inc.Floor(teams=2, customers=500))
    >>> centre.floor.seats
    8
    """

    name: str = "centre"
    description: str = ""
    currency: str = "USD"
    floor: centre.Floor = field(default_factory=centre.Floor)
    work: centre.Work = field(default_factory=centre.Work)
    queueing: centre.Queueing = field(default_factory=centre.Queueing)
    routing: centre.Routing = field(default_factory=centre.Routing)
    channels: centre.Channels = field(default_factory=centre.Channels)
    audit: centre.Audit = field(default_factory=centre.Audit)
    contract: centre.Contract = field(default_factory=centre.Contract)
    needs: customers.Needs = field(default_factory=customers.Needs)
    expectations: customers.Expectations = field(default_factory=customers.Expectations)
    openness: customers.Openness = field(default_factory=customers.Openness)
    order: customers.Order = field(default_factory=customers.Order)
    made_up_minds: customers.MadeUpMinds = field(default_factory=customers.MadeUpMinds)
    leaving: customers.Leaving = field(default_factory=customers.Leaving)
    surveys: customers.Surveys = field(default_factory=customers.Surveys)
    value: customers.Value = field(default_factory=customers.Value)
    acquisition: customers.Acquisition = field(default_factory=customers.Acquisition)
    workforce: staff.Workforce = field(default_factory=staff.Workforce)
    regard: staff.Regard = field(default_factory=staff.Regard)
    turnover: staff.Turnover = field(default_factory=staff.Turnover)
    conscience: gaming.Conscience = field(default_factory=gaming.Conscience)
    belief: gaming.Belief = field(default_factory=gaming.Belief)
    fabricated_save: gaming.FabricatedSave = field(default_factory=gaming.FabricatedSave)
    suppressed_cancellation: gaming.SuppressedCancellation = field(
        default_factory=gaming.SuppressedCancellation
    )
    misclassified_contact: gaming.MisclassifiedContact = field(
        default_factory=gaming.MisclassifiedContact
    )
    dropped_contact: gaming.DroppedContact = field(default_factory=gaming.DroppedContact)
    menu: Mapping[actions.Action, actions.Row] = field(
        default_factory=lambda: dict(actions.DEFAULT_MENU)
    )
    scheme: pay.Scheme = field(default_factory=pay.Wage)
    label: str = "own"
    schemes: Mapping[str, pay.Scheme] = field(default_factory=dict)
    assignment: Assignment | None = None
    off: frozenset[str] = frozenset()
    mode: staff.Mode = field(default_factory=staff.Mode)
    mood: staff.Mood = field(default_factory=staff.Mood)
    leaderboard: pay.Leaderboard = field(default_factory=pay.Leaderboard)
    dumped_contact: gaming.DumpedContact = field(default_factory=gaming.DumpedContact)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)
    hidden_needs: customers.HiddenNeeds = field(default_factory=customers.HiddenNeeds)
    hard_sell: gaming.HardSell = field(default_factory=gaming.HardSell)
    moments_and_endings: customers.MomentsAndEndings = field(
        default_factory=customers.MomentsAndEndings
    )
    loyalty_pays: customers.LoyaltyPays = field(default_factory=customers.LoyaltyPays)
    reciprocity: staff.Reciprocity = field(default_factory=staff.Reciprocity)
    blame: staff.Blame = field(default_factory=staff.Blame)
    job_security: staff.JobSecurity = field(default_factory=staff.JobSecurity)
    identity: staff.Identity = field(default_factory=staff.Identity)
    coaching: staff.Coaching = field(default_factory=staff.Coaching)
    advocacy: customers.Advocacy = field(default_factory=customers.Advocacy)
    scorecard: pay.Scorecard = field(default_factory=pay.Scorecard)
    unequal_measurement: pay.UnequalMeasurement = field(default_factory=pay.UnequalMeasurement)
    blending: centre.Blending = field(default_factory=centre.Blending)
    cold_calls: centre.ColdCalls = field(default_factory=centre.ColdCalls)
    survey_gaming: gaming.SurveyGaming = field(default_factory=gaming.SurveyGaming)
    timing: gaming.Timing = field(default_factory=gaming.Timing)
    target_pressure: pay.TargetPressure = field(default_factory=pay.TargetPressure)
    data_harvest: customers.DataHarvest = field(default_factory=customers.DataHarvest)
    renewal: centre.Renewal = field(default_factory=centre.Renewal)
    ownership: customers.Ownership = field(default_factory=customers.Ownership)

    def __post_init__(self) -> None:
        known = {cls.id for cls in all_mechanisms()}
        for name in self.off:
            if name not in known:
                near = _nearest(str(name).upper(), sorted(known))
                raise ScenarioError(
                    f"no mechanism {name!r} in the model{near}; "
                    f"those in it are {', '.join(sorted(known))}"
                )
        try:
            actions.check_menu(self.menu)
        except ValueError as error:
            raise ScenarioError(str(error)) from None
        assigned = () if self.assignment is None else self.assignment.schemes
        for label, scheme in ((self.label, self.scheme), *self.schemes.items(), *assigned):
            _refuse_nameless(label, scheme)
        if self.assignment is not None:
            _refuse_assignment(self.assignment, self.floor)

    # -- files -----------------------------------------------------------------------------------

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """Read a scenario that ships with the library, by name, or one of your own, by path.

        Parameters
        ----------
        name
            Such as ``"outsourced_retentions"``, or the path of a TOML file.

        Raises
        ------
        ScenarioError
            With one line that names the field, the value, what is allowed and the nearest name.
        """
        text, where = _read(name)
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ScenarioError(f"{where} is not valid TOML: {error}") from None
        return _from_document(cls, document)

    def save(self, path: str | Path) -> Path:
        """Write the scenario to a TOML file, whole or not at all, and return its path.

        Raises
        ------
        ScenarioError
            A scheme is of a class of your own, which no file can hold.
        """
        path = Path(path)
        document = self.document()
        if own := sorted(_own_kinds(document)):
            raise ScenarioError(
                f"cannot save: {', '.join(own)} is no scheme of the library, and a file can hold "
                "only those; save the scenario under one of them and give yours in Python"
            )
        text = tomli_w.dumps(document)
        partial = path.with_name(path.name + ".part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
        return path

    def document(self) -> dict[str, Any]:
        """Give the scenario as nested dictionaries: what `save` writes."""
        return _to_document(self)

    def digest(self) -> str:
        """Give 12 hexadecimal digits that change with anything that changes a run."""
        document = {key: value for key, value in self.document().items() if key != "description"}
        text = json.dumps(document, sort_keys=True, default=repr)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    # -- variants --------------------------------------------------------------------------------

    def change(self, values: Mapping[str, Any]) -> Self:
        """Give the scenario with other values, each named ``"block.field"`` (or ``"name"``).

        Examples
        --------
        >>> import incentives as inc
        >>> inc.Scenario().change({"audit.rate": 0.02}).audit.rate
        0.02
        """
        changed = self
        for name, value in values.items():
            changed = _change(changed, name, value)
        return changed

    def vary(
        self, scheme: Mapping[str, pay.Scheme] | None = None, **values: Sequence[Any]
    ) -> tuple[Self, ...]:
        """Give every combination of schemes and of values, as scenarios to simulate.

        Parameters
        ----------
        scheme
            Schemes by label.
        **values
            Values by ``"block.field"``, such as ``**{"audit.rate": [0.0, 0.02]}``.

        Examples
        --------
        >>> import incentives as inc
        >>> pair = inc.Scenario().vary(scheme={"low": inc.Wage(1500), "high": inc.Wage(2500)})
        >>> [each.label for each in pair]
        ['low', 'high']
        """
        base = [self]
        if scheme is not None:
            if not scheme:
                raise ScenarioError("vary: scheme must name at least one scheme, got none")
            base = [
                replace(self, scheme=value, label=label, assignment=None)
                for label, value in scheme.items()
            ]
        grid = list(itertools.product(*values.values()))
        return tuple(
            each.change(dict(zip(values, point, strict=True))) for each in base for point in grid
        )

    def without(self, *ids: str) -> Self:
        """Give the scenario with mechanisms switched off; nobody else's luck moves.

        Examples
        --------
        >>> import incentives as inc
        >>> sorted(inc.Scenario().without("G1", "G2").off)
        ['G1', 'G2']
        """
        return replace(self, off=self.off | set(ids))

    def assign(
        self,
        schemes: Mapping[str, pay.Scheme],
        *,
        unit: Unit = "team",
        start: int | Sequence[int] = 0,
        arms: Sequence[str] | None = None,
    ) -> Self:
        """Put parts of one centre under different schemes, and record who and with what chance.

        Parameters
        ----------
        schemes
            Two or more schemes by label; one is enough for a roll-out in waves.
        unit
            What is assigned: whole teams, or single agents (seats).
        start
            Month from which the assignment holds; before it, everybody has the scenario's scheme,
            under the label ``"before"``. Several months are waves: units are dealt to them at
            random in equal numbers, and a month at or beyond the run's end is never.
        arms
            A label for each unit. Without it, units are dealt at random in equal numbers.

        Examples
        --------
        >>> import incentives as inc
        >>> centre = inc.Scenario(floor=inc.Floor(teams=6))
        >>> never = 12  # months are counted from 0, so a run of 12 does not get there
        >>> centre.assign({"bonus": inc.PieceRate("saves", 5.0)}, start=[3, 6, never]).label
        'assigned'
        """
        waves = tuple(map(index, start)) if isinstance(start, Iterable) else index(start)
        assignment = Assignment(
            tuple(schemes.items()), unit, waves, None if arms is None else tuple(arms)
        )
        return replace(self, assignment=assignment, label="assigned")

    def policies(self) -> list[tuple[str, pay.Scheme]]:
        """List the schemes that anybody in this world can be under, with their labels."""
        if self.assignment is None:
            return [(self.label, self._paid(self.scheme))]
        listed = [(name, self._paid(scheme)) for name, scheme in self.assignment.schemes]
        if max(self.assignment.waves) > 0:
            listed.append(("before", self._paid(self.scheme)))
        return listed

    def _paid(self, scheme: pay.Scheme) -> pay.Scheme:
        return pay.without_bonus(scheme) if "P1" in self.off else scheme


def _refuse_assignment(given: Assignment, floor: centre.Floor) -> None:
    """Refuse what cannot be dealt to the units of a floor."""
    unit, months = given.unit, given.waves
    if unit not in ("agent", "team"):
        raise ScenarioError(f"assign: unit must be 'agent' or 'team', got {unit!r}")
    units = int(floor.teams) if unit == "team" else floor.seats
    whole = all(type(month) is int for month in months)  # a file may have anything there
    if not months or not whole or min(months) < 0:
        raise ScenarioError(f"assign: start must be a month, 0 or later, got {given.start!r}")
    if len(months) > units:
        raise ScenarioError(f"assign: {len(months)} months to start in for {units} {unit}s")
    schemes = [label for label, _ in given.schemes]
    if len(schemes) < (2 if isinstance(given.start, int) else 1):
        raise ScenarioError(
            "assign: give at least two schemes, or one and several months to start in, "
            f"got {schemes}"
        )
    if len(schemes) > units:
        raise ScenarioError(f"assign: {len(schemes)} schemes for {units} {unit}s")
    if len(schemes) > MOST_SCHEMES:
        raise ScenarioError(f"assign: {len(schemes)} schemes in one centre; at most {MOST_SCHEMES}")
    arms = given.arms
    if arms is not None and (len(arms) != units or not set(arms) <= set(schemes)):
        raise ScenarioError(
            f"assign: arms must give one of {schemes} for each of {units} {unit}s, got {list(arms)}"
        )


def scenario_names() -> list[str]:
    """List the scenarios that ship with the library.

    Examples
    --------
    >>> import incentives as inc
    >>> "retail_bank" in inc.scenario_names()
    True
    """
    folder = resources.files("incentives") / "scenarios"
    return sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".toml"))


# -- what the kernel reads ----------------------------------------------------------------------


class Lowered(NamedTuple):
    """A scenario as the kernel reads it."""

    plan: centre.FloorPlan
    rules: Rules


def lower(scenario: Scenario) -> Lowered:
    """Turn a scenario's settings into the kernel's numbers; what is switched off is neutral."""
    off = scenario.off
    exact = scenario.work.shape == "exponential"
    still = {"adapts": 0.0} if "C1" in off else {}
    alike = {"spread": 0.0, "moment": 0.0, "blur": 0.0} if "C3" in off else {}
    nobody = {"rate": 0.0, "on_saves": 0.0, "on_sales": 0.0, "penalty": 0.0} if "O6" in off else {}
    flat = {"peak": 0.0, "ending": 0.0, "spoils": 0.0, "stops": 0.0} if "C2" in off else {}
    silent = {"recommends": 0.0, "warns": 0.0} if "C8" in off else {}
    same = {"rate": 0.0, "keeping": 0.0, "opens": 0.0} if "C7" in off else {}
    nothing = {}
    if "C10" in off:
        nothing = dict.fromkeys(customers.OwnershipNumbers._fields, 0.0)
    if "C3" in off:  # no offer annoys, wherever it stands
        flat["spoils"] = 0.0
    work, found_out = scenario.work, scenario.suppressed_cancellation
    menu = actions.lower_menu(
        scenario.menu,
        off,
        resolves=(work.resolves_question, work.resolves_complaint, work.resolves_order, 1.0, 1.0),
        traced=found_out.discovery * found_out.traced,
        value=scenario.value,
        contract=scenario.contract,
    )
    rules = Rules(
        needs=lower_numbers(scenario.needs, customers.NeedsNumbers),
        expectations=lower_numbers(scenario.expectations, customers.ExpectationNumbers, **still),
        openness=lower_numbers(scenario.openness, customers.OpennessNumbers, **alike),
        leaving=lower_numbers(scenario.leaving, customers.LeavingNumbers),
        surveys=lower_numbers(scenario.surveys, customers.SurveyNumbers),
        value=lower_numbers(scenario.value, customers.ValueNumbers),
        conscience=lower_numbers(scenario.conscience, gaming.ConscienceNumbers),
        belief=lower_numbers(scenario.belief, gaming.BeliefNumbers),
        drop=lower_numbers(scenario.dropped_contact, gaming.DropNumbers),
        suppress=lower_numbers(scenario.suppressed_cancellation, gaming.SuppressNumbers),
        misclassify=lower_numbers(scenario.misclassified_contact, gaming.MisclassifyNumbers),
        work=lower_numbers(scenario.work, centre.WorkNumbers),
        queue=lower_numbers(scenario.queueing, centre.QueueNumbers),
        channels=centre.lower_channels(scenario.channels, off=off),
        audit=lower_numbers(scenario.audit, centre.AuditNumbers, **nobody),
        contract=lower_numbers(scenario.contract, centre.ContractNumbers),
        minds=customers.lower_made_up_minds(scenario.made_up_minds, off="C6" in off),
        menu=menu,
        mode=lower_numbers(
            scenario.mode,
            staff.ModeNumbers,
            **({"cold": 1.0, "switching": 0.0} if "A7" in off else {}),
        ),
        mood=lower_numbers(
            scenario.mood,
            staff.MoodNumbers,
            **({"slows": 0.0, "lifts": 0.0, "warms": 0.0} if "A8" in off else {}),
        ),
        board=lower_numbers(scenario.leaderboard, BoardNumbers),
        dump=lower_numbers(scenario.dumped_contact, gaming.DumpNumbers),
        live="P5" not in off,
        hidden=customers.lower_hidden_needs(scenario.hidden_needs, off="C5" in off),
        regret=lower_numbers(scenario.hard_sell, gaming.RegretNumbers),
        moments=lower_numbers(scenario.moments_and_endings, customers.MomentNumbers, **flat),
        loyalty=lower_numbers(scenario.loyalty_pays, customers.LoyaltyNumbers, **same),
        reciprocity=lower_numbers(scenario.reciprocity, staff.ReciprocityNumbers),
        blame=lower_numbers(
            scenario.blame, staff.BlameNumbers, **({"wears": 0.0} if "A3" in off else {})
        ),
        appeal=lower_numbers(
            scenario.job_security,
            staff.JobSecurityNumbers,
            **({"month": -1.0} if "A4" in off else {}),
        ),
        coaching=lower_numbers(
            scenario.coaching,
            staff.CoachingNumbers,
            **{aim: 0.0 for aim in get_args(staff.Aim) if aim != scenario.coaching.aim},
        ),
        contagion=float(scenario.identity.contagion),
        advocacy=lower_numbers(scenario.advocacy, customers.AdvocacyNumbers, **silent),
        scorecard=lower_scorecard(
            scenario.scorecard,
            scenario.unequal_measurement,
            courtesy=menu.courtesy,
            seen=menu.seen,
            solves=actions.column(menu, actions.SOLVES),
            offers=actions.column(menu, actions.SELLING),
            cut=actions.Action.CUT_OFF,
            serve=actions.Action.SERVE,
            off=off,
        ),
        calling=centre.lower_calls(scenario.blending, scenario.cold_calls, off=off),
        asking=lower_numbers(
            scenario.survey_gaming, gaming.AskNumbers, **({"gravity": 0.0} if "G6" in off else {})
        ),
        timing=lower_numbers(
            scenario.timing, gaming.TimingNumbers, **({"window": 0.0} if "G7" in off else {})
        ),
        pressure=lower_numbers(
            scenario.target_pressure, PressureNumbers, **({"wears": 0.0} if "P4" in off else {})
        ),
        crowd=int(scenario.floor.customers),
        harvest=lower_numbers(
            scenario.data_harvest,
            customers.HarvestNumbers,
            **({"share": 0.0} if "C9" in off else {}),
        ),
        ownership=lower_numbers(scenario.ownership, customers.OwnershipNumbers, **nothing),
    )
    floor = scenario.floor
    if "A6" not in off:  # coaching is a longer break
        coached = 60.0 * scenario.coaching.hours / floor.days
        floor = replace(floor, pause=floor.pause + coached)
    plan = centre.plan_floor(
        floor,
        scenario.routing,
        scenario.work,
        exact=exact,
        off=off,
        outbound=rules.calling.share,
    )
    return Lowered(plan, rules)


# -- declarations -------------------------------------------------------------------------------


def _refuse_nameless(label: str, scheme: pay.Scheme) -> None:
    """Refuse a scheme whose text is a place in memory: no run could be told by it from another."""
    if " at 0x" in repr(scheme):
        raise ScenarioError(
            f"scheme {label!r}: {scheme!r} does not say what it pays; "
            "make its class, and what it holds, frozen dataclasses"
        )


def _blocks() -> dict[str, type[Settings]]:
    """List the scenario's blocks of settings by field name."""
    found: dict[str, type[Settings]] = {}
    for item in dataclasses.fields(Scenario):
        factory: Any = item.default_factory
        if isinstance(factory, type) and issubclass(factory, Settings):
            found[item.name] = factory
    return found


def differing(scenarios: Sequence[Scenario]) -> dict[str, list[Any]]:
    """Give the values of each parameter in which scenarios differ, by ``"block.field"``.

    Examples
    --------
    >>> import incentives as inc
    >>> differing(inc.Scenario().vary(**{"audit.rate": [0.0, 0.02]}))
    {'audit.rate': [0.0, 0.02]}
    """
    blocks: dict[str, list[Settings]] = {
        name: [getattr(each, name) for each in scenarios] for name in _blocks()
    }
    blocks |= {
        f"menu.{row.name.lower()}": [each.menu[row] for each in scenarios]
        for row in actions.DEFAULT_MENU
    }
    found: dict[str, list[Any]] = {}
    for block, held in blocks.items():
        for item in _fields(type(held[0])):
            values = [getattr(each, item.name) for each in held]
            if any(value != values[0] for value in values):
                found[f"{block}.{item.name}"] = values
    return found


def parameter_table() -> pd.DataFrame:
    """Tabulate every parameter: where it is, its unit, range and source, and what it moves."""
    rows = []
    listed: list[tuple[str, type[Settings], Any]] = [
        (name, cls, None) for name, cls in _blocks().items()
    ]
    listed.append(("routing.crews", centre.Crew, None))
    listed.append(("workforce.archetypes", staff.Archetype, None))
    listed += [
        (f"menu.{action.name.lower()}", actions.Row, row)
        for action, row in actions.DEFAULT_MENU.items()
    ]
    for name, cls, made in listed:
        owner, items = cls.id if issubclass(cls, Mechanism) else "", list(cls.parameters())
        if made is not None:
            action = actions.Action[name.split(".")[1].upper()]
            owner, has = actions.ENTRIES[action].mechanism, actions.columns_of(action)
            items = [item for item in items if item.name in has]
        for item in items:
            default = item.default if made is None else getattr(made, item.name)
            about = {"block": name, "mechanism": owner, "parameter": item.name}
            rows.append({**about, "default": default, **item._asdict()})
    table = pd.DataFrame(rows).drop(columns="name")
    shown = ["block", "mechanism", "parameter", "default", "unit", "low", "high", "source", "moves"]
    return table[shown]


# -- TOML ---------------------------------------------------------------------------------------

S = TypeVar("S", bound=Scenario)
_PLAIN = ("name", "description", "currency", "off")
_TABLES: dict[str, type[Settings]] = {"archetypes": staff.Archetype, "crews": centre.Crew}
"""Fields of blocks that are arrays of tables, and what a table there is."""


def _read(name: str | Path) -> tuple[str, str]:
    """Find and read a scenario file; say where a missing one was looked for."""
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        try:
            return path.read_text(encoding="utf-8"), str(path)
        except OSError as error:
            raise ScenarioError(f"cannot read scenario file {path}: {error.strerror}") from None
    names = scenario_names()
    if str(name) in names:
        resource = resources.files("incentives") / "scenarios" / f"{name}.toml"
        return resource.read_text(encoding="utf-8"), str(name)
    raise ScenarioError(
        f"no scenario {str(name)!r}{_nearest(str(name), names)}; "
        f"those that ship are {', '.join(names)}; a path ends in .toml"
    )


def _nearest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _from_document(cls: type[S], document: Mapping[str, Any]) -> S:
    """Build a scenario from what a TOML file held, naming whatever does not fit."""
    blocks = _blocks()
    known = [*_PLAIN, *blocks, "menu", "schemes", "scheme", "label", "assignment"]
    sources: dict[str, str] = {}
    made: dict[str, Any] = {}
    for key, value in document.items():
        if key in blocks:
            made[key] = _block(key, blocks[key], value, sources)
        elif key == "menu":
            made[key] = _menu(value, sources)
        elif key == "off":
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise ScenarioError(f"off must be a list of mechanisms' ids, got {value!r}")
            made[key] = frozenset(value)
        elif key in _PLAIN:
            if not isinstance(value, str):
                raise ScenarioError(f"{key} must be a text, got {value!r}")
            made[key] = value
        elif key == "schemes":
            made[key] = _schemes_from(value, key, sources)
        elif key == "assignment":
            made[key] = _assignment_from(value, sources)
        elif key not in ("scheme", "label"):
            raise ScenarioError(
                f"unknown key {key!r}{_nearest(key, known)}; known are {', '.join(known)}"
            )
    made |= _paid_from(document, made.get("schemes", {}), sources)
    return cls(**made, sources=sources)


def _paid_from(
    document: Mapping[str, Any], schemes: Mapping[str, pay.Scheme], sources: dict[str, str]
) -> dict[str, Any]:
    """Read what is paid: the label of one of the file's schemes, or the parts of one of its own."""
    given = document.get("scheme")
    label = document.get("label", given if isinstance(given, str) else "own")
    if not isinstance(label, str):
        raise ScenarioError(f"label must be a text, got {label!r}")
    if given is None:
        return {"label": label}
    if isinstance(given, list) and all(isinstance(part, dict) for part in given):
        return {"scheme": scheme_from(given, "scheme", sources), "label": label}
    if not isinstance(given, str) or given not in schemes:
        raise ScenarioError(
            f"scheme = {given!r}{_nearest(str(given), schemes)} is not among the schemes "
            f"of the file: {', '.join(schemes) or 'there are none'}"
        )
    return {"scheme": schemes[given], "label": label}


def _schemes_from(given: Any, where: str, sources: dict[str, str]) -> dict[str, pay.Scheme]:
    """Build schemes by label."""
    _need_table(where, given)
    return {
        label: scheme_from(parts, f"{where}.{label}", sources) for label, parts in given.items()
    }


def _assignment_from(given: Any, sources: dict[str, str]) -> Assignment:
    """Build who is put under which scheme."""
    _need_table("assignment", given)
    known = [item.name for item in dataclasses.fields(Assignment)]
    for key in given:
        if key not in known:
            raise ScenarioError(f"unknown key assignment.{key}{_nearest(key, known)}")
    schemes = _schemes_from(given.get("schemes", {}), "assignment.schemes", sources)
    arms, start = given.get("arms"), given.get("start", 0)
    if arms is not None and not (isinstance(arms, list) and all(isinstance(a, str) for a in arms)):
        raise ScenarioError(f"assignment.arms must be a list of labels, got {arms!r}")
    return Assignment(
        tuple(schemes.items()),
        given.get("unit", "team"),
        tuple(start) if isinstance(start, list) else start,
        None if arms is None else tuple(arms),
    )


def _block(where: str, cls: type[Settings], given: Any, sources: dict[str, str]) -> Any:
    """Build one block of settings from a TOML table."""
    _need_table(where, given)
    fields = {item.name: item for item in dataclasses.fields(cls)}
    values = {}
    for key, value in given.items():
        if key not in fields:
            raise ScenarioError(
                f"unknown key {where}.{key}{_nearest(key, fields)}; {where} has {', '.join(fields)}"
            )
        name = f"{where}.{key}"
        if key in _TABLES:
            if not isinstance(value, list):
                raise ScenarioError(f"{name} must be an array of tables, got {value!r}")
            values[key] = tuple(
                _block(f"{name}[{i}]", _TABLES[key], each, sources) for i, each in enumerate(value)
            )
        else:
            values[key] = _value(name, value, fields[key], sources)
    return _checked(where, cls, values)


def _text(where: str, given: Any) -> str:
    if not isinstance(given, str):
        raise ScenarioError(f"{where} must be a text, got {given!r}")
    return given


def _need_table(where: str, given: Any) -> None:
    if not isinstance(given, dict):
        raise ScenarioError(f"{where} must be a table, got {given!r}")


def _menu(given: Mapping[str, Any], sources: dict[str, str]) -> dict[actions.Action, actions.Row]:
    """Build the menu: the default rows, with what the file changes."""
    _need_table("menu", given)
    rows = dict(actions.DEFAULT_MENU)
    names = {action.name.lower(): action for action in rows}
    for key, table in given.items():
        if key not in names:
            raise ScenarioError(
                f"unknown action menu.{key}{_nearest(key, names)}; actions are {', '.join(names)}"
            )
        _need_table(f"menu.{key}", table)
        action = names[key]
        default = {item.name: getattr(rows[action], item.name) for item in _fields(actions.Row)}
        changed = _block(f"menu.{key}", actions.Row, {**default, **table}, sources)
        rows[action] = changed
    return rows


def _fields(cls: type[Settings]) -> "tuple[dataclasses.Field[Any], ...]":
    return dataclasses.fields(cls)


def _value(
    name: str, value: Any, declared: "dataclasses.Field[Any]", sources: dict[str, str]
) -> Any:
    """Take a plain value, or a table of value, unit and source whose unit must be the declared."""
    if isinstance(value, dict):
        unknown = set(value) - {"value", "unit", "source"}
        if unknown or "value" not in value:
            raise ScenarioError(
                f"{name} must be a value or a table of value, unit and source, "
                f"got keys {', '.join(value)}"
            )
        unit = declared.metadata.get("unit")
        if "unit" in value and unit is not None and value["unit"] != unit:
            raise ScenarioError(f"{name} is measured in {unit!r}, got unit {value['unit']!r}")
        if "source" in value:
            sources[name] = _text(f"{name}.source", value["source"])
        value = value["value"]
    if isinstance(declared.default, tuple) and not isinstance(value, list):
        raise ScenarioError(f"{name} must be a list of numbers, got {value!r}")
    return tuple(value) if isinstance(value, list) else value


def _checked(where: str, cls: type[Settings], values: Mapping[str, Any]) -> Any:
    """Make a block; put the file's name for the field where the class's stood."""
    try:
        return cls(**values)
    except (ValueError, TypeError) as error:
        text = str(error).replace(f"{cls.__name__}.", f"{where}.")
        raise ScenarioError(text) from None


def _change(scenario: Any, name: str, value: Any) -> Any:
    """Change one value by its dotted name."""
    block, _, key = name.partition(".")
    blocks = _blocks()
    if block == "menu":
        action, _, key = key.partition(".")
        named = {each.name.lower(): each for each in scenario.menu}
        if action not in named:
            raise ScenarioError(
                f"unknown action menu.{action}{_nearest(action, named)}; "
                f"actions are {', '.join(named)}"
            )
        row = _changed(f"menu.{action}", scenario.menu[named[action]], key, value)
        return replace(scenario, menu={**scenario.menu, named[action]: row})
    if not key and block in blocks:
        if not isinstance(value, blocks[block]):
            raise ScenarioError(f"{block} must be a {blocks[block].__name__}, got {value!r}")
        return replace(scenario, **{block: value})
    if not key and block in (*_PLAIN, "scheme", "label"):
        return replace(scenario, **{block: value})
    if block not in blocks:
        raise ScenarioError(f"unknown block {block!r}{_nearest(block, blocks)} in {name!r}")
    return replace(scenario, **{block: _changed(block, getattr(scenario, block), key, value)})


def _changed(where: str, settings: Settings, key: str, value: Any) -> Any:
    """Make a block of settings again with one value changed."""
    fields = {item.name: item for item in _fields(type(settings))}
    if key not in fields:
        raise ScenarioError(
            f"unknown key {where}.{key}{_nearest(key, fields)}; {where} has {', '.join(fields)}"
        )
    if isinstance(fields[key].default, tuple) and not isinstance(value, tuple | list):
        raise ScenarioError(f"{where}.{key} must be a list of numbers, got {value!r}")
    value = tuple(value) if isinstance(value, list) else value
    return _checked(where, type(settings), {**_as_dict(settings), key: value})


def _as_dict(settings: Settings) -> dict[str, Any]:
    return {item.name: getattr(settings, item.name) for item in _fields(type(settings))}


def _to_document(scenario: Scenario) -> dict[str, Any]:
    """Give the nested dictionaries of a scenario: what differs from the defaults, with sources."""
    document: dict[str, Any] = {key: getattr(scenario, key) for key in _PLAIN if key != "off"}
    if scenario.off:
        document["off"] = sorted(scenario.off)
    sources, trial = scenario.sources, scenario.assignment
    document["label"] = scenario.label
    if scenario.schemes.get(scenario.label) == scenario.scheme:
        document["scheme"] = scenario.label
    else:
        document["scheme"] = _with_sources(scheme_to(scenario.scheme), "scheme", sources)
    if scenario.schemes:
        document["schemes"] = _schemes_to(scenario.schemes, "schemes", sources)
    if trial is not None:
        document["assignment"] = {
            "unit": trial.unit,
            "start": _lists(trial.start),
            "schemes": _schemes_to(dict(trial.schemes), "assignment.schemes", sources),
            **({} if trial.arms is None else {"arms": list(trial.arms)}),
        }
    for name, default in _defaults().items():
        table = dict(_table(name, getattr(scenario, name), default, sources))
        if table:
            document[name] = table
    rows = {
        action.name.lower(): table
        for action, row in scenario.menu.items()
        if (
            table := dict(
                _table(
                    f"menu.{action.name.lower()}",
                    row,
                    actions.DEFAULT_MENU[action],
                    sources,
                )
            )
        )
    }
    if rows:
        document["menu"] = rows
    return document


@cache
def _defaults() -> dict[str, Settings]:
    """Give the blocks as they are where nobody says otherwise."""
    return {name: cls() for name, cls in _blocks().items()}


def _table(
    where: str, settings: Settings, default: Settings, sources: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    """Give the settings that differ from the default or have a source of their own."""
    if settings == default and not sources:
        return
    for item in _fields(type(settings)):
        name, value = f"{where}.{item.name}", getattr(settings, item.name)
        if item.name in _TABLES:
            if value != getattr(default, item.name):
                yield (
                    item.name,
                    [
                        {
                            "name": each.name,
                            **dict(_table(f"{name}[{i}]", each, _TABLES[item.name](), sources)),
                        }
                        for i, each in enumerate(value)
                    ],
                )
            continue
        if value == getattr(default, item.name) and name not in sources:
            continue
        plain = list(value) if isinstance(value, tuple) else value
        if name in sources:
            unit = {"unit": item.metadata["unit"]} if item.metadata else {}
            yield item.name, {"value": plain, **unit, "source": sources[name]}
        else:
            yield item.name, plain


# -- schemes in TOML ----------------------------------------------------------------------------


def _scheme_classes() -> dict[str, type[pay.Scheme]]:
    return {
        name: cls
        for name in pay.__all__
        if isinstance(cls := getattr(pay, name), type)
        and issubclass(cls, pay.Scheme)
        and cls not in (pay.Scheme, pay.Sum)
    }


def scheme_from(given: Any, where: str, sources: dict[str, str] | None = None) -> pay.Scheme:
    """Build a scheme from a list of parts: tables of a `kind`, its fields and a source."""
    parts = given if isinstance(given, list) else [given]
    noted: dict[str, str] = {} if sources is None else sources
    built = [_part(part, f"{where}[{i}]", noted) for i, part in enumerate(parts)]
    if not built:
        raise ScenarioError(f"{where} must have at least one part, got none")
    total = built[0]
    for part in built[1:]:
        total = total + part
    return total


def _part(given: Any, where: str, sources: dict[str, str]) -> pay.Scheme:
    classes = _scheme_classes()
    if not isinstance(given, dict) or "kind" not in given:
        raise ScenarioError(f"{where} must be a table with a kind, one of {', '.join(classes)}")
    kind = _text(f"{where}.kind", given["kind"])
    if kind not in classes:
        raise ScenarioError(
            f"{where}.kind = {kind!r}{_nearest(str(kind), classes)} is no scheme; "
            f"schemes are {', '.join(classes)}"
        )
    cls = classes[kind]
    known = [item.name for item in dataclasses.fields(cast(Any, cls))]
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key == "kind":
            continue
        if key == "source":
            sources[where] = _text(f"{where}.source", value)
            continue
        if key not in known:
            raise ScenarioError(
                f"unknown key {where}.{key}{_nearest(key, known)}; {kind} has {', '.join(known)}"
            )
        if key == "scheme":
            values[key] = scheme_from(value, f"{where}.{key}", sources)
        else:
            values[key] = _tuples(value)
    missing = [
        item.name
        for item in dataclasses.fields(cls)  # type: ignore[arg-type]  # every scheme is one
        if item.name not in values
        and item.default is dataclasses.MISSING
        and item.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ScenarioError(f"{where}: {kind} needs {' and '.join(missing)}")
    try:
        return cls(**values)
    except (TypeError, ValueError, KeyError) as error:
        raise ScenarioError(f"{where}: {error}") from None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def scheme_to(scheme: pay.Scheme) -> list[dict[str, Any]]:
    """Give a scheme as a list of tables: what `scheme_from` reads."""
    parts = scheme.parts if isinstance(scheme, pay.Sum) else (scheme,)
    return [_part_to(part) for part in parts]


def _schemes_to(
    schemes: Mapping[str, pay.Scheme], where: str, sources: Mapping[str, str]
) -> dict[str, Any]:
    return {
        label: _with_sources(scheme_to(scheme), f"{where}.{label}", sources)
        for label, scheme in schemes.items()
    }


def _with_sources(
    parts: list[dict[str, Any]], where: str, sources: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Put the sources back into a scheme's parts."""
    for i, part in enumerate(parts):
        if f"{where}[{i}]" in sources:
            part["source"] = sources[f"{where}[{i}]"]
    return parts


def _part_to(part: Any) -> dict[str, Any]:
    table: dict[str, Any] = {"kind": type(part).__name__}
    if type(part) not in _scheme_classes().values():
        return {"kind": type(part).__name__, "repr": f"{type(part).__module__}.{part!r}"}
    for item in dataclasses.fields(part):
        value = getattr(part, item.name)
        if value is None:
            continue
        table[item.name] = scheme_to(value) if item.name == "scheme" else _lists(value)
    return table


def _own_kinds(document: Any) -> set[str]:
    """Name the classes of schemes that are none of the library's, wherever they stand."""
    if isinstance(document, Mapping):
        here = {str(document["kind"])} if {"kind", "repr"} <= set(document) else set()
        return here.union(*map(_own_kinds, document.values()))
    if isinstance(document, list | tuple):
        return set().union(*map(_own_kinds, document))
    return set()


def _lists(value: Any) -> Any:
    return [_lists(item) for item in value] if isinstance(value, tuple) else value
