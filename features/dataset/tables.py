"""The tables of a dataset: their names, columns and column kinds.

This is the one place that says what a dataset holds. Sources write these tables, the validator checks them, features read them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from features.common.errors import DataError, RowError, nearest
from features.common.persons.texts import masked

Kind = Literal["id", "text", "time", "number", "flag"]

MIN_TYPE_ROWS = 20  # an interaction type seen less often is noted, and gets no features of its own
TIME = "datetime64[us, UTC]"
_DTYPES = {"time": pd.DatetimeTZDtype("us", "UTC"), "number": np.dtype("float64"), "flag": pd.BooleanDtype()}
_TEXT = pd.Series([], dtype="str").dtype

# Columns with few distinct values over many rows; as categories they cost two bytes a row rather than a string.
REPEATED = ("lead_id", "type", "content", "campaign", "direction", "lead_stage")


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, what it holds, and whether every row must have it."""

    name: str
    kind: Kind
    required: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the dataset. `custom` tables may have any further column; `key` is unique."""

    name: str
    columns: tuple[Column, ...]
    key: str | None = None
    custom: bool = False

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.columns]

    @property
    def required(self) -> list[str]:
        return [c.name for c in self.columns if c.required]


LEADS = Table(
    "leads",
    (
        Column("lead_id", "id", required=True),
        Column("created_at", "time", required=True),
        Column("company_id", "id"),
        Column("source", "text"),
        Column("country", "text"),
        Column("job_title", "text"),
        Column("email_domain", "text"),
        Column("opted_out", "flag"),
    ),
    key="lead_id",
    custom=True,
)
COMPANIES = Table(
    "companies",
    (
        Column("company_id", "id", required=True),
        Column("industry", "text"),
        Column("employees", "number"),
        Column("annual_revenue", "number"),
        Column("country", "text"),
    ),
    key="company_id",
    custom=True,
)
INTERACTIONS = Table(
    "interactions",
    (
        Column("lead_id", "id", required=True),
        Column("type", "text", required=True),
        Column("at", "time", required=True),
        Column("value", "number"),
        Column("content", "text"),
        Column("campaign", "text"),
        Column("direction", "text"),
    ),
)
LEAD_STAGES = Table(
    "lead_stages",
    (
        Column("lead_id", "id", required=True),
        Column("lead_stage", "text", required=True),
        Column("at", "time", required=True),
    ),
)
DEALS = Table(
    "deals",
    (
        Column("deal_id", "id", required=True),
        Column("lead_id", "id"),
        Column("company_id", "id"),
        Column("created_at", "time", required=True),
        Column("closed_at", "time"),
        Column("amount", "number"),
        Column("currency", "text"),
        Column("status", "text", required=True),
    ),
    key="deal_id",
)
ATTRIBUTE_CHANGES = Table(
    "attribute_changes",
    (
        Column("entity", "text", required=True),  # "lead" or "company"
        Column("id", "id", required=True),
        Column("column", "text", required=True),
        Column("value", "text"),
        Column("at", "time", required=True),
    ),
)

TABLES: dict[str, Table] = {t.name: t for t in (LEADS, COMPANIES, INTERACTIONS, LEAD_STAGES, DEALS, ATTRIBUTE_CHANGES)}


def table_named(name: str) -> Table:
    """The table of that name.

    Raises
    ------
    DataError
        if a dataset has no such table; the message offers the nearest name.
    """
    if name not in TABLES:
        raise DataError(f"A dataset has no table {name!r}.", f"{nearest(name, TABLES)}")
    return TABLES[name]


def _is_kind(values: pd.Series, kind: Kind) -> bool:
    """Is a column already as `_as_kind` would make it?"""
    dtype = values.dtype
    if kind in _DTYPES:
        return bool(dtype == _DTYPES[kind])
    if values.name in REPEATED and isinstance(dtype, pd.CategoricalDtype):
        return True
    return bool(dtype == _TEXT and values.name not in REPEATED[1:])


def read_column(table: str, column: Column, values: pd.Series) -> pd.Series:
    """A column as one of its kind: text of times is ISO 8601, of which those without a zone are UTC. Missing stays missing.

    Raises
    ------
    RowError
        for values that are not of the kind; the first is named by its place in the index.
    """
    if _is_kind(values, column.kind):  # to see that takes a tenth of making it so once more
        return values
    if column.kind not in _READERS:
        if values.name in REPEATED and isinstance(values.dtype, pd.CategoricalDtype):
            return values
        text = values.astype("str")
        return text.astype("category") if values.name in REPEATED[1:] else text
    word, convert = _READERS[column.kind]
    converted = convert(values)
    unreadable = np.flatnonzero((converted.isna() & values.notna()).to_numpy())
    if len(unreadable):
        row = unreadable[0]
        value = f"Table {table!r}, row {values.index[row]}, column {column.name!r}: {masked(values.iloc[row])}"
        raise RowError(
            lambda rows: f"{value} is no {word} ({rows:,} such rows).",
            "Put it right where the dataset is written; a value that is missing must be empty.",
            len(unreadable),
        )
    return converted


def _times(values: pd.Series) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(values.dtype):
        values = values.astype("str") if pd.api.types.is_numeric_dtype(values.dtype) else values
        values = pd.to_datetime(values, errors="coerce", format="ISO8601", utc=True)
    return pd.to_datetime(values, utc=True).dt.as_unit("us")


def _numbers(values: pd.Series) -> pd.Series:
    return pd.to_numeric(values, errors="coerce").astype("float64")


def _flags(values: pd.Series) -> pd.Series:
    return values.astype("object").where(values.isin([True, False]), None).astype("boolean")


# kind → its name in a message, and how to read what is not of it (unreadable becomes missing)
_READERS: dict[Kind, tuple[str, Callable[[pd.Series], pd.Series]]] = {
    "time": ("time", _times),
    "number": ("number", _numbers),
    "flag": ("yes or no", _flags),
}


def check_columns(name: str, columns: Sequence[str]) -> list[str]:
    """Those of the columns of table `name` that are custom ones.

    Raises
    ------
    DataError
        if a required column is not among them, or the table takes no custom columns and one is.
    """
    table = table_named(name)
    missing = [c for c in table.required if c not in columns]
    if missing:
        raise DataError(
            f"Table {name!r} lacks the column {missing[0]!r}; it has {', '.join(map(repr, columns)) or 'none'}.",
            f"Every {name!r} table needs {', '.join(table.required)}.",
        )
    custom = [c for c in columns if c not in table.names]
    if custom and not table.custom:
        raise DataError(
            f"Table {name!r} has the unknown column {custom[0]!r}: {nearest(custom[0], table.names)}",
            "Custom columns belong to 'leads' or 'companies'.",
        )
    return custom


def conform(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Any frame → the frame of table `name`: known columns first, in order and of their kind; missing optional ones empty.

    Whether values make sense is for `features.dataset.validate` to say.

    Raises
    ------
    DataError
        as `check_columns`, or if a value is not of its column's kind.
    """
    table = table_named(name)
    extra = check_columns(name, list(frame.columns))
    conforming, columns = list(frame.columns[: len(table.names)]) == table.names, {}
    for column in table.columns:
        values = frame[column.name] if column.name in frame else pd.Series(None, frame.index, "object", column.name)
        columns[column.name] = read_column(name, column, values)
        conforming &= columns[column.name] is values
    if conforming:
        return frame.reset_index(drop=True)
    for column_name in extra:
        columns[column_name] = frame[column_name]
    return pd.DataFrame(columns).reset_index(drop=True)


