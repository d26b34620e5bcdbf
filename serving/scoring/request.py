"""From the bytes of a request to leads: the envelope strictly, each lead on its own."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from features.attributes.values import NO_WORDS, YES_WORDS, is_missing
from features.common.errors import nearest
from features.common.words import Language
from features.dataset.funnel import Funnel
from features.engine.request import Interaction, RequestLead
from serving.http.errors import RefusedError, from_validation, pointer, quote, refuse
from serving.schemas.answer import Result
from serving.schemas.score import MOST_LEADS, Envelope, Lead, Problem, WhatIfEnvelope

M = TypeVar("M", bound=BaseModel)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_SURROGATE = re.compile("[\ud800-\udfff]")  # lone ones cannot be written as UTF-8
NO_OFFSET = "Times without an offset are taken as UTC."
NO_INTERACTIONS = "There are no interactions; the score rests on attributes alone."
NO_STAGE_TIME = "lead_stage_since is missing; created_at is taken in its place."
MAX_LISTED = 100  # problems listed when every lead is invalid
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)  # outside, a time is a slip


@dataclass
class Parsed:
    """The leads to score with their places in the request, warnings per place, and results that are decided already.

    `context` are leads that are not scored (closed or opted out) but count as colleagues; `add` is that of a what-if question.
    """

    as_of: int
    reasons: int
    language: Language
    naive: bool = False  # as_of had no offset
    places: list[int] = field(default_factory=list)
    leads: list[RequestLead] = field(default_factory=list)
    context: list[RequestLead] = field(default_factory=list)
    add: list[str] = field(default_factory=list)
    warnings: dict[int, list[str]] = field(default_factory=dict)
    decided: dict[int, Result] = field(default_factory=dict)


def read(body: bytes, funnel: Funnel, now: datetime, kind: type[Envelope] = Envelope) -> Parsed:
    """Read a request; `kind` says what may stand around the leads.

    Raises
    ------
    RefusedError
        with a 4xx problem document when the request as a whole cannot be read, or when every lead in it is invalid.
    """
    envelope = _envelope(body, kind)
    if envelope.as_of is not None and not is_plausible(envelope.as_of):
        raise refuse(
            422, "Invalid request", _time_message("as_of", envelope.as_of), field="/as_of", value=quote(str(envelope.as_of))
        )
    naive = envelope.as_of is not None and envelope.as_of.tzinfo is None
    parsed = Parsed(microseconds(envelope.as_of or now), envelope.reasons, envelope.language, naive)
    parsed.add = envelope.add if isinstance(envelope, WhatIfEnvelope) else []
    seen_ids: set[str] = set()
    for index, raw in enumerate(envelope.leads):
        try:
            _read_lead(parsed, index, raw, funnel, seen_ids)
        except RefusedError as error:
            parsed.decided[index] = Result(lead_id=error.problem.lead, status="invalid", problem=error.problem)
    problems = [result.problem for result in parsed.decided.values() if result.problem]
    if len(problems) == len(envelope.leads):
        raise _all_invalid(problems)
    return parsed


def _all_invalid(problems: Sequence[Problem]) -> RefusedError:
    first_problem = problems[0]
    if len(problems) == 1:
        return RefusedError(first_problem)
    detail = f"All {len(problems)} leads are invalid; the first: {first_problem.detail}"
    return refuse(422, "Invalid request", detail, errors=list(problems[:MAX_LISTED]))


def _envelope(body: bytes, kind: type[Envelope]) -> Envelope:
    content = object_of(body, "an object with `leads`")
    leads = content.get("leads")
    if isinstance(leads, list) and not leads:
        raise refuse(422, "Invalid request", "`leads` is empty; send at least one lead.", field="/leads", value="[]")
    if isinstance(leads, list) and len(leads) > MOST_LEADS:
        detail = f"A request takes {MOST_LEADS:,} leads at the most, got {len(leads):,}: send several."
        raise refuse(413, "Too many leads", detail, field="/leads")
    return validate(content, kind)


def object_of(body: bytes, expected: str = "an object") -> dict[str, Any]:
    """The JSON object that a body is; `expected` says what it should be.

    Raises
    ------
    RefusedError
        with a 4xx problem document.
    """
    try:
        content = json.loads(body, parse_constant=_no_constant)
    except RecursionError as error:
        raise refuse(400, "Not readable", "The JSON is nested too deeply.") from error
    except ValueError as error:
        raise refuse(400, "Not readable", f"The body is not JSON in UTF-8: {str(error)[:200]}.") from error
    if not isinstance(content, dict):
        raise refuse(422, "Invalid request", f"The body must be {expected}, got {quote(content)}.", field="")
    return content


def validate(content: dict[str, Any], kind: type[M]) -> M:
    """The object as a model.

    Raises
    ------
    RefusedError
        naming the field that is wrong.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise RefusedError(from_validation(error, kind)) from error


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def microseconds(time: datetime) -> int:
    """A time, UTC where it has no offset → microseconds since 1970."""
    aware = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    return (aware - EPOCH) // MICROSECOND


def is_plausible(time: datetime) -> bool:
    """Whether a moment lies in a span in which leads live; year 1 or 9999 is how other software writes "none"."""
    return _MIN_TIME <= microseconds(time) < _MAX_TIME


_MIN_TIME, _MAX_TIME = microseconds(EARLIEST), microseconds(LATEST)


def _time_message(name: str, time: datetime) -> str:
    return f"{name} {time} does not lie between {EARLIEST.year} and {LATEST.year - 1}; leave out what is not known."


