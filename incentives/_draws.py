"""Addressed random numbers: a draw is found by who, when and what for, never by its turn.

    key = key_of(seed, replication)                       # two words for a run
    u = uniform(key, Purpose.QUIT, agents, day)           # in NumPy, over arrays
    u0, u1, u2, u3 = block(k0, k1, agent, day, QUIT, 0)   # in the kernel, over scalars

The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, 2011). Its key is the run, its
counter is the address, four words of 32 bits: *entity* (who), *when*, *purpose* with the number of
a block of four draws in its low 8 bits, and *which* (one of several, such as an attempt).

Names that end in an underscore are for the kernel, on scalars; the same name without it is
for NumPy, on arrays. ``exp``, ``log`` and what is built on them use nothing but additions,
multiplications, divisions, square roots and the bits of a double, in a fixed order, so that both
forms give the same bits on every machine; a system's own ``exp`` and ``log`` do not.
"""

import math
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import ArrayLike, NDArray

from incentives._compile import as_written, rule

__all__ = [
    "Purpose",
    "block",
    "exp",
    "exp_",
    "exponential",
    "exponential_",
    "gumbel",
    "gumbel_",
    "key_of",
    "log",
    "log_",
    "normal",
    "normal_",
    "power",
    "square",
    "uniform",
    "uniforms",
]

Word: TypeAlias = int | np.integer[Any]
Key: TypeAlias = tuple[np.uint32, np.uint32]
Floats: TypeAlias = NDArray[np.float64]


class Purpose(IntEnum):
    """What a draw is for. A number, once given, is never given to another purpose."""

    ARRIVE = 1  # whether and when contacts arrive
    CHOICE = 2  # which action an agent takes
    OUTCOME = 3  # what comes of the action
    SURVEY = 4  # whether a customer answers a survey, and what
    AUDIT = 5  # whether a contact is checked, and whether the check finds something
    NEED = 6  # what a customer needs
    REPEAT = 7  # whether and when a customer calls back
    BILL = 8  # what a customer is billed, and whether it is noticed
    LEAVE = 9  # whether a customer leaves
    DISCOVER = 10  # whether a customer finds out what was done to them
    ACQUIRE = 11  # whether a customer is won or referred
    CUSTOMER = 12  # a customer's traits at the start
    AGENT = 13  # an agent's traits as hired
    SHIFT = 14  # who works, and when
    QUIT = 15  # whether an agent quits
    TALK = 16  # what agents tell one another
    ASSIGN = 17  # who is put under which scheme, team or queue
    SAMPLE = 18  # which contacts are kept in the records: observing has luck of its own
    HOOK = 19  # a user's own rule
    OCCASION = 20  # what this contact is like: could it pass, mood for an offer, a hidden need
    HINT = 21  # whether a hidden need shows to the agent
    REGRET = 22  # whether a customer regrets what was sold to them
    REPURCHASE = 23  # whether a customer buys more from now on, or less
    REFER = 24  # who recommends or warns, to whom, and who then joins
    CULTURE = 25  # what an agent holds the job to be
    MANAGER = 26  # the background and the norm of a team's manager
    NORM = 27  # which lies of teammates an agent comes to know of
    MOTIVE = 28  # what an agent can be coached with
    ASSESS = 29  # how far off the mark a contact is scored
    DIAL = 37  # whom a number of the day's list calls, and whether the call is answered
    CALL_BACK = 38  # whether and when a prospect calls back
    ASK = 32  # how an agent handles the survey after a contact
    BOOK = 33  # whether an outcome is booked in another month than it happened
    TOLERANCE = 35  # how much gaming the manager of a team lets pass
    PARDON = 36  # whether a manager lets a case that a check has found pass
    CHANNEL = 41  # whether a customer comes back by the channel of before
    PUBLIC = 42  # who reads what is posted
    PEERS = 48  # whether other customers answer a question in the forum
    HARVEST = 43  # whose data are sold, who is bothered how often, and who knows by whom
    RENEW = 44  # whether a client renews its contract
    LOOK = 45  # how hard a contractor chooses to look
    MOVE = 46  # which customers of a client that cuts volume are served elsewhere
    PRODUCT = 47  # what an agent believes of the product, and which buyers its seller keeps


