"""Scores written down: the newest of each lead for the list, and a row of history wherever somebody would see a difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from models.common.types import logit
from serving.store.connect import insert
from serving.store.scoring import StoredScorer
from serving.store.tables import current_scores, leads, models, scores

MIN_CHANGE = 0.01  # log-odds of the final lead stage: less is seen by nobody
VISIBLE = ("model_id", "lead_stage", "action", "recommended_lead_stage", "score", "grade", "points")
HISTORY = tuple(column.name for column in scores.columns if column.name != "score_id")
CURRENT = tuple(column.name for column in current_scores.columns)


def model_id(connection: Connection, stored: StoredScorer) -> int:
    """The number of the model in the store; it gets one when it is new."""
    model, c = stored.scorer.model, models.c
    query = select(c.model_id).where(c.name == model.name, c.version == model.version)
    number = connection.execute(query).scalar()
    if number is None:
        row = {
            "name": model.name, "version": model.version, "trained_at": model.trained_at, "columns": stored.columns.text(),
        }  # fmt: skip
        connection.execute(insert(connection, models).on_conflict_do_nothing(), [row])
        number = connection.execute(query).scalar_one()
    return int(number)


def save_scores(connection: Connection, rows: Sequence[dict[str, Any]], model: int, as_of: int, now: int) -> None:
    """Write what `StoredScorer.rows` gave, the newest by upsert; leads that were erased meanwhile are left out."""
    names = sorted(row["lead_id"] for row in rows)
    existing = set(connection.execute(select(leads.c.lead_id).where(leads.c.lead_id.in_(names))).scalars())
    current_rows = {
        row.lead_id: row for row in connection.execute(select(current_scores).where(current_scores.c.lead_id.in_(names)))
    }
    newest, history = [], []
    for row in sorted(rows, key=lambda row: row["lead_id"]):
        if row["lead_id"] not in existing:
            continue
        full_row = {**dict.fromkeys(CURRENT), **row, "model_id": model, "as_of": as_of, "scored_at": now}
        current_row = current_rows.get(row["lead_id"])
        if full_row["action"] is not None:
            full_row["action_since"] = _action_since(current_row, full_row["action"], as_of)
            if current_row is None or _differs(current_row, full_row):
                history.append({name: full_row[name] for name in HISTORY})
        newest.append({name: full_row[name] for name in CURRENT})
    if newest:
        written = insert(connection, current_scores)
        updates = {name: written.excluded[name] for name in CURRENT if name != "lead_id"}
        connection.execute(written.on_conflict_do_update(index_elements=["lead_id"], set_=updates), newest)
    if history:
        connection.execute(insert(connection, scores), history)


def _action_since(current_row: Any, action: str, as_of: int) -> int:
    """Since when the action has been recommended: as before, if it was."""
    if current_row is None or current_row.action != action or current_row.action_since is None:
        return as_of
    return int(current_row.action_since)


def _differs(current_row: Any, full_row: dict[str, Any]) -> bool:
    if current_row.chance is None or any(getattr(current_row, name) != full_row[name] for name in VISIBLE):
        return True
    before, now = logit((current_row.chance, full_row["chance"]))
    return bool(abs(before - now) > MIN_CHANGE)
