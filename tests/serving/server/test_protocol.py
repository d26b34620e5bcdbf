"""What a connection may cost before a request has begun, and requests that two servers would read in two ways."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from serving.server import protocol
from serving.server.protocol import HEAD_BYTES, HEADERS, Careful


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what it was asked, and how long the body was."""
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = f"{scope['method']} {scope['path'][:40]} {size}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(echo, http=Careful, lifespan="off", log_config=None, ws="none", timeout_keep_alive=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def sent(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Everything that is answered until the server ends the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break
            time.sleep(pause)
        found = b""
        try:
            while got := connection.recv(65_536):
                found += got
        except ConnectionResetError:
            pass
        return found


def head(*lines: str, first: str = "GET / HTTP/1.1", host: str = "a") -> bytes:
    return "\r\n".join([first, f"host: {host}", "connection: close", *lines, "", ""]).encode()


def test_a_request_is_answered(port: int) -> None:
    assert sent(port, head()).endswith(b"GET / 0")
    assert sent(port, head("content-length: 3", first="POST /x HTTP/1.1"), b"abc").endswith(b"POST /x 3")
    assert sent(port, head("transfer-encoding: chunked", first="POST /x HTTP/1.1"), b"3\r\nabc\r\n0\r\n\r\n").endswith(
        b"POST /x 3"
    )
    two = head().replace(b"close", b"keep-alive") + head()
    assert sent(port, two).count(b"GET / 0") == 2


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([head("x: " + "y" * (HEAD_BYTES + 1))], b"431"),
        ([b"GET / HTTP/1.1\r\nhost: a\r\nx: ", *[b"y" * 8_000] * 6], b"431"),
        ([head(first=f"GET /{'y' * (HEAD_BYTES + 1)} HTTP/1.1")], b"431"),
        ([head(*(f"x{n}: y" for n in range(HEADERS + 10)))], b"431"),
    ],
    ids=["one header", "in parts", "a path", "many headers"],
)
def test_a_head_has_its_limits(port: int, parts: list[bytes], status: bytes) -> None:
    answer = sent(port, *parts, pause=0.01)
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:100]
    assert b"application/problem+json" in answer
    assert answer.count(b"HTTP/1.1") == 1, "and nothing else was answered"


SMUGGLED = head(first="GET /smuggled HTTP/1.1")


AMBIGUOUS = {
    "two kinds of length": head("content-length: 4", "transfer-encoding: chunked", first="POST / HTTP/1.1") + b"0\r\n\r\n",
    "two lengths": head("content-length: 3", "content-length: 4", first="POST / HTTP/1.1") + b"abcd",
    "a list of lengths": head("content-length: 3, 4", first="POST / HTTP/1.1") + b"abcd",
    "a signed length": head("content-length: +3", first="POST / HTTP/1.1") + b"abc",
    "a negative length": head("content-length: -1", first="POST / HTTP/1.1"),
    "an endless length": head("content-length: " + "9" * 30, first="POST / HTTP/1.1"),
    "a space before the colon": head("content-length : 3", first="POST / HTTP/1.1") + b"abc",
    "another coding last": head("transfer-encoding: chunked, identity", first="POST / HTTP/1.1") + b"0\r\n\r\n",
    "a coding nobody knows": head("transfer-encoding: xchunked", first="POST / HTTP/1.1") + b"0\r\n\r\n",
    "a chunk size with a sign": head("transfer-encoding: chunked", first="POST / HTTP/1.1") + b"+3\r\nabc\r\n0\r\n\r\n",
    "a folded line": head("x: a\r\n b", "content-length: 0", first="POST / HTTP/1.1"),
    "a zero byte in a header": head("x: a\0b"),
    "a line feed in a header": head("x: a\nb c"),
    "two hosts": head("host: evil.example"),
    "no host": b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "another version": head(first="GET / HTTP/9.9"),
}


@pytest.mark.parametrize("request_", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_what_could_be_read_in_two_ways_is_refused_and_ends_the_connection(port: int, request_: bytes) -> None:
    answer = sent(port, request_ + SMUGGLED)
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]
    assert b"/smuggled" not in answer


def test_a_head_that_comes_slowly_is_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    begun = time.monotonic()
    assert sent(port, b"GET / HTTP/1.1\r\n").startswith(b"HTTP/1.1 408")
    dripped = sent(port, *[f"x{n}: y\r\n".encode() if n else b"GET / HTTP/1.1\r\n" for n in range(8)], pause=0.1)
    assert dripped.startswith(b"HTTP/1.1 408") or dripped == b""
    assert sent(port).startswith(b"HTTP/1.1 408"), "nor one that never begins"
    second = [head().replace(b"close", b"keep-alive"), b"GET / HTTP/1.1\r\n"]
    assert b"HTTP/1.1 408" in sent(port, *second, pause=0.05), "nor a second one"
    assert time.monotonic() - begun < 5
    assert sent(port, head("content-length: 3", first="POST / HTTP/1.1"), b"a", b"b", b"c", pause=0.2).endswith(b"POST / 3")


def test_only_so_many_connections_at_once(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_CONNECTIONS", 3)
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    time.sleep(0.1)
    answer = sent(port, head())
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in answer
    for one in held:
        one.close()
    time.sleep(0.1)
    assert sent(port, head()).endswith(b"GET / 0")
