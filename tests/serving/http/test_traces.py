"""Traces: a real collector on loopback gets real OTLP; nothing of a lead is in it; off, nothing happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.testclient import TestClient

from serving.api.app import create_app
from serving.common.settings import ServingSettings, process_settings
from serving.http import traces
from serving.http.traces import NO_SPAN, TracingMiddleware, enabled, span
from serving.logs.access_log import AccessLogMiddleware
from serving.schemas.score import EXAMPLE
from serving.scoring.scorer import Scorer
from tests.serving.access.guarded import Time
from tests.tiny import tiny_model

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector:
    """What was sent to /v1/traces."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_said: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def spans(self) -> list[object]:
        found = []
        for body in self.bodies:
            sent = ExportTraceServiceRequest.FromString(body)
            found += [s for r in sent.resource_spans for scope in r.scope_spans for s in scope.spans]
        return found


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    one = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", one.url)
    yield one
    traces.stop()
    one.server.shutdown()
    one.server.server_close()


def client(lines: list[str]) -> TestClient:
    scorer = Scorer(tiny_model())
    app = AccessLogMiddleware(TracingMiddleware(create_app(lambda: scorer)), Time().clock, lines.append)
    return TestClient(app, "http://127.0.0.1", raise_server_exceptions=False)


def test_a_request_is_a_trace_of_its_parts_and_names_nobody(collector: Collector) -> None:
    assert traces.start(process_settings())
    lines: list[str] = []
    one = client(lines)
    body = {**EXAMPLE, "leads": [{**EXAMPLE["leads"][0], "lead_id": "anna@example.com"}]}
    one.post("/v1/score", json=body, headers={"traceparent": PARENT})
    one.get("/v1/leads/anna@example.com?q=anna")
    one.post("/v1/score", json={"leads": [{"lead_id": "anna@example.com"}]})
    one.get("/livez")
    traces.stop()
    found = {}
    for s in collector.spans():
        found.setdefault(s.name, s)  # type: ignore[attr-defined]
    assert set(found) == {"POST /v1/score", "parse", "score", "features", "GET /v1/leads/{lead_id:path}"}
    root = found["POST /v1/score"]
    assert root.trace_id.hex() == PARENT[3:35]  # type: ignore[attr-defined]
    assert root.parent_span_id.hex() == PARENT[36:52]  # type: ignore[attr-defined]
    assert found["parse"].parent_span_id == root.span_id  # type: ignore[attr-defined]
    assert found["features"].parent_span_id == found["score"].span_id  # type: ignore[attr-defined]
    assert not any(b"anna" in sent for sent in collector.bodies)
    assert any(b"ripeline" in sent for sent in collector.bodies), "the name of the service"
    assert PARENT[3:35] in lines[0], "the log leads to the trace"


def test_off_it_is_nothing_at_all() -> None:
    assert not traces.start(ServingSettings())
    assert span("parse", leads=3) is NO_SPAN
    lines: list[str] = []
    assert client(lines).post("/v1/score", json=EXAMPLE, headers={"traceparent": PARENT}).status_code == 200
    assert "trace_id" not in lines[0]


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "True"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_the_standard_variables_decide(environment: dict[str, str], on: bool) -> None:
    assert enabled(ServingSettings.read(environment)) is on


def test_a_collector_that_is_away_is_nobodys_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    assert traces.start(process_settings())
    try:
        assert client([]).post("/v1/score", json=EXAMPLE).status_code == 200
    finally:
        traces.stop()
