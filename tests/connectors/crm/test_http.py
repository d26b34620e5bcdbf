"""The one client: what it makes of odd answers, where it does not go, and what it never says."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.crm import sync
from connectors.crm.auth import FixedToken
from connectors.crm.http import Http
from connectors.crm.responses import RefusedError, SpentError, UnreachableError
from connectors.crm.secrets import Secrets
from features.common.errors import CrmError
from tests.connectors.crm.crms import FUNNEL, Site
from tests.connectors.crm.server import Call, Fake, Fault, Reply, route, routed, serving

TOKEN = "tok/en+0815"


def test_a_storm_of_429_is_sat_out(hubspot: Site) -> None:
    """Every second call is refused, for as long as the run lasts."""
    storm = Fault("429", "", at=tuple(range(2, 2_000, 2)))
    hubspot.fake.faults.append(storm)
    connector = hubspot.open()
    sync.run(connector, hubspot.config.source, FUNNEL)  # type: ignore[arg-type]
    assert storm.struck > 20
    assert connector.http.retries == storm.struck
    assert len(hubspot.dataset.leads) == 60


@routed
@dataclass
class Vendor(Fake):
    """Answers with what is put into it."""

    reply: Reply = (200, {"results": []}, {})

    @route("GET", r"/.*")
    def get(self, _call: Call) -> Reply:
        return self.reply

    @route("POST", r"/.*")
    def post(self, _call: Call) -> Reply:
        return self.reply


@pytest.fixture
def vendor() -> Iterator[tuple[Vendor, Http]]:
    fake = Vendor()
    with serving(fake) as url:
        http = Http(url, "Vendor", FixedToken("x-token", TOKEN), Secrets({"T": TOKEN}), sleep=lambda _: None)
        http.secrets.learn(TOKEN)
        yield fake, http
        http.close()


def test_a_part_that_is_missing_is_named(vendor: tuple[Vendor, Http]) -> None:
    """An answer of another version of the API: a sentence, not a KeyError."""
    fake, http = vendor
    fake.reply = (200, {"rows": []}, {})
    with pytest.raises(CrmError, match=r"answer to /things has no 'results'.*\n.*API version"):
        http.get("/things", {"q": "jane@example.com"}).body["results"]


def test_a_date_that_is_none_is_borne(vendor: tuple[Vendor, Http], monkeypatch: pytest.MonkeyPatch) -> None:
    fake, http = vendor
    monkeypatch.setattr("email.utils.formatdate", lambda *_, **__: "yesterday at tea")
    assert http.get("/things").body == {"results": []}
    assert http.skew == 0.0
    fake.reply = (429, {}, {"Retry-After": "soon"})
    with pytest.raises(UnreachableError, match="after 8 attempts: HTTP 429"):
        http.get("/things")


def test_the_vendors_clock_never_goes_back(vendor: tuple[Vendor, Http]) -> None:
    """It is told in whole seconds: who was deleted after a run began looked as if that had been before it."""
    fake, http = vendor
    fake.skew, times = 3_600.0, []
    for _ in range(5):
        http.get("/things")
        times.append(http.now())
        time.sleep(0.3)
        times.append(http.now())
    assert times == sorted(times)
    assert abs(http.now() - fake.now()) < 1.1


def test_a_netrc_gives_no_other_credentials(
    vendor: tuple[Vendor, Http], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`requests` would put them in place of ours without a word."""
    fake, http = vendor
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter22\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    http.auth = FixedToken("authorization", f"Bearer {TOKEN}")
    http.get("/things")
    assert fake.calls[-1].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("way", ["call", "download"])
def test_our_token_goes_to_no_other_host(vendor: tuple[Vendor, Http], way: str) -> None:
    """Neither by a redirect nor by an address for the next page."""
    fake, http = vendor
    other = Vendor()
    with serving(other) as elsewhere:
        fake.reply = (302, {}, {"Location": f"{elsewhere}/things"})
        with pytest.raises(RefusedError, match="HTTP 302"):
            http.get("/things") if way == "call" else http.download("/things", io.BytesIO())
        with pytest.raises(CrmError, match="sent us on to"):
            http.get(f"{elsewhere}/things?page=2")
        assert other.calls == []


@pytest.mark.parametrize("kind", ["text/html", "text/csv"])
def test_a_page_in_place_of_a_file_is_no_file(vendor: tuple[Vendor, Http], kind: str) -> None:
    """A proxy's log-in page, whatever it calls itself."""
    fake, http = vendor
    fake.reply = (200, "\n<!doctype html><html>Log in</html>", {"Content-Type": kind})
    with pytest.raises(UnreachableError, match="HTML came in place of text"):
        http.get("/results", text=True)


def test_html_is_not_downloaded(vendor: tuple[Vendor, Http]) -> None:
    fake, http = vendor
    fake.reply = (200, "<html>Log in</html>", {"Content-Type": "text/html"})
    to = io.BytesIO()
    with pytest.raises(UnreachableError, match="HTML came in place of"):
        http.download("/file", to)
    assert to.getvalue() == b""


def test_what_would_be_done_twice_is_asked_once(vendor: tuple[Vendor, Http]) -> None:
    """After an answer that was lost nobody knows whether it was done; after a 429 it was not."""
    fake, http = vendor
    fake.faults = [Fault("429", "", at=(1,)), Fault("503", "", at=(1,))]
    with pytest.raises(UnreachableError, match="after one attempt"):
        http.post("/fields", {}, repeat=False)
    assert len(fake.calls) == 2


def test_a_pause_of_a_day_is_not_slept(vendor: tuple[Vendor, Http]) -> None:
    fake, http = vendor
    fake.reply = (429, {}, {"Retry-After": "86400"})
    for ask in (lambda: http.get("/x"), lambda: http.download("/x", io.BytesIO())):
        with pytest.raises(SpentError, match="asks for a pause of 86,400 s"):
            ask()


def test_a_secret_is_hidden_as_addresses_have_it_too(vendor: tuple[Vendor, Http]) -> None:
    """An error that repeats the address it was called with."""
    fake, http = vendor
    fake.reply = (400, {"message": f"bad tok%2Fen%2B0815, bad {TOKEN}, of jane.doe@example.com/x"}, {})
    with pytest.raises(RefusedError) as caught:
        http.get("/x")
    said = str(caught.value)
    assert "0815" not in said
    assert "jane" not in said


def test_no_log_has_the_address_of_a_call(vendor: tuple[Vendor, Http], caplog: pytest.LogCaptureFixture) -> None:
    """Marketo wants the client's secret in one; urllib3 writes addresses at DEBUG."""
    _, http = vendor
    with caplog.at_level(logging.DEBUG):
        http.get("/identity/oauth/token", {"client_secret": "s3cret-value"})
    assert "s3cret-value" not in caplog.text
