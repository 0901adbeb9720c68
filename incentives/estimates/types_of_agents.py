"""Are some agents moved by bonus money and others not? Classes of agents, found in the log.

Use `agent_types` when agents have worked under pay that differs in money per logged success, and
some of their contacts were audited. It separates those who game for money from those who do not,
where one coefficient for all would be true of nobody.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from incentives.estimates.audits import CELL_COLUMNS, audited, served, targeted
from incentives.estimates.comparison import (
    LIKE,
    Comparison,
    Observed,
    compare_arms,
    listed,
    require,
)
from incentives.estimates.inference import Carried, Estimated, Floats
from incentives.estimates.result import Check, Estimate, direction, tidy

__all__ = ["agent_types", "class_checks"]

MOST_CLASSES = 4
STARTS = 12
MOST_STEPS, CLOSE, NEAR = 500, 1e-5, 0.01  # of EM: log-likelihood at which steps and starts agree
FEWEST_SWITCHED = 10  # agents who must have been seen at two levels of money
FEWEST_FOUND = 5.0  # audits that found gaming, below which a class's share is hardly measured
LOGIT_BOUND, PRECISION_BOUND = 12.0, 12.0  # shares of 0 and 1, and agents who are all alike
TIED = 0.1  # of the most gaming at a level: classes nearer than this have no order there
LOGIT, PRECISION = 0, 1  # of each count of a class at a level: see `Model`
LIMITS = ((-LOGIT_BOUND, 0.0), (LOGIT_BOUND, PRECISION_BOUND))  # a precision of 1: any share
TINY = 1e-300  # of which nothing was tried nothing is the share
COUNTS = 3  # what is counted of an agent at a level: see `Log.hits`
LOOSE = 6.0  # how hard the log of a precision is drawn to its bound, where counts say nothing
SMOOTH = 20.0  # contacts at the overall share that start values are drawn towards

AGENT_COLUMNS = ["run", "month", "agent", "hire"]

Ints = npt.NDArray[np.int64]


class Staffed(Observed, Protocol):
    """Records that also say who sat in which seat."""

    def seen_by(self, role: Literal["analyst"], /) -> "Staffed":
        """Give the same frames without what the analyst cannot see."""
        ...

    @property
    def agents(self) -> pd.DataFrame:
        """One row an agent and month."""
        ...


class Log(NamedTuple):
    """What is on record of each agent at each level of money; strata: logged as paid, or not."""

    money: Floats  #: (levels,) per logged success, ascending
    contacts: Floats  #: (agents, levels)
    paid: Floats  #: (agents, levels) contacts logged as what is paid for
    audits: Floats  #: (agents, levels, strata) weighted to stand for their stratum
    found: Floats  #: (agents, levels, strata) audits that found gaming, weighted likewise

    @property
    def hits(self) -> Floats:
        """What was counted: contacts logged as paid, and audits that found gaming by stratum."""
        return np.concatenate([self.paid[..., None], self.found], axis=-1)

    @property
    def tries(self) -> Floats:
        """Of how many: contacts, and audits by stratum."""
        return np.concatenate([self.contacts[..., None], self.audits], axis=-1)


class Fitted(NamedTuple):
    """A mixture at its maximum."""

    classes: int
    theta: Floats
    parameters: int  #: that are not at their bounds
    log_likelihood: float
    agreeing: int  #: starts that came to the same maximum
    ranked: bool  #: whether its classes rank alike at every level above the lowest

    def bic(self, agents: int) -> float:
        """Give the Bayesian information criterion, agents being what is independent."""
        return -2 * self.log_likelihood + self.parameters * float(np.log(agents))


def agent_types(
    records: Staffed,
    *,
    money: Mapping[str, float],
    logged: str = "saved",
    classes: int | None = None,
    rng: int | np.random.Generator = 0,
) -> Estimate:
    """Find classes of agents who differ in how much they game and in what money does to it.

    **Estimand.** For each class: its share of agents; the share of contacts on which an audit of
    every contact would find gaming, at each level of money; the *response*, by how many points
    per 100 contacts that rises with each unit of money per logged success (the slope of the
    least-squares line through the levels); and the *elasticity* between the lowest and the highest
    level (change of gaming over its mean, per change of money over its mean). `class 1` is the
    one with the greatest response: the mercenary end.

    **Identification.** The same agents are seen at different levels of money; but for money,
    nothing moves gaming from one level to the other; audits were drawn with a known chance;
    agents of a class vary around its mean in what they log and in what audits find, and the one
    tells nothing of the other; and of two classes the one that games more at one level of money
    above the lowest games no less at another, which ties levels to one another that no agent has
    seen both of. Where agents form a continuum, classes are cuts through it: `agent_spread`
    describes it.

    **Estimator.** A finite mixture over agents, which are told apart by what is counted of each at
    each level of money: contacts logged as paid for, and gaming found among audits of contacts so
    logged, and of all others. In a class each count is beta-binomial, for agents of a class differ
    in opportunity, in skill and in how far they go; a precision of which counts say nothing is
    drawn to that of agents who are all alike. It is fitted by EM from 12 random starts; the number
    of classes has the least BIC, in which parameters at their bounds do not count. What a class
    games is then the share of its contacts, every agent counting for the probability of being in
    it: logged times false among those so logged, plus the others times gamed among them. What is
    logged is thus taken for no more than it is: the chance that a logged success is false belongs
    to the class and the level. Errors are from the observed information, scores and counts added
    up by the unit that was assigned (the agent, or its team), and have the degrees of freedom of a
    class's own units at the level where they are fewest. Where audits found next to nothing scores
    are silent: the variance of each share found is raised to what two audits more of either finding
    would make of it.

    Parameters
    ----------
    records
        Simulated records or a firm's own tables; only the analyst's view is read: `runs`,
        `assignments`, `cells`, `audits` and `agents` (`hire` tells who had the seat).
    money
        Bonus money per logged success under each scheme on record, 0 or more; two levels at least.
        Time before an assignment is the scheme ``"before"``.
    logged
        The logged outcome that is paid for, such as ``"saved"`` or ``"sale"``.
    classes
        How many, 1 to 4; if left out, as many as have the least BIC.
    rng
        Where the starts of the search come from.

    Returns
    -------
    Estimate
        Rows of `tidy()`: for each class `response`, `share`, `elasticity` and `gamed` (by level
        of money in `group`); `response` of all agents together by the estimator ``"pooled"``, and
        of class 1 less that of the last class. `details` has ``"agents"`` (posterior
        probabilities of each), ``"criteria"`` (BIC) and ``"levels"``.

    Raises
    ------
    KeyError
        A scheme has no money, or a column is missing.
    ValueError
        Fewer than 10 agents were seen at two levels, nothing was logged as paid for or audited at
        a level, or there are more classes than clusters can tell.

    Notes
    -----
    A class of which audits found fewer than 5 cases of gaming at the lowest and the highest level
    together has no elasticity (it is missing); the interval of what it games says how much audits
    may have missed, and holds the truth more often than it promises. The documentation's page on
    estimators has how often intervals held the truth in simulated worlds with 48 agents of two
    kinds. Were agents of a class taken to be alike in what audits find, the more audits there are
    the more a class of agents who differ would be cut in two.

    Agents of a class who differ lastingly, gaming more than others at every level of money, are
    placed with more confidence than is due, the more so the nearer classes are: shares and the
    response of the lesser class then have intervals that are too short.

    A posterior probability is a reason to look, not a verdict on a person.

    References
    ----------
    Agresti and Coull (1998), The American Statistician 52, 119-126, for two more of either finding
    (from memory).

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario.load("outsourced_retentions").change(
    ...     {"scheme": inc.Wage(), "audit.rate": 0.1, "audit.on_saves": 0.8}
    ... )
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 6.0)}
    >>> trial = centre.assign(schemes, unit="agent", start=1)
    >>> records = inc.simulate(trial, replications=1, months=2, rng=1, keep="cells")
    >>> prices = {"before": 0.0, "wage": 0.0, "saves": 6.0}
    >>> types = inc.agent_types(records, money=prices, classes=2)
    >>> types.tidy().loc[:1, ["estimand", "term", "unit"]].to_numpy().tolist()[0]
    ['response', 'class 1', 'per 100 contacts and unit of money']
    """
    seen = records.seen_by("analyst")
    frames = _priced(seen, money)
    people, log = _log(*frames, logged)
    plan = compare_arms(
        seen, frames[0], by="scheme", control=min(_schemes(frames[0]), key=lambda s: money[s])
    )
    cluster = _cluster_of(plan, frames[0], people)
    fits = _fits(log, classes, np.random.default_rng(rng))
    agents = len(people)
    best = min(fits, key=lambda fit: fit.bic(agents))
    pooled = fits[0] if classes is None else _climb(log, 1, np.random.default_rng(0))
    carried = _carried(plan, cluster, best.classes)
    model, whole = _ordered(log, best), Model(log, 1, pooled.theta)
    posterior = model.weight
    rows = _rows(model, whole, cluster, carried, posterior, plan)
    criteria = pd.DataFrame(
        [(f.classes, f.log_likelihood, f.parameters, f.bic(agents), f.agreeing) for f in fits],
        columns=["classes", "log_likelihood", "parameters", "bic", "starts_agreeing"],
    )
    named = [f"probability_{k + 1}" for k in range(best.classes)]
    return Estimate(
        question=f"Classes of agents, by what money per contact logged '{logged}' does to gaming",
        rows=rows,
        design={
            "by": "money",
            "control": f"{log.money[0]:g} per contact logged {logged}",
            "n_classes": best.classes,
            "cluster": plan.unit,
            "n_clusters": carried.clusters,
            "df": carried.df,
            "n_agents": agents,
            "n_agents_switched": int(((log.contacts > 0).sum(axis=1) > 1).sum()),
            "n_audits": len(frames[1]),
            "n_targeted_left_out": int(targeted(seen.audits).sum()),
            "randomised": plan.randomised,
        },
        facts=_facts(log, agents, len(frames[1]), best.classes),
        reading=_reading(tidy(rows), best.classes),
        checks=_checks(plan, best, log, posterior),
        details={
            "agents": people.assign(**{"class": posterior.argmax(axis=1) + 1}).assign(
                **dict(zip(named, posterior.T, strict=True))
            ),
            "criteria": criteria,
            "levels": _levels(model),
        },
    )


# ── what is on record ────────────────────────────────────────────────────────────────────────────


def _priced(seen: Staffed, money: Mapping[str, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give served contacts and their audits with who served them and at what price."""
    seats = require(seen.agents, "agents", AGENT_COLUMNS)[AGENT_COLUMNS]
    cells, audits = served(seen.cells, "cells", CELL_COLUMNS), audited(seen.audits)
    for scheme in _schemes(cells):
        if scheme not in money:
            raise KeyError(
                f"money lacks the scheme '{scheme}', which is on record; it has {listed(money)}"
            )
        if not 0 <= money[scheme] < np.inf:
            raise ValueError(f"money of '{scheme}' must be 0 or more, got {money[scheme]!r}")
    joined = []
    for frame in (cells, audits):
        price = frame["scheme"].astype(str).map(dict(money)).to_numpy(dtype=float)
        whole = frame.assign(money=price).merge(seats, on=AGENT_COLUMNS[:3], how="left")
        joined.append(require(whole, "contacts with the agent's row in agents", ["hire"]))
    return joined[0], joined[1]


