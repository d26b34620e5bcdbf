"""The recorded scores of a lead."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from serving.store.tables import leads, models, scores


def lead_exists(connection: Connection, lead_id: str) -> bool:
    """Whether somebody told us of the lead."""
    return connection.execute(select(leads.c.lead_id).where(leads.c.lead_id == lead_id)).first() is not None


def first_received(connection: Connection, lead_id: str) -> int | None:
    """When somebody first told us of the lead; None for nobody."""
    received_at: int | None = connection.execute(select(leads.c.received_at).where(leads.c.lead_id == lead_id)).scalar()
    return received_at


def recent_scores(connection: Connection, lead_id: str, limit: int) -> list[dict[str, Any]]:
    """The newest `limit` scores, the newest first, with the model that made them."""
    c = scores.c
    query = (
        select(
            c.as_of, c.scored_at, models.c.name.label("model"), models.c.version, c.lead_stage, c.chance, c.next_chance,
            c.score, c.grade, c.points, c.action, c.recommended_lead_stage, c.expected_value,
        )
        .join(models, models.c.model_id == c.model_id)
        .where(c.lead_id == lead_id)
        .order_by(c.as_of.desc(), c.score_id.desc())
        .limit(limit)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]
