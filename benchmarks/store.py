"""The lead store over HTTP on loopback, on SQLite and PostgreSQL, with the limits beside: what the same server answers of
`/livez`, and what the database commits by itself.

`make bench-store` needs the champion that `make serve` fetched, PostgreSQL's programs and wrk; it writes
docs/benchmarks/store.md. Ratios hold within one run: client, server and database share the cores.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from benchmarks import store_limits, wrk
from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.dataset.dataset import Dataset
from models.store import load as load_model
from models.store import save as save_model
from serving.store.load import load
from serving.store.store import Store
from tests import postgres

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "benchmarks" / "store.md"
SECONDS, CONNECTIONS, BATCHES, BATCH, SCORES = 4.0, 64, 10, 1_000, 1_000
PATIENCE = 600.0  # seconds


class Client:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self._to = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._to.connect()
        self._to.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        data = None if body is None else json.dumps(body).encode()
        self._to.request(method, path, data, {"content-type": "application/json"})
        answer = self._to.getresponse()
        return answer.status, answer.read()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        status, text = self.send(method, path, body)
        assert status in (200, 201), (status, text[:300])
        return json.loads(text)


@contextmanager
def served(model: Path, store: str, folder: Path, *options: str) -> Iterator[tuple[int, psutil.Process]]:
    """The server over a store, on a free port, and the process that answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "serving", "--model", str(model.resolve()), "--port", str(port), *options]
    environment = {**os.environ, "RIPELINE_STORE": store, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(300):
            try:
                Client(port).ask("GET", "/v1/leads?limit=1")
                break
            except (OSError, AssertionError):
                time.sleep(0.3)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        yield port, max(family, key=lambda one: one.memory_info().rss)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def settled(port: int, version: str = "", every: float = 0.2) -> float:
    """Seconds until nobody waits to be scored and everybody open was scored, by that version of the model."""
    begun, total = time.perf_counter(), -1
    client = Client(port)
    while time.perf_counter() < begun + PATIENCE:
        page = client.ask("GET", "/v1/leads?limit=1")
        if page["waiting"] == 0 and page["total"] == total > 0 and version in ("", page["model"].get("version")):
            return time.perf_counter() - begun
        total = page["total"]
        time.sleep(every)
    raise AssertionError("the store never settled")


def events(prefix: str, count: int, names: list[str]) -> list[dict[str, Any]]:
    """New events, one a lead in turn."""
    return [
        {
            "event_id": f"{prefix}-{i}",
            "lead_id": names[i % len(names)],
            "type": "page_view",
            "at": f"2026-06-29T10:{i % 60:02d}:00Z",
        }
        for i in range(count)
    ]


def timed(work: Callable[[int], object], count: int) -> list[float]:
    """Milliseconds of each call."""
    times = []
    for number in range(count):
        begun = time.perf_counter()
        work(number)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def measured(model: Path, store: str, dataset: Dataset, folder: Path) -> dict[str, str]:
    """One column of the table."""
    lead_store = Store.from_address(store)
    lead_store.open()
    begun = time.perf_counter()
    rows = sum(load(lead_store, dataset).values())
    loaded = time.perf_counter() - begun
    lead_store.close()
    names = dataset.leads["lead_id"].astype(str).tolist()
    column = {"loading a dataset": f"{rows / loaded:,.0f} rows/s"}
    column["limit: the database's own commits"] = (
        store_limits.sqlite(folder) if store.startswith("sqlite") else store_limits.postgresql(store)
    )
    champion = folder / "champion"
    shutil.copytree(model, champion, dirs_exist_ok=True)
    with served(champion, store, folder) as (port, process):
        column |= _scoring(champion, port)
        column |= _reading(port, names)
        column |= _events(port, names)
        column["memory of the worker"] = f"{process.memory_info().rss / 2**20:,.0f} MiB"
    with served(champion, store, folder, "--audit", str(folder / "audit")) as (port, _):
        settled(port)
        livez = wrk.ask(port, "/livez", SECONDS, CONNECTIONS)
        trail = wrk.events(port, f"t{time.time_ns()}", names, SECONDS, CONNECTIONS)
        ratio = f"{trail.rate / livez.rate:.2f} of `/livez`"
        column[f"the same with an audit log, {CONNECTIONS} connections"] = f"{trail.words}; {ratio}"
    return column


def _scoring(model: Path, port: int) -> dict[str, str]:
    """Everybody scored at the start, and again after a new model."""
    first = settled(port)
    client = Client(port)
    page = client.ask("GET", "/v1/leads?limit=1")
    champion = load_model(model)
    version = f"{champion.version}-next"
    begun = time.perf_counter()
    save_model(replace(champion, version=version), model)
    settled(port, version)
    again = time.perf_counter() - begun
    return {
        "background scoring of what was loaded": f"{page['total'] / max(first, 0.1):,.0f} leads/s",
        "all scored again after a new model": f"{page['total']:,} leads in {again:.1f} s",
    }


def _reading(port: int, names: list[str]) -> dict[str, str]:
    client = Client(port)
    listed = [row["lead_id"] for row in client.ask("GET", "/v1/leads?limit=500")["rows"]]
    scores = timed(lambda i: client.ask("GET", f"/v1/leads/{listed[i % len(listed)]}/score"), SCORES)
    pages = timed(lambda i: client.ask("GET", f"/v1/leads?limit=25&offset={25 * (i % 4)}"), 100)
    refused, others, sent = _beside_csv(port)
    return {
        "`GET /v1/leads/{id}/score`": _spread(scores),
        "`GET /v1/leads?limit=25`": _spread(pages),
        "`/v1/leads.csv`": sent,
        "other requests while it is sent": f"{refused} of {len(others)} refused, {_spread(others)}",
    }


def _beside_csv(port: int) -> tuple[int, list[float], str]:
    """Refusals and milliseconds of scores that are asked for while the list is sent as CSV, and how long that took."""
    begun, answers = time.perf_counter(), list[bytes]()
    client = Client(port)
    lead = client.ask("GET", "/v1/leads?limit=1")["rows"][0]["lead_id"]
    reader = threading.Thread(target=lambda: answers.append(Client(port).send("GET", "/v1/leads.csv")[1]))
    reader.start()
    refused, times = 0, []
    while reader.is_alive():
        asked = time.perf_counter()
        refused += client.send("GET", f"/v1/leads/{lead}/score")[0] != 200
        times.append((time.perf_counter() - asked) * 1000)
        time.sleep(0.005)
    reader.join()
    lines = answers[0].count(b"\n") - 1
    return refused, times, f"{lines:,} leads, {len(answers[0]) / 2**20:.1f} MiB in {time.perf_counter() - begun:.1f} s"


def _events(port: int, names: list[str]) -> dict[str, str]:
    run = f"r{time.time_ns()}"
    client = Client(port)
    wrk.events(port, f"{run}w", names, 1, CONNECTIONS)
    settled(port)
    livez = wrk.ask(port, "/livez", SECONDS, CONNECTIONS)
    together = wrk.events(port, f"{run}m", names, SECONDS, CONNECTIONS)
    one_livez = wrk.ask(port, "/livez", SECONDS, 1)
    beside = wrk.events(port, f"{run}b", names, SECONDS, 1)
    settled(port)
    client = Client(port)
    batches = timed(
        lambda i: client.ask("POST", "/v1/interactions", {"interactions": events(f"{run}{i}", BATCH, names)}), BATCHES
    )
    return {
        f"limit: `/livez`, {CONNECTIONS} connections": livez.words,
        f"single events, {CONNECTIONS} connections": f"{together.words}; {together.rate / livez.rate:.2f} of `/livez`",
        "limit: `/livez`, one connection": one_livez.words,
        "single events, one connection, beside background scoring": beside.words,
        f"{BATCH:,} events a request": f"{BATCH * 1000 / statistics.mean(batches):,.0f} events/s, {_spread(batches)}",
    }


def _spread(times: list[float]) -> str:
    ordered = sorted(times)
    return f"p50 {statistics.median(ordered):.1f} ms, p99 {ordered[int(0.99 * (len(ordered) - 1))]:.1f} ms"


def main() -> None:
    """Measure both and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=ROOT / "artefacts" / "champion")
    parser.add_argument("--leads", type=int, default=1_000)
    parser.add_argument(
        "--on", nargs="+", default=["SQLite", "PostgreSQL"], help="one of the two keeps what is known of the other"
    )
    parser.add_argument("--results", type=Path, default=ROOT / "artefacts" / "store_bench.json")
    arguments = parser.parse_args()
    load_before = os.getloadavg()[0]
    dataset = simulate(SimulatorSettings(leads=arguments.leads, days=730, seed=3)).dataset
    columns = json.loads(arguments.results.read_text(encoding="utf-8")) if arguments.results.is_file() else {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if "SQLite" in arguments.on:
            columns["SQLite"] = measured(arguments.model, f"sqlite:///{folder}/leads.db", dataset, folder)
        if "PostgreSQL" in arguments.on:
            with postgres.cluster(safe=True) as cluster:
                columns["PostgreSQL"] = measured(arguments.model, cluster.address, dataset, folder)
    arguments.results.write_text(json.dumps(columns, indent=1), encoding="utf-8")
    columns = {name: columns[name] for name in ("SQLite", "PostgreSQL") if name in columns}
    rows = "\n".join(
        f"| {name} | {' | '.join(column[name] for column in columns.values())} |" for name in next(iter(columns.values()))
    )
    acts, name = len(dataset.interactions), load_model(arguments.model).name
    text = f"""# The lead store

`make bench-store`: a server process over HTTP on loopback, the model {name!r}, {arguments.leads:,} leads with {acts:,}
interactions, {os.cpu_count()} cores shared by wrk, server and database, Python {platform.python_version()}.
Load average of the machine when it began: {load_before:.1f}; the figures are worth comparing within one run only.
Every event is on disk when it is answered (SQLite: `synchronous=FULL`; PostgreSQL: its defaults); the background worker
scores what changed all the while.

| | {" | ".join(columns)} |
|---|{"---|" * len(columns)}
{rows}

A score takes all interactions of the lead and of its colleagues out of the database, scores, and explains.
"""
    OUT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
