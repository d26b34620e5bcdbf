"""Unripe landmarks: literal weights at the ends, the slope of the likelihood in between, and known truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from models.calibration.timing import Timing
from models.common.types import Examples, sigmoid
from training.fit.censoring import (
    USUAL_SWING,
    CensoredExamples,
    CensoredState,
    ConversionSpeed,
    censoring_weights,
    newest_shift,
    shrunk_shift,
    with_censored,
)

HORIZON = 60.0
EVENLY = Timing((0.0, HORIZON), (0.0, 1.0))  # those who convert do so evenly over the horizon
NOBODY_LEAVES = ConversionSpeed(EVENLY, np.zeros(0), 100)


def standing(open_days: list[float], reached: list[bool] | None = None, left: list[bool] | None = None) -> CensoredState:
    n = len(open_days)
    flags = [np.array(f if f is not None else [False] * n, bool) for f in (reached, left)]
    return CensoredState(flags[0], flags[1], np.array(open_days, np.float64), np.zeros((n, 1)))


def test_what_is_known_counts_once_and_what_is_fresh_not_at_all() -> None:
    now = standing([5.0, 5.0, 0.0, HORIZON], reached=[True, False, False, False], left=[False, True, False, False])
    yes, no = censoring_weights(now, np.zeros(4), NOBODY_LEAVES, 0.0)
    assert yes == pytest.approx([1, 0, 0, 0])
    assert no == pytest.approx([0, 1, 0, 1])


@given(st.floats(-3, 3), st.floats(0.1, 59.9), st.floats(0, 0.9))
def test_an_open_lead_has_the_slope_of_its_likelihood(margin: float, days: float, gone: float) -> None:
    """d/dm log(p (1 - F) + (1 - p) (1 - E)) = yes · (1 - p) - no · p, whoever leaves sooner."""
    exits = np.full(int(1000 * gone), 1e-3)
    pace = ConversionSpeed(EVENLY, exits, 1000)
    yes, no = censoring_weights(standing([days]), np.array([margin]), pace, 0.0)
    p, f, e = float(sigmoid(margin)), days / HORIZON, len(exits) / 1000
    slope = p * (1 - p) * ((1 - f) - (1 - e)) / (p * (1 - f) + (1 - p) * (1 - e))
    assert float(yes[0] * (1 - p) - no[0] * p) == pytest.approx(slope, abs=1e-9)
    assert min(yes[0], no[0]) == 0


def test_the_base_rate_comes_back_from_unripe_leads_alone() -> None:
    """Known truth: 30 % convert, evenly over the horizon; leads looked at 0 to 60 days ago give 30 % back."""
    random = np.random.default_rng(0)
    n = 20_000
    days, converts = random.uniform(0, HORIZON, n), random.random(n) < 0.3
    reached = converts & (random.uniform(0, HORIZON, n) <= days)
    now = CensoredState(reached, np.zeros(n, bool), days, np.zeros((n, 1)))
    shift = newest_shift(now, np.zeros(n), NOBODY_LEAVES)
    assert sigmoid(shift) == pytest.approx(0.3, abs=0.02)
    yes, no = censoring_weights(now, np.full(n, np.log(0.3 / 0.7)), NOBODY_LEAVES, 0.0)
    fitted = minimize_scalar(lambda m: np.logaddexp(0, -m) * yes.sum() + np.logaddexp(0, m) * no.sum()).x
    assert sigmoid(fitted) == pytest.approx(0.3, abs=0.02)


def test_a_usual_swing_is_not_believed_and_a_large_one_is() -> None:
    assert shrunk_shift(0.0) == shrunk_shift(USUAL_SWING) == shrunk_shift(-0.3) == 0
    assert shrunk_shift(1.6) == pytest.approx(1.5)
    assert shrunk_shift(-1.6) == pytest.approx(-1.5)


def test_rows_enter_as_often_as_they_have_weight() -> None:
    x, one = np.zeros((1, 2)), np.ones(1, np.int64)
    known = Examples(x, np.array([True]), np.ones(1), one, one, one, points=1)
    more = CensoredExamples(np.ones((3, 2)), np.array([1.0, 0.0, 0.4]), np.array([0.0, 0.001, 0.6]), np.arange(3), np.arange(3))
    found = with_censored(known, more)
    assert found.weight.tolist() == [1.0, 1.0, 0.4, 0.6]
    assert found.y.tolist() == [True, True, True, False]
    assert found.points == 1
