"""What a log entry is worth under a pay scheme: the difference it makes to the pay expected.

The month's totals will be what is logged so far and what is to come. Of a count, what is to come is
Poisson at the agent's own rate; of a rate or a sum of money, it is normal around the agent's own
rate with the variance that a Poisson process at the reference agent's level has over the time that
is left. Rates per piece, lumps and slopes have closed forms; a scheme of the user's own is
evaluated at many nodes of a normal forecast error.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from incentives.columns import (
    CANCELS,
    CONTACTS,
    N_ACCUMULATORS,
    SALES,
    SALES_VALUE,
    SAVES,
    SURVEY_N,
    SURVEY_SUM,
    Totals,
)
from incentives.pay import (
    Clawback,
    Deferred,
    PieceRate,
    Reference,
    Sum,
    Target,
    TeamPool,
    Tiers,
    Tournament,
    Wage,
)

COUNTS = {"contacts": CONTACTS, "saves": SAVES, "sales": SALES, "sales_value": SALES_VALUE}
RATES = {"save_rate": (SAVES, CANCELS), "survey_score": (SURVEY_SUM, SURVEY_N)}
CERTAIN = 1e-9  # a spread below this is none
NODES = 512  # of the forecast error, for schemes without a closed form


class Entry(NamedTuple):
    """What one line on the log adds to the month's totals."""

    contacts: float = 0.0
    cancels: float = 0.0
    saves: float = 0.0
    sales: float = 0.0
    sales_value: float = 0.0
    survey_sum: float = 0.0
    survey_n: float = 0.0
    qa_sum: float = 0.0  # always: this reading has no scorecard
    qa_n: float = 0.0


PLAIN = Entry(contacts=1.0)
LOST = Entry(contacts=1.0, cancels=1.0)
KEPT = Entry(contacts=1.0, cancels=1.0, saves=1.0)


def normal_cdf(x: float) -> float:
    """Return the chance that a standard normal is at most `x`."""
    return 0.5 * math.erfc(-x * 0.7071067811865476)


def chance_of_reaching(gap: float, spread: float) -> float:
    """Return the chance that an index ends at 0 or above, with its forecast `gap` above 0."""
    if spread < CERTAIN:
        return 1.0 if gap >= -CERTAIN else 0.0
    return normal_cdf(gap / spread)


def expected_excess(gap: float, spread: float) -> float:
    """Return the mean of what an index ends above 0, with its forecast `gap` above 0."""
    if spread < CERTAIN:
        return max(gap, 0.0)
    x = gap / spread
    return spread * math.exp(-0.5 * x * x) * 0.3989422804014327 + gap * normal_cdf(x)


def poisson_tail(least: float, mean: float) -> float:
    """Return the chance that a Poisson number is `least` or more."""
    k = math.ceil(least - CERTAIN)
    if k <= 0:
        return 1.0
    if mean <= 0.0:
        return 0.0
    if mean > 100.0:
        return normal_cdf((mean - k + 0.5) / math.sqrt(mean))
    term = below = math.exp(-mean)
    for i in range(1, k):
        term *= mean / i
        below += term
    return max(0.0, 1.0 - below)


def poisson_excess(floor: float, mean: float) -> float:
    """Return the mean of what a Poisson number has above `floor`."""
    if floor <= 0.0:
        return mean - floor
    k = math.floor(floor) + 1
    return mean * poisson_tail(k - 1, mean) - floor * poisson_tail(k, mean)


class Pieces:
    """So much a unit from the first one on: the price is the rate, whatever has been logged."""

    fixed = True
    team = False

    def __init__(self, metric: str, rate: float) -> None:
        self.reads = (COUNTS[metric],)
        self.rate = rate

    def constant(self, entry: Entry) -> float:
        """Return the price of an entry."""
        return self.rate * entry[self.reads[0]]


