"""`wrk` (Debian: `apt install wrk`), a client in C that takes little of the cores that the server needs: so many connections,
each asking as soon as it was answered."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPORT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write('\\n', string.format('{"answers": %d, "microseconds": %d, ', summary.requests, summary.duration))
  io.write(string.format('"p50": %.1f, "p99": %.1f, ', latency:percentile(50), latency:percentile(99)))
  io.write(string.format('"worst": %.1f, "refused": %d, ', latency.max, e.status))
  io.write(string.format('"broken": %d}\\n', e.connect + e.read + e.write + e.timeout))
end
"""
# every request a new event: of the run, the thread and its number; leads in turn
EVENTS = """
local threads, leads = 0, {%s}
setup = function(thread) thread:set("id", threads); threads = threads + 1 end
local count = 0
request = function()
  count = count + 1
  local body = string.format(
    '{"interactions":[{"event_id":"%s-%%d-%%d","lead_id":"%%s","type":"page_view","at":"2026-06-29T10:%%02d:00Z","direction":"in"}]}',
    id, count, leads[(count * 7 + id) %% #leads + 1], count %% 60)
  return wrk.format("POST", "/v1/interactions", {["content-type"] = "application/json"}, body)
end
"""


@dataclass(frozen=True)
class Load:
    """What came back: answers a second, milliseconds, answers of another status than 2xx and 3xx, connections that broke."""

    rate: float
    p50: float
    p99: float
    worst: float
    refused: int
    broken: int

    @property
    def words(self) -> str:
        trouble = f"; {self.refused:,} refused, {self.broken:,} broken" if self.refused or self.broken else ""
        return f"{self.rate:,.0f}/s, p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms{trouble}"


def ask(port: int, path: str, seconds: float, connections: int, script: str = "") -> Load:
    """Ask for `path`, or what the Lua `script` says.

    Raises
    ------
    SystemExit
        where there is no wrk.
    """
    if shutil.which("wrk") is None:
        raise SystemExit("This benchmark asks with wrk, which is not here: apt install wrk.")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "load.lua"
        file.write_text(script + REPORT, encoding="utf-8")
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "60s", "-s", str(file)]
        answer = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
    report = json.loads(answer.stdout.strip().splitlines()[-1])
    rate = report["answers"] / report["microseconds"] * 1e6
    p50, p99, worst = (report[name] / 1e3 for name in ("p50", "p99", "worst"))
    return Load(rate, p50, p99, worst, report["refused"], report["broken"])


def events(port: int, run: str, leads: Sequence[str], seconds: float, connections: int) -> Load:
    """Send single events, one a request, of these leads in turn; `run` is new each time, so that every event is."""
    script = EVENTS % (", ".join(json.dumps(name) for name in leads), run)
    return ask(port, "/v1/interactions", seconds, connections, script)
