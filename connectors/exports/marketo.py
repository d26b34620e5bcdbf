"""Marketo's bulk extracts (names of the API) and its lists (labels of the screens)."""

from __future__ import annotations

from connectors.exports.kinds import NO_ACTS, NO_CHANGES, NO_HISTORY, Export

NO_MARKETO_STAGES = (
    "when lead stages were reached: the activities have it (types 13, 101, 104), but in a column of JSON that no mapping takes "
    "apart; `make import CRM=marketo` does"
)
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
    "visit webpage": "page_view",
    "fill out form": "form_submitted",
    "click link": "link_clicked",
    "send email": "email_sent",
    "email bounced": "email_bounced",
    "unsubscribe email": "unsubscribed",
    "open email": "email_opened",
    "click email": "email_clicked",
    "interesting moment": "interesting_moment",
    "change status in progression": "program_progressed",
}
KNOWS = (
    *("lead status", "lead score", "priority", "urgency", "relative score", "relative urgency", "lead revenue stage id"),
    *("lead revenue cycle model id", "updated", "updated at", "cookies", "mkto is customer", "is lead", "person type"),
    *("rating", "person score", "behavior score"),
)

EXPORTS = (
    Export(
        "marketo",
        "Marketo leads (bulk extract)",
        "leads",
        (
            ("id", "created at", "lead source"),
            ("id", "created at", "lead status"),
            ("id", "created at", "lead score"),
            ("is anonymous", "registration source type"),
            ("id", "created at", "updated at", "email", "first name"),
        ),
        {
            "lead_id": ("id",),
            "created_at": ("created at",),
            "company_id": ("external company id", "company"),
            "job_title": ("title",),
            "source": ("lead source", "original source type"),
            "country": ("country", "inferred country"),
            "email_domain": ("email",),
            "opted_out": ("unsubscribed",),
        },
        companies={
            "industry": ("industry",),
            "employees": ("number of employees", "num employees"),
            "annual_revenue": ("annual revenue",),
        },
        exclude=KNOWS,
        gaps=(NO_MARKETO_STAGES, NO_CHANGES),
        against=("activity date", "marketo guid", "program id", "stage name", "is converted"),
        stems=("leads",),
    ),
    Export(
        "marketo",
        "Marketo leads (list export)",
        "leads",
        (
            ("email address", "lead source", "num employees"),
            ("email address", "job title", "company name", "lead source"),
            ("email address", "job title", "company name", "created"),
            ("email address", "person source", "created"),
            ("email address", "lead score"),
            ("email address", "person score"),
            ("email address", "person status"),
        ),
        {
            "lead_id": ("id", "marketo id", "lead id", "person id", "email address"),
            "created_at": ("created", "created at", "erstellt"),
            "company_id": ("company name", "firmenname"),
            "job_title": ("job title", "position"),
            "source": ("lead source", "person source", "lead quelle", "acquisition program", "acquisition program name"),
            "country": ("country", "land", "inferred country"),
            "email_domain": ("email address", "e mail adresse"),
            "opted_out": ("unsubscribed", "abgemeldet"),
        },
        companies={
            "industry": ("industry", "branche"),
            "employees": ("num employees", "anzahl mitarbeiter"),
            "annual_revenue": ("annual revenue", "jahresumsatz"),
        },
        exclude=(*KNOWS, "person status"),
        gaps=(NO_HISTORY, NO_ACTS, NO_CHANGES),
        against=("member rating", "optin time", "record id"),
    ),
    Export(
        "marketo",
        "Marketo activities (bulk extract)",
        "interactions",
        (("marketo guid", "activity type id", "lead id"), ("lead id", "activity date", "activity type id")),
        {
            "lead_id": ("lead id",),
            "type": ("activity type id",),
            "at": ("activity date",),
            "campaign": ("campaign id",),
            "content": ("primary attribute value",),
        },
        values={"type": ACTIVITIES},
    ),
    Export(
        "marketo",
        "Marketo activity log",
        "interactions",
        (
            ("activity type", "activity date time", "person id"),
            ("id", "person id", "activity type", "date time"),
            ("lead id", "date time", "activity type"),
        ),
        {
            "lead_id": ("lead id", "person id", "marketo id"),
            "type": ("activity type",),
            "at": ("activity date time", "date time", "activity date"),
            "content": ("primary attribute", "detail"),
        },
        against=("task subtype", "associated contact ids"),
        values={"type": ACTIVITIES},
    ),
    Export(
        "marketo",
        "Marketo program members (bulk extract)",
        "interactions",
        (("lead id", "program id", "membership date"), ("lead id", "program", "status name")),
        {
            "lead_id": ("lead id",),
            "type": ("status name",),
            "at": ("membership date", "created at"),
            "campaign": ("program id", "program"),
        },
    ),
)
