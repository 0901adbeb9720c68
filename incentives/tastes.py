"""Who took these choices? Classes of agents by their tastes, from the menus that they saw.

Only a simulator can show what stood on a menu: this is on the truth side, as `mediation` is, and
answers what no log can. A firm's own records are for `agent_types`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse, special

from incentives.estimates.inference import Bools, Floats
from incentives.estimates.result import Check, Estimate, tidy
from incentives.estimates.types_of_agents import class_checks
from incentives.records import Records

__all__ = ["COLUMNS", "Menus", "menus", "taste_classes"]

COLUMNS: dict[str, tuple[dict[str, float], str]] = {
    # what a taste weighs on a row of the menu, with signs, and the unit of its ratio to pay
    "pay": ({"true_pay": 1.0, "true_queue": -1.0}, "1"),
    "effort": ({"true_minutes": -1.0}, "money per minute"),
    "standing": ({"true_standing": -1.0}, "money per contact's time"),
    "conscience": ({"true_lie": -1.0}, "money per lie"),
    "fear": ({"true_fear": -1.0}, "money per money at risk"),
    "care": ({"true_customer": 1.0}, "money per money to the customer"),
    "client": ({"true_client": 1.0}, "money per money to the client"),
    "employer": ({"true_employer": 1.0}, "money per money to the employer"),
    "reluctance": ({"true_reluctance": -1.0}, "money per money"),
}
LIES = ("fabricate", "suppress", "log_save", "log_upsell")
MOST_CLASSES = 4
STARTS, SHORT, LEFT = 10, 6, 3  # starts, their first steps, and how many go on
MOST_STEPS, CLOSE, NEAR = 300, 1e-4, 0.05  # of EM: log-likelihood at which steps and starts agree
LEAST_KINSHIP = 0.05
HALVED = 0.5 ** np.arange(8)
FEWEST_AGENTS = 10
FEWEST_LIES = 5.0  # of a class, below which what one costs it is hardly measured
FLAT = 1e-4  # of what menus would say of a taste were all rows as likely: less is nothing
MOST_LEVERAGE = 0.95  # of one agent's menus in what all say: with more, all the rest say nothing
HALF = 50.0  # of 100 agents: a share with a larger error is known of no class
ALIKE = 1e-9  # of the information, each parameter in its own unit: two tastes are one

Ints = npt.NDArray[np.int64]


class Menus(NamedTuple):
    """Menus and what was taken: rows sorted by situation, and by nest within it.

    Honest rows are one nest, lies another, cutting off stands alone, as agents choose
    (`docs/explanation/model.md`, "The choice").
    """

    features: Floats  #: (rows, tastes)
    chosen: Bools  #: (rows,)
    nests: Ints  #: first row of each nest of each situation
    nest: Ints  #: (rows,) which of those
    situations: Ints  #: first nest of each situation
    situation: Ints  #: (nests,) which of those
    alone: Bools  #: (nests,) a nest of one row by itself
    lie: Bools  #: (nests,)

    def chances(self, theta: Floats) -> "Chances":
        """Give the chances of rows and nests.

        Parameters
        ----------
        theta
            Tastes over the scale of the noise, then the kinship k of rows of a nest. With
            W = V / scale a nest is worth I = k log sum exp(W / k), is chosen with chance
            exp(I) / sum exp(I), and a row within it with exp(W / k) over its sum.
        """
        k = np.where(self.alone, 1.0, theta[-1])
        worth = self.features @ theta[:-1]
        log_sum, within = _shared(worth / k[self.nest], self.nests, self.nest)
        all_sum, between = _shared(k * log_sum, self.situations, self.situation)
        return Chances(k, worth, log_sum, within, all_sum, between)

    def value(self, theta: Floats) -> Floats:
        """Give each situation's log likelihood; `theta` as in `chances`."""
        return self._value(self.chances(theta))

    def _value(self, at: "Chances") -> Floats:
        row = np.flatnonzero(self.chosen)
        its = self.nest[row]
        k, log_sum = at.k[its], at.log_sum[its]
        return np.asarray(at.worth[row] / k - log_sum + k * log_sum - at.all_sum)

    def score(self, theta: Floats) -> tuple[Floats, Floats]:
        """Give each situation's log likelihood and its derivatives; `theta` as in `chances`."""
        at = self.chances(theta)
        row = np.flatnonzero(self.chosen)
        its = self.nest[row]
        mean_worth = np.add.reduceat(at.worth * at.within, self.nests)
        by_k = np.where(self.alone, 0.0, at.log_sum - mean_worth / at.k)  # of what a nest is worth
        by_kinship = np.where(
            self.alone[its], 0.0, (mean_worth[its] - at.worth[row]) / at.k[its] ** 2
        )
        by_kinship += by_k[its] - np.add.reduceat(by_k * at.between, self.situations)
        return self._value(at), np.column_stack([self._by_taste(at, row, its), by_kinship])

    def _by_taste(self, at: "Chances", row: Ints, its: Ints) -> Floats:
        """Differentiate by tastes: features of the row taken, less what stood beside it."""
        taken = -at.between
        taken[its] += 1.0 - 1.0 / at.k[its]
        beside = at.within * taken[self.nest]
        beside[row] += 1.0 / at.k[its]
        first = np.append(self.nests[self.situations], len(beside))
        rows = sparse.csr_array((beside, np.arange(len(beside)), first))
        return np.asarray(rows @ self.features)

    def lies(self, theta: Floats) -> Floats:
        """Give the chance that each situation ends in a lie; `theta` as in `chances`."""
        chances = self.chances(theta).between * self.lie
        return np.asarray(np.add.reduceat(chances, self.situations), dtype=np.float64)


