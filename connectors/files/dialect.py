"""How a CSV file is written: its encoding, its separator, how quotation marks are escaped, and which line names its columns.

Judged by the first 64 KB. Reports have titles above the header, `sep=;` or blank lines; what stands there is told, and
`header:` says which line it is where the guess is wrong.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.files.excerpts import shown_line, shown_text
from connectors.files.settings import FileOptions
from features.common.errors import DataError

SEPARATORS = ",;\t|"
LOOKED_AT = 100  # rows
_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_OTHER_KINDS = (
    (b"PK\x03\x04", "an Excel workbook or another zip archive", "Open it and save it as CSV (UTF-8), or unpack it."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Open it and save it as CSV (UTF-8)."),
    (b"%PDF", "a PDF", "Export the same as CSV."),
    (b"BZh", "compressed with bzip2", "Unpack it, or compress it with gzip."),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", "Unpack it, or compress it with gzip."),
    (b"\xfd7zXZ", "compressed with xz", "Unpack it, or compress it with gzip."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it."),
)
_MARKUP = re.compile(rb"\s*(<!doctype html|<html|<table|<\?xml|<head)", re.IGNORECASE)
_JSON = re.compile(rb'\s*(\[\s*)?\{\s*"')
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_SEP_LINE = re.compile(r'"?sep=(.)"?,*;*', re.IGNORECASE)
_VALUE = re.compile(r"[\s\d.,:/+\-%€$£]*\d[\s\d.,:/+\-%€$£TZ]*")  # a number or a date, which names no column

Row = tuple[int, int, list[str]]  # the line after the one it ends on, that it begins on (both from 0), its cells


@dataclass(frozen=True)
class Dialect:
    """`options` with nothing left open; the `header`'s cells, how many `lines` there are up to its end, what stands `above`."""

    options: FileOptions
    header: tuple[str, ...]
    lines: int
    above: tuple[str, ...]


def refuse_other_kinds(sample: bytes, name: str) -> None:
    """Raise a DataError that says what a file is that has begun with these bytes, if it is no text of rows."""
    for magic, kind, remedy in _OTHER_KINDS:
        if sample.startswith(magic):
            raise DataError(f"{name} is {kind}, whatever its name says.", remedy)
    if _MARKUP.match(sample):
        raise DataError(
            f"{name} is a web page or XML, no table of rows.", "Export it as CSV; it may be a page that asks to log in."
        )
    if _JSON.match(sample):
        raise DataError(f"{name} is JSON, no table of rows.", "Export it as CSV or Parquet.")


def find_dialect(sample: bytes, name: str, options: FileOptions, is_whole: bool) -> Dialect:
    """How a file that begins with `sample` is written; `whole`: it is all of it.

    Raises
    ------
    DataError
        if it is of another kind, or no line can be made out to be the header.
    """
    refuse_other_kinds(sample, name)
    encoding = _encoding(sample, options)
    text = sample.decode(encoding, errors="replace").removeprefix("\ufeff")
    lines = _LINE.findall(text)
    lines = lines if is_whole or len(lines) == 1 else lines[:-1]
    marked = _SEP_LINE.fullmatch(lines[0].rstrip("\r\n")) if lines else None
    start = 1 if marked else 0
    separator = options.separator or (marked[1] if marked else None) or _separator(lines[start:])
    escape = options.escape or _escape(lines[start:], separator)
    rows = [(end + start, begin + start, cells) for end, begin, cells in _rows(lines[start:], separator, escape)]
    end, begin, header = _header(rows, name, options, lines)
    above = tuple(line.strip().strip('"' + separator) for line in lines[:begin] if line.strip().strip('"' + separator))
    filled = options.model_copy(update={"encoding": encoding, "separator": separator, "escape": escape})
    below = [cells for _, line, cells in rows if line >= end and any(cell.strip() for cell in cells)]
    return Dialect(filled, tuple(_fitted(header, below)), end, above)


def _encoding(sample: bytes, options: FileOptions) -> str:
    marked = next((encoding for bom, encoding in _BOMS if sample.startswith(bom)), None)
    if marked or options.encoding not in (None, "utf-8"):
        return marked or str(options.encoding)
    odd, even = sample[1::2].count(0), sample[::2].count(0)
    if max(odd, even) > len(sample) // 4 and min(odd, even) < max(odd, even) // 4:
        return "utf-16-le" if odd > even else "utf-16-be"  # without the mark at its beginning
    return "utf-8"


def _rows(lines: Sequence[str], separator: str, escape: str | None) -> Iterator[Row]:
    reader = csv.reader(iter(lines), delimiter=separator, escapechar=escape)
    begin = 0
    try:
        for cells in reader:
            yield reader.line_num, begin, cells
            begin = reader.line_num
            if begin >= LOOKED_AT * 4:
                return
    except csv.Error:
        return


