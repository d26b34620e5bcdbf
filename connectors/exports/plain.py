"""Files of no known CRM: Ripeline's own tables, and tables whose columns have the names people give them.

What a file is follows from the columns it has and from whether the ids of leads repeat in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from connectors.crm.mapping import StageValue
from connectors.crm.stages import guess
from connectors.exports import plain_names as plain
from connectors.exports.columns import ColumnProfile, first_filled
from connectors.exports.kinds import Export, fold, squash
from connectors.exports.outcome import NamedOutcome, outcome_columns
from connectors.exports.recognise import ExportMatch
from connectors.files.reading import RawFile
from features.attributes.values import NO_WORDS, YES_WORDS
from features.dataset.funnel import Funnel

KNOWS = re.compile(
    r"\b(?:status|stage|phase|score|rating|quality|grade|updated|modified|last (?:activity|modified|contact|notable activity)|"
    r"closed?|lost|reason|probability|forecast|won|deal amount|deal value|expected revenue|duration|call length|grund|"
    r"bewertung|last (?:login|seen|visit|order|purchase)|letzter? (?:login|besuch|bestellung|kontakt|kauf)|orders?(?: count)?|"
    r"(?:number|no|total) of orders|anzahl (?:der )?(?:bestellungen|auftraege|kaeufe)|bestellungen|total spent|total sales|"
    r"lifetime value|ltv|clv|umsatz gesamt|gesamtumsatz|nombre de commandes)\b"
)
_DAY = re.compile(r"\b(?:date|datum|day|at|on|time|since|am|seit|fecha|le)\b|datum$")


def plain_match(
    file: RawFile,
    profiles: Mapping[str, ColumnProfile],
    funnel: Funnel,
    lead_ids: Sequence[str] = (),
    outcome: NamedOutcome | None = None,
) -> ExportMatch | None:
    """What a file of no known CRM is; `lead_ids` are headers that hold the ids of leads in other files. A file that holds the
    `outcome` is one of leads."""
    named = {p.name: p for p in profiles.values()}
    ids = (*lead_ids, *plain.LEAD_ID)
    lead = next((named[k] for n in ids if (k := squash(n)) in named and named[k].filled), None)
    dates = stage_dates(profiles.values(), funnel)
    has_outcome = outcome is not None and outcome.column in profiles
    export = plain.LEADS if has_outcome else _kind(named, lead, dates, funnel)
    if export is None:
        return None
    match = _match(file, export, profiles, lead, dates, funnel)
    if not has_outcome and not match.columns and not outcome_columns(profiles.values(), funnel):
        return None
    return match


def _kind(
    named: Mapping[str, ColumnProfile], lead: ColumnProfile | None, dates: Mapping[str, str], funnel: Funnel
) -> Export | None:
    """The first kind whose columns are there."""

    def has(aliases: Sequence[str], *kinds: str) -> bool:
        return any(k in named and (not kinds or named[k].kind in kinds) for k in map(squash, aliases))

    created, at = has(plain.CREATED, "date", "empty"), has(plain.AT, "date", "empty")
    mail, stage = has(plain.EMAIL), has(plain.STAGE)
    explicit = lead is not None and lead.name not in ("id", "uuid", "guid", "recordid")
    repeats = lead is not None and not lead.unique
    of_company = has(plain.INDUSTRY) or has(plain.EMPLOYEES) or has(plain.REVENUE)
    of_lead = created or mail or has(plain.SOURCE) or bool(_single_date(named))
    is_kind = {
        plain.DEALS: has(plain.DEAL_ID) and (has(plain.AMOUNT) or has(plain.CLOSED) or stage) and not mail,
        plain.COMPANIES: has(plain.FIRM) and of_company and not explicit and not mail,
        plain.INTERACTIONS: lead is not None
        and has(plain.TYPE)
        and (at or (created and repeats))
        and (repeats or (explicit and not created)),
        plain.LEAD_STAGES: lead is not None
        and stage
        and (has(plain.CHANGED, "date", "empty") or (created and repeats))
        and (repeats or not created),
        plain.STAGE_DATES: lead is not None and bool(dates) and not created,
        plain.SINGLE_ACTS: repeats and bool(_single_date(named)) and len(named) <= 4,
        plain.LEADS: (lead is not None and of_lead) or bool(outcome_columns(named.values(), funnel)),
    }
    kind = next((export for export, fits in is_kind.items() if fits), None)
    return plain.INTERACTIONS if kind is plain.SINGLE_ACTS else kind


def _single_date(named: Mapping[str, ColumnProfile]) -> str | None:
    headers = [p.header for p in named.values() if p.kind == "date"]
    return headers[0] if len(headers) == 1 else None


def _match(
    file: RawFile,
    export: Export,
    profiles: Mapping[str, ColumnProfile],
    lead: ColumnProfile | None,
    dates: Mapping[str, str],
    funnel: Funnel,
) -> ExportMatch:
    named = {p.name: p for p in profiles.values()}
    columns = {target: h for target, aliases in export.columns.items() if (h := _of_kind(target, aliases, named))}
    if lead is not None and "lead_id" in export.columns and export is not plain.DEALS:
        columns["lead_id"] = lead.header
    match = ExportMatch(file, export, columns, {}, {}, {}, profiles, "")
    if export is plain.DEALS and lead is not None and lead.header != columns.get("deal_id"):
        columns["lead_id"] = lead.header
    if export is plain.INTERACTIONS:
        _interactions(match, named, file)
    if export is plain.LEADS:
        _leads(match, named, dates)
    if export is plain.STAGE_DATES:
        match.dates = dict(dates)
    if export is plain.DEALS:
        match.outcome = {t: h for t, aliases in export.outcome.items() if (h := _of_kind(t, aliases, named))}
    used = list(dict.fromkeys([*match.columns.values(), *match.dates.values()]))
    match.why = f"has {', '.join(used) or 'a column that says what came of a lead'}"
    if lead is not None and export.table != "companies":
        match.why += f"; the ids of {lead.header} {'are there once each' if lead.unique else 'repeat'}"
    return match


_KINDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("at", "created_at", "closed_at"), ("date",)),
    **dict.fromkeys(("amount", "value"), ("number",)),
    **dict.fromkeys(("employees", "annual_revenue"), ("number", "category", "text")),
}


def _of_kind(target: str, aliases: Sequence[str], named: Mapping[str, ColumnProfile]) -> str | None:
    """The first of these columns whose values can be such; an empty one where none is filled."""
    kinds = _KINDS.get(target)
    fitting = {k: p for k, p in named.items() if kinds is None or p.kind in (*kinds, "empty")}
    if target == "opted_out":
        words = YES_WORDS | NO_WORDS
        fitting = {k: p for k, p in fitting.items() if not p.values or any(v.casefold() in words for v in p.values)}
    return first_filled(aliases, fitting)


def _interactions(match: ExportMatch, named: Mapping[str, ColumnProfile], file: RawFile) -> None:
    """What was done without a column that says it is what the file or its date is called."""
    date = _single_date(named)
    if "at" not in match.columns and date:
        match.columns["at"] = date
    if "type" not in match.columns:
        words = re.sub(r"\b(?:date|at|on|time|datum)\b", " ", fold(match.columns.get("at", ""))).split()
        match.constants["type"] = "_".join(words or fold(PurePosixPath(file.name).name.split(".")[0]).split() or ["activity"])


def _leads(match: ExportMatch, named: Mapping[str, ColumnProfile], dates: Mapping[str, str]) -> None:
    if "created_at" not in match.columns:
        weak = first_filled(plain.AT, {k: p for k, p in named.items() if p.kind == "date"}) or _single_date(named)
        if weak and weak not in dates.values():
            match.columns["created_at"] = weak
    match.dates = dict(dates)
    match.companies = (
        {
            target: header
            for target, aliases in (
                ("industry", plain.INDUSTRY),
                ("employees", plain.EMPLOYEES),
                ("annual_revenue", plain.REVENUE),
            )
            if (header := _of_kind(target, aliases, named)) and named[squash(header)].kind != "empty"
        }
        if "company_id" in match.columns
        else {}
    )
    mapped = {*match.columns.values(), *dates.values()}
    for column in named.values():
        if column.header not in mapped and KNOWS.search(fold(column.header)):
            match.exclude[column.header] = "by its name filled in once the outcome is known"


def stage_dates(columns: Iterable[ColumnProfile], funnel: Funnel) -> dict[str, str]:
    """Lead stage → the header of the day it was reached, by the words of the headers: "Won Date", "customer since"."""
    stages: dict[str, str] = {}
    for column in columns:
        words = fold(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column.header))
        if column.kind not in ("date",) or not _DAY.search(words):
            continue
        name = re.sub(r"\b(?:date|datum|day|time|first|closed?)\b", " ", words)
        bought = re.search(r"\b(?:purchased?|bought|conversion|converted|signed|paid|kauf|gekauft)\b", name)
        stage = funnel.final if bought else guess(StageValue("Header", name, name, "", 0), funnel)
        if stage in (*funnel.targets, *funnel.exits) and stage not in stages:
            stages[stage] = column.header
    return stages
