"""What all tests of serving begin with."""

from __future__ import annotations

import json

import pytest

from serving.api.app import utc_now
from serving.schemas.score import EXAMPLE
from serving.scoring.answer import build_answer
from serving.scoring.quick import read
from serving.scoring.scorer import Scorer
from tests.tiny import tiny_model


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    """As a worker before it is ready: a loop that waits for the compiler would turn the next request away as too busy."""
    scorer = Scorer(tiny_model())
    build_answer(scorer, read(json.dumps(EXAMPLE).encode(), scorer.model.funnel, utc_now()))


@pytest.fixture(autouse=True)
def _patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may be slow: other work on the machine must not make them busy. What busy means is tested in test_pressure.py."""
    if not request.module.__name__.endswith("test_pressure"):
        monkeypatch.setattr("serving.http.load_shedding.MOST_LAG", 30.0)
