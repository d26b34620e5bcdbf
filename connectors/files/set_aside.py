"""Leads that were set aside leave with all that they did: their rows in other tables are no rows of unknown leads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.dataset.data_report import DataReport
from features.dataset.dataset import INTERACTIONS_SCHEMA

TABLES = ("interactions", "lead_stages", "deals")


def without_rows_of(
    lead_ids: Collection[str], tables: Mapping[str, pd.DataFrame], report: DataReport
) -> dict[str, pd.DataFrame]:
    """The tables without what belongs to these leads, which is counted; the leads themselves are not looked for."""
    remaining = dict(tables)
    for name in TABLES if lead_ids else ():
        frame = tables.get(name)
        if frame is None or "lead_id" not in frame:
            continue
        of_these = frame["lead_id"].astype("str").isin(lead_ids).to_numpy(bool)
        if of_these.any():
            remaining[name] = frame[~of_these]
            _note(name, int(of_these.sum()), str(frame["lead_id"][of_these].iloc[0]), report)
    return remaining


def interactions_without(lead_ids: Collection[str], file: Path, report: DataReport) -> None:
    """As `without_rows_of`, for interactions in a Parquet file, a group of rows in memory at a time."""
    if not lead_ids:
        return
    partial, rows, example = file.with_name(f"{file.name}.partial"), 0, ""
    ids = pa.array(sorted(lead_ids), pa.string())
    with pq.ParquetFile(file) as source, pq.ParquetWriter(partial, INTERACTIONS_SCHEMA, compression="lz4") as writer:
        for group in range(source.num_row_groups):
            block = source.read_row_group(group)
            column = block["lead_id"].cast(pa.string())
            of_these = pc.is_in(column, value_set=ids)
            count = pc.sum(of_these).as_py() or 0
            example = example or (str(column.filter(of_these)[0]) if count else "")
            rows += count
            if count < len(block):
                writer.write_table(block.filter(pc.invert(of_these)) if count else block)
    partial.replace(file)
    _note("interactions", rows, example, report)


def _note(table: str, rows: int, example: str, report: DataReport) -> None:
    report.note(table, "rows of leads that were set aside", rows, example, "left out with them")
