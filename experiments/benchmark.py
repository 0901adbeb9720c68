"""How fast is the kernel, beside a Mesa program and a floor; how fast the suite of estimators?

Three things are measured in one run on one core, in seconds of CPU: the kernel; the independent
reading of the same rules as plain Mesa (`tests/reading`); and a floor, which draws the same
numbers, takes the same logarithms, keeps the same heap, touches the same memory and does no more.
Ratios hold within the run; the absolute numbers are those of the machine. Then every question of
the report is asked, in a process of its own, of a log of a million contacts that it fits.
"""

import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import pandas as pd

import incentives as inc
from experiments._common import PROJECT, Output, Scale, arguments
from incentives import world
from incentives._draws import exp_, log_
from incentives._luck import Luck, draw_luck, luck_for
from incentives.columns import CONTACT, CUSTOMER
from incentives.menu import N_ACTIONS
from incentives.report import QUESTIONS
from incentives.scenario import lower
from incentives.world import World

CENTRE = "outsourced_retentions"
SEED = 1

A_DAY = 1_400  # contacts of the floor's day

BARS = {
    "times the Mesa reading": (100.0, "at least"),
    "million contacts a second": (1.5, "at least"),
    "bytes per customer": (200.0, "at most"),
    "growth of cost from 10 thousand to 2 million customers": (0.5, "at most"),
    "seconds to the first result, compiling": (60.0, "at most"),
    "seconds to the first result, compiled before": (3.0, "at most"),
    "contacts a second with everything on, over the rules of the reading": (0.5, "at least"),
    "seconds of all questions on a million contacts": (60.0, "at most"),
    "GiB of all questions on a million contacts": (4.0, "at most"),
}


def main(scale: Scale, out: Path) -> None:
    """Measure, and save the tables."""
    sys.path.insert(0, str(PROJECT / "tests"))
    reading = importlib.import_module("reading.centre")
    scenario = reading.as_read(inc.Scenario.load(CENTRE))
    with Output("benchmark", out, scale, seeds=[SEED], scenario=scenario) as output:
        first = first_results()
        speed = speeds(scenario, scale)
        growth = growing(scenario, scale)
        output.table("speed", speed)
        output.table("growth", growth)
        output.table("profile", profile(scenario, scale, speed))
        everything = with_everything(scenario, scale)
        output.table("everything_on", everything)
        questions = asked(scale)
        output.table("questions", questions)
        bars = against_bars(first, speed, growth, everything, questions)
        output.table("bars", bars)
        output.numbers(dict(zip(bars["bar"], bars["measured"], strict=True)))
        print(bars.to_string(index=False))


# -- clocks -------------------------------------------------------------------------------------


class Clock:
    """Adds up the CPU seconds of the calls that go through it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Give the call, timed."""

        def timed(*given: Any) -> Any:
            before = time.process_time()
            try:
                return call(*given)
            finally:
                self.seconds += time.process_time() - before

        return timed


def kernel_seconds(scenario: inc.Scenario, months: int) -> tuple[float, float, int]:
    """Run a world; give CPU seconds in the kernel, in all, and how many contacts there were."""
    clock = Clock()
    names = vars(world)
    own = {name: names[name] for name in ("advance", "bill")}
    names.update({name: clock.around(call) for name, call in own.items()})
    try:
        centre = World(scenario, rng=SEED, months=months, keep="cells")
        before = time.process_time()
        records = centre.run()
        whole = time.process_time() - before
    finally:
        names.update(own)
    return clock.seconds, whole, int(records.runs["contacts"].sum())


def best(repeats: int, scenario: inc.Scenario, months: int) -> tuple[float, float, int]:
    """Give the run with the least time in the kernel: what the machine can do undisturbed."""
    return min(kernel_seconds(scenario, months) for _ in range(repeats))


# -- speed --------------------------------------------------------------------------------------


