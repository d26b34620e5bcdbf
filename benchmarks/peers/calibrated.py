"""Any peer with our calibrator, to tell how much of a difference is calibration and how much is ranking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.calibration.calibrator import Calibrator, choose_calibrator
from models.calibration.chain import Conditional
from models.common.types import Examples, Floats, Matrix, logit
from training.fit.splits import forward_folds

Fit = Callable[[Examples], Conditional]


@dataclass(frozen=True)
class Calibrated:
    """A fitted peer and what turns its probabilities into ones that come true; fits `models.calibration.chain.Conditional`."""

    raw: Conditional
    calibrator: Calibrator

    def probability(self, x: Matrix) -> Floats:
        return self.calibrator.probability(logit(self.raw.probability(x)))


def learn_calibrator(fit: Fit, examples: Examples) -> Calibrator:
    """The calibrator with the lowest log loss, from what the peer says of later rows of other accounts.

    The folds are those on which the model's own calibrator is chosen, and so are the methods.
    """
    margins, seen = [], []
    for fold in forward_folds(examples):
        margins.append(logit(fit(examples.select(fold.train)).probability(examples.x[fold.validation])))
        seen.append(fold.validation)
    rows = np.concatenate(seen)
    return choose_calibrator(
        np.concatenate(margins),
        examples.y[rows],
        np.ones(len(rows)),
        examples.as_of[rows],
        examples.known_at[rows],
        default=None,  # a peer's probabilities have no claim to be right as they are
    )[0]
