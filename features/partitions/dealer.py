"""A few rows, such as a day's: sorted in one piece and dealt out to their buckets, without being cut into files first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.dataset.moments import earliest
from features.partitions.external_sort import external_sort_waiting
from features.partitions.manifest import Segment
from features.partitions.memory import Budget
from features.partitions.pieces import WAITING, positions_of
from features.partitions.reading import InteractionSource
from features.partitions.segments import put_segment, unify_tables
from features.partitions.sorted_rows import SortedRows, sort_bytes
from features.partitions.storage import Storage

MAX_BUCKETS = 4  # times the rows of a bucket, if their text is not long


@dataclass(frozen=True)
class Dealing:
    """These rows to be sorted into a segment for each bucket.

    `leads` in the order of accounts, and the `bucket` of each. Rows of none of them, or after `extracted_at` (µs), or before
    all that can be meant, wait as they came, in bucket -1.
    """

    rows: InteractionSource
    leads: pa.Array
    bucket: npt.NDArray[np.int64]
    extracted_at: int
    storage: Storage
    budget: Budget


@dataclass(frozen=True)
class TooLong:
    """The text of these rows is too long to be held."""


def deal(task: Dealing) -> dict[int, Segment] | TooLong:
    """Bucket → the segment with its rows, sorted as `shuffle.sort` does; the name tells the content."""
    parts, rows, text = [], 0, 0
    for batch in task.rows.batches(task.storage, task.budget):
        rows, text = rows + len(batch), text + batch["content"].nbytes + batch["campaign"].nbytes
        if sort_bytes(rows, text) > task.budget.of_database:
            return TooLong()
        parts.append(pa.Table.from_batches([batch]))
    if not rows:
        return {}
    table = unify_tables(parts)
    position = positions_of(table["lead_id"], task.leads)
    moments = table["at"].cast(pa.int64()).to_numpy()
    position[(moments > task.extracted_at) | (moments < earliest(task.extracted_at))] = -1
    segments = {}
    if (position < 0).any():
        waiting = table.filter(pa.array(position < 0))
        with external_sort_waiting([waiting], task.storage, task.budget) as (schema, batches, tally):
            segments[WAITING] = put_segment(task.storage, "waiting", batches, schema, tally)
    usable = table.drop_columns(["lead_id"]).append_column("position", pa.array(position))
    if segments:
        usable = usable.filter(pa.array(position >= 0))
    ordered = SortedRows.from_table(usable, task.leads)
    # buckets follow each other in the order of accounts, and so do their rows
    bucket = task.bucket[positions_of(pa.chunked_array([ordered.leads]), task.leads)][ordered.lead]
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    for part in map(slice, starts.tolist(), [*starts[1:].tolist(), len(bucket)]):
        schema, batches = ordered.batches(part)
        number = int(bucket[part.start])
        segments[number] = put_segment(task.storage, f"{number:05d}", batches, schema, ordered.tally(part))
    return segments
