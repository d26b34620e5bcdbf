"""Pieces of work in threads. They gain where they let go of Python's lock (GIL), as compiled code, NumPy and Arrow do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

CORES = os.cpu_count() or 1  # asking takes as long as a lead
MOST_THREADS = 8  # of the work on a batch
MIN_ROWS = 256  # for which another thread is worth its start
TURN = 0.0005  # seconds, a tenth of Python's own


def side_by_side(work: Callable[[T], R], items: Sequence[T], threads: int | None = None) -> list[R]:
    """What `work` gives for each of the items, in their order; at most so many `threads`, all cores where it is not said.

    A single item, or a single thread, is worked on where the caller is. What goes wrong in one is raised when all have ended.
    """
    workers = min(threads or CORES, len(items))
    if workers < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))


def begin(work: Callable[[], R]) -> Callable[[], R]:
    """What waits for the result of a work that has been begun in a thread of its own, and raises what went wrong in it."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future.result


def by_rows(work: Callable[[slice], object], rows: int, threads: int | None = None) -> None:
    """The work on blocks of 0 … rows, at most so many `threads` and `MOST_THREADS`: few long blocks, since after each one
    Python's lock is waited for, which others may hold."""
    size = max(MIN_ROWS, -(-rows // min(threads or CORES, MOST_THREADS)))
    side_by_side(work, [slice(begin, min(begin + size, rows)) for begin in range(0, rows, size)], threads)


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
