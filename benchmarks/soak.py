"""`make soak`: ten minutes of everything at once, with new models meanwhile. Does memory grow, does anything fail?"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.load import driven
from benchmarks.overload import mib
from benchmarks.serving import ROOT, free_port, payload, running
from models.model import FunnelModel
from models.store import load, save

OUT = ROOT / "docs" / "benchmarks" / "soak.md"
RATE, CONNECTIONS = 20.0, 8  # requests a second, of all kinds
SWAP, LOOK = 30.0, 2.0  # seconds between two new models, and between two looks at the memory
WARM = 0.3  # of the time: until everything that is kept once has been
MOST_GROWTH = 20.0  # MiB over the rest of the time; also what the allocator gives and takes


def mixed(model: FunnelModel) -> list[tuple[str, str, str]]:
    """One lead, a batch, what-if, the list, and what is refused."""
    requests = []
    for seed in range(40):
        body = payload(model, seed).decode()
        requests += [("POST", "/v1/score", body)] * 5
        requests.append(("POST", "/v1/what-if", body))
        requests.append(("GET", "/v1/leads?limit=50", ""))
        requests.append(("POST", "/v1/score", body[: len(body) // 2]))
        requests.append(("POST", "/v1/score", body.replace("created_at", "created", 1)))
        requests.append(("GET", f"/nobody/{seed}", ""))
        if seed % 4 == 0:
            requests.append(("POST", "/v1/score", payload(model, seed, leads=60).decode()))
    return requests


def main() -> None:
    """Ask, swap models, look at the memory, print, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, default=ROOT / "artefacts" / "champion")
    parser.add_argument("--minutes", type=float, default=10)
    arguments = parser.parse_args()
    model, port, seconds = load(arguments.model.resolve()), free_port(), arguments.minutes * 60
    with tempfile.TemporaryDirectory() as scratch:
        folder, file = Path(scratch) / "model", Path(scratch) / "requests.json"
        shutil.copytree(arguments.model.resolve(), folder)
        file.write_text(json.dumps(mixed(model)))
        words = ["--model", str(folder), "--port", str(port), "--audit", str(Path(scratch) / "audit")]
        with running([sys.executable, "-m", "serving", *words], port, "/readyz", {}) as started:
            load_result: dict[str, Any] = {}
            client = threading.Thread(target=lambda: load_result.update(driven(port, file, seconds, CONNECTIONS, RATE)))
            client.start()
            process, begun, swaps = psutil.Process(started.pid), time.monotonic(), 0
            looks: list[tuple[float, float]] = []
            while client.is_alive():
                now = time.monotonic() - begun
                looks.append((now, mib(process)))
                if now > SWAP * (swaps + 1):
                    swaps += 1
                    save(replace(model, version=f"soak-{swaps}"), folder)
                time.sleep(LOOK)
            client.join()
    late = np.array([look for look in looks if look[0] > WARM * seconds])
    slope = float(np.polyfit(late[:, 0], late[:, 1], 1)[0]) * 60
    grown = slope * (1 - WARM) * arguments.minutes
    memory = ", ".join(f"{one:.0f}" for one in (looks[0][1], late[0, 1], late[-1, 1]))
    counts = ", ".join(f"{status or 'no answer'}: {count:,}" for status, count in sorted(load_result["statuses"].items()))
    latencies = f"{load_result['p50']:.1f}, {load_result['p99']:.1f}, {load_result['worst']:.0f} ms"
    lines = [
        "# Soak",
        "",
        f"`make soak` on {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}:",
        f"{arguments.minutes:g} minutes of {RATE:g} requests a second: one lead, 60 leads, what-if, the list, broken and",
        f"unknown ones; a new model every {SWAP:g} s;",
        f"with an audit trail; the model {model.name!r}.",
        "",
        "| | |",
        "|---|---|",
        f"| answers | {counts} |",
        f"| time of those answered with 200: p50, p99, worst | {latencies} |",
        f"| new models taken over | {swaps} |",
        f"| memory of the worker: first, after {WARM:.0%} of the time, last | {memory} MiB |",
        f"| slope after that | {slope:+.2f} MiB a minute |",
    ]
    print("\n".join(lines), flush=True)
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if set(load_result["statuses"]) - {200, 400, 404, 422, 429, 503}:
        sys.exit("Other answers than were to be expected.")
    if grown > MOST_GROWTH:
        sys.exit(f"Memory grew by {grown:.0f} MiB.")


if __name__ == "__main__":
    main()
