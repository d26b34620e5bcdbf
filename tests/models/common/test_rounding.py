"""Numbers of a result are rounded as Python would."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from models.common.rounding import rounded_rows


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=5))
@example([0.0000005, 0.0000015, 2.5e-6, -0.0000025, 1.0000005])
@example([-0.0, -1e-9, float("nan"), 123456.7890125])
@example([0.125, 2.675, 1.005, 1e11 + 0.005])
def test_rounding_is_pythons(values: list[float]) -> None:
    for unit, digits in ((1e6, 6), (1e2, 2)):
        found = rounded_rows(np.array([values]), unit)[0].tolist()
        assert repr(found) == repr([round(value, digits) for value in values])