class CountSteps:
    """Lumps at thresholds of a count, and slopes beyond them; what is to come is Poisson."""

    fixed = False
    team = False

    def __init__(self, metric: str, lumps: Any, slopes: Any) -> None:
        self.reads = (COUNTS[metric],)
        self.lumps = [(threshold, lump) for threshold, lump in lumps if lump]
        self.slopes = [(threshold, slope) for threshold, slope in slopes if slope]

    def expected(self, now: list[float], ahead: list[float], share: float) -> float:
        """Return the pay expected, with a share of the month left."""
        at = self.reads[0]
        have, mean = now[at], ahead[at]
        money = 0.0
        for threshold, lump in self.lumps:
            money += lump * poisson_tail(threshold - have, mean)
        for threshold, slope in self.slopes:
            money += slope * poisson_excess(threshold - have, mean)
        return money


class SumSteps:
    """Lumps at thresholds of the value sold, and slopes beyond them."""

    fixed = False
    team = False

    def __init__(self, lumps: Any, slopes: Any, reference: Reference) -> None:
        self.reads = (SALES_VALUE,)
        self.lumps = [(threshold, lump) for threshold, lump in lumps if lump]
        self.slopes = [(threshold, slope) for threshold, slope in slopes if slope]
        mean = reference.sales_value / reference.sales
        self.variance = reference.sales * (mean**2 + reference.sale_sd**2)

    def expected(self, now: list[float], ahead: list[float], share: float) -> float:
        """Return the pay expected, with a share of the month left."""
        y = now[SALES_VALUE] + ahead[SALES_VALUE]
        spread = math.sqrt(self.variance * share)
        money = 0.0
        for threshold, lump in self.lumps:
            money += lump * chance_of_reaching(y - threshold, spread)
        for threshold, slope in self.slopes:
            money += slope * expected_excess(y - threshold, spread)
        return money


class RateSteps:
    """Lumps at thresholds of a rate, and slopes beyond them.

    The rate S / N reaches a threshold where S - threshold x N reaches 0. What lies beyond it is
    that difference over the forecast of N.
    """

    fixed = False
    team = False

    def __init__(self, metric: str, lumps: Any, slopes: Any, reference: Reference) -> None:
        top, bottom = self.reads = RATES[metric]
        n, mean = reference[bottom], reference[top] / reference[bottom]
        if metric == "save_rate":
            each = mean * (1.0 - mean)  # of one wish to cancel: a save or none
        else:
            each = reference.score_sd**2
        self.lumps = [(t, lump, n * (each + (mean - t) ** 2)) for t, lump in lumps if lump]
        self.slopes = [(t, slope, n * (each + (mean - t) ** 2)) for t, slope in slopes if slope]

    def expected(self, now: list[float], ahead: list[float], share: float) -> float:
        """Return the pay expected, with a share of the month left."""
        top, bottom = self.reads
        s, n = now[top] + ahead[top], now[bottom] + ahead[bottom]
        if share <= 0.0 and n <= 0.0:
            return 0.0
        money = 0.0
        for t, lump, variance in self.lumps:
            money += lump * chance_of_reaching(s - t * n, math.sqrt(variance * share))
        for t, slope, variance in self.slopes:
            excess = expected_excess(s - t * n, math.sqrt(variance * share))
            money += slope * excess / max(n, 1.0)
        return money


