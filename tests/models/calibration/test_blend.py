"""The blend of learners prefers the better one and never turns one round."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration.blend import MIN_WEIGHT_SUM, blend_weights
from models.common.types import sigmoid

EVEN = np.full(3, 1 / 3)


def test_blend_prefers_the_better_learner_and_is_never_negative() -> None:
    random = np.random.default_rng(0)
    good = random.normal(0, 1.5, 5_000)
    y = random.random(5_000) < sigmoid(good)
    weights = blend_weights(np.column_stack((good, random.normal(size=5_000), -good)), np.zeros(5_000), y, np.ones(5_000), EVEN)
    assert weights[0] == pytest.approx(1.0, abs=0.1)
    assert np.all(weights >= 0)
    assert weights[1:] == pytest.approx([0, 0], abs=0.1)


def test_blend_of_noise_keeps_some_order() -> None:
    """A tie between all leads would help nobody."""
    random = np.random.default_rng(0)
    weights = blend_weights(
        -random.normal(0, 1, (2_000, 3)), np.full(2_000, -2.2), random.random(2_000) < 0.1, np.ones(2_000), EVEN
    )
    assert MIN_WEIGHT_SUM - 0.01 <= weights.sum() <= 0.6


def test_few_rows_leave_the_usual_weights_where_they_are() -> None:
    random = np.random.default_rng(0)
    margins = random.normal(0, 1, (20, 2))
    usual = np.array([0.2, 0.8])
    assert blend_weights(margins, np.zeros(20), margins[:, 0] > 0, np.ones(20), usual) == pytest.approx(usual, abs=0.2)


def test_log_odds_are_hardly_ever_blown_up() -> None:
    """Learners held too short on these rows: the best factor here is 2, and a world that moves makes that the worst mistake."""
    random = np.random.default_rng(0)
    truth = random.normal(0, 2, 2_000)
    y = random.random(2_000) < sigmoid(truth)
    halves = np.column_stack((truth / 2, truth / 2))
    assert 1.0 <= blend_weights(halves, np.zeros(2_000), y, np.ones(2_000), np.full(2, 0.5)).sum() <= 1.3
