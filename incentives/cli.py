"""The command `incentives`: run a scenario, compare its pay schemes, look up what is in the model.

A thin layer: every command is a call or two of the public names. Slow packages are imported by the
commands that need them, so that help comes at once. Whatever is wrong with the input gets one line
on standard error and exit code 2, and an output folder is written whole or not at all.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    import pandas as pd

    from incentives.comparison import Comparison
    from incentives.records import Keep, Records
    from incentives.scenario import Scenario

__all__ = ["main"]

PACKAGES = ("incentives", "numpy", "pandas", "numba", "scipy", "statsmodels", "joblib", "pyarrow")
WRONG_INPUT = 2
STOPPED = 130  # as a shell has it for Ctrl-C

SHOWN = (
    "contacts",
    "abandoned",
    "service_level",
    "occupancy",
    "handle_time",
    "save_rate_logged",
    "save_rate_true",
    "sales_logged",
    "sales_true",
    "gamed",
    "cut_off",
    "churn",
    "quits",
    "pay",
    "revenue",
)
"""Outcomes on the screen; files hold them all."""


# -- what goes wrong ----------------------------------------------------------------------------


class OneLine(click.Group):
    """A group of commands that says what is wrong with the input in one line, with exit code 2."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; errors of the input end the process with one line."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _warn
                code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.exit(code or 0)
        except click.ClickException as error:
            _refuse(error.format_message())
        except click.Abort:
            _stop()
        except SystemError as error:  # what Ctrl-C becomes when it meets compiled code
            if not isinstance(error.__cause__, KeyboardInterrupt):
                raise
            _stop()
        except BrokenPipeError:  # whoever read our output has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; turn what the library refuses into an error of the input."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (ValueError, KeyError, OSError) as error:
            if ctx.params.get("traceback"):
                raise
            text = error.args[0] if isinstance(error, KeyError) and error.args else error
            raise click.UsageError(str(text)) from error


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """Say a warning in a line, without the place in the code that it came from."""
    click.echo("warning: " + " ".join(str(message).split()), err=True)


def _refuse(message: str) -> None:
    message = message.replace("write_templates", "incentives template")  # as it is typed here
    click.echo("error: " + " ".join(message.split()), err=True)
    sys.exit(WRONG_INPUT)


def _stop() -> None:
    click.echo("stopped", err=True)
    sys.exit(STOPPED)


# -- commands -----------------------------------------------------------------------------------


F = TypeVar("F", bound=Callable[..., Any])


