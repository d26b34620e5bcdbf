"""Rows of Marketo's answers and exports: what fields became, opportunities, lists of ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.crm.landing import Row
from connectors.crm.moments import moment
from connectors.crm.rows import before_row, history_row, number, text, true
from connectors.marketo.settings import STAGE

NEW = 12  # the type of activity of a new lead


def as_rest(row: Mapping[str, str | None]) -> dict[str, Any]:
    """A row of an export as the API would have said it."""
    given = json.loads(row.get("attributes") or "{}")
    return {**row, "attributes": [{"name": name, "value": value} for name, value in given.items()]}


def histories(rows: Sequence[Mapping[str, Any]], created: Mapping[str, datetime | None], wanted: frozenset[str]) -> list[Row]:
    """New values, and of each change the value before it, since the lead was created. What a new lead began with stands on
    itself."""
    found = []
    for one in rows:
        lead, at = str(one["leadId"]), moment(one["activityDate"])
        if at is None or one.get("activityTypeId") == NEW:
            continue
        for change in one.get("fields") or []:
            name = str(change["name"])
            if name not in wanted:  # an address, say
                continue
            row = history_row("lead", lead, name, text(change.get("newValue")), at)
            found.append(row)
            begun = created.get(lead)
            if begun and begun < at:
                found.append(before_row(row, text(change.get("oldValue")), begun))
    return found


def deal(one: Mapping[str, Any]) -> Row:
    """An opportunity as a deal."""
    closed, won = true(one.get("isClosed")), true(one.get("isWon"))
    return {
        "_id": str(one["externalOpportunityId"]),
        "_created_at": moment(one.get("externalCreatedDate")) or moment(one.get("createdAt")),
        "_closed_at": moment(one.get("closeDate")) if closed else None,
        "_amount": number(one.get("amount")),
        "_status": "won" if won else "lost" if closed else "open",
        STAGE: one.get("stage"),
    }


def ids(value: object) -> list[str]:
    """[12, 13], "[12, 13]" or "12" → the ids."""
    text = json.dumps(value) if isinstance(value, list) else str(value or "")
    return [part.strip().strip('"') for part in text.strip("[]").split(",") if part.strip()]
