"""What a connection may cost before a request has begun: time for its head, bytes of it, and how many there are at once.

uvicorn reads heads of any length for as long as they take: slowloris. What a request may cost after its head is for the
application to limit (serving/http/slow_bodies.py). Why this is not left to uvicorn or a proxy, with numbers: docs/adr/0013.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any, NoReturn, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 32 * 1024  # request line and headers
HEADERS = 100
HEAD_SECONDS = 10.0  # from the first byte of a head, or from the connection
MOST_CONNECTIONS = 2_000  # of one worker; RIPELINE_CONNECTIONS
TOO_LARGE = f"The head of a request may have {HEAD_BYTES // 1024} KiB and {HEADERS} headers."


class Careful(HttpToolsProtocol):
    """uvicorn's protocol with limits. Who exceeds one is told in a problem document, and the connection ends."""

    _head_timer: asyncio.TimerHandle | None = None
    _received_size = _head_size = 0  # bytes that came while a head was not yet whole; bytes of what was read from it
    _in_head = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        if len(self.connections) > MOST_CONNECTIONS:
            self._end(503, "There are too many connections: come again in 1 s.")
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._no_wait()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._received_size += len(data)
        super().data_received(data)
        if self._in_head and self._received_size > HEAD_BYTES:
            self._end(431, TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._received_size, self._head_size = True, 0, 0
        if self._head_timer is None:
            self._wait()

    def on_url(self, url: bytes) -> None:
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head(len(name) + len(value) + 4)
        super().on_header(name, value)

    def _count_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > HEAD_BYTES or len(self.headers) >= HEADERS:
            self._refuse(431, TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._no_wait()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            self._refuse(400, "A request has one Host header.")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._end(400, msg)

    def _wait(self) -> None:
        detail = f"The head of a request must be there within {HEAD_SECONDS:g} s."
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._end, 408, detail)

    def _no_wait(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, detail: str) -> NoReturn:
        """End the connection, and the parser's work on what has come in."""
        self._end(status, detail)
        raise ValueError(detail)

    def _end(self, status: int, detail: str) -> None:
        if self.transport.is_closing():
            return
        self._no_wait()
        title = HTTPStatus(status).phrase
        problem: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\n"
            f"{'retry-after: 1' + chr(13) + chr(10) if status == 503 else ''}connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
