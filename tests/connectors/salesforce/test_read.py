"""Salesforce's records by query and in bulk, and where a run that was broken off goes on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.crm import stream, sync
from connectors.crm.responses import RefusedError, SpentError
from connectors.crm.stream import FIELDS
from tests.connectors.crm.crms import CRMS, FUNNEL, Opener, Site, site, tables
from tests.connectors.crm.server import Fault
from tests.connectors.crm.world import World
from tests.connectors.salesforce.fields import describe


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


def test_acts_of_too_many_people_are_left_out_and_said(served: Opener) -> None:
    """Who does not see all data may not ask for the tasks of more than 100,000 people at once."""
    with served("salesforce") as here:
        here.fake.too_large = {"Task"}
        assert "View All Data" in here.run().synced.refused["tasks"]
        assert len(here.people) == 60


def test_what_cannot_be_counted_in_time_is_read_in_bulk(served: Opener) -> None:
    """COUNT() and an ordered query of a very large object run into Salesforce's time limit."""
    with served("salesforce") as here:
        here.fake.uncounted = {"Task"}
        here.run()
        assert len(here.fake.jobs) == 1
        here.fake.uncounted = set()
        assert sum(here.run().synced.rows.values()) == 0


def test_calls_at_once_are_no_calls_of_the_day(served: Opener) -> None:
    """The same code: too many at this moment are waited for, the day's are not."""
    with served("salesforce") as here:
        here.fake.concurrent = 3
        here.run()
        assert len(here.people) == 60
        here.fake.daily = here.fake.used
        with pytest.raises(SpentError, match="used up: TotalRequests"):
            here.run()


def test_more_fields_than_an_address_holds_are_asked_for_apart(served: Opener) -> None:
    """465 fields of a lead, 414 for a longer address: their values come all the same, and a deleted lead is one."""
    with served("salesforce") as here:
        for number in range(465):
            name = f"A_field_of_the_customer_{number:03d}__c"
            here.fake.fields["Lead"][name] = describe(name, "picklist", label=name)
        lead, other = list(here.fake.records["Lead"])[:2]
        here.fake.touch("Lead", lead, {"A_field_of_the_customer_464__c": "last"}, track=False)
        here.land()
        column = "A_field_of_the_customer_464__c"
        assert {row["_id"]: row[column] for row in here.landed("people")}[lead] == "last"
        assert sum(here.land().rows.values()) == 0
        here.fake.touch("Lead", lead, {column: "newest"}, track=False)
        here.fake.delete("Lead", other)
        here.land()
        people = {row["_id"]: row for row in here.landed("people")}
        assert people[lead][column] == "newest"
        assert [name for name, row in people.items() if row["_gone_at"]] == [other]
