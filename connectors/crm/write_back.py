"""Scores back to where sales looks: only what changed, in the vendor's batches, to be stopped and begun again at any point.

What was acknowledged is kept in a ledger, batch by batch. A batch that was sent and not acknowledged is sent again: it sets the
same values of the same records, so twice is once: a write is idempotent.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from connectors.crm.brake import Upheaval, moves, visible
from connectors.crm.responses import RefusedError, masked
from connectors.crm.score_fields import ScoreField, Value, digest
from features.common.errors import DataError
from features.common.files import whole_file

ROUNDS = 3  # times that a record is tried which may work later
SPLIT = (400, 413, 422)  # a batch refused so may hold one bad record: it is halved until that stands alone

Record = tuple[str, Mapping[str, Value]]


@dataclass(frozen=True)
class RecordResult:
    """What became of one record: written where `problem` is "". `retry`: it may work later. `missing`: it is not there any
    more."""

    id: str
    problem: str = ""
    retry: bool = False
    missing: bool = False


class Writer(Protocol):
    """What write-back needs of a CRM. `batch`: records of one call."""

    title: str
    batch: int

    def prepare(self, fields: Sequence[ScoreField], create: bool) -> list[str]:
        """Make the fields known, and the missing ones where `create` allows it; the names of those that are still missing.

        Raises
        ------
        CrmError
            if a field of that name is somebody else's.
        """

    def places(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The records that hold the scores of leads, where they are others than the leads themselves."""

    def unwritable(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Those of the leads that our user may not change, and why: asked for before anything is sent."""

    def write(self, records: Sequence[Record]) -> list[RecordResult]:
        """Write one batch; one result a record. A result of a record that was not asked for says that it was overwritten."""


class Ledger:
    """What the CRM acknowledged: record → digest of its values, and what sales sees of them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(file, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("CREATE TABLE IF NOT EXISTS sent (id TEXT PRIMARY KEY, digest TEXT, at TEXT, model TEXT)")
            if "visible" not in [column[1] for column in self._base.execute("PRAGMA table_info(sent)")]:
                self._base.execute("ALTER TABLE sent ADD COLUMN visible TEXT")  # of a ledger that an older version began
        except (sqlite3.Error, OSError) as error:
            raise DataError(f"The ledger {file} cannot be opened: {error}.", "Check the folder's permissions.") from error

    def digests(self) -> dict[str, str]:
        return dict(self._base.execute("SELECT id, digest FROM sent"))

    def visible(self) -> dict[str, dict[str, Value]]:
        """Record → what stands in the CRM of `brake.VISIBLE`; records of older versions are not among them."""
        rows = self._base.execute("SELECT id, visible FROM sent WHERE visible IS NOT NULL")
        return {str(name): json.loads(values) for name, values in rows}

    def save(
        self,
        written: Sequence[tuple[str, str, Mapping[str, Value]]],
        removed: Sequence[str],
        sent_at: datetime,
        model: str,
    ) -> None:
        """One transaction: all of a batch or nothing. `written`: record, digest, values."""
        with self._transaction():
            rows = [(name, mark, sent_at.isoformat(), model, json.dumps(visible(values))) for name, mark, values in written]
            self._base.executemany("INSERT OR REPLACE INTO sent (id, digest, at, model, visible) VALUES (?, ?, ?, ?, ?)", rows)
            self._base.executemany("DELETE FROM sent WHERE id = ?", [(name,) for name in removed])

    def forget(self, names: Sequence[str]) -> None:
        """What was acknowledged of these records counts no longer."""
        with self._transaction():
            self._base.executemany("DELETE FROM sent WHERE id = ?", [(name,) for name in names])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._base.in_transaction:  # a full disk has ended it already
                    self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")
        except sqlite3.Error as error:
            raise DataError(
                f"The ledger {self.file} cannot be written: {error}.",
                "Free some space, then run it again: the last batch is sent once more, which changes nothing.",
            ) from error

    def close(self) -> None:
        self._base.close()


@dataclass(frozen=True)
class WritePlan:
    """What is to be sent: `send` with new values, `clear` of those that are scored no longer; `unchanged` need nothing,
    `postponed` wait for another run. `forget`: those that are no records of their own any more. `places`: as a writer says
    them. `upheaval`: what that does to the whole, also by what is postponed. `doubles`: leads whose place another one's score
    has. `barred`: leads that our user may not change, and why. `values`: of every lead that is scored.
    """

    send: Sequence[Record]
    clear: Sequence[Record]
    unchanged: int
    postponed: int = 0
    forget: Sequence[str] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    upheaval: Upheaval = field(default_factory=lambda: Upheaval(0, (), {}))
    doubles: Sequence[str] = ()
    barred: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    def mark(self, name: str, values: Mapping[str, Value]) -> str:
        """What is noted of a record once it is acknowledged."""
        return ledger_digest(values, self.places.get(name))

    @property
    def records(self) -> list[Record]:
        return [*self.send, *self.clear]

    def without(self, barred: Mapping[str, str]) -> WritePlan:
        """The same, but for leads that our user may not change: they are not written, and so do not count as a change."""
        send, clear = ([record for record in records if record[0] not in barred] for records in (self.send, self.clear))
        return replace(self, send=send, clear=clear, barred=barred, upheaval=self.upheaval.without(barred))

    def calls(self, batch: int) -> int:
        return -(-len(self.records) // batch)


CLEARED = "cleared"
OVERWRITTEN = "overwritten"  # by the score of one that was merged into it: what stands there is to be put right


def ledger_digest(values: Mapping[str, Value], record_id: str | None) -> str:
    """What tells whether a lead's values stand where they should: a lead that became a contact is written there anew."""
    return digest(values) if record_id is None else f"{digest(values)}@{record_id}"


def plan(
    records: Mapping[str, Mapping[str, Value]],
    acknowledged: Mapping[str, str],
    fields: Sequence[ScoreField],
    limit: int | None = None,
    departed: Set[str] = frozenset(),
    places: Mapping[str, str] | None = None,
    standing: Mapping[str, Mapping[str, Value]] | None = None,
    evidence: Mapping[str, float] | None = None,
) -> WritePlan:
    """What differs from what was acknowledged, those for sales first, at most `limit` of them.

    A lead that was written and is not among `records` now (closed, opted out) has its fields emptied: a stale score is worse
    than none. Not so the `departed`: some CRMs take the id of a merged record for the winner's, whose score that would empty.
    `standing`: what sales sees by now, as the ledger has it. Of several leads that share a place, as two that became one
    contact, the one with the most `evidence` (what is known of it) has its score there.
    """
    keys, record_ids = [f.key for f in fields], places or {}
    doubles = doubled(records, record_ids, evidence or {})
    trimmed = {name: {key: values.get(key) for key in keys} for name, values in records.items() if name not in doubles}
    send = _changed(trimmed, acknowledged, record_ids)
    clear, forget = _dropped([n for n in acknowledged if n not in trimmed], set(trimmed), acknowledged, departed, record_ids)
    send.sort(key=lambda record: _priority(records[record[0]]))
    selected = send if limit is None else send[: max(0, limit - len(clear))]
    forgotten = set(forget)
    scored = sum(mark != CLEARED for name, mark in acknowledged.items() if name not in forgotten)
    upheaval = Upheaval(scored, clear, _moved(send, standing or {}, acknowledged))
    empty_values: dict[str, Value] = dict.fromkeys(keys)
    unchanged, postponed = len(trimmed) - len(send), len(send) - len(selected)
    emptied = [(name, empty_values) for name in clear]
    return WritePlan(selected, emptied, unchanged, postponed, forget, record_ids, upheaval, sorted(doubles), values=trimmed)


def _changed(
    trimmed: Mapping[str, Mapping[str, Value]], acknowledged: Mapping[str, str], places: Mapping[str, str]
) -> list[Record]:
    """Those that differ from what was acknowledged."""
    return [
        (name, values) for name, values in trimmed.items() if acknowledged.get(name) != ledger_digest(values, places.get(name))
    ]


def _dropped(
    dropped: Sequence[str], scored: Set[str], acknowledged: Mapping[str, str], departed: Set[str], places: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Of leads that were written and have no score now, those whose fields are emptied, and those that are only forgotten: the
    departed, and those in whose place another score stands."""
    occupied = {places.get(name, name) for name in scored}
    clear: list[str] = []
    forget: list[str] = []
    for name in dropped:
        record_id = places.get(name, name)
        if name in departed or record_id in occupied:
            forget.append(name)
        elif acknowledged[name] != CLEARED:
            clear.append(name)
            occupied.add(record_id)
    return clear, forget


def _moved(
    records: Sequence[Record], standing: Mapping[str, Mapping[str, Value]], acknowledged: Mapping[str, str]
) -> dict[str, tuple[Mapping[str, Value], Mapping[str, Value]]]:
    """Records that sales would see move, with what stands there and what would."""
    before = {name: values for name, values in standing.items() if acknowledged.get(name, CLEARED) != CLEARED}
    return {name: (before[name], visible(v)) for name, v in records if name in before and moves(before[name], v)}


def doubled(names: Iterable[str], places: Mapping[str, str], evidence: Mapping[str, float]) -> set[str]:
    """Those of the leads whose place another one has, of whom more is known; of equals the one with the later id."""
    by_place: dict[str, list[str]] = {}
    for name in names:
        by_place.setdefault(places.get(name, name), []).append(name)
    best = {max(sharing, key=lambda name: (evidence.get(name, 0), name)) for sharing in by_place.values()}
    return {name for sharing in by_place.values() for name in sharing} - best


def _priority(values: Mapping[str, Value]) -> tuple[bool, float]:
    """Whom sales should see first: who is handed over, then who scores highest."""
    score = values.get("score")
    return values.get("action") != "hand_over", -score if isinstance(score, int | float) else 0.0


@dataclass
class WriteResult:
    """What a run did. `failed`: record → the vendor's words."""

    written: int = 0
    cleared: int = 0
    missing: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """In words; failures by reason."""
        lines = [f"{self.written:,} records written, {self.cleared:,} emptied."]
        if self.missing:
            lines.append(f"{self.missing:,} are not in the CRM any more (deleted or merged); the next import knows them.")
        for problem, count in Counter(self.failed.values()).most_common(5):
            lines.append(f"{count:,} were refused: {problem}")
        return lines


def send(
    writer: Writer,
    todo: WritePlan,
    ledger: Ledger,
    model: str,
    progress: Callable[[int, int], None] | None = None,
    outcome: WriteResult | None = None,
    most_changed: float = 1.0,
) -> WriteResult:
    """Send the plan. What fails by itself is collected in `outcome`; what stops everything is raised after the acknowledged was
    kept. `most_changed`: share of what stands in the CRM that may be emptied or moved at once.

    Raises
    ------
    MassChangeError
        if it would be more; nothing is written then.
    CrmError
        if the vendor cannot be reached or refuses altogether.
    """
    outcome = outcome or WriteResult()
    todo.upheaval.stop(most_changed)
    outcome.failed.update(todo.barred)
    ledger.forget(todo.forget)
    waiting = todo.records
    total, processed = len(waiting), 0
    for attempt in range(ROUNDS):
        retries: dict[str, Mapping[str, Value]] = {}
        for begin in range(0, len(waiting), writer.batch):
            batch = waiting[begin : begin + writer.batch]
            results = {result.id: result for result in _write(writer, batch)}
            overwritten = _acknowledge(batch, results, todo, ledger, model, outcome)
            for record in batch:
                retries.pop(record[0], None)  # overwritten before, and right since this batch
                result = results[record[0]]
                if result.problem and result.retry and attempt + 1 < ROUNDS:
                    retries[record[0]] = record[1]
                elif result.problem and not result.missing:
                    outcome.failed[record[0]] = masked(result.problem)
            # another's score stands there now: the record's own follows in this run, or nothing where it has none
            retries |= {name: todo.values.get(name, dict.fromkeys(batch[0][1])) for name in overwritten}
            processed += len(batch)
            if progress:
                progress(min(processed, total), total)
        if not retries:
            break
        waiting = list(retries.items())
    return outcome


def _acknowledge(
    batch: Sequence[Record],
    results: Mapping[str, RecordResult],
    todo: WritePlan,
    ledger: Ledger,
    model: str,
    outcome: WriteResult,
) -> list[str]:
    """Keep in the ledger what the vendor took, and count it; gives the records overwritten by one that was merged into them."""
    emptied = {name for name, _ in batch if name not in todo.values}
    accepted = [record for record in batch if not results[record[0]].problem]
    missing_ids = [name for name, _ in batch if results[name].missing]
    batch_ids = {name for name, _ in batch}
    overwritten = [name for name in results if name not in batch_ids]
    marks = [(name, CLEARED if name in emptied else todo.mark(name, values), values) for name, values in accepted]
    marks += [(name, OVERWRITTEN, {}) for name in overwritten]
    ledger.save(marks, missing_ids, datetime.now(UTC), model)
    cleared = sum(name in emptied for name, _ in accepted)
    outcome.cleared += cleared
    outcome.written += len(accepted) - cleared
    outcome.missing += len(missing_ids)
    return overwritten


def _write(writer: Writer, batch: Sequence[Record]) -> list[RecordResult]:
    """A batch; where the vendor refuses it whole, its halves, so that one bad record spoils only itself."""
    try:
        results = writer.write(batch)
    except RefusedError as error:
        if error.http not in SPLIT:
            raise
        if len(batch) == 1:
            return [RecordResult(batch[0][0], error.fact)]
        middle = len(batch) // 2
        return [*_write(writer, batch[:middle]), *_write(writer, batch[middle:])]
    named = {result.id for result in results}
    # silence is no acknowledgement
    return [
        *results,
        *(RecordResult(name, "the vendor said nothing of it", retry=True) for name, _ in batch if name not in named),
    ]


def write_failures(file: Path, outcome: WriteResult) -> None:
    """The failed records as CSV, a dead letter file; an older one goes away where nothing failed."""
    if not outcome.failed:
        file.unlink(missing_ok=True)
        return
    with whole_file(file) as partial, partial.open("w", newline="", encoding="utf-8") as target:
        table = csv.writer(target)
        table.writerow(["lead_id", "problem"])
        table.writerows(outcome.failed.items())


def preview(records: Sequence[Record], limit: int = 3) -> list[str]:
    """A few records as they would be sent."""
    return [f"{name}: {json.dumps(dict(values), default=str, ensure_ascii=False)}" for name, values in records[:limit]]
