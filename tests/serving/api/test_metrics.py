"""What Prometheus is told: by route and not by path, and nothing of any lead."""

from __future__ import annotations

import re
from copy import deepcopy

import pytest
from starlette.testclient import TestClient

from serving.api.app import create_app
from serving.schemas.score import EXAMPLE
from serving.scoring.scorer import Scorer
from tests.tiny import tiny_model


@pytest.fixture
def client() -> TestClient:
    scorer = Scorer(tiny_model())
    return TestClient(create_app(lambda: scorer), raise_server_exceptions=False)


def told(client: TestClient) -> dict[str, float]:
    """Series → value."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_requests_are_counted_by_route_and_status(client: TestClient) -> None:
    client.post("/v1/score", json=EXAMPLE)
    client.post("/v1/score", content=b"{")
    client.get("/v1/leads/anna@example.com")
    client.get("/somewhere")
    for path in ("/v1/leads.csv", "/web/app.js"):  # served by the handlers of /v1/leads and of the page
        client.get(path)
    found = told(client)
    assert found['ripeline_requests_total{method="POST",route="/v1/score",status="200"}'] == 1
    assert found['ripeline_requests_total{method="POST",route="/v1/score",status="400"}'] == 1
    assert found['ripeline_requests_total{method="GET",route="/v1/leads/{lead_id:path}",status="404"}'] == 1
    assert found['ripeline_requests_total{method="GET",route="other",status="404"}'] == 1
    assert found['ripeline_requests_total{method="GET",route="/v1/leads.csv",status="404"}'] == 1
    assert found['ripeline_requests_total{method="GET",route="/web/app.js",status="200"}'] == 1
    assert found['ripeline_request_seconds_count{route="/v1/score"}'] == 2
    assert not any("anna" in name or "somewhere" in name for name in found), "a path may name a lead"


def test_leads_are_counted_by_what_became_of_them(client: TestClient) -> None:
    body = deepcopy(EXAMPLE)
    lead = body["leads"][0]
    out = {**lead, "lead_id": "out", "attributes": {"opted_out": True}}
    closed = {**lead, "lead_id": "closed", "lead_stage": "customer"}
    results = client.post("/v1/score", json={**body, "leads": [lead, out, closed, {"lead_id": "bad"}]}).json()["results"]
    found = told(client)
    for status in ("opted_out", "closed", "invalid"):
        assert found[f'ripeline_leads_total{{status="{status}"}}'] == 1
    bands = {name: n for name, n in found.items() if re.match(r"ripeline_scores_total\{", name)}
    begin = (results[0]["score"] - 1) // 10 * 10 + 1
    assert bands == {f'ripeline_scores_total{{band="{begin:02d}-{min(begin + 9, 99):02d}"}}': 1}


def test_the_model_that_answers_is_named(client: TestClient) -> None:
    assert [name for name in told(client) if name.startswith("ripeline_model_info")] == [
        'ripeline_model_info{name="tiny",trained_at="2026-01-01T00:00:00+00:00",version="1"}'
    ]


def test_without_a_model_there_are_metrics_too() -> None:
    client = TestClient(create_app(lambda: None), raise_server_exceptions=False)
    assert client.post("/v1/score", json=EXAMPLE).status_code == 503
    assert told(client)['ripeline_requests_total{method="POST",route="/v1/score",status="503"}'] == 1
