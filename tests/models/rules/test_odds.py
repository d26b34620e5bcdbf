"""What points make likely, by lead stage."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration.calibrator import Calibrator
from models.rules.odds import SCALE, RuleOdds


def test_points_become_probabilities_per_lead_stage() -> None:
    odds = RuleOdds({(0, 0): Calibrator("platt", 1.0, shift=0.0), (0, 1): Calibrator("platt", 1.0, shift=9.0)})
    found = RuleOdds.from_dict(odds.to_dict()).probabilities(np.array([0.0, SCALE]), np.array([0, 1]), 2)
    assert found[0].tolist() == [0.5, 0.5], "the later lead stage is held down to the earlier one"
    assert np.isnan(found[1]).all(), "nothing was learned for this lead stage"


def test_a_way_never_learned_whole_is_the_product_of_its_steps() -> None:
    """From a lead stage of which no landmark has matured; what has no step stays unknown."""
    half, certain = Calibrator("platt", 1.0, shift=0.0), Calibrator("platt", 1.0, shift=9.0)
    found = RuleOdds({(0, 0): half, (1, 1): half, (0, 2): certain}).probabilities(np.zeros(2), np.array([0, 1]), 3)
    assert found[0] == pytest.approx([0.5, 0.25, 0.25])
    assert found[1, 1] == pytest.approx(0.5)
    assert np.isnan(found[1, [0, 2]]).all()
