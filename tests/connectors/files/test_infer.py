"""What a custom column turns out to hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.infer import infer
from connectors.files.settings import FileOptions
from connectors.files.writing import ColumnWriting
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


@pytest.mark.parametrize(
    ("values", "kind", "first"),
    [
        (("12 %", "3,5 %"), "float64", 12.0),
        (("€ 1.234,50", "€ 5"), "float64", 1234.5),
        (("1,2 Mio.", "250 Tsd."), "float64", 1.2e6),
        (("1 Tag", "3 Tage"), "float64", 1.0),
        (("7", "12", "9", "51-200"), "float64", 7.0),
        (("20260303", "20260401", "20251231"), "datetime64[us, UTC]", "2026-03-03"),
        (("20260303", "20269999", "20251231"), "float64", 20260303.0),
        (("45000", "45001"), "float64", 45000.0),
        (("03/25/2026", "03/04/2026"), "datetime64[us, UTC]", "2026-03-25"),
        (("3. März 2026", "Mar 5, 2026"), "datetime64[us, UTC]", "2026-03-03"),
        (("51-200", "1000+", "11-50"), "str", "51-200"),
        (("12 Main St", "5 Elm St"), "str", "12 Main St"),
        (("+49 30 1234567", "+49 89 123456"), "str", "+49 30 1234567"),
        (("5a", "12b"), "str", "5a"),
        (("01234", "20095"), "str", "01234"),
        (("1.2.3", "1.10.0"), "str", "1.2.3"),
        (("10:30", "11:45"), "str", "10:30"),
    ],
)
def test_custom_columns_are_read_by_the_readers_of_mapped_ones(values: tuple[str, ...], kind: str, first: object) -> None:
    column = infer(series(*values, None), FileOptions(timezone="UTC"))
    assert column.dtype == kind
    assert (str(column.iloc[0])[:10] if kind.startswith("datetime") else column.iloc[0]) == first
    assert pd.isna(column.iloc[-1])


@pytest.mark.parametrize(
    ("values", "remark"),
    [
        (("03/04/2026", "05/06/2026"), "columns of dates that can be read in two ways"),
        (("1.5", "12,5", "1.234"), "columns of numbers written in two ways"),
        (("12 kg", "300 g"), "columns of numbers in several units"),
        (("12,5", "3", "4,75", "8", "2", "-"), "columns of numbers with other values among them"),
        (
            ("3.2.2026", "4.2.2026", "25.2.2026", "7.3.2026", "8.3.2026", "open"),
            "columns of dates with other values among them",
        ),
        (
            ("2012-04-09", "2014-08-03", "2014-02-03", "21/08/2013", "19/01/2014"),
            "columns of dates that can be read in two ways",
        ),
    ],
)
def test_what_can_be_read_in_two_ways_stays_text_and_that_is_told(values: tuple[str, ...], remark: str) -> None:
    writing = ColumnWriting(FileOptions(), strict=False)
    assert infer(series(*values), writing.options, writing).tolist() == list(values)
    assert [(about.level, about.what) for about in writing.remarks] == [("warning", remark)]
