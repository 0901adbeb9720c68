"""Which contacts should be checked? Chances of being drawn that make a budget of checks tell most.

Use `optimal_audit` after a pilot, when some contacts have been checked: it says with what chance
the next ones should be drawn, by what was logged and under which scheme.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from incentives.estimates.audits import (
    drawn_audits,
    served,
    succeeded,
    suspicion_check,
    targeted,
)
from incentives.estimates.comparison import Observed, listed, unknown
from incentives.estimates.inference import Floats
from incentives.estimates.result import Check
from incentives.tables import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AuditPlan", "optimal_audit"]

FEW = 10  # checks of a stratum in the pilot, below which its spread is a guess


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AuditPlan:
    """With what chance to check which contacts, and what that is worth.

    Parameters
    ----------
    strata
        A row a scheme and stratum: `contacts`, those `audited` in the pilot, the `share` that
        checks find and its standard deviation `sd`, the chance `prob` of being drawn, and the
        `audits` and `hours` that are to be expected.
    variances
        One row: expected variances of the shares, added up over schemes (for two schemes, of
        the difference), in squared points per 100. `audits`: what checking some and not all
        adds under the plan; `proportional`: the same with one chance for all, at the same cost;
        `sampling`: what would be left if all were checked; `audits_alone`: that of checks with
        one chance for all which leave the log unused.
    targeted
        Audits of the pilot that were made on suspicion, and so left out.
    """

    strata: pd.DataFrame
    variances: pd.DataFrame
    targeted: int = 0

    def tidy(self) -> pd.DataFrame:
        """Give the chances, a row a stratum."""
        return self.strata

    @property
    def question(self) -> str:
        """The title, in words."""
        return "Which contacts should be checked next"

    @property
    def reading(self) -> str:
        """The conclusion, in a sentence."""
        table = self.strata.sort_values("prob", ascending=False, kind="stable")
        most, least = (
            f"{100 * row['prob']:.3g} of 100 {_named(row)}"
            for row in (table.iloc[0], table.iloc[-1])
        )
        gain = self.glance().iloc[0]["gain_over_proportional"]
        return (
            f"{self.strata['audits'].sum():,.0f} checks tell most if they take {most}, at the one "
            f"end, and {least}, at the other; what they add to the variance is then {gain:.2g} "
            "times smaller than with one chance for all"
        )

    @property
    def checks(self) -> tuple[Check, ...]:
        """What the plan rests on."""
        pilot, chance = float(self.strata["audited"].min()), float(self.strata["prob"].min())
        return (
            Check(
                "checks of the pilot enough in each stratum",
                pilot >= FEW,
                pilot,
                FEW,
                "checks in the thinnest stratum: below 10 its spread, and so its share of the next "
                "checks, is a guess",
            ),
            Check(
                "no contact is out of reach of checks",
                chance > 0,
                chance,
                0,
                "least chance of being drawn: what nobody ever checks deters nobody",
            ),
            suspicion_check(self.targeted),
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the chance of being drawn, a line a stratum.

        Parameters
        ----------
        ax
            Axes to draw on; those of a new figure if left out.
        """
        from incentives import figures

        drawn = 100 * self.strata["prob"]
        lines = pd.DataFrame({"term": [_named(row) for _, row in self.strata.iterrows()]})
        lines = lines.assign(estimate=drawn, conf_low=drawn, conf_high=drawn)
        return figures.coefficients(lines, label="to be checked, of 100 contacts", ax=ax)

    def glance(self) -> pd.DataFrame:
        """Give one row: what is spent, and how many times smaller the plan makes a variance."""
        variance = self.variances.iloc[0]
        return pd.DataFrame(
            [
                {
                    "audits": self.strata["audits"].sum(),
                    "hours": self.strata["hours"].sum(),
                    "least_prob": self.strata["prob"].min(),
                    "gain_over_proportional": variance["proportional"] / variance["audits"],
                    "gain_over_audits_alone": variance["audits_alone"]
                    / (variance["audits"] + variance["sampling"]),
                }
            ]
        )

    def __repr__(self) -> str:
        gains = self.glance().iloc[0]
        return (
            f"{readable(self.strata).to_string(index=False)}\n"
            f"{gains['audits']:,.0f} checks, {gains['hours']:,.0f} hours; what checking adds to "
            f"the variance is {gains['gain_over_proportional']:.2f} times smaller than with one "
            "chance for all"
        )


