"""The HTTP face: a small ASGI application over a scorer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope

from features.common.errors import nearest
from serving.api import leads, pages, webhooks
from serving.api.api_page import page
from serving.api.metrics import CONTENT_TYPE, Metrics, MetricsMiddleware
from serving.api.openapi import describe
from serving.api.responses import Handler, modelled, plain, ready
from serving.common.clock import Clock
from serving.common.json_logging import write_line
from serving.common.settings import UNSET, ServingSettings
from serving.http.direct import INLINE_BYTES, Direct, whole_body
from serving.http.errors import RefusedError, problem_response, quote, refuse
from serving.http.load_shedding import RETRY_AFTER, BusyError, LoadShedder, LoadSheddingMiddleware
from serving.http.route_table import Call, by_path
from serving.http.traces import span
from serving.schemas.answer import ScoreResponse
from serving.schemas.requests import WhatIfRequest
from serving.schemas.score import About, FunnelFrame, Problem
from serving.scoring.answer import Answer, build_answer
from serving.scoring.request import Parsed, read
from serving.scoring.scorer import Scorer
from serving.scoring.shadow import Shadow
from serving.scoring.what_if import what_if
from serving.store.store import RETRY_AFTER as STORE_AFTER
from serving.store.store import Store

DOCS_ONLY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def utc_now() -> datetime:
    """The one place where "now" is asked for to score a lead."""
    return datetime.now(UTC)


def create_app(
    provide: Callable[[], Scorer | None],
    clock: Clock = utc_now,
    *,
    settings: ServingSettings = UNSET,
    store: Callable[[], Store | None] = lambda: None,
    report: Callable[[], Path | None] = lambda: None,
    shadow: Callable[[], Scorer | None] = lambda: None,
    troubles: Callable[[], Mapping[str, str]] = dict,
    shutting_down: Callable[[], bool] = lambda: False,
) -> Starlette:
    """The application. `provide` gives the scorer, or None while there is none; `clock` says what "now" is; `store` gives the
    lead store, `report` what was written beside the model, `shadow` a challenger, or None; `troubles` what does not work, by
    title; `shutting_down` whether the process is about to stop.
    """

    def all_troubles() -> dict[str, str]:
        lead_store = store()
        return {**troubles(), **({"lead store": lead_store.trouble} if lead_store and lead_store.trouble else {})}

    metrics, pressure = Metrics(provide, all_troubles), LoadShedder()
    shadow_mode = Shadow(shadow, write_line, metrics.registry)

    async def score_body(scope: Scope, receive: Receive) -> tuple[bytes, BackgroundTask | None]:
        scorer = ready(provide)
        body = await whole_body(scope, receive)
        if len(body) < INLINE_BYTES:
            parsed, answer = _scored(scorer, body, clock())
        else:
            with pressure.large():
                parsed, answer = await run_in_threadpool(_scored, scorer, body, clock())
        asyncio.get_running_loop().call_soon(metrics.count_leads, answer.results)  # counted once the answer has left
        scope["ripeline_leads"] = len(answer.results)
        scope["ripeline_lead_ids"] = [result["lead_id"] for result in answer.results if result["lead_id"]]
        compare_arguments = (scorer, parsed, answer, scope.get("ripeline_request_id"))
        return answer.text, BackgroundTask(shadow_mode.compare, *compare_arguments) if shadow_mode.enabled else None

    async def score(request: Request) -> Response:
        text, background = await score_body(request.scope, request.receive)
        return Response(text, media_type="application/json", background=background)

    async def ask(request: Request) -> Response:
        scorer = ready(provide)
        body = await whole_body(request.scope, request.receive)
        with pressure.large():
            answer, lead_ids = await run_in_threadpool(_answer_what_if, scorer, body, clock())
        request.scope["ripeline_leads"] = 1
        request.scope["ripeline_lead_ids"] = lead_ids
        return answer

    async def model(_request: Request) -> Response:
        return modelled(_describe_model(ready(provide)))

    async def livez(_request: Request) -> Response:
        return plain({"status": "alive"})

    async def readyz(request: Request) -> Response:
        if shutting_down():
            raise refuse(503, "Going away", "This server is about to stop.")
        model = ready(provide).model
        current_troubles = all_troubles()
        if request.scope.get("ripeline_stranger"):  # what a trouble says of folders is nobody else's business
            current_troubles = dict.fromkeys(current_troubles, "Ask with a key for more.")
        lead_store = store()
        fields: dict[str, object] = {"troubles": current_troubles} if current_troubles else {}
        if lead_store and lead_store.filling:
            fields["filling"] = asdict(lead_store.filling)
        return plain({"status": "ready", "model": {"name": model.name, "version": model.version}, **fields})

    async def metrics_text(_request: Request) -> Response:
        return Response(await run_in_threadpool(metrics.text), headers={"content-type": CONTENT_TYPE})

    async def openapi(_request: Request) -> Response:
        return plain(_description())

    async def docs(_request: Request) -> Response:
        return HTMLResponse(_page(), headers={"content-security-policy": DOCS_ONLY})

    lead_handlers, interactions_body = leads.handlers(provide, store, clock, settings.contact)
    routes = _bind(
        {
            "score": score, "what_if": ask, "model": model, "livez": livez, "readyz": readyz, "metrics": metrics_text,
            "openapi": openapi, "docs": docs,
            **lead_handlers,
            **webhooks.handlers(provide, store, clock, settings),
            **pages.handlers(report),
        }
    )  # fmt: skip
    direct = {score: score_body, lead_handlers["interactions"]: interactions_body}
    direct_routes = [(route, direct[route.endpoint]) for route in routes if route.endpoint in direct]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(MetricsMiddleware, metrics=metrics),
            Middleware(LoadSheddingMiddleware, pressure=pressure),
            Middleware(Direct, routes=direct_routes, refused=_refusal),
        ],
        exception_handlers={RefusedError: _refused, HTTPException: _http, Exception: _unexpected},
    )
    app.state.metrics = metrics
    return app


def _bind(handlers: Mapping[str, Handler]) -> list[Route]:
    """A route for each path of the route table; of several calls each gets its method."""
    return [
        _route(path, [(call, handlers[call.name]) for call in calls])
        for path, calls in by_path().items()
        if not any(call.at_door for call in calls)
    ]


def _route(path: str, answers: Sequence[tuple[Call, Handler]]) -> Route:
    async def dispatch(request: Request) -> Response:
        return await next(handler for call, handler in answers if call.takes(request.method))(request)

    endpoint = dispatch if len(answers) > 1 else answers[0][1]
    return Route(path, endpoint, methods=[call.method for call, _ in answers])


def _scored(scorer: Scorer, body: bytes, now: datetime) -> tuple[Parsed, Answer]:
    with span("parse"):
        parsed = read(body, scorer.model.funnel, now)
    with span("score", leads=len(parsed.leads)):
        return parsed, build_answer(scorer, parsed)


def _answer_what_if(scorer: Scorer, body: bytes, now: datetime) -> tuple[Response, list[str]]:
    """The answer, and whom it is about."""
    with span("parse"):
        parsed = read(body, scorer.model.funnel, now, WhatIfRequest)
    if 0 not in parsed.places:
        decided = parsed.decided[0]
        if decided.problem:
            raise RefusedError(decided.problem)
        raise refuse(422, "Not scored", decided.warnings[0], lead=decided.lead_id, field="/leads/0")
    types = scorer.model.feature_set.types
    for number, name in enumerate(parsed.add):
        if name not in types:
            detail = f"The model knows no interaction type {quote(name)}: {nearest(name, types)}"
            raise refuse(422, "Invalid request", detail, field=f"/add/{number}", value=quote(name))
    subject, *colleagues = parsed.leads
    with span("what-if"):
        answer = what_if(scorer, subject, [*colleagues, *parsed.context], parsed.as_of, parsed.add, parsed.language)
    return modelled(answer), [subject.lead_id]


def respond(scorer: Scorer, parsed: Parsed) -> ScoreResponse:
    """As `build_answer`, with its fields checked and ready to be looked at."""
    return ScoreResponse.model_validate_json(build_answer(scorer, parsed).text)


def _describe_model(scorer: Scorer) -> About:
    model = scorer.model
    return About(
        name=model.name,
        version=model.version,
        trained_at=model.trained_at,
        funnel=FunnelFrame(
            stages=list(model.funnel.stages),
            exits=list(model.funnel.exits),
            horizons_days=dict(model.funnel.horizons) if model.dated else None,
        ),
        features=len(model.names),
        interaction_types=list(model.feature_set.types),
        attributes=[f"{e.entity}.{e.column}" for e in model.feature_set.encoders],
        policy=model.policy.to_dict(),
        held_out=model.metrics.get("held_out", {}),
        notes=list(model.notes),
    )


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101  registered for nothing else
    return _refusal(error)


def _refusal(error: RefusedError) -> Response:
    answer = problem_response(error.problem)
    if isinstance(error, BusyError):
        answer.headers["retry-after"] = str(RETRY_AFTER)
    if isinstance(error, leads.UnavailableError):
        answer.headers["retry-after"] = str(STORE_AFTER)
    return answer


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    response = problem_response(
        Problem(title=error.detail, status=error.status_code, detail=f"{error.detail}; /docs lists what there is.")
    )
    response.headers.update(error.headers or {})
    return response


async def _unexpected(_request: Request, _error: Exception) -> Response:
    return problem_response(
        Problem(title="Internal error", status=500, detail="The request could not be answered; the log says why.")
    )


@cache
def _description() -> dict[str, object]:
    return describe()


@cache
def _page() -> str:
    return page(describe())
