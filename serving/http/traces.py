"""Traces by OpenTelemetry: off, and then free, unless `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) says where to.

Spans say how long parsing, features and scoring took. Nothing of a lead is in them, no id, no path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.common.settings import ServingSettings
from serving.http.route_table import is_probe

NO_SPAN: AbstractContextManager[None] = nullcontext()
_provider: Any = None
_tracer: Any = None


def enabled(settings: ServingSettings) -> bool:
    """Whether the standard variables ask for traces."""
    if (settings.traces_disabled or "").strip().lower() == "true" or settings.traces_exporter.strip().lower() != "otlp":
        return False
    return bool(settings.traces_endpoint or settings.own_traces_endpoint)


def start(settings: ServingSettings) -> bool:
    """Begin to send spans, if that is wanted. Once a worker; the exporter has a thread of its own."""
    global _provider, _tracer  # noqa: PLW0603  a process has one place to send its spans to
    if _tracer is not None or not enabled(settings):
        return _tracer is not None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    default_attributes = {} if settings.service_name else {"service.name": "ripeline"}
    _provider = TracerProvider(resource=Resource.create(default_attributes), shutdown_on_exit=True)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = _provider.get_tracer("ripeline")
    return True


def stop() -> None:
    """Send what waits, and be off again."""
    global _provider, _tracer  # noqa: PLW0603
    if _provider is not None:
        _provider.shutdown()
    _provider = _tracer = None


def span(name: str, **numbers: int) -> AbstractContextManager[None]:
    """A part of a request; `numbers` are its attributes, and only numbers so that none can name a lead."""
    return NO_SPAN if _tracer is None else _open_span(name, numbers)


@contextmanager
def _open_span(name: str, numbers: Mapping[str, int]) -> Iterator[None]:
    attributes = {f"ripeline.{key}": value for key, value in numbers.items()}
    # what an exception says may quote what was sent
    with _tracer.start_as_current_span(name, attributes=attributes, record_exception=False, set_status_on_exception=False):
        yield


class TracingMiddleware:
    """An application with a span for each request, a child of the caller's where `traceparent` (W3C) names one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _tracer is None or scope["type"] != "http" or is_probe(scope):
            await self.app(scope, receive, send)
            return
        await self._trace_request(scope, receive, send)

    async def _trace_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        context = TraceContextTextMapPropagator().extract(carrier)
        method = scope["method"]
        with _tracer.start_as_current_span(
            method, context, SpanKind.SERVER, {"http.request.method": method}, record_exception=False
        ) as current:
            scope["ripeline_trace"] = f"{current.get_span_context().trace_id:032x}"

            async def send_traced(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    current.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        current.set_status(Status(StatusCode.ERROR))
                    route = scope.get("route")
                    if route is not None:
                        current.update_name(f"{method} {route.path}")
                        current.set_attribute("http.route", route.path)
                await send(message)

            await self.app(scope, receive, send_traced)
