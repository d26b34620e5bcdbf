"""The route table: every call of the API stands here once. Routes, scopes, what is audited, shed and traced, and OpenAPI are
made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from starlette.routing import compile_path
from starlette.types import Scope

from serving.common.lead_calls import LEAD
from serving.common.scopes import SCOPES, KeyScope
from serving.schemas import answer, leads, requests, score

ANY_KEY: Literal[""] = ""
OPEN = None  # no key is needed
JsonSchema = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What OpenAPI says of a call. `request`: a struct or a schema; `answer`: None is CSV; `query`: parameter → (kind,
    meaning); `headers`: name → meaning; `created`: it may answer 201."""

    summary: str
    answer: type[BaseModel] | JsonSchema | None
    problems: tuple[int, ...]
    outcome: str = "found"
    request: Any = None
    example: JsonSchema | None = None
    query: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    created: bool = False
    note: str = ""


@dataclass(frozen=True)
class Call:
    """A call. `name`: its handler's and its operation's; `path`: as Starlette writes it, and as logs and metrics name it;
    `scope`: what a key must have (`ANY_KEY`: nothing; `OPEN`: there need be none); `operation`: None is not described."""

    name: str
    method: str
    path: str
    scope: KeyScope | Literal[""] | None
    operation: Operation | None
    audited: bool = True  # or it says nothing of anybody
    probe: bool = False  # asked by who watches: answered however much waits, and never traced
    page: bool = False  # a browser without a key is sent to sign in
    at_door: bool = False  # answered where keys are checked
    less_to_strangers: bool = False  # open, but who has no key is told less

    def __post_init__(self) -> None:
        if self.scope not in (*SCOPES, ANY_KEY, OPEN):
            raise ValueError(f"{self.method} {self.path}: there is no scope {self.scope!r}")

    def takes(self, method: str) -> bool:
        return method == self.method or (method == "HEAD" and self.method == "GET")


