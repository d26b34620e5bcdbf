"""What is wrong with the rows of a CSV file, once it was scanned: marks that swallow rows, rows of another length, NULs."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TextIO

from connectors.files.excerpts import shown_row
from connectors.files.record_scan import (
    BROKEN,
    BROKEN_END,
    BROKEN_ROWS,
    IN_QUOTES,
    LAST_ROW,
    LINE,
    MISSHAPEN,
    MODE,
    MOST_EXAMPLES,
    NUL_LINE,
    OPENED,
    SUSPECTS,
    RecordScan,
)
from features.common.errors import DataError

SHOWN = 90  # characters of a row
_QUOTE_REMEDY = (
    'Take that mark out, or write it twice ("") within a value that stands in marks. If values hold marks behind a backslash, '
    "set `escape: '\\'`."
)
# how the line of sums under a report begins
TOTALS = re.compile(
    r"\W*(grand |sub|over)?(totals?|gesamt(summe|ergebnis)?|summe|insgesamt|total(e|en|i)? g[eé]n[eé]ral\w*|totale|totaal|razem"
    r"|suma)\b(\s*[:(].*)?\W*",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"copyright|©|\(c\) |confidential|generated|all rights|erstellt (am|von)|exported|[^\W\d]{2,}\W+[^\W\d]{2,}", re.IGNORECASE
)


@dataclass
class RecordCheck:
    """The rows of a file with these `headers` as `scan` counted them. `read_text` opens the file anew; what stands below the
    table, and is no row, is in `below` once `finish` was called."""

    name: str
    headers: Sequence[str]
    scan: RecordScan
    footer: bool
    read_text: Callable[[], TextIO]
    below: list[str] = field(default_factory=list)

    def finish(self) -> None:
        """Look at all that was counted.

        Raises
        ------
        DataError
            for the first thing that is wrong, with its row.
        """
        scan = self.scan
        if scan[NUL_LINE]:
            raise DataError(
                f"{self.name}, row {scan[NUL_LINE]}: holds NUL bytes.",
                "The file is damaged, or written in another encoding: set `encoding:` (utf-16, cp1252), or export it anew.",
            )
        if scan[MODE] == IN_QUOTES:
            self._refuse_quote(scan[OPENED], f"is never closed: it swallows all up to the end in row {scan[LINE]}")
        if scan[BROKEN]:
            self._refuse_quote(
                scan[BROKEN], f"is closed in the middle of a value in row {scan[BROKEN_END]}", scan[BROKEN_ROWS] - 1
            )
        self._check_suspects()
        self._check_lengths()

    def unclosed(self) -> DataError | None:
        """A quoted value that is longer than what is read at once, if that is where the scan is."""
        if self.scan[MODE] != IN_QUOTES:
            return None
        return self._quote_error(self.scan[OPENED], "is not closed within millions of characters")

    def _refuse_quote(self, line: int, what: str, further: int = 0) -> None:
        raise self._quote_error(line, what, further)

    def _quote_error(self, line: int, what: str, further: int = 0) -> DataError:
        more = f" ({further:,} more such rows)" if further > 0 else ""
        text = self.row_text(line)
        return DataError(
            f"{self.name}, row {line}: the quotation mark that opens in {text!r} {what}, so that rows are lost{more}.",
            _QUOTE_REMEDY,
        )

    def row_text(self, line: int) -> str:
        """A line of the file (from 1) as it may be shown."""
        return self._shown(next(iter(self._lines([line]).values()), ""))

    def same_lines(self, line: int, candidates: Sequence[int]) -> list[int]:
        """Which of the `candidates` read as this line does (all from 1)."""
        texts = {n: text.strip("\r\n\ufeff ") for n, text in self._lines([line, *candidates]).items()} if candidates else {}
        return [n for n in candidates if texts.get(n) == texts.get(line)]

    def _shown(self, text: str) -> str:
        return shown_row(text, self.scan.separator, self.headers)[:SHOWN]

    def _lines(self, line_numbers: Sequence[int]) -> dict[int, str]:
        """These lines; the file is read once, up to the last of them."""
        numbers = set(line_numbers)
        with self.read_text() as file:
            lines = enumerate(islice(physical_lines(file), max(numbers, default=0)), start=1)
            return {number: text for number, text in lines if number in numbers}

    def _check_suspects(self) -> None:
        """Fields with line breaks and just as many separators as rows would have: are they of the kind that other rows are?"""
        scan = self.scan
        suspects = scan.suspects[: scan[SUSPECTS]].tolist()
        if not suspects:
            return
        inside = {line for _, opened, end, _ in suspects for line in range(opened, end + 1)}
        sample_lines = [n for n in range(scan.first_line, scan.first_line + MOST_EXAMPLES * 4) if n not in inside]
        texts = self._lines([*sorted(inside)[: MOST_EXAMPLES * 64], *sample_lines])
        samples = [self._cells(texts[n]) for n in sample_lines if n in texts]
        shapes = _column_shapes([cells for cells in samples if len(cells) == scan.width], scan.width)
        for _, opened, end, column in suspects:
            first, *middle, last = [texts[n] for n in range(opened, end + 1) if n in texts] or ["", ""]
            genuine = _column_shapes([self._cells(first)[:column]], scan.width)
            known_shapes = [shape | own for shape, own in zip(shapes, genuine, strict=True)]
            swallowed = [self._cells(text) for text in middle] + [self._cells(last)[:column]]
            tail = self._cells(first)[column + 1 :]
            swallowed.append([*[""] * (column + 1), *tail])
            if _like_rows(swallowed, known_shapes):
                self._refuse_quote(opened, f"is closed in row {end} only: what it holds looks like {end - opened:,} rows")

    def _cells(self, text: str) -> list[str]:
        """The cells of a line by its separators alone."""
        return [cell.strip().strip('"') for cell in text.rstrip("\r\n").split(self.scan.separator)]

    def _check_lengths(self) -> None:
        """Rows of another length are an error, unless they are lines that stand below the table."""
        scan = self.scan
        count = scan[MISSHAPEN]
        rows = scan.misshapen[: min(count, MOST_EXAMPLES)].tolist()
        if not count:
            return
        texts = self._lines([line for line, _, _ in rows])
        below, after_footer = [], False
        wrong = []
        for line, fields, after_blank in rows:
            text = texts.get(line, "").strip()
            is_footer = line > scan[LAST_ROW] and fields < scan.width and count <= MOST_EXAMPLES
            is_said = (fields <= 2 and bool(_FOOTER.search(text))) or is_total(
                texts.get(line, "").strip("\r\n"), scan.separator, None
            )
            is_footer = is_footer and (after_footer or bool(after_blank) or is_said)
            after_footer = is_footer
            if is_footer or (self.footer and fields == 1):
                below.append(text)
            else:
                wrong.append((line, fields, text))
        if count > MOST_EXAMPLES and self.footer:
            wrong = [row for row in wrong if row[1] != 1]
        self.below = below
        if wrong:
            more = len(wrong) - 1 + max(0, count - MOST_EXAMPLES)
            line, fields, text = wrong[0]
            raise DataError(
                f"{self.name}, row {line}: {fields} fields, not {scan.width}: {self._shown(text)!r}"
                + (f" (and {more:,} more such rows)." if more else "."),
                f"The separator was taken to be {scan.separator!r}; set `separator:` or quote the value that holds one. Lines "
                "that are no rows are left out with `footer: true`.",
            )


def physical_lines(file: TextIO) -> Iterator[str]:
    """The lines of a text file opened with `newline=""`, whichever way they end."""
    for text in file:
        yield from (re.findall(r"[^\r]*\r(?!\n)|[^\r]*(?:\r\n|\n)|[^\r]+\Z", text) if "\r" in text[:-2] else [text])


def _shape_of(value: str) -> str:
    """How a value is written: runs of digits as 9, of letters as a.

    >>> _shape_of("2026-01-03T10:00:00Z"), _shape_of("Pricing page")
    ('9-9-9a9:9:9a', 'a a')
    """
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", value))


def _column_shapes(rows: Sequence[Sequence[str]], width: int) -> list[set[str]]:
    """By column the shapes that its values have."""
    return [{_shape_of(row[column]) for row in rows if column < len(row) and row[column]} for column in range(width)]


def _like_rows(rows: Sequence[Sequence[str]], shapes: Sequence[set[str]]) -> bool:
    """Are the cells of these rows of the shapes of their columns, and some of them such as words never have?"""
    telling = 0
    for row in rows:
        for value, known_shapes in zip(row, shapes, strict=False):
            with_digits = bool(known_shapes) and all("9" in shape for shape in known_shapes)
            if not value or not with_digits:
                continue
            if _shape_of(value) not in known_shapes:
                return False
            telling += 1
    return telling > 0


def is_total(text: str, separator: str, escape: str | None) -> bool:
    """Is a row the line of sums below a table, which begins with a word for that?

    >>> is_total("Grand Total,,,1200", ",", None), is_total("Totalenergies,fr,,", ",", None)
    (True, False)
    """
    cells = next(csv.reader([text], delimiter=separator, escapechar=escape), [])
    first = next((cell.strip() for cell in cells if cell.strip()), "")
    return bool(TOTALS.fullmatch(first)) and any(not cell.strip() for cell in cells)
