"""From the bytes of a request to leads: what stands around them strictly, each lead on its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from features.attributes.values import has_opted_out, is_missing, read_flag
from features.common.errors import nearest
from features.common.persons.headers import Personal
from features.common.persons.texts import cut
from features.common.persons.values import without_persons
from features.common.words import Language
from features.dataset.funnel import Funnel
from features.dataset.moments import AHEAD, EARLIEST, LATEST, misread, written
from features.dataset.repeats import SENTENCE, distinct
from features.dataset.spells import counted_moment
from features.engine.request import InteractionColumns, RequestLead
from serving.http.errors import RefusedError, pointer, quote, readable, refuse
from serving.http.json_body import decode_body, item_of, object_of
from serving.http.validation import struct_of
from serving.schemas.answer import Result
from serving.schemas.requests import MOST_LEADS, Lead, Recommended, ScoreRequest, WhatIfRequest
from serving.schemas.score import Problem

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NO_OFFSET = "Times without an offset are taken as UTC."
NO_INTERACTIONS = "There are no interactions; the score rests on attributes alone."
EARLY_STAGE = "lead_stage_since is before created_at; created_at is taken in its place."
NO_STAGE_TIME = "lead_stage_since is missing; created_at is taken in its place."
MAX_LISTED = 100  # problems listed when every lead is invalid

Kind = type[ScoreRequest[Any]]
# a lead stays the bytes it is until its turn comes
_DECODERS = {kind: msgspec.json.Decoder(kind[msgspec.Raw]) for kind in (ScoreRequest, WhatIfRequest)}
_LEAD = msgspec.json.Decoder(Lead)


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


def read(body: bytes, funnel: Funnel, now: datetime, kind: Kind = ScoreRequest) -> Parsed:
    """Read a request; `kind` says what may stand around the leads.

    Raises
    ------
    RefusedError
        with a 4xx problem document when the request as a whole cannot be read, or when every lead in it is invalid.
    """
    request: ScoreRequest[Any] = decode_body(_DECODERS[kind], body) or _second_look(body, kind)
    if request.as_of is not None and not is_plausible(request.as_of):
        detail = time_message("as_of", request.as_of)
        raise refuse(422, "Invalid request", detail, field="/as_of", value=quote(str(request.as_of)))
    naive = request.as_of is not None and request.as_of.tzinfo is None
    parsed = Parsed(microseconds(request.as_of or now), request.reasons, request.language, naive)
    parsed.add = request.add if isinstance(request, WhatIfRequest) else []
    seen_ids: set[str] = set()
    for index, item in enumerate(request.leads):
        try:
            _read_lead(parsed, index, item_of(item, body, _LEAD, ("leads", index)), funnel, seen_ids)
        except RefusedError as error:
            if error.problem.status == 400:
                raise
            parsed.decided[index] = Result(lead_id=error.problem.lead, status="invalid", problem=error.problem)
    problems = [result.problem for result in parsed.decided.values() if result.problem]
    if len(problems) == len(request.leads):
        raise _all_invalid(problems)
    if parsed.as_of > (clock := microseconds(now)) + AHEAD:
        beyond = f"as_of {request.as_of} lies after the clock ({written(clock)} UTC): what happens until then is not known."
        parsed.warnings = {index: [beyond, *messages] for index, messages in parsed.warnings.items()}
    return parsed


def _all_invalid(problems: Sequence[Problem]) -> RefusedError:
    first_problem = problems[0]
    if len(problems) == 1:
        return RefusedError(first_problem)
    detail = f"All {len(problems)} leads are invalid; the first: {first_problem.detail}"
    return refuse(422, "Invalid request", detail, errors=list(problems[:MAX_LISTED]))


def _second_look(body: bytes, kind: Kind) -> ScoreRequest[Any]:
    """A request that is not decoded at once: its leads are plain JSON."""
    content = object_of(body, "an object with `leads`")
    leads = content.get("leads")
    if isinstance(leads, list) and not leads:
        raise refuse(422, "Invalid request", "`leads` is empty; send at least one lead.", field="/leads", value="[]")
    if isinstance(leads, list) and len(leads) > MOST_LEADS:
        detail = f"A request takes {MOST_LEADS:,} leads at the most, got {len(leads):,}: send several."
        raise refuse(413, "Too many leads", detail, field="/leads")
    request: ScoreRequest[Any] = struct_of(content, kind[Any])  # type: ignore[index]
    return request


def time_of(moment: int) -> datetime:
    """Microseconds since 1970 → the time, UTC."""
    return EPOCH + moment * MICROSECOND


def microseconds(time: datetime) -> int:
    """A time, UTC where it has no offset → microseconds since 1970."""
    return all_microseconds([time])[0][0]


def all_microseconds(times: list[datetime]) -> tuple[list[int], bool]:
    """As `microseconds` for each of them, and whether one has no offset."""
    try:
        spans, naive = [time - EPOCH for time in times], False
    except TypeError:
        spans, naive = [(time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH for time in times], True
    return [span.days * 86_400_000_000 + span.seconds * 1_000_000 + span.microseconds for span in spans], naive


def is_plausible(time: datetime, now: int | None = None) -> bool:
    """Whether a moment lies in a span in which leads live, and, with the clock `now` (µs), not after it by more than time zones
    allow; year 1 or 9999 is how other software writes "none"."""
    return EARLIEST <= (at := microseconds(time)) < LATEST and (now is None or at <= now + AHEAD)


def time_message(name: str, time: datetime, now: int | None = None) -> str:
    """What is said of a moment that is not plausible."""
    at = microseconds(time)
    if now is not None and EARLIEST <= at < LATEST:
        return f"{name} {time} lies after the clock ({written(now)} UTC); send what is planned when it has happened."
    meant = misread(at, LATEST)
    hint = f" Are these {meant[0]}? Then it is {written(meant[1])}." if meant else ""
    return f"{name} {time} does not lie between 1990 and 2199; leave out what is not known.{hint}"


def closed_result(lead_id: str, lead_stage: str) -> Result:
    """What is answered about a lead that has won or left."""
    return Result(lead_id=lead_id, status="closed", warnings=[f"A lead in {lead_stage!r} is not scored."])


def opted_out_result(lead_id: str, mark: object = True) -> Result:
    """What is answered about a lead that is not to be scored, because of this `mark`."""
    warnings = ["The lead has opted out; it is not scored."]
    if math.isnan(read_flag(mark)):
        warnings.append(f"opted_out: {quote(mark)} is neither yes nor no; taken as yes.")
    return Result(lead_id=lead_id, status="opted_out", warnings=warnings)


def _read_lead(parsed: Parsed, index: int, lead: Lead, funnel: Funnel, seen_ids: set[str]) -> None:
    """Read one lead into `parsed`: to be scored, or decided without a score.

    Raises
    ------
    RefusedError
        when the lead is invalid.
    """
    if lead.lead_id in seen_ids:
        raise _invalid(lead, index, f"lead_id {quote(lead.lead_id)} stands twice in the request.", ["lead_id"], lead.lead_id)
    seen_ids.add(lead.lead_id)
    opted_out = has_opted_out(lead.attributes.get("opted_out"))
    if lead.lead_stage == funnel.final or lead.lead_stage in funnel.exits:
        parsed.decided[index] = closed_result(lead.lead_id, lead.lead_stage)
        parsed.context += _colleague(lead, index, parsed.as_of)
    elif opted_out:
        parsed.decided[index] = opted_out_result(lead.lead_id, lead.attributes["opted_out"])
        parsed.context += _colleague(lead, index, parsed.as_of)
    else:
        if lead.lead_stage not in funnel.stages:
            suggestion = nearest(lead.lead_stage, (*funnel.stages, *funnel.exits))
            detail = f"{quote(lead.lead_stage)} is no lead stage of this funnel: {suggestion}"
            raise _invalid(lead, index, detail, ["lead_stage"], lead.lead_stage)
        live, naive, personal = _live(lead, index, parsed.as_of, funnel.position(lead.lead_stage), lead.previous)
        parsed.places.append(index)
        parsed.leads.append(live)
        parsed.warnings[index] = _warnings(lead, funnel, parsed.naive or naive, personal)
        if repeats := len(lead.interactions) - len(live.interactions):
            parsed.warnings[index].append(SENTENCE.format(repeats))


def _colleague(lead: Lead, index: int, as_of: int) -> list[RequestLead]:
    """A lead that is not scored, for those that share its company; none where it has none, or cannot be read."""
    if not lead.company or is_missing(lead.company.get("company_id")):
        return []
    try:
        return [_live(lead, index, as_of, 0, None)[0]]
    except RefusedError:
        return []


def _invalid(lead: Lead, index: int, detail: str, path: Sequence[str | int], value: object) -> RefusedError:
    location = pointer(("leads", index, *path))
    return refuse(422, "Invalid lead", detail, lead=lead.lead_id, field=location, value=quote(value))


def _live(
    lead: Lead, index: int, as_of: int, stage: int, previous: Recommended | None
) -> tuple[RequestLead, bool, Mapping[str, Personal]]:
    """The lead at a position of the funnel, whether one of its times has no offset, and which of its values are personal: as in
    training they are not used.

    Raises
    ------
    RefusedError
        when one of its times cannot be, or is still to come.
    """
    acts, entered_at = lead.interactions, lead.lead_stage_since or lead.created_at
    (created, entered, *moments), naive = all_microseconds([lead.created_at, entered_at, *[act.at for act in acts]])
    if len(set(moments)) < len(moments):
        keys = [(act.type, act.value, act.content, act.campaign, act.direction) for act in acts]
        rows = distinct(range(len(acts)), keys, moments)
        acts, moments = [acts[i] for i in rows], [moments[i] for i in rows]
    recommended = None if previous is None else (previous.action, microseconds(previous.at))
    until_now = [created, entered, *([recommended[1]] if recommended else [])]
    if not (_within(until_now, as_of + 1) and _within(moments, as_of)):
        raise _impossible(lead, index, as_of, previous)
    columns = InteractionColumns(
        [act.type for act in acts],
        np.array(moments, np.int64),
        [act.direction for act in acts],
        [act.value for act in acts],
        [None if act.content is None else cut(act.content).text for act in acts],
    )
    company = lead.company or {}
    company_id = company.pop("company_id", None)
    attributes, personal = without_persons(lead.attributes, "leads")
    of_firm, personal_of_firm = without_persons(company, "companies")
    company_name = None if company_id is None else str(company_id)
    entered = max(created, counted_moment(created, entered))  # as everywhere: from the creation on at the earliest
    live = RequestLead(lead.lead_id, stage, created, entered, attributes, company_name, of_firm, columns, recommended)
    return live, naive, {**personal, **personal_of_firm}


def _within(moments: Sequence[int], end: int) -> bool:
    """Do all moments lie between the first that can be and `end`, itself left out?"""
    return not moments or (min(moments) >= EARLIEST and max(moments) < end)


def _impossible(lead: Lead, index: int, as_of: int, previous: Recommended | None) -> RefusedError:
    """The first time of a lead that cannot be, or is still to come."""
    for name, time in (("created_at", lead.created_at), ("lead_stage_since", lead.lead_stage_since or lead.created_at)):
        if not is_plausible(time):
            return _invalid(lead, index, time_message(name, time), [name], str(time))
        if microseconds(time) > as_of:
            return _invalid(lead, index, f"{name} {time} is after as_of.", [name], str(time))
    if previous and not EARLIEST <= microseconds(previous.at) <= as_of:
        detail = f"previous: at {previous.at} is after as_of or impossible."
        return _invalid(lead, index, detail, ["previous", "at"], str(previous.at))
    acts = enumerate(lead.interactions)
    number, act = next((number, act) for number, act in acts if not EARLIEST <= microseconds(act.at) < as_of)
    if microseconds(act.at) >= as_of:
        detail = f"The interaction {quote(act.type)} at {act.at} is not before as_of."
    else:
        detail = time_message(f"The time of the interaction {quote(act.type)},", act.at)
    return _invalid(lead, index, detail, ["interactions", number, "at"], str(act.at))


def _warnings(lead: Lead, funnel: Funnel, naive: bool, personal: Mapping[str, Personal]) -> list[str]:
    messages = []
    if naive:
        messages.append(NO_OFFSET)
    if not lead.interactions:
        messages.append(NO_INTERACTIONS)
    if lead.lead_stage_since is None and lead.lead_stage != funnel.stages[0]:
        messages.append(NO_STAGE_TIME)
    if lead.lead_stage_since is not None and microseconds(lead.lead_stage_since) < microseconds(lead.created_at):
        messages.append(EARLY_STAGE)
    if personal:
        listed = ", ".join(f"{readable(name)} ({kind})" for name, kind in personal.items())
        messages.append(f"Personal and not used: {listed}. Leave it out.")
    return messages
