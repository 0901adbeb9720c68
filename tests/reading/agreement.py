"""The kernel against a second reading of the model's page: distributions, not draws.

`tests/reading` simulates the same scenarios in plain Python and shares no rule and no random number
with the kernel. For every scenario, each program runs a few dozen replications; every outcome is a
number a replication, and its means in the two programs may differ by no more than their standard
errors allow: a Welch t test, Bonferroni over all outcomes of the file, so that chance fails it once
in `ONCE_IN` rewrites of the random numbers. That is about five standard errors.

What that can see is part of the test (`SEES`): where all agents are alike, a difference of two
hundredths in a handle time, of one point in the share of an action, of a sixth in a wait.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import incentives as inc
from reading.centre import REASONS, read

MONTHS = 3
READINGS, RUNS = 18, 40  # replications of the Mesa program and of the kernel
ONCE_IN = 40
OUTCOMES = 700  # compared in this file, about
FEWEST = 80  # events in all readings, below which a share is no normal mean

FLOOR = inc.Floor(teams=2, team_size=2, customers=5_000)
CENTRE = inc.Scenario(floor=FLOOR)
"""A small, busy centre: one contact in eight waits."""

ALIKE = replace(
    CENTRE.change({"conscience.mean": -0.3, "leaving.base": 0.04, "audit.rate": 0.02}),
    workforce=inc.Workforce(archetypes=(inc.Archetype(),), tastes=0.0, pace=0.0, closing=0.0),
    conscience=inc.Conscience(mean=-0.3, spread=0.0, ability=0.0),
    dropped_contact=inc.DroppedContact(spread=0.0),
)
"""The same with agents who do not differ, tempted to lie, and with many who want to leave: shares
are sharp."""

WAGE = inc.Wage()
SAVES, SALES = inc.PieceRate("saves", 8.0), inc.PieceRate("sales", 5.0)
SUPPRESSING = {
    "menu.suppress.harm": 2.0,
    "menu.save.keeps": 0.5,
    "menu.save.keeps_decided": 0.35,
    "menu.press.keeps_decided": 0.4,
    "menu.press.harm": 0.0,
    "menu.press.distrust": 0.8,
    "suppressed_cancellation.traced": 0.3,
    "suppressed_cancellation.discovery": 0.5,
    "leaving.base": 0.08,
    "leaving.walks": 0.3,
    "leaving.mends": 5.0,
    "leaving.satisfaction": 0.7,
    "leaving.trust": 3.0,
    "expectations.fade": 0.5,
    "expectations.adapts": 0.6,
    "queueing.redials": 0.3,
    "dropped_contact.reluctance": 1.5,
    "dropped_contact.habit": 1.5,
    "dropped_contact.queue": 0.3,
    "dropped_contact.evening": 1.0,
    "audit.rate": 0.05,
    "audit.penalty": 20.0,
    "belief.weight": 50.0,
    "belief.memory": 0.8,
    "belief.talk": 0.8,
    "turnover.slope": 4.0,
    "turnover.outside": 6_000.0,
    "conscience.mean": -0.6,
    "conscience.noise": 0.6,
    "conscience.kinship": 0.6,
    "conscience.cap": 3.0,
    "conscience.slope": 0.6,
    "value.misreport": 1.0,
    "misclassified_contact.passable": 0.3,
}
STRONG = {
    "expectations.losses": 3.0,
    "expectations.adapts": 0.4,
    "expectations.speed": 0.5,
    "expectations.fade": 0.4,
    "expectations.waiting": 0.4,
    "leaving.base": 0.02,
    "leaving.satisfaction": 0.6,
    "leaving.trust": 2.0,
    "leaving.tenure": 1.0,
    "leaving.walks": 0.3,
    "leaving.mends": 4.0,
    "leaving.distrust_at_start": 0.4,
    "queueing.temper": 0.4,
    "queueing.redials": 0.9,
    "queueing.redial_minutes": 120.0,
    "needs.returns": 0.9,
    "needs.return_days": 6.0,
    "needs.tries": 3.0,
    "dropped_contact.reluctance": 3.0,
    "dropped_contact.habit": 1.5,
    "dropped_contact.queue": 0.3,
    "dropped_contact.evening": 1.0,
    "surveys.invites": 0.6,
    "surveys.extremes": 3.0,
    "surveys.noise": 3.0,
    "belief.memory": 0.8,
    "belief.talk": 1.0,
    "turnover.hazard": 0.2,
    "turnover.slope": 6.0,
    "value.misreport": 2.0,
    "conscience.onset": 0.5,
    "conscience.slope": 0.5,
    "menu.press.distrust": 0.5,
    "menu.press.harm": 0.0,
    "openness.moment": 1.5,
    "workforce.archetypes": (inc.Archetype(employer=0.02, client=0.02, risk=0.05),),
}
"""Rules that matter little by default, made to matter."""

SCENARIOS = {
    "wage": CENTRE,
    "saves": replace(CENTRE, scheme=WAGE + SAVES),
    "strong": replace(ALIKE.change(STRONG), scheme=WAGE + SAVES + SALES),
    "saves and sales": replace(ALIKE, scheme=WAGE + SAVES + SALES),
    "target": replace(ALIKE, scheme=WAGE + inc.Target("save_rate", 0.48, lump=300.0)),
    "survey": replace(ALIKE, scheme=WAGE + inc.Target("survey_score", 7.4, lump=400.0)),
    "suppressed": replace(
        ALIKE.change(SUPPRESSING), scheme=WAGE + inc.PieceRate("saves", 16.0)
    ).without("G1"),
    "without gaming": replace(CENTRE, scheme=WAGE + SALES).without("G1", "G2", "G3", "G4"),
    "without queues": ALIKE.without("O5"),
    "without openness": replace(ALIKE, scheme=WAGE + SALES).without("C3"),
}
DIFFER = ("wage", "saves", "without gaming")  # where agents differ, and shares with them

SEES = {
    "handle question": 0.02,
    "handle question, median": 0.02,
    "experience question": 0.01,
    "resolved at first contact": 0.01,
    "waited": 0.12,
    "wait of who is served": 0.17,
    "abandoned": 0.2,
    "question serve": 0.03,
    "left by contact": 0.06,
    "left silently": 0.06,
    "paid": 0.02,
    "belief": 0.05,
    "audits": 0.05,
    "answered": 0.05,
    "score": 0.02,
}
"""The smallest difference that is found where agents are alike, as a share of the outcome."""


# -- outcomes: a row a run, a column an outcome ----------------------------------------------------


def shares(frame, by, what, names, prefix, events):
    """Return the share of each value of `what` among the rows of a run."""
    table = pd.crosstab(frame["run"], frame[what].astype(str))
    n = frame.groupby("run").size()
    out = {}
    for name in names:
        hits = table[name] if name in table else 0.0 * n
        out[f"{prefix}{name}"] = hits / n
        events[f"{prefix}{name}"] = hits.mean()
    return out


def outcomes(contacts, agents, customers, audits, surveys, days):
    """Return the outcomes of each run, and of those that count events how many a run has."""
    out, events = {}, {}
    contacts = contacts.assign(reason=contacts["reason"].astype(str))
    served = contacts[contacts["true_outcome"].astype(str) != "abandoned"]
    by_run = served.groupby("run")
    n = by_run.size()

    out["contacts"] = contacts.groupby("run").size()
    out["abandoned"] = 1.0 - n / out["contacts"]
    events["abandoned"] = (out["contacts"] - n).mean()
    out["repeated"] = (contacts["attempt"] > 1).groupby(contacts["run"]).mean()
    out["tried three times"] = (contacts["attempt"] > 2).groupby(contacts["run"]).mean()
    out["by chat"] = (contacts["channel"].astype(str) == "chat").groupby(contacts["run"]).mean()
    out["wait of who is served"] = by_run["wait_minutes"].mean()
    out["waited"] = (served["wait_minutes"] > 0).groupby(served["run"]).mean()
    out["waited over two minutes"] = (served["wait_minutes"] > 2).groupby(served["run"]).mean()
    first = served[(served["attempt"] == 1) & (served["reason"] != "cancel")]
    out["resolved at first contact"] = first.groupby("run")["true_resolved"].mean()

    key = ["run", "customer", "reason"]
    calls = contacts.sort_values([*key, "day", "minute"], kind="stable")
    days_on = calls["day"] - calls.groupby(key, observed=True)["day"].shift()
    again = calls["attempt"] > 1
    out["again the same day"] = (days_on[again] == 0).groupby(calls["run"]).mean()
    out["again on the next day"] = (days_on[again] == 1).groupby(calls["run"]).mean()
    out["days on"] = days_on[again].groupby(calls["run"]).mean()
    seen = served.assign(begins=served["minute"] + served["wait_minutes"])
    seen = seen.sort_values(["run", "agent", "day", "begins"], kind="stable")
    cut = seen["true_action"].astype(str) == "cut_off"
    before = cut.groupby([seen["run"], seen["agent"], seen["day"]]).shift(fill_value=False)
    out["cut off after cutting off"] = cut[before].groupby(seen["run"]).mean().reindex(n.index)
    events["cut off after cutting off"] = (cut & before).sum() / len(n)
    late = seen["begins"] >= 900.0
    out["cut off in the evening"] = cut[late].groupby(seen["run"]).mean()
    events["cut off in the evening"] = (cut & late).sum() / len(n)

    service = ("rush", "serve", "care", "offer_after", "offer_first", "cut_off")
    wishes = ("process", "save", "press", "fabricate", "suppress", "cut_off")
    lies = {"question": ("log_save",), "complaint": ("log_save",), "order": ("log_upsell",)}
    for reason in REASONS:
        own = served[served["reason"] == reason]
        actions = wishes if reason == "cancel" else service + lies[reason]
        out |= shares(own, "run", "true_action", actions, f"{reason} ", events)
        each = own.groupby("run")
        out[f"{reason}s"] = each.size()
        out[f"handle {reason}"] = each["handle_minutes"].mean()
        out[f"handle {reason}, median"] = each["handle_minutes"].median()
        out[f"handle {reason}, top tenth"] = each["handle_minutes"].quantile(0.9)
        out[f"experience {reason}"] = each["true_experience"].mean()
        out[f"experience {reason}, SD"] = each["true_experience"].std()
    for side in ("true", "logged"):
        kinds = ("sale", "saved", "cancelled", "suppressed")
        out |= shares(served, "run", f"{side}_outcome", kinds, f"{side} ", events)

    by_run = agents.groupby("run")
    for name in ("paid", "penalty", "minutes_busy", "logged_sales_value", "logged_cancels"):
        out[name] = by_run[name].mean()
    events["penalty"] = (agents["penalty"] > 0.0).sum() / len(n)
    out["paid, SD"], out["contacts, SD"] = by_run["paid"].std(), by_run["logged_contacts"].std()
    out["quit"], events["quit"] = by_run["quit"].mean(), by_run["quit"].sum().mean()
    last = agents[agents["month"] == MONTHS - 1].groupby("run")
    out["belief"], out["conscience"] = last["true_belief"].mean(), last["true_conscience"].mean()

    total = customers.groupby("run")[["n", "left_contact", "left_silent", "left_discovery"]].sum()
    out["at risk"] = total["n"]
    for name, how in (("by contact", "contact"), ("silently", "silent"), ("on d.", "discovery")):
        out[f"left {name}"] = total[f"left_{how}"] / total["n"]
        events[f"left {name}"] = total[f"left_{how}"].mean()

    answered = surveys[surveys["answered"]].groupby("run")
    out["invited"] = surveys.groupby("run").size() / n
    out["answered"] = answered.size() / n
    out["score"], out["score, SD"] = answered["score"].mean(), answered["score"].std()
    found = audits["found"].astype(str) != "none"
    out["audits"] = audits.groupby("run").size() / n
    out["found"] = (found.groupby(audits["run"]).sum() / n).fillna(0.0)
    events["audits"] = len(audits) / len(n)
    events["found"] = found.sum() / len(n)

    total = days.groupby("run")[["offered", "within", "callbacks", "minutes_on_duty"]].sum()
    out["within the service level"] = total["within"] / total["offered"]
    out["on duty"] = total["minutes_on_duty"]
    return pd.DataFrame(out), events


FRAMES = ("contacts", "agents", "customers", "audits", "surveys", "days")


def compare(scenario, seed):
    """Run both programs and set their outcomes side by side."""
    records = inc.simulate(scenario, replications=RUNS, months=MONTHS, rng=seed, keep="contacts")
    kernel, _ = outcomes(*(getattr(records, name) for name in FRAMES))
    readings = [read(scenario, MONTHS, 1_000 * seed + i) for i in range(READINGS)]
    mine, events = outcomes(
        *(
            pd.concat(
                [getattr(one, name).assign(run=i) for i, one in enumerate(readings)],
                ignore_index=True,
            )
            for name in FRAMES
        )
    )
    table = pd.DataFrame({"kernel": kernel.mean(), "reading": mine.mean()})
    one, other = kernel.var() / RUNS, mine.var() / READINGS
    table["se"] = np.sqrt(one + other)
    table["z"] = (table["reading"] - table["kernel"]) / table["se"]
    freedom = (one + other) ** 2 / (one**2 / (RUNS - 1) + other**2 / (READINGS - 1))
    table["allowed"] = stats.t.isf(1.0 / (ONCE_IN * OUTCOMES) / 2.0, freedom)
    rare = [name for name, n in events.items() if n * READINGS < FEWEST]
    fixed = table["se"] < 1e-9 * table["kernel"].abs()
    return table.drop(index=rare), table[fixed]


# -- tests -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_that_the_kernel_and_a_second_reading_agree(name):
    table, fixed = compare(SCENARIOS[name], seed=1 + list(SCENARIOS).index(name))
    np.testing.assert_allclose(fixed["reading"], fixed["kernel"], rtol=1e-9)
    varies = table.drop(index=fixed.index, errors="ignore")
    apart = varies[varies["z"].abs() > varies["allowed"]]
    assert apart.empty, f"{name}: the two programs disagree\n{apart.to_string()}"
    if name not in DIFFER:
        sees = (varies["allowed"] * varies["se"] / varies["kernel"]).reindex(list(SEES)).dropna()
        blind = sees[sees > pd.Series(SEES).reindex(sees.index)]
        assert blind.empty, f"{name}: too few replications to see\n{blind.to_string()}"
