"""Numbers that belong to a person: telephone, bank account, official numbers, IP addresses.

The metadata of `phonenumbers` (Apache-2.0) and the check digits of `python-stdnum` (LGPL-2.1 or later, used as it is and not
changed) are imported when a text first looks like such a number.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import cache

REGIONS = ("DE", "AT", "CH", "GB", "IE", "FR", "BE", "NL", "IT", "ES", "PT", "PL", "US")
SMALL = 32  # four numbers below it read as a version, 2.14.0.3, rather than as an IP address
CHECKED = 3  # distinct values from which check digits that a random number passes now and then are proof


def is_iban(text: str) -> bool:
    """An IBAN of a country that has them, check digits right."""
    from stdnum import iban

    return bool(iban.is_valid(text, check_country=False))


def passes_luhn(text: str) -> bool:
    """A card number: 13 to 19 digits, check digit right."""
    from stdnum import luhn

    digits = re.sub(r"\D", "", text)
    return 13 <= len(digits) <= 19 and digits[0] in "3456" and bool(luhn.is_valid(digits))


def is_ip(text: str) -> bool:
    """An IP address, or that of a network card; not a version, nor a time of day.

    >>> is_ip("203.0.113.9"), is_ip("2.14.0.3"), is_ip("2001:db8::1"), is_ip("12:34:56")
    (True, False, True, False)
    """
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", text):
        return True
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if address.version == 6:
        return len(text) > 4
    return any(int(part) >= SMALL for part in text.split("."))


def is_international(text: str) -> bool:
    """A telephone number that begins with + or 00: nine digits or more behind a +, else one that can be dialled."""
    digits = re.sub(r"\D", "", text)
    if text.startswith("+") and 9 <= len(digits) <= 15:
        return True
    from phonenumbers import NumberParseException, is_valid_number, parse

    try:
        return bool(is_valid_number(parse("+" + (digits.removeprefix("00") if text.startswith("00") else digits))))
    except NumberParseException:
        return False


def is_national(text: str) -> bool:
    """A telephone number as it is written within a country, its parts apart: brackets say so, else it must be one that exists
    in one of the `REGIONS`, or be written in the American way."""
    digits = re.sub(r"\D", "", text)
    if not 7 <= len(digits) <= 14 or not re.search(r"[\s/().–-]", text.strip()) or re.fullmatch(r"\d+\.\d+", text.strip()):
        return False
    if re.match(r"\(0?\d{2,5}\)", text.strip()) or re.fullmatch(r"(?:1[-. ])?[2-9]\d{2}([-.])\d{3}\1\d{4}", text.strip()):
        return True
    if text.count("-") > 1 and not re.fullmatch(r"0\d(?:-\d\d){4}|0\d\d-\d{4}-\d{4}|0\d{3}-\d{3}-\d{4}", text.strip()):
        return False  # 012-345-678 is how articles are numbered
    if re.search(r"(?:^|\D)0?\d{1,4}\s?/\s?\d", text.strip()) and len(digits) >= 8:
        return True
    return any(_valid(digits, region) for region in REGIONS)


@cache
def _parser() -> Callable[[str, str], bool]:
    from phonenumbers import NumberParseException, is_valid_number, parse

    def valid(digits: str, region: str) -> bool:
        try:
            return bool(is_valid_number(parse(digits, region)))
        except NumberParseException:
            return False

    return valid


def _valid(digits: str, region: str) -> bool:
    return _parser()(digits, region)


def telephone_numbers(texts: Sequence[str], least: float) -> bool:
    """Whether at least that share of distinct texts are telephone numbers of one country, or with a country's code: what no
    single value shows that is digits alone, a column does. Article numbers (EAN) have such codes too, and check digits."""
    numbers = [re.sub(r"[\s\u00a0().\-/–]", "", text) for text in texts]
    if len(texts) < CHECKED or sum(bool(re.fullmatch(r"\+?\d{7,15}", n)) for n in numbers) < least * len(texts):
        return False
    from stdnum import ean

    if sum(bool(ean.is_valid(n)) for n in numbers) > 0.9 * len(numbers):
        return False
    grouped = sum(bool(re.search(r"\d\s?[\s/]\s?\d", text)) for text in texts) >= least * len(texts)
    trunk = sum(n.startswith("0") and not n.startswith("000") for n in numbers) >= least * len(numbers)
    if (grouped or trunk) and max(sum(_valid(n, region) for n in numbers) for region in REGIONS) >= least * len(numbers):
        return True
    # eleven digits from 1 on are ids of a CRM as often as American numbers
    long = sum(len(n) >= 11 and not n.startswith("1") for n in numbers) >= 0.9 * len(numbers)
    return long and sum(_valid("+" + n.lstrip("+0"), "ZZ") for n in numbers) >= max(0.9, least) * len(numbers)


def official_numbers(texts: Sequence[str]) -> bool:
    """Whether distinct texts are numbers that an authority gave to people: nearly all pass the check digits of one kind."""
    if len(texts) < CHECKED:
        return False
    from stdnum import luhn
    from stdnum.be import nn
    from stdnum.br import cpf
    from stdnum.de import idnr
    from stdnum.es import dni, nie
    from stdnum.fr import nir
    from stdnum.it import codicefiscale
    from stdnum.nl import bsn
    from stdnum.pl import pesel
    from stdnum.pt import cc

    checks: list[Callable[[str], bool]] = [m.is_valid for m in (nn, cpf, idnr, dni, nie, nir, codicefiscale, bsn, pesel, cc)]
    checks.append(
        lambda text: len(re.sub(r"\D", "", text)) in (15, 16) and text[0] in "3456" and luhn.is_valid(re.sub(r"\D", "", text))
    )
    checks.append(lambda text: bool(re.fullmatch(r"[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]", text)))
    few = texts[:200]
    return any(sum(check(text.strip()) for text in few) >= 0.95 * len(few) for check in checks)
