"""Rows of Marketo's answers and exports: what fields became, opportunities, lists of ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.crm.addresses import changed_address
from connectors.crm.interactions import form_type, page_name, page_type
from connectors.crm.landing_tables import Row
from connectors.crm.mapping import plain
from connectors.crm.moments import moment
from connectors.crm.rows import before_row, history_row, number, text, true
from connectors.marketo.settings import STAGE

# types of activities, by their ids of Marketo
INTERACTION_TYPES = (1, 2, 3, 6, 8, 9, 10, 11, 21, 27, 32, 34, 35, 36, 39, 40, 41, 45, 46, 101, 102, 104)
VISIT, FORM, CONVERT, MERGE, PROGRESS = 1, 2, 21, 32, 104
DEALS, MOMENT, STAGES = (34, 35, 36), 46, (101, 102)
CUSTOM = 100_000
OUTBOUND_TYPES = {6, 8, 27, 39}
OPT_OUTS = ("unsubscribed",)
KINDS_OF_FIELD = {"string", "integer", "float", "boolean", "date", "datetime", "currency", "percent", "score"}
EXPORT_FIELDS = [
    "marketoGUID",
    "leadId",
    "activityDate",
    "activityTypeId",
    "campaignId",
    "primaryAttributeValueId",
    "primaryAttributeValue",
    "attributes",
]
DEAL_FIELDS = ("externalOpportunityId", "amount", "isClosed", "isWon", "stage", "closeDate", "externalCreatedDate", "createdAt")
NEW_LEAD = 12  # the type of activity of a new lead


def rest_record(row: Mapping[str, str | None]) -> dict[str, Any]:
    """A row of an export as the API would have said it."""
    attributes = json.loads(row.get("attributes") or "{}")
    return {**row, "attributes": [{"name": name, "value": value} for name, value in attributes.items()]}


def histories(
    rows: Sequence[Mapping[str, Any]], created: Mapping[str, datetime | None], tracked_fields: frozenset[str]
) -> list[Row]:
    """New values, and of each change the value before it, since the lead was created. What a new lead began with stands on
    itself."""
    history = []
    for record in rows:
        lead, timestamp = str(record["leadId"]), moment(record["activityDate"])
        if timestamp is None or record.get("activityTypeId") == NEW_LEAD:
            continue
        for change in record.get("fields") or []:
            name = str(change["name"])
            if name not in tracked_fields:  # an address, say
                continue
            row = history_row("lead", lead, name, text(change.get("newValue")), timestamp)
            history.append(row)
            created_at = created.get(lead)
            if created_at and created_at < timestamp:
                history.append(before_row(row, text(change.get("oldValue")), created_at))
    return history


def address_changes(rows: Sequence[Mapping[str, Any]], created: Mapping[str, datetime | None], salt: bytes) -> list[Row]:
    """The addresses that leads had, where they changed."""
    return [
        row
        for record in rows
        if record.get("activityTypeId") != NEW_LEAD and (timestamp := moment(record["activityDate"]))
        for change in record.get("fields") or []
        if change["name"] == "email"
        for row in changed_address(
            str(record["leadId"]),
            change.get("oldValue"),
            change.get("newValue"),
            (created.get(str(record["leadId"])), timestamp),
            salt,
        )
    ]


def interaction_row(
    activity: Mapping[str, Any], name: str, kind: int, lead: str, timestamp: datetime, attributes: Mapping[str, Any]
) -> Row:
    """An act of a lead; `name` is what Marketo calls its type."""
    primary_value = activity.get("primaryAttributeValue")
    if kind == VISIT:
        name = page_type(str(attributes.get("Webpage URL") or primary_value or ""))
    elif kind == FORM:
        name = f"form: {primary_value or ''}"
    elif kind == PROGRESS:
        name = f"program: {attributes.get('New Status') or ''}"
    elif kind == MOMENT:
        name = f"moment: {primary_value or ''}"
    return {
        "_id": str(activity.get("marketoGUID") or activity.get("id")),
        "person": lead,
        "type": name,
        "at": timestamp,
        "content": page_name(str(primary_value)) if primary_value and kind != MOMENT else None,
        "campaign": str(activity["campaignId"]) if activity.get("campaignId") else None,
        "direction": "out" if kind in OUTBOUND_TYPES else "in",
    }


def deal(record: Mapping[str, Any]) -> Row:
    """An opportunity as a deal."""
    closed, won = true(record.get("isClosed")), true(record.get("isWon"))
    return {
        "_id": str(record["externalOpportunityId"]),
        "_created_at": moment(record.get("externalCreatedDate")) or moment(record.get("createdAt")),
        "_closed_at": moment(record.get("closeDate")) if closed else None,
        "_amount": number(record.get("amount")),
        "_status": "won" if won else "lost" if closed else "open",
        STAGE: record.get("stage"),
    }


def ids(value: object) -> list[str]:
    """[12, 13], "[12, 13]" or "12" → the ids."""
    text = json.dumps(value) if isinstance(value, list) else str(value or "")
    return [part.strip().strip('"') for part in text.strip("[]").split(",") if part.strip()]


def fallback_type(name: str) -> str | None:
    """Forms by their name, statuses of programmes by whether they are success; other things by their own name."""
    if name.startswith("form: "):
        return form_type(name.removeprefix("form: "))
    if name.startswith("program: "):
        return "program_progressed"
    return "interesting_moment" if name.startswith("moment: ") else plain(name)