# -- keys and addresses -------------------------------------------------------------------------


def key_of(rng: int | SeedSequence, replication: int = 0) -> Key:
    """Derive the key of one replication.

    Parameters
    ----------
    rng
        The seed of an experiment, 0 or more, or a seed sequence; it is read and not changed.
    replication
        0 or more. Scenarios that share a replication share its key: they are twins.

    Examples
    --------
    >>> key_of(1, 0) == key_of(1, 0)
    True
    >>> key_of(1, 0) == key_of(1, 1)
    False
    """
    root = rng if isinstance(rng, SeedSequence) else SeedSequence(rng)
    path = (*root.spawn_key, replication)
    branch = SeedSequence(root.entropy, spawn_key=path, pool_size=root.pool_size)
    k0, k1 = branch.generate_state(2, np.uint32)
    return k0, k1


def uniforms(
    key: tuple[Word, Word],
    purpose: int,
    entity: ArrayLike,
    when: ArrayLike,
    which: ArrayLike = 0,
    block: ArrayLike = 0,
) -> Floats:
    """Draw four uniforms for each address, strictly between 0 and 1.

    Parameters
    ----------
    key
        The run's key, from `key_of`.
    purpose
        A `Purpose`.
    entity, when, which
        The address, each in 0 … 2³² - 1; they broadcast.
    block
        Which four of an address that needs more than four, in 0 … 255; it broadcasts too.

    Returns
    -------
    numpy.ndarray
        The shape of the address and a last axis of 4.

    Examples
    --------
    >>> uniforms(key_of(1), Purpose.QUIT, [7, 8, 9], 3).shape
    (3, 4)
    """
    low_word = _checked("purpose", purpose, 24) << _EIGHT | _checked("block", block, 8)
    counter = (_checked("entity", entity), _checked("when", when), low_word)
    words = _philox_of_arrays(*counter, _checked("which", which), *map(np.uint64, key))
    return np.stack(np.broadcast_arrays(*map(_unit_of_arrays, words)), axis=-1)


def uniform(
    key: tuple[Word, Word],
    purpose: int,
    entity: ArrayLike,
    when: ArrayLike,
    which: ArrayLike = 0,
) -> Floats:
    """Draw one uniform for each address: the first of `uniforms`.

    Examples
    --------
    >>> bool(0 < uniform(key_of(1), Purpose.QUIT, entity=7, when=3) < 1)
    True
    """
    return np.asarray(uniforms(key, purpose, entity, when, which)[..., 0])


