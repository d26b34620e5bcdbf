"""Hostile and odd requests: never a 5xx, never an echo of any length, and one odd lead never harms the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from serving.api.app import INLINE_BYTES
from tests.serving.odd import act, lead


@pytest.mark.parametrize("name", ["field", "attribute", "lead_stage", "type", "lead_id"])
def test_nothing_long_is_echoed(client: TestClient, name: str) -> None:
    long = "y" * 1_000_000
    changes: dict[str, Any] = {
        "field": {long: 1},
        "attribute": {"attributes": {long: [1]}},
        "lead_stage": {"lead_stage": long},
        "type": act(type=long),
        "lead_id": {"lead_id": long},
    }[name]
    answer = client.post("/v1/score", json={"leads": [lead(**changes)]})
    assert answer.status_code == 422
    assert "y" * 101 not in answer.text
    assert len(answer.content) < 1_000


def test_small_and_large_requests_give_the_same(client: TestClient) -> None:
    """Small ones are scored in place, large ones in a thread."""
    few = client.post("/v1/score", json={"leads": [lead(company=None)]})
    leads = [lead(lead_id=f"L{i}", company=None) for i in range(60)]
    assert len(json.dumps(leads)) > INLINE_BYTES
    many = client.post("/v1/score", json={"leads": leads}).json()["results"]
    assert {json.dumps(r["probabilities"]) for r in many} == {json.dumps(few.json()["results"][0]["probabilities"])}


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)


JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


FIELDS = st.sampled_from(
    ["lead_id", "lead_stage", "created_at", "lead_stage_since", "attributes", "company", "interactions", "x"]
)


@given(
    changes=st.dictionaries(FIELDS, JSON, max_size=3),
    top=st.dictionaries(st.sampled_from(["as_of", "reasons", "language", "leads"]), JSON, max_size=1),
)
def test_whatever_comes_it_is_answered_and_never_a_5xx(
    client: TestClient, changes: dict[str, Any], top: dict[str, Any]
) -> None:
    body = json.dumps({"leads": [lead(**changes), lead(lead_id="good")], **top}).encode()
    answer = client.post("/v1/score", content=body)
    assert answer.status_code in {200, 400, 413, 422}, answer.text
    json.loads(answer.content, parse_constant=lambda name: pytest.fail(f"{name} in the answer"))
    if answer.status_code == 200 and "leads" not in top:
        results = {r["lead_id"]: r for r in answer.json()["results"]}
        assert results["good"]["status"] == "scored", "one bad lead never spoils the batch"
