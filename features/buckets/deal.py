"""A few rows, such as a day's: sorted in one piece and dealt out to their buckets, without being cut into files first.

What takes time of a day is not its rows but opening a database and reading files for each bucket; so that is done once here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.buckets.cut import TALLIED, WITHIN, placed, spill_of, tally_of
from features.buckets.database import database
from features.buckets.manifest import Segment
from features.buckets.memory import Budget
from features.buckets.order import Ordered, taken
from features.buckets.place import Place
from features.buckets.segments import COLUMNS, GROUP, Rows, put_segment

WAITING = -1  # the number of what is no bucket
MOST = 4  # times the rows of a bucket, if their text is not long


@dataclass(frozen=True)
class Dealing:
    """These rows to be sorted into a segment for each bucket.

    `where` has lead_id, bucket and position, which counts its rows from 0. Rows of no bucket, or after `extracted_at` (µs),
    wait as they came, in bucket -1.
    """

    rows: Rows
    where: pa.Table
    extracted_at: int
    place: Place
    budget: Budget


@dataclass(frozen=True)
class TooLong:
    """The text of these rows is too long to be held."""


def deal(task: Dealing) -> dict[int, Segment] | TooLong:
    """Bucket → the segment with its rows, sorted as `cut.sort` does; the name tells the content."""
    if not task.rows:
        return {}
    found = {}
    with (
        database(task.budget.of_sort, 1, spill_of(task.budget, task.place), task.budget) as connection,
        task.rows.opened(connection, task.place) as queries,
    ):
        connection.register("place_of", task.where)
        given = " UNION ALL ".join(f"SELECT {COLUMNS} FROM ({query})" for query in queries)
        connection.execute(f"CREATE TEMP TABLE dealt AS {placed(given, 'place_of', task.extracted_at, wait=True)}")
        rows, text = connection.sql(
            "SELECT count(*), coalesce(sum(coalesce(strlen(content), 0) + coalesce(strlen(campaign), 0)), 0) FROM dealt"
        ).fetchall()[0]
        if taken(rows, text) > task.budget.of_database:
            return TooLong()
        usable = connection.sql("SELECT * EXCLUDE (lead_id) FROM dealt WHERE bucket >= 0").to_arrow_table()
        if waiting := connection.sql(f"SELECT {TALLIED} FROM dealt WHERE bucket < 0 GROUP BY type, direction").fetchall():
            table = connection.sql(f"SELECT {COLUMNS} FROM dealt WHERE bucket < 0 ORDER BY lead_id, {WITHIN}").to_arrow_table()
            batches = table.to_batches(max_chunksize=GROUP)
            found[WAITING] = put_segment(task.place, "waiting", batches, table.schema, tally_of(waiting))
    number = usable["bucket"].to_numpy()
    starts = np.concatenate(([0], np.cumsum(np.bincount(number))))  # of buckets, whose rows follow each other in the order, too
    ordered = Ordered.of(usable, task.where["lead_id"].combine_chunks())
    for bucket in np.unique(number).tolist():
        part = slice(int(starts[bucket]), int(starts[bucket + 1]))
        schema, batches = ordered.batches(part)
        found[bucket] = put_segment(task.place, f"{bucket:05d}", batches, schema, ordered.tally(part))
    return found
