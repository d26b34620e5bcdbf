"""Streams: cursors and rows go together; what may be refused, and what must never vanish."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from connectors.crm import stream
from features.common.errors import CrmError
from tests.connectors.crm.crms import Opener, Site
from tests.connectors.crm.server import Fault


def test_a_cursor_is_never_ahead_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is landed when a kill comes: the rows up to the cursor are there."""
    landed: list[tuple[int, Any]] = []

    class Landed:
        def connected(self) -> AbstractContextManager[None]:
            return nullcontext()

        def cursors(self) -> dict[str, Any]:
            return {}

        def write(self, tables: dict[str, list[Any]], cursors: dict[str, Any]) -> None:
            landed.append((len(tables.get("people", [])), cursors.get("them")))

    def read(_cursor: Any) -> Iterator[stream.Page]:
        for number in range(10):
            yield stream.Page({"people": [{"_id": str(number)}]}, number + 1)

    monkeypatch.setattr(stream, "CHUNK", 4)
    stream.sync([stream.Stream("them", read)], Landed())  # type: ignore[arg-type]
    assert landed == [(4, 4), (4, 8), (2, 10)]


def test_a_permission_that_never_was_is_said(hubspot: Site) -> None:
    """Page views need Enterprise: the rest is read without, and the report says so."""
    hubspot.fake.scopes = ("event-occurrences",)
    done = hubspot.run()
    assert "visits" in done.synced.refused
    assert not (hubspot.dataset.interactions["type"] == "page_view").any()


def test_a_permission_that_was_revoked_stops(hubspot: Site) -> None:
    """It was readable once: to go on without would end the history unseen."""
    hubspot.first()
    hubspot.fake.scopes = ("event-occurrences",)
    with pytest.raises(CrmError, match=r"could be read before: .*\n.*Give the permission back"):
        hubspot.run()


def test_an_object_that_is_hidden_is_said_and_later_missed(served: Opener) -> None:
    """Never visible: the rest is read and it is said. Hidden later: the history would end unseen, so it stops."""
    with served("salesforce") as here:
        here.fake.hidden = {"EmailMessage"}
        assert "shows our user no EmailMessage" in here.run().synced.refused["emails"]
        here.fake.hidden = {"EmailMessage", "Event"}
        with pytest.raises(CrmError, match=r"no Event. It could be read before"):
            here.run()


def test_who_opted_out_must_stay_visible(served: Opener) -> None:
    """Field-level security hides the consent: everybody would be free to be written to again."""
    with served("salesforce") as here:
        here.first()
        here.fake.hidden = {"Lead.HasOptedOutOfEmail"}
        with pytest.raises(CrmError, match=r"HasOptedOutOfEmail of leads cannot be seen any more. It could be read before"):
            here.run()


def test_a_plan_without_the_inbox_is_read_without_it(served: Opener) -> None:
    """402 is Pipedrive's way of saying that a plan does not have something."""
    with served("pipedrive") as here:
        here.fake.faults.append(Fault("402", "/api/v1/leads", reply=(402, {"success": False, "error": "Payment required"}, {})))
        assert "Payment required" in here.run().synced.refused["inbox"]
