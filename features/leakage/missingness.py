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
class Filled:
    """How often the outcome came where the column is filled, and where it is not; `rows` filled.

    `lift`: log-odds by which filled rows differ from the base rate at the least, above 0 towards a "yes", 0 if they may not.
    `low`: the lower end of the AUC of "is filled", or of "is empty" where that is larger.
    """

    rows: int
    with_value: float
    without: float
    lift: float
    low: float


def filled(there: Flags, y: Flags, account: Ints) -> Filled | None:
    """Is the column filled (n,), outcomes (n,) → how the two hang together; None where all or none are filled."""
    if there.all() or not there.any():
        return None
    area, error = auc(there.astype(np.float64), y, account)
    lift = _lift(float(y[there].mean()), len(np.unique(account[there])), float(y.mean()))
    return Filled(int(there.sum()), float(y[there].mean()), float(y[~there].mean()), lift, max(area, 1 - area) - DOUBT * error)


def _lift(rate: float, rows: int, base: float) -> float:
    """The end of the rate's interval (Wilson 1927) nearer to the base rate, in log-odds beyond it."""
    z = DOUBT
    middle, spread = rate + z * z / (2 * rows), z * np.sqrt(rate * (1 - rate) / rows + z * z / (4 * rows * rows))
    low, high = (middle - spread) / (1 + z * z / rows), (middle + spread) / (1 + z * z / rows)
    nearest = low if low > base else high if high < base else base
    return float(_logit(nearest) - _logit(base))


def _logit(rate: float) -> float:
    inside = float(np.clip(rate, 1e-9, 1 - 1e-9))
    return float(np.log(inside / (1 - inside)))


def filledness(there: Flags, y: Flags, account: Ints, target: str) -> Finding | None:
    """A finding where being filled goes with one outcome alone, or nearly tells it."""
    found = filled(there, y, account)
    if found is None or found.rows < MIN_FILLED or (abs(found.lift) < WARN_LIFT and found.low < BLOCK_AUC):
        return None
    return Finding(
        "block" if abs(found.lift) >= BLOCK_LIFT or found.low >= BLOCK_AUC else "warn",
        f"filled for {found.rows:,} leads, of whom {found.with_value:.0%} became {target}, "
        f"against {found.without:.0%} of the others",
    )
