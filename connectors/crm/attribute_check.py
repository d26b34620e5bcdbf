"""What crm-check says of the histories of attributes, before anything is read: the same words for every CRM."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence

from connectors.crm.connector import Check
from connectors.crm.settings import CrmSource

SUBJECT = "history of attributes"
LISTED = 12  # names that are shown


def attribute_check(attributes: Sequence[str], unrecorded: Sequence[str], words: str, remedy: str) -> Check:
    """Of the columns `attributes` ("lead.region") those of which only today's value will be known: they leave the model.

    `words`: what there is of the others; `remedy`: how the customer gets a history of these.
    """
    if not unrecorded:
        return Check(SUBJECT, "good", f"of all {len(attributes):,} columns: {words}")
    finding = (
        f"of {len(unrecorded):,} of {len(attributes):,} columns only today's value is known ({listed(unrecorded)}): "
        "they leave the model"
    )
    return Check(
        SUBJECT,
        "warning",
        finding,
        f"{remedy} A column that is filled in when a lead is created and never after stays with `audit: {{insist: […]}}`.",
    )


def columns_of(source: CrmSource, fields: Collection[str], excluded: Container[str]) -> dict[str, str]:
    """The columns that leads and companies will have of these fields: "lead.region" → the vendor's field. `excluded`: fields
    that are read and become no columns."""
    mapped = {
        **{f"lead.{name}": field for name, field in source.leads.items()},
        **{f"company.{name}": field for name, field in source.companies.items()},
    }
    columns = {name: field for name, field in mapped.items() if field in fields}
    named = set(mapped.values())
    return columns | {f"lead.{field}": field for field in fields if field not in named and field not in excluded}


def listed(names: Sequence[str]) -> str:
    """The first of the names.

    >>> listed(["lead.a", "lead.b"])
    'lead.a, lead.b'
    """
    return ", ".join(names[:LISTED]) + (" …" if len(names) > LISTED else "")
