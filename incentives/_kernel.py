"""The order of a working day, over columns: who contacts, who serves, what is done and logged.

Read `advance` as the description of a day; a month's end is in `_bill`. Each line calls a rule that
stands, with its equation, in the file of its family. Everything random is drawn at an address (see
`_draws`): a contact's is (customer, need, episode, attempt), and what is drawn for one purpose does
not move when another rule changes.
"""

from typing import Any, NamedTuple

import numpy as np

from incentives._calendar import AGE_BITS, OWN_MASK, need_rate, rearm, schedule, take_due
from incentives._compile import batch, compiled, prefetch, rule, whole
from incentives._draws import Purpose, block, exp_, exponential_, gumbel_, log_, normal_
from incentives._floor import (
    Events,
    Idle,
    bench,
    clear,
    leave_line,
    line_up,
    pop,
    push,
    sit_down,
    stand_up,
    suited,
)
from incentives._luck import Luck, draw_luck, places
from incentives.centre import (
    FloorPlan,
    audit_chance,
    calls_back,
    channel_of,
    guarded,
    minute_of,
    patience_of,
    stretched,
    task_of,
    usual_work,
    vexed,
)
from incentives.columns import (
    ANSWERED,
    BACK,
    BEGGED,
    BUSY,
    BY_AGENT,
    CALENDAR,
    CALLBACKS,
    CANCELS,
    CONTACTS,
    DELAYED,
    DUD,
    DUTY,
    EARLY,
    FRESH,
    GONE,
    HEARD,
    N_ACCUMULATORS,
    N_FEATURES,
    OFFERED,
    OWNED,
    PRESSED,
    QA_N,
    QA_SUM,
    REFUNDED,
    REGRETS,
    SALES,
    SALES_VALUE,
    SAVES,
    SELLER,
    SURVEY_N,
    SURVEY_SUM,
    TOLD,
    UNFIT,
    UNSCORED,
    WAIT,
    WITHIN,
    Booked,
    Channel,
    Customers,
    Floats,
    Ints,
    LeftBy,
    Outcome,
    Prices,
    Reason,
    Watch,
)
from incentives.customers import (
    answer_chance,
    borne,
    buyers_gain,
    experience,
    feel,
    fetched,
    fits,
    in_need,
    in_peace,
    known,
    need_believed,
    on_the_way_home,
    on_tour,
    remember,
    shown,
    sold,
    spoilt,
    survey_score,
)
from incentives.gaming import (
    BEG,
    LEAVE,
    PUSH,
    SKIP,
    cut_cost,
    impression_of,
    lesser_lie,
    lie_weight,
    lie_worth,
    pleaded,
    relearn,
)
from incentives.menu import (
    ANNOYS,
    BARRED,
    FEES,
    GAINS,
    GIVES,
    KEEPS,
    MINUTES,
    N_ACTIONS,
    OFFERS,
    SEEN,
    SELLING,
    SELLS,
    SOLVES,
    STAYS,
    TRACED,
    Action,
    MenuTable,
    quality,
)
from incentives.pay.goals import Goals, attained, under_pressure
from incentives.pay.leaderboard import place_cost
from incentives.pay.prices import cuts, price, stand
from incentives.pay.scorecard import assessed
from incentives.staff import (
    Bonds,
    Staff,
    Sway,
    against,
    certain,
    closing_in,
    coached,
    next_mode,
    next_mood,
    strained,
    swayed,
    worried,
)

FREE, PAUSE, REDIAL, GIVE_UP = range(4)  # kinds of event, in the low bits of an event's code
ARRIVAL = REDIAL
CALLED = 4  # an event that is never kept: a customer who was called has answered
NEEDS_NEST, WISHES_NEST, LIES = 1, 2, 3  # blocks of shocks: rows that serve, that part, that lie
PLAIN, SOLD, LOST, KEPT = range(4)  # log entries with a price; a row's own stands at its number
OVER, AGAIN, LATER, PASSED_ON = range(4)  # what follows: nothing, another today, later, at once
LEAST = -700.0  # exponent of a weight: below, it would be a subnormal number, and slow
OLDEST = 255  # working days that an entry can have waited
CHAT, EMAIL, FORUM = int(Channel.CHAT), int(Channel.EMAIL), int(Channel.FORUM)
BLOCK = 512  # contacts whose luck is drawn in one go: few enough to be at hand when they come
SOON = 4  # arrivals ahead of the present one, whose customers are fetched from memory
RECENT = 0.1  # weight of the last day in what agents take for their usual pace
SALE_OF_DATA, STRANGERS, TELLS = range(3)  # blocks of four draws about sold data
SPEAKS, MANY, WHO, COMES, RENEWS = range(5)  # blocks of four draws about a customer's talk

# codes as plain numbers, which is what compiled code can hold
QUESTION, COMPLAINT, CANCEL = int(Reason.QUESTION), int(Reason.COMPLAINT), int(Reason.CANCEL)
ORDER, OUTBOUND = int(Reason.ORDER), int(Reason.OUTBOUND)
HANDLED, SALE, SAVED = int(Outcome.HANDLED), int(Outcome.SALE), int(Outcome.SAVED)
CANCELLED, CUT_OFF, ABANDONED, SUPPRESSED, TRANSFERRED = (
    int(Outcome.CANCELLED),
    int(Outcome.CUT_OFF),
    int(Outcome.ABANDONED),
    int(Outcome.SUPPRESSED),
    int(Outcome.TRANSFERRED),
)
BY_CONTACT, SILENTLY, ON_DISCOVERY = (
    int(LeftBy.CONTACT),
    int(LeftBy.SILENT),
    int(LeftBy.DISCOVERY),
)
CUT, RUSH, SERVE, CARE, OFFER_AFTER, OFFER_FIRST, HARD_SELL = (int(Action(a)) for a in range(7))
PROCESS, SAVE, PRESS = int(Action.PROCESS), int(Action.SAVE), int(Action.PRESS)
TRANSFER = int(Action.TRANSFER)
FABRICATE, SUPPRESS = int(Action.FABRICATE), int(Action.SUPPRESS)
LOG_SAVE, LOG_UPSELL = int(Action.LOG_SAVE), int(Action.LOG_UPSELL)
AT_ONCE, HELD_BACK, AHEAD, MADE_GOOD = (int(Booked(b)) for b in range(4))

# where each feature of a choice begins in an array that holds all rows of each
(PAY, TIME, QUEUE, STANDING, LIE, FEAR, CUSTOMER, CLIENT, EMPLOYER, RELUCTANCE) = range(
    0, N_FEATURES * N_ACTIONS, N_ACTIONS
)


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
    decided: float  #: share of those who want to cancel whose mind is made up
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


# -- the choice ---------------------------------------------------------------------------------


class Situation(NamedTuple):
    """What an agent sees before choosing: the contact, the queue, and what logs would pay."""

    reason: int
    work: float  #: minutes of plain service by this agent
    open: float  #: believed chance that an offer made after service sells, before the agent's skill
    margin: float  #: money per month
    client: int
    waiting: float  #: others in the same queue
    minute: float
    can_pass: bool  #: could pass for something else on the log
    believed: float  #: believed chance of a check
    closing: float  #: skill at this moment, in this mode and mood
    last_try: bool  #: the customer will not try again
    need: float  #: believed chance of a hidden need
    gain: float  #: what a sale is believed to bring the buyer (money per money paid)
    in_peace: bool  #: nothing may be offered
    bears: float  #: what explaining a sale afterwards is expected to cost (money)
    pressed: float  #: and the complaint after a hard sell


@rule
def weigh(
    v: Floats,
    f: Floats,
    seat: int,
    now: Situation,
    staff: Staff,
    desk: Desk,
    plan: FloorPlan,
    rules: Rules,
    prices: Prices,
) -> None:
    """Write into `f` what each row on the menu is like, and into `v` its worth (money).

    `f` holds `FEATURES`, each for all rows; the worth of a row is its features times the agent's
    tastes. The loops over rows have no branch, and a length that the compiler does not know, lest
    it unrolls them: so they become SIMD code.
    """
    s, value, paid = rules.menu.shelf[now.reason], rules.value, desk.worth
    reference = paid[LOST] if now.reason == CANCEL else paid[PLAIN]
    for row in range(len(v)):
        v[row] = reference
    v[OFFER_AFTER] = v[OFFER_FIRST] = v[HARD_SELL] = paid[SOLD]
    v[SAVE], v[PRESS] = paid[SAVE], paid[PRESS]

    openness, closing, margin = now.open, now.closing, value.horizon * now.margin
    work, believed = now.work, now.believed
    penalty = rules.audit.penalty * (1.0 - desk.bonds.pardoned[seat])
    risk, buyer = staff.risk[seat], now.gain
    bears = now.bears / max(rules.value.product, 1e-9)  # per money sold
    contractor = rules.contract.contractor > 0.0
    waits = desk.pace_pay[seat] if now.waiting > 0.0 else 0.0
    rank = place_cost(desk.rank[seat], rules.board) / plan.usual
    mode, warmth = desk.mode[seat], 1.0 + rules.mood.warms * desk.mood[seat]
    serving = 1.0 + rules.mode.switching * mode
    selling = 1.0 + rules.mode.switching * (1.0 - mode) - serving
    for row in range(len(v)):
        chance = min((s[OFFERS + row] * openness + s[KEEPS + row]) * closing, 1.0)
        gap = v[row] - reference
        minutes = work * s[MINUTES + row] * (serving + s[SELLING + row] * selling)
        found = believed * s[SEEN + row]
        found += (1.0 - found) * s[TRACED + row]
        to_client = chance * (s[SELLS + row] + s[STAYS + row] * margin)
        f[PAY + row] = certain(reference + chance * gap, chance, gap, risk)
        f[TIME + row] = minutes
        f[QUEUE + row] = minutes * waits
        f[STANDING + row] = minutes * rank
        f[LIE + row] = 0.0
        f[FEAR + row] = found * penalty
        f[CUSTOMER + row] = (
            s[GIVES + row]
            + chance * (s[GAINS + row] + s[SELLS + row] * buyer)
            - s[ANNOYS + row] * (1.0 - openness)
        ) * warmth
        f[CLIENT + row] = to_client
        f[EMPLOYER + row] = chance * s[FEES + row] if contractor else to_client
        f[RELUCTANCE + row] = chance * s[SELLS + row] * bears

    if now.pressed > 0.0:
        sells = s[OFFERS + HARD_SELL] * openness + s[KEEPS + HARD_SELL]
        f[RELUCTANCE + HARD_SELL] += min(sells * closing, 1.0) * now.pressed
    if now.can_pass:
        weigh_lies(f, s, seat, now, reference, staff, desk, rules)
    f[PAY + CUT] = paid[PLAIN]
    drop = cut_cost(
        staff.reluctance[seat], desk.last_cut[seat] == 1, now.waiting, now.minute, rules.drop
    )
    noise = rules.conscience.noise * rules.conscience.stake
    f[RELUCTANCE + CUT] = noise * drop
    f[PAY + TRANSFER] = paid[PLAIN]
    f[RELUCTANCE + TRANSFER] = noise * (
        rules.dump.reluctance + staff.reluctance[seat] - rules.drop.reluctance
    )
    scheme = desk.scheme[seat]
    if prices.reads[scheme, SURVEY_N] == 1:
        for row in range(RUSH, N_ACTIONS):
            if s[BARRED + row] == 0.0:
                f[PAY + row] += survey_price(
                    row, s[SOLVES + row], scheme, seat, now, desk, rules, prices
                )
    if prices.reads[scheme, QA_N] == 1 and rules.scorecard.on > 0.0:
        scores, ease = rules.scorecard.expected[now.reason], desk.sway.ease[seat]
        for row in range(N_ACTIONS):
            if s[BARRED + row] == 0.0:
                f[PAY + row] += believed * qa_price(scores[row], scheme, desk.at, ease, prices)

    pay, kappa = staff.pay[seat], staff.kappa[seat] + desk.sway.conscience[seat]
    effort, standing, fear = staff.effort[seat], staff.standing[seat], staff.fear[seat]
    care, employer = staff.care[seat], staff.employer[seat]
    client = staff.client[seat, now.client]
    effort *= desk.sway.effort[seat]
    care *= desk.sway.care[seat]
    employer *= desk.sway.employer[seat]
    client *= desk.sway.client[seat, now.client]
    for row in range(len(v)):
        v[row] = (
            pay * f[PAY + row]
            - effort * f[TIME + row]
            - pay * f[QUEUE + row]
            - standing * f[STANDING + row]
            - kappa * f[LIE + row]
            - fear * f[FEAR + row]
            + care * f[CUSTOMER + row]
            + client * f[CLIENT + row]
            + employer * f[EMPLOYER + row]
            - f[RELUCTANCE + row]
            - s[BARRED + row]
        )
    if now.last_try:
        v[TRANSFER] = -np.inf
    if now.in_peace:
        v[OFFER_AFTER] = v[OFFER_FIRST] = v[HARD_SELL] = -np.inf


