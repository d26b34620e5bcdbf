"""Marketo's API: errors hide in HTTP 200, pages may be empty and not the last, files come from jobs."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from connectors.crm.auth import FetchedToken, NoAuth
from connectors.crm.http import Http
from connectors.crm.moments import iso
from connectors.crm.rate_limit import WindowLimiter
from connectors.crm.responses import Answer, RefusedError, Trouble
from connectors.crm.secrets import Secrets
from connectors.marketo.settings import RATES, MarketoSource
from features.common.errors import CrmError

BATCH = 300  # of a page, of a lookup, of a write
TYPES_PER_CALL = 10  # activity types of one call
LONGEST_NAMES = 6_000  # characters of an address that names of fields or records may take; Marketo allows 8 KB for all of it
POLL, LONGEST_POLL = 0.5, 60.0  # seconds between two looks at a job, an exponential back-off; Marketo refreshes once a minute
PATIENCE = 6 * 3_600.0  # seconds that a job is waited for

RETRY_CODES = {"502", "604", "606", "608", "611", "614", "615", "713", "719", "1016", "1019"}
RENEWAL_CODES = {"600", "601", "602"}
FAILED_STATUSES = ("Failed", "Cancelled", "Canceled")


def judge(answer: Answer) -> Trouble | None:
    """Marketo's codes, in whatever HTTP status they come."""
    body = answer.body
    if not isinstance(body, dict):
        return None
    if "error" in body and "success" not in body:  # of the token service
        hint = "Check the LaunchPoint service's id and secret."
        return Trouble("refused", f"{body['error']}: {body.get('error_description', '')}", "401", hint=hint)
    if body.get("success", True) is not False:
        return None
    errors = body.get("errors") or [{"code": "611", "message": "success is false, without a reason"}]
    code, message = str(errors[0].get("code")), str(errors[0].get("message"))
    reason = f"{code} {message}"
    hint = "Give the API user's role that permission." if code == "603" else ""
    trouble = Trouble("refused", reason, {"603": "403", "610": "404"}.get(code, code), hint=hint)
    if code in RENEWAL_CODES:
        trouble = Trouble("renew", reason, "401")
    elif code == "607" or (code == "1029" and "quota" in message.lower()):
        trouble = Trouble(
            "spent", reason, code, hint="Quotas are given back at midnight, Central time; what was fetched is kept."
        )
    elif code in RETRY_CODES or (code == "1029" and "already" not in message.lower()):
        trouble = Trouble("again", reason, code, wait=60.0 if code == "1029" else None)
    return trouble


def open_api(source: MarketoSource, secrets: Secrets) -> Http:
    """The client; a token is fetched at the first call.

    Raises
    ------
    ConfigError
        if a secret is not set.
    """
    rate_limit = WindowLimiter(source.rates(RATES))
    form = {
        "grant_type": "client_credentials",
        "client_id": secrets.require("MARKETO_CLIENT_ID", "the client id of the LaunchPoint service"),
        "client_secret": secrets.require("MARKETO_CLIENT_SECRET", "the client secret of the LaunchPoint service"),
    }

    def fetch() -> tuple[str, float]:
        body = http.with_auth(NoAuth()).get("/identity/oauth/token", form).body
        return str(body["access_token"]), float(body["expires_in"])

    http = Http(source.base_url, "Marketo", FetchedToken(fetch, secrets), secrets, judge, rate_limit)
    return http


def fitting(names: Sequence[str]) -> list[list[str]]:
    """Names in groups that an address has room for.

    >>> [len(group) for group in fitting([f"{n:0100d}" for n in range(100)])]
    [58, 42]
    """
    groups: list[list[str]] = [[]]
    for name in names:
        if groups[-1] and len(quote_plus(",".join([*groups[-1], name]))) > LONGEST_NAMES:
            groups.append([])
        groups[-1].append(name)
    return groups


class LostExportError(CrmError):
    """A job from which nothing comes any more."""

    def __init__(self, fact: str) -> None:
        super().__init__(fact, "Run it again: another job is made; what was fetched is kept.")


