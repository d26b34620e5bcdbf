"""Who is met within a capacity."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.capacity import capture_difference


def test_caught_among_all_is_the_sum_of_the_segments() -> None:
    random = np.random.default_rng(2)
    y, a, b = random.random(400) < 0.3, random.random(400), random.random(400)
    part = random.random(400) < 0.5
    account = np.arange(400)
    whole = capture_difference(y, a, b, 20, account)
    first, second = (capture_difference(y, a, b, 20, account, subset=rows) for rows in (part, ~part))
    customers = [(y & part).sum(), (y & ~part).sum()]
    assert whole.mean * y.sum() == pytest.approx(first.mean * customers[0] + second.mean * customers[1])
    assert whole.low <= whole.mean <= whole.high
