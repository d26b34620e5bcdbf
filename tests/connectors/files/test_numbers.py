"""Columns of numbers in, values or a sentence out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.convert import Origin, numbers
from connectors.files.date_orders import Remark
from connectors.files.settings import FileOptions
from connectors.files.writing import ColumnWriting
from features.common.errors import DataError
from tests.connectors.files.texts import series

ORIGIN = Origin("a.csv", "Revenue", "annual_revenue")


def read(texts: str, *, counts: bool = False, **options: Any) -> tuple[list[float], list[Remark]]:
    writing = ColumnWriting(FileOptions(**options), counts=counts)
    values = numbers(series(*(text or None for text in texts.split("|"))), writing.options, ORIGIN, writing)
    return values.tolist(), writing.remarks


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        # as software writes them
        ("1|2.5|-3|1e3|", [1, 2.5, -3, 1000, math.nan]),
        ("0.125|1.234", [0.125, 1.234]),
        ("+3|.5|5.", [3, 0.5, 5]),
        ("1.2345|12.345", [1.2345, 12.345]),
        ("1234.567|2.345", [1234.567, 2.345]),
        # the decimal comma
        ("12,5|1.250,75|3,5", [12.5, 1250.75, 3.5]),
        ("0,125|0,500|0,250", [0.125, 0.5, 0.25]),
        ("12,5|1.234", [12.5, 1234]),
        ("1.234.567|1.234|850", [1234567, 1234, 850]),
        ("1,2E+05|3,5e-1", [120000, 0.35]),
        ("-0,5|−1,25|1.234,50-", [-0.5, -1.25, -1234.5]),
        ("1234,5678", [1234.5678]),
        # the decimal point
        ("1,234.50|2,000", [1234.5, 2000]),
        ("1,234,567|1,234", [1234567, 1234]),
        ("12,34,567|1,50,000|99,999", [1234567, 150000, 99999]),
        ("12.5|1,234", [12.5, 1234]),
        # blanks and apostrophes
        ("1 234,56|12 500", [1234.56, 12500]),
        ("1\u00a0234,5|1\u202f234\u202f567|1\u2009000", [1234.5, 1234567, 1000]),
        ("1'234.50|1’200", [1234.5, 1200]),
        ("12 345.678|1", [12345.678, 1]),
        # signs
        ("(1,234.50)|(300)|20", [-1234.5, -300, 20]),
        ("($5.00)|-$6.25|$-7.5|7.00", [-5, -6.25, -7.5, 7]),
        ("–3|-4|5-", [-3, -4, -5]),
        ("~12|ca. 13|≈ 14|etwa 15|approx. 16", [12, 13, 14, 15, 16]),
        # percent and money
        ("12 %|12,5%|3 Prozent", [12, 12.5, 3]),
        ("€ 1.234,50|12 €|3,5 EUR|EUR 4", [1234.5, 12, 3.5, 4]),
        ("$1,234.50|USD 12|3.5 $", [1234.5, 12, 3.5]),
        ("£5|GBP 6", [5, 6]),
        ("CHF 1'200.50|Fr. 12.00", [1200.5, 12]),
        ("₹ 12,34,567.50", [1234567.5]),
        ("5,- €|1.234,- €|12,50 €", [5, 1234, 12.5]),
        # magnitudes
        ("12 k|1.5M|2bn|300", [12e3, 1.5e6, 2e9, 300]),
        ("1,2 Mio.|3 Mrd. €|250 Tsd.|12 T€", [1.2e6, 3e9, 250e3, 12e3]),
        ("$1.5B|2.5 million|3 thousand", [1.5e9, 2.5e6, 3e3]),
        ("5 TEUR|6 MEUR|7 Mio EUR|8k€", [5e3, 6e6, 7e6, 8e3]),
        ("5 lakh|2 crore|1.5 Cr", [5e5, 2e7, 1.5e7]),
        # units
        ("1 Tag|3 Tage", [1, 3]),
        ("12kg|3.5 kg", [12, 3.5]),
        ("45 min|30 min.", [45, 30]),
        ("€ 12.000,50 p.a.|€ 900,5 p. a.", [12000.5, 900.5]),
        ("$5.50/month|$6/month", [5.5, 6]),
        # ranges, with plain numbers among them
        ("51-200|1000+|7", [math.sqrt(51 * 200), 1000, 7]),
        ("> 10 Mio. €|unter 10", [10e6, 5]),
        ("1.001–5.000", [math.sqrt(1001 * 5000)]),
    ],
)
def test_columns_that_tell_how_they_are_written_are_read_without_being_told(texts: str, values: list[float]) -> None:
    got, _ = read(texts)
    np.testing.assert_allclose(got, values)


READ_BY = {
    "semicolons": (
        "1.234|12.500|2.000",
        {"separator": ";"},
        [1234, 12500, 2000],
        "warning",
        r"read as 1,234.*';'.*if it is 1.234, set `decimal: \".\"`",
    ),
    "semicolons and commas": (
        "1,234|2,500",
        {"separator": ";"},
        [1.234, 2.5],
        "warning",
        r"read as 1.234.*if it is 1,234, set",
    ),
    "commas": ("1.234", {"separator": ","}, [1.234], "warning", r"read as 1.234.*if it is 1,234, set `decimal: \",\"`"),
    "commas, quoted": (
        "1,234|12,500",
        {"separator": ","},
        [1234, 12500],
        "warning",
        r"read as 1,234.*if it is 1.234, set `decimal: \",\"`",
    ),
    "tabs": ("1.234", {"separator": "\t"}, [1.234], "warning", "as software writes numbers"),
    "counts": ("1.200|12.500|300", {"separator": ",", "counts": True}, [1200, 12500, 300], "note", "counts what is whole"),
    "counts in English": ("1,200|300", {"separator": ";", "counts": True}, [1200, 300], "note", "counts what is whole"),
    "money": ("€ 1.200|€ 300", {"separator": ","}, [1200, 300], "note", "no amount of money has three decimals"),
    "money in dollars": ("$1,200", {"separator": ";"}, [1200], "note", "no amount of money has three decimals"),
}


@pytest.mark.parametrize(("texts", "options", "values", "level", "sentence"), READ_BY.values(), ids=READ_BY)
def test_a_thousand_or_a_fraction_is_told(
    texts: str, options: dict[str, Any], values: list[float], level: str, sentence: str
) -> None:
    got, (remark,) = read(texts, **options)
    assert got == values
    assert remark.level == level
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError(remark.action)


@pytest.mark.parametrize(
    ("texts", "decimal", "values"),
    [
        ("1.234|12.500", ",", [1234, 12500]),
        ("1.234|12.500", ".", [1.234, 12.5]),
        ("1,234", ",", [1.234]),
        ("1,234", ".", [1234]),
        ("12.5|0.25", ",", [12.5, 0.25]),  # makes no sense otherwise, and is told
        ("12,5|3", ".", [12.5, 3]),
        ("1.234|12", ",", [1234, 12]),
    ],
)
def test_a_decimal_sign_that_is_given_is_obeyed_where_both_make_sense(texts: str, decimal: str, values: list[float]) -> None:
    got, remarks = read(texts, decimal=decimal)
    assert got == values
    assert [remark.what for remark in remarks] == (
        [f'columns written otherwise than `decimal: "{decimal}"`'] if "5|" in texts else []
    )


@pytest.mark.parametrize(
    ("texts", "options", "sentence"),
    [
        ("1.5|1.234.567", {}, r"'1.5' \(row 2\) makes sense only with a decimal point, '1.234.567' \(row 3\)"),
        ("12,50|12.50", {}, r"'12,50' \(row 2\) makes sense only with a decimal comma"),
        ("12.5|1.234", {"decimal": ","}, r"'12.5' \(row 2\) does not fit `decimal: \",\"`.*\n.*`decimal: \".\"`"),
        ("12,5|1,234", {"decimal": "."}, r"'12,5' \(row 2\) does not fit `decimal: \".\"`.*\n.*`decimal: \",\"`"),
        ("12|many", {}, r"row 3.*'many' is not a number"),
        ("1.2.3", {}, r"'1.2.3' is not a number"),
        ("030 1234|5", {}, r"'030 1234' is not a number"),
        ("1,234,56", {}, r"'1,234,56' is not a number"),
        ("12|1 2", {}, r"'1 2' is not a number"),
        ("inf|1", {}, r"'inf' is not a number"),
        ("2026-03-31", {}, r"is not a number"),
        ("--5", {}, r"is not a number"),
        ("5a|5b", {}, r"is not a number"),
    ],
)
def test_what_contradicts_or_is_no_number_is_one_sentence(texts: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read(texts, **options)


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        ("€5|$6", "columns with amounts in several currencies"),
        ("12 %|0.5", "columns with and without a percent sign"),
        ("7|51-200", "columns with ranges of numbers"),
        ("12 kg|300 g", "columns of numbers in several units"),
    ],
)
def test_what_is_mixed_in_a_column_is_told(texts: str, what: str) -> None:
    assert [remark.what for remark in read(texts)[1]] == [what]


@pytest.mark.parametrize("texts", ["€5|6 EUR|7", "1 Woche|2 Wochen", "12 %|3,5 %", "5|6.5"])
def test_what_is_written_alike_gets_no_remark(texts: str) -> None:
    assert read(texts)[1] == []


def written(number: float, decimal: str, mark: str, places: int, before: str, after: str) -> str:
    whole, _, fraction = f"{abs(number):,.{places}f}".partition(".")
    return ("-" if number < 0 else "") + before + whole.replace(",", mark) + (decimal + fraction if fraction else "") + after


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6),
    st.sampled_from([(".", ","), (",", "."), (",", " "), (".", "'"), (",", "\u202f"), (".", ""), (",", "")]),
    st.integers(0, 3),
    st.sampled_from([("", ""), ("€ ", ""), ("", " €"), ("$", ""), ("", " %"), ("", " Stück")]),
    st.sampled_from([",", ";", "\t"]),
)
def test_numbers_that_were_written_are_read_back_or_a_doubt_is_told(
    whole: list[int], signs: tuple[str, str], places: int, around: tuple[str, str], separator: str
) -> None:
    values = [number / 10**places for number in whole]
    texts = "|".join(written(value, *signs, places, *around) for value in values)
    got, remarks = read(texts, separator=separator)
    assert got == pytest.approx(values, abs=1e-9) or [r for r in remarks if r.what.startswith("columns whose numbers can be")]


def test_evidence_of_blocks_is_that_of_the_whole() -> None:
    whole = series("12", "1.234", "€ 5", "51-200", "12,5", None)

    def judged(*blocks: Any) -> Any:
        writing = ColumnWriting(FileOptions(), lambda: blocks)
        return writing.numbers(blocks[0]), writing.number_evidence

    assert judged(whole) == judged(whole[:2], whole[2:3], whole[3:])


def test_only_what_is_no_more_than_usual_is_a_doubt() -> None:
    doubts = [
        ColumnWriting(FileOptions(separator=";"), counts=counts).numbers(series("1.200", *others)).doubt
        for counts, others in ((False, []), (True, []), (False, ["12,50"]))
    ]
    assert [doubt is not None for doubt in doubts] == [True, False, False]
