"""Stored leads scored: one row of the list each, with all that the history keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from features.engine.request import RequestLead
from models.decision.review import review_reasons
from models.score import Scores
from serving.scoring.scorer import Scorer
from serving.store.contributions import Columns, PackedExplanation, explain

REASONS = 3  # in the list


@dataclass(frozen=True)
class StoredScorer:
    """A scorer as the store uses it."""

    scorer: Scorer

    @cached_property
    def columns(self) -> Columns:
        return Columns.from_model(self.scorer.model)

    def rows(
        self, leads: Sequence[RequestLead], colleagues: Sequence[RequestLead], as_of: int, review_requests: Sequence[bool]
    ) -> list[dict[str, Any]]:
        """One row of `current_scores` per lead, without model and moments. `review_requests`: whose review somebody asked
        for."""
        if not leads:
            return []
        _, scores = self.scorer.scores(leads, as_of, context=colleagues)
        explanations = explain(self.columns, scores)
        return [self._row(lead, scores, i, explanations[i], review_requests[i], as_of) for i, lead in enumerate(leads)]

    def explained(
        self, leads: Sequence[RequestLead], colleagues: Sequence[RequestLead], as_of: int
    ) -> tuple[Scores, list[PackedExplanation]]:
        """Scores and their explanations."""
        _, scores = self.scorer.scores(leads, as_of, context=colleagues)
        return scores, explain(self.columns, scores)

    def _row(
        self, lead: RequestLead, scores: Scores, i: int, explanation: PackedExplanation, review_requested: bool, as_of: int
    ) -> dict[str, Any]:
        model, advice = self.scorer.model, scores.advice[i]
        chance = float(scores.probability[i, -1])
        worth = round(float(scores.expected.value[i]), 2) if scores.expected else None
        rules = float(scores.rule_probability[i, -1])
        straddles = advice.action == "hold" or advice.uncertain
        review = review_reasons(
            advice.action, advice.uncertain, float(scores.low[i, -1]), float(scores.high[i, -1]), review_requested
        )
        return {
            "lead_id": lead.lead_id,
            "status": "uncertain" if advice.uncertain else "scored",
            "lead_stage": model.funnel.stages[lead.stage],
            "chance": chance,
            "next_chance": float(scores.next_conditional[i]),
            "score": int(scores.score[i]),
            "grade": scores.grade[i],
            "points": round(float(scores.points.points[i]), 6),
            "action": advice.action,
            "recommended_lead_stage": advice.lead_stage,
            "expected_value": worth,
            "explanation": explanation.pack(),
            "tier": 1 if straddles else 0 if advice.action == "hand_over" else 2,
            "gain": chance if worth is None else worth,
            "low": float(scores.low[i, -1]),
            "high": float(scores.high[i, -1]),
            "rules_chance": None if np.isnan(rules) else rules,
            "why": advice.why,
            "reasons": self._reasons(explanation),
            "next_steps": "; ".join(step.type for step in scores.steps[i]),
            "source": _text(lead.attributes.get("source")),
            "country": _text(lead.attributes.get("country")),
            "human_review": ", ".join(review),
        }

    def _reasons(self, explanation: PackedExplanation) -> str:
        labels, reasons = self.columns.labels["en"], []
        for group in np.argsort(-np.abs(explanation.effects), kind="stable")[:REASONS].tolist():
            column = int(explanation.columns[group])
            if column >= 0:
                value = explanation.values[group]
                value_text = "" if np.isnan(value) else f" = {value:g}"
                reasons.append(f"{labels[column]}{value_text} ({explanation.effects[group]:+.2f})")
        return "; ".join(reasons)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
