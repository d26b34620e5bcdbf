"""The BentoML service: the ASGI application with the model folder it was given. The only file here that imports bentoml."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from features.errors import RipelineError
from models.store import load
from serving.app import create_app, respond, utc_now
from serving.guard import Guard
from serving.keys import KEYS_VARIABLE, KeyRing
from serving.log import ORIGINS_VARIABLE, Logged, origins, shared
from serving.parse import read
from serving.schemas import EXAMPLE
from serving.scorer import Scorer
from serving.work_list import WorkList

MODEL_VARIABLE = "RIPELINE_MODEL"
REPORT_VARIABLE, LIST_VARIABLE = "RIPELINE_REPORT", "RIPELINE_WORK_LIST"
PACKED = Path(__file__).resolve().parent.parent / "model"  # where a Bento carries it

_scorer: Scorer | None = None
_list: WorkList | None = None


def model_folder() -> Path:
    """The folder named by `RIPELINE_MODEL`, else the one packed into the Bento."""
    named = os.environ.get(MODEL_VARIABLE)
    return Path(named) if named else PACKED


def provide() -> Scorer | None:
    """The scorer of this process."""
    return _scorer


def provide_list() -> WorkList | None:
    """The work list of this process."""
    return _list


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


def ready(scorer: Scorer) -> Scorer:
    """The scorer after a first lead: what is compiled or read at first use is there before the first request."""
    respond(scorer, read(json.dumps(warm_up(scorer)).encode(), scorer.model.funnel, utc_now()))
    return scorer


def warm_up(scorer: Scorer) -> dict[str, Any]:
    """A request for a lead in each lead stage."""
    (lead,) = EXAMPLE["leads"]
    stages = scorer.model.funnel.stages[:-1]
    return {**EXAMPLE, "leads": [{**lead, "lead_id": stage, "lead_stage": stage} for stage in stages]}


def _door() -> KeyRing | None:
    """The keys named by `RIPELINE_KEYS`; a file that is not there yet lets nobody in, none at all only this machine."""
    named = os.environ.get(KEYS_VARIABLE)
    return KeyRing(Path(named)) if named else None


_guarded = Guard(create_app(provide, work_list=provide_list, report=report), _door(), utc_now)
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
    """Loads the model once per worker; without a usable one the service starts and `/readyz` says so."""

    def __init__(self) -> None:
        global _scorer, _list  # noqa: PLW0603  the ASGI application is made before the service is
        try:
            _scorer = ready(Scorer(load(model_folder())))
        except RipelineError as error:
            print(f"No model: {error}", flush=True)
        named = os.environ.get(LIST_VARIABLE)
        try:
            _list = WorkList.read(Path(named)) if named else None
        except RipelineError as error:
            print(f"No work list: {error}", flush=True)
        # what is loaded now stays: without looking through it again and again the collector makes no pauses of 100 ms and more
        gc.collect()
        gc.freeze()


cast("Any", Ripeline).add_asgi_middleware(OursFirst, ours=_application)
