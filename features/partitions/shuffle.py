"""Interactions of any order → one sorted file per bucket: first dealt out by their leads (a shuffle), then each bucket
sorted on its own.

In the first step everything is read once, by as many workers as there are, and counted on the way: only then is it known where
one bucket ends and the next begins, so rows are dealt out to more pieces than there will be buckets. The second is a task per
bucket, so it runs wherever there is a worker and goes on after an interruption: in memory (`order`), and in DuckDB, which
spills (an external sort, `beyond`), where an account with very many interactions makes a bucket too large for that.
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

from features.partitions.external_sort import sorted_beyond, sorted_waiting
from features.partitions.manifest import Segment
from features.partitions.memory import Budget
from features.partitions.pieces import ENDING, Dealer, Ints, counted, piece_of, pieces, together_counted
from features.partitions.reading import SMALLEST, Lacking, Rows, at_once
from features.partitions.segments import put_segment, together
from features.partitions.sorted_rows import Ordered, taken
from features.partitions.storage import Place, arrow_bytes

WORTH = 160  # bytes of rows for each lead: all leads are learnt anew for rows that are dealt out together


@dataclass(frozen=True)
class Counting:
    """How many of these rows each lead has, and how many lie after `extracted_at` (µs)."""

    rows: Rows
    extracted_at: int
    place: Place
    budget: Budget


@dataclass(frozen=True)
class Counts:
    """`rows`: lead_id and rows up to the extraction; how many are `late`."""

    rows: pa.Table
    late: int


def count(task: Counting) -> Counts:
    """Count without looking at anything else.

    Raises
    ------
    DataError
        if a row has no lead, type or moment, or a moment cannot be read.
    """
    lacking = Lacking()
    usable, after = [], 0
    for batch in task.rows.batches(task.place, task.budget):
        lacking.look(batch)
        late = pc.fill_null(pc.greater(batch["at"].cast(pa.int64()), task.extracted_at), False)
        after += late.true_count
        usable.append(counted(pa.chunked_array([batch["lead_id"].filter(pc.invert(late))])))
    lacking.check()
    return Counts(together_counted(usable), after)


@dataclass(frozen=True)
class Cutting:
    """These rows to be dealt out to pieces in the folder `out` of `place`: a lead's position is its place in the file `known`,
    and piece i has the positions from `begins[i]` on. What is of no known lead, or after `extracted_at`, waits."""

    rows: Rows
    known: str
    begins: Ints
    out: str
    extracted_at: int
    place: Place
    budget: Budget


@dataclass(frozen=True)
class Pieces:
    """The `files` by piece and what they hold: the file `rows` has the number by the position of their leads (an array), and of
    what waits the file `unknown` has lead ids and rows (Arrow), and `late` is the number of those after the extraction."""

    files: dict[str, str]
    rows: str
    unknown: str
    late: int


def cut(task: Cutting) -> Pieces:
    """Deal out, and count.

    Raises
    ------
    DataError
        if a row has no lead, type or moment, or the disk is full.
    """
    with ExitStack() as stack:
        local = task.place.local
        target = local / task.out if local else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ripeline")))
        task.place.remove(task.out)
        target.mkdir(parents=True, exist_ok=True)
        known = task.place.read_arrow(task.known)["lead_id"].combine_chunks()
        dealer = Dealer(known, task.begins, target, task.extracted_at)
        most = at_once(task.budget.memory // task.budget.workers)
        dealer.deal(task.rows.batches(task.place, task.budget), min(most, max(SMALLEST, WORTH * len(known))))
        files = {}
        for path in sorted(target.glob(f"*{ENDING}")):
            files[str(piece_of(path))] = name = f"{task.out}/{path.name}"
            if not local:
                task.place.write(name, path.read_bytes())
    made = Pieces(files, f"{task.out}/rows.npy", f"{task.out}/unknown.arrow", dealer.late)
    task.place.write_array(made.rows, dealer.rows)
    task.place.write_arrow(made.unknown, arrow_bytes(dealer.unknown))
    return made


@dataclass(frozen=True)
class Sorting:
    """The pieces in which the `leads` of one bucket are, to be sorted into a segment in the folder `out`, noted as `record` for
    a job that goes on. The lead at position `first` is `leads[0]`; rows of others are another bucket's.

    `waiting` rows are kept as they came.
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
        if task.waiting:
            schema, batches, tally = stack.enter_context(sorted_waiting(parts, task.place, task.budget))
        elif _needed(parts, inside := _inside(task, parts)) > task.budget.of_sort:
            found = sorted_beyond(parts, task.leads, task.first, task.place, task.budget)
            schema, batches, tally = stack.enter_context(found)
        else:
            mine = [part if which.all() else part.filter(pa.array(which)) for part, which in zip(parts, inside, strict=True)]
            ordered = Ordered.of(together(mine), task.leads, task.first)
            everything = slice(0, len(ordered.at))
            (schema, batches), tally = ordered.batches(everything), ordered.tally(everything)
        segment = put_segment(task.place, task.out, batches, schema, tally)
    task.place.write_json(task.record, asdict(segment))
    return segment


def _inside(task: Sorting, parts: Sequence[pa.Table]) -> list[npt.NDArray[np.bool_]]:
    """Which rows of each part are of the leads of this bucket."""
    positions = [part["position"].to_numpy() for part in parts]
    return [(position >= task.first) & (position < task.first + len(task.leads)) for position in positions]


def _needed(parts: Sequence[pa.Table], inside: Sequence[npt.NDArray[np.bool_]]) -> int:
    """Bytes that sorting these rows in memory would take."""
    rows, text = 0, 0.0
    for part, which in zip(parts, inside, strict=True):
        mine = int(which.sum())
        rows += mine
        text += sum(part[name].nbytes for name in ("content", "campaign")) * mine / max(len(which), 1)
    return taken(rows, int(text))


def leads_table(lead_id: pa.Array) -> pa.Buffer:
    """The file `Cutting.known`."""
    return arrow_bytes(pa.table({"lead_id": lead_id}))