@rule
def weigh_lies(
    f: Floats,
    s: Floats,
    seat: int,
    now: Situation,
    reference: float,
    staff: Staff,
    desk: Desk,
    rules: Rules,
) -> None:
    """Write what is particular to lies: a gain over the best honest pay, as it is felt."""
    honest = reference  # the most that honest work on this contact is expected to pay
    for row in range(RUSH, TRANSFER):
        if s[BARRED + row] == 0.0:
            honest = max(honest, f[PAY + row])
    contractor = rules.contract.contractor > 0.0
    kappa = staff.kappa[seat] + desk.sway.conscience[seat]
    for row in range(FABRICATE, N_ACTIONS):
        if s[BARRED + row] > 0.0:
            continue
        gain = desk.worth[SOLD if row == LOG_UPSELL else row] - honest
        found = now.believed * s[SEEN + row]
        found += (1.0 - found) * s[TRACED + row]
        f[PAY + row] = honest + lie_worth(gain, found, rules.conscience)
        f[LIE + row] = lie_weight(kappa, gain, rules.conscience)
        to_client = -rules.value.misreport * max(gain, 0.0)
        if row == SUPPRESS:
            to_client += now.margin
        f[CLIENT + row] = to_client
        f[EMPLOYER + row] = s[FEES + row] if contractor else to_client


@batch
def survey_price(
    row: int,
    resolves: float,
    scheme: int,
    seat: int,
    now: Situation,
    desk: Desk,
    rules: Rules,
    prices: Prices,
) -> float:
    """Give what the survey that may follow adds to pay (money), at the score to be expected."""
    expectations = rules.expectations
    points = expectations.plain + rules.menu.courtesy[row] + expectations.resolved * resolves
    points += now.need * fits(True, OFFER_AFTER <= row <= HARD_SELL, rules.hidden)
    annoys = rules.menu.annoys[row]
    if now.reason == OUTBOUND:
        annoys += rules.calling.intrudes
    points = min(max(points - annoys * (1.0 - now.open), 0.0), 10.0)
    chance: float = rules.surveys.invites * answer_chance(points, rules.surveys)
    ease = desk.sway.ease[seat]
    return chance * price(
        prices, scheme, desk.at, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, points, 1.0, 0.0, 0.0, ease
    )


@batch
def qa_price(score: float, scheme: int, at: Floats, ease: float, prices: Prices) -> float:
    """Give what a contact that is scored adds to pay (money)."""
    return price(prices, scheme, at, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, score, 1.0, ease)


@rule
def choose(
    v: Floats,
    weights: Floats,
    reason: int,
    can_lie: bool,
    k0: np.uint32,
    k1: np.uint32,
    luck: Luck,
    place: int,
    rules: Rules,
) -> int:
    """Choose a row: first among honest work, a lie and cutting off, then within the nest.

    A nest is worth scale x log of the sum of exp(v / scale) over its rows. Each shock is addressed
    by (contact, row), so that a row that is not on the menu changes the luck of no other. Within
    the nest the largest of v / scale + Gumbel is found as the first in a race of exponentials with
    the nest's weights as speeds: the same row, at half the logarithms.
    """
    noise = rules.conscience.noise * rules.conscience.stake
    scale = noise * rules.conscience.kinship
    steep = 1.0 / scale
    top = v[RUSH]
    for row in range(RUSH + 1, FABRICATE):
        top = max(top, v[row])
    for row in range(len(v)):
        weights[row] = exp_(max((v[row] - top) * steep, LEAST))
    total = ((weights[1] + weights[2]) + (weights[3] + weights[4])) + (weights[5] + weights[6])
    total += ((weights[7] + weights[8]) + (weights[9] + weights[10])) + weights[11]
    best = top + scale * log_(total) + noise * luck.honest[place]
    low = PROCESS if reason == CANCEL else RUSH
    if can_lie:
        top = max(v[FABRICATE], v[SUPPRESS], v[LOG_SAVE], v[LOG_UPSELL])
        if top > -np.inf:
            for row in range(FABRICATE, N_ACTIONS):
                weights[row] = exp_(max((v[row] - top) * steep, LEAST))
            total = (weights[12] + weights[13]) + (weights[14] + weights[15])
            lie = top + scale * log_(total) + noise * luck.lie[place]
            if lie > best:
                best = lie
                low = FABRICATE
    if v[CUT] + noise * luck.cut[place] > best:
        return CUT
    r0, r1, r2, r3, r4, r5 = luck.race
    race = (r0[place], r1[place], r2[place], r3[place], r4[place], r5[place])
    if low == FABRICATE:
        uid, when, attempt = luck.uid[place], luck.when[place], luck.attempt[place]
        u0, u1, u2, u3 = block(k0, k1, uid, when, Purpose.CHOICE, attempt, LIES)
        e0, e1, e2, e3 = exponential_(u0), exponential_(u1), exponential_(u2), exponential_(u3)
        race = (e0, e1, e2, e3, np.inf, np.inf)
    chosen, first = -1, np.inf
    for i in range(6 if low == RUSH else 4):
        arrives = race[i] / weights[low + i]
        if arrives < first:
            chosen, first = low + i, arrives
    if low == RUSH and luck.pass_on[place] / weights[TRANSFER] < first:
        chosen = TRANSFER
    return chosen


# -- one contact --------------------------------------------------------------------------------


class Way(NamedTuple):
    """How a contact came to the agent, beside its channel."""

    felt: float  #: minutes that the customer waited on the line
    vexed: float  #: points of the experience that delay and a change of channel cost
    stretch: float  #: x the minutes, for the other chats that are open
    age: int  #: working days in the backlog
    carried: float  #: minutes of those days
    rich: float  #: x the chance of a resolution


@rule
def credit(desk: Desk, seat: int, team: int, what: int, amount: float) -> None:
    """Add to what the agent, and so the team, has logged this month."""
    desk.totals[seat, what] += amount
    desk.team_totals[team, what] += amount


@rule
def look(
    seat: int,
    reason: int,
    work: float,
    luck: Luck,
    place: int,
    each: Any,
    waiting: float,
    minute: float,
    days_left: float,
    days: float,
    plan: FloorPlan,
    rules: Rules,
    prices: Prices,
    staff: Staff,
    desk: Desk,
) -> Situation:
    """Gather what the agent sees: the contact, the queue, and what logs would pay right now."""
    scheme, team = whole(desk.scheme[seat]), whole(plan.team[seat])
    if rules.live:
        desk.rank[seat] = place_in_team(seat, plan, desk)
    passes = rules.misclassify.upsizable if reason == 2 else rules.misclassify.passable
    can_pass = reason == CANCEL or (reason != OUTBOUND and luck.passes[place] < passes)
    plain, need, gain = luck.open[place], 0.0, 0.0
    needy = plain
    if rules.hidden.share > 0.0 and reason != CANCEL:
        needy = in_need(plain, rules.hidden)
        has = luck.need[place] < rules.hidden.share
        need = need_believed(has, luck.hint[place], rules.hidden)
        gain = buyers_gain(need, plain, needy, rules.hidden)
    closing = staff.closing[seat] * desk.sway.closing[seat]
    bears, pressed = 0.0, 0.0
    if reason != CANCEL:
        closing *= desk.believer[seat]
        if rules.ownership.owned > 0.0 and rules.hidden.share > 0.0:
            minute_costs = staff.effort[seat] * desk.sway.effort[seat]
            minute_costs += staff.pay[seat] * desk.pace_pay[seat]
            cost = borne(gain, minute_costs, rules.hidden, rules.ownership)
            bears = cost * rules.ownership.explains
            pressed = cost * rules.regret.regret * usual_work(COMPLAINT, rules.work)
        gain += rules.ownership.worth * (desk.belief[seat] - rules.ownership.usual)
    if prices.first[scheme] < prices.first[scheme + 1]:
        stand(
            prices,
            scheme,
            desk.totals,
            desk.rates,
            desk.team_totals,
            desk.team_rates,
            seat,
            team,
            days_left,
            days,
            desk.cuts,
            desk.at,
            can_pass,
            desk.sway.ease[seat],
        )
        find_prices(scheme, seat, reason, can_pass, rules, prices, desk)
    else:
        for entry in range(N_ACTIONS):
            desk.worth[entry] = 0.0
    return Situation(
        reason,
        work,
        plain + need * (needy - plain),
        each.margin,
        each.client,
        waiting,
        minute,
        can_pass,
        staff.checks[seat] / staff.contacts[seat],
        closing * closing_in(desk.mode[seat], desk.mood[seat], rules.mode, rules.mood),
        luck.attempt[place] + 1 >= rules.needs.tries,
        need,
        gain,
        in_peace(int(np.int64(luck.when[place])), rules.moments),
        bears,
        pressed,
    )


