"""The words of the API: what a request may hold.

A field or a limit stands here alone: requests are decoded by these structs, the models that say what is wrong with one are made
from them (`serving.http.validation`), and so is the description of the API.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from models.decision.recommend import Action

MOST_LEADS = 10_000
MOST_INTERACTIONS = 20_000  # per lead
MOST_REASONS = 50
MOST_TYPES = 20  # to try in a what-if question
MOST_EVENTS = 10_000
MOST_ATTRIBUTES = 500
LONGEST_TEXT = 10_000  # characters of a value

Scalar = str | int | float | bool | None
Id = Annotated[str, Meta(min_length=1, max_length=200)]
# msgspec leaves the format out, since a time without an offset is taken too
Moment = Annotated[datetime, Meta(extra_json_schema={"format": "date-time"})]
Text = Annotated[str, Meta(max_length=500)]
L = TypeVar("L")  # an item: the struct where it is described, `msgspec.Raw` where each is decoded on its own


class Interaction(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    """One timestamped act of or towards a lead."""

    type: Id
    at: Annotated[Moment, Meta(description="ISO 8601; without an offset it is taken as UTC")]
    value: Annotated[float | None, Meta(description="for example seconds watched")] = None
    content: Annotated[Text | None, Meta(description="topic or asset")] = None
    campaign: Text | None = None
    direction: Annotated[Literal["in", "out"] | None, Meta(description="by the lead, or by us")] = None


class Recommended(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What was recommended before, and when."""

    action: Action
    at: Moment


class Lead(msgspec.Struct, forbid_unknown_fields=True):
    """One lead with its history up to as_of."""

    lead_id: Id
    lead_stage: Annotated[str, Meta(max_length=200)]
    created_at: Moment
    lead_stage_since: Annotated[Moment | None, Meta(description="when it entered its lead stage; default: created_at")] = None
    attributes: Annotated[dict[str, Scalar], Meta(description="source, country, job_title … and custom columns")] = {}
    company: Annotated[
        dict[str, Scalar] | None,
        Meta(description="company_id, industry, employees …; leads that share company_id are one buying group"),
    ] = None
    interactions: Annotated[list[Interaction], Meta(max_length=MOST_INTERACTIONS)] = []
    previous: Annotated[
        Recommended | None, Meta(description="the last recommendation, so that noise alone does not change it")
    ] = None


class ScoreRequest(msgspec.Struct, Generic[L], forbid_unknown_fields=True, kw_only=True):
    """Leads to score, and the moment at which to look; each lead is read on its own, so that a bad one spoils no other."""

    as_of: Annotated[Moment | None, Meta(description="the moment at which to look; default: now")] = None
    reasons: Annotated[int, Meta(ge=0, le=MOST_REASONS, description="how many reasons per lead")] = 5
    language: Literal["en", "de"] = "en"
    leads: Annotated[list[L], Meta(min_length=1, max_length=MOST_LEADS)]


class WhatIfRequest(ScoreRequest[L], forbid_unknown_fields=True, kw_only=True):
    """A what-if question about the first of the leads; the others are its colleagues. `reasons` is not used."""

    add: Annotated[list[Id], Meta(max_length=MOST_TYPES, description="interaction types to try, one after the other")] = []


class StoredInteraction(Interaction, forbid_unknown_fields=True, gc=False, kw_only=True):
    """One interaction of a lead, named by an id that it keeps for ever."""

    event_id: Annotated[Id, Meta(description="yours; the same id is taken once, however often it is sent")]
    lead_id: Id


class InteractionsRequest(msgspec.Struct, Generic[L], forbid_unknown_fields=True):
    """Interactions of any leads, in any order, late or early; those of leads that are not known yet wait for them."""

    interactions: Annotated[list[L], Meta(min_length=1, max_length=MOST_EVENTS)]


class LeadUpdate(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is known of a lead from a moment on. What is left out stays; null empties a value."""

    created_at: Annotated[Moment | None, Meta(description="needed for a lead that is not known yet")] = None
    at: Annotated[Moment | None, Meta(description="from when this holds; default: now")] = None
    lead_stage: Id | None = None
    lead_stage_since: Annotated[Moment | None, Meta(description="default: `at`, for a new lead created_at")] = None
    attributes: Annotated[dict[str, Scalar] | None, Meta(description="source, country, job_title … and custom columns")] = None
    company: Annotated[
        dict[str, Scalar] | None, Meta(description="company_id and its attributes; company_id null: no company")
    ] = None
    opted_out: Annotated[bool | None, Meta(description="true: it is not scored any more")] = None
    human_review: Annotated[bool | None, Meta(description="true: a person is to look at what is decided")] = None
