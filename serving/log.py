"""One line of JSON per request, a request id in every answer, and headers that keep browsers from doing more than shown.

The line says which key asked for what and how it went: route, status, time. No path, no body, no lead: what is not written
need not be erased.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Callable
from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.errors import ConfigError
from serving.guard import Clock

ORIGINS_VARIABLE = "RIPELINE_ORIGINS"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
USUAL_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


def printed(line: str) -> None:
    """To standard output at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Logged:
    """An application whose every answer has an id and safe headers, and every request a line."""

    def __init__(self, app: ASGIApp, clock: Clock, write: Callable[[str], None] = printed) -> None:
        self.app, self.clock, self.write = app, clock, write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        # an id of somebody else's making is taken over only where it can do no harm in a log
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope["ripeline_request_id"] = request_id
        begun, status = perf_counter(), 500

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in USUAL_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, marked)
        finally:
            line = {
                "at": self.clock().isoformat(timespec="milliseconds"),
                "event": "request",
                "request_id": request_id,
                "key": scope.get("ripeline_key"),
                "method": scope["method"] if scope["method"].isalpha() else "other",
                "route": scope.get("ripeline_route", "none"),
                "status": status,
                "ms": round((perf_counter() - begun) * 1000, 2),
                "leads": scope.get("ripeline_leads"),
            }
            self.write(json.dumps({name: value for name, value in line.items() if value is not None}))


def origins(text: str) -> list[str]:
    """The web pages elsewhere that may ask from a browser, as `RIPELINE_ORIGINS` lists them.

    Raises
    ------
    ConfigError
        for anything but whole origins: a star would let in every page that somebody has open.
    """
    found = [part.strip().rstrip("/") for part in text.split(",") if part.strip()]
    for origin in found:
        if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d+)?|http://(localhost|127\.0\.0\.1)(:\d+)?", origin):
            raise ConfigError(
                f"{ORIGINS_VARIABLE}: {origin!r} is no origin.", "Write whole ones, such as https://crm.example.com, no star."
            )
    return found


def shared(app: ASGIApp, allowed: list[str]) -> ASGIApp:
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
