"""Single values under their names, as requests have them: which are personal, and what remains of the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from features.common.persons.headers import Personal, fold, names_companies, names_of_people, personal_header
from features.common.persons.texts import cut, is_personal_text

WORDS = 4  # words of a value from which on, in the mean, what stands under a header such as "Notes" is free text
OLDEST = 200  # numbers below it under a date of birth are ages
_HASH = re.compile(r"(?i)^[0-9a-f]{32,}$")
_ADDRESS_OF_PAGE = re.compile(r"(?i)^(?:https?://|www\.|/)|^[\w-]+(?:\.[\w-]+)+(?:/\S*)?$")
_WEAK_ADDRESSES = frozenset({"via", "address", "adresse", "adres", "addr", "direccion", "indirizzo", "endereco", "morada"})
_OF_A_PROFILE = re.compile(r"handle|user|\bid\b|profil|name|photo|avatar|perfil")
# from which size on a number under such a header is one; others are counts, flags and measures
_LEAST: dict[Personal, float] = {
    "telephone number": 1e5,
    "date of birth": OLDEST,
    "postal address": 0.0,
    "official number": 1e4,
    "bank account": 1e4,
    "IP address": 1e4,
}
_BORNE_OUT: dict[Personal, Callable[[str], object]] = {
    "e-mail address": lambda text: "@" in text or is_personal_text(text) or re.search(r"\d|\S{21}", text),
    "telephone number": lambda text: len(re.findall(r"\d", text)) >= 5 or "@" in text,
    "bank account": lambda text: len(re.findall(r"\d", text)) >= 5,
    "IP address": re.compile(r".*(?:\d\.\d|:.*:)").match,
    "official number": re.compile(r".*\d.*\d").match,
    "date of birth": re.compile(r".*\d.*\d").match,
    "social profile": re.compile(r".*[/@._\d]").match,
    "postal address": re.compile(r".*(?:\d|\w\s+\w)").match,
    "free text": lambda text: cut(text).kinds,
}


def bears_out(kind: Personal, header: str, texts: Sequence[str]) -> bool:
    """Whether texts could be what their header says: "valid" and "bounced" under "Email" are no addresses. A hashed address
    still is one person's.

    >>> bears_out("e-mail address", "email", ["valid", "bounced"]), bears_out("postal address", "address", ["/pricing"])
    (False, False)
    """
    if kind not in _BORNE_OUT or any(_HASH.match(text) for text in texts):
        return True
    if kind == "social profile" and _OF_A_PROFILE.search(header):
        return True
    if kind == "postal address":
        pages = sum(_ADDRESS_OF_PAGE.match(text) is not None for text in texts)
        if header not in _WEAK_ADDRESSES or pages > len(texts) / 2:
            return header not in _WEAK_ADDRESSES
    if kind == "free text" and sum(len(text.split()) for text in texts) >= WORDS * len(texts):
        return True
    return any(_BORNE_OUT[kind](text) for text in texts)


def is_personal_number(kind: Personal | None, number: float) -> bool:
    """Whether a number under a header of this kind is that of a person: a count of e-mails is not."""
    return kind in _LEAST and abs(number) >= _LEAST[kind]


@lru_cache(maxsize=4096)
def _column(name: str, table: str) -> tuple[Personal | None, bool]:
    """What a header speaks of where no value decides, and whether full names are cut of its values."""
    return None if names_of_people(name) else personal_header(name, table), not names_companies(name, table)


def without_persons(values: Mapping[str, object], table: str) -> tuple[dict[str, object], dict[str, Personal]]:
    """Values by the name of their column, without personal ones, and which were left out or cut.

    >>> without_persons({"first_name": "Jane", "source": "web", "age": 40}, "leads")
    ({'source': 'web', 'age': 40}, {'first_name': 'name'})
    """
    remaining: dict[str, object] = {}
    personal: dict[str, Personal] = {}
    for name, value in values.items():
        if isinstance(value, str):
            kind, names = _column(name, table)
            text, kinds = cut(value, names)
            if kind is not None and bears_out(kind, fold(name), [value]):
                personal[name] = kind
                continue
            if kinds:
                personal[name] = kinds[0]
            remaining[name] = text
        elif (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and is_personal_number(_column(name, table)[0], value)
        ):
            personal[name] = _column(name, table)[0] or "name"
        else:
            remaining[name] = value
    return remaining, personal
