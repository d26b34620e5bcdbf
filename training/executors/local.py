"""The engine of this machine: processes, each with its share of the memory.

Processes rather than threads: a bucket spends a good part of its time in pandas, which holds the interpreter lock. Each worker
has a pipe of its own, so when one is killed it is known which item it had: that item alone is retried, and named if it
kills its worker every time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import Any, Self, TypeVar

import pyarrow as pa

from features.partitions.executor import Done, attempt
from features.partitions.memory import Budget

T = TypeVar("T")
R = TypeVar("R")

POOL = "ARROW_DEFAULT_MEMORY_POOL"
TRIES = 3  # of an item whose worker was killed
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
SECONDS = 5  # for a worker to end by itself
KILLED = (
    "its worker was killed, {} times; most often it ran out of memory. Give `engine: {{memory: …}}` less than the machine has: "
    "buckets are smaller then"
)


@dataclass
class Worker:
    """A process and our end of its pipe; `item` is what it works on."""

    process: Any
    pipe: Connection
    item: int | None = None

    @classmethod
    def start(cls, context: BaseContext) -> Worker:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)  # type: ignore[attr-defined]
        process.start()
        theirs.close()
        return cls(process, ours)

    def end(self) -> None:
        """Let it go when it waits for work, else take it away."""
        self.pipe.close()
        self.process.join(SECONDS if self.item is None else 0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(SECONDS)


def given_back() -> None:
    """Let Arrow have its memory from the system, here and in processes that are started from now on: what large tables took is
    given back at once, where Arrow's own allocator keeps it for a while and takes other memory beside it.

    `ARROW_DEFAULT_MEMORY_POOL` says otherwise where it is set.
    """
    if POOL not in os.environ:
        os.environ[POOL] = "system"
        pa.set_memory_pool(pa.system_memory_pool())


class Local:
    """Processes of this machine.

    With one worker, or a single item, `map` works in this very process, unless it must be `isolated`.
    """

    apart = False

    def __init__(self, budget: Budget, *, outside: bool = False) -> None:
        given_back()
        self.budget = budget
        self.outside = outside
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()

    def rest(self) -> None:
        """Let the workers go; they are started again when there is work."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[R]]:
        """As the protocol says. Where it is not read to the end, what is under way is taken away."""
        if not self.outside and (self.budget.workers == 1 or len(items) < 2):
            for index, item in enumerate(items):
                yield attempt(function, index, item)
            return
        yield from self._outside(function, items)

    def alone(self, function: Callable[[T], R], item: T) -> Done[R]:
        """In a process that ends with it: libraries such as LightGBM keep what they have let go of.

        A worker, as of a client among many, may not have workers; there it is done in the worker itself.
        """
        if multiprocessing.current_process().daemon:
            return attempt(function, 0, item)
        self.rest()
        try:
            return next(self._outside(function, [item]))
        finally:
            self.rest()

    def _outside(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[R]]:
        todo, tries, open_ = deque(range(len(items))), [0] * len(items), len(items)
        try:
            while open_:
                self._give(function, items, todo)
                for worker in self._ended():
                    index = self._taken(worker)
                    try:
                        found: Done[R] = worker.pipe.recv()
                    except (EOFError, OSError):
                        self._lose(worker)
                        tries[index] += 1
                        if tries[index] < TRIES:
                            todo.append(index)
                            continue
                        found = Done(index, None, KILLED.format(TRIES))
                    open_ -= 1
                    yield found
        finally:
            for worker in [w for w in self._workers if w.item is not None]:
                self._lose(worker)

    @staticmethod
    def _taken(worker: Worker) -> int:
        """What it had; it has nothing now."""
        index, worker.item = worker.item, None
        assert index is not None  # noqa: S101  only those with an item are waited for
        return index

    def _give(self, function: Callable[[T], R], items: Sequence[T], todo: deque[int]) -> None:
        """Work for all who wait for it."""
        context = _context()
        while todo and (idle := self._idle(context)):
            idle.item = todo.popleft()
            try:
                idle.pipe.send((function, idle.item, items[idle.item]))
            except (BrokenPipeError, OSError):  # it died while it waited
                todo.appendleft(idle.item)
                self._lose(idle)

    def _idle(self, context: BaseContext) -> Worker | None:
        for worker in self._workers:
            if worker.item is None:
                return worker
        if len(self._workers) < self.budget.workers:
            self._workers.append(Worker.start(context))
            return self._workers[-1]
        return None

    def _ended(self) -> list[Worker]:
        """Those that have an answer, or will never have one."""
        of = {worker.pipe: worker for worker in self._workers if worker.item is not None}
        return [of[pipe] for pipe in wait(list(of)) if isinstance(pipe, Connection)]

    def _lose(self, worker: Worker) -> None:
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.kill()
        worker.process.join(SECONDS)


def _context() -> BaseContext:
    """Workers are forked from a process that has imported everything and done nothing, where that can be."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.jobs.tasks"])
    return context


def _work(pipe: Connection) -> None:
    """A worker: one item after the other, until nobody gives it any more. There is one for each processor already.

    Whoever started it takes it away when stopped, so Ctrl-C is not for it; when that process is gone, so is the worker.
    """
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            function, index, item = pipe.recv()
        except EOFError:
            return
        pipe.send(attempt(function, index, item))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
