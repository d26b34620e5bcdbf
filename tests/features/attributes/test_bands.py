"""Ranges of numbers as people and exports write them."""

from __future__ import annotations

import math

import pytest

from features.attributes.bands import have_an_order, is_range, read_band


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


@pytest.mark.parametrize(
    "rising",
    [
        ["under 6 months", "6-12 months", "1-2 years", "2-5 years", "5+ years"],
        ["1-6 Tage", "1-3 Wochen", "1-5 Monate", "6 Monate - 1 Jahr", "über 1 Jahr"],
        ["< 1 week", "1-3 weeks", "2 months - 1 year", "2 or more years"],
        ["1-4 h", "1-2 days", "3-10 d", "2-3 wks", "3 mos. - 6 mos.", "1-2 yrs"],
        ["100-500 g", "1-5 kg", "6-900 kg", "5-10 t", "20+ t"],
        ["1-5 kg", "100-900 kg", "1-2 tonnes", "> 5 tonnes"],
        ["500-999 m²", "2.000-9.000 qm", "1-5 ha"],
        ["100-900 MB", "1-10 GB", "1+ TB"],
        ["10-99 kWp", "100-900 kWp", "1-2 MWp"],
        ["0-500", "501-999", "1-5 k", "10-50 k", "1-2 m", "1+ bn"],
        ["bis 50 Tsd. EUR", "50-500 Tsd. EUR", "1-5 Mio. €", "über 1 Mrd. Euro"],
        ["$1-5M", "$5-10M", "$1B+"],
        ["1 employee", "2-10 employees", "11-50 employees (medium)", "51-200", "1000+ employees"],
    ],
)
def test_ranges_in_several_units_are_in_their_order(rising: list[str]) -> None:
    assert have_an_order(rising)
    numbers = [read_band(text) for text in rising if text != "1 employee"]
    assert numbers == sorted(numbers), dict(zip(rising, numbers, strict=False))
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    "mixed",
    [
        ["1-5 users", "6-10 offices", "1-2 countries"],
        ["6-12", "1-2 years", "3-4 years"],  # twelve of what?
        ["1-6 m", "7-12 m", "1-2 y"],  # millions, metres, months
        ["1-5 kg", "1-2 years", "3-4 km"],
        ["€1-5M", "$5-10M", "£1M+"],
        ["1-5 EUR", "6-10 EUR p.a.", "11-20 EUR"],
    ],
)
def test_ranges_of_different_things_have_no_order(mixed: list[str]) -> None:
    assert not have_an_order(mixed)
    assert not have_an_order(mixed[::-1])
