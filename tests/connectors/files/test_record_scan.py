"""Rows and their lines are those of Python's own reader, wherever the file is cut."""

from __future__ import annotations

import csv
import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.record_scan import MISSHAPEN, RecordScan

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
