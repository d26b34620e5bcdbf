"""Every answer has its headers and its line: who asked what, of what status, and no lead; and who may ask from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from features.common.errors import ConfigError
from serving.common.settings import ServingSettings
from serving.logs.access_log import AccessLogMiddleware, with_cors
from serving.schemas.score import EXAMPLE
from tests.serving.access.guarded import House, Time, bearer


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "keys.json")


def test_every_answer_has_safe_headers_and_an_id(house: House) -> None:
    client = house.client()
    for path in ("/livez", "/v1/model", "/nothing", "/docs", "/login", "/web/app.js"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "default-src" in headers["content-security-policy"], path
        assert len(headers["x-request-id"]) == 16
    assert client.get("/livez", headers={"x-request-id": "crm-7"}).headers["x-request-id"] == "crm-7"
    forged = client.get("/livez", headers={"x-request-id": '"}\\u000a{"event": "forged'})
    assert len(forged.headers["x-request-id"]) == 16, "somebody else's line is not written"


def test_one_line_of_json_says_who_asked_what_and_names_no_lead(house: House) -> None:
    client = house.client()
    body: dict[str, Any] = {**EXAMPLE, "leads": [{**EXAMPLE["leads"][0], "lead_id": "anna@example.com"}]}
    client.post("/v1/score", json=body, headers=bearer(house.keys["score"]))
    client.get("/v1/leads/anna@example.com?q=anna", headers=bearer(house.keys["score"]))
    client.get("/v1/leads/anna@example.com", headers=bearer("rl_secret"))
    lines = [json.loads(line) for line in house.lines]
    mine = house.keys["score"][3:11]
    assert [(one.get("key"), one["route"], one["status"], one.get("leads")) for one in lines] == [
        (mine, "/v1/score", 200, 1),
        (mine, "/v1/leads/{lead_id:path}", 404, None),
        (None, "none", 401, None),
    ]
    assert not any(word in line for line in house.lines for word in ("anna", "secret", house.keys["score"]))


def test_pages_elsewhere_ask_only_where_they_are_allowed(house: House) -> None:
    client = house.client(with_cors(house.guard, ["https://crm.example.com"]))
    asked = {
        "origin": "https://crm.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    allowed = client.options("/v1/score", headers=asked)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://crm.example.com")
    assert "access-control-allow-credentials" not in allowed.headers
    assert client.options("/v1/score", headers={**asked, "origin": "https://evil.example"}).status_code == 400
    assert "access-control-allow-origin" not in house.client().get("/livez", headers=asked).headers


@pytest.mark.parametrize(
    "text", ["*", "crm.example.com", "http://crm.example.com", "https://*.example.com", "https://a.example/x", "null"]
)
def test_an_origin_that_lets_in_more_than_one_site_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no origin"):
        ServingSettings.read({"RIPELINE_ORIGINS": text})


def test_what_nobody_foresaw_is_answered_and_told_without_its_words() -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("anna@example.com")

    found: list[str] = []
    answer = TestClient(AccessLogMiddleware(broken, Time().clock, found.append)).get("/v1/leads/anna")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["x-content-type-options"] == "nosniff"
    error, request = [json.loads(line) for line in found]
    assert (error["event"], error["error"], request["status"]) == ("error", "RuntimeError", 500)
    assert error["request_id"] == request["request_id"] == answer.headers["x-request-id"]
    assert "anna" not in "".join(found) + answer.text
