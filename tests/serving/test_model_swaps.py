"""Forward and back by the alias of a real MLflow registry, under load: an answer's numbers belong to the version it names."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from models.store import MANIFEST, save
from serving.api.app import respond, utc_now
from serving.schemas.score import EXAMPLE
from serving.scoring.request import read
from serving.scoring.scorer import Scorer
from tests.serving.processes import ROOT, ask, free_port, running
from tests.tiny import tiny_model
from training.common import tracking
from training.jobs.follow import one_round


def registered(home: Path, seed: int) -> tuple[str, str, list[float]]:
    """A model in the registry: its version there, the version it names itself, and its numbers for the example."""
    with tracking.training_run("rolled", "", {}) as run:
        model = replace(tiny_model(seed), version=run[: tracking.SHORT], name="rolled")
        number = tracking.register("rolled", save(model, home / f"model-{seed}"))
    answer = respond(Scorer(model), read(json.dumps(EXAMPLE).encode(), model.funnel, utc_now()))
    return number, model.version, numbers(json.loads(answer.model_dump_json()))


def numbers(answer: dict) -> list[float]:
    (result,) = answer["results"]
    return [round(one["value"], 6) for one in result["probabilities"].values()]


@pytest.mark.slow
def test_forward_and_back_by_alias(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    first, second = registered(tmp_path, 0), registered(tmp_path, 1)
    belongs = {first[1]: first[2], second[1]: second[2]}
    assert first[2] != second[2]
    folder, port = tmp_path / "served" / "champion", free_port()
    tracking.promote("rolled", first[0])
    assert one_round("rolled", folder, "champion", None) == first[1]
    command = [sys.executable, "-m", "serving", "--model", str(folder), "--port", str(port)]
    answers: list[tuple[int, str, list[float]]] = []
    stop = threading.Event()
    with running(command, port, tmp_path / "log.txt", PYTHONPATH=str(ROOT)) as url:

        def client() -> None:
            while not stop.is_set():
                status, answer = ask(f"{url}/v1/score", EXAMPLE)
                answers.append((status, answer["model"]["version"], numbers(answer)))

        def served(version: str) -> bool:
            until = time.monotonic() + 30
            while time.monotonic() < until:
                if ask(f"{url}/readyz")[1]["model"]["version"] == version:
                    return True
                time.sleep(0.1)
            return False

        threads = [threading.Thread(target=client) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            tracking.promote("rolled", second[0])
            assert one_round("rolled", folder, "champion", None) == second[1]
            assert served(second[1])
            tracking.promote("rolled", first[0])
            assert one_round("rolled", folder, "champion", None) == first[1]
            assert served(first[1]), "rolled back"
            (folder / MANIFEST).write_text("{")
            monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # MLflow is gone: nobody here asks it
            time.sleep(3)
            assert served(first[1])
        finally:
            stop.set()
            for thread in threads:
                thread.join(20)
    assert {status for status, _, _ in answers} == {200}
    assert {version for _, version, _ in answers} == {first[1], second[1]}
    assert all(found == belongs[version] for _, version, found in answers)


@pytest.mark.slow
def test_it_starts_without_a_model_and_takes_the_one_that_comes(tmp_path: Path) -> None:
    folder, port = tmp_path / "model", free_port()
    command = [sys.executable, "-m", "serving", "--model", str(folder), "--port", str(port), "--wait-for-model"]
    with running(command, port, tmp_path / "log.txt", ready="/livez", PYTHONPATH=str(ROOT)) as url:
        assert ask(f"{url}/readyz")[0] == 503
        assert ask(f"{url}/v1/score", EXAMPLE)[0] == 503
        save(tiny_model(), folder)
        until = time.monotonic() + 30
        while ask(f"{url}/readyz")[0] != 200 and time.monotonic() < until:
            time.sleep(0.2)
        assert ask(f"{url}/v1/score", EXAMPLE)[0] == 200
