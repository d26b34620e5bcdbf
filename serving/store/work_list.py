"""The work list: the newest score of every open lead in the store, ranked, filtered, sorted and paged by the database."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

from sqlalchemy import ColumnElement, Connection, Label, Select, collate, func, select

from serving.scoring.request import time_of
from serving.store.filling import current_filling
from serving.store.rescore_queue import waiting
from serving.store.tables import current_scores, models

MOST_ROWS = 500  # of one answer
PIECE = 500  # rows of the whole list that are held at once
COLUMNS = (
    "rank", "lead_id", "lead_stage", "score", "grade", "chance", "low", "high", "rules_chance", "expected_value", "points",
    "action", "recommended_lead_stage", "status", "why", "reasons", "next_steps", "source", "country", "human_review",
    "as_of", "scored_at",
)  # fmt: skip
TEXT = frozenset({"lead_id", "lead_stage", "grade", "action", "recommended_lead_stage", "status", "source", "country"})
ROUNDED = {"chance": 6, "low": 6, "high": 6, "rules_chance": 6, "points": 2}
MOMENTS = ("as_of", "scored_at")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so (CSV injection)
c = current_scores.c
LISTED = c.status.in_(("scored", "uncertain"))
RANK: tuple[ColumnElement[Any], ...] = (c.tier, c.gain.desc(), c.lead_id)


@dataclass(frozen=True)
class WorkListQuery:
    """A question to the list: `sort` names one of `COLUMNS`, `descending` its order; `limit`, `MOST_ROWS` at the most, and
    `offset` its pagination."""

    sort: str = "rank"
    descending: bool = False
    equal: Mapping[str, str] = field(default_factory=dict)
    min_score: float = 0.0
    containing: str = ""
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True)
class Page:
    """The newest moment that leads were looked at, by which model, how many rows of the list fit in all, how many leads wait to
    be scored again, what is being loaded into the store, and the rows of the page."""

    as_of: str
    model: dict[str, str]
    total: int
    waiting: int
    filling: dict[str, Any] | None
    rows: list[dict[str, Any]]


def page(connection: Connection, request: WorkListQuery, now: int) -> Page:
    """The rows that were asked for at the moment `now` (µs). Rows without a value come last, equal ones by rank."""
    fits = _fits(request)
    query = select(*(c[name] for name in COLUMNS if name != "rank")).where(*fits).order_by(*_order(connection, request))
    query = query.limit(request.limit).offset(request.offset)
    listed_rows = [_plain(dict(row)) for row in connection.execute(query).mappings()] if request.limit else []
    ranks = _ranks(connection, [row["lead_id"] for row in listed_rows])
    model = connection.execute(
        select(models.c.name, models.c.version)
        .join(current_scores, c.model_id == models.c.model_id)
        .where(LISTED)
        .order_by(c.scored_at.desc())
        .limit(1)
    ).first()
    newest = connection.execute(select(func.max(c.as_of)).where(LISTED)).scalar()
    return Page(
        as_of="" if newest is None else _iso(newest),
        model={"name": model.name, "version": model.version} if model else {},
        total=int(connection.execute(select(func.count()).select_from(current_scores).where(*fits)).scalar_one()),
        waiting=waiting(connection),
        filling=asdict(filling) if (filling := current_filling(connection, now)) else None,
        rows=[{"rank": ranks[row["lead_id"]], **row} for row in listed_rows],
    )


def write_csv(connection: Connection, request: WorkListQuery, file: TextIO) -> list[str]:
    """All rows that fit as CSV into a file → whom they are about; a cell that a spreadsheet would run begins with an
    apostrophe. However long the list is, few rows of it are held at once."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    lead_ids: list[str] = []
    ranked = _ranked().subquery()
    query = select(*(c[name] for name in COLUMNS if name != "rank"), ranked.c.rank)
    query = query.join(ranked, ranked.c.lead_id == c.lead_id).where(*_fits(request)).order_by(*_order(connection, request))
    for row in connection.execution_options(yield_per=PIECE).execute(query).mappings():
        values = _plain(dict(row))
        lead_ids.append(values["lead_id"])
        cells = (values[name] for name in COLUMNS)
        writer.writerow([f"'{v}" if isinstance(v, str) and v.startswith(FORMULA) else v for v in cells])
    return lead_ids


def _order(connection: Connection, request: WorkListQuery) -> list[ColumnElement[Any]]:
    if request.sort == "rank":
        return [c.tier.desc(), c.gain.asc(), c.lead_id.desc()] if request.descending else list(RANK)
    column: ColumnElement[Any] = c[request.sort]
    if request.sort in TEXT and connection.dialect.name == "postgresql":
        column = collate(column, "C")  # as SQLite, and everything else here, compares text
    return [c[request.sort].is_(None), column.desc() if request.descending else column.asc(), *RANK]


def _ranked() -> Select[Any]:
    """Places in the whole list: sure hand-overs, then close calls, then the others, each by what they are worth."""
    rank: Label[int] = func.row_number().over(order_by=RANK).label("rank")
    return select(c.lead_id, rank).where(LISTED)


def _ranks(connection: Connection, names: list[str]) -> dict[str, int]:
    """The places of leads, `MOST_ROWS` at the most."""
    ranked = _ranked().subquery()
    query = select(ranked).where(ranked.c.lead_id.in_(names))
    return {row.lead_id: row.rank for row in connection.execute(query)} if names else {}


def _fits(request: WorkListQuery) -> list[ColumnElement[bool]]:
    fits = [LISTED, *(c[name] == value for name, value in request.equal.items())]
    if request.min_score:
        fits.append(c.score >= request.min_score)
    if request.containing:
        fits.append(func.lower(c.lead_id).contains(request.containing, autoescape=True))
    return fits


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    for name, digits in ROUNDED.items():
        row[name] = None if row[name] is None else round(row[name], digits)
    for name in MOMENTS:
        row[name] = _iso(row[name])
    return row


def _iso(moment: int) -> str:
    return time_of(moment).isoformat()
