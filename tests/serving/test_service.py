"""The BentoML service without a process: whose answer an application gets, and what happens without a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from models.store import save
from serving.common.settings import ServingSettings
from serving.schemas.score import EXAMPLE
from tests.tiny import tiny_model

# BentoML, while it is imported, about pathspec and pydantic
pytestmark = [
    pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The `__get_pydantic_core_schema__` method:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def stack() -> Any:
    """BentoML's whole stack around the application. It counts its requests in one register, so there is one a process."""
    from serving.service import Ripeline

    return Ripeline.to_asgi()


@pytest.fixture
def started(stack: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], TestClient]:
    """Start it on a model folder."""
    from serving import service

    def start(folder: Path) -> TestClient:
        monkeypatch.setattr(service, "_reloadables", {})
        monkeypatch.setattr(service, "_settings", ServingSettings.read({"RIPELINE_MODEL": str(folder)}))
        # as this machine asks: without keys nobody else may
        return TestClient(stack, "http://127.0.0.1:3000", raise_server_exceptions=False, client=("127.0.0.1", 50_000))

    return start


Start = Callable[[Path], TestClient]


def test_the_bento_service_scores(started: Start, tmp_path: Path) -> None:
    with started(save(tiny_model(), tmp_path / "model")) as client:
        assert client.post("/v1/score", json=EXAMPLE).json()["model"]["name"] == "tiny"
        assert client.get("/v1/model").json()["funnel"]["horizons_days"]["sql"] == 90


def test_health_and_errors_are_ours_not_bentomls(started: Start, tmp_path: Path) -> None:
    """BentoML's own /livez and /readyz are empty text and come before any mounted application."""
    with started(save(tiny_model(), tmp_path / "model")) as client:
        assert client.get("/livez").json() == {"status": "alive"}
        assert client.get("/readyz").json() == {"status": "ready", "model": {"name": "tiny", "version": "1"}}
        assert "<title>Ripeline</title>" in client.get("/").text
        for path in ("/nothing", "/web/nothing.js", "/docs.json"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_without_a_model_it_lives_and_says_that_it_is_not_ready(
    started: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with started(tmp_path / "nowhere") as client:
        assert client.get("/livez").status_code == 200
        answer = client.get("/readyz")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert "No model is loaded" in answer.json()["detail"]
    assert "is not a model folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("scope", "whose"),
    [
        ({"type": "http", "path": "/livez"}, "ours"),
        ({"type": "http", "path": "/metrics"}, "ours"),
        ({"type": "lifespan"}, "BentoML's"),
    ],
)
def test_who_answers(scope: dict[str, str], whose: str) -> None:
    """Only starting and stopping is left to BentoML."""
    from serving.service import RipelineFirst

    asked: list[str] = []

    def named(name: str) -> Any:
        async def app(_scope: Any, _receive: Any, _send: Any) -> None:
            asked.append(name)

        return app

    asyncio.run(RipelineFirst(named("BentoML's"), ours=named("ours"))(scope, cast("Any", None), cast("Any", None)))
    assert asked == [whose]
