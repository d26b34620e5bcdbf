"""A Marketo on loopback: errors in HTTP 200, tokens that end, pages that are empty and not the last, exports with a queue."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.connectors.crm.server import Call, Fake, Reply, route, routed

CLIENT, SECRET = "mkto-client-0815", "mkto-secret-4711"
TYPES = {
    1: "Visit Webpage",
    2: "Fill Out Form",
    3: "Click Link",
    6: "Send Email",
    7: "Email Delivered",
    8: "Email Bounced",
    9: "Unsubscribe Email",
    10: "Open Email",
    11: "Click Email",
    12: "New Lead",
    13: "Change Data Value",
    21: "Convert Lead",
    22: "Change Score",
    27: "Email Bounced Soft",
    32: "Merge Leads",
    34: "Add to Opportunity",
    35: "Remove from Opportunity",
    36: "Update Opportunity",
    37: "Delete Lead",
    46: "Interesting Moment",
    101: "Change Revenue Stage",
    104: "Change Status in Progression",
    100_001: "Watched Product Video",
    100_002: "Sales Call",
    100_003: "Meeting Held",
}
PAGE = 300


def z(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@routed
@dataclass
class Marketo(Fake):
    """State: leads, one list of activities in order of time, jobs. `denied`: paths whose permission is missing."""

    leads: dict[int, dict[str, Any]] = field(default_factory=dict)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    activities: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[dict[str, Any]] = field(default_factory=list)
    opportunities: dict[str, dict[str, Any]] = field(default_factory=dict)
    roles: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)
    token: str = ""
    longest: int = 8_192
    lives: int | None = None  # calls that a token lives
    denied: tuple[str, ...] = ()
    minted: int = 0
    daily: int = 50_000
    used: int = 0
    invalid: dict[str, str] = field(default_factory=dict)
    polls: int = 1
    scanned: int = 300  # activities looked at for a page, wanted or not

    def _bad(self, code: str, message: str) -> Reply:
        return 200, {"requestId": "r", "success": False, "errors": [{"code": code, "message": message}]}, {}

    def limited(self) -> Reply:
        return self._bad("606", "Max rate limit '100' exceeded with in '20' secs")

    def unknown(self, call: Call) -> Reply:
        return self._bad("610", f"Requested resource not found {call.path}")

    def authorised(self, call: Call) -> Reply | None:
        if call.path == "/identity/oauth/token":
            return None
        assert "access_token" not in call.params, "the query parameter is gone since August 2026"
        self.used += 1
        if call.headers.get("authorization") != f"Bearer {self.token}":
            return self._bad("601", "Access token invalid")
        if self.lives is not None:
            self.lives -= 1
            if self.lives < 0:
                self.token, self.lives = "", None
                return self._bad("602", "Access token expired")
        if self.used > self.daily:
            return self._bad("607", "Max number of calls per day exceeded")
        if any(path in call.path for path in self.denied):
            return self._bad("603", "Access denied")
        return None

    def _ok(self, result: Any, **more: Any) -> Reply:
        return 200, {"requestId": "e42b#1", "success": True, "errors": [], "warnings": [], "result": result, **more}, {}

    @route("GET", r"/identity/oauth/token")
    def grant(self, call: Call) -> Reply:
        if (call.params.get("client_id"), call.params.get("client_secret")) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client", "error_description": "Bad client credentials"}, {}
        if not self.token:
            self.minted += 1
            self.token = f"token-{self.minted}:lon"
        return 200, {"access_token": self.token, "token_type": "bearer", "expires_in": 3599, "scope": "api@example.com"}, {}

    @route("GET", r"/rest/v1/leads/schema/fields.json")
    def every_field(self, _call: Call) -> Reply:
        return self._ok(list(self.fields.values()), moreResult=False)

    @route("POST", r"/rest/v1/leads/schema/fields.json")
    def new_fields(self, call: Call) -> Reply:
        results = []
        for one in call.body["input"]:
            if one["name"] in self.fields:
                return self._bad("1009", f"Field {one['name']} exists")
            self.fields[one["name"]] = {**described(one["name"], one["dataType"], True), **one}
            results.append({"status": "created", "name": one["name"]})
        return self._ok(results)

    @route("GET", r"/rest/v1/activities/types.json")
    def types(self, _call: Call) -> Reply:
        return self._ok(
            [
                {"id": i, "name": n, "attributes": [], "primaryAttribute": {"name": "x", "dataType": "string"}}
                for i, n in TYPES.items()
            ]
        )

    @route("GET", r"/rest/v1/stats/usage.json")
    def usage(self, _call: Call) -> Reply:
        return self._ok(
            [{"date": "2026-11-24", "total": self.used, "users": [{"userId": "api@example.com", "count": self.used}]}]
        )

    @route("GET", r"/rest/v1/activities/pagingtoken.json")
    def paging(self, call: Call) -> Reply:
        return self._ok([], nextPageToken=f"S{call.params['sinceDatetime']}")

    def _from(self, rows: list[dict[str, Any]], token: str) -> int:
        if token.startswith("I"):
            return int(token[1:])
        since = datetime.fromisoformat(token[1:])
        return next((n for n, r in enumerate(rows) if datetime.fromisoformat(r["activityDate"]) >= since), len(rows))

    def _stream(self, call: Call, rows: list[dict[str, Any]], wanted: Any) -> Reply:
        begin = self._from(rows, call.params["nextPageToken"])
        part = rows[begin : begin + self.scanned]
        end = begin + len(part)
        return self._ok([r for r in part if wanted(r)], nextPageToken=f"I{end}", moreResult=end < len(rows))

    @route("GET", r"/rest/v1/activities.json")
    def acted(self, call: Call) -> Reply:
        types = {int(t) for t in call.params["activityTypeIds"].split(",")}
        if len(types) > 10:
            return self._bad("1003", "too many activity types")
        return self._stream(call, self.activities, lambda r: r["activityTypeId"] in types)

    @route("GET", r"/rest/v1/activities/leadchanges.json")
    def changed(self, call: Call) -> Reply:
        fields = set(call.params["fields"].split(","))
        return self._stream(call, self.changes, lambda r: any(f["name"] in fields for f in r["fields"]))

    @route("GET", r"/rest/v1/activities/deletedleads.json")
    def removed(self, call: Call) -> Reply:
        return self._stream(call, self.deleted, lambda r: True)

    @route("POST", r"/rest/v1/leads.json")
    def leads_(self, call: Call) -> Reply:
        if call.params.get("_method") == "GET":
            ids = [int(i) for i in call.body["filterValues"].split(",")]
            if len(ids) > PAGE:
                return self._bad("1003", "too many filter values")
            return self._ok([self._shown(self.leads[i], call.body["fields"].split(",")) for i in ids if i in self.leads])
        return self._update(call.body)

    def _shown(self, lead: dict[str, Any], fields: list[str]) -> dict[str, Any]:
        return {name: lead.get(name) for name in dict.fromkeys(["id", *fields])}

    def _update(self, body: dict[str, Any]) -> Reply:
        if not body["input"]:
            return self._bad("1003", "input cannot be empty")
        if len(body["input"]) > PAGE:
            return self._bad("1003", "too many leads")
        results = []
        for one in body["input"]:
            name = one["id"]
            unknown = [k for k in one if k != "id" and k not in self.fields]
            if name not in self.leads:
                results.append({"id": name, "status": "skipped", "reasons": [{"code": "1004", "message": "Lead not found"}]})
            elif str(name) in self.invalid:
                results.append(
                    {"id": name, "status": "skipped", "reasons": [{"code": "1003", "message": self.invalid[str(name)]}]}
                )
            elif unknown:
                return self._bad("1006", f"Field '{unknown[0]}' not found")
            else:
                self.touch(name, {k: v for k, v in one.items() if k != "id"})
                results.append({"id": name, "status": "updated"})
        return self._ok(results)

    @route("GET", r"/rest/v1/opportunities/describe.json")
    def described(self, _call: Call) -> Reply:
        return self._ok([{"name": "opportunity"}])

    @route("GET", r"/rest/v1/opportunities/roles.json")
    def belongs(self, call: Call) -> Reply:
        wanted = set(call.params["filterValues"].split(","))
        return self._ok([r for r in self.roles if str(r["leadId"]) in wanted])

    @route("GET", r"/rest/v1/opportunities.json")
    def deals(self, call: Call) -> Reply:
        wanted = call.params["filterValues"].split(",")
        return self._ok([self.opportunities[w] for w in wanted if w in self.opportunities])

    @route("POST", r"/bulk/v1/(\w+)/export/create.json")
    def order(self, call: Call, what: str) -> Reply:
        span = call.body["filter"]["createdAt"]
        begin, end = (datetime.fromisoformat(span[k]) for k in ("startAt", "endAt"))
        if end - begin > timedelta(days=31):
            return self._bad("1003", "a span of more than 31 days")
        job = f"job-{len(self.jobs)}"
        rows = self._export_leads(call.body, begin, end) if what == "leads" else self._export_acts(call.body, begin, end)
        self.jobs[job] = {
            "status": "Created",
            "rows": rows,
            "polls": self.polls,
            "what": what,
            "names": call.body.get("fields"),
        }
        return self._ok([{"exportId": job, "status": "Created", "format": "CSV", "createdAt": z(datetime.now(UTC))}])

    def _export_leads(self, body: dict[str, Any], begin: datetime, end: datetime) -> list[dict[str, Any]]:
        # neither end is promised to be in or out; both are in here, so that a reader must bear a lead twice
        found = [lead for lead in self.leads.values() if begin <= datetime.fromisoformat(lead["createdAt"]) <= end]
        return [{name: lead.get(name) for name in body["fields"]} for lead in found]

    def _export_acts(self, body: dict[str, Any], begin: datetime, end: datetime) -> list[dict[str, Any]]:
        types = set(body["filter"]["activityTypeIds"])
        names = (
            "marketoGUID",
            "leadId",
            "activityDate",
            "activityTypeId",
            "campaignId",
            "primaryAttributeValueId",
            "primaryAttributeValue",
        )
        return [
            {**{n: r.get(n) for n in names}, "attributes": json.dumps({a["name"]: a["value"] for a in r["attributes"]})}
            for r in self.activities
            if r["activityTypeId"] in types and begin <= datetime.fromisoformat(r["activityDate"]) <= end
        ]

    @route("POST", r"/bulk/v1/(\w+)/export/([\w-]+)/enqueue.json")
    def enqueue(self, _call: Call, _what: str, job: str) -> Reply:
        if self.jobs[job]["status"] == "Queued":
            return self._bad("1029", "Job already queued")
        queued = [j for j in self.jobs.values() if j["status"] == "Queued"]
        if len(queued) >= 10:
            queued[0]["status"] = "Processing"  # jobs go on whether anybody asks for them or not
            return self._bad("1029", "Too many jobs (10) in queue")
        self.jobs[job]["status"] = "Queued"
        return self._ok([{"exportId": job, "status": "Queued"}])

    @route("GET", r"/bulk/v1/(\w+)/export/([\w-]+)/status.json")
    def status(self, _call: Call, _what: str, job: str) -> Reply:
        if job not in self.jobs:
            return self._bad("610", "Requested resource not found")
        state = self.jobs[job]
        if job in self.failing:
            told = {"exportId": job, "status": "Failed", "format": "CSV"}
            return self._ok([{**told, "errorMsg": "internal, ask jo@example.org"}])
        state["polls"] -= 1
        state["status"] = "Completed" if state["polls"] < 0 else "Processing"
        return self._ok([{"exportId": job, "status": state["status"], "format": "CSV", "numberOfRecords": len(state["rows"])}])

    @route("GET", r"/bulk/v1/(\w+)/export/([\w-]+)/file.json")
    def file(self, call: Call, _what: str, job: str) -> Reply:
        rows = self.jobs[job]["rows"]
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow(rows[0])
        for row in rows:
            table.writerow(["null" if v is None else str(v).lower() if isinstance(v, bool) else v for v in row.values()])
        begin = int(call.headers.get("range", "bytes=0-")[6:].rstrip("-"))
        return (206 if begin else 200), out.getvalue().encode()[begin:].decode(), {"Content-Type": "text/csv"}

    # what people do in Marketo
    def touch(self, lead: int, values: dict[str, Any], at: datetime | None = None) -> None:
        moment = at or datetime.fromtimestamp(self.now(), UTC)
        fields = [
            {"id": 1, "name": k, "newValue": _told(v), "oldValue": _told(self.leads[lead].get(k))}
            for k, v in values.items()
            if self.leads[lead].get(k) != v
        ]
        self.leads[lead].update(values)
        self.leads[lead]["updatedAt"] = z(moment)
        if fields:
            number = len(self.changes)
            self.changes.append(
                {
                    "id": number,
                    "marketoGUID": f"c{number}",
                    "leadId": lead,
                    "activityDate": z(moment),
                    "activityTypeId": 13,
                    "fields": fields,
                    "attributes": [{"name": "Source", "value": "Web service API"}],
                }
            )

    def act(self, kind: int, lead: int, at: datetime, named: str = "", **attributes: Any) -> None:
        number = len(self.activities)
        given = [{"name": k.replace("_", " "), "value": v} for k, v in attributes.items()]
        self.activities.append(
            {
                "id": number,
                "marketoGUID": f"a{number}",
                "leadId": lead,
                "activityDate": z(at),
                "activityTypeId": kind,
                "primaryAttributeValueId": 7,
                "primaryAttributeValue": named,
                "attributes": given,
                "campaignId": 11,
            }
        )

    def delete(self, lead: int) -> None:
        at = datetime.fromtimestamp(self.now(), UTC)
        del self.leads[lead]
        self.deleted.append(
            {
                "id": len(self.deleted),
                "marketoGUID": f"d{len(self.deleted)}",
                "leadId": lead,
                "activityDate": z(at),
                "activityTypeId": 37,
                "primaryAttributeValueId": lead,
                "primaryAttributeValue": "x",
                "attributes": [],
            }
        )

    def create(self, lead: int, at: datetime) -> None:
        """A new lead, and the activity New Lead, which tells of no field."""
        self.leads[lead] = {"id": lead, "createdAt": z(at), "updatedAt": z(at), "email": "new@example.org", "leadStatus": "New"}
        number = len(self.changes)
        told = {"id": number, "marketoGUID": f"c{number}", "leadId": lead, "activityDate": z(at), "activityTypeId": 12}
        fields = [{"id": 31, "name": "leadStatus", "newValue": "New", "oldValue": ""}]
        self.changes.append({**told, "fields": fields, "attributes": [{"name": "Source Type", "value": "Web form"}]})

    def merge(self, winner: int, loser: int) -> None:
        del self.leads[loser]
        self.act(32, winner, datetime.fromtimestamp(self.now(), UTC), "x", Merge_IDs=f"[{loser}]", Master_Updated="true")


def described(name: str, kind: str, custom: bool) -> dict[str, Any]:
    shown = {"isHidden": False, "isHtmlEncodingInEmail": True, "isSensitive": False, "isApiCreated": False}
    return {"name": name, "displayName": name.capitalize(), "description": "x", "dataType": kind, "isCustom": custom, **shown}


def _told(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
