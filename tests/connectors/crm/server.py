"""A loopback server that stands in for a vendor: keeps state, keeps its limits, and fails on demand.

`Fake` subclasses answer calls; this base has what all vendors share: rate limits that are enforced, tokens that end, faults
that are planned, a clock that may be wrong, and a list of the calls made.
"""

from __future__ import annotations

import email.utils
import json
import re
import socket
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

Reply = tuple[int, Any, dict[str, str]]


@dataclass
class Call:
    """A call as it came."""

    method: str
    path: str
    params: dict[str, str]
    body: Any
    headers: Mapping[str, str]
    text: str = ""
    length: int = 0  # of the address


@dataclass
class Fault:
    """What goes wrong: `kind` at the calls `at` (counted from 1 among those whose path matches), or at every one."""

    kind: str
    path: str = ""
    at: tuple[int, ...] = ()
    reply: Reply | None = None
    seen: int = 0
    struck: int = 0


@dataclass
class Fake:
    """The base. `limits`: (calls, seconds) pairs that are enforced."""

    limits: tuple[tuple[int, float], ...] = ()
    faults: list[Fault] = field(default_factory=list)
    skew: float = 0.0
    calls: list[Call] = field(default_factory=list)
    answers: list[tuple[Call, int, Any]] = field(default_factory=list)
    refused: int = 0
    token_calls: int | None = None  # a token ends after so many calls
    keep: bool = True  # remember the calls; not for benchmarks
    longest: int = 100_000  # characters of an address that is answered
    hook: Callable[[Call], None] = lambda call: None
    _recent: deque[float] = field(default_factory=deque)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    routes: ClassVar[list[tuple[str, re.Pattern[str], str]]] = []

    def now(self) -> float:
        """The vendor's clock, seconds since 1970."""
        return time.time() + self.skew

    # what subclasses say
    def limited(self) -> Reply:
        return 429, {"message": "limit"}, {"Retry-After": "0"}

    def unknown(self, call: Call) -> Reply:
        return 404, {"message": f"no {call.method} {call.path}"}, {}

    def authorised(self, call: Call) -> Reply | None:
        return None

    def answer(self, call: Call) -> Reply:
        """The reply to a call that comes through."""
        with self._lock:
            if self.keep:
                self.calls.append(call)
            self.hook(call)
            fault = self._fault(call)
            if fault is not None:
                return fault
            if not self._room():
                self.refused += 1
                return self.limited()
            if call.length > self.longest:
                return 414, "<html><body>URI Too Long</body></html>", {"Content-Type": "text/html"}
            refusal = self.authorised(call)
            if refusal is not None:
                return refusal
            for method, pattern, name in self.routes:
                found = pattern.fullmatch(call.path)
                if method == call.method and found:
                    return getattr(self, name)(call, *found.groups())
            return self.unknown(call)

    def _room(self) -> bool:
        now = time.monotonic()
        longest = max((seconds for _, seconds in self.limits), default=0.0)
        while self._recent and self._recent[0] < now - longest:
            self._recent.popleft()
        for most, seconds in self.limits:
            if sum(1 for at in self._recent if at > now - seconds) >= most:
                return False
        self._recent.append(now)
        return True

    def _fault(self, call: Call) -> Reply | None:
        for fault in self.faults:
            if not re.search(fault.path, call.path):
                continue
            fault.seen += 1
            if fault.at and fault.seen not in fault.at:
                continue
            fault.struck += 1
            if fault.reply is not None:
                return fault.reply
            return {
                "429": (429, {"message": "slow down"}, {"Retry-After": "0"}),
                "500": (500, {"message": "internal"}, {}),
                "503": (503, "<html><body>maintenance</body></html>", {"Content-Type": "text/html"}),
                "html": (200, "<html><body>Log in</body></html>", {"Content-Type": "text/html"}),
                "cut": (-1, None, {}),
                "timeout": (-2, None, {}),
                "401": (401, {"message": "expired"}, {}),
                "403": (403, {"message": "This app hasn't been granted all required scopes"}, {}),
            }[fault.kind]
        return None

    def made(self, path: str = "", method: str = "") -> list[Call]:
        """The calls whose path matches."""
        return [c for c in self.calls if re.search(path, c.path) and (not method or c.method == method)]


def route(method: str, pattern: str) -> Callable[[Any], Any]:
    """Mark a method of a fake as the answer to calls."""

    def mark(function: Any) -> Any:
        function.__dict__.setdefault("routes", []).append((method, pattern))
        return function

    return mark


def routed(kind: type[Fake]) -> type[Fake]:
    """Collect the marked methods of a fake."""
    kind.routes = [
        (method, re.compile(pattern), name)
        for name, function in vars(kind).items()
        for method, pattern in getattr(function, "routes", [])
    ]
    return kind


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    fake: Fake

    def do_GET(self) -> None:
        self._do()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _do(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        split = urlsplit(self.path)
        params = {k: ",".join(v) for k, v in parse_qs(split.query, keep_blank_values=True).items()}
        body: Any = None
        kind = self.headers.get("content-type", "")
        if raw and "json" in kind:
            body = json.loads(raw)
        elif raw and "urlencoded" in kind:
            body = {k: v[0] for k, v in parse_qs(raw.decode()).items()}
        headers = {k.lower(): v for k, v in self.headers.items()}
        call = Call(self.command, split.path, params, body, headers, raw.decode("utf-8", "replace"), len(self.path))
        try:
            status, content, more = self.fake.answer(call)
        except Exception:
            status, content, more = 418, {"fake": traceback.format_exc()}, {}
        if status == -2:
            time.sleep(1.0)
            self.close_connection = True
            return
        if self.fake.keep:
            self.fake.answers.append((call, status, content))
        payload = b"" if content is None else content.encode() if isinstance(content, str) else json.dumps(content).encode()
        if status == -1:  # half an answer, then nothing
            self.send_response_only(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b'{"results": [{"id": "')
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.send_response_only(status)
        self.send_header("Date", email.utils.formatdate(self.fake.now(), usegmt=True))
        self.send_header("Content-Type", more.pop("Content-Type", "application/json"))
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no news."""


@contextmanager
def serving(fake: Fake) -> Iterator[str]:
    """The fake on a port of its own; its address."""
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
