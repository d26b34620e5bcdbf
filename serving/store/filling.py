"""A store that another process fills, as that process says so itself: how far it is, and that it is still at it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, select

from features.common.clock import DAY
from serving.store.connect import StoreError, insert
from serving.store.tables import facts

FACT = "filling"
BEAT = 5.0  # seconds between two signs of life
STALE = DAY // 1440  # without one, whoever filled the store has ended without saying so


@dataclass(frozen=True)
class Filling:
    """Rows of a table that are in the store, and how many there will be; the table is "" while the data are still read."""

    table: str = ""
    completed: int = 0
    total: int = 0


def current_filling(connection: Connection, now: int) -> Filling | None:
    """What is being loaded at the moment `now` (µs); None where nothing is."""
    text = connection.execute(select(facts.c.value).where(facts.c.name == FACT)).scalar()
    if text is None:
        return None
    noted: dict[str, Any] = json.loads(text)
    return Filling(**noted) if abs(now - noted.pop("at")) < STALE else None


class FillingNote:
    """The note of who fills a store: it may be late, but it stops nobody from filling. `transact` does work in a transaction
    of the store, `clock` says microseconds since 1970."""

    def __init__(self, transact: Callable[[Callable[[Connection], object]], object], clock: Callable[[], int]) -> None:
        self._transact, self._clock = transact, clock
        self._filling, self._ended = Filling(), threading.Event()

    def update(self, table: str, completed: int, total: int) -> None:
        """So many rows of a table are in the store."""
        self._filling = Filling(table, completed, total)
        self._write()

    @contextmanager
    def shown(self) -> Iterator[FillingNote]:
        """While the store is filled, the note is there and fresh; afterwards it is not."""
        self._write()
        beats = threading.Thread(target=self._beat, name="ripeline-filling", daemon=True)
        beats.start()
        try:
            yield self
        finally:
            self._ended.set()
            beats.join()
            with suppress(StoreError):
                self._transact(lambda connection: connection.execute(delete(facts).where(facts.c.name == FACT)))

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            self._write()

    def _write(self) -> None:
        row = {"name": FACT, "value": json.dumps({**asdict(self._filling), "at": self._clock()})}

        def work(connection: Connection) -> None:
            written = insert(connection, facts)
            written = written.on_conflict_do_update(index_elements=["name"], set_={"value": written.excluded.value})
            connection.execute(written, [row])

        with suppress(StoreError):
            self._transact(work)