class Chances(NamedTuple):
    """With what chance rows of menus are taken, and what they are worth: see `Menus.chances`."""

    k: Floats  #: (nests,) kinship, or 1 of a nest of one row by itself
    worth: Floats  #: (rows,)
    log_sum: Floats  #: (nests,) log of the sum of exp(W / k)
    within: Floats  #: (rows,) chance within the nest
    all_sum: Floats  #: (situations,) log of the sum of exp(I)
    between: Floats  #: (nests,) chance of the nest


def _shared(worth: Floats, first: Ints, which: Ints) -> tuple[Floats, Floats]:
    """Give the log of the sum of exponentials of each group, and the share of each member."""
    peak = np.maximum.reduceat(worth, first)
    weight = np.exp(worth - peak[which])
    total = np.add.reduceat(weight, first)
    return peak + np.log(total), weight / total[which]


def menus(choices: pd.DataFrame, tastes: Sequence[str]) -> Menus:
    """Lay recorded choices out for the likelihood.

    Parameters
    ----------
    choices
        As in `Records.choices`.
    tastes
        Names of `COLUMNS`, the features in their order.
    """
    action = choices["true_action"].astype(str)
    kind = np.where(action == "cut_off", 2, np.where(action.isin(LIES), 1, 0))
    order = np.lexsort((kind, choices["contact"], choices["run"]))
    choices, kind = choices.iloc[order], kind[order]
    new = _changes(choices["run"], choices["contact"])
    new_nest = new | np.r_[True, np.diff(kind) != 0]
    nests = np.flatnonzero(new_nest)
    features = [
        sum(sign * choices[column].to_numpy() for column, sign in COLUMNS[name][0].items())
        for name in tastes
    ]
    return Menus(
        features=np.column_stack(features),
        chosen=choices["true_chosen"].to_numpy(dtype=bool),
        nests=nests,
        nest=np.cumsum(new_nest) - 1,
        situations=np.flatnonzero(new[nests]),
        situation=np.cumsum(new[nests]) - 1,
        alone=kind[nests] == 2,
        lie=kind[nests] == 1,
    )


def _changes(*columns: "pd.Series[Any]") -> Bools:
    """Mark the rows at which a situation begins."""
    new = np.zeros(len(columns[0]), dtype=bool)
    new[0] = True
    for column in columns:
        new[1:] |= np.diff(column.to_numpy()) != 0
    return new


