"""Peers that take categories as such: each learns what separates, with levels that are missing, rare and new."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.fits import PEERS, fits
from models.common.types import Examples, log_loss

ROWS, SIZES = 600, (40, 3)
NEEDS = {"CatBoost": "catboost", "EBM": "interpret", "FLAML": "flaml"}
ALONE = [name for name in PEERS if name != "blend"]


def examples(rows: int = ROWS, seed: int = 0) -> Examples:
    """The first category decides much, the number a little; a few values are missing."""
    random = np.random.default_rng(seed)
    level, other, number = random.integers(0, 40, rows), random.integers(0, 3, rows), random.normal(size=rows)
    y = random.random(rows) < 1 / (1 + np.exp(-(2.0 * (level % 2) - 1 + 0.5 * number)))
    x = np.column_stack((level, other, number, np.zeros(rows), np.zeros(rows))).astype(float)
    x[::50, 0] = np.nan
    x[::70, 2] = np.nan
    time = np.arange(rows, dtype=np.int64) * 3_600_000_000
    return Examples(x, y, np.ones(rows), time, np.arange(rows), time)


@pytest.mark.parametrize("name", ALONE)
def test_it_beats_the_base_rate_on_later_rows(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason="not installed; `make setup-bench` installs it")
    train, later = examples(), examples(seed=1)
    later.x[::9, 0] = np.nan  # as a level is that was new
    p = fits(SIZES, None, 7, 2.0)[name](train).probability(later.x)
    assert p.shape == (ROWS,)
    assert log_loss(later.y, p) < log_loss(later.y, np.full(ROWS, train.y.mean()))


@pytest.mark.parametrize("name", ALONE)
def test_with_one_outcome_it_is_the_base_rate(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason="not installed; `make setup-bench` installs it")
    train = examples(60)
    train.y[:] = False
    p = fits(SIZES, 3, 7, 2.0)[name](train).probability(train.x)
    assert np.ptp(p) == 0
    assert p[0] < 0.05
