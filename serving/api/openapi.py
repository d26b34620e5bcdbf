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
                "post": _scoring_operation(
                    "score", "Score leads", "ScoreRequest", "one result per lead, in order", "ScoreResponse"
                )
            },
            "/v1/what-if": {
                "post": _scoring_operation(
                    "what_if",
                    "What would change the score of the first lead, limited to what can still happen",
                    "WhatIfRequest",
                    "the lead as it is, and after each change",
                    "WhatIfResponse",
                )
            },
            "/v1/leads": {
                "get": _list_operation("work_list", "The work list: open leads by their newest scores", "WorkListPage")
            },
            "/v1/leads.csv": {"get": _list_operation("work_list_csv", "The same rows as CSV, all of them", None)},
            **openapi_leads.paths(_read_operation, _problems),
            "/v1/hooks/hubspot": {
                "post": _webhook_operation(
                    "hook_hubspot", "HubSpot says what changed; kept for `make live`", _EVENT_COUNTS, "array"
                )
            },
            "/v1/hooks/pipedrive": {
                "post": _webhook_operation(
                    "hook_pipedrive", "Pipedrive says what changed; kept for `make live`", _EVENT_COUNTS, "object"
                )
            },
            "/v1/hooks/marketo": {
                "post": _webhook_operation(
                    "hook_marketo", "Marketo asks for a lead's score in the call", _SCORE_FIELDS, "object", 422, 503
                )
            },
            "/v1/model": {
                "get": _read_operation(
                    "model", "The model that answers: version, funnel, held-out metrics, hand-over line", "About", 503
                )
            },
            "/livez": {"get": _health_operation("livez", "Is the process alive?")},
            "/readyz": {"get": _health_operation("readyz", "Can it score?", 503)},
        },
        "components": {"schemas": schemas["$defs"]},
    }


_EVENT_COUNTS = {
    "type": "object",
    "properties": {"received": {"type": "integer"}, "new": {"type": "integer"}},
    "required": ["received", "new"],
}
_SCORE_FIELDS = {
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


def _scoring_operation(name: str, summary: str, request: str, description: str, answer: str) -> dict[str, Any]:
    """An operation that takes leads."""
    content = {"application/json": {"schema": _ref(request), "example": EXAMPLE}}
    success = {"200": {"description": description, "content": {"application/json": {"schema": _ref(answer)}}}}
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": {**success, **_problems(400, 413, 422, 503)},
    }


def _read_operation(name: str, summary: str, answer: str, *problems: int) -> dict[str, Any]:
    """An operation that only asks."""
    success = {"200": {"description": "found", "content": {"application/json": {"schema": _ref(answer)}}}}
    return {"operationId": name, "summary": summary, "responses": {**success, **_problems(*(problems or (404,)))}}


def _list_operation(name: str, summary: str, answer: str | None) -> dict[str, Any]:
    """A question to the work list."""
    kinds = {"limit": "integer", "offset": "integer", "min_score": "number"}
    parameters = [
        {
            "name": parameter,
            "in": "query",
            "required": False,
            "allowEmptyValue": True,  # a form sends what was left empty; it is as if it were not there
            "schema": {"type": kinds.get(parameter, "string")},
        }
        for parameter in PARAMETERS
    ]
    operation = _read_operation(name, summary, answer or "", 404, 422, 503)
    if answer is None:
        operation["responses"]["200"]["content"] = {"text/csv": {"schema": {"type": "string"}}}
    return {**operation, "parameters": parameters}


def _webhook_operation(name: str, summary: str, schema: dict[str, Any], body: str, *problems: int) -> dict[str, Any]:
    """A call from a CRM, signed by it."""
    request_body = {"required": True, "content": {"application/json": {"schema": {"type": body}}}}
    success = {"200": {"description": "taken", "content": {"application/json": {"schema": schema}}}}
    return {
        "operationId": name,
        "summary": summary,
        "description": "Signed by the CRM, with its own secret.",
        "requestBody": request_body,
        "responses": {**success, **_problems(*sorted({401, 404, 413, 422, *problems}))},
    }


def _health_operation(name: str, summary: str, *problems: int) -> dict[str, Any]:
    names = {"type": "object", "additionalProperties": {"type": "string"}}
    properties = {"status": {"type": "string"}, "model": names, "troubles": names}
    state = {"type": "object", "properties": properties, "required": ["status"]}
    success = {"200": {"description": "yes", "content": {"application/json": {"schema": state}}}}
    return {"operationId": name, "summary": summary, "responses": {**success, **_problems(*problems)}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
