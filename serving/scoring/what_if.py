"""Counterfactuals of a score, limited to what can still happen: an act of the lead or of ours, or nothing for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from features.common.clock import DAY
from features.common.words import Language, type_words
from features.engine.request import Act, LiveLead
from models.decision.recommend import Action, decide
from models.score import Looked, prospects, situations
from serving.schemas.score import Change, WhatIfResponse
from serving.scoring.scorer import Scorer, previous_of

WAITS = (7, 30, 90)  # days in which nothing happens
DIGITS = 6


@dataclass(frozen=True)
class _Seen:
    """One lead in one situation."""

    chance: float
    next: float
    score: int
    points: float
    action: Action
    lead_stage: str
    worth: float | None


def what_if(
    scorer: Scorer, lead: LiveLead, context: Sequence[LiveLead], as_of: int, added: Sequence[str], language: Language
) -> WhatIfResponse:
    """Score one lead as it is, after each interaction it could still have, and after times of silence.

    `added`: interaction types that come one after the other, as one more situation; empty for none. Everything else about the
    lead stays as it is, its lead stage too.
    """
    model = scorer.model
    base = _seen(scorer, lead, context, as_of)
    changes = []
    for name in model.feature_set.types:
        later = _with(scorer, lead, [name], as_of)
        said = type_words(name, language)
        direction = model.next_steps.usual.get(name, (None, None))[0]
        changes.append(_change("interaction", said, [name], 0, direction, base, _seen(scorer, later, context, as_of + 1)))
    changes.sort(key=lambda change: -change.chance)
    for days in WAITS:
        said = f"{days} Tage lang nichts" if language == "de" else f"nothing for {days} days"
        then = _seen(scorer, lead, context, as_of + int(days * DAY))
        changes.append(_change("silence", said, [], days, None, base, then))
    if added:
        later = _with(scorer, lead, added, as_of)
        said = " + ".join(type_words(name, language) for name in added)
        moment = as_of + len(added)
        changes.insert(0, _change("yours", said, list(added), 0, None, base, _seen(scorer, later, context, moment)))
    return WhatIfResponse(
        lead_id=lead.lead_id,
        target=model.funnel.targets[lead.stage],
        final=model.funnel.final,
        chance=base.chance,
        next=base.next,
        score=base.score,
        points=base.points,
        action=base.action,
        changes=changes,
    )


def _with(scorer: Scorer, lead: LiveLead, names: Sequence[str], as_of: int) -> LiveLead:
    """The lead after these interactions, each as it usually is, a microsecond apart from as_of on."""
    usual = scorer.model.next_steps.usual
    acts = [Act(name, as_of + i, *usual.get(name, (None, None))) for i, name in enumerate(names)]
    return replace(lead, acts=[*lead.acts, *acts])


def _seen(scorer: Scorer, lead: LiveLead, context: Sequence[LiveLead], as_of: int) -> _Seen:
    model = scorer.model
    looked: Looked = scorer.looked([lead], as_of, context)
    found = prospects(model, looked)
    (situation,) = situations(model, looked, found, [previous_of(lead, as_of)])
    decision = decide(model.policy, situation)
    return _Seen(
        chance=round(float(found.probability[0, -1]), DIGITS),
        next=round(float(found.probability[0, lead.stage]), DIGITS),
        score=int(model.reference.score(found.probability[:, -1])[0]),
        points=round(float(found.parts.points.points[0]), DIGITS),
        action=decision.action,
        lead_stage=decision.lead_stage,
        worth=round(float(found.expected.value[0]), 2) if found.expected else None,
    )


def _change(kind: str, label: str, types: list[str], days: int, direction: str | None, base: _Seen, seen: _Seen) -> Change:
    return Change(
        kind=kind,
        label=label,
        interactions=types,
        days=days,
        direction=direction,
        chance=seen.chance,
        chance_change=round(seen.chance - base.chance, DIGITS),
        next=seen.next,
        score=seen.score,
        points=seen.points,
        action=seen.action,
        lead_stage=seen.lead_stage,
        expected_value=seen.worth,
    )
