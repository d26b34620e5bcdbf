"""The door: nobody gets in without a key or a token of the issuer, and nobody from elsewhere where there is neither.

Health, the description of the API and the files of the page are open; webhooks are signed in a way of their own. A browser
gives its key once, at /login, and keeps a pass that no script can read. With a pass nothing is sent but from our own page.
"""

from __future__ import annotations

import asyncio
import html
import ipaddress
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from time import monotonic
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.access.api_keys import Key, KeyRing
from serving.access.jwt_tokens import JwtVerifier
from serving.common.clock import Clock
from serving.http.errors import problem_response
from serving.http.route_table import LOGIN_PATH, call_of, required_scope
from serving.schemas.score import Problem

COOKIE = "ripeline"
PASS_HOURS = 12  # that a browser's pass lasts
BURST = 2.0  # seconds' worth of requests that may come at once
MAX_MISSES, MISS_SECONDS = 10, 60.0  # wrong keys of one address in so many seconds: against brute force
ADDRESSES = 10_000  # that are remembered
NETWORK = 64  # bits of an IPv6 address that are one neighbour: the rest each machine chooses for itself
SAFE_METHODS = ("GET", "HEAD")  # methods that change nothing
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
MAX_FORM_BYTES = 4_096  # bytes
LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Ripeline</title><link rel="stylesheet" href="web/app.css"><main><h1>Ripeline</h1>
<form method="post" action="login"><label>API key <input name="key" type="password" autocomplete="current-password" required
autofocus></label> <button>Sign in</button></form><p role="alert">{told}</p></main></html>"""
LOGIN_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


@dataclass
class TokenBucket:
    """A token bucket for rate limits: tokens come back at `rate` a second, at most `capacity`."""

    rate: float
    capacity: float
    tokens: float
    updated_at: float

    def wait(self, now: float) -> float:
        """0 and one token less, or the seconds until there is one."""
        self.tokens = min(self.capacity, self.tokens + max(now - self.updated_at, 0.0) * self.rate)
        self.updated_at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate


class RateLimiter:
    """A bucket for each name, the longest unused forgotten."""

    def __init__(self, max_names: int = ADDRESSES) -> None:
        self.max_names = max_names
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def wait(self, client: str, rate: float, capacity: float, now: float) -> float:
        """As `TokenBucket.wait` for that name."""
        bucket = self._buckets.get(client)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[client] = TokenBucket(rate, capacity, capacity, now)
            if len(self._buckets) > self.max_names:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(client)
        return bucket.wait(now)


class AuthMiddleware:
    """An application behind the door. Where there are neither keys (`ring`) nor an issuer, only this machine may ask.

    `public` is the address under which browsers know this server, where a proxy gives it another name; `allowed` are pages
    elsewhere that may ask (they have no pass, so it matters where there are no keys).
    """

    def __init__(
        self,
        app: ASGIApp,
        ring: KeyRing | None,
        clock: Clock,
        ticks: Callable[[], float] = monotonic,
        *,
        issuer: JwtVerifier | None = None,
        public: str = "",
        allowed: Sequence[str] = (),
    ) -> None:
        self.app, self.ring, self.clock, self.ticks, self.issuer = app, ring, clock, ticks, issuer
        self._public, self._allowed = urlsplit(public).netloc.lower(), frozenset(allowed)
        self._refresh_task: asyncio.Task[bool] | None = None
        self._rates, self._misses = RateLimiter(), RateLimiter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = await self._refusal(scope, receive)
        await (refusal or self.app)(scope, receive, send)

    async def _refusal(self, scope: Scope, receive: Receive) -> Response | None:
        """The answer instead of the application's; None where the request may pass."""
        path = str(scope["path"])
        scope_needed, call = required_scope(scope["method"], path), call_of(scope["method"], path)
        at_door = call is not None and call.at_door
        if call is not None and call.less_to_strangers:
            scope["ripeline_stranger"] = await self._is_anonymous(scope)
        if self.ring is None and self.issuer is None:
            return None if scope_needed is None and not at_door else self._refuse_remote(scope)
        if at_door:
            return await self._login(Request(scope, receive))
        return None if scope_needed is None else await self._authorize(scope, scope_needed)

    async def _authorize(self, scope: Scope, scope_needed: str) -> Response | None:
        """Whose key is it, may it, and how often."""
        headers, now = Headers(scope=scope), self.clock()
        token = _token(headers)
        key = await self._holder(token, now) if token else self._session_key(headers, now)
        if key is None:
            return self._unknown(scope, bool(token), headers)
        scope["ripeline_key"] = key.id
        if scope_needed and not key.allows(scope_needed):
            return _problem(403, "Not allowed", f"This key may not do that; it needs the scope {scope_needed!r}.")
        if not token and scope["method"] not in SAFE_METHODS and not self._is_same_origin(headers, surely=True):
            return _problem(403, "From elsewhere", "A signed-in browser may only ask from Ripeline's own page.")
        wait = self._rates.wait(key.id, key.rate, max(1.0, key.rate * BURST), self.ticks())
        if wait:
            return _wait(f"This key may ask {key.rate:g} times a second.", wait)
        return None

    async def _is_anonymous(self, scope: Scope) -> bool:
        """Whether an open question comes from somebody without a key or, where there are none, from elsewhere."""
        if self.ring is None and self.issuer is None:
            return self._refuse_remote(scope) is not None
        token = _token(Headers(scope=scope))
        return not token or await self._holder(token, self.clock()) is None

    async def _holder(self, token: str, now: datetime) -> Key | None:
        """Of an API key, or of a token of the issuer, who is asked for keys we do not know in a thread and not too often."""
        key = self.ring.find(token, now) if self.ring else None
        if key is not None or self.issuer is None or token.startswith("rl_"):
            return key
        if self.issuer.due() and self.issuer.unknown(token):
            await asyncio.shield(self._refresh_once(self.issuer))
        elif self.issuer.stale():
            self._refresh_once(self.issuer)
        return self.issuer.find(token, now)

    def _refresh_once(self, issuer: JwtVerifier) -> asyncio.Task[bool]:
        """The one request to the issuer that is on its way, for all who wait for it."""
        if (
            self._refresh_task is None
            or self._refresh_task.done()
            or self._refresh_task.get_loop() is not asyncio.get_running_loop()
        ):
            self._refresh_task = asyncio.get_running_loop().create_task(run_in_threadpool(issuer.refresh))
        return self._refresh_task

    def _session_key(self, headers: Headers, now: datetime) -> Key | None:
        return self.ring.holder(_cookie(headers), now) if self.ring else None

    def _is_same_origin(self, headers: Headers, surely: bool = False) -> bool:
        """Whether our own page sent a request (CSRF); where the browser does not say, it is `surely` not.

        Every browser sends `Origin` with what is no GET. `Sec-Fetch-Site` no script can set, but it comes over HTTPS only.
        """
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        origin = headers.get("origin")
        if origin is None:
            return not surely
        return urlsplit(origin).netloc.lower() in {headers.get("host", "").lower(), self._public} - {""}

    def _unknown(self, scope: Scope, has_token: bool, headers: Headers) -> Response:
        if (
            not has_token
            and (call := call_of(scope["method"], scope["path"])) is not None
            and call.page
            and scope["method"] in SAFE_METHODS
            and "text/html" in headers.get("accept", "")
        ):
            return RedirectResponse(f"{scope.get('root_path', '')}{LOGIN_PATH}", 303)
        if has_token and (wait := self._wrong_key_wait(scope)):
            return _wait("Too many wrong keys from this address.", wait)
        detail = "This key is wrong, revoked or has ended." if has_token else "A key is needed: Authorization: Bearer rl_…"
        return _problem(401, "No access", detail, {"www-authenticate": "Bearer"})

    def _wrong_key_wait(self, scope: Scope) -> float:
        """A wrong key was given: seconds to wait where there were too many."""
        client = scope.get("client")
        return self._misses.wait(
            client_network(client[0]) if client else "", MAX_MISSES / MISS_SECONDS, MAX_MISSES, self.ticks()
        )

    async def _login(self, request: Request) -> Response:
        ring = self.ring
        if ring is None:
            return _problem(404, "No sign-in", "There are no API keys; ask with a token of the issuer.")
        if request.method != "POST":
            not_allowed = _problem(405, "Method Not Allowed", "GET or POST.", {"allow": "GET, POST"})
            return _page("") if request.method in SAFE_METHODS else not_allowed
        if not self._is_same_origin(request.headers):
            return _page("Sign in on this page.", 403)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MAX_FORM_BYTES:
                return _page("That is no key.", 413)
        return self._sign_in(request, ring, parse_qs(body.decode("utf-8", "replace")).get("key", [""])[0].strip())

    def _sign_in(self, request: Request, ring: KeyRing, token: str) -> Response:
        now = self.clock()
        key = ring.find(token, now)
        if key is None:
            if wait := self._wrong_key_wait(request.scope):
                return _wait("Too many wrong keys from this address.", wait)
            return _page("This key is wrong, revoked or has ended.", 401)
        answer = RedirectResponse("./", 303)
        browser_pass = ring.pass_for(key, now + timedelta(hours=PASS_HOURS))
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, browser_pass, max_age=PASS_HOURS * 3600, httponly=True, samesite="strict", secure=secure)
        return answer

    def _refuse_remote(self, scope: Scope) -> Response | None:
        """Without keys: is it this machine that asks, and did no web page lead a browser here under another name, or write
        from elsewhere without waiting for what it may see?"""
        client = scope.get("client")
        raw_headers = dict(reversed(list(scope["headers"])))  # of a header that is given twice the first counts
        trusted = scope["method"] in SAFE_METHODS or (b"origin" not in raw_headers and b"sec-fetch-site" not in raw_headers)
        if not trusted:
            headers = Headers(scope=scope)
            trusted = self._is_same_origin(headers) or headers.get("origin") in self._allowed
        if client and loopback(client[0]) and _local(raw_headers.get(b"host", b"")) and trusted:
            return None
        return _problem(403, "No keys", "There are no API keys, so only this machine may ask. Make one: make key NAME=crm.")