def optimal_audit(
    records: Observed,
    *,
    audits: float | None = None,
    hours: float | None = None,
    floor: float = 0.002,
    minutes: float | Mapping[str, float] = 15.0,
    strata: Sequence[str] = ("logged_outcome",),
    outcome: Literal["success_true", "gamed"] = "success_true",
) -> AuditPlan:
    """Allocate checks to strata so that shares are known best for what the checks cost.

    **Estimand.** The chances of being drawn that minimise the expected variance of the share of
    contacts that are true successes (or gamed), by scheme, added up over schemes; of two schemes
    that is the variance of the difference.

    **Identification.** The next contacts are like those of the pilot, whose checks were drawn
    with a known chance; a check reveals what happened.

    **Estimator.** Neyman allocation: contacts of stratum h, under a scheme with N contacts, are
    drawn with a chance proportional to S_h / (N sqrt(c_h)), where S_h is the standard deviation
    of what checks find and c_h what one costs, but never less than `floor` or more than 1; the
    factor is the one that spends the budget. S_h is that of the pilot's share, weighted by
    1/`prob`, with half a contact of either kind added, so that a stratum in which a few checks
    found nothing is not taken to be sure. Checks made on suspicion, without a chance on record,
    are left out.

    Parameters
    ----------
    records
        The pilot: simulated records or a firm's own tables; only the analyst's `cells` and
        `audits` are read.
    audits, hours
        The budget for as many contacts as the pilot had: one of the two, above 0.
    floor
        The least chance of any contact, 0 or more and below 1: where it is 0, what nobody suspects
        is never found, and nobody is deterred.
    minutes
        What a check takes, above 0: one number, or one for each logged outcome.
    strata
        Columns of both `cells` and `audits` that make the strata, beside the scheme.
    outcome
        What shall be known well: ``"success_true"`` or ``"gamed"``.

    Returns
    -------
    AuditPlan
        Its `tidy()` has a row a scheme and stratum with the chance `prob`; `glance()` says how
        much is won.

    Raises
    ------
    KeyError
        A column is not in the records, or an outcome is not among those of `minutes`.
    ValueError
        The budget is missing, is less than the floor costs or more than checking everything, or a
        number is out of range.

    References
    ----------
    Neyman (1938), Journal of the American Statistical Association 33 (from memory).

    Examples
    --------
    >>> import incentives as inc
    >>> from incentives.estimates import optimal_audit
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500), audit=inc.Audit(rate=0.2))
    >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
    >>> pilot = inc.simulate(centre.vary(scheme=schemes), months=2, rng=1, keep="cells")
    >>> plan = optimal_audit(pilot, audits=100)
    >>> round(plan.tidy()["audits"].sum())
    100
    """
    if not 0 <= floor < 1:
        raise ValueError(f"optimal_audit: floor must be 0 or more and below 1, got {floor!r}")
    if outcome not in ("success_true", "gamed"):
        raise unknown(outcome, ["success_true", "gamed"], what="outcome", where="optimal_audit")
    seen = records.seen_by("analyst")
    table = _strata(seen, ["scheme", *strata], outcome)
    table["minutes"] = _minutes(table, minutes)
    contacts = table["contacts"].to_numpy(dtype=np.float64)
    arm = table.groupby("scheme", observed=True)["contacts"].transform("sum").to_numpy(np.float64)
    budget, cost = _budget(audits, hours, table["minutes"].to_numpy(dtype=np.float64))
    whole = float((contacts * cost).sum())
    if not floor * whole < budget < whole:
        raise ValueError(
            f"optimal_audit: the budget must lie between {floor * whole:,.1f}, what the floor "
            f"costs, and {whole:,.1f}, what checking everything costs, got {budget:,.1f}"
        )
    sd = table["sd"].to_numpy(dtype=np.float64)
    prob = _chances(sd / arm / np.sqrt(cost), contacts * cost, budget, floor)
    table = table.assign(prob=prob, audits=contacts * prob)
    table["hours"] = table["audits"] * table.pop("minutes") / 60
    variances = _variances(table, contacts, arm, prob, budget / whole)
    return AuditPlan(table, variances, int(targeted(seen.audits).sum()))


