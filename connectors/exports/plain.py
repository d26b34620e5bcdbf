"""Files of no known CRM: Ripeline's own tables, and tables whose columns have the names people give them.

What a file is follows from the columns it has and from whether the ids of leads repeat in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from connectors.crm.mapping import StageValue
from connectors.crm.stages import guess
from connectors.exports.columns import ColumnProfile, first_filled
from connectors.exports.kinds import NO_ACTS, NO_CHANGES, Export, fold, squash
from connectors.exports.outcome import outcome_columns
from connectors.exports.recognise import ExportMatch
from connectors.files.reading import RawFile
from features.attributes.values import NO_WORDS, YES_WORDS
from features.dataset.funnel import Funnel

LEAD_ID = (
    *("lead id", "lead number", "lead no", "lead nr", "lead key", "lead uuid", "prospect id", "contact id", "person id"),
    *(
        "customer id",
        "client id",
        "kunden id",
        "kundennummer",
        "kontakt id",
        "interessent id",
        "mql id",
        "user id",
        "student id",
    ),
    *(
        "account user id",
        "subscriber id",
        "visitor id",
        "case id",
        "application id",
        "applicant id",
        "member id",
        "id prospect",
    ),
    *("id du lead", "id client", "id cliente", "id contacto", "record id", "lead", "leadnr", "id", "uuid", "guid"),
)
CREATED = (
    *("created at", "created", "created date", "creation date", "create date", "date created", "created on", "created time"),
    *(
        "creation time",
        "lead created",
        "lead created at",
        "lead creation date",
        "lead created date",
        "lead date",
        "lead create date",
    ),
    *("signup date", "sign up date", "signed up at", "signup at", "registered", "registered at", "registration date", "added"),
    *(
        "date registered",
        "reg date",
        "first contact date",
        "first contact",
        "first seen",
        "date added",
        "added on",
        "entry date",
    ),
    *(
        "inquiry date",
        "enquiry date",
        "received at",
        "received",
        "date received",
        "submitted at",
        "submission date",
        "inserted at",
    ),
    *("erstellt", "erstellt am", "erstelldatum", "erstellungsdatum", "anlagedatum", "angelegt am", "eingang", "eingangsdatum"),
    *(
        "date de creation",
        "cree le",
        "date d inscription",
        "fecha de creacion",
        "creado",
        "creado el",
        "fecha de alta",
        "ctime",
    ),
)
AT = (
    *("at", "occurred at", "event at", "event time", "event date", "event timestamp", "activity date", "activity time"),
    *(
        "activity at",
        "timestamp",
        "time stamp",
        "date time",
        "datetime",
        "date",
        "time",
        "ts",
        "when",
        "datum",
        "zeitpunkt",
        "zeit",
    ),
    *("date and time", "sent at", "interaction date", "touch date", "fecha", "heure", "horodatage", "happened at"),
)
CHANGED = (
    *("at", "changed at", "changed on", "change date", "stage date", "entered at", "entered on", "date entered", "reached at"),
    *("reached on", "moved at", "transition date", "edit date", "modified at", "effective date", "status date", "geaendert am"),
    *(
        "since",
        "from date",
        "stage entered",
        "stage changed at",
        "valid from",
        "timestamp",
        "date time",
        "date",
        "time",
        "datum",
    ),
)
TYPE = (
    *("type", "activity", "activity type", "event", "event type", "event name", "action", "action type", "interaction"),
    *("interaction type", "touchpoint", "channel event", "engagement", "engagement type", "aktivitaet", "aktion", "ereignis"),
    *("activite", "evenement", "actividad", "evento", "kind"),
)
STAGE = (
    *("lead stage", "stage", "new stage", "to stage", "stage name", "lifecycle stage", "lead status", "status", "new status"),
    *("to status", "new value", "phase", "neue phase", "etape", "etapa", "state"),
)
DEAL_ID = (
    "deal id",
    "opportunity id",
    "opp id",
    "deal",
    "order id",
    "deal number",
    "offer id",
    "quote id",
    "purchase id",
    "offer no",
    "offer number",
    "deal no",
    "opportunity number",
    "quote number",
)
AMOUNT = ("amount", "deal amount", "value", "deal value", "revenue", "price", "betrag", "wert", "montant", "importe", "total")
CLOSED = ("closed at", "close date", "closed", "closed on", "closed date", "close time", "won at", "abschlussdatum")
COMPANY_ID = (
    *("company id", "account id", "organization id", "organisation id", "firma id", "company", "company name", "account"),
    *(
        "account name",
        "organization",
        "organisation",
        "firma",
        "unternehmen",
        "kunde firma",
        "entreprise",
        "societe",
        "empresa",
    ),
)
INDUSTRY = ("industry", "branche", "sector", "secteur", "industria", "business segment", "vertical")
EMPLOYEES = (
    "employees",
    "number of employees",
    "employee count",
    "company size",
    "headcount",
    "mitarbeiter",
    "no of employees",
)
REVENUE = ("annual revenue", "revenue", "company revenue", "jahresumsatz", "umsatz", "turnover")
COUNTRY = ("country", "country code", "land", "pays", "pais", "country region", "nation")
EMAIL = ("email domain", "email", "e mail", "email address", "mail", "correo", "courriel")
TITLE = ("job title", "title", "jobtitle", "position", "role", "berufsbezeichnung", "poste", "cargo", "job")
SOURCE = (
    *(
        "source",
        "lead source",
        "origin",
        "channel",
        "lead origin",
        "utm source",
        "traffic source",
        "quelle",
        "herkunft",
        "kanal",
    ),
    *("origine", "origen", "fuente", "acquisition channel", "medium", "original source"),
)
OPTED_OUT = ("opted out", "opt out", "do not email", "unsubscribed", "email opt out", "abgemeldet", "do not contact")
KNOWS = re.compile(
    r"\b(?:status|stage|phase|score|rating|quality|grade|updated|modified|last (?:activity|modified|contact|notable activity)|"
    r"closed?|lost|reason|probability|forecast|won|deal amount|deal value|expected revenue|duration|call length|grund|bewertung)\b"
)
_DAY = re.compile(r"\b(?:date|datum|day|at|on|time|since|am|seit|fecha|le)\b|datum$")

LEADS = Export(
    "",
    "leads (plain names)",
    "leads",
    columns={
        "lead_id": LEAD_ID,
        "created_at": CREATED,
        "company_id": COMPANY_ID,
        "source": SOURCE,
        "country": COUNTRY,
        "job_title": TITLE,
        "email_domain": EMAIL,
        "opted_out": OPTED_OUT,
    },
    gaps=(NO_ACTS, NO_CHANGES),
)
COMPANIES = Export(
    "",
    "companies (plain names)",
    "companies",
    columns={
        "company_id": COMPANY_ID,
        "industry": INDUSTRY,
        "employees": EMPLOYEES,
        "annual_revenue": REVENUE,
        "country": COUNTRY,
    },
)
INTERACTIONS = Export(
    "",
    "interactions (plain names)",
    "interactions",
    columns={
        "lead_id": LEAD_ID,
        "type": TYPE,
        "at": (*AT, *CREATED),
        "value": ("value",),
        "content": ("content", "asset", "page", "url"),
        "campaign": ("campaign", "campaign id", "campaign name", "kampagne"),
        "direction": ("direction",),
    },
)
LEAD_STAGES = Export(
    "",
    "lead stages (plain names)",
    "lead_stages",
    columns={"lead_id": LEAD_ID, "lead_stage": STAGE, "at": (*CHANGED, *CREATED)},
)
STAGE_DATES = Export("", "days of lead stages (plain names)", "lead_stages", columns={"lead_id": LEAD_ID})
DEALS = Export(
    "",
    "deals (plain names)",
    "deals",
    columns={
        "deal_id": (*DEAL_ID, "id"),
        "lead_id": tuple(n for n in LEAD_ID if n not in ("id", "uuid", "guid", "record id")),
        "company_id": COMPANY_ID[:6],
        "created_at": (*CREATED, *(n for n in AT if n != "at"), "date purchased", "purchase date", "order date"),
        "closed_at": CLOSED,
        "amount": AMOUNT,
        "currency": ("currency", "waehrung", "devise", "moneda"),
        "status": ("status", "deal status", "stage", "deal stage", "phase"),
    },
    outcome={"lead_stage": ("status", "deal status", "stage", "deal stage", "phase"), "at": CLOSED},
)


def plain_match(
    file: RawFile, profiles: Mapping[str, ColumnProfile], funnel: Funnel, lead_ids: Sequence[str] = ()
) -> ExportMatch | None:
    """What a file of no known CRM is; `lead_ids` are headers that hold the ids of leads in other files."""
    named = {p.name: p for p in profiles.values()}
    ids = (*lead_ids, *LEAD_ID)
    lead = next((named[k] for n in ids if (k := squash(n)) in named and named[k].filled), None)
    dates = stage_dates(profiles.values(), funnel)
    export = _kind(named, lead, dates, funnel)
    if export is None:
        return None
    match = _match(file, export, profiles, lead, dates, funnel)
    if not match.columns and not outcome_columns(profiles.values(), funnel):
        return None
    return match


def _kind(
    named: Mapping[str, ColumnProfile], lead: ColumnProfile | None, dates: Mapping[str, str], funnel: Funnel
) -> Export | None:
    def has(names: Sequence[str], *kinds: str) -> ColumnProfile | None:
        return next((named[k] for n in names if (k := squash(n)) in named and (not kinds or named[k].kind in kinds)), None)

    created, at, kind, stage = has(CREATED, "date", "empty"), has(AT, "date", "empty"), has(TYPE), has(STAGE)
    explicit = lead is not None and lead.name not in ("id", "uuid", "guid", "recordid")
    repeats = lead is not None and not lead.unique
    if has(DEAL_ID) and (has(AMOUNT) or has(CLOSED) or stage) and not has(EMAIL):
        return DEALS
    firm = has(("company id", "account id", "organization id", "firma id", "company", "company name", "account name", "firma"))
    if firm and (has(INDUSTRY) or has(EMPLOYEES) or has(REVENUE)) and not explicit and not has(EMAIL):
        return COMPANIES
    if lead and kind and (at or (created and repeats)) and (repeats or (explicit and not created)):
        return INTERACTIONS
    if lead and stage and (has(CHANGED, "date", "empty") or (created and repeats)) and (repeats or not created):
        return LEAD_STAGES
    if lead and dates and not created:
        return STAGE_DATES
    if lead and not lead.unique and _single_date(named) and len(named) <= 4:
        return INTERACTIONS
    has_outcome = bool(outcome_columns(named.values(), funnel))
    if has_outcome or (lead and (created or has(EMAIL) or has(SOURCE) or _single_date(named))):
        return LEADS
    return None


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
    columns = {target: h for target, names in export.columns.items() if (h := _of_kind(target, names, named))}
    if lead is not None and "lead_id" in export.columns and export is not DEALS:
        columns["lead_id"] = lead.header
    match = ExportMatch(file, export, columns, {}, {}, {}, profiles, "")
    if export is DEALS and lead is not None and lead.header != columns.get("deal_id"):
        columns["lead_id"] = lead.header
    if export is INTERACTIONS:
        _interactions(match, named, file)
    if export is LEADS:
        _leads(match, named, dates)
    if export is STAGE_DATES:
        match.dates = dict(dates)
    if export is DEALS:
        match.outcome = {t: h for t, names in export.outcome.items() if (h := _of_kind(t, names, named))}
    used = list(dict.fromkeys([*match.columns.values(), *match.dates.values()]))
    match.why = f"has {', '.join(used) or 'a column that says what came of a lead'}"
    if lead is not None and export.table != "companies":
        match.why += f"; the ids of {lead.header} {'are there once each' if lead.unique else 'repeat'}"
    return match


_KINDS = {"at": ("date",), "created_at": ("date",), "closed_at": ("date",), "amount": ("number",), "value": ("number",)}
_KINDS |= {"employees": ("number", "category", "text"), "annual_revenue": ("number", "category", "text")}


def _of_kind(target: str, names: Sequence[str], named: Mapping[str, ColumnProfile]) -> str | None:
    """The first of these columns whose values can be such; an empty one where none is filled."""
    kinds = _KINDS.get(target)
    fitting = {k: p for k, p in named.items() if kinds is None or p.kind in (*kinds, "empty")}
    if target == "opted_out":
        words = YES_WORDS | NO_WORDS
        fitting = {k: p for k, p in fitting.items() if not p.values or any(v.casefold() in words for v in p.values)}
    return first_filled(names, fitting)


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
        weak = first_filled(AT, {k: p for k, p in named.items() if p.kind == "date"}) or _single_date(named)
        if weak and weak not in dates.values():
            match.columns["created_at"] = weak
    match.dates = dict(dates)
    match.companies = (
        {
            target: header
            for target, names in (("industry", INDUSTRY), ("employees", EMPLOYEES), ("annual_revenue", REVENUE))
            if (header := _of_kind(target, names, named)) and named[squash(header)].kind != "empty"
        }
        if "company_id" in match.columns
        else {}
    )
    mapped = {*match.columns.values(), *dates.values()}
    for column in named.values():
        if column.header not in mapped and KNOWS.search(fold(column.header)):
            match.exclude[column.header] = "by its name filled in once the outcome is known"


def stage_dates(columns: Sequence[ColumnProfile] | object, funnel: Funnel) -> dict[str, str]:
    """Lead stage → the header of the day it was reached, by the words of the headers: "Won Date", "mql_at", "customer since"."""
    stages: dict[str, str] = {}
    for column in columns:  # type: ignore[attr-defined]
        words = fold(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column.header))
        if column.kind not in ("date",) or not _DAY.search(words):
            continue
        name = re.sub(r"\b(?:date|datum|day|time|first|closed?)\b", " ", words)
        bought = re.search(r"\b(?:purchased?|bought|conversion|converted|signed|paid|kauf|gekauft)\b", name)
        stage = funnel.final if bought else guess(StageValue("Header", name, name, "", 0), funnel)
        if stage in (*funnel.targets, *funnel.exits) and stage not in stages:
            stages[stage] = column.header
    return stages
