"""The landing: thrown away, of an older version, and without the address of anybody."""

from __future__ import annotations

import shutil

import pytest

from tests.connectors.crm.crms import Opener


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
