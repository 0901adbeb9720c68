"""How far do agents differ, beyond what chance makes of a few contacts each?

Use `agent_spread` before a league table: the best and the worst of a list are mostly lucky or
unlucky where contacts are few. It tells the spread of agents from chance, gives each agent's rate
drawn towards the others as far as chance warrants, and says how much a few of them account for.
`Spread` is the same for two columns of counts.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import interpolate, optimize, special

from incentives.estimates.comparison import LIKE, Observed, listed, require, unknown
from incentives.estimates.inference import Floats
from incentives.estimates.result import Check, Estimate, profile_interval, tidy

__all__ = ["Spread", "agent_spread"]

SHORT = 10 / 60  # minutes of service that nobody can be helped in
FEWEST = 5  # agents, below which a spread says nothing
LEAST, MOST = 1e-4, 0.98  # root of the correlation: nearly none, nearly complete
NONE = 1e-6  # correlation
REACH = 4.0  # signed root of the deviance up to which the likelihood is kept
COARSE, FINE = (25, 41), (61, 121)  # points of the grid: mean, root of the correlation
LEVELS = np.linspace(0.0, REACH, 33)

PERSON = ["run", "month", "agent"]

Curve = list[list[float]]
Quantity = Callable[[Floats, Floats], Floats]
"""What is made of the mean and the correlation of a beta distribution."""


class Staffed(Observed, Protocol):
    """Records that also hold single contacts, for those that were cut off."""

    def seen_by(self, role: Literal["analyst"], /) -> "Staffed":
        """Give the same frames without what the analyst cannot see."""
        ...

    @property
    def contacts(self) -> pd.DataFrame:
        """One row a contact."""
        ...


class Rate(NamedTuple):
    """A logged count out of another."""

    frame: Literal["cells", "contacts"]
    columns: tuple[str, ...]
    event: Callable[[pd.DataFrame], "pd.Series[bool]"]
    trial: Callable[[pd.DataFrame], "pd.Series[bool]"]
    words: str


def _logged(*names: str) -> Callable[[pd.DataFrame], "pd.Series[bool]"]:
    return lambda frame: frame["logged_outcome"].isin(names)


OUTCOMES = {
    "saves": Rate(
        "cells",
        ("logged_outcome", "n"),
        _logged("saved"),
        _logged("saved", "cancelled"),
        "contacts logged as saved, of those logged as saved or cancelled",
    ),
    "sales": Rate(
        "cells",
        ("logged_outcome", "n"),
        _logged("sale"),
        lambda frame: frame["logged_outcome"] != "abandoned",
        "contacts logged as a sale, of all served",
    ),
    "cut_offs": Rate(
        "contacts",
        ("ended", "handle_minutes"),
        lambda frame: frame["handle_minutes"] < SHORT,
        lambda frame: frame["ended"] == "served",
        "contacts that ended within ten seconds, of all served",
    ),
}
"""Which rates of agents can be asked for."""


def agent_spread(
    records: Staffed,
    *,
    outcome: str = "saves",
    level: float | None = None,
    top: float = 10.0,
) -> Estimate:
    """Tell how far agents' rates spread from what chance makes of a few contacts each.

    **Estimand.** Of agents like those under each scheme: the mean of their true rates; the
    *spread*, the standard deviation of true rates, in points per 100 contacts and of their log
    odds; the share of agents above a level; and the *concentration*, the share of all events that
    the `top` per cent of agents with the highest true rates would account for if all took as many
    contacts. The true rate is what an agent's rate would come to over endlessly many such
    contacts; what is logged is taken at its word, so gaming is part of an agent's rate.

    **Identification.** Contacts come to agents regardless of what will become of them, and are
    independent given the agent. A queue that sends other kinds of callers to some agents, or hours
    that are worse, look like a spread of agents; so do differences between the worlds of several
    runs. Whoever is seen under two schemes counts under each.

    **Estimator.** Empirical Bayes: agents' rates follow a beta distribution, by maximum
    likelihood from each agent's counts (beta-binomial). Intervals are of the profile likelihood:
    that of the spread may reach 0. The greatest likelihood leans to too small a spread where
    agents are few, by about 1 in 100 of it with 75 agents. Rows of the estimator ``"naive"`` are
    what the log shows without a thought of chance.

    Parameters
    ----------
    records
        Simulated records or a firm's own tables; only the analyst's view is read: `cells` (for
        ``"cut_offs"`` `contacts`, one by one) and `agents` (`hire` tells who had the seat).
    outcome
        ``"saves"``: contacts logged as saved, of those logged as saved or cancelled. ``"sales"``:
        contacts logged as a sale, of all served. ``"cut_offs"``: contacts that ended within ten
        seconds, of all served.
    level
        A rate per 100 contacts, above 0 and below 100, to count the agents above; none is counted
        if left out.
    top
        Per cent of agents, above 0 and below 100.

    Returns
    -------
    Estimate
        Rows of `tidy()`, for each scheme: `rate`, `spread` (also by the estimator ``"naive"``),
        `spread_of_log_odds`, `above` where a level is given, and `concentration` (also
        ``"naive"``). `details` has ``"agents"``: for each its `contacts`, `events`, the `raw` share
        and the `rate` drawn towards the others, with a 95 % interval.

    Raises
    ------
    KeyError
        There is no such outcome, or a column is missing.
    ValueError
        There are no such contacts, under 5 agents under a scheme, or all or none of the contacts
        are events.

    Notes
    -----
    In made logs of 28 and of 75 agents with 100 to 1500 contacts each, 95 % intervals of the spread
    held it in 92 and 94 of 100 and those of agents' rates in 95; with 30 agents of 5 to 80 contacts
    each the rates' held 93.

    The order of shrunken rates is a reason to look, not a verdict on a person: look at the
    intervals. Where agents are of two kinds a beta distribution describes the spread and blurs the
    kinds; `agent_types` tells them apart.

    Examples
    --------
    >>> import incentives as inc
    >>> floor = inc.Floor(teams=4, team_size=3, customers=8000)
    >>> records = inc.simulate(inc.Scenario(floor=floor), replications=1, months=1, rng=1)
    >>> spread = inc.agent_spread(records, outcome="sales")
    >>> spread.tidy().loc[:1, ["estimand", "estimator", "unit"]].to_numpy().tolist()[1]
    ['spread', 'beta-binomial', 'points per 100 contacts']
    """
    if outcome not in OUTCOMES:
        raise unknown(outcome, OUTCOMES, what="outcome", where="agent_spread")
    for name, value in (("level", level), ("top", top)):
        if value is not None and not 0 < value < 100:
            raise ValueError(f"{name} must lie between 0 and 100, got {value!r}")
    counts = _counts(records.seen_by("analyst"), outcome)
    spreads = {str(scheme): part for scheme, part in counts.groupby("scheme", observed=True)}
    rows, agents = [], []
    for scheme, part in spreads.items():
        try:
            spread = Spread(part["events"], part["trials"])
        except ValueError as problem:
            raise ValueError(f"'{scheme}', {OUTCOMES[outcome].words}: {problem}") from None
        rows += _rows(spread, scheme, level, top)
        who = part[["run", "agent", "hire", "scheme"]].reset_index(drop=True)
        agents.append(who.join(spread.rates()))
    table = pd.DataFrame(rows)
    shown = tidy(table)
    return Estimate(
        question=f"How far agents differ: {OUTCOMES[outcome].words}",
        rows=table,
        design={
            "outcome": outcome,
            "n_schemes": len(spreads),
            "n_agents": len(counts),
            "n_runs": int(counts["run"].nunique()),
            "top": top,
        },
        facts=(
            f"{len(counts)} agents, {counts['trials'].sum():,.0f} contacts, "
            f"{counts['events'].sum():,.0f} events; profile likelihood"
        ),
        reading=_reading(shown, OUTCOMES[outcome].words),
        checks=_checks(counts, shown),
        details={"agents": pd.concat(agents, ignore_index=True)},
    )


def _counts(seen: Staffed, outcome: str) -> pd.DataFrame:
    """Count events and trials of each agent under each scheme."""
    rate = OUTCOMES[outcome]
    keys = [*PERSON, "scheme"]
    frame = require(seen.cells if rate.frame == "cells" else seen.contacts, rate.frame, ())
    for column in (*keys, *rate.columns):
        if column not in frame:
            raise KeyError(
                f"{rate.frame} lacks the column '{column}'; it has {listed(frame.columns)}"
            )
    tried = frame[rate.trial(frame) & (frame["agent"] >= 0)]
    if tried.empty:
        raise ValueError(f"records have no contacts to take '{outcome}' of: {rate.words}")
    weight = tried["n"].to_numpy(dtype=float) if "n" in tried else np.ones(len(tried))
    happened = rate.event(tried).to_numpy(dtype=float)
    added = tried[keys].assign(trials=weight, events=weight * happened)
    monthly = added.groupby(keys, observed=True, sort=False)[["trials", "events"]].sum()
    seats = require(seen.agents, "agents", [*PERSON, "hire"])[[*PERSON, "hire"]]
    joined = monthly.reset_index().merge(seats, on=PERSON, how="left")
    joined = require(joined, "contacts with the agent's row in agents", ["hire"])
    person = ["run", "agent", "hire", "scheme"]
    return joined.groupby(person, observed=True)[["trials", "events"]].sum().reset_index()


def _rows(spread: "Spread", scheme: str, level: float | None, top: float) -> list[dict[str, Any]]:
    """Give a row for each reported number of the agents under a scheme."""
    share = f"of the top {top:g} % of agents"
    shared: dict[str, Any] = {
        "term": scheme,
        "contrast": "",
        "group": "",
        "kind": "level",
        "df": np.nan,
    }
    shared |= {
        "target": LIKE["agent"],
        "n": spread.trials.sum(),
        "n_events": spread.events.sum(),
        "n_clusters": len(spread.trials),
        "n_audits": np.nan,
    }
    points, events = "points per 100 contacts", "per 100 events"
    measures: list[tuple[str, str, str, float, Quantity]] = [
        ("rate", "mean of agents' rates", "per 100 contacts", 100, lambda mean, _: mean),
        ("spread", "spread of agents", points, 100, standard_deviation),
        ("spread_of_log_odds", "spread of log odds", "log odds", 1, of_log_odds),
        ("concentration", f"events {share}", events, 100, concentration(top / 100)),
    ]
    if level is not None:
        above = (
            "above",
            f"agents above {level:g}",
            "per 100 agents",
            100,
            share_above(level / 100),
        )
        measures.insert(3, above)
    rows = []
    for estimand, label, unit, scale, quantity in measures:
        value, curve = spread.quantity(quantity)
        profile = [[scale * at, root] for at, root in curve]
        one = profile_interval(profile, 1.0)
        own: dict[str, Any] = {"estimand": estimand, "label": label, "unit": unit}
        own |= {"estimator": "beta-binomial", "inference": "profile likelihood", "in_summary": True}
        own |= {"in_figure": estimand == "spread", "profile": profile}
        rows.append(shared | own | {"estimate": scale * value, "std_error": (one[1] - one[0]) / 2})
    raw = spread.events / spread.trials
    naive = {
        "spread": ("spread of raw shares", points, float(raw.std(ddof=1))),
        "concentration": (f"logged events {share}", events, _concentrated(spread, top)),
    }
    for estimand, (label, unit, value) in naive.items():
        own = {"estimand": estimand, "label": label, "unit": unit}
        own |= {"estimator": "naive"}
        own |= {"inference": "none", "in_summary": False, "in_figure": False, "profile": None}
        rows.append(shared | own | {"estimate": 100 * value, "std_error": np.nan})
    return rows


def _concentrated(spread: "Spread", top: float) -> float:
    """Give the share of logged events of the agents with most of them."""
    agents = max(round(len(spread.events) * top / 100), 1)
    most = np.sort(spread.events)[::-1][:agents]
    return float(most.sum() / spread.events.sum())


def _reading(rows: pd.DataFrame, counted: str) -> str:
    """Say under which schemes agents differ by more than chance in what is counted, and how far."""
    said = []
    for row in rows[(rows["estimand"] == "spread") & (rows["estimator"] != "naive")].to_dict(
        "records"
    ):
        differ = "differ by more than chance" if row["conf_low"] > 0 else "may all be alike"
        between = f"{row['conf_low']:.1f} to {row['conf_high']:.1f} {row['unit']}"
        said.append(f"agents under '{row['term']}' {differ}: lasting rates spread by {between}")
    return f"{counted}, gamed or not: {'; '.join(said)}"


def _checks(counts: pd.DataFrame, rows: pd.DataFrame) -> tuple[Check, ...]:
    """Look at what the spread rests on."""
    agents = float(rows["n_clusters"].min())
    runs = float(counts["run"].nunique())
    return (
        Check(
            "agents enough",
            agents >= 20,
            agents,
            20,
            "agents under a scheme; with few the spread leans on rates being beta distributed",
        ),
        Check(
            "one world",
            runs == 1,
            runs,
            1,
            "runs; what differs between them counts as a spread of agents",
        ),
    )


# ── the distribution of rates ─────────────────────────────────────────────────────────────────────


class Allowed(NamedTuple):
    """Beta distributions that counts do not exclude, with the deviance of each."""

    mean: Floats
    correlation: Floats
    deviance: Floats


class Spread:
    """A beta distribution of agents' rates, by maximum likelihood, and how sure it is.

    Parameters
    ----------
    events, trials
        Counts for each agent; trials are 1 or more.

    Attributes
    ----------
    mean, correlation
        Of the distribution: mean rate, and the correlation of two trials of an agent, which is 0
        where agents are alike; the variance of rates is mean x (1 - mean) x correlation.
    log_likelihood
        Of the counts, with the number of ways in which they could come about.

    Examples
    --------
    >>> import numpy as np
    >>> alike = Spread(np.array([4.0, 5, 6, 5, 5, 4]), np.full(6, 50.0))
    >>> round(alike.quantity(standard_deviation)[0], 3)
    0.0
    """

    def __init__(self, events: npt.ArrayLike, trials: npt.ArrayLike) -> None:
        self.events = np.asarray(events, dtype=np.float64)
        self.trials = np.asarray(trials, dtype=np.float64)
        if len(self.events) < FEWEST:
            raise ValueError(f"{len(self.events)} agents: at least {FEWEST} are needed")
        if not 0 < self.events.sum() < self.trials.sum():
            said = "none" if self.events.sum() == 0 else "all"
            raise ValueError(f"{said} of the contacts count as events: there is no spread to see")
        odds, root, deviance = self._deviance()
        smooth = interpolate.RectBivariateSpline(odds, root, deviance)
        best, least = _lowest(smooth, odds, root, deviance)
        self.mean, self.correlation = float(special.expit(best[0])), float(best[1] ** 2)
        fine = [
            np.linspace(axis[0], axis[-1], n) for axis, n in zip((odds, root), FINE, strict=True)
        ]
        self._fine = _within_reach(fine[0], fine[1], smooth(*fine) - least)
        self._coarse = _within_reach(odds, root, deviance - least)
        ways = -special.betaln(self.events + 1, self.trials - self.events + 1)
        chance = self._mass(np.array(self.mean), np.array(self.correlation))
        self.log_likelihood = float(chance + (ways - np.log(self.trials + 1)).sum())

    def quantity(self, of: Quantity) -> tuple[float, Curve]:
        """Give something made of the distribution, and its profile likelihood.

        The profile has pairs of a value and its signed root of the deviance, which is how many
        standard errors it lies from the estimate; ends of an interval are the least and greatest
        values at a deviance.

        Parameters
        ----------
        of
            A function of mean and correlation, such as `standard_deviation`.
        """
        value = float(of(np.array(self.mean), np.array(self.correlation)))
        values = of(self._fine.mean, self._fine.correlation)
        order = np.argsort(self._fine.deviance)
        place = np.searchsorted(self._fine.deviance[order], LEVELS**2, side="right")
        least, most = (
            extreme(np.append(value, values[order]))[place]
            for extreme in (np.minimum.accumulate, np.maximum.accumulate)
        )
        low = np.column_stack([least, -LEVELS])[:0:-1]
        return value, np.concatenate([low, np.column_stack([most, LEVELS])]).tolist()

    def rates(self) -> pd.DataFrame:
        """Give the rate of each agent, drawn towards the mean as far as chance warrants.

        What is unsure about the distribution is carried along: each that the counts allow counts
        with its likelihood (an integral that is flat in the mean's log odds and in the root of the
        correlation). Intervals are of a beta distribution with that mean and variance.

        Returns
        -------
        pandas.DataFrame
            ``contacts``, ``events``, ``raw`` (events over contacts), ``rate``, ``conf_low`` and
            ``conf_high`` (95 %), one row an agent.
        """
        allowed = self._coarse
        weight = np.exp(-allowed.deviance / 2)
        weight /= weight.sum()
        size = 1 / allowed.correlation - 1
        k, n = self.events[:, None], self.trials[:, None]
        mean = (allowed.mean * size + k) / (size + n)
        within = mean * (1 - mean) / (size + n + 1)
        rate = mean @ weight
        variance = (within + (mean - rate[:, None]) ** 2) @ weight
        own = rate * (1 - rate) / variance - 1
        low, high = (special.betaincinv(rate * own, (1 - rate) * own, q) for q in (0.025, 0.975))
        return pd.DataFrame(
            {
                "contacts": self.trials.astype(np.int64),
                "events": self.events.astype(np.int64),
                "raw": self.events / self.trials,
                "rate": rate,
                "conf_low": low,
                "conf_high": high,
            }
        )

    def _deviance(self) -> tuple[Floats, Floats, Floats]:
        """Give log odds of the mean, roots of the correlation and the deviance over both.

        The grid is moved and widened until it holds all that is within reach of its best point.
        """
        share = (self.events.sum() + 0.5) / (self.trials.sum() + 1)
        centre, half = float(special.logit(share)), 1.0
        low, high = LEAST, 0.3
        for _ in range(40):
            odds = np.linspace(centre - half, centre + half, COARSE[0])
            root = np.linspace(low, high, COARSE[1])
            mass = self._mass(*np.meshgrid(special.expit(odds), root**2, indexing="ij"))
            deviance = 2 * (mass.max() - mass)
            near = deviance <= REACH**2
            across, along = (np.flatnonzero(near.any(axis=axis)) for axis in (1, 0))
            step, gap = odds[1] - odds[0], root[1] - root[0]
            first, last = odds[across[0]] - step, odds[across[-1]] + step
            cut = across[0] == 0 or across[-1] == len(odds) - 1
            tight = last - first > 0.7 * 2 * half
            tops = along[-1] == len(root) - 1 and high < MOST
            bottoms = along[0] == 0 and low > LEAST
            filled = root[along[-1]] - root[along[0]] > 0.5 * (high - low)
            if not cut and not tops and not bottoms and tight and (filled or len(along) > 20):
                break
            centre = (first + last) / 2
            half = 2 * half if cut else (last - first) / 2
            top, bottom = root[along[-1]] + gap, root[along[0]] - gap
            high = min(MOST, 2 * high if tops else top)
            low = max(LEAST, low / 2 if bottoms else bottom)
        return odds, root, np.asarray(deviance, dtype=np.float64)

    def _mass(self, mean: Floats, correlation: Floats) -> Floats:
        """Give the log-likelihood at each mean and correlation, less what neither moves."""
        size = 1 / correlation - 1
        a, b = mean * size, (1 - mean) * size
        total = np.zeros_like(a)
        pairs, often = np.unique(
            np.column_stack([self.events, self.trials]), axis=0, return_counts=True
        )
        for (k, n), times in zip(pairs, often, strict=True):
            total += times * special.betaln(k + a, n - k + b)
        return np.asarray(total - len(self.events) * special.betaln(a, b))


def standard_deviation(mean: Floats, correlation: Floats) -> Floats:
    """Give the standard deviation of rates."""
    return np.asarray(np.sqrt(mean * (1 - mean) * _none_if_least(correlation)))


def of_log_odds(mean: Floats, correlation: Floats) -> Floats:
    """Give the standard deviation of the log odds of rates."""
    size = 1 / correlation - 1
    a, b = mean * size, (1 - mean) * size
    spread = np.sqrt(special.polygamma(1, a) + special.polygamma(1, b))
    return np.asarray(np.where(_none_if_least(correlation) > 0, spread, 0.0))


def share_above(level: float) -> Quantity:
    """Give the share of agents with a rate above a level."""

    def share(mean: Floats, correlation: Floats) -> Floats:
        size = 1 / correlation - 1
        return np.asarray(special.betaincc(mean * size, (1 - mean) * size, level))

    return share


def concentration(top: float) -> Quantity:
    """Give the share of all events of the share of agents with the highest rates."""

    def share(mean: Floats, correlation: Floats) -> Floats:
        size = 1 / correlation - 1
        a, b = mean * size, (1 - mean) * size
        least = special.betaincinv(a, b, 1 - top)
        return np.asarray(special.betaincc(a + 1, b, least))

    return share


def _none_if_least(correlation: Floats) -> Floats:
    """Take a correlation that no log could tell from none for none."""
    return np.where(correlation < NONE, 0.0, correlation)


def _lowest(
    smooth: interpolate.RectBivariateSpline, odds: Floats, root: Floats, deviance: Floats
) -> tuple[Floats, float]:
    """Find the lowest point of the deviance near the lowest of its grid."""
    place = np.unravel_index(int(deviance.argmin()), deviance.shape)
    start = np.array([odds[place[0]], root[place[1]]])
    found = optimize.minimize(
        lambda at: float(smooth(at[0], at[1])[0, 0]),
        start,
        bounds=[(odds[0], odds[-1]), (root[0], root[-1])],
        method="Nelder-Mead",
    )
    return np.asarray(found.x, dtype=np.float64), float(found.fun)


def _within_reach(odds: Floats, root: Floats, deviance: Floats) -> Allowed:
    """Keep the distributions that the counts allow."""
    mean, correlation = np.meshgrid(special.expit(odds), root**2, indexing="ij")
    kept = deviance <= REACH**2
    return Allowed(mean[kept], correlation[kept], np.maximum(deviance[kept], 0.0))
