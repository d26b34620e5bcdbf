"""From the landing to a dataset: one SQL for every CRM, streamed by DuckDB, so that memory does not grow with the rows.

What a record was merged into, and a contact that once was a lead, are followed; deleted people are left out with all they did.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import duckdb
import pandas as pd
import pyarrow as pa

from connectors.crm.addresses import make_spans
from connectors.crm.changes import tell_columns
from connectors.crm.landing import SCHEMA, Landing
from connectors.crm.landing_tables import COLUMNS, OWN_COLUMNS, TIME
from connectors.crm.mapping import CrmMapping, StageValue
from connectors.crm.merges import resolve
from connectors.crm.stable import stable_columns
from connectors.crm.views import count, make_views
from features.common.errors import DataError
from features.common.files import sha256, whole_folder
from features.dataset.data_report import DataReport
from features.dataset.dataset import META, SCHEMA_VERSION
from features.dataset.tables import TABLES

T = TypeVar("T")
MEMORY_LIMITS = ("128MB", "512MB", "2GB")  # a million leads with 58 million activities were done with 512 MB in 137 s


def _with_enough_memory(landing: Landing, work: Callable[[str], T]) -> T:
    """What `work` gives with the least memory that suffices: most of it spills, but what DuckDB must hold at once grows with
    the rows."""
    for memory in MEMORY_LIMITS:
        try:
            return work(memory)
        except duckdb.Error as error:
            if memory != MEMORY_LIMITS[-1] and isinstance(error, duckdb.OutOfMemoryException):
                continue
            message = f"No dataset could be made of what was landed in {landing.folder}: {' '.join(str(error).split())[:300]}"
            raise DataError(message, "What was fetched is kept; the dataset is as it was before.") from error
    raise AssertionError  # MORE is not empty


@contextlib.contextmanager
def open_database(landing: Landing, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the landed tables as they are in `raw`, all of them, empty ones where nothing was landed.

    Raises
    ------
    DataError
        if nothing was landed yet.
    """
    tables = landing.tables()
    if not tables:
        raise DataError(f"Nothing has been landed in {landing.folder} yet.", f"Run `make import CRM={landing.crm}` first.")
    scratch = landing.folder / ".duckdb"
    with duckdb.connect(config={"memory_limit": memory, "temp_directory": str(scratch), "threads": 2}) as base:
        base.execute("SET TimeZone='UTC'; SET preserve_insertion_order=false")
        if landing.postgres:
            base.execute(f"CREATE SCHEMA {SCHEMA}")
            for name, table_columns in tables.items():
                _copy(base, landing, name, _missing_columns(name, table_columns))
        else:
            base.execute(f"ATTACH '{_escape_quotes(str(landing.file))}' AS landed (READ_ONLY)")
            base.execute(f"CREATE SCHEMA {SCHEMA}")
            for name, table_columns in tables.items():
                base.execute(
                    f'CREATE VIEW {SCHEMA}."{name}" AS SELECT *{_missing_columns(name, table_columns)} '
                    f'FROM landed.{SCHEMA}."{name}"'
                )
        for name, columns in COLUMNS.items():
            if name not in tables:
                base.register("nothing", pa.schema([*OWN_COLUMNS.items(), *columns.items()]).empty_table())
                base.execute(f"CREATE TABLE {SCHEMA}.{name} AS SELECT * FROM nothing")
                base.unregister("nothing")
        base.execute("""
            CREATE VIEW histories AS
            SELECT h.entity, h.record, h.field, h.value, h."at" FROM raw.history h
            WHERE h.until IS NULL AND h.rough IS NOT TRUE
            UNION ALL
            SELECT h.entity, h.record, h.field, h.value, h."at" FROM raw.history h
            WHERE h.rough AND NOT EXISTS (
                SELECT 1 FROM raw.history e WHERE e.entity = h.entity AND e.record = h.record AND e.field = h.field
                AND e.value = h.value AND e.rough IS NOT TRUE AND e.until IS NULL
            )
            UNION ALL
            SELECT entity, record, field, arg_min(coalesce(value, ''), until), min("at") FROM raw.history
            WHERE until IS NOT NULL GROUP BY entity, record, field
        """)
        yield base


def _missing_columns(name: str, table_columns: Sequence[str]) -> str:
    """The columns of ours that a table landed by an older version does not have, empty."""
    own_columns = {**OWN_COLUMNS, **COLUMNS.get(name, {})}
    return "".join(f', NULL::{_SQL[kind]} AS "{column}"' for column, kind in own_columns.items() if column not in table_columns)


