"""How numbers are written: the layout of a text, by which decimal signs its digits make sense, and one text read on its own.

As with dates (`features.attributes.date_text`) the layout is found once a shape, a text with every digit as 0.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from features.attributes.date_text import shape_of

MAGNITUDES = {
    **dict.fromkeys(("k", "tsd", "thousand", "thsd", "tausend"), 1e3),
    **dict.fromkeys(("m", "mm", "mn", "mio", "mln", "mill", "mil", "million", "millions", "millionen"), 1e6),
    **dict.fromkeys(("bn", "mrd", "mld", "billion", "billions", "milliarde", "milliarden"), 1e9),
    **dict.fromkeys(("lakh", "lakhs", "lac"), 1e5),
    **dict.fromkeys(("crore", "crores", "cr"), 1e7),
}
_LETTERS = {"t": 1e3, "b": 1e9}  # alone they are codes as often: only beside € (T€) and Fr. or behind a fraction (1.5B)
_CURRENCIES = (
    *("us$", "a$", "c$", "r$", "€", "$", "£", "¥", "₹", "₽", "₺", "₩", "zł", "kč", "fr.", "sfr.", "rs."),
    *(
        "eur",
        "euro",
        "euros",
        "usd",
        "gbp",
        "chf",
        "jpy",
        "cny",
        "inr",
        "sek",
        "nok",
        "dkk",
        "pln",
        "czk",
        "huf",
        "aud",
        "cad",
        "brl",
    ),
)
_SAME_CURRENCY = {
    "€": "eur",
    "euro": "eur",
    "euros": "eur",
    "us$": "usd",
    "$": "usd",
    "£": "gbp",
    "₹": "inr",
    "rs.": "inr",
    "fr.": "chf",
    "sfr.": "chf",
    "¥": "jpy",
    "zł": "pln",
    "kč": "czk",
    "a$": "aud",
    "c$": "cad",
    "r$": "brl",
}
BLANKS = " \u00a0\u202f\u2009\u2007"
_BLANK = f"[{BLANKS}]"
_APOSTROPHES = "'\u2019\u02bc`\u00b4"
_ANY_CURRENCY = "|".join(re.escape(c) for c in sorted(_CURRENCIES, key=len, reverse=True))
_ANY_MAGNITUDE = "|".join(sorted((*MAGNITUDES, *_LETTERS), key=len, reverse=True))
_MINUS = r"[-\u2212\u2013]"
_PER = rf"{_BLANK}*(?P<per>p\.? ?a\.?|p\.? ?m\.?|(?:/|pro|per){_BLANK}*(?:jahr|monat|tag|year|month|day|annum|yr|mo))"
_FORM = re.compile(
    rf"(?:(?:~|≈|ca\.?|circa|approx\.?|about|etwa|rund|ungefähr){_BLANK}*)?(?P<open>\()?"
    rf"(?:(?P<minus>{_MINUS})|\+)?{_BLANK}*(?:(?P<before>{_ANY_CURRENCY})\.?{_BLANK}*)?(?:(?P<minus_>{_MINUS}){_BLANK}*)?(?P<open_>\()?"
    rf"(?P<body>(?:0|[.,](?=0))(?:0|[.,{_APOSTROPHES}{BLANKS}](?=0))*(?:\.(?=$))?(?:e[+-]?0{{1,3}})?)"
    rf"(?:{_BLANK}*(?P<magnitude>{_ANY_MAGNITUDE})\b\.?|{_BLANK}*(?P<joined>k|m|t)(?=€|eur))?"
    rf"(?:{_BLANK}*(?P<after>{_ANY_CURRENCY}|[,.]-(?:{_BLANK}*(?:€|eur|fr\.|chf))?)\.?)?(?:{_BLANK}*(?P<percent>%|prozent|percent|pct\.?))?"
    rf"(?:{_BLANK}*(?P<trailing>{_MINUS}))?(?:{_PER}|(?P<unit>{_BLANK}?[a-zäöüß²³°/]{{1,20}}\.?))?(?P<close>\))?"
)
_UNITS_JOINED = frozenset(
    ["kg", "g", "km", "cm", "h", "min", "s", "d", "h.", "min.", "m²", "pt", "pts", "px", "kb", "mb", "gb"]
)


@dataclass(frozen=True)
class NumberForm:
    """The layout of a shape: `body` (first and last+1 character of the digits), `factor` (with the sign), the decimal signs by
    which the digits make sense ("." and "," both where either does, neither where there is no sign), whether groups of digits
    are marked, percent, the currency, and the word of a unit."""

    body: tuple[int, int]
    factor: float
    decimals: str
    percent: bool
    currency: str
    unit: str


@lru_cache(4096)
def number_form(shape: str) -> NumberForm | None:
    """The layout of a shape; None for what is no number."""
    plain = shape.lower()
    if len(plain) != len(shape) or len(shape) > 60 or (match := _FORM.fullmatch(plain)) is None:
        return None
    brackets = bool(match["open"] or match["open_"])
    signs = [match[name] for name in ("minus", "minus_", "trailing") if match[name]]
    if brackets != bool(match["close"]) or len(signs) + brackets > 1:
        return None
    body = match["body"]
    decimals = "".join(sign for sign in ".," if _makes_sense(body, sign))
    currency = next((_SAME_CURRENCY.get(c, c) for name in ("before", "after") if (c := match[name]) and c[0] not in ",."), "")
    magnitude = match["magnitude"] or match["joined"] or ""
    if magnitude in _LETTERS and not (currency in ("eur", "chf") or re.search(r"[.,]0{1,2}$", body)):
        return None
    unit = (match["unit"] or match["per"] or "").strip(BLANKS)
    if match["unit"] and match["unit"][0] not in BLANKS and unit not in _UNITS_JOINED:
        return None
    if not decimals or (signs and unit and match["trailing"]):
        return None
    factor = {**MAGNITUDES, **_LETTERS}.get(magnitude, 1.0) * (-1 if signs or brackets else 1)
    return NumberForm(match.span("body"), factor, decimals, bool(match["percent"]), currency, unit)


def _makes_sense(body: str, decimal: str) -> bool:
    """Is this a number where `decimal` is the decimal sign: groups of three (or as in India), one mark for all of them?"""
    number, _, exponent = body.partition("e")
    integer_part, _, fraction = number.partition(decimal)
    if not re.fullmatch("0*", fraction):
        return False
    marks = set(integer_part) - {"0"}
    if not marks:
        return bool(integer_part or fraction)
    if len(marks) > 1 or exponent:
        return False
    groups = integer_part.split(marks.pop())
    in_threes = 1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    as_in_india = (
        len(groups) > 2 and 1 <= len(groups[0]) <= 2 and len(groups[-1]) == 3 and all(len(g) == 2 for g in groups[1:-1])
    )
    return in_threes or as_in_india


def read_number_text(text: str) -> float:
    """A number that can be read in one way only; NaN for all else. A single point before three digits is a decimal sign, as
    software writes it; a single comma before three digits may be either.

    >>> [read_number_text(v) for v in ("12 %", "€ 1.234,50", "1,250.75", "(300)", "1,5 Mio.", "12k", "1’200", "1.234")]
    [12.0, 1234.5, 1250.75, -300.0, 1500000.0, 12000.0, 1200.0, 1.234]
    >>> [read_number_text(v) for v in ("1,234", "51-200", "030 1234", "many", "")]
    [nan, nan, nan, nan, nan]
    """
    text = text.strip()
    form = number_form(shape_of(text))
    if form is None:
        return math.nan
    body = text[slice(*form.body)]
    if form.decimals == ".," and "." in body and "," not in body:
        values = {_value(body, ".")}
    else:
        values = {_value(body, decimal) for decimal in form.decimals}
    number = values.pop() * form.factor if len(values) == 1 else math.nan
    return number if math.isfinite(number) else math.nan


def _value(body: str, decimal: str) -> float:
    integer_part, _, fraction = body.partition(decimal)
    if re.match(r"0\d", body) and not integer_part.isdigit():
        return math.nan  # 030 1234 is a telephone's
    return float(re.sub(r"\D", "", integer_part) + "." + fraction if fraction or "e" not in body.lower() else body.lower())
