"""Records of Pipedrive as acts of people: activities that were done, mails, what was put into the leads inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.crm.landing_tables import Row
from connectors.crm.moments import moment

LAST_MAILS = ("last_incoming_mail_time", "last_outgoing_mail_time")
Tables = dict[str, list[Row]]


def inbox_row(lead: Mapping[str, Any], channel: str | None) -> Row:
    """When a person was put into the leads inbox, and where from; `channel`: as it is called, the lead has its number."""
    source = lead.get("source_name") or lead.get("origin")
    added_at = moment(lead.get("add_time"))
    return {
        "_id": str(lead["id"]),
        "person": str(lead["person_id"]),
        "source": source,
        "channel": channel,
        "at": added_at,
    }


def mail_mark(person: Mapping[str, Any]) -> str:
    """What tells whether a person has other mails than before."""
    return "|".join(str(person.get(name) or "0") for name in ("email_messages_count", *LAST_MAILS))


def mail_addresses(person: Mapping[str, Any]) -> list[str]:
    """A person's addresses, the main one first."""
    mails = sorted(person.get("emails") or [], key=lambda m: not m.get("primary"))
    return [str(m["value"]) for m in mails if m.get("value")]


def mail(person: str, message: Mapping[str, Any], history_start: datetime) -> Row | None:
    """A mail that was sent to a person, or came from it."""
    properties = message.get("data") or {}
    timestamp = moment(properties.get("message_time"))
    if timestamp is None or timestamp < history_start or properties.get("draft_flag") or properties.get("deleted_flag"):
        return None
    outbound = bool(properties.get("sent_flag"))
    kind, direction = ("mail: sent", "out") if outbound else ("mail: received", "in")
    return {"_id": f"mail|{properties['id']}|{person}", "person": person, "type": kind, "at": timestamp, "direction": direction}


def activities(results: Sequence[Mapping[str, Any]]) -> Tables:
    """Done activities, one row for everybody who took part."""
    records, interactions = [], []
    for activity in results:
        name = str(activity["id"])
        timestamp = moment(activity.get("marked_as_done_time")) or _due_time(activity)
        people = {str(p["person_id"]) for p in activity.get("participants") or [] if p.get("person_id")}
        if activity.get("person_id"):
            people.add(str(activity["person_id"]))
        deleted = activity.get("is_deleted") or not activity.get("done")
        records.append(
            {
                "_id": name,
                "type": activity.get("type"),
                "done": str(timestamp),
                "people": ";".join(["", *sorted(people), ""]),
                "_gone_at": (moment(activity.get("update_time")) or timestamp) if deleted else None,
            }
        )
        for person in sorted(people) if timestamp and not deleted else ():
            kind = str(activity.get("type"))
            direction = "in" if kind in ("meeting", "lunch") else "out"
            base = {"_id": f"{name}|{person}", "record": name, "person": person, "type": f"activity: {kind}", "at": timestamp}
            interactions.append({**base, "value": _seconds(activity.get("duration")), "direction": direction})
    return {"engagements": records, "activities": interactions}


def _due_time(activity: Mapping[str, Any]) -> datetime | None:
    day = str(activity.get("due_date") or "")
    return moment(f"{day}T{activity.get('due_time') or '12:00'}") if day else None


def _seconds(text: object) -> float | None:
    parts = str(text or "").split(":")
    if len(parts) < 2 or not all(part.isdigit() for part in parts):
        return None
    return float(sum(int(part) * factor for part, factor in zip(parts, (3600, 60, 1), strict=False)))
