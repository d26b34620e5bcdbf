"""External sort of what is too large for memory: DuckDB does it, which spills, in the same order as `sorted_rows`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.common.clock import DAY
from features.dataset.dataset import INTERACTIONS_SCHEMA
from features.dataset.tables import INTERACTIONS
from features.dataset.tally import Tally
from features.partitions.database import database, spill_folder
from features.partitions.memory import Budget
from features.partitions.segments import GROUP
from features.partitions.sorted_rows import TEXT_COLUMNS
from features.partitions.storage import Storage

COLUMNS = ", ".join(f'"{c}"' for c in INTERACTIONS.names)
WAY = "CASE WHEN direction IN ('in', 'out') THEN direction END"  # any other direction is none
ROW_ORDER = '"at", type, direction, content, campaign, value'  # the order of the rows of a lead
TALLIED = 'type, direction, count(*), count(value), min(epoch_us("at")), max(epoch_us("at")), min(content), max(content)'
QUERIED = 65_536  # rows that the database hands over at once
MAX_DICTIONARY = 2**15  # names of which there is a dictionary

Part = tuple[pa.Schema, Iterator[pa.RecordBatch], Tally]


@contextmanager
def external_sort(
    parts: Sequence[pa.Table], leads: pa.Array, first_position: int, storage: Storage, budget: Budget
) -> Iterator[Part]:
    """Rows by lead and moment, streamed; of `parts` those of `leads`, the first of whom is at position `first_position`."""
    with _sort_database(parts, storage, budget) as (connection, source):
        of_bucket = f"SELECT * FROM {source} WHERE position BETWEEN {first_position} AND {first_position + len(leads) - 1}"
        rows, repeated, same_day = _without_repeats(connection, of_bucket)
        relation = connection.sql(f"""
            SELECT (position - {first_position})::INTEGER AS lead_id, type, "at", value, content, campaign,
                   {WAY} AS direction
            FROM {rows} ORDER BY position, {ROW_ORDER}""")
        dictionaries = {"lead_id": leads}
        dictionaries |= {
            name: dictionary for name in TEXT_COLUMNS if (dictionary := _dictionary(connection, name, rows)) is not None
        }
        schema, batches, tally = _stream_rows(relation, dictionaries, connection, rows)
        yield schema, batches, replace(tally, repeated=repeated, same_day=same_day)


def _without_repeats(connection: duckdb.DuckDBPyConnection, rows: str) -> tuple[str, int, int]:
    """The rows of a query without those that repeat others, how many these are, and how many repeat others on a day without a
    time and stay (`features.dataset.repeats`)."""
    is_day = f'epoch_us("at") % {DAY} = 0'
    first_ones = f"SELECT DISTINCT ON (position, {ROW_ORDER.replace('direction', WAY)}) * FROM ({rows})"
    counts = f"SELECT count(*), count(*) FILTER ({is_day}) FROM"
    (every, days), (distinct, distinct_days) = (
        connection.sql(f"{counts} ({query})").fetchall()[0] for query in (rows, first_ones)
    )
    if every == distinct:
        return f"({rows})", 0, 0
    parts = f"SELECT * FROM ({rows}) WHERE {is_day} UNION ALL BY NAME SELECT * FROM ({first_ones}) WHERE NOT {is_day}"
    return f"({parts})", (every - days) - (distinct - distinct_days), days - distinct_days


@contextmanager
def external_sort_waiting(parts: Sequence[pa.Table], storage: Storage, budget: Budget) -> Iterator[Part]:
    """Rows as they came, by the ids of their leads."""
    with _sort_database(parts, storage, budget) as (connection, rows):
        relation = connection.sql(f"SELECT {COLUMNS} FROM {rows} ORDER BY lead_id, {ROW_ORDER}")
        dictionaries = {
            name: dictionary for name in TEXT_COLUMNS if (dictionary := _dictionary(connection, name, rows)) is not None
        }
        yield _stream_rows(relation, dictionaries, connection, rows)


@contextmanager
def _sort_database(
    parts: Sequence[pa.Table], storage: Storage, budget: Budget
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A database that knows these tables, and what to write for their rows."""
    with spill_folder(budget, storage) as spill, database(budget.of_sort, 1, spill, budget) as connection:
        by_schema: dict[str, list[pa.Table]] = {}
        for part in parts:
            by_schema.setdefault(str(part.schema), []).append(part)
        for number, tables in enumerate(by_schema.values()):
            connection.register(f"part{number}", pa.concat_tables(tables))
        yield connection, "(" + " UNION ALL BY NAME ".join(f"SELECT * FROM part{i}" for i in range(len(by_schema))) + ")"


def _stream_rows(
    relation: duckdb.DuckDBPyRelation, dictionaries: dict[str, pa.Array], connection: duckdb.DuckDBPyConnection, rows: str
) -> Part:
    tally = tally_of(connection.sql(f"SELECT {TALLIED} FROM {rows} GROUP BY type, direction").fetchall())
    fields = [
        pa.field(
            c.name, pa.dictionary(pa.int32(), pa.string()) if c.name in dictionaries else INTERACTIONS_SCHEMA.field(c.name).type
        )
        for c in INTERACTIONS.columns
    ]
    schema = pa.schema(fields)
    return schema, _encode_batches(relation.to_arrow_reader(QUERIED), schema, dictionaries), tally


def _dictionary(connection: duckdb.DuckDBPyConnection, name: str, rows: str) -> pa.Array | None:
    """All that a column says, if that is not much."""
    distinct = connection.sql(
        f"SELECT DISTINCT {name} FROM {rows} WHERE {name} IS NOT NULL LIMIT {MAX_DICTIONARY + 1}"
    ).to_arrow_table()
    return distinct[name].cast(pa.string()).combine_chunks() if len(distinct) <= MAX_DICTIONARY else None


def _encode_batches(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, dictionaries: dict[str, pa.Array]
) -> Iterator[pa.RecordBatch]:
    """Batches of `GROUP` rows of this schema; `dictionaries`: the dictionary of a column; a lead's code is there."""
    for batch in batches:
        columns = []
        for field in schema:
            column, names = batch[field.name], dictionaries.get(field.name)
            if names is None:
                columns.append(column.cast(field.type))
                continue
            codes = column if field.name == "lead_id" else pc.index_in(column.cast(pa.string()), value_set=names)
            columns.append(pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), names))
        coded_batch = pa.RecordBatch.from_arrays(columns, schema=schema)
        for begin in range(0, len(coded_batch), GROUP):
            yield coded_batch.slice(begin, GROUP)


def tally_of(rows: Iterable[tuple[Any, ...]]) -> Tally:
    """What rows hold, of what `TALLIED` says of them by type and direction."""
    return Tally.merged(
        Tally(
            {kind: count},
            {kind: valued} if valued else {},
            (way,) if way in ("in", "out") else (),
            tuple(dict.fromkeys((first_content, last_content))) if first_content is not None else (),
            {way: count} if way not in (None, "in", "out") else {},
            earliest,
            latest,
        )
        for kind, way, count, valued, earliest, latest, first_content, last_content in rows
    )