def _checked(name: str, value: ArrayLike | int, bits: int = 32) -> Any:
    """Return the words of an address as ``uint64``, or say which does not fit."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << bits:
        return np.uint64(value)  # as most words of an address are
    words = np.asarray(value)
    if words.size == 0:
        return words.astype(np.uint64)
    if words.dtype.kind not in "iu":
        raise TypeError(f"{name} must be whole numbers, got {words.dtype}")
    if (words >> bits).any():  # what is below 0 has all its high bits set
        raise ValueError(f"{name} must be in 0 … {2**bits - 1}, got {words.min()} … {words.max()}")
    return words.astype(np.uint64)


# -- Philox4x32-10: one text, for arrays and for scalars ----------------------------------------

# Products of two 32-bit words fit in 64 bits: nothing here overflows, with the JIT on or off.
_MULTIPLY_0, _MULTIPLY_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF, _EIGHT = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(8)


@rule
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """Return the four 32-bit words of a counter under a key; all are ``uint64``."""
    for _ in range(10):
        left = _MULTIPLY_0 * c0
        right = _MULTIPLY_1 * c2
        c0, c1 = (right >> _HALF) ^ c1 ^ k0, right & _LOW
        c2, c3 = (left >> _HALF) ^ c3 ^ k1, left & _LOW
        k0 = (k0 + _WEYL_0) & _LOW
        k1 = (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


@rule
def _unit(word: Any) -> Any:
    """Put a 32-bit word in the middle of its cell of the open interval (0, 1)."""
    return (np.float64(word) + 0.5) * 2.0**-32


_philox_of_arrays = as_written(philox)
_unit_of_arrays = as_written(_unit)


@rule
def block(
    k0: Word, k1: Word, entity: Word, when: Word, purpose: Word, which: Word, block: Word = 0
) -> tuple[float, float, float, float]:
    """Draw the four uniforms of an address in the kernel; see `uniforms`.

    Words are taken modulo 2³² (the purpose modulo 2²⁴) and not checked.
    """
    w0, w1, w2, w3 = philox(
        np.uint64(entity) & _LOW,
        np.uint64(when) & _LOW,
        (np.uint64(purpose) << _EIGHT | np.uint64(block)) & _LOW,
        np.uint64(which) & _LOW,
        np.uint64(k0),
        np.uint64(k1),
    )
    return _unit(w0), _unit(w1), _unit(w2), _unit(w3)


# -- exp and log: reductions and polynomials of fdlibm (Sun Microsystems, 1993) -----------------

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_PER_LN2 = 1.44269504088896338700e00
_ROUND = 6755399441055744.0  # 1.5 * 2⁵²: adding it leaves the nearest integer in the low bits
_ROUND_BITS = np.int64(0x4338000000000000)
_FRACTION_BITS, _BIAS, _ONE = np.int64(52), np.int64(1023), np.int64(1)
_ROOT_HALF_BITS = np.int64(0x3FE6A09E667F3BCD)  # √½
_EXPONENT = np.int64(-(1 << 52))


@rule
def exp_(x: float) -> float:
    """Return e to the power x, within 1 ulp; x above 709 counts as 709, below -745.2 gives 0."""
    x = np.minimum(np.maximum(np.float64(x), -746.0), 709.0)
    shifted = x * _PER_LN2 + _ROUND
    k = np.float64(shifted).view(np.int64) - _ROUND_BITS
    n = shifted - _ROUND
    high = x - n * _LN2_HIGH
    low = n * _LN2_LOW
    r = high - low
    z = r * r
    p = 4.13813679705723846039e-08
    p = z * p - 1.65339022054652515390e-06
    p = z * p + 6.61375632143793436117e-05
    p = z * p - 2.77777777770155933842e-03
    p = z * p + 1.66666666666666019037e-01
    c = r - z * p
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    first = k >> _ONE  # two powers of 2: one alone would overflow on the way to a subnormal
    scale = np.int64((first + _BIAS) << _FRACTION_BITS).view(np.float64)
    rest = np.int64((k - first + _BIAS) << _FRACTION_BITS).view(np.float64)
    return y * scale * rest


@rule
def _log_of_positive(x: float) -> float:
    bits = np.float64(x).view(np.int64)
    above = bits - _ROOT_HALF_BITS
    n = np.int64((above >> _FRACTION_BITS) + _ROUND_BITS).view(np.float64) - _ROUND
    f = np.int64(bits - (above & _EXPONENT)).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = 2.222219843214978396e-01 + w * 1.531383769920937332e-01
    even = w * (3.999999999940941908e-01 + w * even)
    odd = 1.818357216161805012e-01 + w * 1.479819860511658591e-01
    odd = 2.857142874366239149e-01 + w * odd
    odd = z * (6.666666666666735130e-01 + w * odd)
    h = 0.5 * f * f
    return n * _LN2_HIGH - ((h - (s * (h + (even + odd)) + n * _LN2_LOW)) - f)


@rule
def log_(x: float) -> float:
    """Return the natural logarithm of a normal double, within 1 ulp; of 0, -∞; below, NaN."""
    if x > 0.0:
        return _log_of_positive(x)
    return -np.inf if x == 0.0 else np.nan


def exp(x: ArrayLike) -> Floats:
    """Return e to the power x for NumPy; see `exp_`."""
    return np.asarray(as_written(exp_)(_floats(x)))


def log(x: ArrayLike) -> Floats:
    """Return the natural logarithm for NumPy; see `log_`."""
    values = _floats(x)
    special = np.where(values == 0.0, -np.inf, np.nan)
    return np.where(values > 0.0, as_written(_log_of_positive)(values), special)


def square(x: float) -> float:
    """Return a square by multiplication, the same on every machine."""
    return x * x


def power(base: float, times: int) -> float:
    """Return a whole power by multiplication, the same on every machine."""
    return math.prod([base] * times)


def _floats(x: ArrayLike) -> Any:
    return np.asarray(x, dtype=np.float64)


# -- distributions -----------------------------------------------------------------------------

# Wichura (1988), algorithm AS 241, PPND16: numerators and denominators, highest power first.
_MIDDLE = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
_TAIL = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ),
)
_FAR_TAIL = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580e0,
        5.46378491116411436990e0,
        6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)


@rule
def _ratio(r: Any, polynomials: tuple[tuple[float, ...], tuple[float, ...]]) -> Any:
    """Return a ratio of two polynomials of the seventh degree at r."""
    top, bottom = polynomials
    numerator = top[0]
    denominator = bottom[0]
    for i in range(1, 8):
        numerator = numerator * r + top[i]
        denominator = denominator * r + bottom[i]
    return numerator / denominator


@rule
def normal_(u: float) -> float:
    """Return the standard normal quantile of u, strictly between 0 and 1."""
    q = u - 0.5
    if np.abs(q) <= 0.425:
        return q * _ratio(0.180625 - q * q, _MIDDLE)  # type: ignore[no-any-return]
    r = np.sqrt(-log_(min(u, 1.0 - u)))  # at most 4.8 for a draw, but a quantile is for any u
    size = _ratio(r - 1.6, _TAIL) if r <= 5.0 else _ratio(r - 5.0, _FAR_TAIL)
    return size if q > 0.0 else -size  # type: ignore[no-any-return]


@rule
def exponential_(u: float) -> float:
    """Return a standard exponential: -log(u)."""
    return -log_(u)


@rule
def gumbel_(u: float) -> float:
    """Return a standard Gumbel, -log(-log(u)): the largest of utilities plus these is a logit."""
    return -log_(-log_(u))


def normal(u: ArrayLike) -> Floats:
    """Return standard normal quantiles for NumPy; see `normal_`.

    Examples
    --------
    >>> normal([0.025, 0.5, 0.975]).round(2)
    array([-1.96,  0.  ,  1.96])
    """
    p = _floats(u)
    q = p - 0.5
    z = np.asarray(q * as_written(_ratio)(0.180625 - q * q, _MIDDLE))
    outer = ~(np.abs(q) <= 0.425)
    if outer.any():
        size = _normal_tail(np.minimum(p, 1.0 - p)[outer])
        z[outer] = np.where(q[outer] > 0.0, size, -size)
    return z


def _normal_tail(p: Floats) -> Floats:
    """Give how far out a standard normal is at a tail's probability below 0.075."""
    r = np.sqrt(-log(p))
    size = as_written(_ratio)(r - 1.6, _TAIL)
    far = r > 5.0
    if far.any():
        size[far] = as_written(_ratio)(r[far] - 5.0, _FAR_TAIL)
    return np.asarray(size)


def exponential(u: ArrayLike) -> Floats:
    """Return standard exponentials for NumPy; see `exponential_`."""
    return -log(u)


def gumbel(u: ArrayLike) -> Floats:
    """Return standard Gumbels for NumPy; see `gumbel_`."""
    return -log(-log(u))
