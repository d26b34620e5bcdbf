"""What a custom column holds: numbers, yes/no, dates, or text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from connectors.files.convert import Texts, plain_times
from connectors.files.date_orders import Remark
from connectors.files.dates import read_dates
from connectors.files.numbers import as_floats, plain_numbers
from connectors.files.row_lines import FIRST_ROW
from connectors.files.settings import FileOptions
from connectors.files.shapes import text_array
from connectors.files.writing import ColumnWriting
from features.attributes.bands import is_range
from features.attributes.date_text import date_form, shape_of
from features.attributes.number_text import number_form
from features.common.persons.texts import masked

PROBE = 100  # distinct values looked at first, since most text is seen to be text at once
_YES_WORDS = frozenset({"yes", "true", "ja", "wahr", "y", "t"})
_NO_WORDS = frozenset({"no", "false", "nein", "falsch", "n", "f"})
_ODD_SHARE = 0.2  # of the distinct values, for a column to be one of numbers or dates with other values among them
_COMPACT_DATES = (19900101, 20501231, 3)  # whole numbers of a column between these, so many at least, that are all dates


def infer(values: Texts, options: FileOptions, writing: ColumnWriting | None = None) -> pd.Series[Any]:
    """Text → float64, nullable booleans, UTC times, or text as it is, whichever every value that is there can be.

    Numbers with leading zeros (post codes, ids) stay text, and so does a column with only one of yes and no. What is dates or
    numbers that can be read in two ways stays text too, and `writing` has a remark on it.
    """
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        times = plain_times(values, options)
        return values if times is None else times
    first_rows = values.dropna().drop_duplicates()
    distinct = first_rows.astype("str")
    if distinct.empty:
        return values
    folded = set(distinct.str.casefold()) if len(distinct) <= len(_YES_WORDS | _NO_WORDS) * 3 else set()
    if folded and folded <= _YES_WORDS | _NO_WORDS and folded & _YES_WORDS and folded & _NO_WORDS:
        return (
            values.astype("str")
            .str.casefold()
            .map(dict.fromkeys(_YES_WORDS, True) | dict.fromkeys(_NO_WORDS, False))
            .astype("boolean")
        )
    writing = writing or ColumnWriting(options, strict=False)
    padded = distinct.str.match(r"^[+-]?0\d").any()
    for parse in (_dates,) if padded else (_compact_dates, _numbers, _dates):
        if (parsed := parse(distinct, options, writing)) is not None:
            return _spread(values, distinct, parsed)
    return values.astype("str")


def _spread(values: Texts, distinct: pd.Series[Any], parsed: pd.Series[Any]) -> pd.Series[Any]:
    """The parsed distinct values at all their rows."""
    places = pd.Index(distinct).get_indexer(pd.Index(values.astype("str")))
    spread_values = parsed.array.take(places, allow_fill=True)
    return pd.Series(spread_values, index=values.index)


def _compact_dates(distinct: pd.Series[Any], options: FileOptions, writing: ColumnWriting) -> pd.Series[Any] | None:
    """20260303: whole numbers that are all dates of our time are dates."""
    earliest, latest, fewest = _COMPACT_DATES
    if len(distinct) < fewest or not distinct.head(PROBE).str.fullmatch(r"(?:19[9]|20[0-5])\d{5}").all():
        return None
    numbers = pd.to_numeric(distinct, errors="coerce")
    return _dates(distinct, options, writing) if numbers.between(earliest, latest).all() else None


def _numbers(distinct: pd.Series[Any], options: FileOptions, writing: ColumnWriting) -> pd.Series[Any] | None:
    plain = plain_numbers(text_array(distinct), options.decimal)
    if plain is not None:
        return pd.Series(plain, index=distinct.index)
    if not _mostly(_is_numeric, distinct.head(PROBE)):
        return None
    if odd := [text for text in distinct if not _is_numeric(text)]:
        writing.numbers(distinct).remarks = _odd("numbers", distinct, odd)
        return None
    judgement = writing.numbers(distinct)
    evidence, doubt = writing.number_evidence, None
    parsed = as_floats(distinct, judgement.decimal, bands=True)
    if (
        evidence.unreadable
        or 2 * sum(map(is_range, distinct)) >= len(distinct)
        or (parsed.isna().any() and not judgement.problem)
    ):
        judgement.remarks = []
        return None  # text, or bands, whose levels and order are learned as they are
    if evidence.mixed_units:
        examples = " and ".join(repr(evidence.ways[f"unit {unit}"][1]) for unit in evidence.names("unit")[:2])
        doubt = Remark("warning", "columns of numbers in several units", examples, "left as text")
    elif judgement.problem:
        doubt = _doubt("columns of numbers written in two ways", *judgement.problem)
    judgement.remarks = [doubt] if doubt else judgement.remarks
    return None if doubt else parsed


def _mostly(test: Callable[[str], bool], texts: pd.Series[Any]) -> bool:
    return sum(map(test, texts)) > (1 - _ODD_SHARE) * len(texts)


def _odd(kind: str, distinct: pd.Series[Any], odd: Sequence[str]) -> list[Remark]:
    """What to say where few values keep a column from being numbers or dates; nothing where there are many."""
    if len(odd) > _ODD_SHARE * len(distinct):
        return []
    action = "left as text. If it means that nothing is there, add it to `null_in:`"
    example = f"{masked(odd[0])} (row {int(distinct.index[distinct == odd[0]][0]) + FIRST_ROW})"
    return [Remark("warning", f"columns of {kind} with other values among them", example, action)]


def _is_numeric(text: str) -> bool:
    return number_form(shape_of(text)) is not None or is_range(text)


def _doubt(what: str, fact: str, remedy: str) -> Remark:
    return Remark("warning", what, fact, f"left as text. {remedy.removesuffix('.')}")


def _dates(distinct: pd.Series[Any], options: FileOptions, writing: ColumnWriting) -> pd.Series[Any] | None:
    plain = plain_times(distinct, options)
    if plain is not None:
        return plain
    formats, zone = options.date_format or [], options.timezone or "UTC"
    sample = distinct.head(PROBE)
    if any(map(_is_count, sample)):
        return None
    if not _mostly(_is_dated, sample) and (not formats or read_dates(sample, zone, formats, {}).isna().all()):
        return None
    if not formats and (odd := [text for text in distinct if not _is_dated(text)]):
        writing.dates(distinct).remarks = _odd("dates", distinct, odd)
        return None
    judgement = writing.dates(distinct)
    parsed = read_dates(distinct, zone, formats, judgement.orders)
    if not judgement.problem and not parsed.isna().any():
        return parsed
    judgement.remarks = []
    if judgement.problem and all(map(_is_dated, distinct)):
        judgement.remarks = [_doubt("columns of dates that can be read in two ways", *judgement.problem)]
    return None


def _is_dated(text: str) -> bool:
    return date_form(shape_of(text)) is not None


def _is_count(text: str) -> bool:
    """Counts of days or seconds are numbers here, and with leading zeros post codes."""
    form = date_form(shape_of(text))
    return form is not None and form.count != ""
