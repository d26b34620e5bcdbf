"""Serving against a bare FastAPI + LightGBM app on the same payload and cores: `make bench-serving`.

The bare app parses the same body with pydantic and asks one booster of the champion; it gives no features, reasons, rules,
intervals or advice. Both run as one worker in a process of their own; one client sends one request after the other to each in
turn, so that whatever else the machine does meets both. The batch and the kernel are measured in this process.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from models.model import FunnelModel
from models.store import load

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "benchmarks" / "serving.md"
AS_OF = datetime(2026, 6, 30, tzinfo=UTC)
ACTS = 50

BARE = """
import os
from datetime import datetime
import lightgbm as lgb, numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

class Interaction(BaseModel):
    type: str
    at: datetime
    direction: str | None = None
    value: float | None = None
    content: str | None = None

class Lead(BaseModel):
    lead_id: str
    lead_stage: str
    created_at: datetime
    attributes: dict[str, str | int | float | bool | None] = {}
    company: dict[str, str | int | float | bool | None] | None = None
    interactions: list[Interaction] = []

class Request(BaseModel):
    as_of: datetime | None = None
    leads: list[Lead]

booster = lgb.Booster(model_file=os.environ["BARE_MODEL"])
width = booster.num_feature()
app = FastAPI()

@app.post("/v1/score")
async def score(request: Request) -> dict:
    x = np.zeros((len(request.leads), width), np.float32)
    x[:, 0] = [len(lead.interactions) for lead in request.leads]
    found = booster.predict(x, num_threads=1)
    return {"results": [{"lead_id": l.lead_id, "probability": float(p)} for l, p in zip(request.leads, found)]}
"""


def payload(model: FunnelModel, seed: int, leads: int = 1) -> bytes:
    """A request of leads with `ACTS` interactions each, of the types that the model knows."""
    rng = np.random.default_rng(seed)
    types = list(model.feature_set.types)

    def lead(number: int) -> dict[str, Any]:
        ages = rng.uniform(0.1, 90, ACTS)
        acts = [
            {"type": str(rng.choice(types)), "at": (AS_OF - timedelta(days=float(age))).isoformat(), "direction": "in"}
            for age in ages
        ]
        return {
            "lead_id": f"L-{seed}-{number}",
            "lead_stage": model.funnel.stages[int(rng.integers(0, len(model.funnel.targets)))],
            "created_at": (AS_OF - timedelta(days=91)).isoformat(),
            "attributes": {"country": "DE", "job_title": "Head of Sales", "source": "webinar"},
            "company": {"company_id": f"C-{seed}-{number}", "industry": "software", "employees": int(rng.integers(5, 900))},
            "interactions": acts,
        }

    return json.dumps({"as_of": AS_OF.isoformat(), "leads": [lead(i) for i in range(leads)]}).encode()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, path: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server that answers `path`; ended on the way out."""
    log = tempfile.TemporaryFile()  # noqa: SIM115  ends with the process
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
    )
    try:
        for _ in range(600):
            try:
                asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                asked.request("GET", path)
                if asked.getresponse().status < 500:
                    break
            except OSError:
                pass
            if process.poll() is not None:
                log.seek(0)
                raise SystemExit(log.read()[-3000:].decode())
            time.sleep(0.1)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


class Client:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.connection.connect()
        assert self.connection.sock is not None
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def seconds(self, body: bytes) -> float:
        begun = time.perf_counter()
        self.connection.request("POST", "/v1/score", body, {"content-type": "application/json"})
        answer = self.connection.getresponse()
        answer.read()
        taken = time.perf_counter() - begun
        assert answer.status == 200, answer.status
        return taken


def one_lead(folder: Path, requests: int) -> dict[str, list[float]]:
    """Milliseconds of each request: of the bare app, and of ours."""
    model = load(folder)
    transition = max(model.transitions, key=lambda t: t.gbm.trees if t.gbm else 0)
    bodies = [payload(model, seed) for seed in range(200)]
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "bare.py").write_text(BARE, encoding="utf-8")
        assert transition.gbm is not None
        transition.gbm.booster.save_model(str(Path(scratch) / "bare.txt"))
        ports = free_port(), free_port()
        bare = [sys.executable, "-m", "uvicorn", "bare:app", "--app-dir", scratch, "--port", str(ports[0]), "--no-access-log"]
        ours = [sys.executable, "-m", "serving", "--port", str(ports[1])]
        with (
            running(bare, ports[0], "/docs", {"BARE_MODEL": str(Path(scratch) / "bare.txt")}),
            running(ours, ports[1], "/readyz", {"RIPELINE_MODEL": str(folder)}),
        ):
            clients = {"bare": Client(ports[0]), "ours": Client(ports[1])}
            for client in clients.values():
                for body in bodies:
                    client.seconds(body)
            found: dict[str, list[float]] = {name: [] for name in clients}
            for number in range(requests):
                for name, client in clients.items():
                    found[name].append(client.seconds(bodies[number % len(bodies)]) * 1000)
    return found


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, default=ROOT / "artefacts" / "champion")
    parser.add_argument("--requests", type=int, default=20_000)
    given = parser.parse_args()
    found = one_lead(given.model.resolve(), given.requests)
    for name, times in found.items():
        cuts = statistics.quantiles(times, n=100)
        print(f"{name}: p50 {cuts[49]:.3f} ms, p99 {cuts[98]:.3f} ms, worst {max(times):.1f} ms")


if __name__ == "__main__":
    main()
