"""Stored leads over the API: what comes in, once; scores at any moment; why they changed; the list; one person's answer."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from serving.api.app import create_app
from tests.serving.store.world import CREATED, World, event


def test_an_event_is_taken_once_however_often_it_is_sent(world: World) -> None:
    world.put("L-1")
    first = world.happened(event(1), event(2))
    assert first.status_code == 200
    told = first.json()
    assert (told["new"], told["known"], told["waiting"], told["refused"]) == (2, 0, 0, [])
    again = world.happened(event(2), event(3), event(1)).json()
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


def test_all_bad_is_a_422_and_too_many_a_413(world: World) -> None:
    assert world.happened({"event_id": 5}).status_code == 422
    assert world.client.post("/v1/interactions", json={"interactions": []}).status_code == 422
    assert world.client.post("/v1/interactions", content=b"{").status_code == 400
    assert world.client.post("/v1/interactions", json={"interactions": [1] * 10_001}).status_code == 413


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


def test_attributes_are_those_of_the_moment(world: World) -> None:
    world.put("L-1", {"created_at": CREATED, "attributes": {"source": "ads", "budget": 5}})
    world.put("L-1", {"at": "2026-06-10T00:00:00Z", "attributes": {"source": "webinar"}})
    world.put("L-1", {"at": "2026-06-20T00:00:00Z", "attributes": {"source": None}})
    for as_of, source in (("2026-06-09T00:00:00Z", "ads"), ("2026-06-11T00:00:00Z", "webinar"), (None, None)):
        told = world.get("/v1/leads/L-1/decision", **({"as_of": as_of} if as_of else {}))["data_used"]["attributes"]
        assert told == {"budget": 5, **({"source": source} if source else {})}


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


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "needs created_at"),
    ({"created_at": CREATED, "lead_stage": "mqll"}, "did you mean 'mql'"),
    ({"created_at": CREATED, "lead_stag": "mql"}, "did you mean 'lead_stage'"),
    ({"created_at": "0001-01-01T00:00:00Z"}, "does not lie between 1900 and 2199"),
    ({"created_at": CREATED, "company": {"industry": "software"}}, "needs its company_id"),
    ({"created_at": CREATED, "attributes": {"a": [1]}}, "must be text, a number"),
    ({"created_at": CREATED, "attributes": {"opted_out": "perhaps"}}, "neither yes nor no"),
    ({"created_at": CREATED, "attributes": {"a\x00": 1}}, "NUL"),
    ({"created_at": 1780000000}, "ISO 8601"),
]


def test_a_bad_lead_is_told_what_is_wrong(world: World) -> None:
    for body, detail in BAD:
        answer = world.put("L-1", body)
        assert answer.status_code == 422, body
        assert detail in answer.json()["detail"]


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


def test_the_list_is_fresh_sorted_filtered_and_paged(world: World) -> None:
    for number in range(6):
        world.put(f"L-{number}", {"created_at": CREATED, "lead_stage": "mql" if number % 2 else "lead"})
        for act in range(number):
            world.happened(event(f"{number}-{act}", f"L-{number}", at=f"2026-06-{10 + act}T10:00:00Z"))
    world.score_all()
    found = world.get("/v1/leads", sort="-points")
    assert found["total"] == 6
    assert found["waiting"] == 0
    assert [row["points"] for row in found["rows"]] == sorted((r["points"] for r in found["rows"]), reverse=True)
    assert [row["rank"] for row in world.get("/v1/leads")["rows"]] == [1, 2, 3, 4, 5, 6]
    assert {row["lead_stage"] for row in world.get("/v1/leads", lead_stage="mql")["rows"]} == {"mql"}
    assert [row["lead_id"] for row in world.get("/v1/leads", sort="lead_id", limit=2, offset=3)["rows"]] == ["L-3", "L-4"]
    assert world.get("/v1/leads", q="l-4")["total"] == 1
    assert world.get("/v1/leads", q="%")["total"] == 0
    assert world.client.get("/v1/leads", params={"sort": "scor"}).status_code == 422
    lines = world.client.get("/v1/leads.csv", params={"min_score": 1}).text.splitlines()
    assert len(lines) == 7
    mine = world.get("/v1/leads/L-3/score")["result"]
    (row,) = world.get("/v1/leads", q="L-3")["rows"]
    assert (row["score"], row["grade"], row["action"]) == (mine["score"], mine["grade"], mine["recommendation"]["action"])
    assert row["chance"] == pytest.approx(mine["probabilities"]["customer"]["value"], abs=1e-6)
    world.happened(event("new", "L-0", at="2026-06-30T10:00:00Z", type="trial_requested"))
    assert world.get("/v1/leads")["waiting"] == 1
    world.score_all()
    (after,) = world.get("/v1/leads", q="L-0")["rows"]
    assert after["points"] > next(r for r in found["rows"] if r["lead_id"] == "L-0")["points"]


def test_a_colleague_s_act_counts_for_the_whole_account(world: World) -> None:
    for name in ("L-1", "L-2"):
        world.put(name, {"created_at": CREATED, "company": {"company_id": "C"}})
    world.score_all()
    world.later(days=1)
    world.happened(event(1, "L-2"))
    world.score_all()
    told = {row["lead_id"]: row["scored_at"] for row in world.get("/v1/leads")["rows"]}
    assert told["L-1"] == told["L-2"] == world.now.isoformat()


def test_what_somebody_is_told_who_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIPELINE_CONTACT", "privacy@example.com")
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


def test_marketo_gets_the_score_of_a_stored_lead(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETO_HOOK_KEY", "marketo-key")
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
        ("GET", "/v1/leads/a/why"),
    ):
        answer = bare.request(method, path, json={})
        assert answer.status_code == 404
        assert "RIPELINE_STORE" in answer.json()["detail"]
    assert "work list" in bare.get("/v1/leads").json()["detail"]


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