_SQL = {pa.string(): "VARCHAR", pa.float64(): "DOUBLE", pa.int64(): "BIGINT", pa.bool_(): "BOOLEAN", TIME: "TIMESTAMPTZ"}


def _copy(base: duckdb.DuckDBPyConnection, landing: Landing, name: str, missing_columns: str) -> None:
    created = False
    for batch in landing.rows(name):
        base.register("part", pa.Table.from_batches([batch]))
        select = f"SELECT *{missing_columns} FROM part"
        base.execute(f'INSERT INTO {SCHEMA}."{name}" {select}' if created else f'CREATE TABLE {SCHEMA}."{name}" AS {select}')
        base.unregister("part")
        created = True


def stage_values(landing: Landing) -> list[StageValue]:
    """Every value that a stage field ever had, the most frequent of each field first."""
    return _with_enough_memory(landing, lambda memory: _stage_values(landing, memory))


def _stage_values(landing: Landing, memory: str) -> list[StageValue]:
    with open_database(landing, memory) as base:
        rows = base.execute("""
            SELECT CASE WHEN h.entity = 'lead' THEN h.field ELSE h.entity || '.' || h.field END AS name, h.value,
                   coalesce(any_value(l.label), h.value), coalesce(any_value(l.meaning), ''), count(DISTINCT h.record)
            FROM histories h
            JOIN (SELECT DISTINCT field FROM raw.labels) known
              ON known.field = CASE WHEN h.entity = 'lead' THEN h.field ELSE h.entity || '.' || h.field END
            LEFT JOIN raw.labels l ON l.field = known.field AND l.value = h.value
            WHERE h.value IS NOT NULL AND h.value <> ''
            GROUP BY name, h.value ORDER BY name, 5 DESC, h.value
        """).fetchall()
    return [StageValue(*row) for row in rows]


def address_keys(landing: Landing) -> pd.DataFrame:
    """By which hashed addresses the leads of a landing are known, former and further ones and those of merged records too:
    lead_id, email_key, any number a lead."""

    def read(memory: str) -> pd.DataFrame:
        with open_database(landing, memory) as base:
            resolve(base)
            make_spans(base)
            return base.execute("SELECT DISTINCT lead_id, email_key FROM spans").df()

    return _with_enough_memory(landing, read)


def compile_dataset(landing: Landing, shape: CrmMapping, folder: Path, extracted_at: datetime) -> DataReport:
    """Write the dataset folder, whole or not at all.

    Raises
    ------
    DataError
        if nothing was landed, or the disk refuses.
    """

    def write_dataset(memory: str) -> DataReport:
        report = DataReport()
        with open_database(landing, memory) as base:
            unrecorded = make_views(base, shape, report)
            lead_columns = [name.removeprefix("lead.") for name in unrecorded if name.startswith("lead.")]
            stable = {f"lead.{name}" for name in stable_columns(base, landing.folder, landing.salt, lead_columns, extracted_at)}
            without_history = tell_columns(unrecorded, stable, shape, report)
            with whole_folder(folder) as partial:
                report.rows = _write(base, partial, landing.crm, extracted_at, without_history)
        return report

    return _with_enough_memory(landing, write_dataset)


def _write(
    base: duckdb.DuckDBPyConnection, folder: Path, crm: str, extracted_at: datetime, without_history: Sequence[str]
) -> dict[str, int]:
    rows, checksums = {}, {}
    for name in TABLES:
        path = folder / f"{name}.parquet"
        base.execute(f"COPY (SELECT * FROM {name}) TO '{_escape_quotes(str(path))}' (FORMAT parquet, COMPRESSION zstd)")
        rows[name] = count(base.execute(f"SELECT count(*) FROM '{_escape_quotes(str(path))}'").fetchone())
        checksums[name] = sha256(path)
    meta = {
        "schema_version": SCHEMA_VERSION,
        "source": crm,
        "time": "dates",
        "extracted_at": extracted_at.astimezone(UTC).isoformat(),
        "rows": rows,
        "checksums": checksums,
        **({"without_history": list(without_history)} if without_history else {}),
    }
    (folder / META).write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")
    return rows


def _escape_quotes(text: str) -> str:
    return text.replace("'", "''")
