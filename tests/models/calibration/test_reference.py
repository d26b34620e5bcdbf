"""The reference of a model: scores of 1 to 99, and grades."""

from __future__ import annotations

import numpy as np

from models.calibration.reference import Reference


def test_scores_and_grades() -> None:
    p = np.linspace(0, 1, 1001)
    thirds = np.linspace(-1, 1, 1001)
    reference = Reference.learn(p, thirds, thirds, np.zeros(1001, int), 1)
    assert reference.score(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [1, 1, 50, 99, 99]
    zero = np.zeros(3, int)
    assert reference.grade(np.array([-0.9, 0.0, 0.9]), np.array([0.9, 0.0, -0.9]), zero) == ["C1", "B2", "A3"]
