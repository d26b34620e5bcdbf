"""Where interactions are read from: Parquet files, queries of DuckDB, segments. Each hands over record batches as they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.common.errors import DataError
from features.dataset.dataset import DICTIONARIES
from features.dataset.tables import INTERACTIONS
from features.partitions.database import database, spill_of
from features.partitions.memory import Budget
from features.partitions.storage import Storage

QUERIED = 65_536  # rows that a database hands over at once
MOST_ROWS = 2**18  # that are read of a file at once
SMALLEST = 2 * 2**20  # bytes
MOST_BYTES = 256 * 2**20
SHARE = 500_000  # rows that are worth a process of their own
SPREAD = 4_000_000  # rows of a share where nobody knows how many workers there are; each has to learn all leads first
TEXTS = tuple(name for name in DICTIONARIES if name != "lead_id")  # few values; of leads there are too many
KINDS = {"time": pa.timestamp("us", "UTC"), "number": pa.float64()}


def batch_bytes(memory: int) -> int:
    """Bytes of rows that are worked on together, where there is so much memory."""
    return min(max(memory // 16, SMALLEST), MOST_BYTES)


@dataclass(frozen=True)
class Groups:
    """The row groups of a Parquet file of interactions from `begin` to before `end`, with so many `rows`."""

    path: str
    begin: int
    end: int
    rows: int

    @classmethod
    def from_file(cls, path: Path) -> Groups | None:
        """All of a file; None where its columns are of other kinds than those of interactions.

        Raises
        ------
        DataError
            if it is no Parquet file.
        """
        with _open_parquet(path) as file:
            if not _fits(file.schema_arrow):
                return None
            return cls(str(path), 0, file.metadata.num_row_groups, file.metadata.num_rows)

    def shares(self, count: int) -> list[Groups]:
        """The same in `count` parts at most, none of them small."""
        groups = self.end - self.begin
        count = max(1, min(count, groups, self.rows // SHARE))
        ends = [self.begin + groups * (i + 1) // count for i in range(count)]
        with _open_parquet(Path(self.path)) as file:
            sizes = [file.metadata.row_group(i).num_rows for i in range(self.begin, self.end)]
        begins = [self.begin, *ends[:-1]]
        return [
            replace(self, begin=b, end=e, rows=sum(sizes[b - self.begin : e - self.begin]))
            for b, e in zip(begins, ends, strict=True)
        ]

    def batches(self, memory: int) -> Iterator[pa.RecordBatch]:
        """Its rows. What repeats comes as dictionaries; long rows come in small batches."""
        numbers = range(self.begin, self.end)
        with _open_parquet(Path(self.path)) as file:
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
    """Interactions to be read: those of `files`, what `queries` select, and these `segments` of the folder (names)."""

    files: tuple[Groups, ...] = ()
    queries: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.queries or self.segments)

    def split(self, workers: int, *, spread: bool) -> list[InteractionSource]:
        """Parts for `workers` that read at the same time: shares of files. Where work is `spread` over machines, there are as
        many shares as a file is long. A database takes all that one machine has, so only there does each query have one of its
        own."""
        counts = [file.rows // SPREAD + 1 if spread else workers for file in self.files]
        files = [
            InteractionSource((share,)) for file, count in zip(self.files, counts, strict=True) for share in file.shares(count)
        ]
        rests = [replace(self, files=())]
        if spread:
            rests = [
                *(InteractionSource(queries=(query,)) for query in self.queries),
                InteractionSource(segments=self.segments),
            ]
        return [*files, *(rows for rows in rests if rows)]

    def count(self, storage: Storage, budget: Budget) -> int:
        """How many files and queries have."""
        total = sum(file.rows for file in self.files)
        if self.queries:
            with database(budget.of_database, budget.workers, spill_of(budget, storage), budget) as connection:
                for query in self.queries:
                    total += connection.sql(f"SELECT count(*) FROM ({query})").fetchall()[0][0]
        return total

    def batches(self, storage: Storage, budget: Budget) -> Iterator[pa.RecordBatch]:
        """All of them in no order, with the columns of interactions. Text comes as such or as dictionaries.

        Raises
        ------
        DataError
            if a file is missing or damaged.
        """
        for file in self.files:
            yield from map(_conform_batch, file.batches(budget.memory))
        if self.queries:
            with database(budget.of_database, budget.workers, spill_of(budget, storage), budget) as connection:
                for query in self.queries:
                    yield from map(_conform_batch, connection.sql(query).to_arrow_reader(QUERIED))
        for name in self.segments:
            with storage.local_file(name) as path, pa.memory_map(str(path)) as source:
                for batch in pa.ipc.open_file(source).read_all().combine_chunks().to_batches():
                    yield _conform_batch(batch)


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        names = pq.read_schema(path).names
        return pq.ParquetFile(path, read_dictionary=[n for n in TEXTS if n in names], pre_buffer=False, buffer_size=2**20)
    except (pa.ArrowInvalid, OSError) as error:
        raise _parquet_error(path, error) from error


def _parquet_error(path: Path | str, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read as Parquet: {error}.", "Write the dataset anew.")


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
        kind = KINDS.get(column.kind)
        position = batch.schema.get_field_index(column.name)
        if position < 0:
            columns.append(pa.nulls(len(batch), kind or pa.string()))
        elif kind and batch.column(position).type != kind:
            columns.append(batch.column(position).cast(kind, safe=False))
        elif pa.types.is_null(batch.column(position).type):
            columns.append(pa.nulls(len(batch), pa.string()))
        else:
            columns.append(batch.column(position))
    return pa.RecordBatch.from_arrays(columns, names=list(INTERACTIONS.names))


class MissingValues:
    """Rows without what each must have."""

    def __init__(self) -> None:
        self._rows = dict.fromkeys(INTERACTIONS.required, 0)

    def look(self, rows: pa.RecordBatch | pa.Table) -> None:
        for name in self._rows:
            self._rows[name] += rows[name].null_count

    def check(self) -> None:
        """Complain of them.

        Raises
        ------
        DataError
            if there was any.
        """
        for name, rows in self._rows.items():
            if rows:
                raise DataError(
                    f"Table 'interactions': column {name!r} is empty ({rows:,} such rows).",
                    f"Every row of 'interactions' needs {', '.join(INTERACTIONS.required)}.",
                )
