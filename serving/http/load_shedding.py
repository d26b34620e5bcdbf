"""Load shedding (back-pressure): who would wait too long is told at once to come again, so that the others are answered soon.

A worker answers small requests one after the other on its event loop. How long the loop has not come round says how much
waits before it; beyond `MOST_LAG` new questions get 503 in a fraction of the time an answer takes. Large requests work in
threads; more than `MOST_LARGE` of them at a time are turned away likewise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http.errors import RefusedError, problem_response
from serving.http.route_table import is_probe
from serving.schemas.score import Problem

BEAT = 0.02  # seconds between two marks of the loop
MOST_LAG = 0.25  # seconds
MOST_LARGE = 8  # requests at a time
RETRY_AFTER = 1  # seconds after which to come again


def _busy() -> Problem:
    return Problem(title="Busy", status=503, detail=f"More is asked than can be answered: come again in {RETRY_AFTER} s.")


class BusyError(RefusedError):
    """Too many large requests at a time."""

    def __init__(self) -> None:
        super().__init__(_busy())


class LoadShedder:
    """How much waits. One per application."""

    def __init__(self) -> None:
        self._last_beat: float | None = None
        self._beats: asyncio.Task[None] | None = None
        self._large = 0

    def lag(self) -> float:
        """Seconds by which the loop is late. The first call on a loop starts its marks."""
        if self._beats is None or self._beats.done() or self._beats.get_loop() is not asyncio.get_running_loop():
            self._last_beat = monotonic()
            self._beats = asyncio.get_running_loop().create_task(self._beat())
        assert self._last_beat is not None  # noqa: S101  set above
        return monotonic() - self._last_beat - BEAT

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            self._last_beat = monotonic()

    @contextmanager
    def large(self) -> Iterator[None]:
        """One of the large requests.

        Raises
        ------
        BusyError
            if there are enough.
        """
        if self._large >= MOST_LARGE:
            raise BusyError
        self._large += 1
        try:
            yield
        finally:
            self._large -= 1


class LoadSheddingMiddleware:
    """An application that turns away what would wait too long."""

    def __init__(self, app: ASGIApp, pressure: LoadShedder) -> None:
        self.app, self.pressure = app, pressure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        overloaded = scope["type"] == "http" and self.pressure.lag() > MOST_LAG and not is_probe(scope)
        await (busy() if overloaded else self.app)(scope, receive, send)


def busy() -> ASGIApp:
    """The answer: 503, and when to come again."""
    answer = problem_response(_busy())
    answer.headers["retry-after"] = str(RETRY_AFTER)
    return answer
