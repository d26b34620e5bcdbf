"""The interactions of leads as the engine takes them, column by column, put together by the database: a row for each lead.

A row for each interaction would be an object, and asked of the driver one by one, each time under Python's lock. Numbers are
the very ones: JSON of SQLite has 15 digits, so that a lead with a number that needs more is read row by row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache

import numpy as np
from sqlalchemy import Connection, select

from features.common.clock import NO_MOMENT
from features.dataset.repeats import distinct
from features.engine.request import InteractionColumns
from serving.store.json_values import json_list, json_value
from serving.store.tables import interactions

CHUNK = 5_000  # leads of one question
COLUMNS = ("type", "at", "direction", "value", "content", "campaign", "event_id")
Columns = list[list[object]]  # in the order of `COLUMNS`
_SQLITE = """
SELECT lead_id, sum(value IS NOT NULL AND CAST(CAST(value AS TEXT) AS REAL) <> value),
  json_array({columns})
FROM interactions WHERE lead_id IN (SELECT value FROM json_each(:ids)) AND at < :as_of{limit} GROUP BY lead_id
"""
_POSTGRESQL = """
SELECT lead_id, 0, json_build_array({columns})::text
FROM interactions WHERE lead_id = ANY(%(ids)s) AND at < %(as_of)s{limit} GROUP BY lead_id
"""


def read_interactions(
    connection: Connection, names: Sequence[str], as_of: int, known_at: int = NO_MOMENT
) -> dict[str, InteractionColumns]:
    """lead_id → its interactions before `as_of` that were received until `known_at`, oldest first, each once; equal moments in
    the order of their ids, so that it is always the same."""
    dialect = connection.dialect.name
    by_lead: dict[str, InteractionColumns] = {}
    for begin in range(0, len(names), CHUNK):
        chunk = list(names[begin : begin + CHUNK])
        parameters = {
            "ids": chunk if dialect == "postgresql" else json_list(chunk), "as_of": as_of, "known_at": known_at,
        }  # fmt: skip
        if known_at == NO_MOMENT:
            parameters.pop("known_at")
        inexact: list[str] = []
        for lead_id, long_numbers, text in connection.exec_driver_sql(_query(dialect, known_at != NO_MOMENT), parameters):
            if long_numbers:
                inexact.append(lead_id)
            else:
                by_lead[lead_id] = _ordered(json_value(text))
        if inexact:
            by_lead |= {lead_id: _ordered(columns) for lead_id, columns in _by_row(connection, inexact, as_of, known_at)}
    return by_lead


@cache
def _query(dialect: str, limited: bool) -> str:
    if dialect == "postgresql":
        columns = ", ".join(f"json_agg({name})" for name in COLUMNS)
        return _POSTGRESQL.format(columns=columns, limit=" AND received_at <= %(known_at)s" if limited else "")
    columns = ", ".join(f"json_group_array({name})" for name in COLUMNS)
    return _SQLITE.format(columns=columns, limit=" AND received_at <= :known_at" if limited else "")


def _by_row(connection: Connection, names: Sequence[str], as_of: int, known_at: int) -> list[tuple[str, Columns]]:
    c = interactions.c
    query = select(c.lead_id, *(c[name] for name in COLUMNS)).where(
        c.lead_id.in_(names), c.at < as_of, c.received_at <= known_at
    )
    rows_of: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for row in connection.execute(query):
        rows_of[row[0]].append(tuple(row[1:]))
    return [(lead_id, [list(column) for column in zip(*rows, strict=True)]) for lead_id, rows in rows_of.items()]


def _ordered(columns: Columns) -> InteractionColumns:
    """The interactions of one lead, oldest first, without repeats."""
    times = np.array(columns[1], np.int64)
    steps = np.diff(times)
    if (steps <= 0).any():
        rows = sorted(zip(*columns, strict=True), key=lambda row: (row[1], row[6]))
        rows = distinct(rows, [row[:6] for row in rows], [row[1] for row in rows])
        columns = [list(column) for column in zip(*rows, strict=True)]
        times = np.array(columns[1], np.int64)
    types, _, directions, numbers, contents = columns[:5]
    values = [None if number is None else float(number) for number in numbers]  # type: ignore[arg-type]
    return InteractionColumns(types, times, directions, values, contents)  # type: ignore[arg-type]
