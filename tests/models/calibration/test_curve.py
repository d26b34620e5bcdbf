"""Curves: they rise in time, end at the probability, and no lead stage is likelier than the one before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration.calibrator import Calibrator
from models.calibration.curve import curve_days
from models.calibration.timing import Timing, Timings
from models.score import numbers
from tests.models.looks import seen
from tests.tiny import FUNNEL, tiny_model

TARGETS = len(FUNNEL.targets)


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


LINES = st.lists(st.tuples(st.floats(0, 2), st.floats(-6, 6)), min_size=TARGETS, max_size=TARGETS)  # slopes and shifts


@given(timings(), LINES, st.integers(0, 99))
def test_curves_are_coherent(speed: Timings, lines: list[tuple[float, float]], seed: int) -> None:
    """For any timing and any probabilities: P(customer by t) ≤ P(sql by t) for every t, and none falls."""
    model = tiny_model()
    transitions = tuple(
        replace(t, calibrator=Calibrator("platt", slope, shift=shift))
        for t, (slope, shift) in zip(model.transitions, lines, strict=True)
    )
    leads = seen(model, 5, seed)
    varied = replace(model, transitions=transitions, timings=speed)
    row, columns = numbers(varied, leads).row, varied.packed.columns
    probability, expected = row[:, columns["probability"]], row[:, columns["expected_days"]]
    for i, stage in enumerate(leads.stage.tolist()):
        chances = [row[i, columns[f"curve {target}"]] for target in FUNNEL.targets]
        for target, (days, chance) in enumerate(zip(varied.packed.days, chances, strict=True)):
            if target < stage:
                assert np.isnan(chance).all()
                assert np.isnan(expected[i, target])
                continue
            assert np.all(np.diff(chance) >= -1e-12)
            assert chance[-1] == pytest.approx(probability[i, target])
            assert 0 <= expected[i, target] <= FUNNEL.horizons[FUNNEL.targets[target]]
            if target > stage:
                before = np.interp(days, varied.packed.days[target - 1], chances[target - 1])
                shared = np.isin(days, varied.packed.days[target - 1])
                assert np.all(chance[shared] <= before[shared] + 1e-12)
