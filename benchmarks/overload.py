"""`make bench-overload`: three times as much as can be answered, for a minute. What is told, and how late."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.load import driven
from benchmarks.serving import ROOT, free_port, payload, running
from models.store import load

OUT = ROOT / "docs" / "benchmarks" / "overload.md"
TIMES = 3


def worker(process: psutil.Process) -> psutil.Process:
    """The process that answers: the largest."""
    return max([process, *process.children(recursive=True)], key=lambda one: one.memory_info().rss)


def mib(process: psutil.Process) -> float:
    """Megabytes of it."""
    return worker(process).memory_info().rss / 2**20


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, default=ROOT / "artefacts" / "champion")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=1_000)
    arguments = parser.parse_args()
    folder, port = arguments.model.resolve(), free_port()
    model = load(folder)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "requests.json"
        file.write_text(json.dumps([["POST", "/v1/score", payload(model, seed).decode()] for seed in range(100)]))
        command = [sys.executable, "-m", "serving", "--model", str(folder), "--port", str(port)]
        with running(command, port, "/readyz", {"RIPELINE_LOG_LEVEL": "info"}) as started:
            process = psutil.Process(started.pid)
            driven(port, file, 5, 16)  # warm, and with as much memory as it takes
            before = driven(port, file, 5, 16)
            capacity = before["statuses"][200] / before["seconds"]
            at_first = mib(process)
            during = driven(port, file, arguments.seconds, arguments.connections, TIMES * capacity)
            time.sleep(2)
            afterwards = mib(process)
            after = driven(port, file, 5, 16)
    sent = sum(during["statuses"].values())
    again = after["statuses"].get(200, 0) / after["seconds"]
    counts = ", ".join(f"{status or 'no answer'}: {count:,}" for status, count in sorted(during["statuses"].items()))
    latencies = f"{during.get('p50', 0):,.0f}, {during.get('p99', 0):,.0f}, {during['worst']:,.0f} ms"
    lines = [
        "# Overload",
        "",
        f"`make bench-overload` on {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; the",
        f"client, in a process of its own, takes its share of them. One worker with the model {model.name!r}; one lead with 50",
        "interactions a request.",
        "",
        "| | |",
        "|---|---|",
        f"| capacity: 16 connections, as fast as they are answered | {capacity:,.0f} a second |",
        f"| asked for {arguments.seconds:g} s over {arguments.connections:,} connections | {TIMES * capacity:,.0f} a second |",
        f"| sent | {sent:,} ({sent / during['seconds']:,.0f} a second) |",
        f"| answers | {counts} |",
        f"| scored | {during['statuses'].get(200, 0) / during['seconds']:,.0f} a second |",
        f"| time of those that were scored: p50, p99, worst | {latencies} |",
        f"| memory of the worker before and after | {at_first:.0f}, {afterwards:.0f} MiB |",
        f"| capacity from 2 s after on | {again:,.0f} a second ({again / capacity:.0%}) |",
    ]
    print("\n".join(lines), flush=True)
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    others = set(during["statuses"]) - {200, 429, 503}
    if others:
        sys.exit(f"Other answers than 200, 429 and 503: {sorted(others)}")


if __name__ == "__main__":
    main()
