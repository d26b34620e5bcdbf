"""Text → ids, times, numbers and flags; what cannot be read is an error that names file, row, column and value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors.files.dates import given_orders, plain_moments, read_dates, to_utc
from connectors.files.numbers import as_floats, plain_numbers
from connectors.files.row_lines import FIRST_ROW
from connectors.files.settings import FileOptions, Scalar, words
from connectors.files.shapes import text_array
from connectors.files.writing import ColumnWriting
from features.attributes.values import NO_WORDS, YES_WORDS
from features.common.errors import RowError
from features.common.persons.texts import masked
from features.dataset.tables import TIME, Kind

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

    def doubt(self, problem: tuple[str, str] | None) -> None:
        """Raise the problem (fact, remedy) of a whole column, if there is one."""
        if problem:
            location = f"{self.file}, column {self.column!r}: "
            raise RowError(lambda _: f"{location}{problem[0]}.", problem[1], 1)


def as_kind(
    values: Texts, kind: Kind, options: FileOptions, origin: Origin, writing: ColumnWriting | None = None
) -> pd.Series[Any]:
    """Values of a file → a column of this kind; missing stays missing. `writing`: how the whole column is written, of which
    `values` may be a block.

    Raises
    ------
    DataError
        for the first value that cannot be read, with its row, or where the column leaves open how it is to be read.
    """
    if kind == "time":
        return times(values, options, origin, writing)
    if kind == "number":
        return numbers(values, options, origin, writing)
    return flags(values, origin) if kind == "flag" else values


def as_time(values: Any) -> pd.Series[Any]:
    """UTC times of any resolution → microseconds."""
    return cast("pd.Series[Any]", values.astype(TIME))


def times(values: Texts, options: FileOptions, origin: Origin, writing: ColumnWriting | None = None) -> pd.Series[Any]:
    """Dates as the column writes them → UTC microseconds; without an offset they are in the mapping's time zone."""
    plain = plain_times(values, options)
    if plain is not None:
        return plain
    writing = writing or ColumnWriting(options)
    judgement = writing.dates(values)
    origin.doubt(judgement.problem)
    moments = read_dates(values, options.timezone or "UTC", writing.formats, judgement.orders)
    ways = [
        "ISO 8601 such as 2026-03-31T14:00:00+02:00",
        *([] if writing.formats else ["31.03.2026 14:00", "Mar 31, 2026 2:00 PM"]),
    ]
    origin.refuse(
        values,
        (moments.isna() & values.notna()).to_numpy(),
        f"is not a date; expected {' or '.join([*map(repr, writing.formats), *ways])}",
        (judgement.hint or 'Set `date_format:`, for example "%d.%m.%Y".')
        + " Or add the value to `null_in:` if it means that there is none.",
    )
    return moments


def plain_times(values: Texts, options: FileOptions) -> pd.Series[Any] | None:
    """Times that need no judgement: stored as such, or ISO 8601, all with an offset or all without; None for any other."""
    zone = options.timezone or "UTC"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return to_utc(values, zone)
    orders = given_orders(options.date_format or ())
    if any("ydm" in named_orders for named_orders in orders.values()):
        return None
    moments = plain_moments(text_array(values))
    return None if moments is None else to_utc(pd.Series(moments.to_pandas().array, index=values.index), zone)


def numbers(values: Texts, options: FileOptions, origin: Origin, writing: ColumnWriting | None = None) -> pd.Series[Any]:
    """Numbers as the column writes them → float64; bands ("51-200") are their middle."""
    plain = plain_numbers(text_array(values), options.decimal)
    if plain is not None:
        return pd.Series(plain, index=values.index)
    writing = writing or ColumnWriting(options)
    judgement = writing.numbers(values)
    origin.doubt(judgement.problem)
    parsed = as_floats(values, judgement.decimal, bands=True)
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
