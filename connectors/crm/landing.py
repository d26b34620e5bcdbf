"""The landing: what a CRM said, as it said it, in DuckDB or Postgres. dlt keeps its schema, its state and its load packages.

Rows and the cursor behind them go in one load package, so that after a kill at any point either both are there or neither is:
what was extracted and not yet loaded lies on disk and is loaded first by the next run.

The tables have the same shape for every CRM. Columns that begin with an underscore are ours, the others are the vendor's own,
text throughout; a new one of theirs becomes a new column.
"""

from __future__ import annotations

import contextlib
import gc
import os
import secrets as random
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from connectors.crm.landing_tables import ENTITIES, Row, arrow
from features.common.errors import CrmError, DataError

if TYPE_CHECKING:
    import dlt
    import duckdb
    from dlt.destinations.sql_client import SqlClientBase


SCHEMA = "raw"
STATE = "crm"  # the name of the one dlt source
SALT = "salt"
LARGE = 5_000  # rows of a part after which memory is given back
MEMORY = "256MB"  # that DuckDB may take; what is more goes to disk


@dataclass(frozen=True)
class Landing:
    """A folder with the landing of one CRM; `postgres` is the address of a database where DuckDB is not wanted."""

    folder: Path
    crm: str
    postgres: str | None = None

    @property
    def file(self) -> Path:
        return self.folder / "landing.duckdb"

    @cached_property
    def _pipeline(self) -> dlt.Pipeline:
        # telemetry and dlt's own reading of signals are off; field names stay as the vendor writes them
        os.environ.update(
            {
                "RUNTIME__DLTHUB_TELEMETRY": "false",
                "RUNTIME__LOG_LEVEL": "ERROR",
                "RUNTIME__INTERCEPT_SIGNALS": "false",
                "SCHEMA__NAMING": "direct",
                "LOAD__DELETE_COMPLETED_JOBS": "true",
            }
        )
        import dlt
        from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

        self.folder.mkdir(parents=True, exist_ok=True)
        work = self.folder / "dlt"
        if self.postgres:
            destination: Any = dlt.destinations.postgres(self.postgres)
        else:
            if not self.file.exists():
                # cursors without the rows behind them would lose whatever was read before
                shutil.rmtree(work, ignore_errors=True)
            destination = dlt.destinations.duckdb(DuckDbCredentials(str(self.file.resolve())))
        destination.capabilities = _remembered(destination.capabilities)
        # a DuckDB file and a schema in it must not share their name
        dataset = f"{SCHEMA}_{self.crm}" if self.postgres else SCHEMA
        return dlt.pipeline(self.crm, destination=destination, dataset_name=dataset, pipelines_dir=str(work.resolve()))

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """The DuckDB file stays open meanwhile: dlt opens it a dozen times a package, look-ups do for every page, and each time
        took 20 ms. May be nested."""
        _ = self._pipeline  # looks first whether the file is there
        if self.postgres or self._open_files:
            yield
            return
        self._open_file()
        try:
            yield
        finally:
            self._close_file()

    def _open_file(self) -> None:
        import duckdb

        with _dlt_errors(self):
            connection = duckdb.connect(str(self.file.resolve()))
        self._open_files.append(connection)
        # what is cached of a large file would look like memory that grows with the rows
        connection.execute("SET GLOBAL memory_limit = ?", [MEMORY])
        # DuckDB refuses the folder once it has spilled, though it is the same: here alone, and not while another holds the file
        scratch = str(self.folder.resolve() / ".duckdb")
        if connection.execute("SELECT current_setting('temp_directory')").fetchone() != (scratch,):
            connection.execute("SET GLOBAL temp_directory = ?", [scratch])

    def _close_file(self) -> None:
        while self._open_files:
            self._open_files.pop().close()

    @cached_property
    def _open_files(self) -> list[duckdb.DuckDBPyConnection]:
        return []

    def cursors(self) -> dict[str, Any]:
        """Where each stream goes on. What an earlier run extracted and could not load is loaded first.

        Raises
        ------
        CrmError
            if the landing cannot be opened.
        """
        with _dlt_errors(self):
            pipeline = self._pipeline
            if pipeline.has_pending_data:
                with self.connected():
                    pipeline.run(loader_file_format=self._format)
            if not pipeline.state.get("sources") and self.postgres:
                pipeline.sync_destination()
            sources: Any = pipeline.state.get("sources") or {}
            return dict(sources.get(STATE, {}).get("cursors", {}))

    def write(self, tables: Mapping[str, Sequence[Row]], cursors: Mapping[str, Any]) -> None:
        """Rows of tables and the cursors behind them, together.

        Raises
        ------
        CrmError
            if they cannot be loaded.
        """
        with _dlt_errors(self):
            import dlt

            new_cursors = dict(cursors)
            if not any(tables.values()) and self._keeps_state_alone():
                with self._pipeline.managed_state() as state_record:
                    sources: Any = state_record.setdefault("sources", {})
                    sources.setdefault(STATE, {}).setdefault("cursors", {}).update(new_cursors)
                return

            def state() -> Iterator[Any]:
                dlt.current.source_state().setdefault("cursors", {}).update(new_cursors)
                yield from ()

            @dlt.source(name=STATE)
            def source() -> Any:
                return [
                    dlt.resource(state, name="cursors"),
                    *(_resource(name, arrow(name, rows)) for name, rows in tables.items() if rows),
                ]

            with self.connected():
                self._pipeline.run(source(), loader_file_format=self._format)
        if sum(map(len, tables.values())) > LARGE:
            if self._open_files:  # what waits beside the file goes into it
                self._close_file()
                self._open_file()
            _release_memory()

    def _keeps_state_alone(self) -> bool:
        """May cursors without rows go into dlt's folder alone, where they are read from, and into the database with the next
        rows? That is a tenth of the work of an empty package. Not where the folder may be lost and Postgres gives them back."""
        pipeline = self._pipeline
        return not self.postgres and self.file.exists() and _has_schema(pipeline) and not pipeline.has_pending_data

    @property
    def _format(self) -> Any:
        return "csv" if self.postgres else "parquet"

    def hashes(self, table: str, ids: Sequence[str]) -> dict[str, str]:
        """What was landed last of these records: id → hash of its content."""
        if not ids:
            return {}
        with _dlt_errors(self):
            if table not in self._columns():
                return {}
            with self._client() as client:
                name = client.make_qualified_table_name(table)
                marks = ", ".join(["%s"] * len(ids))
                rows = client.execute_sql(f'SELECT "_id", "_hash" FROM {name} WHERE "_id" IN ({marks})', *ids)
            return {str(row[0]): str(row[1]) for row in rows or ()}

    def values(self, table: str, column: str, ids: Sequence[str]) -> dict[str, str]:
        """One column of these records: id → text, for those that are landed and have it."""
        if not ids or column not in self.tables().get(table, []):
            return {}
        with _dlt_errors(self), self._client() as client:
            name = client.make_qualified_table_name(table)
            marks = ", ".join(["%s"] * len(ids))
            sql = f'SELECT "_id", "{column}" FROM {name} WHERE "_id" IN ({marks}) AND "{column}" IS NOT NULL'
            return {str(row[0]): str(row[1]) for row in client.execute_sql(sql, *ids) or ()}

    def pairs(self, table: str, column: str) -> dict[str, str]:
        """One column of a whole table: id → text, where there is one."""
        if column not in self.tables().get(table, []):
            return {}
        with _dlt_errors(self), self._client() as client:
            name = client.make_qualified_table_name(table)
            rows = client.execute_sql(f'SELECT "_id", "{column}" FROM {name} WHERE "{column}" IS NOT NULL')
            return {str(row[0]): str(row[1]) for row in rows or ()}

    def ids_where(self, table: str, column: str, values: Sequence[str]) -> list[str]:
        """The ids of a table's rows that are not gone and whose column is one of these."""
        columns = self.tables().get(table, [])
        ids: list[str] = []
        for begin in range(0, len(values) if column in columns else 0, 1_000):
            part = values[begin : begin + 1_000]
            marks = ", ".join(["%s"] * len(part))
            alive = ' AND "_gone_at" IS NULL' if "_gone_at" in columns else ""
            with _dlt_errors(self), self._client() as client:
                name = client.make_qualified_table_name(table)
                sql = f'SELECT "_id" FROM {name} WHERE "{column}" IN ({marks}){alive}'
                ids += [str(row[0]) for row in client.execute_sql(sql, *part) or ()]
        return ids

    def alive_records(self, table: str, beginning: str = "") -> Iterator[pa.RecordBatch]:
        """Of every record that is not another one by now, and whose id begins so, its id, and whether it lives, in batches."""
        quoted = beginning.replace("'", "''").replace("{", "{{").replace("}", "}}")
        conditions = [f"left(\"_id\", {len(beginning)}) = '{quoted}'"] if beginning else []
        if "aliases" in self.tables() and table in ENTITIES:
            conditions.append(f""" "_id" NOT IN (SELECT "record" FROM {{aliases}} WHERE "entity" = '{ENTITIES[table]}')""")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        yield from self._batches(f'SELECT "_id", "_gone_at" IS NULL AS "alive" FROM {{name}}{where}', table)

    def removed_records(self, entity: str, table: str, ids: Sequence[str]) -> set[str]:
        """Those of the records that were deleted, or merged into another."""
        tables = self.tables()
        departed_ids: set[str] = set()
        for begin in range(0, len(ids), 1_000):
            part = ids[begin : begin + 1_000]
            marks = ", ".join(["%s"] * len(part))
            with _dlt_errors(self), self._client() as client:
                if table in tables:
                    name = client.make_qualified_table_name(table)
                    sql = f'SELECT "_id" FROM {name} WHERE "_gone_at" IS NOT NULL AND "_id" IN ({marks})'
                    departed_ids |= {str(row[0]) for row in client.execute_sql(sql, *part) or ()}
                if "aliases" in tables:
                    name = client.make_qualified_table_name("aliases")
                    sql = f'SELECT "record" FROM {name} WHERE "entity" = %s AND "record" IN ({marks})'
                    departed_ids |= {str(row[0]) for row in client.execute_sql(sql, entity, *part) or ()}
        return departed_ids

    def tables(self) -> dict[str, list[str]]:
        """The landed tables and their columns."""
        with _dlt_errors(self):
            return {name: list(columns) for name, columns in self._columns().items()}

    def _columns(self) -> Mapping[str, Sequence[str]]:
        """As dlt's schema has them, read again whenever its files are others: dlt itself reads and checks it at every look."""
        pipeline = self._pipeline
        if not _has_schema(pipeline):
            return {}
        folder = Path(pipeline.working_dir) / "schemas"
        edition = tuple(sorted((file.name, file.stat().st_mtime_ns, file.stat().st_ino) for file in folder.iterdir()))
        if self._known_columns.get("edition") != edition:
            data = pipeline.default_schema.data_tables()
            tables = {str(t["name"]): list(t["columns"]) for t in data if t["name"] != "cursors"}
            self._known_columns.update(edition=edition, tables=tables)
        columns: Mapping[str, Sequence[str]] = self._known_columns["tables"]
        return columns

    @cached_property
    def _known_columns(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _idle_clients(self) -> list[SqlClientBase[Any]]:
        return []

    @contextlib.contextmanager
    def _client(self) -> Iterator[SqlClientBase[Any]]:
        """A client of the database: the connection is opened and closed, what dlt looks up to make one is kept."""
        client = self._idle_clients.pop() if self._idle_clients else self._pipeline.sql_client()
        with self.connected(), client:
            yield client
        self._idle_clients.append(client)

    def rows(self, table: str) -> Iterator[pa.RecordBatch]:
        """A table, in batches."""
        yield from self._batches("SELECT * FROM {name}", table)

    def _batches(self, sql: str, table: str) -> Iterator[pa.RecordBatch]:
        with _dlt_errors(self), self._client() as client:
            named = client.make_qualified_table_name
            query = sql.format(name=named(table), aliases=named("aliases"))
            with warnings.catch_warnings(), client.execute_query(query) as cursor:
                warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
                for part in cursor.iter_arrow(50_000):
                    yield from part.to_batches()

    @property
    def salt(self) -> bytes:
        """What e-mail addresses are mixed with before they are hashed; made once, never leaves the folder but for those of the
        other sources of a business."""
        return self.shared_salt(None)

    def shared_salt(self, other: bytes | None) -> bytes:
        """The same; where there is none yet it is that of another landing, if one is named."""
        file = self.folder / SALT
        if not file.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "wb") as target:
                    target.write(other or random.token_bytes(32))
        return file.read_bytes()


