"""What is sent about stored leads: bodies read strictly, moments in a span in which leads live, ids as the store has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from features.attributes.encoders import NO, YES, is_missing
from features.dataset.funnel import Funnel
from serving.http.errors import RefusedError, from_validation, pointer, refuse, shown
from serving.schemas.leads import (
    LONGEST_TEXT,
    MOST_ATTRIBUTES,
    MOST_EVENTS,
    InteractionsEnvelope,
    LeadUpdate,
    RefusedEvent,
    StoredInteraction,
)
from serving.schemas.score import Moment
from serving.scoring.request import EARLIEST, LATEST, checked, microseconds, object_of, possible
from serving.store.interactions import Event
from serving.store.lead_writes import LeadChange
from serving.store.pseudonyms import Ids, unfit

M = TypeVar("M", bound=BaseModel)
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)
_ETAG = re.compile(r'(?:W/)?"v(\d{1,9})"')


def body_of(body: bytes, kind: type[M]) -> M:
    """A body as a model.

    Raises
    ------
    RefusedError
        with a 4xx problem document.
    """
    return checked(object_of(body), kind)


def events_of(body: bytes, ids: Ids) -> tuple[dict[int, Event], list[RefusedEvent]]:
    """The interactions of a request by their places, and those that cannot be taken.

    Raises
    ------
    RefusedError
        when the request as a whole cannot be read.
    """
    given = body_of(body, InteractionsEnvelope).interactions
    if not given:
        raise refuse(422, "Invalid request", "`interactions` is empty; send at least one.", field="/interactions", value="[]")
    if len(given) > MOST_EVENTS:
        detail = f"A request takes {MOST_EVENTS:,} interactions at the most, got {len(given):,}: send several."
        raise refuse(413, "Too many interactions", detail, field="/interactions")
    events: dict[int, Event] = {}
    refused: list[RefusedEvent] = []
    for place, raw in enumerate(given):
        try:
            events[place] = _event(place, raw, ids)
        except RefusedError as error:
            problem = error.problem
            refused.append(
                RefusedEvent(place=place, event_id=_named(raw, "event_id"), lead_id=_named(raw, "lead_id"),
                             detail=problem.detail, field=problem.field)
            )  # fmt: skip
    return events, refused


def _named(raw: Any, name: str) -> str | None:
    """An id as it was given, where it can be repeated."""
    value = raw.get(name) if isinstance(raw, dict) else None
    return shown(value).strip("'\"") if isinstance(value, str) and len(value) <= 200 else None


def _event(place: int, raw: Any, ids: Ids) -> Event:
    at = ("interactions", place)
    try:
        given = StoredInteraction.model_validate(raw)
    except ValidationError as error:
        raise RefusedError(from_validation(error, StoredInteraction, None, at)) from error
    for name in ("event_id", "lead_id", "type", "content", "campaign"):
        _fits(getattr(given, name), name, at)
    if not possible(given.at):
        raise _wrong(_impossible("at", given.at), (*at, "at"), given.at)
    return Event(
        ids(given.event_id), ids(given.lead_id), given.type, microseconds(given.at), given.value, given.content,
        given.campaign, given.direction,
    )  # fmt: skip


def _fits(value: str | None, name: str, at: tuple[str | int, ...]) -> None:
    why = unfit(value) if value and name == "lead_id" else "holds a NUL character" if value and "\x00" in value else None
    if why:
        raise _wrong(f"{name} {why}.", (*at, name), value)


def change_of(body: bytes, lead_id: str, ids: Ids, funnel: Funnel | None, now: int) -> LeadChange:
    """What a request tells of a lead.

    Raises
    ------
    RefusedError
        with a 4xx problem document that names the field.
    """
    given = body_of(body, LeadUpdate)
    if why := unfit(lead_id):
        raise refuse(422, "Invalid lead", f"lead_id {why}.", field="lead_id", value=shown(lead_id))
    if not 0 < len(lead_id) <= 200:
        raise refuse(422, "Invalid lead", "A lead_id has 1 to 200 characters.", field="lead_id", value=shown(lead_id))
    moments: dict[str, int] = {}
    for name in ("created_at", "at", "lead_stage_since"):
        moment = getattr(given, name)
        if moment is None:
            continue
        if not possible(moment):
            raise _wrong(_impossible(name, moment), (name,), moment)
        moments[name] = microseconds(moment)
    _stage(given, funnel)
    attributes, opted_out = _opted_out(given)
    company = dict(given.company) if given.company is not None else None
    company_id = _company_id(company)
    for name, values in (("attributes", attributes), ("company", company)):
        _sizes(name, values or {})
    return LeadChange(
        lead_id=ids(lead_id),
        at=moments.get("at"),
        created_at=moments.get("created_at"),
        lead_stage=given.lead_stage,
        lead_stage_since=moments.get("lead_stage_since"),
        attributes=attributes,
        company_id=ids(company_id) if company_id else company_id,
        company=company,
        opted_out=opted_out,
        review_asked=given.human_review,
    )


def _sizes(name: str, values: Mapping[str, object]) -> None:
    if len(values) > MOST_ATTRIBUTES:
        raise _wrong(f"{name} may have {MOST_ATTRIBUTES} columns at the most.", (name,), len(values))
    for column, value in values.items():
        _fits(column, "the name of a column", (name,))
        if not 0 < len(column) <= 200:
            raise _wrong("The name of a column has 1 to 200 characters.", (name, column), column)
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise _wrong(f"A value may have {LONGEST_TEXT:,} characters at the most.", (name, column), value)


def _stage(given: LeadUpdate, funnel: Funnel | None) -> None:
    if given.lead_stage is None:
        return
    _fits(given.lead_stage, "lead_stage", ())
    known = (*funnel.stages, *funnel.exits) if funnel else None
    if known and given.lead_stage not in known:
        from features.common.errors import nearest

        detail = f"{shown(given.lead_stage)} is no lead stage of this funnel: {nearest(given.lead_stage, known)}"
        raise _wrong(detail, ("lead_stage",), given.lead_stage)


def _opted_out(given: LeadUpdate) -> tuple[dict[str, object] | None, bool | None]:
    """Attributes without `opted_out`, which is a field of its own and may stand among them as in `POST /v1/score`."""
    attributes: dict[str, object] | None = None if given.attributes is None else dict(given.attributes)
    if not attributes or "opted_out" not in attributes:
        return attributes, given.opted_out
    mark = attributes.pop("opted_out")
    word = "" if is_missing(mark) else str(mark).strip().casefold()
    if word and word not in YES | NO:
        raise _wrong("opted_out is neither yes nor no.", ("attributes", "opted_out"), mark)
    return attributes, word in YES if given.opted_out is None else given.opted_out


def _company_id(company: dict[str, Any] | None) -> str | None:
    """The id, taken out of the company; "" for none; None where nothing is told of a company."""
    if company is None:
        return None
    if "company_id" not in company:
        raise _wrong("A company needs its company_id.", ("company", "company_id"), None)
    found = company.pop("company_id")
    name = "" if is_missing(found) else str(found)
    if len(name) > 200 or "\x00" in name:
        raise _wrong("company_id has 1 to 200 characters, none of them NUL.", ("company", "company_id"), name)
    return name


def _impossible(name: str, moment: datetime) -> str:
    return f"{name} {moment} does not lie between {EARLIEST.year} and {LATEST.year - 1}; leave out what is not known."


def _wrong(detail: str, at: tuple[str | int, ...], value: object) -> RefusedError:
    return refuse(422, "Invalid request", detail, field=pointer(at), value=shown(value))


def version_of(header: str | None) -> int | None:
    """The version that `If-Match` names (optimistic locking); None where there is none, or any will do.

    Raises
    ------
    RefusedError
        for what is no ETag of ours.
    """
    if header is None or header.strip() == "*":
        return None
    found = _ETAG.fullmatch(header.strip())
    if not found:
        raise refuse(422, "Invalid request", 'If-Match takes the ETag that we gave, such as "v3".', field="If-Match")
    return int(found[1])


def moment_of(asked: Mapping[str, str], name: str, now: int) -> int | None:
    """A past moment of a query; None where it is not given.

    Raises
    ------
    RefusedError
        if it cannot be read, or lies in the future.
    """
    text = asked.get(name, "")
    if not text:
        return None
    try:
        found = _MOMENT.validate_python(re.sub(r" (?=\d\d:?\d\d$)", "+", text))  # a plus that was not encoded
    except ValidationError as error:
        raise _wrong(f"{name} must be an ISO 8601 time such as 2026-06-30T12:00:00Z.", (name,), text) from error
    if not possible(found):
        raise _wrong(_impossible(name, found), (name,), text)
    if microseconds(found) > now:
        raise _wrong(f"{name} lies in the future.", (name,), text)
    return microseconds(found)


def whole_of(asked: Mapping[str, str], name: str, usual: int, most: int) -> int:
    """A whole number of a query, from 0 to `maximum`.

    Raises
    ------
    RefusedError
        for anything else.
    """
    text = asked.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= most and len(text) < 9):
        raise _wrong(f"{name} must be a whole number from 0 to {most}.", (name,), text)
    return int(text)
