"""Records of Salesforce that become acts of people, members of deals and what deals became."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from features.sources.crm.landing import Row
from features.sources.crm.moments import moment
from features.sources.crm.rows import history_row, text, true
from features.sources.salesforce.read import Tables
from features.sources.salesforce.settings import STAGE


def stages(found: Sequence[Mapping[str, Any]]) -> Tables:
    """What opportunities became."""
    rows = [
        history_row("deal", str(one["OpportunityId"]), STAGE, text(one.get("StageName")), moment(one["CreatedDate"]))
        for one in found
        if not true(one.get("IsDeleted"))
    ]
    return {"history": rows}


def roles(found: Sequence[Mapping[str, Any]]) -> Tables:
    """Who belongs to an opportunity."""
    rows = [
        {"_id": f"{o['OpportunityId']}|{o['ContactId']}", "deal": str(o["OpportunityId"]), "person": str(o["ContactId"])}
        for o in found
        if not true(o.get("IsDeleted")) and o.get("ContactId")
    ]
    return {"deal_people": rows}


def tasks(found: Sequence[Mapping[str, Any]]) -> Tables:
    """Completed tasks: calls, e-mails, others."""
    rows = []
    for one in found:
        at = moment(one.get("CompletedDateTime")) or moment(one.get("CreatedDate"))
        kind = f"task: {one.get('TaskSubtype') or 'Task'}"
        seconds = one.get("CallDurationInSeconds")
        if kind == "task: Call":
            kind += ": inbound" if one.get("CallType") == "Inbound" else ": answered" if float(seconds or 0) > 0 else ""
        direction = "in" if one.get("CallType") == "Inbound" else "out"
        rows.append(_act(one, kind, at, direction, float(seconds) if seconds not in (None, "") else None))
    return _acts(found, rows)


def events(found: Sequence[Mapping[str, Any]]) -> Tables:
    """Events of the calendar."""
    rows = []
    for one in found:
        minutes = one.get("DurationInMinutes")
        rows.append(
            _act(
                one, "event", moment(one.get("StartDateTime")), "in", float(minutes) * 60 if minutes not in (None, "") else None
            )
        )
    return _acts(found, rows)


def members(found: Sequence[Mapping[str, Any]]) -> Tables:
    """Who was put on a campaign, and who responded."""
    rows = []
    for one in found:
        person = one.get("LeadId") or one.get("ContactId")
        base = {**one, "WhoId": person}
        kind = f"campaign: {one.get('Campaign.Type') or 'Other'}"
        created = moment(one.get("CreatedDate"))
        name = one.get("Campaign.Name")
        rows.append({**_act(base, kind, created, "out", None), "campaign": name})
        responded = moment(one.get("FirstRespondedDate"))
        if true(one.get("HasResponded")) and created:
            # a day; its end, since a response known too early would be the future
            at = max(responded + timedelta(days=1), created) if responded else created
            row = _act(base, f"{kind}: responded", at, "in", None)
            rows.append({**row, "_id": f"{row['_id']}|responded", "campaign": name})
    return _acts(found, rows)


def _acts(found: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> Tables:
    """The acts, and a row for each record, so that the acts of a deleted one go with it."""
    records = [
        {"_id": str(one["Id"]), "_gone_at": moment(one.get("SystemModstamp")) if true(one.get("IsDeleted")) else None}
        for one in found
    ]
    return {"engagements": records, "activities": [row for row in rows if row["person"] and row["at"]]}


def _act(one: Mapping[str, Any], kind: str, at: datetime | None, direction: str, value: float | None) -> Row:
    return {
        "_id": str(one["Id"]),
        "record": str(one["Id"]),
        "person": one.get("WhoId"),
        "type": kind,
        "at": at,
        "value": value,
        "direction": direction,
    }
