"""One file as it is written → its mapping: dates, numbers, rows that are left out, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.exports.columns import ColumnProfile, are_numbers
from connectors.exports.dates import date_formats
from connectors.exports.kinds import squash
from connectors.exports.labels import DELETED
from connectors.exports.recognise import ExportMatch
from connectors.files.settings import FileOptions
from features.attributes.values import NO_WORDS, YES_WORDS

TIMES = ("created_at", "at", "closed_at")
NUMBERS = ("amount", "annual_revenue", "employees", "value")
ODD_SHARE = 0.05  # of the rows, whose value is then taken for "nothing there"
ODD_VALUES = 20
MOST_FLAGS = 10
SAMPLE = 300  # distinct dates of a column by which the order of day and month in a file is judged
_GROUPED = re.compile(r"^[+-]?\d{1,3}(?:\.\d{3})+$")


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


def mapping_of(
    match: ExportMatch, columns: Mapping[str, str], dates: Mapping[str, str] | None = None, options: FileMapping | None = None
) -> FileMapping:
    """The mapping of these columns (and days of lead stages) of a file, with how it is written and which rows are deleted."""
    mapping = FileMapping(match, {"file": match.file.name})
    written = match.file.options
    if written.encoding not in ("utf-8", "utf-16", None):
        mapping.set("encoding", written.encoding, "it is not UTF-8; what Excel on Windows writes was taken")
    if written.separator not in (",", None) and not match.file.parquet:
        mapping.content["separator"] = written.separator
    if written.footer:
        mapping.set("footer", True, "its last lines have a single field")
    targets = dict(columns)
    _dates(mapping, [h for t, h in targets.items() if t in TIMES] + list((dates or {}).values()))
    decimal = _decimal(mapping, [h for t, h in targets.items() if t in NUMBERS])
    for target in [t for t in targets if t in NUMBERS]:
        _number(mapping, target, targets, FileOptions(decimal=decimal))
    if "opted_out" in targets:
        _flag(mapping, targets)
    mapping.content["columns"] = targets
    for header in match.profiles:
        if squash(header) in DELETED and is_flag(match.profiles[header]):
            mapping.content.setdefault("skip", {})[header] = [True, 1]
            mapping.comments["skip", header] = "deleted rows"
    return mapping


def is_flag(profile: ColumnProfile) -> bool:
    """Has it nothing but yes and no, or only one of them?"""
    return profile.complete and all(v.casefold() in YES_WORDS | NO_WORDS for v in profile.values)


def _dates(mapping: FileMapping, headers: Sequence[str]) -> None:
    profiles = [mapping.match.profiles[h] for h in dict.fromkeys(headers)]
    values = [v for p in profiles for v in p.values]
    dated = [p for p in mapping.match.profiles.values() if p.kind == "date"]
    of_file, doubt, _ = date_formats([v for p in dated for v in list(p.values)[:SAMPLE]])  # one order of day and month a file
    formats, _, unread = date_formats(values, of_file)
    if not values or len(unread) == len(values):
        if values:
            mapping.doubts.append(f"dates such as {values[0]!r} are written in a way that is not known; set `date_format:`")
        return
    if formats:
        mapping.set("date_format", formats, f"such as {values[0]!r}")
    if doubt and formats:
        mapping.questions.append(f"{doubt}: which is it? (`date_format:`)")
        mapping.comments[("date_format",)] = doubt
    for profile in profiles:
        odd = [v for v in profile.values if v in set(unread)]
        _null_in(mapping, profile, odd, "no date")


def _null_in(mapping: FileMapping, profile: ColumnProfile, odd: Sequence[str], what: str) -> bool:
    """Few odd values mean nothing is there; whether they are few."""
    if not odd:
        return True
    rows = sum(profile.values[v] for v in odd)
    listed = ", ".join(map(repr, odd[:3]))
    if len(odd) > ODD_VALUES or rows > max(ODD_SHARE * profile.rows, 1):
        mapping.doubts.append(f"{rows:,} rows of {profile.header!r} hold {what} ({listed})")
        return False
    mapping.content.setdefault("null_in", {})[profile.header] = list(odd)
    mapping.comments["null_in", profile.header] = f"{what}: taken for nothing there"
    mapping.doubts.append(f"{listed} in {profile.header!r} is {what} and taken for nothing there")
    return True


def _decimal(mapping: FileMapping, headers: Sequence[str]) -> str:
    """The decimal sign that the numbers, or else the separator of the file, speak for."""
    values = [v for h in headers for v in mapping.match.profiles[h].values]
    proof = next((v for v in values if decimal_comma(v)), None)
    if proof:
        mapping.set("decimal", ",", f"such as {proof!r}")
        return ","
    if any(re.search(r"\.\d{1,2}$|\.\d{4,}$|,\d{3}(?:\D|$)", v) for v in values):
        return "."
    grouped = next((v for v in values if _GROUPED.match(v)), None)
    if grouped is None:
        return "."
    if mapping.match.file.options.separator == ";":
        mapping.set("decimal", ",", f"{grouped!r} was taken for thousands, as the file is separated by semicolons")
        return ","
    plain = grouped.replace(".", "")
    mapping.questions.append(
        f'is {grouped!r} a number of thousands ({plain}) or a fraction? A fraction was taken; else set `decimal: ","`'
    )
    return "."


def decimal_comma(value: str) -> bool:
    """1.234,50 and 12,5 have one; 1,234 and 1,234.50 have not."""
    integer_part, comma, fraction = value.rpartition(",")
    return (
        bool(comma)
        and "." not in fraction
        and any(c.isdigit() for c in fraction)
        and (len(fraction) != 3 or "." in integer_part)
    )


def _number(mapping: FileMapping, target: str, columns: dict[str, str], options: FileOptions) -> None:
    """A column whose values are no numbers does not become one: it stays an attribute under its own name."""
    profile = mapping.match.profiles[columns[target]]
    is_number = are_numbers(list(profile.values), options)
    odd = [v for v, readable in zip(profile.values, is_number, strict=True) if not readable]
    doubts = len(mapping.doubts)
    if odd and (len(odd) == len(profile.values) or not _null_in(mapping, profile, odd, "no number")):
        del mapping.doubts[doubts:]
        mapping.doubts.append(f"{columns[target]!r} is no number (such as {odd[0]!r}) and is not taken for {target}")
        del columns[target]


def _flag(mapping: FileMapping, columns: dict[str, str]) -> None:
    """An opt-out that cannot be read counts as one."""
    profile = mapping.match.profiles[columns["opted_out"]]
    odd = [v for v in profile.values if v.casefold() not in YES_WORDS | NO_WORDS]
    if len(odd) > MOST_FLAGS or not profile.complete:
        mapping.doubts.append(
            f"{profile.header!r} is neither yes nor no and is not taken for opted_out: say who must not be written to"
        )
        del columns["opted_out"]
    elif odd:
        mapping.content.setdefault("values", {})["opted_out"] = dict.fromkeys(odd, True)
        mapping.comments["values", "opted_out"] = "neither yes nor no: counts as opted out"
        mapping.questions.append(f"does {odd[0]!r} in {profile.header!r} mean that somebody opted out? It was taken so")


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
