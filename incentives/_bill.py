"""The end of a month: customers' bills, with what is found out on them, and word of mouth.

Read `bill` as the description of a month's end for each customer, `warn` and `recommend` as what
those who are left tell others.
"""

from typing import Any

import numpy as np

from incentives._calendar import schedule
from incentives._codes import (
    CANCEL,
    COMES,
    MANY,
    ON_DISCOVERY,
    RENEWS,
    SILENTLY,
    SPEAKS,
    STRANGERS,
    TELLS,
    WHO,
)
from incentives._compile import compiled, rule
from incentives._draws import Purpose, block, exponential_
from incentives._state import Rules
from incentives.columns import (
    BACK,
    BOOKED,
    FRESH,
    IN_USE,
    NOT_AT_RISK,
    PRESSED,
    REFUNDED,
    REGRETS,
    Bills,
    Customers,
    Floats,
    Ints,
)
from incentives.customers import known, leaving_hazard, person, recall, repurchase, strangers

__all__ = ["acquaintance", "bill", "bother", "call_about", "recommend", "think_again", "warn"]


@rule
def think_again(each: Any, u: float, rules: Rules) -> bool:
    """Let one who bought without a need look at the bill; say whether the purchase is regretted.

    A pressed buyer may regret and is paid back; any other is disappointed.
    """
    if each.missold == REFUNDED:  # that was the bill before
        each.missold = 0
        return False
    regrets: bool = each.missold == PRESSED and u < rules.regret.regret
    lost = rules.hidden.disappoints
    if regrets:
        lost += rules.regret.anger
        each.trust = max(each.trust - rules.regret.distrust, 0.0)
    each.satisfaction = max(each.satisfaction - lost, 0.0)
    each.missold = REFUNDED if regrets else 0
    return regrets


@rule
def bother(each: Any, month: int, k0: np.uint32, k1: np.uint32, rules: Rules) -> bool:
    """Let a month pass for one whose data were sold; say whether the money is to be booked now."""
    state, decided = each.decided & IN_USE, each.decided & 1
    if state == FRESH:
        each.decided = BOOKED + decided
        return True
    harvest = rules.harvest
    u_count, u_lapses, _, _ = block(k0, k1, each.uid, month, Purpose.HARVEST, 0, STRANGERS)
    if block(k0, k1, each.uid, 0, Purpose.HARVEST, 0, TELLS)[0] < harvest.blames:
        count = strangers(u_count, harvest)
        each.satisfaction = max(each.satisfaction - harvest.annoys * count, 0.0)
        each.trust = max(each.trust - harvest.distrust * count, 0.0)
    each.decided = decided if u_lapses * harvest.months < 1.0 else IN_USE + decided
    return False


@rule
def call_about(customers: Customers, row: int, day: int) -> None:
    """Let a customer contact about staying on a day, unless a contact is about to come anyhow."""
    each = customers.row[row]
    if each.episode[CANCEL] < BACK:
        schedule(customers, 4 * row + CANCEL, day)
    else:
        each.episode[CANCEL] = each.parked
        each.attempt[CANCEL] = 0


