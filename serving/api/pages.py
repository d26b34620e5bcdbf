"""The pages for people: the small application at `/`, and the report of the model that is served."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from serving.api.responses import Handler
from serving.http.errors import refuse

WEB = Path(__file__).resolve().parents[1] / "web"
SAME_ORIGIN_ONLY = (
    "default-src 'self'; script-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"
)
# the report brings its own scripts, and Vega compiles the expressions of its charts; it may talk to nobody
REPORT_ONLY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'"
)


def handlers(report: Callable[[], Path | None]) -> dict[str, Handler]:
    """The handlers of the pages. `report` says where the report lies, or None where there is none."""

    def web_file(name: str, kind: str) -> Handler:
        async def answer(_request: Request) -> Response:
            return Response(_content(name), media_type=f"{kind}; charset=utf-8", headers=_headers(SAME_ORIGIN_ONLY))

        return answer

    async def report_page(_request: Request) -> Response:
        path = report()
        if path is None or not path.is_file():
            raise refuse(404, "No report", "There is no report beside the model; `make serve` fetches it with the champion.")
        return Response(path.read_bytes(), media_type="text/html; charset=utf-8", headers=_headers(REPORT_ONLY))

    return {
        "page": web_file("index.html", "text/html"),
        "page_script": web_file("app.js", "text/javascript"),
        "page_words": web_file("words.js", "text/javascript"),
        "page_style": web_file("app.css", "text/css"),
        "report": report_page,
    }


@cache
def _content(name: str) -> bytes:
    return (WEB / name).read_bytes()


def _headers(policy: str) -> dict[str, str]:
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
