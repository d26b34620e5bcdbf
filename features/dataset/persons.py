"""Columns of tables: which hold a personal detail and are left out, and what is cut out of those that stay.

Texts are looked at by their distinct values, and of these only such as could hold a person (one vectorised pattern). Whether a
column as a whole is personal is judged by its header and a sample of its values; what is cut depends on each value alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.common.persons.headers import Personal, fold, names_companies, names_of_people, personal_header
from features.common.persons.numbers import official_numbers, telephone_numbers
from features.common.persons.rules import CANDIDATE
from features.common.persons.texts import cut, is_personal_text
from features.common.persons.vocabulary import vocabulary
from features.dataset.data_report import DataReport

SAMPLE = 2_000  # distinct values by which a column is judged
NUMBERS = 200  # of them, whose check digits and country codes are looked at
MOST = 0.5  # share of distinct values above which a column is what they are
NEARLY_ALL = 0.8
MAX_DISTINCT_SHARE = 0.2  # distinct values per row; a column of names has more
WORDS = 4  # words of a value from which on, in the mean, a column under a header such as "Notes" is free text
TEXTS = {  # columns of a dataset that hold any text, besides custom ones
    "leads": ("source", "country", "job_title"),
    "companies": ("industry", "country"),
    "interactions": ("type", "content", "campaign", "direction"),
    "deals": ("currency",),
    "attribute_changes": ("value",),
}
_GIVEN, _AMBIGUOUS = vocabulary("given"), vocabulary("ambiguous")
_NAME_LIKE = re.compile(r"[^\W\d_][^\d_@/\\:;!?=+#%&()]*")
_ADDRESS_OF_PAGE = re.compile(r"(?i)^(?:https?://|www\.|/)|^[\w-]+(?:\.[\w-]+)+(?:/\S*)?$")
_HASH = re.compile(r"(?i)^[0-9a-f]{32,}$")
_WEAK_ADDRESSES = frozenset({"via", "address", "adresse", "adres", "addr", "direccion", "indirizzo", "endereco", "morada"})


def personal_column(header: str, kept: pd.Series[Any], texts: pd.Series[Any], table: str) -> Personal | None:
    """What a custom column of `table` holds that must not be kept; `kept` is how it would be kept, `texts` how it came.

    Flags and dates are never personal (but a date of birth), numbers only when they are the number of something personal.
    """
    by_header, dtype = personal_header(header, table), kept.dtype
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype):
        return by_header if by_header == "date of birth" and not pd.api.types.is_bool_dtype(dtype) else None
    distinct = [str(text) for text in texts.dropna().unique()[:SAMPLE]]
    if pd.api.types.is_numeric_dtype(dtype):
        return _personal_number(by_header, kept, distinct)
    if not distinct:
        return None
    if names_of_people(header):
        may_be_levels = len(distinct) <= MAX_DISTINCT_SHARE * int(texts.notna().sum())
        by_header = "name" if _are_people(by_header, distinct, may_be_levels) else None
    elif by_header is not None and not _bears_out(by_header, fold(header), distinct):
        by_header = None
    return by_header or personal_content(distinct, names=not names_companies(header, table))


def _are_people(by_header: Personal | None, distinct: Sequence[str], may_be_levels: bool) -> bool:
    """Whether values under "Contact" or "Owner" are names of people: as a channel has few, of a team none is a given name."""
    if by_header is not None and not may_be_levels and _mostly(distinct, _NAME_LIKE.fullmatch):
        return True
    return looks_like_names(distinct, 0.25)


def _personal_number(by_header: Personal | None, kept: pd.Series[Any], distinct: Sequence[str]) -> Personal | None:
    sizes = kept.dropna().abs()
    if sizes.empty or by_header in ("name", "e-mail address", "free text", "social profile"):
        by_header = None
    least = {"telephone number": 1e5, "date of birth": 200.0, "postal address": 0.0}.get(by_header or "", 1e4)
    if by_header and bool((sizes >= least).mean() > MOST / 2):
        return by_header
    digits = [text.removesuffix(".0") for text in distinct[:NUMBERS]]
    if official_numbers(digits):
        return "official number"
    return "telephone number" if telephone_numbers(digits, 0.9) else None


def personal_content(distinct: Sequence[str], names: bool = True) -> Personal | None:
    """What most of the distinct values are, whatever stands above them; None where they are nothing personal.

    >>> personal_content(["a@b.de", "c@d.com", "none"]), personal_content(["google", "organic"])
    ('e-mail address', None)
    """
    kinds = Counter(kind for text in distinct if (kind := is_personal_text(text)) and (names or kind != "name"))
    if kinds.total() > MOST * len(distinct):
        return kinds.most_common(1)[0][0]
    long = sum(cut(text).kinds == ("free text",) for text in distinct)
    if long > MOST * len(distinct):
        return "free text"
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
    shaped = [_NAME_LIKE.fullmatch(text.strip()) is not None and len(w) <= 5 for text, w in zip(distinct, words, strict=True)]
    firsts = [{fold(w[0]), fold(w[1]) if "," in text and len(w) > 1 else ""} for text, w in zip(distinct, words, strict=True)]
    hits = [s and any(f in _GIVEN or f in _AMBIGUOUS for f in first) for s, first in zip(shaped, firsts, strict=True)]
    sure = [s and any(f in _GIVEN for f in first) for s, first in zip(shaped, firsts, strict=True)]
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


def _bears_out(kind: Personal, header: str, distinct: Sequence[str]) -> bool:
    """Whether the values could be what the header says: "valid" and "bounced" under "Email" are no addresses. A hashed address
    still is one person's."""
    if any(_HASH.match(text) for text in distinct) or kind not in _BORNE_OUT:
        return True
    if kind == "social profile" and re.search(r"\b(?:handle|user|id|profile?|name|photo|avatar|perfil)", header):
        return True
    if kind == "postal address" and (header not in _WEAK_ADDRESSES or _mostly(distinct, _ADDRESS_OF_PAGE.match)):
        return header not in _WEAK_ADDRESSES
    if kind == "free text" and float(np.mean([len(text.split()) for text in distinct])) >= WORDS:
        return True
    return any(_BORNE_OUT[kind](text) for text in distinct)


