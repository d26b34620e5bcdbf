"""Bounds, placeholders and numbers of another unit: one vocabulary for every road."""

from __future__ import annotations

import pandas as pd
import pytest

from features.common.clock import DAY, moment
from features.dataset.data_report import DataReport
from features.dataset.moments import (
    AHEAD,
    EARLIEST,
    check_extraction,
    drop_implausible,
    hint,
    is_placeholder,
    midnight,
    outside,
    written,
)

NOW = midnight(2026, 12, 1)


def at(text: str) -> int:
    return moment(pd.Timestamp(text).as_unit("us"))


@pytest.mark.parametrize("text", ["0001-01-01", "1753-01-01", "1899-12-30", "1900-01-01", "1970-01-01", "9999-12-31 23:59:59"])
@pytest.mark.parametrize("hours", [-12, 0, 14])
def test_what_software_writes_for_none_is_known_in_every_time_zone(text: str, hours: int) -> None:
    assert is_placeholder(at(text) + hours * DAY // 24)
    assert 'as software writes "none"' in hint(at(text), NOW)


@pytest.mark.parametrize("text", ["1970-01-21", "1969-12-20", "2000-01-01", "2026-03-01", "9999-06-01"])
def test_other_days_are_no_placeholders(text: str) -> None:
    assert not is_placeholder(at(text))


@pytest.mark.parametrize("true", ["2011-05-04 03:02", "2026-11-30 23:59"])
@pytest.mark.parametrize(
    ("times", "over", "words"),
    [
        (1, 1_000, "seconds read as milliseconds"),
        (1_000, 1, "milliseconds read as seconds"),
        (1, 10**6, "seconds read as micro"),
    ],
)
def test_a_number_of_another_unit_is_recognised(true: str, times: int, over: int, words: str) -> None:
    told = hint(at(true) * times // over, NOW)
    assert words in told
    assert true[:8] in told


@pytest.mark.parametrize("text", ["0206-03-01", "2206-03-01", "2062-01-01", "1985-01-01", "1026-05-05"])
def test_a_mistyped_year_is_not_taken_for_another_unit(text: str) -> None:
    assert hint(at(text), NOW) == ""


def test_a_moment_may_be_ahead_of_the_clock_by_what_time_zones_allow() -> None:
    moments = pd.DatetimeIndex(["1989-12-31 23:59", "1990-01-01", "2026-12-01 14:00", "2026-12-01 14:01"]).as_unit("us").asi8
    early, late = outside(moments, NOW)
    assert early.tolist() == [True, False, False, False]
    assert late.tolist() == [False, False, False, True]
    assert AHEAD == 14 * DAY // 24


def test_any_year_can_be_written() -> None:
    assert [written(at(t)) for t in ("0206-03-01", "9999-12-31 23:59")] == ["0206-03-01 00:00", "9999-12-31 23:59"]
    assert written(2**62).startswith("148108")


@pytest.mark.parametrize(("ahead", "warnings"), [(-DAY, 0), (DAY // 48, 0), (DAY // 12, 1), (30 * 365 * DAY, 1)])
def test_an_extraction_after_the_clock_is_told(ahead: int, warnings: int) -> None:
    report = DataReport()
    check_extraction(NOW + ahead, NOW, report)
    assert len(report.notes) == warnings


def test_rows_of_a_dataset_that_cannot_be_meant_are_dropped_and_told() -> None:
    times = pd.to_datetime(["1970-01-01", None, "2025-05-05", "2206-01-01"], utc=True).as_unit("us")
    report = DataReport()
    rows = drop_implausible("deals", pd.DataFrame({"at": times}), "at", pd.Timestamp("2026-01-01", tz="UTC"), report)
    assert len(rows) == 2
    early, late = map(str, report.notes)
    assert early == 'deals: 1 row whose at lies before 1990 (for example 1970-01-01 00:00, as software writes "none"); dropped.'
    assert "1 row whose at lies after the extraction at 2026-01-01 00:00:00+00:00 (for example 2206-01-01" in late


def test_data_that_are_older_as_a_whole_are_taken() -> None:
    times = pd.to_datetime(["1970-01-05", "1984-05-05"], utc=True).as_unit("us")
    report, until = DataReport(), pd.Timestamp("1985-01-01", tz="UTC")
    assert len(drop_implausible("leads", pd.DataFrame({"at": times}), "at", until, report)) == 2
    assert moment(until) < EARLIEST
