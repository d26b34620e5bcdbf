"""Bodies that come too slowly (slowloris), or too many bytes at once: both would hold a worker up without asking anything."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.errors import RefusedError, problem_response, refuse
from serving.http.load_shedding import RETRY_AFTER

PART_SECONDS = 10.0  # from one part of a body to the next
WHOLE_SECONDS, BYTES_A_SECOND = 30.0, 100_000  # for a body, and as much longer as its bytes need at this rate
MOST_BYTES = 192 * 2**20  # of all bodies that are being read or answered


class BodyLimiter:
    """An application whose requests arrive in time and do not fill the memory. One per worker."""

    def __init__(
        self, app: ASGIApp, max_bytes: int = MOST_BYTES, part: float = PART_SECONDS, whole_seconds: float = WHOLE_SECONDS
    ) -> None:
        self.app, self.max_bytes, self.part, self.whole_seconds = app, max_bytes, part, whole_seconds
        self.held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        started_at, size, more_body, started = loop.time(), 0, True, False

        async def receive_limited() -> Message:
            nonlocal size, more_body
            if not more_body:  # waits for the client to go away, for as long as that takes
                return await receive()
            message = await _receive_before(
                min(loop.time() + self.part, started_at + self.whole_seconds + size / BYTES_A_SECOND), receive
            )
            more_body = bool(message.get("more_body"))
            received = len(message.get("body", b""))
            size += received
            self.held_bytes += received
            if self.held_bytes > self.max_bytes:
                raise refuse(503, "Busy", f"Too much is being sent at once: come again in {RETRY_AFTER} s.")
            return message

        async def send_limited(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if more_body and message["status"] in (408, 413, 503):  # the rest of the body is not waited for
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
                if message["status"] == 503 and not any(name == b"retry-after" for name, _ in message["headers"]):
                    message["headers"] = [*message["headers"], (b"retry-after", str(RETRY_AFTER).encode())]
            await send(message)

        try:
            await self.app(scope, receive_limited, send_limited)
        except RefusedError as error:
            if started:
                raise
            await problem_response(error.problem)(scope, receive, send_limited)
        finally:
            self.held_bytes -= size


async def _receive_before(moment: float, receive: Receive) -> Message:
    """The next message. As `asyncio.timeout_at`, which takes longer than all else that stands around an application.

    Raises
    ------
    RefusedError
        if it has not come by that moment of the loop.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  the server runs every request in one
    timed_out = False

    def end() -> None:
        nonlocal timed_out
        timed_out = True
        task.cancel()

    timer = asyncio.get_running_loop().call_at(moment, end)
    try:
        return await receive()
    except asyncio.CancelledError:
        if not timed_out or task.uncancel():
            raise
        raise refuse(408, "Too slow", "The body did not arrive in time.") from None
    finally:
        timer.cancel()
