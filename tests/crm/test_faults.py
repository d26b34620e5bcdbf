"""What goes wrong while a CRM is read: nothing is lost, nothing is doubled, and nothing ends green that is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.crm import stream, sync
from connectors.crm.responses import RefusedError, SpentError, UnreachableError
from connectors.crm.settings import Limit
from features.common.errors import CrmError
from features.dataset.dataset import Dataset
from tests.crm.crms import CRMS, FUNNEL, SECRETS, Crm, Site, site
from tests.crm.server import Call, Fault
from tests.crm.world import World

ROOT = Path(__file__).resolve().parents[2]
# so small that a run of sixty leads is landed in many parts
IN_PARTS = """
import connectors.crm.stream as stream
import connectors.marketo.api as marketo
stream.CHUNK = 40
marketo.POLL = 0.001
from pathlib import Path
from training.jobs.crm import run_import
run_import({kind!r}, Path({config!r}))
"""


def tables(dataset: Dataset) -> dict[str, list[str]]:
    """Every row of every table as text, sorted."""
    found = {}
    for name, frame in dataset.tables.items():
        plain = frame.astype(str)
        found[name] = sorted(",".join(map(str, row)) for row in plain[sorted(plain)].to_numpy().tolist())
    return found


def killed_at(here: Site, code: str, number: int, path: str = "") -> int:
    """Run code in a process of its own and kill it while its `number`-th call (to `path`) waits; how many calls it made."""
    seen: list[Call] = []
    environment = {**os.environ, **SECRETS, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=here.home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )

    def hook(call: Call) -> None:
        if path in call.path:
            seen.append(call)
            if len(seen) == number:
                os.kill(process.pid, signal.SIGKILL)

    here.fake.hook = hook
    _, said = process.communicate(timeout=240)
    here.fake.hook = lambda call: None
    assert process.returncode == -signal.SIGKILL, said.decode()[-2000:]
    return len(seen)


def test_killed_at_any_point_the_next_run_brings_the_same(crm: Crm, small: World, tmp_path: Path) -> None:
    """Two kills; the dataset is that of a run that was never disturbed."""
    with site(crm, small, tmp_path / "a") as calm:
        calm.run()
        expected, calls = tables(calm.dataset), len(calm.fake.calls)
    with site(crm, small, tmp_path / "b") as here:
        code = IN_PARTS.format(kind=crm.kind, config=str(here.home / f"{crm.kind}.yaml"))
        for share in (0.35, 0.6):
            killed_at(here, code, max(4, int(calls * share)))
        here.run()
        assert tables(here.dataset) == expected


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


def test_a_cursor_is_never_ahead_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is landed when a kill comes: the rows up to the cursor are there."""
    landed: list[tuple[int, Any]] = []

    class Landed:
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


@pytest.fixture
def marketo(small: World, tmp_path: Path) -> Any:
    with site(CRMS["marketo"], small, tmp_path) as here:
        yield here


@pytest.fixture
def hubspot(small: World, tmp_path: Path) -> Any:
    with site(CRMS["hubspot"], small, tmp_path) as here:
        yield here


@pytest.fixture
def salesforce(small: World, tmp_path: Path) -> Any:
    with site(CRMS["salesforce"], small, tmp_path) as here:
        yield here


@pytest.fixture
def pipedrive(small: World, tmp_path: Path) -> Any:
    with site(CRMS["pipedrive"], small, tmp_path) as here:
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


def test_marketo_daily_quota_is_not_waited_for(marketo: Site) -> None:
    marketo.fake.faults.append(
        Fault("607", r"/activities/leadchanges", at=(1,), reply=marketo_error("607", "Max number of calls per day"))
    )
    with pytest.raises(SpentError, match=r"calls of the day are used up: 607 .*\n.*midnight, Central time"):
        marketo.run()
    marketo.fake.faults.clear()
    marketo.run()
    assert len(marketo.dataset.leads) == 60