@rule
def place_in_team(seat: int, plan: FloorPlan, desk: Desk) -> float:
    """Give the share of teammates who have handled more contacts this month: 0 first to 1 last."""
    first, ahead = plan.team[seat] * plan.size, 0.0
    for mate in range(first, first + plan.size):
        if desk.totals[mate, CONTACTS] > desk.totals[seat, CONTACTS]:
            ahead += 1.0
    return ahead / (plan.size - 1.0) if plan.size > 1 else 0.5


@rule
def find_prices(
    scheme: int, seat: int, reason: int, can_pass: bool, rules: Rules, prices: Prices, desk: Desk
) -> None:
    """Find what each log entry that this contact could get would pay (money).

    A save costs a price of its own for each row only where pay for it can be clawed back.
    """
    paid, cancelling, claws = desk.worth, reason == CANCEL, False
    contacts = rules.calling.counts if reason == OUTBOUND else 1.0
    for k in range(whole(prices.first[scheme]), prices.first[scheme + 1]):
        claws = claws or prices.claw[k] == 1
    for entry in range(LOG_UPSELL if can_pass and claws else KEPT + 1 if can_pass else SOLD + 1):
        if KEPT < entry < SAVE or entry == PRESS + 1 or entry == (SOLD if cancelling else LOST):
            continue
        sales = 1.0 if entry == SOLD else 0.0
        paid[entry] = price(
            prices,
            scheme,
            desk.at,
            rules.menu.lasts[entry] if entry > KEPT else 1.0,
            contacts,
            1.0 if entry >= LOST else 0.0,
            1.0 if entry >= KEPT else 0.0,
            sales,
            sales * rules.value.product,
            0.0,
            0.0,
            0.0,
            0.0,
            desk.sway.ease[seat],
        )
    if not claws:
        paid[SAVE] = paid[PRESS] = paid[FABRICATE] = paid[SUPPRESS] = paid[KEPT]
        paid[LOG_SAVE] = paid[KEPT]


@rule
def worth_of(row: int, reason: int, success: bool, paid: Floats) -> float:
    """Give the price (money) of what this row logged."""
    if row in (CUT, TRANSFER):
        entry = PLAIN
    elif row == LOG_UPSELL:
        entry = SOLD
    elif row >= FABRICATE:
        entry = row
    elif reason == CANCEL:
        entry = row if success else LOST
    else:
        entry = SOLD if success else PLAIN
    worth: float = paid[entry]
    return worth


@batch
def ask(
    seat: int,
    points: float,
    now: Situation,
    k0: np.uint32,
    k1: np.uint32,
    uid: int,
    when: int,
    attempt: int,
    rules: Rules,
    prices: Prices,
    staff: Staff,
    desk: Desk,
) -> int:
    """Choose what to do about the survey: leave it to chance, skip it, push it, or beg as well."""
    asking, scheme = rules.asking, desk.scheme[seat]
    size, ease = asking.gravity, desk.sway.ease[seat]
    u_shock, _, _, _ = block(k0, k1, uid, when, Purpose.ASK, attempt, 1)
    u_leave, u_skip, u_push, u_beg = block(k0, k1, uid, when, Purpose.ASK, attempt)
    seems = impression_of(points, normal_(u_shock), asking)
    begged = pleaded(seems, asking.yields, asking)
    answers = answer_chance(seems, rules.surveys)
    told = answers * price(
        prices, scheme, desk.at, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, seems, 1.0, 0.0, 0.0, ease
    )
    raised = answers * price(
        prices, scheme, desk.at, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, begged, 1.0, 0.0, 0.0, ease
    )
    left = rules.surveys.invites * told

    pay, fear = staff.pay[seat], staff.fear[seat]
    kappa = staff.kappa[seat] + desk.sway.conscience[seat]
    found, penalty = now.believed * asking.seen, rules.audit.penalty
    skip = lesser_lie(-left, kappa, found, pay, fear, penalty, size, rules.conscience)
    push = lesser_lie(told - left, kappa, found, pay, fear, penalty, size, rules.conscience)
    beg = lesser_lie(raised - left, kappa, found, pay, fear, penalty, size, rules.conscience)
    minute = staff.effort[seat] * desk.sway.effort[seat]
    if now.waiting > 0.0:
        minute += pay * desk.pace_pay[seat]
    push -= asking.minutes * minute
    beg -= asking.minutes * minute + staff.care[seat] * desk.sway.care[seat] * asking.annoys

    noise = size * rules.conscience.noise * rules.conscience.stake
    best, chosen = noise * gumbel_(u_leave), LEAVE
    if skip + noise * gumbel_(u_skip) > best:
        best, chosen = skip + noise * gumbel_(u_skip), SKIP
    if push + noise * gumbel_(u_push) > best:
        best, chosen = push + noise * gumbel_(u_push), PUSH
    if beg + noise * gumbel_(u_beg) > best:
        chosen = BEG
    return chosen


@batch
def book(
    seat: int,
    action: int,
    reason: int,
    success: bool,
    offered: bool,
    believed: float,
    k0: np.uint32,
    k1: np.uint32,
    uid: int,
    when: int,
    attempt: int,
    rules: Rules,
    staff: Staff,
    desk: Desk,
) -> int:
    """Choose when to book what came of a contact: a code of `Booked`."""
    timing, paid = rules.timing, desk.worth
    if success and offered and desk.owed[seat] > 0.0:
        return MADE_GOOD
    if desk.times[seat] == 0 or not (success or offered):
        return AT_ONCE
    if reason == CANCEL and desk.times[seat] == 1:
        return AT_ONCE
    u_thinks, u_books, _, _ = block(k0, k1, uid, when, Purpose.BOOK, attempt)
    found = 0.0
    if reason == CANCEL:
        gain = desk.later[1, seat] - (paid[action] - paid[LOST])
    elif success:
        gain = desk.later[0, seat] - (paid[SOLD] - paid[PLAIN])
    else:
        gain = paid[SOLD] - paid[PLAIN] - desk.later[0, seat]
        found = believed * timing.seen
    gain -= timing.cost
    if gain <= 0.0 or (not success and u_thinks >= timing.thinks):
        return AT_ONCE
    worth = lesser_lie(
        gain,
        staff.kappa[seat] + desk.sway.conscience[seat],
        found,
        staff.pay[seat],
        staff.fear[seat],
        rules.audit.penalty,
        timing.gravity,
        rules.conscience,
    )
    noise = timing.gravity * rules.conscience.noise * rules.conscience.stake
    if worth + noise * log_(u_books / (1.0 - u_books)) <= 0.0:
        return AT_ONCE
    return HELD_BACK if success else AHEAD


@rule
def enter(desk: Desk, seat: int, reason: int, booked: int) -> None:
    """Note what has been moved into the next month, out of it, or made good."""
    if booked == HELD_BACK:
        desk.held[1 if reason == CANCEL else 0, seat] += 1.0
    elif booked == AHEAD:
        desk.ahead[seat] += 1.0
    elif booked == MADE_GOOD:
        desk.owed[seat] -= 1.0


