"""What names and values say of a column: that it holds how a lead stands today, or what somebody made of the lead.

A name is no proof: it is at most a reason to look, and to believe figures sooner.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd

# Words, as parts of a name, of columns that say how a lead stands when the data are extracted, or what somebody wrote of it;
# not "tag", which is a German day, nor "state", which is mostly an address
STATE = frozenset({
    "last", "latest", "recent", "notable", "modified", "updated", "status", "stage", "lifecycle", "pipeline", "tags",
    "closed", "close", "won", "lost", "outcome", "disposition", "resolution", "converted", "conversion", "disqualified",
    "unqualified", "rejected", "churn", "churned", "notes", "comment", "comments", "remark", "remarks",
    "letzte", "letzter", "letztes", "letzten", "zuletzt", "phase", "ergebnis", "geändert", "schlagwort", "schlagworte",
    "bemerkung", "bemerkungen", "kommentar", "notiz", "notizen",
})  # fmt: skip
JUDGEMENT = frozenset({
    "quality", "score", "index", "rating", "grade", "rank", "profile", "priority", "probability", "likelihood", "propensity",
    "temperature", "note", "rang", "profil",
})  # fmt: skip
# German joins words: Leadbewertung, Abschlussgrund
STATE_STEMS = ("abschluss", "abgeschlossen", "verlust", "absage", "ablehnung", "abgelehnt", "gewonnen", "verloren")
JUDGEMENT_STEMS = ("bewertung", "wahrscheinlichkeit", "einstufung", "qualität", "priorität", "punktzahl")
# With one of these beside it, a status, profile or score is the person's or the market's, not the lead's
OF_THE_PERSON = frozenset({
    "marital", "civil", "family", "employment", "occupation", "occupational", "job", "working", "residence", "residential",
    "housing", "education", "educational", "student", "legal", "tax", "vat", "credit", "insurance", "smoking", "health", "name",
    "price", "consumer", "familie", "familien", "beruf", "berufs", "beschäftigung", "wohn", "bildung", "steuer",
    "recht", "rechts",
})  # fmt: skip
# Values of deals and leads that have come to an end
ENDED = frozenset({
    "won", "lost", "closed", "converted", "disqualified", "unqualified", "rejected", "gewonnen", "verloren", "abgeschlossen",
    "abgelehnt", "disqualifiziert",
})  # fmt: skip
MIN_SHARE = 0.1  # of the filled rows; a single campaign called "Lost and found" is none of it
MOST_VALUES = 200  # distinct; a column with more is no list of states


def words(name: str) -> set[str]:
    """The parts of a column's name, in small letters.

    >>> sorted(words("Last Notable_Activity")), sorted(words("leadScore"))
    (['activity', 'last', 'notable'], ['lead', 'score'])
    """
    return set(re.findall(r"[a-zäöüß]+", re.sub(r"([a-zäöüß])([A-ZÄÖÜ])", r"\1 \2", name).lower()))


def telltale(name: str) -> set[str]:
    """The words of a name that say state at extraction or judgement; none where they are said of the person.

    >>> sorted(telltale("Last Notable Activity")), telltale("marital_status"), telltale("Leadbewertung")
    (['last', 'notable'], set(), {'leadbewertung'})
    """
    parts = words(name)
    if parts & OF_THE_PERSON:
        return set()
    stems = STATE_STEMS + JUDGEMENT_STEMS
    return {part for part in parts if part in STATE | JUDGEMENT or part.startswith(stems) or part.endswith(stems)}


def judges(name: str) -> bool:
    """Whether a name is that of a judgement.

    >>> judges("Acme Score"), judges("Kaufwahrscheinlichkeit"), judges("last_score_job"), judges("Last Activity")
    (True, True, False, False)
    """
    return any(p in JUDGEMENT or p.startswith(JUDGEMENT_STEMS) or p.endswith(JUDGEMENT_STEMS) for p in telltale(name))


def ended_values(values: pd.Series, stages: Collection[str]) -> tuple[list[str], float]:
    """Values that are a lead stage or exit of the funnel or hold a word of `ENDED`, and their share of the filled rows."""
    if not (pd.api.types.is_string_dtype(values.dtype) or isinstance(values.dtype, pd.CategoricalDtype)):
        return [], 0.0
    counts = values.dropna().astype("str").value_counts()
    if not len(counts) or len(counts) > MOST_VALUES:
        return [], 0.0
    ends = {stage.casefold() for stage in stages}
    end_values = [value for value in map(str, counts.index) if value.strip().casefold() in ends or words(value) & ENDED]
    share = float(counts[end_values].sum() / counts.sum()) if end_values else 0.0
    return (end_values, share) if share >= MIN_SHARE else ([], 0.0)
