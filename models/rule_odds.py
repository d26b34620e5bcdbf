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
        """Points (n,) → P(target within its horizon) (n, targets); NaN where it is not ahead or was never learned.

        Where only the last step was learned, not the whole way from a lead stage, it is the chance of what comes before times
        that of the last step for these points.
        """
        out = np.full((len(points), targets), np.nan)
        for begin in range(targets):
            rows = np.flatnonzero(stage == begin)
            for target in range(begin, targets) if len(rows) else ():
                whole, step = self.calibrators.get((begin, target)), self.calibrators.get((target, target))
                if whole:
                    out[rows, target] = whole.probability(points[rows] / SCALE)
                elif step and target > begin:
                    out[rows, target] = out[rows, target - 1] * step.probability(points[rows] / SCALE)
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
