"""A real server with two workers in operation: what it says and does not say, a new model, a killed worker, going away."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path

import psutil
import pytest

from models.store import MANIFEST, save
from serving.access.api_keys import add
from serving.logs.audit_cli import find, verify
from serving.schemas.score import EXAMPLE
from tests.serving.processes import ROOT, ask, free_port, running, wait_until
from tests.tiny import tiny_model

MARK = "anna.marker-7f3a@secret.example"
FORGED = "rl_0badc0de_" + "MARKERsecretMARKERsecretMARKERsecretMARKERs"


@dataclass
class Running:
    url: str
    port: int
    token: str
    folder: Path
    process: psutil.Process

    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    def workers(self) -> list[psutil.Process]:
        found = []
        for child in self.process.children():
            with suppress(psutil.Error):  # a zombie, or gone
                if "_bentoml_impl.worker.service" in child.cmdline():
                    found.append(child)
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("operation")
    model, port = save(tiny_model(), folder / "model"), free_port()
    token = add(folder / "keys.json", "all", ["admin"], rate=10_000)
    words = ["--model", str(model), "--port", str(port), "--keys", "keys.json", "--audit", "audit", "--workers", "2"]
    with running(
        [sys.executable, "-m", "serving", *words], port, folder / "log.txt", PYTHONPATH=str(ROOT), RIPELINE_DRAIN="1.5"
    ) as url:
        (mine,) = [
            p for p in psutil.Process().children() if "serving.service:Ripeline" in p.cmdline() and str(port) in p.cmdline()
        ]
        yield Running(url, port, token, folder, mine)


def raw(port: int, text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text)
        found = b""
        while got := connection.recv(65_536):
            found += got
        return found


def anywhere(server: Running) -> Iterator[tuple[str, str, bytes, dict[str, str]]]:
    """Requests with somebody's address and somebody's key in every place: method, path, body, headers."""
    mine = {"authorization": f"Bearer {server.token}"}
    lead = {**EXAMPLE["leads"][0], "lead_id": MARK}
    bodies = [
        {**EXAMPLE, "leads": [lead]},
        {**EXAMPLE, "leads": [{**lead, "lead_stage": MARK}]},
        {**EXAMPLE, "leads": [{**lead, MARK: 1}]},
        {**EXAMPLE, "leads": [{**lead, "attributes": {MARK: MARK, "source": [MARK]}}]},
        {**EXAMPLE, "as_of": MARK},
        {**EXAMPLE, "leads": [{**lead, "interactions": [{"type": MARK, "at": MARK}]}]},
        {MARK: MARK},
    ]
    for path in ("/v1/score", "/v1/what-if", "/v1/hooks/marketo", f"/{MARK}"):
        for body in bodies:
            yield "POST", path, json.dumps(body).encode(), mine
        yield "POST", path, b'{"' + MARK.encode(), mine
        yield "POST", path, json.dumps(bodies[0]).encode(), {"authorization": f"Bearer {FORGED}"}
    for path in (
        f"/v1/leads/{MARK}",
        f"/v1/leads?q={MARK}",
        f"/v1/leads?{MARK}=1",
        f"/v1/leads?sort={MARK}",
        f"/report?{MARK}",
    ):
        yield "GET", path, b"", mine
        yield "GET", path, b"", {"x-api-key": FORGED}
        yield "DELETE", path, b"", mine
        yield "PUT", path, MARK.encode(), mine
    yield "POST", "/login", f"key={FORGED}".encode(), {}
    for name in ("x-request-id", "cookie", "user-agent", "referer", "x-forwarded-for", "traceparent", "origin", "accept"):
        value = f"ripeline={FORGED}; a={MARK}" if name == "cookie" else MARK
        yield "GET", "/v1/model", b"", {**mine, name: value}
        yield "POST", "/v1/score", json.dumps(bodies[0]).encode(), {name: value}


def test_nobody_and_no_key_is_named_in_logs_or_in_what_others_are_told(server: Running) -> None:
    statuses = set()
    for method, path, body, headers in anywhere(server):
        request = urllib.request.Request(f"{server.url}{path}", body or None, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                statuses.add(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                statuses.add(error.code)
    assert statuses >= {200, 401, 404, 405, 422}
    assert not {status for status in statuses if status >= 500} - {503}
    raw(server.port, f"GET /{MARK} HTTP/1.1\r\nhost: a\r\nx y: {MARK}\r\n\r\n".encode())
    raw(server.port, f"GET /{MARK} {MARK}\r\n\r\n".encode())
    raw(server.port, f"{MARK} / HTTP/1.1\r\n\r\n".encode())
    time.sleep(1)
    others = "".join(json.dumps(ask(f"{server.url}{path}", key=server.token)[1]) for path in ("/readyz", "/v1/nobody"))
    metrics = raw(
        server.port, f"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-api-key: {server.token}\r\n\r\n".encode()
    )
    assert b"ripeline_requests_total" in metrics
    trail = "".join(file.read_text() for file in (server.folder / "audit").glob("*.jsonl"))
    secret = server.token.split("_", 2)[2]
    for name, text in {"log": server.log(), "trail": trail, "others": others, "metrics": metrics.decode()}.items():
        for mark in ("marker-7f3a", "MARKERsecret", secret):
            assert mark not in text, f"{mark} in the {name}"
    assert len(list(find(server.folder / "audit", MARK))) >= 5, "and yet who holds the keys can ask who asked about her"
    verify(server.folder / "audit")


def test_every_line_is_one_of_json(server: Running) -> None:
    first, *lines = server.log().splitlines()
    assert first.startswith("Serving 'tiny'")
    for line in lines:
        assert {"at", "event"} <= json.loads(line).keys(), line


def test_who_is_asked_by_a_proxy_that_nobody_named_is_not_believed(server: Running) -> None:
    """A new address in each request would else be a new guesser."""
    codes = []
    for number in range(40):  # two workers count apart
        headers = {"x-forwarded-for": f"203.0.113.{number}", "authorization": f"Bearer {FORGED}", "connection": "close"}
        try:
            urllib.request.urlopen(urllib.request.Request(f"{server.url}/v1/model", headers=headers), timeout=10)  # noqa: S310
        except urllib.error.HTTPError as error:
            with error:
                codes.append(error.code)
    assert codes.count(429) >= 10
    assert set(codes) == {401, 429}


def test_the_head_is_limited_and_ambiguous_requests_are_refused(server: Running) -> None:
    long = raw(server.port, b"GET /livez HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 40_000 + b"\r\n\r\n")
    assert long.startswith(b"HTTP/1.1 431")
    both = b"POST /v1/score HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    assert raw(server.port, both).startswith(b"HTTP/1.1 400")
    upgrade = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    answer = raw(server.port, upgrade + b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert re.match(rb"HTTP/1.1 4\d\d|$", answer)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PATCH", "CONNECT"])
def test_methods_that_nothing_was_made_for(server: Running, method: str) -> None:
    target = "a:443" if method == "CONNECT" else "/livez"
    answer = raw(server.port, f"{method} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1.1 (200|4\d\d)", answer), answer
    if b" 400" not in head.splitlines()[0]:
        assert b"x-content-type-options: nosniff" in head
    assert method != "HEAD" or (b" 200 " in head and body == b"")


def test_a_swap_under_load_drops_and_mixes_nothing(server: Running) -> None:
    """Four clients ask on and on; every answer is whole and of one of the two models, and a broken one never answers."""
    folder, url = server.folder / "model", server.url
    answers: list[tuple[int, str]] = []
    stop = threading.Event()

    def client() -> None:
        while not stop.wait(0.01):
            status, answer = ask(f"{url}/v1/score", EXAMPLE, server.token)
            answers.append((status, answer["model"]["version"]))

    def all_ready(troubled: bool) -> bool:
        """Each of the workers, as far as asking often can tell."""
        return all(("troubles" in ask(f"{url}/readyz", key=server.token)[1]) == troubled for _ in range(10))

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        assert wait_until(lambda: len(answers) > 40)
        save(replace(tiny_model(), version="two"), folder)
        assert wait_until(lambda: {name for _, name in answers[-40:]} == {"two"})
        (folder / MANIFEST).write_text("{")
        assert wait_until(lambda: all_ready(troubled=True))
        told = ask(f"{url}/readyz", key=server.token)
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    assert {status for status, _ in answers} == {200}
    assert {name for _, name in answers} == {"1", "two"}
    assert told[0] == 200
    assert told[1]["model"]["version"] == "two"
    assert "cannot be read" in told[1]["troubles"]["model"]
    save(replace(tiny_model(), version="three"), folder)
    assert wait_until(lambda: all_ready(troubled=False))


def test_a_killed_worker_comes_back_and_nothing_that_was_answered_is_lost(server: Running) -> None:
    stop, answers, broken = threading.Event(), list[int](), list[str]()

    def client() -> None:
        while not stop.wait(0.01):
            try:
                answers.append(ask(f"{server.url}/v1/score", EXAMPLE, server.token)[0])
            except (OSError, HTTPException) as error:  # the connection to the one that was killed
                broken.append(type(error).__name__)

    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    before = server.workers()
    assert len(before) == 2
    os.kill(before[0].pid, signal.SIGKILL)
    wait_until(lambda: len([w for w in server.workers() if w.pid != before[0].pid]) == 2, 60)
    wait_until(lambda: answers.count(200) > 20)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert len([w for w in server.workers() if w.pid != before[0].pid]) == 2
    assert set(answers) <= {200, 503}
    assert answers.count(200) > 20
    assert len(broken) <= 3, "one for each client that was being answered"
    time.sleep(0.5)
    verify(server.folder / "audit")


def test_told_to_stop_it_is_not_ready_then_finishes_and_is_gone(server: Running) -> None:
    """The last one: afterwards there is no server any more."""
    late: list[tuple[int, int]] = []

    def slow() -> None:
        """A request whose body is still on its way when the server is told to stop."""
        body = json.dumps(EXAMPLE).encode()
        head = (
            f"POST /v1/score HTTP/1.1\r\nhost: a\r\nx-api-key: {server.token}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        )
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(head + body[:20])
            time.sleep(5.0)  # long after the 1.5 s of not being ready
            connection.sendall(body[20:])
            answer = connection.recv(65_536)
            late.append((int(answer.split()[1]), len(answer)))

    thread = threading.Thread(target=slow)
    thread.start()
    time.sleep(0.3)
    server.process.send_signal(signal.SIGTERM)
    seen, gone, longest = [], False, 0.0
    deadline = time.monotonic() + 30
    while not gone and time.monotonic() < deadline:
        begun = time.monotonic()
        try:
            seen.append((ask(f"{server.url}/readyz")[0], ask(f"{server.url}/v1/model", key=server.token)[0]))
        except OSError:
            gone = True
        longest = max(longest, time.monotonic() - begun)
        time.sleep(0.1)
    thread.join(20)
    assert gone
    assert seen.count((503, 200)) >= 5, "not ready, and yet answering"
    assert (503, 503) in seen, "then who comes is told to ask again, while what ran is finished"
    assert longest < 3, "and nobody waits without an answer"
    assert late == [(200, late[0][1])], "what ran was finished"
    assert server.process.wait(20) in (0, None)
    assert "Going away" in server.log()
    verify(server.folder / "audit")
    assert not [line for line in server.log().splitlines() if '"error"' in line]
