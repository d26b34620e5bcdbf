"""Marketo's exports that fail, expire, are queued unheard or belong to a run that was killed; deletions it forgets."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from features.common.errors import CrmError, DataError
from tests.connectors.crm.crms import Opener, Site
from tests.connectors.crm.killed import IN_PARTS, killed_at
from tests.connectors.crm.server import Call, Fault


@pytest.mark.usefixtures("with_dlt")
def test_exports_of_a_killed_run_are_gone_on_with(marketo: Site) -> None:
    """Those nobody remembers would stand in the queue, which has ten places, and be made and paid for again."""
    code = IN_PARTS.replace("stream.CHUNK = 40", "").format(kind="marketo", config=str(marketo.home / "marketo.yaml"))
    killed_at(marketo, code, 20, path="enqueue")
    marketo.run()
    made = Counter((c.path, c.body["filter"]["createdAt"]["startAt"]) for c in marketo.fake.made("export/create.json"))
    assert len(made) > 40
    assert 1 <= sum(n > 1 for n in made.values()) <= 3
    refused = len(marketo.fake.made("enqueue.json")) - len(marketo.fake.jobs)
    assert refused == 0


def test_an_export_that_failed_is_made_again(served: Opener) -> None:
    """Or was thrown away, seven days after a run that was broken off: the cursor must not hold on to it for ever."""
    with served("marketo", since="2026-01-01") as here:
        here.fake.failing = {"job-2", "job-30"}
        here.run()
        assert len(here.people) == 60
        assert here.fake.failing <= here.fake.jobs.keys()


def test_an_export_that_fails_twice_is_said(served: Opener) -> None:
    with served("marketo") as here:
        here.fake.failing = {f"job-{n}" for n in range(200)}
        with pytest.raises(CrmError, match=r"export job-\d+ failed: internal, ask …@…"):
            here.run()


def test_an_export_of_a_run_broken_off_long_ago_is_made_again(served: Opener) -> None:
    with served("marketo", since="2026-01-01") as here:
        here.fake.faults.append(Fault("607", r"/file.json", at=(4,), reply=(200, _spent(), {})))
        with pytest.raises(CrmError, match="used up"):
            here.run()
        here.fake.faults.clear()
        here.fake.jobs.clear()
        here.run()
        assert len(here.people) == 60


def _spent() -> dict[str, Any]:
    return {"requestId": "r", "success": False, "errors": [{"code": "607", "message": "Max number of calls per day"}]}


def test_an_export_that_was_queued_unheard_is_waited_for(served: Opener) -> None:
    """The answer to the queuing was lost; asked again, Marketo says that it is queued already."""
    with served("marketo", since="2026-01-01") as here:
        real = type(here.fake).enqueue
        lost: list[str] = []

        def enqueue(self: Any, call: Call, what: str, job: str) -> Any:
            reply = real(self, call, what, job)
            if not lost:
                lost.append(job)
                return 503, {"success": False}, {}
            return reply

        type(here.fake).enqueue = enqueue
        try:
            here.run()
        finally:
            type(here.fake).enqueue = real
        assert len(here.people) == 60


def test_no_file_with_addresses_stays_behind(served: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Marketo's extract holds names and e-mail addresses; whatever ends the run, it is on no disk."""
    from connectors.marketo import connector

    def fail(*_: Any) -> Any:
        raise DataError("The disk is full.")

    with served("marketo") as here:
        monkeypatch.setattr(connector.Marketo, "_person", fail)
        with pytest.raises(DataError, match="disk is full"):
            here.run()
        kept = b"".join(path.read_bytes() for path in here.home.rglob("*") if path.is_file())
        addresses = [str(lead["email"]).encode() for lead in here.fake.leads.values() if lead.get("email")]
        assert len(addresses) == 60
        assert not [address for address in addresses if address in kept]
        assert not list((here.home / "crm").glob("*.csv"))
