"""How dates are written: the layout of a text, which of its digits are what, and one text read on its own.

A *shape* is a text with every digit as 0 ("03/04/2026 14:05" → "00/00/0000 00:00"). All texts of a shape have the same layout,
so it is found once a shape, and a column is read by slices. Month names and zones are English and German.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

Order = Literal["dmy", "mdy", "ymd", "ydm"]
Count = Literal["", "serial", "epoch"]  # days since 1899-12-30, or a count of seconds, milli-, micro- or nanoseconds since 1970

MONTHS = {
    name: month
    for month, names in enumerate(
        (
            *("jan january januar jän jänner jaen jaenner", "feb february februar feber", "mar march mär märz mrz maerz"),
            *("apr april", "may mai", "jun june juni", "jul july juli", "aug august", "sep sept september"),
            *("oct october okt oktober", "nov november", "dec december dez dezember"),
        ),
        1,
    )
    for name in names.split()
}
_WEEKDAYS = (
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun "
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so"
)
_ZONES = {
    **dict.fromkeys(("z", "utc", "gmt"), 0),
    **dict.fromkeys(("cet", "mez"), 60),
    **dict.fromkeys(("cest", "mesz"), 120),
    "est": -300,
    "edt": -240,
    "cdt": -300,
    "mst": -420,
    "mdt": -360,
    "pst": -480,
    "pdt": -420,
}
_ANY_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_WEEKDAY = rf"(?:(?:{'|'.join(sorted(_WEEKDAYS.split(), key=len, reverse=True))})\b\.?,?\s*)?"
_HALF = r"(?:\s*(?P<half>[ap])\.?m\.?)"
_CLOCK = (
    rf"(?:(?P<H>00?):(?P<M>00)(?::(?P<S>00)(?:[.,](?P<f>0{{1,9}}))?)?{_HALF}?|(?P<H_>00?){_HALF.replace('half', 'half_')}|"
    r"(?P<H__>00)h?)(?:\s*(?:uhr|h))?"
)
_ZONE = (
    rf"(?:\s*(?P<zone>{'|'.join(sorted(_ZONES, key=len, reverse=True))})\b)?"
    r"(?:\s*(?P<sign>[+\-\u2212])(?P<oh>00?)(?::?(?P<om>00))?(?:\s*\([a-zäöü ]+\))?)?"
)
_JOIN = r"(?:t|\s*,\s*|\s+(?:at|um|-|\u2013)\s+|\s+)"
_DAY = r"(?P<d>00?)(?:st|nd|rd|th|\.)?"
_NAMED = rf"(?P<month>{_ANY_MONTH})(?![a-zäöü])\.?"
_YEAR = r"(?:(?P<Y>0000)|'?(?P<y>00))"
_DATES = (
    r"(?P<Y>0000)(?P<sep>[-/.\u2010\u2011\u2013 ])(?P<first>00?)(?P=sep)(?P<second>00?)",
    r"(?P<first>00?)(?P<sep>[-/.\u2010\u2011\u2013 ]|\. )(?P<second>00?)(?P=sep)(?P<third>0000|00)\.?",
    rf"{_DAY}[\s./-]*(?:of\s+)?{_NAMED}[\s,./-]*{_YEAR}",
    rf"{_NAMED}[\s./-]*{_DAY}(?:\s*,\s*|\s+|-|/){_YEAR}",
    rf"(?P<Y>0000)[\s./-]*{_NAMED}[\s./-]*{_DAY}",
)
_FORMS = (
    re.compile(r"(?P<Y>0000)(?P<m>00)(?P<d>00)(?:[t _]?(?P<H>00)(?P<M>00)(?:(?P<S>00)(?:[.,](?P<f>0{1,9}))?)?)?" + _ZONE),
    re.compile(rf"(?P<Y>0000)(?P<m>00)(?P<d>00)(?:{_JOIN}{_CLOCK}{_ZONE})"),
    re.compile(_DATES[0] + r"t(?P<H>00)(?P<M>00)(?:(?P<S>00)(?:[.,](?P<f>0{1,9}))?)?" + _ZONE),
    *(re.compile(rf"{_WEEKDAY}{date}(?:{_JOIN}{_CLOCK}{_ZONE})?") for date in _DATES),
    re.compile(
        rf"{_WEEKDAY}{_NAMED}\s+{_DAY}\s+(?P<H>00):(?P<M>00):(?P<S>00)(?:\s+(?P<zone>utc|gmt|cet|cest|mez|mesz))?\s+(?P<Y>0000)"
    ),
    re.compile(rf"(?P<H>00?):(?P<M>00)(?::(?P<S>00))?\s*,?\s+{_WEEKDAY}{_DATES[1]}"),
)
_SERIAL = re.compile(r"0{5}(?:[.,]0{1,12})?")
_EPOCH = re.compile(r"0{9,10}(?:[.,]0{1,9})?|0{12,13}(?:[.,]0{1,6})?|0{16}|0{19}")
_DIGITS = str.maketrans("123456789", "000000000")
_PIVOT = 69  # years of two digits are those from 1969 to 2068


@dataclass(frozen=True)
class DateForm:
    """The layout of a shape.

    `parts`: name → first and last+1 character of what is written in digits: Y, m, d, H, M, S, f (fraction), oh, om (offset),
    and first, second, third where only the `family` (separator and digits of the year, as "/4" or "Y-") tells which is the day.
    `month`: by name, else 0. `half`: "a" or "p" of twelve hours. `offset`: minutes that a zone by name is ahead of UTC, `sign`
    that of an offset in digits; None without one. `count`: the text is a number.
    """

    parts: dict[str, tuple[int, int]]
    family: str = ""
    month: int = 0
    half: str = ""
    offset: int | None = None
    sign: int = 0
    count: Count = ""

    @property
    def zoned(self) -> bool:
        return self.offset is not None or self.sign != 0 or self.count == "epoch"


def shape_of(text: str) -> str:
    """The text with every digit as 0."""
    return text.translate(_DIGITS)


@lru_cache(4096)
def date_form(shape: str) -> DateForm | None:
    """The layout of a shape; None for what is no date."""
    plain = shape.replace("\u00a0", " ").replace("\u202f", " ").lower()
    if len(plain) != len(shape) or len(shape) > 80:
        return None
    for form in _FORMS:
        if match := form.fullmatch(plain):
            return _layout(match)
    if _EPOCH.fullmatch(plain):
        return DateForm({"count": (0, len(plain))}, count="epoch")
    return DateForm({"count": (0, len(plain))}, family="serial", count="serial") if _SERIAL.fullmatch(plain) else None


def _layout(match: re.Match[str]) -> DateForm:
    groups = {name: text for name, text in match.groupdict().items() if text is not None}
    digits = ("Y", "y", "m", "d", "first", "second", "third", "H", "H_", "H__", "M", "S", "f", "oh", "om")
    parts = {name.rstrip("_"): match.span(name) for name in digits if name in groups}
    family = "named"
    if "third" in groups:
        family = f"{groups['sep'].strip() or ' '}{len(groups['third'])}"
    elif "first" in groups:
        family = f"Y{groups['sep']}"
    elif "m" in groups:
        family = "compact"
    zone, sign = groups.get("zone"), groups.get("sign")
    return DateForm(
        parts,
        family,
        MONTHS.get(groups.get("month", ""), 0),
        groups.get("half") or groups.get("half_") or "",
        _ZONES[zone] if zone else None,
        0 if not sign else 1 if sign == "+" else -1,
    )


def orders_of(family: str) -> tuple[Order, ...]:
    """The orders of day, month and year that a family may have, the usual one first; none where the layout tells them."""
    if family.startswith("Y"):
        return "ymd", "ydm"
    if family in ("named", "compact", "serial", ""):
        return ()
    if family[0] == ".":
        return "dmy", "mdy"
    return ("dmy", "mdy", "ymd") if family.endswith("2") else ("dmy", "mdy")


def full_year(year: int) -> int:
    """A year of two digits → one from 1969 to 2068.

    >>> full_year(26), full_year(69)
    (2026, 1969)
    """
    return year + (1900 if year >= _PIVOT else 2000)


def read_date_text(text: str) -> datetime | None:
    """A date that can be read in one way only, UTC; None for all else, such as 03/04/2026.

    >>> [f"{d:%Y-%m-%d %H:%M}" for d in map(read_date_text, ("3. März 2026", "Mar 3, 2026 2:05 PM", "25/03/2026")) if d]
    ['2026-03-03 00:00', '2026-03-03 14:05', '2026-03-25 00:00']
    >>> read_date_text("03/04/2026"), read_date_text("12"), read_date_text("45000"), read_date_text("31.02.2026")
    (None, None, None, None)
    """
    text = text.strip()
    form = date_form(shape_of(text))
    if form is None or form.count:
        return None
    numbers = {name: int(text[start:stop]) for name, (start, stop) in form.parts.items() if name != "f"}
    orders = orders_of(form.family)
    if form.family.startswith("Y") or (form.family.startswith(".") and _by_order(form, numbers, orders[0])):
        orders = orders[:1]
    moments = {_by_order(form, numbers, order) for order in orders or ("",)} - {None}
    moment = moments.pop() if len(moments) == 1 else None
    if moment is None:
        return None
    if "f" in form.parts:
        start, stop = form.parts["f"]
        moment += timedelta(microseconds=int(text[start:stop][:6].ljust(6, "0")))
    offset = (form.offset or 0) + form.sign * (60 * numbers.get("oh", 0) + numbers.get("om", 0))
    try:
        return moment - timedelta(minutes=offset)
    except OverflowError:
        return None


def _by_order(form: DateForm, numbers: dict[str, int], order: str) -> datetime | None:
    if form.family[:1] == "Y":
        places = {order[1]: "first", order[2]: "second"}
    else:
        places = dict(zip(order, ("first", "second", "third"), strict=False))
    day, month = (numbers.get(places.get(key, key), form.month if key == "m" else 0) for key in "dm")
    year = numbers["Y"] if "Y" in numbers else numbers[places.get("y", "y")]
    if "y" in form.parts or form.family.endswith("2"):
        year = full_year(year)
    hour = numbers.get("H", 0)
    if form.half:
        hour = hour % 12 + (12 if form.half == "p" else 0) if 1 <= hour <= 12 else 99
    try:
        return datetime(year, month, day, hour, numbers.get("M", 0), numbers.get("S", 0), tzinfo=UTC)
    except ValueError:
        return None
