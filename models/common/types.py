"""The roles: what a learner gets and what a fitted one owes. Every learner is an instance of these."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from models.common.pooled_prior import Pooled

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Signs = npt.NDArray[np.int8]  # of columns: -1 may only lower a chance, 1 may only raise it, 0 either
Log = dict[str, Any]

TINY = 1e-6  # probabilities are kept this far from 0 and 1


@dataclass(frozen=True)
class Examples:
    """Training examples: `x` (n, features), `y` (n,) reached or not, `weight` (n,), and for splits `as_of` and `account` (n,).

    `known_at` (n,) is the moment from which the label could be known: as_of plus the horizons on the way. `points` is the
    column of x that holds the rules' points, if any: the prior of the linear learner. `pooled` is what other businesses say of
    the columns, where there is such a prior. `signs` (features,) bind every learner; None binds none. `levels` (features,): 1
    for columns that say which level a category has, -1 for the same of another target, else 0; None where there are none. No
    learner sees them as they are (`training.fit.level_statistics`).
    """

    x: Matrix
    y: Flags
    weight: Floats
    as_of: npt.NDArray[np.int64]
    account: npt.NDArray[np.int64]
    known_at: npt.NDArray[np.int64]
    points: int | None = None
    pooled: Pooled | None = None
    signs: Signs | None = None
    levels: Signs | None = None

    def __len__(self) -> int:
        return len(self.y)

    def select(self, rows: npt.NDArray[Any]) -> Examples:
        columns = ("x", "y", "weight", "as_of", "account", "known_at")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})


class Fitted(Protocol):
    """A fitted learner: log-odds for rows (n, features), and the contributions that sum to them."""

    log: Log

    def margin(self, x: Matrix) -> Floats:
        """Log-odds (n,)."""
        ...

    def contributions(self, x: Matrix) -> Floats:
        """(n, features + 1): what each column adds to the log-odds; the last is the constant. Rows sum to `margin`."""
        ...

    def save(self, folder: Path) -> None: ...


def clipped(values: Floats, low: float, high: float) -> Floats:
    """As `np.clip`, which takes 4 µs longer a call."""
    return np.minimum(np.maximum(values, low), high)


def sigmoid_formula(margin: Any) -> Any:
    """Log-odds → probability, without overflow; of an array here, of one number in `models.common.log_odds`."""
    return 0.5 * (1.0 + np.tanh(0.5 * margin))


def log_odds_formula(probability: Any) -> Any:
    """Probability strictly between 0 and 1 → log-odds, likewise."""
    return np.log(probability) - np.log1p(-probability)


def sigmoid(margin: npt.ArrayLike) -> Floats:
    """Log-odds → probability, without overflow."""
    return np.asarray(sigmoid_formula(np.asarray(margin, np.float64)), np.float64)


def logit(probability: npt.ArrayLike) -> Floats:
    """Probability → log-odds; 0 and 1 are taken as `TINY` and 1 - `TINY`."""
    return np.asarray(log_odds_formula(clipped(np.asarray(probability, np.float64), TINY, 1 - TINY)), np.float64)


def log_loss(y: npt.NDArray[np.generic], probability: Floats, weight: Floats | None = None) -> float:
    """Weighted mean negative log likelihood, in nats. 0 and 1 are taken as `TINY` and 1 - `TINY`."""
    p = np.clip(probability, TINY, 1 - TINY)
    losses = -np.where(y, np.log(p), np.log1p(-p))
    return float(np.average(losses, weights=weight))


def margin_loss(y: npt.NDArray[np.generic], margin: Floats, weight: Floats) -> float:
    """The same from log-odds, exact for large ones."""
    return float(np.average(np.logaddexp(0.0, np.where(y, -margin, margin)), weights=weight))