_MOMENT = "ISO 8601, not in the future"
_AS_OF = {
    "as_of": ("string", f"the moment at which to look; default: now. {_MOMENT}"),
    "known_at": ("string", f"only what was received until then; default: everything. {_MOMENT}"),
}
_REASONS = {"reasons": ("integer", "how many reasons, 0 to 50; default 5")}
_LANGUAGE = {"language": ("string", "en or de")}
_CHANGE = {
    "from": ("string", f"the score recorded last by then; default: the one before. {_MOMENT}"),
    "to": ("string", f"default: the newest. {_MOMENT}"),
    "lines": ("integer", "how many lines a step shows, 0 to 200; default 20"),
    **_LANGUAGE,
}
_LIST = {
    **dict.fromkeys(("sort", "action", "lead_stage", "grade"), ("string", "")),
    "min_score": ("number", ""), "q": ("string", ""), "limit": ("integer", ""), "offset": ("integer", ""),
}  # fmt: skip
_CONDITIONS = {
    "If-Match": "write only over this version, as the header ETag gave it",
    "If-None-Match": "* writes only where nobody knows the lead",
}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_STATE = {
    "type": "object",
    "properties": {"status": {"type": "string"}, "model": _TEXTS, "troubles": _TEXTS},
    "required": ["status"],
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
LOGIN_PATH = "/login"


def _hook(name: str, summary: str, answer: JsonSchema, body: str, *problems: int) -> Call:
    """A call from a CRM, which signs it."""
    operation = Operation(
        summary=summary, answer=answer, problems=(401, 404, 413, 422, *problems), outcome="taken", request={"type": body},
        note="Signed by the CRM, with its own secret.",
    )  # fmt: skip
    return Call(f"hook_{name}", "POST", f"/v1/hooks/{name}", OPEN, operation)


def _file(name: str, path: str) -> Call:
    return Call(name, "GET", path, OPEN, None, audited=False)


CALLS = (
    Call("score", "POST", "/v1/score", "score", Operation(
        summary="Score leads", request=requests.ScoreRequest[requests.Lead], example=score.EXAMPLE,
        answer=answer.ScoreResponse, outcome="one result per lead, in order", problems=(400, 413, 422, 503))),
    Call("what_if", "POST", "/v1/what-if", "score", Operation(
        summary="What would change the score of the first lead, limited to what can still happen",
        request=requests.WhatIfRequest[requests.Lead], example=score.EXAMPLE,
        answer=score.WhatIfResponse, outcome="the lead as it is, and after each change", problems=(400, 413, 422, 503))),
    Call("work_list", "GET", "/v1/leads", "score", Operation(
        summary="The work list: open leads by their newest scores",
        answer=score.WorkListPage, query=_LIST, problems=(404, 422, 503))),
    Call("work_list_csv", "GET", "/v1/leads.csv", "score", Operation(
        summary="The same rows as CSV, all of them", answer=None, query=_LIST, problems=(404, 422, 503))),
    Call("interactions", "POST", "/v1/interactions", "write", Operation(
        summary="What leads did: each taken once, in any order, for leads not known yet too",
        request=requests.InteractionsRequest[requests.StoredInteraction], example=leads.EVENTS_EXAMPLE,
        answer=leads.InteractionsAnswer, problems=(400, 404, 413, 422, 503))),
    Call("lead", "GET", LEAD, "score", Operation(
        summary="A lead and its colleagues, as a request scores them", answer=score.LeadRequest, problems=(404, 503))),
    Call("put_lead", "PUT", LEAD, "write", Operation(
        summary="What is known of a lead from a moment on; twice is once",
        request=requests.LeadUpdate, example=leads.LEAD_EXAMPLE, headers=_CONDITIONS,
        answer=leads.LeadWritten, created=True, problems=(400, 404, 410, 412, 413, 422, 503))),
    Call("erase", "DELETE", LEAD, "admin", Operation(
        summary="Delete everything of a lead; needs the scope admin", answer=leads.Erasure, problems=(404, 503))),
    Call("lead_score", "GET", f"{LEAD}/score", "score", Operation(
        summary="The score of a lead, now or at any past moment",
        answer=leads.StoredScore, query={**_AS_OF, **_REASONS, **_LANGUAGE}, problems=(404, 422, 503))),
    Call("lead_scores", "GET", f"{LEAD}/scores", "score", Operation(
        summary="The recorded scores of a lead, the newest first",
        answer=leads.ScoreHistory, query={"limit": ("integer", "0 to 1000; default 100")}, problems=(404, 422, 503))),
    Call("lead_stages", "GET", f"{LEAD}/lead_stages", "score", Operation(
        summary="The recorded lead stages of a lead, the oldest first, with what was taken back",
        answer=leads.LeadStageHistory, problems=(404, 422, 503))),
    Call("withdraw_lead_stage", "DELETE", f"{LEAD}/lead_stages", "write", Operation(
        summary="Take back a lead stage or exit that was recorded by mistake; twice is once",
        answer=leads.LeadStageWithdrawn, problems=(404, 422, 503), query={
            "lead_stage": ("string", "the lead stage or exit; required"),
            "at": ("string", "from when it was recorded to hold, as the recorded lead stages have it; required. ISO 8601")})),
    Call("lead_why", "GET", f"{LEAD}/why", "score", Operation(
        summary="Why a score changed between two moments, exactly", answer=leads.Why, query=_CHANGE, problems=(404, 422, 503))),
    Call("lead_decision", "GET", f"{LEAD}/decision", "score", Operation(
        summary="What somebody may be told who asks how they were scored",
        answer=leads.Decision, query={**_AS_OF, **_LANGUAGE}, problems=(404, 422, 503))),
    _hook("hubspot", "HubSpot says what changed; kept for `make live`", _EVENT_COUNTS, "array"),
    _hook("pipedrive", "Pipedrive says what changed; kept for `make live`", _EVENT_COUNTS, "object"),
    _hook("marketo", "Marketo asks for a lead's score in the call", _SCORE_FIELDS, "object", 503),
    Call("model", "GET", "/v1/model", "score", Operation(
        summary="The model that answers: version, funnel, held-out metrics, hand-over line",
        answer=score.About, problems=(503,))),
    Call("livez", "GET", "/livez", OPEN, Operation(
        summary="Is the process alive?", answer=_STATE, outcome="yes", problems=()), audited=False, probe=True),
    Call("readyz", "GET", "/readyz", OPEN, Operation(
        summary="Can it score?", answer=_STATE, outcome="yes", problems=(503,)), audited=False, probe=True,
        less_to_strangers=True),
    Call("metrics", "GET", "/metrics", ANY_KEY, None, audited=False, probe=True),
    _file("openapi", "/openapi.json"),
    _file("docs", "/docs"),
    Call("page", "GET", "/", "score", None, page=True),
    _file("page_script", "/web/app.js"),
    _file("page_words", "/web/words.js"),
    _file("page_style", "/web/app.css"),
    Call("report", "GET", "/report", "score", None, page=True),
    Call("login_page", "GET", LOGIN_PATH, OPEN, None, at_door=True),
    Call("login", "POST", LOGIN_PATH, OPEN, None, at_door=True),
)  # fmt: skip


def by_path() -> dict[str, list[Call]]:
    """Path → its calls; of paths that one request fits, the longest first, as Starlette takes the first."""
    paths: dict[str, list[Call]] = {}
    for call in sorted(CALLS, key=lambda call: -len(call.path)):
        paths.setdefault(call.path, []).append(call)
    return paths


_FIXED = {path: calls for path, calls in by_path().items() if "{" not in path}
_PATTERNS = [(compile_path(path)[0], calls) for path, calls in by_path().items() if "{" in path]


def call_of(method: str, path: str) -> Call | None:
    """The call that a request is, as Starlette's router finds it; of a path that does not take the method (405) its first.
    None where there is nothing."""
    calls = _FIXED.get(path) or [call for pattern, group in _PATTERNS if pattern.match(path) for call in group]
    for call in calls:
        if call.takes(method):
            return call
    return calls[0] if calls else None


def is_probe(scope: Scope) -> bool:
    """Whether a request is one of who watches."""
    call = call_of(scope["method"], scope["path"])
    return call is not None and call.probe


def required_scope(method: str, path: str) -> str | None:
    """The scope that a request needs: `ANY_KEY`, or `OPEN`. What is no call needs one by its method: who has no key is not
    told what there is."""
    call = call_of(method, path)
    if call is not None and (call.takes(method) or call.scope in (ANY_KEY, OPEN)):
        return call.scope
    if method in ("GET", "HEAD"):
        return "score"
    return "admin" if method == "DELETE" else "write"
