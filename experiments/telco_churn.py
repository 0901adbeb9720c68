"""What a public sample of 7,043 telephone customers says about leaving, and what it cannot say.

The Telco customer churn sample that IBM published (Apache-2.0) has a customer's months with the
firm, contract, payment method, and whether the customer left. The tools for leaving are fitted to
it with tenure as time, held against a published Kaplan-Meier curve and published cross-tabulations
of the same sample and against formulas of others, and the same customers are read a second way: the
sample's description has it that leavers left within the last month. Then nobody who left earlier is
in it (left truncation), and a customer says something about the present month of tenure alone. The
two readings are worlds apart, and the sample does not decide between them.

There is no scheme in it, no assignment and no agent: contracts are chosen by customers, and what is
compared is an association. Customers with the same contract (or payment method, where that is
compared) are dealt at random into groups, which stand where teams would; as a firm's teams they
come in through the data contract.

    python -m experiments.telco_churn --scale full --out results/telco_churn
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from statsmodels.duration.survfunc import SurvfuncRight

import incentives as inc
from experiments._common import Output, Scale, arguments, house_style
from experiments._samples import sample_file, skipped
from incentives import figures

FOLDER, FILE = "telco", "telco_customer_churn.csv"
SOURCE = "IBM's Telco customer churn sample, 7,043 rows and 21 columns, Apache-2.0"
SEED = 7043
CONTRACTS = ("Month-to-month", "One year", "Two year")
PAYMENT = "Electronic check"
ONLINE = "month to month, with internet"

PUBLISHED = "https://lingying.me/posts/2026/04/survival-analysis-telco-churn/"
CURVE = {6: 0.7803, 12: 0.6950, 24: 0.5753, 48: 0.3872, 60: 0.2890}
COUNTS = {
    "rows": 7043,
    "month-to-month": 3875,
    "one year": 1473,
    "two year": 1695,
    f"{ONLINE}: rows": 3351,
    f"{ONLINE}: left": 1556,
    f"{ONLINE}: median months": 34,
}
"""Read on the page above: the share retained after so many months, and counts and the median."""

TABULATED = "https://github.com/nabellaa/telco-customer-churn-analysis (README at 19e9f5a)"
SHARES = {"month-to-month": 43.0, "one year": 11.0, "two year": 3.0}
IN_FIRST_YEAR, AFTER_TWO, OF_ALL = 47.0, 14.0, 26.5
"""Read there: how many of 100 customers left, by contract, by tenure, and of all."""

CANNOT = (
    ("effect of a scheme", "no pay scheme, no agent and no contact is in the sample"),
    ("effect of a contract", "contracts are chosen by customers, and known as they are at the end"),
    ("hazard by tenure", "it depends on whether earlier leavers are in the sample: two readings"),
    ("reasons of leaving", "not in this edition of the sample: one reason cannot compete"),
    ("trend", "one cross-section: tenure, age of the cohort and calendar time are one"),
)


def main(scale: Scale, out: Path) -> None:
    """Read the sample, fit, hold against what is known, save."""
    file = sample_file(FOLDER, FILE)
    if file is None:
        print(skipped("telco_churn", FOLDER, FILE, source=SOURCE))
        return
    sample = read(file)
    with Output("telco_churn", out, scale, seeds=[SEED], inputs=[file]) as output:
        tables = report(sample, groups=scale.pick(smoke=20, full=100))
        for name, table in tables.items():
            output.table(name, table)
        output.figure("contracts", contracts_figure(tables["curves"]))
        output.figure("payment", payment_figure(tables["payment"]))
        output.numbers(headline(tables))


def read(file: Path) -> pd.DataFrame:
    """Read the sample: months with the firm, whether the customer left, and what is compared."""
    raw = pd.read_csv(file)
    online = (raw["Contract"] == CONTRACTS[0]) & (raw["InternetService"] != "No")
    return pd.DataFrame(
        {
            "tenure": raw["tenure"],
            "left": (raw["Churn"] == "Yes").astype(int),
            "contract": raw["Contract"],
            "payment": raw["PaymentMethod"],
            "online": np.where(online, ONLINE, "others"),
        }
    )


def report(sample: pd.DataFrame, *, groups: int) -> dict[str, pd.DataFrame]:
    """Work all tables out; nobody left a two-year contract early, so it enters late.

    Parameters
    ----------
    sample
        As `read` gives it.
    groups
        Random groups of customers that carry the errors.
    """
    by_contract = as_records(sample, "contract", groups)
    sooner = as_records(sample[sample["contract"] != CONTRACTS[2]], "contract", groups)
    contracts = [
        inc.churn_effect(tables, control=CONTRACTS[0], horizon=months).tidy()
        for tables, months in ((sooner, 12), (sooner, 24), (by_contract, 60))
    ]
    horizon = 60
    risks = inc.competing_risks(by_contract, control=CONTRACTS[0], horizon=horizon)
    return {
        "published": published(sample, groups),
        "marginals": marginals(sample),
        "contracts": pd.concat(contracts, ignore_index=True),
        "curves": risks.details["curves"],
        "one_reason": one_reason(risks),
        "errors": errors(sample, risks, horizon),
        "payment": payment(sample, groups),
        "two_readings": two_readings(sample, groups),
        "cannot_say": pd.DataFrame(CANNOT, columns=["question", "why_not"]),
    }


# ── the sample as a firm's tables ────────────────────────────────────────────────────────────────


def as_records(
    sample: pd.DataFrame, compared: str, groups: int, *, last_month_only: bool = False
) -> inc.Records:
    """Count customers at risk by random group and month of tenure, and read them as a firm's.

    Parameters
    ----------
    sample
        As `read` gives it.
    compared
        The column whose values stand where schemes would.
    groups
        Into how many random groups the customers with each value are dealt.
    last_month_only
        Count each customer in the present month of tenure alone, as if the sample held only
        those who were there a month ago.
    """
    group = np.random.default_rng(SEED).permutation(len(sample)) % groups
    teams = sample[compared] + ", group " + pd.Series(group, sample.index).astype(str)
    each = sample.assign(home_team=teams)[sample["tenure"] > 0]
    index = each.index.repeat(1 if last_month_only else each["tenure"])
    months = each.loc[index]
    if last_month_only:
        month = months["tenure"].to_numpy() - 1
    else:
        month = months.groupby(level=0).cumcount().to_numpy()
    gone = (months["left"] == 1) & (month == months["tenure"] - 1)
    months = months.assign(month=month, left=gone.astype(int), n=1)
    keys = ["home_team", "month", "contract"]
    counts = months.groupby(keys, observed=True)[["n", "left"]].sum().reset_index()
    customers = counts.assign(initial=True, left_unknown=counts["left"])
    chosen = each.drop_duplicates("home_team").sort_values(compared)
    assignments = pd.DataFrame(
        {
            "unit": "team",
            "unit_id": chosen["home_team"],
            "scheme": chosen[compared],
            "from_month": 0,
            "randomised": False,
        }
    )
    frames = {"customers": customers, "assignments": assignments}
    return inc.read_records(frames, covariates={"customers": ["contract"]})


# ── held against what is known ───────────────────────────────────────────────────────────────────


def published(sample: pd.DataFrame, groups: int) -> pd.DataFrame:
    """Set counts and the curve beside those that the page publishes, to its four digits."""
    tables = as_records(sample, "online", groups)
    curves = inc.competing_risks(tables, control="others", horizon=60).details["curves"]
    own = curves[curves["scheme"] == ONLINE].set_index("month")["per_100"]
    online = sample[sample["online"] == ONLINE]
    here = {
        "rows": len(sample),
        **{name.lower(): int((sample["contract"] == name).sum()) for name in CONTRACTS},
        f"{ONLINE}: rows": len(online),
        f"{ONLINE}: left": int(online["left"].sum()),
        f"{ONLINE}: median months": int(own.index[own >= 50].min()),
    }
    rows = [(name, float(known), float(here[name]), 0.5) for name, known in COUNTS.items()]
    rows += [
        (f"{ONLINE}: share retained at {month} months", known, 1 - own[month] / 100, 0.00005)
        for month, known in CURVE.items()
    ]
    columns = ["quantity", "published", "here", "tolerance"]
    curve = pd.DataFrame(rows, columns=columns).assign(source=PUBLISHED)
    shares = pd.DataFrame(tabulated(sample, groups), columns=columns).assign(source=TABULATED)
    table = pd.concat([curve, shares], ignore_index=True)
    agrees = (table["here"] - table["published"]).abs() <= table["tolerance"] + 1e-9
    return table.assign(agrees=agrees)


def tabulated(sample: pd.DataFrame, groups: int) -> list[tuple[str, float, float, float]]:
    """Count who left in the tables that the tools read, and set shares beside published ones.

    They are published in whole per cent, that of all to a tenth.
    """
    lost = as_records(sample, "contract", groups).customers
    by_contract = lost.groupby(lost["contract"].astype(str))["left"].sum()
    tenure, there = sample["tenure"], sample["contract"].value_counts()
    rows = [
        (f"{name.lower()}: left per 100", SHARES[name.lower()], by_contract[name] / there[name])
        for name in CONTRACTS
    ]
    early = lost.loc[lost["month"] < 12, "left"].sum() / (tenure <= 12).sum()
    late = lost.loc[lost["month"] >= 24, "left"].sum() / (tenure > 24).sum()
    rows += [
        ("up to 12 months there: left per 100", IN_FIRST_YEAR, early),
        ("more than 24 months there: left per 100", AFTER_TWO, late),
    ]
    whole = ("all: left per 100", OF_ALL, 100 * float(lost["left"].sum()) / len(sample), 0.05)
    return [*((name, known, 100 * float(share), 0.5) for name, known, share in rows), whole]


def marginals(sample: pd.DataFrame) -> pd.DataFrame:
    """Count who left by contract and payment method, and per customer-month."""
    tables = []
    for column in ("contract", "payment"):
        groups = sample.groupby(column)
        sums = groups.agg(n=("left", "size"), left=("left", "sum"), months=("tenure", "sum"))
        tables.append(sums.rename_axis("value").reset_index().assign(column=column))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(
        per_100=100 * table["left"] / table["n"],
        per_100_months=100 * table["left"] / table["months"],
    )


def one_reason(risks: inc.Estimate) -> pd.DataFrame:
    """Show that with one reason the incidence is one less Kaplan-Meier: nothing competes."""
    levels: pd.DataFrame = risks.details["levels"]
    return levels.loc[levels["group"] != "", ["term", "group", "estimator", "estimate"]]


def errors(sample: pd.DataFrame, risks: inc.Estimate, horizon: int) -> pd.DataFrame:
    """Set errors from random groups beside Greenwood's of the same curves."""
    levels = risks.details["levels"].query("group == ''").set_index("term")
    rows = []
    for contract, own in sample[sample["tenure"] > 0].groupby("contract"):
        curve = SurvfuncRight(own["tenure"].to_numpy(), own["left"].to_numpy())
        at = np.searchsorted(curve.surv_times, horizon, side="right") - 1
        theirs = (100 * (1 - curve.surv_prob[at]), 100 * curve.surv_prob_se[at])
        mine = levels.loc[contract, ["estimate", "std_error"]]
        rows.append((contract, *theirs, *mine))
    columns = ["contract", "kaplan_meier", "greenwood_error", "here", "random_group_error"]
    return pd.DataFrame(rows, columns=columns)


