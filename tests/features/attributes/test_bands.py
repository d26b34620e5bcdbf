"""Ranges of numbers as people and exports write them."""

from __future__ import annotations

import math

import pytest

from features.attributes.bands import is_range, read_band


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("11-50", math.sqrt(550)),
        ("11 to 50", math.sqrt(550)),
        ("von 11 bis 50 Mitarbeitende", math.sqrt(550)),
        ("between 11 and 50", math.sqrt(550)),
        ("11–50 employees", math.sqrt(550)),
        ("1,001-5,000", math.sqrt(1_001 * 5_000)),
        ("1.001 - 5.000", math.sqrt(1_001 * 5_000)),
        ("1 001 – 5 000", math.sqrt(1_001 * 5_000)),
        ("1,5-2,5 Mio. EUR", math.sqrt(1.5 * 2.5) * 1e6),
        ("€ 1-5 Mio.", math.sqrt(5) * 1e6),
        ("$1M - $10M", math.sqrt(10) * 1e6),
        ("100k-250k", math.sqrt(100 * 250) * 1e3),
        ("0-9", 4.5),
        ("10,001+", 10_001),
        ("500 und mehr", 500),
        ("more than 2,000", 2_000),
        ("> 10 Mio. €", 1e7),
        ("≥ 250", 250),
        ("unter 10", 5),
        ("<= 50k", 25_000),
        ("7", 7),
    ],
)
def test_ranges_as_they_are_written(text: str, number: float) -> None:
    assert read_band(text) == pytest.approx(number)
    assert read_band(f" {text.upper()} ") == pytest.approx(number)
    assert is_range(text) is (text != "7")


@pytest.mark.parametrize(
    "text",
    ["", "large", "50-11", "5-5", "2026-03-31", "01.02.2026", "030-1234", "A-10", "10-20-30", "Top 10", "12 Main St", "1--2"],
)
def test_what_is_no_range(text: str) -> None:
    assert math.isnan(read_band(text))
    assert not is_range(text)


def test_ranges_keep_their_order() -> None:
    sizes = ["1-10", "11-50", "51-200", "201-500", "501-1,000", "1,001-5,000", "5,001-10,000", "10,001+"]
    numbers = [read_band(size) for size in sizes]
    assert numbers == sorted(numbers)
