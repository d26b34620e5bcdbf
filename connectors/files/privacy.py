"""Personal data (PII) – names, e-mail addresses, telephone numbers – recognised by their header or by what they hold.

Headers in English and German. A column about a person's mail is not personal when it is a count, a flag, a date or a domain
("Emails opened", "Do Not Email", "E-Mail-Domain").
"""

from __future__ import annotations

import re
from typing import Any, Literal

import pandas as pd

Personal = Literal["name", "e-mail address", "telephone number", "postal address", "date of birth"]

SAMPLE = 2_000  # distinct values looked at
MIN_SHARE = 0.5
MAX_DISTINCT_SHARE = 0.2  # distinct values per row; a column of names has more
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})

_HEADERS: dict[Personal, str] = {
    "name": r"""
        (?:first|last|middle|given|family|full|sur|maiden|second|nick|user|display|contact|person|lead|customer|kontakt|kunden|
        ansprech\w*)\ ?names?|surname|vor\ ?names?|nach\ ?names?|familien\ ?names?|zu\ ?name|ruf\ ?name|ansprechpartner(?:in)?|
        contact\ person|forename|initials|(?:profile|photo)\ url|linked\ ?in(?:\ (?:profile|url|profile\ url))?
    """,
    "e-mail address": r"e\ ?mails?|mail|mail\ ?adress?e?|emailaddress|e\ ?mail\ ?adress?e?",
    "telephone number": r"""
        (?:mobile?|home|work|main|other|office|assistant)?\ ?phones?|tele(?:fon|phone)\w*|tel|mobile?|mobil\w*nummer|handy\w*|
        cell|cell\ ?phone|fax\w*|rufnummer|durchwahl|whatsapp|phonenumber|fon
    """,
    "postal address": r"street|strasse|anschrift|(?:mailing|billing|home|postal|street)\ (?:address|street)|hausnummer",
    "date of birth": r"(?:date\ of\ birth|birth\ ?(?:date|day)|geburts\ ?(?:datum|tag)|dob)",
}
_NOT_PERSONAL = r"""
    domain|opt|status|type|typ|count|anzahl|number\ of|no\ of|opens?|opened|clicks?|clicked|sent|delivered|bounced?|
    bounces|source|quelle|consent|valid|invalid|verified|provider|newsletter|campaign|kampagne|template|subject|permission|
    einwilligung|do\ not|not|unsubscribed?|cause|reason|grund|score|rating|company|firma|firmen|organi[sz]ation|account|product|
    produkt|event|list|form|page|eligible|preference|area\ code|country|land|last|letzte\w*|first\ (?:marketing|sales)|zone|
    device|geraet
"""
_NAME_ALONE = {"name", "person", "contact", "kontakt"}
_ADDRESS_ALONE = {"address", "adresse"}


def _compact(pattern: str) -> str:
    return "".join(line.strip() for line in pattern.splitlines())


_WORDS = {kind: re.compile(rf"\b(?:{_compact(p)})\b") for kind, p in _HEADERS.items()}
_NOT_WORDS = re.compile(rf"\b(?:{_compact(_NOT_PERSONAL)})\b")
_EMAIL = r"^[^@\s<>]+@[^@\s<>]+\.[A-Za-z]{2,}$"
_PHONE = r"^(?:\+|0|\()[\d\s()/.\u2013-]{6,22}$|^\d{2,5}[\s/-][\d\s()/-]{4,18}$"
_DATE = r"^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:\D.*)?$"


def _fold(header: str) -> str:
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    return " ".join(re.findall(r"[a-z0-9]+", split.casefold().translate(_UMLAUTS)))


def personal_header(header: str, table: str = "leads") -> Personal | None:
    """What personal detail a header speaks of, if any. In `companies` a name is that of the company.

    >>> [personal_header(h) for h in ("E-Mail", "Vorname", "mobilePhone", "Do Not Email", "Emails opened", "Company Name")]
    ['e-mail address', 'name', 'telephone number', None, None, None]
    """
    folded = _fold(header)
    if folded in _NAME_ALONE:
        return None if table == "companies" else "name"
    if folded in _ADDRESS_ALONE:
        return "postal address"
    for kind, pattern in _WORDS.items():
        match = pattern.search(folded)
        remaining_words = folded.replace(match[0], " ") if match else ""
        if match and not _NOT_WORDS.search(remaining_words):
            return None if kind == "name" and table == "companies" else kind
    return None


def personal_content(texts: pd.Series[Any]) -> Personal | None:
    """What most of the distinct values look like: e-mail addresses, telephone numbers, or neither.

    >>> personal_content(pd.Series(["a@b.de", "c@d.com", "none"]))
    'e-mail address'
    """
    distinct = pd.Series(texts.dropna().unique()[:SAMPLE]).astype("str")
    if distinct.empty:
        return None
    if distinct.str.match(_EMAIL).mean() > MIN_SHARE:
        return "e-mail address"
    digits = distinct.str.count(r"\d")
    phone = distinct.str.match(_PHONE) & (digits >= 7) & (digits <= 16) & ~distinct.str.match(_DATE)
    return "telephone number" if phone.mean() > MIN_SHARE else None


def is_personal(header: str, inferred: pd.Series[Any], texts: pd.Series[Any], table: str) -> Personal | None:
    """What a custom column of `table` holds that must not be kept; `inferred` is the column as it would be kept.

    Flags and dates are never personal (but a date of birth), numbers only when they are telephone numbers.
    """
    by_name = personal_header(header, table)
    dtype = inferred.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return None
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return by_name if by_name == "date of birth" else None
    if pd.api.types.is_numeric_dtype(dtype):
        long = bool((inferred.abs() >= 1e5).mean() > MIN_SHARE / 2)
        return by_name if by_name == "telephone number" and long else None
    if by_name == "name" and _fold(header) in _NAME_ALONE and texts.nunique() <= MAX_DISTINCT_SHARE * texts.count():
        by_name = None  # "contact" with a handful of values is a channel, not a person
    return by_name or personal_content(texts)


def mail_domain(text: str) -> str | None:
    """The domain of an e-mail address, in lower case; a domain stays one.

    >>> mail_domain("Ada.Lovelace@Example.ORG"), mail_domain("example.org"), mail_domain("n/a")
    ('example.org', 'example.org', None)
    """
    domain = text.rpartition("@")[2].strip(" <>.").casefold()
    return domain if "." in domain and " " not in domain and "/" not in domain else None
