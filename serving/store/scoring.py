"""Stored leads scored: one row of the list each, with all that the history keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from features.engine.request import RequestLead
from models.decision.advice import Advice
from models.decision.review import with_request
from models.scored_lead import ScoredLeads
from serving.scoring.scorer import Scorer
from serving.store.contributions import Columns, PackedExplanation, explain

# columns of a row that are those of the file of scores
AS_SCORED = (
    "status", "lead_stage", "score", "grade", "action", "recommended_lead_stage", "why", "reasons", "next_steps",
)  # fmt: skip


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
        scored, explanations = self.explained(leads, colleagues, as_of)
        final, valued = self.scorer.model.funnel.final, self.scorer.model.value is not None
        columns = {name: np.asarray(values, object).tolist() for name, values in scored.columns().items()}
        chance, worth = columns[f"p_{final}"], [_number(value, 2) for value in columns["expected_value"]]
        row_columns: dict[str, Sequence[Any]] = {
            "lead_id": [lead.lead_id for lead in leads],
            **{name: columns[name] for name in AS_SCORED},
            "chance": chance,
            "next_chance": scored.next_chance.tolist(),
            "points": [_number(points, 6) for points in columns["points"]],
            "expected_value": worth,
            "explanation": explanations,  # packed where one is kept
            "tier": [_tier(advice) for advice in scored.advice],
            "gain": worth if valued else chance,
            "low": columns[f"low_{final}"],
            "high": columns[f"high_{final}"],
            "rules_chance": [_number(rules) for rules in columns[f"rules_{final}"]],
            "source": [_text(lead.attributes.get("source")) for lead in leads],
            "country": [_text(lead.attributes.get("country")) for lead in leads],
            "human_review": [
                ", ".join(with_request(scored.review(i), requested)) for i, requested in enumerate(review_requests)
            ],
        }
        return [dict(zip(row_columns, row, strict=True)) for row in zip(*row_columns.values(), strict=True)]

    def explained(
        self, leads: Sequence[RequestLead], colleagues: Sequence[RequestLead], as_of: int
    ) -> tuple[ScoredLeads, list[PackedExplanation]]:
        """Leads scored, and what made each score."""
        scored = self.scorer.scored(leads, as_of, self.scorer.model.packed.count, context=colleagues)
        return scored, explain(self.columns, scored)


def _tier(advice: Advice) -> int:
    """0 for sure hand-overs, 1 for close calls, 2 for the others: the order of the work list."""
    return 1 if advice.action == "hold" or advice.uncertain else 0 if advice.action == "hand_over" else 2


def _number(value: float, digits: int | None = None) -> float | None:
    """None in place of NaN."""
    return None if math.isnan(value) else value if digits is None else round(value, digits)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
