"""Lower a scheme of one's own, of which nothing but ``pay`` is known, by asking it."""

import math
from collections.abc import Callable

import numpy as np

from incentives._draws import power
from incentives.columns import (
    ACCUMULATORS,
    CANCELS,
    N_ACCUMULATORS,
    QA_N,
    QA_SUM,
    SALES,
    SALES_VALUE,
    SAVES,
    SURVEY_N,
    SURVEY_SUM,
    Floats,
    Totals,
)
from incentives.pay.metrics import PaysSomething, with_team
from incentives.pay.reference import Reference
from incentives.pay.tables import Component, counted, counted_together, line, linear

__all__ = ["amounts", "from_pay"]

OF_CONTACTS = (CANCELS, SAVES, SALES, SALES_VALUE)  # of which a contact makes one at most
STEPS = 4000  # of what is no count, between nothing and the most


def from_pay(scheme: PaysSomething, reference: Reference) -> list[Component]:
    """Lower a scheme of which nothing but `pay` is known."""
    name, probes = type(scheme).__name__, _probes(reference)

    def pay(totals: Totals) -> Floats:
        return amounts(scheme, totals)

    together = pay(_as_totals(probes)._replace(team=np.zeros(len(probes), dtype=np.int64)))
    alone = np.concatenate([pay(_as_totals(row[np.newaxis])) for row in probes])
    if not np.array_equal(together, alone):
        raise ValueError(
            f"{name}.pay depends on what other agents logged, which cannot be priced from pay "
            f"alone; use Tournament or TeamPool, or give {name} a method lower(reference)"
        )
    weights = _slopes_at_zero(pay)
    varied = np.concatenate([_varied(probes, j, reference) for j in range(N_ACCUMULATORS)])
    money = pay(_as_totals(varied))
    straight = sum(weights[j] * varied[:, j] for j in range(N_ACCUMULATORS)) + pay(
        _as_totals(varied[:1] * 0.0)
    )
    if np.allclose(money, straight, rtol=1e-9, atol=1e-9):
        return [linear(weights)] if weights.any() else []
    by_probe = money.reshape(N_ACCUMULATORS, len(probes), -1)
    reads = {int(j) for j in np.flatnonzero(np.ptp(by_probe, axis=2).max(axis=1))}
    if len(reads) == 1:
        read = reads.pop()
        return [line(counted(pay, read, reference, {read: _last_bend(pay, read, reference)}))]
    if len(reads) == 2:
        return [counted_together(pay, reads, reference, {})]
    names = ", ".join(ACCUMULATORS[j] for j in sorted(reads))
    raise ValueError(
        f"{name}.pay reads {len(reads)} accumulators ({names}), and prices are tabulated "
        f"over two at most; split it into schemes that are added with +, "
        f"or give {name} a method lower(reference)"
    )


def amounts(scheme: PaysSomething, totals: Totals) -> Floats:
    """Return what a scheme pays, one finite amount for each agent: a rate of nothing pays 0."""
    with np.errstate(all="ignore"):
        money = np.asarray(scheme.pay(totals), dtype=np.float64)
    if money.shape != np.shape(totals.contacts):
        raise ValueError(
            f"{type(scheme).__name__}.pay must return one amount for each agent, shape "
            f"{np.shape(totals.contacts)}, got shape {money.shape}"
        )
    return np.where(np.isfinite(money), money, 0.0)


def _as_totals(rows: Floats) -> Totals:
    return with_team(np.ascontiguousarray(rows.T), np.arange(len(rows)))


def _slopes_at_zero(pay: Callable[[Totals], Floats]) -> Floats:
    """Return what the first unit of each accumulator adds."""
    first = pay(_as_totals(np.vstack([np.zeros(N_ACCUMULATORS), np.eye(N_ACCUMULATORS)])))
    return np.asarray(first[1:] - first[0])


def _highest(reference: Reference) -> Floats:
    return np.ceil(3.0 * np.maximum(reference[:N_ACCUMULATORS], 4.0))


def _furthest(accumulator: int, reference: Reference) -> float:
    """Return what nobody logs more of: a save or a sale on every contact, usual figures thrice."""
    each = reference.sales_value / max(reference.sales, 1.0) if accumulator == SALES_VALUE else 1.0
    most = reference.contacts * each if accumulator in OF_CONTACTS else 0.0
    return float(math.ceil(max(most, _highest(reference)[accumulator])))


def _last_bend(pay: Callable[[Totals], Floats], accumulator: int, reference: Reference) -> float:
    """Return where pay over one accumulator jumps or bends for the last time, 0 if nowhere."""
    furthest = _furthest(accumulator, reference)
    step = furthest / STEPS if accumulator == SALES_VALUE else 1.0
    rows = np.zeros((math.floor(furthest / step) + 1, N_ACCUMULATORS))
    rows[:, accumulator] = step * np.arange(len(rows))
    slope = np.diff(pay(_as_totals(rows)._replace(team=np.zeros(len(rows), dtype=np.int64))))
    bends = np.flatnonzero(~np.isclose(slope[1:], slope[:-1], rtol=1e-9, atol=1e-9)) + 1
    return float(step * bends[-1]) if len(bends) else 0.0


def _probes(reference: Reference) -> Floats:
    """Return whole totals that an agent could have, spread evenly (Roberts, 2018)."""
    phi = 1.0889
    steps = np.array([power(1.0 / phi, j + 1) for j in range(N_ACCUMULATORS)])
    shares = (0.5 + steps * np.arange(48)[:, np.newaxis]) % 1.0
    rows = np.floor(shares * (_highest(reference) + 1.0))
    rows[:, SAVES] = np.minimum(rows[:, SAVES], rows[:, CANCELS])
    rows[:, SURVEY_SUM] = np.floor(shares[:, SURVEY_SUM] * 10.0 * rows[:, SURVEY_N])
    rows[:, QA_SUM] = np.floor(shares[:, QA_SUM] * 100.0 * rows[:, QA_N])
    return np.asarray(rows)


def _varied(probes: Floats, accumulator: int, reference: Reference) -> Floats:
    """Return each probe with one accumulator at many values, all else equal."""
    ends = _highest(reference)[accumulator], _furthest(accumulator, reference)
    values = np.concatenate([np.round(np.linspace(0.0, end, 41)) for end in ends])
    rows = np.repeat(probes, len(values), axis=0)
    rows[:, accumulator] = np.tile(values, len(probes))
    return rows
