"""Bodies that come too slowly (slowloris), or too many bytes at once: both would hold a worker up without asking anything."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.errors import RefusedError, problem_response, refuse
from serving.http.load_shedding import AFTER

PART_SECONDS = 10.0  # from one part of a body to the next
WHOLE_SECONDS, BYTES_A_SECOND = 30.0, 100_000  # for a body, and as much longer as its bytes need at this rate
MOST_BYTES = 192 * 2**20  # of all bodies that are being read or answered


class Timely:
    """An application whose requests arrive in time and do not fill the memory. One per worker."""

    def __init__(self, app: ASGIApp, most: int = MOST_BYTES, part: float = PART_SECONDS, whole: float = WHOLE_SECONDS) -> None:
        self.app, self.most, self.part, self.whole = app, most, part, whole
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        begun, size, more, started = loop.time(), 0, True, False

        async def timely() -> Message:
            nonlocal size, more
            if not more:  # waits for the client to go away, for as long as that takes
                return await receive()
            message = await _until(min(loop.time() + self.part, begun + self.whole + size / BYTES_A_SECOND), receive)
            more = bool(message.get("more_body"))
            got = len(message.get("body", b""))
            size += got
            self.held += got
            if self.held > self.most:
                raise refuse(503, "Busy", f"Too much is being sent at once: come again in {AFTER} s.")
            return message

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if more and message["status"] in (408, 413, 503):  # the rest of the body is not waited for
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
                if message["status"] == 503 and not any(name == b"retry-after" for name, _ in message["headers"]):
                    message["headers"] = [*message["headers"], (b"retry-after", str(AFTER).encode())]
            await send(message)

        try:
            await self.app(scope, timely, sending)
        except RefusedError as error:
            if started:
                raise
            await problem_response(error.problem)(scope, receive, sending)
        finally:
            self.held -= size


async def _until(moment: float, receive: Receive) -> Message:
    """The next message. As `asyncio.timeout_at`, which takes longer than all else that stands around an application.

    Raises
    ------
    RefusedError
        if it has not come by that moment of the loop.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  the server runs every request in one
    late = False

    def end() -> None:
        nonlocal late
        late = True
        task.cancel()

    timer = asyncio.get_running_loop().call_at(moment, end)
    try:
        return await receive()
    except asyncio.CancelledError:
        if not late or task.uncancel():
            raise
        raise refuse(408, "Too slow", "The body did not arrive in time.") from None
    finally:
        timer.cancel()