def _schemes(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in pd.unique(frame["scheme"])]


def _log(cells: pd.DataFrame, audits: pd.DataFrame, logged: str) -> tuple[pd.DataFrame, Log]:
    """Count contacts and audits by agent, level of money and stratum."""
    who = ["run", "agent", "hire"]
    people = cells[who].drop_duplicates().sort_values(who).reset_index(drop=True)
    index, levels = pd.MultiIndex.from_frame(people), np.unique(cells["money"])
    shape = (len(people), len(levels), 2)

    def counted(frame: pd.DataFrame, *values: Floats) -> list[Floats]:
        person = index.get_indexer(pd.MultiIndex.from_frame(frame[who]))
        if (person < 0).any():
            raise ValueError("audits name an agent who has no contacts in cells")
        level = np.searchsorted(levels, frame["money"])
        stratum = (frame["logged_outcome"] != logged).to_numpy(dtype=np.int64)
        place = np.ravel_multi_index((person, level, stratum), shape)
        size = int(np.prod(shape))
        return [
            np.bincount(place, value, size).astype(np.float64).reshape(shape) for value in values
        ]

    (n,) = counted(cells, cells["n"].to_numpy(dtype=float))
    prob = audits["prob"].to_numpy(dtype=float)
    found = (audits["found"].astype(str) != "none").to_numpy(dtype=float)
    drawn, weight, hits = counted(audits, np.ones(len(prob)), 1 / prob, found / prob)
    audited, standing_for = drawn.sum(axis=0), weight.sum(axis=0)
    # weights that add up to the audits of a stratum
    each = np.divide(audited, standing_for, out=np.zeros(shape[1:]), where=audited > 0)
    log = Log(levels, n.sum(axis=2), n[:, :, 0], weight * each, hits * each)
    _refuse(log, logged)
    return people, log


