"""What handlers have in common: the model that must be there, and values as JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from serving.http.errors import refuse
from serving.scoring.scorer import Scorer

JSON = "application/json"
Handler = Callable[[Request], Awaitable[Response]]


def ready(provide: Callable[[], Scorer | None]) -> Scorer:
    """The scorer.

    Raises
    ------
    RefusedError
        503 while there is none.
    """
    scorer = provide()
    if scorer is None:
        raise refuse(503, "No model", "No model is loaded; run `make train` and start the server on its champion.")
    return scorer


def plain(content: object) -> Response:
    """Plain values as JSON."""
    return Response(json.dumps(content, allow_nan=False, ensure_ascii=False), 200, media_type=JSON)


def modelled(answer: BaseModel, status: int = 200) -> Response:
    """An answer of `serving.schemas` as JSON."""
    return Response(answer.model_dump_json(), status, media_type=JSON)
