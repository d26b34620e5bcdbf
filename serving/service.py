"""The BentoML service: the ASGI application with the model folder it was given. The only file here that imports bentoml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from features.errors import RipelineError
from models.store import load
from serving.app import create_app
from serving.scorer import Scorer
from serving.work_list import WorkList

MODEL_VARIABLE = "RIPELINE_MODEL"
REPORT_VARIABLE, LIST_VARIABLE = "RIPELINE_REPORT", "RIPELINE_WORK_LIST"
PACKED = Path(__file__).resolve().parent.parent / "model"  # where a Bento carries it
BENTOML_PATHS = frozenset({"/metrics"})

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
    """Every request is Ripeline's but those for `BENTOML_PATHS`.

    BentoML puts its own /livez and /readyz before a mounted application and answers what the application does not know in
    plain text; both would break the promise of problem documents.
    """

    def __init__(self, app: ASGIApp, ours: ASGIApp) -> None:
        self.app, self.ours = app, ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        theirs = scope["type"] != "http" or scope["path"] in BENTOML_PATHS
        await (self.app if theirs else self.ours)(scope, receive, send)


_application = create_app(provide, work_list=provide_list, report=report)


@bentoml.service(name="ripeline", traffic={"timeout": 60}, workers=1)
@bentoml.asgi_app(_application, path="/")
class Ripeline:
    """Loads the model once per worker; without a usable one the service starts and `/readyz` says so."""

    def __init__(self) -> None:
        global _scorer, _list  # noqa: PLW0603  the ASGI application is made before the service is
        try:
            _scorer = Scorer(load(model_folder()))
        except RipelineError as error:
            print(f"No model: {error}", flush=True)
        named = os.environ.get(LIST_VARIABLE)
        try:
            _list = WorkList.read(Path(named)) if named else None
        except RipelineError as error:
            print(f"No work list: {error}", flush=True)


cast("Any", Ripeline).add_asgi_middleware(OursFirst, ours=_application)