def _named(row: "pd.Series[Any]") -> str:
    """Name a stratum: what was logged or recorded, and under which scheme."""
    measured = ("scheme", "contacts", "audited", "share", "sd", "prob", "audits", "hours")
    kind = ", ".join(f"'{value}'" for name, value in row.items() if name not in measured)
    return f"{kind or 'contacts'} under '{row['scheme']}'"


def _strata(seen: Observed, keys: list[str], outcome: str) -> pd.DataFrame:
    """Count contacts and weight what checks found, by scheme and stratum."""
    cells = served(seen.cells, "cells", [*keys, "n"])
    audits = drawn_audits(seen.audits, [*keys, "prob", "found", "found_outcome"])
    prob = audits["prob"].to_numpy(dtype=np.float64)
    true = succeeded(audits["found_outcome"])
    gamed = (audits["found"].astype(str) != "none").to_numpy()
    hit = true if outcome == "success_true" else gamed
    sums = (
        audits[keys]
        .assign(audited=1.0, weight=1 / prob, square=prob**-2, hits=hit / prob)
        .groupby(keys, observed=True)
        .sum()
    )
    counts = cells.groupby(keys, observed=True, sort=False)["n"].sum().rename("contacts")
    table = counts[counts > 0].to_frame().join(sums).fillna(0.0).reset_index()
    number = (table["weight"] ** 2 / table["square"]).fillna(0.0)  # as good as so many
    share = (table["hits"] / table["weight"]).fillna(0.0)
    share = (share * number + 0.5) / (number + 1)
    table = table[[*keys, "contacts", "audited"]].assign(
        share=share, sd=np.sqrt(share * (1 - share))
    )
    return table.astype({"audited": int})


def _minutes(table: pd.DataFrame, minutes: float | Mapping[str, float]) -> Floats:
    """Give what a check of each stratum takes."""
    if not isinstance(minutes, Mapping):
        taken = np.full(len(table), float(minutes))
    elif "logged_outcome" not in table:
        raise ValueError("optimal_audit: minutes by outcome need 'logged_outcome' among the strata")
    else:
        outcomes = table["logged_outcome"].astype(str)
        if missing := sorted(set(outcomes) - set(minutes)):
            raise KeyError(f"minutes lack {listed(missing)}; they have {listed(minutes)}")
        taken = outcomes.map(minutes).to_numpy(dtype=np.float64)
    if not (taken > 0).all():
        raise ValueError(f"optimal_audit: minutes must be above 0, got {minutes!r}")
    return taken


def _budget(audits: float | None, hours: float | None, minutes: Floats) -> tuple[float, Floats]:
    """Give the budget, and what a check of each stratum takes of it."""
    if audits is not None and hours is None:
        return float(audits), np.ones(len(minutes))
    if hours is not None and audits is None:
        return float(hours), minutes / 60
    raise ValueError("optimal_audit: give a budget, either audits or hours")


def _chances(pull: Floats, cost: Floats, budget: float, floor: float) -> Floats:
    """Draw each stratum in proportion to its pull, within [floor, 1], and spend the budget."""

    def drawn(log_factor: float) -> Floats:
        return np.asarray(np.clip(np.exp(log_factor) * pull, floor, 1.0), dtype=np.float64)

    # nobody is above the floor at the lower end, everybody at 1 at the upper one
    low, high = np.log(max(floor, 1e-12) / pull.max()), np.log(1 / pull.min())
    factor = brentq(lambda x: float((cost * drawn(x)).sum()) - budget, low, high, xtol=1e-12)
    return drawn(factor)


def _variances(
    table: pd.DataFrame, contacts: Floats, arm: Floats, prob: Floats, proportional: float
) -> pd.DataFrame:
    """Give the expected variances that `AuditPlan` names."""
    share, sd = (table[name].to_numpy(dtype=np.float64) for name in ("share", "sd"))
    spread = 1e4 * contacts * sd**2 / arm**2
    scheme = pd.factorize(table["scheme"])[0]
    whole, size = np.bincount(scheme, contacts * share / arm), np.bincount(scheme, contacts)
    sampling = float((1e4 * whole * (1 - whole) / size).sum())
    return pd.DataFrame(
        [
            {
                "audits": float((spread * (1 / prob - 1)).sum()),
                "proportional": float((spread * (1 / proportional - 1)).sum()),
                "sampling": sampling,
                "audits_alone": sampling / proportional,
            }
        ]
    )
