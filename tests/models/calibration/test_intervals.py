"""Intervals: they hold the rate about as often as they say, and the probability always."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration.intervals import Interval, chain_intervals
from models.common.types import logit, sigmoid
from tests.models import oracles

MARGIN = float(logit(0.2))
NONE = np.zeros(0, np.int64)


def bounds(interval: Interval, p: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Of one step alone."""
    column = np.array(p)[:, None]
    low, high = chain_intervals([interval], column, column)
    return low[:, 0], high[:, 0]


def test_intervals_hold_the_rate_about_as_often_as_they_say() -> None:
    """Known truth: eight quarters, each off by its own ± 0.4 in log-odds; the 90 % interval at 20 % holds the next one's."""
    random = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        drift = random.normal(0, 0.4, 8)
        block = np.repeat(np.arange(8), 500)
        y = random.random(4_000) < sigmoid(MARGIN + drift[block])
        low, high = bounds(Interval.fit(np.full(4_000, MARGIN), y, block, np.arange(4_000)), [0.2])
        held += bool(low[0] <= sigmoid(MARGIN + random.normal(0, 0.4)) <= high[0])
    assert 0.85 <= held / 400 <= 0.95


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=10))
def test_the_probability_lies_in_its_interval(values: list[float]) -> None:
    random = np.random.default_rng(0)
    p = random.random(600)
    each = np.arange(600)
    low, high = bounds(Interval.fit(logit(p), random.random(600) < p, each, each), values)
    assert np.all((low <= np.array(values) * (1 + 1e-12)) & (np.array(values) * (1 - 1e-12) <= high))


def test_without_rows_the_interval_is_wide() -> None:
    low, high = bounds(Interval.fit(np.zeros(0), np.zeros(0, bool), NONE, NONE), [0.5])
    assert (low[0], high[0]) == (pytest.approx(0.036, abs=0.01), pytest.approx(0.964, abs=0.01))


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_they_are_the_naive_ones(steps: list[float], seed: int) -> None:
    """Of a product of steps, each with a band of its own, from one centre on."""
    random = np.random.default_rng(seed)
    bands = [
        Interval(tuple(np.sort(random.normal(-1, 2, n)).tolist()), tuple(random.uniform(0.05, 2, n).tolist()))
        for n in random.integers(1, 5, len(steps)).tolist()
    ]
    conditional = np.array([steps])
    low, high = chain_intervals(bands, conditional, np.cumprod(conditional, axis=1))
    for k in range(len(steps)):
        assert (low[0, k], high[0, k]) == pytest.approx(oracles.chain_bounds(bands[: k + 1], steps[: k + 1]), rel=1e-7)
