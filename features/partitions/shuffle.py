"""Interactions of any order → one sorted file per bucket: first dealt out by their leads (a shuffle), then each bucket
sorted on its own.

In the first step everything is read once, by as many workers as there are, and counted on the way: only then is it known where
one bucket ends and the next begins, so rows are dealt out to more pieces than there will be buckets. The second is a task per
bucket, so it runs wherever there is a worker and goes on after an interruption: in memory (`sorted_rows`), and in DuckDB, which
spills (an external sort, `external_sort`), where an account with very many interactions makes a bucket too large for that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.dataset.moments import earliest
from features.partitions.external_sort import external_sort, external_sort_waiting
from features.partitions.manifest import Segment
from features.partitions.memory import Budget
from features.partitions.pieces import ENDING, LONG_AGO, Ints, PieceWriter, count_by_lead, piece_of, read_pieces, sum_counts
from features.partitions.reading import SMALLEST, InteractionSource, batch_bytes
from features.partitions.segments import put_segment, unify_tables
from features.partitions.sorted_rows import SortedRows, sort_bytes
from features.partitions.storage import Storage, arrow_bytes

WORTH = 160  # bytes of rows for each lead: all leads are learnt anew for rows that are dealt out together


@dataclass(frozen=True)
class Counting:
    """How many of these rows each lead has, and how many lie after `extracted_at` (µs)."""

    rows: InteractionSource
    extracted_at: int
    storage: Storage
    budget: Budget


@dataclass(frozen=True)
class Counts:
    """`rows`: lead_id and rows up to the extraction; how many are `late_rows`, and the `latest` of these (µs); how many are
    `ancient_rows`, before all that can be meant, and the `oldest` of these."""

    rows: pa.Table
    late_rows: int
    latest: int | None
    ancient_rows: int = 0
    oldest: int | None = None


def count(task: Counting) -> Counts:
    """Count without looking at anything else.

    Raises
    ------
    DataError
        if a file is damaged.
    """
    usable, late_rows, latest, ancient_rows, oldest = [], 0, [], 0, []
    for batch in task.rows.batches(task.storage, task.budget):
        moments = batch["at"].cast(pa.int64())
        late_mask = pc.greater(moments, task.extracted_at)
        late_rows += late_mask.true_count
        latest += [pc.max(moments).as_py()] if late_mask.true_count else []
        ancient_mask = pc.less(moments, earliest(task.extracted_at))
        ancient_rows += ancient_mask.true_count
        oldest += [pc.min(moments).as_py()] if ancient_mask.true_count else []
        usable.append(count_by_lead(pa.chunked_array([batch["lead_id"].filter(pc.invert(pc.or_(late_mask, ancient_mask)))])))
    return Counts(sum_counts(usable), late_rows, max(latest, default=None), ancient_rows, min(oldest, default=None))


@dataclass(frozen=True)
class Cutting:
    """These rows to be dealt out to pieces in the folder `output_folder` of `storage`: a lead's position is its place in the
    file `leads_file`, and piece i has the positions from `begins[i]` on. What is of no known lead, or after `extracted_at`,
    waits."""

    rows: InteractionSource
    leads_file: str
    begins: Ints
    output_folder: str
    extracted_at: int
    storage: Storage
    budget: Budget


@dataclass(frozen=True)
class Pieces:
    """The `files` by piece and what they hold: the file `rows` has the number by the position of their leads (an array), and of
    what waits the file `unknown` has lead ids and rows (Arrow). `late` is the number of rows after the extraction, the last of
    them at `latest` (µs); `early` that of rows from before their lead was created, the first at `earliest`; `ancient` that of
    rows before all that can be meant, the first at `oldest`."""

    files: dict[str, str]
    rows: str
    unknown: str
    late: int
    latest: int | None = None
    early: int = 0
    earliest: int | None = None
    ancient: int = 0
    oldest: int | None = None


def cut(task: Cutting) -> Pieces:
    """Deal out, and count.

    Raises
    ------
    DataError
        if a file is damaged, or the disk is full.
    """
    with ExitStack() as stack:
        local = task.storage.local
        target = (
            local / task.output_folder if local else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ripeline")))
        )
        task.storage.remove(task.output_folder)
        target.mkdir(parents=True, exist_ok=True)
        leads = task.storage.read_arrow(task.leads_file)
        lead_ids = leads["lead_id"].combine_chunks()
        dealer = PieceWriter(lead_ids, leads["created"].to_numpy(), task.begins, target, task.extracted_at)
        max_bytes = batch_bytes(task.budget.memory // task.budget.workers)
        dealer.deal(task.rows.batches(task.storage, task.budget), min(max_bytes, max(SMALLEST, WORTH * len(lead_ids))))
        files = {}
        for path in sorted(target.glob(f"*{ENDING}")):
            files[str(piece_of(path))] = name = f"{task.output_folder}/{path.name}"
            if not local:
                task.storage.write(name, path.read_bytes())
    rows, unknown = f"{task.output_folder}/rows.npy", f"{task.output_folder}/unknown.arrow"
    counts = (dealer.late_rows, dealer.latest, dealer.early_rows, dealer.earliest, dealer.ancient_rows, dealer.oldest)
    dealt_pieces = Pieces(files, rows, unknown, *counts)
    task.storage.write_array(dealt_pieces.rows, dealer.rows)
    task.storage.write_arrow(dealt_pieces.unknown, arrow_bytes(dealer.unknown))
    return dealt_pieces


@dataclass(frozen=True)
class Sorting:
    """The pieces in which the `leads` of one bucket are, to be sorted into a segment in the folder `output_folder`, noted as
    `record` for a job that goes on. The lead at position `first_position` is `leads[0]`; rows of others are another bucket's.

    `waiting` rows are kept as they came.
    """

    files: tuple[str, ...]
    output_folder: str
    record: str
    storage: Storage
    budget: Budget
    leads: pa.Array
    first_position: int = 0
    waiting: bool = False


def sort(task: Sorting) -> Segment:
    """Sort by (lead in the order of accounts, at), write, and count what is in it; the name tells the content."""
    with ExitStack() as stack:
        parts = read_pieces([stack.enter_context(task.storage.local_file(name)) for name in task.files])
        if task.waiting:
            schema, batches, tally = stack.enter_context(external_sort_waiting(parts, task.storage, task.budget))
        elif _needed_bytes(parts, masks := _row_masks(task, parts)) > task.budget.of_sort:
            sorted_part = external_sort(parts, task.leads, task.first_position, task.storage, task.budget)
            schema, batches, tally = stack.enter_context(sorted_part)
        else:
            bucket_parts = [
                part if mask.all() else part.filter(pa.array(mask)) for part, mask in zip(parts, masks, strict=True)
            ]
            ordered = SortedRows.from_table(unify_tables(bucket_parts), task.leads, task.first_position)
            all_rows = slice(0, len(ordered.moments))
            (schema, batches), tally = ordered.batches(all_rows), ordered.tally(all_rows)
        segment = put_segment(task.storage, task.output_folder, batches, schema, tally)
    task.storage.write_json(task.record, asdict(segment))
    return segment


def _row_masks(task: Sorting, parts: Sequence[pa.Table]) -> list[npt.NDArray[np.bool_]]:
    """Which rows of each part are of the leads of this bucket."""
    positions = [part["position"].to_numpy() for part in parts]
    return [(position >= task.first_position) & (position < task.first_position + len(task.leads)) for position in positions]


def _needed_bytes(parts: Sequence[pa.Table], masks: Sequence[npt.NDArray[np.bool_]]) -> int:
    """Bytes that sorting these rows in memory would take."""
    rows, text = 0, 0.0
    for part, mask in zip(parts, masks, strict=True):
        bucket_rows = int(mask.sum())
        rows += bucket_rows
        text += sum(part[name].nbytes for name in ("content", "campaign")) * bucket_rows / max(len(mask), 1)
    return sort_bytes(rows, int(text))


def leads_table(lead_id: pa.Array, created: Ints | None) -> pa.Buffer:
    """The file `Cutting.leads_file`."""
    created = np.full(len(lead_id), LONG_AGO) if created is None else created
    return arrow_bytes(pa.table({"lead_id": lead_id, "created": created}))