def taste_classes(
    records: Records,
    *,
    classes: int | None = None,
    tastes: Sequence[str] | None = None,
    rng: int | np.random.Generator = 0,
) -> Estimate:
    """Find classes of agents who differ in their tastes, from the menus that they chose from.

    **Estimand.** For each class: its share of agents; its tastes over that for pay, which is what a
    lie, a minute, or a customer's gain is worth to it in money; the taste for pay itself, over the
    scale of the noise (log odds per money); and the *elasticity*: by how many per cent lies rise
    when pay is one per cent more on every row. `class 1` is the one that would lie most on these
    menus: the mercenary end.

    **Identification.** Menus are recorded with what each row would have paid, cost and done; agents
    of a class have the same tastes; prices vary from contact to contact and between schemes.
    Nothing is assumed of how schemes were assigned.

    **Estimator.** A mixture of nested logits over agents: honest rows are one nest, lies another,
    cutting off stands alone. It is fitted by EM from 10 random starts, of which the 3 best go on;
    the number of classes has the least BIC. Errors are those of the jackknife over agents, a Newton
    step for each, with t and the agents of a class less one.

    Parameters
    ----------
    records
        Simulated with ``choices`` above 0; the truth is read, so the analyst's view will not do.
    classes
        How many, 1 to 4; if left out, as many as have the least BIC.
    tastes
        Which tastes there are: ``"pay"`` and others of ``"effort"``, ``"standing"``,
        ``"conscience"``, ``"fear"``, ``"care"``, ``"client"``, ``"employer"`` and
        ``"reluctance"``. All others are taken to be 0. If left out, all that differ between rows
        of a menu, but for one that says the same as another, as the employer's gain and the
        client's do in-house.
    rng
        Where the starts of the search come from.

    Returns
    -------
    Estimate
        Rows of `tidy()`: for each class `share`, `elasticity` and its tastes by name; the tastes of
        all agents together by the estimator ``"pooled"``. `details` has ``"agents"`` (posterior
        probabilities of each) and ``"criteria"`` (BIC).

    Raises
    ------
    KeyError
        A taste is none of these.
    ValueError
        No choices were recorded, fewer than 10 agents chose, two tastes cannot be told apart, or
        how many agents a class has is known to no better than half of all.

    Notes
    -----
    A class that took fewer than 5 lies has no cost of one, and no elasticity: they are missing.
    Agents of a kind vary around its tastes, and moods and norms move them from day to day: a class
    has the tastes of a middle of its agents. A posterior probability is a reason to look, not a
    verdict on a person.

    References
    ----------
    McFadden (1974), Frontiers in Econometrics, 105-142 (the logit); Bhat (1997), Transportation
    Science 31, 34-48 (classes by EM); MacKinnon, Nielsen and Webb (2023), Journal of Econometrics
    232, 272-299 (the jackknife over clusters, their CV3). From memory, all three.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=4, team_size=4, customers=6_000)).change(
    ...     {"leaving.base": 0.1, "scheme": inc.Wage() + inc.PieceRate("saves", 6.0)}
    ... )
    >>> records = inc.simulate(centre, months=1, rng=1, keep="cells", choices=0.3)
    >>> found = inc.taste_classes(records, classes=1, tastes=["pay", "effort", "conscience"])
    >>> found.tidy()["estimand"].tolist()[:2]
    ['share', 'elasticity']
    """
    choices = _read(records)
    named = _named(choices, tastes)
    menu = menus(choices, named)
    people, agent = _agents(records, choices)
    _refuse_alike(menu, named)
    panel = Panel(menu, agent, len(people))
    generator = np.random.default_rng(rng)
    pooled = _as_one(panel)
    fits = [_climb(panel, k, pooled, generator) for k in _numbers(classes)]
    best = _ordered(panel, min(fits, key=lambda fit: fit.bic(len(people))))
    posterior = np.exp(panel.joint(best) - panel.reached(best)[:, None])
    rows = pd.concat([_rows(panel, best, named), _pooled(panel, pooled, named)], ignore_index=True)
    criteria = pd.DataFrame(
        [(f.classes, f.log_likelihood, f.size, f.bic(len(people)), f.agreeing) for f in fits],
        columns=["classes", "log_likelihood", "parameters", "bic", "starts_agreeing"],
    )
    probabilities = {f"probability_{k + 1}": posterior[:, k] for k in range(best.classes)}
    return Estimate(
        question="Classes of agents by their tastes, from the menus that they chose from",
        rows=rows,
        design={
            "n_classes": best.classes,
            "tastes": " ".join(named),
            "n_agents": len(people),
            "n_choices": len(menu.situations),
        },
        facts=f"{best.classes} classes among {len(people)} agents; {len(menu.situations):,} menus, "
        f"{int(menu.lie[menu.nest[menu.chosen]].sum()):,} lies taken",
        reading=_reading(tidy(rows), best.classes),
        checks=_checks(best, posterior, panel.lies(best)),
        details={
            "agents": people.assign(**{"class": posterior.argmax(axis=1) + 1}, **probabilities),
            "criteria": criteria,
        },
    )


