"""The store of one process: its database, how ids are called in it, and whether it can be asked."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.engine import URL

from features.common.clock import DAY
from features.common.environment import revealed
from serving.common.settings import UNSET, ServingSettings
from serving.store.connect import StoreError, address, connect, insert, reading, writing
from serving.store.erasures import Erased
from serving.store.filling import Filling, current_filling
from serving.store.group_commit import WRITERS, GroupCommit, Outcome, Write, together
from serving.store.migrate import upgrade
from serving.store.pseudonyms import Ids
from serving.store.retention import Retention
from serving.store.tables import facts, leads

T = TypeVar("T")
LIVE, EXTRACTED = "live_at", "extracted_at"  # facts
HOUR = DAY // 24
_MOMENTS = select(facts.c.name, facts.c.value).where(facts.c.name.in_((LIVE, EXTRACTED)))
QUIET = 7 * DAY  # so long nothing may come in before the store takes it that nothing comes in any more
RETRY_AFTER = 2  # seconds after which to come again where the database does not answer
NOT_OPEN = "The store has not been opened yet."


class Store:
    """`erased` remembers who was erased, `retention` how long things are kept, `hours` after which a score is old."""

    def __init__(
        self, url: URL, ids: Ids | None = None, erased: Erased | None = None, retention: Retention | None = None,
        hours: float = 24.0,
    ) -> None:  # fmt: skip
        self.url, self.engine = url, connect(url)
        self.ids, self.erased = ids or Ids(), erased or Erased()
        self.retention, self.hours = retention or Retention(), hours
        self._read_trouble, self._write_trouble = NOT_OPEN, ""
        self.wake = threading.Event()  # something waits to be scored
        self.filling: Filling | None = None  # what another process loads, as it was when last looked at
        self._open, self._closed_until = False, 0.0
        self._writers = GroupCommit(self._commit, WRITERS[self.engine.dialect.name])
        # SQLite has one writer: who waits for another of this process is woken, in place of asking the file again and again
        self._turn = threading.Lock() if self.engine.dialect.name == "sqlite" else nullcontext()
        self._live_at: int | None = None  # as far as this process knows; the store remembers it to the hour

    @classmethod
    def from_address(cls, text: str, settings: ServingSettings = UNSET) -> Store:
        """The store at an address, as the settings want it.

        Raises
        ------
        ConfigError
            for an address that cannot be read.
        """
        ids = Ids(revealed(settings.pseudonym_key))
        erased = Erased(revealed(settings.erased_key), settings.erased_kept)
        return cls(address(text), ids, erased, Retention(**settings.retention_days), settings.refresh_hours)

    def make_folder(self) -> None:
        """The folder of the file that SQLite will make; PostgreSQL needs none."""
        if self.url.database and self.engine.dialect.name == "sqlite":
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)

    def open(self) -> None:
        """Bring the schema to the newest; what was asked before that was refused.

        Raises
        ------
        StoreError
            where the database cannot be asked.
        """
        with self._track_trouble():
            upgrade(self.engine)
            self._open = True

    def close(self) -> None:
        """Write what waits, and end."""
        self._writers.close()
        self.engine.dispose()

    @property
    def opened(self) -> bool:
        return self._open

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One state of everything.

        Raises
        ------
        StoreError
            where the database cannot be asked.
        """
        self._check_available()
        with self._track_trouble(), reading(self.engine) as connection:
            yield connection

    def write(
        self, work: Callable[[Connection], T], *, exclusive: bool = False, wrote: Callable[[T], bool] = lambda _result: True
    ) -> T:
        """Do `work` in one transaction; it is done when this returns. `wrote`: whether it wrote anything, by its result; a
        transaction that did not says nothing of a full disk.

        Raises
        ------
        StoreError
            where the database cannot be asked or written.
        """
        self._check_available()
        with self._track_trouble(writes=True), self._turn:
            result = writing(self.engine, work, exclusive=exclusive)
        if wrote(result):
            self._write_trouble = ""
        return result

    def live(self, item: Write) -> Awaitable[Any]:
        """Something comes in now; what became of it, when it is on disk. All who wait share a transaction
        (`serving/store/group_commit.py`).

        Raises
        ------
        StoreError
            where the database cannot be asked or written; or what a task raises, which undoes nothing but itself.
        """
        self._check_available()
        return self._writers.write(item)

    def _commit(self, items: Sequence[Write]) -> list[Outcome]:
        """Do all of these in one transaction → an outcome for each."""
        now, live_at = max(item.received_at for item in items), self._live_at

        def work(connection: Connection) -> tuple[list[Outcome], int]:
            remembered = live_at if live_at is not None and now - live_at <= HOUR else record_activity(connection, now)
            return together(connection, items, self.erased), remembered

        outcomes, self._live_at = self.write(work)
        return outcomes

    def _check_available(self) -> None:
        if not self._open:
            raise StoreError(self.trouble or NOT_OPEN, "It is tried again by itself.")
        if monotonic() < self._closed_until:  # circuit breaker: it did not answer a second ago
            raise StoreError(self.trouble, "It is tried again by itself.")

    @property
    def trouble(self) -> str:
        """Why it cannot be asked or written, as it was tried last."""
        return self._read_trouble or self._write_trouble

    @contextmanager
    def _track_trouble(self, *, writes: bool = False) -> Iterator[None]:
        """Note why the database cannot be asked; where it can only not be written, that it can be read changes nothing."""
        try:
            yield
        except StoreError as error:
            is_away = "connect" in error.fact.lower()
            if writes and not is_away:
                self._write_trouble = error.fact
            else:
                self._read_trouble = error.fact
            if is_away:
                self._closed_until = monotonic() + 1.0
            raise
        self._read_trouble, self._closed_until = "", 0.0

    @property
    def masked_url(self) -> str:
        """The address without its password."""
        return self.url.render_as_string(hide_password=True)

    def look_for_filling(self, now: int) -> None:
        """Note whether another process fills the store at the moment `now` (µs).

        Raises
        ------
        StoreError
            where the database cannot be asked.
        """
        with self.read() as connection:
            self.filling = current_filling(connection, now)

    def empty(self) -> bool:
        """Whether nobody is in it.

        Raises
        ------
        StoreError
            where the database cannot be asked.
        """
        with self.read() as connection:
            return connection.execute(select(leads.c.lead_id).limit(1)).first() is None


