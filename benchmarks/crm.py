"""Import from and write-back to CRMs on loopback: rows a second, memory against the number of rows, calls. `make bench-crm`.

The stand-in runs in a process of its own and keeps no rate limit, so that the figures are ours and not the vendor's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("hubspot", "salesforce", "marketo", "pipedrive")
OUT = ROOT / "docs" / "benchmarks" / "crm.md"
WRITTEN = 10_000
AGAIN = "second import: rows, calls | 10,000 scores: calls, seconds | import after that: rows, calls"

JOB = """
import json, resource, sys, time
from pathlib import Path
import features.sources.marketo.api as marketo
import features.sources.salesforce.api as salesforce
marketo.POLL = salesforce.POLL = 0.001
from training.crm import open_configured
from features.sources.crm import sync
from features.sources.crm.scores import FIELDS, values_of
from features.sources.crm.write_back import Ledger, plan, send
from features.dataset import Dataset
from datetime import datetime, UTC
import io
kind, config, what = sys.argv[1:4]
opened = open_configured(kind, Path(config))
connector = opened.connector
begun = time.perf_counter()
found = {}
if what == "import":
    done = sync.run(connector, opened.source, opened.config.funnel.build())
    found["rows"] = sum(done.synced.rows.values())
    found["leads"] = done.report.rows["leads"]
else:
    import pyarrow.parquet as pq
    names = pq.read_table(connector.landing.folder / "dataset" / "leads.parquet", columns=["lead_id"])["lead_id"].to_pylist()
    names = sorted(names)[:int(sys.argv[4])]
    row = {"score": 50, "grade": "A1", "action": "nurture", "p_customer": 0.1, "points": 35.0, "expected_value": 1234.5}
    records = {n: values_of(row, "customer", "m 1", datetime.now(UTC)) for n in names}
    ledger = Ledger(connector.landing.folder / "sent.sqlite")
    connector.prepare(FIELDS, create=kind != "salesforce")
    found["rows"] = send(connector, plan(records, ledger.known(), FIELDS), ledger, "m 1").written
found["seconds"] = time.perf_counter() - begun
found["calls"] = connector.http.calls
found["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(found))
"""


@contextmanager
def served(kind: str, leads: int) -> Iterator[str]:
    """A stand-in that holds so many leads; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crm.serve", kind, str(leads)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(30)


def run(kind: str, config: Path, what: str) -> dict[str, Any]:
    """One job in a process of its own."""
    from tests.crm.crms import SECRETS

    command = [sys.executable, "-c", JOB, kind, str(config), what, str(WRITTEN)]
    environment = {**os.environ, **SECRETS, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=config.parent, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(kind: str, leads: int) -> dict[str, Any]:
    """First import, second import, write-back, import after the write-back."""
    from tests.crm.crms import SWEEP, YAML

    with tempfile.TemporaryDirectory() as home, served(kind, leads) as url:
        config = Path(home) / f"{kind}.yaml"
        config.write_text(
            YAML.format(kind=kind, url=url, folder=Path(home) / "crm", more=SWEEP.get(kind, "")), encoding="utf-8"
        )
        found = {"first": run(kind, config, "import"), "second": run(kind, config, "import")}
        found["written"] = run(kind, config, "write")
        found["after"] = run(kind, config, "import")
    return found


def main() -> None:
    """Measure all, print, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leads", type=int, default=20_000)
    given = parser.parse_args()
    lines = [
        "# Speed of the CRM connectors",
        "",
        "`make bench-crm` on 2 cores; a stand-in of each CRM on loopback, in a process of its own and without rate limits,",
        f"holds {given.leads:,} simulated leads with all their history as far as that CRM can tell it. Rows: what was landed",
        "(records, versions of fields, acts). From the first call to the written dataset. Memory: the peak of the importing",
        "process. The vendors' own limits are lower than any of these rates.",
        "",
        f"| CRM | rows | seconds | rows a second | calls | MiB, {given.leads // 4:,} and {given.leads:,} leads | {AGAIN} |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        quarter = measure(kind, given.leads // 4)
        found = measure(kind, given.leads)
        first, second, written, after = (found[name] for name in ("first", "second", "written", "after"))
        rate = first["rows"] / first["seconds"]
        cells = (
            kind,
            f"{first['rows']:,}",
            f"{first['seconds']:.1f}",
            f"{rate:,.0f}",
            f"{first['calls']:,}",
            f"{quarter['first']['mib']:.0f}, {first['mib']:.0f}",
            f"{second['rows']:,}, {second['calls']:,}",
            f"{written['calls']:,}, {written['seconds']:.1f} ({written['rows']:,} written)",
            f"{after['rows']:,}, {after['calls']:,}",
        )
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"Written to {OUT.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