def _refuse(log: Log, logged: str) -> None:
    """Refuse what cannot tell classes apart."""
    if len(log.money) < 2:
        raise ValueError(
            f"money is {log.money[0]:g} under every scheme on record: what it moves cannot be "
            "seen; two levels are needed"
        )
    switched = int(((log.contacts > 0).sum(axis=1) > 1).sum())
    if switched < FEWEST_SWITCHED:
        raise ValueError(
            f"{switched} agents were seen at two levels of money, at least {FEWEST_SWITCHED} are "
            "needed: classes differ in how the same agent responds; assign schemes from a later "
            "month on (in a simulation `Scenario.assign(start=...)`), or let agents change places"
        )
    if not log.paid.any():
        raise ValueError(f"no contact is logged '{logged}': what is paid for is not on the log")
    for money, audits in zip(log.money, log.audits.sum(axis=0), strict=True):
        if not audits.all():
            what = f"'{logged}'" if audits[0] == 0 else f"other than '{logged}'"
            raise ValueError(f"no audits of contacts logged {what} at money {money:g}")


def _cluster_of(plan: Comparison, cells: pd.DataFrame, people: pd.DataFrame) -> Ints:
    """Give the cluster of each agent: the unit that was assigned."""
    codes = cells.assign(cluster=plan.cluster_codes(cells))
    first = codes.drop_duplicates(list(people.columns)).set_index(list(people.columns))["cluster"]
    code = first.loc[pd.MultiIndex.from_frame(people)].to_numpy()
    return np.asarray(np.unique(code, return_inverse=True)[1], dtype=np.int64)


