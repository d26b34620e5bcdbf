"""The words of `vocabulary.yaml`, by their key."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml


@cache
def _words() -> dict[str, frozenset[str]]:
    keys: dict[str, str] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return {key: frozenset(word.replace("_", " ") for word in words.split()) for key, words in keys.items()}


def vocabulary(key: str) -> frozenset[str]:
    """The words of a key.

    >>> "jane" in vocabulary("given"), "webinar" in vocabulary("things")
    (True, True)
    """
    return _words()[key]
