"""Compiling with numba: kept on disk between processes where that is possible, compiled anew in each where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

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
