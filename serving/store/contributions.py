"""What made a score, exactly and in few bytes: per group of columns its effect, the column that speaks for it, the value seen.

An explanation is float64 numbers, compressed: start, calibration, then of every group its effect, then its value, then its
column, -1 for none. What the columns mean is kept once per model, in words.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.common.words import Language
from models.common.types import Floats, logit
from models.model import FunnelModel
from models.score import Scores

LANGUAGES: tuple[Language, ...] = ("en", "de")


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


def explain(columns: Columns, scores: Scores) -> list[PackedExplanation]:
    """The explanations of n scored leads."""
    contributions, x = scores.contributions, np.asarray(scores.x, np.float64)
    per_column = contributions[:, :-1]
    effects, values, speakers = (np.empty((len(per_column), len(columns.groups))) for _ in range(3))
    for group, members in enumerate(_members(columns.group)):
        part = per_column[:, members]
        effects[:, group] = part.sum(axis=1)
        # the member that moved most in the direction of the whole group speaks for it
        strongest = np.argmax(part * np.sign(effects[:, group : group + 1]), axis=1)
        speakers[:, group] = np.where(effects[:, group] == 0.0, -1, members[strongest])
        values[:, group] = x[np.arange(len(x)), members[strongest]]
    start = contributions[:, -1]
    calibration = logit(scores.next_conditional) - start - effects.sum(axis=1)
    return [
        PackedExplanation(float(start[i]), float(calibration[i]), effects[i], values[i], speakers[i])
        for i in range(len(contributions))
    ]


def _members(group: Sequence[int]) -> list[np.ndarray]:
    codes = np.asarray(group)
    return [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
