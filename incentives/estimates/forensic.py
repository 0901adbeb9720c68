"""Who should be audited first? A list of priorities from what gaming leaves on the log.

Use `audit_priorities` on single contacts. It names nobody a cheat: it orders agents by how little
the log of each looks like that of colleagues who had nothing to gain, and says which share of the
first so many audits is expected to be in vain. Only an audit can tell, and a sample of audits,
where there is one, is held against the list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special

from incentives.estimates.audits import suspicion_check, targeted
from incentives.estimates.comparison import Observed, listed, require, unknown
from incentives.estimates.inference import Bools, Floats
from incentives.estimates.result import Check
from incentives.tables import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AuditPriorities", "audit_priorities"]

Ints = npt.NDArray[np.int64]

CONTACTS = ["run", "contact", "month", "agent", "team", "scheme", "ended", "logged_outcome"]
AGENT = ["run", "agent", "hire", "scheme"]  # a person, and what the person was paid by
SHORT = 10 / 60  # minutes of service that nobody can be helped in
LAST_DAYS = 2  # of a month
FEWEST = 20  # opportunities of the control, and of the others, below which a sign says nothing
USUAL_SPREAD = 0.05  # overdispersion between agents: bank staff who cut callers off had 0.06
CLEARLY = 3.0  # log likelihood that two groups must gain over one
MOST_EVIDENCE = 40.0  # in logs; more makes no difference, and products of it would overflow
STEPS = 500  # of expectation maximisation
SHARES = np.geomspace(1e-4, 1.0, 61)  # edges of the grid of gamed shares
LONGEST = 20  # lines of a summary


class Logged(Observed, Protocol):
    """What this question reads: the frames of other questions, and single contacts."""

    def seen_by(self, role: Literal["analyst"], /) -> "Logged":
        """Give the same frames without what the analyst cannot see."""
        ...

    @property
    def contacts(self) -> pd.DataFrame:
        """One row a contact."""
        ...

    @property
    def surveys(self) -> pd.DataFrame:
        """One row a survey that was sent."""
        ...

    @property
    def agents(self) -> pd.DataFrame:
        """One row an agent and month, with the firm's own name of each where it has one."""
        ...


class Sign(NamedTuple):
    """Events of which gaming leaves more, and the opportunities for them, one row each."""

    rows: Ints  #: places in the contacts
    event: Bools
    mix: "pd.Series[Any]"  #: the kind of case, within which agents are compared


class Tally(NamedTuple):
    """Counts by agent: opportunities, events, and the share of events under the control."""

    n: Floats
    events: Floats
    rate: Floats

    def of(self, some: Bools) -> "Tally":
        """Take some of the agents."""
        return Tally(*(each[some] for each in self))

    def log_chance(self, spread: float, raised: Floats | float = 0.0) -> Floats:
        """Give log chances of the events where shares spread around a rate between agents.

        Parameters
        ----------
        spread
            Overdispersion: the correlation of two opportunities of an agent, above 0, below 1.
        raised
            The share of opportunities without an event that have one all the same.
        """
        n, events, rate = (each[:, None] for each in self)
        rate = np.clip(rate + (1 - rate) * raised, 1e-9, 1 - 1e-9)
        size = 1 / spread - 1
        a, b = rate * size, (1 - rate) * size
        ways = -special.betaln(events + 1, n - events + 1) - np.log(n + 1)
        return np.asarray(ways + special.betaln(events + a, n - events + b) - special.betaln(a, b))


