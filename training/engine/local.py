"""The engine of this machine: processes, each with its share of the memory.

Processes rather than threads: a bucket spends about half its time in pandas, which holds the interpreter lock (measured: two
processes 1.9 × one, two threads 1.3 ×). A worker that is killed takes only its own item with it: the item is tried again, alone
at last, and named if it cannot be finished.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Self, TypeVar

from features.buckets.memory import Budget
from features.buckets.work import Done, attempt

T = TypeVar("T")
R = TypeVar("R")

TRIES = 3  # of an item whose worker was killed
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
KILLED = (
    "its worker was killed, {} times; most often it ran out of memory. Give `engine: {{memory: …}}` less than the machine has: "
    "buckets are smaller then"
)


class Local:
    """Processes of this machine; with one worker, or a single item, this very process."""

    apart = False

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[R]]:
        """As the protocol says; at most as many items as workers are on their way, so it is known which were lost."""
        if self.budget.workers == 1 or len(items) < 2:
            for index, item in enumerate(items):
                yield attempt(function, index, item)
            return
        tries = [0] * len(items)
        todo = list(range(len(items)))
        on_the_way: dict[Future[Done[R]], int] = {}
        suspects: list[int] = []
        try:
            while todo or on_the_way or suspects:
                if not todo and not on_the_way:
                    yield from self._alone(function, items, suspects, tries)
                    return
                while todo and len(on_the_way) < self.budget.workers:
                    index = todo.pop(0)
                    on_the_way[self._workers().submit(attempt, function, index, items[index])] = index
                ended, _ = wait(on_the_way, return_when=FIRST_COMPLETED)
                lost = []
                for future in ended:
                    index = on_the_way.pop(future)
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        lost.append(index)
                if lost:
                    lost += list(on_the_way.values())
                    on_the_way.clear()
                    self._close()
                    for index in lost:
                        tries[index] += 1
                        (suspects if tries[index] >= TRIES - 1 else todo).append(index)
        finally:
            if on_the_way:
                self._close()

    def _alone(
        self, function: Callable[[T], R], items: Sequence[T], suspects: Sequence[int], tries: list[int]
    ) -> Iterator[Done[R]]:
        """Those that were lost again, one at a time: whichever kills its worker now does it by itself."""
        for index in suspects:
            try:
                yield self._workers().submit(attempt, function, index, items[index]).result()
            except BrokenProcessPool:
                self._close()
                yield Done(index, None, KILLED.format(tries[index] + 1))

    def _workers(self) -> ProcessPoolExecutor:
        if self._pool is None:
            method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
            context = multiprocessing.get_context(method)
            if method == "forkserver":
                context.set_forkserver_preload(["training.scale.tasks"])
            self._pool = ProcessPoolExecutor(self.budget.workers, mp_context=context, initializer=_one_thread)
        return self._pool

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _one_thread() -> None:
    """There is a process for each processor already."""
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
