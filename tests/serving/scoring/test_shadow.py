"""Shadow mode: nobody waits for the challenger, its trouble is nobody's, and no lead is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

import serving.api.app
from features.dataset.funnel import Funnel
from serving.api.app import create_app
from serving.logs.access_log import AccessLogMiddleware
from serving.schemas.score import EXAMPLE
from serving.scoring.answer import build_answer
from serving.scoring.scorer import Scorer
from serving.scoring.shadow import Shadow
from tests.tiny import tiny_model


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(serving.api.app, "write_line", found.append)
    return found


def client(challenger: Callable[[], Scorer | None]) -> TestClient:
    champion = Scorer(tiny_model())
    app = create_app(lambda: champion, shadow=challenger)
    return TestClient(AccessLogMiddleware(app, serving.api.app.utc_now, lambda _line: None), raise_server_exceptions=False)


def counted(asked: TestClient, what: str) -> bool:
    return f'ripeline_shadow_requests_total{{what="{what}"}} 1.0' in asked.get("/metrics").text


def test_both_are_written_down_and_the_champion_answers(lines: list[str]) -> None:
    challenger = Scorer(replace(tiny_model(), version="next"))
    asked = client(lambda: challenger)
    lead = EXAMPLE["leads"][0]
    body = {**EXAMPLE, "leads": [{**lead, "lead_id": "c", "lead_stage": "customer"}, lead, {"lead_id": "broken"}]}
    answer = asked.post("/v1/score", json=body, headers={"x-request-id": "r-7"}).json()
    assert answer["model"]["version"] == "1"
    (line,) = map(json.loads, lines)
    (row,) = line["leads"]
    assert (line["event"], line["request_id"], line["champion"], line["challenger"]) == ("shadow", "r-7", "1", "next")
    assert row["lead"] == 1, "its place in the request"
    assert row["chance"][0] == row["chance"][1] == answer["results"][1]["probabilities"]["customer"]["value"]
    assert row["action"] == [answer["results"][1]["recommendation"]["action"]] * 2
    assert lead["lead_id"] not in lines[0]
    assert counted(asked, "compared")
    assert 'ripeline_shadow_change_bucket{le="0.005"} 1.0' in asked.get("/metrics").text


def test_without_a_challenger_nothing_is_written(lines: list[str]) -> None:
    assert client(lambda: None).post("/v1/score", json=EXAMPLE).status_code == 200
    assert lines == []


def test_a_challenger_in_trouble_is_nobodys_trouble(lines: list[str]) -> None:
    broken = Scorer(replace(tiny_model(), transitions=()))
    asked = client(lambda: broken)
    answer = asked.post("/v1/score", json=EXAMPLE)
    assert (answer.status_code, answer.json()["results"][0]["status"]) == (200, "scored")
    assert json.loads(lines[0])["failed"] in ("IndexError", "ValueError")
    assert counted(asked, "failed")


def test_a_challenger_of_another_funnel_is_not_compared(lines: list[str]) -> None:
    other = Funnel(("lead", "mql", "customer"), (), {"mql": 30, "customer": 180})
    scorer = Scorer(replace(tiny_model(), funnel=other))
    asked = client(lambda: scorer)
    assert asked.post("/v1/score", json=EXAMPLE).status_code == 200
    assert lines == []
    assert counted(asked, "other funnel")


def test_what_comes_while_it_is_busy_is_counted_not_queued() -> None:
    registry, found = CollectorRegistry(), list[str]()
    champion = Scorer(tiny_model())
    shadow = Shadow(lambda: champion, found.append, registry)
    parsed = serving.api.app.read(json.dumps(EXAMPLE).encode(), champion.model.funnel, serving.api.app.utc_now())
    answer = build_answer(champion, parsed)
    with shadow._busy:
        shadow.compare(champion, parsed, answer, None)
    assert found == []
    assert registry.get_sample_value("ripeline_shadow_requests_total", {"what": "skipped"}) == 1
    shadow.compare(champion, parsed, answer, None)
    assert len(found) == 1