def _examples(*lines: str) -> str:
    """Give the end of a command's help: what can be typed, line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  incentives {line}" for line in lines)


def _keep(ctx: click.Context, param: click.Parameter, value: str) -> "Keep":
    """Read a word, or a share between 0 and 1."""
    if value == "contacts" or value == "cells":
        return "contacts" if value == "contacts" else "cells"
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise click.BadParameter(
            f"{value!r} is none of 'contacts', 'cells' and a share between 0 and 1", ctx, param
        )
    return share


def _jobs(ctx: click.Context, param: click.Parameter, value: int) -> int:
    """Read a number of processes, as joblib counts them."""
    if value == 0:
        raise click.BadParameter("0 is no number of processes: 1 or more, or -1", ctx, param)
    return value


def _simulating(replications: int) -> Callable[[F], F]:
    """Give a command the options of those that simulate."""
    least_one = click.IntRange(min=1)
    options = (
        click.option(
            "--replications",
            type=least_one,
            default=replications,
            metavar="N",
            help="Worlds; replication k is the same world under every scheme.",
        ),
        click.option(
            "--months",
            type=least_one,
            default=24,
            metavar="N",
            help="Length of a run; a month is a pay period and a bill.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(min=0),
            default=0,
            metavar="N",
            help="The same seed gives the same worlds, to the byte.",
        ),
        click.option(
            "--jobs",
            type=int,
            callback=_jobs,
            default=1,
            metavar="N",
            help="Processes; -1 for one a core.",
        ),
        click.option(
            "--force", is_flag=True, help="Replace what an earlier run has left in FOLDER."
        ),
    )

    def put(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return put


@click.group(
    cls=OneLine,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    epilog=_examples(
        "scenarios",
        "show retail_bank",
        "run retail_bank --months 6 --out results/bank",
        "compare outsourced_retentions --schemes wage,retention",
    ),
)
@click.version_option(package_name="incentives")
@click.option("--traceback", is_flag=True, help="Show where in the code an error was raised.")
@click.pass_context
def main(ctx: click.Context, traceback: bool) -> None:  # noqa: ARG001 (read in invoke)
    """Simulate what bonus schemes do in a contact centre: what is sold, gamed, and who leaves.

    A SCENARIO is the name of one that ships (incentives scenarios) or the path of a TOML file.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@main.command(
    epilog=_examples(
        "run retail_bank --months 6 --out results/bank",
        "run retail_bank --scheme sales --replications 10 --jobs 2 --out results/sales",
        "run my_centre.toml --keep 0.05 --out results/mine",
    )
)
@click.argument("scenario")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where the records go: a new or an empty folder.",
)
@click.option("--scheme", metavar="LABEL", help="One of the scenario's schemes, not its own.")
@click.option(
    "--keep",
    default="contacts",
    callback=_keep,
    metavar="contacts|cells|SHARE",
    help="Keep every contact and customer, counts of them, or a share of the customers.",
)
@_simulating(replications=1)
@click.pass_context
def run(
    ctx: click.Context,
    scenario: str,
    out: Path,
    scheme: str | None,
    keep: "Keep",
    replications: int,
    months: int,
    seed: int,
    jobs: int,
    force: bool,
) -> None:
    """Run a scenario and write its records.

    FOLDER gets the records as Parquet files (read them with incentives.Records.load), the scenario
    as it was run, outcomes.csv and manifest.json, which says what made them.
    """
    from incentives.comparison import outcome_table
    from incentives.estimates.comparison import unknown
    from incentives.scenario import Scenario
    from incentives.simulation import simulate

    centre = Scenario.load(scenario)
    if scheme is not None:
        own = {centre.label: centre.scheme, **centre.schemes}
        if scheme not in own:
            raise unknown(scheme, own, what="scheme", where=f"scenario '{centre.name}'")
        (centre,) = centre.vary(scheme={scheme: own[scheme]})
    with _whole(out, ctx, _run_of(ctx, centre), force=force) as folder:
        records = simulate(
            centre, replications=replications, months=months, rng=seed, n_jobs=jobs, keep=keep
        )
        outcomes = outcome_table(records, horizon=min(12, months))
        records.save(folder)
        centre.save(folder / "scenario.toml")
        outcomes.to_csv(folder / "outcomes.csv", index=False)
    _print(_beside(outcomes), title=f"{centre.name}, scheme {centre.label}, {months} months")
    click.echo(f"records in {out}")


