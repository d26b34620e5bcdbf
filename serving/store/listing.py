"""The work list out of the store: the newest score of every open lead, ranked, filtered, sorted and paged by the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Label, collate, func, select
from sqlalchemy.sql.selectable import Subquery

from features.clock import timestamps
from serving.store.stale import waiting
from serving.store.tables import current_scores, models
from serving.work_list import Asked, ask

COLUMNS = (
    "rank", "lead_id", "lead_stage", "score", "grade", "chance", "low", "high", "rules_chance", "expected_value", "points",
    "action", "recommended_lead_stage", "status", "why", "reasons", "next_steps", "source", "country", "human_review",
    "as_of", "scored_at",
)  # fmt: skip
TEXT = frozenset({"lead_id", "lead_stage", "grade", "action", "recommended_lead_stage", "status", "source", "country"})
ROUNDED = {"chance": 6, "low": 6, "high": 6, "rules_chance": 6, "points": 2}
MOMENTS = ("as_of", "scored_at")
LISTED = ("scored", "uncertain")


@dataclass(frozen=True)
class Page:
    """Rows of the list, how many fit in all, the newest moment that leads were looked at, by which model, and how many wait
    to be scored again."""

    rows: list[dict[str, Any]]
    total: int
    as_of: str
    model: dict[str, str]
    waiting: int


def question(given: Mapping[str, str]) -> Asked:
    """Read the parameters of a query, as for a work list in a folder.

    Raises
    ------
    RefusedError
        naming the parameter that is unknown or wrong.
    """
    return ask(given, COLUMNS)


def page(connection: Connection, asked: Asked, *, everything: bool = False) -> Page:
    """The rows that were asked for; `everything`: of all pages. Rows without a value come last."""
    ranked = _ranked()
    fits = _fits(ranked, asked)
    column: ColumnElement[Any] = ranked.c[asked.sort]
    if asked.sort in TEXT and connection.dialect.name == "postgresql":
        column = collate(column, "C")  # as SQLite, and everything else here, compares text
    order = column.desc() if asked.descending else column.asc()
    rows = select(ranked).where(*fits).order_by(column.is_(None), order, ranked.c.rank)
    if not everything:
        rows = rows.limit(asked.limit).offset(asked.offset)
    total = connection.execute(select(func.count()).select_from(ranked).where(*fits)).scalar_one()
    c = current_scores.c
    newest = connection.execute(select(func.max(c.as_of)).where(c.status.in_(LISTED))).scalar()
    model = connection.execute(
        select(models.c.name, models.c.version)
        .join(current_scores, c.model_id == models.c.model_id)
        .where(c.status.in_(LISTED))
        .order_by(c.scored_at.desc())
        .limit(1)
    ).first()
    return Page(
        [_plain(dict(row)) for row in connection.execute(rows).mappings()] if everything or asked.limit else [],
        int(total),
        "" if newest is None else _iso(newest),
        {"name": model.name, "version": model.version} if model else {},
        waiting(connection),
    )


def _ranked() -> Subquery:
    """Everybody in the list with a rank: sure hand-overs, then close calls, then the others, each by what they are worth."""
    c = current_scores.c
    rank: Label[int] = func.row_number().over(order_by=(c.tier, c.gain.desc(), c.lead_id)).label("rank")
    return select(rank, *(c[name] for name in COLUMNS if name != "rank")).where(c.status.in_(LISTED)).subquery()


def _fits(ranked: Subquery, asked: Asked) -> list[ColumnElement[bool]]:
    fits = [ranked.c[name] == value for name, value in asked.equal.items()]
    if asked.min_score:
        fits.append(ranked.c.score >= asked.min_score)
    if asked.containing:
        fits.append(func.lower(ranked.c.lead_id).contains(asked.containing, autoescape=True))
    return fits


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    for name, digits in ROUNDED.items():
        row[name] = None if row[name] is None else round(row[name], digits)
    for name in MOMENTS:
        row[name] = _iso(row[name])
    return row


def _iso(at: int) -> str:
    import numpy as np

    return str(timestamps(np.array([at], np.int64))[0].isoformat())
