"""Streams: the parts of a CRM, each read page by page from where it stopped (incremental sync), landed chunk by chunk."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row, content_hash
from connectors.crm.responses import RefusedError, SpentError
from features.common.errors import CrmError

CHUNK = 20_000  # rows that are landed together
CHUNK_SECONDS = 60.0  # and never rarer than this, so that a kill loses little
FORBIDDEN = (401, 402, 403)  # 402: the plan does not have it
FIELDS = "#fields"  # behind a stream's name: the fields it has been read with

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Page:
    """Rows by table, and the `cursor` with which the stream goes on behind them.

    Without one it goes on where it stood before: what comes here comes again after a kill. `rows_done` of `total` rows, for the
    bar. `urgent`: landed at once, because the cursor names what was made at the vendor's and would otherwise be made again.
    """

    tables: Mapping[str, Sequence[Row]]
    cursor: Any
    rows_done: int | None = None
    total: int | None = None
    urgent: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Stream:
    """One part of a CRM. `read(cursor)` gives pages from there on; None is the very beginning.

    `optional`: not every plan has it; where the vendor has always refused it, the rest is read without. `fields`: what is
    asked for of each record; a new one makes everything be read once more. `vital`: those that must not vanish once they were
    there, such as who opted out. `patient`: it may take several days' calls; where those are used up, the rest goes on.
    `lands_first`: it looks at what others landed. `due(cursor)`: whether it is its turn.
    """

    name: str
    read: Callable[[Any], Iterator[Page]]
    optional: bool = False
    needs: str = ""
    fields: frozenset[str] = frozenset()
    vital: frozenset[str] = frozenset()
    patient: bool = False
    lands_first: bool = False
    due: Callable[[Any], bool] = lambda cursor: True


@dataclass
class SyncResult:
    """What a run brought: rows per table, the streams that were read, and the optional ones that the vendor refused, with its
    reason."""

    rows: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    seconds: float = 0.0


def sync(
    streams: Sequence[Stream],
    landing: Landing,
    progress: Progress | None = None,
    marks: Mapping[str, Any] | None = None,
) -> SyncResult:
    """Read every stream to its end. Whatever was fetched before an error is landed before the error is raised. `marks`: kept
    among the cursors.

    Raises
    ------
    CrmError
        for anything that would leave a hole; a stream that was readable once and is refused now is one.
    """
    start = time.perf_counter()
    synced = SyncResult()
    with landing.connected():
        _sync(streams, landing, synced, progress, marks or {})
    synced.seconds = time.perf_counter() - start
    return synced


def _sync(
    streams: Sequence[Stream], landing: Landing, synced: SyncResult, progress: Progress | None, marks: Mapping[str, Any]
) -> None:
    cursors = landing.cursors()
    chunk = _Chunk(landing, synced)
    chunk.cursors = {name: mark for name, mark in marks.items() if cursors.get(name) != mark}
    try:
        for stream in streams:
            if not stream.due(cursors.get(stream.name)):
                continue
            if stream.lands_first:
                chunk.flush()
            if progress:
                progress(stream.name, 0, None)
            _read(stream, cursors, chunk, progress)
            if stream.name not in synced.refused:
                synced.read.add(stream.name)
            if progress:
                progress(stream.name, 1, 1)
    finally:
        chunk.flush()


def _read(stream: Stream, cursors: Mapping[str, Any], chunk: _Chunk, progress: Progress | None) -> None:
    cursor = cursors.get(stream.name)
    try:
        _read_pages(stream, cursor, set(cursors.get(stream.name + FIELDS) or ()), chunk, progress)
    except RefusedError as error:
        chunk.synced.refused[stream.name] = _refusal(stream, error, readable_before=cursor is not None)
    except SpentError as error:
        if not stream.patient:
            raise
        chunk.synced.refused[stream.name] = error.fact


def _read_pages(stream: Stream, cursor: Any, known_fields: set[str], chunk: _Chunk, progress: Progress | None) -> None:
    rows = 0
    hidden_fields = (stream.vital & known_fields) - stream.fields
    if hidden_fields:
        named = ", ".join(sorted(hidden_fields))
        raise lost(stream.name, f"{named} of {stream.name} cannot be seen any more.", stream.needs)
    # of a field that is new to us nobody has said what it was: the records are read once more
    for page in stream.read(cursor if stream.fields <= known_fields else None):
        chunk.add(stream.name, page)
        if page.cursor is not None and stream.fields - known_fields:
            chunk.cursors[stream.name + FIELDS] = sorted(stream.fields | known_fields)
        rows += sum(map(len, page.tables.values()))
        if progress:
            progress(stream.name, rows if page.rows_done is None else page.rows_done, page.total)


def _refusal(stream: Stream, error: RefusedError, *, readable_before: bool) -> str:
    """What to say of a stream that may not be read and that nothing needs; `readable_before`: it was once.

    Raises
    ------
    CrmError
        for every other refusal, with what to grant.
    """
    if error.http not in FORBIDDEN:
        raise error
    if readable_before:
        raise lost(stream.name, error.fact, stream.needs) from None
    if not stream.optional:
        remedy = f"Nothing can be done without {stream.name}: give {stream.needs}." if stream.needs else error.hint
        raise RefusedError(error.fact, remedy, error.http, error.code) from error
    return f"{error.fact} {error.hint or f'To read it, give {stream.needs}.'}".strip()


def lost(subject: str, fact: str, needs: str) -> CrmError:
    """What could be read before and cannot now."""
    return CrmError(
        f"{fact} It could be read before: without it the history of {subject} would end here unseen.",
        f"Give the permission back{f' ({needs})' if needs else ''}, then run it again.",
    )


class _Chunk:
    """Pages that wait to be landed, of one stream or of several short ones."""

    def __init__(self, landing: Landing, synced: SyncResult) -> None:
        self.landing, self.synced = landing, synced
        self.tables: dict[str, list[Row]] = {}
        self.cursors: dict[str, Any] = {}
        self.waiting = 0
        self.last_flush = time.monotonic()
        self.seq = time.time_ns() // 1000

    def add(self, stream: str, page: Page) -> None:
        for table, rows in page.tables.items():
            for row in rows:
                self.seq += 1
                row["_seq"] = self.seq
            self.tables.setdefault(table, []).extend(rows)
            self.waiting += len(rows)
            self.synced.rows[table] += len(rows)
        if page.cursor is not None:
            self.cursors[stream] = page.cursor
        if page.urgent or self.waiting >= CHUNK or time.monotonic() - self.last_flush > CHUNK_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self.cursors or self.waiting:
            self.landing.write(self.tables, self.cursors)
        self.tables, self.cursors, self.waiting, self.last_flush = {}, {}, 0, time.monotonic()


def changed_rows(landing: Landing, table: str, rows: Sequence[Row], volatile: frozenset[str]) -> list[Row]:
    """The rows whose content is not what was landed last; `volatile` fields, our own scores among them, do not count.

    That is how a written score, which touches every record, does not make the next run read the world.
    """
    for row in rows:
        row["_hash"] = content_hash(row, volatile)
    landed_hashes = landing.hashes(table, [row["_id"] for row in rows])
    return [row for row in rows if landed_hashes.get(row["_id"]) != row["_hash"]]
