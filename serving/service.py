"""The BentoML service: the ASGI application with the model folder it was given. Only this file and `server/bento.py` import
bentoml."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from serving.common.settings import process_settings, tell_libraries

_settings = process_settings()
tell_libraries(_settings.proxies)

import bentoml
import uvicorn.config
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from features.common.environment import revealed
from features.common.threads import TURN
from models.store import MANIFEST
from serving.access.api_keys import KeyRing
from serving.access.jwt_tokens import JwtVerifier, read_trust
from serving.access.middleware import AuthMiddleware
from serving.api.app import create_app, utc_now
from serving.common.json_logging import emit, speak_json
from serving.http import traces
from serving.http.slow_bodies import BodyLimiter
from serving.logs.access_log import AccessLogMiddleware, with_cors
from serving.logs.audit_log import AuditLog
from serving.logs.audit_middleware import AuditMiddleware, TrailSeries
from serving.scoring.request import microseconds
from serving.scoring.scorer import Scorer
from serving.server import protocol
from serving.server.accept import Acceptor, running_server
from serving.server.reload import FolderWatcher, Reloadable, scorer_of
from serving.server.shutdown import GracefulShutdown, end_with_parent
from serving.store.connect import StoreError
from serving.store.rescoring import Refresher
from serving.store.store import Store

PACKED_MODEL = Path(__file__).resolve().parent.parent / "model"  # where a Bento carries it

MODEL, SHADOW = "model", "shadow model"

_reloadables: dict[str, Reloadable[Any]] = {}  # by title; filled when the worker starts
_stores: list[Store] = []  # one, where there is one
_refreshers: list[Refresher] = []


def provide() -> Scorer | None:
    """The scorer of this process."""
    return cast("Scorer | None", _value(MODEL))


def provide_shadow() -> Scorer | None:
    """The challenger that scores beside the champion."""
    return cast("Scorer | None", _value(SHADOW))


def troubles() -> dict[str, str]:
    """Title → why the newest of it cannot be loaded, or what else does not work."""
    trouble_by_title = {reloadable.title: reloadable.trouble for reloadable in _reloadables.values()}
    trouble_by_title |= {"issuer": _issuer.trouble if _issuer else "", "audit trail": _audit_log.trouble if _audit_log else ""}
    return {title: trouble for title, trouble in trouble_by_title.items() if trouble}


def provide_store() -> Store | None:
    """The lead store of this process."""
    return _stores[0] if _stores else None


def _value(title: str) -> Any:
    return _reloadables[title].value if title in _reloadables else None


class RipelineFirst:
    """Every request is Ripeline's, only starting and stopping is BentoML's.

    BentoML puts its own /livez and /readyz before a mounted application and answers what the application does not know in
    plain text; both would break the promise of problem documents. What else it puts around an application (a task and a
    timer per request, tracing that is switched off) costs as much time as a lead's features, so once it has started, requests
    do not pass it any more.
    """

    def __init__(self, app: ASGIApp, ours: ASGIApp) -> None:
        self.app, self.application = app, ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # there is nothing of the kind here
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] == "http":
            await self.application(scope, receive, send)
            return
        if (
            scope["type"] == "lifespan"
            and isinstance(mounted_app := scope.get("app"), Starlette)
            and mounted_app.middleware_stack
        ):
            mounted_app.middleware_stack = RipelineFirst(mounted_app.middleware_stack, self.application)
        try:
            await self.app(scope, receive, send)
        finally:
            shut_down()


def shut_down() -> None:
    """What waits to be written is written: a worker that was told to stop ends without any more of Python's own tidying."""
    for worker in _refreshers:
        worker.stop()
    for store in _stores:
        store.close()
    if _audit_log:
        _audit_log.stop()
    traces.stop()


def freeze_garbage() -> None:
    """What is loaded stays: without looking through it again and again the collector makes no pauses of 100 ms and more.

    It is not called to look through all that once more either, which would be such a pause while requests are answered.
    """
    gc.freeze()


def _is_server() -> bool:
    """Whether this process is BentoML's server or a worker of it, and not a test or a build."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return bool(spec and spec.name.partition(".")[0] in ("bentoml", "_bentoml_impl"))


if _is_server():
    speak_json(_settings.log_level)
    protocol.MOST_CONNECTIONS = _settings.connections
    uvicorn.config.HTTP_PROTOCOLS["auto"] = "serving.server.protocol:Careful"

_shutdown = GracefulShutdown()
_trust = read_trust(_settings)
_issuer = JwtVerifier(_trust) if _trust else None
_audit_log = AuditLog(_settings.audit, report=emit) if _settings.audit else None
# a file that is not there yet lets nobody in, none at all only this machine
_keys = KeyRing(_settings.keys, revealed(_settings.secret)) if _settings.keys else None
_app = create_app(
    provide,
    settings=_settings,
    store=provide_store,
    report=lambda: _settings.report,
    shadow=provide_shadow,
    troubles=troubles,
    shutting_down=lambda: _shutdown.started,
)
_guarded_app = AuthMiddleware(_app, _keys, utc_now, issuer=_issuer, public=_settings.public_url, allowed=_settings.origins)
_limited_app = BodyLimiter(_shutdown.around(_guarded_app))
if _audit_log:
    _app.state.metrics.registry.register(TrailSeries(_audit_log))
_audited_app = AuditMiddleware(_limited_app, _audit_log, utc_now) if _audit_log else _limited_app
_application = AccessLogMiddleware(
    traces.TracingMiddleware(with_cors(_audited_app, _settings.origins)), utc_now, answered=_app.state.metrics.count_request
)


@bentoml.service(
    name="ripeline",
    traffic={"timeout": 60},
    workers=_settings.workers,
    # ours are in serving/api/metrics.py; BentoML's would cost a lead as much time as its features
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(_application, path="/")
class Ripeline:
    """Loads the model once per worker, and anew when its folder changes; without one it starts, and `/readyz` says so."""

    def __init__(self) -> None:
        # the ASGI application was made before the service is
        _reloadables.clear()
        _reloadables[MODEL] = Reloadable(MODEL, _settings.model or PACKED_MODEL, MANIFEST, scorer_of)
        if _settings.shadow:
            _reloadables[SHADOW] = Reloadable(SHADOW, _settings.shadow, MANIFEST, scorer_of)
        for reloadable in _reloadables.values():
            reloadable.look()
        if _issuer:
            _issuer.refresh()
            if _issuer.trouble:
                emit(_issuer.trouble, "warning")
        if _audit_log:
            _audit_log.start()
        traces.start(_settings)
        server = running_server()  # before its answer to SIGTERM is ours
        if _shutdown.at_signal(_settings.drain, _settings.stop, emit):
            end_with_parent()
        if server is not None:
            Acceptor(server, asyncio.get_running_loop()).start()
        sys.setswitchinterval(TURN)  # the loop, which answers, waits for nobody's turn of 5 ms
        gc.collect()
        freeze_garbage()
        FolderWatcher(list(_reloadables.values()), freeze_garbage).start()
        if _settings.store:
            _stores[:] = [Store.from_address(revealed(_settings.store), _settings)]
            with suppress(StoreError):  # it says so itself, and is opened as soon as its database can be asked
                _stores[0].open()
            _refreshers[:] = [Refresher(_stores[0], provide, lambda: microseconds(utc_now()), _shutdown.answering)]
            _refreshers[0].start()


cast("Any", Ripeline).add_asgi_middleware(RipelineFirst, ours=_application)
