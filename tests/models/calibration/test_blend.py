"""The blend of learners prefers the better one and never turns one round."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration.blend import MIN_WEIGHT_SUM, blend_weights
from models.common.types import sigmoid


def test_blend_prefers_the_better_learner_and_is_never_negative() -> None:
    random = np.random.default_rng(0)
    good = random.normal(0, 1.5, 5_000)
    y = random.random(5_000) < sigmoid(good)
    weights = blend_weights(np.column_stack((good, random.normal(size=5_000), -good)), y, np.ones(5_000))
    assert weights[0] == pytest.approx(1.0, abs=0.1)
    assert np.all(weights >= 0)
    assert weights[1:] == pytest.approx([0, 0], abs=0.1)


def test_blend_of_noise_keeps_some_order() -> None:
    """A tie between all leads would help nobody."""
    random = np.random.default_rng(0)
    weights = blend_weights(-random.normal(0, 1, (2_000, 3)), random.random(2_000) < 0.1, np.ones(2_000))
    assert MIN_WEIGHT_SUM - 0.01 <= weights.sum() <= 0.6
