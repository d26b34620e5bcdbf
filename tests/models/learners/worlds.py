"""Examples for learners: odd columns, and points that tell."""

from __future__ import annotations

import numpy as np

from features.common.clock import DAY
from models.common.types import Examples, sigmoid


def examples(rows: int = 3_000, seed: int = 0) -> Examples:
    """Signal in columns 0 (linear) and 1 (missing tells), a skewed count, a constant and an all-missing column."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 6)).astype(np.float32)
    x[random.random(rows) < 0.3, 1] = np.nan
    x[:, 2] = random.poisson(3, rows) ** 3
    x[:, 3] = 7.0
    x[:, 4] = np.nan
    truth = 1.5 * x[:, 0] + np.where(np.isnan(x[:, 1]), 1.0, 0.0) - 1
    y = random.random(rows) < sigmoid(truth)
    order = np.arange(rows)
    return Examples(x, y, np.ones(rows), order, order, order)


def examples_with_points(n: int, *, drift: bool = False, rate: float = 0.3) -> Examples:
    """Points tell; of ten other columns the first tells as well. With `drift` the base rate jumps halfway."""
    random = np.random.default_rng(0)
    x = random.normal(size=(n, 11))
    base = np.log(rate / (1 - rate)) + (np.where(np.arange(n) > n // 2, 2.0, 0.0) if drift else 0.0)
    y = random.random(n) < sigmoid(base + 0.8 * x[:, -1] + 0.8 * x[:, 0])
    as_of = np.arange(n) * DAY // 10
    return Examples(x, y, np.ones(n), as_of, np.arange(n), as_of + DAY, points=10)
