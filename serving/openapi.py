"""The API's description: OpenAPI 3.1 made from the schemas, and a page that shows it without any network."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from serving import openapi_leads
from serving.schemas import (
    EXAMPLE,
    About,
    Problem,
    ScoreRequest,
    ScoreResponse,
    WhatIfRequest,
    WhatIfResponse,
    WorkListPage,
)
from serving.work_list import PARAMETERS

VERSION = "1"
PAGE = Path(__file__).with_name("docs.html")


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


def page(document: dict[str, Any]) -> str:
    """A self-contained page: the paths, the schemas, and a box to try a request in."""
    paths = "".join(
        f"<h3><code>{method.upper()} {html.escape(path)}</code></h3><p>{html.escape(what['summary'])}</p>"
        "<ul>"
        + "".join(f"<li><b>{code}</b> {html.escape(answer['description'])}</li>" for code, answer in what["responses"].items())
        + "</ul>"
        for path, methods in document["paths"].items()
        for method, what in methods.items()
    )
    schemas = "".join(_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items()))
    template = PAGE.read_text(encoding="utf-8").replace("{{example}}", html.escape(json.dumps(EXAMPLE, indent=2)))
    return template.replace("{{paths}}", paths).replace("{{schemas}}", schemas)


def _schema(name: str, schema: dict[str, Any]) -> str:
    rows = "".join(
        _row(field, what, field in schema.get("required", [])) for field, what in schema.get("properties", {}).items()
    )
    about = html.escape(schema.get("description", ""))
    return f"<details><summary><b>{html.escape(name)}</b> {about}</summary><table>{rows}</table></details>"


def _row(field: str, what: dict[str, Any], required: bool) -> str:
    optional = "" if required else " <small>optional</small>"
    about = html.escape(what.get("description", ""))
    return f"<tr><td><code>{html.escape(field)}</code>{optional}</td><td>{html.escape(_kind(what))}</td><td>{about}</td></tr>"


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")
