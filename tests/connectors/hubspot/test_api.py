"""HubSpot's tokens, limits, and searches that end or shift while they are read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest

from connectors.crm.responses import SpentError
from connectors.hubspot import api as hubspot_api
from features.common.errors import CrmError
from tests.connectors.crm.crms import SECRETS, Opener, Site
from tests.connectors.crm.server import Call, Fault


def test_hubspot_oauth_token_is_fetched_and_renewed(hubspot: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HUBSPOT_TOKEN",):
        monkeypatch.delitem(SECRETS, name)
    more = {
        "HUBSPOT_CLIENT_ID": "client-1234",
        "HUBSPOT_CLIENT_SECRET": "secret-5678",
        "HUBSPOT_REFRESH_TOKEN": "refresh-me-123",
    }
    for name, value in more.items():
        monkeypatch.setitem(SECRETS, name, value)

    def expire(call: Call) -> None:
        if len(hubspot.fake.calls) == 9:
            hubspot.fake.token = "another"

    hubspot.fake.hook = expire
    hubspot.run()
    assert len(hubspot.fake.made("/oauth/v1/token")) == 2
    assert len(hubspot.dataset.leads) == 60


def test_hubspot_search_beyond_ten_thousand_is_read_in_windows(hubspot: Site) -> None:
    """A search ends at a number of results, here 20, and eighty records were changed, thirty of them at one moment."""
    hubspot.first()
    hubspot.fake.cap = 20
    at = hubspot.fake.now()
    for number, name in enumerate(sorted(hubspot.fake.records["contacts"])):
        moment = pd.Timestamp(at + (0 if number < 30 else number), unit="s", tz="UTC").floor("ms").to_pydatetime()
        hubspot.fake.touch("contacts", name, {"region": f"new {number}"}, moment)
    from connectors.hubspot import api

    page, api.SEARCH_PAGE = api.SEARCH_PAGE, 10
    try:
        hubspot.run()
    finally:
        api.SEARCH_PAGE = page
    assert set(hubspot.dataset.leads["region"]) == {f"new {n}" for n in range(60)}


def test_hubspot_daily_limit_is_not_waited_for(hubspot: Site) -> None:
    reply = (429, {"message": "You have reached your daily limit.", "policyName": "DAILY"}, {"Retry-After": "30"})
    hubspot.fake.faults.append(Fault("daily", "batch/read", at=(2,), reply=reply))
    with pytest.raises(SpentError, match="used up: You have reached your daily limit"):
        hubspot.run()


def test_a_record_modified_while_a_search_is_read_hides_no_other(served: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search counts from its beginning: one that moves to its end would shift the next out of sight, for good."""
    monkeypatch.setattr(hubspot_api, "SEARCH_PAGE", 10)
    with served("hubspot") as here:
        here.first()
        names = sorted(here.fake.records["contacts"])
        # so long ago that no overlap brings them again
        begun = here.clock - timedelta(hours=3)
        for number, name in enumerate(names[:40]):
            here.fake.touch("contacts", name, {"region": f"new {number}"}, begun + timedelta(minutes=number))
        _since(here, "contacts", begun)

        def edit(call: Call) -> None:
            searches = here.fake.made("contacts/search")
            if searches and call is searches[-1] and len(searches) in (2, 3):
                for name in names[: 3 * len(searches)]:
                    here.fake.touch("contacts", name, {"region": f"newer {name}"})

        here.fake.calls.clear()
        here.fake.hook = edit
        here.run()
        here.fake.hook = lambda call: None
        here.run()
        found = here.dataset.leads.set_index("lead_id")["region"]
        assert [found[n] for n in names[:40]] == [here.fake.records["contacts"][n].properties["region"] for n in names[:40]]


def _since(here: Site, stream: str, at: datetime) -> None:
    """As if the last import had been then."""
    here.open().landing.write({}, {stream: {"since": int(at.timestamp() * 1000)}})


@pytest.mark.parametrize("path", ["contacts/batch/read", "associations"])
def test_part_of_a_batch_that_fails_is_no_success(path: str, served: Opener) -> None:
    """HTTP 207: what HubSpot could not read now would never be read."""
    body = {"status": "COMPLETE", "results": [], "errors": [{"category": "INTERNAL", "message": "try later, jo@example.org"}]}
    with served("hubspot") as here:
        here.fake.faults.append(Fault("207", path, at=(1,), reply=(207, body, {})))
        with pytest.raises(CrmError, match=r"read only part of a batch of .*: try later, …@…"):
            here.run()
        here.fake.faults.clear()
        here.run()
        assert len(here.people) == 60
