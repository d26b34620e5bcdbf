"""One transition of the funnel: learners, blend, calibration and interval in one fitted object."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from models.calibration.calibrator import Calibrator
from models.calibration.intervals import Interval
from models.common.level_effects import NO_LEVELS, LevelEffects
from models.common.types import Floats, Log, Matrix
from models.learners.gbm import Gbm
from models.learners.linear import Linear

GBM, STACKED = "gbm", "stacked"  # files of boosters; only models trained before version 0.7 have the second


@dataclass(frozen=True)
class Transition:
    """P(target | the lead stage before it is reached): log-odds of a linear learner and of `boosters`, if any, added up with
    `weights`, the linear learner's first. `constant` is added too: weights that sum to less than one shrink to the base rate.
    Learners see numbers of `levels` in the place of levels.
    """

    target: str
    linear: Linear
    boosters: tuple[Gbm, ...]
    weights: tuple[float, ...]
    constant: float
    calibrator: Calibrator
    interval: Interval
    log: Log = field(default_factory=dict)
    levels: LevelEffects = NO_LEVELS

    @property
    def weighted_boosters(self) -> tuple[tuple[float, Gbm], ...]:
        return tuple(zip(self.weights[1:], self.boosters, strict=True))

    def margin(self, x: Matrix) -> Floats:
        """Log-odds before calibration, (n,)."""
        x = self.levels.apply(x)
        total = self.weights[0] * self.linear.margin(x)
        for weight, gbm in self.weighted_boosters:
            total += weight * gbm.margin(x)
        return total + self.constant

    def probability(self, x: Matrix) -> Floats:
        return self.calibrator.probability(self.margin(x))

    def contributions(self, x: Matrix) -> Floats:
        """(n, features + 1); rows sum to `margin`."""
        x = self.levels.apply(x)
        total = self.weights[0] * self.linear.contributions(x)
        for weight, gbm in self.weighted_boosters:
            total += weight * gbm.contributions(x)
        total[:, -1] += self.constant
        return total

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.linear.save(folder)
        files = (GBM, STACKED)[: len(self.boosters)]
        for name, gbm in zip(files, self.boosters, strict=True):
            gbm.save(folder, name)
        saved = {
            "target": self.target,
            "weights": self.weights,
            "constant": self.constant,
            "boosters": files,
            "calibrator": self.calibrator.to_dict(),
            "interval": self.interval.to_dict(),
            "log": self.log,
            **({"levels": self.levels.to_dict()} if self.levels != NO_LEVELS else {}),
        }
        (folder / "transition.json").write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Transition:
        saved = json.loads((folder / "transition.json").read_text(encoding="utf-8"))
        if "prior" in saved:
            saved |= _from_version_0_6(saved)
        return cls(
            saved["target"],
            Linear.load(folder),
            tuple(Gbm.load(folder, name) for name in saved["boosters"]),
            tuple(saved["weights"]),
            saved["constant"],
            Calibrator.from_dict(saved["calibrator"]),
            Interval.from_dict(saved["interval"]),
            saved["log"],
            LevelEffects.from_dict(saved["levels"]) if "levels" in saved else NO_LEVELS,
        )


def _from_version_0_6(saved: Log) -> Log:
    """What a model folder of before version 0.7 says, in today's words: it had a booster on top of the linear learner, which
    brought the linear log-odds along."""
    linear, gbm, stacked = saved["weights"]
    weights = {GBM: gbm, STACKED: stacked}
    files = [name for name in weights if saved[name]]
    return {
        "boosters": files,
        "weights": [linear + stacked, *(weights[name] for name in files)],
        "constant": (1 - sum(saved["weights"])) * saved["prior"],
    }
