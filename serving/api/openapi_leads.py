"""The calls about stored leads, for the API's description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel

from serving.schemas.leads import (
    Decision,
    Erasure,
    InteractionsAnswer,
    InteractionsRequest,
    LeadUpdate,
    LeadWritten,
    ScoreHistory,
    StoredScore,
    Why,
)
from serving.schemas.score import LeadRequest

SCHEMAS: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
    (InteractionsRequest, "validation"),
    (LeadUpdate, "validation"),
    *[
        (model, "serialization")
        for model in (LeadRequest, InteractionsAnswer, LeadWritten, Erasure, StoredScore, ScoreHistory, Why, Decision)
    ],
]

EVENTS: dict[str, Any] = {
    "interactions": [
        {
            "event_id": "web-90177",
            "lead_id": "L-1",
            "type": "pricing_page_view",
            "at": "2026-06-28T08:15:00Z",
            "direction": "in",
        },
        {"event_id": "web-90213", "lead_id": "L-1", "type": "trial_requested", "at": "2026-06-29T16:40:00Z", "direction": "in"},
    ]
}
LEAD: dict[str, Any] = {
    "created_at": "2026-05-20T09:00:00Z",
    "lead_stage": "mql",
    "lead_stage_since": "2026-06-10T14:30:00Z",
    "attributes": {"source": "webinar", "country": "DE", "job_title": "Leiterin Vertrieb"},
    "company": {"company_id": "C-7", "industry": "software", "employees": 250},
}
_MOMENT = "ISO 8601, not in the future"
_AS_OF = {"as_of": ("string", f"the moment at which to look; default: now. {_MOMENT}"),
          "known_at": ("string", f"only what was received until then; default: everything. {_MOMENT}")}  # fmt: skip
_LANGUAGE = {"language": ("string", "en or de")}

OperationBuilder = Callable[..., dict[str, Any]]


def paths(read_operation: OperationBuilder, problems: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Path → operations; `read_operation` and `problems` describe an answer and refusals."""
    lead_path = "/v1/leads/{lead_id}"
    reasons = {"reasons": ("integer", "how many reasons, 0 to 50; default 5")}
    change_parameters = {
        "from": ("string", f"the score recorded last by then; default: the one before. {_MOMENT}"),
        "to": ("string", f"default: the newest. {_MOMENT}"),
        "lines": ("integer", "how many lines a step shows, 0 to 200; default 20"),
        **_LANGUAGE,
    }
    return {
        "/v1/interactions": {
            "post": _with_body(
                read_operation("interactions", "What leads did: each taken once, in any order, for leads not known yet too",
                     "InteractionsAnswer", 400, 404, 413, 422, 503),
                "InteractionsRequest", EVENTS,
            )
        },
        lead_path: {
            "get": _lead_operation(
                read_operation("lead", "A lead and its colleagues, as a request scores them", "LeadRequest", 404, 503)
            ),
            "put": _put_operation(read_operation, problems),
            "delete": _lead_operation(
                read_operation("erase", "Delete everything of a lead; needs the scope admin", "Erasure", 404, 503)
            ),
        },
        f"{lead_path}/score": {
            "get": _lead_operation(
                read_operation("lead_score", "The score of a lead, now or at any past moment", "StoredScore", 404, 422, 503),
                {**_AS_OF, **reasons, **_LANGUAGE},
            )
        },
        f"{lead_path}/scores": {
            "get": _lead_operation(
                read_operation("lead_scores", "The recorded scores of a lead, the newest first", "ScoreHistory", 404, 422, 503),
                {"limit": ("integer", "0 to 1000; default 100")},
            )
        },
        f"{lead_path}/why": {
            "get": _lead_operation(
                read_operation("lead_why", "Why a score changed between two moments, exactly", "Why", 404, 422, 503),
                change_parameters,
            )
        },
        f"{lead_path}/decision": {
            "get": _lead_operation(
                read_operation("lead_decision", "What somebody may be told who asks how they were scored", "Decision",
                               404, 422, 503),
                {**_AS_OF, **_LANGUAGE},
            )
        },
    }  # fmt: skip


def _with_body(operation: dict[str, Any], schema: str, example: dict[str, Any]) -> dict[str, Any]:
    """An operation that takes a body."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": example}}
    return {**operation, "requestBody": {"required": True, "content": content}}


def _put_operation(read_operation: OperationBuilder, problems: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    operation = read_operation(
        "put_lead", "What is known of a lead from a moment on; twice is once", "LeadWritten", 404, 412, 422, 503
    )
    responses = operation["responses"]
    created = {"201": {**responses["200"], "description": "made"}}
    operation = _lead_operation({**operation, "responses": {**responses, **created, **problems(400, 410, 413)}})
    operation["parameters"] += [
        {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"},
         "description": "write only over this version, as the header ETag gave it"},
        {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"},
         "description": "* writes only where nobody knows the lead"},
    ]  # fmt: skip
    return _with_body(operation, "LeadUpdate", LEAD)


def _lead_operation(operation: dict[str, Any], parameters: dict[str, tuple[str, str]] | None = None) -> dict[str, Any]:
    """An operation about one lead."""
    name = {"name": "lead_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    query_parameters = [
        {"name": parameter, "in": "query", "required": False, "allowEmptyValue": True, "schema": {"type": kind},
         "description": description}
        for parameter, (kind, description) in (parameters or {}).items()
    ]  # fmt: skip
    return {**operation, "parameters": [name, *query_parameters]}
