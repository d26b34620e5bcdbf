"""Access log: a line of JSON per request, an id in every answer, and headers that keep browsers from doing more than shown.

The line says which key asked for what and how it went: route, status, time. No path, no body, no lead: what is not written
need not be erased. What nobody foresaw is told by its kind and its places in the code, not by its message, which quotes data.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Sequence
from time import perf_counter

import orjson
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.common.clock import Clock
from serving.common.json_logging import traceback_frames, write_line
from serving.http.errors import problem_response
from serving.schemas.score import Problem

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
_HEADER_PAIRS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
RequestObserver = Callable[[str, str, int, float], None]  # route, method, status, seconds


def known_method(method: str) -> str:
    """A method as it may stand in a line or a series: of one's own making there are endless ones."""
    return method if method in METHODS else "other"


class AccessLogMiddleware:
    """An application whose every answer has an id and safe headers, and every request a line.

    `answered` counts the requests that the application itself never saw, such as those without a key.
    """

    def __init__(
        self, app: ASGIApp, clock: Clock, write: Callable[[str], None] = write_line, answered: RequestObserver | None = None
    ) -> None:
        self.app, self.clock, self.write, self.answered = app, clock, write, answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client_id = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        # an id of somebody else's making is taken over only where it can do no harm in a log
        request_id = client_id if REQUEST_ID.fullmatch(client_id) else secrets.token_hex(8)
        scope["ripeline_request_id"] = request_id
        started_at, status = perf_counter(), 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
                header_names = {name for name, _ in headers}
                message["headers"] = headers + [pair for pair in _HEADER_PAIRS if pair[0] not in header_names]
            await send(message)

        try:
            await self.app(scope, receive, send_marked)
        except ClientDisconnect:
            status = 499
        except Exception as error:
            self._log_failure(request_id, error)
            if not status:
                await _internal_error()(scope, receive, send_marked)
        finally:
            elapsed = perf_counter() - started_at
            if self.answered and "ripeline_route" not in scope:
                self.answered("none", known_method(scope["method"]), status, elapsed)
            line = {
                "at": self.clock().isoformat(timespec="milliseconds"),
                "event": "request",
                "request_id": request_id,
                "key": scope.get("ripeline_key"),
                "method": known_method(scope["method"]),
                "route": scope.get("ripeline_route", "none"),
                "status": status,
                "ms": round(elapsed * 1000, 2),
                "leads": scope.get("ripeline_leads"),
                "trace_id": scope.get("ripeline_trace"),
            }
            self.write(orjson.dumps({name: value for name, value in line.items() if value is not None}).decode())

    def _log_failure(self, request_id: str, error: Exception) -> None:
        line = {
            "at": self.clock().isoformat(timespec="milliseconds"),
            "event": "error",
            "level": "error",
            "request_id": request_id,
            "error": type(error).__name__,
            "where": traceback_frames(error.__traceback__),
        }
        self.write(json.dumps(line))


def _internal_error() -> ASGIApp:
    detail = "The request could not be answered; the log says why."
    return problem_response(Problem(title="Internal error", status=500, detail=detail))


def with_cors(app: ASGIApp, allowed: Sequence[str]) -> ASGIApp:
    """The application for these origins too; as it is where there are none."""
    if not allowed:
        return app
    return CORSMiddleware(
        app,
        allow_origins=allowed,
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["authorization", "content-type", "x-request-id", "if-match", "if-none-match"],
        expose_headers=["x-request-id", "retry-after", "etag"],
        max_age=600,
    )
