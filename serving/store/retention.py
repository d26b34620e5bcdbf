"""How long things are kept: interactions, leads that are closed, old scores. What is over is deleted, a part at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select

from features.common.clock import DAY
from features.dataset.funnel import Funnel
from serving.common.settings import RETAINED
from serving.store.tables import (
    attribute_changes,
    current_scores,
    deals,
    interactions,
    lead_stages,
    leads,
    scores,
    stale,
    withdrawn_lead_stages,
)

PART = 2_000  # rows or leads deleted in one transaction

Write = Callable[[Callable[[Connection], int]], int]


@dataclass(frozen=True)
class Retention:
    """Days; None keeps for ever. Interactions by when they happened, closed leads by when anything was last told or done of
    them, scores (the history, not the newest) by their as_of."""

    interactions: float | None = None
    closed_leads: float | None = None
    scores: float | None = None

    def apply(self, write: Write, funnel: Funnel | None, now: int) -> dict[str, int]:
        """Delete what is over → rows by kind. Closed leads only where a `funnel` says which are."""
        deleted = dict.fromkeys(RETAINED, 0)
        if self.interactions is not None:
            cutoff = now - int(self.interactions * DAY)
            deleted["interactions"] = _delete_expired(write, interactions, interactions.c.event_id, interactions.c.at < cutoff)
        if self.scores is not None:
            deleted["scores"] = _delete_expired(write, scores, scores.c.score_id, scores.c.as_of < now - int(self.scores * DAY))
        if self.closed_leads is not None and funnel is not None:
            cutoff = now - int(self.closed_leads * DAY)
            deleted["closed_leads"] = _repeat(write, lambda connection: _delete_closed(connection, cutoff))
        return deleted


def _delete_expired(write: Write, table: Table, key: ColumnElement[Any], condition: ColumnElement[bool]) -> int:
    return _repeat(
        write,
        lambda connection: connection.execute(delete(table).where(key.in_(select(key).where(condition).limit(PART)))).rowcount,
    )


def _repeat(write: Write, work: Callable[[Connection], int]) -> int:
    total = 0
    while count := write(work):
        total += count
    return total


def _delete_closed(connection: Connection, cutoff: int) -> int:
    """Closed leads of which nothing was told or done since `cutoff`."""
    last_act = select(func.max(interactions.c.at)).where(interactions.c.lead_id == leads.c.lead_id).scalar_subquery()
    last_stage = select(func.max(lead_stages.c.at)).where(lead_stages.c.lead_id == leads.c.lead_id).scalar_subquery()
    query = (
        select(leads.c.lead_id)
        .join(current_scores, current_scores.c.lead_id == leads.c.lead_id)
        .where(
            current_scores.c.status == "closed",
            func.coalesce(last_act, leads.c.created_at) < cutoff,
            func.coalesce(last_stage, leads.c.created_at) < cutoff,
        )
        .limit(PART)
    )
    names = list(connection.execute(query).scalars())
    delete_leads(connection, names)
    return len(names)


def delete_leads(connection: Connection, names: list[str]) -> dict[str, int]:
    """Everything of these leads → rows by table. A deal of their company stays, without them."""
    deleted: dict[str, int] = {}
    detached = connection.execute(
        deals.update().where(deals.c.lead_id.in_(names), deals.c.company_id.is_not(None)).values(lead_id=None)
    )
    deleted["deals"] = detached.rowcount
    for table, column in (
        (deals, deals.c.lead_id), (interactions, interactions.c.lead_id), (lead_stages, lead_stages.c.lead_id),
        (withdrawn_lead_stages, withdrawn_lead_stages.c.lead_id),
        (attribute_changes, attribute_changes.c.entity_id), (scores, scores.c.lead_id),
        (current_scores, current_scores.c.lead_id), (stale, stale.c.lead_id), (leads, leads.c.lead_id),
    ):  # fmt: skip
        conditions: list[ColumnElement[bool]] = [column.in_(names)]
        if table is attribute_changes:
            conditions.append(attribute_changes.c.entity == "lead")
        deleted[table.name] = deleted.get(table.name, 0) + connection.execute(delete(table).where(*conditions)).rowcount
    return deleted
