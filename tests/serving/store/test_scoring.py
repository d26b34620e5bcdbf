"""A stored lead scores as the same request would, with its whole account; who opted out or left is not scored."""

from __future__ import annotations

from tests.serving.store.world import CREATED, World, event


def test_a_score_is_that_of_the_same_request(world: World) -> None:
    """`GET …/score` and `POST /v1/score` with what `GET …` gives say the same."""
    world.put("L-1", {"created_at": CREATED, "lead_stage": "mql", "attributes": {"source": "webinar"},
                      "company": {"company_id": "C", "industry": "software"}})  # fmt: skip
    world.put("L-2", {"created_at": CREATED, "company": {"company_id": "C"}})
    world.happened(event(1), event(2, "L-2"))
    world.later(hours=1)
    mine = world.get("/v1/leads/L-1/score", reasons=7, language="de")
    asked = world.get("/v1/leads/L-1")
    assert len(asked["leads"]) == 2
    theirs = world.client.post("/v1/score", json={**asked, "reasons": 7, "language": "de"}).json()
    for name, value in theirs["results"][0].items():
        assert mine["result"][name] == value, name
    assert (mine["as_of"], mine["model"]) == (theirs["as_of"], theirs["model"])


def test_who_opted_out_or_left_is_not_scored_anywhere(world: World) -> None:
    for name in ("L-1", "L-2", "L-3"):
        world.put(name)
    world.score_all()
    assert world.get("/v1/leads")["total"] == 3
    world.later(seconds=1)
    world.put("L-1", {"attributes": {"opted_out": "ja"}})
    world.put("L-2", {"lead_stage": "lost"})
    world.later(seconds=1)
    assert world.get("/v1/leads/L-1/score")["result"]["status"] == "opted_out"
    assert world.get("/v1/leads/L-2/score")["result"]["status"] == "closed"
    assert world.get("/v1/leads/L-1/score", as_of="2026-06-28T00:00:00Z")["result"]["status"] == "opted_out"
    world.score_all()
    assert [row["lead_id"] for row in world.get("/v1/leads")["rows"]] == ["L-3"]
    assert "no score is made" in world.get("/v1/leads/L-1/decision")["recommendation"]


def test_a_colleague_s_act_counts_for_the_whole_account(world: World) -> None:
    for name in ("L-1", "L-2"):
        world.put(name, {"created_at": CREATED, "company": {"company_id": "C"}})
    world.score_all()
    world.later(days=1)
    world.happened(event(1, "L-2"))
    world.score_all()
    told = {row["lead_id"]: row["scored_at"] for row in world.get("/v1/leads")["rows"]}
    assert told["L-1"] == told["L-2"] == world.now.isoformat()
