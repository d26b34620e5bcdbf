"""The HTTP face: a small ASGI application over a scorer."""

from __future__ import annotations

import json
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

from features.errors import nearest
from serving import hooks, leads, pages
from serving.errors import RefusedError, problem_response, refuse, shown
from serving.log import printed
from serving.metrics import CONTENT_TYPE, Measured, Metrics
from serving.openapi import describe, page
from serving.parse import EPOCH, MICROSECOND, Parsed, read
from serving.pressure import AFTER, BusyError, Pressed, Pressure
from serving.schemas import About, FunnelFrame, ModelName, Problem, Result, ScoreResponse, WhatIfEnvelope
from serving.scorer import Scorer
from serving.shadow import Shadow
from serving.store.store import AFTER as STORE_AFTER
from serving.store.store import Store
from serving.what_if import what_if
from serving.work_list import WorkList

MOST_BYTES = 64 * 2**20
INLINE_BYTES = 16_000  # scored without leaving the event loop: handing so little over to a thread costs more than it saves

DOCS_ONLY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
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
) -> Starlette:
    """The application. `provide` gives the scorer, or None while there is none; `clock` says what "now" is; `work_list` and
    `report` give what was written beside the model, or None; `store` the lead store, or None: then the work list is
    asked in its place; `shadow` a challenger, or None; `troubles` what cannot be loaded.
    """

    metrics, pressure = Metrics(provide), Pressure()
    beside = Shadow(shadow, printed, metrics.registry)

    async def score(request: Request) -> Response:
        scorer = _ready(provide)
        body = await _body(request)
        if len(body) < INLINE_BYTES:
            parsed, answer = _scored(scorer, body, clock())
        else:
            with pressure.large():
                parsed, answer = await run_in_threadpool(_scored, scorer, body, clock())
        metrics.scored(answer.results)
        request.scope["ripeline_leads"] = len(answer.results)
        told = (scorer, parsed, answer.results, request.scope.get("ripeline_request_id"))
        after = BackgroundTask(beside.compare, *told) if beside.on else None
        return Response(answer.model_dump_json(), media_type="application/json", background=after)

    async def ask(request: Request) -> Response:
        scorer = _ready(provide)
        body = await _body(request)
        with pressure.large():
            return await run_in_threadpool(_what_if, scorer, body, clock())

    async def model(_request: Request) -> Response:
        return Response(_about(_ready(provide)).model_dump_json(), media_type="application/json")

    async def livez(_request: Request) -> Response:
        return _json({"status": "alive"})

    async def readyz(_request: Request) -> Response:
        model = _ready(provide).model
        found = dict(troubles())
        if (kept := store()) and kept.trouble:
            found["lead store"] = kept.trouble
        more = {"troubles": found} if found else {}
        return _json({"status": "ready", "model": {"name": model.name, "version": model.version}, **more})

    async def measured(_request: Request) -> Response:
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE})

    async def openapi(_request: Request) -> Response:
        return _json(_description())

    async def docs(_request: Request) -> Response:
        return HTMLResponse(_page(), headers={"content-security-policy": DOCS_ONLY})

    routes = [
        Route("/v1/score", score, methods=["POST"]),
        Route("/v1/what-if", ask, methods=["POST"]),
        *leads.routes(provide, store, work_list, clock, _body),
        Route("/v1/model", model),
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", measured),
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        *hooks.routes(provide, work_list, store, clock),
        *pages.routes(report),
    ]
    paths: dict[object, str] = {route.endpoint: route.path for route in reversed(routes)}
    return Starlette(
        routes=routes,
        middleware=[Middleware(Measured, metrics=metrics, routes=paths), Middleware(Pressed, pressure=pressure)],
        exception_handlers={RefusedError: _refused, HTTPException: _http, Exception: _unexpected},
    )


def _ready(provide: Callable[[], Scorer | None]) -> Scorer:
    scorer = provide()
    if scorer is None:
        raise refuse(503, "No model", "No model is loaded; run `make train` and start the server on its champion.")
    return scorer


async def _body(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    parts, size = [], int(length) if length.isdigit() else 0
    if size <= MOST_BYTES:
        size = 0
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                break
    if size > MOST_BYTES:
        raise refuse(413, "Too large", f"A body may have {MOST_BYTES // 2**20} MiB: send several requests.")
    return b"".join(parts)


def _scored(scorer: Scorer, body: bytes, now: datetime) -> tuple[Parsed, ScoreResponse]:
    parsed = read(body, scorer.model.funnel, now)
    return parsed, respond(scorer, parsed)


def _what_if(scorer: Scorer, body: bytes, now: datetime) -> Response:
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
    answer = what_if(scorer, subject, [*others, *parsed.context], parsed.as_of, parsed.add, parsed.language)
    return Response(answer.model_dump_json(), media_type="application/json")


def respond(scorer: Scorer, parsed: Parsed) -> ScoreResponse:
    """Score what is to be scored and put every result in its place."""
    results: dict[int, Result] = dict(parsed.decided)
    scored = scorer.score(parsed.leads, parsed.as_of, parsed.reasons, parsed.language, parsed.context)
    for place, result in zip(parsed.places, scored, strict=True):
        result.warnings = [*parsed.warnings[place], *result.warnings]
        results[place] = result
    model = scorer.model
    return ScoreResponse(
        model=ModelName(name=model.name, version=model.version, trained_at=model.trained_at),
        as_of=EPOCH + parsed.as_of * MICROSECOND,
        results=[results[place] for place in sorted(results)],
    )


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


def _json(content: object) -> Response:
    return Response(json.dumps(content, allow_nan=False, ensure_ascii=False), 200, media_type="application/json")


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101  registered for nothing else
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
    return describe()


@cache
def _page() -> str:
    return page(describe())