def _carried(plan: Comparison, cluster: Ints, classes: int) -> Carried:
    clusters = int(cluster.max()) + 1
    if clusters <= classes:
        raise ValueError(
            f"{clusters} {plan.unit}s cannot tell {classes} classes apart: ask for fewer classes, "
            "or assign smaller units"
        )
    return Carried(clusters, clusters - classes, paired=False)


# ── the mixture ──────────────────────────────────────────────────────────────────────────────────


def _log_mass(log: Log, of_class: Floats) -> Floats:
    """Give each agent's log-likelihood in each class at each level, count by count.

    Each is beta-binomial. `of_class` (..., classes, levels, counts, 2) may hold several mixtures at
    once; the answer is (..., agents, classes, levels, counts), less what no parameter moves.
    """
    p, precision = _beta(of_class[..., None, :, :, :, :])
    yes, no = p * precision, (1 - p) * precision
    k, n = log.hits[:, None], log.tries[:, None]
    mass = special.gammaln(k + yes) + special.gammaln(n - k + no) - special.gammaln(n + precision)
    mass -= special.gammaln(yes) + special.gammaln(no) - special.gammaln(precision)
    return np.asarray(mass)


def _log_scores(log: Log, of_class: Floats) -> Floats:
    """Give its derivatives in the logit and the log of the precision, last axis."""
    p, precision = _beta(of_class[..., None, :, :, :, :])
    k, n = log.hits[:, None], log.tries[:, None]
    whole = special.digamma(n + precision) - special.digamma(precision)
    yes = special.digamma(k + p * precision) - special.digamma(p * precision) - whole
    no = special.digamma(n - k + (1 - p) * precision) - special.digamma((1 - p) * precision) - whole
    moves = [precision * p * (1 - p) * (yes - no), precision * (p * yes + (1 - p) * no)]
    return np.stack(moves, axis=-1)


def _beta(of_class: Floats) -> tuple[Floats, Floats]:
    """Give the means of the beta distributions, and their precisions."""
    return special.expit(of_class[..., LOGIT]), np.exp(of_class[..., PRECISION])


def _pull(of_class: Floats) -> Floats:
    """Give how a precision that no count speaks of is drawn to its bound, agents being all alike.

    The slope of minus half the squared distance, in units of `LOOSE`; that of a logit is 0.
    """
    pull = np.zeros_like(of_class)
    pull[..., PRECISION] = (PRECISION_BOUND - of_class[..., PRECISION]) / LOOSE**2
    return pull


