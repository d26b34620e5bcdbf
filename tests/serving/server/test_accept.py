"""Connections are taken in while the loop is busy: none waits unseen."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import uvicorn
from starlette.types import Receive, Scope, Send

from serving.server.accept import Acceptor
from serving.server.protocol import Careful

MANY, BUSY = 40, 0.1  # connections at once; seconds for which each request holds the loop up


async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
    time.sleep(BUSY)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


class Server(uvicorn.Server):
    """One with the thread beside its loop."""

    acceptor: Acceptor

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.acceptor = Acceptor(self, asyncio.get_running_loop())
        self.acceptor.start()
        await super().startup(sockets)


def test_what_the_loop_left_waiting_is_taken_in_and_answered() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        config = uvicorn.Config(slow, http=Careful, loop="uvloop", lifespan="off", log_config=None, ws="none")
        server = Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        connections = []
        for _ in range(MANY):
            one = socket.create_connection(("127.0.0.1", port), timeout=30)
            one.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            connections.append(one)
        time.sleep(3 * BUSY)
        known = len(server.server_state.connections) + server.server_state.total_requests
        assert known > MANY / 2, "the loop alone has taken in one each time it came round"
        for one in connections:
            assert one.recv(1_000).startswith(b"HTTP/1.1 200")
            one.close()
        assert server.acceptor.accepted > MANY / 2
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
        server.acceptor._thread.join(5)
        assert not server.acceptor._thread.is_alive()
