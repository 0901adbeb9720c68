"""Compile the kernel: which decorator to use where, and where machine code is kept.

``rule`` is for small scalar functions that the kernel calls: they are compiled into whatever
calls them. ``compiled`` is for the few entry points that Python calls: their machine code is
kept on disk between processes.

Numba's own cache looks at the file that holds the function and at no other, so that a changed
rule in ``gaming.py`` would leave a stale kernel. ``compiled`` keeps the code in a folder that is
named after a digest of every source file that rules may stand in: another text, another folder.
"""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic, overload, register_jitable

__all__ = ["batch", "compiled", "is_ready", "prefetch", "rule", "whole"]

F = TypeVar("F", bound=Callable[..., Any])

CONFIG: Any = numba.config  # made of attributes that no type checker sees
EMIT: Any = cgutils  # the same
ENTRY: dict[str, Any] = {
    "error_model": "numpy",
    "_nrt": False,  # no reference counts, so no arrays are made: all memory is the caller's
    "no_cfunc_wrapper": True,
}
BATCH: dict[str, Any] = {
    **ENTRY,
    "no_cpython_wrapper": True,  # only the kernel calls the machine code: a third less to compile
}
RULE: dict[str, Any] = {**BATCH, "forceinline": True}
PACKAGE = Path(__file__).parent
SOURCES = ("*.py", "pay/*.py")  # where rules stand, and all that they read
STALE_AFTER = 600.0  # seconds; a younger folder may still be written to by another process


def rule(function: F) -> F:
    """Compile a small scalar function into the kernel functions that call it.

    There division by zero gives an infinity or a NaN, as in NumPy, and no operation is reordered.
    Called from Python, it runs as it is written, and nothing is compiled.

    Parameters
    ----------
    function
        Scalars and arrays in, scalars or a tuple of scalars out; it makes no arrays.

    Examples
    --------
    >>> @rule
    ... def half(x: float) -> float:
    ...     return 0.5 * x
    >>> half(3.0)
    1.5
    """
    return register_jitable(**RULE)(function)


@rule
def whole(index: int) -> int:
    """Return an index of 0 or more, below 2³¹, in a way that tells the compiler so.

    A negative index counts from the end, and whether it does is otherwise asked at every look.
    """
    return index & 0x7FFF_FFFF


def batch(function: F) -> F:
    """Compile a function of the kernel by itself: a loop over arrays, or what few contacts need.

    What is compiled into its caller makes that larger, and slower to compile than in proportion.
    """
    return register_jitable(**BATCH)(function)


def compiled(function: F) -> F:
    """Compile an entry point and keep its machine code until a source of the kernel changes.

    Parameters
    ----------
    function
        A function of a module of this package; what it calls are rules.

    Notes
    -----
    The folder is ``__pycache__/kernel-<digest>`` inside the package, or the same under
    ``~/.cache/incentives`` where the package cannot be written to, or inside
    ``NUMBA_CACHE_DIR`` where that is set. Where nothing can be written to, the function is
    compiled anew in each process.
    """
    folder = _folder(digest(), CONFIG.CACHE_DIR)
    if folder is None:
        return cast(F, numba.njit(**ENTRY)(function))
    before = CONFIG.CACHE_DIR
    CONFIG.CACHE_DIR = str(folder)  # Numba reads it while it decorates, and only then
    try:
        return cast(F, numba.njit(**ENTRY, cache=True)(function))
    finally:
        CONFIG.CACHE_DIR = before


def is_ready(function: Callable[..., Any]) -> bool:
    """Tell whether an entry point has its machine code in this process; without the JIT, always."""
    return bool(getattr(function, "signatures", True))


def as_written(function: F) -> F:
    """Return the Python function behind a compiled one, to be applied to arrays.

    Parameters
    ----------
    function
        What a decorator of this page returned, with the JIT on or off.
    """
    return cast(F, getattr(function, "py_func", function))


@cache
def digest() -> str:
    """Return 16 hexadecimal digits that change when any file does that rules may stand in."""
    text = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in PACKAGE.glob(pattern)):
        source = path.read_bytes()
        text.update(f"{path.relative_to(PACKAGE).as_posix()} {len(source)}\n".encode())
        text.update(source)
    return text.hexdigest()[:16]


@cache
def _folder(digest: str, chosen: str) -> Path | None:
    """Return a folder of this digest that can be written to, made if it was not there."""
    name = f"kernel-{digest}"
    for parent in _parents(chosen):
        folder = parent / name
        try:
            is_new = not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            continue
        if is_new and not chosen:
            _sweep(parent, keep=folder)
        return folder
    return None


def _parents(chosen: str) -> Iterator[Path]:
    """Yield the places where a folder may be made, the best first."""
    if chosen:
        yield Path(chosen)
        return
    yield PACKAGE / "__pycache__"
    try:
        yield Path.home() / ".cache" / "incentives"
    except RuntimeError:  # a user without a home
        return


def _sweep(parent: Path, *, keep: Path) -> None:
    """Remove the folders of earlier digests, unless another process has just written to them."""
    for folder in parent.glob("kernel-*"):
        try:
            written = max(path.stat().st_mtime for path in [folder, *folder.rglob("*")])
        except OSError:  # another process is removing it
            continue
        if folder != keep and time.time() - written > STALE_AFTER:
            shutil.rmtree(folder, ignore_errors=True)


# -- memory ---------------------------------------------------------------------------------------


@intrinsic
def _prefetch(_context: Any, array: Any, _row: Any) -> Any:
    """Emit the machine's own instruction: nothing waits for it, and nothing depends on it."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        held = context.make_array(signature.args[0])(context, builder, given[0])
        first = builder.bitcast(held.data, EMIT.voidptr_t)
        stride = builder.extract_value(held.strides, 0)
        place = builder.gep(first, [builder.mul(given[1], stride)])
        word, nothing = EMIT.int32_t, EMIT.ir.VoidType()
        kind = EMIT.ir.FunctionType(nothing, [EMIT.voidptr_t, word, word, word])
        fetch = EMIT.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(fetch, [place, word(0), word(3), word(1)])  # to read, soon again, data
        return context.get_dummy_value()

    return types.void(array, types.intp), code


def prefetch(array: Any, row: int) -> None:
    """Have a row brought near the processor, some time before it is read.

    Customers lie all over memory, and a contact that has to wait for its customer's row waits
    longer than it computes. Without the JIT nothing happens.
    """


@overload(prefetch)
def _compiled_prefetch(array: Any, row: Any) -> Any:
    def fetch(array: Any, row: Any) -> Any:
        return emit(array, row)

    emit: Any = _prefetch
    return fetch if isinstance(array, types.Array) and isinstance(row, types.Integer) else None
