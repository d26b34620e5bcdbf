"""Times as text, all of a request at once, compiled: the form that nearly everybody sends."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import exact
from serving.scoring.request import EARLIEST, LATEST, microseconds

# ruff: noqa: PLR0911, PLR0912  one pass over characters; months have 28 to 31 days
_ZERO, _NINE, _DASH, _COLON, _T, _Z, _PLUS, _DOT, _END = b"09-:TZ+.\n"
_FIRST, _LAST = microseconds(EARLIEST), microseconds(LATEST)


@exact
def read_times(text: Any, at: Any, naive: Any) -> bool:
    """Lines such as 2026-06-30T12:00:00.000001+02:00 → microseconds since 1970; False for anything but times of that form, with
    up to six decimals or none and with an offset, Z or neither (then UTC), that lie in a span in which leads live."""
    place: Any = 0
    length = len(text)
    for line in range(len(at)):
        if length - place < 19:
            return False
        for i in (4, 7):
            if text[place + i] != _DASH:
                return False
        if text[place + 10] != _T or text[place + 13] != _COLON or text[place + 16] != _COLON:
            return False
        year = _digits(text, place, 4)
        month, day = _digits(text, place + 5, 2), _digits(text, place + 8, 2)
        hour, minute, second = _digits(text, place + 11, 2), _digits(text, place + 14, 2), _digits(text, place + 17, 2)
        if year < 1 or not 1 <= month <= 12 or hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
            return False
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        longest = 31 if month in (1, 3, 5, 7, 8, 10, 12) else 30 if month != 2 else 29 if leap else 28
        if not 1 <= day <= longest:
            return False
        # days since 1970 of the proleptic Gregorian calendar, by counting from March
        early = 1 if month <= 2 else 0
        y = year - early
        of_era = y % 400
        of_year = (153 * (month + (9 if early else -3)) + 2) // 5 + day - 1
        days = (y // 400) * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
        moment: Any = ((days * 24 + hour) * 60 + minute) * 60 + second
        moment *= 1_000_000
        place += 19
        if place < length and text[place] == _DOT:
            place += 1
            unit, decimals = 100_000, 0
            while place < length and _ZERO <= text[place] <= _NINE:
                moment += (np.int64(text[place]) - _ZERO) * unit
                unit //= 10
                decimals += 1
                place += 1
            if not 1 <= decimals <= 6:
                return False
        naive[line] = False
        if place < length and text[place] == _Z:
            place += 1
        elif place < length and (text[place] == _PLUS or text[place] == _DASH):
            if length - place < 6 or text[place + 3] != _COLON:
                return False
            hours, minutes = _digits(text, place + 1, 2), _digits(text, place + 4, 2)
            if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
                return False
            offset = (hours * 60 + minutes) * 60_000_000
            moment += -offset if text[place] == _PLUS else offset
            place += 6
        else:
            naive[line] = True
        if not _FIRST <= moment < _LAST:
            return False
        at[line] = moment
        last = line == len(at) - 1
        if last != (place == length) or (not last and text[place] != _END):
            return False
        place += 1
    return True


@exact
def _digits(text: Any, place: int, count: int) -> Any:
    """The number there; -1 where there is none."""
    found: Any = 0
    for i in range(place, place + count):
        if text[i] < _ZERO or text[i] > _NINE:
            return -1
        found = found * 10 + np.int64(text[i]) - _ZERO
    return found
