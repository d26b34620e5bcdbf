"""Scoring in the background: a lead in trouble stops nobody, a new model scores everybody again."""

from __future__ import annotations

from typing import Any

import pytest

from serving.scoring.scorer import Scorer
from serving.store.scoring import StoredScorer
from tests.serving.store.world import World
from tests.tiny import tiny_model


def test_a_lead_that_cannot_be_scored_stops_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        world.put(f"L-{number}")
    usual = StoredScorer.rows

    def rows(self: StoredScorer, leads: Any, *more: Any) -> Any:
        assert all(lead.lead_id != "L-2" for lead in leads), "trouble"
        return usual(self, leads, *more)

    monkeypatch.setattr(StoredScorer, "rows", rows)
    for _ in range(20):
        world.refresher._run_once()
    assert [row["lead_id"] for row in world.get("/v1/leads", sort="lead_id")["rows"]] == ["L-0", "L-1", "L-3", "L-4"]
    assert "a lead could not be scored (AssertionError: trouble" in capsys.readouterr().err


def test_a_new_model_scores_everybody_again(world: World) -> None:
    from dataclasses import replace

    for number in range(5):
        world.put(f"L-{number}")
    world.score_all()
    world.scorer = Scorer(replace(tiny_model(1), version="2"))
    world.score_all()
    assert world.get("/v1/leads")["model"]["version"] == "2"
    world.later(hours=30)
    world.score_all()
    assert {row["as_of"] for row in world.get("/v1/leads")["rows"]} == {world.now.isoformat()}
