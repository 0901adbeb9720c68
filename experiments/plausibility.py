"""Hold every centre that ships against what the world has measured.

Each is run as it is shipped, under its own pay scheme. One table gives, for a dozen quantities that
somebody has measured in real centres, the world's range, its source, and the model's value with its
Monte-Carlo error; one figure shows where in the range each centre lies. A second table lives some
of them again as twins without a rule of the floor, and gives what that rule does to each quantity.
The page of the documentation is one of the files that this script makes.

    python -m experiments.plausibility --scale full --out results/plausibility
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style
from incentives.tables import readable

SEED = 7
ENOUGH = 500  # contacts that an agent must have served to be called one who never games
WORST = 0.18  # share of agents, as five of twenty-eight
HORIZON = 12

Floats = npt.NDArray[np.float64]


class Quantity(NamedTuple):
    """What the world has measured, and how it is measured in records: one number a run."""

    name: str
    unit: str
    low: float
    high: float
    source: str
    measure: Callable[[inc.Records], Floats]


def by_run(records: inc.Records, part: "pd.Series[Any]", whole: "pd.Series[Any]") -> Floats:
    """Divide two columns' sums, run by run."""
    runs = records.runs["run"]
    return np.asarray(part.reindex(runs, fill_value=0) / whole.reindex(runs), float)


def of_days(records: inc.Records, part: str, whole: str) -> Floats:
    """Divide two of the day's figures, over each run."""
    days = records.days.groupby("run")[[part, whole]].sum()
    return by_run(records, days[part], days[whole])


def served(records: inc.Records) -> pd.DataFrame:
    """Give the cells of contacts that somebody answered."""
    return records.cells[records.cells["agent"] >= 0]


def share(records: inc.Records, cells: pd.DataFrame, chosen: "pd.Series[bool]") -> Floats:
    """Give the share of the contacts of some cells that are such, run by run."""
    n = cells["n"]
    return by_run(records, n[chosen].groupby(cells["run"]).sum(), n.groupby(cells["run"]).sum())


def occupancy(records: inc.Records) -> Floats:
    """Share of the time on duty that is spent on contacts."""
    return of_days(records, "minutes_busy", "minutes_on_duty")


def handle_time(records: inc.Records) -> Floats:
    """Minutes per answered contact."""
    return of_days(records, "minutes_busy", "answered")


def abandonment(records: inc.Records) -> Floats:
    """Share of contacts offered that give up waiting."""
    return of_days(records, "abandoned", "offered")


def contacts_a_day(records: inc.Records) -> Floats:
    """Contacts per agent and day at work."""
    days = records.runs.set_index("run")["days_per_month"]
    month = records.agents[["run", "logged_contacts"]].copy()
    month["days"] = month["run"].map(days) * (1.0 - absent(records))
    sums = month.groupby("run")[["logged_contacts", "days"]].sum()
    return by_run(records, sums["logged_contacts"], sums["days"])


def absent(records: inc.Records) -> float:
    """Give the share of seats that are absent on a day, as the scenario says."""
    return float(inc.Scenario.load(str(records.runs["scenario"].iloc[0])).floor.shrinkage)


def first_contact_resolution(records: inc.Records) -> Floats:
    """Share of needs met by their first contact, of those that were answered."""
    contacts = records.contacts
    first = contacts[
        (contacts["attempt"] == 1)
        & (contacts["agent"] >= 0)
        & (contacts["reason"].astype(str) != "outbound")
    ]
    solved = first["true_resolved"].groupby(first["run"]).mean()
    return np.asarray(solved.reindex(records.runs["run"]), float)


def attrition(records: inc.Records) -> Floats:
    """Share of agents who leave in a year."""
    monthly = records.agents.groupby("run")["quit"].mean().reindex(records.runs["run"])
    return np.asarray(1.0 - (1.0 - monthly) ** 12, float)


def checked(records: inc.Records) -> Floats:
    """Chance that an answered contact is checked."""
    audits = records.audits.groupby("run").size()
    answered = records.days.groupby("run")["answered"].sum()
    return by_run(records, audits, answered)


def survey_answers(records: inc.Records) -> Floats:
    """Share of those asked who answer."""
    surveys = records.surveys.groupby("run")["answered"].mean()
    return np.asarray(surveys.reindex(records.runs["run"]), float)


