"""Answers are written without the schemas; here they are held to them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic.fields import FieldInfo

from models.decision.next_steps import Step
from serving.api.app import utc_now
from serving.api.openapi import describe
from serving.schemas.answer import Result, ScoreResponse, fillers, render
from serving.schemas.score import EXAMPLE
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


def test_every_status_has_the_fields_that_openapi_describes(scorer: Scorer) -> None:
    """Of results and of everything in them: what is described is answered, and nothing else."""
    schemas: dict[str, Any] = describe()["components"]["schemas"]
    leads = [{**LEAD, "lead_id": str(i), **change} for i, change in enumerate(CHANGES)]
    asked = {"as_of": "2026-06-30T00:00:00Z", "reasons": 3, "leads": leads}
    answer = orjson.loads(build_answer(scorer, read(json.dumps(asked).encode(), scorer.model.funnel, utc_now())).text)
    parsed = read(json.dumps(EXAMPLE).encode(), scorer.model.funnel, utc_now())
    uncertain = next(scorer.scored(parsed.leads, parsed.as_of).each(["a"]))
    step = Step("webinar", "lead", 0.0, 1.0, 10, 0.5, 20, 0.25, 0.1)
    uncertain = replace(
        uncertain, leads=replace(uncertain.leads, advice=[uncertain.advice._replace(uncertain=True)], steps=[[step]])
    )
    results = [*answer["results"], render(uncertain)]
    assert {result["status"] for result in results} == set(schemas["Result"]["properties"]["status"]["enum"])
    for result in results:
        assert list(result) == list(schemas["Result"]["properties"])
    scored = answer["results"][0]
    inside = {
        "Probability": [*scored["probabilities"].values()], "Point": scored["probabilities"]["customer"]["curve"],
        "RuleScore": [scored["rules"]], "RuleLine": scored["rules"]["lines"], "Amount": [scored["amount"]],
        "Recommendation": [scored["recommendation"]], "ReasonLine": scored["reasons"],
        "StepLine": results[-1]["next_steps"],
        "ExplanationFrame": [scored["explanation"]],
    }  # fmt: skip
    for name, values in inside.items():
        assert values, name
        assert all(list(value) == list(schemas[name]["properties"]) for value in values), name


def test_the_page_of_the_api_names_every_field() -> None:
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    assert [name for name in Result.model_fields if f"`{name}`" not in page] == []


def test_a_field_without_what_fills_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would stand in OpenAPI and in no answer."""
    monkeypatch.setitem(Result.model_fields, "mood", FieldInfo(annotation=str))
    with pytest.raises(TypeError, match="'mood'"):
        fillers()


def test_a_result_alone_is_what_the_answer_says(scorer: Scorer) -> None:
    parsed = read(json.dumps(EXAMPLE).encode(), scorer.model.funnel, utc_now())
    (result,) = scorer.score(parsed.leads, parsed.as_of, parsed.reasons, parsed.language)
    (said,) = orjson.loads(build_answer(scorer, parsed).text)["results"]
    said["warnings"] = result.warnings
    assert json.loads(result.model_dump_json()) == said
