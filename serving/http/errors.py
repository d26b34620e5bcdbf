"""Problem documents: every refusal says which lead, which field and which value, and what to do."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from features.common.errors import nearest
from serving.schemas.score import Problem

MAX_VALUE_LENGTH = 100  # characters of a value at the most

_SCALARS = ("str", "int", "float", "bool")
_MESSAGES = {  # where pydantic speaks of Python
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_unicode": "must be text that UTF-8 can carry",
}
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 80


class RefusedError(Exception):
    """A request that is answered with a problem document."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


def quote(value: object) -> str:
    """A value as it may be shown in an answer: short, and never a control character."""
    return _REPR.repr(value)[:MAX_VALUE_LENGTH]


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


def from_validation(
    error: ValidationError, model: type[BaseModel], lead: str | None = None, prefix: Sequence[str | int] = ()
) -> Problem:
    """The first thing wrong, in words; the others are named by their number."""
    problems = error.errors(include_url=False, include_context=False)
    # a misspelt name explains a missing one, not the other way round
    problem, *other_problems = sorted(problems, key=lambda e: e["type"] != "extra_forbidden")
    path = [*prefix, *problem["loc"]]
    scalar = len(path) > 1 and path[-1] in _SCALARS
    if scalar:
        path.pop()  # pydantic names the member of the union that did not fit
    # an item of a list is named by its pointer: a bare number says nothing
    name = readable(path[-1]) if path and isinstance(path[-1], str) else pointer(path)
    if scalar:
        detail = f"{name}: must be text, a number, true, false or null, got {quote(problem.get('input'))}."
        other_problems = []
    elif problem["type"] == "extra_forbidden":
        detail = f"Unknown field {name!r}: {nearest(name, _fields(model, problem['loc'][:-1]))}"
    elif problem["type"] == "missing":
        detail = f"The field {name!r} is missing."
    else:
        message = _MESSAGES.get(problem["type"], problem["msg"])
        detail = f"{name}: {message}, got {quote(problem.get('input'))}." if name else f"{message}."
    if other_problems:
        detail += f" {len(other_problems)} more problem{'s' if len(other_problems) > 1 else ''} in the same place."
    value = None if problem["type"] in ("missing", "extra_forbidden") else quote(problem.get("input"))
    title = "Invalid lead" if prefix else "Invalid request"
    return Problem(
        title=title,
        status=422,
        detail=detail,
        lead=lead,
        field=pointer(path),
        value=value,
    )


def _fields(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The field names known at a place: those of the model, or of the model in one of its lists."""
    from serving.schemas.score import Interaction

    return list((Interaction if "interactions" in path else model).model_fields)
