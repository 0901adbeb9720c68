"""The choice: what an agent sees before a contact, what each row of the menu is worth, and one.

Read `look`, `weigh` and `choose` in this order. What a row is like is worked out for all rows at
once; what rules say of it stands, with its equation, in the file of its family.
"""

from typing import Any, NamedTuple

import numpy as np

from incentives._codes import (
    CANCEL,
    CLIENT,
    COMPLAINT,
    CUSTOMER,
    CUT,
    EMPLOYER,
    FABRICATE,
    FEAR,
    HARD_SELL,
    KEPT,
    LIE,
    LIES,
    LOG_SAVE,
    LOG_UPSELL,
    LOST,
    OFFER_AFTER,
    OFFER_FIRST,
    OUTBOUND,
    PAY,
    PLAIN,
    PRESS,
    PROCESS,
    QUEUE,
    RELUCTANCE,
    RUSH,
    SAVE,
    SOLD,
    STANDING,
    SUPPRESS,
    TIME,
    TRANSFER,
)
from incentives._compile import batch, rule, whole
from incentives._draws import Purpose, block, exp_, exponential_, log_
from incentives._luck import Luck
from incentives._state import Desk, Rules
from incentives.centre import FloorPlan, usual_work
from incentives.columns import CONTACTS, QA_N, SURVEY_N, Floats, Prices
from incentives.customers import (
    answer_chance,
    believed,
    borne,
    buyers_gain,
    fits,
    in_need,
    in_peace,
)
from incentives.gaming import cut_cost, lie_weight, lie_worth
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
)
from incentives.pay.leaderboard import place_cost
from incentives.pay.prices import price, stand
from incentives.staff import Staff, certain, closing_in

LEAST = -700.0  # exponent of a weight: below, it would be a subnormal number, and slow
MOST = 1.5  # above the log of the sum of four weights, none of which is above 1


