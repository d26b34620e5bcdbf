"""Pipedrive's leads inbox: an archive that can only be read from its beginning, seconds with more leads than a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.crm import sync
from connectors.pipedrive import api as pipedrive_api
from tests.connectors.crm.crms import FUNNEL, Opener
from tests.connectors.crm.server import Call


def _leads(fake: Any, count: int, archived: bool, stamp: str = "") -> list[dict[str, Any]]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    people = sorted(fake.records["persons"])
    leads = []
    for number in range(count):
        moment = stamp or (at + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.551Z")
        leads.append(
            {
                "id": f"more-{number:04d}",
                "person_id": people[number % len(people)],
                "source_name": "web",
                "channel": 52,
                "is_archived": archived,
                "add_time": moment,
                "update_time": moment,
            }
        )
    fake.inbox.extend(leads)
    return leads


def _stopping(fake: Any, most: int) -> None:
    """A run that would never end ends."""

    def stop(call: Call) -> None:
        assert len(fake.made("/api/v1/leads")) <= most, "it never ends"

    fake.hook = stop


@pytest.mark.parametrize("terse", [False, True])
def test_an_archive_of_leads_ends_and_is_read_once(served: Opener, terse: bool) -> None:
    """It knows no `updated_since`: later runs read its newest page alone. 40 tokens a page are counted as such."""
    with served("pipedrive", terse=terse) as here:
        _leads(here.fake, 250, archived=True)
        _stopping(here.fake, 12)
        connector: Any = here.open()
        sync.run(connector, here.config.source, FUNNEL)  # type: ignore[arg-type]
        assert 0 <= here.fake.spent - connector.api.tokens <= 40  # who we are, which is not counted
        assert len(here.landed("inbox")) == len(here.fake.inbox)
        assert sum(here.run().synced.rows.values()) == 0
        assert len(here.fake.made("/leads/archived")) == 4
        new = _leads(here.fake, 1, archived=True, stamp="2026-11-01T00:00:00.120Z")[0]
        new["id"] = "brand-new"
        here.run()
        assert "brand-new" in {row["_id"] for row in here.landed("inbox")}


def test_more_leads_in_one_second_than_pages_have_end(served: Opener) -> None:
    """Pipedrive tells milliseconds and takes none."""
    with served("pipedrive") as here:
        for number, one in enumerate(_leads(here.fake, 250, archived=False)):
            one["update_time"] = f"2026-01-01T10:00:00.{number:03d}Z"
        _stopping(here.fake, 12)
        here.run()
        assert len(here.landed("inbox")) == len(here.fake.inbox)


def test_an_archive_that_shrinks_while_it_is_read_hides_nobody(served: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some are taken out of the archive: what stood behind them moves to pages that were read already."""
    monkeypatch.setattr(pipedrive_api, "LIMIT_V1", 10)
    with served("pipedrive") as here:
        leads = _leads(here.fake, 60, archived=True)

        def shrink(call: Call) -> None:
            if call.path.endswith("/archived") and len(here.fake.made("/leads/archived")) == 3:
                for one in leads[-8:]:
                    one["is_archived"] = False

        here.fake.hook = shrink
        here.run()
        assert {one["id"] for one in leads[:52]} <= {row["_id"] for row in here.landed("inbox")}


def test_a_channel_has_its_name(served: Opener) -> None:
    """A lead only has its number."""
    with served("pipedrive") as here:
        options = [{"id": 52, "label": "Trade fair"}]
        here.fake.deal_fields = [{"field_code": "channel", "field_name": "Channel", "field_type": "enum", "options": options}]
        lead = _leads(here.fake, 1, archived=False)[0]
        here.run()
        [row] = [row for row in here.landed("inbox") if row["_id"] == lead["id"]]
        assert row["channel"] == "Trade fair"