class Model:
    """The likelihood of a mixture at one point, and what follows from it.

    The parameters are the log odds of each class but the last against the last, then for each
    class, level and count (see `Log.hits`) the logit of the mean and the log of the precision of a
    beta distribution, from which agents of the class have their shares.
    """

    def __init__(self, log: Log, classes: int, theta: Floats) -> None:
        self.log, self.classes, self.theta = log, classes, theta
        self.odds = np.append(theta[: classes - 1], 0.0)
        self.of_class = theta[classes - 1 :].reshape(classes, len(log.money), COUNTS, 2)
        self.weight = self.posterior()
        self.hits = np.einsum("ak,alc->klc", self.weight, log.hits)
        self.tries = np.einsum("ak,alc->klc", self.weight, log.tries)
        self.share = self.hits / self.tries.clip(TINY)  # (classes, levels, counts)

    def posterior(self) -> Floats:
        """Give each agent's probability of being in each class, (agents, classes)."""
        joint = _log_mass(self.log, self.of_class).sum(axis=-1).sum(axis=-1) + self.odds
        return np.asarray(special.softmax(joint, axis=1))

    def scores(self) -> Floats:
        """Give the derivative of each agent's log-likelihood, (agents, parameters).

        It is that of each class weighted by the posterior (Fisher's identity).
        """
        weight = self.weight
        each = _log_scores(self.log, self.of_class) * weight[:, :, None, None, None]
        share = weight - special.softmax(self.odds)
        return np.column_stack([share[:, :-1], each.reshape(len(weight), -1)])

    def pulled(self) -> Floats:
        """Give what draws each parameter besides what is on record: see `_pull`."""
        return np.append(np.zeros(self.classes - 1), _pull(self.of_class))

    def gamed(self) -> Floats:
        """Give the share of contacts gamed, per 100, (classes, levels).

        Of contacts, not of agents: who logs more as paid for may well have more of it false.
        """
        return _gamed(self.share)

    def off(self) -> Floats:
        """Give how far each agent's own counts move the shares gamed, (agents, classes, levels)."""
        left = self.log.hits[:, None] - self.share * self.log.tries[:, None]
        moved = self.weight[:, :, None, None] * left / self.tries.clip(TINY)
        return np.asarray((moved * self._through()).sum(axis=-1))

    def _through(self) -> Floats:
        """Give what each share does to the shares gamed, (classes, levels, counts)."""
        logged, paid, rest = (self.share[..., i] for i in range(COUNTS))
        return 100 * np.stack([paid - rest, logged, 1 - logged], axis=-1)

    def derived(self) -> dict[str, Floats]:
        """Give what is reported, by name."""
        return {
            "share": 100 * special.softmax(self.odds),
            **_of_gamed(self.gamed(), self.log.money),
        }

    def carried(self, cluster: Ints) -> list[Carried]:
        """Count the clusters that carry each class, where its agents were seen least."""
        clusters = int(cluster.max()) + 1
        here = self.weight[:, :, None] * (self.log.contacts > 0)[:, None]
        mass = np.zeros((clusters, *here.shape[1:]))
        np.add.at(mass, cluster, here)
        least = np.minimum(mass, 1.0).sum(axis=0).min(axis=1)
        return [Carried(n, n - 1, paired=False) for n in least.astype(int).clip(min=2).tolist()]

    def estimated(self, cluster: Ints) -> dict[str, Estimated]:
        """Give what is reported with its influence by cluster, and by what audits may have missed.

        The rows after the clusters' are those of audits: see `_unseen`.
        """
        free = np.flatnonzero(_free(self.theta, self.classes, len(self.log.money)))
        sums = _by_cluster(self.scores()[:, free], cluster)
        direct = _by_cluster(self.off().reshape(len(cluster), -1), cluster)
        information = -self._slopes(lambda m: m.scores().sum(axis=0) + m.pulled(), free)[free]
        moved = np.linalg.solve(information, sums.T).T
        missed = self._unseen()
        reported, values = {}, self.derived()
        sizes = np.cumsum([value.size for value in values.values()])[:-1]
        slopes = self._slopes(lambda m: np.concatenate(list(m.derived().values())), free)
        for (name, value), slope in zip(values.items(), np.split(slopes, sizes), strict=True):
            influence = moved @ slope.T
            if name != "share":
                through = _slopes_of_gamed(self.gamed(), self.log.money)[name]
                influence = np.vstack([influence + direct @ through.T, missed @ through.T])
            reported[name] = Estimated(value, influence)
        return reported

    def _unseen(self) -> Floats:
        """Give how far the share gamed may lie off where audits found next to nothing, or all.

        A share at 0 or 1 has no score. To the variance of each share found is added what it would
        be with two audits more of either finding (Agresti and Coull), less what it is. Gives
        (shares found, shares gamed), standard deviations.
        """
        found, audits = self.hits[..., 1:], self.tries[..., 1:]
        clean = audits - found
        four = (found + 2) * (clean + 2) / (audits + 4) ** 3
        own = np.divide(found * clean, audits**3, out=np.zeros_like(four), where=audits > 0)
        off = self._through()[..., 1:] * np.sqrt((four - own).clip(min=0.0))
        level = np.eye(self.gamed().size).repeat(2, axis=0)
        return np.asarray(level * off.reshape(-1, 1))

    def _slopes(self, function: Any, free: Ints) -> Floats:
        """Differentiate a function of the model by central differences, (outputs, parameters)."""
        columns, step = [], 1e-4
        for i in free:
            either = [self.theta.copy(), self.theta.copy()]
            either[0][i] += step
            either[1][i] -= step
            up, down = (function(Model(self.log, self.classes, theta)) for theta in either)
            columns.append((up - down) / (2 * step))
        return np.column_stack(columns)


def _by_cluster(values: Floats, cluster: Ints) -> Floats:
    """Add up what agents have by cluster, from (agents, values)."""
    sums = np.zeros((int(cluster.max()) + 1, values.shape[1]))
    np.add.at(sums, cluster, values)
    return sums


def _of_gamed(gamed: Floats, money: Floats) -> dict[str, Floats]:
    """Give what is reported of the shares gamed, (classes, levels)."""
    slope = (gamed * (money - money.mean())).sum(axis=1) / ((money - money.mean()) ** 2).sum()
    low, high = gamed[:, 0], gamed[:, -1]
    apart = (money[-1] - money[0]) / (money[-1] + money[0])
    return {
        "response": slope,
        "elasticity": (high - low) / np.maximum(high + low, 1e-12) / apart,
        "gamed": gamed.ravel(),
        "gap": slope[:1] - slope[-1:],
    }


def _slopes_of_gamed(gamed: Floats, money: Floats) -> dict[str, Floats]:
    """Differentiate what is reported by the shares gamed, (outputs, shares)."""
    step, columns = 1e-6, []
    for place in range(gamed.size):
        either = [gamed.ravel().copy() for _ in range(2)]
        either[0][place] += step
        either[1][place] -= step
        up, down = (_of_gamed(each.reshape(gamed.shape), money) for each in either)
        columns.append({name: (up[name] - down[name]) / (2 * step) for name in up})
    return {name: np.column_stack([each[name] for each in columns]) for name in columns[0]}


def _limits(classes: int, levels: int) -> tuple[Floats, Floats]:
    """Give the least and the greatest value of each parameter."""
    odds, each = np.full(classes - 1, LOGIT_BOUND), classes * levels * COUNTS
    low, high = (np.tile(limit, each) for limit in LIMITS)
    return np.concatenate([-odds, low]), np.concatenate([odds, high])


