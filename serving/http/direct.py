"""The routes that applications call all day, without what routing, request and response objects cost on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http.errors import RefusedError, refuse

MOST_BYTES = 64 * 2**20
INLINE_BYTES = 16_000  # read without leaving the event loop: handing so little over to a thread costs more than it saves

DirectAnswer = Callable[[Scope, Receive], Awaitable[tuple[bytes, BackgroundTask | None]]]


class Direct:
    """An application of which POST to the paths of `routes` is answered here: by what stands beside, as the route would."""

    def __init__(
        self, app: ASGIApp, routes: Sequence[tuple[Route, DirectAnswer]], refused: Callable[[RefusedError], ASGIApp]
    ) -> None:
        self.app, self.refused = app, refused
        self.routes = {route.path: (route, answer) for route, answer in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self.routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if direct is None or scope.get("root_path"):
            await self.app(scope, receive, send)
            return
        route, answer = direct
        scope["route"], scope["endpoint"] = route, route.endpoint
        try:
            text, background = await answer(scope, receive)
        except RefusedError as error:
            await self.refused(error)(scope, receive, send)
            return
        headers = [(b"content-length", str(len(text)).encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})
        if background is not None:
            await background()


async def whole_body(scope: Scope, receive: Receive) -> bytes:
    """The body of a request.

    Raises
    ------
    RefusedError
        when it is larger than `MOST_BYTES`, if it says so before it is sent.
    """
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    parts: list[bytes] = []
    size = int(length) if length.isdigit() else 0
    if size <= MOST_BYTES:
        size, more_body = 0, True
        while more_body and size <= MOST_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            more_body = message.get("more_body", False)
    if size > MOST_BYTES:
        raise refuse(413, "Too large", f"A body may have {MOST_BYTES // 2**20} MiB: send several requests.")
    return parts[0] if len(parts) == 1 else b"".join(parts)
