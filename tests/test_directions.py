"""Each declared parameter of each mechanism moves what its declaration says, in that direction.

Twins with the parameter at its low and at its high end are measured on the stage that
`directions` names for the phrase; the mean paired difference has the declared sign, and a t test on
as few worlds as there are finds it at 2.5 % (where nothing is drawn, there is no error).
"""

from typing import Any

import numpy as np
import pytest
from directions import DATES, STAGES, declared, elsewhere, ends, split
from scipy import stats

MOVING = [(code, item) for code, item in declared() if item.moves]
NAMES = [f"{code}.{item.name}" for code, item in MOVING]
BY_CHANCE = 0.025  # that nothing looks so far from nothing


@pytest.fixture(scope="module")
def kept() -> dict[Any, np.ndarray]:
    """What was run before: ends at the stage's own value are shared between parameters."""
    return {}


@pytest.mark.slow
@pytest.mark.parametrize(("code", "item"), MOVING, ids=NAMES)
def test_a_parameter_moves_what_it_says(code: str, item: Any, kept: dict[Any, np.ndarray]) -> None:
    sign, phrase = split(item.moves)
    low, high = ends(code, item, kept)
    gap = sign * (high - low)
    error, needed = gap.std(ddof=1) / np.sqrt(len(gap)), stats.t.isf(BY_CHANCE, len(gap) - 1)
    assert gap.mean() > needed * error, f"{phrase}: {low.mean():g} at low, {high.mean():g} at high"


@pytest.mark.quick
def test_every_parameter_says_what_it_moves_but_dates() -> None:
    silent = {(code, item.name) for code, item in declared() if not item.moves}
    assert silent == set(DATES)
    assert all(item.moves[0] in "+-" for _, item in declared() if item.moves)


@pytest.mark.quick
def test_every_phrase_has_a_stage_and_every_stage_a_parameter() -> None:
    phrases = {(code, split(item.moves)[1]) for code, item in MOVING}
    assert set(STAGES) <= phrases
    found = [(code, split(item.moves)[1]) in STAGES or elsewhere(code, item.moves) is not None
             for code, item in MOVING]  # fmt: skip
    assert [name for name, there in zip(NAMES, found, strict=True) if not there] == []
