"""A client of the Ripeline API in one file: copy it, or put this folder on the path.

Python 3.9 and later, standard library only.

    from ripeline_client import Ripeline
    ripeline = Ripeline("https://leads.example.com", key="rl_…")     # key: else RIPELINE_KEY
    for result in ripeline.score(leads):
        print(result["lead_id"], result["score"], result["recommendation"]["action"])

What may pass (no connection, 429, 502, 503, 504) is tried again with growing pauses, or after as long as the server asks;
scoring changes nothing, so twice is once. What will not pass is a `RefusedError` with the server's own words.
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

AGAIN = frozenset({429, 502, 503, 504})
MOST_LEADS = 10_000  # of one request
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
        more = {"reasons": reasons, "language": language, **({"as_of": as_of} if as_of else {})}
        for part in _parts(leads, min(at_once, MOST_LEADS)):
            yield from self.call("POST", "/v1/score", {"leads": part, **more})["results"]

    def what_if(self, lead: Lead, add: Sequence[str] = (), as_of: str | None = None) -> dict[str, Any]:
        """What would change the score of a lead."""
        found: dict[str, Any] = self.call(
            "POST", "/v1/what-if", {"leads": [lead], "add": list(add), **({"as_of": as_of} if as_of else {})}
        )
        return found

    def work_list(self, **asked: Any) -> Iterator[dict[str, Any]]:
        """Rows of the work list, page after page: `sort`, `action`, `lead_stage`, `grade`, `min_score`, `q`."""
        offset = 0
        while True:
            page = self.call("GET", "/v1/leads?" + urllib.parse.urlencode({**asked, "limit": 500, "offset": offset}))
            yield from page["rows"]
            offset += len(page["rows"])
            if not page["rows"] or offset >= page["total"]:
                return

    def model(self) -> dict[str, Any]:
        """The model that answers."""
        found: dict[str, Any] = self.call("GET", "/v1/model")
        return found

    def call(self, method: str, path: str, body: Any = None) -> Any:
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
                return self._once(method, path, data)
            except urllib.error.HTTPError as error:
                problem = _problem(error)
                if error.code not in AGAIN or attempt + 1 == self.attempts:
                    raise RefusedError(problem, error.code) from None
                pause = self._pause(attempt, error.headers.get("Retry-After"))
            except (OSError, http.client.HTTPException, ValueError) as error:
                trouble = str(getattr(error, "reason", error)) or type(error).__name__
                pause = self._pause(attempt, None)
        raise UnreachableError(f"{self.url} did not answer ({trouble}), {self.attempts} times.")

    def _once(self, method: str, path: str, data: bytes | None) -> Any:
        headers = {"accept": "application/json", "content-type": "application/json"}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310  checked in __init__
        with _OPENER.open(request, timeout=self.timeout) as answer:
            return json.loads(answer.read())

    def _pause(self, attempt: int, asked: str | None) -> float:
        """Seconds: as many as the server asks, else twice as many each time, somewhat by chance, so that clients spread."""
        if asked and asked.isdigit():
            return min(float(asked), self.longest)
        usual: float = min(self.longest, 0.25 * 2**attempt)
        return usual * random.uniform(0.5, 1.0)  # noqa: S311  no secret


class _Stay(urllib.request.HTTPRedirectHandler):
    """A key goes nowhere else: redirects are not followed."""

    def redirect_request(self, *_given: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


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


def _company(lead: Lead) -> Any:
    return (lead.get("company") or {}).get("company_id")


def _problem(error: urllib.error.HTTPError) -> Mapping[str, Any]:
    """The problem document of an answer; one of our own where a proxy answered with something else."""
    with error:
        try:
            found = json.loads(error.read())
        except (ValueError, OSError, http.client.HTTPException):
            found = None
    return found if isinstance(found, dict) else {"title": error.reason or "Refused", "detail": "no problem document"}