def _free(theta: Floats, classes: int, levels: int) -> npt.NDArray[np.bool_]:
    """Say which parameters are inside their limits; the others are taken as known."""
    low, high = _limits(classes, levels)
    return np.asarray((theta > low + 0.5) & (theta < high - 0.5))


def _fits(log: Log, classes: int | None, rng: np.random.Generator) -> list[Fitted]:
    if classes is None:
        return [_climb(log, k, rng) for k in range(1, MOST_CLASSES + 1)]
    if classes not in range(1, MOST_CLASSES + 1):
        raise ValueError(f"classes must be 1 to {MOST_CLASSES}, got {classes!r}")
    return [_climb(log, classes, rng)]


def _climb(log: Log, classes: int, rng: np.random.Generator) -> Fitted:
    """Climb the likelihood from random starts, all at once, and keep the highest ranked point.

    Agents seen at one of two levels each tie the levels to one another by the lowest alone, where
    there is little gaming to tell classes by. The likelihood then has a maximum in which a class
    is the mercenary one at one level and the loyal one at the other: each is climbed again from
    where its classes rank alike, and only those that stay so are taken.
    """
    starts = STARTS if classes > 1 else 1
    of_class = np.stack([_start(log, classes, rng) for _ in range(starts)])
    share = np.full((starts, classes), 1 / classes)
    of_class, share, reached = _uphill(log, _ranked(of_class), share)
    if len(log.money) > 2 and classes > 1:
        of_class, share, reached = _uphill(log, _ranked(of_class), share)
    ranked = _rank_alike(of_class)
    worth = np.where(ranked, reached, -np.inf) if ranked.any() else reached
    best = int(worth.argmax())
    odds = np.log(share[best, :-1] / share[best, -1])
    agreeing = int((worth > worth[best] - NEAR).sum())
    theta = np.concatenate([odds, of_class[best].ravel()])
    free = int(_free(theta, classes, len(log.money)).sum())
    likelihood = float(reached[best] - _drawn(of_class[best]).sum())
    return Fitted(classes, theta, free, likelihood, agreeing, bool(ranked[best]))


def _uphill(log: Log, of_class: Floats, share: Floats) -> tuple[Floats, Floats, Floats]:
    """Climb by EM until no start gains; give classes, their shares and the likelihoods."""
    before, mass = np.full(len(of_class), -np.inf), _log_mass(log, of_class)
    for _ in range(MOST_STEPS):
        joint = mass.sum(axis=-1).sum(axis=-1) + np.log(share)[:, None]
        each = special.logsumexp(joint, axis=-1)
        reached = each.sum(axis=-1) + _drawn(of_class).sum(axis=(-3, -2, -1))
        weight = np.exp(joint - each[..., None])
        if (reached - before).max() < CLOSE:
            break
        before = reached
        share = weight.mean(axis=1).clip(1e-6)
        share /= share.sum(axis=1, keepdims=True)
        of_class, mass = _better(log, of_class, mass, weight)
    return of_class, share, reached


def _gamed(share: Floats) -> Floats:
    """Give the share of contacts gamed, per 100, from that of each count, last axis."""
    return np.asarray(100 * (share[..., 0] * share[..., 1] + (1 - share[..., 0]) * share[..., 2]))


def _ranked(of_class: Floats) -> Floats:
    """Put, at every level but the lowest, first what games most there."""
    order = np.argsort(-_gamed(_beta(of_class)[0]), axis=-2, kind="stable")
    order[..., 0] = np.arange(order.shape[-2])
    return np.take_along_axis(of_class, order[..., None, None], axis=-4)


def _rank_alike(of_class: Floats) -> npt.NDArray[np.bool_]:
    """Say whether no two classes change places between levels above the lowest."""
    gamed = _gamed(_beta(of_class)[0])[..., 1:]
    near = TIED * gamed.max(axis=-2, keepdims=True)[..., None, :, :]
    gap = gamed[..., :, None, :] - gamed[..., None, :, :]
    above, below = (gap > near).any(axis=-1), (gap < -near).any(axis=-1)
    return np.asarray(~(above & below).any(axis=(-2, -1)))


def _drawn(of_class: Floats) -> Floats:
    """Give what `_pull` is the slope of."""
    away = (PRECISION_BOUND - of_class[..., PRECISION]) / LOOSE
    return np.asarray(-(away**2) / 2)


