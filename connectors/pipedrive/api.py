"""Pipedrive's API: v2 with cursors, v1 where v2 has no successor, a rate limit that counts tokens."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.crm.auth import FetchedToken, FixedToken, NoAuth
from connectors.crm.http import Auth, Http, pages
from connectors.crm.moments import moment
from connectors.crm.rate_limit import WindowLimiter
from connectors.crm.responses import Answer, RefusedError, Trouble
from connectors.crm.secrets import Secrets
from connectors.crm.stream import FORBIDDEN
from connectors.pipedrive.settings import RATES, PipedriveSource
from features.common.errors import CrmError

REFRESH = "PIPEDRIVE_REFRESH_TOKEN"
REFUSAL_CODES = ("invalid_grant", "invalid_client", "invalid_request", "unauthorized_client")
LIMIT, LIMIT_V1 = 500, 100
LIST_COST, LIST_V1_COST, CHANGELOG_COST, WRITE_COST, ARCHIVED_COST, MAILS_COST = 10, 20, 20, 5, 20, 20  # tokens of a call
ARCHIVED_INBOX_COST, PARTICIPANTS_COST = 40, 20
DEAREST_COST = 40  # with less than that left of the day, a 429 is no burst
TOKENS_LEFT, TOKENS_LIMIT = "x-daily-ratelimit-token-remaining", "x-daily-ratelimit-token-limit"
WRITES_LEFT = "x-daily-requests-left"  # of an older limit, for writing by an API token


def judge(answer: Answer) -> Trouble | None:
    """Pipedrive says false in a 2xx too, and ends abuse with a 403."""
    body = answer.body if isinstance(answer.body, dict) else {}
    reason = " ".join(f"HTTP {answer.status} {body.get('error') or ''} {body.get('error_info') or ''}".split())
    if answer.status in (400, 401) and body.get("error") in REFUSAL_CODES:  # of the token service
        hint = "Check PIPEDRIVE_CLIENT_ID, _CLIENT_SECRET and _REFRESH_TOKEN; install the app again where the last one ended."
        return Trouble("refused", reason, "401", hint=hint)
    if 200 <= answer.status < 300 and body.get("success") is False:
        return Trouble("refused", reason, "400")
    if answer.status == 402:
        return Trouble("refused", reason, "402", hint="The plan does not have that.")
    if answer.status == 429 and _day_is_spent(answer):
        return Trouble("spent", reason or "the day's tokens", "429", hint=_MIDNIGHT)
    if answer.status == 403 and "<" in answer.text[:50]:  # its firewall, after too many 429s
        return Trouble("spent", "it blocks us for now", "403", hint="Wait an hour, and set `limits:` lower.")
    return None


_MIDNIGHT = "Pipedrive gives the tokens back at midnight of its server's time, or more can be bought; what was fetched is kept."


def _day_is_spent(answer: Answer) -> bool:
    remaining = _count(answer, TOKENS_LEFT)
    return remaining < DEAREST_COST if remaining is not None else answer.headers.get(WRITES_LEFT) == "0"


def _count(answer: Answer, header: str) -> int | None:
    value = answer.headers.get(header, "").strip()
    return int(value) if value.isdigit() else None


def open_api(source: PipedriveSource, secrets: Secrets) -> Http:
    """The client.

    Raises
    ------
    ConfigError
        if no token is set.
    """
    auth: Auth
    if secrets.get("PIPEDRIVE_TOKEN") or not secrets.get(REFRESH):
        auth = FixedToken("x-api-token", secrets.require("PIPEDRIVE_TOKEN", "the API token of a Pipedrive user"))
    else:
        auth = FetchedToken(_token_fetcher(lambda: http, source, secrets), secrets)
    http = Http(source.base_url, "Pipedrive", auth, secrets, judge, WindowLimiter(source.rates(RATES)))
    return http


def _token_fetcher(http: Callable[[], Http], source: PipedriveSource, secrets: Secrets) -> Callable[[], tuple[str, float]]:
    """How an OAuth app's token is fetched. A refresh token lives for sixty days after it was used last."""
    client = secrets.require("PIPEDRIVE_CLIENT_ID", "the app's client id")
    secret = secrets.require("PIPEDRIVE_CLIENT_SECRET", "the app's client secret")
    secrets.require(REFRESH, "the app's refresh token")
    basic = secrets.learn(base64.b64encode(f"{client}:{secret}".encode()).decode())

    def fetch() -> tuple[str, float]:
        refresh = secrets.reload(REFRESH, "the app's refresh token")
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        service = http().with_auth(NoAuth(), source.login_url)
        body = service.call("POST", "/oauth/token", data=form, headers={"authorization": f"Basic {basic}"}).body
        secrets.replace(REFRESH, str(body.get("refresh_token") or refresh), "Pipedrive")
        api_domain = str(body.get("api_domain") or source.base_url).rstrip("/")
        if api_domain != source.base_url:
            raise CrmError(
                f"Pipedrive says that the app belongs to {api_domain}, not {source.base_url}.",
                "Put that under `source: base_url:`.",
            )
        return str(body["access_token"]), float(body["expires_in"])

    return fetch


