"""What is partitioned: tables with a row a lead, read whole, and interactions as files and queries that are streamed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset, read_meta
from features.dataset.tables import INTERACTIONS
from features.partitions.database import parquet, quoted
from features.partitions.reading import Groups, InteractionSource

_TYPES = {"time": "TIMESTAMPTZ", "number": "DOUBLE"}


@dataclass(frozen=True)
class Raw:
    """A dataset before it is validated: `lean` has every table but interactions, which are `rows`.

    `digest` changes with the content.
    """

    lean: Dataset
    rows: InteractionSource
    digest: str
    report: DataReport = field(default_factory=DataReport)

    @classmethod
    def of_folder(cls, folder: Path) -> Raw:
        """The tables of a dataset folder; its checksums are checked."""
        meta = read_meta(folder)
        path = folder / f"{INTERACTIONS.name}.parquet"
        rows = _of_parquet(path) if path.is_file() else InteractionSource()
        digest = hashlib.sha256(json.dumps([meta["checksums"], meta["extracted_at"]]).encode()).hexdigest()
        return cls(Dataset.read(folder, skip=(INTERACTIONS.name,)), rows, digest)


@contextmanager
def in_memory(dataset: Dataset, report: DataReport | None = None) -> Iterator[Raw]:
    """A dataset that is in memory already, by way of a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="ripeline") as scratch:
        folder = dataset.write(Path(scratch) / "dataset")
        yield replace(Raw.of_folder(folder), report=report or DataReport(), digest=dataset.digest)


def _of_parquet(path: Path) -> InteractionSource:
    """A file of a dataset: read as it is, or by a query where its columns have to be made of other kinds."""
    groups = Groups.from_file(path)
    if groups:
        return InteractionSource((groups,))
    return InteractionSource(
        queries=(query_of(parquet(path), {c: c for c in INTERACTIONS.names}, {}, columns_of(parquet(path))),)
    )


def columns_of(rows: str) -> dict[str, str]:
    """The columns of a query and their types."""
    with duckdb.connect() as connection:
        try:
            return {str(name): str(kind) for name, kind, *_ in connection.sql(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
        except duckdb.Error as error:
            raise DataError(f"{rows} cannot be read: {error}.", "Export or copy it anew.") from error


def query_of(
    rows: str, columns: Mapping[str, str], constants: Mapping[str, str], stored: Mapping[str, str], nulls: Sequence[str] = ()
) -> str:
    """SQL for all columns of interactions, each of its kind; `columns`: ours ← theirs. With `nulls`, text is trimmed."""
    out = []
    for column in INTERACTIONS.columns:
        kind = _TYPES.get(column.kind, "VARCHAR")
        source_column = columns.get(column.name)
        if column.name in constants:
            value = quoted(constants[column.name])
        elif source_column is None or source_column not in stored:
            value = "NULL"
        else:
            value = '"' + source_column.replace('"', '""') + '"'
            if nulls and stored[source_column] == "VARCHAR":
                listed = ", ".join(map(quoted, nulls))
                value = f"CASE WHEN trim({value}) NOT IN ({listed}) THEN trim({value}) END"
            if column.kind == "time":
                value = _utc(value, stored[source_column])
        out.append(f'CAST({value} AS {kind}) AS "{column.name}"')
    return f"SELECT {', '.join(out)} FROM {rows}"


def _utc(value: str, kind: str) -> str:
    """A moment without a zone is one of UTC, whatever the zone of this machine."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return value
    text = f"CAST({value} AS VARCHAR)"
    zoned = rf"regexp_matches(substr({text}, 11), '(Z|z|[+-]\d\d(:?\d\d)?)$')"
    return f"CASE WHEN length({text}) = 10 THEN {text} || ' 00:00:00Z' WHEN {zoned} THEN {text} ELSE {text} || 'Z' END"
