"""Compiling with numba: kept on disk between processes where that is possible, compiled anew in each where it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """The function compiled at its first call, without Python's lock while it runs. Sums may be added in another order."""
    return _made(function, fastmath={"reassoc", "contract"})


def exact(function: F) -> F:
    """As `compiled`, each operation as it is written: the same numbers whatever else is in the call."""
    return _made(function)


def _made(function: F, **options: Any) -> F:
    try:
        made = numba.njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # a read-only file system without a home: nowhere to keep it
        made = numba.njit(nogil=True, **options)(function)
    return cast("F", made)


def inlined(function: F) -> F:
    """The function written into those that call it."""
    return cast("F", numba.njit(inline="always")(function))


def packed(parts: Sequence[Sequence[float] | npt.NDArray[Any]], dtype: type[np.generic]) -> npt.NDArray[Any]:
    """Many arrays as one, since each that is handed to compiled code costs a tenth of a microsecond. Where each part begins
    stands in front; `part` takes one out again."""
    begin = np.cumsum([len(parts) + 1, *(len(one) for one in parts)])
    return np.concatenate([begin.astype(dtype), *(np.asarray(one, dtype) for one in parts)])


@inlined
def part(table: Any, number: int) -> Any:
    """A part of what `packed` made, within compiled code."""
    return table[np.int64(table[number]) : np.int64(table[number + 1])]
