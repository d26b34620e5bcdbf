"""Group commit: who writes waits, together with all others who wait, for one transaction, and is answered when it is on disk.

A write to disk takes as long for a hundred rows as for one. While one transaction is on its way those who come meanwhile
gather, and are the next one: nobody waits longer than for two, and the busier it gets the larger the groups are. What one of a
group does wrong is its own: works stand behind savepoints, and where a group fails because of what is in it each goes alone.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Connection

from features.common.errors import RequestError
from serving.store.connect import StoreError
from serving.store.erasures import Erased
from serving.store.interactions import Batch, ingest

LOCK_TIMEOUT = "lock timeout"  # what PostgreSQL says where one row is another's for too long
MOST_EVENTS = 10_000  # of a group; one request may hold as many
STOP_SECONDS = 10.0  # for what waits when the process stops
WRITERS = {"sqlite": 1, "postgresql": 2}  # threads that commit: SQLite has one writer, elsewhere one gathers while one commits
Outcome = Any  # what a write answered, or the exception that it raised


@dataclass(frozen=True)
class Task:
    """A write of one request: `run` does it in a transaction and answers; about which lead, and when it came in (µs)."""

    run: Callable[[Connection], Any]
    lead_id: str
    received_at: int


Write = Batch | Task
Commit = Callable[[Sequence[Write]], list[Outcome]]


@dataclass(frozen=True)
class _Waiting:
    item: Write
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Outcome]

    @property
    def size(self) -> int:
        return len(self.item.events) if isinstance(self.item, Batch) else 1


class GroupCommit:
    """The writers of one process. `commit` does a group in one transaction and gives an outcome for each; it raises only what
    concerns all of it."""

    def __init__(self, commit: Commit, writers: int) -> None:
        self._commit, self._writers = commit, writers
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False

    def write(self, item: Write) -> Awaitable[Outcome]:
        """What becomes of a write, when it is on disk. Who does not wait for it any more does not undo it."""
        if not self._threads:
            self._start()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(item, loop, loop.create_future())
        if self._closed:
            waiting.answer.set_exception(StoreError("The store is being closed.", "Ask again in a moment."))
        else:
            self._queue.put(waiting)
        return waiting.answer

    def close(self) -> None:
        """Write what waits, and end."""
        with self._lock:
            self._closed = True
            for _ in self._threads:
                self._queue.put(None)
            for thread in self._threads:
                thread.join(STOP_SECONDS)
            self._threads = []

    def _start(self) -> None:
        with self._lock:
            if self._threads or self._closed:
                return
            self._threads = [
                threading.Thread(target=self._run, name=f"ripeline-write-{number}", daemon=True)
                for number in range(self._writers)
            ]
            for thread in self._threads:
                thread.start()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, ends = self._gather(first)
            _settle(group, self._outcomes([waiting.item for waiting in group]))
            if ends:
                return

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """All that waits, up to so many events; whether it is the end."""
        group, size = [first], first.size
        while size < MOST_EVENTS:
            try:
                waiting = self._queue.get_nowait()
            except Empty:
                break
            if waiting is None:
                return group, True
            group.append(waiting)
            size += waiting.size
        return group, False

    def _outcomes(self, items: Sequence[Write]) -> list[Outcome]:
        try:
            return self._commit(items)
        except StoreError as error:
            if len(items) == 1 or LOCK_TIMEOUT not in error.fact:  # the database or its disk: it is the same for all
                return [error] * len(items)
        except Exception as error:
            if len(items) == 1:
                return [error]
        return [outcome for item in items for outcome in self._outcomes([item])]


def together(connection: Connection, items: Sequence[Write], erased: Erased) -> list[Outcome]:
    """Writes in a transaction → an outcome for each: interactions as one, works one after the other."""
    outcomes: list[Outcome] = [None] * len(items)
    batches = [(position, item) for position, item in enumerate(items) if isinstance(item, Batch)]
    if batches:
        results = ingest(connection, [batch for _, batch in batches], erased)
        for (position, _), result in zip(batches, results, strict=True):
            outcomes[position] = result
    tasks = [(position, item) for position, item in enumerate(items) if isinstance(item, Task)]
    # in the order of leads, so that two groups do not wait for each other; of one lead in that in which they came
    for position, task in sorted(tasks, key=lambda pair: pair[1].lead_id):
        try:
            with connection.begin_nested():
                outcomes[position] = task.run(connection)
        except RequestError as error:  # anything else is the group's, and then each goes alone
            outcomes[position] = error
    return outcomes


def _settle(group: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    """Tell those who wait, each loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Outcome], Outcome]]] = defaultdict(list)
    for waiting, outcome in zip(group, outcomes, strict=True):
        by_loop[waiting.loop].append((waiting.answer, outcome))
    for loop, answers in by_loop.items():
        with suppress(RuntimeError):  # the loop has ended, and nobody waits on it
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: Sequence[tuple[asyncio.Future[Outcome], Outcome]]) -> None:
    for answer, outcome in answers:
        if answer.done():  # the client has gone
            continue
        if isinstance(outcome, BaseException):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)
