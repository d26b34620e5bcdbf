"""Writing a lead: again is the same, nobody undoes another's, what did not change is not written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from serving.store.tables import attribute_changes
from tests.serving.store.world import CREATED, World


def test_a_put_is_idempotent_and_leaves_out_what_is_not_named(world: World) -> None:
    body = {
        "created_at": CREATED,
        "lead_stage": "mql",
        "attributes": {"source": "ads"},
        "company": {"company_id": "C", "listed": True},
    }
    first = world.put("L-1", body)
    assert (first.status_code, first.headers["etag"], first.json()["created"]) == (201, '"v1"', True)
    again = world.put("L-1", body)
    assert (again.status_code, again.headers["etag"], again.json()["changed"]) == (200, '"v1"', False)
    other = world.put("L-1", {"attributes": {"country": "DE"}})
    assert (other.headers["etag"], other.json()["changed"]) == ('"v2"', True)
    (lead,) = world.get(
        "/v1/leads/L-1",
    )["leads"]
    world.later(seconds=1)
    (lead,) = world.get("/v1/leads/L-1")["leads"]
    assert lead["attributes"] == {"source": "ads", "country": "DE"}
    assert lead["company"] == {"company_id": "C", "listed": True}
    assert lead["lead_stage"] == "mql"


def test_two_writers_do_not_undo_each_other(world: World) -> None:
    world.put("L-1")
    assert world.put("L-1", {"opted_out": True}, **{"If-Match": '"v1"'}).status_code == 200
    late = world.put("L-1", {"opted_out": False}, **{"If-Match": '"v1"'})
    assert late.status_code == 412
    assert "version 2" in late.json()["detail"]
    assert world.put("L-1", None, **{"If-None-Match": "*"}).status_code == 412
    assert world.put("L-9", {}, **{"If-Match": '"v1"'}).status_code == 412
    assert world.put("L-1", {}, **{"If-Match": "three"}).status_code == 422


def test_many_write_one_lead_and_nothing_is_lost_or_written_over(world: World) -> None:
    """Who has seen an older version is told; who does not care writes after the other."""
    world.put("L-1")
    with ThreadPoolExecutor(8) as pool:
        blind = list(pool.map(lambda i: world.put("L-1", {"attributes": {f"a{i}": i}}).status_code, range(16)))
    assert blind == [200] * 16
    assert world.put("L-1", {}).json()["version"] == 17
    world.later(seconds=1)
    assert world.get("/v1/leads/L-1")["leads"][0]["attributes"] == {f"a{i}": i for i in range(16)}
    with ThreadPoolExecutor(8) as pool:
        seen = [
            answer.status_code
            for answer in pool.map(lambda i: world.put("L-1", {"attributes": {"b": i}}, **{"If-Match": '"v17"'}), range(8))
        ]
    assert sorted(seen) == [200] + [412] * 7
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: world.put("new", None, **{"If-None-Match": "*"}).status_code, range(8)))
    assert sorted(made) == [201] + [412] * 7


def test_changes_of_attributes_are_written_once(world: World) -> None:
    world.put("L-1", {"created_at": CREATED, "attributes": {"source": "ads"}})
    for _ in range(3):
        world.put("L-1", {"at": "2026-06-10T00:00:00Z", "attributes": {"source": "webinar"}})
    with world.store.read() as connection:
        rows = connection.execute(select(func.count()).select_from(attribute_changes)).scalar_one()
    assert rows == 2  # what it was from the beginning, and what it became
