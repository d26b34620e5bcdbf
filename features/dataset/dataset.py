"""The dataset: a folder of Parquet tables with a `dataset.json`, the one seam between sources and everything else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.common.errors import DataError
from features.common.files import sha256, whole_folder
from features.dataset.tables import INTERACTIONS, TABLES, conform, empty

SCHEMA_VERSION = 1
META = "dataset.json"
INTERACTIONS_SCHEMA = pa.schema(
    [
        (c.name, {"time": pa.timestamp("us", tz="UTC"), "number": pa.float64()}.get(c.kind, pa.string()))
        for c in INTERACTIONS.columns
    ]
)
DICTIONARIES = ("lead_id", "type", "content", "campaign", "direction")  # columns of interactions read as categories


@dataclass(frozen=True)
class Dataset:
    """The tables of one business as known at `extracted_at` (UTC).

    `time` says whether the moments in it are dates or only an order of rows (`row_order`), in which case a lead is looked at
    once, when it was created, and no feature speaks of days.

    `without_history`: columns ("lead.budget") that the source only knows as they are today, whenever they were filled in.
    """

    leads: pd.DataFrame
    extracted_at: pd.Timestamp
    companies: pd.DataFrame = field(default_factory=lambda: empty("companies"))
    interactions: pd.DataFrame = field(default_factory=lambda: empty("interactions"))
    lead_stages: pd.DataFrame = field(default_factory=lambda: empty("lead_stages"))
    deals: pd.DataFrame = field(default_factory=lambda: empty("deals"))
    attribute_changes: pd.DataFrame = field(default_factory=lambda: empty("attribute_changes"))
    source: str = "unknown"
    time: Literal["dates", "row_order"] = "dates"
    without_history: tuple[str, ...] = ()

    @classmethod
    def from_tables(cls, tables: Mapping[str, pd.DataFrame], **meta: Any) -> Dataset:
        """A dataset of these tables, each brought to its columns and kinds; absent tables are empty."""
        fields: dict[str, Any] = {name: conform(name, frame) for name, frame in tables.items()}
        return cls(**fields, **meta)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        return {name: getattr(self, name) for name in TABLES}

    @property
    def digest(self) -> str:
        """A digest of the content: equal rows in any order give the same one."""
        unrecorded = f" {sorted(self.without_history)}" if self.without_history else ""
        hasher = hashlib.sha256(f"{SCHEMA_VERSION} {self.extracted_at.isoformat()} {self.time}{unrecorded}".encode())
        for name, frame in self.tables.items():
            sums = [int(pd.util.hash_pandas_object(frame, index=False).sum())] if len(frame) else []
            hasher.update(f"{name} {sorted(frame.columns)} {len(frame)} {sums}".encode())
        return hasher.hexdigest()

    def write(self, folder: Path | str) -> Path:
        """Write the folder whole or not at all; an existing dataset there is replaced only once the new one is complete.

        Raises
        ------
        DataError
            if the folder exists and is not a dataset, or the disk refuses.
        """
        target = Path(folder)
        if target.exists() and not (target / META).is_file():
            raise DataError(
                f"{target} exists and is not a dataset (it has no {META}).", "Name a new folder, or remove this one yourself."
            )
        with whole_folder(target) as partial:
            checksums = {}
            for name, frame in self.tables.items():
                path = partial / f"{name}.parquet"
                pq.write_table(to_arrow(frame), path, compression="zstd")
                checksums[name] = sha256(path)
            meta = {
                "schema_version": SCHEMA_VERSION,
                "source": self.source,
                "time": self.time,
                "extracted_at": self.extracted_at.isoformat(),
                "rows": {name: len(frame) for name, frame in self.tables.items()},
                "checksums": checksums,
                **({"without_history": list(self.without_history)} if self.without_history else {}),
            }
            (partial / META).write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")
        return target

    @classmethod
    def read(cls, folder: Path | str, skip: Collection[str] = ()) -> Dataset:
        """Read a dataset folder; tables `skip` are checked and left empty.

        Raises
        ------
        DataError
            if the folder, `dataset.json` or a table is missing, of another schema version, or differs from its checksum.
        """
        root = Path(folder)
        meta = read_meta(root)
        tables = {}
        for name in TABLES:
            path = root / f"{name}.parquet"
            if not path.is_file():
                if name in ("leads", "lead_stages") or name in meta["checksums"]:
                    raise DataError(
                        f"The dataset {root} lacks the table {path.name}, which {META} lists.",
                        "It was only half copied: write or copy the dataset anew.",
                    )
                continue
            if meta["checksums"].get(name) != sha256(path):
                raise DataError(
                    f"{path} differs from the checksum in {META}.",
                    "It was changed or only half copied: write or copy the dataset anew.",
                )
            if name in skip:
                continue
            repeated = list(DICTIONARIES) if name == INTERACTIONS.name else None
            try:
                table = pq.read_table(path, read_dictionary=repeated)
            except (pa.ArrowInvalid, OSError) as error:
                raise DataError(f"{path} cannot be read as Parquet: {error}.", "Write the dataset anew.") from error
            tables[name] = from_arrow(table)
        return cls.from_tables(
            tables,
            extracted_at=pd.Timestamp(meta["extracted_at"]),
            source=meta["source"],
            time=meta["time"],
            without_history=tuple(meta.get("without_history", ())),
        )


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """The way back from `to_arrow`; a missing flag stays a flag."""
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    return frame


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """A frame as an Arrow table; times go the way pandas 3 wants them to, which `pa.Table.from_pandas` does not yet."""
    columns = {}
    for name, values in frame.items():
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            plain = values.dt.tz_convert(None).dt.as_unit("us").to_numpy()
            columns[str(name)] = pa.array(plain, type=pa.timestamp("us"), from_pandas=True).cast(pa.timestamp("us", tz="UTC"))
        else:
            columns[str(name)] = pa.array(values, from_pandas=True)
    return pa.table(columns)


def read_meta(root: Path) -> dict[str, Any]:
    """What `dataset.json` says.

    Raises
    ------
    DataError
        if the folder is no dataset, or one of another schema version.
    """
    if not root.is_dir():
        raise DataError(f"There is no dataset folder {root}.", "Check `dataset:` in the configuration, or name a `source:`.")
    path = root / META
    if not path.is_file():
        raise DataError(f"{root} is not a dataset: it has no {META}.", "Name a folder that Ripeline wrote, or a `source:`.")
    try:
        meta: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = meta["schema_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read ({error}).", "Write the dataset anew.") from error
    if version != SCHEMA_VERSION:
        raise DataError(
            f"{root} has dataset schema {version}, this Ripeline reads {SCHEMA_VERSION}.",
            "Write the dataset anew from its source.",
        )
    return meta
