"""Columns of tables: which hold a personal detail and are left out, and what is cut out of those that stay.

Texts are looked at by their distinct values, and of these only such as could hold a person (one vectorised pattern). Whether a
column as a whole is personal is judged by its header and a sample of its values; what is cut depends on each value alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.common.persons.headers import Personal, fold, names_companies, names_of_people, personal_header
from features.common.persons.numbers import official_numbers, telephone_numbers
from features.common.persons.rules import CANDIDATE
from features.common.persons.texts import cut
from features.common.persons.values import bears_out, is_personal_number
from features.common.persons.vocabulary import vocabulary
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset, from_arrow, to_arrow
from features.dataset.tables import INTERACTIONS, TABLES, with_columns

SAMPLE = 2_000  # distinct values by which a column is judged
NUMBERS = 200  # of them, whose check digits and country codes are looked at
MOST = 0.5  # share of distinct values above which a column is what they are
NEARLY_ALL = 0.8
MAX_DISTINCT_SHARE = 0.2  # distinct values per row; a column of names has more
TEXTS = {  # columns of a dataset that hold any text, besides custom ones
    "leads": ("source", "country", "job_title"),
    "companies": ("industry", "country"),
    "interactions": ("type", "content", "campaign", "direction"),
    "deals": ("currency",),
    "attribute_changes": ("value",),
}
_GIVEN_NAMES, _AMBIGUOUS, _THINGS = vocabulary("given"), vocabulary("ambiguous"), vocabulary("things")
_NAME_LIKE = re.compile(r"[^\W\d_][^\d_@/\\:;!?=+#%&()]*")


def personal_column(
    header: str, typed: pd.Series[Any], texts: pd.Series[Any], table: str, rows: int | None = None
) -> Personal | None:
    """What a custom column of `table` holds that must not be kept; `typed` is how it would be kept, `texts` how it came,
    from so many filled `rows` (default: as many as texts).

    Flags and dates are never personal (but a date of birth), numbers only when they are the number of something personal.
    """
    by_header, dtype = personal_header(header, table), typed.dtype
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype):
        return by_header if by_header == "date of birth" and not pd.api.types.is_bool_dtype(dtype) else None
    frequencies = texts.value_counts(sort=False).head(SAMPLE)
    distinct = [str(text) for text in frequencies.index]
    if pd.api.types.is_numeric_dtype(dtype):
        return _personal_number(by_header, typed, distinct)
    if not distinct:
        return None
    if names_of_people(header):
        may_be_levels = len(distinct) <= MAX_DISTINCT_SHARE * (rows or int(texts.notna().sum()))
        by_header = "name" if _are_people(by_header, distinct, may_be_levels) else None
    elif by_header is not None and not bears_out(by_header, fold(header), distinct):
        by_header = None
    return by_header or personal_content(distinct, not names_companies(header, table), frequencies.tolist())


def _are_people(by_header: Personal | None, distinct: Sequence[str], may_be_levels: bool) -> bool:
    """Whether values under "Contact" or "Owner" are names of people: as a channel has few, of a team none is a given name."""
    if by_header is not None and not may_be_levels and _mostly(distinct, _NAME_LIKE.fullmatch):
        return True
    return looks_like_names(distinct, 0.25)


def _personal_number(by_header: Personal | None, typed: pd.Series[Any], distinct: Sequence[str]) -> Personal | None:
    sizes = typed.dropna()
    if (
        by_header
        and len(sizes)
        and float(np.mean([is_personal_number(by_header, size) for size in sizes.head(SAMPLE)])) > MOST / 2
    ):
        return by_header
    digits = [text.removesuffix(".0") for text in distinct[:NUMBERS]]
    if official_numbers(digits):
        return "official number"
    return "telephone number" if telephone_numbers(digits, 0.9) else None


def personal_content(distinct: Sequence[str], names: bool = True, rows: Sequence[int] = ()) -> Personal | None:
    """What most of the distinct values are, and most of their `rows` (default: one each), whatever stands above them; None
    where they are nothing personal, or where few are: those are cut.

    >>> personal_content(["a@b.de", "c@d.com", "none"]), personal_content(["google", "organic"])
    ('e-mail address', None)
    """
    of_kind: Counter[Personal] = Counter()
    rows_of_kind = 0
    for text, count in zip(distinct, rows or [1] * len(distinct), strict=True):
        remaining, kinds = cut(text, names)
        if kinds and (remaining is None or kinds == ("free text",)):
            of_kind[kinds[0]] += 1
            rows_of_kind += count
    if of_kind.total() > MOST * len(distinct) and rows_of_kind > MOST * (sum(rows) or len(distinct)):
        return of_kind.most_common(1)[0][0]
    if official_numbers(distinct[:NUMBERS]):
        return "official number"
    if telephone_numbers(distinct[:NUMBERS], NEARLY_ALL):
        return "telephone number"
    return "name" if names and looks_like_names(distinct, 0.0) else None


def looks_like_names(distinct: Sequence[str], least: float) -> bool:
    """Whether distinct texts are names of people: in letters, and of frequent given names as many as under a header that
    speaks of people (`least`, a share), or else a third of full names and most of single ones."""
    words = [re.split(r"[\s,]+", text.strip()) for text in distinct]
    full = [len(w) > 1 for w in words]
    shaped = [
        _NAME_LIKE.fullmatch(text.strip()) is not None and len(w) <= 5 and _THINGS.isdisjoint(part.casefold() for part in w)
        for text, w in zip(distinct, words, strict=True)
    ]
    firsts = [{fold(w[0]), fold(w[1]) if "," in text and len(w) > 1 else ""} for text, w in zip(distinct, words, strict=True)]
    hits = [s and any(f in _GIVEN_NAMES or f in _AMBIGUOUS for f in first) for s, first in zip(shaped, firsts, strict=True)]
    sure = [s and any(f in _GIVEN_NAMES for f in first) for s, first in zip(shaped, firsts, strict=True)]
    count = len(distinct)
    if least:
        return sum(shaped) >= MOST * count and sum(hits) >= least * count > 0
    if count < 3:
        return False
    if sum(full) >= MOST * count:
        return sum(shaped) >= NEARLY_ALL * count and sum(sure) >= 0.3 * count
    return sum(hits) >= 0.6 * count and sum(sure) >= 0.4 * count


def _mostly(texts: Sequence[str], test: Any) -> bool:
    return sum(bool(test(text.strip())) for text in texts) > MOST * len(texts)


def without_persons(values: pd.Series[Any], names: bool = True) -> tuple[pd.Series[Any], Counter[Personal]]:
    """A column of text, or a category of text, without what speaks of a person, and in how many rows which kind was cut.

    The very same series comes back where nothing was to be cut.
    """
    category = isinstance(values.dtype, pd.CategoricalDtype)
    if category:
        codes, distinct = values.cat.codes.to_numpy(), pd.Index(values.cat.categories)
    else:
        codes, distinct = pd.factorize(values)
    texts, kinds = cut_distinct(distinct, names)
    if not kinds:
        return values, Counter()
    of_code = np.bincount(codes[codes >= 0], minlength=len(distinct))
    counts: Counter[Personal] = Counter()
    for index, cut_kinds in kinds.items():
        if of_code[index]:
            counts.update({cut_kinds[0]: int(of_code[index])})
    if category:
        levels = pd.Index(dict.fromkeys(text for text in texts if text is not None), dtype="str")
        new_codes = np.array([*(-1 if text is None else levels.get_loc(text) for text in texts), -1])[codes]
        return pd.Series(pd.Categorical.from_codes(new_codes, categories=levels), index=values.index, name=values.name), counts
    rows = np.array([*texts, None], dtype="object")[codes]
    return pd.Series(rows, index=values.index, name=values.name, dtype="str"), counts


def cut_distinct(distinct: Any, names: bool = True) -> tuple[list[str | None], dict[int, tuple[Personal, ...]]]:
    """Distinct texts without what speaks of a person, and by its place what was cut of those that changed."""
    texts: list[str | None] = [str(text) for text in distinct]
    kinds: dict[int, tuple[Personal, ...]] = {}
    for index in candidates(pa.array(texts, pa.string())).tolist():
        text = texts[index]
        assert text is not None  # noqa: S101
        remaining, text_kinds = cut(text, names)
        if text_kinds:
            texts[index], kinds[index] = remaining, text_kinds
    return texts, kinds


def candidates(texts: pa.Array) -> npt.NDArray[np.int64]:
    """The places of texts that may hold a person, in order."""
    mask = pc.match_substring_regex(texts, CANDIDATE)
    return np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False))


class Screen:
    """What was left out and cut of one table, to be told once: `tell`."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.left_out: dict[str, Personal] = {}
        self._cut: dict[str, Counter[Personal]] = {}

    def keeps(self, column: str, typed: pd.Series[Any], texts: pd.Series[Any] | None = None, rows: int | None = None) -> bool:
        """Whether a custom column may stay; parameters as of `personal_column`."""
        kind = personal_column(column, typed, typed if texts is None else texts, self.table, rows)
        if kind is not None:
            self.left_out[column] = kind
        return kind is None

    def without_persons(self, column: str, values: pd.Series[Any]) -> pd.Series[Any]:
        """A column of text as it stays."""
        if not (isinstance(values.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(values.dtype)):
            return values
        remaining, counts = without_persons(values, self.cuts_names(column))
        if counts:
            self._cut.setdefault(column, Counter()).update(counts)
        return remaining

    def cuts_names(self, column: str) -> bool:
        """Whether what is nothing but a full name is cut out of the column: not where it names firms."""
        return not names_companies(column, self.table)

    def add(self, column: str, counts: Counter[Personal]) -> None:
        """Rows of a column of which something was cut elsewhere."""
        if counts:
            self._cut.setdefault(column, Counter()).update(counts)

    def tell(self, report: DataReport) -> None:
        listed = ", ".join(f"{column} ({kind})" for column, kind in self.left_out.items())
        report.note(self.table, "personal columns not taken", len(self.left_out), listed, "map one under `columns:` to keep it")
        for column, counts in self._cut.items():
            listed = ", ".join(f"{kind} {count:,}" for kind, count in sorted(counts.items()))
            report.note(
                self.table, f"rows whose {column!r} spoke of a person", counts.total(), listed, "cut out; the rows stay"
            )


def screen_table(table: str, frame: pd.DataFrame, screen: Screen) -> pd.DataFrame:
    """A table without what speaks of a person: personal columns of the user's own go, of others what is personal is cut. The
    very same frame comes back where there was nothing."""
    columns = [str(column) for column in frame]
    own_columns = [c for c in columns if c not in TABLES[table].names]
    personal = [c for c in own_columns if c in screen.left_out or not screen.keeps(c, frame[c])]
    texts = [c for c in columns if c not in personal and (c in TEXTS.get(table, ()) or c in own_columns)]
    cut_columns = {column: screen.without_persons(column, frame[column]) for column in texts}
    changed = {column: values for column, values in cut_columns.items() if values is not frame[column]}
    return with_columns(frame.drop(columns=personal) if personal else frame, changed)


def screen_dataset(dataset: Dataset) -> tuple[Dataset, DataReport]:
    """A dataset that was written elsewhere, or by an older Ripeline, without what speaks of a person, and what was cut."""
    report, screens = DataReport(), {name: Screen(name) for name in TABLES}
    tables = {name: screen_table(name, frame, screens[name]) for name, frame in dataset.tables.items()}
    if len(tables["attribute_changes"]):
        left_out = {name: screen.left_out for name, screen in screens.items()}
        tables["attribute_changes"] = _without_changes(tables["attribute_changes"], left_out)
    for screen in screens.values():
        screen.tell(report)
    return replace(dataset, **cast("dict[str, Any]", tables)), report


def screen_interactions(path: Path, out: Path) -> DataReport:
    """Interactions of any number from a Parquet file into another, without what speaks of a person; it is not written where
    there is nothing to cut."""
    report, screen = DataReport(), Screen(INTERACTIONS.name)
    with pq.ParquetFile(path, read_dictionary=[c for c in TEXTS[INTERACTIONS.name] if c in pq.read_schema(path).names]) as file:
        texts = [name for name in TEXTS[INTERACTIONS.name] if name in file.schema_arrow.names]
        for batch in file.iter_batches(columns=texts):
            for name in texts:
                screen.without_persons(name, batch.column(texts.index(name)).to_pandas())
        screen.tell(report)
        if report.notes:
            with pq.ParquetWriter(out, file.schema_arrow, compression="lz4") as writer:
                for batch in file.iter_batches():
                    frame = screen_table(
                        INTERACTIONS.name, from_arrow(pa.Table.from_batches([batch])), Screen(INTERACTIONS.name)
                    )
                    writer.write_table(to_arrow(frame).cast(file.schema_arrow))
    return report


def _without_changes(changes: pd.DataFrame, left_out: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Changes of attributes without those of columns that are left out, or would be."""
    left_rows = np.zeros(len(changes), dtype=bool)
    for entity, table in (("lead", "leads"), ("company", "companies")):
        of_entity = (changes["entity"] == entity).to_numpy()
        for column in changes.loc[of_entity, "column"].unique():
            rows = of_entity & (changes["column"] == column).to_numpy()
            values = changes.loc[rows, "value"]
            if column not in TABLES[table].names and (
                column in left_out[table] or personal_column(column, values, values, table)
            ):
                left_rows |= rows
    return changes[~left_rows].reset_index(drop=True) if left_rows.any() else changes
