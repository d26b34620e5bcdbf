"""What people did, and what was done towards them: engagements, e-mail events, forms, page views, marketing events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.crm.interactions import form_type, page_name, page_type
from connectors.crm.keys import mail_key
from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row, content_hash
from connectors.crm.mapping import plain
from connectors.crm.moments import EPOCH, iso, milliseconds, moment
from connectors.crm.rows import history_row
from connectors.crm.stream import Page, changed_rows
from connectors.hubspot.api import HubSpotApi, next_cursor
from connectors.hubspot.records import RecordKind, Tables

DAY = 86_400_000  # milliseconds
WIDEST_STRETCH = 60 * DAY
LATENESS = 600_000  # milliseconds; events may be listed a little after they happen
CONNECTED_DISPOSITION = "f240bbac-87c9-4f6e-bf70-924b57d47db7"  # HubSpot's own disposition "Connected"
EVENT_PAGE, OCCURRENCE_PAGE, LIST_PAGE = 1_000, 1_000, 100
REPLAY_WINDOW = 14 * DAY  # a marketing event's participants may still change that long after it

LEAD_STAGE = "hs_pipeline_stage"
LEADS_FIELD = f"leads.{LEAD_STAGE}"  # as a stage field of contacts

ENGAGEMENTS: Mapping[str, tuple[str, ...]] = {
    "calls": ("hs_timestamp", "hs_call_duration", "hs_call_disposition", "hs_call_direction"),
    "meetings": ("hs_timestamp", "hs_meeting_start_time", "hs_meeting_end_time", "hs_meeting_outcome"),
    "emails": ("hs_timestamp", "hs_email_direction", "hs_email_status"),
}


def engagement(name: str) -> RecordKind:
    """Calls, meetings or one-to-one e-mails."""
    entity = name.removesuffix("s")

    def row(record: Mapping[str, Any]) -> Row:
        # a row per record, so that what is unchanged is known; the acts hang on the people it is associated with
        return {
            "_id": f"{entity}|{record['id']}",
            **{key: (record.get("properties") or {}).get(key) for key in ENGAGEMENTS[name]},
        }

    def related(records: Sequence[Mapping[str, Any]], people: Mapping[str, list[str]]) -> Tables:
        return {
            "activities": [
                interaction
                for record in records
                for interaction in _interaction_rows(entity, record, people.get(str(record["id"]), []))
            ]
        }

    return RecordKind(
        name, "engagements", entity, "hs_lastmodifieddate", ENGAGEMENTS[name], (), row, related, frozenset(), "people"
    )


def sales_leads() -> RecordKind:
    """HubSpot's own Leads, what sales works on before there is a deal: their stages are those of their contacts."""

    def row(record: Mapping[str, Any]) -> Row:
        return {"_id": f"leads|{record['id']}", LEAD_STAGE: (record.get("properties") or {}).get(LEAD_STAGE)}

    def related(records: Sequence[Mapping[str, Any]], people: Mapping[str, list[str]]) -> Tables:
        rows = [
            history_row("lead", person, LEADS_FIELD, str(version.get("value") or ""), moment(version.get("timestamp")))
            for record in records
            for version in (record.get("propertiesWithHistory") or {}).get(LEAD_STAGE, [])
            for person in people.get(str(record["id"]), [])
        ]
        return {"history": [row for row in rows if row["at"]]}

    properties = (LEAD_STAGE, "hs_lastmodifieddate")
    return RecordKind(
        "leads", "engagements", "lead", "hs_lastmodifieddate", properties, (LEAD_STAGE,), row, related, frozenset(), "people"
    )


def _interaction_rows(entity: str, record: Mapping[str, Any], people: list[str]) -> Iterator[Row]:
    properties = record["properties"]
    timestamp = moment(properties.get("hs_meeting_start_time")) or moment(properties.get("hs_timestamp"))
    if timestamp is None:
        return
    kind, value, direction = _DESCRIBERS[entity](properties)
    for person in people:
        yield {
            "_id": f"{entity}|{record['id']}|{person}",
            "record": f"{entity}|{record['id']}",
            "person": person,
            "type": kind,
            "at": timestamp,
            "value": value,
            "direction": direction,
        }


