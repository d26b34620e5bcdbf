"""Import from and write-back to CRMs on loopback: rows a second, memory against the number of rows, calls. `make bench-crm`.

The stand-in runs in a process of its own and keeps no rate limit, so that the figures are ours and not the vendor's. It prints
tables for docs/benchmarks/crm.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.registry import CRMS

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = 10_000
AGAIN = "second import: rows, calls | 10,000 scores: calls, seconds | import after that: rows, calls"

JOB = """
import json, resource, sys, time
from pathlib import Path
import connectors.marketo.api as marketo
import connectors.salesforce.api as salesforce
marketo.POLL = salesforce.POLL = 0.001
from training.jobs.crm import open_configured
from connectors.crm import sync
from connectors.crm.score_fields import FIELDS, values_of
from connectors.crm.write_back import Ledger, plan, send
from features.dataset.dataset import Dataset
from datetime import datetime, UTC
import io
kind, config, what = sys.argv[1:4]
opened = open_configured(kind, Path(config))
connector = opened.connector
begun = time.perf_counter()
figures = {}
if what == "import":
    done = sync.run(connector, opened.source, opened.config.funnel.build())
    figures["rows"] = sum(done.synced.rows.values())
    figures["leads"] = done.report.rows["leads"]
else:
    import pyarrow.parquet as pq
    names = pq.read_table(connector.landing.folder / "dataset" / "leads.parquet", columns=["lead_id"])["lead_id"].to_pylist()
    names = sorted(names)[:int(sys.argv[4])]
    row = {"score": 50, "grade": "A1", "action": "nurture", "p_customer": 0.1, "points": 35.0, "expected_value": 1234.5}
    records = {n: values_of(row, "customer", "m 1", datetime.now(UTC)) for n in names}
    ledger = Ledger(connector.landing.folder / "sent.sqlite")
    connector.prepare(FIELDS, create=kind != "salesforce")
    figures["rows"] = send(connector, plan(records, ledger.digests(), FIELDS), ledger, "m 1").written
figures["seconds"] = time.perf_counter() - begun
figures["calls"] = connector.http.calls
figures["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(figures))
"""


@contextmanager
def served(kind: str, leads: int) -> Iterator[str]:
    """A stand-in that holds so many leads; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.connectors.crm.serve", kind, str(leads)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(30)


def run(kind: str, config: Path, what: str) -> dict[str, Any]:
    """One job in a process of its own."""
    from tests.connectors.crm.crms import SECRETS

    command = [sys.executable, "-c", JOB, kind, str(config), what, str(WRITTEN)]
    environment = {**os.environ, **SECRETS, "PYTHONPATH": str(ROOT)}
    process = subprocess.run(command, cwd=config.parent, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    result: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return result


def measure(kind: str, leads: int, write_back: bool = True) -> dict[str, Any]:
    """First import; with `write_back` also a second import, the write-back, and an import after it."""
    from tests.connectors.crm.crms import SWEEP, YAML

    with tempfile.TemporaryDirectory() as home, served(kind, leads) as url:
        config = Path(home) / f"{kind}.yaml"
        config.write_text(
            YAML.format(kind=kind, url=url, folder=Path(home) / "crm", more=SWEEP.get(kind, "")), encoding="utf-8"
        )
        results = {"first": run(kind, config, "import")}
        if write_back:
            results["second"] = run(kind, config, "import")
            results["written"] = run(kind, config, "write")
            results["after"] = run(kind, config, "import")
    return results


def speed(kinds: Sequence[str], leads: int) -> Iterator[str]:
    """A row a CRM: rows a second, calls, what a second import and a write-back cost."""
    yield f"| CRM | rows | seconds | rows a second | calls | {AGAIN} |"
    yield "|---|---|---|---|---|---|---|---|"
    for kind in kinds:
        results = measure(kind, leads)
        first, second, written, after = (results[name] for name in ("first", "second", "written", "after"))
        cells = (
            kind,
            f"{first['rows']:,}",
            f"{first['seconds']:.1f}",
            f"{first['rows'] / first['seconds']:,.0f}",
            f"{first['calls']:,}",
            f"{second['rows']:,}, {second['calls']:,}",
            f"{written['calls']:,}, {written['seconds']:.1f} ({written['rows']:,} written)",
            f"{after['rows']:,}, {after['calls']:,}",
        )
        yield f"| {' | '.join(cells)} |"


def memory(kinds: Sequence[str], sizes: Sequence[int]) -> Iterator[str]:
    """A row a CRM and size: peak of the importing process in a first import."""
    yield "| CRM | leads | rows | peak, MiB | against the first size |"
    yield "|---|---|---|---|---|"
    for kind in kinds:
        least = 0.0
        for leads in sizes:
            first = measure(kind, leads, write_back=False)["first"]
            least = least or first["mib"]
            yield f"| {kind} | {leads:,} | {first['rows']:,} | {first['mib']:.0f} | {first['mib'] / least - 1:+.0%} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leads", type=int, default=20_000)
    parser.add_argument("--kinds", nargs="+", choices=list(CRMS), default=list(CRMS))
    parser.add_argument("--memory", type=int, nargs="+", metavar="LEADS", help="the peak at these sizes, and nothing else")
    arguments = parser.parse_args()
    rows = memory(arguments.kinds, arguments.memory) if arguments.memory else speed(arguments.kinds, arguments.leads)
    for line in rows:
        print(line, flush=True)


if __name__ == "__main__":
    main()
