"""Rows taken out by `only` and `skip`: what of the mapping no row has is told, with what was probably meant."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pytest

from connectors.files.row_filters import RowFilter, filtered
from connectors.files.settings import Scalar
from features.dataset.data_report import DataReport

BLANKS = frozenset({"", "N/A"})


def told(key: Literal["only", "skip"], values: list[Scalar], *blocks: list[str | None], column: str = "Status") -> list[str]:
    row_filter = RowFilter(key, column, values, BLANKS)
    for block in blocks:
        filtered(pa.table({column: pa.array(block, pa.string())}), [row_filter])
    report = DataReport()
    row_filter.tell("leads", "leads.csv", report)
    return [str(note) for note in report.notes]


def test_a_value_that_no_row_has_is_told_with_the_one_that_was_meant() -> None:
    (line,) = told("skip", ["test", "Spam"], ["Open", "Spam"], ["Test"])
    assert "'test': did you mean 'Test'?" in line
    assert "leads: 1 value under `skip:` that the column 'Status' of leads.csv never has" in line


def test_what_the_column_holds_is_listed_where_nothing_is_near() -> None:
    (line,) = told("only", [7], ["Open", "Spam"])
    assert "'7': known are: 'Open', 'Spam'" in line
    assert line.endswith("no row is kept for them.")


def test_values_of_persons_are_not_listed() -> None:
    (line,) = told("skip", ["test@example.org"], ["ada@example.org", "bob@example.org"], column="E-Mail")
    assert "ada" not in line


@pytest.mark.parametrize(
    ("values", "blocks"),
    [
        (["Spam"], [["Open"], ["Spam"]]),
        ([True, 1], [["1", "0"]]),
        ([False, 0], [["FALSE"]]),
        ([""], [["Open"]]),
        (["N/A"], [["Open"]]),
    ],
    ids=["in another block", "one of two spellings of yes", "one of two spellings of no", "blank as a precaution", "a marker"],
)
def test_nothing_is_told_of_what_is_there_or_only_means_blank(values: list[Scalar], blocks: list[list[str | None]]) -> None:
    assert told("skip", values, *blocks) == []


def test_filters_take_out_rows_together() -> None:
    table = pa.table({"a": ["x", "y", None, "x"], "b": ["1", "1", "1", "2"]})
    only, skip = RowFilter("only", "a", ["x", ""], BLANKS), RowFilter("skip", "b", [2], BLANKS)
    assert filtered(table, [only, skip])["a"].to_pylist() == ["x", None]
    assert filtered(table, []) is table