_BORNE_OUT: dict[Personal, Callable[[str], object]] = {
    "e-mail address": lambda text: "@" in text or is_personal_text(text) or re.search(r"\d|\S{21}", text),
    "telephone number": lambda text: len(re.findall(r"\d", text)) >= 5 or "@" in text,
    "bank account": lambda text: len(re.findall(r"\d", text)) >= 5,
    "IP address": re.compile(r".*(?:\d\.\d|:.*:)").match,
    "official number": re.compile(r".*\d.*\d").match,
    "date of birth": re.compile(r".*\d.*\d").match,
    "social profile": re.compile(r".*[/@._\d]").match,
    "postal address": re.compile(r".*(?:\d|\w\s+\w)").match,
    "free text": lambda text: cut(text).kinds,
}


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
    for place, place_kinds in kinds.items():
        if of_code[place]:
            counts.update({place_kinds[0]: int(of_code[place])})
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
    for place in candidates(pa.array(texts, pa.string())).tolist():
        text = texts[place]
        assert text is not None  # noqa: S101
        remaining, text_kinds = cut(text, names)
        if text_kinds:
            texts[place], kinds[place] = remaining, text_kinds
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

    def keeps(self, column: str, kept: pd.Series[Any], texts: pd.Series[Any] | None = None, header: str = "") -> bool:
        """Whether a custom column may stay; `header` where the file has another name for it."""
        kind = personal_column(header or column, kept, kept if texts is None else texts, self.table)
        if kind is not None:
            self.left_out[header or column] = kind
        return kind is None

    def without_persons(self, column: str, values: pd.Series[Any]) -> pd.Series[Any]:
        """A column of text as it stays."""
        if not (isinstance(values.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(values.dtype)):
            return values
        remaining, counts = without_persons(values, names=not names_companies(column, self.table))
        if counts:
            self._cut.setdefault(column, Counter()).update(counts)
        return remaining

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
