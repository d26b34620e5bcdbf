"""The one way to a vendor's API: paced, patient, and never green where something went wrong.

Every answer that is not 2xx raises; a vendor's own judge reads errors that hide inside a 2xx or say too little. What may pass
is tried again with growing pauses (retry with exponential back-off); what cannot is raised at once, in words, with secrets and
e-mail addresses taken out.
"""

from __future__ import annotations

import contextlib
import json as jsonlib
import logging
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol, TypeVar

import requests

from connectors.crm.rate_limit import WindowLimiter
from connectors.crm.responses import (
    Answer,
    Body,
    Judge,
    RefusedError,
    SpentError,
    Trouble,
    UnreachableError,
    by_status,
    dated_at,
    excerpt,
    masked,
)
from connectors.crm.secrets import Secrets
from features.common.errors import CrmError

ATTEMPTS = 8
LONGEST_PAUSE = 60.0  # seconds between two attempts, unless the vendor asks for more
PATIENCE = 900.0  # seconds that one call may be waited for; a vendor that asks for more has had enough for today
TIMEOUT = (10.0, 120.0)  # to connect, between two bytes


T = TypeVar("T")


class _TroubledError(Exception):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


class Auth(Protocol):
    """Who we are."""

    def headers(self) -> Mapping[str, str]:
        """The headers of a call; may fetch a token first."""

    def renew(self) -> bool:
        """The token was refused: forget it. True where another can be fetched."""


# it writes whole addresses at DEBUG, and Marketo wants the client's secret in one
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


def _session() -> requests.Session:
    """One that a `.netrc` cannot give other credentials than ours; proxies of the environment count."""
    session = requests.Session()
    session.auth = lambda prepared: prepared
    return session


