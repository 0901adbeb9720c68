"""Write the API page and the tables of mechanisms, actions, parameters and data from the code.

``conf.py`` calls :func:`write` before a build. What is written is never edited and never committed.
"""

import ast
import dataclasses
import inspect
import re
import runpy
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

import incentives
from incentives import menu, scenario
from incentives.estimates.contract.templates import as_markdown
from incentives.mechanism import all_mechanisms

API = """\
# The public names

What is on this page is meant to be used and goes through a deprecation before it changes. It is
imported as `import incentives as inc`; a name with an underscore, and a module that is not listed
here, may change on any day.
"""

TESTS = Path(__file__).resolve().parent.parent / "tests"

MATTERS = Path(__file__).resolve().with_name("matters.py")

SECTION = re.compile(r"\n+(?=[A-Z][A-Za-z ]+\n-{3,}\n)")  # where a docstring's sections begin


def write(docs: Path) -> None:
    """Write every generated page under the folder of the docs."""
    made = docs / "_generated"
    made.mkdir(exist_ok=True)
    _refresh(docs / "reference" / "api.md", api(public_groups()))
    _refresh(made / "mechanisms.md", mechanisms())
    _refresh(made / "actions.md", table(menu.action_table()))
    _refresh(made / "parameters.md", parameters(scenario.parameter_table()))
    _refresh(made / "data.md", as_markdown())
    _refresh(made / "experiments.md", experiments(docs.parent / "experiments"))
    for name in ("speed", "speed_profile"):
        _refresh(made / f"{name}.md", measured(pd.read_csv(docs / "explanation" / f"{name}.csv")))
    _refresh(made / "recovery.md", recovery(pd.read_csv(docs / "explanation" / "recovery.csv")))
    _refresh(made / "few_teams.md", few_teams(pd.read_csv(docs / "explanation" / "few_teams.csv")))


def experiments(folder: Path) -> str:
    """Lay out what each experiment asks: the first line of its docstring."""
    rows = ["| script | what it asks or shows |", "| --- | --- |"]
    for script in sorted(folder.glob("[!_]*.py")):
        said = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
        rows.append(f"| `{script.stem}` | {said.splitlines()[0]} |")
    return "\n".join(rows) + "\n"


def public_groups() -> dict[str, list[str]]:
    """Read the groups of public names: a comment line inside ``__all__`` opens each group."""
    source = inspect.getsource(incentives)
    for node in ast.parse(source).body:
        names = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(name, ast.Name) and name.id == "__all__" for name in names):
            lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
            break
    else:
        raise LookupError("incentives/__init__.py has no __all__")
    groups: dict[str, list[str]] = {}
    title = ""
    for line in lines[1:-1]:
        text = line.strip()
        if text.startswith("#"):
            title = text.removeprefix("#").strip()
        else:
            entries = ast.literal_eval(f"[{text.split('#')[0]}]")
            groups.setdefault(title, []).extend(entries)
    return groups


def api(groups: dict[str, list[str]]) -> str:
    """Lay the public names out as the API page, one summary table a group."""
    parts = [API]
    for title, names in groups.items():
        parts += [f"## {title[:1].upper()}{title[1:]}", "", "```{eval-rst}"]
        parts += [
            ".. currentmodule:: incentives",
            "",
            ".. autosummary::",
            "   :toctree: generated",
            "",
        ]
        parts += [f"   {name}" for name in names] + ["```", ""]
    return "\n".join(parts)


def signatures() -> dict[str, tuple[str, str]]:
    """Read where the tests show each mechanism's signature: file and test, by id."""
    return dict(runpy.run_path(str(TESTS / "signatures.py"))["SIGNATURES"])


def matters() -> dict[str, tuple[str, str]]:
    """Read where each mechanism matters: a scenario that ships and an experiment, by id."""
    return dict(runpy.run_path(str(MATTERS))["MATTERS"])


def rules() -> dict[str, str]:
    """Read in which function each mechanism's rule begins, by id."""
    return dict(runpy.run_path(str(MATTERS))["RULES"])


def index() -> str:
    """Tabulate the mechanisms: id, title, where each stands, is tested, and matters."""
    shown, where, begins = signatures(), matters(), rules()
    blocks = {type(value): name for name, value in vars_of(scenario.Scenario()).items()}
    rows = [
        {
            "id": kind.id,
            "mechanism": kind.title,
            "block of a scenario": f"`[{blocks[kind]}]`" if kind in blocks else "`scheme`",
            "home": f"`{kind.__module__.replace('.', '/')}.py`",
            "its rule": f"`{begins[kind.id]}`",
            "signature": "`{}::{}`".format(*shown[kind.id]),
            "scenario in which it matters": f"`{where[kind.id][0]}`",
            "experiment in which it matters": f"`experiments.{where[kind.id][1]}`",
        }
        for kind in all_mechanisms()
    ]
    return table(pd.DataFrame(rows))


def vars_of(value: scenario.Scenario) -> dict[str, object]:
    """Give a scenario's fields by name."""
    return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}