# ── what is on record ────────────────────────────────────────────────────────────────────────────


def _read(records: Records) -> pd.DataFrame:
    """Take the choices, in the order in which `menus` lays them out."""
    choices = records.choices
    if choices.empty:
        raise ValueError(
            "records hold no choices: simulate with choices=0.1, say, for a tenth of them; the "
            "analyst's view never has any"
        )
    return choices.sort_values(["run", "contact"], kind="stable")


def _named(choices: pd.DataFrame, tastes: Sequence[str] | None) -> list[str]:
    """Name the tastes: those asked for, or all that differ between rows and say something new."""
    if tastes is not None:
        for name in tastes:
            if name not in COLUMNS:
                raise KeyError(f"no taste '{name}'; there are {', '.join(COLUMNS)}")
        if "pay" not in tastes:
            raise ValueError("tastes must have 'pay' among them: all others are held against it")
        return list(tastes)
    kept: dict[str, Floats] = {}
    menu = menus(choices, list(COLUMNS))
    first = menu.nests[menu.situations]
    ends = (np.maximum.reduceat(menu.features, first), np.minimum.reduceat(menu.features, first))
    differ: Bools = np.asarray((ends[0] > ends[1]).any(axis=0))
    for name, column, told in zip(COLUMNS, menu.features.T, differ, strict=True):
        if told and not any(np.array_equal(column, old) for old in kept.values()):
            kept[name] = column
    if "pay" not in kept:
        raise ValueError(
            "pay: no menu has rows that differ in it, and all else is held against pay; take "
            "choices under a scheme that pays for what is logged"
        )
    return list(kept)


def _agents(records: Records, choices: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    """Give everybody who chose, and who faced each menu."""
    seats = records.agents[["run", "month", "agent", "hire"]]
    first = choices[_changes(choices["run"], choices["contact"])]
    faced = first[["run", "month", "agent"]].merge(seats, on=["run", "month", "agent"], how="left")
    who = ["run", "agent", "hire"]
    people = faced[who].drop_duplicates().sort_values(who).reset_index(drop=True)
    if len(people) < FEWEST_AGENTS:
        raise ValueError(f"{len(people)} agents chose, at least {FEWEST_AGENTS} are needed")
    place = pd.MultiIndex.from_frame(people).get_indexer(pd.MultiIndex.from_frame(faced[who]))
    return people, place.astype(np.int64)


def _refuse_alike(menu: Menus, named: list[str]) -> None:
    """Refuse tastes of which no menu tells one from the others."""
    scores = menu.score(_begin(menu))[1][:, :-1]
    moments = scores.T @ scores
    size = np.sqrt(np.diag(moments))
    if not size.all():
        still = [name for name, each in zip(named, size, strict=True) if not each]
        raise ValueError(f"{', '.join(still)}: no menu has rows that differ in it; leave it out")
    values, vectors = np.linalg.eigh(moments / np.outer(size, size))
    if values[0] < ALIKE:
        alike = [name for name, part in zip(named, vectors[:, 0], strict=True) if abs(part) > 0.1]
        raise ValueError(f"{', '.join(alike)} cannot be told apart by these menus; leave one out")


_NOT_APART = (
    "these choices do not tell {} classes of agents apart: ask for fewer classes, or leave "
    "`classes` out and let BIC choose"
)


# ── the mixture ──────────────────────────────────────────────────────────────────────────────────


class Fitted(NamedTuple):
    """A mixture at its maximum."""

    theta: Floats  #: (classes, tastes)
    kinship: float  #: of all classes
    share: Floats  #: (classes,)
    log_likelihood: float
    agreeing: int = 1  #: starts that came to the same maximum

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.share)

    @property
    def size(self) -> int:
        """How many parameters there are."""
        return self.theta.size + self.classes

    def bic(self, agents: int) -> float:
        """Give the Bayesian information criterion, agents being what is independent."""
        return -2 * self.log_likelihood + self.size * float(np.log(agents))

    def packed(self) -> Floats:
        """Give all in a row: log odds of classes against the last, each class's, the kinship."""
        odds = np.log(self.share[:-1] / self.share[-1])
        return np.concatenate([odds, self.theta.ravel(), [self.kinship]])

    def at(self, packed: Floats) -> "Fitted":
        """Give the mixture of other parameters."""
        odds = np.append(packed[: self.classes - 1], 0.0)
        theta = packed[self.classes - 1 : -1].reshape(self.theta.shape)
        return Fitted(theta, float(packed[-1]), special.softmax(odds), self.log_likelihood)

    def each(self) -> list[Floats]:
        """Give the parameters of each class, as `Menus.score` takes them."""
        return [np.append(theta, self.kinship) for theta in self.theta]


