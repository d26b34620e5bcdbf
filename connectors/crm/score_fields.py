"""Which scores go back to a CRM, under which names, and rounded so that noise is no change."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from features.common.errors import ConfigError, nearest

Value: TypeAlias = str | float | int | datetime | None
LONGEST = 255  # characters of a text; every vendor's short text takes so many
LONG = 4_000  # of a long one


@dataclass(frozen=True)
class ScoreField:
    """A field that scores are written to. `digits`: after the point of a number."""

    key: str
    label: str
    kind: Literal["number", "text", "long", "time"]
    description: str
    digits: int = 0


FIELDS = (
    ScoreField("score", "score", "number", "1 to 99: percentile of the chance to become a customer"),
    ScoreField("grade", "grade", "text", "A1 to C3: fit by engagement"),
    ScoreField("lead_stage", "recommended lead stage", "text", "The lead stage that the score recommends"),
    ScoreField("action", "recommended action", "text", "hand_over, nurture, hold, recycle or disqualify"),
    ScoreField("chance", "chance in %", "number", "Calibrated chance to become a customer, in per cent", 1),
    ScoreField("points", "points", "number", "What the rules give"),
    ScoreField("expected_value", "expected value", "number", "What the lead is worth on average, in the currency of the deals"),
    ScoreField("reasons", "reasons", "long", "What moved the score most"),
    ScoreField("why", "why", "long", "Why this action is recommended"),
    ScoreField("scored_at", "scored at", "time", "When these values were computed"),
    ScoreField("model", "model", "text", "Name and version of the model"),
)
STAMPS = ("scored_at", "model")  # that change with every run: by themselves no reason to write


def select_fields(names: Sequence[str] | None) -> tuple[ScoreField, ...]:
    """The fields of these names, all when None; `scored_at` and `model` always come along.

    Raises
    ------
    ConfigError
        for a name that is none of ours.
    """
    fields = {f.key: f for f in FIELDS}
    for name in names or ():
        if name not in fields:
            raise ConfigError(f"write_back: fields: there is no score field {name!r}: {nearest(name, fields)}")
    return FIELDS if names is None else tuple(f for f in FIELDS if f.key in names or f.key in STAMPS)


def values_of(row: Mapping[str, Any], final: str, model: str, scored_at: datetime) -> dict[str, Value]:
    """The values of one lead, from a row as `make score` has it; `final` names the last lead stage."""
    return {
        "score": _number(row.get("score"), 0),
        "grade": _text(row.get("grade")),
        "lead_stage": _text(row.get("recommended_lead_stage")),
        "action": _text(row.get("action")),
        "chance": _number(None if row.get(f"p_{final}") is None else float(row[f"p_{final}"]) * 100, 1),
        "points": _number(row.get("points"), 0),
        "expected_value": _two_digits(row.get("expected_value")),
        "reasons": _text(row.get("reasons"), LONG),
        "why": _text(row.get("why"), LONG),
        "scored_at": scored_at,
        "model": _text(model),
    }


def digest(values: Mapping[str, Value]) -> str:
    """What tells whether there is anything new to write; stamps and the words behind the numbers do not count."""
    content = {k: v for k, v in values.items() if k not in (*STAMPS, "reasons", "why")}
    return hashlib.blake2b(json.dumps(content, sort_keys=True, default=str).encode(), digest_size=12).hexdigest()


def _number(value: Any, digits: int) -> float | None:
    if value is None or not math.isfinite(float(value)):
        return None
    return round(float(value), digits) + 0.0


def _two_digits(value: Any) -> float | None:
    """Two significant digits: an expected value is no more exact, and cents would be written every day."""
    number = _number(value, 6)
    return number if not number else round(number, 1 - math.floor(math.log10(abs(number)))) + 0.0


def plain_number(value: float) -> str:
    """A rounded number without a needless point.

    >>> plain_number(87.0), plain_number(12.3), plain_number(1200000.0)
    ('87', '12.3', '1200000')
    """
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _text(value: Any, max_length: int = LONGEST) -> str | None:
    if value is None or isinstance(value, float):  # an empty cell of a frame is NaN
        return None
    text = " ".join(str(value).split())
    return text if len(text) <= max_length else text[: max_length - 1] + "…"
