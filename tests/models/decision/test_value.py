"""What a lead is worth: literal products, intervals that hold their middle, and the folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision.value import Value

X = np.zeros((2, 3), np.float32)
VALUE = Value("EUR", 1_000.0, None, spread=0.2, low=0.5, high=2.0, lifetime=3.0)


def test_an_amount_is_told_with_the_range_of_nine_deals_in_ten() -> None:
    found = VALUE.amounts(X)
    assert (found.mean.tolist(), found.low.tolist(), found.high.tolist()) == ([1000] * 2, [500] * 2, [2000] * 2)


def test_the_value_is_chance_times_amount_times_lifetime() -> None:
    found = VALUE.expected(X, np.array([0.1, 0.5]), np.array([0.1, 0.5]), np.array([0.1, 0.5]))
    assert found.value == pytest.approx([300, 1500])
    assert found.low / found.value == pytest.approx(np.exp(-1.6449 * 0.2), rel=1e-4)
    assert found.high / found.value == pytest.approx(np.exp(1.6449 * 0.2), rel=1e-4)


@given(st.floats(0.001, 0.999), st.floats(0, 1), st.floats(0, 1), st.floats(0, 2))
def test_the_interval_holds_the_value_and_is_never_narrower_than_that_of_the_chance(
    p: float, down: float, up: float, spread: float
) -> None:
    low, high = p * (1 - 0.9 * down), p + (1 - p) * up
    value = Value("EUR", 10.0, None, spread, 0.5, 2.0)
    found = value.expected(X[:1], np.array([p]), np.array([low]), np.array([high]))
    assert found.low[0] <= 10 * low * (1 + 1e-9)
    assert found.high[0] >= 10 * high * (1 - 1e-9)


def test_a_folder_without_deals_has_no_value(tmp_path: Path) -> None:
    assert Value.load(tmp_path) is None


def test_it_comes_back_from_its_folder(tmp_path: Path) -> None:
    VALUE.save(tmp_path)
    assert Value.load(tmp_path) == VALUE