@main.command(
    epilog=_examples(
        "compare outsourced_retentions",
        "compare outsourced_retentions --schemes wage,sales --months 12 --jobs 2",
        "compare retail_bank --control wage --equal-cost --out results/equal",
    )
)
@click.argument("scenario")
@click.option(
    "--schemes", metavar="A,B,...", help="Labels of the scenario's schemes; all if left out."
)
@click.option("--control", metavar="LABEL", help="What to compare with; the first if left out.")
@click.option("--equal-cost", is_flag=True, help="First scale the bonuses to the same cost.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where tables and records go: a new or an empty folder.",
)
@_simulating(replications=20)
@click.pass_context
def compare(
    ctx: click.Context,
    scenario: str,
    schemes: str | None,
    control: str | None,
    equal_cost: bool,
    out: Path | None,
    replications: int,
    months: int,
    seed: int,
    jobs: int,
    force: bool,
) -> None:
    """Compare the pay schemes of a scenario.

    Every scheme meets the same worlds, so that its effect is a paired difference: the truth. Beside
    it stand the effects on gaming and on churn that an analyst would find in the log, the audits
    and the bills.
    """
    from incentives.comparison import compare as compare_schemes
    from incentives.scenario import Scenario

    centre = Scenario.load(scenario)
    labels = None if schemes is None else [name.strip() for name in schemes.split(",") if name]
    made = nullcontext() if out is None else _whole(out, ctx, _run_of(ctx, centre), force=force)
    with made as folder:
        found = compare_schemes(
            centre,
            labels,
            control=control,
            replications=replications,
            months=months,
            rng=seed,
            n_jobs=jobs,
            equal_cost=equal_cost,
        )
        if folder is not None:
            found.records.save(folder / "records")
            centre.save(folder / "scenario.toml")
            for name, table in _tables(found).items():
                table.to_csv(folder / f"{name}.csv", index=False)
    cost = ", bonuses scaled to equal cost" if equal_cost else ""
    _print(_beside(found.outcomes), title=f"{centre.name}, {months} months{cost}")
    effects = found.effects.rename(columns={"effect": "mean"})
    _print(_beside(effects), title=f"The truth: paired effects against {found.control}")
    if len(estimates := found.estimates()):
        _print(_estimated(estimates), title="What an analyst would find, beside the truth")
    for name, reason in found.refused.items():
        click.echo(f"{name} was refused: {reason}")
    if out is not None:
        click.echo(f"tables and records in {out}")


@main.command()
def mechanisms() -> None:
    """List the mechanisms that are in the model.

    Each stands with its equation in the file named here; a scenario file switches it off by its id,
    as in off = ["G1", "O6"].
    """
    import pandas as pd

    import incentives.scenario  # noqa: F401 (it reads every family of mechanisms)
    from incentives.mechanism import all_mechanisms

    rows = [
        {
            "id": kind.id,
            "mechanism": kind.title,
            "file": kind.__module__.removeprefix("incentives.").replace(".", "/") + ".py",
            "parameters": ", ".join(item.name for item in kind.parameters()),
        }
        for kind in all_mechanisms()
    ]
    _print(pd.DataFrame(rows))


@main.command()
def scenarios() -> None:
    """List the scenarios that ship, with their pay schemes."""
    import pandas as pd

    from incentives.scenario import Scenario, scenario_names

    rows = [
        {
            "scenario": name,
            "what it is": centre.description.strip().partition("\n")[0],
            "seats": str(centre.floor.seats),
            "schemes": ", ".join(centre.schemes) or centre.label,
        }
        for name in scenario_names()
        for centre in [Scenario.load(name)]
    ]
    _print(pd.DataFrame(rows, columns=["scenario", "what it is", "seats", "schemes"]))


@main.command(epilog=_examples("show retail_bank > my_centre.toml", "show retail_bank --units"))
@click.argument("scenario")
@click.option("--units", is_flag=True, help="Every parameter with its unit, range and source.")
def show(scenario: str, units: bool) -> None:
    """Print a scenario, as TOML or with its units.

    The TOML holds what differs from the defaults: something to start a file of your own from.
    """
    import tomli_w

    from incentives.scenario import Scenario

    centre = Scenario.load(scenario)
    if units:
        _print(_parameters(centre))
    else:
        click.echo(tomli_w.dumps(centre.document()), nl=False)


def _calendar(
    ctx: click.Context, param: click.Parameter, value: str
) -> Literal["timestamps"] | int:
    """Read the word, or a number of working days."""
    if value == "timestamps":
        return "timestamps"
    if value.isdecimal() and 1 <= int(value) <= 31:
        return int(value)
    raise click.BadParameter(
        f"{value!r} is neither 'timestamps' nor a number of working days, 1 to 31", ctx, param
    )


