"""The API's description: OpenAPI 3.1, made from the route table and the schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_origin

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.access.middleware import COOKIE
from serving.http.route_table import CALLS, OPEN, Call, JsonSchema, Operation
from serving.schemas.score import Problem

VERSION = "1"
_REFERENCE = "#/components/schemas/{}"
SECURITY_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key (rl_…), or a token of the issuer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "page": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "What /login gives a browser"},
}
_PROBLEMS = {
    400: "not JSON", 401: "not from whom it says it is", 404: "there is no such lead, no work list, or it is not set up",
    410: "the lead was erased", 412: "somebody else wrote it meanwhile", 413: "too many leads or too large a body",
    422: "the request, or every lead in it, is invalid", 503: "no model is loaded, or the store cannot be asked now",
}  # fmt: skip
_REFUSALS = {  # where a key is checked
    401: "no key, or one that is wrong, revoked or has ended",
    403: "a key that may not do that; without keys: not this machine",
    429: "too often; Retry-After says when to come again",
}
_BUSY = {408: "the body did not arrive in time", 503: "more is asked than can be answered, or there is no model"}


def describe() -> JsonSchema:
    """The OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    requests: list[Any] = []
    models: dict[tuple[type[BaseModel], Literal["serialization"]], None] = {(Problem, "serialization"): None}
    for call in CALLS:
        if call.operation is None:
            continue
        path = call.path.replace(":path", "")
        paths.setdefault(path, {})[call.method.lower()] = _operation(call, call.operation)
        if _is_named(call.operation.request):
            requests.append(call.operation.request)
        if isinstance(call.operation.answer, type):
            models[call.operation.answer, "serialization"] = None
    _, schemas = models_json_schema(list(models), ref_template=_REFERENCE.format("{model}"))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ripeline", "version": VERSION, "summary": "Calibrated lead scores, reasons and recommendations."},
        "paths": paths,
        "components": {"schemas": {**_request_schemas(requests), **schemas["$defs"]}, "securitySchemes": SECURITY_SCHEMES},
    }


def _request_schemas(requests: Sequence[Any]) -> JsonSchema:
    """The structs that requests are decoded by; one with a list of a kind goes by its name alone (`ScoreRequest[Lead]`)."""
    _, schemas = msgspec.json.schema_components(requests, ref_template=_REFERENCE.format("{name}"))
    titles = [schema["title"].partition("[")[0] for schema in schemas.values()]
    return {title: {**schema, "title": title} for title, schema in zip(titles, schemas.values(), strict=True)}


def _is_named(schema: Any) -> bool:
    """Whether it is a struct or a model, which has a name among the components."""
    return isinstance(get_origin(schema) or schema, type)


def _operation(call: Call, operation: Operation) -> JsonSchema:
    """One operation: what it takes, what it answers, how it refuses, and what is needed to ask."""
    document: JsonSchema = {"operationId": call.name, "summary": operation.summary}
    problems = {code: _PROBLEMS[code] for code in operation.problems}
    if call.scope is OPEN:
        document["security"] = []
    else:
        document["security"] = [{way: []} for way in SECURITY_SCHEMES]
        problems = {**_REFUSALS, **(_BUSY if operation.request else {}), **problems}
    if note := operation.note or (call.scope and f"Needs a key with the scope `{call.scope}`."):
        document["description"] = note
    if parameters := _parameters(call.path, operation):
        document["parameters"] = parameters
    if operation.request:
        example = {"example": operation.example} if operation.example else {}
        document["requestBody"] = {
            "required": True, "content": {"application/json": {"schema": _schema(operation.request), **example}},
        }  # fmt: skip
    kind = "text/csv" if operation.answer is None else "application/json"
    content = {kind: {"schema": _schema(operation.answer)}}
    answers = {"200": {"description": operation.outcome, "content": content}}
    if operation.created:
        answers["201"] = {"description": "made", "content": content}
    problem = {"application/problem+json": {"schema": _schema(Problem)}}
    document["responses"] = answers | {
        str(code): {"description": reason, "content": problem} for code, reason in problems.items()
    }
    return document


def _parameters(path: str, operation: Operation) -> list[JsonSchema]:
    of_path = {"name": "lead_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    # a form sends what was left empty; it is as if it were not there
    query = [
        {"name": name, "in": "query", "required": False, "allowEmptyValue": True, "schema": {"type": kind}, **_meaning(text)}
        for name, (kind, text) in operation.query.items()
    ]
    headers = [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, **_meaning(text)}
        for name, text in operation.headers.items()
    ]
    return [*([of_path] if "{lead_id" in path else []), *query, *headers]


def _meaning(text: str) -> Mapping[str, str]:
    return {"description": text} if text else {}


def _schema(schema: Any) -> JsonSchema:
    """A struct or a model by its name among the components, others as they are; None is text."""
    if _is_named(schema):
        return {"$ref": _REFERENCE.format((get_origin(schema) or schema).__name__)}
    return schema or {"type": "string"}
