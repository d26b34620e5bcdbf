"""HubSpot's API: its addresses, its rate limits, its pagination, its way of saying no."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.crm.auth import FetchedToken, FixedToken, NoAuth
from connectors.crm.http import Auth, Http, pages
from connectors.crm.rate_limit import WindowLimiter
from connectors.crm.responses import Answer, RefusedError, Trouble
from connectors.crm.secrets import Secrets
from connectors.hubspot.settings import RATES, SEARCHES, HubSpotSource
from features.common.errors import CrmError

READ_BATCH = 50  # records of one batch read with history; without, 100 would do
LIST_PAGE = 100
SEARCH_PAGE = 200
ASSOCIATION_BATCH = 1_000
NO_ASSOCIATION_ERRORS = ("OBJECT_NOT_FOUND", "crm.associations.NO_ASSOCIATIONS_FOUND")


def judge(answer: Answer) -> Trouble | None:
    """HubSpot's own words in an error: a daily limit cannot be waited for, a missing scope is named."""
    body = answer.body if isinstance(answer.body, dict) else {}
    if answer.status == 429 and "DAILY" in str(body.get("policyName", "")).upper():
        return Trouble("spent", str(body.get("message", "daily limit")), "429")
    if answer.status == 403:
        scopes = [s for e in body.get("errors", []) for s in (e.get("context") or {}).get("requiredGranularScopes", [])]
        reason = f"HTTP 403 {body.get('message', '')}".strip()
        return Trouble("refused", reason, "403", hint=f"Give the app the scope {' or '.join(scopes)}." if scopes else "")
    return None


def open_api(source: HubSpotSource, secrets: Secrets) -> Http:
    """The client.

    Raises
    ------
    ConfigError
        if no secret is set.
    """
    rate_limit = WindowLimiter(source.rates(RATES))
    auth: Auth
    if secrets.get("HUBSPOT_TOKEN") or not secrets.get("HUBSPOT_REFRESH_TOKEN"):
        token = secrets.require("HUBSPOT_TOKEN", "the token of a HubSpot service key or app")
        auth = FixedToken("authorization", f"Bearer {token}")
    else:
        form = {
            "grant_type": "refresh_token",
            "client_id": secrets.require("HUBSPOT_CLIENT_ID", "the app's client id"),
            "client_secret": secrets.require("HUBSPOT_CLIENT_SECRET", "the app's client secret"),
            "refresh_token": secrets.require("HUBSPOT_REFRESH_TOKEN", "the app's refresh token"),
        }

        def fetch() -> tuple[str, float]:
            body = http.with_auth(NoAuth()).call("POST", "/oauth/v1/token", data=form).body
            return str(body["access_token"]), float(body["expires_in"])

        auth = FetchedToken(fetch, secrets)
    http = Http(source.base_url, "HubSpot", auth, secrets, judge, rate_limit)
    return http


