"""A report on a firm's records: what pay did to gaming and to churn, and how sure that is.

Use `report` to ask questions of records, and `Report.save` to write the answers: one HTML page that
holds its own figures, the same in Markdown, and every table as a file. The checks that failed come
first, what could not be answered is said with the reason, and each conclusion is a sentence made
from the sign and the interval of an estimate, which names the checks that failed it.
"""

import base64
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pandas as pd

from incentives import estimates
from incentives.estimates.audits import targeted
from incentives.estimates.comparison import listed, require, since_apart, unknown
from incentives.estimates.result import Check
from incentives.estimates.scheme import indicators
from incentives.records import Records
from incentives.tables import to_markdown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["QUESTIONS", "Answer", "Report", "report"]

SHOWN = ["contrast", "term", "estimand", "group", "estimator", "target", "estimate"]
SHOWN += ["conf_low", "conf_high", "p_value", "unit"]
LONGEST = 20  # rows of a list of agents

NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]\d+)?"
ENDLESS = {  # intervals without an end, as readings have them, and what to say instead
    r"\(-inf to \+?inf[^()]*\)": "(the data cannot tell)",
    r"-inf to \+?inf": "anything, as far as the data can tell",
    rf"-inf to ({NUMBER})": r"\1 or less",
    rf"({NUMBER}) to \+?inf\b": r"\1 or more",
}
METHOD = re.compile(  # the column `inference` where clusters make the interval
    r"(?P<drawn>[\w -]+) \((?:order of )?(?P<unit>[a-z]+?)s?(?P<paired>, paired)?\), (?P<how>.+)"
)

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff; }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2.5rem; border-top: 1px solid #ddd; padding-top: 1rem; }
table { border-collapse: collapse; font-size: 0.85rem; display: block; overflow-x: auto; }
th, td { padding: 0.2rem 0.7rem; border-bottom: 1px solid #ddd; vertical-align: top; }
td:first-child { white-space: nowrap; }
pre { background: #f6f6f6; padding: 0.8rem; overflow-x: auto; font-size: 0.8rem; }
img { max-width: 100%; }
@media (max-width: 32rem) {
  ul { padding-left: 1.2rem; }
  th, td { padding: 0.2rem 0.35rem; }
}
"""


class Result(Protocol):
    """What the report needs of an answer, whichever question it is of."""

    @property
    def question(self) -> str:
        """The title, in words."""
        ...

    @property
    def reading(self) -> str:
        """The conclusion, in a sentence."""
        ...

    @property
    def checks(self) -> Sequence[Check]:
        """What the answer rests on."""
        ...

    def tidy(self) -> pd.DataFrame:
        """Give the numbers."""
        ...

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw them."""
        ...


class Asked(NamedTuple):
    """How the questions are to be asked."""

    by: str
    control: str
    horizon: int
    threshold: int | None = None
    money: Mapping[str, float] | None = None
    detection: float | Mapping[str, float] = 1.0
    indicator: str | None = None
    audits_dealt: bool = False
    covariates: Sequence[str] = ()

    @property
    def outcome(self) -> str:
        """The indicator, by the name that questions of the log and of audits have for it."""
        return self.indicator or "success"

    def counted(self, usual: str) -> str:
        """Give what questions of counts take for the indicator: whole numbers of a kind."""
        name = self.indicator or usual
        return {"save_rate": "saves", "success": usual}.get(name, name.removeprefix("logged_"))

    @property
    def arms(self) -> dict[str, Any]:
        """What is compared with what."""
        return {"by": self.by, "control": self.control}

    @property
    def leaving(self) -> dict[str, Any]:
        """The same where customers are followed, how long, and what they are alike in."""
        return {**self.arms, "horizon": self.horizon, "covariates": self.covariates}

    @property
    def checked(self) -> dict[str, Any]:
        """The same where audits answer, and how well they see."""
        return {**self.arms, "detection": self.detection}


class Question(NamedTuple):
    """What can be asked of records, and in words what is answered."""

    words: str
    ask: Callable[[Records, Asked], Result]
    of_indicator: bool = False  #: whether it is asked of any indicator


def _thresholds(seen: Records, asked: Asked) -> Result:
    if asked.threshold is None:
        raise ValueError("say with how many sales a month the bonus begins (threshold)")
    metric = asked.counted("sales")
    return estimates.bunching(seen, threshold=asked.threshold, metric=metric, **asked.arms)


def _types(seen: Records, asked: Asked) -> Result:
    if asked.money is None:
        raise ValueError("say what a logged save pays under each scheme (money)")
    logged = LOGGED.get(asked.counted("saves"), "saved")
    return estimates.agent_types(seen, money=asked.money, logged=logged)


def _rollout(seen: Records, asked: Asked) -> Result:
    name = asked.indicator or "success"
    outcome = f"{LOGGED.get(asked.counted(name), name)}_true"
    return estimates.staggered_effect(
        seen, control=asked.control, outcome=outcome, detection=asked.detection
    )


POINTED_TO = {"`staggered_effect`": "rollout", "true_effect": "truth"}  # by refusals of others

LOGGED = {"saves": "saved", "sales": "sale"}  # an indicator that counts, and what agents log

QUESTIONS: dict[str, Question] = {
    "gaming": Question(
        "How many more contacts are gamed under each scheme, as audits would find them?",
        lambda seen, asked: estimates.gaming_effect(seen, **asked.checked),
    ),
    "inflation": Question(
        "How much of what a scheme adds to the indicator happened, and how much is recording?",
        lambda seen, asked: estimates.kpi_inflation(seen, outcome=asked.outcome, **asked.checked),
        of_indicator=True,
    ),
    "effect": Question(
        "What does each scheme do to the indicator as it is logged?",
        lambda seen, asked: estimates.scheme_effect(seen, outcome=asked.outcome, **asked.checked),
        of_indicator=True,
    ),
    "truth": Question(
        "What does each scheme do to the indicator as it happened, by audits of each logged kind?",
        lambda seen, asked: estimates.true_effect(seen, outcome=asked.outcome, **asked.checked),
        of_indicator=True,
    ),
    "levels": Question(
        "How high is the indicator under each scheme, as it happened and as it is logged?",
        lambda seen, asked: estimates.true_rate(
            seen, outcome=asked.outcome, by=asked.by, detection=asked.detection
        ),
        of_indicator=True,
    ),
    "errors": Question(
        "What does each scheme do to the indicator where the log errs unlike under each?",
        lambda seen, asked: estimates.misclassified_effect(
            seen, outcome=asked.outcome, **asked.checked
        ),
        of_indicator=True,
    ),
    "churn": Question(
        "How many more customers leave under each scheme?",
        lambda seen, asked: estimates.churn_effect(seen, **asked.leaving),
    ),
    "reasons": Question(
        "Which way do they leave: on a contact, silently, or on discovering what was not done?",
        lambda seen, asked: estimates.competing_risks(seen, **asked.leaving),
    ),
    "priorities": Question(
        "Whose contacts should be audited first? An order, and no verdict on anybody.",
        lambda seen, asked: estimates.audit_priorities(seen, control=asked.control),
    ),
    "audits": Question(
        "How should as many audits as there were be spread over kinds of contacts?",
        lambda seen, _: estimates.optimal_audit(seen, audits=int((~targeted(seen.audits)).sum())),
    ),
    "rollout": Question(
        "What did a scheme do where teams came under it one after the other?",
        _rollout,
        of_indicator=True,
    ),
    "deterrence": Question(
        "How much less is gamed where more is audited?",
        lambda seen, asked: estimates.deterrence(
            seen, detection=asked.detection, dealt=asked.audits_dealt
        ),
    ),
    "thresholds": Question(
        "How many agents are moved up to the count at which a bonus begins?",
        _thresholds,
        of_indicator=True,
    ),
    "month_ends": Question(
        "How much is moved to the last days of a month?",
        lambda seen, asked: estimates.month_ends(seen, metric=asked.counted("sales"), **asked.arms),
        of_indicator=True,
    ),
    "types": Question(
        "Are there kinds of agents, whom money moves to game and whom it does not?",
        _types,
        of_indicator=True,
    ),
    "spread": Question(
        "How far do agents differ, beyond chance?",
        lambda seen, asked: estimates.agent_spread(seen, outcome=asked.counted("saves")),
        of_indicator=True,
    ),
}
"""What can be asked, by the name that the command knows it by."""


class Answer(NamedTuple):
    """A question with its result, or with the reason for which it was refused."""

    name: str
    result: Result | None
    refused: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Answers to the questions asked of one set of records.

    Parameters
    ----------
    title
        The heading.
    facts
        What was read, frames and how many rows each has, and how well audits are taken to see.
    answers
        In the order in which they were asked.
    """

    title: str
    facts: str
    answers: tuple[Answer, ...]

    def in_short(self) -> list[tuple[str, str]]:
        """Give a sentence for each question that has an answer, with the checks that failed."""
        return [
            (answer.name, f"{_said(answer.result)}{_doubts(answer.result.checks)}.")
            for answer in self.answers
            if answer.result is not None
        ]

    def markdown(self) -> str:
        """Write the report as Markdown; figures stand beside it as ``<question>.png``."""
        in_short = "\n".join(f"- **{name}**: {said}" for name, said in self.in_short())
        parts = [f"# {self.title}", self.facts, "## Checks that failed", self._failed()]
        parts += ["## In short", in_short]
        for answer in self.answers:
            if answer.result is not None:
                parts += _section(answer.name, answer.result)
        refused = [f"- **{a.name}**: {a.refused}." for a in self.answers if a.result is None]
        if refused:
            parts += ["## What could not be answered", "\n".join(refused)]
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        """Write the same as one HTML page that holds its figures."""
        from markdown_it import MarkdownIt

        body = MarkdownIt("commonmark", {"html": False}).enable("table").render(self.markdown())
        figures = self.figures()

        def held(found: re.Match[str]) -> str:
            encoded = base64.b64encode(figures[found[1]]).decode("ascii")
            return f'src="data:image/png;base64,{encoded}"'

        body = re.sub(r'src="([a-z_]+\.png)"', held, body)
        head = "<meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        head += f"<title>{escape(self.title)}</title><style>{STYLE}</style>"
        return (
            f"<!doctype html>\n<html lang='en'><head>{head}</head>\n<body>\n{body}</body></html>\n"
        )

    def figures(self) -> dict[str, bytes]:
        """Draw each answer, as PNG, by the name of its file."""
        return {f"{a.name}.png": _drawn(a.result) for a in self.answers if a.result is not None}

    def save(self, folder: str | Path) -> Path:
        """Write report.html, report.md, a figure and a table for each answer into a folder.

        Each file is written whole or not at all.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        files: dict[str, bytes] = {
            "report.html": self.html().encode("utf-8"),
            "report.md": self.markdown().encode("utf-8"),
            **self.figures(),
        }
        for answer in self.answers:
            if answer.result is not None:
                files[f"{answer.name}.csv"] = answer.result.tidy().to_csv(index=False).encode()
        for name, content in files.items():
            partial = folder / f"{name}.part"
            partial.write_bytes(content)
            partial.replace(folder / name)
        return folder

    def _failed(self) -> str:
        rows = [
            {"question": answer.name, **_told(check)}
            for answer in self.answers
            if answer.result is not None
            for check in answer.result.checks
            if not check.passed
        ]
        refused = sum(answer.result is None for answer in self.answers)
        parts = [to_markdown(pd.DataFrame(rows)) if rows else "None."]
        if refused == len(self.answers):
            parts = ["No question could be answered, so nothing was checked."]
        elif refused:
            parts += [f"{refused} of {len(self.answers)} questions could not be answered."]
        return "\n\n".join(parts)


def report(
    records: Records,
    questions: Iterable[str] = tuple(QUESTIONS),
    *,
    control: str,
    by: str = "scheme",
    horizon: int | None = None,
    threshold: int | None = None,
    money: Mapping[str, float] | None = None,
    detection: float | Mapping[str, float] = 1.0,
    indicator: str | None = None,
    audits_dealt: bool = False,
    covariates: Sequence[str] = (),
    title: str = "What pay did to gaming and to churn",
) -> Report:
    """Ask questions of records and keep the answers, refusals among them.

    Parameters
    ----------
    records
        A firm's, as `read_records` gives them, or simulated ones.
    questions
        Names from `QUESTIONS`.
    control
        The scheme that the others are compared with.
    by
        ``"scheme"``, or a column of `runs` in which whole worlds differ.
    horizon
        Month by which churn is counted; as far as the records go, at most 12, if left out.
    threshold
        Sales (or what the indicator counts) a month from which a bonus is paid; the question
        "thresholds" needs it.
    money
        What a logged save pays, by scheme (money), or a sale if that is the indicator; the
        question "types" needs it.
    detection
        The chance that an audit recognises a gamed contact, as for `gaming_effect`.
    indicator
        What is asked about, an outcome of `scheme_effect`: ``"success"``, ``"saves"``,
        ``"sales"``, ``"save_rate"``, ``"handle_minutes"``, ... Questions of counts take saves for
        the save rate; those that cannot be asked of it say so. Sales and saves together, or what
        is usual for the question, if left out.
    audits_dealt
        Whether chances of audit were dealt at random, as for `deterrence`.
    covariates
        Columns of `customers` in which customers of the schemes may differ, such as
        ``"tenure_band"``: the questions "churn" and "reasons" compare over one mix of them.
    title
        Heading of the report.

    Raises
    ------
    KeyError
        A question is not among those that can be asked, `by` is no column of `runs`, `control` is
        none of the arms, or the indicator is not in the records.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500), audit=inc.Audit(rate=0.2))
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    >>> records = inc.simulate(centre.vary(scheme=schemes), replications=4, months=2, rng=1)
    >>> found = report(records, ["gaming"], control="wage")
    >>> found.markdown().splitlines()[0]
    '# What pay did to gaming and to churn'
    """
    seen = records.seen_by("analyst")
    _refuse_strange(seen, by, control)
    horizon = _horizon(seen, by) if horizon is None else horizon
    if indicator is not None and indicator not in (known := indicators(seen)):
        raise unknown(indicator, known, what="indicator", where="records")
    asked = Asked(
        by, control, horizon, threshold, money, detection, indicator, audits_dealt, covariates
    )
    named = list(questions)
    for name in named:
        if name not in QUESTIONS:
            raise unknown(name, QUESTIONS, what="question", where="what can be asked")
    about = [*_about(indicator, named), *_alike(covariates, named)]
    facts = " ".join([_facts(seen), *_found(seen), *_detected(seen, detection), *about])
    return Report(title, facts, tuple(_answer(name, seen, asked) for name in named))


def _about(indicator: str | None, named: Sequence[str]) -> list[str]:
    """Say what was asked of which indicator, for not every question is of one."""
    if indicator is None:
        return []
    of_it = [name for name in named if QUESTIONS[name].of_indicator]
    rest = "" if len(of_it) == len(named) else "; the other questions are of no indicator"
    return [f"Asked about the indicator {indicator}: {', '.join(of_it) or 'nothing'}{rest}."]


def _alike(covariates: Sequence[str], named: Sequence[str]) -> list[str]:
    """Say over which mix customers are compared, and for which questions."""
    followed = [name for name in ("churn", "reasons") if name in named]
    if not (covariates and followed):
        return []
    return [f"Customers are compared over one mix of {listed(covariates)}: {', '.join(followed)}."]


def _refuse_strange(seen: Records, by: str, control: str) -> None:
    """Refuse a comparison with what is not in the records, before any question is asked."""
    if by != "scheme" and by not in seen.runs:
        raise _of_field("by", unknown(by, seen.runs.columns, what="column", where="runs"))
    where = "assignments" if by == "scheme" else "runs"
    arms = require(getattr(seen, where), where, [by])[by].astype(str).unique()
    if control not in arms:
        raise _of_field("control", unknown(control, arms, what=by, where=where))


def _of_field(name: str, error: KeyError) -> KeyError:
    return KeyError(f"{name}: {error.args[0]}")


def _answer(name: str, seen: Records, asked: Asked) -> Answer:
    try:
        return Answer(name, QUESTIONS[name].ask(seen, asked))
    except (ValueError, KeyError) as error:
        reason = error.args[0] if error.args else error
        return Answer(name, None, _by_question(str(reason).rstrip(".")))


def _by_question(reason: str) -> str:
    """Name the question beside a function that a refusal points to, as the command knows it."""
    for function, question in POINTED_TO.items():
        reason = reason.replace(function, f"{function} (--question {question})")
    return reason


def _horizon(seen: Records, by: str) -> int:
    """Count the months on record since schemes came to differ, 12 at most."""
    customers = seen.customers
    if not len(customers):
        return 1
    try:
        customers = since_apart(seen, customers, by=by)
    except ValueError:  # a roll-out, of which the question of churn says so itself
        return 1
    return int(min(12, customers["month"].max() + 1))


def _facts(seen: Records) -> str:
    frames: Mapping[str, pd.DataFrame] = {
        name: getattr(seen, name) for name in ("cells", "audits", "customers", "assignments")
    }
    contacts = int(frames["cells"]["n"].sum()) if "n" in frames["cells"] else 0
    rest = ", ".join(f"{name} {len(frames[name]):,}" for name in list(frames)[1:])
    return f"Read: contacts {contacts:,}; rows of {rest}."


def _found(seen: Records) -> list[str]:
    """Say what audits found and how often, so that a misread word is seen."""
    if seen.audits.empty:
        return []
    kinds = seen.audits["found"].astype(str).value_counts()
    counts = ", ".join(f"{kind} {n:,}" for kind, n in kinds.items())
    return [f"Audits found: {counts}."]


def _detected(seen: Records, detection: float | Mapping[str, float]) -> list[str]:
    """Say how well audits are taken to see, where there are any."""
    if seen.audits.empty:
        return []
    if isinstance(detection, Mapping):
        each = ", ".join(f"{chance:.3g} for '{kind}'" for kind, chance in detection.items())
        said = (
            f"recognise a gamed contact with a chance that depends on its kind (detection {each})"
        )
    elif detection == 1:
        return ["Audits are taken to recognise every gamed contact (detection 1)."]
    else:
        said = f"recognise {100 * detection:.3g} of 100 gamed contacts (detection {detection:g})"
    return [f"Audits are taken to {said}; what they missed is added."]


def _doubts(checks: Sequence[Check]) -> str:
    """Name the checks that failed, for a sentence is quoted without their table."""
    failed = [check.name for check in checks if not check.passed]
    if not failed:
        return ""
    return f"; but {len(failed)} of {len(checks)} checks failed: {', '.join(failed)}"


def _said(result: Result) -> str:
    """Give the reading, in which an interval without an end is said in words."""
    said = result.reading
    for written, words in ENDLESS.items():
        said = re.sub(written, words, said)
    return said if said == result.reading else f"{said}{_least_p(result.tidy())}"


def _least_p(frame: pd.DataFrame) -> str:
    """Say how small a p value could have become, where assignments are dealt again."""
    found = frame["inference"].str.extract(r"\), (.+), p at least (\S+)$").dropna()
    if found.empty:
        return ""
    which, least = found.iloc[0]
    return f"; with {which} p is {least} or more, whatever the effect"


def _rests_on(result: Result) -> list[str]:
    """Say on what an answer rests, and by what the intervals of its headlines are made."""
    facts, frame = getattr(result, "facts", ""), result.tidy()  # a plan of audits has no facts
    said = [f"{facts[:1].upper()}{facts[1:]}."] if facts else []
    if "inference" in frame:
        heads = frame[~frame["term"].duplicated()].groupby("inference", sort=False)
        made = [_by_method(str(inference), rows) for inference, rows in heads]
        said += [f"95 % intervals {'; '.join(made)}."]
    return [" ".join(said)] if said else []


def _by_method(inference: str, rows: pd.DataFrame) -> str:
    """Put the column `inference` into words, with the clusters and the audits of its rows."""
    known = METHOD.match(inference)
    said = f"by {_on_clusters(known, rows['n_clusters']) if known else inference}"
    if rows["df"].notna().any() and not (known and known["drawn"] != "cluster"):
        said += f" with {_range(rows['df'])} degrees of freedom"
    if rows["n_audits"].notna().any():
        said += f"; {_range(rows['n_audits'])} audits"
    return said


def _on_clusters(known: re.Match[str], clusters: "pd.Series[int]") -> str:
    on = f"on {_range(clusters)} {known['unit']}s{known['paired'] or ''}"
    if known["drawn"] == "cluster":
        return f"{known['how'].removesuffix(', t')} {on}"
    return f"{known['drawn']} {on}: {known['how']}"


def _range(numbers: "pd.Series[Any]") -> str:
    """Give a number, or the least and the largest."""
    ends = [f"{end:,.1f}".removesuffix(".0") for end in (numbers.min(), numbers.max())]
    return " to ".join(dict.fromkeys(ends))


def _section(name: str, result: Result) -> list[str]:
    """Write what was found for one question."""
    said = _said(result)
    passed = [check.name for check in result.checks if check.passed]
    frame = result.tidy()
    shown = _told_apart(frame) if "estimand" in frame else frame.head(LONGEST).round(3)
    more = [] if len(shown) == len(frame) else [f"The first {LONGEST} of {len(frame)} rows."]
    return [
        f"## {result.question}",
        f"*{name}: {QUESTIONS[name].words}*",
        f"{said[:1].upper()}{said[1:]}.",
        *_rests_on(result),
        f"![{result.question}]({name}.png)",
        to_markdown(shown),
        *more,
        f"{len(passed)} of {len(result.checks)} checks passed: {', '.join(passed) or 'none'}.",
    ]


def _told_apart(frame: pd.DataFrame) -> pd.DataFrame:
    """Choose the columns of a tidy table that tell its rows apart, and the numbers."""
    shown = frame[[column for column in SHOWN if column in frame]]
    empty = [name for name in shown if shown[name].isin([""]).all() or shown[name].isna().all()]
    shown = shown.drop(columns=empty)
    idle = ["term"] if _contrasts_tell(shown) else []
    idle += ["target"] if (shown["target"] == shown["target"].iloc[0]).all() else []
    return shown.drop(columns=idle)


def _contrasts_tell(shown: pd.DataFrame) -> bool:
    """Whether contrasts name the terms: classes of agents, say, all have the same contrast."""
    if not {"contrast", "term"} <= set(shown) or (shown["contrast"] == "").any():
        return False
    words = shown.iloc[:, : list(shown).index("estimate")]
    without = words.drop(columns="term")
    return len(without.drop_duplicates()) == len(words.drop_duplicates())


def _told(check: Check) -> dict[str, Any]:
    return {
        "check": check.name,
        "value": f"{check.value:.3g}",
        "asked": f"{check.threshold:.3g}",
        "what it means": check.advice,
    }


def _drawn(result: Result) -> bytes:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    try:
        result.plot(ax=axes)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=144, metadata={"Software": None})
        return file.getvalue()
    finally:
        plt.close(figure)
