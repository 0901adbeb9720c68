"""The live ranking on the wall, by which a minute costs standing (P5)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from incentives._compile import rule
from incentives.mechanism import Mechanism, numbers, param

__all__ = ["BoardNumbers", "Leaderboard", "place_cost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard(Mechanism):
    r"""P5: a live ranking that all can see.

    The agent's place R in the team, by contacts handled this month (0 first to 1 last), is on the
    wall at every moment. A minute costs standing in proportion to
    :math:`\text{top} + (\text{bottom} - \text{top}) R`: who holds a low place can afford a long
    contact least. Switched off, nobody knows a place, and a minute costs standing at the mean of
    the two.
    """

    id: ClassVar[str] = "P5"
    title: ClassVar[str] = "leaderboard"

    top: float = param(
        0.5,
        unit="x standing, when first",
        low=0,
        high=5,
        source="assumed: who is first has little more to win by a place",
        moves="+contacts rushed by those in front",
    )
    bottom: float = param(
        1.5,
        unit="x standing, when last",
        low=0,
        high=5,
        source="assumed: shame weighs thrice as much as pride",
        moves="+contacts rushed by those behind",
    )


BoardNumbers = numbers(Leaderboard, "BoardNumbers", __name__)


@rule
def place_cost(rank: float, rule: Any) -> float:
    """Give how much a minute costs of standing at a place in the team (a factor)."""
    cost: float = rule.top + (rule.bottom - rule.top) * rank
    return cost