def fact(connection: Connection, name: str) -> int | None:
    """A number that the store remembers."""
    value = connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar()
    return None if value is None else int(value)


def keep_fact(connection: Connection, name: str, value: int) -> None:
    """Remember a number."""
    row = {"name": name, "value": str(value)}
    written = insert(connection, facts)
    connection.execute(written.on_conflict_do_update(index_elements=["name"], set_={"value": written.excluded.value}), [row])


def record_activity(connection: Connection, now: int) -> int:
    """Something came in live; remembered to the hour → the moment that is remembered."""
    live_at = fact(connection, LIVE)
    if live_at is not None and now - live_at <= HOUR:
        return live_at
    keep_fact(connection, LIVE, now)
    return now


def scoring_moment(connection: Connection, now: int) -> int:
    """The moment at which leads are looked at where nobody names one: now, or, where nothing comes in any more, the last
    moment of which the store knows. A store that was only loaded stands still at the extraction: what happened since is not
    known, and silence would be read into it."""
    return moment_of_facts({name: int(value) for name, value in connection.execute(_MOMENTS)}, now)


def moment_of_facts(moments: Mapping[str, int], now: int) -> int:
    """The same by the moments that the store remembers: `LIVE`, `EXTRACTED`, each where there is one."""
    latest_known = max(moments[LIVE] + QUIET if LIVE in moments else 0, moments.get(EXTRACTED, 0))
    return min(now, latest_known) if latest_known else now
