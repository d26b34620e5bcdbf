"""Scores go where sales looks: what changed, once, and nobody else's fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectors.crm.score_fields import FIELDS, values_of
from connectors.crm.write_back import Ledger, plan, send
from tests.connectors.crm.crms import Site
from tests.connectors.crm.server import Call

AT = datetime(2026, 6, 30, tzinfo=UTC)


def row(score: int, **more: Any) -> dict[str, Any]:
    usual = {"score": score, "grade": "A1", "recommended_lead_stage": "mql", "action": "nurture", "p_customer": 0.1234}
    return {**usual, "points": 35.0, "expected_value": 1234.5, "reasons": "webinar (+0.4)", "why": "It is ripe.", **more}


def scored(here: Site, score: int = 50, most: int = 60) -> dict[str, dict[str, Any]]:
    names = sorted(here.dataset.leads["lead_id"])[:most]
    return {name: values_of(row(score), "customer", "small 3", AT) for name in names}


def written(here: Site, records: Any, create: bool = True, most_changed: float = 1.0, evidence: Any = None) -> Any:
    """One write-back; what it did."""
    connector = here.open()
    made_ready(here)
    connector.prepare(FIELDS, create=create and here.crm.kind != "salesforce")
    ledger = Ledger(here.home / "crm" / "sent.sqlite")
    try:
        known = ledger.digests()
        departed = connector.landing.removed_records("lead", "people", [name for name in known if name not in records])
        places = connector.places(list({**records, **known}))
        todo = plan(records, known, FIELDS, None, departed, places, ledger.visible(), evidence or {})
        todo = todo.without(connector.unwritable([name for name, _ in todo.records]))
        return send(connector, todo, ledger, "small 3", most_changed=most_changed)
    finally:
        ledger.close()


def deploy(fake: Any) -> None:
    """What an administrator of Salesforce does once: the score fields, as the shipped metadata has them."""
    kinds = {"number": "double", "text": "string", "long": "textarea", "time": "datetime"}
    for kind in ("Lead", "Contact"):
        for field in FIELDS:
            name = "Ripeline_" + "_".join(word.capitalize() for word in field.key.split("_")) + "__c"
            fake.fields[kind][name] = {
                "name": name,
                "label": name,
                "type": kinds[field.kind],
                "custom": True,
                "updateable": True,
            }


def made_ready(here: Site) -> None:
    """Fields that cannot be made by the API are there."""
    if here.crm.kind == "salesforce":
        deploy(here.fake)


def writes(here: Site) -> list[Call]:
    method = "PATCH" if here.crm.kind in ("salesforce", "pipedrive") else "POST"
    return [c for c in here.fake.made(here.crm.write, method) if "_method" not in c.params]
