"""A client of the Ripeline API in one file: copy it, or put this folder on the path.

Python 3.9 and later, standard library only.

    from ripeline_client import Ripeline
    ripeline = Ripeline("https://leads.example.com", key="rl_…")     # key: else RIPELINE_KEY
    for result in ripeline.score(leads):
        print(result["lead_id"], result["score"], result["recommendation"]["action"])

What may pass (no connection, 429, 502, 503, 504) is tried again with growing pauses (retry with exponential back-off), or
after as long as the server asks; every call is idempotent: scoring changes nothing, interactions have ids, and a lead is what
it was told to be. What will not pass is a `RefusedError` with the server's own words.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

RETRY_STATUSES = frozenset({429, 502, 503, 504})
MOST_LEADS = 10_000  # of one request
MOST_EVENTS = 10_000
Lead = Mapping[str, Any]


class RipelineError(Exception):
    """The server could not be asked, or said no."""


class UnreachableError(RipelineError):
    """Nobody answered, or nothing that makes sense, however often it was tried."""


class RefusedError(RipelineError):
    """A problem document (RFC 9457): `status`, `title`, `detail`, and `lead`, `field` and `value` if it names them."""

    def __init__(self, problem: Mapping[str, Any], status: int) -> None:
        self.problem, self.status = problem, status
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        self.lead, self.field, self.value = (problem.get(name) for name in ("lead", "field", "value"))
        super().__init__(f"{status} {self.title}: {self.detail}")


class Ripeline:
    """One server. `timeout` in seconds for one attempt, `attempts` in all; `longest` is the longest pause between two."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:3000",
        key: str | None = None,
        timeout: float = 30.0,
        attempts: int = 5,
        longest: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is no address: it begins with http:// or https://")
        self.url, self.key = url.rstrip("/"), key if key is not None else os.environ.get("RIPELINE_KEY")
        self.timeout, self.attempts, self.longest, self._sleep = timeout, max(1, attempts), longest, sleep

    def __repr__(self) -> str:
        return f"Ripeline({self.url!r})"  # without the key

    def score(
        self,
        leads: Iterable[Lead],
        as_of: str | None = None,
        reasons: int = 5,
        language: str = "en",
        at_once: int = 1_000,
    ) -> Iterator[dict[str, Any]]:
        """One result a lead, in order, `at_once` leads a request; leads of one company stay together if they stand together.

        Raises
        ------
        RefusedError
            for a request that is wrong as a whole. A single bad lead has a result of status `invalid`.
        UnreachableError
            if nobody answers.
        """
        options = {"reasons": reasons, "language": language, **({"as_of": as_of} if as_of else {})}
        for part in _parts(leads, min(at_once, MOST_LEADS)):
            yield from self.call("POST", "/v1/score", {"leads": part, **options})["results"]

    def what_if(self, lead: Lead, add: Sequence[str] = (), as_of: str | None = None) -> dict[str, Any]:
        """What would change the score of a lead."""
        response: dict[str, Any] = self.call(
            "POST", "/v1/what-if", {"leads": [lead], "add": list(add), **({"as_of": as_of} if as_of else {})}
        )
        return response

    def work_list(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Rows of the work list, page after page: `sort`, `action`, `lead_stage`, `grade`, `min_score`, `q`."""
        offset = 0
        while True:
            page = self.call("GET", "/v1/leads?" + urllib.parse.urlencode({**filters, "limit": 500, "offset": offset}))
            yield from page["rows"]
            offset += len(page["rows"])
            if not page["rows"] or offset >= page["total"]:
                return

    def send(self, interactions: Iterable[Mapping[str, Any]], at_once: int = 1_000) -> dict[str, Any]:
        """Interactions into the lead store, each with its own `event_id`; sums of `new`, `known`, `waiting`, `erased`, and
        all that were `refused`, with their places in what was given. What is sent twice is taken once.

        Raises
        ------
        RefusedError, UnreachableError
            as above; what was sent before it is in the store, and sending all of it again is safe.
        """
        total: dict[str, Any] = {"received": 0, "new": 0, "known": 0, "waiting": 0, "erased": 0, "refused": []}
        begin = 0
        for part in _slices(interactions, min(at_once, MOST_EVENTS)):
            response = self.call("POST", "/v1/interactions", {"interactions": part})
            for name in ("received", "new", "known", "waiting", "erased"):
                total[name] += response[name]
            total["refused"] += [{**refusal, "place": begin + refusal["place"]} for refusal in response["refused"]]
            begin += len(part)
        return total

    def put(self, lead_id: str, known: Mapping[str, Any], version: int | None = None) -> dict[str, Any]:
        """What is known of a lead: `created_at`, `lead_stage`, `attributes`, `company` …; `version`: only over that one.

        Raises
        ------
        RefusedError
            412 where somebody else wrote it meanwhile (or this very call did, and its answer was lost), 410 where it was
            erased.
        """
        headers = {} if version is None else {"if-match": f'"v{version}"'}
        response: dict[str, Any] = self.call("PUT", _lead_path(lead_id), known, headers)
        return response

    def lead_stages(self, lead_id: str) -> list[dict[str, Any]]:
        """The recorded lead stages of a lead, the oldest first, with what was taken back."""
        recorded: list[dict[str, Any]] = self.call("GET", _lead_path(lead_id, "lead_stages"))["lead_stages"]
        return recorded

    def withdraw_lead_stage(self, lead_id: str, lead_stage: str, at: str) -> dict[str, Any]:
        """Take back a lead stage or exit that was recorded by mistake, `at` as `lead_stages` has it; twice is once.

        Raises
        ------
        RefusedError
            404 where it was never recorded.
        """
        params = {"lead_stage": lead_stage, "at": at}
        response: dict[str, Any] = self.call("DELETE", _lead_path(lead_id, "lead_stages", params))
        return response

    def lead(self, lead_id: str) -> dict[str, Any]:
        """A stored lead with its colleagues, as `score` takes them."""
        response: dict[str, Any] = self.call("GET", _lead_path(lead_id))
        return response

    def score_of(self, lead_id: str, **params: Any) -> dict[str, Any]:
        """The score of a stored lead, now or `as_of` a past moment; `reasons`, `language`, `known_at`."""
        response: dict[str, Any] = self.call("GET", _lead_path(lead_id, "score", params))
        return response

    def scores_of(self, lead_id: str, **params: Any) -> list[dict[str, Any]]:
        """The recorded scores of a lead, the newest first; `limit`."""
        scores: list[dict[str, Any]] = self.call("GET", _lead_path(lead_id, "scores", params))["scores"]
        return scores

    def why(self, lead_id: str, since: str | None = None, to: str | None = None, **params: Any) -> dict[str, Any]:
        """Why the score changed between two moments; `lines`, `language`."""
        moments = {"from": since, "to": to}
        params.update({name: value for name, value in moments.items() if value})
        response: dict[str, Any] = self.call("GET", _lead_path(lead_id, "why", params))
        return response

    def decision(self, lead_id: str, **params: Any) -> dict[str, Any]:
        """What somebody may be told who asks how they were scored; `language`, `as_of`."""
        response: dict[str, Any] = self.call("GET", _lead_path(lead_id, "decision", params))
        return response

    def erase(self, lead_id: str) -> dict[str, Any]:
        """Delete everything of a lead from the store; needs a key of the scope admin."""
        response: dict[str, Any] = self.call("DELETE", _lead_path(lead_id))
        return response

    def model(self) -> dict[str, Any]:
        """The model that answers."""
        response: dict[str, Any] = self.call("GET", "/v1/model")
        return response

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """One call, tried again where that may help.

        Raises
        ------
        RefusedError, UnreachableError
            as above.
        """
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        pause, trouble = 0.0, ""
        for attempt in range(self.attempts):
            if attempt:
                self._sleep(pause)
            try:
                return self._send_request(method, path, data, headers or {})
            except urllib.error.HTTPError as error:
                problem = _problem(error)
                if error.code not in RETRY_STATUSES or attempt + 1 == self.attempts:
                    raise RefusedError(problem, error.code) from None
                pause = self._pause(attempt, error.headers.get("Retry-After"))
            except (OSError, http.client.HTTPException, ValueError) as error:
                trouble = str(getattr(error, "reason", error)) or type(error).__name__
                pause = self._pause(attempt, None)
        raise UnreachableError(f"{self.url} did not answer ({trouble}), {self.attempts} times.")

    def _send_request(self, method: str, path: str, data: bytes | None, extra_headers: Mapping[str, str]) -> Any:
        headers = {"accept": "application/json", "content-type": "application/json", **extra_headers}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310  checked in __init__
        with _OPENER.open(request, timeout=self.timeout) as answer:
            return json.loads(answer.read())

    def _pause(self, attempt: int, retry_after: str | None) -> float:
        """Seconds: as many as the server asks, else twice as many each time, with jitter, so that clients spread."""
        if retry_after and retry_after.isdigit():
            return min(float(retry_after), self.longest)
        backoff: float = min(self.longest, 0.25 * 2**attempt)
        return backoff * random.uniform(0.5, 1.0)  # noqa: S311  no secret


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key goes nowhere else: redirects are not followed."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _parts(leads: Iterable[Lead], size: int) -> Iterator[list[Lead]]:
    """Lists of at most `size` leads, cut where the company changes if that is possible."""
    part: list[Lead] = []
    for lead in leads:
        part.append(lead)
        if len(part) > size:
            cut = next(
                (i for i in range(size, 0, -1) if _company(part[i]) is None or _company(part[i]) != _company(part[i - 1])), size
            )
            yield part[:cut]
            part = part[cut:]
    if part:
        yield part


def _slices(rows: Iterable[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    part: list[Mapping[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _lead_path(lead_id: str, resource: str = "", params: Mapping[str, Any] | None = None) -> str:
    """The path of a lead; nothing in its id is taken for a part of it."""
    path = "/v1/leads/" + urllib.parse.quote(lead_id, safe="") + (f"/{resource}" if resource else "")
    return path + ("?" + urllib.parse.urlencode(params) if params else "")


def _company(lead: Lead) -> Any:
    return (lead.get("company") or {}).get("company_id")


def _problem(error: urllib.error.HTTPError) -> Mapping[str, Any]:
    """The problem document of an answer; one of our own where a proxy answered with something else."""
    with error:
        try:
            document = json.loads(error.read())
        except (ValueError, OSError, http.client.HTTPException):
            document = None
    return document if isinstance(document, dict) else {"title": error.reason or "Refused", "detail": "no problem document"}
