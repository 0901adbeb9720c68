"""One world under two policies: paired differences, which are the truth for estimators.

Twins share a key: the same customers with the same needs meet the same agents as hired, and the
effect of a policy is the mean of paired differences. Churn and months kept are of the *initial*
customers, who are there in both worlds; those present in both worlds later are survivors. All else
is of everybody who was served, worked or paid in a world, newcomers among them: what a policy does
to a centre, by way of who joins and who stays as well.

Use `twins` for the effect of a policy, and `mediation` for how much of it runs through gaming.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from incentives.mechanism import all_mechanisms
from incentives.records import Records
from incentives.scenario import Scenario
from incentives.simulation import simulate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Mediation", "Twins", "mediation", "truth_of", "twins"]

OUTCOMES = {
    "gamed": "gamed contacts per 100 served",
    "fabricated": "fabricated saves per 100 cancellations handled",
    "suppressed": "suppressed cancellations per 100 cancellations handled",
    "misclassified": "misclassified contacts per 100 served",
    "cut_off": "contacts cut off per 100 served",
    "success_logged": "sales and saves logged per 100 served",
    "success_true": "true sales and saves per 100 served",
    "save_rate_logged": "saves logged per 100 cancellations handled",
    "save_rate_true": "true saves per 100 cancellations handled",
    "sales_logged": "sales logged per 100 served",
    "sales_true": "true sales per 100 served",
    "churn": "customers of the initial population lost by the horizon, per 100",
    "months_retained": "mean months kept within the horizon, initial population",
    "abandoned": "contacts abandoned per 100 offered",
    "callbacks": "repeated contacts per 100 offered",
    "wait": "mean wait of answered contacts (minutes)",
    "pay": "pay per agent and month (money)",
    "revenue": "customers' margin, true sales and data sold, less refunds, per month (money)",
    "acquisition": "cost of winning customers per month (money)",
    "profit": "revenue less pay and the cost of winning customers, per month (money)",
    "referred": "customers who joined by recommendation per month",
    "hard_sold": "hard sells per 100 served",
    "refunded": "money paid back for regretted purchases per month",
    "data_sold": "money got for customers' data per month",
    "fees": "a contractor's fees per month (money)",
    "headcount": "agents at the end of the last month",
}


@dataclass(frozen=True, slots=True, eq=False)
class Twins:
    """Paired effects of one policy against another, with their Monte-Carlo error.

    `pairs` has one row a replication and outcome: the value under each policy and the difference.
    """

    policy: str
    against: str
    pairs: pd.DataFrame

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Give the effects: mean paired difference, its Monte-Carlo error and interval.

        `saved_by_pairing` is the variance of an unpaired difference over that of the paired one.
        """
        from scipy.stats import t

        rows = []
        for outcome, each in self.pairs.groupby("outcome", sort=False):
            gap = each["difference"].to_numpy()
            n = len(gap)
            error = gap.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
            reach = t.ppf(0.5 + conf_level / 2, n - 1) * error if n > 1 else np.nan
            apart = each["policy"].var(ddof=1) + each["against"].var(ddof=1)
            together = gap.var(ddof=1) if n > 1 else np.nan
            rows.append(
                {
                    "outcome": outcome,
                    "unit": OUTCOMES[str(outcome)],
                    "policy": each["policy"].mean(),
                    "against": each["against"].mean(),
                    "effect": gap.mean(),
                    "mc_error": error,
                    "conf_low": gap.mean() - reach,
                    "conf_high": gap.mean() + reach,
                    "replications": n,
                    "saved_by_pairing": apart / together if together > 0 else np.nan,
                }
            )
        return pd.DataFrame(rows)

    def effect(self, outcome: str) -> float:
        """Give the mean paired effect on one outcome, in its unit."""
        return float(self._of(outcome)["difference"].mean())

    def mc_error(self, outcome: str) -> float:
        """Give the Monte-Carlo standard error of that effect."""
        gap = self._of(outcome)["difference"]
        return float(gap.std(ddof=1) / np.sqrt(len(gap)))

    def _of(self, outcome: str) -> pd.DataFrame:
        if outcome not in OUTCOMES:
            raise KeyError(f"no outcome {outcome!r}; outcomes are {', '.join(OUTCOMES)}")
        return self.pairs[self.pairs["outcome"] == outcome]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the effects with their intervals."""
        from incentives import figures

        frame = self.tidy().rename(columns={"outcome": "term", "effect": "estimate"})
        return figures.coefficients(frame, ax=ax)

    def __repr__(self) -> str:
        table = self.tidy().set_index("outcome")
        shown = table[["policy", "against", "effect", "mc_error"]]
        return f"Twins: {self.policy!r} against {self.against!r}\n{shown.round(3).to_string()}"


def twins(
    policy: Scenario,
    against: Scenario,
    *,
    replications: int = 20,
    months: int = 24,
    horizon: int | None = None,
    rng: int | np.random.SeedSequence = 0,
    n_jobs: int = 1,
    progress: bool | None = None,
) -> Twins:
    """Run worlds under two policies and give the paired effects of the first against the second.

    Parameters
    ----------
    policy, against
        Two scenarios that differ in what is to be judged: scheme, audit, a mechanism switched off.
    replications
        Pairs of worlds, 2 or more.
    months, horizon
        Length of a run, and the month by which churn is counted, the run's end at most; 12 if left
        out, or the run's end where that comes earlier.
    rng, n_jobs, progress
        As in `simulate`.

    Raises
    ------
    ValueError
        There are fewer than two replications, or the horizon lies beyond the run.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=300))
    >>> paid = centre.change({"scheme": inc.Wage() + inc.PieceRate("saves", 8.0)})
    >>> pair = inc.twins(paid, centre, replications=2, months=2, horizon=2)
    >>> len(pair.pairs) > 0
    True
    """
    if replications < 2:
        raise ValueError(f"twins: replications must be 2 or more, got {replications}")
    records = simulate(
        [policy, against],
        replications=replications,
        months=months,
        rng=rng,
        n_jobs=n_jobs,
        keep="cells",
        progress=progress,
    )
    first, second = range(replications), range(replications, 2 * replications)
    return _pair(
        outcomes(records, horizon=horizon), list(first), list(second), policy.label, against.label
    )


def truth_of(records: Records, *, policy: str, against: str, horizon: int | None = None) -> Twins:
    """Give the paired effects from records of whole worlds that share replications.

    Parameters
    ----------
    records
        Of scenarios that differ in their label, as `Scenario.vary` makes them.
    policy, against
        Labels of two of them.
    horizon
        As for `twins`.

    Raises
    ------
    KeyError
        There is no such label.
    ValueError
        A label stands for several scenarios, or the horizon lies beyond the run.
    """
    return paired(outcomes(records, horizon=horizon), records.runs, policy, against)


def paired(values: pd.DataFrame, runs: pd.DataFrame, policy: str, against: str) -> Twins:
    """Pair the runs of two schemes by replication; `values` is what `outcomes` computed."""
    known = list(runs["scheme"].unique())
    for name in (policy, against):
        if name not in known:
            schemes = ", ".join(map(repr, known))
            raise KeyError(f"no scheme {name!r} in records; schemes are {schemes}")
    for name in (policy, against):
        of_name = runs[runs["scheme"] == name]
        if of_name["replication"].duplicated().any():
            raise ValueError(
                f"'{name}' stands for {of_name['digest'].nunique()} scenarios in the records, "
                "which are no replications of each other: simulate them apart, or label each"
            )
    first = runs[runs["scheme"] == policy].set_index("replication")["run"]
    second = runs[runs["scheme"] == against].set_index("replication")["run"]
    shared = first.index.intersection(second.index)
    return _pair(values, list(first[shared]), list(second[shared]), policy, against)


def outcomes(records: Records, *, horizon: int | None = None) -> pd.DataFrame:
    """Compute each run's true outcomes: one row a run, one column an outcome of `OUTCOMES`.

    Where records keep a sample of customers, what these paid is raised to all.
    """
    horizon = _within(records, horizon)
    runs = list(records.runs["run"])
    cells = records.cells
    served = cells[cells["agent"] >= 0]

    def count(chosen: Any) -> pd.Series:
        return _by_run(served[chosen], "n", runs)

    handled = _by_run(served, "n", runs)
    cancels = count((served["reason"] == "cancel") & (served["true_action"] != "cut_off"))
    logged, true = served["logged_outcome"], served["true_outcome"]
    gaming, action = served["true_gaming"], served["true_action"]
    counted = ["offered", "answered", "abandoned", "wait_minutes", "callbacks"]
    day = records.days.groupby("run")[counted].sum().reindex(runs)
    frame = pd.DataFrame(
        {
            "gamed": 100 * count(gaming != "none") / handled,
            "fabricated": 100 * count(action == "fabricate") / cancels,
            "suppressed": 100 * count(action == "suppress") / cancels,
            "misclassified": 100 * count(gaming == "G3") / handled,
            "cut_off": 100 * count(action == "cut_off") / handled,
            "success_logged": 100 * count(logged.isin(["sale", "saved"])) / handled,
            "success_true": 100 * count(true.isin(["sale", "saved"])) / handled,
            "save_rate_logged": 100
            * count((logged == "saved") & (served["reason"] == "cancel"))
            / cancels,
            "save_rate_true": 100 * count(true == "saved") / cancels,
            "sales_logged": 100 * count(logged == "sale") / handled,
            "sales_true": 100 * count(true == "sale") / handled,
            "abandoned": 100 * day["abandoned"] / day["offered"],
            "callbacks": 100 * day["callbacks"] / day["offered"],
            "wait": day["wait_minutes"] / day["answered"],
            "pay": records.agents.groupby("run")["paid"].mean().reindex(runs),
        }
    )
    frame = frame.join(_kept(records, horizon))
    months = records.runs.set_index("run")["months"]
    first = records.customers[records.customers["initial"] & (records.customers["month"] == 0)]
    raised = records.runs.set_index("run")["customers"] / _by_run(first, "n", runs)
    margin = _by_run(records.customers, "value", runs) * raised
    sales = _by_run(served[true == "sale"], "value", runs)
    refunds = _by_run(records.customers, "refund", runs) * raised
    data = _by_run(records.customers, "data_sold", runs) * raised
    frame["revenue"] = (margin + sales - refunds + data) / months
    won = records.runs.set_index("run")
    frame["acquisition"] = won["won"] * won["cost_of_winning"] / months
    frame["profit"] = frame["revenue"] - _by_run(records.agents, "paid", runs) / months
    frame["profit"] -= frame["acquisition"]
    frame["referred"] = records.runs.set_index("run")["referred"] / months
    frame["hard_sold"] = 100 * count(action == "hard_sell") / handled
    frame["refunded"] = refunds / months
    frame["data_sold"] = data / months
    clients = records.clients
    frame["fees"] = _by_run(clients, "fees", runs) / months if len(clients) else 0.0
    last = records.agents["month"] == records.agents["run"].map(months) - 1
    frame["headcount"] = records.agents[last].groupby("run").size().reindex(runs, fill_value=0)
    return frame.rename_axis("run").reset_index()


def _within(records: Records, horizon: int | None) -> int:
    """Give the month by which churn is counted, and refuse one that no run gets to."""
    months = int(records.runs["months"].min())
    if horizon is None:
        return min(12, months)
    if not 1 <= horizon <= months:
        raise ValueError(f"horizon must lie between 1 and the run's {months} months, got {horizon}")
    return horizon


def _by_run(frame: pd.DataFrame, column: str, runs: list[int]) -> pd.Series:
    return frame.groupby("run")[column].sum().reindex(runs, fill_value=0)


def _kept(records: Records, horizon: int) -> pd.DataFrame:
    """Count how many of the initial customers are lost by the horizon, and how long they stay."""
    customers = records.customers
    initial = customers[customers["initial"] & (customers["month"] < horizon)]
    table = initial.groupby(["run", "month"])[["n", "left"]].sum().reset_index()
    start = table[table["month"] == 0].set_index("run")["n"]
    lost = table.groupby("run")["left"].sum()
    stayed = (table["n"] - table["left"]).groupby(table["run"]).sum()
    return pd.DataFrame({"churn": 100 * lost / start, "months_retained": stayed / start})


def _pair(
    values: pd.DataFrame, first: Sequence[int], second: Sequence[int], policy: str, against: str
) -> Twins:
    table = values.set_index("run")
    rows = []
    for outcome in OUTCOMES:
        a = table.loc[list(first), outcome].to_numpy()
        b = table.loc[list(second), outcome].to_numpy()
        rows.append(
            pd.DataFrame(
                {
                    "outcome": outcome,
                    "replication": np.arange(len(a)),
                    "policy": a,
                    "against": b,
                    "difference": a - b,
                }
            )
        )
    return Twins(policy, against, pd.concat(rows, ignore_index=True))


# -- how much of an effect runs through gaming ---------------------------------------------------

WHOLE = "whole effect"
BESIDE = "with gaming off"
THROUGH = "through gaming"
TOGETHER = "only together"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mediation:
    """A policy's effect taken apart: what runs through gaming, and what is left without it.

    `parts` has one row a replication, outcome and part, with its `value` in the outcome's unit.
    """

    policy: str
    against: str
    ids: tuple[str, ...]
    parts: pd.DataFrame

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Give each part of each effect: its mean, Monte-Carlo error and interval.

        Returns
        -------
        pandas.DataFrame
            One row an outcome and part. ``"whole effect"`` is ``"with gaming off"`` and
            ``"through gaming"``; this is the sum of each kind alone (``"G1"`` ...) and of
            ``"only together"``, what no kind does by itself.
        """
        from scipy.stats import t

        each = self.parts.groupby(["outcome", "part"], sort=False)["value"]
        table = each.agg(effect="mean", spread="std", replications="size").reset_index()
        error = table.pop("spread") / np.sqrt(table["replications"])
        reach = t.ppf(0.5 + conf_level / 2, table["replications"] - 1) * error
        return table.assign(
            unit=table["outcome"].map(OUTCOMES),
            mc_error=error,
            conf_low=table["effect"] - reach,
            conf_high=table["effect"] + reach,
        )[
            [
                "outcome",
                "part",
                "unit",
                "effect",
                "mc_error",
                "conf_low",
                "conf_high",
                "replications",
            ]
        ]

    def effect(self, outcome: str, part: str = THROUGH) -> float:
        """Give the mean of one part of the effect on one outcome, in its unit."""
        return float(self._of(outcome, part).mean())

    def mc_error(self, outcome: str, part: str = THROUGH) -> float:
        """Give the Monte-Carlo standard error of that part."""
        values = self._of(outcome, part)
        return float(values.std(ddof=1) / np.sqrt(len(values)))

    def _of(self, outcome: str, part: str) -> "pd.Series[float]":
        table = self.parts
        for column, name in (("outcome", outcome), ("part", part)):
            if name not in (known := list(table[column].unique())):
                raise KeyError(f"no {column} {name!r}; {column}s are {', '.join(known)}")
        return table.loc[(table["outcome"] == outcome) & (table["part"] == part), "value"]

    def summary(self, outcome: str = "churn") -> str:
        """Say in a sentence how much of the effect on an outcome runs through gaming."""
        self._of(outcome, WHOLE)
        table = self.tidy()
        row: Any = table[table["outcome"] == outcome].set_index("part")

        def told(part: str) -> str:
            low, effect, high = row.loc[part, ["conf_low", "effect", "conf_high"]]
            return f"{effect:+.3g} [{low:+.3g}, {high:+.3g}]"

        clear = {
            part: row.loc[part, "conf_low"] * row.loc[part, "conf_high"] > 0 for part in row.index
        }
        verdict = "that any of it runs through gaming is not shown"
        if not self.parts.loc[self.parts["part"] == THROUGH, "value"].any():
            verdict = "nothing of it runs through gaming"
        elif clear[THROUGH] and clear[WHOLE]:
            share = row.loc[THROUGH, "effect"] / row.loc[WHOLE, "effect"]
            verdict = f"gaming carries {share:.0%} of it"
            if not 0 < share <= 1:
                verdict = "gaming and the rest pull in opposite directions"
        elif clear[THROUGH]:
            verdict = "gaming moves it, and something else moves it back"
        return (
            f"{OUTCOMES[outcome]}: '{self.policy}' against '{self.against}' {told(WHOLE)}, of "
            f"which {told(BESIDE)} is left with gaming off and {told(THROUGH)} runs through "
            f"gaming; {verdict} (95 % intervals, {row['replications'].iloc[0]} pairs of worlds)"
        )

    def plot(self, outcome: str = "churn", ax: "Axes | None" = None) -> "Axes":
        """Draw the parts of the effect on one outcome with their intervals."""
        from incentives import figures

        self._of(outcome, WHOLE)
        table = self.tidy()
        frame = table[table["outcome"] == outcome].rename(
            columns={"part": "term", "effect": "estimate"}
        )
        return figures.coefficients(frame, label=OUTCOMES[outcome], ax=ax)

    def __repr__(self) -> str:
        return f"Mediation: {self.policy!r} against {self.against!r}\n{self.summary()}"


