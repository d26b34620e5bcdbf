"""Interactions come in once, however often, in whatever order and by however many they are sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.serving.store.world import World, event


def test_an_event_is_taken_once_however_often_it_is_sent(world: World) -> None:
    world.put("L-1")
    acts = [event(number, at=f"2026-06-2{number}T10:00:00Z") for number in (1, 2, 3)]
    first = world.happened(*acts[:2])
    assert first.status_code == 200
    told = first.json()
    assert (told["new"], told["known"], told["waiting"], told["refused"]) == (2, 0, 0, [])
    again = world.happened(acts[1], acts[2], acts[0]).json()
    assert (again["new"], again["known"]) == (1, 2)
    assert len(world.get("/v1/leads/L-1")["leads"][0]["interactions"]) == 3


def test_the_same_id_with_other_content_is_refused_and_spoils_nothing(world: World) -> None:
    world.put("L-1")
    world.happened(event(1))
    told = world.happened(event(1, type="form_submitted"), event(2), event(3, at="soon"), {"event_id": 5}).json()
    assert (told["new"], told["known"]) == (1, 0)
    assert [one["place"] for one in told["refused"]] == [0, 2, 3]
    assert "known with another type" in told["refused"][0]["detail"]
    assert told["refused"][1]["field"] == "/interactions/2/at"


def test_twice_within_one_batch_is_once(world: World) -> None:
    world.put("L-1")
    told = world.happened(event(1), event(1), event(1, value=3.0)).json()
    assert (told["received"], told["new"], told["known"], len(told["refused"])) == (3, 1, 1, 1)
    assert "another value" in told["refused"][0]["detail"]


def test_events_may_come_before_their_lead_and_late(world: World) -> None:
    told = world.happened(event(2, at="2026-06-25T10:00:00Z"), event(1)).json()
    assert (told["new"], told["waiting"]) == (2, 2)
    assert world.client.get("/v1/leads/L-1/score").status_code == 404
    world.put("L-1")
    before = world.get("/v1/leads/L-1/score", as_of="2026-06-28T00:00:00Z")
    world.happened(event(3, at="2026-06-26T10:00:00Z", type="trial_requested"))
    after = world.get("/v1/leads/L-1/score", as_of="2026-06-28T00:00:00Z")
    assert after["result"]["rules"]["points"] > before["result"]["rules"]["points"]


def test_the_same_events_from_many_at_once_are_there_once(world: World) -> None:
    world.put("L-1")
    batch = [event(i) for i in range(200)]
    with ThreadPoolExecutor(6) as pool:
        told = [
            answer.json() for answer in pool.map(lambda i: world.happened(*(batch if i % 2 else reversed(batch))), range(6))
        ]
    assert sum(one["new"] for one in told) == 200
    assert sum(one["known"] for one in told) == 1_000
