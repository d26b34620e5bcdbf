"""A HubSpot on loopback, true to the 2026-03 descriptions as far as Ripeline calls it."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.connectors.crm.server import Call, Fake, Reply, route, routed
from tests.connectors.hubspot.pipelines import PIPELINES

V = "2026-03"
TOKEN = "pat-eu1-secret-token-0815"
TYPES = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "calls": "0-48",
    "meetings": "0-47",
    "emails": "0-49",
    "leads": "0-136",
}
MODIFIED = {"contacts": "lastmodifieddate"}


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


@dataclass
class Record:
    """A record with its versions, newest first."""

    id: str
    properties: dict[str, str | None]
    history: dict[str, list[dict[str, str]]]
    created: datetime
    modified: int
    archived_at: datetime | None = None


@routed
@dataclass
class HubSpot(Fake):
    """State: records by kind, associations, events. `scopes`: paths that are refused with 403."""

    records: dict[str, dict[str, Record]] = field(default_factory=lambda: {kind: {} for kind in TYPES})
    properties: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in TYPES})
    links: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    forms: dict[str, dict[str, Any]] = field(default_factory=dict)
    visits: list[dict[str, Any]] = field(default_factory=list)
    webinars: dict[str, dict[str, Any]] = field(default_factory=dict)
    participants: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)  # the world's id → ours
    daily: int = 250_000
    token: str = TOKEN
    portal: int = 7_654_321
    scopes: tuple[str, ...] = ()
    scores: list[dict[str, Any]] = field(default_factory=list)  # lead scores, as they are configured
    cap: int = 10_000
    invalid: dict[str, str] = field(default_factory=dict)  # records whose write is refused: id → message
    merged: dict[str, str] = field(default_factory=dict)
    forwards: bool = False  # the id of a merged contact is taken for the winner's
    poison: set[str] = field(default_factory=set)  # records for which a whole batch is refused

    def limited(self) -> Reply:
        body = {
            "status": "error",
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": "c",
            "policyName": "TEN_SECONDLY_ROLLING",
            "category": "RATE_LIMITS",
        }
        return 429, body, {"Retry-After": "0"}

    def authorised(self, call: Call) -> Reply | None:
        if call.path.startswith("/oauth/"):
            return None
        if call.headers.get("authorization") != f"Bearer {self.token}":
            message = "Authentication credentials not found"
            return 401, {"status": "error", "message": message, "category": "INVALID_AUTHENTICATION"}, {}
        if any(path in call.path for path in self.scopes):
            message = "This app hasn't been granted all required scopes to make this call."
            errors = [{"message": "missing", "context": {"requiredGranularScopes": ["the.scope"]}}]
            return 403, {"status": "error", "message": message, "errors": errors, "category": "MISSING_SCOPES"}, {}
        return None

    def _ok(self, body: Any, status: int = 200) -> Reply:
        daily, left = str(self.daily), str(self.daily - len(self.calls))
        return status, body, {"X-HubSpot-RateLimit-Daily": daily, "X-HubSpot-RateLimit-Daily-Remaining": left}

    @route("POST", r"/oauth/v1/token")
    def grant(self, call: Call) -> Reply:
        if call.body.get("refresh_token") != "refresh-me-123":
            return 400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}, {}
        self.token = f"oauth-token-{len(self.calls)}"
        return self._ok({"access_token": self.token, "expires_in": 1800, "token_type": "bearer"})

    @route("GET", rf"/account-info/{V}/details")
    def account(self, _call: Call) -> Reply:
        return self._ok({"portalId": self.portal, "accountType": "STANDARD", "timeZone": "Europe/Berlin"})

    @route("GET", rf"/crm/properties/{V}/(\w+)")
    def defined(self, _call: Call, kind: str) -> Reply:
        return self._ok({"results": list(self.properties[kind].values())})

    @route("POST", rf"/crm/properties/{V}/(\w+)/groups")
    def group(self, call: Call, _kind: str) -> Reply:
        return self._ok(call.body, 201)

    @route("POST", rf"/crm/properties/{V}/(\w+)")
    def define(self, call: Call, kind: str) -> Reply:
        body = call.body
        for needed in ("groupName", "name", "label", "type", "fieldType"):
            if needed not in body:
                return 400, {"status": "error", "message": f"{needed} is missing", "category": "VALIDATION_ERROR"}, {}
        if body["name"] in self.properties[kind]:
            return (
                409,
                {"status": "error", "message": "A property named that already exists.", "category": "OBJECT_ALREADY_EXISTS"},
                {},
            )
        self.properties[kind][body["name"]] = {**body, "hubspotDefined": False}
        return self._ok(self.properties[kind][body["name"]], 201)

    @route("GET", rf"/crm/pipelines/{V}/(deals|leads)")
    def pipelines(self, _call: Call, kind: str) -> Reply:
        return self._ok({"results": [PIPELINES[kind]]})

    @route("GET", rf"/crm/objects/{V}/(\w+)")
    def listed(self, call: Call, kind: str) -> Reply:
        archived = call.params.get("archived") == "true"
        limit = int(call.params.get("limit", 10))
        if limit > 100:
            return 400, {"status": "error", "message": "limit over 100", "category": "VALIDATION_ERROR"}, {}
        after = int(call.params.get("after", 0))
        names = sorted((int(i) for i, r in self.records[kind].items() if (r.archived_at is not None) == archived))
        begin = bisect.bisect_right(names, after)
        part = names[begin : begin + limit]
        more = {"paging": {"next": {"after": str(part[-1]), "link": "x"}}} if begin + limit < len(names) else {}
        return self._ok({"results": [self._shown(self.records[kind][str(n)], ()) for n in part], **more})

    def _shown(self, record: Record, wanted: Any, history: Any = ()) -> dict[str, Any]:
        base = ("createdate", "hs_object_id", "lastmodifieddate")
        found = {
            "id": record.id,
            "properties": {
                name: record.properties.get(name)
                for name in dict.fromkeys([*base, *wanted])
                if name in record.properties or name in wanted
            },
            "createdAt": iso(record.created),
            "updatedAt": iso(datetime.fromtimestamp(record.modified / 1000, UTC)),
            "archived": record.archived_at is not None,
        }
        if record.archived_at is not None:
            found["archivedAt"] = iso(record.archived_at)
        if history:
            found["propertiesWithHistory"] = {name: self._versions(record, name) for name in history}
        return found

    @staticmethod
    def _versions(record: Record, name: str) -> list[dict[str, str]]:
        """The versions of a property; one that never changed has that of its creation."""
        value = record.properties.get(name)
        return record.history.get(name) or ([{"value": value, "timestamp": iso(record.created)}] if value else [])

    @route("POST", rf"/crm/objects/{V}/(\w+)/batch/read")
    def read(self, call: Call, kind: str) -> Reply:
        inputs, history = call.body["inputs"], call.body.get("propertiesWithHistory") or []
        if len(inputs) > (50 if history else 100):
            return 400, {"status": "error", "message": "too many inputs", "category": "VALIDATION_ERROR"}, {}
        known = {*self.properties[kind]}
        found, lost = [], []
        for one in inputs:
            record = self.records[kind].get(one["id"])
            if record is None or record.archived_at is not None:
                lost.append(one["id"])
            else:
                found.append(self._shown(record, [p for p in call.body["properties"] if p in known], history))
        body = {
            "status": "COMPLETE",
            "results": found,
            "startedAt": iso(datetime.now(UTC)),
            "completedAt": iso(datetime.now(UTC)),
        }
        if lost:
            body |= {
                "numErrors": 1,
                "errors": [
                    {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "not found", "context": {"ids": lost}}
                ],
            }
        return self._ok(body, 207 if lost else 200)

    @route("POST", rf"/crm/objects/{V}/(\w+)/search")
    def search(self, call: Call, kind: str) -> Reply:
        body = call.body
        limit, after = int(body.get("limit", 10)), int(body.get("after") or 0)
        if limit > 200:
            return 400, {"status": "error", "message": "limit over 200", "category": "VALIDATION_ERROR"}, {}
        if after + limit > self.cap and after >= self.cap:
            return 400, {"status": "error", "message": "paging beyond 10000", "category": "VALIDATION_ERROR"}, {}
        sort = body["sorts"][0]["propertyName"]
        found = [
            r
            for r in self.records[kind].values()
            if r.archived_at is None and all(self._fits(r, kind, f) for f in body["filterGroups"][0]["filters"])
        ]
        found.sort(key=lambda r: self._number(r, kind, sort))
        part = found[after : min(after + limit, self.cap)]
        end = after + len(part)
        more = {"paging": {"next": {"after": str(end)}}} if end < min(len(found), self.cap) else {}
        return self._ok({"total": len(found), "results": [self._shown(r, body.get("properties", [])) for r in part], **more})

    def _number(self, record: Record, kind: str, name: str) -> int:
        if name == "hs_object_id":
            return int(record.id)
        assert name == MODIFIED.get(kind, "hs_lastmodifieddate"), name
        return record.modified

    def _fits(self, record: Record, kind: str, one: dict[str, Any]) -> bool:
        value, given = self._number(record, kind, one["propertyName"]), int(one["value"])
        return {"GTE": value >= given, "GT": value > given, "EQ": value == given}[one["operator"]]

    @route("POST", rf"/crm/associations/{V}/(\w+)/(\w+)/batch/read")
    def associated(self, call: Call, kind: str, to: str) -> Reply:
        links = self.links.get((kind, to), {})
        results = [
            {"from": {"id": one["id"]}, "to": [{"toObjectId": n, "associationTypes": []} for n in links[one["id"]]]}
            for one in call.body["inputs"]
            if links.get(one["id"])
        ]
        return self._ok({"status": "COMPLETE", "results": results})

    @route("POST", rf"/crm/objects/{V}/(\w+)/batch/update")
    def update(self, call: Call, kind: str) -> Reply:
        if len(call.body["inputs"]) > 100:
            return 400, {"status": "error", "message": "too many inputs", "category": "VALIDATION_ERROR"}, {}
        found, errors = [], []
        for one in call.body["inputs"]:
            bad = [v for v in one["properties"].values() if not isinstance(v, str)]
            if bad:
                return 422, {"status": "error", "message": "must be strings", "category": "VALIDATION_ERROR"}, {}
            missing = [n for n in one["properties"] if n not in self.properties[kind]]
            if missing:
                return (
                    400,
                    {"status": "error", "message": f"Property {missing[0]} does not exist", "category": "VALIDATION_ERROR"},
                    {},
                )
        if any(one["id"] in self.poison for one in call.body["inputs"]):
            return 400, {"status": "error", "message": "ripeline_score was not valid", "category": "VALIDATION_ERROR"}, {}
        merged = self.merged if self.forwards else {}
        for one in [{**given, "id": merged.get(given["id"], given["id"])} for given in call.body["inputs"]]:
            record = self.records[kind].get(one["id"])
            if record is None or record.archived_at is not None:
                errors.append(
                    {
                        "status": "error",
                        "category": "OBJECT_NOT_FOUND",
                        "message": "Could not get some CONTACT objects",
                        "context": {"ids": [one["id"]]},
                    }
                )
                continue
            if one["id"] in self.invalid:
                errors.append(
                    {
                        "status": "error",
                        "category": "VALIDATION_ERROR",
                        "message": self.invalid[one["id"]],
                        "context": {"ids": [one["id"]]},
                    }
                )
                continue
            self.touch(kind, one["id"], one["properties"])
            found.append(self._shown(record, list(one["properties"])))
        body = {
            "status": "COMPLETE",
            "results": found,
            "startedAt": iso(datetime.now(UTC)),
            "completedAt": iso(datetime.now(UTC)),
        }
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        return self._ok(body, 207 if errors else 200)

    @route("GET", r"/email/public/v1/events")
    def mail(self, call: Call) -> Reply:
        begin, end = int(call.params["startTimestamp"]), int(call.params["endTimestamp"])
        limit, offset = int(call.params["limit"]), int(call.params.get("offset") or 0)
        first = bisect.bisect_left(self.events, begin, key=lambda e: e["created"])
        last = bisect.bisect_left(self.events, end, key=lambda e: e["created"])
        part = self.events[first + offset : min(first + offset + limit, last)]
        done = offset + len(part)
        return self._ok({"hasMore": first + done < last, "offset": str(done), "events": part})

    @route("GET", r"/marketing/lead-scoring/2026-09-beta/scores(?:/(\w+))?")
    def every_score(self, call: Call, name: str | None) -> Reply:
        if name is None:
            return self._ok({"results": [{**s, "scoredObjectTypeId": s["objectTypeId"]} for s in self.scores]})
        return next((self._ok(score) for score in self.scores if score["id"] == name), self.unknown(call))

    @route("POST", r"/marketing/lead-scoring/2026-09-beta/scores")
    def draft(self, call: Call) -> Reply:
        self.scores.append({**call.body, "id": str(len(self.scores) + 1), "scoreStatus": "draft"})
        return self._ok(None, 201)

    @route("GET", r"/marketing/v3/forms")
    def every_form(self, call: Call) -> Reply:
        wanted = call.params.get("formTypes", "hubspot").split(",")
        forms = [(i, f) for i, f in self.forms.items() if f.get("formType", "hubspot") in wanted]
        return self._ok({"results": [{"id": i, "name": f["name"]} for i, f in forms]})

    @route("GET", r"/form-integrations/v1/submissions/forms/([\w-]+)")
    def submitted(self, call: Call, form: str) -> Reply:
        every = self.forms[form]["submissions"]  # newest first
        begin = int(call.params.get("after") or 0)
        part = every[begin : begin + int(call.params["limit"])]
        more = {"paging": {"next": {"after": str(begin + len(part))}}} if begin + len(part) < len(every) else {}
        return self._ok({"results": part, **more})

    @route("GET", rf"/events/event-occurrences/{V}")
    def occurred(self, call: Call) -> Reply:
        after = int(call.params.get("after") or 0)
        floor = call.params.get("occurredAfter", "")
        first = bisect.bisect_left(self.visits, floor, key=lambda e: e["occurredAt"]) + after
        part = self.visits[first : first + int(call.params.get("limit", 100))]
        more = {"paging": {"next": {"after": str(after + len(part))}}} if first + len(part) < len(self.visits) else {}
        return self._ok({"results": part, **more})

    @route("GET", rf"/marketing/marketing-events/{V}")
    def every_webinar(self, _call: Call) -> Reply:
        return self._ok({"results": list(self.webinars.values())})

    @route("GET", rf"/marketing/marketing-events/{V}/participations/(\w+)/breakdown")
    def attended(self, call: Call, webinar: str) -> Reply:
        every = self.participants[webinar]
        begin = int(call.params.get("after") or 0)
        part = every[begin : begin + int(call.params["limit"])]
        more = {"paging": {"next": {"after": str(begin + len(part))}}} if begin + len(part) < len(every) else {}
        return self._ok({"results": part, "total": len(every), **more})

    # what people do in HubSpot
    def touch(self, kind: str, name: str, properties: dict[str, str], at: datetime | None = None) -> None:
        """Change properties, as a person or an app would."""
        record = self.records[kind][name]
        moment = at or datetime.fromtimestamp(self.now(), UTC)
        for key, value in properties.items():
            if record.properties.get(key) != value:
                versions = record.history.setdefault(key, self._versions(record, key))
                record.properties[key] = value
                versions.insert(0, {"value": value, "timestamp": iso(moment), "sourceType": "CRM_UI"})
        record.modified = max(ms(moment), record.modified)
        record.properties[MODIFIED.get(kind, "hs_lastmodifieddate")] = iso(datetime.fromtimestamp(record.modified / 1000, UTC))

    def delete(self, kind: str, name: str) -> None:
        self.records[kind][name].archived_at = datetime.fromtimestamp(self.now(), UTC)

    def create(self, name: str, at: datetime) -> None:
        """A new contact."""
        add(self, "contacts", int(name), {"email": "new@example.org", "lifecyclestage": "lead"}, at, at)

    def restore(self, kind: str, name: str) -> None:
        """Out of the recycle bin; that is no modification."""
        self.records[kind][name].archived_at = None

    def merge(self, winner: str, loser: str) -> None:
        """Merge two contacts: the loser is no record of its own any more, its addresses are further ones of the winner."""
        record, lost = self.records["contacts"][winner], self.records["contacts"].pop(loser)
        vids, mails = f"{loser}:{round(self.now() * 1000)}", [lost.properties.get(m) for m in ("email", "hs_additional_emails")]
        added = {"hs_merged_object_ids": [loser], "hs_calculated_merged_vids": [vids], "hs_additional_emails": mails}
        self.touch("contacts", winner, {n: ";".join(filter(None, [record.properties.get(n), *v])) for n, v in added.items()})
        self.merged[loser] = winner


def add(
    fake: HubSpot,
    kind: str,
    number: int,
    properties: dict[str, Any],
    created: datetime,
    modified: datetime,
    history: Any = None,
) -> str:
    name = str(number)
    given = {k: None if v is None else str(v) for k, v in properties.items()}
    given |= {"createdate": iso(created), "hs_object_id": name, MODIFIED.get(kind, "hs_lastmodifieddate"): iso(modified)}
    fake.records[kind][name] = Record(name, given, history or {}, created, ms(modified))
    return name
