"""The second look at what the decoder of a struct did not take, by a pydantic model made from the same struct: it reads times
and flags in more spellings, and says of everything that is wrong what it should be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticCustomError

from features.common.errors import nearest
from serving.http.errors import RefusedError, pointer, quote, readable
from serving.schemas.score import Problem

S = TypeVar("S", bound=msgspec.Struct)
Path = tuple[str | int, ...]
SURROGATE = re.compile("[\ud800-\udfff]")  # lone ones cannot be written as UTF-8
_CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False)
_SCALARS = ("str", "int", "float", "bool")
_MESSAGES = {  # where pydantic speaks of Python
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_unicode": "must be text that UTF-8 can carry",
}


def _iso(value: object) -> object:
    """Bare numbers are refused: whether they are seconds or milliseconds would be a guess."""
    if isinstance(value, str) and "-" in value[1:]:
        return value
    raise PydanticCustomError("moment", "must be an ISO 8601 time such as '2026-06-30T12:00:00Z'")


_TYPES: dict[Any, Any] = {
    datetime: Annotated[datetime, BeforeValidator(_iso)],
    int: Annotated[int, Strict()],
    float: Annotated[float, Strict()],
}
MOMENT: TypeAdapter[datetime] = TypeAdapter(_TYPES[datetime])  # a time alone, from its text


def struct_of(content: object, kind: type[S], path: Path = (), lead: str | None = None) -> S:
    """Plain JSON as a struct; `path` is where it stands in the body, `lead` whom it is about.

    Raises
    ------
    RefusedError
        with a 422 problem document that names the field.
    """
    try:
        model = _model(kind).model_validate(content)
    except ValidationError as error:
        raise RefusedError(_problem(error, kind, lead, path)) from error
    return msgspec.convert(model.model_dump(exclude_unset=True), kind)


@cache
def _model(kind: Any) -> type[BaseModel]:
    """A struct as a model, field by field, limits included."""
    fields: dict[str, Any] = {
        field.name: (_hint(field.type), ... if field.required else None) for field in msgspec.structs.fields(kind)
    }
    return create_model(kind.__name__, __config__=_CONFIG, **fields)


def _hint(hint: Any) -> Any:
    """A type of a struct's field as pydantic has it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        base, *annotations = arguments
        if get_origin(base) is list and get_args(base)[0] is Any:
            return base  # who reads the items one by one says what is too many of them
        names = ("min_length", "max_length", "ge", "le")
        limits = {name: limit for meta in annotations for name in names if (limit := getattr(meta, name)) is not None}
        return Annotated[_hint(base), Field(**limits)]
    if origin in (Union, UnionType):
        return Union[tuple(map(_hint, arguments))]  # noqa: UP007  as many as there are
    if origin in (list, dict):
        return origin[tuple(map(_hint, arguments))]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _model(hint)
    return _TYPES.get(hint, hint)


def _problem(error: ValidationError, kind: Any, lead: str | None, prefix: Path) -> Problem:
    """The first thing wrong, in words; the others are named by their number."""
    problems = error.errors(include_url=False, include_context=False)
    # a misspelt name explains a missing one, not the other way round
    problem, *other_problems = sorted(problems, key=lambda e: e["type"] != "extra_forbidden")
    *parent, last = problem["loc"] or (None,)
    scalar = last in _SCALARS and len(_members(_type_at(_model(kind), parent))) > 1
    # pydantic names the member of the union that did not fit
    path = [*prefix, *(parent if scalar else problem["loc"])]
    # an item of a list is named by its pointer: a bare number says nothing
    name = readable(path[-1]) if path and isinstance(path[-1], str) else pointer(path)
    if scalar:
        detail = f"{name}: must be text, a number, true, false or null, got {quote(problem.get('input'))}."
        other_problems = []
    elif problem["type"] == "extra_forbidden":
        detail = f"Unknown field {name!r}: {nearest(name, _names(kind, parent))}"
    elif problem["type"] == "missing":
        detail = f"The field {name!r} is missing."
    else:
        message = _MESSAGES.get(problem["type"], problem["msg"])
        detail = f"{name}: {message}, got {quote(problem.get('input'))}." if name else f"{message}."
    if other_problems:
        detail += f" {len(other_problems)} more problem{'s' if len(other_problems) > 1 else ''} in the same place."
    value = None if problem["type"] in ("missing", "extra_forbidden") else quote(problem.get("input"))
    title = "Invalid lead" if prefix else "Invalid request"
    return Problem(title=title, status=422, detail=detail, lead=lead, field=pointer(path), value=value)


def _names(kind: Any, parent: Sequence[str | int]) -> list[str]:
    """The names of the fields at a place, of the struct itself or of one in it."""
    (model,) = _members(_type_at(_model(kind), parent))
    return list(model.model_fields)


def _type_at(hint: Any, path: Sequence[str | int]) -> Any:
    """The type at a place of a model, by the path to it; None where nothing is described."""
    for part in path:
        members = _members(hint)
        (kind,) = members if len(members) == 1 else (None,)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(part))
            hint = field.annotation if field else None
        else:
            hint = get_args(kind)[-1] if get_origin(kind) in (list, dict) else None
    return hint


def _members(hint: Any) -> list[Any]:
    """What a value of a type may be, but for null."""
    if get_origin(hint) is Annotated:
        return _members(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return [member for part in get_args(hint) for member in _members(part)]
    return [] if hint is type(None) else [hint]
