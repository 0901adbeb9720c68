"""Codes as plain numbers, which is what compiled code can hold."""

from incentives.columns import N_FEATURES, Booked, Channel, LeftBy, Outcome, Reason
from incentives.menu import N_ACTIONS, Action

NEEDS_NEST, WISHES_NEST, LIES = 1, 2, 3  # blocks of shocks: rows that serve, that part, that lie
PLAIN, SOLD, LOST, KEPT = range(4)  # log entries with a price; a row's own stands at its number
OVER, AGAIN, LATER, PASSED_ON = range(4)  # what follows: nothing, another today, later, at once
SALE_OF_DATA, STRANGERS, TELLS = range(3)  # blocks of four draws about sold data
SPEAKS, MANY, WHO, COMES, RENEWS = range(5)  # blocks of four draws about a customer's talk

# of what stands in columns
QUESTION, COMPLAINT, CANCEL = int(Reason.QUESTION), int(Reason.COMPLAINT), int(Reason.CANCEL)
ORDER, OUTBOUND = int(Reason.ORDER), int(Reason.OUTBOUND)
CHAT, EMAIL, FORUM = int(Channel.CHAT), int(Channel.EMAIL), int(Channel.FORUM)
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
