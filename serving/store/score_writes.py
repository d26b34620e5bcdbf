"""Scores written down: the newest of each lead for the list, and a row of history wherever somebody would see a difference."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from models.common.types import logit
from serving.store.connect import insert
from serving.store.json_values import json_list
from serving.store.scoring import StoredScorer
from serving.store.tables import current_scores, models, scores

MIN_CHANGE = 0.01  # log-odds of the final lead stage: less is seen by nobody
VISIBLE = ("model_id", "lead_stage", "action", "recommended_lead_stage", "score", "grade", "points")
HISTORY = tuple(column.name for column in scores.columns if column.name != "score_id")  # the explanation is the last
CURRENT = tuple(column.name for column in current_scores.columns)
_EMPTY = dict.fromkeys(CURRENT)
_LEADS = """
SELECT l.lead_id, x.chance, x.action_since, x.model_id, x.lead_stage, x.action, x.recommended_lead_stage, x.score, x.grade,
  x.points
FROM leads l LEFT JOIN current_scores x ON x.lead_id = l.lead_id WHERE l.lead_id"""
_EXISTING = {
    "sqlite": _LEADS + " IN (SELECT value FROM json_each(?))",  # noqa: S608  our names
    "postgresql": _LEADS + " = ANY(%s)",
}


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
    dialect = connection.dialect.name
    names = sorted(row["lead_id"] for row in rows)
    parameters = (names if dialect == "postgresql" else json_list(names),)
    existing = {row[0]: _Current(*row[1:]) for row in connection.exec_driver_sql(_EXISTING[dialect], parameters)}
    newest, history = [], []
    for row in sorted(rows, key=lambda row: row["lead_id"]):
        current = existing.get(row["lead_id"])
        if current is None:
            continue
        full_row = {**_EMPTY, **row, "model_id": model, "as_of": as_of, "scored_at": now}
        if full_row["action"] is not None:
            full_row["action_since"] = _action_since(current, full_row["action"], as_of)
            if _differs(current, full_row):
                history.append(tuple([full_row[name] for name in HISTORY[:-1]] + [full_row["explanation"].pack()]))
        newest.append(tuple([full_row[name] for name in CURRENT]))
    if newest:
        connection.exec_driver_sql(_upsert(dialect), newest)
    if history:
        connection.exec_driver_sql(_insert(dialect), history)


class _Current(NamedTuple):
    """The newest score of a lead, as far as the next one is compared with it; all None where there is none."""

    chance: float | None
    action_since: int | None
    model_id: int | None
    lead_stage: str | None
    action: str | None
    recommended_lead_stage: str | None
    score: int | None
    grade: str | None
    points: float | None


@cache
def _upsert(dialect: str) -> str:
    updates = ", ".join(f"{name} = excluded.{name}" for name in CURRENT if name != "lead_id")
    return f"{_into('current_scores', CURRENT, dialect)} ON CONFLICT (lead_id) DO UPDATE SET {updates}"


@cache
def _insert(dialect: str) -> str:
    return _into("scores", HISTORY, dialect)


def _into(table: str, columns: Sequence[str], dialect: str) -> str:
    """As the driver takes it: what SQLAlchemy does to each value of each row costs as much as scoring the lead."""
    marker = "%s" if dialect == "postgresql" else "?"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([marker] * len(columns))})"  # noqa: S608  our names


def _action_since(current: _Current, action: str, as_of: int) -> int:
    """Since when the action has been recommended: as before, if it was."""
    if current.action != action or current.action_since is None:
        return as_of
    return current.action_since


def _differs(current: _Current, full_row: dict[str, Any]) -> bool:
    if current.chance is None or any(getattr(current, name) != full_row[name] for name in VISIBLE):
        return True
    before, now = logit((current.chance, full_row["chance"]))
    return bool(abs(before - now) > MIN_CHANGE)
