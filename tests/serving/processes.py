"""Server processes on loopback: started, asked until they are ready, and ended by their own id."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


PATIENCE = 90  # seconds for a server to come up on a loaded machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, body: object = None, key: str | None = None) -> tuple[int, dict]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(url, data, headers)  # noqa: S310  loopback
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            text = answer.read()
            return answer.status, json.loads(text) if text.strip() else {}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"{}")


@contextmanager
def running(command: list[str], port: int, log: Path, ready: str = "/readyz", **environment: str) -> Iterator[str]:
    """A server process that answers `ready` with 200; ended by its own id, with all it started."""
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=log.parent, stdout=out, stderr=out, env={**os.environ, **environment}, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(f"{url}{ready}", timeout=10) as answer:  # noqa: S310  loopback
                    if answer.status == 200:
                        break
            except OSError:  # an answer of another status is one too
                pass
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield url
    finally:
        with suppress(ProcessLookupError):  # a test may have ended it
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a server at once, as a power cut does: the supervisor and its workers, which are in process groups of their own."""
    workers = psutil.Process(process.pid).children(recursive=True)
    for pid in (process.pid, *(worker.pid for worker in workers)):  # the supervisor first: it would start others
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(20)
    psutil.wait_procs(workers, 20)


def wait_until(true: Callable[[], object], seconds: float = 30.0) -> bool:
    """Whether it became true in time."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@dataclass(frozen=True)
class Site:
    """A server that tests share, and a key that may do everything."""

    url: str
    key: str
    keys: Path
    log: Path
