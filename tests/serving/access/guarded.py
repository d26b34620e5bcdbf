"""An application behind its keys, with a clock that the test turns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from starlette.testclient import TestClient
from starlette.types import ASGIApp

from serving.access.api_keys import KeyRing, add
from serving.access.middleware import AuthMiddleware
from serving.api.app import create_app
from serving.logs.access_log import AccessLogMiddleware
from serving.scoring.scorer import Scorer
from tests.tiny import tiny_model


class Time:
    """Clocks that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 7, 1, tzinfo=UTC)
        self.ticks = 0.0

    def clock(self) -> datetime:
        return self.now

    def tick(self) -> float:
        return self.ticks


class House:
    """An application behind its door, with one key of each scope."""

    def __init__(self, file: Path) -> None:
        self.file, self.time, self.lines = file, Time(), list[str]()
        self.keys = {scope: add(file, scope, [scope], rate=2) for scope in ("score", "write", "admin")}
        scorer = Scorer(tiny_model())
        self.app = create_app(lambda: scorer, self.time.clock)
        self.guard = AuthMiddleware(self.app, KeyRing(file), self.time.clock, self.time.tick)

    def client(
        self, app: ASGIApp | None = None, address: str = "203.0.113.9", host: str = "https://leads.example"
    ) -> TestClient:
        whole = AccessLogMiddleware(app or self.guard, self.time.clock, self.lines.append)
        return TestClient(whole, host, client=(address, 40_000), follow_redirects=False, raise_server_exceptions=False)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
