"""The words of the API about stored leads: what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from models.decision.recommend import Action
from serving.schemas.answer import Result
from serving.schemas.score import ModelName


class RefusedEvent(BaseModel):
    """An interaction that was not taken, and why."""

    place: int = Field(description="in the request, from 0")
    event_id: str | None
    lead_id: str | None
    detail: str
    field: str | None = Field(description="JSON pointer")


class InteractionsAnswer(BaseModel):
    """What became of a batch; it is on disk when this is answered."""

    received: int
    new: int
    known: int = Field(description="sent before: nothing changed")
    waiting: int = Field(description="of the new ones, those whose lead is not known yet")
    erased: int = Field(description="of leads that were erased: not kept")
    personal: int = Field(default=0, description="of which a personal detail was cut out: an address, a number, a name")
    refused: list[RefusedEvent]


class LeadWritten(BaseModel):
    """What a write did. `version` is in the header ETag too."""

    lead_id: str
    version: int
    created: bool
    changed: bool
    left_out: Mapping[str, str] = Field(
        default_factory=dict, description="JSON pointer → kind of each value that is personal and was not kept, or cut"
    )


class RecordedLeadStage(BaseModel):
    """A lead stage or exit of a lead."""

    lead_stage: str
    at: datetime = Field(description="from when it holds")
    received_at: datetime
    withdrawn_at: datetime | None = Field(description="when it was taken back; null where it stands")
    withdrawn_by: str | None = Field(description="the id of the key that took it back")


class LeadStageHistory(BaseModel):
    """All that was recorded of where a lead stands, the oldest first."""

    lead_id: str
    lead_stages: list[RecordedLeadStage]


class LeadStageWithdrawn(BaseModel):
    """What taking back did; `changed` is false where it was taken back before. `version` is in the header ETag too."""

    lead_id: str
    version: int
    changed: bool


class HumanReview(BaseModel):
    """Whether a person should look before something is decided, and why."""

    needed: bool
    reasons: list[Literal["asked", "disqualify", "uncertain", "low_confidence"]]


class StoredScore(BaseModel):
    """The score of a stored lead at a moment."""

    model: ModelName
    as_of: datetime
    result: Result
    human_review: HumanReview


class PastScore(BaseModel):
    """A score as it was recorded; a row wherever somebody would have seen a difference."""

    as_of: datetime
    scored_at: datetime
    model: str
    version: str
    lead_stage: str
    chance: float = Field(description="P(final lead stage)")
    next_chance: float = Field(description="P(next lead stage)")
    score: int
    grade: str
    points: float
    action: Action
    recommended_lead_stage: str
    expected_value: float | None


class ScoreHistory(BaseModel):
    """The recorded scores of a lead, the newest first."""

    lead_id: str
    scores: list[PastScore]


class WhyLine(BaseModel):
    """What one thing added to the log-odds of the next lead stage, before and after. The values are what was seen of it."""

    label: str
    unit: str
    value_before: float | None
    value_after: float | None
    before: float
    after: float
    change: float


class WhyStep(BaseModel):
    """One cause of the change. In a step with log-odds: after - before = Σ change of the lines + rest + start + calibration."""

    what: Literal["model", "lead", "lead_stage", "together"]
    why: str
    chance_before: float
    chance_after: float
    target: str | None = Field(description="the lead stage that the log-odds are about; null where they are about two")
    log_odds_before: float | None
    log_odds_after: float | None
    lines: list[WhyLine] = Field(description="only of the step `lead`, the largest change first")
    rest: float = Field(description="change of what is not among the lines")
    start: float
    calibration: float


class WhySide(BaseModel):
    """One of the two scores that are compared. Not recorded: worked out now from what was known then."""

    as_of: datetime
    recorded: bool
    model: str
    version: str
    lead_stage: str
    chance: float
    next_chance: float


class Why(BaseModel):
    """Why a score changed between two moments: steps from the one to the other, one after the other."""

    lead_id: str
    before: WhySide
    after: WhySide
    steps: list[WhyStep]


class Erasure(BaseModel):
    """What was deleted of a lead, and what a search found afterwards, by table."""

    deleted: dict[str, int]
    left: dict[str, int]


class DataUsed(BaseModel):
    """What of a person went into a score."""

    lead_stage: str
    lead_stage_since: datetime
    created_at: datetime
    attributes: dict[str, Any]
    company: dict[str, Any]
    interactions: dict[str, int] = Field(description="how many of each type before as_of")
    first_interaction: datetime | None
    last_interaction: datetime | None
    colleagues: int = Field(description="others of the same company whose activity counts")


class Decision(BaseModel):
    """What somebody may be told who asks how a decision about them was made (GDPR, Articles 15(1)(h) and 22)."""

    lead_id: str
    as_of: datetime
    status: str
    model: ModelName
    logic: str = Field(description="what the model does, in plain words")
    recommendation: str | None = Field(description="what is recommended, and why")
    action: Action | None
    human_review: HumanReview
    review: str = Field(description="what that means, in plain words")
    data_used: DataUsed
    reasons: list[str] = Field(description="what weighed most, in plain words")
    rules: list[str] = Field(description="what the points rules gave, line by line")
    would_change: list[str] = Field(description="what would lead to another recommendation, or to a higher chance")
    contact: str | None = Field(description="who answers for it: RIPELINE_CONTACT")


EVENTS_EXAMPLE: dict[str, Any] = {
    "interactions": [
        {
            "event_id": "web-90177",
            "lead_id": "L-1",
            "type": "pricing_page_view",
            "at": "2026-06-28T08:15:00Z",
            "direction": "in",
        },
        {"event_id": "web-90213", "lead_id": "L-1", "type": "trial_requested", "at": "2026-06-29T16:40:00Z", "direction": "in"},
    ]
}
LEAD_EXAMPLE: dict[str, Any] = {
    "created_at": "2026-05-20T09:00:00Z",
    "lead_stage": "mql",
    "lead_stage_since": "2026-06-10T14:30:00Z",
    "attributes": {"source": "webinar", "country": "DE", "job_title": "Leiterin Vertrieb"},
    "company": {"company_id": "C-7", "industry": "software", "employees": 250},
}
