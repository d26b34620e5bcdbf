"""Interactions of any number from files into one Parquet file, a block in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from connectors.files.tables import MappedFile, frames_of
from features.dataset.data_report import DataReport
from features.dataset.dataset import INTERACTIONS_SCHEMA, to_arrow
from features.dataset.tables import INTERACTIONS, conform


def stage(files: Iterable[MappedFile], report: DataReport, path: Path) -> pd.Timestamp | None:
    """Write their rows; returns the newest moment, None where there are no rows.

    Raises
    ------
    DataError
        as `frames_of`.
    """
    newest: list[pd.Timestamp] = []
    with pq.ParquetWriter(path, INTERACTIONS_SCHEMA, compression="lz4") as writer:
        for mapped in files:
            for frame in frames_of(mapped, report, mapped.blocks):
                if len(frame):
                    writer.write_table(to_arrow(conform(INTERACTIONS.name, frame)).cast(INTERACTIONS_SCHEMA))
                    newest.append(frame["at"].max())
    return max(newest, default=None)
