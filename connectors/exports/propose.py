"""A folder of downloaded files → what they are, a mapping to confirm, and what such files cannot tell."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from connectors.crm.mapping import StageValue
from connectors.crm.stages import guess
from connectors.exports.labels import ACTIVITIES, EXPORTS, HUBSPOT_DATES, NO_HISTORY, STATUSES, TASKS, Export, fold
from connectors.files.reading import RawFile, open_file
from connectors.files.settings import FileOptions
from features.common.errors import DataError
from features.dataset.funnel import Funnel

ROWS = 500  # looked at to find out how dates and numbers are written
TIMES = {"created_at", "at", "closed_at"}
NUMBERS = {"amount", "annual_revenue", "employees"}
FORMATS = (
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y, %H:%M", "%d.%m.%Y", "%d.%m.%y"),
    *("%d/%m/%Y %H:%M", "%d/%m/%Y, %H:%M", "%d/%m/%Y", "%d-%m-%Y"),
    *("%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y, %I:%M %p", "%m/%d/%Y", "%m/%d/%y"),
    *("%b %d, %Y", "%d %b %Y", "%Y/%m/%d"),
)
MAX_STATUSES = 40  # distinct values of a status that are listed


class _Plain(yaml.SafeDumper):
    """YAML without anchors, which nobody wants to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@dataclass
class ExportMatch:
    """One file and what it was taken for."""

    file: RawFile
    export: Export
    columns: dict[str, str]
    dates: dict[str, str]
    companies: dict[str, str]
    exclude: list[str]
    notes: list[str] = field(default_factory=list)


