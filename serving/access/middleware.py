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
from serving.access.jwt_tokens import Issuer
from serving.http.errors import problem_response
from serving.schemas.score import Problem

OPEN = frozenset({"/livez", "/readyz", "/openapi.json", "/docs", "/login", "/web/app.css", "/web/app.js", "/web/words.js"})
HOOKS = "/v1/hooks/"
PAGES = frozenset({"/", "/report"})  # where a browser without a key is sent to /login
ASKING = frozenset({"/v1/score", "/v1/what-if"})  # POST, but nothing is changed
COOKIE = "ripeline"
HOURS = 12  # that a browser's pass lasts
BURST = 2.0  # seconds' worth of requests that may come at once
MISSES, WITHIN = 10, 60.0  # wrong keys of one address in so many seconds: against brute force
ADDRESSES = 10_000  # that are remembered
NETWORK = 64  # bits of an IPv6 address that are one neighbour: the rest each machine chooses for itself
SAFE = ("GET", "HEAD")  # methods that change nothing
LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
LONGEST_FORM = 4_096  # bytes
LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Ripeline</title><link rel="stylesheet" href="web/app.css"><main><h1>Ripeline</h1>
<form method="post" action="login"><label>API key <input name="key" type="password" autocomplete="current-password" required
autofocus></label> <button>Sign in</button></form><p role="alert">{told}</p></main></html>"""
LOGIN_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

Clock = Callable[[], datetime]


@dataclass
class Bucket:
    """A token bucket for rate limits: tokens come back at `rate` a second, at most `capacity`."""

    rate: float
    most: float
    left: float
    at: float

    def wait(self, now: float) -> float:
        """0 and one token less, or the seconds until there is one."""
        self.left = min(self.most, self.left + max(now - self.at, 0.0) * self.rate)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) / self.rate


class Buckets:
    """A bucket for each name, the longest unused forgotten."""

    def __init__(self, most: int = ADDRESSES) -> None:
        self.most = most
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def wait(self, name: str, rate: float, most: float, now: float) -> float:
        """As `Bucket.wait` for that name."""
        bucket = self._of.get(name)
        if bucket is None or bucket.rate != rate:
            bucket = self._of[name] = Bucket(rate, most, most, now)
            if len(self._of) > self.most:
                self._of.popitem(last=False)
        self._of.move_to_end(name)
        return bucket.wait(now)


def needed(method: str, path: str) -> str | None:
    """The scope that a request needs: "" for any key, None for none at all."""
    if path in OPEN or path.startswith(HOOKS):
        return None
    if path == "/metrics":
        return ""
    if method in ("GET", "HEAD") or path in ASKING:
        return "score"
    return "admin" if method == "DELETE" else "write"


class Guard:
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
        issuer: Issuer | None = None,
        public: str = "",
        allowed: Sequence[str] = (),
    ) -> None:
        self.app, self.ring, self.clock, self.ticks, self.issuer = app, ring, clock, ticks, issuer
        self._public, self._allowed = urlsplit(public).netloc.lower(), frozenset(allowed)
        self._asking: asyncio.Task[bool] | None = None
        self._rates, self._misses = Buckets(), Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused = await self._refused(scope, receive)
        await (refused or self.app)(scope, receive, send)

    async def _refused(self, scope: Scope, receive: Receive) -> Response | None:
        """The answer instead of the application's; None where the request may pass."""
        path = str(scope["path"])
        scope_needed = needed(scope["method"], path)
        if path == "/readyz":
            scope["ripeline_stranger"] = await self._stranger(scope)
        if self.ring is None and self.issuer is None:
            return None if scope_needed is None and path != "/login" else self._elsewhere(scope)
        if path == "/login":
            return await self._login(Request(scope, receive))
        return None if scope_needed is None else await self._asked(scope, scope_needed)

    async def _asked(self, scope: Scope, scope_needed: str) -> Response | None:
        """Whose key is it, may it, and how often."""
        headers, now = Headers(scope=scope), self.clock()
        token = _token(headers)
        key = await self._holder(token, now) if token else self._passed(headers, now)
        if key is None:
            return self._unknown(scope, bool(token), headers)
        scope["ripeline_key"] = key.id
        if scope_needed and not key.allows(scope_needed):
            return _problem(403, "Not allowed", f"This key may not do that; it needs the scope {scope_needed!r}.")
        if not token and scope["method"] not in SAFE and not self._from_here(headers, surely=True):
            return _problem(403, "From elsewhere", "A signed-in browser may only ask from Ripeline's own page.")
        wait = self._rates.wait(key.id, key.rate, max(1.0, key.rate * BURST), self.ticks())
        if wait:
            return _wait(f"This key may ask {key.rate:g} times a second.", wait)
        return None

    async def _stranger(self, scope: Scope) -> bool:
        """Whether an open question comes from somebody without a key or, where there are none, from elsewhere."""
        if self.ring is None and self.issuer is None:
            return self._elsewhere(scope) is not None
        token = _token(Headers(scope=scope))
        return not token or await self._holder(token, self.clock()) is None

    async def _holder(self, token: str, now: datetime) -> Key | None:
        """Of an API key, or of a token of the issuer, who is asked for keys we do not know in a thread and not too often."""
        key = self.ring.find(token, now) if self.ring else None
        if key is not None or self.issuer is None or token.startswith("rl_"):
            return key
        if self.issuer.due() and self.issuer.unknown(token):
            await asyncio.shield(self._refreshing(self.issuer))
        elif self.issuer.stale():
            self._refreshing(self.issuer)
        return self.issuer.find(token, now)

    def _refreshing(self, issuer: Issuer) -> asyncio.Task[bool]:
        """The one request to the issuer that is on its way, for all who wait for it."""
        if self._asking is None or self._asking.done() or self._asking.get_loop() is not asyncio.get_running_loop():
            self._asking = asyncio.get_running_loop().create_task(run_in_threadpool(issuer.refresh))
        return self._asking

    def _passed(self, headers: Headers, now: datetime) -> Key | None:
        return self.ring.holder(_cookie(headers), now) if self.ring else None

    def _from_here(self, headers: Headers, surely: bool = False) -> bool:
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

    def _unknown(self, scope: Scope, given: bool, headers: Headers) -> Response:
        if not given and scope["path"] in PAGES and scope["method"] in SAFE and "text/html" in headers.get("accept", ""):
            return RedirectResponse(f"{scope.get('root_path', '')}/login", 303)
        if given and (wait := self._missed(scope)):
            return _wait("Too many wrong keys from this address.", wait)
        told = "This key is wrong, revoked or has ended." if given else "A key is needed: Authorization: Bearer rl_…"
        return _problem(401, "No access", told, {"www-authenticate": "Bearer"})

    def _missed(self, scope: Scope) -> float:
        """A wrong key was given: seconds to wait where there were too many."""
        client = scope.get("client")
        return self._misses.wait(neighbour(client[0]) if client else "", MISSES / WITHIN, MISSES, self.ticks())

    async def _login(self, request: Request) -> Response:
        ring = self.ring
        if ring is None:
            return _problem(404, "No sign-in", "There are no API keys; ask with a token of the issuer.")
        if request.method != "POST":
            wrong = _problem(405, "Method Not Allowed", "GET or POST.", {"allow": "GET, POST"})
            return _page("") if request.method in SAFE else wrong
        if not self._from_here(request.headers):
            return _page("Sign in on this page.", 403)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LONGEST_FORM:
                return _page("That is no key.", 413)
        return self._signed_in(request, ring, parse_qs(body.decode("utf-8", "replace")).get("key", [""])[0].strip())

    def _signed_in(self, request: Request, ring: KeyRing, given: str) -> Response:
        now = self.clock()
        key = ring.find(given, now)
        if key is None:
            if wait := self._missed(request.scope):
                return _wait("Too many wrong keys from this address.", wait)
            return _page("This key is wrong, revoked or has ended.", 401)
        answer = RedirectResponse("./", 303)
        told = ring.pass_for(key, now + timedelta(hours=HOURS))
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, told, max_age=HOURS * 3600, httponly=True, samesite="strict", secure=secure)
        return answer

    def _elsewhere(self, scope: Scope) -> Response | None:
        """Without keys: is it this machine that asks, and did no web page lead a browser here under another name, or write
        from elsewhere without waiting for what it may see?"""
        client = scope.get("client")
        given = dict(reversed(list(scope["headers"])))  # of a header that is given twice the first counts
        ours = scope["method"] in SAFE or (b"origin" not in given and b"sec-fetch-site" not in given)
        if not ours:
            headers = Headers(scope=scope)
            ours = self._from_here(headers) or headers.get("origin") in self._allowed
        if client and loopback(client[0]) and _local(given.get(b"host", b"")) and ours:
            return None
        return _problem(403, "No keys", "There are no API keys, so only this machine may ask. Make one: make key NAME=crm.")


def neighbour(address: str) -> str:
    """An address as it is counted: an IPv6 one by its network, since its machine has endless ones."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, NETWORK), strict=False))


def _token(headers: Headers) -> str:
    given = headers.get("authorization", "")
    return given[7:].strip() if given[:7].lower() == "bearer " else headers.get("x-api-key", "").strip()


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


@lru_cache(1_000)
def _local(host: bytes) -> bool:
    """Whether a Host header names this machine, on any port."""
    return re.sub(r":\d+$", "", host.decode("latin-1").lower()) in LOCAL


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


def _page(told: str, status: int = 200) -> Response:
    text = LOGIN.replace("{told}", html.escape(told))
    # a form of a page that tells nobody where it is says that it comes from nowhere
    more = {"cache-control": "no-store", "referrer-policy": "same-origin"}
    return HTMLResponse(text, status, headers={"content-security-policy": LOGIN_POLICY, **more})