def empty(name: str) -> pd.DataFrame:
    """The table `name` without rows."""
    return _empty(name).copy()


@cache
def _empty(name: str) -> pd.DataFrame:
    """Made once: it takes as long as a table of thousands of rows."""
    return conform(name, pd.DataFrame({c: pd.Series([], dtype="object") for c in table_named(name).names}))


def with_columns(frame: pd.DataFrame, columns: Mapping[str, pd.Series[Any]]) -> pd.DataFrame:
    """The frame with these columns, in place of those of the same names; the very same where there are none. As `assign`, which
    takes names as arguments: a column of the user's may be called "self"."""
    if not columns:
        return frame
    out = frame.copy(deep=False)
    for name, values in columns.items():
        out[name] = values
    return out


def concat_frames(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of one table below one another, whichever of the columns each has; categories are joined, not turned to text."""
    frames = [f for f in frames if len(f.columns)]
    if len(frames) < 2:
        return frames[0] if frames else pd.DataFrame()
    columns = dict.fromkeys(c for f in frames for c in f.columns)
    return pd.DataFrame({column: _concat_columns([_column_of(f, column) for f in frames]) for column in columns})


def _column_of(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column, of missing values where there is none."""
    return frame[name] if name in frame else pd.Series(None, index=frame.index, dtype="object")


def _concat_columns(parts: Sequence[pd.Series]) -> pd.Series:
    """Parts of one column below one another; empty ones become of the kind of the first that is not."""
    if any(isinstance(p.dtype, pd.CategoricalDtype) for p in parts):
        return pd.Series(union_categoricals([_category(p) for p in parts]))
    dtype = next((p.dtype for p in parts if p.notna().any()), parts[0].dtype)
    return pd.concat([p.astype(dtype) if p.isna().all() else p for p in parts], ignore_index=True)


def _category(values: pd.Series) -> pd.Categorical:
    """As a category of text, without names that no row has."""
    categorical = pd.Categorical(values).remove_unused_categories()
    return pd.Categorical.from_codes(categorical.codes, categories=pd.Index(categorical.categories, dtype="str"))
