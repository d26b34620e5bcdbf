"""One number at a time in compiled code: what NumPy says of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.common.compiled import exact
from models.common.log_odds import clipped_of, interpolated, logit_of, sigmoid_of
from models.common.types import TINY, logit, sigmoid


@exact
def _all(value: Any, knots: Any, levels: Any) -> Any:
    return sigmoid_of(value), logit_of(value), clipped_of(value), interpolated(value, knots, levels)


@given(st.floats(-800, 800), st.integers(1, 9), st.integers(0, 99))
def test_each_is_numpys(value: float, count: int, seed: int) -> None:
    """Interpolation also beyond the ends, of one knot, and at a knot."""
    random = np.random.default_rng(seed)
    knots, levels = np.sort(random.normal(0, 3, count)), random.random(count)
    for number in (value, value / 400, abs(value) / 800, *knots.tolist()):
        p, log_odds, clipped, level = _all(number, knots, levels)
        assert p == pytest.approx(float(sigmoid(number)), rel=1e-14)
        assert log_odds == pytest.approx(float(logit(number)), rel=1e-14, abs=1e-14)
        assert clipped == min(max(number, TINY), 1 - TINY)
        assert level == pytest.approx(np.interp(number, knots, levels), rel=1e-14)
