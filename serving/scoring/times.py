"""Times as text, all of a request at once, compiled: the form that nearly everybody sends."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import exact
from serving.scoring.request import EARLIEST, LATEST, microseconds

# ruff: noqa: PLR0911, PLR0912  one pass over characters; months have 28 to 31 days
_ZERO, _NINE, _DASH, _COLON, _T, _Z, _PLUS, _DOT, _END = b"09-:TZ+.\n"
_MIN_TIME, _MAX_TIME = microseconds(EARLIEST), microseconds(LATEST)


@exact
def read_times(text: Any, times: Any, naive: Any) -> bool:
    """Lines such as 2026-06-30T12:00:00.000001+02:00 → microseconds since 1970; False for anything but times of that form, with
    up to six decimals or none and with an offset, Z or neither (then UTC), that lie in a span in which leads live."""
    position: Any = 0
    length = len(text)
    for line in range(len(times)):
        if length - position < 19:
            return False
        for i in (4, 7):
            if text[position + i] != _DASH:
                return False
        if text[position + 10] != _T or text[position + 13] != _COLON or text[position + 16] != _COLON:
            return False
        year = _digits(text, position, 4)
        month, day = _digits(text, position + 5, 2), _digits(text, position + 8, 2)
        hour, minute, second = _digits(text, position + 11, 2), _digits(text, position + 14, 2), _digits(text, position + 17, 2)
        if year < 1 or not 1 <= month <= 12 or hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
            return False
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        longest = 31 if month in (1, 3, 5, 7, 8, 10, 12) else 30 if month != 2 else 29 if leap else 28
        if not 1 <= day <= longest:
            return False
        # days since 1970 of the proleptic Gregorian calendar, by counting from March
        year_shift = 1 if month <= 2 else 0
        y = year - year_shift
        of_era = y % 400
        of_year = (153 * (month + (9 if year_shift else -3)) + 2) // 5 + day - 1
        days = (y // 400) * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
        moment: Any = ((days * 24 + hour) * 60 + minute) * 60 + second
        moment *= 1_000_000
        position += 19
        if position < length and text[position] == _DOT:
            position += 1
            unit, decimals = 100_000, 0
            while position < length and _ZERO <= text[position] <= _NINE:
                moment += (np.int64(text[position]) - _ZERO) * unit
                unit //= 10
                decimals += 1
                position += 1
            if not 1 <= decimals <= 6:
                return False
        naive[line] = False
        if position < length and text[position] == _Z:
            position += 1
        elif position < length and (text[position] == _PLUS or text[position] == _DASH):
            if length - position < 6 or text[position + 3] != _COLON:
                return False
            hours, minutes = _digits(text, position + 1, 2), _digits(text, position + 4, 2)
            if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
                return False
            offset = (hours * 60 + minutes) * 60_000_000
            moment += -offset if text[position] == _PLUS else offset
            position += 6
        else:
            naive[line] = True
        if not _MIN_TIME <= moment < _MAX_TIME:
            return False
        times[line] = moment
        final_line = line == len(times) - 1
        if final_line != (position == length) or (not final_line and text[position] != _END):
            return False
        position += 1
    return True


@exact
def _digits(text: Any, position: int, count: int) -> Any:
    """The number there; -1 where there is none."""
    number: Any = 0
    for i in range(position, position + count):
        if text[i] < _ZERO or text[i] > _NINE:
            return -1
        number = number * 10 + np.int64(text[i]) - _ZERO
    return number
