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

from features.partitions.executor import TaskResult, attempt
from features.partitions.memory import Budget

T = TypeVar("T")
R = TypeVar("R")

POOL_VARIABLE = "ARROW_DEFAULT_MEMORY_POOL"
MAX_TRIES = 3  # of an item whose worker was killed
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
SHUTDOWN_SECONDS = 5  # for a worker to end by itself
KILLED_MESSAGE = (
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
        parent_end, child_end = context.Pipe()
        process = context.Process(target=_worker_loop, args=(child_end,), daemon=True)  # type: ignore[attr-defined]
        process.start()
        child_end.close()
        return cls(process, parent_end)

    def end(self) -> None:
        """Let it go when it waits for work, else take it away."""
        self.pipe.close()
        self.process.join(SHUTDOWN_SECONDS if self.item is None else 0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(SHUTDOWN_SECONDS)


def use_system_allocator() -> None:
    """Let Arrow have its memory from the system, here and in processes that are started from now on: what large tables took is
    given back at once, where Arrow's own allocator keeps it for a while and takes other memory beside it.

    `ARROW_DEFAULT_MEMORY_POOL` says otherwise where it is set.
    """
    if POOL_VARIABLE not in os.environ:
        os.environ[POOL_VARIABLE] = "system"
        pa.set_memory_pool(pa.system_memory_pool())


class LocalEngine:
    """Processes of this machine.

    With one worker, or a single item, `map` works in this very process, unless it must be `isolated`.
    """

    distributed = False

    def __init__(self, budget: Budget, *, isolated: bool = False) -> None:
        use_system_allocator()
        self.budget = budget
        self.isolated = isolated
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let the workers go; they are started again when there is work."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[TaskResult[R]]:
        """As the protocol says. Where it is not read to the end, what is under way is taken away."""
        if not self.isolated and (self.budget.workers == 1 or len(items) < 2):
            for index, item in enumerate(items):
                yield attempt(function, index, item)
            return
        yield from self._run_in_workers(function, items)

    def run_exclusive(self, function: Callable[[T], R], item: T) -> TaskResult[R]:
        """In a process that ends with it: libraries such as LightGBM keep what they have let go of.

        A worker, as of a client among many, may not have workers; there it is done in the worker itself.
        """
        if multiprocessing.current_process().daemon:
            return attempt(function, 0, item)
        self.release()
        try:
            return next(self._run_in_workers(function, [item]))
        finally:
            self.release()

    def _run_in_workers(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[TaskResult[R]]:
        todo, tries, open_items = deque(range(len(items))), [0] * len(items), len(items)
        try:
            while open_items:
                self._assign(function, items, todo)
                for worker in self._answering_workers():
                    index = self._take_item(worker)
                    try:
                        result: TaskResult[R] = worker.pipe.recv()
                    except (EOFError, OSError):
                        self._discard(worker)
                        tries[index] += 1
                        if tries[index] < MAX_TRIES:
                            todo.append(index)
                            continue
                        result = TaskResult(index, None, KILLED_MESSAGE.format(MAX_TRIES))
                    open_items -= 1
                    yield result
        finally:
            for worker in [w for w in self._workers if w.item is not None]:
                self._discard(worker)

    @staticmethod
    def _take_item(worker: Worker) -> int:
        """What it had; it has nothing now."""
        index, worker.item = worker.item, None
        assert index is not None  # noqa: S101  only those with an item are waited for
        return index

    def _assign(self, function: Callable[[T], R], items: Sequence[T], todo: deque[int]) -> None:
        """Work for all who wait for it."""
        context = _context()
        while todo and (idle := self._idle_worker(context)):
            idle.item = todo.popleft()
            try:
                idle.pipe.send((function, idle.item, items[idle.item]))
            except (BrokenPipeError, OSError):  # it died while it waited
                todo.appendleft(idle.item)
                self._discard(idle)

    def _idle_worker(self, context: BaseContext) -> Worker | None:
        for worker in self._workers:
            if worker.item is None:
                return worker
        if len(self._workers) < self.budget.workers:
            self._workers.append(Worker.start(context))
            return self._workers[-1]
        return None

    def _answering_workers(self) -> list[Worker]:
        """Those that have an answer, or will never have one."""
        worker_of_pipe = {worker.pipe: worker for worker in self._workers if worker.item is not None}
        return [worker_of_pipe[pipe] for pipe in wait(list(worker_of_pipe)) if isinstance(pipe, Connection)]

    def _discard(self, worker: Worker) -> None:
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.kill()
        worker.process.join(SHUTDOWN_SECONDS)


def _context() -> BaseContext:
    """Workers are forked from a process that has imported everything and done nothing, where that can be."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.jobs.tasks"])
    return context


def _worker_loop(pipe: Connection) -> None:
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