def speeds(scenario: inc.Scenario, scale: Scale) -> pd.DataFrame:
    """Measure contacts per second of CPU for the kernel, the reading and the floor."""
    months, repeats = scale.pick(smoke=(1, 1), full=(12, 15))  # the best of as many for all
    kernel_seconds(scenario, 1)  # compiled before the clock starts
    rows = []
    for label in ("wage", "retention", "mixture"):
        paid = scenario.change({"scheme": scenario.schemes[label], "label": label})
        kernel, whole, contacts = best(repeats, paid, months)
        rows.append(("kernel", label, contacts, kernel))
        rows.append(("simulate, with records", label, contacts, whole))
    seconds, contacts = min(reading_seconds(scenario, scale) for _ in range(repeats))
    rows.append(("Mesa reading", "retention", contacts, seconds))
    n = scale.pick(smoke=140_000, full=1_400_000)
    rows.append(("floor", "", n, min(floor_seconds(scenario, n) for _ in range(repeats))))
    table = pd.DataFrame(rows, columns=["program", "scheme", "contacts", "cpu_seconds"])
    table["contacts_per_second"] = table["contacts"] / table["cpu_seconds"]
    reading = table.loc[table["program"] == "Mesa reading", "contacts_per_second"].iloc[0]
    table["times_the_reading"] = table["contacts_per_second"] / reading
    return table


def reading_seconds(scenario: inc.Scenario, scale: Scale) -> tuple[float, int]:
    """Run the Mesa reading of the same scenario; give CPU seconds and contacts."""
    reading = importlib.import_module("reading.centre")
    centre = reading.Centre(scenario, SEED, keep="cells")
    days = scale.pick(smoke=2, full=40)
    before = time.process_time()
    for _ in range(days):
        centre.step()
    return time.process_time() - before, int(centre.n_contacts)


@numba.njit(error_model="numpy")
def _floor(
    n: int, luck: Luck, rules: Any, weights: Any, customers: Any, log: Any, times: Any
) -> float:
    """Draw, take logs and exps, pop and push, read a customer and write a line; nothing else."""
    draw_luck(luck, 0, n, np.uint32(1), np.uint32(2), False, rules.work, rules.openness)
    total, seats = 0.0, len(times)
    for i in range(n):
        each = customers[int(luck.uid[i])]
        for j in range(len(weights)):
            weights[j] = exp_(-luck.work[i] - 0.1 * j)
        total += log_(weights[0] + weights[1])
        for _ in range(2):
            time_ = times[0] + luck.work[i]
            j = 0
            while 2 * j + 1 < seats:
                child = 2 * j + 1
                if child + 1 < seats and times[child + 1] < times[child]:
                    child += 1
                if times[child] >= time_:
                    break
                times[j] = times[child]
                j = child
            times[j] = time_
        each.satisfaction = luck.feel[i]
        line = log[i]
        line.customer = each.uid
        line.minute = time_
        line.handle = luck.work[i]
        line.audit = 0
    return total