class Panel(NamedTuple):
    """Menus, and who faced each."""

    menu: Menus
    agent: Ints  #: of each situation
    agents: int

    def by_agent(self, values: Floats) -> Floats:
        """Add up over the situations of each agent."""
        sums = np.zeros((self.agents, *values.shape[1:]))
        np.add.at(sums, self.agent, values)
        return sums

    def lies(self, fit: Fitted) -> Floats:
        """Count the lies that agents of each class took."""
        taken = self.menu.lie[self.menu.nest[self.menu.chosen]].astype(np.float64)
        return np.asarray(self.by_agent(taken) @ self.weight(fit), dtype=np.float64)

    def weight(self, fit: Fitted) -> Floats:
        """Give each agent's probability of being in each class."""
        return np.asarray(special.softmax(self.joint(fit), axis=1), dtype=np.float64)

    def joint(self, fit: Fitted) -> Floats:
        """Give the log-likelihood of each agent together with each class."""
        each = [self.by_agent(self.menu.value(theta)) for theta in fit.each()]
        return np.column_stack(each) + np.log(fit.share)

    def reached(self, fit: Fitted) -> Floats:
        """Give the log-likelihood of each agent."""
        return np.asarray(special.logsumexp(self.joint(fit), axis=1))

    def scores(self, fit: Fitted) -> Floats:
        """Give the derivative of each agent's log-likelihood in all parameters."""
        found = [self.menu.score(theta) for theta in fit.each()]
        joint = np.column_stack([self.by_agent(value) for value, _ in found]) + np.log(fit.share)
        weight = special.softmax(joint, axis=1)
        each = [weight[:, [k]] * self.by_agent(slopes) for k, (_, slopes) in enumerate(found)]
        kinship = sum(part[:, -1] for part in each)
        own = [part[:, :-1] for part in each]
        return np.column_stack([(weight - fit.share)[:, :-1], *own, kinship])


def _numbers(classes: int | None) -> range:
    if classes is None:
        return range(1, MOST_CLASSES + 1)
    if classes not in range(1, MOST_CLASSES + 1):
        raise ValueError(f"classes must be 1 to {MOST_CLASSES}, got {classes!r}")
    return range(classes, classes + 1)


def _begin(menu: Menus) -> Floats:
    """Begin where every feature matters a little, and rows of a nest are no kin."""
    size = menu.features.std(axis=0)
    return np.append(np.divide(0.1, size, out=np.zeros_like(size), where=size > 0), 1.0)


def _as_one(panel: Panel) -> Fitted:
    """Climb to where one class of all agents has the greatest likelihood."""
    begin = _begin(panel.menu)
    alone = Fitted(begin[None, :-1], float(begin[-1]), np.ones(1), -np.inf)
    return _uphill(panel, alone, None, MOST_STEPS)


