"""Counterfactuals of a score, limited to what can still happen: an act of the lead or of ours, or nothing for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from features.common.clock import DAY
from features.common.words import Language, type_words
from features.engine.request import Interaction, RequestLead
from models.scored_lead import ScoredLead
from serving.schemas.score import Change, WhatIfResponse
from serving.scoring.scorer import Scorer

WAITS = (7, 30, 90)  # days in which nothing happens
UNDATED = "Learned from data without dates, the model sees a lead as it came: neither what it does nor time moves its chance."


def what_if(
    scorer: Scorer, lead: RequestLead, context: Sequence[RequestLead], as_of: int, added: Sequence[str], language: Language
) -> WhatIfResponse:
    """Score one lead as it is, after each interaction it could still have, and after times of silence.

    `added`: interaction types that come one after the other, as one more situation; empty for none. Everything else about the
    lead stays as it is, its lead stage too. A model without dates gives every situation the same chance, and a warning.
    """
    model = scorer.model
    base = _evaluate(scorer, lead, context, as_of)
    changes = []
    for name in model.feature_set.types:
        changed_lead = _add_interactions(scorer, lead, [name], as_of)
        label = type_words(name, language)
        direction = model.next_steps.type_defaults.get(name, (None, None))[0]
        changes.append(
            _change("interaction", label, [name], 0, direction, base, _evaluate(scorer, changed_lead, context, as_of))
        )
    changes.sort(key=lambda change: -change.chance)
    for days in WAITS:
        label = f"{days} Tage lang nichts" if language == "de" else f"nothing for {days} days"
        after_silence = _evaluate(scorer, lead, context, as_of + int(days * DAY))
        changes.append(_change("silence", label, [], days, None, base, after_silence))
    if added:
        changed_lead = _add_interactions(scorer, lead, added, as_of)
        label = " + ".join(type_words(name, language) for name in added)
        situation = _evaluate(scorer, changed_lead, context, as_of)
        changes.insert(0, _change("yours", label, list(added), 0, None, base, situation))
    return WhatIfResponse(
        lead_id=lead.lead_id,
        target=model.funnel.targets[lead.stage],
        final=model.funnel.final,
        chance=base.chance,
        next=base.next_chance,
        score=base.score,
        points=base.number("points"),
        action=base.advice.action,
        changes=changes,
        warnings=[] if model.dated else [UNDATED],
    )


def _add_interactions(scorer: Scorer, lead: RequestLead, names: Sequence[str], as_of: int) -> RequestLead:
    """The lead just after these interactions, each as it usually is, a microsecond apart: as_of stays what it is, since time
    alone changes a chance, too."""
    typical = scorer.model.next_steps.type_defaults
    acts = [Interaction(name, as_of - len(names) + i, *typical.get(name, (None, None))) for i, name in enumerate(names)]
    return replace(lead, interactions=[*lead.interactions, *acts])


def _evaluate(scorer: Scorer, lead: RequestLead, context: Sequence[RequestLead], as_of: int) -> ScoredLead:
    """The lead in one situation."""
    return next(scorer.scored([lead], as_of, context=context).each([lead.lead_id]))


def _change(
    kind: str, label: str, types: list[str], days: int, direction: str | None, base: ScoredLead, situation: ScoredLead
) -> Change:
    return Change(
        kind=kind,
        label=label,
        interactions=types,
        days=days,
        direction=direction,
        chance=situation.chance,
        chance_change=round(situation.chance - base.chance, 6),
        next=situation.next_chance,
        score=situation.score,
        points=situation.number("points"),
        action=situation.advice.action,
        lead_stage=situation.advice.lead_stage,
        expected_value=situation.worth("value"),
    )
