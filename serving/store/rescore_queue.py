"""The priority queue of leads to be scored again. Writers add rows and never wait; workers take rows nobody else has taken."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, Connection, delete, func, literal, select
from sqlalchemy import insert as plain_insert

from serving.store.json_values import json_list, json_value
from serving.store.tables import current_scores, stale

EVENT, SWEEP = 0, 1  # priorities
_IN_STORE = "SELECT json_group_array(lead_id) FROM leads WHERE lead_id IN (SELECT value FROM json_each(?))"
_ENQUEUE = "INSERT INTO stale (lead_id, priority, since) SELECT value, ?, ? FROM json_each(?)"
_ENQUEUE_POSTGRESQL = (
    "INSERT INTO stale (lead_id, priority, since) SELECT lead_id, %s, %s FROM leads WHERE lead_id = ANY(%s) "
    "ORDER BY lead_id RETURNING lead_id"
)


def enqueue(connection: Connection, lead_ids: Collection[str], now: int, priority: int = EVENT) -> None:
    """These are to be scored again, and with them everybody of their accounts."""
    if lead_ids:
        rows = [{"lead_id": name, "priority": priority, "since": now} for name in sorted(lead_ids)]
        connection.execute(plain_insert(stale), rows)


def enqueue_leads(connection: Connection, lead_ids: Collection[str], now: int) -> set[str]:
    """These, where somebody told us of them, are to be scored again → the ones that are known."""
    if not lead_ids:
        return set()
    names = sorted(lead_ids)
    if connection.dialect.name == "postgresql":
        return set(connection.exec_driver_sql(_ENQUEUE_POSTGRESQL, (EVENT, now, names)).scalars())
    known_leads = connection.exec_driver_sql(_IN_STORE, (json_list(names),)).scalar_one()
    connection.exec_driver_sql(_ENQUEUE, (EVENT, now, known_leads))
    return set(json_value(known_leads))


def enqueue_scored(connection: Connection, now: int) -> None:
    """Everybody who has a score is to be scored again, as time is left for it."""
    c = current_scores.c
    rows = select(c.lead_id, literal(SWEEP), literal(now, BigInteger())).order_by(c.lead_id)
    connection.execute(plain_insert(stale).from_select(["lead_id", "priority", "since"], rows))


def claim(connection: Connection, limit: int) -> tuple[list[int], list[str]]:
    """Rows to be done in this transaction, the urgent ones first, and their leads; what others work on is skipped."""
    query = select(stale.c.stale_id, stale.c.lead_id).order_by(stale.c.priority, stale.c.stale_id).limit(limit)
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    rows = connection.execute(query).all()
    return [row[0] for row in rows], list(dict.fromkeys(row[1] for row in rows))


def finish(connection: Connection, numbers: Sequence[int]) -> None:
    """These rows were dealt with."""
    if numbers:
        connection.execute(delete(stale).where(stale.c.stale_id.in_(numbers)))


def waiting(connection: Connection) -> int:
    """How many rows wait."""
    return int(connection.execute(select(func.count()).select_from(stale)).scalar_one())
