"""The blend: learners added up in log-odds with weights that are never negative, chosen on out-of-fold predictions."""

from __future__ import annotations

import numpy as np

from models.common.types import Flags, Floats, sigmoid

MIN_WEIGHT_SUM = 0.3  # the weights add up to at least this
PULL = 100.0  # strength, in rows, of the pull towards the usual weights, which add up to one
LINEAR_ONLY_OUTCOMES = 30  # of the rarer outcome: up to so many the linear learner stands alone


def prior_weights(learners: int, rarer: int) -> Floats:
    """What the weights are pulled to: all on the first, linear learner where outcomes are few, equal where they are many."""
    equal = np.full(learners, 1.0 / learners)
    linear_only = np.zeros(learners)
    linear_only[0] = 1.0
    share = min(1.0, LINEAR_ONLY_OUTCOMES / max(rarer, 1))
    return share * linear_only + (1 - share) * equal


def blend_weights(margins: Floats, y: Flags, weight: Floats) -> Floats:
    """Weights (learners,) ≥ 0 for the log-odds `margins` (n, learners) that minimise log loss with a free constant.

    With few rows the weights stay near the usual ones. The constant absorbs how the base rate of these rows differs from that
    of the learners' own; it is not used afterwards. Source: stacking with non-negative weights (Breiman 1996,
    doi:10.1007/BF00117832), here on log-odds.
    """
    from scipy.optimize import minimize  # a server never fits

    count = margins.shape[1]
    prior = prior_weights(count, int(min(y.sum(), (~y).sum())))
    scaled = weight / weight.mean()

    def loss(v: Floats) -> tuple[float, Floats]:
        total = margins @ v[:-1] + v[-1]
        losses = np.logaddexp(0.0, np.where(y, -total, total))
        slope = scaled * (sigmoid(total) - y)
        pull = v[:-1] - prior
        value = float(scaled @ losses + PULL * pull @ pull)
        return value, np.append(margins.T @ slope + 2 * PULL * pull, slope.sum())

    solution = minimize(loss, np.append(prior, 0.0), jac=True, method="L-BFGS-B", bounds=[(0.0, 2.0)] * count + [(None, None)])
    weights = np.asarray(solution.x[:-1], np.float64)
    if weights.sum() < MIN_WEIGHT_SUM:
        # nothing ranked later rows: keep some of everyone's order, as a tie between all leads helps nobody
        return np.full(count, MIN_WEIGHT_SUM / count)
    return weights
