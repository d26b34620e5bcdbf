"""The pages for people: the small application at `/`, and the report of the model that is served."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.http.errors import refuse

WEB = Path(__file__).resolve().parents[1] / "web"
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/web/app.js": ("app.js", "text/javascript; charset=utf-8"),
    "/web/words.js": ("words.js", "text/javascript; charset=utf-8"),
    "/web/app.css": ("app.css", "text/css; charset=utf-8"),
}
SAME_ORIGIN_ONLY = (
    "default-src 'self'; script-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"
)
# the report brings its own scripts, and Vega compiles the expressions of its charts; it may talk to nobody
REPORT_ONLY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'"
)


def routes(report: Callable[[], Path | None]) -> list[Route]:
    """The routes of the pages. `report` says where the report lies, or None where there is none."""

    async def web_file(request: Request) -> Response:
        name, kind = FILES[request.url.path]
        return Response(_content(name), media_type=kind, headers=_headers(SAME_ORIGIN_ONLY))

    async def report_page(_request: Request) -> Response:
        path = report()
        if path is None or not path.is_file():
            raise refuse(404, "No report", "There is no report beside the model; `make serve` fetches it with the champion.")
        return Response(path.read_bytes(), media_type="text/html; charset=utf-8", headers=_headers(REPORT_ONLY))

    return [*(Route(path, web_file) for path in FILES), Route("/report", report_page)]


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