class Mixture(NamedTuple):
    """Two groups of agents: as under the control, or with a gamed share beyond it."""

    control_rate: float
    spread: float  #: overdispersion between agents of the control
    gain: float  #: log likelihood over that of one group
    gaming: float  #: share of agents in the second group
    evidence: Floats  #: for each agent, how many times likelier the log is in the second, in logs

    @property
    def lfdr(self) -> Floats:
        """The chance of each agent to be of the first group."""
        odds = self.gaming / (1 - self.gaming) * np.exp(self.evidence)
        return np.asarray(1 / (1 + odds), dtype=np.float64)

    def facts(self) -> dict[str, float]:
        """Give the numbers behind, one word for each."""
        return {name: value for name, value in self._asdict().items() if name != "evidence"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AuditPriorities:
    """Whom to audit first, and what that rests on. A priority is not a verdict.

    Parameters
    ----------
    question
        The title, in words.
    agents
        One row for each agent, the first to be audited first: `rank`, who (`run`, `agent`,
        `hire`, `team`, `scheme`, and `agent_id` and `team_id`, what the firm calls them, where
        that is text), `contacts`, `lfdr` (the local false discovery rate: the chance
        that this agent's log is like the control's), `expected_fdp` (its mean from the top of the
        list to here) and `flagged`.
    facts
        The design in a line for a reader.
    checks
        What the list rests on.
    details
        Tidy tables by name: ``"signs"`` (for each sign how it was used), ``"funnel"`` (for each
        agent and sign `n`, `events`, `expected`, their `ratio`, its limits under the control and
        `lfdr`) and ``"calibration"`` (what audits found in who was flagged and who was not; empty
        without audits).

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario.load("outsourced_retentions").change(
    ...     {"floor.teams": 4, "floor.team_size": 3, "floor.customers": 12_000}
    ... )
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 6.0)}
    >>> records = inc.simulate(centre.assign(schemes), replications=1, months=2, rng=1)
    >>> inc.audit_priorities(records, control="wage").plot_data().columns[:4].tolist()
    ['sign', 'run', 'agent', 'hire']
    """

    question: str
    agents: pd.DataFrame
    facts: str
    checks: tuple[Check, ...]
    details: dict[str, pd.DataFrame]

    def tidy(self) -> pd.DataFrame:
        """Give one row for each agent, the first to be audited first."""
        return self.agents.copy()

    @property
    def reading(self) -> str:
        """How to read the list."""
        first, all_ = int(self.agents["flagged"].sum()), len(self.agents)
        return (
            f"an order in which to audit, not a verdict on anybody; {first} of {all_} agents are "
            "to be audited first"
        )

    def summary(self) -> str:
        """Say whom to audit first, in at most 25 lines; the last one says how to read it."""
        flagged = self.agents[self.agents["flagged"]]
        lines = [
            f"  {row['rank']:>3}  agent {row.get('agent_id', row['agent'])} "
            f"(team {row.get('team_id', row['team'])}, run {row['run']})  "
            f"expected in vain {row['expected_fdp']:.0%}"
            for row in flagged.head(LONGEST - len(self.checks)).to_dict("records")
        ]
        if len(flagged) > len(lines):
            lines.append(f"  … and {len(flagged) - len(lines)} more in tidy()")
        notes = [
            f"NOTE {check.name}: {check.value:.3g} {check.advice}"
            for check in self.checks
            if not check.passed
        ]
        return "\n".join([self.question, *lines, self.facts, *notes, f"Read as: {self.reading}"])

    def plot_data(self, sign: str | None = None) -> pd.DataFrame:
        """Give exactly what `plot` draws.

        Parameters
        ----------
        sign
            One of the signs in use; the one that tells most agents apart if left out.
        """
        funnel, signs = self.details["funnel"], self.details["signs"]
        used = signs.loc[signs["used"], "sign"].tolist()
        if sign is None:
            least = funnel.groupby("sign")["lfdr"].mean()
            sign = str(least[used].idxmin())
        if sign not in used:
            raise unknown(sign, used, what="sign", where="use")
        return funnel[funnel["sign"] == sign].sort_values("expected").reset_index(drop=True)

    def plot(self, ax: "Axes | None" = None, *, sign: str | None = None) -> "Axes":
        """Draw a funnel: events over expected ones by agent, with limits under the control.

        Parameters
        ----------
        ax
            Axes to draw on; those of a new figure if left out.
        sign
            As for `plot_data`.
        """
        import matplotlib.pyplot as plt
        import seaborn as sns

        frame = self.plot_data(sign)
        ax = plt.subplots(layout="constrained")[1] if ax is None else ax
        other, first = sns.color_palette("colorblind", 2)
        for end, label in (("low", None), ("high", "95 % under the control")):
            limit = frame[f"limit_{end}"]
            ax.plot(frame["expected"], limit, color="0.5", linewidth=1, label=label)
        for flagged, part in frame.groupby("flagged"):
            colour, label = (first, "audit first") if flagged else (other, "other agents")
            ax.scatter(part["expected"], part["ratio"], s=16, color=colour, label=label)
        ax.axhline(1.0, color="0.5", linewidth=1, linestyle=":")
        name = str(frame["sign"].iloc[0]).replace("_", " ")
        ax.set(xlabel=f"{name} expected", ylabel="observed / expected", xscale="log")
        ax.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0.0, 1.0))
        sns.despine(ax=ax)
        return ax

    def __repr__(self) -> str:
        return f"{self.question}\n{self._table().to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{self.question}</p>{self._table().to_html(index=False, border=0)}"

    def _table(self) -> pd.DataFrame:
        columns = ["rank", "run", "agent", "team", "scheme", "lfdr", "expected_fdp", "flagged"]
        columns = [f"{name}_id" if f"{name}_id" in self.agents else name for name in columns]
        return readable(self.agents.loc[:, columns])


