"""A working folder in which a training is only stood in for."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

import training.clients.run
from features.partitions.executor import Inline
from tests.training.clients import workers


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder in which a training is only stood in for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.clients.run.tracking.connect", lambda: None)
    monkeypatch.setattr(training.clients.run, "train_client", workers.stand_in)
    return tmp_path


@pytest.fixture
def inline(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in this very process: workers take seconds to start."""
    monkeypatch.setattr(training.clients.run, "_engine", lambda *_: nullcontext(Inline()))
    return home