class AnyScheme:
    """A scheme known only by its `pay`: averaged over nodes of the forecast error."""

    fixed = False
    team = False
    reads = tuple(range(N_ACCUMULATORS))

    def __init__(self, scheme: Any, reference: Reference) -> None:
        self.scheme = scheme
        self.nodes = np.random.default_rng(7).standard_normal((7, NODES // 2))
        self.nodes = np.hstack([self.nodes, -self.nodes])
        score = reference.survey_sum / reference.survey_n
        self.answers = math.sqrt(reference.survey_n) * self.nodes[4]
        scatter = reference.score_sd * math.sqrt(reference.survey_n) * self.nodes[5]
        self.scores = score * self.answers + scatter
        self.price = reference.sales_value / reference.sales
        self.scatter = reference.sale_sd * math.sqrt(reference.sales) * self.nodes[6]

    def expected(self, now: list[float], ahead: list[float], share: float) -> float:
        """Return the pay expected, with a share of the month left."""
        z, spread = self.nodes, math.sqrt(share)
        saves = math.sqrt(ahead[SAVES]) * z[0]  # independent streams, added up to totals
        lost = math.sqrt(max(ahead[CANCELS] - ahead[SAVES], 0.0)) * z[1]
        sales = math.sqrt(ahead[SALES]) * z[2]
        rest = math.sqrt(max(ahead[CONTACTS] - ahead[CANCELS] - ahead[SALES], 0.0)) * z[3]
        value = self.price * sales + spread * self.scatter
        cancels = saves + lost
        errors = (cancels + sales + rest, cancels, saves, sales, value, spread * self.scores,
                  spread * self.answers, np.zeros(NODES), np.zeros(NODES))  # fmt: skip
        columns = [np.maximum(x + r + e, x) for x, r, e in zip(now, ahead, errors, strict=True)]
        totals = Totals(*columns, team=np.arange(NODES))
        return float(np.mean(self.scheme.pay(totals)))


class Part(NamedTuple):
    """A piece of a scheme with what its wrappers make of it."""

    form: Any
    factor: float = 1.0  # the chance to be there when a deferred bonus is paid
    clawed: bool = False  # a save counts only as far as it is believed to last


def parts_of(scheme: Any, reference: Reference, team_size: int) -> list[Part]:
    """Take a scheme apart into pieces that can be priced."""
    if isinstance(scheme, Sum):
        return [each for part in scheme.parts for each in parts_of(part, reference, team_size)]
    if isinstance(scheme, Wage):
        return []
    if isinstance(scheme, Deferred):
        there = 1.0 - scheme.share + scheme.share * reference.stay**scheme.months
        inner = parts_of(scheme.scheme, reference, team_size)
        return [each._replace(factor=each.factor * there) for each in inner]
    if isinstance(scheme, Clawback):
        inner = parts_of(scheme.scheme, reference, team_size)
        return [each._replace(clawed=True) for each in inner]
    if isinstance(scheme, TeamPool):
        whole = reference._replace(
            **{name: team_size * getattr(reference, name) for name in Entry._fields}
        )
        target = Target(scheme.metric, scheme.threshold, lump=scheme.lump, rate=scheme.rate)
        form = parts_of(target, whole, team_size)[0].form
        form.team = True
        return [Part(form, 1.0 / team_size)]
    if isinstance(scheme, Tournament):
        raise NotImplementedError("this reading has no tournaments")
    return [Part(_form_of(scheme, reference))]


def _form_of(scheme: Any, reference: Reference) -> Any:
    if isinstance(scheme, PieceRate):
        if scheme.above == 0.0:
            return Pieces(scheme.metric, scheme.rate)
        return _steps(scheme.metric, (), [(scheme.above, scheme.rate)], reference)
    if isinstance(scheme, Target):
        lumps, slopes = [(scheme.threshold, scheme.lump)], [(scheme.threshold, scheme.rate)]
        return _steps(scheme.metric, lumps, slopes, reference)
    if isinstance(scheme, Tiers) and scheme.gate is None:
        below = [0.0, *(amount for _, amount in scheme.steps)]
        rungs = [(t, more - less) for (t, more), less in zip(scheme.steps, below, strict=False)]
        lump = scheme.pays == "lump"
        return _steps(scheme.metric, rungs if lump else (), () if lump else rungs, reference)
    return AnyScheme(scheme, reference)


def _steps(metric: str, lumps: Any, slopes: Any, reference: Reference) -> Any:
    if metric in RATES:
        return RateSteps(metric, lumps, slopes, reference)
    if metric == "sales_value":
        return SumSteps(lumps, slopes, reference)
    return CountSteps(metric, lumps, slopes)


class PriceList:
    """The prices of log entries under one scheme.

    Parameters
    ----------
    scheme
        What is paid at the month's end.
    days
        Working days in a month.
    team_size
        Seats in a team, for schemes that pay a team.
    reference
        The agent whose level gives the forecast its spread.
    """

    def __init__(
        self, scheme: Any, days: int, team_size: int, reference: Reference | None = None
    ) -> None:
        self.parts = parts_of(scheme, Reference() if reference is None else reference, team_size)
        self.days = days
        self.fixed = all(part.form.fixed for part in self.parts)
        self.nothing = not self.parts
        self.always = FixedQuote(self.parts, None, 0.0, 0.0)
        self.reads_surveys = any(
            at in part.form.reads for part in self.parts for at in (SURVEY_SUM, SURVEY_N)
        )

    def quote(self, agent: Any, days_left: float) -> "Quote":
        """Look ahead for an agent: what the month's pay is expected to be as things stand.

        Parameters
        ----------
        agent
            Has `totals` and `rates` (per day) of each accumulator, and `mates` in its team.
        days_left
            In the month, today's share included.
        """
        if self.fixed:
            return self.always
        return Quote(self.parts, agent, days_left, days_left / self.days)


class Quote:
    """The prices of log entries for one agent at one moment."""

    __slots__ = ("agent", "days_left", "known", "parts", "share")

    def __init__(self, parts: list[Part], agent: Any, days_left: float, share: float) -> None:
        self.parts = parts
        self.agent = agent
        self.days_left = days_left
        self.share = share  # of the month that is left
        self.known: dict[int, tuple[list[float], list[float], float]] = {}  # of each part

    def price(self, entry: Entry, lasts: float = 1.0) -> float:
        """Return what an entry adds to the pay expected; a save counts as far as it may last."""
        money = 0.0
        for number, (form, factor, clawed) in enumerate(self.parts):
            for at in form.reads:
                if entry[at]:
                    break
            else:
                continue
            worth = self._change(number, form, entry)
            if clawed and entry.saves and lasts < 1.0:
                lost = self._change(number, form, entry._replace(saves=0.0))
                worth = lasts * worth + (1.0 - lasts) * lost
            money += factor * worth
        return money

    def _change(self, number: int, form: Any, entry: Entry) -> float:
        if form.fixed:
            return form.constant(entry)
        if number not in self.known:
            now, ahead = self._forecast(form)
            self.known[number] = now, ahead, form.expected(now, ahead, self.share)
        now, ahead, before = self.known[number]
        after = now[:]
        for at in form.reads:
            after[at] += entry[at]
        return form.expected(after, ahead, self.share) - before

    def _forecast(self, form: Any) -> tuple[list[float], list[float]]:
        """Say what is logged so far, and what can be expected of the rest of the month."""
        now, ahead = [0.0] * N_ACCUMULATORS, [0.0] * N_ACCUMULATORS
        people = (self.agent, *self.agent.mates) if form.team else (self.agent,)
        for one in people:
            for at in form.reads:
                now[at] += one.totals[at]
                ahead[at] += one.rates[at] * self.days_left
        return now, ahead


class FixedQuote(Quote):
    """Prices that are the same for everybody and at any moment, each worked out once."""

    __slots__ = ("worked_out",)

    def __init__(self, parts: list[Part], agent: Any, days_left: float, share: float) -> None:
        super().__init__(parts, agent, days_left, share)
        self.worked_out: dict[tuple[Entry, float], float] = {}

    def price(self, entry: Entry, lasts: float = 1.0) -> float:
        """Return what an entry adds to the pay expected; a save counts as far as it may last."""
        try:
            return self.worked_out[entry, lasts]
        except KeyError:
            found = self.worked_out[entry, lasts] = super().price(entry, lasts)
            return found
