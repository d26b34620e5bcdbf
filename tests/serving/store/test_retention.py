"""What is old is deleted and nothing else."""

from __future__ import annotations

from sqlalchemy import func, select

from features.common.clock import DAY
from features.dataset.funnel import Funnel
from serving.scoring.request import microseconds
from serving.store.retention import Retention
from serving.store.tables import current_scores, interactions, leads, scores
from tests.serving.store.world import World, event


def test_what_is_old_is_deleted_and_nothing_else(world: World) -> None:
    world.put("open")
    world.put("closed", {"created_at": "2024-01-01T00:00:00Z", "lead_stage": "lost", "at": "2024-02-01T00:00:00Z"})
    world.put("late", {"created_at": "2024-01-01T00:00:00Z", "lead_stage": "lost", "at": "2026-06-01T00:00:00Z"})
    world.happened(event("old", "open", at="2024-01-01T00:00:00Z"), event("new", "open"))
    world.score_all()
    for _ in range(3):
        world.later(days=2)
        world.happened(event(world.now.isoformat(), "open", at=world.now.isoformat()))
        world.score_all()
    assert len(world.get("/v1/leads/open/scores")["scores"]) >= 3
    kept = Retention(interactions=365, closed_leads=365, scores=3)
    gone = kept.apply(world.store.write, Funnel(), microseconds(world.now))
    assert gone["interactions"] == 1
    assert gone["closed_leads"] == 1
    assert gone["scores"] >= 1
    with world.store.read() as connection:
        assert set(connection.execute(select(leads.c.lead_id)).scalars()) == {"open", "late"}
        limit = microseconds(world.now) - 3 * DAY
        assert connection.execute(select(func.min(scores.c.as_of))).scalar_one() >= limit
        assert connection.execute(select(func.count()).select_from(interactions)).scalar_one() == 4
        assert connection.execute(select(func.count()).select_from(current_scores)).scalar_one() == 2
