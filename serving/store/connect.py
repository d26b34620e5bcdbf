"""Connections: an engine from an address, transactions that fit the database, and trouble in words without the password."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.sql.schema import Table

from features.common.errors import ConfigError, RipelineError

T = TypeVar("T")
KINDS = ("sqlite", "postgresql")
WAIT = 5  # seconds for a lock, a connection or a free place in the pool
SLOW = 30_000  # milliseconds after which PostgreSQL gives up a statement
POOL = 10
RETRYABLE = ("deadlock detected", "could not serialize access")  # rolled back for sure: safe to retry
ATTEMPTS = 3
WRITE_LOCK = 7_219_004  # advisory lock: writers share it, an erasure has it alone


class StoreError(RipelineError):
    """The database cannot be asked now; later it may."""

    status = 503


def address(text: str) -> URL:
    """The address of a store.

    Raises
    ------
    ConfigError
        for one that is neither SQLite nor PostgreSQL; a password in it is not repeated.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in KINDS:
        raise ConfigError(
            f"RIPELINE_STORE names no database that can be a store{f' ({url.get_backend_name()})' if url else ''}.",
            "Write sqlite:///artefacts/leads.db or postgresql+psycopg://user:password@host/database.",
        )
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if not url.database or url.database == ":memory:":
        raise ConfigError("A store in SQLite needs a file.", "Write sqlite:///artefacts/leads.db.")
    return url.set(database=str(Path(url.database).resolve()))


def connect(url: URL) -> Engine:
    """An engine; nothing is connected yet. Values stand in no error: they may be somebody's."""
    if url.get_backend_name() == "postgresql":
        options = f"-c statement_timeout={SLOW} -c lock_timeout={WAIT * 1000} -c timezone=UTC"
        arguments = {"connect_timeout": WAIT, "application_name": "ripeline", "options": options}
        return create_engine(
            url,
            pool_pre_ping=True,
            pool_size=POOL,
            max_overflow=0,
            pool_timeout=WAIT,
            hide_parameters=True,
            connect_args=arguments,
        )
    engine = create_engine(
        url, pool_size=POOL, max_overflow=0, pool_timeout=WAIT, hide_parameters=True, connect_args={"timeout": WAIT}
    )
    event.listen(engine, "connect", set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    """Readers beside a writer (write-ahead log), nothing acknowledged that is not on disk, no row without what it points to, no
    trace of what was deleted."""
    connection.isolation_level = None  # transactions are begun by us
    connection.create_function("lower", 1, _lower, deterministic=True)  # SQLite's own knows ASCII alone
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={WAIT * 1000}",
        "secure_delete=ON",
        "cache_size=-16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _begin(connection: Connection) -> None:
    """A writer is one from the beginning: one that had read first would fail where another wrote meanwhile."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads and sees one state of everything.

    Raises
    ------
    StoreError
        where the database cannot be asked.
    """
    level = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with translate_errors(engine), engine.connect().execution_options(**level) as connection, connection.begin():
        yield connection


def writing(engine: Engine, work: Callable[[Connection], T], *, exclusive: bool = False) -> T:
    """Do `work` in one transaction, all of it or nothing; `exclusive`: while no other writes.

    Raises
    ------
    StoreError
        where the database cannot be asked, or its disk is full. Nothing was written then, or, where the connection broke at
        the very end, everything.
    """
    for attempt in range(ATTEMPTS):
        try:
            with translate_errors(engine), engine.connect().execution_options(writes=True) as connection, connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.execute(text(f"SELECT pg_advisory_xact_lock{'' if exclusive else '_shared'}({WRITE_LOCK})"))
                return work(connection)
        except StoreError as error:
            if attempt + 1 == ATTEMPTS or not any(phrase in error.fact for phrase in RETRYABLE):
                raise
    raise AssertionError("unreachable")


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Trouble of the database as one of our errors: in its own words, without statement, values and password."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreError("The store is busy: no connection became free.", "Come again in a moment.") from error
    except DBAPIError as error:
        passing = isinstance(error, (OperationalError, InterfaceError, InternalError))
        if not (passing or error.connection_invalidated):
            raise
        raise StoreError(
            f"The store cannot be asked: {_error_text(error.orig, engine.url)}", "It is tried again by itself."
        ) from None
    except (sqlite3.OperationalError, psycopg.OperationalError) as error:  # past SQLAlchemy, in bulk
        raise StoreError(
            f"The store cannot be asked: {_error_text(error, engine.url)}", "It is tried again by itself."
        ) from None


def _error_text(error: BaseException | None, url: URL) -> str:
    words = " ".join(str(error).split())[:300]
    return words.replace(str(url.password), "…") if url.password else words


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, in the words of the database."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)
