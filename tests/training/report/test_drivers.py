"""Drift of a column between then and now."""

from __future__ import annotations

import numpy as np
import pytest

from training.report.drivers import psi


def test_psi_is_zero_for_the_same_and_grows_with_the_shift() -> None:
    random = np.random.default_rng(1)
    old = random.normal(size=5_000)
    assert psi(old, old) == pytest.approx(0.0)
    small, large = psi(old, old + 0.1), psi(old, old + 1.0)
    assert 0 < small < 0.05
    assert large > 0.25
    assert psi(old, np.where(random.random(5_000) < 0.5, np.nan, old)) > 0.25, "missing values are a shift too"
