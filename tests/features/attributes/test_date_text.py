"""One date read on its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.attributes.date_text import date_form, orders_of, read_date_text, shape_of


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("25.03.2026 14:05", "2026-03-25 14:05"),
        ("03.04.2026", "2026-04-03 00:00"),
        ("25/03/2026", "2026-03-25 00:00"),
        ("03/25/2026 2:05 PM", "2026-03-25 14:05"),
        ("03/03/2026", "2026-03-03 00:00"),
        ("2026-03-03 14:05 UTC", "2026-03-03 14:05"),
        ("3. März 2026", "2026-03-03 00:00"),
        ("Dec 5, 2026", "2026-12-05 00:00"),
        ("20260303", "2026-03-03 00:00"),
        ("2026/3/4", "2026-03-04 00:00"),
    ],
)
def test_a_date_that_can_be_read_in_one_way_is(text: str, moment: str) -> None:
    assert f"{read_date_text(text):%Y-%m-%d %H:%M}" == moment


@pytest.mark.parametrize(
    "text", ["03/04/2026", "3-4-26", "26-03-04", "45000", "1767225600", "soon", "", "30.02.2026", "2026-25-03", "12"]
)
def test_what_is_open_or_no_date_is_none(text: str) -> None:
    assert read_date_text(text) is None


@given(st.datetimes(datetime(1, 1, 2), datetime(9998, 1, 1)), st.integers(-14 * 4, 14 * 4))  # noqa: DTZ001
def test_iso_texts_are_read_as_python_reads_them(moment: datetime, quarters: int) -> None:
    there = moment.replace(tzinfo=timezone(timedelta(minutes=15 * quarters)))
    assert read_date_text(there.isoformat()) == there.astimezone(UTC)


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_none(text: str) -> None:
    moment = read_date_text(text)
    assert moment is None or moment.tzinfo is UTC


def test_only_layouts_of_three_numbers_have_an_order() -> None:
    families = {text: date_form(shape_of(text)) for text in ("03/04/2026", "3 Mai 2026", "45000", "2026-01-01")}
    assert [bool(form and orders_of(form.family)) for form in families.values()] == [True, False, False, True]
