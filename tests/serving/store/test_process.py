"""A real server over a store: it scores in the background, and a kill loses nothing that was acknowledged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from models.store import save
from tests.serving.processes import PATIENCE, ROOT, ask, free_port
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
            status, told = ask(f"{url}/v1/interactions", {"interactions": [event(f"{number}-{i}") for i in range(10)]})
            assert (status, told["new"]) == (200, 10)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
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
