"""Requests that are odd: what cannot be meant is refused by its place, what may be is scored with a warning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.schemas.score import EXAMPLE
from tests.serving.odd import act, lead

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("seconds or milliseconds?", {"created_at": 1779267600}, "ISO 8601", "/leads/0/created_at"),
    ("the same as text", {"created_at": "1779267600"}, "ISO 8601", "/leads/0/created_at"),
    (".NET's way to write none", {"created_at": "0001-01-01T00:00:00"}, "between 1990 and 2199", "/leads/0/created_at"),
    ("before year 1 in UTC", {"lead_stage_since": "0001-01-01T00:00:00+14:00"}, "between 1990", "/leads/0/lead_stage_since"),
    ("an interaction of year 1", act(at="0001-01-01T00:00:00Z"), "between 1990 and 2199", "/leads/0/interactions/0/at"),
    ("a number as text", act(value="95"), "got '95'", "/leads/0/interactions/0/value"),
    ("a flag as number", act(value=True), "got True", "/leads/0/interactions/0/value"),
    ("too many digits", act(value=10**400), "got 1000", "/leads/0/interactions/0/value"),
    ("a lone surrogate", {"lead_id": "\ud800"}, "UTF-8", "/leads/0/lead_id"),
    ("a lone surrogate as name", {"\ud800": 1}, "UTF-8", "/leads/0"),
    ("a list in an attribute", {"attributes": {"\ud800": [1]}}, "must be text, a number", "/leads/0/attributes/"),
    ("null for a list", {"interactions": None}, "must be a list", "/leads/0/interactions"),
    ("a list for an object", {"company": [1]}, "must be an object", "/leads/0/company"),
]


@pytest.mark.parametrize(("changes", "detail", "field"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_cannot_be_meant_is_refused(client: TestClient, changes: dict[str, Any], detail: str, field: str) -> None:
    answer = client.post("/v1/score", content=json.dumps({"leads": [lead(**changes)]}).encode())
    problem = answer.json()
    assert answer.status_code == 422, problem
    assert detail in problem["detail"], problem
    assert problem["field"].startswith(field), problem


@pytest.mark.parametrize("as_of", [5, "5", True, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_as_of_outside_any_business_is_refused(client: TestClient, as_of: object) -> None:
    answer = client.post("/v1/score", json={**EXAMPLE, "as_of": as_of})
    assert (answer.status_code, answer.json()["field"]) == (422, "/as_of")


@pytest.mark.parametrize("reasons", ["5", True, 2.5, None, -1])
def test_reasons_is_a_whole_number(client: TestClient, reasons: object) -> None:
    answer = client.post("/v1/score", json={**EXAMPLE, "reasons": reasons})
    assert (answer.status_code, answer.json()["field"]) == (422, "/reasons")


@pytest.mark.parametrize("scalar", [1, None, "x", True, []])
def test_a_lead_that_is_no_object_is_named_by_its_place(client: TestClient, scalar: object) -> None:
    problem = client.post("/v1/score", json={"leads": [scalar]}).json()
    assert problem["detail"].startswith("/leads/0: must be an object")


ODD: list[tuple[str, dict[str, Any]]] = [
    ("a number beyond float64", {"company": {"employees": 10**4000}}),
    ("a number beyond float32", {"company": {"employees": 1e300}}),
    ("a huge value", act(value=1e308)),
    ("a lone surrogate in an attribute", {"attributes": {"source": "\ud800"}}),
    ("a lone surrogate as attribute", {"attributes": {"\ud800": 1}}),
    ("a control character", {"attributes": {"source": "\x00"}}),
    ("decades of silence", act(at="1990-01-01T00:00:00Z")),
    ("flags and numbers where text belongs", {"attributes": {"job_title": True, "email_domain": 7, "source": 1.5}}),
]


@pytest.mark.parametrize("changes", [o[1] for o in ODD], ids=[o[0] for o in ODD])
def test_an_odd_lead_is_scored_and_leaves_the_others_alone(client: TestClient, changes: dict[str, Any]) -> None:
    alone = client.post("/v1/score", json={"leads": [lead(lead_id="plain", company=None)]}).json()["results"][0]
    body = json.dumps({"leads": [lead(lead_id="odd", **changes), lead(lead_id="plain", company=None)]}).encode()
    answer = client.post("/v1/score", content=body)
    assert answer.status_code == 200, answer.text
    odd, plain = answer.json()["results"]
    assert odd["status"] == "scored"
    assert plain["probabilities"] == alone["probabilities"]
    assert plain["rules"] == alone["rules"]


@pytest.mark.parametrize("mark", [True, 1, 1.0, "1", "true", "Yes", " ja ", "y", "J"])
def test_every_way_to_say_opted_out_is_heard(client: TestClient, mark: object) -> None:
    result = client.post("/v1/score", json={"leads": [lead(attributes={"opted_out": mark})]}).json()["results"][0]
    assert (result["status"], result["probabilities"], result["rules"]) == ("opted_out", None, None)


@pytest.mark.parametrize("mark", [False, None, 0, "no", "nein", ""])
def test_not_opted_out_is_scored_without_remark(client: TestClient, mark: object) -> None:
    result = client.post("/v1/score", json={"leads": [lead(attributes={"opted_out": mark})]}).json()["results"][0]
    assert result["status"] == "scored"
    assert not any("opted_out" in w for w in result["warnings"])


def test_an_unreadable_opt_out_is_said(client: TestClient) -> None:
    result = client.post("/v1/score", json={"leads": [lead(attributes={"opted_out": "maybe"})]}).json()["results"][0]
    assert result["status"] == "opted_out"
    assert "opted_out: 'maybe' is neither yes nor no; taken as yes." in result["warnings"]


@pytest.mark.parametrize(
    "body",
    [
        {**EXAMPLE, "as_of": "2026-06-30T00:00:00"},
        {**EXAMPLE, "leads": [lead(lead_stage_since="2026-06-10T14:30:00")]},
        {**EXAMPLE, "leads": [lead(**act(at="2026-06-10"))]},
    ],
    ids=["as_of", "lead_stage_since", "a date only"],
)
def test_every_time_without_an_offset_is_remarked_upon(client: TestClient, body: dict[str, Any]) -> None:
    result = client.post("/v1/score", json=body).json()["results"][0]
    assert "Times without an offset are taken as UTC." in result["warnings"]


def test_a_lead_stage_from_before_the_creation_counts_from_it_and_is_told(client: TestClient) -> None:
    at_creation, before = (
        client.post("/v1/score", json={"as_of": EXAMPLE["as_of"], "leads": [lead(lead_stage_since=since)]}).json()["results"][0]
        for since in (lead()["created_at"], "2026-01-01T09:00:00Z")
    )
    said = "lead_stage_since is before created_at; created_at is taken in its place."
    assert [w for w in before["warnings"] if w not in at_creation["warnings"]] == [said]
    assert {**before, "warnings": []} == {**at_creation, "warnings": []}


def test_an_attribute_on_the_wrong_side_is_said(client: TestClient) -> None:
    body = {"leads": [lead(attributes={"industry": "software"}, company={"source": "ads"})]}
    warnings = client.post("/v1/score", json=body).json()["results"][0]["warnings"]
    assert any("instead of its company" in w and "'industry', 'source'" in w for w in warnings), warnings


def test_a_blank_attribute_is_missing(client: TestClient) -> None:
    result = client.post("/v1/score", json={"leads": [lead(attributes={"source": "  "})]}).json()["results"][0]
    assert any("Missing attributes: 'source'" in w for w in result["warnings"])


def test_identical_interactions_count_once_and_are_told(client: TestClient) -> None:
    once = [{"type": "page_view", "at": f"2026-06-05T{hour}:00:00Z"} for hour in (10, 11)]
    leads = [lead(lead_id=name, interactions=acts) for name, acts in (("a", once), ("b", [*once, once[0], once[0]]))]
    answers = client.post("/v1/score", json={"as_of": "2026-06-20T00:00:00Z", "leads": leads}).json()["results"]
    assert answers[0]["probabilities"] == answers[1]["probabilities"]
    assert "2 identical interactions are there more than once; each counts once." in answers[1]["warnings"]
    assert not any("identical" in warning for warning in answers[0]["warnings"])


@pytest.mark.parametrize(("as_of", "warned"), [("2026-07-01T13:59:00Z", 0), ("2026-07-02", 1), ("2062-07-01T00:00:00Z", 1)])
def test_an_as_of_after_the_clock_is_told(client: TestClient, as_of: str, warned: int) -> None:
    """Within the hours that time zones lie apart it may be the present."""
    result = client.post("/v1/score", json={"as_of": as_of, "leads": [lead()]}).json()["results"][0]
    assert result["status"] == "scored"
    assert sum("lies after the clock (2026-07-01 00:00 UTC)" in warning for warning in result["warnings"]) == warned


def test_seconds_read_as_milliseconds_are_refused_with_the_other_reading(client: TestClient) -> None:
    problem = client.post("/v1/score", json={"leads": [lead(created_at="1970-01-21T14:14:27Z")]}).json()
    assert problem["field"] == "/leads/0/created_at"
    assert "Are these seconds read as milliseconds? Then it is 2026-05-" in problem["detail"]
