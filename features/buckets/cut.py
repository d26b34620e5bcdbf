"""Interactions of any order → one sorted file per bucket: first cut by bucket, then each bucket sorted on its own.

In the first step DuckDB reads everything once and says in which bucket it is; rows are dealt out as they come (`pieces`).
The second is a task per bucket, so it runs wherever there is a worker and goes on after an interruption: in memory (`order`),
and in DuckDB, which spills, where an account with very many interactions makes a bucket too large for that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.buckets.database import database, parquet
from features.buckets.manifest import Segment
from features.buckets.memory import Budget
from features.buckets.order import SAYS, Ordered, taken
from features.buckets.pieces import AT_ONCE, ENDING, bucket_of, deal_out, most, pieces
from features.buckets.place import Place
from features.buckets.segments import COLUMNS, GROUP, Rows, put_segment, together
from features.buckets.tally import Tally
from features.errors import DataError
from features.tables import INTERACTIONS

_LACKING = {"timeless": "at", "nameless": "type"}
WITHIN = '"at", type, direction, content, campaign, value'  # the order of the rows of a lead
_NAMELESS = COLUMNS.replace('"lead_id"', "position")
TALLIED = 'type, direction, count(*), count(value), min(epoch_us("at")), max(epoch_us("at")), min(content), max(content)'


def spill_of(budget: Budget, place: Place) -> Path:
    """A folder of its own to spill into."""
    base = Path(budget.spill) if budget.spill else place.local
    if base:
        base.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".spill", dir=base))


@dataclass(frozen=True)
class Counting:
    """How many of these rows each lead has, those after `extracted_at` (µs) apart."""

    rows: Rows
    extracted_at: int
    place: Place
    budget: Budget


def count(task: Counting) -> pd.DataFrame:
    """lead_id, rows, late.

    Raises
    ------
    DataError
        if a row has no lead, type or moment, or a moment cannot be read.
    """
    counted = f"""
        SELECT lead_id, count(*) FILTER (epoch_us("at") <= {task.extracted_at}) AS rows,
               count(*) FILTER (epoch_us("at") > {task.extracted_at}) AS late,
               count(*) - count("at") AS timeless, count(*) - count(type) AS nameless
        FROM ({{}}) GROUP BY lead_id"""
    spill = spill_of(task.budget, task.place)
    with (
        database(task.budget.of_database, task.budget.workers, spill, task.budget) as connection,
        task.rows.opened(connection, task.place) as queries,
    ):
        found = [connection.sql(counted.format(query)).df() for query in queries]
    frame = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["lead_id", "rows", "late", *_LACKING])
    nobody = frame["lead_id"].isna()
    lacking = {"lead_id": int(frame.loc[nobody, ["rows", "late"]].sum().sum())}
    lacking |= {column: int(frame[name].sum()) for name, column in _LACKING.items()}
    for column, rows in lacking.items():
        if rows:
            raise DataError(
                f"Table 'interactions': column {column!r} is empty ({rows:,} such rows).",
                f"Every row of 'interactions' needs {', '.join(INTERACTIONS.required)}.",
            )
    return frame[["lead_id", "rows", "late"]].groupby("lead_id", as_index=False, sort=False).sum()


@dataclass(frozen=True)
class Cutting:
    """These rows to be cut by the bucket of their lead (`where`, a Parquet file: lead_id, bucket, position) into the folder
    `out` of `place`. Where some `wait`, rows of no bucket, or after `extracted_at`, go to bucket -1; else there are none."""

    rows: Rows
    where: str
    out: str
    extracted_at: int
    place: Place
    budget: Budget
    wait: bool = True


def placed(rows: str, where: str, extracted_at: int, *, wait: bool) -> str:
    """SQL for the rows of a query with the bucket and position of their lead (`where`).

    In bucket -1 is what has to `wait`. Only there is the lead named: elsewhere the position says it.
    """
    says = "i.type, i.direction, i.content, i.campaign, i.value"
    if not wait:
        return f'SELECT w.bucket, w.position, i."at", {says} FROM ({rows}) i JOIN {where} w USING (lead_id)'
    usable = f'epoch_us(i."at") <= {extracted_at}'
    return f"""SELECT * EXCLUDE (lead_id), CASE WHEN bucket < 0 THEN lead_id END AS lead_id FROM (
                   SELECT CASE WHEN {usable} THEN coalesce(w.bucket, -1) ELSE -1 END::INTEGER AS bucket,
                          w.position, i."at", {says}, i.lead_id
                   FROM ({rows}) i LEFT JOIN {where} w USING (lead_id))"""


def cut(task: Cutting) -> dict[int, list[str]]:
    """Bucket → the names of the files in which its rows are, in no order."""
    spill = spill_of(task.budget, task.place)
    found: dict[int, list[str]] = {}
    with ExitStack() as stack:
        local = task.place.local
        target = local / task.out if local else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ripeline")))
        task.place.remove(task.out)
        where = parquet(stack.enter_context(task.place.here(task.where)))
        connection = stack.enter_context(database(task.budget.of_database, task.budget.workers, spill, task.budget))
        target.mkdir(parents=True, exist_ok=True)
        for query in stack.enter_context(task.rows.opened(connection, task.place)):
            rows = connection.sql(placed(query, where, task.extracted_at, wait=task.wait))
            deal_out(rows.to_arrow_reader(AT_ONCE), target, most(task.budget.memory))
        for path in sorted(target.glob(f"*{ENDING}")):
            name = f"{task.out}/{path.name}"
            if not local:
                task.place.write(name, path.read_bytes())
            found[bucket_of(path)] = [name]
    return found


@dataclass(frozen=True)
class Sorting:
    """The files of one bucket to be sorted into a segment in the folder `out`, noted as `record` for a job that goes on.

    The lead at position `first` is `leads[0]`. `waiting` rows are kept as they came.
    """

    files: tuple[str, ...]
    out: str
    record: str
    place: Place
    budget: Budget
    leads: pa.Array
    first: int = 0
    waiting: bool = False


def sort(task: Sorting) -> Segment:
    """Sort by (lead in the order of accounts, at), write, and count what is in it; the name tells the content."""
    with ExitStack() as stack:
        parts = pieces([stack.enter_context(task.place.here(name)) for name in task.files])
        text = sum(part[name].nbytes for part in parts for name in ("content", "campaign"))
        if task.waiting or taken(sum(map(len, parts)), text) > task.budget.of_sort:
            schema, batches, tally = stack.enter_context(_beyond_memory(task, parts))
        else:
            ordered = Ordered.of(together(parts), task.leads, task.first)
            everything = slice(0, len(ordered.at))
            (schema, batches), tally = ordered.batches(everything), ordered.tally(everything)
        segment = put_segment(task.place, task.out, batches, schema, tally)
    task.place.write_json(task.record, asdict(segment))
    return segment


@contextmanager
def _beyond_memory(task: Sorting, parts: Sequence[pa.Table]) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch], Tally]]:
    """The same order by DuckDB, for rows that wait, and for more than fit: they are streamed."""
    with database(task.budget.of_sort, 1, spill_of(task.budget, task.place), task.budget) as connection:
        alike: dict[str, list[pa.Table]] = {}
        for part in parts:
            alike.setdefault(str(part.schema), []).append(part)
        for number, tables in enumerate(alike.values()):
            connection.register(f"part{number}", pa.concat_tables(tables))
        names = COLUMNS if task.waiting else _NAMELESS
        rows = "(" + " UNION ALL ".join(f"SELECT {names} FROM part{i}" for i in range(len(alike))) + ")"
        tally = tally_of(connection.sql(f"SELECT {TALLIED} FROM {rows} GROUP BY type, direction").fetchall())
        direction = "direction" if task.waiting else "CASE WHEN direction IN ('in', 'out') THEN direction END AS direction"
        who, order = ("lead_id", "lead_id") if task.waiting else (f"(position - {task.first})::INTEGER AS lead_id", "position")
        found = connection.sql(f"""SELECT {who}, type, "at", value, content, campaign, {direction}
                                   FROM {rows} ORDER BY {order}, {WITHIN}""")
        known = {} if task.waiting else {"lead_id": task.leads}
        known |= {name: few for name in SAYS if (few := _few(connection, name, rows)) is not None}
        fields = [
            pa.field(c.name, pa.dictionary(pa.int32(), pa.string()) if c.name in known else _KINDS.get(c.kind, pa.string()))
            for c in INTERACTIONS.columns
        ]
        schema = pa.schema(fields)
        yield schema, _coded(found.to_arrow_reader(AT_ONCE), schema, known), tally


_KINDS = {"time": pa.timestamp("us", "UTC"), "number": pa.float64()}
FEW = 2**15  # names of which there is a dictionary


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


def where_table(lead_id: npt.NDArray[np.object_], bucket: npt.NDArray[np.int64], position: npt.NDArray[np.int64]) -> pa.Table:
    """lead_id, bucket, position, for `Cutting.where`."""
    return pa.table(
        {"lead_id": pa.array(lead_id, pa.string()), "bucket": bucket.astype(np.int32), "position": position.astype(np.int32)}
    )
