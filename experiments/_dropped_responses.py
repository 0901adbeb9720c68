"""Whether the same agent responds to the situation: a logit with agent effects."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from experiments._clusters import coefficient, dummies_of, effective_scores, flip_p_value, logit
from experiments._dropped_shares import BEFORE, ORDINARY, SEED, Floats, counts, sample_of
from experiments._dropped_spread import HEAVY
from experiments._situation import LABELS

SITUATION = ("previous_cut_off", "waiting")
"""What an agent who responds is held against: the own previous act, and the queue. An earlier look
at the same log had shown both, so this is no test of a hypothesis made without the data."""


def response_groups(calls: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Calls before the break of agents with 200 calls or more and five or more cut off.

    Messages and internet help are left out; an agent's first call of a day has no previous one and
    drops out. The split into heavy and other agents is on the outcome itself.
    """
    before = sample_of(calls[calls["period"].isin(BEFORE) & calls["has_previous"]], ORDINARY)
    table = counts(before, "agent").set_index("agent")
    kept = table[(table["contacts"] >= 200) & (table["cut_off"] >= 5)]
    heavy = kept.index[kept["share"] > HEAVY]
    agents = {
        "all agents": kept.index,
        "heavy agents": heavy,
        "other agents": kept.index.difference(heavy),
    }
    groups = {name: before[before["agent"].isin(index)] for name, index in agents.items()}
    return {name: group for name, group in groups.items() if len(agents[name]) > 1}


def responses(groups: dict[str, pd.DataFrame], *, draws: int) -> pd.DataFrame:
    """What makes the same agent cut a call off: logit with agent effects.

    Estimand: the change in log odds within an agent, the rest of the situation held fixed. A
    previous call cut off also stands for whatever else was special that day.
    """
    rows: list[dict[str, Any]] = []
    for name, calls in groups.items():
        agent = calls["agent"].cat.codes.to_numpy()
        terms, cut_off, design = logit_design(calls)
        fit = logit(cut_off, design, agent)
        for column, term in enumerate(terms):
            row = coefficient(fit, column, n=len(calls), n_clusters=len(np.unique(agent)))
            if term in SITUATION:
                scores, rng = effective_scores(cut_off, design, column), np.random.default_rng(SEED)
                row["flip_p_value"] = flip_p_value(scores, agent, rng=rng, draws=draws)
            rows.append({"agents": name, "term": term, "label": LABELS[term]} | row)
    return pd.DataFrame(rows)


def logit_design(calls: pd.DataFrame) -> tuple[list[str], Floats, Floats]:
    """Give the terms that vary, the outcome, and the design: terms first, agents' dummies last.

    A term must vary among the calls cut off too, or its effect would be estimated as infinite.
    """
    values = calls[list(LABELS)].astype(float)
    varies = values[calls["cut_off"]].std() > 0
    terms = [term for term in LABELS if varies[term]]
    dummies = dummies_of(calls["agent"].cat.codes.to_numpy())
    design = np.column_stack([values[terms].to_numpy(), dummies])
    return terms, calls["cut_off"].to_numpy(dtype=float), design


def log_likelihood(groups: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Compare explanations: nothing, agents only, situation only, both.

    Agents' effects fitted to few events promise too much; their number is the count of parameters
    that they cost.
    """
    rows = []
    for name, calls in groups.items():
        terms, cut_off, design = logit_design(calls)
        by_agent = counts(calls, "agent")
        situation_only = np.column_stack([np.ones(len(calls)), design[:, : len(terms)]])
        row = {
            "agents": name,
            "nothing": at_their_shares([cut_off.sum()], [len(cut_off)]),
            "agents_only": at_their_shares(by_agent["cut_off"], by_agent["contacts"]),
            "situation_only": logit(cut_off, situation_only).llf,
            "both": logit(cut_off, design).llf,
        }
        sizes = {"n": len(calls), "n_cut_off": int(cut_off.sum())}
        parameters = {"n_agents": design.shape[1] - len(terms), "n_terms": len(terms)}
        rows.append(row | sizes | parameters)
    return pd.DataFrame(rows)


def at_their_shares(events: npt.ArrayLike, trials: npt.ArrayLike) -> float:
    """Log-likelihood of Bernoulli trials at the share of each group."""
    k, n = np.asarray(events, dtype=float), np.asarray(trials, dtype=float)
    return float((special.xlogy(k, k / n) + special.xlog1py(n - k, -k / n)).sum())
