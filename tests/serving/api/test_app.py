"""The API over its ASGI application: what an application developer sees, good and bad."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from models.common.types import logit
from serving.api.app import create_app
from serving.schemas.requests import MOST_LEADS
from serving.schemas.score import EXAMPLE
from serving.scoring.scorer import Scorer
from tests.trained import Trained

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(trained: Trained) -> Iterator[TestClient]:
    scorer = Scorer(trained.model)
    with TestClient(create_app(lambda: scorer, clock=lambda: NOW), raise_server_exceptions=False) as client:
        yield client


def lead(**changes: Any) -> dict[str, Any]:
    return {**EXAMPLE["leads"][0], **changes}


def scored(client: TestClient, **changes: Any) -> dict[str, Any]:
    answer = client.post("/v1/score", json={"leads": [lead(**changes)]})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["results"][0]
    return result


def test_the_documented_example_is_scored(client: TestClient) -> None:
    answer = client.post("/v1/score", json=EXAMPLE).json()
    assert answer["model"]["name"] == "small"
    (result,) = answer["results"]
    assert result["status"] == "scored"
    assert list(result["probabilities"]) == ["sql", "customer"], "an MQL can still become these"
    assert result["probabilities"]["sql"]["horizon_days"] == 45
    assert 1 <= result["score"] <= 99
    assert result["grade"][0] in "ABC"
    assert result["grade"][1] in "123"
    assert {"label": "trial requests", "points": 40.0} in result["rules"]["lines"]
    assert result["recommendation"]["action"] in {"hand_over", "nurture", "hold", "recycle", "disqualify"}


def test_probabilities_are_coherent_and_inside_their_interval(client: TestClient) -> None:
    found = scored(client, lead_stage="lead")["probabilities"]
    values = [found[target]["value"] for target in ("mql", "sql", "customer")]
    assert values == sorted(values, reverse=True), "nobody becomes a customer without becoming an SQL"
    assert all(p["low"] <= p["value"] <= p["high"] for p in found.values())


def test_what_a_lead_is_worth_is_chance_times_amount(client: TestClient) -> None:
    result = scored(client)
    amount = result["amount"]
    assert amount["currency"] == "EUR"
    assert amount["low"] < amount["value"] < amount["high"]
    assert result["expected_value"] == pytest.approx(result["probabilities"]["customer"]["value"] * amount["value"], rel=1e-3)
    assert result["expected_value_low"] < result["expected_value"] < result["expected_value_high"]
    assert result["recommendation"]["expected_profit"] == pytest.approx(result["expected_value"] - 25, abs=0.01)


@pytest.mark.parametrize("count", [0, 1, 5, 50])
def test_reasons_add_up_to_the_probability(client: TestClient, count: int) -> None:
    result = client.post("/v1/score", json={"leads": [lead()], "reasons": count}).json()["results"][0]
    frame = result["explanation"]
    assert len(result["reasons"]) <= count
    total = frame["start"] + sum(r["effect"] for r in result["reasons"]) + frame["rest"] + frame["calibration"]
    said = result["probabilities"][frame["target"]]["value"]
    assert math.isclose(total, float(logit(said)), abs_tol=1e-4), "the probability is rounded to six digits"


def test_rule_lines_add_up_to_the_points(client: TestClient) -> None:
    rules = scored(client)["rules"]
    assert rules["points"] == pytest.approx(sum(line["points"] for line in rules["lines"]))


def test_german_answers(client: TestClient) -> None:
    result = client.post("/v1/score", json={"leads": [lead()], "language": "de"}).json()["results"][0]
    assert any("Testzugangs-Anfragen" in line["label"] for line in result["rules"]["lines"])


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"interactions": []}, "no interactions"),
        ({"interactions": [{"type": "moon_landing", "at": "2026-06-01T00:00:00Z"}]}, "Unknown interaction types.*moon_landing"),
        ({"attributes": {}}, "Missing attributes"),
        ({"attributes": {"shoe_size": 43}}, "does not use: 'shoe_size'"),
        ({"company": {"employees": "many"}}, "'many' is not a number"),
        ({"lead_stage_since": None}, "lead_stage_since is missing"),
        ({"created_at": "2026-05-20T09:00:00"}, "taken as UTC"),
        ({}, "buying group is unknown"),
    ],
)
def test_odd_leads_are_scored_with_a_warning(client: TestClient, changes: dict[str, Any], warning: str) -> None:
    result = scored(client, **changes)
    assert result["status"] == "scored"
    assert any(re.search(warning, w) for w in result["warnings"]), result["warnings"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"lead_stage": "customer"}, "closed"),
        ({"lead_stage": "disqualified"}, "closed"),
        ({"attributes": {"opted_out": True}}, "opted_out"),
    ],
)
def test_leads_that_are_not_scored(client: TestClient, changes: dict[str, Any], status: str) -> None:
    result = scored(client, **changes)
    assert result["status"] == status
    assert result["probabilities"] is None


BAD_LEADS: list[tuple[dict[str, Any], str, str]] = [
    ({"lead_stage": "mqll"}, "did you mean 'mql'", "/leads/0/lead_stage"),
    ({"lead_id": 7}, "valid string", "/leads/0/lead_id"),
    ({"colour": "red"}, "Unknown field 'colour'", "/leads/0/colour"),
    ({"created_at": "yesterday"}, "got 'yesterday'", "/leads/0/created_at"),
    ({"created_at": "2027-01-01T00:00:00Z"}, "after as_of", "/leads/0/created_at"),
    ({"interactions": [{"type": "page_view", "at": "2026-08-01T00:00:00Z"}]}, "not before as_of", "/leads/0/interactions/0/at"),
    ({"interactions": [{"type": "page_view"}]}, "'at' is missing", "/leads/0/interactions/0/at"),
    (
        {"interactions": [{"kind": "x", "type": "x", "at": "2026-01-01"}]},
        "Unknown field 'kind': .*'type'",
        "/leads/0/interactions/0/kind",
    ),
    ({"interactions": [{"type": "x", "at": "2026-01-01", "direction": "up"}]}, "got 'up'", "/leads/0/interactions/0/direction"),
    ({"attributes": {"country": ["DE"]}}, "country", "/leads/0/attributes/country"),
    ({"interactions": "none"}, "got 'none'", "/leads/0/interactions"),
]


@pytest.mark.parametrize(("changes", "detail", "field"), BAD_LEADS, ids=[b[1] for b in BAD_LEADS])
def test_a_bad_lead_is_a_problem_that_names_it(client: TestClient, changes: dict[str, Any], detail: str, field: str) -> None:
    answer = client.post("/v1/score", json={"leads": [lead(**changes)]})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert re.search(detail, problem["detail"]), problem["detail"]
    assert problem["field"].startswith(field)


def test_one_bad_lead_never_spoils_the_batch(client: TestClient) -> None:
    body = {"leads": [lead(lead_id="good"), lead(lead_id="bad", lead_stage="nowhere"), lead(lead_id="good")]}
    first, second, third = client.post("/v1/score", json=body).json()["results"]
    assert (first["status"], second["status"], third["status"]) == ("scored", "invalid", "invalid")
    assert second["problem"]["lead"] == "bad"
    assert "stands twice" in third["problem"]["detail"]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"not json", 400, "not JSON"),
        (b'{"leads": [NaN]}', 400, "NaN is no JSON number"),
        (b"[" * 100_000, 400, "nested too deeply|not JSON"),
        (b'"text"', 422, "got 'text'"),
        (b'{"leads": []}', 422, "`leads` is empty"),
        (b'{"leadz": []}', 422, "Unknown field 'leadz': did you mean 'leads'"),
        (b'{"leads": [1], "as_of": "soon"}', 422, "got 'soon'"),
        (b'{"leads": [{}], "reasons": 51}', 422, "less than or equal to 50"),
        (b'{"leads": [{}]}', 422, "is missing"),
        (b"\xff\xfe", 400, "not JSON in UTF-8"),
    ],
)
def test_bad_requests(client: TestClient, body: bytes, status: int, detail: str) -> None:
    answer = client.post("/v1/score", content=body)
    assert answer.status_code == status
    assert re.search(detail, answer.json()["detail"]), answer.json()


def test_too_many_leads(client: TestClient) -> None:
    answer = client.post("/v1/score", json={"leads": [{}] * (MOST_LEADS + 1)})
    assert answer.status_code == 413
    assert "10,000" in answer.json()["detail"]


def test_ten_thousand_leads_at_once(client: TestClient) -> None:
    many = [{"lead_id": f"L{i}", "lead_stage": "lead", "created_at": "2026-06-01T00:00:00Z"} for i in range(MOST_LEADS)]
    answer = client.post("/v1/score", json={"leads": many, "reasons": 0})
    assert answer.status_code == 200
    assert [r["lead_id"] for r in answer.json()["results"]] == [m["lead_id"] for m in many]


def test_values_are_shown_short(client: TestClient) -> None:
    problem = client.post("/v1/score", json={"leads": [lead(lead_stage="x" * 5_000)]}).json()
    assert len(problem["value"]) <= 100


def test_unknown_paths_and_methods_are_problems(client: TestClient) -> None:
    assert client.get("/v2/nothing").json()["status"] == 404
    answer = client.get("/v1/score")
    assert (answer.status_code, answer.json()["status"]) == (405, 405)


def test_model_and_health(client: TestClient) -> None:
    about = client.get("/v1/model").json()
    assert about["funnel"]["stages"] == ["lead", "mql", "sql", "customer"]
    assert about["held_out"]["model"]["customer"]["rows"] > 0
    assert client.get("/livez").status_code == client.get("/readyz").status_code == 200


def test_without_a_model_it_lives_but_is_not_ready() -> None:
    with TestClient(create_app(lambda: None)) as client:
        assert client.get("/livez").status_code == 200
        for answer in (client.get("/readyz"), client.get("/v1/model"), client.post("/v1/score", json=EXAMPLE)):
            assert answer.status_code == 503
            assert "No model is loaded" in answer.json()["detail"]
