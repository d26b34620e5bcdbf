"""A real server over a store: it scores in the background, and kills at any moment lose nothing that was acknowledged."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.store import save
from serving.store.store import Store
from serving.store.tables import interactions
from tests.serving.processes import PATIENCE, ROOT, ask, free_port, kill, wait_until
from tests.serving.store.world import CREATED, event
from tests.tiny import tiny_model


def put(url: str, body: object) -> int:
    sent = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"}, method="PUT")  # noqa: S310
    with urllib.request.urlopen(sent, timeout=10) as answer:  # noqa: S310  loopback
        return int(answer.status)


@contextmanager
def serving(model: Path, store: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    command = [sys.executable, "-m", "serving", "--model", str(model), "--store", store, "--port", str(port)]
    with (model.parent / "log").open("a") as out:
        process = subprocess.Popen(
            command,
            cwd=model.parent,
            stdout=out,
            stderr=out,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        try:
            url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
            while True:
                try:
                    status, ready = ask(f"{url}/readyz")
                    if status == 200 and "troubles" not in ready:
                        break
                except OSError:
                    pass
                assert process.poll() is None, (model.parent / "log").read_text()
                assert time.monotonic() < deadline, (model.parent / "log").read_text()
                time.sleep(0.2)
            yield url, process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(20)


@pytest.mark.slow
def test_a_killed_server_has_what_it_acknowledged(tmp_path: Path) -> None:
    model = save(tiny_model(), tmp_path / "model")
    store = f"sqlite:///{tmp_path}/leads.db"
    with serving(model, store) as (url, process):
        assert put(f"{url}/v1/leads/L-1", {"created_at": CREATED}) == 201
        told: dict[str, Any] = {}
        for number in range(30):
            happened = [event(f"{number}-{i}", at=f"2026-06-20T10:{number:02}:{i:02}Z") for i in range(10)]
            status, told = ask(f"{url}/v1/interactions", {"interactions": happened})
            assert (status, told["new"]) == (200, 10)
        kill(process)
    with serving(model, store) as (url, _):
        _, lead = ask(f"{url}/v1/leads/L-1")
        assert len(lead["leads"][0]["interactions"]) == 300
        deadline = time.monotonic() + 30
        while True:  # scored in the background
            _, page = ask(f"{url}/v1/leads")
            if page["total"] == 1 and page["waiting"] == 0:
                break
            assert time.monotonic() < deadline, page
            time.sleep(0.2)
        assert page["rows"][0]["lead_id"] == "L-1"


class Writers:
    """Clients that send single events, one after the other, and again what was not acknowledged; some read slowly."""

    def __init__(self, count: int) -> None:
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self.url = ""
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._pool = ThreadPoolExecutor(count)
        self._running = [self._pool.submit(self._write, client) for client in range(count)]

    def _write(self, client: int) -> None:
        number = 0
        while not self._stop.is_set():
            name = f"{client}-{number}"
            self.sent.add(f"e-{name}")
            try:
                status, told = ask(f"{self.url}/v1/interactions", {"interactions": [event(name)]})
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.02)
                continue
            if status == 200 and told["new"] + told["known"] == 1:
                with self._lock:
                    self.acknowledged.add(f"e-{name}")
                number += 1

    def stop(self) -> None:
        self._stop.set()
        for one in self._running:
            one.result(30)
        self._pool.shutdown()


def stored_events(store: str) -> list[str]:
    one = Store.from_address(store)
    one.open()
    with one.read() as connection:
        names = list(connection.execute(select(interactions.c.event_id)).scalars())
    one.close()
    return names


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path: Path, store_address: str) -> None:
    """Group commit under many clients: each event that was acknowledged is there, once, after every kill."""
    model = save(tiny_model(), tmp_path / "model")
    moments = random.Random(7)  # noqa: S311
    writers = Writers(12)
    try:
        for _ in range(3):
            with serving(model, store_address) as (url, process):
                writers.url = url
                before = len(writers.acknowledged)
                assert wait_until(lambda before=before: len(writers.acknowledged) > before + 50)
                time.sleep(moments.uniform(0, 1))
                kill(process)
    finally:
        writers.stop()
    present = stored_events(store_address)
    assert len(present) == len(set(present))
    assert writers.acknowledged <= set(present) <= writers.sent


@pytest.mark.slow
def test_two_servers_on_one_store_take_each_event_once(tmp_path: Path, store_address: str) -> None:
    """The same events go to both at once: each is new to one of them, and known to the other."""
    model = save(tiny_model(), tmp_path / "model")
    with serving(model, store_address) as (first, _), serving(model, store_address) as (second, _):

        def send(number: int) -> tuple[int, int]:
            answers = [ask(f"{url}/v1/interactions", {"interactions": [event(number)]}) for url in (first, second)]
            assert [status for status, _ in answers] == [200, 200], answers
            return sum(told["new"] for _, told in answers), sum(told["known"] for _, told in answers)

        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(send, [number // 2 for number in range(200)])) <= {(1, 1), (0, 2)}
    assert sorted(stored_events(store_address)) == sorted(f"e-{number}" for number in range(100))


@pytest.mark.slow
def test_many_who_read_the_list_slowly_keep_nobody_waiting(tmp_path: Path) -> None:
    model, store = save(tiny_model(), tmp_path / "model"), f"sqlite:///{tmp_path}/leads.db"
    with serving(model, store) as (url, _):
        for number in range(60):
            assert put(f"{url}/v1/leads/L-{number}-{'x' * 150}", {"created_at": CREATED}) == 201
        assert wait_until(lambda: ask(f"{url}/v1/leads")[1]["total"] == 60)
        host, port = url.removeprefix("http://").split(":")
        slow = []
        for _ in range(64):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            reader.connect((host, int(port)))
            reader.sendall(f"GET /v1/leads.csv HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
            slow.append(reader)
        for number in range(50):
            assert ask(f"{url}/v1/interactions", {"interactions": [event(number, f"L-{number}")]})[0] == 200
            assert ask(f"{url}/v1/leads?limit=1")[0] == 200
        for reader in slow:
            reader.close()