def test_marketo_pages_may_be_empty_and_not_the_last(marketo: Site) -> None:
    """Few of the activities looked at for a page are wanted; an empty page is no end."""
    marketo.fake.scanned = 3
    marketo.run()
    assert (marketo.dataset.lead_stages["lead_stage"] == "mql").any()


def test_marketo_token_that_ends_in_the_middle_is_renewed(marketo: Site) -> None:
    marketo.fake.lives = 7
    marketo.run()
    assert marketo.fake.minted == 2
    assert len(marketo.dataset.leads) == 60


def test_salesforce_session_that_ends_in_the_middle_is_renewed(salesforce: Site) -> None:
    def expire(call: Call) -> None:
        if len(salesforce.fake.calls) == 8:
            salesforce.fake.sessions.clear()

    salesforce.fake.hook = expire
    salesforce.run()
    assert salesforce.fake.minted == 2
    assert len(salesforce.dataset.leads) == 60


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


def test_salesforce_bulk_brings_what_queries_bring(small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first read of much goes through Bulk 2.0, many files: the same dataset, and the next run is incremental."""
    from connectors.salesforce import api

    with site(CRMS["salesforce"], small, tmp_path / "query") as here:
        here.run()
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


def test_salesforce_jwt_is_signed_by_our_key(salesforce: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """No client secret at all: an assertion for our user, for three minutes of the server's clock, signed with the key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.delitem(SECRETS, "SALESFORCE_CLIENT_SECRET")
    monkeypatch.setitem(SECRETS, "SALESFORCE_PRIVATE_KEY", pem)
    monkeypatch.setitem(SECRETS, "SALESFORCE_USERNAME", "ripeline@example.com")
    salesforce.run()
    assertion = salesforce.fake.made("/services/oauth2/token")[0].body["assertion"]
    claim = jwt.decode(assertion, key.public_key(), algorithms=["RS256"], audience="https://login.salesforce.com")
    assert (claim["iss"], claim["sub"]) == (SECRETS["SALESFORCE_CLIENT_ID"], "ripeline@example.com")
    assert 60 < claim["exp"] - salesforce.fake.now() <= 181
    assert len(salesforce.dataset.leads) == 60


def test_salesforce_limit_in_a_403_is_not_waited_for(salesforce: Site) -> None:
    """No Retry-After, no 429, and trying again today is useless."""
    salesforce.fake.daily = 9
    with pytest.raises(SpentError, match="calls of the day are used up: TotalRequests Limit exceeded"):
        salesforce.run()
    assert len(salesforce.fake.calls) < 14


def test_salesforce_query_cursor_that_died_is_told(salesforce: Site) -> None:
    reply = (400, [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}], {})
    salesforce.fake.faults.append(Fault("dead", r"/queryAll$", at=(4,), reply=reply))
    with pytest.raises(RefusedError, match="INVALID_QUERY_LOCATOR"):
        salesforce.run()
    salesforce.run()
    assert len(salesforce.dataset.leads) == 60


def test_hubspot_search_beyond_ten_thousand_is_read_in_windows(hubspot: Site) -> None:
    """A search ends at a number of results, here 20, and eighty records were changed, thirty of them at one moment."""
    hubspot.run()
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


def test_a_permission_that_never_was_is_said(hubspot: Site) -> None:
    """Page views need Enterprise: the rest is read without, and the report says so."""
    hubspot.fake.scopes = ("event-occurrences",)
    done = hubspot.run()
    assert "visits" in done.synced.refused
    assert not (hubspot.dataset.interactions["type"] == "page_view").any()


def test_a_permission_that_was_revoked_stops(hubspot: Site) -> None:
    """It was readable once: to go on without would end the history unseen."""
    hubspot.run()
    hubspot.fake.scopes = ("event-occurrences",)
    with pytest.raises(CrmError, match=r"could be read before: .*\n.*Give the permission back"):
        hubspot.run()