@dataclass
class Proposal:
    """`source`: the mapping as it goes into the YAML. `matches`, `unknown`: files recognised and not. `gaps`: what cannot be
    known."""

    source: dict[str, Any]
    matches: list[ExportMatch]
    unknown: list[str]
    gaps: list[str]
    doubts: list[str]

    def yaml(self, name: str) -> str:
        """A whole configuration, to be read over and trained with."""
        comments = [f"# {f.file.name}: {f.export.title}" for f in self.matches]
        comments += [f"# {file}: not recognised" for file in self.unknown]
        comments += [f"# not known from these files: {text}" for text in self.gaps] + [
            f"# look at this: {text}" for text in self.doubts
        ]
        body = {
            "name": name,
            "source": self.source,
            "funnel": {"stages": ["lead", "mql", "sql", "customer"], "exits": ["disqualified", "lost"]},
            "sales": {"capacity_per_week": 40, "cost_per_contact": 25},
        }
        return "\n".join(comments) + "\n" + yaml.dump(body, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def propose(folder: Path, funnel: Funnel) -> Proposal:
    """Look at every CSV of a folder.

    Raises
    ------
    DataError
        if none is there, none is recognised, or no file holds leads.
    """
    endings = (".csv", ".csv.gz", ".txt", ".tsv")
    names = sorted(p.name for p in folder.iterdir() if p.name.lower().endswith(endings)) if folder.is_dir() else []
    if not names:
        raise DataError(f"There is no CSV file in {folder}.", "Name the folder with the downloaded files: FOLDER=….")
    matches, unknown = [], []
    for name in names:
        match = recognise(open_file(folder, name, FileOptions(encoding=_encoding(folder / name))))
        matches.append(match) if match else unknown.append(name)
    leads = [match for match in matches if match.export.table == "leads"]
    if not leads:
        raise DataError(
            f"No file in {folder} was recognised as leads: {', '.join(names[:10])}.",
            "Export contacts or leads with their record id and creation date, or write the mapping by hand (docs/data.md).",
        )
    return _proposal(folder, matches, unknown, funnel)


def recognise(file: RawFile) -> ExportMatch | None:
    """What a file is, by its columns; None for none of the known exports."""
    headers = {fold(h): h for h in file.headers}
    best: tuple[tuple[bool, int], Export] | None = None
    for export in EXPORTS:
        signature_size = max((len(line) for line in export.signature if all(h in headers for h in line)), default=0)
        match_count = signature_size and sum(any(h in headers for h in names) for names in export.columns.values())
        rank = (export.table == "leads", signature_size + match_count)  # a file of people with their deals is one of people
        if signature_size and (best is None or rank > best[0]):
            best = (rank, export)
    if best is None:
        return None
    export = best[1]
    columns = _match_columns(export.columns, headers)
    excluded = [headers[h] for h in export.exclude if h in headers]
    return ExportMatch(
        file, export, columns, _match_columns(export.dates, headers), _match_columns(export.companies, headers), excluded
    )


def _match_columns(candidates: Mapping[str, Sequence[str]], headers: Mapping[str, str]) -> dict[str, str]:
    return {
        target: headers[name]
        for target, names in candidates.items()
        if (name := next((n for n in names if n in headers), None))
    }


def _encoding(path: Path) -> str:
    """UTF-8 where it is; else what Excel on Windows writes."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rb") as file:
        sample = file.read(1 << 20)
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        return "utf-8" if error.start > len(sample) - 4 else "cp1252"
    return "utf-8"


def _rows(file: RawFile) -> list[dict[str, str]]:
    opener: Any = gzip.open if file.path.suffix.lower() == ".gz" else open
    with opener(file.path, "rt", encoding=file.options.encoding, newline="", errors="replace") as lines:
        reader = csv.reader(lines, delimiter=file.options.separator or ",")
        next(reader, None)
        rows = []
        for row in reader:
            if len(row) == len(file.headers):
                rows.append(dict(zip(file.headers, row, strict=True)))
            if len(rows) == ROWS:
                break
    return rows


def _proposal(folder: Path, matches: Sequence[ExportMatch], unknown: list[str], funnel: Funnel) -> Proposal:
    source: dict[str, Any] = {"kind": "files", "folder": str(folder)}
    doubts: list[str] = []
    for match in matches:
        rows = _rows(match.file)
        options = _options(match, rows, doubts)
        mapping = {"file": match.file.name, **options, "columns": dict(match.columns)}
        if match.export.table == "leads":
            _lead_file(source, match, mapping, funnel, doubts)
        elif match.export.table == "lead_stages":
            mapping["values"] = {"lead_stage": _stages(match, rows, funnel)}
            source["lead_stages"] = mapping
        elif match.export.table == "deals":
            if "status" in match.columns:
                mapping["values"] = {"status": {v: STATUSES.get(fold(v)) for v in _distinct(rows, match.columns["status"])}}
            source["deals"] = mapping
        else:
            kinds = ACTIVITIES if match.export.crm == "marketo" else TASKS
            mapping["values"] = {"type": dict(kinds)}
            source.setdefault("interactions", []).append(mapping)
    return Proposal(source, list(matches), unknown, _gaps(matches), doubts)


def _lead_file(source: dict[str, Any], match: ExportMatch, mapping: dict[str, Any], funnel: Funnel, doubts: list[str]) -> None:
    if "leads" in source:
        doubts.append(f"{match.file.name} holds leads too and is not used; only one file can")
        return
    if "created_at" not in match.columns:
        doubts.append(
            f"{match.file.name} has no creation date: the order of its rows is taken for the order of time, and you have to "
            "name the column that says what came of a lead (`outcome:`)"
        )
        mapping["order"] = "rows"
    if match.columns.get("lead_id") and fold(match.columns["lead_id"]).endswith(
        ("email", "email address", "email work", "e mail")
    ):
        doubts.append(f"{match.file.name} has no record id: e-mail addresses would be the ids of leads; better export the id")
    if match.exclude:
        mapping["exclude"] = match.exclude
    source["leads"] = mapping
    options = {k: v for k, v in mapping.items() if k in ("separator", "encoding", "decimal", "date_format", "footer")}
    if match.companies and "company_id" in match.columns:
        columns = {"company_id": match.columns["company_id"], **match.companies}
        source["companies"] = {"file": match.file.name, **options, "columns": columns, "keep": [], "repeated": "last"}
        mapping["exclude"] = [*mapping.get("exclude", []), *match.companies.values()]
    dates = {stage: column for stage, column in match.dates.items() if stage in funnel.targets}
    if dates:
        source["lead_stages"] = {
            "file": match.file.name,
            **options,
            "columns": {"lead_id": match.columns["lead_id"]},
            "dates": dates,
        }


def _options(match: ExportMatch, rows: Sequence[Mapping[str, str]], doubts: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if match.file.options.encoding not in ("utf-8", None):
        options["encoding"] = match.file.options.encoding
    if match.file.options.separator not in (",", None):
        options["separator"] = match.file.options.separator
    time_columns = [c for target, c in match.columns.items() if target in TIMES] + list(match.dates.values())
    formats, doubt = date_formats(_filled(rows, time_columns))
    if formats:
        options["date_format"] = formats
    if doubt:
        doubts.append(f"{match.file.name}: {doubt}")
    number_columns = [c for target, c in {**match.columns, **match.companies}.items() if target in NUMBERS]
    if any(map(_decimal_comma, _filled(rows, number_columns))):
        options["decimal"] = ","
    if match.export.crm == "salesforce" and _footer(match.file):
        options["footer"] = True
    return options


def _filled(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> list[str]:
    """The values of these columns that are not blank."""
    return [value for row in rows for column in columns if (value := (row[column] or "").strip())]


def _decimal_comma(value: str) -> bool:
    """1.234,50 and 12,5 have one; 1,234 and 1,234.50 have not."""
    integer_part, comma, fraction = value.rpartition(",")
    return bool(comma) and "." not in fraction and (len(fraction) != 3 or "." in integer_part)


def _footer(file: RawFile) -> bool:
    """Do the last lines of the file have a single field, as old reports write who made them?"""
    with file.path.open("rb") as raw:
        raw.seek(max(0, file.path.stat().st_size - 2_000))
        tail = raw.read().decode(file.options.encoding or "utf-8", "replace").splitlines()
    last_rows = [row for row in csv.reader(tail[-6:], delimiter=file.options.separator or ",") if row]
    return len(file.headers) > 1 and any(len(row) == 1 for row in last_rows)


def date_formats(values: Sequence[str]) -> tuple[list[str], str]:
    """The formats that every value is written in, empty for ISO 8601; and what is doubtful about them.

    >>> date_formats(["31.12.2025 14:00", "01.02.2026"])
    (['%d.%m.%Y %H:%M', '%d.%m.%Y'], '')
    >>> date_formats(["2026-01-01"])
    ([], '')
    """
    non_iso = [v for v in dict.fromkeys(values) if not _is_iso(v)]
    if not non_iso:
        return [], ""
    chosen: list[str] = []
    doubt = ""
    day_first = [f for f in FORMATS if "%m/%d" not in f]
    month_first = [f for f in FORMATS if "%d/%m" not in f]
    readings = [(fits, formats) for formats in (day_first, month_first) if (fits := _covering(non_iso, formats)) is not None]
    if not readings:
        return [], f"dates such as {non_iso[0]!r} are written in a way that is not known; set `date_format:`"
    chosen = readings[0][0]
    if len(readings) == 2 and readings[0][0] != readings[1][0]:
        doubt = f"{non_iso[0]!r} could be day/month or month/day; day/month was taken"
    return chosen, doubt


def _covering(values: Iterable[str], formats: Sequence[str]) -> list[str] | None:
    used_formats: list[str] = []
    for value in values:
        date_format = next((f for f in used_formats if _fits(value, f)), None) or next(
            (f for f in formats if _fits(value, f)), None
        )
        if date_format is None:
            return None
        if date_format not in used_formats:
            used_formats.append(date_format)
    return used_formats


def _fits(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)  # noqa: DTZ007  only whether it can be read
    except ValueError:
        return False
    return True


def _is_iso(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _distinct(rows: Sequence[Mapping[str, str]], column: str | None) -> list[str]:
    return list(dict.fromkeys(v for row in rows if column and (v := row[column].strip())))[:MAX_STATUSES]


def _stages(match: ExportMatch, rows: Sequence[Mapping[str, str]], funnel: Funnel) -> dict[str, str | None]:
    values = _distinct(rows, match.columns.get("lead_stage"))
    return {**{v: guess(StageValue("Status", v, v, "", 0), funnel) for v in values}, "*": None}


def _gaps(matches: Sequence[ExportMatch]) -> list[str]:
    """What no file tells; what one file lacks and another has is not lacking."""
    dated = any(match.dates for match in matches)
    tables = {match.export.table for match in matches} | ({"lead_stages"} if dated else set())
    gaps = [
        gap
        for gap in dict.fromkeys(gap for match in matches for gap in match.export.gaps)
        if not _is_filled(gap, tables, dated)
    ]
    if "lead_stages" in tables or any(map(_of_history, gaps)):
        return gaps
    return [NO_HISTORY, *gaps]


def _is_filled(gap: str, tables: Set[str], dated: bool) -> bool:
    """Does another file tell what an export lacks, or is that nothing here, where no file is `dated`?"""
    if gap == HUBSPOT_DATES:
        return not dated
    if gap.startswith("interactions"):
        return "interactions" in tables
    return _of_history(gap) and "lead_stages" in tables


def _of_history(gap: str) -> bool:
    """Does it say that the times of lead stages are not told?"""
    return gap.startswith("when")
