"""Marketo's errors in HTTP 200, its quota, its empty pages and its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.crm.responses import SpentError
from tests.connectors.crm.crms import Opener, Site
from tests.connectors.crm.server import Fault


@pytest.fixture
def recent(served: Opener) -> Iterator[Site]:
    """With the activities of a few months only, which are a few exports."""
    with served("marketo", since="2026-01-01") as here:
        yield here


def marketo_error(code: str, message: str = "x") -> Any:
    return 200, {"requestId": "r", "success": False, "errors": [{"code": code, "message": message}]}, {}


def test_marketo_606_in_http_200_halfway_loses_no_row(marketo: Site) -> None:
    """The trap: a naive run ends green with a quarter of the rows."""
    fault = Fault("606", r"/activities/leadchanges", at=(2, 3), reply=marketo_error("606", "Max rate limit exceeded"))
    marketo.fake.faults.append(fault)
    marketo.fake.scanned = 20  # so many activities a page
    marketo.run()
    assert fault.struck == 2
    assert len(marketo.fake.changes) == len({r["_id"] for r in _history(marketo) if "before" not in r["_id"]})


def _history(here: Site) -> list[dict[str, Any]]:
    batches = here.open().landing.rows("history")
    return [row for batch in batches for row in batch.to_pylist() if row["field"] in ("leadStatus", "unsubscribed")]


def test_marketo_daily_quota_is_not_waited_for(recent: Site) -> None:
    recent.fake.faults.append(
        Fault("607", r"/activities/leadchanges", at=(1,), reply=marketo_error("607", "Max number of calls per day"))
    )
    with pytest.raises(SpentError, match=r"calls of the day are used up: 607 .*\n.*midnight, Central time"):
        recent.run()
    recent.fake.faults.clear()
    recent.run()
    assert len(recent.dataset.leads) == 60


def test_marketo_pages_may_be_empty_and_not_the_last(recent: Site) -> None:
    """Few of the activities looked at for a page are wanted; an empty page is no end."""
    recent.fake.scanned = 3
    recent.run()
    assert (recent.dataset.lead_stages["lead_stage"] == "mql").any()


def test_marketo_token_that_ends_in_the_middle_is_renewed(recent: Site) -> None:
    recent.fake.lives = 7
    recent.run()
    assert recent.fake.minted == 2
    assert len(recent.dataset.leads) == 60
