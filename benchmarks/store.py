"""The lead store over HTTP on loopback, on SQLite and PostgreSQL: events a second, times of a score, background scoring.

`make bench-store` needs the champion that `make serve` fetched, and PostgreSQL's programs; it writes docs/benchmarks/store.md.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.dataset.dataset import Dataset
from serving.store.load import load
from serving.store.store import Store
from tests import postgres

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "benchmarks" / "store.md"
SINGLES, CLIENTS, BATCHES, BATCH, SCORES = 100, 8, 10, 1_000, 500


class Client:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self._to = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        self._to.request(method, path, data, {"content-type": "application/json"})
        answer = self._to.getresponse()
        text = answer.read()
        assert answer.status in (200, 201), (answer.status, text[:300])
        return json.loads(text)


@contextmanager
def served(model: Path, store: str, folder: Path) -> Iterator[int]:
    """The server over a store, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "serving", "--model", str(model.resolve()), "--port", str(port)]
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
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def settled(port: int, every: float = 0.5) -> float:
    """Seconds until nobody waits to be scored and everybody open was scored."""
    begun, total = time.perf_counter(), -1
    client = Client(port)
    while True:
        page = client.ask("GET", "/v1/leads?limit=1")
        if page["waiting"] == 0 and page["total"] == total > 0:
            return time.perf_counter() - begun
        total = page["total"]
        time.sleep(every)


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
    names = dataset.leads["lead_id"].tolist()
    with served(model, store, folder) as port:
        first = settled(port)
        client = Client(port)
        total = client.ask("GET", "/v1/leads?limit=1")["total"]
        listed = [row["lead_id"] for row in client.ask("GET", "/v1/leads?limit=500")["rows"]]

        def add_one(number: int) -> None:
            client.ask("POST", "/v1/interactions", {"interactions": events(f"s{number}", 1, names[number:])})

        singles = timed(add_one, SINGLES)
        begun = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda c: _singles(port, c, names), range(CLIENTS)))
        together = CLIENTS * SINGLES / (time.perf_counter() - begun)

        client = Client(port)  # the server has closed the one that was idle

        def add_batch(number: int) -> None:
            client.ask("POST", "/v1/interactions", {"interactions": events(f"b{number}", BATCH, names)})

        batches = timed(add_batch, BATCHES)
        settled(port)
        client = Client(port)
        scores = timed(lambda i: client.ask("GET", f"/v1/leads/{listed[i % len(listed)]}/score"), SCORES)
        pages = timed(lambda i: client.ask("GET", f"/v1/leads?limit=25&offset={25 * (i % 4)}"), 100)
    return {
        "loading a dataset": f"{rows / loaded:,.0f} rows/s",
        "background scoring of what was loaded": f"{total / max(first, 0.1):,.0f} leads/s",
        "`POST /v1/interactions`, 1 event": f"{1000 / statistics.mean(singles):,.0f} events/s, {_spread(singles)}",
        f"the same from {CLIENTS} clients": f"{together:,.0f} events/s",
        f"the same, {BATCH:,} events": f"{BATCH * 1000 / statistics.mean(batches):,.0f} events/s, {_spread(batches)}",
        "`GET /v1/leads/{id}/score`": _spread(scores),
        "`GET /v1/leads?limit=25`": _spread(pages),
    }


def _singles(port: int, number: int, names: list[str]) -> None:
    client = Client(port)
    for i in range(SINGLES):
        client.ask("POST", "/v1/interactions", {"interactions": events(f"c{number}-{i}", 1, names[i:])})


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
    acts = len(dataset.interactions)
    text = f"""# The lead store

`make bench-store`: a server process over HTTP on loopback, the default champion, {arguments.leads:,} leads with {acts:,}
interactions, {os.cpu_count()} cores shared by client, server and database, Python {platform.python_version()}.
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
