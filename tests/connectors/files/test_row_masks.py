"""What is passed as ordinary rows is that, and whatever is not stops it at its beginning."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.row_masks import bit_count, pass_rows

LONG = "x" * 70


def csv_line(cells: list[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def passed(text: str, start: int = 0, width: int = 2) -> tuple[int, list[int]]:
    """Where passing stops, and the lines of the rows passed."""
    data = text.encode() + b"." * 64  # the last block is never whole
    lines = np.zeros(len(data), np.int64)
    words = np.frombuffer(data, np.uint64, len(data) // 8)
    view = np.frombuffer(data, np.uint8)
    end, count = pass_rows(view, words, start, ord(","), width, '"' in text, "\r" in text, 7, lines, 0)
    return end, lines[:count].tolist()


@pytest.mark.parametrize(
    "row",
    [
        "a,b\n",
        "a,b\r\n",
        ",b\n",
        '"a,1","b ""c"""\n',
        '"","b"\r\n',
        'a,"b"c\n',
        f'{LONG},"{LONG}, {LONG}"\n',
        "é,ü\n",
    ],
)
def test_ordinary_rows_are_passed(row: str) -> None:
    assert passed(row * 90) == (90 * len(row.encode()), list(range(7, 97)))


@pytest.mark.parametrize(
    "row",
    ["\n", "\r\n", "a\n", "a,b,c\n", ",\n", ' ,""\n', 'a,"b\nc"\n', 'a,"b\rc"\n', 'a,5"6"\n', 'a, "b,c"\n', "a,b\rc,d\n"],
)
@pytest.mark.parametrize("before", [0, 1, 15, 16, 40])
def test_the_first_row_that_is_not_stops_it_at_its_beginning(row: str, before: int) -> None:
    ordinary = "a1,b\n"
    text = ordinary * before + row + ordinary * 40
    assert passed(text) == (5 * before, list(range(7, 7 + before)))


@given(
    rows=st.lists(st.tuples(st.text("ab é", min_size=1, max_size=80), st.text('c,"', max_size=80))), skipped=st.integers(0, 3)
)
@settings(deadline=None)
def test_rows_are_those_of_a_writer_wherever_it_begins(rows: list[tuple[str, str]], skipped: int) -> None:
    texts = [csv_line([f"x{first}", second]) for first, second in rows]
    start = len("".join(texts[:skipped]).encode())
    end, lines = passed("".join(texts), start)
    assert end == len("".join(texts).encode())
    assert lines == list(range(7, 7 + len(texts[skipped:])))


def test_bits_are_counted() -> None:
    assert [bit_count(np.uint64(n)) for n in (0, 1, 0xF0F0, 2**64 - 1)] == [0, 1, 8, 64]
