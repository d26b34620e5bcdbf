"""A stored lead with its colleagues as a request sends them: who asks with it gets the score that the store gives."""

from __future__ import annotations

from typing import Any

from features.engine.request import Interaction
from serving.scoring.request import time_of
from serving.store.lead_reads import Person, StoredLeads


def as_request(stored_leads: StoredLeads, subject: Person, as_of: int) -> dict[str, Any]:
    """The body of `POST /v1/score`: the lead first, its colleagues behind it; whoever was created later is left out."""
    colleagues = [person for person in stored_leads.people.values() if person is not subject and person.status != "not_yet"]
    return {"as_of": _iso(as_of), "leads": [_lead(person) for person in (subject, *colleagues)]}


def _lead(person: Person) -> dict[str, Any]:
    lead = person.live
    company = {"company_id": lead.company_id, **lead.company} if lead.company_id else None
    stage_since = {"lead_stage_since": _iso(lead.entered)} if person.status == "open" else {}
    recommendation = {"previous": {"action": lead.recommended[0], "at": _iso(lead.recommended[1])}} if lead.recommended else {}
    return {
        "lead_id": lead.lead_id,
        "lead_stage": person.lead_stage,
        "created_at": _iso(lead.created),
        **stage_since,
        "attributes": {**lead.attributes, **({"opted_out": True} if person.opted_out else {})},
        "company": company,
        "interactions": [_act(act) for act in lead.interactions],
        **recommendation,
    }


def _act(act: Interaction) -> dict[str, Any]:
    fields = {"type": act.type, "at": _iso(act.time), "value": act.value, "content": act.content, "direction": act.direction}
    return {name: value for name, value in fields.items() if value is not None}


def _iso(moment: int) -> str:
    return time_of(moment).isoformat()
