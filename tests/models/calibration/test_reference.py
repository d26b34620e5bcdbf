"""The reference of a model: what scores of 1 to 99 and grades are read off, learned from held-out leads."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration.reference import Reference
from tests.models import oracles


def test_scores_and_grades() -> None:
    p = np.linspace(0, 1, 1001)
    thirds = np.linspace(-1, 1, 1001)
    reference = Reference.learn(p, thirds, thirds, np.zeros(1001, int), 1)
    scores = [oracles.score(reference.percentiles, final) for final in (-1.0, 0.0, 0.5, 1.0, 2.0)]
    assert scores == [1, 1, 50, 99, 99]
    edges = reference.fit[0].tolist(), reference.engagement[0].tolist()
    grades = [oracles.grade(fit, engagement, *edges) for fit, engagement in ((-0.9, 0.9), (0.0, 0.0), (0.9, -0.9))]
    assert grades == ["C1", "B2", "A3"]


def test_without_leads_scores_are_percent_and_grades_by_the_sign() -> None:
    """A lead stage nobody was in when the model was judged."""
    reference = Reference.learn(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, int), 2)
    assert reference.percentiles == pytest.approx(np.arange(1, 100) / 100)
    assert not reference.fit.any()
    assert reference.engagement.shape == (2, 2)
