"""Examples of one of many businesses, and what the others say."""

from __future__ import annotations

import numpy as np

from features.common.clock import DAY
from models.common.pooled_prior import Pooled
from models.common.types import Examples, sigmoid

TRUTH = np.array([0.9, -0.6, 0.5, 0.0])


def examples(n: int, seed: int = 0, *, base: float = -1.0, truth: np.ndarray = TRUTH) -> Examples:
    """Four columns of deviation 1 that tell, and points that tell nothing; an account each."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 5))
    y = random.random(n) < sigmoid(base + x[:, :4] @ truth)
    at = np.arange(n) * DAY // 10
    return Examples(x, y, np.ones(n), at, np.arange(n), at + DAY, points=4)


def pooled(toward: np.ndarray, spread: float = 1.0) -> Pooled:
    """All four columns are known elsewhere, on the scale they have; the points are not."""
    some, plain = np.array([True, True, True, True, False]), np.zeros(5, bool)
    zero, one, spreads = np.zeros(5), np.ones(5), np.append(np.full(4, spread), 1.0)
    return Pooled(some, plain, zero, one, zero, np.append(toward, 0.0), spreads, zero, one, -1.0, 0.3)