class HubSpotApi:
    """The calls that are made."""

    def __init__(self, source: HubSpotSource, http: Http) -> None:
        self.http = http
        self.version = source.api_version
        self._searches = WindowLimiter(http.rate_limit.rates if source.limits else SEARCHES, sleep=http.sleep)

    def properties(self, kind: str) -> list[dict[str, Any]]:
        """The property definitions of a kind of record."""
        return list(self.http.get(f"/crm/properties/{self.version}/{kind}").body["results"])

    def pipelines(self, kind: str) -> list[dict[str, Any]]:
        """The pipelines of deals or leads with their stages."""
        return list(self.http.get(f"/crm/pipelines/{self.version}/{kind}").body["results"])

    def ids(self, kind: str, page_cursor: str | None, archived: bool) -> tuple[list[dict[str, Any]], str | None]:
        """A page of records without properties, and what to ask for next."""
        params = {
            "limit": LIST_PAGE,
            "archived": "true" if archived else "false",
            **({"after": page_cursor} if page_cursor else {}),
        }
        body = self.http.get(f"/crm/objects/{self.version}/{kind}", params).body
        return body["results"], next_cursor(body)

    def read(self, kind: str, ids: Sequence[str], properties: Sequence[str], history: Sequence[str]) -> list[dict[str, Any]]:
        """Records whole, with the history of some properties; those that are gone by now are not among them.

        Raises
        ------
        CrmError
            if HubSpot could not read one for any other reason.
        """
        records = []
        for begin in range(0, len(ids), READ_BATCH):
            inputs = [{"id": name} for name in ids[begin : begin + READ_BATCH]]
            body = {"inputs": inputs, "properties": list(properties), "propertiesWithHistory": list(history)}
            answer = self.http.post(f"/crm/objects/{self.version}/{kind}/batch/read", body).body
            self._require_complete(answer, kind, ("OBJECT_NOT_FOUND",))
            records += answer["results"]
        return records

    def _require_complete(self, answer: Mapping[str, Any], kind: str, harmless: Sequence[str]) -> None:
        """Part of a batch may fail in a 2xx: what is left out so would be lost."""
        for error in answer.get("errors") or ():
            if error.get("category") not in harmless and error.get("subCategory") not in harmless:
                message = self.http.redact(str(error.get("message") or error.get("category")))
                raise CrmError(f"HubSpot read only part of a batch of {kind}: {message}", "Run it again.")

    def search(self, kind: str, filters: Sequence[Mapping[str, Any]], sort: str, properties: Sequence[str]) -> Any:
        """The first page of a search, ascending."""
        self._searches.acquire()
        return self.http.post(
            f"/crm/objects/{self.version}/{kind}/search",
            {
                "filterGroups": [{"filters": list(filters)}],
                "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
                "properties": list(properties),
                "limit": SEARCH_PAGE,
            },
        ).body

    def associations(self, kind: str, target_kind: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """Who belongs to each of these records."""
        associates: dict[str, list[str]] = {}
        for begin in range(0, len(ids), ASSOCIATION_BATCH):
            inputs: list[dict[str, str]] = [{"id": name} for name in ids[begin : begin + ASSOCIATION_BATCH]]
            while inputs:  # a record with very many associates has further pages of its own
                body = self.http.post(
                    f"/crm/associations/{self.version}/{kind}/{target_kind}/batch/read", {"inputs": inputs}
                ).body
                self._require_complete(body, f"{kind} and their {target_kind}", NO_ASSOCIATION_ERRORS)
                inputs = []
                for result in body["results"]:
                    name = str(result["from"]["id"])
                    associates.setdefault(name, []).extend(str(associate["toObjectId"]) for associate in result["to"])
                    if page_cursor := next_cursor(result):
                        inputs.append({"id": name, "after": page_cursor})
        return associates

    def list_rows(self, path: str, limit: int, **params: Any) -> Iterator[dict[str, Any]]:
        """Everything of a plain list."""

        def fetch_page(mark: str | None) -> Answer:
            return self.http.get(path, {"limit": limit, **params, **({"after": mark} if mark else {})})

        for answer in pages(fetch_page, lambda answer: next_cursor(answer.body)):
            yield from answer.body.get("results", [])

    def refusal(self, path: str, **params: Any) -> str | None:
        """Why a list cannot be read; None where it can."""
        try:
            self.http.get(path, {"limit": 1, **params})
        except RefusedError as error:
            return f"{error.fact} {error.hint}"
        return None

    def server_now(self) -> int:
        """The server's clock in whole milliseconds."""
        return int(self.http.now() * 1000)

    def all_ids(self, kind: str) -> Iterator[str]:
        """The ids of all records of a kind."""
        page_cursor = None
        while True:
            records, page_cursor = self.ids(kind, page_cursor, archived=False)
            yield from (str(record["id"]) for record in records)
            if page_cursor is None:
                return

    def daily_limit(self) -> tuple[int | None, int | None]:
        """The account's calls a day and how many are left, where HubSpot says so."""
        answer = self.http.get(f"/crm/objects/{self.version}/contacts", {"limit": 1})
        limit, remaining = (answer.headers.get(f"x-hubspot-ratelimit-daily{end}") for end in ("", "-remaining"))
        return (int(limit) if limit else None), (int(remaining) if remaining else None)


def next_cursor(body: Mapping[str, Any]) -> str | None:
    """The cursor of the next page."""
    page_cursor = ((body.get("paging") or {}).get("next") or {}).get("after")
    return str(page_cursor) if page_cursor else None