def floor_seconds(scenario: inc.Scenario, contacts: int) -> float:
    """Time the floor for so many contacts, in days of the scenario's size (CPU seconds)."""
    rng = np.random.default_rng(0)
    rules = lower(scenario).rules
    n = int(scenario.floor.customers)
    customers, log = np.zeros(n, CUSTOMER), np.zeros(A_DAY, CONTACT)
    times = np.sort(rng.random(scenario.floor.seats))
    luck = luck_for(A_DAY)
    luck.uid[:] = rng.integers(n, size=A_DAY)
    for column in (luck.when, luck.attempt, luck.nest):
        column[:] = 1
    luck.openness[:] = -1.0
    given: Any = (A_DAY, luck, rules, np.zeros(N_ACTIONS), customers, log, times)
    _floor(*given)
    before = time.process_time()
    for _ in range(contacts // A_DAY):
        _floor(*given)
    return time.process_time() - before


# -- where the time goes ------------------------------------------------------------------------


def profile(scenario: inc.Scenario, scale: Scale, speed: pd.DataFrame) -> pd.DataFrame:
    """Say where the kernel's time goes: parts timed alone, and what goes with a part left out."""
    months, rounds = scale.pick(smoke=(1, 1), full=(6, 12))
    paid = scenario.change({"scheme": scenario.schemes["mixture"], "label": "mixture"})
    variants = {
        "all": paid,
        "prices of the mixture": scenario.change(
            {"scheme": scenario.schemes["wage"], "label": "wage"}
        ),
        "lies and cutting off on the menu": paid.without("G1", "G2", "G3", "G4"),
        "queues, patience, events of waiting": paid.without("O5"),
    }
    cost = dict.fromkeys(variants, np.inf)
    for _ in range(rounds):  # in turn: a slow minute of the machine hits all
        for part, variant in variants.items():
            kernel, _, contacts = kernel_seconds(variant, months)
            cost[part] = min(cost[part], 1e9 * kernel / contacts)
    whole = cost.pop("all")
    floor = speed.loc[speed["program"] == "floor", "contacts_per_second"].iloc[0]
    rows = [("all", whole), ("floor: draws, logarithms, heap, memory", 1e9 / floor)]
    rows += [(part, whole - left) for part, left in cost.items()]
    rest = whole - sum(nanoseconds for _, nanoseconds in rows[1:])
    rows.append(("rest: utilities, outcomes, accounts, calendar, bills", rest))
    table = pd.DataFrame(rows, columns=["part", "ns_per_contact"])
    table["share"] = table["ns_per_contact"] / whole
    return table


# -- growth -------------------------------------------------------------------------------------


def growing(scenario: inc.Scenario, scale: Scale) -> pd.DataFrame:
    """Measure cost per contact and memory per customer as centres grow in proportion."""
    sizes = scale.pick(smoke=(10_000, 20_000), full=(10_000, 100_000, 500_000, 2_000_000))
    per_team = scenario.floor.customers / scenario.floor.teams
    grown = [
        scenario.change({"floor.customers": size, "floor.teams": max(1, round(size / per_team))})
        for size in sizes
    ]
    runs: list[list[tuple[float, int]]] = [[] for _ in sizes]
    for _ in range(scale.pick(smoke=1, full=5)):  # in turn: a slow minute of the machine hits all
        for at, size in enumerate(sizes):
            kernel, _, contacts = kernel_seconds(grown[at], max(1, 200_000 // size))
            runs[at].append((kernel, contacts))
    rows = []
    for size, centre, timed in zip(sizes, grown, runs, strict=True):
        kernel, contacts = min(timed)
        held = World(centre, rng=SEED, months=1, keep="cells").customers
        rows.append(
            {
                "customers": size,
                "seats": centre.floor.seats,
                "contacts": contacts,
                "ns_per_contact": 1e9 * kernel / contacts,
                "bytes_per_customer": sum(array.nbytes for array in held) / size,
                "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
            }
        )
    table = pd.DataFrame(rows)
    table["growth"] = table["ns_per_contact"] / table["ns_per_contact"].iloc[0] - 1.0
    return table


# -- first results ------------------------------------------------------------------------------

FIRST = """
import time
start = time.perf_counter()
import incentives as inc
inc.simulate(inc.Scenario(floor=inc.Floor(teams=1, customers=300)), months=1)
print(time.perf_counter() - start)
"""


def first_results() -> tuple[float, float]:
    """Time the first result in a new process, with nothing compiled and with all compiled."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        # where this is set, each process would compile the source of pandas and the like anew
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def once() -> float:
            done = subprocess.run(
                [sys.executable, "-c", FIRST],
                env=environment,
                cwd=PROJECT,
                check=True,
                capture_output=True,
                text=True,
            )
            return float(done.stdout)

        return once(), min(once() for _ in range(3))


# -- everything switched on ----------------------------------------------------------------------


def with_everything(scenario: inc.Scenario, scale: Scale) -> pd.DataFrame:
    """Say what a contact costs with the reading's rules, with all, and with all but one.

    A contact is not the same with other rules: what falls away with a rule is its own cost and
    what it makes of the contacts.
    """
    months, repeats = scale.pick(smoke=(1, 1), full=(6, 5))
    whole = inc.Scenario.load(CENTRE)
    paid = {"scheme": whole.schemes["retention"], "label": "retention"}
    more = sorted(scenario.off - whole.off)
    worlds = {"the rules of the reading": scenario, "everything on": whole}
    left_out = scale.pick(smoke=more[:1], full=more)
    worlds |= {f"without {name}": whole.without(name) for name in left_out}
    rows = []
    for name, centre in worlds.items():
        kernel, _, contacts = best(repeats, centre.change(paid), months)
        rows.append((name, contacts, kernel, 1e9 * kernel / contacts))
    table = pd.DataFrame(rows, columns=["rules", "contacts", "cpu_seconds", "ns_per_contact"])
    table["over_everything"] = table["ns_per_contact"] / table["ns_per_contact"].iloc[1]
    return table


# -- the suite of estimators ---------------------------------------------------------------------

ASK = """
import json, resource, sys, time
import incentives as inc
from incentives.report import QUESTIONS, report
started = time.perf_counter()
records = inc.Records.load(sys.argv[1])
rows = [("reading the files", time.perf_counter() - started, "")]
asked = json.loads(sys.argv[2])
for name in asked.pop("questions"):
    started = time.perf_counter()
    found = report(records, [name], **asked).answers[0]
    rows.append((name, time.perf_counter() - started, found.refused))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"rows": rows, "gib": peak}))
