"""A few pieces of work in threads. They gain by it where they let go of Python's lock, as compiled code, NumPy and Arrow do."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

CORES = os.cpu_count() or 1


def side_by_side(works: Sequence[Callable[[], T]], threads: int | None = None) -> list[T]:
    """What each of the works gives, in their order; at most so many `threads`, all cores where it is not said."""
    most = min(threads or CORES, len(works))
    if most < 2:
        return [work() for work in works]
    with ThreadPoolExecutor(most) as pool:
        return list(pool.map(_done, works))


def _done(work: Callable[[], T]) -> T:
    return work()
