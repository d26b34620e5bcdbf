"""Attributes of leads and companies as numbers: an encoder per column, learned from training rows and kept as JSON.

A batch and a single value take the same way: `features.attributes.values` reads one plain value; a batch reads each distinct
value once and spreads the answers. What is already numeric or a time stamp takes a quicker way to the same number.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from features.attributes.bands import read_band
from features.attributes.titles import FUNCTION_LABELS
from features.common.errors import ModelError, nearest
from features.common.words import Language

if TYPE_CHECKING:
    import pandas as pd

from features.attributes.values import (
    CENTURY_US,
    DAY_US,
    EARLIEST_US,
    Column,
    Floats,
    distinct,
    is_missing,
    read_flag,
    read_free_mail,
    read_function,
    read_key,
    read_moment_as_written,
    read_number_as_written,
    read_seniority,
    signed_log,
)

Entity = Literal["lead", "company"]
AttributeKind = Literal["number", "flag", "category", "level", "band", "date", "seniority", "function", "free_mail"]

RARE, MISSING = "(rare or new)", "(missing)"

_WORDS: dict[str, tuple[str, str]] = {
    "industry": ("industry", "Branche"),
    "employees": ("employees", "Mitarbeitende"),
    "annual_revenue": ("annual revenue", "Jahresumsatz"),
    "country": ("country", "Land"),
    "company.country": ("country of the company", "Land des Unternehmens"),
    "source": ("source", "Quelle"),
    "seniority": ("seniority", "Hierarchieebene"),
    "function": ("function", "Funktionsbereich"),
    "free_mail": ("free mail address", "Freemail-Adresse"),
    RARE: ("rare or new value", "seltener oder neuer Wert"),
    MISSING: ("missing", "keine Angabe"),
    "log": ("order of magnitude", "Größenordnung"),
    "middle": ("middle of the range", "Mitte der Spanne"),
    "earlier": ("earlier leads with this value", "frühere Leads mit diesem Wert"),
    "days_before": ("days ago", "Tage her"),
}


FLOAT_READERS: dict[str, Callable[[object], float]] = {
    "number": read_number_as_written,
    "flag": read_flag,
    "band": read_band,
    "seniority": read_seniority,
    "free_mail": read_free_mail,
}
KEY_READERS: dict[str, Callable[[object], str | None]] = {"category": read_key, "function": read_function}
LEVELLED = (*KEY_READERS, "level")  # kinds with a list of levels

_PROBLEMS = {
    "number": "is not a number",
    "flag": "is neither yes nor no",
    "band": "is not a range such as 51-200",
    "date": "is not a date such as 2026-03-31",
    "seniority": "is not text",
    "free_mail": "is not text",
}


@dataclass(frozen=True)
class AttributeEncoder:
    """One column of leads or companies as numeric columns `names`.

    - number: itself, with `log` also sign × log(1 + |x|); flag, free_mail: 1 or 0; seniority: 0–6; band: the middle of a range
      of numbers (`features.attributes.bands`); date: days from it to as_of, missing where it lies before 1900 or not before
      as_of; with `century` one that does not lie before as_of is read a century earlier. NaN when missing or not of the kind.
    - category, function: one-hot, an indicator per entry of `levels`, one for all rare and unseen values, one for missing.
    - level: for categories of many levels. Which of `levels` it is, counted from 0; `len(levels)` for any other value, NaN
      where it is missing. The same in one column for each of `targets`: a model puts in its place how earlier leads of the
      level did on the way to that target (`models.common.level_effects`).

    Raises
    ------
    ModelError
        for an unknown kind or entity.
    """

    entity: Entity
    column: str
    kind: AttributeKind
    levels: tuple[str, ...] = ()
    log: bool = False
    century: bool = False
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value, known_values in (
            ("kind", self.kind, get_args(AttributeKind)),
            ("entity", self.entity, get_args(Entity)),
        ):
            if value not in known_values:
                raise ModelError(f"The encoder of {self.column!r} has the {name} {value!r}: {nearest(value, known_values)}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The column names of the matrix, computed from the definition."""
        base = f"{self.entity}.{self.column}"
        if self.kind in KEY_READERS:
            base = f"{base}.function" if self.kind == "function" else base
            level_names = (repr(level) if level in (RARE, MISSING) else level for level in self.levels)
            return tuple(f"{base}={level}" for level in (*level_names, RARE, MISSING))
        if self.kind == "level":
            return tuple(f"{base}.level.{target}" for target in self.targets)
        if self.kind == "number":
            return (base, f"{base}.log") if self.log else (base,)
        return (f"{base}.days_before" if self.kind == "date" else base if self.kind == "flag" else f"{base}.{self.kind}",)

    @property
    def unit(self) -> str:
        """The unit in English; `unit_in` knows the other languages."""
        return self.unit_in("en")

    def unit_in(self, language: Language) -> str:
        if self.kind == "level":
            return {"en": "log-odds", "de": "Log-Odds"}[language]
        return {"en": "days", "de": "Tage"}[language] if self.kind == "date" else ""

    def word(self, language: Language = "en") -> str:
        """What the column is called."""
        word_key = next((k for k in (self.kind, f"{self.entity}.{self.column}", self.column) if k in _WORDS), None)
        word = _WORDS[word_key][language == "de"] if word_key else self.column.replace("_", " ").strip()
        return word[:1].upper() + word[1:]

    def labels(self, language: Language = "en") -> tuple[str, ...]:
        """What each of `names` means, in words."""
        german, word = language == "de", self.word(language)
        if self.kind in KEY_READERS:
            level_labels = [
                FUNCTION_LABELS[v][language] if self.kind == "function" and v in FUNCTION_LABELS else v for v in self.levels
            ]
            return tuple(f"{word}: {value}" for value in (*level_labels, _WORDS[RARE][german], _WORDS[MISSING][german]))
        if self.kind == "level":
            return (f"{word}: {_WORDS['earlier'][german]}",) * len(self.targets)
        if self.kind in ("date", "band"):
            return (f"{word}: {_WORDS['days_before' if self.kind == 'date' else 'middle'][german]}",)
        return (word, f"{word} ({_WORDS['log'][german]})") if self.log else (word,)

    @cached_property
    def _codes(self) -> dict[str | None, int]:
        """Where a key's indicator stands; whatever is not here stands at `len(levels)`."""
        codes: dict[str | None, int] = {read_key(level): code for code, level in enumerate(self.levels)}
        return {**codes, None: len(self.levels) + 1}

    def _level(self, value: object) -> float:
        """Which level a value is; NaN where it is missing."""
        key = read_key(value)
        return math.nan if key is None else float(self._codes.get(key, len(self.levels)))

    def encode(self, values: Column, as_of_us: npt.NDArray[np.int64] | int, out: Floats | None = None) -> Floats:
        """Values (n,), as_of (n,) in UTC microseconds → float64 (n, len(names)), NaN where missing.

        `out`, if given, is filled and returned. Odd values never raise (see `problem`).
        """
        out = np.empty((len(values), len(self.names))) if out is None else out
        if self.kind in KEY_READERS:
            codes, plain = distinct(values)
            read = KEY_READERS[self.kind]
            hot = np.array([self._codes.get(read(value), len(self.levels)) for value in plain], dtype=np.intp)
            out[:] = 0.0
            out[np.arange(len(out)), hot[codes]] = 1.0
        elif self.kind == "level":
            codes, plain = distinct(values)
            out[:] = np.array([self._level(value) for value in plain], dtype=np.float64)[codes, None]
        elif self.kind == "date":
            moments, is_filled = _moments(values)
            as_of = np.asarray(as_of_us, dtype=np.int64)
            if self.century:
                moments = np.where(moments >= as_of, moments - CENTURY_US, moments)
            is_counted = is_filled & (moments >= EARLIEST_US) & (moments < as_of)
            out[:, 0] = np.where(is_counted, (as_of - moments) / DAY_US, np.nan)
        else:
            out[:, 0] = self._floats(values)
            if self.log:
                # math.log1p as for a single value; nothing promises that np.log1p rounds the same
                out[:, 1] = np.fromiter(map(signed_log, out[:, 0].tolist()), np.float64, len(out))
        return out

    def _floats(self, values: Column) -> Floats:
        import pandas as pd

        dtype = getattr(values, "dtype", None)
        if self.kind == "number" and dtype is not None and pd.api.types.is_any_real_numeric_dtype(dtype):
            floats = pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan)
            return np.where(np.isfinite(floats), floats, np.nan)
        codes, plain = distinct(values)
        return np.array([FLOAT_READERS[self.kind](value) for value in plain], dtype=np.float64)[codes]

    def encode_one(self, value: object, as_of_us: int, out: Floats, offset: int) -> None:
        """One plain value → `out[offset : offset + len(names)]`, the very numbers `encode` gives for the same row."""
        if self.kind in KEY_READERS:
            width = len(self.levels)
            out[offset : offset + width + 2] = 0.0
            out[offset + self._codes.get(KEY_READERS[self.kind](value), width)] = 1.0
        elif self.kind == "level":
            out[offset : offset + len(self.targets)] = self._level(value)
        elif self.kind == "date":
            moment = read_moment_as_written(value)
            if moment is not None and self.century and moment >= as_of_us:
                moment -= CENTURY_US
            is_counted = moment is not None and EARLIEST_US <= moment < as_of_us
            out[offset] = float(as_of_us - moment) / DAY_US if moment is not None and is_counted else math.nan
        else:
            out[offset] = number = FLOAT_READERS[self.kind](value)
            if self.log:
                out[offset + 1] = signed_log(number)

    def problem(self, value: object) -> str | None:
        """A sentence of warning when `value` is there but not of this kind; None when it is fine or simply missing.

        >>> AttributeEncoder("company", "employees", "number").problem("many")
        "employees: 'many' is not a number; treated as missing"
        """
        if is_missing(value) or self.kind in ("function", "level"):  # of a level its category speaks
            return None
        if self.kind == "category":
            if isinstance(value, str | bool | int | float | np.generic | Decimal):
                return None
            return f"{self.column}: {reprlib.repr(value)} is not a single value; treated as rare or new"
        if self.kind in ("seniority", "free_mail"):
            fine = isinstance(value, str)
        else:
            fine = (
                read_moment_as_written(value) is not None
                if self.kind == "date"
                else not math.isnan(FLOAT_READERS[self.kind](value))
            )
        return None if fine else f"{self.column}: {reprlib.repr(value)} {_PROBLEMS[self.kind]}; treated as missing"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` is the way back."""
        base: dict[str, Any] = {"entity": self.entity, "column": self.column, "kind": self.kind}
        levels = {"levels": list(self.levels)} if self.kind in LEVELLED else {}
        levels |= {"targets": list(self.targets)} if self.targets else {}
        return base | levels | ({"log": True} if self.log else {}) | ({"century": True} if self.century else {})

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> AttributeEncoder:
        """The way back from `to_dict`.

        Raises
        ------
        ModelError
            for a missing or unknown key or an unknown kind.
        """
        try:
            return cls(**{**saved, **{name: tuple(saved.get(name, ())) for name in ("levels", "targets")}})
        except TypeError as error:
            raise ModelError(
                f"An attribute encoder cannot be read from {dict(saved)!r}: {error}.", "Train the model anew."
            ) from error


def _moments(values: Column) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """UTC microseconds of values (n,), and which there are."""
    import pandas as pd

    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, pd.DatetimeTZDtype) or (isinstance(dtype, np.dtype) and dtype.kind == "M"):
        series: pd.Series[Any] = pd.Series(values)
        series = series.dt.tz_convert("UTC").dt.tz_localize(None) if isinstance(dtype, pd.DatetimeTZDtype) else series
        is_filled = series.notna().to_numpy()
        stamps = series.to_numpy()
        unit = np.datetime_data(stamps.dtype)[0]
        ticks = stamps.view(np.int64)
        moments = ticks // 1000 if unit == "ns" else ticks * {"us": 1, "ms": 1_000, "s": 1_000_000}[unit]
    else:
        codes, plain = distinct(values)
        read = [read_moment_as_written(value) for value in plain]
        is_filled = np.array([moment is not None for moment in read])[codes]
        moments = np.array([moment or 0 for moment in read], dtype=np.int64)[codes]
    return np.where(is_filled, moments, 0), is_filled
