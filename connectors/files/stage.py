"""Interactions of any number from files into one Parquet file, a block in memory at a time; rows whose moment cannot be meant
are left out of it, and of frames."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.files.reading import FIRST_ROW
from connectors.files.tables import MappedFile, frames_of
from features.common.clock import microseconds, moment
from features.dataset.data_report import DataReport
from features.dataset.dataset import INTERACTIONS_SCHEMA, to_arrow
from features.dataset.day_counts import DayCounts, Span
from features.dataset.tables import INTERACTIONS, conform


def stage(files: Iterable[MappedFile], report: DataReport, path: Path, counts: DayCounts) -> None:
    """Write their rows, but for those whose moment cannot be meant; all are in `counts` then.

    Raises
    ------
    DataError
        as `frames_of`.
    """
    with pq.ParquetWriter(path, INTERACTIONS_SCHEMA, compression="lz4") as writer:
        for mapped in files:
            for block in frames_of(mapped, report, mapped.blocks):
                frame = plausible_rows(counts, INTERACTIONS.name, "at", mapped, block)
                if len(frame):
                    writer.write_table(to_arrow(conform(INTERACTIONS.name, frame)).cast(INTERACTIONS_SCHEMA))


def plausible_rows(
    counts: DayCounts, table: str, column: str, mapped: MappedFile, frame: pd.DataFrame, source_column: str | None = None
) -> pd.DataFrame:
    """The rows of a frame, whose index counts the rows of the first file of `mapped` from 0, but for those whose `column`
    cannot be meant; all are in `counts` then. `source_column`: the one of the file that feeds it, if the mapping does not say.
    """
    if column not in frame:
        return frame
    file = mapped.file.title(source_column or mapped.columns.get(column, column))
    file = file if file == mapped.file.name else f"{file}, joined to {mapped.file.name}"
    usable = counts.add(table, column, file, frame.index.to_numpy(np.int64) + FIRST_ROW, microseconds(frame[column]))
    return frame if usable.all() else frame[usable]


def cut_to(path: Path, span: Span) -> None:
    """Leave in the file that `stage` wrote what may be meant now that everything was looked at."""
    with pq.ParquetFile(path) as file:
        moments = [statistics_of(file, group) for group in range(file.num_row_groups)]
        if all(low >= span.begin and high <= span.end for low, high in moments):
            return
        partial = path.with_name(f"{path.name}.partial")
        with pq.ParquetWriter(partial, INTERACTIONS_SCHEMA, compression="lz4") as writer:
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group)
                mask = span.covers(rows["at"].cast(pa.int64()).to_numpy())
                if mask.any():
                    writer.write_table(rows.filter(pa.array(mask)))
    partial.replace(path)


def statistics_of(file: pq.ParquetFile, group: int) -> tuple[int, int]:
    """The first and the last moment (µs) of a group of rows."""
    number = INTERACTIONS.names.index("at")
    statistics = file.metadata.row_group(group).column(number).statistics
    return moment(pd.Timestamp(statistics.min)), moment(pd.Timestamp(statistics.max))
