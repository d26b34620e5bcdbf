"""Values of a request unlike those of training: scored, with a sentence that names the field and what is known."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from features.attributes.encoders import AttributeEncoder
from features.attributes.values import is_missing, read_key, read_number
from features.common.countries import same_country
from features.common.errors import nearest
from serving.http.errors import quote

BEYOND = 10  # times the largest number of training is beyond reason


def doubt_about(value: object, encoder: AttributeEncoder, ranges: Mapping[str, tuple[float, float]]) -> str | None:
    """What is doubtful about the value of an attribute; None where nothing is. `ranges`: the smallest and largest number of
    training by column."""
    if is_missing(value):
        return None
    if encoder.kind == "category":
        return _doubtful_level(str(value), encoder.column, encoder.levels) if isinstance(value, str | int | float) else None
    span = ranges.get(encoder.names[0])
    number = read_number(value)
    if encoder.kind != "number" or span is None or number != number:  # noqa: PLR0124  NaN
        return None
    low, high = span
    reach = BEYOND * max(abs(low), abs(high), 1.0)
    if abs(number) <= reach and not (number < 0 <= low):
        return None
    return f"{encoder.column}: {quote(value)} is beyond reason: training has seen {low:g} to {high:g}; scored all the same."


@lru_cache(maxsize=4096)
def _doubtful_level(value: str, column: str, levels: tuple[str, ...]) -> str | None:
    known_levels = {read_key(level): level for level in levels if not level.startswith("(")}
    if not known_levels or read_key(value) in {read_key(level) for level in levels}:
        return None
    country = same_country(value, known_levels.values())
    remedy = f"did you mean {country!r}?" if country else nearest(value.casefold(), known_levels.values())
    return f"{column}: {quote(value)} is rare or new to the model: {remedy}"
