"""One contact: what is chosen happens, is logged and checked, and what the customer makes of it.

Read `serve` as the description; `follow_up` settles what comes of it later.
"""

from typing import Any, NamedTuple

import numpy as np

from incentives._calendar import need_rate, rearm, schedule
from incentives._choice import Situation, choose, look, weigh, worth_of
from incentives._codes import (
    ABANDONED,
    AGAIN,
    AHEAD,
    AT_ONCE,
    BY_CONTACT,
    CANCEL,
    CANCELLED,
    CLIENT,
    COMPLAINT,
    CUSTOMER,
    CUT,
    CUT_OFF,
    EMPLOYER,
    FABRICATE,
    HANDLED,
    HARD_SELL,
    HELD_BACK,
    LATER,
    LIE,
    LOG_SAVE,
    LOG_UPSELL,
    LOST,
    MADE_GOOD,
    MANY,
    OFFER_AFTER,
    OFFER_FIRST,
    ORDER,
    OUTBOUND,
    OVER,
    PASSED_ON,
    PLAIN,
    QUESTION,
    RUSH,
    SALE,
    SALE_OF_DATA,
    SAVE,
    SAVED,
    SOLD,
    SUPPRESS,
    SUPPRESSED,
    TIME,
    TRANSFER,
    TRANSFERRED,
)
from incentives._compile import batch, rule, whole
from incentives._draws import Purpose, block, exponential_, gumbel_, log_, normal_
from incentives._floor import Events
from incentives._luck import Luck
from incentives._state import Desk, Rules
from incentives.centre import FloorPlan, audit_chance
from incentives.columns import (
    BACK,
    BEGGED,
    BY_AGENT,
    CANCELS,
    CONTACTS,
    DUD,
    EARLY,
    FRESH,
    HEARD,
    N_FEATURES,
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
    Customers,
    Prices,
    Watch,
)
from incentives.customers import (
    answer_chance,
    experience,
    feel,
    fits,
    in_need,
    known,
    on_the_way_home,
    on_tour,
    remember,
    shown,
    sold,
    spoilt,
    survey_score,
)
from incentives.gaming import BEG, LEAVE, PUSH, SKIP, impression_of, lesser_lie, pleaded
from incentives.menu import N_ACTIONS, SELLING, SOLVES, quality
from incentives.pay.prices import price
from incentives.pay.scorecard import assessed
from incentives.staff import Staff, against, next_mode, next_mood


class Way(NamedTuple):
    """How a contact came to the agent, beside its channel."""

    felt: float  #: minutes that the customer waited on the line
    vexed: float  #: points of the experience that delay and a change of channel cost
    stretch: float  #: x the minutes, for the other chats that are open
    age: int  #: working days in the backlog
    carried: float  #: minutes of those days
    rich: float  #: x the chance of a resolution


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
    action = whole(choose(v, events.weights, now, k0, k1, luck, place, rules))
    if keep:
        for option in range(N_ACTIONS):
            stands = menu.allowed[reason, option] == 1 and (option < FABRICATE or now.can_pass)
            if stands and v[option] > -np.inf:  # no offer in peace, no transfer at the last try
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
    decided = reason == CANCEL and each.decided & 1 == 1
    if reason == CANCEL:  # open to being kept
        openness = 0.0 if decided else 1.0
    offered = OFFER_AFTER <= action <= HARD_SELL
    pitch = OFFER_FIRST if action == OFFER_AFTER and not resolved else action
    if action == CUT:
        true = CUT_OFF
    elif action == TRANSFER:
        true = TRANSFERRED
    elif reason == CANCEL:
        chance = menu.keeps_decided[action] if decided else menu.keeps[action]
        success = luck.success[place] < chance * now.closing
        true = SAVED if success else SUPPRESSED if action == SUPPRESS else CANCELLED
        logged = SAVED if success or action >= FABRICATE else CANCELLED
    elif offered:
        chance = menu.appeal[pitch] * openness + menu.pressure[action]
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
    annoys = menu.annoys[pitch] * captive
    if reason == OUTBOUND:
        annoys += rules.calling.intrudes
    if action == CUT:
        points = min(max(rules.expectations.cut + menu.courtesy[action], 0.0), 10.0)
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
        short = action in (CUT, RUSH)
        each.cut_by = seat + 1 if short else -1 if action == TRANSFER else 0
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
            charge(desk, seat, rules.audit.penalty, uid, when, attempt, 0, k0, k1)
            strike(desk, seat, team, logged, value)
            if booked == AHEAD:
                desk.ahead[seat] -= 1.0
            elif booked == HELD_BACK:
                desk.held[1 if reason == CANCEL else 0, seat] -= 1.0
        if handling != LEAVE:
            u_hears = block(k0, k1, uid, when, Purpose.AUDIT, attempt)[1]
            if u_hears < rules.asking.seen:
                audit += HEARD
                penalty = rules.asking.gravity * rules.audit.penalty
                charge(desk, seat, penalty, uid, when, attempt, 1, k0, k1)
        if booked == AHEAD:
            u_sees = block(k0, k1, uid, when, Purpose.AUDIT, attempt)[2]
            if u_sees < rules.timing.seen:
                audit += EARLY
                penalty = rules.timing.gravity * rules.audit.penalty
                charge(desk, seat, penalty, uid, when, attempt, 2, k0, k1)
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
    entry_log.need = 1 if needs or decided else 0
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
    size, ease, saves = asking.gravity, desk.sway.ease[seat], now.can_pass
    u_shock, _, _, _ = block(k0, k1, uid, when, Purpose.ASK, attempt, 1)
    u_leave, u_skip, u_push, u_beg = block(k0, k1, uid, when, Purpose.ASK, attempt)
    seems = impression_of(points, normal_(u_shock), asking)
    begged = pleaded(seems, asking.yields, asking)
    answers = answer_chance(seems, rules.surveys)
    told = answers * price(
        prices, scheme, desk.at, saves, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, seems, 1.0, 0.0, 0.0, ease
    )
    raised = answers * price(
        prices, scheme, desk.at, saves, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, begged, 1.0, 0.0, 0.0, ease
    )
    left = rules.surveys.invites * told

    pay, fear = staff.pay[seat], staff.fear[seat]
    kappa = staff.kappa[seat] + desk.sway.conscience[seat]
    found = now.believed * asking.seen
    penalty = rules.audit.penalty * (1.0 - desk.bonds.pardoned[seat])
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
        rules.audit.penalty * (1.0 - desk.bonds.pardoned[seat]),
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
def credit(desk: Desk, seat: int, team: int, what: int, amount: float) -> None:
    """Add to what the agent, and so the team, has logged this month."""
    desk.totals[seat, what] += amount
    desk.team_totals[team, what] += amount


@batch
def charge(
    desk: Desk,
    seat: int,
    penalty: float,
    uid: int,
    when: int,
    attempt: int,
    case: int,
    k0: np.uint32,
    k1: np.uint32,
) -> None:
    """Let an agent pay for a case that a check has found, unless the manager lets it pass."""
    pardoned = desk.bonds.pardoned[seat]
    if pardoned == 0.0 or block(k0, k1, uid, when, Purpose.PARDON, attempt)[case] >= pardoned:
        desk.penalty[seat] += penalty


@rule
def strike(desk: Desk, seat: int, team: int, logged: int, value: float) -> None:
    """Strike from the agent's totals what a check has found to be false."""
    if logged == SAVED:
        credit(desk, seat, team, SAVES, -1.0)
    elif logged == SALE:
        credit(desk, seat, team, SALES, -1.0)
        credit(desk, seat, team, SALES_VALUE, -value)


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
