"""Rows of a CSV file 64 bytes at a time: where their separators, line ends and quotation marks are, as the bits of a number.

Nearly all rows are ordinary: as many fields as the header, not empty, each quoted field within one line. These are passed here,
at a fraction of what a look at every byte costs; the first row that is anything else is left to `connectors.files.record_scan`.

Bytes are compared eight at a time, and what stands within marks follows from how many marks stand before it, as in Langdale and
Lemire, Parsing Gigabytes of JSON per Second, VLDB Journal 28 (2019).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import exact

_QUOTE, _NEWLINE, _RETURN, _BLANK = 34, 10, 13, 32
_ZERO, _UNIT = np.uint64(0), np.uint64(1)
_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)
_LOW, _HIGH = np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0x8080808080808080)
_EACH = np.uint64(0x0101010101010101)
_GATHER = np.uint64(0x0102040810204080)  # brings the lowest bits of eight bytes together in the highest byte
_PAIRS, _FOURS, _NIBBLES = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_S1, _S2, _S4, _S7, _S8, _S16, _S32, _S56, _S63 = (np.uint64(n) for n in (1, 2, 4, 7, 8, 16, 32, 56, 63))


@exact
def _equal(word: Any, pattern: Any) -> Any:
    """Which of the eight bytes of `word` are those of `pattern`, as eight bits."""
    difference = word ^ pattern
    same = ~(((difference & _LOW) + _LOW) | difference) & _HIGH
    return ((same >> _S7) * _GATHER) >> _S56


@exact
def bit_count(bits: Any) -> Any:
    """How many bits are set."""
    bits -= (bits >> _S1) & _PAIRS
    bits = (bits & _FOURS) + ((bits >> _S2) & _FOURS)
    bits = (bits + (bits >> _S4)) & _NIBBLES
    return np.int64((bits * _EACH) >> _S56)


@exact
def _odd_before(bits: Any) -> Any:
    """At each bit whether it and those below it are an odd number."""
    bits ^= bits << _S1
    bits ^= bits << _S2
    bits ^= bits << _S4
    bits ^= bits << _S8
    bits ^= bits << _S16
    return bits ^ (bits << _S32)


@exact
def _is_filled(data: Any, start: int, end: int, separator: int) -> bool:
    """Do these bytes hold more than separators, quotation marks and blanks?"""
    while start < end and (data[start] <= _BLANK or data[start] == separator or data[start] == _QUOTE):
        start += 1
    return start < end


@exact
def pass_rows(  # noqa: PLR0917  as they come
    data: Any,
    words: Any,
    start: int,
    separator: int,
    width: int,
    quotes: bool,
    returns: bool,
    line: int,
    lines: Any,
    count: int,
) -> tuple[int, int]:
    """Go over ordinary rows from the beginning of one at `start` on: where the first that is not, or not all there, begins, and
    the new number of rows in `lines`, to which the line of each is added; `line` is that of the first.

    `words`: the bytes `data` as numbers of eight, the lowest first. `quotes`, `returns`: are there quotation marks, carriage
    returns?
    """
    separators = np.uint64(separator) * _EACH
    newlines, marks, carriage = np.uint64(_NEWLINE) * _EACH, np.uint64(_QUOTE) * _EACH, np.uint64(_RETURN) * _EACH
    block, blocks, fields = start >> 6, len(words) >> 3, 0
    from_start = _FULL << np.uint64(start & 63)
    inside, after_break, after_return = _ZERO, _UNIT << np.uint64(start & 63), _ZERO
    while block < blocks:
        ends, cuts, quoted, back = _ZERO, _ZERO, _ZERO, _ZERO
        for part in range(8):
            word, shift = words[8 * block + part], np.uint64(8 * part)
            ends |= _equal(word, newlines) << shift
            cuts |= _equal(word, separators) << shift
            if quotes:
                quoted |= _equal(word, marks) << shift
            if returns:
                back |= _equal(word, carriage) << shift
        ends, cuts, quoted, back = ends & from_start, cuts & from_start, quoted & from_start, back & from_start
        from_start, strange = _FULL, _ZERO
        if quotes:
            within = _odd_before(quoted) ^ inside
            strange = (quoted & within & ~(((cuts | ends | quoted) << _S1) | after_break)) | ((ends | back) & within)
            after_break = (cuts | ends | quoted) >> _S63
            inside = _ZERO - (within >> _S63)
            cuts &= ~within
        if returns:
            strange |= ((back << _S1) | after_return) & ~ends
            after_return = back >> _S63
        if strange:
            ends &= (strange & (_ZERO - strange)) - _UNIT
        while ends:
            below = (ends & (_ZERO - ends)) - _UNIT
            end = 64 * block + bit_count(below)
            if fields + bit_count(cuts & below) != width - 1 or not _is_filled(data, start, end, separator):
                return start, count
            lines[count] = line
            line, count, fields, start = line + 1, count + 1, 0, end + 1
            cuts &= ~below
            ends &= ends - _UNIT
        if strange:
            return start, count
        fields += bit_count(cuts)
        block += 1
    return start, count
