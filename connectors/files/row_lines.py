"""Blocks of rows without lines of their file that are no rows: those that name the columns again, sums, what stands below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from connectors.files.excerpts import shown_line
from connectors.files.record_check import RecordCheck, is_total
from connectors.files.record_scan import HOLLOW
from connectors.files.settings import FileOptions

FIRST_ROW = 2  # what is added to `__row__` is the row of a spreadsheet: where nothing stands above the header, it is row 1
ROW = "__row__"
MOST_HEADERS = 100  # lines of a block that are looked at, should they name the columns again

LeftOut = dict[str, tuple[int, str]]  # what is no row → how many lines, an example


def without_headers(
    blocks: Iterator[pa.Table], headers: Sequence[str], check: RecordCheck, header_line: int, left_out: LeftOut
) -> Iterator[pa.Table]:
    """The blocks, without lines that read as the one that names the columns, as where files were put below one another."""
    count, example = 0, ""
    for block in blocks:
        column = next((name for name in block.column_names if name in headers), None)
        spellings = pa.array([column, f"\ufeff{column}", f'\ufeff"{column}"'], pa.string())
        repeats = pc.is_in(pc.utf8_trim_whitespace(block.column(column)), value_set=spellings) if column else None
        suspects = block.column(ROW).filter(repeats).to_pylist() if repeats is not None and pc.any(repeats).as_py() else []
        lines = check.same_lines(header_line, [row + FIRST_ROW for row in suspects[:MOST_HEADERS]])
        if lines:
            count, example = count + len(lines), example or f"row {lines[0]}"
            block = block.filter(pc.invert(pc.is_in(block.column(ROW), value_set=pa.array([n - FIRST_ROW for n in lines]))))  # noqa: PLW2901
        yield block
    if count:
        left_out["lines within the table that name the columns again"] = count, example


def without_totals(
    blocks: Iterator[pa.Table],
    options: FileOptions,
    check: RecordCheck,
    last_lines: Callable[[], Mapping[int, str]],
    left_out: LeftOut,
) -> Iterator[pa.Table]:
    """The blocks, without the lines of sums that the last one ends with; what is no row is noted."""
    last = next(blocks)
    for block in blocks:
        if len(last) or not len(block):
            yield last
            last = last.slice(0, 0)
        last = block if len(block) else last
    check.finish()
    totals: list[str] = []
    texts = last_lines()
    separator, escape = options.separator or ",", options.escape
    while len(last) and is_total(text := texts.get(last[ROW][-1].as_py() + FIRST_ROW, ""), separator, escape):
        totals.append(text)
        last = last.slice(0, len(last) - 1)
    yield last
    lines_left_out = {
        "lines below the table": (len(check.below), "; ".join(map(shown_line, check.below))[:90]),
        "lines of sums": (len(totals), "; ".join(map(shown_line, reversed(totals)))[:90]),
        "rows that hold nothing but separators": (check.scan[HOLLOW], ""),
    }
    left_out.update({what: count_example for what, count_example in lines_left_out.items() if count_example[0]})
