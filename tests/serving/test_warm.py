"""A worker that is ready compiles nothing any more: a request would wait for it, and all that come after."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
from numba.core.dispatcher import Dispatcher

from serving.api.app import _answer_what_if, _scored, utc_now
from serving.scoring.scorer import Scorer
from serving.server.reload import scorer_of
from tests.trained import Trained


@pytest.fixture(scope="module")
def scorer(trained: Trained) -> Scorer:
    return scorer_of(trained.folder)


def _compiled() -> dict[str, int]:
    """How many forms of each of our compiled functions there are. By type: a weak reference to what is gone is no instance."""
    ours = ("features.", "models.", "serving.")
    found = [one for one in gc.get_objects() if issubclass(type(one), Dispatcher) and one.py_func.__module__.startswith(ours)]
    return {f"{one.py_func.__module__}.{one.py_func.__name__}": len(one.signatures) for one in found}


def _lead(number: int, acts: int = 2, **more: Any) -> dict[str, Any]:
    act = {"type": "page_view", "at": "2026-06-10T10:00:00Z", "direction": "in", "content": "a", "value": 1.5}
    plain = {"lead_id": f"L{number}", "lead_stage": "mql", "created_at": "2026-05-20T09:00:00Z"}
    return {**plain, "interactions": [act] * acts, **more}


COMPANY = {"company_id": "C"}
CASES: dict[str, list[dict[str, Any]]] = {
    "no interactions": [_lead(0, 0)],
    "an unknown type, no direction": [_lead(0, interactions=[{"type": "séance", "at": "2026-06-10T10:00:00Z"}])],
    "colleagues": [_lead(i, company=COMPANY) for i in range(4)],
    "many": [_lead(i, company={"company_id": f"C{i % 50}"}) for i in range(300)],
    "a colleague that is not scored": [_lead(0, company=COMPANY), _lead(1, lead_stage="lost", company=COMPANY)],
    "one of them invalid": [_lead(0), {"lead_id": "x"}],
    "a long history": [_lead(0, 5_000)],
    "what a mail scanner made": [_lead(0, interactions=[
        {"type": kind, "at": f"2026-06-10T10:00:0{second}Z"} for second, kind in enumerate(("email_sent", "email_opened"))
    ])],
    "times without an offset": [_lead(0, created_at="2026-05-20T09:00:00")],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_compiled_while_requests_are_answered(scorer: Scorer, name: str) -> None:
    before = _compiled()
    body = json.dumps({"as_of": "2026-06-30T00:00:00Z", "leads": CASES[name]}).encode()
    _scored(scorer, body, utc_now())
    assert _compiled() == before


def test_nothing_is_compiled_for_a_what_if_question(scorer: Scorer) -> None:
    before = _compiled()
    _answer_what_if(scorer, json.dumps({"as_of": "2026-06-30T00:00:00Z", "leads": CASES["colleagues"]}).encode(), utc_now())
    assert _compiled() == before
