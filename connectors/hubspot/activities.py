"""What people did, and what was done towards them: engagements, e-mail events, forms, page views, marketing events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.crm.interactions import page_name, page_type
from connectors.crm.keys import mail_key
from connectors.crm.landing import Landing, Row, content_hash
from connectors.crm.moments import EPOCH, iso, milliseconds, moment
from connectors.crm.stream import Page, changed
from connectors.hubspot.api import Api, following
from connectors.hubspot.records import Kind, Tables, read_kind

DAY = 86_400_000  # milliseconds
WIDEST = 60 * DAY
LATE = 600_000  # milliseconds; events may be listed a little after they happen
CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"  # HubSpot's own disposition "Connected"
EVENTS, SUBMISSIONS, OCCURRENCES, LISTED = 1_000, 50, 1_000, 100
REPLAYED = 14 * DAY  # a marketing event's participants may still change that long after it

ENGAGEMENTS: Mapping[str, tuple[str, ...]] = {
    "calls": ("hs_timestamp", "hs_call_duration", "hs_call_disposition", "hs_call_direction"),
    "meetings": ("hs_timestamp", "hs_meeting_start_time", "hs_meeting_end_time", "hs_meeting_outcome"),
    "emails": ("hs_timestamp", "hs_email_direction", "hs_email_status"),
}


def engagement(api: Api, landing: Landing, name: str) -> Callable[[Any], Iterator[Page]]:
    """The stream of calls, meetings or one-to-one e-mails."""
    entity = name.removesuffix("s")

    def row(one: Mapping[str, Any]) -> Row:
        # a row per record, so that what is unchanged is known; the acts hang on the people it is associated with
        return {"_id": f"{entity}|{one['id']}", **{key: (one.get("properties") or {}).get(key) for key in ENGAGEMENTS[name]}}

    def more(found: Sequence[Mapping[str, Any]], people: Mapping[str, list[str]]) -> Tables:
        return {"activities": [act for one in found for act in _acts(entity, one, people.get(str(one["id"]), []))]}

    kind = Kind(name, "engagements", entity, "hs_lastmodifieddate", ENGAGEMENTS[name], (), row, more, frozenset(), "people")
    return lambda cursor: read_kind(api, landing, kind, cursor)


def _acts(entity: str, record: Mapping[str, Any], people: list[str]) -> Iterator[Row]:
    given = record["properties"]
    at = moment(given.get("hs_meeting_start_time")) or moment(given.get("hs_timestamp"))
    if at is None:
        return
    kind, value, direction = _DESCRIBED[entity](given)
    for person in people:
        yield {
            "_id": f"{entity}|{record['id']}|{person}",
            "record": f"{entity}|{record['id']}",
            "person": person,
            "type": kind,
            "at": at,
            "value": value,
            "direction": direction,
        }


def _call(given: Mapping[str, Any]) -> tuple[str, float | None, str]:
    inbound = given.get("hs_call_direction") == "INBOUND"
    kind = "call: inbound" if inbound else "call: connected" if given.get("hs_call_disposition") == CONNECTED else "call"
    return kind, _seconds(given.get("hs_call_duration")), "in" if inbound else "out"


def _meeting(given: Mapping[str, Any]) -> tuple[str, float | None, str]:
    outcome = str(given.get("hs_meeting_outcome") or "")
    begin, end = moment(given.get("hs_meeting_start_time")), moment(given.get("hs_meeting_end_time"))
    kind = f"meeting: {outcome}" if outcome in ("NO_SHOW", "CANCELED") else "meeting"
    return kind, (end - begin).total_seconds() if begin and end else None, "in"


def _mail(given: Mapping[str, Any]) -> tuple[str, float | None, str]:
    inbound = given.get("hs_email_direction") == "INCOMING_EMAIL"
    return ("sales email: in", None, "in") if inbound else ("sales email: out", None, "out")


_DESCRIBED: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, float | None, str]]] = {
    "call": _call,
    "meeting": _meeting,
    "email": _mail,
}


def _seconds(milliseconds_given: object) -> float | None:
    text = str(milliseconds_given or "")
    return float(text) / 1000 if text.replace(".", "", 1).isdigit() else None


def _known_again(rows: list[Row], since: int) -> list[Row]:
    """The rows; those from `since` (ms) on, which the next run looks at again, with what they are known by."""
    for row in rows:
        if row["at"] and milliseconds(row["at"]) >= since:
            row["_hash"] = content_hash(row, frozenset())
    return rows


def email_events(api: Api, landing: Landing, since: datetime) -> Callable[[Any], Iterator[Page]]:
    """Marketing e-mails sent, opened, clicked …, stretch by stretch; those that HubSpot takes for a machine's are
    left out."""

    def read(cursor: Any) -> Iterator[Page]:
        start = int(cursor["until"]) - LATE if cursor else milliseconds(since)
        now = api.server_now()
        begin, width = start, DAY
        while begin < now:
            end, rows = min(begin + width, now), 0
            for page in _between(api, landing, begin, end, (start, now)):
                found = page.tables["activities"]
                rows += len(found)
                seen = cursor and begin < start + LATE  # by the last run, perhaps
                fresh = changed(landing, "activities", found, frozenset()) if seen else _known_again(list(found), now - LATE)
                yield replace(page, tables={"activities": fresh})
            begin = end
            # so wide that a stretch is a few pages: quiet years cost few calls, and a kill loses little of a busy one
            width = min(width * 2, WIDEST) if rows < EVENTS else max(width // 2, DAY // 24) if rows > 5 * EVENTS else width
        yield Page({}, {"until": now})

    return read


def _between(api: Api, landing: Landing, begin: int, end: int, span: tuple[int, int]) -> Iterator[Page]:
    offset: str | None = None
    done, total = (begin - span[0]) // 1000, max(1, (span[1] - span[0]) // 1000)
    while True:
        params = {"startTimestamp": begin, "endTimestamp": end, "limit": EVENTS, **({"offset": offset} if offset else {})}
        body = api.http.get("/email/public/v1/events", params).body
        rows = [row for event in body["events"] if (row := _event(event, landing.salt))]
        if not body.get("hasMore"):
            yield Page({"activities": rows}, {"until": end}, done, total)
            return
        yield Page({"activities": rows}, None, done, total)
        offset = str(body["offset"])


def _event(event: Mapping[str, Any], salt: bytes) -> Row | None:
    kind, at = str(event["type"]), moment(event["created"])
    if event.get("filteredEvent") or at is None:
        return None
    if kind == "STATUSCHANGE":
        states = {event.get("portalSubscriptionStatus"), *(one.get("status") for one in event.get("subscriptions") or ())}
        kind = "UNSUBSCRIBED" if "UNSUBSCRIBED" in states else kind
    out = kind in ("SENT", "DELIVERED", "PROCESSED", "DEFERRED", "DROPPED", "BOUNCE")
    duration = event.get("duration")
    return {
        "_id": f"event|{event['id']}",
        "email_key": mail_key(event.get("recipient"), salt),
        "type": f"email: {kind}",
        "at": at,
        "value": float(duration) / 1000 if isinstance(duration, int | float) else None,
        "campaign": str(event["emailCampaignId"]) if event.get("emailCampaignId") else None,
        "direction": "out" if out else "in",
    }


def forms(api: Api, landing: Landing, since: datetime) -> Callable[[Any], Iterator[Page]]:
    """What was sent through forms, newest first, back to a little before what the last run saw."""

    def read(cursor: Any) -> Iterator[Page]:
        known: dict[str, int] = dict((cursor or {}).get("newest", {}))
        every = list(api.listed("/marketing/v3/forms", LISTED))
        for number, form in enumerate(every):
            guid = str(form["id"])
            newest = known.get(guid, milliseconds(since) - 1)
            floor = newest - LATE if guid in known else newest
            for rows, last in _submissions(api, landing, form, floor):
                newest = max(newest, last)
                fresh = changed(landing, "activities", rows, frozenset()) if guid in known else _known_again(rows, 0)
                yield Page({"activities": fresh}, None, number, len(every))
            known = {**known, guid: newest}
            yield Page({}, {"newest": known}, number + 1, len(every))
        yield Page({}, {"newest": known})

    return read


def _submissions(api: Api, landing: Landing, form: Mapping[str, Any], floor: int) -> Iterator[tuple[list[Row], int]]:
    """Rows newer than `floor` (ms), and the newest moment among them, page by page (cursor pagination)."""
    after: str | None = None
    while True:
        path = f"/form-integrations/v1/submissions/forms/{form['id']}"
        body = api.http.get(path, {"limit": SUBMISSIONS, **({"after": after} if after else {})}).body
        rows, newest = [], floor
        for one in body["results"]:
            at = int(one["submittedAt"])
            if at <= floor:
                continue
            newest = max(newest, at)
            key = mail_key(
                next((str(v.get("value")) for v in one.get("values", []) if v.get("name") == "email"), None), landing.salt
            )
            rows.append(
                {
                    "_id": f"form|{form['id']}|{one.get('conversionId') or f'{at}|{key}'}",
                    "email_key": key,
                    "type": f"form: {form.get('name', '')}",
                    "at": moment(at),
                    "content": str(form.get("name", "")) or None,
                    "direction": "in",
                }
            )
        yield rows, newest
        after = following(body)
        if after is None or len(rows) < len(body["results"]):
            return


def visits(api: Api, landing: Landing, since: datetime) -> Callable[[Any], Iterator[Page]]:
    """Page views (Enterprise), oldest first."""

    def read(cursor: Any) -> Iterator[Page]:
        start = int(cursor["until"]) - LATE if cursor else milliseconds(since)
        now = api.server_now()
        after: str | None = (cursor or {}).get("after")
        floor = int((cursor or {}).get("floor", start))
        while True:
            params = {
                "objectType": "contact",
                "eventType": "e_visited_page",
                "occurredAfter": iso(EPOCH + timedelta(milliseconds=floor)),
                "sort": "occurredAt",
                "limit": OCCURRENCES,
                **({"after": after} if after else {}),
            }
            body = api.http.get(f"/events/event-occurrences/{api.version}", params).body
            rows = [_visit(one) for one in body["results"]]
            if cursor and all(milliseconds(row["at"]) < start + LATE for row in rows if row["at"]):
                rows = changed(landing, "activities", rows, frozenset())  # the last run may have seen them
            else:
                rows = _known_again(rows, now - LATE)
            after = following(body)
            going_on = {"until": start + LATE, "after": after, "floor": floor}
            yield Page({"activities": rows}, going_on if after else {"until": now})
            if after is None:
                return

    return read


def _visit(one: Mapping[str, Any]) -> Row:
    given = one.get("properties") or {}
    address = str(given.get("hs_url") or "")
    return {
        "_id": f"visit|{one['id']}",
        "person": str(one["objectId"]),
        "type": page_type(address),
        "at": moment(one["occurredAt"]),
        "content": page_name(address),
        "direction": "in",
    }


def marketing_events(api: Api) -> Callable[[Any], Iterator[Page]]:
    """Who registered for and attended webinars and other events."""

    def read(cursor: Any) -> Iterator[Page]:
        done: dict[str, str] = dict((cursor or {}).get("done", {}))
        every = list(api.listed(f"/marketing/marketing-events/{api.version}", LISTED))
        now = api.server_now()
        for number, event in enumerate(every):
            name = str(event["objectId"])
            ends = moment(event.get("endDateTime")) or moment(event.get("startDateTime"))
            mark = str(event.get("updatedAt"))
            settled = ends is not None and milliseconds(ends) < now - REPLAYED
            if done.get(name) == mark and settled:
                continue
            rows = [row for one in _participants(api, name) if (row := _participation(name, event, one))]
            done = {**done, name: mark}
            yield Page({"activities": rows}, {"done": done}, number + 1, len(every))
        yield Page({}, {"done": done})

    return read


def _participants(api: Api, event: str) -> Iterator[Mapping[str, Any]]:
    return api.listed(f"/marketing/marketing-events/{api.version}/participations/{event}/breakdown", LISTED)


def _participation(name: str, event: Mapping[str, Any], one: Mapping[str, Any]) -> Row | None:
    given = one["properties"]
    person = ((one.get("associations") or {}).get("contact") or {}).get("contactId")
    at = moment(given.get("occurredAt")) or moment(one.get("createdAt"))
    if person is None or at is None:
        return None
    seconds = given.get("attendanceDurationSeconds")
    return {
        "_id": f"participation|{name}|{one['id']}|{given['attendanceState']}",
        "person": str(person),
        "type": f"event: {given['attendanceState']}",
        "at": at,
        "value": float(seconds) if seconds is not None else None,
        "content": str(event.get("eventName") or "") or None,
        "direction": "in",
    }
