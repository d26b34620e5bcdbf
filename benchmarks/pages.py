"""How fast the report and the page are there, in Chromium on loopback, and how fast rules are replayed.

`make bench-pages` needs the artefacts of `make serve` and writes docs/benchmarks/pages.md.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "benchmarks" / "pages.md"
ARTEFACTS = ROOT / "artefacts"
TIMES = 7
LEADS = 200_000
MIB = 2**20

PAINTED = """new Promise((done) => {
    let last = 0;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) last = entry.startTime; })
        .observe({ type: 'largest-contentful-paint', buffered: true });
    setTimeout(() => done(last), 1500);
})"""
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


@contextmanager
def served() -> Iterator[str]:
    """The server of `make serve`, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "serving", "--model", str(ARTEFACTS / "champion"), "--port", str(port)]
    command += ["--report", str(ARTEFACTS / "report.html"), "--store", f"sqlite:///{ARTEFACTS / 'leads.db'}"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/readyz", timeout=5).close()  # noqa: S310  loopback
                break
            except OSError:
                time.sleep(0.3)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def opened(browser: Browser, url: str, ready: str) -> tuple[float, float]:
    """Milliseconds until the page has loaded, and until its largest paint, each the median of fresh visits."""
    loaded, painted = [], []
    for _ in range(TIMES):
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto(url)
        page.locator(ready).first.wait_for()
        painted.append(float(page.evaluate(PAINTED)))
        loaded.append(float(page.evaluate(LOADED)))
        page.close()
    return statistics.median(loaded), statistics.median(painted)


def replayed() -> tuple[int, float]:
    """Interactions, and seconds to replay and compare the default rules on a simulated CRM beyond reading it."""
    from connectors.simulator.settings import SimulatorSettings
    from connectors.simulator.simulate import simulate
    from features.dataset.validate import validate
    from models.rules.rules import Rules
    from training.common.config import Config
    from training.data.prepare import prepare
    from training.rules.replay import compare_rules

    world = simulate(SimulatorSettings(leads=LEADS))
    dataset, _ = validate(world.dataset, world.funnel)
    config, rules = Config.read(ROOT / "training" / "default.yaml"), Rules.read()
    began = time.perf_counter()
    judged = {f"{entity}.{name}" for entity, name in rules.attributes}
    prepared = prepare(dataset, config, config.funnel.build(), rules, rules_only=True, audited_columns=judged)
    compare_rules(prepared, rules, config)
    return len(dataset.interactions), time.perf_counter() - began


def main() -> None:
    """Measure and write the table."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium or not (ARTEFACTS / "report.html").is_file():
        sys.exit(
            "This needs Chromium (or CHROMIUM=…) and the artefacts of `make serve`: run `make train`, start `make serve` once."
        )
    size = (ARTEFACTS / "report.html").stat().st_size / MIB
    rows = []
    with sync_playwright() as playwright, served() as url:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, address, ready in (
            ("report, as a file", (ARTEFACTS / "report.html").as_uri(), "#do"),
            ("report, from the server", f"{url}/report", "#do"),
            ("page, the work list", url, "#leads tbody tr"),
        ):
            loaded, painted = opened(browser, address, ready)
            rows.append(f"| {name} | {loaded:.0f} ms | {painted:.0f} ms |")
        browser.close()
    interactions, seconds = replayed()
    table = "\n".join(rows)
    OUT.write_text(
        f"# The pages, and the replay of rules\n\n`make bench-pages`, medians of {TIMES} fresh visits in Chromium on loopback, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}.\n\n"
        f"| | loaded | largest paint |\n|---|---|---|\n{table}\n\n"
        f"The report of the default training has {size:.2f} MiB.\n\n"
        f"Rules replayed and compared over {LEADS:,} leads and {interactions:,} interactions: {seconds:.1f} s "
        "beyond reading.\n",
        encoding="utf-8",
    )
    print(OUT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
