"""Salesforce's records by query and in bulk, and where a run that was broken off goes on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.crm import stream, sync
from connectors.crm.responses import RefusedError
from connectors.crm.stream import FIELDS
from tests.connectors.crm.crms import CRMS, FUNNEL, Opener, Site, site, tables
from tests.connectors.crm.server import Fault
from tests.connectors.crm.world import World


def test_salesforce_bulk_brings_what_queries_bring(small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first read of much goes through Bulk 2.0, many files: the same dataset, and the next run is incremental."""
    from connectors.salesforce import api

    with site(CRMS["salesforce"], small, tmp_path / "query") as here:
        here.first()
        expected = tables(here.dataset)
    with site(CRMS["salesforce"], small, tmp_path / "bulk") as here:
        connector = here.open()
        connector.bulk_from = 5  # type: ignore[attr-defined]
        monkeypatch.setattr(api, "BULK_ROWS", 25)
        # of a first run that was broken off long ago: job and results are gone
        asked = sorted(next(s for s in connector.streams() if s.name == "tasks").fields)
        job = {"job": "750xx0", "locator": None, "from": "2026-11-01T00:00:00.000Z"}
        connector.landing.write({}, {"tasks": job, f"tasks{stream.FIELDS}": asked})
        sync.run(connector, here.config.source, FUNNEL)  # type: ignore[arg-type]
        assert len(here.fake.jobs) >= 5
        assert len(here.fake.made("/results$")) > 10
        assert tables(here.dataset) == expected
        assert sum(here.run().synced.rows.values()) == 0


def test_salesforce_query_cursor_that_died_is_told(salesforce: Site) -> None:
    reply = (400, [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}], {})
    salesforce.fake.faults.append(Fault("dead", r"/queryAll$", at=(4,), reply=reply))
    with pytest.raises(RefusedError, match="INVALID_QUERY_LOCATOR"):
        salesforce.run()
    salesforce.run()
    assert len(salesforce.dataset.leads) == 60


def test_a_commit_that_is_late_is_not_lost_by_a_run_that_was_broken_off(served: Opener) -> None:
    """A record is stamped when its transaction begins and seen when it ends, perhaps behind the cursor of a killed run."""
    with served("salesforce") as here:
        here.first()
        lead, other = here.people[:2]
        now = here.clock
        here.fake.touch("Lead", other, {"Region__c": "late"}, now - timedelta(seconds=40), track=False)
        cursor = {"at": f"{now:%Y-%m-%dT%H:%M:%S}.000Z", "id": lead, "recent": True}
        here.open().landing.write({}, {"leads": cursor})
        here.run()
        assert here.dataset.leads.set_index("lead_id").loc[other, "Region__c"] == "late"


def test_a_run_broken_off_among_old_records_goes_on_where_it_was(served: Opener) -> None:
    """By time and id: half a million records that one migration stamped are not begun again and again."""
    with served("salesforce") as here:
        stamp = "2024-01-01T00:00:00.000+0000"
        for record in here.fake.records["Lead"].values():
            record["SystemModstamp"] = stamp
        middle = sorted(here.fake.records["Lead"])[39]
        connector = here.open()
        asked = sorted(next(s for s in connector.streams() if s.name == "leads").fields)
        cursor = {"at": "2024-01-01T00:00:00.000Z", "id": middle, "recent": False}
        connector.landing.write({}, {"leads": cursor, f"leads{FIELDS}": asked})
        here.run()
        assert len(here.landed("people")) == 20