# ── what it says, and how little that is ─────────────────────────────────────────────────────────


def payment(sample: pd.DataFrame, groups: int) -> pd.DataFrame:
    """Compare payment methods as they are, and over the same mix of contracts."""
    tables = as_records(sample, "payment", groups)
    given: dict[str, tuple[str, ...]] = {"as they are": (), "same mix of contracts": ("contract",)}
    rows = []
    for reading, covariates in given.items():
        effect = inc.churn_effect(tables, control=PAYMENT, horizon=24, covariates=covariates)
        main = effect.tidy().query("estimand == 'churn' and group == ''")
        rows.append(main.drop_duplicates("term").assign(reading=reading))
    return pd.concat(rows, ignore_index=True)


def two_readings(sample: pd.DataFrame, groups: int) -> pd.DataFrame:
    """Give customers lost by month of tenure if all were followed, and if only the last month."""
    readings = {"followed since joining": False, "seen in the last month only": True}
    short = sample[sample["contract"] != CONTRACTS[2]]
    tables: list[pd.DataFrame] = []
    for reading, last in readings.items():
        seen = as_records(short, "contract", groups, last_month_only=last)
        risks = inc.competing_risks(seen, control=CONTRACTS[0], horizon=24)
        tables.append(risks.details["curves"].assign(reading=reading))
    return pd.concat(tables, ignore_index=True)


