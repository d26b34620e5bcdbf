"""A Pipedrive on loopback: v2 with cursors, v1 with starts, costs in tokens, bursts."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.connectors.crm.server import Call, Fake, Reply, route, routed

TOKEN = "pipedrive-token-0815"
CLIENT, SECRET, REFRESH = "pd-client-0815", "pd-secret-4711", "12345:678:refresh-me"
COSTS = (
    (r"/leads/archived", 40),
    (r"/changelog", 20),
    (r"/deals/archived", 20),
    (r"/api/v1/", 20),
    (r"/api/v2/persons/\d+", 5),
    (r"", 10),
)


def rfc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@routed
@dataclass
class Pipedrive(Fake):
    """State: lists of records by kind. `tokens`: what is left of the day."""

    records: dict[str, dict[int, dict[str, Any]]] = field(
        default_factory=lambda: {k: {} for k in ("persons", "organizations", "deals", "activities", "stages", "pipelines")}
    )
    person_fields: list[dict[str, Any]] = field(default_factory=list)
    organisation_fields: list[dict[str, Any]] = field(default_factory=list)
    inbox: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    person_changes: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    token: str = TOKEN
    company: int = 4_711
    tokens: int = 1_000_000
    spent: int = 0
    bearer: str = ""  # of an OAuth app, while one is installed
    minted: int = 0
    refresh: str = REFRESH
    rotates: bool = True  # a refresh token counts once
    mails: dict[int, list[dict[str, Any]]] = field(default_factory=dict)  # person → messages
    denied: tuple[str, ...] = ()
    invalid: dict[str, str] = field(default_factory=dict)
    terse: bool = False  # pages of v1 do not say where the next begins
    participants: dict[int, list[int]] = field(default_factory=dict)  # deal → people
    deal_fields: list[dict[str, Any]] = field(default_factory=list)

    def limited(self) -> Reply:
        return (
            429,
            {"success": False, "error": "request over limit", "errorCode": 429},
            {"Retry-After": "0", **self._left()},
        )

    def unknown(self, call: Call) -> Reply:
        return 404, {"success": False, "error": f"no {call.path}"}, {}

    def authorised(self, call: Call) -> Reply | None:
        if call.path == "/oauth/token":
            return None
        if self.bearer:
            good = call.headers.get("authorization") == f"Bearer {self.bearer}" and "x-api-token" not in call.headers
        else:
            good = call.headers.get("x-api-token") == self.token
        if not good:
            return 401, {"success": False, "error": "unauthorized access", "errorCode": 401}, {}
        if any(path in call.path for path in self.denied):
            return 403, {"success": False, "error": "Scope and URL mismatch", "errorCode": 403}, {}
        cost = next(c for pattern, c in COSTS if pattern in call.path or __import__("re").search(pattern, call.path))
        if self.spent + cost > self.tokens:
            return 429, {"success": False, "error": "request over limit"}, {**self._left(), "x-ratelimit-reset": "2"}
        self.spent += cost
        return None

    def _ok(self, data: Any, cursor: str | None = None, **more: Any) -> Reply:
        return (
            200,
            {"success": True, "data": data, "additional_data": {"next_cursor": cursor, **more}},
            self._left(),
        )

    def _left(self) -> dict[str, str]:
        left = {
            "x-daily-ratelimit-token-limit": str(self.tokens),
            "x-daily-ratelimit-token-remaining": str(self.tokens - self.spent),
        }
        return {**left, "x-daily-requests-left": "9999"}

    def _listed(self, call: Call, rows: list[dict[str, Any]]) -> Reply:
        limit = int(call.params.get("limit", 100))
        if limit > 500:
            return 400, {"success": False, "error": "limit over 500"}, {}
        since, by = call.params.get("updated_since"), call.params.get("sort_by", "id")
        if since is not None:
            assert len(since) == 20, "RFC 3339 without fractions"
            rows = [r for r in rows if r["update_time"] >= since]
        rows = sorted(rows, key=lambda r: (r.get(by) or "", r["id"]) if by != "id" else (r["id"],))
        # the cursor names the last row, as Pipedrive's does: a row that is modified meanwhile shifts nothing
        if "cursor" in call.params:
            mark = tuple(json.loads(base64.b64decode(call.params["cursor"])))
            rows = [r for r in rows if ((r.get(by) or "", r["id"]) if by != "id" else (r["id"],)) > mark]
        part = rows[:limit]
        last = ((part[-1].get(by) or "", part[-1]["id"]) if by != "id" else (part[-1]["id"],)) if part else ()
        return self._ok(part, base64.b64encode(json.dumps(last).encode()).decode() if limit < len(rows) else None)

    @route("POST", r"/oauth/token")
    def grant(self, call: Call) -> Reply:
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if call.headers.get("authorization") != f"Basic {basic}":
            return 401, {"success": False, "error": "invalid_client", "message": "Client not found"}, {}
        if call.body != {"grant_type": "refresh_token", "refresh_token": self.refresh}:
            return 400, {"success": False, "error": "invalid_grant", "message": "Invalid grant: refresh token is invalid"}, {}
        self.minted += 1
        self.bearer = f"pd-bearer-token-{self.minted}"
        if self.rotates:
            self.refresh = f"12345:678:refresh-{self.minted}"
        body = {"access_token": self.bearer, "token_type": "bearer", "expires_in": 3599, "refresh_token": self.refresh}
        return 200, {**body, "scope": "contacts:full,deals:read", "api_domain": f"http://{call.headers['host']}"}, {}

    @route("GET", r"/api/v1/users/me")
    def me(self, _call: Call) -> Reply:
        return self._ok({"id": 1, "company_id": self.company, "company_domain": "yours"})

    @route("GET", r"/api/v1/persons/(\d+)/mailMessages")
    def mail_messages(self, call: Call, person: str) -> Reply:
        rows = [{"object": "mailMessage", "timestamp": m["message_time"], "data": m} for m in self.mails.get(int(person), [])]
        return self._started(call, rows)

    def _started(self, call: Call, rows: list[dict[str, Any]]) -> Reply:
        begin, limit = int(call.params.get("start", 0)), int(call.params.get("limit", 100))
        more = begin + limit < len(rows)
        following = {"next_start": begin + limit} if more and not self.terse else {}
        about = {"start": begin, "limit": limit, "more_items_in_collection": more, **following}
        return self._ok(rows[begin : begin + limit], pagination=about)

    @route("GET", r"/api/v2/deals/archived")
    def archived(self, call: Call) -> Reply:
        return self._listed(call, [r for r in self.records["deals"].values() if r["is_archived"]])

    @route("GET", r"/api/v2/(persons|organizations|deals|activities|stages|pipelines)")
    def listed(self, call: Call, kind: str) -> Reply:
        rows = [r for r in self.records[kind].values() if not r.get("is_archived")]
        if kind == "deals" and "participants_count" in call.params.get("include_fields", ""):
            rows = [{**r, "participants_count": len(self.participants.get(r["id"], [r["person_id"]]))} for r in rows]
        return self._listed(call, rows)

    @route("GET", r"/api/v2/personFields")
    def person_fields_(self, _call: Call) -> Reply:
        return self._ok(self.person_fields)

    @route("GET", r"/api/v2/organizationFields")
    def organisation_fields_(self, _call: Call) -> Reply:
        return self._ok(self.organisation_fields)

    @route("GET", r"/api/v2/dealFields")
    def deal_fields_(self, _call: Call) -> Reply:
        return self._ok(self.deal_fields)

    @route("GET", r"/api/v1/deals/(\d+)/participants")
    def participate(self, call: Call, deal: str) -> Reply:
        return self._started(call, [{"id": person, "name": "Ada Lovelace"} for person in self.participants.get(int(deal), [])])

    @route("POST", r"/api/v2/personFields")
    def new_field(self, call: Call) -> Reply:
        code = f"{len(self.person_fields):040x}"
        self.person_fields.append({**call.body, "field_code": code, "is_custom_field": True, "options": None})
        return 201, {"success": True, "data": self.person_fields[-1]}, {}

    @route("GET", r"/api/v1/(leads|leads/archived)")
    def leads_(self, call: Call, which: str) -> Reply:
        rows = [r for r in self.inbox if r["is_archived"] == (which != "leads")]
        if which == "leads" and "updated_since" in call.params:  # the archive does not know it
            since = call.params["updated_since"]
            assert len(since) == 20, "RFC 3339 without fractions"
            rows = [r for r in rows if datetime.fromisoformat(r["update_time"]) >= datetime.fromisoformat(since)]
        by, _, direction = call.params.get("sort", "add_time ASC").partition(" ")
        rows.sort(key=lambda r: (datetime.fromisoformat(r[by]), r["id"]), reverse=direction == "DESC")
        return self._started(call, rows)

    @route("GET", r"/api/v1/deals/(\d+)/changelog")
    def changelog(self, _call: Call, deal: str) -> Reply:
        return self._ok(list(reversed(self.changes.get(int(deal), []))))

    @route("GET", r"/api/v1/persons/(\d+)/changelog")
    def person_changelog(self, _call: Call, person: str) -> Reply:
        return self._ok(list(reversed(self.person_changes.get(int(person), []))))

    @route("PATCH", r"/api/v2/persons/(\d+)")
    def update(self, call: Call, person: str) -> Reply:
        record = self.records["persons"].get(int(person))
        if record is None or record["is_deleted"]:
            return 404, {"success": False, "error": "Person not found"}, {}
        if person in self.invalid:
            return 400, {"success": False, "error": self.invalid[person]}, {}
        known = {f["field_code"] for f in self.person_fields}
        for code in call.body["custom_fields"]:
            if code not in known:
                return 400, {"success": False, "error": f"unknown field {code}"}, {}
        record["custom_fields"].update(call.body["custom_fields"])
        record["update_time"] = rfc(datetime.fromtimestamp(self.now(), UTC))
        return self._ok(record)

    # what people do in Pipedrive
    def touch(self, kind: str, number: int, values: dict[str, Any], at: datetime | None = None) -> None:
        moment = at or datetime.fromtimestamp(self.now(), UTC)
        record = self.records[kind][number]
        for key, value in values.items():
            if kind == "deals" and key in ("stage_id", "status") and record.get(key) != value:
                self.changes.setdefault(number, []).append(
                    {"field_key": key, "old_value": str(record.get(key)), "new_value": str(value), "time": rfc(moment)}
                )
                if key == "stage_id":
                    record["stage_change_time"] = rfc(moment)
        record.update(values)
        record["update_time"] = rfc(moment)

    def fill(self, kind: str, number: int, code: str, value: Any, at: datetime) -> None:
        """Change a field of the customer's own."""
        record = self.records[kind][number]
        changes = self.changes if kind == "deals" else self.person_changes
        old, new = record["custom_fields"].get(code), value
        changes.setdefault(number, []).append(
            {"field_key": code, "old_value": old and str(old), "new_value": str(new), "time": rfc(at)}
        )
        record["custom_fields"][code] = value
        record["update_time"] = rfc(at)

    def create(self, number: int, at: datetime) -> None:
        """A new person."""
        told = {"id": number, "name": "Ada Lovelace", "emails": [{"value": "new@example.org", "primary": True}], "org_id": None}
        times = {"add_time": rfc(at), "update_time": rfc(at)}
        self.records["persons"][number] = {**told, **times, "is_deleted": False, "custom_fields": {}, "marketing_status": None}

    def mail(self, person: int, number: int, at: datetime, sent: bool, **more: Any) -> None:
        """A mail to or from a person; the person itself does not change by it."""
        party = [{"id": 1, "email_address": "ada@example.org", "name": "Ada Lovelace", "linked_person_id": person}]
        flags = {"sent_flag": int(sent), "draft_flag": 0, "deleted_flag": 0, "read_flag": 1}
        times = {"message_time": rfc(at), "add_time": rfc(at), "update_time": rfc(at)}
        told = {"subject": "Ada Lovelace", "snippet": "Hello Ada", "mail_tracking_status": "opened", "from": party, "to": party}
        self.mails.setdefault(person, []).append({"id": number, **told, **flags, **times, **more})
        record = self.records["persons"][person]
        record["email_messages_count"] = record.get("email_messages_count", 0) + 1
        record["last_outgoing_mail_time" if sent else "last_incoming_mail_time"] = rfc(at)

    def delete(self, kind: str, number: int) -> None:
        del self.records[kind][number]

    def merge(self, winner: int, loser: int) -> None:
        """The loser is gone; what it had is the winner's, as Pipedrive does it."""
        for deal in [d for d in self.records["deals"].values() if d["person_id"] == loser]:
            self.touch("deals", deal["id"], {"person_id": winner})
        for act in [a for a in self.records["activities"].values() if a["person_id"] == loser]:
            self.touch("activities", act["id"], {"person_id": winner, "participants": [{"person_id": winner, "primary": True}]})
        self.delete("persons", loser)
