"""The recorded lead stages of a lead, and how a wrong one is taken back: it leaves a trace, and nothing learns from it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from features.common.errors import RequestError
from serving.scoring.request import time_of
from serving.store.connect import insert
from serving.store.rescore_queue import enqueue
from serving.store.tables import lead_stages, leads, withdrawn_lead_stages


class NotRecordedError(RequestError):
    """There is no such record."""

    status = 404


@dataclass(frozen=True)
class LeadStageRecord:
    """A lead stage or exit from the moment `at` on, heard of at `received_at`; moments in microseconds since 1970. Where it was
    taken back: when, and by which key (None where none was needed)."""

    lead_stage: str
    at: int
    received_at: int
    withdrawn_at: int | None = None
    withdrawn_by: str | None = None


def records(connection: Connection, lead_id: str) -> list[LeadStageRecord]:
    """All that was ever recorded of a lead, the oldest first, what was taken back included.

    Raises
    ------
    NotRecordedError
        if nobody knows the lead.
    """
    if connection.execute(select(leads.c.lead_id).where(leads.c.lead_id == lead_id)).first() is None:
        raise _unknown()
    c, w = lead_stages.c, withdrawn_lead_stages.c
    standing = connection.execute(select(c.lead_stage, c.at, c.received_at).where(c.lead_id == lead_id))
    withdrawn = connection.execute(
        select(w.lead_stage, w.at, w.received_at, w.withdrawn_at, w.withdrawn_by).where(w.lead_id == lead_id)
    )
    recorded = [LeadStageRecord(*row) for rows in (standing, withdrawn) for row in rows]
    return sorted(recorded, key=lambda record: (record.at, record.received_at, record.lead_stage))


def withdraw(connection: Connection, lead_id: str, lead_stage: str, at: int, key: str | None, now: int) -> tuple[int, bool]:
    """Take back a lead stage that was recorded by mistake → the lead's version, and whether anything changed: what was taken
    back before is not again. The lead is scored anew; scores of what was known until now can still be told.

    Raises
    ------
    NotRecordedError
        if nobody knows the lead, or it was never recorded as being in this lead stage from that moment on.
    """
    version = connection.execute(select(leads.c.version).where(leads.c.lead_id == lead_id).with_for_update()).scalar()
    if version is None:
        raise _unknown()
    c = lead_stages.c
    this = (c.lead_id == lead_id, c.lead_stage == lead_stage, c.at == at)
    received_at = connection.execute(delete(lead_stages).where(*this).returning(c.received_at)).scalar()
    if received_at is None:
        _check_recorded(connection, lead_id, lead_stage, at)
        return version, False
    row = {
        "lead_id": lead_id, "lead_stage": lead_stage, "at": at, "received_at": received_at, "withdrawn_at": now,
        "withdrawn_by": key,
    }  # fmt: skip
    connection.execute(insert(connection, withdrawn_lead_stages).on_conflict_do_nothing(), [row])
    connection.execute(update(leads).where(leads.c.lead_id == lead_id).values(version=version + 1))
    enqueue(connection, [lead_id], now)
    return version + 1, True


def _unknown() -> NotRecordedError:
    return NotRecordedError("Nobody knows this lead.", "Check its id.")


def _check_recorded(connection: Connection, lead_id: str, lead_stage: str, at: int) -> None:
    history = records(connection, lead_id)
    if any((record.lead_stage, record.at) == (lead_stage, at) for record in history):
        return
    listed = ", ".join(
        f"{record.lead_stage} at {time_of(record.at).isoformat()}" for record in history if record.withdrawn_at is None
    )
    raise NotRecordedError(
        f"This lead was not recorded as {lead_stage!r} at {time_of(at).isoformat()}.",
        f"Recorded are: {listed}." if listed else "No lead stage of it is recorded.",
    )