@main.command(
    epilog=_examples(
        "template my_data --currency EUR",
        "template my_data --currency GBP --calendar 21",
    )
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--currency", required=True, metavar="CODE", help="Of all amounts of money, such as EUR."
)
@click.option(
    "--calendar",
    default="timestamps",
    callback=_calendar,
    metavar="timestamps|DAYS",
    help="Contacts have a date and time; or a month of DAYS working days, and a day from 0.",
)
def template(folder: Path, currency: str, calendar: Literal["timestamps"] | int) -> None:
    """Write empty files for a firm's own data, and what their columns mean.

    FOLDER, new or empty, gets a CSV file with its header for each frame and the data dictionary.
    Fill what you have and read it with incentives.read_records, which says what is wrong with it.
    """
    from incentives.estimates.contract import write_templates

    write_templates(folder, currency=currency, calendar=calendar)
    click.echo(f"templates and data dictionary in {folder}")


def _questions(ctx: click.Context, param: click.Parameter, value: str) -> list[str]:
    """Read names of questions, with commas between them."""
    from incentives.report import QUESTIONS

    named = _names(ctx, param, value)
    for name in named:
        if name not in QUESTIONS:
            raise click.BadParameter(f"{name!r} is none of {', '.join(QUESTIONS)}", ctx, param)
    return named or list(QUESTIONS)


def _names(_: click.Context, __: click.Parameter, value: str) -> list[str]:
    """Read names with commas between them."""
    return [name.strip() for name in value.split(",") if name.strip()]


def _money(ctx: click.Context, param: click.Parameter, value: str) -> dict[str, float] | None:
    """Read what is paid under each scheme, with commas between them."""
    return _named_numbers(ctx, param, value, "SCHEME=MONEY") or None


def _detection(ctx: click.Context, param: click.Parameter, value: str) -> float | dict[str, float]:
    """Read one chance for all kinds of gaming, or one for each with commas between them."""
    try:
        chances: float | dict[str, float] = float(value)
    except ValueError:
        chances = _named_numbers(ctx, param, value, "a chance, nor KIND=CHANCE")
    for chance in chances.values() if isinstance(chances, dict) else (chances,):
        if not 0 < chance <= 1:
            raise click.BadParameter(f"{chance:g} is not above 0 and at most 1", ctx, param)
    return chances


def _named_numbers(
    ctx: click.Context, param: click.Parameter, value: str, form: str
) -> dict[str, float]:
    """Read numbers by name, with commas between them."""
    found = {}
    for part in value.split(",") if value else ():
        name, _, number = part.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise click.BadParameter(f"{part!r} is not {form}", ctx, param) from None
    return found


