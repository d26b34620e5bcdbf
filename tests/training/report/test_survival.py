"""How long leads stay, with those who are seen no longer counted right."""

from __future__ import annotations

import numpy as np
import pytest

from training.report.survival import incidence


def test_without_censoring_incidence_is_a_plain_share() -> None:
    days = np.array([1.0, 2.0, 3.0, 4.0])
    progressed = np.array([True, False, True, False])
    moved, left = incidence(days, progressed, ~progressed, np.array([0.5, 1.0, 2.5, 10.0]))
    assert moved.tolist() == pytest.approx([0.0, 0.25, 0.25, 0.5])
    assert left.tolist() == pytest.approx([0.0, 0.0, 0.25, 0.5])


def test_who_is_seen_no_longer_does_not_count_as_still_there() -> None:
    """Two of four are seen for a day only; of the two that are left one progresses on day 2: half of what was there."""
    days = np.array([1.0, 1.0, 2.0, 3.0])
    progressed = np.array([False, False, True, False])
    moved, _ = incidence(days, progressed, np.zeros(4, bool), np.array([2.0]))
    assert moved[0] == pytest.approx(0.5)
