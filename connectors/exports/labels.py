"""What the columns of the four CRMs' exports are called, on English and German screens and in their APIs.

HubSpot and Marketo write labels, Salesforce labels in reports and API names in its data export, Pipedrive "Entity - Field".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Table = Literal["leads", "interactions", "deals", "lead_stages"]
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def fold(header: str) -> str:
    """A header without what spellings differ in.

    >>> fold("\\ufeffPerson - Name*"), fold("E-Mail-Adresse"), fold("marketoGUID"), fold("Größe")
    ('person name', 'e mail adresse', 'marketoguid', 'groesse')
    """
    return " ".join(re.findall(r"[a-z0-9]+", header.casefold().translate(_UMLAUTS)))


@dataclass(frozen=True)
class Export:
    """One kind of file of one CRM. `signature`: headers of which it has all of at least one line; `columns`: ours ← theirs, the
    first that is there counts; `dates`: lead stage ← header of the day it was reached; `exclude`: what knows the outcome."""

    crm: str
    title: str
    table: Table
    signature: tuple[tuple[str, ...], ...]
    columns: dict[str, tuple[str, ...]]
    dates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    companies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


NO_HISTORY = "when lead stages were reached: without it nothing can be learned but from the last status"
NO_ACTS = "interactions: scores would rest on attributes alone"
NO_CHANGES = "earlier values of attributes: they are taken as they were at the export, and the audit watches for late ones"
NO_MARKETO_STAGES = (
    "when lead stages were reached: the activities have it (types 13, 101, 104), but in a column of JSON that no mapping takes "
    "apart; `make import CRM=marketo` does"
)
HUBSPOT_DATES = "every pass of a lead stage: there is one date each, of a lead that went back and came again too"

EXPORTS = (
    Export(
        "hubspot",
        "HubSpot contacts",
        "leads",
        (
            ("record id", "create date"),
            ("record id", "email"),
            ("datensatz id", "erstellungsdatum"),
            ("datensatz id", "e mail"),
            ("objekt id", "erstelldatum"),
        ),
        {
            "lead_id": ("record id", "datensatz id", "objekt id"),
            "created_at": ("create date", "erstellungsdatum", "erstelldatum"),
            "company_id": (
                "primary associated company id",
                "associated company ids",
                "associated company id",
                "primaere zugeordnete unternehmens id",
                "associated company",
                "company name",
                "unternehmensname",
            ),
            "job_title": ("job title", "berufsbezeichnung", "stellenbezeichnung"),
            "source": ("original traffic source", "original source", "urspruengliche traffic quelle", "urspruengliche quelle"),
            "country": ("country region", "country", "land region", "land", "ip country"),
            "email_domain": ("email domain", "e mail domain", "email", "e mail"),
            "opted_out": ("unsubscribed from all email", "von allen e mails abgemeldet"),
        },
        {
            "mql": (
                "became a marketing qualified lead date",
                "date entered marketing qualified lead lifecycle stage pipeline",
                "datum wurde marketing qualified lead",
            ),
            "sql": (
                "became a sales qualified lead date",
                "date entered sales qualified lead lifecycle stage pipeline",
                "datum wurde sales qualified lead",
            ),
            "customer": ("became a customer date", "date entered customer lifecycle stage pipeline", "datum wurde kunde"),
        },
        {
            "industry": ("industry", "branche"),
            "annual_revenue": ("annual revenue", "jahresumsatz"),
            "employees": ("number of employees", "anzahl der mitarbeiter"),
        },
        (
            "lead status",
            "leadstatus",
            "lifecycle stage",
            "lifecycle phase",
            "hubspot score",
            "likelihood to close",
            "close date",
            "recent deal amount",
            "recent deal close date",
            "total revenue",
            "number of associated deals",
            "first deal created date",
            "days to close",
            "lead rating",
            "became a lead date",
            "became a subscriber date",
            "became an evangelist date",
            "became an opportunity date",
            "became an other lifecycle date",
        ),
        (HUBSPOT_DATES, NO_ACTS, NO_CHANGES),
    ),
    Export(
        "salesforce",
        "Salesforce leads (data export)",
        "leads",
        (("id", "isdeleted", "isconverted"), ("id", "createddate", "leadsource")),
        {
            "lead_id": ("id",),
            "created_at": ("createddate",),
            "company_id": ("company",),
            "job_title": ("title",),
            "source": ("leadsource",),
            "country": ("country",),
            "email_domain": ("email",),
            "opted_out": ("hasoptedoutofemail",),
        },
        {"sql": ("converteddate",)},
        {"industry": ("industry",), "employees": ("numberofemployees",), "annual_revenue": ("annualrevenue",)},
        (
            "status",
            "isconverted",
            "convertedaccountid",
            "convertedcontactid",
            "convertedopportunityid",
            "rating",
            "isdeleted",
            "masterrecordid",
            "lastmodifieddate",
            "systemmodstamp",
            "lastactivitydate",
            "lastvieweddate",
            "lastreferenceddate",
            "ownerid",
            "isunreadbyowner",
            "lastmodifiedbyid",
            "createdbyid",
        ),
        (
            "when a lead became an MQL (LeadHistory is another file of the data export; OpportunityHistory for won and lost)",
            NO_ACTS,
            NO_CHANGES,
        ),
    ),
    Export(
        "salesforce",
        "Salesforce leads (report)",
        "leads",
        (
            ("lead owner", "lead source"),
            ("lead owner", "company account"),
            ("lead inhaber", "lead quelle"),
            ("lead besitzer", "leadquelle"),
        ),
        {
            "lead_id": ("lead id", "lead kennung"),
            "created_at": ("create date", "created date", "erstelldatum", "erstellt am"),
            "company_id": ("company account", "firma account", "firma"),
            "job_title": ("title", "titel", "position"),
            "source": ("lead source", "lead quelle", "leadquelle"),
            "country": ("country", "land"),
            "email_domain": ("email", "e mail"),
            "opted_out": ("email opt out", "e mail opt out"),
        },
        {"sql": ("converted date", "umgewandelt am", "konvertierungsdatum")},
        {
            "industry": ("industry", "branche"),
            "employees": ("no of employees", "number of employees", "employees", "mitarbeiter"),
            "annual_revenue": ("annual revenue", "jahresumsatz"),
        },
        (
            "lead status",
            "rating",
            "bewertung",
            "converted",
            "umgewandelt",
            "lead owner",
            "lead inhaber",
            "last modified date",
            "last activity",
        ),
        (
            "when a lead became an MQL (run the report type Lead History, columns Lead ID, Field, New Value, Edit Date)",
            NO_ACTS,
            NO_CHANGES,
        ),
    ),
    Export(
        "salesforce",
        "Salesforce lead history (report or data export)",
        "lead_stages",
        (
            ("lead id", "new value", "edit date"),
            ("leadid", "newvalue", "createddate"),
            ("lead kennung", "neuer wert", "bearbeitungsdatum"),
        ),
        {
            "lead_id": ("lead id", "leadid", "lead kennung"),
            "lead_stage": ("new value", "newvalue", "neuer wert"),
            "at": ("edit date", "createddate", "bearbeitungsdatum"),
        },
    ),
    Export(
        "salesforce",
        "Salesforce activities (report)",
        "interactions",
        (("activity id", "task subtype"), ("assigned", "subject", "task subtype"), ("assigned", "subject", "activity type")),
        {
            "lead_id": ("contact id", "lead id", "who id", "contact"),
            "type": ("task subtype", "activity type"),
            "at": ("completed date time", "date", "datum"),
            "content": (),
        },
        gaps=("the time of day where there is only a date: several acts of a day cannot be told in their order",),
    ),
    Export(
        "marketo",
        "Marketo leads (bulk extract)",
        "leads",
        (("id", "createdat", "leadsource"), ("id", "createdat", "leadstatus"), ("isanonymous", "registrationsourcetype")),
        {
            "lead_id": ("id",),
            "created_at": ("createdat",),
            "company_id": ("externalcompanyid", "company"),
            "job_title": ("title",),
            "source": ("leadsource", "originalsourcetype"),
            "country": ("country", "inferredcountry"),
            "email_domain": ("email",),
            "opted_out": ("unsubscribed",),
        },
        {},
        {"industry": ("industry",), "employees": ("numberofemployees",), "annual_revenue": ("annualrevenue",)},
        (
            "leadstatus",
            "leadscore",
            "priority",
            "urgency",
            "relativescore",
            "relativeurgency",
            "leadrevenuestageid",
            "leadrevenuecyclemodelid",
            "updatedat",
            "cookies",
            "mktoiscustomer",
            "islead",
            "persontype",
            "rating",
        ),
        (NO_MARKETO_STAGES, NO_CHANGES),
    ),
    Export(
        "marketo",
        "Marketo leads (list export)",
        "leads",
        (("email address", "lead source", "num employees"), ("email address", "job title", "company name", "lead source")),
        {
            "lead_id": ("id", "marketo id", "lead id", "email address"),
            "created_at": ("created", "created at", "erstellt"),
            "company_id": ("company name", "firmenname"),
            "job_title": ("job title", "position"),
            "source": ("lead source", "lead quelle"),
            "country": ("country", "land"),
            "email_domain": ("email address", "e mail adresse"),
            "opted_out": ("unsubscribed", "abgemeldet"),
        },
        {},
        {
            "industry": ("industry", "branche"),
            "employees": ("num employees", "anzahl mitarbeiter"),
            "annual_revenue": ("annual revenue", "jahresumsatz"),
        },
        ("lead status", "lead score", "priority", "updated", "updated at"),
        (NO_HISTORY, NO_ACTS, NO_CHANGES),
    ),
    Export(
        "marketo",
        "Marketo activities (bulk extract)",
        "interactions",
        (("marketoguid", "activitytypeid", "leadid"),),
        {
            "lead_id": ("leadid",),
            "type": ("activitytypeid",),
            "at": ("activitydate",),
            "campaign": ("campaignid",),
            "content": ("primaryattributevalue",),
        },
    ),
    Export(
        "pipedrive",
        "Pipedrive deals",
        "deals",
        (
            ("deal title", "deal status"),
            ("deal title", "deal value"),
            ("deal titel", "deal status"),
            ("deal titel", "deal wert"),
        ),
        {
            "deal_id": ("deal id", "deal title", "deal titel"),
            "lead_id": ("deal contact person id", "person id", "deal contact person", "person name", "deal kontaktperson"),
            "company_id": (
                "deal organization id",
                "organization id",
                "deal organization",
                "organization name",
                "deal organisation",
                "organisation name",
            ),
            "created_at": ("deal deal created", "deal created", "deal add time", "deal deal erstellt", "deal erstellt"),
            "closed_at": ("deal deal closed on", "deal closed on", "deal won time", "deal lost time"),
            "amount": ("deal value", "deal wert"),
            "currency": ("deal currency", "deal waehrung", "deal currency of value"),
            "status": ("deal status",),
        },
        gaps=("the history of stages: Pipedrive's export has the last one only; the API has them all",),
    ),
    Export(
        "pipedrive",
        "Pipedrive people",
        "leads",
        (
            ("person name", "person email work"),
            ("person name", "person id"),
            ("person name", "person email"),
            ("person name", "person e mail"),
        ),
        {
            "lead_id": ("person id", "person email work", "person email", "person e mail"),
            "created_at": ("person person created", "person created", "person add time", "person erstellt"),
            "company_id": (
                "person organization id",
                "organization id",
                "person organization",
                "organization name",
                "organisation name",
            ),
            "job_title": ("person job title",),
            "email_domain": ("person email work", "person email", "person e mail"),
        },
        gaps=(NO_HISTORY, NO_ACTS, NO_CHANGES),
    ),
)

STATUSES = {
    "won": "won",
    "gewonnen": "won",
    "lost": "lost",
    "verloren": "lost",
    "open": "open",
    "offen": "open",
    "deleted": None,
}
ACTIVITIES: dict[str, str | None] = {
    "1": "page_view",
    "2": "form_submitted",
    "3": "link_clicked",
    "6": "email_sent",
    "8": "email_bounced",
    "9": "unsubscribed",
    "10": "email_opened",
    "11": "email_clicked",
    "46": "interesting_moment",
    "104": "program_progressed",
    "*": None,
}
TASKS: dict[str, str | None] = {
    "Call": "call_made",
    "Email": "sales_email_sent",
    "Event": "meeting",
    "Meeting": "meeting",
    "Task": None,
    "*": None,
}