def handled_wishes(records: inc.Records) -> pd.DataFrame:
    """Give the cells of wishes to cancel that were dealt with, not cut off or passed on."""
    cells = served(records)
    dealt = ~cells["true_action"].isin(["cut_off", "transfer"])
    return cells[(cells["reason"] == "cancel") & dealt]


def save_rate(records: inc.Records) -> Floats:
    """Share of wishes to cancel dealt with after which the customer stays."""
    wishes = handled_wishes(records)
    return share(records, wishes, wishes["true_outcome"] == "saved")


def logged_save_rate(records: inc.Records) -> Floats:
    """Share of wishes to cancel dealt with that are logged as saves."""
    wishes = handled_wishes(records)
    return share(records, wishes, wishes["logged_outcome"] == "saved")


def monthly_churn(records: inc.Records) -> Floats:
    """Customers who leave in a month, per customer at risk."""
    sums = records.customers.groupby("run")[["left", "n"]].sum()
    return by_run(records, sums["left"], sums["n"])


def by_agent(records: inc.Records, kinds: tuple[str, ...]) -> pd.DataFrame:
    """Count each agent's contacts, as hired, and how many of them were gamed in these ways."""
    contacts = records.contacts[records.contacts["agent"] >= 0]
    gamed = contacts["true_gaming"].isin(kinds)
    who = [contacts["run"], contacts["agent"], contacts["hire"]]
    counts = gamed.groupby(who).agg(["size", "sum"]).reset_index()
    return counts.rename(columns={"size": "n", "sum": "gamed"})


def never_lie(records: inc.Records) -> Floats:
    """Share of agents who log less than one contact in a thousand falsely."""
    agents = by_agent(records, ("G1", "G2", "G3"))
    agents = agents[agents["n"] >= ENOUGH]
    never = (agents["gamed"] < 0.001 * agents["n"]).groupby(agents["run"]).mean()
    return np.asarray(never.reindex(records.runs["run"]), float)


def cut_off(records: inc.Records) -> Floats:
    """Share of answered contacts that the agent cuts off."""
    cells = served(records)
    return share(records, cells, cells["true_action"] == "cut_off")


def concentration(records: inc.Records) -> Floats:
    """Share of the contacts cut off that the worst of the agents account for."""
    agents = by_agent(records, ("G4",))

    def worst(counts: "pd.Series[float]") -> float:
        top = counts.sort_values(ascending=False).head(max(round(WORST * len(counts)), 1))
        return float(top.sum() / counts.sum()) if counts.sum() > 0 else np.nan

    return np.asarray(agents.groupby("run")["gamed"].agg(worst).reindex(records.runs["run"]), float)


PRACTICE = "a practitioner's figure"
QUANTITIES = (
    Quantity("occupancy", "share of time on duty", 0.48, 0.87,
             "mean 0.71, range 0.48 to 0.87 (" + PRACTICE + ")", occupancy),
    Quantity("handle time", "minutes", 3.0, 8.0,
             "3.05 in a bank of 1999 (measured) to about 6; up to 8 assumed", handle_time),
    Quantity("contacts per agent and day", "contacts", 25.0, 96.0,
             "quartiles 39 and 96 in a bank of 1999 (measured); 25 to 55 in practice",
             contacts_a_day),
    Quantity("abandoned", "share of contacts offered", 0.0, 0.14,
             "0.105 and 0.137 in a bank of 1999 (measured); today's centres aim below 0.05",
             abandonment),
    Quantity("resolved at the first contact", "share of needs", 0.65, 0.80,
             "0.70 to 0.72 on average (" + PRACTICE + "); the spread between centres is assumed",
             first_contact_resolution),
    Quantity("agents who leave", "share per year", 0.05, 0.60,
             "mean 0.27; an eighth of centres above 0.50, an eighth below 0.05; outsourcers 0.56",
             attrition),
    Quantity("contacts checked", "chance per contact", 0.0007, 0.007,
             "from 1 to 10 checks per agent and month (survey of centres)", checked),
    Quantity("survey answers", "share of those asked", 0.10, 0.40,
             "0.20 to 0.40 live, 0.10 to 0.30 by e-mail (" + PRACTICE + ")", survey_answers),
    Quantity("saved, true", "share of wishes to cancel", 0.10, 0.35,
             "0.19 to 0.23 kept of those who meant to leave (CallIntel 2014, " + PRACTICE + ")",
             save_rate),
    Quantity("saved, logged", "share of wishes to cancel", 0.15, 0.85,
             "bonuses began at 0.48 (New York Attorney General 2005) or paid in full at 0.85 "
             "(Comcast 2014, " + PRACTICE + ")", logged_save_rate),
    Quantity("monthly churn", "share of customers", 0.0005, 0.0237,
             "0.0005 to 0.0237 by contract (IBM Telco sample), 0.019 (Cell2Cell)", monthly_churn),
    Quantity("cut off by the agent", "share of answered contacts", 0.003, 0.0435,
             "0.0435 in a bank of 1999 (measured), a high figure", cut_off),
    Quantity("cut off by the worst 18 % of agents", "share of contacts cut off", 0.35, 0.80,
             "0.62 by five of 28 agents in a bank of 1999 (measured); the range is assumed",
             concentration),
    Quantity("agents who never lie", "share", 0.14, 0.40,
             "0.195 honest in ten rounds, 0.14 to 0.34 at any odds (Duch, Laroze and Zakharov "
             "2021); 0.39 in one throw (Fischbacher and Föllmi-Heusi 2013)", never_lie),
)  # fmt: skip
"""The table of `docs/explanation/plausibility.md`."""


