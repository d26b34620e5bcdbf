"""The BentoML service: the ASGI application with the model folder it was given. The only file here that imports bentoml."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from models.store import MANIFEST
from serving.app import create_app, utc_now
from serving.guard import Guard
from serving.keys import KEYS_VARIABLE, KeyRing
from serving.life import Kept, Watch, scorer_of
from serving.log import ORIGINS_VARIABLE, Logged, origins, shared
from serving.parse import microseconds
from serving.scorer import Scorer
from serving.store.refresh import Refresher
from serving.store.store import STORE_VARIABLE, Store
from serving.work_list import ROWS, WorkList

MODEL_VARIABLE = "RIPELINE_MODEL"
REPORT_VARIABLE, LIST_VARIABLE = "RIPELINE_REPORT", "RIPELINE_WORK_LIST"
PACKED = Path(__file__).resolve().parent.parent / "model"  # where a Bento carries it

SHADOW_VARIABLE = "RIPELINE_SHADOW"
MODEL, SHADOW, LIST = "model", "shadow model", "work list"

_kept: dict[str, Kept[Any]] = {}  # by title; filled when the worker starts
_stores: list[Store] = []  # one, where there is one


def model_folder() -> Path:
    """The folder named by `RIPELINE_MODEL`, else the one packed into the Bento."""
    named = os.environ.get(MODEL_VARIABLE)
    return Path(named) if named else PACKED


def provide() -> Scorer | None:
    """The scorer of this process."""
    return cast("Scorer | None", _value(MODEL))


def provide_list() -> WorkList | None:
    """The work list of this process."""
    return cast("WorkList | None", _value(LIST))


def provide_shadow() -> Scorer | None:
    """The challenger that scores beside the champion."""
    return cast("Scorer | None", _value(SHADOW))


def troubles() -> dict[str, str]:
    """Title → why the newest of it cannot be loaded."""
    return {one.title: one.trouble for one in _kept.values() if one.trouble}


def provide_store() -> Store | None:
    """The lead store of this process."""
    return _stores[0] if _stores else None


def _value(title: str) -> Any:
    return _kept[title].value if title in _kept else None


def report() -> Path | None:
    """The report named by `RIPELINE_REPORT`."""
    named = os.environ.get(REPORT_VARIABLE)
    return Path(named) if named else None


class OursFirst:
    """Every request is Ripeline's, only starting and stopping is BentoML's.

    BentoML puts its own /livez and /readyz before a mounted application and answers what the application does not know in
    plain text; both would break the promise of problem documents.
    """

    def __init__(self, app: ASGIApp, ours: ASGIApp) -> None:
        self.app, self.ours = app, ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.ours if scope["type"] == "http" else self.app)(scope, receive, send)


def _door() -> KeyRing | None:
    """The keys named by `RIPELINE_KEYS`; a file that is not there yet lets nobody in, none at all only this machine."""
    named = os.environ.get(KEYS_VARIABLE)
    return KeyRing(Path(named)) if named else None


def settle() -> None:
    """What is loaded stays: without looking through it again and again the collector makes no pauses of 100 ms and more.

    It is not called to look through all that once more either, which would be such a pause while requests are answered.
    """
    gc.freeze()


_guarded = Guard(
    create_app(provide, work_list=provide_list, store=provide_store, report=report, shadow=provide_shadow, troubles=troubles),
    _door(),
    utc_now,
)
_application = Logged(shared(_guarded, origins(os.environ.get(ORIGINS_VARIABLE, ""))), utc_now)


@bentoml.service(
    name="ripeline",
    traffic={"timeout": 60},
    workers=1,
    # ours are in serving/metrics.py; BentoML's would cost a lead as much time as its features
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(_application, path="/")
class Ripeline:
    """Loads the model once per worker, and anew when its folder changes; without one it starts, and `/readyz` says so."""

    def __init__(self) -> None:
        # the ASGI application was made before the service is
        _kept.clear()
        _kept[MODEL] = Kept(MODEL, model_folder(), MANIFEST, scorer_of)
        if shadow := os.environ.get(SHADOW_VARIABLE):
            _kept[SHADOW] = Kept(SHADOW, Path(shadow), MANIFEST, scorer_of)
        if named := os.environ.get(LIST_VARIABLE):
            _kept[LIST] = Kept(LIST, Path(named), ROWS, WorkList.read)
        for one in _kept.values():
            one.look()
        gc.collect()
        settle()
        Watch(list(_kept.values()), settle).start()
        if named := os.environ.get(STORE_VARIABLE):
            _stores[:] = [Store.at(named)]
            # opens the store, too, as soon as its database can be asked
            Refresher(_stores[0], provide, lambda: microseconds(utc_now())).start()


cast("Any", Ripeline).add_asgi_middleware(OursFirst, ours=_application)
