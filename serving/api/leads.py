"""Stored leads: what happens to them comes in, their scores at any moment, why they changed, and the work list go out.

Where there is no store the work list and its leads come from a folder that was written beside the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from features.common.errors import RipelineError
from serving.api.lead_handlers import Clock, Leads
from serving.api.responses import modelled, plain
from serving.http.direct import whole_body
from serving.http.errors import RefusedError, refuse, shown
from serving.http.traces import span
from serving.scoring.scorer import Scorer
from serving.scoring.work_list import WorkList, table
from serving.store import work_list_query
from serving.store.connect import StoreError
from serving.store.store import Store

T = TypeVar("T")


class UnavailableError(RefusedError):
    """The store cannot be asked now."""


def routes(
    provide: Callable[[], Scorer | None],
    store: Callable[[], Store | None],
    work_list: Callable[[], WorkList | None],
    clock: Clock,
) -> list[Route]:
    """The routes. Each notes whom it was about, for the audit trail, where the path does not say so."""

    def stored() -> Leads:
        found = store()
        if found is None:
            raise refuse(404, "No store", "This server has no lead store; start it with RIPELINE_STORE=sqlite:///… .")
        return Leads(provide, found, clock)

    async def listed(request: Request) -> Response:
        asked = _asked(request)
        csv = request.url.path.endswith(".csv")
        if store() is not None:
            leads = stored()
            found: Any = await _do(leads.everybody if csv else leads.page, asked)
            _noted(request, found["rows"])
            return _csv(table(found["rows"], work_list_query.COLUMNS)) if csv else plain(found)
        folder = _listed(work_list)
        question = folder.ask(asked)
        rows = folder.found(question)
        if csv:
            _noted(request, rows)
            return _csv(folder.text(question))
        page = rows[question.offset : question.offset + question.limit]
        _noted(request, page)
        return plain({"as_of": folder.as_of, "model": dict(folder.model), "total": len(rows), "rows": page})

    async def lead(request: Request) -> Response:
        if store() is None:
            return plain(_listed(work_list).request(request.path_params["lead_id"]))
        found, version = await _do(stored().request, _name(request))
        answer = plain(found)
        answer.headers["etag"] = f'"v{version}"'
        return answer

    async def put(request: Request) -> Response:
        leads, sent = stored(), await whole_body(request.scope, request.receive)
        headers = request.headers
        done = await _do(leads.put, _name(request), sent, headers.get("if-match"), headers.get("if-none-match"))
        answer = modelled(done, 201 if done.created else 200)
        answer.headers["etag"] = f'"v{done.version}"'
        return answer

    async def delete(request: Request) -> Response:
        return modelled(await _do(stored().erase, _name(request)))

    async def one(request: Request) -> Response:
        return await {"PUT": put, "DELETE": delete}.get(request.method, lead)(request)

    async def interactions_(request: Request) -> Response:
        leads, sent = stored(), await whole_body(request.scope, request.receive)
        answer, lead_ids = await _do(leads.take, sent)
        request.scope["ripeline_lead_ids"] = lead_ids
        return modelled(answer)

    def about(name: str) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            asked = _asked(request)
            return modelled(await _do(getattr(stored(), name), _name(request), asked))

        return answer

    return [
        Route("/v1/interactions", interactions_, methods=["POST"]),
        Route("/v1/leads", listed),
        Route("/v1/leads.csv", listed),
        Route("/v1/leads/{lead_id:path}/score", about("score")),
        Route("/v1/leads/{lead_id:path}/scores", about("scores")),
        Route("/v1/leads/{lead_id:path}/why", about("changed")),
        Route("/v1/leads/{lead_id:path}/decision", about("decision")),
        Route("/v1/leads/{lead_id:path}", one, methods=["GET", "PUT", "DELETE"]),
    ]


async def _do(work: Callable[..., T], *given: Any) -> T:
    """In a thread; trouble of the store as a problem document."""
    try:
        with span("store"):
            return await run_in_threadpool(work, *given)
    except StoreError as error:
        raise unavailable(error) from error
    except RipelineError as error:
        raise refuse(error.status, "Not accepted", f"{error.fact} {error.hint}".strip()) from error


def unavailable(error: StoreError) -> UnavailableError:
    """503: come again soon."""
    return UnavailableError(refuse(503, "Store not available", error.fact).problem)


def _noted(request: Request, rows: Sequence[Mapping[str, Any]]) -> None:
    request.scope["ripeline_lead_ids"] = [str(row["lead_id"]) for row in rows]


def _asked(request: Request) -> dict[str, str]:
    """The parameters of a question, each given once: which of two was meant would be a guess."""
    given = request.query_params.multi_items()
    asked = dict(given)
    for name, value in given:
        if "\x00" in value or "\x00" in name:
            raise refuse(422, "Invalid request", f"{shown(name)} holds a NUL character.", field=shown(name))
        if len(given) > len(asked) and sum(one == name for one, _ in given) > 1:
            raise refuse(422, "Invalid request", f"{shown(name)} is given more than once.", field=shown(name))
    return asked


def _name(request: Request) -> str:
    name = str(request.path_params["lead_id"])
    if "\x00" in name or not 0 < len(name) <= 200:
        raise refuse(404, "Not found", f"There is no lead {shown(name)}.")
    return name


def _listed(work_list: Callable[[], WorkList | None]) -> WorkList:
    found = work_list()
    if found is None:
        raise refuse(404, "No work list", "There is no work list beside the model; `make serve` writes one.")
    return found


def _csv(text: str) -> Response:
    headers = {"content-disposition": 'attachment; filename="work_list.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
