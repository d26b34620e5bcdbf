"""A Bento that has never heard of MLflow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.schemas.score import EXAMPLE
from tests.serving.processes import ROOT, ask, free_port, running
from tests.trained import Trained


@pytest.mark.slow
def test_a_bento_starts_without_mlflow_at_hand(trained: Trained, tmp_path: Path) -> None:
    """Built from the model folder alone, then started where importing mlflow fails."""
    home = tmp_path / "bentoml"
    blocked = tmp_path / "blocked" / "mlflow"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('mlflow is not at hand')\n")
    made = subprocess.run(
        [sys.executable, "-m", "serving.server.bento", "--model", str(trained.folder)],
        cwd=ROOT, env={**os.environ, "BENTOML_HOME": str(home)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    tag = made.stdout.split("Built ")[1].split(". ")[0]
    port = free_port()
    command = [sys.executable, "-m", "bentoml", "serve", tag, "--host", "127.0.0.1", "--port", str(port)]
    with running(command, port, tmp_path / "log.txt", BENTOML_HOME=str(home), PYTHONPATH=str(blocked.parent)) as url:
        status, answer = ask(f"{url}/v1/score", EXAMPLE)
        assert (status, answer["results"][0]["status"]) == (200, "scored")
        assert answer["model"]["name"] == "small"
