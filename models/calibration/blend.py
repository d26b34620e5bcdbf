"""The blend: learners added up in log-odds with weights that are never negative, chosen on out-of-fold predictions."""

from __future__ import annotations

import numpy as np

from models.common.types import Flags, Floats, sigmoid

MIN_WEIGHT_SUM = 0.3  # the weights add up to at least this
PULL = 30.0  # strength, in rows, of the pull towards the usual weights, which add up to one
EXCESS_PULL = (
    1_000.0  # the same of a sum above one: log-odds that are blown up are the most expensive mistake when a world moves
)


def blend_weights(margins: Floats, base: Floats, y: Flags, weight: Floats, prior: Floats) -> Floats:
    """Weights (learners,) ≥ 0 for the log-odds `margins` (n, learners) that minimise log loss; what they lack to 1 stays with
    `base` (n,), the log-odds of the base rate that the learners started from.

    With few rows the weights stay near the usual ones, `prior` (learners,), which sum to 1. Source: stacking with non-negative
    weights (Breiman 1996, doi:10.1007/BF00117832), here on log-odds.
    """
    from scipy.optimize import minimize  # a server never fits

    added = margins - base[:, None]
    scaled = weight / weight.mean()

    def loss(v: Floats) -> tuple[float, Floats]:
        total = base + added @ v
        losses = np.logaddexp(0.0, np.where(y, -total, total))
        pull, excess = v - prior, max(float(v.sum()) - 1.0, 0.0)
        value = float(scaled @ losses + PULL * pull @ pull + EXCESS_PULL * excess**2)
        return value, added.T @ (scaled * (sigmoid(total) - y)) + 2 * PULL * pull + 2 * EXCESS_PULL * excess

    solution = minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=[(0.0, 2.0)] * len(prior))
    weights = np.asarray(solution.x, np.float64)
    if weights.sum() < MIN_WEIGHT_SUM:
        # nothing ranked later rows: keep some of everyone's order, as a tie between all leads helps nobody
        return MIN_WEIGHT_SUM * prior
    return weights
