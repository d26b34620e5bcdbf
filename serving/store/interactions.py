"""Interactions as they come: each once however often it is sent, in any order, for leads that are not known yet too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from serving.store.connect import insert
from serving.store.erasures import Erased
from serving.store.rescore_queue import mark
from serving.store.tables import interactions, leads

AT_ONCE = 5_000  # ids of one question
_KINDS = {
    "event_id": "text", "lead_id": "text", "type": "text", "at": "bigint", "value": "double precision", "content": "text",
    "campaign": "text", "direction": "text", "received_at": "bigint",
}  # fmt: skip
_UNNEST = (
    f"INSERT INTO interactions ({', '.join(_KINDS)}) "  # noqa: S608  our names
    f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in _KINDS.values())}) ON CONFLICT DO NOTHING RETURNING event_id"
)
TOLD = ("lead_id", "type", "at", "value", "content", "campaign", "direction")


@dataclass(frozen=True)
class Event:
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
    def told(self) -> tuple[object, ...]:
        """All but its id."""
        return tuple(getattr(self, name) for name in TOLD)


@dataclass
class Taken:
    """What became of a batch: `waiting` of the new ones are for leads nobody told us of yet; `refused`: place → why."""

    new: int = 0
    known: int = 0
    erased: int = 0
    waiting: int = 0
    refused: dict[int, str] = field(default_factory=dict)


def take(connection: Connection, events: Sequence[Event], now: int, erased: Erased) -> Taken:
    """Write what is new; idempotent: the same id again is known, the same id with other content refused."""
    taken = Taken()
    gone = erased.among(connection, {event.lead_id for event in events})
    places: dict[str, int] = {}
    fresh: dict[str, Event] = {}
    again: list[int] = []
    for place, event in enumerate(events):
        if event.lead_id in gone:
            taken.erased += 1
        elif event.event_id in fresh:
            again.append(place)
        else:
            places[event.event_id] = place
            fresh[event.event_id] = event
    # in one order, so that two batches with the same ids do not wait for each other
    rows = [_row(fresh[name], now) for name in sorted(fresh)]
    written = _insert(connection, rows)
    before = _stored(connection, [name for name in fresh if name not in written])
    for name, event in fresh.items():
        if name in written:
            taken.new += 1
        else:
            _compare(taken, places[name], event, before[name])
    for place in again:
        event = events[place]
        _compare(taken, place, event, before.get(event.event_id) or fresh[event.event_id].told)
    touched = {fresh[name].lead_id for name in written}
    known = _known(connection, touched)
    taken.waiting = sum(fresh[name].lead_id not in known for name in written)
    mark(connection, known, now)
    return taken


def _row(event: Event, now: int) -> dict[str, object]:
    return {"event_id": event.event_id, **dict(zip(TOLD, event.told, strict=True)), "received_at": now}


def _insert(connection: Connection, rows: Sequence[Mapping[str, object]]) -> set[str]:
    """The ids that were not there."""
    if not rows:
        return set()
    if connection.dialect.name == "postgresql":
        # nine arrays instead of nine values a row: a thousand rows are one short statement
        return set(connection.exec_driver_sql(_UNNEST, tuple([row[name] for row in rows] for name in _KINDS)).scalars())
    told = insert(connection, interactions).on_conflict_do_nothing().returning(interactions.c.event_id)
    return set(connection.execute(told, rows).scalars())


def _stored(connection: Connection, names: Sequence[str]) -> dict[str, tuple[object, ...]]:
    columns = [interactions.c[name] for name in TOLD]
    found: dict[str, tuple[object, ...]] = {}
    for begin in range(0, len(names), AT_ONCE):
        asked = select(interactions.c.event_id, *columns).where(interactions.c.event_id.in_(names[begin : begin + AT_ONCE]))
        found.update((row[0], tuple(row[1:])) for row in connection.execute(asked))
    return found


def _compare(taken: Taken, place: int, event: Event, before: tuple[object, ...]) -> None:
    if event.told == before:
        taken.known += 1
        return
    other = next(name for name, now, was in zip(TOLD, event.told, before, strict=True) if now != was)
    taken.refused[place] = f"This event_id is known with another {other}: an event does not change; send a new one."


def _known(connection: Connection, names: set[str]) -> set[str]:
    wanted = sorted(names)
    found: set[str] = set()
    for begin in range(0, len(wanted), AT_ONCE):
        asked = select(leads.c.lead_id).where(leads.c.lead_id.in_(wanted[begin : begin + AT_ONCE]))
        found.update(connection.execute(asked).scalars())
    return found
