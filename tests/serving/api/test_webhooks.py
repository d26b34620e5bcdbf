"""Webhooks: forged and replayed ones are turned away, true ones are kept once, Marketo is answered with the score."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from connectors.crm.webhooks import Event, Spool
from serving.api.app import create_app
from serving.common.settings import ServingSettings
from serving.scoring.scorer import Scorer
from serving.store.store import Store
from tests.trained import Trained

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


PUBLIC = "https://scores.example.com"


SECRET = "app-secret-4711"


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    return {
        "HUBSPOT_CLIENT_SECRET": SECRET,
        "RIPELINE_PUBLIC_URL": PUBLIC,
        "RIPELINE_HOOKS": str(tmp_path),
        "PIPEDRIVE_HOOK_USER": "pipedrive",
        "PIPEDRIVE_HOOK_PASSWORD": "hook-password",
        "MARKETO_HOOK_KEY": "marketo-key",
    }


@pytest.fixture
def client(trained: Trained, listed: Store, variables: dict[str, str]) -> Iterator[TestClient]:
    scorer, settings = Scorer(trained.model), ServingSettings.read(variables)
    app = create_app(lambda: scorer, clock=lambda: NOW, store=lambda: listed, settings=settings)
    with TestClient(app, raise_server_exceptions=False) as served:
        yield served


def signed(body: bytes, at: datetime = NOW, secret: str = SECRET, path: str = "/v1/hooks/hubspot") -> dict[str, str]:
    """As HubSpot documents it: base64 of HMAC-SHA256 over method, address, body and time stamp in milliseconds."""
    stamp = str(int(at.timestamp() * 1000))
    told = b"POST" + (PUBLIC + path).encode() + body + stamp.encode()
    sign = base64.b64encode(hmac.new(secret.encode(), told, hashlib.sha256).digest()).decode()
    return {"X-HubSpot-Signature-v3": sign, "X-HubSpot-Request-Timestamp": stamp}


CHANGE = json.dumps(
    [
        {
            "eventId": 1,
            "subscriptionType": "contact.propertyChange",
            "objectId": 12,
            "propertyName": "lifecyclestage",
            "propertyValue": "x",
        },
        {
            "eventId": 2,
            "subscriptionType": "deal.propertyChange",
            "objectId": 34,
            "propertyName": "dealstage",
            "propertyValue": "y",
        },
    ]
).encode()


def kept(tmp_path: Path) -> list[Event]:
    spool = Spool(tmp_path)
    try:
        return spool.waiting()
    finally:
        spool.close()


def test_a_signed_call_is_kept_once_however_often_it_comes(client: TestClient, tmp_path: Path) -> None:
    first = client.post("/v1/hooks/hubspot", content=CHANGE, headers=signed(CHANGE))
    again = client.post("/v1/hooks/hubspot", content=CHANGE, headers=signed(CHANGE))
    assert (first.json(), again.json()) == ({"received": 2, "new": 2}, {"received": 2, "new": 0})
    assert [(e.crm, e.entity, e.record) for e in kept(tmp_path)] == [("hubspot", "contact", "12"), ("hubspot", "deal", "34")]


def test_two_events_of_one_id_are_two(client: TestClient, tmp_path: Path) -> None:
    """HubSpot does not promise that ids are unique; a second attempt of the same event is the same."""
    base = {"eventId": 1, "subscriptionType": "contact.propertyChange", "propertyName": "lifecyclestage", "attemptNumber": 0}
    for told in ([{**base, "objectId": 12}], [{**base, "objectId": 13}], [{**base, "objectId": 13, "attemptNumber": 1}]):
        body = json.dumps(told).encode()
        client.post("/v1/hooks/hubspot", content=body, headers=signed(body))
    assert [e.record for e in kept(tmp_path)] == ["12", "13"]


def test_generic_events_and_merges_name_their_record(client: TestClient, tmp_path: Path) -> None:
    """Newer apps get `object.…` with a type; a merge names the record that is left."""
    told = [
        {"eventId": 1, "subscriptionType": "object.creation", "objectTypeId": "0-3", "objectId": 7},
        {"eventId": 2, "subscriptionType": "object.creation", "objectTypeId": "0-48", "objectId": 8},
        {"eventId": 3, "subscriptionType": "contact.merge", "primaryObjectId": 5, "mergedObjectIds": [6]},
    ]
    body = json.dumps(told).encode()
    client.post("/v1/hooks/hubspot", content=body, headers=signed(body))
    assert [(e.entity, e.record) for e in kept(tmp_path)] == [("deal", "7"), ("contact", "5")]


def test_a_pipedrive_event_without_an_id_is_kept(client: TestClient, tmp_path: Path) -> None:
    for number in (5, 6, 6):
        body = json.dumps({"meta": {"action": "change", "entity": "person", "entity_id": number}}).encode()
        client.post("/v1/hooks/pipedrive", content=body, auth=("pipedrive", "hook-password"))
    assert [e.record for e in kept(tmp_path)] == ["5", "6"]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (signed(CHANGE, secret="another"), "signature of the call is wrong"),
        (signed(CHANGE + b" "), "signature of the call is wrong"),
        (signed(CHANGE, path="/v1/hooks/other"), "signature of the call is wrong"),
        (signed(CHANGE, at=datetime(2026, 7, 1, 11, 54, tzinfo=UTC)), "more than five minutes off"),
        (signed(CHANGE, at=datetime(2026, 7, 1, 12, 6, tzinfo=UTC)), "more than five minutes off"),
        ({}, "time stamp of the call is missing"),
        ({**signed(CHANGE), "X-HubSpot-Request-Timestamp": "soon"}, "time stamp of the call is missing"),
    ],
    ids=["other secret", "other body", "other address", "replayed", "from the future", "unsigned", "no number"],
)
def test_forged_and_replayed_calls_are_turned_away(
    client: TestClient, tmp_path: Path, headers: dict[str, str], why: str
) -> None:
    answer = client.post("/v1/hooks/hubspot", content=CHANGE, headers=headers)
    assert answer.status_code == 401
    assert why in answer.json()["detail"]
    assert kept(tmp_path) == []


def test_pipedrive_signs_by_user_and_password(client: TestClient, tmp_path: Path) -> None:
    body = json.dumps(
        {"meta": {"id": "m-1", "action": "change", "entity": "person", "entity_id": 5}, "data": {}, "previous": {}}
    )
    assert client.post("/v1/hooks/pipedrive", content=body, auth=("pipedrive", "guess")).status_code == 401
    assert client.post("/v1/hooks/pipedrive", content=body).status_code == 401
    assert client.post("/v1/hooks/pipedrive", content=body, auth=("pipedrive", "hook-password")).json() == {
        "received": 1,
        "new": 1,
    }
    assert kept(tmp_path) == [Event("pipedrive|m-1", "pipedrive", "contact", "5")]


def test_marketo_gets_the_score_in_the_call(client: TestClient) -> None:
    """Flat fields, as its mapping wants them; what the lead just did counts already."""
    lead = client.get("/v1/leads", params={"sort": "points", "limit": 1}).json()["rows"][0]["lead_id"]  # far from any cap
    answer = client.post("/v1/hooks/marketo", json={"lead_id": lead}, headers={"X-Ripeline-Key": "marketo-key"}).json()
    assert answer["lead_id"] == lead
    assert 1 <= answer["score"] <= 99
    assert set(answer) >= {"grade", "chance", "action", "points", "reasons", "model", "scored_at"}
    assert not any(isinstance(value, dict | list) for value in answer.values())
    told = {"lead_id": lead, "type": "trial_requested"}
    after = client.post("/v1/hooks/marketo", json=told, headers={"X-Ripeline-Key": "marketo-key"}).json()
    assert after["points"] > answer["points"]
    asked = client.get(f"/v1/leads/{lead}").json()
    same = client.post("/v1/score", json={**asked, "as_of": NOW.isoformat()}).json()["results"][0]
    assert (answer["score"], answer["grade"], answer["points"]) == (same["score"], same["grade"], same["rules"]["points"])


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"lead_id": "x"}', {}, 401),
        (b'{"lead_id": "x"}', {"X-Ripeline-Key": "wrong"}, 401),
        (b"not json", {"X-Ripeline-Key": "marketo-key"}, 422),
        (b"[]", {"X-Ripeline-Key": "marketo-key"}, 422),
        (b"{" * 100_000, {"X-Ripeline-Key": "marketo-key"}, 422),
        (b'"' + b"x" * 3_000_000, {"X-Ripeline-Key": "marketo-key"}, 413),
        *(
            (body, {"X-Ripeline-Key": "marketo-key"}, 422)
            for body in (
                b'{"lead_id": null}',
                b'{"lead_id": ""}',
                b'{"lead_id": true}',
                b'{"lead_id": {"id": "x"}}',
                b'{"lead_id": "a\\u0000b"}',
                b'{"lead_id": "\\ud800"}',
                b'{"lead_id": "x", "type": ["form_submitted"]}',
                b'{"lead_id": "' + b"x" * 201 + b'"}',
                b'{"lead_id": "x", "type": NaN}',
            )
        ),
    ],
)
def test_bad_calls_of_marketo(client: TestClient, body: bytes, headers: dict[str, str], status: int) -> None:
    assert client.post("/v1/hooks/marketo", content=body, headers=headers).status_code == status


def test_a_lead_that_is_not_in_the_list_is_not_scored(client: TestClient) -> None:
    answer = client.post("/v1/hooks/marketo", json={"lead_id": "nobody"}, headers={"X-Ripeline-Key": "marketo-key"})
    assert answer.json() == {"status": "not_scored", "lead_id": "nobody"}
    numbered = client.post("/v1/hooks/marketo", json={"lead_id": 4711}, headers={"X-Ripeline-Key": "marketo-key"})
    assert numbered.json() == {"status": "not_scored", "lead_id": "4711"}, "Marketo's own ids are numbers"


@pytest.mark.parametrize("body", [b"not json", b"3", b'[{"subscriptionType": "contact.creation"}]', b"[[]]"])
def test_what_names_no_record_keeps_nothing(client: TestClient, tmp_path: Path, body: bytes) -> None:
    answer = client.post("/v1/hooks/hubspot", content=body, headers=signed(body))
    assert answer.status_code == (422 if body == b"not json" else 200)
    assert kept(tmp_path) == []


def test_a_hook_that_is_not_set_up_says_so(trained: Trained, variables: dict[str, str]) -> None:
    del variables["HUBSPOT_CLIENT_SECRET"]
    app = create_app(lambda: Scorer(trained.model), clock=lambda: NOW, settings=ServingSettings.read(variables))
    answer: Any = TestClient(app).post("/v1/hooks/hubspot", content=CHANGE, headers=signed(CHANGE))
    assert answer.status_code == 404
    assert "HUBSPOT_CLIENT_SECRET is not set" in answer.json()["detail"]