"""


class Log(NamedTuple):
    """A firm of a million contacts, and what is asked of its log."""

    centres: list[inc.Scenario]
    questions: list[str]
    replications: int = 1
    control: str = "wage"
    options: Mapping[str, Any] = {}


def logs(customers: int) -> dict[str, Log]:
    """Give a log for every design that a question asks for."""
    whole = inc.Scenario.load(CENTRE)

    def firm(size: int, **values: Any) -> inc.Scenario:
        floor = {"floor.customers": size, "floor.teams": max(size // 4_000, 2)}
        audits = {"audit.rate": 0.02, "audit.on_saves": 0.15}
        return whole.change(
            {**floor, "floor.team_size": 4, "routing.keep": "team"} | audits | values
        )

    paid = {name: whole.schemes[name] for name in ("wage", "retention")}
    threshold = 30
    target = paid["wage"] + inc.Target("sales", threshold, lump=100.0)
    rates = (0.01, 0.02, 0.04, 0.08)
    one_price = {"scheme": paid["retention"], "label": "retention"}
    apart = ("rollout", "spread", "deterrence", "thresholds", "month_ends")
    return {
        "teams under two schemes": Log(
            [firm(customers).assign(paid, start=1)],
            [name for name in QUESTIONS if name not in apart],
            options={"money": {"before": 0.0, "wage": 0.0, "retention": 6.0}},
        ),
        "a roll-out in waves": Log(
            [firm(customers).assign({"retention": paid["retention"]}, start=(1, 3, 6))],
            ["rollout", "spread"],
            control="before",
        ),
        "centres that audit more or less": Log(
            [firm(customers // (3 * len(rates)), **{"audit.rate": r}, **one_price) for r in rates],
            ["deterrence"],
            replications=3,
            control="retention",
        ),
        "teams with a monthly target": Log(
            [firm(customers).assign({"wage": paid["wage"], "target": target}, start=1)],
            ["thresholds", "month_ends"],
            options={"threshold": threshold},
        ),
    }


def asked(scale: Scale) -> pd.DataFrame:
    """Ask every question of the report of a big log; give seconds, and the peak of memory."""
    customers, months = scale.pick(smoke=(24_000, 6), full=(220_000, 6))
    return pd.concat(
        [_asked_of(name, log, months) for name, log in logs(customers).items()],
        ignore_index=True,
    )


def _asked_of(name: str, log: Log, months: int) -> pd.DataFrame:
    """Ask what is asked of a log in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        records = inc.simulate(log.centres, months=months, rng=SEED, replications=log.replications)
        contacts = len(records.contacts)
        records.save(folder)
        del records
        how = {"questions": log.questions, "control": log.control, **log.options}
        command = [sys.executable, "-c", ASK, folder, json.dumps(how)]
        done = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    table = pd.DataFrame(told["rows"], columns=["question", "seconds", "refused"])
    return table.assign(log=name, contacts=contacts, peak_gib=told["gib"])


def against_bars(
    first: tuple[float, float],
    speed: pd.DataFrame,
    growth: pd.DataFrame,
    everything: pd.DataFrame,
    questions: pd.DataFrame,
) -> pd.DataFrame:
    """Put what was measured beside what was asked for."""
    kernel = speed[(speed["program"] == "kernel") & (speed["scheme"] == "retention")].iloc[0]
    measured = (
        kernel["times_the_reading"],
        kernel["contacts_per_second"] / 1e6,
        growth["bytes_per_customer"].max(),
        growth["growth"].iloc[-1],
        *first,
        everything["over_everything"].iloc[0],
        questions["seconds"].sum(),
        questions["peak_gib"].max(),
    )
    rows = []
    for (bar, (value, kind)), found in zip(BARS.items(), measured, strict=True):
        holds = found >= value if kind == "at least" else found <= value
        rows.append({"bar": bar, "asked": f"{kind} {value:g}", "measured": found, "holds": holds})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main(*arguments(__doc__))
