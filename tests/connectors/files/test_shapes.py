"""Texts by their shapes."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.shapes import by_shape, cast_all, text_array
from features.attributes.date_text import shape_of
from tests.connectors.files.texts import series


@given(st.lists(st.none() | st.text(alphabet="0159/ €äx", max_size=6), max_size=12), st.integers(0, 3))
def test_every_text_is_in_the_group_of_its_shape(texts: list[str | None], skipped: int) -> None:
    column = text_array(series(*texts)).slice(skipped)
    groups = {group.shape: group.places.tolist() for group in by_shape(column) if group.shape}
    wanted: dict[str, list[int]] = {}
    for place, text in enumerate(texts[skipped:]):
        if text:
            wanted.setdefault(shape_of(text), []).append(place)
    assert groups == wanted


@given(st.lists(st.integers(0, 99), min_size=1, max_size=5))
def test_digits_behind_any_characters_are_read(numbers: list[int]) -> None:
    (group,) = by_shape(text_array(series(*(f"März €{number:02d}x" for number in numbers))))
    assert group.digits((6, 8)).tolist() == numbers
    assert group.begins_with_zero((6, 8)).tolist() == [number < 10 for number in numbers]


def test_numbers_are_read_without_the_marks_of_groups() -> None:
    (group,) = by_shape(text_array(series("€ 1.234,50", "€ 9.876,25")))
    assert group.floats((2, 10), ",").tolist() == [1234.5, 9876.25]
    assert group.first(1) == (1, "€ 9.876,25")


def test_a_cast_is_of_all_texts_or_none() -> None:
    numbers = cast_all(text_array(series("1", None)), pa.float64())
    assert numbers is not None
    assert numbers.to_pylist() == [1.0, None]
    assert cast_all(text_array(series("1", "x")), pa.float64()) is None
