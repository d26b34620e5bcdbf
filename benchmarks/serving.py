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
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import psutil

from models.learners.tree_shap import Shapley
from models.learners.trees import Trees
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
    probabilities = booster.predict(x, num_threads=1)
    return {"results": [{"lead_id": l.lead_id, "probability": float(p)} for l, p in zip(request.leads, probabilities)]}
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
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", path)
                if connection.getresponse().status < 500:
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
        start = time.perf_counter()
        self.connection.request("POST", "/v1/score", body, {"content-type": "application/json"})
        answer = self.connection.getresponse()
        answer.read()
        elapsed = time.perf_counter() - start
        assert answer.status == 200, answer.status
        return elapsed


@dataclass
class RequestTimes:
    """Milliseconds of each request by who answered, and the megabytes of our worker afterwards."""

    times: dict[str, list[float]]
    mib: float


def time_requests(folder: Path, requests: int) -> RequestTimes:
    """Ask both in turn."""
    model = load(folder)
    boosters = [gbm for t in model.transitions for gbm in t.boosters]
    largest = max(boosters, key=lambda gbm: gbm.trees)
    bodies = [payload(model, seed) for seed in range(200)]
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "bare.py").write_text(BARE, encoding="utf-8")
        largest.booster.save_model(str(Path(scratch) / "bare.txt"))
        ports = free_port(), free_port()
        bare = [sys.executable, "-m", "uvicorn", "bare:app", "--app-dir", scratch, "--port", str(ports[0]), "--no-access-log"]
        ours = [sys.executable, "-m", "serving", "--model", str(folder), "--port", str(ports[1])]
        with (
            running(bare, ports[0], "/docs", {"BARE_MODEL": str(Path(scratch) / "bare.txt")}),
            running(ours, ports[1], "/readyz", {}) as process,
        ):
            clients = {"bare": Client(ports[0]), "ours": Client(ports[1])}
            for client in clients.values():
                for body in bodies:
                    client.seconds(body)
            times: dict[str, list[float]] = {name: [] for name in clients}
            for number in range(requests):
                for name, client in clients.items():
                    times[name].append(client.seconds(bodies[number % len(bodies)]) * 1000)
            processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            mib = max(worker.memory_info().rss for worker in processes) / 2**20
    return RequestTimes(times, mib)


def quickest(work: Callable[[], object], times: int) -> float:
    """Seconds of the quickest of so many."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def random_booster(trees: int, leaves: int) -> lgb.Booster:
    """A booster of that size on 20,000 rows of 300 columns, counts and real numbers with gaps."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20_000, 300)).astype(np.float32)
    x[:, :50] = np.round(np.maximum(x[:, :50], 0) * 2)
    x[rng.random(x.shape) < 0.05] = np.nan
    filled = np.nan_to_num(x)
    y = filled[:, 0] * filled[:, 60] + filled[:, 1:20].sum(axis=1) * 0.3 + rng.normal(size=len(x)) > 0.5
    params = {
        "objective": "binary", "num_leaves": leaves, "learning_rate": 0.06, "verbosity": -1, "min_data_in_leaf": 40,
        "feature_fraction": 0.5, "max_bin": 63, "num_threads": 2,
    }  # fmt: skip
    return lgb.train(params, lgb.Dataset(x, y), trees)


def contributions_row(name: str, booster: lgb.Booster) -> str:
    """One row of the table: LightGBM's contributions and ours, one lead and many."""
    trees = Trees.read(booster.model_to_string())
    ours = Shapley.from_trees(trees) if trees else None
    assert ours is not None
    x = np.random.default_rng(2).normal(size=(10_000, booster.num_feature())).astype(np.float32) * 2
    single, sample = x[:1], x[:1_000]
    largest_difference = float(np.abs(ours.contributions(sample) - booster.predict(sample, pred_contrib=True)).max())
    single_seconds = (
        quickest(lambda: booster.predict(single, pred_contrib=True, num_threads=1), 200),
        quickest(lambda: ours.contributions(single), 1_000),
    )
    lead_seconds = (
        quickest(lambda: booster.predict(sample, pred_contrib=True), 3) / len(sample),
        quickest(lambda: ours.contributions(x), 5) / len(x),
    )
    cells = (
        name,
        f"{single_seconds[0] * 1e6:.0f} µs, {single_seconds[1] * 1e6:.1f} µs",
        f"**{single_seconds[0] / single_seconds[1]:.1f} ×**",
        f"{1 / lead_seconds[0]:,.0f}, {1 / lead_seconds[1]:,.0f}",
        f"**{lead_seconds[0] / lead_seconds[1]:.1f} ×**",
        f"{largest_difference:.0e}",
    )
    return f"| {' | '.join(cells)} |"


