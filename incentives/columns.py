"""The arrays that both sides agree on: names, codes, dtypes and units.

Use this page to look up what a column means. The kernel writes these arrays, `records` turns
them into tidy frames, and nothing else in the package invents a code of its own.

Times are minutes within a working day, days are working days counted from 0, months are pay
periods and bills counted from 0, money is in the scenario's currency.
"""

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


def longer(array: Any, length: int) -> Any:
    """Copy an array into a longer one whose new rows hold zero."""
    grown = np.zeros((length, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown


class Reason(IntEnum):
    """Why a customer contacts."""

    QUESTION = 0
    COMPLAINT = 1
    ORDER = 2
    CANCEL = 3
    OUTBOUND = 4
    """No reason of the customer's: the firm calls."""


class Channel(IntEnum):
    """By which channel a customer contacts."""

    VOICE = 0
    CHAT = 1
    EMAIL = 2
    SOCIAL = 3
    APP = 4
    FORUM = 5


class Ended(IntEnum):
    """How the telephone system saw a contact end."""

    SERVED = 0
    ABANDONED = 1


class Outcome(IntEnum):
    """What became of a contact, in truth or on the log."""

    HANDLED = 0
    SALE = 1
    SAVED = 2
    CANCELLED = 3
    CUT_OFF = 4
    ABANDONED = 5
    SUPPRESSED = 6
    TRANSFERRED = 7


class Booked(IntEnum):
    """When what came of a contact was booked."""

    AT_ONCE = 0
    HELD_BACK = 1
    AHEAD = 2
    MADE_GOOD = 3


class LeftBy(IntEnum):
    """How a customer left."""

    STAYING = 0
    CONTACT = 1
    SILENT = 2
    DISCOVERY = 3


MOVED = 4
"""In place of `LeftBy`: a customer whom the client firm has served elsewhere since. Not a way of
leaving the firm: no bill here counts it, before or after."""


class Decision(IntEnum):
    """What a client firm decides about its contract at the end of a month."""

    NONE = 0
    RENEWED = 1
    CUT = 2
    LEFT = 3


ACCUMULATORS = (
    "contacts",
    "cancels",
    "saves",
    "sales",
    "sales_value",
    "survey_sum",
    "survey_n",
    "qa_sum",
    "qa_n",
)
"""What is counted for every agent and pay period, in this order: contacts handled, cancellations
handled, saves logged, sales logged, their value (money), the sum of survey scores (0 to 10 each)
and the number of surveys answered, the sum of QA scores (0 to 100 each) and the number of contacts
scored."""

N_ACCUMULATORS = len(ACCUMULATORS)
CONTACTS, CANCELS, SAVES, SALES, SALES_VALUE, SURVEY_SUM, SURVEY_N, QA_SUM, QA_N = range(
    N_ACCUMULATORS
)


class Totals(NamedTuple):
    """What was logged for each agent in a pay period.

    Each field but `team` is a float array (agents,). `team` holds each agent's team as an integer,
    so that a scheme can look at the others' totals.
    """

    contacts: Floats
    cancels: Floats
    saves: Floats
    sales: Floats
    sales_value: Floats
    survey_sum: Floats
    survey_n: Floats
    qa_sum: Floats
    qa_n: Floats
    team: Ints


class Prices(NamedTuple):
    """Pay schemes as the kernel reads them: expected pay over forecast accumulators.

    A scheme is a sum of components. Component k reads one or two linear indices of the
    accumulators, z = weights[k, axis] · totals, and gives the pay expected at the period's end.
    """

    first: Ints  #: (schemes + 1,) components of scheme s are first[s]:first[s + 1]
    served: Ints  #: (schemes,) and from here on only cancellations and saves move them
    kind: Ints  #: (components,) 0 linear in the first index, 1 table over one, 2 over two indices
    weights: Floats  #: (components, 2, accumulators)
    team: Ints  #: (components,) 1: the indices read the team's summed totals, not the agent's own
    rival: Ints  #: (components,) 1: the first index is measured from the cut that rivals set
    claw: Ints  #: (components,) 1: a save counts only as far as it is believed to last
    claws: Ints  #: (schemes,) 1 where a component of it is so
    scale: Floats  #: (components,) a factor on the pay: chance and worth of getting it later
    origin: Floats  #: (components, 2) index at the table's first node
    step: Floats  #: (components, 2) distance between nodes
    size: Ints  #: (components, 2) number of nodes
    start: Ints  #: (components,) where the component's table begins in `values`
    values: Floats  #: all tables, flat, in the order (spread, first index, second index)
    reads: Ints  #: (schemes, accumulators) 1 where the scheme's pay depends on that accumulator
    sharp: Ints  #: (components, 2) 1: with no time left the index falls to the node below it
    place: Ints  #: (components,) whose forecast is the cut: the j-th best of the centre's rivals is
    #: j, of the team's -j, 0 where rival is 0
    drift: Floats  #: (components,) nodes by which a table's row starts later, per spread squared
    goal: Ints  #: (components,) accumulator of the results measured against a goal, -1 without one


NOT_AT_RISK = 255  # in the statuses of a month, beside `LeftBy`: who had left before it
N_NEEDS = 4  # reasons that are the customer's: each has its place in a row

CUSTOMER = np.dtype(
    [
        ("uid", np.uint32),  # address: the slot in which the customer was won, or `PERSON` and more
        ("satisfaction", np.float32),  # points of 10
        ("expectation", np.float32),  # points of 10
        ("trust", np.float32),  # 0 to 1
        ("openness", np.float32),  # log odds that an offer sells
        ("margin", np.float32),  # money per month
        ("busy", np.float32),  # x the usual frequency of needs
        ("joined", np.int16),  # month, below 0 for those there at the start
        ("home", np.int16),  # team or site that serves the customer, where routing keeps to it
        ("left_month", np.int16),  # month of the bill at which the customer left
        ("suppressed_by", np.int16),  # seat that suppressed a cancellation, -1 if none or gone
        ("cut_by", np.int16),  # seat + 1 that cut the last contact short, -1 unserved, 0 served
        ("parked", np.uint16),  # episode of a wish to cancel, while a complaint has its place
        ("exposed", np.uint16),  # bit per scheme met this month
        ("episode", np.uint16, (N_NEEDS,)),  # how many needs of each kind have ended
        ("attempt", np.uint8, (N_NEEDS,)),  # contacts made about the current need
        ("client", np.uint8),  # client firm
        ("initial", np.uint8),  # 1 if there at the start
        ("left", np.uint8),  # LeftBy
        ("leaving", np.uint8),  # LeftBy at the next bill, 0 if staying
        ("wishes", np.uint8),  # 1 while a wish to cancel is unmet, 2 if given up
        ("decided", np.uint8),  # bit 0: that wish is made up; above: `FRESH`, `BOOKED` or `IN_USE`
        ("suppressed", np.uint8),  # 1 if a cancellation was logged as a save and not carried out
        ("missold", np.uint8),  # bought without a need since the bill: `UNFIT` or `PRESSED`
        ("peak", np.uint8),  # the moment furthest from expectation since the bill: `moment_code`
        ("last", np.uint8),  # the last moment since the bill; 0 if there was none
    ],
    align=True,
)
"""One row a customer: 64 bytes, a line of the cache."""


PERSON = 1 << 31
"""From here on addresses are of people at large, who may be referred by a customer they know."""

UNFIT, PRESSED, REFUNDED = 1, 2, 3
"""How one without a need came to buy: was offered it, was pressed; and, until the next bill, that
the price was paid back."""


BACK = 1 << 14
"""A call back about what was offered on a call has this episode, and the month of that call on top.
It takes the place of a wish to cancel, as a complaint about what was bought does."""
FRESH, BOOKED, IN_USE = 2, 4, 6
"""The customer's data were sold since the last bill, at the last bill, or before it."""


REGRETS = 1 << 15
"""A complaint about what was bought has this episode, and the month of the bill on top."""


class Customers(NamedTuple):
    """All customers, and the calendar that says on which day each need is due.

    An entry of the calendar is 4 x row + need. A day's entries stand in a chain of chunks of seven,
    so that reading a day reads memory in order.
    """

    row: npt.NDArray[np.void]  #: (customers,) of dtype CUSTOMER
    chunk: Ints  #: (chunks, 8) next chunk + 1 above a count of 8 bits, then entries with due day
    head: Ints  #: (CALENDAR + 1,) first chunk of each day modulo CALENDAR, and of the free ones
    held: Ints  #: (CALENDAR,) entries in each day's chain
    listed: Ints  #: (won, 2) who was won, in turn: the row, and the calls answered this month
    sold_by: npt.NDArray[np.int32]  #: (customers,) see `OWNED`; 0 for those who bought nothing


OWNED, DUD, TOLD, SELLER = 1, 2, 4, 8
"""Bits of `sold_by`: the buyer is its seller's to serve, had no need of what it bought, has been
back to the seller; and from here on, the seller's seat + 1."""

CALENDAR = 512
"""Days that the calendar holds apart; later ones share a chain and are told apart by due day."""

CHUNK = 7
"""Entries in a chunk: with its head, a line of the cache."""


def chunks_for(customers: int) -> int:
    """Give how many chunks hold every entry of so many customers; each chain may leave one open."""
    return 4 * customers // CHUNK + CALENDAR + 8


CONTACT = np.dtype(
    [
        ("customer", np.uint32),
        ("day", np.int16),
        ("agent", np.int16),
        ("minute", np.float32),
        ("wait", np.float32),
        ("handle", np.float32),
        ("value", np.float32),
        ("prob", np.float32),
        ("experience", np.float32),
        ("episode", np.uint16),
        ("hire", np.uint16),
        ("scheme", np.uint8),
        ("reason", np.uint8),
        ("channel", np.uint8),
        ("attempt", np.uint8),
        ("ended", np.uint8),
        ("action", np.int8),
        ("true", np.uint8),
        ("logged", np.uint8),
        ("resolved", np.uint8),
        ("survey", np.uint8),
        ("score", np.int8),
        ("audit", np.uint8),
        ("need", np.uint8),  # 1 if it hid a need that the product would meet, or a made-up mind
        ("qa", np.uint8),  # score in the QA check, 0 to 100, or `UNSCORED`
        ("booked", np.uint8),  # `Booked`
    ],
    align=True,
)
"""One row a contact as the kernel writes it: the truth beside the log. `survey` is 1 if invited and
2 if answered, and then `BY_AGENT` and `BEGGED` on top where they hold; `audit` is 1 if checked and
nothing was found, 2 if something, and then `HEARD` and `EARLY` on top where they hold.
"""

UNSCORED = 255
"""The QA score of a contact that was not scored."""
BY_AGENT, BEGGED = 4, 8
"""The agent had the customer invited, whom chance would not have; the agent begged for top marks.
"""

HEARD = 4
"""A check heard that the agent departed from chance in handling the survey."""

EARLY = 8
"""A check saw that a sale was booked ahead of time."""

DAY = (
    "offered",
    "answered",
    "abandoned",
    "within",
    "delayed",
    "wait",
    "busy",
    "duty",
    "callbacks",
)
"""The day's counts: contacts offered, answered, given up, answered within the service level and
after a wait; minutes waited by those answered, on contacts and on duty; contacts that are repeats.
"""

OFFERED, ANSWERED, GONE, WITHIN, DELAYED, WAIT, BUSY, DUTY, CALLBACKS = range(len(DAY))

FEATURES = (
    "pay",
    "minutes",
    "queue",
    "standing",
    "lie",
    "fear",
    "customer",
    "client",
    "employer",
    "reluctance",
)
"""What a row of the menu is weighed by: pay as felt, penalty expected, gains of customer, client
and employer, what the minutes could have earned while others wait, and what moves the reluctance to
cut off (money); minutes; minutes against the usual by rank; whether it is a lie (and, of a lie that
its teller enjoys, how far there is a gain)."""

N_FEATURES = len(FEATURES)


class Watch(NamedTuple):
    """The sampled choices: what stood on the menu, and what was taken."""

    share: float
    rows: Floats  #: (rows, 4 + features): contact, seat, action, chosen, features


class Bills(NamedTuple):
    """A month's bills counted: customers by home, initial or not, band of tenure and `LeftBy`."""

    counts: Ints  #: (homes, 2, 4, 4)
    value: Floats  #: (homes, 2, 4) margin of those at risk (money)
    refunds: Floats  #: (homes, 2, 4) paid back for regretted purchases (money)
    data: Floats  #: (homes, 2, 4) got for customers' data (money)
