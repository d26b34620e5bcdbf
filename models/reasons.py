"""Reasons: what moved a lead most, and the one place where a reason and its effect are put into words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from features.common.words import Language
from models.common.types import Floats, Matrix, sigmoid
from models.model import FunnelModel
from models.packed import SPARE_REASONS, Numbers
from models.reason_groups import strongest
from models.subjects import subjects

DIGITS = 4  # of a value, after the point
# from so many percentage points on an effect is told to a tenth, else to a hundredth and a thousandth
TENTHS, HUNDREDTHS = 0.095, 0.0095


class Reason(NamedTuple):
    """One reason. `text`: what was seen of the lead, in words. `label`, `value` (None where it is missing) and `unit` are of
    the column that moved it most of those that tell the same. `effect`: what they add to the log-odds of the next lead stage
    together; `chance_effect`: by how much they move its chance, 0 to 1, which would be so much less without them."""

    label: str
    value: float | None
    unit: str
    effect: float
    text: str
    chance_effect: float

    def words(self, language: Language) -> str:
        """The whole reason, as in a file of scores.

        >>> Reason("trial requests", 2.0, "", 0.126, "2 trial requests, the latest a day ago", 0.0312).words("en")
        '2 trial requests, the latest a day ago (+3.1 %-points)'
        """
        return reason_words([self.text], [self.chance_effect], language)[0]


def seen_value(value: float) -> float | None:
    """The value of a column as a reason shows it: to four digits, None where it is missing."""
    return None if math.isnan(value) else round(value, DIGITS) + 0.0  # + 0.0: never -0


def chance_words(chance_effects: Sequence[float], language: Language) -> list[str]:
    """By how many percentage points each reason moves the chance, without a unit.

    >>> chance_words([0.0912, -0.0007, 0.00004], "en"), chance_words([-0.2], "de")
    (['+9.1', '-0.07', '+0.004'], ['-20,0'])
    """
    words = []
    for chance_effect in chance_effects:
        points = 100 * chance_effect
        size = abs(points)
        words.append(f"{points:+.1f}" if size >= TENTHS else f"{points:+.2f}" if size >= HUNDREDTHS else f"{points:+.3f}")
    return [word.replace(".", ",") for word in words] if language == "de" else words


def reason_words(texts: Sequence[str], chance_effects: Sequence[float], language: Language) -> list[str]:
    """Whole reasons: what was seen, and what that does to the chance of the next lead stage in percentage points."""
    unit = "%-Punkte" if language == "de" else "%-points"
    effects = chance_words(chance_effects, language)
    return [f"{text} ({effect} {unit})" for text, effect in zip(texts, effects, strict=True)]


class ReasonWords:
    """What a model's columns, and the groups of them that tell one story, are called in a language."""

    def __init__(self, model: FunnelModel, language: Language) -> None:
        self.model, self.language = model, language
        self.labels = [(d.label[language], d.unit[language]) for d in model.described]
        self.group = model.groups.tolist()
        self.subjects = subjects(model.feature_set, [d.group for d in model.described], language)

    def reasons(
        self, x: Matrix, speakers: Sequence[int], effects: Sequence[float], chance_effects: Sequence[float], max_reasons: int
    ) -> list[Reason]:
        """Of one lead, so many at the most: `x` (features + 1,) and, for each reason, the column that speaks for it, -1 for
        none, and its effects. What nothing can be said of, since it is missing, is passed over."""
        reasons: list[Reason] = []
        for column, effect, chance_effect in zip(speakers, effects, chance_effects, strict=True):
            if len(reasons) == max_reasons or column < 0:
                break
            text = self.subjects[self.group[column]].text(x)
            if text:
                label, unit = self.labels[column]
                reasons.append(Reason(label, seen_value(float(x[column])), unit, effect, text, chance_effect))
        return reasons

    def strongest(self, x: Matrix, contributions: Floats, max_reasons: int) -> list[Reason]:
        """Of one lead: what moved it most, from its contributions (features + 2,) to the log-odds. Calibration is left out of
        what they do to the chance."""
        groups = self.model.groups
        ranks = min(max_reasons + SPARE_REASONS, int(groups.max()) + 1)
        speaker, effect = np.empty(ranks, np.int64), np.empty(ranks)
        total = strongest(contributions, groups, np.empty(int(groups.max()) + 1), speaker, effect)
        chance_effect = sigmoid(np.array([total])) - sigmoid(total - effect)
        return self.reasons(x, speaker.tolist(), effect.tolist(), chance_effect.tolist(), max_reasons)

    def lines(self, numbers: Numbers, max_reasons: int) -> list[str]:
        """Of n leads: their reasons in one line of text each, the strongest first."""
        rows, ranks = np.nonzero(numbers.speaker >= 0)
        groups = self.model.groups[numbers.speaker[rows, ranks]]
        texts = np.empty(len(rows), object)
        for group in np.unique(groups).tolist():
            of_group = np.flatnonzero(groups == group)
            texts[of_group] = self.subjects[group].texts(numbers.x[rows[of_group]])
        speaking = texts != ""
        rows, ranks, texts = rows[speaking], ranks[speaking], texts[speaking]
        begins = np.searchsorted(rows, np.arange(len(numbers.speaker)))
        listed = np.arange(len(rows)) - begins[rows] < max_reasons
        rows, ranks = rows[listed], ranks[listed]
        reasons = reason_words(texts[listed].tolist(), numbers.chance_effect[rows, ranks].tolist(), self.language)
        ends = np.cumsum(np.bincount(rows, minlength=len(numbers.speaker))).tolist()
        return ["; ".join(reasons[begin:end]) for begin, end in pairwise([0, *ends])]