def _climb(panel: Panel, classes: int, pooled: Fitted, rng: np.random.Generator) -> Fitted:
    """Climb from one class of all, by agents dealt to several at random."""
    if classes == 1:
        return pooled
    begun = pooled._replace(
        theta=np.tile(pooled.theta, (classes, 1)), share=np.full(classes, 1 / classes)
    )
    tried = [
        _uphill(panel, begun, rng.dirichlet(np.full(classes, 0.5), panel.agents), SHORT)
        for _ in range(STARTS)
    ]
    tried.sort(key=lambda fit: -fit.log_likelihood)
    ended = [_uphill(panel, fit, None, MOST_STEPS) for fit in tried[:LEFT]]
    best = max(ended, key=lambda fit: fit.log_likelihood)
    agreeing = sum(fit.log_likelihood > best.log_likelihood - NEAR for fit in ended)
    return best._replace(agreeing=agreeing)


def _uphill(panel: Panel, fit: Fitted, weight: Floats | None, steps: int) -> Fitted:
    """Climb by EM, from a mixture or, at first, from weights of agents."""
    before = -np.inf
    for _ in range(steps):
        found = [panel.menu.score(theta) for theta in fit.each()]
        joint = np.column_stack([panel.by_agent(value) for value, _ in found]) + np.log(fit.share)
        reached = float(special.logsumexp(joint, axis=1).sum())
        if weight is None and reached - before < CLOSE:
            break
        own = special.softmax(joint, axis=1) if weight is None else weight
        before, weight = (reached if weight is None else -np.inf), None
        share = own.mean(axis=0).clip(1e-6)
        fit = _steps(panel, fit, own, found)._replace(share=share / share.sum())
    return fit._replace(log_likelihood=float(panel.reached(fit).sum()))


def _bound(kinship: float, way: float) -> bool:
    """Say whether the kinship is at an end of what it may be, and would go beyond."""
    return (kinship >= 1.0 and way > 0) or (kinship <= LEAST_KINSHIP and way < 0)


def _steps(
    panel: Panel, fit: Fitted, weight: Floats, found: Sequence[tuple[Floats, Floats]]
) -> Fitted:
    """Take the M step: one of Berndt, Hall, Hall and Hausman, halved until it leads up.

    It goes in all tastes and the kinship together: tastes over the kinship are what choices within
    a nest show, so that either alone could hardly move.
    """
    own = weight[panel.agent]
    here = sum(float(own[:, k] @ value) for k, (value, _) in enumerate(found))
    tastes, size = fit.theta.shape[1], fit.theta.size + 1
    moments, slope = np.zeros((size, size)), np.zeros(size)
    for k, (_, slopes) in enumerate(found):
        its = np.append(np.arange(k * tastes, (k + 1) * tastes), size - 1)  # the kinship is last
        weighted = slopes * own[:, [k]]
        moments[np.ix_(its, its)] += weighted.T @ slopes
        slope[its] += weighted.sum(axis=0)
    moments += np.diag(1e-9 * np.diag(moments) + 1e-12)
    uphill = np.linalg.solve(moments, slope)
    if _bound(fit.kinship, uphill[-1]):
        uphill = np.append(np.linalg.solve(moments[:-1, :-1], slope[:-1]), 0.0)
    now = np.append(fit.theta.ravel(), fit.kinship)
    for shrink in HALVED:
        there = now + shrink * uphill
        there[-1] = np.clip(there[-1], LEAST_KINSHIP, 1.0)
        tried = fit._replace(theta=there[:-1].reshape(fit.theta.shape), kinship=float(there[-1]))
        each = [panel.menu.value(theta) for theta in tried.each()]
        if sum(float(own[:, k] @ value) for k, value in enumerate(each)) >= here:
            return tried
    return fit


def _ordered(panel: Panel, fit: Fitted) -> Fitted:
    """Put first the class that would lie most on all of these menus."""
    lies = [panel.menu.lies(theta).mean() for theta in fit.each()]
    order = np.argsort(-np.array(lies), kind="stable")
    return fit._replace(theta=fit.theta[order], share=fit.share[order])


# ── the answer ───────────────────────────────────────────────────────────────────────────────────


class Told(NamedTuple):
    """What is reported of each class, its error, and the degrees of freedom of its agents."""

    value: Floats
    error: Floats
    df: Floats


