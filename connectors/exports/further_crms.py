"""Lists of Dynamics 365, Zoho CRM, ActiveCampaign and Mailchimp."""

from __future__ import annotations

from connectors.exports.kinds import NO_ACTS, NO_CHANGES, NO_HISTORY, Export

GAPS = (NO_HISTORY, NO_ACTS, NO_CHANGES)

EXPORTS = (
    Export(
        "dynamics",
        "Dynamics 365 leads",
        "leads",
        (
            ("do not modify lead", "created on"),
            ("lead id", "created on", "status reason"),
            ("topic", "status reason", "created on"),
            ("leadid", "createdon", "statuscode"),
        ),
        {
            "lead_id": ("do not modify lead", "lead id", "lead"),
            "created_at": ("created on",),
            "company_id": ("company name",),
            "job_title": ("job title",),
            "source": ("lead source", "lead source code"),
            "country": ("country region", "country", "address1 country"),
            "email_domain": ("email", "email address1"),
            "opted_out": ("do not allow emails", "do not email", "do not bulk email"),
        },
        companies={
            "industry": ("industry", "industry code"),
            "employees": ("no of employees", "number of employees"),
            "annual_revenue": ("annual revenue", "revenue"),
        },
        exclude=(
            *("status", "status reason", "state code", "status code", "rating", "modified on", "do not modify modified on"),
            *("do not modify row checksum", "lead quality code", "est close date", "est value", "qualifying opportunity"),
        ),
        gaps=GAPS,
    ),
    Export(
        "zoho",
        "Zoho CRM leads",
        "leads",
        (
            ("record id", "lead source", "lead owner"),
            ("record id", "lead owner id"),
            ("lead id", "lead owner id"),
            ("lead id", "lead owner", "created time"),
            ("record id", "lead status", "created time"),
        ),
        {
            "lead_id": ("record id", "lead id", "id"),
            "created_at": ("created time",),
            "company_id": ("company",),
            "job_title": ("designation", "title"),
            "source": ("lead source",),
            "country": ("country",),
            "email_domain": ("email",),
            "opted_out": ("email opt out",),
        },
        {"sql": ("converted date time", "converted time", "converted date")},
        {"industry": ("industry",), "employees": ("no of employees",), "annual_revenue": ("annual revenue",)},
        exclude=(
            *("lead status", "rating", "lead owner", "lead owner id", "modified time", "last activity time", "is converted"),
            *("converted account", "converted contact", "converted deal", "lead conversion time", "score", "modified by id"),
        ),
        gaps=GAPS,
        against=("create date", "lifecycle stage"),
    ),
    Export(
        "activecampaign",
        "ActiveCampaign contacts",
        "leads",
        (
            ("contact id", "date created", "email"),
            ("id", "email", "date created", "lists"),
            ("contact id", "email", "ip"),
            ("id", "email", "cdate"),
            ("email", "date created", "tags"),
        ),
        {
            "lead_id": ("contact id", "id", "email"),
            "created_at": ("date created", "created", "cdate", "date subscribed", "subscribe date"),
            "company_id": ("account", "organization", "orgname"),
            "job_title": ("job title",),
            "email_domain": ("email",),
        },
        exclude=("score", "deals", "last updated", "udate", "status", "tags"),
        gaps=GAPS,
        against=("record id", "task subtype", "leid"),
    ),
    Export(
        "mailchimp",
        "Mailchimp audience",
        "leads",
        (("email address", "optin time"), ("email address", "member rating"), ("email address", "leid")),
        {
            "lead_id": ("leid", "euid", "email address"),
            "created_at": ("optin time", "confirm time"),
            "country": ("cc", "country"),
            "email_domain": ("email address",),
        },
        exclude=("member rating", "last changed", "tags", "notes"),
        gaps=GAPS,
    ),
)
