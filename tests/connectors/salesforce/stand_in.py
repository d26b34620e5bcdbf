"""A Salesforce org on loopback: SOQL as Ripeline asks it, Bulk 2.0, composite updates, and its own errors."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.connectors.crm.server import Call, Fake, Reply, route, routed

V = "67.0"
ROOT = rf"/services/data/v{V}"
CLIENT, SECRET = "3MVG9-client-id-4711", "sf-client-secret-0815"
PREFIX = {
    "Lead": "00Q",
    "Contact": "003",
    "Account": "001",
    "Opportunity": "006",
    "Task": "00T",
    "Event": "00U",
    "TaskRelation": "0RT",
    "EventRelation": "0RE",
    "CampaignMember": "00v",
    "LeadHistory": "017",
    "OpportunityHistory": "008",
    "OpportunityFieldHistory": "017",
    "OpportunityContactRole": "00K",
    "OpportunityStage": "01J",
    "EmailMessage": "02s",
    "EmailMessageRelation": "0lE",
    "Organization": "00D",
    "CurrencyType": "01L",
    "DatedConversionRate": "04w",
}
NEVER_LEADS = "Id NOT IN (SELECT ConvertedContactId FROM Lead WHERE IsConverted = true)"
ACCESS = "UserRecordAccess.HasEditAccess"
NEW, CLOSED = "Open - Not Contacted", "Closed - Converted"
PAGE = 2_000


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


def _refused(name: str, code: str, message: str) -> dict[str, Any]:
    return {"id": name, "success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}


@routed
@dataclass
class Salesforce(Fake):
    """State: records by object. `hidden`: objects or Object.Field that our user may not see."""

    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in PREFIX})
    fields: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    longest: int = 14_000  # Salesforce allows 16,384 with the headers
    too_large: set[str] = field(default_factory=set)  # objects of which our user may not ask for so many at once
    uncounted: set[str] = field(default_factory=set)  # objects of which there are too many to be counted in time
    concurrent: int = 0  # calls that meet too many others still
    closed: set[str] = field(default_factory=set)  # records that our user may see and not edit
    tracked: set[str] = field(default_factory=lambda: {"Status"})  # fields of leads that history tracking is on for
    hidden: set[str] = field(default_factory=set)
    cursors: dict[str, tuple[list[dict[str, Any]], list[str]]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    daily: int = 100_000
    invalid: dict[str, str] = field(default_factory=dict)
    locked: dict[str, int] = field(default_factory=dict)  # record → how often it is busy still
    mailed: dict[str, str] = field(default_factory=dict)  # person → the last mail to it
    opened: int = 0
    rule_owner: str = "00G000000000001AAA"  # whom the active assignment rule gives leads to
    alike: set[str] = field(default_factory=set)  # records about which a duplicate rule alerts whenever they are saved
    used: int = 0
    minted: int = 0
    polls: int = 1

    def limited(self) -> Reply:
        return 503, [{"message": "Server Unavailable", "errorCode": "SERVER_UNAVAILABLE"}], {}

    def authorised(self, call: Call) -> Reply | None:
        if call.path == "/services/oauth2/token":
            return None
        self.used += 1
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.sessions:
            return 401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], {}
        if self.concurrent > 0:
            self.concurrent -= 1
            message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
            return 403, [{"message": message, "errorCode": "REQUEST_LIMIT_EXCEEDED"}], {}
        if self.used > self.daily:
            return 403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}], {}
        return None

    def unknown(self, call: Call) -> Reply:
        return 404, [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}], {}

    def _ok(self, body: Any, status: int = 200, **headers: str) -> Reply:
        return (
            status,
            body,
            {
                "Sforce-Limit-Info": f"api-usage={self.used}/{self.daily}",
                **{k.replace("_", "-"): v for k, v in headers.items()},
            },
        )

    @route("POST", r"/services/oauth2/token")
    def grant(self, call: Call) -> Reply:
        body = call.body
        if body.get("grant_type") == "client_credentials":
            good = body.get("client_id") == CLIENT and body.get("client_secret") == SECRET
        else:
            good = body.get("assertion", "").count(".") == 2
        if not good:
            return 400, {"error": "invalid_client", "error_description": "invalid client credentials"}, {}
        self.minted += 1
        token = f"00Dxx!session-{self.minted}"
        self.sessions = {token}
        granted = {"access_token": token, "instance_url": "https://x", "token_type": "Bearer", "id": "x"}
        return 200, {**granted, "issued_at": "1", "signature": "s"}, {}

    @route("GET", rf"{ROOT}/limits")
    def limits_(self, _call: Call) -> Reply:
        return self._ok({"DailyApiRequests": {"Max": self.daily, "Remaining": self.daily - self.used}})

    @route("GET", rf"{ROOT}/sobjects/(\w+)/describe")
    def described(self, call: Call, kind: str) -> Reply:
        if kind in self.hidden or kind not in self.fields:
            return self.unknown(call)
        return self._ok({"name": kind, "fields": [f for n, f in self.fields[kind].items() if f"{kind}.{n}" not in self.hidden]})

    @route("GET", rf"{ROOT}/(query|queryAll)")
    def query(self, call: Call, which: str) -> Reply:
        found = self._select(call.params["q"], which == "queryAll")
        if isinstance(found[0], int):
            return found
        kind, names, records = found
        if kind in self.uncounted and (names == ["COUNT()"] or "Id != null" in call.params["q"]):
            return 400, [{"message": "Your query request was running for too long.", "errorCode": "QUERY_TIMEOUT"}], {}
        if kind in self.too_large:
            return 400, [{"message": "exceeded 100000 distinct who/what's", "errorCode": "OPERATION_TOO_LARGE"}], {}
        if names == ["COUNT()"]:
            return self._ok({"totalSize": len(records), "done": True, "records": []})
        return self._page(kind, names, records, 0, len(records))

    @route("POST", rf"{ROOT}/composite")
    def together(self, call: Call) -> Reply:
        requests = call.body["compositeRequest"]
        assert len(requests) <= 5, "Salesforce takes five queries together"
        answers = []
        for request in requests:
            query = parse_qs(urlsplit(request["url"]).query)["q"][0]
            status, body, _ = self.query(replace(call, params={"q": query}), "queryAll")
            answers.append({"body": body, "httpStatusCode": status, "referenceId": request["referenceId"], "httpHeaders": {}})
        return self._ok({"compositeResponse": answers})

    def _page(self, kind: str, names: list[str], records: list[dict[str, Any]], begin: int, total: int) -> Reply:
        part = records[begin : begin + PAGE]
        body = {"totalSize": total, "done": begin + PAGE >= total, "records": [self._wrapped(kind, names, r) for r in part]}
        if not body["done"]:
            locator = f"01gxx{len(self.cursors):06d}-{begin + PAGE}"
            self.cursors[locator] = (records, [kind, *names])
            body["nextRecordsUrl"] = f"/services/data/v{V}/query/{locator}"
        return self._ok(body)

    @route("GET", rf"{ROOT}/query/([\w-]+)")
    def more(self, _call: Call, locator: str) -> Reply:
        if locator not in self.cursors:
            return 400, [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}], {}
        records, (kind, *names) = self.cursors.pop(locator)
        return self._page(kind, names, records, int(locator.rpartition("-")[2]), len(records))

    def _wrapped(self, kind: str, names: list[str], record: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"attributes": {"type": kind, "url": f"/services/data/v{V}/sobjects/{kind}/{record['Id']}"}}
        for name in names:
            parent, dot, inner = name.partition(".")
            if name == ACCESS:
                found[parent] = {"attributes": {"type": parent}, inner: record["Id"] not in self.closed}
            elif dot:
                found.setdefault(parent, {"attributes": {"type": parent}})[inner] = record.get(name)
            else:
                found[name] = record.get(name)
        return found

    def _select(self, soql: str, deleted: bool = True) -> Any:
        match = re.fullmatch(
            r"SELECT (.+?) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY (\w+) ASC(?:, Id ASC)?)?(?: LIMIT (\d+))?", soql
        )
        assert match, soql
        wanted, kind, where, order, most = match.groups()
        names = wanted.split(", ")
        if kind in self.hidden or kind not in self.fields:
            return 400, [{"message": f"sObject type '{kind}' is not supported.", "errorCode": "INVALID_TYPE"}], {}
        for name in names:
            if name not in ("COUNT()", ACCESS) and (name not in self.fields[kind] or f"{kind}.{name}" in self.hidden):
                return 400, [{"message": f"No such column '{name}' on entity '{kind}'.", "errorCode": "INVALID_FIELD"}], {}
        if kind == "FieldDefinition":
            assert where == "EntityDefinition.QualifiedApiName = 'Lead' AND IsFieldHistoryTracked = true", where
            return kind, names, [{"Id": name, "QualifiedApiName": name} for name in sorted(self.tracked)]
        converted = {r.get("ConvertedContactId") for r in self.records["Lead"].values() if r.get("IsConverted")}
        test = (lambda r: r["Id"] not in converted) if where == NEVER_LEADS else _condition(where)
        records = [r for r in self.records[kind].values() if test(r) and (deleted or not r.get("IsDeleted"))]
        if order:
            records.sort(key=lambda r: (str(r.get(order)), r["Id"]))
        return kind, names, records[: int(most)] if most else records

    @route("POST", rf"{ROOT}/jobs/query")
    def begin(self, call: Call) -> Reply:
        assert " ORDER BY " not in call.body["query"], "Bulk refuses an order"
        found = self._select(call.body["query"])
        if isinstance(found[0], int):
            return found
        job = f"750xx{len(self.jobs):012d}"
        self.jobs[job] = {"found": found, "polls": self.polls}
        return self._ok({"id": job, "operation": "queryAll", "object": found[0], "state": "UploadComplete"})

    @route("GET", rf"{ROOT}/jobs/query/(\w+)")
    def job(self, call: Call, job: str) -> Reply:
        if job not in self.jobs:
            return self.unknown(call)
        state = self.jobs[job]
        state["polls"] -= 1
        done = state["polls"] < 0
        return self._ok(
            {"id": job, "state": "JobComplete" if done else "InProgress", "numberRecordsProcessed": len(state["found"][2])}
        )

    @route("GET", rf"{ROOT}/jobs/query/(\w+)/results")
    def results(self, call: Call, job: str) -> Reply:
        if job not in self.jobs:
            return self.unknown(call)
        _, names, records = self.jobs[job]["found"]
        begin = int(call.params.get("locator") or 0)
        most = min(int(call.params["maxRecords"]), 5_000)
        part = records[begin : begin + most]
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow(names)
        for record in part:
            table.writerow(
                ["" if (v := record.get(n)) is None else str(v).lower() if isinstance(v, bool) else v for n in names]
            )
        end = begin + len(part)
        following = str(end) if end < len(records) else "null"
        return (
            200,
            out.getvalue(),
            {"Content-Type": "text/csv", "Sforce-Locator": following, "Sforce-NumberOfRecords": str(len(part))},
        )

    @route("POST", rf"{ROOT}/composite/sobjects/(\w+)")
    def retrieve(self, call: Call, kind: str) -> Reply:
        ids, names = call.body["ids"], call.body["fields"]
        if len(ids) > 2_000:
            return 400, [{"message": "too many", "errorCode": "INVALID_INPUT"}], {}
        for name in names:
            if name not in self.fields[kind] or f"{kind}.{name}" in self.hidden:
                return 400, [{"message": f"No such column '{name}'", "errorCode": "INVALID_FIELD"}], {}
        records = [self.records[kind].get(one) for one in ids]
        return self._ok([r and (None if r.get("IsDeleted") else self._wrapped(kind, ["Id", *names], r)) for r in records])

    @route("PATCH", rf"{ROOT}/composite/sobjects")
    def update(self, call: Call) -> Reply:
        records = call.body["records"]
        assert call.body["allOrNone"] is False
        if len(records) > 200:
            return 400, [{"message": "too many", "errorCode": "INVALID_INPUT"}], {}
        assigns = call.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE"
        saves = "allowsave=true" in call.headers.get("sforce-duplicate-rule-header", "").lower()
        counted = Counter(one["id"] for one in records)
        return self._ok(
            [
                self._update(one, assigns, saves)
                if counted[one["id"]] == 1
                else _refused(one["id"], "DUPLICATE_VALUE", f"duplicate id in records: {one['id']}")
                for one in records
            ]
        )

    def _update(self, one: dict[str, Any], assigns: bool, saves: bool) -> dict[str, Any]:
        kind, name = one["attributes"]["type"], one["id"]
        record = self.records[kind].get(name)

        unknown = next((k for k in one if k not in ("attributes", "id") and k not in self.fields[kind]), None)
        if record is None or record.get("IsDeleted"):
            return _refused(name, "ENTITY_IS_DELETED", "entity is deleted")
        if self.locked.get(name, 0) > 0:
            self.locked[name] -= 1
            return _refused(name, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
        for refused, code, message in (
            (kind == "Contact" and record.get("IsPersonAccount"), "INVALID_FIELD_FOR_INSERT_UPDATE", "of a person account"),
            (record.get("IsConverted"), "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"),
            (name in self.invalid, "FIELD_CUSTOM_VALIDATION_EXCEPTION", self.invalid.get(name, "")),
            (unknown, "INVALID_FIELD", f"No such column '{unknown}' on sobject of type {kind}"),
            (name in self.closed, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
            (name in self.alike and not saves, "DUPLICATES_DETECTED", "Use one of these records?"),
        ):
            if refused:
                return _refused(name, code, message)
        if assigns and kind == "Lead":  # active assignment rules run at an update too unless the caller forbids it
            record["OwnerId"] = self.rule_owner
        self.touch(kind, name, {k: v for k, v in one.items() if k not in ("attributes", "id")}, track=False)
        return {"id": name, "success": True, "errors": []}

    # what people do in Salesforce
    def touch(self, kind: str, name: str, values: dict[str, Any], at: datetime | None = None, track: bool = True) -> None:
        record, moment = self.records[kind][name], at or datetime.fromtimestamp(self.now(), UTC)
        if track and kind == "Lead":
            for key, value in values.items():
                self.history(name, key, record.get(key), value, moment)
        record.update(values)
        record["SystemModstamp"] = stamp(moment)

    def history(self, lead: str, key: str, old: Any, new: Any, at: datetime) -> None:
        record = self.records["Lead"][lead]
        self.add(
            "LeadHistory",
            {
                "LeadId": lead,
                "Lead.CreatedDate": record["CreatedDate"],
                "Lead.CurrencyIsoCode": record.get("CurrencyIsoCode"),
                "Field": key,
                "OldValue": old,
                "NewValue": new,
                "CreatedDate": stamp(at),
                "IsDeleted": False,
            },
        )

    def deal_change(self, deal: str, key: str, old: Any, new: Any, at: datetime) -> None:
        values = {"OpportunityId": deal, "Opportunity.CreatedDate": self.records["Opportunity"][deal]["CreatedDate"]}
        values |= {"Field": key, "OldValue": old, "NewValue": new, "CreatedDate": stamp(at), "IsDeleted": False}
        self.add("OpportunityFieldHistory", values)

    def add(self, kind: str, values: dict[str, Any]) -> str:
        name = f"{PREFIX[kind]}{len(self.records[kind]):012d}AAA"
        self.records[kind][name] = {"Id": name, **values}
        return name

    def relate(self, mail: str, person: str, how: str, kind: str, at: datetime) -> str:
        """Somebody takes part in an e-mail."""
        told = {"EmailMessageId": mail, "RelationId": person, "RelationType": how, "RelationObjectType": kind}
        more = {"RelationAddress": "ada@example.org", "IsDeleted": False, "SystemModstamp": stamp(at)}
        return self.add("EmailMessageRelation", {**told, **more})

    def person_account(self, contact: str) -> str:
        """A contact is the person of an account of its own, where its fields stand."""
        for name in [n for n in self.fields["Contact"] if n.endswith("__c")]:
            self.fields["Account"][f"{name.removesuffix('__c')}__pc"] = self.fields["Contact"][name]
        for name in ("IsPersonAccount", "AccountId"):
            self.fields["Contact"].setdefault(name, {"name": name, "type": "string"})
        account = self.add("Account", {"IsPersonAccount": True, "IsDeleted": False, "SystemModstamp": stamp(datetime.now(UTC))})
        self.records["Contact"][contact] |= {"IsPersonAccount": True, "AccountId": account}
        return account

    def attend(self, event: str, person: str, at: datetime, **more: Any) -> str:
        """Somebody takes part in an event beside who stands on it, or in a task (Shared Activities)."""
        kind = "TaskRelation" if event.startswith(PREFIX["Task"]) else "EventRelation"
        told = {kind.removesuffix("Relation") + "Id": event, "RelationId": person, "IsWhat": False, "IsDeleted": False}
        return self.add(kind, {**told, "SystemModstamp": stamp(at), **more})

    def create(self, at: datetime) -> str:
        """A new lead."""
        told = {"Status": NEW, "Email": "new@example.org", "Company": "New GmbH", "IsConverted": False, "IsDeleted": False}
        return self.add("Lead", {**told, "HasOptedOutOfEmail": False, "CreatedDate": stamp(at), "SystemModstamp": stamp(at)})

    def purge(self, kind: str, name: str) -> None:
        """Out of the recycle bin for good."""
        del self.records[kind][name]

    def delete(self, kind: str, name: str, into: str | None = None) -> None:
        self.touch(kind, name, {"IsDeleted": True, "MasterRecordId": into}, track=False)


def _condition(where: str | None) -> Any:
    """SOQL's conditions as a Python test of a record."""
    if not where:
        return lambda record: True
    text = re.sub(r"(\w+) IN \(([^)]*)\)", r"(v('\1') in (\2,))", where)
    text = re.sub(r"(\w+) != null", r"(v('\1') is not None)", text)
    text = re.sub(r"(\w+) = (true|false)", lambda m: f"(v('{m[1]}') is {m[2].capitalize()})", text)
    text = re.sub(
        r"(\w+) (>=|<=|>|<|=) (\d{4}-[\dT:.-]+Z)",
        lambda m: f"(v('{m[1]}') {'==' if m[2] == '=' else m[2]} '{m[3][:-1]}+0000')",
        text,
    )
    text = re.sub(r"(\w+) (>|=) ('[^']*')", lambda m: f"(v('{m[1]}') {'==' if m[2] == '=' else m[2]} {m[3]})", text)
    code = compile(text.replace(" AND ", " and ").replace(" OR ", " or "), "soql", "eval")
    return lambda record: eval(code, {"v": lambda n: record.get(n) if n == "Id" or record.get(n) is not None else ""})  # noqa: S307
