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

LEARNERS = ("linear", "gbm", "recent gbm")


@dataclass(frozen=True)
class Transition:
    """P(target | the lead stage before it is reached). `weights` are those of `LEARNERS`; a booster of weight 0 is left out.

    `gbm` learned from all rows alike, `recent` with more weight on the newest. `constant` are log-odds to be added: weights
    that add up to less than one shrink towards the base rate.
    """

    target: str
    linear: Linear
    gbm: Gbm | None
    recent: Gbm | None
    weights: tuple[float, float, float]
    constant: float
    calibrator: Calibrator
    interval: Interval
    log: Log = field(default_factory=dict)

    def margin(self, x: Matrix) -> Floats:
        """Log-odds before calibration, (n,)."""
        total = self.weights[0] * self.linear.margin(x)
        for weight, gbm in self.boosters:
            total += weight * gbm.margin(x)
        return total + self.constant

    @property
    def boosters(self) -> tuple[tuple[float, Gbm], ...]:
        """The boosters there are, with their weights."""
        pairs = ((self.weights[1], self.gbm), (self.weights[2], self.recent))
        return tuple((weight, gbm) for weight, gbm in pairs if gbm)

    def probability(self, x: Matrix) -> Floats:
        return self.calibrator.probability(self.margin(x))

    def contributions(self, x: Matrix) -> Floats:
        """(n, features + 1); rows sum to `margin`."""
        total = self.weights[0] * self.linear.contributions(x)
        for weight, gbm in self.boosters:
            total += weight * gbm.contributions(x)
        total[:, -1] += self.constant
        return total

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.linear.save(folder)
        if self.gbm:
            self.gbm.save(folder, "gbm")
        if self.recent:
            self.recent.save(folder, "recent")
        saved = {
            "target": self.target,
            "weights": self.weights,
            "constant": self.constant,
            "gbm": self.gbm is not None,
            "recent": self.recent is not None,
            "calibrator": self.calibrator.to_dict(),
            "interval": self.interval.to_dict(),
            "log": self.log,
        }
        (folder / "transition.json").write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Transition:
        saved = json.loads((folder / "transition.json").read_text(encoding="utf-8"))
        linear_weight, gbm_weight, last_weight = saved["weights"]
        last = "recent"
        if (
            "stacked" in saved
        ):  # before version 3 the last booster grew on top of the linear learner and brought its log-odds along
            last = "stacked"
            saved["constant"] = (1 - sum(saved["weights"])) * saved["prior"]
            linear_weight += last_weight
        return cls(
            saved["target"],
            Linear.load(folder),
            Gbm.load(folder, "gbm") if saved["gbm"] else None,
            Gbm.load(folder, last) if saved[last] else None,
            (linear_weight, gbm_weight, last_weight),
            saved["constant"],
            Calibrator.from_dict(saved["calibrator"]),
            Interval.from_dict(saved["interval"]),
            saved["log"],
        )
