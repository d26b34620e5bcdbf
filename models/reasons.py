"""Reasons: what moved a lead's log-odds most, and the one place where a reason, its value and its effect are put into words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.common.words import Language
from models.common.types import Floats, Matrix
from models.model import FunnelModel
from models.packed import Numbers
from models.reason_groups import strongest

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
        return reason_words([subject_words(self.label, self.value, language)], [self.effect], language)[0]


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


def effect_words(effects: Sequence[float], language: Language) -> list[str]:
    """What each reason adds to the log-odds; all at once, since a batch has hundreds of thousands.

    >>> effect_words([0.1251, 2], "en"), effect_words([-1.5], "de")
    (['+0.13', '+2.00'], ['-1,50'])
    """
    return _decimal(" %+.2f" * len(effects) % tuple(effects), language).split()


def reason_words(subjects: Sequence[str], effects: Sequence[float], language: Language) -> list[str]:
    """Whole reasons: what each is about and what was seen (`subject_words`), and what that adds."""
    return [f"{subject} ({effect})" for subject, effect in zip(subjects, effect_words(effects, language), strict=True)]


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
        """Of n leads: their reasons in one line of text each, the strongest first."""
        speaker = numbers.speaker[:, :max_reasons]
        rows, ranks = np.nonzero(speaker >= 0)
        column = speaker[rows, ranks]
        subjects = self._subjects(column, np.asarray(numbers.x[rows, column], np.float32))
        reasons = reason_words(subjects, numbers.effect[rows, ranks].tolist(), self.language)
        ends = np.cumsum(np.bincount(rows, minlength=len(speaker))).tolist()
        return ["; ".join(reasons[begin:end]) for begin, end in pairwise([0, *ends])]

    def _subjects(self, column: npt.NDArray[np.int64], value: npt.NDArray[np.float32]) -> list[str]:
        """What is said of each value (n,) of a column (n,); what one column says of one value is worded once."""
        keys = column << 32 | value.view(np.uint32)
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        words = [
            subject_words(self.labels[position][0], seen_value(number), self.language)
            for position, number in zip(column[first].tolist(), value[first].tolist(), strict=True)
        ]
        return [words[i] for i in inverse.tolist()]
