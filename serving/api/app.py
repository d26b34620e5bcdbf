"""The HTTP face: a small ASGI application over a scorer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
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
from serving.api.metrics import CONTENT_TYPE, Measured, Metrics
from serving.api.openapi import describe
from serving.api.openapi_access import behind_the_door
from serving.api.responses import modelled, plain, ready
from serving.http.direct import Direct, whole_body
from serving.http.errors import RefusedError, problem_response, refuse, shown
from serving.http.load_shedding import AFTER, BusyError, Pressed, Pressure
from serving.http.traces import span
from serving.logs.access_log import printed
from serving.schemas.score import About, FunnelFrame, Problem, ScoreResponse, WhatIfEnvelope
from serving.scoring.answer import Answer, answered
from serving.scoring.quick import read as read_quickly
from serving.scoring.request import Parsed, read
from serving.scoring.scorer import Scorer
from serving.scoring.shadow import Shadow
from serving.scoring.what_if import what_if
from serving.scoring.work_list import WorkList
from serving.store.store import AFTER as STORE_AFTER
from serving.store.store import Store

INLINE_BYTES = 16_000  # scored without leaving the event loop: handing so little over to a thread costs more than it saves

DOCS_ONLY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The one place where "now" is asked for."""
    return datetime.now(UTC)


def create_app(
    provide: Callable[[], Scorer | None],
    clock: Clock = utc_now,
    *,
    work_list: Callable[[], WorkList | None] = lambda: None,
    store: Callable[[], Store | None] = lambda: None,
    report: Callable[[], Path | None] = lambda: None,
    shadow: Callable[[], Scorer | None] = lambda: None,
    troubles: Callable[[], Mapping[str, str]] = dict,
    leaving: Callable[[], bool] = lambda: False,
) -> Starlette:
    """The application. `provide` gives the scorer, or None while there is none; `clock` says what "now" is; `work_list` and
    `report` give what was written beside the model, or None; `store` the lead store, or None: then the work list is asked in
    its place; `shadow` a challenger, or None; `troubles` what does not work, by title; `leaving` whether the process is about
    to stop.
    """

    def all_troubles() -> dict[str, str]:
        kept = store()
        return {**troubles(), **({"lead store": kept.trouble} if kept and kept.trouble else {})}

    metrics, pressure = Metrics(provide, all_troubles), Pressure()
    beside = Shadow(shadow, printed, metrics.registry)

    async def scored(scope: Scope, receive: Receive) -> tuple[bytes, BackgroundTask | None]:
        scorer = ready(provide)
        body = await whole_body(scope, receive)
        if len(body) < INLINE_BYTES:
            parsed, answer = _scored(scorer, body, clock())
        else:
            with pressure.large():
                parsed, answer = await run_in_threadpool(_scored, scorer, body, clock())
        asyncio.get_running_loop().call_soon(metrics.scored, answer.results)  # counted once the answer has left
        scope["ripeline_leads"] = len(answer.results)
        scope["ripeline_lead_ids"] = [result["lead_id"] for result in answer.results if result["lead_id"]]
        told = (scorer, parsed, answer.text, scope.get("ripeline_request_id"))
        return answer.text, BackgroundTask(beside.compare, *told) if beside.on else None

    async def score(request: Request) -> Response:
        text, after = await scored(request.scope, request.receive)
        return Response(text, media_type="application/json", background=after)

    async def ask(request: Request) -> Response:
        scorer = ready(provide)
        body = await whole_body(request.scope, request.receive)
        with pressure.large():
            answer, lead_ids = await run_in_threadpool(_what_if, scorer, body, clock())
        request.scope["ripeline_leads"] = 1
        request.scope["ripeline_lead_ids"] = lead_ids
        return answer

    async def model(_request: Request) -> Response:
        return modelled(_about(ready(provide)))

    async def livez(_request: Request) -> Response:
        return plain({"status": "alive"})

    async def readyz(request: Request) -> Response:
        if leaving():
            raise refuse(503, "Going away", "This server is about to stop.")
        model = ready(provide).model
        found = all_troubles()
        if request.scope.get("ripeline_stranger"):  # what a trouble says of folders is nobody else's business
            found = dict.fromkeys(found, "Ask with a key for more.")
        more = {"troubles": found} if found else {}
        return plain({"status": "ready", "model": {"name": model.name, "version": model.version}, **more})

    async def measured(_request: Request) -> Response:
        return Response(await run_in_threadpool(metrics.text), headers={"content-type": CONTENT_TYPE})

    async def openapi(_request: Request) -> Response:
        return plain(_description())

    async def docs(_request: Request) -> Response:
        return HTMLResponse(_page(), headers={"content-security-policy": DOCS_ONLY})

    asked_all_day = Route("/v1/score", score, methods=["POST"])
    routes = [
        asked_all_day,
        Route("/v1/what-if", ask, methods=["POST"]),
        *leads.routes(provide, store, work_list, clock),
        Route("/v1/model", model),
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", measured),
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        *webhooks.routes(provide, work_list, store, clock),
        *pages.routes(report),
    ]
    paths: dict[object, str] = {route.endpoint: route.path for route in reversed(routes)}
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Measured, metrics=metrics, routes=paths),
            Middleware(Pressed, pressure=pressure),
            Middleware(Direct, route=asked_all_day, answer=scored, refused=_refusal),
        ],
        exception_handlers={RefusedError: _refused, HTTPException: _http, Exception: _unexpected},
    )
    app.state.metrics = metrics
    return app


def _scored(scorer: Scorer, body: bytes, now: datetime) -> tuple[Parsed, Answer]:
    with span("parse"):
        parsed = read_quickly(body, scorer.model.funnel, now)
    with span("score", leads=len(parsed.leads)):
        return parsed, answered(scorer, parsed)


def _what_if(scorer: Scorer, body: bytes, now: datetime) -> tuple[Response, list[str]]:
    """The answer, and whom it is about."""
    with span("parse"):
        parsed = read(body, scorer.model.funnel, now, WhatIfEnvelope)
    if 0 not in parsed.places:
        decided = parsed.decided[0]
        if decided.problem:
            raise RefusedError(decided.problem)
        raise refuse(422, "Not scored", decided.warnings[0], lead=decided.lead_id, field="/leads/0")
    types = scorer.model.feature_set.types
    for number, name in enumerate(parsed.add):
        if name not in types:
            detail = f"The model knows no interaction type {shown(name)}: {nearest(name, types)}"
            raise refuse(422, "Invalid request", detail, field=f"/add/{number}", value=shown(name))
    subject, *others = parsed.leads
    with span("what-if"):
        answer = what_if(scorer, subject, [*others, *parsed.context], parsed.as_of, parsed.add, parsed.language)
    return modelled(answer), [subject.lead_id]


def respond(scorer: Scorer, parsed: Parsed) -> ScoreResponse:
    """As `answered`, with its fields checked and ready to be looked at."""
    return ScoreResponse.model_validate_json(answered(scorer, parsed).text)


def _about(scorer: Scorer) -> About:
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
        answer.headers["retry-after"] = str(AFTER)
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
    return behind_the_door(describe())


@cache
def _page() -> str:
    return page(behind_the_door(describe()))