class PipedriveApi:
    """The calls that are made."""

    def __init__(self, http: Http, version: str) -> None:
        self.http, self.v2, self.v1 = http, f"/api/{version}", "/api/v1"
        self.tokens = 0

    def list_pages(
        self, path: str, params: Mapping[str, Any], cursor: str | None = None, cost: int = LIST_COST
    ) -> Iterator[Answer]:
        """Pages of a v2 list, from a cursor on."""

        def fetch_page(mark: str | None) -> Answer:
            self.tokens += cost
            page_cursor = mark or cursor
            return self.http.get(self.v2 + path, {"limit": LIMIT, **params, **({"cursor": page_cursor} if page_cursor else {})})

        yield from pages(fetch_page, next_cursor)

    def all_rows(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """All rows of a v2 list."""
        for answer in self.list_pages(path, params or {}):
            yield from answer.body["data"] or []

    def ids(self, *paths: str) -> Iterator[str]:
        """The ids of all rows of v2 lists."""
        for path in paths:
            yield from (str(row["id"]) for row in self.all_rows(path, {"sort_by": "id", "sort_direction": "asc"}))

    def deal_ids(self) -> Iterator[str] | None:
        """The ids of all deals; None where we may not see archived ones: a deal that is not listed may be one of them."""
        archived = "/deals/archived"
        try:
            self.tokens += ARCHIVED_COST
            self.http.get(self.v2 + archived, {"limit": 1})
        except RefusedError as error:
            if error.http not in FORBIDDEN:
                raise
            return None
        return self.ids("/deals", archived)

    def modified_v1(self, path: str, lower_bound: datetime | None) -> Iterator[list[dict[str, Any]]]:
        """Pages of a v1 list in the order of modification.

        It counts rows from the beginning, so that one that is modified meanwhile would shift the next out of sight: each page
        begins where the last one ended (keyset pagination), at its last second, since Pipedrive takes no fractions of one, and
        counts only rows from there on.
        """
        start = 0
        while True:
            query = {"sort": "update_time ASC", **({"updated_since": rfc(lower_bound)} if lower_bound else {})}
            rows, more_rows = self._page_v1(path, start, LIST_V1_COST, query)
            yield rows
            if not more_rows:
                return
            latest = moment(rows[-1].get("update_time"))
            if latest is None or (lower_bound and rfc(latest) == rfc(lower_bound)):
                start += len(rows)
            else:
                lower_bound, start = latest, 0

    def newest_v1(self, path: str, floor: datetime | None, cost: int) -> Iterator[list[dict[str, Any]]]:
        """Pages of a v1 list that can only be read from its beginning, what was modified last first, back to `floor`.

        What comes meanwhile shifts rows to the next page, where they come again. What leaves the list shifts them back: each
        page begins with the last row of the one before, and where that is not there the one before is asked for again.
        """
        start, anchor = 0, None
        while True:
            rows, more_rows = self._page_v1(path, start, cost, {"sort": "update_time DESC"})
            names = [str(row["id"]) for row in rows]
            if anchor is not None and anchor not in names:
                start, anchor = max(0, start - LIMIT_V1), None
                continue
            yield rows
            oldest = moment(rows[-1].get("update_time")) if rows else None
            if not more_rows or (floor is not None and oldest is not None and oldest < floor):
                return
            start, anchor = start + max(1, len(rows) - 1), names[-1]

    def _page_v1(self, path: str, start: int, cost: int, query: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
        """Rows of a v1 list from `start` on, and whether there are more; `next_start` need not be said."""
        self.tokens += cost
        body = self.http.get(self.v1 + path, {"limit": LIMIT_V1, "start": start, **query}).body
        rows = body["data"] or []
        pagination = (body.get("additional_data") or {}).get("pagination") or {}
        return rows, bool(rows and pagination.get("more_items_in_collection"))

    def _rows_v1(self, path: str, cost: int) -> Iterator[dict[str, Any]]:
        """All rows of a short v1 list (offset pagination)."""
        start, more_rows = 0, True
        while more_rows:
            rows, more_rows = self._page_v1(path, start, cost, {})
            yield from rows
            start += len(rows)

    def mails(self, person: str) -> Iterator[dict[str, Any]]:
        """The mails of a person."""
        yield from self._rows_v1(f"/persons/{person}/mailMessages", MAILS_COST)

    def participants(self, deal: str) -> Iterator[dict[str, Any]]:
        """The people who take part in a deal, its own person among them."""
        yield from self._rows_v1(f"/deals/{deal}/participants", PARTICIPANTS_COST)

    def changelog(self, record: str, kind: str = "deals") -> list[dict[str, Any]]:
        """What became of the fields of a deal or person."""

        def fetch_page(mark: str | None) -> Answer:
            self.tokens += CHANGELOG_COST
            path = f"{self.v1}/{kind}/{record}/changelog"
            return self.http.get(path, {"limit": LIMIT_V1, **({"cursor": mark} if mark else {})})

        return [change for answer in pages(fetch_page, next_cursor) for change in answer.body["data"] or []]

    def refusal(self, path: str) -> str | None:
        """Why a list cannot be read; None where it can."""
        try:
            self.http.get(path, {"limit": 1})
        except RefusedError as error:
            return f"{error.fact} {error.hint}"
        return None

    def daily_tokens(self) -> tuple[int | None, int | None]:
        """The company's tokens a day, and how many are left, where Pipedrive says so."""
        answer = self.http.get(f"{self.v2}/pipelines", {"limit": 1})
        return _count(answer, TOKENS_LIMIT), _count(answer, TOKENS_LEFT)


def next_cursor(answer: Answer) -> str | None:
    """The cursor of the next page."""
    cursor = (answer.body.get("additional_data") or {}).get("next_cursor")
    return str(cursor) if cursor else None


def rfc(timestamp: datetime) -> str:
    """RFC 3339 without fractions, the only form that Pipedrive takes."""
    return timestamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
