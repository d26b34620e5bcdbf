"""Attribute values as JSON text in the store, and as the plain text of a dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from features.attributes.values import is_missing


def packed(value: object) -> str:
    """A value, or attributes, as JSON text in ASCII, so that every database takes whatever it holds."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def unpacked(text: str) -> object:
    """The way back."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # a whole number of more than 64 bits
        return json.loads(text)


def attributes(text: str) -> dict[str, object]:
    """A row's attributes."""
    values: dict[str, object] = unpacked(text)  # type: ignore[assignment]
    return values


def json_list(names: Sequence[str]) -> str:
    """Ids as one value of a statement, which so is the same text however many there are."""
    return orjson.dumps(names).decode()


def json_value(text: str | bytes) -> Any:
    """What a database has put together as JSON."""
    return orjson.loads(text)


def drop_missing(values: Mapping[str, object]) -> dict[str, object]:
    """Attributes that have a value."""
    return {name: value for name, value in values.items() if not is_missing(value)}


def plain(value: object) -> str | None:
    """A value as `attribute_changes` of a dataset has it, which is text that its encoder reads to the same number."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value)