def answer_row(model: FunnelModel, stage: int) -> str:
    """One row of the table: for a lead in that lead stage LightGBM's contributions of the boosters that say how likely the next
    one is and the margins of all later ones; ours with points, chances, intervals, worth, curves, grades and reasons on top."""
    from serving.scoring.request import read
    from serving.scoring.scorer import Scorer

    scorer = Scorer(model)
    requests = [read(payload(model, seed), model.funnel, AS_OF) for seed in range(100)]
    inputs = [scorer.scoring_input(request.leads, request.as_of) for request in requests]
    rows = np.concatenate([leads.rows for leads in inputs] * 50, axis=1)
    count = rows.shape[1]
    stages, days = np.full(count, stage, np.int32), np.full(count, 30.0)
    fits = np.zeros((count, len(model.rules.book.fit)))
    x = model.packed.numbers(rows, stages, days, fits, 0).x
    each = [[gbm.booster for gbm in t.boosters] for t in model.transitions[stage:]]
    explained, later_boosters = each[0], [booster for boosters in each[1:] for booster in boosters]
    if model.value and model.value.gbm:
        later_boosters.append(model.value.gbm.booster)

    def predict(sample: Any, threads: int) -> None:
        for booster in explained:
            booster.predict(sample, pred_contrib=True, num_threads=threads)
        for booster in later_boosters:
            booster.predict(sample, raw_score=True, num_threads=threads)

    single_seconds = (
        quickest(lambda: predict(x[:1], 1), 100),
        quickest(lambda: model.packed.numbers(rows[:, :1], stages[:1], days[:1], fits[:1], 3), 500),
    )
    lead_seconds = (
        quickest(lambda: predict(x[:1_000], 0), 3) / 1_000,
        quickest(lambda: model.packed.numbers(rows, stages, days, fits, 3), 3) / count,
    )
    cells = (
        f"a lead in {model.funnel.stages[stage]}: {len(explained)} + {len(later_boosters)} boosters",
        f"{single_seconds[0] * 1e6:.0f} µs, {single_seconds[1] * 1e6:.1f} µs",
        f"**{single_seconds[0] / single_seconds[1]:.1f} ×**",
        f"{1 / lead_seconds[0]:,.0f}, {1 / lead_seconds[1]:,.0f}",
        f"**{lead_seconds[0] / lead_seconds[1]:.1f} ×**",
    )
    return f"| {' | '.join(cells)} |"


def batch(folder: Path, leads: int) -> tuple[int, float, float]:
    """Open leads of a simulated business, leads a second with reasons, and the seconds that indexing their histories takes."""
    from connectors.simulator.settings import SimulatorSettings
    from connectors.simulator.simulate import simulate
    from features.engine.histories import Histories
    from models.batch import score_open

    model = load(folder)
    dataset = simulate(SimulatorSettings(leads=leads)).dataset
    scored = len(score_open(model, dataset, dataset.extracted_at))
    seconds = quickest(lambda: score_open(model, dataset, dataset.extracted_at), 7)
    features = model.feature_set
    index = quickest(lambda: Histories.from_dataset(dataset, features.types, features.mail, features.turning_away), 3)
    return scored, scored / seconds, index


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, default=ROOT / "artefacts" / "champion")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--leads", type=int, default=60_000)
    options = parser.parse_args()
    folder = options.model.resolve()
    request_times = time_requests(folder, options.requests)
    cuts = {name: statistics.quantiles(times, n=100) for name, times in request_times.times.items()}
    lines = [
        "# Speed of serving",
        "",
        f"`make bench-serving` on {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}.",
        "",
        f"## One lead with {ACTS} interactions",
        "",
        f"{options.requests:,} requests to each, in turn, over one kept connection each. The bare app is FastAPI + LightGBM on",
        "the same body: pydantic reads it and one booster of the champion answers; no features, reasons, rules, intervals or",
        "advice. Both have uvloop and httptools.",
        "",
        "| | p50 ms | p99 ms | worst ms | above 50 ms |",
        "|---|---|---|---|---|",
    ]
    for name, times in request_times.times.items():
        slow = sum(t > 50 for t in times)
        lines.append(f"| {name} | {cuts[name][49]:.3f} | {cuts[name][98]:.3f} | {max(times):.1f} | {slow} |")
    ratio = [cuts["ours"][centile] / cuts["bare"][centile] for centile in (49, 98)]
    lines += [
        "",
        f"Ours to bare: **p50 {ratio[0]:.2f} ×, p99 {ratio[1]:.2f} ×**. Memory of our worker: {request_times.mib:.0f} MiB.",
        "",
    ]
    lines += [
        "## Contributions",
        "",
        "Exact Shapley contributions: LightGBM's `pred_contrib` first, our kernel second; one lead alone, many on all cores.",
        "",
        "| trees | one lead | | leads a second | | largest difference |",
        "|---|---|---|---|---|---|",
    ]
    model = load(folder)
    for transition in model.transitions:
        for gbm in transition.boosters:
            most_leaves = max(t["num_leaves"] for t in gbm.booster.dump_model()["tree_info"])
            shape = f"{gbm.trees} trees, at most {most_leaves} leaves"
            lines.append(contributions_row(f"champion, {transition.target}: {shape}", gbm.booster))
    for trees, leaves in ((150, 15), (400, 63)):
        lines.append(contributions_row(f"{trees} trees of {leaves} leaves, 300 features", random_booster(trees, leaves)))
    lines += [
        "",
        "What a lead asks for: LightGBM's contributions of the boosters of its next lead stage and margins of all later ones",
        "first; then our one call, which also gives points, chances, intervals, worth, curves, grades and three reasons.",
        "",
        "| | one lead | | leads a second | |",
        "|---|---|---|---|---|",
        *(answer_row(model, stage) for stage in range(len(model.transitions))),
    ]
    scored, rate, index = batch(folder, options.leads)
    lines += [
        "",
        "## Batch",
        "",
        f"{scored:,} open leads of a simulated business of {options.leads:,}, all of the answer with three reasons each:",
        f"**{rate:,.0f} leads a second**. Making the index of the histories takes {index:.2f} s alone; attributes are encoded",
        "meanwhile.",
    ]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
