"""Why a score changed between two moments: exactly, and what is due to the model, the lead and its lead stage kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from features.common.clock import NO_MOMENT
from features.common.words import Language
from features.engine.request import RequestLead
from models.reasons import seen_value
from serving.store.contributions import Columns, PackedExplanation
from serving.store.lead_reads import read
from serving.store.scoring import StoredScorer
from serving.store.tables import models, scores

CAUSES: dict[str, tuple[str, str]] = {
    "model": (
        "Another model answers: version {new} in place of {old}. This is what the same lead, at the same moment, gets from it.",
        "Ein anderes Modell antwortet: Version {new} statt {old}. So bewertet es denselben Lead zum selben Zeitpunkt.",
    ),
    "lead": (
        "What the lead and its colleagues did, what became known of it, and the time that passed.",
        "Was der Lead und seine Kollegen getan haben, was bekannt wurde und die Zeit, die verging.",
    ),
    "lead_stage": (
        "The lead stage is {new} now and was {old}: the question is another one, from another starting point.",
        "Die Stufe ist jetzt {new} und war {old}: Die Frage ist eine andere, von einem anderen Ausgangspunkt.",
    ),
    "together": (
        "Model or lead stage changed, and the model that scored last is not at hand: what is due to which cannot be told.",
        "Modell oder Stufe wechselten, und das zuletzt verwendete Modell liegt nicht vor: Die Anteile sind nicht zu trennen.",
    ),
}


@dataclass(frozen=True)
class Side:
    """A score with what made it. `known_at`: what it could know."""

    as_of: int
    known_at: int
    model: str
    version: str
    lead_stage: str
    chance: float
    next_chance: float
    explained: PackedExplanation
    columns: Columns
    recorded: bool


def recorded(connection: Connection, lead_id: str, moment: int, *, cutoff: int = NO_MOMENT) -> Side | None:
    """The newest score that was recorded as of `moment` or earlier, and as of a moment before `cutoff`."""
    c = scores.c
    query = (
        select(
            c.as_of, c.scored_at, models.c.name, models.c.version, c.lead_stage, c.chance, c.next_chance, c.explanation,
            models.c.columns,
        )
        .join(models, models.c.model_id == c.model_id)
        .where(c.lead_id == lead_id, c.as_of <= moment, c.as_of < cutoff)
        .order_by(c.as_of.desc(), c.score_id.desc())
        .limit(1)
    )  # fmt: skip
    row = connection.execute(query).first()
    if row is None:
        return None
    explanation, columns = PackedExplanation.unpack(row.explanation), Columns.read(row.columns)
    return Side(*row[:7], explanation, columns, True)


@dataclass(frozen=True)
class Rescore:
    """A side that was worked out now, and the lead it was worked out for, with its colleagues."""

    side: Side
    lead: RequestLead
    colleagues: Sequence[RequestLead]


def rescore(
    connection: Connection, stored: StoredScorer, lead_id: str, as_of: int, known_at: int, like: RequestLead | None = None
) -> Rescore | None:
    """The score by the model at hand, from what was known then; None where the lead was not scored then. `like`: in the
    lead stage in which that one is."""
    model = stored.scorer.model
    stored_leads = read(connection, model.funnel, [lead_id], as_of, known_at=known_at)
    person = stored_leads.people.get(lead_id)
    if person is None or (not person.scored and like is None):
        return None
    lead = person.live if like is None else replace(person.live, stage=like.stage, entered=like.entered)
    colleagues = [colleague.live for name, colleague in stored_leads.people.items() if name != lead_id]
    scored, explanations = stored.explained([lead], colleagues, as_of)
    side = Side(
        as_of, known_at, model.name, model.version, model.funnel.stages[lead.stage],
        float(scored.by_target("probability")[0, -1]), float(scored.next_chance[0]), explanations[0], stored.columns, False,
    )  # fmt: skip
    return Rescore(side, lead, colleagues)


def steps(
    connection: Connection, stored: StoredScorer | None, lead_id: str, a: Side, b: Side, max_lines: int, language: Language
) -> list[dict[str, Any]]:
    """From `a` to `b`, one cause after the other; the chances of the steps add up to the whole change."""
    same_model = (a.model, a.version) == (b.model, b.version)
    target = _target(stored, a.lead_stage)
    if same_model and a.lead_stage == b.lead_stage:
        return [_lead(a, b, max_lines, language, target)]
    at_hand = stored is not None and (stored.scorer.model.name, stored.scorer.model.version) == (b.model, b.version)
    start_rescore = rescore(connection, stored, lead_id, a.as_of, a.known_at) if stored and at_hand else None
    if stored is None or start_rescore is None or start_rescore.side.lead_stage != a.lead_stage:
        return [_step("together", a, b, language)]
    causes, start = [], a
    if not same_model:
        causes.append(_step("model", a, start_rescore.side, language))
        start = start_rescore.side
    if a.lead_stage == b.lead_stage:
        return [*causes, _lead(start, b, max_lines, language, target)]
    end_rescore = rescore(connection, stored, lead_id, b.as_of, b.known_at, like=start_rescore.lead)
    if end_rescore is None:
        return [_step("together", a, b, language)]
    return [
        *causes,
        _lead(start, end_rescore.side, max_lines, language, target),
        _step("lead_stage", end_rescore.side, b, language),
    ]


def _step(cause: str, a: Side, b: Side, language: Language) -> dict[str, Any]:
    """A step as a whole. Log-odds are told where both are about the same lead stage."""
    same_stage = a.lead_stage == b.lead_stage
    old, new = (a.version, b.version) if cause == "model" else (a.lead_stage, b.lead_stage)
    return {
        "what": cause,
        "why": CAUSES[cause][language == "de"].format(old=old, new=new),
        "chance_before": a.chance,
        "chance_after": b.chance,
        "target": None,
        "log_odds_before": a.explained.log_odds if same_stage else None,
        "log_odds_after": b.explained.log_odds if same_stage else None,
        "lines": [],
        "rest": b.explained.log_odds - a.explained.log_odds if same_stage else 0.0,
        "start": 0.0,
        "calibration": 0.0,
    }


def _target(stored: StoredScorer | None, lead_stage: str) -> str | None:
    """The lead stage after this one, as far as the model at hand knows it."""
    stages = stored.scorer.model.funnel.stages if stored else ()
    return stages[stages.index(lead_stage) + 1] if lead_stage in stages[:-1] else None


def _lead(a: Side, b: Side, max_lines: int, language: Language, target: str | None) -> dict[str, Any]:
    """A step within one model and one lead stage, line by line."""
    change = b.explained.effects - a.explained.effects
    order = [group for group in np.argsort(-np.abs(change), kind="stable").tolist() if change[group] != 0.0][:max_lines]
    shown_groups = set(order)
    remainder = float(sum(effect for group, effect in enumerate(change.tolist()) if group not in shown_groups))
    return {
        **_step("lead", a, b, language),
        "target": target,
        "lines": [_line(a.explained, b.explained, b.columns, group, language) for group in order],
        "rest": remainder,
        "start": b.explained.start - a.explained.start,
        "calibration": b.explained.calibration - a.explained.calibration,
    }


def _line(a: PackedExplanation, b: PackedExplanation, columns: Columns, group: int, language: Language) -> dict[str, Any]:
    """One group; where another column speaks for it now, the values are about different things and only the new one is told."""
    column = int(b.columns[group]) if b.columns[group] >= 0 else int(a.columns[group])
    return {
        "label": columns.labels[language][column],
        "unit": columns.units[language][column],
        "value_before": seen_value(float(a.values[group])) if int(a.columns[group]) == column else None,
        "value_after": seen_value(float(b.values[group])) if int(b.columns[group]) == column else None,
        "before": float(a.effects[group]),
        "after": float(b.effects[group]),
        "change": float(b.effects[group] - a.effects[group]),
    }
