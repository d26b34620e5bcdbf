"""Memory: weights halve with every half-life and keep their mean; what is kept of outcomes is what their weights add up to."""

from __future__ import annotations

import numpy as np
import pytest

from features.common.clock import DAY
from tests.models.learners.worlds import examples_with_points
from training.fit.memory import half_life, remembered, with_decay


def test_fading_keeps_the_mean_weight() -> None:
    weight = with_decay(examples_with_points(100), 2.0 * DAY).weight
    assert weight.mean() == pytest.approx(1)
    assert weight[-1] / weight[-21] == pytest.approx(2), "two days are twenty rows"


def test_rows_of_one_moment_do_not_fade() -> None:
    some = examples_with_points(100).select(np.zeros(10, np.intp))
    assert half_life(some, 0.25) is None
    assert np.array_equal(with_decay(some, None).weight, some.weight)


@pytest.mark.parametrize("share", [0.25, 0.06])
def test_what_a_memory_keeps_is_the_sum_of_its_weights(share: float) -> None:
    age = np.linspace(0, 1, 10_001)
    assert remembered(1_000, share) == pytest.approx(1_000 * np.exp2(-age / share).mean(), rel=0.1)
    assert remembered(1_000, None) == 1_000
