"""Bodies that come too slowly (slowloris), or too many bytes at once: both would hold a worker up without asking anything.

And bodies that nobody reads, because the answer is there before them (no key, too busy): what is left of one is read and
dropped, so that the connection can be kept. Who still sends when a connection ends is reset, and may never see the answer.
Who waits to be asked for a body (`Expect: 100-continue`) sends none once refused, and reading would be the asking.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.errors import RefusedError, problem_response, refuse
from serving.http.load_shedding import RETRY_AFTER

PART_SECONDS = 10.0  # from one part of a body to the next
WHOLE_SECONDS, BYTES_A_SECOND = 30.0, 100_000  # for a body, and as much longer as its bytes need at this rate
MOST_BYTES = 192 * 2**20  # of all bodies that are being read or answered
REST_SECONDS, REST_BYTES = 2.0, 2**20  # for what is left of a body that nobody reads


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
        body, started = Body(self, receive), False

        async def send_limited(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                unread = not body.ended and has_body(scope)
                waits = body.size == 0 and _is_asked_for(scope)
                if unread and (status == 408 or waits or not await body.drop_rest()):
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
                if status == 503 and not any(name == b"retry-after" for name, _ in message["headers"]):
                    message["headers"] = [*message["headers"], (b"retry-after", str(RETRY_AFTER).encode())]
            await send(message)

        try:
            await self.app(scope, body.receive, send_limited)
        except RefusedError as error:
            if started:
                raise
            await problem_response(error.problem)(scope, body.receive, send_limited)
        finally:
            self.held_bytes -= body.size


class Body:
    """What has been received of one body, `size` bytes, and whether it has `ended`."""

    def __init__(self, limiter: BodyLimiter, receive: Receive) -> None:
        self._limiter, self._receive = limiter, receive
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.size, self.ended = 0, False

    async def receive(self) -> Message:
        """The next message.

        Raises
        ------
        RefusedError
            if it has not come in time, or there is too much of all bodies.
        """
        if self.ended:  # waits for the client to go away, for as long as that takes
            return await self._receive()
        message = await self._receive_in_time()
        received = len(message.get("body", b""))
        self.ended = not message.get("more_body")
        self.size += received
        self._limiter.held_bytes += received
        if self._limiter.held_bytes > self._limiter.max_bytes:
            raise refuse(503, "Busy", f"Too much is being sent at once: come again in {RETRY_AFTER} s.")
        return message

    async def _receive_in_time(self) -> Message:
        limiter = self._limiter
        until = min(self._loop.time() + limiter.part, self._began + limiter.whole_seconds + self.size / BYTES_A_SECOND)
        try:
            async with asyncio.timeout_at(until):
                return await self._receive()
        except TimeoutError:
            raise refuse(408, "Too slow", "The body did not arrive in time.") from None

    async def drop_rest(self) -> bool:
        """Read what is left and keep nothing of it; whether it was little enough and came soon enough."""
        dropped = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(REST_SECONDS):
                while not self.ended and dropped <= REST_BYTES:
                    message = await self._receive()
                    dropped += len(message.get("body", b""))
                    self.ended = not message.get("more_body")
        return self.ended


def has_body(scope: Scope) -> bool:
    """Whether the head announces a body."""
    return any(n == b"transfer-encoding" or (n == b"content-length" and value != b"0") for n, value in scope["headers"])


def _is_asked_for(scope: Scope) -> bool:
    """Whether the client sends its body only when it is told to (RFC 9110, 10.1.1): a server says so at the first read."""
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in scope["headers"])
