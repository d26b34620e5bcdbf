"""Bodies and headers that no client library would send: each is answered in its own way, and none of them with a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from serving.api.app import create_app
from serving.logs.access_log import AccessLogMiddleware
from serving.schemas.score import EXAMPLE
from serving.scoring.scorer import Scorer
from tests.tiny import tiny_model

NOW = datetime(2026, 7, 1, tzinfo=UTC)
TEXT = json.dumps(EXAMPLE)
LEAD = json.dumps(EXAMPLE["leads"][0])


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return []


@pytest.fixture(scope="module")
def client(lines: list[str]) -> Iterator[TestClient]:
    scorer = Scorer(tiny_model())
    app = AccessLogMiddleware(create_app(lambda: scorer, clock=lambda: NOW), lambda: NOW, lines.append)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def with_value(text: str) -> bytes:
    """The example with this text as the value of an attribute of its company."""
    return TEXT.replace('"employees": 250', f'"employees": {text}').encode("utf-8", "surrogatepass")


DEEP = 100_000
BODIES = {
    "NaN": (with_value("NaN"), {400}),
    "Infinity": (with_value("-Infinity"), {400}),
    "1e308": (with_value("1e308"), {200}),
    "1e309": (with_value("1e309"), {200, 400, 422}),
    "a number of 4,000 digits": (with_value("9" * 4_000), {200, 400, 422}),
    "a number of a million digits": (with_value("9" * 1_000_000), {200, 400, 422}),
    "an exponent of a million digits": (with_value("1e" + "9" * 1_000_000), {200, 400, 422}),
    "a lone surrogate in UTF-8": (with_value('"\ud800"'), {200, 400, 422}),
    "a lone surrogate written out": (with_value('"\\ud800"'), {200, 400, 422}),
    "a zero byte": (with_value('"\\u0000"'), {200}),
    "deep lists": (with_value("[" * DEEP + "]" * DEEP), {400, 422}),
    "deep objects": (with_value('{"a":' * DEEP + "1" + "}" * DEEP), {400, 422}),
    "deep lists that do not end": (b"[" * DEEP, {400, 422}),
    "deep around everything": (b'{"leads":' * 5_000, {400, 422}),
    "a name twice": (TEXT.replace('"lead_id"', '"lead_id": "other", "lead_id"', 1).encode(), {200, 400, 422}),
    "leads twice": (b'{"leads": [], ' + TEXT[1:].encode(), {200, 400, 422}),
    "year 9999": (TEXT.replace("2026-06-30", "9999-12-31").encode(), {422}),
    "year 10000": (TEXT.replace("2026-06-30", "10000-01-01").encode(), {422}),
    "a leap second": (TEXT.replace("2026-06-30T00:00:00Z", "2016-12-31T23:59:60Z").encode(), {200, 422}),
    "an offset of 99 hours": (TEXT.replace("2026-06-30T00:00:00Z", "2026-06-30T00:00:00+99:00").encode(), {422}),
    "a byte order mark": (b"\xef\xbb\xbf" + TEXT.encode(), {200, 400}),
    "UTF-16": (TEXT.encode("utf-16"), {200, 400}),
    "bytes that are no text": (b'{"leads": "\xff\xfe"}', {400, 422}),
    "a comment": (TEXT[:-1].encode() + b"/* */}", {400}),
    "two documents": ((TEXT + TEXT).encode(), {400}),
    "nothing": (b"", {400, 422}),
    "spaces": (b" " * 1_000_000, {400, 422}),
    "a string of 50 MB": (with_value('"' + "y" * 50_000_000 + '"'), {200, 413, 422}),
    "a name of 50 MB": (b'{"' + b"y" * 50_000_000 + b'": 1}', {413, 422}),
    "half a million empty objects": (b'{"leads": [' + b"{}," * 500_000 + b"{}]}", {413}),
    "64 MiB and a byte": (b" " * (64 * 2**20 + 1), {413}),
    "a prototype": (TEXT.replace('"employees": 250', '"__proto__": {"x": 1}, "__class__": "x"').encode(), {200, 400, 422}),
}


@pytest.mark.parametrize(("body", "statuses"), BODIES.values(), ids=BODIES.keys())
def test_a_body_no_library_would_send(client: TestClient, body: bytes, statuses: set[int]) -> None:
    answer = client.post("/v1/score", content=body)
    assert answer.status_code in statuses, answer.text[:300]
    assert len(answer.content) < 20_000
    json.loads(answer.content, parse_constant=lambda name: pytest.fail(f"{name} in the answer"))


def test_a_number_beyond_all_is_a_value_that_is_missing_or_refused_and_never_spoils_the_others(client: TestClient) -> None:
    odd = LEAD.replace('"employees": 250', '"employees": 1e400').replace("L-1", "odd")
    answer = client.post("/v1/score", content=f'{{"leads": [{odd}, {LEAD}]}}'.encode())
    if answer.status_code == 200:
        assert {one["lead_id"]: one["status"] for one in answer.json()["results"]}["L-1"] == "scored"
    else:
        assert answer.status_code in (400, 422)


PIECES = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"leads"',
        '"lead_id"',
        '"as_of"',
        "null",
        "true",
        "1e999",
        "-0",
        "NaN",
        '"\\ud800"',
        LEAD,
        '""',
    ]
)


@given(pieces=st.lists(PIECES | st.text(max_size=4), max_size=12), wrapped=st.booleans())
def test_whatever_is_strung_together(client: TestClient, pieces: list[str], wrapped: bool) -> None:
    text = "".join(pieces)
    body = f'{{"leads": [{LEAD}, {text}]}}' if wrapped else text
    answer = client.post("/v1/score", content=body.encode("utf-8", "surrogatepass"))
    assert answer.status_code in {200, 400, 413, 422}, (body, answer.text)


INJECTED = [
    b"a\r\nset-cookie: x=1",
    b"a\nx: 1",
    b"a\x00b",
    b"a\x1b[31m",
    b"\xff\xfe",
    b'"}\n{"event": "forged"}',
    b"x" * 10_000,
]


@pytest.mark.parametrize("value", INJECTED, ids=repr)
@pytest.mark.parametrize("name", ["x-request-id", "content-type", "accept", "cookie", "authorization", "x-api-key", "origin"])
def test_a_header_comes_back_in_no_answer_and_no_line(client: TestClient, lines: list[str], name: str, value: bytes) -> None:
    """As they come from a server that reads heads less strictly than ours does."""
    before = len(lines)
    answer = client.post("/v1/score", content=TEXT.encode(), headers=[(name.encode(), value)])
    assert answer.status_code in {200, 400, 401, 403, 415}
    assert "set-cookie" not in answer.headers
    assert all(b"\n" not in part and b"\x1b" not in part for pair in answer.headers.raw for part in pair)
    (line,) = lines[before:]
    assert json.loads(line)["event"] == "request"
    assert "forged" not in line


@pytest.mark.parametrize(
    "path", ["/v1/leads/%0d%0aset-cookie:%20x=1", "/v1/leads/%00", "/v1/leads/..%2f..%2fetc%2fpasswd", "/web/..%2fapp.py"]
)
def test_a_path_leads_nowhere_else(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-type"] == "application/problem+json"
