"""Interactions dealt out by their leads: a file for each piece, to which Arrow streams are added, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.common.clock import NO_MOMENT
from features.common.codes import by_group, gather
from features.common.errors import DataError
from features.dataset.moments import earliest
from features.partitions.sorted_rows import TEXT_COLUMNS, Texts

ENDING = ".arrows"
LONG_AGO = np.iinfo(np.int64).min  # a moment before all others
WAITING = -1  # the number of what belongs to no piece
MOST_PIECES = 2**16 - 2

Ints = npt.NDArray[np.int64]


class PieceWriter:
    """Deals rows out to files in `folder`.

    A lead's position is its place among the ids `lead_ids`; piece i has those from `begins[i]` on. What belongs to no known
    lead, or lies after `extracted_at` (µs) or before all that can be meant, waits in a file of its own. Counted are the `rows`
    (leads,) of each lead, those of leads that are `unknown`, how many are `late_rows`, of which the last is at `latest` (µs),
    how many are `early_rows`, from before their lead was `created` (leads,), of which the first is at `earliest`, and how many
    are `ancient_rows`, of which the first is at `oldest`.
    """

    def __init__(self, lead_ids: pa.Array, created: Ints, begins: Ints, folder: Path, extracted_at: int) -> None:
        self._lead_ids, self._folder, self._extracted_at = lead_ids, folder, extracted_at
        self._created = np.append(created, LONG_AGO)  # of position -1, of whom nothing is early
        self._pieces = len(begins)
        number = np.searchsorted(begins, np.arange(len(lead_ids)), "right") - 1
        self._piece = np.append(number, self._pieces).astype(np.uint16)  # position -1 is the last: it waits
        self._unknown: list[pa.Table] = []
        self.rows: Ints = np.zeros(len(lead_ids), np.int64)
        self.late_rows = 0
        self.latest: int | None = None
        self.early_rows = 0
        self.earliest: int | None = None
        self.ancient_rows = 0
        self.oldest: int | None = None

    def deal(self, batches: Iterable[pa.RecordBatch], bytes_at_once: int) -> None:
        """Rows of interactions in no order → the files.

        Raises
        ------
        DataError
            if the disk is full.
        """
        pending: list[pa.RecordBatch] = []
        size = 0
        for batch in batches:
            if pending and (size >= bytes_at_once or batch.schema != pending[0].schema):
                self._add(pa.Table.from_batches(pending))
                pending, size = [], 0
            pending.append(batch)
            size += batch.nbytes
        if pending:
            self._add(pa.Table.from_batches(pending))

    @property
    def unknown(self) -> pa.Table:
        """`lead_id` and `rows` of leads that are not known."""
        return sum_counts(self._unknown)

    def _add(self, rows: pa.Table) -> None:
        if not len(rows):
            return
        moments = rows["at"].cast(pa.int64()).to_numpy()
        position = positions_of(rows["lead_id"], self._lead_ids)
        late_mask = moments > self._extracted_at
        if late_mask.any():
            self.late_rows += int(late_mask.sum())
            self.latest = max(int(moments.max()), self.latest or LONG_AGO)
            position[late_mask] = -1
        ancient_mask = moments < earliest(self._extracted_at)
        if ancient_mask.any():
            self.ancient_rows += int(ancient_mask.sum())
            self.oldest = min(int(moments.min()), self.oldest if self.oldest is not None else NO_MOMENT)
            position[ancient_mask] = -1
        early_mask = moments < gather(self._created, position)
        if early_mask.any():
            self.early_rows += int(early_mask.sum())
            self.earliest = min(int(moments[early_mask].min()), self.earliest if self.earliest is not None else NO_MOMENT)
        lost = (position < 0) & ~late_mask & ~ancient_mask
        if lost.any():
            self._unknown.append(count_by_lead(rows["lead_id"].filter(pa.array(lost))))
        piece = self._piece[position]
        order, ends = by_group(piece, self._pieces + 1)
        usable = ends[-2] if self._pieces else 0
        position = gather(position, order)
        self.rows += np.bincount(position[:usable], minlength=len(self.rows))
        texts = {name: Texts.from_column(rows[name]).take(order) for name in TEXT_COLUMNS}
        columns = {
            "at": pa.array(gather(moments, order)).view(pa.timestamp("us", "UTC")),
            "value": rows["value"].combine_chunks().take(pa.array(order)),
        }
        begin = 0
        for number, end in enumerate(ends[:-1]):
            if end > begin:
                key_column = {"position": pa.array(position[begin:end])}
                self._write(number, key_column, columns, texts, slice(begin, end))
            begin = end
        if usable < ends[-1]:
            lead_ids = rows["lead_id"].take(pa.array(order[usable:])).cast(pa.string()).combine_chunks()
            self._write(WAITING, {"lead_id": lead_ids}, columns, texts, slice(usable, ends[-1]))

    def _write(
        self, number: int, key_column: dict[str, pa.Array], columns: dict[str, pa.Array], texts: dict[str, Texts], rows: slice
    ) -> None:
        part = key_column | {name: column.slice(rows.start, rows.stop - rows.start) for name, column in columns.items()}
        batch = pa.record_batch(part | {name: column.arrow(rows) for name, column in texts.items()})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        _append(self._folder / f"{number}{ENDING}", sink.getvalue())


def positions_of(leads: pa.ChunkedArray, lead_ids: pa.Array) -> npt.NDArray[np.int32]:
    """(rows,) the place of each lead among `lead_ids`, -1 where it is none of them."""
    if pa.types.is_dictionary(leads.type):
        encoded = leads.unify_dictionaries().combine_chunks()
        codes = pc.index_in(encoded.dictionary.cast(pa.string()), value_set=lead_ids).fill_null(-1).to_numpy()
        of_name = np.append(codes, -1).astype(np.int32)
        return np.asarray(of_name[encoded.indices.cast(pa.int32()).fill_null(-1).to_numpy()])
    position: npt.NDArray[np.int32] = pc.index_in(leads.cast(pa.string()), value_set=lead_ids).fill_null(-1).to_numpy()
    return position if position.flags.writeable else position.copy()


EMPTY_COUNTS = pa.table({"lead_id": pa.array([], pa.string()), "rows": pa.array([], pa.int64())})


def count_by_lead(leads: pa.ChunkedArray) -> pa.Table:
    """`lead_id` and `rows`: how often each lead is there."""
    counts = pa.table({"lead_id": leads.cast(pa.string())}).group_by("lead_id").aggregate([([], "count_all")])
    return counts.rename_columns({"count_all": "rows"}).select(EMPTY_COUNTS.column_names)


def sum_counts(tables: Sequence[pa.Table]) -> pa.Table:
    """Counts of several parts as one."""
    totals = pa.concat_tables([EMPTY_COUNTS, *tables]).group_by("lead_id").aggregate([("rows", "sum")])
    return totals.rename_columns({"rows_sum": "rows"}).select(EMPTY_COUNTS.column_names)


def _append(path: Path, content: pa.Buffer) -> None:
    try:
        with path.open("ab") as file:
            file.write(content)
    except OSError as error:
        raise DataError(
            f"{path} could not be written: {error.strerror or error}.",
            "Free some space or name another folder; what was there before still is.",
        ) from error


def piece_of(path: Path | str) -> int:
    """The piece that a file is of."""
    return int(Path(path).name.removesuffix(ENDING))


def read_pieces(paths: Sequence[Path]) -> list[pa.Table]:
    """The tables of files, which are memory only where they are looked at. No more than one file is open at once."""
    tables: list[pa.Table] = []
    for path in paths:
        with pa.memory_map(str(path)) as file:  # what has been read stays mapped
            tables += _streams(file)
    return tables


def _streams(file: pa.MemoryMappedFile) -> Iterator[pa.Table]:
    while file.tell() < file.size():
        with pa.ipc.open_stream(file) as stream:
            yield stream.read_all()