def _shape(lines: Sequence[str], separator: str, escape: str | None = None) -> tuple[int, int]:
    """How well a separator cuts the lines: how many have the number of fields that most have, then that number."""
    widths = Counter(len(cells) for _, _, cells in _rows(lines[:LOOKED_AT], separator, escape) if len(cells) > 1)
    return max(((count, width) for width, count in widths.items()), default=(0, 1))


def _separator(lines: Sequence[str]) -> str:
    return max(SEPARATORS, key=lambda separator: _shape(lines, separator))


def _escape(lines: Sequence[str], separator: str) -> str | None:
    """A backslash, where marks within values stand behind one and the lines cut well only so."""
    if not any('\\"' in line for line in lines):
        return None
    return "\\" if _shape(lines, separator, "\\") > _shape(lines, separator) else None


def _header(rows: Sequence[Row], name: str, options: FileOptions, lines: Sequence[str]) -> Row:
    """The row that names the columns: the first one that is no title."""
    if options.header:
        row = next((row for row in rows if row[1] == options.header - 1), None)
        if row is None:
            raise DataError(f"{name}: no row begins on line {options.header}, which `header:` names.", "Look at the file.")
        return row
    widths = Counter(len(cells) for _, _, cells in rows if len(cells) > 1)
    width = max(widths, key=lambda width: (widths[width], width)) if widths else 1
    filled = [row for row in rows if any(cell.strip() for cell in row[2])]
    if not filled:
        return rows[0] if rows else (len(lines), 0, [""])
    if _trailing(len(filled[0][2]), [cells for _, _, cells in filled[1:]]):
        return filled[0]
    header = next((row for row in filled if not _is_title(row[2], width)), filled[0])
    header = _below_groups(header, filled)
    values = sum(bool(_VALUE.fullmatch(cell.strip())) for cell in header[2])
    if header is not filled[0] and values:
        first = shown_line(filled[0][2][0].strip())[:60]
        example = ", ".join(shown_text(cell) for cell in header[2] if _VALUE.fullmatch(cell.strip()))[:60]
        raise DataError(
            f"{name}: row {filled[0][1] + 1} ({first!r}) does not name {width} columns, and row {header[1] + 1} "
            f"({example!r}) holds values.",
            "Say which line names the columns: `header: 3`; or set `separator:`.",
        )
    return header


def _below_groups(header: Row, filled: Sequence[Row]) -> Row:
    """The row below where the header only names groups of columns, as merged cells become: it has blanks, the row below has
    names at these places and elsewhere, of which at least one stands above nothing but numbers and dates."""
    number = filled.index(header)
    names = filled[number + 1][2] if number + 1 < len(filled) else []
    blank = [not cell.strip() for cell in header[2]]
    words = [cell.strip() for cell in names]
    is_narrower = len(words) != len(blank) or not any(blank) or sum(map(bool, words)) <= len(blank) - sum(blank)
    if is_narrower or len({*words} - {""}) < sum(map(bool, words)) or any(_VALUE.fullmatch(word) for word in words):
        return header
    below = [cells for _, _, cells in filled[number + 2 :] if len(cells) == len(words)]
    columns = [[cells[i].strip() for cells in below if cells[i].strip()] for i, word in enumerate(words) if word]
    is_above_values = any(len(column) > 1 and all(map(_VALUE.fullmatch, column)) for column in columns)
    covers = all(word for word, gap in zip(words, blank, strict=True) if gap)
    return filled[number + 1] if is_above_values and covers else header


def _is_title(cells: Sequence[str], width: int) -> bool:
    """Is this a line above the header of a table of so many columns?"""
    filled = sum(bool(cell.strip()) for cell in cells)
    if len(cells) < width and (filled < 2 or (filled == 2 and width > 3)):  # "Created by", somebody
        return True
    return width > 2 and filled < 2  # a title, and separators up to the last column


def _trailing(width: int, rows: Sequence[Sequence[str]]) -> bool:
    """Does each row have a separator at its end that the header has not?"""
    wide = [cells for cells in rows if len(cells) == width + 1]
    return bool(wide) and 2 * len(wide) > len(rows) and not any(cells[-1].strip() for cells in wide)


def _fitted(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The header with a column for the separator that each row ends with, or without the one that only it ends with."""
    if _trailing(len(header), rows):
        return [*header, ""]
    short = sum(len(cells) == len(header) - 1 for cells in rows)
    if len(header) > 1 and not header[-1].strip() and 2 * short > len(rows):
        return list(header[:-1])
    return list(header)
