"""One report in both languages, for all tests of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trained import Trained
from training.common.config import Config
from training.report.facts import Findings, ReportFacts, gather
from training.report.page import render
from training.report.words import Speaker


@pytest.fixture(scope="session")
def facts(trained: Trained) -> dict[str, ReportFacts]:
    out = trained.outcome
    config = Config.read(trained.config)
    from features.dataset.data_report import DataReport
    from training.data.load import load
    from training.evaluation.worth import worth

    dataset, report = load(config)
    assert isinstance(report, DataReport)
    found = Findings(worth(out.prepared, dataset, out.model), out.model.next_steps)
    return {
        language: gather(config, report, out.prepared, out.holdout, out.handover_result, found, language)  # type: ignore[arg-type]
        for language in ("en", "de")
    }


@pytest.fixture(scope="session")
def pages(facts: dict[str, ReportFacts], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    found = {}
    for language, f in facts.items():
        found[language] = folder / f"{language}.html"
        found[language].write_text(render(f, Speaker(language)), encoding="utf-8")  # type: ignore[arg-type]
    return found
