"""Problem documents: every refusal says which lead, which field and which value, and what to do."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from features.common.persons.texts import is_personal_text, without_mail
from serving.schemas.score import Problem

LONGEST_VALUE = 500  # characters of a value looked at for a personal detail
MAX_VALUE_LENGTH = 100  # characters of a value at the most

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 80


class RefusedError(Exception):
    """A request that is answered with a problem document."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


def quote(value: object) -> str:
    """A value as it may be shown in an answer: short, never a control character, and nothing of a person."""
    if isinstance(value, str) and (personal := is_personal_text(value[:LONGEST_VALUE])):
        return f"({personal})"
    return without_mail(_REPR.repr(value)[:MAX_VALUE_LENGTH])


def readable(text: str) -> str:
    """Text as it may stand in an answer: cut short, with lone surrogates, which UTF-8 cannot carry, written out."""
    short = text if len(text) <= MAX_VALUE_LENGTH else text[: MAX_VALUE_LENGTH - 1] + "…"
    return short.encode("utf-8", "backslashreplace").decode("utf-8")


def pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901); names too long to repeat are cut."""
    return "".join("/" + readable(str(part)).replace("~", "~0").replace("/", "~1") for part in path)


def refuse(status: int, title: str, detail: str, **fields: Any) -> RefusedError:
    """A refusal to raise; `fields` are further fields of the problem document."""
    return RefusedError(Problem(title=title, status=status, detail=detail, **fields))


def problem_response(problem: Problem) -> Response:
    """The answer that a problem document is (RFC 9457)."""
    content = json.dumps(problem.model_dump(exclude_none=True), allow_nan=False, ensure_ascii=False)
    return Response(content, problem.status, media_type="application/problem+json")