FLOOR = {"O2": "blended_telesales", "O3": "blended_telesales", "O4": "retail_bank"}
"""Rules of the floor, each with the centre that is lived again without it."""

CLEAR = 3.0  # Monte-Carlo errors


def main(scale: Scale, out: Path) -> None:
    """Run every centre that ships, measure, and save the tables, the figure and the page."""
    names = inc.scenario_names()
    with Output("plausibility", out, scale, seeds=[SEED], scenario=names) as output:
        lived = {name: live(inc.Scenario.load(name), scale) for name in names}
        table = pd.concat([held_against(*each) for each in lived.items()], ignore_index=True)
        floor = pd.concat(
            [moved_by(code, lived[name], scale) for code, name in FLOOR.items()], ignore_index=True
        )
        output.table("plausibility", table)
        output.table("floor", floor)
        output.figure("plausibility", plausibility_figure(table))
        output.text("plausibility.md", page(table, floor, scale))
        outside = table[~table["inside"]]
        output.numbers({"quantities": len(table), "outside": len(outside)})
        for _, row in outside.iterrows():
            print(f"  outside its range: {row['scenario']}, {row['quantity']}: {row['model']:.4g}")


def live(centre: inc.Scenario, scale: Scale) -> inc.Records:
    """Run a centre as it is given."""
    return inc.simulate(
        centre,
        replications=scale.pick(smoke=2, full=10),
        months=scale.pick(smoke=3, full=HORIZON),
        rng=SEED,
        n_jobs=2,
    )


def mean_of(values: Floats) -> tuple[float, float]:
    """Give the mean over runs that have the quantity, and its Monte-Carlo error."""
    values = values[np.isfinite(values)]
    mean = float(values.mean()) if len(values) else np.nan
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan
    return mean, error


def moved_by(code: str, records: inc.Records, scale: Scale) -> pd.DataFrame:
    """Measure what a rule does to a centre: its runs less their twins without the rule."""
    name = str(records.runs["scenario"].iloc[0])
    twins = live(inc.Scenario.load(name).without(code), scale)
    rows = []
    for item in QUANTITIES:
        effect, error = mean_of(item.measure(records) - item.measure(twins))
        rows.append({"id": code, "scenario": name, "quantity": item.name, "unit": item.unit,
                     "effect": effect, "mc_error": error,
                     "clear": bool(abs(effect) > CLEAR * error)})  # fmt: skip
    return pd.DataFrame(rows)


def held_against(name: str, records: inc.Records) -> pd.DataFrame:
    """Measure a centre as it ships: a row a quantity."""
    rows = []
    for item in QUANTITIES:
        mean, error = mean_of(item.measure(records))
        inside = bool(item.low <= mean <= item.high) if np.isfinite(mean) else True
        rows.append({"scenario": name, "quantity": item.name, "unit": item.unit, "low": item.low,
                     "high": item.high, "model": mean, "mc_error": error, "inside": inside,
                     "source": item.source})  # fmt: skip
    return pd.DataFrame(rows)


