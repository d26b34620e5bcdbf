"""The keys of an issuer: those that are no good are passed over, and they come from nowhere that others could answer for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from features.common.errors import ConfigError
from serving.access.jwks import IssuerError, fetch_key_set, verifiers
from tests.serving.access.issuers import RSA, public

WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505  it is refused


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "1"},
        public(RSA["first"], "1", use="enc"),
        public(RSA["first"], "1", alg="RSA-OAEP"),
        public(WEAK, "1"),
        {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "1"},
        {**public(RSA["first"], "1"), "kid": 7},
    ],
)
def test_a_key_that_is_no_good_is_passed_over(key: dict[str, Any]) -> None:
    text = json.dumps({"keys": [key, public(RSA["first"], "good")]}).encode()
    assert list(verifiers(text, ("RS256",))) == ["good"]
    with pytest.raises(IssuerError, match="has no key for RS256"):
        verifiers(json.dumps({"keys": [key]}).encode(), ("RS256",))


@pytest.mark.parametrize("text", [b"", b"[]", b'{"keys": 7}', b'{"keys": ["x"]}', b"[" * 100_000, b"\xff"])
def test_what_is_no_key_set_is_said(text: bytes) -> None:
    with pytest.raises(IssuerError, match="no key set"):
        verifiers(text, ("RS256",))


def test_keys_are_not_read_where_others_could_answer() -> None:
    with pytest.raises(ConfigError, match="Use https"):
        fetch_key_set("http://id.example/keys")
