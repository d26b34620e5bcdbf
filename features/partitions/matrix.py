"""The matrix of landmarks on disk: per bucket an index of its landmarks with their labels, and blocks they point into.

A bucket's block is one array (columns, rows) and, for each day added since, another one with the rows that the day touched. The
index says where each landmark's row lies, in the order (account, lead, as_of); so reading gives the same whether it was written
at once or day by day. The record of a bucket is written last: without it, nothing of the bucket counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.common.errors import DataError
from features.partitions.storage import Storage, arrow_bytes

Block = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Record:
    """What is finished of a bucket.

    `content` is the digest of the bucket it was made of and `made` that of all else (funnel, ages, extraction). `columns` are
    keys that name what each column holds; `parts` the blocks with their rows; `index` and `leads` files (`Store.index`);
    `segments` those that were read; `landmarks` their number; `scanned` the interactions that mail scanners made.
    """

    content: str
    made: str
    columns: tuple[str, ...]
    parts: tuple[tuple[str, int], ...]
    index: str
    leads: str
    segments: tuple[str, ...]
    landmarks: int
    scanned: int

    @property
    def files(self) -> set[str]:
        return {*(name for name, _ in self.parts), self.index, self.leads}


@dataclass(frozen=True)
class Store:
    """The folder of a matrix."""

    storage: Storage

    def name(self, bucket: int) -> str:
        return f"{bucket:05d}/record.json"

    def record(self, bucket: int) -> Record | None:
        """What is finished of the bucket, None if nothing."""
        if not self.storage.exists(self.name(bucket)):
            return None
        saved = self.storage.read_json(self.name(bucket))
        try:
            parts = tuple((str(name), int(rows)) for name, rows in saved.pop("parts"))
            return Record(**{**saved, "parts": parts, "columns": tuple(saved["columns"]), "segments": tuple(saved["segments"])})
        except (KeyError, TypeError):
            return None  # of another version: made anew

    def put_block(self, bucket: int, block: Block, digest: str) -> str:
        """Write an array; `digest`: of all that it was computed of, which names it as well as its numbers would and takes no
        time."""
        name = f"{bucket:05d}/block-{digest[:16]}.npy"
        self.storage.write_array(name, block)
        return name

    def put_table(self, bucket: int, kind: str, table: pa.Table, digest: str = "") -> str:
        """Write a table under a name that tells its content; `digest` as for `put_block`."""
        content = arrow_bytes(table)
        name = f"{bucket:05d}/{kind}-{(digest or hashlib.sha256(content).hexdigest())[:16]}.arrow"
        if digest or not self.storage.exists(name):
            self.storage.write_arrow(name, content)
        return name

    def finish(self, bucket: int, record: Record) -> None:
        """From now on the bucket is what `record` says; files of what it was before go away."""
        previous_record = self.record(bucket)
        self.storage.write_json(self.name(bucket), vars(record))
        for name in (previous_record.files if previous_record else set()) - record.files:
            self.storage.remove(name)

    def index(self, record: Record) -> pd.DataFrame:
        """The landmarks of a bucket in their order: lead_id, as_of, stage, entered, part, row, and `reached_` and `matured_`
        for each target."""
        rows = self.rows(record)
        lead_ids = self.storage.read_arrow(record.leads).column("lead_id").take(rows.column("lead"))
        named: pd.DataFrame = rows.set_column(0, "lead_id", lead_ids).to_pandas()
        return named

    def rows(self, record: Record) -> pa.Table:
        """The index with `lead`, the row of a lead in `record.leads`, in place of its id."""
        return self.storage.read_arrow(record.index)

    def block(
        self, record: Record, columns: Sequence[str], rows: Rows | None = None, index: pd.DataFrame | None = None
    ) -> Block:
        """These columns (by key) of all landmarks of a bucket, or of the `rows` of its index → (columns, rows).

        Raises
        ------
        DataError
            if a column or block is missing, or a block is not of the size it was written with.
        """
        column_positions = {key: position for position, key in enumerate(record.columns)}
        missing = [key for key in columns if key not in column_positions]
        if missing:
            raise DataError(f"The matrix {self.storage} lacks the column {missing[0]!r}.", "Build it anew.")
        selected = np.array([column_positions[key] for key in columns], np.intp)
        landmark_index = self.rows(record) if index is None else index
        part, row = landmark_index["part"].to_numpy(), landmark_index["row"].to_numpy()
        if rows is not None:
            part, row = part[rows], row[rows]
        if len(record.parts) == 1 and len(row) == record.parts[0][1] and np.array_equal(row, np.arange(len(row))):
            full_block = self._part(record.parts[0], len(column_positions))
            return full_block if np.array_equal(selected, np.arange(len(column_positions))) else full_block[selected]
        out = np.empty((len(selected), len(row)), np.float32)
        for number, stored_part in enumerate(record.parts):
            part_rows = np.flatnonzero(part == number)
            if len(part_rows):
                out[:, part_rows] = self._part(stored_part, len(column_positions))[selected[:, None], row[part_rows]]
        return out

    def _part(self, stored_part: tuple[str, int], columns: int) -> Block:
        name, rows = stored_part
        array = self.storage.read_array(name)
        if array.shape != (columns, rows):
            raise DataError(f"{self.storage}/{name} is not whole.", "Build the matrix anew.")
        return np.asarray(array, np.float32)
