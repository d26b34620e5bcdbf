"""What a custom column turns out to hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.infer import infer
from tests.connectors.files.texts import BERLIN, UTC_OPTIONS, series


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("1", "2.5", None), "float64"),
        (("01", "2"), "str"),
        (("yes", "no", None), "boolean"),
        (("True", "False"), "boolean"),
        (("No", "No"), "str"),
        (("2026-01-01", "2026-01-02"), "datetime64[us, UTC]"),
        (("yes", "no", "unknown"), "str"),
        (("1", "x"), "str"),
    ],
)
def test_a_custom_column_is_what_all_its_values_can_be(values: tuple[str | None, ...], kind: str) -> None:
    assert infer(series(*values), UTC_OPTIONS).dtype == kind


def test_dates_of_custom_columns_follow_the_format_of_the_mapping() -> None:
    assert infer(series("31.12.2026", "01.01.2027"), BERLIN).dt.year.tolist() == [2026, 2026]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_numbers_written_by_python_come_back_exactly(values: list[float]) -> None:
    read = infer(series(*map(repr, values)), UTC_OPTIONS)
    assert np.array_equal(read.to_numpy(), np.array(values))
