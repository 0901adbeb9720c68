"""Many runs without agent objects: scenarios x replications, in processes, to Records.

Use `simulate`. A replication is the same world under every scenario: the same key, the same
customers with the same needs, the same agents as hired.
"""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import joblib
import numpy as np
import pandas as pd

from incentives._compile import digest, is_ready
from incentives._kernel import advance
from incentives.records import Keep, Records, Written
from incentives.scenario import Scenario, differing
from incentives.world import World

__all__ = ["simulate"]


class _Task(TypedDict):
    """What sets one run apart from the others of a sweep."""

    scenario: Scenario
    replication: int
    run: int


class _Common(TypedDict):
    """What all runs of a sweep share."""

    rng: np.random.SeedSequence
    months: int
    keep: Keep
    choices: float


def simulate(
    scenarios: Scenario | Sequence[Scenario],
    *,
    replications: int = 1,
    months: int = 24,
    rng: int | np.random.SeedSequence = 0,
    n_jobs: int = 1,
    keep: Keep = "contacts",
    choices: float = 0.0,
    progress: bool | None = None,
    folder: str | Path | None = None,
) -> Records:
    """Run every scenario as often as asked and put the records together.

    Parameters
    ----------
    scenarios
        One, or several such as `Scenario.vary` gives.
    replications
        Runs of each scenario, 1 or more.
    months
        Length of a run, 1 or more; a month has the scenario's working days.
    rng
        A seed, 0 or more, or a seed sequence. Replication k is the same world under every scenario.
    n_jobs
        Processes, as joblib counts them (-1 for all cores), whose number changes no record.
    keep
        ``"contacts"`` keeps every contact and customer-month, ``"cells"`` counts them, and a share
        such as 0.05 keeps those of so many customers. Audits, pay and counts are always whole.
    choices
        Share of contacts of which the whole choice is kept (`Records.choices`).
    progress
        Show a bar; by default only where somebody watches (a terminal).
    folder
        Write each finished run here at once; started again, go on where it stopped.

    Returns
    -------
    Records
        Of all runs. Parameters in which the scenarios differ are columns of `runs`, under their
        names ``"block.field"``.

    Raises
    ------
    ValueError
        A number is out of range, or the folder holds another sweep.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=300))
    >>> records = inc.simulate(centre, replications=2, months=1, rng=1)
    >>> len(records.runs)
    2
    """
    listed = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    _check_counts(replications=replications, months=months)
    if not listed:
        raise ValueError("simulate: scenarios must hold at least one scenario, got none")
    seed = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(rng)
    tasks: list[_Task] = [
        {"scenario": scenario, "replication": replication, "run": i * replications + replication}
        for i, scenario in enumerate(listed)
        for replication in range(replications)
    ]
    common: _Common = {"rng": seed, "months": months, "keep": keep, "choices": choices}
    whole = {**common, "replications": replications}
    store = None if folder is None else _Store(Path(folder), listed, seed, whole)
    waiting = [task for task in tasks if store is None or not store.has(task["run"])]
    done: dict[int, Written] = {}
    with _bar(len(waiting), progress) as tick:
        for run, written in _each(waiting, common, n_jobs):
            if store is None:
                done[run] = written
            else:
                store.put(run, Records.of([written]))
            tick()
    if store is not None:
        records = Records.concat(store.get(task["run"]) for task in tasks)
    else:
        records = Records.of(done[task["run"]] for task in tasks)
    return replace(records, runs=_with_what_differs(records.runs, listed))


def _with_what_differs(runs: pd.DataFrame, scenarios: Sequence[Scenario]) -> pd.DataFrame:
    """Add a column for each parameter in which the scenarios of a sweep differ."""
    values = differing(scenarios)
    alike = len(runs) // len(scenarios)
    plain: dict[str, list[Any]] = {
        name: [value if np.isscalar(value) else repr(value) for value in column]
        for name, column in values.items()
    }
    return runs.assign(**{name: np.repeat(column, alike) for name, column in plain.items()})


def _check_counts(**counts: object) -> None:
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ValueError(f"simulate: {name} must be a whole number, 1 or more, got {value!r}")


def _each(tasks: Sequence[_Task], common: _Common, n_jobs: int) -> Iterator[tuple[int, Written]]:
    """Run the tasks, here or in processes, and give each result as soon as it is there."""
    if n_jobs == 1 or len(tasks) < 2:
        for task in tasks:
            yield _run(task, common)
        return
    if not is_ready(advance):  # one process compiles, the others find what it compiled
        yield _run(tasks[0], common)
        tasks = tasks[1:]
    workers = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1)
    yield from workers(joblib.delayed(_run)(task, common) for task in tasks)


def _run(task: _Task, common: _Common) -> tuple[int, Written]:
    return task["run"], World(**task, **common).written()


@contextmanager
def _bar(total: int, progress: bool | None) -> Iterator[Any]:
    """Show a progress bar where somebody watches."""
    shown = sys.stderr.isatty() if progress is None else progress
    if not shown or total == 0:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("simulating", BarColumn(), MofNCompleteColumn(), "runs", TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        job = bar.add_task("simulating", total=total)
        yield lambda: bar.advance(job)


class _Store:
    """Finished runs on disk: each in a folder of its own, whole or not at all."""

    def __init__(
        self,
        folder: Path,
        scenarios: Sequence[Scenario],
        seed: np.random.SeedSequence,
        settings: Mapping[str, Any],
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        chosen = {key: value for key, value in settings.items() if key != "rng"}
        worlds = (f"{each.label} {each.digest()}" for each in scenarios)
        mark = "\n".join([repr(seed), repr(chosen), f"rules {digest()}", *worlds])
        note = folder / "sweep.txt"
        if note.exists() and note.read_text(encoding="utf-8") != mark:
            raise ValueError(
                f"{folder} holds another sweep (other scenarios, seed, settings or rules); "
                "choose another folder or remove it"
            )
        partial = note.with_name("sweep.txt.part")
        partial.write_text(mark, encoding="utf-8")
        partial.replace(note)

    def _path(self, run: int) -> Path:
        return self.folder / f"run-{run:05d}"

    def has(self, run: int) -> bool:
        return self._path(run).exists()

    def put(self, run: int, records: Records) -> None:
        path = self._path(run)
        partial = path.with_name(path.name + ".part")
        shutil.rmtree(partial, ignore_errors=True)
        records.save(partial).replace(path)

    def get(self, run: int) -> Records:
        return Records.load(self._path(run))
