"""Records of Salesforce that become acts of people, members of deals and what deals became."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.crm.landing_tables import Row
from connectors.crm.mapping import plain
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
EVENTS = ("WhoId", "StartDateTime", "DurationInMinutes", "CreatedDate", "IsChild", "IsDeleted")
ATTENDEES = {
    "task_people": ("TaskRelation", "TaskId", "RelationId", "IsDeleted"),
    "event_people": ("EventRelation", "EventId", "RelationId", "Status", "IsDeleted"),
}
DECLINED = "Declined"  # Status of who was invited and does not come
MEMBERS = ("LeadId", "ContactId", "HasResponded", "FirstRespondedDate", "CreatedDate", "IsDeleted")
PARENTS = {"CampaignMember": ("Campaign.Type", "Campaign.Name")}
EMAILS = ("ActivityId", "Incoming", "Status", "MessageDate", "IsBounced", "FirstOpenedDate", "CreatedDate", "IsDeleted")
PARTICIPANTS = ("EmailMessageId", "RelationId", "RelationType", "IsDeleted")
ADDRESSED_FILTER = "RelationObjectType IN ('Lead', 'Contact')"
PEOPLE = ("003", "00Q")  # Salesforce's own beginnings of the ids of contacts and leads
SENDER_SUFFIX = "|from"
DRAFT = "5"  # Status of a message that was not sent


def stages(results: Sequence[Mapping[str, Any]]) -> Tables:
    """What opportunities became."""
    rows = [
        history_row("deal", str(record["OpportunityId"]), STAGE, text(record.get("StageName")), moment(record["CreatedDate"]))
        for record in results
        if not true(record.get("IsDeleted"))
    ]
    return {"history": rows}


def roles(results: Sequence[Mapping[str, Any]]) -> Tables:
    """Who belongs to an opportunity."""
    rows = [
        {
            "_id": f"{o['OpportunityId']}|{o['ContactId']}",
            "deal": str(o["OpportunityId"]),
            "person": str(o["ContactId"]),
            "_gone_at": _deleted_at(o),
        }
        for o in results
        if o.get("ContactId")
    ]
    return {"deal_people": rows}


def tasks(results: Sequence[Mapping[str, Any]]) -> Tables:
    """Completed tasks: calls, e-mails, others."""
    rows = []
    for record in results:
        # where Salesforce does not tell when it was done, not before it was due: known too early it is data leakage
        days = [m for m in (moment(record.get("CreatedDate")), moment(record.get("ActivityDate"))) if m]
        timestamp = moment(record.get("CompletedDateTime")) or max(days, default=None)
        kind = f"task: {record.get('TaskSubtype') or 'Task'}"
        seconds = record.get("CallDurationInSeconds")
        if kind == "task: Call":
            kind += ": inbound" if record.get("CallType") == "Inbound" else ": answered" if float(seconds or 0) > 0 else ""
        direction = "in" if record.get("CallType") == "Inbound" else "out"
        rows.append(_interaction_row(record, kind, timestamp, direction, float(seconds) if seconds not in (None, "") else None))
    return _interaction_tables(results, rows)


def events(results: Sequence[Mapping[str, Any]]) -> Tables:
    """Events of the calendar. Salesforce makes a copy for each user that is invited, which tells of the same meeting."""
    rows = []
    for record in results:
        if true(record.get("IsChild")):
            continue
        minutes = record.get("DurationInMinutes")
        rows.append(
            _interaction_row(
                record,
                "event",
                moment(record.get("StartDateTime")),
                "in",
                float(minutes) * 60 if minutes not in (None, "") else None,
            )
        )
    return _interaction_tables(results, rows)


def members(results: Sequence[Mapping[str, Any]]) -> Tables:
    """Who was put on a campaign, and who responded."""
    rows = []
    for record in results:
        person = record.get("LeadId") or record.get("ContactId")
        base = {**record, "WhoId": person}
        kind = f"campaign: {record.get('Campaign.Type') or 'Other'}"
        created = moment(record.get("CreatedDate"))
        name = record.get("Campaign.Name")
        rows.append({**_interaction_row(base, kind, created, "out", None), "campaign": name})
        responded = moment(record.get("FirstRespondedDate"))
        if true(record.get("HasResponded")) and created:
            # a day; its end, since a response known too early would be the future
            timestamp = max(responded + timedelta(days=1), created) if responded else created
            row = _interaction_row(base, f"{kind}: responded", timestamp, "in", None)
            rows.append({**row, "_id": f"{row['_id']}|responded", "campaign": name})
    return _interaction_tables(results, rows)


def emails(results: Sequence[Mapping[str, Any]]) -> Tables:
    """E-mails: sent or received, bounced, first opened. Whose they are is told apart (`participants`); the task that
    Salesforce makes of each tells the same and less."""
    records, rows = [], []
    for record in results:
        timestamp, received = moment(record.get("MessageDate")), true(record.get("Incoming"))
        # a mail that came is an act of its sender and of nobody else it went to
        name = f"{record['Id']}{SENDER_SUFFIX}" if received else str(record["Id"])
        records.append({"_id": name, "stands_for": record.get("ActivityId") or None, "_gone_at": _deleted_at(record)})
        if timestamp is None or str(record.get("Status")) == DRAFT:
            continue
        rows.append(_message(name, "received" if received else "sent", timestamp, "in" if received else "out"))
        if true(record.get("IsBounced")):
            rows.append(_message(name, "bounced", timestamp, "out"))
        opened = moment(record.get("FirstOpenedDate"))
        if opened and not received:
            rows.append(_message(name, "opened", opened, "in"))
    return {"engagements": records, "activities": rows}


def _message(name: str, event: str, timestamp: datetime, direction: str) -> Row:
    return {"_id": f"{name}|{event}", "record": name, "type": f"mail: {event}", "at": timestamp, "direction": direction}


def participants(results: Sequence[Mapping[str, Any]]) -> Tables:
    """Who takes part in an e-mail."""
    rows = [
        {
            "_id": str(record["Id"]),
            "record": f"{record['EmailMessageId']}{SENDER_SUFFIX if record.get('RelationType') == 'FromAddress' else ''}",
            "person": str(record["RelationId"]),
            "_gone_at": _deleted_at(record),
        }
        for record in results
        if record.get("RelationId")
    ]
    return {"takers": rows}


def people_condition(fields: Collection[str]) -> str:
    """The condition that a relation is one to a person; without Shared Activities Salesforce knows no other, and not the field.

    >>> people_condition(["Id", "IsWhat"]), people_condition(["Id"])
    ('IsWhat = false', '')
    """
    return "IsWhat = false" if "IsWhat" in fields else ""


def attendees(results: Sequence[Mapping[str, Any]]) -> Tables:
    """Who else takes part in a task or an event; the first of them stands on it."""
    rows = [
        {
            "_id": str(record["Id"]),
            "record": str(record.get("TaskId") or record.get("EventId")),
            "person": str(record["RelationId"]),
            "_gone_at": moment(record.get("SystemModstamp")) if record.get("Status") == DECLINED else _deleted_at(record),
        }
        for record in results
        if str(record.get("RelationId") or "").startswith(PEOPLE)
    ]
    return {"takers": rows}


def _deleted_at(record: Mapping[str, Any]) -> datetime | None:
    return moment(record.get("SystemModstamp")) if true(record.get("IsDeleted")) else None


def _interaction_tables(results: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> Tables:
    """The acts, and a row for each record, so that the acts of a deleted one go with it."""
    records = [{"_id": str(record["Id"]), "_gone_at": _deleted_at(record)} for record in results]
    return {"engagements": records, "activities": [row for row in rows if row["person"] and row["at"]]}


def _interaction_row(
    record: Mapping[str, Any], kind: str, timestamp: datetime | None, direction: str, value: float | None
) -> Row:
    return {
        "_id": str(record["Id"]),
        "record": str(record["Id"]),
        "person": record.get("WhoId"),
        "type": kind,
        "at": timestamp,
        "value": value,
        "direction": direction,
    }


def fallback_type(name: str) -> str | None:
    """A campaign of a type of the org's own: who answered did something, who was put on it did not."""
    if name.startswith("campaign: "):
        return "campaign_responded" if name.endswith(": responded") else "campaign_member"
    return plain(name)
