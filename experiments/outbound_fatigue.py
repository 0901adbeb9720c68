"""Does a customer who is called again buy less? Attempts in a bank's outbound campaign.

The bank marketing data of Moro, Cortez and Rita (2014; UCI, CC BY 4.0) has, for each of 45,211
customers, how often the bank's campaign reached them and whether they took the deposit in the end.
Nobody is called again after a yes, so that a customer with k calls had k - 1 without success: the
file is unfolded into attempts, and the chance of success at an attempt is modelled in log odds.

Selection: who says yes leaves, and the bank chooses whom to call again. What falls from attempt to
attempt is therefore the tiring of customers and the sorting of them, and one campaign cannot tell
them apart. Two models say so: one in which all of the fall is tiring (log odds fall by as much at
each call), one in which none is (customers differ by a beta distribution, and each keeps a chance
of his own). The fall bears on `ColdCalls.fatigue` (O3) as an upper end, not as an estimate, and
only if the bank does not favour promising customers when it calls again: if it does, those who are
left at a late attempt are better than those who were there at first, and tiring may be more than
the fall. The model's default is the fall among customers alike in what the bank knew of them, which
takes the sorting by that out of it.

    python -m experiments.outbound_fatigue --scale full --out results/outbound_fatigue
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
import statsmodels.api as sm
from matplotlib.axes import Axes
from scipy import optimize, special, stats

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style
from experiments._samples import sample_file, skipped

FOLDER, FILE = "bank_marketing", "bank.csv"
SOURCE = "UCI bank marketing, Moro, Cortez and Rita 2014, CC BY 4.0"
SEED = 2014
LAST = 8  # attempts; later ones are rare, and belong to a few customers who are hard to reach
ATTEMPTS = {"1 to 5": 5, "1 to 8": LAST}
PREVIOUS = ("new to the bank's calls", "called in an earlier campaign")
KNOWN = ["previous", "job", "housing", "loan", "contact"]

BOUND = (
    "tiring is no more than the fall, for some of the fall is sorting; this assumes that the bank "
    "does not favour promising customers when it calls again, which the file cannot show"
)
COUNTED = (
    "attempts are those of a whole campaign, answered or not, where the model counts calls that "
    "were answered within a month"
)

Floats = npt.NDArray[np.float64]


def main(scale: Scale, out: Path) -> None:
    """Read the file, unfold attempts, fit, save."""
    file = sample_file(FOLDER, FILE)
    if file is None:
        print(skipped("outbound_fatigue", FOLDER, FILE, source=SOURCE))
        return
    customers = read(file)
    with Output("outbound_fatigue", out, scale, seeds=[SEED], inputs=[file]) as output:
        tables = report(customers, draws=scale.pick(smoke=20, full=400))
        for name, table in tables.items():
            output.table(name, table)
        output.figure("attempts", attempts_figure(tables["attempts"], tables["models"]))
        output.figure("called_again", again_figure(tables["attempts"]))
        numbers = headline(tables)
        output.numbers(numbers)
        print(numbers["verdict"])


def read(file: Path) -> pd.DataFrame:
    """Read one row a customer: calls in this campaign, success, and what was known before."""
    raw = pd.read_csv(file)
    return pd.DataFrame(
        {
            "calls": raw["campaign"],
            "success": raw["deposit"] == "yes",
            "previous": np.where(raw["pdays"] >= 0, PREVIOUS[1], PREVIOUS[0]),
            **{name: raw[name] for name in KNOWN[1:]},
        }
    )


def report(customers: pd.DataFrame, *, draws: int) -> dict[str, pd.DataFrame]:
    """Work all tables out.

    Parameters
    ----------
    customers
        As `read` gives it.
    draws
        Bootstrap draws of customers.
    """
    cells = unfolded(customers)
    slopes = fatigue(cells, customers, draws=draws)
    return {
        "attempts": by_attempt(cells),
        "final_attempts": by_final_attempt(customers),
        "fatigue": slopes,
        "models": models(cells),
        "likelihood": likelihood(cells),
        "cold_calls": cold_calls(slopes),
    }


# ── attempts ─────────────────────────────────────────────────────────────────────────────────────


def unfolded(customers: pd.DataFrame) -> pd.DataFrame:
    """Count attempts and successes by number of the attempt and what is known of the customer."""
    kept = customers.assign(last=customers["calls"].clip(upper=LAST))
    kept["yes"] = kept["success"] & (kept["calls"] <= LAST)
    kept["more"] = kept["calls"] > kept["last"]
    kinds = kept.groupby([*KNOWN, "last"], observed=True)
    ends = kinds.agg(n=("yes", "size"), yes=("yes", "sum"), more=("more", "sum")).reset_index()
    each = ends.loc[ends.index.repeat(ends["last"])].copy()
    each["attempt"] = each.groupby(level=0).cumcount() + 1
    final = each["attempt"] == each["last"]
    each["success"] = np.where(final, each["yes"], 0)
    each["again"] = np.where(final, each["more"], each["n"])
    sums = each.groupby([*KNOWN, "attempt"], observed=True)[["n", "success", "again"]].sum()
    return sums.reset_index()


def by_attempt(cells: pd.DataFrame) -> pd.DataFrame:
    """Give success per attempt, and of the failures those called again, by previous contact."""
    parts = [cells.assign(customers="all"), cells.assign(customers=cells["previous"])]
    both = pd.concat(parts, ignore_index=True)
    table = both.groupby(["customers", "attempt"])[["n", "success", "again"]].sum().reset_index()
    for name, k, n in (
        ("success", table["success"], table["n"]),
        ("again", table["again"], table["n"] - table["success"]),
    ):
        table[f"{name}_per_100"] = 100 * k / n
        table[f"{name}_low"] = 100 * stats.beta.ppf(0.025, k + 0.5, n - k + 0.5)
        table[f"{name}_high"] = 100 * stats.beta.ppf(0.975, k + 0.5, n - k + 0.5)
    return table


def by_final_attempt(customers: pd.DataFrame) -> pd.DataFrame:
    """Give success by the final number of calls: the reading that divides by the wrong customers.

    Whoever has 3 calls failed twice; these failures are in nobody's denominator.
    """
    groups = customers[customers["calls"] <= LAST].groupby("calls")["success"]
    table = groups.agg(n="size", success="sum").reset_index()
    return table.assign(per_100=100 * table["success"] / table["n"])


# ── how much less ────────────────────────────────────────────────────────────────────────────────


def fatigue(cells: pd.DataFrame, customers: pd.DataFrame, *, draws: int) -> pd.DataFrame:
    """Estimate by how much log odds of success fall with each attempt.

    Crude, then among customers alike in what is known, then by previous contact. Errors are of
    the model; those of the headline also by drawing customers anew.
    """
    rows = []
    for attempts, last in ATTEMPTS.items():
        short = cells[cells["attempt"] <= last]
        groups = {"all": short, **dict(list(short.groupby("previous")))}
        for name, part in groups.items():
            readings: dict[str, list[str]] = {"crude": []}
            readings["customers alike"] = KNOWN if name == "all" else KNOWN[1:]
            for reading, given in readings.items():
                slope, error = fall(part, given)
                rows.append((attempts, name, reading, slope, error, int(part["n"].sum())))
    columns = ["attempts", "customers", "reading", "estimate", "std_error", "n"]
    table = pd.DataFrame(rows, columns=columns)
    margin = 1.96 * table["std_error"]
    table = table.assign(conf_low=table["estimate"] - margin, conf_high=table["estimate"] + margin)
    again = bootstrap(customers, draws=draws)
    head = (table["customers"] == "all") & (table["reading"] == "crude")
    return table.assign(bootstrap_error=np.where(head, table["attempts"].map(again), np.nan))


def fall(cells: pd.DataFrame, given: list[str]) -> tuple[float, float]:
    """Fit log odds of success, linear in earlier attempts; give minus the slope and its error."""
    sums = cells.groupby([*given, "attempt"], observed=True)[["n", "success"]].sum().reset_index()
    design = pd.DataFrame({"constant": 1.0, "earlier": sums["attempt"] - 1.0})
    if given:
        design = design.join(pd.get_dummies(sums[given], drop_first=True, dtype=float))
    counts = np.column_stack([sums["success"], sums["n"] - sums["success"]]).astype(float)
    fit = sm.GLM(counts, design, family=sm.families.Binomial()).fit()
    return -float(fit.params["earlier"]), float(fit.bse["earlier"])


def bootstrap(customers: pd.DataFrame, *, draws: int) -> dict[str, float]:
    """Give the error of the crude fall from customers drawn anew."""
    rng = np.random.default_rng(SEED)
    by = ["calls", "success"]
    kinds = customers.groupby(by).size()
    calls, success = (kinds.index.get_level_values(name).to_numpy() for name in by)
    attempt = np.arange(1, LAST + 1)
    found: dict[str, list[float]] = {name: [] for name in ATTEMPTS}
    for counts in rng.multinomial(kinds.sum(), kinds / kinds.sum(), size=draws):
        n = (counts[:, None] * (calls[:, None] >= attempt)).sum(axis=0)
        yes = (counts[:, None] * (success[:, None] & (calls[:, None] == attempt))).sum(axis=0)
        drawn = pd.DataFrame({"attempt": attempt, "n": n, "success": yes})
        for name, last in ATTEMPTS.items():
            found[name].append(fall(drawn[drawn["attempt"] <= last], [])[0])
    return {name: float(np.std(values, ddof=1)) for name, values in found.items()}


# ── tiring, or sorting ───────────────────────────────────────────────────────────────────────────


def all_tiring(theta: Floats, attempt: Floats) -> Floats:
    """Give the chance of success if every customer's log odds fall by as much at each call."""
    return np.asarray(special.expit(theta[0] - theta[1] * (attempt - 1)))


