"""Intervals: they hold the rate about as often as they say, and the probability always."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration.intervals import Interval
from models.common.types import logit, sigmoid

MARGIN = float(logit(0.2))
NONE = np.zeros(0, np.int64)


def test_intervals_hold_the_rate_about_as_often_as_they_say() -> None:
    """Known truth: eight quarters, each off by its own ± 0.4 in log-odds; the 90 % interval at 20 % holds the next one's."""
    random = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        drift = random.normal(0, 0.4, 8)
        block = np.repeat(np.arange(8), 500)
        y = random.random(4_000) < sigmoid(MARGIN + drift[block])
        low, high = Interval.fit(np.full(4_000, MARGIN), y, block, np.arange(4_000)).bounds(np.array([0.2]))
        held += bool(low[0] <= sigmoid(MARGIN + random.normal(0, 0.4)) <= high[0])
    assert 0.85 <= held / 400 <= 0.95


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=10))
def test_the_probability_lies_in_its_interval(values: list[float]) -> None:
    random = np.random.default_rng(0)
    p = random.random(600)
    each = np.arange(600)
    low, high = Interval.fit(logit(p), random.random(600) < p, each, each).bounds(np.array(values))
    assert np.all((low <= values) & (values <= high))


def test_without_rows_the_interval_is_wide() -> None:
    low, high = Interval.fit(np.zeros(0), np.zeros(0, bool), NONE, NONE).bounds(np.array([0.5]))
    assert (low[0], high[0]) == (pytest.approx(0.036, abs=0.01), pytest.approx(0.964, abs=0.01))