def mediation(
    policy: Scenario,
    against: Scenario,
    *,
    replications: int = 20,
    months: int = 24,
    horizon: int = 12,
    rng: int | np.random.SeedSequence = 0,
    n_jobs: int = 1,
    progress: bool | None = None,
) -> Mediation:
    """Take a policy's effect apart into what runs through gaming and what does not.

    Both policies are run as they are, and once more with every kind of gaming (G1, G2, ...)
    switched off, on the same worlds. What the policy still does then does not run through gaming;
    the rest of its effect does. Each kind is also switched off alone: what that takes away from
    the effect is the kind's own, and what all take away beyond the sum of these is done only
    together. These are interventions on the world, no assumption about confounding is made.

    Parameters
    ----------
    policy, against
        Two scenarios that differ in what is to be judged. Kinds of gaming that are off in both
        are left out.
    replications
        Pairs of worlds, 2 or more; each is run 4 times, and twice more for each kind of gaming
        where there are several.
    months, horizon
        Length of a run, and the month by which churn is counted.
    rng, n_jobs, progress
        As in `simulate`.

    Returns
    -------
    Mediation
        With `tidy`, `effect`, `mc_error`, `summary` and `plot` for every outcome of `twins`.

    Raises
    ------
    ValueError
        The scenarios differ in nothing, no gaming is on in either, or there is one replication.

    Examples
    --------
    >>> import incentives as inc
    >>> floor = inc.Floor(teams=1, customers=300)
    >>> centre = inc.Scenario(floor=floor).without("G3", "G4", "G5", "G6", "G7", "G8")
    >>> paid = centre.change({"scheme": inc.Wage() + inc.PieceRate("saves", 8.0)})
    >>> split = inc.mediation(paid, centre, replications=2, months=2, horizon=2)
    >>> whole = split.effect("churn", "with gaming off") + split.effect("churn", "through gaming")
    >>> bool(abs(whole - split.effect("churn", "whole effect")) < 1e-9)
    True
    """
    ids = _gaming_to_switch(policy, against)
    if replications < 2:
        raise ValueError(f"mediation: replications must be 2 or more, got {replications}")
    switched: list[tuple[str, ...]] = [(), ids, *((name,) for name in ids if len(ids) > 1)]
    worlds = [each.without(*off) for off in switched for each in (policy, against)]
    records = simulate(
        worlds,
        replications=replications,
        months=months,
        rng=rng,
        n_jobs=n_jobs,
        keep="cells",
        progress=progress,
    )
    values = outcomes(records, horizon=horizon).set_index("run")[list(OUTCOMES)].to_numpy()
    by_world = values.reshape(len(switched), 2, replications, len(OUTCOMES))
    effect, beside, *alone = by_world[:, 0] - by_world[:, 1]
    parts = {WHOLE: effect, BESIDE: beside, THROUGH: effect - beside}
    if alone:
        own = [effect - without for without in alone]
        parts |= dict(zip(ids, own, strict=True)) | {TOGETHER: parts[THROUGH] - sum(own)}
    return Mediation(_name(policy, "policy"), _name(against, "against"), ids, _long(parts))


