"""Filledness: a column that is filled for one outcome only was filled in because of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.leakage.strength import DOUBT, Flags, Ints, auc
from features.leakage.verdict import Finding

MIN_FILLED = 20  # rows
# In log-odds: columns of won deals lie a thousandfold from the base rate, the rarest honest ones (contacted before) sevenfold.
BLOCK_LIFT, WARN_LIFT = np.log(12), np.log(8)
# "is filled" alone: what the interested fill in themselves reaches an AUC of 0.64, columns of won deals 0.79 to 1.
BLOCK_AUC = 0.75


@dataclass(frozen=True)
class FillRates:
    """How often the outcome came where the column is filled, and where it is not; `rows` filled.

    `lift`: log-odds by which filled rows differ from the base rate at the least, above 0 towards a "yes", 0 if they may not.
    `low`: the lower end of the AUC of "is filled", or of "is empty" where that is larger.
    """

    rows: int
    with_value: float
    without_value: float
    lift: float
    low: float


def filled(is_filled: Flags, y: Flags, account: Ints) -> FillRates | None:
    """Is the column filled (n,), outcomes (n,) → how the two hang together; None where all or none are filled."""
    if is_filled.all() or not is_filled.any():
        return None
    area, error = auc(is_filled.astype(np.float64), y, account)
    lift = _lift(float(y[is_filled].mean()), len(np.unique(account[is_filled])), float(y.mean()))
    return FillRates(
        int(is_filled.sum()), float(y[is_filled].mean()), float(y[~is_filled].mean()), lift, max(area, 1 - area) - DOUBT * error
    )


def _lift(rate: float, rows: int, base: float) -> float:
    """The end of the rate's interval (Wilson 1927) nearer to the base rate, in log-odds beyond it."""
    z = DOUBT
    middle, spread = rate + z * z / (2 * rows), z * np.sqrt(rate * (1 - rate) / rows + z * z / (4 * rows * rows))
    low, high = (middle - spread) / (1 + z * z / rows), (middle + spread) / (1 + z * z / rows)
    nearest = low if low > base else high if high < base else base
    return float(_logit(nearest) - _logit(base))


def _logit(rate: float) -> float:
    clipped = float(np.clip(rate, 1e-9, 1 - 1e-9))
    return float(np.log(clipped / (1 - clipped)))


def filledness(is_filled: Flags, y: Flags, account: Ints, target: str) -> Finding | None:
    """A finding where being filled goes with one outcome alone, or nearly tells it."""
    figures = filled(is_filled, y, account)
    if figures is None or figures.rows < MIN_FILLED or (abs(figures.lift) < WARN_LIFT and figures.low < BLOCK_AUC):
        return None
    return Finding(
        "block" if abs(figures.lift) >= BLOCK_LIFT or figures.low >= BLOCK_AUC else "warn",
        f"filled for {figures.rows:,} leads, of whom {figures.with_value:.0%} became {target}, "
        f"against {figures.without_value:.0%} of the others",
    )