def _call(properties: Mapping[str, Any]) -> tuple[str, float | None, str]:
    inbound = properties.get("hs_call_direction") == "INBOUND"
    kind = (
        "call: inbound"
        if inbound
        else "call: connected"
        if properties.get("hs_call_disposition") == CONNECTED_DISPOSITION
        else "call"
    )
    return kind, _seconds(properties.get("hs_call_duration")), "in" if inbound else "out"


def _meeting(properties: Mapping[str, Any]) -> tuple[str, float | None, str]:
    outcome = str(properties.get("hs_meeting_outcome") or "")
    begin, end = moment(properties.get("hs_meeting_start_time")), moment(properties.get("hs_meeting_end_time"))
    kind = f"meeting: {outcome}" if outcome in ("NO_SHOW", "CANCELED") else "meeting"
    return kind, (end - begin).total_seconds() if begin and end else None, "in"


def _mail(properties: Mapping[str, Any]) -> tuple[str, float | None, str]:
    inbound = properties.get("hs_email_direction") == "INCOMING_EMAIL"
    return ("sales email: in", None, "in") if inbound else ("sales email: out", None, "out")


_DESCRIBERS: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, float | None, str]]] = {
    "call": _call,
    "meeting": _meeting,
    "email": _mail,
}


def _seconds(milliseconds_given: object) -> float | None:
    text = str(milliseconds_given or "")
    return float(text) / 1000 if text.replace(".", "", 1).isdigit() else None


def hash_recent(rows: list[Row], start: int) -> list[Row]:
    """The rows; those from `start` (ms) on, which the next run looks at again, with what they are known by."""
    for row in rows:
        if row["at"] and milliseconds(row["at"]) >= start:
            row["_hash"] = content_hash(row, frozenset())
    return rows


