"""Text → times, numbers, flags."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.convert import Origin, flags, has_point_zero, numbers, times, translate
from connectors.files.settings import FileOptions
from features.common.errors import DataError
from tests.connectors.files.texts import BERLIN, UTC_OPTIONS, series

ORIGIN = Origin("a.csv", "Col", "target")


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001  the zone is put on below
    st.integers(-14 * 4, 14 * 4),
)
def test_iso_times_with_any_offset_are_read_to_the_microsecond(moment: datetime, quarters: int) -> None:
    there = moment.replace(tzinfo=timezone(timedelta(minutes=15 * quarters)))
    read = times(series(there.isoformat(), None), UTC_OPTIONS, ORIGIN)
    assert read.iloc[0].to_pydatetime() == there.astimezone(UTC)
    assert read.isna().tolist() == [False, True]


def test_times_with_and_without_offset_may_stand_in_one_column() -> None:
    read = times(
        series("2026-07-01T12:00:00Z", "2026-07-01 12:00", "2026-07-01"), FileOptions(timezone="Europe/Berlin"), ORIGIN
    )
    assert [t.isoformat() for t in read] == [
        "2026-07-01T12:00:00+00:00",
        "2026-07-01T10:00:00+00:00",
        "2026-06-30T22:00:00+00:00",
    ]


def test_the_hour_that_comes_twice_is_the_first_and_the_one_that_never_came_moves_on() -> None:
    read = times(series("25.10.2026 02:30", "29.03.2026 02:30"), BERLIN, ORIGIN)
    assert [t.strftime("%H:%M") for t in read] == ["00:30", "01:00"]


def test_formats_are_tried_in_order_and_iso_is_always_understood() -> None:
    read = times(series("01.02.2026 10:00", "01.02.2026", "2026-02-01"), BERLIN, ORIGIN)
    assert [t.strftime("%d %H") for t in read] == ["01 09", "31 23", "31 23"]


def test_epochs_and_formats_with_a_zone_are_read() -> None:
    assert times(series("1767225600000"), FileOptions(date_format=["epoch_ms"]), ORIGIN).iloc[0] == pd.Timestamp(
        "2026-01-01", tz="UTC"
    )
    zoned = FileOptions(date_format=["%d/%b/%Y:%H:%M:%S %z"])
    assert times(series("01/Jan/2026:01:00:00 +0100"), zoned, ORIGIN).iloc[0] == pd.Timestamp("2026-01-01", tz="UTC")


@pytest.mark.parametrize("text", ["2026-13-01", "soon", "12", "31/31/2026", "2026-02-30"])
def test_an_unreadable_date_names_row_value_and_remedy(text: str) -> None:
    with pytest.raises(DataError, match=rf"a\.csv, row 3, column 'Col': '{text}' is not a date.*\n.*date_format"):
        times(series("2026-01-01", text), UTC_OPTIONS, ORIGIN)


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_missing_but_never_a_crash(text: str) -> None:
    for options in (BERLIN, UTC_OPTIONS):
        with suppress(DataError):
            assert times(series(text), options, ORIGIN).dtype == "datetime64[us, UTC]"


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1,234.5", ".", 1234.5),
        ("1.234,5", ",", 1234.5),
        ("1.234", ",", 1234),
        ("€ 12,50", ",", 12.5),
        ("-3", ".", -3),
        ("1e3", ".", 1000),
    ],
)
def test_numbers_are_read_by_the_decimal_sign(text: str, decimal: str, number: float) -> None:
    options = FileOptions.model_validate({"decimal": decimal})
    assert numbers(series(text), options, ORIGIN).tolist() == [number]


@pytest.mark.parametrize("text", ["50-11", "many", "inf", "1,23,4"])
def test_what_is_no_number_is_an_error(text: str) -> None:
    with pytest.raises(DataError, match=rf"row 2, column 'Col': '{text}' is not a number"):
        numbers(series(text), UTC_OPTIONS, ORIGIN)


def test_flags_in_two_languages_and_what_is_neither() -> None:
    assert flags(series("Yes", "nein", "1", None), ORIGIN).tolist() == [True, False, True, pd.NA]
    with pytest.raises(DataError, match=r"'perhaps' is neither yes nor no.*\n.*values: \{target"):
        flags(series("yes", "perhaps"), ORIGIN)


def test_a_value_map_translates_drops_and_leaves_the_rest() -> None:
    out, dropped = translate(series("A", "B", "C", None, "yes"), {"A": "a", "B": None, True: "ja"})
    assert out.astype("object").where(out.notna(), None).tolist() == ["a", None, "C", None, "ja"]
    assert dropped.tolist() == [False, True, False, False, False]


def test_a_star_in_a_value_map_stands_for_all_other_values() -> None:
    out, dropped = translate(series("A", "B", "*"), {"A": "a", "*": "other"})
    assert out.tolist() == ["a", "other", "other"]
    assert not dropped.any()


def test_whole_numbers_lose_their_point_only_when_all_have_one() -> None:
    def texts(*values: str | None) -> pa.ChunkedArray:
        return pa.chunked_array([pa.array(values, pa.string()), pa.array(values, pa.string())])

    assert has_point_zero(texts(None, "1.0", "20.0"))
    assert not has_point_zero(texts("1.0", "x"))
    assert not has_point_zero(texts("1", "2.0"))
    assert has_point_zero(texts(None, None)) is None