def all_sorting(theta: Floats, attempt: Floats) -> Floats:
    """Give the chance of success if customers differ, and each keeps the chance of the first call.

    With chances beta(a, b) among customers those who have said no k times are beta(a, b + k).
    """
    a, b = np.exp(theta)
    return np.asarray(a / (a + b + attempt - 1))


MODELS = {"all tiring": (all_tiring, [-2.8, 0.2]), "all sorting": (all_sorting, [0.0, 2.8])}


def fitted(cells: pd.DataFrame, name: str) -> tuple[Floats, float]:
    """Fit a model by maximum likelihood: its parameters and log likelihood."""
    chance, start = MODELS[name]
    sums = cells.groupby("attempt")[["n", "success"]].sum()
    attempt, n, yes = sums.index.to_numpy(float), sums["n"].to_numpy(), sums["success"].to_numpy()

    def loss(theta: Floats) -> float:
        return -float(stats.binom.logpmf(yes, n, chance(theta, attempt)).sum())

    found = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6})
    return np.asarray(found.x), -float(found.fun)


def models(cells: pd.DataFrame) -> pd.DataFrame:
    """Give success by attempt as the two models have it, and as the scenario's default has it."""
    attempt = np.arange(1.0, LAST + 1)
    tables = [
        pd.DataFrame(
            {
                "model": name,
                "attempt": attempt,
                "per_100": 100 * MODELS[name][0](fitted(cells, name)[0], attempt),
            }
        )
        for name in MODELS
    ]
    first = cells[cells["attempt"] == 1][["n", "success"]].sum()
    odds = special.logit(first["success"] / first["n"])
    default = inc.ColdCalls().fatigue
    own = {"model": f"ColdCalls.fatigue {default:g}", "attempt": attempt}
    tables.append(
        pd.DataFrame(own | {"per_100": 100 * special.expit(odds - default * (attempt - 1))})
    )
    return pd.concat(tables, ignore_index=True)


