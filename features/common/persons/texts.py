"""What speaks of a person within a text is cut out: addresses, numbers, names as they are written to and of people.

Each text is looked at alone, so that it becomes the same whichever way it comes in: file, block, CRM, request or store. Plain
Python without pandas; libraries for telephone and official numbers are imported when a text first asks for them.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple, get_args

from features.common.persons.headers import Personal, personal_header
from features.common.persons.rules import RULES, Rule, signs_of

LONGEST = 160  # characters of a text of several words that is looked at; what is longer is free text as a whole
LONGEST_WORD = 500  # of one word, such as an address on the web
MOST_WORDS = 14
_MARK = re.compile(rf"\((?:{'|'.join(get_args(Personal))})\)")
_FILLED = re.compile(r"\w")
_LONE_MAIL = re.compile(r"(?i)(?<![\w/:])[\w.+-]*[\w+]@(?:[\w-]+\.)+[^\W\d_][\w-]+")


class Cut(NamedTuple):
    """A text without what speaks of a person (None where nothing is left), and the kinds of what was cut."""

    text: str | None
    kinds: tuple[Personal, ...] = ()


@lru_cache(maxsize=16_384)
def cut(text: str, names: bool = True) -> Cut:
    """The text without what speaks of a person; a mark such as "(e-mail address)" stands in its place. Where nothing else was
    there, None. Free text (many words, or several lines) gives way to a digest: equal texts stay equal, and say nothing else.

    `names`: whether what is nothing but a full name is cut; firms have such names too.

    >>> cut('Offer for "Jane Doe" <jane@example.org>').text, cut("+49 40 1234567").text, cut("spring-2026-webinar").kinds
    ('Offer for (e-mail address)', None, ())
    """
    plain = text.strip()
    if "\n" in plain or len(plain) > (LONGEST if " " in plain else LONGEST_WORD) or len(plain.split()) > MOST_WORDS:
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
        return Cut(f"(text {digest})", ("free text",))
    kinds: dict[Personal, None] = {}
    remaining, signs = text, signs_of(text)
    if not names:
        signs.discard("full name")
    for rule in RULES:
        if rule.sign in signs:
            remaining = _apply(rule, remaining, kinds)
    if not kinds:
        return Cut(text)
    return Cut(remaining.strip() if _FILLED.search(_MARK.sub("", remaining)) else None, tuple(kinds))


def _apply(rule: Rule, text: str, kinds: dict[Personal, None]) -> str:
    """A text after a rule; the kinds of what it cut join `kinds`."""

    def mark(match: re.Match[str]) -> str:
        verdict = True if rule.judge is None else rule.judge(match)
        if not verdict:
            return match[0]
        kind: Personal = rule.kind if verdict is True else verdict
        kinds[kind] = None
        group = next((name for name in ("words", "value") if name in rule.pattern.groupindex), None)
        return (match[0][: match.start(group) - match.start()] if group else "") + f"({kind})"

    return rule.pattern.sub(mark, text)


def is_personal_text(text: str) -> Personal | None:
    """What a text is as a whole, where it is nothing but a personal detail.

    >>> is_personal_text("jane [at] example.org"), is_personal_text("Offer for jane@example.org")
    ('e-mail address', None)
    """
    remaining, kinds = cut(text)
    return kinds[0] if kinds and remaining is None else None


def masked(value: object, header: str = "") -> str:
    """A value as it may stand in a message: quoted, or its kind where it is personal by its header or by itself.

    >>> masked("4711x"), masked("jane@example.org"), masked("Doe", "Last Name")
    ("'4711x'", '(e-mail address)', '(name)')
    """
    kind = personal_header(header) if header else None
    if kind is not None and kind != "free text":
        return f"({kind})"
    if not isinstance(value, str):
        return repr(value)
    remaining, kinds = cut(value)
    return repr(remaining) if remaining is not None else f"({kinds[0]})"


def without_mail(sentence: str) -> str:
    """A sentence whose e-mail addresses are masked, wherever in it a value is quoted.

    >>> without_mail("Row 3: 'jane@example.org' is no number.")
    "Row 3: '(e-mail address)' is no number."
    """
    return _LONE_MAIL.sub("(e-mail address)", sentence) if "@" in sentence else sentence


def mail_domain(text: str) -> str | None:
    """The domain of an e-mail address, in lower case; a domain stays one.

    >>> mail_domain("Ada.Lovelace@Example.ORG"), mail_domain("example.org"), mail_domain("n/a")
    ('example.org', 'example.org', None)
    """
    domain = text.rpartition("@")[2].strip(" <>.").casefold()
    return domain if "." in domain and " " not in domain and "/" not in domain else None
