"""Requests into the audit trail (audit log). While it cannot be written nothing is changed, but scores are given."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.common.clock import Clock
from serving.http.errors import problem_response
from serving.http.route_table import call_of, required_scope
from serving.logs.access_log import known_method
from serving.logs.audit_log import AuditLog, Event
from serving.schemas.score import Problem

CHANGING_SCOPES = ("write", "admin")  # scopes of what is not done without a trail
DURABLE_SECONDS = 5.0  # that such an answer waits for the disk
BAD_REQUEST = 400
UNAVAILABLE = "The audit trail cannot be written, and nothing is changed without it."
UNRECORDED = "The audit trail could not be written, so this is not acknowledged. Send it again: what was done stays as it is."


class AuditMiddleware:
    """An application whose requests leave a trail: those that were refused, too."""

    def __init__(self, app: ASGIApp, trail: AuditLog, clock: Clock) -> None:
        self.app, self.trail, self.clock = app, trail, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = call_of(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if scope["type"] != "http" or (call is not None and not call.audited):
            await self.app(scope, receive, send)
            return
        changes = required_scope(scope["method"], scope["path"]) in CHANGING_SCOPES
        if changes and self.trail.trouble:
            await _problem(UNAVAILABLE)(scope, receive, send)
            return
        recorded = withheld = False

        async def send_recorded(message: Message) -> None:
            nonlocal recorded, withheld
            if message["type"] == "http.response.start" and not recorded:
                recorded = True
                on_disk = await self._record(scope, message["status"], changes)
                withheld = changes and message["status"] < BAD_REQUEST and not on_disk
                if withheld:  # what was done is done, but not acknowledged: who asks again is told once there is a line
                    await _problem(UNRECORDED)(scope, receive, send)
            if not withheld:
                await send(message)

        try:
            await self.app(scope, receive, send_recorded)
        finally:
            if not recorded:
                await self._record(scope, 0, False)

    async def _record(self, scope: Scope, status: int, wait: bool) -> bool:
        """Hand a request over; with `wait`, whether its line is on disk."""
        ids = _leads(scope)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] | None = loop.create_future() if wait else None

        def settle(on_disk: bool) -> None:
            if future and not future.done():
                future.set_result(on_disk)

        def durable(on_disk: bool) -> None:
            loop.call_soon_threadsafe(settle, on_disk)

        self.trail.record(
            Event(
                self.clock(),
                str(scope.get("ripeline_request_id", "")),
                scope.get("ripeline_key"),
                f"{known_method(scope['method'])} {scope.get('ripeline_route') or _route(scope)}",
                status,
                scope.get("ripeline_leads") or len(ids),
                ids,
                durable if future else None,
            )
        )
        if future is None:
            return False
        try:
            return await asyncio.wait_for(future, DURABLE_SECONDS)
        except TimeoutError:
            return False


class TrailSeries(Collector):
    """The trail in /metrics."""

    def __init__(self, trail: AuditLog) -> None:
        self.trail = trail

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("ripeline_audit_lines", "Lines of the audit trail by this worker", self.trail.written)
        yield CounterMetricFamily("ripeline_audit_lost", "Requests that found no place in it", self.trail.lost)
        broken = "1 while the audit trail cannot be written: nothing is changed, scores are given"
        yield GaugeMetricFamily("ripeline_audit_broken", broken, float(bool(self.trail.trouble)))


def _leads(scope: Scope) -> Sequence[str]:
    """Whom a request was about: as its handler noted, else the lead in its path."""
    lead_ids: Sequence[str] | None = scope.get("ripeline_lead_ids")
    if lead_ids is None:
        named_in_path = scope.get("path_params", {}).get("lead_id")
        lead_ids = [named_in_path] if isinstance(named_in_path, str) else []
    return [lead for lead in lead_ids if lead]


def _route(scope: Scope) -> str:
    """The route of a request that is being answered; "none" where it did not come so far."""
    route = scope.get("route")
    return str(route.path) if route is not None else "none"


def _problem(detail: str) -> ASGIApp:
    answer = problem_response(Problem(title="No audit trail", status=503, detail=detail))
    answer.headers["retry-after"] = "5"
    return answer
