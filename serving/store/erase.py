"""A person removed from the store (right to erasure, GDPR, article 17), with a search afterwards that proves it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Text, func, or_, select, text

from serving.store.rescore_queue import enqueue
from serving.store.retention import delete_leads
from serving.store.store import Store
from serving.store.tables import leads, metadata


@dataclass(frozen=True)
class Outcome:
    """Rows deleted and rows that still name the lead, by table; `files`: files of an embedded database in which its id still
    stands, byte for byte."""

    deleted: dict[str, int]
    remaining: dict[str, int]
    files: dict[str, int]

    @property
    def clean(self) -> bool:
        return not any(self.remaining.values()) and not any(self.files.values())


def erase(store: Store, lead_id: str, now: int, *, compact: bool = False) -> Outcome:
    """Delete everything of a lead while nobody else writes, remember the hash of its id, and look again. `compact`: let
    PostgreSQL free the space at once (VACUUM), which else it does in time.

    Raises
    ------
    StoreError
        where the database cannot be written; then nothing was deleted.
    """
    name = store.ids(lead_id)
    deleted = store.write(lambda connection: _delete(connection, store, name, now), exclusive=True)
    store.wake.set()
    if store.engine.dialect.name == "sqlite":
        raw = store.engine.raw_connection()  # the log of writes holds what was deleted until it is taken over
        try:
            raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        finally:
            raw.close()
    elif compact:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM"))
    with store.read() as connection:
        remaining = search(connection, name)
    return Outcome(deleted, remaining, _in_files(store, name))


def _delete(connection: Connection, store: Store, name: str, now: int) -> dict[str, int]:
    company = select(leads.c.company_id).where(leads.c.lead_id == name).scalar_subquery()
    colleague = select(leads.c.lead_id).where(leads.c.company_id == company, leads.c.lead_id != name).limit(1)
    colleagues = list(connection.execute(colleague).scalars())
    deleted = delete_leads(connection, [name])
    store.erased.remember(connection, name, now)
    enqueue(connection, colleagues, now)  # they have one colleague less
    return deleted


def search(connection: Connection, name: str) -> dict[str, int]:
    """Rows by table that name the lead in any column of text, as the whole value or quoted within one."""
    counts = {}
    for table in metadata.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, Text)]
        fits = [or_(column == name, column.contains(f'"{name}"', autoescape=True)) for column in columns]
        counts[table.name] = int(connection.execute(select(func.count()).select_from(table).where(or_(*fits))).scalar_one())
    return counts


def _in_files(store: Store, name: str) -> dict[str, int]:
    """How often the id stands in the bytes of an embedded database; short ids are not told from other bytes and not looked
    for."""
    if store.engine.dialect.name != "sqlite" or len(name) < 4 or not store.url.database:
        return {}
    files = [Path(store.url.database + ending) for ending in ("", "-wal")]
    return {file.name: occurrences(file, name.encode()) for file in files if file.is_file()}


def occurrences(file: Path, needle: bytes) -> int:
    """How often the bytes stand in a file with no letter or digit before or behind them."""
    import re

    pattern = re.compile(rb"(?<![A-Za-z0-9_-])" + re.escape(needle) + rb"(?![A-Za-z0-9_-])")
    return len(pattern.findall(file.read_bytes()))
