"""One transition of the funnel: learners, blend, calibration and interval in one fitted object."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from models.calibration.calibrator import Calibrator
from models.calibration.intervals import Interval
from models.common.types import Floats, Log, Matrix
from models.learners.gbm import Gbm
from models.learners.linear import Linear

LEARNERS = ("linear", "gbm", "gbm on linear")


@dataclass(frozen=True)
class Transition:
    """P(target | the lead stage before it is reached). `weights` are those of `LEARNERS`; a booster of weight 0 is left out.

    `prior` are the log-odds of the base rate in training; weights that add up to less than one shrink towards them.
    """

    target: str
    linear: Linear
    gbm: Gbm | None
    stacked: Gbm | None
    weights: tuple[float, float, float]
    prior: float
    calibrator: Calibrator
    interval: Interval
    log: Log = field(default_factory=dict)

    def margin(self, x: Matrix) -> Floats:
        """Log-odds before calibration, (n,)."""
        total = (self.weights[0] + self.weights[2]) * self.linear.margin(x)
        if self.gbm:
            total += self.weights[1] * self.gbm.margin(x)
        if self.stacked:
            total += self.weights[2] * self.stacked.margin(x)
        return total + self.constant

    @property
    def constant(self) -> float:
        return (1 - sum(self.weights)) * self.prior

    def probability(self, x: Matrix) -> Floats:
        return self.calibrator.probability(self.margin(x))

    def contributions(self, x: Matrix) -> Floats:
        """(n, features + 1); rows sum to `margin`."""
        total = (self.weights[0] + self.weights[2]) * self.linear.contributions(x)
        if self.gbm:
            total += self.weights[1] * self.gbm.contributions(x)
        if self.stacked:
            total += self.weights[2] * self.stacked.contributions(x)
        total[:, -1] += self.constant
        return total

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.linear.save(folder)
        if self.gbm:
            self.gbm.save(folder, "gbm")
        if self.stacked:
            self.stacked.save(folder, "stacked")
        saved = {
            "target": self.target,
            "weights": self.weights,
            "prior": self.prior,
            "gbm": self.gbm is not None,
            "stacked": self.stacked is not None,
            "calibrator": self.calibrator.to_dict(),
            "interval": self.interval.to_dict(),
            "log": self.log,
        }
        (folder / "transition.json").write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Transition:
        saved = json.loads((folder / "transition.json").read_text(encoding="utf-8"))
        linear_weight, gbm_weight, stacked_weight = saved["weights"]
        return cls(
            saved["target"],
            Linear.load(folder),
            Gbm.load(folder, "gbm") if saved["gbm"] else None,
            Gbm.load(folder, "stacked") if saved["stacked"] else None,
            (linear_weight, gbm_weight, stacked_weight),
            saved["prior"],
            Calibrator.from_dict(saved["calibrator"]),
            Interval.from_dict(saved["interval"]),
            saved["log"],
        )
