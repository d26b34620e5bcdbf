"""The main job end to end on a small simulated CRM, in an embedded MLflow of its own, and what happens when it is stopped."""

from __future__ import annotations

import errno
import io
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from rich.console import Console

import training.report.log_run
import training.scale.training_data
import training.train
from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from tests.trained import Trained
from training.common import tracking
from training.common.config import Config, Search
from training.scale.training_data import TrainingData


def runs(client: MlflowClient, name: str = "small") -> list[mlflow.entities.Run]:
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def test_the_terminal_says_it_in_plain_words(trained: Trained) -> None:
    assert "If sales takes the 10 % ranked highest" in trained.printed
    assert "the rules" in trained.printed
    assert "There was no champion" in trained.printed


def test_the_model_beats_guessing_on_held_out_leads(trained: Trained) -> None:
    metrics = trained.model.metrics["held_out"]["model"]["mql"]
    rate = metrics["base_rate"]
    assert metrics["log_loss"] < -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    assert metrics["roc_auc"] > 0.65


@pytest.mark.parametrize(
    ("fault", "raised"), [(OSError(errno.ENOSPC, "No space left on device"), OSError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_a_training_that_is_stopped_registers_nothing(
    trained: Trained,
    dataset: Dataset,
    working_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
    raised: type[BaseException],
) -> None:
    """Stopped while the model folder is saved: the run is marked failed and there is no registered model at all.

    What the steps before it find has been found already.
    """

    def fail(*_: object) -> None:
        raise fault

    found = trained.outcome
    config = Config.read(trained.config).model_copy(update={"name": "stopped"})
    report = validate(dataset, config.funnel.build())[1]
    data = TrainingData(config, dataset, report, found.prepared)
    monkeypatch.setattr(training.train, "open_training_data", lambda *_: nullcontext(data))
    for step, result in (("hold_out", found.holdout), ("handover", found.handover_result), ("final_model", found.model)):
        monkeypatch.setattr(training.train, step, lambda *_, result=result: result)
    monkeypatch.setattr(training.train, "write_report", lambda *_: "")
    monkeypatch.setattr(training.report.log_run, "save", fail)
    with pytest.raises(raised):
        training.train.train(config, console=Console(file=io.StringIO(), width=120))
    client = tracking.connect()
    assert client.search_registered_models() == []
    (parent,) = [r for r in runs(client, "stopped") if "ripeline.kind" not in r.data.tags]
    assert parent.info.status == "FAILED"


def test_a_transition_that_never_happens_is_scored_by_the_points(
    trained: Trained, working_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No customer yet: the points rank, around what so many leads without any make likely, and the run says so."""
    config = Config.read(trained.config).model_copy(update={"name": "never", "search": Search(trials=1)})
    dataset = simulate(SimulatorSettings(leads=500, days=730, seed=3)).dataset
    never = replace(dataset, lead_stages=dataset.lead_stages[dataset.lead_stages["lead_stage"] != "customer"])
    monkeypatch.setattr(training.scale.training_data, "load", lambda *_, **__: validate(never, config.funnel.build()))
    monkeypatch.setattr(training.train, "write_report", lambda *_: "")
    said = io.StringIO()
    outcome = training.train.train(config, console=Console(file=said, width=120))
    assert "customer: points: 0 accounts" in said.getvalue()
    assert "points: 0 accounts" in outcome.holdout.fit.transitions[-1].log["regime"]
    assert 0 < np.nanmax(outcome.holdout.probability["model"][:, -1]) < 0.05
    last = outcome.model.transitions[-1]
    x = np.zeros((2, len(outcome.model.names)), np.float32)
    x[1, -1] = 200  # points
    few, many = last.probability(x)
    assert 0 < few < many < 0.05