def audit_priorities(
    records: Logged, *, control: str, q: float = 0.1, bills: int = 2
) -> AuditPriorities:
    """Order agents by how much their log looks gamed, and say whom to audit first.

    **Estimand.** For each agent who is not under the control: the chance, given the log, that
    the agent's log is like the control's (the local false discovery rate). Agents are flagged
    from the top as long as the mean of these chances stays at most `q`, the share of flagged
    agents that is expected to be audited in vain.

    **Signs.** For each agent, of so many opportunities so many events: `lost_saves` (of
    customers who came to cancel, those logged as saved who left within `bills` bills all the
    same), `odd_saves` (of contacts recorded for another reason, those logged as saved),
    `short_contacts` (of all, service under ten seconds), `surveys_sent` (of all, those with an
    invitation), `refunded_sales` (of all, sales paid back within `bills` bills) and `late_sales`
    (of sales, those in the last two days of a month). Opportunities are what comes to an agent,
    not what the agent makes of it. A sign with under 20 opportunities on either side is left out,
    and so is one whose columns the records lack.

    **Identification.** Agents under the control (a scheme that does not reward gaming, or the
    months before) show what the log of an agent looks like who has nothing to gain, in the same
    mix of cases; what is beyond their spread is due to gaming. Skill or custom that differs
    between the schemes looks the same, and where agents of the control game too only the excess
    is found. Where honest agents differ more than those of the control show, more than `q` of the
    flagged are flagged in vain.

    **Estimator.** Expected events by indirect standardisation: the control's share of events by
    reason and channel of the contact, or by tenure of the customer. Agents of the control spread
    around it as a beta-binomial, whose overdispersion is fitted to them. The others are a mixture
    by maximum likelihood (empirical Bayes): as those of the control, or with a gamed share beyond,
    itself beta distributed. A sign in which two groups gain under 3 points of log likelihood over
    one to which all belong suspects nobody. Signs together: all who game show the sign that most
    agents show, and each of the others with a share that is fitted too; given that, signs are
    taken as independent.

    **Calibration.** Where contacts were audited, what audits found in agents who were flagged and
    in those who were not, by the same mixture: the estimated share flagged in vain. Contacts of
    all agents must have been drawn by one rule; it may look at the logged outcome. Audits made on
    suspicion, without a chance on record, are left out: they would bear out any list.

    Parameters
    ----------
    records
        Simulated with ``keep="contacts"``, or a firm's own tables; only the analyst's view is
        read: `contacts` and `customers` one by one, `surveys`, `audits` and `runs`.
    control
        The scheme whose agents have nothing to gain from gaming; ``"before"`` for the months
        before schemes came to differ.
    q
        The share of flagged agents that may be in vain, above 0, below 1.
    bills
        Monthly bills within which a saved customer must not leave, 1 or more.

    Returns
    -------
    AuditPriorities
        Agents in order, never a verdict.

    Raises
    ------
    KeyError
        The control or a column is not in the records.
    ValueError
        There are no single contacts, no agents outside the control, or no sign has enough
        opportunities.

    References
    ----------
    Efron (2010), Large-Scale Inference, for the local false discovery rate; Spiegelhalter (2005),
    Statistics in Medicine 24, for funnels with overdispersion (both from memory).

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario.load("outsourced_retentions").change(
    ...     {"floor.teams": 4, "floor.team_size": 3, "floor.customers": 12_000}
    ... )
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 6.0)}
    >>> records = inc.simulate(centre.assign(schemes), replications=1, months=2, rng=1)
    >>> listed = inc.audit_priorities(records, control="wage").tidy()
    >>> listed["lfdr"].is_monotonic_increasing
    True
    """
    if not 0 < q < 1:
        raise ValueError(f"q must lie between 0 and 1, got {q!r}")
    if bills < 1:
        raise ValueError(f"bills must be 1 or more, got {bills!r}")
    seen = records.seen_by("analyst")
    contacts = _served(seen.contacts)
    names = list(pd.unique(contacts["scheme"].astype(str)))
    if control not in names:
        raise unknown(control, names, what="scheme", where="records")
    person, who = _people(contacts)
    reference = (who["scheme"] == control).to_numpy()
    if reference.all():
        raise ValueError(f"all agents are under '{control}': there is nobody to order")
    signs = _signs(seen, contacts, bills)
    rows, funnels, mixtures = [], [], []
    for name, sign in signs.items():
        tally = _tally(sign, person, reference)
        row = {"sign": name, "n": tally.n.sum(), "events": tally.events.sum()}
        used = min(tally.n[reference].sum(), tally.n[~reference].sum()) >= FEWEST
        if used:
            found = two_groups(tally.of(reference), tally.of(~reference))
            mixtures.append(found)
            row |= found.facts()
            funnels.append(_funnel(name, who[~reference], tally.of(~reference), found))
        rows.append(row | {"used": used})
    if not funnels:
        raise ValueError(
            f"no sign has {FEWEST} opportunities under '{control}' and as many beyond it: "
            "bring more months or more agents"
        )
    agents = _named(_ranked(who[~reference], combined(mixtures), q), seen.agents)
    flagged = agents[[*AGENT, "flagged"]]
    funnel = pd.concat(funnels, ignore_index=True).merge(flagged, on=AGENT)
    suspected = targeted(seen.audits)
    drawn = seen.audits.loc[~suspected]
    calibration = _calibration(drawn, contacts, person, who, reference, agents)
    table = pd.DataFrame(rows)
    return AuditPriorities(
        question=f"Whom to audit first, by logs unlike those under '{control}'",
        agents=agents,
        facts=f"{len(agents)} agents, {int(reference.sum())} under '{control}'; "
        f"{len(contacts):,} contacts served; signs: {listed(table.loc[table['used'], 'sign'])}",
        checks=(*_checks(reference, calibration, q), suspicion_check(int(suspected.sum()))),
        details={"signs": table, "funnel": funnel, "calibration": calibration},
    )


