"""Curves: they rise in time, end at the probability, and no lead stage is likelier than the one before it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration.curve import curve_days, curves
from models.calibration.timing import Timing, Timings
from tests.tiny import FUNNEL

TARGETS = len(FUNNEL.targets)
chances = st.floats(1e-6, 1 - 1e-6)


@pytest.mark.parametrize(
    ("horizon", "days"),
    [
        (180.0, (30.0, 60.0, 90.0, 120.0, 150.0, 180.0)),
        (60.0, (30.0, 60.0)),
        (45.0, (7.0, 14.0, 21.0, 28.0, 35.0, 42.0, 45.0)),
        (7.0, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)),
        (95.0, (30.0, 60.0, 95.0)),
        (0.5, (0.5,)),
    ],
)
def test_the_days_suit_the_horizon(horizon: float, days: tuple[float, ...]) -> None:
    """A point just before the horizon would say nothing new."""
    assert curve_days(horizon) == days


@st.composite
def timings(draw: st.DrawFn) -> Timings:
    found = {}
    for begin in range(TARGETS):
        for target in range(begin, TARGETS):
            horizon = FUNNEL.horizons[FUNNEL.targets[target]]
            middle, share = draw(st.floats(0.01, 0.99)), draw(st.floats(0, 1))
            slope = draw(st.tuples(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5)))
            found[begin, target] = Timing((0.0, middle * horizon, horizon), (0.0, share, 1.0), slope, (0.0, 1.0), (1.0, 0.5))
    return Timings(found)


@given(timings(), st.integers(0, TARGETS - 1), st.lists(chances, min_size=TARGETS, max_size=TARGETS), st.floats(0, 500))
def test_curves_are_coherent(speed: Timings, stage: int, conditional: list[float], stage_days: float) -> None:
    """For any timing and any probabilities: P(customer by t) ≤ P(sql by t) for every t, and none falls."""
    each = np.array([[np.nan] * stage + conditional[stage:]])
    reached = np.where(np.isnan(each), np.nan, np.cumprod(np.where(np.isnan(each), 1, each), axis=1))
    found = curves(FUNNEL, speed, each, reached, np.array([stage]), np.array([stage_days]))
    for target in range(TARGETS):
        chance = found.chance[target][0]
        if target < stage:
            assert np.isnan(chance).all()
            assert np.isnan(found.expected[0, target])
            continue
        assert np.all(np.diff(chance) >= -1e-12)
        assert chance[-1] == pytest.approx(reached[0, target])
        assert 0 <= found.expected[0, target] <= FUNNEL.horizons[FUNNEL.targets[target]]
        if target > stage:
            before = np.interp(found.days[target], found.days[target - 1], found.chance[target - 1][0])
            shared = np.isin(found.days[target], found.days[target - 1])
            assert np.all(chance[shared] <= before[shared] + 1e-12)
