"""Pieces of work in threads. They gain where they let go of Python's lock (GIL), as compiled code, NumPy and Arrow do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

CORES = os.cpu_count() or 1  # asking takes as long as a lead
MOST_THREADS = 8  # of the work on a batch
TURN = 0.0005  # seconds, a tenth of Python's own


def side_by_side(works: Sequence[Callable[[], T]], threads: int | None = None) -> list[T]:
    """What each of the works gives, in their order; at most so many `threads`, all cores where it is not said."""
    workers = min(threads or CORES, len(works))
    if workers < 2:
        return [work() for work in works]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(_call, works))


def _call(work: Callable[[], T]) -> T:
    return work()


@contextmanager
def short_turns() -> Iterator[None]:
    """While it lasts, threads of this process that want Python's lock get it soon: one that mostly works without it would else
    wait 5 ms each time it needs it for a moment, beside one that always works with it."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(min(interval, TURN))
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
