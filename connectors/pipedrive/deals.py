"""Rows of a deal: what it is, and of its stages what needs no changelog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.crm.landing_tables import Row
from connectors.crm.moments import iso, moment
from connectors.crm.rows import history_row, number
from connectors.pipedrive.participants import TAKE_PART, participants_mark
from connectors.pipedrive.settings import STAGE, STATUS

CLOSING_TIMES = {"won": "won_time", "lost": "lost_time"}  # by status


def deal_row(record: Mapping[str, Any]) -> Row:
    """The deal as it is landed; of one that is closed without saying when, the expected day counts."""
    status, moved_at = str(record.get("status")), moment(record.get("stage_change_time"))
    closed = status in CLOSING_TIMES
    return {
        "_id": str(record["id"]),
        "_person": str(record["person_id"]) if record.get("person_id") else None,
        "_company": str(record["org_id"]) if record.get("org_id") else None,
        "_created_at": moment(record.get("add_time")),
        "_closed_at": (_closed_at(record) or moment(record.get("close_time"))) if closed else None,
        "_amount": number(record.get("value")),
        "_currency": record.get("currency"),
        "_status": status if closed else "open",
        "_gone_at": moment(record.get("update_time")) if record.get("is_deleted") else None,
        "stage_id": _stage(record),
        "moved": iso(moved_at) if moved_at else None,
        TAKE_PART: participants_mark(record),
    }


def deal_history(record: Mapping[str, Any]) -> Iterator[Row]:
    """When it was opened, when it came into the stage it is in (where it began if it never moved), and when it was closed."""
    name, added_at, closed_at = str(record["id"]), moment(record.get("add_time")), _closed_at(record)
    in_stage_since = moment(record.get("stage_change_time")) or added_at
    if added_at:
        yield history_row("deal", name, STATUS, "open", added_at)
    if in_stage_since and _stage(record):
        yield history_row("deal", name, STAGE, _stage(record), in_stage_since)
    if closed_at:
        yield history_row("deal", name, STATUS, str(record.get("status")), closed_at)


def _stage(record: Mapping[str, Any]) -> str:
    return str(record.get("stage_id") or "")


def _closed_at(record: Mapping[str, Any]) -> datetime | None:
    """The moment at which it was won or lost; None for one that is open, or that does not say."""
    column = CLOSING_TIMES.get(str(record.get("status")))
    return moment(record.get(column)) if column else None
