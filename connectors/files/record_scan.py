"""One pass over the bytes of a CSV file beside the parser: on which line each row starts, and what no parser tells of.

A quotation mark that is never closed makes one field of all the rows up to the next one, and the parser is content. Counted
here: lines on which rows start, rows with too few or too many fields, fields that hold line breaks and just as many
separators as rows would, marks that close a field in the middle of a word. The rules are those of pyarrow: a mark opens a field
only at its beginning, two of them are one, blank lines are no rows.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from connectors.files.row_masks import pass_rows
from features.common.compiled import exact

Ints = npt.NDArray[np.int64]

AT_START, IN_FIELD, IN_QUOTES, AFTER_QUOTE = 0, 1, 2, 3
MOST_EXAMPLES = 64
MOST_SLOW_ROWS = 64
_IS_BIG_ENDIAN = sys.byteorder == "big"  # the words of `row_masks` have their lowest byte first
# places in the state that goes from one piece of the file to the next
(
    MODE, SEPARATORS, LINE, START, FILLED, AFTER_CR, ESCAPED, OPENED, BREAKS, FIRST_PART, THIS_PART, LIKE_ROWS, COLUMN,
    ANYTHING, SWALLOWS, BLANK_BEFORE, MISSHAPEN, SUSPECTS, BROKEN, BROKEN_END, BROKEN_ROWS, NUL_LINE, LAST_ROW, HOLLOW, SIZE,
) = range(25)  # fmt: skip
_QUOTE, _NEWLINE, _RETURN, _BLANK = 34, 10, 13, 32


@exact
def _end_record(state: Any, width: int, lines: Any, count: int, misshapen: Any, suspects: Any) -> int:
    """Note what the row that ends is; the new number of rows in `lines`."""
    fields = state[SEPARATORS] + 1
    if state[ANYTHING] == 0:
        state[BLANK_BEFORE] = 1
    elif fields == width:
        lines[count] = state[START] if state[FILLED] else -state[START]
        count += 1
        if state[FILLED]:
            state[LAST_ROW] = state[START]
        else:
            state[HOLLOW] += 1
        if state[SWALLOWS] and state[SUSPECTS] < len(suspects):
            suspects[state[SUSPECTS], 0] = state[START]
            suspects[state[SUSPECTS], 1] = state[SWALLOWS]
            suspects[state[SUSPECTS], 2] = state[LINE]
            suspects[state[SUSPECTS], 3] = state[COLUMN]
            state[SUSPECTS] += 1
        state[BLANK_BEFORE] = 0
    elif state[FILLED]:
        if state[MISSHAPEN] < len(misshapen):
            misshapen[state[MISSHAPEN], 0] = state[START]
            misshapen[state[MISSHAPEN], 1] = fields
            misshapen[state[MISSHAPEN], 2] = state[BLANK_BEFORE]
        state[MISSHAPEN] += 1
        state[BLANK_BEFORE] = 0
    else:
        state[BLANK_BEFORE] = 1
    state[MODE] = AT_START
    state[SEPARATORS] = state[FILLED] = state[ANYTHING] = state[SWALLOWS] = 0
    return count


@exact
def _close_field(state: Any, width: int, next_byte: int, ends: bool) -> None:
    """A quoted field has ended before `next_byte`, with which it should end: is what it holds rows?"""
    if state[BREAKS] == 0:
        return
    if state[LIKE_ROWS] and state[FIRST_PART] == width - 1 - state[COLUMN] and state[THIS_PART] == state[COLUMN] and width > 1:
        state[SWALLOWS] = state[OPENED]
    if not ends and next_byte > _BLANK:
        if state[BROKEN] == 0:
            state[BROKEN], state[BROKEN_END] = state[OPENED], state[LINE]
        state[BROKEN_ROWS] += 1
    state[BREAKS] = 0


@exact
def _quoted(byte: int, separator: int, is_break: bool, width: int, state: Any) -> int:
    """The next byte within quotation marks that means something; the mode from there on."""
    if byte == _QUOTE:
        return AFTER_QUOTE
    if byte == separator:
        state[THIS_PART] += 1
    elif is_break:
        state[LINE] += 1
        if state[BREAKS] == 0:
            state[FIRST_PART] = state[THIS_PART]
        elif state[THIS_PART] != width - 1:
            state[LIKE_ROWS] = 0
        state[BREAKS] += 1
        state[THIS_PART] = 0
    return IN_QUOTES


@exact
def _end_of_word(data: Any, position: int, ends: Any, state: Any) -> int:
    """The place of the next byte that `ends` a run of text; notes whether the run holds more than blanks."""
    size = len(data)
    while position < size and data[position] <= _BLANK and not ends[data[position]]:
        position += 1
    if position < size and not ends[data[position]]:
        state[FILLED] = 1
    while position < size and not ends[data[position]]:
        position += 1
    return position


@exact
def _scan(  # noqa: PLR0917
    data: Any, words: Any, odd: bool, separator: int, escape: int, width: int, state: Any, lines: Any, misshapen: Any,
    suspects: Any, quotes: bool, returns: bool,
) -> int:  # fmt: skip
    """Go on through the bytes `data`; how many rows ended in it, which `lines` then tells of: the line of each, negative where
    it holds nothing but separators. Where the bytes are not `odd`, ordinary rows are passed without a look at each byte."""
    ends_word = np.zeros(256, np.bool_)  # bytes that mean something wherever they stand
    for byte in (separator, escape, _NEWLINE, _RETURN, 0):
        if byte >= 0:
            ends_word[byte] = True
    ends_quoted = ends_word.copy()
    ends_quoted[_QUOTE] = True
    count, position, size = 0, 0, len(data)
    slow_rows = size if odd else 1  # looked at byte by byte before the next try, which in vain costs as much as a row
    while position < size:
        if not odd and state[MODE] == AT_START and state[ANYTHING] == 0:
            if state[AFTER_CR] and data[position] == _NEWLINE:
                position += 1
            state[AFTER_CR] = 0
            rows = count
            position, count = pass_rows(data, words, position, separator, width, quotes, returns, state[LINE], lines, rows)
            if count > rows:
                state[LINE] += count - rows
                state[LAST_ROW], state[BLANK_BEFORE] = lines[count - 1], 0
            slow_rows = 1 if count > rows + 1 else min(2 * slow_rows, MOST_SLOW_ROWS)
        position, count = _scan_bytes(
            data,
            position,
            slow_rows,
            separator,
            escape,
            width,
            ends_word,
            ends_quoted,
            state,
            lines,
            count,
            misshapen,
            suspects,
        )
    return count


@exact
def _scan_bytes(  # noqa: PLR0912, PLR0915, PLR0917  a call for each byte would cost more than what is done with it
    data: Any, position: int, rows: int, separator: int, escape: int, width: int, ends_word: Any, ends_quoted: Any,
    state: Any, lines: Any, count: int, misshapen: Any, suspects: Any,
) -> tuple[int, int]:  # fmt: skip
    """Go on byte by byte, to the end of so many `rows`: the next position, and the new number of rows in `lines`.
    `ends_word`, `ends_quoted`: which bytes (256,) mean something outside and within quotation marks."""
    size, mode = len(data), state[MODE]
    while position < size:
        byte = data[position]
        if state[AFTER_CR] and byte == _NEWLINE:
            state[AFTER_CR] = 0
            position += 1
            continue
        state[AFTER_CR] = 0
        if state[ESCAPED]:
            state[ESCAPED] = 0
            state[LINE] += byte in (_NEWLINE, _RETURN)
            state[AFTER_CR] = byte == _RETURN
            position += 1
            continue
        if mode != IN_QUOTES and byte != _QUOTE and not ends_word[byte] and mode != AFTER_QUOTE:
            if state[ANYTHING] == 0:
                state[START] = state[LINE]
                state[ANYTHING] = 1
            mode = IN_FIELD
        if mode in (IN_FIELD, IN_QUOTES):
            position = _end_of_word(data, position, ends_quoted if mode == IN_QUOTES else ends_word, state)
            if position == size:
                break
            byte = data[position]
        position += 1
        if byte == separator and mode <= IN_FIELD:
            if state[ANYTHING] == 0:
                state[START] = state[LINE]
                state[ANYTHING] = 1
            state[SEPARATORS] += 1
            mode = AT_START
            continue
        if byte == 0 and state[NUL_LINE] == 0:
            state[NUL_LINE] = state[LINE]
        is_break = byte in (_NEWLINE, _RETURN)
        if byte == _RETURN:
            state[AFTER_CR] = 1
        if byte == escape:
            if state[ANYTHING] == 0:
                state[START] = state[LINE]
            state[ESCAPED] = state[ANYTHING] = state[FILLED] = 1
            mode = IN_QUOTES if mode == IN_QUOTES else IN_FIELD
        elif mode == IN_QUOTES:
            mode = _quoted(byte, separator, is_break, width, state)
        elif byte == _QUOTE and mode != IN_FIELD:
            if mode == AT_START:
                if state[ANYTHING] == 0:
                    state[START] = state[LINE]
                state[ANYTHING] = state[LIKE_ROWS] = 1
                state[OPENED], state[COLUMN] = state[LINE], state[SEPARATORS]
                state[BREAKS] = state[THIS_PART] = 0
            mode = IN_QUOTES
        else:
            if mode == AFTER_QUOTE and state[BREAKS]:
                _close_field(state, width, byte, byte == separator or is_break)
            if is_break:
                if state[SEPARATORS] == width - 1 and state[FILLED] and state[SWALLOWS] == 0:
                    lines[count] = state[LAST_ROW] = state[START]
                    state[SEPARATORS] = state[FILLED] = state[ANYTHING] = state[BLANK_BEFORE] = 0
                    count += 1
                else:
                    count = _end_record(state, width, lines, count, misshapen, suspects)
                mode = AT_START
                state[LINE] += 1
                rows -= 1
                if rows == 0:
                    break
            elif byte == separator:
                state[SEPARATORS] += 1
                mode = AT_START
            else:
                mode = IN_FIELD
                if byte > _BLANK:
                    state[FILLED] = 1
    state[MODE] = mode
    return position, count


@dataclass
class RecordScan:
    """What the rows of a file of so many columns (`width`) look like, piece by piece; `first_line`: that of the first byte."""

    separator: str
    escape: str | None
    width: int
    first_line: int
    state: Ints = field(init=False)
    misshapen: Ints = field(default_factory=lambda: np.zeros((MOST_EXAMPLES, 3), np.int64))
    suspects: Ints = field(default_factory=lambda: np.zeros((MOST_EXAMPLES, 4), np.int64))
    _lines: list[Ints] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = np.zeros(SIZE, np.int64)
        self.state[LINE] = self.state[START] = self.first_line

    def feed(self, data: bytes) -> None:
        """The next bytes, UTF-8."""
        lines = np.empty(len(data) // max(self.width, 1) + 2, np.int64)
        escape = ord(self.escape) if self.escape else -1
        view, words = np.frombuffer(data, np.uint8), np.frombuffer(data, np.uint64, len(data) // 8)
        odd = _IS_BIG_ENDIAN or b"\0" in data or bool(self.escape and self.escape.encode() in data)
        rows = _scan(
            view, words, odd, ord(self.separator), escape, self.width, self.state, lines, self.misshapen, self.suspects,
            b'"' in data, b"\r" in data,
        )  # fmt: skip
        self._lines.append(lines[:rows].copy())

    def finish(self) -> None:
        """There are no more bytes."""
        if self.state[MODE] != IN_QUOTES and self.state[ANYTHING]:
            if self.state[MODE] == AFTER_QUOTE:
                _close_field(self.state, self.width, _NEWLINE, True)
            lines = np.empty(1, np.int64)
            rows = _end_record(self.state, self.width, lines, 0, self.misshapen, self.suspects)
            self._lines.append(lines[:rows])

    def take(self, rows: int) -> Ints:
        """The lines (rows,) of the next rows, negative where one holds nothing but separators."""
        parts, missing = [], rows
        while missing and self._lines:
            part = self._lines[0][:missing]
            self._lines[0] = self._lines[0][len(part) :]
            if not len(self._lines[0]):
                self._lines.pop(0)
            parts.append(part)
            missing -= len(part)
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def __getitem__(self, position: int) -> int:
        return int(self.state[position])
