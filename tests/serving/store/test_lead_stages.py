"""A lead stage that was recorded by mistake is taken back: as if it had never been, but for its trace."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from features.dataset.landmarks import Path
from serving.scoring.request import microseconds
from serving.store import lead_stages
from serving.store.erase import erase
from serving.store.export import export
from tests.serving.store.world import CREATED, World

MQL, LOST = "2026-06-01T09:00:00Z", "2026-06-20T09:00:00Z"
PATH = "/v1/leads/L-1/lead_stages"


@pytest.fixture
def lost(world: World) -> World:
    """L-1 is an MQL, and lost by a slip of the mouse."""
    world.put("L-1", {"created_at": CREATED, "lead_stage": "mql", "lead_stage_since": MQL})
    world.put("L-1", {"lead_stage": "lost", "lead_stage_since": LOST})
    world.score_all()
    world.later(hours=1)
    return world


def withdraw(world: World, **asked: str) -> Any:
    return world.client.delete(PATH, params={"lead_stage": "lost", "at": LOST, **asked})


def listed(world: World) -> list[str]:
    return [row["lead_id"] for row in world.get("/v1/leads")["rows"]]


def test_the_lead_is_open_again_and_scored_anew(lost: World) -> None:
    assert (lost.get("/v1/leads/L-1/score")["result"]["status"], listed(lost)) == ("closed", [])
    answer = withdraw(lost)
    assert (answer.status_code, answer.json()) == (200, {"lead_id": "L-1", "version": 3, "changed": True})
    assert answer.headers["etag"] == '"v3"'
    lost.score_all()
    assert listed(lost) == ["L-1"]
    assert lost.get("/v1/leads/L-1")["leads"][0]["lead_stage_since"].startswith(MQL[:19])


def test_twice_is_once_and_what_was_never_recorded_is_told(lost: World) -> None:
    withdraw(lost)
    again = withdraw(lost)
    assert (again.status_code, again.json()["version"], again.json()["changed"]) == (200, 3, False)
    other = withdraw(lost, at="2026-06-19T00:00:00Z")
    assert (other.status_code, other.json()["detail"]) == (
        404,
        "This lead was not recorded as 'lost' at 2026-06-19T00:00:00+00:00. Recorded are: mql at 2026-06-01T09:00:00+00:00.",
    )
    assert lost.client.delete("/v1/leads/L-9/lead_stages", params={"lead_stage": "lost", "at": LOST}).status_code == 404
    assert lost.client.get("/v1/leads/L-9/lead_stages").status_code == 404


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"at": ""}, "/at"), ({"lead_stage": ""}, "/lead_stage"), ({"at": "yesterday"}, "/at"), ({"id": "1"}, "/id")],
)
def test_which_one_has_to_be_said(lost: World, asked: dict[str, str], field: str) -> None:
    answer = withdraw(lost, **asked)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert listed(lost) == []


def test_a_trace_tells_what_was_known_meanwhile_and_training_does_not_see_it(lost: World) -> None:
    before = lost.now
    lost.later(hours=1)
    withdraw(lost)
    taken_back = lost.now
    lost.later(hours=1)
    trace = {"lead_stage": "lost", "withdrawn_at": taken_back.isoformat().replace("+00:00", "Z"), "withdrawn_by": None}
    rows = lost.get(PATH)["lead_stages"]
    assert [row["lead_stage"] for row in rows] == ["mql", "lost"]
    assert {name: rows[1][name] for name in trace} == trace
    as_known = lost.get("/v1/leads/L-1/score", known_at=before.isoformat())["result"]["status"]
    assert (as_known, lost.get("/v1/leads/L-1/score")["result"]["status"]) == ("closed", "scored")
    dataset = export(lost.store, microseconds(lost.now))
    assert dataset.lead_stages["lead_stage"].astype("str").tolist() == ["mql"]
    assert lost.scorer is not None
    path = Path.from_tables(dataset.leads, dataset.lead_stages, lost.scorer.model.funnel)
    assert path.left_at.max() == path.first_reached[0, -1], "neither has come"


def test_it_may_be_recorded_again_and_taken_back_again(lost: World) -> None:
    for version in (3, 5):
        assert withdraw(lost).json() == {"lead_id": "L-1", "version": version, "changed": True}
        lost.later(minutes=1)
        lost.put("L-1", {"lead_stage": "lost", "lead_stage_since": LOST})
    assert [row["withdrawn_at"] is None for row in lost.get(PATH)["lead_stages"]].count(True) == 2


def test_who_is_erased_leaves_no_trace_of_it(lost: World) -> None:
    withdraw(lost)
    outcome = erase(lost.store, "L-1", microseconds(lost.now))
    assert outcome.deleted["withdrawn_lead_stages"] == 1
    assert outcome.clean


def test_the_trace_names_the_key(lost: World) -> None:
    at = microseconds(datetime.fromisoformat(LOST))
    moment = microseconds(lost.now)
    lost.store.write(lambda connection: lead_stages.withdraw(connection, "L-1", "lost", at, "crm", moment))
    assert lost.get(PATH)["lead_stages"][1]["withdrawn_by"] == "crm"
