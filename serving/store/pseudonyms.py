"""Ids at the edge: as they are, or as pseudonyms that only who has the secret can make; and what is left of an erased one."""

from __future__ import annotations

import hashlib
import hmac
import re

from serving.common.lead_calls import LEAD_CALLS

PSEUDONYM = re.compile(r"p_[0-9a-f]{32}")


class Ids:
    """What an id is called in the store. Without a secret, what it is called elsewhere."""

    def __init__(self, secret: str = "") -> None:
        self._secret = secret.encode()

    def __call__(self, name: str) -> str:
        """A pseudonym stays what it is, so that an answer of ours can be asked with."""
        if not self._secret or PSEUDONYM.fullmatch(name):
            return name
        return "p_" + _keyed(self._secret, name)[:32]


def _keyed(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def id_problem(name: str) -> str | None:
    """Why an id cannot be one in the store; None where it can."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in name):
        return "holds a control character, which stands in no address"
    last_segment = name.rpartition("/")[2]
    if "/" in name and last_segment in LEAD_CALLS:
        return f"ends with /{last_segment}, which is a call of the API"
    return None