# ── the log ──────────────────────────────────────────────────────────────────────────────────────


def _served(contacts: pd.DataFrame) -> pd.DataFrame:
    """Take the contacts that an agent served, with one hire and no reason where none is known."""
    if contacts.empty:
        raise ValueError(
            "records have no contacts, and signs of gaming are read off single ones: simulate "
            "with keep='contacts'"
        )
    served = contacts[(require(contacts, "contacts", ["ended"])["ended"] == "served").to_numpy()]
    frame = require(served, "contacts", CONTACTS).reset_index(drop=True)
    for name, value in (("hire", 0), ("reason", ""), ("channel", "")):
        if name not in frame:
            frame[name] = value
    return frame


def _people(contacts: pd.DataFrame) -> tuple[Ints, pd.DataFrame]:
    """Number the agents, each under one scheme, and say who they are."""
    groups = contacts.groupby(AGENT, observed=True, sort=True)
    who = groups.agg(team=("team", "first"), contacts=("contact", "size")).reset_index()
    who["scheme"] = who["scheme"].astype(str)
    return np.asarray(groups.ngroup(), dtype=np.int64), who


def _signs(seen: Logged, contacts: pd.DataFrame, bills: int) -> dict[str, Sign]:
    """Find the opportunities and the events of every sign that the records can show."""
    outcome, reason = contacts["logged_outcome"].astype(str), contacts["reason"].astype(str)
    case = reason + " " + contacts["channel"].astype(str)
    everyone = np.ones(len(contacts), bool)
    saved, cancel, sold = (outcome == "saved"), (reason == "cancel"), (outcome == "sale")
    runs = require(seen.runs, "runs", ["run", "months"]).set_index("run")
    signs = {}
    if cancel.any():  # else reasons are not on record, or nobody wished to go
        signs["odd_saves"] = _sign(~cancel, saved, case)
    if "handle_minutes" in contacts:
        signs["short_contacts"] = _sign(everyone, contacts["handle_minutes"] < SHORT, case)
    if "days_per_month" in runs and "day" in contacts:  # else nobody knows when a month ends
        days = contacts["run"].map(runs["days_per_month"])
        signs["late_sales"] = _sign(sold, contacts["day"] % days >= days - LAST_DAYS, case)
    if len(seen.surveys):
        signs["surveys_sent"] = _sign(everyone, _among(contacts, seen.surveys), case)
    if seen.customers.empty or "customer" not in contacts or "customer" not in seen.customers:
        return signs
    customers = require(seen.customers, "customers", ["run", "month", "customer", "left"])
    followed = contacts["month"] + bills <= contacts["run"].map(runs["months"])
    gone = _within(contacts, customers[(customers["left"] > 0).to_numpy()], bills)
    tenure = _tenure(contacts, customers, np.flatnonzero(cancel))
    signs["lost_saves"] = _sign(cancel & followed, saved & gone, tenure)
    if "refund" in customers:
        repaid = _within(contacts, customers[(customers["refund"] > 0).to_numpy()], bills)
        signs["refunded_sales"] = _sign(followed, sold & repaid, case)
    return signs


