"""The quick way to read a request: what is as it should be. Whatever is not goes the way of `serving.scoring.request`, which
says why.

The two give the same `Parsed` for every request that this one takes; a test compares them on arbitrary ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from features.attributes.values import NO_WORDS, YES_WORDS, is_missing
from features.dataset.funnel import Funnel
from features.engine.request import InteractionColumns, RequestLead
from models.decision.recommend import Action
from serving.schemas.answer import Result
from serving.schemas.score import MOST_INTERACTIONS, MOST_LEADS, MOST_REASONS, Scalar
from serving.scoring import request
from serving.scoring.request import Parsed, microseconds
from serving.scoring.times import read_times

_Text = Annotated[str, Meta(max_length=500)]
_Name = Annotated[str, Meta(min_length=1, max_length=200)]


class _Interaction(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """As `serving.schemas.score.Interaction`, the time still as text; likewise those below."""

    type: _Name
    at: str
    value: float | None = None
    content: _Text | None = None
    campaign: _Text | None = None
    direction: Literal["in", "out"] | None = None


class _Recommended(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    action: Action
    at: str


class _Lead(msgspec.Struct, forbid_unknown_fields=True):
    lead_id: _Name
    lead_stage: Annotated[str, Meta(max_length=200)]
    created_at: str
    lead_stage_since: str | None = None
    attributes: dict[str, Scalar] = {}
    company: dict[str, Scalar] | None = None
    interactions: Annotated[list[_Interaction], Meta(max_length=MOST_INTERACTIONS)] = []
    previous: _Recommended | None = None


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    leads: Annotated[list[_Lead], Meta(min_length=1, max_length=MOST_LEADS)]
    as_of: str | None = None
    reasons: Annotated[int, Meta(ge=0, le=MOST_REASONS)] = 5
    language: Literal["en", "de"] = "en"


_DECODER = msgspec.json.Decoder(_Envelope)


def read(body: bytes, funnel: Funnel, now: datetime) -> Parsed:
    """As `serving.scoring.request.read` for a request to score, quicker where nothing is wrong with it.

    Raises
    ------
    RefusedError
        as there.
    """
    parsed = quick(body, funnel, now)
    return request.read(body, funnel, now) if parsed is None else parsed


def quick(body: bytes, funnel: Funnel, now: datetime) -> Parsed | None:
    """The request, or None where it must be read the other way."""
    try:
        envelope = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    moments = _moments(envelope)
    if moments is None:
        return None
    times, naive = moments
    as_of = microseconds(now) if envelope.as_of is None else int(times[0])
    parsed = Parsed(as_of, envelope.reasons, envelope.language, bool(naive[0]))
    # asked once for all leads, since it is nearly always so: nothing is of the future, and every time has an offset
    all_past, all_zoned = bool(times[1:].max() < as_of), not naive.any()
    seen_ids: set[str] = set()
    position = 1
    for number, lead in enumerate(envelope.leads):
        acts = position + 2 + (lead.previous is not None)
        end = acts + len(lead.interactions)
        if not all_past and (times[position:acts].max() > as_of or (end > acts and times[acts:end].max() >= as_of)):
            return None
        offset_missing = parsed.naive or (not all_zoned and bool(naive[position : position + 2].any() or naive[acts:end].any()))
        if lead.lead_id in seen_ids or not _add_lead(parsed, number, lead, funnel, times[position:end], offset_missing):
            return None
        seen_ids.add(lead.lead_id)
        position = end
    return parsed


def _moments(envelope: _Envelope) -> tuple[Any, Any] | None:
    """All times of a request: as_of; of each lead created_at, lead_stage_since, that of `previous` if any, its interactions'.
    None where one of them is unusual. What is not given stands as a time that can be read."""
    texts = ["2000-01-01T00:00:00Z" if envelope.as_of is None else envelope.as_of]
    for lead in envelope.leads:
        texts += (lead.created_at, lead.created_at if lead.lead_stage_since is None else lead.lead_stage_since)
        if lead.previous is not None:
            texts.append(lead.previous.at)
        texts += [act.at for act in lead.interactions]
    text = np.frombuffer("\n".join(texts).encode("utf-8"), np.uint8)
    times, naive = np.empty(len(texts), np.int64), np.empty(len(texts), np.bool_)
    return (times, naive) if read_times(text, times, naive) else None


def _add_lead(parsed: Parsed, number: int, lead: _Lead, funnel: Funnel, times: Any, offset_missing: bool) -> bool:
    """Put one lead into `parsed`; False where something is wrong with it. `offset_missing`: one of its times has no offset."""
    closed = lead.lead_stage == funnel.final or lead.lead_stage in funnel.exits
    mark = "" if not lead.attributes else lead.attributes.get("opted_out")
    opted = "" if is_missing(mark) else str(mark).strip().casefold()
    not_scored = closed or opted in YES_WORDS
    if not closed and lead.lead_stage not in funnel.stages:
        return False
    offset = 2 + (lead.previous is not None)
    company = lead.company or {}
    if not_scored and (not company or is_missing(company.get("company_id"))):
        live = None
    else:
        live = _live(
            lead, 0 if not_scored else funnel.position(lead.lead_stage), times, offset, None if not_scored else lead.previous
        )
    if not_scored:
        note = f"A lead in {lead.lead_stage!r} is not scored." if closed else "The lead has opted out; it is not scored."
        status: Literal["closed", "opted_out"] = "closed" if closed else "opted_out"
        parsed.decided[number] = Result(lead_id=lead.lead_id, status=status, warnings=[note])
        parsed.context += [live] if live else []
        return True
    if opted and opted not in NO_WORDS:
        return False  # a warning that is put into words elsewhere
    assert live is not None  # noqa: S101  made above
    parsed.places.append(number)
    parsed.leads.append(live)
    parsed.warnings[number] = _warnings(lead, funnel, offset_missing)
    return True


def _live(lead: _Lead, stage: int, times: Any, offset: int, previous: _Recommended | None) -> RequestLead:
    acts = lead.interactions
    columns = InteractionColumns(
        [a.type for a in acts],
        times[offset:],
        [a.direction for a in acts],
        [a.value for a in acts],
        [a.content for a in acts],
    )
    company = lead.company or {}
    company_id = company.pop("company_id", None)
    return RequestLead(
        lead.lead_id,
        stage,
        int(times[0]),
        int(times[1]),
        lead.attributes,
        None if company_id is None else str(company_id),
        company,
        columns,
        (previous.action, int(times[2])) if previous else None,
    )


def _warnings(lead: _Lead, funnel: Funnel, naive: bool) -> list[str]:
    messages = []
    if naive:
        messages.append(request.NO_OFFSET)
    if not lead.interactions:
        messages.append(request.NO_INTERACTIONS)
    if lead.lead_stage_since is None and lead.lead_stage != funnel.stages[0]:
        messages.append(request.NO_STAGE_TIME)
    return messages
