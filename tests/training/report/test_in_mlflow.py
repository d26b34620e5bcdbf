"""The report as a marketer opens it: in MLflow's own pages, of the default and of a real business, in both languages.

Screenshots go to the folder named by RIPELINE_SCREENSHOTS, else to a scratch folder.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Page
from rich.console import Console

from features.common.words import Language
from tests.browser import executable, open_browser
from tests.serving.processes import ROOT, free_port, running
from training.common import tracking
from training.common.config import Config, ReportConfig
from training.data.load import load
from training.evaluation.worth import worth
from training.report import Findings, write_report
from training.train import Outcome, train

REAL = ROOT.parent / "shared" / "data" / "bpic2012"
CONFIGS = {"default": ROOT / "training" / "default.yaml", "bpic2012": ROOT / "benchmarks" / "real" / "bpic2012.yaml"}
ASKED = {"en": "What should we do?", "de": "Was sollten wir tun?"}
MIB = 2**20


@pytest.fixture(scope="module", params=CONFIGS)
def logged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Outcome, Path]]:
    """A training in an MLflow of its own, and its report once more in German."""
    executable()
    name = request.param
    folder = None
    if name == "bpic2012":
        if not REAL.is_dir():
            pytest.skip("needs the data set bpic2012 in ../shared/data")
        folder = REAL
    home = tmp_path_factory.mktemp(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        config = Config.read(CONFIGS[name])
        out = train(config, folder=folder, console=Console(file=io.StringIO(), width=120))
        dataset, report = load(config, folder=folder)
        found = Findings(worth(out.prepared, dataset, out.model), out.model.next_steps)
        german = config.model_copy(update={"report": ReportConfig(language="de")})
        (home / "report_de.html").write_text(
            write_report(german, report, out.prepared, out.holdout, out.handover_result, found), encoding="utf-8"
        )
        tracking.connect().log_artifact(out.run_id, str(home / "report_de.html"))
        yield name, out, home


def read(page: Page, frame: FrameLocator, shots: Path, title: str) -> None:
    """Scroll through the whole report, so that every chart comes alive, and take pictures."""
    charts = frame.locator(".chart")
    assert charts.count() >= 8
    for i in range(charts.count()):
        charts.nth(i).scroll_into_view_if_needed()
        frame.locator(".chart.live").nth(i).wait_for()
        if i in (0, 1, 3):
            page.screenshot(path=shots / f"{title}_{i}.png")


@pytest.mark.slow
def test_the_report_reads_in_mlflows_own_pages(logged: tuple[str, Outcome, Path]) -> None:
    name, out, home = logged
    shots = Path(os.environ.get("RIPELINE_SCREENSHOTS", str(home)))
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", f"sqlite:///{home / 'mlflow.db'}"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    experiment = tracking.connect().get_run(out.run_id).info.experiment_id
    with running(command, port, home / "ui.log", ready="/health") as url, open_browser(width=1400) as browser:
        languages: dict[str, Language] = {"report.html": "en", "report_de.html": "de"}
        for file, language in languages.items():
            browser.page.goto(f"{url}/#/experiments/{experiment}/runs/{out.run_id}/artifacts/{file}")
            browser.page.reload()
            frame = browser.page.frame_locator("iframe")
            frame.get_by_role("heading", name=ASKED[language]).wait_for(timeout=60_000)
            browser.page.screenshot(path=shots / f"{name}_{language}.png")
            read(browser.page, frame, shots, f"{name}_{language}")
            assert (home / "report_de.html").stat().st_size < 3 * MIB