@rule
def serve(
    seat: int,
    entry: int,
    reason: int,
    channel: int,
    work: float,
    wait: float,
    minute: float,
    waiting: float,
    day: int,
    days_left: float,
    days: float,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
    rules: Rules,
    prices: Prices,
    customers: Customers,
    staff: Staff,
    desk: Desk,
    luck: Luck,
    place: int,
    events: Events,
    watch: Watch,
    watched: int,
    log: Any,
    count: int,
    way: Way,
) -> tuple[float, int, int]:
    """Serve one contact: choose, let it happen, log it; return minutes, what follows, and rows."""
    row = entry >> 2
    each = customers.row[row]
    uid, attempt = int(each.uid), int(np.int64(luck.attempt[place]))
    when = int(np.int64(luck.when[place]))
    menu, team, scheme = rules.menu, whole(plan.team[seat]), whole(desk.scheme[seat])
    v = events.worth
    code = int(customers.sold_by[row])
    back = code // SELLER == seat + 1 and code & TOLD == 0 and reason != OUTBOUND
    if back:  # a buyer is back with its seller
        customers.sold_by[row] = code | TOLD
        if code & DUD and code & OWNED:
            work += rules.ownership.explains
        desk.belief[seat] = shown(desk.belief[seat], code & DUD > 0, rules.ownership)
    now = look(
        seat,
        reason,
        work * staff.pace[seat] * (1.0 - rules.mood.slows * desk.mood[seat]),
        luck,
        place,
        each,
        waiting,
        minute,
        days_left,
        days,
        plan,
        rules,
        prices,
        staff,
        desk,
    )
    keep = (
        watch.share > 0.0
        and block(k0, k1, uid, when, Purpose.SAMPLE, attempt)[0] < watch.share
        and watched + N_ACTIONS <= len(watch.rows)
    )
    weigh(v, events.features, seat, now, staff, desk, plan, rules, prices)
    action = whole(choose(v, events.weights, reason, now.can_pass, k0, k1, luck, place, rules))
    if keep:
        for option in range(N_ACTIONS):
            if menu.allowed[reason, option] == 1 and (option < FABRICATE or now.can_pass):
                watch.rows[watched, 0] = count
                watch.rows[watched, 1] = seat
                watch.rows[watched, 2] = option
                watch.rows[watched, 3] = option == action
                for feature in range(N_FEATURES):
                    watch.rows[watched, 4 + feature] = events.features[feature * N_ACTIONS + option]
                watched += 1

    # what happens
    minutes = events.features[TIME + action] * way.stretch
    tour = on_tour(when >> 24, when & 0xFFFF, rules.moments)
    solves = menu.shelf[reason, SOLVES + action] * way.rich
    if tour and on_the_way_home(when & 0xFFFF, rules.moments):
        solves *= 1.0 - rules.moments.meagre
    resolved = luck.solve[place] < solves
    captive = rules.moments.captive if tour else 1.0
    success = False
    true, logged = HANDLED, HANDLED
    value = 0.0
    needs = reason != CANCEL and luck.need[place] < rules.hidden.share
    openness = in_need(luck.open[place], rules.hidden) if needs else luck.open[place]
    offered = OFFER_AFTER <= action <= HARD_SELL
    if action == CUT:
        true = CUT_OFF
    elif action == TRANSFER:
        true = TRANSFERRED
    elif reason == CANCEL:
        chance = menu.keeps_decided[action] if each.decided & 1 == 1 else menu.keeps[action]
        success = luck.success[place] < chance * now.closing
        true = SAVED if success else SUPPRESSED if action == SUPPRESS else CANCELLED
        logged = SAVED if success or action >= FABRICATE else CANCELLED
    elif offered:
        chance = menu.appeal[action] * openness + menu.pressure[action]
        success = luck.success[place] < chance * now.closing
        if success:
            true = logged = SALE
            value = rules.value.product
            keeps = block(k0, k1, uid, when, Purpose.PRODUCT, attempt, 1)[0]
            customers.sold_by[row] = sold(seat, needs, keeps, rules.hidden, rules.ownership)
            if not needs:
                bought = PRESSED if action == HARD_SELL else UNFIT
                each.missold = bought if each.missold == REFUNDED else max(each.missold, bought)
    elif action == LOG_SAVE:
        logged = SAVED
    elif action == LOG_UPSELL:
        logged = SALE
        value = rules.value.product

    booked = AT_ONCE
    if desk.times[seat] > 0 or desk.owed[seat] > 0.0:
        booked = book(
            seat,
            action,
            reason,
            success,
            offered,
            now.believed,
            k0,
            k1,
            uid,
            when,
            attempt,
            rules,
            staff,
            desk,
        )
        enter(desk, seat, reason, booked)
    if booked == AHEAD:
        logged = SALE
        value = rules.value.product
    elif booked != AT_ONCE:
        logged = CANCELLED if reason == CANCEL else HANDLED
        value = 0.0

    # what the customer makes of it
    annoys = menu.annoys[action] * captive
    if reason == OUTBOUND:
        annoys += rules.calling.intrudes
    if action == CUT:
        points = rules.expectations.cut
    else:
        points = experience(
            resolved,
            menu.courtesy[action]
            + fits(needs and action != TRANSFER, offered, rules.hidden)
            - way.vexed,
            annoys,
            openness,
            way.felt,
            luck.feel[place],
            rules.expectations,
        )
        if action in (OFFER_AFTER, HARD_SELL):  # the pitch comes last
            points = spoilt(
                points,
                annoys,
                openness,
                each.expectation,
                captive if resolved or not tour else captive * rules.moments.worse,
                rules.moments,
            )
    readers = rules.channels.readers[channel]
    if readers > 0.0 and points < each.expectation:
        read(customers, readers, uid, when, attempt, k0, k1, rules)
    each.peak, each.last = remember(int(each.peak), int(each.last), points - each.expectation)
    selling = menu.shelf[reason, SELLING + action] == 1.0
    desk.mood[seat] = next_mood(
        desk.mood[seat],
        staff.carries[seat],
        points - each.expectation if action != CUT else 0.0,
        selling and not success,
        rules.mood,
    )
    desk.mode[seat] = next_mode(desk.mode[seat], selling, staff.settles[seat], rules.mode)
    satisfaction, each.expectation = feel(
        each.satisfaction, each.expectation, points, rules.expectations
    )
    each.trust = max(each.trust - menu.distrust[action], 0.0)
    if true == SAVED:
        if action == SAVE:
            satisfaction = min(satisfaction + rules.leaving.mends, 10.0)
        each.wishes = 0
    elif true == CANCELLED:
        each.wishes = 0
        each.leaving = BY_CONTACT
    elif true == SUPPRESSED:
        each.wishes = 0
        each.suppressed = 1
        each.suppressed_by = seat
    each.satisfaction = satisfaction
    each.exposed = each.exposed | (1 << scheme)

    handling = LEAVE
    if rules.asking.gravity > 0.0 and prices.reads[scheme, SURVEY_N] == 1 and action != CUT:
        handling = ask(seat, points, now, k0, k1, uid, when, attempt, rules, prices, staff, desk)
        if handling >= PUSH:
            minutes += rules.asking.minutes
        if handling == BEG:
            each.satisfaction = max(each.satisfaction - rules.asking.annoys, 0.0)

    # what the agent's figures make of it
    if reason == OUTBOUND:
        credit(desk, seat, team, CONTACTS, rules.calling.counts)
        desk.outbound[seat] += 1.0
    else:
        credit(desk, seat, team, CONTACTS, 1.0)
    if (reason == CANCEL and action not in (CUT, TRANSFER)) or action == LOG_SAVE:
        credit(desk, seat, team, CANCELS, 1.0)
    if logged == SAVED:
        credit(desk, seat, team, SAVES, 1.0)
    elif logged == SALE:
        credit(desk, seat, team, SALES, 1.0)
        credit(desk, seat, team, SALES_VALUE, value)
    entered = success if booked == AT_ONCE else booked == AHEAD
    desk.earned[seat] += worth_of(action, reason, entered, desk.worth)
    f = events.features
    desk.against[seat] += against(
        staff.kappa[seat] + desk.sway.conscience[seat],
        f[LIE + action],
        staff.care[seat] * desk.sway.care[seat],
        f[CUSTOMER + action],
        staff.employer[seat] * desk.sway.employer[seat],
        f[EMPLOYER + action],
        staff.client[seat, now.client] * desk.sway.client[seat, now.client],
        f[CLIENT + action],
    )
    desk.last_cut[seat] = 1 if action == CUT else 0
    if reason != OUTBOUND:
        if attempt > 0 and each.cut_by >= 0 and each.cut_by != seat + 1:
            desk.bonds.blamed[seat, now.client] += 1.0
        each.cut_by = seat + 1 if action == CUT else -1 if action == TRANSFER else 0
    desk.bonds.lies[seat] += 1.0 if action >= FABRICATE else 0.0

    # what the customer is asked, and what a check sees
    survey, score = 0, -1
    by_chance = luck.invite[place] < rules.surveys.invites and action != CUT
    if handling >= PUSH or (by_chance and handling != SKIP):
        survey = 1
        u_answer, u_score, u_yields, _ = block(k0, k1, uid, when, Purpose.SURVEY, attempt)
        if u_answer < answer_chance(points, rules.surveys):
            survey = 2
            said = points
            if handling == BEG and u_yields < rules.asking.yields:
                said = pleaded(points, 1.0, rules.asking)
            score = int(survey_score(said, u_score, rules.surveys))
            credit(desk, seat, team, SURVEY_SUM, float(score))
            credit(desk, seat, team, SURVEY_N, 1.0)
            if rules.harvest.share > 0.0 and each.decided < FRESH:
                u_sold = block(k0, k1, uid, when, Purpose.HARVEST, attempt, SALE_OF_DATA)[0]
                each.decided += FRESH if u_sold < rules.harvest.share else 0
        survey += (0 if by_chance else BY_AGENT) + (BEGGED if handling == BEG else 0)
    probability = audit_chance(logged, rules.audit)
    audit, qa = 0, UNSCORED
    if luck.audit[place] < probability:
        audit = 1
        desk.checks[seat] += 1
        seen = menu.seen[action]
        if seen > 0.0 and block(k0, k1, uid, when, Purpose.AUDIT, attempt)[0] < seen:
            audit = 2
            desk.found[seat] += 1
            pardoned = desk.bonds.pardoned[seat]
            if pardoned == 0.0 or block(k0, k1, uid, when, Purpose.PARDON, attempt)[0] >= pardoned:
                desk.penalty[seat] += rules.audit.penalty
            strike(desk, seat, team, logged, value)
            if booked == AHEAD:
                desk.ahead[seat] -= 1.0
        if handling != LEAVE:
            u_hears = block(k0, k1, uid, when, Purpose.AUDIT, attempt)[1]
            if u_hears < rules.asking.seen:
                audit += HEARD
                desk.penalty[seat] += rules.asking.gravity * rules.audit.penalty
        if booked == AHEAD:
            u_sees = block(k0, k1, uid, when, Purpose.AUDIT, attempt)[2]
            if u_sees < rules.timing.seen:
                audit += EARLY
                desk.penalty[seat] += rules.timing.gravity * rules.audit.penalty
        card = rules.scorecard
        if card.on > 0.0:
            u_score = 0.5
            if card.noise > 0.0:
                u_score = block(k0, k1, uid, when, Purpose.ASSESS, attempt)[0]
            deserved = quality(card.known[reason, action], resolved, audit & 3 == 2, card)
            qa = int(assessed(deserved, u_score, card))
            credit(desk, seat, team, QA_SUM, float(qa))
            credit(desk, seat, team, QA_N, 1.0)

    entry_log = log[count]
    entry_log.customer = uid
    entry_log.day = day - way.age
    entry_log.agent = seat
    entry_log.minute = minute - wait + way.carried
    entry_log.wait = wait
    entry_log.handle = minutes
    entry_log.value = value
    entry_log.prob = probability
    entry_log.experience = points
    entry_log.episode = when & 0xFFFF
    entry_log.hire = staff.hire[seat]
    entry_log.scheme = scheme
    entry_log.reason = reason
    entry_log.channel = channel
    entry_log.attempt = attempt
    entry_log.ended = 0
    entry_log.action = action
    entry_log.true = true
    entry_log.logged = logged
    entry_log.resolved = 1 if resolved and action != CUT else 0
    entry_log.survey = survey
    entry_log.score = score
    entry_log.audit = audit
    entry_log.need = 1 if needs else 0
    entry_log.qa = qa
    entry_log.booked = booked

    follows = OVER
    if action == CUT:
        follows = AGAIN
    elif action == TRANSFER:
        follows = PASSED_ON
    elif reason != CANCEL and not resolved:
        follows = LATER
    return minutes, follows, watched


