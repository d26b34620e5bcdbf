"""Tokens of an issuer: a real one on loopback that signs, changes its keys and goes away; and all that is no token of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from features.common.errors import ConfigError
from serving.access.api_keys import KeyRing, add
from serving.access.jwt_tokens import (
    CACHE_SECONDS,
    MAX_CACHED_TOKENS,
    REFRESH_SECONDS,
    RETRY_SECONDS,
    JwtVerifier,
    Trust,
    read_trust,
)
from serving.access.middleware import AuthMiddleware
from serving.api.app import create_app
from serving.common.settings import ServingSettings
from serving.schemas.score import EXAMPLE
from serving.scoring.scorer import Scorer
from tests.serving.access.issuers import RSA, public
from tests.tiny import tiny_model

NOW = datetime(2026, 7, 1, tzinfo=UTC)


MOMENT = int(NOW.timestamp())


EC = ec.generate_private_key(ec.SECP256R1())


class Loopback:
    """An issuer as others see it: a key set at a URL."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [public(RSA["first"], "first", alg="RS256", use="sig"), public(EC, "ec")]
        self.status, self.asked = 200, 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps({"keys": issuer.keys}).encode()
                self.send_response(issuer.status)
                if issuer.status == 302:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_said: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/keys"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    one = Loopback()
    yield one
    one.close()


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def claims(**changes: Any) -> dict[str, Any]:
    found = {"iss": "https://id.example", "aud": "ripeline", "sub": "anna@example.com", "exp": MOMENT + 300, "scope": "score"}
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


def signed(key: Any = RSA["first"], kid: str | None = "first", algorithm: str = "RS256", **changes: Any) -> str:
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims(**changes), key, algorithm, headers=headers)


def told(place: str, **more: Any) -> Trust:
    return Trust("https://id.example", "ripeline", place, **more)


@pytest.fixture
def issuer(loopback: Loopback) -> JwtVerifier:
    one = JwtVerifier(told(loopback.url), ticks=Ticks())
    one.refresh()
    return one


def test_a_token_is_as_good_as_a_key(issuer: JwtVerifier) -> None:
    for token in (signed(), signed(EC, "ec", "ES256"), signed(aud=["other", "ripeline"])):
        key = issuer.find(token, NOW)
        assert key is not None
        assert key.scopes == {"score"}
        assert key.id.startswith("jwt-")
        assert "anna" not in repr(key), "a subject may be an address, and ids stand in logs"