class MarketoApi:
    """The calls that are made."""

    def __init__(self, http: Http, version: str) -> None:
        self.http, self.rest_path, self.bulk = http, f"/rest/{version}", f"/bulk/{version}"

    def fields(self) -> dict[str, dict[str, Any]]:
        """The lead fields by name."""
        return {f["name"]: f for page in self._paged("/leads/schema/fields.json", {}) for f in page}

    def activity_types(self) -> dict[int, str]:
        """id → name, custom ones among them."""
        return {int(t["id"]): str(t["name"]) for t in self.http.get(f"{self.rest_path}/activities/types.json").body["result"]}

    def _paged(self, path: str, params: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        token: str | None = None
        while True:
            body = self.http.get(
                self.rest_path + path, {**params, "batchSize": BATCH, **({"nextPageToken": token} if token else {})}
            ).body
            yield body.get("result") or []
            following = body.get("nextPageToken")
            if not following or not body.get("moreResult", True) or following == token:
                return
            token = following

    def token(self, start: datetime) -> str:
        """The paging token of a moment."""
        return str(
            self.http.get(f"{self.rest_path}/activities/pagingtoken.json", {"sinceDatetime": iso(start)}).body["nextPageToken"]
        )

    def stream(self, path: str, params: Mapping[str, Any], token: str) -> Iterator[tuple[list[dict[str, Any]], str, bool]]:
        """Pagination of activities: rows, the token behind them, and whether more come. A page may be empty and not the
        last."""
        while True:
            body = self.http.get(f"{self.rest_path}/activities{path}", {**params, "nextPageToken": token}).body
            token, more_pages = str(body["nextPageToken"]), bool(body.get("moreResult"))
            yield body.get("result") or [], token, more_pages
            if not more_pages:
                return

    def leads(self, ids: Sequence[int], fields: Sequence[str]) -> list[dict[str, Any]]:
        """Leads by id; the deleted and merged are not among them."""
        records: list[dict[str, Any]] = []
        for begin in range(0, len(ids), BATCH):
            values = ",".join(map(str, ids[begin : begin + BATCH]))
            # a query so long would be refused: the same as a form
            form = {
                "_method": "GET",
                "filterType": "id",
                "filterValues": values,
                "fields": ",".join(fields),
                "batchSize": str(BATCH),
            }
            records += (
                self.http.call("POST", f"{self.rest_path}/leads.json", params={"_method": "GET"}, data=form).body.get("result")
                or []
            )
        return records

    def lookup(self, path: str, filter_type: str, values: Sequence[object], fields: Sequence[str]) -> list[dict[str, Any]]:
        """Opportunities, or who belongs to them."""
        records: list[dict[str, Any]] = []
        for begin in range(0, len(values), BATCH // 3):
            for part in fitting([str(value) for value in values[begin : begin + BATCH // 3]]):
                params = {"filterType": filter_type, "filterValues": ",".join(part), "fields": ",".join(fields)}
                for page in self._paged(path, params):
                    records += page
        return records

    def begin_export(self, resource: str, order: Mapping[str, Any]) -> str:
        """Create and queue a job; its id."""
        body = self.http.post(f"{self.bulk}/{resource}/export/create.json", {"format": "CSV", **order}).body
        job = str(body["result"][0]["exportId"])
        try:
            self.http.post(f"{self.bulk}/{resource}/export/{job}/enqueue.json", {})
        except RefusedError as error:
            if "already" not in error.fact:  # an attempt whose answer was lost did it
                raise
        return job

    def wait_export(self, resource: str, job: str) -> dict[str, Any]:
        """Wait for a job; its last status.

        Raises
        ------
        LostExportError
            if it failed or is gone: another has to be made.
        CrmError
            if it takes too long.
        """
        pause, waited_seconds = POLL, 0.0
        while True:
            try:
                result = self.http.get(f"{self.bulk}/{resource}/export/{job}/status.json").body["result"]
            except RefusedError as error:
                raise LostExportError(error.fact) from error
            status: dict[str, Any] = result[0]
            if status["status"] == "Completed":
                return status
            if status["status"] in FAILED_STATUSES:
                reason = self.http.redact(str(status.get("errorMsg", "no reason given")))
                raise LostExportError(f"Marketo's export {job} {status['status'].lower()}: {reason}.")
            waited_seconds += pause
            if waited_seconds > PATIENCE:
                raise CrmError(
                    f"Marketo's export {job} is still {str(status['status']).lower()} after {waited_seconds / 3600:.0f} hours.",
                    "Run it again later: it goes on with that job.",
                )
            self.http.sleep(pause)
            pause = min(pause * 2, LONGEST_POLL)

    def export_rows(self, resource: str, job: str, folder: Path, size: int = 5_000) -> Iterator[list[dict[str, str | None]]]:
        """The rows of a finished job, a part at a time; "null" means nothing.

        They stand in a file of `folder` that has no name, for it holds names and addresses: it is gone with the process.

        Raises
        ------
        LostExportError
            if the job failed, is gone, or its file has not as many rows as it should.
        """
        status = self.wait_export(resource, job)
        expected_rows = int(status.get("numberOfRecords", 0))
        row_count, part = 0, []
        with tempfile.TemporaryFile(dir=folder) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as lines:
            if expected_rows:
                try:
                    self.http.download(f"{self.bulk}/{resource}/export/{job}/file.json", file)
                except RefusedError as error:  # files are kept for a week
                    raise LostExportError(error.fact) from error
            for row in csv.DictReader(lines):
                row_count += 1
                part.append({k: None if v in ("null", "") else v for k, v in row.items()})
                if len(part) == size:
                    yield part
                    part = []
        if row_count != expected_rows:
            raise LostExportError(f"Marketo's export {job} has {row_count:,} rows of {expected_rows:,}.")
        yield part

    def refusal(self, path: str, params: Mapping[str, Any]) -> str | None:
        """Why a call is refused; None where it is not."""
        try:
            self.http.get(self.rest_path + path, params)
        except RefusedError as error:
            return f"{error.fact} {error.hint}"
        return None

    def used_today(self) -> int | None:
        """Calls of all integrations today."""
        result = self.http.get(f"{self.rest_path}/stats/usage.json").body.get("result") or []
        return int(result[0]["total"]) if result else None
