"""The order of a working day, over columns: who contacts, who serves, what is done and logged.

Read `advance` as the description of a day; what happens on a contact is in `_contact`, how an agent
chooses in `_choice`, who serves whom in `_routing`, and a month's end in `_bill`. Each line calls a
rule that stands, with its equation, in the file of its family. Everything random is drawn at an
address (see `_draws`): a contact's is (customer, need, episode, attempt), and what is drawn for one
purpose does not move when another rule changes.
"""

from typing import Any

import numpy as np

from incentives._calendar import AGE_BITS, OWN_MASK, bring_near, need_rate, take_due
from incentives._calling import NOBODY, RINGS, call_out, note_call, think_it_over
from incentives._codes import AGAIN, CANCEL, CHAT, EMAIL, NEEDS_NEST, ORDER, OUTBOUND, WISHES_NEST
from incentives._compile import batch, compiled, prefetch, rule, whole
from incentives._contact import Way, end_episode, follow_up, log_abandoned, reason_of, serve
from incentives._draws import Purpose, block, exp_
from incentives._floor import Events, bench, clear, line_up, pop, push, sit_down, stand_up, suited
from incentives._luck import Luck, draw_luck, places
from incentives._routing import (
    carry_over,
    longest_waiting,
    met_by_peers,
    next_seat,
    oldest_written,
    owner,
    room_for_chat,
    waited,
)
from incentives._state import Desk, Rules
from incentives.centre import (
    FloorPlan,
    channel_of,
    minute_of,
    patience_of,
    stretched,
    task_of,
    usual_work,
    vexed,
)
from incentives.columns import (
    ANSWERED,
    BUSY,
    CALENDAR,
    CALLBACKS,
    CONTACTS,
    DELAYED,
    DUTY,
    GONE,
    N_ACCUMULATORS,
    OFFERED,
    SALES,
    SALES_VALUE,
    SAVES,
    WAIT,
    WITHIN,
    Customers,
    Floats,
    Ints,
    Prices,
    Watch,
)
from incentives.customers import fetched
from incentives.gaming import relearn
from incentives.menu import N_ACTIONS
from incentives.pay.goals import Goals, attained, under_pressure
from incentives.pay.prices import cuts, price, stand
from incentives.staff import Staff, coached, strained, swayed, worried

FREE, PAUSE, REDIAL, GIVE_UP = range(4)  # kinds of event, in the low bits of an event's code
ARRIVAL = REDIAL
CALLED = 4  # an event that is never kept: a customer who was called has answered
BLOCK = 512  # contacts whose luck is drawn in one go: few enough to be at hand when they come
SOON = 4  # arrivals ahead of the present one, whose customers are fetched from memory
RECENT = 0.1  # weight of the last day in what agents take for their usual pace


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


# -- who comes ------------------------------------------------------------------------------------


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


# -- from opening until the last contact has ended ------------------------------------------------


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
    turn, calls = -1, places_for(0, plan, rules)
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
                calls,
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
            calls -= 1
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
            if place < 0 and events.backlog.first[plan.pool[seat]] >= 0:
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
            rate = need_rate(need, rules.needs, float(days))
            bring_near(customers, entry, day, luck.next[place], rate)
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


@batch
def draw(
    low: int, high: int, k0: np.uint32, k1: np.uint32, plan: FloorPlan, rules: Rules, luck: Luck
) -> None:
    """Draw all that chance decides about some contacts, whose addresses are set."""
    draw_luck(luck, low, high, k0, k1, plan.exponential, rules.work, rules.openness)
    choose_channels(low, high, k0, k1, luck, rules)


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
def on_hands(
    seat: int, minute: float, minutes: float, alone: bool, events: Events, desk: Desk
) -> float:
    """Count minutes as busy, those of several chats at once only once; return how many are new."""
    ends = minute + minutes
    new = minutes if alone else max(ends - max(events.until[seat], minute), 0.0)
    events.until[seat] = ends if alone else max(events.until[seat], ends)
    desk.busy[seat] += new
    return new


@rule
def tally(desk: Desk, wait: float, minutes: float, in_time: bool) -> None:
    """Count an answered contact in the day's figures."""
    desk.day[ANSWERED] += 1.0
    desk.day[WAIT] += wait
    desk.day[BUSY] += minutes
    desk.day[DELAYED] += 1.0 if wait > 0.0 else 0.0
    desk.day[WITHIN] += 1.0 if in_time else 0.0


# -- morning and evening --------------------------------------------------------------------------


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
            prices,
            scheme,
            desk.at,
            True,
            1.0,
            0.0,
            0.0,
            0.0,
            1.0,
            product,
            0.0,
            0.0,
            0.0,
            0.0,
            ease,
        )
        desk.later[1, seat] = price(
            prices, scheme, desk.at, True, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ease
        )


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
            desk.spirits[seat] += desk.mood[seat]
            desk.shifts[seat] += 1.0
    for team in range(len(desk.team_rates)):
        for what in range(N_ACCUMULATORS):
            desk.team_rates[team, what] = 0.0
    for seat in range(seats):
        for what in range(N_ACCUMULATORS):
            desk.team_rates[plan.team[seat], what] += desk.rates[seat, what]


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
