"""What the columns of a file hold: how much is filled, how many values, of which kind, written how; no value of a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors.exports.kinds import fold, squash
from connectors.files.dates import date_mask
from connectors.files.numbers import as_floats
from connectors.files.reading import RawFile, is_moment
from connectors.files.settings import FileOptions
from connectors.files.writing import ColumnWriting
from features.attributes.date_text import Order
from features.attributes.values import NO_WORDS, YES_WORDS
from features.common.persons.headers import Personal
from features.common.persons.texts import masked
from features.dataset.persons import personal_column

Kind = Literal["empty", "date", "yes/no", "number", "id", "category", "text"]

MOST_VALUES = 2_000  # distinct values of a column that are remembered
FEW_VALUES = 50  # distinct values of a category
_DATE = re.compile(r"\b(?:date|datum|fecha|created|closed|timestamp)\b|datum$")
_MOMENTS = (r"\d{10}", r"\d{13}", r"(?:199|20[0-4])\d{5}")  # seconds, milliseconds, 20260303
JUDGED_VALUES = 200  # distinct values by which it is told whether a column speaks of persons
SHOWN = 3  # shapes of a column that are shown


@dataclass(frozen=True)
class ColumnProfile:
    """`filled` of `rows` have a value; `values` are the distinct ones with their counts, in the order they came, all of them
    where `complete`, else the first."""

    header: str
    rows: int
    filled: int
    values: Mapping[str, int]
    complete: bool
    kind: Kind

    @property
    def name(self) -> str:
        return squash(self.header)

    @property
    def speaking(self) -> list[str]:
        """The values that say nothing of a person, and so may be told and mapped."""
        return [value for value in self.values if masked(value) == repr(value)]

    @property
    def personal(self) -> Personal | None:
        """What it holds that is left out when it is read, judged by the first of its values."""
        texts = pd.Series(list(self.values)[:JUDGED_VALUES], dtype="str")
        typed: dict[str, pd.Series] = {
            "date": pd.Series([], dtype="datetime64[us, UTC]"),
            "yes/no": pd.Series([], dtype="boolean"),
            "number": pd.to_numeric(texts.str.replace(",", ".", regex=False), errors="coerce"),
        }
        return personal_column(self.header, typed.get(self.kind, texts), texts, "leads", self.filled)

    @property
    def unique(self) -> bool:
        """Has no value twice, as far as was counted?"""
        return bool(self.values) and all(count == 1 for count in self.values.values())

    def describe(self) -> str:
        """One line for a person: kind, how much is filled, how many values, how they are written.

        Values stand there only where few are repeated often and nothing speaks of a person.
        """
        if not self.filled:
            return "empty"
        number = f"{len(self.values):,}{'' if self.complete else ' or more'} values"
        personal = self.personal
        few = self.complete and len(self.values) <= 5 and self.filled >= 2 * len(self.values) and not personal
        examples = list(self.values) if few else list(dict.fromkeys(map(shape, list(self.values)[:200])))
        written = ", ".join(map(masked if few else repr, examples[: 5 if few else SHOWN]))
        owner = f", speaks of persons ({personal})" if personal else ""
        return f"{self.kind}, {self.filled / self.rows:.0%} filled, {number}{owner}, {'' if few else 'written like '}{written}"


def shape(value: str) -> str:
    """How a value is written, without what it says.

    >>> shape("2026-01-05"), shape("ada@acme.de"), shape("CEO, Sales")
    ('9999-99-99', 'aaa@aaa.aa', 'AAA, Aaaa')
    """
    text = re.sub(r"\d", "9", re.sub(r"[^\W\d_]", lambda m: "A" if m[0].isupper() else "a", value[:40]))
    return re.sub(r"A{4,}", "AAA", re.sub(r"a{4,}", "aaa", text))


def profiles(file: RawFile) -> dict[str, ColumnProfile]:
    """Header → what the column holds, of every column of the file.

    Raises
    ------
    DataError
        where the file cannot be read.
    """
    rows = 0
    filled = dict.fromkeys(file.headers, 0)
    counts: dict[str, dict[str, int]] = {header: {} for header in file.headers}
    capped: set[str] = set()
    moments: set[str] = set()
    for block in file.blocks(file.headers, {}):
        rows += len(block)
        for header in file.headers:
            column = block.column(header)
            if is_moment(column.type):
                moments.add(header)
                column = column.cast(pa.string())
            filled[header] += len(column) - column.null_count
            if header not in capped and _count(column, counts[header]):
                capped.add(header)
    return {
        header: ColumnProfile(
            header,
            rows,
            filled[header],
            counts[header],
            header not in capped,
            "date" if header in moments and filled[header] else kind_of(header, counts[header], filled[header], file.options),
        )
        for header in file.headers
    }


def _count(column: pa.ChunkedArray, counts: dict[str, int]) -> bool:
    """Add the values of a block to `counts`; true as soon as there are more than are remembered."""
    table = pc.value_counts(column.drop_null())
    for entry in table.slice(0, 2 * MOST_VALUES).to_pylist():
        value = str(entry["values"])
        if value not in counts and len(counts) >= MOST_VALUES:
            return True
        counts[value] = counts.get(value, 0) + int(entry["counts"])
    return len(table) > 2 * MOST_VALUES


def kind_of(header: str, values: Mapping[str, int], filled: int, options: FileOptions) -> Kind:
    """The kind of a column by its values and its name."""
    if not values:
        return "empty"
    words = {value.casefold() for value in values}
    if len(words) <= 4 and words <= YES_WORDS | NO_WORDS and words & YES_WORDS and words & NO_WORDS:
        return "yes/no"
    name = squash(header)
    if is_date(header, values, options) and not re.fullmatch(r".*(id|number|nummer|nr|no|amount|betrag)", name):
        return "date"
    is_unique = len(values) > 1 and sum(values.values()) == len(values) == min(filled, MOST_VALUES)
    if re.fullmatch(r".*(id|ids|guid|uuid|key|number|nummer|nr|no|kennung)", name) and (is_unique or len(values) > FEW_VALUES):
        return "id"
    return _kind_of_text(values, is_unique, options)


def _kind_of_text(values: Mapping[str, int], is_unique: bool, options: FileOptions) -> Kind:
    sample = pd.Series(list(values)[:200], dtype="str")
    if as_floats(sample, ColumnWriting(options).numbers(sample).decimal).notna().all():
        return "number"
    if is_unique and sample.str.fullmatch(r"[\w-]{6,40}").all() and sample.str.contains(r"\d").all():
        return "id"
    return "category" if len(values) <= FEW_VALUES and not is_unique else "text"


def is_date(header: str, values: Mapping[str, int], options: FileOptions) -> bool:
    """Do nearly all rows with these values hold dates, or half of them where the header speaks of one? Whole numbers are none
    unless the header does, or all have the length of a moment or are days of our time."""
    sample = pd.Series(dict(list(values.items())[:200]))
    texts = pd.Series(sample.index.to_numpy(), dtype="str")
    dated = date_mask(texts, options.date_format or ())
    dated_header = bool(_DATE.search(fold(header)))
    if sample[dated].sum() < (0.5 if dated_header else 0.8) * sample.sum():
        return False
    counts = texts[dated & texts.str.fullmatch(r"\d+(?:[.,]\d+)?").to_numpy(bool)]  # serial days have decimals, amounts too
    return dated_header or 2 * len(counts) < len(texts) or any(counts.str.fullmatch(form).all() for form in _MOMENTS)


def proven_orders(columns: Iterable[ColumnProfile]) -> set[Order]:
    """The orders of day, month and year that the dates of these columns have for sure."""
    judgements = (
        ColumnWriting(FileOptions()).dates(pd.Series(list(c.values), dtype="str")) for c in columns if c.kind == "date"
    )
    return {
        order for judgement in judgements for family, order in judgement.proven.items() if not family.startswith((".", "Y"))
    }


def first_filled(names: Sequence[str], columns: Mapping[str, ColumnProfile]) -> str | None:
    """The header of the first of these names that is about as filled as the fullest; `columns` by squashed header."""
    present = [columns[key] for name in names if (key := squash(name)) in columns]
    fullest = max((c.filled for c in present), default=0)
    return next((c.header for c in present if 2 * c.filled >= fullest), None)