def _opted_out(lead: Lead) -> str:
    """The mark as plain text; empty when there is none."""
    mark = lead.attributes.get("opted_out")
    return "" if is_missing(mark) else str(mark).strip().casefold()


def _read_lead(parsed: Parsed, index: int, raw: Any, funnel: Funnel, seen_ids: set[str]) -> None:
    """Read one lead into `parsed`: to be scored, or decided without a score.

    Raises
    ------
    RefusedError
        when the lead is invalid.
    """
    raw_id = raw.get("lead_id") if isinstance(raw, dict) else None
    lead_id = raw_id if isinstance(raw_id, str) and len(raw_id) <= 200 and not _SURROGATE.search(raw_id) else None
    try:
        lead = Lead.model_validate(raw)
    except ValidationError as error:
        raise RefusedError(from_validation(error, Lead, lead_id, ("leads", index))) from error
    if lead.lead_id in seen_ids:
        raise _invalid(lead, index, f"lead_id {quote(lead.lead_id)} stands twice in the request.", ["lead_id"], lead.lead_id)
    seen_ids.add(lead.lead_id)
    if lead.lead_stage == funnel.final or lead.lead_stage in funnel.exits:
        note = f"A lead in {lead.lead_stage!r} is not scored."
        parsed.decided[index] = Result(lead_id=lead.lead_id, status="closed", warnings=[note])
        parsed.context += _colleague(lead, index, funnel, parsed.as_of)
    elif _opted_out(lead) in YES_WORDS:
        note = "The lead has opted out; it is not scored."
        parsed.decided[index] = Result(lead_id=lead.lead_id, status="opted_out", warnings=[note])
        parsed.context += _colleague(lead, index, funnel, parsed.as_of)
    else:
        live = _live(lead, index, funnel, parsed.as_of)
        parsed.places.append(index)
        parsed.leads.append(live)
        parsed.warnings[index] = _warnings(lead, funnel, parsed.naive)


def _colleague(lead: Lead, index: int, funnel: Funnel, as_of: int) -> list[RequestLead]:
    """A lead that is not scored, for those that share its company; none where it has none, or cannot be read."""
    if not lead.company or is_missing(lead.company.get("company_id")):
        return []
    try:
        return [_live(lead.model_copy(update={"lead_stage": funnel.stages[0], "previous": None}), index, funnel, as_of)]
    except RefusedError:
        return []


def _invalid(lead: Lead, index: int, detail: str, path: Sequence[str | int], value: object) -> RefusedError:
    location = pointer(("leads", index, *path))
    return refuse(422, "Invalid lead", detail, lead=lead.lead_id, field=location, value=quote(value))


def _live(lead: Lead, index: int, funnel: Funnel, as_of: int) -> RequestLead:
    if lead.lead_stage not in funnel.stages:
        suggestion = nearest(lead.lead_stage, (*funnel.stages, *funnel.exits))
        detail = f"{quote(lead.lead_stage)} is no lead stage of this funnel: {suggestion}"
        raise _invalid(lead, index, detail, ["lead_stage"], lead.lead_stage)
    for name in ("created_at", "lead_stage_since"):
        moment = getattr(lead, name)
        if moment is not None and not is_plausible(moment):
            raise _invalid(lead, index, _time_message(name, moment), [name], str(moment))
        if moment is not None and microseconds(moment) > as_of:
            raise _invalid(lead, index, f"{name} {moment} is after as_of.", [name], str(moment))
    if lead.previous and not (_MIN_TIME <= microseconds(lead.previous.at) <= as_of):
        detail = f"previous: at {lead.previous.at} is after as_of or impossible."
        raise _invalid(lead, index, detail, ["previous", "at"], str(lead.previous.at))
    acts = []
    for number, act in enumerate(lead.interactions):
        moment_us = microseconds(act.at)
        if moment_us >= as_of:
            detail = f"The interaction {quote(act.type)} at {act.at} is not before as_of."
            raise _invalid(lead, index, detail, ["interactions", number, "at"], str(act.at))
        if moment_us < _MIN_TIME:
            detail = _time_message(f"The time of the interaction {quote(act.type)},", act.at)
            raise _invalid(lead, index, detail, ["interactions", number, "at"], str(act.at))
        acts.append(Interaction(act.type, moment_us, act.direction, act.value, act.content))
    company = dict(lead.company or {})
    company_id = company.pop("company_id", None)
    return RequestLead(
        lead.lead_id,
        funnel.position(lead.lead_stage),
        microseconds(lead.created_at),
        microseconds(lead.lead_stage_since or lead.created_at),
        lead.attributes,
        None if company_id is None else str(company_id),
        company,
        acts,
        (lead.previous.action, microseconds(lead.previous.at)) if lead.previous else None,
    )


def _warnings(lead: Lead, funnel: Funnel, naive: bool) -> list[str]:
    messages = []
    times = (lead.created_at, lead.lead_stage_since, *(act.at for act in lead.interactions))
    if naive or any(time is not None and time.tzinfo is None for time in times):
        messages.append(NO_OFFSET)
    if not lead.interactions:
        messages.append(NO_INTERACTIONS)
    if lead.lead_stage_since is None and lead.lead_stage != funnel.stages[0]:
        messages.append(NO_STAGE_TIME)
    if _opted_out(lead) not in {"", *NO_WORDS}:
        messages.append(f"opted_out: {quote(lead.attributes['opted_out'])} is neither yes nor no; taken as no.")
    return messages
