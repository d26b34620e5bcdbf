"""Numbers of a result are rounded as Python would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.common import rounding
from models.common.rounding import rounded_rows


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=5))
@example([0.0000005, 0.0000015, 2.5e-6, -0.0000025, 1.0000005])
@example([-0.0, -1e-9, float("nan"), 123456.7890125])
@example([0.125, 2.675, 1.005, 1e11 + 0.005])
def test_rounding_is_pythons(values: list[float]) -> None:
    for unit, digits in ((1e6, 6), (1e2, 2)):
        found = rounded_rows(np.array([values]), unit)[0].tolist()
        assert repr(found) == repr([round(value, digits) for value in values])


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_matrix_keeps_its_places_however_it_lies_in_memory(order: Any) -> None:
    values = np.arange(12).reshape(3, 4) / 7
    wanted = [[round(value, 6) for value in row] for row in values.tolist()]
    assert rounded_rows(np.array(values, order=order), 1e6).tolist() == wanted
    assert rounded_rows(np.array(values.repeat(2, axis=1), order=order)[:, ::2], 1e6).tolist() == wanted


def test_what_is_in_doubt_is_left_to_python_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = []

    def count(number: float, *digits: int) -> float:
        numbers.append(number)
        return round(number, *digits)

    values = np.full((50, 40), 0.3)
    values[7, 3] = values[49, 39] = 1.0000005
    monkeypatch.setattr(rounding, "round", count, raising=False)
    assert (rounded_rows(values, 1e6) == np.where(values > 1, round(1.0000005, 6), 0.3)).all()
    assert numbers.count(1.0000005) == 2
    assert 0.3 not in numbers
