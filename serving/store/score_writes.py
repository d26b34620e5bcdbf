"""Scores written down: the newest of each lead for the list, and a row of history wherever somebody would see a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from serving.store.connect import insert
from serving.store.scoring import StoredScorer
from serving.store.tables import current_scores, leads, models, scores

MOVED = 0.01  # log-odds of the final lead stage: less is seen by nobody
SEEN = ("model_id", "lead_stage", "action", "recommended_lead_stage", "score", "grade", "points")
HISTORY = tuple(column.name for column in scores.columns if column.name != "score_id")
CURRENT = tuple(column.name for column in current_scores.columns)


def model_id(connection: Connection, stored: StoredScorer) -> int:
    """The number of the model in the store; it gets one when it is new."""
    model, c = stored.scorer.model, models.c
    asked = select(c.model_id).where(c.name == model.name, c.version == model.version)
    found = connection.execute(asked).scalar()
    if found is None:
        row = {
            "name": model.name, "version": model.version, "trained_at": model.trained_at, "columns": stored.columns.text(),
        }  # fmt: skip
        connection.execute(insert(connection, models).on_conflict_do_nothing(), [row])
        found = connection.execute(asked).scalar_one()
    return int(found)


def keep(connection: Connection, rows: Sequence[dict[str, Any]], model: int, as_of: int, now: int) -> None:
    """Write what `StoredScorer.rows` gave, the newest by upsert; leads that were erased meanwhile are left out."""
    names = sorted(row["lead_id"] for row in rows)
    there = set(connection.execute(select(leads.c.lead_id).where(leads.c.lead_id.in_(names))).scalars())
    before = {row.lead_id: row for row in connection.execute(select(current_scores).where(current_scores.c.lead_id.in_(names)))}
    newest, history = [], []
    for row in sorted(rows, key=lambda row: row["lead_id"]):
        if row["lead_id"] not in there:
            continue
        whole = {**dict.fromkeys(CURRENT), **row, "model_id": model, "as_of": as_of, "scored_at": now}
        was = before.get(row["lead_id"])
        if whole["action"] is not None:
            going_on = was is not None and was.action == whole["action"] and was.action_since is not None
            whole["action_since"] = was.action_since if was is not None and going_on else as_of
            if was is None or _differs(was, whole):
                history.append({name: whole[name] for name in HISTORY})
        newest.append({name: whole[name] for name in CURRENT})
    if newest:
        written = insert(connection, current_scores)
        told = {name: written.excluded[name] for name in CURRENT if name != "lead_id"}
        connection.execute(written.on_conflict_do_update(index_elements=["lead_id"], set_=told), newest)
    if history:
        connection.execute(insert(connection, scores), history)


def _differs(was: Any, now: dict[str, Any]) -> bool:
    if was.chance is None or any(getattr(was, name) != now[name] for name in SEEN):
        return True
    return abs(_log_odds(was.chance) - _log_odds(now["chance"])) > MOVED


def _log_odds(chance: float) -> float:
    held = min(max(chance, 1e-12), 1 - 1e-12)
    return math.log(held / (1 - held))