@main.command(
    epilog=_examples(
        "estimate my_firm --control wage --out report",
        "estimate my_firm --control wage --question gaming,churn --out report",
        "estimate my_firm --control wage --indicator save_rate --out report",
        "estimate my_firm --control wage --columns names.toml --out report",
    )
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--control", required=True, metavar="LABEL", help="The scheme that others are compared with."
)
@click.option(
    "--question",
    "questions",
    default="",
    show_default=False,
    callback=_questions,
    metavar="A,B,...",
    help="What to ask: gaming, churn, ... (a wrong name lists them all); all if left out.",
)
@click.option(
    "--by", default="scheme", metavar="COLUMN", help="Or a column in which whole worlds differ."
)
@click.option(
    "--horizon",
    type=click.IntRange(min=1),
    metavar="N",
    help="Month by which churn is counted; as far as the records go, at most 12, if left out.",
)
@click.option(
    "--threshold",
    type=click.IntRange(min=1),
    metavar="N",
    help="Sales a month (or --indicator) from which a bonus is paid, for the question thresholds.",
)
@click.option(
    "--pays",
    default="",
    show_default=False,
    callback=_money,
    metavar="A=0,B=4",
    help="What a logged save (or sale, if --indicator) pays under each scheme, for types.",
)
@click.option(
    "--detection",
    default="1",
    callback=_detection,
    metavar="P",
    help="Chance that an audit recognises a gamed contact: 0.8, or by kind: G1=0.9,G2=0.5.",
)
@click.option(
    "--indicator",
    metavar="NAME",
    help="What is asked about: save_rate, saves, sales, handle_minutes, ... (a wrong name lists "
    "them all); sales and saves together if left out.",
)
@click.option(
    "--audits-dealt",
    is_flag=True,
    help="Chances of audit were dealt at random, for deterrence: its answer is then of a cause.",
)
@click.option(
    "--covariates",
    default="",
    show_default=False,
    callback=_names,
    metavar="A,B,...",
    help="Columns in which customers under the schemes may differ, for churn and reasons: "
    "tenure_band, or the firm's own.",
)
@click.option(
    "--columns",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="TOML that maps the firm's names of columns to ours, a table for each frame.",
)
@click.option(
    "--pseudonym-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A file with a secret, by which identifiers are replaced; it is not kept.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where the report goes: a new or an empty folder.",
)
@click.option("--force", is_flag=True, help="Replace what an earlier run has left in --out.")
@click.pass_context
def estimate(
    ctx: click.Context,
    folder: Path,
    control: str,
    questions: list[str],
    by: str,
    horizon: int | None,
    threshold: int | None,
    pays: dict[str, float] | None,
    detection: float | dict[str, float],
    indicator: str | None,
    audits_dealt: bool,
    covariates: list[str],
    columns: Path | None,
    pseudonym_key: Path | None,
    out: Path,
    force: bool,
) -> None:
    """Ask a firm's files what pay did to gaming and to churn, and write a report.

    FOLDER holds a CSV or Parquet file a frame, as incentives template lays them out, or the records
    of a run. The report is one HTML page with its figures, the same in Markdown, and every table.
    """
    from incentives.estimates import RecordsError
    from incentives.report import report

    with _whole(out, ctx, {"read": folder.name}, force=force) as place:
        try:
            records = _records_in(folder, columns, covariates, pseudonym_key)
        except RecordsError as error:
            click.echo(f"error: {error}", err=True)
            raise click.exceptions.Exit(WRONG_INPUT) from error
        found = report(
            records,
            questions,
            control=control,
            by=by,
            horizon=horizon,
            threshold=threshold,
            money=pays,
            detection=detection,
            indicator=indicator,
            audits_dealt=audits_dealt,
            covariates=covariates,
        )
        found.save(place)
    for name, said in found.in_short():
        click.echo(f"{name}: {said}")
    refused = [answer for answer in found.answers if answer.result is None]
    for answer in refused:
        click.echo(f"{answer.name}: not answered: {answer.refused}", err=True)
    click.echo(f"report in {out / 'report.html'}")
    if len(refused) == len(found.answers):
        raise click.exceptions.Exit(WRONG_INPUT)


def _records_in(
    folder: Path, columns: Path | None, covariates: Sequence[str], key: Path | None
) -> "Records":
    """Read a firm's files, or the records of a run."""
    from incentives.estimates import read_records
    from incentives.records import Records

    if (folder / "schema.json").exists():
        for name, option in (("columns", columns), ("pseudonym-key", key)):
            if option is not None:
                raise click.UsageError(
                    f"--{name} is for a firm's files, and {folder} holds the records of a run"
                )
        return Records.load(folder)
    names = None if columns is None else tomllib.loads(columns.read_text(encoding="utf-8"))
    secret = None if key is None else key.read_text(encoding="utf-8").strip()
    own = _firms_own(folder, covariates)
    return read_records(folder, columns=names, covariates=own, pseudonym_key=secret)


def _firms_own(folder: Path, covariates: Sequence[str]) -> dict[str, list[str]]:
    """Say in which of a firm's files to look for covariates that are not in the contract."""
    from incentives.estimates.contract.declaration import CONTRACT

    own = [name for name in covariates if CONTRACT["customers"].named(name) is None]
    counted = any(folder.glob("customers.*"))
    return {"customers" if counted else "subscriptions": own} if own else {}


# -- tables -------------------------------------------------------------------------------------


