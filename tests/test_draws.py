"""A draw is found by its address, has the same bits everywhere, and looks like chance."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import SeedSequence
from scipy import special, stats

from incentives import _draws as draws
from incentives._compile import as_written, rule
from incentives._draws import Purpose, block, key_of, uniform, uniforms

pytestmark = pytest.mark.quick

# Random123 1.14, tests/kat_vectors, philox4x32 with 10 rounds: counter, key, answer
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip

word = st.integers(0, 2**32 - 1)
positive = st.floats(np.finfo(float).tiny, np.finfo(float).max)
unit = st.floats(2.0**-60, 1 - 2.0**-53)


def words(text):
    return [np.uint64(int(number, 16)) for number in text.split()]


def each(function, values):
    """Apply a kernel function to each value, in a compiled loop."""

    @rule
    def loop(values, results):
        for i in range(values.size):
            results[i] = function(values[i])

    results = np.empty_like(values)
    loop(values, results)
    return results


def ulps(got, exact):
    return np.max(np.abs(got - exact) / np.spacing(np.abs(exact)))


# -- the generator ------------------------------------------------------------------------------


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
@pytest.mark.parametrize("philox", [draws.philox, as_written(draws.philox)])
def test_philox_gives_the_published_answers(philox, counter, key, answer):
    assert list(philox(*words(counter), *words(key))) == words(answer)


@settings(deadline=None)  # the first example compiles
@given(word, word, word, word, st.integers(0, 2**24 - 1), word, st.integers(0, 255))
def test_the_kernel_and_numpy_draw_the_same_bits(k0, k1, entity, when, purpose, which, nth):
    kernel = block(k0, k1, entity, when, purpose, which, nth)
    assert list(kernel) == uniforms((k0, k1), purpose, entity, when, which, nth).tolist()


def test_the_four_words_of_an_address_make_the_counter():
    w = draws.philox(*map(np.uint64, (11, 22, 33 << 8 | 44, 55, 66, 77)))
    expected = (np.array(w, dtype=float) + 0.5) * 2.0**-32
    np.testing.assert_array_equal(uniforms((66, 77), 33, 11, 22, 55, 44), expected)


def test_addresses_broadcast_and_uniform_is_the_first_lane():
    key, who, when = key_of(1), np.arange(5, dtype=np.int32)[:, None], np.arange(3)
    table = uniforms(key, Purpose.NEED, who, when)
    assert table.shape == (5, 3, 4)
    np.testing.assert_array_equal(uniform(key, Purpose.NEED, who, when), table[..., 0])
    np.testing.assert_array_equal(table[4, 2], uniforms(key, Purpose.NEED, 4, 2))
    assert uniforms(key, Purpose.NEED, [], 2).shape == (0, 4)


def test_uniforms_lie_strictly_inside_their_interval():
    lowest, highest = (draws._unit(np.uint64(w)) for w in (0, 2**32 - 1))
    assert 0.0 < lowest == 2.0**-33
    assert 1.0 > highest == 1.0 - 2.0**-33


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entity": -1}, "entity must be in 0 … 4294967295, got -1 … -1"),
        ({"when": [0, 2**32]}, "when must be in 0 … 4294967295, got 0 … 4294967296"),
        ({"which": -5}, "which must be in"),
        ({"purpose": 2**24}, "purpose must be in"),
        ({"block": 256}, "block must be in 0 … 255, got 256"),
    ],
)
def test_an_address_that_does_not_fit_is_refused(change, message):
    address = {"purpose": 1, "entity": 0, "when": 0} | change
    with pytest.raises(ValueError, match=message):
        uniforms((1, 2), **address)


def test_an_address_that_is_not_whole_is_refused():
    with pytest.raises(TypeError, match="entity must be whole numbers, got float64"):
        uniforms((1, 2), Purpose.QUIT, 0.5, 0)


def test_purposes_keep_the_numbers_they_were_given():
    numbers = {purpose.name: purpose.value for purpose in Purpose}
    assert numbers == {
        "ARRIVE": 1, "CHOICE": 2, "OUTCOME": 3, "SURVEY": 4, "AUDIT": 5, "NEED": 6, "REPEAT": 7,
        "BILL": 8, "LEAVE": 9, "DISCOVER": 10, "ACQUIRE": 11, "CUSTOMER": 12, "AGENT": 13,
        "SHIFT": 14, "QUIT": 15, "TALK": 16, "ASSIGN": 17, "SAMPLE": 18, "HOOK": 19,
        "OCCASION": 20, "HINT": 21, "REGRET": 22, "REPURCHASE": 23, "REFER": 24, "CULTURE": 25,
        "MANAGER": 26, "NORM": 27, "MOTIVE": 28,
        "ASSESS": 29, "ASK": 32, "BOOK": 33, "TOLERANCE": 35, "PARDON": 36, "DIAL": 37,
        "CALL_BACK": 38, "CHANNEL": 41, "PUBLIC": 42, "HARVEST": 43, "RENEW": 44,
        "LOOK": 45, "MOVE": 46, "PRODUCT": 47, "PEERS": 48,
    }  # fmt: skip


def test_the_kernel_takes_a_purpose_by_its_name():
    @rule
    def draw(k0, k1):
        return block(k0, k1, 3, 4, Purpose.QUIT, 0)[0]

    key = key_of(5)
    assert draw(*key) == uniform(key, Purpose.QUIT, 3, 4)


# -- keys ---------------------------------------------------------------------------------------


def test_a_key_is_a_function_of_seed_and_replication():
    keys = [key_of(seed, r) for seed in (0, 1, 2**100) for r in range(1000)]
    assert len(set(keys)) == len(keys)
    assert keys == [key_of(seed, r) for seed in (0, 1, 2**100) for r in range(1000)]
    assert key_of(7, 3) == key_of(SeedSequence(7), 3)


def test_a_seed_sequence_is_read_and_not_changed():
    root = SeedSequence(9, spawn_key=(4,), pool_size=8)
    before = root.state
    key_of(root, 2)
    assert root.state == before
    assert key_of(root, 2) == key_of(SeedSequence(9, spawn_key=(4,), pool_size=8), 2)
    assert key_of(root, 2) != key_of(SeedSequence(9, spawn_key=(4,)), 2)
    assert key_of(root, 2) != key_of(SeedSequence(9, pool_size=8), 2)


# -- chance -------------------------------------------------------------------------------------

N = 400
WHO, WHEN = np.arange(N)[:, None], np.arange(N)
KEY = key_of(2026)


def test_each_lane_is_uniform():
    table = uniforms(KEY, Purpose.OUTCOME, WHO, WHEN).reshape(-1, 4)
    n = len(table)
    assert np.all(np.abs(table.mean(axis=0) - 1 / 2) < 4 * np.sqrt(1 / 12 / n))
    assert np.all(np.abs(table.var(axis=0) - 1 / 12) < 4 * np.sqrt(1 / 180 / n))
    for lane in table.T:
        cells = np.bincount((lane * 1024).astype(int), minlength=1024)
        assert 1e-4 < stats.chisquare(cells).pvalue < 1 - 1e-4


@pytest.mark.parametrize(
    "neighbour",
    [
        lambda: uniforms(KEY, Purpose.OUTCOME, WHO + 1, WHEN),
        lambda: uniforms(KEY, Purpose.OUTCOME, WHO, WHEN + 1),
        lambda: uniforms(KEY, Purpose.OUTCOME, WHO, WHEN, 1),
        lambda: uniforms(KEY, Purpose.OUTCOME, WHO, WHEN, 0, 1),
        lambda: uniforms(KEY, Purpose.SURVEY, WHO, WHEN),
        lambda: uniforms(key_of(2026, 1), Purpose.OUTCOME, WHO, WHEN),
        lambda: uniforms(key_of(2027), Purpose.OUTCOME, WHO, WHEN),
        lambda: np.swapaxes(uniforms(KEY, Purpose.OUTCOME, WHO, WHEN), 0, 1)[::-1],
        lambda: np.roll(uniforms(KEY, Purpose.OUTCOME, WHO, WHEN), 1, axis=-1),
    ],
    ids=["entity", "when", "which", "block", "purpose", "replication", "seed", "swapped", "lane"],
)
def test_neighbouring_addresses_share_no_luck(neighbour):
    here, there = uniforms(KEY, Purpose.OUTCOME, WHO, WHEN), neighbour()
    assert not np.any(here == there)
    for lane in range(4):
        pairs = here[..., lane].ravel(), there[..., lane].ravel()
        assert abs(np.corrcoef(*pairs)[0, 1]) < 4 / N
        cells = np.histogram2d(*pairs, bins=16, range=[(0, 1), (0, 1)])[0]
        assert stats.chisquare(cells.ravel()).pvalue > 1e-4


def test_distributions_have_their_moments():
    u = uniform(KEY, Purpose.NEED, WHO, WHEN).ravel()
    for values, law in (
        (draws.normal(u), stats.norm),
        (draws.gumbel(u), stats.gumbel_r),
        (draws.exponential(u), stats.expon),
    ):
        assert stats.kstest(values, law.cdf).pvalue > 1e-3


# -- elementary functions -----------------------------------------------------------------------

U = (np.arange(20_001) + 0.5) / 20_001
TAILS = np.array([2.0**-33, 2.0**-60, 1e-300, 1 - 2.0**-33, 1 - 2.0**-53, 0.075, 0.925])
ARGUMENTS = {
    "exp": np.concatenate([np.linspace(-800, 800, 20_001), np.linspace(-1, 1, 2_001), [0, -0.0]]),
    "log": np.concatenate([np.exp(np.linspace(-708, 709, 20_001)), U, 1 + U * 1e-3, [1, 2, 4]]),
    "normal": np.concatenate([U, TAILS]),
    "gumbel": np.concatenate([U, TAILS]),
    "exponential": np.concatenate([U, TAILS]),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_kernel_and_numpy_give_the_same_bits(name):
    values = ARGUMENTS[name]
    kernel = each(getattr(draws, f"{name}_"), values)
    np.testing.assert_array_equal(kernel.view("i8"), getattr(draws, name)(values).view("i8"))


@settings(max_examples=300, deadline=None)
@given(st.floats(allow_nan=False), positive, unit)
def test_kernel_and_numpy_give_the_same_bits_anywhere(x, y, u):
    assert draws.exp_(x) == draws.exp(x)
    assert draws.log_(y) == draws.log(y)
    assert draws.normal_(u) == draws.normal(u)
    assert draws.gumbel_(u) == draws.gumbel(u)


def test_exp_is_within_two_ulps():
    x = np.linspace(-708, 709, 200_001)
    assert ulps(draws.exp(x), np.exp(x)) <= 2
    x = np.linspace(-1, 1, 200_001)
    assert ulps(draws.exp(x), np.exp(x)) <= 2


def test_exp_saturates():
    ends = draws.exp([-np.inf, -1e300, -745.2, 709.0, 710.0, np.inf, 0.0])
    top = draws.exp(709.0)
    np.testing.assert_array_equal(ends, [0, 0, 0, top, top, top, 1])
    assert 8.2e307 < top < np.inf
    subnormal = np.linspace(-745, -708.4, 1001)
    assert np.all(np.abs(draws.exp(subnormal) - np.exp(subnormal)) <= 2 * np.spacing(0.0))


def test_log_is_within_two_ulps():
    x = np.exp(np.linspace(-708, 709, 200_001))
    assert ulps(draws.log(x), np.log(x)) <= 2
    x = np.linspace(0.5, 2.0, 200_000)  # through 1, where a logarithm loses its digits
    assert ulps(draws.log(x), np.log(x)) <= 2


@pytest.mark.parametrize(("x", "answer"), [(1.0, 0.0), (0.0, -np.inf), (-1.0, np.nan)])
def test_log_at_and_below_its_edge(x, answer):
    np.testing.assert_array_equal([draws.log_(x), draws.log(x)], [answer] * 2)


@pytest.mark.parametrize("name", ["exp", "log"])
def test_a_missing_number_stays_missing(name):
    assert np.isnan(getattr(draws, name)(np.nan))
    assert np.isnan(getattr(draws, f"{name}_")(np.nan))


def test_normal_quantiles_are_those_of_scipy():
    u = np.concatenate([U, TAILS])
    np.testing.assert_allclose(draws.normal(u), special.ndtri(u), rtol=4e-15, atol=1e-18)


@settings(deadline=None)
@given(unit)
def test_normal_quantiles_are_odd_where_the_complement_is_exact(u):
    v = 1.0 - u
    if 1.0 - v == u:
        assert draws.normal_(v) == -draws.normal_(u)


# -- pinned bytes -------------------------------------------------------------------------------

# The same on every Python, machine and thread count. Another digest means that every published
# number changes: it takes a new major version and a line in the change log.
PINNED = {
    "uniforms": "1bc02f582d9117265adc7fe8a19e15b53119f2dbfcfa0540325e244d93d0309a",
    "exp": "6f4b376b8b03c0f5824f29df9f348da2f7618a1b4179285a2e398551b3ba34c2",
    "log": "fbb5753281c7fc6cacd410d4eb966ee94b79e63e040419d0564432d1e6881d8b",
    "normal": "fd4603685dbe36bdf1aa4e5594098fc3cfe6aca0ee29f2c3fc421f9ade72d3eb",
    "gumbel": "edc3d73c4bb5ddc1cca267bd35b00b485efc69ea149cc8c615b2bd9f5a92451e",
    "exponential": "7b6b34513607de0bf0bd58ffdd554d1bf959c2efaf9f4dabd446502346b7ca34",
}


def sha256(values):
    return hashlib.sha256(np.asarray(values, dtype="<f8").tobytes()).hexdigest()


def test_draws_have_the_bytes_they_had():
    values = uniforms(key_of(1, 2), Purpose.CHOICE, np.arange(50)[:, None], np.arange(50), 3, 1)
    assert values.size == 10_000
    assert sha256(values) == PINNED["uniforms"]


@pytest.mark.parametrize("name", ARGUMENTS)
def test_functions_have_the_bytes_they_had(name):
    i = np.arange(1, 2**14)
    grid = i * 2.0**-14  # all exact, whoever computes them
    grid = (grid - 0.5) * 1500 if name == "exp" else grid
    grid = np.ldexp(grid, i % 2001 - 1000) if name == "log" else grid
    assert sha256(getattr(draws, name)(grid)) == PINNED[name]
    assert sha256(each(getattr(draws, f"{name}_"), grid)) == PINNED[name]
