"""Bearer tokens (JWT, RFC 7519) in place of API keys: whose they are, for whom, until when, and what their holder may.

Only signatures with a key pair are taken, and the key comes from the issuer's key set (JWKS, RFC 7517) and nowhere else: what a
token says about where its key lies (`jku`, `jwk`, `x5u`) is not looked at, and its `kid` is a name in a table.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import jwt

from features.common.errors import ConfigError, RipelineError
from serving.access.api_keys import RATE, Key
from serving.access.jwks import ALGORITHMS, Fetch, check_location, fetch_key_set, verifiers
from serving.common.scopes import SCOPES
from serving.common.settings import ISSUER, ServingSettings

RETRY_SECONDS = 30.0  # seconds after which an unknown key makes us ask the issuer once more
REFRESH_SECONDS = 300.0  # seconds after which the keys are asked for anew, so that one the issuer took back is gone here too
MAX_CACHED_TOKENS, CACHE_SECONDS = 10_000, 60.0  # tokens whose signature need not be looked at again, for so many seconds
MAX_TOKEN_LENGTH = 8_192  # characters of a token


@dataclass(frozen=True)
class Trust:
    """Whom we believe. `keys`: where the key set lies, a URL or a file; `scopes`: the issuer's word → ours; `claim`: where
    they stand, with dots for objects in objects; `leeway`: seconds by which clocks may differ."""

    issuer: str
    audience: str
    keys: str
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    claim: str = "scope"
    scopes: Mapping[str, str] | None = None
    leeway: float = 30.0
    rate: float = RATE


def read_trust(settings: ServingSettings) -> Trust | None:
    """The settings `RIPELINE_JWT_…`; None where no issuer is named.

    Raises
    ------
    ConfigError
        for settings that are missing or would let in more than meant.
    """
    needed = {"ISSUER": settings.jwt_issuer, "AUDIENCE": settings.jwt_audience, "KEYS": settings.jwt_keys}
    if not any(settings.source_of(f"jwt_{name}") for name in Trust.__dataclass_fields__):
        return None
    for name, value in needed.items():
        if not value:
            raise ConfigError(f"{ISSUER}{name} is missing.", "An issuer needs ISSUER, AUDIENCE and KEYS.")
    issuer, audience, keys = map(str, needed.values())
    check_location(keys)
    algorithms = tuple(_words(settings.jwt_algorithms))
    if not algorithms or set(algorithms) - ALGORITHMS.keys():
        raise ConfigError(
            f"{ISSUER}ALGORITHMS: {', '.join(algorithms)}.", f"Only signatures with a key pair: {', '.join(ALGORITHMS)}."
        )
    scopes = _scopes(settings.jwt_scopes or "")
    return Trust(issuer, audience, keys, algorithms, settings.jwt_claim, scopes, settings.jwt_leeway, settings.jwt_rate)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _scopes(text: str) -> dict[str, str] | None:
    """`leads.read=score,leads.edit=write` as a table."""
    pairs = dict(pair.rpartition("=")[::2] for pair in _words(text))
    for issuer_scope, scope in pairs.items():
        if not issuer_scope or scope not in SCOPES:
            raise ConfigError(f"{ISSUER}SCOPES: {issuer_scope}={scope}.", f"Write theirs=ours; ours are {', '.join(SCOPES)}.")
    return pairs or None


class JwtVerifier:
    """An issuer whose tokens are good here. `fetch` reads its key set, `ticks` are seconds."""

    def __init__(self, trust: Trust, fetch: Fetch = fetch_key_set, ticks: Callable[[], float] = monotonic) -> None:
        self.trust, self._fetch, self._ticks = trust, fetch, ticks
        self._keys: dict[str, jwt.PyJWK] = {}
        self._requested_at: float | None = None
        self._refresh_lock = threading.Lock()
        self._token_cache: OrderedDict[bytes, tuple[float, float, float, Key]] = OrderedDict()
        self.trouble = ""

    def refresh(self) -> bool:
        """Ask for the key set, one at a time and not again within `RETRY_SECONDS`; whether it was asked. Waits for the answer.

        Keys that are known stay while the issuer does not answer.
        """
        with self._refresh_lock:
            if not self.due():
                return False
            self._requested_at = self._ticks()
            try:
                self._keys = verifiers(self._fetch(self.trust.keys), self.trust.algorithms)
                self.trouble = ""
                self._token_cache.clear()
            except RipelineError as error:
                consequence = "The keys known so far go on." if self._keys else "Nobody gets in with a token."
                self.trouble = f"{error.fact} {consequence}"
            return True

    def due(self, interval: float = RETRY_SECONDS) -> bool:
        """Whether the key set was not asked for within so many seconds."""
        return self._requested_at is None or self._ticks() - self._requested_at >= interval

    def stale(self) -> bool:
        """Whether it is to be asked for anew though nobody waits for it."""
        return self.due(RETRY_SECONDS if self.trouble else REFRESH_SECONDS)

    def unknown(self, token: str) -> bool:
        """Whether a token names a key that we do not know: the issuer may have changed its keys."""
        return len(token) <= MAX_TOKEN_LENGTH and (header := _header(token)) is not None and self._verifier(header) is None

    def find(self, token: str, now: datetime) -> Key | None:
        """Who holds a token and what the holder may, as if it were an API key; None where it is not to be believed."""
        if not token or len(token) > MAX_TOKEN_LENGTH:
            return None
        mark, moment, ticks = hashlib.sha256(token.encode("utf-8", "replace")).digest(), now.timestamp(), self._ticks()
        cached = self._token_cache.get(mark)
        if cached and ticks < cached[0]:
            return cached[3] if cached[1] <= moment < cached[2] else None
        verified = self._verify(token, moment)
        if verified is None:
            return None
        self._token_cache[mark] = (ticks + CACHE_SECONDS, *verified)
        if len(self._token_cache) > MAX_CACHED_TOKENS:
            self._token_cache.popitem(last=False)
        return verified[2]

    def _verify(self, token: str, moment: float) -> tuple[float, float, Key] | None:
        """From when, until when, and who."""
        header = _header(token)
        verifier = self._verifier(header) if header else None
        if header is None or verifier is None:
            return None
        try:
            claims = jwt.decode(
                token,
                verifier.key,
                algorithms=[header["alg"]],  # on the list of `Trust`, and that of this key: _verifier has looked
                audience=self.trust.audience,
                issuer=self.trust.issuer,
                # moments are compared below, with the clock of this server and as numbers that they must be
                options={"require": ["exp", "iss", "aud"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        begin, end = _moment(claims.get("nbf", 0)), _moment(claims["exp"])
        if begin is None or end is None:
            return None
        begin, end = begin - self.trust.leeway, end + self.trust.leeway
        return (begin, end, self._holder(claims)) if begin <= moment < end else None

    def _verifier(self, header: Mapping[str, Any]) -> jwt.PyJWK | None:
        """The key that a token must be signed with; one without `kid` where the issuer has a single one."""
        name, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in self.trust.algorithms:
            return None
        if name is None:
            key = next(iter(self._keys.values())) if len(self._keys) == 1 else None
        else:
            key = self._keys.get(name) if isinstance(name, str) else None
        return key if key is not None and algorithm in ALGORITHMS and _matches_algorithm(key, algorithm) else None

    def _holder(self, claims: Mapping[str, Any]) -> Key:
        """As a key. Its id is a hash: a subject may be somebody's address, and ids stand in logs."""
        subject = claims.get("sub") or claims.get("client_id") or claims.get("azp") or ""
        mark = hashlib.sha256(f"{self.trust.issuer}\n{subject}".encode("utf-8", "replace")).hexdigest()[:16]
        return Key(f"jwt-{mark}", "token", self._granted_scopes(claims), "", self.trust.rate)

    def _granted_scopes(self, claims: Mapping[str, Any]) -> frozenset[str]:
        value: Any = claims
        for part in [self.trust.claim] if self.trust.claim in claims else self.trust.claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        words = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
        table = self.trust.scopes or {scope: scope for scope in SCOPES}
        return frozenset(table[word] for word in words if isinstance(word, str) and word in table)


def _header(token: str) -> dict[str, Any] | None:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None
    # an extension that must be understood is none that we understand
    return None if "crit" in header or "b64" in header else header


def _matches_algorithm(key: jwt.PyJWK, algorithm: str) -> bool:
    """Whether this key makes signatures of this kind: the token does not choose how its key is used."""
    kind, curve, _ = ALGORITHMS[algorithm]
    jwk = key._jwk_data
    return jwk.get("kty") == kind and jwk.get("alg", algorithm) == algorithm and curve in ("", jwk.get("crv"))


def _moment(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        return None
    return float(value)
