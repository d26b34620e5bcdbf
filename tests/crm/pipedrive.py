"""A Pipedrive on loopback: v2 with cursors, v1 with starts, costs in tokens, bursts."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.crm.server import Call, Fake, Reply, route, routed
from tests.crm.world import World

TOKEN = "pipedrive-token-0815"
CLIENT, SECRET, REFRESH = "pd-client-0815", "pd-secret-4711", "12345:678:refresh-me"
SERVED = {"call_answered", "meeting"}
STAGES = {1: "Qualified", 2: "Proposal made"}
COSTS = ((r"/changelog", 20), (r"/deals/archived", 20), (r"/api/v1/", 20), (r"/api/v2/persons/\d+", 5), (r"", 10))


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
    ids: dict[str, str] = field(default_factory=dict)
    token: str = TOKEN
    tokens: int = 1_000_000
    spent: int = 0
    bearer: str = ""  # of an OAuth app, while one is installed
    minted: int = 0
    refresh: str = REFRESH
    rotates: bool = True  # a refresh token counts once
    mails: dict[int, list[dict[str, Any]]] = field(default_factory=dict)  # person → messages
    denied: tuple[str, ...] = ()
    invalid: dict[str, str] = field(default_factory=dict)

    def limited(self) -> Reply:
        return (
            429,
            {"success": False, "error": "request over limit", "errorCode": 429},
            {"Retry-After": "0", "x-daily-requests-left": str(self.tokens - self.spent)},
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
            return 429, {"success": False, "error": "daily token limit"}, {"Retry-After": "40000", "x-daily-requests-left": "0"}
        self.spent += cost
        return None

    def _ok(self, data: Any, cursor: str | None = None, **more: Any) -> Reply:
        return (
            200,
            {"success": True, "data": data, "additional_data": {"next_cursor": cursor, **more}},
            {"x-daily-requests-left": str(self.tokens - self.spent)},
        )

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

    @route("GET", r"/api/v1/persons/(\d+)/mailMessages")
    def mail_messages(self, call: Call, person: str) -> Reply:
        rows = [{"object": "mailMessage", "timestamp": m["message_time"], "data": m} for m in self.mails.get(int(person), [])]
        return self._started(call, rows)

    def _started(self, call: Call, rows: list[dict[str, Any]]) -> Reply:
        begin, limit = int(call.params.get("start", 0)), int(call.params.get("limit", 100))
        more = begin + limit < len(rows)
        following = {"next_start": begin + limit} if more else {}
        about = {"start": begin, "limit": limit, "more_items_in_collection": more, **following}
        return self._ok(rows[begin : begin + limit], pagination=about)

    @route("GET", r"/api/v2/deals/archived")
    def archived(self, call: Call) -> Reply:
        return self._listed(call, [r for r in self.records["deals"].values() if r["is_archived"]])

    @route("GET", r"/api/v2/(persons|organizations|deals|activities|stages|pipelines)")
    def listed(self, call: Call, kind: str) -> Reply:
        return self._listed(call, [r for r in self.records[kind].values() if not r.get("is_archived")])

    @route("GET", r"/api/v2/personFields")
    def person_fields_(self, _call: Call) -> Reply:
        return self._ok(self.person_fields)

    @route("GET", r"/api/v2/organizationFields")
    def organisation_fields_(self, _call: Call) -> Reply:
        return self._ok(self.organisation_fields)

    @route("POST", r"/api/v2/personFields")
    def new_field(self, call: Call) -> Reply:
        code = f"{len(self.person_fields):040x}"
        self.person_fields.append({**call.body, "field_code": code, "is_custom_field": True, "options": None})
        return 201, {"success": True, "data": self.person_fields[-1]}, {}

    @route("GET", r"/api/v1/(leads|leads/archived)")
    def leads_(self, call: Call, which: str) -> Reply:
        rows = [
            r
            for r in self.inbox
            if r["is_archived"] == (which != "leads") and r["update_time"] >= call.params.get("updated_since", "")
        ]
        if call.params.get("sort") == "update_time ASC":
            rows.sort(key=lambda r: (r["update_time"], r["id"]))
        return self._started(call, rows)

    @route("GET", r"/api/v1/deals/(\d+)/changelog")
    def changelog(self, _call: Call, deal: str) -> Reply:
        return self._ok(list(reversed(self.changes.get(int(deal), []))))

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


def filled(world: World, **settings: Any) -> Pipedrive:
    """A Pipedrive that holds a world; its moments have whole seconds."""
    fake = Pipedrive(**settings)
    region = {"field_code": "a" * 40, "field_name": "Region", "field_type": "enum", "is_custom_field": True}
    regions = sorted({r["region"] for r in world.leads if r["region"]})
    fake.person_fields = [
        {"field_code": "name", "field_name": "Name", "field_type": "varchar", "is_custom_field": False, "options": None},
        {**region, "options": [{"id": n, "label": name} for n, name in enumerate(regions, 1)]},
        {
            "field_code": "b" * 40,
            "field_name": "Mobile phone",
            "field_type": "varchar",
            "is_custom_field": True,
            "options": None,
        },
    ]
    industries = sorted({r["industry"] for r in world.companies if r["industry"]})
    fake.organisation_fields = [
        {
            "field_code": "industry",
            "field_name": "Industry",
            "field_type": "enum",
            "is_custom_field": False,
            "options": [{"id": n, "label": name} for n, name in enumerate(industries, 1)],
        }
    ]
    fake.records["pipelines"][1] = {"id": 1, "name": "Sales"}
    for number, name in STAGES.items():
        fake.records["stages"][number] = {"id": number, "name": name, "pipeline_id": 1, "update_time": "2024-01-01T00:00:00Z"}
    for number, row in enumerate(world.companies, 1):
        fake.ids[row["company_id"]] = str(number)
        fake.records["organizations"][number] = {
            "id": number,
            "name": f"Company {number}",
            "industry": industries.index(row["industry"]) + 1 if row["industry"] else None,
            "employee_count": row["employees"] and int(row["employees"]),
            "annual_revenue": row["annual_revenue"],
            "address": {"country": row["country"]},
            "is_deleted": False,
            "add_time": "2024-01-01T00:00:00Z",
            "update_time": "2024-01-01T00:00:00Z",
            "custom_fields": {},
        }
    for number, row in enumerate(world.leads, 1):
        _person(fake, world, number, row, regions)
    for number, row in enumerate(world.deals, 1):
        _deal(fake, number, row)
    for number, act in enumerate(sorted((a for a in world.interactions if a["type"] in SERVED), key=lambda a: a["at"]), 1):
        person, at = int(fake.ids[act["lead_id"]]), act["at"]
        fake.records["activities"][number] = {
            "id": number,
            "type": "call" if act["type"] == "call_answered" else "meeting",
            "done": True,
            "marked_as_done_time": rfc(at),
            "duration": "00:30",
            "due_date": at.strftime("%Y-%m-%d"),
            "due_time": at.strftime("%H:%M"),
            "person_id": person,
            "participants": [{"person_id": person, "primary": True}],
            "is_deleted": False,
            "add_time": rfc(at),
            "update_time": rfc(at),
        }
    return fake


def _person(fake: Pipedrive, world: World, number: int, row: dict[str, Any], regions: list[str]) -> None:
    created = row["created_at"]
    fake.ids[row["lead_id"]] = str(number)
    custom = {"a" * 40: regions.index(row["region"]) + 1 if row["region"] else None, "b" * 40: "+49 170 1234567"}
    fake.records["persons"][number] = {
        "id": number,
        "name": "Ada Lovelace",
        "emails": [{"value": world.mail(row["lead_id"], row["email_domain"]), "primary": True, "label": "work"}],
        "org_id": int(fake.ids[row["company_id"]]) if row["company_id"] else None,
        "add_time": rfc(created),
        "update_time": rfc(created),
        "is_deleted": False,
        "custom_fields": custom,
        "marketing_status": "unsubscribed" if row["lead_id"] in world.opt_outs else "subscribed",
    }
    for stage, at in world.stages.get(row["lead_id"], []):
        if stage == "mql":
            fake.inbox.append(
                {
                    "id": f"0{number}-uuid",
                    "title": "x",
                    "person_id": number,
                    "organization_id": None,
                    "source_name": row["source"],
                    "channel": None,
                    "is_archived": False,
                    "add_time": rfc(at),
                    "update_time": rfc(at),
                }
            )


def _deal(fake: Pipedrive, number: int, row: dict[str, Any]) -> None:
    created, closed, status = row["created_at"], row["closed_at"], row["status"]
    fake.ids[row["deal_id"]] = str(number)
    fake.records["deals"][number] = {
        "id": number,
        "title": "x",
        "value": row["amount"],
        "currency": row["currency"],
        "person_id": int(fake.ids[row["lead_id"]]),
        "org_id": None,
        "stage_id": 1,
        "pipeline_id": 1,
        "status": "open",
        "add_time": rfc(created),
        "update_time": rfc(created),
        "stage_change_time": None,
        "won_time": None,
        "lost_time": None,
        "close_time": None,
        "is_archived": False,
        "is_deleted": False,
        "custom_fields": {},
    }
    if closed:
        fake.touch("deals", number, {"stage_id": 2}, created + timedelta(days=1))
        fake.touch("deals", number, {"status": status, f"{status}_time": rfc(closed), "close_time": rfc(closed)}, closed)