def _estimated(panel: Panel, fit: Fitted, named: list[str]) -> dict[str, Told]:
    """Give what is reported of each class, by name.

    The error is that of leaving out one agent at a time, carried by the agents of a class. What
    menus say next to nothing of is missing, as is what a lie costs those who tell hardly any.
    """
    packed, values = fit.packed(), _derived(panel, fit, named)
    slopes = _slopes(lambda theta: panel.scores(fit.at(theta)).ravel(), packed)
    told = -slopes.reshape(panel.agents, len(packed), len(packed))  # by each agent
    known = np.diag(told.sum(axis=0)) > FLAT * _usual(panel, fit)
    known[: fit.classes - 1] = True
    known[-1] &= LEAST_KINSHIP < fit.kinship < 1.0
    apart = np.diag(told.sum(axis=0))[: fit.classes - 1]

    def reported(theta: Floats) -> Floats:
        return np.concatenate(list(_derived(panel, fit.at(theta), named).values()))

    if not (apart > 0).all():
        raise ValueError(_NOT_APART.format(fit.classes))
    without = _without_each(told[:, known][:, :, known], panel.scores(fit)[:, known])
    moved = without @ _slopes(reported, packed)[:, known].T
    agents = np.maximum(np.floor(panel.weight(fit).sum(axis=0)), 2.0)
    of_share = np.arange(moved.shape[1]) < fit.classes
    carry = np.where(of_share, panel.agents, np.tile(agents, len(values)))
    error = np.sqrt((moved**2).sum(axis=0) * (carry - 1) / carry)
    if not (error[of_share] <= HALF).all():
        raise ValueError(_NOT_APART.format(fit.classes))
    df = carry - np.where(of_share, fit.classes, 1)
    for name, k in _missing(panel, fit, named, known):
        values[name][k] = np.nan
    parts = zip(*(np.split(each, len(values)) for each in (error, df)), strict=True)
    return {
        name: Told(value, np.where(np.isnan(value), np.nan, own), free)
        for (name, value), (own, free) in zip(values.items(), parts, strict=True)
    }


def _without_each(told: Floats, scores: Floats) -> Floats:
    """Say how far each agent has moved the parameters: one Newton step from all to all others.

    Parameters
    ----------
    told
        Information of each agent, (agents, parameters, parameters).
    scores
        (agents, parameters).
    """
    whole = told.sum(axis=0)
    unit = 1 / np.sqrt(np.diag(whole))
    size, way = np.linalg.eigh((whole + whole.T) / 2 * np.outer(unit, unit))
    root = unit[:, None] * way / np.sqrt(size.clip(min=ALIKE))  # times itself: the inverse
    part = root.T @ told @ root
    leverage, along = np.linalg.eigh((part + part.transpose(0, 2, 1)) / 2)
    left = 1 - leverage.clip(0.0, MOST_LEVERAGE)
    moved = np.einsum("aij,ai->aj", along, scores @ root) / left
    return np.asarray(np.einsum("aij,aj->ai", along, moved) @ root.T)


def _missing(
    panel: Panel, fit: Fitted, named: list[str], known: Bools
) -> Iterator[tuple[str, int]]:
    """Name what menus say next to nothing of, and the class."""
    told, lies = known[fit.classes - 1 : -1].reshape(fit.classes, -1), panel.lies(fit)
    of_lies = ["elasticity", *(name for name in ("conscience", "fear") if name in named)]
    for k in range(fit.classes):
        if not told[k, named.index("pay")]:
            yield from ((name, k) for name in ("elasticity", *named))
        yield from ((name, k) for name, each in zip(named, told[k], strict=True) if not each)
        if lies[k] < FEWEST_LIES:
            yield from ((name, k) for name in of_lies)


def _usual(panel: Panel, fit: Fitted) -> Floats:
    """Give the information that menus would have of each parameter at the beginning."""
    each = (panel.menu.score(_begin(panel.menu))[1] ** 2).sum(axis=0)
    tastes = np.outer(fit.share, each[:-1]).ravel()
    return np.concatenate([np.zeros(fit.classes - 1), tastes, each[-1:]])