def client_network(address: str) -> str:
    """An address as it is counted: an IPv6 one by its network, since its machine has endless ones."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, NETWORK), strict=False))


def _token(headers: Headers) -> str:
    authorization = headers.get("authorization", "")
    return authorization[7:].strip() if authorization[:7].lower() == "bearer " else headers.get("x-api-key", "").strip()


def _cookie(headers: Headers) -> str:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


@lru_cache(1_000)
def _local(host: bytes) -> bool:
    """Whether a Host header names this machine, on any port."""
    return re.sub(r":\d+$", "", host.decode("latin-1").lower()) in LOCAL_HOSTS


@lru_cache(1_000)
def loopback(address: str) -> bool:
    """Whether an address, or the name of this machine, cannot be reached from others."""
    if address.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    answer = problem_response(Problem(title=title, status=status, detail=detail))
    answer.headers.update(headers or {})
    return answer


def _wait(detail: str, seconds: float) -> Response:
    return _problem(429, "Too many requests", detail, {"retry-after": str(max(1, math.ceil(seconds)))})


def _page(message: str, status: int = 200) -> Response:
    text = LOGIN.replace("{told}", html.escape(message))
    # a form of a page that tells nobody where it is says that it comes from nowhere
    extra_headers = {"cache-control": "no-store", "referrer-policy": "same-origin"}
    return HTMLResponse(text, status, headers={"content-security-policy": LOGIN_POLICY, **extra_headers})
