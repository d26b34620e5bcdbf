"""What is sent about stored leads: bodies read strictly, moments in a span in which leads live, ids as the store has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from features.attributes.values import has_opted_out, is_missing
from features.common.clock import NO_MOMENT
from features.common.environment import number
from features.common.errors import nearest
from features.common.persons.headers import Personal
from features.common.persons.texts import cut
from features.common.persons.values import without_persons
from features.common.words import LANGUAGES, Language
from features.dataset.funnel import Funnel
from serving.http.errors import RefusedError, pointer, quote, refuse
from serving.http.json_body import decode_body, item_of, object_of, plain
from serving.http.validation import MOMENT, struct_of
from serving.schemas.leads import RefusedEvent
from serving.schemas.requests import (
    LONGEST_TEXT,
    MOST_ATTRIBUTES,
    MOST_EVENTS,
    InteractionsRequest,
    LeadUpdate,
    StoredInteraction,
)
from serving.scoring.request import is_plausible, microseconds, time_message
from serving.store import work_list
from serving.store.interactions import InteractionEvent
from serving.store.lead_writes import LeadChange
from serving.store.pseudonyms import Ids, id_problem

_INTERACTIONS = msgspec.json.Decoder(InteractionsRequest[msgspec.Raw])  # each stays the bytes it is until its turn comes
_INTERACTION = msgspec.json.Decoder(StoredInteraction)
_UPDATE = msgspec.json.Decoder(LeadUpdate)
_DIGITS = re.compile(r"([0-9]{1,9})(?:\.0+)?", re.ASCII)
MOST_SCORE = 1e9
OTHER_TYPE = "other"  # of an interaction whose type was nothing but a personal detail
_ETAG = re.compile(r'(?:W/)?"v(\d{1,9})"')


def events_of(body: bytes, ids: Ids, now: int) -> tuple[dict[int, InteractionEvent], list[RefusedEvent], int]:
    """The interactions of a request by their places, those that cannot be taken, and of how many a personal detail was cut;
    `now` (µs) is the clock.

    Raises
    ------
    RefusedError
        when the request as a whole cannot be read.
    """
    request = decode_body(_INTERACTIONS, body) or _second_look(body)
    events: dict[int, InteractionEvent] = {}
    refused: list[RefusedEvent] = []
    personal = 0
    for index, item in enumerate(request.interactions):
        try:
            events[index], is_cut = _event(index, item_of(item, body, _INTERACTION, ("interactions", index)), ids, now)
            personal += is_cut
        except RefusedError as error:
            problem = error.problem
            if problem.status == 400:
                raise
            raw = plain(item, body)
            refused.append(
                RefusedEvent(place=index, event_id=_repeatable_id(raw, "event_id"), lead_id=_repeatable_id(raw, "lead_id"),
                             detail=problem.detail, field=problem.field)
            )  # fmt: skip
    return events, refused, personal


def _second_look(body: bytes) -> InteractionsRequest[Any]:
    """A request that is not decoded at once: its interactions are plain JSON."""
    content = object_of(body)
    try:
        return struct_of(content, InteractionsRequest[Any])
    except msgspec.ValidationError as error:  # all but the length of the list is worded already
        count = len(content["interactions"])
        if not count:
            detail = "`interactions` is empty; send at least one."
            raise refuse(422, "Invalid request", detail, field="/interactions", value="[]") from error
        detail = f"A request takes {MOST_EVENTS:,} interactions at the most, got {count:,}: send several."
        raise refuse(413, "Too many interactions", detail, field="/interactions") from error


def _repeatable_id(raw: Any, name: str) -> str | None:
    """An id as it was given, where it can be repeated."""
    value = raw.get(name) if isinstance(raw, dict) else None
    return quote(value).strip("'\"") if isinstance(value, str) and len(value) <= 200 else None


def _event(index: int, interaction: StoredInteraction, ids: Ids, now: int) -> tuple[InteractionEvent, bool]:
    path = ("interactions", index)
    for name in ("event_id", "lead_id", "type", "content", "campaign"):
        _check_text(getattr(interaction, name), name, path)
    if not is_plausible(interaction.at, now):
        raise _invalid_field(time_message("at", interaction.at, now), (*path, "at"), str(interaction.at))
    texts = (interaction.type, interaction.content, interaction.campaign)
    kind, content, campaign = (None if text is None else cut(text).text for text in texts)
    event = InteractionEvent(
        ids(interaction.event_id), ids(interaction.lead_id), kind or OTHER_TYPE, microseconds(interaction.at),
        interaction.value, content, campaign, interaction.direction,
    )  # fmt: skip
    return event, (kind, content, campaign) != texts


def _check_text(value: str | None, name: str, path: tuple[str | int, ...]) -> None:
    problem = (
        id_problem(value) if value and name == "lead_id" else "holds a NUL character" if value and "\x00" in value else None
    )
    if problem:
        raise _invalid_field(f"{name} {problem}.", (*path, name), value)


def change_of(body: bytes, lead_id: str, ids: Ids, funnel: Funnel | None, now: int) -> tuple[LeadChange, dict[str, Personal]]:
    """What a request tells of a lead, and what is left out or cut of it because it is personal, by its pointer; `now` (µs) is
    the clock.

    Raises
    ------
    RefusedError
        with a 4xx problem document that names the field.
    """
    update = decode_body(_UPDATE, body) or struct_of(object_of(body), LeadUpdate)
    if problem := id_problem(lead_id):
        raise refuse(422, "Invalid lead", f"lead_id {problem}.", field="/lead_id", value=quote(lead_id))
    if not 0 < len(lead_id) <= 200:
        raise refuse(422, "Invalid lead", "A lead_id has 1 to 200 characters.", field="/lead_id", value=quote(lead_id))
    moments: dict[str, int] = {}
    for name in ("created_at", "at", "lead_stage_since"):
        moment = getattr(update, name)
        if moment is None:
            continue
        if not is_plausible(moment, now):
            raise _invalid_field(time_message(name, moment, now), (name,), str(moment))
        moments[name] = microseconds(moment)
    _stage(update, funnel)
    attributes, opted_out = _opted_out(update)
    company: dict[str, object] | None = None if update.company is None else dict(update.company)
    company_id = _company_id(company)
    for name, values in (("attributes", attributes), ("company", company)):
        _sizes(name, values or {})
    left_out: dict[str, Personal] = {}
    attributes, company = (
        _impersonal(values, table, name, left_out)
        for values, table, name in ((attributes, "leads", "attributes"), (company, "companies", "company"))
    )
    change = LeadChange(
        lead_id=ids(lead_id),
        effective_at=moments.get("at"),
        created_at=moments.get("created_at"),
        lead_stage=update.lead_stage,
        lead_stage_since=moments.get("lead_stage_since"),
        attributes=attributes,
        company_id=ids(company_id) if company_id else company_id,
        company=company,
        opted_out=opted_out,
        review_asked=update.human_review,
    )
    return change, left_out


def _impersonal(
    values: Mapping[str, object] | None, table: str, field: str, left_out: dict[str, Personal]
) -> dict[str, object] | None:
    """Values without personal ones, which are noted in `left_out`."""
    if values is None:
        return None
    remaining, personal = without_persons(values, table)
    left_out.update({pointer((field, name)): kind for name, kind in personal.items()})
    return remaining


def _sizes(name: str, values: Mapping[str, object]) -> None:
    if len(values) > MOST_ATTRIBUTES:
        raise _invalid_field(f"{name} may have {MOST_ATTRIBUTES} columns at the most.", (name,), len(values))
    for column, value in values.items():
        _check_text(column, "the name of a column", (name,))
        if not 0 < len(column) <= 200:
            raise _invalid_field("The name of a column has 1 to 200 characters.", (name, column), column)
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise _invalid_field(f"A value may have {LONGEST_TEXT:,} characters at the most.", (name, column), value)


def _stage(update: LeadUpdate, funnel: Funnel | None) -> None:
    if update.lead_stage is None:
        return
    _check_text(update.lead_stage, "lead_stage", ())
    known_stages = (*funnel.stages, *funnel.exits) if funnel else None
    if known_stages and update.lead_stage not in known_stages:
        detail = f"{quote(update.lead_stage)} is no lead stage of this funnel: {nearest(update.lead_stage, known_stages)}"
        raise _invalid_field(detail, ("lead_stage",), update.lead_stage)


def _opted_out(update: LeadUpdate) -> tuple[dict[str, object] | None, bool | None]:
    """Attributes without `opted_out`, which is a field of its own and may stand among them as in `POST /v1/score`; a mark that
    is neither yes nor no counts as opted out."""
    attributes: dict[str, object] | None = None if update.attributes is None else dict(update.attributes)
    if not attributes or "opted_out" not in attributes:
        return attributes, update.opted_out
    mark = attributes.pop("opted_out")
    return attributes, has_opted_out(mark) if update.opted_out is None else update.opted_out


def _company_id(company: dict[str, Any] | None) -> str | None:
    """The id, taken out of the company; "" for none; None where nothing is told of a company."""
    if company is None:
        return None
    if "company_id" not in company:
        raise _invalid_field("A company needs its company_id.", ("company", "company_id"), None)
    raw_id = company.pop("company_id")
    name = "" if is_missing(raw_id) else str(raw_id)
    if len(name) > 200 or "\x00" in name:
        raise _invalid_field("company_id has 1 to 200 characters, none of them NUL.", ("company", "company_id"), name)
    return name


def _invalid_field(detail: str, path: tuple[str | int, ...], value: object) -> RefusedError:
    return refuse(422, "Invalid request", detail, field=pointer(path), value=quote(value))


def withdrawn_of(parameters: Mapping[str, str]) -> tuple[str, int]:
    """Which lead stage, from which moment on, is to be taken back.

    Raises
    ------
    RefusedError
        if one of them is missing, or the moment cannot be read.
    """
    lead_stage, at = parameters.get("lead_stage", ""), moment_of(parameters, "at", NO_MOMENT)
    if not lead_stage or at is None:
        missing = "at" if lead_stage else "lead_stage"
        raise _invalid_field(f"{missing} is missing; `GET …/lead_stages` lists what is recorded.", (missing,), "")
    return lead_stage, at


def version_of(header: str | None) -> int | None:
    """The version that `If-Match` names (optimistic locking); None where there is none, or any will do.

    Raises
    ------
    RefusedError
        for what is no ETag of ours.
    """
    if header is None or header.strip() == "*":
        return None
    etag = _ETAG.fullmatch(header.strip())
    if not etag:
        raise refuse(422, "Invalid request", 'If-Match takes the ETag that we gave, such as "v3".', field="If-Match")
    return int(etag[1])


def moment_of(parameters: Mapping[str, str], name: str, now: int) -> int | None:
    """A past moment of a query; None where it is not given.

    Raises
    ------
    RefusedError
        if it cannot be read, or lies in the future.
    """
    text = parameters.get(name, "")
    if not text:
        return None
    try:
        moment = MOMENT.validate_python(re.sub(r" (?=\d\d:?\d\d$)", "+", text))  # a plus that was not encoded
    except ValidationError as error:
        raise _invalid_field(f"{name} must be an ISO 8601 time such as 2026-06-30T12:00:00Z.", (name,), text) from error
    if not is_plausible(moment):
        raise _invalid_field(time_message(name, moment), (name,), text)
    if microseconds(moment) > now:
        raise _invalid_field(f"{name} lies in the future.", (name,), text)
    return microseconds(moment)


def whole_number(parameters: Mapping[str, str], name: str, default: int, maximum: int | None = None) -> int:
    """A whole number of a query, from 0 to `maximum`.

    Raises
    ------
    RefusedError
        for anything else.
    """
    text = parameters.get(name, "")
    if not text:
        return default
    digits = _DIGITS.fullmatch(text)
    value = int(digits[1]) if digits else None
    if value is None or (maximum is not None and value > maximum):
        bounds = "from 0 on" if maximum is None else f"from 0 to {maximum}"
        raise _invalid_field(f"{name} must be a whole number {bounds}.", (name,), text)
    return value


def language_of(parameters: Mapping[str, str]) -> Language:
    """The language of a query.

    Raises
    ------
    RefusedError
        for one that we have no words in.
    """
    text = parameters.get("language") or LANGUAGES[0]
    for language in LANGUAGES:
        if text == language:
            return language
    raise _invalid_field(f"language is {' or '.join(LANGUAGES)}.", ("language",), text)


def list_query(parameters: Mapping[str, str]) -> work_list.WorkListQuery:
    """The question to the work list that a query is.

    Raises
    ------
    RefusedError
        naming the parameter that is wrong.
    """
    usual = work_list.WorkListQuery()
    sort = parameters.get("sort") or usual.sort
    column = sort.removeprefix("-")
    if column not in work_list.COLUMNS:
        detail = f"There is no column {quote(column)}: {nearest(column, work_list.COLUMNS)}"
        raise _invalid_field(detail, ("sort",), sort)
    text = parameters.get("min_score") or "0"
    min_score = number(text, 0, MOST_SCORE)
    if min_score is None:
        raise _invalid_field("min_score must be a number from 0 on.", ("min_score",), text)
    return work_list.WorkListQuery(
        sort=column,
        descending=sort.startswith("-"),
        equal={key: parameters[key] for key in ("action", "lead_stage", "grade") if parameters.get(key)},
        min_score=min_score,
        containing=parameters.get("q", "").lower(),
        limit=min(whole_number(parameters, "limit", usual.limit), work_list.MOST_ROWS),
        offset=whole_number(parameters, "offset", usual.offset),
    )
