"""Interactions dealt out by their leads: a file for each piece, to which Arrow streams are added, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.common.codes import by_group, gathered
from features.common.errors import DataError
from features.partitions.reading import Lacking
from features.partitions.sorted_rows import SAYS, Texts

ENDING = ".arrows"
WAITING = -1  # the number of what belongs to no piece
MOST_PIECES = 2**16 - 2

Ints = npt.NDArray[np.int64]


class Dealer:
    """Deals rows out to files in `folder`.

    A lead's position is its place among the ids `known`; piece i has those from `begins[i]` on. What belongs to no known lead,
    or lies after `until` (µs), waits in a file of its own. Counted are the `rows` (leads,) of each lead, those of leads that
    are `unknown`, and how many are `late`.
    """

    def __init__(self, known: pa.Array, begins: Ints, folder: Path, until: int) -> None:
        self._known, self._folder, self._until = known, folder, until
        self._pieces = len(begins)
        number = np.searchsorted(begins, np.arange(len(known)), "right") - 1
        self._piece = np.append(number, self._pieces).astype(np.uint16)  # position -1 is the last: it waits
        self._lacking = Lacking()
        self._unknown: list[pa.Table] = []
        self.rows: Ints = np.zeros(len(known), np.int64)
        self.late = 0

    def deal(self, batches: Iterable[pa.RecordBatch], bytes_at_once: int) -> None:
        """Rows of interactions in no order → the files.

        Raises
        ------
        DataError
            if any row has no lead, type or moment, or the disk is full.
        """
        held: list[pa.RecordBatch] = []
        size = 0
        for batch in batches:
            self._lacking.look(batch)
            if held and (size >= bytes_at_once or batch.schema != held[0].schema):
                self._add(pa.Table.from_batches(held))
                held, size = [], 0
            held.append(batch)
            size += batch.nbytes
        if held:
            self._add(pa.Table.from_batches(held))
        self._lacking.check()

    @property
    def unknown(self) -> pa.Table:
        """`lead_id` and `rows` of leads that are not known."""
        return together_counted(self._unknown)

    def _add(self, rows: pa.Table) -> None:
        if not len(rows):
            return
        at = rows["at"].cast(pa.int64()).fill_null(0).to_numpy()
        position = positions_of(rows["lead_id"], self._known)
        late = at > self._until
        if late.any():
            self.late += int(late.sum())
            position[late] = -1
        lost = (position < 0) & ~late
        if lost.any():
            self._unknown.append(counted(rows["lead_id"].filter(pa.array(lost))))
        piece = self._piece[position]
        order, ends = by_group(piece, self._pieces + 1)
        usable = ends[-2] if self._pieces else 0
        position = gathered(position, order)
        self.rows += np.bincount(position[:usable], minlength=len(self.rows))
        texts = {name: Texts.of(rows[name]).take(order) for name in SAYS}
        columns = {
            "at": pa.array(gathered(at, order)).view(pa.timestamp("us", "UTC")),
            "value": rows["value"].combine_chunks().take(pa.array(order)),
        }
        begin = 0
        for number, end in enumerate(ends[:-1]):
            if end > begin:
                of = {"position": pa.array(position[begin:end])}
                self._write(number, of, columns, texts, slice(begin, end))
            begin = end
        if usable < ends[-1]:
            who = rows["lead_id"].take(pa.array(order[usable:])).cast(pa.string()).combine_chunks()
            self._write(WAITING, {"lead_id": who}, columns, texts, slice(usable, ends[-1]))

    def _write(
        self, number: int, of: dict[str, pa.Array], columns: dict[str, pa.Array], texts: dict[str, Texts], rows: slice
    ) -> None:
        part = of | {name: column.slice(rows.start, rows.stop - rows.start) for name, column in columns.items()}
        batch = pa.record_batch(part | {name: column.arrow(rows) for name, column in texts.items()})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        _append(self._folder / f"{number}{ENDING}", sink.getvalue())


def positions_of(leads: pa.ChunkedArray, known: pa.Array) -> npt.NDArray[np.int32]:
    """(rows,) the place of each lead among `known`, -1 where it is none of them."""
    if pa.types.is_dictionary(leads.type):
        one = leads.unify_dictionaries().combine_chunks()
        found = pc.index_in(one.dictionary.cast(pa.string()), value_set=known).fill_null(-1).to_numpy()
        of_name = np.append(found, -1).astype(np.int32)
        return np.asarray(of_name[one.indices.cast(pa.int32()).fill_null(-1).to_numpy()])
    place: npt.NDArray[np.int32] = pc.index_in(leads.cast(pa.string()), value_set=known).fill_null(-1).to_numpy()
    return place if place.flags.writeable else place.copy()


NOBODY = pa.table({"lead_id": pa.array([], pa.string()), "rows": pa.array([], pa.int64())})


def counted(leads: pa.ChunkedArray) -> pa.Table:
    """`lead_id` and `rows`: how often each lead is there."""
    found = pa.table({"lead_id": leads.cast(pa.string())}).group_by("lead_id").aggregate([([], "count_all")])
    return found.rename_columns({"count_all": "rows"}).select(NOBODY.column_names)


def together_counted(tables: Sequence[pa.Table]) -> pa.Table:
    """Counts of several parts as one."""
    both = pa.concat_tables([NOBODY, *tables]).group_by("lead_id").aggregate([("rows", "sum")])
    return both.rename_columns({"rows_sum": "rows"}).select(NOBODY.column_names)


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


def pieces(paths: Sequence[Path]) -> list[pa.Table]:
    """The tables of files, which are memory only where they are looked at. No more than one file is open at once."""
    found: list[pa.Table] = []
    for path in paths:
        with pa.memory_map(str(path)) as file:  # what has been read stays mapped
            found += _streams(file)
    return found


def _streams(file: pa.MemoryMappedFile) -> Iterator[pa.Table]:
    while file.tell() < file.size():
        with pa.ipc.open_stream(file) as stream:
            yield stream.read_all()
