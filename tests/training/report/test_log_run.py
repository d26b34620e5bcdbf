"""What a training leaves in MLflow: runs that can be compared, and a model that loads."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from models.store import load
from tests.trained import Trained
from training.common import tracking


@pytest.fixture
def client(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.chdir(trained.home)
    return tracking.connect()


def runs(client: MlflowClient, name: str = "small") -> list[mlflow.entities.Run]:
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def test_child_runs_have_the_same_metric_names(client: MlflowClient) -> None:
    """So that MLflow's own compare view works."""
    kinds = {r.data.tags.get("ripeline.kind"): r for r in runs(client) if "ripeline.kind" in r.data.tags}
    assert set(kinds) == {"model", "rules", "logistic", "lightgbm-default"}
    names = [set(r.data.metrics) for r in kinds.values()]
    assert all(n == names[0] for n in names)
    assert {"customer.log_loss", "mql.roc_auc", "sql.from_mql.brier", "customer.caught"} <= names[0]
    parents = {r.data.tags["mlflow.parentRunId"] for r in kinds.values()}
    assert len(parents) == 1


def test_the_registered_version_is_champion_and_loads(client: MlflowClient, trained: Trained, tmp_path: Path) -> None:
    version = client.get_model_version_by_alias("small", "champion")
    assert client.get_model_version_by_alias("small", "challenger").version == version.version
    fetched = load(tracking.download("small", tmp_path))
    assert fetched.feature_set.checksum == trained.model.feature_set.checksum


def test_mlflow_itself_loads_and_predicts(client: MlflowClient, trained: Trained) -> None:
    names = trained.model.feature_set.names
    frame = pd.DataFrame(np.zeros((2, len(names)), np.float32), columns=list(names)).assign(lead_stage="lead")
    found = mlflow.pyfunc.load_model("models:/small@champion").predict(frame)
    assert list(found.columns) == ["mql", "sql", "customer"]
