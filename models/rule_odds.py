"""Points as probabilities: the rules' points calibrated on history, so that rules and model can be compared fairly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from models.calibration import Calibrator
from models.types import Floats

SCALE = 25.0  # points per unit of log-odds before calibration: a matter of numbers' size only


@dataclass(frozen=True)
class RuleOdds:
    """A calibrator per (lead-stage position, target position)."""

    calibrators: Mapping[tuple[int, int], Calibrator] = field(default_factory=dict)

    def probabilities(self, points: Floats, stage: npt.NDArray[np.integer], targets: int) -> Floats:
        """Points (n,) → P(target within its horizon) (n, targets); NaN where it is not ahead or was never learned."""
        out = np.full((len(points), targets), np.nan)
        for (begin, target), calibrator in self.calibrators.items():
            rows = np.flatnonzero(stage == begin)
            if len(rows):
                out[rows, target] = calibrator.probability(points[rows] / SCALE)
        return np.minimum.accumulate(np.where(np.isnan(out), 1.0, out), axis=1) * np.where(np.isnan(out), np.nan, 1.0)

    def to_dict(self) -> dict[str, Any]:
        return {f"{begin}-{target}": c.to_dict() for (begin, target), c in self.calibrators.items()}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> RuleOdds:
        found = {}
        for key, calibrator in saved.items():
            begin, target = key.split("-")
            found[int(begin), int(target)] = Calibrator.from_dict(calibrator)
        return cls(found)
