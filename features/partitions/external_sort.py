"""External sort of what is too large for memory: DuckDB does it, which spills, in the same order as `order`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.dataset.tables import INTERACTIONS
from features.partitions.counts import Tally
from features.partitions.database import database, spill_of
from features.partitions.memory import Budget
from features.partitions.reading import KINDS, QUERIED
from features.partitions.segments import GROUP
from features.partitions.sorted_rows import SAYS
from features.partitions.storage import Place

COLUMNS = ", ".join(f'"{c}"' for c in INTERACTIONS.names)
WITHIN = '"at", type, direction, content, campaign, value'  # the order of the rows of a lead
TALLIED = 'type, direction, count(*), count(value), min(epoch_us("at")), max(epoch_us("at")), min(content), max(content)'
FEW = 2**15  # names of which there is a dictionary

Part = tuple[pa.Schema, Iterator[pa.RecordBatch], Tally]


@contextmanager
def sorted_beyond(parts: Sequence[pa.Table], leads: pa.Array, first: int, place: Place, budget: Budget) -> Iterator[Part]:
    """Rows by lead and moment, streamed; of `parts` those of `leads`, the first of whom is at position `first`."""
    with _registered(parts, place, budget) as (connection, given):
        rows = f"(SELECT * FROM {given} WHERE position BETWEEN {first} AND {first + len(leads) - 1})"
        found = connection.sql(f"""
            SELECT (position - {first})::INTEGER AS lead_id, type, "at", value, content, campaign,
                   CASE WHEN direction IN ('in', 'out') THEN direction END AS direction
            FROM {rows} ORDER BY position, {WITHIN}""")
        known = {"lead_id": leads}
        known |= {name: few for name in SAYS if (few := _few(connection, name, rows)) is not None}
        yield _streamed(found, known, connection, rows)


@contextmanager
def sorted_waiting(parts: Sequence[pa.Table], place: Place, budget: Budget) -> Iterator[Part]:
    """Rows as they came, by the ids of their leads."""
    with _registered(parts, place, budget) as (connection, rows):
        found = connection.sql(f"SELECT {COLUMNS} FROM {rows} ORDER BY lead_id, {WITHIN}")
        known = {name: few for name in SAYS if (few := _few(connection, name, rows)) is not None}
        yield _streamed(found, known, connection, rows)


@contextmanager
def _registered(parts: Sequence[pa.Table], place: Place, budget: Budget) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A database that knows these tables, and what to write for their rows."""
    with database(budget.of_sort, 1, spill_of(budget, place), budget) as connection:
        alike: dict[str, list[pa.Table]] = {}
        for part in parts:
            alike.setdefault(str(part.schema), []).append(part)
        for number, tables in enumerate(alike.values()):
            connection.register(f"part{number}", pa.concat_tables(tables))
        yield connection, "(" + " UNION ALL BY NAME ".join(f"SELECT * FROM part{i}" for i in range(len(alike))) + ")"


def _streamed(
    found: duckdb.DuckDBPyRelation, known: dict[str, pa.Array], connection: duckdb.DuckDBPyConnection, rows: str
) -> Part:
    tally = tally_of(connection.sql(f"SELECT {TALLIED} FROM {rows} GROUP BY type, direction").fetchall())
    fields = [
        pa.field(c.name, pa.dictionary(pa.int32(), pa.string()) if c.name in known else KINDS.get(c.kind, pa.string()))
        for c in INTERACTIONS.columns
    ]
    schema = pa.schema(fields)
    return schema, _coded(found.to_arrow_reader(QUERIED), schema, known), tally


def _few(connection: duckdb.DuckDBPyConnection, name: str, rows: str) -> pa.Array | None:
    """All that a column says, if that is not much."""
    found = connection.sql(f"SELECT DISTINCT {name} FROM {rows} WHERE {name} IS NOT NULL LIMIT {FEW + 1}").to_arrow_table()
    return found[name].cast(pa.string()).combine_chunks() if len(found) <= FEW else None


def _coded(batches: Iterable[pa.RecordBatch], schema: pa.Schema, known: dict[str, pa.Array]) -> Iterator[pa.RecordBatch]:
    """Batches of `GROUP` rows of this schema; `known`: the dictionary of a column; a lead's code is there."""
    for batch in batches:
        columns = []
        for field in schema:
            column, names = batch[field.name], known.get(field.name)
            if names is None:
                columns.append(column.cast(field.type))
                continue
            codes = column if field.name == "lead_id" else pc.index_in(column.cast(pa.string()), value_set=names)
            columns.append(pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), names))
        whole = pa.RecordBatch.from_arrays(columns, schema=schema)
        for begin in range(0, len(whole), GROUP):
            yield whole.slice(begin, GROUP)


def tally_of(found: Iterable[tuple[Any, ...]]) -> Tally:
    """What rows hold, of what `TALLIED` says of them by type and direction."""
    return Tally.merged(
        Tally(
            {kind: count},
            {kind: valued} if valued else {},
            (way,) if way in ("in", "out") else (),
            tuple(dict.fromkeys((least, most))) if least is not None else (),
            {way: count} if way not in (None, "in", "out") else {},
            first,
            last,
        )
        for kind, way, count, valued, first, last, least, most in found
    )