def _tables(found: "Comparison") -> dict[str, "pd.DataFrame"]:
    """Give the tables of a comparison by the name of their file."""
    import pandas as pd

    schemes = [(label, repr(scheme)) for label, scheme in found.schemes.items()]
    tables = {
        "schemes": pd.DataFrame(schemes, columns=["scheme", "pays"]),
        "outcomes": found.outcomes,
        "effects": found.effects,
    }
    if len(estimates := found.estimates()):
        tables["estimates"] = estimates
    return tables


def _beside(outcomes: "pd.DataFrame") -> "pd.DataFrame":
    """Lay outcomes or effects out for the screen: a row an outcome, a column a scheme."""
    shown = outcomes[outcomes["outcome"].isin(SHOWN)]
    cells = [_with_error(*pair) for pair in zip(shown["mean"], shown["mc_error"], strict=True)]
    table = shown.assign(cell=cells).pivot_table(
        index=["outcome", "unit"], columns="scheme", values="cell", aggfunc="first", sort=False
    )
    order = {name: i for i, name in enumerate(SHOWN)}
    table = table.sort_index(level="outcome", key=lambda names: names.map(order))
    return table.reset_index()


def _estimated(estimates: "pd.DataFrame") -> "pd.DataFrame":
    """Lay the estimates that have a truth out for the screen."""
    shown = estimates[estimates["truth"].notna()].reset_index(drop=True)
    error = zip(shown["estimate"], shown["std_error"], strict=True)
    ends = zip(shown["conf_low"], shown["conf_high"], shown["std_error"], strict=True)
    truth = zip(shown["truth"], shown["mc_error"], strict=True)
    columns = shown[["contrast", "estimand", "unit", "estimator"]].astype("str")
    return columns.assign(
        estimate=[_with_error(*pair) for pair in error],
        interval=[f"[{_short(a, e)}, {_short(b, e)}]" for a, b, e in ends],
        truth=[_with_error(*pair) for pair in truth],
    )


def _parameters(centre: "Scenario") -> "pd.DataFrame":
    """Tabulate every parameter of a scenario: value, unit, range and where it comes from."""
    import pandas as pd

    from incentives.scenario import parameter_table

    rows = []
    for item in parameter_table().to_dict("records"):
        for where, settings in _holders(centre, str(item["block"])):
            value, name = getattr(settings, item["parameter"]), f"{where}.{item['parameter']}"
            own = "" if value == item["default"] else "the scenario's"
            rows.append(
                {
                    "parameter": name,
                    "value": _plain(value),
                    "unit": item["unit"],
                    "range": f"{item['low']:g} to {item['high']:g}",
                    "source": centre.sources.get(name) or own or item["source"],
                }
            )
    return pd.DataFrame(rows)


def _holders(centre: "Scenario", block: str) -> list[tuple[str, Any]]:
    """Find the settings that a block of the parameter table speaks of, with their names."""
    if block.startswith("menu."):
        rows = {action.name.lower(): row for action, row in centre.menu.items()}
        return [(block, rows[block.removeprefix("menu.")])]
    name, _, tables = block.partition(".")
    if tables:
        listed = getattr(getattr(centre, name), tables)
        return [(f"{block}[{i}]", each) for i, each in enumerate(listed)]
    return [(block, getattr(centre, block))]


def _plain(value: Any) -> str:
    return " ".join(f"{each:g}" for each in (value if isinstance(value, tuple) else (value,)))


def _with_error(value: float, error: float) -> str:
    """Write a number with its standard error, if it has one."""
    if error != error or error == 0:
        return _short(value, abs(value) / 10)
    return f"{_short(value, error)} ± {_short(error, error)}"


def _short(value: float, error: float) -> str:
    """Write a number to two digits of its error."""
    from incentives.tables import decimals

    return f"{value:,.{decimals(error)}f}" if value == value else ""