def test_pipedrive_changelogs_may_take_days(pipedrive: Site) -> None:
    """The day's tokens end among the changelogs: everything else is there, and tomorrow the rest follows."""

    def last(call: Call) -> None:
        if "changelog" in call.path and pipedrive.fake.tokens == 1_000_000:
            pipedrive.fake.tokens = pipedrive.fake.spent + 45  # two more

    pipedrive.fake.hook = last
    done = pipedrive.run()
    assert "used up" in done.synced.refused["changelogs"]
    assert len(pipedrive.dataset.leads) == 60
    pipedrive.fake.tokens = 10_000
    read = len(pipedrive.fake.made("changelog"))
    assert pipedrive.run().synced.refused == {}
    moved = [d for d in pipedrive.fake.records["deals"].values() if d["stage_change_time"]]
    again = len(pipedrive.fake.made("changelog"))
    assert again <= len(moved) + 2  # none is read twice but the one that was refused
    assert again > read


def test_a_storm_of_429_is_sat_out(hubspot: Site) -> None:
    """Every second call is refused, for as long as the run lasts."""
    storm = Fault("429", "", at=tuple(range(2, 2_000, 2)))
    hubspot.fake.faults.append(storm)
    connector = hubspot.open()
    sync.run(connector, hubspot.config.source, FUNNEL)  # type: ignore[arg-type]
    assert storm.struck > 20
    assert connector.http.retries == storm.struck
    assert len(hubspot.dataset.leads) == 60


def test_limits_are_kept_before_the_vendor_complains(hubspot: Site) -> None:
    """The stand-in refuses the thirty-first call in a quarter of a second; we allow ourselves fewer and are never refused."""
    hubspot.fake.limits = ((30, 0.25),)
    source = hubspot.config.source.model_copy(update={"limits": [Limit(calls=25, seconds=0.27)]})  # type: ignore[union-attr]
    hubspot.config = hubspot.config.model_copy(update={"source": source})
    hubspot.run()
    assert hubspot.fake.refused == 0
    assert len(hubspot.dataset.leads) == 60


def test_nobody_answers(here: Site) -> None:
    here.fake.faults.append(Fault("503", ""))
    with pytest.raises(UnreachableError, match=r"did not answer .* after 8 attempts: HTTP 503"):
        here.run()


def test_html_in_place_of_json_is_said(here: Site) -> None:
    here.fake.faults.append(Fault("html", ""))
    with pytest.raises(UnreachableError, match=r"HTML came in place of JSON .*is the base URL right"):
        here.run()


def test_secrets_are_in_no_error_and_no_file(here: Site) -> None:
    """An answer that repeats our token, an error that holds an address: neither is shown."""
    echo = {"hubspot": SECRETS["HUBSPOT_TOKEN"], "salesforce": SECRETS["SALESFORCE_CLIENT_SECRET"],
            "marketo": SECRETS["MARKETO_CLIENT_SECRET"], "pipedrive": SECRETS["PIPEDRIVE_TOKEN"]}[here.crm.kind]  # fmt: skip
    here.run()
    here.fake.faults.append(Fault("echo", "", reply=(400, {"message": f"bad token {echo} of jane.doe@example.com"}, {})))
    with pytest.raises(RefusedError, match="bad token") as caught:
        here.run()
    assert echo not in str(caught.value)
    assert "jane.doe" not in str(caught.value)
    kept = b"".join(path.read_bytes() for path in here.home.rglob("*") if path.is_file())
    for secret in SECRETS.values():
        assert secret.encode() not in kept


def test_two_imports_at_once_are_one(here: Site) -> None:
    from connectors.crm.sync import folder_lock
    from features.common.errors import DataError

    with folder_lock(here.home / "crm"), pytest.raises(DataError, match=r"Another import or write-back is at work"):
        here.run()
