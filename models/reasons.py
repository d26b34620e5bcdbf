"""Reasons: what moved a lead's log-odds, as rows that add up exactly, from the start to the calibrated probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.words import Language
from models.model import FunnelModel
from models.types import Floats, logit


@dataclass(frozen=True)
class Reason:
    """One reason: what it is about in words, the value seen, its unit, and what it adds to the log-odds."""

    label: str
    value: float | None
    unit: str
    effect: float


@dataclass(frozen=True)
class Explanation:
    """`start + Σ reasons + rest + calibration` is the log-odds of `probability`, to rounding.

    `start` is the average lead, `rest` all that is not among the reasons, `calibration` what the calibration moved.
    """

    target: str
    start: float
    reasons: list[Reason]
    rest: float
    calibration: float


@dataclass(frozen=True)
class Explainer:
    """Sums contributions of columns that tell one story (their group) and names them after the strongest of them."""

    model: FunnelModel
    groups: npt.NDArray[np.intp]
    count: int

    @classmethod
    def of(cls, model: FunnelModel) -> Explainer:
        names: dict[str, int] = {}
        groups = [names.setdefault(d.group, len(names)) for d in model.described]
        return cls(model, np.array(groups, np.intp), len(names))

    def explain(
        self, contributions: Floats, x: npt.NDArray[np.floating], stage: int, conditional: float, most: int, language: Language
    ) -> Explanation:
        """One lead: `contributions` (features + 1,), its row `x` (features,), its lead stage and P(next lead stage)."""
        effects = np.bincount(self.groups, weights=contributions[:-1], minlength=self.count)
        order = np.argsort(-np.abs(effects), kind="stable")[:most]
        reasons = [self._reason(int(g), float(effects[g]), contributions, x, language) for g in order if effects[g] != 0.0]
        start, total = float(contributions[-1]), float(contributions.sum())
        rest = total - start - sum(r.effect for r in reasons)
        return Explanation(
            self.model.transitions[stage].target, start, reasons, rest, float(logit(np.array([conditional]))[0]) - total
        )

    def _reason(
        self, group: int, effect: float, contributions: Floats, x: npt.NDArray[np.floating], language: Language
    ) -> Reason:
        members = np.flatnonzero(self.groups == group)
        # the member that moved most in the direction of the whole group speaks for it
        strongest = int(members[np.argmax(contributions[members] * np.sign(effect))])
        described = self.model.described[strongest]
        value: Any = float(x[strongest])
        return Reason(described.label[language], None if np.isnan(value) else round(value, 4), described.unit[language], effect)
