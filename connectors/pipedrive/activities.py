"""Records of Pipedrive as acts of people: activities that were done, mails, what was put into the leads inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.crm.landing import Row
from connectors.crm.moments import moment

LAST_MAILS = ("last_incoming_mail_time", "last_outgoing_mail_time")
Tables = dict[str, list[Row]]


def inbox_row(one: Mapping[str, Any]) -> Row:
    """When a person was put into the leads inbox, and where from."""
    source = one.get("source_name") or one.get("origin")
    at = moment(one.get("add_time"))
    return {"_id": str(one["id"]), "person": str(one["person_id"]), "source": source, "channel": one.get("channel"), "at": at}


def mailed(one: Mapping[str, Any]) -> str:
    """What tells whether a person has other mails than before."""
    return "|".join(str(one.get(name) or "0") for name in ("email_messages_count", *LAST_MAILS))


def mail(person: str, one: Mapping[str, Any], since: datetime) -> Row | None:
    """A mail that was sent to a person, or came from it."""
    given = one.get("data") or {}
    at = moment(given.get("message_time"))
    if at is None or at < since or given.get("draft_flag") or given.get("deleted_flag"):
        return None
    out = bool(given.get("sent_flag"))
    kind, direction = ("mail: sent", "out") if out else ("mail: received", "in")
    return {"_id": f"mail|{given['id']}|{person}", "person": person, "type": kind, "at": at, "direction": direction}


def activities(found: Sequence[Mapping[str, Any]]) -> Tables:
    """Done activities, one row for everybody who took part."""
    records, acts = [], []
    for one in found:
        name = str(one["id"])
        at = moment(one.get("marked_as_done_time")) or _due(one)
        people = {str(p["person_id"]) for p in one.get("participants") or [] if p.get("person_id")}
        if one.get("person_id"):
            people.add(str(one["person_id"]))
        gone = one.get("is_deleted") or not one.get("done")
        records.append(
            {
                "_id": name,
                "type": one.get("type"),
                "done": str(at),
                "people": ";".join(["", *sorted(people), ""]),
                "_gone_at": (moment(one.get("update_time")) or at) if gone else None,
            }
        )
        for person in sorted(people) if at and not gone else ():
            kind = str(one.get("type"))
            direction = "in" if kind in ("meeting", "lunch") else "out"
            base = {"_id": f"{name}|{person}", "record": name, "person": person, "type": f"activity: {kind}", "at": at}
            acts.append({**base, "value": _seconds(one.get("duration")), "direction": direction})
    return {"engagements": records, "activities": acts}


def _due(one: Mapping[str, Any]) -> datetime | None:
    day = str(one.get("due_date") or "")
    return moment(f"{day}T{one.get('due_time') or '12:00'}") if day else None


def _seconds(text: object) -> float | None:
    parts = str(text or "").split(":")
    if len(parts) < 2 or not all(part.isdigit() for part in parts):
        return None
    return float(sum(int(part) * factor for part, factor in zip(parts, (3600, 60, 1), strict=False)))
