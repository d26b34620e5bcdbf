"""Told to stop: not ready first, then gone, once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import psutil
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from serving.server import shutdown
from serving.server.shutdown import GracefulShutdown
from tests.serving.processes import wait_until


@pytest.fixture(autouse=True)
def _signal_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_going_away_is_not_ready_first_and_stops_once() -> None:
    stopped: list[float] = []
    told: list[str] = []

    async def story() -> GracefulShutdown:
        drain, loop = GracefulShutdown(), asyncio.get_running_loop()
        signal.signal(signal.SIGTERM, lambda *_given: stopped.append(loop.time()))
        begun = loop.time()
        assert drain.at_signal(0.3, 1, told.append)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert drain.started
        await asyncio.sleep(0.1)
        assert stopped == []
        await asyncio.sleep(0.4)
        assert len(stopped) == 1
        assert stopped[0] - begun >= 0.3
        return drain

    asyncio.run(story())
    assert told == ["Going away: not ready from now on, stopping in 0.3 s."]


@pytest.mark.parametrize(("stop", "finished"), [(5.0, True), (0.3, False)], ids=["in time", "too long"])
def test_what_runs_is_waited_for_and_who_comes_then_is_told(
    stop: float, finished: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection opened then had no answer until the last request was done: the supervisor still listened."""
    monkeypatch.setattr(shutdown, "LAST_SECONDS", 0)
    gate = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await PlainTextResponse("done")(scope, receive, send)

    async def story() -> tuple[Any, bool]:
        stopped = asyncio.Event()
        signal.signal(signal.SIGTERM, lambda *_given: stopped.set())
        drain = GracefulShutdown()
        assert drain.at_signal(0.0, stop)
        transport = httpx.ASGITransport(drain.around(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            running = asyncio.create_task(client.get("/"))
            await asyncio.sleep(0.05)
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0.6)
            late, waiting = await client.get("/"), not stopped.is_set()
            gate.set()
            assert (await running).text == "done"
            await asyncio.wait_for(stopped.wait(), 5)
            return late, waiting

    late, waiting = asyncio.run(story())
    assert waiting is finished
    assert (late.status_code, late.headers["connection"], late.headers["retry-after"]) == (503, "close", "1")
    assert late.json()["detail"] == "This server is stopping: ask again."


def test_a_worker_ends_with_the_supervisor_that_was_killed() -> None:
    """Killed outright, the supervisor tells nobody: its workers see that it is gone."""
    worker = "from serving.server.shutdown import end_with_parent; import time; end_with_parent(0.05); time.sleep(60)"
    starts = f"import subprocess, sys, time; w = subprocess.Popen([sys.executable, '-c', {worker!r}]); print(w.pid, flush=True)"
    command = [sys.executable, "-c", f"{starts}; time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()}) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert wait_until(lambda: psutil.Process(pid).num_threads() > 1), "it watches"
        parent.kill()
    assert wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 10)
