"""Who begins a request must send all of it soon: a connection that says a byte now and then would be kept for nothing."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import refuse

SECONDS = 60.0


class InTime:
    """An application to which a body must have come within so many seconds."""

    def __init__(self, app: ASGIApp, seconds: float = SECONDS) -> None:
        self.app, self.seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        end, whole = asyncio.get_running_loop().time() + self.seconds, False

        async def soon() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(end):
                    message = await receive()
            except TimeoutError as error:
                raise refuse(408, "Too slow", f"The body had not come after {self.seconds:g} s.") from error
            whole = not message.get("more_body", False)
            return message

        await self.app(scope, soon, send)
