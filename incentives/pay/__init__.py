"""Pay schemes that add up, and the prices at which they buy what an agent logs.

Use `Wage` for pay that nothing logged can change, `PieceRate` for so much a unit, `Target` for a
threshold, `Tiers` for steps, accelerators and gates, `Tournament` for prizes by rank and
`TeamPool` for a bonus that a team shares. `Deferred` pays later, `Clawback` takes pay for saves
back when the customer leaves after all. Schemes are added with ``+``; a class of your own needs a
method ``pay`` and nothing else.

=============  ===================================================================================
`metrics`      What can be paid for: counts and rates of what is logged.
`scheme`       What every scheme has: it pays, adds up and scales. `Wage` is the simplest.
`bonuses`      The bonuses of one period, from piece rates to team pools.
`deferral`     Bonuses that come later, or are taken back.
`goals`        Goals that a manager raises, and the pressure of being behind (P4).
`scorecard`    What a checked contact scores (P2), and with how much noise (P3).
`leaderboard`  A live ranking, by which a minute costs standing (P5).
`ledger`       The account of every period: what is earned, paid, put off and taken back.
`prices`       What a log is worth (P1): schemes to tables, and how the kernel reads them.
`tables`       Expected pay over one or two indices of what is logged.
`reference`    The agent by whom those tables are scaled.
`own`          Tables of a scheme of one's own, of which nothing but ``pay`` is known.
=============  ===================================================================================
"""

from incentives.pay.bonuses import Goal, PieceRate, Target, TeamPool, Tiers, Tournament
from incentives.pay.deferral import Clawback, Deferred
from incentives.pay.goals import TargetPressure
from incentives.pay.leaderboard import Leaderboard
from incentives.pay.ledger import Ledger, Payslip
from incentives.pay.metrics import Metric, example
from incentives.pay.prices import PayAsPrices, lower
from incentives.pay.reference import Reference
from incentives.pay.scheme import (
    Scaled,
    Scheme,
    Sum,
    Wage,
    bonus_parts,
    scale_bonus,
    without_bonus,
)
from incentives.pay.scorecard import Scorecard, UnequalMeasurement

__all__ = [
    "Clawback",
    "Deferred",
    "Goal",
    "Leaderboard",
    "Ledger",
    "Metric",
    "PayAsPrices",
    "Payslip",
    "PieceRate",
    "Reference",
    "Scaled",
    "Scheme",
    "Scorecard",
    "Sum",
    "Target",
    "TargetPressure",
    "TeamPool",
    "Tiers",
    "Tournament",
    "UnequalMeasurement",
    "Wage",
    "bonus_parts",
    "example",
    "lower",
    "scale_bonus",
    "without_bonus",
]
