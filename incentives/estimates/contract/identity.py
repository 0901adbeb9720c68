"""Identifiers: the same one in every frame, as the whole numbers that estimators count with.

Whole numbers stay as they are. Where any identifier of an entity is text, all of that entity are
numbered in sorted order. With a secret key they are first replaced by keyed digests.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from incentives.estimates.contract.conversion import empty
from incentives.estimates.contract.declaration import CONTRACT

__all__ = ["ENTITIES", "numbered"]

ENTITIES = ("contact", "agent", "team", "customer")
NOBODY = -1
SHORTEST_KEY = 16  # characters


class Place(NamedTuple):
    """Where identifiers of an entity stand: a column, and the rows of it that are of the entity."""

    frame: str
    column: str
    rows: npt.NDArray[np.bool_] | slice


def numbered(frames: dict[str, pd.DataFrame], key: str | None) -> dict[str, pa.Array]:
    """Turn identifiers into whole numbers, in place; nobody is -1.

    Parameters
    ----------
    frames
        With identifiers as they stand in the files.
    key
        A secret of at least 16 characters: identifiers are replaced by keyed digests first. It
        is used here and kept nowhere.

    Returns
    -------
    dict of pyarrow.Array
        For each entity whose identifiers were text, these (or their digests) in the order of the
        numbers.
    """
    if key is not None and len(key) < SHORTEST_KEY:
        raise ValueError(
            f"pseudonym_key must have at least {SHORTEST_KEY} characters, got {len(key)}: "
            "a short one can be guessed"
        )
    found = {entity: _places(frames, entity) for entity in ENTITIES}
    made: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    names = {}
    for entity, places in found.items():
        texts = [_as_written(frames[p.frame][p.column][p.rows]) for p in places]
        if key is None and all(whole for whole, _ in texts):
            numbers = [values for _, values in texts]
        else:
            columns = [_as_text(values) if whole else values for whole, values in texts]
            if key is not None:
                columns = [_digested(values, entity, key) for values in columns]
            names[entity], numbers = _ordered(columns)
        for place, values in zip(places, numbers, strict=True):
            made.setdefault((place.frame, place.column), []).append((place.rows, values))
    for (frame, column), parts in made.items():
        whole = np.full(len(frames[frame]), NOBODY, dtype=np.int64)
        for rows, numbered_ones in parts:
            whole[rows] = numbered_ones
        frames[frame][column] = whole
    return names


def _places(frames: dict[str, pd.DataFrame], entity: str) -> list[Place]:
    """Find the columns of an entity; `assignments.unit_id` is of the unit that stands beside."""
    places = [
        Place(name, column.name, slice(None))
        for name, frame in frames.items()
        for column in CONTRACT[name].columns
        if column.entity == entity and column.name in frame
    ]
    assigned = frames.get("assignments", pd.DataFrame())
    if {"unit", "unit_id"} <= set(assigned) and entity in ("agent", "team"):
        rows = np.asarray(assigned["unit"] == entity, dtype=bool)
        places.append(Place("assignments", "unit_id", rows))
    return places


def _as_written(values: pd.Series) -> tuple[bool, Any]:
    """Give identifiers as whole numbers, if all are, or else as texts."""
    missing = empty(values)
    if pd.api.types.is_integer_dtype(values.dtype) and not missing.any():
        return True, values.to_numpy(dtype=np.int64)
    if pd.api.types.is_float_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        if (missing | (numbers == np.round(numbers))).all():
            return True, np.where(missing, NOBODY, numbers).astype(np.int64)
    stripped = values.astype("str").str.strip().mask(missing)
    text = pa.array(stripped, pa.large_string())
    if isinstance(text, pa.ChunkedArray):  # as a file was read, block by block
        text = text.combine_chunks()
    try:
        whole = pc.cast(text, pa.int64())
    except pa.ArrowInvalid:
        return False, text
    if not pc.all(pc.equal(pc.cast(whole, pa.large_string()), text), min_count=0).as_py():
        return False, text  # such as 007, which is not 7
    return True, pc.fill_null(whole, NOBODY).to_numpy(zero_copy_only=False)


def _as_text(values: npt.NDArray[np.int64]) -> pa.Array:
    """Give whole numbers as texts, nobody as nothing."""
    return pc.cast(pa.array(values, mask=values == NOBODY), pa.large_string())


def _digested(texts: pa.Array, entity: str, key: str) -> pa.Array:
    """Replace identifiers by keyed digests; agents and teams of one name get different ones."""
    coded = pc.dictionary_encode(texts)
    digests = [
        hashlib.blake2b(
            text.encode(), digest_size=8, key=_secret(key), person=entity.encode()
        ).hexdigest()
        for text in coded.dictionary.to_pylist()
    ]
    return pc.take(pa.array(digests, pa.large_string()), coded.indices)


def _secret(key: str) -> bytes:
    """Make of a key of any length one that BLAKE2 takes."""
    return hashlib.blake2b(key.encode()).digest()


def _ordered(columns: list[pa.Array]) -> tuple[pa.Array, list[npt.NDArray[np.int64]]]:
    """Number texts in sorted order over all columns."""
    found = pc.drop_null(pc.unique(pa.chunked_array(columns)))
    names = pc.cast(pc.take(found, pc.sort_indices(found)), pa.large_string())
    places = [pc.fill_null(pc.index_in(texts, names), NOBODY) for texts in columns]
    numbers = [place.to_numpy(zero_copy_only=False).astype(np.int64) for place in places]
    return names, numbers
