"""Interactions of any order → one sorted Parquet file per bucket: first cut by bucket, then each bucket sorted on its own.

The first step runs in DuckDB, which spills what does not fit; it reads everything once and writes it once. The second is a task
per bucket, so it runs wherever there is a worker and goes on after an interruption: in memory (`order`), and in DuckDB where an
account with very many interactions makes a bucket too large for that.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.buckets.database import database, parquet
from features.buckets.groups import GROUP, groups_of
from features.buckets.manifest import Segment
from features.buckets.memory import Budget
from features.buckets.order import Ordered, read_rows, taken
from features.buckets.place import Place, arrow_bytes
from features.buckets.tally import Tally
from features.errors import DataError
from features.tables import INTERACTIONS

_LACKING = {"timeless": "at", "nameless": "type"}
COLUMNS = ", ".join(f'"{c}"' for c in INTERACTIONS.names)
WITHIN = '"at", type, direction, content, campaign, value'  # the order of the rows of a lead
TALLIED = 'type, direction, count(*), count(value), min(epoch_us("at")), max(epoch_us("at")), min(content), max(content)'


def spill_of(budget: Budget, place: Place) -> Path:
    """A folder of its own to spill into."""
    base = Path(budget.spill) if budget.spill else place.local
    if base:
        base.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".spill", dir=base))


@dataclass(frozen=True)
class Counting:
    """How many rows each lead has in these queries, those after `extracted_at` (µs) apart."""

    queries: tuple[str, ...]
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
    with database(task.budget.of_database, task.budget.workers, spill, task.budget) as connection:
        found = [connection.sql(counted.format(query)).df() for query in task.queries]
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
    """Rows of these queries to be cut by the bucket of their lead (`where`, a Parquet file: lead_id, bucket, position) into the
    folder `out` of `place`; rows of no bucket, or after `extracted_at`, go to bucket -1."""

    queries: tuple[str, ...]
    where: str
    out: str
    extracted_at: int
    place: Place
    budget: Budget


def placed(rows: str, where: str, extracted_at: int) -> str:
    """SQL for the rows of a query with the bucket and position of their lead (`where`).

    In bucket -1 is what cannot be used yet. Only there is the lead named: elsewhere the position says it.
    """
    return f"""SELECT CASE WHEN bucket < 0 THEN lead_id END AS lead_id, * EXCLUDE (lead_id) FROM (
                   SELECT i.*, w.position,
                          CASE WHEN epoch_us(i."at") <= {extracted_at} THEN coalesce(w.bucket, -1) ELSE -1 END AS bucket
                   FROM ({rows}) i LEFT JOIN {where} w USING (lead_id))"""


def cut(task: Cutting) -> dict[int, list[str]]:
    """Bucket → the names of the files in which its rows are, in no order."""
    spill = spill_of(task.budget, task.place)
    found: dict[int, list[str]] = {}
    with ExitStack() as stack:
        local = task.place.local
        target = local / task.out if local else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ripeline")))
        task.place.remove(task.out)
        target.parent.mkdir(parents=True, exist_ok=True)
        where = stack.enter_context(task.place.here(task.where))
        connection = stack.enter_context(database(task.budget.of_database, task.budget.workers, spill, task.budget))
        for number, query in enumerate(task.queries):
            part = target / f"{number:05d}"
            part.mkdir(parents=True)
            connection.execute(
                f"""COPY ({placed(query, parquet(where), task.extracted_at)})
                    TO '{part}' (FORMAT parquet, PARTITION_BY (bucket), COMPRESSION snappy, OVERWRITE_OR_IGNORE)"""
            )
        for path in sorted(target.rglob("*.parquet")):
            name = f"{task.out}/{path.relative_to(target)}"
            if not local:
                task.place.write(name, path.read_bytes())
            found.setdefault(int(path.parent.name.removeprefix("bucket=")), []).append(name)
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
        paths = [stack.enter_context(task.place.here(name)) for name in task.files]
        if task.waiting or sum(map(_taken, paths)) > task.budget.of_sort:
            content, tally = _beyond_memory(task, paths)
        else:
            ordered = Ordered.of(read_rows(paths), task.leads, task.first)
            everything = slice(0, len(ordered.at))
            content, tally = ordered.parquet(everything), ordered.tally(everything)
    segment = put_segment(task.place, task.out, content, tally)
    task.place.write_json(task.record, asdict(segment))
    return segment


def _taken(path: Path) -> int:
    """Bytes that sorting the rows of a file takes, as its footer tells."""
    footer = pq.read_metadata(path)
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    columns = [group.column(i) for group in groups for i in range(group.num_columns)]
    return taken(
        footer.num_rows, sum(c.total_uncompressed_size for c in columns if c.path_in_schema in ("content", "campaign"))
    )


def _beyond_memory(task: Sorting, paths: Sequence[Path]) -> tuple[bytes, Tally]:
    """The same order by DuckDB, for rows that wait, and for more than fit."""
    direction = "direction" if task.waiting else "CASE WHEN direction IN ('in', 'out') THEN direction END AS direction"
    order = "lead_id" if task.waiting else "position"
    rows = parquet(*paths)
    named = rows if task.waiting else f"(SELECT * EXCLUDE (lead_id) FROM {rows}) JOIN names USING (position)"
    positions = pa.array(np.arange(task.first, task.first + len(task.leads)))
    spill = spill_of(task.budget, task.place)
    with (
        database(task.budget.of_sort, 1, spill, task.budget) as connection,
        tempfile.TemporaryDirectory(prefix="ripeline", dir=spill.parent) as written,
    ):
        connection.register("names", pa.table({"position": positions, "lead_id": task.leads}))
        path = Path(written) / "sorted.parquet"
        tally = tally_of(connection.sql(f"SELECT {TALLIED} FROM {rows} GROUP BY type, direction").fetchall())
        connection.execute(
            f"""COPY (
                SELECT lead_id, type, "at", value, content, campaign, {direction}
                FROM {named} ORDER BY {order}, {WITHIN}
            ) TO '{path}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {GROUP})"""
        )
        return path.read_bytes(), tally


def put_segment(place: Place, folder: str, content: bytes, tally: Tally) -> Segment:
    """Write a segment of these bytes, and which leads are where in it; the names tell the content."""
    checksum = hashlib.sha256(content).hexdigest()
    name = f"{folder}/interactions-{checksum[:16]}.parquet"
    if not place.exists(name):
        place.write(name, content)
    found = groups_of(content)
    groups = "" if found is None else f"{folder}/groups-{checksum[:16]}.arrow"
    if found is not None and not place.exists(groups):
        place.write_arrow(groups, arrow_bytes(found, "lz4"))
    return Segment(name, tally.rows, checksum, tally, groups=groups)


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
    return pa.table({"lead_id": pa.array(lead_id, pa.string()), "bucket": bucket.astype(np.int32), "position": position})