def _sign(among: Any, event: Any, mix: "pd.Series[str]") -> Sign:
    rows = np.flatnonzero(np.asarray(among))
    return Sign(rows, np.asarray(event, dtype=bool)[rows], mix.iloc[rows])


def _among(contacts: pd.DataFrame, others: pd.DataFrame) -> Bools:
    """Tell which contacts another frame speaks of."""
    key = pd.MultiIndex.from_frame(contacts[["run", "contact"]])
    return np.asarray(key.isin(pd.MultiIndex.from_frame(others[["run", "contact"]])))


def _within(contacts: pd.DataFrame, happened: pd.DataFrame, bills: int) -> Bools:
    """Tell after which contacts something happened to the customer at one of the next bills."""
    first = happened.groupby(["run", "customer"])["month"].min()
    place = first.index.get_indexer(pd.MultiIndex.from_frame(contacts[["run", "customer"]]))
    month = np.where(place >= 0, first.to_numpy()[place] if len(first) else -1, -1)
    gap = month - contacts["month"].to_numpy(dtype=np.int64)
    return np.asarray((gap >= 0) & (gap < bills))


def _tenure(contacts: pd.DataFrame, customers: pd.DataFrame, rows: Ints) -> "pd.Series[str]":
    """Give the tenure of some contacts' customers, where it is known."""
    band = np.full(len(contacts), "", dtype=object)
    if "tenure_band" in customers:
        keys = ["run", "customer", "month"]
        asked = contacts.loc[rows, keys]
        known = customers[customers["customer"].isin(asked["customer"])]
        joined = asked.merge(known[[*keys, "tenure_band"]], on=keys, how="left")
        band[rows] = joined["tenure_band"].astype(object).fillna("")
    return pd.Series(band, index=contacts.index)


def _tally(sign: Sign, person: Ints, reference: Bools) -> Tally:
    """Count by agent, and give each agent's share of events expected from the control.

    Half an event and half a miss are added to each kind of case, so that none is impossible.
    """
    own = person[sign.rows]
    mix = pd.factorize(sign.mix)[0]
    kinds = int(mix.max()) + 1 if len(mix) else 0
    control = reference[own]
    n_mix = np.bincount(mix[control], minlength=kinds)
    rate_mix = (np.bincount(mix[control], sign.event[control], kinds) + 0.5) / (n_mix + 1)
    size = len(reference)
    n = np.bincount(own, minlength=size).astype(float)
    expected = np.bincount(own, rate_mix[mix], size)
    rate = np.divide(expected, n, out=np.full(size, 0.5), where=n > 0)
    return Tally(n, np.bincount(own, sign.event, size).astype(float), rate)


# ── the mixture ──────────────────────────────────────────────────────────────────────────────────


