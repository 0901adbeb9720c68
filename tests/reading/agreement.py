"""Set the kernel and the second reading side by side: outcomes of many runs, and their differences.

The two programs share no random number, so what is compared are means over replications. An outcome
is a number a run; its means in the two programs may differ by as much as a Welch t test allows,
with a Bonferroni allowance for the number of outcomes that are looked at.
"""

import gc
from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy import stats

import incentives as inc
from reading.centre import REASONS, read

MONTHS = 3
READINGS, RUNS = 20, 50  # replications of the Mesa program and of the kernel
ONCE_IN = 40  # sets of random numbers for which chance alone finds a difference
OUTCOMES = 850  # looked at in all scenarios together
FEWEST = 80  # events in all readings, below which a share is no normal mean


def shares(frame, what, names, prefix, events):
    """Return the share of each value of `what` among the rows of a run."""
    table = frame.groupby(["run", what], observed=True).size().unstack(fill_value=0)  # noqa: PD010
    n = table.sum(axis=1)
    out = {}
    for name in names:
        hits = table[name] if name in table else 0.0 * n
        out[f"{prefix}{name}"] = hits / n
        events[f"{prefix}{name}"] = hits.mean()
    return out


def outcomes(contacts, agents, customers, audits, surveys, days):
    """Return the outcomes of each run, and of those that count events how many a run has."""
    out, events = {}, {}
    served = contacts[contacts["true_outcome"] != "abandoned"]
    by_run = served.groupby("run")
    n = by_run.size()

    out["contacts"] = contacts.groupby("run").size()
    out["abandoned"] = 1.0 - n / out["contacts"]
    events["abandoned"] = (out["contacts"] - n).mean()
    out["repeated"] = (contacts["attempt"] > 1).groupby(contacts["run"]).mean()
    out["tried three times"] = (contacts["attempt"] > 2).groupby(contacts["run"]).mean()
    out["by chat"] = (contacts["channel"] == "chat").groupby(contacts["run"]).mean()
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
    cut = seen["true_action"] == "cut_off"
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
        out |= shares(own, "true_action", actions, f"{reason} ", events)
        each = own.groupby("run")
        out[f"{reason}s"] = each.size()
        out[f"handle {reason}"] = each["handle_minutes"].mean()
        out[f"handle {reason}, median"] = each["handle_minutes"].median()
        out[f"handle {reason}, top tenth"] = each["handle_minutes"].quantile(0.9)
        out[f"experience {reason}"] = each["true_experience"].mean()
        out[f"experience {reason}, SD"] = each["true_experience"].std()
    for side in ("true", "logged"):
        kinds = ("sale", "saved", "cancelled", "suppressed")
        out |= shares(served, f"{side}_outcome", kinds, f"{side} ", events)

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
    found = audits["found"] != "none"
    out["audits"] = audits.groupby("run").size() / n
    out["found"] = (found.groupby(audits["run"]).sum() / n).fillna(0.0)
    events["audits"] = len(audits) / len(n)
    events["found"] = found.sum() / len(n)

    total = days.groupby("run")[["offered", "within", "callbacks", "minutes_on_duty"]].sum()
    out["within the service level"] = total["within"] / total["offered"]
    out["on duty"] = total["minutes_on_duty"]
    return pd.DataFrame(out), events


@contextmanager
def nothing_thrown_away():
    """Keep Python from looking for garbage among thousands of customers, again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


FRAMES = ("contacts", "agents", "customers", "audits", "surveys", "days")


def compare(scenario, seed):
    """Run both programs and set their outcomes side by side.

    Parameters
    ----------
    scenario
        What to run.
    seed
        Of both programs, which share no draw.

    Returns
    -------
    tuple of pandas.DataFrame
        The outcomes that vary from run to run, with the means, the standard error of their
        difference, the difference in such errors (z) and what is allowed; and those that do not.
    """
    records = inc.simulate(scenario, replications=RUNS, months=MONTHS, rng=seed, keep="contacts")
    kernel, _ = outcomes(*(getattr(records, name) for name in FRAMES))
    with nothing_thrown_away():
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
    return table[~fixed].drop(index=rare, errors="ignore"), table[fixed]
