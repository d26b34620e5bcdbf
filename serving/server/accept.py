"""Connections are taken in even while the event loop is busy.

uvloop takes in one connection each time it comes round. When more is asked than can be answered it comes round four times a
second, and new connections would wait for minutes unseen by serving/http/load_shedding.py, which could have told them to come
again. A thread takes in what the loop left waiting. What is lost without it, in numbers: docs/adr/0013.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import threading
import time

import uvicorn

GRACE_SECONDS = 0.02  # seconds for which a connection is the loop's to take
CHECK_SECONDS = 0.5  # seconds between two looks whether the server still runs


def running_server() -> uvicorn.Server | None:
    """The server of this process, which has set itself to be told of SIGTERM; None in a test."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return server if isinstance(server, uvicorn.Server) else None


class Acceptor:
    """Takes in the connections of a running server that its loop leaves waiting."""

    def __init__(self, server: uvicorn.Server, loop: asyncio.AbstractEventLoop) -> None:
        self.server, self.loop = server, loop
        self.accepted = 0
        self._tasks: set[asyncio.Task[object]] = set()
        self._thread = threading.Thread(target=self._run, name="ripeline-accept", daemon=True)

    def start(self) -> None:
        """Begin as soon as the server listens."""
        self._thread.start()

    def _run(self) -> None:
        while not self.server.started:
            if self.server.should_exit:
                return
            time.sleep(0.05)
        listening = [socket.socket(fileno=os.dup(s.fileno())) for listener in self.server.servers for s in listener.sockets]
        waiting = select.poll()
        for listener in listening:
            listener.setblocking(False)  # as the loop has set it: both are one and the same
            waiting.register(listener, select.POLLIN)
        try:
            while not self.server.should_exit:
                if waiting.poll(CHECK_SECONDS * 1000):
                    time.sleep(GRACE_SECONDS)
                    for listener in listening:
                        self._accept_waiting(listener)
        except OSError:  # closed: the server has gone
            pass
        finally:
            for listener in listening:
                listener.close()

    def _accept_waiting(self, listener: socket.socket) -> None:
        while not self.server.should_exit:
            try:
                connection, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            connection.setblocking(False)
            try:
                self.loop.call_soon_threadsafe(self._begin, connection)
            except RuntimeError:  # the loop has ended
                connection.close()
                return

    def _begin(self, connection: socket.socket) -> None:
        self.accepted += 1
        task: asyncio.Task[object] = self.loop.create_task(
            self.loop.connect_accepted_socket(self._protocol, connection, ssl=self.server.config.ssl)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes one."""
        config = self.server.config
        protocol: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=self.server.server_state, app_state=self.server.lifespan.state, _loop=self.loop
        )
        return protocol
