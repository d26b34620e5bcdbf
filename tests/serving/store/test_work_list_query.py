"""The list of stored leads: fresh, sorted, filtered, page by page."""

from __future__ import annotations

import pytest

from tests.serving.store.world import CREATED, World, event


def test_the_list_is_fresh_sorted_filtered_and_paged(world: World) -> None:
    for number in range(6):
        world.put(f"L-{number}", {"created_at": CREATED, "lead_stage": "mql" if number % 2 else "lead"})
        for act in range(number):
            world.happened(event(f"{number}-{act}", f"L-{number}", at=f"2026-06-{10 + act}T10:00:00Z"))
    world.score_all()
    found = world.get("/v1/leads", sort="-points")
    assert found["total"] == 6
    assert found["waiting"] == 0
    assert [row["points"] for row in found["rows"]] == sorted((r["points"] for r in found["rows"]), reverse=True)
    assert [row["rank"] for row in world.get("/v1/leads")["rows"]] == [1, 2, 3, 4, 5, 6]
    assert {row["lead_stage"] for row in world.get("/v1/leads", lead_stage="mql")["rows"]} == {"mql"}
    assert [row["lead_id"] for row in world.get("/v1/leads", sort="lead_id", limit=2, offset=3)["rows"]] == ["L-3", "L-4"]
    assert world.get("/v1/leads", q="l-4")["total"] == 1
    assert world.get("/v1/leads", q="%")["total"] == 0
    assert world.client.get("/v1/leads", params={"sort": "scor"}).status_code == 422
    lines = world.client.get("/v1/leads.csv", params={"min_score": 1}).text.splitlines()
    assert len(lines) == 7
    mine = world.get("/v1/leads/L-3/score")["result"]
    (row,) = world.get("/v1/leads", q="L-3")["rows"]
    assert (row["score"], row["grade"], row["action"]) == (mine["score"], mine["grade"], mine["recommendation"]["action"])
    assert row["chance"] == pytest.approx(mine["probabilities"]["customer"]["value"], abs=1e-6)
    world.happened(event("new", "L-0", at="2026-06-30T10:00:00Z", type="trial_requested"))
    assert world.get("/v1/leads")["waiting"] == 1
    world.score_all()
    (after,) = world.get("/v1/leads", q="L-0")["rows"]
    assert after["points"] > next(r for r in found["rows"] if r["lead_id"] == "L-0")["points"]
