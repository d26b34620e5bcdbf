"""Levels that are ranges of numbers ("51-200", "1000+", "> 10 Mio. €", "1-10 employees") as a number: the middle of the range.

The middle is geometric, since bands widen as numbers grow; a range that is open above is its lower end, one that is open below
half its upper end. Numbers are read with "," and "." alike: before three digits they group, else they are the decimal sign.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from features.attributes.values import read_number

_UNITS = {"k": 1e3, "tsd": 1e3, "t": 1e3, "thousand": 1e3, "tausend": 1e3, "m": 1e6, "mio": 1e6, "mn": 1e6, "million": 1e6,
          "millionen": 1e6, "mrd": 1e9, "bn": 1e9, "b": 1e9, "billion": 1e9, "milliarden": 1e9}  # fmt: skip
# Units by their words: how many of their dimension's first they are. "t" is a thousand above, and so many kilograms are a ton.
_DIMENSIONS = {
    "time": {
        "day days d tag tage tagen": 1, "week weeks wk wks w woche wochen": 7,
        "month months mo mos monat monate monaten": 365.25 / 12, "quarter quarters quartal quartale": 365.25 / 4,
        "year years yr yrs y jahr jahre jahren": 365.25,
        "hour hours hr hrs h stunde stunden std": 1 / 24, "minute minutes min mins minuten": 1 / 1440,
    },
    "mass": {"kg kilo kilos": 1, "mg": 1e-6, "g gramm": 1e-3, "ton tons tonne tonnes tonnen": 1e3, "kt": 1e6},
    "length": {"meter meters metre metres": 1, "mm": 1e-3, "cm": 1e-2, "km kilometer kilometers kilometre kilometres": 1e3},
    "area": {"m² qm sqm m2": 1, "ha hektar": 1e4, "km² qkm km2": 1e6},
    "data": {"mb": 1, "kb": 1e-3, "gb": 1e3, "tb": 1e6, "pb": 1e9},
    "power": {"kw kwp": 1, "mw mwp": 1e3, "gw": 1e6},
    "energy": {"kwh": 1, "mwh": 1e3, "gwh": 1e6},
}  # fmt: skip
_SIZES = {
    word: (dimension, size)
    for dimension, units in _DIMENSIONS.items()
    for words, size in units.items()
    for word in words.split()
}
_CURRENCIES = {"€": "eur", "euro": "eur", "euros": "eur", "$": "usd", "us$": "usd", "£": "gbp", "¥": "jpy"}
_CURRENCY = r"(?:us\$|[€$£¥]|euros?|eur|usd|gbp|chf|jpy)"
_UNIT, _SIZE = ("|".join(sorted(names, key=len, reverse=True)) for names in (_UNITS, _SIZES))
_NUMBER = (
    rf"(?P<LOW_before>{_CURRENCY})?\s*(?P<LOW>\d+(?:[.,'\s]\d{{3}})*(?:[.,]\d{{1,2}})?)"
    rf"(?:\s*(?P<LOW_unit>{_UNIT})\b\.?)?\s*(?P<LOW_after>{_CURRENCY})?(?:\s*(?P<LOW_size>{_SIZE})(?!\w)\.?)?"
)
_LOW, _HIGH = _NUMBER.replace("LOW", "low"), _NUMBER.replace("LOW", "high")
_ABOVE = r">|>=|≥|over|more than|above|from|at least|über|mehr als|ab|von|mindestens|mind\."
_BELOW = r"<|<=|≤|under|less than|below|up to|unter|weniger als|bis|bis zu|höchstens|max\."
_NOUN = r"(?P<noun>(?:\s*[a-zà-ÿ./()²€$£]+){0,3})"  # employees, Mitarbeitende, EUR p.a.
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

    Numbers with a unit of time, mass, length, area, data, power or energy are in days, kilograms, metres, m², megabytes,
    kilowatts or kilowatt hours.

    >>> [round(read_band(v), 3) for v in ("51-200", "1.000 - 4.000", "1000+", "> 10 Mio. €", "under 50k", "1–4 employees")]
    [100.995, 2000.0, 1000.0, 10000000.0, 25000.0, 2.0]
    >>> [read_band(v) for v in (None, 51, "51", "200-51", "51 Main Street", "2026-03-31", "030-1234")]
    [nan, 51.0, 51.0, nan, nan, nan, nan]
    >>> read_band("6-12 months") < read_band("1-2 years") < read_band("24+ months")
    True
    """
    if not isinstance(value, str):
        return read_number(value)
    parts = _parts(value)
    number = _middle(parts) if parts else math.nan
    return number if math.isfinite(number) else math.nan


def is_range(value: object) -> bool:
    """Whether a value says a range of numbers, and not just one.

    >>> [is_range(v) for v in ("51-200", "1000+", "51", 51, "large")]
    [True, True, False, False, False]
    """
    return isinstance(value, str) and not _PLAIN.fullmatch(_plain_text(value)) and not math.isnan(read_band(value))


def have_an_order(values: Iterable[object]) -> bool:
    """Whether ranges can be compared: they count the same thing ("employees"), or are of one dimension ("days", "years").

    >>> have_an_order(["6-12 months", "1-2 years"]), have_an_order(["1-5 users", "6-10 offices"])
    (True, False)
    """
    nouns = {_noun(value) for value in values}
    if "t" in nouns:
        nouns = nouns - {"t"} if "mass" in nouns else nouns - {"t"} | {""}
    return len(nouns) == 1 if nouns & _DIMENSIONS.keys() else len(nouns - {""}) <= 1


def _plain_text(value: str) -> str:
    return value.translate(_DASHES).strip().casefold()


def _parts(value: str) -> dict[str, str | None] | None:
    """The parts of a range or a number by their names in the forms; None where it is neither."""
    text = _plain_text(value)
    matches = (form.fullmatch(text) for form in _FORMS)
    first_match = next((match for match in matches if match), None)
    if first_match is None:
        return None
    parts = first_match.groupdict()
    end, words = "high" if parts.get("high") else "low", (parts.get("noun") or "").split()
    for kind, names in (("unit", _UNITS), ("size", _SIZES)):  # "5+ years", "1+ bn €"
        if words and words[0].rstrip(".") in names and not parts[f"{end}_{kind}"]:
            parts[f"{end}_{kind}"] = words.pop(0).rstrip(".")
    parts["noun"] = " ".join(words)
    return parts


def _noun(value: object) -> str:
    """What a range counts: its dimension, its currency, its noun in the singular; "t" where that may be a thousand or tons."""
    parts = _parts(value) if isinstance(value, str) else None
    if parts is None:
        return ""
    ends = [end for end in ("high", "low") if parts.get(end)]
    dimensions = {_SIZES[size][0] for end in ends if (size := parts[f"{end}_size"])}
    currencies = [c for end in ends for side in ("before", "after") if (c := parts[f"{end}_{side}"])]
    noun = " ".join(re.sub(r"\(.*?\)|[./()]", " ", parts.get("noun") or "").split())
    names = {_CURRENCIES.get(word, word) for word in (*currencies, *noun.split())}
    words = [*sorted(dimensions), *sorted(name.rstrip("s") for name in names)]
    if not words and "t" in (parts[f"{end}_unit"] for end in ends):
        return "t"
    return " ".join(words)


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
    unit, size = (
        parts.get(f"{name}_{kind}") or (parts.get(f"high_{kind}") if name == "low" else None) for kind in ("unit", "size")
    )
    return float(integer_part + mark + decimals) * (_UNITS[unit] if unit else 1.0) * (_SIZES[size][1] if size else 1.0)
