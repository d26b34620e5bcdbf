"""A world as Pipedrive has it: records, histories and acts for the stand-in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.connectors.crm.world import World
from tests.connectors.pipedrive.stand_in import Pipedrive, rfc

STAGES = {1: "Qualified", 2: "Proposal made"}
SERVED = {"call_answered", "meeting"}


def filled(world: World, **settings: Any) -> Pipedrive:
    """A Pipedrive that holds a world; its moments have whole seconds."""
    fake = Pipedrive(**settings)
    region = {"field_code": "a" * 40, "field_name": "Region", "field_type": "enum", "is_custom_field": True}
    regions = sorted({r["region"] for r in world.leads if r["region"]})
    fake.person_fields = [
        {"field_code": "name", "field_name": "Name", "field_type": "varchar", "is_custom_field": False, "options": None},
        {**region, "options": [{"id": n, "label": name} for n, name in enumerate(regions, 1)]},
        {
            "field_code": "b" * 40,
            "field_name": "Mobile phone",
            "field_type": "varchar",
            "is_custom_field": True,
            "options": None,
        },
    ]
    industries = sorted({r["industry"] for r in world.companies if r["industry"]})
    fake.organisation_fields = [
        {
            "field_code": "industry",
            "field_name": "Industry",
            "field_type": "enum",
            "is_custom_field": False,
            "options": [{"id": n, "label": name} for n, name in enumerate(industries, 1)],
        }
    ]
    fake.records["pipelines"][1] = {"id": 1, "name": "Sales"}
    for number, name in STAGES.items():
        fake.records["stages"][number] = {"id": number, "name": name, "pipeline_id": 1, "update_time": "2024-01-01T00:00:00Z"}
    for number, row in enumerate(world.companies, 1):
        fake.ids[row["company_id"]] = str(number)
        fake.records["organizations"][number] = {
            "id": number,
            "name": f"Company {number}",
            "industry": industries.index(row["industry"]) + 1 if row["industry"] else None,
            "employee_count": row["employees"] and int(row["employees"]),
            "annual_revenue": row["annual_revenue"],
            "address": {"country": row["country"]},
            "is_deleted": False,
            "add_time": "2024-01-01T00:00:00Z",
            "update_time": "2024-01-01T00:00:00Z",
            "custom_fields": {},
        }
    for number, row in enumerate(world.leads, 1):
        _person(fake, world, number, row, regions)
    for number, row in enumerate(world.deals, 1):
        _deal(fake, number, row)
    for number, act in enumerate(sorted((a for a in world.interactions if a["type"] in SERVED), key=lambda a: a["at"]), 1):
        person, at = int(fake.ids[act["lead_id"]]), act["at"]
        fake.records["activities"][number] = {
            "id": number,
            "type": "call" if act["type"] == "call_answered" else "meeting",
            "done": True,
            "marked_as_done_time": rfc(at),
            "duration": "00:30",
            "due_date": at.strftime("%Y-%m-%d"),
            "due_time": at.strftime("%H:%M"),
            "person_id": person,
            "participants": [{"person_id": person, "primary": True}],
            "is_deleted": False,
            "add_time": rfc(at),
            "update_time": rfc(at),
        }
    return fake


def _person(fake: Pipedrive, world: World, number: int, row: dict[str, Any], regions: list[str]) -> None:
    created = row["created_at"]
    fake.ids[row["lead_id"]] = str(number)
    custom = {"a" * 40: regions.index(row["region"]) + 1 if row["region"] else None, "b" * 40: "+49 170 1234567"}
    fake.records["persons"][number] = {
        "id": number,
        "name": "Ada Lovelace",
        "emails": [{"value": world.mail(row["lead_id"], row["email_domain"]), "primary": True, "label": "work"}],
        "org_id": int(fake.ids[row["company_id"]]) if row["company_id"] else None,
        "add_time": rfc(created),
        "update_time": rfc(created),
        "is_deleted": False,
        "custom_fields": custom,
        "marketing_status": "unsubscribed" if row["lead_id"] in world.opt_outs else "subscribed",
    }
    for stage, at in world.stages.get(row["lead_id"], []):
        if stage == "mql":
            fake.inbox.append(
                {
                    "id": f"0{number}-uuid",
                    "title": "x",
                    "person_id": number,
                    "organization_id": None,
                    "source_name": row["source"],
                    "channel": None,
                    "is_archived": False,
                    "add_time": rfc(at),
                    "update_time": rfc(at),
                }
            )


def _deal(fake: Pipedrive, number: int, row: dict[str, Any]) -> None:
    created, closed, status = row["created_at"], row["closed_at"], row["status"]
    fake.ids[row["deal_id"]] = str(number)
    fake.records["deals"][number] = {
        "id": number,
        "title": "x",
        "value": row["amount"],
        "currency": row["currency"],
        "person_id": int(fake.ids[row["lead_id"]]),
        "org_id": None,
        "stage_id": 1,
        "pipeline_id": 1,
        "status": "open",
        "add_time": rfc(created),
        "update_time": rfc(created),
        "stage_change_time": None,
        "won_time": None,
        "lost_time": None,
        "close_time": None,
        "is_archived": False,
        "is_deleted": False,
        "custom_fields": {},
    }
    if closed:
        fake.touch("deals", number, {"stage_id": 2}, created + timedelta(days=1))
        fake.touch("deals", number, {"status": status, f"{status}_time": rfc(closed), "close_time": rfc(closed)}, closed)