def _gaming_to_switch(policy: Scenario, against: Scenario) -> tuple[str, ...]:
    """Give the kinds of gaming that are on in either, and refuse what cannot be taken apart."""
    if replace(policy, name="", description="", label="") == replace(
        against, name="", description="", label=""
    ):
        raise ValueError(
            "mediation: policy and against differ in nothing but their names; change the scheme, "
            "the audit or what else is to be judged in one of them"
        )
    kinds = sorted({cls.id for cls in all_mechanisms() if cls.id.startswith("G")})
    ids = tuple(name for name in kinds if name not in policy.off & against.off)
    if not ids:
        raise ValueError(
            f"mediation: {', '.join(kinds)} are off in both scenarios, so that no effect can run "
            "through gaming; leave some of them on"
        )
    return ids


def _name(scenario: Scenario, otherwise: str) -> str:
    """Give a scenario's label, or its part in the comparison where it has none of its own."""
    return otherwise if scenario.label == "own" else scenario.label


def _long(parts: "dict[str, Any]") -> pd.DataFrame:
    """Lay parts (replications, outcomes) out as one row each."""
    names = list(OUTCOMES)
    frames = [
        pd.DataFrame(values, columns=names)
        .rename_axis("replication")
        .reset_index()
        .melt(id_vars="replication", var_name="outcome", value_name="value")
        .assign(part=part)
        for part, values in parts.items()
    ]
    table = pd.concat(frames, ignore_index=True)
    return table[["outcome", "part", "replication", "value"]]
