"""Interactions as they come: each once however often it is sent, in any order, for leads that are not known yet too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from serving.store.connect import insert
from serving.store.erasures import Erased
from serving.store.rescore_queue import enqueue
from serving.store.tables import interactions, leads

CHUNK = 5_000  # ids of one question
_KINDS = {
    "event_id": "text", "lead_id": "text", "type": "text", "at": "bigint", "value": "double precision", "content": "text",
    "campaign": "text", "direction": "text", "received_at": "bigint",
}  # fmt: skip
_UNNEST = (
    f"INSERT INTO interactions ({', '.join(_KINDS)}) "  # noqa: S608  our names
    f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in _KINDS.values())}) ON CONFLICT DO NOTHING RETURNING event_id"
)
PAYLOAD = ("lead_id", "type", "at", "value", "content", "campaign", "direction")


@dataclass(frozen=True)
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
        """All but its id."""
        return tuple(getattr(self, name) for name in PAYLOAD)


@dataclass
class IngestResult:
    """What became of a batch: `waiting` of the new ones are for leads nobody told us of yet; `refused`: place → why."""

    added: int = 0
    duplicates: int = 0
    erased: int = 0
    waiting: int = 0
    refused: dict[int, str] = field(default_factory=dict)


def ingest(connection: Connection, events: Sequence[InteractionEvent], now: int, erased: Erased) -> IngestResult:
    """Write what is new; idempotent: the same id again is known, the same id with other content refused."""
    result = IngestResult()
    erased_ids = erased.find_erased(connection, {event.lead_id for event in events})
    places: dict[str, int] = {}
    fresh: dict[str, InteractionEvent] = {}
    repeats: list[int] = []
    for index, event in enumerate(events):
        if event.lead_id in erased_ids:
            result.erased += 1
        elif event.event_id in fresh:
            repeats.append(index)
        else:
            places[event.event_id] = index
            fresh[event.event_id] = event
    # in one order, so that two batches with the same ids do not wait for each other
    rows = [_row(fresh[name], now) for name in sorted(fresh)]
    written = _insert(connection, rows)
    stored = _stored(connection, [name for name in fresh if name not in written])
    for name, event in fresh.items():
        if name in written:
            result.added += 1
        else:
            _compare(result, places[name], event, stored[name])
    for index in repeats:
        event = events[index]
        _compare(result, index, event, stored.get(event.event_id) or fresh[event.event_id].payload)
    touched = {fresh[name].lead_id for name in written}
    known_leads = _known_leads(connection, touched)
    result.waiting = sum(fresh[name].lead_id not in known_leads for name in written)
    enqueue(connection, known_leads, now)
    return result


def _row(event: InteractionEvent, now: int) -> dict[str, object]:
    return {"event_id": event.event_id, **dict(zip(PAYLOAD, event.payload, strict=True)), "received_at": now}


def _insert(connection: Connection, rows: Sequence[Mapping[str, object]]) -> set[str]:
    """The ids that were not there."""
    if not rows:
        return set()
    if connection.dialect.name == "postgresql":
        # nine arrays instead of nine values a row: a thousand rows are one short statement
        return set(connection.exec_driver_sql(_UNNEST, tuple([row[name] for row in rows] for name in _KINDS)).scalars())
    statement = insert(connection, interactions).on_conflict_do_nothing().returning(interactions.c.event_id)
    return set(connection.execute(statement, rows).scalars())


def _stored(connection: Connection, names: Sequence[str]) -> dict[str, tuple[object, ...]]:
    columns = [interactions.c[name] for name in PAYLOAD]
    payloads: dict[str, tuple[object, ...]] = {}
    for begin in range(0, len(names), CHUNK):
        query = select(interactions.c.event_id, *columns).where(interactions.c.event_id.in_(names[begin : begin + CHUNK]))
        payloads.update((row[0], tuple(row[1:])) for row in connection.execute(query))
    return payloads


def _compare(result: IngestResult, index: int, event: InteractionEvent, stored: tuple[object, ...]) -> None:
    if event.payload == stored:
        result.duplicates += 1
        return
    column = next(
        name for name, new_value, stored_value in zip(PAYLOAD, event.payload, stored, strict=True) if new_value != stored_value
    )
    result.refused[index] = f"This event_id is known with another {column}: an event does not change; send a new one."


def _known_leads(connection: Connection, names: set[str]) -> set[str]:
    ordered = sorted(names)
    known_leads: set[str] = set()
    for begin in range(0, len(ordered), CHUNK):
        query = select(leads.c.lead_id).where(leads.c.lead_id.in_(ordered[begin : begin + CHUNK]))
        known_leads.update(connection.execute(query).scalars())
    return known_leads
