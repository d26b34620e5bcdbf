"""Reasons: what moved a lead's log-odds most, and the one place where a reason, its value and its effect are put into words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from features.common.words import Language
from models.common.types import Floats, Matrix
from models.kernel import strongest
from models.model import FunnelModel
from models.packed import Numbers

DIGITS = 4  # of a value, after the point
EXPONENT_FROM = 999_999.5  # Python's six significant digits would be written with an exponent


class Reason(NamedTuple):
    """One reason: what it is about in words, the value seen (None where it is missing), its unit, and what it adds to the
    log-odds of the next lead stage."""

    label: str
    value: float | None
    unit: str
    effect: float

    def subject(self, language: Language) -> str:
        """What it is about, and what was seen, with its unit.

        >>> Reason("employees", 1250.0, "people", 0.5).subject("de")
        'employees = 1250 people'
        """
        return f"{subject_words(self.label, self.value, language)} {self.unit if self.value is not None else ''}".rstrip()

    def words(self, language: Language) -> str:
        """The whole reason, as in a file of scores.

        >>> Reason("trial requests", 2.0, "", 0.126).words("en")
        'trial requests = 2 (+0.13)'
        """
        return reason_words(subject_words(self.label, self.value, language), self.effect, language)


def seen_value(value: float) -> float | None:
    """The value of a column as a reason shows it: to four digits, None where it is missing."""
    return None if math.isnan(value) else round(value, DIGITS) + 0.0  # + 0.0: never -0


def subject_words(label: str, value: float | None, language: Language) -> str:
    """What a reason is about, and the value of `seen_value`: six significant digits at most, no exponent.

    >>> subject_words("forms submitted", seen_value(8.12517), "de"), subject_words("revenue", 2500000.0, "en")
    ('forms submitted = 8,1252', 'revenue = 2500000')
    """
    if value is None:
        return label
    text = f"{value:g}" if abs(value) < EXPONENT_FROM else f"{value:.0f}"
    return f"{label} = {_decimal(text, language)}"


def effect_words(effect: float, language: Language) -> str:
    """What a reason adds to the log-odds.

    >>> effect_words(0.1251, "en"), effect_words(-1.5, "de")
    ('+0.13', '-1,50')
    """
    return _decimal(f"{effect:+.2f}", language)


def reason_words(subject: str, effect: float, language: Language) -> str:
    """A reason: what it is about and what was seen (`subject_words`), and what that adds."""
    return f"{subject} ({effect_words(effect, language)})"


def _decimal(text: str, language: Language) -> str:
    return text.replace(".", ",") if language == "de" else text


class ReasonWords:
    """What the columns of a model are called in a language."""

    def __init__(self, model: FunnelModel, language: Language) -> None:
        self.model, self.language = model, language
        self.labels = [(d.label[language], d.unit[language]) for d in model.described]

    def reasons(self, x: Matrix, speakers: Sequence[int], effects: Sequence[float]) -> list[Reason]:
        """Of one lead: `x` (features + 1,) and, for each reason, the column that speaks for it, -1 for none, and its effect."""
        reasons = []
        for column, effect in zip(speakers, effects, strict=True):
            if column >= 0:
                label, unit = self.labels[column]
                reasons.append(Reason(label, seen_value(float(x[column])), unit, effect))
        return reasons

    def strongest(self, x: Matrix, contributions: Floats, max_reasons: int) -> list[Reason]:
        """Of one lead: what moved it most, from its contributions (features + 2,) to the log-odds."""
        groups = self.model.groups
        speaker, effect = np.empty(max_reasons, np.int64), np.empty(max_reasons)
        strongest(contributions, groups, np.empty(int(groups.max()) + 1), speaker, effect)
        return self.reasons(x, speaker.tolist(), effect.tolist())

    def lines(self, numbers: Numbers, max_reasons: int) -> list[str]:
        """Of n leads: their reasons in one line of text each, the strongest first; what a column says of a value is worded
        once."""
        speaker = numbers.speaker[:, :max_reasons]
        values = np.take_along_axis(numbers.x, np.maximum(speaker, 0), axis=1)
        subjects: dict[tuple[int, float | None], str] = {}
        lines = []
        for row in zip(speaker.tolist(), values.tolist(), numbers.effect[:, :max_reasons].tolist(), strict=True):
            words = []
            for column, value, effect in zip(*row, strict=True):
                if column < 0:
                    continue
                key = column, None if value != value else value  # noqa: PLR0124  NaN is not found again
                subject = subjects.get(key)
                if subject is None:
                    subject = subjects[key] = subject_words(self.labels[column][0], seen_value(value), self.language)
                words.append(reason_words(subject, effect, self.language))
            lines.append("; ".join(words))
        return lines
