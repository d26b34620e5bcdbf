"""A few rows, such as a day's: sorted in one piece and dealt out to their buckets, without being cut into files first.

What takes time of a day is not its rows but opening databases and files for each bucket; so there is one of each here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.buckets.cut import COLUMNS, TALLIED, WITHIN, placed, put_segment, spill_of, tally_of
from features.buckets.database import database
from features.buckets.groups import GROUP
from features.buckets.manifest import Segment
from features.buckets.memory import Budget
from features.buckets.place import Place

MOST = 4  # times the rows of a bucket: of a sorted row text and numbers take about a fifth of what its features take


@dataclass(frozen=True)
class Dealing:
    """Rows of these queries to be sorted into a segment for each bucket (`where`: lead_id, bucket, position); rows of no
    bucket, or after `extracted_at` (µs), wait as they came, in bucket -1."""

    queries: tuple[str, ...]
    where: pa.Table
    extracted_at: int
    place: Place
    budget: Budget


def deal(task: Dealing) -> dict[int, Segment]:
    """Bucket → the segment with its rows, sorted as `cut.sort` does; the name tells the content."""
    if not task.queries:
        return {}
    rows = " UNION ALL ".join(f"SELECT {COLUMNS} FROM ({query})" for query in task.queries)
    with database(task.budget.of_sort, 1, spill_of(task.budget, task.place), task.budget) as connection:
        connection.register("place_of", task.where)
        connection.execute(f"CREATE TEMP TABLE dealt AS {placed(rows, 'place_of', task.extracted_at)}")
        tallies = connection.sql(
            f"SELECT bucket, {TALLIED} FROM dealt GROUP BY bucket, type, direction ORDER BY bucket"
        ).fetchall()
        table = connection.sql(
            f"""SELECT bucket, lead_id, type, "at", value, content, campaign,
                      CASE WHEN bucket < 0 OR direction IN ('in', 'out') THEN direction END AS direction
               FROM dealt
               ORDER BY bucket, CASE WHEN bucket < 0 THEN lead_id END, position, {WITHIN}"""
        ).to_arrow_table()
    at = table.schema.get_field_index("at")
    table = table.set_column(at, "at", table["at"].cast(pa.timestamp("us", "UTC")))
    tally = {number: tally_of([row[1:] for row in found]) for number, found in groupby(tallies, itemgetter(0))}
    found = {}
    for number, part in _parts(table):
        folder = "waiting" if number < 0 else f"{number:05d}"
        found[number] = put_segment(task.place, folder, _parquet(part), tally[number])
    return found


def _parts(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Bucket by bucket, the rows without its number; rows lie in the order of buckets."""
    numbers = table["bucket"].to_numpy()
    borders = np.append(np.flatnonzero(np.diff(numbers, prepend=np.iinfo(np.int64).min)), len(numbers))
    rest = table.drop_columns(["bucket"])
    for begin, end in pairwise(borders.tolist()):
        yield int(numbers[begin]), rest.slice(begin, end - begin)


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=GROUP, compression="snappy", store_schema=False)
    return bytes(sink.getvalue())
