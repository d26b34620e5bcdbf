"""The key set of an issuer: read from a file or over HTTPS, and only keys that make signatures with a pair."""

from __future__ import annotations

import ipaddress
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jwt

from features.common.errors import ConfigError, RipelineError

Fetch = Callable[[str], bytes]

# algorithm → kind of key, curve, PyJWT's name for reading such a key. No HMAC: with it a public key would be the secret
ALGORITHMS = {
    **{name: ("RSA", "", name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")},
    "ES256": ("EC", "P-256", "ES256"),
    "ES384": ("EC", "P-384", "ES384"),
    "ES512": ("EC", "P-521", "ES512"),
    "EdDSA": ("OKP", "", "EdDSA"),
}
MAX_BYTES = 1 << 20  # bytes of a key set
MAX_KEYS = 100  # keys of one
TIMEOUT_SECONDS = 5.0  # seconds
MIN_RSA_BITS = 2048  # bits


class IssuerError(RipelineError):
    """The issuer does not answer, or not with keys."""

    status = 503


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Keys come from where the settings say, not from where an answer points."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def file_of(location: str) -> Path | None:
    """The file where a key set lies; None where it is asked for over HTTP."""
    if urllib.parse.urlsplit(location).scheme in ("http", "https"):
        return None
    return Path(location.removeprefix("file://"))


def check_location(location: str) -> None:
    """Whether keys may be read there.

    Raises
    ------
    ConfigError
        for a URL that somebody on the way could answer.
    """
    parts = urllib.parse.urlsplit(location)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ConfigError(f"RIPELINE_JWT_KEYS: {location} is not safe from being answered by others.", "Use https://.")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def fetch_key_set(location: str) -> bytes:
    """The text of a key set.

    Raises
    ------
    IssuerError
        if there is no answer, or a too large one.
    """
    check_location(location)
    try:
        file = file_of(location)
        if file is None:
            opener = urllib.request.build_opener(_NoRedirects)
            request = urllib.request.Request(location, headers={"accept": "application/json"})  # noqa: S310  scheme checked above
            with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                text: bytes = answer.read(MAX_BYTES + 1)
        else:
            text = file.read_bytes()
    except (OSError, ValueError) as error:
        raise IssuerError(f"The issuer's keys at {location} cannot be read ({error}).") from error
    if len(text) > MAX_BYTES:
        raise IssuerError(f"The issuer's keys at {location} are larger than {MAX_BYTES:,} bytes.")
    return text


def verifiers(text: bytes, algorithms: Sequence[str]) -> dict[str, jwt.PyJWK]:
    """Key id → key, of those that may be used; others are passed over. One without an id has the id "".

    Raises
    ------
    IssuerError
        if the text is no key set, or none of its keys can be used.
    """
    try:
        key_list = json.loads(text)["keys"][:MAX_KEYS]
        keys = {key.get("kid", ""): read for key in key_list if (read := _read(key, algorithms)) is not None}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IssuerError(f"The issuer's keys are no key set ({type(error).__name__}).") from error
    if not keys:
        raise IssuerError(f"The issuer has no key for {', '.join(algorithms)}.")
    return keys


def _read(jwk: dict[str, Any], algorithms: Sequence[str]) -> jwt.PyJWK | None:
    if not isinstance(jwk.get("kid", ""), str) or jwk.get("use", "sig") != "sig":
        return None
    name: Any = jwk.get("alg") or next((a for a in algorithms if ALGORITHMS[a][0] == jwk.get("kty")), None)
    if name not in algorithms or ALGORITHMS[name][0] != jwk.get("kty"):
        return None
    try:
        key = jwt.PyJWK(jwk, algorithm=ALGORITHMS[name][2])
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    weak = jwk["kty"] == "RSA" and getattr(key.key, "key_size", 0) < MIN_RSA_BITS
    return None if weak else key
