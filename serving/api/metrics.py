"""What is measured of a running service, for Prometheus: requests, scores, the model. No lead is named."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.logs.access_log import known_method
from serving.scoring.scorer import Scorer

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
BAND = 10  # width of a band of scores; of leads like those of training each band has as many
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The measurements of one application."""

    def __init__(self, provide: Callable[[], Scorer | None], troubles: Callable[[], Mapping[str, str]] = dict) -> None:
        self._provide, self._find_troubles = provide, troubles
        self.registry = CollectorRegistry()
        registry = self.registry
        request_labels = ("route", "method", "status")
        self._requests = Counter("ripeline_requests", "Requests answered", request_labels, registry=registry)
        self._seconds = Histogram(
            "ripeline_request_seconds", "Time to the whole answer", ("route",), buckets=SECONDS, registry=registry
        )
        self._leads = Counter("ripeline_leads", "Leads in requests by what became of them", ("status",), registry=registry)
        self._bands = Counter(
            "ripeline_scores", "Scores by band; level for leads like those of training", ("band",), registry=registry
        )
        model_labels = ("name", "version", "trained_at")
        self._children: dict[tuple[str, ...], Any] = {}
        self._model = Gauge("ripeline_model_info", "The model that answers", model_labels, registry=registry)
        self._troubles = Gauge("ripeline_trouble", "What does not work, as /readyz says", ("what",), registry=registry)
        self._drift = Gauge("ripeline_drift", "PSI of scored leads against training, weighed by importance", registry=registry)
        self._drifts = Gauge("ripeline_feature_drift", "PSI of one feature against training", ("feature",), registry=registry)
        self._drift_leads = Gauge("ripeline_drift_leads", "Leads in the window of the drift", registry=registry)
        ProcessCollector(registry=registry)

    def count_leads(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Count what became of the leads of a request; `results` with the fields of `serving.schemas.answer.Result`."""
        for result in results:
            self._child(self._leads, result["status"]).inc()
            score = result["score"]
            if score is not None:
                begin = (score - 1) // BAND * BAND + 1
                self._child(self._bands, f"{begin:02d}-{min(begin + BAND - 1, 99):02d}").inc()

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._child(self._requests, route, known_method(method), str(status)).inc()
        self._child(self._seconds, route).observe(seconds)

    def _child(self, metric: Any, *labels: str) -> Any:
        """The child with these labels; looking it up here costs a fifth of asking for it."""
        key = (metric._name, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        scorer = self._provide()
        self._model.clear()
        if scorer is not None:
            self._model.labels(scorer.model.name, scorer.model.version, scorer.model.trained_at).set(1)
        self._troubles.clear()
        for trouble in self._find_troubles():
            self._troubles.labels(trouble).set(1)
        self._set_drift(scorer)
        return generate_latest(self.registry)

    def _set_drift(self, scorer: Scorer | None) -> None:
        """How far the leads scored of late are from those of training; NaN until there are enough."""
        window = scorer.window if scorer else None
        drift = window.drift() if window else None
        self._drift_leads.set(window.leads if window else 0)
        self._drift.set(drift.overall if drift else math.nan)
        self._drifts.clear()
        for name, value in drift.features.items() if drift else ():
            self._drifts.labels(name).set(value)


class MetricsMiddleware:
    """Every request counted and timed by its route, never by its path: a path may name a lead, and there are endless ones."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started_at, status = time.perf_counter(), 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        finally:
            route = scope["ripeline_route"] = getattr(scope.get("route"), "path", "other")
            self.metrics.count_request(route, scope["method"], status, time.perf_counter() - started_at)
