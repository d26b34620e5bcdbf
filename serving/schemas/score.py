"""The words of the API: answers but that for a scored lead (`answer.py`); requests are in `requests.py`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from models.decision.recommend import Action


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    lead: str | None = None
    field: str | None = Field(None, description="JSON pointer")
    value: str | None = None
    errors: list[Problem] | None = None


class Change(BaseModel):
    """One situation that could still come, and what the lead would be then. Everything else stays as it is."""

    kind: Literal["interaction", "silence", "yours"]
    label: str
    interactions: list[str] = Field(description="interaction types that would happen now")
    days: int = Field(description="days in which nothing would happen")
    direction: Literal["in", "out"] | None = Field(description="usually by the lead (in) or by us (out)")
    chance: float = Field(description="P(final lead stage) then")
    chance_change: float
    next: float = Field(description="P(next lead stage) then")
    score: int
    points: float
    action: Action
    lead_stage: str = Field(description="lead stage that would be recommended")
    expected_value: float | None


class WhatIfResponse(BaseModel):
    """A lead as it is, and what would change it: interactions first, the most helpful one first."""

    lead_id: str
    target: str = Field(description="the next lead stage")
    final: str
    chance: float
    next: float
    score: int
    points: float
    action: Action
    changes: list[Change]
    warnings: list[str] = Field(description="why no change can move this lead's chance; empty where some can")


class FillingProgress(BaseModel):
    """How far a store is filled."""

    table: str = Field(description='what is being loaded; "" while the data are read')
    completed: int = Field(description="rows of it in the store")
    total: int


class WorkListPage(BaseModel):
    """Rows of the work list, in the order asked for."""

    as_of: str
    model: dict[str, str] = Field(description="name and version of the model that scored them")
    total: int = Field(description="rows that fit, on all pages")
    waiting: int = Field(description="leads to be scored again")
    filling: FillingProgress | None = Field(description="what is being loaded into the store; null where nothing is")
    rows: list[dict[str, Any]] = Field(
        description="rank, lead_id, lead_stage, score, grade, chance of the final lead stage with low and high, rules_chance, "
        "expected_value, points, action, recommended_lead_stage, status, why, reasons, next_steps, source, country, "
        "human_review, as_of, scored_at"
    )


class LeadRequest(BaseModel):
    """What `POST /v1/score` takes: a lead first, its colleagues behind it."""

    as_of: str
    leads: list[dict[str, Any]]


class ModelName(BaseModel):
    """Which model answered."""

    name: str
    version: str
    trained_at: str


class FunnelFrame(BaseModel):
    """The lead stages in order, the exits, and the days within which each next lead stage must be reached."""

    stages: list[str]
    exits: list[str]
    horizons_days: dict[str, float] | None = Field(description="null for data without dates")


class About(ModelName):
    """The model that answers."""

    funnel: FunnelFrame
    features: int
    interaction_types: list[str]
    attributes: list[str] = Field(description="entity.column")
    policy: dict[str, Any] = Field(description="the hand-over line and what it rests on")
    held_out: dict[str, Any] = Field(description="metrics on held-out leads")
    notes: list[str]


EXAMPLE: dict[str, Any] = {
    "as_of": "2026-06-30T00:00:00Z",
    "leads": [
        {
            "lead_id": "L-1",
            "lead_stage": "mql",
            "created_at": "2026-05-20T09:00:00Z",
            "lead_stage_since": "2026-06-10T14:30:00Z",
            "attributes": {"source": "webinar", "country": "DE", "job_title": "Leiterin Vertrieb"},
            "company": {"company_id": "C-7", "industry": "software", "employees": 250},
            "interactions": [
                {"type": "page_view", "at": "2026-06-09T10:00:00Z", "direction": "in"},
                {"type": "product_video", "at": "2026-06-10T14:00:00Z", "direction": "in", "value": 95},
                {"type": "pricing_page_view", "at": "2026-06-28T08:15:00Z", "direction": "in", "content": "pricing"},
                {"type": "trial_requested", "at": "2026-06-29T16:40:00Z", "direction": "in"},
            ],
        }
    ],
}