class Situation(NamedTuple):
    """What an agent sees before choosing: the contact, the queue, and what logs would pay."""

    reason: int
    work: float  #: minutes of plain service by this agent
    open: float  #: believed chance that an offer sells, before the agent's skill; of who wants to
    #: cancel, that the mind is not made up
    margin: float  #: money per month
    client: int
    waiting: float  #: others in the same queue
    minute: float
    can_pass: bool  #: could pass for something else on the log
    rows: int  #: how many rows, from the first, hold all that are on the menu
    believed: float  #: believed chance of a check
    closing: float  #: skill at this moment, in this mode and mood
    last_try: bool  #: the customer will not try again
    need: float  #: believed chance of a hidden need
    gain: float  #: what a sale is believed to bring the buyer (money per money paid)
    in_peace: bool  #: nothing may be offered
    bears: float  #: what explaining a sale afterwards is expected to cost (money)
    pressed: float  #: and the complaint after a hard sell


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
    transfers = rules.menu.allowed[reason, TRANSFER] == 1
    plain, need, gain = luck.seems[place], 0.0, 0.0
    needy = plain
    if reason == CANCEL:
        plain = needy = 1.0 - believed(each.decided & 1 == 1, luck.hint[place], rules.minds)
    elif rules.hidden.share > 0.0:
        needy = in_need(plain, rules.hidden)
        has = luck.need[place] < rules.hidden.share
        need = believed(has, luck.hint[place], rules.hidden)
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
        gain += rules.coaching.role * desk.bonds.skill[seat]
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
        N_ACTIONS if can_pass or transfers else PROCESS,
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
def find_prices(
    scheme: int, seat: int, reason: int, can_pass: bool, rules: Rules, prices: Prices, desk: Desk
) -> None:
    """Find what each log entry that this contact could get would pay (money).

    A save costs a price of its own for each row only where pay for it can be clawed back.
    """
    paid, cancelling, claws = desk.worth, reason == CANCEL, prices.claws[scheme] == 1
    contacts = rules.calling.counts if reason == OUTBOUND else 1.0
    for entry in range(LOG_UPSELL if can_pass and claws else KEPT + 1 if can_pass else SOLD + 1):
        if KEPT < entry < SAVE or entry == PRESS + 1 or entry == (SOLD if cancelling else LOST):
            continue
        sales = 1.0 if entry == SOLD else 0.0
        paid[entry] = price(
            prices,
            scheme,
            desk.at,
            can_pass,
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
def place_in_team(seat: int, plan: FloorPlan, desk: Desk) -> float:
    """Give the share of teammates who have handled more contacts this month: 0 first to 1 last."""
    first, ahead = plan.team[seat] * plan.size, 0.0
    for mate in range(first, first + plan.size):
        if desk.totals[mate, CONTACTS] > desk.totals[seat, CONTACTS]:
            ahead += 1.0
    return ahead / (plan.size - 1.0) if plan.size > 1 else 0.5


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
    rows = whole(now.rows)
    for row in range(rows):
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
    promised = rules.coaching.promise * desk.bonds.skill[seat]
    serving = 1.0 + rules.mode.switching * mode
    selling = 1.0 + rules.mode.switching * (1.0 - mode) - serving
    for row in range(rows):
        chance = min((s[OFFERS + row] * openness + s[KEEPS + row]) * closing, 1.0)
        gap = v[row] - reference
        minutes = work * s[MINUTES + row] * (serving + s[SELLING + row] * selling)
        found = believed * s[SEEN + row]
        found += (1.0 - found) * s[TRACED + row]
        to_client = chance * (s[SELLS + row] + s[STAYS + row] * margin)
        f[PAY + row] = certain(reference + chance * gap, chance, gap, risk)
        f[PAY + row] += promised * s[SOLVES + row]
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
                f[PAY + row] += believed * qa_price(
                    scores[row], scheme, desk.at, now.can_pass, ease, prices
                )

    pay, kappa = staff.pay[seat], staff.kappa[seat] + desk.sway.conscience[seat]
    effort, standing, fear = staff.effort[seat], staff.standing[seat], staff.fear[seat]
    care, employer = staff.care[seat], staff.employer[seat]
    client = staff.client[seat, now.client]
    effort *= desk.sway.effort[seat]
    care *= desk.sway.care[seat]
    employer *= desk.sway.employer[seat]
    client *= desk.sway.client[seat, now.client]
    for row in range(rows):
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
    annoys = rules.menu.shelf[now.reason, ANNOYS + row]
    if now.reason == OUTBOUND:
        annoys += rules.calling.intrudes
    points = min(max(points - annoys * (1.0 - now.open), 0.0), 10.0)
    chance: float = rules.surveys.invites * answer_chance(points, rules.surveys)
    ease = desk.sway.ease[seat]
    return chance * price(
        prices,
        scheme,
        desk.at,
        now.can_pass,
        1.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        points,
        1.0,
        0.0,
        0.0,
        ease,
    )


@batch
def qa_price(
    score: float, scheme: int, at: Floats, saving: bool, ease: float, prices: Prices
) -> float:
    """Give what a contact that is scored adds to pay (money)."""
    return price(
        prices, scheme, at, saving, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, score, 1.0, ease
    )


@rule
def work_weight(weights: Floats, now: Situation) -> float:
    """Add up the weights of honest rows: 1, that of the best, and more."""
    total = ((weights[1] + weights[2]) + (weights[3] + weights[4])) + (weights[5] + weights[6])
    if now.rows > PROCESS:
        total += ((weights[7] + weights[8]) + (weights[9] + weights[10])) + weights[11]
    return total  # type: ignore[no-any-return]


@rule
def choose(
    v: Floats,
    weights: Floats,
    now: Situation,
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

    Few contacts need the nests' worth at all: that of honest work is no less than its best row, and
    that of lies no more than their best row and `MOST` scales.
    """
    noise = rules.conscience.noise * rules.conscience.stake
    scale = noise * rules.conscience.kinship
    steep = 1.0 / scale
    top = v[RUSH]
    for row in range(RUSH + 1, PROCESS):
        top = max(top, v[row])
    if now.rows > PROCESS:
        for row in range(PROCESS, FABRICATE):
            top = max(top, v[row])
    low = PROCESS if now.reason == CANCEL else RUSH
    honest, cut = noise * luck.honest[place], v[CUT] + noise * luck.cut[place]
    lie, tempting = noise * luck.lie[place], -np.inf
    if now.can_pass:
        tempting = max(v[FABRICATE], v[SUPPRESS], v[LOG_SAVE], v[LOG_UPSELL])
    for row in range(whole(now.rows)):
        weights[row] = exp_(max((v[row] - top) * steep, LEAST))
    if max(cut, tempting + scale * MOST + lie) > top + honest:
        best = top + scale * log_(work_weight(weights, now)) + honest
        if tempting > -np.inf:
            for row in range(FABRICATE, N_ACTIONS):
                weights[row] = exp_(max((v[row] - tempting) * steep, LEAST))
            total = (weights[12] + weights[13]) + (weights[14] + weights[15])
            told = tempting + scale * log_(total) + lie
            if told > best:
                best = told
                low = FABRICATE
        if cut > best:
            return CUT
    r0, r1, r2, r3, r4, r5 = luck.race
    race = (r0[place], r1[place], r2[place], r3[place], r4[place], r5[place])
    if low == FABRICATE:
        uid, when, attempt = luck.uid[place], luck.when[place], luck.attempt[place]
        u0, u1, u2, u3 = block(k0, k1, uid, when, Purpose.CHOICE, attempt, LIES)
        e0, e1, e2, e3 = exponential_(u0), exponential_(u1), exponential_(u2), exponential_(u3)
        race = (e0, e1, e2, e3, np.inf, np.inf)
    chosen, first = low, np.inf
    for i in range(6 if low == RUSH else 4):
        arrives = race[i] / weights[low + i]
        if arrives < first:
            chosen, first = low + i, arrives
    if low == RUSH and now.rows > TRANSFER and luck.pass_on[place] / weights[TRANSFER] < first:
        chosen = TRANSFER
    return chosen


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