def likelihood(cells: pd.DataFrame) -> pd.DataFrame:
    """Compare how well each explains the counts, beside one chance for each attempt."""
    sums = cells.groupby("attempt")[["n", "success"]].sum()
    free = stats.binom.logpmf(sums["success"], sums["n"], sums["success"] / sums["n"]).sum()
    rows = [("free", float(free), len(sums))]
    rows += [(name, fitted(cells, name)[1], 2) for name in MODELS]
    table = pd.DataFrame(rows, columns=["model", "log_likelihood", "parameters"])
    lost = 2 * (free - table["log_likelihood"])
    return table.assign(p_of_fit=stats.chi2.sf(lost, len(sums) - table["parameters"]))


def cold_calls(slopes: pd.DataFrame) -> pd.DataFrame:
    """Say on which parameters of `ColdCalls` this bears, and how far, beside their defaults."""
    head = slopes[(slopes["customers"] == "all") & (slopes["attempts"] == "1 to 5")]
    readings = head.set_index("reading")[["estimate", "conf_low", "conf_high"]].to_dict("index")
    crude, alike = (readings[name] for name in ("crude", "customers alike"))
    cold = inc.ColdCalls()
    per_call = "log odds per call answered before in the month"
    read_as = f"{standing(cold.fatigue, crude)}; {BOUND}; {COUNTED}"
    rows: list[tuple[Any, ...]] = [
        ("guard", cold.guard, "log odds", "not on file: nobody here called the bank"),
        ("wary", cold.wary, "log odds per second of delay", "not on file: the dialler's delay"),
        ("fatigue", cold.fatigue, per_call, read_as),
    ]
    table = pd.DataFrame(rows, columns=["parameter", "default", "unit", "read_as"])
    bears = table["parameter"] == "fatigue"
    found = {"crude": crude["estimate"], "alike": alike["estimate"], "high": crude["conf_high"]}
    return table.assign(bears=bears, **{k: np.where(bears, v, np.nan) for k, v in found.items()})


