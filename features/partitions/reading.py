"""Where interactions are read from: Parquet files and segments. Each hands over record batches as they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.common.errors import DataError, RowErrors
from features.dataset.dataset import DICTIONARIES, INTERACTIONS_SCHEMA, from_arrow, to_arrow
from features.dataset.tables import INTERACTIONS, check_columns, conform, read_column
from features.dataset.validate import missing_values
from features.partitions.memory import Budget
from features.partitions.storage import Storage

MOST_ROWS = 2**18  # that are read of a file at once
SMALLEST = 2 * 2**20  # bytes
MOST_BYTES = 256 * 2**20
SHARE = 500_000  # rows that are worth a process of their own
SPREAD = 4_000_000  # rows of a share where nobody knows how many workers there are; each has to learn all leads first
TEXTS = tuple(name for name in DICTIONARIES if name != "lead_id")  # few values; of leads there are too many


def batch_bytes(memory: int) -> int:
    """Bytes of rows that are worked on together, where there is so much memory."""
    return min(max(memory // 16, SMALLEST), MOST_BYTES)


@dataclass(frozen=True)
class Groups:
    """The row groups of a Parquet file of interactions (a path or URL) from `begin` to before `end`, with so many `rows`. Where
    its columns are of other kinds than those of interactions (`fits`), they are made of these."""

    path: str
    begin: int
    end: int
    rows: int
    fits: bool = True

    @classmethod
    def from_file(cls, path: Path) -> Groups:
        """All of a file.

        Raises
        ------
        DataError
            if it is no Parquet file.
        """
        with _open_parquet(str(path)) as file:
            return cls(str(path), 0, file.metadata.num_row_groups, file.metadata.num_rows, _fits(file.schema_arrow))

    def check(self) -> None:
        """Say what `features.dataset.validate` says of all rows at once.

        Raises
        ------
        DataError
            for columns that are missing or unknown, values that are not of the kind of their column, and rows that lack what
            each must have.
        """
        with _open_parquet(self.path) as file:
            check_columns(INTERACTIONS.name, list(from_arrow(file.schema_arrow.empty_table()).columns))
        if not self.fits:
            errors, row = RowErrors(), 0
            for batch in self._stored(SMALLEST):
                frame = from_arrow(pa.Table.from_batches([batch])).set_axis(range(row, row + len(batch)))
                row += len(batch)
                for number, column in enumerate(INTERACTIONS.columns):
                    if column.name in frame:
                        with errors.column(number):
                            read_column(INTERACTIONS.name, column, frame[column.name])
            errors.check()
        with _open_parquet(self.path) as file:
            for name in INTERACTIONS.required:
                if _may_lack(file, name):
                    _check_filled(file, name)

    def shares(self, count: int) -> list[Groups]:
        """The same in `count` parts at most, none of them small."""
        groups = self.end - self.begin
        count = max(1, min(count, groups, self.rows // SHARE))
        ends = [self.begin + groups * (i + 1) // count for i in range(count)]
        with _open_parquet(self.path) as file:
            sizes = [file.metadata.row_group(i).num_rows for i in range(self.begin, self.end)]
        begins = [self.begin, *ends[:-1]]
        return [
            replace(self, begin=b, end=e, rows=sum(sizes[b - self.begin : e - self.begin]))
            for b, e in zip(begins, ends, strict=True)
        ]

    def batches(self, memory: int) -> Iterator[pa.RecordBatch]:
        """Its rows. What repeats comes as dictionaries; long rows come in small batches."""
        for batch in self._stored(memory):
            if self.fits:
                yield batch
            else:
                frame = conform(INTERACTIONS.name, from_arrow(pa.Table.from_batches([batch])))
                yield from to_arrow(frame).cast(INTERACTIONS_SCHEMA).to_batches()

    def _stored(self, memory: int) -> Iterator[pa.RecordBatch]:
        """As they are in the file."""
        numbers = range(self.begin, self.end)
        with _open_parquet(self.path) as file:
            groups = [file.metadata.row_group(i) for i in numbers]
            longest = max((g.total_byte_size / max(g.num_rows, 1) for g in groups), default=1.0)
            rows = int(min(max(batch_bytes(memory) / max(longest, 1.0) / 4, 1), MOST_ROWS))
            try:
                present_columns = [name for name in INTERACTIONS.names if name in file.schema_arrow.names]
                yield from file.iter_batches(rows, row_groups=list(numbers), columns=present_columns)
            except (pa.ArrowInvalid, OSError) as error:
                raise _parquet_error(self.path, error) from error


@dataclass(frozen=True)
class InteractionSource:
    """Interactions to be read: those of `files` and of these `segments` of the folder (names), but for those of the leads
    `left_out`."""

    files: tuple[Groups, ...] = ()
    segments: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.segments)

    def split(self, workers: int, *, spread: bool) -> list[InteractionSource]:
        """Parts for `workers` that read at the same time: shares of files. Where work is `spread` over machines, there are as
        many shares as a file is long."""
        counts = [file.rows // SPREAD + 1 if spread else workers for file in self.files]
        files = [
            replace(self, files=(share,), segments=())
            for file, count in zip(self.files, counts, strict=True)
            for share in file.shares(count)
        ]
        return [*files, *([replace(self, files=())] if self.segments else [])]

    @property
    def rows(self) -> int:
        """How many the files have."""
        return sum(file.rows for file in self.files)

    def check(self) -> None:
        """As `Groups.check`, for all files; rows of segments have been checked."""
        for file in self.files:
            file.check()

    def batches(self, storage: Storage, budget: Budget) -> Iterator[pa.RecordBatch]:
        """All of them in no order, with the columns of interactions. Text comes as such or as dictionaries.

        Raises
        ------
        DataError
            if a file is missing or damaged.
        """
        left_out = pa.array(self.left_out, pa.string())
        for batch in self._all_batches(storage, budget):
            if self.left_out:
                yield batch.filter(pc.invert(pc.is_in(batch["lead_id"].cast(pa.string()), value_set=left_out)))
            else:
                yield batch

    def _all_batches(self, storage: Storage, budget: Budget) -> Iterator[pa.RecordBatch]:
        for file in self.files:
            yield from map(_conform_batch, file.batches(budget.memory))
        for name in self.segments:
            with storage.local_file(name) as path, pa.memory_map(str(path)) as source:
                for batch in pa.ipc.open_file(source).read_all().combine_chunks().to_batches():
                    yield _conform_batch(batch)


@contextmanager
def _open_parquet(path: str) -> Iterator[pq.ParquetFile]:
    with ExitStack() as stack:
        try:
            source = stack.enter_context(fsspec.open(path)) if "://" in path else path
            texts = [name for name in pq.read_schema(source).names if name in TEXTS]
            file = stack.enter_context(pq.ParquetFile(source, read_dictionary=texts, pre_buffer=False, buffer_size=2**20))
        except (pa.ArrowInvalid, OSError) as error:
            raise _parquet_error(path, error) from error
        yield file


def _parquet_error(path: str, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read as Parquet: {error}.", "Write the dataset anew.")


def _may_lack(file: pq.ParquetFile, name: str) -> bool:
    """Is there a row without this column, or does the file not say so?"""
    leaves = [file.schema.column(i).path for i in range(len(file.schema))]  # a column of records has several
    if name not in leaves:
        return True
    number = leaves.index(name)
    groups = (file.metadata.row_group(i).column(number).statistics for i in range(file.metadata.num_row_groups))
    return any(s is None or not s.has_null_count or s.null_count > 0 for s in groups)


def _check_filled(file: pq.ParquetFile, name: str) -> None:
    """Raise a DataError if a row lacks this column."""
    row, first, missing = 0, 0, 0
    for batch in file.iter_batches(MOST_ROWS, columns=[name]):
        if batch.column(0).null_count:
            rows = np.flatnonzero(batch.column(0).is_null().to_numpy(zero_copy_only=False))
            first = first if missing else row + int(rows[0])
            missing += len(rows)
        row += len(batch)
    if missing:
        raise missing_values(INTERACTIONS.name, name, first, missing)


def _fits(schema: pa.Schema) -> bool:
    """Are the columns that are there of the kinds of those of interactions?"""
    for column in INTERACTIONS.columns:
        position = schema.get_field_index(column.name)
        if position < 0:
            continue
        kind = schema.field(position).type
        if column.kind == "time":
            fits = pa.types.is_timestamp(kind)
        elif column.kind == "number":
            fits = pa.types.is_floating(kind) or pa.types.is_integer(kind)
        else:
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            fits = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if not (fits or pa.types.is_null(kind)):
            return False
    return True


def _conform_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns of interactions in their order; text is left as it came."""
    columns: list[pa.Array] = []
    for column in INTERACTIONS.columns:
        kind = None if column.kind in ("id", "text") else INTERACTIONS_SCHEMA.field(column.name).type
        position = batch.schema.get_field_index(column.name)
        if position < 0:
            columns.append(pa.nulls(len(batch), kind or pa.string()))
        elif kind and batch.column(position).type != kind:
            columns.append(batch.column(position).cast(kind, safe=False))
        elif pa.types.is_null(batch.column(position).type):
            columns.append(pa.nulls(len(batch), pa.string()))
        else:
            columns.append(batch.column(position))
    number = INTERACTIONS.names.index("value")
    not_a_number = pc.fill_null(pc.is_nan(columns[number]), False)
    columns[number] = pc.if_else(not_a_number, pa.scalar(None, pa.float64()), columns[number])  # missing, as in memory
    return pa.RecordBatch.from_arrays(columns, names=list(INTERACTIONS.names))
