"""The answer for a scored lead: each field with what it means, and what fills it from the lead. To add a field, add it here.

`render` goes straight to plain values and makes no object that JSON does not need; `tests/serving/scoring/test_answer.py` holds
what it makes to the schemas, for every status.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from features.common.words import type_words
from models.decision.recommend import Action
from models.scored_lead import ScoredLead
from serving.schemas.score import ModelName, Problem


@dataclass(frozen=True)
class Fill:
    """What fills a field of `Result`, from a scored lead to plain values."""

    value: Callable[[ScoredLead], Any]


class Point(BaseModel):
    """A point of a curve."""

    days: float
    value: float


class Probability(BaseModel):
    """P(the lead stage is reached within the horizon, and every one before it within its own), with a 90 % interval."""

    value: float
    low: float
    high: float
    horizon_days: float | None
    curve: list[Point] = Field(description="P(reached by so many days), rising to the value at the horizon")
    expected_days: float | None = Field(description="days it takes, if it converts within the horizon")


class RuleLine(BaseModel):
    """What one rule gave."""

    label: str
    points: float


class RuleScore(BaseModel):
    """What the rules say of the same lead."""

    points: float
    probability: dict[str, float]
    lead_stage: str | None
    grade: str | None = Field(description="A1 … C3: points of fit × points of engagement; null for rules without grades")
    lines: list[RuleLine]


class Recommendation(BaseModel):
    """What to do, the lead stage it should then have, and why."""

    action: Action
    lead_stage: str
    why: str
    expected_profit: float | None


class StepLine(BaseModel):
    """A content step that has gone before progress for leads like this one: an association, not a promise."""

    type: str
    label: str
    leads: int = Field(description="leads like this one that took it for the first time")
    progressed: float = Field(description="share of them that reached the next lead stage within its horizon")
    others: int = Field(description="leads like this one that had not taken it")
    others_progressed: float
    why: str


class Amount(BaseModel):
    """An amount of money; nine deals in ten lie between `low` and `high`."""

    value: float
    low: float
    high: float
    currency: str


class ReasonLine(BaseModel):
    """What was seen of the lead, and what it does to the next lead stage."""

    label: str = Field(description="of the column that moved it most")
    value: float | None
    unit: str
    effect: float = Field(description="what it adds to the log-odds of the next lead stage")
    text: str = Field(description="what was seen, in words")
    chance_effect: float = Field(description="by how much it moves the chance of the next lead stage, 0 to 1")


class ExplanationFrame(BaseModel):
    """start + Σ effects + rest + calibration = log-odds of the next lead stage."""

    target: str
    start: float
    rest: float
    calibration: float


def _probabilities(lead: ScoredLead) -> dict[str, Any]:
    words, row, money = lead.words, lead.rounded, lead.money
    probability, low, high, days = (words.places[name] for name in ("probability", "low", "high", "expected_days"))
    dated = words.model.dated
    return {
        name: {
            "value": row[probability + t],
            "low": row[low + t],
            "high": row[high + t],
            "horizon_days": horizon,
            "curve": [{"days": day, "value": row[position]} for day, position in curve] if dated else [],
            "expected_days": money[days + t] if dated else None,
        }
        for t, name, horizon, curve in words.targets[lead.stage :]
    }


def _rules(lead: ScoredLead) -> dict[str, Any]:
    words, row, exact = lead.words, lead.rounded, lead.exact
    places, rules = words.places, words.model.rules
    begin, odds = places["lines"], places["rules"]
    rule_points = zip(words.rules, row[begin:], exact[begin:], strict=True)
    lines = [{"label": label, "points": points} for label, points, exactly in rule_points if exactly]
    if exact[places["capped"]]:
        lines.append({"label": "cap", "points": row[places["capped"]]})
    chances = {name: row[odds + t] for t, name, _, _ in words.targets[lead.stage :]}
    return {
        "points": row[places["points"]],
        "probability": {name: chance for name, chance in chances.items() if not math.isnan(chance)},
        "lead_stage": rules.lead_stage(exact[places["points"]]),
        "grade": lead.graded("rules_fit", "rules_engagement") if rules.book.grades else None,
        "lines": lines,
    }


def _amount(lead: ScoredLead) -> dict[str, Any] | None:
    value = lead.words.model.value
    if value is None:
        return None
    names = {"value": "amount", "low": "amount_low", "high": "amount_high"}
    return {**{name: lead.worth(number) for name, number in names.items()}, "currency": value.currency}


def _recommendation(lead: ScoredLead) -> dict[str, Any]:
    advice = lead.advice
    profit = None if advice.expected_profit is None else round(advice.expected_profit, 6)
    return {"action": advice.action, "lead_stage": advice.lead_stage, "why": advice.why, "expected_profit": profit}


def _next_steps(lead: ScoredLead) -> list[dict[str, Any]]:
    language, days = lead.words.language, lead.words.model.funnel.horizons[lead.target]
    return [
        {
            "type": step.type,
            "label": type_words(step.type, language),
            "leads": step.leads,
            "progressed": round(step.progressed, 6),
            "others": step.others,
            "others_progressed": round(step.others_progressed, 6),
            "why": step.words(lead.target, days, language),
        }
        for step in lead.steps
    ]


def _explanation(lead: ScoredLead) -> dict[str, Any]:
    total, start, calibration = (lead.exact[lead.words.places[name]] for name in ("total", "start", "calibration"))
    effects = 0.0
    for reason in lead.reasons:  # added one by one: `sum` adds otherwise from Python 3.12 on
        effects += reason.effect
    return {"target": lead.target, "start": start, "rest": total - start - effects, "calibration": calibration}


class Result(BaseModel):
    """The answer for one lead. Only `scored` leads have scores."""

    lead_id: Annotated[str | None, Fill(lambda lead: lead.lead_id)]
    status: Annotated[Literal["scored", "uncertain", "invalid", "closed", "opted_out"], Fill(lambda lead: lead.advice.status)]
    probabilities: Annotated[dict[str, Probability] | None, Fill(_probabilities)] = None
    score: Annotated[int | None, Fill(lambda lead: lead.score)] = Field(
        None, description="1 … 99: percentile of P(final lead stage) among held-out leads"
    )
    grade: Annotated[str | None, Fill(lambda lead: lead.grade)] = Field(None, description="A1 … C3: fit × engagement")
    rules: Annotated[RuleScore | None, Fill(_rules)] = None
    expected_value: Annotated[float | None, Fill(lambda lead: lead.worth("value"))] = Field(
        None, description="P(final lead stage) x amount x lifetime; null without deals"
    )
    expected_value_low: Annotated[float | None, Fill(lambda lead: lead.worth("value_low"))] = Field(
        None, description="low end of its 90 % interval"
    )
    expected_value_high: Annotated[float | None, Fill(lambda lead: lead.worth("value_high"))] = None
    amount: Annotated[Amount | None, Fill(_amount)] = Field(
        None, description="what the first deal brings, should the lead become a customer"
    )
    recommendation: Annotated[Recommendation | None, Fill(_recommendation)] = None
    human_review: Annotated[
        list[Literal["disqualify", "uncertain", "low_confidence"]] | None, Fill(lambda lead: lead.leads.review(lead.index))
    ] = Field(None, description="why a person should look before this takes effect; empty where nothing speaks for it")
    next_steps: Annotated[list[StepLine] | None, Fill(_next_steps)] = Field(
        None, description="what to offer it next; empty for a lead to be handed over"
    )
    reasons: Annotated[list[ReasonLine] | None, Fill(lambda lead: [reason._asdict() for reason in lead.reasons])] = None
    explanation: Annotated[ExplanationFrame | None, Fill(_explanation)] = None
    warnings: Annotated[list[str], Fill(lambda lead: lead.warnings)] = Field(default_factory=list)
    problem: Annotated[Problem | None, Fill(lambda lead: None)] = None


def fillers() -> dict[str, Callable[[ScoredLead], Any]]:
    """Field of `Result` → what fills it.

    Raises
    ------
    TypeError
        for a field that does not say it: it would be described and never answered.
    """
    by_name = {}
    for name, field in Result.model_fields.items():
        fills = [mark.value for mark in field.metadata if isinstance(mark, Fill)]
        if len(fills) != 1:
            raise TypeError(f"The field {name!r} of an answer must say with one Fill(…) what fills it.")
        by_name[name] = fills[0]
    return by_name


FILLERS = tuple(fillers().items())


def render(lead: ScoredLead) -> dict[str, Any]:
    """The fields of `Result` as plain values."""
    return {name: fill(lead) for name, fill in FILLERS}


class ScoreResponse(BaseModel):
    """One result per lead, in the order of the request."""

    model: ModelName
    as_of: datetime
    results: list[Result]