def two_groups(control: Tally, others: Tally) -> Mixture:
    """Fit two groups of agents: as under the control, or with a gamed share on top of it.

    An agent of the second group games a share of what would have been no event; the share is beta
    distributed between agents. Unless two groups explain the log clearly better than one to which
    all agents belong, the control's too, nobody is suspected.
    """
    spread, alone = _one_group(control)
    honest = others.log_chance(spread)[:, 0]
    gamed = others.log_chance(spread, np.sqrt(SHARES[1:] * SHARES[:-1]))
    top = np.maximum(honest, gamed.max(axis=1))
    honest, gamed = np.exp(honest - top), np.exp(gamed - top[:, None])

    def parts(theta: Floats) -> tuple[Floats, Floats]:
        share = special.expit(theta[0])
        weights = np.diff(special.betainc(1 + np.exp(theta[1]), np.exp(theta[2]), SHARES))
        return (1 - share) * honest, share * (gamed @ weights)

    def loss(theta: Floats) -> float:
        like, unlike = parts(theta)
        return -float(np.log(like + unlike + 1e-300).sum())

    bounds = [(-7.0, 7.0), (-7.0, 3.0), (-1.0, 7.0)]
    starts = ([x, -1.0, y] for x in (-2.0, 0.0) for y in (1.0, 4.0))
    fits = [optimize.minimize(loss, start, method="Nelder-Mead", bounds=bounds) for start in starts]
    best = min(fits, key=lambda fit: float(fit.fun))
    together = _pooled(control, others)
    gain = alone + float(top.sum() - best.fun) - _one_group(together)[1]
    rate = float(control.events.sum() / control.n.sum())
    if gain < CLEARLY:
        return Mixture(rate, spread, gain, 0.0, np.zeros(len(honest)))
    share = float(special.expit(best.x[0]))
    like, unlike = parts(best.x)
    evidence = np.log((unlike / share + 1e-300) / (like / (1 - share) + 1e-300))
    return Mixture(rate, spread, gain, share, np.clip(evidence, -MOST_EVIDENCE, MOST_EVIDENCE))


def combined(found: Sequence[Mixture]) -> Floats:
    """Give each agent's chance to be as under the control in every sign.

    Who games does not show it in every sign. The sign that most agents show is taken to be shown
    by all who game, every other one by a share of them; these shares, and that of those who game,
    are fitted by expectation maximisation.
    """
    shown = [each for each in found if each.gaming > 0]
    if not shown:
        return np.ones(len(found[0].evidence))
    factors = np.exp([each.evidence for each in shown])
    gaming = np.array([each.gaming for each in shown])
    share, shows = float(gaming.max()), gaming / gaming.max()
    for _ in range(STEPS):
        parts = 1 - shows[:, None] + shows[:, None] * factors
        odds = share / (1 - share) * parts.prod(axis=0)
        suspected = odds / (1 + odds)
        share = min(float(suspected.mean()), 1 - 1e-9)
        shows = (suspected * shows[:, None] * factors / parts).sum(axis=1) / suspected.sum()
    return np.asarray(1 / (1 + odds), dtype=np.float64)


def _one_group(agents: Tally) -> tuple[float, float]:
    """Fit how much agents differ beyond chance and mix of cases; give the log likelihood too.

    Where the log says little of it, small values are preferred.
    """

    def loss(log_spread: float) -> float:
        spread = float(np.exp(log_spread))
        return spread / USUAL_SPREAD - float(agents.log_chance(spread).sum())

    ends = (np.log(1e-6), np.log(0.5))
    found = optimize.minimize_scalar(loss, bounds=ends, method="bounded")
    spread = float(np.exp(found.x))
    return spread, float(agents.log_chance(spread).sum())


def _pooled(control: Tally, others: Tally) -> Tally:
    """Put all agents together, with the rates at which the events of all are expected."""
    n, events, rate = (np.concatenate(pair) for pair in zip(control, others, strict=True))
    odds = rate / (1 - rate)

    def missing(log_factor: float) -> float:
        factor = np.exp(log_factor)
        return float((n * factor * odds / (1 + factor * odds)).sum() - events.sum() - 0.5)

    factor = np.exp(optimize.brentq(missing, -20.0, 20.0))
    return Tally(n, events, factor * odds / (1 + factor * odds))


# ── what comes out ───────────────────────────────────────────────────────────────────────────────


