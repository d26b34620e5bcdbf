"""A lead is read as it was at the moment that is asked for."""

from __future__ import annotations

from tests.serving.store.world import CREATED, World


def test_attributes_are_those_of_the_moment(world: World) -> None:
    world.put("L-1", {"created_at": CREATED, "attributes": {"source": "ads", "budget": 5}})
    world.put("L-1", {"at": "2026-06-10T00:00:00Z", "attributes": {"source": "webinar"}})
    world.put("L-1", {"at": "2026-06-20T00:00:00Z", "attributes": {"source": None}})
    for as_of, source in (("2026-06-09T00:00:00Z", "ads"), ("2026-06-11T00:00:00Z", "webinar"), (None, None)):
        told = world.get("/v1/leads/L-1/decision", **({"as_of": as_of} if as_of else {}))["data_used"]["attributes"]
        assert told == {"budget": 5, **({"source": source} if source else {})}
