"""The landing: thrown away, of an older version, and without the address of anybody."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from connectors.crm import landing
from connectors.crm.landing import Landing
from features.common.errors import CrmError
from tests.connectors.crm.crms import Opener

pytestmark = pytest.mark.usefixtures("with_dlt")


def test_a_landing_that_was_thrown_away_is_read_anew(served: Opener) -> None:
    """Cursors without the rows behind them would lose whatever was read before."""
    with served("pipedrive") as here:
        here.first()
        before = here.people
        (here.home / "crm" / "landing.duckdb").unlink()
        here.run()
        assert here.people == before
        shutil.rmtree(here.home / "crm" / "dlt")
        here.run()
        assert here.people == before


def test_addresses_in_any_field_are_masked(served: Opener) -> None:
    """A custom field, a page's address: wherever an e-mail address stands, it is not landed."""
    with served("hubspot") as here:
        lead = sorted(here.fake.records["contacts"])[0]
        here.fake.touch("contacts", lead, {"region": "ask jane.doe@acme.com", "jobtitle": "jane.doe@acme.com"})
        here.fake.visits[0]["properties"]["hs_url"] = "https://www.example.org/out/jane.doe@acme.com/?mkt_tok=secret#x"
        here.run()
        kept = b"".join(path.read_bytes() for path in here.home.rglob("*") if path.is_file())
        assert b"jane.doe" not in kept
        assert b"mkt_tok" not in kept


def test_the_older_shape_of_a_landing_is_understood(served: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Landed by a version that did not know all of today's columns."""
    from connectors.crm import landing_tables

    older = {name: {c: k for c, k in columns.items() if c not in ("rough", "stands_for", "_people")} for name, columns in
             landing_tables.COLUMNS.items()}  # fmt: skip
    with served("pipedrive") as here:
        monkeypatch.setattr(landing_tables, "COLUMNS", older)
        here.run()
        monkeypatch.undo()
        here.run()
        assert len(here.people) == 60


def test_cursors_without_rows_are_kept_beside_the_database_and_come_into_it_with_the_next(tmp_path: Path) -> None:
    """As after an import that found nothing new: whoever opens the landing next goes on from there."""
    ours = Landing(tmp_path / "ours", "hubspot")
    ours.write({"people": [{"_id": "1", "_seq": 1}]}, {"contacts": 1})
    landed = ours.file.read_bytes()
    ours.write({}, {"contacts": 2, "deals": 5})
    assert ours.file.read_bytes() == landed
    assert Landing(ours.folder, "hubspot").cursors() == {"contacts": 2, "deals": 5}
    Landing(ours.folder, "hubspot").write({"people": [{"_id": "2", "_seq": 2}]}, {"contacts": 3})
    assert Landing(ours.folder, "hubspot").cursors() == {"contacts": 3, "deals": 5}
    empty = Landing(tmp_path / "empty", "hubspot")
    empty.write({}, {"contacts": 1})
    assert Landing(empty.folder, "hubspot").cursors() == {"contacts": 1}


def test_an_import_that_spills_goes_on_and_takes_no_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file stays open from the first look-up to the last package: a folder for what is spilled can be set only before."""
    monkeypatch.setattr(landing, "MEMORY", "30MB")
    ours = Landing(tmp_path, "hubspot")
    ours.write({"people": [{"_id": "1", "_seq": 1}]}, {})
    with ours.connected():
        for _ in range(2):
            with ours._client() as client:
                [limit] = client.execute_sql("SELECT current_setting('memory_limit')") or ()
                assert limit[0] == "28.6 MiB"
                client.execute_sql("CREATE TABLE large AS SELECT range AS n, md5(range::VARCHAR) AS text FROM range(500_000)")
                client.execute_sql("SELECT count(*) FROM (SELECT n FROM large ORDER BY text DESC)")
                assert list((tmp_path / ".duckdb").iterdir())
                with Landing(tmp_path, "hubspot").connected():
                    pass
                client.execute_sql("DROP TABLE large")
        ours.write({"people": [{"_id": "2", "_seq": 2}]}, {"contacts": 1})
    assert sorted(ours.values("people", "_seq", ["1", "2"])) == ["1", "2"]


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    ours = Landing(tmp_path, "hubspot")
    ours.file.write_bytes(b"something else" * 1_000)
    with pytest.raises(CrmError, match=r"landing\.duckdb failed: .*not a valid DuckDB"), ours.connected():
        pass


def test_a_column_that_another_landed_is_seen(tmp_path: Path) -> None:
    """What is kept of the tables' columns is not older than the tables."""
    ours = Landing(tmp_path, "hubspot")
    ours.write({"people": [{"_id": "1", "_seq": 1}]}, {})
    assert ours.values("people", "tier", ["1"]) == {}
    Landing(tmp_path, "hubspot").write({"people": [{"_id": "1", "_seq": 2, "tier": "gold"}]}, {})
    assert "tier" in ours.tables()["people"]
    assert ours.values("people", "tier", ["1"]) == {"1": "gold"}


@pytest.mark.parametrize("beginning", ["a|", "a_", "a%", "a'", "{a}", ""])
def test_the_records_of_a_beginning_are_no_others(tmp_path: Path, beginning: str) -> None:
    """A beginning with a sign in it was as if there were none: others' records looked as if they were gone."""
    ours = Landing(tmp_path, "hubspot")
    names = ["a|1", "a_1", "a%1", "a'1", "{a}1", "ab1", "b|1"]
    ours.write({"engagements": [{"_id": name, "_seq": 1} for name in names]}, {})
    records = [name for batch in ours.alive_records("engagements", beginning) for name in batch.column(0).to_pylist()]
    assert sorted(records) == sorted(name for name in names if name.startswith(beginning))
