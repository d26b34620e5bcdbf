"""Files as inputs of a partitioned dataset: tables with a row a lead are read whole, interactions stay files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd

from connectors.files.load import load_files
from connectors.files.settings import FileOptions, FilesSource, InteractionsFile, words
from connectors.files.tables import MappedFile, check_required
from features.dataset.funnel import Funnel
from features.dataset.tables import INTERACTIONS
from features.partitions.database import parquet, quoted
from features.partitions.inputs import Raw, columns_of, query_of
from features.partitions.reading import InteractionSource

PLAIN = {"date_format": None, "timezone": "UTC", "decimal": ".", "footer": None}  # what DuckDB reads as our own reader does


def raw_of_files(source: FilesSource, funnel: Funnel, base: Path) -> Raw | None:
    """The tables of a files source; None where its interactions need more than renaming, for which our reader is there."""
    if not source.interactions or source.leads.outcome or source.leads.order:
        return None
    folder = base / Path(source.folder).expanduser()
    queries, stamps = [], []
    for mapping in source.interactions:
        mapped = MappedFile(source, mapping, INTERACTIONS.name, folder)
        check_required(mapped, {})
        if not _plain(mapping, mapped.file.options) or not (mapped.file.parquet or mapped.file.options.encoding == "utf-8"):
            return None
        queries.append(_of_file(mapped))
        stamps.append(f"{mapped.file.path.stat().st_size} {mapped.file.path.stat().st_mtime_ns}")
    extracted_at = source.extracted_at or _newest(queries)
    lean, report = load_files(source.model_copy(update={"interactions": [], "extracted_at": extracted_at}), funnel, base)
    if source.extracted_at is None:
        newest = max(
            t[c].max() for t, c in ((lean.leads, "created_at"), (lean.lead_stages, "at"), (lean.deals, "created_at")) if len(t)
        )
        lean = replace(lean, extracted_at=max(lean.extracted_at, newest.as_unit("us")))
        report.note(
            "dataset", "moments of extraction not given", 1, done=f"the newest in the data, {lean.extracted_at}, is taken"
        )
    names = ", ".join([lean.source, *dict.fromkeys(m.file for m in source.interactions)])
    digest = hashlib.sha256(json.dumps([lean.digest, queries, stamps]).encode()).hexdigest()
    return Raw(replace(lean, source=names), InteractionSource(queries=tuple(queries)), digest, report)


def _plain(mapping: InteractionsFile, options: FileOptions) -> bool:
    if mapping.values or mapping.only or mapping.skip or mapping.null_in:
        return False
    return all((getattr(options, name) or default) == default for name, default in PLAIN.items())


def _of_file(mapped: MappedFile) -> str:
    file = mapped.file
    rows = parquet(file.path)
    if not file.parquet:
        names = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in file.headers)
        separator = quoted(file.options.separator or ",")
        rows = (
            f"read_csv({quoted(str(file.path))}, header = true, skip = 0, delim = {separator}, quote = '\"', escape = '\"', "
            f"columns = {{{names}}}, auto_detect = false, null_padding = false)"
        )
    stored = columns_of(rows)
    stored_names = dict(zip(file.headers, stored, strict=True))
    nulls = sorted({"", *(w for marker in file.options.null or () for w in words(marker))})
    constants = {name: words(value)[0] for name, value in mapped.mapping.constants.items()}
    return query_of(rows, {target: stored_names[name] for target, name in mapped.columns.items()}, constants, stored, nulls)


def _newest(queries: Sequence[str]) -> object:
    """The newest moment of all."""
    moments = []
    with duckdb.connect() as connection:
        for query in queries:
            row = connection.execute(f'SELECT max(epoch_us("at")) FROM ({query})').fetchone()  # noqa: S608  SQL of ours over files
            moments += [row[0]] if row and row[0] is not None else []
    return pd.Timestamp(max(moments), unit="us", tz="UTC").to_pydatetime() if moments else None