@batch
def read(
    customers: Customers,
    readers: float,
    uid: int,
    when: int,
    attempt: int,
    k0: np.uint32,
    k1: np.uint32,
    rules: Rules,
) -> None:
    """Let what a disappointed author has posted be read by others, who lose trust."""
    word = rules.advocacy
    knows = known(block(k0, k1, uid, 0, Purpose.REFER, 0, MANY)[0], word)
    for which in range(int(readers * knows + 0.5)):
        u_who = block(k0, k1, uid, when, Purpose.PUBLIC, attempt << 16 | which)[0]
        reader = customers.row[customers.listed[int(u_who * len(customers.listed)), 0]]
        reader.trust = max(reader.trust - word.distrust, 0.0)


@rule
def strike(desk: Desk, seat: int, team: int, logged: int, value: float) -> None:
    """Strike from the agent's totals what a check has found to be false."""
    if logged == SAVED:
        credit(desk, seat, team, SAVES, -1.0)
    elif logged == SALE:
        credit(desk, seat, team, SALES, -1.0)
        credit(desk, seat, team, SALES_VALUE, -value)


@batch
def log_abandoned(
    log: Any,
    count: int,
    customers: Customers,
    entry: int,
    reason: int,
    channel: int,
    day: int,
    arrived: float,
    wait: float,
    rules: Rules,
) -> None:
    """Log a contact that nobody answered, and let the customer feel it."""
    need = entry & 3
    each = customers.row[entry >> 2]
    gap = rules.expectations.abandoned - each.expectation
    each.peak, each.last = remember(int(each.peak), int(each.last), gap)
    each.satisfaction, each.expectation = feel(
        each.satisfaction, each.expectation, rules.expectations.abandoned, rules.expectations
    )
    each.cut_by = -1
    line = log[count]
    line.customer = each.uid
    line.day = day
    line.agent = -1
    line.minute = arrived
    line.wait = wait
    line.handle = 0.0
    line.value = 0.0
    line.prob = 0.0
    line.experience = rules.expectations.abandoned
    line.episode = each.episode[need]
    line.hire = 0
    line.scheme = 255
    line.reason = reason
    line.channel = channel
    line.attempt = each.attempt[need]
    line.ended = 1
    line.action = -1
    line.true = ABANDONED
    line.logged = ABANDONED
    line.resolved = 0
    line.survey = 0
    line.score = -1
    line.audit = 0
    line.need = 0
    line.qa = UNSCORED
    line.booked = AT_ONCE


@rule
def reason_of(each: Any, need: int, moments: Any) -> int:
    """Give what a contact is about.

    One who found out about a suppressed cancellation, or regrets a purchase, complains; one who was
    called, and calls back, orders; on a journey staff ask how they can help.
    """
    if on_tour(need, int(each.episode[need]), moments):
        return QUESTION
    if need != CANCEL:
        return need
    if each.suppressed == 2 or each.episode[CANCEL] >= REGRETS:
        return COMPLAINT
    return ORDER if each.episode[CANCEL] >= BACK else CANCEL


@rule
def end_episode(
    customers: Customers,
    entry: int,
    day: int,
    shock: float,
    rules: Rules,
    days: float,
    served: bool,
) -> None:
    """Close a need, met or given up, and start the clock of the next one of its kind."""
    need = entry & 3
    each = customers.row[entry >> 2]
    if need == CANCEL and each.episode[need] >= BACK:
        each.episode[need] = each.parked
    else:
        each.episode[need] += 1
    each.attempt[need] = 0
    if need == CANCEL and not served and each.wishes == 1:
        each.wishes = 2
    if on_tour(need, int(each.episode[need]), rules.moments):
        schedule(customers, entry, day + 1)
    else:
        rearm(customers, entry, day, shock, need_rate(need, rules.needs, days))


@rule
def follow_up(
    customers: Customers,
    entry: int,
    follows: int,
    now: float,
    closes: float,
    day: int,
    k0: np.uint32,
    k1: np.uint32,
    shock: float,
    rules: Rules,
    days: float,
) -> float:
    """Settle what follows a contact; return the minute of another one today, or -1."""
    need = entry & 3
    each = customers.row[entry >> 2]
    attempt = int(each.attempt[need])
    if follows == OVER:
        end_episode(customers, entry, day, shock, rules, days, True)
        return -1.0
    if follows == PASSED_ON:
        each.attempt[need] = attempt + 1
        if now < closes:
            return now
        schedule(customers, entry, day + 1)
        return -1.0
    when = need << 24 | int(each.episode[need])
    u_again, u_minutes, u_days, _ = block(k0, k1, each.uid, when, Purpose.REPEAT, attempt)
    chance = rules.queue.redials if follows == AGAIN else rules.needs.returns
    if attempt + 1 >= rules.needs.tries or u_again >= chance:
        end_episode(customers, entry, day, shock, rules, days, False)
        return -1.0
    each.attempt[need] = attempt + 1
    if follows == LATER:
        schedule(
            customers, entry, day + 1 + int((rules.needs.return_days - 1.0) * exponential_(u_days))
        )
        return -1.0
    minute: float = now + rules.queue.redial_minutes * exponential_(u_minutes)
    if minute >= closes:
        schedule(customers, entry, day + 1)
        return -1.0
    return minute


# -- the day ------------------------------------------------------------------------------------


@rule
def first_in_line(seat: int, q: int, plan: FloorPlan, events: Events) -> int:
    """Find who has waited longest in a queue for what this agent can do: a place, or -1."""
    line, skills = events.queues, plan.skills[seat]
    place = line.first[q]
    while place >= 0 and events.waits[place] == 0:  # served, or gave up
        place = line.behind[place]
    line.first[q] = place
    while place >= 0:
        if events.waits[place] == 1 and skills >> events.task[place] & 1:
            return place  # type: ignore[no-any-return]
        place = line.behind[place]
    return -1


@rule
def calls_wait(seat: int, plan: FloorPlan, events: Events) -> bool:
    """Tell whether somebody waits on the telephone whom this agent could serve."""
    q = 3 * plan.pool[seat]
    service: bool = first_in_line(seat, q, plan, events) >= 0
    return service or first_in_line(seat, q + 1, plan, events) >= 0


@batch
def room_for_chat(
    pool: int, task: int, minute: float, plan: FloorPlan, events: Events, limit: int
) -> int:
    """Find the agent on duty who can take it with the fewest chats open, below the limit, or -1.

    Nobody takes a further chat while a break is due or a call waits, which has come before.
    """
    found = -1
    for seat in range(len(plan.team)):
        chats = events.chats[seat]
        if (
            0 < chats < limit
            and plan.pool[seat] == pool
            and plan.skills[seat] >> task & 1
            and minute < plan.end[seat]
            and events.resting[seat] != 1
            and (found < 0 or chats < events.chats[found])
            and not calls_wait(seat, plan, events)
        ):
            found = seat
    return found


@rule
def next_seat(after: int, pool: int, task: int, minute: float, plan: FloorPlan, desk: Desk) -> int:
    """Find the next agent in turn with the skill who is on duty: a floor without queues."""
    seats = len(plan.team)
    for step in range(1, seats + 1):
        seat = (after + step) % seats
        if (
            desk.present[seat] == 1
            and plan.pool[seat] == pool
            and plan.skills[seat] >> task & 1
            and plan.start[seat] <= minute < plan.end[seat]
        ):
            return seat
    return -1


@rule
def owner(
    customers: Customers,
    row: int,
    pool: int,
    task: int,
    minute: float,
    plan: FloorPlan,
    desk: Desk,
    idle: Idle,
) -> int:
    """Find the agent who sold to this customer and is to serve it, if on duty and idle, or -1."""
    code = int(customers.sold_by[row])
    seat = code // SELLER - 1
    if code & OWNED == 0 or desk.present[seat] == 0 or plan.pool[seat] != pool:
        return -1
    if not plan.start[seat] <= minute < plan.end[seat] or plan.skills[seat] >> task & 1 == 0:
        return -1
    if plan.queueing:
        if idle.listed[seat] == 0:
            return -1
        stand_up(idle, bench(seat, plan), seat)
    return seat