def email_events(api: HubSpotApi, landing: Landing, history_start: datetime) -> Callable[[Any], Iterator[Page]]:
    """Marketing e-mails sent, opened, clicked …, stretch by stretch; those that HubSpot takes for a machine's are
    left out."""

    def read(cursor: Any) -> Iterator[Page]:
        start = int(cursor["until"]) - LATENESS if cursor else milliseconds(history_start)
        now = api.server_now()
        begin, width = start, DAY
        while begin < now:
            end, rows = min(begin + width, now), 0
            for page in _event_pages(api, landing, begin, end, (start, now)):
                activities = page.tables["activities"]
                rows += len(activities)
                overlapping = cursor and begin < start + LATENESS  # by the last run, perhaps
                fresh_rows = (
                    changed_rows(landing, "activities", activities, frozenset())
                    if overlapping
                    else hash_recent(list(activities), now - LATENESS)
                )
                yield replace(page, tables={"activities": fresh_rows})
            begin = end
            # so wide that a stretch is a few pages: quiet years cost few calls, and a kill loses little of a busy one
            width = (
                min(width * 2, WIDEST_STRETCH)
                if rows < EVENT_PAGE
                else max(width // 2, DAY // 24)
                if rows > 5 * EVENT_PAGE
                else width
            )
        yield Page({}, {"until": now})

    return read


def _event_pages(api: HubSpotApi, landing: Landing, begin: int, end: int, span: tuple[int, int]) -> Iterator[Page]:
    offset: str | None = None
    elapsed, total = (begin - span[0]) // 1000, max(1, (span[1] - span[0]) // 1000)
    while True:
        params = {"startTimestamp": begin, "endTimestamp": end, "limit": EVENT_PAGE, **({"offset": offset} if offset else {})}
        body = api.http.get("/email/public/v1/events", params).body
        rows = [row for event in body["events"] if (row := _event(event, landing.salt))]
        if not body.get("hasMore"):
            yield Page({"activities": rows}, {"until": end}, elapsed, total)
            return
        yield Page({"activities": rows}, None, elapsed, total)
        offset = str(body["offset"])


def _event(event: Mapping[str, Any], salt: bytes) -> Row | None:
    kind, timestamp = str(event["type"]), moment(event["created"])
    if event.get("filteredEvent") or timestamp is None:
        return None
    if kind == "STATUSCHANGE":
        states = {
            event.get("portalSubscriptionStatus"),
            *(subscription.get("status") for subscription in event.get("subscriptions") or ()),
        }
        kind = "UNSUBSCRIBED" if "UNSUBSCRIBED" in states else kind
    outbound = kind in ("SENT", "DELIVERED", "PROCESSED", "DEFERRED", "DROPPED", "BOUNCE")
    duration = event.get("duration")
    return {
        "_id": f"event|{event['id']}",
        "email_key": mail_key(event.get("recipient"), salt),
        "type": f"email: {kind}",
        "at": timestamp,
        "value": float(duration) / 1000 if isinstance(duration, int | float) else None,
        "campaign": str(event["emailCampaignId"]) if event.get("emailCampaignId") else None,
        "direction": "out" if outbound else "in",
    }


def visits(api: HubSpotApi, landing: Landing, history_start: datetime) -> Callable[[Any], Iterator[Page]]:
    """Page views (Enterprise), oldest first."""

    def read(cursor: Any) -> Iterator[Page]:
        start = int(cursor["until"]) - LATENESS if cursor else milliseconds(history_start)
        now = api.server_now()
        page_cursor: str | None = (cursor or {}).get("after")
        floor = int((cursor or {}).get("floor", start))
        while True:
            params = {
                "objectType": "contact",
                "eventType": "e_visited_page",
                "occurredAfter": iso(EPOCH + timedelta(milliseconds=floor)),
                "sort": "occurredAt",
                "limit": OCCURRENCE_PAGE,
                **({"after": page_cursor} if page_cursor else {}),
            }
            body = api.http.get(f"/events/event-occurrences/{api.version}", params).body
            rows = [_visit(occurrence) for occurrence in body["results"]]
            if cursor and all(milliseconds(row["at"]) < start + LATENESS for row in rows if row["at"]):
                rows = changed_rows(landing, "activities", rows, frozenset())  # the last run may have seen them
            else:
                rows = hash_recent(rows, now - LATENESS)
            page_cursor = next_cursor(body)
            resume_cursor = {"until": start + LATENESS, "after": page_cursor, "floor": floor}
            yield Page({"activities": rows}, resume_cursor if page_cursor else {"until": now})
            if page_cursor is None:
                return

    return read


def _visit(occurrence: Mapping[str, Any]) -> Row:
    properties = occurrence.get("properties") or {}
    address = str(properties.get("hs_url") or "")
    return {
        "_id": f"visit|{occurrence['id']}",
        "person": str(occurrence["objectId"]),
        "type": page_type(address),
        "at": moment(occurrence["occurredAt"]),
        "content": page_name(address),
        "direction": "in",
    }


def marketing_events(api: HubSpotApi) -> Callable[[Any], Iterator[Page]]:
    """Who registered for and attended webinars and other events."""

    def read(cursor: Any) -> Iterator[Page]:
        marks: dict[str, str] = dict((cursor or {}).get("done", {}))
        events = list(api.list_rows(f"/marketing/marketing-events/{api.version}", LIST_PAGE))
        now = api.server_now()
        for number, event in enumerate(events):
            name = str(event["objectId"])
            ends = moment(event.get("endDateTime")) or moment(event.get("startDateTime"))
            mark = str(event.get("updatedAt"))
            settled = ends is not None and milliseconds(ends) < now - REPLAY_WINDOW
            if marks.get(name) == mark and settled:
                continue
            rows = [row for participant in _participants(api, name) if (row := _participation(name, event, participant))]
            marks = {**marks, name: mark}
            yield Page({"activities": rows}, {"done": marks}, number + 1, len(events))
        yield Page({}, {"done": marks})

    return read


def _participants(api: HubSpotApi, event: str) -> Iterator[Mapping[str, Any]]:
    return api.list_rows(f"/marketing/marketing-events/{api.version}/participations/{event}/breakdown", LIST_PAGE)


def _participation(name: str, event: Mapping[str, Any], participant: Mapping[str, Any]) -> Row | None:
    properties = participant["properties"]
    person = ((participant.get("associations") or {}).get("contact") or {}).get("contactId")
    timestamp = moment(properties.get("occurredAt")) or moment(participant.get("createdAt"))
    if person is None or timestamp is None:
        return None
    seconds = properties.get("attendanceDurationSeconds")
    return {
        "_id": f"participation|{name}|{participant['id']}|{properties['attendanceState']}",
        "person": str(person),
        "type": f"event: {properties['attendanceState']}",
        "at": timestamp,
        "value": float(seconds) if seconds is not None else None,
        "content": str(event.get("eventName") or "") or None,
        "direction": "in",
    }


def fallback_type(name: str) -> str | None:
    """A form by what its title speaks of, anything else by its own name."""
    return form_type(name.removeprefix("form: ")) if name.startswith("form: ") else plain(name)
