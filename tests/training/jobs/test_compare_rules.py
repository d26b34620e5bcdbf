"""A changed rule set judged on history: the same leads, both ways, and one more child run beside the champion's."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from features.common.errors import ConfigError
from models.rules.rules import DEFAULT_RULES
from tests.trained import Trained
from training.common import tracking
from training.common.config import Config
from training.jobs.compare_rules import run
from training.rules.replay import Comparison


@pytest.fixture
def at_home(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A copy of the training's MLflow, as what is logged here is nobody else's business."""
    shutil.copy(trained.home / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Config.read(trained.config)


def changed(tmp_path: Path, **change: object) -> Path:
    content = yaml.safe_load(DEFAULT_RULES.read_text(encoding="utf-8")) | change
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def compared(config: Config, path: Path) -> tuple[Comparison, str]:
    console = Console(file=io.StringIO(), width=200)
    found = run(config, path, console=console)
    return found, console.file.getvalue()  # type: ignore[attr-defined]


def test_the_rules_as_they_are_differ_in_nothing(trained: Trained, at_home: Config) -> None:
    """And measure what the training measured of them, on the same leads."""
    found, said = compared(at_home, DEFAULT_RULES)
    assert found.results["new"] == found.results["now"]
    for name, metrics in found.results["now"].items():
        assert metrics == pytest.approx(trained.model.metrics["held_out"]["rules"][name])
    assert (found.loss.mean, found.caught.mean, found.moved) == (0, 0, {})
    assert "No lead would get another lead stage." in said
    assert "model" in said


def test_worse_points_are_found_worse(at_home: Config, tmp_path: Path) -> None:
    """Points for nothing but opened mails meet fewer customers."""
    only = [{"interaction": "email_opened", "points": 5}]
    found, said = compared(at_home, changed(tmp_path, behaviour=only, fit=[], thresholds={"mql": 50}))
    assert found.loss.mean > 0
    assert found.caught.mean < 0
    assert found.caught.low <= found.caught.mean <= found.caught.high
    assert sum(found.moved.values()) > 0
    assert "Lead stages that the rules give change for" in said


def test_it_is_logged_beside_the_champion(at_home: Config, tmp_path: Path) -> None:
    _, said = compared(at_home, changed(tmp_path, thresholds={"mql": 30, "sql": 90}))
    parent = tracking.champion_run("small")
    assert parent is not None
    client = tracking.connect()
    experiment = client.get_run(parent).info.experiment_id
    children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
    mine = [r for r in children if r.info.run_name == "candidate: changed"]
    assert len(mine) == 1
    assert {"customer.log_loss", "customer.caught", "against_rules.loss"} <= set(mine[0].data.metrics)
    assert [f.path for f in client.list_artifacts(mine[0].info.run_id, "rules")] == ["rules/changed.yaml"]
    assert mine[0].info.run_id in said


def test_points_from_another_funnel_are_refused_before_anything_is_read(at_home: Config, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"threshold for 'demo': (?s:.*)Use the funnel's names"):
        compared(at_home, changed(tmp_path, thresholds={"demo": 30}))