@compiled
def advance(
    day: int,
    stretch: int,
    days: int,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
    rules: Rules,
    prices: Prices,
    goals: Goals,
    customers: Customers,
    staff: Staff,
    desk: Desk,
    present: Ints,
    figures: Floats,
    watch: Watch,
    watched: int,
    log: Any,
    count: int,
    events: Events,
    luck: Luck,
) -> tuple[int, int, int]:
    """Run a stretch of working days of one month; who is `present` and the day's `figures` by day.

    Return how many days have been lived, and how many rows of choices and of the log are now held.
    It stops before a day that might not fit into the memory it was given: see `fits_in`.
    """
    for today in range(day, day + stretch):
        if not fits_in(today, watch, watched, len(log) - count, plan, rules, customers, luck):
            return today - day, watched, count
        day_of_month = today % days
        for seat in range(len(desk.present)):
            desk.present[seat] = present[today - day, seat]
        due = due_today(customers, today, k0, k1, plan, events, luck)
        in_order(due, plan, events)
        clear(events)
        open_day(desk)
        settle(today // days, staff, desk, rules)
        look_ahead(float(days - day_of_month), float(days), plan, rules, prices, desk)
        watched, count = hours(
            due,
            today,
            day_of_month,
            days,
            k0,
            k1,
            plan,
            rules,
            prices,
            customers,
            staff,
            desk,
            watch,
            watched,
            log,
            count,
            events,
            luck,
        )
        carry_over(customers, today, plan, events)
        close_day(today, k0, k1, plan, rules, staff, desk)
        cuts(
            prices,
            desk.totals,
            desk.rates,
            float(days - day_of_month - 1),
            plan.team,
            desk.scheme,
            desk.best,
            desk.cuts,
        )
        press((day_of_month + 1.0) / days, goals, rules, desk)
        for i in range(len(desk.day)):
            figures[today - day, i] = desk.day[i]
    return stretch, watched, count


@rule
def places_for(contacts: int, plan: FloorPlan, rules: Rules) -> int:
    """Count the places that a day can need: every try of each contact, and a call a minute."""
    callers = 0
    for seat in range(len(plan.outbound)):
        callers += plan.outbound[seat]
    return contacts * int(rules.needs.tries) + int(callers * plan.minutes)


@rule
def fits_in(
    day: int,
    watch: Watch,
    watched: int,
    lines: int,
    plan: FloorPlan,
    rules: Rules,
    customers: Customers,
    luck: Luck,
) -> bool:
    """Tell whether there is memory for the day, whatever happens on it."""
    needed = places_for(customers.held[day % CALENDAR], plan, rules)
    choices = N_ACTIONS * needed if watch.share > 0.0 else 0
    return needed <= min(len(luck.uid), lines) and choices <= len(watch.rows) - watched


@rule
def press(elapsed: float, goals: Goals, rules: Rules, desk: Desk) -> None:
    """Let those who are behind their goals feel it, at a day's end."""
    bonds = desk.bonds
    for seat in range(len(desk.reached)):
        scheme = desk.scheme[seat]
        if goals.first[scheme] == goals.first[scheme + 1]:
            continue
        raised = exp_(bonds.goal[seat])
        reached = attained(goals, scheme, desk.totals[seat], raised, elapsed)
        desk.reached[seat] = reached
        bonds.pressed[seat] = under_pressure(
            bonds.pressed[seat], reached, elapsed, bonds.driven[seat], rules.pressure
        )


@rule
def start_shifts(plan: FloorPlan, desk: Desk, events: Events) -> int:
    """Let those who are at work today start their shifts; return how many events wait."""
    size = 0
    for seat in range(len(plan.team)):
        if desk.present[seat] == 1:
            start, end = plan.start[seat], plan.end[seat]
            size = push(events.times, events.codes, size, start, seat << 2 | FREE)
            if plan.pause > 0.0:
                size = push(events.times, events.codes, size, plan.rest[seat], seat << 2 | PAUSE)
            desk.duty_month[seat] += end - start - plan.pause
            desk.day[DUTY] += end - start - plan.pause
    return size


@rule
def longest_waiting(seat: int, plan: FloorPlan, events: Events, chatting: bool) -> int:
    """Find who has waited longest for any of the agent's skills: a contact's place, or -1.

    An agent who is chatting takes nobody but one who chats too.
    """
    queue, place = -1, -1
    for q in range(3 * plan.pool[seat], 3 * plan.pool[seat] + 3):
        head = first_in_line(seat, q, plan, events)
        if head >= 0 and (place < 0 or events.arrived[head] < events.arrived[place]):
            queue, place = q, head
    if chatting and queue % 3 != 2:
        return -1
    return place


# -- calling out --------------------------------------------------------------------------------

LOOKS = 1000  # numbers of the list looked at in a row, before it is taken to be worked through
RINGS, NOBODY = -1, -2  # no answer, and nobody to call


@batch
def free_to_call(
    minute: float, threshold: float, plan: FloorPlan, desk: Desk, events: Events
) -> int:
    """Find the longest-idle agent who calls out, of a pool that can spare one; or -1."""
    seats, idle = len(plan.team), events.idle
    for pool in range(plan.pools):
        waits = 0
        for q in range(3 * pool, 3 * pool + 3):
            waits += events.waiting[q]
        if waits > 0:
            continue
        found, free, on_duty = -1, 0.0, 0.0
        for seat in range(seats):
            if plan.pool[seat] != pool or desk.present[seat] == 0:
                continue
            if not plan.start[seat] <= minute < plan.end[seat]:
                continue
            on_duty += 1.0
            if idle.listed[seat] == 0:
                continue
            free += 1.0
            if plan.outbound[seat] == 1 and (found < 0 or idle.since[seat] < idle.since[found]):
                found = seat
        if found >= 0 and free > threshold * on_duty:
            return found
    return -1


@rule
def dial(
    day: int,
    number: int,
    pool: int,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
    rules: Rules,
    customers: Customers,
) -> tuple[int, int]:
    """Dial the next numbers of the day's list; return the place on it of who answers, or why none.

    A number is a customer, drawn at its own address. Passed over are those who have left, who were
    called often enough, or whom another pool serves.
    """
    listed, calling = customers.listed, rules.calling
    rings = 0
    for _ in range(LOOKS):
        u_who, u_reach, _, _ = block(k0, k1, number, day, Purpose.DIAL, 0)
        number += 1
        who = int(u_who * len(listed))
        each = customers.row[listed[who, 0]]
        if each.left != 0 or listed[who, 1] >= calling.most or (plan.by_home and each.home != pool):
            continue
        if u_reach < calling.reach:
            return who, number
        rings += 1
        if rings == calling.ahead:
            break
    return RINGS if rings > 0 else NOBODY, number


@rule
def address_call(
    place: int,
    who: int,
    month: int,
    events: Events,
    luck: Luck,
    customers: Customers,
    rules: Rules,
) -> None:
    """Say whom the call at this place reaches, and how open a customer on guard is."""
    row, calls = customers.listed[who, 0], customers.listed[who, 1]
    customers.listed[who, 1] = calls + 1
    each = customers.row[row]
    events.entry[place] = 4 * row
    luck.uid[place] = each.uid
    luck.when[place] = OUTBOUND << 24 | month
    luck.attempt[place] = calls
    luck.switched[place] = 0.0
    events.age[place] = 0
    luck.nest[place] = NEEDS_NEST
    content = each.openness + fetched(each.satisfaction, rules.loyalty)
    luck.openness[place] = guarded(content, calls, rules.calling)


@batch
def call_out(
    minute: float,
    number: int,
    place: int,
    day: int,
    month: int,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
    rules: Rules,
    customers: Customers,
    desk: Desk,
    events: Events,
    luck: Luck,
    most: int,
) -> tuple[int, int, int]:
    """Let an agent who can be spared call; return who that is, who answers, and the next number.

    The call that is answered, if any, gets this place, of which there are so many at most.
    """
    who, seat = NOBODY, free_to_call(minute, rules.calling.threshold, plan, desk, events)
    if seat >= 0 and place < most:
        who, number = dial(day, number, plan.pool[seat], k0, k1, plan, rules, customers)
    if who >= 0:
        events.arrived[place] = minute
        address_call(place, who, month, events, luck, customers, rules)
        draw_luck(luck, place, place + 1, k0, k1, plan.exponential, rules.work, rules.openness)
    return seat, who, number


@rule
def note_call(seat: int, line: Any, minutes: float, desk: Desk, calling: Any) -> float:
    """Add to a call's minutes those before it was answered, and all to the day's; return those."""
    before: float = calling.before
    line.handle = minutes + before
    desk.day[BUSY] += minutes + before
    desk.busy[seat] += minutes + before
    return before


@batch
def think_it_over(
    line: Any,
    customers: Customers,
    entry: int,
    day: int,
    k0: np.uint32,
    k1: np.uint32,
    calling: Any,
) -> None:
    """Let a prospect who was offered something, and did not buy, call back on a later day.

    It does so in the place of a wish to cancel, if nothing else has taken that.
    """
    each = customers.row[entry >> 2]
    offered = OFFER_AFTER <= line.action <= HARD_SELL
    taken = each.wishes == 1 or each.suppressed > 0 or each.episode[CANCEL] >= BACK
    if not offered or line.true == SALE or taken or each.leaving > 0:
        return
    month = int(line.episode)
    when = OUTBOUND << 24 | month
    u, u_days, _, _ = block(k0, k1, each.uid, when, Purpose.CALL_BACK, int(line.attempt))
    if calls_back(u, each.openness, calling):
        schedule(customers, 4 * (entry >> 2) + CANCEL, day + 1 + int(calling.within * u_days))
        each.parked = each.episode[CANCEL]
        each.episode[CANCEL] = BACK + month


@batch
def oldest_written(seat: int, plan: FloorPlan, events: Events) -> int:
    """Take what has waited longest in the backlog of what it can answer: its place, or -1."""
    pool, skills, line = plan.pool[seat], plan.skills[seat], events.backlog
    ahead, place = -1, line.first[pool]
    while place >= 0:
        if skills >> events.task[place] & 1:
            leave_line(line, pool, place, ahead)
            return place  # type: ignore[no-any-return]
        ahead, place = place, line.behind[place]
    return -1


@rule
def carry_over(customers: Customers, day: int, plan: FloorPlan, events: Events) -> None:
    """Leave what is still unanswered for the next day."""
    for pool in range(plan.pools):
        place = events.backlog.first[pool]
        while place >= 0:
            age = min(events.age[place] + 1, OLDEST)
            schedule(customers, age << AGE_BITS | events.entry[place], day + 1)
            place = events.backlog.behind[place]


@rule
def met_by_peers(
    place: int,
    need: int,
    k0: np.uint32,
    k1: np.uint32,
    events: Events,
    luck: Luck,
    rules: Rules,
) -> bool:
    """Say whether other customers answer what comes and finds no agent free: a forum's question."""
    if luck.channel[place] != FORUM or need != QUESTION or events.age[place] > 0:
        return False
    uid, when, attempt = luck.uid[place], luck.when[place], luck.attempt[place]
    u: float = block(k0, k1, uid, when, Purpose.PEERS, attempt)[0]
    return u < rules.channels.peers  # type: ignore[no-any-return]


@rule
def channel_at(
    uid: int, when: int, attempt: int, k0: np.uint32, k1: np.uint32, rules: Rules
) -> int:
    """Find by which channel a customer makes an attempt: that of the first one, or any."""
    u = block(k0, k1, uid, when, Purpose.ARRIVE, attempt)[1]
    if attempt > 0:
        u_keeps = block(k0, k1, uid, when, Purpose.CHANNEL, attempt)[0]
        if u_keeps < rules.channels.keeps:
            u = block(k0, k1, uid, when, Purpose.ARRIVE, 0)[1]
    return channel_of(u, rules.channels)


@rule
def choose_channels(
    low: int, high: int, k0: np.uint32, k1: np.uint32, luck: Luck, rules: Rules
) -> None:
    """Put the channels of contacts in place of their uniforms, and see who had to change."""
    for place in range(low, high):
        attempt = int(luck.attempt[place])
        luck.switched[place] = 0.0
        if attempt == 0:
            luck.channel[place] = channel_of(luck.channel[place], rules.channels)
            continue
        uid, when = int(luck.uid[place]), int(luck.when[place])
        channel = channel_at(uid, when, attempt, k0, k1, rules)
        luck.channel[place] = channel
        if channel != channel_at(uid, when, attempt - 1, k0, k1, rules):
            luck.switched[place] = 1.0


@rule
def waited(
    place: int,
    minute: float,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
    events: Events,
    luck: Luck,
) -> float:
    """Give how long a contact in the backlog has waited, in minutes of opening hours."""
    if events.age[place] == 0:
        return minute - events.arrived[place]  # type: ignore[no-any-return]
    uid, when, attempt = luck.uid[place], luck.when[place], luck.attempt[place]
    u = block(k0, k1, uid, when, Purpose.ARRIVE, attempt)[0]
    sent = minute_of(u, plan.profile, plan.opens, plan.minutes)
    return events.age[place] * plan.minutes + (minute - sent)  # type: ignore[no-any-return]


@rule
def on_hands(
    seat: int, minute: float, minutes: float, alone: bool, events: Events, desk: Desk
) -> float:
    """Count minutes as busy, those of several chats at once only once; return how many are new."""
    ends = minute + minutes
    new = minutes if alone else max(ends - max(events.until[seat], minute), 0.0)
    events.until[seat] = ends if alone else max(events.until[seat], ends)
    desk.busy[seat] += new
    return new


@batch
def hours(
    due: int,
    day: int,
    day_of_month: int,
    days: int,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
    rules: Rules,
    prices: Prices,
    customers: Customers,
    staff: Staff,
    desk: Desk,
    watch: Watch,
    watched: int,
    log: Any,
    count: int,
    events: Events,
    luck: Luck,
) -> tuple[int, int]:
    """Run the floor from opening until the last contact has ended."""
    address(0, due, events, luck, customers, rules)
    times, codes, idle, waiting = events.times, events.codes, events.idle, events.waiting
    closes = plan.opens + plan.minutes
    remaining = float(days - day_of_month)
    limit = int(rules.channels.at_once)
    size = start_shifts(plan, desk, events)
    seats, calling, number = len(plan.team), rules.calling, 0
    if calling.share > 0.0:
        size = push(times, codes, size, plan.opens + calling.every, seats << 2 | PAUSE)
    turn, most = -1, places_for(due, plan, rules)
    i, placed, drawn = 0, due, 0
    while i < due or size > 0:
        seat, place = -1, i
        if i == drawn and i < due:
            drawn = min(i + BLOCK, due)
            draw(i, drawn, k0, k1, plan, rules, luck)
        if i < due and (size == 0 or events.arrived[i] <= times[0]):
            minute, kind = events.arrived[i], ARRIVAL
            i = whole(i + 1)
            soon = events.entry[min(i + SOON, due - 1)] >> 2
            prefetch(customers.row, soon)
            prefetch(customers.sold_by, soon)
        else:
            minute, kind, place = times[0], codes[0] & 3, whole(codes[0] >> 2)
            size = pop(times, codes, size)
            if kind in (FREE, PAUSE):
                seat = place

        if kind == PAUSE and seat == seats:  # the dialler looks at the floor
            seat, who, number = call_out(
                minute,
                number,
                placed,
                day,
                day // days,
                k0,
                k1,
                plan,
                rules,
                customers,
                desk,
                events,
                luck,
                most,
            )
            if who == NOBODY or (who == RINGS and calling.before == 0.0):  # look again later
                minute += calling.every
                if minute < closes:
                    size = push(times, codes, size, minute, seats << 2 | PAUSE)
                continue
            size = push(times, codes, size, minute, seats << 2 | PAUSE)  # for the next agent
            stand_up(idle, bench(seat, plan), seat)
            if who == RINGS:
                desk.busy[seat] += calling.before
                desk.day[BUSY] += calling.before
                size = push(times, codes, size, minute + calling.before, seat << 2 | FREE)
                continue
            kind, place = CALLED, placed
            placed += 1
        if kind == PAUSE:  # a break is due: now if idle, else when free
            events.resting[seat] = 1
            if idle.listed[seat] == 0:
                continue
            stand_up(idle, bench(seat, plan), seat)
        if kind in (FREE, PAUSE):  # home, a break, the longest-waiting, or idle
            if kind == FREE and events.chats[seat] > 0:  # a chat has ended
                events.chats[seat] -= 1
            if minute >= plan.end[seat]:
                continue
            chatting = events.chats[seat] > 0
            if chatting and events.resting[seat] == 1:
                continue
            if events.resting[seat] == 1:
                events.resting[seat] = 2
                size = push(times, codes, size, minute + plan.pause, seat << 2 | FREE)
                continue
            place = longest_waiting(seat, plan, events, chatting)
            if place < 0 and chatting:
                continue
            if place < 0:
                place = oldest_written(seat, plan, events)
            if place < 0:
                sit_down(idle, bench(seat, plan), seat, minute)
                continue

        if kind == GIVE_UP and events.waits[place] == 0:
            continue  # served in the meantime
        place = whole(place)
        entry = whole(events.entry[place])
        need = entry & 3
        each = customers.row[entry >> 2]
        attempt = int(each.attempt[need])
        reason = OUTBOUND if kind == CALLED else reason_of(each, need, rules.moments)
        channel = 0 if kind == CALLED else whole(int(luck.channel[place]))
        skill = 2 if channel > 0 else 1 if reason == CANCEL else 0
        pool = whole(int(each.home)) if plan.by_home else 0
        q = 3 * pool + skill
        task = task_of(reason, channel)

        if kind == ARRIVAL:
            events.task[place] = task
            if rules.ownership.owned > 0.0:
                seat = owner(customers, entry >> 2, pool, task, minute, plan, desk, idle)
            if seat >= 0:
                pass
            elif plan.queueing:
                seat = suited(idle, pool, task, minute, plan)
                if seat < 0 and channel == CHAT and limit > 1:
                    seat = room_for_chat(pool, task, minute, plan, events, limit)
                    if seat >= 0 and waiting[q] > 0:  # others were first
                        events.chats[seat] += 1
                        size = push(times, codes, size, minute, seat << 2 | FREE)
                        seat = -1
            else:
                seat = turn = next_seat(turn, pool, task, minute, plan, desk)
            if seat < 0 and met_by_peers(place, need, k0, k1, events, luck, rules):
                end_episode(customers, entry, day, luck.next[place], rules, float(days), True)
                continue
            if events.age[place] == 0:
                desk.day[OFFERED] += 1.0
                desk.day[CALLBACKS] += 1.0 if attempt > 0 else 0.0
            if seat < 0 and channel >= EMAIL:  # wait, until nobody else does
                line_up(events.backlog, pool, place)
                continue
            if seat < 0:  # wait, until the queue moves or patience ends
                line_up(events.queues, q, place)
                waiting[q] += 1
                events.waits[place] = 1
                patience = patience_of(channel, attempt, luck.patience[place], rules.queue)
                size = push(times, codes, size, minute + patience, place << 2 | GIVE_UP)
                continue
        elif kind != CALLED and channel < EMAIL:
            events.waits[place] = 0
            waiting[q] -= 1

        wait = minute - events.arrived[place]
        if kind == GIVE_UP:
            wait = patience_of(channel, attempt, luck.patience[place], rules.queue)
            log_abandoned(
                log, count, customers, entry, reason, channel, day, minute - wait, wait, rules
            )
            desk.day[GONE] += 1.0
            follows = AGAIN
        else:
            seat = whole(seat)
            usual = calling.talk if kind == CALLED else usual_work(reason, rules.work)
            work = usual * luck.work[place] * rules.channels.work[channel]
            if kind != CALLED:
                work /= plan.fit[plan.group[seat], task]
            age, felt, open_chats = 0, wait, 1
            if channel >= EMAIL:
                age, felt = events.age[place], 0.0
                wait = waited(place, minute, k0, k1, plan, events, luck)
            elif channel == CHAT and plan.queueing:
                events.chats[seat] += 1
                open_chats = events.chats[seat]
            left = max(remaining - (minute - plan.opens) / plan.minutes, 0.0)
            minutes, follows, watched = serve(
                seat,
                entry,
                reason,
                channel,
                work,
                wait,
                minute,
                float(waiting[q]),
                day,
                left,
                float(days),
                k0,
                k1,
                plan,
                rules,
                prices,
                customers,
                staff,
                desk,
                luck,
                place,
                events,
                watch,
                watched,
                log,
                count,
                Way(
                    felt,
                    vexed(channel, age, luck.switched[place], rules.channels),
                    stretched(open_chats, rules.channels),
                    age,
                    age * plan.minutes,
                    rules.channels.rich[channel],
                ),
            )
            if kind == CALLED:
                minutes += note_call(seat, log[count], minutes, desk, calling)
            if plan.queueing:
                size = push(times, codes, size, minute + minutes, seat << 2 | FREE)
            if kind == CALLED:
                think_it_over(log[count], customers, entry, day, k0, k1, calling)
                count += 1
                continue
            if channel == CHAT and events.chats[seat] < limit and waiting[q] > 0:
                events.chats[seat] += 1  # kept for the next in the queue
                size = push(times, codes, size, minute, seat << 2 | FREE)
            new = on_hands(seat, minute, minutes, open_chats == 1, events, desk)
            in_time = age == 0 and felt <= plan.service_within
            tally(desk, felt, new, in_time)
            minute += minutes
        count += 1
        shock = luck.next[place]
        again = follow_up(
            customers, entry, follows, minute, closes, day, k0, k1, shock, rules, float(days)
        )
        if again >= 0.0:
            events.entry[placed], events.arrived[placed] = entry, again
            address(placed, placed + 1, events, luck, customers, rules)
            draw(placed, placed + 1, k0, k1, plan, rules, luck)
            size = push(times, codes, size, again, placed << 2 | REDIAL)
            placed += 1
    return watched, count


@batch
def draw(
    low: int, high: int, k0: np.uint32, k1: np.uint32, plan: FloorPlan, rules: Rules, luck: Luck
) -> None:
    """Draw all that chance decides about some contacts, whose addresses are set."""
    draw_luck(luck, low, high, k0, k1, plan.exponential, rules.work, rules.openness)
    choose_channels(low, high, k0, k1, luck, rules)


@rule
def due_today(
    customers: Customers,
    day: int,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
    events: Events,
    luck: Luck,
) -> int:
    """Take today's contacts from the calendar, and draw when they come; return how many."""
    count = staying(customers, events.due, take_due(customers, day, events.due))
    draw_arrivals(customers, count, events.due, events.drawn, luck, k0, k1, plan)
    return count


@rule
def staying(customers: Customers, due: Ints, count: int) -> int:
    """Keep the entries of customers who have not left; return how many there are."""
    kept = 0
    for i in range(count):
        due[kept] = due[i]
        kept += 1 if customers.row[(due[i] & OWN_MASK) >> 2].left == 0 else 0
    return kept


@rule
def draw_arrivals(
    customers: Customers,
    count: int,
    due: Ints,
    drawn: Floats,
    luck: Luck,
    k0: np.uint32,
    k1: np.uint32,
    plan: FloorPlan,
) -> None:
    """Draw the minute at which each contact arrives; they are addressed in the order they stand."""
    uid, when, attempt = luck.uid, luck.when, luck.attempt
    for i in range(count):
        entry = due[i] & OWN_MASK
        each, need = customers.row[entry >> 2], entry & 3
        uid[i], attempt[i] = each.uid, each.attempt[need]
        when[i] = need << 24 | int(each.episode[need])
    for i in places(0, count):
        drawn[i] = block(k0, k1, uid[i], when[i], Purpose.ARRIVE, attempt[i])[0]
    for i in range(count):
        if due[i] > OWN_MASK:  # left over from before, the oldest first
            drawn[i] = plan.opens + 1e-3 / (due[i] >> AGE_BITS)
        else:
            drawn[i] = minute_of(drawn[i], plan.profile, plan.opens, plan.minutes)


@rule
def in_order(count: int, plan: FloorPlan, events: Events) -> None:
    """Sort contacts by minute: as many slots as contacts, then neighbours by insertion."""
    due, drawn, entries, minutes, slots = (
        events.due,
        events.drawn,
        events.entry,
        events.arrived,
        events.slot,
    )
    for slot in range(count + 2):
        slots[slot] = 0
    for i in range(count):
        slots[1 + int((drawn[i] - plan.opens) / plan.minutes * count)] += 1
    for i in range(count):
        slots[i + 1] += slots[i]
    for i in range(count):
        slot = int((drawn[i] - plan.opens) / plan.minutes * count)
        j = slots[slot]
        slots[slot] += 1
        entries[j], minutes[j] = due[i], drawn[i]
    for i in range(1, count):
        entry, minute = entries[i], minutes[i]
        j = i
        while j > 0 and minutes[j - 1] > minute:
            entries[j], minutes[j] = entries[j - 1], minutes[j - 1]
            j -= 1
        entries[j], minutes[j] = entry, minute


@batch
def address(
    low: int, high: int, events: Events, luck: Luck, customers: Customers, rules: Rules
) -> None:
    """Say of the contacts at these places whose they are, so that their luck can be drawn."""
    for place in range(low, high):
        events.age[place] = events.entry[place] >> AGE_BITS
        events.entry[place] &= OWN_MASK
        entry = events.entry[place]
        each, need = customers.row[entry >> 2], entry & 3
        luck.uid[place] = each.uid
        luck.when[place] = need << 24 | int(each.episode[need])
        luck.attempt[place] = each.attempt[need]
        reason = reason_of(each, need, rules.moments)
        luck.nest[place] = WISHES_NEST if reason == CANCEL else NEEDS_NEST
        luck.openness[place] = each.openness + fetched(each.satisfaction, rules.loyalty)
        if reason != need and reason == ORDER:  # calls back about an offer
            luck.openness[place] += rules.calling.warm


@rule
def tally(desk: Desk, wait: float, minutes: float, in_time: bool) -> None:
    """Count an answered contact in the day's figures."""
    desk.day[ANSWERED] += 1.0
    desk.day[WAIT] += wait
    desk.day[BUSY] += minutes
    desk.day[DELAYED] += 1.0 if wait > 0.0 else 0.0
    desk.day[WITHIN] += 1.0 if in_time else 0.0


@rule
def open_day(desk: Desk) -> None:
    """Put the day's counts to zero and note where the month's totals stand."""
    for i in range(len(desk.day)):
        desk.day[i] = 0.0
    for seat in range(len(desk.busy)):
        desk.busy[seat] = 0.0
        desk.earned[seat] = 0.0
        desk.checks[seat] = 0
        desk.found[seat] = 0
        desk.last_cut[seat] = 0
        desk.outbound[seat] = 0.0
        desk.mode[seat] = desk.mood[seat] = 0.0
        for what in range(N_ACCUMULATORS):
            desk.opening[seat, what] = desk.totals[seat, what]


@rule
def look_ahead(
    days_left: float, days: float, plan: FloorPlan, rules: Rules, prices: Prices, desk: Desk
) -> None:
    """Let agents see, in the last days of a month, what would be paid for an outcome in the next.

    The next month starts with what has been held back, less what has been booked ahead; rivals are
    expected to come as far in it as in this one.
    """
    for seat in range(len(desk.times)):
        desk.times[seat] = 0
    if days_left > rules.timing.window:
        return
    start, team_start = desk.start, desk.team_start
    for team in range(len(team_start)):
        for what in range(N_ACCUMULATORS):
            team_start[team, what] = 0.0
    for seat in range(len(desk.times)):
        sales = desk.held[0, seat] - desk.ahead[seat]
        start[seat, SALES] = sales
        start[seat, SALES_VALUE] = sales * rules.value.product
        start[seat, SAVES] = desk.held[1, seat]
        for what in range(N_ACCUMULATORS):
            team_start[plan.team[seat], what] += start[seat, what]
    for seat in range(len(desk.times)):
        scheme, claws, ease = desk.scheme[seat], False, desk.sway.ease[seat]
        for k in range(whole(prices.first[scheme]), prices.first[scheme + 1]):
            if prices.kind[k] != 0:
                desk.times[seat] = 2
            claws = claws or prices.claw[k] == 1
        if desk.times[seat] == 0:
            continue
        if claws:
            desk.times[seat] = 1
        stand(
            prices,
            scheme,
            start,
            desk.rates,
            team_start,
            desk.team_rates,
            seat,
            plan.team[seat],
            days,
            days,
            desk.cuts,
            desk.at,
            True,
            ease,
        )
        product = rules.value.product
        desk.later[0, seat] = price(
            prices, scheme, desk.at, 1.0, 0.0, 0.0, 0.0, 1.0, product, 0.0, 0.0, 0.0, 0.0, ease
        )
        desk.later[1, seat] = price(
            prices, scheme, desk.at, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ease
        )


@rule
def settle(month: int, staff: Staff, desk: Desk, rules: Rules) -> None:
    """Let what has been done to agents sway their tastes for the day."""
    bonds, sway, coaching = desk.bonds, desk.sway, rules.coaching
    clients = bonds.strain.shape[1]
    stands = 0.0 <= rules.appeal.month <= month
    for seat in range(len(bonds.employer)):
        worry = bonds.risk[seat] if stands else 0.0
        strain = 0.0
        for client in range(clients):
            strain += bonds.strain[seat, client]
            regard = bonds.client[seat, client] - bonds.strain[seat, client]
            sway.client[seat, client] = exp_(regard + rules.appeal.pleases * worry)
            bonds.blamed[seat, client] = 0.0
        sway.effort[seat], sway.care[seat], sway.employer[seat] = swayed(
            bonds.employer[seat],
            staff.employer[seat] > 0.0,
            strain,
            worry,
            coaching.soft * bonds.skill[seat],
            rules.reciprocity,
            rules.blame,
            rules.appeal,
        )
        sway.closing[seat] = exp_(coaching.closing * bonds.skill[seat])
        convinced = desk.belief[seat] - rules.ownership.usual
        desk.believer[seat] = exp_(rules.ownership.sells * convinced)
        shift = bonds.manager[seat] - rules.contagion * bonds.norm[seat]
        shift += coaching.honesty * bonds.skill[seat]
        sway.conscience[seat] = rules.conscience.stake * shift
        pressed = bonds.pressed[seat]
        if pressed > 0.0:
            sway.effort[seat] *= exp_(rules.pressure.wearies * pressed)
            sway.care[seat] *= exp_(-pressed)
        sway.ease[seat] = exp_(-bonds.goal[seat]) - 1.0


@rule
def close_day(
    day: int, k0: np.uint32, k1: np.uint32, plan: FloorPlan, rules: Rules, staff: Staff, desk: Desk
) -> None:
    """Let agents learn from the day: checks, talk, their own pace, and where they rank."""
    seats = len(plan.team)
    occupancy = desk.day[BUSY] / max(desk.day[DUTY], 1.0)
    for seat in range(seats):
        desk.bonds.risk[seat] = worried(desk.bonds.risk[seat], occupancy, rules.appeal)
        desk.bonds.skill[seat] = coached(
            desk.bonds.skill[seat], desk.bonds.fits[seat], rules.coaching
        )
        heard = 0.0
        first = plan.team[seat] * plan.size
        for mate in range(first, first + plan.size):
            if (
                mate != seat
                and desk.found[mate] > 0
                and block(k0, k1, seat, day, Purpose.TALK, mate)[0] < rules.belief.talk
            ):
                heard += desk.found[mate]
        handled = desk.totals[seat, CONTACTS] - desk.opening[seat, CONTACTS]
        handled += (1.0 - rules.calling.counts) * desk.outbound[seat]
        staff.checks[seat], staff.contacts[seat] = relearn(
            staff.checks[seat],
            staff.contacts[seat],
            float(desk.checks[seat]),
            handled,
            heard,
            rules.belief,
        )
        for client in range(desk.bonds.strain.shape[1]):
            desk.bonds.strain[seat, client] = strained(
                desk.bonds.strain[seat, client], desk.bonds.blamed[seat, client], rules.blame
            )
        desk.busy_month[seat] += desk.busy[seat]
        if desk.present[seat] == 1:
            for what in range(N_ACCUMULATORS):
                logged = desk.totals[seat, what] - desk.opening[seat, what]
                desk.rates[seat, what] += RECENT * (logged - desk.rates[seat, what])
            if desk.busy[seat] > 0.0:
                earned = desk.earned[seat] / desk.busy[seat]
                desk.pace_pay[seat] += RECENT * (earned - desk.pace_pay[seat])
    for team in range(len(desk.team_rates)):
        for what in range(N_ACCUMULATORS):
            desk.team_rates[team, what] = 0.0
    for seat in range(seats):
        for what in range(N_ACCUMULATORS):
            desk.team_rates[plan.team[seat], what] += desk.rates[seat, what]
