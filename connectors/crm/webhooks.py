"""Webhooks, calls from a CRM: are they from it (the webhook signature), are they new, and which records do they speak of.

A call says only that something happened to a record. What happened is read from the CRM itself, so that a forged call that were
taken for a true one could change nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.common.errors import DataError, RipelineError

OLDEST = 300.0  # seconds; an older call may be one that was overheard and is played again (a replay attack)
REMEMBERED_EVENTS = 100_000  # ids of calls that are remembered
# what HubSpot leaves encoded in the address it signs
_DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}


class ForgedError(RipelineError):
    """A call that is not from whom it says it is, or is too old."""

    status = 401


FOR_GOOD = "deleted_person"  # entity of an event: a person was deleted for good, as the GDPR wants it


@dataclass(frozen=True)
class Event:
    """Something happened to a record: `entity` is contact, deal, company or `FOR_GOOD`; `id` names the event."""

    id: str
    crm: str
    entity: str
    record: str


def hubspot_events(method: str, uri: str, headers: Mapping[str, str], body: bytes, secret: str, now: float) -> list[Event]:
    """The events of a call signed by HubSpot (version 3: HMAC-SHA256 over method, address, body and time stamp).

    `uri`: the whole address as HubSpot called it; `now`: seconds since 1970.

    Raises
    ------
    ForgedError
        if the signature is wrong or the time stamp more than five minutes off.
    """
    stamp = headers.get("x-hubspot-request-timestamp", "")
    if not stamp.isdigit() or abs(now - int(stamp) / 1000) > OLDEST:
        raise ForgedError("The time stamp of the call is missing or more than five minutes off.", "Check this machine's clock.")
    for code, sign in _DECODED.items():
        uri = uri.replace(code, sign)
    expected = base64.b64encode(
        hmac.new(secret.encode(), f"{method}{uri}".encode() + body + stamp.encode(), hashlib.sha256).digest()
    )
    if not hmac.compare_digest(expected, headers.get("x-hubspot-signature-v3", "").encode()):
        raise ForgedError("The signature of the call is wrong.", "Check HUBSPOT_CLIENT_SECRET and RIPELINE_PUBLIC_URL.")
    events = []
    for item in _parse_events(body):
        kind, _, change = str(item.get("subscriptionType", "")).partition(".")
        kind = _KINDS.get(str(item.get("objectTypeId")), "") if kind == "object" else kind
        # a merge makes a new record, or leaves the primary one
        record = item.get("newObjectId") or item.get("primaryObjectId") if change == "merge" else None
        record = record if record is not None else item.get("objectId")
        if kind in ("contact", "deal", "company") and record is not None:
            entity = FOR_GOOD if kind == "contact" and change == "privacyDeletion" else kind
            events.append(Event(f"hubspot|{_fingerprint(item, 'attemptNumber')}", "hubspot", entity, str(record)))
    return events


_KINDS = {"0-1": "contact", "0-2": "company", "0-3": "deal"}


def _fingerprint(event: Mapping[str, Any], *excluded: str) -> str:
    """The same for an event that is sent again. HubSpot does not promise that its `eventId` is one event's alone."""
    content = {key: value for key, value in event.items() if key not in excluded}
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def pipedrive_events(headers: Mapping[str, str], body: bytes, user: str, password: str) -> list[Event]:
    """The event of a call from Pipedrive, which signs by the user and password that its webhook was made with.

    Raises
    ------
    ForgedError
        if they are others.
    """
    expected = b"Basic " + base64.b64encode(f"{user}:{password}".encode())
    if not hmac.compare_digest(expected, headers.get("authorization", "").encode()):
        raise ForgedError("User or password of the call are wrong.", "Check PIPEDRIVE_HOOK_USER and PIPEDRIVE_HOOK_PASSWORD.")
    events = []
    for item in _parse_events(body):
        meta = item.get("meta") or {}
        kind = {"person": "contact", "deal": "deal", "organization": "company", "activity": "activity", "lead": "lead"}.get(
            str(meta.get("entity"))
        )
        if kind and meta.get("entity_id") is not None:
            event_id = meta.get("id") or _fingerprint({"meta": meta, "data": item.get("data")})
            events.append(Event(f"pipedrive|{event_id}", "pipedrive", kind, str(meta["entity_id"])))
    return events


def check_key(headers: Mapping[str, str], key: str) -> None:
    """Marketo's webhooks carry what their definition gives as a custom header: a shared key.

    Raises
    ------
    ForgedError
        if it is another.
    """
    if not hmac.compare_digest(key.encode(), headers.get("x-ripeline-key", "").encode("utf-8", "surrogateescape")):
        raise ForgedError(
            "The header X-Ripeline-Key is wrong.", "Set it in the webhook's definition to the value of MARKETO_HOOK_KEY."
        )


def _parse_events(body: bytes) -> list[dict[str, Any]]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DataError("The body of the call is not JSON.", "Webhooks of version 2.0 send JSON.") from error
    rows = parsed if isinstance(parsed, list) else [parsed]
    return [row for row in rows if isinstance(row, dict)]


class Spool:
    """Events that wait for the next round of `make live`, each once however often it was sent: adding is idempotent."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(folder / "hooks.sqlite", isolation_level=None, timeout=10, check_same_thread=False)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, id TEXT UNIQUE, crm TEXT, entity "
                "TEXT, record TEXT, done INTEGER DEFAULT 0)"
            )
        except (sqlite3.Error, OSError) as error:
            raise DataError(f"The events in {folder} cannot be kept: {error}.", "Check the folder's permissions.") from error

    def add(self, events: Sequence[Event]) -> int:
        """Keep new events; how many were new."""
        previous_changes = self._base.total_changes
        rows = [(e.id, e.crm, e.entity, e.record) for e in events]
        self._base.executemany("INSERT OR IGNORE INTO events (id, crm, entity, record) VALUES (?, ?, ?, ?)", rows)
        return self._base.total_changes - previous_changes

    def waiting(self) -> list[Event]:
        rows = self._base.execute("SELECT id, crm, entity, record FROM events WHERE done = 0 ORDER BY number")
        return [Event(*row) for row in rows]

    def mark_done(self, events: Sequence[Event]) -> None:
        """These were dealt with; the oldest of the known ids are forgotten."""
        self._base.executemany("UPDATE events SET done = 1 WHERE id = ?", [(e.id,) for e in events])
        self._base.execute(
            "DELETE FROM events WHERE done = 1 AND number <= (SELECT max(number) FROM events) - ?", (REMEMBERED_EVENTS,)
        )

    def close(self) -> None:
        self._base.close()
