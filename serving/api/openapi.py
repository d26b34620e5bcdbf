"""The API's description: OpenAPI 3.1 made from the schemas."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from serving.api import openapi_leads
from serving.schemas.score import (
    EXAMPLE,
    About,
    Problem,
    ScoreRequest,
    ScoreResponse,
    WhatIfRequest,
    WhatIfResponse,
    WorkListPage,
)
from serving.scoring.work_list import PARAMETERS

VERSION = "1"


def describe() -> dict[str, Any]:
    """The OpenAPI document."""
    _, schemas = models_json_schema(
        [
            (ScoreRequest, "validation"), (ScoreResponse, "serialization"), (WhatIfRequest, "validation"),
            (WhatIfResponse, "serialization"), (WorkListPage, "serialization"),
            (Problem, "serialization"), (About, "serialization"), *openapi_leads.SCHEMAS,
        ],
        ref_template="#/components/schemas/{model}",
    )  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ripeline", "version": VERSION, "summary": "Calibrated lead scores, reasons and recommendations."},
        "paths": {
            "/v1/score": {
                "post": _asked("score", "Score leads", "ScoreRequest", "one result per lead, in order", "ScoreResponse")
            },
            "/v1/what-if": {
                "post": _asked(
                    "what_if",
                    "What would change the score of the first lead, limited to what can still happen",
                    "WhatIfRequest",
                    "the lead as it is, and after each change",
                    "WhatIfResponse",
                )
            },
            "/v1/leads": {"get": _listed("work_list", "The work list: open leads by their newest scores", "WorkListPage")},
            "/v1/leads.csv": {"get": _listed("work_list_csv", "The same rows as CSV, all of them", None)},
            **openapi_leads.paths(_told, _problems),
            "/v1/hooks/hubspot": {
                "post": _hook("hook_hubspot", "HubSpot says what changed; kept for `make live`", _COUNTED, "array")
            },
            "/v1/hooks/pipedrive": {
                "post": _hook("hook_pipedrive", "Pipedrive says what changed; kept for `make live`", _COUNTED, "object")
            },
            "/v1/hooks/marketo": {
                "post": _hook("hook_marketo", "Marketo asks for a lead's score in the call", _MAPPED, "object", 422, 503)
            },
            "/v1/model": {
                "get": _told("model", "The model that answers: version, funnel, held-out metrics, hand-over line", "About", 503)
            },
            "/livez": {"get": _state("livez", "Is the process alive?")},
            "/readyz": {"get": _state("readyz", "Can it score?", 503)},
        },
        "components": {"schemas": schemas["$defs"]},
    }


_COUNTED = {
    "type": "object",
    "properties": {"received": {"type": "integer"}, "new": {"type": "integer"}},
    "required": ["received", "new"],
}
_MAPPED = {
    "type": "object",
    "properties": {"status": {"type": "string"}, "lead_id": {"type": "string"}, "score": {"type": "number"}},
    "required": ["status", "lead_id"],
}
_PROBLEMS = {
    400: "not JSON", 401: "not from whom it says it is", 404: "there is no such lead, no work list, or it is not set up",
    410: "the lead was erased", 412: "somebody else wrote it meanwhile", 413: "too many leads or too large a body",
    422: "the request, or every lead in it, is invalid", 503: "no model is loaded, or the store cannot be asked now",
}  # fmt: skip


def _problems(*codes: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _ref("Problem")}}
    return {str(code): {"description": _PROBLEMS[code], "content": content} for code in codes}


def _asked(name: str, summary: str, request: str, told: str, answer: str) -> dict[str, Any]:
    """An operation that takes leads."""
    content = {"application/json": {"schema": _ref(request), "example": EXAMPLE}}
    good = {"200": {"description": told, "content": {"application/json": {"schema": _ref(answer)}}}}
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": {**good, **_problems(400, 413, 422, 503)},
    }


def _told(name: str, summary: str, answer: str, *problems: int) -> dict[str, Any]:
    """An operation that only asks."""
    good = {"200": {"description": "found", "content": {"application/json": {"schema": _ref(answer)}}}}
    return {"operationId": name, "summary": summary, "responses": {**good, **_problems(*(problems or (404,)))}}


def _listed(name: str, summary: str, answer: str | None) -> dict[str, Any]:
    """A question to the work list."""
    kinds = {"limit": "integer", "offset": "integer", "min_score": "number"}
    asked = [
        {
            "name": parameter,
            "in": "query",
            "required": False,
            "allowEmptyValue": True,  # a form sends what was left empty; it is as if it were not there
            "schema": {"type": kinds.get(parameter, "string")},
        }
        for parameter in PARAMETERS
    ]
    found = _told(name, summary, answer or "", 404, 422, 503)
    if answer is None:
        found["responses"]["200"]["content"] = {"text/csv": {"schema": {"type": "string"}}}
    return {**found, "parameters": asked}


def _hook(name: str, summary: str, told: dict[str, Any], body: str, *problems: int) -> dict[str, Any]:
    """A call from a CRM, signed by it."""
    sent = {"required": True, "content": {"application/json": {"schema": {"type": body}}}}
    good = {"200": {"description": "taken", "content": {"application/json": {"schema": told}}}}
    return {
        "operationId": name,
        "summary": summary,
        "description": "Signed by the CRM, with its own secret.",
        "requestBody": sent,
        "responses": {**good, **_problems(*sorted({401, 404, 413, 422, *problems}))},
    }


def _state(name: str, summary: str, *problems: int) -> dict[str, Any]:
    names = {"type": "object", "additionalProperties": {"type": "string"}}
    told = {"status": {"type": "string"}, "model": names, "troubles": names}
    state = {"type": "object", "properties": told, "required": ["status"]}
    good = {"200": {"description": "yes", "content": {"application/json": {"schema": state}}}}
    return {"operationId": name, "summary": summary, "responses": {**good, **_problems(*problems)}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
