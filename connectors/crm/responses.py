"""What a vendor answered: its content, what is wrong with it, and the errors that come of that."""

from __future__ import annotations

import contextlib
import email.utils
import json as jsonlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from features.common.errors import CrmError

EXCERPT = 300  # characters of an answer that are shown

_MAIL = re.compile(r"[^\s@<>\"',;:/]+@[^\s@<>\"',;:/]+\.\w+")

Kind = Literal["again", "renew", "spent", "refused"]


class RefusedError(CrmError):
    """The vendor refuses, and would again. `status` is HTTP's, `code` the vendor's own word for it."""

    def __init__(self, fact: str, hint: str, http: int, code: str = "") -> None:
        super().__init__(fact, hint)
        self.http, self.code = http, code


class SpentError(CrmError):
    """The day's calls are used up, a rate limit per day; trying again today is useless."""


class UnreachableError(CrmError):
    """No usable answer after every attempt."""


@dataclass(frozen=True)
class Answer:
    """What came back: parsed JSON, or text where it is not JSON. `moment`: the server's own clock, seconds since
    1970."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str
    moment: float

    @property
    def is_json(self) -> bool:
        return "json" in self.headers.get("content-type", "").lower()


@dataclass(frozen=True)
class Trouble:
    """What is wrong with an answer and what is to be done: try `again`, `renew` the token, give up for today or for good.

    `wait`: seconds, where the vendor names them.
    """

    kind: Kind
    message: str
    code: str = ""
    wait: float | None = None
    hint: str = ""


class Body(dict[str, Any]):
    """What a vendor said; a part that is asked for and not there is an error that names it."""

    def __init__(self, content: Mapping[str, Any], source: str) -> None:
        super().__init__(content)
        self.source = source

    def __missing__(self, name: str) -> Any:
        raise CrmError(f"{self.source} has no {name!r}.", "Check the base URL and the API version in the configuration.")


Judge = Callable[[Answer], Trouble | None]


def by_status(answer: Answer) -> Trouble | None:
    """What the HTTP status says by itself."""
    status = answer.status
    if 200 <= status < 300:
        return None
    message = f"HTTP {status} {excerpt(answer)}".strip()
    if status == 429:
        return Trouble("again", message, "429", retry_after(answer))
    if status in (408, 425) or status >= 500:
        return Trouble("again", message, str(status), retry_after(answer))
    return Trouble("renew" if status == 401 else "refused", message, str(status))


def retry_after(answer: Answer) -> float | None:
    """Seconds to wait; a date is read against the server's own clock, not ours."""
    header = answer.headers.get("retry-after", "").strip()
    if not header:
        return None
    with contextlib.suppress(ValueError):
        return max(0.0, float(header))
    moment = dated_at(header)
    return None if moment is None else max(0.0, moment - answer.moment)


def dated_at(header: str | None) -> float | None:
    """Seconds since 1970 of an HTTP date; None for nothing and for what is none."""
    try:
        return email.utils.parsedate_to_datetime(header).timestamp() if header else None
    except (ValueError, OverflowError):
        return None


def excerpt(answer: Answer) -> str:
    """Its beginning, in one line."""
    text = jsonlib.dumps(answer.body, ensure_ascii=False) if answer.body is not None else " ".join(answer.text.split())
    return text[:EXCERPT]


def masked(text: str) -> str:
    """Without e-mail addresses."""
    return _MAIL.sub("…@…", text) if "@" in text else text