def raw(header: dict[str, Any], payload: dict[str, Any], key: bytes | None = None) -> str:
    """A token as no library would make it."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload)]
    text = b".".join(parts)
    mark = hmac.new(key, text, hashlib.sha256).digest() if key else b""
    return (text + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()


def pem() -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    return RSA["first"].public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)


FORGED = {
    "signed by a stranger": signed(RSA["stranger"]),
    "by a stranger who names another key": signed(RSA["stranger"], "ec"),
    "ended": signed(exp=MOMENT - 31),
    "not yet begun": signed(nbf=MOMENT + 31),
    "without end": signed(exp=None),
    "an end in words": raw({"alg": "RS256", "kid": "first"}, claims(exp="9999999999")),
    "an endless end": signed(exp=1e300),
    "for others": signed(aud="other"),
    "for nobody": signed(aud=None),
    "of another issuer": signed(iss="https://evil.example"),
    "of an issuer with more behind it": signed(iss="https://id.example/"),
    "of no issuer": signed(iss=None),
    "not signed": raw({"alg": "none", "kid": "first"}, claims()),
    "not signed, in another case": raw({"alg": "nOnE", "kid": "first"}, claims()),
    "the public key as a secret": raw({"alg": "HS256", "kid": "first"}, claims(), pem()),
    "an algorithm not on the list": signed(algorithm="PS256"),
    "a key of another kind": signed(kid="ec"),
    "a key in the token": jwt.encode(claims(), RSA["stranger"], "RS256", headers={"jwk": public(RSA["stranger"], "first")}),
    "a place of keys in the token": jwt.encode(
        claims(), RSA["stranger"], "RS256", headers={"kid": "first", "jku": "http://127.0.0.1:1/keys"}
    ),
    "an extension that must be understood": jwt.encode(
        claims(), RSA["first"], "RS256", headers={"kid": "first", "crit": ["x"]}
    ),
    "a path as key id": signed(RSA["stranger"], "../../../../dev/null"),
    "a query as key id": signed(RSA["stranger"], "' UNION SELECT 'x"),
    "a list as key id": raw({"alg": "RS256", "kid": ["first"]}, claims()),
    "no key id, and several keys": signed(kid=None),
    "its last letter changed": signed()[:-4] + "AAAA",
    "cut": signed().rpartition(".")[0],
    "too long": signed(filler="x" * 10_000),
    "no token": "a.b.c",
    "nothing": "",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_what_is_no_token_of_the_issuer_lets_nobody_in(issuer: JwtVerifier, token: str) -> None:
    assert issuer.find(token, NOW) is None
    assert issuer.find(token, NOW) is None, "nor the second time"


def test_clocks_may_differ_a_little(issuer: JwtVerifier) -> None:
    assert issuer.find(signed(exp=MOMENT - 29), NOW) is not None
    assert issuer.find(signed(nbf=MOMENT + 29), NOW) is not None


def test_a_token_ends_while_it_is_remembered(issuer: JwtVerifier) -> None:
    token = signed(exp=MOMENT + 10)
    assert issuer.find(token, NOW) is not None
    later = datetime.fromtimestamp(MOMENT + 41, UTC)
    assert issuer.find(token, later) is None


@pytest.mark.parametrize(
    ("more", "said", "scopes"),
    [
        ({}, {"scope": "openid score write"}, {"score", "write"}),
        ({}, {"scope": ["score", 7, None]}, {"score"}),
        ({}, {"scope": "scoreboard"}, set()),
        ({}, {"scope": {"score": True}}, set()),
        ({"claim": "realm_access.roles"}, {"realm_access": {"roles": ["admin"]}}, {"admin"}),
        ({"claim": "realm_access.roles"}, {"realm_access": "admin"}, set()),
        ({"claim": "https://id.example/roles"}, {"https://id.example/roles": ["write"]}, {"write"}),
        ({"scopes": {"leads.read": "score"}}, {"scope": "leads.read admin"}, {"score"}),
    ],
)
def test_which_words_of_the_issuer_are_which_scopes(
    loopback: Loopback, more: dict[str, Any], said: dict[str, Any], scopes: set[str]
) -> None:
    one = JwtVerifier(told(loopback.url, **more), ticks=Ticks())
    one.refresh()
    key = one.find(signed(**said), NOW)
    assert key is not None
    assert key.scopes == scopes


def client_of(issuer: JwtVerifier | None, ring: KeyRing | None = None) -> TestClient:
    scorer = Scorer(tiny_model())
    guard = AuthMiddleware(create_app(lambda: scorer, lambda: NOW), ring, lambda: NOW, issuer=issuer)
    return TestClient(guard, "https://leads.example", client=("203.0.113.9", 40_000), raise_server_exceptions=False)


def scored(client: TestClient, token: str) -> int:
    return client.post("/v1/score", json=EXAMPLE, headers={"authorization": f"Bearer {token}"}).status_code


def test_at_the_door(issuer: JwtVerifier, tmp_path: Path) -> None:
    """Tokens, and keys beside them; a scope that is missing is said; ten forged ones and the address waits."""
    mine = add(tmp_path / "keys.json", "crm", ["score"])
    client = client_of(issuer, KeyRing(tmp_path / "keys.json"))
    assert [scored(client, token) for token in (signed(), mine, signed(scope="write"))] == [200, 200, 403]
    codes = [scored(client, signed(RSA["stranger"])) for _ in range(12)]
    assert codes == [401] * 10 + [429] * 2
    assert scored(client, signed()) == 200


def test_without_keys_tokens_alone_do(issuer: JwtVerifier) -> None:
    client = client_of(issuer)
    assert scored(client, signed()) == 200
    assert client.post("/v1/score", json=EXAMPLE).status_code == 401
    assert client.get("/login").status_code == 404
    assert client.get("/livez").status_code == 200


def test_a_new_key_is_known_after_one_question(loopback: Loopback) -> None:
    """The first request that names it waits for the issuer; who names one that does not exist cannot make us ask and ask."""
    ticks = Ticks()
    issuer = JwtVerifier(told(loopback.url), ticks=ticks)
    client = client_of(issuer)
    assert scored(client, signed()) == 200
    assert loopback.asked == 1
    loopback.keys = [public(RSA["second"], "second")]
    assert [scored(client, signed(RSA["second"], "second")), loopback.asked] == [401, 1]
    ticks.now += RETRY_SECONDS
    assert [scored(client, signed(RSA["second"], "second")), loopback.asked] == [200, 2]
    assert scored(client, signed()) == 401, "the old one is gone"
    for number in range(5):
        scored(client, signed(RSA["stranger"], f"made up {number}"))
    assert loopback.asked == 2


def test_a_key_taken_back_is_gone_though_its_token_was_remembered(loopback: Loopback) -> None:
    ticks = Ticks()
    issuer = JwtVerifier(told(loopback.url), ticks=ticks)
    issuer.refresh()
    assert issuer.find(signed(), NOW) is not None
    loopback.keys = [public(RSA["second"], "second")]
    ticks.now += REFRESH_SECONDS
    assert issuer.stale()
    assert issuer.refresh()
    assert issuer.find(signed(), NOW) is None


@pytest.mark.parametrize("trouble", ["down", "error", "redirect", "no keys"])
def test_while_the_issuer_is_away_known_keys_go_on(loopback: Loopback, trouble: str) -> None:
    ticks = Ticks()
    issuer = JwtVerifier(told(loopback.url), ticks=ticks)
    issuer.refresh()
    if trouble == "down":
        loopback.server.shutdown()
        loopback.server.server_close()
    elif trouble == "no keys":
        loopback.keys = [{"kty": "oct", "k": "c2VjcmV0", "kid": "first"}]
    else:
        loopback.status = {"error": 500, "redirect": 302}[trouble]
    ticks.now += REFRESH_SECONDS
    issuer.refresh()
    assert "The keys known so far go on." in issuer.trouble
    assert issuer.find(signed(), NOW) is not None


def test_an_issuer_away_from_the_start_lets_nobody_in_and_is_asked_again(loopback: Loopback) -> None:
    ticks = Ticks()
    issuer = JwtVerifier(told(loopback.url), ticks=ticks)
    loopback.status = 503
    client = client_of(issuer)
    assert scored(client, signed()) == 401
    assert "Nobody gets in with a token." in issuer.trouble
    loopback.status = 200
    ticks.now += RETRY_SECONDS
    assert scored(client, signed()) == 200
    assert issuer.trouble == ""


def test_only_so_many_tokens_are_remembered(issuer: JwtVerifier) -> None:
    for number in range(50):
        issuer.find(signed(jti=str(number)), NOW)
    assert len(issuer._token_cache) == 50 <= MAX_CACHED_TOKENS
    assert CACHE_SECONDS <= REFRESH_SECONDS


def test_keys_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [public(RSA["first"], "first")]}))
    issuer = JwtVerifier(told(str(file)), ticks=Ticks())
    issuer.refresh()
    assert issuer.find(signed(kid=None), NOW) is not None, "it has one key, so none need be named"


GOOD = {"RIPELINE_JWT_ISSUER": "https://id.example", "RIPELINE_JWT_AUDIENCE": "a", "RIPELINE_JWT_KEYS": "/keys.json"}


def trust_of(environment: dict[str, str]) -> Trust | None:
    return read_trust(ServingSettings.read(environment))


def test_the_settings() -> None:
    assert trust_of({"PATH": "/bin", "RIPELINE_JWT_ISSUER": ""}) is None
    found = trust_of({**GOOD, "RIPELINE_JWT_SCOPES": "leads.read=score, leads.all=admin", "RIPELINE_JWT_ALGORITHMS": "EdDSA"})
    assert found == Trust(
        "https://id.example", "a", "/keys.json", ("EdDSA",), scopes={"leads.read": "score", "leads.all": "admin"}
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"RIPELINE_JWT_KEYS": ""}, "KEYS is missing"),
        ({"RIPELINE_JWT_AUDIENCE": ""}, "AUDIENCE is missing"),
        ({"RIPELINE_JWT_ALGORITHMS": "RS256,none"}, "Only signatures with a key pair"),
        ({"RIPELINE_JWT_ALGORITHMS": "HS256"}, "Only signatures with a key pair"),
        ({"RIPELINE_JWT_SCOPES": "leads=all"}, "ours are score, write, admin"),
        ({"RIPELINE_JWT_SCOPES": "=admin"}, "Write theirs=ours"),
        ({"RIPELINE_JWT_KEYS": "http://id.example/keys"}, "not safe from being answered by others"),
    ],
)
def test_settings_that_let_in_more_than_meant_are_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trust_of({**GOOD, **changes})
