"""Calls about stored leads over the API: strict JSON, any text, names that are no ids, a store that is not there."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from serving.api.app import create_app
from serving.store.store import Store
from serving.store.tables import metadata
from tests.serving.store.world import CREATED, World, event


def test_all_bad_is_a_422_and_too_many_a_413(world: World) -> None:
    assert world.happened({"event_id": 5}).status_code == 422
    assert world.client.post("/v1/interactions", json={"interactions": []}).status_code == 422
    assert world.client.post("/v1/interactions", content=b"{").status_code == 400
    assert world.client.post("/v1/interactions", json={"interactions": [1] * 10_001}).status_code == 413


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "needs created_at"),
    ({"created_at": CREATED, "lead_stage": "mqll"}, "did you mean 'mql'"),
    ({"created_at": CREATED, "lead_stag": "mql"}, "did you mean 'lead_stage'"),
    ({"created_at": "0001-01-01T00:00:00Z"}, "does not lie between 1990 and 2199"),
    ({"created_at": CREATED, "company": {"industry": "software"}}, "needs its company_id"),
    ({"created_at": CREATED, "attributes": {"a": [1]}}, "must be text, a number"),
    ({"created_at": CREATED, "attributes": {"a\x00": 1}}, "NUL"),
    ({"created_at": 1780000000}, "ISO 8601"),
]


def test_a_bad_lead_is_told_what_is_wrong(world: World) -> None:
    for body, detail in BAD:
        answer = world.put("L-1", body)
        assert answer.status_code == 422, body
        assert detail in answer.json()["detail"]


@pytest.mark.parametrize("field", ["created_at", "at", "lead_stage_since"])
@pytest.mark.parametrize(
    ("moment", "detail"),
    [("1970-01-01T00:00:00Z", "between 1990"), ("2062-05-20T09:00:00Z", "after the clock (2026-07-01 12:00")],
)
def test_a_lead_keeps_no_moment_that_cannot_be_meant(world: World, field: str, moment: str, detail: str) -> None:
    answer = world.put("L-1", {"created_at": CREATED, "lead_stage": "mql", field: moment})
    assert (answer.status_code, answer.json()["field"]) == (422, f"/{field}")
    assert detail in answer.json()["detail"]


def test_an_interaction_that_is_planned_is_refused_by_its_place_and_the_others_are_taken(world: World) -> None:
    """A clock that is a few hours ahead is none of that."""
    world.put("L-1")
    moments = ("2026-06-20T10:00:00Z", "2026-07-22T10:00:00Z", "1970-01-01T00:00:00Z", "2026-07-02T01:30:00Z")
    answer = world.happened(*(event(number, at=at) for number, at in enumerate(moments))).json()
    assert answer["new"] == 2
    assert [refusal["field"] for refusal in answer["refused"]] == ["/interactions/1/at", "/interactions/2/at"]
    assert "send what is planned when it has happened" in answer["refused"][0]["detail"]


def test_marketo_gets_the_score_of_a_stored_lead(store: Store) -> None:
    world = World(store, MARKETO_HOOK_KEY="marketo-key")
    world.put("L-1")
    world.put("L-2", {"created_at": CREATED, "opted_out": True})
    world.later(seconds=1)

    def asked(**body: str) -> Any:
        return world.client.post("/v1/hooks/marketo", json=body, headers={"X-Ripeline-Key": "marketo-key"}).json()

    told = asked(lead_id="L-1", type="trial_requested")
    assert told["points"] > asked(lead_id="L-1")["points"]
    assert told["score"] >= 1
    for name in ("L-2", "nobody"):
        assert asked(lead_id=name) == {"status": "not_scored", "lead_id": name}


def test_without_a_store_it_is_said(world: World) -> None:
    bare = TestClient(create_app(lambda: world.scorer), raise_server_exceptions=False)
    for method, path in (
        ("POST", "/v1/interactions"),
        ("PUT", "/v1/leads/a"),
        ("DELETE", "/v1/leads/a"),
        ("GET", "/v1/leads/a"),
        ("GET", "/v1/leads/a/why"),
    ):
        answer = bare.request(method, path, json={})
        assert answer.status_code == 404
        assert "RIPELINE_STORE" in answer.json()["detail"]
    for path in ("/v1/leads", "/v1/leads.csv", "/report"):
        answer = bare.get(path)
        assert answer.status_code == 404
        assert "`make serve`" in answer.json()["detail"]


INJECTIONS = ["'; DROP TABLE leads; --", '" OR ""="', "%' OR 1=1 --", "\\'; SELECT pg_sleep(9); --", "L-1' UNION SELECT 1 --",
              "{{7*7}}", "$1", ":name", "%s", "ü😀", "../../etc/passwd"]  # fmt: skip


def test_text_is_text_in_every_place(world: World) -> None:
    """SQL in ids, values and parameters is stored and given back, never run."""
    for text in INJECTIONS:
        _stays_text(world, text)


def _stays_text(world: World, text: str) -> None:
    body = {"created_at": CREATED, "attributes": {text: text, "source": text}, "company": {"company_id": text, text: text}}
    assert world.put(quote(text, safe=""), body).status_code == 201
    sent = world.happened(event(text, text, type=text, content=text, campaign=text))
    assert sent.json()["new"] == 1, sent.text
    world.later(seconds=1)
    name = quote(text, safe="")
    (lead,) = world.get(f"/v1/leads/{name}")["leads"]
    assert (lead["lead_id"], lead["company"]["company_id"], lead["interactions"][0]["type"]) == (text, text, text)
    world.score_all()
    assert world.get("/v1/leads", q=text)["rows"][0]["lead_id"] == text
    for asked in ({"action": text}, {"lead_stage": text}, {"grade": text}):
        assert world.get("/v1/leads", **asked)["total"] == 0
    for asked in ({"sort": text}, {text: "1"}, {"limit": text}, {"min_score": text}):
        assert world.client.get("/v1/leads", params=asked).status_code == 422
    for path in ("score", "scores", "why", "decision"):
        for name_ in ("as_of", "from", "language", "limit", text):
            assert world.client.get(f"/v1/leads/{name}/{path}", params={name_: text}).status_code == 422
    assert world.client.delete(f"/v1/leads/{name}").json()["deleted"]["leads"] == 1
    assert world.get("/v1/leads")["total"] == 0


def test_names_of_calls_are_no_ids(world: World) -> None:
    assert world.put("a%2Fscore").status_code == 422
    told = world.happened(event(1, "a/why"), event(2, "nul\x00"), event(3), event(4, content="nul\x00")).json()
    assert [one["place"] for one in told["refused"]] == [0, 1, 3]


def test_json_is_read_strictly(world: World) -> None:
    huge = json.dumps({"interactions": [event(1)]}).replace('"type"', '"value": 1e999, "type"')
    assert world.client.post("/v1/interactions", content=huge).status_code == 422
    lead = '{"created_at": "2026-05-20T09:00:00Z", "attributes": {"a": 1e999}}'
    assert world.client.put("/v1/leads/L-1", content=lead).status_code == 422
    for body in (b'{"interactions": NaN}', b"[" * 100_000, b'"\xff"'):
        assert world.client.post("/v1/interactions", content=body).status_code == 400
    sent = json.dumps({"interactions": [event(1, content="\ud800")]})
    assert world.client.post("/v1/interactions", content=sent).status_code == 422


def test_what_is_personal_is_neither_kept_nor_repeated(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    world = World(store)
    attributes = {
        "first_name": "Zqfirst", "Telefon": "+49 171 1234567", "source": "from zqmail@ex.org", "channel": "zqlone@ex.org",
        "age": 40, "country": "DE",
    }  # fmt: skip
    firm = {"company_id": "C-1", "industry": "software", "street": "Zqstrasse 12", "name": "Acme GmbH"}
    answer = world.put("L-1", {"created_at": CREATED, "attributes": attributes, "company": firm})
    assert answer.json()["left_out"] == {
        "/attributes/first_name": "name",
        "/attributes/Telefon": "telephone number",
        "/attributes/source": "e-mail address",
        "/attributes/channel": "e-mail address",
        "/company/street": "postal address",
    }
    acts = [
        event(1, content="Offer for zqcontent@ex.org"),
        event(2, campaign="zqcampaign [at] ex.org", content="/pricing"),
        event(3, content="/pricing"),
    ]
    sent = world.happened(*acts).json()
    assert (sent["new"], sent["personal"]) == (3, 2)
    assert world.happened(*acts).json()["known"] == 3
    request = world.get("/v1/leads/L-1")
    scored = world.client.post("/v1/score", json={"leads": [{**request["leads"][0], "attributes": attributes}]})
    assert "Personal and not used: first_name (name)" in " ".join(scored.json()["results"][0]["warnings"])
    bad = world.put("L-1", {"lead_stage": "zqstage@ex.org"})
    world.score_all()
    with store.read() as connection:
        rows = [str(connection.execute(table.select()).all()) for table in metadata.sorted_tables]
    out = capfd.readouterr()
    everything = [*rows, answer.text, json.dumps(request), scored.text, bad.text, out.out, out.err]
    assert not [text for text in everything if "zq" in text.casefold() or "1234567" in text]
    assert request["leads"][0]["attributes"] == {"age": 40, "country": "DE", "source": "from (e-mail address)"}
