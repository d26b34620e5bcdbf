"""The world of `benchmarks.scale`: datasets of any size, written bit by bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.features import TYPES
from features.common.clock import DAY, moment, timestamps
from features.common.files import sha256
from features.dataset.dataset import META, SCHEMA_VERSION, Dataset
from features.dataset.funnel import Funnel
from features.dataset.tables import empty

LEADS = 50  # interactions a lead: 100 million are of 2 million leads
FUNNEL = Funnel(("lead", "mql", "sql", "customer"), ("disqualified", "lost"), {"mql": 30.0, "sql": 60.0, "customer": 120.0})
AGES = (0.0, 7.0, 30.0, 90.0, 180.0, 360.0)
START = moment(pd.Timestamp("2024-01-01", tz="UTC"))
SPAN = 730
ROWS = 4_000_000  # interactions written at once


def write_world(folder: Path, interactions: int, *, day: bool = False) -> None:
    """A dataset folder in no order, written bit by bit; with `day` what its last day brought: 1 % of the interactions."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(1 if day else 0)
    leads = interactions // LEADS
    end = START + SPAN * DAY
    created = START + np.random.default_rng(3).integers(0, 600 * DAY, leads)
    tables = {"leads": _leads(leads, created), "lead_stages": _stages(leads, created, end - DAY)}
    if day:
        later = _stages(leads, created, end)
        tables = {"lead_stages": later[later["at"] > timestamps(np.array([end - DAY]))[0]]}
        active = random.choice(leads, leads // 20, replace=False)  # on one day one lead in twenty does something
    at = pd.Timestamp(end if day else end - DAY, unit="us", tz="UTC")
    small = Dataset.from_tables({"leads": empty("leads"), **tables}, extracted_at=at, source="benchmark")
    small.write(folder / "small")
    for path in (folder / "small").iterdir():
        path.rename(folder / path.name)
    rows = interactions // 100 if day else interactions
    path = folder / "interactions.parquet"
    ids = pa.array(_ids(np.arange(leads)).tolist(), pa.string())
    among = active if day else np.arange(leads)
    span = (end - DAY, DAY) if day else (START, (SPAN - 1) * DAY)
    schema = _batch(random, 1, ids, among, span).schema
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for begin in range(0, rows, ROWS):
            writer.write_table(_batch(random, min(ROWS, rows - begin), ids, among, span))
    meta = json.loads((folder / META).read_text())
    meta["rows"]["interactions"] = rows
    meta["checksums"]["interactions"] = sha256(path)
    assert meta["schema_version"] == SCHEMA_VERSION
    (folder / META).write_text(json.dumps(meta))


def _leads(leads: int, created: npt.NDArray[np.int64]) -> pd.DataFrame:
    company = np.random.default_rng(4).integers(0, leads // 3 + 1, leads)
    return pd.DataFrame(
        {
            "lead_id": _ids(np.arange(leads)),
            "created_at": timestamps(created),
            "company_id": "C" + pd.Series(company).astype("str"),
        }
    )


def _ids(number: npt.NDArray[np.integer]) -> pd.Series[Any]:
    return "L" + pd.Series(number).astype("str")


def _stages(leads: int, created: npt.NDArray[np.int64], end: int) -> pd.DataFrame:
    random = np.random.default_rng(5)
    at, alive, parts = created.copy(), np.ones(leads, bool), []
    for stage, share in (("mql", 0.4), ("sql", 0.4), ("customer", 0.3)):
        at = at + random.integers(DAY, 120 * DAY, leads)
        alive = alive & (random.random(leads) < share)
        rows = np.flatnonzero(alive & (at <= end))
        parts.append(pd.DataFrame({"lead_id": _ids(rows), "lead_stage": stage, "at": timestamps(at[rows])}))
    exits = np.flatnonzero(~alive & (random.random(leads) < 0.5))
    exited_at = at[exits] + random.integers(DAY, 60 * DAY, len(exits))
    until_end = exited_at <= end
    parts.append(
        pd.DataFrame({"lead_id": _ids(exits[until_end]), "lead_stage": "lost", "at": timestamps(exited_at[until_end])})
    )
    return pd.concat(parts, ignore_index=True)


def _batch(
    random: np.random.Generator, rows: int, ids: pa.Array, leads: npt.NDArray[np.int64], span: tuple[int, int]
) -> pa.Table:
    """Interactions of `leads`, whose names are `ids`, in the microseconds `span` (begin, length)."""
    kind = random.choice(len(TYPES), rows, p=np.r_[[0.3, 0.15, 0.15], np.full(19, 0.4 / 19)])
    lead = leads[random.integers(0, len(leads), rows)]
    content = random.integers(-1, 40, rows)
    topics = pa.array([f"content-{i}" for i in range(40)])

    def named(codes: npt.NDArray[np.integer], names: pa.Array) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), names).cast(pa.string())

    return pa.table(
        {
            "lead_id": named(lead, ids),
            "type": named(kind, pa.array(TYPES)),
            "at": pa.array(span[0] + random.integers(0, span[1], rows)).cast(pa.timestamp("us", tz="UTC")),
            "value": pa.array(random.integers(0, 300, rows).astype(np.float64)),
            "content": named(content, topics),
            "campaign": pa.nulls(rows, pa.string()),
            "direction": named((kind == 0).astype(np.int32), pa.array(["in", "out"])),
        }
    )
