"""The BentoML service: the ASGI application with the model folder it was given. The only file here that imports bentoml."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml

from features.errors import RipelineError
from models.store import load
from serving.app import create_app
from serving.scorer import Scorer

MODEL_VARIABLE = "RIPELINE_MODEL"
PACKED = Path(__file__).resolve().parent.parent / "model"  # where a Bento carries it

_scorer: Scorer | None = None


def model_folder() -> Path:
    """The folder named by `RIPELINE_MODEL`, else the one packed into the Bento."""
    named = os.environ.get(MODEL_VARIABLE)
    return Path(named) if named else PACKED


def provide() -> Scorer | None:
    """The scorer of this process."""
    return _scorer


@bentoml.service(name="ripeline", traffic={"timeout": 60}, workers=1)
@bentoml.asgi_app(create_app(provide), path="/")
class Ripeline:
    """Loads the model once per worker; without a usable one the service starts and `/readyz` says so."""

    def __init__(self) -> None:
        global _scorer  # noqa: PLW0603  the ASGI application is made before the service is
        try:
            _scorer = Scorer(load(model_folder()))
        except RipelineError as error:
            print(f"No model: {error}", flush=True)

    def __is_ready__(self) -> bool:
        """What BentoML's /readyz asks: can it score?"""
        return _scorer is not None
