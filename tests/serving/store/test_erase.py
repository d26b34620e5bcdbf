"""A person goes, everywhere in the store; twice is no error."""

from __future__ import annotations

from pathlib import Path

from tests.serving.store.world import CREATED, World, event


def test_nothing_of_a_person_is_left(world: World) -> None:
    """Neither in a table nor, in SQLite, in a byte of its files."""
    name = "person-4711-x"
    for lead in (name, "L-2"):
        world.put(lead, {"created_at": CREATED, "attributes": {"source": "ads"}, "company": {"company_id": "C"}})
    world.put(name, {"attributes": {"source": "webinar"}})
    world.happened(*(event(i, name) for i in range(20)), event("other", "L-2"))
    world.score_all()
    world.later(days=1)
    world.happened(event("late", name))
    answer = world.client.delete(f"/v1/leads/{name}")
    assert answer.status_code == 200
    told = answer.json()
    assert told["deleted"]["interactions"] == 21
    assert told["deleted"]["scores"] >= 1
    assert not any(told["left"].values())
    assert world.client.get(f"/v1/leads/{name}/scores").status_code == 404
    assert world.get("/v1/leads")["total"] == 1
    assert world.get("/v1/leads")["waiting"] >= 1  # who is left has one colleague less
    if world.store.engine.dialect.name == "sqlite":
        assert set(told["left"]) >= {"leads.db"}
        for file in Path(str(world.store.url.database)).parent.iterdir():
            assert name.encode() not in file.read_bytes(), file


def test_erasing_twice_or_nobody_is_no_error(world: World) -> None:
    for _ in range(2):
        told = world.client.delete("/v1/leads/nobody").json()
        assert not any(told["deleted"].values())
        assert not any(told["left"].values())
