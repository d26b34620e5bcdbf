"""Connections are taken in even while the event loop is busy.

uvloop takes in one connection each time it comes round. When more is asked than can be answered it comes round four times a
second, and new connections would wait for minutes unseen by serving/http/load_shedding.py, which could have told them to come again. A
thread takes in what the loop left waiting.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import threading
import time

import uvicorn

LEFT = 0.02  # seconds for which a connection is the loop's to take
LOOK = 0.5  # seconds between two looks whether the server still runs


class Acceptor:
    """Takes in the connections of a running server that its loop leaves waiting."""

    def __init__(self, server: uvicorn.Server, loop: asyncio.AbstractEventLoop) -> None:
        self.server, self.loop = server, loop
        self.taken = 0
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
        listening = [socket.socket(fileno=os.dup(s.fileno())) for one in self.server.servers for s in one.sockets]
        waiting = select.poll()
        for one in listening:
            one.setblocking(False)  # as the loop has set it: both are one and the same
            waiting.register(one, select.POLLIN)
        try:
            while not self.server.should_exit:
                if waiting.poll(LOOK * 1000):
                    time.sleep(LEFT)
                    for one in listening:
                        self._take(one)
        except OSError:  # closed: the server has gone
            pass
        finally:
            for one in listening:
                one.close()

    def _take(self, listening: socket.socket) -> None:
        while not self.server.should_exit:
            try:
                connection, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            connection.setblocking(False)
            try:
                self.loop.call_soon_threadsafe(self._begin, connection)
            except RuntimeError:  # the loop has ended
                connection.close()
                return

    def _begin(self, connection: socket.socket) -> None:
        self.taken += 1
        task: asyncio.Task[object] = self.loop.create_task(
            self.loop.connect_accepted_socket(self._protocol, connection, ssl=self.server.config.ssl)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes one."""
        config = self.server.config
        made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=self.server.server_state, app_state=self.server.lifespan.state, _loop=self.loop
        )
        return made
