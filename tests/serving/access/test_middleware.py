"""The door: who gets in, for what, how often; and what a stranger learns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from serving.access.api_keys import KeyRing, revoke
from serving.access.middleware import ADDRESSES, AuthMiddleware, RateLimiter, client_network, loopback
from serving.schemas.score import EXAMPLE
from tests.serving.access.guarded import House, bearer


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "keys.json")


def test_without_a_key_nobody_scores(house: House) -> None:
    answer = house.client().post("/v1/score", json=EXAMPLE)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "A key is needed" in answer.json()["detail"]


@pytest.mark.parametrize(
    "how", [bearer, lambda token: {"x-api-key": token}, lambda token: {"authorization": f"bearer  {token}"}]
)
def test_with_a_key_it_does(house: House, how: Callable[[str], dict[str, str]]) -> None:
    answer = house.client().post("/v1/score", json=EXAMPLE, headers=how(house.keys["score"]))
    assert answer.json()["results"][0]["status"] == "scored"


def test_what_is_open_and_what_is_not(house: House) -> None:
    client = house.client()
    for path in ("/livez", "/readyz", "/openapi.json", "/docs", "/web/app.js", "/login"):
        assert client.get(path).status_code == 200, path
    for path in (
        "/",
        "/report",
        "/v1/model",
        "/v1/leads",
        "/v1/leads.csv",
        "/v1/leads/L-1",
        "/metrics",
        "/nothing",
        "//livez",
        "/livez/",
    ):
        assert client.get(path).status_code == 401, path
    assert client.post("/v1/hooks/hubspot", content=b"{}").status_code == 404, "signed in a way of their own, when set up"


def test_a_key_does_only_what_it_may(house: House) -> None:
    client = house.client()
    denied = client.post("/v1/score", json=EXAMPLE, headers=bearer(house.keys["write"]))
    assert denied.status_code == 403
    assert "needs the scope 'score'" in denied.json()["detail"]
    assert client.delete("/v1/leads/1", headers=bearer(house.keys["write"])).status_code == 403
    assert client.get("/metrics", headers=bearer(house.keys["write"])).status_code == 200
    assert client.post("/v1/score", json=EXAMPLE, headers=bearer(house.keys["admin"])).status_code == 200


def test_a_revoked_key_is_out_at_once(house: House) -> None:
    client = house.client()
    token = house.keys["score"]
    assert client.get("/v1/model", headers=bearer(token)).status_code == 200
    revoke(house.file, token[3:11])
    answer = client.get("/v1/model", headers=bearer(token))
    assert answer.status_code == 401
    assert "wrong, revoked or has ended" in answer.json()["detail"]


def test_each_key_has_its_own_rate(house: House) -> None:
    client, mine = house.client(), bearer(house.keys["score"])
    codes = [client.get("/v1/model", headers=mine).status_code for _ in range(6)]
    assert codes == [200] * 4 + [429] * 2, "two a second, two seconds' worth at once"
    late = client.get("/v1/model", headers=mine)
    assert late.headers["retry-after"] == "1"
    assert client.get("/v1/model", headers=bearer(house.keys["admin"])).status_code == 200, "others are not slowed"
    house.time.ticks += 0.5
    assert client.get("/v1/model", headers=mine).status_code == 200


def test_guessing_is_slowed_and_does_not_lock_out_who_has_a_key(house: House) -> None:
    client = house.client()
    codes = [client.get("/v1/model", headers=bearer(f"rl_{n:08x}_{'a' * 43}")).status_code for n in range(15)]
    assert codes == [401] * 10 + [429] * 5
    assert client.post("/login", data={"key": "guess"}).status_code == 429
    assert client.get("/v1/model", headers=bearer(house.keys["score"])).status_code == 200
    elsewhere = house.client(address="203.0.113.10")
    assert elsewhere.get("/v1/model", headers=bearer("guess")).status_code == 401
    house.time.ticks += 6
    assert client.get("/v1/model", headers=bearer("guess")).status_code == 401


def test_a_clock_that_jumps_back_stops_nobody(house: House) -> None:
    client, mine = house.client(), bearer(house.keys["score"])
    house.time.ticks = 1_000.0
    assert client.get("/v1/model", headers=mine).status_code == 200
    house.time.ticks = 10.0
    assert client.get("/v1/model", headers=mine).status_code == 200
    house.time.ticks = 11.0
    assert client.get("/v1/model", headers=mine).status_code == 200


def test_only_so_many_addresses_are_remembered() -> None:
    buckets = RateLimiter(max_names=100)
    for n in range(1_000):
        buckets.wait(str(n), 1.0, 1.0, 0.0)
    assert len(buckets._buckets) == 100
    assert ADDRESSES >= 1_000


def test_a_browser_signs_in_and_sees_the_page(house: House) -> None:
    client = house.client()
    sent = client.get("/", headers={"accept": "text/html,*/*"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/login")
    assert 'type="password"' in client.get("/login").text
    wrong = client.post("/login", data={"key": "<script>"})
    assert wrong.status_code == 401
    assert "This key is wrong" in wrong.text
    assert "<script>" not in wrong.text
    signed = client.post("/login", data={"key": house.keys["score"]})
    cookie = signed.headers["set-cookie"]
    assert (signed.status_code, signed.headers["location"]) == (303, "./")
    assert all(mark in cookie for mark in ("HttpOnly", "SameSite=strict", "Secure", "Max-Age=43200"))
    assert house.keys["score"] not in cookie
    assert "<title>Ripeline</title>" in client.get("/").text
    page = {"origin": "https://leads.example"}
    assert client.post("/v1/score", json=EXAMPLE, headers=page).status_code == 200, "the page asks with the browser's pass"
    house.time.now += timedelta(hours=13)
    assert client.post("/v1/score", json=EXAMPLE, headers=page).status_code == 401


SITES: list[tuple[dict[str, str], int]] = [
    ({"origin": "https://leads.example"}, 200),
    ({"sec-fetch-site": "same-origin"}, 200),
    ({"origin": "https://scoring.example.com"}, 200),  # the name that the proxy gives it
    ({}, 403),
    ({"origin": "null"}, 403),
    ({"origin": "https://evil.example"}, 403),
    ({"origin": "https://leads.example.evil.example"}, 403),
    ({"origin": "https://leads.example", "sec-fetch-site": "cross-site"}, 403),
    ({"origin": "https://leads.example", "sec-fetch-site": "same-site"}, 403),  # another name of the same domain
    ({"sec-fetch-site": "none"}, 403),
]


@pytest.mark.parametrize(("headers", "status"), SITES)
def test_with_a_pass_nothing_is_sent_but_from_our_own_page(house: House, headers: dict[str, str], status: int) -> None:
    guard = AuthMiddleware(
        house.app, KeyRing(house.file), house.time.clock, house.time.tick, public="https://scoring.example.com"
    )
    client = house.client(guard)
    client.post("/login", data={"key": house.keys["admin"]})
    assert client.post("/v1/score", json=EXAMPLE, headers=headers).status_code == status
    for send in (client.put, client.delete):
        assert send("/v1/leads/1", headers=headers).status_code in ((404, 405) if status == 200 else (403,))
    assert client.get("/v1/model", headers=headers).status_code == 200, "reading changes nothing"
    mine = {**headers, **bearer(house.keys["admin"])}
    house.time.ticks += 10
    assert client.post("/v1/score", json=EXAMPLE, headers=mine).status_code == 200, "a key no page can send"


def test_nobody_is_signed_in_by_another_page(house: House) -> None:
    """Else a page could have a visitor enter leads under a key of its owner."""
    mine = {"key": house.keys["score"]}
    evil = house.client().post("/login", data=mine, headers={"origin": "https://evil.example"})
    assert (evil.status_code, "set-cookie" in evil.headers) == (403, False)
    assert house.client().post("/login", data=mine, headers={"origin": "https://leads.example"}).status_code == 303
    assert house.client().get("/login").headers["referrer-policy"] == "same-origin", "else browsers say Origin: null"


def test_who_reads_the_hashes_cannot_make_a_pass(house: House) -> None:
    ring, other = KeyRing(house.file), KeyRing(house.file)
    key = ring.find(house.keys["admin"], house.time.now)
    assert key is not None
    told = ring.pass_for(key, house.time.now + timedelta(hours=1))
    assert other.holder(told, house.time.now) is not None, "every worker knows it"
    stolen = house.file.with_name("stolen.json")
    stolen.write_bytes(house.file.read_bytes())
    forged = KeyRing(stolen).pass_for(key, house.time.now + timedelta(hours=1))
    assert ring.holder(forged, house.time.now) is None
    assert house.file.with_suffix(".secret").stat().st_mode & 0o077 == 0


def test_a_secret_of_the_settings_signs_passes_wherever_the_keys_lie(house: House, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere" / "keys.json"
    copy.write_bytes(house.file.read_bytes())
    rings = [KeyRing(file, "s" * 32) for file in (house.file, copy)]
    key = rings[0].find(house.keys["admin"], house.time.now)
    assert key is not None
    browser_pass = rings[0].pass_for(key, house.time.now + timedelta(hours=1))
    assert rings[1].holder(browser_pass, house.time.now) is not None
    assert KeyRing(house.file).holder(browser_pass, house.time.now) is None


def test_without_keys_no_page_elsewhere_writes_here(house: House) -> None:
    """A form may be sent to any address, and the browser of this machine is on this machine."""
    guard = AuthMiddleware(house.app, None, house.time.clock, allowed=["https://crm.example.com"])
    client = house.client(guard, "127.0.0.1", "http://127.0.0.1:3000")
    codes = [
        client.post("/v1/score", json=EXAMPLE, headers={"origin": origin}).status_code
        for origin in ("http://127.0.0.1:3000", "https://crm.example.com", "https://evil.example", "null")
    ]
    assert codes == [200, 200, 403, 403]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("a socket", "a socket"),
    ],
)
def test_a_machine_with_endless_addresses_is_one_guesser(address: str, counted: str) -> None:
    assert client_network(address) == counted


def test_a_long_form_is_no_key(house: House) -> None:
    assert house.client().post("/login", content=b"key=" + b"a" * 1_000_000).status_code == 413
    assert house.client().put("/login").status_code == 405


@pytest.mark.parametrize(
    ("address", "host", "status"),
    [
        ("127.0.0.1", "http://127.0.0.1:3000", 200),
        ("127.0.0.1", "http://localhost:3000", 200),
        ("::1", "http://[::1]:3000", 200),
        ("192.168.1.20", "http://192.168.1.5:3000", 403),
        ("127.0.0.1", "http://rebound.example:3000", 403),  # a page that led a browser here under its own name
        ("127.0.0.1", "http://127.0.0.1.evil.example", 403),
        ("testclient", "http://localhost", 403),
    ],
)
def test_without_keys_only_this_machine_may_ask(house: House, address: str, host: str, status: int) -> None:
    client = house.client(AuthMiddleware(house.app, None, house.time.clock), address, host)
    assert client.post("/v1/score", json=EXAMPLE).status_code == status
    assert client.get("/livez").status_code == 200, "whether it lives may be asked from anywhere"


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("192.168.1.5", False), ("", False), ("leads.example", False)],
)
def test_what_cannot_be_reached_from_elsewhere(host: str, only_here: bool) -> None:
    assert loopback(host) is only_here