def _ranked(who: pd.DataFrame, lfdr: Floats, q: float) -> pd.DataFrame:
    """Order agents, and flag from the top while the mean chance of being in vain is small."""
    frame = who.assign(lfdr=lfdr).sort_values("lfdr", kind="stable").reset_index(drop=True)
    size = np.arange(1, len(frame) + 1)
    running = frame["lfdr"].cumsum() / size
    columns = ["rank", "run", "agent", "hire", "team", "scheme"]
    columns += ["contacts", "lfdr", "expected_fdp", "flagged"]
    return frame.assign(rank=size, expected_fdp=running, flagged=running <= q)[columns]


def _named(agents: pd.DataFrame, seats: pd.DataFrame) -> pd.DataFrame:
    """Say what the firm calls agents and teams, where records have other numbers for them."""
    for name in ("team", "agent"):
        if (own := f"{name}_id") in seats:
            names = seats.drop_duplicates(["run", name]).set_index(["run", name])[own]
            known = names.reindex(pd.MultiIndex.from_frame(agents[["run", name]]))
            agents.insert(1, own, known.astype(object).to_numpy())
    return agents


def _funnel(name: str, who: pd.DataFrame, tally: Tally, found: Mixture) -> pd.DataFrame:
    """Set events beside expected ones, with 95 % limits for an agent of the control."""
    n, events, rate = tally
    expected = n * rate
    error = np.sqrt(expected * (1 - rate) * (1 + (n - 1) * found.spread))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, margin = events / expected, 1.96 * error / expected
    frame = who[[*AGENT, "team"]].assign(
        n=n,
        events=events,
        expected=expected,
        ratio=ratio,
        limit_low=np.clip(1 - margin, 0, None),
        limit_high=1 + margin,
        lfdr=found.lfdr,
    )
    frame.insert(0, "sign", name)
    return frame[n > 0]


def _calibration(
    audits: pd.DataFrame,
    contacts: pd.DataFrame,
    person: Ints,
    who: pd.DataFrame,
    reference: Bools,
    agents: pd.DataFrame,
) -> pd.DataFrame:
    """Estimate from audits which share of the flagged, and of the others, is like the control."""
    columns = ["group", "agents", "audits", "found", "expected", "like_control", "without_finding"]
    if audits.empty:
        return pd.DataFrame(columns=columns)
    checked = require(audits, "audits", ["run", "contact", "found"])
    index = pd.MultiIndex.from_frame(contacts[["run", "contact"]])
    rows = index.get_indexer(pd.MultiIndex.from_frame(checked[["run", "contact"]]))
    known = rows >= 0
    found = (checked["found"].astype(str) != "none").to_numpy()[known]
    place = rows[known]
    sign = Sign(place, found, contacts["reason"].astype(str).iloc[place])
    tally = _tally(sign, person, reference)
    if min(tally.n[reference].sum(), tally.n[~reference].sum()) < FEWEST:
        return pd.DataFrame(columns=columns)
    first = pd.MultiIndex.from_frame(agents.loc[agents["flagged"], AGENT])
    flagged = pd.MultiIndex.from_frame(who[AGENT]).isin(first)
    table = []
    for group, chosen in {"flagged": flagged, "not flagged": ~flagged & ~reference}.items():
        members = chosen & (tally.n > 0)
        own = tally.of(members)
        like, none = np.nan, np.nan
        if members.any():
            like = 1 - two_groups(tally.of(reference), own).gaming
            none = float((own.events == 0).mean())
        counts = (int(members.sum()), int(own.n.sum()), int(own.events.sum()))
        table.append((group, *counts, float((own.n * own.rate).sum()), like, none))
    return pd.DataFrame(table, columns=columns)


def _checks(reference: Bools, calibration: pd.DataFrame, q: float) -> tuple[Check, ...]:
    """Look at what the list rests on."""
    controls = float(reference.sum())
    checks = [
        Check(
            "agents enough under the control",
            controls >= 20,
            controls,
            20,
            "agents show what a log without gaming looks like, and how they differ; with few a "
            "strange one counts as gaming",
        )
    ]
    flagged = calibration[calibration["group"] == "flagged"]
    if len(flagged) and flagged["agents"].item():
        vain = float(flagged["like_control"].item())
        checks.append(
            Check(
                "audits bear the list out",
                vain <= 2 * q,
                vain,
                2 * q,
                "share of the flagged in whom audits find no more than under the control",
            )
        )
    return tuple(checks)
