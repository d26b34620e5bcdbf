"""Stored leads: what happens to them comes in, their scores at any moment, why they changed, and the work list go out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import IO, Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope

from features.common.errors import RipelineError, nearest
from serving.api.lead_handlers import Leads
from serving.api.responses import JSON, Handler, modelled, plain
from serving.common.clock import Clock
from serving.http.direct import DirectAnswer, whole_body
from serving.http.errors import RefusedError, pointer, quote, refuse
from serving.http.route_table import CALLS
from serving.http.traces import span
from serving.scoring.scorer import Scorer
from serving.store.connect import StoreError
from serving.store.store import Store

T = TypeVar("T")
MOST_LISTS = 2  # whole lists that are put together at a time; others wait for their turn
PIECE_BYTES = 65_536  # of a list that are sent at once


class UnavailableError(RefusedError):
    """The store cannot be asked now."""


def handlers(
    provide: Callable[[], Scorer | None],
    store: Callable[[], Store | None],
    clock: Clock,
    contact: str | None,
) -> tuple[dict[str, Handler], DirectAnswer]:
    """The handlers, and how interactions are answered without a request object; `contact` answers for decisions. Each notes
    whom it was about, for the audit trail, where the path does not say so."""

    answers: Leads | None = None
    lists_at_once = asyncio.Semaphore(MOST_LISTS)

    def lead_answers() -> Leads:
        nonlocal answers
        lead_store = store()
        if lead_store is None:
            raise refuse(404, "No store", "This server has no lead store; start it with RIPELINE_STORE=sqlite:///… .")
        if answers is None or answers.store is not lead_store:  # one for all requests: it keeps what is packed of a model
            answers = Leads(provide, lead_store, clock, contact)
        return answers

    def list_answers() -> Leads:
        if store() is None:
            raise refuse(
                404, "No work list", "The work list comes from the lead store, and there is none; `make serve` has both."
            )
        return lead_answers()

    async def lead_list(request: Request) -> Response:
        leads, parameters = list_answers(), _query_parameters(request, "work_list")
        page = await _run_blocking(leads.page, parameters)
        request.scope["ripeline_lead_ids"] = [row["lead_id"] for row in page["rows"]]
        return plain(page)

    async def lead_csv(request: Request) -> Response:
        leads, parameters = list_answers(), _query_parameters(request, "work_list_csv")
        async with lists_at_once:
            file, size, request.scope["ripeline_lead_ids"] = await _run_blocking(leads.csv, parameters)
        headers = {"content-disposition": 'attachment; filename="work_list.csv"', "content-length": str(size)}
        return StreamingResponse(_pieces(file), media_type="text/csv; charset=utf-8", headers=headers)

    async def lead(request: Request) -> Response:
        lead_request, version = await _run_blocking(lead_answers().request, _name(request))
        return _with_version(plain(lead_request), version)

    async def put_lead(request: Request) -> Response:
        leads, body = lead_answers(), await whole_body(request.scope, request.receive)
        headers = request.headers
        with _translated():
            outcome = await leads.write_lead(_name(request), body, headers.get("if-match"), headers.get("if-none-match"))
        return _with_version(modelled(outcome, 201 if outcome.created else 200), outcome.version)

    async def delete(request: Request) -> Response:
        return modelled(await _run_blocking(lead_answers().erase, _name(request)))

    async def withdraw(request: Request) -> Response:
        leads, parameters = lead_answers(), _query_parameters(request, "withdraw_lead_stage")
        key = request.scope.get("ripeline_key")
        with _translated():
            outcome = await leads.withdraw_lead_stage(_name(request), parameters, key)
        return _with_version(modelled(outcome), outcome.version)

    async def interactions_body(scope: Scope, receive: Receive) -> tuple[bytes, None]:
        leads, sent = lead_answers(), await whole_body(scope, receive)
        with _translated():
            answer, scope["ripeline_lead_ids"] = await leads.add_interactions(sent)
        return answer.__pydantic_serializer__.to_json(answer), None

    async def interactions_(request: Request) -> Response:
        text, _ = await interactions_body(request.scope, request.receive)
        return Response(text, media_type=JSON)

    def lead_reader(call: str, method: str) -> Handler:
        async def answer(request: Request) -> Response:
            leads, name, parameters = lead_answers(), _name(request), _query_parameters(request, call)
            return modelled(await _run_blocking(getattr(leads, method), name, parameters))

        return answer

    answered = {
        "interactions": interactions_,
        "work_list": lead_list,
        "work_list_csv": lead_csv,
        "lead_score": lead_reader("lead_score", "score"),
        "lead_scores": lead_reader("lead_scores", "scores"),
        "lead_why": lead_reader("lead_why", "changed"),
        "lead_stages": lead_reader("lead_stages", "lead_stages"),
        "withdraw_lead_stage": withdraw,
        "lead_decision": lead_reader("lead_decision", "decision"),
        "lead": lead,
        "put_lead": put_lead,
        "erase": delete,
    }
    return answered, interactions_body


async def _run_blocking(work: Callable[..., T], *arguments: Any) -> T:
    """In a thread; trouble of the store as a problem document."""
    with _translated(), span("store"):
        return await run_in_threadpool(work, *arguments)


@contextmanager
def _translated() -> Iterator[None]:
    """Trouble of the store, and what it refuses, as a problem document."""
    try:
        yield
    except StoreError as error:
        raise unavailable(error) from error
    except RipelineError as error:
        raise refuse(error.status, "Not accepted", f"{error.fact} {error.hint}".strip()) from error


def _with_version(answer: Response, version: int) -> Response:
    answer.headers["etag"] = f'"v{version}"'
    return answer


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def unavailable(error: StoreError) -> UnavailableError:
    """503: come again soon."""
    return UnavailableError(refuse(503, "Store not available", error.fact).problem)


@cache
def _known_parameters(call: str) -> tuple[str, ...]:
    """The parameters of a call, as the route table has them."""
    operation = next(c.operation for c in CALLS if c.name == call)
    return tuple(operation.query) if operation else ()


def _query_parameters(request: Request, call: str) -> dict[str, str]:
    """The parameters of a question, all of them known, each given once: which of two was meant would be a guess.

    Raises
    ------
    RefusedError
        naming the parameter.
    """
    names = _known_parameters(call)
    pairs = request.query_params.multi_items()
    parameters = dict(pairs)
    for name, value in pairs:
        problem = ""
        if "\x00" in value or "\x00" in name:
            problem = f"{quote(name)} holds a NUL character."
        elif len(pairs) > len(parameters) and sum(key == name for key, _ in pairs) > 1:
            problem = f"{quote(name)} is given more than once."
        elif name not in names:
            problem = f"There is no parameter {quote(name)}: {nearest(name, names)}"
        if problem:
            raise refuse(422, "Invalid request", problem, field=pointer((name,)))
    return parameters


def _name(request: Request) -> str:
    name = str(request.path_params["lead_id"])
    if "\x00" in name or not 0 < len(name) <= 200:
        raise refuse(404, "Not found", f"There is no lead {quote(name)}.")
    return name
