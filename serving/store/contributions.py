"""What made a score, exactly and in few bytes: per group of columns its effect, the column that speaks for it, the value seen.

An explanation is float64 numbers, compressed: start, calibration, then of every group its effect, then its value, then its
column, -1 for none. What the columns mean is kept once per model, in words.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.common.words import LANGUAGES, Language
from models.common.types import Floats, logit
from models.model import FunnelModel
from models.scored_lead import ScoredLeads


@dataclass(frozen=True)
class Columns:
    """What the columns of a model mean: label and unit of each by language, and its group; `groups` in order."""

    labels: dict[Language, list[str]]
    units: dict[Language, list[str]]
    group: list[int]
    groups: list[str]

    @classmethod
    def from_model(cls, model: FunnelModel) -> Columns:
        groups = list(dict.fromkeys(d.group for d in model.described))
        return cls(
            {language: [d.label[language] for d in model.described] for language in LANGUAGES},
            {language: [d.unit[language] for d in model.described] for language in LANGUAGES},
            [groups.index(d.group) for d in model.described],
            groups,
        )

    def text(self) -> str:
        return json.dumps(self.__dict__, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Columns:
        return _columns(text)


@lru_cache(maxsize=8)
def _columns(text: str) -> Columns:
    return Columns(**json.loads(text))


@dataclass(frozen=True)
class PackedExplanation:
    """start + Σ effects + calibration is the log-odds of the next lead stage. Arrays (groups,)."""

    start: float
    calibration: float
    effects: Floats
    values: Floats
    columns: Floats

    @property
    def log_odds(self) -> float:
        return float(self.start + self.effects.sum() + self.calibration)

    def pack(self) -> bytes:
        numbers = np.concatenate([[self.start, self.calibration], self.effects, self.values, self.columns]).astype("<f8")
        return zlib.compress(numbers.tobytes(), 1)

    @classmethod
    def unpack(cls, packed: bytes) -> PackedExplanation:
        numbers = np.frombuffer(zlib.decompress(packed), "<f8")
        effects, values, columns = numbers[2:].reshape(3, -1)
        return cls(float(numbers[0]), float(numbers[1]), effects, values, columns)


def explain(columns: Columns, scored: ScoredLeads) -> list[PackedExplanation]:
    """The explanations of n leads, scored with as many reasons as there are groups."""
    numbers, group = scored.numbers, np.asarray(columns.group)
    effects, speakers = np.zeros(numbers.speaker.shape), np.full(numbers.speaker.shape, -1.0)
    x = np.asarray(numbers.x, np.float64)
    values = x[:, np.unique(group, return_index=True)[1]]  # of a group that moved nothing, its first column's
    rows, ranks = np.nonzero(numbers.speaker >= 0)
    column = numbers.speaker[rows, ranks]
    effects[rows, group[column]] = numbers.effect[rows, ranks]
    speakers[rows, group[column]] = column
    values[rows, group[column]] = x[rows, column]
    start = scored.number("start")
    calibration = logit(scored.next_chance) - start - effects.sum(axis=1)
    return [
        PackedExplanation(float(start[i]), float(calibration[i]), effects[i], values[i], speakers[i])
        for i in range(len(scored))
    ]
