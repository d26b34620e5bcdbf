"""Settings read from YAML: unknown keys are refused, and everything wrong is said at once in words."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from features.common.errors import ConfigError, nearest


class Settings(BaseModel):
    """Base of everything that is read from YAML: immutable, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def explain(
    error: ValidationError, model: type[BaseModel], origin: str, actual: Mapping[type[BaseModel], type[BaseModel]] | None = None
) -> ConfigError:
    """A pydantic error → one ConfigError that lists every problem: dotted place, value received, nearest known key.

    `origin` names the file or part of it the settings came from; `model` is the one that was validated; `actual` says as
    which class a field was read that is annotated with its base.
    """
    problems = [_problem(detail, model, actual or {}) for detail in error.errors(include_url=False)]
    remedy = "Put it right there." if len(problems) == 1 else "Put all of them right; nothing was run."
    if len(problems) == 1:
        return ConfigError(f"{origin}: {problems[0]}", remedy)
    listed = "".join(f"\n  - {problem}" for problem in problems)
    return ConfigError(f"{origin} has {len(problems)} problems:{listed}", remedy)


def _problem(detail: Any, model: type[BaseModel], actual: Mapping[type[BaseModel], type[BaseModel]]) -> str:
    path, models = _walk(detail["loc"], model, actual)
    value = reprlib.repr(detail["input"])
    if detail["type"] == "extra_forbidden":
        key = str(detail["loc"][-1])
        known_keys = sorted({name for m in models for name in m.model_fields})
        return f"{path}: unknown key {key!r} (with the value {value}): {nearest(key, known_keys)}"
    if detail["type"] == "missing":
        return f"{path} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{path} is {value}: {message[:1].lower()}{message[1:]}"


def _walk(
    loc: tuple[int | str, ...], model: type[BaseModel], actual: Mapping[type[BaseModel], type[BaseModel]]
) -> tuple[str, list[type[BaseModel]]]:
    """The place as the user wrote it, without pydantic's own tags of unions, and the models that could stand around its end."""
    models: list[type[BaseModel]] = [model]
    parts: list[str] = []
    parents = models
    for position, part in enumerate(loc):
        parents = models
        if isinstance(part, int):
            parts.append(f"[{part}]")
            continue
        fields = [m.model_fields[part] for m in models if part in m.model_fields]
        if fields:
            models = _inner_models(fields, actual)
        elif position < len(loc) - 1:
            tagged = [m for m in models if part in _tags(m)]
            models = tagged or models
            if tagged or "[" in part:
                continue
        parts.append(f".{part}" if parts else part)
    return "".join(parts) or "the whole", parents


def _inner_models(fields: Sequence[FieldInfo], actual: Mapping[type[BaseModel], type[BaseModel]]) -> list[type[BaseModel]]:
    """The models that values of these fields can be of."""
    return [actual.get(inner, inner) for field in fields for inner in _models(field.annotation)]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for inner in get_args(annotation):
        yield from _models(inner)


def _tags(model: type[BaseModel]) -> set[object]:
    literals = (f.annotation for f in model.model_fields.values() if get_origin(f.annotation) is Literal)
    return {model.__name__, *(tag for literal in literals for tag in get_args(literal))}
