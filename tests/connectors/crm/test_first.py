"""What most tests begin with, a copied first import that was landed without dlt, is what an import of their own would give."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.crm.landing import Landing
from tests.connectors.crm.crms import Crm, Site, site, tables
from tests.connectors.crm.plain import PlainLanding, land_plainly
from tests.connectors.crm.world import World


def landing(here: Site) -> dict[str, Any]:
    """The landed rows, but for their numbers and those of the packages they came in; and the cursors' names."""
    apart = ("_seq", "_dlt_id", "_dlt_load_id")
    opened = here.open().landing
    rows = {
        name: sorted(str({k: v for k, v in row.items() if k not in apart}) for row in here.landed(name))
        for name in opened.tables()
    }
    return {**rows, "cursors": sorted(opened.cursors())}


@pytest.mark.usefixtures("with_dlt")
def test_a_copied_first_import_without_dlt_is_a_fresh_one_with_it(
    crm: Crm, small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows, dataset, calls and result; and the next import brings nothing more than it would."""
    with site(crm, small, tmp_path / "fresh") as fresh, site(crm, small, tmp_path / "copied") as copied:
        own = fresh.run()
        with monkeypatch.context() as patch:
            land_plainly(patch)
            copied_result = copied.first()
            calls, landed_plainly, again = list(copied.fake.calls), landing(copied), copied.run()
        assert copied_result is not None
        assert landed_plainly == landing(fresh)
        assert tables(copied.dataset) == tables(fresh.dataset)
        # sorted: what is read one by one comes in the order of the landing's rows, which is any
        assert sorted(c.path for c in calls) == sorted(c.path for c in fresh.fake.calls)
        assert (copied_result.synced.rows, copied_result.proposed, copied_result.values) == (
            own.synced.rows,
            own.proposed,
            own.values,
        )
        assert sum(again.synced.rows.values()) == sum(fresh.run().synced.rows.values()) == 0
        assert len(copied.fake.calls) == len(fresh.fake.calls)


@pytest.mark.usefixtures("with_dlt")
def test_what_is_landed_without_dlt_is_what_dlt_lands(tmp_path: Path) -> None:
    """Of several rows of one record the newest, in the place of the one before; new columns; types; a file that was lost."""
    day = datetime(2026, 6, 30, tzinfo=UTC)
    packages: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"people": [{"_id": "1", "_seq": 1, "Name s": "a"}, {"_id": "2", "_seq": 2, "_created_at": day}]}, {"leads": 1}),
        ({"people": [{"_id": "1", "_seq": 5, "tier": 2}, {"_id": "1", "_seq": 4, "tier": 1}, {"_id": "3", "_seq": 6}]}, {}),
        ({}, {"leads": 2, "deals": {"at": "x"}}),
        ({"deals": [{"_id": "1", "_seq": 7, "_amount": 2.5}], "people": []}, {"deals": None}),
        ({"history": [{"_id": "1", "_seq": 8, "rough": True, "at": day}]}, {}),
    ]
    landings = Landing(tmp_path / "dlt", "hubspot"), PlainLanding(tmp_path / "plain", "hubspot")
    for ours in landings:
        for rows, cursors in packages:
            ours.write({name: [dict(row) for row in part] for name, part in rows.items()}, cursors)
    with_dlt, plain = landings
    assert plain.cursors() == with_dlt.cursors() == {"leads": 2, "deals": None}
    assert columns_of(plain) == columns_of(with_dlt)
    assert plain.tables() == {name: [c for c in columns if c[:5] != "_dlt_"] for name, columns in with_dlt.tables().items()}
    for table in plain.tables():
        assert rows_of(plain, table) == rows_of(with_dlt, table)
    for read in (
        lambda ours: ours.values("people", "tier", ["1", "2"]),
        lambda ours: ours.ids_where("deals", "_amount", ["2.5"]),
        lambda ours: ours.hashes("people", ["1"]),
        lambda ours: ours.removed_records("lead", "people", ["1"]),
    ):
        assert read(plain) == read(with_dlt)
    for ours in landings:
        ours.file.unlink()
        again = type(ours)(ours.folder, "hubspot")
        assert again.cursors() == again.tables() == {}


def columns_of(ours: Landing) -> list[Any]:
    """Which types they have."""
    with duckdb.connect(str(ours.file), read_only=True) as base:
        return base.execute("""
            SELECT table_name, column_name, data_type FROM duckdb_columns()
            WHERE schema_name = 'raw' AND table_name IN ('people', 'deals', 'history') AND NOT starts_with(column_name, '_dlt_')
            ORDER BY ALL
        """).fetchall()


def rows_of(ours: Landing, table: str) -> list[dict[str, Any]]:
    rows = [row for batch in ours.rows(table) for row in batch.to_pylist()]
    return sorted(({k: v for k, v in row.items() if k[:5] != "_dlt_"} for row in rows), key=lambda row: str(row["_id"]))
