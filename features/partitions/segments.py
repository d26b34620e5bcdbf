"""Segments: sorted interactions of a bucket as an Arrow file, read as a whole or only where some leads are.

Arrow is written and read many times as fast as Parquet, and takes twice its room. A segment is cut into record batches of
`GROUP` rows, and beside one of several lies a table with the leads of each, so that a day reads no more than the accounts it
touches. The checksum of a segment is that of the checksums of its pieces of `CHUNK` bytes; so a part that is read is checked,
too. It is XXH3, many times as fast as SHA-256, and finds damage as surely; whoever may write to the folder can forge it.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_128_digest, xxh3_128_hexdigest

from features.common.errors import DataError
from features.dataset.dataset import DICTIONARIES, from_arrow
from features.dataset.repeats import repeats_of
from features.dataset.tables import conform, empty
from features.dataset.tally import Tally
from features.partitions.manifest import Segment
from features.partitions.storage import Storage, arrow_bytes

GROUP = 2_048  # rows; smaller ones take longer to be read all, larger ones to be read for a few leads
CHUNK = 32_768  # bytes
SUMS = b"sums"
DIGEST = 16  # bytes of a checksum


def put_segment(storage: Storage, folder: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema, tally: Tally) -> Segment:
    """Write a segment of these batches, and which leads are in each where they are several; the names tell the content."""
    sink, begin, ends = pa.BufferOutputStream(), [], []
    with pa.ipc.new_file(sink, schema) as writer:
        for batch in batches:
            begin.append(sink.tell())
            writer.write_batch(batch)
            ends.append(_ends(batch["lead_id"]))
        begin.append(sink.tell())
    content = sink.getvalue()
    sums = _sums(memoryview(content))
    checksum = xxh3_128_hexdigest(sums)
    name = f"{folder}/interactions-{checksum[:16]}.arrow"
    if not storage.exists(name):
        storage.write_arrow(name, content)
    groups = ""
    if len(ends) > 1 and pa.types.is_dictionary(schema.field("lead_id").type):
        first_lead, last_lead = np.array(ends, np.int32).T
        table = pa.table({"first": first_lead, "last": last_lead, "begin": begin[:-1], "end": begin[1:]})
        groups = f"{folder}/groups-{checksum[:16]}.arrow"
        if not storage.exists(groups):
            storage.write_arrow(groups, arrow_bytes(table.replace_schema_metadata({SUMS: sums})))
    return Segment(name, tally.rows, checksum, tally, groups=groups)


def _ends(leads: pa.Array) -> tuple[int, int]:
    """The codes of the first and the last lead of a batch."""
    if not len(leads) or not pa.types.is_dictionary(leads.type):
        return -1, -1
    return leads.indices[0].as_py(), leads.indices[-1].as_py()


def _sums(view: memoryview) -> bytes:
    """The checksum of each piece."""
    return b"".join(xxh3_128_digest(view[i : i + CHUNK]) for i in range(0, len(view), CHUNK))


def read_segments(storage: Storage, segments: Sequence[Segment], ids: pa.Array | None = None) -> pd.DataFrame:
    """The interactions of these segments, ids and names as categories; with `ids` only those of these leads.

    Raises
    ------
    DataError
        if one is missing or differs from its checksum.
    """
    return of_segments(read_parts(storage, segments, ids))


def read_parts(storage: Storage, segments: Sequence[Segment], ids: pa.Array | None = None) -> list[pa.Table]:
    """The same as Arrow tables, one for each segment that has any of them."""
    return [table for segment in segments if (table := _read(storage, segment, ids)) is not None]


def of_segments(parts: Sequence[pa.Table]) -> pd.DataFrame:
    """Parts of segments as a table of interactions; what a later segment repeats of an earlier one is there once."""
    if not parts:
        return empty("interactions")
    rows = conform("interactions", from_arrow(unify_tables(parts)))
    if len(parts) == 1:
        return rows
    left_out = repeats_of(rows, pd.factorize(rows["lead_id"])[0]).left_out
    return rows[~left_out].reset_index(drop=True) if left_out.any() else rows


def first_moments(storage: Storage, segments: Sequence[Segment]) -> pa.Table:
    """lead_id and at: the first moment of each lead in each of these segments."""
    tables = []
    for segment in segments:
        rows = _full_table(storage, segment)
        leads = rows["lead_id"].combine_chunks()
        code = leads.indices.to_numpy()
        first_rows = np.flatnonzero(np.diff(code, prepend=-1))
        names = leads.dictionary.take(pa.array(code[first_rows]))
        tables.append(pa.table({"lead_id": names, "at": rows["at"].combine_chunks().take(pa.array(first_rows))}))
    return pa.concat_tables(tables)


def unify_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of interactions as one, what repeats as dictionaries, whether they came so or as text."""
    if len(tables) == 1 and all(pa.types.is_dictionary(tables[0][c].type) for c in DICTIONARIES if c in tables[0].column_names):
        return tables[0]
    unified = []
    for table in (t.combine_chunks() for t in tables):  # batches of a segment have one dictionary, which is compared once
        for name in set(DICTIONARIES) & set(table.column_names):
            column = table[name]
            column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            table = table.set_column(table.schema.get_field_index(name), name, column.cast(_WIDE))  # noqa: PLW2901
        unified.append(table)
    return pa.concat_tables(unified).unify_dictionaries()


