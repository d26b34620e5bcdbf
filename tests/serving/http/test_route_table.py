"""The route table: what each call needs and is called; none is open by omission; it finds what Starlette finds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Match, Route, Router

from serving.api.app import create_app
from serving.common.lead_calls import LEAD_CALLS
from serving.http.route_table import ANY_KEY, CALLS, OPEN, SCOPES, Call, by_path, call_of, required_scope

LEAD = "/v1/leads/{lead_id:path}"
# what the audit log calls it → who may ask, and whether it is audited, described
TABLE: dict[str, tuple[str | None, str]] = {
    "POST /v1/score": ("score", "audited described"),
    "POST /v1/what-if": ("score", "audited described"),
    "GET /v1/leads": ("score", "audited described"),
    "GET /v1/leads.csv": ("score", "audited described"),
    "POST /v1/interactions": ("write", "audited described"),
    f"GET {LEAD}": ("score", "audited described"),
    f"PUT {LEAD}": ("write", "audited described"),
    f"DELETE {LEAD}": ("admin", "audited described"),
    f"GET {LEAD}/score": ("score", "audited described"),
    f"GET {LEAD}/scores": ("score", "audited described"),
    f"GET {LEAD}/lead_stages": ("score", "audited described"),
    f"DELETE {LEAD}/lead_stages": ("write", "audited described"),
    f"GET {LEAD}/why": ("score", "audited described"),
    f"GET {LEAD}/decision": ("score", "audited described"),
    "POST /v1/hooks/hubspot": (OPEN, "audited described"),
    "POST /v1/hooks/pipedrive": (OPEN, "audited described"),
    "POST /v1/hooks/marketo": (OPEN, "audited described"),
    "GET /v1/model": ("score", "audited described"),
    "GET /livez": (OPEN, "described probe"),
    "GET /readyz": (OPEN, "described probe"),
    "GET /metrics": (ANY_KEY, "probe"),
    "GET /openapi.json": (OPEN, ""),
    "GET /docs": (OPEN, ""),
    "GET /": ("score", "audited page"),
    "GET /web/app.js": (OPEN, ""),
    "GET /web/words.js": (OPEN, ""),
    "GET /web/app.css": (OPEN, ""),
    "GET /report": ("score", "audited page"),
    "GET /login": (OPEN, "audited at_door"),
    "POST /login": (OPEN, "audited at_door"),
}


def marks(call: Call) -> str:
    traits = {"audited": call.audited, "described": call.operation, "probe": call.probe, "page": call.page}
    return " ".join(name for name, value in {**traits, "at_door": call.at_door}.items() if value)


def test_who_may_ask_what_and_what_it_is_called() -> None:
    assert {f"{call.method} {call.path}": (call.scope, marks(call)) for call in CALLS} == TABLE
    assert len({call.name for call in CALLS}) == len(CALLS)


def test_no_id_can_hide_a_call_of_a_lead() -> None:
    """The store refuses ids that end like one; it knows them without the table."""
    assert {call.path.removeprefix(f"{LEAD}/") for call in CALLS if call.path.startswith(f"{LEAD}/")} == LEAD_CALLS


def test_what_is_described_is_all_of_the_api_and_what_is_asked_by_probes() -> None:
    assert all(call.operation for call in CALLS if call.path.startswith("/v1/"))
    assert all(call.audited for call in CALLS if call.scope in SCOPES)


def test_no_call_is_open_by_omission() -> None:
    with pytest.raises(TypeError, match="scope"):
        Call("leak", "GET", "/v1/leak", operation=None)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="there is no scope 'wirte'"):
        Call("leak", "GET", "/v1/leak", "wirte", None)  # type: ignore[arg-type]
    assert required_scope("GET", "/v1/leak") == "score", "what stands nowhere needs a key, too"
    assert required_scope("GET", "/v1/hooks/leak") == "score"


def test_the_routes_of_the_application_are_those_of_the_table() -> None:
    routes = [route for route in create_app(lambda: None).routes if isinstance(route, Route)]
    served = {f"{method} {route.path}" for route in routes for method in route.methods or () if method != "HEAD"}
    assert served == {f"{call.method} {call.path}" for call in CALLS if not call.at_door}


SEGMENTS = [segment for call in CALLS for segment in call.path.split("/")]
PATHS = st.lists(st.sampled_from([*SEGMENTS, "L-1", "", "a\n", "score\n"]), max_size=5).map(lambda parts: "/" + "/".join(parts))
ROUTER = Router(
    [Route(path, lambda _request: None, methods=[call.method for call in calls]) for path, calls in by_path().items()]
)


def routed(method: str, path: str) -> tuple[str, bool] | None:
    """The path of the route that Starlette takes, and whether it takes the method."""
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": []}
    matches = [(route.matches(scope)[0], route) for route in ROUTER.routes]
    for kind in (Match.FULL, Match.PARTIAL):
        for match, route in matches:
            if match is kind and isinstance(route, Route):
                return route.path, kind is Match.FULL
    return None


@given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]), PATHS)
def test_a_request_needs_the_scope_of_the_call_that_answers_it(method: str, path: str) -> None:
    route, call = routed(method, path), call_of(method, path)
    if path.endswith("\n") and call is None:  # Starlette's pattern lets one end of line pass: then it needs one by its method
        assert route is None or required_scope(method, path) not in (OPEN, ANY_KEY)
        return
    assert (route and route[0]) == (call and call.path)
    if route is not None and call is not None and route[1]:
        assert call.method == ("GET" if method == "HEAD" else method)
        assert required_scope(method, path) == call.scope


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("HEAD", "/v1/leads", "score"),
        ("DELETE", "/v1/leads/1/score", "admin"),  # Starlette: of the lead "1/score"
        ("PUT", "/v1/leads/a/b", "write"),
        ("POST", "/livez", OPEN),
        ("DELETE", "/v1/score", "admin"),
        ("POST", "/anything/new", "write"),
        ("GET", "/livez/", "score"),
        ("GET", "//livez", "score"),
    ],
)
def test_which_scope_a_request_needs(method: str, path: str, scope: str | None) -> None:
    assert required_scope(method, path) == scope