@house_style()
def plausibility_figure(table: pd.DataFrame) -> Figure:
    """Draw where in the world's range each centre lies: 0 is its lower end, 1 its upper."""
    frame = table.assign(place=(table["model"] - table["low"]) / (table["high"] - table["low"]))
    frame["place"] = frame["place"].clip(-0.5, 1.5)
    figure, ax = plt.subplots(figsize=(8.5, 6.0), layout="constrained")
    ax.axvspan(0.0, 1.0, color="0.92", zorder=0)
    sns.stripplot(frame, x="place", y="quantity", hue="scenario", palette="colorblind",
                  jitter=False, dodge=True, size=7, ax=ax)  # fmt: skip
    ax.set(xlim=(-0.6, 1.6), ylabel="", xlabel="place in the world's range (shaded, low to high)")
    ax.set_xticks([0.0, 0.5, 1.0], ["low", "middle", "high"])
    ax.legend(title="", frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(-0.3, 1.0))
    sns.despine(ax=ax)
    return figure


PAGE = """\
# Is it plausible?

Each centre that ships is held here against what the world has measured, as it ships and under its
own pay scheme. A range is what real centres show or, where only a mean is known, a range assumed
around it: the last column says which. Values outside their range are marked, and explained below
the table. `experiments/plausibility.py` made this page ({size}).

"""

EXPLAINED = Path(__file__).with_name("plausibility_notes.md")


def page(table: pd.DataFrame, floor: pd.DataFrame, scale: Scale) -> str:
    """Write the page: a row a quantity and a column a centre, then what rules of the floor move."""
    size = scale.pick(smoke="two short runs each", full="ten runs of a year each")
    columns = ("model", "mc_error", "inside")
    cells = table.assign(
        cell=[
            written(model, error) + ("" if inside else " **(outside)**")
            for model, error, inside in zip(*(table[name] for name in columns), strict=True)
        ]
    )
    wide = cells.pivot_table(
        index="quantity", columns="scenario", values="cell", aggfunc="first", sort=False
    )
    about = table.drop_duplicates("quantity").set_index("quantity")
    lines = ["| quantity | unit | the world | " + " | ".join(f"`{name}`" for name in wide.columns)
             + " | where the range is from |"]  # fmt: skip
    lines.append("|" + " --- |" * (len(wide.columns) + 4))
    for name, row in wide.iterrows():
        item = about.loc[str(name)]
        values = " | ".join(str(value) for value in row)
        ends = f"{item['low']:g} to {item['high']:g}"
        lines.append(f"| {name} | {item['unit']} | {ends} | {values} | {item['source']} |")
    notes = EXPLAINED.read_text(encoding="utf-8") if EXPLAINED.exists() else ""
    return PAGE.format(size=size) + "\n".join(lines) + "\n\n" + of_the_floor(floor) + notes


MOVED = """\
## What rules of the floor do to them

Some of the centres were lived again as twins without one rule, seeds and all else alike. Shown is
what the rule changes, where that is more than three Monte-Carlo errors.

"""


def of_the_floor(floor: pd.DataFrame) -> str:
    """Write what each rule of the floor moves: a row for each quantity that it moves clearly."""
    title = {kind.id: kind.title for kind in inc.all_mechanisms()}
    lines = ["| rule | centre | quantity | unit | with the rule, less without |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for row in floor[floor["clear"]].to_dict("records"):
        value = written(row["effect"], row["mc_error"])
        rule = f"{row['id']} {title[row['id']]}"
        lines.append(
            f"| {rule} | `{row['scenario']}` | {row['quantity']} | {row['unit']} | {value} |"
        )
    return MOVED + "\n".join(lines) + "\n\n"


def written(value: float, error: float) -> str:
    """Write a value to the digits that its Monte-Carlo error leaves."""
    if not np.isfinite(value):
        return "none"
    shown = readable(pd.DataFrame({"estimate": [value], "std_error": [error]}))
    return str(shown["estimate"].iloc[0])


if __name__ == "__main__":
    main(*arguments(__doc__))
