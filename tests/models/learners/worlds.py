"""Examples for learners: odd columns, and points that tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.common.clock import DAY
from models.common.types import Examples, sigmoid
from models.learners.linear import STRENGTHS, Linear, linear_paths


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


def turning_away_examples(rows: int = 3_000, seed: int = 0) -> Examples:
    """Counts of turning away in columns 0 and 1 that go along with yes, alone and beside others: what no learner may take up.
    Points in column 5, which go along with no."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 6)).astype(np.float32)
    x[:, 0] = random.poisson(0.5, rows)
    x[:, 1] = x[:, 0] * random.random(rows) + random.poisson(0.2, rows)
    x[:, 2] = x[:, 0] + random.normal(size=rows)
    x[:, 5] = 20 * x[:, 5] - 10 * x[:, 0]
    y = random.random(rows) < sigmoid(-1 + 0.8 * x[:, 0] - 0.7 * x[:, 1] * (x[:, 3] > 0) + x[:, 3] - 0.02 * x[:, 5])
    at = np.arange(rows) * DAY // 10
    signs = np.array([-1, -1, 0, 0, 0, 1], np.int8)
    return Examples(x, y, np.ones(rows), at, np.arange(rows), at, points=5, signs=signs)


def turned_away_once_more(x: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same rows after more acts of turning away, for which points were taken."""
    random = np.random.default_rng(seed)
    more = x.copy()
    more[:, 0] += random.integers(0, 3, len(x))
    more[:, 1] += random.random(len(x)).astype(np.float32) * 3
    more[:, 5] -= random.integers(0, 60, len(x))
    return more


def linear_learner(train: Examples, strength: float) -> Linear:
    """A linear learner of all rows with inverse regularisation `strength`."""
    return linear_path(train, [strength])[0]


def linear_path(train: Examples, strengths: Sequence[float] = STRENGTHS) -> list[Linear]:
    """One per strength, with the rows' own weights."""
    return linear_paths(train, [(train.weight, strengths)])[0]
