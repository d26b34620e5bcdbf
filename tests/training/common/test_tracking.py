"""MLflow: what it does not know, and where it does not answer, is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from features.common.errors import ModelError
from tests.trained import Trained
from training.common import tracking


@pytest.fixture
def client(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.chdir(trained.home)
    return tracking.connect()


def test_an_unknown_model_is_answered_with_the_nearest(client: MlflowClient, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="did you mean 'small'"):
        tracking.download("smal", tmp_path)


def test_an_unknown_version_cannot_be_promoted(client: MlflowClient) -> None:
    with pytest.raises(ModelError, match="There is no version '77' of 'small'"):
        tracking.promote("small", "77")


def test_an_unreachable_server_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ModelError, match="does not answer"):
        tracking.connect()
