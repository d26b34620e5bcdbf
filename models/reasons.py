"""Reasons: what moved a lead's log-odds, as rows that add up exactly, from the start to the calibrated probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled
from features.common.words import Language
from models.common.types import Floats, Matrix, logit
from models.kernel import strongest
from models.model import FunnelModel


@dataclass(frozen=True)
class Reason:
    """One reason: what it is about in words, the value seen, its unit, and what it adds to the log-odds."""

    label: str
    value: float | None
    unit: str
    effect: float


@dataclass(frozen=True)
class Explanation:
    """`start + Σ reasons + remainder + calibration` is the log-odds of `probability`, to rounding.

    `start` is the average lead, `remainder` all that is not among the reasons, `calibration` what the calibration moved.
    """

    target: str
    start: float
    reasons: list[Reason]
    remainder: float
    calibration: float


@dataclass(frozen=True)
class Explainer:
    """Feature attribution: sums contributions of columns that tell one story (their group) and names them after the strongest
    of them."""

    model: FunnelModel
    groups: npt.NDArray[np.intp]
    count: int

    @classmethod
    def from_model(cls, model: FunnelModel) -> Explainer:
        return cls(model, model.groups, int(model.groups.max()) + 1)

    def explain(
        self, contributions: Floats, x: Matrix, stage: Sequence[int], conditional: Floats, max_reasons: int, language: Language
    ) -> list[Explanation]:
        """n leads: `contributions` (n, features + 1), rows `x` (n, features), lead-stage positions, P(next lead stage) (n,)."""
        leads = len(contributions)
        speaker, effect = np.empty((leads, max_reasons), np.int64), np.empty((leads, max_reasons))
        total = np.empty(leads)
        _strongest(contributions, self.groups, self.count, speaker, effect, total)
        start, values = contributions[:, -1].tolist(), np.take_along_axis(x, np.maximum(speaker, 0), axis=1).tolist()
        calibration = (logit(conditional) - total).tolist()
        explanations = []
        for i, (speakers, effects, sum_) in enumerate(zip(speaker.tolist(), effect.tolist(), total.tolist(), strict=True)):
            reasons = [
                self._reason(column, value, moved, language)
                for column, value, moved in zip(speakers, values[i], effects, strict=True)
                if column >= 0
            ]
            remainder = sum_ - start[i] - sum(r.effect for r in reasons)
            explanations.append(
                Explanation(self.model.transitions[stage[i]].target, start[i], reasons, remainder, calibration[i])
            )
        return explanations

    def _reason(self, column: int, value: float, effect: float, language: Language) -> Reason:
        described = self.model.described[column]
        return Reason(
            described.label[language], None if math.isnan(value) else round(value, 4), described.unit[language], effect
        )


@compiled
def _strongest(contributions: Any, groups: Any, count: int, speaker: Any, effect: Any, total: Any) -> None:
    """Of many rows; shapes as in `Explainer.explain`, speakers and effects (n, reasons)."""
    effects = np.empty(count)
    for i in range(len(contributions)):
        total[i] = strongest(contributions[i], groups, effects, speaker[i], effect[i])
