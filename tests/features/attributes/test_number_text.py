"""One number read on its own."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.attributes.number_text import number_form, read_number_text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.234,50 €", 1234.5),
        ("$1,234.50", 1234.5),
        ("12,5", 12.5),
        ("1 234 567", 1234567),
        ("(300)", -300),
        ("1,2 Mio.", 1.2e6),
        ("12k", 12000),
        ("12 %", 12),
        ("1.234", 1.234),
        ("12,34,567", 1234567),
    ],
)
def test_a_number_that_can_be_read_in_one_way_is(text: str, number: float) -> None:
    assert read_number_text(text) == number


@pytest.mark.parametrize("text", ["1,234", "€ 1,200", "51-200", "many", "", "1.2.3", "030 123", "12B", "1 2"])
def test_what_is_open_or_no_number_is_missing(text: str) -> None:
    assert math.isnan(read_number_text(text))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_of_python_come_back_exactly(number: float) -> None:
    assert read_number_text(repr(number)) == number


@given(st.text(max_size=30))
def test_any_text_is_finite_or_missing(text: str) -> None:
    assert not math.isinf(read_number_text(text))


def test_the_layout_says_by_which_decimal_signs_digits_make_sense() -> None:
    forms = {text: number_form(text) for text in ("0.000", "0,00", "0.000.000", "00")}
    assert [form and form.decimals for form in forms.values()] == [".,", ",", ",", ".,"]