def _better(log: Log, of_class: Floats, mass: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Take the M step: one step uphill in each count's mean and precision; with its `_log_mass`.

    It is of Berndt, Hall, Hall and Hausman, a quarter of it where it would lead down.
    """
    scores = _log_scores(log, of_class)
    weighted = scores * weight[..., None, None, None]
    moments = np.einsum("raklci,raklcj->rklcij", weighted, scores)
    moments += np.eye(2) * (1e-9 + 1e-6 * np.einsum("rklcii->rklc", moments)[..., None, None])
    moments[..., PRECISION, PRECISION] += 1 / LOOSE**2
    slope = weighted.sum(axis=1) + _pull(of_class)
    uphill = np.linalg.solve(moments, slope[..., None])[..., 0].clip(-2.0, 2.0)

    def worth(tried: Floats, its: Floats) -> Floats:
        return np.asarray((weight[..., None, None] * its).sum(axis=1) + _drawn(tried))

    here, best, best_mass = worth(of_class, mass), of_class, mass
    for shrink in 0.25 ** np.arange(3):
        there = (of_class + shrink * uphill).clip(*LIMITS)
        its = _log_mass(log, there)
        up = worth(there, its) >= here
        taken = up & (best == of_class).all(axis=-1)
        best = np.where(taken[..., None], there, best)
        best_mass = np.where(taken[:, None], its, best_mass)
        if up.all():
            break
    return best, best_mass


def _start(log: Log, classes: int, rng: np.random.Generator) -> Floats:
    """Begin at each level with classes like agents seen there, drawn at random.

    Gives (classes, levels, counts, 2).
    """
    levels = np.arange(len(log.money))
    chosen = np.empty((classes, len(levels)), dtype=np.int64)
    for level in levels:
        present = np.flatnonzero(log.contacts[:, level])
        chosen[:, level] = rng.choice(present, size=classes, replace=len(present) < classes)
    whole = log.paid.sum(axis=0) / log.contacts.sum(axis=0)
    paid, contacts = log.paid[chosen, levels], log.contacts[chosen, levels]
    logged = (paid + SMOOTH * whole) / (contacts + SMOOTH)
    rate = (log.found.sum(axis=0) + 0.5) / (log.audits.sum(axis=0) + 1.0)
    found, audits = log.found[chosen, levels], log.audits[chosen, levels]
    false = (found + SMOOTH * rate) / (audits + SMOOTH)
    share = np.concatenate([logged[..., None], false], axis=-1).clip(1e-4, 1 - 1e-4)
    return np.stack([special.logit(share), np.full_like(share, np.log(100.0))], axis=-1)


def _ordered(log: Log, fit: Fitted) -> Model:
    """Put the class that money moves most first."""
    model = Model(log, fit.classes, fit.theta)
    order = np.argsort(-model.derived()["response"], kind="stable")
    odds = model.odds[order]
    theta = np.concatenate([odds[:-1] - odds[-1], model.of_class[order].ravel()])
    return Model(log, fit.classes, theta)


# ── the answer ───────────────────────────────────────────────────────────────────────────────────

RESPONSE = "per 100 contacts and unit of money"


def _rows(
    model: Model,
    whole: Model,
    cluster: Ints,
    everybody: Carried,
    posterior: Floats,
    plan: Comparison,
) -> pd.DataFrame:
    """Give a row for each reported number."""
    log, classes = model.log, model.classes
    terms = [f"class {k + 1}" for k in range(classes)]
    by_class = (posterior[:, :, None] * log.contacts[:, None]).sum(axis=(0, 2))
    found = (posterior[:, :, None, None] * log.found[:, None]).sum(axis=(0, 2, 3))
    audits = (posterior[:, :, None, None] * log.audits[:, None]).sum(axis=(0, 2, 3))
    ends = np.einsum("ak,als->k", posterior, log.found[:, [0, -1]])
    counts = dict(zip(terms, zip(by_class, found, audits, strict=True), strict=True))
    everyone = tuple(float(np.sum(column)) for column in (by_class, found, audits))
    here, pooled = model.estimated(cluster), whole.estimated(cluster)
    of_class, of_all = model.carried(cluster), whole.carried(cluster)[0]
    here["elasticity"] = _measured(here["elasticity"], ends >= FEWEST_FOUND)
    levels = [f"at {money:g}" for money in log.money]

    def row(
        estimand: str,
        term: str,
        unit: str,
        estimated: Estimated,
        i: int,
        carried: Carried,
        **own: Any,
    ) -> dict[str, Any]:
        n, events, checked = counts.get(term, everyone)
        return {
            "estimand": estimand,
            "term": term,
            "contrast": "",
            "group": "",
            "unit": unit,
            "estimator": "latent classes",
            "kind": "level",
            "label": estimand,
            "in_summary": False,
            "in_figure": False,
            "estimate": estimated.value[i],
            "std_error": estimated.std_error(carried)[i],
            "df": carried.df,
            "inference": f"cluster ({plan.unit}), observed information, t",
            "target": LIKE[plan.unit],
            "n": n,
            "n_clusters": carried.clusters,
            "n_audits": checked,
            "n_events": events,
            **own,
        }

    span = f"{log.money[-1]:g} vs {log.money[0]:g}"
    shown: dict[str, Any] = {"kind": "difference", "contrast": span, "in_summary": True}
    rows = []
    for k, term in enumerate(terms):
        own = of_class[k]
        rows += [
            row("response", term, RESPONSE, here["response"], k, own, **shown, in_figure=True),
            row("share", term, "per 100 agents", here["share"], k, everybody, in_summary=True),
            row(
                "elasticity",
                term,
                "1",
                here["elasticity"],
                k,
                own,
                kind="difference",
                contrast=span,
            ),
        ]
        for j, level in enumerate(levels):
            of_level = {"group": level, "label": f"gamed {level}", "in_summary": True}
            place = k * len(levels) + j
            rows.append(
                row("gamed", term, "per 100 contacts", here["gamed"], place, own, **of_level)
            )
    if classes > 1:
        both = min(of_class[0], of_class[-1])
        name = f"{terms[0]} less {terms[-1]}"
        rows.append(row("response", name, RESPONSE, here["gap"], 0, both, **shown))
    pool = {"estimator": "pooled", "label": "response (pooled)", "in_figure": True}
    rows.append(
        row("response", "all agents", RESPONSE, pooled["response"], 0, of_all, **shown | pool)
    )
    return pd.DataFrame(rows)


def _measured(estimated: Estimated, known: npt.NDArray[np.bool_]) -> Estimated:
    """Leave out what is not known."""
    value = np.where(known, estimated.value, np.nan)
    return Estimated(value, np.where(known, estimated.influence, np.nan))


def _levels(model: Model) -> pd.DataFrame:
    """Give what each class logs and how much of it is false, at each level of money."""
    rows = [
        {
            "class": k + 1,
            "money": money,
            "logged_per_100": 100 * model.share[k, j, 0],
            "false_per_100_logged": 100 * model.share[k, j, 1],
            "gamed_per_100_others": 100 * model.share[k, j, 2],
            "gamed_per_100": model.gamed()[k, j],
        }
        for k in range(model.classes)
        for j, money in enumerate(model.log.money)
    ]
    return pd.DataFrame(rows)


def _facts(log: Log, agents: int, audits: int, classes: int) -> str:
    levels = " and ".join(f"{money:g}" for money in log.money)
    switched = int(((log.contacts > 0).sum(axis=1) > 1).sum())
    return (
        f"{classes} classes among {agents} agents, {switched} of them seen at more than one level "
        f"of money ({levels}); {log.contacts.sum():,.0f} contacts, {audits:,} audited"
    )


def class_checks(posterior: Floats) -> tuple[Check, ...]:
    """Look at whether agents fall into classes, by their probabilities, (agents, classes)."""
    sure, size = float(posterior.max(axis=1).mean()), float(posterior.sum(axis=0).min())
    return (
        Check(
            "classes well apart",
            sure >= 0.9,
            sure,
            0.9,
            "mean probability of an agent's likeliest class; classes may be cuts through a "
            "continuum",
        ),
        Check(
            "agents enough in each class",
            size >= 5,
            size,
            5,
            "agents in the smallest class; it may be a few unusual people",
        ),
    )


def _checks(plan: Comparison, best: Fitted, log: Log, posterior: Floats) -> tuple[Check, ...]:
    """Look at whether the classes can be believed."""
    found = (posterior[:, :, None] * log.found.sum(axis=2)[:, None]).sum(axis=0)
    switched = float(((log.contacts > 0).sum(axis=1) > 1).mean())
    return (
        Check(
            "assigned at random",
            plan.randomised,
            float(plan.randomised),
            1,
            "who was paid what was not dealt at random: read responses as associations",
        ),
        Check(
            "agents seen at several levels of money",
            switched >= 0.25,
            switched,
            0.25,
            "share of agents; the others say nothing about how the same agent responds",
        ),
        *class_checks(posterior),
        Check(
            "several starts came to the same maximum",
            best.agreeing >= 2 or best.classes == 1,
            best.agreeing,
            2,
            f"of {STARTS} starts; the search may have missed the best answer",
        ),
        Check(
            "classes rank alike at every level of money",
            best.ranked,
            float(not best.ranked),
            0,
            "no maximum was found in which the class that games more at one level does so at all "
            "above the lowest: which class is which may change from level to level",
        ),
        Check(
            "gaming found in each class at each level",
            bool(found.min() >= FEWEST_FOUND),
            float(found.min()),
            FEWEST_FOUND,
            "audits that found gaming in the thinnest; near 0 its interval says how much they may "
            "have missed, and shows no response",
        ),
    )


def _reading(rows: pd.DataFrame, classes: int) -> str:
    """Say what money does to whom."""
    per_class = rows[(rows["estimand"] == "response") & (rows["estimator"] == "latent classes")]
    share = rows[rows["estimand"] == "share"].set_index("term")["estimate"]
    if classes == 1:
        return "agents do not fall into classes that the records could tell apart"
    said: Sequence[str] = [
        f"money {('lowers', 'is not shown to move', 'raises')[direction(row) + 1]} gaming of "
        f"'{row['term']}' ({share[row['term']]:.0f} % of agents)"
        for _, row in per_class.iterrows()
        if row["term"] in share.index
    ]
    return "; ".join(said)
