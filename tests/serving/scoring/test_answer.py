"""Answers are written without the schemas; here they are held to them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from serving.api.app import utc_now
from serving.schemas.score import EXAMPLE, ScoreResponse
from serving.scoring.answer import build_answer
from serving.scoring.request import read
from serving.scoring.scorer import Scorer
from tests.tiny import tiny_model

LEAD = EXAMPLE["leads"][0]


CHANGES: list[dict[str, Any]] = [
    {},
    {"lead_stage": "lead", "interactions": [], "company": None},
    {
        "lead_stage": "sql",
        "attributes": {"source": "ä\u2028\x00\x7f"},
        "interactions": [{"type": "moon", "at": "2026-06-01T00:00:00"}],
    },
    {"lead_stage": "customer"},
    {"attributes": {"opted_out": True}},
    {"lead_stage": "nonsense"},
    {"previous": {"action": "recycle", "at": "2026-06-20T00:00:00Z"}},
]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(tiny_model())


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("reasons", [0, 3, 50])
@pytest.mark.parametrize("as_of", ["2026-06-30T00:00:00Z", "2026-06-30T12:00:00.000001+02:00"])
def test_an_answer_has_every_field_of_its_schema_in_its_order(scorer: Scorer, language: str, reasons: int, as_of: str) -> None:
    leads = [{**LEAD, "lead_id": str(i), **change} for i, change in enumerate(CHANGES)]
    asked = {"as_of": as_of, "reasons": reasons, "language": language, "leads": leads}
    text = build_answer(scorer, read(json.dumps(asked).encode(), scorer.model.funnel, utc_now())).text
    checked = ScoreResponse.model_validate_json(text, strict=True)
    # as text, since dicts are equal in any order and 1 equals 1.0
    assert json.dumps(json.loads(text)) == json.dumps(json.loads(checked.model_dump_json()))


def test_a_result_alone_is_what_the_answer_says(scorer: Scorer) -> None:
    parsed = read(json.dumps(EXAMPLE).encode(), scorer.model.funnel, utc_now())
    (result,) = scorer.score(parsed.leads, parsed.as_of, parsed.reasons, parsed.language)
    (said,) = orjson.loads(build_answer(scorer, parsed).text)["results"]
    said["warnings"] = result.warnings
    assert json.loads(result.model_dump_json()) == said
