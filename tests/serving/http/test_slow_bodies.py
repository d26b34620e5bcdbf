"""Bodies that come too slowly, and too much at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http import slow_bodies
from serving.http.slow_bodies import BodyLimiter


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await asyncio.sleep(0.05)
    await PlainTextResponse(str(len(body)))(scope, receive, send)


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    """As who has no key, or comes while there is too much to do: its body is not looked at."""
    await PlainTextResponse("later", 503)(scope, receive, send)


async def asked(
    app: ASGIApp, parts: list[tuple[float, bytes]], *more_headers: tuple[bytes, bytes]
) -> tuple[int, dict[str, str]]:
    """The status and headers for a body whose parts come after so many seconds each."""
    come: asyncio.Queue[Message] = asyncio.Queue()
    said: list[Message] = []

    async def client() -> None:
        for number, (wait, body) in enumerate(parts, start=1):
            await asyncio.sleep(wait)
            come.put_nowait({"type": "http.request", "body": body, "more_body": number < len(parts)})

    async def send(message: Message) -> None:
        said.append(message)

    headers = [(b"transfer-encoding", b"chunked"), *more_headers]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": headers, "query_string": b""}
    sending = asyncio.create_task(client())
    await app(scope, come.get, send)
    sending.cancel()
    return said[0]["status"], {name.decode(): value.decode() for name, value in said[0]["headers"]}


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([(0.0, b"abc")], 200),
        ([(0.05, b"a")] * 3, 200),
        ([(0.0, b"a"), (5.0, b"b")], 408),  # silent
        ([(0.08, b"a")] * 50, 408),  # a drip that is never silent
    ],
    ids=["at once", "in parts", "silent", "a drip"],
)
def test_a_body_is_there_in_time_or_not_waited_for(parts: list[tuple[float, bytes]], status: int) -> None:
    app = BodyLimiter(reading, part=0.2, whole_seconds=0.5)
    found, headers = asyncio.run(asked(app, parts))
    assert found == status
    assert headers.get("connection") == ("close" if status == 408 else None), "the rest is not waited for either"
    assert app.held_bytes == 0


def test_too_much_at_once_is_turned_away_and_given_back() -> None:
    app = BodyLimiter(reading, max_bytes=2_500)

    async def story() -> tuple[list[int], int]:
        found = await asyncio.gather(*(asked(app, [(0.0, b"a" * 1_000)]) for _ in range(4)))
        assert {headers.get("retry-after") for status, headers in found if status == 503} == {"1"}
        return sorted(status for status, _ in found), (await asked(app, [(0.0, b"a" * 1_000)]))[0]

    assert asyncio.run(story()) == ([200, 200, 503, 503], 200)
    assert app.held_bytes == 0


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        ([(0.0, b"abc")], True),
        ([(0.05, b"a")] * 3, True),
        ([(0.0, b"a"), (5.0, b"b")], False),  # silent
        ([(0.0, b"a" * 400_000)] * 4, False),  # large
    ],
    ids=["at once", "in parts", "silent", "large"],
)
def test_a_connection_outlives_an_answer_before_the_body(
    parts: list[tuple[float, bytes]], kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was ended while the client still sent: a reset, and the answer was not read."""
    monkeypatch.setattr(slow_bodies, "REST_SECONDS", 0.5)
    found, headers = asyncio.run(asked(BodyLimiter(refusing), parts))
    assert (found, headers.get("connection")) == (503, None if kept else "close")


@pytest.mark.parametrize("word", [b"100-continue", b"100-Continue"])
def test_a_body_that_waits_to_be_asked_for_is_not_asked_for_after_a_refusal(word: bytes) -> None:
    """The first read is what makes the server say 100 Continue: the client sent a body that was dropped, and was reset."""
    reads = 0

    async def asks(scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            nonlocal reads
            reads += 1
            return await receive()

        await BodyLimiter(refusing)(scope, counted, send)

    found, headers = asyncio.run(asked(asks, [(0.0, b"a" * 1_000)], (b"expect", word)))
    assert (found, headers.get("connection"), reads) == (503, "close", 0)


def test_a_body_that_was_asked_for_is_read_to_its_end() -> None:
    found, headers = asyncio.run(asked(BodyLimiter(reading), [(0.0, b"abc"), (0.01, b"d")], (b"expect", b"100-continue")))
    assert (found, headers.get("connection")) == (200, None)
