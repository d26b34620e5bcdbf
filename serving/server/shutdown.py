"""Graceful shutdown: at SIGTERM `/readyz` says so first, so that no new requests are sent here; then the server stops.

Requests that run are finished in either time. Who asks anew once it stops is told to ask again, on a connection that ends: the
supervisor holds the listening socket until its workers are gone, so a connection that nobody takes in any more would wait
without an answer. A second signal hurries nothing; SIGKILL does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from time import monotonic, sleep
from types import FrameType

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.common.settings import LAST_SECONDS
from serving.http.errors import problem_response
from serving.http.load_shedding import RETRY_AFTER
from serving.schemas.score import Problem

QUIET_SECONDS = 0.02  # without a request after which there are none
PARENT_SECONDS = 1.0  # between two looks whether the supervisor is there
CHECK_SECONDS = 0.05  # between two looks whether requests still run


class GracefulShutdown:
    """Whether this process is on its way out, and what it still has to answer. One per worker."""

    def __init__(self) -> None:
        self.started = self.stopping = False
        self._running = 0
        self._answered_at = -QUIET_SECONDS

    def answering(self) -> bool:
        """Whether a request is answered now, or was a moment ago: who asks one question after the other has not gone."""
        return self._running > 0 or monotonic() - self._answered_at < QUIET_SECONDS

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application, whose running requests are waited for, and which takes no new ones while the process stops."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            self._running += 1
            try:
                await (_stopping() if self.stopping else app)(scope, receive, send)
            finally:
                self._running -= 1
                self._answered_at = monotonic()

        return answer

    def at_signal(self, wait: float, stop: float, report: Callable[[str], None] = lambda _text: None) -> bool:
        """From now on SIGTERM means `wait` seconds of not being ready, then what runs is finished within `stop` seconds, then
        what the signal meant before; whether that could be set.

        To be called on the running loop of the main thread, after the server has set its own.
        """
        previous_handler = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or not callable(previous_handler):
            return False
        loop = asyncio.get_running_loop()

        async def finish(number: int, frame: FrameType | None) -> None:
            report(f"Going away: not ready from now on, stopping in {wait:g} s.")
            await asyncio.sleep(wait)
            self.stopping = True
            until = loop.time() + stop - LAST_SECONDS
            while self._running and loop.time() < until:
                await asyncio.sleep(CHECK_SECONDS)
            previous_handler(number, frame)

        def handle_signal(number: int, frame: FrameType | None) -> None:
            if not self.started:
                self.started = True
                asyncio.run_coroutine_threadsafe(finish(number, frame), loop)

        signal.signal(signal.SIGTERM, handle_signal)
        return True


def end_with_parent(every: float = PARENT_SECONDS) -> None:
    """From now on this process is told to stop, by SIGTERM, once the one that started it is gone: a worker whose supervisor was
    killed outright would hold the port, and write into the store beside the next server, for ever."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            sleep(every)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="ripeline-parent", daemon=True).start()


def _stopping() -> ASGIApp:
    answer = problem_response(Problem(title="Going away", status=503, detail="This server is stopping: ask again."))
    answer.headers["connection"], answer.headers["retry-after"] = "close", str(RETRY_AFTER)
    return answer