def _print(frame: "pd.DataFrame", title: str = "") -> None:
    """Print a frame of texts as a table: as wide as the terminal, or as it takes."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(file=sys.stdout, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 10_000
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for name in frame.columns:
        table.add_column(str(name), overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*map(str, row))
    console.print(table)


# -- output folders -----------------------------------------------------------------------------


@contextmanager
def _whole(
    out: Path, ctx: click.Context, told: Mapping[str, Any], *, force: bool
) -> Iterator[Path]:
    """Give a folder to write into that becomes `out` when all has gone well, and vanishes if not.

    The folder is made at once, so that a place that cannot be written to is known before the work
    begins. A manifest that says what made the files is written last.
    """
    out = out.resolve()
    partial = out.with_name(out.name + ".part")
    _check_free(out, partial, force=force)
    if partial.exists():
        shutil.rmtree(partial)
    above = [folder for folder in partial.parents if not folder.exists()]
    partial.mkdir(parents=True)
    started, clock = datetime.now(UTC), time.perf_counter()
    try:
        yield partial
        manifest = {
            "command": ctx.info_name,
            "options": {name: _jsonable(value) for name, value in ctx.params.items()},
            **_made_by(),
            **told,
            "started": started.isoformat(timespec="seconds"),
            "wall_seconds": round(time.perf_counter() - clock, 2),
            "files_sha256": _digests(partial),
        }
        text = json.dumps(manifest, indent=2, ensure_ascii=False)
        (partial / "manifest.json").write_text(text + "\n", encoding="utf-8")
        _swap(partial, out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for folder in above:
            folder.rmdir()
        raise


def _run_of(ctx: click.Context, centre: "Scenario") -> dict[str, Any]:
    """Say which worlds were run."""
    return {
        "seed": ctx.params["seed"],
        "scenario": centre.name,
        "scenario_digest": centre.digest(),
    }


def _check_free(out: Path, partial: Path, *, force: bool) -> None:
    """Refuse a folder that holds something which is not ours to replace."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out must be a folder, and {out} is a file")
    if Path.cwd().is_relative_to(out):
        raise ValueError(f"--out must not be the folder you are in, {out}: name a new one")
    if partial.exists() and not force:
        raise ValueError(
            f"{partial} is there: another run is writing it, or was killed; "
            "remove it or give --force"
        )
    if not out.exists() or not any(out.iterdir()):
        return
    if not force:
        raise ValueError(f"--out: {out} is not empty; choose another folder, or give --force")
    ours = _listed(out / "manifest.json") | {"manifest.json"}
    strange = sorted(set(_files(out)) - ours)
    if strange:
        raise ValueError(
            f"--out: {out} holds {strange[0]}, which no run has put there; move it or choose "
            "another folder (--force replaces only what a run has left)"
        )


def _swap(partial: Path, out: Path) -> None:
    """Put the finished folder in the place of the old one."""
    old = out.with_name(out.name + ".old")
    if out.exists():
        out.replace(old)
    partial.replace(out)
    shutil.rmtree(old, ignore_errors=True)


def _files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def _digests(folder: Path) -> dict[str, str]:
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in _files(folder)
    }


def _listed(manifest: Path) -> set[str]:
    """Name the files that an earlier run says it made."""
    try:
        listed: Mapping[str, str] = json.loads(manifest.read_text(encoding="utf-8"))["files_sha256"]
        return set(listed)
    except (OSError, ValueError, KeyError):
        return set()


def _made_by() -> dict[str, Any]:
    """Say which version of what made a result."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    commit, changed = _commit()
    return {
        "version": versions.get("incentives"),
        "commit": commit,
        "uncommitted_changes": changed,
        "versions": versions,
    }


def _commit() -> tuple[str | None, bool | None]:
    """Give the commit of the library, where it runs from a checkout, and whether files differ."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return None, None
    try:
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
        return _git(root, "rev-parse", "HEAD"), bool(changed)
    except (OSError, subprocess.CalledProcessError):
        return None, None


def _git(root: Path, *words: str) -> str:
    command: Sequence[str] = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _jsonable(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)
