"""Timing: the truth comes back, F is a distribution whatever the data, and nothing is learned from too little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.calibration.timing import MIN_CONVERSIONS, Timing, Timings
from tests.models import oracles

HORIZON = 60.0


def drawn(n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """F(t | z) = (t / 60)^0.7 to the power exp(-0.5 z₀ + 0.3 z₁), by inversion."""
    random = np.random.default_rng(0)
    z = random.normal(size=(n, 2))
    return HORIZON * random.random(n) ** (1 / (0.7 * np.exp(z @ np.array([-0.5, 0.3])))), z


def test_the_true_timing_comes_back() -> None:
    taken, z = drawn()
    timing = Timing.fit(taken, z, HORIZON)
    assert np.array(timing.slope) / np.array(timing.spread) == pytest.approx([-0.5, 0.3], abs=0.03)
    assert timing.cdf(np.array([15.0, 30.0]), np.zeros((1, 2)))[0] == pytest.approx([0.25**0.7, 0.5**0.7], abs=0.02)
    assert oracles.expected_days(timing, oracles.power(timing, (0.0, 0.0))) == pytest.approx(60 * 0.7 / 1.7, rel=0.03)


def test_few_conversions_share_one_curve() -> None:
    taken, z = drawn(MIN_CONVERSIONS - 1)
    assert Timing.fit(taken, z, HORIZON).slope == (0.0, 0.0)


def test_without_conversions_it_rises_evenly() -> None:
    timing = Timing.fit(np.zeros(0), np.zeros((0, 2)), HORIZON)
    assert timing.cdf(np.array([15.0, 60.0]), np.zeros((1, 2))).tolist() == [[0.25, 1.0]]
    assert oracles.expected_days(timing, 1.0) == 30.0


@given(
    arrays(np.float64, st.integers(0, 80), elements=st.floats(0, HORIZON)),
    arrays(np.float64, (3, 2), elements=st.floats(-1e6, 1e6)),
    st.integers(0, 2**32 - 1),
)
def test_it_is_a_distribution_whatever_the_data(taken: np.ndarray, z: np.ndarray, seed: int) -> None:
    """Ties, conversions at once or at the very end, and covariates far from any seen."""
    timing = Timing.fit(taken, np.random.default_rng(seed).normal(size=(len(taken), 2)), HORIZON)
    days = np.linspace(0, HORIZON, 13)
    share = timing.cdf(days, z)
    assert np.all(np.diff(share, axis=1) >= 0)
    assert np.all((share >= 0) & (share <= 1))
    assert share[:, -1] == pytest.approx(1.0)
    powers = np.array([oracles.power(timing, row) if timing.slope else 1.0 for row in z])
    assert share == pytest.approx(timing.share_by(days) ** powers[:, None], rel=1e-9, abs=1e-12)


def test_it_comes_back_from_json() -> None:
    taken, z = drawn(200)
    timings = Timings({(0, 1): Timing.fit(taken, z, HORIZON)})
    assert Timings.from_dict(timings.to_dict()) == timings
