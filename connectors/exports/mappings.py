"""One file as it is written → its mapping: dates, numbers, rows that are left out, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors.exports.columns import ColumnProfile
from connectors.exports.folder import EXCEL_ENCODING
from connectors.exports.kinds import fold, squash
from connectors.exports.labels import DELETED
from connectors.exports.recognise import ExportMatch
from connectors.files.convert import Texts, plain_times
from connectors.files.date_orders import DateJudgement, OpenOrder, in_words
from connectors.files.dates import date_mask, format_of, given_orders
from connectors.files.numbers import NumberJudgement, as_floats, plain_numbers
from connectors.files.reading import FIRST_ROW, ROW
from connectors.files.shapes import text_array
from connectors.files.tables import telling_columns, text_series
from connectors.files.writing import ColumnWriting, OtherColumns
from features.attributes.bands import is_range
from features.attributes.date_text import Order
from features.attributes.values import NO_WORDS, YES_WORDS
from features.common.persons.texts import masked
from features.dataset.tables import TABLES, Table

TIMES = ("created_at", "at", "closed_at")
NUMBERS = ("amount", "annual_revenue", "employees", "value")
ODD_SHARE = 0.05  # of the rows, whose value is then taken for "nothing there"
ODD_VALUES = 20
MOST_FLAGS = 10


@dataclass
class FileMapping:
    """The mapping of one table from one file: `content` as it goes into the YAML, `comments` on its keys, `doubts` to look at,
    `questions` only the user can answer. Columns that cannot be read as what they are to be are gone."""

    match: ExportMatch
    content: dict[str, Any]
    comments: dict[tuple[str | int, ...], str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def skip_blank(self, target: str, header: str) -> None:
        """Leave out the rows without a value every row must have, if there are any."""
        profile = self.match.profiles[header]
        absent = set(self.content.get("null_in", {}).get(header, ()))
        blank = profile.rows - profile.filled + sum(profile.values.get(str(v), 0) for v in absent)
        if blank:
            self.content.setdefault("skip", {})[header] = [""]
            self.comments["skip", header] = f"{blank:,} of {profile.rows:,} rows have no {target}"

    def set(self, key: str, value: Any, why: str) -> None:
        self.content[key] = value
        self.comments[(key,)] = why


def mapping_of(match: ExportMatch, columns: Mapping[str, str], dates: Mapping[str, str] | None = None) -> FileMapping:
    """The mapping of these columns (and days of lead stages) of a file, with how it is written where the reader cannot tell by
    itself, and which rows are deleted."""
    mapping = FileMapping(match, {"file": match.file.name})
    if match.file.options.encoding == EXCEL_ENCODING:
        mapping.set("encoding", EXCEL_ENCODING, "it is not UTF-8; what Excel on Windows writes was taken")
    targets = dict(columns)
    file = _Writings(mapping, TABLES[match.export.table or "leads"], targets)
    _dates(mapping, file, [h for t, h in targets.items() if t in TIMES] + list((dates or {}).values()))
    _numbers(mapping, file, targets)
    if "opted_out" in targets:
        _flag(mapping, targets)
    mapping.content["columns"] = targets
    for header in match.profiles:
        if squash(header) in DELETED and is_flag(match.profiles[header]):
            mapping.content.setdefault("skip", {})[header] = [True, 1]
            mapping.comments["skip", header] = "deleted rows"
    return mapping


class _Writings:
    """How the columns of a file are written, judged as reading them does, with what the mapping takes for nothing there."""

    def __init__(self, mapping: FileMapping, table: Table, columns: Mapping[str, str]) -> None:
        self._mapping = mapping
        self._file = mapping.match.file
        telling = telling_columns(table, self._file.headers, columns, self._file)
        self._other_columns = OtherColumns(lambda: (block.select([*telling, ROW]) for block in self._blocks(telling)))

    def of(self, header: str, *, counts: bool = False) -> ColumnWriting:
        return ColumnWriting(
            self._file.options_of(header), lambda: self.values(header), self._other_columns, header, counts=counts
        )

    def values(self, header: str) -> Iterator[Texts]:
        """A column, block by block."""
        return (text_series(block, header, repeated=False) for block in self._blocks([header]))

    def _blocks(self, headers: Sequence[str]) -> Iterator[pa.Table]:
        null_in = {h: values for h, values in self._mapping.content.get("null_in", {}).items() if h in headers}
        return self._file.blocks(headers, null_in)


def is_flag(profile: ColumnProfile) -> bool:
    """Has it nothing but yes and no, or only one of them?"""
    return profile.complete and all(v.casefold() in YES_WORDS | NO_WORDS for v in profile.values)


def _dates(mapping: FileMapping, file: _Writings, headers: Sequence[str]) -> None:
    """Dates that can be read in two ways are asked, and the usual way is taken; what is no date means that nothing is there."""
    profiles = [p for h in dict.fromkeys(headers) if (p := mapping.match.profiles[h]).filled]
    dated = []
    for profile in profiles:
        is_dated = date_mask(pd.Series(list(profile.values), dtype="str"))
        odd = [v for v, readable in zip(profile.values, is_dated, strict=True) if not readable]
        if is_dated.any():
            _null_in(mapping, profile, odd, "no date")
            dated.append(profile.header)
        else:
            example = masked(odd[0], profile.header)
            mapping.doubts.append(f"{profile.header!r} such as {example} is written in a way that is not known")
    judgements: dict[str, DateJudgement] = {}
    for header in dated:
        writing = file.of(header)
        if any(plain_times(block, writing.options) is None for block in file.values(header)):
            judgements[header] = writing.dates(pd.Series(dtype="str"))
    formats: dict[str, str] = {}  # and why
    for header, judgement in judgements.items():
        for family, undecided in judgement.undecided.items():
            formats.setdefault(*_order_question(mapping, header, family, undecided))
        if judgement.problem and not judgement.undecided:
            mapping.doubts.append(f"{header!r}: {judgement.problem[0]}. {judgement.problem[1].removesuffix('.')}")
    if formats:
        proven = [format_of(f, o) for j in judgements.values() for f, o in j.proven.items()]
        listed = list(dict.fromkeys([*formats, *(p for p in proven if _is_of_a_family(p, formats))]))
        mapping.set("date_format", listed if len(listed) > 1 else listed[0], "; ".join(formats.values()))


ENGLISH_DAY = re.compile(r"\b(?:date|time)$|^date (?:entered|exited|of)\b|^(?:created|closed|updated)\b")
_ORDER_NAMES: dict[Order, str] = {"dmy": "day/month", "mdy": "month/day", "ymd": "year/month/day", "ydm": "year/day/month"}


def _order_question(mapping: FileMapping, header: str, family: str, undecided: OpenOrder) -> tuple[str, str]:
    """Ask in which order the dates of a family are written; the one of other files, of the vendor, else the usual one as
    `date_format:`, and the comment on it. What the vendor always writes is no question, but told."""
    elsewhere = mapping.match.date_orders
    vendors = mapping.match.export.date_order if not elsewhere and ENGLISH_DAY.search(fold(header)) else None
    first, *further = sorted(undecided.orders, key=lambda order: (elsewhere != {order}, vendors != order))
    text, reason = undecided.example[1], " as in other files of the folder" if elsewhere == {first} else ""
    readings = " or ".join(f"{in_words(text, order)} ({format_of(family, order)})" for order in further)
    ways = " or ".join(_ORDER_NAMES[order] for order in undecided.orders)
    reading, example = in_words(text, first), f"{text!r} (row {undecided.example[0] + FIRST_ROW}) in {header!r}"
    if vendors == first:
        mapping.doubts.append(
            f"{example} was read as {reading}, as English exports of {mapping.match.export.title} are written; if not, it is "
            f"{readings} (`date_format:`)"
        )
        return format_of(family, first), f"as the vendor writes English exports: {text!r} is {reading} so, else {readings}"
    mapping.questions.append(
        f"{example} could be {ways}: {reading} or {readings}? {reading} was taken{reason} (`date_format:`)"
    )
    return format_of(family, first), f"a guess{reason}: {text!r} is {reading} so, else {readings}"


def _is_of_a_family(form: str, formats: Iterable[str]) -> bool:
    """Would a column that is surely written in this format be misread by one of the others?"""
    return bool(given_orders([form]).keys() & given_orders(formats).keys())


def _null_in(mapping: FileMapping, profile: ColumnProfile, odd: Sequence[str], what: str) -> bool:
    """Few odd values mean nothing is there; whether they are few."""
    if not odd:
        return True
    rows = sum(profile.values[v] for v in odd)
    shown = [masked(v, profile.header) for v in odd]
    listed, is_personal = ", ".join(dict.fromkeys(shown[:3])), shown != list(map(repr, odd))
    if is_personal or len(odd) > ODD_VALUES or rows > max(ODD_SHARE * profile.rows, 1):
        mapping.doubts.append(f"{rows:,} rows of {profile.header!r} hold {what} ({listed})")
        return False
    mapping.content.setdefault("null_in", {})[profile.header] = list(odd)
    mapping.comments["null_in", profile.header] = f"{what}: taken for nothing there"
    mapping.doubts.append(f"{listed} in {profile.header!r} is {what} and taken for nothing there")
    return True


def _numbers(mapping: FileMapping, file: _Writings, columns: dict[str, str]) -> None:
    """Numbers that can be thousands or fractions are asked, and what is usual is taken. A column whose values are no numbers,
    or mostly ranges, does not become one: it stays an attribute under its own name."""
    doubtful: dict[str, NumberJudgement] = {}
    proven: set[str] = set()
    for target, header in [(t, h) for t, h in columns.items() if t in NUMBERS]:
        profile, writing = mapping.match.profiles[header], file.of(header, counts=target == "employees")
        texts = pd.Series(list(profile.values), dtype="str")
        judgement = NumberJudgement()
        if any(plain_numbers(text_array(block), writing.options.decimal) is None for block in file.values(header)):
            judgement = writing.numbers(texts)
            proven |= set(writing.number_evidence.signs) & {".", ","}
        is_number = as_floats(texts, judgement.decimal, bands=True).notna()
        odd, doubts = list(texts[~is_number]), len(mapping.doubts)
        ranges = list(texts[texts.map(is_range).astype(bool)])
        if 2 * len(ranges) >= max(len(texts), 1) or (odd and not _null_in(mapping, profile, odd, "no number")):
            del mapping.doubts[doubts:]
            example = masked([*odd, *ranges][0], header)
            mapping.doubts.append(f"{header!r} is no number (such as {example}) and is not taken for {target}")
            del columns[target]
        elif judgement.doubt:
            doubtful[header] = judgement
    for header, judgement in doubtful.items():
        doubt = judgement.doubt
        if doubt and not proven - {judgement.decimal}:
            mapping.set("decimal", judgement.decimal, f"a guess: {doubt.example} is {doubt.action}")
            mapping.questions.append(f"{doubt.example} in {header!r} is {doubt.action}: is that right?")


def _flag(mapping: FileMapping, columns: dict[str, str]) -> None:
    """What is neither yes nor no is asked: reading counts it as an opt-out."""
    profile = mapping.match.profiles[columns["opted_out"]]
    odd = [v for v in profile.values if v.casefold() not in YES_WORDS | NO_WORDS]
    if len(odd) > MOST_FLAGS or not profile.complete:
        mapping.doubts.append(
            f"{profile.header!r} is neither yes nor no and is not taken for opted_out: say who must not be written to"
        )
        del columns["opted_out"]
    elif odd:
        mapping.questions.append(f"does {masked(odd[0])} in {profile.header!r} mean that somebody opted out? It was taken so")


def column_values(match: ExportMatch, header: str) -> pa.ChunkedArray:
    """All values of a column, as text."""
    chunks = [chunk for block in match.file.blocks([header], {}) for chunk in block.column(header).cast(pa.string()).chunks]
    return pa.chunked_array(chunks, pa.string())


def overlap(profile: ColumnProfile, ids: pa.ChunkedArray) -> float:
    """The share of the values of a column that are among `ids`; 4711 and 4711.0 are one."""
    sample = list(profile.values)
    if not sample:
        return 0.0
    spellings = {s for v in sample for s in (v, v.removesuffix(".0"), f"{v}.0")}
    hits = pc.unique(ids.filter(pc.is_in(ids, value_set=pa.array(sorted(spellings), pa.string()))))
    return min(1.0, len(hits) / len(sample))