@dataclass
class Http:
    """One vendor's API. `judge` sees every answer; None means that the status says it all.

    Not for threads but for `rate_limit`, which they share.
    """

    base: str
    name: str
    auth: Auth
    secrets: Secrets
    judge: Judge = lambda answer: None
    rate_limit: WindowLimiter = field(default_factory=lambda: WindowLimiter(()))
    timeout: tuple[float, float] = TIMEOUT
    sleep: Callable[[float], None] = time.sleep
    calls: int = 0
    retries: int = 0
    skew: float = 0.0  # seconds the server's clock is ahead of ours
    _session: requests.Session = field(default_factory=_session)

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def with_auth(self, auth: Auth, base: str | None = None) -> Http:
        """The same API for somebody else, such as the service that gives tokens; it waits as this one does, over the same
        connections."""
        clone = Http(base or self.base, self.name, auth, self.secrets, self.judge, self.rate_limit, self.timeout, self._pause)
        clone.close()
        clone._session = self._session
        return clone

    def _pause(self, seconds: float) -> None:
        self.sleep(seconds)

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Answer:
        return self.call("GET", path, params=params, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Answer:
        return self.call("POST", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> Answer:
        return self.call("PATCH", path, json=json, **options)

    def now(self) -> float:
        """The vendor's clock, seconds since 1970: ours, put right by its last answer."""
        return time.time() + self.skew

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        text: bool = False,
        repeat: bool = True,
    ) -> Answer:
        """One call, made until it is answered. `path` may be a whole address, as vendors give for the next page.

        `text`: the answer is wanted as text, not JSON. Without `repeat` it is made again only where it was turned away for
        sure; for what would be done twice.

        Raises
        ------
        RefusedError
            for what no repetition would change: wrong request, missing permission, unknown record.
        SpentError
            if the vendor's daily limit is reached.
        UnreachableError
            if no attempt brought a usable answer.
        """
        address = self.address(path)

        def send_request() -> Answer:
            answer = self._send(method, address, params, json, data, headers)
            trouble = self._trouble(answer, text)
            if trouble is not None:
                raise _TroubledError(trouble)
            return answer

        return self._with_retries(method, path, send_request, repeat)

    def download(self, path: str, target: BinaryIO) -> None:
        """A file of any size, into an empty one that is open; what broke off goes on where it stopped.

        Raises
        ------
        CrmError
            as `call`.
        """
        address = self.address(path)

        def fetch_part() -> None:
            offset = target.seek(0, os.SEEK_END)
            headers = {**self.auth.headers(), **({"Range": f"bytes={offset}-"} if offset else {})}
            with self._session.get(
                address, headers=headers, timeout=self.timeout, stream=True, allow_redirects=False
            ) as response:
                kind = response.headers.get("content-type", "").lower()
                if response.status_code not in (200, 206) or "json" in kind or "html" in kind:
                    answer = self._answer(response)
                    raise _TroubledError(
                        self._trouble(answer, text=True) or Trouble("again", f"{excerpt(answer)!r} in place of a file")
                    )
                if response.status_code == 200 and offset:
                    target.seek(0)
                    target.truncate()
                for part in response.iter_content(1 << 16):
                    target.write(part)

        self._with_retries("GET", path, fetch_part, repeat=True)
        target.seek(0)

    def _with_retries(self, method: str, path: str, send: Callable[[], T], repeat: bool) -> T:
        """Attempts until one succeeds, with growing pauses, or the vendor's where it names one."""
        renewed, waited, trouble = False, 0.0, Trouble("again", "no attempt was made")
        for attempt in range(ATTEMPTS):
            self.rate_limit.acquire()
            self.calls += 1
            try:
                return send()
            except _TroubledError as error:
                trouble = error.trouble
            except requests.RequestException as error:
                trouble = Trouble("again", _failure_reason(error))
            if trouble.kind == "renew" and not renewed and self.auth.renew():
                renewed = True
                continue
            self._raise_final(trouble, method, path)
            if not repeat and trouble.code != "429":
                break
            pause = trouble.wait if trouble.wait is not None else min(LONGEST_PAUSE, 0.5 * 2**attempt) * _jitter()
            waited += pause
            if waited > PATIENCE:
                raise SpentError(
                    self.redact(f"{self.name} asks for a pause of {pause:,.0f} s: {trouble.message}."),
                    "Run it again later; what was fetched is kept.",
                )
            self.retries += 1
            self.sleep(pause)
        attempts = f"{ATTEMPTS} attempts" if repeat else "one attempt"
        raise UnreachableError(
            self.redact(f"{self.name} did not answer {method} {_short_path(path)} after {attempts}: {trouble.message}."),
            "Check the network and the vendor's status page, then run it again; what was fetched is kept.",
        )

    def address(self, path: str) -> str:
        """The whole address; one that leads to another host than ours is refused, for our token would go there."""
        if not path.startswith(("http://", "https://")):
            return self.base.rstrip("/") + path
        if not path.startswith(self.base.rstrip("/") + "/"):
            raise CrmError(
                f"{self.name} sent us on to {_short_path(path)}, which is not {self.base}.",
                "Check the base URL in the configuration.",
            )
        return path

    def _send(self, method: str, address: str, params: Any, json: Any, data: Any, headers: Mapping[str, str] | None) -> Answer:
        request_headers = {"accept": "application/json", **self.auth.headers(), **(headers or {})}
        body = data if json is None else jsonlib.dumps(json, separators=(",", ":")).encode()
        if json is not None:
            request_headers["content-type"] = "application/json"
        with self._session.request(
            method, address, params=params, data=body, headers=request_headers, timeout=self.timeout, allow_redirects=False
        ) as response:
            return self._answer(response)

    def _answer(self, response: requests.Response) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        local_time = time.time()
        dated = dated_at(headers.get("date")) or local_time
        ahead = dated - local_time if abs(dated - local_time) > 1.5 else 0.0
        if ahead == 0 or abs(ahead - self.skew) > 1:  # the header has whole seconds: read anew they would set the clock back
            self.skew = ahead
        content = response.content
        body: Any = None
        if content and "json" in headers.get("content-type", "").lower():
            with contextlib.suppress(ValueError, RecursionError):
                body = jsonlib.loads(content)
        if isinstance(body, dict):
            body = Body(body, f"{self.name}'s answer to {_short_path(response.request.path_url)}")
        text = "" if body is not None else content.decode("utf-8", "replace")
        return Answer(response.status_code, headers, body, text, dated)

    def _trouble(self, answer: Answer, text: bool) -> Trouble | None:
        """The vendor's own judgement first, then what the status and the kind of content say."""
        trouble = self.judge(answer) or by_status(answer)
        page = "html" in answer.headers.get("content-type", "").lower() or answer.text.lstrip()[:1] == "<"
        if trouble or (text and not page) or answer.status == 204 or answer.body is not None:
            return trouble
        received = "HTML" if page else "nothing" if not answer.text else "text that is not JSON"
        # a page of a proxy or of maintenance: it may pass
        expected = "text" if text else "JSON"
        return Trouble("again", f"{received} came in place of {expected} ({excerpt(answer)!r}); is the base URL right?")

    def _raise_final(self, trouble: Trouble, method: str, path: str) -> None:
        if trouble.kind == "spent":
            raise SpentError(
                self.redact(f"{self.name}: the calls of the day are used up: {trouble.message}."),
                trouble.hint or "Run it again tomorrow, or ask for a higher limit; what was fetched is kept.",
            )
        if trouble.kind in ("refused", "renew"):
            status = int(trouble.code) if trouble.code.isdigit() and len(trouble.code) == 3 else 0
            hint = trouble.hint or _HINTS.get(status, "See the vendor's documentation of that call.")
            raise RefusedError(
                self.redact(f"{self.name} refused {method} {_short_path(path)}: {trouble.message}."), hint, status, trouble.code
            )

    def redact(self, text: str) -> str:
        """A vendor's words without secrets and e-mail addresses."""
        return masked(self.secrets.hide(text))


_HINTS = {
    401: "Check the token or the client's id and secret.",
    403: "Give the app the missing permission; `make crm-check` names what is needed.",
    404: "Check the base URL and the API version in the configuration.",
}


def pages(fetch: Callable[[Any], Answer], following: Callable[[Answer], Any]) -> Iterator[Answer]:
    """Pagination: answers one after the other; `fetch` gets None or what `following` found in the answer before.

    The same twice is an error: a cursor that stands still would never end.

    Raises
    ------
    CrmError
        where the vendor names the page we came from as the next.
    """
    mark = None
    while True:
        answer = fetch(mark)
        yield answer
        next_mark = following(answer)
        if next_mark is None:
            return
        if next_mark == mark:
            raise CrmError(f"The page after {str(mark)[:60]!r} is that page again.", "The vendor's cursor stands still.")
        mark = next_mark


def _failure_reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "it took too long"
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return "the answer broke off"
    if isinstance(error, requests.ConnectionError):
        return "the connection failed or broke off"
    return type(error).__name__


def _short_path(path: str) -> str:
    return path.split("?", maxsplit=1)[0][:120]


def _jitter() -> float:
    return 0.75 + random.random() / 2  # noqa: S311  to spread calls, not to hide anything
