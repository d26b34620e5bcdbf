"""Levels that are ranges of numbers ("51-200", "1000+", "> 10 Mio. €", "1-10 employees") as a number: the middle of the range.

The middle is geometric, since bands widen as numbers grow; a range that is open above is its lower end, one that is open below
half its upper end. Numbers are read with "," and "." alike: before three digits they group, else they are the decimal sign.
"""

from __future__ import annotations

import math
import re

from features.attributes.values import read_number

_UNITS = {"k": 1e3, "tsd": 1e3, "t": 1e3, "thousand": 1e3, "tausend": 1e3, "m": 1e6, "mio": 1e6, "mn": 1e6, "million": 1e6,
          "millionen": 1e6, "mrd": 1e9, "bn": 1e9, "b": 1e9, "billion": 1e9, "milliarden": 1e9}  # fmt: skip
_CURRENCY = r"(?:[€$£¥]|eur|usd|gbp|chf)"
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_NUMBER = rf"{_CURRENCY}?\s*(?P<%s>\d+(?:[.,'\s]\d{{3}})*(?:[.,]\d{{1,2}})?)(?:\s*(?P<%s_unit>{_UNIT})\b\.?)?\s*{_CURRENCY}?"
_LOW, _HIGH = _NUMBER % ("low", "low"), _NUMBER % ("high", "high")
_ABOVE = r">|>=|≥|over|more than|above|from|at least|über|mehr als|ab|von|mindestens|mind\."
_BELOW = r"<|<=|≤|under|less than|below|up to|unter|weniger als|bis|bis zu|höchstens|max\."
_NOUN = r"(?:\s*[a-zà-ÿ./()]+){0,3}"  # employees, Mitarbeitende, EUR p.a.
_RANGES = tuple(
    re.compile(pattern + _NOUN)
    for pattern in (
        rf"(?:between|zwischen|from|von)?\s*{_LOW}\s*(?:-|to|bis|and|und)\s*{_HIGH}",
        rf"{_LOW}\s*(?:\+|and more|or more|and over|and up|und mehr|oder mehr|plus)",
        rf"(?:{_ABOVE})\s*{_LOW}",
        rf"(?:{_BELOW})\s*{_HIGH}",
    )
)
_PLAIN = re.compile(_LOW)
_FORMS = (*_RANGES, _PLAIN)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-") | {"\u00a0": " ", "\u202f": " "})


def read_band(value: object) -> float:
    """The middle of a range, or a plain number, as may stand among ranges; NaN for all else.

    >>> [round(read_band(v), 3) for v in ("51-200", "1.000 - 4.000", "1000+", "> 10 Mio. €", "under 50k", "1–4 employees")]
    [100.995, 2000.0, 1000.0, 10000000.0, 25000.0, 2.0]
    >>> [read_band(v) for v in (None, 51, "51", "200-51", "51 Main Street", "2026-03-31", "030-1234")]
    [nan, 51.0, 51.0, nan, nan, nan, nan]
    """
    if not isinstance(value, str):
        return read_number(value)
    text = value.translate(_DASHES).strip().casefold()
    matches = (form.fullmatch(text) for form in _FORMS)
    first_match = next((match for match in matches if match), None)
    number = _middle(first_match.groupdict()) if first_match else math.nan
    return number if math.isfinite(number) else math.nan


def is_range(value: object) -> bool:
    """Whether a value says a range of numbers, and not just one.

    >>> [is_range(v) for v in ("51-200", "1000+", "51", 51, "large")]
    [True, True, False, False, False]
    """
    return isinstance(value, str) and not _PLAIN.fullmatch(value.strip().casefold()) and not math.isnan(read_band(value))


def _middle(parts: dict[str, str | None]) -> float:
    low, high = (_number(parts, name) for name in ("low", "high"))
    if low is None:
        return math.nan if high is None else high / 2
    if high is None:
        return low
    if math.isnan(low) or not low < high:
        return math.nan
    return math.sqrt(low * high) if low > 0 else high / 2


def _number(parts: dict[str, str | None], name: str) -> float | None:
    """An end of the range; None where it is open. An end without a unit has that of the other ("1-5 Mio.")."""
    digits = parts.get(name)
    if digits is None:
        return None
    if re.match(r"0\d", digits):
        return math.nan  # 030-1234 is a telephone's
    integer_part, mark, decimals = re.sub(r"[.,'\s](?=\d{3}(?!\d))", "", digits).replace(",", ".").partition(".")
    unit = parts.get(f"{name}_unit") or (parts.get("high_unit") if name == "low" else None)
    return float(integer_part + mark + decimals) * (_UNITS[unit] if unit else 1.0)
