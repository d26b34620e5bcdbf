"""Records of Salesforce that become acts of people, members of deals and what deals became."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.crm.landing import Row
from connectors.crm.moments import moment
from connectors.crm.rows import history_row, text, true
from connectors.salesforce.read import Tables
from connectors.salesforce.settings import STAGE

# what is asked for of each object
MERGES = ("IsDeleted", "MasterRecordId")
HISTORY = ("Id", "LeadId", "Lead.CreatedDate", "Field", "OldValue", "NewValue", "CreatedDate", "IsDeleted")
STAGES = ("Id", "OpportunityId", "StageName", "CreatedDate", "IsDeleted")
ROLES = ("OpportunityId", "ContactId", "IsDeleted")
TASKS = (
    *("WhoId", "TaskSubtype", "CallType", "CallDurationInSeconds", "CompletedDateTime", "ActivityDate", "CreatedDate"),
    *("IsClosed", "IsDeleted"),
)
EVENTS = ("WhoId", "StartDateTime", "DurationInMinutes", "CreatedDate", "IsDeleted")
MEMBERS = ("LeadId", "ContactId", "HasResponded", "FirstRespondedDate", "CreatedDate", "IsDeleted")
PARENTS = {"CampaignMember": ("Campaign.Type", "Campaign.Name")}
EMAILS = ("ActivityId", "Incoming", "Status", "MessageDate", "IsBounced", "FirstOpenedDate", "CreatedDate", "IsDeleted")
TAKERS = ("EmailMessageId", "RelationId", "RelationType", "IsDeleted")
ADDRESSED = "RelationObjectType IN ('Lead', 'Contact')"
FROM = "|from"
DRAFT = "5"  # Status of a message that was not sent


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
        {
            "_id": f"{o['OpportunityId']}|{o['ContactId']}",
            "deal": str(o["OpportunityId"]),
            "person": str(o["ContactId"]),
            "_gone_at": _gone(o),
        }
        for o in found
        if o.get("ContactId")
    ]
    return {"deal_people": rows}


def tasks(found: Sequence[Mapping[str, Any]]) -> Tables:
    """Completed tasks: calls, e-mails, others."""
    rows = []
    for one in found:
        # where Salesforce does not tell when it was done, not before it was due: known too early it is data leakage
        days = [m for m in (moment(one.get("CreatedDate")), moment(one.get("ActivityDate"))) if m]
        at = moment(one.get("CompletedDateTime")) or max(days, default=None)
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


def emails(found: Sequence[Mapping[str, Any]]) -> Tables:
    """E-mails: sent or received, bounced, first opened. Whose they are is told apart (`participants`); the task that
    Salesforce makes of each tells the same and less."""
    records, rows = [], []
    for one in found:
        at, received = moment(one.get("MessageDate")), true(one.get("Incoming"))
        # a mail that came is an act of its sender and of nobody else it went to
        name = f"{one['Id']}{FROM}" if received else str(one["Id"])
        records.append({"_id": name, "stands_for": one.get("ActivityId") or None, "_gone_at": _gone(one)})
        if at is None or str(one.get("Status")) == DRAFT:
            continue
        rows.append(_message(name, "received" if received else "sent", at, "in" if received else "out"))
        if true(one.get("IsBounced")):
            rows.append(_message(name, "bounced", at, "out"))
        opened = moment(one.get("FirstOpenedDate"))
        if opened and not received:
            rows.append(_message(name, "opened", opened, "in"))
    return {"engagements": records, "activities": rows}


def _message(name: str, what: str, at: datetime, direction: str) -> Row:
    return {"_id": f"{name}|{what}", "record": name, "type": f"mail: {what}", "at": at, "direction": direction}


def takers(found: Sequence[Mapping[str, Any]]) -> Tables:
    """Who takes part in an e-mail."""
    rows = [
        {
            "_id": str(one["Id"]),
            "record": f"{one['EmailMessageId']}{FROM if one.get('RelationType') == 'FromAddress' else ''}",
            "person": str(one["RelationId"]),
            "_gone_at": _gone(one),
        }
        for one in found
        if one.get("RelationId")
    ]
    return {"takers": rows}


def _gone(one: Mapping[str, Any]) -> datetime | None:
    return moment(one.get("SystemModstamp")) if true(one.get("IsDeleted")) else None


def _acts(found: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> Tables:
    """The acts, and a row for each record, so that the acts of a deleted one go with it."""
    records = [{"_id": str(one["Id"]), "_gone_at": _gone(one)} for one in found]
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
