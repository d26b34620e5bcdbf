"""Values of attributes come back from the store as they went in, and their plain text reads to the same number."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.store.json_values import attributes, drop_missing, packed, plain, unpacked

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)


@given(st.none() | st.booleans() | NUMBERS | st.text() | st.lists(st.text(), max_size=3))
@example("\x00\u2028\ud800")
def test_a_value_comes_back_and_its_text_is_ascii(value: object) -> None:
    assert unpacked(packed(value)) == value
    assert packed(value).isascii()


def test_the_order_of_attributes_makes_no_other_text() -> None:
    assert packed({"b": 1, "a": None}) == packed({"a": None, "b": 1})
    assert attributes(packed({"b": 1, "a": None})) == {"a": None, "b": 1}


@given(NUMBERS)
@example(1e22)
@example(-0.0)
def test_the_text_of_a_number_is_that_number(value: float) -> None:
    assert float(str(plain(value))) == value


@pytest.mark.parametrize(
    ("value", "text"), [(None, None), ("", ""), (True, "true"), (False, "false"), (250.0, "250"), (0.5, "0.5")]
)
def test_the_text_of_a_value_is_as_a_dataset_has_it(value: object, text: str | None) -> None:
    assert plain(value) == text


def test_what_is_missing_is_dropped() -> None:
    assert drop_missing({"a": None, "b": math.nan, "c": "x", "d": 0, "e": False}) == {"c": "x", "d": 0, "e": False}
