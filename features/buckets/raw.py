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

from features.buckets.database import parquet, quoted
from features.buckets.reading import Groups, Rows
from features.dataset import Dataset, read_meta
from features.errors import DataError
from features.funnel import Funnel
from features.report import DataReport
from features.sources.files import FilesSource, load_files
from features.sources.files.settings import FileOptions, InteractionsFile, words
from features.sources.files.tables import Mapped, check_required
from features.tables import INTERACTIONS

_TYPES = {"time": "TIMESTAMPTZ", "number": "DOUBLE"}
PLAIN = {"date_format": None, "timezone": "UTC", "decimal": ".", "footer": None}  # what DuckDB reads as our own reader does


@dataclass(frozen=True)
class Raw:
    """A dataset before it is validated: `lean` has every table but interactions, which are `rows`.

    `digest` changes with the content.
    """

    lean: Dataset
    rows: Rows
    digest: str
    report: DataReport = field(default_factory=DataReport)

    @classmethod
    def of_folder(cls, folder: Path) -> Raw:
        """The tables of a dataset folder; its checksums are checked."""
        meta = read_meta(folder)
        path = folder / f"{INTERACTIONS.name}.parquet"
        rows = _of_parquet(path) if path.is_file() else Rows()
        digest = hashlib.sha256(json.dumps([meta["checksums"], meta["extracted_at"]]).encode()).hexdigest()
        return cls(Dataset.read(folder, without=(INTERACTIONS.name,)), rows, digest)

    @classmethod
    def of_files(cls, source: FilesSource, funnel: Funnel, base: Path) -> Raw | None:
        """The tables of a files source; None where its interactions need more than renaming, for which our reader is there."""
        if not source.interactions or source.leads.outcome or source.leads.order:
            return None
        folder = base / Path(source.folder).expanduser()
        queries, sums = [], []
        for mapping in source.interactions:
            mapped = Mapped(source, mapping, INTERACTIONS.name, folder)
            check_required(mapped, {})
            if not _plain(mapping, mapped.file.options) or not (mapped.file.parquet or mapped.file.options.encoding == "utf-8"):
                return None
            queries.append(_of_file(mapped))
            sums.append(f"{mapped.file.path.stat().st_size} {mapped.file.path.stat().st_mtime_ns}")
        known = source.extracted_at or _newest(queries)
        lean, report = load_files(source.model_copy(update={"interactions": [], "extracted_at": known}), funnel, base)
        if source.extracted_at is None:
            newest = max(
                t[c].max()
                for t, c in ((lean.leads, "created_at"), (lean.lead_stages, "at"), (lean.deals, "created_at"))
                if len(t)
            )
            lean = replace(lean, extracted_at=max(lean.extracted_at, newest.as_unit("us")))
            report.note(
                "dataset", "moments of extraction not given", 1, done=f"the newest in the data, {lean.extracted_at}, is taken"
            )
        names = ", ".join([lean.source, *dict.fromkeys(m.file for m in source.interactions)])
        digest = hashlib.sha256(json.dumps([lean.digest, queries, sums]).encode()).hexdigest()
        return cls(replace(lean, source=names), Rows(queries=tuple(queries)), digest, report)


@contextmanager
def in_memory(dataset: Dataset, report: DataReport | None = None) -> Iterator[Raw]:
    """A dataset that is in memory already, by way of a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="ripeline") as scratch:
        folder = dataset.write(Path(scratch) / "dataset")
        yield replace(Raw.of_folder(folder), report=report or DataReport(), digest=dataset.digest)


def _of_parquet(path: Path) -> Rows:
    """A file of a dataset: read as it is, or by a query where its columns have to be made of other kinds."""
    groups = Groups.of(path)
    if groups:
        return Rows((groups,))
    return Rows(queries=(_query(parquet(path), {c: c for c in INTERACTIONS.names}, {}, _columns(parquet(path))),))


def _plain(mapping: InteractionsFile, options: FileOptions) -> bool:
    if mapping.values or mapping.only or mapping.skip or mapping.null_in:
        return False
    return all((getattr(options, name) or usual) == usual for name, usual in PLAIN.items())


def _of_file(mapped: Mapped) -> str:
    file = mapped.file
    rows = parquet(file.path)
    if not file.parquet:
        names = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in file.headers)
        separator = quoted(file.options.separator or ",")
        rows = (
            f"read_csv({quoted(str(file.path))}, header = true, skip = 0, delim = {separator}, quote = '\"', escape = '\"', "
            f"columns = {{{names}}}, auto_detect = false, null_padding = false)"
        )
    stored = _columns(rows)
    place = dict(zip(file.headers, stored, strict=True))
    nulls = sorted({"", *(w for marker in file.options.null or () for w in words(marker))})
    constants = {name: words(value)[0] for name, value in mapped.mapping.constants.items()}
    return _query(rows, {target: place[name] for target, name in mapped.columns.items()}, constants, stored, nulls)


def _columns(rows: str) -> dict[str, str]:
    """The columns of a query and their types."""
    with duckdb.connect() as connection:
        try:
            return {str(name): str(kind) for name, kind, *_ in connection.sql(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
        except duckdb.Error as error:
            raise DataError(f"{rows} cannot be read: {error}.", "Export or copy it anew.") from error


def _query(
    rows: str, columns: Mapping[str, str], constants: Mapping[str, str], stored: Mapping[str, str], nulls: Sequence[str] = ()
) -> str:
    """SQL for all columns of interactions, each of its kind; `columns`: ours ← theirs. With `nulls`, text is trimmed."""
    out = []
    for column in INTERACTIONS.columns:
        kind = _TYPES.get(column.kind, "VARCHAR")
        theirs = columns.get(column.name)
        if column.name in constants:
            value = quoted(constants[column.name])
        elif theirs is None or theirs not in stored:
            value = "NULL"
        else:
            value = '"' + theirs.replace('"', '""') + '"'
            if nulls and stored[theirs] == "VARCHAR":
                listed = ", ".join(map(quoted, nulls))
                value = f"CASE WHEN trim({value}) NOT IN ({listed}) THEN trim({value}) END"
            if column.kind == "time":
                value = _utc(value, stored[theirs])
        out.append(f'CAST({value} AS {kind}) AS "{column.name}"')
    return f"SELECT {', '.join(out)} FROM {rows}"


def _utc(value: str, kind: str) -> str:
    """A moment without a zone is one of UTC, whatever the zone of this machine."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return value
    text = f"CAST({value} AS VARCHAR)"
    zoned = rf"regexp_matches(substr({text}, 11), '(Z|z|[+-]\d\d(:?\d\d)?)$')"
    return f"CASE WHEN length({text}) = 10 THEN {text} || ' 00:00:00Z' WHEN {zoned} THEN {text} ELSE {text} || 'Z' END"


def _newest(queries: Sequence[str]) -> object:
    """The newest moment of all."""
    import pandas as pd

    found = []
    with duckdb.connect() as connection:
        for query in queries:
            row = connection.execute(f'SELECT max(epoch_us("at")) FROM ({query})').fetchone()
            found += [row[0]] if row and row[0] is not None else []
    return pd.Timestamp(max(found), unit="us", tz="UTC").to_pydatetime() if found else None
