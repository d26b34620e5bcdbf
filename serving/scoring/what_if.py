"""Counterfactuals of a score, limited to what can still happen: an act of the lead or of ours, or nothing for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from features.common.clock import DAY
from features.common.words import Language, type_words
from features.engine.request import Interaction, RequestLead
from models.decision.recommend import Action, decide
from models.score import ScoringInput, predict, situations
from serving.schemas.score import Change, WhatIfResponse
from serving.scoring.scorer import Scorer, previous_recommendation

WAITS = (7, 30, 90)  # days in which nothing happens
DIGITS = 6


@dataclass(frozen=True)
class _LeadSituation:
    """One lead in one situation."""

    chance: float
    next_chance: float
    score: int
    points: float
    action: Action
    lead_stage: str
    worth: float | None


def what_if(
    scorer: Scorer, lead: RequestLead, context: Sequence[RequestLead], as_of: int, added: Sequence[str], language: Language
) -> WhatIfResponse:
    """Score one lead as it is, after each interaction it could still have, and after times of silence.

    `added`: interaction types that come one after the other, as one more situation; empty for none. Everything else about the
    lead stays as it is, its lead stage too.
    """
    model = scorer.model
    base = _evaluate(scorer, lead, context, as_of)
    changes = []
    for name in model.feature_set.types:
        changed_lead = _add_interactions(scorer, lead, [name], as_of)
        label = type_words(name, language)
        direction = model.next_steps.type_defaults.get(name, (None, None))[0]
        changes.append(
            _change("interaction", label, [name], 0, direction, base, _evaluate(scorer, changed_lead, context, as_of + 1))
        )
    changes.sort(key=lambda change: -change.chance)
    for days in WAITS:
        label = f"{days} Tage lang nichts" if language == "de" else f"nothing for {days} days"
        after_silence = _evaluate(scorer, lead, context, as_of + int(days * DAY))
        changes.append(_change("silence", label, [], days, None, base, after_silence))
    if added:
        changed_lead = _add_interactions(scorer, lead, added, as_of)
        label = " + ".join(type_words(name, language) for name in added)
        moment = as_of + len(added)
        changes.insert(0, _change("yours", label, list(added), 0, None, base, _evaluate(scorer, changed_lead, context, moment)))
    return WhatIfResponse(
        lead_id=lead.lead_id,
        target=model.funnel.targets[lead.stage],
        final=model.funnel.final,
        chance=base.chance,
        next=base.next_chance,
        score=base.score,
        points=base.points,
        action=base.action,
        changes=changes,
    )


def _add_interactions(scorer: Scorer, lead: RequestLead, names: Sequence[str], as_of: int) -> RequestLead:
    """The lead after these interactions, each as it usually is, a microsecond apart from as_of on."""
    typical = scorer.model.next_steps.type_defaults
    acts = [Interaction(name, as_of + i, *typical.get(name, (None, None))) for i, name in enumerate(names)]
    return replace(lead, interactions=[*lead.interactions, *acts])


def _evaluate(scorer: Scorer, lead: RequestLead, context: Sequence[RequestLead], as_of: int) -> _LeadSituation:
    model = scorer.model
    scoring_input: ScoringInput = scorer.scoring_input([lead], as_of, context)
    prediction = predict(model, scoring_input)
    (situation,) = situations(model, scoring_input, prediction, [previous_recommendation(lead, as_of)])
    decision = decide(model.policy, situation)
    return _LeadSituation(
        chance=round(float(prediction.probability[0, -1]), DIGITS),
        next_chance=round(float(prediction.probability[0, lead.stage]), DIGITS),
        score=int(model.reference.score(prediction.probability[:, -1])[0]),
        points=round(float(prediction.inputs.points.points[0]), DIGITS),
        action=decision.action,
        lead_stage=decision.lead_stage,
        worth=round(float(prediction.expected.value[0]), 2) if prediction.expected else None,
    )


def _change(
    kind: str, label: str, types: list[str], days: int, direction: str | None, base: _LeadSituation, situation: _LeadSituation
) -> Change:
    return Change(
        kind=kind,
        label=label,
        interactions=types,
        days=days,
        direction=direction,
        chance=situation.chance,
        chance_change=round(situation.chance - base.chance, DIGITS),
        next=situation.next_chance,
        score=situation.score,
        points=situation.points,
        action=situation.action,
        lead_stage=situation.lead_stage,
        expected_value=situation.worth,
    )
