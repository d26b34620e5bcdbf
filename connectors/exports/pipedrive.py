"""Pipedrive's exports: every header is "Entity - Field"."""

from __future__ import annotations

from connectors.exports.kinds import NO_ACTS, NO_CHANGES, NO_HISTORY, Export

PERSON = ("contact person id", "person id", "contact person", "person", "person name", "kontaktperson", "personne de contact")
ORGANIZATION = ("organization id", "organization", "organization name", "organisation id", "organisation", "organisation name")


def _of(entity: str, *fields: str) -> tuple[str, ...]:
    return tuple(f"{entity} {field}" for field in fields)


EXPORTS = (
    Export(
        "pipedrive",
        "Pipedrive deals",
        "deals",
        (
            ("deal title", "deal status"),
            ("deal title", "deal value"),
            ("deal id", "deal status"),
            ("deal titel", "deal status"),
            ("deal titel", "deal wert"),
            ("transaction titre", "transaction statut"),
            ("trato titulo", "trato estado"),
            ("deal title", "deal stage"),
        ),
        {
            "deal_id": ("deal id", "deal title", "deal titel", "transaction id", "trato id"),
            "lead_id": (*_of("deal", *PERSON), "person id", "person name"),
            "company_id": (*_of("deal", *ORGANIZATION), "organization id", "organization name", "organisation name"),
            "created_at": _of(
                "deal", "deal created", "created", "add time", "deal erstellt", "erstellt", "created on", "erstellt am"
            ),
            "closed_at": _of("deal", "deal closed on", "closed on", "close time", "won time", "lost time", "geschlossen am"),
            "amount": ("deal value", "deal wert"),
            "currency": ("deal currency", "deal waehrung", "deal currency of value"),
            "status": ("deal status", "transaction statut", "trato estado"),
        },
        {
            "customer": _of("deal", "won time", "won on", "gewonnen am", "gewonnen zeit"),
            "lost": _of("deal", "lost time", "lost on", "verloren am"),
            "sql": _of("deal", "deal created", "created", "add time", "deal erstellt", "erstellt", "created on", "erstellt am"),
        },
        gaps=("the history of stages: Pipedrive's export has the last one only; the API has them all",),
        against=("lead title", "activity subject"),
        stems=("deals",),
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
            ("person id", "person email"),
            ("person id", "person created"),
            ("person id", "person add time"),
        ),
        {
            "lead_id": ("person id", "person email work", "person email", "person e mail"),
            "created_at": _of("person", "person created", "created", "add time", "erstellt", "person erstellt", "created on"),
            "company_id": (*_of("person", *ORGANIZATION), "organization id", "organization name", "organisation name"),
            "job_title": ("person job title", "person position"),
            "email_domain": ("person email work", "person email", "person e mail"),
        },
        exclude=(
            *_of("person", "won deals", "lost deals", "closed deals", "open deals", "total activities", "done activities"),
            *_of("person", "update time", "last activity date", "next activity date", "gewonnene deals", "verlorene deals"),
        ),
        gaps=(NO_HISTORY, NO_ACTS, NO_CHANGES),
        stems=("people", "persons", "personen"),
    ),
    Export(
        "pipedrive",
        "Pipedrive organizations",
        "companies",
        (
            ("organization name", "organization id"),
            ("organization name", "organization address"),
            ("organization name", "organization people"),
            ("organization id", "organization created"),
            ("organisation name", "organisation id"),
        ),
        {
            "company_id": ("organization id", "organisation id", "organization name", "organisation name"),
            "industry": ("organization industry", "organisation branche"),
            "employees": _of("organization", "employee count", "number of employees", "employees"),
            "annual_revenue": ("organization annual revenue",),
            "country": ("organization country of address", "organization country"),
        },
        exclude=(
            *_of("organization", "won deals", "lost deals", "closed deals", "open deals", "update time", "total activities"),
            *_of("organization", "last activity date", "next activity date", "done activities"),
        ),
        against=("person name", "person id", "deal title", "deal id", "activity subject", "lead title"),
        stems=("organizations", "organisationen"),
    ),
    Export(
        "pipedrive",
        "Pipedrive leads",
        None,
        (
            ("lead title", "lead id"),
            ("lead title", "lead source"),
            ("lead title", "lead contact person"),
            ("lead title", "lead value"),
        ),
        unused="a lead of Pipedrive is an inquiry of a person; the people are the leads here: export the people, with their id",
        stems=("leads",),
    ),
    Export(
        "pipedrive",
        "Pipedrive activities",
        "interactions",
        (
            ("activity subject", "activity type"),
            ("activity subject", "activity due date"),
            ("activity id", "activity type"),
            ("aktivitaet betreff", "aktivitaet typ"),
        ),
        {
            "lead_id": (*_of("activity", *PERSON), "person id", "person name"),
            "type": ("activity type", "aktivitaet typ"),
            "at": _of("activity", "marked as done time", "done time", "due date", "add time", "created"),
        },
        against=("deal value", "task subtype", "person email work"),
        stems=("activities",),
        values={
            "type": {
                "call": "call_made",
                "meeting": "meeting",
                "email": "sales_email_sent",
                "lunch": "meeting",
                "task": None,
                "deadline": None,
                "anruf": "call_made",
                "besprechung": "meeting",
                "e mail": "sales_email_sent",
                "aufgabe": None,
            }
        },
    ),
)
