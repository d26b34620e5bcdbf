"""Requests leave their lines; a full disk closes what changes something, and only that."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from serving.api.app import create_app
from serving.logs.audit_cli import find, verify
from serving.logs.audit_log import AuditLog
from serving.logs.audit_middleware import AuditMiddleware
from serving.schemas.score import EXAMPLE
from serving.scoring.scorer import Scorer
from tests.serving.logs.trails import change, full_disk
from tests.tiny import tiny_model


class House:
    """An application with something to change, before a trail."""

    def __init__(self, folder: Path) -> None:
        scorer = Scorer(tiny_model())
        self.trail = AuditLog(folder, pause=0.01)
        self.app = create_app(
            lambda: scorer, troubles=lambda: {"audit trail": self.trail.trouble} if self.trail.trouble else {}
        )
        self.app.router.routes.insert(0, Route("/v1/leads/{lead_id}", change, methods=["PUT", "DELETE"]))
        self.client = TestClient(
            AuditMiddleware(self.app, self.trail, lambda: datetime.now(UTC)), raise_server_exceptions=False
        )

    def lines(self) -> list[dict[str, object]]:
        self.trail.stop()
        return [json.loads(line) for file in self.trail.folder.glob("audit-*.jsonl") for line in file.read_text().splitlines()]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    one = House(tmp_path / "audit")
    one.trail.start()
    yield one
    one.trail.stop()


def test_requests_leave_their_lines(house: House) -> None:
    house.client.post("/v1/score", json=EXAMPLE)
    house.client.get("/livez")
    house.client.get("/v1/leads/L-7")
    house.client.put("/v1/leads/L-8", json={})
    house.client.post("/v1/score", content=b"{")
    found = [(line["operation"], line["status"], line["leads"]) for line in house.lines()]
    assert found == [
        ("POST /v1/score", 200, 1),
        ("GET /v1/leads/{lead_id:path}", 404, 1),
        ("PUT /v1/leads/{lead_id}", 200, 1),
        ("POST /v1/score", 400, 0),
    ]
    for lead, count in (("L-1", 1), ("L-7", 1), ("L-8", 1), ("L-9", 0)):
        assert len(list(find(house.trail.folder, lead))) == count, lead


def test_a_change_is_answered_when_its_line_is_on_disk(house: House) -> None:
    house.client.put("/v1/leads/L-8", json={})
    (file,) = house.trail.folder.glob("audit-*.jsonl")
    assert "PUT" in file.read_text()


def test_a_change_is_not_acknowledged_without_its_line(house: House) -> None:
    """The disk fills up between the change and its line; sent again, it is acknowledged, and has one line for each."""
    house.client.put("/v1/leads/L-1", json={})
    (file,) = house.trail.folder.glob("audit-*.jsonl")
    with full_disk(file.stat().st_size + 5):
        lost = house.client.put("/v1/leads/L-8", json={})
    assert (lost.status_code, lost.headers["retry-after"]) == (503, "5")
    assert "not acknowledged" in lost.json()["detail"]
    until = time.monotonic() + 10
    while house.trail.trouble and time.monotonic() < until:
        time.sleep(0.05)
    again = house.client.put("/v1/leads/L-8", json={})
    assert (again.status_code, again.json()) == (200, {"changed": "L-8"})
    assert [line["operation"] for line in house.lines()] == ["PUT /v1/leads/{lead_id}"] * 3


def test_a_refused_change_is_told_as_it_is_whether_or_not_it_has_its_line(house: House) -> None:
    house.client.put("/v1/leads/L-1", json={})
    (file,) = house.trail.folder.glob("audit-*.jsonl")
    with full_disk(file.stat().st_size + 5):
        assert house.client.post("/v1/interactions", content=b"{").status_code == 404  # there is no store


def test_while_the_trail_cannot_be_written_scores_go_on_and_nothing_is_changed(house: House) -> None:
    house.client.put("/v1/leads/L-1", json={})
    (file,) = house.trail.folder.glob("audit-*.jsonl")
    with full_disk(file.stat().st_size + 5):
        assert house.client.post("/v1/score", json=EXAMPLE).status_code == 200
        until = time.monotonic() + 10
        while not house.trail.trouble and time.monotonic() < until:
            time.sleep(0.02)
        assert house.client.post("/v1/score", json=EXAMPLE).status_code == 200
        refused = house.client.put("/v1/leads/L-1", json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "nothing is changed without it" in refused.json()["detail"]
        assert house.client.delete("/v1/leads/L-1").status_code == 503
        ready = house.client.get("/readyz")
        assert (ready.status_code, list(ready.json()["troubles"])) == (200, ["audit trail"])
        assert 'ripeline_trouble{what="audit trail"} 1.0' in house.client.get("/metrics").text
    until = time.monotonic() + 10
    while house.trail.trouble and time.monotonic() < until:
        time.sleep(0.05)
    assert house.client.put("/v1/leads/L-1", json={}).status_code == 200
    assert [line["operation"] for line in house.lines()].count("POST /v1/score") == 2, "what waited was written"
    verify(house.trail.folder)
