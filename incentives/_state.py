"""What the kernel is given and moves: the numbers of every rule, and the desk of every seat."""

from typing import Any, NamedTuple

from incentives.columns import Floats, Ints
from incentives.menu import MenuTable
from incentives.staff import Bonds, Sway


class Rules(NamedTuple):
    """The numbers of every rule, as lowered from a scenario."""

    needs: Any
    expectations: Any
    openness: Any
    leaving: Any
    surveys: Any
    value: Any
    conscience: Any
    belief: Any
    drop: Any
    suppress: Any
    misclassify: Any
    work: Any
    queue: Any
    channels: Any
    audit: Any
    contract: Any
    minds: Any  #: of those who want to cancel
    menu: MenuTable
    mode: Any
    mood: Any
    board: Any
    dump: Any
    live: bool  #: places in the team are known at every moment
    hidden: Any
    regret: Any
    moments: Any
    loyalty: Any
    reciprocity: Any
    blame: Any
    appeal: Any  #: the job-security appeal
    coaching: Any  #: with what it does not aim at put to 0
    contagion: float  #: stakes by which teammates who lie lower conscience
    advocacy: Any
    scorecard: Any
    calling: Any  #: blending and cold calls
    asking: Any  #: for answers to surveys
    timing: Any
    pressure: Any
    crowd: int  #: the customers of the first day
    harvest: Any
    ownership: Any


class Desk(NamedTuple):
    """What moves on the floor: logged totals, recent rates, and the day's counts, a row a seat."""

    scheme: Ints  #: index of the scheme that each seat is under
    totals: Floats  #: (seats, accumulators) logged this month
    rates: Floats  #: (seats, accumulators) logged per day, recently
    opening: Floats  #: (seats, accumulators) totals as the day began
    team_totals: Floats  #: (teams, accumulators)
    team_rates: Floats  #: (teams, accumulators)
    cuts: Floats  #: (components, seats) what a rival's place costs, in the component's index
    at: Floats  #: (components, 4) where the agent at work stands: see `prices.stand`
    worth: Floats  #: (actions,) what each log entry would pay the agent at work (money)
    present: Ints  #: 1 if at work today
    rank: Floats  #: 0 first to 1 last in the team, by contacts handled this month
    pace_pay: Floats  #: bonus per minute on contacts, recently (money)
    last_cut: Ints  #: 1 if the seat's last contact today was cut off
    busy: Floats  #: minutes on contacts today
    earned: Floats  #: bonus expected from today's contacts (money)
    checks: Ints  #: own contacts checked today
    found: Ints  #: own contacts found to be gamed today
    penalty: Floats  #: penalties this month (money)
    busy_month: Floats  #: minutes on contacts this month
    duty_month: Floats  #: minutes on duty this month
    day: Floats  #: the day's counts, in the order of DAY
    mode: Floats  #: 0 serving to 1 selling
    mood: Floats  #: -1 to 1
    spirits: Floats  #: the moods in which the agent went home this month, added up,
    shifts: Floats  #: and how many days these were
    against: Floats  #: what this month's contacts went against the agent's grain (money)
    bonds: Bonds
    sway: Sway
    outbound: Floats  #: calls made and answered today
    times: Ints  #: 1 if today the agent may book in another month, 2 if saves too
    later: Floats  #: (2, seats) what a sale and a save would pay, booked next month (money)
    held: Floats  #: (2, seats) sales and saves held back this month
    ahead: Floats  #: sales booked ahead this month
    owed: Floats  #: sales booked ahead last month that are not made good yet
    belief: Floats  #: in the product, 0 to 1 (C10)
    believer: Floats  #: what that makes of closing today, a factor (C10)
    reached: Floats  #: results so far over the goals that should have been reached by now (P4)
    start: Floats  #: (seats, accumulators) with what the next month will start
    team_start: Floats  #: (teams, accumulators)
    best: Floats  #: (teams, places) the best forecasts that rivals have, while cuts are sought