def standing(default: float, fall: Mapping[Any, float]) -> str:
    """Say on which side of the fall the default lies, in words.

    Parameters
    ----------
    default
        Of `ColdCalls.fatigue`.
    fall
        With `estimate`, `conf_low` and `conf_high`: of log odds, at each attempt.
    """
    estimate, low, high = (fall[name] for name in ("estimate", "conf_low", "conf_high"))
    found = f"the fall in this file, {estimate:.3f} ({low:.3f} to {high:.3f})"
    if default > high:
        return f"the default, {default:g}, lies above what this file supports: above {found}"
    return f"the default, {default:g}, does not lie above the upper end of {found}"


def headline(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Give the numbers that prose quotes."""
    attempts = tables["attempts"].query("customers == 'all'").set_index("attempt")
    cold = tables["cold_calls"].set_index("parameter").loc["fatigue"]
    return {
        "success_per_100": attempts["success_per_100"].round(2).to_dict(),
        "called_again_per_100": attempts["again_per_100"].round(2).to_dict(),
        "fatigue": tables["fatigue"].to_dict("records"),
        "default": cold["default"],
        "upper_end": cold["high"],
        "default_above_upper_end": bool(cold["default"] > cold["high"]),
        "verdict": f"Of calls answered before in the month: {cold['read_as']}.",
        "likelihood": tables["likelihood"].to_dict("records"),
    }


# ── figures ──────────────────────────────────────────────────────────────────────────────────────


@house_style()
def attempts_figure(attempts: pd.DataFrame, drawn: pd.DataFrame) -> Axes:
    """Draw success by attempt, with 95 % intervals, and what the models make of it."""
    axes = plt.subplots(figsize=(6.8, 4.2), layout="constrained")[1]
    colours = sns.color_palette("colorblind", attempts["customers"].nunique())
    for (name, part), colour in zip(attempts.groupby("customers"), colours, strict=True):
        low, high = (part["success_per_100"] - part["success_low"]), part["success_high"]
        reach = [low, high - part["success_per_100"]]
        axes.errorbar(
            part["attempt"],
            part["success_per_100"],
            yerr=reach,
            fmt="o",
            color=colour,
            label=name,
            capsize=2,
        )
    for (name, part), style in zip(drawn.groupby("model"), ("-", "--", ":"), strict=True):
        axes.plot(part["attempt"], part["per_100"], style, color="0.4", label=name)
    axes.set(xlabel="attempt in the campaign", ylabel="success per 100 attempts", ylim=(0, None))
    axes.legend(frameon=False)
    return axes


@house_style()
def again_figure(attempts: pd.DataFrame) -> Axes:
    """Draw how many of those without success are called again: the bank's own choice."""
    axes = plt.subplots(figsize=(6.0, 3.6), layout="constrained")[1]
    for name, part in attempts[attempts["attempt"] < LAST].groupby("customers"):
        axes.plot(part["attempt"], part["again_per_100"], marker="o", label=name)
    axes.set(xlabel="attempt in the campaign", ylabel="called again, per 100 failures")
    axes.legend(frameon=False)
    return axes


if __name__ == "__main__":
    main(*arguments(__doc__))
