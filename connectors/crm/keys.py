"""What stands in the landing for an e-mail address or a company's name, so that neither is kept."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_FORMS = re.compile(
    r"\b(?:gmbh(?: und co| co)?(?: kg)?|mbh|kgaa|ag|kg|ohg|ug|se|inc|incorporated|corp|corporation|llc|ltd|limited|plc|bv|nv|"
    r"sarl|sas|sa|srl|spa|ab|oy|as|pty|co)\b"
)


def mail_key(address: str | None, salt: bytes) -> str | None:
    """A keyed hash of an e-mail address, the same for every spelling of it; None where there is no address."""
    cleaned = (address or "").strip().casefold()
    if "@" not in cleaned:
        return None
    return hashlib.blake2b(cleaned.encode("utf-8", "surrogatepass"), key=salt, digest_size=16).hexdigest()


def company_key(name: str | None, salt: bytes) -> str | None:
    """A keyed hash of a company's name, for CRMs in which a lead only has that: its people are one account.

    >>> company_key("ACME GmbH & Co. KG", b"s") == company_key("Acme", b"s") != company_key("Acme Bikes", b"s")
    True
    """
    folded = unicodedata.normalize("NFKD", name or "").casefold()
    words = " ".join(re.findall(r"\w+", folded))
    core = " ".join(_FORMS.sub(" ", words).split()) or words
    return hashlib.blake2b(core.encode("utf-8", "surrogatepass"), key=salt, digest_size=12).hexdigest() if core else None