@compiled
def bill(
    month: int,
    next_day: int,
    days: int,
    k0: np.uint32,
    k1: np.uint32,
    rules: Rules,
    customers: Customers,
    penalty: Floats,
    by_home: bool,
    status: Any,
    bills: Bills,
) -> None:
    """Settle a month with every customer: discovery, wishes to leave, and who is gone.

    `status` gets, per customer, `NOT_AT_RISK` or else `LeftBy`; `bills` the counts;
    `penalty`, per seat, what is found out (money).
    """
    for row in range(len(status)):
        each = customers.row[row]
        if each.left != 0:
            status[row] = NOT_AT_RISK
            continue
        leaves = int(each.leaving)
        complains = False
        if each.last > 0:
            each.satisfaction = recall(
                each.satisfaction, int(each.peak), int(each.last), rules.moments
            )
            each.peak = each.last = 0
        if each.missold > 0:
            u_regret, u_soon, _, _ = block(k0, k1, each.uid, month, Purpose.REGRET, 0)
            complains = think_again(each, u_regret, rules)
        sold = each.decided >= FRESH and bother(each, month, k0, k1, rules)
        if leaves == 0 and each.suppressed == 1:
            if block(k0, k1, each.uid, month, Purpose.DISCOVER, 0)[0] < rules.suppress.discovery:
                each.suppressed = 2
                each.leaving = ON_DISCOVERY
                each.trust = max(each.trust - rules.suppress.distrust, 0.0)
                each.satisfaction = max(each.satisfaction - rules.suppress.anger, 0.0)
                _, u_day, u_trace, _ = block(k0, k1, each.uid, month, Purpose.DISCOVER, 0)
                call_about(customers, row, next_day + int(3.0 * u_day))
                if each.suppressed_by >= 0 and u_trace < rules.suppress.traced:
                    penalty[each.suppressed_by] += rules.audit.penalty
        elif leaves == 0 and each.wishes == 0:
            months = month - float(each.joined)
            hazard = leaving_hazard(each.satisfaction, each.trust, months, rules.leaving)
            u_wish, u_calls, u_mind, u_day = block(k0, k1, each.uid, month, Purpose.LEAVE, 0)
            if exponential_(u_wish) < hazard:
                if u_calls < rules.leaving.calls:
                    each.wishes = 1
                    made_up = 1 if u_mind < rules.minds.share else 0
                    each.decided = each.decided & IN_USE | made_up
                    call_about(customers, row, next_day + int(u_day * days))
                else:
                    leaves = SILENTLY
        elif (
            leaves == 0
            and each.wishes == 2
            and block(k0, k1, each.uid, month, Purpose.LEAVE, 1)[0] < rules.leaving.walks
        ):
            leaves = SILENTLY
        if complains and leaves == 0 and each.leaving == 0 and each.wishes == 0:
            call_about(customers, row, next_day + int(3.0 * u_soon))
            each.parked = each.episode[CANCEL]
            each.episode[CANCEL] = REGRETS + month
        if leaves == 0 and rules.loyalty.rate > 0.0:
            u_plan = block(k0, k1, each.uid, month, Purpose.REPURCHASE, 0)[0]
            each.margin = repurchase(each.margin, each.satisfaction, u_plan, rules.loyalty)
        gap = rules.expectations.neutral - each.satisfaction
        each.satisfaction += rules.expectations.fade * gap
        status[row] = leaves
        home = int(each.home) if by_home else 0
        months = month - each.joined
        band = int(months >= 12) + int(months >= 24) + int(months >= 60)
        bills.counts[home, each.initial, band, leaves] += 1
        bills.value[home, each.initial, band] += each.margin
        if each.missold == REFUNDED:
            bills.refunds[home, each.initial, band] += rules.value.product
        if sold:
            bills.data[home, each.initial, band] += rules.harvest.price
        if leaves != 0:
            each.left = leaves
            each.left_month = month


# -- word of mouth ------------------------------------------------------------------------------


@rule
def acquaintance(uid: int, which: int, won: int, k0: np.uint32, k1: np.uint32, crowd: int) -> int:
    """Find somebody whom a customer knows among those won so far: the place in their order.

    It is one of the first day's customers for good, until somebody won later takes the place: of
    n customers won each is as likely, and the n-th comes in with chance 1 / n (Lamping and Veach's
    consistent hash). So twins know the same people, and nothing is stored.
    """
    u = block(k0, k1, uid, 0, Purpose.REFER, which, WHO)[1]
    place, renewal = int(u * crowd), 0
    then = float(crowd)
    while True:
        u = block(k0, k1, uid, 0, Purpose.REFER, which, RENEWS + renewal)[0]
        if then / u >= won:
            return place
        place = int(then / u)
        then = place + 1.0
        renewal += 1


@compiled
def warn(
    month: int,
    k0: np.uint32,
    k1: np.uint32,
    word: Any,
    crowd: int,
    customers: Customers,
    status: Any,
) -> None:
    """Let the upset, as the bill left them, warn acquaintances among the customers won so far."""
    for row in range(len(status)):
        each = customers.row[row]
        if status[row] == NOT_AT_RISK or each.satisfaction > word.upset:
            continue
        if block(k0, k1, each.uid, month, Purpose.REFER, 0, SPEAKS)[1] >= word.warns:
            continue
        for which in range(known(block(k0, k1, each.uid, 0, Purpose.REFER, 0, MANY)[0], word)):
            place = acquaintance(int(each.uid), which, len(customers.listed), k0, k1, crowd)
            other = customers.row[customers.listed[place, 0]]
            other.trust = max(other.trust - word.distrust, 0.0)


@compiled
def recommend(
    month: int,
    k0: np.uint32,
    k1: np.uint32,
    word: Any,
    customers: Customers,
    status: Any,
    joining: Ints,
) -> int:
    """Let the delighted recommend; write the addresses of who will join, and count them all."""
    count = 0
    for row in range(len(status)):
        each = customers.row[row]
        if status[row] == NOT_AT_RISK or each.satisfaction < word.delighted:
            continue
        if block(k0, k1, each.uid, month, Purpose.REFER, 0, SPEAKS)[0] >= word.recommends:
            continue
        for which in range(known(block(k0, k1, each.uid, 0, Purpose.REFER, 0, MANY)[0], word)):
            if block(k0, k1, each.uid, month, Purpose.REFER, which, COMES)[0] < word.joins:
                if count < len(joining):
                    u_who = block(k0, k1, each.uid, 0, Purpose.REFER, which, WHO)[0]
                    joining[count] = person(u_who)
                count += 1
    return count
