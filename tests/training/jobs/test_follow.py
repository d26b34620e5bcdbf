"""The folder that is served follows an alias: forwards, back again, and not at all while MLflow is away."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from features.common.errors import ModelError
from models.store import load, save
from tests.tiny import tiny_model
from training.common import tracking
from training.jobs import follow


class Registry:
    """What an alias says, look by look: a run, or what is wrong."""

    def __init__(self, told: list[str | ModelError]) -> None:
        self.told = iter(told)
        self.now = ""
        self.fetched: list[str] = []

    def run_behind(self, _name: str, _alias: str) -> str:
        said = next(self.told)
        if isinstance(said, ModelError):
            raise said
        self.now = said
        return said

    def fetch(self, _name: str, to: Path, _alias: str, _report: Path | None) -> Path:
        self.fetched.append(self.now)
        return save(replace(tiny_model(), version=self.now[: tracking.SHORT]), to)


def followed(monkeypatch: pytest.MonkeyPatch, to: Path, told: list[str | ModelError]) -> tuple[Registry, str]:
    registry, shown = Registry(told), StringIO()
    monkeypatch.setattr(tracking, "run_behind", registry.run_behind)
    monkeypatch.setattr(follow, "fetch", registry.fetch)
    waits: list[float] = []
    follow.follow(
        "small", to, "champion", interval=5, rounds=len(told), console=Console(file=shown, width=200), sleep=waits.append
    )
    assert waits == [5] * (len(told) - 1)
    return registry, shown.getvalue()


def test_it_fetches_when_the_alias_moves_and_only_then(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, second = "1" * 32, "2" * 32
    registry, shown = followed(monkeypatch, tmp_path / "champion", [first, first, second, second, first])
    assert registry.fetched == [first, second, first], "the last one is a roll-back"
    assert load(tmp_path / "champion").version == first[:12]
    assert shown.count("the champion is run") == 3


def test_while_mlflow_is_away_the_folder_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    away = ModelError("MLflow does not answer.", "Start it.")
    registry, shown = followed(monkeypatch, tmp_path / "champion", ["1" * 32, away, away, away, "2" * 32])
    assert registry.fetched == ["1" * 32, "2" * 32]
    assert shown.count("What is served goes on.") == 1, "said once"


def test_an_unknown_alias_is_named(working_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{working_folder / tracking.STORE}")
    with pytest.raises(ModelError, match="MLflow names no champion of 'nobody'"):
        tracking.run_behind("nobody", "champion")
