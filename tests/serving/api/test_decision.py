"""What somebody is told who asks how they were scored."""

from __future__ import annotations

from serving.store.store import Store
from tests.serving.store.world import CREATED, World, event


def test_what_somebody_is_told_who_asks(store: Store) -> None:
    world = World(store, RIPELINE_CONTACT="privacy@example.com")
    world.put("L-1", {"created_at": CREATED, "attributes": {"source": "webinar"},
                      "company": {"company_id": "C", "employees": 250}, "human_review": True})  # fmt: skip
    world.happened(event(1), event(2, at="2026-06-21T10:00:00Z"))
    world.later(seconds=1)
    told = world.get("/v1/leads/L-1/decision")
    assert told["contact"] == "privacy@example.com"
    assert told["model"]["version"] == "1"
    assert told["human_review"] == {"needed": True, "reasons": told["human_review"]["reasons"]}
    assert "asked" in told["human_review"]["reasons"]
    assert told["data_used"]["interactions"] == {"product_video": 2}
    assert told["data_used"]["company"] == {"company_id": "C", "employees": 250}
    assert told["reasons"]
    assert any("10" in line or "points" in line for line in told["rules"])
    assert told["would_change"]
    german = world.get("/v1/leads/L-1/decision", language="de")
    assert "Modell" in german["logic"]
    assert german["review"].startswith("Ein Mensch sollte")
