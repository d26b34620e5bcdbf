"""The API's description: OpenAPI 3.1 made from the schemas, and a page that shows it without any network."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from serving.schemas import EXAMPLE, About, Problem, ScoreRequest, ScoreResponse

VERSION = "1"
PAGE = Path(__file__).with_name("docs.html")


def describe() -> dict[str, Any]:
    """The OpenAPI document."""
    _, schemas = models_json_schema(
        [(ScoreRequest, "validation"), (ScoreResponse, "serialization"), (Problem, "serialization"), (About, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    problem = {"content": {"application/problem+json": {"schema": _ref("Problem")}}}
    state = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    ok = {"200": {"description": "yes", "content": {"application/json": {"schema": state}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ripeline", "version": VERSION, "summary": "Calibrated lead scores, reasons and recommendations."},
        "paths": {
            "/v1/score": {
                "post": {
                    "operationId": "score",
                    "summary": "Score leads",
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": _ref("ScoreRequest"), "example": EXAMPLE}},
                    },
                    "responses": {
                        "200": {
                            "description": "one result per lead, in order",
                            "content": {"application/json": {"schema": _ref("ScoreResponse")}},
                        },
                        "400": {"description": "not JSON", **problem},
                        "413": {"description": "too many leads or too large a body", **problem},
                        "422": {"description": "the request, or every lead in it, is invalid", **problem},
                        "503": {"description": "no model is loaded", **problem},
                    },
                }
            },
            "/v1/model": {
                "get": {
                    "operationId": "model",
                    "summary": "The model that answers: version, funnel, held-out metrics, hand-over line",
                    "responses": {
                        "200": {"description": "the model", "content": {"application/json": {"schema": _ref("About")}}},
                        "503": {"description": "no model is loaded", **problem},
                    },
                }
            },
            "/livez": {"get": {"operationId": "livez", "summary": "Is the process alive?", "responses": ok}},
            "/readyz": {
                "get": {
                    "operationId": "readyz",
                    "summary": "Can it score?",
                    "responses": {**ok, "503": {"description": "no model is loaded", **problem}},
                }
            },
        },
        "components": {"schemas": schemas["$defs"]},
    }


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