def _derived(panel: Panel, fit: Fitted, named: list[str]) -> dict[str, Floats]:
    """Give what is reported, by name: for each class."""
    pay = fit.theta[:, named.index("pay")]
    ratios = {name: fit.theta[:, i] / pay for i, name in enumerate(named) if name != "pay"}
    more = fit.theta.copy()
    more[:, named.index("pay")] *= 1.01
    chances = [
        [panel.menu.lies(np.append(theta, fit.kinship)).sum() for theta in (up, now)]
        for up, now in zip(more, fit.theta, strict=True)
    ]
    log = np.log(np.maximum(chances, np.finfo(float).tiny))
    elastic = (log[:, 0] - log[:, 1]) / np.log(1.01)
    return {"share": 100 * fit.share, "elasticity": elastic, "pay": pay, **ratios}


def _slopes(function: Callable[[Floats], Floats], at: Floats) -> Floats:
    """Differentiate by central differences, (outputs, parameters)."""
    columns = []
    for i, value in enumerate(at):
        step = 1e-5 * max(abs(value), 1e-2)
        up, down = at.copy(), at.copy()
        up[i] += step
        down[i] -= step
        columns.append((function(up) - function(down)) / (2 * step))
    return np.column_stack(columns)


def _unit(name: str) -> str:
    if name == "share":
        return "per 100 agents"
    if name == "elasticity":
        return "1"
    return "log odds per money" if name == "pay" else COLUMNS[name][1]


def _rows(
    panel: Panel, fit: Fitted, named: list[str], estimator: str = "latent classes"
) -> pd.DataFrame:
    """Give a row for each class and number."""
    faced = np.bincount(panel.agent, minlength=panel.agents)
    n, lies = faced @ panel.weight(fit), panel.lies(fit)
    rows = [
        {
            "estimand": name,
            "term": f"class {k + 1}",
            "contrast": "",
            "group": "",
            "unit": _unit(name),
            "estimator": estimator,
            "kind": "level",
            "label": name,
            "in_summary": name in ("share", "elasticity", "pay", "conscience"),
            "in_figure": name == "conscience",
            "estimate": told.value[k],
            "std_error": told.error[k],
            "df": told.df[k],
            "inference": "cluster (agent), jackknife, t",
            "target": "agents like these",
            "n": n[k],
            "n_clusters": panel.agents,
            "n_audits": np.nan,
            "n_events": lies[k],
        }
        for name, told in _estimated(panel, fit, named).items()
        for k in range(fit.classes)
    ]
    return pd.DataFrame(rows).sort_values("term", kind="stable").reset_index(drop=True)


def _pooled(panel: Panel, fit: Fitted, named: list[str]) -> pd.DataFrame:
    """Give the tastes of all agents together."""
    rows = _rows(panel, fit, named, "pooled")
    rows = rows[rows["estimand"] != "share"]
    return rows.assign(term="all agents", in_summary=False, in_figure=rows["in_figure"])


def _checks(best: Fitted, posterior: Floats, lies: Floats) -> tuple[Check, ...]:
    """Look at whether the classes can be believed."""
    return (
        *class_checks(posterior),
        Check(
            "several starts came to the same maximum",
            best.agreeing >= 2 or best.classes == 1,
            best.agreeing,
            2,
            f"of the {LEFT} that went on; the search may have missed the best answer",
        ),
        Check(
            "lies taken in each class",
            bool(lies.min() >= FEWEST_LIES),
            float(lies.min()),
            FEWEST_LIES,
            "lies in the class with fewest: what one costs it is missing, and what only lies would "
            "bring it is hardly measured",
        ),
    )


def _reading(rows: pd.DataFrame, classes: int) -> str:
    """Say what each class is like."""
    if classes == 1:
        return "agents do not fall into classes that these menus could tell apart"
    own = rows[rows["estimator"] == "latent classes"]
    value = own.set_index(["term", "estimand"])["estimate"]
    said = []
    for k in range(classes):
        term = f"class {k + 1}"
        words = f"'{term}' ({value[term, 'share']:.0f} % of agents)"
        cost, more = (value.get((term, name), np.nan) for name in ("conscience", "elasticity"))
        if not np.isfinite(more):
            words += " tells hardly a lie"
        elif np.isfinite(cost):
            words += f" takes a lie to cost {cost:.2g} in money"
        if np.isfinite(more):
            words += f" and lies {more:.2g} % more for one per cent of pay"
        said.append(words)
    return "; ".join(said)