_WIDE = pa.dictionary(pa.int32(), pa.string())


def _read(storage: Storage, segment: Segment, ids: pa.Array | None) -> pa.Table | None:
    """Its rows; with `ids` only those of these leads, None where there are none of them."""
    if ids is None:
        return _full_table(storage, segment)
    partial = segment.groups and storage.local
    rows = _matching_batches(storage, segment, ids) if partial else _full_table(storage, segment)
    if rows is None:
        return None
    leads = rows["lead_id"]
    selected = pc.is_in(leads.chunk(0).dictionary, value_set=ids.cast(pa.string())).to_numpy(zero_copy_only=False)
    selected_rows = rows.filter(pa.array(selected[np.concatenate([c.indices.to_numpy() for c in leads.chunks])]))
    # ids as text: the dictionary names all leads of a bucket, of whom few are left
    return selected_rows.set_column(
        selected_rows.schema.get_field_index("lead_id"), "lead_id", selected_rows["lead_id"].cast(pa.string())
    )


def _full_table(storage: Storage, segment: Segment) -> pa.Table:
    content = storage.read(segment.name)
    if xxh3_128_hexdigest(_sums(memoryview(content))) != segment.checksum:
        raise _checksum_error(storage, segment.name)
    return pa.ipc.open_file(pa.BufferReader(content)).read_all()


def _matching_batches(storage: Storage, segment: Segment, ids: pa.Array) -> pa.Table | None:
    """The batches in which any of these leads are, of a segment on this machine."""
    part = _Part(storage, segment)
    groups = part.groups
    first_lead, last_lead = groups["first"].to_numpy(), groups["last"].to_numpy()
    begin, end = groups["begin"].to_numpy(), groups["end"].to_numpy()
    part.read([(0, int(end[0])), (int(end[-1]), part.size)])  # the schema and all dictionaries stand before the first batch
    file = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(part.content)))
    names = file.get_batch(0)["lead_id"].dictionary
    code = np.flatnonzero(pc.is_in(names, value_set=ids.cast(names.type)).to_numpy(zero_copy_only=False))
    marks = np.zeros(len(first_lead) + 1, np.int64)
    begins, ends = np.searchsorted(last_lead, code), np.searchsorted(first_lead, code, "right")
    np.add.at(marks, begins[begins < ends], 1)
    np.add.at(marks, ends[begins < ends], -1)
    batch_numbers = np.flatnonzero(np.cumsum(marks)).tolist()
    part.read([(int(begin[number]), int(end[number])) for number in batch_numbers])
    return pa.Table.from_batches([file.get_batch(number) for number in batch_numbers]) if batch_numbers else None


class _Part:
    """The bytes of a segment that are read, each checked; `content` is as large as the file, but only these take memory."""

    def __init__(self, storage: Storage, segment: Segment) -> None:
        assert storage.local is not None  # noqa: S101  an object store's segments are read as a whole
        self.groups = storage.read_arrow(segment.groups)
        self._sums = (self.groups.schema.metadata or {}).get(SUMS, b"")
        self._storage, self._name = storage, segment.name
        self._path = storage.local / segment.name
        try:
            self.size = self._path.stat().st_size
        except OSError as error:
            raise self._unreadable(error) from error
        pieces = len(self._sums) // DIGEST
        if xxh3_128_hexdigest(self._sums) != segment.checksum or -(-self.size // CHUNK) != pieces:
            raise _checksum_error(storage, segment.name)
        room = mmap.mmap(-1, max(self.size, 1))
        with suppress(AttributeError, OSError):  # there is no such thing everywhere
            room.madvise(mmap.MADV_NOHUGEPAGE)  # else the system takes two MiB wherever a few bytes are written
        self.content: npt.NDArray[np.uint8] = np.frombuffer(room, np.uint8)[: self.size]
        self._loaded = np.zeros(pieces, bool)

    def read(self, spans: Sequence[tuple[int, int]]) -> None:
        """The bytes from the begin to before the end of each span, and what is in the same pieces."""
        if any(end > self.size for _, end in spans):
            raise _checksum_error(self._storage, self._name)
        view = memoryview(self.content.data)
        try:
            with self._path.open("rb") as file:
                for number in (n for begin, end in spans for n in range(begin // CHUNK, -(-end // CHUNK))):
                    if not self._loaded[number]:
                        piece = view[number * CHUNK : (number + 1) * CHUNK]
                        file.seek(number * CHUNK)
                        file.readinto(piece)
                        if xxh3_128_digest(piece) != self._sums[number * DIGEST : (number + 1) * DIGEST]:
                            raise _checksum_error(self._storage, self._name)
                        self._loaded[number] = True
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> DataError:
        return DataError(f"{self._storage}/{self._name} cannot be read: {error.strerror or error}.", "Make it anew.")


def _checksum_error(storage: Storage, name: str) -> DataError:
    """A file that is not what was written."""
    return DataError(f"{storage}/{name} differs from its checksum.", "It was changed or only half copied: partition anew.")