def _remembered(capabilities: Callable[..., Any]) -> Callable[..., Any]:
    """What a database can do, asked of dlt once: it asks itself dozens of times a package, looking up its settings."""
    answers: dict[Any, Any] = {}

    def remembered(config: Any = None, naming: Any = None) -> Any:
        if config is not None:
            return capabilities(config, naming)
        key = (type(naming), getattr(naming, "max_length", None))
        if key not in answers:
            answers[key] = capabilities(None, naming)
        return answers[key].copy()  # dlt writes into what it is given

    return remembered


def _release_memory() -> None:
    """What one part took, before the next: else the peak grows with the number of parts."""
    gc.collect()
    pa.default_memory_pool().release_unused()


def _has_schema(pipeline: dlt.Pipeline) -> bool:
    name: str | None = pipeline.default_schema_name  # None before the first package, whatever its type says
    return bool(name)


def _resource(name: str, table: pa.Table) -> Any:
    import dlt

    return dlt.resource(
        [table],
        name=name,
        primary_key="_id",
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        # an upsert: of several rows of one record in a package the newest counts
        columns={"_id": {"data_type": "text"}, "_seq": {"data_type": "bigint", "dedup_sort": "desc"}},
    )


@contextlib.contextmanager
def _dlt_errors(landing: Landing) -> Iterator[None]:
    """dlt's errors as one of ours, without the address of the database, which may hold a password."""
    import duckdb
    from dlt.common.exceptions import DltException
    from dlt.pipeline.exceptions import PipelineStepFailed

    try:
        yield
    except (DltException, PipelineStepFailed, OSError, duckdb.Error) as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        text = str(cause)
        if landing.postgres:
            text = text.replace(landing.postgres, "…")
        location = "the Postgres database" if landing.postgres else str(landing.file)
        if isinstance(cause, OSError):
            raise DataError(
                f"The landing {landing.folder} cannot be written: {cause.strerror or cause}.", "Free some space."
            ) from error
        raise CrmError(
            f"The landing in {location} failed: {' '.join(text.split())[:400]}",
            "Nothing is lost: put that right and run it again.",
        ) from None
