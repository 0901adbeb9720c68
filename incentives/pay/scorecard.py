"""The QA scorecard: what a checked contact scores (P2), and with how much noise (P3)."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from incentives._compile import rule
from incentives._draws import normal_, square
from incentives.columns import Floats
from incentives.mechanism import Mechanism, param
from incentives.pay.tables import normal_chances

__all__ = ["Scorecard", "ScorecardNumbers", "UnequalMeasurement", "assessed", "lower_scorecard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard(Mechanism):
    r"""P2: a checked contact gets a QA score, a weighted sum of four components.

    With :math:`\omega` = `offers` and :math:`w_s, w_r, w_c` the other weights as shares of their
    sum, the score of a contact on which the agent took row j is

    .. math::
        Q = (1 - \omega)\,(w_s S_j + 100\,w_r\,[\text{resolved}] + 100\,w_c\,[\text{clean}])
            + 100\,\omega\,O_j

    points: soft skills :math:`S_j = [\text{plain} + \text{per\_point} \cdot \text{courtesy}_j]`
    cut off at 0 and 100 (0 for who cuts off), clean if the check finds nothing, and :math:`O_j` = 1
    where an offer is made, on a wish to cancel one to stay. The mean score is a metric like any
    other (``qa_score``). Who is paid for it weighs each row by the believed chance of a check
    times the price of the score that the row can expect. A centre that does not pay for scores
    keeps them in its records. Switched off, nothing is scored.
    """

    id: ClassVar[str] = "P2"
    title: ClassVar[str] = "QA scorecard"

    offers: float = param(
        0.1,
        unit="share of the score",
        low=0,
        high=1,
        source="assumed: practitioners report from none to well over a third",
        moves="+share of contacts with an offer",
    )
    soft_skills: float = param(
        0.4,
        unit="weight, relative",
        low=0,
        high=1,
        source="assumed: the largest part",
        moves="+share of contacts served with care",
    )
    resolution: float = param(
        0.3,
        unit="weight, relative",
        low=0,
        high=1,
        source="assumed: a third",
        moves="+share of contacts resolved",
    )
    compliance: float = param(
        0.3,
        unit="weight, relative",
        low=0,
        high=1,
        source="assumed: a third",
        moves="-share of orders logged as upsells",
    )
    plain: float = param(
        70.0,
        unit="points of 100 for soft skills in plain service",
        low=0,
        high=100,
        source="assumed: room above and below",
        moves="+mean QA score",
    )
    per_point: float = param(
        20.0,
        unit="points of 100 per point of courtesy",
        low=0,
        high=100,
        source="assumed: care scores 86, a rushed contact 54",
        moves="+share of contacts served with care",
    )

    def __post_init__(self) -> None:
        Mechanism.__post_init__(self)
        if self.soft_skills + self.resolution + self.compliance == 0.0:
            raise ValueError(
                "Scorecard.soft_skills, resolution and compliance must not all be 0, "
                f"got {self.soft_skills!r}, {self.resolution!r} and {self.compliance!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnequalMeasurement(Mechanism):
    r"""P3: what is handled is counted to the unit, how well it was handled is judged with noise.

    A scored contact of quality Q (see `Scorecard`) is entered as :math:`[Q + \text{noise}
    \cdot z]` cut off at 0 and 100 and rounded, with z standard normal; contacts, saves and sales
    are entered as they are logged. Agents know how much luck there is in a score: they expect of a
    row the mean of what may be entered, and the spread with which they forecast their score holds
    the noise. So a target on the score pays less for doing better, while pay for contacts pays what
    it did, and effort moves to what is measured (Holmstrom and Milgrom's multitasking). Switched
    off, scores are true.
    """

    id: ClassVar[str] = "P3"
    title: ClassVar[str] = "unequal measurement"

    noise: float = param(
        10.0,
        unit="SD, points of 100 per scored contact",
        low=0,
        high=60,
        source="assumed: two assessors of one contact differ by 11 points on average",
        moves="-share of contacts served with care",
    )


class ScorecardNumbers(NamedTuple):
    """The scorecard as the kernel reads it: points of 100."""

    on: float  #: 1 if checked contacts are scored
    known: Floats  #: (reasons, actions) for soft skills and for an offer
    resolved: float  #: for a resolution
    clean: float  #: where the check finds nothing
    expected: Floats  #: (reasons, actions) what a row can expect to have entered
    noise: float  #: SD of the measurement
    usual: float  #: what plain service can expect
    spread: float  #: SD of one score, as a reference agent's


OFFERED = 0.3  # share of a reference agent's contacts with an offer


def lower_scorecard(
    card: Scorecard,
    measurement: UnequalMeasurement,
    *,
    courtesy: Floats,
    seen: Floats,
    solves: Floats,
    offers: Floats,
    cut: int,
    serve: int,
    off: Collection[str] = (),
) -> ScorecardNumbers:
    """Work out what each row of the menu scores.

    Parameters
    ----------
    card, measurement
        The weights, and how well scores are measured.
    courtesy, seen
        Points of courtesy, and chance that a check finds something, (actions,).
    solves, offers
        Chance to resolve, and 1 where an offer is made, (reasons, actions).
    cut, serve
        Which action cuts off, and which is plain service.
    off
        Mechanisms that are switched off.
    """
    others = (card.soft_skills, card.resolution, card.compliance)
    soft, resolution, compliance = ((1.0 - card.offers) * each / sum(others) for each in others)
    skills = np.clip(card.plain + card.per_point * courtesy, 0.0, 100.0)
    skills[cut] = 0.0
    known = soft * skills + 100.0 * card.offers * offers
    noise = 0.0 if "P3" in off else float(measurement.noise)
    chance = float(solves[0, serve])
    variance = square(100.0 * resolution) * chance * (1.0 - chance) + square(
        100.0 * card.offers
    ) * OFFERED * (1.0 - OFFERED)
    deserved = known + 100.0 * resolution * solves + 100.0 * compliance * (1.0 - seen)
    expected, squared = _entered(deserved, noise)
    usual = float(expected[0, serve])
    variance += max(float(squared[0, serve]) - square(usual), 0.0)
    return ScorecardNumbers(
        on=0.0 if "P2" in off or "O6" in off else 1.0,
        known=np.ascontiguousarray(known),
        resolved=100.0 * resolution,
        clean=100.0 * compliance,
        expected=np.ascontiguousarray(expected),
        noise=noise,
        usual=usual,
        spread=math.sqrt(variance),
    )


def _entered(points: Floats, noise: float) -> tuple[Floats, Floats]:
    """Average what is entered, cut off at 0 and 100, and its square, over the noise."""
    bell, per_sd = normal_chances(20.0), 20.0
    z = (np.arange(len(bell)) - len(bell) // 2) / per_sd
    score = np.clip(points + np.multiply.outer(noise * z, np.ones(points.shape)), 0.0, 100.0)
    chance = bell.reshape(-1, *(1,) * points.ndim)
    mean, squared = (np.cumsum(chance * each, axis=0)[-1] for each in (score, np.square(score)))
    return mean, squared


@rule
def assessed(points: float, u: float, card: Any) -> float:
    """Give the score that is entered, a whole number from 0 to 100."""
    return float(np.floor(min(max(points + card.noise * normal_(u), 0.0), 100.0) + 0.5))
