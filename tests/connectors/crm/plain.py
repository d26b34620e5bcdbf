"""The landing without dlt: the same tables in the same DuckDB file, cursors and columns in a JSON beside it.

dlt takes most of the time of an import of sixty leads, whatever it lands. Tests whose claim is about what is read, compiled or
written back land without it; `test_first.py` holds this landing against dlt's, for each CRM.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from connectors.crm.landing import SCHEMA, Landing, _dlt_errors
from connectors.crm.landing_tables import Row, arrow
from features.common.files import whole_file

STATE = "state.json"


class PlainLanding(Landing):
    """What of a landing is dlt's, done by hand; the rest of `Landing` stays."""

    @cached_property
    def _pipeline(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.file.exists():
            (self.folder / STATE).unlink(missing_ok=True)

    def cursors(self) -> dict[str, Any]:
        _ = self._pipeline
        return _state(self)["cursors"]

    def write(self, tables: Mapping[str, Sequence[Row]], cursors: Mapping[str, Any]) -> None:
        with self.connected(), _dlt_errors(self):
            base, state = self._open_files[0], _state(self)
            base.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            for name, rows in tables.items():
                if rows:
                    state["columns"][name] = _merge(base, name, arrow(name, rows), state["columns"].get(name, []))
            state["cursors"].update(cursors)
            with whole_file(self.folder / STATE) as partial:
                partial.write_text(json.dumps(state), encoding="utf-8")

    def _columns(self) -> dict[str, list[str]]:
        _ = self._pipeline
        return _state(self)["columns"]

    @contextlib.contextmanager
    def _client(self) -> Iterator[Client]:
        with self.connected():
            yield Client(self._open_files[0])


class Client:
    """What landings call of dlt's client of a database."""

    def __init__(self, base: duckdb.DuckDBPyConnection) -> None:
        self.base = base.cursor()
        self.base.execute("SET TimeZone = 'UTC'")

    def make_qualified_table_name(self, name: str) -> str:
        return f'"{SCHEMA}"."{name}"'

    def execute_sql(self, sql: str, *values: Any) -> list[Any]:
        return self.base.execute(sql.replace("%s", "?"), list(values)).fetchall()

    @contextlib.contextmanager
    def execute_query(self, sql: str) -> Iterator[Cursor]:
        yield Cursor(self.base.execute(sql))


class Cursor:
    """A result, in parts."""

    def __init__(self, result: duckdb.DuckDBPyConnection) -> None:
        self.result = result

    def iter_arrow(self, rows: int) -> Iterator[pa.Table]:
        reader = self.result.to_arrow_reader(rows)
        for batch in reader:
            yield pa.Table.from_batches([batch])


def _state(ours: Landing) -> dict[str, Any]:
    file = ours.folder / STATE
    state: dict[str, Any] = {"cursors": {}, "columns": {}}
    return {**state, **json.loads(file.read_text(encoding="utf-8"))} if file.is_file() else state


def _merge(base: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, columns: list[str]) -> list[str]:
    """Of several rows of one record the newest counts, and takes the place of the one before; → the table's columns."""
    table = f'{SCHEMA}."{name}"'
    arriving = base.from_arrow(rows)
    if not columns:
        arriving.limit(0).create(f"{SCHEMA}.{name}")
    for column, kind in zip(arriving.columns, arriving.types, strict=True):
        if columns and column not in columns:
            base.execute(f'ALTER TABLE {table} ADD COLUMN "{column}" {kind}')
    base.execute(f"DELETE FROM {table} WHERE _id IN (SELECT unnest(?))", [rows["_id"].to_pylist()])  # noqa: S608  ours
    newest = "SELECT * FROM arriving QUALIFY row_number() OVER (PARTITION BY _id ORDER BY _seq DESC) = 1"
    base.execute(f"INSERT INTO {table} BY NAME {newest}")
    return list(dict.fromkeys([*columns, *rows.column_names]))


def land_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Landings in a DuckDB file do without dlt, those in Postgres with it."""
    for name in ("_pipeline", "cursors", "write", "_columns", "_client"):
        monkeypatch.setattr(Landing, name, _chosen(name))


def _chosen(name: str) -> Any:
    with_dlt, plain = vars(Landing)[name], vars(PlainLanding)[name]
    if isinstance(with_dlt, cached_property):
        chosen: Any = cached_property(lambda ours: (with_dlt if ours.postgres else plain).func(ours))
        chosen.__set_name__(Landing, name)
        return chosen
    return lambda ours, *values: (with_dlt if ours.postgres else plain)(ours, *values)
