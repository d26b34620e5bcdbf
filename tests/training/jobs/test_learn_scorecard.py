"""The job that learns a scorecard: a file that can be used, and never over another."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from features.common.errors import ConfigError
from models.rules.check import read_with_lines
from models.rules.rules import Rules
from tests.trained import Trained
from training.common.config import Config
from training.jobs.learn_scorecard import run


def test_the_job_writes_a_file_that_can_be_used_and_never_over_another(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(trained.home / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    console = Console(file=io.StringIO(), width=160)
    run(Config.read(trained.config), tmp_path / "card.yaml", 10, console=console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Points: as they are, and as learned" in said
    assert "the learned points keep" in said
    rules, _ = read_with_lines(tmp_path / "card.yaml")
    assert rules == Rules.read(tmp_path / "card.yaml")
    with pytest.raises(ConfigError, match=r"card\.yaml exists already"):
        run(Config.read(trained.config), tmp_path / "card.yaml", 10, console=console)