def headline(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Give the numbers that prose quotes."""
    effects = tables["contracts"]
    main = effects[(effects["estimand"] == "churn") & (effects["group"] == "")]
    free = main.drop_duplicates(["term", "unit"])[["contrast", "unit", "estimate"]]
    at = tables["two_readings"].query("month == 12 and scheme == @CONTRACTS[0]")
    return {
        "published_figures": len(tables["published"]),
        "published_figures_met": int(tables["published"]["agrees"].sum()),
        "contracts": free.to_dict("records"),
        "month_to_month_lost_by_12_months": dict(zip(at["reading"], at["per_100"], strict=True)),
        "largest_error_over_greenwood": float(
            (tables["errors"]["random_group_error"] / tables["errors"]["greenwood_error"]).max()
        ),
    }


@house_style()
def contracts_figure(curves: pd.DataFrame) -> Axes:
    """Draw customers lost by month of tenure and contract, read as if all had been followed."""
    axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")[1]
    figures.churn_curves(curves, value="per_100", label="customers lost, per 100", ax=axes)
    axes.set_xlabel("months with the firm")
    return axes


@house_style()
def payment_figure(table: pd.DataFrame) -> Axes:
    """Draw payment methods against electronic checks, as they are and over one mix."""
    axes = plt.subplots(figsize=(7.0, 3.2), layout="constrained")[1]
    label = f"customers lost by 24 months per 100, against '{PAYMENT.lower()}'"
    return figures.coefficients(table, hue="reading", label=label, ax=axes)


if __name__ == "__main__":
    main(*arguments(__doc__))
