"""Salesforce's API: tokens, SOQL page by page, Bulk 2.0, and its way of saying no."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus

import jwt

from connectors.crm.auth import FetchedToken, NoAuth
from connectors.crm.http import Http
from connectors.crm.rate_limit import WindowLimiter
from connectors.crm.responses import Answer, RefusedError, Trouble
from connectors.crm.secrets import Secrets
from connectors.salesforce.settings import RATES, SalesforceSource
from features.common.errors import CrmError

SESSION_SECONDS = 3_600.0  # seconds that a token is used; Salesforce does not say how long it lives, and says when it has ended
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
POLL, LONGEST_POLL = 0.5, 30.0  # seconds between two looks at a bulk job, an exponential back-off
PATIENCE = 6 * 3_600.0  # seconds that a job is waited for
TOGETHER = 5  # queries that one composite call may hold
BULK_ROWS = 10_000  # of one file of results
FAILED_STATES = ("Failed", "Aborted")
HIDDEN_CODES = ("INVALID_FIELD", "INVALID_TYPE", "API_DISABLED_FOR_ORG", "INSUFFICIENT_ACCESS")
# of every write: assignment rules, which run at an update too, must give no lead another owner; a duplicate rule that only
# warns must not stop a score (one that blocks does)
WRITE_HEADERS = {"Sforce-Auto-Assign": "FALSE", "Sforce-Duplicate-Rule-Header": "allowSave=true"}
TOTAL = "TotalRequests"  # how the message begins that says that the day's calls are used up; others speak of calls at once
TIMED_OUT = "QUERY_TIMEOUT"
TOO_LARGE = "OPERATION_TOO_LARGE"  # who does not see all may not ask for acts of more than 100,000 people
BUSY_CODES = ("UNABLE_TO_LOCK_ROW", "REQUEST_RUNNING_TOO_LONG", "SERVER_UNAVAILABLE")


def judge(answer: Answer) -> Trouble | None:
    """Salesforce's codes: the day's calls are over in a 403, a session in a 401, a busy row in a 400."""
    if answer.status < 400:
        return None
    body = answer.body
    first_error: Mapping[str, Any] = body[0] if isinstance(body, list) and body and isinstance(body[0], dict) else {}
    code, message = str(first_error.get("errorCode", "")), str(first_error.get("message", ""))
    if isinstance(body, dict) and "error" in body:  # of the token service
        return Trouble("refused", f"{body['error']}: {body.get('error_description', '')}", str(answer.status), hint=_LOGIN)
    reason = f"HTTP {answer.status} {code} {message}".strip()
    hint = "Give the user the permission set of docs/crm/salesforce.md, with access to that field or object."
    troubles = {
        "REQUEST_LIMIT_EXCEEDED": Trouble("spent" if message.startswith(TOTAL) else "again", message, code),
        TIMED_OUT: Trouble("refused", reason, TIMED_OUT, hint="Run it again when the org is less busy."),
        TOO_LARGE: Trouble("refused", reason, "403", hint=_ALL_DATA),
        "INVALID_SESSION_ID": Trouble("renew", reason, "401", hint="Check that the app's user may use the API."),
        **{name: Trouble("again", reason, name) for name in BUSY_CODES},
        **{name: Trouble("refused", reason, "403", hint=hint) for name in HIDDEN_CODES},
    }
    return troubles.get(code)


_ALL_DATA = (
    "Give the user *View All Data* (Setup → Permission Sets → Ripeline → System Permissions): Salesforce asks for it there."
)
_LOGIN = "Check the External Client App: its flow, its user, and the id and secret (or key) given here."


def open_api(source: SalesforceSource, secrets: Secrets) -> Http:
    """The client; a token is fetched at the first call.

    Raises
    ------
    ConfigError
        if a secret is not set.
    """
    rate_limit = WindowLimiter(source.rates(RATES))
    client = secrets.require("SALESFORCE_CLIENT_ID", "the consumer key of the External Client App")
    key = secrets.get("SALESFORCE_PRIVATE_KEY")
    if key:
        key = secrets.require("SALESFORCE_PRIVATE_KEY", "the private key of the app's certificate")
        user = secrets.require("SALESFORCE_USERNAME", "the user that the JWT speaks for")
    else:
        secret = secrets.require(
            "SALESFORCE_CLIENT_SECRET", "the app's consumer secret (or set SALESFORCE_PRIVATE_KEY for JWT)"
        )

    def fetch() -> tuple[str, float]:
        if key:
            expires_at = int(http.now()) + 180  # by the server's clock, as far as it is known
            claim = {"iss": client, "sub": user, "aud": source.login_url, "exp": expires_at}
            form = {"grant_type": GRANT_TYPE, "assertion": jwt.encode(claim, key, algorithm="RS256")}
        else:
            form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        body = http.with_auth(NoAuth()).call("POST", "/services/oauth2/token", data=form).body
        instance_url = str(body.get("instance_url", source.base_url)).rstrip("/")
        if instance_url != source.base_url and source.base_url.startswith("https://"):
            raise CrmError(
                f"Salesforce says that the org is at {instance_url}, not {source.base_url}.",
                "Put that under `source: base_url:`.",
            )
        return str(body["access_token"]), SESSION_SECONDS

    http = Http(source.base_url, "Salesforce", FetchedToken(fetch, secrets), secrets, judge, rate_limit)
    return http


class DeadJobError(CrmError):
    """A bulk job that failed or was ended by somebody."""


class SalesforceApi:
    """The calls that are made."""

    def __init__(self, http: Http, version: str) -> None:
        self.http, self.version = http, version
        self.root = f"/services/data/v{version}"
        self.settled = False  # may what objects there are, and their fields, be as it was?
        self._described: dict[str, dict[str, dict[str, Any]]] = {}
        self._answers: dict[str, Mapping[str, Any]] = {}  # query → its first page, asked for with others

    def describe(self, kind: str) -> dict[str, dict[str, Any]]:
        """The fields of an object that we may see, by name; none where the object itself is hidden."""
        if not self.settled or kind not in self._described:
            self._described[kind] = self._describe(kind)
        return self._described[kind]

    def _describe(self, kind: str) -> dict[str, dict[str, Any]]:
        try:
            body = self.http.get(f"{self.root}/sobjects/{kind}/describe").body
        except RefusedError as error:
            if error.http in (403, 404) or error.code == "404":
                return {}
            raise
        return {field["name"]: field for field in body["fields"]}

    def query(self, soql: str) -> Iterator[list[dict[str, Any]]]:
        """Pages of records, deleted ones among them; a parent's field is at "Parent.Field"."""
        body = self._answers.pop(soql, None)
        yield from self._pages_of(body or self.http.get(f"{self.root}/queryAll", {"q": soql}).body)

    def ask_together(self, queries: Sequence[str]) -> None:
        """Ask for the first pages of several queries, five a call (composite), for `query` to go on with. What is not answered
        so is asked for by itself."""
        self._answers.clear()
        for begin in range(0, len(queries), TOGETHER):
            batch = queries[begin : begin + TOGETHER]
            requests = [
                {"method": "GET", "url": f"{self.root}/queryAll?q={quote_plus(soql)}", "referenceId": f"query{number}"}
                for number, soql in enumerate(batch)
            ]
            try:
                body = self.http.post(f"{self.root}/composite", {"allOrNone": False, "compositeRequest": requests}).body
            except RefusedError:
                return
            for soql, answer in zip(batch, body["compositeResponse"], strict=True):
                if answer["httpStatusCode"] == HTTPStatus.OK:
                    self._answers[soql] = answer["body"]

    def _pages(self, answer: Answer) -> Iterator[list[dict[str, Any]]]:
        yield from self._pages_of(answer.body)

    def _pages_of(self, body: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        while True:
            yield [flat(record) for record in body["records"]]
            if body["done"]:
                return
            body = self.http.get(str(body["nextRecordsUrl"])).body

    def ids(self, kind: str) -> Iterator[str]:
        """The ids of all records that are not deleted."""
        answer = self.http.get(f"{self.root}/query", {"q": f"SELECT Id FROM {kind}"})
        for page in self._pages(answer):
            yield from (str(record["Id"]) for record in page)

    def count(self, kind: str, condition: str = "") -> int | None:
        """How many records there are; None where there are too many to be counted in time."""
        soql = f"SELECT COUNT() FROM {kind}" + (f" WHERE {condition}" if condition else "")
        try:
            return int(self.http.get(f"{self.root}/query", {"q": soql}).body["totalSize"])
        except RefusedError as error:
            if error.code == TIMED_OUT:
                return None
            raise

    def retrieve(self, kind: str, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any] | None]:
        """More fields of up to 2,000 records, in order; None for one that is not there any more. For what is too long for an
        address."""
        order = {"ids": list(ids), "fields": list(fields)}
        answer = self.http.post(f"{self.root}/composite/sobjects/{kind}", order)
        return [None if record is None else flat(record) for record in answer.body]

    def begin_bulk(self, soql: str) -> str:
        """Start a Bulk 2.0 query; its id."""
        return str(self.http.post(f"{self.root}/jobs/query", {"operation": "queryAll", "query": soql}).body["id"])

    def wait_bulk(self, job: str) -> int:
        """Wait for a job; how many records it has.

        Raises
        ------
        DeadJobError
            if it failed.
        CrmError
            if it is gone, or takes too long.
        """
        pause, waited_seconds = POLL, 0.0
        while True:
            body = self.http.get(f"{self.root}/jobs/query/{job}").body
            if body["state"] == "JobComplete":
                return int(body.get("numberRecordsProcessed", 0))
            if body["state"] in FAILED_STATES:
                reason = self.http.redact(str(body.get("errorMessage", "no reason given")))
                if TOO_LARGE in reason:
                    raise RefusedError(f"Salesforce refused a bulk query: {reason}.", _ALL_DATA, 403)
                raise DeadJobError(f"Salesforce's bulk job {job} {body['state'].lower()}: {reason}.", "Run it again.")
            waited_seconds += pause
            if waited_seconds > PATIENCE:
                hours = f"{waited_seconds / 3600:.0f} hours"
                raise CrmError(
                    f"Salesforce's bulk job {job} is still not done after {hours}.",
                    "Run it again later: it goes on with that job.",
                )
            self.http.sleep(pause)
            pause = min(pause * 1.5, LONGEST_POLL)

    def bulk_rows(self, job: str, locator: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """One file of results, and the locator of the next."""
        params = {"maxRecords": BULK_ROWS, **({"locator": locator} if locator else {})}
        path = f"{self.root}/jobs/query/{job}/results"
        answer = self.http.get(path, params, headers={"accept": "text/csv"}, text=True)
        rows = [{k: v or None for k, v in row.items()} for row in csv.DictReader(io.StringIO(answer.text, newline=""))]
        following = answer.headers.get("sforce-locator", "null")
        expected = answer.headers.get("sforce-numberofrecords")
        if expected is not None and int(expected) != len(rows):
            raise CrmError(f"A file of results has {len(rows):,} rows of {int(expected):,}.", "Run it again.")
        return rows, None if following in ("null", "") else following

    def tracked(self, kind: str) -> frozenset[str] | None:
        """The fields of an object that history tracking is on for; None where our user may not see that."""
        soql = (
            "SELECT QualifiedApiName FROM FieldDefinition "
            f"WHERE EntityDefinition.QualifiedApiName = '{kind}' AND IsFieldHistoryTracked = true"
        )
        try:
            answer = self.http.get(f"{self.root}/query", {"q": soql})
        except RefusedError:
            return None
        return frozenset(str(record["QualifiedApiName"]) for page in self._pages(answer) for record in page)

    def limits(self) -> tuple[int | None, int | None]:
        """Calls a day, and how many are left."""
        daily = self.http.get(f"{self.root}/limits").body.get("DailyApiRequests", {})
        return daily.get("Max"), daily.get("Remaining")

    def not_editable(self, kind: str, ids: Sequence[str]) -> list[str]:
        """Those of the records that our user sees and may not edit."""
        listed = ", ".join(f"'{name}'" for name in ids)
        soql = f"SELECT Id, UserRecordAccess.HasEditAccess FROM {kind} WHERE Id IN ({listed})"
        pages = self._pages(self.http.get(f"{self.root}/query", {"q": soql}))
        return [str(r["Id"]) for page in pages for r in page if r.get("UserRecordAccess.HasEditAccess") is False]

    def person_accounts(self, contacts: Sequence[str]) -> dict[str, str]:
        """Those of the contacts that are the person of a person account, with that account."""
        listed = ", ".join(f"'{name}'" for name in contacts)
        soql = f"SELECT Id, AccountId FROM Contact WHERE IsPersonAccount = true AND Id IN ({listed})"
        pages = self._pages(self.http.get(f"{self.root}/query", {"q": soql}))
        return {str(record["Id"]): str(record["AccountId"]) for page in pages for record in page if record.get("AccountId")}

    def update(self, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Up to 200 records, each for itself; one answer a record, in order. No owner changes by it."""
        order = {"allOrNone": False, "records": list(records)}
        answer = self.http.patch(f"{self.root}/composite/sobjects", order, headers=WRITE_HEADERS)
        results: list[dict[str, Any]] = answer.body
        return results


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without Salesforce's own wrapping.

    >>> flat({"attributes": {}, "Id": "1", "Lead": {"attributes": {}, "CreatedDate": "x"}, "Campaign": None})
    {'Id': '1', 'Lead.CreatedDate': 'x', 'Campaign': None}
    """
    fields: dict[str, Any] = {}
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, dict):
            fields.update({f"{name}.{inner}": v for inner, v in flat(value).items()})
        else:
            fields[name] = value
    return fields
