"""Ask whether callers are cut off because of who answers, or because of what happens.

The Anonymous Bank's log of January and October 1999 (see `incentives.read_anonymous_bank`) holds
calls that agents ended within ten seconds. How are such calls spread over agents, what became of
the practice on 18-19 October, what did the callers do next, and does the same agent cut more
callers off when the situation gives reason to? Estimates that compare agents are clustered by
agent, with t critical values; the clusters are few, and every table says how many. What the log
cannot say is a table of its own (`cannot_say`), and the verdict names it.

    python -m experiments.dropped_calls --scale full --out results/dropped_calls
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments import _dropped_figures as figures
from experiments._bank import MESSAGE, answered, bank_files, skipped
from experiments._common import Output, Scale, arguments
from experiments._dropped_break import (
    STAYED,
    break_by_suite,
    break_placebo,
    break_scan,
    break_size,
    change_by_agent,
    daily_shares,
)
from experiments._dropped_call_backs import call_backs, identified_shares
from experiments._dropped_responses import SITUATION, log_likelihood, response_groups, responses
from experiments._dropped_shares import (
    AFTER,
    ALL,
    BEFORE,
    HEADLINE,
    ORDINARY,
    SEED,
    row_of,
    sample_of,
    with_period,
)
from experiments._dropped_spread import (
    concentration,
    lorenz_curve,
    rank_persistence,
    shares_by_agent,
    shares_by_period,
    shrunken_shares,
)
from experiments._situation import situation
from incentives.datasets import read_anonymous_bank

Tables = dict[str, pd.DataFrame]


def main(scale: Scale, out: Path) -> None:
    """Load the log, answer the questions, save the answers."""
    files = bank_files()
    if len(files) < 2:
        print(skipped("dropped_calls", "january.txt or october.txt"))
        return
    log = read_anonymous_bank(files[0].parent)
    with Output("dropped_calls", out, scale, seeds=[SEED], inputs=files) as output:
        output.table("rejected_rows", log.rejected.drop(columns="text"))
        print(report(log.contacts, output, draws=scale.pick(smoke=199, full=4999)))


def report(contacts: pd.DataFrame, output: Output, *, draws: int) -> str:
    """Work everything out, save it, and give the verdict.

    Parameters
    ----------
    contacts
        Contacts of January and October 1999.
    output
        Where tables, figures and numbers go.
    draws
        Bootstrap draws, sign patterns and permutations.

    Returns
    -------
    str
        The verdict, as it is saved.
    """
    calls = with_period(answered(contacts))
    tables = {
        "agents": shares_by_agent(calls),
        "periods": shares_by_period(calls),
        "shrunken": shrunken_shares(calls),
        "lorenz": lorenz_curve(calls),
        "concentration": concentration(calls, draws=draws),
        "daily": daily_shares(calls),
        "break_size": break_size(calls, draws=draws),
        "break_by_suite": break_by_suite(calls, draws=draws),
        "break_scan": break_scan(calls, draws=draws),
        "break_placebo": break_placebo(calls),
        "change_by_agent": change_by_agent(calls),
        "persistence": rank_persistence(calls),
        "call_backs": call_backs(contacts, calls),
        "call_back_selection": identified_shares(calls),
    }
    groups = response_groups(situation(contacts, calls))
    tables["responses"] = responses(groups, draws=draws)
    tables["log_likelihood"] = log_likelihood(groups)
    tables["evidence"] = evidence(calls, tables)
    tables["cannot_say"] = pd.DataFrame(CANNOT.items(), columns=["question", "why_not"])
    tables["verdict"] = verdict_checks(tables)
    verdict = verdict_sentence(tables)

    for name, table in tables.items():
        output.table(name, table)
    output.figure("agents", figures.agents(tables["agents"], tables["shrunken"], tables["lorenz"]))
    output.figure("daily", figures.daily(tables["daily"], tables["break_size"]))
    output.figure("break_scan", figures.scan(tables["break_scan"]))
    output.figure("responses", figures.responses(tables["responses"]))
    output.figure("call_backs", figures.call_backs(tables["call_backs"]))
    output.numbers(headline(tables) | {"verdict": verdict})
    return verdict


# ── the verdict, and what was known before ───────────────────────────────────────────────────────


def the_step(tables: Tables) -> dict[str, Any]:
    """Give the estimate of the break that is quoted: the change of the same agents."""
    return row_of(tables["break_size"], sample=HEADLINE, agents=STAYED, estimator="within agents")


def verdict_checks(tables: Tables) -> pd.DataFrame:
    """Hold the numbers against rules, one a row.

    Agents differ if who answers explains at least half of what agents and situation explain
    together, and if their ranks persist from January to October. They respond if the same agents
    changed at the break: the interval excludes zero, at least half of the fall lies within agents,
    and the step stands out at least twice as far as any in January. From call to call they respond
    to each of the situations that passes the test that flips signs, after Bonferroni.
    """
    ll = row_of(tables["log_likelihood"], agents="all agents")
    agents_part = (ll["agents_only"] - ll["nothing"]) / (ll["both"] - ll["nothing"])
    ranks = row_of(tables["persistence"], sample=HEADLINE)["conf_low"]
    step = the_step(tables)["conf_high"]
    change = tables["change_by_agent"].set_index("agent")["change"]
    within = change["within agents"] / change["all agents"]
    greatest = tables["break_scan"].groupby("month")["greatest_abs_z"].first()
    outstanding = greatest["October"] / greatest["January"]
    terms = tables["responses"].query("agents == 'all agents' and term in @SITUATION")

    differ, at_break = "differ", "respond at the break"
    rows = [
        (differ, "agents' part of the explained log-likelihood", agents_part, ">=", 0.5),
        (differ, "rank correlation January - October, lower end", ranks, ">", 0.0),
        (at_break, "change of the same agents, upper end", step, "<", 0.0),
        (at_break, "part of the fall within agents", within, ">=", 0.5),
        (at_break, "greatest step in October over that in January", outstanding, ">=", 2.0),
    ]
    rows += [
        (f"respond to: {label}", "p of flipped signs", p_value, "<", 0.05 / len(SITUATION))
        for label, p_value in zip(terms["label"], terms["flip_p_value"], strict=True)
    ]
    table = pd.DataFrame(rows, columns=["claim", "measure", "value", "rule", "limit"])
    holds = {
        ">": table["value"] > table["limit"],
        ">=": table["value"] >= table["limit"],
        "<": table["value"] < table["limit"],
    }
    picked = [holds[rule][i] for i, rule in enumerate(table["rule"])]
    return table.assign(holds=np.array(picked, dtype=bool))


def verdict_sentence(tables: Tables) -> str:
    """Say what the rules say."""
    checks = tables["verdict"]
    holds = checks.groupby("claim")["holds"].all()
    value = checks.drop_duplicates("measure").set_index("measure")["value"]
    answers = {
        (True, True): "Agents differ, and they respond",
        (True, False): "Agents differ; that they respond is not shown",
        (False, True): "Agents respond; that they differ is not shown",
        (False, False): "Neither that agents differ nor that they respond is shown",
    }
    terms = tables["responses"].query("agents == 'all agents' and term in @SITUATION")
    moves = [
        f"{label} (odds x {np.exp(estimate):.1f}, {shown})"
        for label, estimate in zip(terms["label"], terms["estimate"], strict=True)
        for shown in ["shown" if holds[f"respond to: {label}"] else "not shown"]
    ]
    return (
        f"{answers[bool(holds['differ']), bool(holds['respond at the break'])]}: "
        f"who answers makes {value.iloc[0]:.0%} of what agents and situation explain together; "
        f"{value.iloc[3]:.0%} of the fall in October lies within the same agents; "
        f"from call to call the same agent is moved by: {', '.join(moves)}. "
        f"The log cannot say: {', '.join(CANNOT)}."
    )


CANNOT = {
    "who hung up": (
        "a call that ends within ten seconds of service counts as cut off: the log has no word on "
        "who ended it, and some callers may have"
    ),
    "why the practice ended": (
        "all agents changed on the same two days, and none stayed as before to be compared with: "
        "whatever else changed on these days is in the same number"
    ),
    "what pay had to do with it": (
        "no scheme, no pay and no target is in the log, and nothing in it was dealt at random: "
        "that agents cut callers off for their statistics is known from outside"
    ),
    "what a situation does": (
        "queues and earlier calls come as they come: that the same agent cuts more callers off in "
        "one is an association, within the agent"
    ),
    "what became of the customers": "who called again is seen, who left the bank is not",
    "when it began": "January and October are read, and no month between them",
    "other centres": "one bank and some twenty agents: intervals speak of agents like these",
}
"""Questions that the log leaves open, and why."""


REPORTED = {
    "share cut off in January": ("E01", 0.0435, 0.00005),
    "messages among short calls before the break": ("E02", 0.18, 0.005),
    "agents' shares: mean": ("E02", 0.045, 0.0005),
    "agents' shares: standard deviation": ("E02", 0.051, 0.0005),
    "agents' shares: least": ("E02", 0.003, 0.0005),
    "agents' shares: greatest": ("E02", 0.248, 0.0005),
    "beta by moments: alpha": ("E02", 0.71, 0.01),
    "beta by moments: beta": ("E02", 15.1, 0.1),
    "five heaviest agents: share of cut-offs": ("E02", 0.62, 0.005),
    "five heaviest agents: share of contacts": ("E02", 0.26, 0.005),
    "ordinary calls, beta by likelihood: alpha": ("tastes", 0.81, 0.19),
    "ordinary calls, beta by likelihood: beta": ("tastes", 22.6, 7.0),
    "ordinary calls, logit-normal: mean": ("tastes", -4.04, 0.23),
    "ordinary calls, logit-normal: standard deviation": ("tastes", 1.20, 0.17),
    "ordinary calls, share after the break": ("tastes", 0.0037, 0.00005),
    "ordinary calls, rank correlation January - October": ("tastes", 0.75, 0.005),
    "logit: calls": ("tastes", 36341, 0.5),
    "logit: calls cut off": ("tastes", 1637, 0.5),
    "logit: agents": ("tastes", 23, 0.5),
    "logit: gain from agents only": ("tastes", 1143, 0.5),
    "logit: further gain from the situation": ("tastes", 210, 0.5),
    "logit: previous call cut off": ("tastes", 0.54, 0.28),
    "logit: five more callers waiting": ("tastes", 0.24, 0.13),
    "logit: October": ("tastes", 0.94, 0.24),
}
"""What the project's notes (``evidence.md``, ``tastes.md``) report from the same files: where, how
much, and how near is agreement: half a digit, or the standard error where one is given."""


def evidence(calls: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Set the numbers beside those reported earlier, and say where they agree."""
    before = calls[calls["period"].isin(BEFORE)]
    after = sample_of(calls[calls["period"] == AFTER], ORDINARY)
    spread = tables["concentration"]
    plain = spread[spread["sample"] == ALL].set_index("quantity")["estimate"].to_dict()
    ordinary = spread[spread["sample"] == ORDINARY].set_index("quantity")["estimate"]
    ll = row_of(tables["log_likelihood"], agents="all agents")
    terms = tables["responses"].query("agents == 'all agents'").set_index("term")["estimate"]
    here = plain | {f"ordinary calls, {name}": value for name, value in ordinary.items()}
    here |= {
        "share cut off in January": calls.loc[calls["period"] == "January", "cut_off"].mean(),
        "messages among short calls before the break": (
            before.loc[before["cut_off"], "reason"].eq(MESSAGE).mean()
        ),
        "ordinary calls, share after the break": after["cut_off"].mean(),
        "ordinary calls, rank correlation January - October": (
            row_of(tables["persistence"], sample=ORDINARY)["rank_correlation"]
        ),
        "logit: calls": ll["n"],
        "logit: calls cut off": ll["n_cut_off"],
        "logit: agents": ll["n_agents"],
        "logit: gain from agents only": ll["agents_only"] - ll["nothing"],
        "logit: further gain from the situation": ll["both"] - ll["agents_only"],
        "logit: previous call cut off": terms.get("previous_cut_off"),
        "logit: five more callers waiting": terms.get("waiting"),
        "logit: October": terms.get("october"),
    }
    rows = [
        (source, quantity, reported, here[quantity], tolerance)
        for quantity, (source, reported, tolerance) in REPORTED.items()
    ]
    table = pd.DataFrame(rows, columns=["source", "quantity", "reported", "here", "tolerance"])
    return table.assign(agrees=(table["here"] - table["reported"]).abs() <= table["tolerance"])


