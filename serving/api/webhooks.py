"""Webhooks: HubSpot and Pipedrive say that something happened, Marketo asks for a score in the call itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from connectors.crm.webhooks import Spool, check_key, hubspot_events, pipedrive_events
from features.common.errors import RipelineError
from models.reasons import Reason
from serving.api.lead_handlers import Leads
from serving.api.responses import Handler, plain
from serving.common.clock import Clock
from serving.common.settings import ServingSettings
from serving.http.errors import RefusedError, refuse
from serving.http.json_body import object_of
from serving.http.validation import SURROGATE
from serving.scoring.request import read
from serving.scoring.scorer import Scorer
from serving.store.connect import StoreError
from serving.store.pseudonyms import id_problem
from serving.store.store import Store

MOST_BYTES = 2 * 2**20  # HubSpot sends at most a hundred events a call
LeadLookup = Callable[[str], dict[str, Any] | None]  # lead_id → the body of a request that scores it


def handlers(
    provide: Callable[[], Scorer | None],
    store: Callable[[], Store | None],
    clock: Clock,
    settings: ServingSettings,
) -> dict[str, Handler]:
    """The handlers, behind a webhook signature or password; each answers 404 until its secret is set."""

    async def hubspot(request: Request) -> Response:
        secret, public = _require(settings, "hubspot_client_secret"), _require(settings, "public_url")
        body = await _body(request)
        query = f"?{request.url.query}" if request.url.query else ""
        uri = public.rstrip("/") + request.url.path + query
        return await run_in_threadpool(
            _spool_events, settings, lambda: hubspot_events("POST", uri, request.headers, body, secret, clock().timestamp())
        )

    async def pipedrive(request: Request) -> Response:
        user, password = _require(settings, "pipedrive_hook_user"), _require(settings, "pipedrive_hook_password")
        body = await _body(request)
        return await run_in_threadpool(_spool_events, settings, lambda: pipedrive_events(request.headers, body, user, password))

    async def marketo(request: Request) -> Response:
        key = _require(settings, "marketo_hook_key")
        body = await _body(request)
        try:
            check_key(request.headers, key)
        except RipelineError as error:
            raise refuse(error.status, "Not accepted", error.fact) from error
        act = _read_act(body)
        request.scope["ripeline_lead_ids"] = [act.lead_id]
        return await run_in_threadpool(_score_lead, provide(), _lead_lookup(provide, store(), clock), act, clock())

    return {"hook_hubspot": hubspot, "hook_pipedrive": pipedrive, "hook_marketo": marketo}


def _require(settings: ServingSettings, field: str) -> str:
    value = getattr(settings, field)
    if not value:
        name = ServingSettings.model_fields[field].alias
        raise refuse(404, "Not set up", f"This webhook is not set up: {name} is not set on the server.")
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value)


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise refuse(413, "Too large", f"A webhook's body may have {MOST_BYTES // 2**20} MiB.")
        parts.append(part)
    return b"".join(parts)


def _spool_events(settings: ServingSettings, events: Callable[[], Any]) -> Response:
    """Answered only once the events are on disk (write-ahead): what was acknowledged is not lost."""
    folder = _require(settings, "hooks")
    try:
        batch = events()
        spool = Spool(Path(folder))
        try:
            new_count = spool.add(batch)
        finally:
            spool.close()
    except RipelineError as error:
        raise refuse(error.status, "Not accepted", error.fact) from error
    return plain({"received": len(batch), "new": new_count})


@dataclass(frozen=True)
class _Act:
    """Whom a call of Marketo is about, and what they just did, if that is told."""

    lead_id: str
    type: str | None


def _read_act(body: bytes) -> _Act:
    """`{"lead_id": "…", "type": "form_submitted"}`; Marketo's own ids are numbers, and a token without a value is "".

    Raises
    ------
    RefusedError
        422 for all else.
    """
    try:
        payload = object_of(body)
    except RefusedError:
        payload = {}
    lead_id, kind = payload.get("lead_id"), payload.get("type")
    name = str(lead_id) if isinstance(lead_id, str | int) and not isinstance(lead_id, bool) else ""
    if not 0 < len(name) <= 200 or id_problem(name) or SURROGATE.search(name) or not isinstance(kind, str | None):
        raise refuse(422, "Invalid request", 'Send {"lead_id": "{{lead.Id}}", "type": "…"}.')
    return _Act(name, kind[:200] if kind else None)


def _lead_lookup(provide: Callable[[], Scorer | None], store: Store | None, clock: Clock) -> LeadLookup | None:
    """How a lead of the store is asked for; None where there is no store. A lead that is not to be scored is None."""
    if store is None:
        return None
    leads = Leads(provide, store, clock)

    def of_store(lead_id: str) -> dict[str, Any] | None:
        try:
            return leads.request(lead_id)[0]
        except StoreError as error:
            raise refuse(503, "Store not available", error.fact) from error
        except RefusedError as error:
            if error.problem.status != 404:
                raise
            return None

    return of_store


def _score_lead(scorer: Scorer | None, ask: LeadLookup | None, act: _Act, now: datetime) -> Response:
    """The score of a lead, now, with what it just did → flat fields to be mapped.

    A lead that is not to be scored (new, closed, opted out) is answered with `status` alone, so that nothing is mapped.
    """
    if scorer is None or ask is None:
        raise refuse(503, "Not ready", "There is no model, or no lead store; `make serve` has both.")
    lead = act.lead_id
    base_request = ask(lead)
    if base_request is None:
        return plain({"status": "not_scored", "lead_id": lead})
    request: dict[str, Any] = {**base_request, "as_of": now.isoformat()}
    if act.type is not None:
        # a microsecond before now, since nothing at as_of counts
        interaction_time = datetime.fromtimestamp(now.timestamp() - 1e-6, now.tzinfo).isoformat()
        interaction = {"type": act.type, "at": interaction_time, "direction": "in"}
        request["leads"][0] = {**request["leads"][0], "interactions": [*request["leads"][0]["interactions"], interaction]}
    parsed = read(json.dumps(request).encode(), scorer.model.funnel, now)
    if 0 not in parsed.places:
        return plain({"status": "not_scored", "lead_id": lead})
    subject, *colleagues = parsed.leads
    result = scorer.score([subject], parsed.as_of, 3, "en", [*colleagues, *parsed.context])[0]
    fields: dict[str, Any] = result.model_dump(mode="json")
    advice = fields["recommendation"]
    return plain(
        {
            "status": fields["status"],
            "lead_id": lead,
            "score": fields["score"],
            "grade": fields["grade"],
            "chance": round(fields["probabilities"][scorer.model.funnel.final]["value"] * 100, 1),
            "lead_stage": advice["lead_stage"],
            "action": advice["action"],
            "points": fields["rules"]["points"],
            "expected_value": fields.get("expected_value"),
            "reasons": "; ".join(Reason(**reason).words("en") for reason in fields["reasons"]),
            "why": advice["why"],
            "scored_at": now.isoformat(),
            "model": f"{scorer.model.name} {scorer.model.version}",
        }
    )
