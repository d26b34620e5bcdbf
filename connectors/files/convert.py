"""Text → ids, times, numbers and flags; what cannot be read is an error that names file, row, column and value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors.files.reading import FIRST_ROW
from connectors.files.settings import FileOptions, Scalar, words
from features.attributes.values import NO_WORDS, YES_WORDS
from features.common.errors import RowError
from features.common.persons.texts import masked
from features.dataset.tables import TIME, Kind

EPOCHS: dict[str, Literal["s", "ms"]] = {"epoch_s": "s", "epoch_ms": "ms"}
_ISO = r"\d{4}-\d{2}-\d{2}|\d{8}(?:T|$)"
_OFFSET = r"(?:[zZ]|[+-]\d{2}(?::?\d{2})?)$"
_CURRENCY = re.compile(r"[\s\u00a0\u202f'€$£]|EUR|USD|GBP|CHF", re.IGNORECASE)
_THOUSANDS = {".": re.compile(r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"), ",": re.compile(r"^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?$")}

Texts: TypeAlias = "pd.Series[Any]"  # of str or a category of str; its index counts the rows of the file from 0


@dataclass(frozen=True)
class Origin:
    """Where values come from, for messages: file, column of the file, column of the table."""

    file: str
    column: str
    target: str

    def refuse(self, values: Texts, unreadable: npt.NDArray[np.bool_], fact: str, remedy: str) -> None:
        """Raise an error that names the first of the rows (n,) that are `unreadable`, if any is, and counts the others.

        The index of `values` counts from 0; the message counts as a person does, header = row 1.
        """
        if not unreadable.any():
            return
        row = int(np.flatnonzero(unreadable)[0])
        value = masked(values.iloc[row], self.column)
        location = f"{self.file}, row {int(values.index[row]) + FIRST_ROW}, column {self.column!r}: {value}"
        raise RowError(
            lambda rows: f"{location} {fact}" + (f" ({rows - 1:,} more such rows)." if rows > 1 else "."),
            remedy,
            int(unreadable.sum()),
        )


def as_kind(values: Texts, kind: Kind, options: FileOptions, origin: Origin) -> pd.Series[Any]:
    """Values of a file → a column of this kind; missing stays missing.

    Raises
    ------
    DataError
        for the first value that cannot be read, with its row.
    """
    if kind == "time":
        return times(values, options, origin)
    if kind == "number":
        return numbers(values, options, origin)
    return flags(values, origin) if kind == "flag" else values


def as_time(values: Any) -> pd.Series[Any]:
    """UTC times of any resolution → microseconds."""
    return cast("pd.Series[Any]", values.astype(TIME))


def times(values: Texts, options: FileOptions, origin: Origin) -> pd.Series[Any]:
    """Text in one of the mapping's formats or ISO 8601 → UTC microseconds; without an offset it is in the mapping's time zone.

    Daylight saving: of the two hours when clocks go back the first is meant; a time skipped when they go forward moves on.
    """
    moments = parsed_times(values, options)
    formats = " or ".join([*map(repr, options.date_format or ()), "ISO 8601 such as 2026-03-31T14:00:00+02:00"])
    origin.refuse(
        values,
        (moments.isna() & values.notna()).to_numpy(),
        f"is not a date; expected {formats}",
        'Set `date_format:`, for example "%d.%m.%Y", or add the value to `null_in:` if it means that there is none.',
    )
    return moments


def parsed_times(values: Texts, options: FileOptions) -> pd.Series[Any]:
    """As `times`, but what cannot be read is missing."""
    zone = options.timezone or "UTC"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _to_utc(values, zone)
    text = values.astype("str")
    if not text.notna().any():
        return pd.Series(pd.NaT, index=values.index, dtype=TIME)
    moments = pd.Series(pd.NaT, index=values.index, dtype=TIME)
    for form in options.date_format or ():
        todo = moments.isna() & text.notna()
        if todo.any():
            moments = moments.where(~todo, _by_format(text.where(todo), form, zone))
    todo = moments.isna() & text.notna() & text.str.match(_ISO).fillna(False).astype(bool)
    if todo.any():
        moments = _iso(text, zone) if todo.all() else moments.where(~todo, _iso(text.where(todo), zone))
    return moments


def _iso(text: pd.Series[Any], zone: str) -> pd.Series[Any]:
    is_filled = text.notna()
    offset = text.str.slice(10).str.contains(_OFFSET, regex=True).fillna(False).astype(bool) & is_filled
    if offset.sum() == is_filled.sum():
        return as_time(pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True))
    naive = _to_utc(pd.to_datetime(text.where(~offset), format="ISO8601", errors="coerce"), zone)
    if not offset.any():
        return naive
    return naive.where(~offset, as_time(pd.to_datetime(text.where(offset), format="ISO8601", errors="coerce", utc=True)))


def _by_format(text: pd.Series[Any], form: str, zone: str) -> pd.Series[Any]:
    if form in EPOCHS:
        ticks = pd.to_numeric(text, errors="coerce")
        return as_time(pd.to_datetime(ticks, unit=EPOCHS[form], errors="coerce", utc=True))
    if "%z" in form:
        return as_time(pd.to_datetime(text, format=form, errors="coerce", utc=True))
    return _to_utc(pd.to_datetime(text, format=form, errors="coerce"), zone)


def _to_utc(moments: pd.Series[Any], zone: str) -> pd.Series[Any]:
    if isinstance(moments.dtype, pd.DatetimeTZDtype):
        return as_time(moments.dt.tz_convert("UTC"))
    moments = moments.astype("datetime64[us]")
    first_occurrence = np.ones(len(moments), dtype=bool)
    return as_time(moments.dt.tz_localize(zone, ambiguous=first_occurrence, nonexistent="shift_forward").dt.tz_convert("UTC"))


def parsed_numbers(values: Texts, options: FileOptions) -> pd.Series[Any]:
    """Text such as 1234.5, 1,234.5 or € 1.234,50 (by the mapping's decimal sign) → float64; what cannot be read is missing."""
    plain = pd.to_numeric(values.astype("str"), errors="coerce").astype("float64")
    lost = plain.isna() & values.notna()
    decimal = options.decimal or "."
    if decimal == "," and values.notna().any():
        lost = values.notna()  # 1.234 is a thousand here
    if lost.any():
        plain[lost] = values[lost].astype("str").map(lambda text: _number(text, decimal))
    return plain.where(np.isfinite(plain.to_numpy()))


def _number(text: str, decimal: str) -> float:
    text = _CURRENCY.sub("", text)
    if _THOUSANDS[decimal].match(text):
        text = text.replace("," if decimal == "." else ".", "")
    try:
        return float(text.replace(",", ".") if decimal == "," else text)
    except ValueError:
        return np.nan


def numbers(values: Texts, options: FileOptions, origin: Origin) -> pd.Series[Any]:
    """As `parsed_numbers`, but what cannot be read is an error."""
    parsed = parsed_numbers(values, options)
    remedy = "Set `decimal:`, translate it with `values:`, or list it under `null_in:`."
    origin.refuse(values, (parsed.isna() & values.notna()).to_numpy(), "is not a number", remedy)
    return parsed


def flags(values: Texts, origin: Origin) -> pd.Series[Any]:
    """yes/no, true/false, 1/0, ja/nein … → nullable booleans."""
    parsed = distinct_map(
        values, lambda text: True if text.casefold() in YES_WORDS else False if text.casefold() in NO_WORDS else None
    )
    flag = parsed.astype("object").map({True: True, False: False}).astype("boolean")
    remedy = f"Translate it: `values: {{{origin.target}: {{…: true, …: false}}}}`."
    origin.refuse(values, (flag.isna() & values.notna()).to_numpy(), "is neither yes nor no", remedy)
    return flag


def distinct_map(values: Texts, function: Any) -> pd.Series[Any]:
    """`function` of each distinct value, spread over the rows; missing stays missing. Result is of objects."""
    codes, distinct = pd.factorize(values)
    results = np.array([*(function(v) for v in distinct), None], dtype="object")
    return pd.Series(results[codes], index=values.index, dtype="object")


def translate(values: Texts, table: Mapping[Scalar, Scalar | None]) -> tuple[pd.Series[Any], npt.NDArray[np.bool_]]:
    """Values through a value map → translated values, and which the map dropped (mapped to null)."""
    translations = {word: target for value, target in table.items() for word in words(value)}
    default = translations.get("*", "*")  # without a "*" in the map, other values stay as they are
    codes, distinct = pd.factorize(values)
    new_values = [translations.get(str(v), v if default == "*" and "*" not in translations else default) for v in distinct]
    texts = np.array(
        [*(None if v is None else v if isinstance(v, str) else words(v)[0] for v in new_values), None], dtype="object"
    )
    missing = np.array([*(v is None for v in new_values), False])
    levels = pd.Index(sorted({v for v in texts if v is not None}))
    code = levels.get_indexer(pd.Index(texts, dtype="object")) if len(levels) else np.full(len(texts), -1)
    categorical = pd.Categorical.from_codes(np.asarray(code)[codes], categories=levels)
    return pd.Series(categorical, index=values.index), missing[codes]


def has_point_zero(ids: pa.ChunkedArray) -> bool | None:
    """Are all of these ids written as 4711.0, as software does that took them for numbers? None where there are none."""
    first = pc.index(pc.is_valid(ids), True).as_py()
    if first < 0:
        return None
    if not str(ids[first]).endswith(".0"):
        return False
    return bool(pc.all(pc.match_substring_regex(ids, r"^\d+\.0$")).as_py())
