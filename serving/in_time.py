"""Who begins a request must send all of it soon: a connection that says a byte now and then would be kept for nothing."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import RefusedError, refuse

SECONDS = 60.0


class InTime:
    """An application to which a body must have come within so many seconds."""

    def __init__(self, app: ASGIApp, seconds: float = SECONDS) -> None:
        self.app, self.seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  the server runs every request in one
        late = waiting = whole = False

        def end() -> None:
            nonlocal late
            late = True
            if waiting:
                task.cancel()

        def ended() -> bool:
            return late

        # as `asyncio.timeout`, which takes longer than all else that stands around an application
        timer = asyncio.get_running_loop().call_later(self.seconds, end)

        async def soon() -> Message:
            nonlocal waiting, whole
            if whole:
                return await receive()
            if ended():
                raise self._late()
            waiting = True
            try:
                message = await receive()
            except asyncio.CancelledError:
                if not ended() or task.uncancel():
                    raise
                raise self._late() from None
            finally:
                waiting = False
            if not message.get("more_body", False):
                whole = True
                timer.cancel()
            return message

        try:
            await self.app(scope, soon, send)
        finally:
            timer.cancel()

    def _late(self) -> RefusedError:
        return refuse(408, "Too slow", f"The body had not come after {self.seconds:g} s.")
