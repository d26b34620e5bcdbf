"""Interactions as they come: each once however often it is sent, in any order, for leads that are not known yet too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import Connection, select

from serving.store.erasures import Erased
from serving.store.json_values import json_list, json_value
from serving.store.rescore_queue import enqueue_leads
from serving.store.tables import interactions

CHUNK = 5_000  # ids of one question
_KINDS = {
    "event_id": "text", "lead_id": "text", "type": "text", "at": "bigint", "value": "double precision", "content": "text",
    "campaign": "text", "direction": "text", "received_at": "bigint",
}  # fmt: skip
_UNNEST = (
    f"INSERT INTO interactions ({', '.join(_KINDS)}) "  # noqa: S608  our names
    f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in _KINDS.values())}) ON CONFLICT DO NOTHING RETURNING event_id"
)
_PRESENT = "SELECT json_group_array(event_id) FROM interactions WHERE event_id IN (SELECT value FROM json_each(?))"
INSERTED = 100  # rows of one statement of SQLite, which takes 32,766 values
PAYLOAD = ("lead_id", "type", "at", "value", "content", "campaign", "direction")


@dataclass(frozen=True, slots=True)
class InteractionEvent:
    """One interaction of a lead; `at` in microseconds since 1970. `event_id`, the idempotency key, names it for ever."""

    event_id: str
    lead_id: str
    type: str
    at: int
    value: float | None = None
    content: str | None = None
    campaign: str | None = None
    direction: str | None = None

    @property
    def payload(self) -> tuple[object, ...]:
        """All but its id, in the order of `PAYLOAD`."""
        return self.lead_id, self.type, self.at, self.value, self.content, self.campaign, self.direction


@dataclass(frozen=True)
class Batch:
    """Interactions of one request, and when they came in (microseconds since 1970)."""

    events: Sequence[InteractionEvent]
    received_at: int


@dataclass
class IngestResult:
    """What became of a batch: `waiting` of the new ones are for leads nobody told us of yet; `refused`: place → why."""

    added: int = 0
    duplicates: int = 0
    erased: int = 0
    waiting: int = 0
    refused: dict[int, str] = field(default_factory=dict)


def ingest(connection: Connection, batches: Sequence[Batch], erased: Erased) -> list[IngestResult]:
    """Write what is new, and say so of each batch; idempotent: the same id again is known, the same id with other content
    refused, whether it stands in the store, in the batch or in one before it."""
    results = [IngestResult() for _ in batches]
    erased_ids = erased.find_erased(connection, {event.lead_id for batch in batches for event in batch.events})
    fresh: dict[str, _Entry] = {}
    repeats: list[_Entry] = []
    for batch, result in zip(batches, results, strict=True):
        for index, event in enumerate(batch.events):
            if event.lead_id in erased_ids:
                result.erased += 1
            elif event.event_id in fresh:
                repeats.append(_Entry(event, index, batch.received_at, result))
            else:
                fresh[event.event_id] = _Entry(event, index, batch.received_at, result)
    # in one order, so that two batches with the same ids do not wait for each other
    written = _insert(connection, [fresh[name] for name in sorted(fresh)])
    stored = _stored(connection, [name for name in fresh if name not in written]) if len(written) < len(fresh) else {}
    touched = {fresh[name].event.lead_id for name in written}
    known_leads = enqueue_leads(connection, touched, max((batch.received_at for batch in batches), default=0))
    for name, entry in fresh.items():
        if name in written:
            entry.result.added += 1
            entry.result.waiting += entry.event.lead_id not in known_leads
        else:
            entry.compare(stored[name])
    for entry in repeats:
        entry.compare(stored.get(entry.event.event_id) or fresh[entry.event.event_id].event.payload)
    return results


@dataclass(frozen=True, slots=True)
class _Entry:
    """An event, where in its batch it stands, when it was received, and what became of the batch."""

    event: InteractionEvent
    index: int
    received_at: int
    result: IngestResult

    def row(self) -> tuple[object, ...]:
        """In the order of `_KINDS`."""
        return (self.event.event_id, *self.event.payload, self.received_at)

    def compare(self, stored: tuple[object, ...]) -> None:
        """Count an event whose id is known."""
        if self.event.payload == stored:
            self.result.duplicates += 1
            return
        column = next(
            name
            for name, new_value, stored_value in zip(PAYLOAD, self.event.payload, stored, strict=True)
            if new_value != stored_value
        )
        self.result.refused[self.index] = (
            f"This event_id is known with another {column}: an event does not change; send a new one."
        )


def _insert(connection: Connection, entries: Sequence[_Entry]) -> set[str]:
    """The ids that were not there."""
    if not entries:
        return set()
    if connection.dialect.name == "postgresql":
        # nine arrays instead of nine values a row: a thousand rows are one short statement
        columns = zip(*(entry.row() for entry in entries), strict=True)
        return set(connection.exec_driver_sql(_UNNEST, tuple(map(list, columns))).scalars())
    # the one writer of SQLite asks first what is there: reading rows of RETURNING would ask for Python's lock once for each
    names = json_list([entry.event.event_id for entry in entries])
    present = set(json_value(connection.exec_driver_sql(_PRESENT, (names,)).scalar_one()))
    absent = [entry for entry in entries if entry.event.event_id not in present]
    for begin in range(0, len(absent), INSERTED):
        part = absent[begin : begin + INSERTED]
        values = [value for entry in part for value in entry.row()]
        connection.exec_driver_sql(_insert_rows(len(part)), tuple(values))
    return {entry.event.event_id for entry in absent}


@cache
def _insert_rows(count: int) -> str:
    row = f"({', '.join('?' * len(_KINDS))})"
    return f"INSERT INTO interactions ({', '.join(_KINDS)}) VALUES {', '.join([row] * count)}"  # noqa: S608  our names


def _stored(connection: Connection, names: Sequence[str]) -> dict[str, tuple[object, ...]]:
    columns = [interactions.c[name] for name in PAYLOAD]
    payloads: dict[str, tuple[object, ...]] = {}
    for begin in range(0, len(names), CHUNK):
        query = select(interactions.c.event_id, *columns).where(interactions.c.event_id.in_(names[begin : begin + CHUNK]))
        payloads.update((row[0], tuple(row[1:])) for row in connection.execute(query))
    return payloads
