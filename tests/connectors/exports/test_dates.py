"""Formats of dates: what is sure, what is doubtful, what is no date."""

from __future__ import annotations

import pytest

from connectors.exports.dates import date_formats


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["01/02/2026", "03/31/2026"], ["%m/%d/%Y"]),
        (["31/01/26", "01/02/26"], ["%d/%m/%y"]),
        (["03-31-2026"], ["%m-%d-%Y"]),
        (["1.2.2026", "1.2.2026 08:00"], ["%d.%m.%Y", "%d.%m.%Y %H:%M"]),
        (["2026-01-05 10:00:00 UTC"], ["%Y-%m-%d %H:%M:%S UTC"]),
        (["1767607200", "1767607201"], ["epoch_s"]),
        (["1767607200000"], ["epoch_ms"]),
        (["4/2/2026, 2:05 PM", "4/22/2026, 2:05 PM"], ["%m/%d/%Y, %I:%M %p"]),
        (["2026-01-05T10:00:00.000Z", "2026-01-05"], []),
        ([], []),
    ],
)
def test_what_is_sure(values: list[str], formats: list[str]) -> None:
    assert date_formats(values) == (formats, "", [])


def test_day_and_month_that_cannot_be_told_apart_are_said() -> None:
    doubt = "'01/02/2026' could be day/month or month/day; day/month was taken"
    assert date_formats(["01/02/2026", "03/04/2026"]) == (["%d/%m/%Y"], doubt, [])


def test_what_is_no_date_is_named() -> None:
    assert date_formats(["2026-01-05", "tbd", "31.01.2026"]) == (["%d.%m.%Y"], "", ["tbd"])
