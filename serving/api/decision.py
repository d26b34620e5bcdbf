"""What somebody is told who asks how a decision about them was made: plain words out of the very numbers of the score.

GDPR, Article 15(1)(h): meaningful information about the logic involved; Article 22: a person may have a decision that
significantly affects them looked at by a person. docs/privacy.md says what is ours in that and what is yours.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from features.common.words import Language, spell
from features.engine.request import RequestLead
from models.reasons import chance_words
from serving.schemas.answer import Result
from serving.schemas.score import Change
from serving.scoring.request import time_of
from serving.scoring.scorer import Scorer
from serving.scoring.what_if import what_if
from serving.store.lead_reads import Person, StoredLeads

MAX_CHANGES = 5  # what would change it

_LOGIC = (
    "A statistical model, learned from what became of earlier leads, estimates how likely this one is to reach the lead "
    "stage {final}. It adds up small effects of what is known of the person's company and role and of what was done "
    "before the moment named; what was done by colleagues of the same company counts too. Points of written rules stand "
    "beside it. The score helps to decide whom to contact."
)
_LOGIK = (
    "Ein statistisches Modell, gelernt aus dem Verlauf früherer Leads, schätzt, wie wahrscheinlich dieser die Stufe "
    "{final} erreicht. Es addiert kleine Beiträge dessen, was über Unternehmen und Rolle der Person bekannt ist, und dessen, "
    "was vor dem genannten Zeitpunkt geschah; auch was Kollegen desselben Unternehmens taten, zählt. Daneben stehen Punkte "
    "nach geschriebenen Regeln. Die Bewertung hilft zu entscheiden, wen man anspricht."
)
_WORDS: dict[str, tuple[str, str]] = {
    "logic": (_LOGIC, _LOGIK),
    "reason": (
        "{text}: makes it {direction} ({effect} percentage points of chance)",
        "{text}: macht es {direction} ({effect} Prozentpunkte Chance)",
    ),
    "up": ("more likely", "wahrscheinlicher"),
    "down": ("less likely", "unwahrscheinlicher"),
    "rule": ("{label}: {points} points", "{label}: {points} Punkte"),
    "change": (
        "{label}: the chance would be {chance} % instead of {now} %, the recommendation {action}",
        "{label}: Die Chance läge bei {chance} % statt {now} %, die Empfehlung wäre {action}",
    ),
    "review": (
        "A person should look at this before anything is decided: {why}.",
        "Ein Mensch sollte dies ansehen, bevor entschieden wird: {why}.",
    ),
    "no_review": (
        "Nothing speaks for a review by a person; one can be asked for at any time.",
        "Nichts spricht für eine Prüfung durch einen Menschen; sie kann jederzeit verlangt werden.",
    ),
    "asked": ("it was asked for", "es wurde verlangt"),
    "disqualify": ("the lead would be given up", "der Lead würde aufgegeben"),
    "uncertain": (
        "the model cannot decide, the written rules did",
        "das Modell kann nicht entscheiden, die geschriebenen Regeln taten es",
    ),
    "low_confidence": ("the estimate is rough", "die Schätzung ist grob"),
    "opted_out": (
        "This person has opted out: no score is made.",
        "Diese Person hat widersprochen: Es wird keine Bewertung erstellt.",
    ),
    "closed": ("This lead is closed: no score is made.", "Dieser Lead ist abgeschlossen: Es wird keine Bewertung erstellt."),
}


def phrase(word: str, language: Language, **fill: str) -> str:
    """A phrase in a language."""
    return _WORDS[word][language == "de"].format(**fill)


def data_used(person: Person, stored_leads: StoredLeads) -> dict[str, Any]:
    """What of a person went into the score."""
    lead = person.live
    times = [act.time for act in lead.interactions]
    return {
        "lead_stage": person.lead_stage,
        "lead_stage_since": time_of(lead.entered),
        "created_at": time_of(lead.created),
        "attributes": dict(lead.attributes),
        "company": {**({"company_id": lead.company_id} if lead.company_id else {}), **lead.company},
        "interactions": dict(sorted(Counter(act.type for act in lead.interactions).items())),
        "first_interaction": time_of(min(times)) if times else None,
        "last_interaction": time_of(max(times)) if times else None,
        "colleagues": len(stored_leads.people) - 1,
    }


def reasons_in_words(result: Result, language: Language) -> list[str]:
    """The reasons of a score, one sentence each."""
    return [
        phrase(
            "reason",
            language,
            text=reason.text,
            direction=phrase("up" if reason.effect > 0 else "down", language),
            effect=chance_words([reason.chance_effect], language)[0],
        )
        for reason in result.reasons or []
    ]


def rules_in_words(result: Result, language: Language) -> list[str]:
    """The lines of the points rules."""
    lines = result.rules.lines if result.rules else []
    return [phrase("rule", language, label=line.label, points=spell(line.points, 1, language)) for line in lines]


def would_change(scorer: Scorer, lead: RequestLead, colleagues: list[RequestLead], as_of: int, language: Language) -> list[str]:
    """What would lead to another recommendation first, then what would raise the chance most."""
    response = what_if(scorer, lead, colleagues, as_of, [], language)
    current_chance = spell(100 * response.chance, 1, language)
    helpful = [change for change in response.changes if change.action != response.action or change.chance_change > 0]

    def order(change: Change) -> tuple[bool, float]:
        return change.action == response.action, -change.chance_change

    return [
        phrase(
            "change",
            language,
            label=change.label,
            chance=spell(100 * change.chance, 1, language),
            now=current_chance,
            action=change.action,
        )
        for change in sorted(helpful, key=order)[:MAX_CHANGES]
    ]


def review_in_words(reasons: list[str], language: Language) -> str:
    """Whether a person should look, and why."""
    if not reasons:
        return phrase("no_review", language)
    return phrase("review", language, why="; ".join(phrase(reason, language) for reason in reasons))