def mechanisms() -> str:
    """List each mechanism: its id, what it says, and its parameters."""
    parts = [index()]
    for kind in all_mechanisms():
        text = SECTION.split(inspect.cleandoc(kind.__doc__ or ""))[0].strip()
        rows = [item._asdict() for item in kind.parameters()]
        parts.append(f"## {kind.id}: {kind.title}\n\n```{{eval-rst}}\n{text}\n```\n")
        parts.append(parameter_rows(pd.DataFrame(rows)) if rows else "It has no parameters.\n")
    return "\n".join(parts)


def parameters(frame: pd.DataFrame) -> str:
    """Lay out every parameter of a scenario, a section a block."""
    parts = []
    for block, rows in frame.groupby("block", sort=False):
        parts.append(f"## `[{block}]`\n\n{parameter_rows(rows.drop(columns='block'))}")
    return "\n".join(parts)


def parameter_rows(frame: pd.DataFrame) -> str:
    """Lay parameters out with their range in one column."""
    shown = frame.rename(columns={"name": "parameter"})
    ends = zip(shown["low"].map(cell), shown["high"].map(cell), strict=True)
    shown["parameter"] = "`" + shown["parameter"].astype(str) + "`"
    shown["range"] = [f"{low} to {high}" for low, high in ends]
    columns = ["parameter", "default", "unit", "range", "source"]
    if shown["moves"].any():
        shown["raises or lowers"] = shown["moves"].map(raises_or_lowers)
        columns.insert(4, "raises or lowers")
    return table(shown[columns])


def raises_or_lowers(moves: str) -> str:
    """Say in words what a parameter moves, going from its low to its high end."""
    verbs = {"+": "raises", "-": "lowers"}
    return f"{verbs[moves[0]]} {moves[1:].strip()}" if moves else ""


def measured(found: pd.DataFrame) -> str:
    """Lay out what the benchmark left behind, with numbers of three digits."""
    digits = {name: found[name].map("{:.3g}".format) for name in found.select_dtypes("float")}
    return table(found.assign(**digits).rename(columns=lambda name: name.replace("_", " ")))


def recovery(found: pd.DataFrame) -> str:
    """Lay out how near each answer came to the truth, a table a world, as experiments left it.

    A coverage that chance alone would seldom make of 95 % stands in bold; one of a truth that
    is held too often, for a reason that the page gives, has a dagger.
    """
    parts = []
    for world, rows in found.groupby("world", sort=False):
        covered = with_error(rows, "coverage")
        inside = rows["coverage"].between(rows["band_low"], rows["band_high"])
        spared = rows["edge"] & (rows["coverage"] > rows["band_high"])
        shown = pd.DataFrame(
            {
                "answer": "`" + rows["answer"] + "`",
                "question": rows["question"].str.replace("_", " "),
                "of": rows["term"],
                "truth": with_error(rows, "truth"),
                "bias": with_error(rows, "bias"),
                "coverage of 95 % intervals": covered.where(
                    inside | spared | (covered == ""), "**" + covered + "**"
                ).where(~spared, covered + " †"),
                "found (p < .05)": with_error(rows, "power"),
            }
        )
        sims = rows["sims"].iloc[0]
        parts.append(f"### {world[:1].upper()}{world[1:]}: {sims} worlds\n\n{table(shown)}")
    return "\n".join(parts)


METHODS = {
    "welch": "Welch (default)",
    "cluster": "one error for both (CR1)",
    "wild": "wild bootstrap",
    "randomisation": "randomisation",
}
COUNTED = {"saves_logged": "saves as logged", "saves_true": "true saves, by audits"}


def few_teams(found: pd.DataFrame) -> str:
    """Lay out how many intervals of each method held the truth, as experiments left it."""
    held = found["held"].astype(str) + " of " + found["worlds"].astype(str)
    keys = ["teams", "question"]
    wide = found.assign(held=held).pivot_table(
        index=keys, columns="method", values="held", aggfunc="first"
    )
    rows = wide[list(METHODS)].rename(columns=METHODS).reset_index()
    question = rows["question"].map(COUNTED)
    return table(rows.assign(question=question).rename(columns={"question": "interval for"}))


def with_error(rows: pd.DataFrame, name: str) -> "pd.Series[str]":
    """Write values with their Monte-Carlo errors in parentheses; none where there is no value."""
    values = rows[name].map("{:.3g}".format)
    errors = rows[f"{name}_mc_error"].map("{:.2g}".format)
    return (values + " (" + errors + ")").where(rows[name].notna(), "")


def table(frame: pd.DataFrame) -> str:
    """Write a frame as a Markdown table."""
    if frame.index.name:
        frame = frame.reset_index()
    lines = [row(frame.columns), row("---" for _ in frame.columns)]
    lines += [row(cell(value) for value in values) for values in frame.itertuples(index=False)]
    return "\n".join(lines) + "\n"


def row(cells: Iterable[str]) -> str:
    """Write one row of a Markdown table."""
    return "| " + " | ".join(str(text) for text in cells) + " |"


def cell(value: object) -> str:
    """Write a value for a person: short numbers, no bars that would end the cell."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if value != value else f"{value:g}".replace("inf", "∞")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(cell(item) for item in value)
    return " ".join(str(value).replace("|", "\\|").split())


def _refresh(path: Path, text: str) -> None:
    """Write only what changed, so that Sphinx rebuilds only that."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
