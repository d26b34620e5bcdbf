"""Pipedrive's API: v2 with cursors, v1 where v2 has no successor, costs in tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from features.sources.crm.auth import FixedToken
from features.sources.crm.http import Answer, Http, RefusedError, Trouble, pages
from features.sources.crm.pace import Bucket
from features.sources.crm.secrets import Secrets
from features.sources.pipedrive.settings import RATES, PipedriveSource

LIMIT, LIMIT_V1 = 500, 100
LIST, LIST_V1, CHANGELOG, WRITE, ARCHIVED = 10, 20, 20, 5, 20  # tokens of a call


def judge(answer: Answer) -> Trouble | None:
    """Pipedrive says false in a 2xx too, and ends abuse with a 403."""
    body = answer.body if isinstance(answer.body, dict) else {}
    why = f"HTTP {answer.status} {body.get('error', '')} {body.get('error_info', '')}".strip()
    if 200 <= answer.status < 300 and body.get("success") is False:
        return Trouble("refused", why, "400")
    if answer.status == 402:
        return Trouble("refused", why, "402", hint="The plan does not have that.")
    if answer.status == 429 and answer.headers.get("x-daily-requests-left") == "0":
        return Trouble("spent", why or "the day's tokens", "429")
    if answer.status == 403 and "<" in answer.text[:50]:  # its firewall, after too many 429s
        return Trouble("spent", "it blocks us for now", "403", hint="Wait an hour, and set `limits:` lower.")
    return None


def open_api(source: PipedriveSource, secrets: Secrets) -> Http:
    """The client.

    Raises
    ------
    ConfigError
        if no token is set.
    """
    token = secrets.require("PIPEDRIVE_TOKEN", "the API token of a Pipedrive user")
    return Http(source.base_url, "Pipedrive", FixedToken("x-api-token", token), secrets, judge, Bucket(source.rates(RATES)))


class Api:
    """The calls that are made."""

    def __init__(self, http: Http, version: str) -> None:
        self.http, self.v2, self.v1 = http, f"/api/{version}", "/api/v1"
        self.tokens = 0

    def listed(self, path: str, params: Mapping[str, Any], cursor: str | None = None, cost: int = LIST) -> Iterator[Answer]:
        """Pages of a v2 list, from a cursor on."""

        def first(mark: str | None) -> Answer:
            self.tokens += cost
            at = mark or cursor
            return self.http.get(self.v2 + path, {"limit": LIMIT, **params, **({"cursor": at} if at else {})})

        yield from pages(first, following)

    def everything(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """All rows of a v2 list."""
        for answer in self.listed(path, params or {}):
            yield from answer.body["data"] or []

    def listed_v1(self, path: str, params: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """Pages of a v1 list."""

        def first(mark: int | None) -> Answer:
            self.tokens += LIST_V1
            return self.http.get(self.v1 + path, {"limit": LIMIT_V1, **params, "start": mark or 0})

        def more(answer: Answer) -> int | None:
            about = ((answer.body.get("additional_data") or {}).get("pagination")) or {}
            return int(about["next_start"]) if about.get("more_items_in_collection") else None

        for answer in pages(first, more):
            yield answer.body["data"] or []

    def changelog(self, deal: str) -> list[dict[str, Any]]:
        """What became of the fields of a deal."""

        def first(mark: str | None) -> Answer:
            self.tokens += CHANGELOG
            return self.http.get(f"{self.v1}/deals/{deal}/changelog", {"limit": LIMIT_V1, **({"cursor": mark} if mark else {})})

        return [one for answer in pages(first, following) for one in answer.body["data"] or []]

    def can(self, path: str) -> str | None:
        """Why a list cannot be read; None where it can."""
        try:
            self.http.get(path, {"limit": 1})
        except RefusedError as error:
            return f"{error.fact} {error.hint}"
        return None

    def left(self) -> int | None:
        """Tokens that are left of the day, where Pipedrive says so."""
        found = self.http.get(f"{self.v2}/pipelines", {"limit": 1}).headers.get("x-daily-requests-left")
        return int(found) if found else None


def following(answer: Answer) -> str | None:
    """The cursor of the next page."""
    cursor = (answer.body.get("additional_data") or {}).get("next_cursor")
    return str(cursor) if cursor else None
