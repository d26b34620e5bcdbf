"""Rows and their lines are those of Python's own reader, wherever the file is cut."""

from __future__ import annotations

import csv
import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.record_scan import (
    BROKEN,
    BROKEN_ROWS,
    HOLLOW,
    LAST_ROW,
    LINE,
    MISSHAPEN,
    MODE,
    NUL_LINE,
    SUSPECTS,
    RecordScan,
)

CELL = st.text(st.sampled_from('ab "\n\r,;é'), max_size=5)


@given(table=st.lists(st.tuples(CELL, CELL, CELL), max_size=6), blanks=st.integers(0, 2), cut=st.integers(1, 9))
@settings(deadline=None)
def test_rows_start_on_the_lines_on_which_python_reads_them(table: list[tuple[str, str, str]], blanks: int, cut: int) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    for row in table:
        writer.writerow(row)
        out.write("\n" * blanks)
    text = out.getvalue()
    starts, lines = [], 0
    for row in table:
        starts.append(lines + 5)
        breaks = [cell.replace("\r\n", "\n").replace("\r", "\n").count("\n") for cell in row]
        lines += 1 + sum(breaks) + blanks
    scan = RecordScan(",", None, 3, 5)
    data = text.encode()
    for begin in range(0, len(data), cut):
        scan.feed(data[begin : begin + cut])
    scan.finish()
    taken = scan.take(len(table) + 1)
    assert np.abs(taken).tolist() == starts
    assert scan[MISSHAPEN] == 0


ROW = st.one_of(
    st.lists(st.one_of(st.text("ab1é", max_size=25), st.text('ab,"\n\r', max_size=9)), min_size=3, max_size=3),
    st.lists(st.text("ab, ", max_size=3), max_size=4),
)


@given(
    rows=st.lists(ROW, max_size=25),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    damage=st.tuples(st.integers(0, 400), st.sampled_from(["", '"', "\0", "\n\n", "\r", " "])),
    escape=st.sampled_from([None, "\\"]),
)
@settings(deadline=None)
def test_rows_are_the_same_in_crumbs_that_are_looked_at_byte_by_byte(
    rows: list[list[str]], end: str, damage: tuple[int, str], escape: str | None
) -> None:
    """All that is counted of them too, whatever the file holds."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows(rows)
    text = out.getvalue()
    data = (text[: damage[0]] + damage[1] + text[damage[0] :]).encode()
    scans = []
    for size in (len(data) or 1, 7):
        scan = RecordScan(",", escape, 3, 2)
        for begin in range(0, len(data), size):
            scan.feed(data[begin : begin + size])
        scan.finish()
        told = [scan[place] for place in (MODE, LINE, MISSHAPEN, SUSPECTS, BROKEN, BROKEN_ROWS, NUL_LINE, LAST_ROW, HOLLOW)]
        scans.append((told, scan.take(len(data)).tolist(), scan.misshapen.tolist(), scan.suspects.tolist()))
    assert scans[0] == scans[1]