def headline(tables: Tables) -> dict[str, Any]:
    """Give the numbers that prose quotes."""
    shares = tables["concentration"].query("sample == @HEADLINE")
    spread = shares.set_index("quantity")["estimate"]
    scan = tables["break_scan"][tables["break_scan"]["month"] == "October"]
    plausible = pd.to_datetime(scan.loc[scan["plausible"], "first_day_after"])
    again = {"contacts": "every contact", "estimator": "adjusted"}
    return {
        "share_cut_off_before": spread["share of contacts cut off"],
        "gini": spread["Gini"],
        "five_heaviest_share_of_cut_offs": spread["five heaviest agents: share of cut-offs"],
        "five_heaviest_share_of_contacts": spread["five heaviest agents: share of contacts"],
        "spread_beyond_chance": row_of(
            tables["concentration"], sample=HEADLINE, quantity="beyond chance: standard deviation"
        ),
        "break_within_agents": the_step(tables),
        "break_placebo": tables["break_placebo"].query("is_break").iloc[0, 2:].to_dict(),
        "break_plausible_first_days": [f"{day:%Y-%m-%d}" for day in plausible],
        "call_back_same_day": row_of(tables["call_backs"], horizon="same day", **again),
        "call_back_24_hours": row_of(tables["call_backs"], horizon="24 hours", **again),
        "call_back_7_days": row_of(tables["call_backs"], horizon="7 days", **again),
    }


if __name__ == "__main__":
    main(*arguments(__doc__))
