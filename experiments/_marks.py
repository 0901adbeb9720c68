"""Worlds on which the estimators are marked whose question is not one of a study.

A `Family` is a kind of world, lived through with everything on: what a firm is, who is asked of
it, and what is true. The truth is that of twins (the same centres with everybody under one
scheme), that of all worlds of the kind together, that of the very world that was
answered, or what was set.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm

import incentives as inc
from incentives.study import Study

__all__ = ["FAMILIES", "NOTHING", "Family", "contractor", "firms_of", "marked"]

Floats = npt.NDArray[np.float64]
TruthBy = Literal["twins", "all worlds", "its own world", "as it was set"]
Key = tuple[str, str, str]  # answer, question, term

TEAMS, SEATS, MONTHS = 16, 2, 2
WAGE = inc.Wage()
SAVES = inc.Wage() + inc.PieceRate("saves", 6.0)
SCHEMES = {"wage": WAGE, "retention": SAVES}
GAMING = ("G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8")

NUMBERS = ("estimate", "std_error", "p_value", "conf_low", "conf_high")


class Asked(NamedTuple):
    """A row of an answer that is marked, and by which truth.

    `edge` says that what is asked for, or a part of it, lies at the edge of what is possible, as a
    share of nothing does: an interval that leaves room for what audits may have missed holds it
    ever so often. Of a study, `recovery.at_the_edge` says what is held too often.
    """

    answer: str
    question: str
    term: str
    truth_by: TruthBy
    estimand: str
    estimator: str = ""
    group: str = ""
    target: str = ""
    edge: bool = False

    @property
    def key(self) -> Key:
        """Under which the truth is known."""
        return self.answer, self.question, self.term


class Lived(NamedTuple):
    """Records with the truth in them: of all firms, and of twins (the firms, if there are none)."""

    firms: inc.Records
    twins: inc.Records


@dataclass(frozen=True)
class Family:
    """A kind of world, who is asked of each, and what is true there.

    Parameters
    ----------
    world
        Its name, for a reader.
    firm
        The centres that a firm has: one, or several that differ.
    answers
        The table of rows that each estimator gives, from the analyst's view of a firm.
    asked
        The rows that are marked.
    truth
        What is so, by row: one number, or an array with one for each firm.
    same
        The centres with everybody under one scheme, for twins.
    months
        Length of a run.
    replications
        Worlds a firm has of each centre.
    keep, choices
        As for `simulate`. With choices, answers read the truth and not the analyst's view: they
        are not of a firm.
    """

    world: str
    firm: Sequence[inc.Scenario]
    answers: Mapping[str, Callable[[inc.Records], pd.DataFrame]]
    asked: tuple[Asked, ...]
    truth: Callable[["Lived"], Mapping[Key, float | Floats]]
    same: Sequence[inc.Scenario] = ()
    months: int = MONTHS
    replications: int = 1
    keep: Literal["cells", "contacts"] = "cells"
    choices: float = 0.0


def marked(
    family: Family, firms: int, pairs: int, seed: int | np.random.SeedSequence
) -> pd.DataFrame:
    """Live through firms of a family and give a row for each of them and each row asked for.

    Returns
    -------
    pandas.DataFrame
        `sim`, `answer`, `question`, `term`, the numbers of the estimate, why there is none
        (`failed`, else empty), `truth` and `truth_by`.
    """

    def lived(centres: Sequence[inc.Scenario], replications: int) -> inc.Records:
        return inc.simulate(
            list(centres),
            replications=replications,
            months=family.months,
            rng=seed,
            keep=family.keep,
            choices=family.choices,
            progress=False,
        )

    records = lived(family.firm, firms * family.replications)
    twins = lived(family.same, pairs) if family.same else records
    known = family.truth(Lived(records, twins))
    rows: list[dict[str, Any]] = []
    for sim, firm in enumerate(firms_of(records, family.replications)):
        seen = firm if family.choices else firm.seen_by("analyst")
        for name, ask in family.answers.items():
            table, failed = _answered(ask, seen)
            rows += [
                {
                    "sim": sim,
                    **dict(zip(("answer", "question", "term"), row.key, strict=True)),
                    **_numbers(table, row, failed),
                    "truth": float(np.broadcast_to(known[row.key], firms)[sim]),
                    "truth_by": row.truth_by,
                }
                for row in family.asked
                if row.answer == name
            ]
    return pd.DataFrame(rows)


def firms_of(records: inc.Records, replications: int) -> Iterator[inc.Records]:
    """Take records apart: so many replications of every centre are a firm of its own."""
    runs = records.runs
    firm = (runs["replication"] // replications).set_axis(runs["run"])
    parts = {
        name: dict(list(frame.groupby(firm.reindex(frame["run"]).to_numpy())))
        for name, frame in records.frames().items()
        if len(frame)
    }
    for number in sorted(firm.unique()):
        yield inc.Records(
            **{
                name: parts[name].get(number, frame.iloc[:0]) if name in parts else frame
                for name, frame in records.frames().items()
            }
        )


def _answered(
    ask: Callable[[inc.Records], pd.DataFrame], seen: inc.Records
) -> tuple[pd.DataFrame, str]:
    """Give the table of an answer, or why there is none."""
    try:
        return ask(seen), ""
    except (ValueError, ArithmeticError, RuntimeError) as error:
        return pd.DataFrame(), str(error) or type(error).__name__


def _numbers(table: pd.DataFrame, row: Asked, failed: str) -> dict[str, Any]:
    """Take the numbers of a row; ratios are taken in logarithms, as their intervals are."""
    missing: dict[str, Any] = dict.fromkeys(NUMBERS, np.nan)
    if failed:
        return {**missing, "failed": failed}
    wanted = {"estimand": row.estimand, "term": row.term, "group": row.group}
    wanted |= {
        name: value
        for name, value in (("estimator", row.estimator), ("target", row.target))
        if value
    }
    own = table[(table[list(wanted)] == pd.Series(wanted)).all(axis=1)]
    if own.empty or not np.isfinite(own["estimate"].iloc[0]):
        return {**missing, "failed": f"no estimate of {row.estimand} for '{row.term}'"}
    numbers = {name: float(own.iloc[0][name]) for name in NUMBERS}
    if own.iloc[0]["unit"] == "ratio":
        numbers["std_error"] /= numbers["estimate"]
        for name in ("estimate", "conf_low", "conf_high"):
            numbers[name] = float(np.log(numbers[name]))
    return {**numbers, "failed": ""}


# ── centres ──────────────────────────────────────────────────────────────────────────────────────


def contractor(**values: Any) -> inc.Scenario:
    """Give a small copy of the outsourced retention floor, with more checks than it has."""
    return inc.Scenario.load("outsourced_retentions").change(
        {
            "floor.teams": TEAMS,
            "floor.team_size": SEATS,
            "floor.customers": 1100 * TEAMS * SEATS,
            "audit.rate": 0.02,
            "audit.on_saves": 0.15,
            "routing.keep": "team",
            **values,
        }
    )


def half_as_busy(scheme: inc.Scheme, label: str, **values: Any) -> inc.Scenario:
    """Give a contractor with fewer customers, and everybody under one scheme."""
    fewer = {"floor.customers": 450 * TEAMS * SEATS, "scheme": scheme, "label": label}
    return contractor(**{**fewer, **values})


DETECTION = Study(contractor(), SCHEMES, "wage", MONTHS).detection()
"""The chance that a check recognises each kind of gaming, as double checks would find it."""

# ── what true records say ────────────────────────────────────────────────────────────────────────


def _served(records: inc.Records) -> pd.DataFrame:
    return records.cells[records.cells["agent"] >= 0]


def _per_100(cells: pd.DataFrame, hit: Any, by: Sequence[str]) -> "pd.Series[float]":
    """Give the share of contacts that are a hit, by some columns."""
    keys = [cells[name].astype(str) if name == "scheme" else cells[name] for name in by]
    sums = pd.DataFrame({"hit": cells["n"] * hit, "n": cells["n"]}).groupby(keys).sum()
    return 100 * sums["hit"] / sums["n"]


def _by_scheme(twins: inc.Records, frame: pd.DataFrame) -> "pd.Series[str]":
    """Give the scheme of the world that each row is of."""
    of_run = twins.runs.set_index("run")["scheme"].astype(str)
    return of_run.reindex(frame["run"]).set_axis(frame.index)


# ── half of the teams paid for saves: levels, and reasons of leaving ─────────────────────────────

REASONS = ("contact", "silent")
COX = "log hazard ratio (Cox)"
THESE, LIKE = "these agents", "teams like these"
BY_TARGET: dict[str, TruthBy] = {THESE: "its own world", LIKE: "all worlds"}


def paid_for_saves() -> Family:
    """Give the worlds of the study itself, for what is no effect on the whole."""
    levels = tuple(
        Asked(
            "true_rate",
            f"success_true, {target}",
            scheme,
            by,
            "success_true",
            "two-phase",
            target=target,
            edge=target == THESE,
        )
        for scheme in SCHEMES
        for target, by in BY_TARGET.items()
    )
    reasons = tuple(
        Asked(
            "competing_risks",
            f"left: {reason}",
            "retention",
            "twins",
            "incidence",
            "Aalen-Johansen",
            group=reason,
        )
        for reason in REASONS
    )
    cox = Asked("churn_effect", COX, "retention", "twins", "hazard_ratio", "Cox, Efron")
    return Family(
        "bonus for saves",
        [contractor().assign(SCHEMES)],
        {
            "true_rate": lambda seen: inc.true_rate(
                seen, outcome="success", detection=DETECTION
            ).tidy(),
            "competing_risks": lambda seen: inc.competing_risks(
                seen, control="wage", horizon=MONTHS
            ).tidy(),
            "churn_effect": lambda seen: inc.churn_effect(
                seen, control="wage", horizon=MONTHS
            ).tidy(),
        },
        (*levels, *reasons, cox),
        _truth_of_paid,
        same=list(contractor().vary(scheme=SCHEMES)),
    )


def _truth_of_paid(lived: Lived) -> dict[Key, float | Floats]:
    known = _levels(_served(lived.firms), "success_true", ("sale", "saved"))
    left = _left(lived.twins)
    gap = 100 * (left.loc["retention"] - left.loc["wage"])
    for reason in REASONS:
        known["competing_risks", f"left: {reason}", "retention"] = float(gap[f"left_{reason}"])
    hazard = np.log(-np.log1p(-left["left"]))
    known["churn_effect", COX, "retention"] = float(hazard["retention"] - hazard["wage"])
    return known


def _levels(served: pd.DataFrame, question: str, good: Sequence[str]) -> dict[Key, float | Floats]:
    """Give the share of contacts with a good outcome in each world, and in all, by scheme."""
    own = _per_100(served, served["true_outcome"].isin(good), ["scheme", "run"])
    known: dict[Key, float | Floats] = {}
    for scheme in SCHEMES:
        levels: Floats = np.asarray(own.xs(scheme, level="scheme"), dtype=np.float64)
        known["true_rate", f"{question}, {THESE}", scheme] = levels
        known["true_rate", f"{question}, {LIKE}", scheme] = float(levels.mean())
    return known


def _left(twins: inc.Records) -> Any:
    """Give the share of the first customers who left by the end, by scheme, whole and by reason."""
    first = twins.customers[twins.customers["initial"]]
    scheme = _by_scheme(twins, first)
    there = first["n"].where(first["month"] == 0, 0).groupby(scheme).sum()
    gone = first[["left", *(f"left_{reason}" for reason in REASONS)]].groupby(scheme).sum()
    return gone.div(there, axis=0)


# ── nothing to find: the same effects by other ways of dealing teams to schemes ──────────────────

NOTHING = "nothing to find"
BY_DEALING = "by randomisation"


def nobody_paid() -> Family:
    """Give worlds with all on the wage, where a few agents make most of what gaming there is.

    A team that stands out makes a difference and its error large together, so that t holds zero too
    often. To deal the teams again is exact for what audits find; where they met no error, t stays.
    """

    def dealt_again(seen: inc.Records) -> pd.DataFrame:
        effect = inc.gaming_effect(seen, control="wage", detection=DETECTION)
        return effect.inference("randomisation", reps=999, rng=1).tidy()

    asked = tuple(
        Asked(
            "gaming_effect",
            f"{estimand}, {BY_DEALING}",
            "retention",
            "as it was set",
            estimand,
            "audited",
        )
        for estimand in ("gamed", "inflation")
    )
    return Family(
        NOTHING,
        [contractor().assign(dict.fromkeys(SCHEMES, WAGE))],
        {"gaming_effect": dealt_again},
        asked,
        lambda _: {row.key: 0.0 for row in asked},
    )


# ── many wish to leave: what the save rate says ──────────────────────────────────────────────────

GOOD = ("success_true", "save_rate_true")
SAVED = ("save_rate_true", "save_rate_inflation", "relative_inflation", "honesty_slope")


def many_wishes() -> Family:
    """Give worlds in which wishes to cancel are many, and audits that agents fear little.

    Enough errors are met under pay for saves that levels there are no matter of those not met.
    """
    many = {"leaving.base": 0.05, "floor.teams": 2 * TEAMS, "floor.customers": 2200 * TEAMS * SEATS}
    audits = {"audit.rate": 0.1, "audit.on_saves": 0.4, "audit.penalty": 30.0}
    centre = contractor(**many, **audits)

    def asked(answer: str, question: str, estimator: str) -> Asked:
        return Asked(answer, question, "retention", "twins", question, estimator)

    levels = tuple(
        Asked(
            "true_rate",
            f"{question}, {target}",
            "retention",
            by,
            question,
            "two-phase",
            target=target,
        )
        for question in GOOD
        for target, by in BY_TARGET.items()
    )
    return Family(
        "many wishes to leave",
        [centre.assign(SCHEMES)],
        {
            "true_rate": lambda seen: pd.concat(
                inc.true_rate(
                    seen, outcome=question.removesuffix("_true"), detection=DETECTION
                ).tidy()
                for question in GOOD
            ),
            "scheme_effect": lambda seen: inc.scheme_effect(
                seen, control="wage", outcome="save_rate"
            ).tidy(),
            "kpi_inflation": lambda seen: inc.kpi_inflation(
                seen, control="wage", outcome="save_rate", detection=DETECTION
            ).tidy(),
        },
        (
            *levels,
            asked("scheme_effect", "save_rate_logged", "difference in means"),
            *(asked("kpi_inflation", question, "two-phase") for question in SAVED),
        ),
        _truth_of_wishes,
        same=list(centre.vary(scheme=SCHEMES)),
    )


def _truth_of_wishes(lived: Lived) -> dict[Key, float | Floats]:
    """Hold what is logged of wishes to cancel against what became of them, by scheme."""
    served = _served(lived.twins)
    wishes = served[served["reason"] == "cancel"]
    logged = wishes["logged_outcome"] == "saved"
    true = wishes["true_outcome"] == "saved"
    parts = {"logged": logged, "true": true, "both": logged & true}
    counts = wishes[["n"]].assign(**{name: wishes["n"] * part for name, part in parts.items()})
    total: Any = counts.groupby(_by_scheme(lived.twins, wishes)).sum()
    n, saves, kept, both = (total[name] for name in counts)
    levels = {
        "save_rate_logged": 100 * saves / n,
        "save_rate_true": 100 * kept / n,
        "save_rate_inflation": 100 * (saves - kept) / n,
        "relative_inflation": 100 * (saves - kept) / saves,
        "honesty_slope": both / saves - (kept - both) / (n - saves),
    }
    effects = {name: float(level["retention"] - level["wage"]) for name, level in levels.items()}
    met = _served(lived.firms)
    wished = met[met["reason"] == "cancel"]
    return {
        **_levels(met, "success_true", ("sale", "saved")),
        **_levels(wished, "save_rate_true", ("saved",)),
        ("scheme_effect", "save_rate_logged", "retention"): effects["save_rate_logged"],
        **{("kpi_inflation", name, "retention"): effects[name] for name in SAVED},
    }


# ── nobody games: how far agents differ ──────────────────────────────────────────────────────────

BUSY = 100  # contacts in each of two months


def honest() -> Family:
    """Give worlds in which agents differ in what they sell and nobody games."""
    return Family(
        "nobody games",
        [contractor().without(*GAMING).assign(SCHEMES)],
        {"agent_spread": lambda seen: inc.agent_spread(seen, outcome="sales").tidy()},
        tuple(
            Asked(
                "agent_spread", "spread of sales", scheme, "all worlds", "spread", "beta-binomial"
            )
            for scheme in SCHEMES
        ),
        _truth_of_spread,
    )


def _truth_of_spread(lived: Lived) -> dict[Key, float | Floats]:
    """Take what lasts: the rate of one month moves with the next by what belongs to the agent."""
    served = _served(lived.firms)
    keys = ["run", "agent", "month"]
    share = _per_100(served, served["true_outcome"] == "sale", keys)
    n = served.groupby(keys)["n"].sum()
    both: Any = pd.DataFrame({"share": share, "n": n}).unstack().dropna()  # noqa: PD010
    busy = both["share"][(both["n"] > BUSY).all(axis=1)]
    within = busy - busy.groupby("run").transform("mean")
    free = len(busy) - busy.index.get_level_values("run").nunique()
    spread = np.sqrt((within[0] * within[1]).sum() / free)
    return {("agent_spread", "spread of sales", scheme): float(spread) for scheme in SCHEMES}


# ── teams that come under pay for saves one after the other ──────────────────────────────────────

WAVES = (1, 2, 4, 6)  # the last one never comes: runs end with month 5
LONG = 6


def rolled_out() -> Family:
    """Give worlds in which lies spread, so that what a scheme does grows with the months."""
    before = half_as_busy(WAGE, "before", **{"identity.contagion": 3.0})

    def asked(outcome: str) -> Asked:
        return Asked("staggered_effect", outcome, "retention", "twins", outcome)

    return Family(
        "roll-out",
        [before.assign({"retention": SAVES}, start=WAVES)],
        {
            "staggered_effect": lambda seen: pd.concat(
                [
                    inc.staggered_effect(seen, outcome="saved_logged").tidy(),
                    inc.staggered_effect(seen, outcome="saved_true", detection=DETECTION).tidy(),
                ]
            )
        },
        (asked("saved_logged"), asked("saved_true")),
        _truth_of_roll_out,
        same=[before],
        months=LONG,
    )


def _truth_of_roll_out(lived: Lived) -> dict[Key, float | Floats]:
    """Hold the teams that came under the scheme against themselves in worlds without it."""
    given = lived.firms.assignments[lived.firms.assignments["scheme"].astype(str) == "retention"]
    start = given.set_index(["run", "unit_id"])["from_month"]
    known: dict[Key, float | Floats] = {}
    for outcome in ("logged", "true"):
        shares = []
        for each in (lived.firms, lived.twins):
            served = _served(each)
            saved = served[f"{outcome}_outcome"] == "saved"
            shares.append(_per_100(served, saved, ["run", "team", "month"]))
        gap = (shares[0] - shares[1]).dropna().rename("gap").reset_index()
        came = start.reindex(pd.MultiIndex.from_frame(gap[["run", "team"]])).to_numpy(float)
        under = gap[gap["month"] >= came]
        effect = under.groupby("run")["gap"].mean().mean()
        known["staggered_effect", f"saved_{outcome}", "retention"] = float(effect)
    return known


# ── half of the teams with a monthly target for sales ────────────────────────────────────────────

THRESHOLD = 14
TARGET = inc.Wage() + inc.Target("sales", THRESHOLD, lump=12.0)
WINDOW = {"excess": (THRESHOLD, THRESHOLD + 3), "missing": (THRESHOLD - 5, THRESHOLD - 1)}
EDGE = 3  # days at either end of a month


def with_a_target() -> Family:
    """Give worlds with a lump for so many sales a month, contact by contact."""
    twice = {"floor.teams": 2 * TEAMS, "floor.customers": 900 * TEAMS * SEATS}
    floors = {
        label: half_as_busy(scheme, label, **twice)
        for label, scheme in {"wage": WAGE, "target": TARGET}.items()
    }
    piles = tuple(
        Asked("bunching", name, "target", "twins", name, "difference in bunching")
        for name in (*WINDOW, "payments_moved")
    )
    days = tuple(
        Asked("month_ends", name, "target", "twins", name)
        for name in ("excess", "dip", "new", "made")
    )
    return Family(
        "monthly target",
        [floors["wage"].assign({"wage": WAGE, "target": TARGET})],
        {
            "bunching": lambda seen: inc.bunching(seen, threshold=THRESHOLD, control="wage").tidy(),
            "month_ends": lambda seen: inc.month_ends(seen, control="wage").tidy(),
        },
        (*piles, *days),
        _truth_of_target,
        same=list(floors.values()),
        months=3,
        keep="contacts",
    )


def _truth_of_target(lived: Lived) -> dict[Key, float | Floats]:
    sales = lived.twins.agents["logged_sales"]
    shares = pd.DataFrame(
        {
            **{name: 100.0 * sales.between(*ends) for name, ends in WINDOW.items()},
            "paid": 100.0 * (sales >= THRESHOLD),
        }
    )
    level: Any = shares.groupby(_by_scheme(lived.twins, lived.twins.agents)).mean()
    gap = level.loc["target"] - level.loc["wage"]
    moved = 100 * (1 - level.loc["wage", "paid"] / level.loc["target", "paid"])
    piles = {"excess": gap["excess"], "missing": -gap["missing"], "payments_moved": moved}
    known: dict[Key, float | Floats] = {
        ("bunching", name, "target"): float(value) for name, value in piles.items()
    }
    return known | {
        ("month_ends", name, "target"): value for name, value in _calendar(lived.twins).items()
    }


def _calendar(twins: inc.Records) -> dict[str, float]:
    """Give what the target does to the parts of a month: logged sales per 100 contacts."""
    log = twins.contacts[twins.contacts["logged_outcome"] != "abandoned"]
    length = int(twins.runs["days_per_month"].iloc[0])
    day = log["day"].to_numpy() % length
    part = np.where(day >= length - EDGE, "last", np.where(day >= EDGE, "middle", "first"))
    part[(day < EDGE) & (log["month"] == 0).to_numpy()] = "opening"
    hits = {"sold": log["logged_outcome"] == "sale", "held": log["true_booked"] == "held_back"}
    mean: Any = 100.0 * pd.DataFrame(hits).groupby([_by_scheme(twins, log), part]).mean()
    gap = mean.loc["target"] - mean.loc["wage"]
    excess = float(gap.loc["last", "sold"] - gap.loc["middle", "sold"])
    dip = float(gap.loc["middle", "sold"] - gap.loc["first", "sold"])
    made = excess + float(gap.loc["last", "held"])
    return {"excess": excess, "dip": dip, "new": excess - dip, "made": made}


# ── centres that audit one, three or nine contacts of a hundred ──────────────────────────────────

RATES = (0.01, 0.03, 0.09)


def checked() -> Family:
    """Give firms of nine centres, alike but for how often contacts are audited."""
    small = {"floor.teams": 4, "floor.customers": 1100 * 4 * SEATS, "audit.on_saves": 0.0}
    centre = contractor(**small, scheme=SAVES, label="retention")
    return Family(
        "audits vary",
        [centre.change({"audit.rate": rate}) for rate in RATES],
        {"deterrence": lambda seen: inc.deterrence(seen, detection=DETECTION, dealt=True).tidy()},
        (Asked("deterrence", "elasticity", "retention", "all worlds", "elasticity", "audited"),),
        _truth_of_deterrence,
        replications=3,
    )


def _truth_of_deterrence(lived: Lived) -> dict[Key, float | Floats]:
    """Give the slope of log gaming on log chance, of all contacts and as it happened."""
    served = _served(lived.firms)
    gamed = served["n"].where(served["true_gaming"] != "none", 0)
    sums = pd.DataFrame({"n": served["n"], "gamed": gamed}).groupby(served["run"]).sum()
    chance = np.repeat(RATES, len(sums) // len(RATES))  # runs go centre by centre
    fit = sm.GLM(
        sums["gamed"].to_numpy(float),
        sm.add_constant(np.log(chance)),
        family=sm.families.Poisson(),
        offset=np.log(sums["n"].to_numpy(float)),
    ).fit()
    return {("deterrence", "elasticity", "retention"): float(fit.params[1])}


# ── two kinds of agents, all under the wage before they are paid little or much ──────────────────

PRICES = {"before": 0.0, "low": 4.0, "high": 8.0}


def two_kinds() -> Family:
    """Give worlds with agents of two kinds, alike within a kind; many checks deter them little.

    The loyal hardly game, so that their response is at the edge.
    """
    kinds = {each.name: each for each in inc.Workforce().archetypes}
    centre = contractor(
        **{
            "scheme": WAGE,
            "workforce.archetypes": tuple(
                replace(kinds[name], share=0.5) for name in ("mercenary", "loyal")
            ),
            "workforce.tastes": 0.1,
            "conscience.spread": 0.1,
            "conscience.ability": 0.0,
            "routing.retention": 1.0,
            "floor.teams": 12,
            "floor.team_size": 4,
            "floor.customers": 1000 * 48,
            "audit.rate": 0.3,
            "audit.on_saves": 0.5,
            "audit.penalty": 10.0,
        }
    )
    paid = {name: inc.Wage() + inc.PieceRate("saves", PRICES[name]) for name in ("low", "high")}
    return Family(
        "two kinds of agents",
        [centre.assign(paid, unit="agent", start=MONTHS)],
        {"agent_types": lambda seen: inc.agent_types(seen, money=PRICES, classes=2).tidy()},
        tuple(
            Asked(
                "agent_types",
                question,
                term,
                "all worlds",
                question,
                "latent classes",
                edge=(question, term) == ("response", "class 2"),
            )
            for question, term in (
                ("response", "class 1"),
                ("response", "class 2"),
                ("response", "class 1 less class 2"),
                ("share", "class 1"),
            )
        ),
        _truth_of_kinds,
        months=2 * MONTHS,
    )


def _truth_of_kinds(lived: Lived) -> dict[Key, float | Floats]:
    """Give, by kind, the slope on money of what checks of every contact would find."""
    how = ["true_gaming", "logged_outcome"]
    gamed = lived.firms.audits[lived.firms.audits["true_gaming"] != "none"]
    seen = (gamed["found"] != "none").groupby([gamed[name] for name in how], observed=True).mean()
    who = ["run", "month", "agent"]
    served = _served(lived.firms).merge(lived.firms.agents[[*who, "true_kind"]], on=who)
    served = served.merge(seen.rename("seen").reset_index(), on=how, how="left")
    served["money"] = served["scheme"].astype(str).map(PRICES)
    kind = served["true_kind"].astype(str)
    shares = _per_100(served.assign(kind=kind), served["seen"].fillna(0.0), ["kind", "money"])
    slope = {
        name: float(np.polyfit(own.index.get_level_values("money"), own.to_numpy(), 1)[0])
        for name, own in shares.groupby("kind")
    }
    agents = lived.firms.agents.drop_duplicates(["run", "agent", "hire"])
    mercenary = 100 * float((agents["true_kind"] == "mercenary").mean())
    return {
        ("agent_types", "response", "class 1"): slope["mercenary"],
        ("agent_types", "response", "class 2"): slope["loyal"],
        ("agent_types", "response", "class 1 less class 2"): slope["mercenary"] - slope["loyal"],
        ("agent_types", "share", "class 1"): mercenary,
    }


# ── two kinds of agents who both lie, seen as they choose ────────────────────────────────────────

LIAR, HONEST = "mercenary", "loyal"
STIRRING = ("A2", "A3", "A4", "A5", "A6", "A7", "A8", "P4")  # what moves tastes from day to day
TASTES = {"pay": 1.0, "care": 0.0}, {"pay": 0.8, "care": 0.25}
COST = {LIAR: -0.6, HONEST: -0.5}  # conscience, stakes against the mean
SAVES_AND_SALES = {"little": (4.0, 2.0), "much": (9.0, 6.0)}


def by_menus() -> Family:
    """Give worlds with agents of two kinds, alike within a kind, and all that they chose from.

    What moves tastes from day to day is off, so that they are known.
    """
    kinds = tuple(
        inc.Archetype(
            name=name,
            share=0.5,
            risk=0.0,
            effort=0.1,
            fear=1.2,
            standing=0.25,
            client=0.01,
            employer=0.03,
            conscience=COST[name],
            **tastes,
        )
        for name, tastes in zip(COST, TASTES, strict=True)
    )
    centre = contractor(
        **{
            "scheme": WAGE,
            "workforce.archetypes": kinds,
            "workforce.tastes": 0.0,
            "conscience.spread": 0.0,
            "conscience.ability": 0.0,
            "floor.team_size": 2,
            "floor.customers": 14_000,
        }
    ).without(*STIRRING)
    paid = {
        name: inc.Wage() + inc.PieceRate("saves", saves) + inc.PieceRate("sales", sales)
        for name, (saves, sales) in SAVES_AND_SALES.items()
    }
    return Family(
        "two kinds of agents, by their menus",
        [centre.assign(paid, unit="agent")],
        {"taste_classes": lambda lived: inc.taste_classes(lived, classes=2).tidy()},
        tuple(
            Asked(
                "taste_classes", taste, f"class {k + 1}", "as it was set", taste, "latent classes"
            )
            for k in range(2)
            for taste in ("pay", "effort", "conscience", "fear", "care")
        ),
        _truth_of_tastes,
        months=1,
        choices=1.0,
    )


def _truth_of_tastes(_: Lived) -> dict[Key, float | Floats]:
    """Give what made the choices: the tastes as they were set, by the scale of the noise or pay."""
    conscience = inc.Conscience()
    known: dict[Key, float | Floats] = {}
    for k, (name, tastes) in enumerate(zip(COST, TASTES, strict=True)):
        pay = tastes["pay"]
        cost = conscience.stake * (conscience.mean + conscience.culture + COST[name])
        values = {
            "pay": pay / (conscience.noise * conscience.stake),
            "effort": 0.1 / pay,
            "conscience": cost / pay,
            "fear": 1.2 / pay,
            "care": tastes["care"] / pay,
        }
        known |= {("taste_classes", t, f"class {k + 1}"): value for t, value in values.items()}
    return known


# ── whom to audit first ──────────────────────────────────────────────────────────────────────────

SIGNS = ("G1", "G2", "G3")
LEVEL = 0.002  # an agent truly games who games more than 2 in 1000 contacts by one of these
VAIN = ("audit_priorities", "flagged in vain", "retention")


def suspects() -> Family:
    """Give worlds with enough agents and months for their logs to be told apart."""
    size = {"floor.teams": 12, "floor.team_size": 4, "floor.customers": 1100 * 48}
    return Family(
        "more agents",
        [contractor(**size).assign(SCHEMES)],
        {"audit_priorities": _expected_in_vain},
        (Asked(*VAIN, "its own world", "vain"),),
        _truth_of_suspects,
        months=3,
        keep="contacts",
    )


def _expected_in_vain(seen: inc.Records) -> pd.DataFrame:
    """Give what the list says: of 100 agents flagged, so many in vain. It has no interval."""
    listed = inc.audit_priorities(seen, control="wage").tidy()
    flagged = listed[listed["flagged"]]
    if flagged.empty:
        raise ValueError("nobody was flagged")
    row = {**dict.fromkeys(NUMBERS, np.nan), "estimate": 100 * flagged["lfdr"].mean()}
    return pd.DataFrame(
        [{**row, "estimand": "vain", "term": VAIN[2], "group": "", "unit": "per 100 agents"}]
    )


def _truth_of_suspects(lived: Lived) -> dict[Key, float | Floats]:
    """Give the share of those flagged who truly did not game; none where nobody was flagged."""
    vain = []
    for firm in firms_of(lived.firms, 1):
        served = firm.contacts[firm.contacts["ended"] == "served"]
        games = served["true_gaming"].isin(SIGNS).groupby([served["agent"], served["hire"]]).mean()
        listed = inc.audit_priorities(firm.seen_by("analyst"), control="wage").tidy()
        who = pd.MultiIndex.from_frame(listed.loc[listed["flagged"], ["agent", "hire"]])
        vain.append(100 * float((games.loc[who] <= LEVEL).mean()))
    return {VAIN: np.array(vain)}


FAMILIES: dict[str, Family] = {
    "paid": paid_for_saves(),
    "unpaid": nobody_paid(),
    "wishes": many_wishes(),
    "honest": honest(),
    "roll-out": rolled_out(),
    "target": with_a_target(),
    "checked": checked(),
    "kinds": two_kinds(),
    "menus": by_menus(),
    "suspects": suspects(),
}
"""Kinds of worlds, by a short name."""
