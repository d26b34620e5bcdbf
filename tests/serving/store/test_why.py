"""Score history: why a score changed adds up exactly, and the past stays what it was."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from serving.scoring.scorer import Scorer
from serving.store.contributions import Columns
from tests.serving.store.world import CREATED, World, event
from tests.tiny import tiny_model


def adds_up(why: dict[str, Any]) -> None:
    """Every step from one score to the other, and every line of a step, is accounted for."""
    steps = why["steps"]
    assert steps[0]["chance_before"] == pytest.approx(why["before"]["chance"], rel=1e-9)
    assert steps[-1]["chance_after"] == pytest.approx(why["after"]["chance"], rel=1e-9)
    for one, following in pairwise(steps):
        assert one["chance_after"] == pytest.approx(following["chance_before"], rel=1e-9)
    for step in steps:
        if step["what"] == "lead":
            total = sum(line["change"] for line in step["lines"]) + step["rest"] + step["start"] + step["calibration"]
            assert total == pytest.approx(step["log_odds_after"] - step["log_odds_before"], abs=1e-9)
            for line in step["lines"]:
                assert line["after"] - line["before"] == pytest.approx(line["change"], abs=1e-12)


def log_odds(chance: float) -> float:
    import math

    return math.log(chance / (1 - chance))


def test_why_a_score_changed_adds_up_exactly(world: World) -> None:
    world.put("L-1")
    world.score_all()
    world.later(days=2)
    world.happened(event(1, at="2026-07-02T10:00:00Z", type="trial_requested"))
    world.score_all()
    why = world.get("/v1/leads/L-1/why", lines=3)
    assert [step["what"] for step in why["steps"]] == ["lead"]
    adds_up(why)
    (step,) = why["steps"]
    assert step["target"] == "mql"
    assert step["log_odds_after"] == pytest.approx(log_odds(why["after"]["next_chance"]), abs=1e-9)
    assert step["log_odds_before"] == pytest.approx(log_odds(why["before"]["next_chance"]), abs=1e-9)
    assert len(step["lines"]) == 3
    history = world.get("/v1/leads/L-1/scores")["scores"]
    assert [one["as_of"] for one in history] == [why["after"]["as_of"], why["before"]["as_of"]]
    # between moments of which none is recorded the score is worked out from what was known then
    early = world.get("/v1/leads/L-1/why", **{"from": "2026-06-01T00:00:00Z"})
    assert not early["before"]["recorded"]
    adds_up(early)


def test_before_the_lead_was_here_a_score_is_worked_out_as_it_would_be_answered(world: World) -> None:
    """A lead that is told of later, with its history: nothing was known then, and nothing would be compared."""
    world.put("L-1", {"created_at": CREATED, "lead_stage": "mql", "lead_stage_since": CREATED})
    world.happened(event(1, at="2026-06-10T10:00:00Z", type="trial_requested"))
    world.score_all()
    then = "2026-06-20T00:00:00Z"
    why = world.get("/v1/leads/L-1/why", **{"from": then})
    answered = world.get("/v1/leads/L-1/score", as_of=then)["result"]["probabilities"]["customer"]["value"]
    assert not why["before"]["recorded"]
    assert why["before"]["lead_stage"] == "mql"
    assert why["before"]["chance"] == pytest.approx(answered, abs=1e-6)
    adds_up(why)


def test_a_late_event_changes_a_past_score_but_not_what_was_recorded(world: World) -> None:
    world.put("L-1")
    world.score_all()
    recorded = world.get("/v1/leads/L-1/scores")["scores"]
    as_of = world.now.isoformat()
    world.later(days=3)
    world.happened(event(1, type="trial_requested"))  # eleven days ago, heard of now
    then = world.get("/v1/leads/L-1/score", as_of=as_of)["result"]
    as_known = world.get("/v1/leads/L-1/score", as_of=as_of, known_at=as_of)["result"]
    assert then["rules"]["points"] > as_known["rules"]["points"] == recorded[0]["points"]
    assert world.get("/v1/leads/L-1/scores")["scores"] == recorded
    world.score_all()
    why = world.get("/v1/leads/L-1/why")
    adds_up(why)
    assert why["before"]["chance"] == recorded[0]["chance"]
    assert any("trial" in line["label"].lower() for line in why["steps"][0]["lines"])


def test_what_is_due_to_another_model_or_lead_stage_is_told_apart(world: World) -> None:
    from dataclasses import replace

    world.put("L-1", {"created_at": CREATED, "lead_stage": "lead"})
    world.happened(event(1))
    world.score_all()
    world.later(days=1)
    assert world.scorer is not None
    world.scorer = Scorer(replace(tiny_model(1), version="2"))
    world.put("L-1", {"lead_stage": "mql"})
    world.later(seconds=1)
    world.score_all()
    why = world.get("/v1/leads/L-1/why", language="de")
    assert [step["what"] for step in why["steps"]] == ["model", "lead", "lead_stage"]
    assert (why["before"]["version"], why["after"]["version"]) == ("1", "2")
    assert "Version 2 statt 1" in why["steps"][0]["why"]
    adds_up(why)
    world.scorer = Scorer(replace(tiny_model(2), version="3"))
    (step,) = world.get("/v1/leads/L-1/why")["steps"]
    assert step["what"] == "together"


def test_what_a_model_calls_its_columns_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer read all of it anew."""
    world.put("L-1")
    world.score_all()
    early = {"from": "2026-06-01T00:00:00Z"}
    first = world.get("/v1/leads/L-1/why", **early)
    monkeypatch.setattr(Columns, "from_model", lambda _model: pytest.fail("it is known"))
    assert world.get("/v1/leads/L-1/why", **early) == first
