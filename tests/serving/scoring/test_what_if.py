"""What-if questions: only what can still happen, the same numbers as scoring, and clear errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.api.app import create_app
from serving.schemas.score import EXAMPLE
from serving.server.reload import scorer_of
from tests.trained import Trained

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(trained: Trained) -> Iterator[TestClient]:
    scorer = scorer_of(trained.folder)  # warm, as a worker is: a cold one would hold its loop up and be found busy
    with TestClient(create_app(lambda: scorer, clock=lambda: NOW), raise_server_exceptions=False) as client:
        yield client


def ask(client: TestClient, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/what-if", json={**EXAMPLE, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_lead_as_it_is_has_the_score_it_always_has(client: TestClient) -> None:
    scored = client.post("/v1/score", json=EXAMPLE).json()["results"][0]
    found = ask(client)
    assert found["chance"] == scored["probabilities"]["customer"]["value"]
    assert found["next"] == scored["probabilities"]["sql"]["value"]
    assert (found["score"], found["points"]) == (scored["score"], scored["rules"]["points"])
    assert found["action"] == scored["recommendation"]["action"]


@pytest.mark.parametrize("times", [1, 3])
def test_turning_away_never_helps(client: TestClient, times: int) -> None:
    """At the same moment as before, so that not even the last digit moves up."""
    found = ask(client, add=["unsubscribed"] * times)["changes"][0]
    assert found["interactions"] == ["unsubscribed"] * times
    assert found["chance_change"] <= 0
    assert found["chance"] <= ask(client)["chance"]


def test_only_what_can_still_happen_is_tried(client: TestClient, trained: Trained) -> None:
    """Every interaction the model knows and times of silence; never another country or company."""
    changes = ask(client)["changes"]
    tried = [c["interactions"][0] for c in changes if c["kind"] == "interaction"]
    assert sorted(tried) == sorted(trained.model.feature_set.types)
    assert [c["days"] for c in changes if c["kind"] == "silence"] == [7, 30, 90]
    assert {c["kind"] for c in changes} == {"interaction", "silence"}
    chances = [c["chance"] for c in changes if c["kind"] == "interaction"]
    assert chances == sorted(chances, reverse=True)


def test_an_answer_is_the_score_of_the_lead_after_it(client: TestClient) -> None:
    """The same request with the interaction in it, a microsecond before, says the same."""
    found = next(c for c in ask(client)["changes"] if c["interactions"] == ["demo_requested"])
    lead = EXAMPLE["leads"][0]
    act = {"type": "demo_requested", "at": "2026-06-29T23:59:59.999999Z", "direction": "in"}
    later = {**EXAMPLE, "leads": [{**lead, "interactions": [*lead["interactions"], act]}]}
    scored = client.post("/v1/score", json=later).json()["results"][0]
    assert found["chance"] == pytest.approx(scored["probabilities"]["customer"]["value"], abs=1e-6)
    assert found["points"] == scored["rules"]["points"]
    assert found["score"] == scored["score"]


def test_some_of_your_own_come_one_after_the_other(client: TestClient) -> None:
    first = ask(client, add=["trial_requested", "demo_requested"], language="de")["changes"][0]
    assert first["kind"] == "yours"
    assert first["label"] == "Testzugangs-Anfragen + Demo-Anfragen"
    assert first["points"] > ask(client)["points"]


@pytest.mark.parametrize(
    ("changed", "status", "detail"),
    [
        ({"add": ["trial_requestd"]}, 422, "did you mean 'trial_requested'"),
        ({"add": ["page_view"] * 21}, 422, "at most 20"),
        ({"ad": []}, 422, "did you mean 'add'"),
        ({"leads": [{**EXAMPLE["leads"][0], "lead_stage": "customer"}]}, 422, "A lead in 'customer' is not scored"),
        ({"leads": [{**EXAMPLE["leads"][0], "attributes": {"opted_out": True}}]}, 422, "opted out"),
        ({"leads": [{**EXAMPLE["leads"][0], "lead_stage": "mqll"}]}, 422, "did you mean 'mql'"),
    ],
)
def test_what_cannot_be_answered_is_said(client: TestClient, changed: dict[str, Any], status: int, detail: str) -> None:
    answer = client.post("/v1/what-if", json={**EXAMPLE, **changed})
    assert answer.status_code == status
    assert detail in answer.json()["detail"]


def test_a_closed_colleague_counts_and_is_not_scored(client: TestClient) -> None:
    """A customer at the same company is part of the buying group that the model was trained on."""
    lead = {**EXAMPLE["leads"][0], "company": {"company_id": "C-7", "industry": "software", "employees": 250}}
    other = {**lead, "lead_id": "L-2", "lead_stage": "customer"}
    alone = client.post("/v1/score", json={**EXAMPLE, "leads": [lead]}).json()["results"]
    both = client.post("/v1/score", json={**EXAMPLE, "leads": [lead, other]}).json()["results"]
    assert [r["status"] for r in both] == ["scored", "closed"]
    assert any("buying group is unknown" in w for w in alone[0]["warnings"])
    assert not any("buying group is unknown" in w for w in both[0]["warnings"])


def test_noise_does_not_take_a_lead_back(client: TestClient, trained: Trained) -> None:
    """`previous` makes the line a band: what was handed over stays until even the high end is below it."""
    lead = EXAMPLE["leads"][0]
    line = trained.model.policy.line
    found = client.post("/v1/score", json=EXAMPLE).json()["results"][0]
    before = {"action": "hand_over", "at": "2026-06-20T00:00:00Z"}
    again = client.post("/v1/score", json={**EXAMPLE, "leads": [{**lead, "previous": before}]}).json()["results"][0]
    high = found["expected_value_high"]
    assert (again["recommendation"]["action"] == "hand_over") == (high >= line)


def test_a_previous_recommendation_from_the_future_is_refused(client: TestClient) -> None:
    lead = {**EXAMPLE["leads"][0], "previous": {"action": "hold", "at": "2027-01-01T00:00:00Z"}}
    answer = client.post("/v1/score", json={**EXAMPLE, "leads": [lead]})
    assert answer.status_code == 422
    assert answer.json()["field"] == "/leads/0/previous/at"
