"""A stored lead with its colleagues as a request sends them: who asks with it gets the score that the store gives."""

from __future__ import annotations

from typing import Any

from features.engine.request import Act
from serving.scoring.request import EPOCH, MICROSECOND
from serving.store.lead_reads import Found, Person


def as_request(found: Found, first: Person, as_of: int) -> dict[str, Any]:
    """The body of `POST /v1/score`: the lead first, its colleagues behind it; whoever was created later is left out."""
    others = [person for person in found.people.values() if person is not first and person.stand != "not_yet"]
    return {"as_of": _iso(as_of), "leads": [_lead(person) for person in (first, *others)]}


def _lead(person: Person) -> dict[str, Any]:
    lead = person.live
    company = {"company_id": lead.company_id, **lead.company} if lead.company_id else None
    since = {"lead_stage_since": _iso(lead.entered)} if person.stand == "open" else {}
    before = {"previous": {"action": lead.recommended[0], "at": _iso(lead.recommended[1])}} if lead.recommended else {}
    return {
        "lead_id": lead.lead_id,
        "lead_stage": person.lead_stage,
        "created_at": _iso(lead.created),
        **since,
        "attributes": {**lead.attributes, **({"opted_out": True} if person.opted_out else {})},
        "company": company,
        "interactions": [_act(act) for act in lead.acts],
        **before,
    }


def _act(act: Act) -> dict[str, Any]:
    told = {"type": act.type, "at": _iso(act.at), "value": act.value, "content": act.content, "direction": act.direction}
    return {name: value for name, value in told.items() if value is not None}


def _iso(at: int) -> str:
    return (EPOCH + at * MICROSECOND).isoformat()
